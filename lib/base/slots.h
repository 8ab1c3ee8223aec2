/* SPDX-License-Identifier: ISC
 *
 * Handles: a table of slots, each with a generation. A handle is generation << 32 | index + 1; it is never 0, and one whose
 * object is gone is recognised until the generation has gone round its 2^32 values.
 */
#ifndef IKE_BASE_SLOTS_H
#define IKE_BASE_SLOTS_H

#include <ike/crypto.h>

struct ike_slots {
    struct ike_slot *slot;                /* cap of them; the first `used` have been in use */
    uint32_t cap, used, free_head, count; /* free_head: index + 1 */
};

/* A handle for obj, or 0 when memory is short. */
uint64_t ike_slots_add(struct ike_slots *s, void *obj, const ike_allocator *mem);
void *ike_slots_get(const struct ike_slots *s, uint64_t handle);
/* That of a place, 0 <= place < used; NULL where there is none: to draw one at random. */
void *ike_slots_at(const struct ike_slots *s, uint32_t place);
/* For who keeps no more than the place, which is the low half of a handle less 1. */
void ike_slots_del_at(struct ike_slots *s, uint32_t place);
void ike_slots_del(struct ike_slots *s, uint64_t handle);
/* The next live object behind `after` (0: the first), in a stable order; NULL at the end. A stale `after` is fine. */
void *ike_slots_next(const struct ike_slots *s, uint64_t after, uint64_t *handle);
void ike_slots_free(struct ike_slots *s, const ike_allocator *mem);

#endif
