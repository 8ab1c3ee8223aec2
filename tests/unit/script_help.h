/* SPDX-License-Identifier: ISC
 *
 * Two parties that run scripts which exist only in tests, over a delivery which exists only in tests: a message is a header and
 * the chain in clear, a wire holds one. Everything that happens is written into one trace, in order.
 */
#ifndef TESTS_UNIT_SCRIPT_HELP_H
#define TESTS_UNIT_SCRIPT_HELP_H

#include "unit/core_help.h"

#include "engine/engine.h"

enum { X_MAIN = 240, X_LOOP, X_ONE_WAY, X_BACK, X_GREETING, MARK = 40960, COMMIT = 40961 };

struct party {
    struct lab lab; /* first: the host's user pointer leads here */
    char name;      /* 'i' or 'r': of the SA */
    ike_engine *e;
    struct ike_sa *sa;
    struct ike_setup *setup;
    struct ike_exchange *x;
    const struct ike_script *script; /* of x */
    ike_token token;                 /* of the question that is open, 0 none */
    struct {
        uint8_t *bytes;
        size_t n;
    } wire[4]; /* what it sent and nobody has taken yet, oldest first */
    unsigned wired;
    unsigned awaits;
    bool send_fails;
};

/* What an action is to answer instead of OK. */
struct spoil {
    const char *action;
    int result;
    unsigned times;
};

struct stage {
    struct party p[2];
    bool pend;   /* every action asks and waits */
    bool commit; /* the optional step takes place */
    unsigned pended;
    struct spoil spoil;
    char trace[4096];
};

static struct stage stage;

static inline struct party *party_of(const struct ike_exchange *x) { return x->e->core.set.host.user; }

static inline void tell(const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(stage.trace);
    va_start(ap, fmt);
    if (n) {
        stage.trace[n++] = ' ';
    }
    int k = vsnprintf(stage.trace + n, sizeof stage.trace - n, fmt, ap);
    assert_true(k > 0 && (size_t)k < sizeof stage.trace - n);
    va_end(ap);
}

/* The trace since the last call must be this. */
static inline void assert_trace(const char *want)
{
    assert_string_equal(stage.trace, want);
    stage.trace[0] = 0;
}

/* Every action goes through here. */
static inline int act(struct ike_exchange *x, const char *name, int (*work)(struct ike_exchange *))
{
    struct party *p = party_of(x);
    if (stage.pend) {
        bool answered;
        struct ike_question *q = ike_ask(x, IKE_Q_DONE, &answered);
        if (!q) {
            return ike_trouble(x, IKE_ERR_NOMEM);
        }
        if (!answered) {
            p->token = q->token;
            stage.pended++;
            return IKE_X_PENDING;
        }
        assert_int_equal(q->result, 77);
        ike_answered(x);
    }
    tell("%c.%s", p->name, name);
    if (stage.spoil.action && strcmp(stage.spoil.action, name) == 0 && stage.spoil.times) {
        int r = stage.spoil.result;
        stage.spoil.times--;
        return r == IKE_X_REFUSE  ? ike_refuse(x, 9000, IKE_FAIL_DENIED)
               : r == IKE_X_FATAL ? ike_fatal(x, 9001, IKE_FAIL_DENIED)
                                  : r;
    }
    return work(x);
}

