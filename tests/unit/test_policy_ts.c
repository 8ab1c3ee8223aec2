/* SPDX-License-Identifier: ISC
 *
 * Traffic selectors (RFC 7296 sections 2.9 and 3.13.1): within, intersection, narrowing, OPAQUE ports, families, protocols,
 * substitution behind a NAT. In the tables a selector is its text, an exclamation mark behind it makes its ports OPAQUE.
 */
#include "unit/core_help.h"

#include "policy/ts.h"

static ike_ts ts_of(const char *text)
{
    char buf[128];
    size_t n = strlen(text);
    bool opaque = text[n - 1] == '!';
    snprintf(buf, sizeof buf, "%.*s", (int)(n - opaque), text);
    ike_ts ts = lab_ts(buf);
    if (opaque) {
        ts.port_lo = 65535;
        ts.port_hi = 0;
    }
    return ts;
}

static bool same(const ike_ts *a, const ike_ts *b)
{
    size_t n = a->family == 4 ? 4 : 16;
    return a->family == b->family && a->proto == b->proto && a->port_lo == b->port_lo && a->port_hi == b->port_hi &&
           memcmp(a->lo, b->lo, n) == 0 && memcmp(a->hi, b->hi, n) == 0;
}

static size_t list_of(ike_ts *ts, const char *const *texts)
{
    size_t n = 0;
    for (; texts[n]; n++) {
        ts[n] = ts_of(texts[n]);
    }
    return n;
}

static void assert_list(const ike_ts *ts, size_t n, const char *const *texts)
{
    ike_ts want[8];
    assert_int_equal(n, list_of(want, texts));
    for (size_t i = 0; i < n; i++) {
        if (!same(&ts[i], &want[i])) {
            char got[160];
            ike_ts_format(&ts[i], got, sizeof got);
            fail_msg("selector %zu is %s, not %s", i, got, texts[i]);
        }
    }
}

/* Two selectors and what they have in common; NULL: nothing. */
static const struct {
    const char *a, *b, *both;
} pairs[] = {
    {"10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16"},
    {"10.0.0.0-10.0.0.9", "10.0.0.5-10.0.0.20", "10.0.0.5-10.0.0.9"},
    {"10.0.0.0/24", "10.0.1.0/24", NULL},
    {"10.0.0.0-10.0.0.9", "10.0.0.9-10.0.0.20", "10.0.0.9-10.0.0.9"},
    {"0.0.0.0/0", "::/0", NULL},
    {"2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::/48"},
    {"2001:db8::/33", "2001:db8:8000::/33", NULL},
    {"10.0.0.0/8[tcp]", "10.0.0.0/8", "10.0.0.0/8[tcp]"},
    {"10.0.0.0/8[tcp]", "10.0.0.0/8[udp]", NULL},
    {"10.0.0.0/8[tcp/80]", "10.0.0.0/8[tcp/1-1023]", "10.0.0.0/8[tcp/80]"},
    {"10.0.0.0/8[tcp/80-90]", "10.0.0.0/8[tcp/85-100]", "10.0.0.0/8[tcp/85-90]"},
    {"10.0.0.0/8[tcp/80]", "10.0.0.0/8[tcp/81]", NULL},
    {"10.0.0.0/8[tcp/80]", "10.1.0.0/16", "10.1.0.0/16[tcp/80]"},
    {"10.0.0.0/8[icmp/2048]", "10.0.0.0/8[icmp]", "10.0.0.0/8[icmp/2048]"},
    /* OPAQUE meets OPAQUE and ANY, never a range of ports. */
    {"10.0.0.0/8[tcp]!", "10.1.0.0/16[tcp]!", "10.1.0.0/16[tcp]!"},
    {"10.0.0.0/8[tcp]!", "10.1.0.0/16[tcp]", "10.1.0.0/16[tcp]!"},
    {"10.0.0.0/8[tcp]!", "10.1.0.0/16", "10.1.0.0/16[tcp]!"},
    {"10.0.0.0/8[tcp]!", "10.1.0.0/16[tcp/80]", NULL},
    {"10.0.0.0/8[tcp]!", "10.1.0.0/16[tcp/0-65534]", NULL},
    {"10.0.0.0/8[tcp]!", "10.1.0.0/16[tcp/1-65535]", NULL},
};

static void what_two_selectors_have_in_common(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(pairs); i++) {
        ike_ts a = ts_of(pairs[i].a), b = ts_of(pairs[i].b), got[2] = {{0}, {0}};
        bool ab = ike_ts_intersect(&a, &b, &got[0]), ba = ike_ts_intersect(&b, &a, &got[1]);
        if (ab != (pairs[i].both != NULL) || ab != ba) {
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
        }
        if (ab) {
            const char *want[] = {pairs[i].both, NULL};
            assert_list(&got[0], 1, want);
            assert_true(same(&got[0], &got[1]));
            assert_true(ike_ts_within(&got[0], &a) && ike_ts_within(&got[0], &b));
        }
    }
}

