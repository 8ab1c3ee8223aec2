/* SPDX-License-Identifier: ISC
 *
 * CREATE_CHILD_SA for children (RFC 7296 sections 1.3.1 and 1.3.3): a further one, a rekey, and what a refusal leads to.
 */
#include "unit/engine_help.h"

static void either_side_makes_a_further_child(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        (void)pair_is_up(state);
        assert_int_equal(ike_initiate(x->e, x->conn, "six", now), IKE_OK);
        assert_int_equal(x->out[0].bytes[18], IKE_X_CREATE_CHILD_SA);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 2);
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 2);
        assert_true(counters(&a).children == 2 && counters(&b).children == 2);
        assert_true(a.adds == 4 && b.adds == 4 && a.removes + b.removes == 0);
        assert_int_equal(counters(&a).sas, 1);
        (void)pair_is_over(state);
    }
}

static void a_rekey_replaces_and_deletes_the_old_one(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        (void)pair_is_up(state);
        uint32_t in = node_child(&a)->spi_in, out = node_child(&a)->spi_out;
        assert_int_equal(ike_child_rekey(x->e, node_child(x)->id, now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 1);
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), 1);
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN) + node_saw(&b, IKE_EV_CHILD_DOWN), 0);
        assert_true(counters(&a).children == 1 && counters(&b).children == 1);
        assert_true(node_child(&a)->spi_in != in && node_child(&a)->spi_out != out);
        assert_true(node_child(&a)->spi_in == node_child(&b)->spi_out && node_child(&a)->spi_out == node_child(&b)->spi_in);
        assert_true(a.removes == 2 && b.removes == 2);
        (void)pair_is_over(state);
    }
}

/* a has asked for a child; a stranger answers with a notify instead of the peer. */
static void refused_with(uint16_t notify, ike_bytes data)
{
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    assert_true(open_reply(&a, &m));
    assert_int_equal(m.h.exchange, IKE_X_CREATE_CHILD_SA);
    a.n_out = 0;
    ike_put_notify_spi(&c, IKE_PROTO_ESP, node_child(&a)->spi_in, notify, data);
    size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(&a, &path, forged, n);
}

static void rekey_refused_with(uint16_t notify) { refused_with(notify, ike_bytes_of(NULL, 0)); }

/* The peer has not got it any more, so its Delete was lost: ours goes silently (RFC 7296 section 2.25). */
static void what_the_peer_does_not_find_is_dropped(void **state)
{
    (void)state;
    ike_child_id old = node_child(&a)->id;
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
    uint32_t in = node_child(&a)->spi_in;
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    rekey_refused_with(IKE_N_TEMPORARY_FAILURE);
    assert_true(a.n_out == 0 && node_child(&a)->spi_in == in);
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

/* Fatal in both peers (RFC 7296 section 2.21.3): the SA goes here as it went there, and nothing more is said. */
static void invalid_syntax_ends_the_ike_sa(void **state)
{
    for (unsigned rekey = 0; rekey < 2; rekey++) {
        (void)pair_is_up(state);
        if (rekey) {
            assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
        } else {
            assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
        }
        answer_with(&a, IKE_N_INVALID_SYNTAX);
        assert_int_equal(counters(&a).sas + counters(&a).children, 0);
        assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
        assert_int_equal(a.n_out, 0);
        node_failed(&a, IKE_FAIL_PEER_SYNTAX, IKE_DECIDER_PEER);
        (void)pair_is_over(state);
    }
}

/* A peer that makes children in IKE_AUTH only (RFC 7296 section 4) is of use for one more as long as it has none: the IKE SA is
 * made anew. While it has another child, nothing of that happens. */
static void without_children_no_additional_sas_ends_the_ike_sa(void **state)
{
    for (unsigned other = 0; other < 2; other++) {
        struct ike_message m;
        struct ike_notify n;
        (void)pair_is_up(state);
        if (!other) {
            assert_int_equal(ike_child_close(a.e, node_child(&a)->id, now), IKE_OK);
            wire_run();
        }
        assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
        answer_with(&a, IKE_N_NO_ADDITIONAL_SAS);
        assert_int_equal(a.n_out, other ? 0 : 1);
        assert_int_equal(counters(&a).children, other);
        if (!other) {
            assert_true(open_reply(&a, &m) && m.h.exchange == IKE_X_INFORMATIONAL);
            assert_non_null(ike_message_find(&m, IKE_P_DELETE, 0));
            assert_false(ike_message_error(&m, &n));
        }
        (void)pair_is_over(state);
    }
}

/* A request of the stranger's to b, with what c has already. */
static size_t request(struct ike_chain *c, const char *proposals, const uint8_t *public_value)
{
    static const uint8_t nonce[32] = {9, 8, 7};
    struct ike_proposals *p = NULL;
    ike_allocator mem = {lab_alloc, lab_release, &a.lab};
    ike_ts i = lab_ts("10.1.0.0/16"), r = lab_ts("10.2.0.0/16");
    size_t at;
    assert_int_equal(ike_proposals_parse_for(&p, proposals, IKE_PROTO_ESP, ike_crypto_default(), true, &mem, &at),
                     IKE_OK);
    ike_put_sa(c, p, (const uint8_t *)"\0\0\x50\1", 4, public_value != NULL, NULL);
    ike_proposals_free(p, &mem);
    ike_put_payload(c, IKE_P_NONCE, ike_bytes_of(nonce, sizeof nonce));
    if (public_value) {
        ike_put_ke(c, 31, ike_bytes_of(public_value, 32));
    }
    ike_put_ts(c, IKE_P_TSI, &i, 1);
    ike_put_ts(c, IKE_P_TSR, &r, 1);
    return forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, c);
}

