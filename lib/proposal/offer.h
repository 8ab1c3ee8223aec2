/* SPDX-License-Identifier: ISC
 *
 * A peer's SA payload as a table: all of its structure checked, nothing judged yet.
 */
#ifndef IKE_PROPOSAL_OFFER_H
#define IKE_PROPOSAL_OFFER_H

#include "message/message.h"

/* Limits on what one payload may make us compare; no peer offers as much in earnest. */
enum { IKE_OFFER_PROPOSALS = 64, IKE_OFFER_PER_PROPOSAL = 64, IKE_OFFER_TRANSFORMS = 512 };

struct ike_offer_transform {
    uint8_t type;
    bool usable; /* false: an attribute is missing, malformed or unknown; the transform cannot be chosen, others can */
    uint16_t id, bits;
};
struct ike_offer_proposal {
    const uint8_t *spi; /* a view into the payload, spi_len octets */
    uint16_t first, n;  /* transforms */
    uint8_t number, protocol, spi_len;
};
struct ike_offer {
    uint16_t n, n_transforms; /* proposals in p, transforms in t */
    struct ike_offer_proposal p[IKE_OFFER_PROPOSALS];
    struct ike_offer_transform t[IKE_OFFER_TRANSFORMS];
};

/* IKE_OK; IKE_ERR_PROTO: malformed; IKE_ERR_NOT_FOUND: more than anybody needs, treat as unacceptable. An offer's proposals
 * are numbered 1, 2, 3 ...; an answer has the number of the proposal it accepts. Whatever the result, *o holds what was read. */
int ike_offer_parse(struct ike_offer *o, const struct ike_payload *sa, bool answer);

#endif
