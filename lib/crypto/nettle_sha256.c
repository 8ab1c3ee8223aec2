/* SPDX-License-Identifier: ISC
 *
 * nettle: SHA2-256 and HMAC-SHA2-256.
 */
#include "crypto/hmac.h"
#include "crypto/slots.h"

#include <nettle/sha2.h>

static void sha256_begin(void *ctx) { sha256_init(ctx); }
static void sha256_absorb(void *ctx, const void *data, size_t n) { sha256_update(ctx, n, data); }
static void sha256_end(void *ctx, uint8_t *out) { sha256_digest(ctx, SHA256_DIGEST_SIZE, out); }

const ike_hash ike_nettle_sha256 = {
    HASH_SHA2_256, 32, "SHA2-256", sizeof(struct sha256_ctx), sha256_begin, sha256_absorb, sha256_end};

static int hmac_sha256_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_nettle_sha256, key, n); }
static const ike_mac hmac_sha256 = {
    32, "HMAC-SHA2-256", IKE_HMAC_CTX(sizeof(struct sha256_ctx)), hmac_sha256_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_nettle_prf_sha256 = {PRF_HMAC_SHA2_256, 32, &hmac_sha256};
const ike_integ ike_nettle_integ_sha256 = {AUTH_HMAC_SHA2_256_128, 32, 16, &hmac_sha256};
