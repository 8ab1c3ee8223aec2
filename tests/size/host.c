/* SPDX-License-Identifier: ISC
 *
 * The smallest host that uses all an engine does for a tunnel, and nothing besides: it knows what is up from the events. What of
 * the library ends up in such a program is what firmware pays. It also measures what only a running engine shows: octets per
 * tunnel, and how deep calls into the engine go.
 *
 * A gateway and its peers talk through memory: handshakes (with a cookie, after the first ones), rekeys of child and IKE SA,
 * liveness, Deletes, and datagrams of no sense. Each call into an engine runs on a stack of its own that was painted before.
 */
#include <ike/ike.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <ucontext.h>

enum { PEERS = 256, QUEUE = PEERS + 32, DATAGRAM = 2048, STACK = 256 * 1024, PAINT = 0xa5, COOKIES_FROM = 0 };
enum call { INPUT, TICK, ACT, CALLS };

struct host {
    ike_engine *engine;
    struct host *peer;
    struct {
        ike_path path;
        size_t len;
        uint8_t bytes[DATAGRAM];
    } queue[QUEUE];
    unsigned waiting;
    unsigned ups, rekeys, downs;
    ike_conn_id conn; /* the newest of each */
    ike_sa_id sa;
    ike_child_id child;
    size_t allocated;
};

static ike_time now = 1000 * IKE_SEC;
static size_t deepest[CALLS];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "size_host: %s\n", what);
    exit(1);
}

/* ---- Calls on a painted stack ------------------------------------------------------------------------------------------ */

static uint8_t stack[STACK];
static ucontext_t outer, inner;
static struct {
    enum call call;
    struct host *host;
    const ike_path *path;
    const uint8_t *bytes;
    size_t len;
    int (*act)(struct host *h);
    uint8_t *top; /* the frame that calls */
    int result;
} job;

static void run_job(void)
{
    uint8_t here;
    job.top = &here;
    switch (job.call) {
    case INPUT:
        job.result = ike_input(job.host->engine, job.path, job.bytes, job.len, now);
        break;
    case TICK:
        job.result = ike_tick(job.host->engine, now);
        break;
    default:
        job.result = job.act(job.host);
    }
}

static int measured(enum call call, struct host *h)
{
    memset(stack, PAINT, sizeof stack);
    getcontext(&inner);
    inner.uc_stack.ss_sp = stack;
    inner.uc_stack.ss_size = sizeof stack;
    inner.uc_link = &outer;
    makecontext(&inner, run_job, 0);
    job.call = call;
    job.host = h;
    swapcontext(&outer, &inner);
    const uint8_t *lowest = stack;
    while (lowest < job.top && *lowest == PAINT) {
        lowest++;
    }
    size_t deep = (size_t)(job.top - lowest);
    deepest[call] = deep > deepest[call] ? deep : deepest[call];
    return job.result;
}

static int input(struct host *h, const ike_path *path, const uint8_t *bytes, size_t n)
{
    job.path = path;
    job.bytes = bytes;
    job.len = n;
    return measured(INPUT, h);
}

static int act(struct host *h, int (*what)(struct host *))
{
    job.act = what;
    return measured(ACT, h);
}

/* ---- The host ---------------------------------------------------------------------------------------------------------- */

static int fill_random(void *user, uint8_t *out, size_t n)
{
    (void)user;
    return getrandom(out, n, 0) == (ssize_t)n ? IKE_OK : IKE_ERR_HOST;
}

static void send_datagram(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct host *to = ((struct host *)user)->peer;
    if (kind == IKE_SEND_MESSAGE && n <= DATAGRAM && to->waiting < QUEUE) {
        to->queue[to->waiting].path = *path;
        to->queue[to->waiting].path.local = path->remote;
        to->queue[to->waiting].path.remote = path->local;
        to->queue[to->waiting].len = n;
        memcpy(to->queue[to->waiting++].bytes, bytes, n);
    }
}

static void on_event(void *user, const ike_event *ev)
{
    struct host *h = user;
    h->sa = ev->type == IKE_EV_SA_UP || ev->type == IKE_EV_SA_REKEYED ? ev->sa : h->sa;
    h->child = ev->type == IKE_EV_CHILD_UP || ev->type == IKE_EV_CHILD_REKEYED ? ev->child : h->child;
    h->ups += ev->type == IKE_EV_CHILD_UP;
    h->rekeys += ev->type == IKE_EV_CHILD_REKEYED || ev->type == IKE_EV_SA_REKEYED;
    h->downs += ev->type == IKE_EV_SA_DOWN;
}

static void *take_memory(void *user, size_t n)
{
    struct host *h = user;
    void *p = malloc(n);
    h->allocated += p ? n : 0;
    return p;
}

static void release_memory(void *user, void *p, size_t n)
{
    struct host *h = user;
    h->allocated -= n;
    free(p);
}

static int add_sa(void *user, ike_token token, const ike_ipsec_sa *sa)
{
    (void)user, (void)token, (void)sa;
    return IKE_OK;
}

