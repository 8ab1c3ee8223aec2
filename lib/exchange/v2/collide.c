/* SPDX-License-Identifier: ISC
 *
 * Requests that cross: one table, what is received against what we are doing (RFC 7296 section 2.25).
 */
#include "base/sabotage.h"
#include "exchange/v2/v2.h"

/* LATER is TEMPORARY_FAILURE. A Delete always goes ahead: NO_D leaves our half out of the answer, FORGET ends what we had begun
 * ourselves. */
static const uint8_t verdicts[IKE_RX_N][IKE_DOING_N] = {
    /*                        nothing  child       delete child  rekey IKE   delete IKE */
    [IKE_RX_REKEY_CHILD] = {IKE_GO, IKE_GO, IKE_LATER, IKE_LATER, IKE_LATER},
    [IKE_RX_CREATE_CHILD] = {IKE_GO, IKE_GO, IKE_GO, IKE_LATER, IKE_LATER},
    [IKE_RX_DELETE_CHILD] = {IKE_GO, IKE_GO, IKE_NO_D, IKE_GO, IKE_GO},
    [IKE_RX_REKEY_IKE] = {IKE_GO, IKE_LATER, IKE_LATER, IKE_GO, IKE_LATER},
    [IKE_RX_DELETE_IKE] = {IKE_GO, IKE_GO, IKE_GO, IKE_FORGET, IKE_FORGET},
};

/* Child 0 means any. With a window of one at most one is open, which is what makes the table small. */
struct ike_exchange *ike_own_exchange(const struct ike_sa *sa, uint8_t purpose, ike_child_id child)
{
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        if (x->purpose == purpose && (!child || x->child == child)) {
            return x;
        }
    }
    return NULL;
}

/* IKE_AUTH makes one as well, and may wait for the host after the IKE SA is up. */
bool ike_making_child(const struct ike_sa *sa)
{
    return ike_own_exchange(sa, IKE_DO_CHILD, 0) || ike_own_exchange(sa, IKE_DO_REKEY_CHILD, 0) ||
           ike_own_exchange(sa, IKE_DO_INIT, 0);
}

/* What counts as ours depends on what came: the rekey of an IKE SA moves all children, so any child's negotiation is in its
 * way; other requests meet only what is about the same child. */
static bool doing(const struct ike_sa *sa, enum ike_doing what, enum ike_received rx, const struct ike_child *child)
{
    ike_child_id id = child ? child->id : 0;
    switch (what) {
    case IKE_DOING_CHILD:
        return rx == IKE_RX_REKEY_IKE ? ike_making_child(sa) : id && ike_own_exchange(sa, IKE_DO_REKEY_CHILD, id);
    case IKE_DOING_DELETE_CHILD:
        if (rx == IKE_RX_REKEY_IKE) {
            return ike_own_exchange(sa, IKE_DO_DELETE_CHILD, 0) != NULL;
        }
        /* One that is queued counts as well: for the peer it makes no difference. */
        return child && (child->state == IKE_CHILD_DELETING || (rx == IKE_RX_REKEY_CHILD && child->rekeyed));
    case IKE_DOING_REKEY_IKE:
        /* Once replaced it stays so until it is deleted: new work belongs on the new one. */
        return ike_own_exchange(sa, IKE_DO_REKEY_IKE, 0) || sa->replaced_by;
    case IKE_DOING_DELETE_IKE:
        return sa->state == IKE_SA_DELETING || ike_own_exchange(sa, IKE_DO_DELETE_IKE, 0);
    default:
        return false;
    }
}

/* The weightiest of what we are doing decides: its columns are last. */
enum ike_verdict ike_collision(const struct ike_sa *sa, enum ike_received rx, const struct ike_child *child)
{
    /* One that the peer's rekey made while ours is open: which of the two stays, and has the children, is not decided yet. */
    if (!sa->reported) {
        return IKE_LATER;
    }
    /* A replaced IKE SA takes no new work; its own rekey again is answered like one that is under way. */
    if (sa->replaced_by && rx == IKE_RX_REKEY_IKE) {
        IKE_WITNESS(ike_witness_collision((int)rx, IKE_DOING_REKEY_IKE));
        return IKE_LATER;
    }
    for (int what = IKE_DOING_N - 1; what > IKE_DOING_NOTHING; what--) {
        /* For the count a request that is about no child meets all that we do with any. */
        IKE_WITNESS(doing(sa, (enum ike_doing)what, child ? rx : IKE_RX_REKEY_IKE, child) ? ike_witness_collision((int)rx, what)
                                                                                          : 0);
        if (IKE_SABOTAGED(TEMPORARY_FAILURE) && (what == IKE_DOING_REKEY_IKE || rx == IKE_RX_REKEY_IKE)) {
            continue;
        }
        if (doing(sa, (enum ike_doing)what, rx, child) && verdicts[rx][what] != IKE_GO) {
            return (enum ike_verdict)verdicts[rx][what];
        }
    }
    IKE_WITNESS(ike_witness_collision((int)rx, IKE_DOING_NOTHING));
    return IKE_GO;
}
