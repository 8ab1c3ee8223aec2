/* SPDX-License-Identifier: ISC
 *
 * Groups that a peer makes: which pass, and what is computed in them. What passes are groups of RFC 3526 and RFC 7919 and a safe
 * prime of OpenSSL's making; every provider with `power` judges alike.
 */
#include "crypto/modp_groups.h"
#include "crypto/private_group.h"
#include "unit/group_numbers.h"
#include "unit/ke_help.h"

struct bench {
    const ike_crypto *crypto;
    struct heap heap;
    struct source source;
    ike_allocator mem;
    ike_random rng;
};

static struct bench bench(const ike_crypto *c)
{
    return (struct bench){.crypto = c, .heap = {.refuse_from = SIZE_MAX}, .source = {0x9e3779b97f4a7c15u, 1 << 30, -1}};
}

static int make(struct bench *b, ike_bytes prime, ike_bytes generator, struct ike_private_group **g)
{
    b->mem = (ike_allocator){heap_alloc, heap_release, &b->heap};
    b->rng = (ike_random){source_fill, &b->source};
    return ike_private_group_new(g, b->crypto, &b->mem, &b->rng, IKE_KE_PRIVATE + 1, prime, generator);
}

static int judged(const ike_crypto *c, const uint8_t *prime, size_t n, ike_bytes generator)
{
    struct bench b = bench(c);
    struct ike_private_group *g;
    int r = make(&b, ike_bytes_of(prime, n), generator, &g);
    assert_true((r == IKE_OK) == (g != NULL));
    ike_private_group_free(g);
    assert_int_equal(b.heap.live, 0);
    return r;
}

static size_t number(const char *hex, uint8_t *out)
{
    size_t n = vec_hex(hex, out, IKE_POWER_MAX);
    assert_true(n != SIZE_MAX);
    return n;
}

typedef void test_body(const ike_crypto *c);
static void each(test_body *run)
{
    const ike_crypto *c;
    size_t found = 0;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        if (c->power) {
            run(c);
            found++;
        }
    }
    assert_true(found > 0);
}

static const ike_bytes two = {(const uint8_t *)"\x02", 1}, four = {(const uint8_t *)"\0\0\x04", 3};

static void of_the_rfcs(const ike_crypto *c)
{
    static uint8_t p[IKE_POWER_MAX + 1];
    p[0] = 0;
    ike_modp_prime(&ike_modp2048, p + 1);
    assert_int_equal(judged(c, p + 1, 256, two), IKE_OK);
    assert_int_equal(judged(c, p, 257, four), IKE_OK);
    ike_modp_prime(&ike_modp3072, p);
    assert_int_equal(judged(c, p, 384, two), IKE_OK);
    assert_int_equal(judged(c, p, number(ffdhe2048, p), two), IKE_OK);
    assert_int_equal(judged(c, p, number(safe_2049, p), two), IKE_OK);
    ike_modp_prime(&ike_modp1536, p);
    assert_int_equal(judged(c, p, 192, two), IKE_ERR_INVALID);
    ike_modp_prime(&ike_modp6144, p);
    assert_int_equal(judged(c, p, 768, two), IKE_ERR_INVALID);
    assert_int_equal(judged(c, NULL, 0, two), IKE_ERR_INVALID);
}

static void groups_of_the_rfcs(void **state)
{
    (void)state;
    uint8_t p[512];
    each(of_the_rfcs);
    ike_modp_prime(&ike_modp4096, p);
    assert_int_equal(judged(ike_crypto_default(), p, 512, two), IKE_OK);
}

