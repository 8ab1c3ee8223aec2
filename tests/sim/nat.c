/* SPDX-License-Identifier: ISC
 *
 * Addresses as others see them. A host is seen as it is, or behind a simple translation of its own that never forgets
 * ("outside"), or behind a box that it may share with others: the box gives out ports, forgets them after a time without use from
 * inside, and lets nothing in that it has no port for.
 */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

#define PORT       500
#define ENCAP_PORT 4500
#define MAPPINGS   64
#define FIRST_PORT 20000

struct sim_nat {
    struct sim_nat *next;
    char name[8];
    ike_addr addr;
    ike_time timeout;
    bool symmetric; /* another port for each peer */
    uint16_t given; /* ports so far */
    struct mapping {
        const struct sim_host *host; /* NULL: free */
        ike_addr peer;               /* of a symmetric box */
        uint16_t inside, outside;
        ike_time used;
    } map[MAPPINGS];
};

bool sim_same_ip(const ike_addr *a, const ike_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 6 ? 16 : 4) == 0;
}

/* ---- Boxes ------------------------------------------------------------------------------------------------------------- */

struct sim_nat *sim_nat_find(const struct sim *s, const char *name)
{
    struct sim_nat *n = s->nats;
    while (n && strcmp(n->name, name) != 0) {
        n = n->next;
    }
    return n;
}

struct sim_nat *sim_nat_new(struct sim *s, const char *name, const ike_addr *addr, ike_time timeout, bool symmetric)
{
    struct sim_nat *n = sim_alloc(sizeof *n);
    strncpy(n->name, name, sizeof n->name - 1);
    n->addr = *addr;
    n->timeout = timeout;
    n->symmetric = symmetric;
    n->next = s->nats;
    s->nats = n;
    return n;
}

void sim_nat_rebind(struct sim *s, struct sim_nat *n, const ike_addr *addr)
{
    s->stat[SIM_STAT_REBOUND]++;
    memset(n->map, 0, sizeof n->map);
    n->addr = addr ? *addr : n->addr;
}

void sim_nats_free(struct sim *s)
{
    while (s->nats) {
        struct sim_nat *n = s->nats;
        s->nats = n->next;
        free(n);
    }
}

static bool live(const struct sim *s, const struct sim_nat *n, const struct mapping *m)
{
    return m->host && s->now - m->used <= n->timeout;
}

static struct mapping *oldest(struct sim_nat *n)
{
    struct mapping *m = &n->map[0];
    for (unsigned i = 1; i < MAPPINGS; i++) {
        m = n->map[i].used < m->used ? &n->map[i] : m;
    }
    return m;
}

/* The port for what h sends to `peer`: the one it has, or a new one. */
static uint16_t outward(struct sim_nat *n, const struct sim_host *h, uint16_t inside, const ike_addr *peer)
{
    struct sim *s = h->sim;
    struct mapping *m = NULL;
    for (unsigned i = 0; i < MAPPINGS && !m; i++) {
        struct mapping *k = &n->map[i];
        if (k->host && !live(s, n, k)) {
            s->stat[SIM_STAT_EXPIRED]++;
            *k = (struct mapping){.host = NULL};
        }
        bool same = k->host == h && k->inside == inside;
        m = same && (!n->symmetric || (sim_same_ip(&k->peer, peer) && k->peer.port == peer->port)) ? k : NULL;
    }
    if (!m) {
        m = oldest(n);
        *m = (struct mapping){h, *peer, inside, (uint16_t)(FIRST_PORT + n->given++ % 40000), 0};
    }
    m->used = s->now;
    return m->outside;
}

/* ---- As seen ----------------------------------------------------------------------------------------------------------- */

ike_addr sim_seen_as(const struct sim_host *h, const ike_addr *local, const ike_addr *peer)
{
    ike_addr a = *local, at;
    struct sim_host *to = h->nat ? sim_route(h->sim, h, peer, &at) : NULL;
    if (h->nat && h->nat->addr.family == local->family && !(to && to->nat == h->nat)) {
        a = h->nat->addr;
        a.port = outward(h->nat, h, local->port, peer);
    } else if (h->outside.family && h->outside.family == local->family) {
        a = h->outside;
        a.port = (uint16_t)(local->port + h->outside_shift);
    }
    return a;
}

ike_ts sim_ts_seen_as(const struct sim_host *h, uint8_t mode, const ike_ts *ts)
{
    const ike_addr *own = ts->family == 6 ? &h->addr6 : &h->addr, *outside = h->nat ? &h->nat->addr : &h->outside;
    size_t n = ts->family == 6 ? 16 : 4;
    ike_ts t = *ts;
    if (mode == IKE_MODE_TRANSPORT && outside->family == ts->family && memcmp(ts->lo, own->ip, n) == 0 &&
        memcmp(ts->hi, own->ip, n) == 0) {
        memcpy(t.lo, outside->ip, n);
        memcpy(t.hi, outside->ip, n);
    }
    return t;
}

/* ---- Ways -------------------------------------------------------------------------------------------------------------- */

static struct sim_host *inward(const struct sim *s, const ike_addr *to, ike_addr *inside)
{
    for (const struct sim_nat *n = s->nats; n; n = n->next) {
        for (unsigned i = 0; sim_same_ip(&n->addr, to) && i < MAPPINGS; i++) {
            const struct mapping *m = &n->map[i];
            if (live(s, n, m) && m->outside == to->port) {
                *inside = m->host->addr;
                inside->port = m->inside;
                return s->host[m->host->index];
            }
        }
    }
    return NULL;
}

struct sim_host *sim_route(const struct sim *s, const struct sim_host *from, const ike_addr *to, ike_addr *inside)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        struct sim_host *h = s->host[i];
        const ike_addr *own = to->family == 6 ? &h->addr6 : &h->addr;
        uint16_t shift = 0;
        const ike_addr *known_as = own;
        if (h->outside.family == to->family) {
            known_as = &h->outside;
            shift = h->outside_shift;
        }
        uint16_t port = (uint16_t)(to->port - shift);
        bool hidden = h->nat && h->nat != from->nat;
        if (!hidden && own->family && sim_same_ip(known_as, to) && (port == PORT || port == ENCAP_PORT)) {
            *inside = *own;
            inside->port = port;
            return h;
        }
    }
    return inward(s, to, inside);
}
