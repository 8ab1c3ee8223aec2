/* SPDX-License-Identifier: ISC
 *
 * ike-bench: figures that are ratios within one run wherever a ratio exists. Here is the command line, and what all commands
 * share.
 */
#include "bench.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const struct {
    const char *name, *usage;
    int (*run)(int argc, char **argv); /* of the words after the name */
} commands[] = {
    {"handshake",
     "[--suite NAME] [--seconds N] [--json | --list]\n"
     "      what a handshake costs each side, over the cryptography in it\n"
     "      --suite NAME   one of the suites below instead of all\n"
     "      --seconds N    for each suite, default 2\n"
     "      --list         each operation of the floor with its purpose and time",
     bench_handshake},
    {"scale", "N [--json]\n      one engine with up to N tunnels: memory, and time per operation as it fills", bench_scale},
    {"rekey", "[--seconds N] [--json]\n      a rekey with its Delete, over its cryptography and as a part of a handshake",
     bench_rekey},
    {"year2000",
     "[--seconds N] [--json]\n      the exchanges of IKEv1 that the paper of 2000 timed, over the cryptography in them",
     bench_year2000},
    {"flood",
     "[--seconds N] [--only ROW] [--json]\n      forged first messages while a real peer connects in each of N virtual seconds "
     "(10)",
     bench_flood},
    {"crowd",
     "[--per-ms N] [--half-open N] [--peers N] [--round-trip MS] [--seconds N] [--seed N] [--v2] [--json]\n"
     "      how many of many peers of IKEv1 (or of IKEv2 without cookies) get through such a flood and when, in virtual time\n"
     "      --per-ms N      forged first messages in each millisecond, default 100\n"
     "      --half-open N   max_half_open of the engine under attack, default 1000\n"
     "      --peers N       default 100, with a round trip of 40 ms, for 120 s",
     bench_crowd},
    {"loss", "[--runs N] [--json]\n      how long it takes to connect as loss grows, in virtual time", bench_loss},
    {"esp", "[--seconds N] [--json]\n      user-space ESP by packet size, against the bare AEAD", bench_esp},
    {"daemon",
     "[-n TUNNELS] [--runs N] [--suite NAME] [--ikelibd PATH] [--json]\n"
     "      CPU time per handshake of two ikelibd over loopback sockets, over the cryptography and the socket calls in it\n"
     "      -n TUNNELS      set up in each run, default 1000\n"
     "      --runs N        of which the medians are told, default 5\n"
     "      --suite NAME    one of IKEv2, default the first below\n"
     "      --ikelibd PATH  default the daemon of the same build",
     bench_daemon},
};

int bench_usage(void)
{
    fputs("usage: ike-bench COMMAND ...; --json: one object a line\n", stderr);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        fprintf(stderr, "  %s %s\n", commands[i].name, commands[i].usage);
    }
    fputs("suites:\n", stderr);
    for (unsigned i = 0; i < bench_n_suites; i++) {
        fprintf(stderr, "  %s\n", bench_suites[i].name);
    }
    return 2;
}

static bool take_option(const struct bench_option *o, int left, char **argv, int *used)
{
    char *end;
    *used = o->flag ? 1 : 2;
    if (o->flag) {
        *o->flag = true;
        return true;
    }
    if (left < 2) {
        return false;
    }
    if (o->text) {
        *o->text = argv[1];
        return true;
    }
    *o->number = strtod(argv[1], &end);
    return !*end && end != argv[1] && *o->number >= 0 && *o->number <= 1e9;
}

bool bench_options(int argc, char **argv, const struct bench_option *options)
{
    for (int i = 0, used = 0; i < argc; i += used) {
        const struct bench_option *o = options;
        while (o->name && strcmp(o->name, argv[i]) != 0) {
            o++;
        }
        if (!o->name || !take_option(o, argc - i, argv + i, &used)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            if (ike_crypto_global_init() != IKE_OK) {
                bench_die("the crypto libraries do not start");
            }
            return commands[i].run(argc - 2, argv + 2);
        }
    }
    return bench_usage();
}

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
double bench_wall_us(void) { return clock_us(CLOCK_MONOTONIC); }

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(double *v, unsigned n)
{
    qsort(v, n, sizeof *v, ascending);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

uint64_t bench_draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
