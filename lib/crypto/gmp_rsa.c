/* SPDX-License-Identifier: ISC
 *
 * RSA on GMP, in constant time where there is a secret: by CRT, blinded by a pair that is squared for each signature, and checked
 * before it leaves, since a fault would give the key away. mbedTLS reads the keys, and serves what does not fit here, as primes
 * of different lengths. Only mpn functions touch secrets, in memory we allocate and wipe.
 */
#include "base/bytes.h"
#include "crypto/gmp_limbs.h"
#include "crypto/mbedtls_key.h"
#include "crypto/slots.h"

#include <string.h>

enum { DRAWS = 8 };

struct key {
    void *read; /* as mbedTLS has it */
    ike_allocator mem;
    size_t size;    /* of this block */
    size_t len;     /* octets of the modulus */
    mp_size_t n, h; /* limbs of the modulus and of a prime; h is 0 where the secret is not served here */
    mp_bitcnt_t e_bits;
    bool blinded; /* there is a pair */
    mp_limb_t limbs[];
};

/* What the limbs are, by their place: four numbers of n limbs and five of h. */
enum wide { N, E, BLIND, UNBLIND, WIDE };
enum half { P, Q, DP, DQ, QP, HALVES };

static mp_limb_t *wide(const struct key *k, enum wide which) { return (mp_limb_t *)k->limbs + (mp_size_t)which * k->n; }
static mp_limb_t *half(const struct key *k, enum half which) { return wide(k, WIDE) + (mp_size_t)which * k->h; }

/* ---- Reading ----------------------------------------------------------------------------------------------------------------
 */

static bool take(struct key *k, enum ike_rsa_number which, mp_limb_t *to, mp_size_t limbs)
{
    uint8_t octets[IKE_SIG_MAX];
    size_t len = (size_t)limbs * IKE_LIMB;
    bool ok = ike_mbedtls_rsa_number(k->read, which, octets, len);
    if (ok) {
        ike_gmp_load(to, (size_t)limbs, octets, len);
    }
    ike_wipe(octets, sizeof octets);
    return ok;
}

static mp_bitcnt_t bits_of(const mp_limb_t *x, mp_size_t n)
{
    mp_bitcnt_t bits = (mp_bitcnt_t)n * GMP_NUMB_BITS;
    while (bits && !(x[(bits - 1) / GMP_NUMB_BITS] >> ((bits - 1) % GMP_NUMB_BITS) & 1)) {
        bits--;
    }
    return bits;
}

/* Odd and of full length, as the functions that divide by them want it. */
static bool divides(const mp_limb_t *x, mp_size_t n) { return x[0] & 1 && x[n - 1]; }

static bool take_secret(struct key *k)
{
    static const enum ike_rsa_number names[HALVES] = {IKE_RSA_P, IKE_RSA_Q, IKE_RSA_DP, IKE_RSA_DQ, IKE_RSA_QP};
    bool ok = true;
    for (unsigned i = 0; i < HALVES && ok; i++) {
        ok = take(k, names[i], half(k, (enum half)i), k->h);
    }
    return ok && divides(half(k, P), k->h) && divides(half(k, Q), k->h);
}

static void drop(void *key, const ike_allocator *mem)
{
    struct key *k = key;
    ike_mbedtls_rsa.drop(k->read, mem);
    size_t size = k->size;
    ike_wipe(k, size);
    mem->release(mem->user, k, size);
}

static int read_key(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, void **key)
{
    void *read;
    int r = ike_mbedtls_rsa.read(mem, rng, secret, der, &read);
    *key = NULL;
    if (r != IKE_OK) {
        return r;
    }
    size_t bits = ike_mbedtls_rsa.bits(read), n = IKE_LIMBS((bits + 7) / 8);
    size_t h = secret ? IKE_LIMBS(((bits + 1) / 2 + 7) / 8) : 0;
    size_t size = sizeof(struct key) + (WIDE * n + HALVES * h) * IKE_LIMB;
    struct key *k = mem->alloc(mem->user, size);
    if (!k) {
        ike_mbedtls_rsa.drop(read, mem);
        return IKE_ERR_NOMEM;
    }
    *k = (struct key){.read = read, .mem = *mem, .size = size, .len = (bits + 7) / 8, .n = (mp_size_t)n, .h = (mp_size_t)h};
    if (!take(k, IKE_RSA_N, wide(k, N), k->n) || !take(k, IKE_RSA_E, wide(k, E), k->n)) {
        drop(k, mem);
        return IKE_ERR_NOMEM;
    }
    k->e_bits = bits_of(wide(k, E), k->n);
    k->h = secret && take_secret(k) ? k->h : 0;
    *key = k;
    return IKE_OK;
}

