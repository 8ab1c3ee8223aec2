/* SPDX-License-Identifier: ISC
 *
 * What the data plane does not carry is in no proposal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/proposal_text.h"

/* user: keywords that are not carried, a blank behind each. */
static bool carries(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    char word[64];
    size_t n = ike_transform_format(type, id, bits, word, sizeof word - 2);
    assert_true(protocol == IKE_PROTO_ESP || protocol == IKE_PROTO_AH);
    assert_int_equal(family, 6);
    assert_int_not_equal(type, IKE_T_KE);
    memcpy(word + n, " ", 2);
    return strstr(user, word) == NULL;
}

static const struct {
    const char *text;
    uint8_t protocol;
    const char *lacks, *left; /* left NULL: nothing */
} cases[] = {
    {"aes256gcm16-x25519, aes128-sha256", IKE_PROTO_ESP, "", "aes256gcm16-x25519-esn-noesn, aes128-sha256-esn-noesn"},
    {"aes256gcm16-x25519, aes128-sha256", IKE_PROTO_ESP, "esn ", "aes256gcm16-x25519-noesn, aes128-sha256-noesn"},
    /* which was asked for */
    {"aes128-sha256-esn, aes128-sha1", IKE_PROTO_ESP, "esn ", "aes128-sha1-noesn"},
    {"aes128-sha256-esn", IKE_PROTO_ESP, "esn ", NULL},
    {"aes128-sha256-esn-noesn", IKE_PROTO_ESP, "esn ", "aes128-sha256-noesn"},
    /* in front, behind, all of a type, of one key length only */
    {"aes256gcm16, aes128-sha256-sha384, 3des-sha1", IKE_PROTO_ESP, "aes256gcm16 sha256 ",
     "aes128-sha384-esn-noesn, 3des-sha1-esn-noesn"},
    {"aes128-sha1, aes256gcm16, 3des-sha256", IKE_PROTO_ESP, "aes256gcm16 sha256 ", "aes128-sha1-esn-noesn"},
    {"aes256-aes128-sha1-modp2048-nopfs", IKE_PROTO_ESP, "aes256 ", "aes128-sha1-modp2048-nopfs-esn-noesn"},
    {"aes256gcm16, aes128-sha256", IKE_PROTO_ESP, "aes256gcm16 aes128 ", NULL},
    {"sha256-sha1-modp2048, sha384", IKE_PROTO_AH, "sha256 sha384 ", "sha1-modp2048-esn-noesn"},
};

static void test_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(cases); i++) {
        struct ike_proposals *p = from_text(cases[i].text, cases[i].protocol);
        char lacks[64], left[256];
        strcpy(lacks, cases[i].lacks);
        assert_int_equal(ike_proposals_carried(p, 6, carries, lacks), cases[i].left != NULL);
        ike_proposals_format(p, left, sizeof left);
        assert_string_equal(left, cases[i].left ? cases[i].left : "");
        assert_int_equal(p->n_transforms, p->first[p->n]);
        forget(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
