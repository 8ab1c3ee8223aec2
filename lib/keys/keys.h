/* SPDX-License-Identifier: ISC
 *
 * Key derivation of IKEv2 (RFC 7296 sections 2.13, 2.14, 2.17, 2.18).
 */
#ifndef IKE_KEYS_KEYS_H
#define IKE_KEYS_KEYS_H

#include "base/bytes.h"
#include <ike/crypto.h>

/* prf(key, parts...): ctx is scratch of prf->mac->ctx_size octets; out takes mac->len octets. */
int ike_prf_parts(const ike_prf *prf, void *ctx, ike_bytes key, const ike_bytes *parts, size_t n, uint8_t *out);
/* prf+(key, parts...), at most 255 blocks. */
int ike_prf_plus(const ike_prf *prf, void *ctx, ike_bytes key, const ike_bytes *parts, size_t n, uint8_t *out, size_t len);

/* SKEYSEED = prf(Ni | Nr, g^ir). */
int ike_skeyseed(const ike_prf *prf, void *ctx, ike_bytes ni, ike_bytes nr, ike_bytes shared, uint8_t *out);
/* At an IKE rekey: prf(SK_d, g^ir | Ni | Nr) with the old SA's PRF. */
int ike_skeyseed_rekey(const ike_prf *old, void *ctx, ike_bytes sk_d, ike_bytes ni, ike_bytes nr, ike_bytes shared, uint8_t *out);

/* Where each key of an IKE SA is in one run of octets: SK_d SK_ai SK_ar SK_ei SK_er SK_pi SK_pr. */
struct ike_key_layout {
    uint16_t d, a, e, p; /* lengths */
};
struct ike_key_layout ike_key_layout(const ike_prf *prf, const ike_integ *integ, size_t encr_octets);
static inline size_t ike_key_total(const struct ike_key_layout *l) { return (size_t)l->d + 2u * l->a + 2u * l->e + 2u * l->p; }
/* Without SK_p, which only IKE_AUTH needs. */
static inline size_t ike_key_kept(const struct ike_key_layout *l) { return (size_t)l->d + 2u * l->a + 2u * l->e; }
static inline ike_bytes ike_key_d(const struct ike_key_layout *l, const uint8_t *k) { return ike_bytes_of(k, l->d); }
static inline ike_bytes ike_key_a(const struct ike_key_layout *l, const uint8_t *k, bool of_initiator)
{
    return ike_bytes_of(k + l->d + (of_initiator ? 0u : l->a), l->a);
}
static inline ike_bytes ike_key_e(const struct ike_key_layout *l, const uint8_t *k, bool of_initiator)
{
    return ike_bytes_of(k + l->d + 2u * l->a + (of_initiator ? 0u : l->e), l->e);
}
static inline ike_bytes ike_key_p(const struct ike_key_layout *l, const uint8_t *k, bool of_initiator)
{
    return ike_bytes_of(k + ike_key_kept(l) + (of_initiator ? 0u : l->p), l->p);
}
/* {SK_d ...} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr) into ike_key_total octets. */
int ike_keys_expand(const ike_prf *prf, void *ctx, ike_bytes skeyseed, ike_bytes ni, ike_bytes nr, uint64_t spi_i, uint64_t spi_r,
                    uint8_t *out, size_t len);
/* KEYMAT = prf+(SK_d, [g^ir |] Ni | Nr). Per direction, initiator to responder first: encryption key with salt, then integrity
 * key. */
int ike_keymat(const ike_prf *prf, void *ctx, ike_bytes sk_d, ike_bytes shared, ike_bytes ni, ike_bytes nr, uint8_t *out,
               size_t len);

#endif
