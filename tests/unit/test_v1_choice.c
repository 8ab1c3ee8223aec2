/* SPDX-License-Identifier: ISC
 *
 * Which of several connections a peer of IKEv1 gets, and who we are to it.
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
        assert_int_equal(v1_sa(&b)->conn->id, turned ? b.conn : second);
        assert_memory_equal(v1_sa(&b)->peer->local_id.data.ptr, "two.example", 11);
        (void)down(NULL);
    }
    v1_new(NULL, NULL);
}

#define T(name) cmocka_unit_test_teardown(name, down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_we_are_goes_with_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
