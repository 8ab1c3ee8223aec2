/* SPDX-License-Identifier: ISC
 *
 * Traffic selectors as identities of phase 2 (RFC 2407 section 4.6.2): what they look like on the wire, and what is none.
 */
#include "unit/core_help.h"

#include "exchange/v1/v1.h"

/* Type, protocol, port, data. */
static const struct pair {
    const char *ts, *hex;
} pairs[] = {
    {"10.1.2.3/32", "01 00 0000 0a010203"},
    {"10.1.0.0/16", "04 00 0000 0a010000 ffff0000"},
    {"0.0.0.0/0", "04 00 0000 00000000 00000000"},
    {"10.1.2.3-10.1.2.9", "07 00 0000 0a010203 0a010209"},
    {"10.1.2.3/32[tcp/80]", "01 06 0050 0a010203"},
    {"10.1.0.0/16[udp]", "04 11 0000 0a010000 ffff0000"},
    {"2001:db8::1/128", "05 00 0000 20010db8000000000000000000000001"},
    {"2001:db8::/32", "06 00 0000 20010db8000000000000000000000000 ffffffff000000000000000000000000"},
    {"2001:db8::1-2001:db8::7", "08 00 0000 20010db8000000000000000000000001 20010db8000000000000000000000007"},
};

static size_t octets(uint8_t *out, const char *hex)
{
    size_t n = 0;
    for (const char *p = hex; *p; p++) {
        unsigned v;
        if (*p != ' ') {
            assert_int_equal(sscanf(p++, "%2x", &v), 1);
            out[n++] = (uint8_t)v;
        }
    }
    return n;
}

static bool same(const ike_ts *a, const ike_ts *b)
{
    size_t n = a->family == 4 ? 4 : 16;
    return a->family == b->family && a->proto == b->proto && a->port_lo == b->port_lo && a->port_hi == b->port_hi &&
           memcmp(a->lo, b->lo, n) == 0 && memcmp(a->hi, b->hi, n) == 0;
}

static int parse(ike_ts *ts, const char *hex)
{
    uint8_t body[64];
    struct ike_payload p = {.type = IKE_P1_ID, .body = body};
    p.len = (uint16_t)octets(body, hex);
    return ike_v1_ts_parse(ts, &p);
}

static void selectors_are_identities_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(pairs); i++) {
        uint8_t buf[64], want[64];
        struct ike_chain c = ike_chain(buf, sizeof buf);
        ike_ts ts = lab_ts(pairs[i].ts), back;
        size_t n = octets(want, pairs[i].hex);
        assert_true(ike_v1_put_ts(&c, &ts));
        assert_int_equal(c.w.len, 4 + n);
        assert_memory_equal(c.w.p + 4, want, n);
        assert_int_equal(parse(&back, pairs[i].hex), IKE_OK);
        assert_true(same(&back, &ts));
    }
}

static void host_bits_of_a_subnet_mean_nothing(void **state)
{
    (void)state;
    ike_ts ts, want = lab_ts("10.1.0.0/16");
    assert_int_equal(parse(&ts, "04 00 0000 0a01aabb ffff0000"), IKE_OK);
    assert_true(same(&ts, &want));
}

static void what_is_no_selector_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "01 00",                        /* cut off */
        "01 00 0000 0a0102",            /* an address too short */
        "01 00 0000 0a01020304",        /* too long */
        "04 00 0000 0a010000 ffff00",   /* half a mask */
        "04 00 0000 0a010000 ff00ff00", /* a mask with a hole */
        "07 00 0000 0a010209 0a010203", /* a range that ends before it begins */
        "06 00 0000 0a010000 ffff0000", /* of the other family */
        "02 00 0000 6578616d706c65",    /* a name */
        "0b 00 0000 01020304",          /* a key id */
        "01 00 0050 0a010203",          /* a port of no protocol */
        "00 00 0000 0a010203",          /* nothing */
    };
    for (size_t i = 0; i < IKE_COUNT(bad); i++) {
        ike_ts ts;
        assert_int_not_equal(parse(&ts, bad[i]), IKE_OK);
    }
}

/* No identity of phase 2 has several ports. */
static void ranges_of_ports_cannot_be_said(void **state)
{
    (void)state;
    uint8_t buf[64];
    ike_ts ts = lab_ts("10.1.0.0/16[tcp/80]");
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ts.port_hi = 90;
    assert_false(ike_v1_put_ts(&c, &ts));
    ts.port_lo = ts.port_hi = 0; /* 0 means any there */
    assert_false(ike_v1_put_ts(&c, &ts));
    ts.port_lo = 65535; /* OPAQUE */
    assert_false(ike_v1_put_ts(&c, &ts));
    assert_int_equal(c.w.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_are_identities_and_back),
        cmocka_unit_test(host_bits_of_a_subnet_mean_nothing),
        cmocka_unit_test(what_is_no_selector_is_refused),
        cmocka_unit_test(ranges_of_ports_cannot_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
