/* SPDX-License-Identifier: ISC
 *
 * A seeded generator, growing text, a hash map: see base.h.
 */
#include "base.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *sim_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p) {
        fputs("ike-sim: out of memory\n", stderr);
        abort();
    }
    return p;
}

char *sim_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(sim_alloc(n), s, n);
}

uint64_t sim_draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t sim_below(uint64_t *state, uint32_t bound) { return bound ? (uint32_t)((sim_draw(state) >> 32) * bound >> 32) : 0; }

uint64_t sim_hash(uint64_t h, const void *data, size_t n)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 0x100000001b3u;
    }
    return h;
}

static void text_room(struct sim_text *t, size_t more)
{
    if (t->len + more + 1 <= t->cap) {
        return;
    }
    size_t cap = (t->len + more + 1) * 2;
    char *at = sim_alloc(cap);
    if (t->at) {
        memcpy(at, t->at, t->len + 1);
    }
    free(t->at);
    t->at = at;
    t->cap = cap;
}

void sim_textf(struct sim_text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        return;
    }
    text_room(t, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(t->at + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    t->len += (size_t)n;
}

void sim_text_free(struct sim_text *t)
{
    free(t->at);
    *t = (struct sim_text){0};
}

static struct sim_slot *map_slot(const struct sim_map *m, uint64_t key)
{
    uint64_t mixed = key;
    size_t i = (size_t)sim_draw(&mixed) & (m->cap - 1);
    while (m->slot[i].key && m->slot[i].key != key) {
        i = (i + 1) & (m->cap - 1);
    }
    return &m->slot[i];
}

uint64_t *sim_map_at(struct sim_map *m, uint64_t key, bool *fresh)
{
    if (m->n * 2 >= m->cap) {
        struct sim_map bigger = {sim_alloc((m->cap ? m->cap * 2 : 64) * sizeof *m->slot), m->n, m->cap ? m->cap * 2 : 64};
        for (size_t i = 0; i < m->cap; i++) {
            if (m->slot[i].key) {
                *map_slot(&bigger, m->slot[i].key) = m->slot[i];
            }
        }
        free(m->slot);
        *m = bigger;
    }
    struct sim_slot *s = map_slot(m, key);
    *fresh = s->key == 0;
    if (*fresh) {
        s->key = key;
        m->n++;
    }
    return &s->value;
}

void sim_map_free(struct sim_map *m)
{
    free(m->slot);
    *m = (struct sim_map){0};
}
