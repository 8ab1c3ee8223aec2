/* SPDX-License-Identifier: ISC
 *
 * daemon/conns.c with a real engine and a data plane that only takes notes: names, traps, replacement.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "sysdep/resolve.h"

struct world {
    struct ikelibd d;
    struct app app;
    struct app_ops ops;
    struct log_sink sink;
    char notes[512]; /* "+child remote" and "-" */
    char log[2048];
};

static struct world *w;

static int note_trap(struct app *a, const struct app_trap *t)
{
    char remote[64], ts[96];
    (void)a;
    ike_addr_format(&t->remote, false, remote, sizeof(remote));
    ike_ts_format(&t->remote_ts[0], ts, sizeof(ts));
    size_t n = strlen(w->notes);
    snprintf(w->notes + n, sizeof(w->notes) - n, "+%s %s %s;", t->child_name, remote, ts);
    return 0;
}

static void note_untrap(struct app *a, ike_conn_id conn, const char *child_name)
{
    (void)a;
    (void)conn;
    (void)child_name;
    strncat(w->notes, "-;", sizeof(w->notes) - strlen(w->notes) - 1);
}

static void note_line(void *arg, const struct log_line *l)
{
    size_t n = strlen(w->log);
    (void)arg;
    snprintf(w->log + n, sizeof(w->log) - n, "%s\n", l->text);
}

