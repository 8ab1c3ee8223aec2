/* SPDX-License-Identifier: ISC
 *
 * The life of an engine and the frame around every call: settings that are refused, memory that is short at the start, calls from
 * inside hooks, events, answers to questions.
 */
#include "unit/engine_help.h"

/* ---- Settings ---------------------------------------------------------------------------------------------------------- */

static void wrong_size(ike_settings *s) { s->size--; }
static void host_size(ike_settings *s) { s->host.size++; }
static void no_random(ike_settings *s) { s->host.random = NULL; }
static void no_send(ike_settings *s) { s->host.send = NULL; }
static void half_allocator(ike_settings *s) { s->host.release = NULL; }
static void small_message(ike_settings *s) { s->max_message = 1279; }
static void big_message(ike_settings *s) { s->max_message = 65536; }
static void no_wait(ike_settings *s) { s->retransmit_first_ms = 0; }
static void shrinking_wait(ike_settings *s) { s->retransmit_factor_pct = 99; }
static void wild_jitter(ike_settings *s) { s->retransmit_jitter_pct = 51; }
static void long_tag(ike_settings *s) { s->spi_tag_bits = 17; }
static void no_half_open(ike_settings *s) { s->max_half_open = 0; }
static void no_half_open_life(ike_settings *s) { s->half_open_life_ms = 0; }
static void no_longest_wait(ike_settings *s) { s->retransmit_max_ms = 0; }
static void no_pause(ike_settings *s) { s->retry_first_ms = 0; }
static void no_longest_pause(ike_settings *s) { s->retry_max_ms = 0; }
static void no_temporary_pause(ike_settings *s) { s->temporary_retry_ms = 0; }

static void settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static void (*const spoil[])(ike_settings *) = {
        wrong_size,        host_size,       no_random,      no_send,          half_allocator,    small_message,
        big_message,       no_wait,         shrinking_wait, wild_jitter,      long_tag,          no_half_open,
        no_half_open_life, no_longest_wait, no_pause,       no_longest_pause, no_temporary_pause};
    for (size_t i = 0; i < IKE_COUNT(spoil); i++) {
        struct node x;
        ike_settings s;
        ike_engine *e = NULL;
        node_settings(&x, &s);
        spoil[i](&s);
        assert_int_equal(ike_engine_new(&e, &s, 0), IKE_ERR_INVALID);
        assert_null(e);
        assert_int_equal(x.lab.blocks, 0);
    }
}

static int no_child(void *user, ike_token t, const ike_child_question *q)
{
    (void)user, (void)t, (void)q;
    return IKE_ERR_AUTH;
}

static bool no_transform(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    return (void)user, (void)protocol, (void)family, (void)type, (void)id, (void)bits, false;
}

static void see(void *user, const ike_path *path, bool out, const uint8_t *bytes, size_t n)
{
    (void)user, (void)path, (void)out, (void)bytes, (void)n;
}

/* Who is to be asked and cannot be would let everybody in; what is not carried would be agreed on. */
static void hooks_that_are_never_asked_are_refused(void **state)
{
    (void)state;
    const bool there[] = {IKE_WITH_QUESTIONS, IKE_WITH_PROPOSALS, IKE_WITH_RECORDS};
    for (unsigned i = 0; i < IKE_COUNT(there); i++) {
        struct node x;
        ike_settings s;
        ike_engine *e = NULL;
        node_settings(&x, &s);
        s.host.hooks.child = i == 0 ? no_child : NULL;
        s.host.sadb.carries = i == 1 ? no_transform : NULL;
        s.host.tap = i == 2 ? see : NULL;
        assert_int_equal(ike_engine_new(&e, &s, 0), there[i] ? IKE_OK : IKE_ERR_UNSUPPORTED);
        ike_engine_free(e);
        assert_int_equal(x.lab.blocks, 0);
    }
}

