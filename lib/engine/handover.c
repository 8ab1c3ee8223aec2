/* SPDX-License-Identifier: ISC
 *
 * The public entry points: an IKE SA goes from one engine to another.
 */
#include "engine/engine.h"
#include "sa/record.h"

int ike_sa_export(const ike_engine *e, ike_sa_id id, uint8_t *out, size_t *len, ike_time now)
{
    const struct ike_sa *sa = ike_sa_by_id(e, id);
    const size_t cap = *len;
    if (!sa) {
        return IKE_ERR_NOT_FOUND;
    }
    if (ike_sa_is_v1(sa)) {
        return IKE_ERR_UNSUPPORTED;
    }
    if (e->core.in_hook || !ike_record_ready(sa)) {
        return IKE_ERR_STATE;
    }
    now = now > e->core.now ? now : e->core.now;
    *len = ike_record_put(sa, now, NULL, 0);
    if (*len > cap) {
        return IKE_ERR_BUFFER; /* half a record is none, and has keys in it */
    }
    (void)ike_record_put(sa, now, out, cap);
    return IKE_OK;
}

/* ---- Import: whose it is -------------------------------------------------------------------------------------------------- */

/* NUL is in no name. */
static const char *name_of(ike_bytes from, char out[64])
{
    if (!from.len || from.len >= 64 || memchr(from.ptr, 0, from.len)) {
        return NULL;
    }
    memcpy(out, from.ptr, from.len);
    out[from.len] = 0;
    return out;
}

/* The connection it was of, if that would still have this peer. An attempt of its own may be under way as long as the peer has
 * not seen our proof; with that it may have taken the SA down. */
static int find_conn(struct ike_engine *e, const struct ike_record *r, const struct ike_sa *sa, struct ike_conn **out)
{
    char buf[64];
    uint8_t own[16];
    const char *name = name_of(r->conn, buf);
    struct ike_conn *conn = name ? ike_conn_by_name(&e->db, name) : NULL;
    if (!conn) {
        return IKE_ERR_NOT_FOUND;
    }
    const ike_id local = ike_conf_local_id(conn->conf, &sa->path, own), *remote = &conn->conf->s.remote_id;
    if (!ike_conf_speaks(conn->conf, 2) || !ike_id_equal(&local, &r->local_id) ||
        (remote->type != IKE_ID_NONE && !ike_id_equal(remote, &r->remote_id))) {
        return IKE_ERR_AUTH;
    }
    *out = conn;
    return conn->connecting && conn->connecting->own_mid > 1 ? IKE_ERR_STATE : IKE_OK;
}

/* Where one peer has one IKE SA, another that is up is younger than the record. */
static bool has_other(const struct ike_sa *sa, const struct ike_peer *peer)
{
    bool has = false;
    IKE_LIST_LOOK (const struct ike_sa, other, peer_link, &peer->sas) {
        has |= other->state != IKE_SA_CONNECTING && ike_sa_same_host(other, &sa->path);
    }
    return has && sa->conf->s.unique;
}

/* ---- Import: the IKE SA --------------------------------------------------------------------------------------------------- */

static int set_keys(struct ike_core *c, struct ike_sa *sa, ike_bytes keys)
{
    const struct ike_suite suite = sa->suite;
    int r = ike_sa_set_suite(c, sa, &suite);
    if (r != IKE_OK) {
        return r;
    }
    if (!IKE_WITH_PROPOSALS && !sa->encr->aead) {
        return IKE_ERR_UNSUPPORTED;
    }
    if (keys.len != ike_key_kept(&sa->layout) || !ike_encr_has_bits(sa->encr, suite.encr_bits) || sa->encr->aead != !sa->integ) {
        return IKE_ERR_INVALID;
    }
    sa->keys = ike_alloc(c, keys.len);
    if (!sa->keys) {
        return IKE_ERR_NOMEM;
    }
    memcpy(sa->keys, keys.ptr, keys.len);
    /* Counts on from anywhere, so that a record that is used a second time repeats no IV. */
    uint8_t raw[8];
    r = ike_draw(c, raw, sizeof raw);
    sa->iv = ike_load64(raw);
    return r;
}

