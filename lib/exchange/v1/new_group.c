/* SPDX-License-Identifier: ISC
 *
 * New Group Mode (RFC 2409 section 5.6): a peer proposes a group of its own making for later exchanges. None is taken: that a
 * prime is safe can be tested, that whoever chose it cannot compute logarithms in it cannot, and the groups that everybody has
 * are large enough. The peer is told so once it has shown that it is the peer.
 */
#include "exchange/v1/v1.h"

static int refuse(struct ike_exchange *x)
{
    int r = ike_v1_hash_check(x, ike_bytes_of(NULL, 0));
    if (r != IKE_X_OK) {
        return r;
    }
    ike_blame(&x->e->core, IKE_FAIL_KE_GROUP, IKE_DECIDER_US);
    ike_blame_received(&x->e->core, "a group of the peer's own, by New Group Mode");
    ike_blame_remedy(&x->e->core, "let the peer use one of the numbered groups");
    return ike_refuse(x, IKE_N1_ATTRIBUTES_NOT_SUPPORTED, 0);
}

static const struct ike_payload_rule rules[] = {{IKE_P1_HASH, 1, 1}, {IKE_P1_SA, 1, 1}, {0, 0, 0}};
static const struct ike_form forms[] = {{NULL, rules}, {NULL, NULL}};
static ike_action *const handle[] = {refuse, NULL};
static const struct ike_step steps[] = {{"New Group Mode 1", IKE_INITIATOR, NULL, forms, handle, NULL, NULL, NULL}};
const struct ike_script ike_v1_new_group = {
    "New Group Mode", 1, IKE_X1_NEW_GROUP, &ike_v1_delivery, steps, 1, 0, NULL, NULL, NULL};
