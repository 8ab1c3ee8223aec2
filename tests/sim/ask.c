/* SPDX-License-Identifier: ISC
 *
 * Questions: a host answers at once, late, never, or refuses. Each token must be answered or cancelled, once, and must be dead
 * afterwards; that is tried with every one.
 */
#include "base/bytes.h"
#include "crypto/key.h"
#include "sim.h"
#include <stdlib.h>
#include <string.h>

const char *const sim_ask_names[SIM_ASKS] = {"peer", "secret", "child", "spi", "add", "user", "login", "lease", "sign"};

/* Who logs in where no user is configured. */
static const ike_bytes sim_login_name = {(const uint8_t *)"carol", 5};

struct answer { /* planned; the host may have a new life by then */
    struct sim_host *host;
    unsigned life;
    ike_token token;
};

static struct sim_question *find(const struct sim_host *h, ike_token t)
{
    struct sim_question *q = h->questions;
    while (q && q->token != t) {
        q = q->next;
    }
    return q;
}

static void forget(struct sim_host *h, struct sim_question *q)
{
    struct sim_question **at = &h->questions;
    while (*at != q) {
        at = &(*at)->next;
    }
    *at = q->next;
    free(q);
}

static ike_addr lend(struct sim_host *h)
{
    for (uint8_t i = 1; i < SIM_INNER; i++) {
        if (!h->leased[i]) {
            h->leased[i] = true;
            return (ike_addr){.family = 4, .ip = {10, 9, 9, i}};
        }
    }
    sim_break(h->sim, "%s: all addresses are given away", h->name);
    return (ike_addr){0};
}

static int answer(struct sim_host *h, const struct sim_question *q)
{
    uint32_t spi = 0;
    int r = IKE_OK;
    switch (q->kind) {
    case SIM_ASK_PEER:
        return ike_answer_peer(h->engine, q->token, q->refuse ? 0 : q->conn, h->sim->now);
    case SIM_ASK_SECRET:
        return ike_answer_secret(h->engine, q->token, q->refuse ? IKE_ERR_NOT_FOUND : IKE_OK,
                                 (ike_bytes){q->secret, q->secret_len}, h->sim->now);
    case SIM_ASK_SIGN:
        return ike_answer_sign(h->engine, q->token, q->refuse ? IKE_ERR_NOT_FOUND : IKE_OK, (ike_bytes){q->secret, q->secret_len},
                               h->sim->now);
    case SIM_ASK_LEASE: {
        ike_addr a = {0};
        r = q->refuse ? IKE_ERR_LIMIT : IKE_OK;
        if (r == IKE_OK && !q->cancelled && !q->answered) {
            a = lend(h);
        }
        return ike_answer_lease(h->engine, q->token, r, &a, h->sim->now);
    }
    case SIM_ASK_LOGIN:
        return ike_answer_login(h->engine, q->token, q->refuse ? IKE_ERR_NOT_FOUND : IKE_OK, sim_login_name,
                                (ike_bytes){q->secret, q->secret_len}, h->sim->now);
    case SIM_ASK_SPI:
        if (!q->cancelled && !q->answered) {
            r = q->refuse ? IKE_ERR_HOST : sim_kernel_spi(h, q->protocol, &spi);
        }
        return ike_answer_spi(h->engine, q->token, r, spi, h->sim->now);
    case SIM_ASK_ADD:
        if (!q->cancelled && !q->answered) {
            sim_kernel_answer(h, q->token, !q->refuse);
        }
        return ike_answer_done(h->engine, q->token, q->refuse ? IKE_ERR_HOST : IKE_OK, h->sim->now);
    default:
        return ike_answer_done(h->engine, q->token, q->refuse ? IKE_ERR_AUTH : IKE_OK, h->sim->now);
    }
}

