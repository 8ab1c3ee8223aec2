/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: MODP Diffie-Hellman on its integers, for builds without GMP. mbedTLS selects table entries in constant time, but
 * its window slides over zero bits of the exponent, and it allocates through mbedtls_calloc. Private values are used for one
 * exchange only, which leaves little to measure; where that is not enough, use GMP.
 */
#include "base/bytes.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/modp_groups.h"

#include <mbedtls/bignum.h>

struct state {
    const struct ike_modp *group;
    mbedtls_mpi prime, rr; /* rr: what exp_mod remembers of the prime */
};

static void close(void *state, const ike_allocator *mem)
{
    struct state *s = state;
    if (s) {
        mbedtls_mpi_free(&s->prime);
        mbedtls_mpi_free(&s->rr);
        mem->release(mem->user, s, sizeof(*s));
    }
}

/* rr is computed at the first power and kept: it depends on the prime alone. */
static void *open(const ike_allocator *mem, const struct ike_modp *group)
{
    uint8_t octets[IKE_MODP_MAX];
    struct state *s = mem->alloc(mem->user, sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->group = group;
    mbedtls_mpi_init(&s->prime);
    mbedtls_mpi_init(&s->rr);
    ike_modp_prime(group, octets);
    if (mbedtls_mpi_read_binary(&s->prime, octets, group->len) != 0) {
        close(s, mem);
        return NULL;
    }
    return s;
}

/* out = base ^ priv modulo p. write_binary pads with zeros to the group's length, as KE payloads and g^ir want it (RFC 7296
 * sections 2.14 and 3.4). */
static int power(struct state *s, const mbedtls_mpi *base, const uint8_t *priv, uint8_t *out)
{
    mbedtls_mpi e, r;
    mbedtls_mpi_init(&e);
    mbedtls_mpi_init(&r);
    int bad = mbedtls_mpi_read_binary(&e, priv, s->group->exp_len) != 0 ||
              mbedtls_mpi_exp_mod(&r, base, &e, &s->prime, &s->rr) != 0 || mbedtls_mpi_write_binary(&r, out, s->group->len) != 0;
    mbedtls_mpi_free(&e); /* these wipe */
    mbedtls_mpi_free(&r);
    return bad ? IKE_ERR_CRYPTO : IKE_OK;
}

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    struct state *s = state;
    (void)rng;
    /* An exponent of 0 gives 1, which the other side refuses. */
    if (ike_is_zero(priv, s->group->exp_len)) {
        return IKE_ERR_CRYPTO;
    }
    mbedtls_mpi two;
    mbedtls_mpi_init(&two);
    int err = mbedtls_mpi_lset(&two, 2) != 0 ? IKE_ERR_NOMEM : power(s, &two, priv, pub);
    mbedtls_mpi_free(&two);
    return err;
}

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

/* Refused before the costly part. */
static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    struct state *s = state;
    (void)rng;
    int err = check(s, pub);
    if (err != IKE_OK) {
        return err;
    }
    mbedtls_mpi y;
    mbedtls_mpi_init(&y);
    err = mbedtls_mpi_read_binary(&y, pub, s->group->len) != 0 ? IKE_ERR_NOMEM : power(s, &y, priv, shared);
    mbedtls_mpi_free(&y);
    return err;
}

#define MODP(BITS, EXP_BITS)                                                                                                  \
    static void *open##BITS(const ike_allocator *mem) { return open(mem, &ike_modp##BITS); }                                  \
    const ike_ke ike_mbedtls_modp##BITS = {.id = KE_MODP_##BITS,                                                              \
                                           .name = "MODP-" #BITS,                                                             \
                                           .public_len_i = BITS / 8,                                                          \
                                           .public_len_r = BITS / 8,                                                          \
                                           .shared_len = BITS / 8,                                                            \
                                           .private_len = EXP_BITS / 8,                                                       \
                                           .open = open##BITS,                                                                \
                                           .close = close,                                                                    \
                                           .initiate = initiate,                                                              \
                                           .check = check,                                                                    \
                                           .finish = finish,                                                                  \
                                           .derive_public = derive_public}

MODP(768, 160);
MODP(1024, 160);
MODP(1536, 192);
MODP(2048, 256);
MODP(3072, 320);
MODP(4096, 352);
MODP(6144, 512);
MODP(8192, 512);
