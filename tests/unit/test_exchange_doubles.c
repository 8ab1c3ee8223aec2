/* SPDX-License-Identifier: ISC
 *
 * Doubles, two IKE SAs with one peer: both sides connect at once; a peer comes back and knows nothing of the IKE SA it had; one
 * side proves anew who it is (RFC 7296 section 2.8.3).
 */
#include "unit/engine_help.h"

#include "exchange/v2/v2.h"

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
    NEEDS(DOUBLES);
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
    NEEDS(DOUBLES);
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
    static uint64_t lives;
    ike_engine_free(a.e);
    node_settings(&a, &s);
    a.lab.seed = 4000 + lives++;
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

/* Three is what both sides come to that prove anew at once. */
static void who_comes_back_again_and_again_has_three_at_most(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    for (unsigned i = 0; i < 6; i++) {
        come_back(false);
        a.n_out = b.n_out = 0; /* it answers nothing that is about the older ones */
        assert_int_equal(counters(&b).sas, i < 2 ? i + 2 : 3);
        assert_int_equal(counters(&b).children, i < 2 ? i + 2 : 3);
    }
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

/* It may be that a proves anew who it is: then it makes its children first, and deletes the older SA itself. */
static void without_it_the_older_sa_is_deleted_after_a_while(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    come_back(false);
    assert_int_equal(b.n_out, 2); /* the answer, and whether a has the older one still */
    const struct ike_sa *older = node_sa(&b);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(older->state, IKE_SA_ESTABLISHED);
        assert_int_equal(counters(&b).sas, 2);
        wire_run();
        node_pass(&b, 1);
    }
    node_pass(&b, 1);
    assert_int_equal(older->state, IKE_SA_DELETING);
    for (unsigned i = 0; i < 200; i++, now += IKE_SEC) {
        wire_run();
        (void)ike_tick(b.e, now);
    }
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&a).sas, 1);
    assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i);
}

/* ---- Authenticated anew --------------------------------------------------------------------------------------------------- */

/* How many SAs of each child are in the data plane at each side, counted at every change. */
static struct {
    int in[2][2], least[2][2];
    unsigned refuse_six, asked;
    uint32_t reqid[2][2]; /* the last one */
} plane;

static int *place(void *user, const ike_ipsec_sa *sa, int table[2][2])
{
    return &table[user == &b][strcmp(sa->child_name, "six") == 0];
}

static int plane_add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    (void)t;
    if (plane.refuse_six && strcmp(sa->child_name, "six") == 0) {
        return IKE_ERR_HOST;
    }
    *place(user, sa, plane.in) += 1;
    plane.reqid[user == &b][strcmp(sa->child_name, "six") == 0] = sa->reqid;
    return IKE_OK;
}

static void plane_remove(void *user, const ike_ipsec_sa *sa)
{
    int *in = place(user, sa, plane.in), *least = place(user, sa, plane.least);
    *in -= 1;
    *least = *in < *least ? *in : *least;
}

/* b looks for the secret anew each time. */
static int ask_secret(void *user, ike_token t, const ike_secret_question *q, uint8_t *secret, size_t *len)
{
    (void)user, (void)t, (void)q;
    plane.asked++;
    memcpy(secret, "secret", 6);
    *len = 6;
    return IKE_OK;
}

static void with_plane(struct node *x, ike_settings *s)
{
    s->host.sadb.add = plane_add;
    s->host.sadb.remove = plane_remove;
    if (IKE_WITH_QUESTIONS && x == &b) {
        s->host.hooks.secret = ask_secret;
    }
}

static void set(struct node *x, void (*change)(ike_conn_settings *, ike_child_settings *))
{
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(x, child);
    if (IKE_WITH_QUESTIONS && x == &b) { /* its host has the secret */
        s.secret = ike_bytes_of(NULL, 0);
    }
    change(&s, child);
    assert_int_equal(ike_conn_replace(x->e, x->conn, &s, false, now), IKE_OK);
}

static void as_before(ike_conn_settings *s, ike_child_settings *child) { (void)s, (void)child; }

static int two_up(void **state)
{
    (void)state;
    memset(&plane, 0, sizeof plane);
    pair_new(with_plane);
    set(&b, as_before);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children + counters(&b).children, 4);
    a.n_events = b.n_events = 0;
    for (unsigned i = 0; i < 4; i++) {
        plane.least[i / 2][i % 2] = 2; /* one in each direction */
    }
    now += 60 * IKE_SEC;
    return 0;
}