static void answer_now(struct sim *s, void *what)
{
    struct answer a = *(struct answer *)what;
    free(what);
    struct sim_host *h = a.host;
    struct sim_question *q = h->life == a.life && h->engine ? find(h, a.token) : NULL;
    if (!q) {
        return;
    }
    bool dead = q->cancelled;
    s->stat[SIM_STAT_OVER] += dead;
    sim_bounds_call(h);
    sim_trace(s, h, "answer %s%s%s", sim_ask_names[q->kind], q->refuse ? " no" : "", dead ? " (was cancelled)" : "");
    if (!dead) { /* an answer of another kind is refused and changes nothing */
        int r = q->kind == SIM_ASK_PEER ? ike_answer_spi(h->engine, q->token, IKE_OK, 4711, s->now)
                                        : ike_answer_peer(h->engine, q->token, 0, s->now);
        if (r != IKE_ERR_INVALID) {
            sim_break(s, "%s: an answer of the wrong kind to %s gives %s", h->name, sim_ask_names[q->kind], ike_strerror(r));
        }
    }
    int r = answer(h, q);
    sim_bounds_heard(h);
    q = find(h, a.token);
    if (!q) {
        sim_break(s, "%s: a question was cancelled by its own answer", h->name);
        return;
    }
    if (dead ? r != IKE_ERR_NOT_FOUND : r != IKE_OK && !s->tolerant) {
        sim_break(s, "%s: the answer to %s%s gives %s", h->name, dead ? "cancelled " : "", sim_ask_names[q->kind],
                  ike_strerror(r));
    }
    q->answered = true;
    r = answer(h, q);
    if (r != IKE_ERR_NOT_FOUND) {
        sim_break(s, "%s: a second answer to %s gives %s", h->name, sim_ask_names[q->kind], ike_strerror(r));
    }
    forget(h, q);
}

static void plan(struct sim_host *h, ike_token t, ike_time delay)
{
    struct answer *a = sim_alloc(sizeof *a);
    *a = (struct answer){h, h->life, t};
    sim_at(h->sim, h->sim->now + delay, answer_now, a);
}

/* The manner that holds for this question; it wears off after its count. */
static struct sim_manner manner(struct sim_host *h, enum sim_ask kind)
{
    struct sim_manner *m = &h->manner[kind], now = *m;
    const struct sim_fault *f = &h->sim->fault;
    bool asks = f->kind == SIM_FAULT_REFUSE || f->kind == SIM_FAULT_NEVER;
    if (asks && f->host == h->index && f->nth == ++h->questions_put) {
        bool refuse = f->kind == SIM_FAULT_REFUSE;
        return (struct sim_manner){.refuse = refuse, .pending = !refuse, .delay = IKE_NEVER};
    }
    if (m->skip) {
        m->skip--;
        return (struct sim_manner){0};
    }
    if (m->count && --m->count == 0) {
        *m = (struct sim_manner){0};
    }
    return now;
}

static void count(struct sim *s, enum sim_ask kind, const struct sim_manner *m)
{
    bool kernel = kind == SIM_ASK_SPI || kind == SIM_ASK_ADD, late = m->pending && m->delay != IKE_NEVER;
    s->stat[SIM_STAT_REFUSED] += m->refuse;
    s->stat[SIM_STAT_REFUSED_KERNEL] += m->refuse && kernel;
    s->stat[SIM_STAT_LATE] += late;
    s->stat[SIM_STAT_LATE_KERNEL] += late && kernel;
    s->stat[SIM_STAT_NEVER] += m->pending && !late;
}

int sim_ask(struct sim_host *h, enum sim_ask kind, ike_token t, struct sim_question **out)
{
    static const int refusal[SIM_ASKS] = {IKE_ERR_AUTH, IKE_ERR_NOT_FOUND, IKE_ERR_AUTH,  IKE_ERR_HOST,     IKE_ERR_HOST,
                                          IKE_ERR_AUTH, IKE_ERR_NOT_FOUND, IKE_ERR_LIMIT, IKE_ERR_NOT_FOUND};
    struct sim_manner m = manner(h, kind);
    *out = NULL;
    h->asked[kind]++;
    sim_pry(h);
    count(h->sim, kind, &m);
    if (!m.pending) {
        return m.refuse ? refusal[kind] : IKE_OK;
    }
    if (t == 0 || find(h, t)) {
        sim_break(h->sim, "%s: the token of a %s question is %s", h->name, sim_ask_names[kind], t ? "in use" : "zero");
    }
    struct sim_question *q = sim_alloc(sizeof *q);
    *q = (struct sim_question){.next = h->questions, .host = h, .life = h->life, .token = t, .kind = kind, .refuse = m.refuse};
    h->questions = q;
    sim_trace(h->sim, h, "asked for %s: later", sim_ask_names[kind]);
    if (m.delay != IKE_NEVER) {
        plan(h, t, m.delay);
    }
    *out = q;
    return IKE_PENDING;
}

