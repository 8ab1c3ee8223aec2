/* SPDX-License-Identifier: ISC
 *
 * What a person most likely meant by a word that is not known: a hint to show, never taken for what was meant.
 */
#ifndef IKE_BASE_NEAREST_H
#define IKE_BASE_NEAREST_H

#include <ike/types.h>

struct ike_nearest {
    const char *typed;
    size_t len;
    size_t least;     /* as far as the best one is, or the first distance that is too far */
    const char *best; /* NULL: none yet */
};

/* Words that are `least` edits away, or more, are not near. */
struct ike_nearest ike_nearest(const char *typed, size_t len, size_t least);
/* One word to choose from, in lower case. Of words that are equally near the first wins. */
void ike_nearest_try(struct ike_nearest *n, const char *word);

#endif
