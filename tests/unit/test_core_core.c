/* SPDX-License-Identifier: ISC
 *
 * The inner half of an engine: accounting, hooks that are marked, questions, events, jitter; every allocation of its start
 * refused in turn.
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

static void memory_is_zeroed_and_counted(void **state)
{
    (void)state;
    uint64_t before = core.count.allocated;
    assert_int_equal(before, lab.octets);
    uint8_t *p = ike_alloc(&core, 100);
    assert_true(ike_is_zero(p, 100));
    assert_int_equal(core.count.allocated, before + 100);
    ike_free(&core, p, 100);
    ike_free(&core, NULL, 100);
    ike_free_secret(&core, NULL, 100);
    assert_int_equal(core.count.allocated, before);
    lab.allowed = 0;
    assert_null(ike_alloc(&core, 1));
    assert_int_equal(core.count.allocated, before);
    lab.allowed = -1;
}

static void blobs_replace_what_they_held(void **state)
{
    (void)state;
    struct ike_blob b = {NULL, 0};
    assert_int_equal(ike_blob_set(&core, &b, IKE_STR("first")), IKE_OK);
    assert_int_equal(ike_blob_set(&core, &b, IKE_STR("the second")), IKE_OK);
    assert_true(ike_bytes_equal(ike_blob_bytes(&b), IKE_STR("the second")));
    assert_int_equal(ike_blob_set(&core, &b, ike_bytes_of(NULL, 0)), IKE_OK);
    assert_null(b.ptr);
    lab.allowed = 0;
    assert_int_equal(ike_blob_set(&core, &b, IKE_STR("third")), IKE_ERR_NOMEM);
    assert_true(b.ptr == NULL && b.len == 0);
    lab.allowed = -1;
}

static void randomness_that_fails_is_blamed_and_leaves_nothing(void **state)
{
    (void)state;
    uint8_t out[16];
    memset(out, 1, sizeof out);
    lab.no_random = true;
    assert_int_equal(ike_draw(&core, out, sizeof out), IKE_ERR_HOST);
    assert_true(ike_is_zero(out, sizeof out));
    assert_true(core.blamed && core.draft.code == IKE_FAIL_RANDOM && core.draft.decider == IKE_DECIDER_HOST);
    assert_int_equal(core.draft.error, IKE_ERR_HOST);
    /* Jitter does not need it. */
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(ike_jitter(&core, 10) < 10);
    }
    assert_int_equal(ike_jitter(&core, 0), 0);
}

static void jitter_spreads(void **state)
{
    (void)state;
    unsigned seen[8] = {0};
    for (unsigned i = 0; i < 8000; i++) {
        seen[ike_jitter(&core, 8)]++;
    }
    for (unsigned i = 0; i < 8; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
}

static unsigned resumed;
static void resume(struct ike_core *c, struct ike_question *q)
{
    assert_ptr_equal(c, &core);
    assert_int_equal(q->result, 5);
    resumed++;
}

static void a_question_is_answered_once_by_its_kind(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    int r, owner;
    struct ike_question *q = ike_question_new(&core, IKE_Q_SPI, &owner, resume);
    assert_non_null(q);
    assert_ptr_equal(q->owner, &owner);
    assert_null(ike_question_get(&core, q->token, IKE_Q_DONE, &r));
    assert_int_equal(r, IKE_ERR_INVALID);
    assert_null(ike_question_get(&core, q->token + (UINT64_C(1) << 32), IKE_Q_SPI, &r));
    assert_int_equal(r, IKE_ERR_NOT_FOUND);
    assert_ptr_equal(ike_question_get(&core, q->token, IKE_Q_SPI, &r), q);
    assert_int_equal(r, IKE_OK);
    q->answered = true;
    q->result = 5;
    q->resume(&core, q);
    assert_int_equal(resumed, 1);
    ike_token t = q->token;
    assert_null(ike_question_get(&core, t, IKE_Q_SPI, &r));
    assert_int_equal(r, IKE_ERR_NOT_FOUND);
    ike_question_drop(&core, q, true); /* it was answered: nobody is told */
    assert_int_equal(lab.cancelled, 0);
    assert_null(ike_question_get(&core, t, IKE_Q_SPI, &r));
    assert_int_equal(r, IKE_ERR_NOT_FOUND);
    ike_question_drop(&core, NULL, true);
}

static void a_question_nobody_waits_for_is_cancelled(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    struct ike_question *q = ike_question_new(&core, IKE_Q_SECRET, NULL, resume);
    ike_token t = q->token;
    q->answer.octets.ptr = ike_alloc(&core, 5);
    q->answer.octets.len = 5;
    ike_question_drop(&core, q, true);
    assert_int_equal(lab.cancelled, 1);
    assert_true(lab.last_cancel == t);
    q = ike_question_new(&core, IKE_Q_PEER, NULL, resume);
    ike_question_drop(&core, q, false);
    assert_int_equal(lab.cancelled, 1);
    assert_int_equal(core.questions.count, 0);
    for (lab.allowed = 0; (q = ike_question_new(&core, IKE_Q_PEER, NULL, resume)) == NULL; lab.allowed = 1) {
        assert_int_equal(core.questions.count, 0);
        assert_true(lab.allowed == 0);
    }
    lab.allowed = -1;
    ike_question_drop(&core, q, false);
}

static void on_event(void *user, const ike_event *ev) { (void)user, (void)ev; }

static void events_gather_in_the_slot_of_their_owner(void **state)
{
    (void)state;
    struct ike_evslot a, b;
    ike_evslot_init(&a, IKE_EV_OF_SA);
    ike_evslot_init(&b, IKE_EV_OF_CHILD);
    ike_event_post(&core, &a, IKE_EV_SA_UP); /* nobody listens */
    assert_true(a.pending == 0 && ike_list_empty(&core.events));
    core.set.host.event = on_event;
    ike_event_post(&core, &a, IKE_EV_SA_UP);
    ike_event_post(&core, &b, IKE_EV_CHILD_UP);
    ike_event_post(&core, &a, IKE_EV_SA_DOWN);
    assert_int_equal(a.pending, 1u << IKE_EV_SA_UP | 1u << IKE_EV_SA_DOWN);
    assert_ptr_equal(core.events.next, &a.link);
    assert_ptr_equal(a.link.next, &b.link);
    assert_ptr_equal(b.link.next, &core.events);
    ike_list_del(&a.link);
    ike_list_del(&b.link);
}

static bool marked;
static void in_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    lab_send(user, path, kind, bytes, n);
    marked = core.in_hook;
}

