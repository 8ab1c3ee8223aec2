/* SPDX-License-Identifier: ISC
 *
 * Connections and commands: names, limits, replacement, stale ids, and what a command on something in another state gives.
 */
#include "unit/engine_help.h"

static int up(void **state)
{
    (void)state;
    pair_up(NULL);
    return 0;
}

static void settings_of(struct node *x, ike_conn_settings *s, ike_child_settings child[2], const char *name)
{
    ike_conn_info info;
    assert_int_equal(ike_conn_get(x->e, x->conn, &info), IKE_OK);
    *s = *info.settings;
    memcpy(child, s->children, 2 * sizeof *child);
    s->children = child;
    s->name = name;
    s->secret = IKE_STR("secret"); /* is not shown */
}

static void a_name_is_taken_once(void **state)
{
    (void)state;
    ike_conn_settings s;
    ike_child_settings child[2];
    ike_conn_id id = 99, found;
    settings_of(&a, &s, child, "peer");
    uint64_t held = counters(&a).allocated;
    assert_int_equal(ike_conn_add(a.e, &s, &id, now), IKE_ERR_EXISTS);
    s.name = "other";
    s.size--;
    assert_int_equal(ike_conn_add(a.e, &s, &id, now), IKE_ERR_INVALID);
    s.size++;
    child[0].size++;
    assert_int_equal(ike_conn_add(a.e, &s, &id, now), IKE_ERR_INVALID);
    child[0].size--;
    assert_true(counters(&a).allocated == held);
    assert_int_equal(ike_conn_add(a.e, &s, &id, now), IKE_OK);
    assert_int_equal(ike_conn_find(a.e, "other", &found), IKE_OK);
    assert_true(found == id);
    assert_int_equal(ike_conn_find(a.e, "nobody", &found), IKE_ERR_NOT_FOUND);
    a.e->core.set.max_conns = 2;
    s.name = "third";
    assert_int_equal(ike_conn_add(a.e, &s, &id, now), IKE_ERR_LIMIT);
}

/* Every function that takes an id: one that was never given, and one that is gone. */
static void stale_ids_name_nothing(void **state)
{
    (void)state;
    ike_sa_info sa;
    ike_child_info child;
    ike_conn_settings s;
    ike_child_settings cs[2];
    ike_addr addr = lab_addr("192.0.2.9");
    ike_ts ts = lab_ts("10.0.0.0/8");
    assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
    assert_int_equal(ike_child_next(a.e, 0, &child), IKE_OK);
    settings_of(&a, &s, cs, "peer");
    for (unsigned gone = 0; gone < 2; gone++) {
        ike_conn_id c = gone ? a.conn : a.conn + (UINT64_C(7) << 32);
        ike_sa_id i = gone ? sa.id : 0;
        ike_child_id k = gone ? child.id : UINT64_MAX;
        if (gone) {
            assert_int_equal(ike_conn_remove(a.e, a.conn, now), IKE_OK);
            wire_run();
            s.children = NULL; /* what it showed is gone as well */
            s.n_children = 0;
            s.proposals = NULL;
        }
        const int results[] = {
            ike_conn_replace(a.e, c, &s, true, now),
            ike_conn_set_remote(a.e, c, &addr),
            ike_conn_remove(a.e, c, now),
            ike_initiate(a.e, c, NULL, now),
            ike_acquire(a.e, c, "lan", &ts, &ts, now),
            ike_sa_rekey(a.e, i, now),
            ike_sa_check(a.e, i, now),
            ike_sa_close(a.e, i, now),
            ike_child_rekey(a.e, k, now),
            ike_child_close(a.e, k, now),
            ike_child_expire(a.e, k, true, now),
            ike_child_expire(a.e, k, false, now),
            ike_peer_moved(a.e, k, &addr, now),
        };
        for (size_t n = 0; n < IKE_COUNT(results); n++) {
            if (results[n] != IKE_ERR_NOT_FOUND) {
                fail_msg("call %zu gave %s", n, ike_strerror(results[n]));
            }
        }
    }
    assert_int_equal(counters(&a).sas + counters(&a).children + counters(&a).conns, 0);
    assert_int_equal(counters(&b).sas + counters(&b).children, 0);
}

