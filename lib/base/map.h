/* SPDX-License-Identifier: ISC
 *
 * Intrusive hash map by a 64-bit key. Keys that come from outside are hashed with SipHash by the caller, so that nobody
 * can aim at one bucket; the map takes the low bits as they are.
 */
#ifndef IKE_BASE_MAP_H
#define IKE_BASE_MAP_H

#include <ike/crypto.h>

struct ike_map_node {
    struct ike_map_node *next;
    uint64_t key; /* set by ike_map_add, not to be changed while in_map */
    bool in_map;
};

struct ike_map {
    struct ike_map_node **bucket;
    size_t n_buckets, count;   /* n_buckets: a power of 2, or 0 while there is no table */
    struct ike_map_node *only; /* the one chain there is then */
};

/* Several nodes may have one key; find gives the newest. Without memory for a table, or for a larger one, it becomes slower. */
void ike_map_add(struct ike_map *m, struct ike_map_node *node, uint64_t key, const ike_allocator *mem);
void ike_map_del(struct ike_map *m, struct ike_map_node *node);
struct ike_map_node *ike_map_find(const struct ike_map *m, uint64_t key);
struct ike_map_node *ike_map_find_next(const struct ike_map_node *node);
void ike_map_free(struct ike_map *m, const ike_allocator *mem);

#endif
