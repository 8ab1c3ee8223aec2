/* SPDX-License-Identifier: ISC
 *
 * Local requests: they wait in a queue by priority until the window has room (RFC 7296 section 2.3).
 */
#include "exchange/scripts.h"

/* What would make the same request. Which packet asked makes no difference. */
static bool same(const struct ike_task *a, const struct ike_task *b)
{
    return a->purpose == b->purpose && a->child == b->child && a->spi == b->spi && a->protocol == b->protocol &&
           (a->purpose != IKE_DO_CHILD || a->index == b->index);
}

static struct ike_task *waiting(const struct ike_sa *sa, const struct ike_task *t)
{
    IKE_LIST_LOOK (struct ike_task, w, link, &sa->tasks) {
        if (same(w, t)) {
            return w;
        }
    }
    return NULL;
}

/* Child 0 means any. */
bool ike_task_waiting(const struct ike_sa *sa, uint8_t purpose, ike_child_id child)
{
    IKE_LIST_LOOK (struct ike_task, w, link, &sa->tasks) {
        if (w->purpose == purpose && (!child || w->child == child)) {
            return true;
        }
    }
    return false;
}

/* An SA that goes begins nothing, and its list of tasks has been emptied already. */
static bool pointless(const struct ike_sa *sa, const struct ike_task *t)
{
    return sa->dead || sa->faded || sa->going_down || waiting(sa, t);
}

/* By purpose, the smaller the sooner; among equals in order of asking. So a Delete overtakes what has not begun. */
static void insert(struct ike_engine *e, struct ike_sa *sa, struct ike_task *t)
{
    struct ike_list *at = sa->tasks.next;
    while (at != &sa->tasks && IKE_OF(at, struct ike_task, link)->purpose <= t->purpose) {
        at = at->next;
    }
    ike_list_add(at, &t->link); /* before the first of lower priority */
    ike_sa_schedule(e, sa);
}

int ike_queue(struct ike_engine *e, struct ike_sa *sa, const struct ike_task *t)
{
    if (pointless(sa, t)) {
        return IKE_OK;
    }
    struct ike_task *w = ike_alloc(&e->core, sizeof *w);
    if (!w) {
        return IKE_ERR_NOMEM;
    }
    *w = *t;
    insert(e, sa, w);
    return IKE_OK;
}

/* The task is taken over in any case. */
void ike_queue_owned(struct ike_engine *e, struct ike_sa *sa, struct ike_task *t)
{
    if (pointless(sa, t)) {
        ike_free(&e->core, t, sizeof *t);
    } else {
        insert(e, sa, t);
    }
}

/* TEMPORARY_FAILURE: after a pause with jitter, so that two sides that collided do not collide again; if it goes on too long
 * the IKE SA is of no use (RFC 7296 section 2.25). */
void ike_queue_again(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_core *c = &e->core;
    struct ike_task t = *x->task;
    /* By handle: the child may have gone while the peer was busy. */
    struct ike_child *k = ike_child_by_id(e, t.child);
    if (t.purpose == IKE_DO_REKEY_CHILD && (!k || k->rekeyed || k->state == IKE_CHILD_DELETING || x->setup->rival)) {
        return; /* replaced or on its way out already */
    }
    if (t.purpose == IKE_DO_REKEY_IKE && x->setup->rival) {
        return;
    }
    t.since = t.since ? t.since : c->now;
    if (c->now - t.since > c->set.temporary_limit_ms * IKE_MS) {
        ike_blame(c, IKE_FAIL_TEMPORARY, IKE_DECIDER_PEER);
        ike_close_sa(e, x->sa, IKE_BY_FAILURE);
        return;
    }
    /* Between one and two pauses: both sides wait as long, and would meet again without it. */
    t.not_before = c->now + c->set.temporary_retry_ms * IKE_MS + ike_jitter(c, c->set.temporary_retry_ms) * IKE_MS;
    (void)ike_queue(e, x->sa, &t);
}

/* Those that wait; the ones of open exchanges go with these. */
void ike_tasks_drop(struct ike_engine *e, struct ike_sa *sa)
{
    IKE_LIST_EACH (it, tmp, &sa->tasks) {
        ike_list_del(it);
        ike_free(&e->core, IKE_OF(it, struct ike_task, link), sizeof(struct ike_task));
    }
}

/* A child that is no longer configured is not begun. */
void ike_tasks_reindex(struct ike_engine *e, struct ike_sa *sa, const struct ike_conf *was, const struct ike_conf *is)
{
    IKE_LIST_EACH (it, tmp, &sa->tasks) {
        struct ike_task *t = IKE_OF(it, struct ike_task, link);
        int index = t->purpose == IKE_DO_CHILD ? ike_conf_child(is, was->s.children[t->index].name) : 0;
        if (index < 0) {
            ike_list_del(it);
            ike_free(&e->core, t, sizeof *t);
        } else if (t->purpose == IKE_DO_CHILD) {
            t->index = (uint16_t)index;
        }
    }
}

/* What begins an IKE SA is never queued. */
static const struct ike_script *script_for(const struct ike_version *v, uint8_t purpose)
{
    switch (purpose) {
    case IKE_DO_CHILD:
    case IKE_DO_REKEY_CHILD:
        return v->child;
    case IKE_DO_REKEY_IKE:
        return v->rekey_ike;
    case IKE_DO_LIVENESS:
        return v->liveness;
    default:
        return v->informational;
    }
}

