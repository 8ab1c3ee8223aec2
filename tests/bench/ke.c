/* SPDX-License-Identifier: ISC
 *
 * The key exchanges of the floor, each by the fastest way the installed libraries offer in constant time:
 *
 *   X25519   libsodium. The key pair through the Edwards base point, which has tables: u = (1 + y) / (1 - y), by GMP
 *   ECP-256  hogweed
 *   MODP     GMP's mpn_sec_powm with a short exponent; the key pair from a table of the generator's powers, four bits of the
 *            exponent at a time, as Montgomery residues
 */
#include "bench.h"
#include "crypto/modp_groups.h" /* the primes */
#include <gmp.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <sodium.h>
#include <string.h>

enum { WINDOW = 4, ENTRIES = 1 << WINDOW, LIMBS_MAX = 3072 / GMP_NUMB_BITS };

struct modp {
    mp_size_t n;
    mp_bitcnt_t bits; /* of the exponent */
    mp_limb_t p[LIMBS_MAX], peer[LIMBS_MAX], r[LIMBS_MAX], exponent[LIMBS_MAX];
    mp_limb_t work[2 * LIMBS_MAX], *scratch, *table; /* table[digit][entry][n] */
};

struct ecp {
    const struct ecc_curve *curve;
    struct ecc_scalar d;
    struct ecc_point own, peer, shared;
    mpz_t x, y, px, py;
};

struct bench_dh {
    enum bench_ke ke;
    uint8_t priv[32], pub[32], peer[32], shared[32]; /* X25519 */
    mpz_t prime, u, v;
    struct ecp e;
    struct modp m;
};

/* ---- X25519 ----------------------------------------------------------------------------------------------------------- */

static void x25519_new(struct bench_dh *d)
{
    mpz_inits(d->prime, d->u, d->v, NULL);
    mpz_setbit(d->prime, 255);
    mpz_sub_ui(d->prime, d->prime, 19);
    d->peer[0] = 9;
}

static void x25519_keygen(struct bench_dh *d)
{
    uint8_t y[32];
    size_t n;
    (void)crypto_scalarmult_ed25519_base(y, d->priv);
    y[31] &= 0x7f;
    mpz_import(d->u, sizeof y, -1, 1, 0, 0, y);
    mpz_ui_sub(d->v, 1, d->u);
    mpz_invert(d->v, d->v, d->prime);
    mpz_add_ui(d->u, d->u, 1);
    mpz_mul(d->u, d->u, d->v);
    mpz_mod(d->u, d->u, d->prime);
    mpz_export(d->pub, &n, -1, 1, 0, 0, d->u);
}

/* ---- ECP-256 ---------------------------------------------------------------------------------------------------------- */

static void ecp_keygen(struct ecp *e, const uint8_t *priv)
{
    uint8_t pub[64];
    size_t n;
    mpz_import(e->x, 32, 1, 1, 0, 0, priv);
    (void)ecc_scalar_set(&e->d, e->x);
    ecc_point_mul_g(&e->own, &e->d);
    ecc_point_get(&e->own, e->x, e->y);
    mpz_export(pub, &n, 1, 1, 0, 0, e->x);
    mpz_export(pub + 32, &n, 1, 1, 0, 0, e->y);
}

static void ecp_agree(struct ecp *e)
{
    uint8_t shared[32];
    size_t n;
    (void)ecc_point_set(&e->peer, e->px, e->py); /* checks that it is on the curve */
    ecc_point_mul(&e->shared, &e->d, &e->peer);
    ecc_point_get(&e->shared, e->x, NULL);
    mpz_export(shared, &n, 1, 1, 0, 0, e->x);
}

static void ecp_new(struct ecp *e)
{
    static const uint8_t one[32] = {[31] = 5};
    e->curve = nettle_get_secp_256r1();
    ecc_scalar_init(&e->d, e->curve);
    ecc_point_init(&e->own, e->curve);
    ecc_point_init(&e->peer, e->curve);
    ecc_point_init(&e->shared, e->curve);
    mpz_inits(e->x, e->y, e->px, e->py, NULL);
    ecp_keygen(e, one);
    ecc_point_get(&e->own, e->px, e->py);
}

