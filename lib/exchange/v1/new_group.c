/* SPDX-License-Identifier: ISC
 *
 * New Group Mode (RFC 2409 section 5.6): a peer proposes a MODP group of its own making, for the key exchanges of Quick Modes
 * that follow. That whoever made a prime cannot compute logarithms in it no check shows; but a peer knows what is agreed on with
 * it anyway. What others could find is checked. Both hashes are made as HASH(1).
 */
#include "exchange/v1/v1.h"

/* ---- Initiator ------------------------------------------------------------------------------------------------------------ */

/* x->state is the group, owned, until the peer has taken it. */
static int put_offer(struct ike_exchange *x)
{
    const struct ike_private_group *g = x->state;
    ike_v1_put_group(&x->chain, g->ke.id, ike_private_group_prime(g), ike_private_group_generator(g));
    return IKE_X_OK;
}

static int take_answer(struct ike_exchange *x)
{
    struct ike_v1_group g;
    if (ike_v1_group_parse(&g, ike_message_find(x->msg, IKE_P1_SA, 0)) != IKE_OK ||
        !ike_private_group_is(x->state, g.id, g.prime, g.generator)) {
        ike_blame_answer(x, IKE_FAIL_KE_GROUP, "an SA payload that is not the group we proposed");
        return ike_refuse(x, IKE_N1_ATTRIBUTES_NOT_SUPPORTED, 0);
    }
    x->sa->v1->group = x->state;
    x->state = NULL;
    return IKE_X_OK;
}

/* ---- Responder ------------------------------------------------------------------------------------------------------------ */

static int refuse(struct ike_exchange *x, uint16_t code, const char *expected, const char *received, const char *remedy)
{
    ike_blame(&x->e->core, code, IKE_DECIDER_US);
    ike_blame_expected(&x->e->core, "%s", expected);
    ike_blame_received(&x->e->core, "%s", received);
    ike_blame_remedy(&x->e->core, "%s", remedy);
    return ike_refuse(x, IKE_N1_ATTRIBUTES_NOT_SUPPORTED, 0);
}

static int take_offer(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    struct ike_v1_group g;
    int r = ike_v1_group_parse(&g, ike_message_find(x->msg, IKE_P1_SA, 0));
    if (r == IKE_ERR_PROTO) {
        return ike_fault(x, IKE_P1_SA);
    }
    if (!sa->conn->conf->s.new_group || !c->crypto->power) {
        return refuse(x, IKE_FAIL_KE_GROUP, "one of the numbered groups", "a group of the peer's own, by New Group Mode",
                      "let the peer use a numbered group, or set new-group = yes");
    }
    if (r == IKE_OK && sa->v1->group && ike_private_group_is(sa->v1->group, g.id, g.prime, g.generator)) {
        return IKE_X_OK; /* there was no memory to say so */
    }
    /* Quick Modes may be using the first one; and the checks are dear. Of two offers that cross neither is taken. */
    if (sa->v1->group_asked || sa->v1->group_proposed || sa->v1->group) {
        return refuse(x, IKE_FAIL_KE_GROUP, "one group for an IKE SA, proposed by one side", "another one",
                      "let the peer make a new IKE SA first");
    }
    if (r == IKE_OK && !ike_guard_checks_group(&x->e->guard)) {
        return refuse(x, IKE_FAIL_LIMIT, "fewer groups in a time from all peers together", "another one",
                      "let the peer propose it later, or use a numbered one"); /* nothing is said of the group */
    }
    r = r == IKE_OK ? ike_private_group_new(&sa->v1->group, c->crypto, &c->mem, &c->rng, g.id, g.prime, g.generator)
                    : IKE_ERR_INVALID;
    sa->v1->group_asked = r == IKE_OK || r == IKE_ERR_INVALID;
    if (r == IKE_ERR_INVALID) {
        return refuse(x, IKE_FAIL_KE_GROUP, "a safe prime of 2048 to 4096 bits, and a generator between 1 and it",
                      "something else", "make the group anew, or let the peer use a numbered one");
    }
    return ike_outcome(x, r);
}

/* The attributes as they were offered. */
static int put_answer(struct ike_exchange *x)
{
    struct ike_v1_group g;
    (void)ike_v1_group_parse(&g, ike_message_find(x->msg, IKE_P1_SA, 0));
    ike_v1_put_sa_answer(&x->chain, &g.choice, IKE_PROTO1_ISAKMP, NULL, 0);
    return IKE_X_OK;
}

/* ---- The script ------------------------------------------------------------------------------------------------------------ */

static int note(struct ike_exchange *x)
{
    const struct ike_private_group *g = x->sa->v1->group;
    IKE_LOG(&x->e->core, IKE_LOG_SA, IKE_LOG_INFO, x->sa->id, "Quick Modes with PFS use group %u from now on, of %zu octets, %s",
            (unsigned)g->ke.id, g->len, x->role == IKE_INITIATOR ? "which we proposed" : "which the peer proposed");
    return IKE_X_OK;
}

static void undo(struct ike_exchange *x)
{
    if (x->role == IKE_INITIATOR) {
        ike_private_group_free(x->state);
        x->state = NULL;
        x->sa->v1->group_proposed = false;
    }
}

static const struct ike_payload_rule rules[] = {{IKE_P1_HASH, 1, 1}, {IKE_P1_SA, 1, 1}, {0, 0, 0}};
static const struct ike_form forms[] = {{NULL, rules}, {NULL, NULL}};
static ike_action *const offer_build[] = {ike_exchange_protect, put_offer, ike_exchange_seal, NULL};
static ike_action *const offer_handle[] = {ike_exchange_check, take_offer, NULL};
static ike_action *const answer_build[] = {ike_exchange_protect, put_answer, ike_exchange_seal, NULL};
static ike_action *const answer_handle[] = {ike_exchange_check, take_answer, note, NULL};
static ike_action *const answer_sent[] = {note, NULL};
static const struct ike_step steps[] = {
    {"New Group Mode 1", IKE_INITIATOR, NULL, forms, offer_handle, offer_build, NULL, NULL},
    {"New Group Mode 2", IKE_RESPONDER, NULL, forms, answer_handle, answer_build, NULL, answer_sent},
};
const struct ike_script ike_v1_new_group = {
    "New Group Mode", 1, IKE_X1_NEW_GROUP, &ike_v1_delivery, steps, 2, 0, NULL, undo, NULL};

int ike_group_start(struct ike_engine *e, ike_sa_id id, uint16_t group, ike_bytes prime, ike_bytes generator)
{
    struct ike_sa *sa = ike_sa_by_id(e, id);
    struct ike_private_group *g;
    int r = ike_v1_may_start(sa);
    r = r == IKE_OK && (sa->v1->group || sa->v1->group_proposed) ? IKE_ERR_EXISTS : r;
    r = r == IKE_OK ? ike_private_group_new(&g, e->core.crypto, &e->core.mem, &e->core.rng, group, prime, generator) : r;
    if (r != IKE_OK) {
        return r;
    }
    sa->v1->group_proposed = true;
    r = ike_v1_start(e, sa, &ike_v1_new_group, g);
    if (r != IKE_OK) {
        sa->v1->group_proposed = false;
        ike_private_group_free(g);
    }
    return r;
}
