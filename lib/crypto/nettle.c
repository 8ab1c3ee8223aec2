/* SPDX-License-Identifier: ISC
 *
 * What nettle and hogweed offer.
 */
#include "crypto/slots.h"

static const ike_encr *const encr[] = {&ike_nettle_aes_gcm_16,
                                       &ike_nettle_aes_gcm_12,
                                       &ike_nettle_aes_gcm_8,
                                       &ike_nettle_aes_cbc,
                                       &ike_nettle_chacha20_poly1305,
                                       &ike_nettle_des3,
                                       NULL};
static const ike_prf *const prf[] = {&ike_nettle_prf_sha256, &ike_nettle_prf_sha384, &ike_nettle_prf_sha512, &ike_nettle_prf_sha1,
                                     NULL};
static const ike_integ *const integ[] = {&ike_nettle_integ_sha256, &ike_nettle_integ_sha384, &ike_nettle_integ_sha512,
                                         &ike_nettle_integ_sha1, NULL};
static const ike_ke *const ke[] = {&ike_nettle_ecp256, &ike_nettle_ecp384, &ike_nettle_ecp521, NULL};
static const ike_hash *const hash[] = {&ike_nettle_sha256, &ike_nettle_sha384, &ike_nettle_sha512, &ike_nettle_sha1, NULL};
static const ike_sign *const sign[] = {&ike_nettle_ecdsa, NULL};

const ike_crypto ike_crypto_nettle = {"nettle", encr, prf, integ, ke, hash, sign, NULL};
