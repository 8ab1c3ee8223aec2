/* SPDX-License-Identifier: ISC
 *
 * Timers: a hierarchical wheel. Setting and clearing are O(1); finding the next one looks at one bitmap per level.
 *
 * A timer stands at the level of the highest base-16 digit in which its tick differs from the current one. So everything in
 * a lower level comes before everything in a higher one, and within a level the lowest occupied slot comes first.
 */
#ifndef IKE_BASE_WHEEL_H
#define IKE_BASE_WHEEL_H

#include "base/list.h"
#include <ike/types.h>

#define IKE_WHEEL_LEVELS    14
#define IKE_WHEEL_SLOTS     16
#define IKE_WHEEL_TICK_BITS 10 /* a tick is 2^10 us; 14 levels of 4 bits cover every ike_time */

struct ike_timer {
    struct ike_list link;
    ike_time at; /* IKE_NEVER: not set */
    uint8_t level, slot;
    uint8_t kind; /* the owner's: what it is embedded in */
};

struct ike_wheel {
    uint64_t tick;                   /* up to which everything has been moved or popped */
    uint16_t used[IKE_WHEEL_LEVELS]; /* a bit per slot that holds a timer */
    struct ike_list slot[IKE_WHEEL_LEVELS][IKE_WHEEL_SLOTS];
    struct ike_list due; /* whose tick has come */
};

void ike_wheel_init(struct ike_wheel *w, ike_time now);
void ike_timer_init(struct ike_timer *t, uint8_t kind);
/* Set or move; IKE_NEVER clears. A timer never fires before its time, at most one tick late. */
void ike_timer_set(struct ike_wheel *w, struct ike_timer *t, ike_time at);
/* Advance to now and take one timer that is due; NULL when there is none. */
struct ike_timer *ike_wheel_pop(struct ike_wheel *w, ike_time now);
/* A time at which ike_wheel_pop has to be called again; not later than the first timer, possibly earlier. */
ike_time ike_wheel_next(const struct ike_wheel *w);

#endif
