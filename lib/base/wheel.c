/* SPDX-License-Identifier: ISC
 *
 * The hierarchical timing wheel: a timer moves down a level each time its digit comes up.
 */
#include "base/wheel.h"

#define DIGIT 4
#define DUE   0xff /* in the due list */

/* Rounded up: a timer may be late by a tick but never early. Adding first could overflow near IKE_NEVER. */
static uint64_t tick_of(ike_time at) { return (at >> IKE_WHEEL_TICK_BITS) + ((at & ((1u << IKE_WHEEL_TICK_BITS) - 1)) != 0); }

/* v is not 0: the caller has looked. At most 15 steps. */
static unsigned lowest_bit(unsigned v)
{
    unsigned n = 0;
    while (!(v & 1)) {
        v >>= 1;
        n++;
    }
    return n;
}

/* The wheel begins at the host's present time, which may be any: no tick before it will be asked for. */
void ike_wheel_init(struct ike_wheel *w, ike_time now)
{
    w->tick = now >> IKE_WHEEL_TICK_BITS;
    for (unsigned l = 0; l < IKE_WHEEL_LEVELS; l++) {
        w->used[l] = 0;
        for (unsigned i = 0; i < IKE_WHEEL_SLOTS; i++) {
            ike_list_init(&w->slot[l][i]);
        }
    }
    ike_list_init(&w->due);
}

/* Before the first ike_timer_set. A timer that is in no list has level DUE, so take() touches no slot. */
void ike_timer_init(struct ike_timer *t, uint8_t kind)
{
    ike_list_init(&t->link);
    t->at = IKE_NEVER;
    t->level = DUE;
    t->slot = 0;
    t->kind = kind;
}

/* The bitmap is kept exact, so that next_tick never finds an empty slot. */
static void take(struct ike_wheel *w, struct ike_timer *t)
{
    ike_list_del(&t->link);
    if (t->level != DUE && ike_list_empty(&w->slot[t->level][t->slot])) {
        w->used[t->level] &= (uint16_t) ~(1u << t->slot);
    }
    t->level = DUE;
}

/* Precondition: the timer is in no list. Times up to the current tick go to the due list and fire in the order they were
 * set. */
static void place(struct ike_wheel *w, struct ike_timer *t)
{
    uint64_t tick = tick_of(t->at);
    if (tick <= w->tick) {
        t->level = DUE;
        ike_list_add(&w->due, &t->link);
        return;
    }
    unsigned level = 0;
    while (level < IKE_WHEEL_LEVELS - 1 && (tick ^ w->tick) >> (DIGIT * (level + 1))) {
        level++;
    }
    t->level = (uint8_t)level;
    t->slot = (uint8_t)(tick >> (DIGIT * level) & (IKE_WHEEL_SLOTS - 1));
    ike_list_add(&w->slot[t->level][t->slot], &t->link);
    w->used[level] |= (uint16_t)(1u << t->slot);
}

/* Setting the same time again is common, as owners recompute their next one, and must not move a timer behind others of that
 * time. */
void ike_timer_set(struct ike_wheel *w, struct ike_timer *t, ike_time at)
{
    if (at == t->at && !ike_list_empty(&t->link)) {
        return;
    }
    take(w, t);
    t->at = at;
    if (at != IKE_NEVER) {
        place(w, t);
    }
}

/* The first tick at which something has to be done, UINT64_MAX if never. */
static uint64_t next_tick(const struct ike_wheel *w, unsigned *level, unsigned *slot)
{
    for (unsigned l = 0; l < IKE_WHEEL_LEVELS; l++) {
        if (w->used[l]) {
            *level = l;
            *slot = lowest_bit(w->used[l]);
            /* Digits above this level are those of the current tick, or the timer would stand higher. */
            uint64_t above = w->tick >> (DIGIT * (l + 1)) << (DIGIT * (l + 1));
            return above | (uint64_t)*slot << (DIGIT * l);
        }
    }
    return UINT64_MAX;
}

/* One at a time, so that the caller may set and clear any timer in between, those that are due included. */
struct ike_timer *ike_wheel_pop(struct ike_wheel *w, ike_time now)
{
    /* Rounded down, where timers were rounded up: none fires early. */
    uint64_t target = now >> IKE_WHEEL_TICK_BITS;
    for (;;) {
        if (!ike_list_empty(&w->due)) {
            struct ike_timer *t = IKE_OF(w->due.next, struct ike_timer, link);
            ike_list_del(&t->link);
            t->at = IKE_NEVER;
            return t;
        }
        unsigned level = 0, slot = 0;
        uint64_t tick = next_tick(w, &level, &slot);
        /* Time may stand still or even be handed in old: the wheel never turns back. */
        if (tick > target) {
            if (target > w->tick) {
                w->tick = target;
            }
            return NULL;
        }
        /* Only now may the slot be emptied: placed against the new tick, its timers go to lower levels or are due. */
        w->tick = tick;
        struct ike_list moved;
        ike_list_init(&moved);
        /* Taken out as a whole first, since placing may put timers into any slot. */
        ike_list_splice(&moved, &w->slot[level][slot]);
        w->used[level] &= (uint16_t) ~(1u << slot);
        /* None of them can come back to this slot: their digit at this level is now that of the tick. */
        IKE_LIST_EACH (it, tmp, &moved) {
            struct ike_timer *t = IKE_OF(it, struct ike_timer, link);
            ike_list_del(it);
            place(w, t);
        }
    }
}

/* The time of a slot, which is the earliest any of its timers can have: the host may wake up once too early per level. */
ike_time ike_wheel_next(const struct ike_wheel *w)
{
    unsigned level, slot;
    if (!ike_list_empty(&w->due)) {
        return w->tick << IKE_WHEEL_TICK_BITS;
    }
    uint64_t tick = next_tick(w, &level, &slot);
    return tick == UINT64_MAX ? IKE_NEVER : tick << IKE_WHEEL_TICK_BITS;
}
