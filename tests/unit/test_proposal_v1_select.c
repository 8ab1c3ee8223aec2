/* SPDX-License-Identifier: ISC
 *
 * Choosing from offers of IKEv1, of ours, of other implementations and of nobody sane; answers held against offers; the nearest
 * miss.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proposal/offer.h"
#include "unit/capture_v1.h"
#include "unit/crypto_conformance.h"
#include "unit/proposal_v1_text.h"

static uint8_t buf[65536], buf2[4096];

static const struct ike_v1_terms any_mode;

static int select1(const char *ours, const struct ike_payload *sa, uint16_t auth, struct ike_v1_choice *x,
                   struct ike_mismatch *why)
{
    struct ike_proposals *p = from_text(ours, IKE_PROTO_IKE);
    const int rc = ike_v1_select(p, sa, &(struct ike_v1_terms){.auth = auth}, x, why);
    forget(p);
    return rc;
}

static int select2(const char *ours, const struct ike_payload *sa, uint16_t mode, uint16_t ke, struct ike_v1_choice *x)
{
    struct ike_proposals *p = from_text(ours, IKE_PROTO_ESP);
    const int rc = v1_select2(p, sa, &(struct ike_v1_terms){.mode = mode}, ke, x);
    forget(p);
    return rc;
}

static void assert_suite(const struct ike_v1_choice *x, const char *want)
{
    char text[128];
    ike_suite_format(&x->suite, text, sizeof text);
    assert_string_equal(text, want);
}

#define PARTS(...)                                                                                                               \
    (const struct v1_part[]){__VA_ARGS__}, sizeof((const struct v1_part[]){__VA_ARGS__}) / sizeof(struct v1_part), buf, sizeof buf

/* ---- There and back ---- */

static void phase1_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *initiator, *responder, *suite;
    } rows[] = {
        {"aes256-sha256-modp2048", "aes256-sha256-modp2048", "aes256-prfsha256-modp2048"},
        {"3des-sha1-modp1024, aes128-sha256-modp2048", "aes128-sha256-modp2048, 3des-sha1-modp1024", "aes128-prfsha256-modp2048"},
        {"aes128-aes256-sha1-sha512-modp1536-ecp384", "aes256-sha512-ecp384", "aes256-prfsha512-ecp384"},
        {"aes256gcm16-prfsha256-x25519, aes192-sha384-modp3072", "aes256-aes192-sha384-mlkem768-modp3072",
         "aes192-prfsha384-modp3072"},
        {"cast128-md5-modp768, des-md5-modp768", "des-md5-modp768", "des-prfmd5-modp768"},
        {"aes256-sha256-x25519-ecp256", "aes256-sha256-ecp256-x25519", "aes256-prfsha256-x25519"},
        {"camellia256-sha256-ecp521", "camellia256-sha256-prfsha256-ecp521", "camellia256-prfsha256-ecp521"},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_terms t = {
            .auth = (uint16_t)(i % 2 ? 3 : 65001), .life_s = i % 2 ? 28800 : 86400, .life_kb = i == 2 ? 1000000 : 0};
        struct ike_v1_choice x, back;
        struct ike_payload sa = v1_offer(rows[i].initiator, &t, 0, buf, sizeof buf);
        assert_int_equal(select1(rows[i].responder, &sa, t.auth, &x, NULL), IKE_OK);
        assert_suite(&x, rows[i].suite);
        assert_int_equal(x.terms.life_s, t.life_s);
        assert_int_equal(x.terms.life_kb, t.life_kb);
        assert_int_equal(x.terms.auth, t.auth);
        assert_int_equal(x.number, 1);
        assert_int_equal(x.spi_len, 0);
        struct ike_chain c = ike_chain(buf2, sizeof buf2);
        ike_v1_put_sa_answer(&c, &x, IKE_PROTO1_ISAKMP, NULL, 0);
        struct ike_payload answer = only_payload(&c);
        struct ike_proposals *p = from_text(rows[i].initiator, IKE_PROTO_IKE);
        assert_int_equal(ike_v1_select_check(p, &answer, &t, 0, &back), IKE_OK);
        assert_memory_equal(&back.suite, &x.suite, sizeof x.suite);
        /* Not with other terms, not for another group, not of other proposals. */
        t.life_s++;
        assert_int_equal(ike_v1_select_check(p, &answer, &t, 0, &back), IKE_ERR_NOT_FOUND);
        t.life_s--;
        t.auth++;
        assert_int_equal(ike_v1_select_check(p, &answer, &t, 0, &back), IKE_ERR_NOT_FOUND);
        t.auth--;
        assert_int_equal(ike_v1_select_check(p, &answer, &t, x.suite.ke, &back), IKE_OK);
        assert_int_equal(ike_v1_select_check(p, &answer, &t, (uint16_t)(x.suite.ke + 1), &back), IKE_ERR_NOT_FOUND);
        /* The whole offer is no answer. */
        if (sa.len != answer.len) {
            assert_int_equal(ike_v1_select_check(p, &sa, &t, 0, &back), IKE_ERR_NOT_FOUND);
        }
        forget(p);
        p = from_text("aes128-sha1-modp8192", IKE_PROTO_IKE);
        assert_int_equal(ike_v1_select_check(p, &answer, &t, 0, &back), IKE_ERR_NOT_FOUND);
        forget(p);
    }
}

