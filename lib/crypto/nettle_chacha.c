/* SPDX-License-Identifier: ISC
 *
 * nettle: ChaCha20-Poly1305 (RFC 7634).
 */
#include "base/bytes.h"
#include "crypto/slots.h"

#include <nettle/chacha-poly1305.h>

struct chacha {
    struct chacha_poly1305_ctx state;
    uint8_t salt[4];
};

/* 36 octets of key material: 32 of key, then 4 of salt (RFC 7634 section 2). Both directions run the same way. */
static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct chacha *c = ctx;
    (void)encrypt;
    if (n != CHACHA_POLY1305_KEY_SIZE + sizeof(c->salt)) {
        return IKE_ERR_INVALID;
    }
    chacha_poly1305_set_key(&c->state, key);
    memcpy(c->salt, key + CHACHA_POLY1305_KEY_SIZE, sizeof(c->salt));
    return IKE_OK;
}

/* Associated data first: Poly1305 takes it before the text (RFC 8439 section 2.8). */
static void start(struct chacha *c, const uint8_t *iv, const uint8_t *aad, size_t aad_len)
{
    uint8_t nonce[CHACHA_POLY1305_NONCE_SIZE];
    memcpy(nonce, c->salt, 4);
    memcpy(nonce + 4, iv, 8);
    chacha_poly1305_set_nonce(&c->state, nonce);
    chacha_poly1305_update(&c->state, aad_len, aad);
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    struct chacha *c = ctx;
    start(c, iv, aad, aad_len);
    chacha_poly1305_encrypt(&c->state, n, data, data);
    chacha_poly1305_digest(&c->state, CHACHA_POLY1305_DIGEST_SIZE, icv);
    return IKE_OK;
}

/* nettle leaves the comparison to its caller. Decrypted before it is known to be authentic: on failure the caller may not
 * look. */
static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    struct chacha *c = ctx;
    uint8_t tag[CHACHA_POLY1305_DIGEST_SIZE];
    start(c, iv, aad, aad_len);
    chacha_poly1305_decrypt(&c->state, n, data, data);
    chacha_poly1305_digest(&c->state, sizeof(tag), tag);
    return ike_ct_equal(tag, icv, sizeof(tag)) ? IKE_OK : IKE_ERR_CRYPTO;
}

static void clear(void *ctx) { ike_wipe(ctx, sizeof(struct chacha)); }

const ike_encr ike_nettle_chacha20_poly1305 = {
    .id = ENCR_CHACHA20_POLY1305,
    .name = "ChaCha20-Poly1305",
    .key_bits = {256},
    .fixed_key = true,
    .aead = true,
    .salt_len = 4,
    .iv_len = 8,
    .icv_len = CHACHA_POLY1305_DIGEST_SIZE,
    .block = 1,
    .ctx_size = sizeof(struct chacha),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
};
