/* SPDX-License-Identifier: ISC
 *
 * Nonces and key exchange, as every exchange that makes keys has them.
 */
#include "exchange/common.h"

#define NONCE_LEN 32 /* half the key size of every PRF here (RFC 7296 section 2.10) */

struct ike_blob *ike_own_nonce(struct ike_exchange *x) { return x->role == IKE_INITIATOR ? &x->setup->ni : &x->setup->nr; }
struct ike_blob *ike_peer_nonce(struct ike_exchange *x) { return x->role == IKE_INITIATOR ? &x->setup->nr : &x->setup->ni; }

/* Fresh for each exchange: a nonce of ours makes the keys new even if all else repeats. */
int ike_make_nonce(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_blob *n = ike_own_nonce(x);
    if (n->len) {
        return IKE_X_OK; /* a repeated IKE_SA_INIT keeps it */
    }
    int r = ike_blob_room(c, n, NONCE_LEN);
    if (r == IKE_OK) {
        r = ike_draw(c, n->ptr, NONCE_LEN);
    }
    if (r != IKE_OK) {
        ike_blob_free(c, n);
        return ike_trouble(x, r);
    }
    return IKE_X_OK;
}

/* A private value for setup->ke. The responder of a KEM has its shared secret at once, the one of a Diffie-Hellman group
 * computes it when it is needed. */
int ike_make_ke(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const ike_ke *ke = s->ke;
    if (!ke || s->ke_public.len) {
        return IKE_X_OK;
    }
    void *state = ike_ke_state(c, ke);
    bool kem = x->role == IKE_RESPONDER && ke->respond;
    int r = ike_blob_room(c, &s->ke_public, x->role == IKE_INITIATOR ? ke->public_len_i : ke->public_len_r);
    if (r == IKE_OK) {
        r = kem ? ike_blob_room(c, &s->shared, ke->shared_len) : ike_blob_room(c, &s->ke_private, ke->private_len);
    }
    if (r == IKE_OK) {
        r = kem ? ke->respond(state, &c->rng, s->ke_peer.ptr, s->ke_public.ptr, s->shared.ptr)
                : ke->initiate(state, &c->rng, s->ke_private.ptr, s->ke_public.ptr);
    }
    if (r != IKE_OK) {
        ike_blob_free(c, &s->ke_private);
        ike_blob_free(c, &s->ke_public);
        ike_blob_free(c, &s->shared);
        return ike_trouble(x, r);
    }
    return IKE_X_OK;
}

/* Public values, so memcmp will do. */
static bool same_octets(const struct ike_blob *b, const struct ike_payload *p)
{
    return b->len == p->len && memcmp(b->ptr, p->body, p->len) == 0;
}

/* All zeros is no random value; a nonce of ours that comes back, from this exchange or from a request of ours that is open: the
 * peer, or somebody between us, reflects our own messages. */
bool ike_nonce_fresh(struct ike_exchange *x, const struct ike_payload *p)
{
    bool ours = same_octets(ike_own_nonce(x), p);
    IKE_LIST_LOOK (const struct ike_exchange, y, link, &x->sa->outstanding) {
        ours |= y != x && y->setup && same_octets(&y->setup->ni, p);
    }
    return !ours && !ike_is_zero(p->body, p->len);
}

/* The exact length of the group, and whatever the group can check cheaply (RFC 6989 section 2): a bad value must not meet our
 * private one. A public value equal to ours is our own reflected. */
int ike_take_public(struct ike_exchange *x, ike_bytes value)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const ike_ke *ke = s->ke;
    if (!ke || value.len != (x->role == IKE_INITIATOR ? ke->public_len_r : ke->public_len_i) ||
        (s->ke_public.len == value.len && memcmp(s->ke_public.ptr, value.ptr, value.len) == 0) ||
        (ke->check && ke->check(ike_ke_state(c, ke), value.ptr) != IKE_OK)) {
        return IKE_ERR_PROTO;
    }
    return ike_blob_set(c, &s->ke_peer, value);
}

/* Done once for each setup, however often it is asked for; the private value goes as soon as it has served. */
int ike_compute_shared(struct ike_core *c, struct ike_setup *s)
{
    const ike_ke *ke = s->ke;
    if (s->shared.len || !ke) {
        return IKE_OK;
    }
    int r = ike_blob_room(c, &s->shared, ke->shared_len);
    if (r == IKE_OK) {
        r = ke->finish(ike_ke_state(c, ke), &c->rng, s->ke_private.ptr, s->ke_peer.ptr, s->shared.ptr);
    }
    if (r != IKE_OK) {
        ike_blob_free(c, &s->shared);
    } else if (!s->keep_private) {
        ike_blob_free(c, &s->ke_private);
    }
    return r;
}
