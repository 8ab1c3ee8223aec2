/* SPDX-License-Identifier: ISC
 *
 * daemon/app/prefix.c: ranges as networks. Known splits, and that the parts of random ranges make up exactly the range.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "app/prefix.h"

static void known_splits(void **state)
{
    (void)state;
    static const struct {
        const char *range, *networks;
    } rows[] = {
        {"10.0.0.0/8", "10.0.0.0/8 "},
        {"10.1.2.3", "10.1.2.3/32 "},
        {"0.0.0.0/0", "0.0.0.0/0 "},
        {"::/0", "::/0 "},
        {"10.0.0.1-10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32 "},
        {"10.0.0.0-10.0.2.255", "10.0.0.0/23 10.0.2.0/24 "},
        {"255.255.255.254-255.255.255.255", "255.255.255.254/31 "},
        {"2001:db8::-2001:db8::2", "2001:db8::/127 2001:db8::2/128 "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ike_ts ts;
        struct prefix list[254];
        char text[512] = "", one[64];
        assert_int_equal(ike_ts_parse(&ts, rows[i].range), IKE_OK);
        size_t n = prefixes_of_range(ts.family, ts.lo, ts.hi, list, 254);
        for (size_t k = 0; k < n; k++) {
            struct prefix back;
            prefix_format(&list[k], one, sizeof(one));
            assert_true(prefix_parse(&back, one) && prefix_equal(&back, &list[k]));
            strcat(strcat(text, one), " ");
        }
        assert_string_equal(text, rows[i].networks);
    }
}

static uint32_t load(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static void store(uint8_t *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
}

/* Each part begins where the last one ended, on its own boundary. */
static void random_ranges_are_covered(void **state)
{
    (void)state;
    uint64_t seed = 12345;
    for (int round = 0; round < 2000; round++) {
        uint8_t lo[16] = {0}, hi[16] = {0};
        struct prefix list[62];
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        uint32_t a = (uint32_t)(seed >> 32);
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        uint32_t b = round % 3 == 0 ? a + (uint32_t)(seed >> 56) : (uint32_t)(seed >> 32);
        store(lo, a < b ? a : b);
        store(hi, a < b ? b : a);
        size_t n = prefixes_of_range(4, lo, hi, list, 62); /* the most IPv4 can need */
        assert_true(n > 0);
        uint64_t next = load(lo);
        for (size_t i = 0; i < n; i++) {
            uint64_t size = 1ULL << (32 - list[i].bits);
            assert_true(load(list[i].ip) == next && next % size == 0);
            next += size;
        }
        assert_true(next == (uint64_t)load(hi) + 1);
    }
}

static void too_many_is_none(void **state)
{
    (void)state;
    ike_ts ts;
    struct prefix list[4];
    assert_int_equal(ike_ts_parse(&ts, "10.0.0.1-10.0.0.6"), IKE_OK);
    assert_int_equal(prefixes_of_range(4, ts.lo, ts.hi, list, 4), 4);
    assert_int_equal(prefixes_of_range(4, ts.lo, ts.hi, list, 3), 0);
    assert_int_equal(prefixes_of_range(4, ts.hi, ts.lo, list, 4), 0);
}

static void ports_are_covered(void **state)
{
    (void)state;
    struct port_mask list[30];
    assert_int_equal(port_masks_of_range(0, UINT16_MAX, list, 30), 1);
    assert_int_equal(list[0].mask, 0);
    assert_int_equal(port_masks_of_range(UINT16_MAX, 0, list, 30), 1); /* OPAQUE */
    assert_int_equal(port_masks_of_range(80, 80, list, 30), 1);
    assert_true(list[0].port == 80 && list[0].mask == UINT16_MAX);
    for (uint32_t lo = 0; lo < 65536; lo += 251) {
        for (uint32_t hi = lo; hi < 65536; hi += 509) {
            size_t n = port_masks_of_range((uint16_t)lo, (uint16_t)hi, list, 30);
            uint32_t next = lo;
            assert_true(n > 0);
            for (size_t i = 0; i < n; i++) {
                assert_true(list[i].port == next && (list[i].port & (uint16_t)~list[i].mask) == 0);
                next += 65536U - list[i].mask;
            }
            assert_true(next == hi + 1);
        }
    }
    assert_int_equal(port_masks_of_range(1, 65534, list, 30), 30);
    assert_int_equal(port_masks_of_range(1, 65534, list, 29), 0);
}

