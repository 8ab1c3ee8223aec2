/* SPDX-License-Identifier: ISC
 *
 * Groups 3 and 4 against OpenSSL's results and against schoolbook arithmetic, one bit at a time, with both coordinates; and the
 * values that are no public data.
 */
#include "unit/ke_help.h"

enum { EC2N_155 = 3, EC2N_185 = 4, BITS = 2 * 192 };

/* ---- A slow reference -------------------------------------------------------------------------------------------------- */

struct poly {
    uint8_t bit[BITS];
};

/* RFC 2409 sections 6.3 and 6.4; y of the generators from OpenSSL, which the test of the equation confirms. `prime` is the
 * number of points without its small factors, hexadecimal. */
struct reference {
    uint16_t id;
    int m, k;
    size_t len;
    struct poly b;
    const char *b_hex, *x_hex, *y_hex, *order, *prime;
};

static struct reference fields[] = {
    {.id = EC2N_155,
     .m = 155,
     .k = 62,
     .len = 20,
     .b_hex = "07338f",
     .x_hex = "7b",
     .y_hex = "01c8",
     .order = "02aaaaaaaaaaaaaaaaaac7f3c7881bd0868fa86c",
     .prime = "00aaaaaaaaaaaaaaaaaab1fcf1e206f421a3ea1b"},
    {.id = EC2N_185,
     .m = 185,
     .k = 69,
     .len = 24,
     .b_hex = "1ee9",
     .x_hex = "18",
     .y_hex = "0d",
     .order = "00ffffffffffffffffffffffedf97c44db9f2420bafca75e",
     .prime = "007ffffffffffffffffffffff6fcbe226dcf92105d7e53af"},
};

static struct poly poly(const uint8_t *in, size_t n)
{
    struct poly p = {{0}};
    for (size_t i = 0; i < 8 * n; i++) {
        p.bit[i] = in[n - 1 - i / 8] >> (i % 8) & 1;
    }
    return p;
}

static struct poly poly_hex(const char *hex)
{
    uint8_t octets[32];
    return poly(octets, cc_lit(hex, octets, sizeof(octets)));
}

static void octets(const struct poly *p, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    for (size_t i = 0; i < 8 * n; i++) {
        out[n - 1 - i / 8] |= (uint8_t)(p->bit[i] << (i % 8));
    }
}

/* Of what is reduced, or nearly so. */
static int degree(const struct poly *p)
{
    int d = BITS / 2 - 1;
    while (d >= 0 && !p->bit[d]) {
        d--;
    }
    return d;
}

static bool zero(struct poly p) { return degree(&p) < 0; }

static struct poly plus(struct poly a, struct poly b)
{
    for (int i = 0; i < BITS; i++) {
        a.bit[i] ^= b.bit[i];
    }
    return a;
}

/* a + u^n b */
static void add_shifted(struct poly *a, const struct poly *b, int n)
{
    for (int i = degree(b); i >= 0; i--) {
        a->bit[i + n] ^= b->bit[i];
    }
}

static struct poly modulus(const struct reference *f)
{
    struct poly p = {{0}};
    p.bit[f->m] = p.bit[f->k] = p.bit[0] = 1;
    return p;
}

static struct poly times(const struct reference *f, struct poly a, struct poly b)
{
    struct poly r = {{0}};
    for (int i = 0; i < f->m; i++) {
        if (b.bit[i]) {
            add_shifted(&r, &a, i);
        }
    }
    for (int i = 2 * f->m - 2; i >= f->m; i--) { /* u^m = u^k + 1 */
        r.bit[i - f->m] ^= r.bit[i];
        r.bit[i - f->m + f->k] ^= r.bit[i];
        r.bit[i] = 0;
    }
    return r;
}

/* By Euclid. a is not 0. */
static struct poly inverse(const struct reference *f, struct poly a)
{
    struct poly u = a, v = modulus(f), s = {{1}}, t = {{0}};
    while (degree(&u) > 0) {
        int d = degree(&u) - degree(&v);
        if (d < 0) {
            struct poly swap = u;
            u = v;
            v = swap;
            swap = s;
            s = t;
            t = swap;
            d = -d;
        }
        add_shifted(&u, &v, d);
        add_shifted(&s, &t, d);
    }
    return s;
}

