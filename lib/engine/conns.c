/* SPDX-License-Identifier: ISC
 *
 * The public entry points: connections, and commands on them and their SAs.
 */
#include "engine/engine.h"

static struct ike_conn *conn_of(const struct ike_engine *e, ike_conn_id id) { return ike_conn_by_id(e, id); }

/* The settings are copied before anything is linked: a connection is there with all it has, or not at all. */
int ike_conn_add(ike_engine *e, const ike_conn_settings *s, ike_conn_id *out, ike_time now)
{
    struct ike_conf *conf = NULL;
    struct ike_conn *conn = NULL;
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    r = e->db.conns.count >= e->core.set.max_conns ? IKE_ERR_LIMIT : ike_conf_new(&e->core, s, &conf);
    /* Names are how a host and its users find a connection; two of one name would hide each other. */
    if (r == IKE_OK && ike_conn_by_name(&e->db, s->name)) {
        r = IKE_ERR_EXISTS;
    }
    if (r == IKE_OK) {
        r = ike_conn_new(&e->db, conf, &conn);
    }
    if (r == IKE_OK) {
        /* Known to the caller before an event can name it. */
        *out = conn->id;
        ike_keep_up(e, conn);
    } else {
        ike_conf_unref(&e->core, conf);
    }
    ike_leave(e);
    return r;
}

static const ike_user_settings *user_called(const ike_conn_settings *s, ike_bytes name)
{
    for (size_t i = 0; i < s->n_users; i++) {
        if (ike_bytes_equal(name, ike_bytes_of(s->users[i].name, strlen(s->users[i].name)))) {
            return &s->users[i];
        }
    }
    return NULL;
}

/* Whether XAUTH would come to the same end, as far as the settings say: of a server, for this peer's user. */
static bool same_user(const struct ike_engine *e, const struct ike_peer *p, const ike_conn_settings *a,
                      const ike_conn_settings *b)
{
    bool server = b->xauth == IKE_XAUTH_SERVER;
    if (a->xauth != b->xauth || !b->xauth || (server && e->core.set.host.hooks.user)) {
        return a->xauth == b->xauth;
    }
    const ike_user_settings *was = server       ? user_called(a, p->user)
                                   : a->n_users ? &a->users[0]
                                                : NULL,
                            *is = server       ? user_called(b, p->user)
                                  : b->n_users ? &b->users[0]
                                               : NULL;
    return was && is ? strcmp(was->name, is->name) == 0 && ike_bytes_equal(was->secret, is->secret) : !server && was == is;
}

/* Whether the peer would get the address again that it has. */
static bool same_lease(const struct ike_peer *p, const ike_conn_settings *b)
{
    const struct ike_lease *l = p->lease;
    ike_ts own = l ? ike_ts_of_addr(&l->address) : (ike_ts){0};
    return !l || l->ours || l->hooked || (b->pool.family && ike_ts_within(&own, &b->pool));
}

/* Children whose settings are gone or differ; and the IKE SA when what it was agreed under differs. A child that is only
 * closed may come back over the same IKE SA. */
static void close_changed_sas(struct ike_engine *e, struct ike_conn *conn, const struct ike_conf *was)
{
    const ike_conn_settings *a = &was->s, *b = &conn->conf->s;
    bool same_secret = ike_bytes_equal(a->secret, b->secret) && ike_bytes_equal(a->local_key, b->local_key) &&
                       ike_bytes_equal(a->local_cert, b->local_cert) && ike_bytes_equal(a->remote_key, b->remote_key),
         same_ids = ike_id_equal(&a->local_id, &b->local_id) && ike_id_equal(&a->remote_id, &b->remote_id);
    bool all = same_secret && same_ids && ike_addr_equal(&a->remote, &b->remote) && ike_addr_equal(&a->local, &b->local) &&
               a->encap == b->encap && a->inner_family == b->inner_family;
    IKE_LIST_EACH (pt, ptmp, &conn->peers) {
        struct ike_peer *p = IKE_OF(pt, struct ike_peer, link);
        bool same = all && same_user(e, p, a, b) && same_lease(p, b);
        IKE_LIST_EACH (it, tmp, &p->children) {
            struct ike_child *k = IKE_OF(it, struct ike_child, link);
            int i = ike_conf_child(conn->conf, ike_child_conf(k)->name);
            if (!same || i < 0 || !ike_child_settings_same(ike_child_conf(k), &b->children[i])) {
                ike_close_child(e, k);
            }
        }
        IKE_LIST_EACH (it, tmp, &p->sas) {
            struct ike_sa *sa = IKE_OF(it, struct ike_sa, peer_link);
            if (!same && !sa->dead) {
                ike_close_sa(e, sa, IKE_BY_LOCAL);
            }
        }
    }
    /* A peer of IKEv1 that is on its way in by keys that do not count any more begins again: part of what it proves is made. */
    IKE_LIST_EACH (it, tmp, &conn->bound) {
        struct ike_sa *sa = IKE_OF(it, struct ike_sa, bound_link);
        if (!same_secret && sa->version == 1 && sa->half_open && !sa->dead) {
            ike_sa_down(e, sa, IKE_BY_LOCAL);
        }
    }
}

