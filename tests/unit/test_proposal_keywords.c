/* SPDX-License-Identifier: ISC
 *
 * The keyword table: no word twice, each prints as a word that means the same, and what is known of ciphers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "message/names.h"
#include "proposal/keywords.h"
#include <ike/conn.h>

static void test_round_trip(void **state)
{
    (void)state;
    static const enum ike_registry registry[] = {0, IKE_REG_ENCR, IKE_REG_PRF, IKE_REG_INTEG, IKE_REG_KE, IKE_REG_ESN};
    unsigned words = 0;
    for (uint8_t type = 1; type <= 5; type++) {
        for (uint16_t id = 0; id < 64; id++) {
            for (uint16_t bits = 0; bits <= 256; bits = (uint16_t)(bits + 64)) {
                const char *w = ike_keyword_of(type, id, bits);
                if (w == NULL) {
                    continue;
                }
                const struct ike_keyword *k = ike_keyword_find(w, strlen(w));
                assert_non_null(k);
                assert_true(k->type == type && k->id == id && k->bits == bits && strlen(w) <= 24);
                assert_non_null(ike_name(registry[type], id));
                if (type == 1) {
                    const unsigned traits = ike_encr_traits(id);
                    assert_true(traits & IKE_ENCR_KNOWN);
                    assert_int_equal(bits == 0, (traits & IKE_ENCR_FIXED_KEY) != 0);
                }
                words++;
            }
        }
    }
    assert_true(words > 60);
    assert_int_equal(ike_encr_traits(10), 0);
}

static void test_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *meant;
    } rows[] = {
        {"aes265", "aes256"},           {"sha-256", "sha256"},   {"modp-2048", "modp2048"},
        {"x22519", "x25519"},           {"curve2519", "x25519"}, {"chacha20poly1350", "chacha20poly1305"},
        {"AES256GMC16", "aes256gcm16"}, {"quantum", NULL},       {"", NULL},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const char *w = ike_keyword_nearest(rows[i].typed, strlen(rows[i].typed));
        if (rows[i].meant == NULL) {
            assert_null(w);
            continue;
        }
        assert_non_null(w);
        const struct ike_keyword *a = ike_keyword_find(w, strlen(w)), *b = ike_keyword_find(rows[i].meant, strlen(rows[i].meant));
        if (a->type != b->type || a->id != b->id || a->bits != b->bits) {
            fail_msg("%s: %s", rows[i].typed, w);
        }
    }
}

static void test_transform_of(void **state)
{
    (void)state;
    uint8_t type;
    uint16_t id, bits;
    assert_int_equal(ike_keyword_transform("aes256gcm16-x25519", 11, &type, &id, &bits), IKE_OK);
    assert_true(type == 1 && id == 20 && bits == 256);
    assert_int_equal(ike_keyword_transform("SHA384", 6, &type, &id, &bits), IKE_OK);
    assert_true(type == 3 && id == 13 && bits == 0);
    assert_int_equal(ike_keyword_transform("esn", 3, &type, &id, &bits), IKE_OK);
    assert_true(type == 5 && id == 1);
    assert_int_equal(ike_keyword_transform("aes256gcm16-x25519", 18, &type, &id, &bits), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_keyword_transform("", 0, &type, &id, &bits), IKE_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_nearest),
                                       cmocka_unit_test(test_transform_of)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
