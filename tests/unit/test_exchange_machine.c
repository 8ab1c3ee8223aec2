/* SPDX-License-Identifier: ISC
 *
 * The script machine, run with scripts that only this test has: a loop of three rounds, an optional step, a one-way message, an
 * exchange begun by the SA's responder, a script whose responder speaks first, and PENDING in every action; then every way an
 * action can end.
 */
#include "unit/script_help.h"

/* ---- Actions ---------------------------------------------------------------------------------------------------------- */

static const uint8_t nonce[32] = {1, 2, 3, 4};

ASKING(put_nonce)
{
    ike_put_payload(&x->chain, IKE_P_NONCE, ike_bytes_of(nonce, sizeof nonce));
    return IKE_X_OK;
}

/* Which step, so that no message is taken for another one. */
ASKING(put_mark)
{
    ike_put_notify(&x->chain, MARK, ike_bytes_of(&x->step, 1));
    if (stage.commit && x->script->exchange_type == X_MAIN) {
        ike_put_notify(&x->chain, COMMIT, ike_bytes_of(NULL, 0));
    }
    return IKE_X_OK;
}

ASKING(check_nonce)
{
    const struct ike_payload *p = ike_message_find(x->msg, IKE_P_NONCE, 0);
    assert_non_null(p);
    assert_true(ike_bytes_equal(ike_bytes_of(p->body, p->len), ike_bytes_of(nonce, sizeof nonce)));
    return IKE_X_OK;
}

ASKING(check_mark)
{
    struct ike_notify n;
    assert_true(ike_message_notify(x->msg, MARK, &n));
    assert_int_equal(n.data.len, 1);
    assert_int_equal(n.data.ptr[0], x->step);
    x->setup->mode = ike_message_notify(x->msg, COMMIT, &n); /* both sides know of the optional step by now */
    return IKE_X_OK;
}

ASKING(count_round)
{
    x->setup->index++;
    return IKE_X_OK;
}

ASKING(explain)
{
    ike_put_notify(&x->chain, MARK, ike_bytes_of(&x->step, 1));
    return IKE_X_OK;
}

ASKING(hear_refusal)
{
    struct ike_notify n;
    if (ike_message_error(x->msg, &n)) {
        tell("%c?%u", party_of(x)->name, (unsigned)n.type);
        return ike_peer_said(x, &n, IKE_FAIL_PEER_ERROR, n.type == 9001 ? IKE_X_FATAL : IKE_X_REFUSE);
    }
    return IKE_X_OK;
}

ACTION(sent)
{
    tell("%c.sent", party_of(x)->name);
    return IKE_X_OK;
}

static void undo(struct ike_exchange *x) { tell("%c.undo", party_of(x)->name); }

static bool commits(const struct ike_exchange *x) { return x->setup->mode; }

static const struct ike_payload_rule with_nonce[] = {{IKE_P_NONCE, 1, 1}, {0, 0, 0}}, any[] = {{IKE_P_NONCE, 0, 1}, {0, 0, 0}};
static bool is_refusal(const struct ike_exchange *x)
{
    struct ike_notify n;
    return ike_message_error(x->msg, &n);
}
static const struct ike_form forms[] = {{is_refusal, any}, {NULL, with_nonce}, {NULL, NULL}};

static ike_action *const build[] = {put_nonce, put_mark, NULL};
static ike_action *const handle[] = {hear_refusal, check_nonce, check_mark, NULL};
static ike_action *const handle_round[] = {hear_refusal, check_nonce, check_mark, count_round, NULL};
static ike_action *const refuse[] = {explain, NULL};
static ike_action *const after[] = {sent, NULL};

/* ---- Scripts ---------------------------------------------------------------------------------------------------------- */

