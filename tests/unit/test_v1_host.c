/* SPDX-License-Identifier: ISC
 *
 * Exchanges of the host's own (ike/exchange.h): a question and an answer of payloads nobody else knows, under the keys of an IKE
 * SA of IKEv1.
 */
#include "unit/v1_help.h"
#include <ike/exchange.h>

enum { TYPE = 241, WORD = 200 };

static unsigned asked, answered, over_a, over_b, moods;
static int result_a, result_b;
static char heard[32];
static ike_token token;
enum { REFUSES = 1, WAITS = 2, GREEDY = 4, CALLS_BACK = 8, BREAKS = 16 };

static int put_question(struct ike_exchange *x)
{
    assert_int_equal(ike_exchange_role(x), IKE_INITIATOR);
    assert_ptr_equal(ike_exchange_user(x), &a);
    const char *word = ike_exchange_state(x);
    return ike_exchange_put(x, WORD, ike_bytes_of(word, strlen(word))) == IKE_OK ? IKE_X_OK : IKE_X_REFUSE;
}

static int take_question(struct ike_exchange *x)
{
    ike_bytes body, more;
    assert_int_equal(ike_exchange_role(x), IKE_RESPONDER);
    assert_int_equal(ike_exchange_sa(x), node_sa(&b)->id);
    assert_true(ike_exchange_payload(x, WORD, 0, &body));
    assert_false(ike_exchange_payload(x, WORD, 1, &more) || more.len);
    asked++;
    if (moods & CALLS_BACK) {
        assert_int_equal(ike_tick(b.e, now), IKE_ERR_STATE);
        assert_int_equal(ike_exchange_start(b.e, ike_exchange_sa(x), NULL, NULL, now), IKE_ERR_STATE);
    }
    if (moods & BREAKS) {
        (void)ike_exchange_refuse(x, IKE_N1_INVALID_PAYLOAD_TYPE);
        return IKE_X_FATAL;
    }
    if (moods & REFUSES) {
        return ike_exchange_refuse(x, IKE_N1_INVALID_PAYLOAD_TYPE);
    }
    memcpy(heard, body.ptr, body.len < sizeof heard - 1 ? body.len : sizeof heard - 1);
    ike_exchange_set_state(x, heard);
    return IKE_X_OK;
}

static int think(struct ike_exchange *x)
{
    if (!(moods & WAITS)) {
        return IKE_X_OK;
    }
    int r = ike_exchange_ask(x, &token);
    return r == IKE_PENDING ? IKE_X_PENDING : r == IKE_OK ? IKE_X_OK : ike_exchange_refuse(x, IKE_N1_INVALID_PAYLOAD_TYPE);
}

static int put_answer(struct ike_exchange *x)
{
    static uint8_t much[65535];
    assert_ptr_equal(ike_exchange_state(x), heard);
    int r = ike_exchange_put(x, WORD, ike_bytes_of(moods & GREEDY ? (const char *)much : heard, moods & GREEDY ? 65000 : 4));
    return r == IKE_OK ? ike_exchange_put(x, WORD, ike_bytes_of("!", 1)) : IKE_X_REFUSE;
}

static int take_answer(struct ike_exchange *x)
{
    ike_bytes body;
    answered++;
    assert_true(ike_exchange_payload(x, WORD, 1, &body));
    assert_int_equal(body.len, 1);
    return ike_exchange_payload(x, WORD, 0, &body) && memcmp(body.ptr, "ping", 4) == 0 ? IKE_X_OK : IKE_X_REFUSE;
}

static void over(struct ike_exchange *x, int result)
{
    unsigned *n = ike_exchange_role(x) == IKE_INITIATOR ? &over_a : &over_b;
    *(n == &over_a ? &result_a : &result_b) = result;
    ++*n;
}