static int setup(void **state)
{
    static struct world world;
    ike_settings s;
    (void)state;
    w = &world;
    memset(w, 0, sizeof(*w));
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    w->d.keylog_fd = -1;
    w->d.loop = loop_new();
    w->d.resolver = resolver_new(w->d.loop);
    w->ops = app_none;
    w->ops.trap = note_trap;
    w->ops.untrap = note_untrap;
    w->ops.needs_encap = true;
    w->app = (struct app){&w->ops, &w->d};
    w->d.app = &w->app;
    w->sink = (struct log_sink){.level = IKE_LOG_INFO, .line = note_line};
    log_sink_add(&w->d, &w->sink);
    daemon_settings_init(&w->d.settings);
    ike_settings_init(&s);
    daemon_host(&w->d, &s.host);
    assert_int_equal(ike_engine_new(&w->d.engine, &s, loop_now(w->d.loop)), IKE_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ike_engine_free(w->d.engine);
    daemon_conns_free(&w->d);
    resolver_free(w->d.resolver);
    loop_free(w->d.loop);
    return 0;
}

static ike_ts ts[3];
static ike_child_settings children[2];

static ike_conn_settings office(void)
{
    ike_conn_settings s;
    ike_conn_settings_init(&s);
    assert_int_equal(ike_ts_parse(&ts[0], "10.1.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[1], "10.2.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[2], "0.0.0.0/0"), IKE_OK);
    for (size_t i = 0; i < 2; i++) {
        ike_child_settings_init(&children[i]);
        children[i].name = i == 0 ? "net" : "all";
        children[i].local_ts = &ts[0];
        children[i].remote_ts = &ts[1 + i];
        children[i].n_local_ts = children[i].n_remote_ts = 1;
    }
    s.name = "office";
    s.secret = (ike_bytes){(const uint8_t *)"correct horse battery staple", 28};
    s.children = children;
    s.n_children = 2;
    return s;
}

static ike_conn_info info(void)
{
    ike_conn_info i = {.size = sizeof(i)};
    ike_conn_id id;
    assert_int_equal(ike_conn_find(w->d.engine, "office", &id), IKE_OK);
    assert_int_equal(ike_conn_get(w->d.engine, id, &i), IKE_OK);
    return i;
}

static void traps_follow_start(void **state)
{
    (void)state;
    ike_conn_settings s = office();
    assert_int_equal(ike_addr_parse(&s.remote, "192.0.2.2"), IKE_OK);
    assert_int_equal(ike_addr_parse(&s.local, "192.0.2.1"), IKE_OK);
    children[1].start = IKE_START_DEMAND;
    assert_int_equal(daemon_conn_put(&w->d, &s, NULL, true), IKE_OK);
    assert_string_equal(w->notes, "-;+all 192.0.2.2 0.0.0.0/0;");
    assert_true(info().settings->encap); /* what the data plane needs */
    w->notes[0] = 0;
    children[0].start = children[1].start = IKE_START_YES;
    assert_int_equal(daemon_conn_put(&w->d, &s, NULL, true), IKE_OK);
    /* A full tunnel that is on its way does not cut the host off. */
    assert_string_equal(w->notes, "-;+net 192.0.2.2 10.2.0.0/24;");
    assert_non_null(strstr(w->log, "full tunnel"));
    w->notes[0] = 0;
    assert_int_equal(daemon_conn_drop(&w->d, "office"), IKE_OK);
    assert_string_equal(w->notes, "-;");
    assert_int_equal(daemon_conn_drop(&w->d, "office"), IKE_ERR_NOT_FOUND);
    assert_null(daemon_conn_find(&w->d, "office"));
}

static void dynamic_selectors(void **state)
{
    (void)state;
    ike_conn_settings s = office();
    assert_int_equal(ike_addr_parse(&s.remote, "192.0.2.2"), IKE_OK);
    assert_int_equal(ike_addr_parse(&s.local, "192.0.2.1"), IKE_OK);
    children[0].start = IKE_START_DEMAND;
    children[0].n_local_ts = children[0].n_remote_ts = 0;
    assert_int_equal(daemon_conn_put(&w->d, &s, NULL, true), IKE_OK);
    assert_string_equal(w->notes, "-;+net 192.0.2.2 192.0.2.2/32;");
}

static void turn_until_resolved(void)
{
    for (int i = 0; i < 2000 && daemon_conn_find(&w->d, "office")->question != NULL; i++) {
        assert_int_equal(loop_once(w->d.loop, 10 * IKE_MS), 0);
    }
}

/* A number is a name that needs no network; on a host without IPv4 it does not resolve. */
static void names(void **state)
{
    (void)state;
    ike_conn_settings s = office();
    children[0].start = IKE_START_DEMAND;
    s.remote.port = 1500;
    assert_int_equal(daemon_conn_put(&w->d, &s, "192.0.2.7", true), IKE_OK);
    assert_true(info().settings->remote_unresolved);
    assert_string_equal(w->notes, "-;");
    turn_until_resolved();
    struct conn_rt *rt = daemon_conn_find(&w->d, "office");
    if (rt->remote.family == 0) {
        print_message("SKIPPED: this host resolves no IPv4 address\n");
        skip();
    }
    assert_string_equal(w->notes, "-;-;+net 192.0.2.7 10.2.0.0/24;");
    assert_int_equal(rt->remote.port, 1500);
    assert_non_null(strstr(w->log, "office: 192.0.2.7 is 192.0.2.7"));
    /* After a failure it is asked for again; the same answer changes nothing. */
    w->notes[0] = 0;
    daemon_conn_failed(&w->d, rt->id);
    assert_non_null(rt->question);
    turn_until_resolved();
    assert_string_equal(w->notes, "");
    /* Another name is another peer. */
    assert_int_equal(daemon_conn_put(&w->d, &s, "192.0.2.8", true), IKE_OK);
    assert_true(info().settings->remote_unresolved);
    turn_until_resolved();
    assert_int_equal(rt->remote.ip[3], 8);
    /* New settings find the address known. */
    s.dpd_s = 7;
    assert_int_equal(daemon_conn_put(&w->d, &s, "192.0.2.8", true), IKE_OK);
    assert_false(info().settings->remote_unresolved);
    assert_int_equal(info().settings->remote.ip[3], 8);
    assert_int_equal(rt->resolve_fails, 0);
}

static size_t told(const char *text)
{
    size_t n = 0;
    for (const char *p = w->log; (p = strstr(p, text)) != NULL; p++) {
        n++;
    }
    return n;
}

static void names_that_do_not_resolve(void **state)
{
    (void)state;
    ike_conn_settings s = office();
    assert_int_equal(daemon_conn_put(&w->d, &s, "not a name", true), IKE_OK);
    struct conn_rt *rt = daemon_conn_find(&w->d, "office");
    assert_string_equal(rt->resolve_error, "");
    assert_false(loop_timer_is_set(&rt->retry)); /* it is being asked for */
    turn_until_resolved();
    assert_int_equal(rt->resolve_fails, 1);
    assert_string_not_equal(rt->resolve_error, "");
    assert_true(loop_timer_is_set(&rt->retry)); /* it will be tried again */
    assert_non_null(strstr(w->log, "cannot resolve not a name"));
    assert_non_null(strstr(w->log, "; next try in 5 s\n"));
    /* The log is told again, but not each time. */
    for (unsigned i = 2; i <= 20; i++) {
        daemon_conn_failed(&w->d, rt->id);
        turn_until_resolved();
        assert_int_equal(rt->resolve_fails, i);
        assert_int_equal(told("cannot resolve not a name"), 1 + i / 10);
    }
    assert_non_null(strstr(w->log, " (10 times in a row); next try in 60 s\n"));
    /* Another name has not failed yet. */
    assert_int_equal(daemon_conn_put(&w->d, &s, "192.0.2.8", true), IKE_OK);
    assert_int_equal(rt->resolve_fails, 0);
    assert_string_equal(rt->resolve_error, "");
}

static bool nothing_over_ipv4(uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    (void)protocol, (void)type, (void)id, (void)bits;
    return family != 4;
}

/* The name may come to another address by the next time; the one in use is tried again as well. */
static void an_address_that_the_engine_does_not_take_is_no_end(void **state)
{
    (void)state;
    ike_conn_settings s = office();
    w->ops.carries = nothing_over_ipv4;
    assert_int_equal(daemon_conn_put(&w->d, &s, "192.0.2.7", true), IKE_OK);
    w->notes[0] = 0;
    turn_until_resolved();
    struct conn_rt *rt = daemon_conn_find(&w->d, "office");
    assert_int_equal(rt->resolve_fails, 1);
    assert_true(loop_timer_is_set(&rt->retry));
    assert_string_equal(w->notes, ""); /* nothing is caught for it */
    if (rt->remote.family == 0) {
        print_message("left out: an address refused, as this host resolves no IPv4 address\n");
        return;
    }
    assert_true(info().settings->remote_unresolved);
    w->ops.carries = NULL;
    daemon_conn_failed(&w->d, rt->id);
    turn_until_resolved();
    assert_int_equal(rt->resolve_fails, 0);
    assert_string_not_equal(w->notes, "");
}

static void refused_settings_change_nothing(void **state)
{
    (void)state;
    ike_conn_settings s = office(), bad;
    assert_int_equal(ike_addr_parse(&s.remote, "192.0.2.2"), IKE_OK);
    assert_int_equal(daemon_conn_put(&w->d, &s, NULL, true), IKE_OK);
    bad = s;
    bad.proposals = "no-such-cipher";
    assert_int_not_equal(daemon_conn_put(&w->d, &bad, NULL, true), IKE_OK);
    assert_non_null(daemon_conn_find(&w->d, "office"));
    bad.name = "other";
    assert_int_not_equal(daemon_conn_put(&w->d, &bad, NULL, true), IKE_OK);
    assert_null(daemon_conn_find(&w->d, "other"));
}

static size_t steps_to(ike_conn_id id)
{
    size_t steps = 1;
    for (struct table_node *n = table_chain(&w->d.conns, conn_rt_hash(id)); TABLE_OF(n, struct conn_rt, node)->id != id;
         n = n->next) {
        steps++;
    }
    return steps;
}

/* By what is looked at, as a time says nothing: two connections or thousands, each is found in a step or two. */
static void many_are_found_as_fast_as_few(void **state)
{
    (void)state;
    enum { MANY = 4096 };
    size_t steps = 0;
    ike_conn_settings s = office();
    ike_conn_id id;
    char name[32];
    s.name = name;
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "office-%d", i);
        assert_int_equal(daemon_conn_put(&w->d, &s, NULL, true), IKE_OK);
        w->notes[0] = 0;
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "office-%d", i);
        assert_int_equal(ike_conn_find(w->d.engine, name, &id), IKE_OK);
        assert_string_equal(daemon_conn_by_id(&w->d, id)->name, name);
        assert_ptr_equal(daemon_conn_find(&w->d, name), daemon_conn_by_id(&w->d, id));
        steps += steps_to(id);
    }
    assert_in_range(steps, MANY, 2 * MANY);
    for (int i = 0; i < MANY; i += 2) {
        snprintf(name, sizeof(name), "office-%d", i);
        assert_int_equal(daemon_conn_drop(&w->d, name), IKE_OK);
        assert_null(daemon_conn_find(&w->d, name));
        w->notes[0] = 0;
    }
    assert_int_equal(w->d.conns.n, MANY / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(traps_follow_start, setup, teardown),
        cmocka_unit_test_setup_teardown(dynamic_selectors, setup, teardown),
        cmocka_unit_test_setup_teardown(names, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_do_not_resolve, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_that_the_engine_does_not_take_is_no_end, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_settings_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_found_as_fast_as_few, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
