/* SPDX-License-Identifier: ISC
 *
 * CREATE_CHILD_SA for a new child and for the rekey of one (RFC 7296 sections 1.3.1, 1.3.3, 2.8).
 */
#include "base/sabotage.h"
#include "exchange/v2/v2.h"

/* NULL when none is rekeyed, or when it went while a question was open. */
static struct ike_child *old_child(const struct ike_exchange *x)
{
    return ike_child_by_id(x->e, x->setup->old_child);
}

/* ---- Initiator: request ----------------------------------------------------------------------------------------------- */

/* Group of the KE payload: the one the peer asked for, the old SA's, or our first; none without PFS. */
static int pick_ke(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_child *old = old_child(x);
    /* The group that both sides have used for this child before needs no second round. */
    s->ke = ike_pick_ke(x, ike_setup_proposals(s), old ? old->suite.ke : 0);
    return IKE_X_OK;
}

/* REKEY_SA carries the old SA's SPI as its sender receives on it (RFC 7296 section 1.3.3); it comes first, so that a peer
 * knows what the rest is about. */
static int put_request(struct ike_exchange *x)
{
    struct ike_child *old = old_child(x);
    if (x->purpose == IKE_DO_REKEY_CHILD) {
        if (!old) {
            return IKE_X_REFUSE; /* it went while we asked for an SPI */
        }
        ike_put_notify_spi(&x->chain, old->suite.protocol, old->spi_in, IKE_N_REKEY_SA, ike_bytes_of(NULL, 0));
    }
    ike_put_child_request(x, true);
    return IKE_X_OK;
}

/* ---- Responder: request ----------------------------------------------------------------------------------------------- */

/* No blame: the peer asks again, nothing has failed. It is not to do so at once (RFC 7296 section 2.25). */
static int later(struct ike_exchange *x)
{
    x->notify = IKE_N_TEMPORARY_FAILURE;
    return IKE_X_REFUSE;
}

/* Which child, if any, is to be replaced, and whether now is the time. Before anything is parsed or computed for it. */
static int take_subject(struct ike_exchange *x)
{
    struct ike_notify n, second;
    struct ike_child *old = NULL;
    bool rekey = ike_message_notify(x->msg, IKE_N_REKEY_SA, &n);
    unsigned count = 0;
    for (unsigned i = 0; i < x->msg->n; i++) {
        count += x->msg->p[i].type == IKE_P_NOTIFY && ike_notify_parse(&second, &x->msg->p[i]) == IKE_OK &&
                 second.type == IKE_N_REKEY_SA;
    }
    /* It cannot be said which of the two the new SA would replace. */
    if (count > 1) {
        return ike_fault(x, IKE_P_NOTIFY);
    }
    if (rekey) {
        old = n.spi_len == 4 ? ike_child_by_spi_out(x->sa->peer, n.protocol, ike_load32(n.spi)) : NULL;
        /* "Not found" would make the peer drop an SA that we are about to have. */
        if (old ? !old->established : ike_making_child(x->sa)) {
            return later(x); /* the host has yet to install it, or we to hear that it is made */
        }
        if (!old) {
            /* Protocol and SPI go back as they came, which tells the peer what we lack (RFC 7296 section 2.25.1). */
            x->notify_protocol = n.protocol;
            x->notify_spi = n.spi_len == 4 ? ike_load32(n.spi) : 0;
            x->notify = IKE_N_CHILD_SA_NOT_FOUND;
            return IKE_X_REFUSE;
        }
    }
    if (!ike_guard_serves(&x->e->guard, x->sa) ||
        ike_collision(x->sa, rekey ? IKE_RX_REKEY_CHILD : IKE_RX_CREATE_CHILD, old) == IKE_LATER) {
        return later(x);
    }
    x->setup->old_child = old ? old->id : 0;
    return IKE_X_OK;
}

/* A question may have taken long: meanwhile our own rekey may have replaced the child, or somebody deleted it. */
static int still_there(struct ike_exchange *x)
{
    struct ike_child *old = old_child(x);
    if (x->setup->old_child && (!old || ike_collision(x->sa, IKE_RX_REKEY_CHILD, old) == IKE_LATER)) {
        return later(x);
    }
    return IKE_X_OK;
}

