/* SPDX-License-Identifier: ISC
 *
 * Informational (RFC 2409 section 5.7): one message that is not answered, with notifies and deletes; and dead peer detection
 * (RFC 3706), where the answer is another such message.
 */
#include "base/sabotage.h"
#include "exchange/v1/v1.h"
#include "message/names.h"

/* ---- Ours ----------------------------------------------------------------------------------------------------------------- */

static int put_request(struct ike_exchange *x)
{
    struct ike_child *k = ike_child_by_id(x->e, x->child);
    uint32_t spi = k ? k->spi_in : x->spi;
    uint8_t protocol = k ? k->suite.protocol : x->spi_protocol;
    if (x->purpose == IKE_DO_DELETE_CHILD && !spi) {
        return IKE_X_REFUSE; /* the peer was faster */
    }
    ike_v1_hash_begin(x);
    if (x->purpose == IKE_DO_DELETE_IKE) {
        ike_v1_put_delete_isakmp(&x->chain, x->sa->spi_i, x->sa->spi_r);
    } else {
        /* The CPI goes with the others; to name it would be too much for some peers. */
        const struct ike_beside *around = k ? ike_child_has(k, IKE_PROTO_AH) : NULL;
        if (around) {
            ike_v1_put_delete_spis(&x->chain, IKE_PROTO1_AH, &around->spi_in, 1);
        }
        ike_v1_put_delete_spis(&x->chain, protocol, &spi, 1);
    }
    return ike_exchange_seal(x);
}

/* ---- The peer's ----------------------------------------------------------------------------------------------------------- */

/* A child that is still being made, or will be: our answer or the peer's last message is on its way. Of those of ours that are
 * not known by SPI yet any may be meant. */
static void delete_early(struct ike_sa *sa, const struct ike_child *child, uint32_t spi)
{
    IKE_LIST_EACH (it, tmp, &sa->outstanding) {
        struct ike_exchange *x = IKE_OF(it, struct ike_exchange, link);
        struct ike_setup *s = x->setup;
        if (x->script != &ike_v1_quick || !s) {
            continue;
        }
        IKE_WITNESS(ike_witness_met(IKE_MET_EARLY));
        if (child && s->child == child) {
            ike_exchange_abort(x, IKE_X_DROP); /* nothing more comes from the peer */
            return;
        }
        if (!child && x->role == IKE_INITIATOR && s->n_early < IKE_COUNT(s->early)) {
            s->early[s->n_early++] = spi;
        }
    }
}

/* Two of different sides that crossed: the peer may have settled on the one that we take to be replaced, as when the last message
 * that made it was late. Then neither is of use to both, and another is made. */
#define CROSSING (60 * IKE_SEC)

static void remake(struct ike_exchange *x, const struct ike_child *gone)
{
    struct ike_task t = {.purpose = IKE_DO_CHILD};
    int index = ike_conf_child(x->sa->conn->conf, ike_child_conf(gone)->name);
    IKE_LIST_LOOK (const struct ike_child, k, link, &gone->peer->children) {
        if (k->replaced_by == gone->id && k->initiator != gone->initiator && !gone->initiator && !gone->rekeyed && index >= 0 &&
            gone->state == IKE_CHILD_INSTALLED && gone->established - k->established < CROSSING) {
            IKE_WITNESS(ike_witness_met(IKE_MET_REMADE));
            t.index = (uint16_t)index;
            (void)ike_queue(x->e, x->sa, &t);
            return;
        }
    }
}

static void delete_child(struct ike_exchange *x, uint8_t protocol, uint32_t spi)
{
    struct ike_child *child = ike_child_by_spi_out(x->sa->peer, protocol, spi);
    if (child && child->established) {
        remake(x, child);
        ike_child_down(x->e, child, child->state == IKE_CHILD_DELETING ? child->down_cause : IKE_BY_PEER);
    } else {
        delete_early(x->sa, child, spi);
    }
}

/* The peer has thought better of it between phase 1 and the end of what follows. */
static void gone_early(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_conn *conn = x->sa->initiator ? x->sa->conn : NULL;
    ike_blame(c, IKE_FAIL_PEER_REFUSED_AUTH, IKE_DECIDER_PEER);
    ike_blame_expected(c, "XAUTH or Mode-Config to come to its end");
    ike_blame_received(c, "a Delete of the IKE SA");
    ike_exchange_blame(x);
    ike_sa_down(x->e, x->sa, IKE_BY_PEER);
    if (conn) {
        ike_attempt_failed(x->e, conn);
    }
}

