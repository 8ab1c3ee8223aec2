/* SPDX-License-Identifier: ISC
 *
 * An SA payload of IKEv1, transform by transform: its structure checked, its attributes read, nothing chosen yet. Nothing is
 * kept, as a table of all that a payload may hold would be large.
 */
#ifndef IKE_PROPOSAL_V1_OFFER_H
#define IKE_PROPOSAL_V1_OFFER_H

#include "proposal/v1_map.h"

struct ike_v1_transform {
    struct ike_v1_choice x; /* as it would be if it were chosen */
    unsigned bad;           /* IKE_D1_*: what is missing, unknown or malformed, so that it cannot be chosen */
    uint16_t encr, integ;   /* the numbers on the wire, for what has no meaning: cipher or transform id, hash or algorithm */
    uint16_t group;
    uint16_t proposal; /* counted from 0, whatever its number */
    uint8_t protocol;
    bool spi_good; /* of phase 2: as long as it has to be, and not reserved */
};

struct ike_v1_walk {
    struct ike_rd proposals, transforms;
    const uint8_t *spi;
    uint16_t n, n_transforms, left; /* proposals and transforms so far; transforms to come in this proposal */
    uint8_t number, protocol, spi_len;
    bool phase2;
    int rc; /* IKE_OK, IKE_ERR_PROTO (malformed), IKE_ERR_NOT_FOUND (beyond the limits of offer.h) */
};
struct ike_v1_walk ike_v1_walk(const struct ike_payload *sa, bool phase2);
/* Whether the lifetimes of an offer are within what is wanted. */
bool ike_v1_life_fits(const struct ike_v1_terms *offered, const struct ike_v1_terms *want);
/* The next transform; false at the end and when rc is no longer IKE_OK. */
bool ike_v1_walk_next(struct ike_v1_walk *w, struct ike_v1_transform *t);

#endif
