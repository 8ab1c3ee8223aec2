/* SPDX-License-Identifier: ISC
 *
 * ike-sim: runs cases, sweeps over them, and reports the published collision scenarios.
 */
#include "random.h"
#include "sweep.h"
#include "vectors/json.h"
#include "vectors/vectors.h"
#include "witness.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CASES_MAX 400
#define LADDER    80 /* lines of a diagram */

struct list {
    struct sim_case *c[CASES_MAX];
    unsigned n;
};

static const char usage[] =
    "ike-sim [OPTION...] [CASE|FOLDER|FILE...]      a case is named by its file or by its name in the built-in folder\n"
    "  --list            names and titles\n"
    "  --trace           what happens, line by line;  --log: with the engines' own log\n"
    "  --seed N          of all chance in the run, default 1;  --seeds A..B: one run each\n"
    "  --variant NAME    only this variant\n"
    "  --fault F         drop:N dup:N late:N copy:N (the N-th datagram)  alloc:HOST:N random:HOST:N\n"
    "                    refuse:HOST:N never:HOST:N (the N-th question)  pend:HOST:KIND (1 is the first host)\n"
    "  --sweep KIND      every single fault of a kind; also: wire (the first four), all\n"
    "  --any-end         of a sweep: the end need not be the one without the fault, where a fault may decide a race\n"
    "  --same            run each twice and compare\n"
    "  --random          random cases instead, one for each of --seeds A..B;  --print: the text of the case of --seed N\n"
    "  --v1              of these and the following: most connections are IKEv1's\n"
    "  --byzantine       the same, and one side's messages are mutated before they are sealed\n"
    "  --ladder          of the end of a run: hosts as columns, datagrams as arrows\n"
    "  --sabotage NAME   with a rule of the library taken away, until a random run fails: lowest-nonce temporary-failure\n"
    "                    resend-rebuilt old-first replay-first half-open-stays children-left spi-kept never-again\n"
    "                    and, of IKEv1, v1-iv v1-mid v1-copy v1-old-first\n"
    "                    v1-deaf; all: one after another\n"
    "  --scenarios       the published collision scenarios: each with its result, or the feature it waits for\n";

struct command {
    struct sim_options o;
    const char *variant, *sweep, *sabotage;
    uint64_t last_seed; /* 0: only one */
    bool list, same, scenarios, any_end, random, byzantine, v1, print, ladder;
};

/* ---- Finding cases ---------------------------------------------------------------------------------------------------- */

static bool is_case(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".case") == 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(struct sim_case *const *)a)->path, (*(struct sim_case *const *)b)->path);
}

static bool add_file(struct list *l, const char *path)
{
    struct sim_case *c = l->n < CASES_MAX ? sim_case_load(path) : NULL;
    if (c) {
        l->c[l->n++] = c;
    }
    return c != NULL;
}

/* All cases below a folder; with `name` only the one of that name. */
static bool add_folder(struct list *l, const char *path, const char *name)
{
    DIR *d = opendir(path);
    bool ok = true;
    if (!d) {
        return false;
    }
    for (const struct dirent *e = readdir(d); e && ok; e = readdir(d)) {
        char full[1024];
        snprintf(full, sizeof full, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.') {
            continue;
        }
        if (!is_case(e->d_name)) {
            add_folder(l, full, name);
        } else if (!name || strncmp(e->d_name, name, strlen(e->d_name) - 5) == 0) {
            ok = (name && strlen(name) != strlen(e->d_name) - 5) || add_file(l, full);
        }
    }
    closedir(d);
    return ok;
}

static bool add(struct list *l, const char *what)
{
    unsigned before = l->n;
    char sub[1024];
    snprintf(sub, sizeof sub, "%s/%s", SIM_CASES, what);
    if (is_case(what)) {
        return add_file(l, what);
    }
    if (!add_folder(l, what, NULL) && !add_folder(l, sub, NULL)) {
        add_folder(l, SIM_CASES, what);
    }
    if (l->n == before) {
        fprintf(stderr, "ike-sim: no case %s\n", what);
    }
    return l->n > before;
}

/* ---- Running ---------------------------------------------------------------------------------------------------------- */

