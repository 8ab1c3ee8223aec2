/* SPDX-License-Identifier: ISC
 *
 * CREATE_CHILD_SA for children (RFC 7296 sections 1.3.1 and 1.3.3): a further one, a rekey, and what a refusal leads to.
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

static void either_side_makes_a_further_child(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        (void)up(state);
        assert_int_equal(ike_initiate(x->e, x->conn, "six", now), IKE_OK);
        assert_int_equal(x->out[0].bytes[18], IKE_X_CREATE_CHILD_SA);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 2);
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 2);
        assert_true(counters(&a).children == 2 && counters(&b).children == 2);
        assert_true(a.adds == 4 && b.adds == 4 && a.removes + b.removes == 0);
        assert_int_equal(counters(&a).sas, 1);
        (void)down(state);
    }
}

static void a_rekey_replaces_and_deletes_the_old_one(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        (void)up(state);
        uint32_t in = child_of(&a)->spi_in, out = child_of(&a)->spi_out;
        assert_int_equal(ike_child_rekey(x->e, child_of(x)->id, now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 1);
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), 1);
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN) + node_saw(&b, IKE_EV_CHILD_DOWN), 0);
        assert_true(counters(&a).children == 1 && counters(&b).children == 1);
        assert_true(child_of(&a)->spi_in != in && child_of(&a)->spi_out != out);
        assert_true(child_of(&a)->spi_in == child_of(&b)->spi_out && child_of(&a)->spi_out == child_of(&b)->spi_in);
        assert_true(a.removes == 2 && b.removes == 2);
        (void)down(state);
    }
}

/* a asks for a new child in place of the one it has; a stranger answers with a notify instead of the peer. */
static void rekey_refused_with(uint16_t notify)
{
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    assert_true(open_reply(&a, &m));
    assert_int_equal(m.h.exchange, IKE_X_CREATE_CHILD_SA);
    a.n_out = 0;
    ike_put_notify_spi(&c, IKE_PROTO_ESP, child_of(&a)->spi_in, notify, ike_bytes_of(NULL, 0));
    size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(&a, &path, forged, n);
}

/* The peer has not got it any more, so its Delete was lost: ours goes silently (RFC 7296 section 2.25). */
static void what_the_peer_does_not_find_is_dropped(void **state)
{
    (void)state;
    ike_child_id old = child_of(&a)->id;
    ike_child_info info;
    assert_int_equal(ike_child_rekey(a.e, old, now), IKE_OK);
    rekey_refused_with(IKE_N_CHILD_SA_NOT_FOUND);
    assert_int_equal(ike_child_get(a.e, old, &info), IKE_ERR_NOT_FOUND);
    assert_int_equal(a.removes, 2);
    assert_int_equal(counters(&a).sas, 1);
    for (unsigned i = 0; i < a.n_out; i++) {
        assert_int_not_equal(a.out[i].bytes[18], IKE_X_INFORMATIONAL);
    }
}

static void a_temporary_failure_is_tried_again_after_the_pause(void **state)
{
    (void)state;
    uint32_t in = child_of(&a)->spi_in;
    assert_int_equal(ike_child_rekey(a.e, child_of(&a)->id, now), IKE_OK);
    rekey_refused_with(IKE_N_TEMPORARY_FAILURE);
    assert_true(a.n_out == 0 && child_of(&a)->spi_in == in);
    ike_time begun = now;
    while (a.n_out == 0 && now - begun < 60 * IKE_SEC) {
        now += 100 * IKE_MS;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
    }
    assert_true(now - begun >= 10 * IKE_SEC && now - begun <= 21 * IKE_SEC); /* 10 s and as much jitter at most */
    struct ike_message m;
    assert_true(open_reply(&a, &m));
    struct ike_notify n;
    assert_true(m.h.exchange == IKE_X_CREATE_CHILD_SA && ike_message_notify(&m, IKE_N_REKEY_SA, &n));
    assert_true(ike_load32(n.spi) == in);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 0);
}

static void two_rekey_notifies_are_refused(void **state)
{
    (void)state;
    static const uint8_t nonce[32] = {9, 8, 7};
    struct ike_message m;
    struct ike_notify said;
    struct ike_proposals *p = NULL;
    ike_allocator mem = {lab_alloc, lab_release, &a.lab};
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    ike_ts i = lab_ts("10.1.0.0/16"), r = lab_ts("10.2.0.0/16");
    const char *nearest;
    size_t at;
    for (unsigned k = 0; k < 2; k++) {
        ike_put_notify_spi(&c, IKE_PROTO_ESP, child_of(&b)->spi_out, IKE_N_REKEY_SA, ike_bytes_of(NULL, 0));
    }
    assert_int_equal(ike_proposals_parse_for(&p, ike_default_child_proposals(), IKE_PROTO_ESP, ike_crypto_default(), true, &mem,
                                             &at, &nearest),
                     IKE_OK);
    ike_put_sa(&c, p, (const uint8_t *)"\0\0\x50\1", 4, false, NULL);
    ike_proposals_free(p, &mem);
    ike_put_payload(&c, IKE_P_NONCE, ike_bytes_of(nonce, sizeof nonce));
    ike_put_ts(&c, IKE_P_TSI, &i, 1);
    ike_put_ts(&c, IKE_P_TSR, &r, 1);
    size_t n = forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c);
    (void)node_input(&b, &path, forged, n);
    assert_true(open_reply(&b, &m) && ike_message_error(&m, &said));
    assert_int_equal(said.type, IKE_N_INVALID_SYNTAX);
    assert_int_equal(b.adds, 2);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_side_makes_a_further_child),
        cmocka_unit_test(a_rekey_replaces_and_deletes_the_old_one),
        cmocka_unit_test_setup_teardown(what_the_peer_does_not_find_is_dropped, up, down),
        cmocka_unit_test_setup_teardown(a_temporary_failure_is_tried_again_after_the_pause, up, down),
        cmocka_unit_test_setup_teardown(two_rekey_notifies_are_refused, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
