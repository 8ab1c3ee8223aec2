/* SPDX-License-Identifier: ISC
 *
 * Hosts of engines, and the way between them.
 */
#include "net.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- Memory of one engine ---------------------------------------------------------------------------------------------- */

void bench_arena_init(struct bench_arena *a, size_t size)
{
    memset(a, 0, sizeof *a);
    a->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a->base == MAP_FAILED) {
        bench_die("no memory");
    }
    a->size = size;
}

void bench_arena_reset(struct bench_arena *a)
{
    memset(a->freed, 0, sizeof a->freed);
    a->used = 0;
}

static struct bench_arena *arena; /* the one in use: host.user is the host's */

static void *arena_alloc(void *user, size_t n)
{
    (void)user;
    size_t units = (n + 15) / 16;
    if (units < sizeof arena->freed / sizeof *arena->freed && arena->freed[units]) {
        void *p = arena->freed[units];
        memcpy(&arena->freed[units], p, sizeof(void *));
        return p;
    }
    if (arena->size - arena->used < units * 16) {
        return NULL;
    }
    void *p = arena->base + arena->used;
    arena->used += units * 16;
    return p;
}

/* Large blocks are few and live as long as the engine. */
static void arena_release(void *user, void *p, size_t n)
{
    (void)user;
    size_t units = (n + 15) / 16;
    if (units && units < sizeof arena->freed / sizeof *arena->freed) {
        memcpy(p, &arena->freed[units], sizeof(void *));
        arena->freed[units] = p;
    }
}

void bench_arena_use(struct bench_arena *a, ike_host *h)
{
    arena = a;
    h->alloc = arena_alloc;
    h->release = arena_release;
}

/* ---- Callbacks --------------------------------------------------------------------------------------------------------- */

static void keep_port(ike_addr *a, const ike_addr *other)
{
    uint16_t port = a->port;
    if (other->family) {
        *a = *other;
        a->port = port;
    }
}

static void send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct bench_host *from = user, *to = from->peer;
    if (kind != IKE_SEND_MESSAGE) {
        from->keepalives++;
        return;
    }
    ike_time at = *from->now;
    from->sent++;
    if (!to || !to->engine || (from->carry && !from->carry(from, path, &at))) {
        return;
    }
    if (n > BENCH_DATAGRAM) {
        bench_die("a datagram of %zu octets", n);
    }
    if (to->waiting == to->cap) {
        to->overflow++;
        return;
    }
    struct bench_datagram *d = &to->inbox[(to->first + to->waiting) % to->cap];
    d->len = n;
    d->at = at;
    d->path = *path;
    d->path.local = path->remote;
    d->path.remote = path->local;
    keep_port(&d->path.local, &to->inside);
    keep_port(&d->path.remote, &from->outside);
    memcpy(d->bytes, bytes, n);
    to->waiting++;
}

static void event(void *user, const ike_event *e)
{
    struct bench_host *h = user;
    h->ups += e->type == IKE_EV_SA_UP;
    h->child_ups += e->type == IKE_EV_CHILD_UP;
    h->downs += e->type == IKE_EV_SA_DOWN;
    h->rekeys += e->type == IKE_EV_SA_REKEYED || e->type == IKE_EV_CHILD_REKEYED;
    h->failures += e->type == IKE_EV_FAILED;
    if (h->on_event) {
        h->on_event(h, e);
    }
}

/* ---- Life -------------------------------------------------------------------------------------------------------------- */

void bench_host_init(struct bench_host *h, struct bench_host *peer, unsigned cap, ike_time *now)
{
    memset(h, 0, sizeof *h);
    h->peer = peer;
    h->cap = cap;
    h->now = now;
    h->inbox = bench_alloc(cap * sizeof *h->inbox);
}

void bench_host_fini(struct bench_host *h)
{
    ike_engine_free(h->engine);
    bench_free(h->inbox);
    memset(h, 0, sizeof *h);
}

void bench_host_settings(struct bench_host *h, ike_settings *set)
{
    ike_settings_init(set);
    set->host.user = h;
    set->host.random = bench_random;
    set->host.send = send;
    set->host.event = event;
    set->allow_variable_time = true;
    set->cookie_threshold = set->cookie_per_source = set->max_half_open = set->half_open_per_source = 1u << 20;
}

void bench_host_engine(struct bench_host *h, const ike_settings *set)
{
    int r = ike_engine_new(&h->engine, set, *h->now);
    if (r != IKE_OK) {
        bench_die("no engine: %s", ike_strerror(r));
    }
}

unsigned bench_host_read(struct bench_host *h)
{
    unsigned n = 0;
    while (h->waiting && h->inbox[h->first].at <= *h->now) {
        struct bench_datagram *d = &h->inbox[h->first];
        ike_input(h->engine, &d->path, d->bytes, d->len, *h->now);
        h->first = (h->first + 1) % h->cap;
        h->waiting--;
        n++;
    }
    return n;
}

static ike_time next_of(const struct bench_host *h)
{
    ike_time at = ike_next_timeout(h->engine);
    return h->waiting && h->inbox[h->first].at < at ? h->inbox[h->first].at : at;
}

void bench_net_run(struct bench_host *a, struct bench_host *b, ike_time end)
{
    for (;;) {
        ike_time at = next_of(a) < next_of(b) ? next_of(a) : next_of(b);
        if (at > end) {
            break;
        }
        *a->now = at > *a->now ? at : *a->now;
        (void)bench_host_read(a);
        (void)bench_host_read(b);
        ike_tick(a->engine, *a->now);
        ike_tick(b->engine, *a->now);
    }
    *a->now = end > *a->now ? end : *a->now;
}

/* ---- Connections ------------------------------------------------------------------------------------------------------- */

ike_addr bench_addr(uint32_t i)
{
    return (ike_addr){.family = 4, .ip = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, .port = 500};
}

void bench_conn_init(ike_conn_settings *conn, ike_child_settings *child, bool gateway)
{
    static const ike_ts net = {.family = 4, .port_hi = UINT16_MAX, .lo = {172, 16}, .hi = {172, 31, 255, 255}};
    ike_child_settings_init(child);
    ike_conn_settings_init(conn);
    conn->children = child;
    conn->n_children = 1;
    conn->proposals = "aes128gcm16-prfsha256-x25519";
    conn->secret = (ike_bytes){(const uint8_t *)BENCH_SECRET, sizeof BENCH_SECRET - 1};
    conn->name = gateway ? "gateway" : "peer";
    conn->dpd_s = 0; /* the peers of these benches do not stay */
    child->name = "net";
    child->proposals = "aes128gcm16";
    *(gateway ? &child->local_ts : &child->remote_ts) = &net;
    *(gateway ? &child->n_local_ts : &child->n_remote_ts) = 1;
}
