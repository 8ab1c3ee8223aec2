/* SPDX-License-Identifier: ISC
 *
 * Informational of IKEv1 (RFC 2409 section 5.7, RFC 3706): deletes and probes as the peer says them, and what we say.
 */
#include "unit/v1_help.h"

static void with_dpd(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)x, (void)child;
    s->dpd_s = 3600;
}

static int up(void **state)
{
    (void)state;
    v1_up(NULL, with_dpd);
    return 0;
}

static void put_esp(struct ike_chain *c, uint32_t spi) { ike_v1_put_delete_spis(c, IKE_PROTO1_ESP, &spi, 1); }

static void a_delete_takes_the_child_the_peer_names_by_our_outbound_spi(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    put_esp(&c, node_child(&b)->spi_in); /* ours: it means nothing */
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_int_equal(counters(&b).children, 1);
    c = v1_chain(&b);
    put_esp(&c, node_child(&b)->spi_out);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 78, &c), IKE_OK);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(b.removes, 2);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(b.n_out, 0); /* nothing is answered */
}

static void what_is_not_proved_changes_nothing(void **state)
{
    (void)state;
    ike_path path = path_to(&b);
    ike_time seen = node_sa(&b)->last_in;
    struct ike_chain c = v1_chain(&b);
    put_esp(&c, node_child(&b)->spi_out);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    size_t n = v1_forge(&b, IKE_X1_INFORMATIONAL, 77, &c, false);
    path.remote = lab_addr("192.0.2.99:500");
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(counters(&b).children, 1);
    assert_true(node_sa(&b)->last_in == seen);
    assert_false(ike_v1_mid_used(node_sa(&b)->v1, 77)); /* no room is taken up by forgeries */
    /* In clear, with the right cookies. */
    struct ike_chain clear = inner_chain();
    struct ike_header h = {.spi_i = node_sa(&b)->spi_i, .spi_r = node_sa(&b)->spi_r, .version = IKE_V1_VERSION};
    ike_v1_put_delete_isakmp(&clear, h.spi_i, h.spi_r);
    h.exchange = IKE_X1_INFORMATIONAL;
    h.next = clear.first;
    h.mid = 5;
    h.length = (uint32_t)(IKE_HEADER_LEN + clear.w.len);
    ike_header_write(forged, &h);
    memcpy(forged + IKE_HEADER_LEN, clear.w.p, clear.w.len);
    (void)node_input(&b, &path, forged, h.length);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(b.n_out, 0);
}

static void a_replay_is_dropped(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    ike_path path = path_to(&b);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_R_U_THERE, IKE_STR("\0\0\0\1"));
    size_t n = v1_forge(&b, IKE_X1_INFORMATIONAL, 77, &c, true);
    assert_int_equal(node_input(&b, &path, forged, n), IKE_OK);
    assert_int_equal(b.n_out, 1);
    ike_time seen = node_sa(&b)->last_in;
    now += 600 * IKE_SEC;
    path.remote = lab_addr("192.0.2.99:500");
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 1);
    assert_true(node_sa(&b)->last_in == seen);
    b.n_out = 0;
}

static void a_delete_of_other_cookies_is_passed_over(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r + 1);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_int_equal(counters(&b).sas, 1);
    c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 78, &c), IKE_OK);
    assert_int_equal(counters(&b).sas, 0);
    assert_int_equal(counters(&b).children, 1); /* it does not hang on the IKE SA */
}

/* What has no IKE SA any more goes with its connection nonetheless. */
static void orphans_go_when_their_connection_goes(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(b.removes, 2);
}

static void orphans_go_when_the_engine_closes(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_int_equal(ike_engine_close(b.e, now), IKE_OK);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(b.removes, 2);
}

/* Its Delete had still to leave, and now there is no IKE SA that it could leave by. */
static void what_is_being_deleted_does_not_outlive_the_ike_sa(void **state)
{
    (void)state;
    b.lab.allowed = 1; /* the task, but not its exchange */
    assert_int_equal(ike_child_close(b.e, node_child(&b)->id, now), IKE_OK);
    b.lab.allowed = -1;
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).children, 1);
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(b.removes, 2);
}

