/* SPDX-License-Identifier: ISC
 *
 * What both sides say of a Quick Mode that does not come about: what was wanted, what came, what to change. And of a first
 * message that suits no connection.
 */
#include "unit/v1_help.h"

static const char *proposals[2];
static uint8_t mode[2], compress;
static bool aggressive;

static void change(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    const unsigned i = x == &b;
    s->aggressive = aggressive && x == &a;
    child[0].proposals = child[1].proposals = proposals[i];
    child[0].mode = child[1].mode = mode[i];
    child[0].compress = child[1].compress = compress;
    child[0].ah_proposals = child[1].ah_proposals = compress ? "sha256" : NULL;
}

static int down(void **state)
{
    (void)state;
    a.n_out = b.n_out = 0;
    pair_end();
    proposals[0] = proposals[1] = NULL;
    aggressive = false;
    mode[0] = mode[1] = compress = 0;
    return 0;
}

static void begin(void)
{
    v1_new(NULL, change);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    node_pass(&a, 10); /* the peer's word was a hint: something better might have followed */
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
}

static ike_failure last(const struct node *x)
{
    ike_failure f = {.size = sizeof f};
    assert_int_equal(ike_failure_at(x->e, 0, &f), IKE_OK);
    return f;
}

/* Nothing but the mode: with one protocol, and with three. */
static void the_mode_is_named(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        mode[0] = i & 1 ? IKE_MODE_TRANSPORT : IKE_MODE_TUNNEL;
        mode[1] = i & 1 ? IKE_MODE_TUNNEL : IKE_MODE_TRANSPORT;
        compress = i & 2;
        proposals[0] = proposals[1] = "aes128-sha256";
        begin();
        const ike_failure f = last(&b);
        assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_MODE));
        assert_int_equal(f.decider, IKE_DECIDER_US);
        assert_string_equal(f.expected, i & 1 ? "tunnel mode" : "transport mode");
        assert_string_equal(f.received, i & 1 ? "transport mode" : "tunnel mode");
        assert_non_null(strstr(f.remedy, "`mode`"));
        (void)down(NULL);
    }
    v1_new(NULL, NULL);
}

static void algorithms_are_told_on_both_sides(void **state)
{
    (void)state;
    mode[0] = mode[1] = IKE_MODE_TUNNEL;
    proposals[0] = "aes128-sha256-modp2048";
    proposals[1] = "aes128-sha256";
    begin();
    ike_failure f = last(&b);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_NO_CHILD_PROPOSAL));
    assert_memory_equal(f.expected, "aes128-sha256", 13);
    assert_string_equal(f.received, "aes128-sha256-modp2048-tunnel");
    assert_non_null(strstr(f.remedy, "PFS"));
    f = last(&a);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_NO_CHILD_PROPOSAL));
    assert_int_equal(f.decider, IKE_DECIDER_PEER);
    assert_non_null(strstr(f.expected, "tunnel mode, one of our proposals: aes128-sha256-modp2048"));
    assert_string_equal(f.received, "NO-PROPOSAL-CHOSEN (14)");
    assert_non_null(strstr(f.remedy, "PFS"));
}

static void other_networks(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    static const ike_ts ts[] = {
        {.family = 4, .port_hi = 65535, .lo = {10, 99, 0, 0}, .hi = {10, 99, 0, 255}},
        {.family = 4, .port_hi = 65535, .lo = {10, 98, 0, 0}, .hi = {10, 98, 0, 255}},
    };
    (void)s;
    if (x == &a) {
        child[0].local_ts = &ts[0];
        child[0].remote_ts = &ts[1];
        child[0].n_local_ts = child[0].n_remote_ts = 1;
    }
}

static void networks_are_told_on_both_sides(void **state)
{
    (void)state;
    v1_new(NULL, other_networks);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    node_pass(&a, 10);
    ike_failure f = last(&b);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_SELECTORS));
    assert_string_equal(f.received, "here 10.98.0.0/24, at the peer 10.99.0.0/24");
    f = last(&a);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_SELECTORS));
    assert_int_equal(f.decider, IKE_DECIDER_PEER);
    assert_string_equal(f.expected, "here 10.99.0.0/24, at the peer 10.98.0.0/24");
    assert_string_equal(f.received, "INVALID-ID-INFORMATION (18)"); /* IKEv2 has another name for the number, or none */
    assert_non_null(strstr(f.remedy, "local-net"));
}

/* A connection may be there, and not answer it. */
static void aggressive_mode_is_named(void **state)
{
    (void)state;
    aggressive = true;
    proposals[0] = proposals[1] = "aes128-sha256";
    v1_new(NULL, change);
    v1_begin(1);
    (void)wire_step(&a);
    ike_failure f = last(&b);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_NO_CONNECTION));
    assert_non_null(strstr(f.remedy, "`aggressive = yes`"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_mode_is_named, down),
        cmocka_unit_test_teardown(algorithms_are_told_on_both_sides, down),
        cmocka_unit_test_teardown(networks_are_told_on_both_sides, down),
        cmocka_unit_test_teardown(aggressive_mode_is_named, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
