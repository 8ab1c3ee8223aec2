/* SPDX-License-Identifier: ISC
 *
 * Children: one allocation with selectors and keys behind the struct, look-ups, and the calls into the data plane.
 */
#include "base/siphash.h"
#include "sa/sa.h"

extern inline const ike_child_settings *ike_child_conf(const struct ike_child *k);

/* The data plane may hand out SPIs in order and peers may see them, so the bits are not trusted to spread. */
static uint64_t spi_key(const struct ike_db *db, uint32_t spi)
{
    return IKE_WITH_CROWDS ? ike_siphash(db->core->hash_key, &spi, sizeof spi) : spi;
}

/* Keys are octets and need no alignment, so they come last. */
static size_t keys_at(const struct ike_child *k)
{
    return ike_child_n_beside(k) * sizeof(struct ike_beside) + ((size_t)k->n_local + k->n_remote) * sizeof(ike_ts);
}

/* In seconds; a century is as good as a thousand years. */
static uint32_t clamp(uint64_t life_s) { return life_s < UINT32_MAX ? (uint32_t)life_s : UINT32_MAX; }

/* One allocation, so that 100 000 tunnels cost no headers for parts. The keys are filled in by the caller. In no map yet: its
 * inbound SPI is entered when it is installed. */
struct ike_child *ike_child_new(struct ike_db *db, struct ike_peer *peer, struct ike_conf *conf, uint16_t index,
                                const struct ike_child_parts *p)
{
    struct ike_core *c = db->core;
    if (db->children.count >= c->set.max_children) {
        ike_blame(c, IKE_FAIL_LIMIT, IKE_DECIDER_US);
        return NULL;
    }
    const size_t n_beside = IKE_WITH_BUNDLES ? p->n_beside : 0;
    size_t size = sizeof(struct ike_child) + n_beside * sizeof *p->beside + (p->n_local + p->n_remote) * sizeof(ike_ts) +
                  2u * ((size_t)p->key_e + p->key_a);
    for (size_t i = 0; i < n_beside; i++) {
        size += 2u * (size_t)p->beside[i].key_a;
    }
    struct ike_child *k = ike_alloc(c, size);
    if (!k || !(k->id = ike_slots_add(&db->children, k, &c->mem))) {
        ike_free(c, k, size);
        ike_blame(c, IKE_FAIL_NO_MEMORY, IKE_DECIDER_HOST);
        return NULL;
    }
    k->size = size;
    k->number = ++db->child_number;
    k->state = IKE_CHILD_INSTALLING;
    k->peer = peer;
    /* Its own reference: settings that the connection has left behind live as long as a child made under them. */
    k->conf = ike_conf_ref(conf);
    k->index = index;
    k->n_beside = (uint8_t)n_beside;
    k->n_local = (uint16_t)p->n_local;
    k->n_remote = (uint16_t)p->n_remote;
    k->key_e = p->key_e;
    k->key_a = p->key_a;
    k->life_s = clamp(conf->s.children[index].life_s);
    k->rekey_at = k->expires_at = k->out_at = IKE_NEVER;
    /* Drawn once and kept: both directions and every later look at this child get the same limits. */
    k->early_pct = (uint8_t)ike_jitter(c, conf->s.jitter_pct + 1u);
    if (n_beside) {
        memcpy(k + 1, p->beside, n_beside * sizeof *p->beside);
    }
    ike_ts *ts = (ike_ts *)(void *)((struct ike_beside *)(void *)(k + 1) + n_beside);
    memcpy(ts, p->local, p->n_local * sizeof *ts);
    memcpy(ts + p->n_local, p->remote, p->n_remote * sizeof *ts);
    ike_list_init(&k->dead_link);
    ike_timer_init(&k->timer, IKE_TIMER_CHILD);
    ike_evslot_init(&k->ev, IKE_EV_OF_CHILD);
    ike_list_add(&peer->children, &k->link);
    c->count.children++;
    return k;
}

/* Valid as long as the child is. */
uint8_t *ike_child_keys(struct ike_child *k, bool inbound)
{
    return (uint8_t *)(k + 1) + keys_at(k) + (inbound ? 0u : (size_t)k->key_e + k->key_a);
}

uint8_t *ike_child_keys_beside(struct ike_child *k, size_t i, bool inbound)
{
    const struct ike_beside *b = ike_child_beside(k);
    uint8_t *at = ike_child_keys(k, true) + 2u * ((size_t)k->key_e + k->key_a);
    for (size_t n = 0; n < i; n++) {
        at += 2u * (size_t)b[n].key_a;
    }
    return at + (inbound ? 0u : b[i].key_a);
}

const struct ike_beside *ike_child_has(const struct ike_child *k, uint8_t protocol)
{
    const struct ike_beside *b = ike_child_beside(k);
    for (size_t i = 0; i < ike_child_n_beside(k); i++) {
        if (b[i].suite.protocol == protocol) {
            return &b[i];
        }
    }
    return NULL;
}

