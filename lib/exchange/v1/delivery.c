/* SPDX-License-Identifier: ISC
 *
 * Delivery of IKEv1 messages: either side repeats its last one until the next of the other's comes, and answers the repetition
 * of what it has seen with the same octets. The IV of a message is the last ciphertext block of the one before it in its
 * exchange (RFC 2409 appendix B); one that was heard counts only when it has proved good.
 */
#include "base/sabotage.h"
#include "base/siphash.h"
#include "exchange/v1/v1.h"

/* How long a peer may repeat what our last message answered. */
#define DONE_LIFE (60 * IKE_SEC)

/* Of the ciphertext: a repetition is known before anything is decrypted. */
uint64_t ike_v1_digest(const struct ike_engine *e, const struct ike_message *m)
{
    return ike_siphash(e->core.hash_key, m->data, m->len);
}

struct ike_v1_seal ike_v1_key(const struct ike_sa *sa)
{
    size_t n = 2u * sa->prf->mac->len;
    return (struct ike_v1_seal){sa->encr, ike_bytes_of(sa->keys + n, ike_key_kept(&sa->layout) - n)};
}

/* In Main Mode from the fifth message on, the last of Aggressive Mode, all of phase 2. */
bool ike_v1_sealed(const struct ike_exchange *x, unsigned step)
{
    return !ike_v1_phase1(x) || step >= (x->script == &ike_v1_main ? 4 : 2);
}

/* Message ids are drawn, and never used twice: with the IV that follows from it a second exchange would begin like the first. */
int ike_v1_begin(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    const ike_hash *hash = ike_v1_hash_of(c->crypto, sa->prf);
    if (x->mid) {
        return IKE_X_OK;
    }
    for (int tries = 0; tries < 16 && !x->mid; tries++) {
        uint8_t raw[4];
        int r = ike_draw(c, raw, sizeof raw);
        r = r == IKE_OK ? ike_v1_mid_use(c, sa->v1, ike_load32(raw)) : r;
        if (r == IKE_OK) {
            x->mid = ike_load32(raw);
        } else if (r != IKE_ERR_EXISTS) {
            return ike_trouble(x, r);
        }
    }
    if (!x->mid || !hash) {
        return ike_trouble(x, IKE_ERR_HOST);
    }
    ike_v1_iv_next(hash, c->ctx, ike_bytes_of(sa->v1->last_block, sa->encr->block), x->mid, x->iv, sa->encr->block);
    return IKE_X_OK;
}

/* Whether we repeat by ourselves what was sent in this step. The initiator does, and that makes the responder say its part
 * again; only where the initiator has the last word it does not know that this is missed. So nobody who begins a Main Mode in
 * another's name can have us send more than he does, and an Aggressive Mode is worth one repetition. */
static bool repeats(const struct ike_exchange *x, unsigned step)
{
    unsigned last = x->script->n_steps - 1u;
    if (x->role == IKE_RESPONDER && (x->script->steps[last].from == IKE_RESPONDER || (ike_v1_phase1(x) && x->tries))) {
        return false;
    }
    return step < last;
}

static struct ike_header header_of(const struct ike_exchange *x)
{
    return (struct ike_header){.spi_i = x->sa->spi_i,
                               .spi_r = ike_v1_phase1(x) && x->step == 0 ? 0 : x->sa->spi_r,
                               .version = IKE_V1_VERSION,
                               .exchange = x->script->exchange_type,
                               .mid = x->mid};
}

