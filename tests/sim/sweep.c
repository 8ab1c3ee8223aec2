/* SPDX-License-Identifier: ISC
 *
 * Sweeps: a case is run without a fault, then once for each place where one can be, and must come to the same end (a fault on the
 * wire, a late answer) or to an end both sides agree on and somebody complains about (no memory, no randomness,
 * a refusal).
 */
#include "sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX  20
#define PLACES_MAX 20000
#define PATIENCE   (40 * IKE_SEC) /* a fault may cost some retransmissions, and a wait after TEMPORARY_FAILURE */

const char *const sim_fault_names[SIM_FAULTS] = {"none",  "drop",   "dup",    "late",  "copy",
                                                 "alloc", "random", "refuse", "never", "pend"};

static bool in_host(enum sim_fault_kind k) { return k >= SIM_FAULT_ALLOC; }

void sim_fault_format(const struct sim_fault *f, char *out, size_t n)
{
    char host[16] = "", what[24];
    snprintf(what, sizeof what, "%u", f->nth);
    if (in_host(f->kind)) {
        snprintf(host, sizeof host, ":%u", f->host + 1);
    }
    if (f->kind == SIM_FAULT_PEND) {
        snprintf(what, sizeof what, "%s", sim_ask_names[f->nth]);
    }
    snprintf(out, n, "%s%s:%s", sim_fault_names[f->kind], host, what);
}

bool sim_fault_parse(const char *text, struct sim_fault *f)
{
    char kind[16], a[16] = "", b[16] = "";
    int n = sscanf(text, "%15[^:]:%15[^:]:%15s", kind, a, b);
    *f = (struct sim_fault){0};
    for (unsigned k = 1; k < SIM_FAULTS; k++) {
        if (n >= 2 && strcmp(kind, sim_fault_names[k]) == 0) {
            f->kind = (enum sim_fault_kind)k;
        }
    }
    if (f->kind == SIM_FAULT_NONE || n != (in_host(f->kind) ? 3 : 2)) {
        return false;
    }
    if (in_host(f->kind)) {
        f->host = (unsigned)strtoul(a, NULL, 10) - 1;
    }
    const char *what = in_host(f->kind) ? b : a;
    f->nth = (unsigned)strtoul(what, NULL, 10);
    for (unsigned k = 0; f->kind == SIM_FAULT_PEND && k < SIM_ASKS; k++) {
        if (strcmp(what, sim_ask_names[k]) == 0) {
            f->nth = k;
        }
    }
    return f->kind != SIM_FAULT_PEND || f->nth < SIM_ASKS;
}

static void show(const struct sim_case *c, unsigned variant, const struct sim_options *o, const char *why, struct sim_total *t)
{
    const char *name = c->variant[variant].name;
    char fault[64] = "";
    t->failed++;
    if (t->shown++ >= SHOWN_MAX) {
        return;
    }
    if (o->sweep) {
        sim_fault_format(&o->fault, fault, sizeof fault);
    }
    printf("FAIL %s%s%s %s: %s\n", c->name, name[0] ? "/" : "", name, fault, why);
    printf("     %s --trace --seed %llu %s%s%s%s %s\n", sim_program, (unsigned long long)o->seed, name[0] ? "--variant " : "",
           name, fault[0] ? " --fault " : "", fault, c->path);
}

bool sim_run_one(const struct sim_case *c, unsigned variant, const struct sim_options *o, struct sim_total *t,
                 struct sim_result *r)
{
    sim_case_run(c, variant, o, r);
    t->runs++;
    t->messages += r->messages;
    if (!r->ok) {
        show(c, variant, o, r->why, t);
    }
    if (o->trace && r->trace) {
        fputs(r->trace, stdout);
    }
    return r->ok;
}

static void check_end(const struct sim_case *c, unsigned variant, const struct sim_options *o, const struct sim_result *clean,
                      const struct sim_result *r, struct sim_total *t)
{
    bool hungry = sim_fault_loses(o->fault.kind);
    char why[1600];
    if (!hungry && r->waited > clean->waited + PATIENCE) {
        snprintf(why, sizeof why, "it takes %u s instead of %u s", (unsigned)(r->waited / IKE_SEC),
                 (unsigned)(clean->waited / IKE_SEC));
        show(c, variant, o, why, t);
    } else if (strcmp(clean->state, r->state) != 0 && (!hungry || r->complaints <= clean->complaints)) {
        snprintf(why, sizeof why, "another end%s. Without the fault:\n%.700swith it:\n%.700s",
                 hungry ? ", and nobody complained" : "", clean->state, r->state);
        show(c, variant, o, why, t);
    }
}

/* Whether there is an nth place for the fault in a run like the last one. */
static bool place_exists(const struct sim_fault *f, const struct sim_result *clean, const struct sim_result *last)
{
    switch (f->kind) {
    case SIM_FAULT_ALLOC:
        return f->nth == 1 || (last->allocs[f->host] >= f->nth - 1 && f->nth < PLACES_MAX);
    case SIM_FAULT_RANDOM:
        return f->nth == 1 || (last->randoms[f->host] >= f->nth - 1 && f->nth < PLACES_MAX);
    case SIM_FAULT_REFUSE:
    case SIM_FAULT_NEVER:
        return f->nth == 1 || last->questions[f->host] >= f->nth - 1;
    case SIM_FAULT_PEND:
        return f->nth < SIM_ASKS;
    default:
        return f->nth <= clean->datagrams;
    }
}

static void sweep_host(const struct sim_case *c, unsigned variant, struct sim_options *o, const struct sim_result *clean,
                       bool any_end, struct sim_total *t)
{
    struct sim_result r = {0};
    for (o->fault.nth = o->fault.kind == SIM_FAULT_PEND ? 0 : 1; place_exists(&o->fault, clean, &r); o->fault.nth++) {
        sim_result_free(&r);
        /* What waits for an answer that never comes may last until the life of its IKE SA is over. */
        if (sim_run_one(c, variant, o, t, &r) && !any_end && o->fault.kind != SIM_FAULT_NEVER) {
            check_end(c, variant, o, clean, &r, t);
        }
    }
    sim_result_free(&r);
}

void sim_sweep(const struct sim_case *c, unsigned variant, const struct sim_plan *plan, struct sim_total *t)
{
    struct sim_options o = {.seed = plan->seed, .sweep = true, .fault = {.kind = plan->kind, .host = SIM_HOSTS}};
    struct sim_result clean;
    if (sim_run_one(c, variant, &o, t, &clean)) { /* a fault that is nowhere */
        unsigned hosts = in_host(plan->kind) ? clean.hosts : 1;
        for (o.fault.host = 0; o.fault.host < hosts; o.fault.host++) {
            sweep_host(c, variant, &o, &clean, plan->any_end, t);
        }
    }
    sim_result_free(&clean);
}

void sim_same(const struct sim_case *c, unsigned variant, uint64_t seed, struct sim_total *t)
{
    struct sim_options o = {.seed = seed}, other = {.seed = seed + 1};
    struct sim_result a, b, d;
    bool ok = sim_run_one(c, variant, &o, t, &a);
    ok = sim_run_one(c, variant, &o, t, &b) && ok;
    ok = sim_run_one(c, variant, &other, t, &d) && ok;
    if (ok && a.hash != b.hash) {
        show(c, variant, &o, "the same seed gave two different runs", t);
    }
    if (ok && a.messages && a.hash == d.hash) {
        show(c, variant, &o, "another seed gave the same run", t);
    }
    sim_result_free(&a);
    sim_result_free(&b);
    sim_result_free(&d);
}
