/* SPDX-License-Identifier: ISC
 *
 * The table of authentication methods: what is known is found by its number, nothing else is.
 */
#include "unit/core_help.h"

#include "auth/auth.h"

static void only_known_methods_are_found(void **state)
{
    (void)state;
    assert_ptr_equal(ike_auth_method(IKE_AUTH_SHARED_KEY), &ike_auth_psk);
    for (unsigned id = 0; id <= UINT8_MAX; id++) {
        const struct ike_auth_method *m = ike_auth_method((uint8_t)id);
        assert_true(!m || (m->id == id && m->name && m->prove && m->check));
    }
    /* Not there: RSA (1), DSS (3), NULL (13), Digital Signature (14). */
    static const uint8_t missing[] = {0, 1, 3, 13, 14, 255};
    for (size_t i = 0; i < sizeof missing; i++) {
        assert_null(ike_auth_method(missing[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_known_methods_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
