/* SPDX-License-Identifier: ISC
 *
 * loop.h - the epoll loop: descriptors, timers, deferred calls.
 *
 * Nothing here is thread-safe; everything runs in loop_run(). Callbacks may add and remove anything, themselves included: a
 * descriptor that was removed is not called any more in the same turn.
 */
#ifndef IKELIBD_LOOP_H
#define IKELIBD_LOOP_H

#include <ike/types.h>
#include <stdbool.h>
#include <sys/epoll.h>

struct loop;

/* Embedded in the owner; zeroed or loop_timer_init before first use. */
struct loop_timer {
    struct loop *loop; /* NULL: not set */
    /* In a heap: the first of those that are due later, the next of those under the same one, and what points here. */
    struct loop_timer *child, *next, **at;
    ike_time due;
    uint64_t turn; /* of those due at one time the one set first goes first */
    void (*fn)(void *arg);
    void *arg;
};

/* A call to be made when the running callback has returned. Embedded; adding it twice is adding it once. */
struct loop_task {
    struct loop_task *next;
    bool queued;
    void (*fn)(void *arg);
    void *arg;
};

/* NULL with errno. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Monotonic microseconds as of this turn. */
ike_time loop_now(const struct loop *l);
/* Read the clock again, for callbacks that ran long. */
ike_time loop_refresh(struct loop *l);

/* events: EPOLLIN, EPOLLOUT (level-triggered). 0 or -errno. */
int loop_fd_add(struct loop *l, int fd, uint32_t events, void (*fn)(void *arg, uint32_t events), void *arg);
int loop_fd_events(struct loop *l, int fd, uint32_t events);
/* Before close(fd). */
void loop_fd_del(struct loop *l, int fd);

void loop_timer_init(struct loop_timer *t, void (*fn)(void *arg), void *arg);
void loop_timer_set(struct loop *l, struct loop_timer *t, ike_time due); /* also moves */
void loop_timer_cancel(struct loop_timer *t);
static inline bool loop_timer_is_set(const struct loop_timer *t) { return t->loop != NULL; }
void loop_task_init(struct loop_task *t, void (*fn)(void *arg), void *arg);
void loop_defer(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop *l, struct loop_task *t);

/* Called after the callbacks of each turn; returns when it wants to be called next (IKE_NEVER: no wish). This is where
 * the engine ticks. */
void loop_set_idle(struct loop *l, ike_time (*fn)(void *arg, ike_time now), void *arg);

/* Until loop_stop(). 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn, waiting at most max_wait microseconds; for tests. */
int loop_once(struct loop *l, ike_time max_wait);

#endif