static void two_rekey_notifies_are_refused(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_notify said;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    for (unsigned k = 0; k < 2; k++) {
        ike_put_notify_spi(&c, IKE_PROTO_ESP, node_child(&b)->spi_out, IKE_N_REKEY_SA, ike_bytes_of(NULL, 0));
    }
    size_t n = request(&c, ike_default_child_proposals(), NULL);
    (void)node_input(&b, &path, forged, n);
    assert_true(open_reply(&b, &m) && ike_message_error(&m, &said));
    assert_int_equal(said.type, IKE_N_INVALID_SYNTAX);
    assert_int_equal(b.adds, 2);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), 0);
}

/* 9 is the base point of X25519; with 0 the secret is zero, which shows when it is computed (RFC 8031 section 2). */
static void a_value_that_gives_no_secret_is_refused(void **state)
{
    for (unsigned good = 0; good < 2; good++) {
        struct ike_message m;
        struct ike_notify said;
        struct ike_chain c = inner_chain();
        ike_path path = path_to(&b);
        uint8_t value[32] = {good ? 9 : 0};
        (void)pair_is_up(state);
        size_t n = request(&c, "aes256gcm16-x25519", value);
        (void)node_input(&b, &path, forged, n);
        assert_true(open_reply(&b, &m));
        assert_true(ike_message_error(&m, &said) == !good);
        if (!good) {
            assert_int_equal(said.type, IKE_N_INVALID_SYNTAX);
            node_failed(&b, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
        }
        assert_int_equal(counters(&b).sas, good);
        assert_int_equal(b.adds, good ? 4 : 2);
        (void)pair_is_over(state);
    }
}

/* What is given out for ever is no answer: after the limit the IKE SA is of no use (RFC 7296 section 2.25). */
static void a_temporary_failure_without_end_ends_the_sa(void **state)
{
    (void)state;
    ike_time begun = now;
    unsigned asked = 0;
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    while (node_saw(&a, IKE_EV_FAILED) == 0 && now - begun < 600 * IKE_SEC) {
        if (a.n_out) {
            rekey_refused_with(IKE_N_TEMPORARY_FAILURE);
            asked++;
        }
        now += 100 * IKE_MS;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
    }
    /* Three minutes and the pause before the request that is one too many. */
    assert_true(now - begun > 180 * IKE_SEC && now - begun <= 201 * IKE_SEC);
    assert_true(asked >= 10 && asked <= 20);
    node_failed(&a, IKE_FAIL_TEMPORARY, IKE_DECIDER_PEER);
    struct ike_message m;
    assert_true(open_reply(&a, &m));
    assert_true(m.h.exchange == IKE_X_INFORMATIONAL && ike_message_find(&m, IKE_P_DELETE, 0));
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    size_t n = forge_chain(&a, IKE_X_INFORMATIONAL, IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(&a, &path, forged, n);
    assert_int_equal(counters(&a).sas + counters(&a).children, 0);
}

static void what_the_peer_says_is_the_reason(void **state)
{
    static const struct {
        uint16_t notify, code;
        bool up; /* the IKE SA and its other child stay */
    } rows[] = {
        {IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_CHILD_PROPOSAL, true},
        {IKE_N_TS_UNACCEPTABLE, IKE_FAIL_SELECTORS, true},
        {IKE_N_SINGLE_PAIR_REQUIRED, IKE_FAIL_SELECTORS, true},
        {IKE_N_NO_ADDITIONAL_SAS, IKE_FAIL_NO_ADDITIONAL_SAS, true},
        {IKE_N_INVALID_SYNTAX, IKE_FAIL_PEER_SYNTAX, false},
        {IKE_N_INVALID_KE_PAYLOAD, IKE_FAIL_KE_GROUP, true}, /* asks for modp768, which was not offered */
        {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_FAIL_CRITICAL_PAYLOAD, true},
        {IKE_N_CHILD_SA_NOT_FOUND, IKE_FAIL_PEER_ERROR, true}, /* no child was named */
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        (void)pair_is_up(state);
        assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
        refused_with(rows[i].notify, ike_bytes_of("\0\1", 2));
        node_failed(&a, rows[i].code, IKE_DECIDER_PEER);
        assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
        assert_true(counters(&a).sas == rows[i].up && counters(&a).children == rows[i].up);
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), !rows[i].up);
        (void)pair_is_over(state);
    }
}

