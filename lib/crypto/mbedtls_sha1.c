/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: SHA-1 (NAT detection needs it) and HMAC-SHA1.
 */
#include "crypto/hmac.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

/* No free() is needed for these contexts: in software they hold no memory. */
static void sha1_begin(void *ctx)
{
    mbedtls_sha1_init(ctx);
    ike_mbedtls_sha1_starts(ctx);
}

static void sha1_absorb(void *ctx, const void *data, size_t n) { ike_mbedtls_sha1_update(ctx, data, n); }
static void sha1_end(void *ctx, uint8_t *out) { ike_mbedtls_sha1_finish(ctx, out); }

const ike_hash ike_mbedtls_sha1 = {HASH_SHA1, 20, "SHA1", sizeof(mbedtls_sha1_context), sha1_begin, sha1_absorb, sha1_end};

static int hmac_sha1_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_mbedtls_sha1, key, n); }
static const ike_mac hmac_sha1 = {
    20, "HMAC-SHA1", IKE_HMAC_CTX(sizeof(mbedtls_sha1_context)), hmac_sha1_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_mbedtls_prf_sha1 = {PRF_HMAC_SHA1, 20, &hmac_sha1};
const ike_integ ike_mbedtls_integ_sha1 = {AUTH_HMAC_SHA1_96, 20, 12, &hmac_sha1};
