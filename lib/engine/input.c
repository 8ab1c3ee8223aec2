/* SPDX-License-Identifier: ISC
 *
 * Routing of datagrams: what is dropped without a trace, what belongs to which SA, which script handles it. Everything in
 * here before ike_open() runs for anybody who can send a datagram.
 */
#include "base/sabotage.h"
#include "base/siphash.h"
#include "engine/engine.h"
#include "message/seal.h"
#if IKE_WITH_V1
#include "exchange/v1/v1.h"
#endif

/* Header, a notify's eight octets, the cookie. */
#define COOKIE_REPLY_LEN (IKE_HEADER_LEN + 8 + IKE_COOKIE_LEN)

/* ---- Replies without an SA --------------------------------------------------------------------------------------------- */

/* Stateless: the header is turned round, SPIs and message id are the request's (RFC 7296 section 1.5), and the answer is not
 * kept. */
static void reply(struct ike_engine *e, const struct ike_message *m, const ike_path *path, uint16_t type, ike_bytes data)
{
    struct ike_core *c = &e->core;
    struct ike_chain chain = ike_chain(c->build, c->set.max_message);
    ike_put_notify(&chain, type, data);
    if (chain.w.bad) {
        return;
    }
    struct ike_header h = {.spi_i = m->h.spi_i,
                           .spi_r = m->h.spi_r,
                           .next = chain.first,
                           .version = 0x20,
                           .exchange = m->h.exchange,
                           .mid = m->h.mid};
    /* The I flag is of the SA's initiator: the opposite of what the request's sender is. */
    h.flags = (uint8_t)(IKE_FLAG_RESPONSE | (m->h.flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR));
    h.length = (uint32_t)(IKE_HEADER_LEN + chain.w.len);
    ike_header_write(c->out, &h);
    memcpy(c->out + IKE_HEADER_LEN, c->build, chain.w.len);
    ike_send(c, path, IKE_SEND_MESSAGE, c->out, h.length);
}

/* Never to a response, or two engines could answer each other for ever; never to port 0; never more than the bucket allows, as
 * the source may be forged. */
static void reply_error(struct ike_engine *e, const struct ike_message *m, const ike_path *path, uint16_t type)
{
    if (!(m->h.flags & IKE_FLAG_RESPONSE) && path->remote.port && ike_guard_reply(&e->guard, &path->remote)) {
        e->core.count.error_replies++;
        reply(e, m, path, type, ike_bytes_of(NULL, 0));
    }
}

/* ---- IKE_SA_INIT -------------------------------------------------------------------------------------------------------- */

/* True when the request may go on; otherwise it has been answered with a cookie, or dropped. */
static bool past_the_guard(struct ike_engine *e, const struct ike_message *m, const ike_path *path)
{
    const struct ike_payload *nonce = ike_message_find(m, IKE_P_NONCE, 0);
    struct ike_notify n = {0};
    uint8_t cookie[IKE_COOKIE_LEN];
    if (!nonce || nonce->len < IKE_NONCE_MIN || nonce->len > IKE_NONCE_MAX) {
        return false;
    }
    ike_bytes ni = ike_bytes_of(nonce->body, nonce->len);
    /* Only as the first payload, where an initiator must put it (RFC 7296 section 2.6). */
    bool wanted = ike_guard_wants_cookie(&e->guard, &e->db, &path->remote);
    bool first = m->p[0].type == IKE_P_NOTIFY && ike_notify_parse(&n, &m->p[0]) == IKE_OK && n.type == IKE_N_COOKIE;
    if (wanted && (m->len < COOKIE_REPLY_LEN || !path->remote.port)) {
        return false; /* no answer is longer than what asked for it */
    }
    if (wanted && (!first || !ike_guard_cookie_valid(&e->guard, &path->remote, m->h.spi_i, ni, n.data))) {
        if (ike_guard_cookie(&e->guard, &path->remote, m->h.spi_i, ni, cookie) == IKE_OK) {
            e->core.count.cookies_sent++;
            reply(e, m, path, IKE_N_COOKIE, ike_bytes_of(cookie, sizeof cookie));
        }
        return false;
    }
    /* Silently: this source has its share of half-open SAs, and whoever asks on its behalf need not be told. */
    return ike_guard_admits(&e->guard, &path->remote) && ike_make_room(e);
}

