/* SPDX-License-Identifier: ISC
 *
 * Handles: a stale or invented one names nothing, a walk survives deletions, memory short gives 0.
 */
#include "unit/core_help.h"

#include "base/slots.h"

enum { MANY = 1000 };

static struct lab lab;
static ike_allocator mem = {lab_alloc, lab_release, &lab};
static int object[MANY];
static uint64_t handle[MANY];

static int fresh(void **state)
{
    (void)state;
    lab_init(&lab);
    return 0;
}

static void a_handle_names_its_object_and_no_other(void **state)
{
    (void)state;
    struct ike_slots s = {0};
    for (size_t i = 0; i < MANY; i++) {
        handle[i] = ike_slots_add(&s, &object[i], &mem);
        assert_true(handle[i] != 0);
    }
    assert_int_equal(s.count, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(ike_slots_get(&s, handle[i]), &object[i]);
        assert_null(ike_slots_get(&s, handle[i] ^ UINT64_C(1) << 32)); /* another generation */
    }
    assert_null(ike_slots_get(&s, 0));
    assert_null(ike_slots_get(&s, (handle[0] & ~UINT64_C(0xffffffff)) | (MANY + 1)));
    assert_null(ike_slots_get(&s, UINT64_MAX));
    ike_slots_del(&s, handle[1]);
    assert_ptr_equal(ike_slots_at(&s, 0), &object[0]);
    assert_null(ike_slots_at(&s, 1));
    assert_ptr_equal(ike_slots_at(&s, MANY - 1), &object[MANY - 1]);
    assert_null(ike_slots_at(&s, MANY));
    ike_slots_del_at(&s, 2);
    ike_slots_del_at(&s, 2);
    ike_slots_del_at(&s, MANY);
    assert_null(ike_slots_at(&s, 2));
    assert_null(ike_slots_get(&s, handle[2]));
    assert_int_equal(s.count, MANY - 2);
    assert_null(ike_slots_at(&s, UINT32_MAX));
    ike_slots_free(&s, &mem);
    assert_int_equal(lab.blocks, 0);
}

static void a_slot_used_again_has_another_handle(void **state)
{
    (void)state;
    struct ike_slots s = {0};
    uint64_t old = ike_slots_add(&s, &object[0], &mem);
    for (int i = 0; i < 100; i++) {
        ike_slots_del(&s, old);
        ike_slots_del(&s, old); /* stale by now */
        assert_int_equal(s.count, 0);
        uint64_t now = ike_slots_add(&s, &object[1], &mem);
        assert_int_equal((uint32_t)now, (uint32_t)old);
        assert_true(now != old);
        assert_null(ike_slots_get(&s, old));
        ike_slots_del(&s, old);
        assert_ptr_equal(ike_slots_get(&s, now), &object[1]);
        old = now;
    }
    ike_slots_free(&s, &mem);
}

static void a_walk_sees_what_lives_in_a_stable_order(void **state)
{
    (void)state;
    struct ike_slots s = {0};
    uint64_t at = 0;
    assert_null(ike_slots_next(&s, 0, &at));
    for (size_t i = 0; i < 10; i++) {
        handle[i] = ike_slots_add(&s, &object[i], &mem);
    }
    ike_slots_del(&s, handle[0]);
    ike_slots_del(&s, handle[5]);
    size_t seen = 0;
    for (void *o = ike_slots_next(&s, 0, &at); o; o = ike_slots_next(&s, at, &at)) {
        size_t i = (size_t)((int *)o - object);
        assert_true(handle[i] == at && i != 0 && i != 5);
        ike_slots_del(&s, at); /* the handle of the last one may be stale */
        seen++;
    }
    assert_int_equal(seen, 8);
    assert_int_equal(s.count, 0);
    ike_slots_free(&s, &mem);
}

static void without_memory_there_is_no_handle(void **state)
{
    (void)state;
    struct ike_slots s = {0};
    lab.allowed = 0;
    assert_true(ike_slots_add(&s, &object[0], &mem) == 0);
    lab.allowed = 1;
    size_t n = 0;
    while (n < MANY && (handle[n] = ike_slots_add(&s, &object[n], &mem))) {
        n++;
    }
    assert_int_equal(n, 16);
    assert_int_equal(s.count, 16);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(ike_slots_get(&s, handle[i]), &object[i]);
    }
    ike_slots_free(&s, &mem);
    assert_int_equal(lab.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_handle_names_its_object_and_no_other, fresh),
        cmocka_unit_test_setup(a_slot_used_again_has_another_handle, fresh),
        cmocka_unit_test_setup(a_walk_sees_what_lives_in_a_stable_order, fresh),
        cmocka_unit_test_setup(without_memory_there_is_no_handle, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
