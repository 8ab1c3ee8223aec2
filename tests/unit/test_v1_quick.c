/* SPDX-License-Identifier: ISC
 *
 * Quick Mode (RFC 2409 section 5.5) between two engines, and as a stranger with the keys would begin one. Rows are those of the
 * list of what implementations get wrong: keys (KEMAT), hashes, PFS, identities, replay.
 */
#include "unit/v1_help.h"

static struct ike_child *other_half(const struct node *x, const struct ike_child *k)
{
    ike_child_id id = 0;
    for (struct ike_child *o; (o = ike_slots_next(&x->e->db.children, id, &id));) {
        if (o->spi_out == k->spi_in) {
            return o;
        }
    }
    return NULL;
}

/* Each direction has its own, made with the SPI of who receives; both sides have the same. */
static void keys_hang_on_the_receivers_spi(void **state)
{
    (void)state;
    struct ike_child *k = node_child(&a), *o = other_half(&b, k);
    assert_non_null(o);
    size_t n = (size_t)k->key_e + k->key_a;
    assert_true(o->spi_in == k->spi_out && n > 0);
    assert_memory_equal(ike_child_keys(k, true), ike_child_keys(o, false), n);
    assert_memory_equal(ike_child_keys(k, false), ike_child_keys(o, true), n);
    assert_memory_not_equal(ike_child_keys(k, true), ike_child_keys(k, false), n);
}

/* ---- A stranger's first message
 * ------------------------------------------------------------------------------------------------ */

struct offer {
    const char *proposals;
    uint16_t group;  /* attribute of the proposals */
    bool ke;         /* KE payload */
    const char *tsi; /* his selector; NULL: no identities */
    const char *tsr;
    size_t nonce;
    uint64_t life_s;
};
static uint16_t offered_mode = IKE_MODE1_TUNNEL; /* 0: none in the transforms */

static void put_offer(struct ike_chain *c, const struct offer *o)
{
    static uint8_t value[64], nonce[300], turn;
    struct ike_proposals *p = NULL;
    ike_allocator mem = {lab_alloc, lab_release, &a.lab};
    const ike_crypto *crypto = ike_crypto_default();
    struct ike_v1_terms t = {.mode = offered_mode, .life_s = o->life_s};
    size_t at;
    assert_int_equal(ike_proposals_parse_for(&p, o->proposals, IKE_PROTO_ESP, crypto, true, &mem, &at), IKE_OK);
    const struct ike_v1_want want = {.main = p, .terms = t};
    ike_v1_put_bundles(c, &want, (const uint32_t[IKE_V1_PLACES]){[IKE_V1_MAIN] = 0x01020304}, o->group);
    ike_proposals_free(p, &mem);
    memset(nonce, ++turn, sizeof nonce);
    ike_put_payload(c, IKE_P1_NONCE, ike_bytes_of(nonce, o->nonce));
    if (o->ke) {
        const ike_ke *ke = ike_find_ke(crypto, 19);
        static uint8_t priv[256];
        struct ike_core *core = &b.e->core;
        assert_int_equal(ke->initiate(ike_ke_state(core, ke), &core->rng, priv, value), IKE_OK);
        ike_put_payload(c, IKE_P1_KE, ike_bytes_of(value, ke->public_len_i));
    }
    if (o->tsi) {
        ike_ts i = lab_ts(o->tsi), r = lab_ts(o->tsr);
        assert_true(ike_v1_put_ts(c, &i) && ike_v1_put_ts(c, &r));
    }
}

/* b's Informational, or its answer. */
static uint16_t refusal(void)
{
    struct ike_message m;
    struct ike_v1_notify n;
    v1_open_first(&b, &m);
    assert_int_equal(m.h.exchange, IKE_X1_INFORMATIONAL);
    assert_int_equal(ike_v1_notify_parse(&n, ike_message_find(&m, IKE_P1_NOTIFY, 0)), IKE_OK);
    return n.type;
}

