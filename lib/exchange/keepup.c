/* SPDX-License-Identifier: ISC
 *
 * Keep up: children with start = yes are begun, and begun again after a pause that doubles, for as long as they are wanted.
 */
#include "base/sabotage.h"
#include "exchange/scripts.h"

/* One that is about to go for a double is used when there is no other. Of the same rank the one that was heard on last is
 * preferred: a Delete of the others may be lost, and of IKEv1's nobody repeats it. */
static bool preferred(const struct ike_sa *sa, const struct ike_sa *best)
{
    bool yields = IKE_WITH_DOUBLES && sa->yield_at != IKE_NEVER;
    bool best_yields = IKE_WITH_DOUBLES && best && best->yield_at != IKE_NEVER;
    return !best || (yields == best_yields ? sa->last_in >= best->last_in : best_yields);
}

/* Of those that take new work, which one that was replaced or is on its way out does not. */
struct ike_sa *ike_conn_usable_sa(const struct ike_conn *conn)
{
    struct ike_sa *best = NULL;
    IKE_LIST_LOOK (struct ike_sa, sa, bound_link, &conn->bound) {
        if (!sa->replaced_by && (sa->state == IKE_SA_ESTABLISHED || sa->state == IKE_SA_REKEYING) && preferred(sa, best)) {
            best = sa;
        }
    }
    return best;
}

/* A child of IKEv1 has outlived its IKE SA. */
bool ike_conn_orphaned(const struct ike_conn *conn)
{
    IKE_LIST_LOOK (struct ike_peer, p, link, &conn->peers) {
        IKE_LIST_LOOK (struct ike_child, k, link, &p->children) {
            if (!k->sa) {
                return true;
            }
        }
    }
    return false;
}

/* By name in an exchange that runs, whose settings may be older; by place in a task, which is moved along when they change. */
bool ike_sa_plans(const struct ike_sa *sa, int index, const char *child)
{
    IKE_LIST_LOOK (struct ike_task, t, link, &sa->tasks) {
        if (t->purpose == IKE_DO_CHILD && t->index == index) {
            return true;
        }
    }
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        struct ike_setup *s = x->setup;
        if (s && s->with_child && !s->old_child && strcmp(s->conf->s.children[s->index].name, child) == 0) {
            return true;
        }
    }
    return false;
}

/* On whichever IKE SA: that of which the peer was heard last when it was asked for need not be that of now. */
static bool planned(const struct ike_conn *conn, const char *child)
{
    int index = ike_conf_child(conn->conf, child);
    IKE_LIST_LOOK (const struct ike_sa, sa, bound_link, &conn->bound) {
        if (sa->state != IKE_SA_DELETING && ike_sa_plans(sa, index, child)) {
            return true;
        }
    }
    return false;
}

/* Up, begun, or waiting to begin: asking twice for the same child would make two. */
bool ike_conn_busy(const struct ike_conn *conn, const char *child)
{
    return ike_child_live(conn, child) || planned(conn, child);
}

/* Over an attempt that is under way the child waits until that is up; it does not begin a second one. */
int ike_begin_child(struct ike_engine *e, struct ike_conn *conn, int index, const struct ike_task *packet)
{
    struct ike_sa *sa = ike_conn_usable_sa(conn), *trying = conn->connecting;
    struct ike_task t = {.purpose = IKE_DO_CHILD};
    if (packet) {
        t = *packet;
        t.purpose = IKE_DO_CHILD;
    }
    if (index < 0) {
        return sa || trying ? IKE_OK : ike_connect(e, conn, -1, NULL);
    }
    t.index = (uint16_t)index;
    if (sa || trying) {
        int r = ike_queue(e, sa ? sa : trying, &t);
        if (r == IKE_OK && sa) {
            ike_kick(e, sa);
        }
        return r;
    }
    return ike_connect(e, conn, index, packet);
}

/* Only what is to be there always. Children made on demand come with the next packet. */
static bool wanted(const struct ike_conn *conn, size_t i)
{
    return conn->conf->s.children[i].start == IKE_START_YES && !conn->want[i].held;
}

static bool alone(const struct ike_conn *conn)
{
    return !conn->connecting && !ike_conn_usable_sa(conn) && ike_conf_speaks(conn->conf, 1) && ike_conn_orphaned(conn);
}

/* What is wanted lacks: the child, or over a child that is there the IKE SA, without which nobody finds out that the peer is
 * gone; and the peer may be one that cannot begin. A connection that waits for many peers wants nothing, and is not walked. */
static bool lacks(const struct ike_conn *conn, size_t i)
{
    return wanted(conn, i) && (alone(conn) || !ike_conn_busy(conn, conn->conf->s.children[i].name));
}