/* Whether a task still makes sense, and the state it puts its object into. */
static bool take_up(struct ike_engine *e, struct ike_sa *sa, const struct ike_task *t)
{
    struct ike_child *k = ike_child_by_id(e, t->child);
    switch (t->purpose) {
    case IKE_DO_REKEY_CHILD:
        /* Without an outbound SA the peer may not know of it yet: our answer that made it may be lost. An attempt that the task
         * waited for may have led to another peer. */
        if (!k || k->rekeyed || k->state != IKE_CHILD_INSTALLED || !k->out_installed || k->peer != sa->peer) {
            return false;
        }
        if (sa->answering && sa->answering->setup && sa->answering->setup->old_child == k->id) {
            return false; /* the peer is at it already */
        }
        k->state = IKE_CHILD_REKEYING;
        return true;
    case IKE_DO_REKEY_IKE:
        if (sa->state != IKE_SA_ESTABLISHED) {
            return false;
        }
        if (!ike_version_of(sa)->rekey_ike) {
            (void)ike_connect_again(e, sa, -1);
            return false;
        }
        sa->state = IKE_SA_REKEYING;
        return true;
    case IKE_DO_DELETE_CHILD:
        return k || t->spi;
    case IKE_DO_CHILD:
        /* An index that no child has any more begins nothing. */
        return t->index < sa->conn->conf->s.n_children;
    default:
        return true;
    }
}

/* It could not begin after all: the object is as it was. */
static void put_back(struct ike_engine *e, struct ike_sa *sa, const struct ike_task *t)
{
    struct ike_child *k = ike_child_by_id(e, t->child);
    if (t->purpose == IKE_DO_REKEY_CHILD && k) {
        k->state = IKE_CHILD_INSTALLED;
    } else if (t->purpose == IKE_DO_REKEY_IKE) {
        sa->state = IKE_SA_ESTABLISHED;
    }
}

/* The settings of a child for a negotiation that begins now: the connection's present ones if it still has the child. */
static void prepare_child(struct ike_exchange *x, const struct ike_task *t)
{
    struct ike_engine *e = x->e;
    struct ike_conf *conf = x->sa->conn->conf;
    struct ike_child *k = ike_child_by_id(e, t->child);
    int index = k ? ike_conf_child(conf, ike_child_conf(k)->name) : t->index;
    if (k && index < 0) {
        /* A child that is no longer configured is rekeyed as it was made, until somebody closes it. */
        conf = k->conf;
        index = k->index;
    }
    (void)ike_child_prepare(x, conf, (uint16_t)index);
    x->setup->old_child = t->child;
    x->setup->has_packet = t->has_packet;
    x->setup->packet_local = t->packet_local;
    x->setup->packet_remote = t->packet_remote;
}

/* Takes the task over: it is put back in the queue, or goes with the exchange. The setup ends with the exchange, as nothing
 * follows on it. */
static void begin(struct ike_engine *e, struct ike_sa *sa, struct ike_task *t)
{
    const struct ike_version *v = ike_version_of(sa);
    const struct ike_script *script = script_for(v, t->purpose);
    bool with_setup = script == v->child || script == v->rekey_ike;
    struct ike_setup *s = with_setup ? ike_setup_new(e) : NULL;
    struct ike_exchange *x = with_setup && !s ? NULL : ike_exchange_new(e, sa, script, IKE_INITIATOR, s);
    if (!x) {
        ike_setup_free(e, s);
        put_back(e, sa, t);
        t->not_before = e->core.now + IKE_SEC; /* memory may be back then */
        ike_queue_owned(e, sa, t);
        return;
    }
    x->owns_setup = true;
    x->task = t;
    x->purpose = t->purpose;
    x->child = t->child;
    x->spi = t->spi;
    x->spi_protocol = t->protocol;
    if (script == v->child) {
        prepare_child(x, t);
    }
    /* Entered before it runs: what ends it must find it there. */
    ike_list_add(&sa->outstanding, &x->link);
    ike_exchange_run(x);
}

/* In IKEv1 the peer's are there as well; they take no room of ours. */
static unsigned own(const struct ike_sa *sa)
{
    unsigned n = 0;
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        n += x->role == IKE_INITIATOR;
    }
    return n;
}

/* Before the SA is up everything waits. A Delete of it and a liveness check go at any time after that; an SA that was replaced
 * only finishes deletes that were asked for on it. */
static bool may_begin(const struct ike_sa *sa, const struct ike_task *t)
{
    if (sa->state == IKE_SA_CONNECTING) {
        return false;
    }
    if (t->purpose == IKE_DO_DELETE_IKE || t->purpose == IKE_DO_LIVENESS) {
        return true;
    }
    if (!sa->reported) {
        return false; /* made by the peer's rekey while ours is open: it is not decided yet whether it stays */
    }
    return sa->state == IKE_SA_ESTABLISHED || sa->state == IKE_SA_REKEYING ||
           (sa->state == IKE_SA_REKEYED && t->purpose == IKE_DO_DELETE_CHILD);
}

/* The first that may begin now, not the first in the list: one that pauses must not hold up the others. Beginning one may end
 * the SA. */
void ike_kick(struct ike_engine *e, struct ike_sa *sa)
{
    while (!sa->dead && !sa->faded && own(sa) < sa->window) {
        struct ike_task *t = NULL;
        IKE_LIST_LOOK (struct ike_task, w, link, &sa->tasks) {
            if (w->not_before <= e->core.now && may_begin(sa, w)) {
                t = w;
                break;
            }
        }
        if (!t) {
            break;
        }
        ike_list_del(&t->link);
        if (take_up(e, sa, t)) {
            begin(e, sa, t);
        } else {
            ike_free(&e->core, t, sizeof *t);
        }
    }
    /* Also when nothing has begun: something may wait for its time. */
    if (!sa->dead) {
        ike_sa_schedule(e, sa);
    }
}
