/* SPDX-License-Identifier: ISC
 *
 * daemon/keylog.c: which files are taken for keys, and that those which are not stay as they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon.h"

static char said[512], dir[] = "/tmp/ike-keylog-XXXXXX", path[64];

static void hear(void *arg, const struct log_line *l)
{
    (void)arg;
    snprintf(said, sizeof(said), "%s", l->text);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    snprintf(path, sizeof(path), "%s/keys", mkdtemp(dir));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* The result of keylog_open() with this file; it is closed again. */
static int take(const char *file)
{
    struct ikelibd d = {.keylog_fd = -1};
    struct log_sink sink = {.level = IKE_LOG_TRACE, .line = hear};
    said[0] = 0;
    log_sink_add(&d, &sink);
    snprintf(d.settings.keylog, sizeof(d.settings.keylog), "%s", file);
    int r = keylog_open(&d);
    assert_int_equal(d.keylog_fd >= 0, r == 0 && file[0] != 0);
    if (d.keylog_fd >= 0) {
        close(d.keylog_fd);
    }
    return r;
}

static void make(mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static mode_t mode_of(const char *file)
{
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    return st.st_mode & 07777;
}

static void taken(void **state)
{
    (void)state;
    assert_int_equal(take(""), 0);
    assert_string_equal(said, "");
    assert_int_equal(take(path), 0);
    assert_int_equal(mode_of(path), 0600);
    assert_non_null(strstr(said, "KEY LOG IS ON"));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(take(path), 0);
    assert_int_equal(mode_of(path), 0600);
}

static void refused(void **state)
{
    (void)state;
    char other[80];
    mode_t device = mode_of("/dev/null");
    assert_int_equal(take("/dev/null"), -1);
    assert_string_equal(said, "key log /dev/null: not a regular file");
    assert_int_equal(mode_of("/dev/null"), device);
    snprintf(other, sizeof(other), "%s/other", dir);
    make(0640);
    assert_int_equal(link(path, other), 0);
    assert_int_equal(take(path), -1);
    assert_non_null(strstr(said, "keys: has another name too"));
    assert_int_equal(mode_of(path), 0640);
    unlink(other);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(take(other), -1);
    assert_non_null(strstr(said, "other: is a symbolic link"));
    unlink(other);
    assert_int_equal(take(dir), -1);
    snprintf(other, sizeof(other), "%s/nothere/keys", dir);
    assert_int_equal(take(other), -1);
    assert_non_null(strstr(said, "No such file"));
}

/* Nobody reads it: opening must not wait. */
static void fifo(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0640), 0);
    alarm(10);
    assert_int_equal(take(path), -1);
    assert_non_null(strstr(said, "keys: not a regular file"));
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(take(path), -1);
    alarm(0);
    close(reader);
    assert_non_null(strstr(said, "keys: not a regular file"));
    assert_int_equal(mode_of(path), 0640);
}

static void of_another_user(void **state)
{
    (void)state;
    make(0666);
    if (chown(path, 1, (gid_t)-1) != 0) {
        skip(); /* only root can give a file away */
    }
    assert_int_equal(take(path), -1);
    assert_non_null(strstr(said, "keys: belongs to another user"));
    assert_int_equal(mode_of(path), 0666);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(taken, setup, teardown),
                                       cmocka_unit_test_setup_teardown(refused, setup, teardown),
                                       cmocka_unit_test_setup_teardown(fifo, setup, teardown),
                                       cmocka_unit_test_setup_teardown(of_another_user, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
