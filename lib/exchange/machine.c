/* SPDX-License-Identifier: ISC
 *
 * The script machine: runs steps and actions, keeps what a PENDING action needs, and settles refusals.
 */
#include "exchange/exchange.h"

enum { WAIT = 100, GONE }; /* beside ike_result: nothing more to do now; the exchange is over and freed */

/* Not linked anywhere yet: the caller enters it as outstanding or answering before it runs. The setup is lent unless
 * owns_setup is set. Blames when it gives NULL. */
struct ike_exchange *ike_exchange_new(struct ike_engine *e, struct ike_sa *sa, const struct ike_script *script, uint8_t role,
                                      struct ike_setup *setup)
{
    struct ike_exchange *x = ike_alloc(&e->core, sizeof *x);
    if (!x) {
        ike_blame(&e->core, IKE_FAIL_NO_MEMORY, IKE_DECIDER_HOST);
        return NULL;
    }
    x->e = e;
    x->sa = sa;
    x->script = script;
    x->delivery = script->delivery;
    x->role = role;
    x->setup = setup;
    /* Until a message says where it came from. */
    x->path = sa->path;
    x->give_up = IKE_NEVER;
    ike_list_init(&x->link);
    ike_timer_init(&x->timer, IKE_TIMER_EXCHANGE);
    e->core.count.exchanges++;
    return x;
}

/* NULL past the last: the exchange has run to its end. */
const struct ike_step *ike_exchange_step(const struct ike_exchange *x)
{
    return x->step < x->script->n_steps ? &x->script->steps[x->step] : NULL;
}

/* ---- Keeping a message and a half-built chain across a question ------------------------------------------------------- */

/* Decrypted payloads may hold secrets: all of it is wiped. A message that is only viewed belongs to the engine and is let go
 * of. */
static void drop_message(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    if (IKE_WITH_QUESTIONS) {
        ike_free_secret(c, x->kept, sizeof *x->kept);
        ike_blob_free(c, &x->kept_data);
        ike_blob_free(c, &x->kept_inner);
        x->kept = NULL;
    }
    x->msg = NULL;
    x->inner = NULL;
    x->checked = x->handled = false;
}

/* A message views the caller's datagram and the engine's scratch, both gone when the call returns: a question makes a copy of
 * its own, with every view turned to it. Done once; further questions about the same message find it kept. */
static int keep_message(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    if (!x->msg || x->msg == x->kept) {
        return IKE_OK;
    }
    struct ike_message *copy = ike_alloc(c, sizeof *copy);
    if (!copy || ike_blob_set(c, &x->kept_data, ike_bytes_of(x->msg->data, x->msg->len)) != IKE_OK ||
        ike_blob_set(c, &x->kept_inner, ike_bytes_of(x->inner, x->inner_len)) != IKE_OK) {
        ike_free(c, copy, sizeof *copy);
        return IKE_ERR_NOMEM;
    }
    *copy = *x->msg;
    ike_message_rebase(copy, x->kept_data.ptr, x->inner, x->kept_inner.ptr);
    x->inner = x->kept_inner.ptr;
    x->kept = x->msg = copy;
    return IKE_OK;
}

/* core->build is one for the whole engine: while this exchange waits another builds its message there. */
static int keep_chain(struct ike_exchange *x)
{
    return x->building ? ike_blob_set(&x->e->core, &x->kept_chain, ike_bytes_of(x->chain.w.p, x->chain.w.len)) : IKE_OK;
}

/* Only the octets have moved; lengths and the first payload's type are in x->chain. */
static void restore_chain(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    x->chain.w.p = c->build;
    if (x->kept_chain.len) {
        memcpy(c->build, x->kept_chain.ptr, x->kept_chain.len);
    }
    ike_blob_free(c, &x->kept_chain);
}

/* ---- The end ---------------------------------------------------------------------------------------------------------- */

/* The order is fixed: no question, timer or list leads here any more when delivery is told; delivery may take the SA down, so
 * nothing below touches that; what delivery reads of the exchange is freed after it. */
static void finish(struct ike_exchange *x, int result)
{
    struct ike_core *c = &x->e->core;
    x->over = true;
    if (IKE_WITH_QUESTIONS) {
        ike_question_drop(c, x->question, true);
        x->question = NULL;
    }
    ike_list_del(&x->link);
    ike_timer_set(&c->wheel, &x->timer, IKE_NEVER);
    if (IKE_WITH_V1 && x->script->over) {
        ike_hook_enter(c);
        x->script->over(x, result);
        ike_hook_leave(c);
    }
    x->delivery->over(x, result);
    drop_message(x);
    if (IKE_WITH_QUESTIONS) {
        ike_blob_free(c, &x->kept_chain);
    }
    ike_sent_free(c, x->sent);
    ike_free(c, x->note, x->note ? sizeof *x->note : 0);
    if (x->owns_setup) {
        ike_setup_free(x->e, x->setup);
    }
    c->count.exchanges--;
    ike_free_secret(c, x, sizeof *x);
}

