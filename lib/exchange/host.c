/* SPDX-License-Identifier: ISC
 *
 * Exchanges of the host's own (ike/exchange.h): what their actions ask and say. How they are run is in v1/host.c.
 */
#include "exchange/exchange.h"

ike_sa_id ike_exchange_sa(const struct ike_exchange *x) { return x->sa->id; }

enum ike_role ike_exchange_role(const struct ike_exchange *x) { return (enum ike_role)x->role; }

void *ike_exchange_user(const struct ike_exchange *x) { return x->e->core.set.host.user; }

void *ike_exchange_state(const struct ike_exchange *x) { return x->state; }

void ike_exchange_set_state(struct ike_exchange *x, void *state) { x->state = state; }

bool ike_exchange_payload(const struct ike_exchange *x, uint8_t type, unsigned i, ike_bytes *body)
{
    const struct ike_payload *p = x->msg ? ike_message_find(x->msg, type, i) : NULL;
    *body = p ? ike_bytes_of(p->body, p->len) : ike_bytes_of(NULL, 0);
    return p != NULL;
}

int ike_exchange_put(struct ike_exchange *x, uint8_t type, ike_bytes body)
{
    ike_put_payload(&x->chain, type, body);
    return x->chain.w.bad ? IKE_ERR_BUFFER : IKE_OK;
}

int ike_exchange_refuse(struct ike_exchange *x, uint16_t notify) { return ike_refuse(x, notify, IKE_FAIL_DENIED); }

int ike_exchange_ask(struct ike_exchange *x, ike_token *token)
{
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_DONE, &answered);
    if (!q) {
        return IKE_ERR_NOMEM;
    }
    if (!answered) {
        *token = q->token;
        return IKE_PENDING;
    }
    int r = q->result;
    ike_answered(x);
    return r;
}

/* They are IKEv1's so far. */
#if !IKE_WITH_V1
int ike_exchange_protect(struct ike_exchange *x) { return (void)x, IKE_X_REFUSE; }
int ike_exchange_seal(struct ike_exchange *x) { return (void)x, IKE_X_REFUSE; }
int ike_exchange_check(struct ike_exchange *x) { return (void)x, IKE_X_DROP; }

int ike_host_start(struct ike_engine *e, ike_sa_id id, const struct ike_script *script, void *state)
{
    return (void)e, (void)id, (void)script, (void)state, IKE_ERR_UNSUPPORTED;
}

int ike_group_start(struct ike_engine *e, ike_sa_id id, uint16_t group, ike_bytes prime, ike_bytes generator)
{
    return (void)e, (void)id, (void)group, (void)prime, (void)generator, IKE_ERR_UNSUPPORTED;
}
#endif
