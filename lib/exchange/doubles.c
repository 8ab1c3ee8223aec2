/* SPDX-License-Identifier: ISC
 *
 * Doubles: two IKE SAs with one peer, because both sides began at once, the peer came back, or one side proves anew who it is.
 */
#include "exchange/scripts.h"

/* Up, and neither replaced nor on its way out. */
static bool usable(const struct ike_sa *sa)
{
    return !sa->replaced_by && (sa->state == IKE_SA_ESTABLISHED || sa->state == IKE_SA_REKEYING);
}

/* Both sides began at once: each sees the same two SAs. The one with the lower initiator SPI goes, deleted by its initiator;
 * RFC 7296 does not say so, and a peer may not know it: when it has not done it by then, we do. */
#define YIELD (10 * IKE_SEC)
/* How long it is waited for children that are being made on the one that stays, before these are looked at again. */
#define AT_WORK (1 * IKE_SEC)

/* Begun by different sides, and the second before the first was up: neither side knew of the other's. Both see it alike. One of
 * IKEv2 that came of a rekey was not begun when it was made. */
bool ike_sa_crossed(const struct ike_sa *older, const struct ike_sa *newer)
{
    bool rekeyed = !ike_sa_is_v1(older) && (older->replaces || newer->replaces);
    return !rekeyed && older->initiator != newer->initiator && newer->created < older->established;
}

/* Whether the peer may have an SA of it already: our proof has left. In IKEv1 it does as soon as there are keys. */
static bool is_proved(const struct ike_sa *own, const struct ike_exchange *x)
{
    return ike_sa_is_v1(own) ? own->keys != NULL : x->script == ike_version_of(own)->authenticate && x->sent;
}

/* The peer connected while our own attempt had not got as far as the proof: that attempt ends, as the peer knows of nothing
 * that it would have to delete. Later than that both SAs come up, and ike_sa_crossed() holds on both sides. */
void ike_abandon_attempt(struct ike_engine *e, struct ike_sa *sa)
{
    struct ike_sa *own = sa->conn->connecting;
    struct ike_exchange *x =
        own && !ike_list_empty(&own->outstanding) ? IKE_OF(own->outstanding.next, struct ike_exchange, link) : NULL;
    if (sa->initiator || !x || is_proved(own, x)) {
        return;
    }
    struct ike_setup *s = own->setup;
    struct ike_task t = {.purpose = IKE_DO_CHILD, .index = s->index};
    bool missing = s->with_child && s->conf == sa->conn->conf && !ike_child_live(sa->conn, s->conf->s.children[s->index].name);
    IKE_LIST_EACH (it, tmp, &own->tasks) { /* what was asked for meanwhile goes on over the SA that is there */
        struct ike_task *waits = IKE_OF(it, struct ike_task, link);
        ike_list_del(it);
        ike_queue_owned(e, sa, waits);
    }
    ike_sa_down(e, own, IKE_BY_REPLACEMENT);
    if (missing) {
        (void)ike_queue(e, sa, &t);
    }
}

/* Another IKE SA with the same host that takes new work. */
static bool is_double(const struct ike_sa *sa, const struct ike_sa *other)
{
    return other && other != sa && usable(other) && ike_sa_same_host(sa, &other->path);
}

/* The child of that name on one of these that is of use; one that sends first of all. */
static struct ike_child *elsewhere(const struct ike_engine *e, const struct ike_sa *from, const char *name)
{
    struct ike_child *best = NULL;
    IKE_LIST_LOOK (struct ike_child, k, link, &from->peer->children) {
        if (is_double(from, ike_sa_by_id(e, k->sa)) && (!k->rekeyed || k->out_installed) && k->state != IKE_CHILD_DELETING &&
            strcmp(ike_child_conf(k)->name, name) == 0 && (!best || ike_child_sends(k))) {
            best = k;
        }
    }
    return best;
}

