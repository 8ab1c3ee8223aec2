/* SPDX-License-Identifier: ISC
 *
 * Text forms of addresses and selectors. Expected texts for IPv6 are the examples of RFC 4291 section 2.2 and RFC 5952
 * sections 1 to 5; the C library's inet_pton/inet_ntop are the second opinion for random addresses.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/bytes.h"

static uint64_t seed = 88172645463325252u;
static uint32_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static void expect(const char *in, bool with_port, const char *want)
{
    ike_addr a;
    char out[80];
    assert_int_equal(ike_addr_parse(&a, in), IKE_OK);
    assert_int_equal(ike_addr_format(&a, with_port, out, sizeof(out)), strlen(want));
    assert_string_equal(out, want);
}

static void test_canonical(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"255.255.255.255", "255.255.255.255"},
        {"0.0.0.0", "0.0.0.0"},
        {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"},
        {"FF01:0:0:0:0:0:0:101", "ff01::101"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"::", "::"},
        {"0:0:0:0:0:FFFF:129.144.52.38", "::ffff:129.144.52.38"},
        {"::13.1.68.3", "::d01:4403"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"2001:0db8::0001", "2001:db8::1"},
        {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"1::", "1::"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"fe80::1%7", "fe80::1%7"},
        {"%any", "%any"},
    };
    for (size_t i = 0; i < IKE_COUNT(cases); i++) {
        expect(cases[i][0], false, cases[i][1]);
    }
}

static void test_ports(void **state)
{
    (void)state;
    expect("10.0.0.1:4500", true, "10.0.0.1:4500");
    expect("10.0.0.1", true, "10.0.0.1:0");
    expect("[2001:db8::1]:500", true, "[2001:db8::1]:500");
    expect("[2001:db8::1]", false, "2001:db8::1");
    expect("[fe80::1%3]:65535", true, "[fe80::1%3]:65535");
    expect("%any:500", true, "%any:500");
    ike_addr a;
    assert_int_equal(ike_addr_parse(&a, "192.0.2.9:500"), IKE_OK);
    assert_int_equal(a.family, 4);
    assert_int_equal(a.port, 500);
    assert_memory_equal(a.ip, "\xc0\x00\x02\x09\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.04",
        "01.2.3.4",
        "1.2.3.-4",
        "+1.2.3.4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:x",
        "1..2.3",
        "1.2.3.4%1",
        "0x1.2.3.4",
        "1.2.3.99999999999999999999",
        ":",
        ":::",
        ":1",
        "1:",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        "12345::",
        "g::",
        "::1.2.3",
        "::1.2.3.4:5",
        "1.2.3.4::",
        "::1.2.3.256",
        "1:2:3:4:5:6:7:1.2.3.4",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]:",
        "[1.2.3.4]:5",
        "[]",
        "fe80::1%",
        "fe80::1%0",
        "fe80::1%eth0",
        "fe80::1%4294967296",
        "::1/64",
        "%anyx",
        "%",
        "localhost",
        "\xff",
    };
    for (size_t i = 0; i < IKE_COUNT(bad); i++) {
        ike_addr a = {.family = 99};
        if (ike_addr_parse(&a, bad[i]) != IKE_ERR_INVALID) {
            fail_msg("accepted \"%s\"", bad[i]);
        }
        assert_int_equal(a.family, 99); /* untouched on failure */
    }
}

/* Random addresses, rich in zero groups: the text reads back here and in the C library, and is as short as its text. */
static void test_against_libc(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        ike_addr a = {.family = 6, .port = (uint16_t)rnd()}, b;
        uint8_t ip[16];
        char out[80], theirs[80];
        uint32_t mask = rnd(), shape = rnd();
        for (unsigned g = 0; g < 8; g++) {
            ike_store16(a.ip + 2 * g, (uint16_t)((mask >> g & 1) ? rnd() >> (shape & 12) : 0));
        }
        ike_addr_format(&a, false, out, sizeof(out));
        assert_int_equal(inet_pton(AF_INET6, out, ip), 1);
        assert_memory_equal(ip, a.ip, 16);
        assert_non_null(inet_ntop(AF_INET6, a.ip, theirs, sizeof(theirs)));
        if (!strchr(theirs, '.')) { /* they print ::1.2.3.4 too, RFC 5952 section 5 only well-known prefixes */
            assert_string_equal(out, theirs);
        }
        ike_addr_format(&a, true, out, sizeof(out));
        assert_int_equal(ike_addr_parse(&b, out), IKE_OK);
        assert_memory_equal(a.ip, b.ip, 16);
        assert_int_equal(a.port, b.port);
    }
}

