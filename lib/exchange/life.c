/* SPDX-License-Identifier: ISC
 *
 * What happens to IKE SAs between and around exchanges: up, down, replaced, lifetimes, timers. Children are in life_child.c.
 */
#include "exchange/scripts.h"

/* How long the answer to a Delete can be asked for again: as long as the peer repeats it. */
#define LINGER (180 * IKE_SEC)

/* When to begin a rekey of what has been up since `up`: life - margin, and a random part of the margin earlier, so that peers do
 * not rekey in step. A life that the peer asked for is its to renew: should it not, we do when a twentieth is left. own_s is the
 * life that the margin was configured for: of one that was agreed to be shorter it is the same share. */
ike_time ike_rekey_time(struct ike_core *c, ike_time up, uint64_t life_s, uint64_t own_s, uint64_t margin_s, uint8_t jitter_pct,
                        bool peers)
{
    if (!life_s) {
        return IKE_NEVER;
    }
    if (IKE_WITH_V1 && peers) {
        return up + life_s * 950 * IKE_MS;
    }
    if (IKE_WITH_V1 && own_s > life_s) {
        margin_s = margin_s * life_s / own_s;
    }
    /* A margin that leaves no life would rekey without end. */
    if (margin_s >= life_s) {
        margin_s = life_s / 10;
    }
    /* In milliseconds, as one that is short would otherwise not spread at all. */
    uint64_t spread_ms = margin_s * 1000 * jitter_pct / 100;
    uint64_t at_ms = (life_s - margin_s) * 1000;
    uint64_t early = ike_jitter(c, (uint32_t)(spread_ms < UINT32_MAX ? spread_ms : UINT32_MAX - 1) + 1);
    return up + (at_ms > early ? at_ms - early : at_ms) * IKE_MS;
}

/* Where from and where to. The host is asked for its address at each attempt, as that may change with the network. On port
 * 4500 of the peer the exchange begins encapsulated (RFC 7296 section 2.23). */
int ike_find_path(struct ike_core *c, const struct ike_conn *conn, ike_path *path)
{
    *path = (ike_path){.local = conn->conf->s.local, .remote = conn->remote};
    path->remote.port = path->remote.port ? path->remote.port : c->set.port;
    path->encap = path->remote.port == c->set.encap_port;
    uint16_t port = path->encap ? c->set.local_encap_port : c->set.local_port;
    int r = IKE_OK;
    /* A configured address is not questioned: the host may have several. */
    if (!path->local.family && c->set.host.route) {
        path->local.port = port;
        ike_hook_enter(c);
        r = c->set.host.route(c->set.host.user, path);
        ike_hook_leave(c);
    }
    path->local.port = port;
    if (r != IKE_OK) {
        char peer[64];
        IKE_WORDS(ike_addr_format(&path->remote, false, peer, sizeof peer));
        ike_blame(c, IKE_FAIL_NO_ROUTE, IKE_DECIDER_HOST)->error = r;
        ike_blame_expected(c, "a local address that leads to %s", peer);
        ike_blame_remedy(c, "give this machine a route to %s, or set `local`", peer);
    }
    return r;
}

/* Of two that it may speak we begin with the newer, unless there are children that only an IKE SA of the older can take care of.
 */
static uint8_t first_version(const struct ike_conn *conn)
{
    bool old = ike_conf_speaks(conn->conf, 1) && ike_conn_orphaned(conn);
    return ike_conf_speaks(conn->conf, 2) && !old ? 2 : 1;
}

/* An attempt that did not come as far as its first message failed nonetheless. */
static int not_begun(struct ike_engine *e, struct ike_conn *conn, int index, const ike_path *path, int r)
{
    ike_failure *f = ike_blame(&e->core, IKE_FAIL_NO_MEMORY, IKE_DECIDER_HOST);
    f->initiator = 1;
    f->version = first_version(conn);
    f->remote = path->remote;
    r = r != IKE_OK ? r : f->code == IKE_FAIL_LIMIT ? IKE_ERR_LIMIT : IKE_ERR_NOMEM;
    ike_conn_blame(e, conn, index >= 0 ? conn->conf->s.children[index].name : NULL);
    return r;
}

