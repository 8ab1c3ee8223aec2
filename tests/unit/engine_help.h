/* SPDX-License-Identifier: ISC
 *
 * Two engines, a (192.0.2.1) and b (192.0.2.2), and the wire between them in virtual time; a stranger who was given the keys of
 * the IKE SA and can say anything to either, well protected.
 */
#ifndef TESTS_UNIT_ENGINE_HELP_H
#define TESTS_UNIT_ENGINE_HELP_H

#include "unit/core_help.h"

#include "engine/engine.h"
#include "message/seal.h"
#include "proposal/proposal.h"

enum { OUT_MAX = 64, EVENTS_MAX = 64, REPLY_MAX = 8 };

struct node {
    struct lab lab; /* first: the host's user pointer leads here */
    ike_engine *e;
    ike_conn_id conn;
    struct {
        ike_path path;
        size_t n;
        uint8_t bytes[2048];
    } out[OUT_MAX];
    unsigned n_out;
    ike_event_type event[EVENTS_MAX];
    ike_failure failure; /* of the last event that had one */
    unsigned n_events;
    /* Keys of the newest IKE SA. */
    uint64_t spi_i, spi_r;
    uint16_t encr, integ;
    uint8_t key[4][128]; /* ei er ai ar */
    size_t key_len[4];
    unsigned adds, removes, moves;
};

static struct node a, b;
static ike_time now;

static inline void node_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct node *x = user;
    if (kind == IKE_SEND_MESSAGE) {
        assert_true(x->n_out < OUT_MAX && n <= sizeof x->out[0].bytes);
        x->out[x->n_out].path = *path;
        x->out[x->n_out].n = n;
        memcpy(x->out[x->n_out++].bytes, bytes, n);
    }
}

static inline void node_keys(void *user, const ike_keylog *k)
{
    struct node *x = user;
    const ike_bytes keys[4] = {k->sk_ei, k->sk_er, k->sk_ai, k->sk_ar};
    x->spi_i = k->spi_i;
    x->spi_r = k->spi_r;
    x->encr = k->encr;
    x->integ = k->integ;
    for (unsigned i = 0; i < 4; i++) {
        assert_true(keys[i].len <= sizeof x->key[i]);
        x->key_len[i] = keys[i].len;
        if (keys[i].len) {
            memcpy(x->key[i], keys[i].ptr, keys[i].len);
        }
    }
}

static inline void node_event(void *user, const ike_event *ev)
{
    struct node *x = user;
    assert_true(x->n_events < EVENTS_MAX);
    x->failure = ev->failure ? *ev->failure : x->failure;
    x->event[x->n_events++] = ev->type;
}

static inline int node_add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    (void)t, (void)sa;
    ((struct node *)user)->adds++;
    return IKE_OK;
}

static inline void node_remove(void *user, const ike_ipsec_sa *sa)
{
    (void)sa;
    ((struct node *)user)->removes++;
}

static inline int node_move(void *user, const ike_ipsec_sa *sa, const ike_path *old)
{
    (void)sa, (void)old;
    ((struct node *)user)->moves++;
    return IKE_OK;
}

static inline unsigned node_saw(const struct node *x, ike_event_type t)
{
    unsigned n = 0;
    for (unsigned i = 0; i < x->n_events; i++) {
        n += x->event[i] == t;
    }
    return n;
}

static inline void node_settings(struct node *x, ike_settings *s)
{
    lab_init(&x->lab);
    lab_settings(&x->lab, s);
    s->host.send = node_send;
    s->host.keys = node_keys;
    s->host.event = node_event;
    s->host.sadb.add = node_add;
    s->host.sadb.remove = node_remove;
    s->host.sadb.move = node_move;
}

/* The connection "peer" with the children "lan" (10.1/16 behind a, 10.2/16 behind b) and "six". */
static inline int node_conn(struct node *x, const char *secret, ike_conn_id *id)
{
    bool is_a = x == &a;
    ike_conn_settings s;
    ike_child_settings child[2];
    ike_ts ts[4] = {lab_ts("10.1.0.0/16"), lab_ts("10.2.0.0/16"), lab_ts("2001:db8:1::/48"), lab_ts("2001:db8:2::/48")};
    ike_conn_settings_init(&s);
    s.name = "peer";
    s.local = lab_addr(is_a ? "192.0.2.1" : "192.0.2.2");
    s.remote = lab_addr(is_a ? "192.0.2.2" : "192.0.2.1");
    s.secret = ike_bytes_of(secret, strlen(secret));
    s.dpd_s = 0;
    for (unsigned i = 0; i < 2; i++) {
        ike_child_settings_init(&child[i]);
        child[i].name = i ? "six" : "lan";
        child[i].local_ts = &ts[2 * i + !is_a];
        child[i].remote_ts = &ts[2 * i + is_a];
        child[i].n_local_ts = child[i].n_remote_ts = 1;
    }
    s.children = child;
    s.n_children = 2;
    return ike_conn_add(x->e, &s, id, now);
}

