/* SPDX-License-Identifier: ISC
 *
 * Written SA payloads against their octets, numbering when proposals are merged, and the order at a rekey.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proposal/merge.h"
#include "proposal/offer.h"
#include "unit/proposal_text.h"

static void test_octets(void **state)
{
    (void)state;
    static const uint8_t ike[] = {0, 0, 0, 80, 2, 0, 0, 36, 1, 1, 0, 3, 3,  0, 0, 12, 1,  0, 0, 20, 0x80, 14, 1, 0, 3, 0, 0,
                                  8, 2, 0, 0,  5, 0, 0, 0,  8, 4, 0, 0, 31, 0, 0, 0,  40, 2, 1, 0,  4,    3,  0, 0, 8, 1, 0,
                                  0, 3, 3, 0,  0, 8, 2, 0,  0, 2, 3, 0, 0,  8, 3, 0,  0,  2, 0, 0,  0,    8,  4, 0, 0, 14};
    uint8_t buf[256];
    struct ike_proposals *p = from_text("aes256gcm16-prfsha256-x25519, 3des-sha1-modp2048", IKE_PROTO_IKE);
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_put_sa(&c, p, NULL, 0, true, NULL);
    assert_false(c.w.bad);
    assert_int_equal(c.first, IKE_P_SA);
    assert_int_equal(c.w.len, sizeof ike);
    assert_memory_equal(buf, ike, sizeof ike);
    for (size_t cap = 0; cap < sizeof ike; cap++) {
        uint8_t *room = malloc(cap ? cap : 1);
        assert_non_null(room);
        c = ike_chain(room, cap);
        ike_put_sa(&c, p, NULL, 0, true, NULL);
        assert_true(c.w.bad);
        free(room);
    }
    forget(p);

    static const uint8_t esp[] = {0, 0,  0,    44, 0, 0,   0, 40, 3, 3, 4, 3, 0xc0, 1,  2, 3, 3, 0, 0, 12, 1, 0,
                                  0, 12, 0x80, 14, 0, 128, 3, 0,  0, 8, 3, 0, 0,    12, 0, 0, 0, 8, 5, 0,  0, 0};
    const struct ike_suite s = {.protocol = IKE_PROTO_ESP, .encr = 12, .encr_bits = 128, .integ = 12};
    c = ike_chain(buf, sizeof buf);
    ike_put_sa_answer(&c, &s, 3, child_spi, 4);
    assert_false(c.w.bad);
    assert_int_equal(c.w.len, sizeof esp);
    assert_memory_equal(buf, esp, sizeof esp);
    for (size_t cap = 0; cap < sizeof esp; cap++) {
        uint8_t *room = malloc(cap ? cap : 1);
        assert_non_null(room);
        c = ike_chain(room, cap);
        ike_put_sa_answer(&c, &s, 3, child_spi, 4);
        assert_true(c.w.bad);
        free(room);
    }
}

/* IKE_AUTH: KE transforms go, proposals that differed in them only are one, numbers stay without a gap. */
static void test_merge(void **state)
{
    (void)state;
    uint8_t buf[512];
    char text[256];
    if (!IKE_WITH_PROPOSALS) {
        print_message("left out: PROPOSALS is not in this build\n");
        return;
    }
    struct ike_proposals *p =
        from_text("aes256gcm16-x25519, aes256gcm16-modp2048, aes128-sha256-x25519, aes256gcm16, aes128-sha1", IKE_PROTO_ESP);
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_put_sa(&c, p, child_spi, 4, false, NULL);
    struct ike_payload sa = only_payload(&c);
    ike_sa_payload_format(&sa, text, sizeof text);
    assert_string_equal(text, "aes256gcm16-esn-noesn, aes128-sha256-esn-noesn, aes128-sha1-esn-noesn");
    struct ike_offer o;
    assert_int_equal(ike_offer_parse(&o, &sa, false), IKE_OK); /* checks the numbers */
    static const uint8_t numbers[] = {1, 0, 2, 0, 3};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(ike_proposal_number(p, i, false), numbers[i]);
        assert_int_equal(ike_proposal_number(p, i, true), i + 1);
    }
    assert_int_equal(ike_proposal_numbered(p, 3, false), 4);
    assert_int_equal(ike_proposal_numbered(p, 4, false), -1);
    assert_int_equal(ike_proposal_numbered(p, 0, false), -1);
    assert_int_equal(ike_proposal_numbered(p, 5, true), 4);
    /* An answer to the third on the wire is checked against the fifth of the list. */
    const struct ike_suite s = {.protocol = IKE_PROTO_ESP, .encr = 12, .encr_bits = 128, .integ = 2, .esn = 1};
    const struct ike_select_args args = {.spi_len = 4};
    struct ike_selection sel;
    c = ike_chain(buf, sizeof buf);
    ike_put_sa_answer(&c, &s, 3, child_spi, 4);
    sa = only_payload(&c);
    assert_int_equal(ike_select_check(p, &sa, &args, &sel), IKE_OK);
    assert_int_equal(sel.suite.integ, 2);
    forget(p);
}

static void test_first(void **state)
{
    (void)state;
    uint8_t buf[512];
    char text[256];
    struct ike_proposals *p =
        from_text("aes256-aes128-sha256-sha512-prfsha256-prfsha512-x25519-modp2048, aes256gcm16-prfsha256-x25519", IKE_PROTO_IKE);
    const struct ike_suite now = {.protocol = IKE_PROTO_IKE, .encr = 12, .encr_bits = 128, .prf = 7, .integ = 12, .ke = 14};
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_put_sa(&c, p, (const uint8_t[8]){1}, 8, true, &now);
    const struct ike_payload sa = only_payload(&c);
    ike_sa_payload_format(&sa, text, sizeof text);
    assert_string_equal(text, "aes128-aes256-prfsha512-prfsha256-sha256-sha512-modp2048-x25519, aes256gcm16-prfsha256-x25519");
    forget(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_octets), cmocka_unit_test(test_merge), cmocka_unit_test(test_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
