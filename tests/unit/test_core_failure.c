/* SPDX-License-Identifier: ISC
 *
 * Failure records: the first blame stands, the ring keeps 64, what repeats is counted, strangers take one slot per source.
 */
#include "unit/core_help.h"

static struct lab lab;
static struct ike_core core;

static int begin(void **state)
{
    (void)state;
    lab_core(&lab, &core);
    return 0;
}

static int end(void **state)
{
    (void)state;
    lab_core_end(&lab, &core);
    return 0;
}

static void blame(uint16_t code, ike_conn_id conn, const char *remote)
{
    ike_failure *f = ike_blame(&core, code, IKE_DECIDER_US);
    f->conn = conn;
    f->remote = lab_addr(remote);
    (void)ike_failure_commit(&core, NULL, !core.draft.conn);
}

static bool without_words(void)
{
    if (!IKE_WITH_WORDS) {
        print_message("left out: words are not in this build\n");
    }
    return !IKE_WITH_WORDS;
}

static void a_consequence_does_not_overwrite_its_cause(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    ike_blame(&core, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
    ike_blame_received(&core, "payload %u", 33u);
    ike_failure *f = ike_blame(&core, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY);
    ike_blame_received(&core, "something else");
    assert_int_equal(f->code, IKE_FAIL_SYNTAX);
    assert_int_equal(f->decider, IKE_DECIDER_US);
    assert_string_equal(f->received, IKE_WITH_WORDS ? "payload 33" : "");
    assert_int_equal(f->received_len, IKE_WITH_WORDS ? 10 : 0);
    core.now = 5 * IKE_SEC;
    (void)ike_failure_commit(&core, NULL, !core.draft.conn);
    assert_false(core.blamed);
    assert_true(ike_failure_ring(&core, 0)->when == 5 * IKE_SEC);
    f = ike_blame(&core, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY);
    assert_int_equal(f->code, IKE_FAIL_NO_ANSWER);
    assert_int_equal(f->received_len, 0);
}

static void texts_are_cut_to_fit(void **state)
{
    (void)state;
    char text[400];
    if (without_words()) {
        return;
    }
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ike_blame(&core, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
    ike_blame_expected(&core, "%s", text);
    ike_blame_remedy(&core, "%s", text);
    assert_int_equal(core.draft.expected_len, sizeof core.draft.expected - 1);
    assert_int_equal(strlen(core.draft.remedy), sizeof core.draft.remedy - 1);
}

static void the_ring_keeps_the_newest(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    for (unsigned i = 1; i <= IKE_RING + 10; i++) {
        blame(IKE_FAIL_NO_ANSWER, i, "10.0.0.1");
    }
    for (unsigned i = 0; i < IKE_RING; i++) {
        assert_int_equal(ike_failure_ring(&core, i)->conn, IKE_RING + 10 - i);
    }
    assert_null(ike_failure_ring(&core, IKE_RING));
    assert_int_equal(core.count.failures, IKE_RING + 10);
    assert_int_equal(core.count.strangers, 0);
}

static void the_same_again_is_counted(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    ike_failure *last = NULL;
    for (unsigned i = 0; i < 3; i++) {
        ike_blame(&core, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY)->conn = 7;
        (void)ike_failure_commit(&core, &last, !core.draft.conn);
    }
    assert_int_equal(last->repeats, 2);
    assert_int_equal(ike_failure_ring(&core, 0)->repeats, 2);
    assert_null(ike_failure_ring(&core, 1));
    ike_blame(&core, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US)->conn = 7;
    (void)ike_failure_commit(&core, &last, !core.draft.conn);
    assert_int_equal(last->repeats, 0);
    assert_int_equal(last->code, IKE_FAIL_AUTH_MISMATCH);
    assert_int_equal(ike_failure_ring(&core, 1)->code, IKE_FAIL_NO_ANSWER);
    ike_blame(&core, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY)->conn = 7;
    (void)ike_failure_commit(&core, &last, !core.draft.conn);
    assert_int_equal(ike_failure_ring(&core, 0)->code, IKE_FAIL_NO_ANSWER); /* it is the newest again */
    assert_int_equal(ike_failure_ring(&core, 1)->code, IKE_FAIL_AUTH_MISMATCH);
    assert_null(ike_failure_ring(&core, 2));
    ike_free(&core, last, sizeof *last);
}

static void another_child_is_not_the_same_again(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    ike_failure *last = NULL;
    const char *names[] = {"net-a", "net-b"};
    for (unsigned i = 0; i < 2; i++) {
        ike_failure *f = ike_blame(&core, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
        f->conn = 7;
        snprintf(f->child_name, sizeof f->child_name, "%s", names[i]);
        (void)ike_failure_commit(&core, &last, !core.draft.conn);
    }
    assert_int_equal(last->repeats, 0);
    assert_string_equal(last->child_name, "net-b");
    assert_string_equal(ike_failure_ring(&core, 1)->child_name, "net-a");
    ike_free(&core, last, sizeof *last);
}

static void strangers_take_one_slot_per_source(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    blame(IKE_FAIL_NO_ANSWER, 7, "10.0.0.1");
    for (unsigned i = 0; i < 200; i++) {
        blame(IKE_FAIL_NO_CONNECTION, 0, "192.0.2.1");
        blame(IKE_FAIL_NO_CONNECTION, 0, i % 2 ? "2001:db8::1" : "2001:db8::2"); /* one /64 */
    }
    blame(IKE_FAIL_NO_CONNECTION, 0, "2001:db8:0:1::1");
    unsigned n = 0;
    while (ike_failure_ring(&core, n)) {
        n++;
    }
    assert_int_equal(n, 4);
    assert_int_equal(core.count.strangers, 401);
    assert_int_equal(core.count.failures, 402);
}

static void without_memory_it_is_still_counted(void **state)
{
    (void)state;
    ike_failure *last = NULL;
    lab.allowed = 0;
    ike_blame(&core, IKE_FAIL_NO_MEMORY, IKE_DECIDER_HOST)->conn = 7;
    (void)ike_failure_commit(&core, &last, !core.draft.conn);
    lab.allowed = -1;
    assert_null(last);
    assert_null(ike_failure_ring(&core, 0));
    assert_int_equal(core.count.failures, 1);
    assert_false(core.blamed);
}

static void it_is_logged_in_one_line(void **state)
{
    (void)state;
    if (without_words()) {
        return;
    }
    ike_failure *f = ike_blame(&core, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
    snprintf(f->conn_name, sizeof f->conn_name, "office");
    ike_blame_expected(&core, "aes256");
    ike_blame_received(&core, "3des");
    (void)ike_failure_commit(&core, NULL, !core.draft.conn);
    assert_int_equal(lab.logged, 1);
    assert_string_equal(lab.log, "office: no IKE proposal suits both sides; expected aes256; got 3des");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_consequence_does_not_overwrite_its_cause, begin, end),
        cmocka_unit_test_setup_teardown(texts_are_cut_to_fit, begin, end),
        cmocka_unit_test_setup_teardown(the_ring_keeps_the_newest, begin, end),
        cmocka_unit_test_setup_teardown(the_same_again_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(another_child_is_not_the_same_again, begin, end),
        cmocka_unit_test_setup_teardown(strangers_take_one_slot_per_source, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_it_is_still_counted, begin, end),
        cmocka_unit_test_setup_teardown(it_is_logged_in_one_line, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
