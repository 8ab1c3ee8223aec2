/* SPDX-License-Identifier: ISC
 *
 * What all AES of mbedTLS shares: whether it runs in constant time, and its tables, which it computes at the first key.
 */
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"
#include <mbedtls/aes.h>

#if defined(MBEDTLS_AESNI_C) && defined(MBEDTLS_HAVE_ASM)
bool ike_mbedtls_has_aes(void) { return ike_cpu_has_aes(); }
#else
bool ike_mbedtls_has_aes(void) { return false; }
#endif

void ike_mbedtls_warm(void)
{
    static const uint8_t key[16];
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    mbedtls_aes_setkey_enc(&aes, key, 128);
    mbedtls_aes_free(&aes);
}
