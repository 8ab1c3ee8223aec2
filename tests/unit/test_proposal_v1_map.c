/* SPDX-License-Identifier: ISC
 *
 * The numbers of IKEv1 beside those of IKEv2, as the registries have them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proposal/v1_map.h"
#include "unit/proposal_text.h"

/* From the registry by keyword, so that both columns are said in words somewhere. */
static void numbers(void **state)
{
    (void)state;
    static const struct {
        enum ike_v1_map map;
        uint16_t v1;
        const char *text; /* a proposal whose first transform of `type` is meant */
        uint8_t type;
    } rows[] = {
        {IKE_M1_ENCR, 1, "des-sha1-modp1024", IKE_T_ENCR},       {IKE_M1_ENCR, 3, "blowfish128-sha1-modp1024", IKE_T_ENCR},
        {IKE_M1_ENCR, 5, "3des-sha1-modp1024", IKE_T_ENCR},      {IKE_M1_ENCR, 6, "cast128-sha1-modp1024", IKE_T_ENCR},
        {IKE_M1_ENCR, 7, "aes128-sha1-modp1024", IKE_T_ENCR},    {IKE_M1_ENCR, 8, "camellia128-sha1-modp1024", IKE_T_ENCR},
        {IKE_M1_HASH, 1, "aes128-md5-modp1024", IKE_T_PRF},      {IKE_M1_HASH, 2, "aes128-sha1-modp1024", IKE_T_PRF},
        {IKE_M1_HASH, 4, "aes128-sha256-modp1024", IKE_T_PRF},   {IKE_M1_HASH, 5, "aes128-sha384-modp1024", IKE_T_PRF},
        {IKE_M1_HASH, 6, "aes128-sha512-modp1024", IKE_T_PRF},   {IKE_M1_KE, 1, "aes128-sha1-modp768", IKE_T_KE},
        {IKE_M1_KE, 2, "aes128-sha1-modp1024", IKE_T_KE},        {IKE_M1_KE, 5, "aes128-sha1-modp1536", IKE_T_KE},
        {IKE_M1_KE, 14, "aes128-sha1-modp2048", IKE_T_KE},       {IKE_M1_KE, 18, "aes128-sha1-modp8192", IKE_T_KE},
        {IKE_M1_KE, 19, "aes128-sha1-ecp256", IKE_T_KE},         {IKE_M1_KE, 21, "aes128-sha1-ecp521", IKE_T_KE},
        {IKE_M1_KE, 24, "aes128-sha1-modp2048s256", IKE_T_KE},   {IKE_M1_KE, 26, "aes128-sha1-ecp224", IKE_T_KE},
        {IKE_M1_KE, 31, "aes128-sha1-x25519", IKE_T_KE},         {IKE_M1_KE, 28, "aes128-sha1-ecp256bp", IKE_T_KE},
        {IKE_M1_KE, 3, "aes128-sha1-ec2n155", IKE_T_KE},         {IKE_M1_KE, 4, "aes128-sha1-ec2n185", IKE_T_KE},
        {IKE_M1_KE, 0, "aes128-sha1-mlkem768", IKE_T_KE},        {IKE_M1_ENCR, 0, "aes128gcm16-prfsha1-modp1024", IKE_T_ENCR},
        {IKE_M1_ENCR, 0, "aes128ctr-sha1-modp1024", IKE_T_ENCR}, {IKE_M1_HASH, 0, "aes128-sha1-prfaesxcbc-modp1024", IKE_T_PRF},
    };
    static const struct {
        enum ike_v1_map map;
        uint16_t v1;
        const char *text;
        uint8_t type;
    } esp[] = {
        {IKE_M1_ESP, 2, "des-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 3, "3des-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 6, "cast128-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 7, "blowfish128-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 11, "null-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 12, "aes128-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 13, "aes128ctr-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 14, "aes128ccm8", IKE_T_ENCR},
        {IKE_M1_ESP, 15, "aes128ccm12", IKE_T_ENCR},
        {IKE_M1_ESP, 16, "aes128ccm16", IKE_T_ENCR},
        {IKE_M1_ESP, 18, "aes128gcm8", IKE_T_ENCR},
        {IKE_M1_ESP, 19, "aes128gcm12", IKE_T_ENCR},
        {IKE_M1_ESP, 20, "aes128gcm16", IKE_T_ENCR},
        {IKE_M1_ESP, 22, "camellia128-md5", IKE_T_ENCR},
        {IKE_M1_ESP, 23, "aes128gmac", IKE_T_ENCR},
        {IKE_M1_ESP, 0, "chacha20poly1305", IKE_T_ENCR},
        {IKE_M1_ESP, 0, "camellia128ctr-md5", IKE_T_ENCR},
        {IKE_M1_AUTH, 1, "null-md5", IKE_T_INTEG},
        {IKE_M1_AUTH, 2, "null-sha1", IKE_T_INTEG},
        {IKE_M1_AUTH, 5, "null-sha256", IKE_T_INTEG},
        {IKE_M1_AUTH, 6, "null-sha384", IKE_T_INTEG},
        {IKE_M1_AUTH, 7, "null-sha512", IKE_T_INTEG},
        {IKE_M1_AUTH, 9, "null-aesxcbc", IKE_T_INTEG},
        {IKE_M1_AUTH, 0, "null-aescmac", IKE_T_INTEG},
        {IKE_M1_AH, 2, "null-md5", IKE_T_INTEG},
        {IKE_M1_AH, 3, "null-sha1", IKE_T_INTEG},
        {IKE_M1_AH, 5, "null-sha256", IKE_T_INTEG},
        {IKE_M1_AH, 6, "null-sha384", IKE_T_INTEG},
        {IKE_M1_AH, 7, "null-sha512", IKE_T_INTEG},
        {IKE_M1_AH, 9, "null-aesxcbc", IKE_T_INTEG},
    };
    for (size_t i = 0; i < IKE_COUNT(rows) + IKE_COUNT(esp); i++) {
        const bool one = i < IKE_COUNT(rows);
        const size_t k = one ? i : i - IKE_COUNT(rows);
        const enum ike_v1_map map = one ? rows[k].map : esp[k].map;
        const uint16_t v1 = one ? rows[k].v1 : esp[k].v1;
        struct ike_proposals *p = from_text(one ? rows[k].text : esp[k].text, one ? IKE_PROTO_IKE : IKE_PROTO_ESP);
        uint16_t v2 = 0;
        for (unsigned j = 0; j < p->n_transforms && v2 == 0; j++) {
            v2 = p->transforms[j].type == (one ? rows[k].type : esp[k].type) ? p->transforms[j].id : 0;
        }
        assert_int_equal(ike_v1_number(map, v2), v1);
        assert_true(v1 == 0 || ike_v1_meaning(map, v1) == v2);
        forget(p);
    }
}

/* Each number has one meaning and each meaning one number; what is reserved has none. */
static void both_ways(void **state)
{
    (void)state;
    static const uint16_t rows[IKE_M1_MAPS] = {6, 5, 15, 6, 6, 24 + 32768}; /* half of the groups' are for private use */
    for (int m = 0; m < IKE_M1_MAPS; m++) {
        unsigned n = 0;
        for (unsigned v = 0; v <= UINT16_MAX; v++) {
            const uint16_t v2 = ike_v1_meaning((enum ike_v1_map)m, (uint16_t)v);
            assert_true(v2 == 0 || ike_v1_number((enum ike_v1_map)m, v2) == v);
            const uint16_t v1 = ike_v1_number((enum ike_v1_map)m, (uint16_t)v);
            assert_true(v1 == 0 || ike_v1_meaning((enum ike_v1_map)m, v1) == v);
            n += v2 != 0;
        }
        assert_int_equal(n, rows[m]);
        assert_int_equal(ike_v1_meaning((enum ike_v1_map)m, 0), 0);
    }
}

/* The first word without a number, in phase 1 and in phase 2. */
static void what_a_text_has_no_number_for(void **state)
{
    (void)state;
    size_t at = 99;
    assert_int_equal(ike_proposals_check_v1("aes256-sha256-x25519, 3des-sha1-modp1024", IKE_PROTO_IKE, &at), IKE_OK);
    assert_int_equal(at, 99);
    assert_int_equal(ike_proposals_check_v1("aes256-sha256-x25519, aes256gcm16-prfsha256-x25519", IKE_PROTO_IKE, &at),
                     IKE_ERR_UNSUPPORTED);
    assert_int_equal(at, 22);
    assert_int_equal(ike_proposals_check_v1("aes256gcm16-x25519-nopfs", IKE_PROTO_ESP, &at), IKE_OK);
    assert_int_equal(ike_proposals_check_v1("chacha20poly1305", IKE_PROTO_ESP, NULL), IKE_ERR_UNSUPPORTED);
}

static void words(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(ike_v1_word(IKE_T1_AUTH, 1), "psk");
    assert_string_equal(ike_v1_word(IKE_T1_MODE, 3), "udp-tunnel");
    assert_null(ike_v1_word(IKE_T1_MODE, 5));
    assert_null(ike_v1_word(IKE_T_ENCR, 1));
    ike_transform_format(IKE_T1_AUTH, 65001, 0, text, sizeof text);
    assert_string_equal(text, "xauth-psk");
    ike_transform_format(IKE_T1_MODE, 77, 0, text, sizeof text);
    assert_string_equal(text, "mode:77");
    ike_transform_format(IKE_T1_ATTRIBUTE, 0, 0, text, sizeof text);
    assert_string_equal(text, "attribute:0");
    static const uint8_t types[] = {IKE_T_ENCR, IKE_T_PRF, IKE_T_INTEG, IKE_T_KE, IKE_T_ESN, IKE_T1_AUTH, IKE_T1_ATTRIBUTE};
    for (unsigned i = 0; i < IKE_COUNT(types); i++) {
        assert_int_equal(ike_v1_type_of(1u << i), types[i]);
    }
    assert_int_equal(ike_v1_type_of(0), 0);
}

/* What a suite of IKEv1 is held against. */
static void fits(void **state)
{
    (void)state;
    struct ike_proposals *p = from_text("aes128-sha256-modp2048", IKE_PROTO_IKE);
    const struct ike_suite s = {.protocol = 1, .encr = 12, .encr_bits = 128, .prf = 5, .ke = 14};
    assert_int_equal(ike_v1_fit(p, 0, &s), 0);
    struct ike_suite x = s;
    x.encr_bits = 256;
    assert_int_equal(ike_v1_fit(p, 0, &x), IKE_D1_ENCR);
    x = s;
    x.prf = 2;
    x.ke = 2;
    assert_int_equal(ike_v1_fit(p, 0, &x), IKE_D1_PRF | IKE_D1_KE);
    forget(p);
    p = from_text("aes128-sha256-esn, aes128-sha1-modp2048-nopfs, aes128gcm16-noesn", IKE_PROTO_ESP);
    assert_int_equal(ike_v1_esn(p, 0), 1);
    assert_int_equal(ike_v1_esn(p, 1), 0);
    assert_int_equal(ike_v1_esn(p, 2), 0);
    const struct ike_suite e = {.protocol = 3, .encr = 12, .encr_bits = 128, .integ = 2};
    assert_int_equal(ike_v1_fit(p, 0, &e), IKE_D1_INTEG | IKE_D1_ESN);
    assert_int_equal(ike_v1_fit(p, 1, &e), 0);
    assert_int_equal(ike_v1_fit(p, 2, &e), IKE_D1_ENCR | IKE_D1_INTEG);
    forget(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(what_a_text_has_no_number_for), cmocka_unit_test(both_ways),
        cmocka_unit_test(words),
        cmocka_unit_test(fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
