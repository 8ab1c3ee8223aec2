/* SPDX-License-Identifier: ISC
 *
 * CREATE_CHILD_SA for the rekey of an IKE SA (RFC 7296 sections 1.3.2, 2.8.2, 2.18).
 */
#include "base/sabotage.h"
#include "exchange/v2/v2.h"
#include "message/names.h"

/* Made before its keys: the offer has to name its SPI. The NAT is the old SA's, for a rekey detects none; the path is taken
 * over later, as it may change until then. */
static int new_sa(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_sa *old = x->sa, *sa = x->setup->new_sa;
    if (!sa) {
        sa = ike_sa_new(&e->db, x->role == IKE_INITIATOR, &old->path);
        if (!sa) {
            bool full = e->core.count.sas >= e->core.set.max_sas;
            return full ? ike_refuse(x, IKE_N_NO_ADDITIONAL_SAS, IKE_FAIL_LIMIT) : ike_trouble(x, IKE_ERR_NOMEM);
        }
        x->setup->new_sa = sa;
        sa->nat_local = old->nat_local;
        sa->nat_remote = old->nat_remote;
        sa->ours_fake_nat = old->ours_fake_nat;
        sa->no_nat_t = old->no_nat_t;
        /* The connection's settings of now, not those the old SA began with. */
        ike_sa_bind(&e->db, sa, old->conn);
        /* The SPI is entered in the look-up at once: the peer may use the new SA as soon as it has our answer. */
        int r = ike_sa_draw_spi(&e->db, sa);
        if (r != IKE_OK) {
            return ike_trouble(x, r);
        }
    }
    return IKE_X_OK;
}

/* The group the peer asked for, the present one if it is still allowed, or our first. An IKE SA is never
 * rekeyed without a key exchange (RFC 7296 section 1.3.2). */
static int pick_ke(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    s->ke = ike_pick_ke(x, x->sa->conf->proposals, x->sa->suite.ke);
    return s->ke ? IKE_X_OK : ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_KE_GROUP);
}

static int put_request(struct ike_exchange *x)
{
    uint8_t spi[8];
    ike_store64(spi, x->setup->new_sa->spi_i);
    /* The current algorithms first: a peer that derives keys with the old PRF then agrees with us all the same. */
    ike_put_sa(&x->chain, x->sa->conf->proposals, spi, 8, true, &x->sa->suite);
    ike_put_nonce(x);
    ike_put_own_ke(x);
    return IKE_X_OK;
}

/* One rekey soon after another happens; a peer that does nothing else is told to wait. */
#define HASTE     (5 * IKE_SEC)
#define HASTY_MAX 8

/* Counted along the chain of SAs, since each is rekeyed only once. */
static uint8_t hasty(const struct ike_sa *sa, ike_time now)
{
    return now - sa->established >= HASTE ? 0 : (uint8_t)(sa->hasty + (sa->hasty < UINT8_MAX));
}

/* What is cheap to refuse comes first: limits, then collisions, then the offer, then the value. */
static int choose(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    const struct ike_payload *ke = ike_message_find(x->msg, IKE_P_KE, 0), *sa = ike_message_find(x->msg, IKE_P_SA, 0);
    struct ike_select_args args = {.spi_len = 8, .with_ke = true, .prefer = &x->sa->suite};
    struct ike_mismatch why;
    ike_bytes value;
    if (!ike_guard_serves(&x->e->guard, x->sa) || hasty(x->sa, c->now) > HASTY_MAX ||
        ike_collision(x->sa, IKE_RX_REKEY_IKE, NULL) == IKE_LATER) {
        /* No blame: the peer asks again later (RFC 7296 section 2.25). */
        x->notify = IKE_N_TEMPORARY_FAILURE;
        return IKE_X_REFUSE;
    }
    if (ike_ke_parse(&args.prefer_ke, &value, ke) != IKE_OK) {
        return ike_fault(x, IKE_P_KE);
    }
    /* The suite of now is preferred, as in our own offers. */
    int r = ike_select(x->sa->conf->proposals, sa, &args, &s->chosen, &why);
    if (r == IKE_ERR_PROTO) {
        return ike_fault(x, IKE_P_SA);
    }
    if (r != IKE_OK) {
        /* Both in full: which transform differs a reader sees for himself. */
        char ours[200], theirs[200];
        ike_blame(c, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
        IKE_WORDS(ike_proposals_format(x->sa->conf->proposals, ours, sizeof ours));
        IKE_WORDS(ike_sa_payload_format(sa, theirs, sizeof theirs));
        ike_blame_expected(c, "%s", ours);
        ike_blame_received(c, "%s", theirs);
        return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_PROPOSAL);
    }
    /* Nonce and value are looked at only when the proposal is settled: by it they are judged. */
    int k = ike_take_ke(x, s->chosen.suite.ke);
    return k == IKE_X_OK ? ike_take_nonce(x) : k;
}

