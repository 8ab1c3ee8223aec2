/* SPDX-License-Identifier: ISC
 *
 * The groups 3 and 4 of RFC 2409 section 6: y^2 + xy = x^3 + b over GF(2^155) and GF(2^185). Only x is sent, and x(dP) depends on
 * x(P) alone, so a ladder over x does all: the one of Lopez and Dahab, in projective coordinates x = X/Z.
 *
 * No branch and no index depends on a secret, but for whether it is one at all. Field elements are
 * little-endian words of 32 bits.
 */
#include "base/bytes.h"
#include "crypto/legacy.h"

enum { WORDS = 6, LEN_MAX = 4 * WORDS, DRAWS = 64 };

typedef uint32_t element[WORDS];

/* The field's polynomial is u^m + u^k + 1; m > 2k, so two folds reduce a product. */
struct curve {
    unsigned words, m, k;
    element b, x;           /* the coefficient; x of the generator */
    uint8_t order[LEN_MAX]; /* of the generator, big-endian in 4 * words octets */
    uint8_t top;            /* mask for the first octet of a random private value */
    uint8_t cofactor;       /* a multiple of the order of every point outside the subgroup of large prime order */
};

/* RFC 2409 states the number of points of the curve, 12 and 4 times a prime. The generators have a third and a half of it. */
static const struct curve ec2n155 = {
    .words = 5,
    .m = 155,
    .k = 62,
    .b = {0x07338f},
    .x = {0x7b},
    .order = {0x02, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
              0xc7, 0xf3, 0xc7, 0x88, 0x1b, 0xd0, 0x86, 0x8f, 0xa8, 0x6c},
    .top = 0x03,
    .cofactor = 12,
};
static const struct curve ec2n185 = {
    .words = 6,
    .m = 185,
    .k = 69,
    .b = {0x1ee9},
    .x = {0x18},
    .order = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
              0xed, 0xf9, 0x7c, 0x44, 0xdb, 0x9f, 0x24, 0x20, 0xba, 0xfc, 0xa7, 0x5e},
    .top = 0x00,
    .cofactor = 4,
};

static size_t octets(const struct curve *g) { return 4 * g->words; }

/* ---- The field -------------------------------------------------------------------------------------------------------- */

/* The product of polynomials of degree 31. With three zeros between any two bits that are left, an integer multiplication
 * adds at most eight ones in a place, which does not reach the next one; the lowest bit of each sum is the bit wanted. */
static uint64_t product(uint32_t a, uint32_t b)
{
    const uint32_t every4 = 0x11111111;
    uint64_t x[4], y[4], z = 0;
    for (unsigned i = 0; i < 4; i++) {
        x[i] = a & every4 << i;
        y[i] = b & every4 << i;
    }
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t sum = x[0] * y[i] ^ x[1] * y[(i + 3) % 4] ^ x[2] * y[(i + 2) % 4] ^ x[3] * y[(i + 1) % 4];
        z |= sum & UINT64_C(0x1111111111111111) << i;
    }
    return z;
}

