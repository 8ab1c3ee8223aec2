/* SPDX-License-Identifier: ISC
 *
 * Lifetimes and timers of IKE SAs and children: rekey, expiry, liveness, NAT keepalives, half-open SAs, heirs; what is closed
 * while something else holds it.
 */
#include "unit/engine_help.h"

#include "exchange/v2/v2.h"

static uint32_t child_life, sa_life, dpd; /* of a; 0: none */
static uint8_t jitter;
static ike_time heard; /* what the data plane of a says */
static unsigned queries, keepalives;
static bool late;       /* b's data plane answers the next one later */
static ike_token token; /* by this */

static int say_usage(void *user, const ike_ipsec_sa *sa, ike_usage *out)
{
    (void)user, (void)sa;
    queries++;
    *out = (ike_usage){.bytes = 1, .packets = 1, .last = heard};
    return IKE_OK;
}

static void count_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    keepalives += kind == IKE_SEND_KEEPALIVE;
    node_send(user, path, kind, bytes, n);
}

static int add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    (void)node_add(user, t, sa);
    if (late) {
        token = t;
        late = false;
        return IKE_PENDING;
    }
    return IKE_OK;
}

static void hooks(struct node *x, ike_settings *s)
{
    s->host.send = count_send;
    s->host.sadb.add = x == &b ? add : node_add;
    s->host.sadb.query = x == &a ? say_usage : NULL;
}

static void set_lives(struct node *x, uint32_t child_s, uint32_t sa_s, uint32_t dpd_s)
{
    ike_conn_info info;
    ike_child_settings child[2];
    assert_int_equal(ike_conn_get(x->e, x->conn, &info), IKE_OK);
    ike_conn_settings s = *info.settings;
    memcpy(child, s.children, sizeof child);
    child[0].life_s = child_s;
    child[0].margin_s = child_s / 5;
    s.children = child;
    s.secret = IKE_STR("secret"); /* is not shown */
    s.life_s = sa_s;
    s.margin_s = sa_s / 5;
    s.jitter_pct = jitter;
    s.dpd_s = dpd_s;
    assert_int_equal(ike_conn_replace(x->e, x->conn, &s, false, now), IKE_OK);
}

static void up(void)
{
    heard = 0;
    queries = keepalives = 0;
    pair_new(hooks);
    set_lives(&a, child_life, sa_life, dpd);
    set_lives(&b, 0, 0, 0);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children + counters(&b).children, 2);
}

static int begin(void **state)
{
    (void)state;
    child_life = sa_life = dpd = jitter = 0;
    late = false;
    return 0;
}

/* Virtual time goes on; what is sent arrives, or is lost. */
static void run(uint64_t seconds, bool lost)
{
    for (ike_time until = now + seconds * IKE_SEC; now < until; now += IKE_SEC / 2) {
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
        if (lost) {
            a.n_out = b.n_out = 0;
        }
        wire_run();
    }
}

/* The IKE SA in this state. */
static struct ike_sa *sa_in(struct node *x, uint8_t state)
{
    ike_sa_info info = {.id = 0};
    do {
        assert_int_equal(ike_sa_next(x->e, info.id, &info), IKE_OK);
    } while (info.state != state);
    return ike_slots_get(&x->e->db.sas, info.id);
}

static struct ike_child *child_of(struct node *x, ike_child_id after)
{
    ike_child_info info;
    assert_int_equal(ike_child_next(x->e, after, &info), IKE_OK);
    return ike_slots_get(&x->e->db.children, info.id);
}

static void a_child_is_rekeyed_before_its_life_ends(void **state)
{
    (void)state;
    child_life = 100;
    up();
    ike_child_id first = child_of(&a, 0)->id;
    assert_true(child_of(&a, 0)->rekey_at == now + 80 * IKE_SEC);
    run(79, false);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 0);
    run(3, false);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), 1);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN) + node_saw(&b, IKE_EV_CHILD_DOWN), 0);
    assert_int_equal(counters(&a).children + counters(&b).children, 2);
    assert_true(child_of(&a, 0)->id != first);
}

static void an_ike_sa_is_rekeyed_before_its_life_ends(void **state)
{
    (void)state;
    sa_life = 200;
    up();
    ike_child_id child = child_of(&a, 0)->id;
    ike_sa_id sa = node_sa(&a)->id;
    run(159, false);
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), 0);
    run(3, false);
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 1);
    assert_int_equal(counters(&a).sas, 1);
    assert_true(node_sa(&a)->id != sa && child_of(&a, 0)->id == child && child_of(&a, 0)->sa == node_sa(&a)->id);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN) + node_saw(&b, IKE_EV_SA_DOWN), 0);
}

