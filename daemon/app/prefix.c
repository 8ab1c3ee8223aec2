/* SPDX-License-Identifier: ISC
 *
 * prefix.c - traffic selectors as kernels and routing tables want them: networks and port masks instead of ranges.
 */
#include "app/prefix.h"

#include "table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTO_ICMP   1
#define PROTO_ICMPV6 58
#define MAX_PREFIXES 254 /* the most a range of IPv6 addresses can need */
#define MAX_PORTS    30

static size_t ip_len(uint8_t family) { return family == 4 ? 4 : 16; }

/* ---- Ranges --------------------------------------------------------------------------------------------------------------- */

static bool get_bit(const uint8_t *ip, size_t bit) { return (ip[bit / 8] >> (7 - bit % 8) & 1) != 0; }

/* hi := the last address of the network lo/bits. */
static void last_of(const uint8_t *lo, size_t len, size_t bits, uint8_t *hi)
{
    for (size_t i = 0; i < len; i++) {
        size_t host_from = bits > 8 * i ? bits - 8 * i : 0;
        uint32_t host_bits = host_from >= 8 ? 0 : 0xffU >> host_from;
        hi[i] = (uint8_t)(lo[i] | host_bits);
    }
}

/* Add one; false when it was the last address. */
static bool increment(uint8_t *ip, size_t len)
{
    while (len-- > 0) {
        if (++ip[len] != 0) {
            return true;
        }
    }
    return false;
}

/* The widest network that begins at lo and does not go beyond hi. */
static size_t widest(const uint8_t *lo, const uint8_t *hi, size_t len)
{
    size_t bits = 8 * len;
    uint8_t last[16];
    while (bits > 0 && !get_bit(lo, bits - 1)) {
        last_of(lo, len, bits - 1, last);
        if (memcmp(last, hi, len) > 0) {
            break;
        }
        bits--;
    }
    return bits;
}

size_t prefixes_of_range(uint8_t family, const uint8_t *lo, const uint8_t *hi, struct prefix *out, size_t max)
{
    size_t len = ip_len(family), n = 0;
    uint8_t at[16] = {0};
    memcpy(at, lo, len);
    if (memcmp(lo, hi, len) > 0) {
        return 0;
    }
    for (;;) {
        if (n == max) {
            return 0;
        }
        struct prefix *p = &out[n++];
        *p = (struct prefix){.family = family, .bits = (uint8_t)widest(at, hi, len)};
        memcpy(p->ip, at, len);
        last_of(p->ip, len, p->bits, at);
        if (memcmp(at, hi, len) == 0 || !increment(at, len)) {
            return n;
        }
    }
}

size_t port_masks_of_range(uint16_t lo, uint16_t hi, struct port_mask *out, size_t max)
{
    if ((lo == 0 && hi == UINT16_MAX) || lo > hi) {
        /* lo > hi is OPAQUE: ports that nobody can see. A kernel's selector cannot say that; protocol alone decides. */
        if (max > 0) {
            out[0] = (struct port_mask){0, 0};
        }
        return max > 0;
    }
    size_t n = 0;
    uint32_t at = lo;
    while (at <= hi) {
        uint32_t size = 1;
        while ((at & (2 * size - 1)) == 0 && at + 2 * size - 1 <= hi) {
            size *= 2;
        }
        if (n == max) {
            return 0;
        }
        out[n++] = (struct port_mask){(uint16_t)at, (uint16_t) ~(size - 1)};
        at += size;
    }
    return n;
}

/* ---- Combinations --------------------------------------------------------------------------------------------------------- */

struct ports {
    struct port_mask local[MAX_PORTS], remote[MAX_PORTS];
    size_t n_local, n_remote;
};

/* RFC 7296 section 3.13.1: the type is in the high octet, the code in the low one. XFRM compares the type with the source and
 * the code with the destination port, in both directions. A range that cuts codes off at both ends is no such pair: false. */
static bool icmp_ports(const ike_ts *ts, struct ports *p)
{
    uint16_t type_lo = ts->port_lo >> 8, type_hi = ts->port_hi >> 8;
    uint16_t code_lo = ts->port_lo & 0xff, code_hi = ts->port_hi & 0xff;
    if (type_lo > type_hi || (type_lo == 0 && type_hi == 0xff)) {
        type_lo = 0;
        type_hi = UINT16_MAX;
    }
    bool all_codes = code_lo == 0 && code_hi == 0xff;
    if (ts->port_lo > ts->port_hi) {
        all_codes = true;
    }
    p->n_local = port_masks_of_range(type_lo, type_hi, p->local, MAX_PORTS);
    p->n_remote = port_masks_of_range(all_codes ? 0 : code_lo, all_codes ? UINT16_MAX : code_hi, p->remote, MAX_PORTS);
    return p->n_local > 0 && p->n_remote > 0 && (all_codes || type_lo == type_hi);
}

