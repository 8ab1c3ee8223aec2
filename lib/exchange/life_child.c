/* SPDX-License-Identifier: ISC
 *
 * What happens to children between and around exchanges: up, down, replaced, lifetimes, timers.
 */
#include "exchange/scripts.h"

/* Not while a collision is undecided: the host hears of the child that stays, once. A child that replaces one whose UP was
 * never told is an UP itself. */
void ike_child_report(struct ike_engine *e, struct ike_child *k)
{
    struct ike_child *old = ike_child_by_id(e, k->replaces);
    if (k->up_reported || k->contested || k->dead) {
        return;
    }
    k->up_reported = true;
    k->ev.other = k->replaces;
    if (old) {
        old->quiet = true;
    }
    bool again = old && old->up_reported;
    e->core.count.rekeys += again;
    ike_event_post(&e->core, &k->ev, again ? IKE_EV_CHILD_REKEYED : IKE_EV_CHILD_UP);
    ike_log_child_up(&e->core, k);
    if (k->narrowed && !again) {
        ike_log_narrowed(&e->core, k);
    }
}

static void lifetimes(struct ike_engine *e, struct ike_child *k)
{
    const ike_child_settings *s = ike_child_conf(k);
    k->rekey_at =
        ike_rekey_time(&e->core, k->established, k->life_s, s->life_s, s->margin_s, k->conf->s.jitter_pct, k->peers_life);
    k->expires_at = k->life_s ? k->established + k->life_s * IKE_SEC : IKE_NEVER;
}

/* As ike_sa_shorten. How much it may carry, the data plane knows already. */
void ike_child_shorten(struct ike_engine *e, struct ike_child *k, uint32_t life_s)
{
    if (k->established && k->state == IKE_CHILD_INSTALLED && !k->rekeyed && (!k->life_s || life_s < k->life_s)) {
        k->life_s = life_s;
        lifetimes(e, k);
        ike_child_schedule(e, k);
    }
}

/* A close that was asked for while it was being made is carried out now. */
void ike_child_up(struct ike_engine *e, struct ike_child *k)
{
    bool unwanted = k->state == IKE_CHILD_DELETING;
    k->state = IKE_CHILD_INSTALLED;
    k->established = e->core.now;
    lifetimes(e, k);
    ike_child_succeeded(e, k->peer->conn, ike_child_conf(k)->name);
    if (!unwanted || ike_sa_by_id(e, k->sa)) { /* else it goes with the IKE SA, which was closed meanwhile */
        ike_child_report(e, k);
    }
    ike_child_schedule(e, k);
    if (unwanted) {
        ike_close_child(e, k);
    }
}

/* A child that cannot send is of no use and is closed. No exchange fails with it, so the record is made here; unless somebody's
 * draft is open, for that is of another failure. IKE_PENDING: the data plane never answered. */
void ike_child_cannot_send(struct ike_engine *e, struct ike_child *k, int r)
{
    struct ike_core *c = &e->core;
    k->out_installed = false;
    if (k->dead || k->state == IKE_CHILD_DELETING) {
        return;
    }
    if (!c->blamed) {
        ike_failure *f = ike_blame_add(c, false, r);
        f->initiator = k->initiator;
        f->sa = k->sa;
        f->remote = k->path.remote;
        ike_conn_blame(e, k->peer->conn, ike_child_conf(k)->name);
    }
    ike_close_child(e, k);
    k->down_cause = IKE_BY_FAILURE;
}

/* The half that sends, installed by itself: nobody's exchange waits for it. */
static void late_done(struct ike_core *c, struct ike_question *q)
{
    struct ike_engine *e = IKE_OF(c, struct ike_engine, core);
    struct ike_child *k = q->owner;
    int r = q->result;
    k->late_add = NULL;
    k->out_at = IKE_NEVER;
    ike_question_drop(c, q, false);
    if (r != IKE_OK) {
        ike_child_cannot_send(e, k, r);
    }
    ike_child_schedule(e, k);
}

/* More than one thing may call for it: the Delete of the one before, from either side, or the time for another try. Only the
 * first does anything. What the data plane may have installed without a word is taken out. */
