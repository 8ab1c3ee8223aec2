/* SPDX-License-Identifier: ISC
 *
 * libsodium: AES-256-GCM with a 16-octet tag, on CPUs where libsodium has AES instructions for it.
 */
#include "base/bytes.h"
#include "crypto/slots.h"

#include <sodium/crypto_aead_aes256gcm.h>

struct gcm {
    crypto_aead_aes256gcm_state state;
    uint8_t salt[4];
};

/* The salt follows the key (RFC 4106 section 8.1). */
static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct gcm *c = ctx;
    (void)encrypt;
    if (n != crypto_aead_aes256gcm_KEYBYTES + sizeof(c->salt)) {
        return IKE_ERR_INVALID;
    }
    crypto_aead_aes256gcm_beforenm(&c->state, key);
    memcpy(c->salt, key + crypto_aead_aes256gcm_KEYBYTES, sizeof(c->salt));
    return IKE_OK;
}

/* Salt and explicit IV, 12 octets together (RFC 4106 section 4). */
static void make_nonce(const struct gcm *c, const uint8_t *iv, uint8_t *nonce)
{
    memcpy(nonce, c->salt, 4);
    memcpy(nonce + 4, iv, 8);
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    const struct gcm *c = ctx;
    uint8_t nonce[crypto_aead_aes256gcm_NPUBBYTES];
    make_nonce(c, iv, nonce);
    crypto_aead_aes256gcm_encrypt_detached_afternm(data, icv, NULL, data, n, aad, aad_len, NULL, nonce, &c->state);
    return IKE_OK;
}

static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    const struct gcm *c = ctx;
    uint8_t nonce[crypto_aead_aes256gcm_NPUBBYTES];
    make_nonce(c, iv, nonce);
    int bad = crypto_aead_aes256gcm_decrypt_detached_afternm(data, NULL, data, n, icv, aad, aad_len, nonce, &c->state);
    return bad ? IKE_ERR_CRYPTO : IKE_OK;
}

static void clear(void *ctx) { ike_wipe(ctx, sizeof(struct gcm)); }

/* libsodium has no AES in software: without the instructions this slot does not exist. */
static bool usable(void) { return crypto_aead_aes256gcm_is_available() != 0; }

const ike_encr ike_sodium_aes_gcm_16 = {
    .id = ENCR_AES_GCM_16,
    .name = "AES-GCM-16",
    .key_bits = {256},
    .aead = true,
    .salt_len = 4,
    .iv_len = 8,
    .icv_len = crypto_aead_aes256gcm_ABYTES,
    .block = 1,
    .ctx_size = sizeof(struct gcm),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
    .usable = usable,
};
