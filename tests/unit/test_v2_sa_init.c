/* SPDX-License-Identifier: ISC
 *
 * IKE_SA_INIT (RFC 7296 section 1.2) as the initiator lives through it: cookies, another group, answers that are not to be
 * believed and must not keep a good one from being taken.
 */
#include "unit/engine_help.h"

static uint16_t failed_with;

static void on_event(void *user, const ike_event *ev)
{
    node_event(user, ev);
    if (ev->type == IKE_EV_FAILED) {
        failed_with = ev->failure->code;
    }
}

static void watch(struct node *x, ike_settings *s) { (void)x, s->host.event = on_event; }
static void always_cookies(struct node *x, ike_settings *s) { (void)x, s->cookie_threshold = 0; }

/* The request of a, kept; it is not delivered. */
static uint8_t request_bytes[2048];
static struct ike_message request(void)
{
    struct ike_message m;
    failed_with = 0;
    pair_new(watch);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    memcpy(request_bytes, a.out[0].bytes, a.out[0].n);
    assert_int_equal(ike_message_parse(&m, request_bytes, a.out[0].n), IKE_OK);
    return m;
}

static void same_payload(const struct ike_message *m, const struct ike_message *k, uint8_t type)
{
    const struct ike_payload *p = ike_message_find(m, type, 0), *q = ike_message_find(k, type, 0);
    assert_true(p && q && p->len == q->len);
    assert_memory_equal(p->body, q->body, p->len);
}

/* What anybody on the way can say to a: one notify in clear. */
static void say(const struct ike_message *m, uint16_t type, const char *data, size_t n)
{
    struct ike_chain c = ike_chain(forged + IKE_HEADER_LEN, sizeof forged - IKE_HEADER_LEN);
    struct ike_header h = {.spi_i = m->h.spi_i, .version = 0x20, .exchange = IKE_X_SA_INIT, .flags = IKE_FLAG_RESPONSE};
    ike_path path = path_to(&a);
    ike_put_notify(&c, type, ike_bytes_of(data, n));
    h.next = c.first;
    h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(forged, &h);
    (void)node_input(&a, &path, forged, h.length);
}

static void comes_up_all_the_same(void)
{
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 1);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 0);
    pair_end();
}

/* The second request has the cookie first and else the same; AUTH covers it as it was sent (RFC 7296 sections 2.6, 2.15). */
static void a_cookie_round_is_in_the_signed_octets(void **state)
{
    (void)state;
    struct ike_message first, second;
    struct ike_notify n;
    pair_new(always_cookies);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    memcpy(request_bytes, a.out[0].bytes, a.out[0].n);
    assert_int_equal(ike_message_parse(&first, request_bytes, a.out[0].n), IKE_OK);
    (void)wire_step(&a);
    assert_int_equal(counters(&b).cookies_sent, 1);
    assert_int_equal(counters(&b).sas, 0);
    (void)wire_step(&b);
    assert_true(open_reply(&a, &second));
    assert_int_equal(second.p[0].type, IKE_P_NOTIFY);
    assert_true(ike_message_notify(&second, IKE_N_COOKIE, &n) && n.data.len >= 1 && n.data.len <= 64);
    assert_true(first.h.spi_i == second.h.spi_i && second.h.mid == 0 && second.h.spi_r == 0);
    same_payload(&first, &second, IKE_P_SA);
    same_payload(&first, &second, IKE_P_KE);
    same_payload(&first, &second, IKE_P_NONCE);
    comes_up_all_the_same();
}

/* Whoever answers every request with a cookie is not followed for ever. */
static void cookies_come_to_an_end(void **state)
{
    (void)state;
    struct ike_message m = request();
    for (unsigned i = 0; i < 20; i++) {
        char cookie = (char)i;
        say(&m, IKE_N_COOKIE, &cookie, 1);
    }
    assert_true(a.n_out <= 5); /* however fast they come */
    for (unsigned i = 0; i < 60 && !failed_with; i++) {
        char cookie = (char)i;
        now += 3 * IKE_SEC;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
        a.n_out = 0;
        say(&m, IKE_N_COOKIE, &cookie, 1);
    }
    assert_int_equal(failed_with, IKE_FAIL_COOKIES);
    pair_end();
}

