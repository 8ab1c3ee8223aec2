/* SPDX-License-Identifier: ISC
 *
 * Two engines that know each other, and everything that hosts and networks may do to them. An input is a program of two octets
 * an instruction: the first names one of `ops` and, by its highest bit, a host, the second is its argument. Messages are lost,
 * doubled, reordered, or opened, changed and sealed again with the right keys; hooks answer later or refuse; memory runs dry;
 * public functions are called, from events as well. When the engines are freed, nothing may be left.
 */
#include "fuzz.h"

#include "message/seal.h"

#include <stdlib.h>

const enum fuzz_layout fuzz_layout = FUZZ_PROGRAM;
enum { QUEUE = 64, BIG = 8192, QUESTIONS = 64, KEYS = 64 };
enum kind { PEER, SECRET, SPI, CHILD, ADD, ROUTE, QUERY, NAT };
enum { OLD = NAT }; /* among what is denied: connections speak IKEv1 from then on */

struct datagram {
    ike_path path;
    size_t n;
    uint8_t *bytes;
};

struct node {
    struct fuzz_host host;
    ike_engine *e;
    ike_conn_id conn;
    uint32_t spi;
    uint8_t late, deny;        /* a bit for each kind of question */
    uint8_t next_op, next_arg; /* what the next event does */
    struct datagram queue[QUEUE];
    unsigned n_queue;
    struct {
        ike_token token;
        enum kind kind;
    } question[QUESTIONS];
    unsigned n_questions;
    int installed, spis;
    bool was_old; /* has spoken IKEv1 */
};

/* Of the newest IKE SAs, as both ends log them. */
static struct {
    uint64_t spi_i, spi_r;
    uint16_t encr, integ;
    size_t len[4];
    uint8_t key[4][128]; /* ei er ai ar */
} keys[KEYS];
static unsigned n_keys;

static struct node nodes[2];
static struct ike_rd program;
static ike_time now;
static unsigned depth; /* of events */
static uint64_t sealings;

static void run(unsigned op, unsigned arg);

static unsigned next(void) { return program.left ? ike_rd_u8(&program) : 0; }
static unsigned pick(unsigned n) { return next() % n; }
static unsigned index_of(const struct node *x) { return x == &nodes[1]; }

/* ---- The host ----------------------------------------------------------------------------------------------------------- */

static void enqueue(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct node *x = user;
    if (kind != IKE_SEND_MESSAGE || x->n_queue == QUEUE || n > BIG) {
        return;
    }
    struct datagram *d = &x->queue[x->n_queue++];
    *d = (struct datagram){*path, n, malloc(n)};
    fuzz_check(d->bytes != NULL, "no memory for the fuzzer itself");
    memcpy(d->bytes, bytes, n);
}

static void log_keys(void *user, const ike_keylog *k)
{
    (void)user;
    const ike_bytes from[4] = {k->sk_ei, k->sk_er, k->sk_ai, k->sk_ar};
    unsigned at = n_keys++ % KEYS;
    keys[at].spi_i = k->spi_i;
    keys[at].spi_r = k->spi_r;
    keys[at].encr = k->encr;
    keys[at].integ = k->integ;
    for (unsigned i = 0; i < 4; i++) {
        keys[at].len[i] = from[i].len;
        if (from[i].len) {
            memcpy(keys[at].key[i], from[i].ptr, from[i].len);
        }
    }
}

static void on_event(void *user, const ike_event *ev)
{
    struct node *x = user;
    (void)ev;
    if (x->next_op && depth < 2) {
        unsigned op = x->next_op;
        x->next_op = 0;
        depth++;
        run(op, x->next_arg);
        depth--;
    }
}

