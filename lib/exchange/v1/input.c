/* SPDX-License-Identifier: ISC
 *
 * Whose a datagram of IKEv1 is. Until a hash has been checked everything may be forged: it costs a look-up and a decryption, and
 * changes nothing.
 */
#include "base/sabotage.h"
#include "exchange/v1/v1.h"

#define OPEN_MAX 64 /* exchanges at a time on one SA, of both sides */

static int resend(struct ike_engine *e, struct ike_sa *sa, const ike_path *path, const struct ike_sent *s)
{
    IKE_WITNESS(ike_witness_met(IKE_MET_AGAIN));
    return ike_answer_again(e, sa, path, s);
}

/* By our cookie; the peer's must fit too, but for the first answer, which brings it. */
static struct ike_sa *find(struct ike_engine *e, const struct ike_header *h)
{
    struct ike_sa *sa = ike_sa_by_spi(&e->db, h->spi_r);
    if (!sa || sa->initiator) {
        sa = ike_sa_by_spi(&e->db, h->spi_i);
        sa = sa && sa->initiator ? sa : NULL;
    }
    if (!sa || sa->version != 1 || sa->faded || sa->spi_i != h->spi_i || (sa->spi_r && sa->spi_r != h->spi_r)) {
        return NULL;
    }
    return sa;
}

static struct ike_exchange *exchange_of(const struct ike_sa *sa, uint32_t mid)
{
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        if (x->mid == mid && x->script != &ike_v1_dpd) {
            return x;
        }
    }
    return NULL;
}

/* Decrypts what is encrypted, by the exchange's own chain of IVs. */
static int open(struct ike_exchange *x, struct ike_message *m, size_t *end)
{
    struct ike_core *c = &x->e->core;
    *end = m->len - IKE_HEADER_LEN;
    x->chained = false;
    if (!(m->h.flags & IKE_FLAG1_ENCRYPTED)) {
        return IKE_OK;
    }
    struct ike_v1_seal k = ike_v1_key(x->sa);
    int r = ike_v1_open(&k, m, x->iv, c->ctx, c->plain, c->set.max_message, x->iv_heard, end);
    x->chained = r == IKE_OK;
    if (x->chained && x->mid && IKE_SABOTAGED(V1_IV)) {
        memcpy(x->iv, x->iv_heard, sizeof x->iv);
    }
    return r;
}

static void deliver(struct ike_exchange *x, struct ike_message *m, const ike_path *path, size_t end)
{
    struct ike_engine *e = x->e;
    const size_t len = m->len;
    bool sealed = m->h.flags & IKE_FLAG1_ENCRYPTED;
    const uint8_t *payloads = sealed ? e->core.plain : m->data + IKE_HEADER_LEN;
    x->path = *path;
    x->authentic = false;
    x->hearing = ike_v1_digest(e, m);
    ike_log_message(&e->core, x->sa->id, false, &m->h, path, m->len, m->h.next, payloads, end);
    struct ike_header h = m->h;
    h.flags &= (uint8_t)~IKE_FLAG1_ENCRYPTED;
    ike_tap(&e->core, path, false, h, payloads, end);
    ike_exchange_deliver(x, m, sealed ? e->core.plain : NULL, sealed ? end : 0);
    if (sealed) {
        ike_wipe(e->core.plain, len - IKE_HEADER_LEN); /* a user's password may be there */
    }
}

/* ---- Phase 1 ----------------------------------------------------------------------------------------------------------------
 */

/* As with IKE_SA_INIT: a copy is known before the guard is asked, and nothing is allocated before it has let it pass. There is
 * no cookie to ask for, so that a source has its share of half-open SAs, and luck decides when there are too many. */
static int first_message(struct ike_engine *e, struct ike_message *m, const ike_path *path)
{
    struct ike_core *c = &e->core;
    const struct ike_script *script = m->h.exchange == IKE_X1_MAIN         ? &ike_v1_main
                                      : m->h.exchange == IKE_X1_AGGRESSIVE ? &ike_v1_aggressive
                                                                           : NULL;
    struct ike_sa *own = ike_sa_by_spi(&e->db, m->h.spi_i);
    if (m->h.mid || (m->h.flags & IKE_FLAG1_ENCRYPTED) || (own && own->initiator) || c->closing || !script) {
        return ike_dropped(e, IKE_ERR_PROTO);
    }
    uint64_t key = ike_sa_init_key(&e->db, ike_bytes_of(m->data, m->len), path);
    struct ike_map_node *known = ike_map_find(&e->db.by_init, key);
    if (known && !IKE_SABOTAGED(V1_COPY)) {
        struct ike_sa *sa = IKE_OF(known, struct ike_sa, by_init);
        struct ike_exchange *x = exchange_of(sa, 0);
        return resend(e, sa, path, x && x->heard == ike_v1_digest(e, m) ? x->sent : NULL);
    }
    /* The answer of Aggressive Mode costs a key exchange at once: strangers get no more of them than of other replies. */
    if (!ike_guard_admits(&e->guard, &path->remote) ||
        (script == &ike_v1_aggressive && !ike_guard_reply(&e->guard, &path->remote)) || !ike_make_room(e)) {
        return ike_dropped(e, IKE_ERR_LIMIT);
    }
    struct ike_sa *sa = ike_sa_new(&e->db, false, path);
    if (!sa) {
        c->blamed = false;
        return ike_dropped(e, IKE_ERR_LIMIT);
    }
    sa->spi_i = m->h.spi_i;
    sa->expires_at = c->now + c->set.half_open_life_ms * IKE_MS;
    sa->setup = ike_setup_new(e);
    bool whole = ike_v1_sa_init(c, sa) && sa->setup;
    ike_sa_half_open(&e->db, sa, true);
    ike_guard_opened(&e->guard, &path->remote);
    struct ike_exchange *x = whole ? ike_exchange_new(e, sa, script, IKE_RESPONDER, sa->setup) : NULL;
    if (!x || ike_sa_draw_spi(&e->db, sa) != IKE_OK) {
        if (x) {
            ike_exchange_abort(x, IKE_X_DROP);
        }
        ike_sa_down(e, sa, IKE_BY_FAILURE);
        return ike_dropped(e, IKE_ERR_NOMEM);
    }
    ike_sa_index_init(&e->db, sa, key);
    ike_list_add(&sa->outstanding, &x->link);
    ike_sa_schedule(e, sa);
    deliver(x, m, path, m->len - IKE_HEADER_LEN);
    return IKE_OK;
}