struct point {
    bool neutral;
    struct poly x, y;
};

static bool on_curve(const struct reference *f, const struct point *p)
{
    const struct poly xx = times(f, p->x, p->x);
    const struct poly left = plus(times(f, p->y, p->y), times(f, p->x, p->y)), right = plus(times(f, xx, p->x), f->b);
    return zero(plus(left, right));
}

static struct point join(const struct reference *f, struct point p, struct point q)
{
    struct poly slope;
    struct point r = {.neutral = false};
    if (p.neutral || q.neutral) {
        return p.neutral ? q : p;
    }
    if (!zero(plus(p.x, q.x))) {
        slope = times(f, plus(p.y, q.y), inverse(f, plus(p.x, q.x)));
        r.x = plus(plus(plus(times(f, slope, slope), slope), p.x), q.x);
    } else if (zero(plus(p.y, q.y)) && !zero(p.x)) {
        slope = plus(p.x, times(f, p.y, inverse(f, p.x)));
        r.x = plus(times(f, slope, slope), slope);
    } else {
        r.neutral = true; /* a point and its negative; the one of order 2 is both */
        return r;
    }
    r.y = plus(plus(times(f, slope, plus(p.x, r.x)), r.x), p.y);
    return r;
}

static struct point many(const struct reference *f, const uint8_t *d, size_t n, struct point p)
{
    struct point r = {.neutral = true};
    for (size_t i = 0; i < 8 * n; i++) {
        r = join(f, r, r);
        if (d[i / 8] >> (7 - i % 8) & 1) {
            r = join(f, r, p);
        }
    }
    return r;
}

/* The point with this x by the half-trace, if there is one. */
static bool lift(const struct reference *f, struct poly x, struct point *p)
{
    const struct poly v = inverse(f, x), c = plus(x, times(f, f->b, times(f, v, v)));
    struct poly power = c, z = c;
    for (int i = 0; i < (f->m - 1) / 2; i++) {
        power = times(f, power, power);
        power = times(f, power, power);
        z = plus(z, power);
    }
    *p = (struct point){.x = x, .y = times(f, x, z)};
    return zero(plus(plus(times(f, z, z), z), c));
}

/* ---- Known answers ----------------------------------------------------------------------------------------------------- */

struct exchange {
    uint8_t priv_i[24], priv_r[24], pub_i[24], pub_r[24], shared[24];
};

static void both_sides(struct side *s, const void *arg)
{
    const struct exchange *x = arg;
    known(s, x->priv_i, x->pub_i, x->pub_r, x->shared);
    known(s, x->priv_r, x->pub_r, x->pub_i, x->shared);
}

