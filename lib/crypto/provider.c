/* SPDX-License-Identifier: ISC
 *
 * The providers by name. Whoever links this file links all of them; ike_crypto_default() does not.
 */
#include "crypto/legacy.h"

#include <string.h>

static const ike_crypto *const providers[] = {
    &ike_crypto_sodium,
#ifdef IKE_HAVE_GMP
    &ike_crypto_gmp,
#endif
#ifdef IKE_HAVE_NETTLE
    &ike_crypto_nettle,
#endif
    &ike_crypto_mbedtls,
#ifdef IKE_HAVE_LEGACY
    &ike_crypto_legacy,
#endif
    NULL,
};

/* By the host's own word, not a peer's. */
const ike_crypto *ike_crypto_provider(const char *name)
{
    for (size_t i = 0; providers[i]; i++) {
        if (strcmp(providers[i]->name, name) == 0) {
            return providers[i];
        }
    }
    return NULL;
}

/* The NULL at the end is in the array, so the last index gives it as any past the end does. */
const ike_crypto *ike_crypto_provider_at(size_t i) { return i < sizeof(providers) / sizeof(*providers) ? providers[i] : NULL; }