static void phase2_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *initiator, *responder, *suite;
        uint16_t ke;
        uint8_t number;
    } rows[] = {
        {"aes128-sha1", "aes128-sha1", "aes128-sha1-noesn", 0, 1},
        {"aes256gcm16-modp2048, aes128-sha256-modp2048", "aes128-sha256-modp2048, aes256gcm16-modp2048",
         "aes128-sha256-modp2048-noesn", 14, 2},
        {"3des-aes128-md5-sha1-modp1024-nopfs", "aes128-sha1-modp1024", "aes128-sha1-modp1024-noesn", 2, 1},
        {"3des-aes128-md5-sha1-modp1024-nopfs", "aes128-sha1-modp1024-nopfs", "aes128-sha1-noesn", 0, 1},
        {"aes128gcm16-esn", "aes128gcm16", "aes128gcm16-esn", 0, 1},
        {"chacha20poly1305, null-sha256", "aes128-null-sha256-noesn", "null-sha256-noesn", 0, 1},
        {"aes192gmac, aes128ccm12", "aes128ccm12, aes192gmac", "aes128ccm12-noesn", 0, 2},
    };
    static const uint16_t modes[] = {1, 2, 3, 4, 61443, 61444};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const struct ike_v1_terms t = {.mode = modes[i % IKE_COUNT(modes)], .life_s = 3600, .life_kb = i == 1 ? 250000 : 0};
        struct ike_v1_choice x, back;
        struct ike_payload sa = v1_offer2(rows[i].initiator, &t, rows[i].ke, buf, sizeof buf);
        assert_int_equal(select2(rows[i].responder, &sa, t.mode, rows[i].ke, &x), IKE_OK);
        assert_suite(&x, rows[i].suite);
        assert_int_equal(x.terms.mode, t.mode);
        assert_int_equal(x.number, rows[i].number);
        assert_int_equal(x.spi_len, 4);
        assert_int_equal(ike_load32(x.spi), V1_SPI);
        struct ike_chain c = ike_chain(buf2, sizeof buf2);
        ike_v1_put_sa_answer(&c, &x, IKE_PROTO1_ESP, child_spi, 4);
        struct ike_payload answer = only_payload(&c);
        struct ike_proposals *p = from_text(rows[i].initiator, IKE_PROTO_ESP);
        assert_int_equal(v1_check2(p, &answer, &t, rows[i].ke, &back), IKE_OK);
        assert_memory_equal(&back.suite, &x.suite, sizeof x.suite);
        assert_memory_equal(back.spi, child_spi, 4);
        assert_int_equal(v1_check2(p, &answer, &t, (uint16_t)(rows[i].ke ? 0 : 14), &back), IKE_ERR_NOT_FOUND);
        struct ike_v1_terms other = t;
        other.mode = t.mode == 1 ? 2 : 1;
        assert_int_equal(v1_check2(p, &answer, &other, rows[i].ke, &back), IKE_ERR_NOT_FOUND);
        c = ike_chain(buf2, sizeof buf2);
        ike_v1_put_sa_answer(&c, &x, IKE_PROTO1_ESP, (const uint8_t[]){0, 0, 0, 255}, 4);
        answer = only_payload(&c);
        assert_int_equal(v1_check2(p, &answer, &t, rows[i].ke, &back), IKE_ERR_PROTO);
        forget(p);
    }
}

/* ---- Rules ---- */

