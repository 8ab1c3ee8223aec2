/* SPDX-License-Identifier: ISC
 *
 * pfk.c - PF_KEYv2 (RFC 2367): building messages, reading them, asking the kernel.
 */
#include "sysdep/pfk.h"
#include "sysdep/ksock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WORD     8U   /* lengths are counted in these */
#define ANY      255U /* a protocol; 0 is none of the kernel's */
#define EXT_HEAD sizeof(struct sadb_ext)

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

/* ---- Building ------------------------------------------------------------------------------------------------------------- */

static void *grow(struct pfk_msg *m, size_t n)
{
    size_t padded = (n + WORD - 1) / WORD * WORD;
    if (m->overflow || n > sizeof(m->buf) || padded > sizeof(m->buf) - m->len) {
        m->overflow = true;
        return NULL;
    }
    uint8_t *at = m->buf + m->len;
    memset(at, 0, padded);
    m->len += padded;
    return at;
}

void pfk_begin(struct pfk_msg *m, uint8_t type, uint8_t satype)
{
    m->len = 0;
    m->overflow = false;
    m->seq = 0;
    struct sadb_msg *h = grow(m, sizeof(*h));
    h->sadb_msg_version = PF_KEY_V2;
    h->sadb_msg_type = type;
    h->sadb_msg_satype = satype;
}

void *pfk_ext(struct pfk_msg *m, uint16_t type, size_t n)
{
    struct sadb_ext *e = grow(m, n);
    if (e != NULL) {
        e->sadb_ext_len = (uint16_t)((n + WORD - 1) / WORD);
        e->sadb_ext_type = type;
    }
    return e;
}

size_t pfk_sockaddr(const ike_addr *a, uint16_t port, uint8_t *out)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    memset(&u, 0, sizeof(u));
    size_t n = a->family == 6 ? sizeof(u.v6) : sizeof(u.v4);
    if (a->family == 6) {
        u.v6.sin6_family = AF_INET6;
        u.v6.sin6_port = htons(port);
        memcpy(&u.v6.sin6_addr, a->ip, 16);
    } else {
        u.v4.sin_family = AF_INET;
        u.v4.sin_port = htons(port);
        memcpy(&u.v4.sin_addr, a->ip, 4);
    }
    memcpy(out, &u, n);
    return n;
}

void pfk_address(struct pfk_msg *m, uint16_t type, const ike_addr *a, uint8_t bits, uint8_t proto)
{
    uint8_t sa[PFK_SOCKADDR_MAX];
    size_t n = pfk_sockaddr(a, a->port, sa);
    struct sadb_address *e = pfk_ext(m, type, sizeof(*e) + n);
    if (e != NULL) {
        e->sadb_address_proto = (uint8_t)(proto != 0 ? proto : ANY);
        e->sadb_address_prefixlen = bits;
        memcpy(e + 1, sa, n);
    }
}

void pfk_key(struct pfk_msg *m, uint16_t type, ike_bytes key)
{
    if (key.len > UINT16_MAX / WORD) {
        m->overflow = true;
        return;
    }
    struct sadb_key *e = pfk_ext(m, type, sizeof(*e) + key.len);
    if (e != NULL) {
        e->sadb_key_bits = (uint16_t)(8 * key.len);
        if (key.len > 0) {
            memcpy(e + 1, key.ptr, key.len);
        }
    }
}

bool pfk_end(struct pfk_msg *m)
{
    struct sadb_msg *h = (struct sadb_msg *)(void *)m->buf;
    h->sadb_msg_len = (uint16_t)(m->len / WORD);
    return !m->overflow;
}

void pfk_wipe(struct pfk_msg *m)
{
    explicit_bzero(m->buf, m->len);
    m->len = 0;
}

/* ---- Reading -------------------------------------------------------------------------------------------------------------- */

