/* SPDX-License-Identifier: ISC
 *
 * INFORMATIONAL: liveness and deletes as the peer sees them (RFC 7296 sections 1.4 and 2.25), between two engines or from a
 * stranger who has the keys.
 */
#include "unit/engine_help.h"

static ike_sa_id sa_of(struct node *x)
{
    ike_sa_info info;
    assert_int_equal(ike_sa_next(x->e, 0, &info), IKE_OK);
    return info.id;
}

/* Hand b a request with the Delete of one child, or an empty one (spi 0); what it answers. */
static struct ike_message ask(uint32_t mid, uint32_t spi)
{
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    if (spi) {
        ike_put_delete_spis(&c, IKE_PROTO_ESP, &spi, 1);
    }
    size_t n = forge_chain(&b, IKE_X_INFORMATIONAL, 0, mid, &c);
    (void)node_input(&b, &path, forged, n);
    assert_true(open_reply(&b, &m));
    assert_int_equal(m.h.exchange, IKE_X_INFORMATIONAL);
    assert_true(m.h.mid == mid && (m.h.flags & IKE_FLAG_RESPONSE));
    return m;
}

static void a_sign_of_life_is_answered_empty(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(ike_sa_check(a.e, sa_of(&a), now), IKE_OK);
    assert_true(open_reply(&a, &m));
    assert_true(m.h.exchange == IKE_X_INFORMATIONAL && m.n == 0 && m.sk_at);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    assert_true((m.h.flags & IKE_FLAG_RESPONSE) && m.n == 0 && m.sk_at);
    wire_run();
    assert_int_equal(ike_tick(a.e, now + 600 * IKE_SEC), IKE_OK);
    assert_int_equal(a.n_out, 0); /* nothing is repeated */
}

static void the_answer_to_a_delete_names_the_other_half(void **state)
{
    (void)state;
    struct ike_delete d;
    uint32_t out = node_child(&b)->spi_out, in = node_child(&b)->spi_in;
    struct ike_message m = ask(2, out);
    assert_int_equal(m.n, 1);
    assert_int_equal(ike_delete_parse(&d, ike_message_find(&m, IKE_P_DELETE, 0)), IKE_OK);
    assert_true(d.protocol == IKE_PROTO_ESP && d.spi_len == 4 && d.count == 1);
    assert_true(ike_load32(d.spis) == in);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(b.removes, 2);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(counters(&b).sas, 1);
}

static void a_delete_of_what_is_not_there_is_answered_empty(void **state)
{
    (void)state;
    struct ike_message m = ask(2, node_child(&b)->spi_out ^ 1);
    assert_int_equal(m.n, 0);
    m = ask(3, node_child(&b)->spi_in); /* the wrong half of the pair */
    assert_int_equal(m.n, 0);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(b.removes, 0);
}

/* Each side has sent its Delete before the other's came: neither answer names the child again. */
static void deletes_that_cross_are_answered_empty(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(ike_child_close(a.e, node_child(&a)->id, now), IKE_OK);
    assert_int_equal(ike_child_close(b.e, node_child(&b)->id, now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    assert_int_equal(b.n_out, 1);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    assert_true((m.h.flags & IKE_FLAG_RESPONSE) && m.n == 0);
    (void)wire_step(&b);
    assert_true(open_reply(&a, &m));
    assert_true((m.h.flags & IKE_FLAG_RESPONSE) && m.n == 0);
    wire_run();
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
}

/* The answer may be lost: the SA is gone, and the same request still gets the same octets. */
static void the_answer_to_the_last_delete_can_be_repeated(void **state)
{
    (void)state;
    uint8_t answer[512];
    struct ike_message m;
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&b);
    ike_put_delete_ike(&c);
    size_t n = forge_chain(&b, IKE_X_INFORMATIONAL, 0, 2, &c);
    (void)node_input(&b, &path, forged, n);
    assert_true(open_reply(&b, &m));
    assert_int_equal(m.n, 0);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
    size_t len = b.out[0].n;
    assert_true(len <= sizeof answer);
    memcpy(answer, b.out[0].bytes, len);
    b.n_out = 0;
    now += IKE_SEC;
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 1);
    assert_int_equal(b.out[0].n, len);
    assert_memory_equal(b.out[0].bytes, answer, len);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
}

static void invalid_syntax_in_the_answer_ends_the_sa(void **state)
{
    (void)state;
    assert_int_equal(ike_sa_check(a.e, sa_of(&a), now), IKE_OK);
    answer_with(&a, IKE_N_INVALID_SYNTAX);
    assert_int_equal(counters(&a).sas + counters(&a).children, 0);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
    assert_int_equal(a.n_out, 0);
}

