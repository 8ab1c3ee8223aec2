/* SPDX-License-Identifier: ISC
 *
 * Rekey of an IKE SA (RFC 7296 sections 1.3.2 and 2.18): what the new one has and inherits, and requests that cannot be served
 * or come too often.
 */
#include "unit/engine_help.h"

#include "exchange/v2/v2.h"

static void rekey_by(struct node *x)
{
    assert_int_equal(ike_sa_rekey(x->e, node_sa(x)->id, now), IKE_OK);
    assert_int_equal(x->n_out, 1);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 1);
}

static void the_new_sa_has_new_spis_and_the_old_one_is_deleted(void **state)
{
    (void)state;
    uint64_t spi_i = node_sa(&a)->spi_i, spi_r = node_sa(&a)->spi_r;
    ike_sa_id old_a = node_sa(&a)->id, old_b = node_sa(&b)->id;
    ike_sa_info info;
    rekey_by(&a);
    const struct ike_sa *na = node_sa(&a), *nb = node_sa(&b);
    assert_true(na->spi_i && na->spi_r && na->spi_i != spi_i && na->spi_r != spi_r);
    assert_true(na->spi_i == nb->spi_i && na->spi_r == nb->spi_r);
    assert_int_equal(ike_sa_get(a.e, old_a, &info), IKE_ERR_NOT_FOUND);
    assert_true(ike_sa_get(b.e, old_b, &info) != IKE_OK || old_b != nb->id);
    assert_int_equal(counters(&a).sas, 1);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN) + node_saw(&b, IKE_EV_SA_DOWN), 0);
}

/* Who began the rekey is the initiator of the new SA, whoever was it of the old one; both count from 0. */
static void roles_and_message_ids_begin_anew(void **state)
{
    (void)state;
    struct ike_message m;
    assert_true(node_sa(&a)->initiator && !node_sa(&b)->initiator);
    rekey_by(&b);
    assert_true(!node_sa(&a)->initiator && node_sa(&b)->initiator);
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        assert_true(node_sa(x)->own_mid == 0 && node_sa(x)->peer_mid == i); /* the second turn: one request was served */
        assert_int_equal(ike_sa_check(x->e, node_sa(x)->id, now), IKE_OK);
        assert_int_equal(ike_message_parse(&m, x->out[0].bytes, x->out[0].n), IKE_OK);
        assert_int_equal(m.h.mid, 0);
        assert_true(m.h.spi_i == node_sa(&b)->spi_i && m.h.spi_r == node_sa(&b)->spi_r);
        assert_int_equal((m.h.flags & IKE_FLAG_INITIATOR) != 0, x == &b);
        wire_run();
    }
    assert_int_equal(node_sa(&a)->own_mid, 1);
}

static void the_children_move(void **state)
{
    (void)state;
    ike_child_id id[2] = {node_child(&a)->id, node_child(&b)->id};
    uint32_t spi = node_child(&a)->spi_in;
    unsigned adds = a.adds;
    rekey_by(&a);
    assert_true(node_child(&a)->id == id[0] && node_child(&b)->id == id[1]);
    assert_true(node_child(&a)->sa == node_sa(&a)->id && node_child(&b)->sa == node_sa(&b)->id);
    assert_true(node_child(&a)->spi_in == spi && a.adds == adds);
    assert_int_equal(a.removes + b.removes, 0);
    assert_int_equal(ike_child_close(b.e, id[1], now), IKE_OK); /* through the new SA */
    wire_run();
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
}

