/* SPDX-License-Identifier: ISC
 *
 * nettle: DES and 3DES in CBC mode (RFC 2405, RFC 2451).
 */
#include "base/bytes.h"
#include "crypto/nettle_cbc8.h"

#include <nettle/des.h>

struct des {
    struct ike_nettle_cbc8 head;
    struct des_ctx cipher;
};

/* nettle tells of weak and semi-weak keys: RFC 2405 section 3.2 and RFC 2409 appendix A pass them over. */
static int des_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct des *c = ctx;
    if (n != DES_KEY_SIZE) {
        return IKE_ERR_INVALID;
    }
    c->head = (struct ike_nettle_cbc8){.run = (nettle_cipher_func *)(encrypt ? des_encrypt : des_decrypt), .encrypt = encrypt};
    return des_set_key(&c->cipher, key) ? IKE_OK : IKE_ERR_CRYPTO;
}

static void des_clear(void *ctx) { ike_wipe(ctx, sizeof(struct des)); }

IKE_NETTLE_CBC8(des, ENCR_DES, "DES-CBC", .key_bits = {64}, .fixed_key = true);

struct des3 {
    struct ike_nettle_cbc8 head;
    struct des3_ctx cipher;
};

/* A third of the key that is weak for DES alone does no harm here (RFC 2451 section 2.3). */
static int des3_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct des3 *c = ctx;
    if (n != DES3_KEY_SIZE) {
        return IKE_ERR_INVALID;
    }
    c->head = (struct ike_nettle_cbc8){.run = (nettle_cipher_func *)(encrypt ? des3_encrypt : des3_decrypt), .encrypt = encrypt};
    (void)des3_set_key(&c->cipher, key);
    return IKE_OK;
}

static void des3_clear(void *ctx) { ike_wipe(ctx, sizeof(struct des3)); }

IKE_NETTLE_CBC8(des3, ENCR_3DES, "3DES-CBC", .key_bits = {192}, .fixed_key = true);
