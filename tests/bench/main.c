/* SPDX-License-Identifier: ISC
 *
 * ike-bench: what a handshake costs each side, over what its cryptography costs.
 */
#include "bench.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { SAMPLES_MAX = 4096, SAMPLES_MIN = 1, WARM = 1 };
static const char *const sides[BENCH_SIDES] = {"initiator", "responder"};

/* ---- Odds and ends ---------------------------------------------------------------------------------------------------- */

void bench_die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("ike-bench: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

void *bench_alloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p) {
        bench_die("no memory");
    }
    return p;
}

void bench_free(void *p) { free(p); }

int bench_random(void *user, uint8_t *out, size_t n)
{
    (void)user;
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return IKE_ERR_HOST;
        }
        out += got;
        n -= (size_t)got;
    }
    return IKE_OK;
}

static double clock_us(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double bench_cpu_us(void) { return clock_us(CLOCK_THREAD_CPUTIME_ID); }

/* ---- Measuring -------------------------------------------------------------------------------------------------------- */

struct result {
    struct bench_list list[BENCH_SIDES];
    double total[BENCH_SIDES], floor[BENCH_SIDES];
    unsigned samples;
    size_t message[BENCH_MESSAGES];
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* One handshake with counting descriptors: it makes the list's lengths known and must do what the list says. */
static bool count(const struct bench_suite *s, struct result *r)
{
    static struct bench_list counted[BENCH_SIDES];
    struct bench_list *log[BENCH_SIDES] = {&counted[0], &counted[1]};
    struct bench_pair *p = bench_pair_new(s, bench_counting(s));
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
    double end = clock_us(CLOCK_MONOTONIC) + seconds * 1e6;
    unsigned n = 0;
    for (unsigned i = 0; i < WARM; i++) {
        double us[BENCH_SIDES] = {0};
        bench_handshakes(p, BENCH_BATCH, us);
        (void)bench_floor_run(f, &r->list[0], BENCH_BATCH);
    }
    if (memcmp(bench_messages(p), r->message, sizeof r->message) != 0) {
        bench_die("%s: the messages measured are not those counted", s->name);
    }
    while (n < SAMPLES_MAX && (n < SAMPLES_MIN || clock_us(CLOCK_MONOTONIC) < end)) {
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
        r->total[k] = median(total[k], n);
        r->floor[k] = median(low[k], n);
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
        printf("    %-10s %5zu octets %9.2f us  %s\n", bench_kinds[l->op[i].kind], l->op[i].octets, median(us, 5), l->op[i].why);
    }
    bench_floor_free(f);
}

static void print_text(const struct bench_suite *s, const struct result *r, bool list)
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        printf("%-28s %-10s %9.2f %9.2f %7.3f %9.2f  ", s->name, sides[k], r->total[k], r->floor[k], r->total[k] / r->floor[k],
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

struct options {
    const char *suite;
    double seconds;
    bool json, list;
};

static int usage(void)
{
    fputs("usage: ike-bench handshake [--suite NAME] [--seconds N] [--json | --list]\n"
          "  --suite NAME   one of the suites below instead of all\n"
          "  --seconds N    for each suite, default 2\n"
          "  --json         one object a line\n"
          "  --list         each operation of the floor with its purpose and time\n"
          "suites:\n",
          stderr);
    for (unsigned i = 0; i < bench_n_suites; i++) {
        fprintf(stderr, "  %s\n", bench_suites[i].name);
    }
    return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
    char *end;
    *o = (struct options){.seconds = 2};
    if (argc < 2 || strcmp(argv[1], "handshake") != 0) {
        return false;
    }
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            o->list = true;
        } else if (strcmp(argv[i], "--suite") == 0 && i + 1 < argc) {
            o->suite = argv[++i];
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            o->seconds = strtod(argv[++i], &end);
            if (*end || end == argv[i] || !(o->seconds >= 0 && o->seconds <= 3600)) {
                return false;
            }
        } else {
            return false;
        }
    }
    return !(o->json && o->list);
}

int main(int argc, char **argv)
{
    struct options o;
    unsigned done = 0;
    bool good = true;
    if (!parse(argc, argv, &o)) {
        return usage();
    }
    if (ike_crypto_global_init() != IKE_OK) {
        bench_die("the crypto libraries do not start");
    }
    if (!o.json) {
        printf("%-28s %-10s %9s %9s %7s %9s   %s\n", "suite", "side", "total us", "floor us", "ratio", "beyond us",
               "operations (octets)");
    }
    for (unsigned i = 0; i < bench_n_suites; i++) {
        const struct bench_suite *s = &bench_suites[i];
        static struct result r;
        if (o.suite && strcmp(o.suite, s->name) != 0) {
            continue;
        }
        done++;
        if (!count(s, &r)) {
            good = false;
            continue;
        }
        measure(s, o.seconds, &r);
        if (o.json) {
            print_json(s, &r);
        } else {
            print_text(s, &r, o.list);
        }
        fflush(stdout);
    }
    if (!done) {
        return usage();
    }
    return good ? 0 : 1;
}
