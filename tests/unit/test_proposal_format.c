/* SPDX-License-Identifier: ISC
 *
 * Text of transforms, suites and offers, at every buffer size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/proposal_text.h"

static void test_transform(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        uint16_t id, bits;
        const char *text;
    } rows[] = {
        {1, 20, 256, "aes256gcm16"}, {1, 12, 128, "aes128"},    {1, 28, 0, "chacha20poly1305"},
        {1, 3, 0, "3des"},           {2, 5, 0, "prfsha256"},    {3, 14, 0, "sha512"},
        {4, 31, 0, "x25519"},        {4, 0, 0, "nopfs"},        {5, 1, 0, "esn"},
        {1, 12, 127, "encr:12/127"}, {1, 1234, 0, "encr:1234"}, {3, 99, 0, "integ:99"},
        {4, 65535, 0, "ke:65535"},   {9, 36, 0, "type9:36"},    {0, 0, 0, "type0:0"},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        char out[32];
        assert_int_equal(ike_transform_format(rows[i].type, rows[i].id, rows[i].bits, out, sizeof out), strlen(rows[i].text));
        assert_string_equal(out, rows[i].text);
    }
}

static void test_suite(void **state)
{
    (void)state;
    static const struct {
        struct ike_suite s;
        const char *text;
    } rows[] = {
        {{IKE_PROTO_IKE, 20, 256, 5, 0, 31, 0}, "aes256gcm16-prfsha256-x25519"},
        {{IKE_PROTO_IKE, 12, 128, 5, 12, 14, 0}, "aes128-sha256-prfsha256-modp2048"},
        {{IKE_PROTO_ESP, 12, 128, 0, 2, 0, 1}, "aes128-sha1-esn"},
        {{IKE_PROTO_ESP, 20, 128, 0, 0, 19, 0}, "aes128gcm16-ecp256-noesn"},
        {{IKE_PROTO_AH, 0, 0, 0, 12, 0, 0}, "sha256-noesn"},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const size_t n = strlen(rows[i].text);
        for (size_t cap = 0; cap <= n + 1; cap++) {
            char *out = malloc(cap ? cap : 1);
            assert_non_null(out);
            assert_int_equal(ike_suite_format(&rows[i].s, out, cap), n);
            if (cap) {
                assert_memory_equal(out, rows[i].text, cap - 1);
                assert_int_equal(out[cap - 1], 0);
            }
            free(out);
        }
    }
}

static void test_offer(void **state)
{
    (void)state;
    uint8_t buf[256];
    char out[128];
    struct ike_payload sa = offer_of("aes256gcm16-esn, aes128-sha1-noesn", IKE_PROTO_ESP, 4, true, buf, sizeof buf);
    ike_sa_payload_format(&sa, out, sizeof out);
    assert_string_equal(out, "aes256gcm16-esn, aes128-sha1-noesn");
    sa.len--;
    ike_sa_payload_format(&sa, out, sizeof out);
    assert_string_equal(out, "aes256gcm16-esn (malformed)");
    sa.len = 0;
    ike_sa_payload_format(&sa, out, sizeof out);
    assert_string_equal(out, " (malformed)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transform), cmocka_unit_test(test_suite),
                                       cmocka_unit_test(test_offer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
