/* SPDX-License-Identifier: ISC
 *
 * Children of IKEv1 that have outlived their IKE SA are the peer's, and no other's: whose IKE SA takes them, and over which they
 * are replaced.
 */
#include "unit/v1_help.h"

static const char *name, *address; /* what a is called, and where it is */
static bool unique;

static void change(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)child;
    s->jitter_pct = 0;
    s->unique = unique;
    s->send_initial_contact = false;
    if (x == &a) {
        s->local_id = (ike_id){IKE_ID_FQDN, ike_bytes_of(name, strlen(name))};
        s->local = lab_addr(address);
    } else {
        s->remote = (ike_addr){0};
    }
}

/* Another host, or the same that has forgotten all. */
static void connects(const char *who, const char *where)
{
    if (name) {
        assert_int_equal(ike_conn_remove(a.e, a.conn, now), IKE_OK);
        a.n_out = 0;
        assert_int_equal(node_conn(&a, "secret", &a.conn), IKE_OK);
    }
    name = who;
    address = where;
    node_speaks_v1(&a, change);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    now += IKE_SEC;
}

static int begin(void **state)
{
    (void)state;
    pair_new(NULL);
    name = NULL;
    unique = false;
    node_speaks_v1(&b, change);
    connects("x.example", "192.0.2.1");
    assert_int_equal(counters(&b).children, 1);
    return 0;
}

static int down(void **state)
{
    (void)state;
    a.n_out = b.n_out = 0;
    pair_end();
    return 0;
}

/* The peer's Delete of b's first IKE SA, which leaves the child. */
static void peer_deletes_the_first(void)
{
    struct ike_sa *sa = node_sa(&b);
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, sa->spi_i, sa->spi_r);
    (void)v1_say(&b, IKE_X1_INFORMATIONAL, 4711, &c);
    b.n_out = 0;
}

/* The peer of the child is gone, and another one has an IKE SA of the same connection. */
static void no_other_peers_sa_replaces_them(void **state)
{
    (void)state;
    ike_child_id id = node_child(&b)->id;
    peer_deletes_the_first();
    connects("y.example", "192.0.2.3");
    struct ike_child *k = ike_slots_get(&b.e->db.children, id);
    assert_int_equal(counters(&b).children, 2);
    assert_int_equal(k->sa, 0);
    now = k->rekey_at + 100 * IKE_MS;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(k->state, IKE_CHILD_INSTALLED);
    assert_int_equal(ike_child_rekey(b.e, id, now), IKE_OK);
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(b.n_out, 0);
    now = k->expires_at + 100 * IKE_MS;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_null(ike_slots_get(&b.e->db.children, id));
}

/* The same peer's does, wherever it is by then. */
static void the_same_peers_sa_takes_them(void **state)
{
    (void)state;
    down(NULL);
    pair_new(NULL);
    name = NULL;
    unique = true;
    node_speaks_v1(&b, change);
    connects("x.example", "192.0.2.1");
    ike_child_id id = node_child(&b)->id;
    peer_deletes_the_first();
    assert_int_equal(node_child(&b)->sa, 0);
    connects("x.example", "192.0.2.3");
    assert_int_equal(((struct ike_child *)ike_slots_get(&b.e->db.children, id))->sa, node_sa(&b)->id);
}

/* With unique = no several hosts have one identity, each at its own address. */
static void hosts_of_one_identity_keep_their_own(void **state)
{
    (void)state;
    ike_child_id id = node_child(&b)->id;
    struct ike_child *k = node_child(&b);
    peer_deletes_the_first();
    connects("x.example", "192.0.2.3");
    assert_ptr_equal(ike_slots_get(&b.e->db.children, id), k);
    assert_int_equal(k->sa, 0);
    connects("x.example", "192.0.2.1");
    assert_int_not_equal(k->sa, 0);
    assert_int_equal(((struct ike_sa *)ike_slots_get(&b.e->db.sas, k->sa))->path.remote.ip[3], 1);
}

static void also_where_the_other_is_there_already(void **state)
{
    (void)state;
    ike_child_id id = node_child(&b)->id;
    connects("x.example", "192.0.2.3");
    assert_int_equal(counters(&b).sas, 2);
    peer_deletes_the_first();
    struct ike_child *k = ike_slots_get(&b.e->db.children, id);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(k->sa, 0);
    now = k->rekey_at + 100 * IKE_MS;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(b.n_out, 0);
}

/* As it would be with its IKE SA: followed where the peer alone is behind a NAT, and nowhere else. */
static void they_are_followed(void **state)
{
    (void)state;
    ike_addr there = lab_addr("192.0.2.1:4711");
    struct ike_child *k = node_child(&b);
    for (unsigned behind = 0; behind < 2; behind++) {
        if (behind) {
            connects("x.example", "192.0.2.1");
            k = node_child(&b);
            node_sa(&b)->nat_remote = true;
        }
        peer_deletes_the_first();
        assert_int_equal(k->sa, 0);
        assert_int_equal(ike_peer_moved(b.e, k->id, &there, now), IKE_OK);
        assert_int_equal(ike_addr_equal(&k->path.remote, &there), behind);
    }
    assert_int_equal(b.moves, 2 * counters(&b).children);
    assert_int_equal(ike_peer_moved(b.e, k->id, &there, now), IKE_OK);
    assert_int_equal(b.moves, 2 * counters(&b).children);
    assert_int_equal(ike_peer_moved(b.e, k->id + 1000, &there, now), IKE_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_other_peers_sa_replaces_them, begin, down),
        cmocka_unit_test_setup_teardown(the_same_peers_sa_takes_them, begin, down),
        cmocka_unit_test_setup_teardown(hosts_of_one_identity_keep_their_own, begin, down),
        cmocka_unit_test_setup_teardown(they_are_followed, begin, down),
        cmocka_unit_test_setup_teardown(also_where_the_other_is_there_already, begin, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