/* Order matters: a copy is recognised before the guard, or it would be asked for a cookie that the first was not asked for;
 * and nothing is allocated before the guard has let it pass. */
static int init_request(struct ike_engine *e, struct ike_message *m, const ike_path *path)
{
    struct ike_core *c = &e->core;
    /* A request with an SPI that we drew ourselves is our own, thrown back at us. */
    struct ike_sa *own = ike_sa_by_spi(&e->db, m->h.spi_i);
    if (m->h.spi_r || m->h.mid || !(m->h.flags & IKE_FLAG_INITIATOR) || m->sk_at || (own && own->initiator) || c->closing) {
        return ike_dropped(e, IKE_ERR_PROTO);
    }
    uint64_t key = ike_sa_init_key(&e->db, ike_bytes_of(m->data, m->len), path);
    struct ike_map_node *node = ike_map_find(&e->db.by_init, key);
    struct ike_sa *known = node ? IKE_OF(node, struct ike_sa, by_init) : NULL;
    if (known && known->peer_mid > 1) {
        return ike_dropped(e, IKE_ERR_STATE); /* a copy from before IKE_AUTH: its answer is not the last one any more */
    }
    if (known) {
        return ike_answer_again(e, known, path, known->answer);
    }
    if (!past_the_guard(e, m, path)) {
        return ike_dropped(e, IKE_ERR_LIMIT);
    }
    struct ike_sa *sa = ike_sa_new(&e->db, false, path);
    if (!sa) {
        c->blamed = false; /* a stranger's datagram is no attempt of ours */
        return ike_dropped(e, IKE_ERR_LIMIT);
    }
    /* Under load a half-open SA has a third of the time. */
    uint64_t life = c->set.half_open_life_ms;
    sa->spi_i = m->h.spi_i;
    sa->expires_at =
        c->now + (e->db.n_half_open >= c->set.cookie_threshold && c->set.cookie_threshold ? life / 3 : life) * IKE_MS;
    sa->expires_at = IKE_SABOTAGED(HALF_OPEN) ? IKE_NEVER : sa->expires_at;
    sa->setup = ike_setup_new(e);
    ike_sa_half_open(&e->db, sa, true);
    ike_guard_opened(&e->guard, &path->remote);
    struct ike_exchange *x = sa->setup ? ike_exchange_new(e, sa, &ike_v2_sa_init, IKE_RESPONDER, sa->setup) : NULL;
    if (!x || ike_sa_draw_spi(&e->db, sa) != IKE_OK) {
        if (x) {
            ike_exchange_abort(x, IKE_X_DROP);
        }
        ike_sa_down(e, sa, IKE_BY_FAILURE);
        return ike_dropped(e, IKE_ERR_NOMEM);
    }
    ike_sa_index_init(&e->db, sa, key);
    x->path = *path;
    sa->answering = x;
    ike_log_message(c, sa->id, false, &m->h, path, m->len, m->h.next, m->data + IKE_HEADER_LEN, m->len - IKE_HEADER_LEN);
    ike_sa_schedule(e, sa);
    ike_exchange_deliver(x, m, NULL, 0);
    return IKE_OK;
}

/* By our SPI alone, as the peer's is not known yet. An exchange that waits for the host is past that point: what comes now is
 * a second answer. */
static int init_response(struct ike_engine *e, struct ike_message *m, const ike_path *path)
{
    struct ike_sa *sa = ike_sa_by_spi(&e->db, m->h.spi_i);
    struct ike_exchange *x =
        sa && !ike_list_empty(&sa->outstanding) ? IKE_OF(sa->outstanding.next, struct ike_exchange, link) : NULL;
    if (!x || !sa->initiator || x->script != &ike_v2_sa_init || x->question || (m->h.flags & IKE_FLAG_INITIATOR) || m->h.mid ||
        m->sk_at) {
        return ike_dropped(e, IKE_ERR_NOT_FOUND);
    }
    x->path = *path;
    ike_log_message(&e->core, sa->id, false, &m->h, path, m->len, m->h.next, m->data + IKE_HEADER_LEN, m->len - IKE_HEADER_LEN);
    ike_exchange_deliver(x, m, NULL, 0);
    return IKE_OK;
}

/* ---- Protected messages -------------------------------------------------------------------------------------------------- */