/* Private values 2 and 3, and random ones, through EC_POINT_mul of OpenSSL 3.0.19 on its curves Oakley-EC2N-3 and -4. */
static void openssl_agrees(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        const char *priv_i, *priv_r, *pub_i, *pub_r, *shared;
    } table[] = {
        {3, "0000000000000000000000000000000000000002", "0000000000000000000000000000000000000003",
         "03d5af92c8311d9e8f56be4b3e690aec7cd200f2", "0022cbced65740092435995c484de42b96721bea",
         "054dca09757c9076b17d77c778fa551f0a5e83a9"},
        {3, "00a75b09932baa2a5240b7a4644ce6bf770de7d6", "005a053e49243bb6b67a69bf25432f358ad722ee",
         "02ef8fbed11249f9f9dbfcab58a4a4d56dfe9609", "0325fd59e75c2a3c11a8f3ecbff41d56659d7d0c",
         "06c640cb3bba4d1b81efdf258f32658dfcc3ddaa"},
        {3, "00e5a66924f07bd9e81c5d0db53c42267b31517f", "0273d870f86e6be89a0deca35094529da18e4f75",
         "0420373289ffd2b0911c6d38fc2b7172cfd21c03", "0233d95dc92866fc71e05c23e1401a34eca7af1c",
         "01c4071ceadd8cf3c0ea3eba5197eb5f2154dcb7"},
        {3, "003d8cab55a53f1c1df2dfd4a716f70651aa9258", "00f0b91a2aef8343ebe8726c112d9634d814c68b",
         "04c6bb3f793e41035d9e5e30223ff936d332ea04", "01c47a2d171ab9e65b5ab6981fc36e072596a25f",
         "0453729ae5ecbe57b1fe379b972ac61518bffe95"},
        {4, "000000000000000000000000000000000000000000000002", "000000000000000000000000000000000000000000000003",
         "01bd555555555555555555555555554e8000000000000158", "007c652025ce68f9eaacf9d1d24eedb15f3efb1d273dee82",
         "010807ba0eb6bca461ad90d8449a8166731308117fae8444"},
        {4, "00c236306803107a2020352d7a5958f53ae3066b6714b0ef", "001a143a2047f68d2b2570ad1f36b277e51428792a40d11b",
         "015ffca43bfe0c808fe06adc24bd155fa79c0e017fbab066", "00e92f41e351874889dda246f14f63e5e573b06efbb76016",
         "00eb938fd94cf02529b083d29848077a7f08c18c4607d2fe"},
        {4, "0002abc707a099b292e7ca63d373cc7dff26ce4a4aa84934", "003089a8fc61d94f452f0e1e03dc6c8c749a503f37aba52a",
         "013d0bc3b97c378cf7a86aff988b7a2c9b0c0158b85f5a50", "00af52323a42f7dcd6813c81c9f8ae398a8151324c6d1fa6",
         "01691fc928f9c791e47a7615e086f9820c144cf5ecd0146a"},
        {4, "00de63aea8c4a03d5f4207f981538e46bbdcf4e026d66298", "00ef0a9de4de08253f9dad321ad169e326c2a6c8da2bfea0",
         "00f3d8552ad2a177ee1d26d60ddeff95e6c165b3e7b94782", "010ab589df23d0c9dc2751b2a9d15e82d1d70b1e01509ce0",
         "0188dc78b88a5ec27557bed49e78f546516b1ad9eba0663c"},
    };
    for (size_t i = 0; i < IKE_COUNT(table); i++) {
        struct exchange x;
        cc_lit(table[i].priv_i, x.priv_i, sizeof(x.priv_i));
        cc_lit(table[i].priv_r, x.priv_r, sizeof(x.priv_r));
        cc_lit(table[i].pub_i, x.pub_i, sizeof(x.pub_i));
        cc_lit(table[i].pub_r, x.pub_r, sizeof(x.pub_r));
        cc_lit(table[i].shared, x.shared, sizeof(x.shared));
        size_t found = all(table[i].id, both_sides, &x);
        assert_true(found >= 1 || !cc_legacy());
    }
}

/* ---- By the reference -------------------------------------------------------------------------------------------------- */

static struct point generator(const struct reference *f)
{
    const struct point g = {.x = poly_hex(f->x_hex), .y = poly_hex(f->y_hex)};
    assert_true(on_curve(f, &g));
    return g;
}

/* The reference is right about the constants: each generator has the order that is stated, and no smaller one by a factor that
 * it might have. */
static void constants(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(fields); i++) {
        uint8_t d[24];
        const struct reference *f = &fields[i];
        size_t n = cc_lit(f->order, d, sizeof(d));
        assert_true(many(f, d, n, generator(f)).neutral);
        n = cc_lit(f->prime, d, sizeof(d));
        assert_false(many(f, d, n, generator(f)).neutral);
    }
}

static void private_range(struct side *s, const void *arg)
{
    const struct reference *f = arg;
    uint8_t d[24] = {0}, base[24], peer[24];
    const size_t n = f->len;
    const struct poly x = poly_hex(f->x_hex);
    octets(&x, base, n);
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, peer), IKE_OK);
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, d, peer, s->shared), IKE_ERR_CRYPTO);
    d[n - 1] = 1;
    known(s, d, base, peer, peer);
    cc_lit(f->order, d, sizeof(d));
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, d, peer, s->shared), IKE_ERR_CRYPTO);
    d[n - 1]--; /* the orders are even */
    known(s, d, base, peer, peer);
    memset(d, 0xff, n);
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
    /* half the order leads to x = 0 */
    struct poly half = poly_hex(f->order);
    memmove(half.bit, half.bit + 1, BITS - 1);
    octets(&half, d, n);
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
}