/* IKE_OK, IKE_PENDING or a refusal, as it was set for this kind of question. */
static int ask(struct node *x, ike_token t, enum kind kind)
{
    if (IKE_WITH_QUESTIONS && (x->late >> kind & 1) && x->n_questions < QUESTIONS) {
        x->question[x->n_questions].token = t;
        x->question[x->n_questions++].kind = kind;
        return IKE_PENDING;
    }
    return x->deny >> kind & 1 ? IKE_ERR_HOST : IKE_OK;
}

static void forget(struct node *x, unsigned i) { x->question[i] = x->question[--x->n_questions]; }

static void cancel(void *user, ike_token t)
{
    struct node *x = user;
    for (unsigned i = 0; i < x->n_questions; i++) {
        if (x->question[i].token == t) {
            forget(x, i);
            return;
        }
    }
    fuzz_check(false, "a question is cancelled that nobody asked");
}

static int hook_peer(void *user, ike_token t, const ike_peer_question *q, ike_conn_id *conn)
{
    (void)q, (void)conn;
    return ask(user, t, PEER);
}

static int hook_secret(void *user, ike_token t, const ike_secret_question *q, uint8_t *secret, size_t *len)
{
    (void)q;
    memcpy(secret, "secret", 6);
    *len = 6;
    return ask(user, t, SECRET);
}

static int hook_child(void *user, ike_token t, const ike_child_question *q)
{
    (void)q;
    return ask(user, t, CHILD);
}

static int get_spi(void *user, ike_token t, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    struct node *x = user;
    (void)path, (void)protocol, (void)reqid;
    int r = ask(x, t, SPI);
    *spi = r == IKE_OK ? ++x->spi : 0;
    x->spis += r == IKE_OK;
    return r;
}

static void put_spi(void *user, const ike_path *path, uint8_t protocol, uint32_t spi)
{
    (void)path, (void)protocol, (void)spi;
    ((struct node *)user)->spis--;
}

/* The SPI of an inbound SA goes with it, also while the answer is open. */
static int add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    struct node *x = user;
    (void)sa;
    int r = ask(x, t, ADD);
    x->installed += r == IKE_OK || r == IKE_PENDING;
    return r;
}

static void drop(void *user, const ike_ipsec_sa *sa)
{
    struct node *x = user;
    x->installed--;
    x->spis -= sa->inbound;
}

/* The engine before has taken them out, as it was freed; they count anew. */
static int adopt(void *user, const ike_ipsec_sa *sa)
{
    struct node *x = user;
    bool there = !(x->deny >> ADD & 1);
    x->installed += there;
    x->spis += there && sa->inbound;
    return there ? IKE_OK : IKE_ERR_NOT_FOUND;
}

static int query(void *user, const ike_ipsec_sa *sa, ike_usage *out)
{
    const struct node *x = user;
    (void)sa;
    *out = (ike_usage){.bytes = 1000, .packets = 10, .last = now > IKE_SEC ? now - IKE_SEC : 0};
    return x->deny >> QUERY & 1 ? IKE_ERR_HOST : IKE_OK;
}

static int route(void *user, ike_path *path)
{
    const struct node *x = user;
    path->local = fuzz_addr(index_of(x) ? "192.0.2.2" : "192.0.2.1");
    return x->deny >> ROUTE & 1 ? IKE_ERR_HOST : IKE_OK;
}

/* ---- The wire ----------------------------------------------------------------------------------------------------------- */

static void lose(struct node *x, unsigned i)
{
    free(x->queue[i].bytes);
    x->n_queue--;
    memmove(&x->queue[i], &x->queue[i + 1], (x->n_queue - i) * sizeof x->queue[i]);
}

/* Behind a NAT a host has another address for its peer. */
static void translate(ike_addr *a, const char *from, const char *to)
{
    ike_addr inside = fuzz_addr(from), outside = fuzz_addr(to);
    if (memcmp(a->ip, inside.ip, sizeof a->ip) == 0) {
        memcpy(a->ip, outside.ip, sizeof a->ip);
    }
}