/* Three steps, or four with the optional one: the shape of Quick Mode. */
static const struct ike_step main_steps[] = {
    {"m1", IKE_INITIATOR, NULL, forms, handle, build, NULL, NULL},
    {"m2", IKE_RESPONDER, NULL, forms, handle, build, refuse, after},
    {"m3", IKE_INITIATOR, NULL, forms, handle, build, NULL, after},
    {"m4", IKE_RESPONDER, commits, forms, handle, build, NULL, after},
};
static const struct ike_step loop_steps[] = {
    {"l1", IKE_INITIATOR, NULL, forms, handle, build, NULL, NULL},
    {"l2", IKE_RESPONDER, NULL, forms, handle_round, build, NULL, NULL},
};
static const struct ike_step one_way_steps[] = {{"o1", IKE_INITIATOR, NULL, forms, handle, build, NULL, after}};
static const struct ike_step back_steps[] = {
    {"b1", IKE_INITIATOR, NULL, forms, handle, build, NULL, NULL},
    {"b2", IKE_RESPONDER, NULL, forms, handle, build, refuse, after},
};
static const struct ike_step greeting_steps[] = {
    {"g1", IKE_RESPONDER, NULL, forms, handle, build, NULL, NULL},
    {"g2", IKE_INITIATOR, NULL, forms, handle, build, NULL, NULL},
};

static const struct ike_script loop_script;
static const struct ike_script *to_loop(struct ike_exchange *x)
{
    (void)x;
    return &loop_script;
}
static const struct ike_script *until_three(struct ike_exchange *x) { return x->setup->index < 3 ? &loop_script : NULL; }

static const struct ike_script main_script = {"main", 2, X_MAIN, &stage_delivery, main_steps, 4, 2, to_loop, undo, NULL};
static const struct ike_script loop_script = {"loop", 2, X_LOOP, &stage_delivery, loop_steps, 2, 0, until_three, undo, NULL};
static const struct ike_script one_way = {"one-way", 2, X_ONE_WAY, &stage_delivery, one_way_steps, 1, 0, NULL, undo, NULL};
static const struct ike_script back = {"back", 2, X_BACK, &stage_delivery, back_steps, 2, 3, NULL, undo, NULL};
static const struct ike_script greeting = {"greeting", 2, X_GREETING, &stage_delivery, greeting_steps, 2, 0, NULL, undo, NULL};

static const struct ike_script *find(uint8_t type)
{
    static const struct ike_script *const all[] = {&main_script, &loop_script, &one_way, &back, &greeting};
    assert_in_range(type, X_MAIN, X_GREETING);
    return all[type - X_MAIN];
}

/* ---- The ordinary way ------------------------------------------------------------------------------------------------- */

/* What the message does to its receiver, from the sender's actions to the receiver's. */
#define SAY(p, step) #p ".put_nonce " #p ".put_mark " #p ">" step
#define HEAR(p)      #p ".hear_refusal " #p ".check_nonce " #p ".check_mark"
#define ROUND        SAY(i, "l1") " " HEAR(r) " " SAY(r, "l2") " r=loop:ok " HEAR(i) " i.count_round i=loop:ok"
#define FIRST_THREE  SAY(i, "m1") " " HEAR(r) " " SAY(r, "m2") " r.sent " HEAR(i) " " SAY(i, "m3") " i.sent"

static void the_whole_with_the_optional_step(void **state)
{
    (void)state;
    stage.commit = true;
    stage_begin(&stage.p[0], &main_script, IKE_INITIATOR);
    stage_run(find);
    assert_trace(FIRST_THREE " " HEAR(r) " " SAY(r, "m4") " r.sent r=main:ok " HEAR(i) " i=main:ok " ROUND " " ROUND " " ROUND);
    assert_int_equal(stage.p[0].setup->index, 3);
}

/* The initiator's next exchange begins as soon as its last message has left. */
static void the_whole_without_it(void **state)
{
    (void)state;
    stage_begin(&stage.p[0], &main_script, IKE_INITIATOR);
    stage_run(find);
    assert_trace(FIRST_THREE " i=main:ok " SAY(i, "l1") " " HEAR(r) " r=main:ok " HEAR(r) " " SAY(r, "l2") " r=loop:ok " HEAR(
        i) " i.count_round i=loop:ok " ROUND " " ROUND);
}

