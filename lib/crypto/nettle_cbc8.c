/* SPDX-License-Identifier: ISC
 *
 * nettle: CBC mode over its ciphers with blocks of 8 octets.
 */
#include "crypto/nettle_cbc8.h"

#include <nettle/cbc.h>
#include <string.h>

_Static_assert(sizeof(struct ike_nettle_cbc8) == 16, "nettle's context follows at once, aligned");

/* A context of the wrong direction would turn the text into noise without a sign. */
int ike_nettle_cbc8_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    const struct ike_nettle_cbc8 *c = ctx;
    (void)aad, (void)aad_len, (void)icv;
    if (n % IKE_CBC8_BLOCK || !c->encrypt) {
        return IKE_ERR_INVALID;
    }
    uint8_t chain[IKE_CBC8_BLOCK];
    memcpy(chain, iv, sizeof(chain));
    cbc_encrypt(c + 1, c->run, IKE_CBC8_BLOCK, chain, n, data, data);
    return IKE_OK;
}

int ike_nettle_cbc8_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,
                         const uint8_t *icv)
{
    const struct ike_nettle_cbc8 *c = ctx;
    (void)aad, (void)aad_len, (void)icv;
    if (n % IKE_CBC8_BLOCK || c->encrypt) {
        return IKE_ERR_INVALID;
    }
    uint8_t chain[IKE_CBC8_BLOCK];
    memcpy(chain, iv, sizeof(chain));
    cbc_decrypt(c + 1, c->run, IKE_CBC8_BLOCK, chain, n, data, data);
    return IKE_OK;
}