static void run_variant(const struct sim_case *c, unsigned v, const struct command *cmd, struct sim_total *t)
{
    static const char *const wire[] = {"drop", "dup", "late", "copy"};
    if (cmd->same) {
        sim_same(c, v, cmd->o.seed, t);
        return;
    }
    if (!cmd->sweep) {
        struct sim_result r;
        sim_run_one(c, v, &cmd->o, t, &r);
        sim_result_free(&r);
        return;
    }
    for (unsigned k = SIM_FAULT_DROP; k < SIM_FAULTS; k++) {
        bool is_wire = k < SIM_FAULT_DROP + SIM_COUNT(wire);
        if (strcmp(cmd->sweep, sim_fault_names[k]) == 0 || strcmp(cmd->sweep, "all") == 0 ||
            (is_wire && strcmp(cmd->sweep, "wire") == 0)) {
            struct sim_plan plan = {(enum sim_fault_kind)k, cmd->o.seed, cmd->any_end};
            sim_sweep(c, v, &plan, t);
        }
    }
}

static unsigned run_case(const struct sim_case *c, const struct command *one, struct sim_total *t)
{
    unsigned ran = 0;
    struct command cmd = *one;
    for (unsigned v = 0; v < c->variants; v++) {
        if (cmd.variant && strcmp(cmd.variant, c->variant[v].name) != 0) {
            continue;
        }
        ran++;
        cmd.o.seed = one->o.seed;
        do {
            run_variant(c, v, &cmd, t);
        } while (cmd.o.seed++ < cmd.last_seed);
    }
    return ran;
}

static int run_all(const struct list *l, const struct command *cmd)
{
    struct sim_total t = {0};
    clock_t begin = clock();
    for (unsigned i = 0; i < l->n; i++) {
        unsigned failed = t.failed, runs = t.runs;
        run_case(l->c[i], cmd, &t);
        if (t.failed == failed) {
            printf("ok   %-48s %5u runs\n", l->c[i]->name, t.runs - runs);
        }
        fflush(stdout);
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    printf("%u runs, %u failed, %llu messages, %.1f s\n", t.runs, t.failed, (unsigned long long)t.messages, seconds);
    return t.failed || t.runs == 0;
}

static int list_all(const struct list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        printf("%-48s %s\n", l->c[i]->name, l->c[i]->title);
        for (unsigned v = 0; l->c[i]->variants > 1 && v < l->c[i]->variants; v++) {
            printf("    %s\n", l->c[i]->variant[v].name);
        }
    }
    return 0;
}

/* ---- The published scenarios ------------------------------------------------------------------------------------------ */

struct waiting {
    char id[64], feature[160];
};

static unsigned read_waiting(struct waiting *w, unsigned cap)
{
    FILE *f = fopen(SIM_CASES "/collisions/WAITING", "r");
    char text[256];
    unsigned n = 0;
    while (f && n < cap && fgets(text, sizeof text, f)) {
        if (text[0] != '#' && sscanf(text, "%63s %159[^\n]", w[n].id, w[n].feature) == 2) {
            n++;
        }
    }
    if (f) {
        fclose(f);
    }
    return n;
}

static const struct sim_case *case_named(const struct list *l, const char *id)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (strcmp(l->c[i]->name, id) == 0) {
            return l->c[i];
        }
    }
    return NULL;
}

/* Each published scenario is a case here or waits, not both; and nothing here claims to be published that is not. */
static unsigned check_published(const struct list *l, const struct waiting *w, unsigned n_waiting)
{
    char path[1024];
    if (!vec_path(path, sizeof path, "scenarios/exchange-collisions.json")) {
        return 0; /* it has said so */
    }
    struct json *root = json_load(path);
    unsigned wrong = 0, published = 0;
    for (const struct json *j = json_first(json_get(root, "scenarios")); j; j = j->next, published++) {
        const char *id = json_text(j, "id");
        bool here = case_named(l, id) != NULL, waits = false;
        for (unsigned i = 0; i < n_waiting; i++) {
            waits = waits || strcmp(w[i].id, id) == 0;
        }
        if (here == waits) {
            printf("FAIL %s: %s\n", id, here ? "is a case and waits" : "is neither a case nor waiting");
            wrong++;
        }
    }
    if (published != l->n + n_waiting) {
        printf("FAIL %u scenarios are published, %u are cases here and %u wait\n", published, l->n, n_waiting);
        wrong++;
    }
    json_free(root);
    return wrong;
}

