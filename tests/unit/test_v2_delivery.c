/* SPDX-License-Identifier: ISC
 *
 * Delivery: a request is repeated as it was until it is answered or given up (RFC 7296 section 2.1), an answer as it was when the
 * request comes again, but not without end.
 */
#include "unit/engine_help.h"

/* Waits of 1, 2, 3, 3 and 3 seconds. */
static void schedule(struct node *x, ike_settings *s)
{
    (void)x;
    s->retransmit_first_ms = 1000;
    s->retransmit_factor_pct = 200;
    s->retransmit_max_ms = 3000;
    s->retransmit_jitter_pct = 0;
    s->retransmit_tries = 4;
}

static const unsigned waits[] = {1, 2, 3, 3};

static ike_sa_id sa_of(struct node *x)
{
    ike_sa_info info;
    assert_int_equal(ike_sa_next(x->e, 0, &info), IKE_OK);
    return info.id;
}

/* Virtual time until a has sent something or `most` seconds have passed; how long that was. */
static ike_time until_sent(unsigned most)
{
    ike_time begun = now;
    while (a.n_out == 0 && now - begun < most * IKE_SEC) {
        now += 10 * IKE_MS;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
    }
    return now - begun;
}

/* What a has sent once is sent again when its time comes, octet by octet, and then no more. */
static void follow_schedule(void)
{
    uint8_t first[2048];
    size_t n = a.out[0].n;
    assert_int_equal(a.n_out, 1);
    memcpy(first, a.out[0].bytes, n);
    for (size_t i = 0; i < IKE_COUNT(waits); i++) {
        a.n_out = 0;
        ike_time took = until_sent(60);
        assert_true(took >= waits[i] * IKE_SEC && took <= waits[i] * IKE_SEC + 100 * IKE_MS);
        assert_int_equal(a.n_out, 1);
        assert_int_equal(a.out[0].n, n);
        assert_memory_equal(a.out[0].bytes, first, n);
    }
    assert_int_equal(counters(&a).retransmitted, IKE_COUNT(waits));
    assert_int_equal(counters(&a).sas, 1);
    a.n_out = 0;
    (void)until_sent(4);
    assert_int_equal(counters(&a).sas, 0);
}

static void failed_with(unsigned code)
{
    assert_int_equal(node_failure(&a).code, code);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED) + node_saw(&a, IKE_EV_SA_DOWN) > 0, 1);
}

static void a_peer_that_never_answers(void **state)
{
    (void)state;
    pair_new(schedule);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    follow_schedule();
    failed_with(IKE_FAIL_NO_ANSWER);
}

static void a_peer_that_stops_answering(void **state)
{
    (void)state;
    pair_up(schedule);
    assert_int_equal(ike_sa_check(a.e, sa_of(&a), now), IKE_OK);
    follow_schedule();
    failed_with(IKE_FAIL_DEAD_PEER);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
    assert_int_equal(counters(&a).children, 0);
    assert_int_equal(a.removes, 2);
}

static void jitter_of_20(struct node *x, ike_settings *s)
{
    (void)x;
    s->retransmit_first_ms = s->retransmit_max_ms = 10000;
    s->retransmit_jitter_pct = 20;
    s->retransmit_tries = 64;
}

/* Peers that lost the same thing must not repeat in step: waits are up to so many percent longer or shorter. */
static void waits_are_spread_over_the_jitter(void **state)
{
    (void)state;
    unsigned in[4] = {0};
    pair_new(jitter_of_20);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    for (unsigned i = 0; i < 64; i++) {
        a.n_out = 0;
        ike_time took = until_sent(60);
        assert_in_range(took, 8 * IKE_SEC, 12 * IKE_SEC + 20 * IKE_MS); /* as fine as we look */
        in[took < 12 * IKE_SEC ? took / IKE_SEC - 8 : 3]++;
    }
    for (unsigned q = 0; q < 4; q++) {
        assert_in_range(in[q], 6, 32);
    }
}

static void an_answer_ends_the_repetition(void **state)
{
    (void)state;
    pair_up(schedule);
    assert_int_equal(ike_sa_check(a.e, sa_of(&a), now), IKE_OK);
    a.n_out = 0; /* lost */
    (void)until_sent(60);
    wire_run();
    assert_int_equal(until_sent(60) / IKE_SEC, 60);
    assert_int_equal(counters(&a).retransmitted, 1);
    assert_int_equal(counters(&a).sas, 1);
}

/* The answer to a repeated request has the same octets; ten in a second are enough for any honest peer. */
static void answers_are_repeated_ten_times_a_second(void **state)
{
    (void)state;
    pair_up(schedule);
    uint8_t answer[512];
    ike_path path = path_to(&b);
    size_t n = forge(&b, IKE_X_INFORMATIONAL, 0, 2, IKE_P_NONE, NULL, 0);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 1);
    size_t len = b.out[0].n;
    assert_true(len <= sizeof answer);
    memcpy(answer, b.out[0].bytes, len);
    for (unsigned second = 0; second < 3; second++) {
        b.n_out = 0;
        for (unsigned i = 0; i < 30; i++) {
            (void)node_input(&b, &path, forged, n);
        }
        assert_int_equal(b.n_out, 10);
        for (unsigned i = 0; i < b.n_out; i++) {
            assert_int_equal(b.out[i].n, len);
            assert_memory_equal(b.out[i].bytes, answer, len);
        }
        now += IKE_SEC;
    }
    assert_int_equal(counters(&b).retransmit_seen, 90);
}

/* A NAT may have given the peer another mapping since, and the one of the first copy leads nowhere. */
static void an_answer_is_repeated_to_where_the_copy_came_from(void **state)
{
    (void)state;
    pair_up(schedule);
    ike_path path = path_to(&b);
    size_t n = forge(&b, IKE_X_INFORMATIONAL, 0, 2, IKE_P_NONE, NULL, 0);
    for (unsigned i = 0; i < 3; i++) {
        path.remote.port = (uint16_t)(1000 + i);
        (void)node_input(&b, &path, forged, n);
        assert_int_equal(b.n_out, 1);
        assert_true(ike_path_equal(&b.out[0].path, &path));
        b.n_out = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_peer_that_never_answers, pair_is_over),
        cmocka_unit_test_teardown(a_peer_that_stops_answering, pair_is_over),
        cmocka_unit_test_teardown(waits_are_spread_over_the_jitter, pair_is_over),
        cmocka_unit_test_teardown(an_answer_ends_the_repetition, pair_is_over),
        cmocka_unit_test_teardown(answers_are_repeated_ten_times_a_second, pair_is_over),
        cmocka_unit_test_teardown(an_answer_is_repeated_to_where_the_copy_came_from, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