/* The child goes with the IKE SA in IKEv2, and waits for it as a task in IKEv1. */
static int with_child(struct ike_exchange *x, struct ike_conn *conn, uint16_t index, const struct ike_task *packet)
{
    struct ike_setup *s = x->setup;
    if (ike_sa_is_v1(x->sa)) {
        struct ike_task t = packet ? *packet : (struct ike_task){0};
        t.purpose = IKE_DO_CHILD;
        t.index = index;
        return ike_queue(x->e, x->sa, &t);
    }
    int r = ike_child_prepare(x, conn->conf, index);
    if (packet) {
        s->has_packet = packet->has_packet;
        s->packet_local = packet->packet_local;
        s->packet_remote = packet->packet_remote;
    }
    return r;
}

static int prepare(struct ike_engine *e, struct ike_sa *sa, uint8_t version)
{
    sa->version = version;
    sa->setup = ike_setup_new(e);
    bool whole = sa->setup;
#if IKE_WITH_V1
    whole &= version != 1 || ike_v1_sa_init(&e->core, sa);
#endif
    return whole ? ike_sa_draw_spi(&e->db, sa) : IKE_ERR_NOMEM;
}

/* On an error nothing is left but the record. */
static int connect(struct ike_engine *e, struct ike_conn *conn, int index, const struct ike_task *packet, uint8_t version)
{
    ike_path path;
    /* There is nobody to send to. */
    if (!ike_conn_is_single(conn)) {
        return IKE_ERR_INVALID;
    }
    /* What failed before in this call, another connection's attempt for one, is not the cause here. */
    e->core.blamed = false;
    int r = ike_find_path(&e->core, conn, &path);
    struct ike_sa *sa = r == IKE_OK ? ike_sa_new(&e->db, true, &path) : NULL;
    if (!sa) {
        return not_begun(e, conn, index, &path, r);
    }
    ike_sa_bind(&e->db, sa, conn);
    r = prepare(e, sa, version);
    struct ike_exchange *x = r == IKE_OK ? ike_exchange_new(e, sa, ike_version_of(sa)->connect, IKE_INITIATOR, sa->setup) : NULL;
    if (!x) {
        r = not_begun(e, conn, index, &path, r);
        ike_sa_down(e, sa, IKE_BY_FAILURE);
        return r;
    }
    /* Before it runs: a failure on the way looks there. */
    conn->connecting = sa;
    conn->began = e->core.now;
    x->purpose = IKE_DO_INIT;
    ike_list_add(&sa->outstanding, &x->link);
    if (index >= 0 && with_child(x, conn, (uint16_t)index, packet) != IKE_OK) {
        r = not_begun(e, conn, index, &path, IKE_ERR_NOMEM);
        ike_sa_down(e, sa, IKE_BY_FAILURE);
        return r;
    }
    ike_exchange_run(x);
    return IKE_OK;
}

int ike_connect(struct ike_engine *e, struct ike_conn *conn, int index, const struct ike_task *packet)
{
    return connect(e, conn, index, packet, first_version(conn));
}

int ike_connect_again(struct ike_engine *e, struct ike_sa *sa, int index)
{
    bool may = !sa->conn->connecting && !sa->conn->removed;
    return may ? connect(e, sa->conn, index, NULL, sa->version) : IKE_ERR_STATE;
}

/* Each side keeps its own: lifetimes are not negotiated (RFC 7296 section 2.8). In IKEv1 they are. */
void ike_sa_lifetimes(struct ike_engine *e, struct ike_sa *sa)
{
    const ike_conn_settings *s = &sa->conf->s;
    const uint64_t life_s = ike_sa_is_v1(sa) ? sa->v1->life_s : s->life_s;
    const bool peers = ike_sa_is_v1(sa) && sa->v1->peers_life;
    sa->rekey_at = ike_rekey_time(&e->core, sa->established, life_s, s->life_s, s->margin_s, s->jitter_pct, peers);
    sa->expires_at = life_s ? sa->established + life_s * IKE_SEC : IKE_NEVER;
}

