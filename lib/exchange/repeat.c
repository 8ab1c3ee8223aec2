/* SPDX-License-Identifier: ISC
 *
 * Repetition: what is sent and not answered yet is sent again, octet by octet, and given up after a while.
 */
#include "exchange/scripts.h"

/* Kept as it leaves: a repetition is the same octets (RFC 7296 section 2.1). */
struct ike_sent *ike_sent_keep(struct ike_core *c, const uint8_t *data, size_t n)
{
    struct ike_sent *s = ike_alloc(c, sizeof *s + n);
    if (s) {
        s->len = n;
        memcpy(s->data, data, n);
    }
    return s;
}

void ike_transmit(struct ike_core *c, const ike_path *path, const struct ike_sent *s)
{
    for (; s; s = s->next) {
        ike_send(c, path, IKE_SEND_MESSAGE, s->data, s->len);
    }
}

/* An answer may be much larger than what asks for it, and repetitions cost the sender nothing: so many a second for each SA. */
#define ANSWERS_PER_SECOND 10

/* To where the copy came from: the mapping of the first may be gone. */
int ike_answer_again(struct ike_engine *e, struct ike_sa *sa, const ike_path *path, const struct ike_sent *s)
{
    struct ike_core *c = &e->core;
    uint32_t second = (uint32_t)(c->now / IKE_SEC);
    c->count.retransmit_seen++;
    if (sa->resent_second != second) {
        sa->resent_second = second;
        sa->resent_count = 0;
    }
    if (!s || sa->resent_count++ >= ANSWERS_PER_SECOND) {
        return ike_dropped(e, IKE_ERR_LIMIT);
    }
    ike_transmit(c, path, s);
    return IKE_OK;
}

/* Without jitter, so that the time of giving up can be told in advance. */
static uint64_t wait_ms(const struct ike_core *c, unsigned tries)
{
    uint64_t ms = c->set.retransmit_first_ms;
    for (unsigned i = 0; i < tries && ms < c->set.retransmit_max_ms; i++) {
        ms = ms * c->set.retransmit_factor_pct / 100;
    }
    return ms > c->set.retransmit_max_ms ? c->set.retransmit_max_ms : ms;
}

/* Jitter to both sides of the mean: peers that lost the same link do not all come back at once. */
static ike_time wait_after(struct ike_core *c, unsigned tries)
{
    uint64_t ms = wait_ms(c, tries);
    uint64_t span = ms * c->set.retransmit_jitter_pct / 100;
    ms = ms - span + ike_jitter(c, (uint32_t)(2 * span + 1));
    return ms * IKE_MS;
}

/* Never past the time at which the request is given up. */
void ike_exchange_arm(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_time at = c->now + wait_after(c, x->tries);
    ike_timer_set(&c->wheel, &x->timer, at < x->give_up ? at : x->give_up);
}

/* Of IKEv1: an exchange that ends alone, and knows itself what that means for its SA. */
static bool in_phase2(const struct ike_exchange *x) { return ike_sa_v1_keyed(x->sa); }

/* With IKEv1 a Delete may be lost, so that an IKE SA on which the peer does not answer may be gone alone: while there is another,
 * that takes its place and the children, and finds out by itself whether the peer lives. */
static bool goes_alone(const struct ike_exchange *x)
{
    const struct ike_sa *sa = x->sa;
    return ike_sa_is_v1(sa) && x->purpose == IKE_DO_LIVENESS && sa->state != IKE_SA_DELETING && ike_v1_other_sa(sa);
}

/* The message of ours that waits for an answer: of an exchange of many, the last. */
static const char *unanswered(const struct ike_exchange *x)
{
    const struct ike_step *steps = x->script->steps;
    unsigned i = x->step;
    while (i > 0 && steps[--i].from != x->role) {
        /* the peer's */
    }
    return steps[i].name;
}

/* What to look at. The fifth message of Main Mode is the first that a wrong secret makes senseless, or that has an identity: who
 * does not like it says nothing, and what comes before shows that the peer can be reached. */
static const char *remedy_of(const struct ike_exchange *x)
{
    if (x->sa->state != IKE_SA_CONNECTING) {
        return "see whether the peer runs and can be reached; with start = yes it is tried again";
    }
    if (ike_sa_is_v1(x->sa) && x->step == 5) {
        return "the peer answered so far: see that both sides have the same `secret` (or each other's keys) and that it "
               "expects our local-id; behind a NAT also that UDP port 4500 passes both ways. Its own log may say which";
    }
    return "see that the peer runs, that its address is right, and that UDP ports 500 and 4500 pass both ways";
}

/* An error that came unprotected while we waited is the likelier reason than silence. A Delete without an answer has reached
 * its aim: the SA goes, and nothing has failed; nor when one that was replaced is silent. */