/* A peer behind a NAT may get another mapping while the rekey is open. */
static void the_new_sa_goes_where_the_old_one_went_last(void **state)
{
    (void)state;
    ike_addr there = lab_addr("203.0.113.9:4711");
    node_sa(&b)->nat_remote = true;
    ike_sa_id old = node_sa(&b)->id;
    assert_int_equal(ike_sa_rekey(b.e, old, now), IKE_OK);
    assert_int_equal(ike_sa_check(a.e, node_sa(&a)->id, now), IKE_OK);
    a.out[0].path.local = there;
    (void)wire_step(&a);
    assert_true(ike_addr_equal(&node_sa(&b)->path.remote, &there));
    (void)wire_step(&b); /* the rekey; the answers come back */
    while (a.n_out) {
        a.out[0].path.local = there;
        (void)wire_step(&a);
    }
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 1);
    ike_sa_info info = {.id = 0};
    do {
        assert_int_equal(ike_sa_next(b.e, info.id, &info), IKE_OK);
    } while (info.state != IKE_SA_ESTABLISHED);
    assert_true(info.id != old && ike_addr_equal(&info.path.remote, &there));
    b.n_out = 0;
}

/* A request of the stranger's to b; the notify it is answered with, 0: none. The public value is `first` and zeros. */
static uint16_t request_with(uint64_t peer_spi, bool with_ke, uint8_t first)
{
    static const uint8_t nonce[32] = {9, 8, 7};
    uint8_t value[32] = {first};
    struct ike_proposals *p = NULL;
    struct ike_chain c = inner_chain();
    ike_allocator mem = {lab_alloc, lab_release, &a.lab};
    ike_path path = path_to(&b);
    struct ike_message m;
    struct ike_notify said;
    uint8_t spi[8];
    size_t at;
    ike_store64(spi, peer_spi);
    assert_int_equal(
        ike_proposals_parse_for(&p, ike_default_ike_proposals(), IKE_PROTO_IKE, ike_crypto_default(), true, &mem, &at),
        IKE_OK);
    ike_put_sa(&c, p, spi, 8, true, NULL);
    ike_proposals_free(p, &mem);
    ike_put_payload(&c, IKE_P_NONCE, ike_bytes_of(nonce, sizeof nonce));
    if (with_ke) {
        ike_put_ke(&c, 31, ike_bytes_of(value, sizeof value));
    }
    size_t n = forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c);
    struct node before = b; /* a rekey that is done hands out the keys of the new SA: the answer has the old ones */
    (void)node_input(&b, &path, forged, n);
    memcpy(b.key, before.key, sizeof b.key);
    memcpy(b.key_len, before.key_len, sizeof b.key_len);
    assert_true(open_reply(&b, &m));
    return ike_message_error(&m, &said) ? said.type : 0;
}

/* 9 is the base point, a valid public value. */
static uint16_t request(uint64_t peer_spi, bool with_ke) { return request_with(peer_spi, with_ke, 9); }

static void a_good_request_is_served(void **state)
{
    (void)state;
    assert_int_equal(request(UINT64_C(0x1122334455667788), true), 0);
    assert_int_equal(counters(&b).sas, 2); /* the old one waits for its Delete */
}

static void a_peer_spi_of_zero_is_refused(void **state)
{
    (void)state;
    assert_int_equal(request(0, true), IKE_N_INVALID_SYNTAX);
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 0);
}

static void a_request_without_key_exchange_is_refused(void **state)
{
    (void)state;
    assert_int_equal(request(UINT64_C(0x1122334455667788), false), IKE_N_INVALID_SYNTAX);
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 0);
}

/* It cannot be told from the value alone, and no key comes of asking again: it is answered, or the window would be stuck. */
static void a_value_that_gives_no_secret_is_refused(void **state)
{
    (void)state;
    assert_int_equal(request_with(UINT64_C(0x1122334455667788), true, 0), IKE_N_INVALID_SYNTAX);
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 0);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1); /* at the peer too, when it hears it */
    node_failed(&b, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
}

/* CREATE_CHILD_SA requests of whatever kind, fifty a second and what was saved up. */
static void too_many_requests_in_a_second_are_put_off(void **state)
{
    (void)state;
    node_sa(&b)->asked.full = now + 3600 * IKE_SEC;
    assert_int_equal(request(UINT64_C(0x1122334455667788), true), IKE_N_TEMPORARY_FAILURE);
    assert_int_equal(counters(&b).sas, 1);
}

