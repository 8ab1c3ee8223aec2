/* SPDX-License-Identifier: ISC
 *
 * Requests that cross: the whole table of RFC 7296 section 2.25, each cell made from an SA in that state.
 */
#include "unit/sa_help.h"

#include "exchange/v2/v2.h"

static struct sa_lab lab;
static struct ike_sa *sa;
static struct ike_child *child, *other;
static struct ike_exchange own;

static int begin(void **state)
{
    (void)state;
    sa_lab_init(&lab);
    struct ike_conn *conn = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    struct ike_peer *peer = sa_lab_peer(&lab, conn, "gate.example");
    sa = sa_lab_sa(&lab, conn, true);
    sa->reported = true;
    ike_sa_join(&lab.db, sa, peer);
    child = sa_lab_child(&lab, peer, sa, 0x1000);
    other = sa_lab_child(&lab, peer, sa, 0x2000);
    return 0;
}

static int end(void **state)
{
    (void)state;
    struct ike_conn *conn = sa->conn;
    ike_child_retire(&lab.db, child);
    ike_child_retire(&lab.db, other);
    ike_sa_retire(&lab.db, sa);
    ike_conn_retire(&lab.db, conn);
    sa_lab_end(&lab);
    return 0;
}

/* What we are doing: for `child`, or for the other one. */
static void do_what(enum ike_doing what, struct ike_child *k)
{
    sa->state = IKE_SA_ESTABLISHED;
    sa->replaced_by = 0;
    child->state = other->state = IKE_CHILD_INSTALLED;
    ike_list_init(&sa->outstanding);
    memset(&own, 0, sizeof own);
    own.child = k ? k->id : 0;
    switch (what) {
    case IKE_DOING_CHILD:
        own.purpose = k ? IKE_DO_REKEY_CHILD : IKE_DO_CHILD;
        break;
    case IKE_DOING_DELETE_CHILD:
        own.purpose = IKE_DO_DELETE_CHILD;
        k->state = IKE_CHILD_DELETING;
        break;
    case IKE_DOING_REKEY_IKE:
        own.purpose = IKE_DO_REKEY_IKE;
        sa->state = IKE_SA_REKEYING;
        break;
    case IKE_DOING_DELETE_IKE:
        own.purpose = IKE_DO_DELETE_IKE;
        sa->state = IKE_SA_DELETING;
        break;
    default:
        own.purpose = IKE_DO_LIVENESS;
    }
    ike_list_add(&sa->outstanding, &own.link);
}

static void rest(void)
{
    ike_list_init(&sa->outstanding);
    sa->state = IKE_SA_ESTABLISHED;
    child->state = other->state = IKE_CHILD_INSTALLED;
}

/* Rows: what is received about `child`; columns: what we are doing with it. G go, L later, D no Delete in the answer, F forget.
 */
static void the_table(void **state)
{
    (void)state;
    static const char *const want[IKE_RX_N] = {
        [IKE_RX_REKEY_CHILD] = "GGLLL", [IKE_RX_CREATE_CHILD] = "GGGLL", [IKE_RX_DELETE_CHILD] = "GGDGG",
        [IKE_RX_REKEY_IKE] = "GLLGL",   [IKE_RX_DELETE_IKE] = "GGGFF",
    };
    static const char letter[] = {[IKE_GO] = 'G', [IKE_LATER] = 'L', [IKE_NO_D] = 'D', [IKE_FORGET] = 'F'};
    for (int rx = 0; rx < IKE_RX_N; rx++) {
        bool about_child = rx == IKE_RX_REKEY_CHILD || rx == IKE_RX_DELETE_CHILD;
        for (int what = 0; what < IKE_DOING_N; what++) {
            do_what((enum ike_doing)what, child);
            enum ike_verdict v = ike_collision(sa, (enum ike_received)rx, about_child ? child : NULL);
            if (letter[v] != want[rx][what]) {
                fail_msg("received %d while doing %d: %c, not %c", rx, what, letter[v], want[rx][what]);
            }
        }
    }
    rest();
}

/* What we do with another child is no matter, unless the IKE SA is to be rekeyed. */
static void another_child_does_not_collide(void **state)
{
    (void)state;
    do_what(IKE_DOING_CHILD, other);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_CHILD, child), IKE_GO);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_IKE, NULL), IKE_LATER);
    do_what(IKE_DOING_DELETE_CHILD, other);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_CHILD, child), IKE_GO);
    assert_int_equal(ike_collision(sa, IKE_RX_DELETE_CHILD, child), IKE_GO);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_IKE, NULL), IKE_LATER);
    do_what(IKE_DOING_CHILD, NULL); /* a new child */
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_CHILD, child), IKE_GO);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_IKE, NULL), IKE_LATER);
    rest();
}

static void a_replaced_child_is_not_rekeyed_again(void **state)
{
    (void)state;
    rest();
    child->rekeyed = true;
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_CHILD, child), IKE_LATER);
    assert_int_equal(ike_collision(sa, IKE_RX_DELETE_CHILD, child), IKE_GO);
}

static void a_replaced_ike_sa_takes_nothing_new(void **state)
{
    (void)state;
    rest();
    sa->replaced_by = 5;
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_IKE, NULL), IKE_LATER);
    assert_int_equal(ike_collision(sa, IKE_RX_CREATE_CHILD, NULL), IKE_LATER);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_CHILD, child), IKE_LATER);
    assert_int_equal(ike_collision(sa, IKE_RX_DELETE_CHILD, child), IKE_GO);
    assert_int_equal(ike_collision(sa, IKE_RX_DELETE_IKE, NULL), IKE_FORGET);
    sa->replaced_by = 0;
}

static void our_open_request_is_found(void **state)
{
    (void)state;
    do_what(IKE_DOING_CHILD, child);
    assert_ptr_equal(ike_own_exchange(sa, IKE_DO_REKEY_CHILD, 0), &own);
    assert_ptr_equal(ike_own_exchange(sa, IKE_DO_REKEY_CHILD, child->id), &own);
    assert_null(ike_own_exchange(sa, IKE_DO_REKEY_CHILD, other->id));
    assert_null(ike_own_exchange(sa, IKE_DO_CHILD, 0));
    rest();
    assert_null(ike_own_exchange(sa, IKE_DO_REKEY_CHILD, 0));
}

/* Two rekeys of an IKE SA cross: until ours has ended, nothing is done over what the peer's made. */
static void an_ike_sa_that_may_not_stay_takes_no_work(void **state)
{
    (void)state;
    do_what(IKE_DOING_NOTHING, NULL);
    sa->reported = false;
    assert_int_equal(ike_collision(sa, IKE_RX_CREATE_CHILD, NULL), IKE_LATER);
    assert_int_equal(ike_collision(sa, IKE_RX_REKEY_IKE, NULL), IKE_LATER);
    sa->reported = true;
    assert_int_equal(ike_collision(sa, IKE_RX_CREATE_CHILD, NULL), IKE_GO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_ike_sa_that_may_not_stay_takes_no_work, begin, end),
        cmocka_unit_test_setup_teardown(the_table, begin, end),
        cmocka_unit_test_setup_teardown(another_child_does_not_collide, begin, end),
        cmocka_unit_test_setup_teardown(a_replaced_child_is_not_rekeyed_again, begin, end),
        cmocka_unit_test_setup_teardown(a_replaced_ike_sa_takes_nothing_new, begin, end),
        cmocka_unit_test_setup_teardown(our_open_request_is_found, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