/* Copies first: an answer may fill the queue again. */
static void talk(struct host *a, struct host *b)
{
    static uint8_t bytes[DATAGRAM];
    while (a->waiting || b->waiting) {
        struct host *h = b->waiting ? b : a;
        ike_path path = h->queue[0].path;
        size_t n = h->queue[0].len;
        memcpy(bytes, h->queue[0].bytes, n);
        h->waiting--;
        memmove(&h->queue[0], &h->queue[1], h->waiting * sizeof h->queue[0]);
        now += IKE_MS;
        input(h, &path, bytes, n);
    }
}

static void pass(struct host *a, struct host *b, ike_time span)
{
    for (ike_time end = now + span; now < end; now += IKE_SEC) {
        measured(TICK, a);
        measured(TICK, b);
        talk(a, b);
    }
}

static void open_engine(struct host *h, struct host *peer, uint32_t cookie_threshold)
{
    ike_settings s;
    ike_settings_init(&s);
    h->peer = peer;
    s.host.user = h;
    s.host.alloc = take_memory;
    s.host.release = release_memory;
    s.host.random = fill_random;
    s.host.send = send_datagram;
    s.host.event = on_event;
    s.host.sadb.add = add_sa;
    s.cookie_threshold = cookie_threshold;
    s.allow_variable_time = true; /* nothing here is secret */
    if (ike_engine_new(&h->engine, &s, now) != IKE_OK) {
        die("no engine");
    }
}

static void add_conn(struct host *h, unsigned i, bool gateway)
{
    ike_ts net = {.family = 4, .port_hi = UINT16_MAX, .lo = {172, 16}, .hi = {172, 31, 255, 255}};
    ike_conn_settings c;
    ike_child_settings k;
    char name[16];
    ike_conn_settings_init(&c);
    ike_child_settings_init(&k);
    snprintf(name, sizeof name, "peer-%u", i);
    c.name = name;
    c.secret = (ike_bytes){(const uint8_t *)"correct horse battery staple", 28};
    c.children = &k;
    c.n_children = 1;
    k.name = "net";
    *(gateway ? &k.local_ts : &k.remote_ts) = &net;
    *(gateway ? &k.n_local_ts : &k.n_remote_ts) = 1;
    if (!gateway) {
        c.local = (ike_addr){.family = 4, .ip = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        c.remote = (ike_addr){.family = 4, .ip = {192, 0, 2, 1}};
    }
    if (ike_conn_add(h->engine, &c, &h->conn, now) != IKE_OK) {
        die("a connection is refused");
    }
}

/* ---- What is done ------------------------------------------------------------------------------------------------------ */

static int initiate(struct host *h) { return ike_initiate(h->engine, h->conn, NULL, now); }

static int rekey_child(struct host *h) { return ike_child_rekey(h->engine, h->child, now); }

static int rekey_sa(struct host *h) { return ike_sa_rekey(h->engine, h->sa, now); }

static int close_all(struct host *h) { return ike_engine_close(h->engine, now); }

static void nonsense(struct host *h)
{
    uint8_t bytes[200];
    ike_path path = {.local = {.family = 4, .ip = {192, 0, 2, 1}, .port = 500}, .remote = {.family = 4, .ip = {10, 9, 9, 9}}};
    path.remote.port = 500;
    for (unsigned i = 0; i < 100; i++) {
        fill_random(NULL, bytes, sizeof bytes);
        memcpy(bytes + 16, "\x21\x20\x22\x08\0\0\0\0\0\0\0\xc8", 12); /* a header at least */
        (void)input(h, &path, bytes, sizeof bytes);
    }
}

int main(void)
{
    static struct host gateway, peers;
    if (ike_crypto_global_init() != IKE_OK) {
        die("the crypto libraries do not start");
    }
    open_engine(&gateway, &peers, COOKIES_FROM);
    open_engine(&peers, &gateway, 1000);
    add_conn(&gateway, 0, true);
    size_t before = gateway.allocated;
    for (unsigned i = 0; i < PEERS; i++) {
        add_conn(&peers, i, false);
        if (act(&peers, initiate) != IKE_OK) {
            die("a peer does not begin");
        }
        talk(&gateway, &peers);
    }
    if (gateway.ups != PEERS || peers.ups != PEERS) {
        die("not every tunnel is up");
    }
    pass(&gateway, &peers, 200 * IKE_SEC); /* liveness checks; and no answer is kept any more */
    double octets = (double)(gateway.allocated - before) / PEERS;
    nonsense(&gateway);
    for (unsigned side = 0; side < 2; side++) {
        int (*const rekey[])(struct host *) = {rekey_child, rekey_sa};
        for (unsigned i = 0; i < 2; i++) {
            if (act(side ? &gateway : &peers, rekey[i]) != IKE_OK) {
                die("a rekey does not begin");
            }
            talk(&gateway, &peers);
            pass(&gateway, &peers, 20 * IKE_SEC);
        }
    }
    if (gateway.rekeys != 4 || peers.rekeys != 4) {
        die("not every rekey is done");
    }
    act(&peers, close_all);
    talk(&gateway, &peers);
    pass(&gateway, &peers, 10 * IKE_SEC);
    if (gateway.downs != PEERS) {
        die("not every tunnel is down");
    }
    ike_engine_free(gateway.engine);
    ike_engine_free(peers.engine);
    printf("{\"octets_per_tunnel\":%.1f,\"stack_input\":%zu,\"stack_tick\":%zu,\"stack_act\":%zu}\n", octets, deepest[INPUT],
           deepest[TICK], deepest[ACT]);
    return 0;
}
