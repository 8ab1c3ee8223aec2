/* SPDX-License-Identifier: ISC
 *
 * The replay window against a model that remembers every number, and ESN inference against its defining property: of all
 * numbers with the given low half it is the one in the 2^32 that begin at the window's bottom (RFC 4303 appendix A2.1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "esp/replay.h"

static uint64_t seed = 0x2545f4914f6cdd1d;
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1d;
}

#define RANGE 40000u

struct model {
    uint64_t base, top; /* numbers base .. base + RANGE - 1 */
    uint32_t window;
    bool seen[RANGE];
};

static enum ike_replay_verdict model_check(const struct model *m, uint64_t seq)
{
    if (seq > m->top) {
        return IKE_REPLAY_NEW;
    }
    if (m->window == 0) {
        return IKE_REPLAY_NEW;
    }
    if (m->top - seq >= m->window) {
        return IKE_REPLAY_OLD;
    }
    return m->seen[seq - m->base] ? IKE_REPLAY_DUPLICATE : IKE_REPLAY_NEW;
}

/* Mostly near the top, on both sides of the window's bottom; sometimes a jump; sometimes long past. */
static uint64_t pick(const struct model *m, uint64_t limit)
{
    uint64_t at = m->top - m->base, r = rnd() >> 8, seq;
    uint32_t kind = (uint32_t)(rnd() >> 40) % 512;
    if (kind == 0) {
        seq = at + 1 + r % (m->window + 130);
    } else if (kind < 8) {
        seq = at + 1 + r % 130;
    } else if (kind < 60) {
        seq = r % (at + 1);
    } else if (kind < 200) {
        seq = at + 1 + r % 2;
    } else {
        seq = at - r % (m->window + 70);
    }
    return m->base + (seq < limit ? seq : r % (at + 1));
}

static unsigned verdicts[3]; /* how often each came up */

static void run_model(uint32_t window, uint64_t base, uint64_t start, uint64_t limit)
{
    uint32_t words = ike_replay_words(window);
    uint64_t *bits = malloc(words ? words * sizeof(*bits) : 1);
    struct model *m = calloc(1, sizeof(*m));
    struct ike_replay r;
    assert_non_null(bits);
    assert_non_null(m);
    m->base = base;
    m->top = base + start;
    m->window = window;
    memset(m->seen, base + start != 0, (size_t)start + 1);
    ike_replay_init(&r, window, bits, base + start);
    for (int i = 0; i < 30000; i++) {
        uint64_t seq = pick(m, limit);
        enum ike_replay_verdict want = model_check(m, seq);
        verdicts[want]++;
        assert_int_equal(ike_replay_check(&r, seq), want);
        assert_int_equal(ike_replay_check(&r, seq), want); /* looking changes nothing */
        if (want == IKE_REPLAY_NEW && rnd() % 4) {
            ike_replay_accept(&r, seq);
            m->seen[seq - base] = true;
            m->top = seq > m->top ? seq : m->top;
        }
        assert_true(r.top == m->top);
    }
    free(bits);
    free(m);
}

static void test_model(void **state)
{
    (void)state;
    static const uint32_t windows[] = {0, 64, 128, 192, 256, 1024, 1088, 4032, 4096};
    for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
        run_model(windows[i], 0, 0, RANGE);
        for (uint64_t start = 5000; start < 5070; start += 23) {
            run_model(windows[i], 0, start, RANGE);
        }
        run_model(windows[i], (1ull << 32) - 20000, 5000, RANGE);
        run_model(windows[i], UINT64_MAX - (RANGE - 1), 20000, RANGE);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(verdicts[i] > 100000);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_int_equal(ike_replay_words(0), 0);
    assert_int_equal(ike_replay_words(64), 2);
    assert_int_equal(ike_replay_words(128), 4);
    assert_int_equal(ike_replay_words(4096), 128);
}