static void begins_are_judged(void **state)
{
    (void)state;
    static const struct {
        struct offer o;
        int notify; /* 0: answered; -1: silence */
    } rows[] = {
        {{"aes128-sha256-ecp256", 19, true, "10.1.0.0/16", "10.2.0.0/16", 16, 3600}, 0},
        /* Part of what is allowed here; the responder cannot narrow, but need not either. */
        {{"aes128-sha256-ecp256", 19, true, "10.1.7.0/24", "10.2.0.9/32", 16, 3600}, 0},
        {{"aes128-sha256-ecp256", 19, true, "10.0.0.0/8", "10.2.0.0/16", 16, 3600}, IKE_N1_INVALID_ID_INFORMATION},
        {{"aes128-sha256-ecp256", 19, true, "10.2.0.0/16", "10.1.0.0/16", 16, 3600}, IKE_N1_INVALID_ID_INFORMATION},
        /* Without identities the addresses of the two are meant, which no child here covers. */
        {{"aes128-sha256-ecp256", 19, true, NULL, NULL, 16, 3600}, IKE_N1_INVALID_ID_INFORMATION},
        {{"aes256-sha512-ecp256", 19, true, "10.1.0.0/16", "10.2.0.0/16", 16, 3600}, IKE_N1_NO_PROPOSAL_CHOSEN},
        /* PFS: attribute without payload, payload without attribute, neither. */
        {{"aes128-sha256-ecp256", 19, false, "10.1.0.0/16", "10.2.0.0/16", 16, 3600}, IKE_N1_NO_PROPOSAL_CHOSEN},
        {{"aes128-sha256", 0, true, "10.1.0.0/16", "10.2.0.0/16", 16, 3600}, IKE_N1_NO_PROPOSAL_CHOSEN},
        {{"aes128-sha256", 0, false, "10.1.0.0/16", "10.2.0.0/16", 16, 3600}, IKE_N1_NO_PROPOSAL_CHOSEN},
        /* The group is another than that of the value. */
        {{"aes128-sha256-modp2048", 14, true, "10.1.0.0/16", "10.2.0.0/16", 16, 3600}, IKE_N1_INVALID_KEY_INFORMATION},
        {{"aes128-sha256-ecp256", 19, true, "10.1.0.0/16", "10.2.0.0/16", 7, 3600}, -1},
        {{"aes128-sha256-ecp256", 19, true, "10.1.0.0/16", "10.2.0.0/16", 257, 3600}, -1},
    };
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    child[0].proposals = "aes128-sha256-ecp256-modp2048";
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
    for (uint32_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_chain c = v1_chain(&b);
        uint32_t before = (uint32_t)counters(&b).children;
        put_offer(&c, &rows[i].o);
        (void)v1_say(&b, IKE_X1_QUICK, 1000 + i, &c);
        assert_int_equal(b.n_out, rows[i].notify < 0 ? 0 : 1);
        if (rows[i].notify) {
            assert_int_equal(counters(&b).children, before);
            assert_int_equal(rows[i].notify > 0 ? refusal() : -1, rows[i].notify);
        } else {
            struct ike_message m;
            assert_int_equal(counters(&b).children, before + 1);
            assert_int_equal(ike_message_parse(&m, b.out[0].bytes, b.out[0].n), IKE_OK);
            assert_true(m.h.exchange == IKE_X1_QUICK && m.h.mid == 1000 + i);
        }
        b.n_out = 0;
    }
}

/* RFC 2407 section 4.5 leaves it to the host then, which is to say to its settings: no peer gets transport mode for a tunnel. */
static void an_offer_without_a_mode_is_for_ours(void **state)
{
    (void)state;
    static const struct offer bare = {"aes128-sha256-ecp256", 19, true, "10.1.0.0/16", "10.2.0.0/16", 16, 3600};
    static const uint8_t modes[] = {IKE_MODE_TUNNEL, IKE_MODE_TRANSPORT};
    for (uint32_t i = 0; i < IKE_COUNT(modes); i++) {
        ike_child_settings child[2];
        ike_conn_settings s = conn_settings(&b, child);
        struct ike_chain c = v1_chain(&b);
        child[0].proposals = "aes128-sha256-ecp256";
        child[0].mode = modes[i];
        assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
        offered_mode = 0;
        put_offer(&c, &bare);
        offered_mode = IKE_MODE1_TUNNEL;
        (void)v1_say(&b, IKE_X1_QUICK, 70 + i, &c);
        assert_int_equal(b.n_out, 1);
        b.n_out = 0;
        struct ike_child *newest = NULL;
        ike_child_id id = 0;
        for (struct ike_child *k; (k = ike_slots_next(&b.e->db.children, id, &id));) {
            newest = !newest || k->number > newest->number ? k : newest;
        }
        assert_int_equal(newest->spi_out, 0x01020304);
        assert_int_equal(newest->mode, modes[i]);
    }
}

