/* SPDX-License-Identifier: ISC
 *
 * Written offers and answers of IKEv1 against their octets, and what is left out of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proposal/offer.h"
#include "proposal/v1_offer.h"
#include "unit/proposal_v1_text.h"

static uint8_t buf[32768];

static void assert_octets(const struct ike_chain *c, const char *hex)
{
    uint8_t want[512];
    const size_t n = vec_hex(hex, want, sizeof want);
    assert_false(c->w.bad);
    assert_int_equal(c->w.len, n);
    assert_memory_equal(c->w.p, want, n);
}

static void assert_text(const struct ike_payload *sa, bool phase2, const char *want)
{
    char text[4096];
    ike_v1_sa_format(sa, phase2, text, sizeof text);
    assert_string_equal(text, want);
}

/* Once with all the room and once with each room that is too small. */
#define EACH_ROOM(c, put)                                                                                                        \
    for (size_t whole = (c).w.len, cap = 0; cap < whole; cap++) {                                                                \
        uint8_t *room = malloc(cap ? cap : 1);                                                                                   \
        assert_non_null(room);                                                                                                   \
        c = ike_chain(room, cap);                                                                                                \
        put;                                                                                                                     \
        assert_true(c.w.bad);                                                                                                    \
        free(room);                                                                                                              \
    }

static void phase1(void **state)
{
    (void)state;
    struct ike_proposals *p = from_text("aes256-sha256-modp2048, 3des-md5-modp1024", IKE_PROTO_IKE);
    const struct ike_v1_terms t = {.auth = 1, .life_s = 86400};
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_sa(&c, p, &t, 0);
    assert_octets(&c, "00000060 00000001 00000001" /* DOI, situation */
                      "00000054 01010002"          /* proposal 1, ISAKMP, no SPI, two transforms */
                      "03000028 01010000 80010007 800e0100 80020004 80030001 8004000e 800b0001 000c0004 00015180"
                      "00000024 02010000 80010005 80020001 80030001 80040002 800b0001 000c0004 00015180");
    EACH_ROOM(c, ike_v1_put_sa(&c, p, &t, 0))
    /* Aggressive Mode: one group. */
    c = ike_chain(buf, sizeof buf);
    ike_v1_put_sa(&c, p, &v1_psk, 2);
    assert_octets(
        &c,
        "00000034 00000001 00000001 00000028 01010001 00000020 01010000 80010005 80020001 80030001 80040002 800b0001 800c7080");
    forget(p);
}

static void phase2(void **state)
{
    (void)state;
    struct ike_proposals *p = from_text("aes128gcm16-modp2048-nopfs, 3des-sha1-modp2048, aes128-sha256", IKE_PROTO_ESP);
    struct ike_v1_terms t = {.mode = 3, .life_s = 3600, .life_kb = 4608000};
    struct ike_chain c = ike_chain(buf, sizeof buf);
    v1_put2(&c, p, &t, 0x01020304u, 14);
    assert_octets(&c, "00000074 00000001 00000001"
                      "02000034 01030401 01020304"
                      "00000028 01140000 80010001 80020e10 80010002 00020004 00465000 8003000e 80040003 80060080 "
                      "00000034 02030401 01020304"
                      "00000028 01030000 80010001 80020e10 80010002 00020004 00465000 8003000e 80040003 80050002");
    EACH_ROOM(c, v1_put2(&c, p, &t, 1, 14))
    /* Without PFS: who allows it, and who never heard of it; numbers without a gap. */
    c = ike_chain(buf, sizeof buf);
    v1_put2(&c, p, &v1_tunnel, 0x01020304u, 0);
    struct ike_payload sa = only_payload(&c);
    assert_text(&sa, true, "aes128gcm16-tunnel, aes128-sha256-tunnel");
    struct ike_v1_walk w = ike_v1_walk(&sa, true);
    struct ike_v1_transform x;
    for (unsigned number = 1; number <= 2; number++) {
        assert_true(ike_v1_walk_next(&w, &x));
        assert_int_equal(x.x.number, number);
        assert_int_equal(x.x.transform_number, 1);
        assert_int_equal(ike_load32(x.x.spi), 0x01020304u);
    }
    forget(p);
}

static void ah_and_esn(void **state)
{
    (void)state;
    struct ike_proposals *p = from_text("sha256-esn, sha1", IKE_PROTO_AH);
    struct ike_chain c = ike_chain(buf, sizeof buf);
    v1_put2(&c, p, &(struct ike_v1_terms){.mode = 2}, 0x01020304u, 0);
    assert_octets(&c, "00000048 00000001 00000001"
                      "02000020 01020401 01020304 00000014 01050000 80040002 80050005 800b0001"
                      "0000001c 02020401 01020304 00000010 01030000 80040002 80050002");
    forget(p);
}