#define ACTION(name) static int name(struct ike_exchange *x)
#define ASKING(name)                                                                                                             \
    static int name##_work(struct ike_exchange *x);                                                                              \
    static int name(struct ike_exchange *x) { return act(x, #name, name##_work); }                                               \
    static int name##_work(struct ike_exchange *x)

/* ---- Delivery --------------------------------------------------------------------------------------------------------- */

static inline int stage_send(struct ike_exchange *x)
{
    struct party *p = party_of(x);
    if (p->send_fails) {
        return IKE_ERR_NOMEM;
    }
    assert_true(p->wired < IKE_COUNT(p->wire));
    size_t n = IKE_HEADER_LEN + x->chain.w.len;
    uint8_t *bytes = malloc(n);
    struct ike_header h = {.spi_i = 1, .spi_r = 2, .next = x->chain.first, .version = 0x20, .exchange = x->script->exchange_type};
    h.length = (uint32_t)n;
    ike_header_write(bytes, &h);
    memcpy(bytes + IKE_HEADER_LEN, x->chain.w.p, x->chain.w.len);
    p->wire[p->wired].bytes = bytes;
    p->wire[p->wired++].n = n;
    tell("%c>%s%s", p->name, ike_exchange_step(x)->name, x->refused ? "(refused)" : "");
    return IKE_OK;
}

static inline void stage_await(struct ike_exchange *x) { party_of(x)->awaits++; }

static inline int stage_fault(struct ike_exchange *x, uint8_t payload, bool critical)
{
    tell("%c!%s%u", party_of(x)->name, critical ? "critical" : "rule", (unsigned)payload);
    return critical ? ike_refuse(x, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_FAIL_CRITICAL_PAYLOAD) : IKE_X_DROP;
}

static inline void stage_over(struct ike_exchange *x, int result)
{
    static const char *const results[] = {"ok", "pending", "drop", "refuse", "fatal", "again"};
    struct party *p = party_of(x);
    tell("%c=%s:%s", p->name, x->script->name, results[result]);
    p->x = NULL;
    p->token = 0;
    const struct ike_script *next = result == IKE_X_OK && x->role == IKE_INITIATOR && x->script->next ? x->script->next(x) : NULL;
    if (next) {
        p->x = ike_exchange_new(p->e, p->sa, next, IKE_INITIATOR, p->setup);
        assert_non_null(p->x);
        ike_exchange_run(p->x);
    }
}

static const struct ike_delivery stage_delivery = {stage_send, stage_await, stage_fault, stage_over, NULL, false};

/* ---- Running ---------------------------------------------------------------------------------------------------------- */

static inline void stage_begin(struct party *p, const struct ike_script *script, uint8_t role)
{
    assert_int_equal(ike_enter(p->e, IKE_SEC), IKE_OK);
    p->x = ike_exchange_new(p->e, p->sa, script, role, p->setup);
    assert_non_null(p->x);
    ike_exchange_run(p->x);
    ike_leave(p->e);
}

/* Hand a message to a party; it lives as long as the call and no longer. `other` is what serves a type that is new here. */
static inline void stage_take(struct party *p, const uint8_t *bytes, size_t n, const struct ike_script *other, uint8_t role)
{
    struct ike_message m;
    uint8_t *copy = malloc(n);
    memcpy(copy, bytes, n);
    assert_int_equal(ike_message_parse(&m, copy, n), IKE_OK);
    assert_int_equal(ike_enter(p->e, IKE_SEC), IKE_OK);
    if (!p->x) {
        p->x = ike_exchange_new(p->e, p->sa, other, role, p->setup);
        assert_non_null(p->x);
    }
    ike_exchange_deliver(p->x, &m, NULL, 0);
    ike_leave(p->e);
    memset(&m, 0xee, sizeof m);
    memset(copy, 0xee, n);
    free(copy);
}

/* The oldest message a party has sent; the caller frees it. */
static inline uint8_t *stage_pick(struct party *from, size_t *n)
{
    assert_true(from->wired > 0);
    uint8_t *w = from->wire[0].bytes;
    *n = from->wire[0].n;
    memmove(&from->wire[0], &from->wire[1], --from->wired * sizeof from->wire[0]);
    return w;
}

/* Answer the open question, after spoiling all scratch space that the next datagram would use. */
static inline void stage_answer(struct party *p)
{
    struct ike_core *c = &p->e->core;
    ike_token t = p->token;
    p->token = 0;
    memset(c->build, 0xdd, c->set.max_message);
    memset(c->out, 0xdd, c->set.max_message);
    memset(c->plain, 0xdd, c->set.max_message);
    assert_int_equal(ike_answer_done(p->e, t, 77, IKE_SEC), IKE_OK);
    assert_int_equal(ike_answer_done(p->e, t, 77, IKE_SEC), IKE_ERR_NOT_FOUND);
}

typedef const struct ike_script *script_for(uint8_t exchange_type);

/* Until nothing moves any more. */
static inline void stage_run(script_for *find)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned i = 0; i < 2; i++) {
            struct party *p = &stage.p[i], *from = &stage.p[1 - i];
            if (p->token) {
                stage_answer(p);
                moved = true;
            } else if (from->wired) {
                size_t n;
                uint8_t *w = stage_pick(from, &n), type = w[18];
                stage_take(p, w, n, find(type), type == X_GREETING ? IKE_INITIATOR : IKE_RESPONDER);
                free(w);
                moved = true;
            }
        }
    }
}

static inline int stage_open(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof stage);
    for (unsigned i = 0; i < 2; i++) {
        struct party *p = &stage.p[i];
        ike_settings s;
        ike_path path = {.local = lab_addr("192.0.2.1:500"), .remote = lab_addr("192.0.2.2:500")};
        lab_init(&p->lab);
        lab_settings(&p->lab, &s);
        p->name = i ? 'r' : 'i';
        assert_int_equal(ike_engine_new(&p->e, &s, IKE_SEC), IKE_OK);
        p->sa = ike_sa_new(&p->e->db, i == 0, &path);
        p->setup = ike_setup_new(p->e);
        assert_true(p->sa && p->setup);
    }
    return 0;
}

/* Nothing may be left over: no exchange, no question, no octet. */
static inline int stage_close(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct party *p = &stage.p[i];
        assert_null(p->x);
        assert_int_equal(p->e->core.count.exchanges, 0);
        assert_int_equal(p->e->core.questions.count, 0);
        ike_setup_free(p->e, p->setup);
        ike_engine_free(p->e);
        assert_int_equal(p->wired, 0);
        assert_int_equal(p->lab.blocks, 0);
    }
    return 0;
}

#endif