/* By name, as the settings may have changed; a child that is no longer configured is not made anew, nor one that was refused
 * already. */
static int ask_for(struct ike_engine *e, const struct ike_sa *from, struct ike_sa *to, const char *name)
{
    int index = ike_conf_child(to->conn->conf, name);
    struct ike_task t = {.purpose = IKE_DO_CHILD, .index = (uint16_t)index};
    bool refused = index >= 0 && to->conn->want[index].pause.failed;
    bool there = elsewhere(e, from, name) || ike_sa_plans(to, index, name);
    return index < 0 || refused || there ? IKE_OK : ike_queue(e, to, &t);
}

/* Children that would go with the IKE SA that is given up are made anew on the one that stays. IKE_ERR_NOMEM: not all. */
static int carry_over(struct ike_engine *e, struct ike_sa *from, struct ike_sa *to)
{
    const struct ike_setup *s = from->setup;
    int r = s && s->with_child ? ask_for(e, from, to, s->conf->s.children[s->index].name) : IKE_OK;
    IKE_LIST_LOOK (struct ike_child, k, link, &from->peer->children) {
        if (r == IKE_OK && k->sa == from->id && !k->rekeyed && k->state != IKE_CHILD_DELETING) {
            r = ask_for(e, from, to, ike_child_conf(k)->name);
        }
    }
    return r;
}

/* Of the others the one that came up last, as that is the one that was made anew; one that is to go itself only for want of
 * another. */
static struct ike_sa *double_of(const struct ike_sa *sa)
{
    struct ike_sa *best = NULL;
    IKE_LIST_LOOK (struct ike_sa, other, peer_link, &sa->peer->sas) {
        bool goes = other->yield_at != IKE_NEVER, best_goes = best && best->yield_at != IKE_NEVER;
        bool better = !best || (goes == best_goes ? other->established > best->established : best_goes);
        if (is_double(sa, other) && better) {
            best = other;
        }
    }
    return best;
}

/* An exchange is open that may change which children it has. */
static bool at_work(const struct ike_sa *sa)
{
    bool open = sa->answering;
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        open |= x->purpose != IKE_DO_LIVENESS;
    }
    return open;
}

/* Of a child there is another that does not send yet. */
static bool too_early(const struct ike_engine *e, const struct ike_sa *sa)
{
    IKE_LIST_LOOK (const struct ike_child, k, link, &sa->peer->children) {
        const struct ike_child *other = k->sa == sa->id ? elsewhere(e, sa, ike_child_conf(k)->name) : NULL;
        if (other && !ike_child_sends(other)) {
            return true;
        }
    }
    return false;
}

/* The peer receives on its children no longer when it has the Delete. */
static void stop_sending(struct ike_engine *e, const struct ike_sa *sa)
{
    IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
        const struct ike_child *other = k->sa == sa->id ? elsewhere(e, sa, ike_child_conf(k)->name) : NULL;
        if (other && ike_child_sends(other)) {
            ike_child_uninstall_out(&e->db, k);
        }
    }
}

static void yield_at(struct ike_engine *e, struct ike_sa *sa, ike_time at)
{
    sa->yield_at = ike_earlier(sa->yield_at, at);
    ike_sa_schedule(e, sa);
}

/* When it is ours to end it for the other: at once, or should the peer not have done so by then. If both sides began at once it
 * is for who began this one, else for who began the other. */
static ike_time ours_at(const struct ike_sa *sa, const struct ike_sa *stays)
{
    bool older = sa->established < stays->established;
    bool crossed = older ? ike_sa_crossed(sa, stays) : ike_sa_crossed(stays, sa);
    bool ours = crossed ? sa->initiator : stays->initiator;
    return ours ? 0 : stays->established + (crossed ? YIELD : IKE_ELDER_GOES);
}