static void run(unsigned seconds)
{
    for (unsigned i = 0; i < 10 * seconds; i++, now += 100 * IKE_MS) {
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
        wire_run();
    }
}

/* One IKE SA with both children, and traffic of neither had to wait. */
static void all_well(uint64_t older)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct node *x = side ? &b : &a;
        assert_int_equal(counters(x).sas, 1);
        assert_int_equal(counters(x).children, 2);
        assert_true(node_sa(x)->spi_i != older);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(plane.in[side][k], 2);
            assert_int_equal(plane.least[side][k], 2);
        }
    }
    assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i);
}

static void proved_anew_by(struct node *x)
{
    uint64_t older = node_sa(x)->spi_i;
    unsigned asked = plane.asked;
    assert_int_equal(ike_sa_reauth(x->e, node_sa(x)->id, now), IKE_OK);
    run(2);
    all_well(older);
    assert_true(node_sa(x)->initiator);
    assert_int_equal(plane.asked, asked + IKE_WITH_QUESTIONS);
    for (unsigned side = 0; side < 2; side++) {
        const struct node *y = side ? &b : &a;
        assert_int_equal(node_saw(y, IKE_EV_SA_UP), 1);
        assert_int_equal(node_saw(y, IKE_EV_SA_DOWN), 1);
        assert_int_equal(node_saw(y, IKE_EV_CHILD_UP), 2);
        assert_int_equal(node_saw(y, IKE_EV_CHILD_DOWN), 2);
        assert_int_equal(node_saw(y, IKE_EV_FAILED), 0);
    }
}

static void by_the_initiator(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    proved_anew_by(&a);
}

static void by_the_responder(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    proved_anew_by(&b);
}

static void by_both_at_once(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    for (unsigned order = 0; order < 64; order++) {
        if (order) {
            pair_end();
            (void)two_up(state);
        }
        uint64_t older = node_sa(&a)->spi_i;
        assert_int_equal(ike_sa_reauth(a.e, node_sa(&a)->id, now), IKE_OK);
        assert_int_equal(ike_sa_reauth(b.e, node_sa(&b)->id, now), IKE_OK);
        for (unsigned bits = order; a.n_out || b.n_out; bits >>= 1) {
            (void)wire_step(a.n_out && (!b.n_out || bits & 1) ? &a : &b);
            now += IKE_MS;
        }
        run(60);
        assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
        assert_int_equal(counters(&a).children + counters(&b).children, 4);
        assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i && node_sa(&a)->spi_i != older);
        assert_int_equal(node_saw(&a, IKE_EV_FAILED) + node_saw(&b, IKE_EV_FAILED), 0);
    }
}

/* The old IKE SA is rekeyed while the new one is on its way, by either side, at any point. */
static void beside_a_rekey(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    for (unsigned at = 0; at < 16; at++) {
        struct node *x = at & 1 ? &b : &a;
        if (at) {
            pair_end();
            (void)two_up(state);
        }
        struct ike_sa *was = node_sa(x);
        uint64_t older = was->spi_i;
        assert_int_equal(ike_sa_reauth(a.e, node_sa(&a)->id, now), IKE_OK);
        for (unsigned i = 0; i < at / 2 && (a.n_out || b.n_out); i++) {
            (void)wire_step(a.n_out ? &a : &b);
        }
        (void)ike_sa_rekey(x->e, was->id, now);
        run(30);
        all_well(older);
    }
}

/* Where several hosts may share an identity: the peer does not know which SA is meant, who began does. */
static void share(ike_conn_settings *s, ike_child_settings *child)
{
    (void)child;
    s->unique = false;
}

static void where_doubles_may_be(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    set(&a, share);
    set(&b, share);
    run(1);
    proved_anew_by(&a);
}

static void any_peer(ike_conn_settings *s, ike_child_settings *child)
{
    (void)child;
    s->remote.family = 0;
}