/* IKEv1: the responder has less for it than we asked for. One that crossed another and goes soon does not live longer for it. */
void ike_sa_shorten(struct ike_engine *e, struct ike_sa *sa, uint32_t life_s)
{
    bool lives = sa->state == IKE_SA_CONNECTING || (sa->state == IKE_SA_ESTABLISHED && !sa->replaced_by);
    if (lives && (!sa->v1->life_s || life_s < sa->v1->life_s)) {
        sa->v1->life_s = life_s;
        /* Before it is up: it counts from then on. */
        if (sa->established && sa->established + life_s * IKE_SEC < sa->expires_at) {
            ike_sa_lifetimes(e, sa);
            ike_sa_schedule(e, sa);
        }
    }
}

/* Called from more than one place on the way of IKE_AUTH; only the first counts. */
void ike_sa_up(struct ike_engine *e, struct ike_sa *sa)
{
    if (sa->state != IKE_SA_CONNECTING) {
        return;
    }
    sa->state = IKE_SA_ESTABLISHED;
    sa->established = e->core.now;
    /* The place among the half-open and the source's count are given back; the SA counts as real from now on. */
    ike_sa_half_open(&e->db, sa, false);
    if (!sa->initiator) {
        ike_guard_closed(&e->guard, &sa->path.remote);
    }
    if (sa->conn->connecting == sa) {
        sa->conn->connecting = NULL;
    }
    ike_sa_lifetimes(e, sa);
    e->core.count.handshakes++;
    if (!sa->replaces) { /* else it is told when it has taken over */
        sa->reported = true;
        ike_event_post(&e->core, &sa->ev, IKE_EV_SA_UP);
        ike_log_sa_up(&e->core, sa);
    }
    ike_sa_schedule(e, sa);
}

bool ike_make_room(struct ike_engine *e)
{
    struct ike_sa *sa = e->db.n_half_open >= e->core.set.max_half_open ? ike_guard_victim(&e->guard, &e->db) : NULL;
    if (sa) {
        ike_sa_down(e, sa, IKE_BY_TIMEOUT);
    }
    return e->db.n_half_open < e->core.set.max_half_open;
}

/* One that runs this very moment is only marked and ends by itself, so it must be off the list first. */
static void abort_exchanges(struct ike_engine *e, struct ike_sa *sa)
{
    (void)e;
    while (!ike_list_empty(&sa->outstanding)) {
        struct ike_exchange *x = IKE_OF(sa->outstanding.next, struct ike_exchange, link);
        ike_list_del(&x->link);
        ike_exchange_abort(x, IKE_X_DROP);
    }
    if (sa->answering) {
        struct ike_exchange *x = sa->answering;
        sa->answering = NULL;
        ike_exchange_abort(x, IKE_X_DROP);
    }
}

/* Another IKE SA of IKEv1 that stands with the same peer: the one it was heard on last, as the Delete of others may be lost. */
struct ike_sa *ike_v1_other_sa(const struct ike_sa *gone)
{
    struct ike_sa *best = NULL;
    if (gone->peer) {
        IKE_LIST_LOOK (struct ike_sa, sa, peer_link, &gone->peer->sas) {
            bool stands = sa != gone && ike_sa_is_v1(sa) && sa->state == IKE_SA_ESTABLISHED && !sa->replaced_by;
            stands = stands && ike_sa_same_host(sa, &gone->path);
            best = stands && (!best || sa->last_in > best->last_in) ? sa : best;
        }
    }
    return best;
}

/* IPsec SAs of IKEv1 do not hang on the IKE SA (RFC 2408 section 5.15): another that the peer has takes them now, or the next;
 * and of those that were replaced one that has not gone yet, as when the two sides do not agree which of two stays. */
static ike_sa_id adopter(const struct ike_sa *gone)
{
    const struct ike_sa *other = ike_v1_other_sa(gone);
    ike_sa_id replaced = 0;
    IKE_LIST_LOOK (const struct ike_sa, sa, peer_link, &gone->peer->sas) {
        if (sa != gone && ike_sa_is_v1(sa) && sa->state == IKE_SA_REKEYED && ike_sa_same_host(sa, &gone->path)) {
            replaced = sa->id;
        }
    }
    return other ? other->id : replaced;
}

