/* SPDX-License-Identifier: ISC
 *
 * Cryptography that protects nothing and costs nothing: a fuzzer is to spend its time in the engine, and to see through.
 */
#include "fuzz.h"

#include <string.h>

/* ---- Sums: FNV-1a, stretched to any length ----------------------------------------------------------------------------- */

struct sum {
    uint64_t keyed, now;
};

static uint64_t add(uint64_t h, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

static void stretch(uint64_t h, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(h >> 56);
    }
}

static int mac_init(void *ctx, const uint8_t *key, size_t n)
{
    struct sum *s = ctx;
    s->keyed = s->now = add(UINT64_C(0xcbf29ce484222325), key, n);
    return IKE_OK;
}

static void update(void *ctx, const void *data, size_t n)
{
    struct sum *s = ctx;
    s->now = add(s->now, data, n);
}

static void final(struct sum *s, uint8_t *out, size_t n)
{
    stretch(s->now, out, n);
    s->now = s->keyed;
}

static void hash_init(void *ctx) { (void)mac_init(ctx, NULL, 0); }

#define SUM(LEN)                                                                                                                 \
    static void final_##LEN(void *ctx, uint8_t *out) { final(ctx, out, LEN); }                                                   \
    static const ike_mac mac_##LEN = {LEN, "sum" #LEN, sizeof(struct sum), mac_init, update, final_##LEN};                       \
    static const ike_prf prf_##LEN = {LEN == 32 ? 5 : LEN == 64 ? 7 : 2, LEN, &mac_##LEN};                                       \
    static const ike_integ integ_##LEN = {LEN == 32 ? 12 : LEN == 64 ? 14 : 2, LEN, LEN == 20 ? 12 : LEN / 2, &mac_##LEN};       \
    static const ike_hash hash_##LEN = {                                                                                         \
        LEN == 32 ? 2 : LEN == 64 ? 4 : 1, LEN, "sum" #LEN, sizeof(struct sum), hash_init, update, final_##LEN};
SUM(20)
SUM(32)
SUM(64)

/* ---- Ciphers: the text stays, the tag is a sum of everything ------------------------------------------------------------- */

static int key_init(void *ctx, const uint8_t *key, size_t n, bool encrypt) { return (void)encrypt, mac_init(ctx, key, n); }

static int cbc(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    (void)ctx, (void)iv, (void)aad, (void)aad_len, (void)data, (void)icv;
    return n % 16 ? IKE_ERR_INVALID : IKE_OK;
}

static int cbc_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv)
{
    (void)icv;
    return cbc(ctx, iv, aad, aad_len, data, n, NULL);
}

static int aead_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    const struct sum *s = ctx;
    stretch(add(add(add(s->keyed, iv, 8), aad, aad_len), data, n), icv, 16);
    return IKE_OK;
}

static int aead_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,
                     const uint8_t *icv)
{
    uint8_t tag[16];
    (void)aead_seal(ctx, iv, aad, aad_len, data, n, tag);
    return memcmp(tag, icv, sizeof tag) == 0 ? IKE_OK : IKE_ERR_CRYPTO;
}

static void clear(void *ctx) { memset(ctx, 0, sizeof(struct sum)); }

static const ike_encr gcm = {.id = 20,
                             .name = "open-gcm",
                             .key_bits = {128, 192, 256},
                             .aead = true,
                             .salt_len = 4,
                             .iv_len = 8,
                             .icv_len = 16,
                             .block = 1,
                             .ctx_size = sizeof(struct sum),
                             .init = key_init,
                             .seal = aead_seal,
                             .open = aead_open,
                             .clear = clear};
static const ike_encr chacha = {.id = 28,
                                .name = "open-chacha",
                                .key_bits = {256},
                                .fixed_key = true,
                                .aead = true,
                                .salt_len = 4,
                                .iv_len = 8,
                                .icv_len = 16,
                                .block = 1,
                                .ctx_size = sizeof(struct sum),
                                .init = key_init,
                                .seal = aead_seal,
                                .open = aead_open,
                                .clear = clear};
static const ike_encr aes_cbc = {.id = 12,
                                 .name = "open-cbc",
                                 .key_bits = {128, 192, 256},
                                 .iv_len = 16,
                                 .block = 16,
                                 .ctx_size = sizeof(struct sum),
                                 .init = key_init,
                                 .seal = cbc,
                                 .open = cbc_open,
                                 .clear = clear};

/* ---- Key exchange: public is private, shared is the XOR ------------------------------------------------------------------ */

static int initiate(const ike_random *rng, uint8_t *priv, uint8_t *pub, size_t n)
{
    int r = rng->fill(rng->user, priv, n);
    memcpy(pub, priv, n);
    return r;
}

/* A peer's own value back gives no secret, as points of small order do. */
static int finish(const uint8_t *priv, const uint8_t *pub, uint8_t *shared, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        shared[i] = priv[i] ^ pub[i];
    }
    return memcmp(priv, pub, n) == 0 ? IKE_ERR_CRYPTO : IKE_OK;
}

static int check(void *state, const uint8_t *pub) { return (void)state, pub[0] == 0xff ? IKE_ERR_CRYPTO : IKE_OK; }

#define KE(ID, LEN)                                                                                                              \
    static int initiate_##ID(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)                                    \
    {                                                                                                                            \
        return (void)state, initiate(rng, priv, pub, LEN);                                                                       \
    }                                                                                                                            \
    static int finish_##ID(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)         \
    {                                                                                                                            \
        return (void)state, (void)rng, finish(priv, pub, shared, LEN);                                                           \
    }                                                                                                                            \
    static const ike_ke ke_##ID = {.id = ID,                                                                                     \
                                   .name = "open-" #ID,                                                                          \
                                   .public_len_i = LEN,                                                                          \
                                   .public_len_r = LEN,                                                                          \
                                   .shared_len = LEN,                                                                            \
                                   .private_len = LEN,                                                                           \
                                   .initiate = initiate_##ID,                                                                    \
                                   .check = check,                                                                               \
                                   .finish = finish_##ID};
KE(31, 32)
KE(19, 64)
KE(14, 256)

/* Sums: of a peer's value and an exponent they are what its own would give. Exponents as long as the modulus are those of checks,
 * which every group passes whose numbers have no small factors. */
static int sum(const ike_allocator *mem, ike_bytes base, ike_bytes exp, ike_bytes modulus, uint8_t *out)
{
    unsigned carry = 0;
    (void)mem;
    memset(out, 0, modulus.len);
    out[modulus.len - 1] = 1;
    for (size_t i = modulus.len; exp.len != modulus.len && i-- > 0;) {
        const size_t from_end = modulus.len - i;
        carry += base.ptr[i] + (from_end <= exp.len ? exp.ptr[exp.len - from_end] : 0u);
        out[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return IKE_OK;
}

const ike_crypto *fuzz_crypto(void)
{
    static const ike_encr *const encr[] = {&gcm, &chacha, &aes_cbc, NULL};
    static const ike_prf *const prf[] = {&prf_32, &prf_64, &prf_20, NULL};
    static const ike_integ *const integ[] = {&integ_32, &integ_64, &integ_20, NULL};
    static const ike_ke *const ke[] = {&ke_31, &ke_19, &ke_14, NULL};
    static const ike_hash *const hash[] = {&hash_32, &hash_64, &hash_20, NULL};
    static const ike_sign *const sign[] = {NULL};
    static const ike_crypto all = {"open", encr, prf, integ, ke, hash, sign, sum};
    return &all;
}
