/* SPDX-License-Identifier: ISC
 *
 * Decryption by mbedTLS of what the library itself does not offer, see decode_legacy.h.
 */
#include "ctl/decode_legacy.h"

#include <string.h>

#include <mbedtls/aes.h>
#include <mbedtls/ccm.h>

enum { ENCR_AES_CTR = 13, ENCR_AES_CCM_8 = 14, ENCR_AES_CCM_12 = 15, ENCR_AES_CCM_16 = 16 };
enum { AUTH_HMAC_SHA1_96 = 2, AUTH_HMAC_SHA1_160 = 7 };

static int refuse_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    (void)ctx, (void)iv, (void)aad, (void)aad_len, (void)data, (void)n, (void)icv;
    return IKE_ERR_UNSUPPORTED;
}

/* ---- AES-CTR (RFC 5930): counter block = nonce, IV, 1 ---- */

struct ctr {
    mbedtls_aes_context aes;
    uint8_t nonce[4];
};

static int ctr_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct ctr *c = ctx;
    if ((n != 20 && n != 28 && n != 36) || encrypt) {
        return IKE_ERR_INVALID;
    }
    mbedtls_aes_init(&c->aes);
    memcpy(c->nonce, key + n - 4, 4);
    return mbedtls_aes_setkey_enc(&c->aes, key, (unsigned)(n - 4) * 8) ? IKE_ERR_CRYPTO : IKE_OK;
}

static int ctr_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    struct ctr *c = ctx;
    unsigned char counter[16] = {0}, stream[16];
    size_t used = 0;
    (void)aad, (void)aad_len, (void)icv;
    memcpy(counter, c->nonce, 4);
    memcpy(counter + 4, iv, 8);
    counter[15] = 1;
    return mbedtls_aes_crypt_ctr(&c->aes, n, &used, counter, stream, data, data) ? IKE_ERR_CRYPTO : IKE_OK;
}

static void ctr_clear(void *ctx) { mbedtls_aes_free(&((struct ctr *)ctx)->aes); }

static const ike_encr ctr = {
    .id = ENCR_AES_CTR,
    .name = "AES-CTR",
    .key_bits = {128, 192, 256},
    .salt_len = 4,
    .iv_len = 8,
    .block = 1,
    .ctx_size = sizeof(struct ctr),
    .init = ctr_init,
    .seal = refuse_seal,
    .open = ctr_open,
    .clear = ctr_clear,
};

/* ---- AES-CCM (RFC 5282): nonce = salt of 3 octets, IV of 8 ---- */

struct ccm {
    mbedtls_ccm_context ccm;
    uint8_t salt[3];
};

static int ccm_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct ccm *c = ctx;
    if ((n != 19 && n != 27 && n != 35) || encrypt) {
        return IKE_ERR_INVALID;
    }
    mbedtls_ccm_init(&c->ccm);
    memcpy(c->salt, key + n - 3, 3);
    if (mbedtls_ccm_setkey(&c->ccm, MBEDTLS_CIPHER_ID_AES, key, (unsigned)(n - 3) * 8) != 0) {
        mbedtls_ccm_free(&c->ccm);
        return IKE_ERR_CRYPTO;
    }
    return IKE_OK;
}

static int ccm_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv,
                    size_t icv_len)
{
    struct ccm *c = ctx;
    uint8_t nonce[11];
    memcpy(nonce, c->salt, 3);
    memcpy(nonce + 3, iv, 8);
    const int err = mbedtls_ccm_auth_decrypt(&c->ccm, n, nonce, sizeof nonce, aad, aad_len, data, data, icv, icv_len);
    return err ? IKE_ERR_CRYPTO : IKE_OK;
}

#define CCM_OPEN(len)                                                                                                            \
    static int ccm_open_##len(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,         \
                              const uint8_t *icv)                                                                                \
    {                                                                                                                            \
        return ccm_open(ctx, iv, aad, aad_len, data, n, icv, len);                                                               \
    }
CCM_OPEN(8)
CCM_OPEN(12)
CCM_OPEN(16)

static void ccm_clear(void *ctx) { mbedtls_ccm_free(&((struct ccm *)ctx)->ccm); }

#define CCM(len)                                                                                                                 \
    {                                                                                                                            \
        .id = ENCR_AES_CCM_##len, .name = "AES-CCM-" #len, .key_bits = {128, 192, 256}, .aead = true, .salt_len = 3,             \
        .iv_len = 8, .icv_len = (len), .block = 1, .ctx_size = sizeof(struct ccm), .init = ccm_init, .seal = refuse_seal,        \
        .open = ccm_open_##len, .clear = ccm_clear,                                                                              \
    }
static const ike_encr ccm8 = CCM(8), ccm12 = CCM(12), ccm16 = CCM(16);

void decode_legacy_init(struct decode_legacy *l)
{
    static const ike_encr *const encrs[] = {&ctr, &ccm8, &ccm12, &ccm16, NULL};
    static const ike_prf *const prfs[] = {NULL};
    static const ike_ke *const kes[] = {NULL};
    static const ike_hash *const hashes[] = {NULL};
    const ike_integ *sha1 = ike_find_integ(ike_crypto_default(), AUTH_HMAC_SHA1_96);
    memset(l, 0, sizeof *l);
    if (sha1) {
        l->sha1_160 = (ike_integ){.id = AUTH_HMAC_SHA1_160, .key_len = 20, .icv_len = 20, .mac = sha1->mac};
        l->integs[0] = &l->sha1_160;
    }
    l->crypto = (ike_crypto){"legacy, decryption only", encrs, prfs, l->integs, kes, hashes, NULL, NULL};
}