void ike_child_switch(struct ike_engine *e, struct ike_child *k)
{
    struct ike_core *c = &e->core;
    const struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    if (IKE_WITH_QUESTIONS && k->late_add && k->out_at > c->now) {
        return;
    }
    k->out_at = IKE_NEVER;
    if (IKE_WITH_QUESTIONS && k->late_add) {
        ike_child_uninstall_out(&e->db, k);
        ike_child_cannot_send(e, k, IKE_PENDING);
        return;
    }
    /* Or it goes with its IKE SA. */
    bool goes = k->state == IKE_CHILD_DELETING || (sa && !ike_sa_is_v1(sa) && sa->state == IKE_SA_DELETING);
    if (k->dead || goes || ike_child_straggles(k) || k->out_installed) {
        return;
    }
    struct ike_question *q = IKE_WITH_QUESTIONS ? ike_question_new(c, IKE_Q_DONE, k, late_done) : &c->unasked;
    int r = q ? ike_child_add(&e->db, k, false, q->token) : IKE_ERR_NOMEM;
    if (ike_pending(r)) {
        k->late_add = q;
        k->out_at = ike_question_until(c);
    } else if (IKE_WITH_QUESTIONS && q) {
        q->answered = true;
        ike_question_drop(c, q, false);
    }
    /* Memory may be back in a second; a refusal will be the same. */
    if (r == IKE_ERR_NOMEM) {
        k->out_at = c->now + IKE_SEC;
    } else if (r != IKE_OK && !ike_pending(r)) {
        ike_child_cannot_send(e, k, r);
    }
    ike_child_schedule(e, k);
}

/* What took over from k, or will: while our own rekey of k is open, the SA that the peer's rekey made is not entered as its
 * heir yet. */
struct ike_child *ike_child_heir(const struct ike_engine *e, const struct ike_child *k)
{
    struct ike_child *heir = ike_child_by_id(e, k->replaced_by);
    IKE_LIST_LOOK (struct ike_child, other, link, &k->peer->children) {
        if (!heir && other->replaces == k->id && !other->rekeyed && other->state == IKE_CHILD_INSTALLED) {
            heir = other;
        }
    }
    return heir && heir->sa == k->sa ? heir : NULL;
}

static bool same_traffic(const ike_ts *a, const ike_ts *b, size_t n)
{
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        same &= ike_ts_within(&a[i], &b[i]) && ike_ts_within(&b[i], &a[i]);
    }
    return same;
}

/* The same child, made on another IKE SA of the peer. */
static bool alike(const struct ike_child *k, const struct ike_child *other)
{
    return k->sa != other->sa && k->n_local == other->n_local && k->n_remote == other->n_remote &&
           strcmp(ike_child_conf(k)->name, ike_child_conf(other)->name) == 0 &&
           same_traffic(ike_child_local(k), ike_child_local(other), (size_t)k->n_local + k->n_remote);
}

/* Another that still sends in the place of k, which the peer has made; not `but`, or any of its IKE SA. NULL: none. */
static struct ike_child *sender(const struct ike_child *k, const struct ike_child *but, bool with_sa)
{
    IKE_LIST_LOOK (struct ike_child, other, link, &k->peer->children) {
        bool goes = other->state == IKE_CHILD_DELETING || other == but || (with_sa && other->sa == but->sa);
        if (ike_child_sends(other) && !goes && alike(k, other)) {
            return other;
        }
    }
    return NULL;
}

struct ike_child *ike_child_elder(const struct ike_child *k) { return IKE_WITH_DOUBLES ? sender(k, NULL, false) : NULL; }

/* The peer has been heard since on the IKE SA that it was made on, so that it most likely has it. */
static bool confirmed(const struct ike_engine *e, const struct ike_child *k)
{
    const struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    return sa && sa->last_in > k->established;
}

/* Of those that wait for k to go before they send the newest that the peer is known to have. NULL: none, or they wait for yet
 * another, of the same IKE SA perhaps, unless that goes with k. */
