/* SPDX-License-Identifier: ISC
 *
 * ike-bench crowd: how many of many real peers get through to a responder that is flooded with first messages from everywhere,
 * and when. Nothing of it is real time, and all randomness follows from a seed: the same run each time. There is no limit to what
 * the socket takes; what is measured is whom the engine keeps room for.
 */
#include "net.h"
#include <stdio.h>
#include <string.h>

enum { PEERS_MAX = 1000, WAY_CAP = 16384, MARKS = 6, FILL_MS = 500, SPREAD_MS = 2000, AT_SPI = 0 };

static const unsigned marks[MARKS] = {1, 5, 30, 120, 300, 600}; /* seconds after a peer's first message */

struct crowd {
    struct crowd_host {
        struct crowd *crowd;
        ike_engine *engine;
        ike_addr addr;
        uint64_t dice;
        ike_time began, up; /* 0: not yet */
    } gateway, peer[PEERS_MAX];
    /* Every way takes the same time, so what was sent first arrives first. */
    struct {
        ike_time at;
        ike_path path;
        size_t len;
        uint8_t bytes[BENCH_DATAGRAM];
    } way[WAY_CAP];
    unsigned first, waiting;
    ike_time now, delay;
    uint64_t dice;
    bool v2;
    unsigned n_peers, per_ms, half_open;
    uint64_t seed;
    uint8_t proto[BENCH_DATAGRAM]; /* a peer's first message */
    size_t proto_len;
    unsigned long forged;
    double us;
    uint64_t octets;
};

static int draw(void *user, uint8_t *out, size_t n)
{
    struct crowd_host *h = user;
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(bench_draw(&h->dice) >> 32);
    }
    return IKE_OK;
}

static struct crowd_host *owner_of(struct crowd *c, const ike_addr *a)
{
    if (memcmp(a->ip, c->gateway.addr.ip, 4) == 0) {
        return &c->gateway;
    }
    unsigned i = (unsigned)a->ip[2] << 8 | a->ip[3];
    return a->ip[0] == 10 && a->ip[1] == 1 && i < c->n_peers ? &c->peer[i] : NULL;
}

/* Answers to forged names lead nowhere. */
static void send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct crowd *c = ((struct crowd_host *)user)->crowd;
    if (kind != IKE_SEND_MESSAGE || !owner_of(c, &path->remote)) {
        return;
    }
    if (n > BENCH_DATAGRAM || c->waiting == WAY_CAP) {
        bench_die("too much is on its way");
    }
    unsigned i = (c->first + c->waiting++) % WAY_CAP;
    c->way[i].at = c->now + c->delay;
    c->way[i].path = (ike_path){.local = path->remote, .remote = path->local, .encap = path->encap};
    c->way[i].len = n;
    memcpy(c->way[i].bytes, bytes, n);
}

static void event(void *user, const ike_event *e)
{
    struct crowd_host *h = user;
    if (e->type == IKE_EV_CHILD_UP && !h->up) {
        h->up = h->crowd->now;
    }
}

static void open_host(struct crowd *c, struct crowd_host *h, ike_addr addr)
{
    ike_settings set;
    ike_child_settings child;
    ike_conn_settings conn;
    ike_conn_id id;
    bool gateway = h == &c->gateway;
    h->crowd = c;
    h->addr = addr;
    h->dice = bench_draw(&c->dice);
    ike_settings_init(&set);
    set.host.user = h;
    set.host.random = draw;
    set.host.send = send;
    set.host.event = event;
    set.allow_variable_time = true;
    set.max_half_open = c->half_open;
    set.cookie_threshold = set.cookie_per_source = 1u << 20;
    bench_conn_init(&conn, &child, gateway);
    conn.local = addr;
    conn.remote = gateway ? (ike_addr){0} : c->gateway.addr;
    child.start = gateway ? IKE_START_NO : IKE_START_YES; /* who fails tries again */
    if (!c->v2) {                                         /* IKEv1 has no AEAD */
        conn.version = IKE_SPEAKS_V1;
        conn.proposals = "aes128-sha256-ecp256";
        child.proposals = "aes128-sha256";
    }
    if (ike_engine_new(&h->engine, &set, c->now) != IKE_OK || ike_conn_add(h->engine, &conn, &id, c->now) != IKE_OK) {
        bench_die("no engine, or no connection");
    }
    h->began = c->now;
}

static void close_host(struct crowd_host *h)
{
    ike_engine_free(h->engine);
    h->engine = NULL;
}

/* Somebody's first message, to be sent in many names. */
static void take_prototype(struct crowd *c)
{
    struct crowd_host *h = &c->peer[0];
    open_host(c, h, bench_addr(0x10000));
    c->now += IKE_MS;
    ike_tick(h->engine, c->now);
    if (c->waiting != 1) {
        bench_die("a peer is silent");
    }
    c->proto_len = c->way[c->first].len;
    memcpy(c->proto, c->way[c->first].bytes, c->proto_len);
    c->waiting = 0;
    close_host(h);
    memset(h, 0, sizeof *h);
}

static void forge(struct crowd *c)
{
    ike_path path = {.local = c->gateway.addr, .remote = {.family = 4, .port = 500}};
    uint64_t spi = bench_draw(&c->dice);
    uint32_t source = (uint32_t)bench_draw(&c->dice) | 0x80; /* no peer's */
    memcpy(c->proto + AT_SPI, &spi, sizeof spi);
    memcpy(path.remote.ip, &source, sizeof source);
    (void)ike_input(c->gateway.engine, &path, c->proto, c->proto_len, c->now);
    c->forged++;
}

