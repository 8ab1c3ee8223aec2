/* SPDX-License-Identifier: ISC
 *
 * loop.c - the epoll loop: descriptors, timers, deferred calls.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct watch {
    struct watch *next;
    int fd; /* -1: removed, freed at the end of the turn */
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

struct loop {
    int epfd;
    bool stop;
    ike_time now;
    struct watch *watches;
    struct loop_timer *timers; /* the first that is due, others below it */
    uint64_t timers_set;       /* counts */
    struct loop_task *tasks, **tasks_end;
    ike_time (*idle)(void *arg, ike_time now);
    void *idle_arg;
};

static ike_time read_clock(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (ike_time)ts.tv_sec * IKE_SEC + (ike_time)ts.tv_nsec / 1000;
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return NULL;
    }
    l->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epfd < 0) {
        free(l);
        return NULL;
    }
    l->tasks_end = &l->tasks;
    l->now = read_clock();
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL) {
        return;
    }
    while (l->watches != NULL) {
        struct watch *w = l->watches;
        l->watches = w->next;
        free(w);
    }
    while (l->timers != NULL) {
        loop_timer_cancel(l->timers);
    }
    close(l->epfd);
    free(l);
}

ike_time loop_now(const struct loop *l) { return l->now; }

ike_time loop_refresh(struct loop *l)
{
    l->now = read_clock();
    return l->now;
}

/* ---- Descriptors -------------------------------------------------------------------------------------------------------- */

static struct watch *find_watch(struct loop *l, int fd)
{
    struct watch *w = l->watches;
    while (w != NULL && w->fd != fd) {
        w = w->next;
    }
    return w;
}

int loop_fd_add(struct loop *l, int fd, uint32_t events, void (*fn)(void *arg, uint32_t events), void *arg)
{
    struct watch *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return -ENOMEM;
    }
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
        int error = -errno;
        free(w);
        return error;
    }
    *w = (struct watch){.next = l->watches, .fd = fd, .fn = fn, .arg = arg};
    l->watches = w;
    return 0;
}

int loop_fd_events(struct loop *l, int fd, uint32_t events)
{
    struct watch *w = find_watch(l, fd);
    if (w == NULL) {
        return -ENOENT;
    }
    struct epoll_event ev = {.events = events, .data.ptr = w};
    return epoll_ctl(l->epfd, EPOLL_CTL_MOD, fd, &ev) < 0 ? -errno : 0;
}

void loop_fd_del(struct loop *l, int fd)
{
    struct watch *w = find_watch(l, fd);
    if (w != NULL) {
        epoll_ctl(l->epfd, EPOLL_CTL_DEL, fd, NULL);
        /* An event for it may wait in this turn's array: the node has to live until the turn ends. */
        w->fd = -1;
    }
}

static void bury_watches(struct loop *l)
{
    for (struct watch **p = &l->watches; *p != NULL;) {
        struct watch *w = *p;
        if (w->fd >= 0) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        free(w);
    }
}

/* ---- Timers --------------------------------------------------------------------------------------------------------------- */

void loop_timer_init(struct loop_timer *t, void (*fn)(void *arg), void *arg) { *t = (struct loop_timer){.fn = fn, .arg = arg}; }

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due < b->due || (a->due == b->due && a->turn < b->turn);
}

static void put_at(struct loop_timer *t, struct loop_timer **at)
{
    *at = t;
    if (t != NULL) {
        t->at = at;
    }
}

/* Two heaps become one: the later root goes below the other. Either may be NULL. */
static struct loop_timer *meld(struct loop_timer *a, struct loop_timer *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    if (before(b, a)) {
        struct loop_timer *later = a;
        a = b;
        b = later;
    }
    put_at(a->child, &b->next);
    put_at(b, &a->child);
    return a;
}

/* Siblings become one heap: in pairs first, then pair by pair. That is what keeps a pairing heap's cost logarithmic. */
static struct loop_timer *meld_all(struct loop_timer *first)
{
    struct loop_timer *pairs = NULL, *all = NULL;
    while (first != NULL) {
        struct loop_timer *a = first, *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = NULL;
        if (b != NULL) {
            b->next = NULL;
        }
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct loop_timer *next = pairs->next;
        pairs->next = NULL;
        all = meld(all, pairs);
        pairs = next;
    }
    return all;
}

