/* SPDX-License-Identifier: ISC
 *
 * What ikelibctl makes of messages: trees, JSON, words. Its sources are part of no library, so they are taken in here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/json.c"
#include "ctl/text.c"
#include "ctl/tree.c"

static struct vici_text text(const void *p, size_t n) { return (struct vici_text){p, n}; }

static void test_tree(void **state)
{
    (void)state;
    static const char m[] = "\3\1a\0\1x\1\1s\3\1b\0\002yy\4\1l\5\0\1p\5\0\1q\6\2\3\1n\0\00242\3\1o\0\003yes";
    struct node *t = tree_read(text(m, sizeof m - 1));
    assert_non_null(t);
    assert_string_equal(tree_str(t, "a"), "x");
    assert_string_equal(tree_str(t, "s"), "");
    assert_string_equal(tree_str(t, "nothing"), "");
    assert_int_equal(tree_num(t, "n"), 42);
    assert_true(tree_yes(t, "o"));
    assert_false(tree_yes(t, "a"));
    const struct node *s = tree_find(t, "s"), *l = tree_find(s, "l");
    assert_string_equal(tree_str(s, "b"), "yy");
    assert_string_equal(l->first->value, "p");
    assert_string_equal(l->first->next->value, "q");
    assert_null(l->first->next->next);
    assert_null(tree_find(NULL, "a"));
    struct node into = {0}, *more = tree_read(text("\3\1z\0\1z", 6));
    tree_move(&into, t);
    tree_move(&into, more);
    assert_string_equal(tree_str(&into, "z"), "z");
    assert_string_equal(tree_str(&into, "a"), "x");
    tree_free(t);
    tree_free(more);
    tree_free(into.first);
    for (size_t n = 1; n < sizeof m - 1; n++) { /* cut anywhere: a shorter message, or none */
        tree_free(tree_read(text(m, n)));
    }
    assert_null(tree_read(text("\2", 1)));
    char deep[200];
    for (size_t i = 0; i < 40; i++) {
        memcpy(deep + 3 * i, "\1\1a", 3);
    }
    assert_null(tree_read(text(deep, 120)));
}

static void test_json(void **state)
{
    (void)state;
    char *out = NULL;
    size_t n = 0;
    struct json j = {.out = open_memstream(&out, &n), .lines = true};
    json_open(&j, NULL, '{');
    json_str(&j, "text", "a\"b\\c\nd\x01\xff");
    json_num(&j, "number", 18446744073709551615ull);
    json_open(&j, "list", '[');
    json_str(&j, NULL, "x");
    json_bool(&j, NULL, false);
    json_open(&j, NULL, '[');
    json_close(&j, ']');
    json_close(&j, ']');
    json_null(&j, "none");
    json_close(&j, '}');
    fclose(j.out);
    assert_string_equal(
        out, "{\"text\":\"a\\\"b\\\\c\\nd\\u0001\\u00ff\",\"number\":18446744073709551615,\"list\":[\"x\",false,[]],"
             "\"none\":null}\n");
    free(out);
    j = (struct json){.out = open_memstream(&out, &n)};
    json_open(&j, NULL, '{');
    json_open(&j, "a", '[');
    json_close(&j, ']');
    json_num(&j, "b", 1);
    json_close(&j, '}');
    fclose(j.out);
    assert_string_equal(out, "{\n  \"a\": [],\n  \"b\": 1\n}\n");
    free(out);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(text_seconds(59), "59s");
    assert_string_equal(text_seconds(60), "1m00s");
    assert_string_equal(text_seconds(3725), "1h02m");
    assert_string_equal(text_seconds(90000), "1d01h");
    assert_string_equal(text_octets(0), "0 B");
    assert_string_equal(text_octets(1023), "1023 B");
    assert_string_equal(text_octets(1536), "1.5 KiB");
    assert_string_equal(text_octets(3ull << 30), "3.0 GiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tree), cmocka_unit_test(test_json),
                                       cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
