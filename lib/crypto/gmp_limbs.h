/* SPDX-License-Identifier: ISC
 *
 * GMP limbs from and to octets. Used with mpn functions only: nothing here allocates.
 */
#ifndef IKE_CRYPTO_GMP_LIMBS_H
#define IKE_CRYPTO_GMP_LIMBS_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(GMP_NUMB_BITS == 8 * sizeof(mp_limb_t), "GMP built with nails is not supported");

#define IKE_LIMB sizeof(mp_limb_t)
#define IKE_LIMBS(octets) (((octets) + IKE_LIMB - 1) / IKE_LIMB)

/* n limbs from len big-endian octets, which must fit; what is missing is zero. */
static inline void ike_gmp_load(mp_limb_t *limbs, size_t n, const uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        limbs[i] = 0;
    }
    for (size_t i = 0; i < len; i++) {
        limbs[i / IKE_LIMB] |= (mp_limb_t)octets[len - 1 - i] << (i % IKE_LIMB * 8);
    }
}

/* The low len octets of the number, big-endian; it must have as many. */
static inline void ike_gmp_store(const mp_limb_t *limbs, uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        octets[len - 1 - i] = (uint8_t)(limbs[i / IKE_LIMB] >> (i % IKE_LIMB * 8));
    }
}

/* u = (1 + y) / (1 - y) modulo 2^255 - 19, both 32 octets little-endian; false if y is 1 or not reduced. Variable time: y is
 * public. In gmp_edwards.c, so only with IKE_HAVE_GMP. */
bool ike_gmp_edwards_to_u(const uint8_t y[32], uint8_t u[32]);

#endif
