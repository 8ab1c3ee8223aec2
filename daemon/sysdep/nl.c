/* SPDX-License-Identifier: ISC
 *
 * nl.c - netlink: building requests, sending them, reading the answers.
 */
#include "sysdep/nl.h"
#include "sysdep/ksock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef NLM_F_CAPPED
#define NLM_F_CAPPED 0x100
#endif
#ifndef NLM_F_ACK_TLVS
#define NLM_F_ACK_TLVS 0x200
#endif

/* ---- Building ------------------------------------------------------------------------------------------------------------- */

static void *grow(struct nl_msg *m, size_t n)
{
    size_t padded = NL_ALIGN(n);
    if (m->overflow || padded > sizeof(m->buf) - m->len) {
        m->overflow = true;
        return NULL;
    }
    uint8_t *at = m->buf + m->len;
    memset(at, 0, padded);
    m->len += padded;
    return at;
}

void nl_begin(struct nl_msg *m, uint16_t type, uint16_t flags, const void *body, size_t n)
{
    m->len = 0;
    m->overflow = false;
    struct nlmsghdr *h = grow(m, NLMSG_HDRLEN);
    h->nlmsg_type = type;
    h->nlmsg_flags = flags;
    void *at = grow(m, n);
    if (at != NULL && n > 0) {
        memcpy(at, body, n);
    }
}

void *nl_body(struct nl_msg *m) { return m->buf + NLMSG_HDRLEN; }

void nl_attr(struct nl_msg *m, uint16_t type, const void *data, size_t n)
{
    if (n > NL_MSG_MAX) {
        m->overflow = true;
        return;
    }
    struct nlattr *a = grow(m, NL_ATTR_HEADER + n);
    if (a == NULL) {
        return;
    }
    a->nla_type = type;
    a->nla_len = (uint16_t)(NL_ATTR_HEADER + n);
    if (n > 0) {
        memcpy((char *)a + NL_ATTR_HEADER, data, n);
    }
}

void nl_attr_u32(struct nl_msg *m, uint16_t type, uint32_t value) { nl_attr(m, type, &value, sizeof(value)); }

size_t nl_nest(struct nl_msg *m, uint16_t type)
{
    size_t at = m->len;
    nl_attr(m, (uint16_t)(type | NLA_F_NESTED), NULL, 0);
    return at;
}

void nl_nest_end(struct nl_msg *m, size_t at)
{
    if (!m->overflow) {
        struct nlattr *a = (struct nlattr *)(void *)(m->buf + at);
        a->nla_len = (uint16_t)(m->len - at);
    }
}

void nl_wipe(struct nl_msg *m)
{
    explicit_bzero(m->buf, m->len);
    m->len = 0;
}

/* ---- Sockets -------------------------------------------------------------------------------------------------------------- */

int nl_open(struct nl_sock *s, int protocol)
{
    *s = (struct nl_sock){.fd = -1};
    int error = ksock_open(AF_NETLINK, protocol, NL_RX_MAX, &s->fd, &s->rx), on = 1;
    if (error != 0) {
        return error;
    }
    /* Texts for errors, without an echo of the request: it may hold keys. */
    (void)setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    struct sockaddr_nl self = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof(self);
    if (bind(s->fd, (struct sockaddr *)&self, sizeof(self)) < 0 || getsockname(s->fd, (struct sockaddr *)&self, &len) < 0) {
        error = -errno;
        nl_close(s);
        return error;
    }
    s->port = self.nl_pid;
    return 0;
}

void nl_close(struct nl_sock *s) { ksock_close(&s->fd, &s->rx); }

/* ---- Answers -------------------------------------------------------------------------------------------------------------- */

static void walk_attrs(const uint8_t *p, size_t n, const struct nlattr **out, size_t max)
{
    while (n >= NL_ATTR_HEADER) {
        const struct nlattr *a = (const struct nlattr *)(const void *)p;
        size_t step = NL_ALIGN(a->nla_len);
        if (a->nla_len < NL_ATTR_HEADER || a->nla_len > n) {
            return;
        }
        size_t type = a->nla_type & (size_t)0x3fff; /* without the nested and byte order flags */
        if (type <= max) {
            out[type] = a;
        }
        if (step >= n) {
            return;
        }
        p += step;
        n -= step;
    }
}

void nl_attrs(const struct nlmsghdr *h, size_t n, const struct nlattr **out, size_t max)
{
    memset(out, 0, (max + 1) * sizeof(out[0]));
    size_t fixed = NLMSG_HDRLEN + NL_ALIGN(n);
    if (h->nlmsg_len > fixed) {
        walk_attrs((const uint8_t *)h + fixed, h->nlmsg_len - fixed, out, max);
    }
}