/* b's connection is one for any peer. */
static void wait_for_any(void)
{
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    char name[2][8] = {"lan", "six"};
    ike_ts ts[2][2];
    for (unsigned i = 0; i < 2; i++) { /* they go with the connection */
        ts[i][0] = *child[i].local_ts;
        ts[i][1] = *child[i].remote_ts;
        child[i].name = name[i];
        child[i].local_ts = &ts[i][0];
        child[i].remote_ts = &ts[i][1];
    }
    s.name = "any";
    s.secret = IKE_WITH_QUESTIONS ? ike_bytes_of(NULL, 0) : s.secret;
    s.remote.family = 0;
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    assert_int_equal(ike_conn_add(b.e, &s, &b.conn, now), IKE_OK);
}

/* Policies name the reqid: a gateway that waits for many peers keeps the one that this peer has. */
static void at_a_gateway(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    wait_for_any();
    run(1);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    run(2);
    a.n_events = b.n_events = 0;
    for (unsigned i = 0; i < 4; i++) {
        plane.least[i / 2][i % 2] = 2;
    }
    uint32_t lan = plane.reqid[1][0], six = plane.reqid[1][1];
    assert_true(lan && six && lan != six);
    proved_anew_by(&a);
    assert_int_equal(plane.reqid[1][0], lan);
    assert_int_equal(plane.reqid[1][1], six);
}

static void from(ike_conn_settings *s, const char *address)
{
    s->local = lab_addr(address);
    s->send_initial_contact = false;
}
static void from_there(ike_conn_settings *s, ike_child_settings *child) { (void)child, from(s, "192.0.2.77"); }
static void from_here(ike_conn_settings *s, ike_child_settings *child) { (void)child, from(s, "192.0.2.1"); }

/* A peer that begins anew without a word may still have the older IKE SA, and not yet the answer that makes the new child; but
 * not where it is now. */
static void a_peer_that_is_elsewhere_is_sent_to_at_once(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    for (unsigned there = 0; there < 2; there++) {
        if (there) {
            pair_end();
            (void)two_up(state);
        }
        wait_for_any();
        run(1);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        run(1);
        come_back(false);
        a.n_out = b.n_out = 0;
        assert_int_equal(ike_sa_drop(a.e, node_sa(&a)->id, now), IKE_OK);
        a.n_out = 0;
        int before = plane.in[1][0];
        set(&a, there ? from_there : from_here);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        for (unsigned i = 0; i < 3; i++) {
            (void)wire_step(i & 1 ? &b : &a);
        }
        assert_int_equal(plane.in[1][0], before + (there ? 2 : 1));
        a.n_out = b.n_out = 0;
    }
}

/* The peer does not know us any more: what is up stays, and one record says so. */
static void other_secret(ike_conn_settings *s, ike_child_settings *child)
{
    (void)child;
    s->secret = IKE_STR("another");
}

static void who_fails_keeps_what_there_is(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    uint64_t older = node_sa(&a)->spi_i;
    set(&a, other_secret);
    assert_int_equal(ike_sa_reauth(a.e, node_sa(&a)->id, now), IKE_OK);
    run(200); /* b keeps its answer for a while */
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
    assert_int_equal(counters(&a).children + counters(&b).children, 4);
    assert_true(node_sa(&a)->spi_i == older && node_sa(&b)->spi_i == older);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN) + node_saw(&a, IKE_EV_CHILD_DOWN), 0);
    node_failed(&a, IKE_FAIL_PEER_REFUSED_AUTH, IKE_DECIDER_PEER);
}

/* A child that is refused now goes with the older IKE SA; it is not asked for twice. */
static void a_child_that_is_refused_goes(void **state)
{
    (void)state;
    NEEDS(DOUBLES);
    plane.refuse_six = 1;
    assert_int_equal(ike_sa_reauth(a.e, node_sa(&a)->id, now), IKE_OK);
    run(30);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
    assert_int_equal(counters(&a).children + counters(&b).children, 2);
    assert_int_equal(plane.least[0][0] + plane.least[1][0], 4);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
    assert_int_equal(node_saw(&b, IKE_EV_FAILED), 1);
    assert_int_equal(plane.in[0][1] + plane.in[1][1], 0);
}

#if IKE_WITH_V1
static void the_older_alone(ike_conn_settings *s, ike_child_settings *child)
{
    s->version = IKE_SPEAKS_V1;
    s->proposals = "aes128-sha256-ecp256";
    child[0].proposals = child[1].proposals = "aes128gcm16";
}
#endif

