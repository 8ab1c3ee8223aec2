/* SPDX-License-Identifier: ISC
 *
 * Children with start = yes: begun at once, begun again after pauses that grow, and left alone when nobody wants them.
 */
#include "unit/engine_help.h"

static bool lan_refused; /* by b's host */

static int decide(void *user, ike_token t, const ike_child_question *q)
{
    (void)user, (void)t;
    return lan_refused && strcmp(q->child_name, "lan") == 0 ? IKE_ERR_AUTH : IKE_OK;
}

static void soon(struct node *x, ike_settings *s)
{
    lan_refused = false;
    s->host.hooks.child = IKE_WITH_QUESTIONS && x == &b ? decide : NULL;
    s->retransmit_tries = 1; /* a silent peer is given up after seconds */
    s->retransmit_first_ms = 500;
}

/* "peer" once more at a, with a child that is to be kept up. */
static int keep(void **state)
{
    (void)state;
    pair_new(soon);
    ike_conn_info info;
    ike_child_settings child[2];
    assert_int_equal(ike_conn_get(a.e, a.conn, &info), IKE_OK);
    assert_false(info.wanted);
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(a.n_out, 0);
    ike_conn_settings s = *info.settings;
    memcpy(child, s.children, sizeof child);
    child[0].start = IKE_START_YES;
    s.children = child;
    s.name = "kept";
    s.secret = IKE_STR("secret"); /* is not shown */
    ike_conn_id plain_conn = a.conn;
    assert_int_equal(ike_conn_add(a.e, &s, &a.conn, now), IKE_OK);
    assert_int_equal(ike_conn_remove(a.e, plain_conn, now), IKE_OK);
    return 0;
}

static ike_conn_info conn_info(void)
{
    ike_conn_info info;
    assert_int_equal(ike_conn_get(a.e, a.conn, &info), IKE_OK);
    return info;
}

/* Virtual time goes on; what is sent arrives, or is lost. How many messages of a's there were. */
static unsigned run(uint64_t seconds, bool lost)
{
    unsigned sent = 0;
    for (ike_time until = now + seconds * IKE_SEC; now < until; now += IKE_SEC / 10) {
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
        sent += a.n_out;
        if (lost) {
            a.n_out = b.n_out = 0;
        }
        wire_run();
    }
    return sent;
}

static void up_with_one_child(void)
{
    (void)run(1, false);
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    a.n_events = b.n_events = 0;
}

static ike_child_id child_of(struct node *x)
{
    ike_child_info k;
    assert_int_equal(ike_child_next(x->e, 0, &k), IKE_OK);
    assert_string_equal(k.name, "lan");
    return k.id;
}

static void it_begins_at_once(void **state)
{
    (void)state;
    assert_true(conn_info().wanted);
    assert_true(ike_next_timeout(a.e) <= now + IKE_MS);
    now += IKE_MS;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    wire_run();
    up_with_one_child();
    assert_int_equal(run(60, false), 0); /* and is left alone while it is up */
}

/* The pause doubles from retry_first_ms to retry_max_ms and is jittered by half of it either way. */
static void pauses_grow(void **state)
{
    (void)state;
    uint64_t ms = a.e->core.set.retry_first_ms;
    for (uint32_t n = 1; n <= 9; n++) {
        for (unsigned i = 0; conn_info().attempts < n; i++) {
            assert_true(i < 2000);
            (void)ike_tick(a.e, now);
            a.n_out = 0;
            now += conn_info().attempts < n ? IKE_SEC / 10 : 0;
        }
        ike_conn_info info = conn_info();
        uint64_t pause = (info.retry_at - now) / IKE_MS;
        assert_int_equal(info.attempts, n);
        if (pause < ms / 2 - 1 || pause > ms + ms / 2 + 1) {
            fail_msg("attempt %u: a pause of %u ms, expected %u", (unsigned)n, (unsigned)pause, (unsigned)ms);
        }
        ms = 2 * ms < a.e->core.set.retry_max_ms ? 2 * ms : a.e->core.set.retry_max_ms;
    }
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 9);
    a.n_events = 0;
    (void)run(120, false); /* the peer is back */
    up_with_one_child();
    assert_int_equal(conn_info().attempts, 0);
}

