/* SPDX-License-Identifier: ISC
 *
 * What GMP offers.
 */
#include "crypto/slots.h"

static const ike_encr *const encr[] = {NULL};
static const ike_prf *const prf[] = {NULL};
static const ike_integ *const integ[] = {NULL};
static const ike_ke *const ke[] = {NULL};
static const ike_hash *const hash[] = {NULL};

const ike_crypto ike_crypto_gmp = {"gmp", encr, prf, integ, ke, hash};
