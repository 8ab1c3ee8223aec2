/* SPDX-License-Identifier: ISC
 *
 * OpenSSL: AES in CBC mode (RFC 3602) and in GCM (RFC 4106, RFC 5282). Contexts are on OpenSSL's heap from init to clear.
 */
#include "base/bytes.h"
#include "crypto/openssl.h"

#include <limits.h>
#include <openssl/evp.h>

enum { BLOCK = 16, SALT = 4, IV = 8 };

struct aes {
    EVP_CIPHER_CTX *evp;
    uint8_t salt[SALT]; /* GCM */
    bool encrypt;
};

static void clear(void *ctx)
{
    struct aes *c = ctx;
    EVP_CIPHER_CTX_free(c->evp); /* wipes */
    ike_wipe(c, sizeof(*c));
}

static int start(struct aes *c, const EVP_CIPHER *const ciphers[3], const uint8_t *key, size_t n, bool encrypt)
{
    if (n != 16 && n != 24 && n != 32) {
        return IKE_ERR_INVALID;
    }
    c->encrypt = encrypt;
    c->evp = EVP_CIPHER_CTX_new();
    if (!c->evp) {
        return IKE_ERR_NOMEM;
    }
    if (!EVP_CipherInit_ex(c->evp, ciphers[n / 8 - 2], NULL, key, NULL, encrypt)) {
        clear(c);
        return IKE_ERR_CRYPTO;
    }
    return IKE_OK;
}

/* ---- CBC ----------------------------------------------------------------------------------------------------------------- */

static int cbc_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    const EVP_CIPHER *const ciphers[] = {EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc()};
    return start(ctx, ciphers, key, n, encrypt);
}

/* A context of the wrong direction would turn the text into noise without a sign. */
static int cbc(struct aes *c, const uint8_t *iv, uint8_t *data, size_t n, bool encrypt)
{
    int done = 0;
    if (n % BLOCK || n > INT_MAX || c->encrypt != encrypt) {
        return IKE_ERR_INVALID;
    }
    if (!EVP_CipherInit_ex(c->evp, NULL, NULL, NULL, iv, -1) || !EVP_CIPHER_CTX_set_padding(c->evp, 0)) {
        return IKE_ERR_CRYPTO;
    }
    return n == 0 || (EVP_CipherUpdate(c->evp, data, &done, data, (int)n) && (size_t)done == n) ? IKE_OK : IKE_ERR_CRYPTO;
}

static int cbc_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    (void)aad, (void)aad_len, (void)icv;
    return cbc(ctx, iv, data, n, true);
}

static int cbc_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    (void)aad, (void)aad_len, (void)icv;
    return cbc(ctx, iv, data, n, false);
}

const ike_encr ike_openssl_aes_cbc = {
    .id = ENCR_AES_CBC,
    .name = "AES-CBC",
    .key_bits = {128, 192, 256},
    .iv_len = BLOCK,
    .block = BLOCK,
    .constant_time = ike_cpu_has_aes,
    .ctx_size = sizeof(struct aes),
    .init = cbc_init,
    .seal = cbc_seal,
    .open = cbc_open,
    .clear = clear,
};

/* ---- GCM ----------------------------------------------------------------------------------------------------------------- */

static int gcm_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    const EVP_CIPHER *const ciphers[] = {EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm()};
    struct aes *c = ctx;
    if (n < SALT) {
        return IKE_ERR_INVALID;
    }
    memcpy(c->salt, key + n - SALT, SALT);
    return start(c, ciphers, key, n - SALT, encrypt);
}

/* Everything but the tag, which is set before or taken behind it. The nonce is 96 bits, OpenSSL's usual length. */
static bool gcm(struct aes *c, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n)
{
    uint8_t nonce[SALT + IV];
    int done = 0;
    memcpy(nonce, c->salt, SALT);
    memcpy(nonce + SALT, iv, IV);
    return aad_len <= INT_MAX && n <= INT_MAX && EVP_CipherInit_ex(c->evp, NULL, NULL, NULL, nonce, -1) &&
           (aad_len == 0 || EVP_CipherUpdate(c->evp, NULL, &done, aad, (int)aad_len)) &&
           (n == 0 || (EVP_CipherUpdate(c->evp, data, &done, data, (int)n) && (size_t)done == n));
}

static int seal(struct aes *c, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv,
                int icv_len)
{
    uint8_t none[BLOCK];
    int done = 0;
    if (!c->encrypt) {
        return IKE_ERR_INVALID;
    }
    return gcm(c, iv, aad, aad_len, data, n) && EVP_CipherFinal_ex(c->evp, none, &done) &&
                   EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_GET_TAG, icv_len, icv) > 0
               ? IKE_OK
               : IKE_ERR_CRYPTO;
}

/* OpenSSL takes the tag by a pointer that is not const, hence a copy. */
static int open(struct aes *c, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv,
                int icv_len)
{
    uint8_t none[BLOCK], tag[BLOCK];
    int done = 0;
    if (c->encrypt) {
        return IKE_ERR_INVALID;
    }
    memcpy(tag, icv, (size_t)icv_len);
    return gcm(c, iv, aad, aad_len, data, n) && EVP_CIPHER_CTX_ctrl(c->evp, EVP_CTRL_AEAD_SET_TAG, icv_len, tag) > 0 &&
                   EVP_CipherFinal_ex(c->evp, none, &done) > 0
               ? IKE_OK
               : IKE_ERR_CRYPTO;
}

#define GCM(LEN)                                                                                                                 \
    static int gcm_seal_##LEN(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,         \
                              uint8_t *icv)                                                                                      \
    {                                                                                                                            \
        return seal(ctx, iv, aad, aad_len, data, n, icv, LEN);                                                                   \
    }                                                                                                                            \
    static int gcm_open_##LEN(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,         \
                              const uint8_t *icv)                                                                                \
    {                                                                                                                            \
        return open(ctx, iv, aad, aad_len, data, n, icv, LEN);                                                                   \
    }                                                                                                                            \
    const ike_encr ike_openssl_aes_gcm_##LEN = {.id = ENCR_AES_GCM_##LEN,                                                        \
                                                .name = "AES-GCM-" #LEN,                                                         \
                                                .key_bits = {128, 192, 256},                                                     \
                                                .aead = true,                                                                    \
                                                .salt_len = SALT,                                                                \
                                                .iv_len = IV,                                                                    \
                                                .icv_len = LEN,                                                                  \
                                                .block = 1,                                                                      \
                                                .constant_time = ike_cpu_has_aes,                                                \
                                                .ctx_size = sizeof(struct aes),                                                  \
                                                .init = gcm_init,                                                                \
                                                .seal = gcm_seal_##LEN,                                                          \
                                                .open = gcm_open_##LEN,                                                          \
                                                .clear = clear}

GCM(16);
GCM(12);
GCM(8);
