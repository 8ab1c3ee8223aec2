/* SPDX-License-Identifier: ISC
 *
 * A daemon without sockets, a folder with its configuration, and what it logs.
 */
#ifndef TESTS_UNIT_DAEMON_HELP_H
#define TESTS_UNIT_DAEMON_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "config.h"
#include "daemon.h"
#include "options.h"

struct fixture {
    struct ikelibd d;
    struct log_sink sink;
    char dir[32], path[64], log[8192];
};

static inline void hear(void *arg, const struct log_line *l)
{
    struct fixture *f = arg;
    size_t n = strlen(f->log);
    snprintf(f->log + n, sizeof f->log - n, "%s\n", l->text);
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    ike_settings s;
    strcpy(f->dir, "/tmp/ike-conf-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/ikelibd.conf", f->dir);
    f->d.config_path = f->path;
    f->d.keylog_fd = -1;
    f->d.loop = loop_new();
    f->sink = (struct log_sink){.level = IKE_LOG_INFO, .line = hear, .arg = f};
    log_sink_add(&f->d, &f->sink);
    daemon_settings_init(&f->d.settings);
    strcpy(f->d.settings.backend, "none");
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    assert_int_equal(app_select(&f->d), 0);
    ike_settings_init(&s);
    daemon_host(&f->d, &s.host);
    s.max_conns = 3;
    s.allow_variable_time = true; /* IKEv1 has AES only, on whichever CPU this is */
    assert_int_equal(ike_engine_new(&f->d.engine, &s, loop_now(f->d.loop)), IKE_OK);
    *state = f;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    print_message("the last that was logged:\n%s", f->log); /* of a test that failed, why */
    ike_engine_free(f->d.engine);
    f->d.engine = NULL;
    daemon_conns_free(&f->d);
    config_free(f->d.config);
    f->d.app->ops->close(f->d.app);
    log_sink_remove(&f->d, &f->sink);
    loop_free(f->d.loop);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static inline void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* The daemon's reload, or its first reading. */
static inline int load(struct fixture *f, const char *text)
{
    write_file(f->path, text, 0600);
    f->log[0] = 0;
    return daemon_reload(&f->d);
}

static inline ike_conn_id id_of(struct fixture *f, const char *name)
{
    ike_conn_id id = 0;
    (void)ike_conn_find(f->d.engine, name, &id);
    return id;
}

static inline unsigned life_of(struct fixture *f, const char *name)
{
    ike_conn_info c = {.size = sizeof c};
    assert_int_equal(ike_conn_get(f->d.engine, id_of(f, name), &c), IKE_OK);
    return c.settings->life_s;
}

#define CONN(name, more) "[connection " name "]\nremote = 10.0.0.2\nsecret = s\n" more

#endif