static void no_answer(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_core *c = &e->core;
    struct ike_sa *sa = x->sa;
    bool connecting = sa->state == IKE_SA_CONNECTING;
    bool deleting = sa->state == IKE_SA_DELETING, replaced = sa->state == IKE_SA_REKEYED && x->purpose == IKE_DO_LIVENESS;
    if (goes_alone(x)) {
        ike_sa_down(e, sa, IKE_BY_REPLACEMENT);
        return;
    }
    if (x->noted && x->note) {
        c->draft = *x->note;
        c->blamed = true;
    } else if (!deleting && !replaced) {
        ike_blame(c, connecting ? IKE_FAIL_NO_ANSWER : IKE_FAIL_DEAD_PEER, IKE_DECIDER_NOBODY);
        ike_blame_expected(c, "an answer to %s", unanswered(x));
        ike_blame_received(c, "nothing in %u s, after %u repetitions", (unsigned)((c->now - x->first_sent) / IKE_SEC),
                           (unsigned)x->tries);
        ike_blame_remedy(c, "%s", remedy_of(x));
    }
    ike_exchange_blame(x);
    if (in_phase2(x) && x->purpose != IKE_DO_LIVENESS) {
        ike_exchange_abort(x, IKE_X_REFUSE); /* peers of IKEv1 are silent about what they do not want */
        return;
    }
    struct ike_conn *conn = sa->conn;
    if (connecting && conn) {
        ike_attempt_failed(e, conn);
    }
    ike_sa_down(e, sa, deleting ? sa->down_cause : replaced ? IKE_BY_REPLACEMENT : IKE_BY_TIMEOUT);
}

/* The host never answered a question. An exchange inside an SA that stands ends alone; one that was to make the SA takes it
 * along. */
static void question_timed_out(struct ike_exchange *x)
{
    struct ike_engine *e = x->e;
    struct ike_sa *sa = x->sa;
    struct ike_conn *conn = x->role == IKE_INITIATOR ? sa->conn : NULL;
    ike_blame(&e->core, IKE_FAIL_TIMEOUT, IKE_DECIDER_HOST);
    ike_blame_expected(&e->core, "the host's answer to a question");
    ike_exchange_blame(x);
    if (sa->state != IKE_SA_CONNECTING || in_phase2(x)) {
        ike_exchange_abort(x, IKE_X_REFUSE);
        return;
    }
    ike_sa_down(e, sa, IKE_BY_FAILURE);
    if (conn) {
        ike_attempt_failed(e, conn);
    }
}

/* The draft is the engine's and is overwritten by others while we wait. */
static void remember(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    x->noted = true;
    x->note = ike_alloc(c, sizeof *x->note);
    if (x->note) {
        *x->note = c->draft;
    }
}

/* One repetition interval: long enough for a true answer behind a forged error, short enough for somebody who waits. */
void ike_exchange_note(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    ike_time at = c->now + c->set.retransmit_first_ms * IKE_MS;
    remember(x);
    x->give_up = at < x->give_up ? at : x->give_up;
    ike_timer_set(&c->wheel, &x->timer, x->give_up);
}

#if IKE_WITH_V1
/* Once the peer has answered, its next answer may take its host, or a human, the time, and whoever sees what is sent can refuse
 * it in the peer's name meanwhile. So it is repeated as before, but no more than twice: some seconds are what a refusal that is
 * true can wait, and a peer that has refused needs little for a copy. That is not so of the first message: a copy makes all its
 * work again. */
void ike_exchange_doubt(struct ike_exchange *x)
{
    const struct ike_core *c = &x->e->core;
    ike_time at = x->timer.at + (wait_ms(c, x->tries + 1u) + wait_ms(c, x->tries + 2u)) * IKE_MS;
    remember(x);
    if (x->timer.at != IKE_NEVER && at < x->give_up) {
        x->give_up = at;
    }
}
#endif

/* For people: the real waits have jitter. */
ike_time ike_exchange_gives_up(const struct ike_exchange *x)
{
    const struct ike_core *c = &x->e->core;
    ike_time at = x->timer.at;
    if (at == IKE_NEVER) {
        return at;
    }
    for (unsigned i = x->tries + 1u; i <= c->set.retransmit_tries && at < x->give_up; i++) {
        at += wait_ms(c, i) * IKE_MS;
    }
    return at < x->give_up ? at : x->give_up;
}

void ike_requests_resend(struct ike_engine *e, struct ike_sa *sa)
{
    IKE_LIST_LOOK (struct ike_exchange, x, link, &sa->outstanding) {
        if (x->sent && !x->question && x->timer.at != IKE_NEVER) {
            x->tries = 0;
            e->core.count.retransmitted++;
            ike_exchange_arm(x);
            ike_transmit(&e->core, &sa->path, x->sent);
        }
    }
}

/* One timer for two things that never meet: a question is open, or a request is out. */
void ike_exchange_timer(struct ike_engine *e, struct ike_exchange *x)
{
    struct ike_core *c = &e->core;
    if (IKE_WITH_QUESTIONS && x->question) {
        question_timed_out(x);
        return;
    }
    /* Many peers forget a deleted SA at once and cannot repeat a lost answer: a Delete is not worth the whole schedule. */
    bool enough = x->purpose == IKE_DO_DELETE_IKE && x->tries >= 3;
    if (enough || x->tries >= c->set.retransmit_tries || c->now >= x->give_up) {
        no_answer(x);
        return;
    }
    x->tries++;
    c->count.retransmitted++;
    char peer[64];
    IKE_WORDS(ike_addr_format(&x->sa->path.remote, true, peer, sizeof peer));
    IKE_LOG(c, IKE_LOG_MESSAGE, IKE_LOG_INFO, x->sa->id, "%s: no answer from %s yet: %s, message id %u, is repeated (%u of %u)",
            x->sa->conf ? x->sa->conf->s.name : "", peer, unanswered(x), (unsigned)x->mid, (unsigned)x->tries,
            (unsigned)c->set.retransmit_tries);
    ike_exchange_arm(x);
    if (x->delivery->again && x->delivery->again(x)) {
        return;
    }
    ike_transmit(c, &x->sa->path, x->sent);
}
