/* SPDX-License-Identifier: ISC
 *
 * Events of the engine as VICI events: who gets which, in which form, and that the end of an SA is told with what was known
 * of it before it is forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "ui/vici.h"
#include "unit/vici_text.h"

#define BIT(e) (1u << (e))
#define ALL_SA (BIT(VICI_EV_IKE_UPDOWN) | BIT(VICI_EV_IKE_REKEY) | BIT(VICI_EV_CHILD_UPDOWN) | BIT(VICI_EV_CHILD_REKEY))

/* Two clients whose queues are looked at; nothing is sent, as the loop never turns. */
struct world {
    struct ikelibd d;
    struct vici v;
    struct vici_client clients[2];
    struct conn_rt conn;
};

static void later(void *arg) { (void)arg; }

static int setup(void **state)
{
    static struct world w;
    static char office[] = "office";
    ike_settings s;
    memset(&w, 0, sizeof w);
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    w.d.keylog_fd = -1;
    w.d.loop = loop_new();
    ike_settings_init(&s);
    daemon_host(&w.d, &s.host);
    assert_int_equal(ike_engine_new(&w.d.engine, &s, loop_now(w.d.loop)), IKE_OK);
    w.v.d = &w.d;
    w.v.clients = &w.clients[0];
    w.clients[0] = (struct vici_client){.next = &w.clients[1], .v = &w.v, .fd = -1};
    w.clients[1] = (struct vici_client){.v = &w.v, .fd = -1};
    w.conn = (struct conn_rt){.id = 3, .name = office};
    assert_true(table_add(&w.d.conns, &w.conn.node, conn_rt_hash(3)));
    loop_task_init(&w.v.later, later, NULL);
    vici_events_open(&w.v);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    vici_events_close(&w->v);
    assert_null(w->d.listeners);
    assert_null(w->d.sinks);
    ike_engine_free(w->d.engine);
    table_free(&w->d.conns);
    for (int i = 0; i < 2; i++) {
        free(w->clients[i].out);
    }
    vici_buf_free(&w->v.buf);
    loop_task_cancel(w->d.loop, &w->v.later);
    loop_free(w->d.loop);
    return 0;
}

static void want(struct world *w, int client, uint32_t events)
{
    w->clients[client].events = events;
    vici_events_update(&w->v);
}

/* The next event in a client's queue as "name message"; "" if there is none. */
static const char *told(struct world *w, int client)
{
    static char out[8192];
    struct vici_client *c = &w->clients[client];
    struct vici_packet p;
    out[0] = 0;
    if (vici_queued(c) == 0) {
        return out;
    }
    const uint8_t *f = c->out + c->out_at;
    size_t n = (size_t)f[2] << 8 | f[3];
    assert_true(vici_parse_packet(f + 4, n, &p));
    assert_int_equal(p.type, VICI_EVENT);
    int len = snprintf(out, sizeof out, "%.*s %s", (int)p.name.n, p.name.p, vici_as_text(p.message));
    assert_in_range(len, 1, sizeof out - 1);
    c->out_at += 4 + n;
    return out;
}

static void happens(struct world *w, ike_event_type type, unsigned sa, unsigned old_sa, unsigned child, unsigned old_child)
{
    ike_event ev = {
        .size = sizeof ev, .type = type, .conn = 3, .sa = sa, .old_sa = old_sa, .child = child, .old_child = old_child};
    daemon_event(&w->d, &ev);
}

/* As if they had been seen: this engine has no SAs. */
static void seen(struct world *w, unsigned sa, unsigned child)
{
    ike_sa_info s = {.size = sizeof s, .id = sa, .number = sa, .conn_name = "office", .version = 2, .state = IKE_SA_ESTABLISHED};
    ike_child_info k = {.size = sizeof k, .id = child, .number = child, .conn_name = "office", .name = "net"};
    s.path.local.family = s.path.remote.family = 4;
    k.state = IKE_CHILD_INSTALLED;
    vici_known_sa_up(&w->v, &s);
    vici_known_child_up(&w->v, &k);
}

#define SA(n, state)                                                                                                             \
    "uniqueid=" #n " version=2 state=" state " local-host=0.0.0.0 local-port=0 local-id=%any remote-host=0.0.0.0 remote-port=0 " \
    "remote-id=%any initiator-spi=0000000000000000 responder-spi=0000000000000000"
#define CHILD(n, state)                                                                                                          \
    "name=net uniqueid=" #n " reqid=0 state=" state " mode=TUNNEL protocol=ESP spi-in=00000000 spi-out=00000000 bytes-in=0 "     \
    "packets-in=0 bytes-out=0 packets-out=0 local-ts[] remote-ts[]"

