/* SPDX-License-Identifier: ISC
 *
 * The signatures of the floor, each by the fastest way that libsodium, nettle and GMP offer in constant time, with keys of its
 * own:
 *
 *   RSA     GMP's mpz_powm_sec by CRT, blinded by a pair that is squared each time, and checked before it leaves: without the
 *           check a fault gives the key away. To verify there is nothing secret: mpz_powm
 *   ECDSA   hogweed
 */
#include "bench.h"
#include <gmp.h>
#include <nettle/dsa.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>
#include <nettle/rsa.h>
#include <string.h>

enum { EXPONENT = 65537, RSA_MAX = 2048 / 8 };

struct bench_signer {
    enum bench_sig sig;
    struct rsa_public_key open;
    struct rsa_private_key key;
    mpz_t blind, unblind, m, s, a, b;
    struct ecc_scalar secret;
    struct ecc_point point;
    struct dsa_signature pair;
};

static void draw(void *user, size_t n, uint8_t *out) { (void)bench_random(user, out, n); }

/* ---- RSA ------------------------------------------------------------------------------------------------------------------ */

static void rsa_new(struct bench_signer *s, unsigned bits)
{
    rsa_public_key_init(&s->open);
    rsa_private_key_init(&s->key);
    mpz_inits(s->blind, s->unblind, s->m, s->s, s->a, s->b, NULL);
    mpz_set_ui(s->open.e, EXPONENT);
    if (!rsa_generate_keypair(&s->open, &s->key, NULL, draw, NULL, NULL, bits, 0)) {
        bench_die("no RSA key");
    }
    mpz_set_ui(s->a, 1);
    mpz_mul_2exp(s->a, s->a, bits / 2);
    mpz_add_ui(s->a, s->a, EXPONENT); /* any will do, for nobody watches */
    mpz_powm(s->blind, s->a, s->open.e, s->open.n);
    mpz_invert(s->unblind, s->a, s->open.n);
}

/* PKCS #1 v1.5, block type 1, around the data alone. */
static void pad(struct bench_signer *s, const uint8_t *data, size_t n)
{
    uint8_t block[RSA_MAX];
    memset(block, 0xff, s->key.size);
    block[0] = 0;
    block[1] = 1;
    block[s->key.size - n - 1] = 0;
    memcpy(block + s->key.size - n, data, n);
    mpz_import(s->m, s->key.size, 1, 1, 0, 0, block);
}

static void times(mpz_t out, const mpz_t a, const mpz_t b, const mpz_t n)
{
    mpz_mul(out, a, b);
    mpz_mod(out, out, n);
}

static void rsa_sign(struct bench_signer *s, const uint8_t *data, size_t n)
{
    const struct rsa_private_key *k = &s->key;
    uint8_t out[RSA_MAX];
    size_t len;
    pad(s, data, n);
    times(s->blind, s->blind, s->blind, s->open.n);
    times(s->unblind, s->unblind, s->unblind, s->open.n);
    times(s->s, s->m, s->blind, s->open.n);
    mpz_mod(s->a, s->s, k->p);
    mpz_powm_sec(s->a, s->a, k->a, k->p);
    mpz_mod(s->b, s->s, k->q);
    mpz_powm_sec(s->b, s->b, k->b, k->q);
    mpz_sub(s->a, s->a, s->b); /* b + q * ((a - b) / q mod p) */
    mpz_mul(s->a, s->a, k->c);
    mpz_mod(s->a, s->a, k->p);
    mpz_mul(s->a, s->a, k->q);
    mpz_add(s->s, s->a, s->b);
    times(s->s, s->s, s->unblind, s->open.n);
    mpz_powm(s->a, s->s, s->open.e, s->open.n);
    if (mpz_cmp(s->a, s->m) != 0) {
        bench_die("the floor does not sign");
    }
    mpz_export(out, &len, 1, 1, 0, 0, s->s);
}

static bool rsa_verify(struct bench_signer *s, const uint8_t *data, size_t n)
{
    mpz_powm(s->a, s->s, s->open.e, s->open.n);
    pad(s, data, n);
    return mpz_cmp(s->a, s->m) == 0;
}

/* ---- ECDSA ---------------------------------------------------------------------------------------------------------------- */

static void ecdsa_new(struct bench_signer *s)
{
    ecc_scalar_init(&s->secret, nettle_get_secp_256r1());
    ecc_point_init(&s->point, nettle_get_secp_256r1());
    dsa_signature_init(&s->pair);
    ecdsa_generate_keypair(&s->point, &s->secret, NULL, draw);
}

/* ---- Either --------------------------------------------------------------------------------------------------------------- */

struct bench_signer *bench_signer_new(enum bench_sig sig)
{
    struct bench_signer *s = bench_alloc(sizeof *s);
    s->sig = sig;
    if (sig == BENCH_P256) {
        ecdsa_new(s);
    } else {
        rsa_new(s, sig == BENCH_RSA1024 ? 1024 : 2048);
    }
    return s;
}

void bench_signer_free(struct bench_signer *s)
{
    if (s && s->sig == BENCH_P256) {
        ecc_scalar_clear(&s->secret);
        ecc_point_clear(&s->point);
        dsa_signature_clear(&s->pair);
    } else if (s) {
        rsa_public_key_clear(&s->open);
        rsa_private_key_clear(&s->key);
        mpz_clears(s->blind, s->unblind, s->m, s->s, s->a, s->b, NULL);
    }
    bench_free(s);
}

void bench_sign(struct bench_signer *s, const uint8_t *data, size_t n)
{
    if (s->sig == BENCH_P256) {
        ecdsa_sign(&s->secret, NULL, draw, n, data, &s->pair);
    } else {
        rsa_sign(s, data, n);
    }
}

void bench_verify(struct bench_signer *s, const uint8_t *data, size_t n)
{
    if (!(s->sig == BENCH_P256 ? ecdsa_verify(&s->point, n, data, &s->pair) : rsa_verify(s, data, n))) {
        bench_die("the floor does not verify what it signed");
    }
}
