/* SPDX-License-Identifier: ISC
 *
 * Delivery of IKEv2 messages: each request has one response; only the requester repeats, octet by octet; the last response
 * is kept and repeated when its request comes again (RFC 7296 sections 2.1 to 2.3).
 */
#include "base/sabotage.h"
#include "exchange/v2/v2.h"
#include "message/names.h"
#include "message/seal.h"

/* The I flag follows the SA, the R flag the exchange: after a rekey begun by the other side the two roles differ (RFC 7296
 * section 3.1). */
static struct ike_header header_of(const struct ike_exchange *x)
{
    const struct ike_sa *sa = x->sa;
    bool response = x->role == IKE_RESPONDER;
    bool init = x->script == &ike_v2_sa_init;
    /* A refused IKE_SA_INIT leaves no state, so no SPI of ours (RFC 7296 section 2.6). */
    return (struct ike_header){
        .spi_i = sa->spi_i,
        .spi_r = init && (!response || x->refused) ? 0 : sa->spi_r,
        .version = 0x20,
        .exchange = ike_exchange_type(x),
        .flags = (uint8_t)((sa->initiator ? IKE_FLAG_INITIATOR : 0) | (response ? IKE_FLAG_RESPONSE : 0)),
        .mid = x->mid,
    };
}

/* Keys go by the SA's direction: ours are the initiator's when we are that (RFC 7296 section 2.14). */
static struct ike_seal keys_of(const struct ike_sa *sa, bool outgoing)
{
    bool of_initiator = sa->initiator == outgoing;
    return (struct ike_seal){sa->encr, sa->integ, ike_key_e(&sa->layout, sa->keys, of_initiator),
                             ike_key_a(&sa->layout, sa->keys, of_initiator)};
}

/* Any failure leaves nothing sent. An IV that was counted is lost with it, which does no harm. */
static int frame_sealed(struct ike_exchange *x, const struct ike_header *h, size_t *len)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    struct ike_seal k = keys_of(sa, true);
    uint8_t iv[IKE_IV_MAX];
    if (!IKE_WITH_PROPOSALS || sa->encr->aead) {
        ike_store64(iv, ++sa->iv); /* never twice under one key: a counter (RFC 5282 section 3.1) */
    } else {
        int r = ike_draw(c, iv, sa->encr->iv_len);
        if (r != IKE_OK) {
            return r;
        }
    }
    return ike_seal(&k, h, x->chain.first, x->chain.w.p, x->chain.w.len, iv, c->ctx, c->out, c->set.max_message, len);
}

#ifdef IKE_SABOTAGE
/* The same payloads, sealed once more. */
static bool rebuild(struct ike_exchange *x)
{
    if (!IKE_SABOTAGED(RESEND_REBUILT)) {
        return false;
    }
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    struct ike_seal k = keys_of(sa, true);
    struct ike_message *m = &x->e->message;
    uint8_t iv[IKE_IV_MAX] = {0};
    size_t n, len;
    if (x->script == &ike_v2_sa_init || ike_message_parse(m, x->sent->data, x->sent->len) != IKE_OK ||
        ike_open(&k, m, c->ctx, c->plain, c->set.max_message, &n) != IKE_OK) {
        return false;
    }
    ike_store64(iv, ++sa->iv);
    if (ike_seal(&k, &m->h, m->sk_next, c->plain, n, iv, c->ctx, c->out, c->set.max_message, &len) == IKE_OK &&
        len == x->sent->len) {
        memcpy(x->sent->data, c->out, len);
    }
    return false;
}
#else
#define rebuild NULL
#endif

static int send_request(struct ike_exchange *x, struct ike_sent *s)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    /* A repeated script sends another request in the same exchange. */
    ike_sent_free(c, x->sent);
    x->sent = s;
    /* The schedule begins anew with each request. */
    x->tries = 0;
    x->first_sent = c->now;
    x->give_up = IKE_NEVER;
    /* An established peer is given up by time as well, where the connection says so. */
    if (sa->state != IKE_SA_CONNECTING && sa->conf && sa->conf->s.dpd_timeout_s) {
        x->give_up = c->now + sa->conf->s.dpd_timeout_s * IKE_SEC;
    }
    sa->last_out = c->now;
    ike_exchange_arm(x);
    ike_transmit(c, &sa->path, s);
    return IKE_OK;
}

/* The one answer that is kept; the window of one makes the former useless now. peer_mid moves only here, when the answer
 * exists: a request whose answer could not be made is handled anew when it comes again. */
static int send_response(struct ike_exchange *x, struct ike_sent *s)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    ike_sent_free(c, sa->answer);
    sa->answer = s;
    sa->peer_mid = x->mid + 1;
    sa->answer_until = c->now + 180 * IKE_SEC; /* the peer has given up repeating by then */
    sa->last_out = c->now;
    ike_sa_schedule(x->e, sa);
    ike_transmit(c, &x->path, s);
    return IKE_OK;
}

