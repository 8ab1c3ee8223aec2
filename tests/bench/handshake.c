/* SPDX-License-Identifier: ISC
 *
 * ike-bench handshake: what a handshake costs each side, over what its cryptography costs.
 */
#include "bench.h"
#include <stdio.h>
#include <string.h>

enum { SAMPLES_MAX = 4096, SAMPLES_MIN = 1, WARM = 1 };
static const char *const sides[BENCH_SIDES] = {"initiator", "responder"};

/* ---- Measuring -------------------------------------------------------------------------------------------------------- */

struct result {
    struct bench_list list[BENCH_SIDES];
    double total[BENCH_SIDES], floor[BENCH_SIDES];
    unsigned samples;
    size_t message[BENCH_MESSAGES];
};

/* One handshake with counting descriptors: it makes the list's lengths known and must do what the list says. For IKEv1 there is
 * no list of its own: the floor executes what was counted. */
static bool count(const struct bench_suite *s, struct result *r)
{
    static struct bench_list counted[BENCH_SIDES];
    struct bench_list *log[BENCH_SIDES] = {&counted[0], &counted[1]};
    struct bench_pair *p = bench_pair_new(s, bench_counting(s, ike_crypto_default()));
    double us[BENCH_SIDES] = {0};
    bool same = true;
    bench_handshakes(p, 1, us); /* fills tables */
    counted[0].n = counted[1].n = 0;
    bench_pair_log(p, log);
    bench_handshakes(p, 1, us);
    memcpy(r->message, bench_messages(p), sizeof r->message);
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        char name[80];
        snprintf(name, sizeof name, "%s, %s", s->name, sides[k]);
        if (s->v1) {
            r->list[k] = counted[k];
            continue;
        }
        bench_list(&r->list[k], s, (enum bench_side)k, r->message);
        same &= bench_same(&r->list[k], &counted[k], name);
    }
    bench_pair_free(p);
    return same;
}

/* Batches of handshakes and of the floor take turns, so that whatever else the machine does meets both. */
static void measure(const struct bench_suite *s, double seconds, struct result *r)
{
    static double total[BENCH_SIDES][SAMPLES_MAX], low[BENCH_SIDES][SAMPLES_MAX];
    struct bench_pair *p = bench_pair_new(s, ike_crypto_default());
    struct bench_floor *f = bench_floor_new(s);
    double end = bench_wall_us() + seconds * 1e6;
    unsigned n = 0;
    for (unsigned i = 0; i < WARM; i++) {
        double us[BENCH_SIDES] = {0};
        bench_handshakes(p, BENCH_BATCH, us);
        (void)bench_floor_run(f, &r->list[0], BENCH_BATCH);
    }
    if (memcmp(bench_messages(p), r->message, sizeof r->message) != 0) {
        bench_die("%s: the messages measured are not those counted", s->name);
    }
    while (n < SAMPLES_MAX && (n < SAMPLES_MIN || bench_wall_us() < end)) {
        double us[BENCH_SIDES] = {0};
        bench_handshakes(p, BENCH_BATCH, us);
        for (unsigned k = 0; k < BENCH_SIDES; k++) {
            total[k][n] = us[k] / BENCH_BATCH;
            low[k][n] = bench_floor_run(f, &r->list[k], BENCH_BATCH) / BENCH_BATCH;
        }
        n++;
    }
    r->samples = n;
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        r->total[k] = bench_median(total[k], n);
        r->floor[k] = bench_median(low[k], n);
    }
    bench_floor_free(f);
    bench_pair_free(p);
}

/* ---- Output ----------------------------------------------------------------------------------------------------------- */

static unsigned tally(const struct bench_list *l, enum bench_kind kind, size_t *octets)
{
    unsigned n = 0;
    *octets = 0;
    for (unsigned i = 0; i < l->n; i++) {
        if (l->op[i].kind == kind) {
            n++;
            *octets += l->op[i].octets;
        }
    }
    return n;
}

