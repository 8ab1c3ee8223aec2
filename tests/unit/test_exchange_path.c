/* SPDX-License-Identifier: ISC
 *
 * Peers that move (RFC 7296 section 2.23), and doubles: both sides connect at once, or a peer comes back and knows nothing of
 * the IKE SA it had.
 */
#include "unit/engine_help.h"

#include "exchange/v2/v2.h"

#define ELSEWHERE "203.0.113.9:4711"

static unsigned moves;

static int count_move(void *user, const ike_ipsec_sa *sa, const ike_path *old)
{
    (void)user, (void)sa, (void)old;
    moves++;
    return IKE_OK;
}

static void hooks(struct node *x, ike_settings *s)
{
    if (x == &b) {
        s->host.sadb.move = count_move;
    }
}

static int up(void **state)
{
    (void)state;
    moves = 0;
    pair_up(hooks);
    return 0;
}

/* a asks for a sign of life; b gets it from another address, as behind a NAT that forgot. */
static void ask_from_elsewhere(void)
{
    assert_int_equal(ike_sa_check(a.e, node_sa(&a)->id, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    a.out[0].path.local = lab_addr(ELSEWHERE);
    (void)wire_step(&a);
    assert_int_equal(b.n_out, 1);
}

static bool followed(void)
{
    ike_addr there = lab_addr(ELSEWHERE);
    return ike_addr_equal(&node_sa(&b)->path.remote, &there);
}

static void a_peer_behind_a_nat_is_followed(void **state)
{
    (void)state;
    ike_addr there = lab_addr(ELSEWHERE);
    node_sa(&b)->nat_remote = true;
    ask_from_elsewhere();
    assert_true(followed());
    assert_true(ike_addr_equal(&b.out[0].path.remote, &there));
    assert_int_equal(moves, 2); /* both halves of the child */
    assert_int_equal(node_saw(&b, IKE_EV_ADDRESS_CHANGED), 1);
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
}

/* Anyone on the way could have kept it and send it from where they like. */
static void a_repeated_request_moves_nothing(void **state)
{
    (void)state;
    uint8_t kept[2048];
    size_t n;
    node_sa(&b)->nat_remote = true;
    assert_int_equal(ike_sa_check(a.e, node_sa(&a)->id, now), IKE_OK);
    n = a.out[0].n;
    memcpy(kept, a.out[0].bytes, n);
    wire_run();
    ike_path path = path_to(&b);
    path.remote = lab_addr(ELSEWHERE);
    (void)node_input(&b, &path, kept, n);
    assert_false(followed());
    assert_int_equal(moves + node_saw(&b, IKE_EV_ADDRESS_CHANGED), 0);
    kept[n - 1] ^= 1; /* nor one that is not the peer's */
    (void)node_input(&b, &path, kept, n);
    assert_false(followed());
    b.n_out = 0;
}

/* An answer is no request; its sender is not followed either. */
static void an_answer_moves_nothing(void **state)
{
    (void)state;
    uint64_t answers = counters(&b).in;
    node_sa(&b)->nat_remote = true;
    assert_int_equal(ike_sa_check(b.e, node_sa(&b)->id, now), IKE_OK);
    (void)wire_step(&b);
    assert_int_equal(a.n_out, 1);
    a.out[0].path.local = lab_addr(ELSEWHERE);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_true(counters(&b).in == answers + 1);
    assert_false(followed());
    assert_int_equal(moves, 0);
}

static void without_a_nat_at_the_peer_nobody_is_followed(void **state)
{
    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        node_sa(&b)->nat_remote = node_sa(&b)->nat_local = both; /* we behind one as well: the peer follows us */
        ask_from_elsewhere();
        assert_false(followed());
        wire_run();
    }
    assert_int_equal(moves + node_saw(&b, IKE_EV_ADDRESS_CHANGED), 0);
}

/* Both begin; whose message arrives first is taken from the bits of `order`. */
static void meet(unsigned order)
{
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(b.e, b.conn, "lan", now), IKE_OK);
    for (; a.n_out || b.n_out; order >>= 1) {
        (void)wire_step(a.n_out && (!b.n_out || order & 1) ? &a : &b);
        now += IKE_MS;
    }
    for (unsigned i = 0; i < 200; i++, now += IKE_SEC) { /* what was lost on the way ends */
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
        wire_run();
    }
}