/* A jump over more than the whole ring, onto every place of a word. */
static void test_far_jump(void **state)
{
    (void)state;
    uint64_t bits[4];
    for (uint64_t to = 1000; to < 1000 + 300; to++) {
        struct ike_replay r;
        ike_replay_init(&r, 128, bits, 0);
        for (uint64_t s = 1; s <= 256; s++) {
            ike_replay_accept(&r, s);
        }
        ike_replay_accept(&r, to);
        for (uint64_t s = to - 127; s < to; s++) {
            assert_int_equal(ike_replay_check(&r, s), IKE_REPLAY_NEW);
        }
        assert_int_equal(ike_replay_check(&r, to), IKE_REPLAY_DUPLICATE);
        assert_int_equal(ike_replay_check(&r, to - 128), IKE_REPLAY_OLD);
        assert_int_equal(ike_replay_check(&r, UINT64_MAX), IKE_REPLAY_NEW);
    }
}

/* The cases of RFC 4303 appendix A2.2, W = 64: window within one period, and window over a boundary. */
static void test_infer_cases(void **state)
{
    (void)state;
    static const struct {
        uint64_t top;
        uint32_t low;
        bool ok;
        uint64_t seq;
    } cases[] = {
        {0, 1, true, 1},
        {0, 0, true, 0},
        {0, UINT32_MAX, false, 0}, /* would be before the first number */
        {0, 0x7fffffff, true, 0x7fffffff},
        {0x500000040, 0x40, true, 0x500000040}, /* case A: Tl >= W - 1 */
        {0x500000040, 0x01, true, 0x500000001}, /* bottom of the window */
        {0x500000040, 0x00, true, 0x600000000}, /* one below: next period */
        {0x500000040, UINT32_MAX, true, 0x5ffffffff},
        {0x50000003f, 0x00, true, 0x500000000},
        {0x50000003e, UINT32_MAX, true, 0x4ffffffff}, /* case B: Tl < W - 1; the bottom itself */
        {0x50000003e, 0xfffffffe, true, 0x5fffffffe}, /* one below the bottom */
        {0x50000003e, 0x00, true, 0x500000000},
        {0x5fffffff0, 0x05, true, 0x600000005},
        {0x00000003e, UINT32_MAX, false, 0},
        {0x00000003f, UINT32_MAX, true, UINT32_MAX},
        {0xffffffffffffffff, 0x00, false, 0}, /* nothing comes after the last number */
        {0xffffffffffffffff, UINT32_MAX, true, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint64_t seq = 0;
        assert_int_equal(ike_replay_infer(cases[i].top, 64, cases[i].low, &seq), cases[i].ok);
        assert_true(!cases[i].ok || seq == cases[i].seq);
    }
}

static void test_infer_property(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        uint32_t window = 64 * (1 + (uint32_t)(rnd() % 64));
        uint64_t top = rnd();
        if (i % 3 == 0) {
            top = (top & 0x300000000) + rnd() % 8192 - (i % 2 ? 0 : 4096);
        } else if (i % 3 == 1) {
            top = UINT64_MAX - rnd() % 8192;
        }
        uint32_t low = i % 5 ? (uint32_t)top + (uint32_t)(rnd() % 16384) - 8192 : (uint32_t)rnd();
        /* Distance from the window's bottom, modulo 2^32, tells how far to go up from there. */
        uint64_t bottom = top - window + 1, seq = 0;
        uint64_t up = (uint32_t)(low - (uint32_t)bottom), want = bottom + up;
        bool before_zero = window - 1 > top && up < window - 1 - top;
        bool past_end = window - 1 <= top && want < bottom;
        assert_int_equal(ike_replay_infer(top, window, low, &seq), !before_zero && !past_end);
        assert_true(before_zero || past_end || seq == want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),       cmocka_unit_test(test_words),          cmocka_unit_test(test_far_jump),
        cmocka_unit_test(test_infer_cases), cmocka_unit_test(test_infer_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