/* Nothing has changed when it fails: the IV moves on only with a message that is kept. */
static int v1_send(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    struct ike_sa *sa = x->sa;
    const ike_path *path = ike_exchange_path(x);
    struct ike_header h = header_of(x);
    uint8_t iv[IKE_IV_MAX];
    size_t len = 0;
    bool sealed = ike_v1_sealed(x, x->step);
    memcpy(iv, x->chained ? x->iv_heard : x->iv, sizeof iv);
    if (ike_v1_phase1(x) || x->step == 2) { /* the hash of the others covers what follows, and came before */
        IKE_WITNESS(ike_witness_chain(c->set.host.user, &x->chain, 0));
    }
    h.next = x->chain.first;
    ike_tap(c, path, true, h, x->chain.w.p, x->chain.w.len);
    struct ike_v1_seal k = sealed ? ike_v1_key(sa) : (struct ike_v1_seal){0};
    int r = sealed ? ike_v1_seal(&k, &h, &x->chain, iv, c->ctx, c->out, c->set.max_message, &len)
                   : ike_frame_clear(c, &h, &x->chain, &len);
    struct ike_sent *s = r == IKE_OK ? ike_v1_keep(x, &h, ike_bytes_of(c->out, len)) : NULL;
    if (!s) {
        return r == IKE_OK ? IKE_ERR_NOMEM : r;
    }
    memcpy(x->iv, iv, sizeof iv);
    x->chained = false;
    x->heard = x->hearing;
    x->noted = false; /* an answer came after all */
    ike_free(c, x->note, x->note ? sizeof *x->note : 0);
    x->note = NULL;
    ike_sent_free(c, x->sent);
    x->sent = s;
    x->tries = 0;
    x->first_sent = c->now;
    x->give_up = IKE_NEVER;
    if (x->script == &ike_v1_dpd && sa->conf->s.dpd_timeout_s) {
        x->give_up = c->now + sa->conf->s.dpd_timeout_s * IKE_SEC;
    }
    sa->last_out = c->now;
    if (x->step > 1) { /* to what answers our first message */
        ike_sa_heard(&x->e->db, sa);
    }
    if (repeats(x, x->step)) {
        ike_exchange_arm(x);
    }
    ike_log_message(c, sa->id, true, &h, path, len, x->chain.first, x->chain.w.p, x->chain.w.len);
    ike_transmit(c, path, s);
    return IKE_OK;
}

/* What was heard and dropped leaves no trace in the chain of IVs, does not end the repetitions, and a cookie in it is not the
 * peer's. */
static void v1_await(struct ike_exchange *x)
{
    if (ike_v1_phase1(x) && x->role == IKE_INITIATOR && x->step == 1) {
        x->sa->spi_r = 0;
    }
    x->chained = x->authentic = false;
    x->hearing = x->heard;
    if (x->sent && x->timer.at == IKE_NEVER && repeats(x, x->step - 1u)) {
        ike_exchange_arm(x);
    }
}