/* What is named are the sender's inbound SAs, so our outbound ones. */
static void take_deletes(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    const struct ike_payload *p;
    bool ike = false;
    for (unsigned i = 0; (p = ike_message_find(x->msg, IKE_P1_DELETE, i)) != NULL; i++) {
        struct ike_v1_delete d;
        if (ike_v1_delete_parse(&d, p) != IKE_OK) {
            continue;
        }
        for (unsigned k = 0; k < d.count; k++) {
            const uint8_t *spi = d.spis + (size_t)k * d.spi_len;
            if (d.protocol == IKE_PROTO1_ISAKMP) {
                ike |= ike_load64(spi) == sa->spi_i && ike_load64(spi + 8) == sa->spi_r;
            } else {
                /* Whichever protocol of a bundle it names: none is of use without the others. */
                delete_child(x, d.protocol, d.spi_len == 2 ? ike_load16(spi) : ike_load32(spi));
            }
        }
    }
    if (ike && !sa->established) {
        gone_early(x);
    } else if (ike) {
        ike_sa_down(x->e, sa, sa->state == IKE_SA_DELETING ? sa->down_cause : IKE_BY_PEER);
    }
}

/* R-U-THERE that is out, NULL if none. */
static struct ike_exchange *probing(const struct ike_sa *sa)
{
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        if (x->script == &ike_v1_dpd) {
            return x;
        }
    }
    return NULL;
}

/* Sent at once and not kept. */
void ike_v1_say(struct ike_exchange *x, uint16_t notify, ike_bytes data)
{
    struct ike_sa *sa = x->sa;
    struct ike_exchange y;
    uint8_t cookies[16];
    if (ike_v1_once_begin(&y, x->e, sa, &x->path)) {
        ike_bytes spi = ike_v1_cookies(cookies, sa->spi_i, sa->spi_r);
        ike_v1_put_notify(&y.chain, IKE_PROTO1_ISAKMP, spi, notify, data);
        ike_v1_once_send(&y);
    }
}

/* What it was that the peer refused. */
static void tell_offer(struct ike_core *c, const struct ike_setup *s, uint16_t code)
{
    char a[200], b[200];
    if (code == IKE_FAIL_NO_CHILD_PROPOSAL) {
        ike_child_offer_format(s->conf, s->index, a, sizeof a);
        ike_blame_expected(c, "%s mode, one of our proposals: %s", s->mode == IKE_MODE_TUNNEL ? "tunnel" : "transport", a);
        ike_blame_remedy(c,
                         "give both sides the same `mode` and one child proposal in common, with the same group for PFS or none");
    } else if (code == IKE_FAIL_SELECTORS) {
        ike_ts_list_format(ike_ts_array(&s->local_ts), 1, a, sizeof a);
        ike_ts_list_format(ike_ts_array(&s->remote_ts), 1, b, sizeof b);
        ike_blame_expected(c, "here %s, at the peer %s", a, b);
        ike_blame_remedy(c, "local-net on one side must be remote-net on the other: correct the side that is wrong");
    }
}

/* Which exchange of ours the peer means it does not say: if there is only one, that. A good answer may be under way still. */
static void take_refusal(struct ike_exchange *x, uint16_t notify)
{
    struct ike_core *c = &x->e->core;
    struct ike_exchange *ours = NULL;
    IKE_LIST_LOOK (struct ike_exchange, own, link, &x->sa->outstanding) {
        if ((own->script == &ike_v1_quick || own->script == &ike_v1_new_group) && own->role == IKE_INITIATOR) {
            if (ours) {
                return;
            }
            ours = own;
        }
    }
    if (!ours || ours->noted || ours->msg || ours->question) {
        return;
    }
    const char *name = ike_name(IKE_REG_NOTIFY_V1, notify);
    uint16_t code = ours->script == &ike_v1_new_group         ? IKE_FAIL_KE_GROUP
                    : notify == IKE_N1_NO_PROPOSAL_CHOSEN     ? IKE_FAIL_NO_CHILD_PROPOSAL
                    : notify == IKE_N1_INVALID_ID_INFORMATION ? IKE_FAIL_SELECTORS
                                                              : IKE_FAIL_PEER_ERROR;
    c->blamed = false;
    ike_blame(c, code, IKE_DECIDER_PEER)->notify = notify;
    ike_blame_received(c, "%s (%u)", name ? name : "error", (unsigned)notify);
    tell_offer(c, ours->setup, code);
    ike_exchange_note(ours);
    c->blamed = false;
}

/* Our last message of phase 1 was not what the peer wants: to us the IKE SA is up, to the peer it is not. */
static void take_rejection(struct ike_exchange *x, uint16_t notify)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    c->blamed = false;
    ike_blame(c, IKE_FAIL_PEER_REFUSED_AUTH, IKE_DECIDER_PEER)->notify = notify;
    ike_exchange_blame(x);
    c->blamed = false;
    if (sa->initiator) {
        ike_attempt_failed(x->e, sa->conn);
    }
    ike_sa_down(x->e, sa, IKE_BY_PEER);
}

/* Behind the commit bit (RFC 2408 section 3.1). The SPI is that of the SA on which the peer receives. */
void ike_v1_take_connected(struct ike_exchange *x, const struct ike_v1_notify *n)
{
    struct ike_child *k =
        x->sa->peer && n->spi_len == 4 ? ike_child_by_spi_out(x->sa->peer, n->protocol, ike_load32(n->spi)) : NULL;
    if (k && k->out_at != IKE_NEVER) {
        ike_child_switch(x->e, k);
    }
}

