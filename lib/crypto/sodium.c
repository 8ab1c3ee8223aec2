/* SPDX-License-Identifier: ISC
 *
 * What libsodium offers.
 */
#include "crypto/slots.h"

static const ike_encr *const encr[] = {&ike_sodium_aes_gcm_16, &ike_sodium_chacha20_poly1305, NULL};
static const ike_prf *const prf[] = {&ike_sodium_prf_sha256, &ike_sodium_prf_sha512, NULL};
static const ike_integ *const integ[] = {&ike_sodium_integ_sha256, &ike_sodium_integ_sha512, NULL};
static const ike_ke *const ke[] = {&ike_sodium_x25519, NULL};
static const ike_hash *const hash[] = {&ike_sodium_sha256, &ike_sodium_sha512, NULL};
static const ike_sign *const sign[] = {NULL};

const ike_crypto ike_crypto_sodium = {"sodium", encr, prf, integ, ke, hash, sign, NULL};