static void what_is_up_or_on_its_way_is_not_begun_twice(void **state)
{
    (void)state;
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, NULL, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    wire_run();
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(a.n_out, 0);
    assert_int_equal(ike_initiate(a.e, a.conn, "nobody", now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_acquire(a.e, a.conn, NULL, &(ike_ts){0}, &(ike_ts){0}, now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK); /* over the IKE SA that is there */
    wire_run();
    assert_int_equal(counters(&a).sas, 1);
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(counters(&b).children, 2);
}

static void a_packet_that_nobody_describes_begins_a_child(void **state)
{
    (void)state;
    assert_int_equal(ike_acquire(a.e, a.conn, "lan", NULL, NULL, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
}

static void nothing_is_begun_by_one_that_closes(void **state)
{
    (void)state;
    assert_int_equal(ike_engine_close(a.e, now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_ERR_STATE);
    assert_int_equal(ike_acquire(a.e, a.conn, "lan", &(ike_ts){0}, &(ike_ts){0}, now), IKE_ERR_STATE);
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
}

static void a_command_needs_an_established_sa(void **state)
{
    (void)state;
    ike_sa_info sa;
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
    assert_int_equal(sa.state, IKE_SA_CONNECTING);
    assert_int_equal(ike_sa_rekey(a.e, sa.id, now), IKE_ERR_STATE);
    assert_int_equal(ike_sa_check(a.e, sa.id, now), IKE_ERR_STATE);
    assert_int_equal(ike_sa_close(a.e, sa.id, now), IKE_OK);
    assert_int_equal(ike_sa_get(a.e, sa.id, &sa), IKE_ERR_NOT_FOUND);
    a.n_out = 0;
}

static void replacing_touches_only_what_changed(void **state)
{
    (void)state;
    ike_conn_settings s;
    ike_child_settings child[2];
    ike_ts ts = lab_ts("10.2.128.0/17");
    settings_of(&a, &s, child, "renamed");
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, true, now), IKE_ERR_INVALID);
    settings_of(&a, &s, child, "peer");
    child[0].life_s = 77; /* no part of the agreement */
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, true, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    settings_of(&a, &s, child, "peer");
    child[0].remote_ts = &ts;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK); /* for later only */
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    settings_of(&a, &s, child, "peer");
    ts = lab_ts("10.2.0.0/17");
    child[0].remote_ts = &ts;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, true, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 0);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(counters(&a).sas, 1);
    settings_of(&a, &s, child, "peer");
    s.secret = IKE_STR("another"); /* what the IKE SA was agreed under */
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, true, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
}

static void replacing_without_memory_changes_nothing(void **state)
{
    (void)state;
    ike_conn_settings s;
    ike_child_settings child[2];
    settings_of(&a, &s, child, "peer");
    s.dpd_s = 55;
    int r = IKE_ERR_NOMEM;
    for (long n = 0; r != IKE_OK; n++) {
        ike_conn_info info;
        assert_true(n < 50);
        a.lab.allowed = n;
        r = ike_conn_replace(a.e, a.conn, &s, true, now);
        a.lab.allowed = -1;
        assert_int_equal(ike_conn_get(a.e, a.conn, &info), IKE_OK);
        assert_int_equal(info.settings->dpd_s, r == IKE_OK ? 55 : 0);
        settings_of(&a, &s, child, "peer");
        s.dpd_s = 55;
    }
    assert_int_equal(counters(&a).children, 1);
}

static void a_wrong_secret_is_found_by_the_responder(void **state)
{
    (void)state;
    ike_conn_settings s;
    ike_child_settings child[2];
    settings_of(&b, &s, child, "peer");
    s.secret = IKE_STR("another");
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, true, now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(node_failure(&b).code, IKE_FAIL_AUTH_MISMATCH);
    node_failed(&a, IKE_FAIL_PEER_REFUSED_AUTH, IKE_DECIDER_PEER);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
    assert_int_equal(counters(&a).sas, 0);
}

/* Whoever waits for the attempt hears of its end; a reason from before stays the one to show. */
static void an_attempt_ended_by_command_leaves_a_record(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    ike_failure f;
    ike_sa_info sa;
    for (int by_sa = 0; by_sa < 2; by_sa++) {
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
        assert_int_equal(by_sa ? ike_sa_close(a.e, sa.id, now) : ike_conn_hold(a.e, a.conn, NULL, now), IKE_OK);
        assert_int_equal(counters(&a).sas, 0);
        assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_OK);
        assert_true(f.code == IKE_FAIL_CANCELLED && f.decider == IKE_DECIDER_US && f.repeats == (uint32_t)by_sa);
        assert_string_equal(f.child_name, "lan");
        assert_int_equal(node_saw(&a, IKE_EV_FAILED), by_sa + 1);
    }
    a.e->core.set.retransmit_tries = 0;
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_tick(a.e, now += 10 * IKE_SEC), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_conn_hold(a.e, a.conn, NULL, now), IKE_OK);
    assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_OK);
    assert_int_equal(f.code, IKE_FAIL_NO_ANSWER);
}