static void print_json(const struct bench_suite *s, const struct result *r)
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        const char *comma = "";
        printf("{\"suite\":\"%s\",\"side\":\"%s\",\"total_us\":%.2f,\"floor_us\":%.2f,\"ratio\":%.3f,\"ops\":{", s->name,
               sides[k], r->total[k], r->floor[k], r->total[k] / r->floor[k]);
        for (unsigned i = 0; i < BENCH_KINDS; i++) {
            size_t octets;
            unsigned n = tally(&r->list[k], (enum bench_kind)i, &octets);
            if (n) {
                printf("%s\"%s\":%u", comma, bench_kinds[i], n);
                comma = ",";
            }
        }
        printf("},\"samples\":%u,\"batch\":%d}\n", r->samples, BENCH_BATCH);
    }
}

/* Each operation by itself, in a loop: less than it costs between the others. */
static void print_list(const struct bench_suite *s, const struct bench_list *l)
{
    struct bench_floor *f = bench_floor_new(s);
    for (unsigned i = 0; i < l->n; i++) {
        struct bench_list one = {.n = 1, .op = {l->op[i]}};
        double us[5];
        for (unsigned k = 0; k < 5; k++) {
            us[k] = bench_floor_run(f, &one, BENCH_BATCH) / BENCH_BATCH;
        }
        printf("    %-10s %5zu octets %9.2f us  %s\n", bench_kinds[l->op[i].kind], l->op[i].octets, bench_median(us, 5),
               l->op[i].why ? l->op[i].why : "");
    }
    bench_floor_free(f);
}

static void print_text(const struct bench_suite *s, const struct result *r, bool list)
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        printf("%-34s %-10s %9.2f %9.2f %7.3f %9.2f  ", s->name, sides[k], r->total[k], r->floor[k], r->total[k] / r->floor[k],
               r->total[k] - r->floor[k]);
        for (unsigned i = 0; i < BENCH_KINDS; i++) {
            size_t octets;
            unsigned n = tally(&r->list[k], (enum bench_kind)i, &octets);
            if (n && octets) {
                printf(" %s %u (%zu)", bench_kinds[i], n, octets);
            } else if (n) {
                printf(" %s %u", bench_kinds[i], n);
            }
        }
        putchar('\n');
        if (list) {
            print_list(s, &r->list[k]);
        }
    }
}

/* ---- Command line ----------------------------------------------------------------------------------------------------- */

static bool known(const char *suite)
{
    for (unsigned i = 0; i < bench_n_suites; i++) {
        if (strcmp(suite, bench_suites[i].name) == 0) {
            return true;
        }
    }
    return false;
}

int bench_handshake(int argc, char **argv)
{
    const char *suite = NULL;
    double seconds = 2;
    bool json = false, list = false, good = true;
    const struct bench_option options[] = {{"--suite", NULL, NULL, &suite},
                                           {"--seconds", NULL, &seconds, NULL},
                                           {"--json", &json, NULL, NULL},
                                           {"--list", &list, NULL, NULL},
                                           {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || (json && list) || seconds > 3600 || (suite && !known(suite))) {
        return bench_usage();
    }
    if (!json) {
        printf("%-34s %-10s %9s %9s %7s %9s   %s\n", "suite", "side", "total us", "floor us", "ratio", "beyond us",
               "operations (octets)");
    }
    for (unsigned i = 0; i < bench_n_suites; i++) {
        const struct bench_suite *s = &bench_suites[i];
        static struct result r;
        if (suite && strcmp(suite, s->name) != 0) {
            continue;
        }
        if (!count(s, &r)) {
            good = false;
            continue;
        }
        measure(s, seconds, &r);
        if (json) {
            print_json(s, &r);
        } else {
            print_text(s, &r, list);
        }
        fflush(stdout);
    }
    return good ? 0 : 1;
}