/* SPIs of ours are unique over all peers; the data plane or the draw saw to that. */
struct ike_child *ike_child_by_spi_in(const struct ike_db *db, uint32_t spi)
{
    for (struct ike_map_node *n = ike_map_find(&db->by_spi_in, spi_key(db, spi)); n; n = ike_map_find_next(n)) {
        struct ike_child *k = IKE_OF(n, struct ike_child, by_spi_in);
        if (k->spi_in == spi) {
            return k;
        }
    }
    return NULL;
}

/* The peer's SPIs are its own business: only among its children do they say anything. Peers have few, so a walk will do. */
struct ike_child *ike_child_by_spi_out(const struct ike_peer *peer, uint8_t protocol, uint32_t spi)
{
    IKE_LIST_LOOK (struct ike_child, k, link, &peer->children) {
        const struct ike_beside *b = IKE_WITH_BUNDLES ? ike_child_has(k, protocol) : NULL;
        if ((k->suite.protocol == protocol && k->spi_out == spi) || (b && b->spi_out == spi)) {
            return k;
        }
    }
    return NULL;
}

/* The data plane first: no SA may stay there that nothing here knows of any more. */
void ike_child_retire(struct ike_db *db, struct ike_child *k)
{
    if (k->dead) {
        return;
    }
    k->dead = true;
    ike_child_uninstall(db, k);
    ike_map_del(&db->by_spi_in, &k->by_spi_in);
    ike_slots_del(&db->children, k->id);
    ike_timer_set(&db->core->wheel, &k->timer, IKE_NEVER);
    ike_list_del(&k->link);
    /* k->peer stays readable until the reaper has freed k, for the event that may wait. */
    ike_peer_release(db, k->peer);
    db->core->count.children--;
    ike_list_add(&db->dead_children, &k->dead_link);
}

/* One that was rekeyed or is being deleted carries no traffic for long: it does not answer for its name. */
struct ike_child *ike_child_live(const struct ike_conn *conn, const char *name)
{
    IKE_LIST_LOOK (struct ike_peer, p, link, &conn->peers) {
        IKE_LIST_LOOK (struct ike_child, k, link, &p->children) {
            if (!k->rekeyed && k->state != IKE_CHILD_DELETING && strcmp(ike_child_conf(k)->name, name) == 0) {
                return k;
            }
        }
    }
    return NULL;
}

uint64_t ike_child_life_bytes(const struct ike_child *k)
{
    return k->life_kb ? (uint64_t)k->life_kb * 1024 : ike_child_conf(k)->life_bytes;
}

/* What all protocols of a child have in common. */
static void describe_child(const struct ike_child *k, bool inbound, ike_ipsec_sa *out)
{
    const ike_child_settings *s = ike_child_conf(k);
    *out = (ike_ipsec_sa){
        .size = sizeof(ike_ipsec_sa),
        .child = k->id,
        .conn = k->peer->conn->id,
        .conn_name = k->conf->s.name,
        .child_name = s->name,
        .inbound = inbound,
        .initiator = k->initiator,
        .rekey = k->replaces != 0,
        .mode = IKE_MODE_TRANSPORT,
        .reqid = k->reqid,
        .mark = s->mark,
        .if_id = s->if_id,
        .path = k->path,
        .local_ts = ike_child_local(k),
        .remote_ts = ike_child_remote(k),
        .n_local_ts = k->n_local,
        .n_remote_ts = k->n_remote,
    };
}

static void describe_main(const struct ike_child *k, ike_ipsec_sa *out)
{
    const ike_child_settings *s = ike_child_conf(k);
    /* Only reads; the cast is because one function serves both uses. */
    const uint8_t *keys = ike_child_keys((struct ike_child *)(uintptr_t)k, out->inbound);
    /* Soft limits at 90 % or a bit before, so that the rekey is over before the hard one stops traffic. */
    uint64_t life_bytes = ike_child_life_bytes(k), bytes = life_bytes / 10, packets = s->life_packets / 10;
    out->protocol = k->suite.protocol;
    out->udp_encap = k->udp_encap;
    out->esn = k->suite.esn != 0;
    out->spi = out->inbound ? k->spi_in : k->spi_out;
    out->peer_spi = out->inbound ? k->spi_out : k->spi_in;
    out->replay_window = s->replay_window;
    out->encr = k->suite.encr;
    out->encr_bits = k->suite.encr_bits;
    out->integ = k->suite.integ;
    out->encr_key = (ike_bytes){keys, k->key_e};
    out->integ_key = (ike_bytes){keys + k->key_e, k->key_a};
    out->soft_bytes = life_bytes - bytes - bytes * k->early_pct / 100;
    out->hard_bytes = life_bytes;
    out->soft_packets = s->life_packets - packets - packets * k->early_pct / 100;
    out->hard_packets = s->life_packets;
}