/* Everything that can fail comes before own_mid moves or anything is sent: a message id is used for one request only, and a
 * request that failed has used none. */
static int v2_send(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    bool init = x->script == &ike_v2_sa_init;
    bool request = x->role == IKE_INITIATOR;
    /* The window of one makes this the only id in use. */
    if (request) {
        x->mid = init ? 0 : sa->own_mid;
    }
    struct ike_header h = header_of(x);
    h.next = x->chain.first;
    /* Before sealing, which needs core->out for the datagram. */
    ike_tap(c, ike_exchange_path(x), true, h, x->chain.w.p, x->chain.w.len);
    size_t len = 0;
    int r = init ? ike_frame_clear(c, &h, &x->chain, &len) : frame_sealed(x, &h, &len);
    struct ike_sent *s = r == IKE_OK ? ike_sent_keep(c, c->out, len) : NULL;
    if (s && init && !x->refused) {
        /* RealMessage1 is the last request, cookie included; RealMessage2 the response (RFC 7296 section 2.15). */
        r = ike_blob_set(c, request ? &x->setup->init_request : &x->setup->init_response, ike_bytes_of(s->data, s->len));
    }
    if (r != IKE_OK || !s) {
        ike_sent_free(c, s);
        return r == IKE_OK ? IKE_ERR_NOMEM : r;
    }
    /* IKE_SA_INIT is 0, also when it is repeated with a cookie or another group (RFC 7296 section 2.2). */
    if (request && !init) {
        sa->own_mid++;
    } else if (request) {
        sa->own_mid = 1;
    }
    ike_log_message(c, sa->id, true, &h, request ? &sa->path : &x->path, len, x->chain.first, x->chain.w.p, x->chain.w.len);
    return request ? send_request(x, s) : send_response(x, s);
}

/* A message that was dropped on second thoughts must not end the repetitions. */
static void v2_await(struct ike_exchange *x)
{
    if (x->sent && x->timer.at == IKE_NEVER) {
        ike_exchange_arm(x);
    }
}

/* An IKE_SA_INIT may be from anybody, so it is dropped; only a critical payload is answered, and within the guard's rate.
 * Inside an SA a request is answered: an unknown critical payload costs the exchange, bad syntax the SA (RFC 7296 sections 2.5,
 * 2.21.3). */
static int v2_fault(struct ike_exchange *x, uint8_t payload, bool critical)
{
    struct ike_core *c = &x->e->core;
    const char *name = ike_word(IKE_REG_PAYLOAD, payload);
    ike_failure *f = ike_blame(c, critical ? IKE_FAIL_CRITICAL_PAYLOAD : IKE_FAIL_SYNTAX, IKE_DECIDER_US);
    ike_blame_received(c, "%s with payload %s (%u) %s", ike_exchange_step(x) ? ike_exchange_step(x)->name : x->script->name,
                       name ? name : "unknown", (unsigned)payload,
                       critical ? "marked critical and not known" : "malformed, missing or repeated");
    x->notify = critical ? IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD : IKE_N_INVALID_SYNTAX;
    x->notify_len = critical;
    x->notify_data[0] = payload;
    f->notify = x->notify;
    c->count.bad_syntax++;
    if (x->script == &ike_v2_sa_init) {
        return critical && x->role == IKE_RESPONDER && ike_guard_reply(&x->e->guard, &x->path.remote) ? IKE_X_FATAL : IKE_X_DROP;
    }
    return critical && x->sa->peer ? IKE_X_REFUSE : IKE_X_FATAL;
}

/* IKE_AUTH after IKE_SA_INIT, in the same setup. If memory is short for it the attempt has failed, and is counted. */
static void run_next(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    const struct ike_script *next = x->role == IKE_INITIATOR && x->script->next ? x->script->next(x) : NULL;
    struct ike_exchange *y = next ? ike_exchange_new(e, sa, next, IKE_INITIATOR, x->setup) : NULL;
    if (y) {
        y->purpose = x->purpose;
        ike_list_add(&sa->outstanding, &y->link);
        ike_exchange_run(y);
    } else if (next) {
        ike_exchange_blame(x);
        ike_attempt_failed(e, sa->conn);
        ike_sa_down(e, sa, IKE_BY_FAILURE);
    }
}