/* What x has sent comes in at the other one; the octets are of the right size, so that a sanitizer sees a read past their end. */
static void deliver(struct node *x, ike_path path, const uint8_t *bytes, size_t n)
{
    struct node *y = &nodes[!index_of(x)];
    ike_addr from = path.local;
    if (x->late >> NAT & 1) {
        translate(&from, index_of(x) ? "192.0.2.2" : "192.0.2.1", index_of(x) ? "198.51.100.2" : "198.51.100.1");
    }
    translate(&path.remote, index_of(x) ? "198.51.100.1" : "198.51.100.2", index_of(x) ? "192.0.2.1" : "192.0.2.2");
    uint8_t *copy = malloc(n ? n : 1);
    fuzz_check(copy != NULL, "no memory for the fuzzer itself");
    memcpy(copy, bytes, n);
    path.local = path.remote;
    path.remote = from;
    (void)ike_input(y->e, &path, copy, n, now);
    free(copy);
}

static void op_wire(struct node *x, unsigned arg)
{
    for (unsigned k = 0; k <= arg && (nodes[0].n_queue || nodes[1].n_queue); k++) {
        x = x->n_queue ? x : &nodes[!index_of(x)];
        struct datagram d = x->queue[0];
        x->n_queue--;
        memmove(&x->queue[0], &x->queue[1], x->n_queue * sizeof x->queue[0]);
        deliver(x, d.path, d.bytes, d.n);
        free(d.bytes);
        x = &nodes[!index_of(x)];
    }
}

static void op_late(struct node *x, unsigned arg)
{
    if (x->n_queue) {
        unsigned i = arg % x->n_queue;
        struct datagram d = x->queue[i];
        x->n_queue--;
        memmove(&x->queue[i], &x->queue[i + 1], (x->n_queue - i) * sizeof x->queue[i]);
        deliver(x, d.path, d.bytes, d.n);
        free(d.bytes);
    }
}

static void op_lose(struct node *x, unsigned arg)
{
    if (x->n_queue) {
        lose(x, arg % x->n_queue);
    }
}

static void op_twice(struct node *x, unsigned arg)
{
    if (x->n_queue && x->n_queue < QUEUE) {
        const struct datagram *d = &x->queue[arg % x->n_queue];
        enqueue(x, &d->path, IKE_SEND_MESSAGE, d->bytes, d->n);
    }
}

/* ---- Messages that are changed and sealed again ------------------------------------------------------------------------- */

static uint8_t plain[BIG], changed[2 * BIG], sealed[3 * BIG];
static _Alignas(16) uint8_t scratch[16384];

static bool seal_of(struct ike_seal *k, const struct ike_header *h)
{
    const ike_crypto *c = fuzz_crypto();
    unsigned d = h->flags & IKE_FLAG_INITIATOR ? 0 : 1;
    for (unsigned i = 0; i < KEYS; i++) {
        if (keys[i].spi_i && keys[i].spi_i == h->spi_i && keys[i].spi_r == h->spi_r) {
            *k = (struct ike_seal){ike_find_encr(c, keys[i].encr),
                                   keys[i].integ ? ike_find_integ(c, keys[i].integ) : NULL,
                                   {keys[i].key[d], keys[i].len[d]},
                                   {keys[i].key[2 + d], keys[i].len[2 + d]}};
            return k->encr && ike_seal_scratch(k) <= sizeof scratch;
        }
    }
    return false;
}

static void spoil(uint8_t *bytes, size_t n)
{
    size_t at = next() % n;
    bytes[at] ^= (uint8_t)next();
}

/* An SPI that one of them gave out lately. */
static uint32_t some_spi(void)
{
    unsigned of = next();
    return nodes[of & 1].spi - pick(4);
}

