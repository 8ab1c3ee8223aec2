/* SPDX-License-Identifier: ISC
 *
 * The host's random source in the form mbedTLS wants.
 */
#ifndef IKE_CRYPTO_MBEDTLS_RANDOM_H
#define IKE_CRYPTO_MBEDTLS_RANDOM_H

#include <ike/crypto.h>

/* What mbedTLS hands back is not const. */
static inline int ike_mbedtls_random(void *rng, unsigned char *out, size_t n)
{
    const ike_random *r = rng;
    return r->fill(r->user, out, n) == IKE_OK ? 0 : -1;
}

#endif