static const struct ike_payload_rule question_rules[] = {{IKE_P1_HASH, 1, 1}, {WORD, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule answer_rules[] = {{IKE_P1_HASH, 1, 1}, {WORD, 2, 2}, {0, 0, 0}};
static const struct ike_form question_forms[] = {{NULL, question_rules}, {NULL, NULL}};
static const struct ike_form answer_forms[] = {{NULL, answer_rules}, {NULL, NULL}};
static ike_action *const question_build[] = {ike_exchange_protect, put_question, ike_exchange_seal, NULL};
static ike_action *const question_handle[] = {ike_exchange_check, take_question, think, NULL};
static ike_action *const answer_build[] = {ike_exchange_protect, put_answer, ike_exchange_seal, NULL};
static ike_action *const answer_handle[] = {ike_exchange_check, take_answer, NULL};
static const struct ike_step steps[] = {
    {.name = "question", .from = IKE_INITIATOR, .forms = question_forms, .handle = question_handle, .build = question_build},
    {.name = "answer", .from = IKE_RESPONDER, .forms = answer_forms, .handle = answer_handle, .build = answer_build},
};
static const struct ike_script echo = {
    .name = "echo", .version = 1, .exchange_type = TYPE, .steps = steps, .n_steps = 2, .over = over};
static const struct ike_script *const scripts[] = {&echo, NULL};
static bool deaf; /* b does not know the script */

static void with_scripts(struct node *x, ike_settings *s) { s->scripts = x == &b && deaf ? NULL : scripts; }

static int begin(void **state)
{
    (void)state;
    asked = answered = over_a = over_b = moods = 0;
    result_a = result_b = -1;
    deaf = false;
    v1_up(with_scripts, NULL);
    return 0;
}

static int start(void) { return ike_exchange_start(a.e, node_sa(&a)->id, &echo, (void *)(uintptr_t) "ping", now); }

static void a_question_and_an_answer(void **state)
{
    (void)state;
    struct ike_message m;
    moods = CALLS_BACK;
    assert_int_equal(start(), IKE_OK);
    assert_int_equal(a.n_out, 1);
    v1_open_first(&a, &m); /* encrypted, with an id of its own */
    assert_int_equal(m.h.exchange, TYPE);
    wire_run();
    assert_string_equal(heard, "ping");
    assert_true(asked == 1 && answered == 1 && over_a == 1 && over_b == 1);
    assert_true(result_a == IKE_X_OK && result_b == IKE_X_OK);
    assert_int_equal(counters(&a).exchanges + counters(&b).exchanges, 0);
    assert_int_equal(counters(&a).failures + counters(&b).failures, 0);
}

/* What is lost is sent again, octet by octet, and what comes twice is heard once. */
static void over_a_bad_line(void **state)
{
    (void)state;
    static uint8_t first[2048], second[2048];
    assert_int_equal(start(), IKE_OK);
    size_t n = a.out[0].n, k;
    memcpy(first, a.out[0].bytes, n);
    a.n_out = 0;
    now += 3 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    assert_memory_equal(a.out[0].bytes, first, n);
    assert_int_equal(wire_step(&a), IKE_OK);
    k = b.out[0].n;
    memcpy(second, b.out[0].bytes, k);
    b.n_out = 0;
    ike_path path = path_to(&b);
    assert_int_equal(node_input(&b, &path, first, n), IKE_OK);
    assert_int_equal(b.n_out, 1);
    assert_memory_equal(b.out[0].bytes, second, k);
    assert_int_equal(asked, 1);
    wire_run();
    assert_true(answered == 1 && result_a == IKE_X_OK);
}

static void strangers_are_not_heard(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    ike_path path = path_to(&b);
    ike_put_payload(&c, WORD, ike_bytes_of("ping", 4));
    size_t n = v1_forge(&b, TYPE, 4711, &c, false);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(asked, 0);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).exchanges, 0);
    c = v1_chain(&b); /* the peer, against the rules */
    n = v1_forge(&b, TYPE, 4712, &c, true);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(asked, 0);
    over_b = 0;
}

static void the_host_takes_its_time(void **state)
{
    (void)state;
    moods = WAITS;
    assert_int_equal(start(), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(ike_answer_done(b.e, token, IKE_OK, now), IKE_OK);
    wire_run();
    assert_true(asked == 1 && answered == 1 && result_a == IKE_X_OK && result_b == IKE_X_OK);
}

static void or_refuses(void **state)
{
    (void)state;
    moods = REFUSES;
    assert_int_equal(start(), IKE_OK);
    wire_run();
    assert_true(over_b == 1 && result_b == IKE_X_REFUSE);
    assert_int_equal(counters(&b).failures, 1);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2); /* the SA stays */
    for (unsigned i = 0; i < 300 && !over_a; i++) {
        now += IKE_SEC;
        (void)ike_tick(a.e, now);
        wire_run();
    }
    assert_int_equal(over_a, 1);
    assert_int_not_equal(result_a, IKE_X_OK);
}

/* FATAL takes the SA along: the peer is told so. */
static void or_has_had_enough_of_the_peer(void **state)
{
    (void)state;
    moods = BREAKS;
    assert_int_equal(start(), IKE_OK);
    wire_run();
    assert_true(over_b == 1 && result_b == IKE_X_FATAL);
    assert_int_equal(counters(&b).sas, 0);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(over_a, 1);
}

static void a_peer_that_does_not_know_it_is_silent(void **state)
{
    (void)state;
    pair_end();
    deaf = true;
    v1_up(with_scripts, NULL);
    assert_int_equal(start(), IKE_OK);
    for (unsigned i = 0; i < 300 && !over_a; i++) {
        wire_run();
        now += IKE_SEC;
        (void)ike_tick(a.e, now);
    }
    assert_true(over_a == 1 && result_a == IKE_X_REFUSE && asked == 0);
    a.n_out = b.n_out = 0;
}

