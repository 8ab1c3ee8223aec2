/* SPDX-License-Identifier: ISC
 *
 * Inner packets: whole or not, inside the selectors or not. Packets are built here field by field; every cut of each is tried
 * in a block of exact size, so that a sanitizer sees any octet read too far.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include <ike/esp.h>

/* The IPv4 header of RFC 7634 appendix A (a ping from 198.51.100.5 to 192.0.2.5). */
static const uint8_t ping4[] = {0x45, 0x00, 0x00, 0x1c, 0xa6, 0xf2, 0x00, 0x00, 0x40, 0x01, 0x00, 0x00, 0xc6, 0x33,
                                0x64, 0x05, 0xc0, 0x00, 0x02, 0x05, 0x08, 0x00, 0x5b, 0x7a, 0x3a, 0x08, 0x00, 0x00};

struct packet {
    uint8_t p[256];
    size_t n;
};

static void add(struct packet *k, const void *p, size_t n)
{
    assert_true(k->n + n <= sizeof(k->p));
    memcpy(k->p + k->n, p, n);
    k->n += n;
}

/* 10.1.1.1 to 10.2.2.2; frag is the fragment field. */
static struct packet ipv4(uint8_t proto, uint16_t frag, const void *payload, size_t n)
{
    struct packet k = {{0x45, 0, 0, 0, 0, 1, (uint8_t)(frag >> 8), (uint8_t)frag, 64, proto, 0, 0, 10, 1, 1, 1, 10, 2, 2, 2}, 20};
    add(&k, payload, n);
    ike_store16(k.p + 2, (uint16_t)k.n);
    return k;
}

/* 2001:db8:1::1 to 2001:db8:2::2 */
static struct packet ipv6(uint8_t next, const void *payload, size_t n)
{
    struct packet k = {{0x60, 0, 0, 0, 0, 0, next, 64, 0x20, 1, 0x0d, 0xb8, 0, 1}, 40};
    k.p[23] = 1;
    memcpy(k.p + 24, "\x20\x01\x0d\xb8\0\x02", 6);
    k.p[39] = 2;
    add(&k, payload, n);
    ike_store16(k.p + 4, (uint16_t)n);
    return k;
}

/* An IPv6 options, routing or (type 44) fragment header of 8 octets. */
static void ext(struct packet *k, uint8_t next, uint16_t frag)
{
    uint8_t h[8] = {next, 0, (uint8_t)(frag >> 8), (uint8_t)frag, 0, 0, 0, 9};
    add(k, h, 8);
    ike_store16(k->p + 4, (uint16_t)(k->n - 40));
}

static void more(struct packet *k, const void *p, size_t n)
{
    add(k, p, n);
    ike_store16(k->p + 4, (uint16_t)(k->n - 40));
}

static const uint8_t l4_1000_80[8] = {0x03, 0xe8, 0, 80, 0, 8, 0, 0};

static bool match(const struct packet *k, const char *local, const char *remote, bool inbound)
{
    ike_ts l, r;
    assert_int_equal(ike_ts_parse(&l, local), IKE_OK);
    assert_int_equal(ike_ts_parse(&r, remote), IKE_OK);
    uint8_t *copy = malloc(k->n);
    assert_non_null(copy);
    memcpy(copy, k->p, k->n);
    bool yes = ike_esp_ts_match(copy, k->n, &l, 1, &r, 1, inbound);
    free(copy);
    return yes;
}

#define L4 "10.1.1.0/24"
#define R4 "10.2.2.0/24"
#define L6 "2001:db8:1::/48"
#define R6 "2001:db8:2::/48"

