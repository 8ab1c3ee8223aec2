/* SPDX-License-Identifier: ISC
 *
 * A host for tests of the inner parts: an allocator that counts and can run dry, a random source that repeats itself and can
 * fail, and an ike_core over both.
 */
#ifndef TESTS_UNIT_CORE_HELP_H
#define TESTS_UNIT_CORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

/* First thing in a test that is about what some builds leave out (IKE_WITH_... of the top CMakeLists.txt). */
#define NEEDS(part)                                                                                                              \
    do {                                                                                                                         \
        if (!IKE_WITH_##part) {                                                                                                  \
            print_message("left out: " #part " is not in this build\n");                                                         \
            return;                                                                                                              \
        }                                                                                                                        \
    } while (0)

struct lab {
    size_t octets, blocks; /* held now */
    long allowed;          /* allocations that still succeed; negative: all */
    uint64_t seed;
    bool no_random;
    unsigned sent, cancelled, logged;
    ike_token last_cancel;
    char log[256];
};

/* The size stands before each block, so that a release of another size is noticed. */
static inline void *lab_alloc(void *user, size_t n)
{
    struct lab *l = user;
    if (l->allowed == 0) {
        return NULL;
    }
    l->allowed -= l->allowed > 0;
    size_t *p = malloc(n + 16);
    assert_non_null(p);
    p[0] = n;
    memset((uint8_t *)p + 16, 0xa5, n);
    l->octets += n;
    l->blocks++;
    return (uint8_t *)p + 16;
}

static inline void lab_release(void *user, void *p, size_t n)
{
    struct lab *l = user;
    uint8_t *block = (uint8_t *)p - 16;
    size_t was;
    memcpy(&was, block, sizeof was);
    assert_int_equal(was, n);
    l->octets -= n;
    l->blocks--;
    free(block);
}

static inline int lab_random(void *user, uint8_t *out, size_t n)
{
    struct lab *l = user;
    if (l->no_random) {
        return IKE_ERR_HOST;
    }
    for (size_t i = 0; i < n; i++) { /* splitmix64 */
        uint64_t z = l->seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        out[i] = (uint8_t)(z ^ z >> 31);
    }
    return IKE_OK;
}

static inline void lab_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)path, (void)kind, (void)bytes, (void)n;
    ((struct lab *)user)->sent++;
}

static inline void lab_cancel(void *user, ike_token t)
{
    ((struct lab *)user)->cancelled++;
    ((struct lab *)user)->last_cancel = t;
}

static inline void lab_log(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text)
{
    (void)c, (void)level, (void)sa;
    struct lab *l = user;
    l->logged++;
    snprintf(l->log, sizeof l->log, "%s", text);
}

static inline void lab_settings(struct lab *l, ike_settings *s)
{
    ike_settings_init(s);
    s->crypto = ike_crypto_default();
    s->allow_variable_time = true; /* the CPU a test runs on is no matter */
    s->host.user = l;
    s->host.alloc = lab_alloc;
    s->host.release = lab_release;
    s->host.random = lab_random;
    s->host.send = lab_send;
    s->host.log = lab_log;
    s->host.hooks.cancel = lab_cancel;
}

static inline void lab_init(struct lab *l)
{
    memset(l, 0, sizeof *l);
    l->allowed = -1;
    l->seed = 7;
}

/* A core at virtual time 1 s. */
static inline void lab_core(struct lab *l, struct ike_core *c)
{
    ike_settings s;
    lab_init(l);
    lab_settings(l, &s);
    assert_int_equal(ike_core_init(c, &s, IKE_SEC), IKE_OK);
}

static inline void lab_core_end(struct lab *l, struct ike_core *c)
{
    ike_core_fini(c);
    assert_int_equal(l->blocks, 0);
    assert_int_equal(l->octets, 0);
    assert_int_equal(c->count.allocated, 0);
}

static inline ike_addr lab_addr(const char *text)
{
    ike_addr a;
    assert_int_equal(ike_addr_parse(&a, text), IKE_OK);
    return a;
}

static inline ike_ts lab_ts(const char *text)
{
    ike_ts ts;
    assert_int_equal(ike_ts_parse(&ts, text), IKE_OK);
    return ts;
}

#endif
