/* SPDX-License-Identifier: ISC
 *
 * The NIST curves of hogweed, with scalars and points in limbs of our own. In nettle_ecp.c.
 */
#ifndef IKE_CRYPTO_NETTLE_CURVE_H
#define IKE_CRYPTO_NETTLE_CURVE_H

#include "crypto/gmp_limbs.h"
#include <ike/crypto.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>

enum { IKE_ECC_OCTETS_MAX = 66, IKE_ECC_LIMBS_MAX = IKE_LIMBS(IKE_ECC_OCTETS_MAX) };

struct ike_ecc_curve {
    const struct ecc_curve *(*get)(void);
    const uint8_t *order;
    uint16_t len; /* octets of a coordinate, of a private value and of the order */
};
extern const struct ike_ecc_curve ike_ecc_p256, ike_ecc_p384, ike_ecc_p521;

struct ike_ecc_scalar {
    struct ecc_scalar s;
    mp_limb_t limbs[IKE_ECC_LIMBS_MAX];
};

/* Room for the largest curve: hogweed's own init functions would allocate by GMP, unwiped. */
struct ike_ecc_point {
    struct ecc_point p;
    mp_limb_t limbs[2 * IKE_ECC_LIMBS_MAX];
};

/* False unless 0 < priv < order, found in constant time. */
bool ike_ecc_load_private(const struct ike_ecc_curve *c, struct ike_ecc_scalar *x, const uint8_t *priv);
/* False unless both coordinates are reduced and the point is on the curve. The order is prime, so it then has that order. */
bool ike_ecc_load_public(const struct ike_ecc_curve *c, struct ike_ecc_point *p, const uint8_t *pub);
/* Random octets of a private value. */
int ike_ecc_draw(const struct ike_ecc_curve *c, const ike_random *rng, uint8_t *priv);

#endif
