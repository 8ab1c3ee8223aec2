/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: MD5 (RFC 1321) and HMAC-MD5.
 */
#include "crypto/hmac.h"
#include "crypto/legacy.h"
#include "crypto/mbedtls_compat.h"

/* No free() is needed for these contexts: in software they hold no memory. */
static void md5_begin(void *ctx)
{
    mbedtls_md5_init(ctx);
    ike_mbedtls_md5_starts(ctx);
}

static void md5_absorb(void *ctx, const void *data, size_t n) { ike_mbedtls_md5_update(ctx, data, n); }
static void md5_end(void *ctx, uint8_t *out) { ike_mbedtls_md5_finish(ctx, out); }

const ike_hash ike_mbedtls_md5 = {IKE_HASH_MD5, 16, "MD5", sizeof(mbedtls_md5_context), md5_begin, md5_absorb, md5_end};

static int hmac_md5_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_mbedtls_md5, key, n); }
static const ike_mac hmac_md5 = {
    16, "HMAC-MD5", IKE_HMAC_CTX(sizeof(mbedtls_md5_context)), hmac_md5_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_mbedtls_prf_md5 = {PRF_HMAC_MD5, 16, &hmac_md5};
const ike_integ ike_mbedtls_integ_md5 = {AUTH_HMAC_MD5_96, 16, 12, &hmac_md5};
