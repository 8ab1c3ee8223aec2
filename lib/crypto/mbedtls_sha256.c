/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: SHA2-256 and HMAC-SHA2-256.
 */
#include "crypto/hmac.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

/* 0: not SHA-224. */
static void sha256_begin(void *ctx)
{
    mbedtls_sha256_init(ctx);
    ike_mbedtls_sha256_starts(ctx, 0);
}

static void sha256_absorb(void *ctx, const void *data, size_t n) { ike_mbedtls_sha256_update(ctx, data, n); }
static void sha256_end(void *ctx, uint8_t *out) { ike_mbedtls_sha256_finish(ctx, out); }

const ike_hash ike_mbedtls_sha256 = {
    HASH_SHA2_256, 32, "SHA2-256", sizeof(mbedtls_sha256_context), sha256_begin, sha256_absorb, sha256_end};

static int hmac_sha256_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_mbedtls_sha256, key, n); }
static const ike_mac hmac_sha256 = {
    32, "HMAC-SHA2-256", IKE_HMAC_CTX(sizeof(mbedtls_sha256_context)), hmac_sha256_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_mbedtls_prf_sha256 = {PRF_HMAC_SHA2_256, 32, &hmac_sha256};
const ike_integ ike_mbedtls_integ_sha256 = {AUTH_HMAC_SHA2_256_128, 32, 16, &hmac_sha256};
