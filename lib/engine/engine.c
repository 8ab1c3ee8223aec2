/* SPDX-License-Identifier: ISC
 *
 * The public entry points: life, packets, time, acting, answers.
 */
#include "engine/engine.h"

/* Sizes say which version of a struct the host was compiled with. */
void ike_host_init(ike_host *h)
{
    memset(h, 0, sizeof *h);
    h->size = sizeof *h;
    memset(h->log_level, IKE_LOG_INFO, sizeof h->log_level);
}

void ike_settings_init(ike_settings *s)
{
    memset(s, 0, sizeof *s);
    s->size = sizeof *s;
    ike_host_init(&s->host);
    /* Bounds against a runaway, not a measure of what the machine can do. */
    s->max_sas = s->max_children = 1u << 20;
    s->max_conns = 1u << 16;
    /* Load from strangers: cookies begin long before half-open SAs are thrown out, so that a real peer behind a flood still
     * has its turn. */
    s->cookie_threshold = 50;
    s->cookie_per_source = 5;
    s->max_half_open = 1000;
    s->half_open_per_source = 50;
    /* Long enough for a lossy link's repetitions of IKE_AUTH. */
    s->half_open_life_ms = 30000;
    /* The largest payload of a UDP datagram over IPv4. */
    s->max_message = 65507;
    /* For all strangers together; one source has a tenth. */
    s->replies_per_second = 100;
    s->requests_per_second = 50;
    s->password_tries = 10;
    /* Six repetitions, after 2 s at first and 1.8 times as long each time: about two minutes until a peer is given up. */
    s->retransmit_first_ms = 2000;
    s->retransmit_factor_pct = 180;
    s->retransmit_max_ms = 42000;
    s->retransmit_jitter_pct = 10;
    s->retransmit_tries = 6;
    s->retry_first_ms = 1000;
    s->retry_max_ms = 60000;
    /* A peer that says TEMPORARY_FAILURE is busy with a request of its own, which takes seconds at most; three minutes of it
     * mean that it is stuck (RFC 7296 section 2.25). */
    s->temporary_retry_ms = 10000;
    s->temporary_limit_ms = 180000;
    s->port = s->local_port = 500;
    s->encap_port = s->local_encap_port = 4500;
}

/* A token comes back in a microsecond at least. */
#define RATE_MAX 1000000

/* A size that differs is refused: there is one version so far. 1280 octets must fit, which RFC 7296 section 2 wants every
 * implementation to take. Factors below 100 and more jitter than half would let repetitions come ever faster. */
static bool settings_good(const ike_settings *s)
{
    return s->size == sizeof *s && s->host.size == sizeof s->host && s->host.random && s->host.send && s->max_message >= 1280 &&
           s->max_message <= 65535 && s->retransmit_first_ms && s->retransmit_factor_pct >= 100 &&
           s->retransmit_jitter_pct <= 50 && s->spi_tag_bits <= 16 && s->crypto && s->max_half_open && s->half_open_life_ms &&
           s->requests_per_second && s->requests_per_second <= RATE_MAX && s->password_tries <= RATE_MAX &&
           s->replies_per_second <= RATE_MAX &&
           s->retransmit_max_ms && s->retry_first_ms && s->retry_max_ms && s->temporary_retry_ms &&
           !s->host.alloc == !s->host.release;
}

/* Each message begins and ends with what protects it: one that did not would be sent or believed as it is. */
static bool steps_good(const struct ike_script *s)
{
    for (unsigned i = 0; i < s->n_steps; i++) {
        const struct ike_step *t = &s->steps[i];
        size_t last = 0;
        if (!t->name || !t->forms || !t->build || t->build[0] != ike_exchange_protect || !t->handle ||
            t->handle[0] != ike_exchange_check) {
            return false;
        }
        while (t->build[last + 1]) {
            last++;
        }
        if (t->build[last] != ike_exchange_seal) {
            return false;
        }
    }
    return true;
}