/* Random strings over the alphabet of addresses: whatever is taken, the C library takes too, with the same octets. */
static void test_random_text(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789af::::..";
    unsigned taken = 0;
    for (int i = 0; i < 300000; i++) {
        char text[24];
        size_t n = 1 + rnd() % 22;
        for (size_t k = 0; k < n; k++) {
            text[k] = alphabet[rnd() % (sizeof(alphabet) - 1)];
        }
        text[n] = 0;
        ike_addr a;
        uint8_t ip[16] = {0};
        bool v4 = inet_pton(AF_INET, text, ip) == 1, v6 = !v4 && inet_pton(AF_INET6, text, ip) == 1;
        bool ours = ike_addr_parse(&a, text) == IKE_OK && a.port == 0 && !strstr(text, ":0");
        if (ours) {
            assert_true(v4 || v6);
            assert_memory_equal(a.ip, ip, v4 ? 4 : 16);
            taken++;
        }
        if (v6) {
            assert_int_equal(ike_addr_parse(&a, text), IKE_OK);
            assert_memory_equal(a.ip, ip, 16);
        }
    }
    assert_true(taken > 100);
}

static void expect_ts(const char *in, const char *want)
{
    ike_ts ts;
    char out[160];
    if (ike_ts_parse(&ts, in) != IKE_OK) {
        fail_msg("refused \"%s\"", in);
    }
    assert_int_equal(ike_ts_format(&ts, out, sizeof(out)), strlen(want));
    assert_string_equal(out, want);
}

static void test_ts(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"10.0.0.0/24", "10.0.0.0/24"},
        {"10.0.0.7/24", "10.0.0.0/24"},
        {"10.0.0.1", "10.0.0.1/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"0.0.0.0-255.255.255.255", "0.0.0.0/0"},
        {"10.0.0.0-10.0.0.255", "10.0.0.0/24"},
        {"10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"},
        {"10.0.0.1-10.0.0.2", "10.0.0.1-10.0.0.2"},
        {"10.0.0.0-10.0.1.255", "10.0.0.0/23"},
        {"2001:db8::/64", "2001:db8::/64"},
        {"2001:db8::1-2001:db8::5", "2001:db8::1-2001:db8::5"},
        {"2001:db8::5/127", "2001:db8::4/127"},
        {"::/0", "::/0"},
        {"10.0.0.0/8[tcp]", "10.0.0.0/8[tcp]"},
        {"10.0.0.0/8[6]", "10.0.0.0/8[tcp]"},
        {"10.0.0.0/8[tcp/any]", "10.0.0.0/8[tcp]"},
        {"10.0.0.0/8[any/any]", "10.0.0.0/8"},
        {"10.0.0.0/8[any]", "10.0.0.0/8"},
        {"10.0.0.0/8[any/53]", "10.0.0.0/8[any/53]"},
        {"10.0.0.0/8[udp/53]", "10.0.0.0/8[udp/53]"},
        {"10.0.0.0/8[tcp/0-65535]", "10.0.0.0/8[tcp]"},
        {"10.0.0.0/8[tcp/1024-2047]", "10.0.0.0/8[tcp/1024-2047]"},
        {"10.0.0.0/8[tcp/opaque]", "10.0.0.0/8[tcp/opaque]"},
        {"10.0.0.0/8[icmp/2048-2303]", "10.0.0.0/8[icmp/2048-2303]"},
        {"::/0[ipv6-icmp]", "::/0[ipv6-icmp]"},
        {"::/0[132/9]", "::/0[132/9]"},
    };
    for (size_t i = 0; i < IKE_COUNT(cases); i++) {
        expect_ts(cases[i][0], cases[i][1]);
        expect_ts(cases[i][1], cases[i][1]);
    }
    static const char *const bad[] = {
        "",
        "any",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/024",
        "10.0.0.9-10.0.0.1",
        "10.0.0.0-::1",
        "10.0.0.0/24x",
        "10.0.0.0/24[",
        "10.0.0.0/24[]",
        "10.0.0.0/24[tcp",
        "10.0.0.0/24[tcpx]",
        "10.0.0.0/24[tcp/]",
        "10.0.0.0/24[tcp/65536]",
        "10.0.0.0/24[tcp/9-8]",
        "10.0.0.0/24[tcp/1-]",
        "10.0.0.0/24[256]",
        "10.0.0.0/24[tcp]x",
        "10.0.0.0/24 [tcp]",
        "10.0.0.0-",
        "10.0.0.0/24-10.0.1.0",
    };
    for (size_t i = 0; i < IKE_COUNT(bad); i++) {
        ike_ts ts;
        if (ike_ts_parse(&ts, bad[i]) != IKE_ERR_INVALID) {
            fail_msg("accepted \"%s\"", bad[i]);
        }
    }
}

