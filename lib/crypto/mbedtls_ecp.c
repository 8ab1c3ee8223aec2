/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: the NIST and Brainpool curves (RFC 5903, RFC 5114, RFC 6954) and X25519 (RFC 8031). The group stays in the state,
 * with the table mbedTLS makes of its base point; it allocates through mbedtls_calloc. The random source blinds the
 * coordinates.
 */
#include "base/bytes.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/mbedtls_random.h"
#include "crypto/slots.h"

#include <mbedtls/ecp.h>

enum { FIELD_MAX = 66, POINT_MAX = 1 + 2 * FIELD_MAX, DRAWS = 64 };

struct state {
    mbedtls_ecp_group group;
    size_t len;      /* octets of a coordinate and of a private value */
    uint8_t top;     /* mask for the first octet of a random private value */
    bool montgomery; /* little-endian, public data is the x coordinate alone */
};

/* One group per engine, so engines share nothing. On failure nothing is left to free but the block: group_load frees what it
 * began. */
static void *open(const ike_allocator *mem, mbedtls_ecp_group_id id, size_t bits)
{
    struct state *s = mem->alloc(mem->user, sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->len = (bits + 7) / 8;
    s->top = (uint8_t)(0xff >> (s->len * 8 - bits));
    s->montgomery = id == MBEDTLS_ECP_DP_CURVE25519;
    mbedtls_ecp_group_init(&s->group);
    if (mbedtls_ecp_group_load(&s->group, id) != 0) {
        mem->release(mem->user, s, sizeof(*s));
        return NULL;
    }
    return s;
}

static void close(void *state, const ike_allocator *mem)
{
    struct state *s = state;
    if (s) {
        mbedtls_ecp_group_free(&s->group);
        mem->release(mem->user, s, sizeof(*s));
    }
}

/* priv to an integer; false if it is not a private value of this group. mbedTLS reads big-endian only, X25519 values are
 * little-endian: turned on the way in. */
static bool load_private(const struct state *s, mbedtls_mpi *d, const uint8_t *priv)
{
    uint8_t octets[FIELD_MAX];
    for (size_t i = 0; i < s->len; i++) {
        octets[i] = priv[s->montgomery ? s->len - 1 - i : i];
    }
    if (s->montgomery) { /* RFC 7748 section 5 */
        octets[31] &= 0xf8;
        octets[0] = (uint8_t)((octets[0] & 0x7f) | 0x40);
    }
    bool ok = mbedtls_mpi_read_binary(d, octets, s->len) == 0 && mbedtls_ecp_check_privkey(&s->group, d) == 0;
    ike_wipe(octets, s->len);
    return ok;
}

/* Public data to a point that is on the curve. A point that is not on the curve would give a secret in a small group, which
 * leaks the private value bit by bit (RFC 6989 section 2.3). */
static bool load_public(const struct state *s, mbedtls_ecp_point *p, const uint8_t *pub)
{
    uint8_t octets[POINT_MAX];
    size_t n = s->len;
    if (s->montgomery) {
        memcpy(octets, pub, n);
    } else {
        octets[0] = 4; /* SEC 1: uncompressed */
        memcpy(octets + 1, pub, 2 * n);
        n = 1 + 2 * n;
    }
    return mbedtls_ecp_point_read_binary(&s->group, p, octets, n) == 0 && mbedtls_ecp_check_pubkey(&s->group, p) == 0;
}

/* out = the first n octets of priv * base, as public data. `lent` because mbedTLS wants the random source by a pointer that
 * is not const. On failure `out` is not written. */
static int multiply(struct state *s, const ike_random *rng, const uint8_t *priv, const mbedtls_ecp_point *base, uint8_t *out,
                    size_t n)
{
    uint8_t octets[POINT_MAX];
    size_t used = 0;
    mbedtls_mpi d;
    mbedtls_ecp_point r;
    ike_random lent = *rng;
    mbedtls_mpi_init(&d);
    mbedtls_ecp_point_init(&r);
    int err = IKE_ERR_CRYPTO;
    if (load_private(s, &d, priv) && mbedtls_ecp_mul(&s->group, &r, &d, base, ike_mbedtls_random, &lent) == 0 &&
        mbedtls_ecp_point_write_binary(&s->group, &r, MBEDTLS_ECP_PF_UNCOMPRESSED, &used, octets, sizeof(octets)) == 0) {
        memcpy(out, octets + (s->montgomery ? 0 : 1), n);
        err = IKE_OK;
    }
    mbedtls_mpi_free(&d); /* these wipe */
    mbedtls_ecp_point_free(&r);
    ike_wipe(octets, sizeof(octets));
    return err;
}

static int derive_public(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub)
{
    struct state *s = state;
    return multiply(s, rng, priv, &s->group.G, pub, s->montgomery ? s->len : 2 * s->len);
}

/* Random octets below the group's order, by rejection: the chance of a miss is below one half for every group. */
static int draw(const struct state *s, const ike_random *rng, uint8_t *priv)
{
    mbedtls_mpi d;
    mbedtls_mpi_init(&d);
    int err = IKE_ERR_CRYPTO;
    for (size_t i = 0; i < DRAWS && err == IKE_ERR_CRYPTO; i++) {
        err = rng->fill(rng->user, priv, s->len);
        /* P-521 has one bit in its top octet: without the mask nearly every draw would miss. */
        priv[0] &= s->montgomery ? 0xff : s->top;
        if (err == IKE_OK && !load_private(s, &d, priv)) {
            err = IKE_ERR_CRYPTO;
        }
    }
    mbedtls_mpi_free(&d);
    return err;
}

static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    struct state *s = state;
    int err = draw(s, rng, priv);
    if (err == IKE_OK) {
        err = derive_public(s, rng, priv, pub);
    }
    if (err != IKE_OK) {
        ike_wipe(priv, s->len);
    }
    return err;
}