/* a's request, taken off the wire. */
static uint32_t begin_rekey(void)
{
    struct ike_message m;
    assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
    assert_true(open_reply(&a, &m) && m.h.exchange == IKE_X_CREATE_CHILD_SA);
    return m.h.mid;
}

static void is_as_before(ike_sa_id sa, ike_child_id child)
{
    assert_true(node_sa(&a)->id == sa && node_child(&a)->id == child && node_child(&a)->sa == sa);
    assert_int_equal(node_sa(&a)->state, IKE_SA_ESTABLISHED);
    assert_true(counters(&a).sas == 1 && counters(&a).children == 1);
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED) + node_saw(&a, IKE_EV_SA_DOWN) + node_saw(&a, IKE_EV_CHILD_DOWN), 0);
    a.n_out = 0;
    (void)begin_rekey(); /* it may be tried again */
}

static void a_refusal_leaves_the_sa_up_and_a_record(void **state)
{
    static const struct {
        uint16_t notify, code;
    } rows[] = {
        {IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_PROPOSAL},
        {IKE_N_NO_ADDITIONAL_SAS, IKE_FAIL_NO_ADDITIONAL_SAS},
        {IKE_N_INVALID_KE_PAYLOAD, IKE_FAIL_KE_GROUP}, /* asks for modp768, which was not offered */
        {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_FAIL_CRITICAL_PAYLOAD},
        {8191, IKE_FAIL_PEER_ERROR}, /* an error nobody has defined */
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        (void)pair_is_up(state);
        ike_sa_id sa = node_sa(&a)->id;
        ike_child_id child = node_child(&a)->id;
        struct ike_chain c = inner_chain();
        ike_path path = path_to(&a);
        uint32_t mid = begin_rekey();
        ike_put_notify(&c, rows[i].notify, ike_bytes_of("\0\1", 2));
        size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, IKE_FLAG_RESPONSE, mid, &c);
        (void)node_input(&a, &path, forged, n);
        node_failed(&a, rows[i].code, IKE_DECIDER_PEER);
        is_as_before(sa, child);
        (void)pair_is_over(state);
    }
}

/* The peer takes what we sent for malformed: that ends the SA in both (RFC 7296 section 2.21.3). */
static void invalid_syntax_ends_the_sa(void **state)
{
    (void)state;
    (void)begin_rekey();
    answer_with(&a, IKE_N_INVALID_SYNTAX);
    node_failed(&a, IKE_FAIL_PEER_SYNTAX, IKE_DECIDER_PEER);
    assert_int_equal(counters(&a).sas + counters(&a).children, 0);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
    assert_int_equal(a.n_out, 0);
}

/* b's true answer, with zeros for its public value. */
static void no_secret_in_the_answer_ends_the_sa(void **state)
{
    (void)state;
    static const uint8_t zeros[32] = {0};
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    struct node before = b;
    uint32_t mid = begin_rekey();
    (void)wire_step(&a);
    memcpy(b.key, before.key, sizeof b.key); /* the answer has the old ones */
    assert_true(open_reply(&b, &m));
    for (unsigned i = 0; i < m.n; i++) {
        if (m.p[i].inner && m.p[i].type == IKE_P_KE) {
            assert_int_equal(ike_load16(m.p[i].body), 31);
            ike_put_ke(&c, 31, ike_bytes_of(zeros, sizeof zeros));
        } else if (m.p[i].inner) {
            ike_put_payload(&c, m.p[i].type, ike_bytes_of(m.p[i].body, m.p[i].len));
        }
    }
    size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, IKE_FLAG_RESPONSE, mid, &c);
    (void)node_input(&a, &path, forged, n);
    node_failed(&a, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
    assert_int_equal(node_sa(&a)->state, IKE_SA_DELETING);
    assert_true(open_reply(&a, &m) && m.h.exchange == IKE_X_INFORMATIONAL && ike_message_find(&m, IKE_P_DELETE, 0));
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), 0);
}

