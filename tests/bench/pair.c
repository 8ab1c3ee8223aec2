/* SPDX-License-Identifier: ISC
 *
 * Two engines that talk through memory. A batch of handshakes goes through each stage together: all initiators begin, all
 * responders read the first request, and so on. So the clock is read once per stage and side, and every call finds the caches
 * as a busy gateway would: full of its other peers.
 */
#include "bench.h"
#include <string.h>

enum { DATAGRAM_MAX = 2048, CHILDREN = 1, INBOX = 4 }; /* INBOX: Deletes of IKEv1 are several */

struct datagram {
    size_t len; /* 0: none */
    ike_path path;
    uint8_t bytes[DATAGRAM_MAX];
};

struct side {
    struct bench_pair *pair;
    enum bench_side me;
    ike_engine *engine;
    ike_conn_id conn[BENCH_BATCH];
    struct datagram inbox[BENCH_BATCH][INBOX];
    unsigned waiting; /* in the inbox */
    unsigned ups, child_ups, failures, rekeys;
    uint64_t id[BENCH_BATCH]; /* of what is to be rekeyed */
    struct bench_list *log;
};

struct bench_pair {
    struct side side[BENCH_SIDES];
    ike_time now;
    size_t message[BENCH_MESSAGES];
};

/* Connection i runs between 10.1.0.i and 10.2.0.i. */
static ike_addr address(enum bench_side side, unsigned i)
{
    return (ike_addr){.family = 4, .ip = {10, (uint8_t)(side + 1), (uint8_t)(i >> 8), (uint8_t)i}};
}

static void send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct side *from = user, *to = &from->pair->side[!from->me];
    unsigned i = (unsigned)path->remote.ip[2] << 8 | path->remote.ip[3];
    struct datagram *d = to->inbox[i], *end = d + INBOX;
    while (d < end && d->len) {
        d++;
    }
    if (kind != IKE_SEND_MESSAGE || n > sizeof d->bytes || d == end) {
        bench_die("a datagram of kind %d and %zu octets that does not belong here", (int)kind, n);
    }
    d->len = n;
    d->path = *path;
    d->path.local = path->remote;
    d->path.remote = path->local;
    memcpy(d->bytes, bytes, n);
    to->waiting++;
}

static void event(void *user, const ike_event *e)
{
    struct side *s = user;
    s->ups += e->type == IKE_EV_SA_UP;
    s->child_ups += e->type == IKE_EV_CHILD_UP;
    s->failures += e->type == IKE_EV_FAILED;
    s->rekeys += e->type == IKE_EV_SA_REKEYED || e->type == IKE_EV_CHILD_REKEYED;
}

static void add_connections(struct side *s, const struct bench_suite *suite)
{
    ike_child_settings child;
    ike_conn_settings conn;
    ike_ts net[BENCH_SIDES];
    ike_child_settings_init(&child);
    ike_conn_settings_init(&conn);
    conn.children = &child;
    conn.n_children = CHILDREN;
    conn.proposals = suite->ike;
    conn.version = suite->v1 ? IKE_SPEAKS_V1 : IKE_SPEAKS_V2;
    conn.aggressive = suite->aggressive;
    if (suite->sig) {
        bench_keys(suite->sig, s->me, &conn);
    } else {
        conn.secret = (ike_bytes){(const uint8_t *)BENCH_SECRET, sizeof BENCH_SECRET - 1};
    }
    child.name = "net";
    child.proposals = suite->esp;
    child.n_local_ts = child.n_remote_ts = 1;
    child.local_ts = &net[s->me];
    child.remote_ts = &net[!s->me];
    for (unsigned i = 0; i < BENCH_BATCH; i++) {
        char name[] = "peer-00";
        name[5] = (char)('0' + i / 10);
        name[6] = (char)('0' + i % 10);
        for (unsigned k = 0; k < BENCH_SIDES; k++) {
            net[k] = (ike_ts){.family = 4, .port_hi = UINT16_MAX};
            net[k].lo[0] = net[k].hi[0] = (uint8_t)(20 + k);
            net[k].lo[1] = net[k].hi[1] = (uint8_t)i;
            net[k].hi[2] = net[k].hi[3] = 255;
        }
        conn.name = name;
        conn.local = address(s->me, i);
        conn.remote = address(!s->me, i);
        int r = ike_conn_add(s->engine, &conn, &s->conn[i], s->pair->now);
        if (r != IKE_OK) {
            bench_die("%s: a connection is refused: %s", suite->name, ike_strerror(r));
        }
    }
}