static const struct {
    const char *inner, *outer;
    bool is;
} within[] = {
    {"10.1.0.0/16", "10.0.0.0/8", true},
    {"10.0.0.0/8", "10.1.0.0/16", false},
    {"10.0.0.0/8", "10.0.0.0/8", true},
    {"9.255.255.255-10.0.0.1", "10.0.0.0/8", false},
    {"10.1.0.0/16[tcp]", "10.0.0.0/8", true},
    {"10.1.0.0/16", "10.0.0.0/8[tcp]", false}, /* any protocol is more than one */
    {"10.1.0.0/16[udp]", "10.0.0.0/8[tcp]", false},
    {"10.1.0.0/16[tcp/80]", "10.0.0.0/8[tcp]", true},
    {"10.1.0.0/16[tcp]", "10.0.0.0/8[tcp/80]", false},
    {"10.1.0.0/16[tcp/80-90]", "10.0.0.0/8[tcp/80-89]", false},
    {"10.1.0.0/16[tcp]!", "10.0.0.0/8[tcp]", true},
    {"10.1.0.0/16[tcp]", "10.0.0.0/8[tcp]!", false},
    {"10.1.0.0/16[tcp]!", "10.0.0.0/8[tcp]!", true},
    {"10.1.0.0/16[tcp]!", "10.0.0.0/8[tcp/80]", false},
    {"::/0", "0.0.0.0/0", false},
    {"0.0.0.0/0", "::/0", false},
};

static void what_lies_within_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(within); i++) {
        ike_ts a = ts_of(within[i].inner), b = ts_of(within[i].outer);
        if (ike_ts_within(&a, &b) != within[i].is) {
            fail_msg("%s in %s", within[i].inner, within[i].outer);
        }
    }
    ike_ts offered[8], answer[8];
    size_t n = list_of(offered, (const char *const[]){"10.1.0.0/16", "10.2.0.0/16", NULL});
    size_t m = list_of(answer, (const char *const[]){"10.2.3.0/24", "10.1.0.0/24", "10.1.5.0/24", NULL});
    assert_true(ike_ts_all_within(answer, m, offered, n));
    answer[1] = ts_of("10.1.0.0-10.2.0.0"); /* covered by the two together, by none alone */
    assert_false(ike_ts_all_within(answer, m, offered, n));
    assert_false(ike_ts_all_within(answer, 1, offered, 0));
}

/* What a peer offers, what we allow, what comes out, in the order offered. */
static const struct {
    const char *offered[6], *allowed[6], *result[6];
} narrow[] = {
    {{"10.1.0.0/16"}, {"10.1.0.0/16"}, {"10.1.0.0/16"}},
    {{"0.0.0.0/0"}, {"10.1.0.0/16"}, {"10.1.0.0/16"}},
    {{"0.0.0.0/0", "::/0"}, {"10.1.0.0/16", "2001:db8::/32"}, {"10.1.0.0/16", "2001:db8::/32"}},
    /* The selectors of the packet stand first and stay in. */
    {{"10.1.0.5/32[tcp/80]", "10.0.0.0/8"}, {"10.1.0.0/16"}, {"10.1.0.0/16"}},
    {{"10.1.0.5/32[tcp/80]", "10.2.0.0/16"}, {"10.1.0.0/16", "10.2.0.0/24"}, {"10.1.0.5/32[tcp/80]", "10.2.0.0/24"}},
    /* Nothing in common. */
    {{"192.168.0.0/16"}, {"10.1.0.0/16"}, {NULL}},
    {{"::/0"}, {"10.1.0.0/16"}, {NULL}},
    {{"10.1.0.0/16[udp]"}, {"10.1.0.0/16[tcp]"}, {NULL}},
    /* Several allowed parts of one offer; parts another one covers are left out. */
    {{"10.0.0.0/8"}, {"10.1.0.0/16", "10.3.0.0/16"}, {"10.1.0.0/16", "10.3.0.0/16"}},
    {{"10.1.2.0/24", "10.1.0.0/16"}, {"10.0.0.0/8"}, {"10.1.0.0/16"}},
    {{"10.1.0.0/16", "10.1.2.0/24", "10.1.0.0/16"}, {"10.0.0.0/8"}, {"10.1.0.0/16"}},
    {{"10.1.0.0/16[tcp]!"}, {"10.0.0.0/8"}, {"10.1.0.0/16[tcp]!"}},
};

static void an_offer_is_narrowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(narrow); i++) {
        ike_ts offered[8], allowed[8];
        struct ike_ts_list out;
        size_t n = list_of(offered, narrow[i].offered), m = list_of(allowed, narrow[i].allowed);
        assert_int_equal(ike_ts_narrow(offered, n, allowed, m, &out), narrow[i].result[0] != NULL);
        assert_list(out.ts, out.n, narrow[i].result);
        assert_true(ike_ts_all_within(out.ts, out.n, offered, n));
        assert_true(ike_ts_all_within(out.ts, out.n, allowed, m));
    }
}

