/* SPDX-License-Identifier: ISC
 *
 * What the libraries below want done once per process, before there are threads.
 */
#include "crypto/slots.h"

#include <sodium/core.h>

/* Not there in a program that links no AES of mbedTLS, and not linked for the sake of its tables. */
__attribute__((weak)) void ike_mbedtls_warm(void);

/* Before threads, since both libraries keep static state that they fill without locks. libsodium also chooses its
 * implementations here; 1, which says that it was done before, is no failure. */
int ike_crypto_global_init(void)
{
    if (sodium_init() < 0) {
        return IKE_ERR_CRYPTO;
    }
    if (ike_mbedtls_warm) {
        ike_mbedtls_warm();
    }
    return IKE_OK;
}
