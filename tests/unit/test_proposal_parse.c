/* SPDX-License-Identifier: ISC
 *
 * Proposal text: what it means, where a fault is, what is near, and what the crypto cannot run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proposal/proposal.h"

static void *get(void *user, size_t n)
{
    ++*(int *)user;
    return malloc(n);
}
static void put(void *user, void *p, size_t n)
{
    (void)n;
    --*(int *)user;
    free(p);
}
static void *refuse(void *user, size_t n)
{
    (void)user, (void)n;
    return NULL;
}
static int blocks;
static const ike_allocator mem = {get, put, &blocks};

/* A text against what it comes out as. */
static void test_meaning(void **state)
{
    (void)state;
    static const struct {
        uint8_t protocol;
        const char *text, *meaning;
    } rows[] = {
        {IKE_PROTO_IKE, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519"},
        {IKE_PROTO_IKE, "aes128-sha256-modp2048", "aes128-prfsha256-sha256-modp2048"},
        {IKE_PROTO_IKE, "AES128-SHA2_256-curve25519", "aes128-prfsha256-sha256-x25519"},
        {IKE_PROTO_IKE, "aes128-sha256-prfsha512-modp2048", "aes128-prfsha512-sha256-modp2048"},
        {IKE_PROTO_IKE, "x25519-sha1-aes192-aes128-ecp256", "aes192-aes128-prfsha1-sha1-x25519-ecp256"},
        {IKE_PROTO_IKE, "aes256gcm16-sha384-ecp384", "aes256gcm16-prfsha384-ecp384"},
        {IKE_PROTO_IKE, "aes256-aes256-sha256-sha256-modp2048", "aes256-prfsha256-sha256-modp2048"},
        {IKE_PROTO_IKE, "chacha20poly1305-prfsha256-x25519,aes128-sha1-modp2048",
         "chacha20poly1305-prfsha256-x25519, aes128-prfsha1-sha1-modp2048"},
        {IKE_PROTO_IKE, "\taes256gcm-prfsha256-x25519 ,\n aes128-sha1-modp2048, ",
         "aes256gcm16-prfsha256-x25519, aes128-prfsha1-sha1-modp2048"},
        {IKE_PROTO_IKE, "3des-md5-modp1024", "3des-prfmd5-md5-modp1024"},
        {IKE_PROTO_ESP, "aes256gcm16", "aes256gcm16-esn-noesn"},
        {IKE_PROTO_ESP, "aes128-sha256-noesn", "aes128-sha256-noesn"},
        {IKE_PROTO_ESP, "aes128-sha256-noesn-esn-x25519", "aes128-sha256-x25519-noesn-esn"},
        {IKE_PROTO_ESP, "aes128-sha256-x25519-nopfs-esn", "aes128-sha256-x25519-nopfs-esn"},
        {IKE_PROTO_ESP, "aes128gmac", "aes128gmac-esn-noesn"},
        {IKE_PROTO_ESP, "aes256gcm16-sha256", "aes256gcm16-esn-noesn"},
        {IKE_PROTO_ESP, "null-sha256-esn", "null-sha256-esn"},
        {IKE_PROTO_AH, "sha256-sha512", "sha256-sha512-esn-noesn"},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_proposals *p;
        char text[512];
        size_t at = 99;
        assert_int_equal(ike_proposals_parse(&p, rows[i].text, rows[i].protocol, NULL, &mem, &at), IKE_OK);
        assert_int_equal(ike_proposals_format(p, text, sizeof text), strlen(rows[i].meaning));
        assert_string_equal(text, rows[i].meaning);
        assert_int_equal(p->protocol, rows[i].protocol);
        assert_int_equal(p->first[0], 0);
        assert_int_equal(p->first[p->n], p->n_transforms);
        for (unsigned k = 0; k + 1 < p->first[1]; k++) {
            assert_true(p->transforms[k].type <= p->transforms[k + 1].type);
        }
        ike_proposals_free(p, &mem);
        /* The printed form means the same. */
        assert_int_equal(ike_proposals_parse(&p, text, rows[i].protocol, NULL, &mem, NULL), IKE_OK);
        char again[512];
        ike_proposals_format(p, again, sizeof again);
        assert_string_equal(again, text);
        ike_proposals_free(p, &mem);
    }
    ike_proposals_free(NULL, &mem);
    assert_int_equal(blocks, 0);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        uint8_t protocol;
        const char *text;
        size_t at;
        const char *nearest;
    } rows[] = {
        {IKE_PROTO_IKE, "aes256gmc16-prfsha256-x25519", 0, "aes256gcm16"},
        {IKE_PROTO_IKE, "aes128-sha265-modp2048", 7, "sha256"},
        {IKE_PROTO_IKE, "aes128-sha256-x25519, aes256-sha256-modp204", 36, "modp2048"},
        {IKE_PROTO_IKE, "aes128-sha256-somethingelse", 14, NULL},
        {IKE_PROTO_IKE, "aes128-sha256-thiskeywordislongerthananyofours", 14, NULL},
        {IKE_PROTO_IKE, "aes128-sha256--modp2048", 14, NULL},
        {IKE_PROTO_IKE, "aes128-sha256-modp2048-", 23, NULL},
        {IKE_PROTO_IKE, "-aes128", 0, NULL},
        {IKE_PROTO_IKE, "", 0, NULL},
        {IKE_PROTO_IKE, " , ", 3, NULL},
        {IKE_PROTO_IKE, "aes128-sha256", 0, NULL},                             /* no KE */
        {IKE_PROTO_IKE, "aes128-sha256-x25519, aes256gcm16-x25519", 22, NULL}, /* no PRF */
        {IKE_PROTO_IKE, "aes128-prfsha256-x25519", 0, NULL},                   /* no INTEG */
        {IKE_PROTO_IKE, "sha256-x25519", 0, NULL},                             /* no ENCR */
        {IKE_PROTO_IKE, "aes128-aes256gcm16-sha256-x25519", 0, NULL},          /* both kinds */
        {IKE_PROTO_IKE, "null-sha256-x25519", 0, NULL},
        {IKE_PROTO_IKE, "aes128-sha256-x25519-esn", 21, NULL},
        {IKE_PROTO_IKE, "aes128-sha256-x25519-nopfs", 21, NULL},
        {IKE_PROTO_IKE, "aes128gmac-prfsha256-x25519", 0, NULL},
        {IKE_PROTO_ESP, "aes128", 0, NULL},
        {IKE_PROTO_ESP, "aes128-sha256-prfsha256", 14, NULL},
        {IKE_PROTO_AH, "aes128-sha256", 0, NULL},
        {IKE_PROTO_AH, "x25519", 0, NULL},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        size_t at = 99;
        const char *nearest = "none";
        if (ike_proposals_check(rows[i].text, rows[i].protocol, &at, &nearest) != IKE_ERR_INVALID || at != rows[i].at) {
            fail_msg("%s: at %zu", rows[i].text, at);
        }
        if (rows[i].nearest) {
            assert_non_null(nearest);
            assert_string_equal(nearest, rows[i].nearest);
        } else {
            assert_null(nearest);
        }
    }
    struct ike_proposals *p = (struct ike_proposals *)1;
    assert_int_equal(ike_proposals_parse(&p, "nonsense", IKE_PROTO_IKE, NULL, &mem, NULL), IKE_ERR_INVALID);
    assert_null(p);
    const ike_allocator poor = {refuse, put, &blocks};
    assert_int_equal(ike_proposals_parse(&p, "aes128-sha256", IKE_PROTO_ESP, NULL, &poor, NULL), IKE_ERR_NOMEM);
}

