/* SPDX-License-Identifier: ISC
 *
 * Exchanges of the host's own (ike/exchange.h) under an IKE SA of IKEv1.
 */
#include "exchange/v1/v1.h"

int ike_exchange_protect(struct ike_exchange *x)
{
    int r = x->role == IKE_INITIATOR ? ike_v1_begin(x) : IKE_X_OK;
    if (r == IKE_X_OK) {
        ike_v1_hash_begin(x);
    }
    return r;
}

int ike_exchange_seal(struct ike_exchange *x) { return ike_v1_hash_end(x, ike_bytes_of(NULL, 0)); }
int ike_exchange_check(struct ike_exchange *x) { return ike_v1_hash_check(x, ike_bytes_of(NULL, 0)); }

static bool registered(const struct ike_engine *e, const struct ike_script *script)
{
    const struct ike_script *const *s = e->core.set.scripts;
    while (s && *s && *s != script) {
        s++;
    }
    return s && *s;
}

int ike_v1_may_start(const struct ike_sa *sa)
{
    if (!sa) {
        return IKE_ERR_NOT_FOUND;
    }
    if (sa->version != 1) {
        return IKE_ERR_INVALID;
    }
    if (!sa->established || sa->dead || sa->state == IKE_SA_DELETING) {
        return IKE_ERR_STATE;
    }
    return ike_v1_crowded(sa) ? IKE_ERR_LIMIT : IKE_OK;
}

int ike_v1_start(struct ike_engine *e, struct ike_sa *sa, const struct ike_script *script, void *state)
{
    struct ike_exchange *x = ike_exchange_new(e, sa, script, IKE_INITIATOR, NULL);
    if (!x) {
        e->core.blamed = false;
        return IKE_ERR_NOMEM;
    }
    x->delivery = &ike_v1_delivery;
    x->state = state;
    ike_list_add(&sa->outstanding, &x->link);
    ike_exchange_run(x);
    return IKE_OK;
}

int ike_host_start(struct ike_engine *e, ike_sa_id id, const struct ike_script *script, void *state)
{
    struct ike_sa *sa = ike_sa_by_id(e, id);
    int r = ike_v1_may_start(sa);
    r = r != IKE_ERR_NOT_FOUND && !registered(e, script) ? IKE_ERR_INVALID : r;
    return r == IKE_OK ? ike_v1_start(e, sa, script, state) : r;
}
