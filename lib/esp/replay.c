/* SPDX-License-Identifier: ISC
 *
 * Replay window and ESN inference, see replay.h.
 */
#include "esp/replay.h"

#include <string.h>

/* A power of two, so that places in the ring are found by a mask; one word more than the window, so that the word being
 * entered can be cleared whole while all of the window is still known. */
uint32_t ike_replay_words(uint32_t window)
{
    uint32_t n = 1;
    if (window == 0) {
        return 0;
    }
    while (n < window / 64 + 1) {
        n *= 2;
    }
    return n;
}

void ike_replay_init(struct ike_replay *r, uint32_t window, uint64_t *bits, uint64_t top)
{
    r->top = top;
    r->window = window;
    r->n_words = ike_replay_words(window);
    r->bits = bits;
    if (r->n_words) {
        /* An SA that is taken over does not know which numbers were seen: all in the window count as seen, which loses some
         * late packets and lets no replay in. */
        memset(bits, top ? 0xff : 0, r->n_words * sizeof(*bits));
        /* Numbers above top share its word; they have not been seen. */
        if (top) {
            uint64_t upto = top % 64 == 63 ? UINT64_MAX : ((uint64_t)1 << (top % 64 + 1)) - 1;
            bits[(top / 64) & (r->n_words - 1)] = upto;
        }
    }
}

enum ike_replay_verdict ike_replay_check(const struct ike_replay *r, uint64_t seq)
{
    /* Ahead of everything seen. Without a window each number is new; what protects then is somebody else's matter. */
    if (seq > r->top || r->window == 0) {
        return IKE_REPLAY_NEW;
    }
    /* The window is the `window` numbers up to and with top. */
    if (r->top - seq >= r->window) {
        return IKE_REPLAY_OLD;
    }
    return r->bits[(seq / 64) & (r->n_words - 1)] >> (seq % 64) & 1 ? IKE_REPLAY_DUPLICATE : IKE_REPLAY_NEW;
}

void ike_replay_accept(struct ike_replay *r, uint64_t seq)
{
    uint64_t word = seq / 64;
    if (seq > r->top) {
        uint64_t old = r->top / 64, steps = word - old;
        r->top = seq;
        /* After a jump of a whole ring every word is cleared once, no more. */
        if (steps > r->n_words) {
            steps = r->n_words;
        }
        for (uint64_t i = 0; i < steps; i++) {
            /* Words between the old top and the new hold numbers from a whole ring ago. */
            r->bits[(word - i) & (r->n_words - 1)] = 0;
        }
    }
    if (r->n_words) {
        r->bits[word & (r->n_words - 1)] |= (uint64_t)1 << (seq % 64);
    }
}

/* RFC 4303 appendix A2.2. The window is the W numbers up to T. A low half at or above its bottom belongs to T's own period
 * (or, when the window reaches back over a multiple of 2^32, to the one before), a lower one to the next. */
bool ike_replay_infer(uint64_t top, uint32_t window, uint32_t low, uint64_t *seq)
{
    uint32_t th = (uint32_t)(top >> 32), tl = (uint32_t)top, bottom = tl - window + 1;
    if (tl >= window - 1) {
        if (low < bottom) {
            /* Past 2^64 - 1, where no number is. */
            if (th == UINT32_MAX) {
                return false;
            }
            th++;
        }
    } else if (low >= bottom) {
        /* Before 0: of the period before the first there are no packets. */
        if (th == 0) {
            return false;
        }
        th--;
    }
    *seq = (uint64_t)th << 32 | low;
    return true;
}
