/* SPDX-License-Identifier: ISC
 *
 * Nonces, key exchange values and the keys they give: which are refused (RFC 7296 sections 2.10, 3.4), the
 * order of nonces, and that both sides come to the same keys.
 */
#include "unit/engine_help.h"

#include "exchange/v2/v2.h"

/* As far as b's answer to IKE_SA_INIT, which waits on the wire; a's request is kept. */
static uint8_t request_bytes[2048];
static struct ike_message request;

static struct ike_message answered(void)
{
    struct ike_message m;
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    memcpy(request_bytes, a.out[0].bytes, a.out[0].n);
    assert_int_equal(ike_message_parse(&request, request_bytes, a.out[0].n), IKE_OK);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    return m;
}

/* Hand x the message m with another body in its payload of one type. */
static void give(struct node *x, const struct ike_message *m, uint8_t type, const uint8_t *body, size_t n)
{
    struct ike_chain c = ike_chain(forged + IKE_HEADER_LEN, sizeof forged - IKE_HEADER_LEN);
    struct ike_header h = m->h;
    ike_path path = path_to(x);
    for (unsigned i = 0; i < m->n; i++) {
        bool this_one = m->p[i].type == type;
        ike_put_payload(&c, m->p[i].type, this_one ? ike_bytes_of(body, n) : ike_bytes_of(m->p[i].body, m->p[i].len));
    }
    h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(forged, &h);
    (void)node_input(x, &path, forged, h.length);
}

/* The answer with this body is dropped, and the good one is still taken. */
static void initiator_refuses(const char *what, uint8_t type, const uint8_t *body, size_t n)
{
    struct ike_message m = answered();
    give(&a, &m, type, body, n);
    if (a.n_out || a.spi_i) {
        fail_msg("%s was taken", what);
    }
    wire_run();
    if (node_saw(&a, IKE_EV_CHILD_UP) != 1) {
        fail_msg("%s: the good answer was not taken after it", what);
    }
    pair_end();
}

/* The request with this body gets no answer with a key exchange, and the responder comes to no keys. */
static void responder_refuses(const char *what, uint8_t type, const uint8_t *body, size_t n)
{
    struct ike_message m;
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    memcpy(request_bytes, a.out[0].bytes, a.out[0].n);
    assert_int_equal(ike_message_parse(&request, request_bytes, a.out[0].n), IKE_OK);
    give(&b, &request, type, body, n);
    if ((open_reply(&b, &m) && ike_message_find(&m, IKE_P_KE, 0)) || b.spi_i || counters(&b).half_open) {
        fail_msg("%s was taken", what);
    }
    pair_end();
}

static void nonces_that_are_none(void **state)
{
    (void)state;
    static const uint8_t zeros[256], counted[300] = {1, 2, 3};
    uint8_t own[256];
    (void)answered();
    const struct ike_payload *ni = ike_message_find(&request, IKE_P_NONCE, 0);
    size_t n = ni->len;
    assert_true(n >= 16 && n <= sizeof own && !ike_is_zero(ni->body, n));
    memcpy(own, ni->body, n); /* the same seed gives the same nonce again */
    pair_end();
    initiator_refuses("a nonce of zeros", IKE_P_NONCE, zeros, 32);
    initiator_refuses("our own nonce", IKE_P_NONCE, own, n);
    initiator_refuses("15 octets", IKE_P_NONCE, counted, 15);
    initiator_refuses("257 octets", IKE_P_NONCE, counted, 257);
    responder_refuses("a nonce of zeros", IKE_P_NONCE, zeros, 32);
    responder_refuses("15 octets", IKE_P_NONCE, counted, 15);
    responder_refuses("257 octets", IKE_P_NONCE, counted, 257);
}

/* Group, two octets reserved, value. */
static void key_exchange_values_that_are_none(void **state)
{
    (void)state;
    uint8_t ke[600] = {0};
    struct ike_message m = answered();
    const struct ike_payload *p = ike_message_find(&m, IKE_P_KE, 0), *own = ike_message_find(&request, IKE_P_KE, 0);
    uint8_t mine[600];
    size_t n = p->len, n_own = own->len;
    assert_true(n < sizeof ke && n_own < sizeof mine);
    memcpy(ke, p->body, n);
    memcpy(mine, own->body, n_own);
    pair_end();
    initiator_refuses("a value too short", IKE_P_KE, ke, n - 1);
    initiator_refuses("a value too long", IKE_P_KE, ke, n + 1);
    initiator_refuses("no value", IKE_P_KE, ke, 4);
    initiator_refuses("our own value", IKE_P_KE, mine, n_own);
    responder_refuses("a value too short", IKE_P_KE, mine, n_own - 1);
    responder_refuses("no value", IKE_P_KE, mine, 4);
    ke[1] ^= 1;
    initiator_refuses("another group", IKE_P_KE, ke, n);
    memset(ke + 4, 0, n - 4);
    ke[1] ^= 1; /* the right group again */
    initiator_refuses("a value of zeros", IKE_P_KE, ke, n);
}

