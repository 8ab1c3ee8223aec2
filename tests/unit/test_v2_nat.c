/* SPDX-License-Identifier: ISC
 *
 * NAT detection (RFC 7296 section 2.23), seen from outside: a pair of engines with a translator between them, and the hashes
 * themselves against values computed with Python's hashlib.
 */
#include "unit/engine_help.h"

#include "vectors/vectors.h"

/* The first message of a, with known SPIs: SHA-1(SPIi | SPIr | address | port). */
static void the_hashes_are_those_of_the_rfc(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_notify n;
    uint8_t input[22] = {0}, want[20];
    const ike_hash *sha1 = ike_find_hash(ike_crypto_default(), 1);
    static _Alignas(16) uint8_t ctx[1024];
    if (!sha1) {
        print_message("left out: no SHA-1 in this build, so no NAT detection\n");
        return;
    }
    /* hashlib.sha1(bytes.fromhex("0102030405060708" "0000000000000000" "c0000201" "01f4")) */
    static const uint8_t known[] = {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1, 1, 0xf4};
    uint8_t expected[20];
    assert_int_equal(vec_hex("644b4575455bd6fcc1efe2be8162a9218e448e5f", expected, sizeof expected), 20);
    sha1->init(ctx);
    sha1->update(ctx, known, sizeof known);
    sha1->final(ctx, want);
    assert_memory_equal(want, expected, 20);

    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_message_parse(&m, a.out[0].bytes, a.out[0].n), IKE_OK);
    memcpy(input, m.data, 16);
    for (unsigned dest = 0; dest < 2; dest++) {
        memcpy(input + 16, known + 16, 6);
        input[19] = (uint8_t)(1 + dest);
        sha1->init(ctx);
        sha1->update(ctx, input, sizeof input);
        sha1->final(ctx, want);
        assert_true(ike_message_notify(&m, dest ? IKE_N_NAT_DETECTION_DESTINATION_IP : IKE_N_NAT_DETECTION_SOURCE_IP, &n));
        assert_int_equal(n.data.len, 20);
        assert_memory_equal(n.data.ptr, want, 20);
    }
}

static void wildcard(void)
{
    ike_conn_settings s;
    ike_child_settings child;
    ike_ts ts[2] = {lab_ts("10.2.0.0/16"), lab_ts("10.1.0.0/16")};
    ike_conn_id id;
    ike_conn_settings_init(&s);
    ike_child_settings_init(&child);
    s.name = "any";
    s.secret = IKE_STR("secret");
    child.name = "lan";
    child.local_ts = &ts[0];
    child.remote_ts = &ts[1];
    child.n_local_ts = child.n_remote_ts = 1;
    s.children = &child;
    s.n_children = 1;
    assert_int_equal(ike_conn_add(b.e, &s, &id, now), IKE_OK);
}

/* Deliver x's oldest message as if a translator had given a another address and port. */
static void through_nat(struct node *x, const char *outside)
{
    ike_path path = path_back(&x->out[0].path);
    uint8_t bytes[2048];
    size_t n = x->out[0].n;
    if (x == &a) {
        path.remote = lab_addr(outside);
        path.remote.port = (uint16_t)(path.remote.port + path.local.port);
    } else {
        path.local = lab_addr("192.0.2.2");
        path.local.port = path.remote.port = path.encap ? 4500 : 500;
        path = (ike_path){.local = lab_addr("192.0.2.1"), .remote = lab_addr("192.0.2.2"), .encap = path.encap};
        path.local.port = path.remote.port = path.encap ? 4500 : 500;
    }
    memcpy(bytes, x->out[0].bytes, n);
    memmove(&x->out[0], &x->out[1], --x->n_out * sizeof x->out[0]);
    (void)node_input(x == &a ? &b : &a, &path, bytes, n);
}

static ike_sa_info sa_of(struct node *x)
{
    ike_sa_info sa;
    assert_int_equal(ike_sa_next(x->e, 0, &sa), IKE_OK);
    return sa;
}

static void without_a_nat_nothing_moves(void **state)
{
    (void)state;
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    ike_sa_info i = sa_of(&a), r = sa_of(&b);
    ike_child_info k;
    assert_false(i.nat_local || i.nat_remote || r.nat_local || r.nat_remote);
    assert_true(i.path.remote.port == 500 && !i.path.encap);
    assert_int_equal(ike_child_next(a.e, 0, &k), IKE_OK);
    assert_false(k.udp_encap);
}

