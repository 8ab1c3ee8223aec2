/* SPDX-License-Identifier: ISC
 *
 * What the libraries below want done once per process, before there are threads.
 */
#include "crypto/slots.h"

#include <sodium/core.h>

/* A tiny build on nettle has no AES of mbedTLS, and must not link it for the sake of its tables. */
#if defined(IKE_TINY) && defined(IKE_HAVE_NETTLE)
static void warm_mbedtls(void) {}
#else
#include <mbedtls/aes.h>

/* mbedTLS computes its AES tables, which are static, at the first key. */
static void warm_mbedtls(void)
{
    static const uint8_t key[16];
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    mbedtls_aes_setkey_enc(&aes, key, 128);
    mbedtls_aes_free(&aes);
}
#endif

/* Before threads, since both libraries keep static state that they fill without locks. libsodium also chooses its
 * implementations here; 1, which says that it was done before, is no failure. */
int ike_crypto_global_init(void)
{
    if (sodium_init() < 0) {
        return IKE_ERR_CRYPTO;
    }
    warm_mbedtls();
    return IKE_OK;
}