/* The costly part of a responder's key exchange waits for a message that needs the keys: a flood of IKE_SA_INIT alone makes no
 * more than key pairs. `answer` is there when the exchange has run to its end. */
static int keys_ready(struct ike_engine *e, struct ike_sa *sa)
{
    if (sa->keys) {
        return IKE_OK;
    }
    if (!sa->setup || sa->initiator || !sa->answer) {
        return IKE_ERR_STATE;
    }
    int r = ike_compute_shared(&e->core, sa->setup);
    return r == IKE_OK ? ike_derive_sa_keys(&e->core, sa, sa->setup, NULL) : r;
}

/* On any return but IKE_ERR_CRYPTO the message is authentic, whatever is wrong inside. Wrong ICVs are counted while the peer is
 * unknown, but never end an SA. */
static int unseal(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, size_t *n)
{
    struct ike_core *c = &e->core;
    struct ike_seal k = {sa->encr, sa->integ, ike_key_e(&sa->layout, sa->keys, !sa->initiator),
                         ike_key_a(&sa->layout, sa->keys, !sa->initiator)};
    int r = ike_open(&k, m, c->ctx, c->plain, c->set.max_message, n);
    if (r == IKE_ERR_CRYPTO) {
        c->count.bad_icv++;
        return r;
    }
    return r == IKE_OK ? ike_message_parse_inner(m, c->plain, *n) : r;
}

/* core->out is free, nothing is being built while a message is read. */
static void tap(struct ike_engine *e, const struct ike_message *m, const ike_path *path, size_t n)
{
    struct ike_header h = m->h;
    h.next = m->sk_at ? m->sk_next : h.next;
    ike_tap(&e->core, path, false, h, m->sk_at ? e->core.plain : m->data + IKE_HEADER_LEN, n);
}

/* The request that is waiting for just this: same message id and exchange type, sent, and not yet being answered. A second
 * answer finds none. */
static struct ike_exchange *outstanding(const struct ike_sa *sa, const struct ike_header *h)
{
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        if (x->mid == h->mid && x->script->exchange_type == h->exchange && x->step == 1 && !x->msg) {
            return x;
        }
    }
    return NULL;
}

/* An unprotected message about an SA of ours is a hint at most: it may make us ask (RFC 7296 section 2.4). Not when the peer
 * was heard in the last ten seconds, or a forger could have us ask all the time. */
static int hint(struct ike_engine *e, struct ike_sa *sa, const struct ike_message *m)
{
    struct ike_notify n;
    bool lost = ike_message_notify(m, IKE_N_INVALID_IKE_SPI, &n);
    if (lost && (m->h.flags & IKE_FLAG_RESPONSE) && sa->established && e->core.now - sa->last_in > 10 * IKE_SEC &&
        ike_list_empty(&sa->outstanding)) {
        struct ike_task t = {.purpose = IKE_DO_LIVENESS};
        (void)ike_queue(e, sa, &t);
        ike_kick(e, sa);
    }
    return ike_dropped(e, IKE_ERR_PROTO);
}

/* Before the peer has proved who it is only IKE_AUTH is legal; after that, never again: authentication is not done twice on
 * one SA. */
static const struct ike_script *script_of(const struct ike_sa *sa, const struct ike_message *m)
{
    const struct ike_payload *p;
    if (!sa->peer || !sa->established) {
        /* Never on an SA that we initiated: there a peer could hand our own AUTH back to us as its own. */
        return m->h.exchange == IKE_X_AUTH && sa->setup && !sa->initiator ? &ike_v2_auth : NULL;
    }
    switch (m->h.exchange) {
    case IKE_X_CREATE_CHILD_SA:
        /* The protocol of the first proposal, behind its four-octet header and number: IKE means that the IKE SA is to be
         * rekeyed. What is wrong with the payload the script finds out. */
        p = ike_message_find(m, IKE_P_SA, 0);
        return p && p->len > 5 && p->body[5] == IKE_PROTO_IKE ? &ike_v2_rekey_ike : &ike_v2_create_child;
    case IKE_X_INFORMATIONAL:
        return &ike_v2_informational;
    default:
        return NULL;
    }
}

/* Authenticated, but not a request that can be handled: it is answered all the same, or the window would be stuck (RFC 7296
 * section 2.21.3). Enters the machine at the response, already refused. */