static void more_than_fits_is_left_out(void **state)
{
    (void)state;
    static ike_ts offered[IKE_TS_MAX + 1], allowed[2];
    static struct ike_ts_list out;
    for (size_t i = 0; i <= IKE_TS_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.0.%u.0-10.0.%u.9", (unsigned)i * 2, (unsigned)i * 2);
        offered[i] = ts_of(text);
    }
    allowed[0] = ts_of("0.0.0.0/0");
    assert_true(ike_ts_narrow(offered, IKE_TS_MAX + 1, allowed, 1, &out));
    assert_int_equal(out.n, IKE_TS_MAX);
    assert_true(same(&out.ts[IKE_TS_MAX - 1], &offered[IKE_TS_MAX - 1]));
}

/* Both sides of a child: what has no counterpart on the other side goes. */
static const struct {
    const char *a[4], *b[4], *left_a[4], *left_b[4];
} sides[] = {
    {{"10.1.0.0/16"}, {"10.2.0.0/16"}, {"10.1.0.0/16"}, {"10.2.0.0/16"}},
    {{"10.1.0.0/16"}, {"2001:db8::/32"}, {NULL}, {NULL}},
    {{"10.1.0.0/16", "2001:db8::/32"}, {"10.2.0.0/16"}, {"10.1.0.0/16"}, {"10.2.0.0/16"}},
    {{"10.1.0.0/16"}, {"2001:db8::/32", "10.2.0.0/16"}, {"10.1.0.0/16"}, {"10.2.0.0/16"}},
    {{"10.1.0.0/16[tcp]"}, {"10.2.0.0/16[udp]"}, {NULL}, {NULL}},
    {{"10.1.0.0/16[tcp]", "10.1.0.0/16[udp]"}, {"10.2.0.0/16[udp]"}, {"10.1.0.0/16[udp]"}, {"10.2.0.0/16[udp]"}},
    {{"10.1.0.0/16[tcp]"}, {"10.2.0.0/16"}, {"10.1.0.0/16[tcp]"}, {"10.2.0.0/16"}},
};

static void selectors_without_a_counterpart_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(sides); i++) {
        struct ike_ts_list a, b;
        a.n = list_of(a.ts, sides[i].a);
        b.n = list_of(b.ts, sides[i].b);
        assert_int_equal(ike_ts_pair(&a, &b), sides[i].left_a[0] != NULL);
        if (sides[i].left_a[0]) {
            assert_list(a.ts, a.n, sides[i].left_a);
            assert_list(b.ts, b.n, sides[i].left_b);
        }
    }
}

static void single_addresses_are_substituted_behind_a_nat(void **state)
{
    (void)state;
    struct ike_ts_list l = {0};
    ike_addr v4 = lab_addr("192.0.2.1"), v6 = lab_addr("2001:db8::1");
    l.n = list_of(l.ts, (const char *const[]){"10.0.0.1/32[tcp/80]", "10.0.0.2/32", NULL});
    assert_true(ike_ts_substitute(&l, &v4));
    assert_list(l.ts, l.n, (const char *const[]){"192.0.2.1/32[tcp/80]", "192.0.2.1/32", NULL});
    assert_false(ike_ts_substitute(&l, &v6));
    l.n = list_of(l.ts, (const char *const[]){"10.0.0.0/31", NULL});
    assert_false(ike_ts_substitute(&l, &v4));
    l.n = list_of(l.ts, (const char *const[]){"2001:db8::9/128", NULL});
    assert_true(ike_ts_substitute(&l, &v6));
    assert_list(l.ts, l.n, (const char *const[]){"2001:db8::1/128", NULL});
}

static void an_address_as_a_selector(void **state)
{
    (void)state;
    ike_addr a = lab_addr("192.0.2.1:500"), b = lab_addr("2001:db8::1");
    ike_ts ts[] = {ike_ts_of_addr(&a), ike_ts_of_addr(&b)};
    assert_list(ts, 2, (const char *const[]){"192.0.2.1/32", "2001:db8::1/128", NULL});
}

static void lists_are_printed_as_far_as_they_fit(void **state)
{
    (void)state;
    ike_ts ts[4];
    char text[64];
    size_t n = list_of(ts, (const char *const[]){"10.1.0.0/16", "10.2.0.0/16[tcp/80]", NULL});
    size_t len = ike_ts_list_format(ts, n, text, sizeof text);
    assert_string_equal(text, "10.1.0.0/16 10.2.0.0/16[tcp/80]");
    assert_int_equal(len, strlen(text));
    for (size_t cap = 0; cap < sizeof text; cap++) {
        char *small = malloc(cap + 1);
        memset(small, 'z', cap + 1);
        (void)ike_ts_list_format(ts, n, small, cap);
        assert_int_equal(small[cap], 'z');
        assert_true(cap == 0 || memchr(small, 0, cap));
        free(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_two_selectors_have_in_common),
        cmocka_unit_test(what_lies_within_another),
        cmocka_unit_test(an_offer_is_narrowed),
        cmocka_unit_test(more_than_fits_is_left_out),
        cmocka_unit_test(selectors_without_a_counterpart_go),
        cmocka_unit_test(single_addresses_are_substituted_behind_a_nat),
        cmocka_unit_test(an_address_as_a_selector),
        cmocka_unit_test(lists_are_printed_as_far_as_they_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
