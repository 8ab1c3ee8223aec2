/* SPDX-License-Identifier: ISC
 *
 * IKE SAs: made, linked, found by SPI; and the retirement of everything in the database.
 */
#include "sa/sa.h"
#include "base/siphash.h"

#define AT(member) offsetof(struct ike_db, member)
static const uint16_t lists[] = {AT(open),       AT(conn_list),  AT(half_open), AT(dead_sas), AT(dead_children),
                                 AT(dead_conns), AT(dead_peers), AT(faded),     AT(gathering)};
static const uint16_t maps[] = {AT(by_spi),  AT(by_init), AT(by_remote), AT(by_remote_id),
                                AT(by_name), AT(by_ids),  AT(by_lease),  AT(by_spi_in)};
static const uint16_t slots[] = {AT(conns), AT(sas), AT(unheard), AT(children)};
#undef AT

void ike_db_init(struct ike_db *db, struct ike_core *core)
{
    memset(db, 0, sizeof *db);
    db->core = core;
    /* Lists are the one thing that is not right when it is zero. */
    for (size_t i = 0; i < IKE_COUNT(lists); i++) {
        ike_list_init((struct ike_list *)(void *)((uint8_t *)db + lists[i]));
    }
    for (size_t i = 0; i < IKE_COUNT(db->wild); i++) {
        ike_list_init(&db->wild[i]);
    }
}

/* An SPI that came from outside is hashed; ours is drawn at random, so its own bits spread. */
static uint64_t spi_key(const struct ike_db *db, uint64_t spi)
{
    return IKE_WITH_CROWDS ? ike_siphash(db->core->hash_key, &spi, sizeof spi) : spi;
}

/* Still in no look-up but the handles': the caller draws an SPI and binds a connection. Blames when it gives NULL. */
struct ike_sa *ike_sa_new(struct ike_db *db, bool initiator, const ike_path *path)
{
    struct ike_core *c = db->core;
    if (db->sas.count >= c->set.max_sas) {
        ike_blame(c, IKE_FAIL_LIMIT, IKE_DECIDER_US);
        ike_blame_expected(c, "at most %u IKE SAs (max-sas)", (unsigned)c->set.max_sas);
        return NULL;
    }
    struct ike_sa *sa = ike_alloc(c, sizeof *sa);
    if (!sa || !(sa->id = ike_slots_add(&db->sas, sa, &c->mem))) {
        ike_free(c, sa, sizeof *sa);
        ike_blame(c, IKE_FAIL_NO_MEMORY, IKE_DECIDER_HOST);
        return NULL;
    }
    sa->number = ++db->sa_number;
    sa->version = 2;
    sa->state = IKE_SA_CONNECTING;
    sa->initiator = initiator;
    sa->path = *path;
    /* One request at a time until the peer says otherwise, which it need not (RFC 7296 section 2.3). */
    sa->window = 1;
    sa->created = sa->last_in = sa->last_out = c->now;
    sa->rekey_at = sa->expires_at = sa->yield_at = sa->answer_until = IKE_NEVER;
    ike_list_init(&sa->peer_link);
    ike_list_init(&sa->half_open_link);
    ike_list_init(&sa->bound_link);
    ike_list_init(&sa->dead_link);
    ike_list_init(&sa->outstanding);
    ike_list_init(&sa->tasks);
    ike_timer_init(&sa->timer, IKE_TIMER_SA);
    ike_evslot_init(&sa->ev, IKE_EV_OF_SA);
    c->count.sas++;
    return sa;
}

static void index_spi(struct ike_db *db, struct ike_sa *sa)
{
    ike_map_add(&db->by_spi, &sa->by_spi, spi_key(db, ike_sa_own_spi(sa)), &db->core->mem);
}

static uint64_t tag_mask(const struct ike_db *db)
{
    uint8_t bits = db->core->set.spi_tag_bits;
    return bits ? (UINT64_C(1) << bits) - 1 : 0;
}

/* The low bits are the tag by which a host steers datagrams to the worker that owns the engine. At most 16 of 64 bits, so a
 * second try is rare and sixteen in vain mean a broken random source. */
int ike_sa_draw_spi(struct ike_db *db, struct ike_sa *sa)
{
    struct ike_core *c = db->core;
    uint64_t mask = tag_mask(db);
    for (int tries = 0; tries < 16; tries++) {
        uint8_t raw[8];
        int r = ike_draw(c, raw, sizeof raw);
        if (r != IKE_OK) {
            return r;
        }
        uint64_t spi = (ike_load64(raw) & ~mask) | (c->set.spi_tag & mask);
        /* 0 means "not known yet" in a header (RFC 7296 section 3.1). */
        if (spi == 0 || ike_sa_by_spi(db, spi)) {
            continue;
        }
        *(sa->initiator ? &sa->spi_i : &sa->spi_r) = spi;
        index_spi(db, sa);
        return IKE_OK;
    }
    ike_blame(c, IKE_FAIL_RANDOM, IKE_DECIDER_HOST);
    return IKE_ERR_HOST;
}