static void a_message_without_an_answer(void **state)
{
    (void)state;
    stage_begin(&stage.p[0], &one_way, IKE_INITIATOR);
    stage_run(find);
    assert_trace(SAY(i, "o1") " i.sent i=one-way:ok " HEAR(r) " r=one-way:ok");
}

static void begun_by_the_responder_of_the_sa(void **state)
{
    (void)state;
    stage_begin(&stage.p[1], &back, IKE_INITIATOR);
    stage_run(find);
    assert_trace(SAY(r, "b1") " " HEAR(i) " " SAY(i, "b2") " i.sent i=back:ok " HEAR(r) " r=back:ok");
}

static void the_responder_of_the_script_speaks_first(void **state)
{
    (void)state;
    stage_begin(&stage.p[1], &greeting, IKE_RESPONDER);
    stage_run(find);
    assert_trace(SAY(r, "g1") " " HEAR(i) " " SAY(i, "g2") " i=greeting:ok " HEAR(r) " r=greeting:ok");
}

/* One party's part of a trace. */
static void part_of(char name, const char *trace, char *out)
{
    size_t n = 0;
    for (const char *at = trace; *at;) {
        size_t len = strcspn(at, " ");
        if (*at == name) {
            memcpy(out + n, at, len);
            n += len;
            out[n++] = ' ';
        }
        at += len + (at[len] == ' ');
    }
    out[n] = 0;
}

/* Every action asks, and is answered after everything the message lay in is overwritten: each party does what it would have done
 * without, no action runs twice, none is left out. */
static void pending_in_every_action(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    static const struct {
        const struct ike_script *script;
        unsigned party, role, asks;
        bool commit;
    } runs[] = {{&main_script, 0, IKE_INITIATOR, 4 * 5 + 3 * 11, true},
                {&main_script, 0, IKE_INITIATOR, 3 * 5 + 3 * 11, false},
                {&one_way, 0, IKE_INITIATOR, 5, false},
                {&back, 1, IKE_INITIATOR, 10, false},
                {&greeting, 1, IKE_RESPONDER, 10, false}};
    for (size_t i = 0; i < IKE_COUNT(runs); i++) {
        char trace[2][sizeof stage.trace], a[sizeof stage.trace], b[sizeof stage.trace];
        for (unsigned pend = 0; pend <= IKE_WITH_QUESTIONS; pend++) {
            stage.pend = pend;
            stage.commit = runs[i].commit;
            stage.pended = 0;
            for (unsigned k = 0; k < 2; k++) {
                stage.p[k].setup->index = stage.p[k].setup->mode = 0;
            }
            stage_begin(&stage.p[runs[i].party], runs[i].script, (uint8_t)runs[i].role);
            stage_run(find);
            memcpy(trace[pend], stage.trace, sizeof stage.trace);
            stage.trace[0] = 0;
        }
        assert_int_equal(stage.pended, runs[i].asks);
        for (unsigned k = 0; k < 2; k++) {
            part_of("ir"[k], trace[0], a);
            part_of("ir"[k], trace[1], b);
            assert_string_equal(a, b);
        }
    }
    assert_int_equal(stage.p[0].lab.cancelled + stage.p[1].lab.cancelled, 0);
}

/* ---- Other ends ------------------------------------------------------------------------------------------------------- */

static void spoil(const char *action, int result, unsigned times) { stage.spoil = (struct spoil){action, result, times}; }

static const ike_failure *last(unsigned party, size_t i) { return ike_failure_ring(&stage.p[party].e->core, i); }

/* REFUSE by a responder: undone, then the refuse list in the place of the build list, then the notify. The peer's record says
 * that it was the peer. */