/* In clear or with a hash that has not been looked at it may be anybody's, or the wrong key's: dropped. */
static int v1_fault(struct ike_exchange *x, uint8_t payload, bool critical)
{
    struct ike_core *c = &x->e->core;
    (void)critical;
    c->count.bad_syntax++;
    if (!x->authentic) {
        return IKE_X_DROP;
    }
    ike_blame(c, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
    ike_blame_received(c, "%s with a payload %u that is malformed, missing or repeated", ike_exchange_step(x)->name,
                       (unsigned)payload);
    return ike_refuse(x, IKE_N1_PAYLOAD_MALFORMED, 0);
}

/* What the steps that both versions share refuse with, in the numbers of this one. */
static uint16_t as_v1(uint16_t notify)
{
    switch (notify) {
    case IKE_N_TS_UNACCEPTABLE:
        return IKE_N1_INVALID_ID_INFORMATION;
    case IKE_N_NO_ADDITIONAL_SAS:
        return IKE_N1_NO_PROPOSAL_CHOSEN;
    default:
        return notify;
    }
}

bool ike_v1_once_begin(struct ike_exchange *y, struct ike_engine *e, struct ike_sa *sa, const ike_path *path)
{
    *y = (struct ike_exchange){.e = e, .sa = sa, .script = &ike_v1_informational, .role = IKE_INITIATOR, .path = *path};
    y->chain = ike_chain(e->core.build, e->core.set.max_message);
    if (!sa->v1->keyed) {
        return ike_guard_reply(&e->guard, &path->remote); /* in clear only as often as the guard lets us answer strangers */
    }
    if (ike_v1_begin(y) != IKE_X_OK) {
        return false;
    }
    ike_v1_hash_begin(y);
    return true;
}

void ike_v1_once_send(struct ike_exchange *y)
{
    struct ike_core *c = &y->e->core;
    struct ike_header h = header_of(y);
    size_t len = 0;
    int r;
    if (y->sa->v1->keyed) {
        struct ike_v1_seal k = ike_v1_key(y->sa);
        r = ike_v1_hash_end(y, ike_bytes_of(NULL, 0)) == IKE_X_OK
                ? ike_v1_seal(&k, &h, &y->chain, y->iv, c->ctx, c->out, c->set.max_message, &len)
                : IKE_ERR_NOMEM;
    } else {
        r = ike_frame_clear(c, &h, &y->chain, &len);
    }
    if (r == IKE_OK) {
        ike_send(c, &y->path, IKE_SEND_MESSAGE, c->out, len);
    }
}

/* Whether it is the peer's last message of phase 1 that is refused: to the peer the IKE SA is up. */
static bool peer_is_done(const struct ike_exchange *x)
{
    return ike_v1_phase1(x) && x->sa->keys && x->step + 1u == x->script->n_steps && x->script->steps[x->step].from != x->role;
}

/* From now on messages of other exchanges may come and go. Their IVs begin with the last block on the wire, whoever sent it. */
static void phase1_keyed(struct ike_exchange *x)
{
    memcpy(x->sa->v1->last_block, x->chained ? x->iv_heard : x->iv, sizeof x->sa->v1->last_block);
    x->sa->v1->keyed = true;
    ike_sa_heard(&x->e->db, x->sa);
}

/* Where the peer holds the IKE SA for up it is said under the keys, since what is in clear would not count, and the IKE SA
 * deleted along with it. */
void ike_v1_tell(struct ike_exchange *x, uint16_t notify)
{
    struct ike_exchange y;
    bool done = peer_is_done(x);
    if (done) {
        phase1_keyed(x);
    }
    if (ike_v1_once_begin(&y, x->e, x->sa, &x->path)) {
        ike_v1_put_notify(&y.chain, x->script == &ike_v1_quick ? IKE_PROTO1_ESP : IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0),
                          as_v1(notify), ike_bytes_of(NULL, 0));
        if (done) {
            ike_v1_put_delete_isakmp(&y.chain, x->sa->spi_i, x->sa->spi_r);
        }
        ike_v1_once_send(&y);
    }
}

void ike_v1_abandon(struct ike_engine *e, struct ike_sa *sa, uint8_t cause)
{
    struct ike_exchange y;
    struct ike_conn *conn = sa->initiator ? sa->conn : NULL;
    if (ike_v1_once_begin(&y, e, sa, &sa->path)) {
        ike_v1_put_delete_isakmp(&y.chain, sa->spi_i, sa->spi_r);
        ike_v1_once_send(&y);
    }
    ike_sa_down(e, sa, cause);
    if (conn && cause != IKE_BY_LOCAL) {
        ike_attempt_failed(e, conn);
    }
}

/* ---- The end ------------------------------------------------------------------------------------------------------------- */

/* Ours was the last message: it is kept, should the peer repeat the one before it. */
static void keep_last(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    if (x->sent && x->heard && x->script->steps[x->script->n_steps - 1].from == x->role) {
        ike_v1_done(c, x->sa->v1, x->mid, x->heard, x->sent, c->now + DONE_LIFE);
        x->sent = NULL;
    }
}

/* What the peer held before it began is gone there; also children whose IKE SA is gone here. */
void ike_v1_forget_older(struct ike_engine *e, struct ike_sa *sa)
{
    IKE_LIST_EACH (it, tmp, &sa->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->sa != sa->id && k->established && k->established <= sa->created) {
            ike_child_down(e, k, IKE_BY_REPLACEMENT);
        }
    }
    IKE_LIST_EACH (it, tmp, &sa->peer->sas) {
        struct ike_sa *old = IKE_OF(it, struct ike_sa, peer_link);
        if (old != sa && old->established && old->established <= sa->created) {
            ike_sa_down(e, old, IKE_BY_REPLACEMENT);
        }
    }
}

