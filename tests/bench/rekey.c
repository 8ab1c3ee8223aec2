/* SPDX-License-Identifier: ISC
 *
 * ike-bench rekey: what a rekey with the Delete of the old SA costs each side, over the cryptography it contains, and as a part
 * of a handshake. The floor executes what the engine was counted to ask for; there is no list of its own as for the handshake.
 */
#include "bench.h"
#include <stdio.h>

enum { SAMPLES_MAX = 1024 };

static const struct kind {
    const char *name, *esp;
    bool ike;
} kinds[] = {{"child", "aes128gcm16", false}, {"child-x25519", "aes128gcm16-x25519", false}, {"ike-x25519", "aes128gcm16", true}};

struct result {
    double total[BENCH_SIDES], floor[BENCH_SIDES], handshake[BENCH_SIDES];
    struct bench_list list[BENCH_SIDES];
    unsigned samples;
};

static void count(const struct bench_suite *s, bool ike, struct result *r)
{
    struct bench_list *log[BENCH_SIDES] = {&r->list[0], &r->list[1]};
    struct bench_pair *p = bench_pair_new(s, bench_counting(s, ike_crypto_default()));
    double us[BENCH_SIDES] = {0};
    bench_rekeys(p, ike, 1, us); /* fills tables */
    r->list[0].n = r->list[1].n = 0;
    bench_pair_log(p, log);
    bench_rekeys(p, ike, 1, us);
    bench_pair_free(p);
    if (r->list[0].n > BENCH_OPS || r->list[1].n > BENCH_OPS) {
        bench_die("more operations than a list has room for");
    }
}

static void measure(const struct bench_suite *s, bool ike, double seconds, struct result *r)
{
    static double total[BENCH_SIDES][SAMPLES_MAX], low[BENCH_SIDES][SAMPLES_MAX], whole[BENCH_SIDES][SAMPLES_MAX];
    struct bench_pair *p = bench_pair_new(s, ike_crypto_default());
    struct bench_floor *f = bench_floor_new(s);
    double end = bench_wall_us() + seconds * 1e6, warm[BENCH_SIDES] = {0};
    unsigned n = 0;
    bench_rekeys(p, ike, BENCH_BATCH, warm);
    for (; n == 0 || (n < SAMPLES_MAX && bench_wall_us() < end); n++) {
        double us[BENCH_SIDES] = {0}, up[BENCH_SIDES] = {0};
        bench_rekeys(p, ike, BENCH_BATCH, us);
        bench_handshakes(p, BENCH_BATCH, up);
        for (unsigned k = 0; k < BENCH_SIDES; k++) {
            total[k][n] = us[k] / BENCH_BATCH;
            whole[k][n] = up[k] / BENCH_BATCH;
            low[k][n] = bench_floor_run(f, &r->list[k], BENCH_BATCH) / BENCH_BATCH;
        }
    }
    r->samples = n;
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        r->total[k] = bench_median(total[k], n);
        r->floor[k] = bench_median(low[k], n);
        r->handshake[k] = bench_median(whole[k], n);
    }
    bench_floor_free(f);
    bench_pair_free(p);
}

static void print(const struct kind *kind, const struct result *r, bool json)
{
    static const char *const sides[BENCH_SIDES] = {"initiator", "responder"};
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        printf(json ? "{\"rekey\":\"%s\",\"side\":\"%s\",\"total_us\":%.2f,\"floor_us\":%.2f,\"ratio\":%.3f,\"handshake\":%.3f,"
                      "\"ops\":%u,\"samples\":%u}\n"
                    : "%-14s %-10s %9.2f %9.2f %7.3f %10.3f %5u %8u\n",
               kind->name, sides[k], r->total[k], r->floor[k], r->total[k] / r->floor[k], r->total[k] / r->handshake[k],
               r->list[k].n, r->samples);
    }
    fflush(stdout);
}

int bench_rekey(int argc, char **argv)
{
    static struct result r;
    double seconds = 2;
    bool json = false;
    const struct bench_option options[] = {
        {"--seconds", NULL, &seconds, NULL}, {"--json", &json, NULL, NULL}, {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || seconds > 3600) {
        return bench_usage();
    }
    if (!json) {
        printf("%-14s %-10s %9s %9s %7s %10s %5s %8s\n", "rekey", "side", "total us", "floor us", "ratio", "handshakes", "ops",
               "samples");
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct bench_suite s = bench_suites[0];
        s.esp = kinds[i].esp;
        count(&s, kinds[i].ike, &r);
        measure(&s, kinds[i].ike, seconds, &r);
        print(&kinds[i], &r, json);
    }
    return 0;
}
