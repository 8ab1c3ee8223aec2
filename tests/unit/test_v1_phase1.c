/* SPDX-License-Identifier: ISC
 *
 * Main Mode (RFC 2409 section 5) between two engines: keys and proofs, what is refused and what the records say of it, what
 * strangers can spoil, and what short memory costs.
 */
#include "unit/v1_help.h"

static const char *proposals, *secret, *remote_id;
static bool newer;

/* b differs from a in what is set. */
static void differ(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)child;
    if (proposals && x == &a) {
        s->proposals = "aes128-sha256-modp2048";
    }
    if (x == &b) {
        s->proposals = proposals ? proposals : s->proposals;
        s->secret = secret ? ike_bytes_of(secret, strlen(secret)) : s->secret;
        s->remote_id = remote_id ? (ike_id){IKE_ID_FQDN, ike_bytes_of(remote_id, strlen(remote_id))} : s->remote_id;
        s->version = newer ? IKE_SPEAKS_V2 : s->version;
    }
}

static int begin(void **state)
{
    (void)state;
    proposals = secret = remote_id = NULL;
    newer = false;
    v1_new(NULL, NULL);
    return 0;
}

static void change(void)
{
    node_speaks_v1(&a, differ);
    node_speaks_v1(&b, differ);
}

/* SKEYID_d, SKEYID_a, the cipher's key; and the block from which all later IVs follow, whoever sent it. */
static void both_sides_have_the_same_keys(void **state)
{
    (void)state;
    v1_begin(1);
    v1_finish();
    struct ike_sa *i = node_sa(&a), *r = node_sa(&b);
    assert_memory_equal(i->keys, r->keys, ike_key_kept(&i->layout));
    assert_memory_equal(i->v1->last_block, r->v1->last_block, i->encr->block);
    assert_false(ike_is_zero(i->v1->last_block, i->encr->block));
}

/* The first hash is of the end it goes to, the second of the one it comes from (RFC 3947 section 3.2). */
static void nat_detection_names_the_far_end_first(void **state)
{
    (void)state;
    v1_begin(3);
    struct ike_message m;
    const struct ike_sa *sa = node_sa(&a);
    const ike_hash *hash = ike_v1_hash_of(a.e->core.crypto, sa->prf);
    assert_int_equal(ike_message_parse(&m, a.out[0].bytes, a.out[0].n), IKE_OK);
    for (unsigned i = 0; i < 2; i++) {
        const struct ike_payload *p = ike_message_find(&m, IKE_P1_NAT_D, i);
        uint8_t in[22] = {0}, out[64];
        ike_store64(in, sa->spi_i);
        ike_store64(in + 8, sa->spi_r);
        memcpy(in + 16, (const uint8_t[]){192, 0, 2, i ? 1 : 2, 500 >> 8, 500 & 255}, 6);
        hash->init(seal_scratch);
        hash->update(seal_scratch, in, sizeof in);
        hash->final(seal_scratch, out);
        assert_non_null(p);
        assert_int_equal(p->len, sa->prf->mac->len);
        assert_memory_equal(p->body, out, p->len);
    }
    v1_finish();
}

/* As with ciphers that bring their own integrity, which phase 1 has no numbers for: such a connection is not taken. */
static void proposals_that_ikev1_cannot_express(void **state)
{
    (void)state;
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&a, child);
    s.version = IKE_SPEAKS_V1;
    s.proposals = "aes256gcm16-prfsha256-x25519, aes256gcm16-prfsha256-modp2048";
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_ERR_UNSUPPORTED);
    child[0].proposals = "chacha20poly1305";
    s.proposals = NULL;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_ERR_UNSUPPORTED);
    child[0].proposals = NULL;
    /* A connection for both versions may come to it all the same. */
    v1_begin(1);
    wire_run();
    s.version = IKE_SPEAKS_ANY;
    s.proposals = "aes256gcm16-prfsha256-x25519, aes256gcm16-prfsha256-modp2048";
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
    assert_int_equal(a.n_out, 0);
    node_failed(&a, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
}