/* Our proposals decide, then the order of the peer's transforms. */
static void whose_order(void **state)
{
    (void)state;
    struct ike_v1_choice x;
    struct ike_payload sa = v1_sa(PARTS({1, 1, true, 1, "80010005 80020002 80030001 80040002"},
                                        {1, 1, true, 1, "80010007 800e0080 80020002 80030001 80040002"},
                                        {1, 1, true, 1, "80010007 800e0100 80020002 80030001 80040002"},
                                        {1, 1, false, 1, "80010007 800e0100 80020004 80030001 8004000e"}));
    assert_int_equal(select1("3des-aes128-aes256-sha1-modp1024, aes256-sha256-modp2048", &sa, 1, &x, NULL), IKE_OK);
    assert_int_equal(x.transform_number, 1);
    assert_int_equal(select1("aes256-aes128-sha1-modp1024, 3des-sha1-modp1024", &sa, 1, &x, NULL), IKE_OK);
    assert_int_equal(x.transform_number, 2);
    assert_int_equal(select1("aes256-sha256-modp2048, aes256-aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_OK);
    assert_int_equal(x.transform_number, 4);
}

static void attributes_of_phase1(void **state)
{
    (void)state;
    static const struct {
        const char *attrs;
        bool good;
        uint64_t life_s, life_kb;
    } rows[] = {
        {"80010007 800e0080 80020002 80030001 80040002", true, 0, 0},
        {"800e0080 80040002 80030001 80020002 80010007", true, 0, 0}, /* any order */
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c0e10", true, 3600, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 000c000400000e10", true, 3600, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 000c000a0000000000000000 0e10", true, 3600, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0002 800c0e10 800b0001 800c0001", true, 1, 3600},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c0001 800b0001 000c000101", true, 1, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c0001 800b0001 800c0002", false, 0, 0}, /* which one? */
        {"80010007 800e0080 80020002 80030001 80040002 800c0e10 800b0001", false, 0, 0}, /* duration before its type */
        {"80010007 800e0080 80020002 80030001 80040002 800b0001", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800b0001 800c0001", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0003 800c0e10", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 000c0000", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 000c0009010000000000000000", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 80050001", true, 0, 0},  /* MODP, as the group says itself */
        {"80010007 800e0080 80020002 80030001 80040002 80050002", false, 0, 0}, /* not ECP */
        {"80010007 80020002 80030001 80040002", false, 0, 0},                   /* AES without a length */
        {"80010007 800e0081 80020002 80030001 80040002", false, 0, 0},
        {"80010007 000e00020080 80020002 80030001 80040002", false, 0, 0}, /* as TLV */
        {"80010007 800e0080 800e0080 80020002 80030001 80040002", false, 0, 0},
        {"80010007 800e0080 80030001 80040002", false, 0, 0},
        {"80010007 800e0080 80020002 80040002", false, 0, 0},
        {"80010007 800e0080 80020002 80030001", false, 0, 0},
        {"800e0080 80020002 80030001 80040002", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 800d0001", false, 0, 0}, /* a PRF has no values */
        {"80010007 800e0080 80020002 80030001 80040002 c0000001", false, 0, 0}, /* private use */
        {"80010007 800e0080 80020002 80030001 80040002 80000001", false, 0, 0},
        {"80010007 800e0080 80020002 80030001 80040002 ffffffff", false, 0, 0},
        {"", false, 0, 0},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_choice x;
        /* A bad transform does not spoil the one behind it. */
        struct ike_payload sa =
            v1_sa(PARTS({1, 1, true, 1, rows[i].attrs}, {1, 1, false, 1, "80010007 800e0080 80020002 80030001 80040002"}));
        assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_OK);
        assert_int_equal(x.transform_number, rows[i].good ? 1 : 2);
        assert_true(x.terms.life_s == rows[i].life_s && x.terms.life_kb == rows[i].life_kb);
        if (rows[i].good) {
            uint8_t want[128];
            assert_int_equal(x.attrs.len, vec_hex(rows[i].attrs, want, sizeof want));
            assert_memory_equal(x.attrs.ptr, want, x.attrs.len);
        }
    }
    struct ike_v1_choice x;
    struct ike_payload sa = v1_sa(PARTS({1, 1, false, 2, "80010007 800e0080 80020002 80030001 80040002"}));
    assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_NOT_FOUND); /* not KEY_IKE */
    /* Two ciphers have a length that is meant, others a fixed one that must not be said. */
    sa = v1_sa(PARTS({1, 1, false, 1, "80010006 80020002 80030001 80040002"}));
    assert_int_equal(select1("cast128-sha1-modp1024", &sa, 1, &x, NULL), IKE_OK);
    sa = v1_sa(PARTS({1, 1, false, 1, "80010005 800e00c0 80020002 80030001 80040002"}));
    assert_int_equal(select1("3des-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_NOT_FOUND);
}

/* The type of a group may be said beside its number (RFC 2409 appendix A), and then is the right one. */
static void the_type_of_a_group(void **state)
{
    (void)state;
    static const struct {
        const char *group;
        uint8_t number, type;
    } rows[] = {{"modp1024", 2, 1}, {"modp2048", 14, 1}, {"modp2048s256", 24, 1}, {"ec2n155", 3, 3}, {"ec2n185", 4, 3},
                {"ecp256", 19, 2},  {"ecp224", 26, 2},   {"ecp256bp", 28, 2},     {"x25519", 31, 2}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        for (unsigned type = 1; type <= 4; type++) {
            char attrs[80], ours[40];
            struct ike_v1_choice x;
            snprintf(attrs, sizeof attrs, "80010007 800e0080 80020002 80030001 800400%02x 8005000%u", rows[i].number, type);
            snprintf(ours, sizeof ours, "aes128-sha1-%s", rows[i].group);
            struct ike_payload sa = v1_sa(PARTS({1, 1, false, 1, attrs}));
            assert_int_equal(select1(ours, &sa, 1, &x, NULL), type == rows[i].type ? IKE_OK : IKE_ERR_NOT_FOUND);
        }
    }
}

static void attributes_of_phase2(void **state)
{
    (void)state;
    static const struct {
        const char *ours, *attrs;
        uint8_t protocol, id;
        bool good;
    } rows[] = {
        {"aes128-sha1", "80040001 80050002 80060080", 3, 12, true},
        {"aes128-sha1", "80050002 80060080", 3, 12, true}, /* no mode: what is configured here is meant */
        {"aes128-sha1", "80040001 80050002", 3, 12, false},
        {"aes128-sha1", "80040001 80050002 80060100", 3, 12, false},
        {"aes128-sha1", "80040001 80060080", 3, 12, false},                  /* no integrity at all */
        {"aes128-sha1", "80040001 80050002 80060080 800b0001", 3, 12, true}, /* extended numbers, which we have */
        {"aes128-sha1-noesn", "80040001 80050002 80060080 800b0001", 3, 12, false},
        {"aes128-sha1", "80040001 80050002 80060080 800b0002", 3, 12, false},
        {"aes128-sha1", "80040001 80050002 80060080 80070010", 3, 12, false}, /* key rounds */
        {"aes128-sha1", "80040001 80050002 80060080 80010001 80020e10", 3, 12, true},
        {"aes128gcm16", "80040001 80060080", 3, 20, true},
        {"aes128gcm16", "80040001 80060080 80050002", 3, 20, false}, /* integrity beside an AEAD */
        {"3des-sha1", "80040001 80050002", 3, 3, true},
        {"3des-sha1", "80040001 80050002 800600c0", 3, 3, false},
        {"null-sha1", "80040001 80050002", 3, 11, true},
        {"camellia128-sha1", "80040001 80050002 80060080", 3, 22, true},
        {"camellia128-sha1", "80040001 80050002 80060080", 3, 23, false}, /* GMAC here */
        {"aes128-sha1", "80040001 80050002 80060080", 2, 12, false},      /* AH */
        {"aes128-sha1", "80040001 80050002 80060080", 4, 12, false},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_choice x;
        struct ike_payload sa = v1_sa(PARTS({1, rows[i].protocol, false, rows[i].id, rows[i].attrs}));
        assert_int_equal(select2(rows[i].ours, &sa, 1, 0, &x), rows[i].good ? IKE_OK : IKE_ERR_NOT_FOUND);
    }
    /* AH says its algorithm twice. */
    struct ike_proposals *p = from_text("sha256-sha1", IKE_PROTO_AH);
    struct ike_v1_choice x;
    struct ike_payload sa =
        v1_sa(PARTS({1, 2, true, 5, "80040001 80050002"}, {1, 2, true, 5, "80040001"}, {1, 2, false, 3, "80040001 80050002"}));
    assert_int_equal(v1_select2(p, &sa, &any_mode, 0, &x), IKE_OK);
    assert_int_equal(x.transform_number, 3);
    assert_suite(&x, "sha1-noesn");
    forget(p);
}

static void modes(void **state)
{
    (void)state;
    static const struct {
        uint16_t offered, wanted;
        bool good;
    } rows[] = {{1, 1, true},      {2, 2, true},         {1, 2, false},        {3, 1, false},    {1, 3, false},
                {3, 3, true},      {3, 61443, true},     {61443, 3, true},     {4, 61444, true}, {61444, 4, true},
                {61443, 4, false}, {61443, 1, false},    {61441, 1, false},    {1, 0, true},     {3, 0, true},
                {5, 1, false},     {61443, 61443, true}, {61444, 61443, false}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_choice x;
        const struct ike_v1_terms t = {.mode = rows[i].offered};
        struct ike_payload sa = v1_offer2("aes128-sha1", &t, 0, buf, sizeof buf);
        assert_int_equal(select2("aes128-sha1", &sa, rows[i].wanted, 0, &x), rows[i].good ? IKE_OK : IKE_ERR_NOT_FOUND);
    }
}

/* A KE payload comes with a group in each transform, the same, or not at all. */
static void perfect_forward_secrecy(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool ke, good;
    } rows[] = {
        {"8003000e 80050002 80060080", "8003000e 80050005 80060080", true, true},
        {"8003000e 80050002 80060080", "8003000e 80050005 80060080", false, false},
        {"8003000e 80050002 80060080", "80030002 80050005 80060080", true, false},
        {"8003000e 80050002 80060080", "80050005 80060080", true, false},
        {"80050002 80060080", "8003000e 80050005 80060080", false, false},
        {"80050002 80060080", "80050005 80060080", true, false},
        {"80050002 80060080", "80050005 80060080", false, true},
        {"80030063 80050002 80060080", "80030063 80050005 80060080", true, false}, /* a group nobody knows */
    };
    for (size_t i = 0; i < 2 * IKE_COUNT(rows); i++) {
        struct ike_v1_choice x;
        const size_t k = i / 2;
        /* In one proposal and in two. */
        struct ike_payload sa = v1_sa(PARTS({1, 3, i % 2, 12, rows[k].first}, {i % 2 ? 1 : 2, 3, false, 12, rows[k].second}));
        assert_int_equal(select2("aes128-sha1-sha256-modp2048-nopfs", &sa, 0, rows[k].ke, &x),
                         rows[k].good ? IKE_OK : IKE_ERR_NOT_FOUND);
        if (rows[k].good) {
            assert_int_equal(x.suite.ke, rows[k].ke ? 14 : 0);
        }
    }
    struct ike_v1_choice x;
    struct ike_payload sa = v1_offer2("aes128-sha1", &v1_tunnel, 0, buf, sizeof buf);
    assert_int_equal(select2("aes128-sha1-modp2048", &sa, 1, 0, &x), IKE_ERR_NOT_FOUND); /* we insist */
    sa = v1_offer2("aes128-sha1-modp2048", &v1_tunnel, 14, buf, sizeof buf);
    assert_int_equal(select2("aes128-sha1", &sa, 1, 14, &x), IKE_ERR_NOT_FOUND); /* we never heard of it */
}

/* Proposals of one number are meant together. None of them is chosen alone, wherever they stand. */
static void bundles(void **state)
{
    (void)state;
    struct ike_v1_choice x;
    char text[256];
    static const char aes[] = "80040001 80050002 80060080", sha[] = "80040001 80050002";
    struct ike_payload sa = v1_sa(PARTS({1, 2, false, 3, sha}, {1, 3, false, 12, aes}));
    assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), IKE_ERR_NOT_FOUND);
    ike_v1_sa_format(&sa, true, text, sizeof text);
    assert_string_equal(text, "sha1-tunnel + aes128-sha1-tunnel");
    sa = v1_sa(PARTS({1, 3, false, 12, aes}, {1, 4, false, 2, "80040001"}, {2, 3, false, 12, aes}));
    assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), IKE_OK);
    assert_int_equal(x.number, 2);
    ike_v1_sa_format(&sa, true, text, sizeof text);
    assert_string_equal(text, "aes128-sha1-tunnel + ipcomp:2, aes128-sha1-tunnel");
    sa = v1_sa(PARTS({1, 3, false, 12, aes}, {2, 3, false, 12, aes}, {1, 2, false, 3, sha}));
    assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), IKE_OK);
    assert_int_equal(x.number, 2);
    sa = v1_sa(PARTS({2, 3, false, 12, aes}, {2, 3, false, 12, aes}));
    assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), IKE_ERR_NOT_FOUND);
    /* Phase 1 is one proposal. */
    sa = v1_sa(
        PARTS({1, 1, false, 1, "80010005 80020002 80030001 80040002"}, {2, 1, false, 1, "80010005 80020002 80030001 80040002"}));
    assert_int_equal(select1("3des-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_PROTO);
}

/* An answer may write its numbers and their order in another way, but say nothing else. */
static void answers_by_value(void **state)
{
    (void)state;
    static const struct {
        const char *attrs;
        int rc;
    } rows[] = {
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c7080", IKE_OK},
        {"800c7080 800b0001 80040002 80030001 80020002 800e0080 80010007", IKE_ERR_NOT_FOUND},
        {"80040002 80030001 800b0001 000c000400007080 80020002 800e0080 80010007", IKE_OK},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 000c00027080", IKE_OK},
        {"80010007 800e0080 80020002 80030001 80040002", IKE_ERR_NOT_FOUND},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c7081", IKE_ERR_NOT_FOUND},
        {"80010007 800e0080 80020002 80030001 80040002 800b0002 800c7080", IKE_ERR_NOT_FOUND},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c7080 800b0002 800c7080", IKE_ERR_NOT_FOUND},
        {"80010007 800e0080 80020002 80030003 80040002 800b0001 800c7080", IKE_ERR_NOT_FOUND},
        {"80010007 800e0100 80020002 80030001 80040002 800b0001 800c7080", IKE_ERR_NOT_FOUND},
        {"80010007 800e0080 80020002 80030001 80040002 800b0001 800c7080 800d0001", IKE_ERR_NOT_FOUND},
    };
    struct ike_proposals *p = from_text("aes128-sha1-modp1024, aes256-sha256-modp2048", IKE_PROTO_IKE);
    struct ike_v1_choice x;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_payload sa = v1_sa(PARTS({1, 1, false, 1, rows[i].attrs}));
        assert_int_equal(ike_v1_select_check(p, &sa, &v1_psk, 0, &x), rows[i].rc);
    }
    /* Parts of two of ours are none of ours. */
    struct ike_payload sa = v1_sa(PARTS({1, 1, false, 1, "80010007 800e0080 80020004 80030001 80040002 800b0001 800c7080"}));
    assert_int_equal(ike_v1_select_check(p, &sa, &v1_psk, 0, &x), IKE_ERR_NOT_FOUND);
    /* Two transforms, two proposals. */
    sa = v1_sa(PARTS({1, 1, true, 1, rows[0].attrs}, {1, 1, false, 1, rows[0].attrs}));
    assert_int_equal(ike_v1_select_check(p, &sa, &v1_psk, 0, &x), IKE_ERR_NOT_FOUND);
    sa = v1_sa(PARTS({1, 1, false, 1, rows[0].attrs}, {2, 1, false, 1, rows[0].attrs}));
    assert_int_equal(ike_v1_select_check(p, &sa, &v1_psk, 0, &x), IKE_ERR_NOT_FOUND);
    forget(p);
    /* Extended numbers that were not offered. */
    p = from_text("aes128-sha1", IKE_PROTO_ESP);
    sa = v1_sa(PARTS({1, 3, false, 12, "80010001 80020e10 80040001 80050002 80060080 800b0001"}));
    assert_int_equal(v1_check2(p, &sa, &v1_tunnel, 0, &x), IKE_ERR_NOT_FOUND);
    sa = v1_sa(PARTS({1, 3, false, 12, "80010001 80020e10 80040001 80050002 80060080"}));
    assert_int_equal(v1_check2(p, &sa, &v1_tunnel, 0, &x), IKE_OK);
    forget(p);
}

