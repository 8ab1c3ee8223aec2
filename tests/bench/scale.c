/* SPDX-License-Identifier: ISC
 *
 * ike-bench scale: one gateway and as many peers as asked for. The gateway stands behind a NAT, so that each tunnel has a timer
 * of its own every 20 seconds.
 *
 * Only the gateway's memory is measured: a batch of peers lives in an engine and an arena of its own and is forgotten when its
 * tunnels are up. What the bench itself needs is touched before the first look at the memory.
 */
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECENT = 64,         /* batches whose median is the time of a handshake */
    LOOKS = 65536,       /* look-ups of each kind */
    IDLE_TICKS = 100000, /* ticks with nothing due */
    HOT = 64,
    PAGES = 200,
    PAGE = 100,
    POINTS = 16,
    QUIET = 200, /* seconds, after which no answer is kept for a peer that might ask for it again */
};
#define ARENA (64u << 20)

struct point {
    unsigned tunnels;
    double octets, rss, handshake_us, worst_ms, get_ns, hot_ns, known_ns, unknown_ns, idle_ns, timer_ns, page_us;
};

struct scale {
    struct bench_host gateway, crowd;
    struct bench_arena arena;
    ike_time now;
    unsigned up, wanted;
    ike_sa_id *ids;
    struct {
        uint64_t spi_i, spi_r;
        ike_path path;
    } * sample;
    double recent[RECENT], worst_us;
    unsigned batches;
    uint64_t dice;
    double base_rss;
    uint64_t base_octets;
};

static double rss(void)
{
    char text[128] = "";
    char *end = text;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || !fgets(text, sizeof text, f)) {
        bench_die("/proc/self/statm cannot be read");
    }
    fclose(f);
    (void)strtoul(text, &end, 10);
    return (double)strtoul(end, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static uint64_t allocated(const struct scale *s)
{
    ike_counters c = {.size = sizeof c};
    ike_counters_get(s->gateway.engine, &c);
    return c.allocated;
}

static void note_up(struct bench_host *h, const ike_event *ev)
{
    struct scale *s = h->user;
    if (ev->type == IKE_EV_SA_UP) {
        s->ids[s->up] = ev->sa;
        s->up += s->up < s->wanted;
    }
}

static void open_gateway(struct scale *s)
{
    ike_child_settings child;
    ike_conn_settings conn;
    ike_settings set;
    ike_conn_id id;
    bench_conn_init(&conn, &child, true);
    conn.life_s = 0; /* virtual time passes faster than tunnels come */
    child.life_s = 0;
    bench_host_settings(&s->gateway, &set);
    set.max_sas = set.max_children = s->wanted + BENCH_BATCH;
    s->gateway.user = s;
    s->gateway.on_event = note_up;
    s->gateway.inside = (ike_addr){.family = 4, .ip = {192, 168, 0, 1}};
    s->gateway.outside = (ike_addr){.family = 4, .ip = {192, 0, 2, 1}};
    bench_host_engine(&s->gateway, &set);
    if (ike_conn_add(s->gateway.engine, &conn, &id, s->now) != IKE_OK) {
        bench_die("the gateway's connection is refused");
    }
}

/* ---- Filling ----------------------------------------------------------------------------------------------------------- */

static double timed_read(struct scale *s, unsigned n)
{
    double start = bench_cpu_us();
    if (bench_host_read(&s->gateway) != n) {
        bench_die("after %u tunnels a message is missing", s->up);
    }
    return bench_cpu_us() - start;
}

/* n more tunnels; returns the gateway's time for each. */
static double connect_batch(struct scale *s, unsigned n)
{
    ike_child_settings child;
    ike_conn_settings conn;
    ike_settings set;
    unsigned before = s->up;
    bench_conn_init(&conn, &child, false);
    conn.remote = s->gateway.outside;
    bench_host_settings(&s->crowd, &set);
    bench_arena_reset(&s->arena);
    bench_arena_use(&s->arena, &set.host);
    bench_host_engine(&s->crowd, &set);
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        ike_conn_id id;
        snprintf(name, sizeof name, "peer-%u", i);
        conn.name = name;
        conn.local = bench_addr(s->up + i + 1);
        if (ike_conn_add(s->crowd.engine, &conn, &id, s->now) != IKE_OK ||
            ike_initiate(s->crowd.engine, id, NULL, s->now) != IKE_OK) {
            bench_die("a peer does not begin");
        }
    }
    double us = timed_read(s, n);
    (void)bench_host_read(&s->crowd);
    us += timed_read(s, n);
    (void)bench_host_read(&s->crowd);
    if (s->up - before != n || s->crowd.child_ups != n) {
        bench_die("%u of %u tunnels are up", s->up - before, n);
    }
    s->crowd.child_ups = 0;
    ike_engine_free(s->crowd.engine);
    s->crowd.engine = NULL;
    s->now += 10 * IKE_MS;
    return us / n;
}

static unsigned run_timers(struct scale *s, ike_time end)
{
    unsigned ticks = 0;
    for (ike_time t; (t = ike_next_timeout(s->gateway.engine)) <= end; ticks++) {
        s->now = t > s->now ? t : s->now;
        ike_tick(s->gateway.engine, s->now);
    }
    s->now = end;
    return ticks;
}

