/* SPDX-License-Identifier: ISC
 *
 * ike-bench flood: forged first messages against one engine while a real peer connects, again and again. Only the time of the
 * engine under attack is real. The socket is a model: it takes so many datagrams a millisecond as the row says, and of a flood of
 * `load` times that anybody's datagram gets in with a probability of 1 / load.
 */
#include "net.h"
#include <stdio.h>
#include <string.h>

enum { CAP = 64, PACKETS_MAX = 128, DELAY_MS = 5, GARBAGE = 200, AT_SPI = 0 };

static const struct attack {
    const char *name;
    unsigned per_ms; /* datagrams that come in */
    double load;
    bool cookies, one_source, garbage, v1;
} attacks[] = {
    {"no cookies", 5, 1, false, false, false, false},
    {"none", 0, 1, true, false, false, false},
    {"half", 50, 1, true, false, false, false},
    {"full", 100, 1, true, false, false, false},
    {"twice", 10, 2, true, false, false, false},
    {"four times", 10, 4, true, false, false, false},
    {"one source", 100, 1, true, true, false, false},
    {"garbage", 100, 1, true, false, true, false},
#if IKE_WITH_V1
    /* Nothing but the limits of half-open SAs: IKEv1 has no cookie to ask for. */
    {"v1", 10, 1, false, false, false, true},
    {"v1 one src", 100, 1, false, true, false, true},
#endif
};

struct flood {
    const struct attack *attack;
    struct bench_host gateway, peer;
    ike_time now;
    ike_addr peer_addr;
    uint64_t dice;
    uint8_t proto[BENCH_DATAGRAM]; /* a peer's first message */
    size_t proto_len;
    uint8_t packet[PACKETS_MAX][BENCH_DATAGRAM];
    ike_path path[PACKETS_MAX];
    /* What came of it. */
    unsigned long forged;
    double us;
    uint64_t octets_before, octets_most;
    unsigned half_open, tried, up, at_once, repeated_most;
    uint64_t cookies;
    double longest_s;
};

/* Answers to forged names lead nowhere. */
static bool carry(struct bench_host *from, const ike_path *path, ike_time *at)
{
    struct flood *f = from->user;
    *at += DELAY_MS * IKE_MS;
    if (from == &f->gateway) {
        return memcmp(path->remote.ip, f->peer_addr.ip, sizeof path->remote.ip) == 0;
    }
    return (double)(bench_draw(&f->dice) >> 11) * 0x1p-53 * f->attack->load < 1;
}

/* IKEv1 has no AEAD. */
static void speak(const struct flood *f, ike_conn_settings *conn, ike_child_settings *child)
{
    if (f->attack->v1) {
        conn->version = IKE_SPEAKS_V1;
        conn->proposals = "aes128-sha256-ecp256";
        child->proposals = "aes128-sha256";
    }
}

static void open_gateway(struct flood *f)
{
    ike_child_settings child;
    ike_conn_settings conn;
    ike_settings set, plain;
    ike_conn_id id;
    ike_settings_init(&plain);
    bench_host_settings(&f->gateway, &set);
    if (f->attack->cookies) {
        set.cookie_threshold = plain.cookie_threshold;
        set.cookie_per_source = plain.cookie_per_source;
    }
    set.max_half_open = plain.max_half_open;
    set.half_open_per_source = plain.half_open_per_source;
    f->gateway.carry = carry;
    f->gateway.user = f;
    bench_host_engine(&f->gateway, &set);
    bench_conn_init(&conn, &child, true);
    speak(f, &conn, &child);
    if (ike_conn_add(f->gateway.engine, &conn, &id, f->now) != IKE_OK) {
        bench_die("the gateway's connection is refused");
    }
}

/* A peer that begins anew: what the gateway has of it from the time before is replaced. */
static void open_peer(struct flood *f)
{
    ike_child_settings child;
    ike_conn_settings conn;
    ike_settings set;
    ike_conn_id id;
    bench_host_init(&f->peer, &f->gateway, CAP, &f->now);
    f->peer.user = f;
    f->peer.carry = carry;
    bench_host_settings(&f->peer, &set);
    bench_host_engine(&f->peer, &set);
    bench_conn_init(&conn, &child, false);
    speak(f, &conn, &child);
    conn.local = f->peer_addr = bench_addr(0x10000);
    conn.remote = (ike_addr){.family = 4, .ip = {192, 0, 2, 1}};
    if (ike_conn_add(f->peer.engine, &conn, &id, f->now) != IKE_OK || ike_initiate(f->peer.engine, id, NULL, f->now) != IKE_OK) {
        bench_die("the peer does not begin");
    }
}

/* Somebody's IKE_SA_INIT, to be sent in many names. */
static void take_prototype(struct flood *f)
{
    const struct attack *attack = f->attack, still = {.load = 1, .v1 = attack->v1};
    f->attack = &still;
    open_peer(f);
    const struct bench_datagram *d = &f->gateway.inbox[f->gateway.first];
    if (!f->gateway.waiting) {
        bench_die("a peer is silent");
    }
    f->proto_len = d->len;
    memcpy(f->proto, d->bytes, d->len);
    f->path[0] = d->path;
    f->gateway.waiting = 0;
    bench_host_fini(&f->peer);
    f->attack = attack;
    for (unsigned k = 1; k < PACKETS_MAX; k++) {
        f->path[k] = f->path[0];
    }
}