/* A responder that wants another group names it, and keeps nothing. */
static void another_group_is_asked_for(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_notify said;
    uint8_t ke[600] = {0};
    uint16_t group;
    ike_bytes value;
    (void)answered();
    assert_int_equal(ike_ke_parse(&group, &value, ike_message_find(&request, IKE_P_KE, 0)), IKE_OK);
    pair_end();
    pair_new(NULL);
    ike_store16(ke, 1);
    give(&b, &request, IKE_P_KE, ke, 4 + 96);
    assert_true(open_reply(&b, &m) && ike_message_notify(&m, IKE_N_INVALID_KE_PAYLOAD, &said));
    assert_int_equal(m.n, 1);
    assert_int_equal(ike_load16(said.data.ptr), group);
    assert_int_equal(counters(&b).half_open, 0);
    pair_end();
}

/* Octet by octet, and a prefix is the lower one (RFC 7296 section 2.8.1). */
static void the_order_of_nonces(void **state)
{
    (void)state;
    static const struct {
        ike_bytes low, high;
    } rows[] = {
        {{(const uint8_t *)"\1\377", 2}, {(const uint8_t *)"\2\0", 2}},
        {{(const uint8_t *)"\177", 1}, {(const uint8_t *)"\200", 1}}, /* octets have no sign */
        {{(const uint8_t *)"abc", 3}, {(const uint8_t *)"abcd", 4}},
        {{(const uint8_t *)"abc", 3}, {(const uint8_t *)"abc\0", 4}},
        {{(const uint8_t *)"abbz", 4}, {(const uint8_t *)"abc", 3}},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_setup s = {0};
        uint8_t low[8], high[8];
        memcpy(low, rows[i].low.ptr, rows[i].low.len);
        memcpy(high, rows[i].high.ptr, rows[i].high.len);
        assert_true(ike_nonce_less(rows[i].low, rows[i].high));
        assert_false(ike_nonce_less(rows[i].high, rows[i].low));
        assert_false(ike_nonce_less(rows[i].low, rows[i].low));
        s.ni.ptr = low, s.ni.len = rows[i].low.len;
        s.nr.ptr = high, s.nr.len = rows[i].high.len;
        assert_ptr_equal(ike_lower_nonce(&s).ptr, low);
        s.ni.ptr = high, s.ni.len = rows[i].high.len;
        s.nr.ptr = low, s.nr.len = rows[i].low.len;
        assert_ptr_equal(ike_lower_nonce(&s).ptr, low);
    }
}

static void both_sides_come_to_the_same_keys(void **state)
{
    (void)state;
    pair_up(NULL);
    assert_true(a.spi_i && a.spi_r && a.spi_i == b.spi_i && a.spi_r == b.spi_r);
    assert_true(a.encr == b.encr && a.integ == b.integ);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(a.key_len[i], b.key_len[i]);
        assert_memory_equal(a.key[i], b.key[i], a.key_len[i]);
    }
    assert_true(a.key_len[0] >= 16 && a.key_len[0] == a.key_len[1]);
    assert_memory_not_equal(a.key[0], a.key[1], a.key_len[0]);
    pair_end();
}

static int no_value(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    (void)state, (void)rng, (void)priv, (void)pub;
    return IKE_ERR_CRYPTO;
}

/* a's crypto comes to no private value, as with a random source that repeats itself. */
static void without_values(struct node *x, ike_settings *s)
{
    static ike_ke ke;
    static const ike_ke *const list[] = {&ke, NULL};
    static ike_crypto crypto;
    if (x == &a) {
        ke = *ike_find_ke(ike_crypto_default(), 31);
        ke.initiate = no_value;
        crypto = *ike_crypto_default();
        crypto.ke = list;
        s->crypto = &crypto;
    }
}

static void an_attempt_without_a_private_value_fails(void **state)
{
    (void)state;
    pair_new(without_values);
    (void)ike_initiate(a.e, a.conn, "lan", now);
    assert_int_equal(a.n_out, 0);
    node_failed(&a, IKE_FAIL_KEY_EXCHANGE, IKE_DECIDER_US);
    assert_int_equal(counters(&a).sas, 0);
    pair_end();
}

/* ---- After IKE_SA_INIT --------------------------------------------------------------------------------------------------- */