/* One that was taken is not taken again; neither after its end nor when it was refused. */
static void a_first_message_counts_once(void **state)
{
    (void)state;
    static const struct offer bad = {"aes128-sha256-ecp256", 19, true, "10.0.0.0/8", "10.2.0.0/16", 16, 3600};
    struct ike_chain c = v1_chain(&b);
    ike_path path = path_to(&b);
    put_offer(&c, &bad);
    size_t n = v1_forge(&b, IKE_X1_QUICK, 5, &c, true);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 1);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 1);
    b.n_out = 0;
}

/* The first allocation fails, the second, …: nothing is left of it, and the repetition comes through. */
static void short_memory_costs_a_repetition_only(void **state)
{
    (void)state;
    static uint8_t first[2048];
    ike_path path = path_to(&b);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    size_t n = a.out[0].n;
    memcpy(first, a.out[0].bytes, n);
    a.n_out = 0;
    long i = 0;
    for (; i < 100 && !b.n_out; i++) {
        b.lab.allowed = i;
        (void)node_input(&b, &path, first, n);
        b.lab.allowed = -1;
        if (!b.n_out) {
            assert_int_equal(counters(&b).children, 1);
        }
    }
    assert_true(i > 5 && i < 100);
    wire_run();
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(counters(&b).children, 2);
}

/* Our own messages thrown back at us are nobody's answer. */
static void reflections_are_dropped(void **state)
{
    (void)state;
    ike_path path = path_to(&a);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    static uint8_t first[2048];
    size_t n = a.out[0].n;
    memcpy(first, a.out[0].bytes, n);
    (void)node_input(&a, &path, first, n);
    assert_int_equal(a.n_out, 1);
    wire_run();
    (void)node_input(&a, &path, first, n);
    assert_int_equal(a.n_out, 0);
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(counters(&b).children, 2);
}

/* A garbled answer leaves the chain of IVs as it was: the true one is understood after it. */
static void a_bad_answer_does_not_move_the_ivs(void **state)
{
    (void)state;
    ike_path path = path_to(&a);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK);
    static uint8_t bad[2048];
    size_t n = b.out[0].n;
    for (size_t at = IKE_HEADER_LEN; at < n; at += 16) {
        memcpy(bad, b.out[0].bytes, n);
        bad[at] ^= 1;
        (void)node_input(&a, &path, bad, n);
        assert_int_equal(a.n_out, 0);
    }
    wire_run();
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 2);
}