/* The peer crashed after it had deleted the IKE SA: what it says of itself holds for the children that are left, too. */
static void initial_contact_ends_orphans(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    ike_settings s;
    ike_engine_free(a.e);
    memset(&a, 0, sizeof a);
    node_settings(&a, &s);
    a.lab.seed = 4711;
    assert_int_equal(ike_engine_new(&a.e, &s, now), IKE_OK);
    assert_int_equal(node_conn(&a, "secret", &a.conn), IKE_OK);
    node_speaks_v1(&a, NULL);
    now += IKE_SEC;
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(b.removes, 2);
}

/* But one that has such children itself must not say so. */
static void who_has_orphans_does_not_claim_to_know_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        struct ike_chain c = v1_chain(x);
        ike_v1_put_delete_isakmp(&c, node_sa(x)->spi_i, node_sa(x)->spi_r);
        assert_int_equal(v1_say(x, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
        assert_int_equal(counters(x).sas, 0);
    }
    now += IKE_SEC;
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(counters(&b).children, 2);
    assert_int_equal(a.removes + b.removes, 0);
}

/* Our answer has left, the peer's last message has not come: it has changed its mind. */
static void a_delete_ends_a_quick_mode_that_is_not_complete(void **state)
{
    (void)state;
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK);
    b.n_out = 0;
    assert_int_equal(counters(&b).children, 2);
    struct ike_child *young = ike_child_by_spi_in(&b.e->db, 0);
    ike_child_id id = 0;
    for (struct ike_child *k; (k = ike_slots_next(&b.e->db.children, id, &id));) {
        young = k->established ? young : k;
    }
    assert_non_null(young);
    struct ike_chain c = v1_chain(&b);
    put_esp(&c, young->spi_out);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 99, &c), IKE_OK);
    assert_int_equal(counters(&b).children, 1);
    now += 30 * IKE_SEC;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(b.n_out, 0); /* its answer is not repeated any more */
}

/* A Delete is not held up by what is under way, on either side. */
static void a_responder_says_all_its_deletes_at_once(void **state)
{
    (void)state;
    assert_int_equal(ike_sa_check(b.e, node_sa(&b)->id, now), IKE_OK);
    assert_int_equal(b.n_out, 1);
    b.n_out = 0; /* nobody answers that */
    assert_int_equal(ike_sa_close(b.e, node_sa(&b)->id, now), IKE_OK);
    assert_int_equal(b.n_out, 2);
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
}

static void a_probe_is_answered_with_its_number(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    struct ike_message m;
    struct ike_v1_notify n;
    uint8_t cookies[16];
    ike_bytes spi = ike_v1_cookies(cookies, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, spi, IKE_N1_R_U_THERE, IKE_STR("\1\2\3\4"));
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    v1_open_first(&b, &m);
    assert_int_equal(m.h.exchange, IKE_X1_INFORMATIONAL);
    assert_int_equal(ike_v1_notify_parse(&n, ike_message_find(&m, IKE_P1_NOTIFY, 0)), IKE_OK);
    assert_int_equal(n.type, IKE_N1_R_U_THERE_ACK);
    assert_true(n.protocol == IKE_PROTO1_ISAKMP && ike_bytes_equal(ike_bytes_of(n.spi, n.spi_len), spi));
    assert_true(ike_bytes_equal(n.data, IKE_STR("\1\2\3\4")));
    b.n_out = 0;
}

static unsigned probes_answered_by(uint32_t off)
{
    struct ike_chain c = v1_chain(&a);
    uint8_t number[4];
    ike_store32(number, node_sa(&a)->v1->dpd_sent + off);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_R_U_THERE_ACK, ike_bytes_of(number, 4));
    assert_int_equal(v1_say(&a, IKE_X1_INFORMATIONAL, 1000 + off, &c), IKE_OK);
    return ike_list_empty(&node_sa(&a)->outstanding);
}

/* Each time of a fresh message id, for the peer takes none twice; its number stays. */
static void only_the_number_that_was_asked_ends_a_probe(void **state)
{
    (void)state;
    assert_int_equal(ike_sa_check(a.e, node_sa(&a)->id, now), IKE_OK);
    struct ike_message m;
    v1_open_first(&a, &m);
    uint32_t mid = m.h.mid, number = node_sa(&a)->v1->dpd_sent;
    assert_false(probes_answered_by(1));
    now += 10 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    v1_open_first(&a, &m);
    assert_true(m.h.mid != mid && node_sa(&a)->v1->dpd_sent == number);
    assert_true(probes_answered_by(0));
    a.n_out = 0;
}