static void held_or_removed_it_is_not_repeated(void **state)
{
    (void)state;
    for (unsigned waiting = 0; waiting < 2; waiting++) { /* while it is under way; while it waits for the next time */
        if (waiting) {
            assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        }
        do {
            assert_true(run(1, true) > 0 || waiting);
        } while (waiting && !conn_info().retry_at);
        assert_int_equal(ike_conn_hold(a.e, a.conn, NULL, now), IKE_OK);
        assert_int_equal(counters(&a).sas, 0);
        a.n_out = 0;
        assert_int_equal(run(300, true), 0);
        assert_false(conn_info().wanted);
    }
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_true(run(100, true) > 4);
    assert_int_equal(ike_conn_remove(a.e, a.conn, now), IKE_OK);
    a.n_out = 0;
    assert_int_equal(run(300, true), 0);
    assert_int_equal(counters(&a).sas + counters(&a).conns, 0);
}

static void what_the_peer_deletes_begins_again(void **state)
{
    (void)state;
    ike_sa_info sa;
    up_with_one_child();
    ike_child_id first = child_of(&a);
    assert_int_equal(ike_child_close(b.e, child_of(&b), now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 1);
    up_with_one_child();
    assert_true(child_of(&a) != first);
    assert_int_equal(ike_sa_next(b.e, 0, &sa), IKE_OK);
    assert_int_equal(ike_sa_close(b.e, sa.id, now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
    up_with_one_child();
    assert_int_equal(counters(&a).sas, 1);
}

static void what_was_closed_here_stays_down_until_initiated(void **state)
{
    (void)state;
    up_with_one_child();
    assert_int_equal(ike_child_close(a.e, child_of(&a), now), IKE_OK);
    (void)run(300, false);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
    assert_false(conn_info().wanted);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    up_with_one_child();
    assert_true(conn_info().wanted);
    assert_int_equal(ike_child_close(b.e, child_of(&b), now), IKE_OK); /* kept up again */
    wire_run();
    up_with_one_child();
}

/* Neither what comes up beside it nor what is asked for and is up already ends the wait for the next attempt. */
static void what_was_refused_is_tried_again_whatever_is_initiated(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    ike_ts one = lab_ts("2001:db8:1::1/128"), two = lab_ts("2001:db8:2::1/128");
    lan_refused = true;
    (void)run(1, false);
    assert_true(node_saw(&a, IKE_EV_FAILED) > 0 && counters(&a).children == 0);
    for (unsigned i = 0; i < 3; i++) {
        int r = i < 2 ? ike_initiate(a.e, a.conn, "six", now) : ike_acquire(a.e, a.conn, "six", &one, &two, now);
        assert_int_equal(r, IKE_OK);
        wire_run();
        assert_int_equal(counters(&a).children, 1);
        assert_true(conn_info().retry_at >= now && conn_info().retry_at < now + 3600 * IKE_SEC);
    }
    lan_refused = false;
    a.n_events = b.n_events = 0;
    (void)run(300, false);
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
}

int main(void)
{
    if (!IKE_WITH_KEEPUP) {
        puts("left out: KEEPUP is not in this build");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_begins_at_once, keep, pair_is_over),
        cmocka_unit_test_setup_teardown(pauses_grow, keep, pair_is_over),
        cmocka_unit_test_setup_teardown(held_or_removed_it_is_not_repeated, keep, pair_is_over),
        cmocka_unit_test_setup_teardown(what_the_peer_deletes_begins_again, keep, pair_is_over),
        cmocka_unit_test_setup_teardown(what_was_closed_here_stays_down_until_initiated, keep, pair_is_over),
        cmocka_unit_test_setup_teardown(what_was_refused_is_tried_again_whatever_is_initiated, keep, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
