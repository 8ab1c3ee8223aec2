/* SPDX-License-Identifier: ISC
 *
 * Which of several connections a peer of IKEv1 gets, and who we are to it: by its identity, by the host's word, and never by a
 * secret that is another connection's.
 */
#include "unit/v1_help.h"

static bool aggressive, turned; /* turned: what is said of b's two connections is of the other one */

static ike_id fqdn(const char *name) { return (ike_id){IKE_ID_FQDN, ike_bytes_of(name, strlen(name))}; }

/* a is "a.example", and wants "two.example". */
static void change(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)child;
    s->aggressive = aggressive;
    s->local_id = fqdn(x == &a ? "a.example" : turned ? "two.example" : "one.example");
    s->remote_id = fqdn(x == &a ? "two.example" : turned ? "a.example" : "c.example");
}

/* b's second connection: "two.example", for "a.example". */
static ike_conn_id add_second(const char *secret, const char *remote)
{
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    ike_conn_id id;
    s.version = 1;
    change(&b, &s, child);
    s.name = "second";
    s.local_id = fqdn(turned ? "one.example" : "two.example");
    s.remote_id = fqdn(turned ? "c.example" : "a.example");
    s.secret = ike_bytes_of(secret, secret ? strlen(secret) : 0);
    s.remote = lab_addr(remote);
    assert_int_equal(ike_conn_add(b.e, &s, &id, now), IKE_OK);
    return id;
}

static void run(void)
{
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
}

static int down(void **state)
{
    (void)state;
    a.n_out = b.n_out = 0;
    pair_end();
    aggressive = turned = false;
    return 0;
}

static void b_failed(unsigned code)
{
    ike_failure f = {.size = sizeof f};
    assert_int_equal(ike_failure_at(b.e, 0, &f), IKE_OK);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(code));
    assert_int_equal(f.decider, IKE_DECIDER_US);
}

/* The peer is told the name of the connection that it gets, not of the first at its address. */
static void who_we_are_goes_with_the_connection(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        aggressive = i & 1;
        turned = i & 2;
        v1_new(NULL, change);
        ike_conn_id second = add_second("secret", "192.0.2.1");
        run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
        assert_int_equal(node_sa(&b)->conn->id, turned ? b.conn : second);
        assert_memory_equal(node_sa(&b)->peer->local_id.data.ptr, "two.example", 11);
        (void)down(NULL);
    }
    v1_new(NULL, NULL);
}

static void another_secret_is_another_connection(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        turned = i;
        v1_new(NULL, change);
        (void)add_second("another", "192.0.2.1");
        run();
        assert_int_equal(counters(&b).children, 0);
        (void)down(NULL);
    }
    v1_new(NULL, NULL);
}

/* Aggressive Mode that one connection allows leads to none that does not. */
static void aggressive_mode_leads_to_who_allows_it(void **state)
{
    (void)state;
    aggressive = true;
    v1_new(NULL, change);
    aggressive = false;
    (void)add_second("secret", "192.0.2.1");
    aggressive = true;
    run();
    assert_int_equal(counters(&b).children, 0);
    b_failed(IKE_FAIL_IDENTITY);
}

/* ---- The host -------------------------------------------------------------------------------------------------------------- */

static ike_conn_id chosen;
static unsigned secrets;

static int choose(void *user, ike_token t, const ike_peer_question *q, ike_conn_id *conn)
{
    (void)user, (void)t, (void)q;
    *conn = chosen;
    return IKE_OK;
}

static int say_secret(void *user, ike_token t, const ike_secret_question *q, uint8_t *secret, size_t *len)
{
    (void)user, (void)t, (void)q;
    memcpy(secret, "secret", 6);
    *len = 6;
    secrets++;
    return IKE_OK;
}

static void chooses(struct node *x, ike_settings *s)
{
    if (x == &b) {
        s->host.hooks.peer = choose;
        s->host.hooks.secret = say_secret;
    }
}

static void without_secret(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    change(x, s, child);
    if (x == &b) {
        s->secret = ike_bytes_of(NULL, 0);
    }
}

/* In Main Mode the peer has proved the secret of the connection of its address by the time the host hears of it. */
static void the_hosts_choice_has_the_secret_that_was_proved(void **state)
{
    (void)state;
    static const struct {
        bool aggressive, first_has; /* the first connection has a secret of its own */
        const char *second;         /* the chosen one's; NULL: the host's */
        bool good;
    } rows[] = {{false, true, "secret", true}, {false, true, "another", false}, {false, true, "secres", false},
                {false, true, NULL, false},    {false, false, NULL, true},      {false, false, "secret", false},
                {true, true, "secret", true},  {true, true, "another", false},  {true, true, NULL, true},
                {true, false, "secret", true}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        aggressive = rows[i].aggressive;
        v1_new(chooses, rows[i].first_has ? change : without_secret);
        chosen = add_second(rows[i].second, "192.0.2.77");
        run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), rows[i].good);
        assert_int_equal(counters(&b).children, rows[i].good);
        if (!rows[i].good && !aggressive) { /* else the peer finds out */
            b_failed(IKE_FAIL_AUTH_MISMATCH);
        }
        (void)down(NULL);
    }
    v1_new(NULL, NULL);
}

/* Between the messages the secret of the connection is changed, so that nobody comes in by the old one any more. */
static void a_secret_that_is_changed_counts_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        ike_child_settings child[2];
        aggressive = i & 1;
        turned = true;
        v1_new(NULL, change);
        v1_begin(i & 1 ? 3 : 5);
        ike_conn_settings s = conn_settings(&b, child);
        s.version = 1;
        change(&b, &s, child);
        s.secret = i & 2 ? IKE_STR("secret") : IKE_STR("newer");
        s.life_s = 7200;
        assert_int_equal(ike_conn_replace(b.e, b.conn, &s, true, now), IKE_OK);
        (void)wire_step(&a);
        wire_run();
        assert_int_equal(counters(&b).children, i / 2);
        assert_int_equal(node_saw(&b, IKE_EV_SA_UP), i / 2);
        (void)down(NULL);
    }
    v1_new(NULL, NULL);
}

#define T(name) cmocka_unit_test_teardown(name, down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_we_are_goes_with_the_connection),     T(another_secret_is_another_connection),
        T(aggressive_mode_leads_to_who_allows_it),  T(the_hosts_choice_has_the_secret_that_was_proved),
        T(a_secret_that_is_changed_counts_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