static void test_limits(void **state)
{
    (void)state;
    char text[17 * 32];
    size_t n = 0, at;
    for (int i = 0; i < 17; i++) {
        assert_int_equal(ike_proposals_check(i ? text : "aes128-sha1", IKE_PROTO_ESP, &at, NULL), IKE_OK);
        memcpy(text + n, "aes128-sha1,", 13);
        n += 12;
    }
    assert_int_equal(ike_proposals_check(text, IKE_PROTO_ESP, &at, NULL), IKE_ERR_LIMIT);
    assert_int_equal(at, 16 * 12);
}

static int never(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    (void)ctx, (void)key, (void)n, (void)encrypt;
    return IKE_ERR_CRYPTO;
}

/* One AEAD of one key size, one PRF, one group. */
static const ike_crypto *small_crypto(void)
{
    static const ike_encr gcm = {.id = 20, .name = "gcm", .key_bits = {256}, .aead = true, .init = never};
    static const ike_prf sha = {.id = 5};
    static const ike_ke x = {.id = 31};
    static const ike_encr *const encrs[] = {&gcm, NULL};
    static const ike_prf *const prfs[] = {&sha, NULL};
    static const ike_integ *const integs[] = {NULL};
    static const ike_ke *const kes[] = {&x, NULL};
    static const ike_hash *const hashes[] = {NULL};
    static const ike_crypto c = {"small", encrs, prfs, integs, kes, hashes, NULL, NULL};
    return &c;
}