static void what_is_no_group(const ike_crypto *c)
{
    static const char *const primes[] = {prime_not_safe, half_prime_only};
    static uint8_t p[IKE_POWER_MAX], g[IKE_POWER_MAX];
    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        assert_int_equal(judged(c, p, number(primes[i], p), two), IKE_ERR_INVALID);
    }
    size_t n = number(ffdhe2048, p);
    /* Even; and others near it, of which none can be prime as well. */
    p[n - 1] = 0xfe;
    assert_int_equal(judged(c, p, n, two), IKE_ERR_INVALID);
    p[n - 1] = 0xff;
    for (unsigned k = 1; k < 40; k++) {
        p[n - 2] = (uint8_t)(0xff - k);
        assert_int_equal(judged(c, p, n, two), IKE_ERR_INVALID);
    }
    p[n - 2] = 0xff;
    assert_int_equal(judged(c, p, n, two), IKE_OK);
    /* Generators: 0, 1, none, p, p - 1, one that is longer; but p - 2 will do. */
    memcpy(g, p, n);
    assert_int_equal(judged(c, p, n, ike_bytes_of("\0", 1)), IKE_ERR_INVALID);
    assert_int_equal(judged(c, p, n, ike_bytes_of("\1", 1)), IKE_ERR_INVALID);
    assert_int_equal(judged(c, p, n, ike_bytes_of("", 0)), IKE_ERR_INVALID);
    assert_int_equal(judged(c, p, n, ike_bytes_of(g, n)), IKE_ERR_INVALID);
    g[n - 1]--;
    assert_int_equal(judged(c, p, n, ike_bytes_of(g, n)), IKE_ERR_INVALID);
    g[n - 1]--;
    assert_int_equal(judged(c, p, n, ike_bytes_of(g, n)), IKE_OK);
    g[n] = 0;
    assert_int_equal(judged(c, p, n, ike_bytes_of(g, n + 1)), IKE_ERR_INVALID);
}

static void others_are_none(void **state)
{
    (void)state;
    each(what_is_no_group);
}

/* The same number as a numbered group gives the same values, and two ends meet. */
static void computed(const ike_crypto *c)
{
    static struct side s;
    static uint8_t p[256], priv[IKE_GROUP_EXP], other[IKE_GROUP_EXP], x[256], y[256], xy[256], yx[256];
    struct bench b = bench(c);
    struct ike_private_group *g;
    const ike_ke *modp = ike_find_ke(c, MODP_2048);
    ike_modp_prime(&ike_modp2048, p);
    assert_int_equal(make(&b, ike_bytes_of(p, sizeof p), two, &g), IKE_OK);
    const ike_ke *ke = &g->ke;
    side_open(&s, modp, 7);
    assert_int_equal(modp->initiate(s.state, &s.rng, s.priv, s.pub), IKE_OK);
    memcpy(priv + sizeof priv - modp->private_len, s.priv, modp->private_len);
    assert_int_equal(ke->derive_public(g, &b.rng, priv, x), IKE_OK);
    assert_memory_equal(x, s.pub, sizeof x);
    assert_int_equal(ke->initiate(g, &b.rng, other, y), IKE_OK);
    assert_int_equal(ke->check(g, y), IKE_OK);
    assert_int_equal(ke->finish(g, &b.rng, priv, y, xy), IKE_OK);
    assert_int_equal(ke->finish(g, &b.rng, other, x, yx), IKE_OK);
    assert_memory_equal(xy, yx, sizeof xy);
    assert_int_equal(modp->finish(s.state, &s.rng, s.priv, y, s.shared), IKE_OK);
    assert_memory_equal(xy, s.shared, sizeof xy);
    side_close(&s);

    /* 0, 1, p - 1, p give a secret that everybody knows. */
    memset(y, 0, sizeof y);
    assert_int_equal(ke->finish(g, &b.rng, priv, y, xy), IKE_ERR_CRYPTO);
    y[255] = 1;
    assert_int_equal(ke->check(g, y), IKE_ERR_CRYPTO);
    y[255] = 2;
    assert_int_equal(ke->check(g, y), IKE_OK);
    assert_int_equal(ke->check(g, p), IKE_ERR_CRYPTO);
    p[255]--;
    assert_int_equal(ke->check(g, p), IKE_ERR_CRYPTO);
    p[255]--;
    assert_int_equal(ke->check(g, p), IKE_OK);
    memset(priv, 0, sizeof priv);
    assert_int_equal(ke->derive_public(g, &b.rng, priv, x), IKE_ERR_CRYPTO);
    b.source.fail_after = 0;
    memset(other, 0xee, sizeof other);
    assert_int_equal(ke->initiate(g, &b.rng, other, x), IKE_ERR_HOST);
    memset(priv, 0, sizeof priv);
    assert_memory_equal(other, priv, sizeof priv); /* nothing stays of it */
    ike_private_group_free(g);
    assert_int_equal(b.heap.live, 0);
}

static void it_is_a_key_exchange(void **state)
{
    (void)state;
    each(computed);
}

