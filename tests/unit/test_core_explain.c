/* SPDX-License-Identifier: ISC
 *
 * Failure records in words: every code has a name and a cause, the text holds what the record holds and nothing else.
 */
#include "unit/core_help.h"

static void every_code_has_its_own_name_and_cause(void **state)
{
    (void)state;
    for (unsigned i = 0; i < IKE_FAIL_CODES; i++) {
        ike_failure f = {.code = (uint16_t)i};
        assert_string_not_equal(ike_failure_name(i), "unknown");
        assert_string_not_equal(ike_failure_cause(&f), "unknown");
        assert_true(strlen(ike_failure_name(i)) < 32);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(ike_failure_name(i), ike_failure_name(k));
        }
    }
    ike_failure odd = {.code = IKE_FAIL_CODES};
    assert_string_equal(ike_failure_name(IKE_FAIL_CODES), "unknown");
    assert_string_equal(ike_failure_name(UINT32_MAX), "unknown");
    assert_string_equal(ike_failure_cause(&odd), "unknown");
}

static ike_failure full(void)
{
    ike_failure f = {
        .size = sizeof f, .code = IKE_FAIL_NO_PROPOSAL, .decider = IKE_DECIDER_US, .version = 2, .exchange = 34, .repeats = 2};
    f.remote = lab_addr("192.0.2.1:500");
    snprintf(f.conn_name, sizeof f.conn_name, "office");
    snprintf(f.source, sizeof f.source, "a.conf:3");
    f.expected_len = (uint16_t)snprintf(f.expected, sizeof f.expected, "aes256");
    f.received_len = (uint16_t)snprintf(f.received, sizeof f.received, "3des");
    f.remedy_len = (uint16_t)snprintf(f.remedy, sizeof f.remedy, "add 3des");
    return f;
}

static void the_whole_story(void **state)
{
    (void)state;
    char text[1024];
    ike_failure f = full();
    size_t n = ike_failure_explain(&f, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_string_equal(text, "office with 192.0.2.1:500: no IKE proposal suits both sides.\n"
                              "  where:    IKE_SA_INIT, begun by the peer, IKEv2\n"
                              "  decided:  this side refused\n"
                              "  expected: aes256\n"
                              "  received: 3des\n"
                              "  remedy:   add 3des\n"
                              "  settings: a.conf:3\n"
                              "  so far:   3 times in a row\n"
                              "  code:     4 no-proposal\n");
}

static void an_exchange_of_version_1(void **state)
{
    (void)state;
    char text[1024];
    ike_failure f = full();
    f.version = 1;
    f.exchange = 32;
    f.initiator = 1;
    ike_failure_explain(&f, text, sizeof text);
    assert_non_null(strstr(text, "where:    Quick Mode, begun by us, IKEv1\n"));
}

static void what_is_not_known_is_not_said(void **state)
{
    (void)state;
    char text[1024];
    ike_failure f = {.size = sizeof f, .code = IKE_FAIL_PEER_REFUSED_AUTH, .decider = 9, .exchange = 77};
    ike_failure_explain(&f, text, sizeof text);
    assert_non_null(strstr(text, "unknown peer: the peer refused our authentication"));
    assert_non_null(strstr(text, "before any exchange"));
    assert_null(strstr(text, "decided"));
    assert_null(strstr(text, "expected"));
    assert_null(strstr(text, "received"));
    assert_null(strstr(text, "remedy"));
    assert_null(strstr(text, "error"));
    f.error = IKE_ERR_NOMEM;
    f.initiator = 1;
    f.exchange = 35;
    snprintf(f.conn_name, sizeof f.conn_name, "a");
    snprintf(f.child_name, sizeof f.child_name, "b");
    ike_failure_explain(&f, text, sizeof text);
    assert_non_null(strstr(text, "a/b: "));
    assert_non_null(strstr(text, "IKE_AUTH, begun by us"));
    assert_non_null(strstr(text, ike_strerror(IKE_ERR_NOMEM)));
}

static void any_buffer_is_long_enough(void **state)
{
    (void)state;
    char text[1024];
    ike_failure f = full();
    size_t whole = ike_failure_explain(&f, text, sizeof text);
    for (size_t cap = 0; cap <= whole + 1; cap++) {
        char *small = malloc(cap + 1); /* a sanitizer sees an overrun */
        small[cap] = 'z';
        assert_int_equal(ike_failure_explain(&f, cap ? small : NULL, cap), whole);
        assert_int_equal(small[cap], 'z');
        assert_true(cap == 0 || memchr(small, 0, cap));
        free(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_name_and_cause),
        cmocka_unit_test(the_whole_story),
        cmocka_unit_test(an_exchange_of_version_1),
        cmocka_unit_test(what_is_not_known_is_not_said),
        cmocka_unit_test(any_buffer_is_long_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