static void arrive(struct crowd *c)
{
    unsigned i = c->first;
    c->first = (c->first + 1) % WAY_CAP;
    c->waiting--;
    struct crowd_host *to = owner_of(c, &c->way[i].path.local);
    if (to->engine) {
        (void)ike_input(to->engine, &c->way[i].path, c->way[i].bytes, c->way[i].len, c->now);
    }
}

/* What comes in within a millisecond comes in a random order: to be the first in it is no merit. */
static void one_millisecond(struct crowd *c)
{
    unsigned due = 0;
    double start = bench_cpu_us();
    while (due < c->waiting && c->way[(c->first + due) % WAY_CAP].at <= c->now) {
        due++;
    }
    for (unsigned left = c->per_ms; left + due;) {
        bool real = bench_draw(&c->dice) % (left + due) < due;
        real ? arrive(c) : forge(c);
        *(real ? &due : &left) -= 1;
    }
    c->us += bench_cpu_us() - start;
    ike_tick(c->gateway.engine, c->now);
    for (unsigned i = 0; i < c->n_peers; i++) {
        if (c->peer[i].engine && ike_next_timeout(c->peer[i].engine) <= c->now) {
            ike_tick(c->peer[i].engine, c->now);
        }
    }
    c->now += IKE_MS;
}

/* The flood is there first; the peers come one after the other, and stay. */
static void run(struct crowd *c, unsigned seconds)
{
    ike_counters n = {.size = sizeof n};
    for (unsigned ms = 0; ms < FILL_MS; ms++) {
        one_millisecond(c);
    }
    unsigned opened = 0;
    for (unsigned ms = 0; ms < SPREAD_MS + 1000 * seconds; ms++) {
        while (opened < c->n_peers && ms >= opened * SPREAD_MS / c->n_peers) {
            open_host(c, &c->peer[opened], bench_addr(0x10000 + opened));
            opened++;
        }
        one_millisecond(c);
    }
    ike_counters_get(c->gateway.engine, &n);
    c->octets = n.allocated;
}

static unsigned up_within(const struct crowd *c, unsigned seconds)
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->n_peers; i++) {
        n += c->peer[i].up && c->peer[i].up - c->peer[i].began <= seconds * IKE_SEC;
    }
    return n;
}

static void print(const struct crowd *c, unsigned seconds, bool json)
{
    double ns = c->forged ? c->us * 1e3 / (double)c->forged : 0;
    printf(
        json ? "{\"version\":%d,\"forged_per_ms\":%u,\"half_open\":%u,\"round_trip_ms\":%u,\"peers\":%u,\"seconds\":%u,"
               "\"ns\":%.0f,\"octets\":%lu"
             : "IKEv%d, %u forged a millisecond, %u half-open at most, round trip %u ms: of %u peers in %u s (%.0f ns each, %lu "
               "octets)\n",
        c->v2 ? 2 : 1, c->per_ms, c->half_open, (unsigned)(2 * c->delay / IKE_MS), c->n_peers, seconds, ns,
        (unsigned long)c->octets);
    for (unsigned i = 0; i < MARKS && marks[i] <= seconds; i++) {
        printf(json ? ",\"up_%us\":%u" : "  up within %3u s: %u\n", marks[i], up_within(c, marks[i]));
    }
    printf(json ? ",\"up\":%u}\n" : "  up in all: %u\n", up_within(c, seconds + 1));
}

int bench_crowd(int argc, char **argv)
{
    static struct crowd c;
    double per_ms = 100, half_open = 1000, peers = 100, rtt = 40, seconds = 120, seed = 1;
    bool json = false, v2 = false;
    const struct bench_option options[] = {
        {"--per-ms", NULL, &per_ms, NULL},  {"--half-open", NULL, &half_open, NULL}, {"--peers", NULL, &peers, NULL},
        {"--round-trip", NULL, &rtt, NULL}, {"--seconds", NULL, &seconds, NULL},     {"--seed", NULL, &seed, NULL},
        {"--v2", &v2, NULL, NULL},          {"--json", &json, NULL, NULL},           {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || per_ms > 10000 || half_open < 1 || peers < 1 || peers > PEERS_MAX || rtt < 2 ||
        rtt > 10000 || seconds < 1 || seconds > 36000) {
        return bench_usage();
    }
#if !IKE_WITH_V1
    v2 = true;
#endif
    c.v2 = v2;
    c.per_ms = (unsigned)per_ms;
    c.half_open = (unsigned)half_open;
    c.n_peers = (unsigned)peers;
    c.delay = (ike_time)(rtt / 2) * IKE_MS;
    c.dice = UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)seed << 32;
    c.now = 1000 * IKE_SEC;
    open_host(&c, &c.gateway, (ike_addr){.family = 4, .ip = {192, 0, 2, 1}, .port = 500});
    take_prototype(&c);
    run(&c, (unsigned)seconds);
    print(&c, (unsigned)seconds, json);
    for (unsigned i = 0; i < c.n_peers; i++) {
        close_host(&c.peer[i]);
    }
    close_host(&c.gateway);
    return 0;
}
