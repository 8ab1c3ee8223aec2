/* SPDX-License-Identifier: ISC
 *
 * What an SA of IKEv1 keeps: message ids, each of which is used once, and last messages that may be asked for again.
 */
#include "unit/sa_help.h"

static struct lab lab;
static struct ike_core core;

static int begin(void **state)
{
    (void)state;
    lab_core(&lab, &core);
    return 0;
}

/* Nothing is left over. */
static int end(void **state)
{
    (void)state;
    lab_core_end(&lab, &core);
    return 0;
}

static uint32_t mid_at(uint32_t i) { return i * 2654435769u + 1; }

static void an_id_is_used_once(void **state)
{
    (void)state;
    struct ike_sa sa = {0};
    assert_true(ike_v1_sa_init(&core, &sa));
    assert_int_equal(sa.version, 1);
    assert_int_equal(ike_v1_mid_use(&core, sa.v1, 0), IKE_ERR_EXISTS); /* phase 1 has that */
    for (uint32_t i = 0; i < 5000; i++) {
        assert_false(ike_v1_mid_used(sa.v1, mid_at(i)));
        assert_int_equal(ike_v1_mid_use(&core, sa.v1, mid_at(i)), IKE_OK);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        assert_true(ike_v1_mid_used(sa.v1, mid_at(i)));
        assert_int_equal(ike_v1_mid_use(&core, sa.v1, mid_at(i)), IKE_ERR_EXISTS);
    }
    ike_v1_sa_free(&core, sa.v1);
}

/* Ids that collide stand in one row: none is lost when one in the middle goes. */
static void an_id_can_be_forgotten(void **state)
{
    (void)state;
    struct ike_sa sa = {0};
    assert_true(ike_v1_sa_init(&core, &sa));
    ike_v1_mid_forget(sa.v1, 7); /* none there */
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(ike_v1_mid_use(&core, sa.v1, mid_at(i)), IKE_OK);
    }
    for (uint32_t i = 0; i < 1000; i += 3) {
        ike_v1_mid_forget(sa.v1, mid_at(i));
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(ike_v1_mid_used(sa.v1, mid_at(i)), i % 3 != 0);
    }
    /* All in one place of the table. */
    for (uint32_t gap = 0; gap < 6; gap++) {
        for (uint32_t i = 1; i <= 6; i++) {
            (void)ike_v1_mid_use(&core, sa.v1, i << 20);
        }
        ike_v1_mid_forget(sa.v1, (gap + 1) << 20);
        for (uint32_t i = 1; i <= 6; i++) {
            assert_int_equal(ike_v1_mid_used(sa.v1, i << 20), i != gap + 1);
        }
    }
    ike_v1_sa_free(&core, sa.v1);
}

/* A peer cannot make an SA grow without end. */
static void ids_have_a_limit(void **state)
{
    (void)state;
    struct ike_sa sa = {0};
    uint32_t n = 0;
    int r = IKE_OK;
    assert_true(ike_v1_sa_init(&core, &sa));
    while (r == IKE_OK && n < 100000) {
        r = ike_v1_mid_use(&core, sa.v1, mid_at(n++));
    }
    assert_int_equal(r, IKE_ERR_LIMIT);
    assert_int_equal(n - 1, 16384);
    ike_v1_sa_free(&core, sa.v1);
}

static struct ike_sent *sent(struct ike_core *c, uint8_t octet)
{
    struct ike_sent *s = ike_alloc(c, sizeof *s + 1);
    assert_non_null(s);
    s->len = 1;
    s->data[0] = octet;
    return s;
}

static void last_messages_are_found_by_what_they_answer(void **state)
{
    (void)state;
    struct ike_sa sa = {0};
    assert_true(ike_v1_sa_init(&core, &sa));
    for (uint8_t i = 0; i < 10; i++) {
        ike_v1_done(&core, sa.v1, 100u + i, 5000u + i, sent(&core, i), 60 * IKE_SEC);
    }
    assert_null(ike_v1_done_find(sa.v1, 100, 5000, IKE_SEC)); /* eight are kept, the newest */
    assert_null(ike_v1_done_find(sa.v1, 101, 5001, IKE_SEC));
    for (uint8_t i = 2; i < 10; i++) {
        const struct ike_sent *s = ike_v1_done_find(sa.v1, 100u + i, 5000u + i, IKE_SEC);
        assert_non_null(s);
        assert_int_equal(s->data[0], i);
        assert_null(ike_v1_done_find(sa.v1, 100u + i, 5001u + i, IKE_SEC)); /* other octets */
        assert_null(ike_v1_done_find(sa.v1, 101u + i, 5000u + i, IKE_SEC)); /* another exchange */
        assert_null(ike_v1_done_find(sa.v1, 100u + i, 5000u + i, 61 * IKE_SEC));
    }
    ike_v1_sa_free(&core, sa.v1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_id_is_used_once, begin, end),
        cmocka_unit_test_setup_teardown(an_id_can_be_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(ids_have_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(last_messages_are_found_by_what_they_answer, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