/* Requests that wait name a child by its place in the settings, which may have moved. */
static void reindex_tasks(struct ike_engine *e, struct ike_conn *conn, const struct ike_conf *was)
{
    if (conn->connecting) {
        ike_tasks_reindex(e, conn->connecting, was, conn->conf);
    }
    IKE_LIST_EACH (pt, ptmp, &conn->peers) {
        struct ike_peer *p = IKE_OF(pt, struct ike_peer, link);
        IKE_LIST_EACH (it, tmp, &p->sas) {
            ike_tasks_reindex(e, IKE_OF(it, struct ike_sa, peer_link), was, conn->conf);
        }
    }
}

/* New settings or a new command: what failed before says nothing of them. */
static void forget_failures(struct ike_conn *conn)
{
    conn->pause = (struct ike_pause){0, 0};
    conn->began = 0;
    for (size_t i = 0; i < conn->n_want; i++) {
        conn->want[i].pause = conn->pause;
    }
}

/* What is up stays as it is unless close_changed; the settings are for what is negotiated from now on. The name is what makes
 * it the same connection, so that one cannot change. */
int ike_conn_replace(ike_engine *e, ike_conn_id id, const ike_conn_settings *s, bool close_changed, ike_time now)
{
    struct ike_conf *conf = NULL, *was = NULL;
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_conn *conn = conn_of(e, id);
    r = conn ? ike_conf_for(&e->core, s, ike_conf_keeps_remote(s) ? conn->remote.family : 0, &conf) : IKE_ERR_NOT_FOUND;
    if (r == IKE_OK && strcmp(s->name, conn->conf->s.name) != 0) {
        r = IKE_ERR_INVALID;
    }
    if (r == IKE_OK) {
        /* Held over the exchange of settings: the tasks and SAs below are compared with it. */
        was = ike_conf_ref(conn->conf);
        r = ike_conn_set_conf(&e->db, conn, conf);
    }
    if (r == IKE_OK) {
        reindex_tasks(e, conn, was);
        if (close_changed) {
            close_changed_sas(e, conn, was);
        }
        forget_failures(conn);
        ike_keep_up(e, conn);
    } else {
        ike_conf_unref(&e->core, conf);
    }
    ike_conf_unref(&e->core, was);
    ike_leave(e);
    return r;
}

/* What the data plane carries may hang on the family, so of another one it is asked anew. */
static int ask_for_family(struct ike_engine *e, struct ike_conn *conn, uint8_t known)
{
    struct ike_conf *conf = NULL;
    if (!e->core.set.host.sadb.carries || ike_conf_family(&conn->conf->s, known) == conn->conf->family) {
        return IKE_OK;
    }
    int r = ike_conf_for(&e->core, &conn->conf->s, known, &conf);
    r = r == IKE_OK ? ike_conn_set_conf(&e->db, conn, conf) : r;
    if (r != IKE_OK) {
        ike_conf_unref(&e->core, conf);
    }
    return r;
}

/* For names that were resolved anew. Time 0 leaves the clock where it is. SAs that are up keep their path: only an authentic
 * message of the peer's moves them. */
int ike_conn_set_remote(ike_engine *e, ike_conn_id id, const ike_addr *remote)
{
    int r = ike_enter(e, 0);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_conn *conn = conn_of(e, id);
    const uint16_t port = conn ? conn->remote.port : 0;
    r = conn ? ask_for_family(e, conn, remote->family) : IKE_ERR_NOT_FOUND;
    if (r == IKE_OK) {
        conn->remote = *remote;
        /* An address that was resolved has no port; the configured one holds. */
        conn->remote.port = remote->port ? remote->port : port;
        ike_conn_relink(&e->db, conn);
        ike_keep_up(e, conn);
    }
    ike_leave(e);
    return r;
}