/* ---- Limits ------------------------------------------------------------------------------------------------------------- */

/* The IKE SA of x that is not replaced. */
static struct ike_sa *live(struct node *x)
{
    ike_sa_info info = {.id = 0};
    do {
        assert_int_equal(ike_sa_next(x->e, info.id, &info), IKE_OK);
    } while (info.state != IKE_SA_ESTABLISHED);
    return ike_slots_get(&x->e->db.sas, info.id);
}

/* a rekeys; whether b let it. */
static bool rekeyed(void)
{
    a.n_events = b.n_events = 0;
    ike_tasks_drop(a.e, live(&a)); /* what waits for its pause after a TEMPORARY_FAILURE */
    assert_int_equal(ike_sa_rekey(a.e, live(&a)->id, now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), node_saw(&b, IKE_EV_SA_REKEYED));
    return node_saw(&b, IKE_EV_SA_REKEYED) == 1;
}

/* Each new SA costs a key exchange and minutes of memory; whoever does nothing else is told to wait. */
static void one_rekey_after_another_has_to_wait(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_notify said;
    unsigned served = 0;
    while (served < 100 && rekeyed()) {
        served++;
        now += IKE_SEC;
    }
    assert_int_equal(served, 8);
    ike_tasks_drop(a.e, live(&a));
    assert_int_equal(ike_sa_rekey(a.e, live(&a)->id, now), IKE_OK);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m) && ike_message_error(&m, &said));
    assert_int_equal(said.type, IKE_N_TEMPORARY_FAILURE);
    wire_run();
    now += 5 * IKE_SEC;
    assert_true(rekeyed());
}

static void a_rekey_now_and_then_never_has_to_wait(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 30; i++) {
        now += 5 * IKE_SEC;
        assert_true(rekeyed());
    }
}

/* Otherwise a rekey would be the way round the limit on requests. */
static void the_cap_on_requests_goes_with_the_rekey(void **state)
{
    (void)state;
    struct ike_sa *sa = live(&b);
    assert_true(rekeyed());
    assert_true(live(&b) != sa);
    for (unsigned i = 1; i < 1000; i++) {
        assert_true(ike_guard_serves(&b.e->guard, live(&b)));
    }
    assert_false(ike_guard_serves(&b.e->guard, live(&b)));
    b.e->core.now += IKE_SEC;
    for (unsigned i = 0; i < 50; i++) {
        assert_true(ike_guard_serves(&b.e->guard, live(&b)));
    }
    assert_false(ike_guard_serves(&b.e->guard, live(&b)));
}

static void one_sa(struct node *x, ike_settings *s) { s->max_sas = x == &b ? 1 : s->max_sas; }

/* Silence would be taken for a dead peer. */
static void a_full_database_answers(void **state)
{
    (void)state;
    pair_end();
    pair_up(one_sa);
    b.n_out = 0;
    assert_int_equal(request(UINT64_C(0x1122334455667788), true), IKE_N_NO_ADDITIONAL_SAS);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_new_sa_has_new_spis_and_the_old_one_is_deleted, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(roles_and_message_ids_begin_anew, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(the_children_move, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(the_new_sa_goes_where_the_old_one_went_last, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_good_request_is_served, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_spi_of_zero_is_refused, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_request_without_key_exchange_is_refused, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_value_that_gives_no_secret_is_refused, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(too_many_requests_in_a_second_are_put_off, pair_is_up, pair_is_over),
        cmocka_unit_test(a_refusal_leaves_the_sa_up_and_a_record),
        cmocka_unit_test_setup_teardown(invalid_syntax_ends_the_sa, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(no_secret_in_the_answer_ends_the_sa, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(one_rekey_after_another_has_to_wait, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_rekey_now_and_then_never_has_to_wait, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(the_cap_on_requests_goes_with_the_rekey, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_full_database_answers, pair_is_up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
