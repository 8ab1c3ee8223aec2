/* SPDX-License-Identifier: ISC
 *
 * Rows of Wireshark's key table: the published ones, our own written and read, and everything that is not a row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "unit/capture_file.h"

static void test_published(void **state)
{
    (void)state;
    ike_trace_keys rows[8];
    const size_t n = capture_keys(rows, 8, 2);
    if (n == 0) {
        skip();
    }
    static const struct {
        uint64_t spi_i;
        uint16_t encr, bits, integ;
        uint8_t icv, e, a, first;
    } want[] = {
        {0x19ab98963486359f, 3, 0, 7, 0, 24, 20, 0x2e},
        {0xa2926ae833c6f138, 13, 128, 0, 12, 20, 0, 0x5d},
        {0x191ccd371a7a1f7b, 12, 256, 12, 0, 32, 32, 0x90},
        {0x0158b8fb90b7623d, 20, 256, 0, 0, 36, 0, 0x64},
    };
    assert_int_equal(n, IKE_COUNT(want));
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].spi_i == want[i].spi_i && rows[i].encr == want[i].encr && rows[i].encr_bits == want[i].bits);
        assert_true(rows[i].integ == want[i].integ && rows[i].unchecked_icv == want[i].icv);
        assert_true(rows[i].sk_e_len == want[i].e && rows[i].sk_a_len == want[i].a && rows[i].sk_ei[0] == want[i].first);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    static const struct {
        uint16_t encr, bits, integ;
        size_t e, a;
        const char *names;
    } k[] = {
        {12, 128, 2, 16, 20, "\"AES-CBC-128 [RFC3602]\""},
        {12, 256, 14, 32, 64, "\"HMAC_SHA2_512_256 [RFC4868]\""},
        {20, 128, 0, 20, 0, "\"AES-GCM-128 with 16 octet ICV [RFC5282]\",,,\"NONE [RFC4306]\""},
        {18, 256, 0, 36, 0, "\"AES-GCM-256 with 8 octet ICV [RFC5282]\""},
        {28, 0, 0, 36, 0, "\"CHACHA20-POLY1305 [RFC7634]\""},
        {12, 192, 13, 24, 48, "\"HMAC_SHA2_384_192 [RFC4868]\""},
    };
    uint8_t key[4][72];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i / sizeof key[0]][i % sizeof key[0]] = (uint8_t)(i * 13 + 5);
    }
    for (size_t i = 0; i < IKE_COUNT(k); i++) {
        const ike_keylog log = {0x0102030405060708, 0xf1f2f3f4f5f6f7f8, k[i].encr,        k[i].bits,        k[i].integ,
                                {key[0], k[i].e},   {key[1], k[i].e},   {key[2], k[i].a}, {key[3], k[i].a}, 2};
        char text[IKE_KEYLOG_MAX];
        const size_t n = ike_keylog_format(&log, text, sizeof text);
        assert_true(n > 0 && n < sizeof text && strlen(text) == n);
        assert_non_null(strstr(text, k[i].names));
        ike_trace_keys row;
        assert_int_equal(ike_trace_keys_parse(&row, text, n), IKE_OK);
        assert_true(row.spi_i == log.spi_i && row.spi_r == log.spi_r && row.encr == k[i].encr && row.encr_bits == k[i].bits);
        assert_true(row.integ == k[i].integ && row.sk_e_len == k[i].e && row.sk_a_len == k[i].a);
        assert_memory_equal(row.sk_ei, key[0], k[i].e);
        assert_memory_equal(row.sk_er, key[1], k[i].e);
        assert_memory_equal(row.sk_ai, key[2], k[i].a);
        assert_memory_equal(row.sk_ar, key[3], k[i].a);
        char cut[40];
        assert_int_equal(ike_keylog_format(&log, cut, sizeof cut), n);
        assert_memory_equal(cut, text, sizeof cut - 1);
        /* Cut between the two SPIs' end and the second's it is a row of IKEv1, whose key may be of any length. */
        for (size_t len = 0; len < n; len++) {
            const int rc = ike_trace_keys_parse(&row, text, len);
            assert_true(rc == IKE_OK ? row.version == 1 && len <= 33 : ike_is_zero(&row, sizeof row));
        }
    }
    const ike_keylog odd = {.version = 2, .encr = 99};
    char text[64];
    assert_int_equal(ike_keylog_format(&odd, text, sizeof text), 0);
}

