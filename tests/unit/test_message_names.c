/* SPDX-License-Identifier: ISC
 *
 * Names: a sample of each registry, and that every table is sorted (else the search would miss rows).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "message/names.h"

static void test_samples(void **state)
{
    (void)state;
    static const struct {
        enum ike_registry r;
        uint16_t value;
        const char *name;
    } rows[] = {
        {IKE_REG_EXCHANGE, 34, "IKE_SA_INIT"},
        {IKE_REG_EXCHANGE, 0x102, "Identity Protection"},
        {IKE_REG_PAYLOAD, 46, "SK"},
        {IKE_REG_PAYLOAD, 0x10d, "VID"},
        {IKE_REG_NOTIFY, 14, "NO_PROPOSAL_CHOSEN"},
        {IKE_REG_NOTIFY, 16388, "NAT_DETECTION_SOURCE_IP"},
        {IKE_REG_NOTIFY_V1, 36136, "R-U-THERE"},
        {IKE_REG_PROTOCOL, 3, "ESP"},
        {IKE_REG_ID, 9, "DER_ASN1_DN"},
        {IKE_REG_AUTH_METHOD, 2, "Shared Key Message Integrity Code"},
        {IKE_REG_TRANSFORM_TYPE, 4, "KE"},
        {IKE_REG_ENCR, 20, "AES_GCM_16"},
        {IKE_REG_PRF, 5, "HMAC_SHA2_256"},
        {IKE_REG_INTEG, 12, "HMAC_SHA2_256_128"},
        {IKE_REG_KE, 31, "Curve25519"},
        {IKE_REG_ESN, 1, "Extended Sequence Numbers"},
        {IKE_REG_CERT, 4, "X.509 Certificate - Signature"},
        {IKE_REG_TS, 7, "TS_IPV4_ADDR_RANGE"},
        {IKE_REG_CFG_TYPE, 1, "CFG_REQUEST"},
        {IKE_REG_CFG_ATTR, 25, "INTERNAL_DNS_DOMAIN"},
        {IKE_REG_HASH, 2, "SHA2-256"},
        {IKE_REG_NOTIFY, 2, NULL},
        {IKE_REG_ENCR, 65535, NULL},
        {IKE_REGISTRIES, 1, NULL},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const char *name = ike_name(rows[i].r, rows[i].value);
        if (rows[i].name) {
            assert_non_null(name);
            assert_string_equal(name, rows[i].name);
        } else {
            assert_null(name);
        }
    }
}

/* How many numbers each registry names: a row out of order would be lost and change the count. */
static void test_all_found(void **state)
{
    (void)state;
    static const unsigned counts[IKE_REGISTRIES] = {
        [IKE_REG_EXCHANGE] = 20, [IKE_REG_PAYLOAD] = 49, [IKE_REG_NOTIFY] = 88,     [IKE_REG_NOTIFY_V1] = 36,
        [IKE_REG_PROTOCOL] = 6,  [IKE_REG_ID] = 13,      [IKE_REG_AUTH_METHOD] = 9, [IKE_REG_TRANSFORM_TYPE] = 14,
        [IKE_REG_ENCR] = 32,     [IKE_REG_PRF] = 9,      [IKE_REG_INTEG] = 15,      [IKE_REG_KE] = 30,
        [IKE_REG_ESN] = 3,       [IKE_REG_CERT] = 15,    [IKE_REG_TS] = 4,          [IKE_REG_CFG_TYPE] = 4,
        [IKE_REG_CFG_ATTR] = 27, [IKE_REG_HASH] = 7,
    };
    for (unsigned r = 0; r < IKE_REGISTRIES; r++) {
        unsigned n = 0;
        for (unsigned v = 0; v <= UINT16_MAX; v++) {
            n += ike_name((enum ike_registry)r, (uint16_t)v) != NULL;
        }
        if (n != counts[r]) {
            fail_msg("registry %u names %u numbers", r, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples), cmocka_unit_test(test_all_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
