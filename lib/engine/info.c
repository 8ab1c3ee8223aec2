/* SPDX-License-Identifier: ISC
 *
 * The public entry points: looking.
 */
#include "engine/engine.h"

/* The request that waits longest for its answer, once it had to be repeated: until then nothing is wrong. */
static const struct ike_exchange *unanswered(const struct ike_sa *sa)
{
    const struct ike_exchange *x =
        ike_list_empty(&sa->outstanding) ? NULL : IKE_OF(sa->outstanding.next, const struct ike_exchange, link);
    return x && x->sent && x->tries ? x : NULL;
}

static void fill_lease(const struct ike_lease *l, ike_sa_info *o)
{
    if (l) {
        o->inner = l->address;
        o->inner_ours = l->ours;
        o->dns = l->dns;
        o->n_dns = l->n_dns;
        o->nbns = l->nbns;
        o->n_nbns = l->n_nbns;
    }
}

/* Views into the SA and its peer: valid until the next call that changes anything. IKE_NEVER is 0 outside. */
static void fill_sa(const struct ike_sa *sa, ike_sa_info *o)
{
    const struct ike_exchange *x = unanswered(sa);
    uint32_t queued = 0;
    IKE_LIST_EACH (it, tmp, &sa->tasks) {
        queued++;
    }
    *o = (ike_sa_info){
        .size = sizeof *o,
        .id = sa->id,
        .conn = sa->conn ? sa->conn->id : 0,
        .conn_name = sa->conf ? sa->conf->s.name : NULL,
        .number = sa->number,
        .version = sa->version,
        .state = sa->state,
        .initiator = sa->initiator,
        .spi_i = sa->spi_i,
        .spi_r = sa->spi_r,
        .path = sa->path,
        .nat_local = sa->nat_local,
        .nat_remote = sa->nat_remote,
        .encr = sa->suite.encr,
        .encr_bits = sa->suite.encr_bits,
        .integ = sa->suite.integ,
        .prf = sa->suite.prf,
        .ke = sa->suite.ke,
        .created = sa->created,
        .established = sa->established,
        .rekey_at = sa->rekey_at == IKE_NEVER ? 0 : sa->rekey_at,
        .last_in = sa->last_in,
        .children = sa->peer ? ike_children_of(sa, 0) : 0,
        .queued = queued,
        .repetitions = x ? x->tries : 0,
        .gives_up_at = x ? ike_exchange_gives_up(x) : 0,
    };
    if (sa->peer) {
        o->local_id = sa->peer->local_id;
        o->remote_id = sa->peer->remote_id;
        o->user = sa->peer->user;
        o->user_ours = o->user.len && sa->conf->s.xauth == IKE_XAUTH_CLIENT;
        fill_lease(ike_sa_lease(sa), o);
    }
    o->private_ke = ike_sa_private_ke(sa);
}

/* Not from inside a hook: the data plane may be in the middle of the call that led here. */
static bool usage(const struct ike_engine *e, const struct ike_child *k, bool inbound, ike_usage *out)
{
    struct ike_core *c = (struct ike_core *)(uintptr_t)&e->core; /* looking changes nothing but the mark below */
    ike_ipsec_sa d[IKE_LAYERS];
    if (!c->set.host.sadb.query || !(inbound ? k->in_installed : k->out_installed) || c->in_hook) {
        return false;
    }
    ike_child_describe(k, inbound, d);
    ike_hook_enter(c);
    int r = c->set.host.sadb.query(c->set.host.user, d, out);
    ike_hook_leave(c);
    return r == IKE_OK;
}

/* Counters are asked of the data plane each time; nothing here keeps a copy that would grow old. */
static void fill_child(const struct ike_engine *e, const struct ike_child *k, ike_child_info *o)
{
    *o = (ike_child_info){
        .size = sizeof *o,
        .id = k->id,
        .sa = k->sa,
        .conn = k->peer->conn->id,
        .conn_name = k->conf->s.name,
        .name = ike_child_conf(k)->name,
        .number = k->number,
        .state = k->state,
        .initiator = k->initiator,
        .protocol = k->suite.protocol,
        .mode = k->mode,
        .udp_encap = k->udp_encap,
        .esn = k->suite.esn != 0,
        .spi_in = k->spi_in,
        .spi_out = k->spi_out,
        .reqid = k->reqid,
        .encr = k->suite.encr,
        .encr_bits = k->suite.encr_bits,
        .integ = k->suite.integ,
        .ke = k->suite.ke,
        .local_ts = ike_child_local(k),
        .remote_ts = ike_child_remote(k),
        .n_local_ts = k->n_local,
        .n_remote_ts = k->n_remote,
        .narrowed = k->narrowed,
        .established = k->established,
        .rekey_at = k->rekey_at == IKE_NEVER ? 0 : k->rekey_at,
        .expires_at = k->expires_at == IKE_NEVER ? 0 : k->expires_at,
    };
    const struct ike_beside *ah = ike_child_has(k, IKE_PROTO_AH), *comp = ike_child_has(k, IKE_PROTO_IPCOMP);
    if (ah) {
        o->ah_integ = ah->suite.integ;
        o->ah_spi_in = ah->spi_in;
        o->ah_spi_out = ah->spi_out;
    }
    if (comp) {
        o->cpi_in = (uint16_t)comp->spi_in;
        o->cpi_out = (uint16_t)comp->spi_out;
    }
    o->usage_known = usage(e, k, true, &o->in);
    o->usage_known |= usage(e, k, false, &o->out);
}

