/* SPDX-License-Identifier: ISC
 *
 * xfrm_event.c - what the kernel says of its own accord: a packet waits for an SA, a limit is reached, a peer has moved. (For
 * what somebody else took out: xfrm_lost.c.)
 */
#include "app/xfrm.h"

/* ---- Acquire -------------------------------------------------------------------------------------------------------------- */

/* A policy whose SA has gone: its reqid still tells the child. */
static const struct xfrm_sa *find_reqid(const struct xfrm_app *x, uint32_t reqid)
{
    for (size_t i = 0; i < x->sas.n_slots; i++) {
        for (struct table_node *n = x->sas.slots[i]; n != NULL; n = n->next) {
            const struct xfrm_sa *sa = TABLE_OF(n, struct xfrm_sa, node);
            if (sa->template.reqid == reqid) {
                return sa;
            }
        }
    }
    return NULL;
}

void xfrm_on_acquire(struct xfrm_app *x, const struct xfrm_acquire *a)
{
    struct xfrm_trap *trap = xfrm_find_trap(x, a->reqid);
    const struct xfrm_sa *sa = trap == NULL ? find_reqid(x, a->reqid) : NULL;
    if (trap == NULL && (sa == NULL || xfrm_outbound_lost(x, a->reqid))) {
        return; /* another program's policy, or the child is to be made anew */
    }
    ike_conn_id conn = trap != NULL ? trap->conn : sa->conn;
    const char *child = trap != NULL ? trap->child_name : sa->child_name;
    x->acquires++;
    if (trap != NULL) {
        trap->acquire_seq = a->seq;
    }
    struct ikelibd *d = x->app.d;
    int error = ike_acquire(d->engine, conn, child, a->local.family != 0 ? &a->local : NULL,
                            a->remote.family != 0 ? &a->remote : NULL, loop_now(d->loop));
    daemon_log(d, IKE_LOG_DEBUG, "a packet asks for child %s%s%s", child, error == IKE_OK ? "" : ": ",
               error == IKE_OK ? "" : ike_strerror(error));
}

/* While an acquire waits the kernel drops the trap's packets and does not ask again, 30 seconds long
 * (net.core.xfrm_acq_expires), even if the attempt has failed or other SAs carry the traffic by now. */
void xfrm_forget_acquire(struct xfrm_app *x, struct xfrm_trap *t)
{
    if (t->acquire_seq != 0) {
        x->way->end_acquire(x, t);
        t->acquire_seq = 0;
    }
}

void xfrm_settled(struct app *a, ike_conn_id conn)
{
    struct xfrm_app *x = (struct xfrm_app *)(void *)a;
    for (struct table_node *n = table_chain(&x->traps, conn_rt_hash(conn)); n != NULL; n = n->next) {
        struct xfrm_trap *t = TABLE_OF(n, struct xfrm_trap, by_conn);
        if (t->conn == conn) {
            xfrm_forget_acquire(x, t);
        }
    }
}

/* ---- Expire and mapping --------------------------------------------------------------------------------------------------- */

void xfrm_on_expire(struct xfrm_app *x, struct xfrm_sa *sa, bool hard)
{
    char text[96];
    x->expires++;
    sa->lost = sa->told = sa->lost || hard;
    xfrm_name_format(&sa->name, text, sizeof(text));
    daemon_log(x->app.d, IKE_LOG_INFO, "%s limit of %s reached", hard ? "hard" : "soft", text);
    (void)ike_child_expire(x->app.d->engine, sa->child, hard, loop_now(x->app.d->loop));
}

void xfrm_on_mapping(struct xfrm_app *x, const struct xfrm_sa *sa, const ike_addr *remote)
{
    x->mappings++;
    (void)ike_peer_moved(x->app.d->engine, sa->child, remote, loop_now(x->app.d->loop));
}

/* A missed acquire comes again; what a missed expiry or deletion took is not in the kernel any more. */
void xfrm_on_overrun(struct xfrm_app *x)
{
    x->overruns++;
    x->policies_gone = x->sas_gone = true;
    daemon_log(x->app.d, IKE_LOG_WARN, "the kernel dropped IPsec events; comparing policies and SAs");
}
