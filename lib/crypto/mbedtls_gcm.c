/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: AES-GCM with the three tag lengths of RFC 4106 and RFC 5282. init allocates (an AES context, by mbedtls_calloc);
 * clear releases it.
 */
#include "base/bytes.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

#include <mbedtls/gcm.h>

struct gcm {
    mbedtls_gcm_context state;
    uint8_t salt[4], tag_len;
};

/* The salt is the last 4 octets of the key material (RFC 4106 section 8.1), so the size gives the key length. */
static int init(struct gcm *c, const uint8_t *key, size_t n, uint8_t tag_len)
{
    if (n != 16 + 4 && n != 24 + 4 && n != 32 + 4) {
        return IKE_ERR_INVALID;
    }
    mbedtls_gcm_init(&c->state);
    /* The sizes are right, so what fails is the allocation of the AES context. */
    if (mbedtls_gcm_setkey(&c->state, MBEDTLS_CIPHER_ID_AES, key, (unsigned)(n - 4) * 8) != 0) {
        mbedtls_gcm_free(&c->state);
        return IKE_ERR_NOMEM;
    }
    memcpy(c->salt, key + n - 4, 4);
    c->tag_len = tag_len;
    return IKE_OK;
}

/* Counter mode runs the cipher forward both ways, so the direction does not matter. */
static int init_16(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, init(ctx, key, n, 16); }
static int init_12(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, init(ctx, key, n, 12); }
static int init_8(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, init(ctx, key, n, 8); }

/* Salt and explicit IV, 12 octets together (RFC 4106 section 4). */
static void make_nonce(const struct gcm *c, const uint8_t *iv, uint8_t *nonce)
{
    memcpy(nonce, c->salt, 4);
    memcpy(nonce + 4, iv, 8);
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    struct gcm *c = ctx;
    uint8_t nonce[12];
    make_nonce(c, iv, nonce);
    int err = mbedtls_gcm_crypt_and_tag(&c->state, MBEDTLS_GCM_ENCRYPT, n, nonce, sizeof(nonce), aad, aad_len, data, data,
                                        c->tag_len, icv);
    return err ? IKE_ERR_CRYPTO : IKE_OK;
}

static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    struct gcm *c = ctx;
    uint8_t nonce[12];
    make_nonce(c, iv, nonce);
    int err = mbedtls_gcm_auth_decrypt(&c->state, n, nonce, sizeof(nonce), aad, aad_len, icv, c->tag_len, data, data);
    return err ? IKE_ERR_CRYPTO : IKE_OK;
}

/* Also after a failed seal or open: the engine calls it on every path behind a good init. */
static void clear(void *ctx)
{
    struct gcm *c = ctx;
    mbedtls_gcm_free(&c->state);
    ike_wipe(c, sizeof(*c));
}

#define GCM(ID, NAME, ICV, INIT)                                                                                              \
    {                                                                                                                         \
        .id = ID, .name = NAME, .key_bits = {128, 192, 256}, .aead = true, .salt_len = 4, .iv_len = 8, .icv_len = ICV,        \
        .block = 1, .constant_time = ike_mbedtls_has_aes, .ctx_size = sizeof(struct gcm), .init = INIT, .seal = seal,         \
        .open = open, .clear = clear                                                                                          \
    }

const ike_encr ike_mbedtls_aes_gcm_16 = GCM(ENCR_AES_GCM_16, "AES-GCM-16", 16, init_16);
const ike_encr ike_mbedtls_aes_gcm_12 = GCM(ENCR_AES_GCM_12, "AES-GCM-12", 12, init_12);
const ike_encr ike_mbedtls_aes_gcm_8 = GCM(ENCR_AES_GCM_8, "AES-GCM-8", 8, init_8);