static void who_connect_at_once_end_with_one(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 32; order++) {
        meet(order);
        ike_counters ca = counters(&a), cb = counters(&b);
        if (ca.sas != 1 || cb.sas != 1 || ca.children != 1 || cb.children != 1) {
            fail_msg("order %u: IKE SAs %u and %u, children %u and %u", order, (unsigned)ca.sas, (unsigned)cb.sas,
                     (unsigned)ca.children, (unsigned)cb.children);
        }
        assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i);
        pair_end();
    }
}

/* a's attempt ends for the peer's; what else was asked for while it was under way is not forgotten with it. */
static void what_waited_for_an_attempt_outlives_it(void **state)
{
    (void)state;
    ike_child_info k = {.id = 0};
    bool lan = false, six = false;
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    a.n_out = 0; /* lost */
    assert_int_equal(ike_initiate(b.e, b.conn, "lan", now), IKE_OK);
    wire_run();
    while (ike_child_next(a.e, k.id, &k) == IKE_OK) {
        lan |= strcmp(k.name, "lan") == 0;
        six |= strcmp(k.name, "six") == 0;
    }
    assert_true(lan && six);
    assert_true(counters(&a).sas == 1 && counters(&a).children == 2);
    pair_end();
}

/* a loses all it knew and connects again. */
static void come_back(bool initial_contact)
{
    ike_settings s;
    ike_conn_info info;
    ike_engine_free(a.e);
    node_settings(&a, &s);
    a.lab.seed = 4000;
    a.n_out = a.n_events = 0;
    assert_int_equal(ike_engine_new(&a.e, &s, now), IKE_OK);
    assert_int_equal(node_conn(&a, "secret", &a.conn), IKE_OK);
    assert_int_equal(ike_conn_get(a.e, a.conn, &info), IKE_OK);
    ike_conn_settings cs = *info.settings;
    cs.secret = IKE_STR("secret");
    cs.send_initial_contact = initial_contact;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &cs, false, now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    for (unsigned i = 0; i < 3; i++) { /* SA_INIT, its answer, AUTH */
        (void)wire_step(i & 1 ? &b : &a);
    }
}

static void initial_contact_removes_the_older_sa(void **state)
{
    (void)state;
    uint64_t older = node_sa(&b)->spi_i;
    come_back(true);
    assert_int_equal(b.n_out, 1); /* the answer; nothing about the older one */
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
    assert_true(node_sa(&b)->spi_i != older);
    wire_run();
    assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i);
}

/* Where doubles may be, b cannot know that a has forgotten the older one; and which was heard last may change meanwhile. */
static void a_child_goes_over_the_sa_that_was_heard_last(void **state)
{
    (void)state;
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    struct ike_sa *older = node_sa(&b);
    s.unique = false;
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
    come_back(false);
    wire_run();
    assert_int_equal(counters(&b).sas, 2);
    assert_int_equal(ike_initiate(b.e, b.conn, "six", now), IKE_OK);
    assert_int_equal(b.n_out, 1);
    older->last_in = now + 1;
    assert_int_equal(ike_initiate(b.e, b.conn, "six", now), IKE_OK);
    assert_int_equal(b.n_out, 1);
    wire_run();
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(counters(&b).children, 3);
}

static void without_it_the_older_sa_is_deleted(void **state)
{
    (void)state;
    come_back(false);
    assert_int_equal(b.n_out, 2); /* the answer, and a Delete */
    assert_int_equal(counters(&b).sas, 2);
    for (unsigned i = 0; i < 200; i++, now += IKE_SEC) {
        wire_run();
        (void)ike_tick(b.e, now);
    }
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&a).sas, 1);
    assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_peer_behind_a_nat_is_followed, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_repeated_request_moves_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_answer_moves_nothing, up, pair_is_over),
        cmocka_unit_test_setup_teardown(without_a_nat_at_the_peer_nobody_is_followed, up, pair_is_over),
        cmocka_unit_test(who_connect_at_once_end_with_one),
        cmocka_unit_test(what_waited_for_an_attempt_outlives_it),
        cmocka_unit_test_setup_teardown(initial_contact_removes_the_older_sa, up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_child_goes_over_the_sa_that_was_heard_last, up, pair_is_over),
        cmocka_unit_test_setup_teardown(without_it_the_older_sa_is_deleted, up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