/* ---- Why not ---- */

static void nearest_miss(void **state)
{
    (void)state;
    static const struct {
        const char *theirs, *ours;
        uint16_t auth;
        uint8_t type, n;
        const char *wanted, *offered; /* of the type */
    } rows[] = {
        {"3des-sha1-modp1024", "aes256gcm16-prfsha1-modp1024, aes128-sha1-modp1024", 1, IKE_T_ENCR, 1, "aes128-prfsha1-modp1024",
         "3des"},
        {"aes128-aes256-sha1-modp1024", "aes192-sha1-modp1024", 1, IKE_T_ENCR, 1, "aes192-prfsha1-modp1024", "aes128 aes256"},
        {"aes128-md5-sha1-modp1024", "aes128-sha256-modp1024", 1, IKE_T_PRF, 1, "aes128-prfsha256-modp1024", "prfmd5 prfsha1"},
        {"aes128-sha1-modp1024-modp1536", "aes128-sha1-mlkem768-modp2048", 1, IKE_T_KE, 1, "aes128-prfsha1-modp2048",
         "modp1024 modp1536"},
        {"aes128-sha1-modp1024", "aes128-sha1-modp1024", 3, IKE_T1_AUTH, 1, "aes128-prfsha1-modp1024", "psk"},
        {"aes128-sha1-modp1024", "aes128-sha256-modp1024, aes256-sha512-modp2048", 1, IKE_T_PRF, 1, "aes128-prfsha256-modp1024",
         "prfsha1"},
        {"aes128-sha1-modp1024", "aes256-sha256-modp1024", 1, 0, 2, "aes256-prfsha256-modp1024", ""},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_choice x;
        struct ike_mismatch why;
        char text[128] = "";
        struct ike_payload sa = v1_offer(rows[i].theirs, &v1_psk, 0, buf, sizeof buf);
        assert_int_equal(select1(rows[i].ours, &sa, rows[i].auth, &x, &why), IKE_ERR_NOT_FOUND);
        assert_int_equal(why.number, 1);
        assert_int_equal(why.type, rows[i].type);
        assert_int_equal(why.n_types, rows[i].n);
        ike_suite_format(&why.wanted, text, sizeof text);
        assert_string_equal(text, rows[i].wanted);
        text[0] = 0;
        for (size_t k = 0; k < 4 && why.offered[k]; k++) {
            size_t n = strlen(text);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", n ? " " : "");
            ike_transform_format(why.type, why.offered[k], why.offered_bits[k], text + n, sizeof text - n);
        }
        assert_string_equal(text, rows[i].offered);
    }
}