static void no_common_proposal_is_said_and_recorded_on_both_sides(void **state)
{
    (void)state;
    proposals = "aes256-sha512-modp4096, aes256-sha512-ecp384";
    change();
    v1_begin(1);
    assert_int_equal(wire_step(&a), IKE_OK);
    node_failed(&b, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_US);
    assert_int_equal(b.n_out, 1);
    struct ike_message m;
    assert_int_equal(ike_message_parse(&m, b.out[0].bytes, b.out[0].n), IKE_OK);
    assert_true(m.h.exchange == IKE_X1_INFORMATIONAL && !m.h.flags && b.out[0].n < 100);
    (void)wire_step(&b);
    assert_int_equal(counters(&a).failures, 0); /* anybody could have said it: wait for better */
    node_pass(&a, 5);
    node_failed(&a, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_PEER);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    a.n_out = 0;
}

/* In clear, by somebody who sees what is sent. */
static void forge_refusal(void)
{
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    const struct ike_sa *sa = node_sa(&a);
    struct ike_header h = {.spi_i = sa->spi_i, .version = IKE_V1_VERSION, .exchange = IKE_X1_INFORMATIONAL};
    h.spi_r = sa->spi_r ? sa->spi_r : 99;
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_NO_PROPOSAL_CHOSEN, ike_bytes_of(NULL, 0));
    h.next = c.first;
    h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(forged, &h);
    memcpy(forged + IKE_HEADER_LEN, c.w.p, c.w.len);
    (void)node_input(&a, &path, forged, h.length);
}

/* And if something better comes, it was nothing. */
static void a_forged_refusal_does_no_harm(void **state)
{
    (void)state;
    v1_begin(2);
    forge_refusal();
    v1_finish();
}

/* The fifth, which was refused in the peer's name, gets there when it comes for the third time. */
static void nor_where_messages_are_lost(void **state)
{
    (void)state;
    v1_begin(5);
    forge_refusal();
    a.n_out = 0;
    node_pass(&a, 3);
    assert_int_equal(a.n_out, 1);
    a.n_out = 0;
    forge_refusal();
    node_pass(&a, 4);
    assert_int_equal(a.n_out, 1);
    v1_finish();
}

static void a_later_refusal_is_the_reason_within_seconds(void **state)
{
    (void)state;
    for (unsigned messages = 3; messages <= 5; messages += 2) {
        v1_begin(messages);
        forge_refusal();
        a.n_out = 0;
        node_pass(&a, 10);
        assert_int_equal(counters(&a).failures, 0);
        node_pass(&a, 5);
        node_failed(&a, IKE_FAIL_NO_PROPOSAL, IKE_DECIDER_PEER);
        assert_int_equal(counters(&a).sas, 0);
        a.n_out = b.n_out = 0;
        pair_end();
        assert_int_equal(begin(NULL), 0);
    }
}

/* What comes under the keys of another secret makes no sense. */
static void another_secret_is_named_when_the_time_is_over(void **state)
{
    (void)state;
    secret = "another";
    change();
    v1_begin(5);
    (void)wire_step(&a);
    assert_int_equal(b.n_out, 0);
    node_pass(&b, 120);
    node_failed(&b, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_NOBODY);
    assert_int_equal(counters(&b).sas, 0);
    node_pass(&a, 400);
    node_failed(&a, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY);
    ike_failure f = {.size = sizeof f};
    char text[1024];
    assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_OK);
    assert_string_equal(f.expected, "an answer to Main Mode 5 (ID)");
    assert_true(ike_failure_explain(&f, text, sizeof text) < sizeof text);
    assert_non_null(strstr(text, "the same `secret`"));
    assert_int_equal(counters(&a).sas, 0);
    a.n_out = 0;
}

/* Nobody there at all: that is another story. */
static void silence_from_the_beginning(void **state)
{
    (void)state;
    v1_begin(1);
    node_pass(&a, 400);
    ike_failure f = {.size = sizeof f};
    assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_OK);
    assert_string_equal(f.expected, "an answer to Main Mode 1 (SA)");
    a.n_out = 0;
}

/* The proofs are over the offer as the initiator made it: here the lifetime of a transform that is not chosen is another. */
static void an_offer_changed_on_the_way_is_noticed(void **state)
{
    (void)state;
    struct ike_message m;
    v1_begin(1);
    assert_int_equal(ike_message_parse(&m, a.out[0].bytes, a.out[0].n), IKE_OK);
    const struct ike_payload *sa = ike_message_find(&m, IKE_P1_SA, 0);
    a.out[0].bytes[(size_t)(sa->body - a.out[0].bytes) + sa->len - 1] ^= 1;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(wire_step(i % 2 ? &b : &a), IKE_OK);
    }
    node_failed(&b, IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
    assert_int_equal(counters(&b).sas, 0);
    a.n_out = b.n_out = 0;
}

