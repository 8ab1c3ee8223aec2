/* SPDX-License-Identifier: ISC
 *
 * What the tests of key exchanges share: one descriptor with an allocator that counts and a random source that repeats itself,
 * and a body run over every descriptor there is.
 */
#ifndef TESTS_UNIT_KE_HELP_H
#define TESTS_UNIT_KE_HELP_H

#include "unit/crypto_conformance.h"

enum { ECP_192 = 25, ECP_224 = 26, ECP_256 = 19, ECP_384 = 20, ECP_521 = 21, X25519 = 31, X448 = 32 };
enum { BP_224 = 27, BP_256 = 28, BP_384 = 29, BP_512 = 30, MODP_2048 = 14, MODP_8192 = 18 };

/* An allocator that counts, and refuses from the given call on. */
struct heap {
    size_t live, calls, refuse_from;
};

static inline void *heap_alloc(void *user, size_t n)
{
    struct heap *h = user;
    if (h->calls++ >= h->refuse_from) {
        return NULL;
    }
    h->live += n;
    return malloc(n);
}

static inline void heap_release(void *user, void *p, size_t n)
{
    struct heap *h = user;
    assert_true(n <= h->live);
    h->live -= n;
    free(p);
}

/* Deterministic octets (xorshift), or a failure after some calls, or always the same octet. */
struct source {
    uint64_t x;
    int fail_after, constant;
};

static inline int source_fill(void *user, uint8_t *out, size_t n)
{
    struct source *s = user;
    if (s->fail_after == 0) {
        memset(out, 0xee, n); /* a half-filled buffer must not survive either */
        return IKE_ERR_HOST;
    }
    s->fail_after--;
    for (size_t i = 0; i < n; i++) {
        s->x ^= s->x << 13;
        s->x ^= s->x >> 7;
        s->x ^= s->x << 17;
        out[i] = s->constant >= 0 ? (uint8_t)s->constant : (uint8_t)(s->x >> 24);
    }
    return IKE_OK;
}

/* One descriptor with what it needs. */
struct side {
    const ike_ke *ke;
    void *state;
    struct heap heap;
    struct source source;
    ike_allocator mem;
    ike_random rng;
    uint8_t priv[IKE_PRIVATE_MAX], pub[IKE_KE_MAX], shared[IKE_SHARED_MAX + 1];
};

static inline void side_open(struct side *s, const ike_ke *ke, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    s->ke = ke;
    s->heap.refuse_from = SIZE_MAX;
    s->source = (struct source){seed * 0x9e3779b97f4a7c15u + 1, 1 << 30, -1};
    s->mem = (ike_allocator){heap_alloc, heap_release, &s->heap};
    s->rng = (ike_random){source_fill, &s->source};
    if (ke->open) {
        s->state = ke->open(&s->mem);
        assert_non_null(s->state);
    }
}

static inline void side_close(struct side *s)
{
    if (s->ke->close) {
        s->ke->close(s->state, &s->mem);
    }
    assert_int_equal(s->heap.live, 0);
}

/* priv gives pub (if known), and with peer the shared secret. */
static inline void known(struct side *s, const uint8_t *priv, const uint8_t *pub, const uint8_t *peer, const uint8_t *shared)
{
    if (pub) {
        assert_int_equal(s->ke->derive_public(s->state, &s->rng, priv, s->pub), IKE_OK);
        assert_memory_equal(s->pub, pub, s->ke->public_len_r);
    }
    s->shared[s->ke->shared_len] = 0xa5;
    assert_int_equal(s->ke->check(s->state, peer), IKE_OK);
    assert_int_equal(s->ke->finish(s->state, &s->rng, priv, peer, s->shared), IKE_OK);
    assert_memory_equal(s->shared, shared, s->ke->shared_len);
    assert_int_equal(s->shared[s->ke->shared_len], 0xa5);
}

typedef void body(struct side *s, const void *arg);

/* Run a body on every descriptor with this id (0: all) in all suites. */
static inline size_t all(uint16_t id, body *run, const void *arg)
{
    static struct side s;
    size_t found = 0;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->ke[k]; k++) {
            if (id == 0 || c->ke[k]->id == id) {
                side_open(&s, c->ke[k], i * 100 + k);
                run(&s, arg);
                side_close(&s);
                found++;
            }
        }
    }
    return found;
}

/* Octets of a number that may be written with fewer or more leading zeros than the field has. */
static inline void fixed(const uint8_t *in, size_t n, uint8_t *out, size_t len)
{
    while (n > len) {
        assert_int_equal(*in, 0);
        in++;
        n--;
    }
    memset(out, 0, len - n);
    memcpy(out + len - n, in, n);
}

#endif