/* SPIs, suite and keys of the new SA; both sides have everything for it now. An SPI of 0 or equal to our own cannot name the SA.
 */
static int derive(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = s->new_sa;
    uint64_t peer_spi = ike_load64(s->chosen.spi);
    if (peer_spi == 0 || peer_spi == ike_sa_own_spi(sa)) {
        return ike_fault(x, IKE_P_SA);
    }
    *(sa->initiator ? &sa->spi_r : &sa->spi_i) = peer_spi;
    int r = ike_sa_set_suite(c, sa, &s->chosen.suite);
    if (r == IKE_OK) {
        r = ike_compute_shared(c, s);
    }
    if (r == IKE_OK) {
        r = ike_derive_sa_keys(c, sa, s, x->sa);
    }
    return r == IKE_OK ? IKE_X_OK : ike_keys_failed(x, r);
}

static int put_response(struct ike_exchange *x)
{
    uint8_t spi[8];
    ike_store64(spi, x->setup->new_sa->spi_r);
    ike_put_sa_answer(&x->chain, &x->setup->chosen.suite, x->setup->chosen.number, spi, 8);
    ike_put_nonce(x);
    ike_put_own_ke(x);
    return IKE_X_OK;
}

/* From here on undo does not take it back. Its message ids begin at 0 (RFC 7296 section 2.18), and so do its lifetimes; the
 * path is that of now. */
static struct ike_sa *take_new(struct ike_exchange *x)
{
    struct ike_sa *sa = x->setup->new_sa;
    x->setup->new_sa = NULL;
    sa->state = IKE_SA_ESTABLISHED;
    sa->established = x->e->core.now;
    sa->replaces = x->sa->id;
    sa->path = x->sa->path;
    sa->last_in = x->sa->last_in;
    sa->asked = x->sa->asked; /* the limit is the peer's, not the SA's */
    sa->hasty = hasty(x->sa, x->e->core.now);
    ike_sa_join(&x->e->db, sa, x->sa->peer);
    ike_sa_lifetimes(x->e, sa);
    return sa;
}

/* The answer has left, so the peer may use the new SA at once. If our own rekey is open, which SA stays is decided when that
 * ends. */
static int answered(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_exchange *own = ike_own_exchange(x->sa, IKE_DO_REKEY_IKE, 0);
    struct ike_sa *sa = take_new(x);
    /* The lower of the two nonces is all that the decision needs; without memory for it the peer's rekey loses here. */
    if (own && own->setup) {
        own->setup->rival = true;
        own->setup->rival_sa = sa->id;
        (void)ike_blob_set(&e->core, &own->setup->rival_nonce, ike_lower_nonce(x->setup));
    } else {
        ike_sa_replaced(e, x->sa, sa);
        x->sa->expires_at = e->core.now + 180 * IKE_SEC;
    }
    ike_sa_schedule(e, x->sa);
    return IKE_X_OK;
}

/* As with a child: whatever the error, the IKE SA stays, but for INVALID_SYNTAX. Its end by lifetime still comes. */
static int take_errors(struct ike_exchange *x)
{
    struct ike_notify n;
    if (ike_message_find(x->msg, IKE_P_SA, 0)) {
        return IKE_X_OK;
    }
    if (!ike_message_error(x->msg, &n)) {
        return ike_fault(x, IKE_P_SA);
    }
    int r = ike_take_create_error(x, &n, x->sa->conf->proposals);
    if (r != IKE_X_OK) {
        return r;
    }
    const char *name = ike_word(IKE_REG_NOTIFY, n.type);
    r = ike_peer_said(x, &n, ike_code_of(n.type, false), IKE_X_REFUSE);
    ike_blame_received(&x->e->core, "%s (%u)", name ? name : "error", (unsigned)n.type);
    return r;
}

