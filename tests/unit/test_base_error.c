/* SPDX-License-Identifier: ISC
 *
 * Every result has a name of its own; any other int has one too.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <ike/types.h>

static void test_names(void **state)
{
    (void)state;
    for (int a = IKE_PENDING; a >= IKE_ERR_REPLAY; a--) {
        assert_non_null(ike_strerror(a));
        assert_string_not_equal(ike_strerror(a), "unknown result");
        for (int b = IKE_PENDING; b > a; b--) {
            assert_string_not_equal(ike_strerror(a), ike_strerror(b));
        }
    }
    const int unknown[] = {2, INT_MAX, INT_MIN, IKE_ERR_REPLAY - 1, -1000};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        assert_string_equal(ike_strerror(unknown[i]), "unknown result");
    }
}

static void test_version(void **state)
{
    (void)state;
    const char *v = ike_version(), *dot = strchr(v, '.');
    assert_non_null(dot);
    assert_non_null(strchr(dot + 1, '.'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