/* An attempt ends at once, what stands ends by a Delete. */
static void close_all(struct ike_engine *e, struct ike_conn *conn)
{
    if (conn->connecting) {
        ike_sa_down(e, conn->connecting, IKE_BY_LOCAL);
    }
    IKE_LIST_EACH (pt, ptmp, &conn->peers) {
        struct ike_peer *p = IKE_OF(pt, struct ike_peer, link);
        IKE_LIST_EACH (it, tmp, &p->sas) {
            struct ike_sa *sa = IKE_OF(it, struct ike_sa, peer_link);
            ike_close_sa(e, sa, IKE_BY_LOCAL);
        }
        IKE_LIST_EACH (it, tmp, &p->children) {
            ike_close_orphan(e, IKE_OF(it, struct ike_child, link));
        }
    }
}

/* Retired first, so that nothing that is closed below is begun again. Its memory stays until the last SA is gone. */
int ike_conn_remove(ike_engine *e, ike_conn_id id, ike_time now)
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_conn *conn = conn_of(e, id);
    if (conn) {
        ike_conn_retire(&e->db, conn);
        close_all(e, conn);
    }
    ike_leave(e);
    return conn ? IKE_OK : IKE_ERR_NOT_FOUND;
}

int ike_conn_find(const ike_engine *e, const char *name, ike_conn_id *out)
{
    struct ike_conn *conn = ike_conn_by_name(&e->db, name);
    *out = conn ? conn->id : 0;
    return conn ? IKE_OK : IKE_ERR_NOT_FOUND;
}

/* ---- Commands ------------------------------------------------------------------------------------------------------------ */

/* Somebody asks, so it is wanted again, and no pause counts. Without a name: all that start by themselves, or the first if
 * none does; a connection without children gets its IKE SA. */
static int begin(struct ike_engine *e, struct ike_conn *conn, const char *child)
{
    int index = child ? ike_conf_child(conn->conf, child) : -1;
    int r = IKE_OK;
    if (child && index < 0) {
        return IKE_ERR_NOT_FOUND;
    }
    if (child) {
        conn->want[index].held = false;
        return ike_conn_busy(conn, child) ? IKE_OK : ike_begin_child(e, conn, index, NULL);
    }
    size_t started = 0;
    for (size_t i = 0; i < conn->n_want; i++) {
        started += conn->conf->s.children[i].start == IKE_START_YES;
    }
    for (size_t i = 0; i < conn->n_want && r == IKE_OK; i++) {
        const ike_child_settings *k = &conn->conf->s.children[i];
        if (started ? k->start == IKE_START_YES : i == 0) {
            conn->want[i].held = false;
            r = ike_conn_busy(conn, k->name) ? IKE_OK : ike_begin_child(e, conn, (int)i, NULL);
        }
    }
    return conn->n_want ? r : ike_begin_child(e, conn, -1, NULL);
}

/* IKE_OK says that it was begun or is on its way; how it ends comes as an event. */
int ike_initiate(ike_engine *e, ike_conn_id id, const char *child_name, ike_time now)
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_conn *conn = conn_of(e, id);
    r = !conn ? IKE_ERR_NOT_FOUND : e->core.closing ? IKE_ERR_STATE : begin(e, conn, child_name);
    if (conn) {
        ike_keep_up(e, conn); /* others that are wanted still are */
    }
    ike_leave(e);
    return r;
}

/* A packet asks, not a person: pauses count, and a child that was closed by command stays closed, or the first packet would
 * bring it back. Busy is no error: the packet's wish is being met. */
int ike_acquire(ike_engine *e, ike_conn_id id, const char *child_name, const ike_ts *local, const ike_ts *remote, ike_time now)
{
    struct ike_task packet = {.has_packet = local && remote};
    if (packet.has_packet) {
        packet.packet_local = *local;
        packet.packet_remote = *remote;
    }
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_conn *conn = conn_of(e, id);
    int index = conn && child_name ? ike_conf_child(conn->conf, child_name) : -1;
    if (index < 0) {
        r = IKE_ERR_NOT_FOUND;
    } else if (e->core.closing || (conn->want[index].held && conn->conf->s.children[index].start == IKE_START_YES)) {
        r = IKE_ERR_STATE;
    } else if (!ike_conn_busy(conn, child_name) && !ike_child_pauses(e, conn, index)) {
        r = ike_begin_child(e, conn, index, &packet);
    }
    ike_leave(e);
    return r;
}

