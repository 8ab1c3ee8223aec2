/* SPDX-License-Identifier: ISC
 *
 * The hash map: chains of intrusive nodes under a power of two of buckets, doubled when they get long.
 */
#include "base/map.h"
#include <string.h>

#define FIRST_BUCKETS 16

/* Before there is a table, and where there is no memory for one, all nodes are in one chain. */
static struct ike_map_node **chain(struct ike_map *m, uint64_t key)
{
    return m->bucket ? &m->bucket[key & (m->n_buckets - 1)] : &m->only;
}

/* `to` has n buckets, n a power of two. Nothing is allocated, so growing either happens or does not. */
static void rehash(struct ike_map *m, struct ike_map_node **to, size_t n)
{
    struct ike_map old = *m;
    memset(to, 0, n * sizeof *to);
    m->bucket = to;
    m->n_buckets = n;
    for (size_t i = 0; i < old.n_buckets || i == 0; i++) {
        /* Nodes of one key keep their order: newest first. */
        struct ike_map_node *reversed = NULL;
        for (struct ike_map_node *node = *chain(&old, i), *next; node; node = next) {
            next = node->next;
            node->next = reversed;
            reversed = node;
        }
        for (struct ike_map_node *node = reversed, *next; node; node = next) {
            struct ike_map_node **head = chain(m, node->key);
            next = node->next;
            node->next = *head;
            *head = node;
        }
    }
}

/* Doubled at one node per bucket on average: chains stay short, and a node costs amortised O(1). A map that cannot grow becomes
 * slower, as does each in a build for few nodes. */
void ike_map_add(struct ike_map *m, struct ike_map_node *node, uint64_t key, const ike_allocator *mem)
{
    if (IKE_WITH_CROWDS && m->count >= m->n_buckets) {
        size_t n = m->n_buckets ? m->n_buckets * 2 : FIRST_BUCKETS;
        struct ike_map_node **bigger = mem->alloc(mem->user, n * sizeof *bigger);
        if (bigger) {
            struct ike_map old = *m;
            rehash(m, bigger, n);
            ike_map_free(&old, mem);
        }
    }
    /* At the head, so that find gives the newest of equal keys. */
    struct ike_map_node **head = chain(m, key);
    node->key = key;
    node->next = *head;
    node->in_map = true;
    *head = node;
    m->count++;
}

/* A node that is in no map is left alone, so owners need not remember whether they are in. */
void ike_map_del(struct ike_map *m, struct ike_map_node *node)
{
    if (!node->in_map) {
        return;
    }
    struct ike_map_node **at = chain(m, node->key);
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
    struct ike_map_node *node = m->bucket ? m->bucket[key & (m->n_buckets - 1)] : m->only;
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
    if (IKE_WITH_CROWDS && m->bucket) {
        mem->release(mem->user, m->bucket, m->n_buckets * sizeof(struct ike_map_node *));
        m->bucket = NULL;
        m->n_buckets = 0;
    }
}