/* The order: nothing waits or runs any more, then the children, then the SA. going_down keeps what ends on the way from
 * beginning it again; keep-up comes last, when the look-ups know that it is gone. */
static void take_down(struct ike_engine *e, struct ike_sa *sa, uint8_t cause, bool linger)
{
    if (sa->dead || sa->faded || sa->going_down) {
        return;
    }
    struct ike_conn *conn = sa->conn;
    sa->going_down = true;
    abort_exchanges(e, sa); /* a simultaneous rekey of the peer's takes over the children here, and what waits to be done */
    ike_tasks_drop(e, sa);
    if (sa->peer) {
        bool outlive = ike_sa_is_v1(sa) && (cause == IKE_BY_PEER || cause == IKE_BY_REPLACEMENT);
        IKE_LIST_EACH (it, tmp, &sa->peer->children) {
            struct ike_child *k = IKE_OF(it, struct ike_child, link);
            /* And nothing is left that would say so to the peer. */
            bool deleting = k->state == IKE_CHILD_DELETING && !ike_child_straggles(k);
            /* Also one that an exchange of the SA that this one replaced still makes. */
            if (k->sa == sa->id && outlive && !deleting) {
                k->sa = adopter(sa);
                k->follows = sa->nat_remote && !sa->nat_local;
            } else if (k->sa == sa->id && k->established) {
                ike_child_down(e, k, deleting ? k->down_cause : cause);
            } else if (k->sa == sa->id) { /* an exchange of the SA that this one replaced still makes it, and holds it */
                k->state = IKE_CHILD_DELETING;
                k->down_cause = cause;
            }
        }
    }
    if (!sa->initiator && sa->half_open) {
        ike_guard_closed(&e->guard, &sa->path.remote);
    }
    /* Nonces, private values and the secret go now, not when the memory is reaped. */
    ike_setup_free(e, sa->setup);
    sa->setup = NULL;
    sa->down_cause = cause;
    sa->state = IKE_SA_DELETING;
    /* A DOWN only for what was UP, and not for one whose place another has taken. */
    if (sa->reported && !sa->replaced_by) {
        sa->ev.cause = cause;
        sa->ev.failed = cause == IKE_BY_FAILURE || cause == IKE_BY_TIMEOUT;
        ike_event_post(&e->core, &sa->ev, IKE_EV_SA_DOWN);
        ike_log_sa_down(&e->core, sa, cause);
    }
    if (linger) {
        ike_sa_fade(&e->db, sa);
        sa->expires_at = e->core.now + LINGER;
        ike_sa_schedule(e, sa);
    } else {
        ike_sa_retire(&e->db, sa);
    }
    if (conn) {
        ike_keep_up(e, conn);
    }
}

void ike_sa_down(struct ike_engine *e, struct ike_sa *sa, uint8_t cause) { take_down(e, sa, cause, false); }
void ike_sa_linger(struct ike_engine *e, struct ike_sa *sa, uint8_t cause) { take_down(e, sa, cause, true); }

/* The state from before, so that the timer's attempt is not taken for a second one. */
void ike_close_sa_later(struct ike_engine *e, struct ike_sa *sa)
{
    sa->state = sa->replaced_by ? IKE_SA_REKEYED : IKE_SA_ESTABLISHED;
    sa->expires_at = e->core.now + IKE_SEC;
    ike_sa_schedule(e, sa);
}

/* In IKEv1 they do not go with the IKE SA. Their Deletes leave at once, as nothing is waited for; each in a message of its own,
 * since there are peers that look at the first only. */
static void close_children(struct ike_engine *e, struct ike_sa *sa)
{
    IKE_LIST_EACH (it, tmp, &sa->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->sa == sa->id && k->established) {
            (void)ike_close_child(e, k);
        }
    }
}

/* Before it is up: the peer is told where it could make sense of that. */
void ike_sa_give_up(struct ike_engine *e, struct ike_sa *sa, uint8_t cause)
{
    if (ike_sa_v1_keyed(sa)) {
        ike_version_of(sa)->abandon(e, sa, cause);
    } else {
        ike_sa_down(e, sa, cause);
    }
}

