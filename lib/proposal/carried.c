/* SPDX-License-Identifier: ISC
 *
 * Proposals without what the data plane does not carry.
 */
#include "proposal/proposal.h"

/* What stays moves to the front of the same allocation. */
bool ike_proposals_carried(struct ike_proposals *p, uint8_t family, ike_carries *carries, void *user)
{
    struct ike_transform *t = (struct ike_transform *)(p + 1);
    uint8_t n = 0;
    uint16_t to = 0, end = 0;
    for (unsigned i = 0; i < p->n; i++) {
        unsigned had = 0, has = 0; /* types, a bit each */
        uint16_t k = end;
        for (end = p->first[i + 1], to = p->first[n]; k < end; k++) {
            const struct ike_transform x = t[k];
            had |= 1u << x.type;
            if (x.type == IKE_T_KE || carries(user, p->protocol, family, x.type, x.id, x.bits)) {
                has |= 1u << x.type;
                t[to++] = x;
            }
        }
        if (has == had) {
            p->first[++n] = to;
        }
    }
    p->n = n;
    p->n_transforms = p->first[n];
    return n != 0;
}