static inline void pair_new(void (*adjust)(struct node *, ike_settings *))
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    now = IKE_SEC;
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        ike_settings s;
        node_settings(x, &s);
        x->lab.seed = 1000 + i;
        if (adjust) {
            adjust(x, &s);
        }
        assert_int_equal(ike_engine_new(&x->e, &s, now), IKE_OK);
        assert_int_equal(node_conn(x, "secret", &x->conn), IKE_OK);
    }
}

static inline void pair_end(void)
{
    ike_engine_free(a.e);
    ike_engine_free(b.e);
    assert_int_equal(a.lab.blocks + b.lab.blocks, 0);
}

/* Second by second. */
static inline void node_pass(struct node *x, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        now += IKE_SEC;
        assert_int_equal(ike_tick(x->e, now), IKE_OK);
    }
}

/* The first; NULL: there is none. */
static inline struct ike_sa *node_sa(const struct node *x)
{
    ike_sa_id id = 0;
    return ike_slots_next(&x->e->db.sas, 0, &id);
}

static inline struct ike_child *node_child(const struct node *x)
{
    ike_child_id id = 0;
    return ike_slots_next(&x->e->db.children, 0, &id);
}

/* What tests begin and end with. */
static inline int pair_is_new(void **state)
{
    (void)state;
    pair_new(NULL);
    return 0;
}

static inline int pair_is_over(void **state)
{
    (void)state;
    pair_end();
    return 0;
}

/* The receiver's view of a path. */
static inline ike_path path_back(const ike_path *p)
{
    ike_path q = *p;
    q.local = p->remote;
    q.remote = p->local;
    return q;
}

static inline int node_input(struct node *x, const ike_path *path, const uint8_t *bytes, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1); /* a sanitizer sees an overrun */
    memcpy(exact, bytes, n);
    int r = ike_input(x->e, path, exact, n, now);
    free(exact);
    return r;
}

/* Deliver the oldest message x has sent. */
static inline int wire_step(struct node *x)
{
    static uint8_t bytes[2048];
    ike_path path = path_back(&x->out[0].path);
    size_t n = x->out[0].n;
    memcpy(bytes, x->out[0].bytes, n);
    memmove(&x->out[0], &x->out[1], --x->n_out * sizeof x->out[0]);
    return node_input(x == &a ? &b : &a, &path, bytes, n);
}

static inline void wire_run(void)
{
    while (a.n_out || b.n_out) {
        (void)wire_step(a.n_out ? &a : &b);
    }
}

static inline void pair_up(void (*adjust)(struct node *, ike_settings *))
{
    pair_new(adjust);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 1);
    now += IKE_SEC;
}

static inline int pair_is_up(void **state)
{
    (void)state;
    pair_up(NULL);
    a.n_out = b.n_out = 0;
    return 0;
}

static inline ike_counters counters(const struct node *x)
{
    ike_counters c;
    ike_counters_get(x->e, &c);
    return c;
}

/* The connection's last failure; what is kept of it, or what was said when it happened. */
static inline ike_failure node_failure(const struct node *x)
{
    ike_failure f = x->failure;
    assert_int_equal(ike_conn_failure(x->e, x->conn, &f), IKE_WITH_RECORDS ? IKE_OK : IKE_ERR_NOT_FOUND);
    return f;
}

static inline void node_failed(const struct node *x, unsigned code, unsigned decider)
{
    const ike_failure f = node_failure(x);
    assert_string_equal(ike_failure_name(f.code), ike_failure_name(code));
    assert_int_equal(f.decider, decider);
}

/* ---- The stranger ----------------------------------------------------------------------------------------------------- */

static uint8_t inner[40000], forged[42000], plain[42000];
static _Alignas(16) uint8_t seal_scratch[16384];

static inline struct ike_seal seal_to(const struct node *x, bool to_responder)
{
    const ike_crypto *c = ike_crypto_default();
    unsigned i = to_responder ? 0 : 1;
    struct ike_seal k = {.encr = ike_find_encr(c, x->encr),
                         .integ = x->integ ? ike_find_integ(c, x->integ) : NULL,
                         .sk_e = {x->key[i], x->key_len[i]},
                         .sk_a = {x->key[2 + i], x->key_len[2 + i]}};
    assert_true(ike_seal_scratch(&k) <= sizeof seal_scratch);
    return k;
}

