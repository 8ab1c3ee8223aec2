/* SPDX-License-Identifier: ISC
 *
 * Messages of IKEv1 in parts: what is long goes so to peers that say they take it, and parts of anybody, in any order, cost no
 * more than bounded memory.
 */
#include "unit/v1_help.h"

enum { PART = 1220 };

/* Each combination is a transform of its own, so that the first message of Quick Mode is long. */
static void many_transforms(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)x;
    (void)s;
    child[0].proposals = child[1].proposals =
        "aes128-aes192-aes256-sha1-sha256-sha384-sha512-modp2048, aes256-aes192-aes128-sha512-sha384-sha256-sha1-modp2048, "
        "aes192-aes256-aes128-sha256-sha1-sha384-sha512-modp2048, aes256gcm16-aes256gcm12-aes128gcm8-modp2048";
}

static int begin(void **state)
{
    (void)state;
    v1_new(NULL, many_transforms);
    v1_begin(1);
    return 0;
}

static void steps(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(wire_step(i % 2 ? &b : &a), IKE_OK);
    }
}

/* Deliver the i-th of what a has sent, and keep it. */
static int hear(unsigned i, const char *from)
{
    ike_path path = path_to(&b);
    path.remote = lab_addr(from);
    return node_input(&b, &path, a.out[i].bytes, a.out[i].n);
}

static void long_messages_go_in_parts(void **state)
{
    (void)state;
    steps(6);
    assert_true(a.n_out >= 2);
    for (unsigned i = 0; i < a.n_out; i++) {
        struct ike_message m;
        assert_int_equal(ike_message_parse(&m, a.out[i].bytes, a.out[i].n), IKE_OK);
        assert_true(a.out[i].n <= PART && m.h.flags == 0 && m.h.mid && m.h.exchange == IKE_X1_QUICK);
        assert_int_equal(m.n, 1);
        assert_int_equal(m.p[0].type, IKE_P1_FRAG);
        assert_int_equal(m.p[0].body[2], i + 1);
        assert_int_equal(m.p[0].body[3], i + 1 == a.n_out);
    }
    v1_finish();
}

static void in_any_order_and_twice(void **state)
{
    (void)state;
    steps(6);
    for (unsigned i = a.n_out; i-- > 0;) {
        assert_int_equal(hear(i, "192.0.2.1:500"), IKE_OK);
        assert_int_equal(hear(i, "192.0.2.1:500"), IKE_OK);
    }
    assert_int_equal(b.n_out, 1); /* the answer, once */
    a.n_out = 0;
    v1_finish();
}

/* A peer that did not say so gets the whole. */
static void only_where_the_peer_takes_them(void **state)
{
    (void)state;
    struct ike_message m;
    steps(1);
    assert_int_equal(ike_message_parse(&m, b.out[0].bytes, b.out[0].n), IKE_OK);
    for (unsigned i = 0; i < 2; i++) { /* of what b announces */
        const struct ike_payload *p = ike_message_find(&m, IKE_P1_VENDOR, i + 1);
        b.out[0].bytes[p->body - m.data] ^= 0xff;
    }
    assert_int_equal(wire_step(&b), IKE_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(wire_step(i % 2 ? &b : &a), IKE_OK);
    }
    assert_int_equal(a.n_out, 1);
    assert_true(a.out[0].n > PART);
    v1_finish();
}

/* From elsewhere, before there is an SA, without a number, beside other payloads. */
static void what_is_no_part_is_dropped(void **state)
{
    (void)state;
    steps(6);
    assert_true(hear(0, "198.51.100.7:500") < 0);
    a.out[0].bytes[0] ^= 1;
    assert_true(hear(0, "192.0.2.1:500") < 0);
    a.out[0].bytes[0] ^= 1;
    a.out[0].bytes[IKE_HEADER_LEN + 6] = 0;
    assert_true(hear(0, "192.0.2.1:500") < 0);
    a.out[0].bytes[IKE_HEADER_LEN + 6] = 1;
    assert_null(node_sa(&b)->v1->parts);
    v1_finish();
}

/* One put in by a stranger is replaced by the true one when it comes later; when it comes last the message is lost, and its
 * repetition is not. */
static void forged_parts_cost_a_repetition(void **state)
{
    (void)state;
    uint8_t *first = a.out[0].bytes;
    steps(6);
    first[IKE_HEADER_LEN + 20] ^= 1;
    assert_int_equal(hear(0, "192.0.2.1:500"), IKE_OK);
    first[IKE_HEADER_LEN + 20] ^= 1;
    assert_int_equal(hear(0, "192.0.2.1:500"), IKE_OK);
    first[IKE_HEADER_LEN + 20] ^= 1;
    assert_int_equal(hear(0, "192.0.2.1:500"), IKE_OK);
    first[IKE_HEADER_LEN + 20] ^= 1;
    unsigned parts = a.n_out;
    for (unsigned i = 1; i < parts; i++) {
        (void)hear(i, "192.0.2.1:500");
    }
    assert_int_equal(b.n_out, 0);
    assert_null(node_sa(&b)->v1->parts);
    a.n_out = 0;
    now += 10 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(a.n_out, parts);
    v1_finish();
}

