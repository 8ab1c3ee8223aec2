/* SPDX-License-Identifier: ISC
 *
 * ike-bench loss: how long it takes to connect as datagrams get lost, in virtual time, against what the retransmission schedule
 * gives: two exchanges, each of which succeeds at a try with the probability that request and response both arrive.
 */
#include "net.h"
#include <stdio.h>

enum { RUNS_MAX = 5000, CAP = 16, DELAY_MS = 10 };
#define PATIENCE (600 * IKE_SEC)

struct wire {
    unsigned loss_pct;
    uint64_t dice;
};

static bool carry(struct bench_host *from, const ike_path *path, ike_time *at)
{
    struct wire *w = from->user;
    (void)path;
    *at += DELAY_MS * IKE_MS;
    return bench_draw(&w->dice) % 100 >= w->loss_pct;
}

struct outcome {
    unsigned runs, up;
    double mean_s, median_s, p95_s;
    double sent; /* by the initiator, per run that came up */
};

/* One pair of engines for each attempt: nothing is left over from the one before. Seconds, or a negative number. */
static double attempt(struct wire *w, struct bench_host h[2], unsigned *sent)
{
    static ike_time now;
    now = 1000 * IKE_SEC;
    for (unsigned k = 0; k < 2; k++) {
        ike_child_settings child;
        ike_conn_settings conn;
        ike_settings set;
        ike_conn_id id;
        bench_host_init(&h[k], &h[!k], CAP, &now);
        h[k].carry = carry;
        h[k].user = w;
        bench_host_settings(&h[k], &set);
        bench_host_engine(&h[k], &set);
        bench_conn_init(&conn, &child, k == 1);
        conn.local = bench_addr(k + 1);
        conn.remote = bench_addr(2 - k);
        if (ike_conn_add(h[k].engine, &conn, &id, now) != IKE_OK) {
            bench_die("a connection is refused");
        }
    }
    ike_conn_id id;
    if (ike_conn_find(h[0].engine, "peer", &id) != IKE_OK || ike_initiate(h[0].engine, id, NULL, now) != IKE_OK) {
        bench_die("the initiator does not begin");
    }
    ike_time began = now, end = now + PATIENCE;
    while (!h[0].child_ups && !h[0].failures && now < end) {
        bench_net_run(&h[0], &h[1], now + IKE_SEC / 4);
    }
    *sent = h[0].sent;
    ike_sa_info sa = {.size = sizeof sa};
    bool up = h[0].child_ups && ike_sa_next(h[0].engine, 0, &sa) == IKE_OK;
    double s = up ? (double)(sa.established - began) / (double)IKE_SEC : -1;
    for (unsigned k = 0; k < 2; k++) {
        bench_host_fini(&h[k]);
    }
    return s;
}

static struct outcome measure(unsigned loss_pct, unsigned runs)
{
    static double s[RUNS_MAX];
    struct wire w = {loss_pct, UINT64_C(0x9e3779b97f4a7c15)};
    struct bench_host h[2];
    struct outcome o = {.runs = runs};
    unsigned long all_sent = 0;
    double sum = 0;
    for (unsigned i = 0; i < runs; i++) {
        unsigned sent;
        double took = attempt(&w, h, &sent);
        if (took >= 0) {
            s[o.up++] = took;
            sum += took;
            all_sent += sent;
        }
    }
    if (o.up) {
        o.median_s = bench_median(s, o.up); /* sorts */
        o.mean_s = sum / o.up;
        o.p95_s = s[(o.up * 95 - 1) / 100];
        o.sent = (double)all_sent / o.up;
    }
    return o;
}

/* ---- Theory ------------------------------------------------------------------------------------------------------------ */

struct schedule {
    double up, mean_s; /* probability; mean of those that come up */
};

static struct schedule theory(unsigned loss_pct)
{
    ike_settings set;
    ike_settings_init(&set);
    double arrive = 1 - loss_pct / 100.0, q = arrive * arrive, wait = set.retransmit_first_ms / 1e3, at = 0, missed = 1, mean = 0;
    for (unsigned k = 0; k <= set.retransmit_tries; k++) {
        mean += missed * q * (at + 2 * DELAY_MS / 1e3);
        missed *= 1 - q;
        at += wait;
        wait *= set.retransmit_factor_pct / 100.0;
        wait = wait < set.retransmit_max_ms / 1e3 ? wait : set.retransmit_max_ms / 1e3;
    }
    double each = 1 - missed;
    return (struct schedule){each * each, each > 0 ? 2 * mean / each : 0};
}

static void print(unsigned loss_pct, const struct outcome *o, bool json)
{
    struct schedule t = theory(loss_pct);
    printf(json ? "{\"loss_pct\":%u,\"runs\":%u,\"up\":%u,\"up_theory\":%.4f,\"mean_s\":%.3f,\"mean_theory_s\":%.3f,"
                  "\"ratio\":%.3f,\"median_s\":%.3f,\"p95_s\":%.3f,\"requests\":%.3f}\n"
                : "%8u %6u %6u %9.4f %9.3f %9.3f %7.3f %9.3f %9.3f %9.3f\n",
           loss_pct, o->runs, o->up, t.up, o->mean_s, t.mean_s, o->mean_s / t.mean_s, o->median_s, o->p95_s, o->sent);
    fflush(stdout);
}

int bench_loss(int argc, char **argv)
{
    static const unsigned rates[] = {0, 5, 10, 20, 30, 40, 50};
    double runs = 400;
    bool json = false;
    const struct bench_option options[] = {
        {"--runs", NULL, &runs, NULL}, {"--json", &json, NULL, NULL}, {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || runs < 1 || runs > RUNS_MAX) {
        return bench_usage();
    }
    if (!json) {
        printf("%8s %6s %6s %9s %9s %9s %7s %9s %9s %9s\n", "loss %", "runs", "up", "theory", "mean s", "theory", "ratio",
               "median s", "95 % s", "requests");
    }
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct outcome o = measure(rates[i], (unsigned)runs);
        print(rates[i], &o, json);
    }
    return 0;
}