static void test_ts_fields(void **state)
{
    (void)state;
    ike_ts ts;
    assert_int_equal(ike_ts_parse(&ts, "192.0.2.0/25[udp/500-4500]"), IKE_OK);
    assert_int_equal(ts.family, 4);
    assert_int_equal(ts.proto, 17);
    assert_int_equal(ts.port_lo, 500);
    assert_int_equal(ts.port_hi, 4500);
    assert_memory_equal(ts.lo, "\xc0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(ts.hi, "\xc0\0\2\x7f\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(ike_ts_parse(&ts, "192.0.2.0/25[tcp/opaque]"), IKE_OK);
    assert_int_equal(ts.port_lo, 65535);
    assert_int_equal(ts.port_hi, 0);
    assert_int_equal(ike_ts_prefix(&ts), 25);
    ts.family = 0;
    assert_int_equal(ike_ts_prefix(&ts), -1);
}

/* Every prefix of both families, through text and back. */
static void test_ts_prefixes(void **state)
{
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        for (int p = 0; p <= (family == 4 ? 32 : 128); p++) {
            char text[80];
            ike_ts ts;
            snprintf(text, sizeof(text), "%s/%d", family == 4 ? "255.254.253.252" : "ffff:eeee:dddd:cccc:bbbb:aaaa:9999:8888", p);
            assert_int_equal(ike_ts_parse(&ts, text), IKE_OK);
            assert_int_equal(ike_ts_prefix(&ts), p);
            ts.family = (uint8_t)family;
            assert_true(ike_ts_format(&ts, text, sizeof(text)) < sizeof(text));
            ike_ts again;
            assert_int_equal(ike_ts_parse(&again, text), IKE_OK);
            assert_memory_equal(&again, &ts, sizeof(ts));
        }
    }
}

/* Any size of buffer: never past it, always ended, always the whole length. */
static void test_truncation(void **state)
{
    (void)state;
    ike_addr a;
    ike_ts ts;
    assert_int_equal(ike_addr_parse(&a, "[2001:db8::1%12]:4500"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts, "2001:db8::1-2001:db8::9[tcp/1-2]"), IKE_OK);
    for (size_t n = 0; n < 40; n++) {
        char out[48];
        memset(out, '#', sizeof(out));
        assert_int_equal(ike_addr_format(&a, true, n ? out : NULL, n), 21);
        assert_int_equal(out[n], '#');
        if (n) {
            assert_int_equal(strlen(out), n > 21 ? 21 : n - 1);
        }
        memset(out, '#', sizeof(out));
        assert_int_equal(ike_ts_format(&ts, n ? out : NULL, n), 32);
        assert_int_equal(out[n], '#');
        if (n) {
            assert_int_equal(strlen(out), n > 32 ? 32 : n - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),    cmocka_unit_test(test_ports),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_against_libc), cmocka_unit_test(test_random_text), cmocka_unit_test(test_ts),
        cmocka_unit_test(test_ts_fields),    cmocka_unit_test(test_ts_prefixes), cmocka_unit_test(test_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
