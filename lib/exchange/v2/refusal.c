/* SPDX-License-Identifier: ISC
 *
 * What a peer means that says no.
 */
#include "exchange/v2/v2.h"

static const struct {
    uint16_t notify, code;
} refusals[] = {
    {IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_PROPOSAL},
    {IKE_N_TS_UNACCEPTABLE, IKE_FAIL_SELECTORS},
    {IKE_N_SINGLE_PAIR_REQUIRED, IKE_FAIL_SELECTORS},
    {IKE_N_NO_ADDITIONAL_SAS, IKE_FAIL_NO_ADDITIONAL_SAS},
    {IKE_N_INVALID_SYNTAX, IKE_FAIL_PEER_SYNTAX},
    {IKE_N_INVALID_KE_PAYLOAD, IKE_FAIL_KE_GROUP},
    {IKE_N_INVALID_MAJOR_VERSION, IKE_FAIL_VERSION},
    {IKE_N_AUTHENTICATION_FAILED, IKE_FAIL_PEER_REFUSED_AUTH},
    {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_FAIL_CRITICAL_PAYLOAD},
};

uint16_t ike_code_of(uint16_t notify, bool child)
{
    for (size_t i = 0; i < IKE_COUNT(refusals); i++) {
        if (refusals[i].notify == notify) {
            return child && notify == IKE_N_NO_PROPOSAL_CHOSEN ? IKE_FAIL_NO_CHILD_PROPOSAL : refusals[i].code;
        }
    }
    return IKE_FAIL_PEER_ERROR;
}