/* Times from now, of which there are 64: none outside lo..hi, and a fair part of them in each quarter of it. */
static void spread_over(const ike_time *at, ike_time lo, ike_time hi)
{
    unsigned in[4] = {0};
    for (unsigned i = 0; i < 64; i++) {
        assert_in_range(at[i], lo, hi);
        in[hi > lo ? (at[i] - lo) * 4 / (hi - lo + 1) : 0]++;
    }
    for (unsigned q = 0; q < 4 && hi > lo; q++) {
        assert_in_range(in[q], 6, 32);
    }
}

/* Peers that came up together must not rekey together: life less margin, and up to jitter % of the margin earlier. */
static void rekeys_are_spread_over_the_jitter(void **state)
{
    (void)state;
    static const uint8_t percent[] = {0, 50, 100};
    for (size_t k = 0; k < IKE_COUNT(percent); k++) {
        ike_time sa_at[64], child_at[64];
        child_life = 1000;
        sa_life = 2000;
        jitter = percent[k];
        up();
        for (unsigned i = 0; i < 64; i++) {
            a.n_events = b.n_events = 0;
            assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
            wire_run();
            assert_int_equal(ike_child_rekey(a.e, child_of(&a, 0)->id, now), IKE_OK);
            wire_run();
            sa_at[i] = node_sa(&a)->rekey_at - now;
            child_at[i] = child_of(&a, 0)->rekey_at - now;
            now += 6 * IKE_SEC; /* a peer that rekeys faster is told to wait */
        }
        spread_over(child_at, (800 - 2u * percent[k]) * IKE_SEC, 800 * IKE_SEC);
        spread_over(sa_at, (1600 - 4u * percent[k]) * IKE_SEC, 1600 * IKE_SEC);
        if (k + 1 < IKE_COUNT(percent)) {
            pair_end();
        }
    }
}

static void what_was_not_rekeyed_is_deleted_at_the_end(void **state)
{
    (void)state;
    child_life = 100;
    sa_life = 200;
    up();
    child_of(&a, 0)->rekey_at = node_sa(&a)->rekey_at = IKE_NEVER;
    ike_child_schedule(a.e, child_of(&a, 0));
    ike_sa_schedule(a.e, node_sa(&a));
    run(99, false);
    assert_int_equal(counters(&a).children, 1);
    run(3, false);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
    run(97, false);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
    run(3, false);
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
}

static void silence_is_asked_about(void **state)
{
    (void)state;
    dpd = 30;
    up();
    uint64_t sent = counters(&a).out;
    run(29, false);
    assert_true(counters(&a).out == sent);
    run(3, false);
    assert_true(counters(&a).out == sent + 1);
    run(31, false); /* the answer was a sign of life */
    assert_true(counters(&a).out == sent + 2);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 0);
    run(300, true);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(counters(&a).sas, 0);
}

/* Anyone on the way could have kept it, and would keep a dead peer's SA from ever being given up. */
static void an_old_request_is_no_sign_of_life(void **state)
{
    (void)state;
    uint8_t kept[2048];
    dpd = 30;
    up();
    ike_path path = path_to(&a);
    assert_int_equal(ike_sa_check(b.e, node_sa(&b)->id, now), IKE_OK);
    size_t n = b.out[0].n;
    memcpy(kept, b.out[0].bytes, n);
    wire_run();
    for (unsigned i = 0; i < 15; i++) {
        (void)node_input(&a, &path, kept, n);
        run(20, true);
    }
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
}

static void esp_that_came_in_is_a_sign_of_life(void **state)
{
    (void)state;
    dpd = 30;
    up();
    uint64_t sent = counters(&a).out;
    for (unsigned i = 0; i < 10; i++) {
        run(20, false);
        heard = now;
    }
    if (!IKE_WITH_QUESTIONS) { /* only messages are */
        assert_int_equal(queries, 0);
        assert_true(counters(&a).out > sent);
    }
    NEEDS(QUESTIONS);
    assert_true(queries > 0);
    assert_true(counters(&a).out == sent);
    run(35, false); /* none since */
    assert_true(counters(&a).out > sent);
}

static void only_behind_a_nat_is_it_kept_open(void **state)
{
    (void)state;
    up();
    run(100, false);
    assert_int_equal(keepalives, 0);
    node_sa(&b)->nat_remote = true; /* the peer's matter */
    ike_sa_schedule(b.e, node_sa(&b));
    run(100, false);
    assert_int_equal(keepalives, 0);
    node_sa(&a)->nat_local = true;
    node_sa(&a)->last_out = now;
    ike_sa_schedule(a.e, node_sa(&a));
    run(19, false);
    assert_int_equal(keepalives, 0);
    run(43, false);
    assert_int_equal(keepalives, 3);
}

