/* SPDX-License-Identifier: ISC
 *
 * Paths that change, and doubles: two IKE SAs with one peer.
 */
#include "exchange/scripts.h"

static void log_move(struct ike_engine *e, ike_sa_id id, ike_log_level level, const ike_path *from, const ike_path *to)
{
    char was[64], is[64];
    IKE_WORDS(ike_addr_format(&from->remote, true, was, sizeof was));
    IKE_WORDS(ike_addr_format(&to->remote, true, is, sizeof is));
    IKE_LOG(&e->core, IKE_LOG_SA, level, id, "the peer moved from %s to %s", was, is);
}

static void move(struct ike_engine *e, struct ike_sa *sa, const ike_path *path)
{
    log_move(e, sa->id, sa->established ? IKE_LOG_INFO : IKE_LOG_DEBUG, &sa->path, path);
    if (sa->half_open) { /* it is given back where it was counted */
        ike_guard_closed(&e->guard, &sa->path.remote);
        ike_guard_opened(&e->guard, &path->remote);
    }
    sa->path = *path;
    if (sa->established) {
        ike_event_post(&e->core, &sa->ev, IKE_EV_ADDRESS_CHANGED);
        ike_requests_resend(e, sa);
    }
}

/* IKE SAs and children move together, those of an IKE SA that was or will be replaced as well: a peer behind a NAT sends
 * everything from the same mapping. Children first, as what is sent again may concern them. */
void ike_path_set(struct ike_engine *e, struct ike_sa *sa, const ike_path *path)
{
    const ike_path was = sa->path;
    const struct ike_peer *peer = sa->peer;
    if (peer) {
        IKE_LIST_EACH (it, tmp, &peer->children) {
            struct ike_child *k = IKE_OF(it, struct ike_child, link);
            if (k->sa == sa->id || ike_path_equal(&k->path, &was)) {
                ike_child_move(&e->db, k, path);
            }
        }
    }
    move(e, sa, path);
    if (peer) {
        IKE_LIST_EACH (it, tmp, &peer->sas) {
            struct ike_sa *other = IKE_OF(it, struct ike_sa, peer_link);
            if (other != sa && ike_path_equal(&other->path, &was)) {
                move(e, other, path);
            }
        }
    }
}

/* Only the side that is not behind a NAT follows the other, and only by a valid, fresh message (RFC 7296 section 2.23). */
void ike_path_seen(struct ike_engine *e, struct ike_sa *sa, const ike_path *path, bool fresh_request)
{
    if (ike_path_equal(path, &sa->path)) {
        return;
    }
    bool floats = !sa->initiator && sa->state == IKE_SA_CONNECTING; /* IKE_AUTH comes from port 4500 */
    if (fresh_request && (floats || (sa->nat_remote && !sa->nat_local))) {
        ike_path_set(e, sa, path);
    }
}

#ifdef IKE_HAVE_V1
/* Without an IKE SA there is no message to go by, and by whether there was a NAT before the peer then we go on. What has the
 * same path moves along. */
void ike_orphan_seen(struct ike_engine *e, struct ike_child *k, const ike_addr *remote)
{
    const ike_path was = k->path;
    ike_path path = was;
    path.remote = *remote;
    if (!k->follows || ike_path_equal(&path, &was)) {
        return;
    }
    log_move(e, 0, IKE_LOG_INFO, &was, &path);
    IKE_LIST_EACH (it, tmp, &k->peer->children) {
        struct ike_child *other = IKE_OF(it, struct ike_child, link);
        if (ike_path_equal(&other->path, &was)) {
            ike_child_move(&e->db, other, &path);
        }
    }
}
#endif

/* As soon as the initiator knows of the NAT (RFC 7296 section 2.23, RFC 3947 section 4). Devices on the
 * way may meddle with port 500. */
int ike_float_ports(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    const ike_settings *s = &x->e->core.set;
    if (!sa->no_nat_t && (sa->nat_local || sa->nat_remote || sa->ours_fake_nat) && !sa->path.encap) {
        sa->path.local.port = s->local_encap_port;
        sa->path.remote.port = s->encap_port;
        sa->path.encap = 1;
    }
    return IKE_X_OK;
}

