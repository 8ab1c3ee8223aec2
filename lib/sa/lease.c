/* SPDX-License-Identifier: ISC
 *
 * Addresses inside the tunnel, one to a peer. A pool keeps no list: what is taken is what peers have, and where the search begins
 * follows from who asks, so that the same peer gets the same address again as long as nobody else has it.
 */
#include "base/siphash.h"
#include "sa/sa.h"

/* A pool is searched no further than this. */
#define PROBES 65536

static size_t octets(uint8_t family) { return family == 4 ? 4 : 16; }

static uint64_t key_of(const struct ike_db *db, const ike_addr *a)
{
    return ike_siphash(db->core->hash_key, a->ip, octets(a->family));
}

static bool taken(const struct ike_db *db, const ike_addr *a)
{
    for (struct ike_map_node *n = ike_map_find(&db->by_lease, key_of(db, a)); n; n = ike_map_find_next(n)) {
        if (ike_addr_same_ip(&IKE_OF(n, struct ike_lease, node)->address, a)) {
            return true;
        }
    }
    return false;
}

/* The last eight octets of an address as a number: a pool wider than that is used in part. */
static uint64_t tail(const uint8_t *ip, size_t n) { return n == 4 ? ike_load32(ip) : ike_load64(ip + 8); }

static ike_addr address_at(const ike_ts *pool, uint64_t index)
{
    ike_addr a = {.family = pool->family};
    size_t n = octets(pool->family);
    memcpy(a.ip, pool->lo, n);
    uint64_t v = tail(a.ip, n) + index;
    if (n == 4) {
        ike_store32(a.ip, (uint32_t)v);
    } else {
        ike_store64(a.ip + 8, v);
    }
    return a;
}

/* The same in every run of the program: a gateway that starts anew gives its peers what they had. */
static uint64_t begin_at(const struct ike_peer *peer)
{
    static const uint8_t key[16] = {0};
    uint64_t h = ike_siphash(key, peer->remote_id.data.ptr, peer->remote_id.data.len);
    return h ^ (peer->user.len ? ike_siphash(key, peer->user.ptr, peer->user.len) : 0);
}

int ike_lease_pick(const struct ike_db *db, const struct ike_peer *peer, uint8_t family, const ike_addr *wanted, ike_addr *out)
{
    const ike_ts *pool = &peer->conn->conf->s.pool;
    size_t n = octets(family);
    if (pool->family != family) {
        return IKE_ERR_LIMIT;
    }
    if (wanted->family == family && memcmp(wanted->ip, pool->lo, n) >= 0 && memcmp(wanted->ip, pool->hi, n) <= 0 &&
        !taken(db, wanted)) {
        *out = (ike_addr){.family = family};
        memcpy(out->ip, wanted->ip, n);
        return IKE_OK;
    }
    bool wide = n == 16 && memcmp(pool->lo, pool->hi, 8) != 0;
    uint64_t last = wide ? UINT64_MAX - tail(pool->lo, n) : tail(pool->hi, n) - tail(pool->lo, n);
    uint64_t at = last == UINT64_MAX ? begin_at(peer) : begin_at(peer) % (last + 1);
    for (uint64_t i = 0; i <= last && i < PROBES; i++) {
        *out = address_at(pool, at);
        if (!taken(db, out)) {
            return IKE_OK;
        }
        at = at == last ? 0 : at + 1;
    }
    return IKE_ERR_LIMIT;
}

static void tell(struct ike_db *db, const struct ike_peer *peer, const struct ike_lease *l, bool there)
{
    struct ike_core *c = db->core;
    const ike_host *h = &c->set.host;
    bool outer = c->in_hook;
    ike_hook_enter(c);
    if (l->ours && h->sadb.address) {
        h->sadb.address(h->user, peer->conn->id, &l->address, there);
    } else if (l->hooked && !there && h->hooks.release) {
        h->hooks.release(h->user, peer->conn->id, &l->address);
    }
    c->in_hook = outer;
}

void ike_lease_drop(struct ike_db *db, struct ike_peer *peer)
{
    struct ike_lease *l = peer->lease;
    if (l) {
        peer->lease = NULL;
        tell(db, peer, l, false);
        ike_map_del(&db->by_lease, &l->node);
        ike_free(db->core, l, sizeof *l);
    }
}

/* NULL: no memory. */
static struct ike_lease *make(struct ike_db *db, const struct ike_lease *from)
{
    struct ike_lease *l = ike_alloc(db->core, sizeof *l);
    if (l) {
        *l = *from;
        l->node = (struct ike_map_node){0};
    }
    if (l && !l->ours && !l->hooked) {
        ike_map_add(&db->by_lease, &l->node, key_of(db, &l->address), &db->core->mem);
    }
    return l;
}

/* It is not told again when it is the same. Of two that we give, as when the host was asked twice before it answered, the first
 * stays, and the host has the other back. */
int ike_lease_set(struct ike_db *db, struct ike_peer *peer, const struct ike_lease *from)
{
    struct ike_lease *was = peer->lease;
    bool same = was && ike_addr_same_ip(&was->address, &from->address);
    if (was && !was->ours && !from->ours) {
        if (!same) {
            tell(db, peer, from, false);
        }
        return IKE_OK;
    }
    struct ike_lease *l = make(db, from);
    if (!l && from->hooked) {
        tell(db, peer, from, false); /* the host has it back */
    }
    if (!l) {
        return IKE_ERR_NOMEM;
    }
    if (same && was->ours && l->ours) {
        peer->lease = l;
        ike_free(db->core, was, sizeof *was);
        return IKE_OK;
    }
    ike_lease_drop(db, peer);
    peer->lease = l;
    tell(db, peer, l, true);
    return IKE_OK;
}