/* Not one that is not up yet or on its way out: there a request would never be sent. NULL and why. */
static struct ike_sa *standing(const struct ike_engine *e, ike_sa_id id, int *r)
{
    struct ike_sa *sa = ike_sa_by_id(e, id);
    const bool up = sa && (sa->state == IKE_SA_ESTABLISHED || sa->state == IKE_SA_REKEYING) && sa->reported;
    *r = !sa ? IKE_ERR_NOT_FOUND : up ? IKE_OK : IKE_ERR_STATE;
    return up ? sa : NULL;
}

static int on_sa(struct ike_engine *e, ike_sa_id id, uint8_t purpose, ike_time now)
{
    struct ike_task t = {.purpose = purpose};
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_sa *sa = standing(e, id, &r);
    if (sa && (r = ike_queue(e, sa, &t)) == IKE_OK) {
        ike_kick(e, sa);
    }
    ike_leave(e);
    return r;
}

int ike_sa_rekey(ike_engine *e, ike_sa_id id, ike_time now) { return on_sa(e, id, IKE_DO_REKEY_IKE, now); }
int ike_sa_check(ike_engine *e, ike_sa_id id, ike_time now) { return on_sa(e, id, IKE_DO_LIVENESS, now); }

/* The first of its children that is still configured goes with IKE_AUTH, the others when the new IKE SA is up. */
static int first_child(const struct ike_sa *sa)
{
    int index = -1;
    IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
        if (index < 0 && k->sa == sa->id && !k->rekeyed && k->state != IKE_CHILD_DELETING) {
            index = ike_conf_child(sa->conn->conf, ike_child_conf(k)->name);
        }
    }
    return index;
}

/* The last time is not over yet, or both sides began at once: one of the two is still to go. */
static bool has_double(const struct ike_sa *sa)
{
    bool any = false;
    IKE_LIST_LOOK (const struct ike_sa, other, peer_link, &sa->peer->sas) {
        any |= other->yield_at != IKE_NEVER || (other->state == IKE_SA_DELETING && !other->replaced_by);
    }
    return any;
}

/* In IKEv1 a rekey is all of phase 1 again. */
int ike_sa_reauth(ike_engine *e, ike_sa_id id, ike_time now)
{
    int r = IKE_WITH_DOUBLES ? ike_enter(e, now) : IKE_ERR_UNSUPPORTED;
    if (r != IKE_OK) {
        return r;
    }
    struct ike_sa *sa = standing(e, id, &r);
    if (sa && (e->core.closing || has_double(sa))) {
        r = IKE_ERR_STATE;
    } else if (sa && !ike_conf_speaks(sa->conn->conf, sa->version)) {
        r = IKE_ERR_UNSUPPORTED;
    } else if (sa) {
        r = ike_connect_again(e, sa, ike_sa_is_v1(sa) ? -1 : first_child(sa));
    }
    ike_leave(e);
    return r;
}

/* Only marks it: keep-up leaves it alone from now on. */
static void hold(struct ike_conn *conn, const char *child)
{
    for (size_t i = 0; i < conn->n_want; i++) {
        if (!child || strcmp(conn->conf->s.children[i].name, child) == 0) {
            conn->want[i].held = true;
        }
    }
}

/* An attempt that a command ends is over for whoever waits for it, and leaves a record as others do; unless one before it has
 * failed already, for then that is the reason to show. */
static void cancel(struct ike_engine *e, struct ike_conn *conn)
{
    struct ike_sa *sa = conn->connecting;
    const struct ike_setup *s = sa->setup;
    if (conn->pause.failed == 0) {
        ike_failure *f = ike_blame(&e->core, IKE_FAIL_CANCELLED, IKE_DECIDER_US);
        f->initiator = 1;
        f->version = sa->version;
        f->sa = sa->id;
        f->remote = sa->path.remote;
        ike_conn_blame(e, conn, s && s->with_child ? s->conf->s.children[s->index].name : NULL);
    }
    ike_sa_give_up(e, sa, IKE_BY_LOCAL);
}

/* Whether or not the attempt is for this child: others that are still wanted are begun again at once. */
int ike_conn_hold(ike_engine *e, ike_conn_id id, const char *child_name, ike_time now)
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_conn *conn = conn_of(e, id);
    r = !conn || (child_name && ike_conf_child(conn->conf, child_name) < 0) ? IKE_ERR_NOT_FOUND : IKE_OK;
    if (r == IKE_OK) {
        hold(conn, child_name);
        if (conn->connecting) {
            cancel(e, conn);
        }
        ike_keep_up(e, conn); /* for those of its children that are not held */
    }
    ike_leave(e);
    return r;
}

