/* SPDX-License-Identifier: ISC
 *
 * ike-bench year2000: the exchanges of Figure 4 of "Implementing Internet Key Exchange" (USENIX 2000), which it timed with both
 * ends on one Pentium of 200 MHz, and the cryptography in them. Each is a rekey of an SA that stands, for that is the exchange
 * alone. The floor executes what the engines were counted to ask for.
 */
#include "bench.h"
#include <dlfcn.h>
#include <ike/module.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES_MAX = 1024, LISTED = 32 };

struct row {
    const char *name;
    double paper_s;
    struct bench_suite suite;
    bool quick; /* the child's exchange, not the IKE SA's */
};

#define DES3(NAME, ESP, AGGRESSIVE, SIG)                                                                                         \
    {                                                                                                                            \
        NAME, "3des-sha1-modp1024", ESP, BENCH_DES3, BENCH_MODP1024, 3, 2, 20, 128, 24, 20, BENCH_SHA1, true, AGGRESSIVE, SIG    \
    }
#define DES(NAME, ESP)                                                                                                           \
    {                                                                                                                            \
        NAME, "des-md5-modp768", ESP, BENCH_DES, BENCH_MODP768, 2, 1, 20, 96, 8, 16, BENCH_MD5, true, false, BENCH_SECRET_ONLY   \
    }

/* In the paper's order. */
static const struct row rows[] = {
    {"main 3des-sha1-modp1024 psk", 1.44, DES3("main", "3des-sha1", false, BENCH_SECRET_ONLY), false},
    {"quick 3des-sha1 pfs-modp1024", 1.40, DES3("quick-pfs", "3des-sha1-modp1024", false, BENCH_SECRET_ONLY), true},
    {"main des-md5-modp768 psk", 0.95, DES("main-des", "des-md5"), false},
    {"quick des-md5 pfs-modp768", 0.60, DES("quick-des-pfs", "des-md5-modp768"), true},
    {"aggressive 3des-sha1-modp1024 rsa1024", 1.50, DES3("aggressive", "3des-sha1", true, BENCH_RSA1024), false},
    {"quick 3des-sha1", 0.35, DES3("quick", "3des-sha1", false, BENCH_SECRET_ONLY), true},
};

struct result {
    double side[BENCH_SIDES], total, floor; /* total: of both sides, as the paper's */
    struct bench_list list[BENCH_SIDES];
    unsigned samples;
};

/* ---- What is too weak for the default choice --------------------------------------------------------------------------- */

static const ike_crypto *legacy(void)
{
#ifdef IKE_BENCH_LEGACY
    ike_module_entry entry = NULL;
    void *handle = dlopen(IKE_BENCH_LEGACY, RTLD_NOW | RTLD_LOCAL), *symbol = handle ? dlsym(handle, IKE_MODULE_ENTRY) : NULL;
    memcpy(&entry, &symbol, sizeof entry);
    const ike_module *m = entry ? entry() : NULL;
    return m ? m->crypto : NULL;
#else
    return ike_crypto_provider("legacy");
#endif
}

#define BOTH(LIST)                                                                                                               \
    do {                                                                                                                         \
        size_t n = 0;                                                                                                            \
        for (size_t i = 0; a->LIST[i] && n < LISTED - 1; i++) {                                                                  \
            LIST[n++] = a->LIST[i];                                                                                              \
        }                                                                                                                        \
        for (size_t i = 0; b->LIST[i] && n < LISTED - 1; i++) {                                                                  \
            LIST[n++] = b->LIST[i];                                                                                              \
        }                                                                                                                        \
    } while (0)

/* The default choice and behind it what the module has. */
static const ike_crypto *everything(void)
{
    static const ike_encr *encr[LISTED];
    static const ike_prf *prf[LISTED];
    static const ike_integ *integ[LISTED];
    static const ike_ke *ke[LISTED];
    static const ike_hash *hash[LISTED];
    static ike_crypto all = {"with legacy", encr, prf, integ, ke, hash, NULL, NULL};
    const ike_crypto *a = ike_crypto_default(), *b = legacy();
    if (b == NULL) {
        return a;
    }
    all.sign = a->sign;
    BOTH(encr);
    BOTH(prf);
    BOTH(integ);
    BOTH(ke);
    BOTH(hash);
    return &all;
}

/* ---- Measuring ---------------------------------------------------------------------------------------------------------- */

