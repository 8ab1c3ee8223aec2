/* SPDX-License-Identifier: ISC
 *
 * nettle: MD5 (RFC 1321) and HMAC-MD5.
 */
#include "crypto/hmac.h"
#include "crypto/legacy.h"

#include <nettle/md5.h>

static void md5_begin(void *ctx) { md5_init(ctx); }
static void md5_absorb(void *ctx, const void *data, size_t n) { md5_update(ctx, n, data); }
static void md5_end(void *ctx, uint8_t *out) { md5_digest(ctx, MD5_DIGEST_SIZE, out); }

const ike_hash ike_nettle_md5 = {IKE_HASH_MD5, 16, "MD5", sizeof(struct md5_ctx), md5_begin, md5_absorb, md5_end};

static int hmac_md5_init(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_nettle_md5, key, n); }
static const ike_mac hmac_md5 = {
    16, "HMAC-MD5", IKE_HMAC_CTX(sizeof(struct md5_ctx)), hmac_md5_init, ike_hmac_update, ike_hmac_final};
const ike_prf ike_nettle_prf_md5 = {PRF_HMAC_MD5, 16, &hmac_md5};
const ike_integ ike_nettle_integ_md5 = {AUTH_HMAC_MD5_96, 16, 12, &hmac_md5};
