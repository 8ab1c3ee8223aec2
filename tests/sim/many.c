/* SPDX-License-Identifier: ISC
 *
 * Many random runs: each failure with the line that repeats it, and at the end what was met, so that it shows when the random
 * cases stop reaching something.
 */
#include "base/sabotage.h"
#include "random.h"
#include "witness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 10
#define LADDER    60   /* lines of a failure's diagram */
#define ENOUGH    1000 /* runs from which the counts mean something */

static const struct {
    const char *name;
    unsigned least, least_v1; /* in a thousand runs */
} stats[SIM_STATS] = {
    [SIM_STAT_EXCHANGES] = {"exchanges", 50000, 9000},
    [SIM_STAT_LOST] = {"datagrams lost", 2000, 2000},
    [SIM_STAT_TWICE] = {"doubled", 1400, 1400},
    [SIM_STAT_REORDERED] = {"overtaken", 2000, 3500},
    [SIM_STAT_CORRUPTED] = {"damaged", 150, 150},
    [SIM_STAT_CUT] = {"cut off", 1500, 1400},
    [SIM_STAT_TOO_LARGE] = {"too large", 400, 300},
    [SIM_STAT_ALLOC] = {"allocations failed", 40, 60},
    [SIM_STAT_RANDOM] = {"draws failed", 8, 10},
    [SIM_STAT_LATE] = {"questions answered late", 1200, 1100},
    [SIM_STAT_LATE_KERNEL] = {"of these by a kernel", 1000, 900},
    [SIM_STAT_NEVER] = {"never answered", 30, 30},
    [SIM_STAT_OVER] = {"answered when cancelled", 30, 50},
    [SIM_STAT_REFUSED] = {"refused by a host", 140, 110},
    [SIM_STAT_REFUSED_KERNEL] = {"of these by a kernel", 120, 90},
    [SIM_STAT_CRASHES] = {"crashes", 1000, 1100},
    [SIM_STAT_TAKEN_OVER] = {"IKE SAs taken over", 600, 40},
    [SIM_STAT_RECORDS] = {"failure records", 6000, 5000},
    [SIM_STAT_REBOUND] = {"translations rebound", 50, 60},
    [SIM_STAT_EXPIRED] = {"ports forgotten", 150, 700},
    [SIM_STAT_MUTATED] = {"messages mutated", 0, 0},
};

static const char *const received[SIM_RECEIVED] = {"rekey child", "create child", "delete child", "rekey IKE", "delete IKE"};
static const char *const doing[SIM_DOING] = {"nothing", "child", "delete child", "rekey IKE", "delete IKE"};
/* Of each cell of the collision table, in a thousand runs. */
static const unsigned least_cells[SIM_RECEIVED][SIM_DOING] = {
    {20000, 500, 50, 100, 10}, {1500, 400, 30, 8, 10}, {6000, 50, 8, 30, 10}, {2500, 150, 30, 60, 10}, {500, 30, 8, 2500, 1000},
};

static bool run_one(const struct sim_many *m, uint64_t seed, struct sim_result *r)
{
    struct sim_case *c = sim_random_case(seed, m->byzantine, m->v1, NULL);
    struct sim_options o = m->o;
    o.seed = seed;
    sim_case_run(c, 0, &o, r);
    if (m->same && r->ok) {
        struct sim_result again;
        sim_case_run(c, 0, &o, &again);
        r->ok = again.hash == r->hash;
        snprintf(r->why, sizeof r->why, "%s", r->ok ? "" : "the same seed gave two different runs");
        sim_result_free(&again);
    }
    sim_case_free(c);
    return r->ok;
}

/* The command that repeats a run. */
static void print_again(const struct sim_many *m, const char *sabotage, uint64_t seed)
{
    printf("     %s %s%s%s%s%s%s --ladder --seed %llu\n", sim_program, sabotage ? "--sabotage " : "", sabotage ? sabotage : "",
           sabotage ? " " : "", m->byzantine ? "--byzantine" : "--random", m->v1 ? " --v1" : "", m->same ? " --same" : "",
           (unsigned long long)seed);
}

static void show(const struct sim_many *m, uint64_t seed, const struct sim_result *r)
{
    struct sim_many again = *m;
    struct sim_result drawn;
    printf("FAIL seed %llu: %s\n", (unsigned long long)seed, r->why);
    print_again(m, NULL, seed);
    again.o.ladder = again.o.ladder ? again.o.ladder : LADDER;
    run_one(&again, seed, &drawn);
    if (drawn.trace) {
        fputs(drawn.trace, stdout);
    }
    fputs(drawn.ladder ? drawn.ladder : "", stdout);
    sim_result_free(&drawn);
    fflush(stdout);
}

static unsigned report_cells(unsigned thousands)
{
    unsigned few = 0;
    printf("collisions met: [received][doing]\n%-14s", "");
    for (unsigned k = 0; k < SIM_DOING; k++) {
        printf("%14s", doing[k]);
    }
    for (unsigned i = 0; i < SIM_RECEIVED; i++) {
        printf("\n%-14s", received[i]);
        for (unsigned k = 0; k < SIM_DOING; k++) {
            bool short_of = sim_cells[i][k] < least_cells[i][k] * thousands;
            printf("%13u%c", sim_cells[i][k], short_of ? '!' : ' ');
            few += short_of;
        }
    }
    printf("\n");
    return few;
}

