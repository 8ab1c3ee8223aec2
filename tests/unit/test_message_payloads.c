/* SPDX-License-Identifier: ISC
 *
 * Payload bodies: every field read, every fault refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/message.h"

static struct ike_payload payload(const void *body, size_t n) { return (struct ike_payload){.body = body, .len = (uint16_t)n}; }

static void test_notify(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t n, body[40];
        int rc;
    } rows[] = {
        {"plain", 4, {0, 0, 0x40, 0}, IKE_OK},
        {"too short", 3, {0, 0, 0x40}, IKE_ERR_PROTO},
        {"SPI past the end", 7, {3, 4, 0x40, 9, 1, 2, 3}, IKE_ERR_PROTO},
        {"SPI size 255", 8, {3, 255, 0x40, 9, 1, 2, 3, 4}, IKE_ERR_PROTO},
        {"REKEY_SA", 8, {3, 4, 0x40, 9, 1, 2, 3, 4}, IKE_OK},
        {"REKEY_SA without SPI", 4, {3, 0, 0x40, 9}, IKE_ERR_PROTO},
        {"REKEY_SA of an IKE SA", 12, {1, 8, 0x40, 9, 1, 2, 3, 4, 5, 6, 7, 8}, IKE_ERR_PROTO},
        {"CHILD_SA_NOT_FOUND", 8, {2, 4, 0, 44, 1, 2, 3, 4}, IKE_OK},
        {"SPI without protocol", 8, {0, 4, 0x40, 0, 1, 2, 3, 4}, IKE_ERR_PROTO},
        {"IKE SPI of 4", 8, {1, 4, 0, 14, 1, 2, 3, 4}, IKE_ERR_PROTO},
        {"SPI of 17 octets", 21, {9, 17, 0, 14}, IKE_ERR_PROTO},
        {"INVALID_KE", 6, {0, 0, 0, 17, 0, 31}, IKE_OK},
        {"INVALID_KE with 1 octet", 5, {0, 0, 0, 17, 31}, IKE_ERR_PROTO},
        {"INVALID_KE with 3 octets", 7, {0, 0, 0, 17, 0, 31, 0}, IKE_ERR_PROTO},
        {"empty cookie", 4, {0, 0, 0x40, 6}, IKE_ERR_PROTO},
        {"NAT detection of 19", 23, {0, 0, 0x40, 4}, IKE_ERR_PROTO},
        {"NAT detection of 20", 24, {0, 0, 0x40, 5}, IKE_OK},
        {"window 0", 8, {0, 0, 0x40, 1, 0, 0, 0, 0}, IKE_ERR_PROTO},
        {"window 1", 8, {0, 0, 0x40, 1, 0, 0, 0, 1}, IKE_OK},
        {"window of 3 octets", 7, {0, 0, 0x40, 1, 0, 0, 1}, IKE_ERR_PROTO},
        {"data nobody expects", 6, {0, 0, 0x40, 0, 1, 2}, IKE_OK},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t *copy = malloc(rows[i].n);
        assert_non_null(copy);
        memcpy(copy, rows[i].body, rows[i].n);
        const struct ike_payload p = payload(copy, rows[i].n);
        struct ike_notify n;
        if (ike_notify_parse(&n, &p) != rows[i].rc) {
            fail_msg("%s", rows[i].what);
        }
        free(copy);
    }
    static const uint8_t rekey[] = {3, 4, 0x40, 9, 1, 2, 3, 4, 0xaa};
    const struct ike_payload p = payload(rekey, sizeof rekey);
    struct ike_notify n;
    assert_int_equal(ike_notify_parse(&n, &p), IKE_OK);
    assert_true(n.protocol == 3 && n.spi_len == 4 && n.type == IKE_N_REKEY_SA && n.spi == rekey + 4);
    assert_true(n.data.len == 1 && n.data.ptr == rekey + 8);
}

/* Malformed notifies are passed over; the limits on cookies hold; errors are told from status. */
static void test_notify_search(void **state)
{
    (void)state;
    static uint8_t cookie[69] = {0, 0, 0x40, 6};
    static const uint8_t bad_ke[] = {0, 0, 0, 17, 31}, none[] = {0, 0, 0, 14}, contact[] = {0, 0, 0x40, 0};
    struct ike_message m = {.n = 4};
    m.p[0] = payload(cookie, 69);
    m.p[1] = payload(bad_ke, sizeof bad_ke);
    m.p[2] = payload(contact, sizeof contact);
    m.p[3] = payload(none, sizeof none);
    for (unsigned i = 0; i < 4; i++) {
        m.p[i].type = IKE_P_NOTIFY;
    }
    struct ike_notify n;
    assert_false(ike_message_notify(&m, IKE_N_COOKIE, &n)); /* 65 octets */
    m.p[0].len = 68;
    assert_true(ike_message_notify(&m, IKE_N_COOKIE, &n));
    assert_int_equal(n.data.len, 64);
    assert_false(ike_message_notify(&m, IKE_N_INVALID_KE_PAYLOAD, &n));
    assert_true(ike_message_notify(&m, IKE_N_INITIAL_CONTACT, &n));
    assert_true(ike_message_error(&m, &n));
    assert_int_equal(n.type, IKE_N_NO_PROPOSAL_CHOSEN);
    m.n = 3;
    assert_false(ike_message_error(&m, &n));
}