/* b's answer with one octet of an identity changed, its HASH made anew as only the peer could. Of the two subnets of IPv6. */
static void change_identity(unsigned i, size_t at, uint8_t bits)
{
    struct ike_sa *sa = node_sa(&a);
    struct ike_v1_seal k = ike_v1_key(sa);
    size_t n = sa->prf->mac->len, block = sa->encr->block, end, len;
    const struct ike_exchange *x = IKE_OF(sa->outstanding.next, struct ike_exchange, link);
    uint8_t iv[IKE_IV_MAX], next[IKE_IV_MAX];
    struct ike_message m;
    memcpy(iv, x->iv, block);
    assert_int_equal(ike_message_parse(&m, b.out[0].bytes, b.out[0].n), IKE_OK);
    assert_int_equal(ike_v1_open(&k, &m, iv, seal_scratch, plain, sizeof plain, next, &end), IKE_OK);
    const struct ike_payload *p = ike_message_find(&m, IKE_P1_ID, i);
    assert_true(p && p->len == 36);
    plain[p->body - plain + (ptrdiff_t)at] ^= bits;
    assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), m.h.mid, ike_blob_bytes(&x->setup->ni),
                                 ike_bytes_of(plain + 4 + n, end - 4 - n), plain + 4),
                     IKE_OK);
    struct ike_chain c = ike_chain(inner, sizeof inner);
    c.first = IKE_P1_HASH;
    ike_wr_put(&c.w, plain, end);
    assert_int_equal(ike_v1_seal(&k, &m.h, &c, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
    assert_true(len <= sizeof b.out[0].bytes);
    memcpy(b.out[0].bytes, forged, len);
    b.out[0].n = len;
}

/* Wider would open more than the policy does, narrower less than the packets need; neither is what was asked for. */
static void an_answer_has_the_identities_that_were_asked_for(void **state)
{
    enum { TYPE, PROTOCOL, PORT = 3, ADDRESS, MASK = 20 };
    static const struct {
        unsigned payload;
        size_t at;
        uint8_t bits;
    } rows[] = {{0, TYPE, 0}, /* as it was */
                {0, PROTOCOL, 6},    {1, PROTOCOL, 17}, {0, ADDRESS + 5, 1}, {1, ADDRESS + 5, 1},
                {0, MASK + 5, 1},    {1, MASK + 5, 1},  {0, MASK + 6, 0x80}, {1, MASK + 6, 0x80},
                {1, MASK + 7, 0x01}, {0, TYPE, 6 ^ 8},  {1, TYPE, 6 ^ 11},   {1, PORT, 80}};
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
        assert_int_equal(wire_step(&a), IKE_OK);
        change_identity(rows[i].payload, rows[i].at, rows[i].bits);
        assert_int_equal(wire_step(&b), IKE_OK);
        assert_int_equal(counters(&a).children, i == 0 ? 2 : 1);
        if (i) {
            node_failed(&a, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
        }
        a.n_out = b.n_out = 0;
        pair_end();
        v1_up(NULL, NULL);
    }
}

/* ---- A stranger's second message ----------------------------------------------------------------------------------------- */

struct answer {
    uint8_t less;    /* a type that is left out */
    uint8_t changed; /* which octet of the SA payload is another one, from its end; 0: none */
    bool zeros;      /* as its public value */
};

/* b's answer with something else in it, as the peer might have made it: the HASH is right. */
static size_t remake_answer(const struct answer *o, const uint8_t *msg, size_t n)
{
    static struct ike_message m;
    struct ike_sa *sa = node_sa(&a);
    const struct ike_exchange *x = IKE_OF(sa->outstanding.next, struct ike_exchange, link);
    struct ike_chain c = v1_chain(&a);
    struct ike_v1_seal k = ike_v1_key(sa);
    uint8_t iv[IKE_IV_MAX], next[IKE_IV_MAX];
    size_t hash = sa->prf->mac->len, end, len;
    memcpy(iv, x->iv, sizeof iv);
    assert_int_equal(ike_message_parse(&m, msg, n), IKE_OK);
    assert_int_equal(ike_v1_open(&k, &m, iv, seal_scratch, plain, sizeof plain, next, &end), IKE_OK);
    for (unsigned i = 1; i < m.n; i++) {
        const struct ike_payload *p = &m.p[i];
        if (p->type != o->less) {
            ike_put_payload(&c, p->type, ike_bytes_of(p->body, p->len));
        }
        if (p->type == IKE_P1_SA && o->changed) {
            c.w.p[c.w.len - o->changed] ^= 1;
        }
        if (p->type == IKE_P1_KE && o->zeros) {
            memset(c.w.p + c.w.len - p->len, 0, p->len);
        }
    }
    assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), m.h.mid, ike_blob_bytes(&x->setup->ni),
                                 ike_bytes_of(c.w.p + 4 + hash, c.w.len - 4 - hash), c.w.p + 4),
                     IKE_OK);
    assert_int_equal(ike_v1_seal(&k, &m.h, &c, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
    return len;
}

static void answers_are_judged(void **state)
{
    (void)state;
    static const struct {
        struct answer o;
        uint16_t code; /* of a's failure; 0: none */
        bool up;
    } rows[] = {
        {{0, 0, false}, 0, true},
        {{IKE_P1_ID, 0, false}, IKE_FAIL_SELECTORS, false},
        /* The values of the attributes: length of the key, mode, group, lifetime. */
        {{0, 1, false}, IKE_FAIL_NO_CHILD_PROPOSAL, false},
        {{0, 5, false}, IKE_FAIL_NO_CHILD_PROPOSAL, false},
        {{0, 9, false}, IKE_FAIL_NO_CHILD_PROPOSAL, false},
        {{0, 13, false}, IKE_FAIL_NO_CHILD_PROPOSAL, false},
        /* The group is agreed on, and there is no value, or one that nobody should compute with. */
        {{IKE_P1_KE, 0, false}, IKE_FAIL_KE_GROUP, false},
        {{0, 0, true}, IKE_FAIL_KEY_EXCHANGE, false},
        /* No answer by its rules; the true one may follow. */
        {{IKE_P1_NONCE, 0, false}, 0, false},
        {{IKE_P1_SA, 0, false}, 0, false},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_failure f = {.size = sizeof f};
        v1_up(NULL, NULL);
        ike_path path = path_to(&a);
        assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
        assert_int_equal(wire_step(&a), IKE_OK);
        assert_int_equal(b.n_out, 1);
        size_t n = remake_answer(&rows[i].o, b.out[0].bytes, b.out[0].n);
        (void)node_input(&a, &path, forged, n);
        assert_int_equal(counters(&a).children, rows[i].up ? 2 : 1);
        assert_int_equal(counters(&a).failures, rows[i].code ? 1 : 0);
        if (rows[i].code) {
            assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_OK);
            assert_string_equal(ike_failure_name(f.code), ike_failure_name(rows[i].code));
        }
        a.n_out = b.n_out = 0;
        pair_end();
    }
}

