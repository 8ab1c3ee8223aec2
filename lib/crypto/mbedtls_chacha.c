/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: ChaCha20-Poly1305 (RFC 7634).
 */
#include "base/bytes.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

#include <mbedtls/chachapoly.h>

enum { KEY_LEN = 32, TAG_LEN = 16 };

struct chacha {
    mbedtls_chachapoly_context state;
    uint8_t salt[4];
};

/* 36 octets of key material: 32 of key, then 4 of salt (RFC 7634 section 2). The transform has no Key Length attribute. */
static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct chacha *c = ctx;
    (void)encrypt;
    if (n != KEY_LEN + sizeof(c->salt)) {
        return IKE_ERR_INVALID;
    }
    mbedtls_chachapoly_init(&c->state);
    memcpy(c->salt, key + KEY_LEN, sizeof(c->salt));
    return mbedtls_chachapoly_setkey(&c->state, key) ? IKE_ERR_CRYPTO : IKE_OK;
}

/* Salt and explicit IV, 12 octets together (RFC 7634 section 2). */
static void make_nonce(const struct chacha *c, const uint8_t *iv, uint8_t *nonce)
{
    memcpy(nonce, c->salt, 4);
    memcpy(nonce + 4, iv, 8);
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    struct chacha *c = ctx;
    uint8_t nonce[12];
    make_nonce(c, iv, nonce);
    return mbedtls_chachapoly_encrypt_and_tag(&c->state, n, nonce, aad, aad_len, data, data, icv) ? IKE_ERR_CRYPTO : IKE_OK;
}

/* mbedTLS compares the tag in constant time, and wipes the text when it is wrong. */
static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    struct chacha *c = ctx;
    uint8_t nonce[12];
    make_nonce(c, iv, nonce);
    return mbedtls_chachapoly_auth_decrypt(&c->state, n, nonce, aad, aad_len, icv, data, data) ? IKE_ERR_CRYPTO : IKE_OK;
}

static void clear(void *ctx)
{
    struct chacha *c = ctx;
    mbedtls_chachapoly_free(&c->state);
    ike_wipe(c, sizeof(*c));
}

const ike_encr ike_mbedtls_chacha20_poly1305 = {
    .id = ENCR_CHACHA20_POLY1305,
    .name = "ChaCha20-Poly1305",
    .key_bits = {256},
    .fixed_key = true,
    .aead = true,
    .salt_len = 4,
    .iv_len = 8,
    .icv_len = TAG_LEN,
    .block = 1,
    .ctx_size = sizeof(struct chacha),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
};
