/* SPDX-License-Identifier: ISC
 *
 * nl.h - netlink: building requests, sending them, reading the answers.
 *
 * The kernel answers a request before sendmsg returns, so a call does not wait for anything but the kernel's own work.
 */
#ifndef IKELIBD_NL_H
#define IKELIBD_NL_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_MSG_MAX 8192
/* The kernel's own macros for attributes are signed. */
#define NL_ATTR_HEADER sizeof(struct nlattr)
#define NL_ALIGN(n)    (((size_t)(n) + 3U) & ~(size_t)3U)

/* A message that did not fit is marked, and nl_call refuses it. */
struct nl_msg {
    size_t len;
    bool overflow;
    _Alignas(8) uint8_t buf[NL_MSG_MAX];
};

/* Header and the fixed struct of this message type. NLM_F_REQUEST is added by nl_call. */
void nl_begin(struct nl_msg *m, uint16_t type, uint16_t flags, const void *body, size_t n);
void nl_attr(struct nl_msg *m, uint16_t type, const void *data, size_t n);
void nl_attr_u32(struct nl_msg *m, uint16_t type, uint32_t value);
/* An attribute that holds attributes. */
size_t nl_nest(struct nl_msg *m, uint16_t type);
void nl_nest_end(struct nl_msg *m, size_t at);
/* Where the fixed struct begins. */
void *nl_body(struct nl_msg *m);
/* Requests and answers may hold keys. */
void nl_wipe(struct nl_msg *m);

struct nl_sock {
    int fd;
    uint32_t seq;
    uint32_t port; /* ours: what we change bears it when the kernel tells everybody (nlmsg_pid) */
    char why[160]; /* the kernel's own words about the last error, or empty */
    uint8_t *rx;   /* NL_RX_MAX octets */
};
#define NL_RX_MAX 65536

int nl_open(struct nl_sock *s, int protocol); /* 0 or -errno */
void nl_close(struct nl_sock *s);
/* A message of the answer; what it returns is ignored unless negative, which becomes the call's result. */
typedef int nl_reply_fn(void *arg, const struct nlmsghdr *h);
/* Send, with our port as the sender, and read until the acknowledgement or the end of the dump. 0 or -errno. Both buffers are
 * wiped when it returns. */
int nl_call(struct nl_sock *s, struct nl_msg *m, nl_reply_fn *reply, void *arg);

/* A socket that hears of everything in these multicast groups: a descriptor, or -errno. */
int nl_listen(int protocol, const int *groups, size_t n);
typedef void nl_event_fn(void *arg, const struct nlmsghdr *h);
/* Hand on what waits there, a bounded number of datagrams. 0, or -ENOBUFS: something was lost before or among them. */
int nl_events(int fd, nl_event_fn *event, void *arg);

/* The attributes behind a fixed struct of n octets; out[] by type, up to max, NULL where absent. */
void nl_attrs(const struct nlmsghdr *h, size_t n, const struct nlattr **out, size_t max);
static inline const void *nl_data(const struct nlattr *a) { return (const char *)a + NL_ATTR_HEADER; }
static inline size_t nl_len(const struct nlattr *a) { return (size_t)a->nla_len - NL_ATTR_HEADER; }

#endif
