/* SPDX-License-Identifier: ISC
 *
 * daemon/sysdep/resolve.c: answers, failures and questions nobody waits for. Only names that need no network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "sysdep/resolve.h"

struct result {
    int calls;
    size_t n;
    ike_addr first;
    char error[80];
};

static void take(void *arg, const ike_addr *list, size_t n, const char *error)
{
    struct result *r = arg;
    r->calls++;
    r->n = n;
    if (n > 0) {
        r->first = list[0];
    } else {
        snprintf(r->error, sizeof(r->error), "%s", error);
    }
}

static void wait_for(struct loop *l, struct result *r)
{
    for (int i = 0; i < 2000 && r->calls == 0; i++) {
        assert_int_equal(loop_once(l, 10 * IKE_MS), 0);
    }
}

static void numbers(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.7", "2001:db8::7"};
    for (size_t i = 0; i < 2; i++) {
        struct loop *l = loop_new();
        struct resolver *r = resolver_new(l);
        struct result got = {0};
        char text[64];
        assert_non_null(resolve(r, texts[i], take, &got));
        assert_int_equal(got.calls, 0); /* never from inside the call */
        wait_for(l, &got);
        assert_int_equal(got.calls, 1);
        /* AI_ADDRCONFIG: a host without any address of that family gets none. */
        if (got.n > 0) {
            ike_addr_format(&got.first, false, text, sizeof(text));
            assert_string_equal(text, texts[i]);
        } else {
            assert_true(got.error[0] != 0);
        }
        resolver_free(r);
        loop_free(l);
    }
}

static void not_a_name(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    struct resolver *r = resolver_new(l);
    struct result got = {0};
    assert_non_null(resolve(r, "not a name", take, &got));
    wait_for(l, &got);
    assert_int_equal(got.calls, 1);
    assert_int_equal(got.n, 0);
    assert_true(got.error[0] != 0);
    resolver_free(r);
    loop_free(l);
}

static void cancelled(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    struct resolver *r = resolver_new(l);
    struct result got = {0}, other = {0};
    struct question *q = resolve(r, "192.0.2.7", take, &got);
    assert_non_null(q);
    assert_non_null(resolve(r, "192.0.2.8", take, &other));
    resolve_cancel(q);
    wait_for(l, &other);
    assert_int_equal(got.calls, 0);
    assert_int_equal(other.calls, 1);
    assert_non_null(resolve(r, "192.0.2.9", take, &got));
    resolver_free(r); /* with one under way */
    assert_int_equal(got.calls, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    loop_free(l);
}

/* More than there may be processes or descriptors for: they wait, and all are answered. One that waits may be forgotten. */
static void many(void **state)
{
    (void)state;
    enum { MANY = 4 * RESOLVE_AT_ONCE };
    static struct result got[MANY];
    struct loop *l = loop_new();
    struct resolver *r = resolver_new(l);
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){.rlim_cur = 2 * RESOLVE_AT_ONCE, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    struct question *last = NULL;
    for (int i = 0; i < MANY; i++) {
        last = resolve(r, "127.0.0.1", take, &got[i]);
        assert_non_null(last);
    }
    resolve_cancel(last);
    for (int i = 0; i < MANY - 1; i++) {
        wait_for(l, &got[i]);
        assert_int_equal(got[i].calls, 1);
        assert_null(strstr(got[i].error, "files"));
        assert_int_equal(got[i].n, got[0].n);
    }
    assert_int_equal(got[MANY - 1].calls, 0);
    assert_non_null(resolve(r, "127.0.0.1", take, &got[MANY - 1])); /* the list is whole without its end */
    wait_for(l, &got[MANY - 1]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    resolver_free(r);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    loop_free(l);
}

/* What cannot be asked at all is told so, and not from inside the call. */
static void no_descriptors(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    struct resolver *r = resolver_new(l);
    struct rlimit before, none;
    struct result got = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_non_null(resolve(r, "127.0.0.1", take, &got));
    assert_int_equal(loop_once(l, 0), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(got.calls, 0);
    wait_for(l, &got);
    assert_string_equal(got.error, strerror(EMFILE));
    resolver_free(r);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(not_a_name), cmocka_unit_test(cancelled),
                                       cmocka_unit_test(many), cmocka_unit_test(no_descriptors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
