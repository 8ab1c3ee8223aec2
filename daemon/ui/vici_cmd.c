/* SPDX-License-Identifier: ISC
 *
 * vici_cmd.c - the table of commands, and those that answer at once.
 */
#include "vici.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static void version(struct vici_client *c, struct vici_text request)
{
    struct utsname u;
    struct vici_buf *b = &c->v->buf;
    (void)request;
    memset(&u, 0, sizeof u);
    (void)uname(&u);
    vici_begin(b, VICI_CMD_RESPONSE, NULL);
    vici_put(b, "daemon", "ikelibd");
    vici_put(b, "version", ike_version());
    vici_put(b, "sysname", u.sysname);
    vici_put(b, "release", u.release);
    vici_put(b, "machine", u.machine);
    vici_answer(c);
}

/* ---- stats ------------------------------------------------------------------------------------------------------------ */

/* "3 hours", in the largest unit of which there are two. */
static void put_running(struct vici_buf *b, uint64_t s)
{
    static const struct {
        uint64_t factor;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
    size_t i = 0;
    while (i < 3 && s < 2 * units[i].factor) {
        i++;
    }
    vici_putf(b, "running", "%" PRIu64 " %s", s / units[i].factor, units[i].name);
}

static void put_numbers(struct vici_buf *b, const char *section, const char *const *keys, const uint64_t *values, size_t n)
{
    vici_section(b, section);
    for (size_t i = 0; i < n; i++) {
        vici_putf(b, keys[i], "%" PRIu64, values[i]);
    }
    vici_section_end(b);
}

#define NUMBERS(b, section, keys, values) put_numbers(b, section, keys, values, sizeof(values) / sizeof *(values))

/* One thread that never queues: what clients print of workers and queues is true of it. */
static void put_threads(struct vici_buf *b)
{
    static const char *const priorities[] = {"critical", "high", "medium", "low"};
    static const uint64_t active[4] = {1, 0, 0, 0}, none[4] = {0, 0, 0, 0};
    vici_section(b, "workers");
    vici_put(b, "total", "1");
    vici_put(b, "idle", "0");
    NUMBERS(b, "active", priorities, active);
    vici_section_end(b);
    NUMBERS(b, "queues", priorities, none);
}

static void put_counters(struct vici_buf *b, const ike_counters *n, const struct daemon_stats *s)
{
    static const char *const keys[] = {"in",           "out",           "dropped",     "retransmitted", "retransmit-seen",
                                       "cookies-sent", "error-replies", "handshakes",  "rekeys",        "failures",
                                       "strangers",    "bad-icv",       "bad-syntax",  "unknown-spi",   "replayed",
                                       "rate-limited", "allocated",     "connections", "exchanges",     "questions"};
    const uint64_t values[] = {n->in,           n->out,           n->dropped,    n->retransmitted, n->retransmit_seen,
                               n->cookies_sent, n->error_replies, n->handshakes, n->rekeys,        n->failures,
                               n->strangers,    n->bad_icv,       n->bad_syntax, n->unknown_spi,   n->replayed,
                               n->rate_limited, n->allocated,     n->conns,      n->exchanges,     n->questions};
    static const char *const data_keys[] = {"datagrams-in",  "datagrams-out", "datagrams-dropped", "send-errors",
                                            "keepalives-in", "esp-in",        "esp-out",           "esp-dropped",
                                            "esp-queued",    "resident-bytes"};
    const uint64_t data[] = {s->datagrams_in, s->datagrams_out, s->datagrams_dropped, s->send_errors, s->keepalives_in,
                             s->esp_in,       s->esp_out,       s->esp_dropped,       s->esp_queued,  s->resident_bytes};
    _Static_assert(sizeof keys / sizeof *keys == sizeof values / sizeof *values, "a name for each counter");
    _Static_assert(sizeof data_keys / sizeof *data_keys == sizeof data / sizeof *data, "a name for each counter");
    NUMBERS(b, "counters", keys, values);
    NUMBERS(b, "data-plane", data_keys, data);
    vici_section(b, "drops");
    for (size_t i = 0; i < s->n_drops; i++) {
        vici_putf(b, s->drops[i].reason, "%" PRIu64, s->drops[i].count);
    }
    vici_section_end(b);
}

static void put_heap(struct vici_buf *b)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    static const char *const keys[] = {"sbrk", "mmap", "used", "free"};
    struct mallinfo2 m = mallinfo2();
    const uint64_t values[] = {m.arena, m.hblkhd, m.uordblks, m.fordblks};
    NUMBERS(b, "mallinfo", keys, values);
#else
    (void)b;
#endif
}

