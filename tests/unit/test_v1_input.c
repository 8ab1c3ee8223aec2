/* SPDX-License-Identifier: ISC
 *
 * Whose a datagram of IKEv1 is: what is dropped before anything is kept, and what anybody can make us keep.
 */
#include "unit/v1_help.h"

enum { AT_SPI_R = 8, AT_EXCHANGE = 18, AT_FLAGS = 19, AT_MID = 20 };

static uint8_t first[2048];
static size_t first_len;

static void few(struct node *x, ike_settings *s)
{
    (void)x;
    s->max_half_open = 20;
    s->half_open_per_source = 5;
}

/* a's first message is taken off the wire. */
static int begin(void **state)
{
    (void)state;
    v1_new(few, NULL);
    v1_begin(1);
    first_len = a.out[0].n;
    memcpy(first, a.out[0].bytes, first_len);
    a.n_out = 0;
    return 0;
}

static int from(const char *source)
{
    ike_path path = path_to(&b);
    path.remote = lab_addr(source);
    return node_input(&b, &path, first, first_len);
}

static void first_messages_that_cannot_be_are_dropped(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {
        {AT_EXCHANGE, IKE_X1_AGGRESSIVE},
        {AT_EXCHANGE, IKE_X1_BASE},
        {AT_EXCHANGE, IKE_X1_QUICK},
        {AT_EXCHANGE, IKE_X1_INFORMATIONAL},
        {AT_FLAGS, IKE_FLAG1_ENCRYPTED},
        {AT_MID, 1},
        {AT_SPI_R, 1}, /* of an SA that is not there */
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t was = first[rows[i].at];
        first[rows[i].at] = rows[i].value;
        (void)from("192.0.2.1:500");
        first[rows[i].at] = was;
        assert_int_equal(counters(&b).half_open + counters(&b).sas + b.n_out, 0);
    }
    assert_int_equal(from("192.0.2.1:500"), IKE_OK);
    assert_int_equal(b.n_out, 1);
    b.n_out = 0;
}

/* Cut anywhere. */
static void short_messages_leave_nothing(void **state)
{
    (void)state;
    ike_path path = path_to(&b);
    for (size_t n = 0; n < first_len; n++) {
        (void)node_input(&b, &path, first, n);
        ike_store32(first + 24, (uint32_t)n);
        (void)node_input(&b, &path, first, n);
        ike_store32(first + 24, (uint32_t)first_len);
    }
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).half_open, 0);
}

static void our_own_first_message_is_nobodys(void **state)
{
    (void)state;
    ike_path path = path_to(&a);
    assert_int_not_equal(node_input(&a, &path, first, first_len), IKE_OK);
    assert_int_equal(a.n_out, 0);
}

/* A source has its share; all of them together have a limit, at which the oldest goes. */
static void first_messages_take_up_limited_room(void **state)
{
    (void)state;
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    s.version = 1;
    s.remote = (ike_addr){0};
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
    for (uint64_t i = 0; i < 40; i++) {
        ike_store64(first, 0x1000 + i);
        (void)from("192.0.2.1:500");
        b.n_out = 0;
    }
    assert_int_equal(counters(&b).half_open, 5);
    uint64_t most = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        char source[32];
        snprintf(source, sizeof source, "10.%u.%u.7:500", (unsigned)(i >> 8), (unsigned)(i & 255));
        ike_store64(first, 0x100000 + i);
        (void)from(source);
        assert_true(b.n_out <= 1);
        if (b.n_out) {
            assert_true(b.out[0].n <= first_len); /* nobody is sent more than was spent */
        }
        b.n_out = 0;
        assert_true(counters(&b).half_open <= 20);
        if (i == 200) {
            most = b.lab.octets;
        }
    }
    assert_true(b.lab.octets <= most + most / 10);
    now += 120 * IKE_SEC;
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(counters(&b).half_open + counters(&b).sas, 0);
}