bool pfk_parse(const uint8_t *p, size_t n, struct pfk_view *v)
{
    memset(v, 0, sizeof(*v));
    if (n < sizeof(v->head)) {
        return false;
    }
    memcpy(&v->head, p, sizeof(v->head));
    if (v->head.sadb_msg_version != PF_KEY_V2 || v->head.sadb_msg_len * (size_t)WORD != n) {
        return false;
    }
    for (size_t at = sizeof(v->head); at < n;) { /* n is a multiple of the word, so a header is always whole */
        struct sadb_ext e;
        memcpy(&e, p + at, EXT_HEAD);
        size_t len = e.sadb_ext_len * (size_t)WORD;
        if (len == 0 || len > n - at) {
            return false;
        }
        if (e.sadb_ext_type <= SADB_EXT_MAX) {
            if (v->ext[e.sadb_ext_type].ptr != NULL) {
                return false;
            }
            v->ext[e.sadb_ext_type] = (ike_bytes){p + at, len};
        }
        at += len;
    }
    return true;
}

bool pfk_get(const struct pfk_view *v, uint16_t type, void *out, size_t n)
{
    if (v->ext[type].ptr == NULL || v->ext[type].len < n) {
        return false;
    }
    memcpy(out, v->ext[type].ptr, n);
    return true;
}

