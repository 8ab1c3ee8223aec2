/* SPDX-License-Identifier: ISC
 *
 * The timer wheel against a model: a plain array searched from end to end.
 */
#include "base/wheel.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define N 200

static uint64_t seed = 1;
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void fires_in_order_never_early(void **state)
{
    (void)state;
    struct ike_wheel w;
    struct ike_timer t[N];
    ike_time model[N];
    ike_time now = 12345678;
    ike_wheel_init(&w, now);
    for (int i = 0; i < N; i++) {
        ike_timer_init(&t[i], 0);
        model[i] = IKE_NEVER;
    }
    for (int round = 0; round < 20000; round++) {
        unsigned i = (unsigned)(rnd() % N);
        unsigned shift = (unsigned)(rnd() % 50);
        switch (rnd() % 4) {
        case 0:
            model[i] = IKE_NEVER;
            ike_timer_set(&w, &t[i], IKE_NEVER);
            break;
        case 1:
        case 2:
            model[i] = now + (rnd() & ((UINT64_C(1) << shift) - 1));
            ike_timer_set(&w, &t[i], model[i]);
            break;
        default: {
            ike_time next = ike_wheel_next(&w), first = IKE_NEVER;
            for (int k = 0; k < N; k++) {
                first = model[k] < first ? model[k] : first;
            }
            assert_true(first == IKE_NEVER ? next == IKE_NEVER : next <= first + 1024);
            now += rnd() & ((UINT64_C(1) << (shift % 40)) - 1);
            struct ike_timer *p;
            while ((p = ike_wheel_pop(&w, now))) {
                int k = (int)(p - t);
                assert_true(model[k] <= now);
                model[k] = IKE_NEVER;
            }
            for (int k = 0; k < N; k++) {
                assert_true(model[k] == IKE_NEVER || model[k] > now - 1024);
            }
        }
        }
    }
}

static void far_timer_does_not_spin(void **state)
{
    (void)state;
    struct ike_wheel w;
    struct ike_timer t;
    ike_wheel_init(&w, 0);
    ike_timer_init(&t, 0);
    ike_time at = UINT64_C(1) << 60;
    ike_timer_set(&w, &t, at);
    unsigned steps = 0;
    ike_time now = 0;
    while (!ike_wheel_pop(&w, now)) {
        ike_time next = ike_wheel_next(&w);
        assert_true(next > now);
        now = next;
        assert_true(++steps < 20);
    }
    assert_true(now >= at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_in_order_never_early),
        cmocka_unit_test(far_timer_does_not_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