static void as_text(void **state)
{
    (void)state;
    char text[512];
    struct ike_payload sa = v1_sa(PARTS({1, 1, true, 1, "80010007 800e0100 80020004 8003fde9 8004000e"},
                                        {1, 1, true, 1, "80010063 800e0080 80020003 80030077 80040021"},
                                        {1, 1, true, 1, "80010005 80020002 80030003 80040002 c0000001"}, {1, 1, false, 1, ""}));
    const size_t whole = ike_v1_sa_format(&sa, false, text, sizeof text);
    assert_string_equal(text,
                        "aes256-sha256-modp2048-xauth-psk, encr:99-hash:3-group:33-auth:119, 3des-sha1-modp1024-rsa-?, encr:0");
    for (size_t n = 0; n <= whole; n++) {
        char some[128];
        memset(some, 'x', sizeof some);
        assert_int_equal(ike_v1_sa_format(&sa, false, some, n), whole);
        assert_true(n == 0 || (strlen(some) == n - 1 && memcmp(some, text, n - 1) == 0));
        assert_int_equal(some[n], 'x');
    }
    sa.len--;
    ike_v1_sa_format(&sa, false, text, sizeof text);
    assert_string_equal(text, " (malformed)");
    sa = v1_sa(PARTS({1, 3, false, 12, "80040003 80050002 80060080"}, {2, 3, false, 20, "80040009 8003000e 80060100 800b0001"},
                     {3, 2, false, 5, "80050005"}));
    sa.len -= 2;
    ike_v1_sa_format(&sa, true, text, sizeof text);
    assert_string_equal(text, "aes128-sha1-udp-tunnel, aes256gcm16-modp2048-esn-mode:9 (malformed)");
}