static int set_answer(struct ike_core *c, struct ike_sa *sa, struct ike_rd parts)
{
    struct ike_sent **end = &sa->answer;
    while (!ike_rd_done(&parts)) {
        size_t n = ike_rd_u32(&parts);
        const uint8_t *p = ike_rd_take(&parts, n);
        struct ike_sent *s = p ? ike_alloc(c, sizeof *s + n) : NULL;
        if (!s) {
            return IKE_ERR_NOMEM;
        }
        s->len = n;
        memcpy(s->data, p, n);
        *end = s;
        end = &s->next;
    }
    return IKE_OK;
}

static int make_sa(struct ike_engine *e, struct ike_sa *sa, const struct ike_record *r)
{
    struct ike_db *db = &e->db;
    struct ike_conn *conn = NULL;
    int err = ike_record_sa(r, sa);
    err = err == IKE_OK ? find_conn(e, r, sa, &conn) : err;
    err = err == IKE_OK ? set_keys(&e->core, sa, r->keys) : err;
    err = err == IKE_OK ? set_answer(&e->core, sa, r->answer) : err;
    err = err == IKE_OK ? ike_sa_index_spi(db, sa) : err;
    if (err != IKE_OK) {
        return err;
    }
    ike_sa_bind(db, sa, conn);
    struct ike_peer *peer = ike_peer_get(db, conn, &r->local_id, &r->remote_id, ike_bytes_of(NULL, 0));
    if (!peer) {
        return IKE_ERR_NOMEM;
    }
    bool other = has_other(sa, peer);
    ike_sa_join(db, sa, peer);
    return other ? IKE_ERR_EXISTS : IKE_OK;
}

/* ---- Import: children ----------------------------------------------------------------------------------------------------- */

static int make_child(struct ike_engine *e, struct ike_sa *sa, const struct ike_record *r, const struct ike_record_child *in)
{
    char buf[64];
    const char *name = name_of(in->name, buf);
    int index = name ? ike_conf_child(sa->conf, name) : -1;
    if (index < 0) {
        return IKE_OK; /* not configured any more */
    }
    bool full = e->db.children.count >= e->core.set.max_children;
    struct ike_child *k = ike_child_new(&e->db, sa->peer, sa->conf, (uint16_t)index, &in->parts);
    if (!k) {
        return full ? IKE_ERR_LIMIT : IKE_ERR_NOMEM;
    }
    ike_record_fill(r, in, k);
    k->sa = sa->id;
    if (ike_child_by_spi_in(&e->db, k->spi_in)) {
        return IKE_ERR_EXISTS;
    }
    ike_child_index(&e->db, k);
    return IKE_OK;
}

static bool adopt(struct ike_core *c, struct ike_child *k, bool inbound)
{
    ike_ipsec_sa d[IKE_LAYERS];
    ike_child_describe(k, inbound, d);
    ike_hook_enter(c);
    int r = c->set.host.sadb.adopt ? c->set.host.sadb.adopt(c->set.host.user, d) : IKE_ERR_NOT_FOUND;
    ike_hook_leave(c);
    *(inbound ? &k->in_installed : &k->out_installed) = r == IKE_OK;
    return r == IKE_OK;
}

/* Policies that are there name its reqid, so what comes after it has the same. */
static void keep_reqid(struct ike_engine *e, struct ike_conn *conn, const struct ike_child *k)
{
    struct ike_want *want = &conn->want[k->index];
    e->db.reqid = k->reqid > e->db.reqid ? k->reqid : e->db.reqid;
    want->reqid = want->reqid || !ike_conn_is_single(conn) ? want->reqid : k->reqid;
}

/* What the data plane has lost, and what is not configured any more, the peer is told to delete: both ends have to begin a
 * sequence number anew, and that takes new keys. */