/* False: the build lacks an algorithm. */
static bool count(const struct row *row, const ike_crypto *crypto, struct result *r)
{
    struct bench_list *log[BENCH_SIDES] = {&r->list[0], &r->list[1]};
    const ike_crypto *counting = bench_counting(&row->suite, crypto);
    double us[BENCH_SIDES] = {0};
    if (counting == NULL) {
        return false;
    }
    struct bench_pair *p = bench_pair_new(&row->suite, counting);
    bench_rekeys(p, !row->quick, 1, us); /* fills tables */
    r->list[0].n = r->list[1].n = 0;
    bench_pair_log(p, log);
    bench_rekeys(p, !row->quick, 1, us);
    bench_pair_free(p);
    if (r->list[0].n > BENCH_OPS || r->list[1].n > BENCH_OPS) {
        bench_die("more operations than a list has room for");
    }
    return true;
}

static void measure(const struct row *row, const ike_crypto *crypto, double seconds, struct result *r)
{
    static double side[BENCH_SIDES][SAMPLES_MAX], total[SAMPLES_MAX], low[SAMPLES_MAX];
    struct bench_pair *p = bench_pair_new(&row->suite, crypto);
    struct bench_floor *f = bench_floor_new(&row->suite);
    double end = bench_wall_us() + seconds * 1e6, warm[BENCH_SIDES] = {0};
    unsigned n = 0;
    bench_rekeys(p, !row->quick, BENCH_BATCH, warm);
    for (; n == 0 || (n < SAMPLES_MAX && bench_wall_us() < end); n++) {
        double us[BENCH_SIDES] = {0};
        bench_rekeys(p, !row->quick, BENCH_BATCH, us);
        total[n] = low[n] = 0;
        for (unsigned k = 0; k < BENCH_SIDES; k++) {
            side[k][n] = us[k] / BENCH_BATCH;
            total[n] += side[k][n];
            low[n] += bench_floor_run(f, &r->list[k], BENCH_BATCH) / BENCH_BATCH;
        }
    }
    r->samples = n;
    r->total = bench_median(total, n);
    r->floor = bench_median(low, n);
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        r->side[k] = bench_median(side[k], n);
    }
    bench_floor_free(f);
    bench_pair_free(p);
}

/* ---- Output ------------------------------------------------------------------------------------------------------------- */

/* Of both sides together. */
static unsigned tally(const struct result *r, enum bench_kind kind)
{
    unsigned n = 0;
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        for (unsigned i = 0; i < r->list[k].n; i++) {
            n += r->list[k].op[i].kind == kind;
        }
    }
    return n;
}

static void print(const struct row *row, const struct result *r, bool json)
{
    const unsigned powers = tally(r, BENCH_KEYGEN) + tally(r, BENCH_AGREE);
    const unsigned bits = powers ? (unsigned)row->suite.private_len * 8 : 0;
    printf(json ? "{\"exchange\":\"%s\",\"paper_s\":%.2f,\"initiator_us\":%.2f,\"responder_us\":%.2f,\"total_us\":%.2f,"
                  "\"floor_us\":%.2f,\"ratio\":%.3f,\"times_faster\":%.0f,\"exponentiations\":%u,\"exponent_bits\":%u,"
                  "\"signatures\":%u,\"verifications\":%u,\"samples\":%u}\n"
                : "%-38s %7.2f %12.2f %12.2f %9.2f %9.2f %7.3f %9.0f %7u %5u %6u %8u %8u\n",
           row->name, row->paper_s, r->side[BENCH_INITIATOR], r->side[BENCH_RESPONDER], r->total, r->floor, r->total / r->floor,
           row->paper_s * 1e6 / r->total, powers, bits, tally(r, BENCH_SIGN), tally(r, BENCH_VERIFY), r->samples);
    fflush(stdout);
}

int bench_year2000(int argc, char **argv)
{
    static struct result r;
    double seconds = 2;
    bool json = false;
    const struct bench_option options[] = {
        {"--seconds", NULL, &seconds, NULL}, {"--json", &json, NULL, NULL}, {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || seconds > 3600) {
        return bench_usage();
    }
    const ike_crypto *crypto = everything();
    if (!json) {
        printf("%-38s %7s %12s %12s %9s %9s %7s %9s %7s %5s %6s %8s %8s\n", "exchange", "2000 s", "initiator us", "responder us",
               "both us", "floor us", "ratio", "faster", "powers", "bits", "signed", "verified", "samples");
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (count(&rows[i], crypto, &r)) {
            measure(&rows[i], crypto, seconds, &r);
            print(&rows[i], &r, json);
        } else {
            fprintf(stderr, "left out: %s is not in this build\n", rows[i].name);
        }
    }
    return 0;
}
