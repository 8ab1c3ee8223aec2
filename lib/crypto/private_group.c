/* SPDX-License-Identifier: ISC
 *
 * Is it a group, and what can be done with it. All numbers are big-endian octets; arithmetic is the provider's `power`.
 */
#include "crypto/private_group.h"

/* A composite passes one round with a chance of a quarter at most, whatever its maker did: the bases are drawn after it came. */
enum { ROUNDS = 20 };
/* Of numbers that were drawn one in 2^30 has more; without this bound one could be made that costs twice as much. */
enum { SQUARINGS_MAX = 30 };
/* Half of the draws are good at least. */
enum { DRAWS_MAX = 64 };

static ike_bytes stripped(ike_bytes b)
{
    while (b.len && b.ptr[0] == 0) {
        b = ike_bytes_of(b.ptr + 1, b.len - 1);
    }
    return b;
}

/* 1 < y < p - 1 (RFC 6989 section 2.1); p is odd. */
static bool within(const struct ike_private_group *g, const uint8_t *y)
{
    const uint8_t *p = ike_private_group_prime(g).ptr;
    const size_t last = g->len - 1;
    int above = memcmp(y, p, last);
    return !(ike_is_zero(y, last) && y[last] < 2) && (above < 0 || (above == 0 && y[last] < (p[last] & 0xfe)));
}

/* out = n / 2; they may be the same. */
static void halve(const uint8_t *n, size_t len, uint8_t *out)
{
    uint8_t carry = 0;
    for (size_t i = 0; i < len; i++) {
        const uint8_t low = n[i] & 1;
        out[i] = (uint8_t)(n[i] >> 1 | carry << 7);
        carry = low;
    }
}

static bool is_small(const uint8_t *n, size_t len, uint8_t value) { return ike_is_zero(n, len - 1) && n[len - 1] == value; }

/* n is odd, so n - 1 differs from it in the lowest bit alone. */
static bool is_minus_one(const uint8_t *x, const uint8_t *n, size_t len)
{
    return memcmp(x, n, len - 1) == 0 && x[len - 1] == (n[len - 1] & 0xfe);
}

/* Nearly all that is no safe prime is found here for next to nothing: neither p nor (p - 1) / 2 has a small factor. */
static bool passes_sieve(const uint8_t *p, size_t len)
{
    static const uint8_t odd[] = {3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97};
    for (size_t k = 0; k < sizeof odd; k++) {
        unsigned rest = 0;
        for (size_t i = 0; i < len; i++) {
            rest = (rest << 8 | p[i]) % odd[k];
        }
        if (rest < 2) {
            return false;
        }
    }
    return true;
}

/* Room for what the checks compute with. */
struct work {
    uint8_t q[IKE_GROUP_PRIME_MAX], d[IKE_GROUP_PRIME_MAX], base[IKE_GROUP_PRIME_MAX], x[IKE_GROUP_PRIME_MAX];
};

static int power(const struct ike_private_group *g, const uint8_t *base, ike_bytes exp, const uint8_t *modulus, uint8_t *out)
{
    return g->crypto->power(g->mem, ike_bytes_of(base, g->len), exp, ike_bytes_of(modulus, g->len), out);
}

/* One round of Miller and Rabin: with q - 1 = 2^s d is base^d 1 modulo q, or -1 after less than s squarings? */
static int round_of(const struct ike_private_group *g, struct work *w, unsigned s)
{
    static const uint8_t two = 2;
    int r = power(g, w->base, ike_bytes_of(w->d, g->len), w->q, w->x);
    if (r == IKE_OK && is_small(w->x, g->len, 1)) {
        return IKE_OK;
    }
    for (; r == IKE_OK && s > 0; s--) {
        if (is_minus_one(w->x, w->q, g->len)) {
            return IKE_OK;
        }
        memcpy(w->base, w->x, g->len);
        r = power(g, w->base, ike_bytes_of(&two, 1), w->q, w->x);
    }
    return r == IKE_OK ? IKE_ERR_INVALID : r;
}

/* Any from 2 to q - 1, each as likely as the others: that a quarter at most lets a composite pass is so of all of them only. */
static int draw_base(const struct ike_private_group *g, const ike_random *rng, struct work *w)
{
    size_t top = 0;
    uint8_t mask = 0xff;
    while (w->q[top] == 0) {
        top++;
    }
    while (mask >> 1 >= w->q[top]) {
        mask >>= 1;
    }
    memset(w->base, 0, top);
    for (unsigned tries = 0; tries < DRAWS_MAX; tries++) {
        const int r = rng->fill(rng->user, w->base + top, g->len - top);
        w->base[top] &= mask;
        if (r != IKE_OK ||
            (memcmp(w->base, w->q, g->len) < 0 && !(ike_is_zero(w->base, g->len - 1) && w->base[g->len - 1] < 2))) {
            return r;
        }
    }
    return IKE_ERR_HOST;
}