struct ike_child *ike_child_younger(const struct ike_engine *e, const struct ike_child *k, bool with_sa)
{
    const struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    struct ike_child *best = NULL;
    if (!IKE_WITH_DOUBLES || !sa || ike_sa_is_v1(sa)) {
        return NULL;
    }
    IKE_LIST_LOOK (struct ike_child, other, link, &k->peer->children) {
        bool waits = other->late_add || (other->out_at != IKE_NEVER && !other->out_installed);
        if (waits && other->state != IKE_CHILD_DELETING && alike(k, other)) {
            bool sure = confirmed(e, other), best_sure = best && confirmed(e, best);
            best = !best || (sure == best_sure ? other->number > best->number : sure) ? other : best;
        }
    }
    return best && k->out_installed && !sender(best, k, with_sa) ? best : NULL;
}

/* Whoever takes over must send before this one is gone, or packets would be lost between the two. */
static void leave(struct ike_engine *e, struct ike_child *k, uint8_t cause)
{
    const struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    struct ike_child *heir = ike_child_heir(e, k);
    k->down_cause = cause;
    if (heir) {
        heir->contested = false;
        ike_child_switch(e, heir);
        ike_child_report(e, heir);
        k->quiet = true;
    } else if ((heir = ike_child_younger(e, k, sa && sa->going_down))) {
        ike_child_switch(e, heir);
    }
    if (k->up_reported && !k->quiet) {
        k->ev.cause = cause;
        k->ev.failed = cause == IKE_BY_FAILURE || cause == IKE_BY_TIMEOUT;
        ike_event_post(&e->core, &k->ev, IKE_EV_CHILD_DOWN);
        ike_log_child_down(&e->core, k, cause);
    }
    k->quiet = true;
}

void ike_child_down(struct ike_engine *e, struct ike_child *k, uint8_t cause)
{
    struct ike_conn *conn = k->peer->conn;
    if (k->dead) {
        return;
    }
    leave(e, k, cause);
    ike_child_retire(&e->db, k);
    ike_keep_up(e, conn);
}

/* A Delete of IKEv1 is not answered. The peer may not have seen that a child was replaced: until the Delete has reached it we
 * receive on, and as that may have been lost, the peer is told once more. */
#define STRAGGLE (5 * IKE_SEC)

void ike_child_told(struct ike_engine *e, struct ike_child *k)
{
    if (!k->rekeyed || e->core.closing) {
        ike_child_down(e, k, k->down_cause);
    } else if (!k->told) {
        k->told = 1;
        leave(e, k, k->down_cause);
        ike_child_uninstall_out(&e->db, k);
        k->expires_at = e->core.now + STRAGGLE;
        ike_child_schedule(e, k);
    }
}

static void tell_again(struct ike_engine *e, struct ike_child *k, struct ike_sa *sa)
{
    struct ike_task t = {.purpose = IKE_DO_DELETE_CHILD, .child = k->id};
    k->expires_at = e->core.now + STRAGGLE;
    if (k->told++ == 1 && sa && ike_queue(e, sa, &t) == IKE_OK) {
        ike_kick(e, sa);
    } else {
        ike_child_down(e, k, k->down_cause);
    }
}

void ike_close_child_later(struct ike_engine *e, struct ike_child *k)
{
    k->state = k->rekeyed ? IKE_CHILD_REKEYED : IKE_CHILD_INSTALLED;
    k->expires_at = e->core.now + IKE_SEC;
    ike_child_schedule(e, k);
}

/* The Delete goes over the IKE SA that the child belongs to now; without one there is nobody to tell. */
int ike_close_child(struct ike_engine *e, struct ike_child *k)
{
    struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    struct ike_task t = {.purpose = IKE_DO_DELETE_CHILD, .child = k->id};
    if (k->state == IKE_CHILD_DELETING) {
        return IKE_OK;
    }
    if (!k->established) { /* the exchange that makes it holds it: it goes when it is up */
        k->state = IKE_CHILD_DELETING;
        k->down_cause = IKE_BY_LOCAL;
        return IKE_OK;
    }
    struct ike_child *heir = ike_child_heir(e, k);
    heir = heir ? heir : ike_child_younger(e, k, false);
    if (heir) {
        ike_child_switch(e, heir); /* the peer stops receiving on this one when it has our Delete */
    }
    k->state = IKE_CHILD_DELETING;
    k->down_cause = k->rekeyed ? IKE_BY_REPLACEMENT : IKE_BY_LOCAL;
    k->rekey_at = k->expires_at = IKE_NEVER;
    if (!sa) {
        ike_child_down(e, k, k->down_cause);
    } else if (ike_queue(e, sa, &t) == IKE_OK) {
        ike_kick(e, sa);
    } else {
        ike_close_child_later(e, k);
        return IKE_ERR_NOMEM;
    }
    return IKE_OK;
}

