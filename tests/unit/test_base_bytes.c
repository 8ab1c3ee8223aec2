/* SPDX-License-Identifier: ISC
 *
 * Reader, writer, loads and stores, constant-time helpers: results, and that nothing past the end is touched (the buffers
 * are of exact size on the heap, so a sanitizer sees a single octet too many).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"

static void test_load_store(void **state)
{
    (void)state;
    const uint8_t b[8] = {0x81, 0x02, 0x03, 0x04, 0xf5, 0x06, 0x07, 0x08};
    uint8_t out[8];
    assert_int_equal(ike_load16(b), 0x8102);
    assert_int_equal(ike_load32(b), 0x81020304);
    assert_true(ike_load64(b) == 0x81020304f5060708);
    ike_store64(out, 0x81020304f5060708);
    assert_memory_equal(out, b, 8);
    ike_store32(out, 0x81020304);
    assert_memory_equal(out, b, 4);
    ike_store16(out, 0x8102);
    assert_memory_equal(out, b, 2);
}

static void test_reader(void **state)
{
    (void)state;
    uint8_t *b = malloc(15);
    assert_non_null(b);
    for (uint8_t i = 0; i < 15; i++) {
        b[i] = i;
    }
    struct ike_rd r = ike_rd(b, 15);
    assert_int_equal(ike_rd_u8(&r), 0);
    assert_int_equal(ike_rd_u16(&r), 0x0102);
    assert_int_equal(ike_rd_u32(&r), 0x03040506);
    assert_true(ike_rd_u64(&r) == 0x0708090a0b0c0d0e);
    assert_true(ike_rd_done(&r));
    assert_non_null(ike_rd_take(&r, 0));
    assert_int_equal(ike_rd_u8(&r), 0);
    assert_true(r.bad);
    assert_false(ike_rd_done(&r));
    assert_null(ike_rd_take(&r, 0));
    free(b);
}

/* Each width at each distance from the end: read when it fits, otherwise zero, bad, and bad for good. */
static void test_reader_ends(void **state)
{
    (void)state;
    for (size_t have = 0; have <= 9; have++) {
        uint8_t *b = malloc(have ? have : 1);
        assert_non_null(b);
        memset(b, 0xff, have);
        struct ike_rd r1 = ike_rd(b, have), r2 = r1, r4 = r1, r8 = r1;
        assert_int_equal(ike_rd_u8(&r1), have >= 1 ? 0xff : 0);
        assert_int_equal(ike_rd_u16(&r2), have >= 2 ? 0xffff : 0);
        assert_int_equal(ike_rd_u32(&r4), have >= 4 ? UINT32_MAX : 0);
        assert_true(ike_rd_u64(&r8) == (have >= 8 ? UINT64_MAX : 0));
        assert_int_equal(r8.bad, have < 8);
        if (r8.bad) {
            assert_int_equal(ike_rd_u8(&r8), 0);
            assert_int_equal(r8.left, 0);
        }
        free(b);
    }
    struct ike_rd r = ike_rd("abc", 3);
    assert_null(ike_rd_take(&r, SIZE_MAX));
    assert_true(r.bad);
}

static void test_reader_sub(void **state)
{
    (void)state;
    const uint8_t b[4] = {1, 2, 3, 4};
    struct ike_rd r = ike_rd(b, 4), s = ike_rd_sub(&r, 2);
    assert_int_equal(ike_rd_u16(&s), 0x0102);
    assert_int_equal(ike_rd_u8(&s), 0); /* the part ends before the whole does */
    assert_true(s.bad);
    assert_false(r.bad);
    assert_int_equal(ike_rd_u16(&r), 0x0304);
    s = ike_rd_sub(&r, 0);
    assert_true(ike_rd_done(&s));
    s = ike_rd_sub(&r, 1);
    assert_true(s.bad && r.bad);
    struct ike_rd none = ike_rd(NULL, 0);
    assert_true(ike_rd_done(&none));
    assert_non_null(ike_rd_take(&none, 0));
}

static void test_writer(void **state)
{
    (void)state;
    uint8_t *b = malloc(19);
    assert_non_null(b);
    struct ike_wr w = ike_wr(b, 19);
    ike_wr_u8(&w, 1);
    ike_wr_u16(&w, 0x0203);
    ike_wr_u32(&w, 0x04050607);
    ike_wr_u64(&w, 0x08090a0b0c0d0e0f);
    ike_wr_put(&w, "\x10\x11", 2);
    ike_wr_bytes(&w, (ike_bytes){NULL, 0});
    ike_wr_fix16(&w, 1, 0xbeef);
    assert_false(w.bad);
    assert_int_equal(w.len, 17);
    assert_memory_equal(b, "\x01\xbe\xef\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11", 17);
    ike_wr_u32(&w, 1); /* two octets are left */
    assert_true(w.bad);
    assert_int_equal(w.len, 17);
    ike_wr_u8(&w, 1); /* would fit, but bad stays bad */
    assert_int_equal(w.len, 17);
    assert_null(ike_wr_room(&w, 0));
    free(b);
}

static void test_writer_fix16(void **state)
{
    (void)state;
    uint8_t b[4];
    const struct {
        size_t at, value;
        bool ok;
    } cases[] = {{0, 65535, true}, {2, 0, true}, {3, 0, false}, {4, 0, false}, {0, 65536, false}};
    for (size_t i = 0; i < IKE_COUNT(cases); i++) {
        struct ike_wr w = ike_wr(b, 4);
        ike_wr_u32(&w, 0);
        ike_wr_fix16(&w, cases[i].at, cases[i].value);
        assert_int_equal(!w.bad, cases[i].ok);
    }
}

static void test_constant_time_helpers(void **state)
{
    (void)state;
    uint8_t a[33], b[33];
    memset(a, 0x5a, sizeof(a));
    memcpy(b, a, sizeof(a));
    assert_true(ike_ct_equal(a, b, sizeof(a)));
    assert_true(ike_ct_equal(a, b, 0));
    for (size_t i = 0; i < 8 * sizeof(a); i++) {
        b[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(ike_ct_equal(a, b, sizeof(a)));
        assert_int_equal(ike_ct_equal(a, b, i / 8), true);
        b[i / 8] = 0x5a;
    }
    ike_wipe(b, sizeof(b));
    assert_true(ike_is_zero(b, sizeof(b)));
    for (size_t i = 0; i < sizeof(b); i++) {
        b[i] = 0x80;
        assert_false(ike_is_zero(b, sizeof(b)));
        b[i] = 0;
    }
    ike_wipe(NULL, 0);
    assert_true(ike_bytes_equal(IKE_STR("abc"), ike_bytes_of("abcd", 3)));
    assert_false(ike_bytes_equal(IKE_STR("abc"), IKE_STR("abd")));
    assert_true(ike_bytes_equal(IKE_STR(""), (ike_bytes){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_store),
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_reader_ends),
        cmocka_unit_test(test_reader_sub),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_fix16),
        cmocka_unit_test(test_constant_time_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
