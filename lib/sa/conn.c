/* SPDX-License-Identifier: ISC
 *
 * Connections and peers: made, linked, found by name, address and identities.
 */
#include "base/siphash.h"
#include "sa/sa.h"

/* Without the port: a NAT may change it, and a connection is for a host. */
static uint64_t hash_addr(const struct ike_db *db, const ike_addr *a)
{
    uint8_t key[17];
    key[0] = a->family;
    memcpy(key + 1, a->ip, 16);
    return ike_siphash(db->core->hash_key, key, sizeof key);
}

/* With case, as names are compared. */
static uint64_t hash_name(const struct ike_db *db, const char *name)
{
    return IKE_WITH_CROWDS ? ike_siphash(db->core->hash_key, name, strlen(name)) : 0;
}

/* Names compare without case, so they are folded here as well; the last 40 octets are enough to spread peers. */
static void put_id(struct ike_wr *w, const ike_id *id)
{
    size_t n = id->data.len < 40 ? id->data.len : 40;
    ike_wr_u8(w, id->type);
    ike_wr_u16(w, (uint16_t)id->data.len);
    uint8_t *to = ike_wr_room(w, n);
    for (size_t k = 0; to && k < n; k++) {
        uint8_t ch = id->data.ptr[id->data.len - n + k];
        to[k] = ch >= 'A' && ch <= 'Z' ? (uint8_t)(ch + 32) : ch;
    }
}

static uint64_t hash_id(const struct ike_db *db, const ike_id *id)
{
    uint8_t buf[48];
    struct ike_wr w = ike_wr(buf, sizeof buf);
    put_id(&w, id);
    return ike_siphash(db->core->hash_key, buf, w.len);
}

/* No prefix length given means one address. Only such a connection can be begun by us. */
bool ike_conn_is_single(const struct ike_conn *conn)
{
    unsigned full = conn->remote.family == 4 ? 32 : 128;
    return conn->remote.family && (!conn->conf->s.remote_bits || conn->conf->s.remote_bits >= full);
}

/* How specific: any address 0, else more than the longest prefix that is shorter, and one address most of all. */
static unsigned width(const struct ike_conn *conn)
{
    return !conn->remote.family ? 0 : ike_conn_is_single(conn) ? 129 : conn->conf->s.remote_bits + 1u;
}

/* The list it stands in: where there are few connections it is one, in which the most specific stand first. */
static unsigned list_of(const struct ike_conn *conn) { return IKE_WITH_CROWDS ? width(conn) : 0; }

static struct ike_conn *of_same(struct ike_list *link) { return IKE_OF(link, struct ike_conn, same); }

/* The newest connection with this address. */
static struct ike_conn *newest(const struct ike_db *db, const ike_addr *a)
{
    struct ike_map_node *n = ike_map_find(&db->by_remote, hash_addr(db, a));
    for (; n; n = ike_map_find_next(n)) {
        struct ike_conn *conn = IKE_OF(n, struct ike_conn, by_remote);
        if (ike_addr_same_ip(&conn->remote, a)) {
            return conn;
        }
    }
    return NULL;
}

/* The place in the map goes to the next in the ring. */
static void unlink_address(struct ike_db *db, struct ike_conn *conn)
{
    struct ike_conn *next = of_same(conn->same.next);
    if (IKE_WITH_CROWDS && conn->by_remote.in_map) {
        ike_map_del(&db->by_remote, &conn->by_remote);
        if (next != conn) {
            ike_map_add(&db->by_remote, &next->by_remote, conn->by_remote.key, &db->core->mem);
        }
    }
    if (IKE_WITH_CROWDS) {
        ike_map_del(&db->by_remote_id, &conn->by_remote_id);
        ike_list_del(&conn->open);
    }
    ike_list_del(&conn->same);
}

static void link_exact(struct ike_db *db, struct ike_conn *conn)
{
    struct ike_conn *first = newest(db, &conn->remote);
    if (first) {
        ike_map_del(&db->by_remote, &first->by_remote);
        ike_list_add(&first->same, &conn->same); /* before it */
    }
    ike_map_add(&db->by_remote, &conn->by_remote, hash_addr(db, &conn->remote), &db->core->mem);
}

