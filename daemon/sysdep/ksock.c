/* SPDX-License-Identifier: ISC
 *
 * ksock.c - a socket to the kernel and room for what it says.
 */
#include "sysdep/ksock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

int ksock_open(int family, int protocol, size_t room, int *fd, uint8_t **rx)
{
    struct timeval patience = {.tv_sec = KSOCK_PATIENCE_MS / 1000};
    *rx = NULL;
    *fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (*fd < 0) {
        return -errno;
    }
    (void)setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    *rx = malloc(room);
    if (*rx == NULL) {
        ksock_close(fd, rx);
        return -ENOMEM;
    }
    return 0;
}

void ksock_close(int *fd, uint8_t **rx)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
    free(*rx);
    *rx = NULL;
}

ssize_t ksock_receive(int fd, void *rx, size_t room, int flags, struct sockaddr *from, socklen_t len)
{
    ssize_t n;
    do {
        n = recvfrom(fd, rx, room, flags, from, from != NULL ? &len : NULL);
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : errno == EAGAIN ? -ETIMEDOUT : -errno;
}
