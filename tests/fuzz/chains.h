/* SPDX-License-Identifier: ISC
 *
 * Two engines that have got somewhere, and payload chains for one of them: what sk, sk1 and v1 share.
 */
#ifndef TESTS_FUZZ_CHAINS_H
#define TESTS_FUZZ_CHAINS_H

#include "fuzz.h"

#include "base/bytes.h"
#include "message/message.h"
#include "sa/sa.h"

/* The newest IKE SA of a side, or the one before; NULL: there is none. */
const struct ike_sa *chains_sa(const struct duo *d, unsigned at, bool older);
ike_child_id chains_child(const struct duo *d, unsigned at); /* the first; 0: there is none */
/* A tunnel is there. */
void chains_up(struct duo *d);
/* Of what `who` asked for last so many messages are delivered. */
void chains_deliver(struct duo *d, unsigned who, unsigned n);
/* Both sides rekey the same at once. */
void chains_both(struct duo *d, bool ike);
/* The same IKE SA at the end that has its keys, NULL if none has: a responder makes them when it needs them. */
const struct ike_sa *chains_keyed(const struct duo *d, unsigned to, const struct ike_sa *sa);
/* A message by the peer of `to`, and some time. relay: what the engines then say is delivered, not lost. */
void chains_say(struct duo *d, unsigned to, ike_bytes message, ike_time pause, bool relay);
/* The rest of an input: each time [length of what follows, 2 octets] [what `say` reads]. */
void chains_run(struct ike_rd *r, unsigned who, void (*say)(unsigned who, struct ike_rd r));
/* Whatever was said, nobody gets more than its settings allow, and no memory is left. */
void chains_end(struct duo *d);

/* ---- chains_v1.c ---- */

struct ike_exchange;
/* HASH(1), (2) or (3) of the peer's next message in x, or of one that begins with it (NULL). */
void chains_v1_hash(const struct ike_sa *sa, const struct ike_exchange *x, uint32_t mid, ike_bytes rest, uint8_t *out);
/* Encrypted with the IV that x goes on with, NULL: the first of h->mid. Returns its octets; 0: the chain is
 * empty. */
size_t chains_v1_seal(const struct ike_sa *sa, const struct ike_exchange *x, const struct ike_header *h, struct ike_chain *c,
                      uint8_t *out, size_t cap);

#endif
