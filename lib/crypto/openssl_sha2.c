/* SPDX-License-Identifier: ISC
 *
 * OpenSSL: SHA-2 and HMAC-SHA2. By the functions that OpenSSL 3 calls deprecated, since their contexts are flat: those of EVP
 * are on the heap, and a hash has no moment at which it could be given back.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hmac.h"
#include "crypto/openssl.h"

#include <openssl/sha.h>

/* FAMILY's context serves TYPE; they cannot fail but for a NULL pointer. */
#define SHA2(SLOT, FAMILY, TYPE, ID, LEN, NAME, INTEG, ICV)                                                                      \
    static void SLOT##_begin(void *ctx) { (void)TYPE##_Init(ctx); }                                                              \
    static void SLOT##_absorb(void *ctx, const void *data, size_t n) { (void)TYPE##_Update(ctx, data, n); }                      \
    static void SLOT##_end(void *ctx, uint8_t *out) { (void)TYPE##_Final(out, ctx); }                                            \
    const ike_hash ike_openssl_##SLOT = {HASH_SHA2_##ID, LEN,           "SHA2-" #ID, sizeof(FAMILY##_CTX),                       \
                                         SLOT##_begin,   SLOT##_absorb, SLOT##_end};                                             \
    static int SLOT##_key(void *ctx, const uint8_t *key, size_t n) { return ike_hmac_init(ctx, &ike_openssl_##SLOT, key, n); }   \
    static const ike_mac SLOT##_mac = {LEN,           NAME, IKE_HMAC_CTX(sizeof(FAMILY##_CTX)), SLOT##_key, ike_hmac_update,     \
                                       ike_hmac_final};                                                                          \
    const ike_prf ike_openssl_prf_##SLOT = {PRF_HMAC_SHA2_##ID, LEN, &SLOT##_mac};                                               \
    const ike_integ ike_openssl_integ_##SLOT = {INTEG, LEN, ICV, &SLOT##_mac}

SHA2(sha256, SHA256, SHA256, 256, 32, "HMAC-SHA2-256", AUTH_HMAC_SHA2_256_128, 16);
SHA2(sha384, SHA512, SHA384, 384, 48, "HMAC-SHA2-384", AUTH_HMAC_SHA2_384_192, 24);
SHA2(sha512, SHA512, SHA512, 512, 64, "HMAC-SHA2-512", AUTH_HMAC_SHA2_512_256, 32);