int ike_sa_index_spi(struct ike_db *db, struct ike_sa *sa)
{
    uint64_t spi = ike_sa_own_spi(sa);
    if ((spi & tag_mask(db)) != db->core->set.spi_tag) {
        return IKE_ERR_INVALID;
    }
    if (ike_sa_by_spi(db, spi)) {
        return IKE_ERR_EXISTS;
    }
    index_spi(db, sa);
    return IKE_OK;
}

/* By our own half alone, which is unique here; the caller compares the peer's with what the message says. */
struct ike_sa *ike_sa_by_spi(const struct ike_db *db, uint64_t own_spi)
{
    for (struct ike_map_node *n = ike_map_find(&db->by_spi, spi_key(db, own_spi)); n; n = ike_map_find_next(n)) {
        struct ike_sa *sa = IKE_OF(n, struct ike_sa, by_spi);
        if (ike_sa_own_spi(sa) == own_spi) {
            return sa;
        }
    }
    return NULL;
}

/* The new references are taken first, as both connections may be the same. The conf is that of now and stays the SA's, however
 * the connection's changes. */
void ike_sa_bind(struct ike_db *db, struct ike_sa *sa, struct ike_conn *conn)
{
    conn->refs++;
    conn->sas++;
    ike_conf_ref(conn->conf);
    if (sa->conn) {
        sa->conn->sas--;
        ike_list_del(&sa->bound_link);
        ike_conf_unref(db->core, sa->conf);
        ike_conn_unref(db, sa->conn);
    }
    ike_list_add(&conn->bound, &sa->bound_link);
    sa->conn = conn;
    sa->conf = conn->conf;
}

/* Retransmission is the same octets from the same place (RFC 7296 section 2.1). An initiator with the same SPI behind the same
 * NAT, or a new attempt with another group, is another request. */
uint64_t ike_sa_init_key(const struct ike_db *db, ike_bytes message, const ike_path *path)
{
    uint8_t head[8 + 19];
    struct ike_wr w = ike_wr(head, sizeof head);
    ike_wr_u64(&w, ike_siphash(db->core->hash_key, message.ptr, message.len));
    ike_wr_u8(&w, path->remote.family);
    ike_wr_put(&w, path->remote.ip, 16);
    ike_wr_u16(&w, path->remote.port);
    return ike_siphash(db->core->hash_key, head, sizeof head);
}

/* By the whole datagram and its source, never by the SPI: two initiators may have drawn the same one (RFC 7296 section 2.1). */
void ike_sa_index_init(struct ike_db *db, struct ike_sa *sa, uint64_t key)
{
    ike_map_add(&db->by_init, &sa->by_init, key, &db->core->mem);
}

void ike_sa_heard(struct ike_db *db, struct ike_sa *sa)
{
    if (IKE_WITH_CROWDS && sa->unheard) {
        ike_slots_del_at(&db->unheard, sa->unheard - 1);
        sa->unheard = 0;
    }
}

/* New ones at the end, so the first is the oldest. */
void ike_sa_half_open(struct ike_db *db, struct ike_sa *sa, bool on)
{
    /* Idempotent: more than one way leads out of being half-open. */
    if (on == sa->half_open) {
        return;
    }
    sa->half_open = on;
    if (on) {
        ike_list_add(&db->half_open, &sa->half_open_link);
        db->n_half_open++;
        sa->unheard = IKE_WITH_CROWDS ? (uint32_t)ike_slots_add(&db->unheard, sa, &db->core->mem) : 0;
    } else {
        ike_list_del(&sa->half_open_link);
        db->n_half_open--;
        ike_sa_heard(db, sa);
    }
    db->core->count.half_open = db->n_half_open;
}

/* Only for a peer that has proved who it is: being in this list is what authenticated means everywhere else. */
void ike_sa_join(struct ike_db *db, struct ike_sa *sa, struct ike_peer *peer)
{
    struct ike_peer *was = sa->peer;
    ike_list_del(&sa->peer_link); /* a request that was dropped half-way may come again, in another name even */
    sa->peer = peer;
    ike_list_add(&peer->sas, &sa->peer_link);
    /* The name it had before may have nobody else. */
    if (was && was != peer) {
        ike_peer_release(db, was);
    }
}

/* NULL is fine. */
void ike_sent_free(struct ike_core *c, struct ike_sent *s)
{
    for (struct ike_sent *next; s; s = next) {
        next = s->next;
        ike_free(c, s, sizeof *s + s->len);
    }
}