/* The published rows, and one of ours: of IKEv1 there is one key, and the cipher is not said. */
static void test_v1(void **state)
{
    (void)state;
    static const uint8_t key[56] = {1, 2, 3, [55] = 0xff};
    char text[IKE_KEYLOG_MAX];
    ike_trace_keys rows[8], row;
    for (size_t len = 8; len <= sizeof key; len += 8) {
        const ike_keylog log = {.version = 1, .spi_i = 0x0102030405060708, .spi_r = 9, .encr = 7, .sk_ei = {key, len}};
        const size_t n = ike_keylog_format(&log, text, sizeof text);
        assert_int_equal(n, 16 + 1 + 2 * len);
        assert_memory_equal(text, "0102030405060708,010203", 23);
        assert_int_equal(ike_trace_keys_parse(&row, text, n), IKE_OK);
        assert_true(row.version == 1 && row.spi_i == log.spi_i && row.spi_r == 0 && row.sk_e_len == len);
        assert_memory_equal(row.sk_ei, key, len);
    }
    const size_t n = capture_keys(rows, 8, 1);
    if (n == 0) {
        skip();
    }
    assert_int_equal(n, 2);
    assert_true(rows[0].version == 1 && rows[0].spi_i == 0xab3e0f1f8bc3be8e && rows[0].sk_e_len == 32 &&
                rows[0].sk_ei[0] == 0x92);
    assert_true(rows[1].version == 1 && rows[1].spi_i == 0xfafaeb49382a763c && rows[1].sk_e_len == 24 &&
                rows[1].sk_ei[0] == 0x73);
}

static void test_lines(void **state)
{
    (void)state;
#define SPIS "0102030405060708,1112131415161718,"
#define K16  "000102030405060708090a0b0c0d0e0f"
#define K20  K16 "10111213"
    static const struct {
        const char *line;
        int rc;
    } rows[] = {
        {"", IKE_ERR_NOT_FOUND},
        {"\r\n", IKE_ERR_NOT_FOUND},
        {"# written by a test", IKE_ERR_NOT_FOUND},
        {"ab3e0f1f8bc3be8e,928392441e00ece5", IKE_OK},
        {"ab3e0f1f8bc3be8e,0x928392441e00ece5\r\n", IKE_OK},
        {"ab3e0f1f8bc3be8e,", IKE_ERR_INVALID},
        {"ab3e0f1f8bc3be,928392441e00ece5", IKE_ERR_INVALID},
        {"ab3e0f1f8bc3be8e,928392441e00ece", IKE_ERR_INVALID},
        {"ab3e0f1f8bc3be8e,92839244zz00ece5", IKE_ERR_INVALID},
        {"ab3e0f1f8bc3be8e,928392441e00ece5,", IKE_ERR_INVALID},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_OK},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"\r\n", IKE_OK},
        {SPIS K16 "," K16 ",AES-CBC-128 [RFC3602]," K20 "," K20 ",HMAC_SHA1_96 [RFC2404]", IKE_OK},
        {SPIS "0x" K16 ",0X" K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_OK},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]\",,,\"ANY 96-bits of Authentication [No Checking]\"", IKE_OK},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_97\"", IKE_ERR_UNSUPPORTED},
        {SPIS K16 "," K16 ",\"AES-CBC-129\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_ERR_UNSUPPORTED},
        {SPIS K20 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_ERR_INVALID},
        {SPIS K16 "," K20 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_ERR_INVALID},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K16 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_ERR_INVALID},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\",x", IKE_ERR_INVALID},
        {SPIS, IKE_ERR_INVALID},
        {SPIS K16 "," K16 ",\"AES-CBC-128 [RFC3602]," K20 "," K20 ",HMAC_SHA1_96 [RFC2404]", IKE_ERR_INVALID},
        {SPIS "zz," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"", IKE_ERR_INVALID},
        {"0102,1112131415161718," K16 "," K16 ",\"AES-CBC-128 [RFC3602]\"," K20 "," K20 ",\"HMAC_SHA1_96 [RFC2404]\"",
         IKE_ERR_INVALID},
        {",,,,,,,", IKE_ERR_UNSUPPORTED},
        {"nonsense", IKE_ERR_INVALID},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_trace_keys k;
        const int rc = ike_trace_keys_parse(&k, rows[i].line, strlen(rows[i].line));
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].line, rc);
        }
        assert_true(rc == IKE_OK || ike_is_zero(&k, sizeof k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_published), cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_v1), cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