static void another_identity_is_refused(void **state)
{
    (void)state;
    remote_id = "somebody.example";
    change();
    v1_begin(5);
    (void)wire_step(&a);
    node_failed(&b, IKE_FAIL_IDENTITY, IKE_DECIDER_US);
    assert_int_equal(counters(&b).sas, 0);
    a.n_out = b.n_out = 0;
}

/* Whoever speaks no IKEv1 says nothing to it. */
static void silence_where_only_the_newer_version_is_spoken(void **state)
{
    (void)state;
    newer = true;
    change();
    v1_begin(1);
    (void)wire_step(&a);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).sas, 0);
    a.n_out = 0;
}

/* Each octet of the encrypted part of the fifth message, flipped before the true one comes. */
static void garbled_proofs_leave_no_trace(void **state)
{
    (void)state;
    static uint8_t bad[2048];
    ike_path path = path_to(&b);
    v1_begin(5);
    /* The first block: identity's header. Without it nothing is understood. */
    for (size_t at = IKE_HEADER_LEN; at < IKE_HEADER_LEN + 4; at++) {
        memcpy(bad, a.out[0].bytes, a.out[0].n);
        bad[at] ^= 0x55;
        (void)node_input(&b, &path, bad, a.out[0].n);
        assert_int_equal(b.n_out, 0);
    }
    v1_finish();
}

/* Our own messages thrown back at us, each while the next of the peer's is waited for. */
static void reflections_are_dropped(void **state)
{
    (void)state;
    static uint8_t ours[2048];
    v1_begin(1);
    for (unsigned i = 1; i < 6; i++) {
        struct node *x = i % 2 ? &a : &b;
        ike_path path = path_to(x);
        size_t n = x->out[0].n;
        memcpy(ours, x->out[0].bytes, n);
        (void)node_input(x, &path, ours, n);
        assert_int_equal(x->n_out, 1);
        (void)wire_step(x);
    }
    v1_finish();
}

/* Each of the responder's three messages, with the first allocation failing, the second, … */
static void short_memory_costs_repetitions_only(void **state)
{
    (void)state;
    static uint8_t theirs[2048];
    ike_path path = path_to(&b);
    v1_begin(1);
    for (unsigned message = 1; message <= 5; message += 2) {
        size_t n = a.out[0].n;
        memcpy(theirs, a.out[0].bytes, n);
        a.n_out = 0;
        long i = 0;
        for (; i < 100 && !b.n_out; i++) {
            b.lab.allowed = i;
            (void)node_input(&b, &path, theirs, n);
        }
        b.lab.allowed = -1;
        assert_true(i > 1 && i < 100);
        b.lab.allowed = -1;
        assert_int_equal(wire_step(&b), IKE_OK);
        assert_int_equal(counters(&b).sas, 1);
    }
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
}

/* The same with randomness. */
static void missing_randomness_costs_a_repetition_only(void **state)
{
    (void)state;
    static uint8_t third[2048];
    ike_path path = path_to(&b);
    v1_begin(3);
    size_t n = a.out[0].n;
    memcpy(third, a.out[0].bytes, n);
    b.lab.no_random = true;
    (void)node_input(&b, &path, third, n);
    assert_int_equal(b.n_out, 0);
    b.lab.no_random = false;
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_sides_have_the_same_keys, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(nat_detection_names_the_far_end_first, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(proposals_that_ikev1_cannot_express, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(no_common_proposal_is_said_and_recorded_on_both_sides, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_forged_refusal_does_no_harm, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(nor_where_messages_are_lost, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_later_refusal_is_the_reason_within_seconds, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(another_secret_is_named_when_the_time_is_over, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(silence_from_the_beginning, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(an_offer_changed_on_the_way_is_noticed, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(another_identity_is_refused, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(silence_where_only_the_newer_version_is_spoken, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(garbled_proofs_leave_no_trace, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(reflections_are_dropped, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(short_memory_costs_repetitions_only, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(missing_randomness_costs_a_repetition_only, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