/* What fading and retiring share. The SPI stays in the map, and the references stay held until the object is freed. */
static void leave(struct ike_db *db, struct ike_sa *sa)
{
    ike_map_del(&db->by_init, &sa->by_init);
    ike_sa_half_open(db, sa, false);
#if IKE_WITH_V1
    if (sa->v1) {
        ike_v1_parts_drop(db, sa->v1);
    }
#endif
    ike_slots_del(&db->sas, sa->id);
    ike_list_del(&sa->peer_link);
    /* The last one to leave takes the peer entry along. */
    if (sa->peer) {
        ike_peer_release(db, sa->peer);
        sa->peer = NULL;
    }
    if (sa->conn) {
        sa->conn->sas--;
        ike_list_del(&sa->bound_link);
        /* An attempt is over when its SA is. */
        if (sa->conn->connecting == sa) {
            sa->conn->connecting = NULL;
        }
    }
    db->core->count.sas--;
}

/* So many answers to a last request are kept; a peer that rekeys without end does not fill the memory with them. */
#define FADED_MAX 16384

/* dead_link serves both lists: an SA is faded or dead, never both. The oldest gives way when there are too many. */
void ike_sa_fade(struct ike_db *db, struct ike_sa *sa)
{
    if (sa->dead || sa->faded) {
        return;
    }
    if (db->n_faded >= FADED_MAX) {
        ike_sa_retire(db, IKE_OF(db->faded.next, struct ike_sa, dead_link));
    }
    sa->faded = true;
    leave(db, sa);
    ike_list_add(&db->faded, &sa->dead_link);
    db->n_faded++;
}

/* Handles, maps and timers let go of it here, so nothing begins anything with it; the memory stays until the reaper comes. */
void ike_sa_retire(struct ike_db *db, struct ike_sa *sa)
{
    if (sa->dead) {
        return;
    }
    sa->dead = true;
    if (sa->faded) {
        db->n_faded--;
    } else {
        leave(db, sa);
    }
    ike_map_del(&db->by_spi, &sa->by_spi);
    ike_timer_set(&db->core->wheel, &sa->timer, IKE_NEVER);
    ike_list_del(&sa->dead_link);
    ike_list_add(&db->dead_sas, &sa->dead_link);
}

/* Letting go of the connection may put that on the list of the dead, which is reaped after this one. */
static void sa_free(struct ike_db *db, struct ike_sa *sa)
{
    struct ike_core *c = db->core;
    ike_free_secret(c, sa->keys, ike_key_kept(&sa->layout));
    ike_sent_free(c, sa->answer);
#if IKE_WITH_V1
    ike_v1_sa_free(c, sa->v1);
#endif
    if (sa->conn) {
        ike_conf_unref(c, sa->conf);
        ike_conn_unref(db, sa->conn);
    }
    ike_free_secret(c, sa, sizeof *sa);
}

static void conn_free(struct ike_db *db, struct ike_conn *conn)
{
    struct ike_core *c = db->core;
    ike_conf_unref(c, conn->conf);
    ike_free(c, conn->want, (conn->n_want + 1) * sizeof *conn->want);
    if (IKE_WITH_RECORDS) {
        ike_free(c, conn->failure, sizeof *conn->failure);
    }
    ike_free(c, conn, sizeof *conn);
}

/* From the bottom up: an SA leads to its peer, a peer to its connection, and an event that waits leads to all three. */
void ike_db_reap(struct ike_db *db)
{
    IKE_LIST_EACH (it, tmp, &db->dead_sas) {
        struct ike_sa *sa = IKE_OF(it, struct ike_sa, dead_link);
        if (ike_list_empty(&sa->ev.link)) {
            ike_list_del(it);
            sa_free(db, sa);
        }
    }
    IKE_LIST_EACH (it, tmp, &db->dead_children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, dead_link);
        if (ike_list_empty(&k->ev.link)) {
            ike_list_del(it);
            ike_conf_unref(db->core, k->conf);
            ike_free_secret(db->core, k, k->size);
        }
    }
    if (!ike_list_empty(&db->dead_children) || !ike_list_empty(&db->dead_sas)) {
        return; /* they still lead to peers and connections */
    }
    IKE_LIST_EACH (it, tmp, &db->dead_peers) {
        struct ike_peer *p = IKE_OF(it, struct ike_peer, link);
        ike_list_del(it);
        ike_conn_unref(db, p->conn);
        ike_free(db->core, p, p->size);
    }
    IKE_LIST_EACH (it, tmp, &db->dead_conns) {
        struct ike_conn *conn = IKE_OF(it, struct ike_conn, link);
        if (ike_list_empty(&conn->ev.link)) {
            ike_list_del(it);
            conn_free(db, conn);
        }
    }
}

/* Frees the tables only; the objects have been reaped. */
void ike_db_fini(struct ike_db *db)
{
    const ike_allocator *mem = &db->core->mem;
    for (size_t i = 0; i < IKE_COUNT(maps); i++) {
        ike_map_free((struct ike_map *)(void *)((uint8_t *)db + maps[i]), mem);
    }
    for (size_t i = 0; i < IKE_COUNT(slots); i++) {
        ike_slots_free((struct ike_slots *)(void *)((uint8_t *)db + slots[i]), mem);
    }
}
