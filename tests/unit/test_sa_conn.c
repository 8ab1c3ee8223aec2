/* SPDX-License-Identifier: ISC
 *
 * Connections and peers: found by name, by id, by address in the order of how specific they are; new settings; removal.
 */
#include "unit/sa_help.h"

static struct sa_lab lab;

static int begin(void **state)
{
    (void)state;
    sa_lab_init(&lab);
    return 0;
}

static int end(void **state)
{
    (void)state;
    IKE_LIST_EACH (it, tmp, &lab.db.conn_list) {
        ike_conn_retire(&lab.db, IKE_OF(it, struct ike_conn, link));
    }
    sa_lab_end(&lab);
    return 0;
}

static void assert_matches(const char *remote, const char *const *names)
{
    ike_path path = sa_lab_path(remote);
    struct ike_conn *conn = NULL;
    for (size_t i = 0; names[i]; i++) {
        conn = ike_conn_match(&lab.db, &path, conn);
        assert_non_null(conn);
        assert_string_equal(conn->conf->s.name, names[i]);
    }
    assert_null(ike_conn_match(&lab.db, &path, conn));
}

static void the_most_specific_connection_comes_first(void **state)
{
    (void)state;
    /* In no order at all. */
    (void)sa_lab_conn(&lab, "any", NULL, 0);
    (void)sa_lab_conn(&lab, "net16", "192.0.0.0", 16);
    (void)sa_lab_conn(&lab, "one", "192.0.2.1", 0);
    (void)sa_lab_conn(&lab, "net24", "192.0.2.0", 24);
    (void)sa_lab_conn(&lab, "other", "203.0.113.1", 32);
    (void)sa_lab_conn(&lab, "net8", "192.0.0.0", 8);
    (void)sa_lab_conn(&lab, "six", "2001:db8::", 32);
    assert_matches("192.0.2.1:500", (const char *const[]){"one", "net24", "net16", "net8", "any", NULL});
    assert_matches("192.0.2.2:500", (const char *const[]){"net24", "net16", "net8", "any", NULL});
    assert_matches("192.0.0.9:500", (const char *const[]){"net16", "net8", "any", NULL});
    assert_matches("203.0.113.1:4500", (const char *const[]){"other", "any", NULL});
    assert_matches("[2001:db8::5]:500", (const char *const[]){"six", "any", NULL});
    assert_matches("[2001:db9::5]:500", (const char *const[]){"any", NULL});
    assert_int_equal(lab.core.count.conns, 7);
}

/* Several connections with one peer address: all of them, then the wider ones. */
static void connections_with_one_address_are_all_found(void **state)
{
    (void)state;
    (void)sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    (void)sa_lab_conn(&lab, "any", NULL, 0);
    (void)sa_lab_conn(&lab, "b", "192.0.2.1", 0);
    assert_matches("192.0.2.1:500", (const char *const[]){"b", "a", "any", NULL});
}

/* However many have one address, each comes and goes without a look at the others: the map holds one of them. */
static void one_of_many_with_one_address_goes(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d"};
    struct ike_conn *conn[4];
    for (size_t i = 0; i < 4; i++) {
        conn[i] = sa_lab_conn(&lab, names[i], "192.0.2.1", 0);
    }
    assert_int_equal(lab.db.by_remote.count, IKE_WITH_CROWDS ? 1 : 0);
    ike_conn_retire(&lab.db, conn[3]); /* the one in the map */
    assert_matches("192.0.2.1:500", (const char *const[]){"c", "b", "a", NULL});
    ike_conn_retire(&lab.db, conn[1]);
    assert_matches("192.0.2.1:500", (const char *const[]){"c", "a", NULL});
    conn[2]->remote = lab_addr("192.0.2.2");
    ike_conn_relink(&lab.db, conn[2]);
    assert_matches("192.0.2.1:500", (const char *const[]){"a", NULL});
    assert_matches("192.0.2.2:500", (const char *const[]){"c", NULL});
    assert_int_equal(lab.db.by_remote.count, IKE_WITH_CROWDS ? 2 : 0);
    ike_conn_relink(&lab.db, conn[0]);
    ike_conn_retire(&lab.db, conn[0]);
    assert_matches("192.0.2.1:500", (const char *const[]){NULL});
    assert_int_equal(lab.db.by_remote.count, IKE_WITH_CROWDS ? 1 : 0);
}