/* Of IKEv1, it has outlived its IKE SA. One that is not up yet is still held by the exchange that makes it: over the IKE SA that
 * the one now gone had replaced. */
void ike_close_orphan(struct ike_engine *e, struct ike_child *k)
{
    if (ike_sa_by_id(e, k->sa)) {
        return;
    }
    if (k->established) {
        ike_child_down(e, k, IKE_BY_LOCAL);
    } else {
        (void)ike_close_child(e, k);
    }
}

void ike_child_schedule(struct ike_engine *e, struct ike_child *k)
{
    if (!k->dead) {
        ike_timer_set(&e->core.wheel, &k->timer, ike_earlier(ike_earlier(k->rekey_at, k->expires_at), k->out_at));
    }
}

/* A child of IKEv1 may have outlived its IKE SA: over which it can be rekeyed. Only over one of its own peer, as of a connection
 * with many. */
static struct ike_sa *sa_for(struct ike_engine *e, const struct ike_child *k)
{
    struct ike_conn *conn = k->peer->conn;
    IKE_LIST_LOOK (struct ike_sa, sa, peer_link, &k->peer->sas) {
        if (ike_sa_is_v1(sa) && sa->state == IKE_SA_ESTABLISHED && !sa->replaced_by && ike_sa_same_host(sa, &k->path)) {
            return sa;
        }
    }
    if (!conn->connecting && !conn->removed) {
        (void)ike_connect(e, conn, -1, NULL);
    }
    return conn->connecting && ike_sa_is_v1(conn->connecting) ? conn->connecting : NULL;
}

/* A peer that was heard on the older IKE SA meanwhile still has it, and may not have our answer that made this child. If it is
 * ours to end that SA, it would wait for us in vain. */
static bool put_off(struct ike_engine *e, struct ike_child *k)
{
    const struct ike_child *older = ike_child_elder(k);
    const struct ike_sa *sa = older ? ike_sa_by_id(e, older->sa) : NULL, *own = ike_sa_by_id(e, k->sa);
    ike_time until = k->established + IKE_ELDER_GOES;
    bool ours = sa && own && sa->initiator && ike_sa_crossed(sa, own);
    if (!sa || ike_sa_is_v1(sa) || ours || k->late_add || sa->last_in < k->established || until <= e->core.now) {
        return false;
    }
    k->out_at = until;
    return true;
}

/* In this order: a child that has to take over sending does so before anything ends. */
void ike_child_timer(struct ike_engine *e, struct ike_child *k)
{
    ike_time now = e->core.now;
    struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    if (IKE_WITH_V1 && (!sa || (ike_sa_is_v1(sa) && sa->replaced_by)) && !k->dead && k->rekey_at <= now) {
        sa = sa_for(e, k);
    }
    if (k->out_at <= now && !put_off(e, k)) {
        ike_child_switch(e, k);
    }
    if (!k->dead && ike_child_straggles(k) && k->expires_at <= now) {
        tell_again(e, k, sa);
    } else if (!k->dead && k->expires_at <= now) {
        ike_close_child(e, k);
    } else if (!k->dead && k->rekey_at <= now) {
        struct ike_task t = {.purpose = IKE_DO_REKEY_CHILD, .child = k->id};
        k->rekey_at = IKE_NEVER;
        if (!k->out_installed) { /* the peer may not know of it yet: our answer that made it can be lost */
            k->rekey_at = now + 5 * IKE_SEC;
            ike_child_schedule(e, k);
            return;
        }
        /* Should it fail, another try is made half-way to the end. */
        if (k->expires_at != IKE_NEVER && k->expires_at - now > 20 * IKE_SEC) {
            k->rekey_at = now + (k->expires_at - now) / 2;
        }
        if (sa && !k->rekeyed && k->state == IKE_CHILD_INSTALLED) {
            if (ike_queue(e, sa, &t) == IKE_OK) {
                ike_kick(e, sa);
            } else {
                k->rekey_at = now + IKE_SEC;
            }
        }
    }
    ike_child_schedule(e, k);
}
