/* SPDX-License-Identifier: ISC
 *
 * GMP: MODP Diffie-Hellman in constant time.
 *
 * The shared secret is mpn_sec_powm. Powers of the generator come from a table: for each 4-bit digit of the exponent the
 * sixteen powers 2^(d * 16^i), as Montgomery residues, so a key pair costs one multiplication per digit and no squaring. Every
 * look-up reads all sixteen entries. Only mpn functions touch secrets, in memory we allocate and wipe: GMP itself allocates
 * nothing here.
 */
#include "base/bytes.h"
#include "crypto/gmp_limbs.h"
#include "crypto/modp_groups.h"

enum { WINDOW = 4, ENTRIES = 1 << WINDOW };

struct state {
    ike_allocator mem;
    const struct ike_modp *group;
    mp_size_t n;       /* limbs of the prime */
    size_t size;       /* of this block */
    mp_limb_t *table;  /* [digit][ENTRIES][n], NULL before the first use and where memory is short */
    mp_limb_t prime[]; /* n limbs */
};

/* Exponents are exp_len octets, not the length of the prime: that is what makes the table small enough to keep. */
static size_t digits(const struct state *s) { return s->group->exp_len * 8u / WINDOW; }
static size_t table_size(const struct state *s) { return digits(s) * ENTRIES * (size_t)s->n * IKE_LIMB; }

/* Cheap: the table comes with the first key pair, since many engines never use most groups. */
static void *open(const ike_allocator *mem, const struct ike_modp *group)
{
    uint8_t octets[IKE_MODP_MAX];
    size_t n = IKE_LIMBS(group->len), size = sizeof(struct state) + n * IKE_LIMB;
    struct state *s = mem->alloc(mem->user, size);
    if (!s) {
        return NULL;
    }
    s->mem = *mem;
    s->group = group;
    s->n = (mp_size_t)n;
    s->size = size;
    s->table = NULL;
    ike_modp_prime(group, octets);
    ike_gmp_load(s->prime, n, octets, group->len);
    return s;
}

/* The table holds powers of a public number: nothing to wipe. */
static void close(void *state, const ike_allocator *mem)
{
    struct state *s = state;
    if (!s) {
        return;
    }
    if (s->table) {
        mem->release(mem->user, s->table, table_size(s));
    }
    mem->release(mem->user, s, s->size);
}

/* Scratch for one operation. Its first limbs are the caller's, `itch` more are for GMP. */
struct scratch {
    mp_limb_t *limbs;
    size_t count;
};

/* From the host's allocator for every operation: 8192-bit scratch is too much for small stacks. */
static bool grab(const struct state *s, struct scratch *x, size_t own, mp_size_t itch)
{
    x->count = own + (size_t)itch;
    x->limbs = s->mem.alloc(s->mem.user, x->count * IKE_LIMB);
    return x->limbs != NULL;
}

static void give_back(const struct state *s, struct scratch *x)
{
    ike_wipe(x->limbs, x->count * IKE_LIMB);
    s->mem.release(s->mem.user, x->limbs, x->count * IKE_LIMB);
}

/* r = t / 2^(n limbs) modulo p, t of 2n limbs is destroyed. -1/p modulo the limb size is 1, for the last 64 bits of every
 * prime here are ones; so the multiplier of each step is the limb itself. */
static void reduce(const struct state *s, mp_limb_t *r, mp_limb_t *t)
{
    for (mp_size_t i = 0; i < s->n; i++) {
        t[i] = mpn_addmul_1(t + i, s->prime, s->n, t[i]);
    }
    /* The sum is below 2p, so one subtraction at most is left; it is always made, and its result taken by mask. */
    mp_limb_t carry = mpn_add_n(r, t + s->n, t, s->n);
    mp_limb_t borrow = mpn_sub_n(t, r, s->prime, s->n);
    mpn_cnd_sub_n(carry | (borrow ^ 1), r, r, s->prime, s->n);
}

/* r = a * b / 2^(n limbs) modulo p; work has 2n limbs and what mpn_sec_mul wants. */
static void multiply(const struct state *s, mp_limb_t *r, const mp_limb_t *a, const mp_limb_t *b, mp_limb_t *work)
{
    mpn_sec_mul(work, a, s->n, b, s->n, work + 2 * s->n);
    reduce(s, r, work);
}

static mp_size_t multiply_itch(const struct state *s) { return 2 * s->n + mpn_sec_mul_itch(s->n, s->n); }

static void fill_table(const struct state *s, mp_limb_t *table, mp_limb_t *work)
{
    const mp_size_t n = s->n;
    /* One as a residue is 2^(n limbs) mod p = 2^(n limbs) - p, since p has its top bit set; twice that is the generator. */
    mp_limb_t *e = table;
    mpn_neg(e, s->prime, n);
    mp_limb_t carry = mpn_lshift(e + n, e, n, 1);
    if (carry || mpn_cmp(e + n, s->prime, n) >= 0) {
        mpn_sub_n(e + n, e + n, s->prime, n);
    }
    /* Row i holds g^(k * 16^i) for k = 0..15. Entry 1 of the next row is entry 15 times entry 1 of this one. */
    for (size_t i = 0;; e += ENTRIES * n) {
        for (size_t k = 2; k < ENTRIES; k++) {
            multiply(s, e + (mp_size_t)k * n, e + (mp_size_t)(k - 1) * n, e + n, work);
        }
        if (++i == digits(s)) {
            break;
        }
        mpn_copyi(e + ENTRIES * n, e, n);
        multiply(s, e + (ENTRIES + 1) * n, e + (ENTRIES - 1) * n, e + n, work);
    }
}