/* The IKE SA goes with the exchange. As long as its peer may repeat the request, the answer is kept. */
static void end_sa(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    /* A peer whose AUTH was refused repeats its request when the answer was lost: it gets the same one. */
    bool linger = x->role == IKE_RESPONDER && x->refused && x->script != &ike_v2_sa_init && !sa->peer;
    if (linger) {
        sa->state = IKE_SA_DELETING;
        sa->expires_at = x->e->core.now + x->e->core.set.half_open_life_ms * IKE_MS;
        ike_sa_schedule(x->e, sa);
        return;
    }
    bool up = sa->established && sa->state != IKE_SA_DELETING;
    if (x->role == IKE_INITIATOR && up && x->e->core.draft.decider != IKE_DECIDER_PEER) {
        ike_close_sa(x->e, sa, IKE_BY_FAILURE); /* it was we who could not bear the answer: the peer has yet to hear of it */
        return;
    }
    /* Read before the SA goes: afterwards it is not connecting any more. */
    struct ike_conn *conn = x->role == IKE_INITIATOR && sa->state == IKE_SA_CONNECTING ? sa->conn : NULL;
    if (conn && x->script == &ike_v2_auth && x->msg && ike_message_find(x->msg, IKE_P_AUTH, 0)) {
        /* The peer takes the SA to be up: it is told (RFC 7296 section 2.21.2). */
        struct ike_task t = {.purpose = IKE_DO_DELETE_IKE};
        /* The connection is free for the next attempt, while this SA only waits for its Delete. */
        conn->connecting = NULL;
        sa->state = IKE_SA_DELETING;
        sa->down_cause = IKE_BY_FAILURE;
        ike_setup_free(x->e, sa->setup);
        sa->setup = NULL;
        if (ike_queue(x->e, sa, &t) != IKE_OK) {
            ike_sa_down(x->e, sa, IKE_BY_FAILURE);
        }
        ike_attempt_failed(x->e, conn);
        return;
    }
    /* The peer has or gets an answer that may be lost: it lingers to repeat it. A refused IKE_SA_INIT is stateless. */
    if (x->role == IKE_RESPONDER && x->script != &ike_v2_sa_init) {
        ike_sa_linger(x->e, sa, IKE_BY_FAILURE);
    } else {
        ike_sa_down(x->e, sa, IKE_BY_FAILURE);
    }
    if (conn) {
        ike_attempt_failed(x->e, conn);
    }
}

/* IKE_AUTH is over and the peer is who it should be; the child may still have been refused. */
static void after_auth(struct ike_exchange *x, int result)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    if (sa->state == IKE_SA_CONNECTING) {
        ike_sa_up(e, sa);
        ike_settle_doubles(e, sa, x->setup->initial_contact);
    }
    if (result == IKE_X_REFUSE && x->role == IKE_INITIATOR && x->setup->with_child) {
        ike_child_failed(e, sa->conn, x->setup->conf->s.children[x->setup->index].name);
    }
    ike_setup_free(e, sa->setup);
    sa->setup = NULL;
    if (sa->close_when_up) {
        ike_close_sa(e, sa, sa->down_cause);
    }
}

/* A Delete that could not even be sent: the timer tries again, when memory may be back. */
static void delete_failed(struct ike_exchange *x, struct ike_task **task)
{
    struct ike_child *k = ike_child_by_id(x->e, x->child);
    if (x->purpose == IKE_DO_DELETE_IKE) {
        ike_close_sa_later(x->e, x->sa);
    } else if (k && k->state == IKE_CHILD_DELETING) {
        ike_close_child_later(x->e, k);
    } else if (x->purpose == IKE_DO_DELETE_CHILD && x->spi && *task) {
        (*task)->not_before = x->e->core.now + IKE_SEC;
        ike_queue_owned(x->e, x->sa, *task);
        *task = NULL;
    }
}

/* What the end of an exchange means for its SA. First of all: whoever takes the SA down is at it already, and ends its
 * exchanges by itself. */
static void v2_over(struct ike_exchange *x, int result)
{
    struct ike_engine *e = x->e;
    struct ike_core *c = &e->core;
    struct ike_sa *sa = x->sa;
    if (sa->answering == x) {
        sa->answering = NULL;
    }
    /* Ours from here on: it goes with the exchange unless a Delete that failed needs it again. */
    struct ike_task *task = x->task;
    x->task = NULL;
    if (sa->dead || sa->faded || sa->going_down) {
        ike_free(c, task, sizeof *task);
        return;
    }
    if (result == IKE_X_FATAL) {
        end_sa(x);
    } else if (x->script == &ike_v2_sa_init && result != IKE_X_OK) {
        end_sa(x); /* nothing of it stays, whatever the reason */
    } else if (x->script == &ike_v2_auth && x->role == IKE_INITIATOR && result != IKE_X_OK && !sa->peer) {
        end_sa(x);
    } else if (x->script == &ike_v2_auth && result != IKE_X_DROP) {
        after_auth(x, result);
    } else if (result == IKE_X_OK) {
        run_next(x);
    } else if (x->role == IKE_INITIATOR && x->purpose <= IKE_DO_DELETE_CHILD) {
        delete_failed(x, &task);
    } else if (result == IKE_X_REFUSE && x->purpose == IKE_DO_CHILD && !ike_task_waiting(sa, IKE_DO_CHILD, 0)) {
        ike_child_failed(e, sa->conn, x->setup->conf->s.children[x->setup->index].name);
    }
    ike_free(c, task, sizeof *task);
    /* The window has room again. */
    if (!sa->dead && !sa->faded) {
        ike_kick(e, sa);
    }
}

const struct ike_delivery ike_v2_delivery = {v2_send, v2_await, v2_fault, v2_over, rebuild, false};
