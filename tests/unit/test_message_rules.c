/* SPDX-License-Identifier: ISC
 *
 * Payload rules: missing, doubled, ignored; critical payloads of unknown type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/message.h"

static const struct ike_payload_rule init[] = {
    {IKE_P_SA, 1, 1}, {IKE_P_KE, 1, 1}, {IKE_P_NONCE, 1, 1}, {IKE_P_CERTREQ, 0, 255}, {0, 0, 0}};

/* Types as text, 'V' vendor, 'N' notify and so on, so that a row reads as a message. */
static struct ike_message message(const char *types)
{
    struct ike_message m = {.n = 0};
    for (; *types; types++) {
        const uint8_t type = *types == 'S'   ? IKE_P_SA
                             : *types == 'K' ? IKE_P_KE
                             : *types == 'n' ? IKE_P_NONCE
                             : *types == 'N' ? IKE_P_NOTIFY
                             : *types == 'V' ? IKE_P_VENDOR
                             : *types == 'T' ? IKE_P_TSI
                             : *types == 'C' ? IKE_P_CERTREQ
                                             : 200;
        m.p[m.n++] = (struct ike_payload){.type = type};
    }
    return m;
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *types;
        uint8_t breaks; /* 0: fine */
    } rows[] = {
        {"SKn", 0},         {"nKS", 0},         {"NSNVKVnN", 0},       {"SKnCCCC", 0},        {"SKn?", 0},
        {"SKnTT", 0},       {"Kn", IKE_P_SA},   {"Sn", IKE_P_KE},      {"SK", IKE_P_NONCE},   {"", IKE_P_SA},
        {"SSKn", IKE_P_SA}, {"SKKn", IKE_P_KE}, {"SKnn", IKE_P_NONCE}, {"SKKKKKn", IKE_P_KE},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const struct ike_message m = message(rows[i].types);
        uint8_t type = 0;
        assert_int_equal(ike_rules_check(&m, init, &type), rows[i].breaks ? IKE_ERR_PROTO : IKE_OK);
        assert_int_equal(type, rows[i].breaks);
    }
}

/* What is beside SK does not stand in for what must be inside. */
static void test_protected(void **state)
{
    (void)state;
    struct ike_message m = message("SKn");
    uint8_t type;
    m.sk_at = 28;
    assert_int_equal(ike_rules_check(&m, init, &type), IKE_ERR_PROTO);
    for (unsigned i = 0; i < m.n; i++) {
        m.p[i].inner = true;
    }
    assert_int_equal(ike_rules_check(&m, init, &type), IKE_OK);
}

static void test_critical(void **state)
{
    (void)state;
    for (unsigned type = 1; type < 256; type++) {
        struct ike_message m = message("SV?");
        m.p[2].type = (uint8_t)type;
        assert_null(ike_message_critical(&m));
        m.p[2].critical = true;
        const bool known = (type >= 33 && type <= 48) || type == 53;
        assert_ptr_equal(ike_message_critical(&m), known ? NULL : &m.p[2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_protected),
        cmocka_unit_test(test_critical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