/* By its identity, too. */
static void link_wild(struct ike_db *db, struct ike_conn *conn)
{
    const ike_id *id = &conn->conf->s.remote_id;
    unsigned w = width(conn);
    ike_list_add(&db->wild[w], &conn->same);
    db->widest = w > db->widest ? w : db->widest;
    conn->linked = db->linked++;
    if (id->type == IKE_ID_NONE) {
        ike_list_add(&db->open, &conn->open);
    } else {
        ike_map_add(&db->by_remote_id, &conn->by_remote_id, hash_id(db, id), &db->core->mem);
    }
}

/* Of those with one address the newest comes first, of the others the oldest. */
static void link_in_order(struct ike_db *db, struct ike_conn *conn)
{
    const bool single = ike_conn_is_single(conn);
    struct ike_list *at = db->wild[0].next;
    while (at != &db->wild[0] && width(of_same(at)) + !single > width(conn)) {
        at = at->next;
    }
    ike_list_add(at, &conn->same);
}

/* The map finds the one address that most connections have in O(1), and however many have it are linked and unlinked in O(1); the
 * rest stand in lists. */
void ike_conn_relink(struct ike_db *db, struct ike_conn *conn)
{
    unlink_address(db, conn);
    if (!IKE_WITH_CROWDS) {
        link_in_order(db, conn);
    } else if (ike_conn_is_single(conn)) {
        link_exact(db, conn);
    } else {
        link_wild(db, conn);
    }
}

/* Takes over the caller's reference to conf when it succeeds, and only then. */
int ike_conn_new(struct ike_db *db, struct ike_conf *conf, struct ike_conn **out)
{
    struct ike_core *c = db->core;
    struct ike_conn *conn = ike_alloc(c, sizeof *conn);
    if (!conn) {
        return IKE_ERR_NOMEM;
    }
    conn->conf = conf;
    conn->refs = 1;
    conn->remote = conf->s.remote;
    conn->n_want = conf->s.n_children;
    ike_list_init(&conn->link);
    ike_list_init(&conn->same);
    ike_list_init(&conn->open);
    ike_list_init(&conn->peers);
    ike_list_init(&conn->bound);
    ike_timer_init(&conn->timer, IKE_TIMER_CONN);
    ike_evslot_init(&conn->ev, IKE_EV_OF_CONN);
    /* One more than needed, so that a connection without children has a pointer as well. */
    conn->want = ike_alloc(c, (conn->n_want + 1) * sizeof *conn->want);
    conn->id = conn->want ? ike_slots_add(&db->conns, conn, &c->mem) : 0;
    if (!conn->id) {
        ike_free(c, conn->want, (conn->n_want + 1) * sizeof *conn->want);
        ike_free(c, conn, sizeof *conn);
        return IKE_ERR_NOMEM;
    }
    ike_map_add(&db->by_name, &conn->by_name, hash_name(db, conf->s.name), &c->mem);
    ike_list_add(&db->conn_list, &conn->link);
    ike_conn_relink(db, conn);
    c->count.conns++;
    *out = conn;
    return IKE_OK;
}

/* Children keep what is known of them by their name: reqid, pauses, and whether somebody closed them. Takes over the reference
 * to conf when it succeeds. Nothing is changed on an error. */
int ike_conn_set_conf(struct ike_db *db, struct ike_conn *conn, struct ike_conf *conf)
{
    struct ike_core *c = db->core;
    struct ike_want *want = ike_alloc(c, (conf->s.n_children + 1) * sizeof *want);
    if (!want) {
        return IKE_ERR_NOMEM;
    }
    for (size_t i = 0; i < conf->s.n_children; i++) {
        int old = ike_conf_child(conn->conf, conf->s.children[i].name);
        if (old >= 0) {
            want[i] = conn->want[old];
        }
    }
    ike_free(c, conn->want, (conn->n_want + 1) * sizeof *want);
    conn->want = want;
    conn->n_want = conf->s.n_children;
    /* A reload must not cut off who is there. */
    if (!ike_conf_keeps_remote(&conf->s)) {
        conn->remote = conf->s.remote;
    }
    ike_conf_unref(c, conn->conf);
    conn->conf = conf;
    ike_conn_relink(db, conn);
    return IKE_OK;
}

