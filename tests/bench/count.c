/* SPDX-License-Identifier: ISC
 *
 * Descriptors around the library's own that write down what they are asked for. They serve one suite at a time, so what they
 * stand before is in variables of this file; a MAC and a hash keep their running length in front of the real context.
 */
#include "bench.h"

#define FRONT 16 /* keeps the real context aligned */

static struct bench_list *list;
static const ike_encr *real_encr;
static const ike_mac *real_prf, *real_integ;
static const ike_ke *real_ke;
static const ike_hash *real_hash;
static const ike_sign *real_sign;

void bench_count_to(struct bench_list *l) { list = l; }

static void note(enum bench_kind kind, size_t octets)
{
    if (list) {
        bench_add(list, kind, octets, NULL);
    }
}

static size_t *fed(void *ctx) { return ctx; }
static void *inner(void *ctx) { return (uint8_t *)ctx + FRONT; }

/* ---- MACs and the hash ------------------------------------------------------------------------------------------------ */

#define COUNTED_MAC(NAME, KEY, DATA)                                                                                             \
    static int NAME##_init(void *ctx, const uint8_t *key, size_t n)                                                              \
    {                                                                                                                            \
        note(KEY, n);                                                                                                            \
        *fed(ctx) = 0;                                                                                                           \
        return real_##NAME->init(inner(ctx), key, n);                                                                            \
    }                                                                                                                            \
    static void NAME##_update(void *ctx, const void *data, size_t n)                                                             \
    {                                                                                                                            \
        *fed(ctx) += n;                                                                                                          \
        real_##NAME->update(inner(ctx), data, n);                                                                                \
    }                                                                                                                            \
    static void NAME##_final(void *ctx, uint8_t *out)                                                                            \
    {                                                                                                                            \
        note(DATA, *fed(ctx));                                                                                                   \
        *fed(ctx) = 0;                                                                                                           \
        real_##NAME->final(inner(ctx), out);                                                                                     \
    }
COUNTED_MAC(prf, BENCH_PRF_KEY, BENCH_PRF)
COUNTED_MAC(integ, BENCH_INTEG_KEY, BENCH_INTEG)

static void hash_init(void *ctx)
{
    *fed(ctx) = 0;
    real_hash->init(inner(ctx));
}

static void hash_update(void *ctx, const void *data, size_t n)
{
    *fed(ctx) += n;
    real_hash->update(inner(ctx), data, n);
}

static void hash_final(void *ctx, uint8_t *out)
{
    note(BENCH_HASH, *fed(ctx));
    real_hash->final(inner(ctx), out);
}

/* ---- Cipher and key exchange ------------------------------------------------------------------------------------------ */

static int encr_init(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    note(encrypt ? BENCH_SEAL_KEY : BENCH_OPEN_KEY, n);
    return real_encr->init(ctx, key, n, encrypt);
}

static int encr_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    note(BENCH_SEAL, n);
    return real_encr->seal(ctx, iv, aad, aad_len, data, n, icv);
}

static int encr_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,
                     const uint8_t *icv)
{
    note(BENCH_OPEN, n);
    return real_encr->open(ctx, iv, aad, aad_len, data, n, icv);
}

static int ke_initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    note(BENCH_KEYGEN, 0);
    return real_ke->initiate(state, rng, priv, pub);
}

static int ke_finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    note(BENCH_AGREE, 0);
    return real_ke->finish(state, rng, priv, pub, shared);
}

/* What a signature draws is its own affair, and not written down. */
static int sign(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len)
{
    const ike_random own = {bench_random, rng->user};
    note(BENCH_SIGN, data.len);
    return real_sign->sign(key, &own, data, sig, len);
}

static int verify(void *key, ike_bytes data, ike_bytes sig)
{
    note(BENCH_VERIFY, data.len);
    return real_sign->verify(key, data, sig);
}

/* The draws go through the host's hook, which is pair.c's; it reports here. */
int bench_random_counted(void *user, uint8_t *out, size_t n)
{
    note(BENCH_RANDOM, n);
    return bench_random(user, out, n);
}

static const ike_sign *find_sign(const ike_crypto *c, uint16_t kind)
{
    const ike_sign *const *s = c->sign;
    while (s && *s && (*s)->id != kind) {
        s++;
    }
    return s ? *s : NULL;
}

const ike_crypto *bench_counting(const struct bench_suite *s, const ike_crypto *c)
{
    static const struct {
        uint16_t prf, integ, hash;
    } ids[BENCH_MACS] = {{5, 12, 2}, {2, 2, 1}, {1, 1, IKE_HASH_MD5}};
    static ike_encr encr;
    static ike_mac prf_mac, integ_mac;
    static ike_prf prf;
    static ike_integ integ;
    static ike_ke ke;
    static ike_hash hash;
    static ike_sign signature;
    static const ike_encr *const encrs[] = {&encr, NULL};
    static const ike_prf *const prfs[] = {&prf, NULL};
    static const ike_integ *const integs[] = {&integ, NULL};
    static const ike_ke *const kes[] = {&ke, NULL};
    static const ike_hash *const hashes[] = {&hash, NULL};
    static const ike_sign *const signatures[] = {&signature, NULL};
    static const ike_crypto counting = {"counting", encrs, prfs, integs, kes, hashes, signatures, NULL};
    const ike_prf *p = ike_find_prf(c, ids[s->mac].prf);
    const ike_integ *i = ike_find_integ(c, ids[s->mac].integ);
    real_encr = ike_find_encr(c, s->encr);
    real_ke = ike_find_ke(c, s->group);
    real_hash = ike_find_hash(c, s->v1 ? ids[s->mac].hash : 1); /* IKEv2 has it for NAT detection alone: SHA-1 */
    real_sign = find_sign(c, s->sig == BENCH_P256 ? IKE_KEY_ECDSA : IKE_KEY_RSA);
    if (!p || !i || !real_encr || !real_ke || !real_hash || !real_sign) {
        return NULL;
    }
    real_prf = p->mac;
    real_integ = i->mac;
    prf_mac = (ike_mac){real_prf->len, real_prf->name, FRONT + real_prf->ctx_size, prf_init, prf_update, prf_final};
    integ_mac = (ike_mac){real_integ->len, real_integ->name, FRONT + real_integ->ctx_size, integ_init, integ_update, integ_final};
    prf = (ike_prf){p->id, p->key_len, &prf_mac};
    integ = (ike_integ){i->id, i->key_len, i->icv_len, &integ_mac};
    hash = (ike_hash){real_hash->id, real_hash->len, real_hash->name, FRONT + real_hash->ctx_size,
                      hash_init,     hash_update,    hash_final};
    encr = *real_encr;
    encr.init = encr_init;
    encr.seal = encr_seal;
    encr.open = encr_open;
    ke = *real_ke;
    ke.initiate = ke_initiate;
    ke.finish = ke_finish;
    signature = *real_sign;
    signature.sign = sign;
    signature.verify = verify;
    return &counting;
}
