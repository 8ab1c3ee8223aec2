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

/* limbs from / to len big-endian octets; len must not exceed the size of n limbs, missing octets are zero. */
void ike_gmp_load(mp_limb_t *limbs, size_t n, const uint8_t *octets, size_t len);
void ike_gmp_store(const mp_limb_t *limbs, size_t n, uint8_t *octets, size_t len);

/* u = (1 + y) / (1 - y) modulo 2^255 - 19, both 32 octets little-endian; false if y is 1. Variable time: y is public. */
bool ike_gmp_edwards_to_u(const uint8_t y[32], uint8_t u[32]);

#endif