static void without_memory_an_address_is_found_all_the_same(void **state)
{
    (void)state;
    struct ike_conn *conn = sa_lab_conn(&lab, "a", NULL, 0);
    (void)sa_lab_conn(&lab, "any", NULL, 0);
    conn->remote = lab_addr("192.0.2.1");
    lab.lab.allowed = 0;
    ike_conn_relink(&lab.db, conn);
    lab.lab.allowed = -1;
    (void)sa_lab_conn(&lab, "b", "192.0.2.1", 0);
    assert_matches("192.0.2.1:500", (const char *const[]){"b", "a", "any", NULL});
    ike_conn_relink(&lab.db, conn);
    assert_matches("192.0.2.1:500", (const char *const[]){"a", "b", "any", NULL});
}

struct wanted {
    ike_id id;
    unsigned asked;
};

static bool fits_id(const void *user, const struct ike_conn *conn)
{
    struct wanted *w = (struct wanted *)(uintptr_t)user;
    const ike_id *id = &conn->conf->s.remote_id;
    w->asked++;
    return id->type == IKE_ID_NONE || ike_id_equal(id, &w->id);
}

static void assert_same_as_by_a_walk(const char *remote, ike_id id)
{
    ike_path path = sa_lab_path(remote);
    struct wanted w = {id, 0};
    struct ike_conn *conn = ike_conn_match(&lab.db, &path, NULL);
    while (conn && !fits_id(&w, conn)) {
        conn = ike_conn_match(&lab.db, &path, conn);
    }
    assert_ptr_equal(ike_conn_match_id(&lab.db, &path, &id, fits_id, &w), conn);
}

static struct ike_conn *conn_of(const char *name, const char *remote, uint8_t bits, ike_id id)
{
    ike_conn_settings s;
    struct ike_conf *conf = NULL;
    struct ike_conn *conn = NULL;
    ike_conn_settings_init(&s);
    s.name = name;
    s.secret = IKE_STR("secret");
    s.remote_bits = bits;
    s.remote_id = id;
    if (remote) {
        s.remote = lab_addr(remote);
    }
    assert_int_equal(ike_conf_new(&lab.core, &s, &conf), IKE_OK);
    assert_int_equal(ike_conn_new(&lab.db, conf, &conn), IKE_OK);
    return conn;
}

/* The peer's identity leads to the same connection as a walk over all of them, whatever comes and goes. */
static void an_identity_leads_where_the_walk_does(void **state)
{
    (void)state;
    static const struct {
        const char *remote;
        uint8_t bits;
    } places[] = {{NULL, 0}, {"192.0.2.0", 24}, {"192.0.0.0", 16}, {"192.0.2.1", 0}, {"2001:db8::", 32}};
    static const ike_id ids[] = {{IKE_ID_NONE, {NULL, 0}},
                                 {IKE_ID_FQDN, {(const uint8_t *)"a.example", 9}},
                                 {IKE_ID_FQDN, {(const uint8_t *)"B.example", 9}}};
    static const ike_id asked[] = {{IKE_ID_FQDN, {(const uint8_t *)"A.example", 9}},
                                   {IKE_ID_FQDN, {(const uint8_t *)"b.example", 9}},
                                   {IKE_ID_FQDN, {(const uint8_t *)"c.example", 9}}};
    static const char *const from[] = {"192.0.2.1:500", "192.0.2.2:500", "192.0.9.9:500", "203.0.113.1:500", "[2001:db8::5]:500"};
    struct ike_conn *live[24] = {NULL};
    unsigned draw = 7;
    for (unsigned i = 0; i < 600; i++) {
        char name[16];
        draw = draw * 1103515245 + 12345;
        unsigned slot = (draw >> 8) % IKE_COUNT(live), place = (draw >> 14) % IKE_COUNT(places),
                 id = (draw >> 20) % IKE_COUNT(ids);
        snprintf(name, sizeof name, "c%u", i);
        lab.lab.allowed = i % 50 == 49 ? 0 : -1; /* now and then without memory for the maps */
        if (live[slot] && i % 3 == 0) {
            ike_conn_relink(&lab.db, live[slot]);
        } else if (live[slot]) {
            ike_conn_retire(&lab.db, live[slot]);
            live[slot] = NULL;
        } else if (lab.lab.allowed) {
            live[slot] = conn_of(name, places[place].remote, places[place].bits, ids[id]);
        }
        lab.lab.allowed = -1;
        for (size_t k = 0; k < IKE_COUNT(from) * IKE_COUNT(asked); k++) {
            assert_same_as_by_a_walk(from[k % IKE_COUNT(from)], asked[k / IKE_COUNT(from)]);
        }
    }
}