static int put_response(struct ike_exchange *x)
{
    ike_put_child_answer(x);
    return IKE_X_OK;
}

/* The answer has left. If our own rekey of the same child is open, what becomes of the two is decided when it ends. */
static int answered(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    struct ike_child *k = s->child, *old = old_child(x);
    struct ike_exchange *own = old ? ike_own_exchange(x->sa, IKE_DO_REKEY_CHILD, old->id) : NULL;
    if (own && own->setup) {
        own->setup->rival = true;
        own->setup->rival_child = k->id;
        (void)ike_blob_set(&e->core, &own->setup->rival_nonce, ike_lower_nonce(s));
    } else if (old) {
        old->rekeyed = true;
        old->replaced_by = k->id;
        old->state = IKE_CHILD_REKEYED;
        old->expires_at = e->core.now + 180 * IKE_SEC; /* the initiator deletes it; should it not, we do */
        ike_child_schedule(e, old);
    }
    s->child = NULL;
    s->spi_reserved = false;
    k->contested = own != NULL;
    ike_child_up(e, k);
    return IKE_X_OK;
}

/* ---- Initiator: response ---------------------------------------------------------------------------------------------- */

/* The peer has lost it: ours goes without a Delete, and keep-up makes a new one. When a simultaneous rekey explains it nothing
 * is done, as the replacement is there (RFC 7296 section 2.25.1). */
static int not_found(struct ike_exchange *x, const struct ike_notify *n)
{
    struct ike_child *old = old_child(x);
    if (old && !old->rekeyed && !x->setup->rival) {
        (void)ike_peer_said(x, n, IKE_FAIL_CHILD_NOT_FOUND, IKE_X_REFUSE);
        old->quiet = false;
        ike_child_down(x->e, old, IKE_BY_PEER);
    }
    return IKE_X_REFUSE;
}

/* A small peer may make children in IKE_AUTH only (RFC 7296 section 4): an IKE SA that has none is of no use then, and what is
 * wanted is begun over a new one. */
static int no_more(struct ike_exchange *x)
{
    if (ike_children_of(x->sa, 0) == 0) {
        (void)ike_close_sa(x->e, x->sa, IKE_BY_REPLACEMENT);
    }
    return ike_child_refused(x);
}

/* The child is refused and the IKE SA stays, but for INVALID_SYNTAX and for a peer that makes no more children. The old child
 * goes on until its end, and the rekey is tried again before that. */
static int take_errors(struct ike_exchange *x)
{
    struct ike_notify n;
    if (ike_message_find(x->msg, IKE_P_SA, 0) || !ike_message_error(x->msg, &n)) {
        return ike_child_refused(x);
    }
    int r = ike_take_create_error(x, &n, ike_setup_proposals(x->setup));
    if (r != IKE_X_OK) {
        return r;
    }
    switch (n.type) {
    case IKE_N_NO_ADDITIONAL_SAS:
        return no_more(x);
    case IKE_N_CHILD_SA_NOT_FOUND:
        return x->purpose == IKE_DO_REKEY_CHILD ? not_found(x, &n) : ike_child_refused(x);
    default:
        return ike_child_refused(x);
    }
}

/* Of two rekeys that crossed, the exchange with the lowest of the four nonces is redundant; who began it deletes its SA
 * (RFC 7296 section 2.8.1). Ours is then not even installed. */
static int judge(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    bool lost = s->rival && s->rival_nonce.len && ike_nonce_less(ike_lower_nonce(s), ike_blob_bytes(&s->rival_nonce));
    if (lost && !IKE_SABOTAGED(LOWEST_NONCE)) {
        return IKE_X_REFUSE;
    }
    if (IKE_SABOTAGED(OLD_FIRST) && old_child(x)) {
        ike_child_down(x->e, old_child(x), IKE_BY_REPLACEMENT);
    }
    return IKE_X_OK;
}