static void test_ip_length(void **state)
{
    (void)state;
    uint8_t p[64] = {0};
    memcpy(p, ping4, sizeof(ping4));
    assert_int_equal(ike_esp_ip_length(p, 28, false), 28);
    assert_int_equal(ike_esp_ip_length(p, 64, false), 28); /* what is behind does not count */
    assert_int_equal(ike_esp_ip_length(p, 28, true), 0);
    /* The header as the RFC prints it, total length 84, checksum e778. */
    static const uint8_t rfc[20] = {0x45, 0, 0, 0x54, 0xa6, 0xf2, 0, 0, 0x40, 1, 0xe7, 0x78, 0xc6, 0x33, 0x64, 5, 0xc0, 0, 2, 5};
    uint8_t whole[84] = {0};
    memcpy(whole, rfc, sizeof(rfc));
    assert_int_equal(ike_esp_ip_length(whole, 84, true), 84);
    assert_int_equal(ike_esp_ip_length(whole, 83, true), 0);
    for (size_t i = 0; i < 160; i++) { /* one wrong bit anywhere */
        whole[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(ike_esp_ip_length(whole, 84, true), 0);
        whole[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < 28; n++) {
        assert_int_equal(ike_esp_ip_length(p, n, false), 0);
    }
    p[0] = 0x44; /* header shorter than a header */
    assert_int_equal(ike_esp_ip_length(p, 28, false), 0);
    p[0] = 0x4f; /* header longer than the packet */
    assert_int_equal(ike_esp_ip_length(p, 64, false), 0);
    p[0] = 0x46;
    assert_int_equal(ike_esp_ip_length(p, 28, false), 28);
    p[0] = 0x55;
    assert_int_equal(ike_esp_ip_length(p, 28, false), 0);
    assert_int_equal(ike_esp_ip_length(NULL, 0, true), 0);
}

static void test_ip6_length(void **state)
{
    (void)state;
    struct packet k = ipv6(17, l4_1000_80, 8);
    assert_int_equal(ike_esp_ip_length(k.p, 48, true), 48);
    assert_int_equal(ike_esp_ip_length(k.p, 60, true), 48);
    for (size_t n = 0; n < 48; n++) {
        assert_int_equal(ike_esp_ip_length(k.p, n, true), 0);
    }
    k = ipv6(59, "", 0);
    assert_int_equal(ike_esp_ip_length(k.p, 40, true), 40);
    k = ipv6(0, "", 0); /* a jumbogram hides its length in an option */
    assert_int_equal(ike_esp_ip_length(k.p, 40, true), 0);
}

static void test_ports(void **state)
{
    (void)state;
    static const uint8_t with_ports[] = {6, 17, 33, 132, 136};
    for (size_t i = 0; i < sizeof(with_ports); i++) {
        struct packet k = ipv4(with_ports[i], 0, l4_1000_80, 8);
        assert_true(match(&k, L4, R4, false));
        assert_false(match(&k, R4, L4, false)); /* the wrong way round */
        assert_true(match(&k, R4, L4, true));
        assert_true(match(&k, L4 "[any/1000]", R4 "[any/80]", false));
        assert_false(match(&k, L4 "[any/1001]", R4 "[any/80]", false));
        assert_false(match(&k, L4 "[any/1000]", R4 "[any/81-65535]", false));
        assert_true(match(&k, L4, R4 "[any/79-80]", false));
        assert_true(match(&k, R4 "[any/80]", L4 "[any/1000]", true));
        assert_false(match(&k, R4 "[any/1000]", L4 "[any/80]", true));
        assert_false(match(&k, L4 "[any/opaque]", R4, false)); /* ports can be seen here */
        assert_false(match(&k, L4 "[47]", R4, false));
    }
    struct packet k = ipv4(6, 0, l4_1000_80, 8);
    assert_true(match(&k, L4 "[tcp/1000]", R4 "[tcp]", false));
    assert_false(match(&k, L4 "[udp/1000]", R4 "[udp]", false));
    assert_false(match(&k, L4 "[tcp]", R4 "[udp]", false));
    assert_false(match(&k, "10.1.1.2-10.1.1.9", R4, false));
    assert_false(match(&k, "10.1.0.0-10.1.1.0", R4, false));
    assert_true(match(&k, "10.1.1.1-10.1.1.1", "10.2.2.2", false));
    assert_false(match(&k, L6, R6, false));
    assert_false(match(&k, "::/0", "::/0", false));
}

static void test_icmp(void **state)
{
    (void)state;
    struct packet k = ipv4(1, 0, "\x08\x00\x00\x00", 4);
    assert_true(match(&k, L4 "[icmp/2048]", R4 "[icmp/2048]", false));
    assert_true(match(&k, L4 "[icmp/2048-2303]", R4 "[icmp]", false));
    assert_false(match(&k, L4 "[icmp/0]", R4 "[icmp]", false));
    k = ipv6(58, "\x80\x00\x00\x00", 4);
    assert_true(match(&k, L6 "[ipv6-icmp/32768]", R6, false));
    assert_false(match(&k, L6 "[icmp]", R6, false));
}

/* Fragments, protocols without ports and cut headers: only selectors for all ports, or OPAQUE. */
static void test_unknown_ports(void **state)
{
    (void)state;
    const struct packet kinds[] = {
        ipv4(6, 0x0001, l4_1000_80, 8), ipv4(6, 0x3fff, l4_1000_80, 8), ipv4(47, 0, l4_1000_80, 8),
        ipv4(6, 0, l4_1000_80, 3),      ipv4(1, 0, "\x08", 1),          ipv4(6, 0, "", 0),
    };
    for (size_t i = 0; i < IKE_COUNT(kinds); i++) {
        assert_true(match(&kinds[i], L4, R4, false));
        assert_true(match(&kinds[i], L4 "[any/opaque]", R4, false));
        assert_false(match(&kinds[i], L4 "[any/1000]", R4, false));
        assert_false(match(&kinds[i], L4 "[any/0-65534]", R4, false));
        assert_false(match(&kinds[i], L4, R4 "[any/80]", false));
        assert_false(match(&kinds[i], L4 "[any/0]", R4 "[any/0]", false));
    }
    struct packet first = ipv4(6, 0x2000, l4_1000_80, 8); /* more fragments, offset 0: ports are here */
    assert_true(match(&first, L4 "[tcp/1000]", R4, false));
    struct packet later = ipv4(6, 0x2001, l4_1000_80, 8);
    assert_true(match(&later, L4 "[tcp]", R4, false));
    assert_false(match(&later, L4 "[udp]", R4, false));
}

static void test_ipv6_chain(void **state)
{
    (void)state;
    struct packet k = ipv6(0, "", 0);
    ext(&k, 43, 0);
    ext(&k, 60, 0);
    ext(&k, 44, 0);
    ext(&k, 6, 0x0001); /* first fragment */
    more(&k, l4_1000_80, 8);
    assert_true(match(&k, L6 "[tcp/1000]", R6 "[tcp/80]", false));
    assert_false(match(&k, L6 "[tcp/80]", R6 "[tcp/80]", false));
    assert_true(match(&k, R6 "[tcp/80]", L6 "[tcp/1000]", true));

    k = ipv6(44, "", 0); /* a later fragment of a TCP segment */
    ext(&k, 6, 0x0008);
    more(&k, l4_1000_80, 8);
    assert_true(match(&k, L6 "[tcp]", R6, false));
    assert_false(match(&k, L6 "[tcp/1000]", R6, false));

    k = ipv6(44, "", 0); /* a later fragment whose first header was an option: the protocol cannot be known */
    ext(&k, 60, 0x0008);
    more(&k, l4_1000_80, 8);
    assert_true(match(&k, L6, R6, false));
    assert_false(match(&k, L6 "[60]", R6, false));
    assert_false(match(&k, L6 "[tcp]", R6, false));

    k = ipv6(50, l4_1000_80, 8); /* ESP and AH are protocols */
    assert_true(match(&k, L6 "[50]", R6, false));
    k = ipv6(59, "", 0);
    assert_true(match(&k, L6, R6, false));
    assert_true(match(&k, L6 "[59]", R6, false));
    assert_false(match(&k, L6 "[59/1]", R6, false));
}

static void test_ipv6_bounds(void **state)
{
    (void)state;
    struct packet k = ipv6(60, "", 0);
    for (int i = 0; i < 7; i++) {
        ext(&k, 60, 0);
    }
    struct packet eight = k, nine = k;
    ext(&eight, 17, 0);
    more(&eight, l4_1000_80, 8);
    assert_true(match(&eight, L6 "[udp/1000]", R6, false));
    ext(&nine, 60, 0);
    ext(&nine, 17, 0);
    more(&nine, l4_1000_80, 8);
    assert_false(match(&nine, L6, R6, false));

    k = ipv6(60, "\x11\xff\0\0\0\0\0\0", 8); /* says it is 2048 octets long */
    assert_false(match(&k, L6, R6, false));
    k = ipv6(60, "\x11\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe8\0\x50", 20);
    assert_true(match(&k, L6 "[udp/1000]", R6 "[udp/80]", false));
}

/* Every cut of packets that match: length fields no longer hold, so nothing matches; with corrected length fields nothing is
 * read past the end. */
static void test_cuts(void **state)
{
    (void)state;
    struct packet six = ipv6(0, "", 0);
    ext(&six, 44, 0);
    ext(&six, 6, 1);
    more(&six, l4_1000_80, 8);
    const struct packet wholes[] = {ipv4(6, 0, l4_1000_80, 8), six};
    for (size_t w = 0; w < 2; w++) {
        for (size_t n = 0; n < wholes[w].n; n++) {
            struct packet k = wholes[w];
            k.n = n;
            uint8_t *copy = malloc(n ? n : 1);
            assert_non_null(copy);
            memcpy(copy, k.p, n);
            ike_ts any4, any6;
            assert_int_equal(ike_ts_parse(&any4, "0.0.0.0/0"), IKE_OK);
            assert_int_equal(ike_ts_parse(&any6, "::/0"), IKE_OK);
            const ike_ts both[2] = {any4, any6};
            assert_false(ike_esp_ts_match(copy, n, both, 2, both, 2, false));
            if (w == 0 && n >= 20) {
                ike_store16(copy + 2, (uint16_t)n);
                assert_true(ike_esp_ts_match(copy, n, both, 2, both, 2, false));
            } else if (w == 1 && n >= 40) {
                ike_store16(copy + 4, (uint16_t)(n - 40));
                bool headers_whole = n >= 56;
                assert_int_equal(ike_esp_ts_match(copy, n, both, 2, both, 2, false), headers_whole);
            }
            free(copy);
        }
    }
}

static void test_lists(void **state)
{
    (void)state;
    struct packet k = ipv4(17, 0, l4_1000_80, 8);
    ike_ts ts[3];
    assert_int_equal(ike_ts_parse(&ts[0], "::/0"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[1], "10.2.2.2[tcp]"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[2], "10.0.0.0/8[udp]"), IKE_OK);
    assert_true(ike_esp_ts_match(k.p, k.n, ts, 3, ts, 3, false));
    assert_false(ike_esp_ts_match(k.p, k.n, ts, 2, ts, 3, false));
    assert_false(ike_esp_ts_match(k.p, k.n, NULL, 0, ts, 3, false));
    assert_false(ike_esp_ts_match(k.p, k.n, ts, 3, NULL, 0, true));
}

/* Any octets at all: no answer is checked, only that there is one. */
static void test_noise(void **state)
{
    (void)state;
    uint64_t s = 42;
    ike_ts ts[2];
    assert_int_equal(ike_ts_parse(&ts[0], "0.0.0.0/0[tcp/1-2]"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[1], "::/0[udp/1-2]"), IKE_OK);
    for (int i = 0; i < 100000; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        size_t n = (size_t)(s >> 33) % 120;
        uint8_t *p = malloc(n ? n : 1);
        assert_non_null(p);
        for (size_t k = 0; k < n; k++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            p[k] = (s >> 50 & 3) ? (uint8_t) "\x00\x2b\x2c\x3c\x06\x01"[(s >> 33) % 6] : (uint8_t)(s >> 40);
        }
        if (n >= 40) {
            p[0] = i & 1 ? 0x45 : 0x60;
            ike_store16(p + (i & 1 ? 2 : 4), (uint16_t)(i & 1 ? n : n - 40));
        }
        (void)ike_esp_ts_match(p, n, ts, 2, ts, 2, i & 2);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip_length),   cmocka_unit_test(test_ip6_length),    cmocka_unit_test(test_ports),
        cmocka_unit_test(test_icmp),        cmocka_unit_test(test_unknown_ports), cmocka_unit_test(test_ipv6_chain),
        cmocka_unit_test(test_ipv6_bounds), cmocka_unit_test(test_cuts),          cmocka_unit_test(test_lists),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