struct bench_pair *bench_pair_new(const struct bench_suite *suite, const ike_crypto *crypto)
{
    struct bench_pair *p = bench_alloc(sizeof *p);
    p->now = 1000 * IKE_SEC;
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        struct side *s = &p->side[k];
        ike_settings set;
        s->pair = p;
        s->me = (enum bench_side)k;
        ike_settings_init(&set);
        set.crypto = crypto;
        set.host.user = s;
        set.host.random = bench_random_counted;
        set.host.send = send;
        set.host.event = event;
        /* All of a batch is half open at once, which is no attack here. */
        set.cookie_threshold = set.cookie_per_source = set.max_half_open = set.half_open_per_source = 1u << 20;
        set.allow_variable_time = true;
        int r = ike_engine_new(&s->engine, &set, p->now);
        if (r != IKE_OK) {
            bench_die("%s: no engine: %s", suite->name, ike_strerror(r));
        }
        add_connections(s, suite);
    }
    return p;
}

void bench_pair_free(struct bench_pair *p)
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        ike_engine_free(p->side[k].engine);
    }
    bench_free(p);
}

const size_t *bench_messages(const struct bench_pair *p) { return p->message; }

void bench_pair_log(struct bench_pair *p, struct bench_list *log[BENCH_SIDES])
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        p->side[k].log = log ? log[k] : NULL;
    }
}

/* ---- Stages ----------------------------------------------------------------------------------------------------------- */

static double begin(struct side *s, unsigned n)
{
    bench_count_to(s->log);
    double start = bench_cpu_us();
    for (unsigned i = 0; i < n; i++) {
        ike_initiate(s->engine, s->conn[i], NULL, s->pair->now);
    }
    double us = bench_cpu_us() - start;
    bench_count_to(NULL);
    return us;
}

static double read_all(struct side *s, unsigned n)
{
    bench_count_to(s->log);
    double start = bench_cpu_us();
    for (unsigned i = 0; i < n; i++) {
        for (struct datagram *d = s->inbox[i]; d < s->inbox[i] + INBOX && d->len; d++) {
            size_t len = d->len;
            d->len = 0;
            s->waiting--;
            ike_input(s->engine, &d->path, d->bytes, len, s->pair->now);
        }
    }
    double us = bench_cpu_us() - start;
    bench_count_to(NULL);
    return us;
}

/* All of one side have something to read, and the others nothing. Behind the last message of Aggressive Mode the first of Quick
 * Mode is on its way as well. */
static void expect(const struct bench_pair *p, enum bench_side to, unsigned n, const char *what)
{
    unsigned waiting = p->side[to].waiting, astray = p->side[!to].waiting;
    if (!waiting || waiting % n || astray) {
        bench_die("%s: %u datagrams for %u peers, %u for the other side", what, waiting, n, astray);
    }
}

static void tear_down(struct bench_pair *p)
{
    struct side *a = &p->side[BENCH_INITIATOR], *b = &p->side[BENCH_RESPONDER];
    ike_sa_info sa;
    while (ike_sa_next(a->engine, 0, &sa) == IKE_OK) {
        ike_sa_id id = 0;
        while (ike_sa_next(a->engine, id, &sa) == IKE_OK) {
            id = sa.id;
            ike_sa_close(a->engine, id, p->now);
        }
        while (a->waiting || b->waiting) {
            read_all(b, BENCH_BATCH);
            read_all(a, BENCH_BATCH);
        }
        p->now += IKE_SEC;
        ike_tick(a->engine, p->now);
        ike_tick(b->engine, p->now);
    }
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        ike_counters c = {.size = sizeof c};
        ike_counters_get(p->side[k].engine, &c);
        if (c.sas || c.children || c.half_open) {
            bench_die("after taking down there are %u SAs and %u children", (unsigned)c.sas, (unsigned)c.children);
        }
    }
}