/* By a Delete, if there is a peer that could know of the SA. What waited is dropped; what is open may end first, for the
 * window has room for one only. */
int ike_close_sa(struct ike_engine *e, struct ike_sa *sa, uint8_t cause)
{
    struct ike_task t = {.purpose = IKE_DO_DELETE_IKE};
    if (sa->state == IKE_SA_CONNECTING && !sa->peer && !sa->setup) {
        return IKE_OK; /* a rekey holds it */
    }
    /* Not up here, so no Delete can be sent; what the peer may have of it runs out, or its own checks find it dead. */
    if (sa->state == IKE_SA_CONNECTING && !sa->peer) {
        ike_sa_down(e, sa, cause);
        return IKE_OK;
    }
    if (sa->state == IKE_SA_DELETING) {
        return IKE_OK;
    }
    if (sa->state == IKE_SA_CONNECTING && ike_sa_v1_keyed(sa)) {
        ike_sa_give_up(e, sa, cause);
        return IKE_OK;
    }
    if (sa->state == IKE_SA_CONNECTING) { /* neither side could make sense of a Delete in the middle of IKE_AUTH */
        sa->close_when_up = true;
        sa->down_cause = cause;
        return IKE_OK;
    }
    if (ike_sa_is_v1(sa) && cause != IKE_BY_REPLACEMENT) {
        close_children(e, sa);
    }
    sa->state = IKE_SA_DELETING;
    sa->down_cause = cause;
    ike_tasks_drop(e, sa);
    if (ike_queue(e, sa, &t) != IKE_OK) {
        ike_close_sa_later(e, sa);
        return IKE_ERR_NOMEM;
    }
    /* The Delete waits for the window; for a peer that does not answer it does not wait long, unless that may still send over
     * what has been replaced. */
    const bool hurry = cause != IKE_BY_REPLACEMENT;
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        x->give_up = hurry ? ike_earlier(x->give_up, e->core.now + 10 * IKE_SEC) : x->give_up;
        if (x->timer.at != IKE_NEVER && x->timer.at > x->give_up) {
            ike_timer_set(&e->core.wheel, &x->timer, x->give_up);
        }
    }
    ike_kick(e, sa);
    return IKE_OK;
}

/* A child belongs to the peer: its IKE SA is a number in it (RFC 7296 section 2.18). */
void ike_move_children(struct ike_engine *e, struct ike_sa *from, struct ike_sa *to)
{
    (void)e;
    IKE_LIST_LOOK (struct ike_child, k, link, &from->peer->children) {
        if (k->sa == from->id) {
            k->sa = to->id;
        }
    }
}

/* `fresh` takes over: children, and local requests that had not begun. */
void ike_sa_replaced(struct ike_engine *e, struct ike_sa *old, struct ike_sa *fresh)
{
    if (old->replaced_by) {
        return;
    }
    bool closing = old->state == IKE_SA_DELETING; /* asked for while the rekey was open: it holds for what comes of it */
    old->replaced_by = fresh->id;
    /* A double stays one after a rekey. */
    fresh->yield_at = old->yield_at;
    old->rekey_at = old->yield_at = IKE_NEVER;
    if (old->state != IKE_SA_DELETING) {
        old->state = IKE_SA_REKEYED;
    }
    ike_move_children(e, old, fresh);
    IKE_LIST_EACH (it, tmp, &old->tasks) {
        struct ike_task *t = IKE_OF(it, struct ike_task, link);
        if (t->purpose == IKE_DO_CHILD || t->purpose == IKE_DO_REKEY_CHILD || t->purpose == IKE_DO_DELETE_CHILD) {
            ike_list_del(it);
            ike_list_add(&fresh->tasks, it);
        }
    }
    e->core.count.rekeys++;
    fresh->reported = true;
    fresh->ev.other = old->id;
    ike_event_post(&e->core, &fresh->ev, IKE_EV_SA_REKEYED);
    IKE_LOG(&e->core, IKE_LOG_SA, IKE_LOG_INFO, fresh->id, "%s: IKE SA #%u replaces #%u", fresh->conf->s.name,
            (unsigned)fresh->number, (unsigned)old->number);
    if (closing) {
        ike_close_sa(e, fresh, old->down_cause);
    }
    ike_kick(e, fresh);
}