/* One of our proposals, with the group that we sent a value for; its PRF is the one that nonce and keys are judged by. */
static int take_answer(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_select_args args = {.spi_len = 8, .with_ke = true};
    if (ike_select_check(x->sa->conf->proposals, ike_message_find(x->msg, IKE_P_SA, 0), &args, &s->chosen) != IKE_OK ||
        s->chosen.suite.ke != s->ke->id) {
        ike_blame(&x->e->core, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
        ike_blame_received(&x->e->core, "an SA payload that is not one of our proposals");
        return IKE_X_REFUSE;
    }
    int r = ike_take_ke(x, s->ke->id);
    return r == IKE_X_OK ? ike_take_nonce(x) : r;
}

/* Of two rekeys that crossed the one with the lowest nonce is redundant and is deleted by its initiator, on itself (RFC 7296
 * section 2.8.2). Children move only now, when it is known where to. The initiator of the rekey that stays deletes the old SA. */
static int replace(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    struct ike_sa *rival = ike_sa_by_id(e, s->rival_sa), *old = x->sa;
    /* The rival may have ended meanwhile; then there is nothing to lose to. */
    bool lost = s->rival && rival && s->rival_nonce.len && ike_nonce_less(ike_lower_nonce(s), ike_blob_bytes(&s->rival_nonce));
    struct ike_sa *sa = take_new(x);
    s->rival = false;
    if (lost && !IKE_SABOTAGED(LOWEST_NONCE)) {
        ike_sa_replaced(e, old, rival);
        if (IKE_SABOTAGED(CHILDREN_LEFT)) {
            ike_move_children(e, rival, sa);
        }
        old->expires_at = e->core.now + 180 * IKE_SEC; /* the winner deletes it */
        sa->replaced_by = rival->id;
        ike_close_sa(e, sa, IKE_BY_REPLACEMENT);
    } else {
        ike_sa_replaced(e, old, sa);
        if (rival) {
            /* Its initiator deletes it; should it not, we do after three minutes. */
            rival->replaced_by = sa->id;
            rival->state = IKE_SA_REKEYED;
            rival->expires_at = e->core.now + 180 * IKE_SEC;
            ike_sa_schedule(e, rival);
        }
        ike_close_sa(e, old, IKE_BY_REPLACEMENT);
    }
    ike_sa_schedule(e, old);
    return IKE_X_OK;
}

/* Ours failed, but the peer's stands: then that is the rekey. Otherwise the old SA is as before. */
static void undo(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_setup *s = x->setup;
    if (s->new_sa) {
        ike_sa_retire(&e->db, s->new_sa);
        s->new_sa = NULL;
    }
    struct ike_sa *rival = ike_sa_by_id(e, s->rival_sa);
    if (s->rival && rival && x->role == IKE_INITIATOR) {
        s->rival = false;
        ike_sa_replaced(e, x->sa, rival);
        x->sa->expires_at = e->core.now + 180 * IKE_SEC;
        ike_sa_schedule(e, x->sa);
    } else if (x->role == IKE_INITIATOR && x->sa->state == IKE_SA_REKEYING) {
        x->sa->state = IKE_SA_ESTABLISHED;
    }
}

static bool refusal(const struct ike_exchange *x) { return ike_message_find(x->msg, IKE_P_SA, 0) == NULL; }

/* Which of the two kinds of CREATE_CHILD_SA a request is, the protocol of its proposal says. */
static const struct ike_payload_rule full[] = {{IKE_P_SA, 1, 1}, {IKE_P_NONCE, 1, 1}, {IKE_P_KE, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule refused[] = {{IKE_P_SA, 0, 0}, {0, 0, 0}};
static const struct ike_form request_forms[] = {{NULL, full}, {NULL, NULL}};
static const struct ike_form response_forms[] = {{refusal, refused}, {NULL, full}, {NULL, NULL}};

static ike_action *const request_build[] = {new_sa, pick_ke, ike_make_nonce, ike_make_ke, put_request, NULL};
static ike_action *const request_handle[] = {choose, new_sa, ike_make_nonce, ike_make_ke, derive, NULL};
static ike_action *const response_build[] = {put_response, NULL};
static ike_action *const response_sent[] = {answered, NULL};
/* Nothing of ours is replaced before its keys are there. */
static ike_action *const response_handle[] = {take_errors, take_answer, derive, replace, NULL};

static const struct ike_step steps[] = {
    {"CREATE_CHILD_SA request (rekey IKE)", IKE_INITIATOR, NULL, request_forms, request_handle, request_build, NULL, NULL},
    {"CREATE_CHILD_SA response (rekey IKE)", IKE_RESPONDER, NULL, response_forms, response_handle, response_build, NULL,
     response_sent},
};
const struct ike_script ike_v2_rekey_ike = {
    "CREATE_CHILD_SA", 2, IKE_X_CREATE_CHILD_SA, &ike_v2_delivery, steps, 2, 4, NULL, undo, NULL};