static void with_short_dpd(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)x, (void)child;
    s->dpd_s = 30;
}

/* Peers of IKEv1 are silent about what they do not want, so a Quick Mode without an answer says nothing of the peer: it is asked,
 * though it is open. */
static void a_peer_that_is_gone_is_found_whatever_is_open(void **state)
{
    (void)state;
    struct ike_message m;
    unsigned probes = 0;
    pair_end();
    v1_up(NULL, with_short_dpd);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    for (unsigned i = 0; i < 60; i++) { /* it is given up after two minutes */
        now += IKE_SEC;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
        for (unsigned k = 0; k < a.n_out; k++) {
            assert_int_equal(ike_message_parse(&m, a.out[k].bytes, a.out[k].n), IKE_OK);
            probes += m.h.exchange == IKE_X1_INFORMATIONAL;
        }
        a.n_out = 0;
    }
    assert_true(probes > 0);
}

static void probe_b(uint32_t from, uint32_t to)
{
    b.e->core.set.requests_per_second = 1000000;
    for (uint32_t i = from; i < to; i++) {
        struct ike_chain c = v1_chain(&b);
        ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_R_U_THERE, IKE_STR("\0\0\0\1"));
        (void)v1_say(&b, IKE_X1_INFORMATIONAL, i, &c);
        b.n_out = 0;
    }
}

/* What wants an answer is rationed; what makes us hold less is not. */
static void a_peer_is_answered_only_so_often(void **state)
{
    (void)state;
    unsigned answers = 0;
    b.e->core.set.requests_per_second = 2; /* and forty saved up */
    for (unsigned i = 0; i < 200; i++) {
        struct ike_chain c = v1_chain(&b);
        now += i == 100 ? IKE_SEC : 0;
        ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_R_U_THERE, IKE_STR("\0\0\0\1"));
        assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 1000 + i, &c), IKE_OK);
        answers += b.n_out;
        b.n_out = 0;
    }
    assert_int_equal(answers, 42);
    assert_int_equal(counters(&b).rate_limited, 158);
    struct ike_chain c = v1_chain(&b);
    put_esp(&c, node_child(&b)->spi_out);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 78, &c), IKE_OK);
    assert_int_equal(counters(&b).children, 0);
}

/* Each probe costs two: that of the question, that of the answer. */
static void an_sa_that_has_seen_many_ids_is_replaced(void **state)
{
    (void)state;
    probe_b(1, IKE_V1_MIDS_MANY / 2 + 2);
    now += IKE_SEC;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(b.n_out, 1);
    wire_run();
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 1);
    assert_int_equal(counters(&b).children, 1);
}

/* One that cannot be replaced goes, and says so; its children outlive it. */
static void an_sa_without_ids_goes(void **state)
{
    (void)state;
    assert_int_equal(ike_conn_hold(b.e, b.conn, NULL, now), IKE_OK);
    probe_b(1, IKE_V1_MIDS_LAST / 2 + 2);
    now += IKE_SEC;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    while (b.n_out) {
        (void)wire_step(&b);
        a.n_out = 0;
    }
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(counters(&b).children, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_delete_takes_the_child_the_peer_names_by_our_outbound_spi, up, pair_is_over),
        cmocka_unit_test_setup_teardown(what_is_not_proved_changes_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_replay_is_dropped, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_delete_of_other_cookies_is_passed_over, up, pair_is_over),
        cmocka_unit_test_setup_teardown(orphans_go_when_their_connection_goes, up, pair_is_over),
        cmocka_unit_test_setup_teardown(orphans_go_when_the_engine_closes, up, pair_is_over),
        cmocka_unit_test_setup_teardown(what_is_being_deleted_does_not_outlive_the_ike_sa, up, pair_is_over),
        cmocka_unit_test_setup_teardown(initial_contact_ends_orphans, up, pair_is_over),
        cmocka_unit_test_setup_teardown(who_has_orphans_does_not_claim_to_know_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_delete_ends_a_quick_mode_that_is_not_complete, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_responder_says_all_its_deletes_at_once, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_probe_is_answered_with_its_number, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_that_is_gone_is_found_whatever_is_open, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_is_answered_only_so_often, up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_sa_that_has_seen_many_ids_is_replaced, up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_sa_without_ids_goes, up, pair_is_over),
        cmocka_unit_test_setup_teardown(only_the_number_that_was_asked_ends_a_probe, up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