static void a_start_without_memory_or_randomness_leaks_nothing(void **state)
{
    (void)state;
    struct node x;
    ike_settings s;
    ike_engine *e = NULL;
    int r = IKE_ERR_NOMEM;
    for (long n = 0; r != IKE_OK; n++) {
        assert_true(n < 1000);
        node_settings(&x, &s);
        x.lab.allowed = n;
        r = ike_engine_new(&e, &s, 0);
        assert_true(r == IKE_OK || r == IKE_ERR_NOMEM);
        assert_true(r == IKE_OK || x.lab.blocks == 0);
    }
    ike_engine_free(e);
    ike_engine_free(NULL);
    assert_int_equal(x.lab.blocks, 0);
    node_settings(&x, &s);
    x.lab.no_random = true;
    assert_int_equal(ike_engine_new(&e, &s, 0), IKE_ERR_HOST);
    assert_int_equal(x.lab.blocks, 0);
}

static void one_without_an_allocator_uses_the_c_library(void **state)
{
    (void)state;
    struct node x;
    ike_settings s;
    ike_engine *e = NULL;
    node_settings(&x, &s);
    s.host.alloc = NULL;
    s.host.release = NULL;
    assert_int_equal(ike_engine_new(&e, &s, 0), IKE_OK);
    ike_engine_free(e);
}

/* ---- Memory and ciphers of another kind -------------------------------------------------------------------------------- */

/* As an allocator may that aligns to 8. */
static void *odd_alloc(void *user, size_t n)
{
    uint8_t *p = lab_alloc(user, n + 8);
    return p ? p + 8 : NULL;
}

static void odd_release(void *user, void *p, size_t n) { lab_release(user, (uint8_t *)p - 8, n + 8); }

static void odd_memory(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.alloc = odd_alloc;
    s->host.release = odd_release;
}

static void memory_aligned_to_8_will_do(void **state)
{
    (void)state;
    pair_new(odd_memory);
    assert_int_equal((uintptr_t)a.e->core.ctx % 16, 0);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    pair_end();
}

static bool never(void) { return false; }

/* The default crypto on a CPU where AES goes by tables. */
static ike_encr slow[16];
static const ike_encr *slow_list[17];
static ike_crypto old_cpu(void)
{
    ike_crypto k = *ike_crypto_default();
    for (size_t i = 0; k.encr[i]; i++) {
        assert_true(i < IKE_COUNT(slow));
        slow[i] = *k.encr[i];
        if (k.encr[i]->constant_time) {
            slow[i].constant_time = never;
        }
        slow_list[i] = &slow[i];
    }
    k.encr = slow_list;
    return k;
}

static void ciphers_that_tell_of_their_keys_are_left_out(void **state)
{
    (void)state;
    struct node x;
    ike_settings s;
    ike_conn_id id;
    ike_conn_settings cs;
    ike_crypto k = old_cpu();
    if (!ike_find_encr(&k, 28)) {
        print_message("left out: no ChaCha20 in this build, so nothing is left without AES\n");
        return;
    }
    for (int leave = 0; leave < 2; leave++) {
        memset(&x, 0, sizeof x);
        node_settings(&x, &s);
        s.crypto = &k;
        s.allow_variable_time = leave;
        assert_int_equal(ike_engine_new(&x.e, &s, 0), IKE_OK);
        assert_true((ike_find_encr(x.e->core.crypto, 20) != NULL) == leave);
        assert_non_null(ike_find_encr(x.e->core.crypto, 28)); /* ChaCha20 has no tables */
        assert_int_equal(node_conn(&x, "secret", &id), IKE_OK);
        ike_conn_settings_init(&cs);
        cs.name = "aes";
        cs.proposals = "aes128gcm16-prfsha256-x25519";
        assert_int_equal(ike_conn_add(x.e, &cs, &id, 0), leave ? IKE_OK : IKE_ERR_UNSUPPORTED);
        ike_engine_free(x.e);
        assert_int_equal(x.lab.blocks, 0);
    }
    for (size_t i = 0; slow_list[i]; i++) {
        slow[i].constant_time = never;
    }
    node_settings(&x, &s);
    s.crypto = &k;
    s.allow_variable_time = false;
    assert_int_equal(ike_engine_new(&x.e, &s, 0), IKE_ERR_UNSUPPORTED);
    assert_int_equal(x.lab.blocks, 0);
}

