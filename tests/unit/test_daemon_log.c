/* SPDX-License-Identifier: ISC
 *
 * daemon/log.c: levels, and listeners that come and go while a line or an event is on its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

struct ear {
    struct log_sink sink;
    struct event_listener listener;
    struct ikelibd *d;
    struct ear *removes;
    bool talks;
    char heard[128];
};

static void hear(void *arg, const struct log_line *l)
{
    struct ear *e = arg;
    strncat(e->heard, l->text, sizeof(e->heard) - strlen(e->heard) - 1);
    if (e->removes != NULL) {
        log_sink_remove(e->d, &e->removes->sink);
    }
    if (e->talks) {
        e->talks = false;
        daemon_log(e->d, IKE_LOG_INFO, "!");
    }
}

static void on_event(void *arg, const ike_event *ev)
{
    struct ear *e = arg;
    (void)ev;
    strcat(e->heard, "e");
    if (e->removes != NULL) {
        event_listener_remove(e->d, &e->removes->listener);
    }
}

static void prepare(struct ikelibd *d, struct ear *ears, size_t n)
{
    memset(d, 0, sizeof(*d));
    memset(ears, 0, n * sizeof(*ears));
    for (size_t i = 0; i < n; i++) {
        ears[i].d = d;
        ears[i].sink = (struct log_sink){.level = IKE_LOG_INFO, .line = hear, .arg = &ears[i]};
        ears[i].listener = (struct event_listener){.event = on_event, .arg = &ears[i]};
        log_sink_add(d, &ears[i].sink);
        event_listener_add(d, &ears[i].listener);
    }
}

static void levels(void **state)
{
    (void)state;
    struct ikelibd d;
    struct ear ears[2];
    ike_log_level level;
    prepare(&d, ears, 2);
    ears[1].sink.level = IKE_LOG_DEBUG;
    daemon_log(&d, IKE_LOG_DEBUG, "%d", 1);
    daemon_log(&d, IKE_LOG_ERROR, "2");
    assert_string_equal(ears[0].heard, "2");
    assert_string_equal(ears[1].heard, "12");
    assert_int_equal(log_level_parse("warn", &level), IKE_OK);
    assert_int_equal(level, IKE_LOG_WARN);
    assert_int_equal(log_level_parse("loud", &level), IKE_ERR_INVALID);
}

/* The list is walked from the newest: 2, 1, 0. */
static void removal_on_the_way(void **state)
{
    (void)state;
    struct ikelibd d;
    struct ear ears[3];
    prepare(&d, ears, 3);
    ears[2].removes = &ears[1]; /* the next one */
    daemon_log(&d, IKE_LOG_INFO, "x");
    assert_string_equal(ears[1].heard, "");
    assert_string_equal(ears[0].heard, "x");
    prepare(&d, ears, 3);
    ears[1].removes = &ears[1]; /* itself */
    daemon_log(&d, IKE_LOG_INFO, "x");
    daemon_log(&d, IKE_LOG_INFO, "y");
    assert_string_equal(ears[1].heard, "x");
    assert_string_equal(ears[0].heard, "xy");
    prepare(&d, ears, 3);
    ears[2].removes = &ears[1];
    ike_event ev = {.size = sizeof(ev), .type = IKE_EV_SA_UP};
    daemon_event(&d, &ev);
    daemon_event(&d, &ev);
    assert_string_equal(ears[1].heard, "");
    assert_string_equal(ears[0].heard, "ee");
}

/* A line out of a line: an inner walk removes what the outer one is about to visit. */
static void nested(void **state)
{
    (void)state;
    struct ikelibd d;
    struct ear ears[3];
    prepare(&d, ears, 3);
    ears[2].talks = true;
    ears[1].removes = &ears[0];
    daemon_log(&d, IKE_LOG_INFO, "a");
    assert_string_equal(ears[2].heard, "a!");
    assert_string_equal(ears[1].heard, "!a");
    assert_string_equal(ears[0].heard, "");
    assert_null(d.walks);
}

/* In the library's place. */
static int engine_level;
static void level_set(ike_engine *e, ike_log_class c, ike_log_level level)
{
    (void)e;
    assert_int_equal(c, IKE_LOG_CLASSES);
    engine_level = (int)level;
}

static void engine_says_what_is_heard(void **state)
{
    (void)state;
    struct ikelibd d;
    struct ear ears[2];
    prepare(&d, ears, 1);
    engine_level = -1;
    log_level_update(&d);
    assert_int_equal(engine_level, -1); /* there is none yet */
    d.engine = (ike_engine *)(void *)&d;
    d.log_level_set = level_set;
    log_level_update(&d);
    assert_int_equal(engine_level, IKE_LOG_INFO);
    ears[1].sink = (struct log_sink){.level = IKE_LOG_TRACE, .line = hear, .arg = &ears[1]};
    log_sink_add(&d, &ears[1].sink);
    assert_int_equal(engine_level, IKE_LOG_TRACE);
    ears[1].sink.level = IKE_LOG_DEBUG;
    log_level_update(&d);
    assert_int_equal(engine_level, IKE_LOG_DEBUG);
    log_sink_remove(&d, &ears[1].sink);
    assert_int_equal(engine_level, IKE_LOG_INFO);
}

/* The variable names the file; another one, or nothing that can be read, is not meant. */
static void journal(void **state)
{
    (void)state;
    char name[64];
    struct stat st;
    int fds[2], other[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pipe(other), 0);
    assert_int_equal(fstat(fds[1], &st), 0);
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    assert_true(log_is_journal(name, fds[1]));
    assert_false(log_is_journal(name, other[1]));
    assert_false(log_is_journal(NULL, fds[1]));
    assert_false(log_is_journal("", fds[1]));
    assert_false(log_is_journal("yes", fds[1]));
    assert_false(log_is_journal(name, -1));
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(other[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(levels), cmocka_unit_test(removal_on_the_way), cmocka_unit_test(nested),
                                       cmocka_unit_test(engine_says_what_is_heard), cmocka_unit_test(journal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
