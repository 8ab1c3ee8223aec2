/* SPDX-License-Identifier: ISC
 *
 * The distance between words in edits, given up as soon as another word is known to be nearer.
 */
#include "base/nearest.h"

#include <string.h>

/* Bounds the rows on the stack: as long as a tag may be in the reader, and no word to choose from is longer. Distances fit an
 * octet. */
enum { MOST = 47 };

struct ike_nearest ike_nearest(const char *typed, size_t len, size_t least)
{
    return (struct ike_nearest){.typed = typed, .len = len, .least = len > MOST ? 0 : least};
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static uint8_t less(uint8_t a, uint8_t b) { return a < b ? a : b; }

/* One row of the table of edits: insert, delete, change, swap two neighbours (optimal string alignment). Returns the least in
 * it. before: of the letter before the last, NULL for the first. */
static uint8_t row_of(const char *letter, const char *word, size_t n, uint8_t *now, const uint8_t *last, const uint8_t *before)
{
    uint8_t least = now[0] = (uint8_t)(last[0] + 1);
    for (size_t j = 1; j <= n; j++) {
        uint8_t best = less((uint8_t)(less(last[j], now[j - 1]) + 1), (uint8_t)(last[j - 1] + (lower(*letter) != word[j - 1])));
        if (before && j > 1 && lower(letter[0]) == word[j - 2] && lower(letter[-1]) == word[j - 1]) {
            best = less(best, (uint8_t)(before[j - 2] + 1));
        }
        now[j] = best;
        least = less(least, best);
    }
    return least;
}

/* Most words are given up early: lengths that differ cost as many edits, and distances never fall from one pair of rows on. */
void ike_nearest_try(struct ike_nearest *n, const char *word)
{
    uint8_t row[3][MOST + 1], least = 0;
    size_t len = strlen(word), apart = len > n->len ? len - n->len : n->len - len;
    if (apart >= n->least || len > MOST) {
        return;
    }
    for (size_t j = 0; j <= len; j++) {
        row[0][j] = (uint8_t)j;
    }
    for (size_t i = 1; i <= n->len; i++) {
        uint8_t was = least;
        least = row_of(n->typed + i - 1, word, len, row[i % 3], row[(i - 1) % 3], i > 1 ? row[(i + 1) % 3] : NULL);
        if (was >= n->least && least >= n->least) {
            return;
        }
    }
    if (row[n->len % 3][len] < n->least) {
        n->least = row[n->len % 3][len];
        n->best = word;
    }
}