/* What y has sent last goes to x, well protected but with another body in its payload of one type. */
static void pass_on(struct node *y, struct node *x, uint8_t type, const uint8_t *body, size_t n)
{
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(x);
    assert_true(open_reply(y, &m));
    y->n_out = 0;
    for (unsigned i = 0; i < m.n; i++) {
        if (m.p[i].inner) {
            bool this_one = m.p[i].type == type;
            ike_put_payload(&c, m.p[i].type, this_one ? ike_bytes_of(body, n) : ike_bytes_of(m.p[i].body, m.p[i].len));
        }
    }
    size_t len = forge_chain(x, m.h.exchange, m.h.flags & IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(x, &path, forged, len);
}

/* The peer has made the child, and hears that nothing comes of it: both sides end the SA (RFC 8031 section 2). */
static void a_worthless_value_in_the_answer_of_a_known_peer(void **state)
{
    (void)state;
    static const uint8_t ke[36] = {0, 31};
    struct ike_message m;
    pair_up(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    (void)wire_step(&a);
    pass_on(&b, &a, IKE_P_KE, ke, sizeof ke);
    assert_int_equal(counters(&a).children, 1);
    assert_true(open_reply(&a, &m));
    assert_int_equal(m.h.exchange, IKE_X_INFORMATIONAL);
    assert_non_null(ike_message_find(&m, IKE_P_DELETE, 0));
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    pair_end();
}

/* Half the PRF's key is the least that RFC 7296 section 2.10 allows. */
static void a_nonce_must_suit_the_prf(void **state)
{
    (void)state;
    static const uint8_t counted[64] = {1, 2, 3};
    struct ike_message m;
    struct ike_notify said;
    if (!ike_find_prf(ike_crypto_default(), 7) || !ike_find_ke(ike_crypto_default(), 31)) {
        print_message("left out: no PRF_HMAC_SHA2_512 or no X25519 in this build\n");
        return;
    }
    for (unsigned at_a = 0; at_a < 2; at_a++) {
        for (size_t n = 31; n <= 32; n++) {
            ike_child_settings child[2];
            pair_new(NULL);
            ike_conn_settings s = conn_settings(&b, child);
            s.proposals = "aes256gcm16-prfsha512-x25519";
            assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
            assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
            if (at_a) {
                (void)wire_step(&a);
                assert_true(open_reply(&b, &m));
                give(&a, &m, IKE_P_NONCE, counted, n);
                assert_int_equal(a.n_out, n == 32);
                if (n == 31) { /* anybody could have sent it: the good one is still taken */
                    wire_run();
                    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
                }
            } else {
                assert_int_equal(ike_message_parse(&m, a.out[0].bytes, a.out[0].n), IKE_OK);
                give(&b, &m, IKE_P_NONCE, counted, n);
                assert_int_equal(counters(&b).sas, n == 32);
                assert_true(open_reply(&b, &m));
                assert_int_equal(ike_message_notify(&m, IKE_N_NO_PROPOSAL_CHOSEN, &said), n == 31);
            }
            pair_end();
        }
    }
}

/* Two rekeys that cross are told apart by their nonces: the same in both would leave it open which one goes. */
static void our_own_nonce_in_a_request_that_crosses(void **state)
{
    (void)state;
    uint8_t nonce[32];
    struct ike_message m;
    struct ike_notify said;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    pair_up(NULL);
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    assert_true(open_reply(&a, &m));
    const struct ike_payload *own = ike_message_find(&m, IKE_P_NONCE, 0);
    assert_int_equal(own->len, sizeof nonce);
    memcpy(nonce, own->body, sizeof nonce);
    ike_put_notify_spi(&c, IKE_PROTO_ESP, node_child(&a)->spi_out, IKE_N_REKEY_SA, ike_bytes_of(NULL, 0));
    put_child_offer(&c, 0x5001, "10.2.0.0/16", "10.1.0.0/16", nonce);
    size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, 0, 0, &c);
    (void)node_input(&a, &path, forged, n);
    assert_true(open_reply(&a, &m) && ike_message_error(&m, &said));
    assert_int_equal(said.type, IKE_N_INVALID_SYNTAX);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 0);
    pair_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonces_that_are_none),
        cmocka_unit_test(key_exchange_values_that_are_none),
        cmocka_unit_test(another_group_is_asked_for),
        cmocka_unit_test(the_order_of_nonces),
        cmocka_unit_test(both_sides_come_to_the_same_keys),
        cmocka_unit_test(an_attempt_without_a_private_value_fails),
        cmocka_unit_test(a_worthless_value_in_the_answer_of_a_known_peer),
        cmocka_unit_test(a_nonce_must_suit_the_prf),
        cmocka_unit_test(our_own_nonce_in_a_request_that_crosses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