/* By command: the children are held, or keep-up would connect again the moment it is down. */
static int close_sa(ike_engine *e, ike_sa_id id, bool at_once, ike_time now)
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_sa *sa = ike_sa_by_id(e, id);
    if (sa) {
        if (sa->conn) {
            hold(sa->conn, NULL);
        }
        /* It is not up, so no Delete could go over it. */
        if (sa->conn && sa->conn->connecting == sa) {
            cancel(e, sa->conn);
        } else {
            r = ike_close_sa(e, sa, IKE_BY_LOCAL);
            if (at_once && sa->peer) { /* without one a rekey holds it, and ends with the SA that is rekeyed */
                ike_sa_down(e, sa, IKE_BY_LOCAL);
                r = IKE_OK;
            }
        }
    }
    ike_leave(e);
    return sa ? r : IKE_ERR_NOT_FOUND;
}

int ike_sa_close(ike_engine *e, ike_sa_id id, ike_time now) { return close_sa(e, id, false, now); }
int ike_sa_drop(ike_engine *e, ike_sa_id id, ike_time now) { return close_sa(e, id, true, now); }

static int on_child(struct ike_engine *e, ike_child_id id, ike_time now, int (*act)(struct ike_engine *, struct ike_child *))
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_child *k = ike_child_by_id(e, id);
    r = k ? act(e, k) : IKE_ERR_NOT_FOUND;
    ike_leave(e);
    return r;
}

/* One that is being rekeyed or deleted already needs no second request. */
static int rekey(struct ike_engine *e, struct ike_child *k)
{
    struct ike_sa *sa = ike_sa_by_id(e, k->sa);
    struct ike_task t = {.purpose = IKE_DO_REKEY_CHILD, .child = k->id};
    if (k->rekeyed || k->state != IKE_CHILD_INSTALLED) {
        return IKE_ERR_STATE;
    }
    if (!sa) { /* of IKEv1, it has outlived its IKE SA: there will be another one */
        k->rekey_at = e->core.now;
        ike_child_schedule(e, k);
        return IKE_OK;
    }
    int r = ike_queue(e, sa, &t);
    if (r == IKE_OK) {
        ike_kick(e, sa);
    }
    return r;
}

/* The data plane may report late: what is being replaced or deleted needs nothing more. */
static int soft(struct ike_engine *e, struct ike_child *k)
{
    int r = rekey(e, k);
    /* The data plane says it once only. */
    if (r == IKE_ERR_NOMEM) {
        k->rekey_at = e->core.now + IKE_SEC;
        ike_child_schedule(e, k);
    }
    return r == IKE_ERR_STATE ? IKE_OK : r;
}

/* By command, so it is held; an expired one is not and comes back. */
static int close_child(struct ike_engine *e, struct ike_child *k)
{
    hold(k->peer->conn, ike_child_conf(k)->name);
    return ike_close_child(e, k);
}

int ike_child_rekey(ike_engine *e, ike_child_id id, ike_time now) { return on_child(e, id, now, rekey); }
int ike_child_close(ike_engine *e, ike_child_id id, ike_time now) { return on_child(e, id, now, close_child); }

/* A hard limit has stopped traffic already; a soft one leaves the time for a rekey. */
int ike_child_expire(ike_engine *e, ike_child_id id, bool hard, ike_time now)
{
    return on_child(e, id, now, hard ? ike_close_child : soft);
}

/* The data plane saw authentic ESP from another address, which is as good as a message (RFC 7296 section 2.23); whether we
 * follow is decided there. */
int ike_peer_moved(ike_engine *e, ike_child_id id, const ike_addr *remote, ike_time now)
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    struct ike_child *k = ike_child_by_id(e, id);
    struct ike_sa *sa = k ? ike_sa_by_id(e, k->sa) : NULL;
    if (sa) {
        ike_path path = sa->path;
        path.remote = *remote;
        ike_path_seen(e, sa, &path, true);
    }
#if IKE_WITH_V1
    if (k && !sa) {
        ike_orphan_seen(e, k, remote);
    }
#endif
    ike_leave(e);
    return k ? IKE_OK : IKE_ERR_NOT_FOUND;
}