static void it_ends_with_the_sa(void **state)
{
    (void)state;
    assert_int_equal(start(), IKE_OK);
    assert_int_equal(start(), IKE_OK);
    assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
    wire_run();
    assert_int_equal(over_a, 2);
    assert_int_equal(over_b, asked);
}

static void what_cannot_be_begun(void **state)
{
    (void)state;
    static const struct ike_script other = {.name = "other", .version = 1, .exchange_type = 242, .steps = steps, .n_steps = 2};
    ike_sa_id id = node_sa(&a)->id;
    assert_int_equal(ike_exchange_start(a.e, id, &other, NULL, now), IKE_ERR_INVALID);
    assert_int_equal(ike_exchange_start(a.e, 12345, &echo, NULL, now), IKE_ERR_NOT_FOUND);
    a.lab.allowed = 0;
    assert_int_equal(start(), IKE_ERR_NOMEM);
    a.lab.allowed = -1;
    assert_int_equal(over_a, 0);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(start(), IKE_OK);
        a.n_out = 0;
    }
    assert_int_equal(start(), IKE_ERR_LIMIT);
    moods = GREEDY;
}

/* An engine looks at what it is given. */
static void what_is_not_taken(void **state)
{
    (void)state;
    struct ike_script bad[] = {echo, echo, echo, echo, echo};
    const struct ike_script *list[] = {NULL, NULL, NULL};
    bad[0].exchange_type = IKE_X1_QUICK;
    bad[1].version = 2;
    bad[2].n_steps = 0;
    bad[3].name = NULL;
    bad[4].delivery = &ike_v1_delivery;
    for (size_t i = 0; i < IKE_COUNT(bad) + 1; i++) {
        ike_settings s;
        ike_engine *e = NULL;
        static struct node c;
        node_settings(&c, &s);
        list[0] = i < IKE_COUNT(bad) ? &bad[i] : &echo;
        list[1] = i < IKE_COUNT(bad) ? NULL : &echo; /* two of a type */
        s.scripts = list;
        assert_int_equal(ike_engine_new(&e, &s, now), IKE_ERR_INVALID);
    }
}

/* What is built without HASH would go out unproved, what is heard without it is anybody's. */
static void what_would_be_unprotected_is_not_taken(void **state)
{
    (void)state;
    static ike_action *const bare[] = {put_question, NULL}, *const open_end[] = {ike_exchange_protect, put_question, NULL},
                             *const no_head[] = {put_question, ike_exchange_seal, NULL},
                             *const unchecked[] = {take_question, ike_exchange_check, NULL}, *const empty[] = {NULL};
    static ike_action *const *const builds[] = {NULL, bare, open_end, no_head, empty}, *const *const handles[] = {NULL, unchecked,
                                                                                                                  empty};
    for (size_t i = 0; i < IKE_COUNT(builds) + IKE_COUNT(handles) + 2; i++) {
        struct ike_step s[2] = {steps[0], steps[1]};
        struct ike_script script = echo;
        const struct ike_script *list[] = {&script, NULL};
        ike_settings set;
        ike_engine *e = NULL;
        static struct node c;
        size_t k = i - IKE_COUNT(builds);
        script.steps = s;
        if (i < IKE_COUNT(builds)) {
            s[i & 1].build = builds[i];
        } else if (k < IKE_COUNT(handles)) {
            s[k & 1].handle = handles[k];
        } else if (k == IKE_COUNT(handles)) {
            s[1].forms = NULL;
        } else {
            s[1].name = NULL;
        }
        node_settings(&c, &set);
        set.scripts = list;
        assert_int_equal(ike_engine_new(&e, &set, now), IKE_ERR_INVALID);
    }
}

static void short_memory_is_survived(void **state)
{
    (void)state;
    unsigned begun = 0;
    for (long allowed = 0; allowed < 12; allowed++) {
        a.lab.allowed = allowed;
        begun += start() == IKE_OK;
        a.lab.allowed = -1;
        b.lab.allowed = allowed;
        while (a.n_out) {
            (void)wire_step(&a);
        }
        b.lab.allowed = -1;
        for (unsigned i = 0; i < 10; i++) {
            wire_run();
            now += 5 * IKE_SEC;
            (void)ike_tick(a.e, now);
            (void)ike_tick(b.e, now);
        }
        wire_run();
    }
    assert_int_equal(counters(&a).exchanges + counters(&b).exchanges, 0);
    assert_int_equal(over_a, begun);
    assert_true(answered >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_and_an_answer, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(over_a_bad_line, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(strangers_are_not_heard, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(the_host_takes_its_time, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(or_refuses, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(or_has_had_enough_of_the_peer, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_that_does_not_know_it_is_silent, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(it_ends_with_the_sa, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_cannot_be_begun, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_is_not_taken, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_would_be_unprotected_is_not_taken, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(short_memory_is_survived, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
