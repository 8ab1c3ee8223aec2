/* SPDX-License-Identifier: ISC
 *
 * The hash map: look-up, several nodes of one key newest first, growth, and life without memory.
 */
#include "unit/core_help.h"

#include "base/map.h"

enum { MANY = 5000 };

static struct ike_map_node node[MANY];
static struct lab lab;
static ike_allocator mem = {lab_alloc, lab_release, &lab};

static int fresh(void **state)
{
    (void)state;
    lab_init(&lab);
    memset(node, 0, sizeof node);
    return 0;
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct ike_map m = {0};
    assert_null(ike_map_find(&m, 1));
    ike_map_del(&m, &node[0]); /* in no map: nothing happens */
    assert_int_equal(m.count, 0);
    ike_map_free(&m, &mem);
    assert_int_equal(lab.blocks, 0);
}

static void what_is_added_is_found_until_it_is_deleted(void **state)
{
    (void)state;
    struct ike_map m = {0};
    for (size_t i = 0; i < MANY; i++) {
        ike_map_add(&m, &node[i], i * 16, &mem); /* keys that share their low bits */
    }
    assert_int_equal(m.count, MANY);
    assert_true(!IKE_WITH_CROWDS || (m.n_buckets >= MANY && (m.n_buckets & (m.n_buckets - 1)) == 0));
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(ike_map_find(&m, i * 16), &node[i]);
    }
    assert_null(ike_map_find(&m, 8));
    for (size_t i = 0; i < MANY; i += 2) {
        ike_map_del(&m, &node[i]);
        ike_map_del(&m, &node[i]);
    }
    assert_int_equal(m.count, MANY / 2);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(ike_map_find(&m, i * 16), i % 2 ? &node[i] : NULL);
    }
    ike_map_free(&m, &mem);
    assert_int_equal(lab.blocks, 0);
}

static void nodes_of_one_key_come_newest_first_whatever_grows(void **state)
{
    (void)state;
    struct ike_map m = {0};
    for (size_t i = 0; i < 3; i++) {
        ike_map_add(&m, &node[i], 42, &mem);
    }
    for (size_t i = 3; i < 300; i++) {
        ike_map_add(&m, &node[i], 42 + i * 16, &mem);
    }
    const struct ike_map_node *n = ike_map_find(&m, 42);
    for (size_t i = 3; i-- > 0; n = ike_map_find_next(n)) {
        assert_ptr_equal(n, &node[i]);
    }
    assert_null(n);
    ike_map_del(&m, &node[1]);
    assert_ptr_equal(ike_map_find_next(ike_map_find(&m, 42)), &node[0]);
    ike_map_free(&m, &mem);
}

static void without_memory_it_is_slower(void **state)
{
    (void)state;
    struct ike_map m = {0};
    lab.allowed = 0;
    for (size_t i = 0; i < 100; i++) { /* no table at all */
        ike_map_add(&m, &node[i], i, &mem);
    }
    assert_int_equal(m.n_buckets, 0);
    ike_map_del(&m, &node[50]);
    assert_ptr_equal(ike_map_find(&m, 51), &node[51]);
    assert_null(ike_map_find(&m, 50));
    lab.allowed = IKE_WITH_CROWDS; /* the first table and no other */
    for (size_t i = 100; i < 200; i++) {
        ike_map_add(&m, &node[i], i, &mem);
    }
    ike_map_add(&m, &node[50], 50, &mem);
    assert_int_equal(m.n_buckets, IKE_WITH_CROWDS ? 16 : 0);
    assert_int_equal(m.count, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_ptr_equal(ike_map_find(&m, i), &node[i]);
    }
    ike_map_free(&m, &mem);
    assert_int_equal(lab.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_map_finds_nothing, fresh),
        cmocka_unit_test_setup(what_is_added_is_found_until_it_is_deleted, fresh),
        cmocka_unit_test_setup(nodes_of_one_key_come_newest_first_whatever_grows, fresh),
        cmocka_unit_test_setup(without_memory_it_is_slower, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