/* The last message of Aggressive Mode: RFC 2409 has it in clear, most peers encrypt it. */
static bool may_be_clear(const struct ike_exchange *x) { return x->script == &ike_v1_aggressive && x->step == 2; }

/* A responder computes the keys only now that a message came which needs them. Messages that make no sense are most likely of
 * another secret: it is part of the keys. */
static int phase1(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path)
{
    uint64_t digest = ike_v1_digest(e, m);
    const struct ike_sent *done = ike_v1_done_find(sa->v1, 0, digest, e->core.now);
    struct ike_exchange *x = exchange_of(sa, 0);
    size_t end;
    if (done || (x && x->heard == digest)) {
        /* An initiator may have moved to port 4500 with it, which a copy of what it answers does not change. */
        return resend(e, sa, sa->initiator ? &sa->path : path, done ? done : x->sent);
    }
    const struct ike_step *step = x && ike_v1_phase1(x) ? ike_exchange_step(x) : NULL;
    bool sealed = m->h.flags & IKE_FLAG1_ENCRYPTED;
    if (!sealed && step && x->role == IKE_INITIATOR && x->step == 5) {
        sa->v1->doubted = true; /* the fourth message has come twice, and not the same: one is a forger's */
    }
    if (!step || m->h.mid || x->msg || step->from == x->role || (sealed != ike_v1_sealed(x, x->step) && !may_be_clear(x)) ||
        m->h.exchange != x->script->exchange_type) {
        return ike_dropped(e, IKE_ERR_STATE);
    }
    int r = sealed ? sa->no_secret ? IKE_ERR_LIMIT : ike_v1_derive(x) : IKE_OK;
    if (r != IKE_OK) {
        sa->no_secret |= r == IKE_ERR_CRYPTO;
        e->core.blamed = false;
        return ike_dropped(e, r);
    }
    r = open(x, m, &end);
    if (r != IKE_OK) {
        e->core.count.bad_icv++;
        sa->garbled = true;
        return ike_dropped(e, r);
    }
    deliver(x, m, path, end);
    return IKE_OK;
}

/* ---- Phase 2 ----------------------------------------------------------------------------------------------------------------
 */

bool ike_v1_crowded(const struct ike_sa *sa)
{
    unsigned n = 0;
    IKE_LIST_EACH (it, tmp, &sa->outstanding) {
        n++;
    }
    return n >= OPEN_MAX;
}

static void last_block(const struct ike_sent *s, uint8_t *iv, size_t n)
{
    while (s->next) {
        s = s->next;
    }
    memcpy(iv, s->data + s->len - n, n);
}

static bool needs_setup(const struct ike_script *s)
{
    return s && s->delivery && s != &ike_v1_informational && s != &ike_v1_connected && s != &ike_v1_new_group;
}

/* Which exchange begins with a message that is decrypted already; NULL: none that may begin now. */
static const struct ike_script *script_of(const struct ike_engine *e, const struct ike_sa *sa, const struct ike_message *m)
{
    switch (m->h.exchange) {
    case IKE_X1_INFORMATIONAL:
        return &ike_v1_informational;
    case IKE_X1_QUICK:
        return sa->established && sa->state != IKE_SA_DELETING && !e->core.closing ? &ike_v1_quick : NULL;
    case IKE_X1_TRANSACTION:
        return ike_v1_transaction(sa, m);
    case IKE_X1_NEW_GROUP:
        return sa->established ? &ike_v1_new_group : NULL;
    default:
        break;
    }
    const struct ike_script *const *s = sa->established ? e->core.set.scripts : NULL;
    while (s && *s && (*s)->exchange_type != m->h.exchange) {
        s++;
    }
    return s ? *s : NULL;
}

