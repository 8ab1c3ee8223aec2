/* SPDX-License-Identifier: ISC
 *
 * table.h - an intrusive chained hash table that doubles as it fills.
 */
#ifndef IKELIBD_TABLE_H
#define IKELIBD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct table_node {
    struct table_node *next;
    uint32_t hash;
};

struct table {
    struct table_node **slots;
    size_t n_slots, n; /* n_slots is a power of two, or 0 */
};

#define TABLE_OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* FNV-1a. Keys are SPIs we drew, selectors that were agreed, and numbers of connections: nobody outside can choose them to
 * collide at will. */
static inline uint32_t table_hash(uint32_t seed, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t h = seed ^ 2166136261U;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 16777619U;
    }
    return h ^ h >> 15;
}

/* The chain a key may be in; walk it by next and compare. */
static inline struct table_node *table_chain(const struct table *t, uint32_t hash)
{
    return t->n_slots == 0 ? NULL : t->slots[hash & (t->n_slots - 1)];
}

static inline bool table_resize(struct table *t, size_t n_slots)
{
    struct table_node **slots = calloc(n_slots, sizeof(struct table_node *));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < t->n_slots; i++) {
        for (struct table_node *node = t->slots[i], *next; node != NULL; node = next) {
            next = node->next;
            struct table_node **slot = &slots[node->hash & (n_slots - 1)];
            node->next = *slot;
            *slot = node;
        }
    }
    free(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    return true;
}

/* False only when there is no memory for the first slots. */
static inline bool table_add(struct table *t, struct table_node *node, uint32_t hash)
{
    if (t->n >= t->n_slots && !table_resize(t, t->n_slots == 0 ? 64 : 2 * t->n_slots) && t->n_slots == 0) {
        return false;
    }
    struct table_node **slot = &t->slots[hash & (t->n_slots - 1)];
    node->hash = hash;
    node->next = *slot;
    *slot = node;
    t->n++;
    return true;
}

static inline void table_remove(struct table *t, struct table_node *node)
{
    struct table_node **p = &t->slots[node->hash & (t->n_slots - 1)];
    while (*p != node) {
        p = &(*p)->next;
    }
    *p = node->next;
    t->n--;
}

/* A node of slot *at or of one behind it, NULL when there is none: to take a table apart, beginning at 0. */
static inline struct table_node *table_any(const struct table *t, size_t *at)
{
    while (*at < t->n_slots && t->slots[*at] == NULL) {
        ++*at;
    }
    return *at < t->n_slots ? t->slots[*at] : NULL;
}

static inline void table_free(struct table *t)
{
    free(t->slots);
    *t = (struct table){0};
}

#endif