/* The most failures in a row of the connection or one of its children, for those are what retry_at waits for. */
static void fill_conn(const struct ike_conn *conn, ike_conn_info *o)
{
    *o = (ike_conn_info){
        .size = sizeof *o, .id = conn->id, .settings = &conn->conf->shown, .sas = conn->sas, .attempts = conn->pause.failed};
    o->retry_at = conn->timer.at == IKE_NEVER ? 0 : conn->timer.at;
    for (size_t i = 0; i < conn->n_want; i++) {
        o->attempts = conn->want[i].pause.failed > o->attempts ? conn->want[i].pause.failed : o->attempts;
        o->wanted |= conn->conf->s.children[i].start == IKE_START_YES && !conn->want[i].held;
    }
}

/* By handle, not by position: what goes or comes between two calls neither repeats nor hides another. */
int ike_sa_next(const ike_engine *e, ike_sa_id after, ike_sa_info *out)
{
    uint64_t id;
    struct ike_sa *sa = ike_slots_next(&e->db.sas, after, &id);
    if (!sa) {
        return IKE_ERR_NOT_FOUND;
    }
    fill_sa(sa, out);
    return IKE_OK;
}

int ike_child_next(const ike_engine *e, ike_child_id after, ike_child_info *out)
{
    uint64_t id;
    struct ike_child *k = ike_slots_next(&e->db.children, after, &id);
    if (!k) {
        return IKE_ERR_NOT_FOUND;
    }
    fill_child(e, k, out);
    return IKE_OK;
}

int ike_conn_next(const ike_engine *e, ike_conn_id after, ike_conn_info *out)
{
    uint64_t id;
    struct ike_conn *conn = ike_slots_next(&e->db.conns, after, &id);
    if (!conn) {
        return IKE_ERR_NOT_FOUND;
    }
    fill_conn(conn, out);
    return IKE_OK;
}

struct ids {
    uint64_t *out;
    size_t n, max;
};

static void take(struct ids *l, uint64_t id)
{
    if (l->n < l->max) {
        l->out[l->n] = id;
    }
    l->n++;
}

size_t ike_conn_sas(const ike_engine *e, ike_conn_id id, ike_sa_id *out, size_t max)
{
    struct ids l = {out, 0, max};
    struct ike_conn *conn = ike_conn_by_id(e, id);
    if (conn) {
        IKE_LIST_LOOK (struct ike_sa, sa, bound_link, &conn->bound) {
            take(&l, sa->id);
        }
    }
    return l.n;
}

size_t ike_sa_children(const ike_engine *e, ike_sa_id id, ike_child_id *out, size_t max)
{
    struct ids l = {out, 0, max};
    struct ike_sa *sa = ike_sa_by_id(e, id);
    if (sa && sa->peer) {
        IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
            if (k->sa == id) {
                take(&l, k->id);
            }
        }
    }
    return l.n;
}

int ike_sa_get(const ike_engine *e, ike_sa_id id, ike_sa_info *out)
{
    struct ike_sa *sa = ike_sa_by_id(e, id);
    if (!sa) {
        return IKE_ERR_NOT_FOUND;
    }
    fill_sa(sa, out);
    return IKE_OK;
}

int ike_child_get(const ike_engine *e, ike_child_id id, ike_child_info *out)
{
    struct ike_child *k = ike_child_by_id(e, id);
    if (!k) {
        return IKE_ERR_NOT_FOUND;
    }
    fill_child(e, k, out);
    return IKE_OK;
}

int ike_conn_get(const ike_engine *e, ike_conn_id id, ike_conn_info *out)
{
    struct ike_conn *conn = ike_conn_by_id(e, id);
    if (!conn) {
        return IKE_ERR_NOT_FOUND;
    }
    fill_conn(conn, out);
    return IKE_OK;
}

/* Kept after the next success: people ask why it was down. */
int ike_conn_failure(const ike_engine *e, ike_conn_id id, ike_failure *out)
{
    struct ike_conn *conn = ike_conn_by_id(e, id);
    if (!conn || !conn->failure) {
        return IKE_ERR_NOT_FOUND;
    }
    *out = *conn->failure;
    return IKE_OK;
}

/* 0 is the newest. */
int ike_failure_at(const ike_engine *e, size_t i, ike_failure *out)
{
    const ike_failure *f = ike_failure_ring(&e->core, i);
    if (!f) {
        return IKE_ERR_NOT_FOUND;
    }
    *out = *f;
    return IKE_OK;
}

/* A copy, so that several numbers belong to one moment. */
void ike_counters_get(const ike_engine *e, ike_counters *out)
{
    *out = e->core.count;
    out->size = sizeof *out;
    out->questions = e->core.questions.count;
}