static void part_of(const ike_path *path, uint64_t spi_i, uint64_t spi_r, unsigned number, size_t n, bool last)
{
    static uint8_t bytes[60000];
    struct ike_header h = {.spi_i = spi_i,
                           .spi_r = spi_r,
                           .next = IKE_P1_FRAG,
                           .version = IKE_V1_VERSION,
                           .exchange = IKE_X1_MAIN,
                           .length = (uint32_t)(IKE_HEADER_LEN + 8 + n)};
    struct ike_wr w = ike_wr(bytes + IKE_HEADER_LEN, 8);
    memset(bytes, 0xa5, sizeof bytes);
    ike_header_write(bytes, &h);
    ike_wr_u16(&w, 0);
    ike_wr_u16(&w, (uint16_t)(8 + n));
    ike_wr_u16(&w, 7);
    ike_wr_u8(&w, (uint8_t)number);
    ike_wr_u8(&w, last);
    (void)node_input(&b, path, bytes, h.length);
}

static void put_part(unsigned number, size_t n, bool last)
{
    ike_path path = path_to(&b);
    const struct ike_sa *sa = node_sa(&b);
    part_of(&path, sa->spi_i, sa->spi_r, number, n, last);
}

static void memory_for_them_is_bounded(void **state)
{
    (void)state;
    steps(1);
    size_t before = b.lab.octets;
    for (unsigned i = 1; i < 256; i++) {
        put_part(i, 1, false);
        put_part(i, 1000, false);
        assert_true(b.lab.octets < before + 20000);
    }
    put_part(1, 50000, false);
    assert_null(node_sa(&b)->v1->parts);
    put_part(1, 100, false);
    put_part(2, 100, true); /* nonsense, put together */
    assert_null(node_sa(&b)->v1->parts);
    put_part(2, 100, true);
    now += 31 * IKE_SEC;
    put_part(1, 100, false); /* too late for the other: not a whole */
    assert_int_equal(node_sa(&b) ? node_sa(&b)->v1->parts->n : 1, 1);
    v1_finish();
}

/* On as many half-open SAs as strangers like; what is left behind there keeps no message of a peer from being put together. */
static void memory_for_all_of_them_is_bounded(void **state)
{
    (void)state;
    uint8_t first[2048];
    size_t n = a.out[0].n;
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    s.version = 1;
    s.remote = (ike_addr){0};
    many_transforms(&b, &s, child);
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
    memcpy(first, a.out[0].bytes, n);
    steps(1); /* a's own */
    size_t before = b.lab.octets;
    for (unsigned i = 0; i < 300; i++) {
        char source[32];
        snprintf(source, sizeof source, "10.%u.%u.7:500", i >> 8, i & 255);
        ike_path path = path_to(&b);
        path.remote = lab_addr(source);
        ike_store64(first, 0x1000 + i);
        assert_int_equal(node_input(&b, &path, first, n), IKE_OK);
        uint64_t spi_r = ike_load64(b.out[--b.n_out].bytes + 8);
        for (unsigned k = 1; k <= 15; k++) {
            part_of(&path, 0x1000 + i, spi_r, k, 1000, false);
        }
    }
    assert_true(b.e->db.gathered > 1000000 && b.e->db.gathered <= 1u << 20);
    assert_true(b.lab.octets < before + (1u << 20) + 300 * 4096);
    v1_finish();
    now += 120 * IKE_SEC;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(b.e->db.gathered, 0);
}

static void short_memory_costs_a_repetition(void **state)
{
    (void)state;
    steps(6);
    unsigned parts = a.n_out;
    for (long allowed = 0; allowed < 5; allowed++) {
        b.lab.allowed = allowed;
        for (unsigned i = 0; i < parts; i++) {
            (void)hear(i, "192.0.2.1:500");
        }
        assert_int_equal(b.n_out, 0);
    }
    b.lab.allowed = -1;
    v1_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_messages_go_in_parts, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(in_any_order_and_twice, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(only_where_the_peer_takes_them, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_is_no_part_is_dropped, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(forged_parts_cost_a_repetition, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(memory_for_them_is_bounded, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(memory_for_all_of_them_is_bounded, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(short_memory_costs_a_repetition, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
