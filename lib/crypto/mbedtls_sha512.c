/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: SHA2-384, SHA2-512 and their HMACs.
 */
#include "crypto/hmac.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

/* SHA-384 is SHA-512 with other first values and a cut result; mbedTLS has one context for both and a switch. */
static void sha384_begin(void *ctx)
{
    mbedtls_sha512_init(ctx);
    ike_mbedtls_sha512_starts(ctx, 1);
}

static void sha384_absorb(void *ctx, const void *data, size_t n) { ike_mbedtls_sha512_update(ctx, data, n); }
static void sha384_end(void *ctx, uint8_t *out) { ike_mbedtls_sha512_finish(ctx, out); }

const ike_hash ike_mbedtls_sha384 = {
    HASH_SHA2_384, 48, "SHA2-384", sizeof(mbedtls_sha512_context), sha384_begin, sha384_absorb, sha384_end};

static int hmac_sha384_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_mbedtls_sha384, key, n); }
static const ike_mac hmac_sha384 = {
    48, "HMAC-SHA2-384", IKE_HMAC_CTX(sizeof(mbedtls_sha512_context)), hmac_sha384_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_mbedtls_prf_sha384 = {PRF_HMAC_SHA2_384, 48, &hmac_sha384};
const ike_integ ike_mbedtls_integ_sha384 = {AUTH_HMAC_SHA2_384_192, 48, 24, &hmac_sha384};

static void sha512_begin(void *ctx)
{
    mbedtls_sha512_init(ctx);
    ike_mbedtls_sha512_starts(ctx, 0);
}

static void sha512_absorb(void *ctx, const void *data, size_t n) { ike_mbedtls_sha512_update(ctx, data, n); }
static void sha512_end(void *ctx, uint8_t *out) { ike_mbedtls_sha512_finish(ctx, out); }

const ike_hash ike_mbedtls_sha512 = {
    HASH_SHA2_512, 64, "SHA2-512", sizeof(mbedtls_sha512_context), sha512_begin, sha512_absorb, sha512_end};

static int hmac_sha512_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_mbedtls_sha512, key, n); }
static const ike_mac hmac_sha512 = {
    64, "HMAC-SHA2-512", IKE_HMAC_CTX(sizeof(mbedtls_sha512_context)), hmac_sha512_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_mbedtls_prf_sha512 = {PRF_HMAC_SHA2_512, 64, &hmac_sha512};
const ike_integ ike_mbedtls_integ_sha512 = {AUTH_HMAC_SHA2_512_256, 64, 32, &hmac_sha512};
