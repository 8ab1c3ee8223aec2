/* SPDX-License-Identifier: ISC
 *
 * Memory that is released all at once: blocks in a chain, wiped before they go.
 */
#include "conf/conf.h"

#include <stdalign.h>

/* Holds the strings of several connections. What is larger than a quarter of it gets a block of its own size. */
#define BLOCK 4096

struct ike_arena_block {
    struct ike_arena_block *next;
    size_t size, used; /* of data */
    alignas(16) uint8_t data[];
};

/* Places never move, so results may point into each other. Nothing is given back singly. */
void *ike_arena_get(struct ike_arena *a, size_t n)
{
    struct ike_arena_block *b = a->blocks;
    /* Before rounding up, which could wrap. */
    if (n > SIZE_MAX - sizeof *b - BLOCK) {
        return NULL;
    }
    n = (n + 15) & ~(size_t)15;
    if (b == NULL || b->size - b->used < n) {
        size_t size = n > BLOCK / 4 ? n : BLOCK;
        b = a->mem->alloc(a->mem->user, sizeof *b + size);
        if (b == NULL) {
            return NULL;
        }
        b->size = size;
        b->used = 0;
        b->next = a->blocks;
        a->blocks = b;
    }
    void *p = b->data + b->used;
    b->used += n;
    memset(p, 0, n);
    return p;
}

/* Ended by NUL, as the block is zeroed. */
char *ike_arena_text(struct ike_arena *a, const char *s, size_t n)
{
    char *p = ike_arena_get(a, n + 1);
    if (p && n) {
        memcpy(p, s, n);
    }
    return p;
}

void ike_arena_free(struct ike_arena *a)
{
    for (struct ike_arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        size_t size = sizeof *b + b->size;
        /* Beyond `used` nothing was written. */
        ike_wipe(b->data, b->used);
        a->mem->release(a->mem->user, b, size);
    }
    a->blocks = NULL;
}
