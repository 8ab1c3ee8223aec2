/* SPDX-License-Identifier: ISC
 *
 * prf, prf+ and what IKEv2 derives with them.
 */
#include "keys/keys.h"

/* HMAC takes a key of any length, so nonces go in whole. A PRF with keys of a fixed size would need the cut of RFC 7296
 * section 2.14. */
static int keyed(const ike_prf *prf, void *ctx, ike_bytes key) { return prf->mac->init(ctx, key.ptr, key.len); }

/* Empty parts are how an optional term, as g^ir of KEYMAT, is left out. */
static void feed(const ike_prf *prf, void *ctx, const ike_bytes *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len) {
            prf->mac->update(ctx, parts[i].ptr, parts[i].len);
        }
    }
}

/* The context is wiped on failure too: init may have put the key there before it failed. */
int ike_prf_parts(const ike_prf *prf, void *ctx, ike_bytes key, const ike_bytes *parts, size_t n, uint8_t *out)
{
    int r = keyed(prf, ctx, key);
    if (r == IKE_OK) {
        feed(prf, ctx, parts, n);
        prf->mac->final(ctx, out);
    }
    ike_wipe(ctx, prf->mac->ctx_size);
    return r;
}

/* T1 = prf(K, S | 1), Tn = prf(K, Tn-1 | S | n) (RFC 7296 section 2.13). final() leaves the context keyed, so the key is
 * absorbed once. n is one octet, hence 255 blocks. */
int ike_prf_plus(const ike_prf *prf, void *ctx, ike_bytes key, const ike_bytes *parts, size_t n, uint8_t *out, size_t len)
{
    uint8_t t[IKE_HASH_MAX];
    size_t block = prf->mac->len;
    if (len > 255 * block) {
        return IKE_ERR_INVALID;
    }
    int r = keyed(prf, ctx, key);
    for (size_t at = 0, i = 1; r == IKE_OK && at < len; at += block, i++) {
        uint8_t count = (uint8_t)i;
        if (i > 1) {
            prf->mac->update(ctx, t, block);
        }
        feed(prf, ctx, parts, n);
        prf->mac->update(ctx, &count, 1);
        prf->mac->final(ctx, t);
        memcpy(out + at, t, len - at < block ? len - at : block);
    }
    ike_wipe(t, sizeof t);
    ike_wipe(ctx, prf->mac->ctx_size);
    return r;
}

/* Nonces of at most 256 octets each (section 3.9), so the key fits; they are public and need no wiping. */
int ike_skeyseed(const ike_prf *prf, void *ctx, ike_bytes ni, ike_bytes nr, ike_bytes shared, uint8_t *out)
{
    uint8_t key[512];
    struct ike_wr w = ike_wr(key, sizeof key);
    ike_wr_bytes(&w, ni);
    ike_wr_bytes(&w, nr);
    if (w.bad) {
        return IKE_ERR_INVALID;
    }
    return ike_prf_parts(prf, ctx, ike_bytes_of(key, w.len), &shared, 1, out);
}

/* RFC 7296 section 2.18. The old SA's PRF, since SK_d is a key of it; the expansion afterwards is the new SA's matter. */
int ike_skeyseed_rekey(const ike_prf *old, void *ctx, ike_bytes sk_d, ike_bytes ni, ike_bytes nr, ike_bytes shared, uint8_t *out)
{
    ike_bytes parts[] = {shared, ni, nr};
    return ike_prf_parts(old, ctx, sk_d, parts, 3, out);
}

/* An AEAD has no SK_ai and SK_ar, and no octets of prf+ are spent on them. SK_p and SK_d have the PRF's preferred key length. */
struct ike_key_layout ike_key_layout(const ike_prf *prf, const ike_integ *integ, size_t encr_octets)
{
    return (struct ike_key_layout){
        .d = prf->key_len, .a = integ ? integ->key_len : 0, .e = (uint16_t)encr_octets, .p = prf->key_len};
}

/* SPIs in the order of the header, which is that of the SA's own initiator: at a rekey not necessarily the side that began
 * the old one. */
int ike_keys_expand(const ike_prf *prf, void *ctx, ike_bytes skeyseed, ike_bytes ni, ike_bytes nr, uint64_t spi_i, uint64_t spi_r,
                    uint8_t *out, size_t len)
{
    uint8_t spis[16];
    ike_store64(spis, spi_i);
    ike_store64(spis + 8, spi_r);
    ike_bytes parts[] = {ni, nr, {spis, sizeof spis}};
    return ike_prf_plus(prf, ctx, skeyseed, parts, 3, out, len);
}

/* RFC 7296 section 2.17. `shared` is empty without PFS. The first child uses the nonces of IKE_SA_INIT. */
int ike_keymat(const ike_prf *prf, void *ctx, ike_bytes sk_d, ike_bytes shared, ike_bytes ni, ike_bytes nr, uint8_t *out,
               size_t len)
{
    ike_bytes parts[] = {shared, ni, nr};
    return ike_prf_plus(prf, ctx, sk_d, parts, 3, out, len);
}
