/* SPDX-License-Identifier: ISC
 *
 * INFORMATIONAL: delete of IKE SAs and children, liveness, notifies (RFC 7296 sections 1.4, 2.4).
 */
#include "base/sabotage.h"
#include "exchange/v2/v2.h"
#include "message/names.h"

/* ---- Requests of ours -------------------------------------------------------------------------------------------------- */

/* A Delete names the sender's inbound SPI (RFC 7296 section 3.11). Children are not listed with an IKE SA: they go with it
 * (section 1.4.1). */
static int put_request(struct ike_exchange *x)
{
    struct ike_child *k = ike_child_by_id(x->e, x->child);
    uint32_t spi = x->spi;
    switch (x->purpose) {
    case IKE_DO_DELETE_IKE:
        ike_put_delete_ike(&x->chain);
        break;
    /* By its SPI alone when the child never came to be here: the peer has it all the same. */
    case IKE_DO_DELETE_CHILD:
        if (!k && !spi) {
            return IKE_X_REFUSE; /* the peer was faster */
        }
        spi = k ? k->spi_in : spi;
        ike_put_delete_spis(&x->chain, k ? k->suite.protocol : x->spi_protocol, &spi, 1);
        break;
    default:
        break; /* liveness: an empty request */
    }
    return IKE_X_OK;
}

/* Whatever the answer to a Delete says, the SA is gone here: the peer has had the request. */
static int take_response(struct ike_exchange *x)
{
    struct ike_child *k = ike_child_by_id(x->e, x->child);
    struct ike_notify n;
    /* INVALID_SYNTAX ends the SA at the peer, so here as well (RFC 7296 section 2.21.3). */
    if (x->purpose != IKE_DO_DELETE_IKE && ike_message_notify(x->msg, IKE_N_INVALID_SYNTAX, &n)) {
        return ike_peer_said(x, &n, IKE_FAIL_PEER_SYNTAX, IKE_X_FATAL);
    }
    if (x->purpose == IKE_DO_DELETE_IKE) {
        ike_sa_down(x->e, x->sa, x->sa->down_cause);
    } else if (x->purpose == IKE_DO_DELETE_CHILD && k) {
        ike_child_down(x->e, k, k->down_cause);
    }
    return IKE_X_OK;
}

/* ---- Requests of the peer ---------------------------------------------------------------------------------------------- */

/* A Delete for an SA that our own open request may be about to learn of: its SPI is remembered until the answer is here. Four
 * are room enough. */
static void remember(struct ike_sa *sa, uint32_t spi)
{
    IKE_LIST_LOOK (struct ike_exchange, own, link, &sa->outstanding) {
        struct ike_setup *s = own->setup;
        if ((own->script == &ike_v2_create_child || own->script == &ike_v2_auth) && s && s->n_early < IKE_COUNT(s->early)) {
            s->early[s->n_early++] = spi;
        }
    }
}

/* Only notes what is meant: nothing is taken down before the answer has left. Repeated SPIs count once, unknown ones are passed
 * over. */
static void take_child_deletes(struct ike_exchange *x, const struct ike_delete *d)
{
    for (unsigned i = 0; i < d->count; i++) {
        uint32_t spi = ike_load32(d->spis + (size_t)i * 4);
        struct ike_child *k = ike_child_by_spi_out(x->sa->peer, d->protocol, spi);
        IKE_WITNESS(ike_collision(x->sa, IKE_RX_DELETE_CHILD, k));
        if (!k) {
            remember(x->sa, spi);
        } else if (!k->established) {
            /* Our exchange that makes it waits for an answer of the host's and takes it back then. */
            k->state = IKE_CHILD_DELETING;
            k->down_cause = IKE_BY_PEER;
        } else {
            k->named = x->sa->id;
        }
    }
}

/* A Delete payload that is malformed makes the whole request so, before any of it is carried out. */
static int take_deletes(struct ike_exchange *x)
{
    const struct ike_payload *p;
    IKE_LIST_LOOK (struct ike_child, k, link, &x->sa->peer->children) {
        k->named = k->named == x->sa->id ? 0 : k->named;
    }
    for (unsigned i = 0; (p = ike_message_find(x->msg, IKE_P_DELETE, i)) != NULL; i++) {
        struct ike_delete d;
        if (ike_delete_parse(&d, p) != IKE_OK) {
            return ike_fault(x, IKE_P_DELETE);
        }
        if (d.protocol == IKE_PROTO_IKE) {
            IKE_WITNESS(ike_collision(x->sa, IKE_RX_DELETE_IKE, NULL));
            x->delete_ike = true;
        } else if ((d.protocol == IKE_PROTO_ESP || d.protocol == IKE_PROTO_AH) && d.spi_len == 4) {
            take_child_deletes(x, &d);
        }
    }
    return IKE_X_OK;
}

static int hand_over_to(struct ike_exchange *x, struct ike_child *heir)
{
    struct ike_engine *e = x->e;
    if (!heir && x->child) { /* it has gone while the data plane thought about it */
        x->child = 0;
        ike_answered(x);
    }
    bool goes = heir && heir->sa == x->sa->id && x->sa->state == IKE_SA_DELETING;
    if (IKE_WITH_QUESTIONS && heir && heir->late_add && !goes) { /* asked for in passing, where nobody waits for it */
        ike_child_uninstall_out(&e->db, heir);
    }
    /* Of what has been asked for the answer counts in any case. */
    if (!heir || (!x->question && (goes || heir->out_installed))) {
        return IKE_X_OK;
    }
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_DONE, &answered);
    int r = !q ? IKE_ERR_NOMEM : answered ? q->result : ike_child_add(&e->db, heir, false, q->token);
    if (ike_pending(r)) {
        /* So that undo knows whose outbound SA it was. */
        x->child = heir->id;
        return IKE_X_PENDING;
    }
    x->child = 0;
    ike_answered(x);
    if (r == IKE_ERR_NOMEM) {
        return ike_trouble(x, r); /* the peer asks again */
    }
    heir->out_at = IKE_NEVER;
    if (r != IKE_OK) {
        ike_child_cannot_send(e, heir, r);
    }
    return IKE_X_OK;
}