/* By what is looked at: one of thousands is found as one of few is. */
static void many_identities_cost_no_more_than_few(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    char name[32];
    ike_path path = sa_lab_path("192.0.2.1:500");
    (void)conn_of("guests", NULL, 0, (ike_id){IKE_ID_NONE, {NULL, 0}});
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "p%d.example", i);
        (void)conn_of(name, NULL, 0, (ike_id){IKE_ID_FQDN, {(const uint8_t *)name, strlen(name)}});
    }
    for (int i = 0; i < MANY; i += 100) {
        snprintf(name, sizeof name, "p%d.example", i);
        struct wanted w = {{IKE_ID_FQDN, {(const uint8_t *)name, strlen(name)}}, 0};
        assert_string_equal(ike_conn_match_id(&lab.db, &path, &w.id, fits_id, &w)->conf->s.name, "guests");
        assert_in_range(w.asked, 1, 3);
    }
}

static void names_are_unique_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%u", i);
        struct ike_conn *conn = sa_lab_conn(&lab, name, NULL, 0);
        assert_ptr_equal(ike_conn_by_name(&lab.db, name), conn);
        assert_ptr_equal(ike_slots_get(&lab.db.conns, conn->id), conn);
    }
    assert_null(ike_conn_by_name(&lab.db, "c100"));
    assert_null(ike_conn_by_name(&lab.db, ""));
}

static void an_address_that_changes_is_found_anew(void **state)
{
    (void)state;
    struct ike_conn *conn = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    assert_true(ike_conn_is_single(conn));
    conn->remote = lab_addr("192.0.2.9");
    ike_conn_relink(&lab.db, conn);
    assert_matches("192.0.2.1:500", (const char *const[]){NULL});
    assert_matches("192.0.2.9:500", (const char *const[]){"a", NULL});
    conn->remote.family = 0; /* any */
    ike_conn_relink(&lab.db, conn);
    assert_false(ike_conn_is_single(conn));
    assert_matches("192.0.2.1:500", (const char *const[]){"a", NULL});
}

/* A reqid that a child was made with stays with its name. */
static void new_settings_keep_reqids_and_holds(void **state)
{
    (void)state;
    struct ike_conn *conn = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    conn->want[0].reqid = 6;
    conn->want[1].reqid = 7;
    conn->want[1].held = true;
    ike_conn_settings s = conn->conf->s;
    ike_child_settings swapped[2] = {s.children[1], s.children[0]};
    swapped[1].name = "new";
    s.children = swapped;
    struct ike_conf *conf = NULL;
    assert_int_equal(ike_conf_new(&lab.core, &s, &conf), IKE_OK);
    lab.lab.allowed = 0;
    assert_int_equal(ike_conn_set_conf(&lab.db, conn, conf), IKE_ERR_NOMEM);
    lab.lab.allowed = -1;
    assert_string_equal(conn->conf->s.children[0].name, "lan");
    assert_int_equal(ike_conn_set_conf(&lab.db, conn, conf), IKE_OK);
    assert_ptr_equal(conn->conf, conf);
    assert_true(conn->want[0].reqid == 7 && conn->want[0].held);
    assert_true(conn->want[1].reqid == 0 && !conn->want[1].held); /* "new" has none yet */
    assert_ptr_equal(ike_conn_by_name(&lab.db, "a"), conn);
}

static void a_removed_connection_lives_as_long_as_it_is_needed(void **state)
{
    (void)state;
    struct ike_conn *conn = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    struct ike_sa *sa = sa_lab_sa(&lab, conn, true);
    ike_conn_id id = conn->id;
    ike_conn_retire(&lab.db, conn);
    ike_conn_retire(&lab.db, conn);
    assert_null(ike_slots_get(&lab.db.conns, id));
    assert_null(ike_conn_by_name(&lab.db, "a"));
    assert_matches("192.0.2.1:500", (const char *const[]){NULL});
    ike_db_reap(&lab.db);
    assert_string_equal(sa->conn->conf->s.name, "a"); /* a sanitizer sees it if it is gone */
    struct ike_conn *again = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    assert_ptr_equal(ike_conn_by_name(&lab.db, "a"), again);
    ike_sa_retire(&lab.db, sa);
}

