/* SPDX-License-Identifier: ISC
 *
 * What mbedTLS offers.
 */
#include "crypto/slots.h"

static const ike_encr *const encr[] = {&ike_mbedtls_aes_gcm_16,
                                       &ike_mbedtls_aes_gcm_12,
                                       &ike_mbedtls_aes_gcm_8,
                                       &ike_mbedtls_aes_cbc,
                                       &ike_mbedtls_chacha20_poly1305,
                                       &ike_mbedtls_des3,
                                       NULL};
static const ike_prf *const prf[] = {&ike_mbedtls_prf_sha256, &ike_mbedtls_prf_sha384, &ike_mbedtls_prf_sha512,
                                     &ike_mbedtls_prf_sha1, NULL};
static const ike_integ *const integ[] = {&ike_mbedtls_integ_sha256, &ike_mbedtls_integ_sha384, &ike_mbedtls_integ_sha512,
                                         &ike_mbedtls_integ_sha1, NULL};
static const ike_ke *const ke[] = {&ike_mbedtls_x25519,   &ike_mbedtls_ecp256,   &ike_mbedtls_ecp384,
                                   &ike_mbedtls_ecp521,   &ike_mbedtls_ecp192,   &ike_mbedtls_ecp224,
                                   &ike_mbedtls_ecp256bp, &ike_mbedtls_ecp384bp, &ike_mbedtls_ecp512bp,
                                   &ike_mbedtls_modp768,  &ike_mbedtls_modp1024, &ike_mbedtls_modp1536,
                                   &ike_mbedtls_modp2048, &ike_mbedtls_modp3072, &ike_mbedtls_modp4096,
                                   &ike_mbedtls_modp6144, &ike_mbedtls_modp8192, NULL};
static const ike_hash *const hash[] = {&ike_mbedtls_sha256, &ike_mbedtls_sha384, &ike_mbedtls_sha512, &ike_mbedtls_sha1, NULL};
static const ike_sign *const sign[] = {&ike_mbedtls_rsa, &ike_mbedtls_ecdsa, NULL};

const ike_crypto ike_crypto_mbedtls = {"mbedtls", encr, prf, integ, ke, hash, sign, ike_mbedtls_power};