static void a_refusal_is_answered(void **state)
{
    (void)state;
    for (unsigned pend = 0; pend <= IKE_WITH_QUESTIONS; pend++) {
        stage.pend = pend;
        spoil("check_nonce", IKE_X_REFUSE, 1);
        stage_begin(&stage.p[0], &main_script, IKE_INITIATOR);
        stage_run(find);
        assert_trace(SAY(i, "m1") " r.hear_refusal r.check_nonce r.undo r.explain r>m2(refused) r=main:refuse "
                                  "i.hear_refusal i?9000 i.undo i=main:refuse");
        if (!IKE_WITH_RECORDS) {
            continue;
        }
        assert_int_equal(last(1, 0)->code, IKE_FAIL_DENIED);
        assert_int_equal(last(1, 0)->decider, IKE_DECIDER_US);
        assert_true(!last(1, 0)->initiator && last(1, 0)->exchange == X_MAIN && last(1, 0)->notify == 9000);
        assert_int_equal(last(0, 0)->decider, IKE_DECIDER_PEER);
        assert_true(last(0, 0)->initiator && last(0, 0)->notify == 9000);
    }
    /* Once per attempt, on each side. */
    assert_int_equal(stage.p[0].e->core.count.failures, 1 + IKE_WITH_QUESTIONS);
    assert_int_equal(stage.p[1].e->core.count.failures, 1 + IKE_WITH_QUESTIONS);
}

/* A step without a refuse list, and a fatal end: the notify alone. */
static void a_refusal_without_a_list_is_the_notify_alone(void **state)
{
    (void)state;
    spoil("check_mark", IKE_X_REFUSE, 1);
    stage.p[0].setup->index = 2; /* the last round */
    stage_begin(&stage.p[0], &loop_script, IKE_INITIATOR);
    stage_run(find);
    assert_trace(SAY(i, "l1") " " HEAR(r) " r.undo r>l2(refused) r=loop:refuse i.hear_refusal i?9000 i.undo i=loop:refuse");
    spoil("put_mark", IKE_X_FATAL, 1); /* the initiator's own: nobody is told */
    stage_begin(&stage.p[0], &back, IKE_INITIATOR);
    stage_run(find);
    assert_trace("i.put_nonce i.put_mark i.undo i=back:fatal");
    spoil("check_nonce", IKE_X_FATAL, 1);
    stage_begin(&stage.p[0], &back, IKE_INITIATOR);
    stage_run(find);
    assert_trace(
        SAY(i, "b1") " r.hear_refusal r.check_nonce r.undo r>b2(refused) r=back:fatal i.hear_refusal i?9001 i.undo i=back:fatal");
}

/* The answer was half built: none of it leaves. */
static void a_refusal_while_building_starts_afresh(void **state)
{
    (void)state;
    static struct ike_message m;
    size_t n;
    stage_begin(&stage.p[0], &back, IKE_INITIATOR);
    spoil("put_mark", IKE_X_REFUSE, 1);
    uint8_t *w = stage_pick(&stage.p[0], &n);
    stage_take(&stage.p[1], w, n, &back, IKE_RESPONDER);
    free(w);
    assert_trace(SAY(i, "b1") " " HEAR(r) " r.put_nonce r.put_mark r.undo r.explain r>b2(refused) r=back:refuse");
    w = stage_pick(&stage.p[1], &n);
    assert_int_equal(ike_message_parse(&m, w, n), IKE_OK);
    assert_int_equal(m.n, 2);
    assert_null(ike_message_find(&m, IKE_P_NONCE, 0));
    stage_take(&stage.p[0], w, n, NULL, 0);
    free(w);
}

/* A second failure, in the refuse list itself, ends it without an answer. */
static void a_refusal_that_fails_ends_in_silence(void **state)
{
    (void)state;
    spoil("check_nonce", IKE_X_REFUSE, 1);
    stage.p[1].send_fails = true;
    stage_begin(&stage.p[0], &back, IKE_INITIATOR);
    stage_run(find);
    assert_null(stage.p[1].x);
    assert_non_null(strstr(stage.trace, "r.explain r.undo r=back:drop"));
    ike_exchange_abort(stage.p[0].x, IKE_X_DROP);
    stage.trace[0] = 0;
}