/* Combinations in order of preference; what two proposals have in common once; nothing that IKEv1 has no number for. */
static void combinations(void **state)
{
    (void)state;
    struct ike_payload sa =
        v1_offer("aes256gcm16-prfsha256-modp2048, aes128-3des-sha256-sha1-modp2048-mlkem768-ecp256, 3des-sha1-modp1024-modp2048",
                 &v1_psk, 0, buf, sizeof buf);
    assert_text(
        &sa, false,
        "aes128-sha256-modp2048-psk, aes128-sha256-ecp256-psk, aes128-sha1-modp2048-psk, aes128-sha1-ecp256-psk, "
        "3des-sha256-modp2048-psk, 3des-sha256-ecp256-psk, 3des-sha1-modp2048-psk, 3des-sha1-ecp256-psk, 3des-sha1-modp1024-psk");
    sa = v1_offer("aes128-3des-sha256-sha1-modp2048-mlkem768-ecp256", &v1_psk, 19, buf, sizeof buf);
    assert_text(&sa, false, "aes128-sha256-ecp256-psk, aes128-sha1-ecp256-psk, 3des-sha256-ecp256-psk, 3des-sha1-ecp256-psk");
    sa = v1_offer2("chacha20poly1305, aes256-aes128-sha256-sha1, aes128gcm16-esn", &v1_tunnel, 0, buf, sizeof buf);
    assert_text(&sa, true,
                "aes256-sha256-tunnel, aes256-sha1-tunnel, aes128-sha256-tunnel, aes128-sha1-tunnel, aes128gcm16-esn-tunnel");
}

static void nothing_to_offer(void **state)
{
    (void)state;
    struct ike_proposals *p = from_text("aes256gcm16-prfsha256-modp2048, aes128-sha256-mlkem768", IKE_PROTO_IKE);
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_sa(&c, p, &v1_psk, 0);
    assert_true(c.w.bad);
    assert_int_equal(ike_v1_ke(p, 0), 0);
    forget(p);
    p = from_text("aes128-sha1-mlkem768-ecp384-modp2048", IKE_PROTO_IKE);
    assert_int_equal(ike_v1_ke(p, 0), 20);
    assert_int_equal(ike_v1_ke(p, 14), 14);
    assert_int_equal(ike_v1_ke(p, 19), 20);
    c = ike_chain(buf, sizeof buf);
    ike_v1_put_sa(&c, p, &v1_psk, 36);
    assert_true(c.w.bad);
    forget(p);
    p = from_text("aes128-sha1-modp2048", IKE_PROTO_ESP);
    assert_int_equal(ike_v1_ke(p, 0), 14);
    c = ike_chain(buf, sizeof buf);
    v1_put2(&c, p, &v1_tunnel, V1_SPI, 0);
    assert_true(c.w.bad);
    forget(p);
}

/* A peer like ourselves takes 64 transforms in one proposal. */
static void no_more_than_we_take(void **state)
{
    (void)state;
    static const char many[] = "aes128-aes192-aes256-3des-camellia128-camellia192-camellia256-sha1-sha256-sha384-sha512-md5-"
                               "modp1024-modp1536-modp2048-modp3072-modp4096";
    struct ike_payload sa = v1_offer(many, &v1_psk, 0, buf, sizeof buf);
    struct ike_v1_walk w = ike_v1_walk(&sa, false);
    struct ike_v1_transform x;
    while (ike_v1_walk_next(&w, &x)) {
        assert_int_equal(x.bad, 0);
        assert_int_equal(x.x.transform_number, w.n_transforms);
    }
    assert_int_equal(w.rc, IKE_OK);
    assert_int_equal(w.n_transforms, IKE_OFFER_PER_PROPOSAL);
}

static void answers(void **state)
{
    (void)state;
    uint8_t attrs[16];
    struct ike_v1_choice x = {.number = 7, .transform_number = 9, .transform_id = 12};
    x.attrs = ike_bytes_of(attrs, vec_hex("80040001 80050002 00060002 0080", attrs, sizeof attrs));
    static const uint8_t spi[] = {0xaa, 0xbb, 0xcc, 0xdd};
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_sa_answer(&c, &x, 3, spi, 4);
    assert_octets(&c, "0000002e 00000001 00000001 00000022 07030401 aabbccdd 00000016 090c0000 80040001 80050002 00060002 0080");
    EACH_ROOM(c, ike_v1_put_sa_answer(&c, &x, 3, spi, 4))
    c = ike_chain(buf, sizeof buf);
    ike_v1_put_sa_answer(&c, &x, 1, NULL, 0);
    assert_int_equal(c.w.len, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phase1),       cmocka_unit_test(phase2),           cmocka_unit_test(ah_and_esn),
        cmocka_unit_test(combinations), cmocka_unit_test(nothing_to_offer), cmocka_unit_test(no_more_than_we_take),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