/* ---- MODP ------------------------------------------------------------------------------------------------------------- */

/* out = a * b / 2^(n limbs) modulo p. The last limb of these primes is all ones, so -1/p modulo a limb is 1. */
static void multiply(struct modp *m, mp_limb_t *out, const mp_limb_t *a, const mp_limb_t *b)
{
    mp_limb_t *t = m->work;
    mpn_sec_mul(t, a, m->n, b, m->n, m->scratch);
    for (mp_size_t i = 0; i < m->n; i++) {
        t[i] = mpn_addmul_1(t + i, m->p, m->n, t[i]);
    }
    mp_limb_t carry = mpn_add_n(out, t + m->n, t, m->n);
    mp_limb_t borrow = mpn_sub_n(t, out, m->p, m->n);
    mpn_cnd_sub_n(carry | (borrow ^ 1), out, out, m->p, m->n);
}

/* Entry k of digit i is 2^(k * 16^i) as a residue. */
static void modp_table(struct modp *m)
{
    const size_t digits = m->bits / WINDOW;
    const mp_size_t n = m->n;
    mpz_t p, one;
    mpz_init(one);
    mpz_roinit_n(p, m->p, n);
    mpz_setbit(one, (mp_bitcnt_t)n * GMP_NUMB_BITS);
    mpz_mod(one, one, p);
    m->table = bench_alloc(digits * ENTRIES * (size_t)n * sizeof(mp_limb_t));
    mpn_copyi(m->table, mpz_limbs_read(one), (mp_size_t)mpz_size(one));
    mpz_mul_2exp(one, one, 1);
    mpz_mod(one, one, p);
    mpn_copyi(m->table + n, mpz_limbs_read(one), (mp_size_t)mpz_size(one));
    mpz_clear(one);
    for (size_t i = 0; i < digits; i++) {
        mp_limb_t *e = m->table + (mp_size_t)(i * ENTRIES) * n, *before = e - ENTRIES * n;
        if (i) {
            mpn_copyi(e, before, n);
            multiply(m, e + n, before + (ENTRIES - 1) * n, before + n);
        }
        for (mp_size_t k = 2; k < ENTRIES; k++) {
            multiply(m, e + k * n, e + (k - 1) * n, e + n);
        }
    }
}

static void load(mp_limb_t *limbs, const uint8_t *octets, size_t len)
{
    mpz_t v;
    mpz_init(v);
    mpz_import(v, len, 1, 1, 0, 0, octets);
    mpn_copyi(limbs, mpz_limbs_read(v), (mp_size_t)mpz_size(v));
    mpz_clear(v);
}

static void modp_new(struct modp *m, const struct ike_modp *group, mp_bitcnt_t bits)
{
    uint8_t octets[IKE_MODP_MAX];
    mp_size_t a, b;
    m->n = (mp_size_t)(group->len * 8u / GMP_NUMB_BITS);
    m->bits = bits;
    ike_modp_prime(group, octets);
    load(m->p, octets, group->len);
    octets[0] = 0x55;
    load(m->peer, octets, group->len);
    a = mpn_sec_powm_itch(m->n, bits, m->n);
    b = mpn_sec_mul_itch(m->n, m->n);
    m->scratch = bench_alloc((size_t)(a > b ? a : b) * sizeof(mp_limb_t));
    modp_table(m);
}

static void modp_keygen(struct modp *m, const uint8_t *priv)
{
    const mp_size_t n = m->n;
    mp_limb_t entry[LIMBS_MAX], one[LIMBS_MAX] = {1};
    for (size_t i = 0; i < m->bits / 8; i++) {
        ((uint8_t *)m->exponent)[i] = priv[i];
    }
    for (size_t i = 0; i < m->bits / WINDOW; i++) {
        size_t at = i * WINDOW;
        mp_size_t digit = (mp_size_t)(m->exponent[at / GMP_NUMB_BITS] >> at % GMP_NUMB_BITS & (ENTRIES - 1));
        mpn_sec_tabselect(i ? entry : m->r, m->table + (mp_size_t)(i * ENTRIES) * n, n, ENTRIES, digit);
        if (i) {
            multiply(m, m->r, m->r, entry);
        }
    }
    multiply(m, m->r, m->r, one); /* out of the residue */
}