/* Of IKEv2, and the peer is still to delete it: as long as it does not, it may not have our answer that made the next one. Then
 * it hears us on this one only, should our address have changed. */
static bool to_be_deleted(const struct ike_sa *sa) { return !ike_sa_is_v1(sa) && sa->state == IKE_SA_REKEYED; }

/* Deadlines are looked at when the timer fires, so that traffic need not move it. A request of ours that is open asks for a sign
 * of life as well; but peers of IKEv1 are silent about what they do not want, so that there only the question itself counts. */
static ike_time dpd_at(const struct ike_sa *sa)
{
    bool busy = false;
    IKE_LIST_LOOK (const struct ike_exchange, x, link, &sa->outstanding) { /* of ours: one that the peer began proves nothing */
        busy |= x->role == IKE_INITIATOR && (!ike_sa_is_v1(sa) || x->purpose == IKE_DO_LIVENESS);
    }
    bool answers = !ike_sa_is_v1(sa) || (sa->v1 && sa->v1->dpd);
    bool stands = sa->state == IKE_SA_ESTABLISHED || sa->state == IKE_SA_REKEYING || to_be_deleted(sa);
    return sa->conf->s.dpd_s && answers && !busy && stands ? sa->last_in + sa->conf->s.dpd_s * IKE_SEC : IKE_NEVER;
}

/* Only the side behind the NAT keeps the mapping alive (RFC 3948 section 4). */
static ike_time keepalive_at(const struct ike_sa *sa)
{
    return sa->nat_local && sa->conf->s.keepalive_s && sa->established ? sa->last_out + sa->conf->s.keepalive_s * IKE_SEC
                                                                       : IKE_NEVER;
}

/* One timer for all deadlines of an SA: the earliest. */
void ike_sa_schedule(struct ike_engine *e, struct ike_sa *sa)
{
    ike_time at = ike_earlier(ike_earlier(sa->rekey_at, sa->expires_at), sa->yield_at);
    if (sa->dead) {
        return;
    }
    if (sa->faded) {
        ike_timer_set(&e->core.wheel, &sa->timer, sa->expires_at);
        return;
    }
    if (sa->answer) {
        at = ike_earlier(at, sa->answer_until);
    }
    if (sa->conf) {
        at = ike_earlier(at, ike_earlier(dpd_at(sa), keepalive_at(sa)));
    }
    IKE_LIST_LOOK (struct ike_task, t, link, &sa->tasks) {
        /* One whose time has come waits for the window, which needs no timer. */
        if (t->not_before > e->core.now) {
            at = ike_earlier(at, t->not_before);
        }
    }
    ike_timer_set(&e->core.wheel, &sa->timer, at);
}

/* ESP that came in proves life as well as a message (RFC 7296 section 2.4). */
static bool heard_by_data_plane(struct ike_engine *e, struct ike_sa *sa)
{
    struct ike_core *c = &e->core;
    if (!IKE_WITH_QUESTIONS || !sa->peer || !c->set.host.sadb.query) {
        return false;
    }
    IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
        ike_ipsec_sa d[IKE_LAYERS];
        ike_usage u = {0};
        if (!k->in_installed) {
            continue;
        }
        ike_child_describe(k, true, d);
        ike_hook_enter(c);
        int r = c->set.host.sadb.query(c->set.host.user, d, &u);
        ike_hook_leave(c);
        /* A time in the future is the host's mistake and would put off the check for ever. */
        if (r == IKE_OK && u.last > sa->last_in && u.last <= c->now) {
            sa->last_in = u.last;
        }
    }
    return sa->last_in + sa->conf->s.dpd_s * IKE_SEC > c->now;
}

static int ask(struct ike_engine *e, struct ike_sa *sa, uint8_t purpose)
{
    struct ike_task t = {.purpose = purpose};
    return ike_queue(e, sa, &t);
}

