/* SPDX-License-Identifier: ISC
 *
 * The MODP groups on GMP and on mbedTLS's integers: one result for every group, also for what no honest peer sends:
 * random values, which are in the subgroup or not, and those at the edges of the range.
 */
#include "unit/ke_help.h"

enum { MODP_MAX = 1024, EXPONENTS = 6, VALUES = 7 };

/* Exponents: 1, 2, all ones, a low and a high half of zeros, random. */
static void exponent(struct side *s, size_t which, uint8_t *out)
{
    const size_t n = s->ke->private_len;
    memset(out, which == 2 ? 0xff : 0, n);
    if (which < 2) {
        out[n - 1] = (uint8_t)(which + 1);
    } else if (which > 2) {
        assert_int_equal(source_fill(&s->source, out, n), IKE_OK);
        memset(out + (which == 4 ? n / 2 : 0), 0, which == 5 ? 0 : n / 2);
        out[which == 4 ? 0 : n - 1] |= 1;
    }
}

/* Public values: 2, 3, a number of one word, the largest that is below the prime whatever it is, random ones. */
static void value(struct side *s, size_t which, uint8_t *out)
{
    const size_t n = s->ke->public_len_i;
    memset(out, which == 3 ? 0xff : 0, n);
    if (which < 2) {
        out[n - 1] = (uint8_t)(which + 2);
    } else if (which == 2) {
        memset(out + n - 8, 0xff, 8);
    } else if (which == 3) {
        out[8] = 0; /* 64 ones, then the digits of pi, which begin with 1 */
    } else {
        assert_int_equal(source_fill(&s->source, out, n), IKE_OK);
        out[0] &= 0x7f;
    }
}

static size_t compare(const ike_ke *ka, const ike_ke *kb, uint64_t seed)
{
    static struct side a, b;
    static uint8_t y[MODP_MAX];
    size_t same = 0;
    side_open(&a, ka, seed);
    side_open(&b, kb, seed);
    assert_int_equal(ka->private_len, kb->private_len);
    for (size_t e = 0; e < EXPONENTS; e++) {
        exponent(&a, e, a.priv);
        assert_int_equal(ka->derive_public(a.state, &a.rng, a.priv, a.pub), IKE_OK);
        assert_int_equal(kb->derive_public(b.state, &b.rng, a.priv, b.pub), IKE_OK);
        assert_memory_equal(a.pub, b.pub, ka->public_len_i);
        /* The larger groups are slow; every exponent meets some of the values. */
        for (size_t v = ka->public_len_i > 256 ? e % 2 : 0; v<VALUES; v += ka->public_len_i> 256 ? 3 : 1) {
            value(&a, v, y);
            assert_int_equal(ka->check(a.state, y), IKE_OK);
            assert_int_equal(kb->check(b.state, y), IKE_OK);
            assert_int_equal(ka->finish(a.state, &a.rng, a.priv, y, a.shared), IKE_OK);
            assert_int_equal(kb->finish(b.state, &b.rng, a.priv, y, b.shared), IKE_OK);
            assert_memory_equal(a.shared, b.shared, ka->shared_len);
            same++;
        }
    }
    side_close(&a);
    side_close(&b);
    return same;
}

static void one_result(void **state)
{
    const ike_crypto *gmp = ike_crypto_provider("gmp"), *other = ike_crypto_provider("mbedtls");
    size_t groups = 0;
    (void)state;
    if (!gmp) {
        print_message("left out: GMP is not in this build, so there is one kind of integers\n");
        return;
    }
    for (size_t i = 0; gmp->ke[i]; i++) {
        const ike_ke *k = ike_find_ke(other, gmp->ke[i]->id);
        assert_non_null(k);
        size_t same = compare(gmp->ke[i], k, 77 + i);
        print_message("%s: %zu times the same\n", k->name, same);
        groups++;
    }
    assert_int_equal(groups, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_result)};
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
