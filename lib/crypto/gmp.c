/* SPDX-License-Identifier: ISC
 *
 * What GMP offers.
 */
#include "crypto/slots.h"

static const ike_encr *const encr[] = {NULL};
static const ike_prf *const prf[] = {NULL};
static const ike_integ *const integ[] = {NULL};
static const ike_ke *const ke[] = {&ike_gmp_modp768,  &ike_gmp_modp1024, &ike_gmp_modp1536,
                                   &ike_gmp_modp2048, &ike_gmp_modp3072, &ike_gmp_modp4096,
                                   &ike_gmp_modp6144, &ike_gmp_modp8192, NULL};
static const ike_hash *const hash[] = {NULL};
static const ike_sign *const sign[] = {&ike_gmp_rsa, NULL};

const ike_crypto ike_crypto_gmp = {"gmp", encr, prf, integ, ke, hash, sign, ike_gmp_power};
