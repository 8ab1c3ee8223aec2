/* SPDX-License-Identifier: ISC
 *
 * Who we are, who the peer is, and the secret between us, before anything is proved.
 */
#include "exchange/common.h"

/* A view into the blob. A body too short for its type gives no identity at all. */
ike_id ike_id_of_body(const struct ike_blob *body)
{
    return body->len < 4 ? (ike_id){0} : (ike_id){body->ptr[0], {body->ptr + 4, body->len - 4}};
}

/* An ID payload body from an identity: type, three reserved octets, data. Kept as a body because that is what AUTH is over
 * (RFC 7296 section 2.15). */
static int keep_id(struct ike_core *c, struct ike_blob *b, const ike_id *id)
{
    int r = ike_blob_room(c, b, 4 + id->data.len);
    if (r == IKE_OK) {
        b->ptr[0] = id->type;
        memcpy(b->ptr + 4, id->data.ptr, id->data.len);
    }
    return r;
}

/* Without a configured identity it is the address; `address` holds its octets until they are copied. */
int ike_own_identity(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    uint8_t address[16];
    ike_id local = ike_conf_local_id(x->sa->conf, ike_exchange_path(x), address);
    int r = s->local_id.len ? IKE_OK : keep_id(&x->e->core, &s->local_id, &local);
    return ike_outcome(x, r);
}

static int no_secret(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_blame(c, IKE_FAIL_NO_SECRET, IKE_DECIDER_US);
    ike_blame_expected(c, "a secret for this connection");
    ike_blame_remedy(c, "set `secret` (or `secret-file`) in the connection");
    return IKE_ERR_NOT_FOUND;
}

/* The connection's own secret, or the host's. */
int ike_fetch_secret(struct ike_exchange *x, const ike_id *remote)
{
    struct ike_core *c = &x->e->core;
    struct ike_setup *s = x->setup;
    struct ike_sa *sa = x->sa;
    uint8_t buf[IKE_SECRET_MAX];
    size_t len = sizeof buf;
    bool answered;
    int r;
    if (sa->conf->s.secret.len) {
        return ike_keep(x, &s->secret, sa->conf->s.secret);
    }
    if (!IKE_WITH_QUESTIONS || !c->set.host.hooks.secret) {
        return no_secret(x);
    }
    struct ike_question *q = ike_ask(x, IKE_Q_SECRET, &answered);
    if (!q) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    if (answered) {
        r = q->result == IKE_OK ? ike_blob_set(c, &s->secret, ike_bytes_of(q->answer.octets.ptr, q->answer.octets.len))
                                : q->result;
    } else {
        ike_secret_question ask = {.size = sizeof ask,
                                   .sa = sa->id,
                                   .conn = sa->conn->id,
                                   .local_id = ike_id_of_body(&s->local_id),
                                   .remote_id = *remote};
        ike_hook_enter(c);
        r = c->set.host.hooks.secret(c->set.host.user, q->token, &ask, buf, &len);
        ike_hook_leave(c);
        if (ike_pending(r)) {
            return IKE_X_PENDING;
        }
        if (r == IKE_OK) {
            r = len <= sizeof buf ? ike_blob_set(c, &s->secret, ike_bytes_of(buf, len)) : IKE_ERR_HOST;
        }
        /* The copy in the setup is wiped when that is freed. */
        ike_wipe(buf, sizeof buf);
    }
    ike_answered(x);
    return r == IKE_OK && s->secret.len ? IKE_X_OK : r == IKE_ERR_NOMEM ? ike_trouble(x, r) : no_secret(x);
}

/* True when no other SA or child of this connection is up: then the peer may forget what it still holds of us (RFC 7296
 * section 2.4). A connection with many peers cannot know that of any of them. */
bool ike_first_contact(const struct ike_exchange *x)
{
    IKE_LIST_LOOK (const struct ike_peer, peer, link, &x->sa->conn->peers) {
        if (!ike_list_empty(&peer->sas) || !ike_list_empty(&peer->children)) {
            return false;
        }
    }
    return x->sa->conf->s.send_initial_contact && ike_conn_is_single(x->sa->conn);
}

/* The host may choose another connection, or none. */
int ike_ask_peer(struct ike_exchange *x, struct ike_conn **conn, const ike_id *wanted, uint8_t auth_method)
{
    struct ike_core *c = &x->e->core;
    bool answered;
    ike_conn_id id = *conn ? (*conn)->id : 0;
    struct ike_question *q = ike_ask(x, IKE_Q_PEER, &answered);
    if (!q) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    int r = q->result;
    if (answered) {
        id = q->answer.conn;
    } else {
        ike_peer_question ask = {.size = sizeof ask,
                                 .sa = x->sa->id,
                                 .conn = id,
                                 .path = &x->path,
                                 .remote_id = ike_id_of_body(&x->setup->remote_id),
                                 .wanted_id = *wanted};
        ask.auth_method = auth_method;
        ike_hook_enter(c);
        r = c->set.host.hooks.peer(c->set.host.user, q->token, &ask, &id);
        ike_hook_leave(c);
        if (ike_pending(r)) {
            return IKE_X_PENDING;
        }
    }
    ike_answered(x);
    /* By handle: the connection may have been removed while the host thought. */
    *conn = r == IKE_OK ? ike_conn_by_id(x->e, id) : NULL;
    if (!*conn) {
        ike_blame(c, IKE_FAIL_DENIED, IKE_DECIDER_US);
        return IKE_ERR_AUTH;
    }
    return IKE_X_OK;
}

/* From here on the peer counts as authenticated: every list of peers relies on it. */
int ike_join(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    ike_id local = ike_id_of_body(&s->local_id), remote = ike_id_of_body(&s->remote_id);
    if (x->sa->conn->removed) { /* while a question was open */
        ike_blame(&x->e->core, IKE_FAIL_DENIED, IKE_DECIDER_US);
        return IKE_ERR_AUTH;
    }
    struct ike_peer *peer = ike_peer_get(&x->e->db, x->sa->conn, &local, &remote, ike_bytes_of(NULL, 0));
    if (!peer) {
        return ike_trouble(x, IKE_ERR_NOMEM);
    }
    ike_sa_join(&x->e->db, x->sa, peer);
    return IKE_X_OK;
}