/* Message after message, until nothing is to be said: the initiator's have been sent. */
static void answer(struct bench_pair *p, unsigned n, double us[BENCH_SIDES], const char *what)
{
    for (unsigned m = 0; m == 0 || p->side[0].waiting || p->side[1].waiting; m++) {
        struct side *s = &p->side[m % 2 ? BENCH_INITIATOR : BENCH_RESPONDER];
        expect(p, s->me, n, what);
        if (m < BENCH_MESSAGES) {
            p->message[m] = s->inbox[0][0].len;
        }
        p->now += IKE_MS;
        us[s->me] += read_all(s, n);
    }
}

static void bring_up(struct bench_pair *p, unsigned n, double us[BENCH_SIDES])
{
    struct side *a = &p->side[BENCH_INITIATOR];
    us[a->me] += begin(a, n);
    answer(p, n, us, "in a handshake");
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        struct side *s = &p->side[k];
        if (s->ups != n || s->child_ups != n || s->failures) {
            bench_die("%u of %u SAs and %u children are up, %u failures", s->ups, n, s->child_ups, s->failures);
        }
        s->ups = s->child_ups = 0;
    }
}

void bench_handshakes(struct bench_pair *p, unsigned n, double us[BENCH_SIDES])
{
    bring_up(p, n, us);
    struct bench_list *log[BENCH_SIDES] = {p->side[0].log, p->side[1].log};
    bench_pair_log(p, NULL);
    tear_down(p);
    bench_pair_log(p, log);
}

/* ---- Rekeys ----------------------------------------------------------------------------------------------------------- */

static void find_ids(struct side *s, bool ike, unsigned n)
{
    ike_sa_info sa = {.size = sizeof sa};
    ike_child_info child = {.size = sizeof child};
    uint64_t id = 0;
    for (unsigned i = 0; i < n; i++) {
        int r = ike ? ike_sa_next(s->engine, id, &sa) : ike_child_next(s->engine, id, &child);
        if (r != IKE_OK) {
            bench_die("%u of %u are there to be rekeyed", i, n);
        }
        s->id[i] = id = ike ? sa.id : child.id;
    }
}

static double begin_rekeys(struct side *s, bool ike, unsigned n)
{
    bench_count_to(s->log);
    double start = bench_cpu_us();
    for (unsigned i = 0; i < n; i++) {
        if ((ike ? ike_sa_rekey : ike_child_rekey)(s->engine, s->id[i], s->pair->now) != IKE_OK) {
            bench_die("a rekey does not begin");
        }
    }
    double us = bench_cpu_us() - start;
    bench_count_to(NULL);
    return us;
}

void bench_rekeys(struct bench_pair *p, bool ike, unsigned n, double us[BENCH_SIDES])
{
    struct side *a = &p->side[BENCH_INITIATOR], *b = &p->side[BENCH_RESPONDER];
    struct bench_list *log[BENCH_SIDES] = {a->log, b->log};
    double other[BENCH_SIDES] = {0};
    bench_pair_log(p, NULL);
    bring_up(p, n, other);
    find_ids(a, ike, n);
    p->now += 60 * IKE_SEC; /* what was rekeyed within seconds is rekeyed with more hesitation */
    bench_pair_log(p, log);
    us[a->me] += begin_rekeys(a, ike, n);
    answer(p, n, us, "in a rekey"); /* in IKEv2 CREATE_CHILD_SA and the Delete of the old one, each with its response */
    bench_pair_log(p, NULL);
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        if (p->side[k].rekeys != n || p->side[k].failures) {
            bench_die("%u of %u rekeys are done, %u failures", p->side[k].rekeys, n, p->side[k].failures);
        }
        p->side[k].rekeys = 0;
    }
    tear_down(p);
    bench_pair_log(p, log);
}