static void a_peer_is_connection_and_identities(void **state)
{
    (void)state;
    struct ike_conn *a = sa_lab_conn(&lab, "a", NULL, 0), *b = sa_lab_conn(&lab, "b", NULL, 0);
    struct ike_peer *p = sa_lab_peer(&lab, a, "gate.example");
    assert_ptr_equal(sa_lab_peer(&lab, a, "gate.example"), p);
    assert_ptr_equal(sa_lab_peer(&lab, a, "GATE.example"), p); /* names know no case */
    struct ike_peer *q = sa_lab_peer(&lab, b, "gate.example"), *r = sa_lab_peer(&lab, a, "gate2.example");
    assert_true(p != q && p != r);
    assert_true(ike_bytes_equal(p->remote_id.data, IKE_STR("gate.example")));
    assert_true(ike_bytes_equal(p->local_id.data, IKE_STR("us.example")));
    struct ike_sa *sa = sa_lab_sa(&lab, a, true);
    ike_sa_join(&lab.db, sa, p);
    ike_peer_release(&lab.db, p); /* still holds an SA */
    assert_ptr_equal(sa_lab_peer(&lab, a, "gate.example"), p);
    ike_sa_retire(&lab.db, sa);
    ike_db_reap(&lab.db);
    ike_peer_release(&lab.db, q);
    ike_peer_release(&lab.db, r);
}

static void long_identities_that_differ_in_front_are_two(void **state)
{
    (void)state;
    char one[300], two[300];
    struct ike_conn *a = sa_lab_conn(&lab, "a", NULL, 0);
    memset(one, 'x', sizeof one);
    one[sizeof one - 1] = 0;
    memcpy(two, one, sizeof two);
    two[0] = 'y';
    struct ike_peer *p = sa_lab_peer(&lab, a, one), *q = sa_lab_peer(&lab, a, two);
    assert_true(p != q);
    ike_peer_release(&lab.db, p);
    ike_peer_release(&lab.db, q);
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    struct ike_conf *conf = sa_lab_conf(&lab, "a", NULL, 0);
    struct ike_conn *conn = NULL;
    size_t before = lab.lab.blocks;
    for (long n = 0; !conn; n++) {
        assert_true(n < 20);
        lab.lab.allowed = n;
        int r = ike_conn_new(&lab.db, conf, &conn);
        assert_true(r == IKE_OK || (r == IKE_ERR_NOMEM && lab.db.conns.count == 0 && !ike_conn_by_name(&lab.db, "a")));
        assert_true(lab.lab.blocks >= before);
    }
    ike_id id = {IKE_ID_FQDN, IKE_STR("x")};
    struct ike_peer *p = NULL;
    for (long n = 0; !p; n++) {
        assert_true(n < 20);
        lab.lab.allowed = n;
        uint32_t refs = conn->refs;
        p = ike_peer_get(&lab.db, conn, &id, &id, ike_bytes_of(NULL, 0));
        assert_int_equal(conn->refs, refs + (p != NULL));
    }
    lab.lab.allowed = -1;
    ike_peer_release(&lab.db, p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_most_specific_connection_comes_first, begin, end),
        cmocka_unit_test_setup_teardown(connections_with_one_address_are_all_found, begin, end),
        cmocka_unit_test_setup_teardown(one_of_many_with_one_address_goes, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_an_address_is_found_all_the_same, begin, end),
        cmocka_unit_test_setup_teardown(an_identity_leads_where_the_walk_does, begin, end),
        cmocka_unit_test_setup_teardown(many_identities_cost_no_more_than_few, begin, end),
        cmocka_unit_test_setup_teardown(names_are_unique_keys, begin, end),
        cmocka_unit_test_setup_teardown(an_address_that_changes_is_found_anew, begin, end),
        cmocka_unit_test_setup_teardown(new_settings_keep_reqids_and_holds, begin, end),
        cmocka_unit_test_setup_teardown(a_removed_connection_lives_as_long_as_it_is_needed, begin, end),
        cmocka_unit_test_setup_teardown(a_peer_is_connection_and_identities, begin, end),
        cmocka_unit_test_setup_teardown(long_identities_that_differ_in_front_are_two, begin, end),
        cmocka_unit_test_setup_teardown(no_memory_leaves_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