static void test_unsupported(void **state)
{
    (void)state;
    static const struct {
        uint8_t protocol;
        const char *text;
        int strict;
        size_t at;
        const char *rest; /* with what is missing left out; NULL: nothing is left */
    } rows[] = {
        {IKE_PROTO_IKE, "aes256gcm16-prfsha256-x25519", IKE_OK, 28, "aes256gcm16-prfsha256-x25519"},
        {IKE_PROTO_IKE, "aes256gcm16-aes128gcm16-prfsha256-x25519", IKE_ERR_UNSUPPORTED, 12, "aes256gcm16-prfsha256-x25519"},
        {IKE_PROTO_IKE, "aes256gcm16-prfsha256-modp2048, aes256gcm16-prfsha256-x25519", IKE_ERR_UNSUPPORTED, 22,
         "aes256gcm16-prfsha256-x25519"},
        {IKE_PROTO_IKE, "3des-sha1-modp1024", IKE_ERR_UNSUPPORTED, 0, NULL},
        {IKE_PROTO_ESP, "aes256gcm16-modp2048-nopfs", IKE_ERR_UNSUPPORTED, 12, "aes256gcm16-nopfs-esn-noesn"},
        {IKE_PROTO_ESP, "aes256gcm16-modp2048", IKE_ERR_UNSUPPORTED, 12, NULL}, /* not without PFS, which was asked for */
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_proposals *p;
        size_t at = 0;
        char text[128];
        assert_int_equal(ike_proposals_parse(&p, rows[i].text, rows[i].protocol, small_crypto(), &mem, &at),
                         rows[i].strict);
        assert_int_equal(at, rows[i].at);
        ike_proposals_free(p, &mem);
        const int rc = ike_proposals_parse_for(&p, rows[i].text, rows[i].protocol, small_crypto(), true, &mem, NULL);
        assert_int_equal(rc, rows[i].rest ? IKE_OK : IKE_ERR_UNSUPPORTED);
        if (rows[i].rest) {
            ike_proposals_format(p, text, sizeof text);
            assert_string_equal(text, rows[i].rest);
            ike_proposals_free(p, &mem);
        }
    }
    /* A misspelt keyword is never passed over. */
    struct ike_proposals *p;
    assert_int_equal(ike_proposals_parse_for(&p, "aes256gmc16", IKE_PROTO_ESP, small_crypto(), true, &mem, NULL),
                     IKE_ERR_INVALID);
}

static void test_defaults(void **state)
{
    (void)state;
    size_t at;
    struct ike_proposals *p;
    assert_int_equal(ike_proposals_check(ike_default_ike_proposals(), IKE_PROTO_IKE, &at, NULL), IKE_OK);
    assert_int_equal(ike_proposals_check(ike_default_child_proposals(), IKE_PROTO_ESP, &at, NULL), IKE_OK);
    assert_int_equal(
        ike_proposals_parse_for(&p, ike_default_ike_proposals(), IKE_PROTO_IKE, small_crypto(), true, &mem, NULL), 0);
    assert_int_equal(p->n, 1);
    assert_int_equal(p->n_transforms, 3);
    ike_proposals_free(p, &mem);
    assert_int_equal(
        ike_proposals_parse_for(&p, ike_default_child_proposals(), IKE_PROTO_ESP, ike_crypto_default(), true, &mem, NULL),
        0);
    assert_true(ike_proposals_has_ke(p, 0)); /* PFS if the peer wants it */
    assert_int_equal(ike_proposals_ke(p), 31);
    assert_false(ike_proposals_has_ke(p, 2));
    ike_proposals_free(p, &mem);
    assert_int_equal(ike_proposals_parse(&p, "aes128-sha256", IKE_PROTO_ESP, NULL, &mem, NULL), 0);
    assert_int_equal(ike_proposals_ke(p), 0);
    ike_proposals_free(p, &mem);
    assert_int_equal(blocks, 0);
}

static void test_allow(void **state)
{
    (void)state;
    struct ike_proposals *p;
    assert_int_equal(
        ike_proposals_parse(&p, "aes256gcm16-x25519-nopfs-noesn, aes128-sha256-esn", IKE_PROTO_ESP, NULL, &mem, NULL), 0);
    struct ike_suite s = {.protocol = IKE_PROTO_ESP, .encr = 20, .encr_bits = 256};
    assert_true(ike_proposals_allow(p, &s));
    s.ke = 31;
    assert_true(ike_proposals_allow(p, &s));
    s.ke = 14;
    assert_false(ike_proposals_allow(p, &s));
    s = (struct ike_suite){.protocol = IKE_PROTO_ESP, .encr = 12, .encr_bits = 128, .integ = 12, .esn = 1};
    assert_true(ike_proposals_allow(p, &s));
    s.esn = 0;
    assert_false(ike_proposals_allow(p, &s));
    s.esn = 1;
    s.integ = 0;
    assert_false(ike_proposals_allow(p, &s));
    s.integ = 12;
    s.encr_bits = 256;
    assert_false(ike_proposals_allow(p, &s));
    s.encr_bits = 128;
    s.protocol = IKE_PROTO_AH;
    assert_false(ike_proposals_allow(p, &s));
    ike_proposals_free(p, &mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),     cmocka_unit_test(test_faults),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_unsupported), cmocka_unit_test(test_defaults), cmocka_unit_test(test_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