static int scenarios(const struct command *cmd)
{
    struct waiting w[64];
    struct list l = {.n = 0};
    struct sim_total t = {0};
    unsigned passed = 0, n_waiting = read_waiting(w, SIM_COUNT(w));
    add_folder(&l, SIM_CASES "/collisions", NULL);
    qsort(l.c, l.n, sizeof l.c[0], by_path);
    for (unsigned i = 0; i < l.n; i++) {
        unsigned failed = t.failed, variants = run_case(l.c[i], cmd, &t);
        passed += t.failed == failed;
        printf("%s %s (%u variants)\n", t.failed == failed ? "PASS" : "FAIL", l.c[i]->name, variants);
    }
    for (unsigned i = 0; i < n_waiting; i++) {
        printf("WAIT %s: %s\n", w[i].id, w[i].feature);
    }
    unsigned wrong = check_published(&l, w, n_waiting);
    printf("%u scenarios: %u passed, %u failed, %u wait for their feature; %u runs\n", l.n + n_waiting, passed, l.n - passed,
           n_waiting, t.runs);
    for (unsigned i = 0; i < l.n; i++) {
        sim_case_free(l.c[i]);
    }
    return wrong || t.failed || l.n == 0;
}

/* ---- Main ------------------------------------------------------------------------------------------------------------- */

static bool option(struct command *cmd, const char *name, const char *value, int *used)
{
    struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--list", &cmd->list},           {"--same", &cmd->same},     {"--scenarios", &cmd->scenarios},
                 {"--any-end", &cmd->any_end},     {"--trace", &cmd->o.trace}, {"--log", &cmd->o.engine_log},
                 {"--random", &cmd->random},       {"--print", &cmd->print},   {"--ladder", &cmd->ladder},
                 {"--byzantine", &cmd->byzantine}, {"--v1", &cmd->v1}};
    *used = 1;
    for (size_t i = 0; i < SIM_COUNT(flags); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    *used = 2;
    if (!value) {
        return false;
    }
    if (strcmp(name, "--seed") == 0) {
        cmd->o.seed = strtoull(value, NULL, 0);
    } else if (strcmp(name, "--seeds") == 0) {
        const char *dots = strstr(value, "..");
        cmd->o.seed = strtoull(value, NULL, 0);
        cmd->last_seed = dots ? strtoull(dots + 2, NULL, 0) : 0;
        return dots != NULL;
    } else if (strcmp(name, "--variant") == 0) {
        cmd->variant = value;
    } else if (strcmp(name, "--sweep") == 0) {
        cmd->sweep = value;
    } else if (strcmp(name, "--sabotage") == 0) {
        cmd->sabotage = value;
        return strcmp(value, "all") == 0 || (sim_sabotage(value) && sim_sabotage(NULL));
    } else if (strcmp(name, "--fault") == 0) {
        cmd->o.sweep = true;
        return sim_fault_parse(value, &cmd->o.fault);
    } else {
        return false;
    }
    return true;
}

const char *sim_program;

int main(int argc, char **argv)
{
    sim_program = argv[0];
    struct command cmd = {.o.seed = 1};
    struct list l = {.n = 0};
    bool ok = ike_crypto_global_init() == IKE_OK;
    for (int i = 1, used; ok && i < argc; i += used) {
        used = 1;
        if (argv[i][0] == '-') {
            ok = option(&cmd, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
        } else {
            ok = add(&l, argv[i]);
        }
    }
    cmd.o.trace = cmd.o.trace || cmd.o.engine_log;
    if (!ok) {
        fputs(usage, stderr);
        return 2;
    }
    cmd.o.ladder = cmd.ladder ? LADDER : 0;
    if (cmd.random || cmd.byzantine || cmd.sabotage) {
        uint64_t last = cmd.last_seed > cmd.o.seed ? cmd.last_seed : cmd.o.seed;
        struct sim_many m = {cmd.o.seed, last, cmd.o, cmd.byzantine, cmd.v1, cmd.same, cmd.print, cmd.sabotage};
        return sim_many(&m);
    }
    if (cmd.scenarios) {
        return scenarios(&cmd);
    }
    if (l.n == 0) {
        add_folder(&l, SIM_CASES, NULL);
    }
    qsort(l.c, l.n, sizeof l.c[0], by_path);
    int r = cmd.list ? list_all(&l) : run_all(&l, &cmd);
    for (unsigned i = 0; i < l.n; i++) {
        sim_case_free(l.c[i]);
    }
    return r;
}
