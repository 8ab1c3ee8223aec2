/* SPDX-License-Identifier: ISC
 *
 * What the simulator is built from: a seeded generator, growing text, a hash set. Memory of the test program itself, which is not
 * under test: it aborts when there is none.
 */
#ifndef TESTS_SIM_BASE_H
#define TESTS_SIM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SIM_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define SIM_PRINTF(a, b)
#endif
#define SIM_COUNT(a) (sizeof(a) / sizeof((a)[0]))

void *sim_alloc(size_t n); /* zeroed */
char *sim_strdup(const char *s);

/* SplitMix64: *state is the whole state. */
uint64_t sim_draw(uint64_t *state);
uint32_t sim_below(uint64_t *state, uint32_t bound); /* 0 .. bound - 1; bound 0 gives 0 */

#define SIM_HASH_START 0xcbf29ce484222325u
uint64_t sim_hash(uint64_t h, const void *data, size_t n); /* FNV-1a */

struct sim_text {
    char *at; /* NUL-ended, NULL while empty */
    size_t len, cap;
};
void SIM_PRINTF(2, 3) sim_textf(struct sim_text *t, const char *fmt, ...);
void sim_text_free(struct sim_text *t);

/* A map from 64-bit keys (not 0) to 64-bit values. */
struct sim_map {
    struct sim_slot {
        uint64_t key, value;
    } * slot;
    size_t n, cap;
};
/* The key's value, made 0 if it is new. Valid until the next call. */
uint64_t *sim_map_at(struct sim_map *m, uint64_t key, bool *fresh);
void sim_map_free(struct sim_map *m);

#endif