void loop_timer_cancel(struct loop_timer *t)
{
    struct loop *l = t->loop;
    if (l == NULL) {
        return;
    }
    put_at(t->next, t->at); /* the siblings, without it; nothing when it was the first of all */
    put_at(meld(l->timers, meld_all(t->child)), &l->timers);
    t->loop = NULL;
    t->child = t->next = NULL;
    t->at = NULL;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, ike_time due)
{
    loop_timer_cancel(t);
    t->loop = l;
    t->due = due;
    t->turn = l->timers_set++;
    put_at(meld(l->timers, t), &l->timers);
}

/* A callback that sets a timer to now must not starve the descriptors: what is set during this pass waits for the next. */
static void run_timers(struct loop *l)
{
    ike_time now = l->now;
    for (int budget = 1024; budget > 0 && l->timers != NULL && l->timers->due <= now; budget--) {
        struct loop_timer *t = l->timers;
        loop_timer_cancel(t);
        t->fn(t->arg);
    }
}

/* ---- Deferred calls ------------------------------------------------------------------------------------------------------- */

void loop_task_init(struct loop_task *t, void (*fn)(void *arg), void *arg) { *t = (struct loop_task){.fn = fn, .arg = arg}; }

void loop_defer(struct loop *l, struct loop_task *t)
{
    if (t->queued) {
        return;
    }
    t->queued = true;
    t->next = NULL;
    *l->tasks_end = t;
    l->tasks_end = &t->next;
}

void loop_task_cancel(struct loop *l, struct loop_task *t)
{
    if (!t->queued) {
        return;
    }
    struct loop_task **p = &l->tasks;
    while (*p != t) {
        p = &(*p)->next;
    }
    *p = t->next;
    if (l->tasks_end == &t->next) {
        l->tasks_end = p;
    }
    t->queued = false;
}

static void run_tasks(struct loop *l)
{
    for (int budget = 4096; budget > 0 && l->tasks != NULL; budget--) {
        struct loop_task *t = l->tasks;
        l->tasks = t->next;
        if (l->tasks == NULL) {
            l->tasks_end = &l->tasks;
        }
        t->queued = false;
        t->fn(t->arg);
    }
}

/* ---- Turns ---------------------------------------------------------------------------------------------------------------- */

void loop_set_idle(struct loop *l, ike_time (*fn)(void *arg, ike_time now), void *arg)
{
    l->idle = fn;
    l->idle_arg = arg;
}

/* epoll waits in milliseconds: round up, or a timer due in half a millisecond would spin. */
static int wait_ms(const struct loop *l, ike_time until)
{
    if (l->tasks != NULL || until <= l->now) {
        return 0;
    }
    if (until == IKE_NEVER) {
        return -1;
    }
    ike_time ms = (until - l->now + 999) / 1000;
    return ms > 3600000 ? 3600000 : (int)ms;
}

int loop_once(struct loop *l, ike_time max_wait)
{
    struct epoll_event events[64];
    ike_time until = l->idle != NULL ? l->idle(l->idle_arg, loop_refresh(l)) : IKE_NEVER;
    if (l->stop) {
        return 0;
    }
    if (l->timers != NULL && l->timers->due < until) {
        until = l->timers->due;
    }
    if (max_wait != IKE_NEVER && l->now + max_wait < until) {
        until = l->now + max_wait;
    }
    int n = epoll_wait(l->epfd, events, (int)(sizeof(events) / sizeof(events[0])), wait_ms(l, until));
    if (n < 0 && errno != EINTR) {
        return -errno;
    }
    loop_refresh(l);
    for (int i = 0; i < n; i++) {
        struct watch *w = events[i].data.ptr;
        if (w->fd >= 0) {
            w->fn(w->arg, events[i].events);
        }
    }
    run_timers(l);
    run_tasks(l);
    bury_watches(l);
    return 0;
}

int loop_run(struct loop *l)
{
    l->stop = false;
    while (!l->stop) {
        int error = loop_once(l, IKE_NEVER);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

void loop_stop(struct loop *l) { l->stop = true; }