static void answer_fault(struct ike_engine *e, struct ike_sa *sa, const struct ike_message *m, const ike_path *path)
{
    static const struct ike_step refuse_steps[] = {{"request", IKE_INITIATOR, NULL, NULL, NULL, NULL, NULL, NULL},
                                                   {"error response", IKE_RESPONDER, NULL, NULL, NULL, NULL, NULL, NULL}};
    static const struct ike_script script = {"refused request", 2, 0, &ike_v2_delivery, refuse_steps, 2, 0, NULL, NULL, NULL};
    struct ike_exchange *x = ike_exchange_new(e, sa, &script, IKE_RESPONDER, NULL);
    e->core.count.bad_syntax++;
    /* Not even that can be said: INVALID_SYNTAX ends the SA on both sides, here without words. */
    if (!x) {
        ike_sa_down(e, sa, IKE_BY_FAILURE);
        return;
    }
    sa->answering = x;
    x->odd_type = m->h.exchange;
    x->mid = m->h.mid;
    x->path = *path;
    x->step = 1;
    x->refused = x->fatal = true;
    (void)ike_fatal(x, IKE_N_INVALID_SYNTAX, IKE_FAIL_SYNTAX);
    ike_exchange_blame(x);
    ike_exchange_run(x);
}

/* The setup of IKE_AUTH is that of IKE_SA_INIT and outlives a request that was dropped; a CREATE_CHILD_SA has one of its own. */
static void request(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path, size_t n)
{
    const struct ike_script *script = script_of(sa, m);
    bool auth = script == &ike_v2_auth, with_setup = script == &ike_v2_create_child || script == &ike_v2_rekey_ike;
    struct ike_setup *s = auth ? sa->setup : with_setup ? ike_setup_new(e) : NULL;
    if (!script) {
        answer_fault(e, sa, m, path);
        return;
    }
    struct ike_exchange *x = with_setup && !s ? NULL : ike_exchange_new(e, sa, script, IKE_RESPONDER, s);
    if (!x) {
        if (!auth) {
            ike_setup_free(e, s);
        }
        return; /* it comes again */
    }
    x->owns_setup = !auth;
    x->mid = m->h.mid;
    x->path = *path;
    sa->answering = x;
    ike_exchange_deliver(x, m, e->core.plain, n);
}

/* Order matters. What is cheap to see comes before the ICV; what changes anything after it: an id alone proves nothing, and a
 * copy counts as one only when it is authentic. */
static int protected_request(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path)
{
    size_t n = 0;
    if (sa->initiator && !sa->established) {
        return ike_dropped(e, IKE_ERR_STATE); /* it has yet to prove who it is; a request that was only early comes again */
    }
    /* With a window of one only two ids are of interest: the next request, and the last, whose answer we keep. */
    if (m->h.mid != sa->peer_mid && m->h.mid + 1 != sa->peer_mid) {
        return ike_dropped(e, IKE_ERR_PROTO);
    }
    if (sa->state == IKE_SA_DELETING && !sa->peer && m->h.mid == sa->peer_mid) {
        return ike_dropped(e, IKE_ERR_STATE); /* refused or deleted: only the answer is still there */
    }
    int r = unseal(e, sa, m, &n);
    if (r == IKE_ERR_CRYPTO) {
        return ike_dropped(e, r);
    }
    /* The last request again, or something new for an SA that only answers what it answered before. */
    if (m->h.mid != sa->peer_mid || sa->faded) {
        return ike_answer_again(e, sa, path, sa->answer);
    }
    if (sa->answering) {
        e->core.count.retransmit_seen++; /* still waiting for a question: the answer will serve this copy as well */
        return IKE_OK;
    }
    ike_sa_heard(&e->db, sa);
    sa->last_in = e->core.now; /* only what is fresh proves life (RFC 7296 section 2.4) */
    ike_path_seen(e, sa, path, true);
    ike_log_message(&e->core, sa->id, false, &m->h, path, m->len, m->sk_next, e->core.plain, n);
    tap(e, m, path, n);
    if (r != IKE_OK) {
        answer_fault(e, sa, m, path);
        return r;
    }
    request(e, sa, m, path, n);
    return IKE_OK;
}

