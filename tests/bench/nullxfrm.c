/* SPDX-License-Identifier: ISC
 *
 * A kernel that has no IPsec and says yes: preloaded into charon, it answers what charon asks of XFRM by netlink within the
 * process, so that a comparison of daemons measures no kernel. SPIs are drawn one after the other; everything else is
 * acknowledged, and questions about SAs are answered with "no such thing". Other netlink sockets are left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 1024 };
#ifndef RTLD_NEXT /* GNU's; but with GNU's names asked for, sys/socket.h has unions in place of addresses */
#define RTLD_NEXT ((void *)-1L)
#endif

static int other_end[FDS]; /* of the pair whose one end charon has for a socket of XFRM; 0: no such socket */
static uint32_t last_spi = 0xc0000000;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_ours(int fd) { return fd >= 0 && fd < FDS && other_end[fd]; }

static int (*real_socket)(int, int, int);
static int (*real_bind)(int, const struct sockaddr *, socklen_t);
static ssize_t (*real_sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
static ssize_t (*real_recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);

/* Functions out of object pointers, in the way POSIX has it. */
__attribute__((constructor)) static void find_real(void)
{
    *(void **)&real_socket = dlsym(RTLD_NEXT, "socket");
    *(void **)&real_bind = dlsym(RTLD_NEXT, "bind");
    *(void **)&real_sendto = dlsym(RTLD_NEXT, "sendto");
    *(void **)&real_recvfrom = dlsym(RTLD_NEXT, "recvfrom");
}

int socket(int domain, int type, int protocol)
{
    int pair[2];
    if (domain != AF_NETLINK || protocol != NETLINK_XFRM) {
        return real_socket(domain, type, protocol);
    }
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) {
        return -1;
    }
    if (pair[0] >= FDS) {
        close(pair[0]);
        close(pair[1]);
        errno = EMFILE;
        return -1;
    }
    other_end[pair[0]] = pair[1];
    return pair[0];
}

int bind(int fd, const struct sockaddr *addr, socklen_t len) { return is_ours(fd) ? 0 : real_bind(fd, addr, len); }

static void answer(int fd, const struct nlmsghdr *asked)
{
    union {
        struct nlmsghdr h;
        uint8_t bytes[NLMSG_SPACE(sizeof(struct xfrm_usersa_info))];
    } m = {.h = {.nlmsg_seq = asked->nlmsg_seq}};
    if (asked->nlmsg_type == XFRM_MSG_ALLOCSPI) {
        struct xfrm_usersa_info info = {.family = AF_INET};
        pthread_mutex_lock(&lock);
        uint32_t spi = ++last_spi;
        pthread_mutex_unlock(&lock);
        info.id.spi = spi << 24 | (spi << 8 & 0xff0000) | (spi >> 8 & 0xff00) | spi >> 24;
        m.h.nlmsg_type = XFRM_MSG_NEWSA;
        m.h.nlmsg_len = NLMSG_LENGTH(sizeof info);
        memcpy(NLMSG_DATA(&m.h), &info, sizeof info);
    } else {
        bool question = asked->nlmsg_type == XFRM_MSG_GETSA || asked->nlmsg_type == XFRM_MSG_GETPOLICY;
        struct nlmsgerr error = {.error = question ? -ESRCH : 0, .msg = *asked};
        m.h.nlmsg_type = NLMSG_ERROR;
        m.h.nlmsg_len = NLMSG_LENGTH(sizeof error);
        memcpy(NLMSG_DATA(&m.h), &error, sizeof error);
    }
    ssize_t sent = send(other_end[fd], &m, m.h.nlmsg_len, MSG_DONTWAIT);
    (void)sent; /* the reader is gone */
}

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to, socklen_t to_len)
{
    if (!is_ours(fd)) {
        return real_sendto(fd, bytes, n, flags, to, to_len);
    }
    struct nlmsghdr h;
    for (size_t at = 0; n - at >= sizeof h; at += NLMSG_ALIGN(h.nlmsg_len)) {
        memcpy(&h, (const uint8_t *)bytes + at, sizeof h);
        if (h.nlmsg_len < sizeof h || h.nlmsg_len > n - at) {
            break;
        }
        answer(fd, &h);
        if (NLMSG_ALIGN(h.nlmsg_len) > n - at) {
            break;
        }
    }
    return (ssize_t)n;
}

/* The sender's address is looked at: it has to be the kernel's, which is 0. */
ssize_t recvfrom(int fd, void *bytes, size_t n, int flags, struct sockaddr *from, socklen_t *from_len)
{
    if (!is_ours(fd)) {
        return real_recvfrom(fd, bytes, n, flags, from, from_len);
    }
    if (from && from_len) {
        memset(from, 0, *from_len);
    }
    return real_recvfrom(fd, bytes, n, flags, NULL, NULL);
}