/* ---- Hostile ---- */

/* Of an SA payload all structure must fit, whatever is chosen. */
static void structure(void **state)
{
    (void)state;
    static const char attrs[] = "80010007 800e0080 80020002 80030001 80040002";
    static const struct {
        uint8_t at, value;
    } faults[] = {
        {3, 0},  {3, 2},   {7, 2},              /* DOI, situation */
        {8, 2},  {8, 3},   {9, 1},   {11, 0},   /* of the proposal: Next, RESERVED, length */
        {11, 7}, {11, 65}, {14, 17}, {14, 200}, /* SPI size */
        {15, 0}, {15, 1},  {15, 3},             /* number of transforms */
        {16, 0}, {16, 2},  {17, 1},  {19, 7},   {19, 0}, {19, 27}, {19, 29}, {22, 1}, {23, 1}, /* first transform */
        {44, 3}, {45, 1},  {47, 29}, {47, 27},                                                 /* the second */
        {25, 1}, {24, 0}, /* an attribute becomes a TLV that is too long */
    };
    struct ike_v1_choice x;
    struct ike_payload sa = v1_sa(PARTS({1, 1, true, 1, attrs}, {1, 1, false, 1, attrs}));
    assert_int_equal(sa.len, 72);
    assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_OK);
    for (size_t i = 0; i < IKE_COUNT(faults); i++) {
        const uint8_t was = buf[faults[i].at];
        buf[faults[i].at] = faults[i].value;
        if (was != faults[i].value && faults[i].at != 25) {
            assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_PROTO);
        }
        buf[faults[i].at] = was;
    }
    for (sa.len = 0; sa.len < 72; sa.len++) {
        assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_PROTO);
    }
    buf[72] = 0;
    sa.len = 73;
    assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_PROTO);
    /* Fewer transforms counted than there are. */
    sa = v1_sa(PARTS({1, 1, true, 1, attrs}, {1, 1, false, 1, attrs}));
    buf[15] = 1;
    buf[16] = 0;
    assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), IKE_ERR_PROTO);
    /* A reserved SPI. */
    sa = v1_sa(PARTS({1, 3, false, 12, "80040001 80050002 80060080"}));
    assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), IKE_OK);
    ike_store32(buf + 16, 255);
    assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), IKE_ERR_PROTO);
}