/* Volume is counted by the main protocol. */
static void describe_beside(const struct ike_child *k, size_t i, ike_ipsec_sa *out)
{
    const struct ike_beside *b = &ike_child_beside(k)[i];
    out->protocol = b->suite.protocol;
    out->spi = out->inbound ? b->spi_in : b->spi_out;
    out->peer_spi = out->inbound ? b->spi_out : b->spi_in;
    if (b->key_a) {
        out->esn = b->suite.esn != 0;
        out->replay_window = ike_child_conf(k)->replay_window;
        out->integ = b->suite.integ;
        out->integ_key = (ike_bytes){ike_child_keys_beside((struct ike_child *)(uintptr_t)k, i, out->inbound), b->key_a};
    }
}

/* Everything points into k, its conf and its peer: valid for the call into the hook, not longer. */
void ike_child_describe(const struct ike_child *k, bool inbound, ike_ipsec_sa out[IKE_LAYERS])
{
    size_t n = 0;
    const size_t n_beside = ike_child_n_beside(k);
    bool around = n_beside && ike_child_beside(k)[0].suite.protocol == IKE_PROTO_AH;
    for (size_t i = 0; i <= n_beside; i++) {
        describe_child(k, inbound, &out[i]);
        if (i) {
            out[i - 1].inner = &out[i];
        }
    }
    if (around) {
        describe_beside(k, 0, &out[n++]);
    }
    describe_main(k, &out[n++]);
    for (; n <= n_beside; n++) {
        describe_beside(k, n - 1, &out[n]);
    }
    out[n_beside].mode = k->mode;
}

void ike_child_index(struct ike_db *db, struct ike_child *k)
{
    if (!k->by_spi_in.in_map) {
        ike_map_add(&db->by_spi_in, &k->by_spi_in, spi_key(db, k->spi_in), &db->core->mem);
    }
}

/* The SA counts as installed from the moment it was asked for, so that a roll-back also takes out one that is pending. */
int ike_child_add(struct ike_db *db, struct ike_child *k, bool inbound, ike_token t)
{
    struct ike_core *c = db->core;
    int r = IKE_OK;
    if (inbound) {
        ike_child_index(db, k);
    }
    if (c->set.host.sadb.add) {
        ike_ipsec_sa d[IKE_LAYERS];
        ike_child_describe(k, inbound, d);
        ike_hook_enter(c);
        r = c->set.host.sadb.add(c->set.host.user, t, d);
        ike_hook_leave(c);
    }
    if (r == IKE_OK || (IKE_WITH_QUESTIONS && r == IKE_PENDING)) {
        *(inbound ? &k->in_installed : &k->out_installed) = true;
    }
    return r;
}

/* The mark is cleared first: a second call, from whatever the first leads to, finds nothing to do. */
static void take_out(struct ike_db *db, struct ike_child *k, bool inbound)
{
    struct ike_core *c = db->core;
    bool *installed = inbound ? &k->in_installed : &k->out_installed;
    if (*installed) {
        *installed = false;
        if (c->set.host.sadb.remove) {
            ike_ipsec_sa d[IKE_LAYERS];
            ike_child_describe(k, inbound, d);
            ike_hook_enter(c);
            c->set.host.sadb.remove(c->set.host.user, d);
            ike_hook_leave(c);
        }
    }
}

static void drop_late(struct ike_db *db, struct ike_child *k)
{
    if (IKE_WITH_QUESTIONS) {
        ike_question_drop(db->core, k->late_add, true);
        k->late_add = NULL;
    }
}

/* A question about an outbound SA that nobody wants any more is cancelled before the SA is taken out. */
void ike_child_uninstall_out(struct ike_db *db, struct ike_child *k)
{
    /* A dead one's question has been dropped already. */
    if (!k->dead) {
        drop_late(db, k);
    }
    take_out(db, k, false);
}

/* Outbound first: nothing is sent that the peer could answer over an SA that is no longer there. */
void ike_child_uninstall(struct ike_db *db, struct ike_child *k)
{
    drop_late(db, k);
    take_out(db, k, false);
    take_out(db, k, true);
}

/* A data plane that cannot move an SA keeps the old path; that is no reason to end a child that may still work. */
void ike_child_move(struct ike_db *db, struct ike_child *k, const ike_path *path)
{
    struct ike_core *c = db->core;
    ike_path old = k->path;
    /* Before the calls: the hook is shown the new path and given the old one beside it. */
    k->path = *path;
    for (int inbound = 0; inbound < 2 && c->set.host.sadb.move; inbound++) {
        if (inbound ? k->in_installed : k->out_installed) {
            ike_ipsec_sa d[IKE_LAYERS];
            ike_child_describe(k, inbound, d);
            ike_hook_enter(c);
            int r = c->set.host.sadb.move(c->set.host.user, d, &old);
            ike_hook_leave(c);
            if (r != IKE_OK) {
                IKE_LOG(c, IKE_LOG_CHILD, IKE_LOG_WARN, k->sa, "data plane did not move SA %08x: %s", (unsigned)d->spi,
                        ike_strerror(r));
            }
        }
    }
}