static void a_hook_is_marked_while_it_runs(void **state)
{
    (void)state;
    ike_path path = {0};
    core.set.host.send = in_send;
    ike_send(&core, &path, IKE_SEND_MESSAGE, (const uint8_t *)"x", 1);
    assert_true(marked);
    assert_false(core.in_hook);
    assert_int_equal(core.count.out, 1);
    /* Inside a hook a log line does not lift the mark. */
    ike_hook_enter(&core);
    ike_logf(&core, IKE_LOG_ENGINE, IKE_LOG_INFO, 0, "%d", 1);
    void *p = ike_alloc(&core, 1);
    ike_free(&core, p, 1);
    assert_true(core.in_hook);
    ike_hook_leave(&core);
}

static void each_key_exchange_has_its_state(void **state)
{
    (void)state;
    assert_true(core.n_ke > 0);
    for (size_t i = 0; i < core.n_ke; i++) {
        assert_ptr_equal(ike_ke_state(&core, core.crypto->ke[i]), core.ke_state[i]);
    }
    ike_ke other = *core.crypto->ke[0];
    assert_ptr_equal(ike_ke_state(&core, &other), &other); /* one that two peers agreed on */
}

static void a_start_without_memory_or_randomness_leaks_nothing(void **state)
{
    (void)state;
    struct lab l;
    struct ike_core c;
    ike_settings s;
    int r = IKE_ERR_NOMEM;
    for (long n = 0; r != IKE_OK; n++) {
        lab_init(&l);
        lab_settings(&l, &s);
        l.allowed = n;
        r = ike_core_init(&c, &s, 0);
        assert_true(r == IKE_OK || r == IKE_ERR_NOMEM);
        assert_true(n < 1000);
        ike_core_fini(&c);
        assert_int_equal(l.blocks, 0);
    }
    lab_init(&l);
    lab_settings(&l, &s);
    l.no_random = true;
    assert_int_equal(ike_core_init(&c, &s, 0), IKE_ERR_HOST);
    ike_core_fini(&c);
    assert_int_equal(l.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(memory_is_zeroed_and_counted, begin, end),
        cmocka_unit_test_setup_teardown(blobs_replace_what_they_held, begin, end),
        cmocka_unit_test_setup_teardown(randomness_that_fails_is_blamed_and_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(jitter_spreads, begin, end),
        cmocka_unit_test_setup_teardown(a_question_is_answered_once_by_its_kind, begin, end),
        cmocka_unit_test_setup_teardown(a_question_nobody_waits_for_is_cancelled, begin, end),
        cmocka_unit_test_setup_teardown(events_gather_in_the_slot_of_their_owner, begin, end),
        cmocka_unit_test_setup_teardown(a_hook_is_marked_while_it_runs, begin, end),
        cmocka_unit_test_setup_teardown(each_key_exchange_has_its_state, begin, end),
        cmocka_unit_test(a_start_without_memory_or_randomness_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
