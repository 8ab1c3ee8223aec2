/* SPDX-License-Identifier: ISC
 *
 * The command line of ikelibd: what is taken, what is refused with which status, and that it wins over the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ike/conf.h>

#include "options.h"

/* What was said on stdout and stderr. */
static char said[4096];

/* options_parse() of these words, which end with NULL. */
static int parse(struct options *o, ...)
{
    char *argv[16] = {(char[]){"ikelibd"}}, *word;
    int argc = 1, old[2] = {dup(1), dup(2)};
    FILE *f = tmpfile();
    va_list ap;
    va_start(ap, o);
    while ((word = va_arg(ap, char *)) != NULL) {
        argv[argc++] = word;
    }
    va_end(ap);
    assert_non_null(f);
    fflush(stdout);
    dup2(fileno(f), 1);
    dup2(fileno(f), 2);
    optind = 0; /* getopt from the beginning */
    int status = options_parse(argc, argv, o);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(old[i], i + 1);
        close(old[i]);
    }
    rewind(f);
    said[fread(said, 1, sizeof said - 1, f)] = 0;
    fclose(f);
    return status;
}

static void what_is_taken(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(parse(&o, NULL), -1);
    assert_string_equal(o.config, IKELIBD_CONFIG);
    assert_true(!o.check && !o.keylog && !o.socket && !o.backend && !o.has_log);
    assert_int_equal(
        parse(&o, "-c", "x.conf", "--socket", "s", "--backend=none", "--log", "trace", "--keylog", "k", "--foreground", NULL),
        -1);
    assert_string_equal(o.config, "x.conf");
    assert_string_equal(o.socket, "s");
    assert_string_equal(o.backend, "none");
    assert_string_equal(o.keylog, "k");
    assert_true(o.has_log);
    assert_int_equal(o.log, IKE_LOG_TRACE);
    assert_int_equal(parse(&o, "--check", "y.conf", NULL), -1);
    assert_string_equal(o.check, "y.conf");
    assert_string_equal(said, "");
}

static void what_is_refused(void **state)
{
    struct options o;
    char longest[300];
    struct daemon_settings *s = NULL;
    (void)state;
    assert_int_equal(parse(&o, "--no-such", NULL), 2);
    assert_non_null(strstr(said, "--help"));
    assert_int_equal(parse(&o, "-c", NULL), 2);
    assert_int_equal(parse(&o, "left.conf", NULL), 2);
    assert_non_null(strstr(said, "left.conf: unexpected"));
    assert_int_equal(parse(&o, "--log", "loud", NULL), 2);
    assert_non_null(strstr(said, "--log loud: expected error, warn, info, debug or trace"));
    /* what would not fit is refused, not cut: the end of a path counts */
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof s->socket_path] = 0;
    assert_int_equal(parse(&o, "--socket", longest, NULL), 2);
    assert_non_null(strstr(said, "--socket: longer than 107 characters"));
    longest[sizeof s->socket_path - 1] = 0;
    assert_int_equal(parse(&o, "--socket", longest, NULL), -1);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(parse(&o, "--keylog", longest, NULL), 2);
    assert_int_equal(parse(&o, "--backend", longest, NULL), 2);
    assert_int_equal(parse(&o, "--backend", "foo", NULL), 2);
    assert_non_null(strstr(said, "--backend foo: expected auto, xfrm, pfkey, userspace or none"));
    /* the words of the file */
    ike_config_key k;
    assert_int_equal(ike_config_key_at(0, &k), IKE_OK);
    assert_string_equal(k.tag, "backend");
    assert_non_null(strstr(said, k.expected));
    assert_int_equal(parse(&o, "-h", NULL), 0);
    assert_non_null(strstr(said, "usage: ikelibd"));
    assert_int_equal(parse(&o, "--help", "--no-such", NULL), 0);
    assert_non_null(strstr(said, "usage: ikelibd"));
    assert_int_equal(parse(&o, "--version", NULL), 0);
    assert_non_null(strstr(said, ike_version()));
}

static void it_wins_over_the_file(void **state)
{
    struct options o = {.config = "c"};
    struct daemon_settings s, file;
    (void)state;
    daemon_settings_init(&file);
    strcpy(file.backend, "xfrm");
    strcpy(file.socket_path, "/from/the/file");
    strcpy(file.keylog, "file.keys");
    file.log_level = IKE_LOG_DEBUG;
    s = file;
    options_apply(&o, &s);
    assert_memory_equal(&s, &file, sizeof s); /* nothing was given */
    o = (struct options){.socket = "/given", .backend = "none", .keylog = "given.keys", .has_log = true, .log = IKE_LOG_ERROR};
    options_apply(&o, &s);
    assert_string_equal(s.socket_path, "/given");
    assert_string_equal(s.backend, "none");
    assert_string_equal(s.keylog, "given.keys");
    assert_int_equal(s.log_level, IKE_LOG_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_taken), cmocka_unit_test(what_is_refused),
                                       cmocka_unit_test(it_wins_over_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
