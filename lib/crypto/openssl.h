/* SPDX-License-Identifier: ISC
 *
 * The descriptors of the provider `openssl`, which is a module only: the library itself does not link libcrypto.
 */
#ifndef IKE_CRYPTO_OPENSSL_H
#define IKE_CRYPTO_OPENSSL_H

#include "crypto/slots.h"

#include <openssl/err.h>

/* OpenSSL puts what went wrong into a queue of the thread. What a peer's bad value leaves there, a host that has TLS by the same
 * library would take for a fault of its own: operations that can fail stand between these two. */
static inline void ike_openssl_begin(void) { (void)ERR_set_mark(); }
static inline void ike_openssl_end(void) { (void)ERR_pop_to_mark(); }

extern const ike_crypto ike_crypto_openssl;
extern const ike_encr ike_openssl_aes_gcm_16, ike_openssl_aes_gcm_12, ike_openssl_aes_gcm_8, ike_openssl_aes_cbc;
extern const ike_hash ike_openssl_sha256, ike_openssl_sha384, ike_openssl_sha512;
extern const ike_prf ike_openssl_prf_sha256, ike_openssl_prf_sha384, ike_openssl_prf_sha512;
extern const ike_integ ike_openssl_integ_sha256, ike_openssl_integ_sha384, ike_openssl_integ_sha512;
extern const ike_ke ike_openssl_ecp192, ike_openssl_ecp224, ike_openssl_ecp256, ike_openssl_ecp384, ike_openssl_ecp521;
extern const ike_ke ike_openssl_ecp224bp, ike_openssl_ecp256bp, ike_openssl_ecp384bp, ike_openssl_ecp512bp;
extern const ike_ke ike_openssl_x448;
extern const ike_sign ike_openssl_dsa;

#endif
