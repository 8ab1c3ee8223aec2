/* SPDX-License-Identifier: ISC
 *
 * For the tests of lib/conf: an allocator that counts and can fail, reading of a text, and its errors as lines.
 */
#ifndef TEST_CONF_HELP_H
#define TEST_CONF_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ike/conf.h>

struct heap {
    size_t live, calls, fail_at; /* fail_at: the call that gets nothing, 0: none */
};

static void *heap_alloc(void *user, size_t n)
{
    struct heap *h = user;
    if (++h->calls == h->fail_at) {
        return NULL;
    }
    h->live += n;
    return malloc(n ? n : 1);
}

static void heap_release(void *user, void *p, size_t n)
{
    struct heap *h = user;
    h->live -= n;
    free(p);
}

static inline ike_allocator heap_of(struct heap *h) { return (ike_allocator){heap_alloc, heap_release, h}; }

struct loaded {
    struct heap heap;
    ike_config *config;
    ike_config_conns *conns;
    ike_config_daemon daemon;
    ike_settings engine;
    ike_config_error errors[16];
    ike_config_report report;
    int read, built;
    char text[4096]; /* the errors, one a line */
};

static inline void describe(struct loaded *l)
{
    size_t len = 0;
    for (size_t i = 0; i < l->report.n && len < sizeof l->text - 1024; i++) {
        len += ike_config_error_format(&l->errors[i], l->text + len, sizeof l->text - len - 1);
        l->text[len++] = '\n';
        l->text[len] = 0;
    }
}

/* Everything a daemon does with a file, whatever the steps say. */
static inline void load_bytes(struct loaded *l, const char *text, size_t n)
{
    size_t fail_at = l->heap.fail_at;
    memset(l, 0, sizeof *l);
    l->heap.fail_at = fail_at;
    l->report = (ike_config_report){.list = l->errors, .max = sizeof l->errors / sizeof *l->errors};
    ike_config_daemon_init(&l->daemon);
    l->engine.size = sizeof l->engine;
    ike_allocator mem = heap_of(&l->heap);
    l->read = ike_config_new(&l->config, &mem);
    if (l->read != IKE_OK) {
        l->built = l->read;
        return;
    }
    (void)ike_config_begin(l->config);
    l->read = ike_config_read(l->config, "f", text, n, &l->report);
    l->built = ike_config_build(l->config, &l->conns, &l->report);
    int d = ike_config_daemon_get(l->config, &l->daemon, &l->engine, &l->report);
    l->built = l->built ? l->built : d;
    if (l->read == IKE_OK && l->built == IKE_OK) {
        (void)ike_config_commit(l->config);
    } else {
        ike_config_abort(l->config);
    }
    describe(l);
}

static inline void load(struct loaded *l, const char *text) { load_bytes(l, text, strlen(text)); }

static inline void unload(struct loaded *l)
{
    ike_config_conns_free(l->conns);
    ike_config_free(l->config);
    assert_int_equal(l->heap.live, 0);
}

#endif
