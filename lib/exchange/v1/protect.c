/* SPDX-License-Identifier: ISC
 *
 * The HASH payload of Quick Mode and Informational messages (RFC 2409 sections 5.5, 5.7). It is the only thing that makes a
 * decrypted message authentic: until it has been checked nothing in the message counts.
 */
#include "base/sabotage.h"
#include "exchange/v1/v1.h"

void ike_v1_hash_begin(struct ike_exchange *x) { (void)ike_v1_reserve_hash(&x->chain, x->sa->prf->mac->len); }

/* It is the first payload of the chain, behind its generic header of four octets. */
int ike_v1_hash_end(struct ike_exchange *x, ike_bytes ni)
{
    struct ike_sa *sa = x->sa;
    size_t n = sa->prf->mac->len;
    uint8_t hash[IKE_HASH_MAX];
    if (x->chain.w.bad) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    IKE_WITNESS(ike_witness_chain(x->e->core.set.host.user, &x->chain, 4 + n));
    int r = ike_v1_hash(sa->prf, x->e->core.ctx, ike_v1_key_a(sa), x->mid, ni,
                        ike_bytes_of(x->chain.w.p + 4 + n, x->chain.w.len - 4 - n), hash);
    memcpy(x->chain.w.p + 4, hash, n);
    return ike_outcome(x, r);
}

/* The message is the peer's and new: it proves life, and where the peer is. */
void ike_v1_proved(struct ike_exchange *x)
{
    x->authentic = true;
    x->sa->last_in = x->e->core.now;
    ike_path_seen(x->e, x->sa, &x->path, true);
}

int ike_v1_hash_check(struct ike_exchange *x, ike_bytes ni)
{
    struct ike_sa *sa = x->sa;
    const struct ike_payload *p = &x->msg->p[0];
    uint8_t hash[IKE_HASH_MAX];
    size_t n = sa->prf->mac->len;
    if (x->authentic) {
        return IKE_X_OK; /* this message has been here before, when a question was asked */
    }
    if (x->msg->n == 0 || p->type != IKE_P1_HASH || p->len != n ||
        ike_v1_hash(sa->prf, x->e->core.ctx, ike_v1_key_a(sa), x->mid, ni, ike_v1_behind(p, x->inner, x->inner_len), hash) !=
            IKE_OK ||
        !ike_ct_equal(hash, p->body, n)) {
        x->e->core.count.bad_icv++;
        return IKE_X_DROP;
    }
    bool first = x->role == IKE_RESPONDER && x->step == 0;
    /* An Informational costs little but for what it may ask for, and is not said again. Of the others the next repetition is
     * heard as if it were the first. */
    if (first && x->script != &ike_v1_informational && !ike_guard_serves(&x->e->guard, sa)) {
        return IKE_X_DROP;
    }
    /* Only what is authentic takes up room among the ids; what was there before is a replay. */
    if (first && ike_v1_mid_use(&x->e->core, sa->v1, x->mid) != IKE_OK && !IKE_SABOTAGED(V1_MID)) {
        return IKE_X_DROP;
    }
    ike_v1_proved(x);
    return IKE_X_OK;
}
