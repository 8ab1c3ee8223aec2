/* SPDX-License-Identifier: ISC
 *
 * The database: triplets, their order and place, and transactions that happen wholly or not at all, also when memory runs out
 * in the middle.
 */
#include "conf_help.h"

static char *dump_at;
static int dump_one(void *user, const ike_triplet *t)
{
    (void)user;
    dump_at += t->tag ? sprintf(dump_at, " %s=%s", t->tag, t->value) : sprintf(dump_at, " [%s]", t->section);
    return 0;
}

static const char *dump(const ike_config *c)
{
    static char text[8192];
    dump_at = text;
    *dump_at = 0;
    assert_int_equal(ike_config_each(c, dump_one, NULL), 0);
    return text;
}

static int put(ike_config *c, const char *section, const char *tag, const char *value)
{
    ike_triplet t = {section, tag, value, "file", 7};
    return ike_config_put(c, &t);
}

static void test_triplets(void **state)
{
    (void)state;
    struct heap heap = {0};
    ike_allocator mem = heap_of(&heap);
    ike_config *c;
    ike_triplet t;
    assert_int_equal(ike_config_new(&c, &mem), IKE_OK);
    assert_int_equal(put(c, "s", "a", "1"), IKE_ERR_STATE);
    assert_int_equal(ike_config_commit(c), IKE_ERR_STATE);
    assert_int_equal(ike_config_remove(c, "s", NULL), IKE_ERR_STATE);
    assert_int_equal(ike_config_begin(c), IKE_OK);
    assert_int_equal(ike_config_begin(c), IKE_ERR_STATE);
    assert_int_equal(put(c, "s", "b", "1"), IKE_OK);
    assert_int_equal(put(c, "t", NULL, NULL), IKE_OK);
    assert_int_equal(put(c, "s", "a", "2"), IKE_OK);
    assert_int_equal(put(c, "s", "b", "3"), IKE_OK); /* in the place of the first */
    assert_int_equal(put(c, "", "b", "3"), IKE_ERR_INVALID);
    assert_int_equal(put(c, "s", "", "3"), IKE_ERR_INVALID);
    assert_int_equal(put(c, "s", "x", NULL), IKE_ERR_INVALID);
    assert_string_equal(dump(c), " [s] b=3 a=2 [t]");
    assert_int_equal(ike_config_get(c, "s", "a", &t), IKE_OK);
    assert_string_equal(t.section, "s");
    assert_string_equal(t.file, "file");
    assert_int_equal(t.line, 7);
    assert_int_equal(ike_config_get(c, "t", NULL, &t), IKE_OK);
    assert_null(t.value);
    assert_int_equal(ike_config_get(c, "t", "a", &t), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_config_remove(c, "s", "c"), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_config_commit(c), IKE_OK);
    ike_config_free(c);
    assert_int_equal(heap.live, 0);
}

static void test_abort(void **state)
{
    (void)state;
    struct heap heap = {0};
    ike_allocator mem = heap_of(&heap);
    ike_config *c;
    assert_int_equal(ike_config_new(&c, &mem), IKE_OK);
    ike_config_begin(c);
    put(c, "one", "a", "1");
    put(c, "one", "b", "2");
    put(c, "two", "a", "3");
    ike_config_commit(c);
    static const char before[] = " [one] a=1 b=2 [two] a=3";
    ike_config_begin(c);
    put(c, "one", "a", "changed");
    put(c, "one", "a", "again");
    put(c, "one", "c", "new");
    ike_config_remove(c, "one", "b");
    put(c, "one", "b", "last");
    assert_string_equal(dump(c), " [one] a=again c=new b=last [two] a=3");
    ike_config_remove(c, "one", NULL);
    assert_string_equal(dump(c), " [two] a=3");
    put(c, "one", "z", "fresh");
    ike_config_remove(c, "two", "a");
    ike_config_remove(c, "two", NULL);
    assert_string_equal(dump(c), " [one] z=fresh");
    ike_config_abort(c);
    assert_string_equal(dump(c), before);
    ike_config_abort(c); /* nothing open: nothing happens */
    ike_config_begin(c);
    ike_config_remove(c, "one", NULL);
    ike_config_commit(c);
    assert_string_equal(dump(c), " [two] a=3");
    ike_config_begin(c);
    put(c, "one", "a", "1");
    ike_config_free(c); /* aborts */
    assert_int_equal(heap.live, 0);
}

/* A folder may hold a file for each connection: each name is kept once, and stays when its triplets are gone. */
static void test_files(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static const char *names[MANY];
    struct heap heap = {0};
    ike_allocator mem = heap_of(&heap);
    ike_config *c;
    char section[24], file[24];
    assert_int_equal(ike_config_new(&c, &mem), IKE_OK);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ike_config_begin(c), IKE_OK);
        for (int i = 0; i < MANY; i++) {
            ike_triplet t = {section, "a", "1", file, 1}, got;
            sprintf(section, "s%d", i);
            sprintf(file, "%d.conf", i);
            assert_int_equal(ike_config_put(c, &t), IKE_OK);
            assert_int_equal(ike_config_get(c, section, "a", &got), IKE_OK);
            assert_string_equal(got.file, file);
            assert_true(round == 0 || got.file == names[i]);
            names[i] = got.file;
        }
        ike_config_abort(c);
    }
    ike_config_free(c);
    assert_int_equal(heap.live, 0);
}

static uint32_t draw(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

/* Random changes, some without memory: after an abort all is as before, after a commit what was seen before it stays. */
static void test_random(void **state)
{
    (void)state;
    struct heap heap = {0};
    ike_allocator mem = heap_of(&heap);
    ike_config *c;
    uint32_t x = 7;
    char kept[8192];
    assert_int_equal(ike_config_new(&c, &mem), IKE_OK);
    for (int round = 0; round < 3000; round++) {
        strcpy(kept, dump(c));
        assert_int_equal(ike_config_begin(c), IKE_OK);
        bool commit = draw(&x) % 2;
        for (unsigned k = draw(&x) % 12; k; k--) {
            char section[8], tag[8], text[12];
            sprintf(section, "s%u", (unsigned)(draw(&x) % 4));
            sprintf(tag, "t%u", (unsigned)(draw(&x) % 5));
            sprintf(text, "%u", (unsigned)draw(&x) % 1000);
            heap.fail_at = draw(&x) % 4 == 0 ? heap.calls + 1 + draw(&x) % 3 : 0;
            unsigned what = draw(&x) % 4;
            int r = what < 2 ? put(c, section, tag, text) : ike_config_remove(c, section, what == 2 ? tag : NULL);
            assert_true(r == IKE_OK || r == IKE_ERR_NOT_FOUND || r == IKE_ERR_NOMEM);
            heap.fail_at = 0;
        }
        if (commit) {
            strcpy(kept, dump(c));
            assert_int_equal(ike_config_commit(c), IKE_OK);
        } else {
            ike_config_abort(c);
        }
        assert_string_equal(dump(c), kept);
    }
    ike_config_free(c);
    assert_int_equal(heap.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_triplets), cmocka_unit_test(test_abort),
                                       cmocka_unit_test(test_files), cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