static void put_odd(struct ike_chain *c)
{
    static const uint8_t zeros[256];
    uint32_t spis[3];
    uint16_t type;
    switch (pick(5)) {
    case 0:
        ike_put_delete_ike(c);
        break;
    case 1:
        for (unsigned i = 0; i < 3; i++) {
            spis[i] = some_spi();
        }
        ike_put_delete_spis(c, IKE_PROTO_ESP, spis, 1 + pick(3));
        break;
    case 2:
        type = (uint16_t)(pick(4) ? next() : 16384 + next());
        ike_put_notify(c, type, ike_bytes_of(zeros, pick(5)));
        break;
    case 3:
        type = (uint16_t)(pick(2) ? IKE_N_REKEY_SA : IKE_N_CHILD_SA_NOT_FOUND);
        ike_put_notify_spi(c, IKE_PROTO_ESP, some_spi(), type, ike_bytes_of(NULL, 0));
        break;
    default:
        type = (uint16_t)next();
        ike_put_payload(c, (uint8_t)type, ike_bytes_of(zeros, next()));
    }
}

/* Payloads are left out, doubled, of another type, spoilt by an octet, or have others beside them. */
static struct ike_chain change(const struct ike_message *m)
{
    struct ike_chain c = ike_chain(changed, sizeof changed);
    unsigned which = m->n ? pick(m->n) : 0, how = pick(6);
    for (unsigned i = 0; i < m->n; i++) {
        bool this_one = i == which;
        if (!m->p[i].inner || (this_one && how == 0)) {
            continue;
        }
        for (unsigned k = 0; k < (this_one && how == 1 ? 2u : 1u); k++) {
            size_t at = c.w.len;
            ike_put_payload(&c, this_one && how == 2 ? (uint8_t)next() : m->p[i].type, ike_bytes_of(m->p[i].body, m->p[i].len));
            if (this_one && how == 3 && m->p[i].len && !c.w.bad) {
                spoil(changed + at + 4, m->p[i].len);
            }
        }
        if (this_one && how == 4) {
            put_odd(&c);
        }
    }
    if (how == 5) {
        put_odd(&c);
    }
    return c;
}

static void op_change(struct node *x, unsigned arg)
{
    struct ike_message m;
    struct ike_seal k;
    uint8_t iv[16] = {0x77};
    size_t inner, n;
    if (!x->n_queue) {
        return;
    }
    struct datagram *d = &x->queue[arg % x->n_queue];
    if (ike_message_parse(&m, d->bytes, d->n) != IKE_OK || !m.sk_at || !seal_of(&k, &m.h) ||
        ike_open(&k, &m, scratch, plain, sizeof plain, &inner) != IKE_OK || ike_message_parse_inner(&m, plain, inner) != IKE_OK) {
        if (d->n) {
            spoil(d->bytes, d->n);
        }
        return;
    }
    struct ike_chain c = change(&m);
    struct ike_header h = m.h;
    if (arg & 0x80) { /* the header as well */
        h.exchange = (uint8_t)(h.exchange + pick(3) - 1);
        h.mid += pick(3) - 1u;
        h.flags ^= pick(4) ? 0 : IKE_FLAG_RESPONSE;
    }
    ike_store64(iv + (k.encr->iv_len < 8 ? 0 : k.encr->iv_len - 8), ++sealings | UINT64_C(1) << 60);
    if (!c.w.bad && ike_seal(&k, &h, c.first, changed, c.w.len, iv, scratch, sealed, sizeof sealed, &n) == IKE_OK && n <= BIG) {
        free(d->bytes);
        d->n = n;
        d->bytes = malloc(n);
        fuzz_check(d->bytes != NULL, "no memory for the fuzzer itself");
        memcpy(d->bytes, sealed, n);
    }
}

/* ---- What a host does --------------------------------------------------------------------------------------------------- */

static void op_time(struct node *x, unsigned arg)
{
    now += arg < 128 ? arg * 10 * IKE_MS : (arg - 127) * IKE_SEC;
    (void)ike_tick(x->e, now);
    (void)ike_tick(nodes[!index_of(x)].e, now);
}

