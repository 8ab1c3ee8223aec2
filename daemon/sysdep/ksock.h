/* SPDX-License-Identifier: ISC
 *
 * ksock.h - a socket to the kernel and room for what it says: what netlink and PF_KEY have in common.
 */
#ifndef IKELIBD_KSOCK_H
#define IKELIBD_KSOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define KSOCK_PATIENCE_MS 2000

/* A raw socket that does not wait for longer than that, and a buffer of `room` octets. 0 or -errno. */
int ksock_open(int family, int protocol, size_t room, int *fd, uint8_t **rx);
void ksock_close(int *fd, uint8_t **rx);
/* The octets of the next datagram, with MSG_TRUNC also those that there was no room for; or -errno, -ETIMEDOUT: none came. from
 * may be NULL. */
ssize_t ksock_receive(int fd, void *rx, size_t room, int flags, struct sockaddr *from, socklen_t len);

#endif
