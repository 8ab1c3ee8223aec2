/* SPDX-License-Identifier: ISC
 *
 * Proposals and transforms inside an SA payload, as far as both versions write them alike.
 */
#ifndef IKE_PROPOSAL_SUBSTRUCTURE_H
#define IKE_PROPOSAL_SUBSTRUCTURE_H

#include "message/message.h"

/* The first octet: whether another one of the kind follows. In version 1 it is the payload type of that. */
enum { IKE_SUB_LAST = 0, IKE_SUB_PROPOSALS = 2, IKE_SUB_TRANSFORMS = 3 };

/* A list of substructures is written with "more" in each, and the last one is set right afterwards. */
struct ike_sub_list {
    size_t last_at; /* the Last octet of the newest element */
    uint8_t n;
};

/* Length and number of transforms are set by ike_end_proposal, at the place returned. */
size_t ike_begin_proposal(struct ike_chain *c, struct ike_sub_list *l, uint8_t number, uint8_t protocol, const uint8_t *spi,
                          uint8_t spi_len);
void ike_end_proposal(struct ike_chain *c, size_t at, const struct ike_sub_list *transforms);
/* The last element's "more" becomes "last" once it is known that it is the last. */
void ike_end_list(struct ike_chain *c, const struct ike_sub_list *l);

#endif
