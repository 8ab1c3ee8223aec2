/* SPDX-License-Identifier: ISC
 *
 * The world: a queue of things to come, ordered by virtual time and then by the order in which they were planned, and the
 * engines' own timers.
 */
#include "sim.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define STEPS_MAX   400000  /* more is an endless loop */
#define RUN_SECONDS 10      /* a run takes milliseconds */
#define CALLS_MAX   2000000 /* into hooks in one step: more is an endless loop inside the library */
#define SPIN_MAX    1000    /* ticks without time passing */

struct sim *sim_new(uint64_t seed)
{
    struct sim *s = sim_alloc(sizeof *s);
    s->now = SIM_START;
    s->seed = s->rng = seed;
    s->trace_hash = SIM_HASH_START;
    s->link = (struct sim_link){.delay = 10 * IKE_MS, .late = 50 * IKE_MS};
    return s;
}

void sim_free(struct sim *s)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        sim_host_free(s->host[i]);
    }
    sim_rules_free(s);
    sim_keys_free(s);
    for (size_t i = 0; i < s->queued; i++) {
        free(s->queue[i].what);
    }
    free(s->queue);
    while (s->msgs) {
        struct sim_msg *m = s->msgs;
        s->msgs = m->older;
        free(m->text);
        free(m->bytes);
        free(m);
    }
    while (s->flows) {
        struct sim_flow *f = s->flows;
        s->flows = f->next;
        free(f);
    }
    while (s->wants) {
        struct sim_want *w = s->wants;
        s->wants = w->next;
        free(w);
    }
    sim_nats_free(s);
    sim_ladder_free(s->ladder);
    struct sim_map *maps[] = {&s->ivs, &s->sends, &s->mids, &s->nonces, &s->events, &s->sa_names};
    for (size_t i = 0; i < SIM_COUNT(maps); i++) {
        sim_map_free(maps[i]);
    }
    sim_text_free(&s->trace);
    free(s);
}

void sim_break(struct sim *s, const char *fmt, ...)
{
    if (s->broken[0]) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->broken, sizeof s->broken, fmt, ap);
    va_end(ap);
    sim_trace(s, NULL, "BROKEN: %s", s->broken);
}

void sim_count_call(struct sim *s)
{
    if (++s->calls > CALLS_MAX) {
        sim_break(s, "an engine does not come back from a call");
        siglongjmp(s->hung, 1);
    }
}

/* The only look at a real clock; it can end a run, never change one. */
static struct sim *watched;

static void too_long(int signal)
{
    (void)signal;
    if (watched) {
        sim_break(watched, "an engine does not come back from a call");
        siglongjmp(watched->hung, 1);
    }
}

void sim_watchdog(struct sim *s)
{
    struct sigaction act = {.sa_handler = too_long};
    struct itimerval at = {.it_value.tv_sec = s ? RUN_SECONDS : 0};
    watched = s;
    sigaction(SIGVTALRM, &act, NULL);
    setitimer(ITIMER_VIRTUAL, &at, NULL);
}

struct sim_host *sim_find_host(const struct sim *s, const char *name)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        if (strcmp(s->host[i]->name, name) == 0) {
            return s->host[i];
        }
    }
    return NULL;
}

/* ---- The queue -------------------------------------------------------------------------------------------------------- */

static bool before(const struct sim_item *a, const struct sim_item *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_item *a, struct sim_item *b)
{
    struct sim_item t = *a;
    *a = *b;
    *b = t;
}

void sim_at(struct sim *s, ike_time at, void (*fire)(struct sim *, void *), void *what)
{
    if (s->queued == s->queue_cap) {
        s->queue_cap = s->queue_cap ? s->queue_cap * 2 : 64;
        s->queue = realloc(s->queue, s->queue_cap * sizeof *s->queue);
        if (!s->queue) {
            abort();
        }
    }
    size_t i = s->queued++;
    s->queue[i] = (struct sim_item){at, s->order++, fire, what};
    while (i && before(&s->queue[i], &s->queue[(i - 1) / 2])) {
        swap(&s->queue[i], &s->queue[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static struct sim_item queue_pop(struct sim *s)
{
    struct sim_item first = s->queue[0];
    s->queue[0] = s->queue[--s->queued];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < s->queued; k++) {
            least = before(&s->queue[k], &s->queue[least]) ? k : least;
        }
        if (least == i) {
            return first;
        }
        swap(&s->queue[i], &s->queue[least]);
        i = least;
    }
}

/* ---- Time ------------------------------------------------------------------------------------------------------------- */

static struct sim_host *first_timer(const struct sim *s, ike_time *at)
{
    struct sim_host *first = NULL;
    *at = IKE_NEVER;
    for (unsigned i = 0; i < s->hosts; i++) {
        ike_time t = s->host[i]->engine ? ike_next_timeout(s->host[i]->engine) : IKE_NEVER;
        if (t < *at) {
            *at = t;
            first = s->host[i];
        }
    }
    return first;
}

static void tick(struct sim *s, struct sim_host *h)
{
    for (unsigned i = 0; h->engine && ike_next_timeout(h->engine) <= s->now; i++) {
        if (i == SPIN_MAX) {
            sim_break(s, "%s: ike_next_timeout stays at %llu us after ike_tick at %llu us", h->name,
                      (unsigned long long)(ike_next_timeout(h->engine) - SIM_START), (unsigned long long)(s->now - SIM_START));
            return;
        }
        sim_bounds_call(h);
        int r = ike_tick(h->engine, s->now);
        if (r != IKE_OK && !s->tolerant) {
            sim_break(s, "%s: ike_tick gives %s", h->name, ike_strerror(r));
        }
    }
}

/* One thing happens, if there is one not later than `until`. A queue item goes before a timer of the same moment. */
static bool step(struct sim *s, ike_time until)
{
    ike_time timer;
    struct sim_host *h = first_timer(s, &timer);
    ike_time item = s->queued ? s->queue[0].at : IKE_NEVER;
    ike_time next = timer < item ? timer : item;
    if (next > until || next == IKE_NEVER || s->broken[0]) {
        return false;
    }
    if (++s->steps > STEPS_MAX) {
        sim_break(s, "no end after %u steps", STEPS_MAX);
        return false;
    }
    s->now = next > s->now ? next : s->now;
    s->calls = 0;
    if (item <= timer) {
        struct sim_item i = queue_pop(s);
        i.fire(s, i.what);
    } else {
        tick(s, h);
    }
    sim_check(s);
    sim_bounds(s);
    return true;
}

void sim_run(struct sim *s, ike_time span)
{
    ike_time until = s->now + span;
    while (step(s, until)) {
    }
    s->now = until;
}

void sim_settle(struct sim *s)
{
    while (s->flying && step(s, IKE_NEVER - 1)) {
    }
}

bool sim_quiet(struct sim *s, ike_time limit)
{
    ike_time until = s->now + limit;
    for (;;) {
        sim_settle(s);
        const char *why;
        if (sim_is_quiet(s, &why)) {
            return true;
        }
        if (!step(s, until)) {
            if (!s->broken[0]) {
                s->now = until;
            }
            return false;
        }
    }
}