/* How many times the data plane was asked of each family; whether it has anything over IPv4. */
static unsigned asked[7];
static bool ipv4;

static bool esn_over_ipv6_only(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    (void)user, (void)protocol, (void)bits;
    asked[family]++;
    return family != 4 || (ipv4 && (type != IKE_T_ESN || id == 0));
}

static bool offers_esn(const struct ike_conn *conn)
{
    char text[256];
    ike_proposals_format(conn->conf->child_proposals[0], text, sizeof text);
    assert_non_null(strstr(text, "-noesn"));
    return strstr(text, "-esn");
}

/* A name is resolved, and later to an address of the other family; what is left open by new settings is known meanwhile. */
static void the_data_plane_is_asked_of_the_family_that_a_name_comes_to(void **state)
{
    (void)state;
    ike_conn_settings s;
    ike_child_settings child[2];
    ike_conn_id id;
    ike_addr v4 = lab_addr("192.0.2.9"), v6 = lab_addr("2001:db8::9"), other4 = lab_addr("192.0.2.10");
    NEEDS(PROPOSALS);
    v4.port = v6.port = other4.port = 0;
    settings_of(&a, &s, child, "named");
    a.e->core.set.host.sadb.carries = esn_over_ipv6_only;
    ipv4 = true;
    s.local = s.remote = (ike_addr){.port = 600};
    s.remote_unresolved = true;
    assert_int_equal(ike_conn_add(a.e, &s, &id, now), IKE_OK);
    assert_true(asked[0] && !asked[4] && !asked[6]);
    const struct ike_conn *conn = ike_slots_get(&a.e->db.conns, id);
    assert_int_equal(ike_conn_set_remote(a.e, id, &v6), IKE_OK);
    assert_true(offers_esn(conn));
    assert_int_equal(ike_conn_set_remote(a.e, id, &v4), IKE_OK);
    assert_false(offers_esn(conn));
    assert_int_equal(conn->remote.port, 600);
    const unsigned before = asked[4];
    assert_int_equal(ike_conn_set_remote(a.e, id, &other4), IKE_OK);
    assert_int_equal(asked[4], before);
    assert_int_equal(ike_conn_replace(a.e, id, &s, true, now), IKE_OK);
    assert_false(offers_esn(conn));
    assert_int_equal(ike_conn_set_remote(a.e, id, &v6), IKE_OK);
    assert_true(offers_esn(conn));
    /* Nothing is left, or there is no memory: as before. */
    ipv4 = false;
    assert_int_equal(ike_conn_set_remote(a.e, id, &v4), IKE_ERR_UNSUPPORTED);
    assert_true(conn->remote.family == 6 && offers_esn(conn));
    ipv4 = true;
    int r = IKE_ERR_NOMEM;
    for (long n = 0; r != IKE_OK; n++) {
        assert_true(r == IKE_ERR_NOMEM && n < 50 && conn->remote.family == 6 && offers_esn(conn));
        a.lab.allowed = n;
        r = ike_conn_set_remote(a.e, id, &v4);
        a.lab.allowed = -1;
    }
    assert_true(conn->remote.family == 4 && !offers_esn(conn));
    assert_int_equal(ike_conn_remove(a.e, id, now), IKE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_attempt_ended_by_command_leaves_a_record, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_name_is_taken_once, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(stale_ids_name_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(what_is_up_or_on_its_way_is_not_begun_twice, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_packet_that_nobody_describes_begins_a_child, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(nothing_is_begun_by_one_that_closes, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_command_needs_an_established_sa, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(replacing_touches_only_what_changed, up, pair_is_over),
        cmocka_unit_test_setup_teardown(replacing_without_memory_changes_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(the_data_plane_is_asked_of_the_family_that_a_name_comes_to, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_wrong_secret_is_found_by_the_responder, pair_is_new, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
