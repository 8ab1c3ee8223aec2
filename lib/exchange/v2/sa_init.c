/* SPDX-License-Identifier: ISC
 *
 * IKE_SA_INIT (RFC 7296 section 1.2). COOKIE and INVALID_KE_PAYLOAD repeat the script in the same setup. The cookie of a
 * responder is checked before there is an SA (input.c), so nothing here runs for a source that has to prove itself first.
 */
#include "exchange/v2/v2.h"
#include "message/names.h"
#include "proposal/offer.h"

/* So many cookies in a row are answered at once. */
#define MAX_COOKIES 3

/* ---- Initiator: request ----------------------------------------------------------------------------------------------- */

/* The first group of the proposals until the peer asks for another; the private value is kept when the group is the same, as
 * after a cookie (RFC 7296 section 2.6). */
static int pick_ke(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const ike_ke *ke = ike_pick_ke(x, x->sa->conf->proposals, 0);
    if (!ke) {
        ike_blame(c, IKE_FAIL_KE_GROUP, IKE_DECIDER_US);
        return IKE_X_REFUSE;
    }
    /* A private value is of no use in another group. */
    if (ke != s->ke) {
        ike_blob_free(c, &s->ke_private);
        ike_blob_free(c, &s->ke_public);
        s->ke = ke;
    }
    return IKE_X_OK;
}

/* The cookie first, all else as before (RFC 7296 section 2.6): the full proposals also after INVALID_KE_PAYLOAD, or somebody
 * between could trim them. */
static int put_request(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    if (s->cookie.len) {
        ike_put_notify(&x->chain, IKE_N_COOKIE, ike_blob_bytes(&s->cookie));
    }
    ike_put_sa(&x->chain, x->sa->conf->proposals, NULL, 0, true, NULL);
    ike_put_own_ke(x);
    ike_put_nonce(x);
    ike_put_nat_detection(x);
    return IKE_X_OK;
}

/* ---- Responder: request ----------------------------------------------------------------------------------------------- */

