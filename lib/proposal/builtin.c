/* SPDX-License-Identifier: ISC
 *
 * What a build that reads no text of proposals offers and takes: the one suite of the smallest profile.
 */
#include "proposal/proposal.h"

/* As the default text comes out where there is no more than this suite. */
static const struct ike_transform ike_list[] = {
    {IKE_T_ENCR, 20, 256}, {IKE_T_ENCR, 20, 128}, {IKE_T_PRF, 5, 0}, {IKE_T_KE, 31, 0}};
static const struct ike_transform esp_list[] = {{IKE_T_ENCR, 20, 256}, {IKE_T_ENCR, 20, 128}, {IKE_T_KE, 31, 0},
                                                {IKE_T_KE, 0, 0},      {IKE_T_ESN, 1, 0},     {IKE_T_ESN, 0, 0}};

int ike_proposals_builtin(struct ike_proposals **out, uint8_t protocol, const ike_crypto *crypto, const ike_allocator *mem)
{
    const bool ike = protocol == IKE_PROTO_IKE;
    const size_t list = ike ? sizeof ike_list : sizeof esp_list;
    *out = NULL;
    if (!ike_find_encr(crypto, 20) || !ike_find_prf(crypto, 5) || !ike_find_ke(crypto, 31)) {
        return IKE_ERR_UNSUPPORTED;
    }
    struct ike_proposals *p = mem->alloc(mem->user, sizeof *p + list);
    if (!p) {
        return IKE_ERR_NOMEM;
    }
    memset(p, 0, sizeof *p);
    p->size = (uint32_t)(sizeof *p + list);
    p->protocol = protocol;
    p->n = 1;
    p->n_transforms = p->first[1] = (uint16_t)(ike ? IKE_COUNT(ike_list) : IKE_COUNT(esp_list));
    p->transforms = memcpy(p + 1, ike ? ike_list : esp_list, list);
    *out = p;
    return IKE_OK;
}
