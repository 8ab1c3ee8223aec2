/* SPDX-License-Identifier: ISC
 *
 * Token buckets: what is allowed in a time, and some of it saved up. All that is kept is when the bucket is full again: a token
 * that is taken puts that off by the time in which one comes back. Zeroed it is full.
 */
#ifndef IKE_BASE_BUCKET_H
#define IKE_BASE_BUCKET_H

#include <ike/types.h>

struct ike_bucket {
    ike_time full;
};

/* `most`: what a full one holds, 1 at least; `each`: in what time a token comes back. */
static inline bool ike_bucket_has(const struct ike_bucket *b, ike_time now, ike_time each, uint32_t most)
{
    return b->full <= now + each * (most - 1);
}

static inline bool ike_bucket_take(struct ike_bucket *b, ike_time now, ike_time each, uint32_t most)
{
    if (!ike_bucket_has(b, now, each, most)) {
        return false;
    }
    b->full = (b->full > now ? b->full : now) + each;
    return true;
}

#endif