/* An initiator that does not believe our AUTH says so in a new exchange and has nothing any more (RFC 7296 section 2.21.2); the
 * responder has said it in IKE_AUTH if ever, so from there it is only a notify. */
static void only_the_initiator_can_take_its_consent_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct node *x = i ? &b : &a;
        struct ike_message m;
        struct ike_chain c = inner_chain();
        ike_path path = path_to(x);
        ike_put_notify(&c, IKE_N_AUTHENTICATION_FAILED, ike_bytes_of(NULL, 0));
        size_t n = forge_chain(x, IKE_X_INFORMATIONAL, 0, x == &b ? 2 : 0, &c);
        (void)node_input(x, &path, forged, n);
        assert_true(open_reply(x, &m) && m.n == 0);
        assert_int_equal(counters(x).sas, !i);
        assert_int_equal(counters(x).children, !i);
        assert_int_equal(node_saw(x, IKE_EV_SA_DOWN), i);
    }
}

/* RFC 7296 has no limit but the number of children. */
static void one_delete_can_name_them_all(void **state)
{
    (void)state;
    uint32_t spis[81];
    struct ike_message m;
    struct ike_delete d;
    struct ike_chain c;
    ike_path path = path_to(&b);
    uint32_t mid = 2;
    size_t n;
    spis[80] = node_child(&b)->spi_out;
    for (unsigned i = 0; i < 80; i++) {
        spis[i] = 0x7000 + i;
        c = inner_chain();
        put_child_offer(&c, spis[i], "10.1.0.0/16", "10.2.0.0/16", NULL);
        n = forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, mid++, &c);
        now += IKE_SEC / 10; /* there is a limit to how many in a second */
        b.n_events = b.n_out = 0;
        (void)node_input(&b, &path, forged, n);
    }
    assert_int_equal(counters(&b).children, 81);
    b.n_out = b.n_events = 0;
    c = inner_chain();
    ike_put_delete_spis(&c, IKE_PROTO_ESP, spis, 1);
    ike_put_delete_spis(&c, IKE_PROTO_ESP, spis, 81); /* one of them twice */
    n = forge_chain(&b, IKE_X_INFORMATIONAL, 0, mid, &c);
    b.e->core.set.host.event = NULL; /* more than the log of them holds */
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(counters(&b).children, 0);
    assert_true(open_reply(&b, &m) && m.n == 1);
    assert_int_equal(ike_delete_parse(&d, ike_message_find(&m, IKE_P_DELETE, 0)), IKE_OK);
    assert_int_equal(d.count, 81);
    assert_int_equal(b.adds, b.removes);
}

/* The ICV covers it, so it is the peer's; still only what is inside SK counts (RFC 7296 section 1.4). */
static void a_delete_in_clear_is_none(void **state)
{
    (void)state;
    struct ike_seal k = seal_to(&b, true);
    struct ike_header h = {.spi_i = b.spi_i, .spi_r = b.spi_r, .version = 0x20, .exchange = IKE_X_INFORMATIONAL, .mid = 2};
    static const uint8_t delete_ike[] = {IKE_P_SK, 0, 0, 8, IKE_PROTO_IKE, 0, 0, 0};
    uint8_t iv[16] = {0x77};
    ike_path path = path_to(&b);
    if (!k.encr->aead) {
        print_message("left out: no AEAD in this build\n");
        return;
    }
    size_t at = IKE_HEADER_LEN + sizeof delete_ike, body = at + 4 + k.encr->iv_len, n = body + 1 + k.encr->icv_len;
    h.flags = IKE_FLAG_INITIATOR;
    h.next = IKE_P_DELETE;
    h.length = (uint32_t)n;
    ike_header_write(forged, &h);
    memcpy(forged + IKE_HEADER_LEN, delete_ike, sizeof delete_ike);
    memset(forged + at, 0, n - at);
    ike_store16(forged + at + 2, (uint16_t)(n - at));
    memcpy(forged + at + 4, iv, k.encr->iv_len);
    assert_int_equal(k.encr->init(seal_scratch, k.sk_e.ptr, k.sk_e.len, true), IKE_OK);
    assert_int_equal(k.encr->seal(seal_scratch, iv, forged, at + 4, forged + body, 1, forged + body + 1), IKE_OK);
    k.encr->clear(seal_scratch);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 0);
    assert_int_equal(b.n_out, 1); /* an empty request, which is answered */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sign_of_life_is_answered_empty, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(the_answer_to_a_delete_names_the_other_half, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_delete_of_what_is_not_there_is_answered_empty, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(deletes_that_cross_are_answered_empty, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(the_answer_to_the_last_delete_can_be_repeated, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(invalid_syntax_in_the_answer_ends_the_sa, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(only_the_initiator_can_take_its_consent_back, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(one_delete_can_name_them_all, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_delete_in_clear_is_none, pair_is_up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