static inline struct ike_chain inner_chain(void) { return ike_chain(inner, sizeof inner); }

/* Seal n octets of payloads as a message to x; its length. */
static inline size_t forge(struct node *x, uint8_t exchange, uint8_t flags, uint32_t mid, uint8_t first, const uint8_t *octets,
                           size_t n)
{
    static uint64_t turn;
    uint8_t iv[16] = {0x77};
    size_t len;
    bool to_responder = x == &b;
    struct ike_seal k = seal_to(x, to_responder);
    struct ike_header h = {.spi_i = x->spi_i, .spi_r = x->spi_r, .version = 0x20, .exchange = exchange, .mid = mid};
    h.flags = (uint8_t)(flags | (to_responder ? IKE_FLAG_INITIATOR : 0));
    ike_store64(iv + (k.encr->iv_len < 8 ? 0 : k.encr->iv_len - 8), ++turn | UINT64_C(1) << 60);
    assert_int_equal(ike_seal(&k, &h, first, octets, n, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
    return len;
}

static inline size_t forge_chain(struct node *x, uint8_t exchange, uint8_t flags, uint32_t mid, const struct ike_chain *c)
{
    assert_false(c->w.bad);
    return forge(x, exchange, flags, mid, c->first, c->w.p, c->w.len);
}

/* A peer's request for a child between these selectors, with the default proposals and an SPI of its. nonce: 32 octets, NULL:
 * any. */
static inline void put_child_offer(struct ike_chain *c, uint32_t peer_spi, const char *tsi, const char *tsr, const uint8_t *nonce)
{
    static const uint8_t any[32] = {9, 8, 7};
    struct ike_proposals *p = NULL;
    ike_allocator mem = {lab_alloc, lab_release, &a.lab};
    ike_ts i = lab_ts(tsi), r = lab_ts(tsr);
    uint8_t spi[4];
    size_t at;
    assert_int_equal(ike_proposals_parse_for(&p, ike_default_child_proposals(), IKE_PROTO_ESP, ike_crypto_default(), true, &mem,
                                             &at),
                     IKE_OK);
    ike_store32(spi, peer_spi);
    ike_put_sa(c, p, spi, 4, false, NULL);
    ike_proposals_free(p, &mem);
    ike_put_payload(c, IKE_P_NONCE, ike_bytes_of(nonce ? nonce : any, sizeof any));
    ike_put_ts(c, IKE_P_TSI, &i, 1);
    ike_put_ts(c, IKE_P_TSR, &r, 1);
}

/* What x sent last, opened when it is protected. false: it sent nothing. */
static inline bool open_reply(struct node *x, struct ike_message *m)
{
    if (!x->n_out) {
        return false;
    }
    size_t n;
    assert_int_equal(ike_message_parse(m, x->out[x->n_out - 1].bytes, x->out[x->n_out - 1].n), IKE_OK);
    if (m->sk_at) {
        struct ike_seal k = seal_to(x, x != &b);
        assert_int_equal(ike_open(&k, m, seal_scratch, plain, sizeof plain, &n), IKE_OK);
        assert_int_equal(ike_message_parse_inner(m, plain, n), IKE_OK);
    }
    return true;
}

static inline ike_path path_to(const struct node *x)
{
    ike_path p = {.local = lab_addr(x == &a ? "192.0.2.1:500" : "192.0.2.2:500"),
                  .remote = lab_addr(x == &a ? "192.0.2.2:500" : "192.0.2.1:500")};
    return p;
}

/* x's open request, which is its last message, is answered by a stranger with nothing but a notify. */
static inline void answer_with(struct node *x, uint16_t notify)
{
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(x);
    assert_true(open_reply(x, &m) && !(m.h.flags & IKE_FLAG_RESPONSE));
    x->n_out = 0;
    ike_put_notify(&c, notify, ike_bytes_of(NULL, 0));
    size_t n = forge_chain(x, m.h.exchange, IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(x, &path, forged, n);
}

/* The settings of "peer" for a change of them, with both children and the secret, which is not shown. */
static inline ike_conn_settings conn_settings(struct node *x, ike_child_settings child[2])
{
    ike_conn_info info;
    assert_int_equal(ike_conn_get(x->e, x->conn, &info), IKE_OK);
    ike_conn_settings s = *info.settings;
    memcpy(child, s.children, 2 * sizeof *child);
    s.children = child;
    s.secret = IKE_STR("secret");
    return s;
}

#endif