static void op_answer(struct node *x, unsigned arg)
{
    if (!x->n_questions) {
        return;
    }
    unsigned i = arg % x->n_questions;
    ike_token t = x->question[i].token;
    enum kind kind = x->question[i].kind;
    bool no = arg & 0x80;
    forget(x, i);
    switch (kind) {
    case PEER:
        (void)ike_answer_peer(x->e, t, no ? 0 : x->conn, now);
        break;
    case SECRET:
        (void)ike_answer_secret(x->e, t, no && arg & 0x40 ? IKE_ERR_HOST : IKE_OK, no ? IKE_STR("wrong") : IKE_STR("secret"),
                                now);
        break;
    case SPI:
        x->spis += !no;
        (void)ike_answer_spi(x->e, t, no ? IKE_ERR_HOST : IKE_OK, no ? 0 : ++x->spi, now);
        break;
    case ADD:
        x->installed -= no;
        (void)ike_answer_done(x->e, t, no ? IKE_ERR_HOST : IKE_OK, now);
        break;
    default:
        (void)ike_answer_done(x->e, t, no ? IKE_ERR_HOST : IKE_OK, now);
    }
}

static void op_late_hooks(struct node *x, unsigned arg) { x->late = (uint8_t)arg; }
static void op_denying_hooks(struct node *x, unsigned arg) { x->deny = (uint8_t)arg; }
static void op_memory(struct node *x, unsigned arg) { x->host.memory = arg < 64 ? arg : FUZZ_PLENTY; }

static void op_on_event(struct node *x, unsigned arg)
{
    x->next_op = (uint8_t)arg;
    x->next_arg = (uint8_t)next();
}

static void op_connection(struct node *x, unsigned arg)
{
    unsigned me = index_of(x);
    ike_conn_info info;
    ike_conn_settings s;
    ike_child_settings child[3];
    ike_ts ts[4] = {fuzz_ts("10.1.0.0/16"), fuzz_ts("10.2.0.0/16"), fuzz_ts("10.3.0.0/16"), fuzz_ts("10.4.0.0/16")};
    ike_conn_settings_init(&s);
    s.name = "peer";
    s.local = (arg & 12) == 12 ? (ike_addr){0} : fuzz_addr(me ? "192.0.2.2" : "192.0.2.1");
    s.remote = fuzz_addr(me ? "192.0.2.1" : "192.0.2.2");
    s.secret = arg & 1 ? ike_bytes_of(NULL, 0) : IKE_STR("secret");
    bool old = x->deny >> OLD & 1;
    x->was_old |= old;
    /* Short: they are read for every input. */
    s.proposals =
        old ? "aes256-sha256-modp2048-ecp256, aes128-sha1-modp2048" : "aes128gcm16-prfsha256-x25519-ecp256, aes256-sha256-x25519";
    s.proposals = IKE_WITH_PROPOSALS ? s.proposals : NULL;
    s.version = old ? (arg & 1 ? IKE_SPEAKS_ANY : IKE_SPEAKS_V1) : IKE_SPEAKS_V2;
    s.dpd_s = arg & 2 ? 20 : 0;
    s.life_s = arg & 4 ? 60 : 300;
    s.margin_s = 20;
    s.unique = !(arg & 8);
    s.max_children = arg & 16 ? 2 : 100;
    for (unsigned i = 0; i < 3; i++) {
        unsigned k = arg & 32 ? 2 - i : i; /* in another order */
        ike_child_settings_init(&child[i]);
        child[i].name = k == 0 ? "one" : k == 1 ? "two" : "none";
        child[i].proposals = k == 1 && old ? "aes256-sha256-modp2048"
                             : k == 1      ? "aes128gcm16-ecp256-x25519"
                                           : "aes128gcm16, aes256-sha256";
        child[i].proposals = IKE_WITH_PROPOSALS ? child[i].proposals : NULL;
        child[i].local_ts = &ts[(k == 1 ? 2u : 0u) + me];
        child[i].remote_ts = &ts[(k == 1 ? 2u : 0u) + 1 - me];
        child[i].n_local_ts = child[i].n_remote_ts = 1;
        child[i].start = IKE_WITH_KEEPUP && arg & 64 && k < 2 ? IKE_START_YES : child[i].start;
        child[i].life_s = arg & 128 ? 40 : 200;
        child[i].margin_s = 10;
    }
    s.children = child;
    s.n_children = 3;
    if (ike_conn_get(x->e, x->conn, &info) == IKE_OK) {
        (void)ike_conn_replace(x->e, x->conn, &s, next() & 1, now);
    } else {
        (void)ike_conn_add(x->e, &s, &x->conn, now);
    }
}