static unsigned bits(const void *key) { return ike_mbedtls_rsa.bits(((const struct key *)key)->read); }

static bool pair(const void *open, const void *secret, const ike_random *rng)
{
    return ike_mbedtls_rsa.pair(((const struct key *)open)->read, ((const struct key *)secret)->read, rng);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------------------
 */

/* Of one operation: numbers of our own, a product, and what GMP wants beside it. */
struct work {
    size_t count;
    mp_limb_t *limbs, *m, *c, *v, *product, *a, *b, *gmp;
};

static mp_size_t most(mp_size_t a, mp_size_t b) { return a > b ? a : b; }

static bool begin(const struct key *k, struct work *w, bool secret)
{
    const mp_size_t n = k->n, h = secret ? k->h : 0;
    mp_size_t itch = most(mpn_sec_mul_itch(n, n), mpn_sec_div_r_itch(2 * n, n));
    itch = most(itch, mpn_sec_powm_itch(n, k->e_bits, n));
    if (secret) {
        itch = most(itch, mpn_sec_powm_itch(n, (mp_bitcnt_t)h * GMP_NUMB_BITS, h));
        itch = most(itch, mpn_sec_invert_itch(n));
        itch = most(itch, mpn_sec_add_1_itch(h));
    }
    w->count = (size_t)(3 * n + 2 * n + 2 + 2 * h + itch);
    w->limbs = k->mem.alloc(k->mem.user, w->count * IKE_LIMB);
    if (!w->limbs) {
        return false;
    }
    w->m = w->limbs;
    w->c = w->m + n;
    w->v = w->c + n;
    w->product = w->v + n; /* of two of n limbs, or of h, which may be one more */
    w->a = w->product + 2 * n + 2;
    w->b = w->a + h;
    w->gmp = w->b + h;
    return true;
}

static void end(const struct key *k, struct work *w)
{
    ike_wipe(w->limbs, w->count * IKE_LIMB);
    k->mem.release(k->mem.user, w->limbs, w->count * IKE_LIMB);
}

/* out = a * b modulo mod, all of n limbs. */
static void multiply(struct work *w, mp_limb_t *out, const mp_limb_t *a, const mp_limb_t *b, const mp_limb_t *mod, mp_size_t n)
{
    mpn_sec_mul(w->product, a, n, b, n, w->gmp);
    mpn_sec_div_r(w->product, 2 * n, mod, n, w->gmp);
    mpn_copyi(out, w->product, n);
}

static void power_e(const struct key *k, struct work *w, mp_limb_t *out, const mp_limb_t *base)
{
    mpn_sec_powm(out, base, k->n, wide(k, E), k->e_bits, wide(k, N), k->n, w->gmp);
}

/* PKCS #1 v1.5, block type 1, around the data alone. False: it is too long. */
static bool pad(const struct key *k, ike_bytes data, uint8_t *block)
{
    if (data.len + 11 > k->len) {
        return false;
    }
    memset(block, 0xff, k->len);
    block[0] = 0;
    block[1] = 1;
    block[k->len - data.len - 1] = 0;
    memcpy(block + k->len - data.len, data.ptr, data.len);
    return true;
}

/* ---- Signing ----------------------------------------------------------------------------------------------------------------
 */

/* r^e and 1/r for a random r, once; then both squared. */
static bool next_blind(struct key *k, struct work *w, const ike_random *rng)
{
    mp_limb_t *blind = wide(k, BLIND), *unblind = wide(k, UNBLIND), *mod = wide(k, N);
    if (k->blinded) {
        multiply(w, blind, blind, blind, mod, k->n);
        multiply(w, unblind, unblind, unblind, mod, k->n);
        return true;
    }
    for (unsigned i = 0; i < DRAWS && !k->blinded; i++) {
        if (rng->fill(rng->user, (uint8_t *)w->c, (size_t)k->n * IKE_LIMB) != IKE_OK) {
            return false;
        }
        mpn_sec_div_r(w->c, k->n, mod, k->n, w->gmp);
        power_e(k, w, blind, w->c);
        k->blinded = mpn_sec_invert(unblind, w->c, mod, k->n, 2 * (mp_bitcnt_t)k->n * GMP_NUMB_BITS, w->gmp);
    }
    return k->blinded;
}

/* out = c^d: the two halves a = c^dp mod p and b = c^dq mod q are put together as b + q ((a - b) qp mod p). */
static void power_d(const struct key *k, struct work *w, mp_limb_t *out, const mp_limb_t *c)
{
    const mp_size_t h = k->h;
    const mp_bitcnt_t all = (mp_bitcnt_t)h * GMP_NUMB_BITS;
    mpn_sec_powm(w->a, c, k->n, half(k, DP), all, half(k, P), h, w->gmp);
    mpn_sec_powm(w->b, c, k->n, half(k, DQ), all, half(k, Q), h, w->gmp);
    mpn_copyi(w->product, w->b, h);
    mpn_sec_div_r(w->product, h, half(k, P), h, w->gmp);
    mp_limb_t borrow = mpn_sub_n(w->a, w->a, w->product, h);
    mpn_cnd_add_n(borrow, w->a, w->a, half(k, P), h);
    multiply(w, w->a, w->a, half(k, QP), half(k, P), h);
    mpn_sec_mul(w->product, half(k, Q), h, w->a, h, w->gmp);
    mp_limb_t carry = mpn_add_n(w->product, w->product, w->b, h);
    mpn_sec_add_1(w->product + h, w->product + h, h, carry, w->gmp);
    mpn_copyi(out, w->product, k->n); /* less than the modulus */
}

static int sign(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len)
{
    struct key *k = key;
    struct work w;
    if (!k->h || !begin(k, &w, true)) {
        return ike_mbedtls_rsa.sign(k->read, rng, data, sig, len);
    }
    bool ok = pad(k, data, sig) && next_blind(k, &w, rng);
    if (ok) {
        ike_gmp_load(w.m, (size_t)k->n, sig, k->len);
        multiply(&w, w.c, w.m, wide(k, BLIND), wide(k, N), k->n);
        power_d(k, &w, w.v, w.c);
        multiply(&w, w.c, w.v, wide(k, UNBLIND), wide(k, N), k->n);
        power_e(k, &w, w.v, w.c);
        ok = mpn_cmp(w.v, w.m, k->n) == 0;
        k->blinded = ok;
    }
    if (ok) {
        ike_gmp_store(w.c, sig, k->len);
    }
    end(k, &w);
    *len = k->len;
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* The padding is made anew and compared as a whole, so nothing can hide in it. */
static int verify(void *key, ike_bytes data, ike_bytes sig)
{
    struct key *k = key;
    struct work w;
    uint8_t want[IKE_SIG_MAX], got[IKE_SIG_MAX];
    if (!divides(wide(k, N), k->n) || !begin(k, &w, false)) {
        return ike_mbedtls_rsa.verify(k->read, data, sig);
    }
    bool ok = sig.len == k->len && pad(k, data, want);
    if (ok) {
        ike_gmp_load(w.c, (size_t)k->n, sig.ptr, sig.len);
        ok = mpn_cmp(w.c, wide(k, N), k->n) < 0;
    }
    if (ok) {
        power_e(k, &w, w.v, w.c);
        ike_gmp_store(w.v, got, k->len);
        ok = memcmp(got, want, k->len) == 0;
    }
    end(k, &w);
    return ok ? IKE_OK : IKE_ERR_AUTH;
}

const ike_sign ike_gmp_rsa = {IKE_KEY_RSA, "RSA", read_key, drop, bits, pair, sign, verify};
