/* SPDX-License-Identifier: ISC
 *
 * The VICI encoding: an example octet by octet, every malformed message, any octets at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ui/vici_msg.h"

/* Each kind of element, written down by hand from the encoding's definition (vici_msg.h). */
static const uint8_t example[] = {
    3, 4, 'm', 'o', 'd', 'e', 0,   6,   't', 'u', 'n', 'n', 'e', 'l', /* mode = tunnel */
    1, 3, 'l', 'a', 'n',                                              /* lan { */
    1, 4, 'l', 'i', 'f', 'e',                                         /* life { */
    3, 5, 'h', 'o', 'u', 'r', 's', 0,   2,   '2', '4',                /* hours = 24 */
    2,                                                                /* } */
    4, 4, 'n', 'e', 't', 's',                                         /* nets [ */
    5, 0, 11,  '1', '0', '.', '1', '.', '0', '.', '0', '/', '1', '6', /* 10.1.0.0/16 */
    5, 0, 9,   'f', 'd', '0', '1', ':', ':', '/', '4', '8',           /* fd01::/48 */
    6,                                                                /* ] */
    2,                                                                /* } */
};

static struct vici_text text(const void *p, size_t n) { return (struct vici_text){p, n}; }

static void test_write(void **state)
{
    (void)state;
    struct vici_buf b = {0};
    vici_begin(&b, VICI_CMD_REQUEST, "hello");
    vici_put(&b, "mode", "tunnel");
    vici_section(&b, "lan");
    vici_section(&b, "life");
    vici_putf(&b, "hours", "%d", 24);
    vici_section_end(&b);
    vici_list(&b, "nets");
    vici_item(&b, "10.1.0.0/16");
    vici_item(&b, "fd01::/48");
    vici_list_end(&b);
    vici_section_end(&b);
    assert_true(vici_finish(&b));
    assert_int_equal(b.len, 4 + 7 + sizeof example);
    assert_memory_equal(b.p, "\0\0\0", 3);
    assert_int_equal(b.p[3], 7 + sizeof example);
    assert_memory_equal(b.p + 4, "\0\5hello", 7);
    assert_memory_equal(b.p + 11, example, sizeof example);
    vici_begin(&b, VICI_CMD_UNKNOWN, NULL);
    assert_true(vici_finish(&b));
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.p, "\0\0\0\1\2", 5);
    vici_buf_free(&b);
}

static void test_read(void **state)
{
    (void)state;
    static const struct {
        enum vici_element_type type;
        const char *name, *value;
    } want[] = {{VICI_KEY_VALUE, "mode", "tunnel"},
                {VICI_SECTION_START, "lan", ""},
                {VICI_SECTION_START, "life", ""},
                {VICI_KEY_VALUE, "hours", "24"},
                {VICI_SECTION_END, "", ""},
                {VICI_LIST_START, "nets", ""},
                {VICI_LIST_ITEM, "", "10.1.0.0/16"},
                {VICI_LIST_ITEM, "", "fd01::/48"},
                {VICI_LIST_END, "", ""},
                {VICI_SECTION_END, "", ""},
                {VICI_END, "", ""}};
    struct vici_reader r = vici_reader(text(example, sizeof example));
    struct vici_element e;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_true(vici_next(&r, &e));
        assert_int_equal(e.type, want[i].type);
        assert_true(vici_text_is(e.name, want[i].name));
        assert_true(vici_text_is(e.value, want[i].value));
    }
    char out[8];
    struct vici_text v;
    assert_true(vici_get_str(text(example, sizeof example), "mode", out, sizeof out));
    assert_string_equal(out, "tunnel");
    assert_false(vici_get_str(text(example, sizeof example), "mode", out, 6));
    assert_false(vici_get(text(example, sizeof example), "hours", &v)); /* not in the outermost section */
    static const uint8_t nul[] = {3, 1, 'a', 0, 2, 'x', 0};
    assert_true(vici_get(text(nul, sizeof nul), "a", &v));
    assert_false(vici_get_str(text(nul, sizeof nul), "a", out, sizeof out));
}

