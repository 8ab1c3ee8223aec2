/* SPDX-License-Identifier: ISC
 *
 * nettle: AES-GCM with the three tag lengths of RFC 4106 and RFC 5282.
 */
#include "base/bytes.h"
#include "crypto/slots.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>

struct gcm {
    struct gcm_key key;
    union {
        struct aes128_ctx a128;
        struct aes192_ctx a192;
        struct aes256_ctx a256;
    } aes;
    nettle_cipher_func *block;
    uint8_t salt[4], tag_len;
};

/* The salt is the last 4 octets of the key material (RFC 4106 section 8.1), so the size gives the key length. */
static int init(struct gcm *c, const uint8_t *key, size_t n, uint8_t tag_len)
{
    switch (n) {
    case 16 + 4:
        aes128_set_encrypt_key(&c->aes.a128, key);
        c->block = (nettle_cipher_func *)aes128_encrypt;
        break;
    case 24 + 4:
        aes192_set_encrypt_key(&c->aes.a192, key);
        c->block = (nettle_cipher_func *)aes192_encrypt;
        break;
    case 32 + 4:
        aes256_set_encrypt_key(&c->aes.a256, key);
        c->block = (nettle_cipher_func *)aes256_encrypt;
        break;
    default:
        return IKE_ERR_INVALID;
    }
    gcm_set_key(&c->key, &c->aes, c->block);
    memcpy(c->salt, key + n - 4, 4);
    c->tag_len = tag_len;
    return IKE_OK;
}

/* Counter mode runs the cipher forward both ways, so the direction does not matter. */
static int init_16(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, init(ctx, key, n, 16); }
static int init_12(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, init(ctx, key, n, 12); }
static int init_8(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, init(ctx, key, n, 8); }

/* Salt and explicit IV are the nonce of 12 octets (RFC 4106 section 4). */
static void start(const struct gcm *c, struct gcm_ctx *m, const uint8_t *iv, const uint8_t *aad, size_t aad_len)
{
    uint8_t nonce[GCM_IV_SIZE];
    memcpy(nonce, c->salt, 4);
    memcpy(nonce + 4, iv, 8);
    gcm_set_iv(m, &c->key, sizeof(nonce), nonce);
    gcm_update(m, &c->key, aad_len, aad);
}

/* Shorter tags are the first octets of the whole one. */
static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    struct gcm *c = ctx;
    struct gcm_ctx m;
    start(c, &m, iv, aad, aad_len);
    gcm_encrypt(&m, &c->key, &c->aes, c->block, n, data, data);
    gcm_digest(&m, &c->key, &c->aes, c->block, c->tag_len, icv);
    return IKE_OK;
}

/* nettle leaves the comparison to its caller. Decrypted before it is known to be authentic: on failure the caller may not
 * look. */
static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    struct gcm *c = ctx;
    struct gcm_ctx m;
    uint8_t tag[GCM_DIGEST_SIZE];
    start(c, &m, iv, aad, aad_len);
    gcm_decrypt(&m, &c->key, &c->aes, c->block, n, data, data);
    gcm_digest(&m, &c->key, &c->aes, c->block, c->tag_len, tag);
    return ike_ct_equal(tag, icv, c->tag_len) ? IKE_OK : IKE_ERR_CRYPTO;
}

static void clear(void *ctx) { ike_wipe(ctx, sizeof(struct gcm)); }

#define GCM(ID, NAME, ICV, INIT)                                                                                              \
    {                                                                                                                         \
        .id = ID, .name = NAME, .key_bits = {128, 192, 256}, .aead = true, .salt_len = 4, .iv_len = 8, .icv_len = ICV,        \
        .block = 1, .constant_time = ike_cpu_has_aes, .ctx_size = sizeof(struct gcm), .init = INIT, .seal = seal,             \
        .open = open, .clear = clear                                                                                          \
    }

const ike_encr ike_nettle_aes_gcm_16 = GCM(ENCR_AES_GCM_16, "AES-GCM-16", 16, init_16);
const ike_encr ike_nettle_aes_gcm_12 = GCM(ENCR_AES_GCM_12, "AES-GCM-12", 12, init_12);
const ike_encr ike_nettle_aes_gcm_8 = GCM(ENCR_AES_GCM_8, "AES-GCM-8", 8, init_8);