static void take_notify(struct ike_exchange *x, const struct ike_v1_notify *n)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    struct ike_exchange *probe = probing(sa);
    const char *name;
    switch (n->type) {
    case IKE_N1_R_U_THERE:
        ike_v1_say(x, IKE_N1_R_U_THERE_ACK, n->data); /* a peer that misses it asks again */
        break;
    case IKE_N1_R_U_THERE_ACK:
        if (probe && n->data.len == 4 && ike_load32(n->data.ptr) == sa->v1->dpd_sent) {
            ike_exchange_abort(probe, IKE_X_OK);
        }
        break;
    case IKE_N1_CONNECTED:
        ike_v1_take_connected(x, n);
        break;
    case IKE_N1_INITIAL_CONTACT:
        if (sa->peer && sa->conf->s.unique) {
            ike_v1_forget_older(e, sa);
        }
        break;
    case IKE_N1_RESPONDER_LIFETIME:
        ike_v1_take_life(x, n);
        break;
    default:
        name = ike_name(IKE_REG_NOTIFY_V1, n->type);
        if (n->type < IKE_N1_FIRST_STATUS) {
            IKE_LOG(&e->core, IKE_LOG_EXCHANGE, IKE_LOG_WARN, sa->id, "the peer reports %s (%u)", name ? name : "an error",
                    (unsigned)n->type);
            if (n->type == IKE_N1_AUTHENTICATION_FAILED || n->type == IKE_N1_INVALID_SIGNATURE) {
                take_rejection(x, n->type);
            } else {
                take_refusal(x, n->type);
            }
        }
        break;
    }
}

static int take(struct ike_exchange *x)
{
    const struct ike_payload *p;
    for (unsigned i = 0; !x->sa->dead && (p = ike_message_find(x->msg, IKE_P1_NOTIFY, i)) != NULL; i++) {
        struct ike_v1_notify n;
        /* Each may want an answer, or a line in the log. Deletes are always taken: they are said once, and leave less to hold. */
        if (ike_v1_notify_parse(&n, p) == IKE_OK && ike_guard_serves(&x->e->guard, x->sa)) {
            take_notify(x, &n);
        }
    }
    if (!x->sa->dead) {
        take_deletes(x);
    }
    return IKE_X_OK;
}

static const struct ike_payload_rule rules[] = {{IKE_P1_HASH, 1, 1}, {IKE_P1_DELETE, 0, 50}, {0, 0, 0}};
static const struct ike_form forms[] = {{NULL, rules}, {NULL, NULL}};
static ike_action *const build[] = {ike_v1_begin, put_request, NULL};
static ike_action *const handle[] = {ike_exchange_check, take, NULL};
static const struct ike_step steps[] = {{"Informational", IKE_INITIATOR, NULL, forms, handle, build, NULL, NULL}};
const struct ike_script ike_v1_informational = {
    "Informational", 1, IKE_X1_INFORMATIONAL, &ike_v1_delivery, steps, 1, 0, NULL, NULL, NULL};

/* ---- Dead peer detection --------------------------------------------------------------------------------------------------- */

/* The number goes up with each probe; the first is drawn, and low enough to go up for long (RFC 3706 section 6.2). A peer that
 * did not announce it is not asked. */
static int put_probe(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    uint8_t cookies[16], number[4];
    if (!sa->v1->dpd_sent) {
        int r = ike_draw(c, number, sizeof number);
        if (r != IKE_OK) {
            return ike_trouble(x, r);
        }
        sa->v1->dpd_sent = (ike_load32(number) >> 2) + 1;
    } else if (!x->tries) {
        sa->v1->dpd_sent++;
    }
    ike_store32(number, sa->v1->dpd_sent);
    ike_v1_hash_begin(x);
    ike_v1_put_notify(&x->chain, IKE_PROTO1_ISAKMP, ike_v1_cookies(cookies, sa->spi_i, sa->spi_r), IKE_N1_R_U_THERE,
                      ike_bytes_of(number, 4));
    return ike_exchange_seal(x);
}

/* The acknowledgement has a message id of its own: it comes in as an Informational and ends this exchange from there. */
static ike_action *const probe_build[] = {ike_v1_begin, put_probe, NULL};
static const struct ike_step probe_steps[] = {{"R-U-THERE", IKE_INITIATOR, NULL, forms, NULL, probe_build, NULL, NULL},
                                              {"R-U-THERE-ACK", IKE_RESPONDER, NULL, forms, NULL, NULL, NULL, NULL}};
const struct ike_script ike_v1_dpd = {"R-U-THERE", 1,   IKE_X1_INFORMATIONAL, &ike_v1_delivery, probe_steps, 2, 0, NULL,
                                      NULL,        NULL};