/* What is ours in a script a host leaves alone. Two of a type could not be told apart. */
static bool scripts_good(const struct ike_script *const *scripts)
{
    for (const struct ike_script *const *s = scripts; s && *s; s++) {
        bool good = (*s)->name && (*s)->version == 1 && (*s)->exchange_type >= 240 && (*s)->steps && (*s)->n_steps &&
                    (*s)->steps[0].from == IKE_INITIATOR && !(*s)->delivery && !(*s)->next && steps_good(*s);
        for (const struct ike_script *const *other = scripts; good && other != s; other++) {
            good = (*other)->exchange_type != (*s)->exchange_type;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

/* The engine itself is not in the count of allocated octets: there is no core yet to count with. */
int ike_engine_new(ike_engine **out, const ike_settings *given, ike_time now)
{
    ike_settings s = *given;
    s.crypto = s.crypto ? s.crypto : ike_crypto_default();
    if (!settings_good(&s) || (IKE_WITH_V1 && !scripts_good(s.scripts))) {
        return IKE_ERR_INVALID;
    }
    /* Whom the host would be asked about would get in unasked. */
    const ike_hooks *h = &s.host.hooks;
    if ((!IKE_WITH_QUESTIONS && (h->peer || h->secret || h->child)) || (!IKE_WITH_RECORDS && s.host.tap) ||
        (!IKE_WITH_PROPOSALS && s.host.sadb.carries)) {
        return IKE_ERR_UNSUPPORTED;
    }
    ike_host_memory(&s.host);
    struct ike_engine *e = s.host.alloc(s.host.user, sizeof *e);
    if (!e) {
        return IKE_ERR_NOMEM;
    }
    memset(e, 0, sizeof *e);
    int r = ike_core_init(&e->core, &s, now);
    if (r == IKE_OK) {
        e->core.count.size = sizeof e->core.count;
        ike_db_init(&e->db, &e->core);
        r = ike_guard_init(&e->guard, &e->core);
    }
    /* Frees what an init that failed half-way has taken. */
    if (r != IKE_OK) {
        ike_core_fini(&e->core);
        s.host.release(s.host.user, e, sizeof *e);
        return r;
    }
    *out = e;
    return IKE_OK;
}

static void say_nothing(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)user, (void)path, (void)kind, (void)bytes, (void)n;
}

/* No events and no messages from here on: the host is letting go of everything, or another engine goes on with it. Children go
 * before their IKE SAs, so that none begins to send in the place of another. */
static void free_now(ike_engine *e)
{
    struct ike_core *c = &e->core;
    uint64_t id = 0;
    struct ike_sa *sa;
    struct ike_child *k;
    /* So that nothing that ends begins anything. */
    c->closing = true;
    c->set.host.event = NULL;
    c->set.host.send = say_nothing;
    while ((k = ike_slots_next(&e->db.children, id, &id))) {
        if (k->established) { /* else it goes with the exchange that makes it */
            ike_child_retire(&e->db, k);
        }
    }
    while ((id = 0, sa = ike_slots_next(&e->db.sas, 0, &id))) {
        ike_sa_down(e, sa, IKE_BY_LOCAL);
    }
    IKE_LIST_EACH (it, tmp, &e->db.faded) {
        ike_sa_retire(&e->db, IKE_OF(it, struct ike_sa, dead_link));
    }
    IKE_LIST_EACH (it, tmp, &e->db.conn_list) {
        ike_conn_retire(&e->db, IKE_OF(it, struct ike_conn, link));
    }
    /* The reaper waits for events to be delivered, which will not happen. */
    IKE_LIST_EACH (it, tmp, &c->events) {
        ike_list_del(it);
    }
    ike_db_reap(&e->db);
    ike_db_reap(&e->db); /* freed SAs and children may have been the last to hold a connection */
    ike_db_fini(&e->db);
    ike_core_fini(c);
    void *user = c->set.host.user;
    void (*release)(void *, void *, size_t) = c->set.host.release;
    ike_wipe(e, sizeof *e);
    release(user, e, sizeof *e);
}

/* From a callback: the call that is under way still needs it, and frees it when it leaves. */
void ike_engine_free(ike_engine *e)
{
    if (e && (e->core.depth || e->core.in_hook)) {
        e->core.doomed = true;
    } else if (e) {
        free_now(e);
    }
}

/* ---- Entering and leaving ----------------------------------------------------------------------------------------------- */

/* Time never runs backwards here, whatever the caller's clock does. A failure that a former call left behind must not become
 * the cause of one in this call; within a call from an event handler it may be the cause still. */
int ike_enter(struct ike_engine *e, ike_time now)
{
    struct ike_core *c = &e->core;
    if (c->in_hook || c->doomed) {
        return IKE_ERR_STATE;
    }
    c->depth++;
    if (now > c->now) {
        c->now = now;
    }
    if (c->depth == 1) {
        c->blamed = false;
    }
    return IKE_OK;
}

/* Ids of what has ended are only names by now; its memory is still there, since the reaper waits for this. */
static bool fill_event(struct ike_engine *e, struct ike_evslot *s, ike_event_type type, ike_event *ev)
{
    struct ike_conn *conn = NULL;
    *ev = (ike_event){.size = sizeof *ev, .type = type, .cause = (ike_cause)s->cause};
    if (s->owner == IKE_EV_OF_SA) {
        struct ike_sa *sa = IKE_OF(s, struct ike_sa, ev);
        conn = sa->conn;
        ev->sa = sa->id;
        ev->old_sa = type == IKE_EV_SA_REKEYED ? s->other : 0;
    } else if (s->owner == IKE_EV_OF_CHILD) {
        struct ike_child *k = IKE_OF(s, struct ike_child, ev);
        conn = k->peer->conn;
        ev->sa = k->sa;
        ev->child = k->id;
        ev->old_child = type == IKE_EV_CHILD_REKEYED ? s->other : 0;
    } else {
        conn = IKE_OF(s, struct ike_conn, ev);
    }
    bool down = type == IKE_EV_SA_DOWN || type == IKE_EV_CHILD_DOWN;
    ev->conn = conn->id;
    if (type == IKE_EV_FAILED || (down && s->failed)) {
        /* Memory may have been too short to keep it. */
        ev->failure = IKE_WITH_RECORDS && conn->failure ? conn->failure : &e->core.draft;
    }
    return true;
}

/* One event at a time, and the list is looked at anew each time: a handler may make calls that add events, or free the engine. */
static void deliver_events(struct ike_engine *e)
{
    struct ike_core *c = &e->core;
    while (!c->doomed && !ike_list_empty(&c->events)) {
        struct ike_evslot *s = IKE_OF(c->events.next, struct ike_evslot, link);
        ike_event_type type = IKE_EV_SA_UP;
        /* In the order of the types: UP comes before the DOWN of the same object. */
        while (!(s->pending & 1u << type)) {
            type = (ike_event_type)(type + 1);
        }
        ike_event ev;
        /* Before the call: the handler may cause the same event again. */
        s->pending &= (uint16_t) ~(1u << type);
        if (!s->pending) {
            ike_list_del(&s->link);
        }
        if (fill_event(e, s, type, &ev)) {
            c->set.host.event(c->set.host.user, &ev);
        }
    }
}

/* Events first, then freeing: a handler may still look at what has ended. */
void ike_leave(struct ike_engine *e)
{
    struct ike_core *c = &e->core;
    if (c->depth == 1) {
        deliver_events(e);
        ike_db_reap(&e->db);
    }
    c->depth--;
    if (c->doomed && !c->depth) {
        free_now(e);
    }
}

void ike_log_level_set(ike_engine *e, ike_log_class c, ike_log_level level)
{
    for (unsigned i = 0; i < IKE_LOG_CLASSES; i++) {
        if (c == IKE_LOG_CLASSES || i == (unsigned)c) {
            e->core.set.host.log_level[i] = (uint8_t)level;
        }
    }
}

/* ---- Packets and time ---------------------------------------------------------------------------------------------------- */

int ike_input(ike_engine *e, const ike_path *path, const uint8_t *data, size_t n, ike_time now)
{
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    r = ike_input_message(e, path, data, n);
    ike_leave(e);
    return r;
}

/* May be early, never late: a host that is woken in vain calls ike_tick and asks again. */
ike_time ike_next_timeout(const ike_engine *e) { return ike_wheel_next(&e->core.wheel); }

/* A timer may set others that are due at once; all of them are run. Each is a matter of its own, so no blame passes from one
 * to the next. */
int ike_tick(ike_engine *e, ike_time now)
{
    struct ike_timer *t;
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    while ((t = ike_wheel_pop(&e->core.wheel, e->core.now))) {
        e->core.blamed = false;
        switch (t->kind) {
        case IKE_TIMER_EXCHANGE:
            ike_exchange_timer(e, IKE_OF(t, struct ike_exchange, timer));
            break;
        case IKE_TIMER_SA:
            ike_sa_timer(e, IKE_OF(t, struct ike_sa, timer));
            break;
        case IKE_TIMER_CHILD:
            ike_child_timer(e, IKE_OF(t, struct ike_child, timer));
            break;
        default:
            ike_conn_timer(e, IKE_OF(t, struct ike_conn, timer));
        }
    }
    ike_leave(e);
    return IKE_OK;
}

/* Deletes are begun, not waited for: the host goes on calling ike_input and ike_tick for as long as it likes. */
int ike_engine_close(ike_engine *e, ike_time now)
{
    uint64_t id = 0;
    struct ike_sa *sa;
    struct ike_child *k;
    int r = ike_enter(e, now);
    if (r != IKE_OK) {
        return r;
    }
    e->core.closing = true;
    while ((sa = ike_slots_next(&e->db.sas, id, &id))) {
        if (sa->state == IKE_SA_DELETING && !sa->peer) {
            ike_sa_down(e, sa, IKE_BY_LOCAL); /* a refusal that could be asked for again: no peer waits for a Delete */
        } else {
            ike_close_sa(e, sa, IKE_BY_LOCAL);
        }
    }
    for (id = 0; IKE_WITH_V1 && (k = ike_slots_next(&e->db.children, id, &id));) {
        ike_close_orphan(e, k);
    }
    ike_leave(e);
    return IKE_OK;
}

int ike_exchange_start(ike_engine *e, ike_sa_id sa, const struct ike_script *script, void *state, ike_time now)
{
    int r = ike_enter(e, now);
    if (r == IKE_OK) {
        r = ike_host_start(e, sa, script, state);
        ike_leave(e);
    }
    return r;
}

int ike_sa_new_group(ike_engine *e, ike_sa_id sa, uint16_t id, ike_bytes prime, ike_bytes generator, ike_time now)
{
    int r = ike_enter(e, now);
    if (r == IKE_OK) {
        r = ike_group_start(e, sa, id, prime, generator);
        ike_leave(e);
    }
    return r;
}

/* ---- Answers ------------------------------------------------------------------------------------------------------------- */

/* The answer is stored before the exchange runs: the action that asked is run again and takes it. Both exchange and question
 * may be gone afterwards. */
static void answer(struct ike_engine *e, struct ike_question *q, int result)
{
    q->answered = true;
    q->result = result;
    q->resume(&e->core, q);
}

/* NULL: *r says why. The token is checked inside, as its question may have been cancelled a moment ago. */
static struct ike_question *question(struct ike_engine *e, ike_token t, uint8_t kind, ike_time now, int *r)
{
    *r = ike_enter(e, now);
    return *r == IKE_OK ? ike_question_get(&e->core, t, kind, r) : NULL;
}

/* IKE_ERR_STATE can only come from ike_enter, where there is nothing to leave. */
static int answered(struct ike_engine *e, int r)
{
    if (r != IKE_ERR_STATE) {
        ike_leave(e);
    }
    return r;
}

/* They differ in what they bring. */
int ike_answer_peer(ike_engine *e, ike_token t, ike_conn_id conn, ike_time now)
{
    int r;
    struct ike_question *q = question(e, t, IKE_Q_PEER, now, &r);
    if (q) {
        q->answer.conn = conn;
        answer(e, q, IKE_OK);
    }
    return answered(e, r);
}

/* A copy: the caller may wipe its own at once. Without memory for it the question is answered all the same, by the error. */
static int answer_octets(ike_engine *e, ike_token t, uint8_t kind, int result, ike_bytes octets, ike_time now)
{
    int r;
    struct ike_question *q = question(e, t, kind, now, &r);
    if (q) {
        struct ike_blob b = {NULL, 0};
        /* What the exchange learns; r is what the caller learns, whose answer has arrived */
        int k = result;
        if (k == IKE_OK) {
            r = kind == IKE_Q_SECRET && octets.len > IKE_SECRET_MAX ? IKE_ERR_LIMIT : IKE_OK;
            k = r == IKE_OK ? ike_blob_set(&e->core, &b, octets) : r;
        }
        q->answer.octets.ptr = b.ptr;
        q->answer.octets.len = b.len;
        answer(e, q, k);
    }
    return answered(e, r);
}

int ike_answer_secret(ike_engine *e, ike_token t, int result, ike_bytes secret, ike_time now)
{
    return answer_octets(e, t, IKE_Q_SECRET, result, secret, now);
}

int ike_answer_sign(ike_engine *e, ike_token t, int result, ike_bytes sig, ike_time now)
{
    return answer_octets(e, t, IKE_Q_SIGN, result, sig, now);
}

int ike_answer_login(ike_engine *e, ike_token t, int result, ike_bytes name, ike_bytes password, ike_time now)
{
    int r;
    struct ike_question *q = question(e, t, IKE_Q_LOGIN, now, &r);
    if (q) {
        struct ike_blob b = {NULL, 0};
        int k = result;
        if (k == IKE_OK) {
            r = name.len > IKE_SECRET_MAX || password.len > IKE_SECRET_MAX ? IKE_ERR_LIMIT : IKE_OK;
            k = r == IKE_OK ? ike_blob_room(&e->core, &b, name.len + password.len) : r;
        }
        if (b.ptr) { /* either may be empty, and then nowhere */
            struct ike_wr w = ike_wr(b.ptr, b.len);
            ike_wr_bytes(&w, name);
            ike_wr_bytes(&w, password);
            q->answer.octets.name_len = name.len;
        }
        q->answer.octets.ptr = b.ptr;
        q->answer.octets.len = b.len;
        answer(e, q, k);
    }
    return answered(e, r);
}

int ike_answer_lease(ike_engine *e, ike_token t, int result, const ike_addr *address, ike_time now)
{
    int r;
    struct ike_question *q = question(e, t, IKE_Q_LEASE, now, &r);
    if (q) {
        q->answer.address = address ? *address : (ike_addr){0};
        answer(e, q, result);
    }
    return answered(e, r);
}

int ike_answer_spi(ike_engine *e, ike_token t, int result, uint32_t spi, ike_time now)
{
    int r;
    struct ike_question *q = question(e, t, IKE_Q_SPI, now, &r);
    if (q) {
        q->answer.spi = spi;
        answer(e, q, result);
    }
    return answered(e, r);
}

int ike_answer_done(ike_engine *e, ike_token t, int result, ike_time now)
{
    int r;
    struct ike_question *q = question(e, t, IKE_Q_DONE, now, &r);
    if (q) {
        answer(e, q, result);
    }
    return answered(e, r);
}