static void stats(struct vici_client *c, struct vici_text request)
{
    static const char *const sa_keys[] = {"total", "half-open"};
    struct vici_buf *b = &c->v->buf;
    struct daemon_stats s;
    ike_counters n = {.size = sizeof n};
    char since[64] = "";
    struct tm tm;
    (void)request;
    daemon_stats(c->v->d, &s);
    ike_counters_get(c->v->d->engine, &n);
    time_t wall = (time_t)s.started_wall;
    if (localtime_r(&wall, &tm)) {
        strftime(since, sizeof since, "%b %d %H:%M:%S %Y", &tm);
    }
    const uint64_t sas[] = {n.sas, n.half_open};
    vici_begin(b, VICI_CMD_RESPONSE, NULL);
    vici_section(b, "uptime");
    put_running(b, s.uptime_s);
    vici_put(b, "since", since);
    vici_putf(b, "seconds", "%" PRIu64, s.uptime_s);
    vici_section_end(b);
    put_threads(b);
    vici_putf(b, "scheduled", "%" PRIu32, n.exchanges);
    NUMBERS(b, "ikesas", sa_keys, sas);
    vici_putf(b, "child-sas", "%" PRIu32, n.children);
    vici_list(b, "plugins");
    vici_item(b, s.backend);
    vici_item(b, "vici");
    vici_list_end(b);
    vici_put(b, "backend", s.backend);
    put_counters(b, &n, &s);
    put_heap(b);
    vici_answer(c);
}

/* ---- The rest --------------------------------------------------------------------------------------------------------- */

static void get_conns(struct vici_client *c, struct vici_text request)
{
    struct vici_buf *b = &c->v->buf;
    (void)request;
    vici_begin(b, VICI_CMD_RESPONSE, NULL);
    vici_list(b, "conns");
    ike_conn_info k = {.size = sizeof k};
    for (ike_conn_id at = 0; ike_conn_next(c->v->d->engine, at, &k) == IKE_OK; at = k.id) {
        vici_item(b, k.settings->name);
    }
    vici_list_end(b);
    if (b->bad) {
        vici_answer_error(c, "the names are more than one answer holds; list-conns tells them");
        return;
    }
    vici_answer(c);
}

/* What is said while the configuration is read again is the answer's text. */
struct said {
    char text[4096];
    size_t len;
};

static void hear(void *arg, const struct log_line *l)
{
    struct said *s = arg;
    if (s->len < sizeof s->text - 1) {
        int n = snprintf(s->text + s->len, sizeof s->text - s->len, "%s%s", s->len ? "\n" : "", l->text);
        s->len += n > 0 ? (size_t)n : 0;
    }
}

static void reload(struct vici_client *c, struct vici_text request)
{
    struct said said = {.len = 0};
    struct log_sink sink = {.level = IKE_LOG_WARN, .line = hear, .arg = &said};
    (void)request;
    log_sink_add(c->v->d, &sink);
    int r = daemon_reload(c->v->d);
    log_sink_remove(c->v->d, &sink);
    vici_flush_lines(c->v);
    vici_begin(&c->v->buf, VICI_CMD_RESPONSE, NULL);
    vici_put(&c->v->buf, "success", r == IKE_OK ? "yes" : "no");
    if (r != IKE_OK) {
        vici_put(&c->v->buf, "errmsg", said.len ? said.text : ike_strerror(r));
    } else if (said.len) {
        vici_put(&c->v->buf, "warning", said.text);
    }
    vici_answer(c);
}

static const struct {
    const char *name;
    void (*run)(struct vici_client *c, struct vici_text request);
} commands[] = {
    {"version", version},
    {"stats", stats},
    {"reload-settings", reload},
    {"list-sas", vici_list_sas},
    {"list-conns", vici_list_conns},
    {"get-conns", get_conns},
    {"initiate", vici_initiate},
    {"terminate", vici_terminate},
    {"rekey", vici_rekey},
    {"list-failures", vici_list_failures},
};

bool vici_command(struct vici_client *c, struct vici_text name, struct vici_text request)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (vici_text_is(name, commands[i].name)) {
            commands[i].run(c, request);
            return true;
        }
    }
    return false;
}
