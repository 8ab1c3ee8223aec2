/* SPDX-License-Identifier: ISC
 *
 * Handles: an index and a generation in 64 bits, so that a stale one is recognised.
 */
#include "base/slots.h"
#include <string.h>

struct ike_slot {
    void *obj;           /* NULL: free */
    uint32_t generation; /* of the current or the next object */
    uint32_t next_free;
};

/* On failure the table is as it was. Handles stay valid, since they hold indices and not places. */
static bool grow(struct ike_slots *s, const ike_allocator *mem)
{
    uint32_t cap = s->cap ? s->cap * 2 : 16;
    /* 2^32 would be 0. */
    if (cap < s->cap) {
        return false;
    }
    struct ike_slot *slot = mem->alloc(mem->user, cap * sizeof *slot);
    if (!slot) {
        return false;
    }
    if (s->slot) {
        memcpy(slot, s->slot, s->used * sizeof *slot);
        mem->release(mem->user, s->slot, s->cap * sizeof *slot);
    }
    s->slot = slot;
    s->cap = cap;
    return true;
}

/* Freed slots are used first, the latest first: the table stays as small as the most that ever lived at once. */
uint64_t ike_slots_add(struct ike_slots *s, void *obj, const ike_allocator *mem)
{
    uint32_t i;
    if (s->free_head) {
        i = s->free_head - 1;
        s->free_head = s->slot[i].next_free;
    } else {
        if (s->used == s->cap && !grow(s, mem)) {
            return 0;
        }
        i = s->used++;
        /* Slots that were used before keep counting. */
        s->slot[i].generation = 1;
    }
    s->slot[i].obj = obj;
    s->count++;
    return (uint64_t)s->slot[i].generation << 32 | (i + 1);
}

/* A handle may come from a host or a control socket, so any number is possible. */
static struct ike_slot *at(const struct ike_slots *s, uint64_t handle)
{
    uint32_t i = (uint32_t)handle;
    if (i == 0 || i > s->used || s->slot[i - 1].generation != handle >> 32 || !s->slot[i - 1].obj) {
        return NULL;
    }
    return &s->slot[i - 1];
}

/* NULL for what is gone or never was. */
void *ike_slots_get(const struct ike_slots *s, uint64_t handle)
{
    struct ike_slot *slot = at(s, handle);
    return slot ? slot->obj : NULL;
}

void *ike_slots_at(const struct ike_slots *s, uint32_t place) { return place < s->used ? s->slot[place].obj : NULL; }

/* The next object in this slot has another generation, so old handles lead nowhere. Deleting twice is harmless. */
void ike_slots_del(struct ike_slots *s, uint64_t handle)
{
    struct ike_slot *slot = at(s, handle);
    if (slot) {
        slot->obj = NULL;
        /* 0 is left out, so that no small number is ever a handle. */
        slot->generation = slot->generation == UINT32_MAX ? 1 : slot->generation + 1;
        slot->next_free = s->free_head;
        s->free_head = (uint32_t)handle;
        s->count--;
    }
}

void ike_slots_del_at(struct ike_slots *s, uint32_t place)
{
    if (place < s->used) {
        ike_slots_del(s, (uint64_t)s->slot[place].generation << 32 | (place + 1));
    }
}

/* By index: a walk goes on although objects come and go under it. A new one in a slot that was passed is not met. */
void *ike_slots_next(const struct ike_slots *s, uint64_t after, uint64_t *handle)
{
    for (uint32_t i = (uint32_t)after; i < s->used; i++) {
        if (s->slot[i].obj) {
            *handle = (uint64_t)s->slot[i].generation << 32 | (i + 1);
            return s->slot[i].obj;
        }
    }
    return NULL;
}

void ike_slots_free(struct ike_slots *s, const ike_allocator *mem)
{
    if (s->slot) {
        mem->release(mem->user, s->slot, s->cap * sizeof *s->slot);
    }
    memset(s, 0, sizeof *s);
}
