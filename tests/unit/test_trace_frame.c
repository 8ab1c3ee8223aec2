/* SPDX-License-Identifier: ISC
 *
 * Link layers, IP headers, fragments and UDP; what arrives on which port.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include <ike/trace.h>

#define UDP            0x01, 0xf4, 0x11, 0x94, 0, 11, 0, 0, 'i', 'k', 'e' /* 500 -> 4500 */
#define IP4(frag)      0x45, 0, 0, 31, 0, 0, (frag) >> 8, (frag)&255, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define ADDR6(n)       0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n
#define IP6(len, next) 0x60, 0, 0, 0, 0, len, next, 64, ADDR6(1), ADDR6(2)
#define MAC            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

struct row {
    const char *what;
    uint16_t link;
    uint8_t n, data[128];
    int rc;
};

static const struct row rows[] = {
    {"Ethernet", 1, 45, {MAC, 8, 0, IP4(0), UDP}, IKE_OK},
    {"Ethernet, padded", 1, 60, {MAC, 8, 0, IP4(0), UDP}, IKE_OK},
    {"VLAN", 1, 49, {MAC, 0x81, 0, 0, 5, 8, 0, IP4(0), UDP}, IKE_OK},
    {"QinQ", 1, 53, {MAC, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0, IP4(0), UDP}, IKE_OK},
    {"ARP", 1, 45, {MAC, 8, 6, IP4(0), UDP}, IKE_ERR_NOT_FOUND},
    {"Ethernet with IPv6", 1, 65, {MAC, 0x86, 0xdd, IP6(11, 17), UDP}, IKE_OK},
    {"cooked", 113, 47, {0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0, IP4(0), UDP}, IKE_OK},
    {"cooked v2", 276, 51, {8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, IP4(0), UDP}, IKE_OK},
    {"raw", 101, 31, {IP4(0), UDP}, IKE_OK},
    {"raw IPv6", 101, 51, {IP6(11, 17), UDP}, IKE_OK},
    {"IPv4 link", 228, 31, {IP4(0), UDP}, IKE_OK},
    {"null, little-endian", 0, 35, {2, 0, 0, 0, IP4(0), UDP}, IKE_OK},
    {"loopback", 108, 55, {0, 0, 0, 24, IP6(11, 17), UDP}, IKE_OK},
    {"unknown link", 147, 31, {IP4(0), UDP}, IKE_ERR_UNSUPPORTED},
    {"neither IPv4 nor IPv6", 101, 31, {0x50}, IKE_ERR_NOT_FOUND},
    {"first fragment", 101, 31, {IP4(0x2000), UDP}, IKE_ERR_LIMIT},
    {"later fragment", 101, 31, {IP4(0x00b9), UDP}, IKE_ERR_LIMIT},
    {"do not fragment", 101, 31, {IP4(0x4000), UDP}, IKE_OK},
    {"TCP", 101, 31, {0x45, 0, 0, 31, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, UDP}, IKE_ERR_NOT_FOUND},
    {"options", 101, 35, {0x46, 0, 0, 35, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 1, UDP}, IKE_OK},
    {"header of 16 octets", 101, 31, {0x44, 0, 0, 31, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, UDP}, IKE_ERR_PROTO},
    {"shorter than its header",
     101,
     31,
     {0x45, 0, 0, 19, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, UDP},
     IKE_ERR_PROTO},
    {"length left to the card", 101, 31, {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, UDP}, IKE_OK},
    {"UDP longer than IP", 101, 31, {0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, UDP}, IKE_ERR_PROTO},
    {"UDP length 7", 101, 31, {IP4(0), 1, 0xf4, 1, 0xf4, 0, 7, 0, 0}, IKE_ERR_PROTO},
    {"IPv6 hop-by-hop", 101, 59, {IP6(19, 0), 17, 0, 1, 4, 0, 0, 0, 0, UDP}, IKE_OK},
    {"IPv6 options, routing",
     101,
     75,
     {IP6(35, 60), 43, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, UDP},
     IKE_OK},
    {"IPv6 AH", 101, 67, {IP6(27, 51), 17, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, UDP}, IKE_OK},
    {"IPv6 first fragment", 101, 59, {IP6(19, 44), 17, 0, 0, 1, 0, 0, 0, 9, UDP}, IKE_ERR_LIMIT},
    {"IPv6 later fragment", 101, 59, {IP6(19, 44), 17, 0, 5, 0xa0, 0, 0, 0, 9, UDP}, IKE_ERR_LIMIT},
    {"IPv6 atomic fragment", 101, 59, {IP6(19, 44), 17, 0, 0, 0, 0, 0, 0, 9, UDP}, IKE_OK},
    {"IPv6 no next header", 101, 51, {IP6(11, 59), UDP}, IKE_ERR_NOT_FOUND},
    {"IPv6 extension past the end", 101, 51, {IP6(11, 0), 17, 255}, IKE_ERR_PROTO},
};

