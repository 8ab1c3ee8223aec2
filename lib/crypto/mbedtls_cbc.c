/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: AES in CBC mode (RFC 3602).
 */
#include "base/bytes.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

#include <mbedtls/aes.h>

enum { BLOCK = 16 };

struct cbc {
    mbedtls_aes_context aes;
    bool encrypt;
};

/* Contexts are keyed for one direction: the schedules differ. */
static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct cbc *c = ctx;
    if (n != 16 && n != 24 && n != 32) {
        return IKE_ERR_INVALID;
    }
    mbedtls_aes_init(&c->aes);
    c->encrypt = encrypt;
    unsigned bits = (unsigned)n * 8;
    int err = encrypt ? mbedtls_aes_setkey_enc(&c->aes, key, bits) : mbedtls_aes_setkey_dec(&c->aes, key, bits);
    return err ? IKE_ERR_CRYPTO : IKE_OK;
}

/* The chain goes through a copy, as mbedTLS writes the last block back into it and the caller's IV is const. */
static int crypt(struct cbc *c, int mode, const uint8_t *iv, uint8_t *data, size_t n)
{
    if (n % BLOCK || c->encrypt != (mode == MBEDTLS_AES_ENCRYPT)) {
        return IKE_ERR_INVALID;
    }
    uint8_t chain[BLOCK];
    memcpy(chain, iv, BLOCK);
    return mbedtls_aes_crypt_cbc(&c->aes, mode, n, chain, data, data) ? IKE_ERR_CRYPTO : IKE_OK;
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    (void)aad, (void)aad_len, (void)icv;
    return crypt(ctx, MBEDTLS_AES_ENCRYPT, iv, data, n);
}

static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    (void)aad, (void)aad_len, (void)icv;
    return crypt(ctx, MBEDTLS_AES_DECRYPT, iv, data, n);
}

/* mbedtls_aes_free wipes the schedule; the rest goes with it. */
static void clear(void *ctx)
{
    struct cbc *c = ctx;
    mbedtls_aes_free(&c->aes);
    ike_wipe(c, sizeof(*c));
}

const ike_encr ike_mbedtls_aes_cbc = {
    .id = ENCR_AES_CBC,
    .name = "AES-CBC",
    .key_bits = {128, 192, 256},
    .iv_len = BLOCK,
    .block = BLOCK,
    .constant_time = ike_mbedtls_has_aes,
    .ctx_size = sizeof(struct cbc),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
};
