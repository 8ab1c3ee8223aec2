/* SPDX-License-Identifier: ISC
 *
 * IKE SAs: SPIs unique and tagged, look-ups, limits, half-open counting, retirement that outlives the call, references back
 * to zero.
 */
#include "unit/sa_help.h"

static struct sa_lab lab;
static struct ike_conn *conn;

static int begin(void **state)
{
    (void)state;
    sa_lab_init(&lab);
    conn = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
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

static void it_is_found_by_our_own_spi(void **state)
{
    (void)state;
    struct ike_sa *i = sa_lab_sa(&lab, conn, true), *r = sa_lab_sa(&lab, conn, false);
    assert_true(i->spi_i && !i->spi_r && r->spi_r && !r->spi_i);
    assert_ptr_equal(ike_sa_by_spi(&lab.db, i->spi_i), i);
    assert_ptr_equal(ike_sa_by_spi(&lab.db, r->spi_r), r);
    r->spi_i = 77; /* the peer's is no key */
    assert_null(ike_sa_by_spi(&lab.db, 77));
    assert_null(ike_sa_by_spi(&lab.db, 0));
    assert_ptr_equal(ike_slots_get(&lab.db.sas, i->id), i);
    assert_true(i->number != r->number);
    ike_sa_retire(&lab.db, i);
    ike_sa_retire(&lab.db, r);
}

static void spis_carry_the_tag(void **state)
{
    (void)state;
    lab.core.set.spi_tag = 0x1a5;
    lab.core.set.spi_tag_bits = 8;
    for (unsigned i = 0; i < 100; i++) {
        struct ike_sa *sa = sa_lab_sa(&lab, conn, i % 2);
        assert_int_equal(ike_sa_own_spi(sa) & 0xff, 0xa5);
        ike_sa_retire(&lab.db, sa);
    }
}

static int two_values(void *user, uint8_t *out, size_t n)
{
    unsigned *turn = user;
    memset(out, *turn < 4 ? 0 : *turn < 8 ? 1 : 2, n);
    ++*turn;
    return IKE_OK;
}

static int one_value(void *user, uint8_t *out, size_t n)
{
    (void)user;
    memset(out, 1, n);
    return IKE_OK;
}

static void an_spi_is_never_zero_nor_taken(void **state)
{
    (void)state;
    unsigned turn = 0;
    ike_random rng = lab.core.rng;
    lab.core.rng = (ike_random){two_values, &turn};
    struct ike_sa *a = sa_lab_sa(&lab, conn, true), *b = sa_lab_sa(&lab, conn, true);
    assert_true(a->spi_i == UINT64_C(0x0101010101010101) && b->spi_i == UINT64_C(0x0202020202020202));
    lab.core.rng = (ike_random){one_value, NULL}; /* nothing but what is taken: given up */
    ike_path path = sa_lab_path("192.0.2.1:500");
    struct ike_sa *c = ike_sa_new(&lab.db, true, &path);
    assert_int_equal(ike_sa_draw_spi(&lab.db, c), IKE_ERR_HOST);
    lab.core.rng = rng;
    lab.core.blamed = false;
    lab.lab.no_random = true;
    assert_int_equal(ike_sa_draw_spi(&lab.db, c), IKE_ERR_HOST);
    ike_sa_retire(&lab.db, a);
    ike_sa_retire(&lab.db, b);
    ike_sa_retire(&lab.db, c);
}

static void a_limit_is_a_limit(void **state)
{
    (void)state;
    ike_path path = sa_lab_path("192.0.2.1:500");
    lab.core.set.max_sas = 2;
    struct ike_sa *a = ike_sa_new(&lab.db, true, &path), *b = ike_sa_new(&lab.db, false, &path);
    assert_true(a && b);
    assert_null(ike_sa_new(&lab.db, true, &path));
    assert_int_equal(lab.core.draft.code, IKE_FAIL_LIMIT);
    ike_sa_retire(&lab.db, a);
    lab.lab.allowed = 0;
    lab.core.blamed = false;
    assert_null(ike_sa_new(&lab.db, true, &path));
    assert_int_equal(lab.core.draft.code, IKE_FAIL_NO_MEMORY);
    lab.lab.allowed = -1;
    struct ike_sa *c = ike_sa_new(&lab.db, true, &path);
    assert_non_null(c);
    ike_sa_retire(&lab.db, b);
    ike_sa_retire(&lab.db, c);
}

static void half_open_ones_are_kept_in_order(void **state)
{
    (void)state;
    struct ike_sa *a = sa_lab_sa(&lab, conn, false), *b = sa_lab_sa(&lab, conn, false);
    ike_sa_half_open(&lab.db, a, true);
    ike_sa_half_open(&lab.db, b, true);
    ike_sa_half_open(&lab.db, b, true);
    assert_int_equal(lab.db.unheard.count, IKE_WITH_CROWDS ? 2 : 0);
    ike_sa_heard(&lab.db, b);
    ike_sa_heard(&lab.db, b);
    assert_int_equal(lab.db.unheard.count, IKE_WITH_CROWDS ? 1 : 0);
    assert_int_equal(lab.db.n_half_open, 2);
    assert_int_equal(lab.core.count.half_open, 2);
    assert_ptr_equal(lab.db.half_open.next, &a->half_open_link);
    ike_sa_half_open(&lab.db, a, false);
    ike_sa_half_open(&lab.db, a, false);
    assert_int_equal(lab.db.n_half_open, 1);
    ike_sa_retire(&lab.db, b); /* takes it out too */
    assert_int_equal(lab.core.count.half_open, 0);
    ike_sa_retire(&lab.db, a);
}

static void a_request_is_indexed_by_its_hash(void **state)
{
    (void)state;
    struct ike_sa *sa = sa_lab_sa(&lab, conn, false);
    ike_sa_index_init(&lab.db, sa, 99);
    assert_ptr_equal(IKE_OF(ike_map_find(&lab.db.by_init, 99), struct ike_sa, by_init), sa);
    ike_sa_retire(&lab.db, sa);
    assert_null(ike_map_find(&lab.db.by_init, 99));
}

static void on_event(void *user, const ike_event *ev) { (void)user, (void)ev; }

/* Out of every look-up at once, freed when nobody can be holding it any more. */
static void retired_is_not_yet_freed(void **state)
{
    (void)state;
    lab.core.set.host.event = on_event;
    struct ike_sa *sa = sa_lab_sa(&lab, conn, true);
    struct ike_peer *peer = sa_lab_peer(&lab, conn, "gate.example");
    ike_sa_join(&lab.db, sa, peer);
    conn->connecting = sa;
    ike_sa_id id = sa->id;
    uint64_t spi = sa->spi_i;
    sa->keys = ike_alloc(&lab.core, ike_key_kept(&sa->layout) + 1);
    sa->layout.d = 1;
    ike_timer_set(&lab.core.wheel, &sa->timer, 5 * IKE_SEC);
    ike_event_post(&lab.core, &sa->ev, IKE_EV_SA_DOWN);
    ike_sa_retire(&lab.db, sa);
    ike_sa_retire(&lab.db, sa);
    assert_null(ike_slots_get(&lab.db.sas, id));
    assert_null(ike_sa_by_spi(&lab.db, spi));
    assert_null(conn->connecting);
    assert_int_equal(conn->sas, 0);
    assert_true(ike_wheel_next(&lab.core.wheel) == IKE_NEVER);
    ike_db_reap(&lab.db); /* an event is undelivered: it stays, and what it leads to */
    assert_true(sa->dead && sa->conn == conn);
    ike_list_del(&sa->ev.link);
    ike_db_reap(&lab.db);
    assert_true(ike_list_empty(&lab.db.dead_sas) && ike_list_empty(&lab.db.dead_peers));
    assert_int_equal(conn->refs, 1);
}

static void another_connection_may_take_it_over(void **state)
{
    (void)state;
    struct ike_conn *b = sa_lab_conn(&lab, "b", NULL, 0);
    struct ike_sa *sa = sa_lab_sa(&lab, conn, false);
    assert_true(conn->sas == 1 && conn->refs == 2 && conn->conf->refs == 2);
    ike_sa_bind(&lab.db, sa, b);
    assert_true(conn->sas == 0 && conn->refs == 1 && conn->conf->refs == 1);
    assert_true(b->sas == 1 && sa->conf == b->conf);
    ike_sa_bind(&lab.db, sa, b); /* its present settings */
    assert_true(b->sas == 1 && b->refs == 2 && b->conf->refs == 2);
    ike_sa_retire(&lab.db, sa);
}

/* IKE_AUTH may be dropped after it found its peer, and come again as somebody else. */
static void a_peer_that_is_left_goes(void **state)
{
    (void)state;
    struct ike_sa *sa = sa_lab_sa(&lab, conn, false);
    struct ike_peer *one = sa_lab_peer(&lab, conn, "one.example"), *two = sa_lab_peer(&lab, conn, "two.example");
    ike_sa_join(&lab.db, sa, one);
    ike_sa_join(&lab.db, sa, one);
    assert_ptr_equal(sa->peer, one);
    ike_sa_join(&lab.db, sa, two);
    assert_ptr_equal(two->sas.next, &sa->peer_link);
    ike_sa_retire(&lab.db, sa);
    ike_db_reap(&lab.db);
    assert_true(ike_list_empty(&conn->peers));
    assert_int_equal(conn->refs, 1);
}

static void many_come_and_go(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    static struct ike_sa *sa[MANY];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            sa[i] = sa_lab_sa(&lab, conn, i % 2);
        }
        for (unsigned i = 0; i < MANY; i++) {
            assert_ptr_equal(ike_sa_by_spi(&lab.db, ike_sa_own_spi(sa[i])), sa[i]);
        }
        size_t held = lab.lab.blocks;
        for (unsigned i = 0; i < MANY; i++) {
            ike_sa_retire(&lab.db, sa[(i * 7 + round) % MANY]);
        }
        ike_db_reap(&lab.db);
        assert_int_equal(lab.lab.blocks, held - MANY);
    }
}