static void limit_children(struct node *x, uint32_t most)
{
    ike_conn_info info;
    assert_int_equal(ike_conn_get(x->e, x->conn, &info), IKE_OK);
    ike_conn_settings s = *info.settings;
    s.max_children = most;
    s.secret = IKE_STR("secret"); /* is not shown */
    assert_int_equal(ike_conn_replace(x->e, x->conn, &s, false, now), IKE_OK);
}

static void more_children_than_the_limit_are_refused(void **state)
{
    (void)state;
    limit_children(&b, 1);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    wire_run();
    node_failed(&b, IKE_FAIL_LIMIT, IKE_DECIDER_US);
    node_failed(&a, IKE_FAIL_NO_ADDITIONAL_SAS, IKE_DECIDER_PEER);
    assert_true(counters(&a).children == 1 && counters(&b).children == 1);
    assert_true(counters(&a).sas == 1 && counters(&b).sas == 1);
    limit_children(&b, 2);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    wire_run();
    assert_true(counters(&a).children == 2 && counters(&b).children == 2);
}

/* It replaces one, so a full IKE SA does not lose its children at their first rekey. */
static void a_rekey_at_the_limit_is_served(void **state)
{
    (void)state;
    limit_children(&b, 1);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), i);
        assert_true(counters(&a).children == 1 && counters(&b).children == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_side_makes_a_further_child),
        cmocka_unit_test(a_rekey_replaces_and_deletes_the_old_one),
        cmocka_unit_test_setup_teardown(what_the_peer_does_not_find_is_dropped, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_temporary_failure_is_tried_again_after_the_pause, pair_is_up, pair_is_over),
        cmocka_unit_test(invalid_syntax_ends_the_ike_sa),
        cmocka_unit_test(without_children_no_additional_sas_ends_the_ike_sa),
        cmocka_unit_test_setup_teardown(two_rekey_notifies_are_refused, pair_is_up, pair_is_over),
        cmocka_unit_test(a_value_that_gives_no_secret_is_refused),
        cmocka_unit_test_setup_teardown(a_temporary_failure_without_end_ends_the_sa, pair_is_up, pair_is_over),
        cmocka_unit_test(what_the_peer_says_is_the_reason),
        cmocka_unit_test_setup_teardown(more_children_than_the_limit_are_refused, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_rekey_at_the_limit_is_served, pair_is_up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