static void fill(struct scale *s, unsigned to)
{
    s->worst_us = 0;
    s->batches = 0;
    while (s->up < to) {
        unsigned n = to - s->up < BENCH_BATCH ? to - s->up : BENCH_BATCH;
        double us = connect_batch(s, n);
        s->recent[s->batches++ % RECENT] = us;
        s->worst_us = us * n > s->worst_us ? us * n : s->worst_us;
        (void)run_timers(s, s->now);
    }
}

/* ---- Looking ----------------------------------------------------------------------------------------------------------- */

static ike_sa_id any(struct scale *s) { return s->ids[bench_draw(&s->dice) % s->up]; }

/* Of any SA; or of HOT of them all over the engine, so that what else there is of it cannot matter but by the look-up itself. */
static double get_ns(struct scale *s, bool hot)
{
    ike_sa_info info = {.size = sizeof info};
    ike_sa_id few[HOT];
    for (unsigned i = 0; i < HOT; i++) {
        few[i] = any(s);
    }
    double start = bench_cpu_us();
    for (unsigned i = 0; i < LOOKS; i++) {
        ike_sa_id id = any(s);
        if (ike_sa_get(s->gateway.engine, hot ? few[id % HOT] : id, &info) != IKE_OK) {
            bench_die("an SA is not found");
        }
    }
    return (bench_cpu_us() - start) * 1e3 / LOOKS;
}

static void put64(uint8_t *to, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        to[i] = (uint8_t)(v >> (56 - 8 * i));
    }
}

/* An INFORMATIONAL request outside the window: found and dropped before any cryptography. */
static double input_ns(struct scale *s, bool known)
{
    uint8_t m[28 + 4 + 8 + 4 + 16] = {[16] = 46, 0x20, 37, 0x08, 0, 0, 0x7f, 0, 0, 0, 0, sizeof m, 0, 0, 0, sizeof m - 28};
    ike_counters before = {.size = sizeof before}, after = before;
    for (unsigned i = 0; i < LOOKS; i++) {
        ike_sa_info info = {.size = sizeof info};
        if (ike_sa_get(s->gateway.engine, any(s), &info) != IKE_OK) {
            bench_die("an SA is not found");
        }
        s->sample[i].spi_i = info.spi_i;
        s->sample[i].spi_r = known ? info.spi_r : bench_draw(&s->dice);
        s->sample[i].path = info.path;
    }
    ike_counters_get(s->gateway.engine, &before);
    double start = bench_cpu_us();
    for (unsigned i = 0; i < LOOKS; i++) {
        put64(m, s->sample[i].spi_i);
        put64(m + 8, s->sample[i].spi_r);
        ike_input(s->gateway.engine, &s->sample[i].path, m, sizeof m, s->now);
    }
    double us = bench_cpu_us() - start;
    ike_counters_get(s->gateway.engine, &after);
    if (after.unknown_spi - before.unknown_spi != (known ? 0 : LOOKS) || after.dropped - before.dropped != LOOKS) {
        bench_die("datagrams of a%s SPI were not taken for such", known ? " known" : "n unknown");
    }
    return us * 1e3 / LOOKS;
}

static double idle_ns(struct scale *s)
{
    volatile ike_time next = 0;
    double start = bench_cpu_us();
    for (unsigned i = 0; i < IDLE_TICKS; i++) {
        next = ike_next_timeout(s->gateway.engine);
        ike_tick(s->gateway.engine, s->now);
    }
    (void)next;
    return (bench_cpu_us() - start) * 1e3 / IDLE_TICKS;
}

/* Twice the interval of keepalives: each tunnel's timer fires about twice. */
static double timer_ns(struct scale *s)
{
    unsigned before = s->gateway.keepalives;
    double start = bench_cpu_us();
    (void)run_timers(s, s->now + 40 * IKE_SEC);
    double us = bench_cpu_us() - start;
    unsigned n = s->gateway.keepalives - before;
    if (n < s->up) {
        bench_die("%u keepalives of %u tunnels", n, s->up);
    }
    return us * 1e3 / n;
}

/* What a status page costs: 100 SAs and 100 children from somewhere on. */
static double page_us(struct scale *s)
{
    ike_sa_info sa = {.size = sizeof sa};
    ike_child_info child = {.size = sizeof child};
    unsigned shown = 0;
    double start = bench_cpu_us();
    for (unsigned i = 0; i < PAGES; i++) {
        ike_sa_id id = s->ids[bench_draw(&s->dice) % (s->up > PAGE ? s->up - PAGE : 1)];
        ike_child_id child_id = id;
        for (unsigned k = 0; k < PAGE && ike_sa_next(s->gateway.engine, id, &sa) == IKE_OK; k++) {
            id = sa.id;
            shown++;
        }
        for (unsigned k = 0; k < PAGE && ike_child_next(s->gateway.engine, child_id, &child) == IKE_OK; k++) {
            child_id = child.id;
            shown++;
        }
    }
    double us = bench_cpu_us() - start;
    if (s->up > 2 * PAGE && shown < PAGES * PAGE) {
        bench_die("the pages are short");
    }
    return us / PAGES;
}