#define BYTES(s)                                                                                                             \
    {                                                                                                                        \
        s, sizeof(s) - 1                                                                                                     \
    }

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {
        BYTES("\0"),
        BYTES("\7"),
        BYTES("\377"), /* no such element */
        BYTES("\2"),
        BYTES("\6"),
        BYTES("\5\0\0"), /* ends and items of nothing */
        BYTES("\1"),
        BYTES("\1\1"),
        BYTES("\1\1a"), /* cut, or not closed */
        BYTES("\1\1a\2\2"),
        BYTES("\4\1a"),
        BYTES("\4\1a\6\6"),
        BYTES("\4\1a\4\1b\6\6"),
        BYTES("\4\1a\3\1b\0\0\6"),
        BYTES("\4\1a\1\1b\2\6"),
        BYTES("\4\1a\2\6"),
        BYTES("\1\1a\6"),
        BYTES("\3"),
        BYTES("\3\2a"),
        BYTES("\3\1a"),
        BYTES("\3\1a\0"),
        BYTES("\3\1a\0\1"),
        BYTES("\3\1a\377\377b"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(vici_valid(text(bad[i].p, bad[i].n)));
    }
    assert_true(vici_valid(text("", 0)));
    assert_true(vici_valid(text(example, sizeof example)));
    for (size_t n = 1; n < sizeof example; n++) { /* the first key alone is a message, too */
        assert_int_equal(vici_valid(text(example, n)), n == 14);
    }
    char deep[3 * (VICI_DEPTH_MAX + 1) + VICI_DEPTH_MAX + 1];
    for (size_t depth = VICI_DEPTH_MAX; depth <= VICI_DEPTH_MAX + 1; depth++) {
        for (size_t i = 0; i < depth; i++) {
            memcpy(deep + 3 * i, "\1\1a", 3);
        }
        memset(deep + 3 * depth, 2, depth);
        assert_int_equal(vici_valid(text(deep, 4 * depth)), depth == VICI_DEPTH_MAX);
    }
}

static void test_packets(void **state)
{
    (void)state;
    struct vici_packet p;
    assert_true(vici_parse_packet((const uint8_t *)"\0\7version\3\1a\0\1b", 14, &p));
    assert_int_equal(p.type, VICI_CMD_REQUEST);
    assert_true(vici_text_is(p.name, "version"));
    assert_int_equal(p.message.n, 5);
    assert_true(vici_parse_packet((const uint8_t *)"\1", 1, &p));
    assert_int_equal(p.message.n, 0);
    assert_false(vici_parse_packet((const uint8_t *)"", 0, &p));
    assert_false(vici_parse_packet((const uint8_t *)"\0", 1, &p));
    assert_false(vici_parse_packet((const uint8_t *)"\0\0", 2, &p));
    assert_false(vici_parse_packet((const uint8_t *)"\3\4log", 5, &p));
    assert_false(vici_parse_packet((const uint8_t *)"\10\1a", 3, &p));
    assert_false(vici_parse_packet((const uint8_t *)"\377\1a", 3, &p));
}

/* What does not fit in the encoding makes the whole frame bad, never a wrong one. */
static void test_limits(void **state)
{
    (void)state;
    struct vici_buf b = {0};
    char *big = calloc(1, 70000);
    memset(big, 'x', 65535);
    vici_begin(&b, VICI_CMD_RESPONSE, NULL);
    vici_put(&b, "k", big);
    assert_true(vici_finish(&b));
    assert_true(vici_valid(text(b.p + 5, b.len - 5)));
    big[65535] = 'x';
    vici_begin(&b, VICI_CMD_RESPONSE, NULL);
    vici_put(&b, "k", big);
    assert_false(vici_finish(&b));
    big[256] = 0;
    vici_begin(&b, VICI_CMD_RESPONSE, NULL);
    vici_put(&b, big, "");
    assert_false(vici_finish(&b));
    big[256] = 'x';
    big[65535] = 0;
    vici_begin(&b, VICI_CMD_RESPONSE, NULL);
    for (int i = 0; i < 7; i++) {
        vici_put(&b, "k", big);
    }
    assert_true(vici_finish(&b));
    for (int i = 0; i < 7; i++) {
        vici_put(&b, "k", big);
    }
    assert_false(vici_finish(&b));
    assert_true(b.len <= VICI_FRAME_MAX + 4);
    free(big);
    vici_buf_free(&b);
}

static void test_any_octets(void **state)
{
    (void)state;
    uint32_t x = 1;
    uint8_t bytes[sizeof example];
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, example, sizeof example);
        for (int k = 0; k < 1 + round % 4; k++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            bytes[x % sizeof bytes] = (uint8_t)(x >> 24) & (round % 2 ? 7 : 255);
        }
        struct vici_packet p;
        struct vici_text v;
        uint8_t *copy = malloc(sizeof bytes); /* so that reading past the end is seen */
        memcpy(copy, bytes, sizeof bytes);
        (void)vici_parse_packet(copy, sizeof bytes, &p);
        (void)vici_valid(text(copy, sizeof bytes));
        (void)vici_get(text(copy, sizeof bytes), "hours", &v);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),   cmocka_unit_test(test_read),   cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_packets), cmocka_unit_test(test_limits), cmocka_unit_test(test_any_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