/* Ours stands: the old one goes, and the peer deletes what its own exchange made. */
static int replace(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    struct ike_child *old = old_child(x), *rival = ike_child_by_id(e, s->rival_child);
    struct ike_child *k = s->child;
    s->child = NULL;
    /* Decided and kept: undo has nothing to do about either. */
    s->rival = s->reject = false;
    if (rival) {
        if (rival->up_reported) {
            k->replaces = rival->id; /* it had taken over already, since the old one is gone */
        }
        rival->rekeyed = rival->quiet = true;
        rival->replaced_by = k->id;
        rival->state = IKE_CHILD_REKEYED;
        rival->expires_at = e->core.now + 180 * IKE_SEC;
        /* Sending goes over ours; the rival still receives until its initiator deletes it. */
        ike_child_uninstall_out(&e->db, rival);
        ike_child_schedule(e, rival);
    }
    if (old) {
        old->rekeyed = true;
        old->replaced_by = k->id;
        ike_close_child(e, old);
    }
    ike_child_up(e, k);
    return IKE_X_OK;
}

/* If the peer's rekey of the same child was answered while ours was open, that one takes the child's place now; otherwise the
 * old one is as before. */
static void undo(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    ike_child_undo(x);
    if (x->role != IKE_INITIATOR || x->purpose != IKE_DO_REKEY_CHILD) {
        return;
    }
    struct ike_child *old = old_child(x), *rival = ike_child_by_id(e, s->rival_child);
    if (rival && s->rival) {
        /* The peer's rekey is the one that stands. */
        rival->contested = false;
        if (old) {
            old->rekeyed = true;
            old->replaced_by = rival->id;
            old->state = IKE_CHILD_REKEYED;
            old->expires_at = e->core.now + 180 * IKE_SEC;
            ike_child_schedule(e, old);
            ike_child_schedule(e, rival);
        } else {
            ike_child_switch(e, rival);
        }
        ike_child_report(e, rival);
    } else if (old && !old->rekeyed && old->state == IKE_CHILD_REKEYING) {
        old->state = IKE_CHILD_INSTALLED;
    }
    s->rival = false;
}

static bool refusal(const struct ike_exchange *x) { return ike_message_find(x->msg, IKE_P_SA, 0) == NULL; }

static const struct ike_payload_rule full[] = {{IKE_P_SA, 1, 1},  {IKE_P_NONCE, 1, 1}, {IKE_P_KE, 0, 1},
                                               {IKE_P_TSI, 1, 1}, {IKE_P_TSR, 1, 1},   {0, 0, 0}};
static const struct ike_payload_rule refused[] = {{IKE_P_SA, 0, 0}, {0, 0, 0}};
static const struct ike_form request_forms[] = {{NULL, full}, {NULL, NULL}};
/* Without an SA payload it is a refusal: errors have no other form. */
static const struct ike_form response_forms[] = {{refusal, refused}, {NULL, full}, {NULL, NULL}};

/* The SPI last, as it is the data plane's: what fails before it has nothing to give back. */
static ike_action *const request_build[] = {pick_ke, ike_make_nonce, ike_make_ke, ike_child_reserve, put_request, NULL};
/* Looked at again after each part that may ask the host: what was true when the request came may not be any more. */
static ike_action *const request_handle[] = {
    take_subject,   ike_child_choose,  ike_child_decide,     ike_child_reserve,     ike_make_nonce, ike_make_ke, still_there,
    ike_child_make, ike_v2_child_keys, ike_child_install_in, ike_child_install_out, still_there,    NULL};
static ike_action *const response_build[] = {put_response, NULL};
static ike_action *const response_sent[] = {answered, NULL};
/* Judged again at the end: while a question was open the peer's rekey may have been answered. */
static ike_action *const response_handle[] = {take_errors,
                                              ike_child_take_answer,
                                              ike_child_decide,
                                              judge,
                                              ike_child_make,
                                              ike_v2_child_keys,
                                              ike_child_install_in,
                                              ike_child_install_out,
                                              judge,
                                              replace,
                                              NULL};

static const struct ike_step steps[] = {
    {"CREATE_CHILD_SA request", IKE_INITIATOR, NULL, request_forms, request_handle, request_build, NULL, NULL},
    {"CREATE_CHILD_SA response", IKE_RESPONDER, NULL, response_forms, response_handle, response_build, NULL, response_sent},
};
const struct ike_script ike_v2_create_child = {
    "CREATE_CHILD_SA", 2, IKE_X_CREATE_CHILD_SA, &ike_v2_delivery, steps, 2, 4, NULL, undo, NULL};
