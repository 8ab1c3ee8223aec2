/* SPDX-License-Identifier: ISC
 *
 * The hash map: chains of intrusive nodes under a power of two of buckets, doubled when they get long.
 */
#include "base/map.h"
#include <string.h>

#define FIRST_BUCKETS 16

/* `to` has n buckets, n a power of two. Nothing is allocated, so growing either happens or does not. */
static void rehash(struct ike_map *m, struct ike_map_node **to, size_t n)
{
    memset(to, 0, n * sizeof *to);
    for (size_t i = 0; i < m->n_buckets; i++) {
        /* Nodes of one key keep their order: newest first. */
        struct ike_map_node *reversed = NULL;
        for (struct ike_map_node *node = m->bucket[i], *next; node; node = next) {
            next = node->next;
            node->next = reversed;
            reversed = node;
        }
        for (struct ike_map_node *node = reversed, *next; node; node = next) {
            next = node->next;
            struct ike_map_node **slot = &to[node->key & (n - 1)];
            node->next = *slot;
            *slot = node;
        }
    }
}

/* Doubled at one node per bucket on average: chains stay short, and a node costs amortised O(1). */
int ike_map_add(struct ike_map *m, struct ike_map_node *node, uint64_t key, const ike_allocator *mem)
{
    if (m->count >= m->n_buckets) {
        size_t n = m->n_buckets ? m->n_buckets * 2 : FIRST_BUCKETS;
        struct ike_map_node **bigger = mem->alloc(mem->user, n * sizeof *bigger);
        if (bigger) {
            rehash(m, bigger, n);
            ike_map_free(m, mem);
            m->bucket = bigger;
            m->n_buckets = n;
        } else if (m->n_buckets == 0) {
            /* With any table at all the node could be kept, in longer chains. */
            return IKE_ERR_NOMEM;
        }
    }
    struct ike_map_node **slot = &m->bucket[key & (m->n_buckets - 1)];
    node->key = key;
    node->next = *slot;
    /* At the head, so that find gives the newest of equal keys. */
    node->in_map = true;
    *slot = node;
    m->count++;
    return IKE_OK;
}

/* A node that is in no map is left alone, so owners need not remember whether they are in. */
void ike_map_del(struct ike_map *m, struct ike_map_node *node)
{
    if (!node->in_map) {
        return;
    }
    struct ike_map_node **at = &m->bucket[node->key & (m->n_buckets - 1)];
    while (*at != node) {
        at = &(*at)->next;
    }
    *at = node->next;
    node->in_map = false;
    m->count--;
}

/* The whole 64-bit keys are compared; whether the owner is the right one is for the caller, as hashes may meet. */
struct ike_map_node *ike_map_find(const struct ike_map *m, uint64_t key)
{
    struct ike_map_node *node = m->n_buckets ? m->bucket[key & (m->n_buckets - 1)] : NULL;
    while (node && node->key != key) {
        node = node->next;
    }
    return node;
}

/* Nodes of other keys lie between those of one key, as a bucket holds several. */
struct ike_map_node *ike_map_find_next(const struct ike_map_node *node)
{
    struct ike_map_node *n = node->next;
    while (n && n->key != node->key) {
        n = n->next;
    }
    return n;
}

/* The table only: nodes are their owners'. */
void ike_map_free(struct ike_map *m, const ike_allocator *mem)
{
    if (m->bucket) {
        mem->release(mem->user, m->bucket, m->n_buckets * sizeof(struct ike_map_node *));
        m->bucket = NULL;
        m->n_buckets = 0;
    }
}