/* A zero behind every bit: the square. */
static uint64_t spread(uint32_t a)
{
    uint64_t z = a;
    z = (z | z << 16) & UINT64_C(0x0000ffff0000ffff);
    z = (z | z << 8) & UINT64_C(0x00ff00ff00ff00ff);
    z = (z | z << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    z = (z | z << 2) & UINT64_C(0x3333333333333333);
    return (z | z << 1) & UINT64_C(0x5555555555555555);
}

/* What is at u^m and above comes back at u^0 and u^k. */
static void fold(const struct curve *g, uint32_t *c)
{
    const unsigned at = g->m / 32, shift = g->m % 32, to = g->k / 32, up = g->k % 32;
    uint32_t high[WORDS + 2] = {0};
    for (unsigned i = 0; at + i < 2 * g->words; i++) {
        const uint32_t next = at + i + 1 < 2 * g->words ? c[at + i + 1] : 0;
        high[i] = c[at + i] >> shift | next << (32 - shift);
        c[at + i] = i ? 0 : c[at] & ((UINT32_C(1) << shift) - 1);
    }
    for (unsigned i = 0; i <= g->words; i++) {
        c[i] ^= high[i];
        if (to + i < 2 * g->words) {
            c[to + i] ^= high[i] << up | (i ? high[i - 1] >> (32 - up) : 0);
        }
    }
    ike_wipe(high, sizeof(high));
}

static void reduce(const struct curve *g, uint32_t *r, uint32_t *c)
{
    fold(g, c);
    fold(g, c);
    for (unsigned i = 0; i < g->words; i++) {
        r[i] = c[i];
    }
    ike_wipe(c, 2 * sizeof(element));
}

static void multiply(const struct curve *g, element r, const element a, const element b)
{
    uint32_t c[2 * WORDS] = {0};
    for (unsigned i = 0; i < g->words; i++) {
        for (unsigned j = 0; j < g->words; j++) {
            const uint64_t p = product(a[i], b[j]);
            c[i + j] ^= (uint32_t)p;
            c[i + j + 1] ^= (uint32_t)(p >> 32);
        }
    }
    reduce(g, r, c);
}

static void square(const struct curve *g, element r, const element a)
{
    uint32_t c[2 * WORDS] = {0};
    for (unsigned i = 0; i < g->words; i++) {
        const uint64_t p = spread(a[i]);
        c[2 * i] = (uint32_t)p;
        c[2 * i + 1] = (uint32_t)(p >> 32);
    }
    reduce(g, r, c);
}

static void add(const struct curve *g, element r, const element a, const element b)
{
    for (unsigned i = 0; i < g->words; i++) {
        r[i] = a[i] ^ b[i];
    }
}

/* a to the power of 2^m - 2; 0 stays 0. r is not a. */
static void invert(const struct curve *g, element r, const element a)
{
    memcpy(r, a, sizeof(element));
    for (unsigned i = 0; i < g->m - 2; i++) {
        square(g, r, r);
        multiply(g, r, r, a);
    }
    square(g, r, r);
}

static bool is_zero(const struct curve *g, const element a)
{
    uint32_t any = 0;
    for (unsigned i = 0; i < g->words; i++) {
        any |= a[i];
    }
    return any == 0;
}

/* The trace is 0 or 1. z^2 + z = a has a solution where it is 0. */
static bool trace(const struct curve *g, const element a)
{
    element power, all;
    memcpy(power, a, sizeof(element));
    memcpy(all, a, sizeof(element));
    for (unsigned i = 1; i < g->m; i++) {
        square(g, power, power);
        add(g, all, all, power);
    }
    return all[0] & 1;
}

static void load(const struct curve *g, element r, const uint8_t *in)
{
    memset(r, 0, sizeof(element));
    for (unsigned i = 0; i < g->words; i++) {
        r[i] = ike_load32(in + 4 * (g->words - 1 - i));
    }
}

static void store(const struct curve *g, const element a, uint8_t *out)
{
    for (unsigned i = 0; i < g->words; i++) {
        ike_store32(out + 4 * (g->words - 1 - i), a[i]);
    }
}

/* ---- The curve -------------------------------------------------------------------------------------------------------- */

/* Of two neighbours on the ladder, lower = nP and upper = (n+1)P. Z = 0 is the neutral point. */
struct ladder {
    element x, lower_x, lower_z, upper_x, upper_z, s, t;
};

static void swap(const struct curve *g, struct ladder *l, uint32_t bit)
{
    const uint32_t mask = 0 - bit;
    for (unsigned i = 0; i < g->words; i++) {
        const uint32_t x = (l->lower_x[i] ^ l->upper_x[i]) & mask, z = (l->lower_z[i] ^ l->upper_z[i]) & mask;
        l->lower_x[i] ^= x;
        l->upper_x[i] ^= x;
        l->lower_z[i] ^= z;
        l->upper_z[i] ^= z;
    }
}

/* (lower, upper) becomes (2 lower, lower + upper). Both formulas hold for every point, the neutral one included. */
static void step(const struct curve *g, struct ladder *l)
{
    multiply(g, l->s, l->lower_x, l->upper_z);
    multiply(g, l->t, l->upper_x, l->lower_z);
    add(g, l->upper_z, l->s, l->t);
    square(g, l->upper_z, l->upper_z);
    multiply(g, l->t, l->s, l->t);
    multiply(g, l->upper_x, l->x, l->upper_z);
    add(g, l->upper_x, l->upper_x, l->t);

    square(g, l->s, l->lower_x);
    square(g, l->t, l->lower_z);
    multiply(g, l->lower_z, l->s, l->t);
    square(g, l->s, l->s);
    square(g, l->t, l->t);
    multiply(g, l->t, l->t, g->b);
    add(g, l->lower_x, l->s, l->t);
}

/* lower = scalar * x, in as many steps as the n octets have bits. */
static void climb(const struct curve *g, struct ladder *l, const element x, const uint8_t *scalar, size_t n)
{
    memset(l, 0, sizeof(*l));
    memcpy(l->x, x, sizeof(element));
    memcpy(l->upper_x, x, sizeof(element));
    l->lower_x[0] = 1;
    l->upper_z[0] = 1;
    for (size_t i = 0; i < 8 * n; i++) {
        const uint32_t bit = scalar[i / 8] >> (7 - i % 8) & 1;
        swap(g, l, bit);
        step(g, l);
        swap(g, l, bit);
    }
}

/* The octets of scalar * x. The neutral point has no x, and the one of order 2, at x = 0, is a value that nobody takes. */
static int scale(const struct curve *g, const element x, const uint8_t *scalar, uint8_t *out)
{
    struct ladder l;
    climb(g, &l, x, scalar, octets(g));
    invert(g, l.s, l.lower_z);
    multiply(g, l.t, l.lower_x, l.s);
    const int err = is_zero(g, l.t) ? IKE_ERR_CRYPTO : IKE_OK;
    if (err == IKE_OK) {
        store(g, l.t, out);
    }
    ike_wipe(&l, sizeof(l));
    return err;
}

/* 0 < d < order, in one time for all d. */
static bool private_ok(const struct curve *g, const uint8_t *d)
{
    unsigned borrow = 0;
    for (size_t i = octets(g); i-- > 0;) {
        borrow = (0u + d[i] - g->order[i] - borrow) >> 8 & 1;
    }
    return borrow && !ike_is_zero(d, octets(g));
}

/* Public data must be an element of the field and the x of a point: with y = xz the curve's equation becomes
 * z^2 + z = x + b/x^2. A point of small order is refused, as its multiples are known to all (RFC 6989 section 2.3). */
static bool load_public(const struct curve *g, element x, const uint8_t *pub)
{
    element c;
    struct ladder l;
    load(g, x, pub);
    if (x[g->m / 32] >> g->m % 32 || is_zero(g, x)) {
        return false;
    }
    invert(g, c, x);
    square(g, c, c);
    multiply(g, c, c, g->b);
    add(g, c, c, x);
    if (trace(g, c)) {
        return false;
    }
    climb(g, &l, x, &g->cofactor, 1);
    return !is_zero(g, l.lower_z);
}

/* ---- The descriptors -------------------------------------------------------------------------------------------------- */

static int derive(const struct curve *g, const uint8_t *priv, uint8_t *pub)
{
    return private_ok(g, priv) ? scale(g, g->x, priv, pub) : IKE_ERR_CRYPTO;
}

/* Random octets below the generator's order, by rejection: a draw misses once in three at most. */
static int begin(const struct curve *g, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    int err = IKE_ERR_CRYPTO;
    for (size_t i = 0; i < DRAWS && err == IKE_ERR_CRYPTO; i++) {
        err = rng->fill(rng->user, priv, octets(g));
        priv[0] &= g->top;
        if (err == IKE_OK) {
            err = derive(g, priv, pub);
        }
    }
    if (err != IKE_OK) {
        ike_wipe(priv, octets(g));
    }
    return err;
}

static int look(const struct curve *g, const uint8_t *pub)
{
    element x;
    return load_public(g, x, pub) ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Checked again here: check() may have been run on another message's value or not at all. */
static int end(const struct curve *g, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    element x;
    return private_ok(g, priv) && load_public(g, x, pub) ? scale(g, x, priv, shared) : IKE_ERR_CRYPTO;
}

#define EC2N(BITS, LEN)                                                                                                          \
    static int initiate##BITS(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)                                   \
    {                                                                                                                            \
        (void)state;                                                                                                             \
        return begin(&ec2n##BITS, rng, priv, pub);                                                                               \
    }                                                                                                                            \
    static int check##BITS(void *state, const uint8_t *pub)                                                                      \
    {                                                                                                                            \
        (void)state;                                                                                                             \
        return look(&ec2n##BITS, pub);                                                                                           \
    }                                                                                                                            \
    static int finish##BITS(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)        \
    {                                                                                                                            \
        (void)state, (void)rng;                                                                                                  \
        return end(&ec2n##BITS, priv, pub, shared);                                                                              \
    }                                                                                                                            \
    static int derive##BITS(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)                               \
    {                                                                                                                            \
        (void)state, (void)rng;                                                                                                  \
        return derive(&ec2n##BITS, priv, pub);                                                                                   \
    }                                                                                                                            \
    const ike_ke ike_legacy_ec2n##BITS = {.id = KE_EC2N_##BITS,                                                                  \
                                          .name = "EC2N-" #BITS,                                                                 \
                                          .public_len_i = LEN,                                                                   \
                                          .public_len_r = LEN,                                                                   \
                                          .shared_len = LEN,                                                                     \
                                          .private_len = LEN,                                                                    \
                                          .initiate = initiate##BITS,                                                            \
                                          .check = check##BITS,                                                                  \
                                          .finish = finish##BITS,                                                                \
                                          .derive_public = derive##BITS}

EC2N(155, 20);
EC2N(185, 24);