/* What the two sides of IKEv1 did at once, in a thousand runs with --v1. */
static const struct {
    const char *name;
    unsigned least;
} met[IKE_METS] = {
    [IKE_MET_TWINS] = {"children crossed", 400},
    [IKE_MET_GAVE_WAY] = {"gave way to the peer's child", 30},
    [IKE_MET_CROSSED] = {"IKE SAs crossed", 300},
    [IKE_MET_TAKEN] = {"IKE SAs replaced", 4000},
    [IKE_MET_EARLY] = {"Deletes of what was being made", 40},
    [IKE_MET_REMADE] = {"children made since the peer settled on others", 20},
    [IKE_MET_AGAIN] = {"copies answered", 1000},
};

static unsigned report_met(unsigned thousands)
{
    unsigned few = 0;
    for (unsigned i = 0; i < IKE_METS; i++) {
        bool short_of = sim_met[i] < met[i].least * thousands;
        printf("%12u %-46s at least %u%s\n", sim_met[i], met[i].name, met[i].least * thousands, short_of ? ": too few" : "");
        few += short_of;
    }
    return few;
}

#define LEAST_MUTATED 3000 /* in a thousand byzantine runs */

/* How many counts are lower than they have to be. */
static unsigned report(const uint64_t *sum, unsigned runs, bool v1)
{
    unsigned few = 0, thousands = runs / ENOUGH;
    for (unsigned i = 0; i < SIM_STATS; i++) {
        uint64_t least = (uint64_t)(v1 ? stats[i].least_v1 : stats[i].least) * thousands;
        bool short_of = sum[i] < least;
        printf("%12llu %-26s at least %llu%s\n", (unsigned long long)sum[i], stats[i].name, (unsigned long long)least,
               short_of ? ": too few" : "");
        few += short_of;
    }
    return few + (v1 ? report_met(thousands) : report_cells(thousands));
}

/* How many runs it takes until one fails with the rule taken away. */
static bool find(const struct sim_many *m, const char *name)
{
    bool found = false;
    uint64_t seed;
    struct sim_result r;
    struct sim_many where = *m;
    where.v1 = strncmp(name, "v1-", 3) == 0;
    sim_sabotage(name);
    for (seed = m->first; seed <= m->last && !found; seed++) {
        found = !run_one(&where, seed, &r);
        if (found) {
            printf("found  %-18s after %4llu runs, by seed %llu: %s\n", name, (unsigned long long)(seed - m->first + 1),
                   (unsigned long long)seed, r.why);
            print_again(&where, name, seed);
            fputs(r.ladder ? r.ladder : "", stdout);
        }
        sim_result_free(&r);
    }
    if (!found) {
        printf("MISSED %-18s in %llu runs\n", name, (unsigned long long)(seed - m->first));
    }
    fflush(stdout);
    sim_sabotage(NULL);
    return found;
}

static int find_all(const struct sim_many *m)
{
    unsigned missed = 0;
    for (unsigned i = 0; sim_sabotages[i]; i++) {
        if (strcmp(m->sabotage, "all") == 0 || strcmp(m->sabotage, sim_sabotages[i]) == 0) {
            missed += !find(m, sim_sabotages[i]);
        }
    }
    return missed != 0;
}

int sim_many(const struct sim_many *m)
{
    uint64_t sum[SIM_STATS] = {0};
    unsigned runs = 0, failed = 0;
    ike_time longest = 0;
    if (m->print) {
        struct sim_text t = {0};
        sim_case_free(sim_random_case(m->first, m->byzantine, m->v1, &t));
        fputs(t.at, stdout);
        sim_text_free(&t);
        return 0;
    }
    if (m->sabotage) {
        return find_all(m);
    }
    clock_t begin = clock();
    for (uint64_t seed = m->first; seed <= m->last; seed++) {
        struct sim_result r;
        bool ok = run_one(m, seed, &r);
        runs++;
        for (unsigned i = 0; i < SIM_STATS; i++) {
            sum[i] += r.stat[i];
        }
        longest = r.longest > longest ? r.longest : longest;
        if (!ok && failed++ < SHOWN_MAX) {
            show(m, seed, &r);
        } else if (m->first == m->last) {
            fputs(r.trace ? r.trace : "", stdout);
            fputs(r.ladder ? r.ladder : "", stdout);
        }
        sim_result_free(&r);
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    unsigned few = report(sum, m->byzantine ? 0 : runs, m->v1);
    few += m->byzantine && sum[SIM_STAT_MUTATED] < (uint64_t)LEAST_MUTATED * (runs / ENOUGH);
    printf("%u random runs, %u failed, %.1f s of processor time, %.0f exchanges a second; without a wanted SA for %u s at most\n",
           runs, failed, seconds, (double)sum[SIM_STAT_EXCHANGES] / (seconds > 0 ? seconds : 1), (unsigned)(longest / IKE_SEC));
    return failed || few;
}
