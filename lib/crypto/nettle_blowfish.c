/* SPDX-License-Identifier: ISC
 *
 * nettle: Blowfish in CBC mode (RFC 2451). Of its many key sizes those that peers have a name for; 128 is the usual one.
 */
#include "base/bytes.h"
#include "crypto/nettle_cbc8.h"

#include <nettle/blowfish.h>

struct blowfish {
    struct ike_nettle_cbc8 head;
    struct blowfish_ctx cipher;
};

/* nettle's result tells of keys that give an S-box two equal entries. No attack on the full number of rounds is known of
 * them, and peers take them. */
static int blowfish_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct blowfish *c = ctx;
    if (n != 16 && n != 24 && n != 32) {
        return IKE_ERR_INVALID;
    }
    c->head = (struct ike_nettle_cbc8){.run = (nettle_cipher_func *)(encrypt ? blowfish_encrypt : blowfish_decrypt),
                                       .encrypt = encrypt};
    (void)blowfish_set_key(&c->cipher, n, key);
    return IKE_OK;
}

static void blowfish_clear(void *ctx) { ike_wipe(ctx, sizeof(struct blowfish)); }

IKE_NETTLE_CBC8(blowfish, ENCR_BLOWFISH, "Blowfish-CBC", .key_bits = {128, 192, 256});
