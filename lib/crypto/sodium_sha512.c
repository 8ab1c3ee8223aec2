/* SPDX-License-Identifier: ISC
 *
 * libsodium: SHA2-512 and HMAC-SHA2-512.
 */
#include "crypto/hmac.h"
#include "crypto/slots.h"

#include <sodium/crypto_hash_sha512.h>

static void sha512_begin(void *ctx) { crypto_hash_sha512_init(ctx); }
static void sha512_absorb(void *ctx, const void *data, size_t n) { crypto_hash_sha512_update(ctx, data, n); }
static void sha512_end(void *ctx, uint8_t *out) { crypto_hash_sha512_final(ctx, out); }

const ike_hash ike_sodium_sha512 = {
    HASH_SHA2_512, 64, "SHA2-512", sizeof(crypto_hash_sha512_state), sha512_begin, sha512_absorb, sha512_end};

static int hmac_sha512_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_sodium_sha512, key, n); }
static const ike_mac hmac_sha512 = {
    64, "HMAC-SHA2-512", IKE_HMAC_CTX(sizeof(crypto_hash_sha512_state)), hmac_sha512_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_sodium_prf_sha512 = {PRF_HMAC_SHA2_512, 64, &hmac_sha512};
const ike_integ ike_sodium_integ_sha512 = {AUTH_HMAC_SHA2_512_256, 64, 32, &hmac_sha512};