static size_t flows(const char *local, const char *remote, struct flow *out, size_t max)
{
    ike_ts l, r;
    assert_int_equal(ike_ts_parse(&l, local), IKE_OK);
    assert_int_equal(ike_ts_parse(&r, remote), IKE_OK);
    return flows_of_selectors(&l, 1, &r, 1, out, max);
}

static void combinations(void **state)
{
    (void)state;
    struct flow f[64];
    assert_int_equal(flows("10.1.0.0/24", "10.2.0.0/24", f, 64), 1);
    assert_int_equal(flows("10.1.0.0/24", "2001:db8::/64", f, 64), 0);         /* no packet has both */
    assert_int_equal(flows("10.1.0.0/24[tcp]", "10.2.0.0/24[udp]", f, 64), 0); /* nor these */
    assert_int_equal(flows("10.1.0.0/24[tcp/80]", "10.2.0.0/24", f, 64), 1);
    assert_int_equal(f[0].proto, 6);
    assert_int_equal(flows("10.1.0.1-10.1.0.6", "10.2.0.1-10.2.0.6", f, 64), 16);
    assert_int_equal(flows("10.1.0.1-10.1.0.6", "10.2.0.1-10.2.0.6", f, 15), 0);
    for (size_t i = 0; i < 16; i++) {
        for (size_t k = 0; k < i; k++) { /* each pair once */
            assert_false(prefix_equal(&f[i].local, &f[k].local) && prefix_equal(&f[i].remote, &f[k].remote));
        }
    }
    ike_ts both[2], remote[2];
    assert_int_equal(ike_ts_parse(&both[0], "10.1.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&both[1], "2001:db8:1::/64"), IKE_OK);
    assert_int_equal(ike_ts_parse(&remote[0], "10.2.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&remote[1], "2001:db8:2::/64"), IKE_OK);
    assert_int_equal(flows_of_selectors(both, 2, remote, 2, f, 64), 2);
}

static void icmp(void **state)
{
    (void)state;
    struct flow f[64];
    assert_int_equal(flows("10.1.0.0/24[icmp]", "10.2.0.0/24[icmp]", f, 64), 1);
    assert_true(f[0].local_port.mask == 0 && f[0].remote_port.mask == 0);
    assert_int_equal(flows("10.1.0.0/24[icmp/2048-2303]", "10.2.0.0/24[icmp]", f, 64), 1); /* type 8, any code */
    assert_true(f[0].local_port.port == 8 && f[0].remote_port.mask == 0);
    assert_int_equal(flows("10.1.0.0/24", "10.2.0.0/24[icmp/769]", f, 64), 1); /* type 3, code 1, said by the other side */
    assert_true(f[0].local_port.port == 3 && f[0].remote_port.port == 1);
    assert_int_equal(flows("10.1.0.0/24[icmp/0-2303]", "10.2.0.0/24[icmp]", f, 64), 2); /* types 0-7 and 8 */
    assert_int_equal(flows("10.1.0.0/24[icmp/100-2303]", "10.2.0.0/24[icmp]", f, 64), 0); /* cuts codes of one type only */
}

static void containment(void **state)
{
    (void)state;
    struct prefix p;
    ike_addr a;
    ike_ts ts;
    assert_true(prefix_parse(&p, "10.1.16.0/20"));
    assert_int_equal(ike_addr_parse(&a, "10.1.31.255"), IKE_OK);
    assert_true(prefix_contains(&p, &a));
    assert_int_equal(ike_addr_parse(&a, "10.1.32.0"), IKE_OK);
    assert_false(prefix_contains(&p, &a));
    assert_true(prefix_parse(&p, "0.0.0.0/0"));
    assert_true(prefix_contains(&p, &a));
    assert_int_equal(ike_ts_parse(&ts, "10.1.0.0-10.1.31.255"), IKE_OK);
    assert_false(ts_contains(&ts, &a));
    assert_false(prefix_parse(&p, "10.1.0.0"));
    assert_false(prefix_parse(&p, "10.1.0.0/33"));
    assert_false(prefix_parse(&p, "10.1.0/24"));
    assert_false(prefix_parse(&p, "10.1.0.0/2x"));
    assert_false(prefix_parse(&p, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_splits),     cmocka_unit_test(random_ranges_are_covered),
        cmocka_unit_test(too_many_is_none), cmocka_unit_test(ports_are_covered),
        cmocka_unit_test(combinations),     cmocka_unit_test(icmp),
        cmocka_unit_test(containment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