static void test_delete(void **state)
{
    (void)state;
    static const struct {
        uint8_t n, body[24];
        int rc;
    } rows[] = {
        {4, {1, 0, 0, 0}, IKE_OK},
        {8, {3, 4, 0, 1, 1, 2, 3, 4}, IKE_OK},
        {12, {3, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8}, IKE_OK},
        {4, {3, 4, 0, 0}, IKE_OK},
        {8, {3, 4, 0, 2, 1, 2, 3, 4}, IKE_ERR_PROTO},
        {9, {3, 4, 0, 1, 1, 2, 3, 4, 5}, IKE_ERR_PROTO},
        {12, {1, 8, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}, IKE_ERR_PROTO},
        {12, {3, 8, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}, IKE_ERR_PROTO},
        {4, {3, 0, 0, 9}, IKE_ERR_PROTO},
        {4, {3, 255, 255, 255}, IKE_ERR_PROTO},
        {3, {1, 0, 0}, IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const struct ike_payload p = payload(rows[i].body, rows[i].n);
        struct ike_delete d;
        assert_int_equal(ike_delete_parse(&d, &p), rows[i].rc);
        if (rows[i].rc == IKE_OK) {
            assert_int_equal(d.count * d.spi_len, rows[i].n - 4);
        }
    }
}

static void test_ke_auth(void **state)
{
    (void)state;
    static const uint8_t body[] = {2, 31, 0xff, 0xff, 7, 8};
    struct ike_payload p = payload(body, 6);
    uint16_t group;
    uint8_t method;
    ike_bytes v;
    assert_int_equal(ike_ke_parse(&group, &v, &p), IKE_OK);
    assert_true(group == 0x21f && v.len == 2 && v.ptr == body + 4);
    assert_int_equal(ike_auth_parse(&method, &v, &p), IKE_OK);
    assert_true(method == 2 && v.len == 2);
    p.len = 4;
    assert_int_equal(ike_ke_parse(&group, &v, &p), IKE_ERR_PROTO);
    assert_int_equal(ike_auth_parse(&method, &v, &p), IKE_OK); /* wrong, but not malformed: it fails as any wrong AUTH */
    assert_int_equal(v.len, 0);
    p.len = 3;
    assert_int_equal(ike_ke_parse(&group, &v, &p), IKE_ERR_PROTO);
    assert_int_equal(ike_auth_parse(&method, &v, &p), IKE_ERR_PROTO);
}

static void test_id(void **state)
{
    (void)state;
    static const struct {
        uint8_t n, body[24];
        int rc;
    } rows[] = {
        {8, {1, 9, 9, 9, 10, 0, 0, 1}, IKE_OK},
        {7, {1, 0, 0, 0, 10, 0, 0}, IKE_ERR_PROTO},
        {9, {1, 0, 0, 0, 10, 0, 0, 1, 0}, IKE_ERR_PROTO},
        {20, {5}, IKE_OK},
        {8, {5}, IKE_ERR_PROTO},
        {6, {2, 0, 0, 0, 'g', 'w'}, IKE_OK},
        {4, {2, 0, 0, 0}, IKE_ERR_PROTO},
        {7, {2, 0, 0, 0, 'g', 0, 'w'}, IKE_ERR_PROTO},
        {6, {2, 0, 0, 0, 0xc3, 0xa4}, IKE_ERR_PROTO},
        {7, {3, 0, 0, 0, 'a', '@', 'b'}, IKE_OK},
        {6, {9, 0, 0, 0, 0x30, 0}, IKE_OK},
        {6, {9, 0, 0, 0, 0x31, 0}, IKE_ERR_PROTO},
        {7, {9, 0, 0, 0, 0x30, 0, 0}, IKE_ERR_PROTO},
        {6, {9, 0, 0, 0, 0x30, 0x80}, IKE_ERR_PROTO},
        {7, {9, 0, 0, 0, 0x30, 0x81, 0}, IKE_ERR_PROTO},
        {5, {9, 0, 0, 0, 0x30}, IKE_ERR_PROTO},
        {5, {11, 0, 0, 0, 0}, IKE_OK},
        {4, {11, 0, 0, 0}, IKE_ERR_PROTO},
        {4, {13, 0, 0, 0}, IKE_OK},
        {5, {13, 0, 0, 0, 1}, IKE_ERR_PROTO},
        {5, {0, 0, 0, 0, 1}, IKE_ERR_PROTO},
        {3, {11, 0, 0}, IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const struct ike_payload p = payload(rows[i].body, rows[i].n);
        ike_id id;
        if (ike_id_payload_parse(&id, &p) != rows[i].rc) {
            fail_msg("row %zu", i);
        }
        if (rows[i].rc == IKE_OK) {
            assert_int_equal(id.type, rows[i].body[0]);
            assert_int_equal(id.data.len, rows[i].n - 4);
        }
    }
}

#define V4(proto, lo, hi, a, b) 7, proto, 0, 16, (lo) >> 8, (lo)&255, (hi) >> 8, (hi)&255, 10, 0, 0, a, 10, 0, 0, b

static void test_ts(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t n, body[64];
        int rc;
        size_t found;
    } rows[] = {
        {"one", 20, {1, 9, 9, 9, V4(6, 80, 80, 1, 9)}, IKE_OK, 1},
        {"two", 36, {2, 0, 0, 0, V4(0, 0, 65535, 1, 9), V4(17, 500, 4500, 2, 2)}, IKE_OK, 2},
        {"three are more than there is room for",
         52,
         {3, 0, 0, 0, V4(0, 0, 0, 1, 1), V4(0, 0, 0, 1, 1), V4(0, 0, 0, 1, 1)},
         IKE_ERR_LIMIT,
         2},
        {"opaque", 20, {1, 0, 0, 0, V4(6, 65535, 0, 1, 9)}, IKE_OK, 1},
        {"none", 4, {0, 0, 0, 0}, IKE_ERR_PROTO, 0},
        {"fewer than counted", 20, {2, 0, 0, 0, V4(6, 80, 80, 1, 9)}, IKE_ERR_PROTO, 0},
        {"more than counted", 36, {1, 0, 0, 0, V4(6, 80, 80, 1, 9), V4(6, 80, 80, 1, 9)}, IKE_ERR_PROTO, 0},
        {"addresses reversed", 20, {1, 0, 0, 0, V4(6, 80, 80, 9, 1)}, IKE_ERR_PROTO, 0},
        {"ports reversed", 20, {1, 0, 0, 0, V4(6, 81, 80, 1, 9)}, IKE_ERR_PROTO, 0},
        {"unknown type is skipped", 26, {2, 0, 0, 0, 10, 0, 0, 6, 1, 2, V4(6, 80, 80, 1, 9)}, IKE_OK, 1},
        {"unknown types only", 8, {1, 0, 0, 0, 10, 0, 0, 4}, IKE_OK, 0},
        {"unknown type, length 3", 8, {1, 0, 0, 0, 10, 0, 0, 3}, IKE_ERR_PROTO, 0},
        {"length 15", 20, {1, 0, 0, 0, 7, 0, 0, 15}, IKE_ERR_PROTO, 0},
        {"IPv6 of IPv4's length", 20, {1, 0, 0, 0, 8, 0, 0, 16}, IKE_ERR_PROTO, 0},
        {"IPv6", 44, {1, 0, 0, 0, 8, 0, 0, 40, 0, 0, 0xff, 0xff}, IKE_OK, 1},
        {"too short", 3, {1, 0, 0}, IKE_ERR_PROTO, 0},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t *copy = malloc(rows[i].n);
        assert_non_null(copy);
        memcpy(copy, rows[i].body, rows[i].n);
        const struct ike_payload p = payload(copy, rows[i].n);
        ike_ts ts[2];
        size_t n = 99;
        const int rc = ike_ts_payload_parse(ts, 2, &n, &p);
        if (rc != rows[i].rc || n != rows[i].found) {
            fail_msg("%s: %d, %zu", rows[i].what, rc, n);
        }
        free(copy);
    }
    const struct ike_payload p = payload(rows[0].body, rows[0].n);
    ike_ts ts;
    size_t n;
    assert_int_equal(ike_ts_payload_parse(&ts, 1, &n, &p), IKE_OK);
    assert_true(ts.family == 4 && ts.proto == 6 && ts.port_lo == 80 && ts.port_hi == 80 && ts.lo[3] == 1 && ts.hi[3] == 9);
    assert_true(ike_is_zero(ts.lo + 4, 12) && ike_is_zero(ts.hi + 4, 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notify), cmocka_unit_test(test_notify_search),
        cmocka_unit_test(test_delete), cmocka_unit_test(test_ke_auth),
        cmocka_unit_test(test_id),     cmocka_unit_test(test_ts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