static void cancel(void *user, ike_token t)
{
    struct sim_host *h = user;
    struct sim_question *q = find(h, t);
    sim_pry(h);
    if (!q || q->cancelled || q->answered) {
        sim_break(h->sim, "%s: cancel of a token that is %s", h->name, !q ? "unknown" : q->cancelled ? "cancelled" : "answered");
        return;
    }
    sim_trace(h->sim, h, "cancel %s", sim_ask_names[q->kind]);
    q->cancelled = true;
    h->cancelled++;
    if (h->engine) {
        plan(h, t, IKE_SEC); /* too late, to see that nothing comes of it */
    }
}

static int ask_peer(void *user, ike_token t, const ike_peer_question *p, ike_conn_id *conn)
{
    struct sim_question *q;
    int r = sim_ask(user, SIM_ASK_PEER, t, &q);
    *conn = p->conn;
    if (q) {
        q->conn = p->conn;
    }
    return r;
}

static int ask_secret(void *user, ike_token t, const ike_secret_question *p, uint8_t *secret, size_t *len)
{
    struct sim_host *h = user;
    struct sim_question *q;
    size_t n = strlen(h->secret);
    int r = sim_ask(h, SIM_ASK_SECRET, t, &q);
    if (p->conn == 0) {
        sim_break(h->sim, "%s: a secret is asked for without a connection", h->name);
    }
    if (q) {
        memcpy(q->secret, h->secret, n);
        q->secret_len = n;
    } else if (r == IKE_OK) {
        memcpy(secret, h->secret, n);
        *len = n;
    }
    return r;
}

static int ask_child(void *user, ike_token t, const ike_child_question *p)
{
    struct sim_host *h = user;
    struct sim_question *q;
    if (p->n_local_ts == 0 || p->n_remote_ts == 0 || p->encr + p->integ == 0) {
        sim_break(h->sim, "%s: the child question does not say what child", h->name);
    }
    return sim_ask(h, SIM_ASK_CHILD, t, &q);
}

/* Whether it is right does not matter here: a server's own users are what the connection has without this hook. */
static int ask_user(void *user, ike_token t, const ike_user_question *p)
{
    struct sim_host *h = user;
    struct sim_question *q;
    if (p->conn == 0 || p->name.len == 0 || p->remote_id.type == IKE_ID_NONE) {
        sim_break(h->sim, "%s: the user question does not say who", h->name);
    }
    return sim_ask(h, SIM_ASK_USER, t, &q);
}

static int ask_login(void *user, ike_token t, const ike_login_question *p, uint8_t *name, size_t *name_len, uint8_t *password,
                     size_t *len)
{
    struct sim_host *h = user;
    struct sim_question *q;
    size_t n = strlen(h->secret);
    int r = sim_ask(h, SIM_ASK_LOGIN, t, &q);
    if (p->conn == 0) {
        sim_break(h->sim, "%s: a login is asked for without a connection", h->name);
    }
    if (q) {
        memcpy(q->secret, h->secret, n);
        q->secret_len = n;
    } else if (r == IKE_OK) {
        memcpy(name, sim_login_name.ptr, sim_login_name.len);
        *name_len = sim_login_name.len;
        memcpy(password, h->secret, n);
        *len = n;
    }
    return r;
}

