/* SPDX-License-Identifier: ISC
 *
 * hogweed: the NIST curves (RFC 5903), in constant time. Scalars and points live in our own limbs; hogweed takes scratch from
 * GMP's allocator during a multiplication and does not wipe it.
 */
#include "base/bytes.h"
#include "crypto/gmp_limbs.h"
#include "crypto/slots.h"

#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>

enum { FIELD_MAX = 66, LIMBS_MAX = IKE_LIMBS(FIELD_MAX), DRAWS = 64 };

struct curve {
    const struct ecc_curve *(*get)(void);
    uint16_t len; /* octets of a coordinate and of a private value */
    uint8_t top;  /* mask for the first octet of a random private value */
};

static const struct curve p256 = {nettle_get_secp_256r1, 32, 0xff};
static const struct curve p384 = {nettle_get_secp_384r1, 48, 0xff};
static const struct curve p521 = {nettle_get_secp_521r1, 66, 0x01};

struct scalar {
    struct ecc_scalar s;
    mp_limb_t limbs[LIMBS_MAX];
};

struct point {
    struct ecc_point p;
    mp_limb_t limbs[2 * LIMBS_MAX];
};

/* Limbs without leading zeros, as a number the setters below may read. */
static int significant(const mp_limb_t *limbs, size_t n)
{
    while (n && limbs[n - 1] == 0) {
        n--;
    }
    return (int)n;
}

/* False unless 0 < priv < order. */
static bool load_private(const struct curve *c, struct scalar *x, const uint8_t *priv)
{
    mp_limb_t limbs[LIMBS_MAX];
    x->s = (struct ecc_scalar){c->get(), x->limbs};
    ike_gmp_load(limbs, LIMBS_MAX, priv, c->len);
    mpz_t number = MPZ_ROINIT_N(limbs, significant(limbs, LIMBS_MAX));
    bool ok = ecc_scalar_set(&x->s, number) != 0;
    ike_wipe(limbs, sizeof(limbs));
    return ok;
}

/* False unless both coordinates are reduced and the point is on the curve. The order is prime, so it then has that order. */
static bool load_public(const struct curve *c, struct point *p, const uint8_t *pub)
{
    mp_limb_t x[LIMBS_MAX], y[LIMBS_MAX];
    p->p = (struct ecc_point){c->get(), p->limbs};
    ike_gmp_load(x, LIMBS_MAX, pub, c->len);
    ike_gmp_load(y, LIMBS_MAX, pub + c->len, c->len);
    mpz_t nx = MPZ_ROINIT_N(x, significant(x, LIMBS_MAX)), ny = MPZ_ROINIT_N(y, significant(y, LIMBS_MAX));
    return ecc_point_set(&p->p, nx, ny) != 0;
}

static int derive_public(const struct curve *c, const uint8_t *priv, uint8_t *pub)
{
    struct scalar d;
    struct point q;
    if (!load_private(c, &d, priv)) {
        return IKE_ERR_CRYPTO;
    }
    q.p = (struct ecc_point){c->get(), q.limbs};
    ecc_point_mul_g(&q.p, &d.s);
    ike_gmp_store(q.limbs, pub, c->len);
    ike_gmp_store(q.limbs + ecc_size(q.p.ecc), pub + c->len, c->len);
    ike_wipe(&d, sizeof(d));
    return IKE_OK;
}

/* Random octets below the order, by rejection: the chance of a miss is below one half for every curve. */
static int draw(const struct curve *c, const ike_random *rng, uint8_t *priv)
{
    struct scalar d;
    int err = IKE_ERR_CRYPTO;
    for (size_t i = 0; i < DRAWS && err == IKE_ERR_CRYPTO; i++) {
        err = rng->fill(rng->user, priv, c->len);
        priv[0] &= c->top;
        if (err == IKE_OK && !load_private(c, &d, priv)) {
            err = IKE_ERR_CRYPTO;
        }
    }
    ike_wipe(&d, sizeof(d));
    return err;
}

static int initiate(const struct curve *c, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    int err = draw(c, rng, priv);
    if (err == IKE_OK) {
        err = derive_public(c, priv, pub);
    }
    if (err != IKE_OK) {
        ike_wipe(priv, c->len);
    }
    return err;
}

static int check(const struct curve *c, const uint8_t *pub)
{
    struct point p;
    return load_public(c, &p, pub) ? IKE_OK : IKE_ERR_CRYPTO;
}

static int finish(const struct curve *c, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    struct scalar d;
    struct point p, q;
    if (!load_public(c, &p, pub) || !load_private(c, &d, priv)) {
        return IKE_ERR_CRYPTO;
    }
    q.p = (struct ecc_point){c->get(), q.limbs};
    ecc_point_mul(&q.p, &d.s, &p.p);
    ike_gmp_store(q.limbs, shared, c->len); /* RFC 5903 section 7: the x coordinate alone */
    ike_wipe(&d, sizeof(d));
    ike_wipe(&q, sizeof(q));
    return IKE_OK;
}

#define ECP(BITS, LEN)                                                                                                        \
    static int initiate##BITS(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)                                \
    {                                                                                                                         \
        (void)state;                                                                                                          \
        return initiate(&p##BITS, rng, priv, pub);                                                                            \
    }                                                                                                                         \
    static int check##BITS(void *state, const uint8_t *pub) { return (void)state, check(&p##BITS, pub); }                     \
    static int finish##BITS(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)     \
    {                                                                                                                         \
        (void)state, (void)rng;                                                                                               \
        return finish(&p##BITS, priv, pub, shared);                                                                           \
    }                                                                                                                         \
    static int public##BITS(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)                            \
    {                                                                                                                         \
        (void)state, (void)rng;                                                                                               \
        return derive_public(&p##BITS, priv, pub);                                                                            \
    }                                                                                                                         \
    const ike_ke ike_nettle_ecp##BITS = {.id = KE_ECP_##BITS,                                                                 \
                                         .name = "ECP-" #BITS,                                                                \
                                         .public_len_i = 2 * LEN,                                                             \
                                         .public_len_r = 2 * LEN,                                                             \
                                         .shared_len = LEN,                                                                   \
                                         .private_len = LEN,                                                                  \
                                         .initiate = initiate##BITS,                                                          \
                                         .check = check##BITS,                                                                \
                                         .finish = finish##BITS,                                                              \
                                         .derive_public = public##BITS}

ECP(256, 32);
ECP(384, 48);
ECP(521, 66);