static void sent_datagrams_are_freed_as_a_list(void **state)
{
    (void)state;
    struct ike_sent *a = ike_alloc(&lab.core, sizeof *a + 5), *b = ike_alloc(&lab.core, sizeof *b + 7);
    a->len = 5;
    b->len = 7;
    a->next = b;
    ike_sent_free(&lab.core, a);
    ike_sent_free(&lab.core, NULL);
}

/* Answers to last requests can be asked for again for minutes; a peer that rekeys without end does not fill the memory. */
static void of_the_faded_only_so_many_are_kept(void **state)
{
    (void)state;
    enum { MOST = 16384 };
    uint64_t first = 0, second = 0;
    for (unsigned i = 0; i < MOST + 1; i++) {
        struct ike_sa *sa = sa_lab_sa(&lab, conn, false);
        first = i == 0 ? sa->spi_r : first;
        second = i == 1 ? sa->spi_r : second;
        ike_sa_fade(&lab.db, sa);
        ike_sa_fade(&lab.db, sa); /* counts once */
        if (i == MOST - 1) {
            assert_non_null(ike_sa_by_spi(&lab.db, first));
        }
    }
    assert_int_equal(lab.db.n_faded, MOST);
    assert_null(ike_sa_by_spi(&lab.db, first)); /* the oldest made room */
    assert_non_null(ike_sa_by_spi(&lab.db, second));
    while (!ike_list_empty(&lab.db.faded)) {
        ike_sa_retire(&lab.db, IKE_OF(lab.db.faded.next, struct ike_sa, dead_link));
    }
    assert_int_equal(lab.db.n_faded, 0);
    assert_int_equal(lab.core.count.sas, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_found_by_our_own_spi, begin, end),
        cmocka_unit_test_setup_teardown(spis_carry_the_tag, begin, end),
        cmocka_unit_test_setup_teardown(an_spi_is_never_zero_nor_taken, begin, end),
        cmocka_unit_test_setup_teardown(a_limit_is_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(half_open_ones_are_kept_in_order, begin, end),
        cmocka_unit_test_setup_teardown(a_request_is_indexed_by_its_hash, begin, end),
        cmocka_unit_test_setup_teardown(retired_is_not_yet_freed, begin, end),
        cmocka_unit_test_setup_teardown(another_connection_may_take_it_over, begin, end),
        cmocka_unit_test_setup_teardown(a_peer_that_is_left_goes, begin, end),
        cmocka_unit_test_setup_teardown(many_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(of_the_faded_only_so_many_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(sent_datagrams_are_freed_as_a_list, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
