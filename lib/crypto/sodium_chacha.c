/* SPDX-License-Identifier: ISC
 *
 * libsodium: ChaCha20-Poly1305 (RFC 7634).
 */
#include "base/bytes.h"
#include "crypto/slots.h"

#include <sodium/crypto_aead_chacha20poly1305.h>

#define KEY_LEN crypto_aead_chacha20poly1305_ietf_KEYBYTES

struct chacha {
    uint8_t key[KEY_LEN + 4]; /* key | salt, as they come from the key material */
};

/* RFC 7634 section 2: 32 octets of key, 4 of salt, no Key Length attribute. Both directions use the same key state. */
static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct chacha *c = ctx;
    (void)encrypt;
    if (n != sizeof(c->key)) {
        return IKE_ERR_INVALID;
    }
    memcpy(c->key, key, n);
    return IKE_OK;
}

/* Salt and explicit IV, 12 octets together. */
static void make_nonce(const struct chacha *c, const uint8_t *iv, uint8_t *nonce)
{
    memcpy(nonce, c->key + KEY_LEN, 4);
    memcpy(nonce + 4, iv, 8);
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    const struct chacha *c = ctx;
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    make_nonce(c, iv, nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(data, icv, NULL, data, n, aad, aad_len, NULL, nonce, c->key);
    return IKE_OK;
}

/* The tag is checked before anything is decrypted. */
static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    const struct chacha *c = ctx;
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    make_nonce(c, iv, nonce);
    int bad = crypto_aead_chacha20poly1305_ietf_decrypt_detached(data, NULL, data, n, icv, aad, aad_len, nonce, c->key);
    return bad ? IKE_ERR_CRYPTO : IKE_OK;
}

static void clear(void *ctx) { ike_wipe(ctx, sizeof(struct chacha)); }

const ike_encr ike_sodium_chacha20_poly1305 = {
    .id = ENCR_CHACHA20_POLY1305,
    .name = "ChaCha20-Poly1305",
    .key_bits = {256},
    .fixed_key = true,
    .aead = true,
    .salt_len = 4,
    .iv_len = 8,
    .icv_len = crypto_aead_chacha20poly1305_ietf_ABYTES,
    .block = 1,
    .ctx_size = sizeof(struct chacha),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
};