/* An SPI in phase 1 means nothing, up to 16 octets of it. */
static void spi_of_phase1(void **state)
{
    (void)state;
    struct ike_v1_choice x;
    struct ike_payload one = v1_sa(PARTS({1, 1, false, 1, "80010007 800e0080 80020002 80030001 80040002"}));
    for (uint8_t n = 0; n <= 17; n++) {
        uint8_t with[128] = {0};
        memcpy(with, buf, 16);
        memcpy(with + 16 + n, buf + 16, one.len - 16u);
        with[11] = (uint8_t)(with[11] + n);
        with[14] = n;
        const struct ike_payload sa = {.type = 1, .body = with, .len = (uint16_t)(one.len + n)};
        assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL), n <= 16 ? IKE_OK : IKE_ERR_PROTO);
        assert_true(n > 16 || x.spi_len == 0);
    }
}

/* More than the limits is no match, not a fault; a payload full of transforms comes to an end. */
static void limits(void **state)
{
    (void)state;
    struct ike_v1_choice x;
    static struct v1_part parts[600];
    for (size_t n = 63; n <= 65; n++) {
        for (size_t i = 0; i < n; i++) {
            parts[i] = (struct v1_part){1, 1, i + 1 < n, 1, "80010007 800e0080 80020002 80030001 80040002"};
        }
        struct ike_payload sa = v1_sa(parts, n, buf, sizeof buf);
        assert_int_equal(select1("aes128-sha1-modp1024", &sa, 1, &x, NULL),
                         n <= IKE_OFFER_PER_PROPOSAL ? IKE_OK : IKE_ERR_NOT_FOUND);
        for (size_t i = 0; i < n; i++) {
            parts[i] = (struct v1_part){(uint8_t)(i + 1), 3, false, 12, "80050002 80060080"};
        }
        sa = v1_sa(parts, n, buf, sizeof buf);
        assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), n <= IKE_OFFER_PROPOSALS ? IKE_OK : IKE_ERR_NOT_FOUND);
    }
    for (size_t n = 512; n <= 513; n++) {
        for (size_t i = 0; i < n; i++) {
            parts[i] = (struct v1_part){(uint8_t)(i / 50 + 1), 3, i % 50 != 49 && i + 1 < n, 12, "80050002 80060080"};
        }
        struct ike_payload sa = v1_sa(parts, n, buf, sizeof buf);
        assert_int_equal(select2("aes128-sha1", &sa, 1, 0, &x), n <= IKE_OFFER_TRANSFORMS ? IKE_OK : IKE_ERR_NOT_FOUND);
    }
}

/* Every octet of good payloads set to every value: whatever is chosen is something we allow and lies within the payload. */
static void every_octet(void **state)
{
    (void)state;
    struct ike_proposals *p1 = from_text("aes128-sha1-modp1024, 3des-md5-modp1536", IKE_PROTO_IKE);
    struct ike_proposals *p2 = from_text("aes128-sha1, aes128gcm16", IKE_PROTO_ESP);
    const struct ike_v1_terms psk = {.auth = 1};
    unsigned chosen = 0;
    for (unsigned phase = 1; phase <= 2; phase++) {
        const struct ike_proposals *p = phase == 1 ? p1 : p2;
        struct ike_payload sa = phase == 1 ? v1_offer("3des-aes128-sha1-md5-modp1024-modp1536", &v1_psk, 0, buf, sizeof buf)
                                           : v1_offer2("aes128gcm16, 3des-aes128-sha1-md5", &v1_tunnel, 0, buf, sizeof buf);
        uint8_t *octets = malloc(sa.len);
        assert_non_null(octets);
        memcpy(octets, sa.body, sa.len);
        sa.body = octets;
        for (size_t at = 0; at < sa.len; at++) {
            const uint8_t was = octets[at];
            for (unsigned v = 0; v < 256; v++) {
                struct ike_v1_choice x;
                struct ike_mismatch why;
                char text[64];
                octets[at] = (uint8_t)v;
                const int rc = phase == 1 ? ike_v1_select(p, &sa, &psk, &x, &why) : v1_select2(p, &sa, &any_mode, 0, &x);
                assert_true(rc == IKE_OK || rc == IKE_ERR_PROTO || rc == IKE_ERR_NOT_FOUND);
                if (rc == IKE_OK) {
                    chosen++;
                    assert_true(x.attrs.ptr >= octets && x.attrs.ptr + x.attrs.len <= octets + sa.len);
                    if (phase == 2) {
                        assert_true(ike_proposals_allow(p, &x.suite));
                    } else {
                        assert_true(x.terms.auth == 1 && ((x.suite.encr == 12 && x.suite.prf == 2 && x.suite.ke == 2) ||
                                                          (x.suite.encr == 3 && x.suite.prf == 1 && x.suite.ke == 5)));
                    }
                }
                (void)(phase == 1 ? ike_v1_select_check(p, &sa, &v1_psk, 0, &x) : v1_check2(p, &sa, &v1_tunnel, 0, &x));
                ike_v1_sa_format(&sa, phase == 2, text, sizeof text);
            }
            octets[at] = was;
        }
        free(octets);
    }
    assert_true(chosen > 1000);
    forget(p1);
    forget(p2);
}

/* ---- Offers of others ---- */

static struct {
    char text[8][2048];
    size_t n;
    struct ike_v1_choice chosen[8];
    const char *ours1, *ours2;
    uint16_t auth, mode;
} seen;