size_t pfk_read_sockaddr(const uint8_t *p, size_t n, ike_addr *out)
{
    union {
        sa_family_t family;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    memset(&u, 0, sizeof(u));
    memcpy(&u, p, n < sizeof(u) ? n : sizeof(u));
    *out = (ike_addr){0};
    if (u.family == AF_INET && n >= sizeof(u.v4)) {
        out->family = 4;
        out->port = ntohs(u.v4.sin_port);
        memcpy(out->ip, &u.v4.sin_addr, 4);
        return sizeof(u.v4);
    }
    if (u.family == AF_INET6 && n >= sizeof(u.v6)) {
        out->family = 6;
        out->port = ntohs(u.v6.sin6_port);
        memcpy(out->ip, &u.v6.sin6_addr, 16);
        return sizeof(u.v6);
    }
    return 0;
}

bool pfk_get_address(const struct pfk_view *v, uint16_t type, struct pfk_address *out)
{
    struct sadb_address e;
    if (!pfk_get(v, type, &e, sizeof(e)) ||
        pfk_read_sockaddr(v->ext[type].ptr + sizeof(e), v->ext[type].len - sizeof(e), &out->addr) == 0) {
        return false;
    }
    out->bits = e.sadb_address_prefixlen;
    out->proto = e.sadb_address_proto == ANY ? 0 : e.sadb_address_proto;
    return out->bits <= (out->addr.family == 6 ? 128 : 32);
}

/* ---- Sockets -------------------------------------------------------------------------------------------------------------- */

int pfk_open(struct pfk_sock *s)
{
    /* Linux would take a GETSPI with the number of an acquire for the answer to that: it counts those from 1. */
    *s = (struct pfk_sock){.fd = -1, .pid = (uint32_t)getpid(), .seq = 0x80000000U};
    int error = ksock_open(PF_KEY, PF_KEY_V2, PFK_RX_MAX, &s->fd, &s->rx), size = 1 << 20;
    if (error == 0) {
        (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    }
    return error;
}

void pfk_close(struct pfk_sock *s) { ksock_close(&s->fd, &s->rx); }

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

static bool is_dump(uint8_t type) { return type == SADB_DUMP || type == SADB_X_SPDDUMP; }

/* The number of a dump's messages counts down to 0, and a migration is told without sender and number. */
static bool is_answer(const struct pfk_sock *s, uint8_t type, uint32_t seq, const struct pfk_view *v)
{
    const struct sadb_msg *h = &v->head;
    if (h->sadb_msg_type != type) {
        return false;
    }
    if (type == SADB_X_MIGRATE && h->sadb_msg_pid == 0 && h->sadb_msg_seq == 0) {
        return true;
    }
    return h->sadb_msg_pid == s->pid && (h->sadb_msg_seq == seq || (is_dump(type) && h->sadb_msg_errno == 0));
}

static ssize_t receive(struct pfk_sock *s, int flags)
{
    return ksock_receive(s->fd, s->rx, PFK_RX_MAX, flags | MSG_TRUNC, NULL, 0);
}

static size_t kept(ssize_t n) { return n < PFK_RX_MAX ? (size_t)n : PFK_RX_MAX; }

/* What others were told since the last call would fill the socket, and the answer would not fit in. */
static void drop_waiting(struct pfk_sock *s)
{
    for (ssize_t n; (n = receive(s, MSG_DONTWAIT)) >= 0;) {
        explicit_bzero(s->rx, kept(n));
    }
}

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* What is told to others comes between, and does not let us wait any longer than silence would. Of a dump each message counts:
 * that one goes on is an answer, too. */
static int read_answer(struct pfk_sock *s, uint8_t type, uint32_t seq, pfk_reply_fn *reply, void *arg)
{
    int64_t until = monotonic_ms() + KSOCK_PATIENCE_MS;
    for (;;) {
        struct pfk_view v;
        ssize_t n = receive(s, 0);
        if (n < 0) {
            return (int)n;
        }
        bool ours = n <= PFK_RX_MAX && pfk_parse(s->rx, (size_t)n, &v) && is_answer(s, type, seq, &v);
        int error = ours ? -(int)v.head.sadb_msg_errno : 0;
        if (ours && error == 0 && reply != NULL) {
            reply(arg, &v);
        }
        explicit_bzero(s->rx, kept(n));
        if (ours && (error != 0 || !is_dump(type) || v.head.sadb_msg_seq == 0)) {
            return error;
        }
        if (ours) {
            until = monotonic_ms() + KSOCK_PATIENCE_MS;
        } else if (monotonic_ms() > until) {
            return -ETIMEDOUT;
        }
    }
}

int pfk_call(struct pfk_sock *s, struct pfk_msg *m, pfk_reply_fn *reply, void *arg)
{
    int result = pfk_end(m) ? 0 : -EMSGSIZE;
    struct sadb_msg *h = (struct sadb_msg *)(void *)m->buf;
    uint8_t type = h->sadb_msg_type;
    uint32_t seq = m->seq != 0 ? m->seq : ++s->seq;
    if (result == 0) {
        drop_waiting(s);
        h->sadb_msg_seq = seq;
        h->sadb_msg_pid = s->pid;
        result = send(s->fd, m->buf, m->len, 0) < 0 ? -errno : 0;
    }
    pfk_wipe(m);
    return result != 0 ? result : read_answer(s, type, seq, reply, arg);
}

int pfk_register(struct pfk_sock *s, uint8_t satype)
{
    struct pfk_msg m;
    pfk_begin(&m, SADB_REGISTER, satype);
    return pfk_call(s, &m, NULL, NULL);
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

#define EVENTS_A_TURN 64

/* Messages for a full socket are dropped without a word. It is full as long as nobody has read from it since. */
static bool was_full(const struct pfk_sock *s)
{
    uint32_t info[2] = {0}; /* SK_MEMINFO_RMEM_ALLOC and _RCVBUF */
    socklen_t len = sizeof(info);
    return getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 && len >= sizeof(info) && info[0] > info[1];
}

int pfk_events(struct pfk_sock *s, pfk_reply_fn *event, void *arg)
{
    int result = was_full(s) ? -ENOBUFS : 0;
    for (int i = 0; i < EVENTS_A_TURN; i++) {
        struct pfk_view v;
        ssize_t n = receive(s, MSG_DONTWAIT);
        if (n < 0) {
            return result;
        }
        if (n > PFK_RX_MAX) {
            result = -ENOBUFS;
        } else if (pfk_parse(s->rx, (size_t)n, &v)) {
            event(arg, &v);
        }
        explicit_bzero(s->rx, kept(n)); /* an SA that is asked for is told with its keys */
    }
    return result;
}
