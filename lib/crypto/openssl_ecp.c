/* SPDX-License-Identifier: ISC
 *
 * OpenSSL: the NIST curves (RFC 5903; groups 25 and 26 of RFC 5114) and the Brainpool curves (RFC 6954). Public data is x|y, the
 * secret is x. It allocates on OpenSSL's heap, and blinds with OpenSSL's own random numbers.
 */
#include "base/bytes.h"
#include "crypto/openssl.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

enum { FIELD_MAX = 66, DRAWS = 64 };

struct state {
    EC_GROUP *group;
    size_t len;  /* octets of a coordinate and of a private value */
    uint8_t top; /* mask for the first octet of a random private value */
};

static void *open(const ike_allocator *mem, int curve, size_t bits)
{
    struct state *s = mem->alloc(mem->user, sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->len = (bits + 7) / 8;
    s->top = (uint8_t)(0xff >> (s->len * 8 - bits));
    ike_openssl_begin();
    s->group = EC_GROUP_new_by_curve_name(curve);
    ike_openssl_end();
    if (!s->group) {
        mem->release(mem->user, s, sizeof(*s));
        return NULL;
    }
    return s;
}

static void close(void *state, const ike_allocator *mem)
{
    struct state *s = state;
    if (s) {
        EC_GROUP_free(s->group);
        mem->release(mem->user, s, sizeof(*s));
    }
}

/* What one operation needs; zero is nothing. */
struct work {
    BN_CTX *ctx;
    BIGNUM *d, *x, *y;
    EC_POINT *in, *out;
};

static bool grab(const struct state *s, struct work *w)
{
    ike_openssl_begin();
    w->ctx = BN_CTX_secure_new();
    w->d = BN_secure_new();
    w->x = BN_secure_new();
    w->y = BN_secure_new();
    w->in = EC_POINT_new(s->group);
    w->out = EC_POINT_new(s->group);
    return w->ctx && w->d && w->x && w->y && w->in && w->out;
}

static void give_back(struct work *w)
{
    EC_POINT_clear_free(w->out);
    EC_POINT_clear_free(w->in);
    BN_clear_free(w->y);
    BN_clear_free(w->x);
    BN_clear_free(w->d);
    BN_CTX_free(w->ctx);
    ike_openssl_end();
}

/* 0 < d < order. */
static bool load_private(const struct state *s, struct work *w, const uint8_t *priv)
{
    BN_set_flags(w->d, BN_FLG_CONSTTIME);
    return BN_bin2bn(priv, (int)s->len, w->d) && !BN_is_zero(w->d) && BN_cmp(w->d, EC_GROUP_get0_order(s->group)) < 0;
}

/* OpenSSL refuses what is not on the curve, which would give a secret in a small group (RFC 6989 section 2.3), but reduces
 * coordinates above the field's prime, which are not what the RFCs send. */
static bool load_public(const struct state *s, struct work *w, const uint8_t *pub)
{
    uint8_t again[2 * FIELD_MAX];
    const int n = (int)s->len;
    return BN_bin2bn(pub, n, w->x) && BN_bin2bn(pub + n, n, w->y) &&
           EC_POINT_set_affine_coordinates(s->group, w->in, w->x, w->y, w->ctx) &&
           EC_POINT_get_affine_coordinates(s->group, w->in, w->x, w->y, w->ctx) && BN_bn2binpad(w->x, again, n) == n &&
           BN_bn2binpad(w->y, again + n, n) == n && memcmp(again, pub, 2 * s->len) == 0;
}

/* The point in w->out, x and, if there is room for it, y. */
static bool store(const struct state *s, struct work *w, uint8_t *out, bool both)
{
    const int n = (int)s->len;
    return EC_POINT_get_affine_coordinates(s->group, w->out, w->x, w->y, w->ctx) && BN_bn2binpad(w->x, out, n) == n &&
           (!both || BN_bn2binpad(w->y, out + n, n) == n);
}

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    const struct state *s = state;
    struct work w = {0};
    (void)rng;
    const bool ok = grab(s, &w) && load_private(s, &w, priv) && EC_POINT_mul(s->group, w.out, w.d, NULL, NULL, w.ctx) &&
                    store(s, &w, pub, true);
    give_back(&w);
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Random octets below the group's order, by rejection: a draw misses every second time at most, but for Brainpool's orders,
 * the smallest of which lies at two thirds. */
static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    const struct state *s = state;
    int err = IKE_ERR_CRYPTO;
    for (size_t i = 0; i < DRAWS && err == IKE_ERR_CRYPTO; i++) {
        err = rng->fill(rng->user, priv, s->len);
        priv[0] &= s->top; /* P-521 has one bit in its top octet: without the mask nearly every draw would miss */
        if (err == IKE_OK) {
            err = derive_public(state, rng, priv, pub);
        }
    }
    if (err != IKE_OK) {
        ike_wipe(priv, s->len);
    }
    return err;
}

static int check(void *state, const uint8_t *pub)
{
    const struct state *s = state;
    struct work w = {0};
    const bool ok = grab(s, &w) && load_public(s, &w, pub);
    give_back(&w);
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Checked again here: check() may have been run on another message's value or not at all. */
static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    const struct state *s = state;
    struct work w = {0};
    (void)rng;
    const bool ok = grab(s, &w) && load_private(s, &w, priv) && load_public(s, &w, pub) &&
                    EC_POINT_mul(s->group, w.out, NULL, w.in, w.d, w.ctx) && store(s, &w, shared, false);
    give_back(&w);
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

#define ECP(SYMBOL, ID, NAME, CURVE, BITS)                                                                                       \
    static void *open_##SYMBOL(const ike_allocator *mem) { return open(mem, CURVE, BITS); }                                      \
    const ike_ke ike_openssl_##SYMBOL = {.id = ID,                                                                               \
                                         .name = NAME,                                                                           \
                                         .public_len_i = 2 * ((BITS + 7) / 8),                                                   \
                                         .public_len_r = 2 * ((BITS + 7) / 8),                                                   \
                                         .shared_len = (BITS + 7) / 8,                                                           \
                                         .private_len = (BITS + 7) / 8,                                                          \
                                         .open = open_##SYMBOL,                                                                  \
                                         .close = close,                                                                         \
                                         .initiate = initiate,                                                                   \
                                         .check = check,                                                                         \
                                         .finish = finish,                                                                       \
                                         .derive_public = derive_public}

ECP(ecp192, KE_ECP_192, "ECP-192", NID_X9_62_prime192v1, 192);
ECP(ecp224, KE_ECP_224, "ECP-224", NID_secp224r1, 224);
ECP(ecp256, KE_ECP_256, "ECP-256", NID_X9_62_prime256v1, 256);
ECP(ecp384, KE_ECP_384, "ECP-384", NID_secp384r1, 384);
ECP(ecp521, KE_ECP_521, "ECP-521", NID_secp521r1, 521);
ECP(ecp224bp, KE_ECP_224_BP, "ECP-224-BP", NID_brainpoolP224r1, 224);
ECP(ecp256bp, KE_ECP_256_BP, "ECP-256-BP", NID_brainpoolP256r1, 256);
ECP(ecp384bp, KE_ECP_384_BP, "ECP-384-BP", NID_brainpoolP384r1, 384);
ECP(ecp512bp, KE_ECP_512_BP, "ECP-512-BP", NID_brainpoolP512r1, 512);
