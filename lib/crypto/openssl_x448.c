/* SPDX-License-Identifier: ISC
 *
 * OpenSSL: X448 (RFC 7748, RFC 8031).
 */
#include "base/bytes.h"
#include "crypto/openssl.h"

#include <openssl/evp.h>

enum { LEN = 56 };

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    size_t n = LEN;
    (void)state, (void)rng;
    ike_openssl_begin();
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X448, NULL, priv, LEN);
    const bool ok = key && EVP_PKEY_get_raw_public_key(key, pub, &n) > 0 && n == LEN;
    EVP_PKEY_free(key); /* wipes */
    ike_openssl_end();
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Every 56 octets are a private value: bits are set and cleared in use (RFC 7748 section 5). */
static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    int err = rng->fill(rng->user, priv, LEN);
    if (err == IKE_OK) {
        err = derive_public(state, rng, priv, pub);
    }
    if (err != IKE_OK) {
        ike_wipe(priv, LEN);
    }
    return err;
}

/* A shared secret of zeros comes from a point of small order (RFC 8031 section 2); OpenSSL says so itself. */
static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    size_t n = LEN;
    (void)state, (void)rng;
    ike_openssl_begin();
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X448, NULL, priv, LEN);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X448, NULL, pub, LEN);
    EVP_PKEY_CTX *c = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    const bool ok = peer && c && EVP_PKEY_derive_init(c) > 0 && EVP_PKEY_derive_set_peer(c, peer) > 0 &&
                    EVP_PKEY_derive(c, shared, &n) > 0 && n == LEN && !ike_is_zero(shared, LEN);
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(key);
    ike_openssl_end();
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Any 56 octets are an input of the function; which are bad is seen by the result. */
static int check(void *state, const uint8_t *pub)
{
    (void)state, (void)pub;
    return IKE_OK;
}

const ike_ke ike_openssl_x448 = {
    .id = KE_X448,
    .name = "X448",
    .public_len_i = LEN,
    .public_len_r = LEN,
    .shared_len = LEN,
    .private_len = LEN,
    .initiate = initiate,
    .check = check,
    .finish = finish,
    .derive_public = derive_public,
};