/* A peer began and did not come back with IKE_AUTH; in IKEv1 either side may wait for the other to go on behind phase 1. */
static void never_completed(struct ike_engine *e, struct ike_sa *sa)
{
    const struct ike_version *v = ike_version_of(sa);
    struct ike_exchange x = {.e = e, .sa = sa, .script = v->authenticate, .path = sa->path};
    x.role = sa->initiator ? IKE_INITIATOR : IKE_RESPONDER;
    ike_blame(&e->core, IKE_FAIL_TIMEOUT, IKE_DECIDER_NOBODY);
    ike_blame_expected(&e->core, "%s", v->half_open);
    if (sa->garbled) {
        e->core.draft.code = IKE_FAIL_AUTH_MISMATCH;
        ike_blame_remedy(&e->core, "what came makes no sense with our keys: set the same `secret` on both sides");
    }
    const char *more = ike_sa_v1_keyed(sa) ? "more" : "that could be decrypted";
    ike_blame_received(&e->core, "nothing %s in %u s", more, (unsigned)((e->core.now - sa->created) / IKE_SEC));
    ike_exchange_blame(&x);
    if (sa->initiator) {
        ike_attempt_failed(e, sa->conn);
    }
}

/* Fires for whichever deadline came, or for one that has moved on since; each is looked at. Any of them may end the SA. */
void ike_sa_timer(struct ike_engine *e, struct ike_sa *sa)
{
    ike_time now = e->core.now;
    if (sa->faded) {
        ike_sa_retire(&e->db, sa);
        return;
    }
    /* Memory of an idle SA counts: an answer is not kept longer than it can be asked for. */
    if (sa->answer && sa->answer_until <= now) {
        ike_sent_free(&e->core, sa->answer);
        sa->answer = NULL;
    }
    if (sa->expires_at <= now) {
        if (!sa->established || (sa->state == IKE_SA_DELETING && ike_list_empty(&sa->outstanding))) {
            if ((sa->half_open || sa->initiator) && sa->state == IKE_SA_CONNECTING) {
                never_completed(e, sa);
            }
            ike_sa_down(e, sa, IKE_BY_TIMEOUT);
            return;
        }
        /* What is open on an SA that was replaced, or that crossed the one that stays, comes to its end first; a child of IKEv1
         * outlives it. */
        bool goes = ike_sa_is_v1(sa) && (sa->replaced_by || sa->v1->crossed);
        bool waits = goes && !ike_list_empty(&sa->outstanding);
        sa->expires_at = waits ? now + 5 * IKE_SEC : IKE_NEVER;
        if (waits) {
            ike_sa_schedule(e, sa);
            return;
        }
        ike_close_sa(e, sa, sa->replaced_by || ike_sa_is_v1(sa) ? IKE_BY_REPLACEMENT : IKE_BY_LOCAL);
        if (sa->dead) {
            return;
        }
    }
    if (IKE_WITH_DOUBLES && sa->yield_at <= now) {
        ike_sa_yield(e, sa);
        if (sa->dead) {
            return;
        }
    }
    if (sa->rekey_at <= now) {
        /* Should it come to nothing, another try is made half-way to the end. */
        bool more = sa->expires_at != IKE_NEVER && sa->expires_at - now > 20 * IKE_SEC;
        ike_time next = more ? now + (sa->expires_at - now) / 2 : IKE_NEVER;
        sa->rekey_at = ask(e, sa, IKE_DO_REKEY_IKE) == IKE_OK ? next : now + IKE_SEC;
    }
    if (sa->conf && dpd_at(sa) <= now && !heard_by_data_plane(e, sa)) {
        (void)ask(e, sa, IKE_DO_LIVENESS);
    }
    if (sa->conf && keepalive_at(sa) <= now) {
        static const uint8_t octet = 0xff;
        sa->last_out = now;
        ike_send(&e->core, &sa->path, IKE_SEND_KEEPALIVE, &octet, 1);
    }
    ike_kick(e, sa);
    if (!sa->dead && sa->timer.at <= now) {
        ike_timer_set(&e->core.wheel, &sa->timer, now + IKE_SEC); /* what memory was short for is tried again, not at once */
    }
}