/* ---- Calls from inside hooks ------------------------------------------------------------------------------------------- */

static unsigned refused_calls;
static bool probing;

/* Every function that enters the engine. */
static void try_everything(ike_engine *e)
{
    ike_conn_settings cs;
    ike_conn_id c;
    ike_addr addr = lab_addr("192.0.2.9");
    ike_path path = {.local = addr, .remote = addr};
    ike_ts ts = lab_ts("10.0.0.0/8");
    uint8_t datagram[28] = {1};
    ike_conn_settings_init(&cs);
    cs.name = "x";
    const int results[] = {
        ike_input(e, &path, datagram, sizeof datagram, now),
        ike_tick(e, now),
        ike_engine_close(e, now),
        ike_conn_add(e, &cs, &c, now),
        ike_conn_replace(e, 1, &cs, true, now),
        ike_conn_set_remote(e, 1, &addr),
        ike_conn_remove(e, 1, now),
        ike_initiate(e, 1, NULL, now),
        ike_acquire(e, 1, "lan", &ts, &ts, now),
        ike_sa_rekey(e, 1, now),
        ike_child_rekey(e, 1, now),
        ike_sa_close(e, 1, now),
        ike_child_close(e, 1, now),
        ike_sa_check(e, 1, now),
        ike_child_expire(e, 1, true, now),
        ike_peer_moved(e, 1, &addr, now),
        ike_answer_peer(e, 1, 1, now),
        ike_answer_secret(e, 1, IKE_OK, IKE_STR("x"), now),
        ike_answer_spi(e, 1, IKE_OK, 5, now),
        ike_answer_done(e, 1, IKE_OK, now),
    };
    for (size_t i = 0; i < IKE_COUNT(results); i++) {
        if (results[i] != IKE_ERR_STATE) {
            fail_msg("call %zu gave %s", i, ike_strerror(results[i]));
        }
    }
    refused_calls++;
}

static void probe(void *user)
{
    struct node *x = user;
    if (probing && x->e) {
        try_everything(x->e);
    }
}

static unsigned in_hook[16];
#define PROBE(n) (in_hook[n]++, probe(user))
static void *p_alloc(void *user, size_t n) { return PROBE(0), lab_alloc(user, n); }
static void p_release(void *user, void *p, size_t n) { PROBE(1), lab_release(user, p, n); }
static int p_random(void *user, uint8_t *out, size_t n) { return PROBE(2), lab_random(user, out, n); }
static void p_send(void *user, const ike_path *p, ike_send_kind k, const uint8_t *d, size_t n)
{
    PROBE(3), node_send(user, p, k, d, n);
}
static void p_log(void *user, ike_log_class c, ike_log_level l, ike_sa_id s, const char *t)
{
    PROBE(4), lab_log(user, c, l, s, t);
}
static void p_tap(void *user, const ike_path *p, bool out, const uint8_t *d, size_t n)
{
    (void)p, (void)out, (void)d, (void)n, PROBE(5);
}
static void p_keys(void *user, const ike_keylog *k) { PROBE(6), node_keys(user, k); }
static int p_get_spi(void *user, ike_token t, const ike_path *p, uint8_t proto, uint32_t reqid, uint32_t *spi)
{
    (void)t, (void)p, (void)proto, (void)reqid;
    static uint32_t next = 256;
    *spi = next++;
    return PROBE(7), IKE_OK;
}
static int p_add(void *user, ike_token t, const ike_ipsec_sa *sa) { return PROBE(8), node_add(user, t, sa); }
static void p_remove(void *user, const ike_ipsec_sa *sa) { PROBE(9), node_remove(user, sa); }
static int p_peer(void *user, ike_token t, const ike_peer_question *q, ike_conn_id *c)
{
    (void)t, (void)q, (void)c;
    return PROBE(10), IKE_OK;
}
static int p_child(void *user, ike_token t, const ike_child_question *q)
{
    (void)t, (void)q;
    return PROBE(11), IKE_OK;
}