static void modp_agree(struct modp *m) { mpn_sec_powm(m->r, m->peer, m->n, m->exponent, m->bits, m->p, m->n, m->scratch); }

/* ---- A floor that computes something else would be none ---------------------------------------------------------------- */

static void check_x25519(struct bench_dh *d)
{
    uint8_t random[32], pub[32];
    bench_random(NULL, random, sizeof random);
    bench_dh_keygen(d, random);
    (void)crypto_scalarmult_base(pub, d->priv);
    if (memcmp(pub, d->pub, sizeof pub) != 0) {
        bench_die("the floor's X25519 key pair is wrong");
    }
}

static void check_modp(struct bench_dh *d)
{
    struct modp *m = &d->m;
    uint8_t random[64];
    mp_limb_t by_table[LIMBS_MAX], two[LIMBS_MAX] = {2};
    bench_random(NULL, random, sizeof random);
    bench_dh_keygen(d, random);
    mpn_copyi(by_table, m->r, m->n);
    mpn_sec_powm(m->r, two, m->n, m->exponent, m->bits, m->p, m->n, m->scratch);
    if (mpn_cmp(by_table, m->r, m->n) != 0) {
        bench_die("the floor's MODP key pair is wrong");
    }
}

/* ---- All -------------------------------------------------------------------------------------------------------------- */

struct bench_dh *bench_dh_new(enum bench_ke ke)
{
    struct bench_dh *d = bench_alloc(sizeof *d);
    d->ke = ke;
    if (ke == BENCH_X25519) {
        x25519_new(d);
        check_x25519(d);
    } else if (ke == BENCH_ECP256) {
        ecp_new(&d->e);
    } else {
        static const struct {
            const struct ike_modp *group;
            mp_bitcnt_t bits;
        } modp[] = {[BENCH_MODP2048] = {&ike_modp2048, 256},
                    [BENCH_MODP3072] = {&ike_modp3072, 320},
                    [BENCH_MODP1024] = {&ike_modp1024, 160},
                    [BENCH_MODP768] = {&ike_modp768, 160}};
        modp_new(&d->m, modp[ke].group, modp[ke].bits);
        check_modp(d);
    }
    return d;
}

void bench_dh_free(struct bench_dh *d)
{
    struct ecp *e = &d->e;
    if (d->ke == BENCH_X25519) {
        mpz_clears(d->prime, d->u, d->v, NULL);
    } else if (d->ke == BENCH_ECP256) {
        ecc_scalar_clear(&e->d);
        ecc_point_clear(&e->own);
        ecc_point_clear(&e->peer);
        ecc_point_clear(&e->shared);
        mpz_clears(e->x, e->y, e->px, e->py, NULL);
    } else {
        bench_free(d->m.scratch);
        bench_free(d->m.table);
    }
    bench_free(d);
}

void bench_dh_keygen(struct bench_dh *d, const uint8_t *random)
{
    memcpy(d->priv, random, sizeof d->priv);
    if (d->ke == BENCH_X25519) {
        x25519_keygen(d);
    } else if (d->ke == BENCH_ECP256) {
        ecp_keygen(&d->e, d->priv);
    } else {
        modp_keygen(&d->m, random);
    }
}

void bench_dh_agree(struct bench_dh *d)
{
    if (d->ke == BENCH_X25519) {
        if (crypto_scalarmult(d->shared, d->priv, d->peer) != 0) {
            bench_die("X25519 refuses its base point");
        }
    } else if (d->ke == BENCH_ECP256) {
        ecp_agree(&d->e);
    } else {
        modp_agree(&d->m);
    }
}