/* Whether q is prime. */
static int check_order(const struct ike_private_group *g, const ike_random *rng, struct work *w)
{
    unsigned s = 1;
    halve(w->q, g->len, w->d);
    while (!(w->d[g->len - 1] & 1) && s < SQUARINGS_MAX) {
        halve(w->d, g->len, w->d);
        s++;
    }
    if (!(w->d[g->len - 1] & 1)) {
        return IKE_ERR_INVALID;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        int r = draw_base(g, rng, w);
        r = r == IKE_OK ? round_of(g, w, s) : r;
        if (r != IKE_OK) {
            return r;
        }
    }
    return IKE_OK;
}

/* With q prime and above the root of p, 2^(2q) = 1 modulo p, and 3 = 2^2 - 1 no factor of p, p is prime (Pocklington). Then there
 * are no orders but 1, 2, q and 2q, and any generator that is neither 1 nor -1 will do. */
static int check_group(const struct ike_private_group *g, const ike_random *rng, struct work *w)
{
    const uint8_t *p = ike_private_group_prime(g).ptr;
    if ((p[g->len - 1] & 3) != 3 || !passes_sieve(p, g->len) || !within(g, ike_private_group_generator(g).ptr)) {
        return IKE_ERR_INVALID;
    }
    halve(p, g->len, w->q);
    memset(w->base, 0, g->len);
    w->base[g->len - 1] = 2;
    int r = power(g, w->base, ike_bytes_of(w->q, g->len), p, w->x);
    if (r == IKE_OK && !is_small(w->x, g->len, 1) && !is_minus_one(w->x, p, g->len)) {
        r = IKE_ERR_INVALID;
    }
    return r == IKE_OK ? check_order(g, rng, w) : r;
}

/* ---- The group as a key exchange ------------------------------------------------------------------------------------------ */

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    const struct ike_private_group *g = state;
    (void)rng;
    if (ike_is_zero(priv, IKE_GROUP_EXP)) {
        return IKE_ERR_CRYPTO;
    }
    return power(g, ike_private_group_generator(g).ptr, ike_bytes_of(priv, IKE_GROUP_EXP), ike_private_group_prime(g).ptr, pub);
}

static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    int r = rng->fill(rng->user, priv, IKE_GROUP_EXP);
    r = r == IKE_OK ? derive_public(state, rng, priv, pub) : r;
    if (r != IKE_OK) {
        ike_wipe(priv, IKE_GROUP_EXP);
    }
    return r;
}

static int check(void *state, const uint8_t *pub) { return within(state, pub) ? IKE_OK : IKE_ERR_CRYPTO; }

static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    const struct ike_private_group *g = state;
    (void)rng;
    const int r = check(state, pub);
    return r == IKE_OK ? power(g, pub, ike_bytes_of(priv, IKE_GROUP_EXP), ike_private_group_prime(g).ptr, shared) : r;
}

static size_t size_of(size_t len) { return sizeof(struct ike_private_group) + 2 * len; }

void ike_private_group_free(struct ike_private_group *g)
{
    if (g) {
        g->mem->release(g->mem->user, g, size_of(g->len));
    }
}

int ike_private_group_new(struct ike_private_group **out, const ike_crypto *crypto, const ike_allocator *mem,
                          const ike_random *rng, uint16_t id, ike_bytes prime, ike_bytes generator)
{
    const ike_bytes p = stripped(prime), b = stripped(generator);
    *out = NULL;
    if (!crypto->power) {
        return IKE_ERR_UNSUPPORTED;
    }
    if (id < IKE_KE_PRIVATE || p.len < IKE_GROUP_PRIME_MIN || p.len > IKE_GROUP_PRIME_MAX ||
        (p.len == IKE_GROUP_PRIME_MIN && p.ptr[0] < 0x80) || b.len > p.len) {
        return IKE_ERR_INVALID;
    }
    struct ike_private_group *g = mem->alloc(mem->user, size_of(p.len));
    struct work *w = mem->alloc(mem->user, sizeof *w);
    int r = g && w ? IKE_OK : IKE_ERR_NOMEM;
    if (g) {
        memset(g, 0, size_of(p.len));
        g->crypto = crypto;
        g->mem = mem;
        g->len = p.len;
        memcpy(g->octets, p.ptr, p.len);
        memcpy(g->octets + 2 * p.len - b.len, b.ptr, b.len);
        const uint16_t len = (uint16_t)p.len;
        g->ke = (ike_ke){.id = id,
                         .name = "private MODP",
                         .public_len_i = len,
                         .public_len_r = len,
                         .shared_len = len,
                         .private_len = IKE_GROUP_EXP,
                         .initiate = initiate,
                         .check = check,
                         .finish = finish,
                         .derive_public = derive_public};
    }
    r = r == IKE_OK ? check_group(g, rng, w) : r;
    if (w) {
        mem->release(mem->user, w, sizeof *w);
    }
    if (r != IKE_OK) {
        ike_private_group_free(g);
        return r;
    }
    *out = g;
    return IKE_OK;
}

bool ike_private_group_is(const struct ike_private_group *g, uint16_t id, ike_bytes prime, ike_bytes generator)
{
    const ike_bytes p = stripped(prime), b = stripped(generator), own = stripped(ike_private_group_generator(g));
    return id == g->ke.id && p.len == g->len && memcmp(p.ptr, ike_private_group_prime(g).ptr, p.len) == 0 && b.len == own.len &&
           memcmp(b.ptr, own.ptr, b.len) == 0;
}