/* 5 ^ x modulo 2^64 + 13, by the integers of Python. */
static void powers(const ike_crypto *c)
{
    struct bench b = bench(c);
    uint8_t modulus[12], base[12] = {0}, out[12];
    assert_int_equal(vec_hex("00 00 00 01 00 00 00 00 00 00 00 0d", modulus, 12), 12);
    base[11] = 5;
    b.mem = (ike_allocator){heap_alloc, heap_release, &b.heap};
    static const struct {
        const char *exp, *is;
    } rows[] = POWERS_OF_FIVE;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t exp[64], is[12];
        size_t n = vec_hex(rows[i].exp, exp, sizeof exp);
        assert_int_equal(vec_hex(rows[i].is, is, sizeof is), 12);
        memset(out, 0xa5, sizeof out);
        assert_int_equal(c->power(&b.mem, ike_bytes_of(base, 12), ike_bytes_of(exp, n), ike_bytes_of(modulus, 12), out), IKE_OK);
        assert_memory_equal(out, is, 12);
    }
    assert_int_equal(b.heap.live, 0);
}

static void powers_of_python(void **state)
{
    (void)state;
    each(powers);
}

/* Whatever is refused, it is no judgement on the group, and nothing is left behind. */
static void out_of_memory(const ike_crypto *c)
{
    static uint8_t p[256];
    struct ike_private_group *g;
    ike_modp_prime(&ike_modp2048, p);
    for (size_t k = 0; k < 5; k++) {
        struct bench b = bench(c);
        b.heap.refuse_from = k;
        int r = make(&b, ike_bytes_of(p, sizeof p), two, &g);
        /* mbedTLS asks for its own memory. */
        assert_int_equal(r, k < 2 || b.heap.calls > 2 ? IKE_ERR_NOMEM : IKE_OK);
        ike_private_group_free(g);
        assert_int_equal(b.heap.live, 0);
    }
    struct bench b = bench(c);
    b.source.fail_after = 3;
    assert_int_equal(make(&b, ike_bytes_of(p, sizeof p), two, &g), IKE_ERR_HOST);
    b = bench(c);
    b.source.constant = 0xff; /* never a number below the order */
    assert_int_equal(make(&b, ike_bytes_of(p, sizeof p), two, &g), IKE_ERR_HOST);
    assert_int_equal(b.heap.live, 0);
}

static void trouble_is_none_of_the_groups(void **state)
{
    (void)state;
    static const ike_crypto powerless = {.name = "none"};
    struct bench b = bench(&powerless);
    struct ike_private_group *g;
    each(out_of_memory);
    assert_int_equal(make(&b, two, two, &g), IKE_ERR_UNSUPPORTED);
}

/* Numbers for private use only; and it is known again however it is written. */
static void which_one_it_is(void **state)
{
    (void)state;
    static uint8_t p[257];
    struct bench b = bench(ike_crypto_default());
    struct ike_private_group *g;
    ike_modp_prime(&ike_modp2048, p + 1);
    ike_bytes prime = ike_bytes_of(p + 1, 256);
    assert_int_equal(make(&b, prime, four, &g), IKE_OK);
    assert_true(ike_private_group_is(g, IKE_KE_PRIVATE + 1, ike_bytes_of(p, 257), ike_bytes_of("\4", 1)));
    assert_false(ike_private_group_is(g, IKE_KE_PRIVATE, prime, four));
    assert_false(ike_private_group_is(g, IKE_KE_PRIVATE + 1, prime, two));
    p[100] ^= 1;
    assert_false(ike_private_group_is(g, IKE_KE_PRIVATE + 1, prime, four));
    p[100] ^= 1;
    ike_private_group_free(g);
    assert_int_equal(ike_private_group_new(&g, b.crypto, &b.mem, &b.rng, IKE_KE_PRIVATE - 1, prime, two), IKE_ERR_INVALID);
}

int main(void)
{
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    if (!ike_crypto_default()->power) {
        print_message("left out: private groups are not in this build\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_of_the_rfcs),
        cmocka_unit_test(others_are_none),
        cmocka_unit_test(it_is_a_key_exchange),
        cmocka_unit_test(powers_of_python),
        cmocka_unit_test(trouble_is_none_of_the_groups),
        cmocka_unit_test(which_one_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