/* The window is one, so a response that matches no open request has been taken already or is forged. */
static int protected_response(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path)
{
    size_t n = 0;
    struct ike_exchange *x = outstanding(sa, &m->h);
    if (!x) {
        return ike_dropped(e, IKE_ERR_NOT_FOUND);
    }
    int r = unseal(e, sa, m, &n);
    if (r == IKE_ERR_CRYPTO) {
        return ike_dropped(e, r);
    }
    sa->last_in = e->core.now;
    ike_log_message(&e->core, sa->id, false, &m->h, path, m->len, m->sk_next, e->core.plain, n);
    tap(e, m, path, n);
    if (r != IKE_OK) {
        ike_blame(&e->core, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
        ike_exchange_blame(x);
        ike_exchange_abort(x, IKE_X_FATAL); /* authenticated nonsense: this peer is of no use */
        return r;
    }
    /* Answered: no repetition from here on. Should the actions drop it, await() begins them anew. */
    ike_timer_set(&e->core.wheel, &x->timer, IKE_NEVER);
    x->path = *path;
    ike_exchange_deliver(x, m, e->core.plain, n);
    return IKE_OK;
}

/* IKE_SA_INIT first: it is the one exchange without both SPIs. Whatever remains belongs to an SA by our SPI. */
static int v2_input(struct ike_engine *e, struct ike_message *m, const ike_path *path)
{
    const struct ike_header *h = &m->h;
    bool response = h->flags & IKE_FLAG_RESPONSE, by_initiator = h->flags & IKE_FLAG_INITIATOR;
    if (h->exchange == IKE_X_SA_INIT) {
        if (m->n > 0) {
            tap(e, m, path, m->len - IKE_HEADER_LEN);
        }
        return response ? init_response(e, m, path) : init_request(e, m, path);
    }
    /* Our half of the pair is the responder's when the SA's initiator sent it. The other half and the I flag must fit as well,
     * or a peer could speak for an SA in the opposite role. */
    struct ike_sa *sa = h->spi_r ? ike_sa_by_spi(&e->db, by_initiator ? h->spi_r : h->spi_i) : NULL;
    if (!sa || sa->version != 2 || sa->initiator == by_initiator || h->spi_i != sa->spi_i || h->spi_r != sa->spi_r) {
        e->core.count.unknown_spi++;
        /* Only for what looks like a protected request to an SA that we lost, perhaps by a restart (RFC 7296 section 2.21.4):
         * the peer learns that it may ask. */
        if (!sa && h->spi_r && m->sk_at) {
            reply_error(e, m, path, IKE_N_INVALID_IKE_SPI);
        }
        return ike_dropped(e, IKE_ERR_NOT_FOUND);
    }
    if (!m->sk_at) {
        return hint(e, sa, m);
    }
    int r = sa->no_secret ? IKE_ERR_LIMIT : keys_ready(e, sa);
    if (r != IKE_OK) {
        sa->no_secret |= r == IKE_ERR_CRYPTO; /* nor next time: what it costs, it costs once */
        e->core.blamed = false;
        return ike_dropped(e, r);
    }
    return response ? protected_response(e, sa, m, path) : protected_request(e, sa, m, path);
}

/* The parsed message lives in the engine and views the caller's octets: what has to outlive this call is copied by the
 * exchange that waits (keep_message). */
int ike_input_message(struct ike_engine *e, const ike_path *path, const uint8_t *data, size_t n)
{
    struct ike_message *m = &e->message;
    e->core.count.in++;
    if (n > e->core.set.max_message || ike_message_parse(m, data, n) != IKE_OK) {
        e->core.count.bad_syntax++;
        return ike_dropped(e, IKE_ERR_PROTO);
    }
    /* A higher major version is told which one we speak (RFC 7296 section 2.5); a lower one is another protocol's and gets
     * nothing. */
    if (m->h.version >> 4 > 2) {
        reply_error(e, m, path, IKE_N_INVALID_MAJOR_VERSION);
        return ike_dropped(e, IKE_ERR_UNSUPPORTED);
    }
#if IKE_WITH_V1
    if (m->h.version >> 4 == 1) {
        return ike_v1_input(e, m, path);
    }
#endif
    return m->h.version >> 4 == 2 ? v2_input(e, m, path) : ike_dropped(e, IKE_ERR_UNSUPPORTED);
}
