/* SPDX-License-Identifier: ISC
 *
 * Key derivation of IKEv1 (RFC 2409 sections 5 and 5.5, appendix B). The PRF is the HMAC of the negotiated hash. `ctx` is
 * scratch of the context size of the PRF's MAC, or of the hash, and is wiped. Cookies and SPIs in host order.
 */
#ifndef IKE_KEYS_V1_H
#define IKE_KEYS_V1_H

#include "keys/keys.h"

/* SKEYID with a pre-shared key: prf(psk, Ni | Nr). out takes prf->mac->len octets, here and wherever no length is given. */
int ike_v1_skeyid_psk(const ike_prf *prf, void *ctx, ike_bytes psk, ike_bytes ni, ike_bytes nr, uint8_t *out);
/* SKEYID with signatures: prf(Ni | Nr, g^xy). */
int ike_v1_skeyid_sig(const ike_prf *prf, void *ctx, ike_bytes ni, ike_bytes nr, ike_bytes shared, uint8_t *out);
/* SKEYID_d, SKEYID_a, SKEYID_e one after another: three times prf->mac->len octets. */
int ike_v1_skeyids(const ike_prf *prf, void *ctx, ike_bytes skeyid, ike_bytes shared, uint64_t cky_i, uint64_t cky_r,
                   uint8_t *out);
/* The cipher's key of len octets: SKEYID_e cut, or its expansion by feedback if it is too short. Weak keys of DES are passed
 * over; IKE_ERR_CRYPTO when there is no other. */
int ike_v1_cipher_key(const ike_prf *prf, void *ctx, ike_bytes skeyid_e, const ike_encr *encr, uint8_t *out, size_t len);

/* HASH_I with (g^xi, g^xr, CKY-I, CKY-R, SAi_b, IDii_b), HASH_R with (g^xr, g^xi, CKY-R, CKY-I, SAi_b, IDir_b). SAi_b is the
 * body of the initiator's SA payload as it was sent, in both. */
int ike_v1_hash_auth(const ike_prf *prf, void *ctx, ike_bytes skeyid, ike_bytes g_own, ike_bytes g_peer, uint64_t cky_own,
                     uint64_t cky_peer, ike_bytes sai_b, ike_bytes id_b, uint8_t *out);
/* The HASH of a message of phase 2: prf(SKEYID_a, M-ID | [Ni_b] | rest), where `rest` is all that stands behind the HASH payload
 * up to the end of the last payload. ni is empty for HASH(1), Informational and Transaction. */
int ike_v1_hash(const ike_prf *prf, void *ctx, ike_bytes skeyid_a, uint32_t mid, ike_bytes ni, ike_bytes rest, uint8_t *out);
/* HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b). */
int ike_v1_hash3(const ike_prf *prf, void *ctx, ike_bytes skeyid_a, uint32_t mid, ike_bytes ni, ike_bytes nr, uint8_t *out);
/* KEYMAT of one SA: `protocol` as IKEv1 numbers them (AH 2, ESP 3), the SPI of who receives with it. `shared` is empty without
 * PFS. */
int ike_v1_keymat(const ike_prf *prf, void *ctx, ike_bytes skeyid_d, ike_bytes shared, uint8_t protocol, uint32_t spi,
                  ike_bytes ni, ike_bytes nr, uint8_t *out, size_t len);

/* The IV of the first encrypted message of phase 1: hash(g^xi | g^xr). n is the cipher's block. */
void ike_v1_iv(const ike_hash *hash, void *ctx, ike_bytes g_xi, ike_bytes g_xr, uint8_t *iv, size_t n);
/* The first IV of any later exchange: hash(last ciphertext block of phase 1 | M-ID). */
void ike_v1_iv_next(const ike_hash *hash, void *ctx, ike_bytes last_block, uint32_t mid, uint8_t *iv, size_t n);
/* The hash a PRF is the HMAC of, NULL if the PRF is not an HMAC or `c` lacks the hash. */
const ike_hash *ike_v1_hash_of(const ike_crypto *c, const ike_prf *prf);

#endif