/* The peer has rekeyed it while our own rekey is open: the children do not go with it. */
static bool moves(const struct ike_sa *sa)
{
    const struct ike_exchange *own = ike_own_exchange(sa, IKE_DO_REKEY_IKE, 0);
    return own && own->setup && own->setup->rival;
}

/* What is deleted and has been replaced hands over before the answer leaves: the peer receives on the old one no longer then. */
static int hand_over(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    int r = x->child ? hand_over_to(x, ike_child_by_id(e, x->child)) : IKE_X_OK;
    IKE_LIST_EACH (it, tmp, &x->sa->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (r == IKE_X_OK && k->named == x->sa->id) {
            r = hand_over_to(x, ike_child_heir(e, k));
        }
        if (IKE_WITH_DOUBLES && r == IKE_X_OK && x->delete_ike && k->sa == x->sa->id && !moves(x->sa)) {
            r = hand_over_to(x, ike_child_younger(e, k, true));
        }
    }
    return r;
}

/* Nobody waits any more for the heir's outbound SA: it is asked for anew with the peer's repetition, or by the heir's timer. */
static void undo(struct ike_exchange *x)
{
    struct ike_child *heir = x->role == IKE_RESPONDER ? ike_child_by_id(x->e, x->child) : NULL;
    if (heir) {
        ike_child_uninstall_out(&x->e->db, heir);
        heir->out_at = x->e->core.now + 5 * IKE_SEC;
        ike_child_schedule(x->e, heir);
    }
}

/* Errors in a request concern nothing that waits: they are logged. */
static int take_notifies(struct ike_exchange *x)
{
    struct ike_notify n;
    if (ike_message_error(x->msg, &n)) {
        const char *name = ike_word(IKE_REG_NOTIFY, n.type);
        IKE_LOG(&x->e->core, IKE_LOG_EXCHANGE, IKE_LOG_WARN, x->sa->id, "the peer reports %s (%u)", name ? name : "an error",
                (unsigned)n.type);
    }
    if (!x->sa->initiator && ike_message_notify(x->msg, IKE_N_AUTHENTICATION_FAILED, &n)) {
        x->delete_ike = true; /* the initiator did not believe our AUTH and has nothing any more (RFC 7296 section 2.21.2) */
    }
    return IKE_X_OK;
}

static void put_deletes(struct ike_exchange *x, uint8_t protocol)
{
    size_t n = 0, at = 0;
    IKE_LIST_LOOK (const struct ike_child, k, link, &x->sa->peer->children) {
        if (k->named == x->sa->id && k->suite.protocol == protocol && !ike_own_exchange(x->sa, IKE_DO_DELETE_CHILD, k->id)) {
            at = n++ ? at : ike_begin_delete(&x->chain, protocol);
            ike_wr_u32(&x->chain.w, k->spi_in);
        }
    }
    if (n) {
        ike_end_delete(&x->chain, at);
    }
}

/* The answer names the other half of each pair, except those that our own Delete is on its way for: each half is deleted once
 * (RFC 7296 section 1.4.1). */
static int put_response(struct ike_exchange *x)
{
    for (uint8_t protocol = IKE_PROTO_AH; !x->delete_ike && protocol <= IKE_PROTO_ESP; protocol++) {
        put_deletes(x, protocol);
    }
    return IKE_X_OK;
}

/* When the answer has left. The IKE SA lingers: the answer may be lost, and it is still to be repeated. What we had begun to
 * delete ourselves keeps our reason. */
static int carry_out(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    if (x->delete_ike) {
        ike_sa_linger(e, x->sa, x->sa->state == IKE_SA_DELETING ? x->sa->down_cause : IKE_BY_PEER);
        return IKE_X_OK;
    }
    IKE_LIST_EACH (it, tmp, &x->sa->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->named == x->sa->id) {
            ike_child_down(e, k, k->state == IKE_CHILD_DELETING ? k->down_cause : IKE_BY_PEER);
        }
    }
    return IKE_X_OK;
}

/* Fifty Delete payloads are more than any peer needs; every other payload is free and mostly ignored. An empty request is a
 * liveness check. */
static const struct ike_payload_rule any[] = {{IKE_P_DELETE, 0, 50}, {0, 0, 0}};
static const struct ike_form forms[] = {{NULL, any}, {NULL, NULL}};

static ike_action *const request_build[] = {put_request, NULL};
/* Only the hand-over comes before the answer; what is deleted goes when that has left. */
static ike_action *const request_handle[] = {take_notifies, take_deletes, hand_over, NULL};
static ike_action *const response_build[] = {put_response, NULL};
static ike_action *const response_sent[] = {carry_out, NULL};
static ike_action *const response_handle[] = {take_response, NULL};

static const struct ike_step steps[] = {
    {"INFORMATIONAL request", IKE_INITIATOR, NULL, forms, request_handle, request_build, NULL, NULL},
    {"INFORMATIONAL response", IKE_RESPONDER, NULL, forms, response_handle, response_build, NULL, response_sent},
};
const struct ike_script ike_v2_informational = {
    "INFORMATIONAL", 2, IKE_X_INFORMATIONAL, &ike_v2_delivery, steps, 2, 0, NULL, undo, NULL};