static int ask_lease(void *user, ike_token t, const ike_lease_question *p, ike_addr *address)
{
    struct sim_host *h = user;
    struct sim_question *q;
    int r = sim_ask(h, SIM_ASK_LEASE, t, &q);
    if (p->conn == 0 || p->family != 4 || p->remote_id.type == IKE_ID_NONE) {
        sim_break(h->sim, "%s: the lease question does not say for whom", h->name);
    }
    if (!q && r == IKE_OK) {
        *address = lend(h);
    }
    return r;
}

static void release(void *user, ike_conn_id conn, const ike_addr *a)
{
    struct sim_host *h = user;
    sim_pry(h);
    if (conn == 0 || a->ip[2] != 9 || a->ip[3] >= SIM_INNER || !h->leased[a->ip[3]]) {
        sim_break(h->sim, "%s: an address is given back that was not given", h->name);
        return;
    }
    h->leased[a->ip[3]] = false;
}

/* ---- Signatures, in memory of the host's own ---------------------------------------------------------------------------- */

static void *key_alloc(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void key_release(void *user, void *p, size_t n)
{
    (void)user, (void)n;
    free(p);
}

/* From what is signed, so that the same run gives the same signatures. */
static int key_random(void *user, uint8_t *out, size_t n)
{
    uint64_t *state = user;
    for (size_t i = 0; i < n; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(*state >> 56);
    }
    return IKE_OK;
}

static bool sign(struct sim_host *h, const struct sim_conn *c, ike_bytes data, uint8_t *sig, size_t *len)
{
    uint64_t state = ike_load64(data.ptr);
    const ike_allocator mem = {key_alloc, key_release, NULL};
    const ike_random rng = {key_random, &state};
    const char *pem = sim_conf_key(c);
    struct ike_key k = {0};
    bool ok = ike_key_read(ike_crypto_default(), &mem, &rng, true, ike_bytes_of(pem, strlen(pem)), &k) == IKE_OK &&
              k.alg->sign(k.state, &rng, data, sig, len) == IKE_OK;
    if (!ok) {
        sim_break(h->sim, "%s: the host cannot sign", h->name);
    }
    ike_key_drop(&k, &mem);
    return ok;
}

static int ask_sign(void *user, ike_token t, const ike_sign_question *p, uint8_t *sig, size_t *len)
{
    struct sim_host *h = user;
    struct sim_question *q;
    const struct sim_conn *c = NULL;
    int r = sim_ask(h, SIM_ASK_SIGN, t, &q);
    for (unsigned i = 0; i < h->conf.conns; i++) {
        c = h->conf.conn[i].id == p->conn && h->conf.conn[i].sign[0] ? &h->conf.conn[i] : c;
    }
    if (!c || p->kind != IKE_KEY_ECDSA || p->data.len != 32) {
        sim_break(h->sim, "%s: a signature is asked for that nobody can make", h->name);
        return IKE_ERR_NOT_FOUND;
    }
    if (q) {
        (void)sign(h, c, p->data, q->secret, &q->secret_len);
    } else if (r == IKE_OK) {
        (void)sign(h, c, p->data, sig, len);
    }
    return r;
}

void sim_ask_hooks(struct sim_host *h, ike_host *host)
{
    if (h->hooks) {
        host->hooks.peer = ask_peer;
        host->hooks.secret = ask_secret;
        host->hooks.child = ask_child;
        host->hooks.user = ask_user;
        host->hooks.login = ask_login;
        host->hooks.lease = h->lends ? ask_lease : NULL;
        host->hooks.release = h->lends ? release : NULL;
    }
    host->hooks.sign = ask_sign;
    host->hooks.cancel = cancel;
}

unsigned sim_ask_open(const struct sim_host *h)
{
    unsigned n = 0;
    for (const struct sim_question *q = h->questions; q; q = q->next) {
        n += !q->cancelled && !q->answered;
    }
    return n;
}

void sim_ask_forget(struct sim_host *h)
{
    if (sim_ask_open(h)) {
        sim_break(h->sim, "%s: the engine is gone and %u questions were not cancelled", h->name, sim_ask_open(h));
    }
    while (h->questions) {
        forget(h, h->questions);
    }
}