/* About a thousand multiplications, once. False only where memory is short; the caller then does without, and tries again
 * the next time. */
static bool have_table(struct state *s)
{
    struct scratch x;
    if (s->table) {
        return true;
    }
    mp_limb_t *table = s->mem.alloc(s->mem.user, table_size(s));
    if (!table) {
        return false;
    }
    if (!grab(s, &x, 0, multiply_itch(s))) {
        s->mem.release(s->mem.user, table, table_size(s));
        return false;
    }
    fill_table(s, table, x.limbs);
    give_back(s, &x);
    s->table = table;
    return true;
}

/* Every digit costs the same look-up and multiplication, zeros included, so time tells nothing of the exponent. */
static int power_by_table(struct state *s, const uint8_t *priv, uint8_t *pub)
{
    const mp_size_t n = s->n;
    const size_t len = s->group->exp_len;
    struct scratch x;
    if (!grab(s, &x, 2 * (size_t)n, multiply_itch(s))) {
        return IKE_ERR_NOMEM;
    }
    mp_limb_t *sum = x.limbs, *entry = sum + n, *work = entry + n;
    for (size_t i = 0; i < digits(s); i++) {
        /* Private values are big-endian, digits count from the low end. */
        mp_limb_t digit = priv[len - 1 - i / 2] >> (i % 2 * WINDOW) & (ENTRIES - 1);
        mpn_sec_tabselect(i ? entry : sum, s->table + (mp_size_t)i * ENTRIES * n, n, ENTRIES, (mp_size_t)digit);
        if (i) {
            multiply(s, sum, sum, entry, work);
        }
    }
    /* One more reduction turns the residue back into the number. */
    mpn_copyi(work, sum, n);
    mpn_zero(work + n, n);
    reduce(s, sum, work);
    ike_gmp_store(sum, pub, s->group->len);
    give_back(s, &x);
    return IKE_OK;
}

/* out = base ^ priv modulo p; base is reduced. */
static int power(const struct state *s, const uint8_t *base, const uint8_t *priv, uint8_t *out)
{
    const size_t n = (size_t)s->n, en = IKE_LIMBS(s->group->exp_len);
    /* The public length of the exponent, not its own: mpn_sec_powm takes that many steps whatever its value. */
    const mp_bitcnt_t bits = s->group->exp_len * 8u;
    struct scratch x;
    if (!grab(s, &x, 2 * n + en, mpn_sec_powm_itch(s->n, bits, s->n))) {
        return IKE_ERR_NOMEM;
    }
    mp_limb_t *b = x.limbs, *r = b + n, *e = r + n;
    ike_gmp_load(b, n, base, s->group->len);
    ike_gmp_load(e, en, priv, s->group->exp_len);
    mpn_sec_powm(r, b, s->n, e, bits, s->prime, s->n, e + en);
    ike_gmp_store(r, out, s->group->len);
    give_back(s, &x);
    return IKE_OK;
}

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    struct state *s = state;
    (void)rng;
    /* An exponent of 0 gives 1, which the other side refuses. */
    if (ike_is_zero(priv, s->group->exp_len)) {
        return IKE_ERR_CRYPTO;
    }
    if (have_table(s)) {
        return power_by_table(s, priv, pub);
    }
    uint8_t two[IKE_MODP_MAX] = {0};
    two[s->group->len - 1] = 2;
    return power(s, two, priv, pub);
}

/* The whole range of exp_len octets is taken: the group's order is far above it. */
static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    struct state *s = state;
    int err = rng->fill(rng->user, priv, s->group->exp_len);
    if (err == IKE_OK) {
        err = derive_public(s, rng, priv, pub);
    }
    if (err != IKE_OK) {
        ike_wipe(priv, s->group->exp_len);
    }
    return err;
}

static int check(void *state, const uint8_t *pub)
{
    const struct state *s = state;
    return ike_modp_public_ok(s->group, pub) ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Checked again here: any power of 0 or 1 is a secret everybody knows. */
static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    struct state *s = state;
    (void)rng;
    int err = check(s, pub);
    return err == IKE_OK ? power(s, pub, priv, shared) : err;
}

#define MODP(BITS, EXP_BITS)                                                                                                  \
    static void *open##BITS(const ike_allocator *mem) { return open(mem, &ike_modp##BITS); }                                  \
    const ike_ke ike_gmp_modp##BITS = {.id = KE_MODP_##BITS,                                                                  \
                                       .name = "MODP-" #BITS,                                                                 \
                                       .public_len_i = BITS / 8,                                                              \
                                       .public_len_r = BITS / 8,                                                              \
                                       .shared_len = BITS / 8,                                                                \
                                       .private_len = EXP_BITS / 8,                                                           \
                                       .open = open##BITS,                                                                    \
                                       .close = close,                                                                        \
                                       .initiate = initiate,                                                                  \
                                       .check = check,                                                                        \
                                       .finish = finish,                                                                      \
                                       .derive_public = derive_public,                                                        \
                                       .engine_state_grows = true}

MODP(768, 160);
MODP(1024, 160);
MODP(1536, 192);
MODP(2048, 256);
MODP(3072, 320);
MODP(4096, 352);
MODP(6144, 512);
MODP(8192, 512);
