/* SPDX-License-Identifier: ISC
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash of every table whose keys a peer can choose, so that nobody
 * outside can make them collide.
 */
#ifndef IKE_BASE_SIPHASH_H
#define IKE_BASE_SIPHASH_H

#include <ike/types.h>

/* The 64-bit result as a number; the paper's octet string is this in little-endian order. p may be NULL when n is 0. */
uint64_t ike_siphash(const uint8_t key[16], const void *p, size_t n);

#endif