/* Not before what it has is there without it. The double may have gone meanwhile: then this one stays. */
void ike_sa_yield(struct ike_engine *e, struct ike_sa *sa)
{
    struct ike_sa *stays = usable(sa) ? double_of(sa) : NULL;
    sa->yield_at = IKE_NEVER;
    if (!stays) {
        return;
    }
    if (ours_at(sa, stays) > e->core.now) {
        yield_at(e, sa, ours_at(sa, stays));
        return;
    }
    bool waits = carry_over(e, sa, stays) != IKE_OK;
    ike_kick(e, stays);
    waits |= !usable(stays) || at_work(stays) || ike_task_waiting(stays, IKE_DO_CHILD, 0);
    if (waits || at_work(sa) || too_early(e, sa)) {
        yield_at(e, sa, e->core.now + AT_WORK);
    } else {
        stop_sending(e, sa);
        ike_close_sa(e, sa, IKE_BY_REPLACEMENT);
    }
}

/* How many go already for one that sa takes the place of; where none goes, how many stand beside it. */
static unsigned going(const struct ike_sa *sa)
{
    unsigned n = 0;
    IKE_LIST_LOOK (const struct ike_sa, other, peer_link, &sa->peer->sas) {
        n += is_double(sa, other) && (!IKE_WITH_DOUBLES || (other->yield_at != IKE_NEVER && !ike_sa_crossed(other, sa)));
    }
    return n;
}

/* A peer that comes back again and again does not fill the table: the oldest goes, and the peer is told once. */
static void end_oldest(struct ike_engine *e, struct ike_sa *oldest)
{
    (void)ike_close_sa(e, oldest, IKE_BY_REPLACEMENT);
    ike_sa_down(e, oldest, IKE_BY_REPLACEMENT);
}

/* Of an older SA and one that has just come up. One side may prove itself anew while the other does; but a peer has three at
 * most. */
static void settle(struct ike_engine *e, struct ike_sa *sa, struct ike_sa *other)
{
    const struct ike_task check = {.purpose = IKE_DO_LIVENESS};
    if (ike_sa_crossed(other, sa)) {
        if (sa->conf->s.unique) {
            yield_at(e, other->spi_i < sa->spi_i ? other : sa, e->core.now + 1);
        }
    } else if (!sa->initiator && other->yield_at != IKE_NEVER && going(sa) > 1) {
        end_oldest(e, other);
    } else {
        yield_at(e, other, e->core.now + 1);
        if (!sa->initiator) {
            (void)ike_queue(e, other, &check);
            ike_kick(e, other);
        }
    }
}

/* A peer that connects again has lost the old SA, as after a restart, or proves anew who it is (RFC 7296 section 2.8.3). In the
 * first case it says so with INITIAL_CONTACT and the old ones go silently (section 2.4). In the other children are made on the
 * new SA by who began it before the old ones are deleted, by whom it is that comes to it first. Only what shares both
 * authenticated identities is touched; where several hosts may have them, the one that began tells which SA it replaces. */
void ike_settle_doubles(struct ike_engine *e, struct ike_sa *sa, bool initial_contact)
{
    if (!sa->peer || !(sa->conf->s.unique || sa->initiator)) {
        return;
    }
    const struct ike_peer *peer = sa->peer; /* outlives this call, whatever becomes of sa */
    if (IKE_WITH_DOUBLES && sa->conf->s.unique) {
        ike_abandon_attempt(e, sa);
    }
    IKE_LIST_EACH (it, tmp, &peer->sas) {
        struct ike_sa *other = IKE_OF(it, struct ike_sa, peer_link);
        if (!usable(sa) || !is_double(sa, other)) {
            continue;
        }
        if (initial_contact && other->established <= sa->created) {
            ike_sa_down(e, other, IKE_BY_REPLACEMENT); /* the peer knows nothing of it any more */
        } else if (IKE_WITH_DOUBLES) {
            settle(e, sa, other);
        } else if (!sa->initiator && going(sa) > 2) {
            end_oldest(e, other);
        }
    }
}