static void probing_hooks(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.alloc = p_alloc;
    s->host.release = p_release;
    s->host.random = p_random;
    s->host.send = p_send;
    s->host.log = p_log;
    s->host.tap = IKE_WITH_RECORDS ? p_tap : NULL;
    s->host.keys = p_keys;
    s->host.sadb.get_spi = p_get_spi;
    s->host.sadb.add = p_add;
    s->host.sadb.remove = p_remove;
    s->host.hooks.peer = IKE_WITH_QUESTIONS ? p_peer : NULL;
    s->host.hooks.child = IKE_WITH_QUESTIONS ? p_child : NULL;
    memset(s->host.log_level, IKE_LOG_TRACE, sizeof s->host.log_level);
}

static void calls_from_inside_a_hook_are_refused(void **state)
{
    (void)state;
    probing = true;
    memset(in_hook, 0, sizeof in_hook);
    pair_up(probing_hooks);
    ike_child_info child;
    assert_int_equal(ike_child_next(a.e, 0, &child), IKE_OK);
    assert_int_equal(ike_child_rekey(a.e, child.id, now), IKE_OK);
    wire_run();
    assert_int_equal(ike_engine_close(a.e, now), IKE_OK);
    wire_run();
    probing = false;
    for (unsigned i = 0; i < 12; i++) {
        const bool there = i == 4 ? IKE_WITH_WORDS : i == 5 ? IKE_WITH_RECORDS : i < 10 || IKE_WITH_QUESTIONS;
        if (!in_hook[i] && there) { /* 4: log; 5: tap; 10, 11: peer, child */
            fail_msg("hook %u was never called", i);
        }
    }
    assert_true(refused_calls > 100);
    pair_end();
}

/* ---- Events ------------------------------------------------------------------------------------------------------------ */

static void on_event_close(void *user, const ike_event *ev)
{
    node_event(user, ev);
    if (ev->type == IKE_EV_CHILD_UP && user == &a) {
        unsigned events = a.n_events;
        assert_int_equal(ike_child_close(a.e, ev->child, now), IKE_OK); /* allowed from here */
        assert_int_equal(a.n_events, events);                           /* and delivers nothing yet */
    }
}

static void closing_events(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.event = on_event_close;
}

static void from_an_event_every_call_is_allowed(void **state)
{
    (void)state;
    pair_up(closing_events);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
    pair_end();
}

static void no_event_comes_from_freeing(void **state)
{
    (void)state;
    pair_up(NULL);
    unsigned events = a.n_events, sent = a.n_out;
    assert_int_equal(a.adds, 2);
    ike_engine_free(a.e);
    assert_int_equal(a.n_events, events);
    assert_int_equal(a.n_out, sent);
    assert_int_equal(a.removes, 2);
    assert_int_equal(a.lab.blocks, 0);
    ike_engine_free(b.e);
}

static void time_does_not_run_backwards(void **state)
{
    (void)state;
    pair_up(NULL);
    ike_sa_info before, after;
    assert_int_equal(ike_tick(a.e, 100 * IKE_SEC), IKE_OK);
    assert_int_equal(ike_sa_next(a.e, 0, &before), IKE_OK);
    assert_int_equal(ike_tick(a.e, 5 * IKE_SEC), IKE_OK);
    assert_true(a.e->core.now == 100 * IKE_SEC);
    assert_int_equal(ike_sa_next(a.e, 0, &after), IKE_OK);
    assert_true(before.rekey_at == after.rekey_at);
    assert_true(ike_next_timeout(a.e) > 100 * IKE_SEC);
    pair_end();
}

/* ---- Answers ----------------------------------------------------------------------------------------------------------- */

static ike_token open_question;
static int late_add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    (void)sa;
    open_question = t;
    return user == &b ? IKE_PENDING : IKE_OK;
}
static void late_adds(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.sadb.add = late_add;
}

