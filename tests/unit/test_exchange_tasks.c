/* SPDX-License-Identifier: ISC
 *
 * Local requests: by priority, each once, not before their time, as many as the window takes; what no longer makes sense goes.
 */
#include "unit/engine_help.h"

static struct ike_sa *sa; /* a's */

static int begin(void **state)
{
    (void)state;
    pair_up(NULL);
    uint64_t id;
    sa = ike_slots_next(&a.e->db.sas, 0, &id);
    a.n_out = 0;
    return 0;
}

static void queue(uint8_t purpose, ike_child_id child)
{
    struct ike_task t = {.purpose = purpose, .child = child};
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
}

/* The window is taken, so that nothing begins. */
static void close_window(void) { sa->window = 0; }

static void assert_queue(const uint8_t *purposes, size_t n)
{
    size_t i = 0;
    IKE_LIST_EACH (it, tmp, &sa->tasks) {
        assert_true(i < n);
        assert_int_equal(IKE_OF(it, struct ike_task, link)->purpose, purposes[i++]);
    }
    assert_int_equal(i, n);
}

static void they_wait_by_priority_in_the_order_they_came(void **state)
{
    (void)state;
    static const uint8_t want[] = {IKE_DO_DELETE_IKE,  IKE_DO_DELETE_CHILD, IKE_DO_DELETE_CHILD, IKE_DO_REKEY_IKE,
                                   IKE_DO_REKEY_CHILD, IKE_DO_CHILD,        IKE_DO_LIVENESS};
    close_window();
    queue(IKE_DO_LIVENESS, 0);
    queue(IKE_DO_CHILD, 0);
    queue(IKE_DO_DELETE_CHILD, 8);
    queue(IKE_DO_REKEY_IKE, 0);
    queue(IKE_DO_DELETE_CHILD, 5);
    queue(IKE_DO_REKEY_CHILD, 9);
    queue(IKE_DO_DELETE_IKE, 0);
    assert_queue(want, IKE_COUNT(want));
    struct ike_task *first = IKE_OF(sa->tasks.next->next, struct ike_task, link);
    assert_true(first->child == 8);
    ike_sa_info info;
    assert_int_equal(ike_sa_get(a.e, sa->id, &info), IKE_OK);
    assert_int_equal(info.queued, IKE_COUNT(want));
    ike_tasks_drop(a.e, sa);
    assert_true(ike_list_empty(&sa->tasks));
}

static void the_same_request_waits_once(void **state)
{
    (void)state;
    close_window();
    for (unsigned i = 0; i < 3; i++) {
        queue(IKE_DO_LIVENESS, 0);
        queue(IKE_DO_REKEY_CHILD, 5);
        queue(IKE_DO_REKEY_CHILD, 6);
        struct ike_task t = {.purpose = IKE_DO_CHILD, .index = 1};
        assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
        t.index = 0; /* another child */
        assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
    }
    static const uint8_t want[] = {IKE_DO_REKEY_CHILD, IKE_DO_REKEY_CHILD, IKE_DO_CHILD, IKE_DO_CHILD, IKE_DO_LIVENESS};
    assert_queue(want, IKE_COUNT(want));
    assert_true(ike_task_waiting(sa, IKE_DO_REKEY_CHILD, 5) && ike_task_waiting(sa, IKE_DO_REKEY_CHILD, 0));
    assert_false(ike_task_waiting(sa, IKE_DO_REKEY_CHILD, 7));
    assert_false(ike_task_waiting(sa, IKE_DO_REKEY_IKE, 0));
    a.lab.allowed = 0;
    struct ike_task t = {.purpose = IKE_DO_REKEY_IKE};
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_ERR_NOMEM);
    a.lab.allowed = -1;
    ike_tasks_drop(a.e, sa);
}

static void the_window_takes_one_at_a_time(void **state)
{
    (void)state;
    close_window();
    queue(IKE_DO_LIVENESS, 0);
    struct ike_task t = {.purpose = IKE_DO_CHILD, .index = 1};
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
    sa->window = 1;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    ike_kick(a.e, sa);
    ike_kick(a.e, sa);
    assert_int_equal(a.n_out, 1); /* the child goes first */
    assert_true(ike_task_waiting(sa, IKE_DO_LIVENESS, 0));
    wire_run();
    assert_true(ike_list_empty(&sa->tasks) && ike_list_empty(&sa->outstanding));
    assert_int_equal(counters(&b).children, 2);
}

