/* SPDX-License-Identifier: ISC
 *
 * Aggressive Mode (RFC 2409 section 5.4) between two engines, and what somebody in between can do to messages that are in clear.
 */
#include "unit/v1_help.h"

static ike_bytes usual_secret;
static bool by_hook;
static ike_id asked_for;
static uint8_t asked_octets[64];

static void settings(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)child;
    s->aggressive = true;
    s->proposals = "aes128-sha256-modp2048, aes256-sha256-modp2048";
    usual_secret = s->secret;
    if (by_hook && x == &b) {
        s->secret = ike_bytes_of(NULL, 0);
        s->remote_id = (ike_id){0};
    }
}

static int secret_hook(void *user, ike_token t, const ike_secret_question *q, uint8_t *out, size_t *len)
{
    (void)user;
    (void)t;
    asked_for = q->remote_id;
    assert_true(q->remote_id.data.len <= sizeof asked_octets && usual_secret.len <= *len);
    memcpy(asked_octets, q->remote_id.data.ptr, q->remote_id.data.len);
    memcpy(out, usual_secret.ptr, usual_secret.len);
    *len = usual_secret.len;
    return IKE_OK;
}

static void hooks(struct node *x, ike_settings *s)
{
    if (by_hook && x == &b) {
        s->host.hooks.secret = secret_hook;
    }
}

static int begin(void **state)
{
    (void)state;
    by_hook = false;
    v1_new(NULL, settings);
    return 0;
}

static int begin_by_hook(void **state)
{
    (void)state;
    by_hook = true;
    v1_new(hooks, settings);
    return 0;
}

static void both_sides_have_the_same_keys(void **state)
{
    (void)state;
    v1_begin(1);
    assert_int_equal(a.out[0].bytes[18], IKE_X1_AGGRESSIVE);
    wire_run();
    struct ike_sa *i = node_sa(&a), *r = node_sa(&b);
    assert_true(i->established && r->established);
    assert_memory_equal(i->keys, r->keys, ike_key_kept(&i->layout));
    assert_memory_equal(i->v1->last_block, r->v1->last_block, i->encr->block);
    assert_int_equal(counters(&b).children, 1);
}

/* The one thing that Main Mode cannot do: a secret for each peer, wherever it comes from. */
static void the_secret_is_asked_for_by_the_identity_given(void **state)
{
    (void)state;
    v1_begin(1);
    wire_run();
    assert_int_equal(counters(&b).children, 1);
    const ike_id *is = &node_sa(&b)->peer->remote_id;
    assert_true(asked_for.type != IKE_ID_NONE && asked_for.type == is->type && asked_for.data.len == is->data.len);
    assert_memory_equal(asked_octets, is->data.ptr, is->data.len);
}

/* Put behind the last payload, ID, of the first message: its Next is behind the headers of SA, two VENDORs, KE, NONCE. */
static void initial_contact_in_clear_counts_for_nothing(void **state)
{
    (void)state;
    static uint8_t changed[2048];
    struct ike_message m;
    ike_path path = path_to(&b);
    v1_begin(1);
    size_t n = a.out[0].n;
    memcpy(changed, a.out[0].bytes, n);
    assert_int_equal(ike_message_parse(&m, changed, n), IKE_OK);
    size_t last = (size_t)(m.p[m.n - 1].body - changed) - 4;
    assert_int_equal(changed[last], 0);
    changed[last] = IKE_P1_NOTIFY;
    static const uint8_t notify[] = {0, 0, 0, 12, 0, 0, 0, 1, 1, 0, IKE_N1_INITIAL_CONTACT >> 8, IKE_N1_INITIAL_CONTACT & 255};
    memcpy(changed + n, notify, sizeof notify);
    ike_store32(changed + 24, (uint32_t)(n + sizeof notify));
    a.n_out = 0;
    assert_int_equal(node_input(&b, &path, changed, n + sizeof notify), IKE_OK);
    assert_int_equal(b.n_out, 1);
    assert_false(node_sa(&b)->setup->initial_contact);
    wire_run();
}

/* An answer that is dropped has a responder's cookie as well: it does not stand for the peer's. */
static void a_dropped_answer_leaves_no_cookie(void **state)
{
    (void)state;
    static const uint8_t types[] = {IKE_P1_KE, IKE_P1_NONCE, IKE_P1_ID};
    static uint8_t bad[2048];
    struct ike_message m;
    ike_path path = path_to(&a);
    v1_begin(2);
    size_t n = b.out[0].n;
    for (size_t i = 0; i < sizeof types; i++) {
        memcpy(bad, b.out[0].bytes, n);
        assert_int_equal(ike_message_parse(&m, bad, n), IKE_OK);
        const struct ike_payload *p = ike_message_find(&m, types[i], 0);
        memset(bad + (p->body - m.data), types[i] == IKE_P1_ID ? 0xff : 0, p->len);
        bad[8] ^= 0x55;
        (void)node_input(&a, &path, bad, n);
        assert_int_equal(a.n_out, 0);
        assert_int_equal(node_sa(&a)->spi_r, 0);
    }
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&a).failures, 0);
}

