/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: DES and 3DES in CBC mode (RFC 2405, RFC 2451).
 */
#include "base/bytes.h"
#include "crypto/legacy.h"

#include <mbedtls/des.h>

enum { BLOCK = 8 };

/* The chain goes through a copy, as mbedTLS writes the last block back into it and the caller's IV is const. */
#define CBC(SLOT, KEY_LEN, ID, NAME)                                                                                             \
    static int SLOT##_crypt(struct SLOT *c, int mode, const uint8_t *iv, uint8_t *data, size_t n)                                \
    {                                                                                                                            \
        if (n % BLOCK || c->encrypt != (mode == MBEDTLS_DES_ENCRYPT)) {                                                          \
            return IKE_ERR_INVALID;                                                                                              \
        }                                                                                                                        \
        uint8_t chain[BLOCK];                                                                                                    \
        memcpy(chain, iv, BLOCK);                                                                                                \
        return mbedtls_##SLOT##_crypt_cbc(&c->cipher, mode, n, chain, data, data) ? IKE_ERR_CRYPTO : IKE_OK;                     \
    }                                                                                                                            \
    static int SLOT##_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,            \
                           uint8_t *icv)                                                                                         \
    {                                                                                                                            \
        (void)aad, (void)aad_len, (void)icv;                                                                                     \
        return SLOT##_crypt(ctx, MBEDTLS_DES_ENCRYPT, iv, data, n);                                                              \
    }                                                                                                                            \
    static int SLOT##_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,            \
                           const uint8_t *icv)                                                                                   \
    {                                                                                                                            \
        (void)aad, (void)aad_len, (void)icv;                                                                                     \
        return SLOT##_crypt(ctx, MBEDTLS_DES_DECRYPT, iv, data, n);                                                              \
    }                                                                                                                            \
    static void SLOT##_clear(void *ctx) { ike_wipe(ctx, sizeof(struct SLOT)); }                                                  \
    const ike_encr ike_mbedtls_##SLOT = {.id = ID,                                                                               \
                                         .name = NAME,                                                                           \
                                         .key_bits = {KEY_LEN * 8},                                                              \
                                         .fixed_key = true,                                                                      \
                                         .iv_len = BLOCK,                                                                        \
                                         .block = BLOCK,                                                                         \
                                         .constant_time = ike_by_tables,                                                         \
                                         .ctx_size = sizeof(struct SLOT),                                                        \
                                         .init = SLOT##_init,                                                                    \
                                         .seal = SLOT##_seal,                                                                    \
                                         .open = SLOT##_open,                                                                    \
                                         .clear = SLOT##_clear}

struct des {
    mbedtls_des_context cipher;
    bool encrypt;
};

/* Weak and semi-weak keys are passed over: RFC 2405 section 3.2, RFC 2409 appendix A. mbedTLS knows them by their octets, so
 * the parity bits, which are no part of the key, have to be right first. */
static int des_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct des *c = ctx;
    uint8_t odd[MBEDTLS_DES_KEY_SIZE];
    if (n != sizeof(odd)) {
        return IKE_ERR_INVALID;
    }
    memcpy(odd, key, n);
    mbedtls_des_key_set_parity(odd);
    bool weak = mbedtls_des_key_check_weak(odd) != 0;
    ike_wipe(odd, sizeof(odd));
    mbedtls_des_init(&c->cipher);
    c->encrypt = encrypt;
    int err = encrypt ? mbedtls_des_setkey_enc(&c->cipher, key) : mbedtls_des_setkey_dec(&c->cipher, key);
    return err || weak ? IKE_ERR_CRYPTO : IKE_OK;
}

CBC(des, 8, ENCR_DES, "DES-CBC");

struct des3 {
    mbedtls_des3_context cipher;
    bool encrypt;
};

/* A third of the key that is weak for DES alone does no harm here (RFC 2451 section 2.3). */
static int des3_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct des3 *c = ctx;
    if (n != 3 * MBEDTLS_DES_KEY_SIZE) {
        return IKE_ERR_INVALID;
    }
    mbedtls_des3_init(&c->cipher);
    c->encrypt = encrypt;
    int err = encrypt ? mbedtls_des3_set3key_enc(&c->cipher, key) : mbedtls_des3_set3key_dec(&c->cipher, key);
    return err ? IKE_ERR_CRYPTO : IKE_OK;
}

CBC(des3, 24, ENCR_3DES, "3DES-CBC");