/* Nobody is told, nothing is recorded, the peer may come again. */
static void a_drop_leaves_no_trace(void **state)
{
    (void)state;
    size_t n;
    for (unsigned pend = 0; pend <= IKE_WITH_QUESTIONS; pend++) {
        stage.pend = pend;
        stage_begin(&stage.p[0], &back, IKE_INITIATOR);
        while (stage.p[0].token) {
            stage_answer(&stage.p[0]);
        }
        stage.trace[0] = 0;
        spoil("check_mark", IKE_X_DROP, 1);
        uint8_t *w = stage_pick(&stage.p[0], &n);
        stage_take(&stage.p[1], w, n, &back, IKE_RESPONDER);
        while (stage.p[1].token) {
            stage_answer(&stage.p[1]);
        }
        assert_trace(HEAR(r) " r.undo r=back:drop");
        assert_int_equal(stage.p[1].e->core.count.failures, 0);
        assert_int_equal(stage.p[1].wired, 0);
        stage_take(&stage.p[1], w, n, &back, IKE_RESPONDER); /* the same again */
        free(w);
        stage_run(find);
        assert_trace(HEAR(r) " " SAY(r, "b2") " r.sent r=back:ok " HEAR(i) " i=back:ok");
    }
}

/* Whoever waits for a later message goes on waiting for a better one. */
static void a_dropped_answer_is_waited_for_on(void **state)
{
    (void)state;
    size_t n;
    for (unsigned pend = 0; pend <= IKE_WITH_QUESTIONS; pend++) {
        stage.pend = pend;
        stage_begin(&stage.p[0], &back, IKE_INITIATOR);
        while (!stage.p[1].wired) {
            if (stage.p[0].token || stage.p[1].token) {
                stage_answer(&stage.p[stage.p[0].token ? 0 : 1]);
            } else {
                uint8_t *w = stage_pick(&stage.p[0], &n);
                stage_take(&stage.p[1], w, n, &back, IKE_RESPONDER);
                free(w);
            }
        }
        stage.trace[0] = 0;
        uint8_t *w = stage_pick(&stage.p[1], &n);
        for (unsigned times = 0; times < 3; times++) {
            unsigned awaits = stage.p[0].awaits;
            spoil("check_mark", IKE_X_DROP, 1);
            stage_take(&stage.p[0], w, n, NULL, 0);
            while (stage.p[0].token) {
                stage_answer(&stage.p[0]);
            }
            assert_trace(HEAR(i));
            assert_true(stage.p[0].awaits > awaits);
        }
        stage_take(&stage.p[0], w, n, NULL, 0);
        while (stage.p[0].token) {
            stage_answer(&stage.p[0]);
        }
        assert_trace(HEAR(i) " i=back:ok");
        free(w);
        stage_run(find);
        assert_int_equal(stage.p[0].e->core.count.failures, 0);
    }
}

/* The same for a responder in the middle of a script: only the message that began the exchange may take it with it. */
static void a_responder_waits_on_too_in_the_middle(void **state)
{
    (void)state;
    size_t n;
    stage.p[0].setup->index = 3; /* one round of the loop, no more */
    stage_begin(&stage.p[0], &main_script, IKE_INITIATOR);
    for (unsigned from = 0; from < 2; from++) {
        uint8_t *w = stage_pick(&stage.p[from], &n);
        stage_take(&stage.p[1 - from], w, n, &main_script, IKE_RESPONDER);
        free(w);
    }
    stage.trace[0] = 0;
    uint8_t *w = stage_pick(&stage.p[0], &n);
    spoil("check_mark", IKE_X_DROP, 1);
    stage_take(&stage.p[1], w, n, NULL, 0);
    assert_trace(HEAR(r));
    assert_non_null(stage.p[1].x);
    stage_take(&stage.p[1], w, n, NULL, 0);
    assert_trace(HEAR(r) " r=main:ok");
    free(w);
    stage_run(find);
    assert_trace(HEAR(r) " " SAY(r, "l2") " r=loop:ok " HEAR(i) " i.count_round i=loop:ok");
}

