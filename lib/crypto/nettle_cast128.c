/* SPDX-License-Identifier: ISC
 *
 * nettle: CAST-128 in CBC mode (RFC 2144, RFC 2451), with keys of the full length only.
 */
#include "base/bytes.h"
#include "crypto/nettle_cbc8.h"

#include <nettle/cast128.h>

struct cast128 {
    struct ike_nettle_cbc8 head;
    struct cast128_ctx cipher;
};

static int cast128_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct cast128 *c = ctx;
    if (n != CAST128_KEY_SIZE) {
        return IKE_ERR_INVALID;
    }
    c->head =
        (struct ike_nettle_cbc8){.run = (nettle_cipher_func *)(encrypt ? cast128_encrypt : cast128_decrypt), .encrypt = encrypt};
    cast128_set_key(&c->cipher, key);
    return IKE_OK;
}

static void cast128_clear(void *ctx) { ike_wipe(ctx, sizeof(struct cast128)); }

IKE_NETTLE_CBC8(cast128, ENCR_CAST, "CAST-128-CBC", .key_bits = {128});