static void not_before_its_time(void **state)
{
    (void)state;
    struct ike_task t = {.purpose = IKE_DO_REKEY_IKE, .not_before = now + 10 * IKE_SEC};
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
    queue(IKE_DO_LIVENESS, 0);
    ike_kick(a.e, sa);
    assert_int_equal(a.n_out, 1); /* the later one of lower priority, meanwhile */
    wire_run();
    assert_true(ike_next_timeout(a.e) <= t.not_before + 2 * IKE_MS);
    now = t.not_before - IKE_MS;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(a.n_out, 0);
    now = t.not_before + 2 * IKE_MS;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_SA_REKEYED), 1);
}

static void what_makes_no_sense_any_more_is_left_out(void **state)
{
    (void)state;
    ike_child_info k;
    assert_int_equal(ike_child_next(a.e, 0, &k), IKE_OK);
    close_window();
    queue(IKE_DO_REKEY_CHILD, 12345); /* gone */
    queue(IKE_DO_DELETE_CHILD, 12345);
    struct ike_task t = {.purpose = IKE_DO_CHILD, .index = 77}; /* not in the settings any more */
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
    sa->window = 1;
    ike_kick(a.e, sa);
    assert_int_equal(a.n_out, 0);
    assert_true(ike_list_empty(&sa->tasks));
    assert_int_equal(counters(&a).failures, 0);
}

static void a_connecting_sa_begins_nothing(void **state)
{
    (void)state;
    sa->state = IKE_SA_CONNECTING;
    queue(IKE_DO_LIVENESS, 0);
    ike_kick(a.e, sa);
    assert_int_equal(a.n_out, 0);
    sa->state = IKE_SA_DELETING; /* and one on its way out nothing but its end */
    queue(IKE_DO_CHILD, 0);
    ike_kick(a.e, sa);
    assert_int_equal(a.n_out, 1);
    assert_true(ike_task_waiting(sa, IKE_DO_CHILD, 0));
    sa->state = IKE_SA_ESTABLISHED;
    wire_run();
}

/* A reload gives the children other places: what waits keeps to its name, and goes when the name does. */
static void a_reload_leaves_what_waits_its_child(void **state)
{
    (void)state;
    ike_child_settings child[3];
    ike_conn_settings s = conn_settings(&a, child);
    struct ike_task t = {.purpose = IKE_DO_CHILD, .index = 1};
    close_window();
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
    t.index = 0;
    assert_int_equal(ike_queue(a.e, sa, &t), IKE_OK);
    queue(IKE_DO_LIVENESS, 0);
    child[2] = child[1];
    child[1].name = "between";
    child[0].name = "lan2"; /* "lan" is gone */
    s.n_children = 3;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    static const uint8_t want[] = {IKE_DO_CHILD, IKE_DO_LIVENESS};
    assert_queue(want, IKE_COUNT(want));
    assert_int_equal(IKE_OF(sa->tasks.next, struct ike_task, link)->index, 2);
    sa->window = 1;
    ike_kick(a.e, sa);
    wire_run();
    ike_child_info k = {.id = 0};
    assert_int_equal(ike_child_next(a.e, 0, &k), IKE_OK);
    assert_int_equal(ike_child_next(a.e, k.id, &k), IKE_OK);
    assert_string_equal(k.name, "six");
}

/* The same while the IKE SA that it waits for is not up yet. */
static void a_reload_during_the_attempt_does_so_too(void **state)
{
    (void)state;
    ike_child_settings child[3];
    ike_child_info k = {.id = 0};
    pair_end();
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    ike_conn_settings s = conn_settings(&a, child);
    child[2] = child[1];
    child[1] = child[0];
    child[1].name = "between";
    s.n_children = 3;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    wire_run();
    assert_int_equal(ike_child_next(a.e, k.id, &k), IKE_OK);
    assert_string_equal(k.name, "lan");
    assert_int_equal(ike_child_next(a.e, k.id, &k), IKE_OK);
    assert_string_equal(k.name, "six");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_wait_by_priority_in_the_order_they_came, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(the_same_request_waits_once, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(the_window_takes_one_at_a_time, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(not_before_its_time, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_any_more_is_left_out, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_connecting_sa_begins_nothing, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_reload_leaves_what_waits_its_child, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_reload_during_the_attempt_does_so_too, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