static int settle_child(struct ike_engine *e, struct ike_sa *sa, const struct ike_record *r, const struct ike_record_child *in)
{
    struct ike_child image = {.id = 0};
    ike_record_values(r, in, &image);
    struct ike_child *k = ike_child_by_spi_in(&e->db, image.spi_in);
    k = k && k->sa == sa->id ? k : NULL; /* of one that is not configured another's may have the SPI */
    if (k && adopt(&e->core, k, true) && adopt(&e->core, k, false)) {
        keep_reqid(e, sa->conn, k);
        k->state = IKE_CHILD_INSTALLED;
        return IKE_OK;
    }
    if (k) {
        ike_child_retire(&e->db, k);
    }
    const struct ike_task t = {.purpose = IKE_DO_DELETE_CHILD, .protocol = image.suite.protocol, .spi = image.spi_in};
    return ike_queue(e, sa, &t);
}

typedef int each_child(struct ike_engine *e, struct ike_sa *sa, const struct ike_record *r, const struct ike_record_child *in);

static int for_each(struct ike_engine *e, struct ike_sa *sa, struct ike_record r, each_child *act)
{
    struct ike_record_child in = {.local = &e->ts.local, .remote = &e->ts.remote};
    int err = IKE_OK;
    while (err == IKE_OK) {
        err = ike_record_child(&r, &in);
        err = err == IKE_OK ? act(e, sa, &r, &in) : err;
    }
    return err == IKE_ERR_NOT_FOUND ? IKE_OK : err;
}

/* ---- Import: the whole ---------------------------------------------------------------------------------------------------- */

static void undo(struct ike_engine *e, struct ike_sa *sa)
{
    ike_tasks_drop(e, sa);
    for (struct ike_list *it = sa->peer ? sa->peer->children.next : NULL, *next; it && it != &sa->peer->children; it = next) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        next = it->next;
        if (k->sa == sa->id) {
            ike_child_retire(&e->db, k);
        }
    }
    ike_sa_retire(&e->db, sa);
}

/* From here on nothing can fail. Our own attempt ends for it: the peer knows of nothing yet that it would have to delete. */
static void begin(struct ike_engine *e, struct ike_sa *sa)
{
    const struct ike_task check = {.purpose = IKE_DO_LIVENESS};
    struct ike_conn *conn = sa->conn;
    sa->state = IKE_SA_ESTABLISHED;
    sa->reported = true;
    ike_event_post(&e->core, &sa->ev, IKE_EV_SA_UP);
    ike_log_sa_up(&e->core, sa);
    IKE_LIST_EACH (it, tmp, &sa->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->sa == sa->id) {
            ike_child_report(e, k);
            ike_child_schedule(e, k);
        }
    }
    if (conn->connecting) {
        ike_sa_down(e, conn->connecting, IKE_BY_REPLACEMENT);
    }
    (void)ike_queue(e, sa, &check); /* or it is asked when nothing has been heard for long */
    ike_keep_up(e, conn);
    ike_kick(e, sa);
    if (!sa->dead) {
        ike_sa_schedule(e, sa);
    }
}

static int take_over(struct ike_engine *e, const struct ike_record *r, ike_sa_id *out)
{
    bool full = e->db.sas.count >= e->core.set.max_sas;
    const ike_path nowhere = {.encap = 0};
    struct ike_sa *sa = ike_sa_new(&e->db, true, &nowhere);
    if (!sa) {
        return full ? IKE_ERR_LIMIT : IKE_ERR_NOMEM;
    }
    int err = make_sa(e, sa, r);
    err = err == IKE_OK ? for_each(e, sa, *r, make_child) : err;
    err = err == IKE_OK ? for_each(e, sa, *r, settle_child) : err;
    if (err != IKE_OK) {
        undo(e, sa);
        return err;
    }
    *out = sa->id;
    begin(e, sa);
    return IKE_OK;
}

int ike_sa_import(ike_engine *e, const uint8_t *record, size_t n, ike_time age, ike_sa_id *out, ike_time now)
{
    struct ike_record r;
    int err = ike_enter(e, now);
    *out = 0;
    if (err == IKE_OK) {
        err = e->core.closing ? IKE_ERR_STATE : ike_record_open(&r, record, n, age, e->core.now);
        err = err == IKE_OK ? take_over(e, &r, out) : err;
        e->core.blamed = false; /* the result says it */
        ike_leave(e);
    }
    return err;
}