static void both_sides_know_and_float(void)
{
    ike_sa_info i = sa_of(&a), r = sa_of(&b);
    ike_child_info k;
    assert_true(i.nat_local && !i.nat_remote && !r.nat_local && r.nat_remote);
    assert_true(i.path.encap && i.path.local.port == 4500 && i.path.remote.port == 4500);
    assert_true(r.path.encap && r.path.remote.port == 14500); /* the responder follows */
    assert_int_equal(ike_child_next(a.e, 0, &k), IKE_OK);
    assert_true(k.udp_encap);
    assert_int_equal(ike_child_next(b.e, 0, &k), IKE_OK);
    assert_true(k.udp_encap);
}

static void behind_a_nat_both_sides_know_and_float(void **state)
{
    (void)state;
    if (!ike_find_hash(ike_crypto_default(), 1)) {
        print_message("left out: no SHA-1 in this build, so no NAT detection\n");
        return;
    }
    wildcard();
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    while (a.n_out || b.n_out) {
        through_nat(a.n_out ? &a : &b, "203.0.113.7:10000");
    }
    both_sides_know_and_float();
}

/* b's answer goes to a without NAT detection, and where it is to be worthless with a public value of zeros; it stays where it is.
 */
static void answer_without_detection(bool worthless)
{
    static uint8_t spoilt[2048], body[1024];
    struct ike_message m;
    struct ike_chain c = ike_chain(spoilt + IKE_HEADER_LEN, sizeof spoilt - IKE_HEADER_LEN);
    ike_path path = path_to(&a);
    assert_true(open_reply(&b, &m));
    for (unsigned i = 0; i < m.n; i++) {
        assert_true(m.p[i].len <= sizeof body);
        memcpy(body, m.p[i].body, m.p[i].len);
        if (m.p[i].type == IKE_P_KE && worthless) {
            memset(body + 4, 0, m.p[i].len - 4u);
        }
        if (m.p[i].type != IKE_P_NOTIFY) {
            ike_put_payload(&c, m.p[i].type, ike_bytes_of(body, m.p[i].len));
        }
    }
    m.h.next = c.first;
    m.h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(spoilt, &m.h);
    (void)node_input(&a, &path, spoilt, m.h.length);
}

/* An answer to IKE_SA_INIT that is dropped for its key exchange has not yet said that the peer cannot take UDP encapsulation. */
static void a_forged_answer_does_not_switch_encapsulation_off(void **state)
{
    (void)state;
    if (!ike_find_hash(ike_crypto_default(), 1)) {
        print_message("left out: no SHA-1 in this build, so no NAT detection\n");
        return;
    }
    wildcard();
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    through_nat(&a, "203.0.113.7:10000");
    answer_without_detection(true);
    assert_int_equal(a.n_out, 0);
    while (a.n_out || b.n_out) {
        through_nat(a.n_out ? &a : &b, "203.0.113.7:10000");
    }
    both_sides_know_and_float();
}

/* The same where there is no NAT and a pretends one; of a peer without NAT detection it then expects nothing of the kind. */
static void a_pretended_nat_is_one_for_a_peer_that_can(void **state)
{
    (void)state;
    if (!ike_find_hash(ike_crypto_default(), 1)) {
        print_message("left out: no SHA-1 in this build, so no NAT detection\n");
        return;
    }
    for (unsigned can = 0; can < 2; can++) {
        ike_child_settings child[2];
        ike_child_info k;
        ike_conn_settings s = conn_settings(&a, child);
        s.encap = true;
        assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        (void)wire_step(&a);
        answer_without_detection(can);
        assert_int_equal(a.n_out, !can);
        if (can) {
            wire_run();
            assert_int_equal(ike_child_next(a.e, 0, &k), IKE_OK);
            assert_true(k.udp_encap && sa_of(&a).path.encap);
        } else {
            assert_true(a.out[0].path.remote.port == 500 && !a.out[0].path.encap);
            pair_end();
            pair_new(NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_hashes_are_those_of_the_rfc, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(without_a_nat_nothing_moves, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(behind_a_nat_both_sides_know_and_float, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_forged_answer_does_not_switch_encapsulation_off, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_pretended_nat_is_one_for_a_peer_that_can, pair_is_new, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