/* Nobody finds it any more; what is up goes on holding it until it is closed. */
void ike_conn_retire(struct ike_db *db, struct ike_conn *conn)
{
    if (conn->removed) {
        return;
    }
    conn->removed = true;
    unlink_address(db, conn);
    ike_map_del(&db->by_name, &conn->by_name);
    ike_list_del(&conn->link);
    ike_slots_del(&db->conns, conn->id);
    ike_timer_set(&db->core->wheel, &conn->timer, IKE_NEVER);
    db->core->count.conns--;
    ike_conn_unref(db, conn);
}

/* The list of the dead: its link is free, for the last reference goes after it was retired. */
void ike_conn_unref(struct ike_db *db, struct ike_conn *conn)
{
    if (--conn->refs == 0) {
        ike_list_add(&db->dead_conns, &conn->link);
    }
}

/* The key is a hash: equal keys may still be different names. */
struct ike_conn *ike_conn_by_name(const struct ike_db *db, const char *name)
{
    struct ike_map_node *n = ike_map_find(&db->by_name, hash_name(db, name));
    for (; n; n = ike_map_find_next(n)) {
        struct ike_conn *conn = IKE_OF(n, struct ike_conn, by_name);
        if (strcmp(conn->conf->s.name, name) == 0) {
            return conn;
        }
    }
    return NULL;
}

/* The map knows the remote address only; local address and prefix are judged here. */
static bool fits(const struct ike_conn *conn, const ike_path *path)
{
    return ike_conf_address_fit(conn->conf, &conn->remote, path) > 0;
}

/* The next in the map's ring; NULL behind the last. */
static struct ike_conn *next_exact(const struct ike_conn *conn)
{
    struct ike_conn *next = of_same(conn->same.next);
    return next->by_remote.in_map ? NULL : next;
}

static struct ike_conn *match_exact(struct ike_conn *conn, const ike_path *path)
{
    while (conn && !fits(conn, path)) {
        conn = next_exact(conn);
    }
    return conn;
}

static struct ike_conn *match_wild(const struct ike_db *db, const ike_path *path, const struct ike_conn *after)
{
    unsigned w = after ? list_of(after) : db->widest;
    for (const struct ike_list *at = after ? &after->same : &db->wild[w];; at = &db->wild[--w]) {
        for (at = at->next; at != &db->wild[w]; at = at->next) {
            struct ike_conn *conn = of_same((struct ike_list *)at);
            if (fits(conn, path)) {
                return conn;
            }
        }
        if (w == 0) {
            return NULL;
        }
    }
}

/* Exact addresses before prefixes before any. `after` tells by itself which of the two walks it came from. */
struct ike_conn *ike_conn_match(const struct ike_db *db, const ike_path *path, const struct ike_conn *after)
{
    if (!IKE_WITH_CROWDS || (after && !ike_conn_is_single(after))) {
        return match_wild(db, path, after);
    }
    struct ike_conn *conn = match_exact(after ? next_exact(after) : newest(db, &path->remote), path);
    return conn ? conn : match_wild(db, path, NULL);
}

/* Which stands before the other in wild; either may be NULL. */
static struct ike_conn *first_of(struct ike_conn *a, struct ike_conn *b)
{
    if (!a || !b) {
        return a ? a : b;
    }
    return width(a) > width(b) || (width(a) == width(b) && a->linked < b->linked) ? a : b;
}