/* AGAIN repeats the script from its first step, so often and no more. */
static void again_is_bounded(void **state)
{
    (void)state;
    for (unsigned pend = 0; pend <= IKE_WITH_QUESTIONS; pend++) {
        stage.pend = pend;
        spoil("check_nonce", IKE_X_AGAIN, 100);
        /* Only the initiator's is to repeat: the responder's comes first, and for it the first step is a wait. */
        stage_begin(&stage.p[0], &back, IKE_INITIATOR);
        unsigned sent_requests = 0;
        for (bool moved = true; moved;) {
            size_t n;
            moved = false;
            if (stage.p[0].token) {
                stage_answer(&stage.p[0]);
                moved = true;
            } else if (stage.p[0].wired) {
                uint8_t *w = stage_pick(&stage.p[0], &n);
                sent_requests++;
                moved = true;
                stage_take(&stage.p[0], w, n, NULL, 0); /* any message of the right form serves as the answer */
                free(w);
            }
        }
        assert_int_equal(sent_requests, 1 + back.max_rounds);
        assert_null(stage.p[0].x);
        assert_non_null(strstr(stage.trace, "i.check_nonce i.undo i=back:refuse"));
        assert_null(strstr(stage.trace, "check_mark"));
        stage.trace[0] = 0;
    }
}

/* ---- Rules ------------------------------------------------------------------------------------------------------------ */

static size_t compose(uint8_t *out, size_t cap, unsigned nonces, uint8_t odd, bool critical)
{
    struct ike_chain c = ike_chain(out + IKE_HEADER_LEN, cap - IKE_HEADER_LEN);
    for (unsigned i = 0; i < nonces; i++) {
        ike_put_payload(&c, IKE_P_NONCE, ike_bytes_of(nonce, sizeof nonce));
    }
    uint8_t zero = 0;
    ike_put_notify(&c, MARK, ike_bytes_of(&zero, 1));
    if (odd) {
        size_t at = c.w.len;
        ike_put_payload(&c, odd, ike_bytes_of(nonce, 4));
        out[IKE_HEADER_LEN + at + 1] = critical ? 0x80 : 0;
    }
    struct ike_header h = {.spi_i = 1,
                           .spi_r = 2,
                           .next = c.first,
                           .version = 0x20,
                           .exchange = X_BACK,
                           .length = (uint32_t)(IKE_HEADER_LEN + c.w.len)};
    ike_header_write(out, &h);
    return h.length;
}

/* No action sees a message that breaks its rules. */
static void rules_come_before_actions(void **state)
{
    (void)state;
    uint8_t w[256];
    static const struct {
        unsigned nonces;
        uint8_t odd;
        bool critical;
        const char *trace;
    } rows[] = {
        {0, 0, false, "r!rule40 r.undo r=back:drop"},
        {2, 0, false, "r!rule40 r.undo r=back:drop"},
        {1, 200, true, "r!critical200 r.undo r.explain r>b2(refused) r=back:refuse"},
        {0, 200, true, "r!critical200 r.undo r.explain r>b2(refused) r=back:refuse"}, /* critical first: the whole is refused */
        {1, 200, false, HEAR(r) " " SAY(r, "b2") " r.sent r=back:ok"},
        {1, IKE_P_CERT, true, HEAR(r) " " SAY(r, "b2") " r.sent r=back:ok"}, /* a known type: the bit says nothing */
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        size_t n = compose(w, sizeof w, rows[i].nonces, rows[i].odd, rows[i].critical);
        stage_take(&stage.p[1], w, n, &back, IKE_RESPONDER);
        assert_trace(rows[i].trace);
        while (stage.p[1].wired) {
            free(stage_pick(&stage.p[1], &n));
        }
    }
}

/* ---- Aborts, and no memory --------------------------------------------------------------------------------------------- */

