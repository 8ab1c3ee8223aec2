/* SPDX-License-Identifier: ISC
 *
 * Transaction exchange (draft-dukes-ike-mode-cfg-02): messages of a HASH and an ATTR payload, for XAUTH and Mode-Config. What
 * follows phase 1, and in which order, is said here.
 */
#include "exchange/v1/v1.h"

static bool xauth_open(const struct ike_sa *sa) { return sa->conf->s.xauth && !sa->v1->user_known; }

/* Who wants an address waits for it; who gives one does where it begins, and where children of its own depend on it. */
static bool config_open(const struct ike_engine *e, const struct ike_sa *sa)
{
    const ike_conn_settings *s = &sa->conf->s;
    bool pushes = s->push && (s->pool.family || e->core.set.host.hooks.lease);
    return !sa->v1->configured && (s->inner_family || pushes || (s->pool.family && sa->initiator && !sa->peer->lease));
}

/* The peer's part comes without us. */
const struct ike_script *ike_v1_next(struct ike_exchange *x)
{
    const struct ike_sa *sa = x->sa;
    const ike_conn_settings *s = &sa->conf->s;
    if (sa->established) {
        return NULL;
    }
    if (xauth_open(sa)) {
        return s->xauth == IKE_XAUTH_SERVER ? &ike_v1_xauth : NULL;
    }
    if (config_open(x->e, sa) && (s->inner_family != 0) != s->push) {
        return s->push ? &ike_v1_push : &ike_v1_pull;
    }
    return NULL;
}

bool ike_v1_complete(const struct ike_engine *e, const struct ike_sa *sa) { return !xauth_open(sa) && !config_open(e, sa); }

static bool of_xauth(const struct ike_v1_config *c)
{
    struct ike_rd r = ike_rd(c->attrs.ptr, c->attrs.len);
    struct ike_v1_attr a;
    while (ike_v1_attr_next(&r, &a)) {
        if (a.type >= IKE_XAUTH_TYPE && a.type <= IKE_XAUTH_ANSWER) {
            return true;
        }
    }
    return false;
}

/* Nothing but XAUTH comes before its good end. Who is asked for a name has configured it: a server asks, and is not asked. */
const struct ike_script *ike_v1_transaction(const struct ike_sa *sa, const struct ike_message *m)
{
    const struct ike_payload *p = ike_message_find(m, IKE_P1_ATTR, 0);
    struct ike_v1_config c;
    bool ok = p && ike_v1_config_parse(&c, p) == IKE_OK;
    bool xauth = ok && of_xauth(&c);
    if (!ok || (xauth && sa->conf->s.xauth == IKE_XAUTH_SERVER) || (!xauth && xauth_open(sa))) {
        return NULL;
    }
    switch (c.type) {
    case IKE_CFG1_REQUEST:
        return xauth ? &ike_v1_xauth : &ike_v1_pull;
    case IKE_CFG1_SET:
        return xauth ? &ike_v1_xauth_status : &ike_v1_push;
    default:
        return NULL;
    }
}

int ike_v1_transaction_check(struct ike_exchange *x)
{
    int r = ike_exchange_check(x);
    if (r == IKE_X_OK && !x->sa->established) {
        ike_v1_patience(x->e, x->sa);
    }
    return r;
}

/* As long to type in a password as the host has to answer a question. */
void ike_v1_patience(struct ike_engine *e, struct ike_sa *sa)
{
    sa->expires_at = e->core.now + 2 * e->core.set.half_open_life_ms * IKE_MS;
    ike_sa_schedule(e, sa);
}

int ike_v1_attr_take(struct ike_exchange *x, uint8_t type, struct ike_v1_config *out)
{
    if (ike_v1_config_parse(out, ike_message_find(x->msg, IKE_P1_ATTR, 0)) != IKE_OK || out->type != type) {
        return ike_fault(x, IKE_P1_ATTR);
    }
    x->setup->talk.identifier = out->identifier;
    return IKE_X_OK;
}

size_t ike_v1_attr_begin(struct ike_exchange *x, uint8_t type)
{
    ike_v1_hash_begin(x);
    return ike_v1_begin_config(&x->chain, type, x->setup->talk.identifier);
}

int ike_v1_attr_end(struct ike_exchange *x, size_t at)
{
    ike_chain_end(&x->chain, at);
    return ike_exchange_seal(x);
}

static const struct ike_payload_rule rules[] = {{IKE_P1_HASH, 1, 1}, {IKE_P1_ATTR, 1, 1}, {0, 0, 0}};
const struct ike_form ike_v1_transaction_forms[] = {{NULL, rules}, {NULL, NULL}};