static void private_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(fields); i++) {
        size_t found = all(fields[i].id, private_range, &fields[i]);
        assert_true(found >= 1 || !cc_legacy());
    }
}

/* A random element of the field. */
static void element(struct side *s, const struct reference *f, uint8_t *out)
{
    assert_int_equal(source_fill(&s->source, out, f->len), IKE_OK);
    out[0] &= f->id == EC2N_155 ? 0x07 : 0x01;
}

static void as_the_reference(struct side *s, const void *arg)
{
    const struct reference *f = arg;
    size_t points = 0, none = 0;
    while (points < 6) {
        uint8_t peer[24], want[24];
        struct point p, g = generator(f);
        element(s, f, peer);
        if (!lift(f, poly(peer, f->len), &p)) {
            assert_int_equal(s->ke->check(s->state, peer), IKE_ERR_CRYPTO);
            assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, peer, s->shared), IKE_ERR_CRYPTO);
            none++;
            continue;
        }
        assert_true(on_curve(f, &p));
        assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_OK);
        g = many(f, s->priv, f->len, g);
        octets(&g.x, want, f->len);
        assert_memory_equal(s->pub, want, f->len);
        p = many(f, s->priv, f->len, p);
        octets(&p.x, want, f->len);
        known(s, s->priv, NULL, peer, want);
        points++;
    }
    print_message("EC2N-%d: %zu points, %zu values that are none\n", f->m, points, none);
    assert_true(none >= 2); /* every second */
}

static void differential(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(fields); i++) {
        all(fields[i].id, as_the_reference, &fields[i]);
    }
}

static void refused(struct side *s, const uint8_t *peer)
{
    assert_int_equal(s->ke->check(s->state, peer), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, peer, s->shared), IKE_ERR_CRYPTO);
}

/* The prime factor of the curve's order times any point gives one of small order; all of them turn up soon. Not an element of
 * the field, and 0, besides. */
static void no_public_data(struct side *s, const void *arg)
{
    const struct reference *f = arg;
    uint8_t peer[24], prime[24], seen[8][24];
    size_t kinds = 0, n = cc_lit(f->prime, prime, sizeof(prime));
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    memset(peer, 0, sizeof(peer));
    refused(s, peer);
    memset(peer, 0xff, sizeof(peer));
    refused(s, peer);
    memcpy(peer, s->pub, f->len);
    peer[0] |= (uint8_t)(f->id == EC2N_155 ? 0x08 : 0x02);
    refused(s, peer);
    /* Up to the sign, a cyclic group of 12 has 6 points beside the neutral one, one of 4 has 2. */
    const size_t kinds_there_are = f->id == EC2N_155 ? 6 : 2;
    for (int i = 0; i < 400 && kinds < kinds_there_are; i++) {
        struct point p;
        size_t k = 0;
        element(s, f, peer);
        if (!lift(f, poly(peer, f->len), &p)) {
            continue;
        }
        p = many(f, prime, n, p);
        if (p.neutral) {
            continue;
        }
        octets(&p.x, peer, f->len);
        refused(s, peer);
        while (k < kinds && memcmp(seen[k], peer, f->len) != 0) {
            k++;
        }
        assert_true(k < IKE_COUNT(seen));
        memcpy(seen[k], peer, f->len);
        kinds = k == kinds ? kinds + 1 : kinds;
    }
    print_message("EC2N-%d: %zu points of small order\n", f->m, kinds);
    assert_int_equal(kinds, kinds_there_are);
}

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(fields); i++) {
        all(fields[i].id, no_public_data, &fields[i]);
    }
}

static int start(void **state)
{
    for (size_t i = 0; i < IKE_COUNT(fields); i++) {
        fields[i].b = poly_hex(fields[i].b_hex);
    }
    return cc_global_init(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openssl_agrees), cmocka_unit_test(constants), cmocka_unit_test(private_values),
        cmocka_unit_test(differential),   cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
