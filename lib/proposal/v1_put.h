/* SPDX-License-Identifier: ISC
 *
 * The pieces of an SA payload of IKEv1.
 */
#ifndef IKE_PROPOSAL_V1_PUT_H
#define IKE_PROPOSAL_V1_PUT_H

#include "proposal/substructure.h"
#include "proposal/v1.h"

/* An SA payload without proposals; returns what ike_chain_end wants. */
size_t ike_v1_begin_sa(struct ike_chain *c);
void ike_v1_put_transform(struct ike_chain *c, struct ike_sub_list *l, const struct ike_suite *s, const struct ike_v1_terms *t);
/* A proposal of an answer: the chosen transform with its attributes as they were offered. */
void ike_v1_put_choice(struct ike_chain *c, struct ike_sub_list *proposals, const struct ike_v1_choice *x, uint8_t protocol,
                       const uint8_t *spi, uint8_t spi_len);

#endif