/* When the one whose place another takes is deleted. Not at once: the other side has to see that the new one is up, and to
 * come to an end with what is open; after the longer time the side that need not do it does. */
#define OURS   (30 * IKE_SEC)
#define THEIRS (180 * IKE_SEC)

/* Both sides have begun at once: the one of the lower cookie goes, deleted by its initiator; until then both serve. The peer may
 * not see it so, when our first message was under way for long. */
static void settle_crossed(struct ike_engine *e, struct ike_sa *old, struct ike_sa *sa)
{
    struct ike_sa *goes = sa->spi_i < old->spi_i ? sa : old, *stays = goes == sa ? old : sa;
    IKE_WITNESS(ike_witness_met(IKE_MET_CROSSED));
    ike_move_children(e, goes, stays);
    IKE_LIST_EACH (it, tmp, &goes->tasks) {
        ike_list_del(it);
        ike_queue_owned(e, stays, IKE_OF(it, struct ike_task, link));
    }
    goes->v1->crossed = true;
    goes->rekey_at = IKE_NEVER;
    goes->expires_at = e->core.now + (goes->initiator ? OURS : THEIRS);
    ike_sa_schedule(e, goes);
    ike_kick(e, stays);
}

/* The initiator of the new one deletes the old, when the peer has had the time to see which children it is to keep, since there
 * are peers that delete them with the IKE SA they were made on; and to ask for the last message of a Quick Mode once more. */
static void take_over(struct ike_engine *e, struct ike_sa *old, struct ike_sa *sa)
{
    IKE_WITNESS(ike_witness_met(IKE_MET_TAKEN));
    ike_sa_replaced(e, old, sa);
    old->expires_at = e->core.now + (sa->initiator ? OURS : THEIRS);
    ike_sa_schedule(e, old);
}

static bool usable(const struct ike_sa *sa)
{
    return sa->version == 1 && sa->established && !sa->replaced_by && sa->state != IKE_SA_DELETING;
}

/* The newest that stands already, which the new one takes the place of. */
static struct ike_sa *other_of(const struct ike_sa *sa)
{
    struct ike_sa *newest = NULL;
    IKE_LIST_LOOK (struct ike_sa, old, peer_link, &sa->peer->sas) {
        if (old != sa && usable(old) && ike_sa_same_host(sa, &old->path) && (!newest || old->established > newest->established)) {
            newest = old;
        }
    }
    return newest;
}

/* A peer behind a NAT is where it began this from; what it had before was perhaps at a port that is no more. */
static void follow(struct ike_engine *e, struct ike_sa *sa, struct ike_sa *old)
{
    if (old) {
        ike_path_seen(e, old, &sa->path, true);
    }
    IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
        if (k->sa == sa->id && k->udp_encap && !ike_path_equal(&k->path, &sa->path)) {
            ike_child_move(&e->db, k, &sa->path);
        }
    }
}

/* Children whose IKE SA is gone, or replaced by one that is gone, belong to this one now. */
static void up(struct ike_engine *e, struct ike_sa *sa)
{
    struct ike_sa *old = other_of(sa);
    if (old) {
        sa->asked = old->asked; /* or a new IKE SA would be the way round the limit on requests */
    }
    if (old && !sa->initiator && !ike_guard_serves(&e->guard, sa)) {
        ike_v1_abandon(e, sa, IKE_BY_FAILURE);
        return;
    }
    if (sa->v1->initial_contact && sa->conf->s.unique) {
        ike_v1_forget_older(e, sa);
        old = other_of(sa);
    }
    bool crossed = old && ike_sa_crossed(old, sa);
    sa->replaces = old && !crossed ? old->id : 0;
    ike_sa_up(e, sa);
    IKE_LIST_LOOK (struct ike_child, k, link, &sa->peer->children) {
        const struct ike_sa *owner = ike_sa_by_id(e, k->sa);
        k->sa = (owner && !owner->replaced_by) || !ike_sa_same_host(sa, &k->path) ? k->sa : sa->id;
    }
    if (!sa->initiator && sa->nat_remote && !sa->nat_local) {
        follow(e, sa, old);
    }
    if (crossed) {
        settle_crossed(e, old, sa);
    } else if (old) {
        take_over(e, old, sa);
    }
    if (sa->close_when_up) {
        ike_close_sa(e, sa, sa->down_cause);
    } else {
        ike_abandon_attempt(e, sa);
    }
}

