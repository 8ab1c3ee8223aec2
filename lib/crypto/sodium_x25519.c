/* SPDX-License-Identifier: ISC
 *
 * libsodium: X25519 (RFC 7748, RFC 8031).
 *
 * Key pairs: older libsodium computes the public value with the full Montgomery ladder. Its Ed25519 base multiplication uses
 * tables, clamps the scalar the same way and takes half the time; (x, y) there is u = (1 + y) / (1 - y) here (RFC 7748
 * section 4.1). y is public, so the division need not be constant time.
 */
#include "base/bytes.h"
#include "crypto/slots.h"

#include <sodium/crypto_scalarmult.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/crypto_scalarmult_ed25519.h>

#define LEN 32

#if defined(IKE_HAVE_GMP) && defined(crypto_scalarmult_ed25519_BYTES)
#include "crypto/gmp_limbs.h"
#define BASE_BY_ED25519 1
#else
#define BASE_BY_ED25519 0
#endif

#if BASE_BY_ED25519
/* Compressed Ed25519 points are y with the sign of x in the top bit; u needs y alone. */
static int scalar_base(const uint8_t *priv, uint8_t *pub)
{
    uint8_t y[LEN];
    if (crypto_scalarmult_ed25519_base(y, priv) != 0) {
        return IKE_ERR_CRYPTO;
    }
    y[LEN - 1] &= 0x7f; /* the sign of x */
    return ike_gmp_edwards_to_u(y, pub) ? IKE_OK : IKE_ERR_CRYPTO;
}
#else
static int scalar_base(const uint8_t *priv, uint8_t *pub)
{
    return crypto_scalarmult_base(pub, priv) == 0 ? IKE_OK : IKE_ERR_CRYPTO;
}
#endif

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    (void)state, (void)rng;
    return scalar_base(priv, pub);
}

/* Any 32 octets are a private value: both multiplications clamp them (RFC 7748 section 5). */
static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    (void)state;
    int err = rng->fill(rng->user, priv, LEN);
    if (err == IKE_OK) {
        err = scalar_base(priv, pub);
    }
    if (err != IKE_OK) {
        ike_wipe(priv, LEN);
    }
    return err;
}

/* RFC 7748 accepts every string of 32 octets; values of small order show in finish. */
static int check(void *state, const uint8_t *pub)
{
    (void)state, (void)pub;
    return IKE_OK;
}

static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    (void)state, (void)rng;
    /* RFC 8031 section 2: an all-zero result must be refused. libsodium checks, older versions only some inputs. */
    if (crypto_scalarmult(shared, priv, pub) != 0 || ike_is_zero(shared, LEN)) {
        ike_wipe(shared, LEN);
        return IKE_ERR_CRYPTO;
    }
    return IKE_OK;
}

const ike_ke ike_sodium_x25519 = {
    .id = KE_X25519,
    .name = "X25519",
    .public_len_i = LEN,
    .public_len_r = LEN,
    .shared_len = LEN,
    .private_len = LEN,
    .initiate = initiate,
    .check = check,
    .finish = finish,
    .derive_public = derive_public,
};