static int get(const struct row *r, size_t n, ike_datagram *d)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, r->data, n);
    const ike_frame f = {.link = r->link, .data = copy, .len = n, .original_len = r->n};
    const int rc = ike_frame_datagram(&f, d);
    if (rc == IKE_OK) {
        assert_int_equal(d->data.len, 3);
        assert_memory_equal(d->data.ptr, "ike", 3);
        assert_true(d->src.port == 500 && d->dst.port == 4500);
        assert_int_equal(d->src.ip[d->src.family == 4 ? 3 : 15], 1);
        assert_int_equal(d->dst.ip[d->dst.family == 4 ? 3 : 15], 2);
    }
    free(copy);
    return rc;
}

static void test_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_datagram d;
        const int rc = get(&rows[i], rows[i].n, &d);
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].what, rc);
        }
    }
}

static void test_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_datagram d;
        for (size_t n = 0; n < rows[i].n; n++) {
            const int rc = get(&rows[i], n, &d);
            assert_true(rc != IKE_OK || rows[i].n == 60);
        }
        for (size_t bit = 0; bit < 8u * rows[i].n; bit++) {
            struct row bad = rows[i];
            bad.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            uint8_t *copy = malloc(bad.n);
            assert_non_null(copy);
            memcpy(copy, bad.data, bad.n);
            const ike_frame f = {.link = bad.link, .data = copy, .len = bad.n, .original_len = bad.n};
            if (ike_frame_datagram(&f, &d) == IKE_OK && d.data.len != 0) {
                assert_true(d.data.ptr >= copy && d.data.ptr + d.data.len <= copy + bad.n);
            }
            free(copy);
        }
    }
}

static void test_kind(void **state)
{
    (void)state;
    static const struct {
        uint16_t src, dst;
        uint8_t n, data[8];
        ike_datagram_type type;
        size_t rest;
    } k[] = {
        {500, 500, 8, {1}, IKE_DATAGRAM_IKE, 8},
        {1024, 500, 8, {1}, IKE_DATAGRAM_IKE, 8},
        {500, 1024, 0, {0}, IKE_DATAGRAM_IKE, 0},
        {4500, 4500, 8, {0}, IKE_DATAGRAM_IKE, 4},
        {4500, 1024, 4, {0}, IKE_DATAGRAM_IKE, 0},
        {4500, 4500, 8, {1}, IKE_DATAGRAM_ESP, 8},
        {4500, 4500, 1, {0xff}, IKE_DATAGRAM_KEEPALIVE, 1},
        {4500, 4500, 1, {0xfe}, IKE_DATAGRAM_OTHER, 1},
        {4500, 4500, 3, {0}, IKE_DATAGRAM_OTHER, 3},
        {53, 53, 8, {0}, IKE_DATAGRAM_OTHER, 8},
        {500, 4500, 8, {0}, IKE_DATAGRAM_IKE, 4},
    };
    for (size_t i = 0; i < IKE_COUNT(k); i++) {
        const ike_datagram d = {.src = {.port = k[i].src}, .dst = {.port = k[i].dst}, .data = {k[i].data, k[i].n}};
        ike_bytes m;
        assert_int_equal(ike_datagram_kind(&d, 500, 4500, &m), k[i].type);
        assert_int_equal(m.len, k[i].rest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_frames), cmocka_unit_test(test_damage), cmocka_unit_test(test_kind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
