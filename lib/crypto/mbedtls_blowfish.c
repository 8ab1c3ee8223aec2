/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: Blowfish in CBC mode (RFC 2451). Of its many key sizes those that peers have a name for; 128 is the usual one.
 */
#include "crypto/mbedtls_compat.h"

#ifdef MBEDTLS_BLOWFISH_C
#include "base/bytes.h"
#include "crypto/legacy.h"

#include <mbedtls/blowfish.h>

enum { BLOCK = MBEDTLS_BLOWFISH_BLOCKSIZE };

struct blowfish {
    mbedtls_blowfish_context cipher;
    bool encrypt;
};

static int init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    struct blowfish *c = ctx;
    if (n != 16 && n != 24 && n != 32) {
        return IKE_ERR_INVALID;
    }
    mbedtls_blowfish_init(&c->cipher);
    c->encrypt = encrypt;
    return mbedtls_blowfish_setkey(&c->cipher, key, (unsigned)n * 8) ? IKE_ERR_CRYPTO : IKE_OK;
}

/* The chain goes through a copy, as mbedTLS writes the last block back into it and the caller's IV is const. */
static int crypt(struct blowfish *c, int mode, const uint8_t *iv, uint8_t *data, size_t n)
{
    if (n % BLOCK || c->encrypt != (mode == MBEDTLS_BLOWFISH_ENCRYPT)) {
        return IKE_ERR_INVALID;
    }
    uint8_t chain[BLOCK];
    memcpy(chain, iv, BLOCK);
    return mbedtls_blowfish_crypt_cbc(&c->cipher, mode, n, chain, data, data) ? IKE_ERR_CRYPTO : IKE_OK;
}

static int seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    (void)aad, (void)aad_len, (void)icv;
    return crypt(ctx, MBEDTLS_BLOWFISH_ENCRYPT, iv, data, n);
}

static int open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    (void)aad, (void)aad_len, (void)icv;
    return crypt(ctx, MBEDTLS_BLOWFISH_DECRYPT, iv, data, n);
}

static void clear(void *ctx) { ike_wipe(ctx, sizeof(struct blowfish)); }

const ike_encr ike_mbedtls_blowfish = {
    .id = ENCR_BLOWFISH,
    .name = "Blowfish-CBC",
    .key_bits = {128, 192, 256},
    .iv_len = BLOCK,
    .block = BLOCK,
    .constant_time = ike_by_tables,
    .ctx_size = sizeof(struct blowfish),
    .init = init,
    .seal = seal,
    .open = open,
    .clear = clear,
};
#endif