/* Names the one transform that keeps the nearest proposal from fitting: that is what is to be changed. */
static void blame_no_proposal(struct ike_exchange *x, const struct ike_mismatch *why, const struct ike_payload *sa)
{
    struct ike_core *c = &x->e->core;
    ike_failure *f = ike_blame(c, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
    char ours[200], theirs[200], want[24];
    f->notify = IKE_N_NO_PROPOSAL_CHOSEN;
    if (IKE_WITH_RECORDS) {
        f->transform = why->type;
        f->nearest = why->number;
    }
    IKE_WORDS(ike_proposals_format(x->sa->conf->proposals, ours, sizeof ours));
    IKE_WORDS(ike_sa_payload_format(sa, theirs, sizeof theirs));
    ike_blame_expected(c, "%s", ours);
    ike_blame_received(c, "%s", theirs);
    if (why->type && why->offered[0]) {
        IKE_WORDS(ike_transform_format(why->type, why->offered[0], why->offered_bits[0], want, sizeof want));
        ike_blame_remedy(
            c, "the nearest is the peer's proposal %u, which differs in the %s: add %s to `proposals` here, or change the peer",
            (unsigned)why->number, ike_name(IKE_REG_TRANSFORM_TYPE, why->type), want);
    } else {
        ike_blame_remedy(
            c, "give both sides one proposal in common: add one of the received to `proposals` here, or change the peer");
    }
}

/* The first connection, most specific first, whose addresses fit and which can have one of the peer's proposals. */
static int choose(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_core *c = &e->core;
    struct ike_setup *s = x->setup;
    const struct ike_payload *sa = ike_message_find(x->msg, IKE_P_SA, 0), *ke = ike_message_find(x->msg, IKE_P_KE, 0);
    struct ike_select_args args = {.with_ke = true};
    struct ike_mismatch why, nearest = {0};
    struct ike_conn *first = NULL;
    struct ike_offer offer;
    ike_bytes value;
    /* Its group is preferred among those that fit: no second round then. */
    if (ike_ke_parse(&args.prefer_ke, &value, ke) != IKE_OK) {
        return ike_fault(x, IKE_P_KE);
    }
    /* Once, however many connections are tried against it. */
    int parsed = ike_offer_parse(&offer, sa, false);
    if (parsed == IKE_ERR_PROTO) {
        return ike_fault(x, IKE_P_SA);
    }
    for (struct ike_conn *conn = ike_conn_match(&e->db, &x->path, NULL); conn; conn = ike_conn_match(&e->db, &x->path, conn)) {
        if (!ike_conf_speaks(conn->conf, 2)) {
            continue;
        }
        int r = parsed == IKE_OK ? ike_select_from(conn->conf->proposals, &offer, &args, &s->chosen, &why) : parsed;
        if (r == IKE_OK) {
            ike_sa_bind(&e->db, x->sa, conn);
            return ike_sa_set_suite(c, x->sa, &s->chosen.suite) == IKE_OK
                       ? IKE_X_OK
                       : ike_fatal(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_PROPOSAL);
        }
        if (r == IKE_ERR_PROTO) {
            return ike_fault(x, IKE_P_SA);
        }
        /* The most specific that fits by address is the one that was most likely meant. */
        if (!first) {
            first = conn;
            nearest = IKE_WITH_RECORDS && parsed == IKE_OK ? why : nearest;
        }
    }
    /* It has cost a walk over the connections; many of them in a second have their price. */
    ike_guard_refused(&e->guard);
    /* The same whether no connection fits or no proposal does: strangers do not learn which addresses are configured. */
    x->notify = IKE_N_NO_PROPOSAL_CHOSEN;
    if (first) {
        ike_sa_bind(&e->db, x->sa, first);
        blame_no_proposal(x, &nearest, sa);
    } else {
        char from[64];
        IKE_WORDS(ike_addr_format(&x->path.remote, true, from, sizeof from));
        ike_blame(c, IKE_FAIL_NO_CONNECTION, IKE_DECIDER_US)->notify = x->notify;
        ike_blame_received(c, "IKE_SA_INIT request from %s", from);
        ike_blame_remedy(c, "add a connection with `remote` = that address, or one with `remote = any`%s",
                         IKE_WITH_V1 ? ", that is not for IKEv1 alone (`version`)" : "");
    }
    /* Recorded here all the same, but not told. */
    if (!ike_guard_reply(&e->guard, &x->path.remote)) {
        ike_exchange_blame(x);
        return IKE_X_DROP;
    }
    return IKE_X_FATAL;
}

/* The request is kept as it came: the initiator's AUTH is over it (RFC 7296 section 2.15). */
static int take_request(struct ike_exchange *x)
{
    int r = ike_take_ke(x, x->setup->chosen.suite.ke);
    if (r == IKE_X_OK) {
        r = ike_take_nonce(x);
    }
    if (r == IKE_X_OK) {
        ike_detect_nat(x);
        r = ike_keep(x, &x->setup->init_request, ike_bytes_of(x->msg->data, x->msg->len));
    }
    return r;
}

/* A peer that does not detect a NAT is not told of ours. */
static int put_response(struct ike_exchange *x)
{
    ike_put_sa_answer(&x->chain, &x->setup->chosen.suite, x->setup->chosen.number, NULL, 0);
    ike_put_own_ke(x);
    ike_put_nonce(x);
    if (!x->sa->no_nat_t) {
        ike_put_nat_detection(x);
    }
    return IKE_X_OK;
}

/* ---- Initiator: response ---------------------------------------------------------------------------------------------- */

/* Nothing of an unprotected error can be believed, so it ends nothing at once: it is noted, a good answer may still come
 * for a short while, and then it is the reason that is given (RFC 7296 section 2.21.1). */
static int note_error(struct ike_exchange *x, const struct ike_notify *n)
{
    struct ike_core *c = &x->e->core;
    const char *name = ike_word(IKE_REG_NOTIFY, n->type);
    uint16_t code = ike_code_of(n->type, false);
    /* The first reason stands: a later one may be a forgery to hide it, and as little is known of either. */
    if (!x->noted) {
        char offer[220];
        /* Whatever was drafted in this call is not what the peer says. */
        c->blamed = false;
        ike_blame(c, code, IKE_DECIDER_PEER)->notify = n->type;
        ike_blame_received(c, "%s (%u)", name ? name : "error", (unsigned)n->type);
        if (code == IKE_FAIL_NO_PROPOSAL || code == IKE_FAIL_KE_GROUP) {
            IKE_WORDS(ike_proposals_format(x->sa->conf->proposals, offer, sizeof offer));
            ike_blame_expected(c, "one of our proposals: %s", offer);
            ike_blame_remedy(c, "the peer's log or configuration says what it accepts: put one such proposal into `proposals` "
                                "here, or add one of ours "
                                "there; peers say the same when they have no connection for our address");
        }
        ike_exchange_note(x);
    }
    return IKE_X_DROP;
}

/* 64 octets is the most a cookie may have (RFC 7296 section 2.6). */
static int take_cookie(struct ike_exchange *x, const struct ike_notify *n)
{
    struct ike_core *c = &x->e->core;
    if (n->data.len == 0 || n->data.len > 64) {
        return IKE_X_DROP;
    }
    /* A peer may refuse its own cookies for a while (its clock has just begun): after a few it is asked again only when the
     * repetition timer says so, and not for ever. */
    if (x->setup->cookies >= MAX_COOKIES && x->tries == 0) {
        return IKE_X_DROP;
    }
    x->setup->cookies = (uint8_t)(x->setup->cookies + (x->setup->cookies < UINT8_MAX));
    /* The machine would end it as well, but with nothing to say why. */
    if (x->rounds + 1 >= x->script->max_rounds) {
        ike_blame(c, IKE_FAIL_COOKIES, IKE_DECIDER_PEER)->notify = n->type;
        return IKE_X_REFUSE;
    }
    int r = ike_keep(x, &x->setup->cookie, n->data);
    return r == IKE_X_OK ? IKE_X_AGAIN : r;
}

/* Unprotected, so anybody may have sent it: it can only choose among the groups of our own proposals, and each once. */
static int take_invalid_ke(struct ike_exchange *x, const struct ike_notify *n)
{
    struct ike_setup *s = x->setup;
    uint16_t group = n->data.len == 2 ? ike_load16(n->data.ptr) : 0;
    if (!group || !ike_proposals_has_ke(x->sa->conf->proposals, group) || !ike_find_ke(x->e->core.crypto, group)) {
        return note_error(x, n);
    }
    for (unsigned i = 0; i < s->n_tried; i++) {
        if (s->tried[i] == group) {
            return IKE_X_DROP;
        }
    }
    /* It asks for what it was sent, or has asked for too many: dropped, the repetition timer goes on. */
    if (group == s->ke->id || s->n_tried == IKE_COUNT(s->tried)) {
        return IKE_X_DROP;
    }
    s->tried[s->n_tried++] = s->ke->id;
    s->wanted_ke = group;
    return IKE_X_AGAIN;
}

/* With an SA payload it is an answer, whatever notifies come along. */
static int take_notifies(struct ike_exchange *x)
{
    struct ike_notify n;
    if (ike_message_find(x->msg, IKE_P_SA, 0)) {
        return IKE_X_OK;
    }
    if (ike_message_notify(x->msg, IKE_N_COOKIE, &n)) {
        return take_cookie(x, &n);
    }
    if (ike_message_notify(x->msg, IKE_N_INVALID_KE_PAYLOAD, &n)) {
        return take_invalid_ke(x, &n);
    }
    return ike_message_error(x->msg, &n) ? note_error(x, &n) : IKE_X_DROP;
}

/* spi_r becomes ours to use only here, when all the rest was good; and it must differ from ours, or the answer may be our own
 * request thrown back. */
static int take_answer(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    struct ike_setup *s = x->setup;
    struct ike_select_args args = {.with_ke = true};
    uint64_t spi_r = x->msg->h.spi_r;
    if (spi_r == 0 || spi_r == sa->spi_i ||
        ike_select_check(sa->conf->proposals, ike_message_find(x->msg, IKE_P_SA, 0), &args, &s->chosen) != IKE_OK ||
        s->chosen.suite.ke != s->ke->id) {
        return IKE_X_DROP; /* not authenticated: a better answer may follow */
    }
    int r = ike_take_ke(x, s->ke->id);
    if (r == IKE_X_OK) {
        r = ike_take_nonce(x);
    }
    if (r == IKE_X_OK && ike_sa_set_suite(&e->core, sa, &s->chosen.suite) != IKE_OK) {
        r = IKE_X_DROP;
    }
    if (r == IKE_X_OK) {
        ike_detect_nat(x);
        sa->spi_r = spi_r;
        r = ike_keep(x, &s->init_response, ike_bytes_of(x->msg->data, x->msg->len));
    }
    return r;
}

/* At once, unlike the responder: IKE_AUTH comes next and needs the keys. */
static int derive(struct ike_exchange *x)
{
    int r = ike_compute_shared(&x->e->core, x->setup);
    if (r == IKE_ERR_CRYPTO) {
        x->sa->spi_r = 0;
        return IKE_X_DROP; /* a value that gives no secret (RFC 8031 section 2): anybody can send one, the peer's may follow */
    }
    if (r == IKE_OK) {
        r = ike_derive_sa_keys(&x->e->core, x->sa, x->setup, NULL);
    }
    return ike_outcome(x, r);
}

static const struct ike_script *to_auth(struct ike_exchange *x)
{
    (void)x;
    return &ike_v2_auth;
}

static bool no_sa_payload(const struct ike_exchange *x) { return ike_message_find(x->msg, IKE_P_SA, 0) == NULL; }

static const struct ike_payload_rule full[] = {{IKE_P_SA, 1, 1}, {IKE_P_KE, 1, 1}, {IKE_P_NONCE, 1, 1}, {0, 0, 0}};
/* Other payloads beside an error do no harm. */
static const struct ike_payload_rule notifies[] = {{IKE_P_SA, 0, 0}, {IKE_P_KE, 0, 1}, {IKE_P_NONCE, 0, 1}, {0, 0, 0}};
static const struct ike_form request_forms[] = {{NULL, full}, {NULL, NULL}};
static const struct ike_form response_forms[] = {{no_sa_payload, notifies}, {NULL, full}, {NULL, NULL}};

/* Proposal before value: the group decides what the value has to be. */
static ike_action *const request_handle[] = {choose, take_request, NULL};
static ike_action *const request_build[] = {pick_ke, ike_make_nonce, ike_make_ke, put_request, NULL};
/* Ports last: answers to IKE_SA_INIT come to the port it was sent from, what follows leaves from the other. */
static ike_action *const response_handle[] = {take_notifies, take_answer, derive, ike_float_ports, NULL};
/* Nonce and value are made after all checks: a request that is refused costs no randomness and no key pair. */
static ike_action *const response_build[] = {ike_make_nonce, ike_make_ke, put_response, NULL};

static const struct ike_step steps[] = {
    {"IKE_SA_INIT request", IKE_INITIATOR, NULL, request_forms, request_handle, request_build, NULL, NULL},
    {"IKE_SA_INIT response", IKE_RESPONDER, NULL, response_forms, response_handle, response_build, NULL, NULL},
};
/* Twelve rounds: groups and cookies may take turns, but not for ever. */
const struct ike_script ike_v2_sa_init = {"IKE_SA_INIT", 2, IKE_X_SA_INIT, &ike_v2_delivery, steps, 2, 12, to_auth, NULL, NULL};
