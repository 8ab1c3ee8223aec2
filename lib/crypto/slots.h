/* SPDX-License-Identifier: ISC
 *
 * Every descriptor of every provider, and the provider lists. A descriptor lives in an object file with its near relatives
 * only, so that a static link takes what the chosen list names and nothing else.
 */
#ifndef IKE_CRYPTO_SLOTS_H
#define IKE_CRYPTO_SLOTS_H

#include "crypto/ids.h"
#include <ike/crypto.h>

extern const ike_crypto ike_crypto_sodium;
extern const ike_ke ike_sodium_x25519;
extern const ike_encr ike_sodium_chacha20_poly1305, ike_sodium_aes_gcm_16;
extern const ike_hash ike_sodium_sha256, ike_sodium_sha512;
extern const ike_prf ike_sodium_prf_sha256, ike_sodium_prf_sha512;
extern const ike_integ ike_sodium_integ_sha256, ike_sodium_integ_sha512;

extern const ike_crypto ike_crypto_mbedtls;
extern const ike_encr ike_mbedtls_aes_gcm_16, ike_mbedtls_aes_gcm_12, ike_mbedtls_aes_gcm_8, ike_mbedtls_aes_cbc;
extern const ike_encr ike_mbedtls_chacha20_poly1305, ike_mbedtls_des3;
extern const ike_hash ike_mbedtls_sha1, ike_mbedtls_sha256, ike_mbedtls_sha384, ike_mbedtls_sha512;
extern const ike_prf ike_mbedtls_prf_sha1, ike_mbedtls_prf_sha256, ike_mbedtls_prf_sha384, ike_mbedtls_prf_sha512;
extern const ike_integ ike_mbedtls_integ_sha1, ike_mbedtls_integ_sha256, ike_mbedtls_integ_sha384, ike_mbedtls_integ_sha512;
extern const ike_ke ike_mbedtls_ecp256, ike_mbedtls_ecp384, ike_mbedtls_ecp521, ike_mbedtls_x25519;
extern const ike_ke ike_mbedtls_ecp192, ike_mbedtls_ecp224, ike_mbedtls_ecp256bp, ike_mbedtls_ecp384bp, ike_mbedtls_ecp512bp;
extern const ike_ke ike_mbedtls_modp768, ike_mbedtls_modp1024, ike_mbedtls_modp1536;
extern const ike_ke ike_mbedtls_modp2048, ike_mbedtls_modp3072, ike_mbedtls_modp4096, ike_mbedtls_modp6144, ike_mbedtls_modp8192;
extern const ike_sign ike_mbedtls_rsa, ike_mbedtls_ecdsa;
int ike_mbedtls_power(const ike_allocator *mem, ike_bytes base, ike_bytes exp, ike_bytes modulus, uint8_t *out);

#ifdef IKE_HAVE_GMP
extern const ike_crypto ike_crypto_gmp;
extern const ike_ke ike_gmp_modp768, ike_gmp_modp1024, ike_gmp_modp1536;
extern const ike_sign ike_gmp_rsa;
extern const ike_ke ike_gmp_modp2048, ike_gmp_modp3072, ike_gmp_modp4096, ike_gmp_modp6144, ike_gmp_modp8192;
int ike_gmp_power(const ike_allocator *mem, ike_bytes base, ike_bytes exp, ike_bytes modulus, uint8_t *out);
#endif

#ifdef IKE_HAVE_NETTLE
extern const ike_crypto ike_crypto_nettle;
extern const ike_encr ike_nettle_aes_gcm_16, ike_nettle_aes_gcm_12, ike_nettle_aes_gcm_8, ike_nettle_aes_cbc;
extern const ike_encr ike_nettle_chacha20_poly1305, ike_nettle_des3;
extern const ike_hash ike_nettle_sha1, ike_nettle_sha256, ike_nettle_sha384, ike_nettle_sha512;
extern const ike_prf ike_nettle_prf_sha1, ike_nettle_prf_sha256, ike_nettle_prf_sha384, ike_nettle_prf_sha512;
extern const ike_integ ike_nettle_integ_sha1, ike_nettle_integ_sha256, ike_nettle_integ_sha384, ike_nettle_integ_sha512;
extern const ike_ke ike_nettle_ecp256, ike_nettle_ecp384, ike_nettle_ecp521;
extern const ike_sign ike_nettle_ecdsa;
#endif

/* Whether the CPU has AES and carry-less multiplication instructions, which the AES code of nettle and mbedTLS then uses
 * instead of tables indexed by secrets. */
bool ike_cpu_has_aes(void);
bool ike_mbedtls_has_aes(void); /* and that mbedTLS was built to use it */
void ike_mbedtls_warm(void);    /* its static tables, before there are threads */

/* The constant_time of ciphers that go by tables on every CPU: false. */
bool ike_by_tables(void);

#endif