/* struct nlmsgerr, then (capped) the header of the request, then the texts. */
static int read_error(struct nl_sock *s, const struct nlmsghdr *h)
{
    const struct nlmsgerr *e = NLMSG_DATA(h);
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*e))) {
        return -EPROTO;
    }
    if (e->error != 0 && (h->nlmsg_flags & NLM_F_ACK_TLVS) != 0) {
        const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];
        size_t echoed = (h->nlmsg_flags & NLM_F_CAPPED) != 0 ? 0 : e->msg.nlmsg_len - NLMSG_HDRLEN;
        nl_attrs(h, sizeof(*e) + echoed, tb, NLMSGERR_ATTR_MSG);
        if (tb[NLMSGERR_ATTR_MSG] != NULL) {
            const struct nlattr *text = tb[NLMSGERR_ATTR_MSG];
            snprintf(s->why, sizeof(s->why), "%.*s", (int)nl_len(text), (const char *)nl_data(text));
        }
    }
    return e->error;
}

/* One datagram of the answer. *done: the last word has been said, *result is it. */
static void read_answer(struct nl_sock *s, size_t n, nl_reply_fn *reply, void *arg, bool *done, int *result)
{
    const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)s->rx;
    for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
        if (h->nlmsg_seq != s->seq) {
            continue; /* a late answer to a call that was given up */
        }
        if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
            int error = h->nlmsg_type == NLMSG_ERROR ? read_error(s, h) : 0;
            *result = *result != 0 ? *result : error;
            *done = true;
            return;
        }
        int error = reply != NULL ? reply(arg, h) : 0;
        if (error < 0 && *result == 0) {
            *result = error;
        }
    }
}

static int exchange(struct nl_sock *s, struct nl_msg *m, nl_reply_fn *reply, void *arg)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(s->fd, m->buf, m->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
        return -errno;
    }
    bool done = false;
    int result = 0;
    while (!done) {
        struct sockaddr_nl from = {0};
        ssize_t n = ksock_receive(s->fd, s->rx, NL_RX_MAX, 0, (struct sockaddr *)&from, sizeof(from));
        if (n < 0) {
            return (int)n;
        }
        if (from.nl_pid == 0) { /* others may write to our socket: only the kernel counts */
            read_answer(s, (size_t)n, reply, arg, &done, &result);
        }
        explicit_bzero(s->rx, (size_t)n);
    }
    return result;
}

int nl_call(struct nl_sock *s, struct nl_msg *m, nl_reply_fn *reply, void *arg)
{
    s->why[0] = 0;
    if (m->overflow) {
        nl_wipe(m);
        return -EMSGSIZE;
    }
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)m->buf;
    h->nlmsg_len = (uint32_t)m->len;
    h->nlmsg_seq = ++s->seq;
    h->nlmsg_pid = s->port;
    h->nlmsg_flags |= NLM_F_REQUEST;
    if ((h->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) {
        h->nlmsg_flags |= NLM_F_ACK;
    }
    int result = exchange(s, m, reply, arg);
    nl_wipe(m);
    return result;
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

#define EVENTS_A_TURN 64

int nl_listen(int protocol, const int *groups, size_t n)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0) {
        return -errno;
    }
    struct sockaddr_nl self = {.nl_family = AF_NETLINK};
    int error = bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0 ? -errno : 0;
    for (size_t i = 0; i < n && error == 0; i++) {
        if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0) {
            error = -errno;
        }
    }
    int size = 1 << 20;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

int nl_events(int fd, nl_event_fn *event, void *arg)
{
    int result = 0;
    for (int i = 0; i < EVENTS_A_TURN; i++) {
        _Alignas(8) uint8_t buf[NL_MSG_MAX];
        struct sockaddr_nl from = {0};
        ssize_t n = ksock_receive(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, sizeof(from));
        if (n == -ENOBUFS) {
            result = -ENOBUFS;
            continue;
        }
        if (n <= 0) {
            return result;
        }
        if (n > (ssize_t)sizeof(buf)) {
            result = -ENOBUFS;
            n = sizeof(buf);
        }
        size_t left = (size_t)n;
        for (const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buf; from.nl_pid == 0 && NLMSG_OK(h, left);
             h = NLMSG_NEXT(h, left)) {
            event(arg, h);
        }
        explicit_bzero(buf, (size_t)n); /* a new SA is told of with its keys */
    }
    return result;
}