static int deny(void *user, ike_token t, const ike_child_question *q)
{
    (void)user, (void)t;
    return q->initiator ? IKE_OK : IKE_ERR_AUTH;
}

/* The refusal is one of this version. */
static void a_denied_child_is_refused_by_its_identities(void **state)
{
    (void)state;
    b.e->core.set.host.hooks.child = deny;
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(b.n_out, 1);
    assert_int_equal(refusal(), IKE_N1_INVALID_ID_INFORMATION);
    node_failed(&b, IKE_FAIL_DENIED, IKE_DECIDER_US);
    a.n_out = b.n_out = 0;
}

/* Both sides see the same one of two that cross. */
static void of_two_that_cross_one_stays(void **state)
{
    (void)state;
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    assert_int_equal(ike_child_rekey(b.e, node_child(&b)->id, now), IKE_OK);
    while (a.n_out || b.n_out) { /* in step */
        unsigned na = a.n_out, nb = b.n_out;
        for (unsigned i = 0; i < na; i++) {
            (void)wire_step(&a);
        }
        for (unsigned i = 0; i < nb; i++) {
            (void)wire_step(&b);
        }
    }
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_REKEYED), 1);
    for (unsigned i = 0; i < 45; i++) { /* received on for a while after the Delete */
        now += IKE_SEC;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
        assert_int_equal(ike_tick(b.e, now), IKE_OK);
        wire_run();
    }
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_ptr_equal(other_half(&b, node_child(&a)), node_child(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_hang_on_the_receivers_spi, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(begins_are_judged, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_offer_without_a_mode_is_for_ours, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_first_message_counts_once, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(short_memory_costs_a_repetition_only, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(reflections_are_dropped, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_bad_answer_does_not_move_the_ivs, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_answer_has_the_identities_that_were_asked_for, v1_is_up, pair_is_over),
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test_setup_teardown(a_denied_child_is_refused_by_its_identities, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(of_two_that_cross_one_stays, v1_is_up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