/* Begun, as when a peer asks for what it is about to be given. */
static bool is_open(const struct ike_sa *sa, const struct ike_script *script)
{
    IKE_LIST_LOOK (const struct ike_exchange, x, link, &sa->outstanding) {
        if (x->role == IKE_INITIATOR && x->script == script) {
            return true;
        }
    }
    return false;
}

/* What comes next begins here if it is ours to begin; else the peer does. */
static void go_on(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    const struct ike_script *next = x->script->next(x);
    if (!next) {
        if (ike_v1_complete(e, sa)) {
            up(e, sa);
        }
        return;
    }
    if (is_open(sa, next)) {
        return;
    }
    struct ike_setup *s = ike_setup_new(e);
    struct ike_exchange *y = s ? ike_exchange_new(e, sa, next, IKE_INITIATOR, s) : NULL;
    if (!y) {
        ike_setup_free(e, s);
        ike_exchange_blame(x);
        ike_v1_abandon(e, sa, IKE_BY_FAILURE);
        return;
    }
    y->owns_setup = true;
    ike_list_add(&sa->outstanding, &y->link);
    ike_exchange_run(y);
}

/* The key exchange's values are not needed any more. */
static void phase1_done(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    bool shorter = ike_v1_agree(x);
    phase1_keyed(x);
    keep_last(x);
    if (shorter && x->script == &ike_v1_aggressive) {
        ike_v1_tell_life(x); /* its own messages may not say so (RFC 2407 section 4.6.3.1) */
    }
    sa->v1->initial_contact = x->setup->initial_contact;
    ike_setup_free(x->e, sa->setup);
    sa->setup = x->setup = NULL;
    ike_v1_patience(x->e, sa);
    go_on(x);
}

static void phase1_over(struct ike_exchange *x, int result)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    struct ike_conn *conn = x->role == IKE_INITIATOR ? sa->conn : NULL;
    if (result == IKE_X_OK) {
        phase1_done(x);
        return;
    }
    if (result != IKE_X_DROP && x->notify) {
        ike_v1_tell(x, x->notify);
    }
    ike_sa_down(e, sa, IKE_BY_FAILURE);
    if (conn) {
        ike_attempt_failed(e, conn);
    }
}

/* Memory was short, it never happened: its repetition is heard again. */
static void forget(struct ike_exchange *x)
{
    if (x->role == IKE_RESPONDER && x->authentic && !x->sent) {
        ike_v1_mid_forget(x->sa->v1, x->mid);
    }
}

static void quick_over(struct ike_exchange *x, int result)
{
    struct ike_setup *s = x->setup;
    if (result == IKE_X_OK) {
        keep_last(x);
    } else if (result == IKE_X_DROP) {
        forget(x);
    } else {
        if (x->notify) {
            ike_v1_tell(x, x->notify);
        }
        if (x->role == IKE_INITIATOR && s->with_child) {
            ike_child_failed(x->e, x->sa->conn, s->conf->s.children[s->index].name);
        }
    }
    /* It may have been all there was of a child that is wanted: one that was to be closed as soon as it was up is gone by now. */
    ike_keep_up(x->e, x->sa->conn);
}

/* Before the SA is up it goes with what should have led there. */
static void transaction_over(struct ike_exchange *x, int result)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    bool denied = x->setup->talk.status && !x->setup->talk.granted;
    if (result == IKE_X_DROP) {
        forget(x);
        return;
    }
    if (result == IKE_X_OK) {
        keep_last(x);
    } else if (x->notify) {
        ike_v1_tell(x, x->notify);
    }
    if (!sa->established && (result != IKE_X_OK || denied)) {
        ike_v1_abandon(e, sa, IKE_BY_FAILURE);
    } else if (denied) {
        ike_close_sa(e, sa, IKE_BY_FAILURE);
    } else if (!sa->established) {
        go_on(x);
    }
}

