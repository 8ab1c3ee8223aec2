/* SPDX-License-Identifier: ISC
 *
 * Which of our proposals have which number on the wire. Without KE transforms two of them may be the same; they are sent once.
 */
#ifndef IKE_PROPOSAL_MERGE_H
#define IKE_PROPOSAL_MERGE_H

#include "proposal/proposal.h"

/* The number of proposal i on the wire, 0 if an earlier one stands for it. */
uint8_t ike_proposal_number(const struct ike_proposals *p, unsigned i, bool with_ke);
/* The proposal that has this number, -1 if none. */
int ike_proposal_numbered(const struct ike_proposals *p, uint8_t number, bool with_ke);

#endif