/* Scripts write it so that it may run at any point, and more than once. */
static void undo(struct ike_exchange *x)
{
    if (x->script->undo) {
        x->script->undo(x);
    }
}

/* What the exchange had waited for before the question is waited for anew. */
static void end_question(struct ike_exchange *x, bool cancel)
{
    struct ike_core *c = &x->e->core;
    if (!IKE_WITH_QUESTIONS) {
        return;
    }
    ike_question_drop(c, x->question, cancel);
    x->question = NULL;
    if (x->pended) {
        x->pended = false;
        ike_timer_set(&c->wheel, &x->timer, IKE_NEVER);
    }
}

/* From within one of its own actions, as when a Delete takes the SA down, the exchange cannot go yet: it is marked, and ends
 * when the action has returned. */
void ike_exchange_abort(struct ike_exchange *x, int result)
{
    if (x->running) {
        x->aborted = true;
        x->abort_result = result;
        if (x->setup && x->setup == x->sa->setup) {
            x->owns_setup = true; /* the SA goes before the exchange has come to its end */
            x->sa->setup = NULL;
        }
        return;
    }
    if (!x->over) {
        undo(x);
        finish(x, result);
    }
}

/* ---- Refusals --------------------------------------------------------------------------------------------------------- */

static bool refuses_apart(const struct ike_exchange *x) { return IKE_WITH_V1 && x->delivery->refuses_apart; }

/* A responder that still has a message to send: the refusal goes there, and the peer's window moves on. An initiator has
 * nobody to answer. */
static bool owes_answer(const struct ike_exchange *x)
{
    if (x->role == IKE_INITIATOR || refuses_apart(x)) {
        return false;
    }
    for (unsigned i = x->step; i < x->script->n_steps; i++) {
        if (x->script->steps[i].from == x->role) {
            return true;
        }
    }
    return false;
}

/* owes_answer() has seen that there is one. */
static void to_own_step(struct ike_exchange *x)
{
    while (x->script->steps[x->step].from != x->role) {
        x->step++;
    }
}

/* What follows from an action's result other than OK and PENDING: IKE_X_OK to go on, or GONE. No question survives it: what
 * comes next asks anew. */
