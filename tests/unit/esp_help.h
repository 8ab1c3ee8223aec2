/* SPDX-License-Identifier: ISC
 *
 * What the tests of the ESP codec share: an allocator that looks at what comes back, random octets, inner packets. To be
 * included behind cmocka.h.
 */
#ifndef TESTS_UNIT_ESP_HELP_H
#define TESTS_UNIT_ESP_HELP_H

#include <stdlib.h>

#include "base/bytes.h"
#include <ike/crypto.h>

/* Hands out blocks aligned to 8 only, and looks that they come back wiped and with their size. */
static size_t outstanding;

static inline void *test_alloc(void *user, size_t n)
{
    if (user) {
        return NULL;
    }
    uint8_t *p = malloc(n + 8);
    assert_non_null(p);
    outstanding += n;
    return p + 8;
}

static inline void test_release(void *user, void *p, size_t n)
{
    (void)user;
    assert_true(ike_is_zero(p, n));
    outstanding -= n;
    free((uint8_t *)p - 8);
}

static const ike_allocator mem = {test_alloc, test_release, NULL};

static uint64_t seed = 0x9e3779b97f4a7c15;
static inline uint32_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20);
}

/* An IPv4 or IPv6 packet of n octets with a right header. */
static inline void make_ip(uint8_t *p, size_t n, bool six)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)rnd();
    }
    if (six) {
        p[0] = 0x60;
        p[6] = 17;
        ike_store16(p + 4, (uint16_t)(n - 40));
        return;
    }
    uint32_t sum = 0;
    p[0] = 0x45;
    ike_store16(p + 2, (uint16_t)n);
    ike_store16(p + 10, 0);
    for (int i = 0; i < 20; i += 2) {
        sum += ike_load16(p + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    ike_store16(p + 10, (uint16_t)~sum);
}

#endif