/* What cannot be. */
static void not_always(void **state)
{
    (void)state;
    ike_sa_id id = node_sa(&a)->id;
    if (!IKE_WITH_DOUBLES) { /* nor anything else of it */
        assert_int_equal(ike_sa_reauth(a.e, id, now), IKE_ERR_UNSUPPORTED);
        assert_int_equal(a.n_out, 0);
    }
    NEEDS(DOUBLES);
    assert_int_equal(ike_sa_reauth(a.e, id + 100, now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_sa_reauth(a.e, id, now), IKE_OK);
    assert_int_equal(ike_sa_reauth(a.e, id, now), IKE_ERR_STATE); /* it is on its way */
    (void)wire_step(&a);
    (void)wire_step(&b);
    (void)wire_step(&a);
    (void)wire_step(&b);
    assert_int_equal(counters(&a).sas, 2);
    assert_int_equal(ike_sa_reauth(a.e, id, now), IKE_ERR_STATE); /* it goes */
    run(2);
    assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
    assert_int_equal(ike_sa_reauth(a.e, node_sa(&a)->id, now), IKE_ERR_STATE);
    run(1);
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    run(1);
    set(&b, any_peer);
    assert_int_equal(ike_sa_reauth(b.e, node_sa(&b)->id, now), IKE_ERR_INVALID);
#if IKE_WITH_V1
    set(&a, the_older_alone);
    assert_int_equal(ike_sa_reauth(a.e, node_sa(&a)->id, now), IKE_ERR_UNSUPPORTED);
#endif
    assert_int_equal(counters(&b).sas, 1);
}

#if !IKE_WITH_DOUBLES
/* ---- Without these rules ----------------------------------------------------------------------------------------------- */

/* Whichever messages crossed, both sides have the same two IKE SAs, and each is good for all that one alone is. */
static void who_connect_at_once_have_two(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 32; order++) {
        ike_sa_id id[2];
        ike_child_info k = {.id = 0};
        meet(order);
        assert_int_equal(ike_conn_sas(a.e, a.conn, id, 2), 2);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(ike_sa_rekey(a.e, id[i], now), IKE_OK);
            wire_run();
        }
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(ike_child_next(a.e, k.id, &k), IKE_OK);
            assert_int_equal(ike_child_rekey(a.e, k.id, now), IKE_OK);
            wire_run();
        }
        assert_int_equal(ike_conn_sas(a.e, a.conn, id, 2), 2);
        assert_int_equal(counters(&b).sas, 2);
        assert_int_equal(counters(&a).children, 2);
        assert_int_equal(counters(&b).children, 2);
        assert_int_equal(counters(&a).rekeys, 4);
        assert_int_equal(counters(&b).rekeys, 4);
        assert_int_equal(ike_sa_close(a.e, id[order & 1], now), IKE_OK);
        wire_run();
        assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
        assert_int_equal(counters(&a).children + counters(&b).children, 2);
        pair_end();
    }
}

/* The older goes when the peer, which knows nothing of it, gives no sign of life on it. */
static void without_initial_contact_the_older_ends_by_silence(void **state)
{
    (void)state;
    pair_new(NULL);
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    s.dpd_s = 30;
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    come_back(false);
    wire_run();
    assert_int_equal(counters(&b).sas, 2);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 0);
    for (unsigned i = 0; i < 300; i++, now += IKE_SEC) {
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
        wire_run();
    }
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_true(node_sa(&a)->spi_i == node_sa(&b)->spi_i);
    pair_end();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_connect_at_once_end_with_one),
        cmocka_unit_test(what_waited_for_an_attempt_outlives_it),
        cmocka_unit_test_setup_teardown(who_comes_back_again_and_again_has_three_at_most, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(initial_contact_removes_the_older_sa, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_child_goes_over_the_sa_that_was_heard_last, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(without_it_the_older_sa_is_deleted_after_a_while, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(by_the_initiator, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(by_the_responder, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(by_both_at_once, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(beside_a_rekey, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(where_doubles_may_be, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(at_a_gateway, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_that_is_elsewhere_is_sent_to_at_once, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(who_fails_keeps_what_there_is, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_child_that_is_refused_goes, two_up, pair_is_over),
        cmocka_unit_test_setup_teardown(not_always, two_up, pair_is_over),
#if !IKE_WITH_DOUBLES
        cmocka_unit_test(who_connect_at_once_have_two),
        cmocka_unit_test(without_initial_contact_the_older_ends_by_silence),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