/* Pauses double, and are drawn at random around that so that many peers of one that comes back do not come at once: between
 * half and one and a half times the pause. */
static void lengthen(struct ike_core *c, struct ike_pause *p)
{
    uint64_t ms = c->set.retry_first_ms;
    p->failed++;
    if (!IKE_WITH_KEEPUP) {
        return; /* nobody waits for it; doubles.c wants to know who was refused */
    }
    for (uint32_t i = 1; i < p->failed && ms < c->set.retry_max_ms; i++) {
        ms *= 2;
    }
    ms = ms < c->set.retry_max_ms ? ms : c->set.retry_max_ms;
    p->until = IKE_SABOTAGED(NEVER_AGAIN) ? IKE_NEVER : c->now + (ms / 2 + ike_jitter(c, (uint32_t)ms + 1)) * IKE_MS;
}

/* When a child may be begun: neither it nor, where there is no IKE SA yet, that is in a pause. A peer that lets go of each IKE SA
 * at once does not make us go round and round. */
static ike_time may_begin_at(const struct ike_engine *e, const struct ike_conn *conn, size_t i)
{
    ike_time at = conn->want[i].pause.until, again = conn->began + e->core.set.retry_first_ms * IKE_MS;
    /* With an IKE SA at hand or on its way only the child's own pause counts. */
    if (ike_conn_usable_sa(conn) || conn->connecting) {
        return at;
    }
    at = conn->pause.until > at ? conn->pause.until : at;
    return conn->began && again > at ? again : at;
}

/* Called after whatever may have changed what is there; it only sets the timer, so it can be called from anywhere. A
 * connection that may have many peers has nobody to begin with. */
void ike_keep_up(struct ike_engine *e, struct ike_conn *conn)
{
    struct ike_core *c = &e->core;
    ike_time first = IKE_NEVER;
    if (!IKE_WITH_KEEPUP || conn->removed || c->closing || !ike_conn_is_single(conn)) {
        return;
    }
    for (size_t i = 0; i < conn->n_want; i++) {
        if (lacks(conn, i)) {
            ike_time at = may_begin_at(e, conn, i);
            first = at < first ? at : first;
        }
    }
    if (first != IKE_NEVER && first <= c->now) {
        first = c->now + 1; /* not within the call that found it missing */
    }
    ike_timer_set(&c->wheel, &conn->timer, first);
}

/* The pause is the connection's: no child of it is tried meanwhile. */
void ike_attempt_failed(struct ike_engine *e, struct ike_conn *conn)
{
    lengthen(&e->core, &conn->pause);
    ike_keep_up(e, conn);
}

/* NULL when the settings no longer have it. */
static struct ike_pause *pause_of(struct ike_conn *conn, const char *child)
{
    int i = ike_conf_child(conn->conf, child);
    return i >= 0 && (size_t)i < conn->n_want ? &conn->want[i].pause : NULL;
}

/* The pause is the child's alone: the IKE SA stands, and others may use it. */
void ike_child_failed(struct ike_engine *e, struct ike_conn *conn, const char *child)
{
    struct ike_pause *p = pause_of(conn, child);
    if (p) {
        lengthen(&e->core, p);
    }
    ike_keep_up(e, conn);
}

/* The connection works, so its own pause ends as well. */
void ike_child_succeeded(struct ike_engine *e, struct ike_conn *conn, const char *child)
{
    struct ike_pause *p = pause_of(conn, child);
    if (IKE_WITH_KEEPUP) {
        conn->pause = (struct ike_pause){0, 0};
    }
    if (p) {
        *p = (struct ike_pause){0, 0};
    }
    ike_keep_up(e, conn);
}

bool ike_child_pauses(const struct ike_engine *e, const struct ike_conn *conn, int index)
{
    return may_begin_at(e, conn, (size_t)index) > e->core.now;
}

/* One that cannot even begin counts as a failed attempt, or it would be tried again at once and for ever. */
void ike_conn_timer(struct ike_engine *e, struct ike_conn *conn)
{
    if (!IKE_WITH_KEEPUP || conn->removed || e->core.closing) {
        return;
    }
    for (size_t i = 0; i < conn->n_want; i++) {
        bool there = ike_conn_busy(conn, conn->conf->s.children[i].name);
        if (lacks(conn, i) && !ike_child_pauses(e, conn, (int)i) &&
            (there ? ike_connect(e, conn, -1, NULL) : ike_begin_child(e, conn, (int)i, NULL)) != IKE_OK) {
            ike_attempt_failed(e, conn);
            return;
        }
    }
    ike_keep_up(e, conn); /* for those that pause */
}