/* Deletes are not answered: what they name is gone when they have left, or could not be told, or soon after that. */
static void informational_over(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_child *k = ike_child_by_id(e, x->child);
    if (x->role == IKE_INITIATOR && x->purpose == IKE_DO_DELETE_IKE) {
        ike_sa_down(e, x->sa, x->sa->down_cause);
    } else if (x->role == IKE_INITIATOR && x->purpose == IKE_DO_DELETE_CHILD && k) {
        IKE_SABOTAGED(V1_DEAF) ? ike_child_down(e, k, k->down_cause) : ike_child_told(e, k);
    }
}

/* It runs out of message ids, as with short checks of a dead peer over a long life. */
static void look_at_mids(struct ike_engine *e, struct ike_sa *sa)
{
    uint32_t n = sa->v1->n_mids;
    if (n >= IKE_V1_MIDS_MANY && sa->state == IKE_SA_ESTABLISHED) {
        sa->rekey_at = e->core.now;
        sa->expires_at = n >= IKE_V1_MIDS_LAST ? e->core.now : sa->expires_at;
        ike_sa_schedule(e, sa);
    }
}

/* One message after the other, and nothing that has to be given back here: a host has been told already. */
static void plain_over(struct ike_exchange *x, int result)
{
    if (result == IKE_X_OK) {
        keep_last(x);
    } else if (result == IKE_X_DROP) {
        forget(x);
    } else if (x->notify) {
        ike_v1_tell(x, x->notify);
    }
    if (result == IKE_X_FATAL) {
        ike_close_sa(x->e, x->sa, IKE_BY_FAILURE);
    }
}

static void v1_over(struct ike_exchange *x, int result)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    struct ike_task *task = x->task;
    x->task = NULL;
    if (!sa->dead && !sa->faded && !sa->going_down) {
        if (ike_v1_phase1(x)) {
            phase1_over(x, result);
        } else if (x->script == &ike_v1_quick) {
            quick_over(x, result);
        } else if (x->script == &ike_v1_informational) {
            informational_over(x);
        } else if (x->script->exchange_type == IKE_X1_TRANSACTION) {
            transaction_over(x, result);
        } else if (!x->script->delivery || x->script == &ike_v1_new_group) {
            plain_over(x, result);
        }
    }
    ike_free(&e->core, task, sizeof *task);
    if (!sa->dead && !sa->faded && !sa->going_down) {
        look_at_mids(e, sa);
        ike_kick(e, sa);
    }
}

/* A repeated R-U-THERE is a message of its own: the peer takes no message id twice. */
static bool v1_again(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    if (ike_v1_anew(x)) {
        return true;
    }
    if (!repeats(x, x->step - 1u)) {
        ike_timer_set(&c->wheel, &x->timer, IKE_NEVER);
    }
    if (x->script != &ike_v1_dpd) {
        return false;
    }
    x->mid = 0;
    x->chain = ike_chain(c->build, c->set.max_message);
    for (ike_action *const *a = x->script->steps[0].build; *a; a++) {
        if ((*a)(x) != IKE_X_OK) {
            return false;
        }
    }
    struct ike_header h = header_of(x);
    struct ike_v1_seal k = ike_v1_key(x->sa);
    size_t len = 0;
    struct ike_sent *s = NULL;
    if (ike_v1_seal(&k, &h, &x->chain, x->iv, c->ctx, c->out, c->set.max_message, &len) == IKE_OK) {
        s = ike_sent_keep(c, c->out, len);
    }
    if (s) {
        ike_sent_free(c, x->sent);
        x->sent = s;
    }
    return false;
}

const struct ike_delivery ike_v1_delivery = {v1_send, v1_await, v1_fault, v1_over, v1_again, true};
