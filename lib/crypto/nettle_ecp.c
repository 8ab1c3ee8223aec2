/* SPDX-License-Identifier: ISC
 *
 * hogweed: the NIST curves (RFC 5903), in constant time. Scalars and points live in our own limbs; hogweed takes scratch from
 * GMP's allocator during a multiplication and does not wipe it.
 */
#include "base/bytes.h"
#include "crypto/nettle_curve.h"
#include "crypto/slots.h"

enum { LIMBS_MAX = IKE_ECC_LIMBS_MAX, DRAWS = 64 };

/* The orders of the base points, FIPS 186-4 appendix D.1.2. */
static const uint8_t order256[] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t order384[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};
static const uint8_t order521[] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09,
    0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38,
    0x64, 0x09,
};

const struct ike_ecc_curve ike_ecc_p256 = {nettle_get_secp_256r1, order256, sizeof(order256)};
const struct ike_ecc_curve ike_ecc_p384 = {nettle_get_secp_384r1, order384, sizeof(order384)};
const struct ike_ecc_curve ike_ecc_p521 = {nettle_get_secp_521r1, order521, sizeof(order521)};

/* ecc_scalar_set would compare in variable time, so the check is ours and the limbs are set
 * directly: a scalar is nothing but them. */
bool ike_ecc_load_private(const struct ike_ecc_curve *c, struct ike_ecc_scalar *x, const uint8_t *priv)
{
    /* One subtraction through all octets, whose borrow says that priv is below the order: no early end at the first
     * difference. */
    unsigned borrow = 0;
    for (size_t i = c->len; i-- > 0;) {
        borrow = ((unsigned)priv[i] - c->order[i] - borrow) >> 8 & 1;
    }
    x->s = (struct ecc_scalar){c->get(), x->limbs};
    ike_gmp_load(x->limbs, LIMBS_MAX, priv, c->len);
    return borrow && !ike_is_zero(priv, c->len);
}

/* Limbs without leading zeros, as a number the setter below may read. The sizes of mpz numbers may not count leading zeros. */
static int significant(const mp_limb_t *limbs, size_t n)
{
    while (n && limbs[n - 1] == 0) {
        n--;
    }
    return (int)n;
}

bool ike_ecc_load_public(const struct ike_ecc_curve *c, struct ike_ecc_point *p, const uint8_t *pub)
{
    mp_limb_t x[LIMBS_MAX], y[LIMBS_MAX];
    p->p = (struct ecc_point){c->get(), p->limbs};
    ike_gmp_load(x, LIMBS_MAX, pub, c->len);
    ike_gmp_load(y, LIMBS_MAX, pub + c->len, c->len);
    mpz_t nx = MPZ_ROINIT_N(x, significant(x, LIMBS_MAX)), ny = MPZ_ROINIT_N(y, significant(y, LIMBS_MAX));
    return ecc_point_set(&p->p, nx, ny) != 0;
}

/* Limbs of a point are x, then y, each ecc_size limbs. */
static int derive_public(const struct ike_ecc_curve *c, const uint8_t *priv, uint8_t *pub)
{
    struct ike_ecc_scalar d;
    struct ike_ecc_point q;
    if (!ike_ecc_load_private(c, &d, priv)) {
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
int ike_ecc_draw(const struct ike_ecc_curve *c, const ike_random *rng, uint8_t *priv)
{
    struct ike_ecc_scalar d;
    int err = IKE_ERR_CRYPTO;
    for (size_t i = 0; i < DRAWS && err == IKE_ERR_CRYPTO; i++) {
        err = rng->fill(rng->user, priv, c->len);
        priv[0] &= c->order[0]; /* 0xff, or 1 where the top octet has one bit */
        if (err == IKE_OK && !ike_ecc_load_private(c, &d, priv)) {
            err = IKE_ERR_CRYPTO;
        }
    }
    ike_wipe(&d, sizeof(d));
    return err;
}

static int initiate(const struct ike_ecc_curve *c, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    int err = ike_ecc_draw(c, rng, priv);
    if (err == IKE_OK) {
        err = derive_public(c, priv, pub);
    }
    if (err != IKE_OK) {
        ike_wipe(priv, c->len);
    }
    return err;
}

static int check(const struct ike_ecc_curve *c, const uint8_t *pub)
{
    struct ike_ecc_point p;
    return ike_ecc_load_public(c, &p, pub) ? IKE_OK : IKE_ERR_CRYPTO;
}

/* The product cannot be the point at infinity: the order is prime, and the scalar is below it and not 0. */
static int finish(const struct ike_ecc_curve *c, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    struct ike_ecc_scalar d;
    struct ike_ecc_point p, q;
    if (!ike_ecc_load_public(c, &p, pub) || !ike_ecc_load_private(c, &d, priv)) {
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
        return initiate(&ike_ecc_p##BITS, rng, priv, pub);                                                                   \
    }                                                                                                                         \
    static int check##BITS(void *state, const uint8_t *pub) { return (void)state, check(&ike_ecc_p##BITS, pub); }            \
    static int finish##BITS(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)     \
    {                                                                                                                         \
        (void)state, (void)rng;                                                                                               \
        return finish(&ike_ecc_p##BITS, priv, pub, shared);                                                                  \
    }                                                                                                                         \
    static int public##BITS(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)                            \
    {                                                                                                                         \
        (void)state, (void)rng;                                                                                               \
        return derive_public(&ike_ecc_p##BITS, priv, pub);                                                                   \
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
