/* SPDX-License-Identifier: ISC
 *
 * The reader of test data itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vectors/json.h"
#include "vectors/vectors.h"

static void reads_a_tree(void **state)
{
    (void)state;
    static const char text[] = " { \"a\": [1, -2.5e3, \"x\"], \"b\" : {\"hex\":\"00ff\", \"no\":null, \"t\":true,\"f\":false},\n"
                               "\"s\":\"q\\\"\\\\\\n\\u00e9\\ud83d\\ude00\", \"e\":[], \"o\":{} }";
    struct json *root = json_parse(text, strlen(text));
    assert_non_null(root);
    assert_int_equal(json_count(root), 5);
    const struct json *a = json_get(root, "a");
    assert_int_equal(json_count(a), 3);
    assert_int_equal(json_long(json_first(a), NULL, 0), 1);
    assert_string_equal(json_text(json_first(a)->next, NULL), "-2.5e3");
    assert_true(json_has(root, "a", "x"));
    assert_false(json_has(root, "a", "y"));
    const struct json *b = json_get(root, "b");
    uint8_t out[2];
    assert_int_equal(json_hex(b, "hex", out, sizeof(out)), 2);
    assert_int_equal(out[1], 255);
    assert_int_equal(json_hex(b, "hex", out, 1), SIZE_MAX);
    assert_int_equal(json_hex(b, "nothing", out, 1), SIZE_MAX);
    assert_true(json_bool(b, "t"));
    assert_false(json_bool(b, "f"));
    assert_int_equal(json_get(b, "no")->type, JSON_NULL);
    assert_string_equal(json_text(root, "s"), "q\"\\\n\xc3\xa9\xf0\x9f\x98\x80");
    assert_int_equal(json_count(json_get(root, "e")), 0);
    assert_int_equal(json_long(root, "none", 7), 7);
    json_free(root);
}

static void refuses_what_is_not_json(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "{",      "[1",        "[1,]",  "{\"a\"}", "{\"a\":}", "\"abc", "\"\\u12", "\"\\",
                                      "nulll", "[1] 2", "{1:2}", "\"\\q\"", "tru",     "-x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_null(json_parse(bad[i], strlen(bad[i])));
    }
    char deep[200];
    memset(deep, '[', sizeof(deep));
    assert_null(json_parse(deep, sizeof(deep)));
}

static void reads_text_blocks(void **state)
{
    (void)state;
    char all[] = "# about\n\nKEY: 0102\nIN = \"hi: you\"\n\n\n[Section]\nKEY:\r\n# more\nOUT=ff";
    struct vec_text t = {.at = all};
    uint8_t out[16];
    assert_true(vec_text_next(&t));
    assert_int_equal(vec_text_bytes(&t, "KEY", out, sizeof(out)), 2);
    assert_int_equal(vec_text_bytes(&t, "IN", out, sizeof(out)), 7);
    assert_memory_equal(out, "hi: you", 7);
    assert_null(vec_text_get(&t, "OUT"));
    assert_true(vec_text_next(&t));
    assert_int_equal(vec_text_bytes(&t, "KEY", out, sizeof(out)), 0);
    assert_string_equal(vec_text_get(&t, "OUT"), "ff");
    assert_false(vec_text_next(&t));
    assert_int_equal(vec_hex("0g", out, sizeof(out)), SIZE_MAX);
    assert_int_equal(vec_hex("0", out, sizeof(out)), SIZE_MAX);
    assert_int_equal(vec_hex("00:11 22", out, sizeof(out)), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_tree),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(reads_text_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