static void look(struct scale *s, struct point *p)
{
    p->tunnels = s->up;
    p->worst_ms = s->worst_us / 1e3;
    p->handshake_us = bench_median(s->recent, s->batches < RECENT ? s->batches : RECENT);
    (void)run_timers(s, s->now + QUIET * IKE_SEC);
    ike_counters c = {.size = sizeof c};
    ike_counters_get(s->gateway.engine, &c);
    if (c.sas != s->up || c.children != s->up || c.half_open || c.exchanges) {
        bench_die("%u SAs and %u children of %u tunnels, %u half open", (unsigned)c.sas, (unsigned)c.children, s->up,
                  (unsigned)c.half_open);
    }
    p->octets = (double)(allocated(s) - s->base_octets) / s->up;
    p->rss = (rss() - s->base_rss) / s->up;
    p->get_ns = get_ns(s, false);
    p->hot_ns = get_ns(s, true);
    p->known_ns = input_ns(s, true);
    p->unknown_ns = input_ns(s, false);
    p->idle_ns = idle_ns(s);
    p->timer_ns = timer_ns(s);
    p->page_us = page_us(s);
}

/* ---- The command ------------------------------------------------------------------------------------------------------- */

static void print(const struct point *p, const struct point *first, bool json)
{
    if (json) {
        printf("{\"tunnels\":%u,\"octets\":%.1f,\"rss\":%.1f,\"handshake_us\":%.2f,\"handshake_ratio\":%.3f,\"worst_ms\":%.2f,"
               "\"get_ns\":%.1f,\"hot_ns\":%.1f,\"known_ns\":%.1f,\"unknown_ns\":%.1f,\"idle_ns\":%.1f,\"timer_ns\":%.1f,\"page_"
               "us\":%.2f}\n",
               p->tunnels, p->octets, p->rss, p->handshake_us, p->handshake_us / first->handshake_us, p->worst_ms, p->get_ns,
               p->hot_ns, p->known_ns, p->unknown_ns, p->idle_ns, p->timer_ns, p->page_us);
    } else {
        printf("%8u %8.1f %8.1f %10.2f %7.3f %9.2f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.2f\n", p->tunnels, p->octets, p->rss,
               p->handshake_us, p->handshake_us / first->handshake_us, p->worst_ms, p->get_ns, p->hot_ns, p->known_ns,
               p->unknown_ns, p->idle_ns, p->timer_ns, p->page_us);
    }
    fflush(stdout);
}

/* Everything a run touches once, with a gateway that is thrown away. */
static void warm_up(struct scale *s)
{
    memset(s->ids, 0xff, s->wanted * sizeof *s->ids);
    memset(s->sample, 0xff, LOOKS * sizeof *s->sample);
    open_gateway(s);
    fill(s, s->wanted < BENCH_BATCH ? s->wanted : BENCH_BATCH);
    (void)get_ns(s, false);
    ike_engine_free(s->gateway.engine);
    s->up = 0;
    s->gateway.keepalives = 0;
}

int bench_scale(int argc, char **argv)
{
    static struct scale s;
    static struct point point[POINTS];
    bool json = false;
    const struct bench_option options[] = {{"--json", &json, NULL, NULL}, {NULL, NULL, NULL, NULL}};
    unsigned long n = argc > 0 ? strtoul(argv[0], NULL, 10) : 0;
    if (n < 1 || n > 10000000 || !bench_options(argc - 1, argv + 1, options)) {
        return bench_usage();
    }
    s.wanted = (unsigned)n;
    s.now = 1000 * IKE_SEC;
    s.dice = UINT64_C(0x9e3779b97f4a7c15);
    s.ids = bench_alloc(n * sizeof *s.ids);
    s.sample = bench_alloc(LOOKS * sizeof *s.sample);
    bench_arena_init(&s.arena, ARENA);
    bench_host_init(&s.gateway, &s.crowd, BENCH_BATCH, &s.now);
    bench_host_init(&s.crowd, &s.gateway, BENCH_BATCH, &s.now);
    warm_up(&s);
    open_gateway(&s);
    s.base_octets = allocated(&s);
    s.base_rss = rss();
    if (!json) {
        printf("%8s %8s %8s %10s %7s %9s %8s %8s %8s %8s %8s %8s %8s\n", "tunnels", "octets", "rss", "handshake", "ratio",
               "worst ms", "get ns", "hot ns", "known ns", "unkn. ns", "idle ns", "timer ns", "page us");
    }
    unsigned points = 0;
    for (unsigned to = 1000; s.up<s.wanted; to = to> s.wanted / 10 ? s.wanted : to * 10) {
        fill(&s, to < s.wanted ? to : s.wanted);
        look(&s, &point[points]);
        print(&point[points], &point[0], json);
        points++;
    }
    bench_host_fini(&s.gateway);
    bench_host_fini(&s.crowd);
    bench_free(s.ids);
    bench_free(s.sample);
    return 0;
}
