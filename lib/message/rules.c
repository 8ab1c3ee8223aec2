/* SPDX-License-Identifier: ISC
 *
 * The payload rules of one form of a message, checked before any action sees it.
 */
#include "message/message.h"

/* Counting stops one above the maximum, so a message full of one type costs no more than it takes to refuse it. */
int ike_rules_check(const struct ike_message *m, const struct ike_payload_rule *rules, uint8_t *type)
{
    for (const struct ike_payload_rule *r = rules; r->type != IKE_P_NONE; r++) {
        unsigned n = 0;
        while (n <= r->max && ike_message_find(m, r->type, n) != NULL) {
            n++;
        }
        if (n < r->min || n > r->max) {
            *type = r->type;
            return IKE_ERR_PROTO;
        }
    }
    return IKE_OK;
}

/* Types of RFC 7296 and RFC 7383. What other documents define (49 to 52, 54) is not understood here, nor are version 1's. */
static bool known(uint8_t type) { return (type >= IKE_P_SA && type <= IKE_P_EAP) || type == IKE_P_SKF; }

/* RFC 7296 section 2.5: the whole message is refused on an unknown critical payload, but the bit means nothing on a known type.
 * The caller runs this before any action, so that nothing has been done that would have to be taken back. */
const struct ike_payload *ike_message_critical(const struct ike_message *m)
{
    for (unsigned i = 0; i < m->n; i++) {
        if (m->p[i].critical && !known(m->p[i].type)) {
            return &m->p[i];
        }
    }
    return NULL;
}
