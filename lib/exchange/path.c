/* SPDX-License-Identifier: ISC
 *
 * Paths that change.
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
        IKE_LIST_LOOK (struct ike_child, k, link, &peer->children) {
            if (k->sa == sa->id || ike_path_equal(&k->path, &was)) {
                ike_child_move(&e->db, k, path);
            }
        }
    }
    move(e, sa, path);
    if (peer) {
        IKE_LIST_LOOK (struct ike_sa, other, peer_link, &peer->sas) {
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

#if IKE_WITH_V1
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
    IKE_LIST_LOOK (struct ike_child, other, link, &k->peer->children) {
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
