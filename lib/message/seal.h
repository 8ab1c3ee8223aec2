/* SPDX-License-Identifier: ISC
 *
 * The SK payload (RFC 7296 section 3.14, RFC 5282 for AEAD).
 */
#ifndef IKE_MESSAGE_SEAL_H
#define IKE_MESSAGE_SEAL_H

#include "message/message.h"
#include <ike/crypto.h>

/* Keys of one direction, borrowed. */
struct ike_seal {
    const ike_encr *encr;
    const ike_integ *integ; /* NULL with an AEAD */
    ike_bytes sk_e, sk_a;   /* sk_e: key, then salt; sk_a: empty with an AEAD */
};

/* How many octets a message with `inner` octets of payloads takes at most. */
size_t ike_seal_size(const struct ike_seal *k, size_t inner);
/* Write header, SK payload and ICV to out (cap octets; inner must not overlap it). h->next and h->length are ignored. `iv` is
 * the explicit IV: a counter for an AEAD, random for CBC. scratch: room for the cipher's and the MAC's context,
 * ike_seal_scratch(k) octets, 16-aligned; wiped afterwards. *len is the message's length. IKE_ERR_LIMIT: too long for a
 * payload; IKE_ERR_BUFFER: too long for out. */
int ike_seal(const struct ike_seal *k, const struct ike_header *h, uint8_t first, const uint8_t *inner, size_t n,
             const uint8_t *iv, void *scratch, uint8_t *out, size_t cap, size_t *len);
/* Check the ICV of m's SK payload and decrypt to out (cap >= m->len): the inner chain without padding in *n.
 * IKE_ERR_CRYPTO: wrong ICV or too short: drop. IKE_ERR_PROTO: authenticated, but the padding is malformed. */
int ike_open(const struct ike_seal *k, const struct ike_message *m, void *scratch, uint8_t *out, size_t cap, size_t *n);
/* What ike_seal and ike_open want as scratch with these keys. */
size_t ike_seal_scratch(const struct ike_seal *k);

#endif