static void a_half_open_sa_times_out(void **state)
{
    (void)state;
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    (void)wire_step(&a);
    assert_int_equal(counters(&b).half_open, 1);
    run(29, true);
    assert_int_equal(counters(&b).half_open, 1);
    run(3, true);
    assert_int_equal(counters(&b).half_open + counters(&b).sas, 0);
    node_failed(&b, IKE_FAIL_TIMEOUT, IKE_DECIDER_NOBODY);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 0); /* was never up */
}

static void the_heir_of_a_child(void **state)
{
    (void)state;
    up();
    struct ike_child *old = child_of(&b, 0);
    assert_null(ike_child_heir(b.e, old));
    assert_int_equal(ike_child_rekey(a.e, child_of(&a, 0)->id, now), IKE_OK);
    (void)wire_step(&a); /* b has both now */
    struct ike_child *fresh = child_of(&b, old->id);
    assert_true(fresh->replaces == old->id);
    assert_ptr_equal(ike_child_heir(b.e, old), fresh);
    assert_null(ike_child_heir(b.e, fresh));
    ike_child_id entered = old->replaced_by;
    old->replaced_by = 0; /* as while our own rekey is open */
    assert_ptr_equal(ike_child_heir(b.e, old), fresh);
    fresh->rekeyed = true;
    assert_null(ike_child_heir(b.e, old));
    fresh->rekeyed = false;
    old->replaced_by = entered;
    fresh->sa++; /* of another IKE SA */
    assert_null(ike_child_heir(b.e, old));
    fresh->sa--;
    wire_run();
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 0);
}

/* The host can see the SA that an open rekey is to make; it belongs to the rekey until that is over. */
static void what_an_open_rekey_makes_is_not_closed_alone(void **state)
{
    (void)state;
    up();
    assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
    (void)wire_step(&a);
    assert_int_equal(ike_sa_close(a.e, sa_in(&a, IKE_SA_CONNECTING)->id, now), IKE_OK);
    assert_int_equal(counters(&a).sas, 2);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), 1);
    assert_int_equal(counters(&a).sas, 1);
    assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i && node_sa(&a)->state == IKE_SA_ESTABLISHED);
}

static void all_can_be_closed_while_a_rekey_is_open(void **state)
{
    (void)state;
    up();
    assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
    (void)wire_step(&a);
    assert_int_equal(ike_engine_close(a.e, now), IKE_OK);
    run(30, false); /* the answer, and Deletes of what there is then */
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
}

/* b makes a child and waits for its data plane; meanwhile its own rekey moves the child to a new IKE SA, which a deletes. The
 * exchange of the old one still holds the child. */
static void a_child_that_is_being_made_outlives_its_ike_sa(void **state)
{
    (void)state;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    up();
    NEEDS(QUESTIONS);
    late = true;
    put_child_offer(&c, 0x5001, "2001:db8:1::/48", "2001:db8:2::/48", NULL);
    size_t n = forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c);
    (void)node_input(&b, &path, forged, n);
    assert_true(!late && b.n_out == 0 && counters(&b).children == 2);
    assert_int_equal(ike_sa_rekey(b.e, node_sa(&b)->id, now), IKE_OK);
    (void)wire_step(&b);
    (void)wire_step(&a);
    assert_int_equal(node_saw(&b, IKE_EV_SA_REKEYED), 1);
    b.n_out = 0; /* the Delete of the old one takes its time */
    assert_int_equal(ike_sa_close(a.e, sa_in(&a, IKE_SA_ESTABLISHED)->id, now), IKE_OK);
    (void)wire_step(&a);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(ike_answer_done(b.e, token, IKE_OK, now), IKE_OK);
    run(600, true);
    assert_int_equal(counters(&b).sas + counters(&b).children, 0);
    assert_int_equal(b.adds, b.removes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_child_is_rekeyed_before_its_life_ends, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(an_ike_sa_is_rekeyed_before_its_life_ends, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(rekeys_are_spread_over_the_jitter, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_was_not_rekeyed_is_deleted_at_the_end, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(silence_is_asked_about, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(an_old_request_is_no_sign_of_life, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(esp_that_came_in_is_a_sign_of_life, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(only_behind_a_nat_is_it_kept_open, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_half_open_sa_times_out, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(the_heir_of_a_child, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_an_open_rekey_makes_is_not_closed_alone, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(all_can_be_closed_while_a_rekey_is_open, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_child_that_is_being_made_outlives_its_ike_sa, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