/* Up, and neither replaced nor on its way out. */
static bool usable(const struct ike_sa *sa)
{
    return !sa->replaced_by && (sa->state == IKE_SA_ESTABLISHED || sa->state == IKE_SA_REKEYING);
}

/* Both sides began at once: each sees the same two SAs. The one with the lower initiator SPI goes, deleted by its initiator;
 * RFC 7296 does not say so, and a peer may not know it: when it has not done it by then, we do. */
#define YIELD (10 * IKE_SEC)

/* Begun by different sides, and the second before the first was up: neither side knew of the other's. Both see it alike. */
bool ike_sa_crossed(const struct ike_sa *older, const struct ike_sa *newer)
{
    return older->initiator != newer->initiator && newer->created < older->established;
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

/* On another IKE SA of the same peer, usable: it needs no second. */
static bool elsewhere(const struct ike_sa *from, const char *name)
{
    IKE_LIST_EACH (it, tmp, &from->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->sa != from->id && !k->rekeyed && k->state != IKE_CHILD_DELETING && strcmp(ike_child_conf(k)->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* By name, as the settings may have changed; a child that is no longer configured is not made anew. */
static void ask_for(struct ike_engine *e, const struct ike_sa *from, struct ike_sa *to, const char *name)
{
    int index = ike_conf_child(to->conn->conf, name);
    struct ike_task t = {.purpose = IKE_DO_CHILD, .index = (uint16_t)index};
    if (index >= 0 && !elsewhere(from, name)) {
        (void)ike_queue(e, to, &t);
    }
}

/* Children that would go with the IKE SA that is given up are made anew on the one that stays. */
static void carry_over(struct ike_engine *e, struct ike_sa *from, struct ike_sa *to)
{
    const struct ike_setup *s = from->setup;
    IKE_LIST_EACH (it, tmp, &from->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->sa == from->id && !k->rekeyed) {
            ask_for(e, from, to, ike_child_conf(k)->name);
        }
    }
    if (s && s->with_child) {
        ask_for(e, from, to, s->conf->s.children[s->index].name);
    }
}

/* Asked for before closing, while the children can still be seen. */
static void give_up_for(struct ike_engine *e, struct ike_sa *sa, struct ike_sa *stays)
{
    carry_over(e, sa, stays);
    ike_close_sa(e, sa, IKE_BY_REPLACEMENT);
    ike_kick(e, stays);
}

/* The double may have gone meanwhile: then this one stays. */
void ike_sa_yield(struct ike_engine *e, struct ike_sa *sa)
{
    sa->yield_at = IKE_NEVER;
    IKE_LIST_EACH (it, tmp, &sa->peer->sas) {
        struct ike_sa *other = IKE_OF(it, struct ike_sa, peer_link);
        if (other != sa && usable(other) && usable(sa)) {
            give_up_for(e, sa, other);
            return;
        }
    }
}

/* A peer that connects again has most likely lost the old SA, as after a restart. With INITIAL_CONTACT it says so and the old
 * ones go silently (RFC 7296 section 2.4); without, they are deleted properly. Only what shares both authenticated identities
 * is touched. */
void ike_settle_doubles(struct ike_engine *e, struct ike_sa *sa, bool initial_contact)
{
    if (!sa->peer || !sa->conf->s.unique) {
        return;
    }
    const struct ike_peer *peer = sa->peer; /* outlives this call, whatever becomes of sa */
    ike_abandon_attempt(e, sa);
    IKE_LIST_EACH (it, tmp, &peer->sas) {
        struct ike_sa *other = IKE_OF(it, struct ike_sa, peer_link);
        if (other == sa || !usable(other) || !usable(sa)) {
            continue;
        }
        if (ike_sa_crossed(other, sa)) {
            struct ike_sa *lower = other->spi_i < sa->spi_i ? other : sa;
            /* Only one of the two sides is its initiator, so they do not both delete. */
            if (lower->initiator) {
                give_up_for(e, lower, lower == sa ? other : sa);
            } else {
                lower->yield_at = e->core.now + YIELD;
                ike_sa_schedule(e, lower);
            }
        } else if (initial_contact && other->established <= sa->created) {
            ike_sa_down(e, other, IKE_BY_REPLACEMENT); /* the peer knows nothing of it any more */
        } else if (!sa->initiator) {
            ike_close_sa(e, other, IKE_BY_REPLACEMENT);
        }
    }
}
