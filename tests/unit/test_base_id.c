/* SPDX-License-Identifier: ISC
 *
 * Text forms of identities: what each text means, and that any octets of any type survive text and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static const struct {
    const char *text;
    uint8_t type;
    const char *data;
    size_t len;
    const char *canonical; /* NULL: the text itself */
} cases[] = {
    {"%any", IKE_ID_NONE, "", 0, NULL},
    {"%null", IKE_ID_NULL, "", 0, NULL},
    {"10.0.0.1", IKE_ID_IPV4_ADDR, "\x0a\0\0\1", 4, NULL},
    {"2001:db8:0:0::1", IKE_ID_IPV6_ADDR, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, "2001:db8::1"},
    {"::ffff:10.0.0.1", IKE_ID_IPV6_ADDR, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16, NULL},
    {"vpn.example.org", IKE_ID_FQDN, "vpn.example.org", 15, NULL},
    {"@vpn.example.org", IKE_ID_FQDN, "vpn.example.org", 15, "vpn.example.org"},
    {"@10.0.0.1", IKE_ID_FQDN, "10.0.0.1", 8, NULL},
    {"10.0.0.1.example", IKE_ID_FQDN, "10.0.0.1.example", 16, NULL},
    {"@", IKE_ID_FQDN, "", 0, NULL},
    {"@a@b", IKE_ID_FQDN, "a@b", 3, NULL},
    {"@%any", IKE_ID_FQDN, "%any", 4, NULL},
    {"@keyid:00", IKE_ID_FQDN, "keyid:00", 8, NULL},
    {"a\\x00b", IKE_ID_FQDN, "a\0b", 3, NULL},
    {"DOMAIN\\user", IKE_ID_FQDN, "DOMAIN\\user", 11, "DOMAIN\\x5cuser"},
    {"user@example.org", IKE_ID_RFC822_ADDR, "user@example.org", 16, NULL},
    {"@C=CH, O=Example", IKE_ID_FQDN, "C=CH, O=Example", 15, NULL},
    {"email:a=b@example.org", IKE_ID_RFC822_ADDR, "a=b@example.org", 15, NULL},
    {"email:nobody", IKE_ID_RFC822_ADDR, "nobody", 6, NULL},
    {"email:a@b", IKE_ID_RFC822_ADDR, "a@b", 3, "a@b"},
    {"email:@b", IKE_ID_RFC822_ADDR, "@b", 2, NULL},
    {"keyid:00ffA0", IKE_ID_KEY_ID, "\x00\xff\xa0", 3, "keyid:00ffa0"},
    {"keyid:@group one", IKE_ID_KEY_ID, "group one", 9, NULL},
    {"keyid:6162", IKE_ID_KEY_ID, "ab", 2, "keyid:@ab"},
    {"keyid:", IKE_ID_KEY_ID, "", 0, NULL},
    {"asn1dn:3000", IKE_ID_DER_ASN1_DN, "\x30\0", 2, NULL},
    {"asn1gn:8100", IKE_ID_DER_ASN1_GN, "\x81\0", 2, NULL},
    {"type1:0a00", IKE_ID_IPV4_ADDR, "\x0a\0", 2, NULL},
    {"type13:01", IKE_ID_NULL, "\1", 1, NULL},
    {"type201:ab", 201, "\xab", 1, NULL},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(cases); i++) {
        uint8_t buf[32];
        char out[80];
        ike_id id;
        if (ike_id_parse(&id, cases[i].text, buf, sizeof(buf)) != IKE_OK) {
            fail_msg("refused \"%s\"", cases[i].text);
        }
        assert_int_equal(id.type, cases[i].type);
        assert_int_equal(id.data.len, cases[i].len);
        assert_memory_equal(id.data.ptr, cases[i].data, cases[i].len);
        const char *want = cases[i].canonical ? cases[i].canonical : cases[i].text;
        assert_int_equal(ike_id_format(&id, out, sizeof(out)), strlen(want));
        assert_string_equal(out, want);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "%",         "%none",        "%anyone", "keyid:0",   "keyid:0g",  "keyid:00 ", "asn1dn:#30",  "type:00",
        "type256:00", "type1x:00", "10.0.0.1:500", "[::1]",   "[::1]:500", "fe80::1%2", "a:b",       "type0001:00",
        "C=CH",       "a,b",       "E=a@example.org",
    };
    for (size_t i = 0; i < IKE_COUNT(bad); i++) {
        uint8_t buf[32];
        ike_id id = {.type = 99};
        if (ike_id_parse(&id, bad[i], buf, sizeof(buf)) != IKE_ERR_INVALID) {
            fail_msg("accepted \"%s\"", bad[i]);
        }
        assert_int_equal(id.type, 99);
    }
    uint8_t small[3];
    ike_id id;
    assert_int_equal(ike_id_parse(&id, "abcd", small, 3), IKE_ERR_BUFFER);
    assert_int_equal(ike_id_parse(&id, "abc", small, 3), IKE_OK);
    assert_int_equal(ike_id_parse(&id, "10.0.0.1", small, 3), IKE_ERR_BUFFER);
    assert_int_equal(ike_id_parse(&id, "%any", NULL, 0), IKE_OK);
}

/* Every type with random octets, mostly from an alphabet of troublesome ones. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char trouble[] = "@:=,%\\x04aF.1\n\"keyid";
    uint64_t s = 0x9e3779b97f4a7c15;
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t data[20], buf[20];
        char out[120];
        s = s * 6364136223846793005u + 1442695040888963407u;
        uint32_t r = (uint32_t)(s >> 33);
        ike_id id = {.type = (uint8_t)(i & 1 ? r % 16 : r), .data = {data, (r >> 8) % 20}}, back;
        for (size_t k = 0; k < id.data.len; k++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            r = (uint32_t)(s >> 33);
            data[k] = r & 0x300 ? (uint8_t)trouble[r % (sizeof(trouble) - 1)] : (uint8_t)(r >> 12);
        }
        if (id.type == IKE_ID_NONE) {
            continue; /* carries no octets */
        }
        assert_true(ike_id_format(&id, out, sizeof(out)) < sizeof(out));
        for (const char *p = out; *p; p++) {
            assert_true(*p >= 0x20 && *p < 0x7f);
        }
        if (ike_id_parse(&back, out, buf, sizeof(buf)) != IKE_OK || back.type != id.type ||
            !ike_bytes_equal(back.data, id.data)) {
            fail_msg("type %u lost in \"%s\"", id.type, out);
        }
    }
}

static void test_truncation(void **state)
{
    (void)state;
    ike_id id = {IKE_ID_FQDN, IKE_STR("a\001b")};
    for (size_t n = 0; n < 9; n++) {
        char out[10];
        memset(out, '#', sizeof(out));
        assert_int_equal(ike_id_format(&id, n ? out : NULL, n), 6);
        assert_int_equal(out[n], '#');
        if (n) {
            assert_memory_equal(out, "a\\x01b", n > 6 ? 6 : n - 1);
            assert_int_equal(out[n > 6 ? 6 : n - 1], 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