static void forms(void **state)
{
    struct world *w = *state;
    want(w, 0, ALL_SA);
    seen(w, 1, 11);
    seen(w, 2, 12);
    happens(w, IKE_EV_SA_UP, 1, 0, 0, 0);
    assert_string_equal(told(w, 0), "ike-updown up=yes office{" SA(1, "ESTABLISHED") "}");
    happens(w, IKE_EV_CHILD_UP, 1, 0, 11, 0);
    assert_string_equal(told(w, 0),
                        "child-updown up=yes office{" SA(1, "ESTABLISHED") " child-sas{net-11{" CHILD(11, "INSTALLED") "}}}");
    happens(w, IKE_EV_CHILD_REKEYED, 1, 0, 12, 11);
    assert_string_equal(told(w, 0), "child-rekey office{" SA(1, "ESTABLISHED") " child-sas{net{old{" CHILD(
                                        11, "REKEYED") "} new{" CHILD(12, "INSTALLED") "}}}}");
    happens(w, IKE_EV_SA_REKEYED, 2, 1, 0, 0);
    assert_string_equal(told(w, 0), "ike-rekey office{old{" SA(1, "REKEYED") "} new{" SA(2, "ESTABLISHED") "}}");
    happens(w, IKE_EV_CHILD_DOWN, 2, 0, 12, 0);
    assert_string_equal(told(w, 0), "child-updown office{" SA(2, "ESTABLISHED") " child-sas{net-12{" CHILD(12, "DELETING") "}}}");
    happens(w, IKE_EV_SA_DOWN, 2, 0, 0, 0);
    assert_string_equal(told(w, 0), "ike-updown office{" SA(2, "DELETING") "}");
    assert_string_equal(told(w, 0), "");
    /* all of them are forgotten; the connection's name is known all the same */
    happens(w, IKE_EV_SA_DOWN, 2, 0, 0, 0);
    assert_string_equal(told(w, 0), "ike-updown office{state=DELETING}");
    happens(w, IKE_EV_CHILD_DOWN, 1, 0, 11, 0);
    assert_string_equal(told(w, 0), "child-updown office{state=UNKNOWN child-sas{}}");
}

static void who_gets_what(void **state)
{
    struct world *w = *state;
    ike_failure f = {.size = sizeof f, .code = IKE_FAIL_NO_ANSWER, .decider = IKE_DECIDER_NOBODY, .conn_name = "office"};
    ike_event ev = {.size = sizeof ev, .type = IKE_EV_FAILED, .conn = 3, .failure = &f};
    assert_null(w->v.known); /* nobody follows SAs */
    want(w, 0, BIT(VICI_EV_IKE_UPDOWN));
    assert_non_null(w->v.known);
    want(w, 1, BIT(VICI_EV_FAILURE) | BIT(VICI_EV_CHILD_UPDOWN));
    seen(w, 1, 11);
    happens(w, IKE_EV_SA_UP, 1, 0, 0, 0);
    happens(w, IKE_EV_CHILD_UP, 1, 0, 11, 0);
    daemon_event(&w->d, &ev);
    assert_memory_equal(told(w, 0), "ike-updown up", 13);
    assert_string_equal(told(w, 0), "");
    assert_memory_equal(told(w, 1), "child-updown up", 15);
    assert_memory_equal(told(w, 1), "failure code=1 ", 15);
    assert_string_equal(told(w, 1), "");
    /* one that is on its way out hears nothing, and counts for nothing */
    w->clients[0].gone = true;
    happens(w, IKE_EV_SA_UP, 1, 0, 0, 0);
    assert_string_equal(told(w, 0), "");
    assert_false(vici_wanted(&w->v, BIT(VICI_EV_IKE_UPDOWN)));
    assert_true(vici_wanted(&w->v, BIT(VICI_EV_IKE_UPDOWN) | BIT(VICI_EV_FAILURE)));
    want(w, 1, BIT(VICI_EV_FAILURE));
    assert_null(w->v.known);
}

static void names(void **state)
{
    static const char *const known[] = {"list-sa",    "list-conn", "list-failure", "control-log", "log",
                                        "ike-updown", "ike-rekey", "child-updown", "child-rekey", "failure"};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int e = vici_event_find((struct vici_text){known[i], strlen(known[i])});
        assert_true(e >= 0);
        assert_string_equal(vici_event_name((enum vici_event_id)e), known[i]);
    }
    assert_int_equal(vici_event_find((struct vici_text){"ike-updow", 9}), -1);
    assert_int_equal(vici_event_find((struct vici_text){"ike-updownx", 11}), -1);
    assert_int_equal(vici_event_find((struct vici_text){"", 0}), -1);
}

static int job_level;
static bool wants_line(struct vici_job *j, ike_conn_id conn, int level)
{
    (void)j;
    (void)conn;
    return level <= job_level;
}

/* The engine puts into words what the deepest listener wants; nobody makes more of it than that. */
static void log_levels(void **state)
{
    static const struct vici_job_ops ops = {.wants_line = wants_line};
    static const struct {
        int level; /* of VICI */
        ike_log_level sink;
    } cases[] = {{0, IKE_LOG_WARN}, {1, IKE_LOG_INFO}, {2, IKE_LOG_DEBUG}, {3, IKE_LOG_TRACE}, {4, IKE_LOG_TRACE}};
    struct world *w = *state;
    struct vici_job job = {.ops = &ops, .client = &w->clients[0]};
    assert_false(w->v.sink_on);
    want(w, 1, 1u << VICI_EV_LOG);
    assert_true(w->v.sink_on);
    assert_int_equal(w->v.sink.level, IKE_LOG_TRACE);
    want(w, 1, 0);
    assert_false(w->v.sink_on);
    w->clients[0].job = &job;
    job_level = 3;
    want(w, 0, 0);
    assert_false(w->v.sink_on); /* it has not asked for lines */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        job_level = cases[i].level;
        want(w, 0, 1u << VICI_EV_CONTROL_LOG);
        assert_true(w->v.sink_on);
        assert_int_equal(w->v.sink.level, cases[i].sink);
    }
    job_level = -1;
    want(w, 0, 1u << VICI_EV_CONTROL_LOG);
    assert_false(w->v.sink_on);
    job_level = 1;
    want(w, 1, 1u << VICI_EV_LOG);
    assert_int_equal(w->v.sink.level, IKE_LOG_TRACE);
    w->clients[0].job = NULL;
    want(w, 0, 0);
    want(w, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(forms, setup, teardown),
        cmocka_unit_test_setup_teardown(who_gets_what, setup, teardown),
        cmocka_unit_test_setup_teardown(log_levels, setup, teardown),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
