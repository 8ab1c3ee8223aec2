/* SPDX-License-Identifier: ISC
 *
 * INFORMATIONAL: liveness and deletes as the peer sees them (RFC 7296 sections 1.4 and 2.25), between two engines or from a
 * stranger who has the keys.
 */
#include "unit/engine_help.h"

static int up(void **state)
{
    (void)state;
    pair_up(NULL);
    a.n_out = b.n_out = 0;
    return 0;
}

static int down(void **state)
{
    (void)state;
    pair_end();
    return 0;
}

static struct ike_child *child_of(struct node *x)
{
    ike_child_info info;
    assert_int_equal(ike_child_next(x->e, 0, &info), IKE_OK);
    return ike_slots_get(&x->e->db.children, info.id);
}

static ike_sa_id sa_of(struct node *x)
{
    ike_sa_info info;
    assert_int_equal(ike_sa_next(x->e, 0, &info), IKE_OK);
    return info.id;
}

/* Hand b a request with the Delete of one child, or an empty one (spi 0); what it answers. */
static struct ike_message ask(uint32_t mid, uint32_t spi)
{
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    if (spi) {
        ike_put_delete_spis(&c, IKE_PROTO_ESP, &spi, 1);
    }
    size_t n = forge_chain(&b, IKE_X_INFORMATIONAL, 0, mid, &c);
    (void)node_input(&b, &path, forged, n);
    assert_true(open_reply(&b, &m));
    assert_int_equal(m.h.exchange, IKE_X_INFORMATIONAL);
    assert_true(m.h.mid == mid && (m.h.flags & IKE_FLAG_RESPONSE));
    return m;
}

static void a_sign_of_life_is_answered_empty(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(ike_sa_check(a.e, sa_of(&a), now), IKE_OK);
    assert_true(open_reply(&a, &m));
    assert_true(m.h.exchange == IKE_X_INFORMATIONAL && m.n == 0 && m.sk_at);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    assert_true((m.h.flags & IKE_FLAG_RESPONSE) && m.n == 0 && m.sk_at);
    wire_run();
    assert_int_equal(ike_tick(a.e, now + 600 * IKE_SEC), IKE_OK);
    assert_int_equal(a.n_out, 0); /* nothing is repeated */
}

static void the_answer_to_a_delete_names_the_other_half(void **state)
{
    (void)state;
    struct ike_delete d;
    uint32_t out = child_of(&b)->spi_out, in = child_of(&b)->spi_in;
    struct ike_message m = ask(2, out);
    assert_int_equal(m.n, 1);
    assert_int_equal(ike_delete_parse(&d, ike_message_find(&m, IKE_P_DELETE, 0)), IKE_OK);
    assert_true(d.protocol == IKE_PROTO_ESP && d.spi_len == 4 && d.count == 1);
    assert_true(ike_load32(d.spis) == in);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(b.removes, 2);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(counters(&b).sas, 1);
}

static void a_delete_of_what_is_not_there_is_answered_empty(void **state)
{
    (void)state;
    struct ike_message m = ask(2, child_of(&b)->spi_out ^ 1);
    assert_int_equal(m.n, 0);
    m = ask(3, child_of(&b)->spi_in); /* the wrong half of the pair */
    assert_int_equal(m.n, 0);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(b.removes, 0);
}

/* Each side has sent its Delete before the other's came: neither answer names the child again. */
static void deletes_that_cross_are_answered_empty(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(ike_child_close(a.e, child_of(&a)->id, now), IKE_OK);
    assert_int_equal(ike_child_close(b.e, child_of(&b)->id, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    assert_int_equal(b.n_out, 1);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    assert_true((m.h.flags & IKE_FLAG_RESPONSE) && m.n == 0);
    (void)wire_step(&b);
    assert_true(open_reply(&a, &m));
    assert_true((m.h.flags & IKE_FLAG_RESPONSE) && m.n == 0);
    wire_run();
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
}

/* The answer may be lost: the SA is gone, and the same request still gets the same octets. */
static void the_answer_to_the_last_delete_can_be_repeated(void **state)
{
    (void)state;
    uint8_t answer[512];
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    ike_put_delete_ike(&c);
    size_t n = forge_chain(&b, IKE_X_INFORMATIONAL, 0, 2, &c);
    (void)node_input(&b, &path, forged, n);
    assert_true(open_reply(&b, &m));
    assert_int_equal(m.n, 0);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
    size_t len = b.out[0].n;
    assert_true(len <= sizeof answer);
    memcpy(answer, b.out[0].bytes, len);
    b.n_out = 0;
    now += IKE_SEC;
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 1);
    assert_int_equal(b.out[0].n, len);
    assert_memory_equal(b.out[0].bytes, answer, len);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sign_of_life_is_answered_empty, up, down),
        cmocka_unit_test_setup_teardown(the_answer_to_a_delete_names_the_other_half, up, down),
        cmocka_unit_test_setup_teardown(a_delete_of_what_is_not_there_is_answered_empty, up, down),
        cmocka_unit_test_setup_teardown(deletes_that_cross_are_answered_empty, up, down),
        cmocka_unit_test_setup_teardown(the_answer_to_the_last_delete_can_be_repeated, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
