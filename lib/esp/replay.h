/* SPDX-License-Identifier: ISC
 *
 * The replay window of one inbound SA (RFC 4303 section 3.4.3) and the inference of the high half of extended sequence
 * numbers (appendix A2.2). Numbers are 64 bits wide here; without ESN the high half stays 0.
 */
#ifndef IKE_ESP_REPLAY_H
#define IKE_ESP_REPLAY_H

#include <ike/types.h>

/* `bits` is a ring of n_words words, bit s % (64 * n_words) for number s. n_words is a power of two and holds one word more
 * than the window, so that moving on clears whole words only (the arrangement of RFC 6479). */
struct ike_replay {
    uint64_t top; /* the highest number accepted; 0 before the first */
    uint32_t window;
    uint32_t n_words;
    uint64_t *bits;
};

enum ike_replay_verdict { IKE_REPLAY_NEW, IKE_REPLAY_OLD, IKE_REPLAY_DUPLICATE };

/* Words that `bits` must have for a window (a multiple of 64); 0 for window 0, which checks nothing. */
uint32_t ike_replay_words(uint32_t window);
/* Starts after `top`. With top > 0 the window counts as full: nothing in it is accepted again. */
void ike_replay_init(struct ike_replay *r, uint32_t window, uint64_t *bits, uint64_t top);
/* Looks only. */
enum ike_replay_verdict ike_replay_check(const struct ike_replay *r, uint64_t seq);
/* Takes a number that was checked and whose packet is authentic. */
void ike_replay_accept(struct ike_replay *r, uint64_t seq);

/* The whole number of a packet with low half `low`; false when it would be before 0 or past 2^64-1. */
bool ike_replay_infer(uint64_t top, uint32_t window, uint32_t low, uint64_t *seq);

#endif