static void an_answer_is_taken_once_and_by_its_kind(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    pair_new(late_adds);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    ike_token t = open_question;
    assert_int_equal(counters(&b).questions, 1);
    assert_int_equal(ike_answer_peer(b.e, t, b.conn, now), IKE_ERR_INVALID);
    assert_int_equal(ike_answer_spi(b.e, t, IKE_OK, 300, now), IKE_ERR_INVALID);
    assert_int_equal(ike_answer_secret(b.e, t, IKE_OK, IKE_STR("x"), now), IKE_ERR_INVALID);
    assert_int_equal(ike_answer_done(b.e, t + 1, IKE_OK, now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_answer_done(b.e, 0, IKE_OK, now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_answer_done(b.e, t, IKE_OK, now), IKE_OK);
    assert_int_equal(ike_answer_done(b.e, t, IKE_OK, now), IKE_ERR_NOT_FOUND);
    assert_true(open_question != t); /* the other direction is asked for */
    assert_int_equal(ike_answer_done(b.e, open_question, IKE_OK, now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    assert_int_equal(counters(&b).questions, 0);
    pair_end();
}

#if !IKE_WITH_QUESTIONS
/* Nobody waits: the child is refused, and nothing is left of it. */
static void a_plane_that_would_answer_later_has_failed(void **state)
{
    (void)state;
    pair_new(late_adds);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    node_failed(&b, IKE_FAIL_KERNEL, IKE_DECIDER_HOST);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP) + node_saw(&b, IKE_EV_CHILD_UP), 0);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
    assert_int_equal(counters(&b).questions, 0);
    pair_end();
}
#endif

static struct {
    bool late;
    int out; /* installed or asked for */
    ike_token token;
} outbound;

static int slow_add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    bool late = outbound.late && user == &b && !sa->inbound;
    outbound.out += user == &b && !sa->inbound;
    outbound.token = late ? t : outbound.token;
    return late ? IKE_PENDING : IKE_OK;
}

static void slow_remove(void *user, const ike_ipsec_sa *sa) { outbound.out -= user == &b && !sa->inbound; }

static void slow_plane(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.sadb.add = slow_add;
    s->host.sadb.remove = slow_remove;
}

/* The peer's Delete of a child that was rekeyed waits for the one that takes over; the host closes the IKE SA meanwhile. */
static void a_refusal_counts_though_its_ike_sa_goes(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    memset(&outbound, 0, sizeof outbound);
    pair_new(slow_plane);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    outbound.late = true;
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    wire_run();
    assert_true(outbound.token != 0);
    assert_int_equal(outbound.out, 2);
    assert_int_equal(ike_sa_close(b.e, node_sa(&b)->id, now), IKE_OK);
    outbound.out--; /* it is not there */
    assert_int_equal(ike_answer_done(b.e, outbound.token, IKE_ERR_HOST, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(outbound.out, 0);
    pair_end();
}

/* The host took too long; that the connection went meanwhile makes no difference. */
static void a_question_dies_with_its_asker(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    for (int removed = 0; removed < 2; removed++) {
        pair_new(late_adds);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        wire_run();
        ike_token t = open_question;
        if (removed) {
            assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
        }
        assert_int_equal(counters(&b).questions, 1);
        assert_int_equal(ike_tick(b.e, now + 1000 * IKE_SEC), IKE_OK);
        assert_int_equal(b.lab.cancelled, 1);
        assert_true(b.lab.last_cancel == t);
        assert_int_equal(counters(&b).questions, 0);
        assert_int_equal(ike_answer_done(b.e, t, IKE_OK, now), IKE_ERR_NOT_FOUND);
        pair_end();
    }
}

/* ---- Freeing from a callback ------------------------------------------------------------------------------------------- */

static void free_on_event(void *user, const ike_event *ev)
{
    struct node *x = user;
    node_event(user, ev);
    ike_engine_free(x->e);
    ike_engine_free(x->e);
    assert_int_equal(ike_tick(x->e, now), IKE_ERR_STATE);
}

static void free_on_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    node_send(user, path, kind, bytes, n);
    ike_engine_free(((struct node *)user)->e);
}

static void freeing_waits_for_the_call_that_is_under_way(void **state)
{
    (void)state;
    for (int hook = 0; hook < 2; hook++) {
        pair_new(NULL);
        if (hook) {
            a.e->core.set.host.send = free_on_send;
        } else {
            a.e->core.set.host.event = free_on_event;
        }
        (void)ike_initiate(a.e, a.conn, "lan", now);
        while (!hook && a.n_out + b.n_out && a.lab.blocks) {
            (void)wire_step(a.n_out ? &a : &b);
        }
        assert_int_equal(a.lab.blocks, 0);
        assert_int_equal(a.n_events, !hook); /* the first event was the last */
        a.e = NULL;
        pair_end();
    }
}

/* ---- Attempts that do not come as far as a message ---------------------------------------------------------------------- */

static int no_way(void *user, ike_path *path)
{
    (void)user, (void)path;
    return IKE_ERR_HOST;
}

static void an_attempt_that_cannot_begin_leaves_a_record(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    struct node x = {.n_out = 0};
    ike_settings s;
    ike_conn_settings cs;
    ike_conn_id id;
    ike_failure f;
    node_settings(&x, &s);
    s.max_sas = 1;
    s.host.route = no_way;
    assert_int_equal(ike_engine_new(&x.e, &s, 0), IKE_OK);
    ike_conn_settings_init(&cs);
    cs.name = "away";
    cs.source = "f:7";
    cs.remote = lab_addr("192.0.2.7");
    assert_int_equal(ike_conn_add(x.e, &cs, &id, 0), IKE_OK);
    assert_int_equal(ike_initiate(x.e, id, NULL, 0), IKE_ERR_HOST);
    assert_int_equal(ike_conn_failure(x.e, id, &f), IKE_OK);
    assert_true(f.code == IKE_FAIL_NO_ROUTE && f.decider == IKE_DECIDER_HOST && f.error == IKE_ERR_HOST && f.initiator);
    assert_true(ike_addr_equal(&f.remote, &(ike_addr){.family = 4, .ip = {192, 0, 2, 7}, .port = 500}));
    assert_string_equal(f.source, "f:7");
    assert_int_equal(node_saw(&x, IKE_EV_FAILED), 1);
    assert_int_equal(counters(&x).failures, 1);

    x.e->core.set.host.route = NULL;
    assert_int_equal(ike_initiate(x.e, id, NULL, 0), IKE_OK);
    cs.name = "more";
    assert_int_equal(ike_conn_add(x.e, &cs, &id, 0), IKE_OK);
    assert_int_equal(ike_initiate(x.e, id, NULL, 0), IKE_ERR_LIMIT);
    assert_int_equal(ike_conn_failure(x.e, id, &f), IKE_OK);
    assert_int_equal(f.code, IKE_FAIL_LIMIT);
    assert_int_equal(node_saw(&x, IKE_EV_FAILED), 2);
    ike_engine_free(x.e);
    assert_int_equal(x.lab.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(hooks_that_are_never_asked_are_refused),
        cmocka_unit_test(a_start_without_memory_or_randomness_leaks_nothing),
        cmocka_unit_test(one_without_an_allocator_uses_the_c_library),
        cmocka_unit_test(memory_aligned_to_8_will_do),
        cmocka_unit_test(ciphers_that_tell_of_their_keys_are_left_out),
        cmocka_unit_test(freeing_waits_for_the_call_that_is_under_way),
        cmocka_unit_test(an_attempt_that_cannot_begin_leaves_a_record),
        cmocka_unit_test(calls_from_inside_a_hook_are_refused),
        cmocka_unit_test(from_an_event_every_call_is_allowed),
        cmocka_unit_test(no_event_comes_from_freeing),
        cmocka_unit_test(time_does_not_run_backwards),
        cmocka_unit_test(an_answer_is_taken_once_and_by_its_kind),
#if !IKE_WITH_QUESTIONS
        cmocka_unit_test(a_plane_that_would_answer_later_has_failed),
#endif
        cmocka_unit_test(a_question_dies_with_its_asker),
        cmocka_unit_test(a_refusal_counts_though_its_ike_sa_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