/* Memory runs out at each place in turn while the answer is heard; then comes one with the longer key. */
static void another_answer_after_short_memory(void **state)
{
    static const uint8_t bits128[] = {0x80, 14, 0, 128};
    static uint8_t other[2048];
    unsigned with_keys = 0;
    for (long i = 0; i < 60; i++) {
        v1_begin(2);
        ike_path path = path_to(&a);
        const size_t n = b.out[0].n;
        size_t at = 0;
        while (at + 4 <= n && memcmp(b.out[0].bytes + at, bits128, 4) != 0) {
            at++;
        }
        assert_true(at < 120);
        memcpy(other, b.out[0].bytes, n);
        ike_store16(other + at + 2, 256);
        a.lab.allowed = i;
        (void)node_input(&a, &path, b.out[0].bytes, n);
        a.lab.allowed = -1;
        struct ike_sa *sa = node_sa(&a);
        if (sa && sa->state == IKE_SA_CONNECTING && sa->keys && !a.n_out) {
            with_keys++;
            (void)node_input(&a, &path, other, n); /* its proof is wrong */
        }
        a.n_out = b.n_out = 0;
        pair_end();
        (void)begin(state);
    }
    assert_true(with_keys > 0);
}

/* With a value and a nonce of the forger's own it is as good as any, but for the proof. The first of them, and a hundred. */
static void an_answer_without_proof_ends_nothing(void **state)
{
    (void)state;
    static uint8_t bad[2048];
    struct ike_message m;
    ike_path path = path_to(&a);
    v1_begin(2);
    size_t n = b.out[0].n;
    for (unsigned i = 0; i < 10; i++) {
        memcpy(bad, b.out[0].bytes, n);
        assert_int_equal(ike_message_parse(&m, bad, n), IKE_OK);
        const struct ike_payload *p = ike_message_find(&m, i ? IKE_P1_NONCE : IKE_P1_HASH, 0);
        bad[p->body - m.data + 1] ^= (uint8_t)(i + 1);
        bad[8] ^= (uint8_t)(i + 1);
        (void)node_input(&a, &path, bad, n);
        assert_int_equal(a.n_out, 0);
        assert_int_equal(counters(&a).sas, 1);
    }
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&a).failures, 0);
}

/* When nothing better comes it was the peer's, after all. */
static void an_answer_without_proof_is_the_reason_in_the_end(void **state)
{
    (void)state;
    ike_path path = path_to(&a);
    static uint8_t bad[2048];
    struct ike_message m;
    v1_begin(2);
    size_t n = b.out[0].n;
    memcpy(bad, b.out[0].bytes, n);
    assert_int_equal(ike_message_parse(&m, bad, n), IKE_OK);
    bad[ike_message_find(&m, IKE_P1_HASH, 0)->body - m.data] ^= 1;
    for (unsigned i = 0; i < 40; i++) { /* no more is heard of than can be the peer's */
        bad[8] = (uint8_t)i;
        (void)node_input(&a, &path, bad, n);
    }
    assert_int_equal(counters(&a).sas, 1);
    b.n_out = 0;
    now += 3 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(counters(&a).sas, 0);
    node_failed(&a, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
    assert_int_equal(a.n_out, 0);
}

static void any_peer(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    settings(x, s, child);
    s->remote = x == &b ? (ike_addr){0} : s->remote;
}

static void twenty_a_second(struct node *x, ike_settings *s)
{
    (void)x;
    s->replies_per_second = 20;
}

/* Each answer costs a key exchange: of strangers so many are served in a second, and a tenth of them from one source. Of the
 * others nothing is kept. */
static void strangers_get_few_key_exchanges(void **state)
{
    (void)state;
    static uint8_t first[2048];
    ike_path path;
    unsigned answers = 0;
    v1_new(twenty_a_second, any_peer);
    v1_begin(1);
    size_t n = a.out[0].n;
    memcpy(first, a.out[0].bytes, n);
    a.n_out = 0;
    path = path_to(&b);
    for (uint32_t i = 0; i < 200; i++) {
        char source[32];
        snprintf(source, sizeof source, "10.0.%u.7:500", i < 20 ? 0 : (unsigned)i);
        path.remote = lab_addr(source);
        ike_store64(first, 0x1000 + i);
        (void)node_input(&b, &path, first, n);
        answers += b.n_out;
        b.n_out = 0;
        assert_int_equal(counters(&b).half_open, answers);
        assert_int_equal(i == 19 ? answers : 2, 2);
    }
    assert_int_equal(answers, 20);
    now += IKE_SEC;
    assert_int_equal(node_input(&b, &path, first, n), IKE_OK);
    assert_int_equal(b.n_out, 1);
    b.n_out = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_sides_have_the_same_keys, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(the_secret_is_asked_for_by_the_identity_given, begin_by_hook, pair_is_over),
        cmocka_unit_test_setup_teardown(initial_contact_in_clear_counts_for_nothing, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_dropped_answer_leaves_no_cookie, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(an_answer_without_proof_ends_nothing, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(an_answer_without_proof_is_the_reason_in_the_end, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(another_answer_after_short_memory, begin, pair_is_over),
        cmocka_unit_test_teardown(strangers_get_few_key_exchanges, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
