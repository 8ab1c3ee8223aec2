/* SPDX-License-Identifier: ISC
 *
 * nettle: AES in CBC mode (RFC 3602).
 */
#include "base/bytes.h"
#include "crypto/slots.h"

#include <nettle/aes.h>
#include <nettle/cbc.h>

/* No aes_ctx of nettle's for all key sizes: it is deprecated, hence a union and a switch. */
struct cbc {
    union {
        struct aes128_ctx a128;
        struct aes192_ctx a192;
        struct aes256_ctx a256;
    } aes;
    nettle_cipher_func *decrypt; /* NULL in an encrypting context */
    uint8_t key_len;
};

static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct cbc *c = ctx;
    switch (n) {
    case 16:
        encrypt ? aes128_set_encrypt_key(&c->aes.a128, key) : aes128_set_decrypt_key(&c->aes.a128, key);
        c->decrypt = (nettle_cipher_func *)aes128_decrypt;
        break;
    case 24:
        encrypt ? aes192_set_encrypt_key(&c->aes.a192, key) : aes192_set_decrypt_key(&c->aes.a192, key);
        c->decrypt = (nettle_cipher_func *)aes192_decrypt;
        break;
    case 32:
        encrypt ? aes256_set_encrypt_key(&c->aes.a256, key) : aes256_set_decrypt_key(&c->aes.a256, key);
        c->decrypt = (nettle_cipher_func *)aes256_decrypt;
        break;
    default:
        return IKE_ERR_INVALID;
    }
    c->key_len = (uint8_t)n;
    if (encrypt) {
        c->decrypt = NULL;
    }
    return IKE_OK;
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    struct cbc *c = ctx;
    (void)aad, (void)aad_len, (void)icv;
    /* A context of the wrong direction would turn the text into noise without a sign. */
    if (n % AES_BLOCK_SIZE || c->decrypt) {
        return IKE_ERR_INVALID;
    }
    uint8_t chain[AES_BLOCK_SIZE];
    memcpy(chain, iv, sizeof(chain));
    if (c->key_len == 16) {
        cbc_aes128_encrypt(&c->aes.a128, chain, n, data, data);
    } else if (c->key_len == 24) {
        cbc_aes192_encrypt(&c->aes.a192, chain, n, data, data);
    } else {
        cbc_aes256_encrypt(&c->aes.a256, chain, n, data, data);
    }
    return IKE_OK;
}

/* nettle has no function per key size for this direction, hence the pointer. */
static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    struct cbc *c = ctx;
    (void)aad, (void)aad_len, (void)icv;
    if (n % AES_BLOCK_SIZE || !c->decrypt) {
        return IKE_ERR_INVALID;
    }
    uint8_t chain[AES_BLOCK_SIZE];
    memcpy(chain, iv, sizeof(chain));
    cbc_decrypt(&c->aes, c->decrypt, AES_BLOCK_SIZE, chain, n, data, data);
    return IKE_OK;
}

static void clear(void *ctx) { ike_wipe(ctx, sizeof(struct cbc)); }

const ike_encr ike_nettle_aes_cbc = {
    .id = ENCR_AES_CBC,
    .name = "AES-CBC",
    .key_bits = {128, 192, 256},
    .iv_len = AES_BLOCK_SIZE,
    .block = AES_BLOCK_SIZE,
    .constant_time = ike_cpu_has_aes,
    .ctx_size = sizeof(struct cbc),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
};
