/* SPDX-License-Identifier: ISC
 *
 * Peers that move (RFC 7296 section 2.23).
 */
#include "unit/engine_help.h"

#include "exchange/v2/v2.h"

#define ELSEWHERE "203.0.113.9:4711"

static int up(void **state)
{
    (void)state;
    pair_up(NULL);
    return 0;
}

/* a asks for a sign of life; b gets it from another address, as behind a NAT that forgot. */
static void ask_from_elsewhere(void)
{
    assert_int_equal(ike_sa_check(a.e, node_sa(&a)->id, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    a.out[0].path.local = lab_addr(ELSEWHERE);
    (void)wire_step(&a);
    assert_int_equal(b.n_out, 1);
}

static bool followed(void)
{
    ike_addr there = lab_addr(ELSEWHERE);
    return ike_addr_equal(&node_sa(&b)->path.remote, &there);
}

static void a_peer_behind_a_nat_is_followed(void **state)
{
    (void)state;
    ike_addr there = lab_addr(ELSEWHERE);
    node_sa(&b)->nat_remote = true;
    ask_from_elsewhere();
    assert_true(followed());
    assert_true(ike_addr_equal(&b.out[0].path.remote, &there));
    assert_int_equal(b.moves, 2); /* both halves of the child */
    assert_int_equal(node_saw(&b, IKE_EV_ADDRESS_CHANGED), 1);
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
}

/* Anyone on the way could have kept it and send it from where they like. */
static void a_repeated_request_moves_nothing(void **state)
{
    (void)state;
    uint8_t kept[2048];
    size_t n;
    node_sa(&b)->nat_remote = true;
    assert_int_equal(ike_sa_check(a.e, node_sa(&a)->id, now), IKE_OK);
    n = a.out[0].n;
    memcpy(kept, a.out[0].bytes, n);
    wire_run();
    ike_path path = path_to(&b);
    path.remote = lab_addr(ELSEWHERE);
    (void)node_input(&b, &path, kept, n);
    assert_false(followed());
    assert_int_equal(b.moves + node_saw(&b, IKE_EV_ADDRESS_CHANGED), 0);
    kept[n - 1] ^= 1; /* nor one that is not the peer's */
    (void)node_input(&b, &path, kept, n);
    assert_false(followed());
    b.n_out = 0;
}

/* An answer is no request; its sender is not followed either. */
static void an_answer_moves_nothing(void **state)
{
    (void)state;
    uint64_t answers = counters(&b).in;
    node_sa(&b)->nat_remote = true;
    assert_int_equal(ike_sa_check(b.e, node_sa(&b)->id, now), IKE_OK);
    (void)wire_step(&b);
    assert_int_equal(a.n_out, 1);
    a.out[0].path.local = lab_addr(ELSEWHERE);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_true(counters(&b).in == answers + 1);
    assert_false(followed());
    assert_int_equal(b.moves, 0);
}

static void without_a_nat_at_the_peer_nobody_is_followed(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        node_sa(&b)->nat_remote = node_sa(&b)->nat_local = both; /* we behind one as well: the peer follows us */
        ask_from_elsewhere();
        assert_false(followed());
        wire_run();
    }
    assert_int_equal(b.moves + node_saw(&b, IKE_EV_ADDRESS_CHANGED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_peer_behind_a_nat_is_followed, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_repeated_request_moves_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_answer_moves_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(without_a_nat_at_the_peer_nobody_is_followed, up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
