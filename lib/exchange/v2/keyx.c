/* SPDX-License-Identifier: ISC
 *
 * Nonces, key exchange and key derivation, as the IKE_SA_INIT and CREATE_CHILD_SA exchanges share them.
 */
#include "exchange/v2/v2.h"

/* The PRF is the one just chosen, or for a child the IKE SA's. All zeros is no random value. */
int ike_take_nonce(struct ike_exchange *x)
{
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P_NONCE, 0);
    const uint16_t id = x->setup->chosen.suite.prf;
    const ike_prf *prf = id ? ike_find_prf(x->e->core.crypto, id) : x->sa->prf;
    if (!p || p->len < IKE_NONCE_MIN || p->len > IKE_NONCE_MAX || !ike_nonce_fresh(x, p)) {
        return ike_fault(x, IKE_P_NONCE);
    }
    if (prf && p->len < prf->key_len / 2u) { /* RFC 7296 section 2.10 */
        ike_blame(&x->e->core, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
        ike_blame_expected(&x->e->core, "a nonce of at least %u octets, half the key of the PRF", prf->key_len / 2u);
        ike_blame_received(&x->e->core, "one of %u octets", (unsigned)p->len);
        /* Inside an SA there is always an answer; before that, only what the guard lets out. */
        if (x->sa->peer) {
            return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, 0);
        }
        bool answer = x->role == IKE_RESPONDER && ike_guard_reply(&x->e->guard, &x->path.remote);
        return answer ? ike_fatal(x, IKE_N_NO_PROPOSAL_CHOSEN, 0) : IKE_X_DROP;
    }
    return ike_keep(x, ike_peer_nonce(x), ike_bytes_of(p->body, p->len));
}

/* The group was chosen with the proposal; the value must be of that group. A public value equal to ours is our own reflected. */
int ike_take_ke(struct ike_exchange *x, uint16_t want)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P_KE, 0);
    uint16_t group = 0;
    ike_bytes value = {NULL, 0};
    if (p && ike_ke_parse(&group, &value, p) != IKE_OK) {
        return ike_fault(x, IKE_P_KE);
    }
    if (group != want) {
        /* It may only answer what it was sent. */
        if (x->role == IKE_INITIATOR) {
            return ike_fault(x, IKE_P_KE);
        }
        if (!x->sa->keys && !ike_guard_reply(&x->e->guard, &x->path.remote)) {
            return IKE_X_DROP;
        }
        x->notify_len = 2;
        ike_store16(x->notify_data, want);
        x->notify = IKE_N_INVALID_KE_PAYLOAD;
        return x->sa->keys ? IKE_X_REFUSE : IKE_X_FATAL; /* not a failure yet: the initiator comes again with that group */
    }
    if (x->role == IKE_RESPONDER) {
        s->ke = ike_find_ke(c->crypto, group);
    }
    int r = ike_take_public(x, value);
    return r == IKE_ERR_PROTO ? ike_fault(x, IKE_P_KE) : ike_outcome(x, r);
}

const ike_ke *ike_pick_ke(const struct ike_exchange *x, const struct ike_proposals *p, uint16_t now)
{
    const uint16_t wanted = x->setup->wanted_ke;
    const uint16_t group = wanted ? wanted : now && ike_proposals_has_ke(p, now) ? now : ike_proposals_ke(p);
    return group ? ike_find_ke(x->e->core.crypto, group) : NULL;
}

/* Only a group of our proposals, and not the one just sent or asked for once already: else a peer could drive us round for
 * ever, or to a group we do not want. A new exchange has a new nonce: it is what a collision is judged by, one that has happened
 * already included. */
static bool another_group(struct ike_exchange *x, const struct ike_notify *n, const struct ike_proposals *p)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const uint16_t group = n->data.len == 2 ? ike_load16(n->data.ptr) : 0;
    if (!group || (s->ke && group == s->ke->id) || s->wanted_ke == group || !ike_proposals_has_ke(p, group) ||
        !ike_find_ke(c->crypto, group)) {
        return false;
    }
    s->wanted_ke = group;
    ike_blob_free(c, &s->ke_private);
    ike_blob_free(c, &s->ke_public);
    ike_blob_free(c, &s->ni);
    return true;
}

int ike_take_create_error(struct ike_exchange *x, const struct ike_notify *n, const struct ike_proposals *p)
{
    switch (n->type) {
    case IKE_N_INVALID_SYNTAX: /* fatal in both peers (RFC 7296 section 2.21.3) */
        return ike_peer_said(x, n, IKE_FAIL_PEER_SYNTAX, IKE_X_FATAL);
    case IKE_N_TEMPORARY_FAILURE:
        ike_queue_again(x);
        return IKE_X_REFUSE;
    case IKE_N_INVALID_KE_PAYLOAD:
        return another_group(x, n, p) ? IKE_X_AGAIN : IKE_X_OK;
    default:
        return IKE_X_OK;
    }
}

void ike_put_nonce(struct ike_exchange *x) { ike_put_payload(&x->chain, IKE_P_NONCE, ike_blob_bytes(ike_own_nonce(x))); }