static ike_sa_id nth_sa(struct node *x, unsigned n)
{
    ike_sa_info info = {.id = 0};
    for (ike_sa_id id = 0;; id = info.id) {
        if (ike_sa_next(x->e, id, &info) != IKE_OK || n-- == 0) {
            return info.id;
        }
    }
}

static ike_child_id nth_child(struct node *x, unsigned n)
{
    ike_child_info info = {.id = 0};
    for (ike_child_id id = 0;; id = info.id) {
        if (ike_child_next(x->e, id, &info) != IKE_OK || n-- == 0) {
            return info.id;
        }
    }
}

static const char *name(unsigned arg) { return arg % 4 == 0 ? "one" : arg % 4 == 1 ? "two" : arg % 4 == 2 ? "none" : NULL; }

static void op_initiate(struct node *x, unsigned arg) { (void)ike_initiate(x->e, x->conn, name(arg), now); }
static void op_hold(struct node *x, unsigned arg) { (void)ike_conn_hold(x->e, x->conn, name(arg), now); }
static void op_rekey_ike(struct node *x, unsigned arg)
{
    (void)(arg & 128 ? ike_sa_reauth : ike_sa_rekey)(x->e, nth_sa(x, arg & 127), now);
}
static void op_close_ike(struct node *x, unsigned arg) { (void)ike_sa_close(x->e, nth_sa(x, arg), now); }
static void op_check(struct node *x, unsigned arg) { (void)ike_sa_check(x->e, nth_sa(x, arg), now); }
static void op_rekey_child(struct node *x, unsigned arg) { (void)ike_child_rekey(x->e, nth_child(x, arg), now); }
static void op_close_child(struct node *x, unsigned arg) { (void)ike_child_close(x->e, nth_child(x, arg), now); }
static void op_expire(struct node *x, unsigned arg) { (void)ike_child_expire(x->e, nth_child(x, arg / 2), arg & 1, now); }

static void hand_over(struct node *x, unsigned arg);

static void op_close(struct node *x, unsigned arg)
{
    if (arg > 191) { /* little happens after it */
        (void)ike_engine_close(x->e, now);
    } else if (arg > 127 && !depth) {
        hand_over(x, arg);
    }
}

static void op_remove(struct node *x, unsigned arg)
{
    (void)ike_conn_remove(x->e, x->conn, now);
    op_connection(x, arg);
}

static void op_moved(struct node *x, unsigned arg)
{
    ike_addr to = fuzz_addr(arg & 1 ? "203.0.113.5:4500" : "203.0.113.6:500");
    (void)ike_peer_moved(x->e, nth_child(x, arg / 2), &to, now);
}

static void op_acquire(struct node *x, unsigned arg)
{
    ike_ts one = fuzz_ts("10.1.0.1/32"), two = fuzz_ts("10.2.0.1/32");
    (void)ike_acquire(x->e, x->conn, name(arg % 3), index_of(x) ? &two : &one, index_of(x) ? &one : &two, now);
}