static void another_group_is_tried_with_the_same_offer(void **state)
{
    (void)state;
    struct ike_message first = request(), second;
    uint16_t group;
    ike_bytes value;
    if (!ike_find_ke(ike_crypto_default(), 19)) {
        print_message("left out: no ecp256 in this build, so no second group to fall back to\n");
        pair_end();
        return;
    }
    assert_int_equal(ike_ke_parse(&group, &value, ike_message_find(&first, IKE_P_KE, 0)), IKE_OK);
    assert_int_not_equal(group, 19);
    say(&first, IKE_N_INVALID_KE_PAYLOAD, "\0\23", 2);
    assert_int_equal(a.n_out, 2);
    assert_true(open_reply(&a, &second));
    assert_int_equal(ike_ke_parse(&group, &value, ike_message_find(&second, IKE_P_KE, 0)), IKE_OK);
    assert_int_equal(group, 19);
    same_payload(&first, &second, IKE_P_SA); /* nobody on the way can strike groups from the offer */
    same_payload(&first, &second, IKE_P_NONCE);
    memmove(&a.out[0], &a.out[1], --a.n_out * sizeof a.out[0]);
    comes_up_all_the_same();
}

static void a_group_that_was_not_offered_is_not_tried(void **state)
{
    (void)state;
    struct ike_message m = request();
    say(&m, IKE_N_INVALID_KE_PAYLOAD, "\0\1", 2); /* modp768 */
    say(&m, IKE_N_INVALID_KE_PAYLOAD, "\0\0", 2);
    assert_int_equal(a.n_out, 1);
    comes_up_all_the_same();
}

/* b's answer with n octets at `at` overwritten goes to a first, then as it was. */
static void spoilt_then_good(size_t at, const uint8_t *bytes, size_t n)
{
    ike_path path = path_to(&a);
    memcpy(forged, b.out[0].bytes, b.out[0].n);
    memcpy(forged + at, bytes, n);
    (void)node_input(&a, &path, forged, b.out[0].n);
    assert_int_equal(a.n_out, 0);
    assert_true(a.spi_i == 0); /* no keys */
    comes_up_all_the_same();
}

static void an_answer_with_our_own_spi_is_dropped(void **state)
{
    (void)state;
    uint8_t spi[8];
    (void)request();
    (void)wire_step(&a);
    memcpy(spi, b.out[0].bytes, 8);
    spoilt_then_good(8, spi, 8);
}

static void an_answer_with_another_suite_is_dropped(void **state)
{
    (void)state;
    struct ike_message m;
    (void)request();
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    const struct ike_payload *sa = ike_message_find(&m, IKE_P_SA, 0);
    /* The first transform stands behind 8 octets of the proposal: type at 4, id at 6. */
    assert_int_equal(sa->body[8 + 4], 1);
    spoilt_then_good((size_t)(sa->body - m.data) + 8 + 6, (const uint8_t *)"\0\377", 2);
}

static void a_refusal_in_clear_is_noted_and_is_the_reason_later(void **state)
{
    (void)state;
    struct ike_message m = request();
    say(&m, IKE_N_NO_PROPOSAL_CHOSEN, NULL, 0);
    assert_int_equal(failed_with, 0);
    assert_int_equal(counters(&a).sas, 1);
    now += 10 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(failed_with, IKE_FAIL_NO_PROPOSAL);
    pair_end();
    m = request(); /* and a good answer that comes in time wins */
    say(&m, IKE_N_NO_PROPOSAL_CHOSEN, NULL, 0);
    comes_up_all_the_same();
}

/* Whatever is said in clear instead of an answer: the reason, once no answer has come. */
static void what_the_peer_says_is_the_reason(void **state)
{
    (void)state;
    static const struct {
        uint16_t notify, code;
        const char *data;
        size_t n;
    } rows[] = {
        {IKE_N_INVALID_KE_PAYLOAD, IKE_FAIL_KE_GROUP, "\0\1", 2}, /* modp768, which was not offered */
        {IKE_N_INVALID_SYNTAX, IKE_FAIL_PEER_SYNTAX, NULL, 0},
        {IKE_N_INVALID_MAJOR_VERSION, IKE_FAIL_VERSION, NULL, 0},
        {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_FAIL_CRITICAL_PAYLOAD, "\50", 1},
        {IKE_N_NO_PROPOSAL_CHOSEN, IKE_FAIL_NO_PROPOSAL, NULL, 0},
        {8191, IKE_FAIL_PEER_ERROR, NULL, 0}, /* an error nobody has defined */
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_message m = request();
        say(&m, rows[i].notify, rows[i].data, rows[i].n);
        now += 10 * IKE_SEC;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
        node_failed(&a, rows[i].code, IKE_DECIDER_PEER);
        assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
        assert_int_equal(counters(&a).sas, 0);
        pair_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cookie_round_is_in_the_signed_octets),
        cmocka_unit_test(cookies_come_to_an_end),
        cmocka_unit_test(another_group_is_tried_with_the_same_offer),
        cmocka_unit_test(a_group_that_was_not_offered_is_not_tried),
        cmocka_unit_test(an_answer_with_our_own_spi_is_dropped),
        cmocka_unit_test(an_answer_with_another_suite_is_dropped),
        cmocka_unit_test(a_refusal_in_clear_is_noted_and_is_the_reason_later),
        cmocka_unit_test(what_the_peer_says_is_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
