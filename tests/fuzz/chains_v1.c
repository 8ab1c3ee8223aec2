/* SPDX-License-Identifier: ISC
 *
 * Chains of IKEv1 as a peer with the keys would send them.
 */
#include "chains.h"

#include "exchange/v1/v1.h"

static _Alignas(16) uint8_t scratch[4096];

/* Quick Mode has other hashes in its second and third message. */
void chains_v1_hash(const struct ike_sa *sa, const struct ike_exchange *x, uint32_t mid, ike_bytes rest, uint8_t *out)
{
    const bool quick = x && x->script == &ike_v1_quick;
    int r;
    if (quick && x->role == IKE_RESPONDER) {
        r = ike_v1_hash3(sa->prf, scratch, ike_v1_key_a(sa), mid, ike_blob_bytes(&x->setup->ni), ike_blob_bytes(&x->setup->nr),
                         out);
    } else {
        ike_bytes ni = quick ? ike_blob_bytes(&x->setup->ni) : ike_bytes_of(NULL, 0);
        r = ike_v1_hash(sa->prf, scratch, ike_v1_key_a(sa), mid, ni, rest, out);
    }
    fuzz_check(r == IKE_OK, "cannot hash");
}

size_t chains_v1_seal(const struct ike_sa *sa, const struct ike_exchange *x, const struct ike_header *h, struct ike_chain *c,
                      uint8_t *out, size_t cap)
{
    struct ike_v1_seal k = ike_v1_key(sa);
    uint8_t iv[IKE_IV_MAX];
    size_t n = 0;
    if (x) {
        memcpy(iv, x->iv, sizeof iv);
    } else {
        const ike_hash *hash = ike_v1_hash_of(fuzz_crypto(), sa->prf);
        ike_v1_iv_next(hash, scratch, ike_bytes_of(sa->v1->last_block, sa->encr->block), h->mid, iv, sa->encr->block);
    }
    fuzz_check(c->w.len == 0 || ike_v1_seal(&k, h, c, iv, scratch, out, cap, &n) == IKE_OK, "cannot seal");
    return n;
}