/* No group, no payload: a child without PFS. */
void ike_put_own_ke(struct ike_exchange *x)
{
    if (x->setup->ke) {
        ike_put_ke(&x->chain, x->setup->ke->id, ike_blob_bytes(&x->setup->ke_public));
    }
}

/* Inside an SA a value that gives no secret is bad syntax of the peer's; outside it could be anybody's and is no more than
 * trouble. */
int ike_keys_failed(struct ike_exchange *x, int error)
{
    return error == IKE_ERR_CRYPTO && x->sa->peer ? ike_fault(x, IKE_P_KE) : ike_trouble(x, error);
}

/* Algorithms and lengths of everything that is derived (RFC 7296 section 2.14); the keys themselves come later. */
int ike_sa_set_suite(struct ike_core *c, struct ike_sa *sa, const struct ike_suite *suite)
{
    sa->suite = *suite;
    sa->encr = ike_find_encr(c->crypto, suite->encr);
    sa->integ = ike_suite_integ(suite) ? ike_find_integ(c->crypto, suite->integ) : NULL;
    sa->prf = ike_find_prf(c->crypto, suite->prf);
    if (!sa->encr || !sa->prf || (ike_suite_integ(suite) && !sa->integ)) {
        return IKE_ERR_UNSUPPORTED;
    }
    /* Ciphers of one key size have no Key Length attribute. */
    size_t bits = suite->encr_bits ? suite->encr_bits : sa->encr->key_bits[0];
    sa->layout = ike_key_layout(sa->prf, sa->integ, bits / 8 + sa->encr->salt_len);
    return IKE_OK;
}

/* Views that are valid during the call. Only a host that sets the hook gets any. */
static void log_keys(struct ike_core *c, const struct ike_sa *sa)
{
    if (c->set.host.keys) {
        ike_keylog k = {.version = 2,
                        .spi_i = sa->spi_i,
                        .spi_r = sa->spi_r,
                        .encr = sa->suite.encr,
                        .encr_bits = sa->suite.encr_bits,
                        .integ = sa->suite.integ};
        k.sk_ei = ike_key_e(&sa->layout, sa->keys, true);
        k.sk_er = ike_key_e(&sa->layout, sa->keys, false);
        k.sk_ai = ike_key_a(&sa->layout, sa->keys, true);
        k.sk_ar = ike_key_a(&sa->layout, sa->keys, false);
        ike_hook_enter(c);
        c->set.host.keys(c->set.host.user, &k);
        ike_hook_leave(c);
    }
}

/* A rekey derives SKEYSEED with the old SA's PRF and SK_d, everything after it with the new one's (RFC 7296 section 2.18).
 * SK_p is needed for AUTH only, so it goes to the setup and a rekeyed SA has none; SK_d and the traffic keys stay. */
int ike_derive_sa_keys(struct ike_core *c, struct ike_sa *sa, struct ike_setup *s, struct ike_sa *rekey)
{
    uint8_t seed[IKE_HASH_MAX], all[7 * 80];
    ike_bytes ni = ike_blob_bytes(&s->ni), nr = ike_blob_bytes(&s->nr), shared = ike_blob_bytes(&s->shared);
    size_t total = ike_key_total(&sa->layout), kept = ike_key_kept(&sa->layout), seed_len = sa->prf->mac->len;
    int r;
    if (rekey) {
        seed_len = rekey->prf->mac->len;
        r = ike_skeyseed_rekey(rekey->prf, c->ctx, ike_key_d(&rekey->layout, rekey->keys), ni, nr, shared, seed);
    } else {
        r = ike_skeyseed(sa->prf, c->ctx, ni, nr, shared, seed);
    }
    /* Seven keys of at most 80 octets: all that can be negotiated fits. */
    if (r == IKE_OK && total > sizeof all) {
        r = IKE_ERR_UNSUPPORTED;
    }
    if (r == IKE_OK) {
        r = ike_keys_expand(sa->prf, c->ctx, ike_bytes_of(seed, seed_len), ni, nr, sa->spi_i, sa->spi_r, all, total);
    }
    if (r == IKE_OK && !rekey) {
        r = ike_blob_set(c, &s->sk_p, ike_bytes_of(all + kept, total - kept));
    }
    if (r == IKE_OK && !(sa->keys = ike_alloc(c, kept))) {
        r = IKE_ERR_NOMEM;
    }
    if (r == IKE_OK) {
        memcpy(sa->keys, all, kept);
        log_keys(c, sa);
    }
    ike_wipe(seed, sizeof seed);
    ike_wipe(all, sizeof all);
    return r;
}

/* Octet by octet, and where one is the beginning of the other it is the lower (RFC 7296 section 2.8.1). */
bool ike_nonce_less(ike_bytes a, ike_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = memcmp(a.ptr, b.ptr, n);
    return d ? d < 0 : a.len < b.len;
}

ike_bytes ike_lower_nonce(const struct ike_setup *s)
{
    ike_bytes i = ike_blob_bytes(&s->ni), r = ike_blob_bytes(&s->nr);
    return ike_nonce_less(i, r) ? i : r;
}
