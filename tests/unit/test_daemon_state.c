/* SPDX-License-Identifier: ISC
 *
 * daemon/app/state.c: what a run that died leaves to the next one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/state.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_daemon_state.%d", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void collect(void *arg, const char *record) { strcat(strcat(arg, record), ";"); }

/* A process that notes things and dies. */
static void crash(int (*work)(struct state *s))
{
    pid_t pid = fork();
    if (pid == 0) {
        char sink[512] = "";
        struct state *s = state_open(path, collect, sink);
        _exit(s == NULL ? 99 : work(s));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int note_three(struct state *s)
{
    int a = state_add(s, "sa one"), b = state_add(s, "policy two"), c = state_add(s, "route three");
    state_remove(s, b);
    return a == 1 && b == 2 && c == 3 ? 0 : 1;
}

static void leftovers(void **state)
{
    (void)state;
    char found[512] = "";
    crash(note_three);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    struct state *s = state_open(path, collect, found);
    assert_non_null(s);
    assert_string_equal(found, "route three;sa one;"); /* last in, first out */
    state_close(s);
    assert_int_equal(stat(path, &st), -1); /* an orderly end leaves no file */
}

static int churn(struct state *s)
{
    int slot = -1;
    for (int i = 0; i < 10000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "sa %d", i);
        int next = state_add(s, text);
        state_remove(s, slot);
        slot = next;
    }
    return 0;
}

static void file_does_not_grow(void **state)
{
    (void)state;
    char found[512] = "";
    struct stat st;
    crash(churn);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 1000);
    struct state *s = state_open(path, collect, found);
    assert_string_equal(found, "sa 9999;");
    state_close(s);
}

/* Another boot, or another network: the names in the file mean nothing here. */
static void foreign_file_is_ignored(void **state)
{
    (void)state;
    char found[512] = "";
    crash(note_three);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fputs("ikelibd 1 other-boot", f);
    fclose(f);
    struct state *s = state_open(path, collect, found);
    assert_non_null(s);
    assert_string_equal(found, "");
    state_close(s);
}

static void one_daemon_at_a_time(void **state)
{
    (void)state;
    char found[512] = "";
    struct state *s = state_open(path, collect, found);
    assert_non_null(s);
    assert_null(state_open(path, collect, found));
    assert_int_equal(errno, EWOULDBLOCK);
    assert_int_equal(state_add(NULL, "x"), -1);
    state_remove(NULL, 1);
    char lengthy[300];
    memset(lengthy, 'x', sizeof(lengthy));
    lengthy[299] = 0;
    assert_int_equal(state_add(s, lengthy), -1);
    state_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(leftovers, setup, teardown),
        cmocka_unit_test_setup_teardown(file_does_not_grow, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_file_is_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(one_daemon_at_a_time, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
