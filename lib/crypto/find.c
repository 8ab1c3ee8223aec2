/* SPDX-License-Identifier: ISC
 *
 * Looking a descriptor up by its transform id. The lists are short, so a walk is as good as any index.
 */
#include <ike/crypto.h>

/* The first entry whose id is wanted; NULL behind the end. */
#define FIND(list, wanted, fit)                                                                                               \
    do {                                                                                                                      \
        for (size_t i = 0; (list) && (list)[i]; i++) {                                                                        \
            if ((list)[i]->id == (wanted) && (fit)) {                                                                         \
                return (list)[i];                                                                                             \
            }                                                                                                                 \
        }                                                                                                                     \
        return NULL;                                                                                                          \
    } while (0)

/* A cipher the CPU cannot run is passed over, so the next provider's stands in for it. */
const ike_encr *ike_find_encr(const ike_crypto *c, uint16_t id)
{
    FIND(c->encr, id, !c->encr[i]->usable || c->encr[i]->usable());
}


const ike_prf *ike_find_prf(const ike_crypto *c, uint16_t id) { FIND(c->prf, id, true); }
const ike_integ *ike_find_integ(const ike_crypto *c, uint16_t id) { FIND(c->integ, id, true); }
const ike_ke *ike_find_ke(const ike_crypto *c, uint16_t id) { FIND(c->ke, id, true); }
const ike_hash *ike_find_hash(const ike_crypto *c, uint16_t id) { FIND(c->hash, id, true); }