/* The exchange is made when the message decrypts to payloads; whether it is the peer's its first action finds out. */
static int begin(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path)
{
    struct ike_core *c = &e->core;
    const ike_hash *hash = ike_v1_hash_of(c->crypto, sa->prf);
    struct ike_exchange probe = {.e = e, .sa = sa};
    size_t end;
    /* Behind the last message of a Quick Mode may come CONNECTED. */
    const struct ike_v1_done *done = m->h.exchange == IKE_X1_QUICK ? ike_v1_done_of(sa->v1, m->h.mid, c->now) : NULL;
    if ((!done && ike_v1_mid_used(sa->v1, m->h.mid) && !IKE_SABOTAGED(V1_MID)) || !hash || ike_v1_crowded(sa)) {
        return ike_dropped(e, IKE_ERR_STATE);
    }
    if (done) {
        last_block(done->sent, probe.iv, sa->encr->block);
    } else {
        ike_v1_iv_next(hash, c->ctx, ike_bytes_of(sa->v1->last_block, sa->encr->block), m->h.mid, probe.iv, sa->encr->block);
    }
    if (open(&probe, m, &end) != IKE_OK) {
        c->count.bad_icv++;
        return ike_dropped(e, IKE_ERR_CRYPTO);
    }
    const struct ike_script *script = done ? &ike_v1_connected : script_of(e, sa, m);
    bool with_setup = needs_setup(script);
    if (!script) {
        ike_wipe(c->plain, m->len - IKE_HEADER_LEN);
        return ike_dropped(e, IKE_ERR_STATE);
    }
    struct ike_setup *s = with_setup ? ike_setup_new(e) : NULL;
    struct ike_exchange *x = with_setup && !s ? NULL : ike_exchange_new(e, sa, script, IKE_RESPONDER, s);
    if (!x) {
        ike_setup_free(e, s);
        c->blamed = false;
        return ike_dropped(e, IKE_ERR_NOMEM);
    }
    x->owns_setup = true;
    x->delivery = &ike_v1_delivery; /* also where the script is the host's */
    x->mid = m->h.mid;
    memcpy(x->iv, probe.iv, sizeof x->iv);
    memcpy(x->iv_heard, probe.iv_heard, sizeof x->iv_heard);
    x->chained = true;
    ike_list_add(&sa->outstanding, &x->link);
    deliver(x, m, path, end);
    return IKE_OK;
}

static int phase2(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path)
{
    uint64_t digest = ike_v1_digest(e, m);
    const struct ike_sent *done = ike_v1_done_find(sa->v1, m->h.mid, digest, e->core.now);
    struct ike_exchange *x = exchange_of(sa, m->h.mid);
    size_t end;
    if (done || (x && x->heard == digest)) {
        return resend(e, sa, path, done ? done : x->sent);
    }
    if (!x) {
        return begin(e, sa, m, path);
    }
    const struct ike_step *step = ike_exchange_step(x);
    if (!step || x->msg || step->from == x->role || m->h.exchange != x->script->exchange_type) {
        return ike_dropped(e, IKE_ERR_STATE);
    }
    int r = open(x, m, &end);
    if (r != IKE_OK) {
        e->core.count.bad_icv++;
        return ike_dropped(e, r);
    }
    deliver(x, m, path, end);
    return IKE_OK;
}

/* In clear while we connect: a reason, should nothing better come. */
static int hint(struct ike_engine *e, struct ike_sa *sa, const struct ike_message *m)
{
    struct ike_exchange *x = exchange_of(sa, 0);
    const struct ike_payload *p = ike_message_find(m, IKE_P1_NOTIFY, 0);
    struct ike_v1_notify n;
    if (x && x->role == IKE_INITIATOR && !x->noted && !x->question && p && ike_v1_notify_parse(&n, p) == IKE_OK &&
        n.type < IKE_N1_FIRST_STATUS) {
        ike_v1_note(x, n.type);
    }
    return ike_dropped(e, IKE_ERR_PROTO);
}

int ike_v1_input(struct ike_engine *e, struct ike_message *m, const ike_path *path)
{
    const struct ike_header *h = &m->h;
    if (!h->spi_r && h->exchange != IKE_X1_INFORMATIONAL) {
        return first_message(e, m, path);
    }
    struct ike_sa *sa = find(e, h);
    if (!sa) {
        e->core.count.unknown_spi++;
        return ike_dropped(e, IKE_ERR_NOT_FOUND);
    }
    if (h->next == IKE_P1_FRAG && !(h->flags & IKE_FLAG1_ENCRYPTED)) {
        return ike_v1_take_part(e, sa, m, path, ike_v1_input);
    }
    if (h->exchange == IKE_X1_MAIN || h->exchange == IKE_X1_AGGRESSIVE) {
        return phase1(e, sa, m, path);
    }
    if (!(h->flags & IKE_FLAG1_ENCRYPTED)) {
        return h->exchange == IKE_X1_INFORMATIONAL && !sa->v1->keyed ? hint(e, sa, m) : ike_dropped(e, IKE_ERR_PROTO);
    }
    return sa->v1->keyed && h->mid ? phase2(e, sa, m, path) : ike_dropped(e, IKE_ERR_STATE);
}