static void forge(struct flood *f)
{
    for (unsigned i = 0; i < f->attack->per_ms; i++) {
        uint64_t spi = bench_draw(&f->dice), from = bench_draw(&f->dice);
        uint32_t source = f->attack->one_source ? 0x0a090909 : (uint32_t)from;
        if (f->attack->garbage) {
            for (size_t k = 0; k < GARBAGE; k += 8) {
                uint64_t v = bench_draw(&f->dice);
                memcpy(f->packet[i] + k, &v, 8);
            }
        } else {
            memcpy(f->packet[i], f->proto, f->proto_len);
            memcpy(f->packet[i] + AT_SPI, &spi, 8);
        }
        f->path[i].remote.port = 500;
        memcpy(f->path[i].remote.ip, &source, sizeof source);
    }
}

static void one_millisecond(struct flood *f)
{
    ike_counters c = {.size = sizeof c};
    forge(f);
    size_t len = f->attack->garbage ? GARBAGE : f->proto_len;
    double start = bench_cpu_us();
    for (unsigned i = 0; i < f->attack->per_ms; i++) {
        ike_input(f->gateway.engine, &f->path[i], f->packet[i], len, f->now);
    }
    f->us += bench_cpu_us() - start;
    f->forged += f->attack->per_ms;
    bench_net_run(&f->gateway, &f->peer, f->now + IKE_MS);
    ike_counters_get(f->gateway.engine, &c);
    f->octets_most = c.allocated > f->octets_most ? c.allocated : f->octets_most;
    f->half_open = c.half_open > f->half_open ? c.half_open : f->half_open;
    f->cookies = c.cookies_sent;
}

/* Until the limit of half-open SAs is reached, state grows as it may; then the flood must not make it grow. */
static void run(struct flood *f, unsigned seconds)
{
    ike_counters c = {.size = sizeof c};
    for (unsigned i = 0; i <= seconds; i++) {
        open_peer(f);
        ike_time began = f->now;
        bool up = false;
        for (unsigned ms = 0; ms < 1000 || (!up && !f->peer.failures); ms++) {
            one_millisecond(f);
            if (f->peer.child_ups && !up) {
                up = true;
                f->longest_s = i && (double)(f->now - began) / 1e6 > f->longest_s ? (double)(f->now - began) / 1e6 : f->longest_s;
            }
        }
        ike_counters_get(f->peer.engine, &c);
        if (i == 0) { /* the first second fills what may be filled */
            f->octets_before = f->octets_most;
        } else {
            f->tried++;
            f->up += up;
            f->at_once += up && c.retransmitted <= 1;
            f->repeated_most = c.retransmitted > f->repeated_most ? (unsigned)c.retransmitted : f->repeated_most;
        }
        bench_host_fini(&f->peer);
        f->gateway.waiting = 0;
    }
}

static void print(const struct flood *f, double reference, bool json)
{
    double ns = f->forged ? f->us * 1e3 / (double)f->forged : 0;
    double growth = (double)f->octets_most - (double)f->octets_before;
    printf(json ? "{\"flood\":\"%s\",\"forged\":%lu,\"ns\":%.1f,\"ratio\":%.4f,\"octets\":%lu,\"growth_octets\":%.0f,\"half_"
                  "open\":%u,"
                  "\"cookies\":%lu,\"tried\":%u,\"up\":%u,\"repeated_once_at_most\":%u,\"repeated\":%u,\"longest_s\":%.3f}\n"
                : "%-12s %9lu %9.1f %7.4f %9lu %8.0f %9u %9lu %6u %6u %6u %9u %9.3f\n",
           f->attack->name, f->forged, ns, reference > 0 ? ns / reference : 0, (unsigned long)f->octets_most, growth,
           f->half_open, (unsigned long)f->cookies, f->tried, f->up, f->at_once, f->repeated_most, f->longest_s);
    fflush(stdout);
}

int bench_flood(int argc, char **argv)
{
    static struct flood f;
    double seconds = 10, reference = 0;
    bool json = false;
    const char *only = NULL;
    const struct bench_option options[] = {{"--seconds", NULL, &seconds, NULL},
                                           {"--json", &json, NULL, NULL},
                                           {"--only", NULL, NULL, &only},
                                           {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || seconds < 1 || seconds > 3600) {
        return bench_usage();
    }
    if (!json) {
        printf("%-12s %9s %9s %7s %9s %8s %9s %9s %6s %6s %6s %9s %9s\n", "flood", "forged", "ns", "ratio", "octets", "growth",
               "half open", "cookies", "tried", "up", "<= 1", "repeated", "longest s");
    }
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (only && strcmp(only, attacks[i].name) != 0) {
            continue;
        }
        memset(&f, 0, sizeof f);
        f.now = 1000 * IKE_SEC;
        f.dice = UINT64_C(0x9e3779b97f4a7c15);
        bench_host_init(&f.gateway, &f.peer, CAP, &f.now);
        f.attack = &attacks[i];
        open_gateway(&f);
        take_prototype(&f);
        run(&f, (unsigned)seconds);
        reference = reference == 0 && f.forged ? f.us * 1e3 / (double)f.forged : reference;
        print(&f, reference, json);
        bench_host_fini(&f.gateway);
    }
    return 0;
}