static void an_abort_cancels_the_question_and_rolls_back(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    stage.pend = true;
    stage_begin(&stage.p[0], &back, IKE_INITIATOR);
    stage_answer(&stage.p[0]);
    ike_token t = stage.p[0].token;
    assert_true(t != 0);
    ike_exchange_abort(stage.p[0].x, IKE_X_FATAL);
    assert_trace("i.put_nonce i.undo i=back:fatal");
    assert_int_equal(stage.p[0].lab.cancelled, 1);
    assert_true(stage.p[0].lab.last_cancel == t);
    assert_int_equal(ike_answer_done(stage.p[0].e, t, 77, IKE_SEC), IKE_ERR_NOT_FOUND);
    assert_true(stage.p[0].e->core.wheel.tick == 0 || ike_next_timeout(stage.p[0].e) == IKE_NEVER);
}

ACTION(abort_myself)
{
    ike_exchange_abort(x, IKE_X_DROP);
    tell("%c.aborting", party_of(x)->name);
    return IKE_X_OK;
}

/* From inside an action it takes effect when the action has returned; later ones do not run. */
static void an_abort_from_an_action_waits_for_it(void **state)
{
    (void)state;
    static ike_action *const list[] = {put_nonce, abort_myself, put_mark, NULL};
    static const struct ike_step steps[] = {{"a1", IKE_INITIATOR, NULL, forms, handle, list, NULL, NULL}};
    static const struct ike_script script = {"abort", 2, X_BACK, &stage_delivery, steps, 1, 0, NULL, undo, NULL};
    stage_begin(&stage.p[0], &script, IKE_INITIATOR);
    assert_trace("i.put_nonce i.aborting i.undo i=abort:drop");
}

/* Each allocation of a whole run with PENDING everywhere refused in turn: it ends somehow, on both sides, and nothing leaks. */
static void no_memory_anywhere(void **state)
{
    (void)state;
    unsigned whole = 0;
    stage.commit = true;
    stage.pend = IKE_WITH_QUESTIONS;
    for (long n = 0; !whole; n++) {
        assert_true(n < 2000);
        for (unsigned k = 0; k < 2; k++) {
            stage.p[k].setup->index = stage.p[k].setup->mode = 0;
            stage.p[k].lab.allowed = k == (unsigned)n % 2 ? n / 2 : -1;
        }
        if (stage.p[0].lab.allowed == 0) {
            stage.p[0].lab.allowed = 1; /* the exchange itself */
        }
        if (stage.p[1].lab.allowed == 0) {
            stage.p[1].lab.allowed = 1;
        }
        stage_begin(&stage.p[0], &back, IKE_INITIATOR);
        stage_run(find);
        whole = n > 20 && strstr(stage.trace, "r=back:ok") && strstr(stage.trace, "i=back:ok") && stage.p[0].lab.allowed &&
                stage.p[1].lab.allowed;
        for (unsigned k = 0; k < 2; k++) {
            stage.p[k].lab.allowed = -1;
            if (stage.p[k].x) {
                ike_exchange_abort(stage.p[k].x, IKE_X_DROP);
            }
            while (stage.p[k].wired) {
                size_t len;
                free(stage_pick(&stage.p[k], &len));
            }
            assert_int_equal(stage.p[k].e->core.count.exchanges, 0);
        }
        stage.trace[0] = 0;
    }
}

#define ON_STAGE(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(the_whole_with_the_optional_step),
        ON_STAGE(the_whole_without_it),
        ON_STAGE(a_message_without_an_answer),
        ON_STAGE(begun_by_the_responder_of_the_sa),
        ON_STAGE(the_responder_of_the_script_speaks_first),
        ON_STAGE(pending_in_every_action),
        ON_STAGE(a_refusal_is_answered),
        ON_STAGE(a_refusal_without_a_list_is_the_notify_alone),
        ON_STAGE(a_refusal_while_building_starts_afresh),
        ON_STAGE(a_refusal_that_fails_ends_in_silence),
        ON_STAGE(a_drop_leaves_no_trace),
        ON_STAGE(a_dropped_answer_is_waited_for_on),
        ON_STAGE(a_responder_waits_on_too_in_the_middle),
        ON_STAGE(again_is_bounded),
        ON_STAGE(rules_come_before_actions),
        ON_STAGE(an_abort_cancels_the_question_and_rolls_back),
        ON_STAGE(an_abort_from_an_action_waits_for_it),
        ON_STAGE(no_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