/* With the right cookies: nothing of an exchange that is open may be spoiled, nor its repetitions put off. */
static void garbage_does_not_put_off_repetitions(void **state)
{
    (void)state;
    static uint8_t bad[128];
    ike_path path = path_to(&a);
    assert_int_equal(from("192.0.2.1:500"), IKE_OK);
    ike_time due = ike_next_timeout(a.e);
    struct ike_header h = {.spi_i = ike_load64(first), .spi_r = ike_load64(b.out[0].bytes + 8), .version = IKE_V1_VERSION};
    for (unsigned i = 0; i < 600; i++) {
        h.exchange = i % 3 == 0 ? IKE_X1_MAIN : i % 3 == 1 ? IKE_X1_QUICK : IKE_X1_INFORMATIONAL;
        h.flags = i % 2 ? IKE_FLAG1_ENCRYPTED : 0;
        h.mid = i % 5 ? i : 0;
        h.next = (uint8_t)(i % 14);
        h.length = sizeof bad - 4;
        ike_header_write(bad, &h);
        memset(bad + IKE_HEADER_LEN, (int)i, sizeof bad - IKE_HEADER_LEN);
        (void)node_input(&a, &path, bad, sizeof bad - 4);
    }
    assert_int_equal(a.n_out, 0);
    assert_true(ike_next_timeout(a.e) == due);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
}

/* The same once the SA is up. */
static void garbage_does_not_touch_what_is_up(void **state)
{
    (void)state;
    assert_int_equal(from("192.0.2.1:500"), IKE_OK);
    wire_run();
    struct ike_sa *sa = node_sa(&b);
    ike_time seen = sa->last_in;
    size_t octets = b.lab.octets;
    static uint8_t bad[92];
    ike_path path = path_to(&b);
    path.remote = lab_addr("198.51.100.9:4500");
    struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .next = IKE_P1_HASH};
    now += IKE_SEC;
    for (uint32_t i = 0; i < 2000; i++) {
        h.exchange = i % 3 == 0 ? IKE_X1_MAIN : i % 3 == 1 ? IKE_X1_QUICK : IKE_X1_INFORMATIONAL;
        h.flags = i % 7 ? IKE_FLAG1_ENCRYPTED : 0;
        h.mid = i;
        h.length = sizeof bad;
        ike_header_write(bad, &h);
        for (size_t k = IKE_HEADER_LEN; k < sizeof bad; k++) {
            bad[k] = (uint8_t)(i * 31 + k * 7);
        }
        (void)node_input(&b, &path, bad, sizeof bad);
    }
    assert_int_equal(b.n_out, 0);
    assert_int_equal(b.lab.octets, octets);
    assert_int_equal(counters(&b).exchanges, 0);
    assert_true(sa->last_in == seen && sa->path.remote.port == 500);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
}

/* Cookies can be read by all on the way. A message of the other version that bears them meets no keys of its kind. */
static void the_other_version_does_not_reach_it(void **state)
{
    (void)state;
    assert_int_equal(from("192.0.2.1:500"), IKE_OK);
    wire_run();
    struct ike_sa *sa = node_sa(&b);
    ike_path path = path_to(&b);
    uint8_t m[IKE_HEADER_LEN + 4 + 64] = {0};
    for (unsigned i = 0; i < 8; i++) {
        struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = 0x20, .next = IKE_P_SK, .length = sizeof m};
        h.exchange = i % 2 ? IKE_X_INFORMATIONAL : IKE_X_AUTH;
        h.flags = (uint8_t)((i & 2 ? IKE_FLAG_INITIATOR : 0) | (i & 4 ? IKE_FLAG_RESPONSE : 0));
        ike_header_write(m, &h);
        ike_store16(m + IKE_HEADER_LEN + 2, sizeof m - IKE_HEADER_LEN);
        assert_int_equal(node_input(&b, &path, m, sizeof m), IKE_ERR_NOT_FOUND);
        b.n_out = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_messages_that_cannot_be_are_dropped, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(short_messages_leave_nothing, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(our_own_first_message_is_nobodys, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(first_messages_take_up_limited_room, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(garbage_does_not_put_off_repetitions, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(garbage_does_not_touch_what_is_up, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(the_other_version_does_not_reach_it, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
