/* SPDX-License-Identifier: ISC
 *
 * New Group Mode (RFC 2409 section 5.6) is refused: in words to the peer, in silence to anybody else, and nothing changes.
 */
#include "unit/v1_help.h"

static struct ike_chain offer(void)
{
    /* One proposal of one transform: group type MODP, a prime, a generator. */
    static const uint8_t sa[] = {0, 0, 0, 1, 0,    0, 0, 1, 0, 0, 0, 32, 1,    1,    0,    1,    0,    0, 0, 24,
                                 1, 1, 0, 0, 0x80, 5, 0, 1, 0, 6, 0, 4,  0xff, 0xff, 0xff, 0xfb, 0x80, 7, 0, 2};
    struct ike_chain c = v1_chain(&b);
    ike_put_payload(&c, IKE_P1_SA, ike_bytes_of(sa, sizeof sa));
    return c;
}

static void the_peer_is_told(void **state)
{
    (void)state;
    struct ike_chain c = offer();
    struct ike_message m;
    struct ike_v1_notify n;
    assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 99, &c), IKE_OK);
    assert_int_equal(b.n_out, 1);
    v1_open_first(&b, &m);
    const struct ike_payload *p = ike_message_find(&m, IKE_P1_NOTIFY, 0);
    assert_true(p && ike_v1_notify_parse(&n, p) == IKE_OK);
    assert_int_equal(n.type, IKE_N1_ATTRIBUTES_NOT_SUPPORTED);
    node_failed(&b, IKE_FAIL_KE_GROUP, IKE_DECIDER_US);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&b).exchanges, 0);
    b.n_out = 0;
}

static void others_are_not(void **state)
{
    (void)state;
    struct ike_chain c = offer();
    ike_path path = path_to(&b);
    size_t n = v1_forge(&b, IKE_X1_NEW_GROUP, 99, &c, false);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).failures + counters(&b).exchanges, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_peer_is_told, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(others_are_not, v1_is_up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