static int settle(struct ike_exchange *x, int r)
{
    struct ike_core *c = &x->e->core;
    end_question(x, true);
    if (r == IKE_X_AGAIN && x->rounds++ < x->script->max_rounds) {
        drop_message(x);
        x->step = 0;
        x->action = 0;
        x->building = false;
        return IKE_X_OK;
    }
    /* A peer that never has enough is one that refuses. */
    if (r == IKE_X_AGAIN) {
        r = IKE_X_REFUSE;
    }
    /* A responder's first message made the exchange; without it there is none. An initiator has a request out, and a better
     * answer may come. */
    bool began_it = x->role == IKE_RESPONDER && x->step == 0, hearing = x->script->steps[x->step].from != x->role;
    if (r == IKE_X_DROP && hearing && x->msg && !began_it) {
        c->blamed = false;
        drop_message(x);
        x->action = 0;
        return IKE_X_OK; /* the step waits for another message */
    }
    /* Asked again a responder hears the same message once more. One without anything sent before begins anew instead. */
    if (r == IKE_X_DROP && x->role == IKE_RESPONDER && !hearing && x->sent && refuses_apart(x)) {
        c->blamed = false;
        drop_message(x);
        ike_blob_free(c, &x->kept_chain);
        x->building = false;
        x->action = 0;
        x->step--;
        return IKE_X_OK;
    }
    /* A refusal that fails while it is built is not answered by another: that could go on for ever. */
    if (r == IKE_X_DROP || x->refused || !owes_answer(x)) {
        if (r != IKE_X_DROP) {
            ike_exchange_blame(x);
        }
        c->blamed = false;
        undo(x);
        finish(x, x->refused && r != IKE_X_DROP ? (x->fatal ? IKE_X_FATAL : IKE_X_REFUSE) : r);
        return GONE;
    }
    /* Before undo: the record names the child that is about to be taken back. */
    ike_exchange_blame(x);
    undo(x);
    x->refused = true;
    x->fatal = r == IKE_X_FATAL;
    x->building = false;
    x->action = 0;
    to_own_step(x);
    return IKE_X_OK;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------------ */

/* A host's action is a callback, from which the engine cannot be called. */
static int act(struct ike_exchange *x, ike_action *action)
{
    struct ike_core *c = &x->e->core;
    if (!IKE_WITH_V1 || x->script->delivery) { /* hosts have exchanges of IKEv1 alone */
        return action(x);
    }
    ike_hook_enter(c);
    int r = action(x);
    ike_hook_leave(c);
    return r;
}

/* On PENDING x->action stays where it is, so that the same action is run again and none before it. */
static int run_list(struct ike_exchange *x, ike_action *const *list)
{
    for (; list && list[x->action]; x->action++) {
        int r = act(x, list[x->action]);
        if (r != IKE_X_OK) {
            return r;
        }
        /* The action has ended its own exchange; the actions after it have nothing to work on. */
        if (x->aborted) {
            return IKE_X_DROP;
        }
    }
    return IKE_X_OK;
}

static int pend(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    if (keep_message(x) == IKE_OK && keep_chain(x) == IKE_OK) {
        ike_timer_set(&c->wheel, &x->timer, ike_question_until(c));
        x->pended = true;
        return WAIT;
    }
    return ike_trouble(x, IKE_ERR_NOMEM);
}

/* Protocol and SPI only where a notify is about one SA (RFC 7296 section 3.10). */
static void put_refusal(struct ike_exchange *x)
{
    ike_put_notify_spi(&x->chain, x->notify_protocol, x->notify_spi, x->notify, ike_bytes_of(x->notify_data, x->notify_len));
}

/* A message that is refused carries `refuse` and the notify; after a FATAL the notify alone, so that an unauthenticated peer
 * learns nothing else. */
static int say(struct ike_exchange *x, const struct ike_step *step)
{
    struct ike_core *c = &x->e->core;
    /* The first time at this step; otherwise an action that was pending goes on. */
    if (!x->building) {
        x->chain = ike_chain(c->build, c->set.max_message);
        x->building = true;
        x->action = 0;
    } else if (IKE_WITH_QUESTIONS) {
        restore_chain(x);
    }
    int r = x->refused && (!step->refuse || x->fatal) ? IKE_X_OK : run_list(x, x->refused ? step->refuse : step->build);
    if (IKE_WITH_QUESTIONS && r == IKE_X_PENDING) {
        r = pend(x);
    }
    if (r == IKE_X_OK && x->refused) {
        put_refusal(x);
    }
    /* What did not fit or could not be sent is as if memory were short: a responder waits to be asked again. */
    if (r == IKE_X_OK && (x->chain.w.bad || x->delivery->send(x) != IKE_OK)) {
        r = ike_trouble(x, IKE_ERR_NOMEM);
    }
    if (r != IKE_X_OK) {
        return r;
    }
    x->building = false;
    x->action = 0;
    if (x->refused) {
        finish(x, x->fatal ? IKE_X_FATAL : IKE_X_REFUSE);
        return GONE;
    }
    /* Only now is the step over: what changes when the message has left must not happen when it has not. */
    (void)run_list(x, step->sent);
    x->action = 0;
    drop_message(x);
    x->step++;
    return IKE_X_OK;
}

/* The first form that fits, so the order in the table matters. */
static const struct ike_payload_rule *rules_for(const struct ike_exchange *x, const struct ike_step *step)
{
    const struct ike_form *f = step->forms;
    while (f && f->rules && f->when && !f->when(x)) {
        f++;
    }
    return f ? f->rules : NULL;
}

/* Unknown critical payloads first: they make the message void, whatever else it holds (RFC 7296 section 2.5). */
static int check_rules(struct ike_exchange *x, const struct ike_step *step)
{
    const struct ike_payload *odd = ike_message_critical(x->msg);
    uint8_t type = 0;
    x->checked = true;
    if (odd) {
        return x->delivery->fault(x, odd->type, true);
    }
    const struct ike_payload_rule *rules = rules_for(x, step);
    if (!rules || ike_rules_check(x->msg, rules, &type) != IKE_OK) {
        return ike_fault(x, type);
    }
    return IKE_X_OK;
}

/* An action never sees a message that breaks its rules. After a question the rules are not checked again. */
static int hear(struct ike_exchange *x, const struct ike_step *step)
{
    if (!x->msg) {
        x->delivery->await(x);
        return WAIT;
    }
    int r = x->checked ? IKE_X_OK : check_rules(x, step);
    if (r == IKE_X_OK) {
        r = run_list(x, step->handle);
    }
    if (IKE_WITH_QUESTIONS && r == IKE_X_PENDING) {
        r = pend(x);
    }
    if (r == IKE_X_OK) {
        x->action = 0;
        x->step++;
        x->handled = true;
        /* A responder may still read the request while it builds the answer. */
        if (x->role == IKE_INITIATOR) {
            drop_message(x);
        }
    }
    return r;
}

/* Loops until there is nothing to do without the peer or the host. Any return from `settle` or `finish` may have freed x. */
void ike_exchange_run(struct ike_exchange *x)
{
    x->running = true;
    for (;;) {
        const struct ike_step *step = ike_exchange_step(x);
        if (!step) {
            finish(x, IKE_X_OK);
            return;
        }
        int r = IKE_X_OK;
        if (step->when && !step->when(x)) {
            x->step++;
            continue;
        }
        bool ours = step->from == x->role;
        if (!ours && x->handled) {
            drop_message(x); /* kept for an answer that an optional step left out */
        }
        r = ours ? say(x, step) : hear(x, step);
        if (r == GONE) {
            return;
        }
        if (x->aborted) {
            x->running = false;
            ike_exchange_abort(x, x->abort_result);
            return;
        }
        if (r == WAIT) {
            x->running = false;
            return;
        }
        if (r != IKE_X_OK && settle(x, r) == GONE) {
            return;
        }
    }
}

void ike_exchange_deliver(struct ike_exchange *x, struct ike_message *msg, const uint8_t *inner, size_t inner_len)
{
    x->msg = msg;
    x->inner = inner;
    x->inner_len = inner_len;
    ike_exchange_run(x);
}

/* ---- For actions ------------------------------------------------------------------------------------------------------ */

/* Without a code there is no failure to record: either it is recorded already, or none has happened, as with
 * INVALID_KE_PAYLOAD. */
static int refusal(struct ike_exchange *x, uint16_t notify, uint16_t code, int result)
{
    x->notify = notify;
    if (code) {
        ike_blame(&x->e->core, code, IKE_DECIDER_US)->notify = notify;
    }
    return result;
}

int ike_refuse(struct ike_exchange *x, uint16_t notify, uint16_t code) { return refusal(x, notify, code, IKE_X_REFUSE); }
int ike_fatal(struct ike_exchange *x, uint16_t notify, uint16_t code) { return refusal(x, notify, code, IKE_X_FATAL); }

/* x->notify stays unset: it is for what we say. */
int ike_peer_said(struct ike_exchange *x, const struct ike_notify *n, uint16_t code, int result)
{
    ike_blame(&x->e->core, code, IKE_DECIDER_PEER)->notify = n->type;
    return result;
}

int ike_fault(struct ike_exchange *x, uint8_t payload) { return x->delivery->fault(x, payload, false); }

/* What may pass is not told to the peer: it repeats its request, and by then there may be memory again. An initiator that
 * repeats its own messages can hear the answer once more, as long as nothing is half made. */
int ike_trouble(struct ike_exchange *x, int error)
{
    uint16_t code = error == IKE_ERR_NOMEM    ? IKE_FAIL_NO_MEMORY
                    : error == IKE_ERR_CRYPTO ? IKE_FAIL_KEY_EXCHANGE
                                              : IKE_FAIL_KERNEL;
    ike_failure *f = ike_blame(&x->e->core, code, error == IKE_ERR_CRYPTO ? IKE_DECIDER_US : IKE_DECIDER_HOST);
    f->error = error;
    bool again = error == IKE_ERR_NOMEM && x->msg && !x->building && refuses_apart(x) && !x->script->undo;
    return x->role == IKE_RESPONDER || again ? IKE_X_DROP : IKE_X_REFUSE;
}

int ike_outcome(struct ike_exchange *x, int error) { return error == IKE_OK ? IKE_X_OK : ike_trouble(x, error); }

int ike_keep(struct ike_exchange *x, struct ike_blob *to, ike_bytes from)
{
    return ike_outcome(x, ike_blob_set(&x->e->core, to, from));
}

/* x may be gone when this returns, and q with it. */
static void resume(struct ike_core *c, struct ike_question *q)
{
    (void)c;
    struct ike_exchange *x = q->owner;
    ike_exchange_run(x);
}

/* An action asks one thing at a time, so the exchange holds one question; the kind is that of the action that runs. */
struct ike_question *ike_question_of(struct ike_exchange *x, uint8_t kind, bool *answered)
{
    if (!x->question) {
        x->question = ike_question_new(&x->e->core, kind, x, resume);
    }
    *answered = x->question && x->question->answered;
    return x->question;
}

void ike_answered(struct ike_exchange *x)
{
    if (IKE_WITH_QUESTIONS && x->question) {
        x->question->answered = true; /* nobody is left to be told of a cancel */
        end_question(x, false);
    }
}
