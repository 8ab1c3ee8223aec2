/* SPDX-License-Identifier: ISC
 *
 * daemon/loop.c: order of timers, calls put off, and callbacks that take things away under the loop's feet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

struct item {
    char name;
    char *log;
    struct loop *loop;
    struct loop_timer timer, *victim;
    struct loop_task task;
    int fd, victim_fd;
};

static void write_name(void *arg)
{
    struct item *i = arg;
    strncat(i->log, &i->name, 1);
    if (i->victim != NULL) {
        loop_timer_cancel(i->victim);
    }
}

static void write_name_fd(void *arg, uint32_t events)
{
    struct item *i = arg;
    (void)events;
    strncat(i->log, &i->name, 1);
    loop_fd_del(i->loop, i->victim_fd);
}

static void timers_in_order(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    char log[16] = "";
    struct item items[4] = {
        {.name = 'a', .log = log}, {.name = 'b', .log = log}, {.name = 'c', .log = log}, {.name = 'd', .log = log}};
    ike_time now = loop_now(l);
    for (size_t i = 0; i < 4; i++) {
        loop_timer_init(&items[i].timer, write_name, &items[i]);
        loop_timer_set(l, &items[i].timer, now - 10 + i);
    }
    loop_timer_set(l, &items[1].timer, now - 20); /* moved to the front */
    items[0].victim = &items[2].timer;            /* a takes c away */
    assert_int_equal(loop_once(l, 0), 0);
    assert_string_equal(log, "bad");
    assert_int_equal(loop_once(l, 0), 0);
    assert_string_equal(log, "bad"); /* each once */
    loop_free(l);
}

enum { MANY = 3000 };
static struct many {
    struct loop_timer timer;
    unsigned set; /* when, among the others */
} many[MANY], *fired[MANY];
static size_t n_fired;

static void note(void *arg) { fired[n_fired++] = arg; }

/* Set, moved and cancelled in no order at all; each that is left goes once, and of those due at one time the one set first. */
static void many_timers(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    unsigned draw = 1, set = 0, left = 0;
    ike_time now = loop_now(l);
    for (int i = 0; i < MANY; i++) {
        loop_timer_init(&many[i].timer, note, &many[i]);
    }
    for (int i = 0; i < 4 * MANY; i++) {
        draw = draw * 1103515245 + 12345;
        struct many *m = &many[(draw >> 8) % MANY];
        if ((draw >> 24) % 4 == 0) {
            loop_timer_cancel(&m->timer);
        } else {
            m->set = set++;
            loop_timer_set(l, &m->timer, now - 100 + (draw >> 20) % 64);
        }
    }
    for (int i = 0; i < MANY; i++) {
        left += loop_timer_is_set(&many[i].timer) ? 1 : 0;
    }
    for (int i = 0; i < MANY / 1000 + 1; i++) {
        assert_int_equal(loop_once(l, 0), 0);
    }
    assert_in_range(left, MANY / 2, MANY - 1);
    assert_int_equal(n_fired, left);
    for (size_t i = 0; i < n_fired; i++) {
        assert_false(loop_timer_is_set(&fired[i]->timer));
        assert_true(i == 0 || fired[i]->timer.due > fired[i - 1]->timer.due ||
                    (fired[i]->timer.due == fired[i - 1]->timer.due && fired[i]->set > fired[i - 1]->set));
    }
    loop_free(l);
}

static void again(void *arg)
{
    struct item *i = arg;
    strncat(i->log, &i->name, 1);
    if (strlen(i->log) < 3) {
        loop_defer(i->loop, &i->task);
    }
}

static void deferred_calls(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    char log[16] = "";
    struct item a = {.name = 'a', .log = log, .loop = l}, b = {.name = 'b', .log = log, .loop = l};
    loop_task_init(&a.task, again, &a);
    loop_task_init(&b.task, write_name, &b);
    loop_defer(l, &a.task);
    loop_defer(l, &a.task); /* once is enough */
    loop_defer(l, &b.task);
    loop_task_cancel(l, &b.task);
    loop_defer(l, &b.task);
    assert_int_equal(loop_once(l, IKE_NEVER), 0); /* does not wait */
    assert_string_equal(log, "aba");
    loop_free(l);
}

/* Both are readable in the same turn; whoever comes first removes the other. */
static void removed_in_the_same_turn(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    char log[16] = "";
    struct item items[2] = {{.name = 'x', .log = log, .loop = l}, {.name = 'x', .log = log, .loop = l}};
    for (size_t i = 0; i < 2; i++) {
        items[i].fd = eventfd(1, EFD_CLOEXEC);
        items[1 - i].victim_fd = items[i].fd;
        assert_int_equal(loop_fd_add(l, items[i].fd, EPOLLIN, write_name_fd, &items[i]), 0);
    }
    assert_int_equal(loop_once(l, 0), 0);
    assert_string_equal(log, "x");
    assert_int_equal(loop_once(l, 0), 0);
    assert_string_equal(log, "xx"); /* the survivor is still watched */
    for (size_t i = 0; i < 2; i++) {
        loop_fd_del(l, items[i].fd);
        close(items[i].fd);
    }
    assert_int_equal(loop_fd_add(l, items[0].fd, EPOLLIN, write_name_fd, &items[0]), -9); /* EBADF is reported */
    loop_free(l);
}

static ike_time count_turns(void *arg, ike_time now)
{
    struct item *i = arg;
    (void)now;
    strncat(i->log, &i->name, 1);
    if (strlen(i->log) == 3) {
        loop_stop(i->loop);
    }
    return now;
}

static void idle_and_stop(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    char log[16] = "";
    struct item a = {.name = 'i', .log = log, .loop = l};
    loop_set_idle(l, count_turns, &a);
    assert_int_equal(loop_run(l), 0);
    assert_string_equal(log, "iii");
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(timers_in_order), cmocka_unit_test(many_timers),
                                       cmocka_unit_test(deferred_calls), cmocka_unit_test(removed_in_the_same_turn),
                                       cmocka_unit_test(idle_and_stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