static bool any_port(const ike_ts *ts) { return ts->port_lo == 0 && ts->port_hi == UINT16_MAX; }

static bool ports_of(const ike_ts *local, const ike_ts *remote, uint8_t proto, struct ports *p)
{
    if (proto == PROTO_ICMP || proto == PROTO_ICMPV6) {
        return icmp_ports(any_port(local) ? remote : local, p);
    }
    p->n_local = port_masks_of_range(local->port_lo, local->port_hi, p->local, MAX_PORTS);
    p->n_remote = port_masks_of_range(remote->port_lo, remote->port_hi, p->remote, MAX_PORTS);
    return p->n_local > 0 && p->n_remote > 0;
}

struct networks {
    struct prefix local[MAX_PREFIXES], remote[MAX_PREFIXES];
};

/* All flows of one pair of selectors; false when there is no room. */
static bool add_pair(const ike_ts *l, const ike_ts *r, struct networks *nets, struct flow *out, size_t max, size_t *n)
{
    uint8_t proto = l->proto != 0 ? l->proto : r->proto;
    struct ports ports;
    size_t n_local = prefixes_of_range(l->family, l->lo, l->hi, nets->local, MAX_PREFIXES);
    size_t n_remote = prefixes_of_range(r->family, r->lo, r->hi, nets->remote, MAX_PREFIXES);
    if (n_local == 0 || n_remote == 0 || !ports_of(l, r, proto, &ports)) {
        return false;
    }
    size_t combinations = n_local * n_remote * ports.n_local * ports.n_remote;
    if (combinations > max - *n) {
        return false;
    }
    for (size_t i = 0; i < combinations; i++) {
        size_t rest = i / n_local;
        struct flow *f = &out[(*n)++];
        f->proto = proto;
        f->local = nets->local[i % n_local];
        f->remote = nets->remote[rest % n_remote];
        rest /= n_remote;
        f->local_port = ports.local[rest % ports.n_local];
        f->remote_port = ports.remote[rest / ports.n_local];
    }
    return true;
}

size_t flows_of_selectors(const ike_ts *local, size_t n_local, const ike_ts *remote, size_t n_remote, struct flow *out,
                          size_t max)
{
    struct networks *nets = malloc(sizeof(*nets));
    size_t n = 0;
    bool fits = nets != NULL;
    for (size_t i = 0; i < n_local && fits; i++) {
        for (size_t k = 0; k < n_remote && fits; k++) {
            const ike_ts *l = &local[i], *r = &remote[k];
            if (l->family == r->family && (l->proto == r->proto || l->proto == 0 || r->proto == 0)) {
                fits = add_pair(l, r, nets, out, max, &n);
            }
        }
    }
    free(nets);
    return fits ? n : 0;
}

/* ---- Small things --------------------------------------------------------------------------------------------------------- */

bool prefix_contains(const struct prefix *p, const ike_addr *a)
{
    if (p->family != a->family) {
        return false;
    }
    size_t whole = p->bits / 8, rest = p->bits % 8;
    if (memcmp(p->ip, a->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || ((p->ip[whole] ^ a->ip[whole]) & (uint8_t)(0xff00U >> rest)) == 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
    return a->family == b->family && a->bits == b->bits && memcmp(a->ip, b->ip, ip_len(a->family)) == 0;
}

uint32_t prefix_hash(uint32_t seed, const struct prefix *p) { return table_hash(seed ^ p->bits, p->ip, ip_len(p->family)); }

bool ts_contains(const ike_ts *ts, const ike_addr *a)
{
    size_t len = ip_len(ts->family);
    return ts->family == a->family && memcmp(ts->lo, a->ip, len) <= 0 && memcmp(a->ip, ts->hi, len) <= 0;
}

struct prefix prefix_of_address(const ike_addr *a)
{
    struct prefix p = {.family = a->family, .bits = (uint8_t)(8 * ip_len(a->family))};
    memcpy(p.ip, a->ip, ip_len(a->family));
    return p;
}

void prefix_format(const struct prefix *p, char *out, size_t n)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->ip, ip, sizeof(ip));
    snprintf(out, n, "%s/%u", ip, p->bits);
}

bool prefix_parse(struct prefix *p, const char *text)
{
    char ip[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof(ip)) {
        return false;
    }
    memcpy(ip, text, (size_t)(slash - text));
    ip[slash - text] = 0;
    *p = (struct prefix){.family = strchr(ip, ':') != NULL ? 6 : 4};
    char *end = NULL;
    unsigned long bits = strtoul(slash + 1, &end, 10);
    if (end == slash + 1 || *end != 0 || bits > 8 * ip_len(p->family)) {
        return false;
    }
    p->bits = (uint8_t)bits;
    return inet_pton(p->family == 4 ? AF_INET : AF_INET6, ip, p->ip) == 1;
}
