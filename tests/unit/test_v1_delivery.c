/* SPDX-License-Identifier: ISC
 *
 * Delivery of IKEv1: who repeats, where to, and what is done with repetitions.
 */
#include "unit/v1_help.h"

/* The sender of the first messages may have written another's address on them. */
static void a_responder_of_main_mode_repeats_nothing_by_itself(void **state)
{
    (void)state;
    for (unsigned messages = 2; messages <= 4; messages += 2) {
        v1_begin(messages);
        assert_int_equal(b.n_out, 1);
        node_pass(&b, 25);
        assert_int_equal(b.n_out, 1);
        a.n_out = b.n_out = 0;
        assert_int_equal(ike_conn_hold(a.e, a.conn, NULL, now), IKE_OK);
        node_pass(&b, 60);
        assert_int_equal(counters(&b).sas, 0);
    }
}

static void allow_aggressive(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)x, (void)child;
    s->aggressive = 1;
}

/* There the initiator has the last word and may not know that it was lost; once must do. Garbage does not make it more. */
static void a_responder_of_aggressive_mode_repeats_once(void **state)
{
    (void)state;
    ike_path path = path_to(&b);
    node_speaks_v1(&a, allow_aggressive);
    node_speaks_v1(&b, allow_aggressive);
    v1_begin(2);
    assert_int_equal(b.n_out, 1);
    node_pass(&b, 10);
    assert_int_equal(b.n_out, 2);
    assert_memory_equal(b.out[1].bytes, b.out[0].bytes, b.out[0].n);
    struct ike_header h = {
        .spi_i = node_sa(&b)->spi_i, .spi_r = node_sa(&b)->spi_r, .version = IKE_V1_VERSION, .next = IKE_P1_VENDOR};
    h.exchange = IKE_X1_AGGRESSIVE;
    h.length = IKE_HEADER_LEN + 8;
    ike_header_write(forged, &h);
    memcpy(forged + IKE_HEADER_LEN, "\0\0\0\10haha", 8);
    (void)node_input(&b, &path, forged, h.length);
    node_pass(&b, 15);
    assert_int_equal(b.n_out, 2);
    wire_run();
    assert_int_equal(counters(&b).children, 1);
}

static void an_initiator_repeats_each_message_until_it_is_answered(void **state)
{
    (void)state;
    for (unsigned messages = 1; messages <= 5; messages += 2) {
        v1_begin(messages);
        unsigned was = a.n_out;
        node_pass(&a, 12);
        assert_true(a.n_out > was);
        assert_memory_equal(a.out[was].bytes, a.out[was - 1].bytes, a.out[was].n);
        a.n_out = b.n_out = 0;
        assert_int_equal(ike_conn_hold(a.e, a.conn, NULL, now), IKE_OK);
        node_pass(&b, 60);
    }
}

/* Quick Mode: its initiator has the last word. */
static void a_responder_of_quick_mode_repeats_until_it_has_the_last_message(void **state)
{
    (void)state;
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(b.n_out, 1);
    node_pass(&b, 12);
    assert_true(b.n_out > 1);
    assert_memory_equal(b.out[1].bytes, b.out[0].bytes, b.out[0].n);
    wire_run();
    node_pass(&b, 200);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).children, 2);
}

/* The fifth message goes to port 4500 when there is a NAT, and stays there when a copy of the fourth comes to port 500. */
static void a_copy_does_not_bring_an_initiator_back_to_port_500(void **state)
{
    (void)state;
    static uint8_t fourth[2048];
    ike_path seen = path_to(&a);
    v1_begin(3);
    ike_path at_b = path_back(&a.out[0].path);
    at_b.remote = lab_addr("198.51.100.1:500"); /* there is a box between */
    assert_int_equal(node_input(&b, &at_b, a.out[0].bytes, a.out[0].n), IKE_OK);
    a.n_out = 0;
    size_t n = b.out[0].n;
    memcpy(fourth, b.out[0].bytes, n);
    assert_int_equal(node_input(&a, &seen, fourth, n), IKE_OK);
    assert_int_equal(a.n_out, 1);
    assert_true(a.out[0].path.encap && a.out[0].path.remote.port == 4500 && a.out[0].path.local.port == 4500);
    assert_int_equal(node_input(&a, &seen, fourth, n), IKE_OK);
    assert_int_equal(a.n_out, 2);
    assert_true(a.out[1].path.encap && a.out[1].path.remote.port == 4500 && a.out[1].path.local.port == 4500);
    assert_memory_equal(a.out[1].bytes, a.out[0].bytes, a.out[0].n);
    b.n_out = 0;
}

/* The same with the third of Aggressive Mode, with which the exchange is over for us. */
static void nor_does_a_copy_of_aggressive_modes_answer(void **state)
{
    (void)state;
    static uint8_t second[2048];
    ike_path seen = path_to(&a);
    node_speaks_v1(&a, allow_aggressive);
    node_speaks_v1(&b, allow_aggressive);
    v1_begin(1);
    ike_path at_b = path_back(&a.out[0].path);
    at_b.remote = lab_addr("198.51.100.1:500");
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    s.remote = (ike_addr){0};
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
    assert_int_equal(node_input(&b, &at_b, a.out[0].bytes, a.out[0].n), IKE_OK);
    a.n_out = 0;
    assert_int_equal(b.n_out, 1);
    size_t n = b.out[0].n;
    memcpy(second, b.out[0].bytes, n);
    assert_int_equal(node_input(&a, &seen, second, n), IKE_OK);
    assert_true(a.n_out > 0 && a.out[0].path.encap && a.out[0].path.remote.port == 4500);
    a.n_out = 1;
    assert_int_equal(node_input(&a, &seen, second, n), IKE_OK);
    assert_int_equal(a.n_out, 2);
    assert_memory_equal(a.out[1].bytes, a.out[0].bytes, a.out[0].n);
    assert_true(a.out[1].path.encap && a.out[1].path.remote.port == 4500);
    b.n_out = 0;
}

/* Ten in a second are enough for any peer. */
static void copies_are_answered_with_the_same_octets_but_not_without_end(void **state)
{
    (void)state;
    v1_begin(2);
    ike_path path = path_to(&b);
    struct ike_sa *sa = node_sa(&a);
    static uint8_t first[2048];
    const struct ike_sent *s = IKE_OF(sa->outstanding.next, struct ike_exchange, link)->sent;
    size_t n = s->len;
    memcpy(first, s->data, n);
    for (unsigned i = 0; i < 40; i++) {
        (void)node_input(&b, &path, first, n);
    }
    assert_int_equal(b.n_out, 11);
    assert_memory_equal(b.out[10].bytes, b.out[0].bytes, b.out[0].n);
    assert_int_equal(counters(&b).sas, 1);
    a.n_out = b.n_out = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_responder_of_main_mode_repeats_nothing_by_itself, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_responder_of_aggressive_mode_repeats_once, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(an_initiator_repeats_each_message_until_it_is_answered, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_responder_of_quick_mode_repeats_until_it_has_the_last_message, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_copy_does_not_bring_an_initiator_back_to_port_500, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(nor_does_a_copy_of_aggressive_modes_answer, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(copies_are_answered_with_the_same_octets_but_not_without_end, v1_is_new, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