struct ike_conn *ike_conn_match_id(const struct ike_db *db, const ike_path *path, const ike_id *remote,
                                   bool (*fits_too)(const void *user, const struct ike_conn *conn), const void *user)
{
    struct ike_conn *best = NULL;
    for (struct ike_conn *conn = ike_conn_match(db, path, NULL); !IKE_WITH_CROWDS; conn = ike_conn_match(db, path, conn)) {
        if (!conn || fits_too(user, conn)) {
            return conn;
        }
    }
    for (struct ike_conn *conn = newest(db, &path->remote); conn; conn = next_exact(conn)) {
        if (fits(conn, path) && fits_too(user, conn)) {
            return conn;
        }
    }
    for (struct ike_map_node *n = ike_map_find(&db->by_remote_id, hash_id(db, remote)); n; n = ike_map_find_next(n)) {
        struct ike_conn *conn = IKE_OF(n, struct ike_conn, by_remote_id);
        best = fits(conn, path) && fits_too(user, conn) ? first_of(best, conn) : best;
    }
    for (const struct ike_list *at = db->open.next; at != &db->open; at = at->next) {
        struct ike_conn *conn = IKE_OF((struct ike_list *)at, struct ike_conn, open);
        best = fits(conn, path) && fits_too(user, conn) ? first_of(best, conn) : best;
    }
    return best;
}

static uint64_t hash_ids(const struct ike_db *db, const struct ike_conn *conn, const ike_id *local, const ike_id *remote,
                         ike_bytes user)
{
    uint8_t buf[104];
    struct ike_wr w = ike_wr(buf, sizeof buf);
    if (!IKE_WITH_CROWDS) {
        return 0;
    }
    ike_wr_u64(&w, conn->id);
    put_id(&w, local);
    put_id(&w, remote);
    ike_wr_u64(&w, user.len ? ike_siphash(db->core->hash_key, user.ptr, user.len) : 0);
    return ike_siphash(db->core->hash_key, buf, w.len);
}

/* The ids are copied behind the struct: those of a message do not outlive it. Equal ids under another connection are another
 * peer, with policies of its own. */
struct ike_peer *ike_peer_get(struct ike_db *db, struct ike_conn *conn, const ike_id *local, const ike_id *remote, ike_bytes user)
{
    uint64_t key = hash_ids(db, conn, local, remote, user);
    for (struct ike_map_node *n = ike_map_find(&db->by_ids, key); n; n = ike_map_find_next(n)) {
        struct ike_peer *p = IKE_OF(n, struct ike_peer, by_ids);
        if (p->conn == conn && ike_id_equal(&p->local_id, local) && ike_id_equal(&p->remote_id, remote) &&
            ike_bytes_equal(p->user, user)) {
            return p;
        }
    }
    size_t size = sizeof(struct ike_peer) + local->data.len + remote->data.len + user.len;
    struct ike_peer *p = ike_alloc(db->core, size);
    if (!p) {
        return NULL;
    }
    ike_map_add(&db->by_ids, &p->by_ids, key, &db->core->mem);
    struct ike_wr w = ike_wr(p + 1, size - sizeof *p);
    p->size = size;
    p->conn = conn;
    conn->refs++;
    ike_list_init(&p->sas);
    ike_list_init(&p->children);
    p->local_id = (ike_id){local->type, {w.p, local->data.len}};
    ike_wr_bytes(&w, local->data);
    p->remote_id = (ike_id){remote->type, {w.p + w.len, remote->data.len}};
    ike_wr_bytes(&w, remote->data);
    p->user = ike_bytes_of(w.p + w.len, user.len);
    ike_wr_bytes(&w, user);
    ike_list_add(&conn->peers, &p->link);
    return p;
}

/* Called whenever an SA or a child leaves; freed later, since callers up the stack may still look at it. */
void ike_peer_release(struct ike_db *db, struct ike_peer *p)
{
    if (ike_list_empty(&p->sas) && ike_list_empty(&p->children)) {
#if IKE_WITH_V1
        ike_lease_drop(db, p);
#endif
        ike_map_del(&db->by_ids, &p->by_ids);
        ike_list_del(&p->link);
        ike_list_add(&db->dead_peers, &p->link);
    }
}