/* The costly part is the point's equation: cheap beside the multiplication it protects. */
static int check(void *state, const uint8_t *pub)
{
    struct state *s = state;
    mbedtls_ecp_point p;
    mbedtls_ecp_point_init(&p);
    bool ok = load_public(s, &p, pub);
    mbedtls_ecp_point_free(&p);
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* Checked again here: check() may have been run on another message's value or not at all. */
static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    struct state *s = state;
    mbedtls_ecp_point p;
    mbedtls_ecp_point_init(&p);
    int err = load_public(s, &p, pub) ? multiply(s, rng, priv, &p, shared, s->len) : IKE_ERR_CRYPTO;
    mbedtls_ecp_point_free(&p);
    if (err == IKE_OK && ike_is_zero(shared, s->len) && s->montgomery) {
        err = IKE_ERR_CRYPTO; /* RFC 8031 section 2 */
    }
    return err;
}

#define ECP(SYMBOL, ID, NAME, CURVE, BITS, PUBLIC)                                                                            \
    static void *open_##SYMBOL(const ike_allocator *mem) { return open(mem, CURVE, BITS); }                                   \
    const ike_ke ike_mbedtls_##SYMBOL = {.id = ID,                                                                            \
                                         .name = NAME,                                                                        \
                                         .public_len_i = PUBLIC,                                                              \
                                         .public_len_r = PUBLIC,                                                              \
                                         .shared_len = (BITS + 7) / 8,                                                        \
                                         .private_len = (BITS + 7) / 8,                                                       \
                                         .open = open_##SYMBOL,                                                               \
                                         .close = close,                                                                      \
                                         .initiate = initiate,                                                                \
                                         .check = check,                                                                      \
                                         .finish = finish,                                                                    \
                                         .derive_public = derive_public}

ECP(ecp256, KE_ECP_256, "ECP-256", MBEDTLS_ECP_DP_SECP256R1, 256, 64);
ECP(ecp384, KE_ECP_384, "ECP-384", MBEDTLS_ECP_DP_SECP384R1, 384, 96);
ECP(ecp521, KE_ECP_521, "ECP-521", MBEDTLS_ECP_DP_SECP521R1, 521, 132);
ECP(ecp192, KE_ECP_192, "ECP-192", MBEDTLS_ECP_DP_SECP192R1, 192, 48);
ECP(ecp224, KE_ECP_224, "ECP-224", MBEDTLS_ECP_DP_SECP224R1, 224, 56);
ECP(ecp256bp, KE_ECP_256_BP, "ECP-256-BP", MBEDTLS_ECP_DP_BP256R1, 256, 64);
ECP(ecp384bp, KE_ECP_384_BP, "ECP-384-BP", MBEDTLS_ECP_DP_BP384R1, 384, 96);
ECP(ecp512bp, KE_ECP_512_BP, "ECP-512-BP", MBEDTLS_ECP_DP_BP512R1, 512, 128);
ECP(x25519, KE_X25519, "X25519", MBEDTLS_ECP_DP_CURVE25519, 255, 32);