static void look(struct capture_v1 *f, struct ike_message *m, const uint8_t *iv, const uint8_t *plain, size_t end)
{
    (void)f, (void)iv, (void)end;
    const struct ike_payload *sa = ike_message_find(m, IKE_P1_SA, 0);
    if (sa == NULL) {
        return;
    }
    assert_true(seen.n < IKE_COUNT(seen.text));
    const bool phase2 = plain != NULL;
    ike_v1_sa_format(sa, phase2, seen.text[seen.n], sizeof seen.text[0]);
    struct ike_v1_choice *x = &seen.chosen[seen.n];
    const uint16_t ke = ike_message_find(m, IKE_P1_KE, 0) != NULL;
    assert_int_equal(phase2 ? select2(seen.ours2, sa, seen.mode, ke, x) : select1(seen.ours1, sa, seen.auth, x, NULL), IKE_OK);
    if (seen.n++ % 2 != 0) {
        /* The responder's: one of our offers with these terms. */
        struct ike_v1_choice back;
        struct ike_proposals *p = from_text(phase2 ? seen.ours2 : seen.ours1, phase2 ? IKE_PROTO_ESP : IKE_PROTO_IKE);
        assert_int_equal(
            phase2 ? v1_check2(p, sa, &x->terms, x->suite.ke, &back) : ike_v1_select_check(p, sa, &x->terms, 0, &back), IKE_OK);
        forget(p);
    }
    /* Answered, it says the same as what was offered. */
    char text[2048];
    struct ike_chain c = ike_chain(buf2, sizeof buf2);
    ike_v1_put_sa_answer(&c, x, phase2 ? 3 : 1, x->spi, x->spi_len);
    const struct ike_payload answer = only_payload(&c);
    ike_v1_sa_format(&answer, phase2, text, sizeof text);
    assert_non_null(strstr(seen.text[seen.n - 1], text));
}

static bool captured(const char *name)
{
    struct capture_v1 f = {.each = look};
    seen.n = 0;
    return capture_v1_run(&f, name);
}

/* What the responder answered in each phase is what is chosen from the offer here, with its terms. One of them gave the
 * chosen proposal another number. */
static void check_answers(void)
{
    for (size_t i = 0; i < 4; i += 2) {
        const struct ike_v1_choice *offer = &seen.chosen[i], *answer = &seen.chosen[i + 1];
        assert_memory_equal(&offer->suite, &answer->suite, sizeof offer->suite);
        assert_memory_equal(&offer->terms, &answer->terms, sizeof offer->terms);
    }
}

/* XAUTH, AES in phase 1 and 2: the client's long offers and the gateway's answers. */
static void captured_transactions(void **state)
{
    (void)state;
    seen.ours1 = "aes256-sha256-modp1024";
    seen.ours2 = "aes128-sha1";
    seen.auth = 65001;
    seen.mode = IKE_MODE1_TUNNEL;
    if (!captured("ikev1-bug-12610.pcapng.gz")) {
        return;
    }
    assert_string_equal(seen.text[0],
                        "aes256-sha256-modp1024-xauth-psk, aes256-sha1-modp1024-xauth-psk, aes256-md5-modp1024-xauth-psk, "
                        "aes128-sha256-modp1024-xauth-psk, aes128-sha1-modp1024-xauth-psk, aes128-md5-modp1024-xauth-psk, "
                        "3des-sha256-modp1024-xauth-psk, 3des-sha1-modp1024-xauth-psk, 3des-md5-modp1024-xauth-psk, "
                        "des-sha256-modp1024-xauth-psk, des-sha1-modp1024-xauth-psk, des-md5-modp1024-xauth-psk");
    assert_string_equal(seen.text[1], "aes256-sha256-modp1024-xauth-psk");
    assert_string_equal(seen.text[2],
                        "aes256-sha256-tunnel, aes256-sha1-tunnel, aes256-md5-tunnel, aes128-sha256-tunnel, aes128-sha1-tunnel, "
                        "aes128-md5-tunnel, 3des-sha256-tunnel, 3des-sha1-tunnel, 3des-md5-tunnel, des-sha256-tunnel, "
                        "des-sha1-tunnel, des-md5-tunnel");
    assert_string_equal(seen.text[3], "aes128-sha1-tunnel");
    assert_int_equal(seen.n, 4);
    check_answers();
}

static void captured_certificates(void **state)
{
    (void)state;
    seen.ours1 = "3des-md5-modp1024";
    seen.ours2 = "3des-md5-modp1024";
    seen.auth = 3;
    seen.mode = IKE_MODE1_TUNNEL;
    if (!captured("ikev1-certs.pcap")) {
        return;
    }
    assert_int_equal(seen.n, 4);
    assert_string_equal(seen.text[2], "3des-md5-modp1024-tunnel");
    check_answers();
}

int main(void)
{
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phase1_there_and_back),
        cmocka_unit_test(phase2_there_and_back),
        cmocka_unit_test(whose_order),
        cmocka_unit_test(attributes_of_phase1),
        cmocka_unit_test(the_type_of_a_group),
        cmocka_unit_test(attributes_of_phase2),
        cmocka_unit_test(modes),
        cmocka_unit_test(perfect_forward_secrecy),
        cmocka_unit_test(bundles),
        cmocka_unit_test(answers_by_value),
        cmocka_unit_test(nearest_miss),
        cmocka_unit_test(as_text),
        cmocka_unit_test(structure),
        cmocka_unit_test(spi_of_phase1),
        cmocka_unit_test(limits),
        cmocka_unit_test(every_octet),
        cmocka_unit_test(captured_transactions),
        cmocka_unit_test(captured_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
