/* SPDX-License-Identifier: ISC
 *
 * What OpenSSL's libcrypto offers.
 */
#include "crypto/openssl.h"

static const ike_encr *const encr[] = {&ike_openssl_aes_gcm_16, &ike_openssl_aes_gcm_12, &ike_openssl_aes_gcm_8,
                                       &ike_openssl_aes_cbc, NULL};
static const ike_prf *const prf[] = {&ike_openssl_prf_sha256, &ike_openssl_prf_sha384, &ike_openssl_prf_sha512, NULL};
static const ike_integ *const integ[] = {&ike_openssl_integ_sha256, &ike_openssl_integ_sha384, &ike_openssl_integ_sha512, NULL};
static const ike_ke *const ke[] = {&ike_openssl_ecp256,
                                   &ike_openssl_ecp384,
                                   &ike_openssl_ecp521,
                                   &ike_openssl_x448,
                                   &ike_openssl_ecp256bp,
                                   &ike_openssl_ecp384bp,
                                   &ike_openssl_ecp512bp,
                                   &ike_openssl_ecp224bp,
                                   &ike_openssl_ecp224,
                                   &ike_openssl_ecp192,
                                   NULL};
static const ike_hash *const hash[] = {&ike_openssl_sha256, &ike_openssl_sha384, &ike_openssl_sha512, NULL};
static const ike_sign *const sign[] = {&ike_openssl_dsa, NULL};

const ike_crypto ike_crypto_openssl = {"openssl", encr, prf, integ, ke, hash, sign, NULL};