static void (*const ops[])(struct node *, unsigned) = {
    op_wire,   op_wire,       op_late,          op_lose,      op_twice,       op_change,     op_change, op_time,     op_answer,
    op_answer, op_late_hooks, op_denying_hooks, op_memory,    op_on_event,    op_connection, op_remove, op_initiate, op_acquire,
    op_hold,   op_rekey_ike,  op_rekey_child,   op_close_ike, op_close_child, op_expire,     op_check,  op_moved,    op_close,
};

static void run(unsigned op, unsigned arg) { ops[(op & 0x7f) % IKE_COUNT(ops)](&nodes[op >> 7 & 1], arg); }

/* ---- An input ----------------------------------------------------------------------------------------------------------- */

static void new_engine(struct node *x)
{
    ike_settings s;
    ike_settings_init(&s);
    s.crypto = fuzz_crypto();
    s.host.user = x;
    s.host.alloc = fuzz_alloc;
    s.host.release = fuzz_release;
    s.host.random = fuzz_random;
    s.host.send = enqueue;
    s.host.event = on_event;
    s.host.keys = log_keys;
    s.host.sadb.get_spi = get_spi;
    s.host.sadb.put_spi = put_spi;
    s.host.sadb.add = add;
    s.host.sadb.remove = drop;
    s.host.sadb.query = query;
    s.host.sadb.adopt = adopt;
    s.host.route = route;
    if (IKE_WITH_QUESTIONS) {
        s.host.hooks.peer = hook_peer;
        s.host.hooks.secret = hook_secret;
        s.host.hooks.child = hook_child;
    }
    s.host.hooks.cancel = cancel;
    s.max_message = BIG;
    fuzz_check(ike_engine_new(&x->e, &s, now) == IKE_OK, "no engine");
    op_connection(x, 0);
    fuzz_check(x->conn != 0, "no connection");
}

static void begin(struct node *x)
{
    memset(x, 0, sizeof *x);
    x->host = (struct fuzz_host){.memory = FUZZ_PLENTY, .random = 1 + index_of(x)};
    x->spi = 0x1000;
    new_engine(x);
}

static void free_engine(struct node *x)
{
    x->host.memory = FUZZ_PLENTY;
    x->next_op = 0;
    fuzz_check_counts(x->e, x->was_old);
    ike_engine_free(x->e);
    fuzz_check(x->host.blocks == 0, "memory is left");
    fuzz_check(x->n_questions == 0, "a question is left open");
    fuzz_check(x->installed == 0, "an SA is left in the data plane");
    fuzz_check(x->spis == 0, "an SPI is left reserved");
}

static void end(struct node *x)
{
    free_engine(x);
    while (x->n_queue) {
        lose(x, 0);
    }
}

/* What can be handed over goes on in another engine, with as little memory as the one before had left. */
static void hand_over(struct node *x, unsigned arg)
{
    enum { MOST = 4, ROOM = 4096 };
    static uint8_t record[MOST][ROOM];
    size_t len[MOST], n = 0;
    uint32_t memory = x->host.memory;
    ike_sa_info sa = {.size = sizeof sa};
    while (n < MOST && ike_sa_next(x->e, sa.id, &sa) == IKE_OK) {
        len[n] = ROOM;
        n += ike_sa_export(x->e, sa.id, record[n], &len[n], now) == IKE_OK;
    }
    free_engine(x);
    new_engine(x);
    x->host.memory = memory;
    for (size_t i = 0; i < n; i++) {
        ike_sa_id id;
        (void)ike_sa_import(x->e, record[i], len[i], arg % 64 * IKE_SEC, &id, now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    memset(keys, 0, sizeof keys);
    n_keys = depth = 0;
    sealings = 0;
    now = IKE_SEC;
    program = ike_rd(NULL, 0);
    begin(&nodes[0]);
    begin(&nodes[1]);
    program = ike_rd(data, n);
    while (program.left >= 2) {
        unsigned op = next();
        run(op, next());
    }
    end(&nodes[0]);
    end(&nodes[1]);
    return 0;
}
