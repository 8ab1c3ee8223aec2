/* SPDX-License-Identifier: ISC
 *
 * Proposals of Quick Mode that belong together (RFC 2408 section 4.2): offered, chosen and answered as a whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proposal/offer.h"
#include "proposal/v1.h"
#include "proposal/v1_offer.h"
#include "unit/proposal_v1_text.h"

static uint8_t buf[8192], answer_buf[2048];
static const uint32_t own[IKE_V1_PLACES] = {[IKE_V1_MAIN] = 0xc1000003, [IKE_V1_AROUND] = 0xc1000002, [IKE_V1_INSIDE] = 0x1234};

struct wanted {
    struct ike_v1_want w;
    struct ike_proposals *main, *around;
};

static struct wanted want(const char *esp, const char *ah, bool compress)
{
    struct wanted x = {.main = from_text(esp ? esp : ah, esp ? IKE_PROTO_ESP : IKE_PROTO_AH),
                       .around = esp && ah ? from_text(ah, IKE_PROTO_AH) : NULL};
    x.w = (struct ike_v1_want){.main = x.main, .around = x.around, .compress = compress, .terms = v1_tunnel};
    return x;
}

static void done(struct wanted *x)
{
    forget(x->main);
    if (x->around) {
        forget(x->around);
    }
}

static struct ike_payload offer(const struct wanted *x, uint16_t ke)
{
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_bundles(&c, &x->w, own, ke);
    return only_payload(&c);
}

static struct ike_payload bytes(const char *hex)
{
    size_t n = vec_hex(hex, buf, sizeof buf);
    assert_true(n != SIZE_MAX);
    return (struct ike_payload){.type = IKE_P1_SA, .body = buf, .len = (uint16_t)n};
}

static int choose(const char *esp, const char *ah, bool compress, const struct ike_payload *sa, struct ike_v1_bundle *b)
{
    struct wanted x = want(esp, ah, compress);
    int r = ike_v1_select_bundle(&x.w, sa, 0, b);
    done(&x);
    return r;
}

/* DOI and situation; a proposal's header with its SPI; a transform with life 3600 s and tunnel mode behind its other attributes.
 */
#define SA   "00000001 00000001 "
#define LIFE "80010001 80020e10 80040001 "

/* The layout of RFC 2408 section 4.2.1's example with the attributes of RFC 2407, octet by octet: AH and ESP and IPComp under one
 * number, then without IPComp. */
static void offers_by_the_octet(void **state)
{
    (void)state;
    static const char all[] = SA "02000024 01020401 c1000002 00000018 01030000 80010001 80020e10 80040001 80050002 "
                                 "02000028 01030401 c1000003 0000001c 010c0000 80010001 80020e10 80040001 80050002 80060080 "
                                 "0200001e 01040201 1234 00000014 01020000 80010001 80020e10 80040001 "
                                 "02000024 02020401 c1000002 00000018 01030000 80010001 80020e10 80040001 80050002 "
                                 "00000028 02030401 c1000003 0000001c 010c0000 80010001 80020e10 80040001 80050002 80060080";
    struct wanted x = want("aes128-sha1", "sha1", true);
    struct ike_payload sa = offer(&x, 0);
    uint8_t expected[512];
    size_t n = vec_hex(all, expected, sizeof expected);
    assert_int_equal(sa.len, n);
    assert_memory_equal(sa.body, expected, n);
    for (size_t room = 0; room < 4 + n; room++) { /* a buffer that is too small is noticed, wherever it ends */
        struct ike_chain c = ike_chain(buf, room);
        ike_v1_put_bundles(&c, &x.w, own, 0);
        assert_true(c.w.bad);
    }
    done(&x);
}

/* Who wants what gets what: the whole, whichever of the two forms both can have, in both roles. */
static void there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *esp, *ah;
        bool compress;
        const char *their_esp, *their_ah;
        bool they_compress;
        unsigned n; /* 0: nothing in common */
        uint8_t protocols[3];
    } rows[] = {
        {"aes128-sha1", NULL, false, "aes128-sha1", NULL, false, 1, {3}},
        {NULL, "sha256", false, NULL, "sha256", false, 1, {2}},
        {"aes128-sha1", "sha256", false, "aes128-sha1", "sha256", false, 2, {2, 3}},
        {"aes128-sha1", "sha256", true, "aes128-sha1", "sha256", true, 3, {2, 3, 4}},
        {"aes128-sha1", "sha256", true, "aes128-sha1", "sha256", false, 2, {2, 3}},
        {"aes128-sha1", "sha256", false, "aes128-sha1", "sha256", true, 2, {2, 3}},
        {"aes128-sha1", NULL, true, "aes128-sha1", NULL, true, 2, {3, 4}},
        {NULL, "md5-sha1", true, NULL, "sha1", true, 2, {2, 4}},
        /* A part is not enough, nor is more. */
        {"aes128-sha1", "sha256", false, "aes128-sha1", NULL, false, 0, {0}},
        {"aes128-sha1", NULL, false, "aes128-sha1", "sha256", false, 0, {0}},
        {"aes128-sha1", NULL, false, NULL, "sha1", false, 0, {0}},
        {"aes128-sha1", "sha256", false, "aes128-sha1", "sha1", false, 0, {0}},
        {"aes256-sha1", "sha256", true, "aes128-sha1", "sha256", true, 0, {0}},
        /* Second choices of both. */
        {"3des-sha1, aes256-sha256", "sha1, sha512", true, "aes256-sha256, aes192-sha1", "md5, sha512", true, 3, {2, 3, 4}},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct wanted x = want(rows[i].esp, rows[i].ah, rows[i].compress);
        struct ike_payload sa = offer(&x, 0);
        struct ike_v1_bundle b, back;
        struct ike_chain c = ike_chain(answer_buf, sizeof answer_buf);
        static const uint32_t theirs[IKE_V1_PLACES] = {0xd0000002, 0xd0000003, 0x4321};
        int r = choose(rows[i].their_esp, rows[i].their_ah, rows[i].they_compress, &sa, &b);
        if (r != (rows[i].n ? IKE_OK : IKE_ERR_NOT_FOUND) || (r == IKE_OK && b.n != rows[i].n)) {
            fail_msg("row %zu: %s, %u", i, ike_strerror(r), b.n);
        }
        if (r == IKE_OK) {
            ike_v1_put_bundle_answer(&c, &b, theirs);
            struct ike_payload answer = only_payload(&c);
            assert_int_equal(ike_v1_check_bundle(&x.w, &answer, 0, &back), IKE_OK);
            assert_int_equal(back.n, b.n);
            for (unsigned k = 0; k < b.n; k++) {
                assert_int_equal(b.part[k].suite.protocol, rows[i].protocols[k]);
                assert_int_equal(back.part[k].suite.protocol, rows[i].protocols[k]);
                assert_int_equal(ike_load32(back.part[k].spi), theirs[back.place[k]]);
                assert_int_equal(ike_load32(b.part[k].spi), own[b.place[k]]);
            }
        }
        done(&x);
    }
}

/* One group for all; AH that names none goes with that of ESP, one that names another does not. */
static void groups(void **state)
{
    (void)state;
    struct ike_v1_bundle b;
    struct wanted x = want("aes128-sha1-modp2048", "sha256", true);
    struct ike_payload sa = offer(&x, 14);
    assert_int_equal(ike_v1_select_bundle(&x.w, &sa, 1, &b), IKE_OK);
    assert_true(b.n == 3 && b.part[0].suite.ke == 14 && b.part[1].suite.ke == 14 && b.part[2].suite.ke == 14);
    assert_int_equal(ike_v1_select_bundle(&x.w, &sa, 0, &b), IKE_ERR_NOT_FOUND); /* no KE payload */
    done(&x);
    struct wanted y = want("aes128-sha1-modp2048", "sha256-modp3072", true);
    assert_int_equal(ike_v1_select_bundle(&y.w, &sa, 1, &b), IKE_ERR_NOT_FOUND);
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_bundles(&c, &y.w, own, 14);
    assert_true(c.w.bad); /* nothing to offer */
    done(&y);
}

/* What charon 5.9 sends with ipcomp = yes, as initiator and, against the RFC, as responder too: ESP with IPComp, which has no
 * group, and ESP without. */
static const char charon[] = "00000001 00000001 0200002c 01030401 c8d48c2f 00000020 010c0000 80060080 80050005 8003000e 80040001 "
                             "80010001 80020e10 0200001e 01040201 1e7f 00000014 01020000 80040001 80010001 80020e10 "
                             "0000002c 02030401 c8d48c2f 00000020 010c0000 80060080 80050005 8003000e 80040001 80010001 80020e10";

static void charon_offers_and_answers(void **state)
{
    (void)state;
    struct ike_v1_bundle b;
    struct wanted with = want("aes128-sha256-modp2048", NULL, true), without = want("aes128-sha256-modp2048", NULL, false);
    struct ike_payload sa = bytes(charon);
    assert_int_equal(ike_v1_select_bundle(&with.w, &sa, 1, &b), IKE_OK);
    assert_true(b.n == 2 && b.part[1].spi_len == 2 && ike_load32(b.part[1].spi) == 0x1e7f && b.part[0].number == 1);
    assert_int_equal(ike_v1_select_bundle(&without.w, &sa, 1, &b), IKE_OK);
    assert_true(b.n == 1 && b.part[0].number == 2);
    assert_int_equal(ike_v1_check_bundle(&with.w, &sa, 14, &b), IKE_OK);
    assert_true(b.n == 2 && ike_load32(b.part[0].spi) == 0xc8d48c2f && ike_load32(b.part[1].spi) == 0x1e7f);
    /* Two different things in one answer are none. */
    assert_int_equal(ike_v1_check_bundle(&without.w, &sa, 14, &b), IKE_ERR_NOT_FOUND);
    buf[91] ^= 1; /* in the second SPI of ESP */
    assert_int_equal(ike_v1_check_bundle(&with.w, &sa, 14, &b), IKE_ERR_NOT_FOUND);
    done(&with);
    done(&without);
}

static void what_is_not_chosen(void **state)
{
    (void)state;
#define T_ESP(spi)           "0000001c 010c0000 " LIFE "80050002 80060080 "
#define P_AH(next, n, spi)   next "000024 " n "020401 " spi " 00000018 01050000 " LIFE "80050005 "
#define P_ESP(next, n, spi)  next "000028 " n "030401 " spi " " T_ESP(spi)
#define P_CPI(next, n, cpi)  next "00001e " n "040201 " cpi " 00000014 01020000 " LIFE
#define P_CPI4(next, n, cpi) next "000020 " n "040401 " cpi " 00000014 01020000 " LIFE
    static const struct {
        const char *hex;
        int rc;
    } rows[] = {
        {SA P_AH("02", "01", "0a000002") P_ESP("00", "01", "0a000003"), IKE_OK},
        {SA P_ESP("02", "07", "0a000003") P_AH("00", "07", "0a000002"), IKE_OK}, /* the order within is free */
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI("00", "01", "0100"), IKE_OK},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI4("00", "01", "0000efff"), IKE_OK},
        /* A CPI that is assigned, private, or no CPI. */
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI("00", "01", "00ff"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI("00", "01", "f000"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI4("00", "01", "00010100"), IKE_ERR_NOT_FOUND},
        /* Half of it, twice the same, a third that nobody wants, the two halves under two numbers. */
        {SA P_ESP("00", "01", "0a000003"), IKE_ERR_NOT_FOUND},
        {SA P_ESP("02", "01", "0a000003") P_ESP("00", "01", "0a000004"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_AH("02", "01", "0a000005") P_ESP("00", "01", "0a000003"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("00", "02", "0a000003"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") "00000024 01090401 0a000009 00000018 01050000 " LIFE
                                                                       "80050005",
         IKE_ERR_NOT_FOUND},
        /* One number at two places: it cannot be said what belongs to what. */
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_ESP("02", "02", "0a000004")
             P_ESP("00", "01", "0a000006"),
         IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "02", "0a000003") P_ESP("00", "01", "0a000004"), IKE_ERR_NOT_FOUND},
        /* A reserved SPI anywhere spoils all, as does what is cut off. */
        {SA P_AH("02", "01", "000000ff") P_ESP("00", "01", "0a000003"), IKE_ERR_PROTO},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003"), IKE_ERR_PROTO},
        {SA P_AH("00", "01", "0a000002") P_ESP("00", "01", "0a000003"), IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_bundle b;
        struct ike_payload sa = bytes(rows[i].hex);
        int r = choose("aes128-sha1", "sha256", true, &sa, &b);
        if (r != rows[i].rc) {
            fail_msg("row %zu: %s", i, ike_strerror(r));
        }
    }
}

/* An answer is one bundle of ours with the terms that were sent, and nothing else. */
static void answers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int rc;
    } rows[] = {
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI("00", "01", "0100"), IKE_OK},
        {SA P_AH("02", "09", "0a000002") P_ESP("00", "09", "0a000003"), IKE_OK}, /* some count anew */
        {SA P_ESP("00", "01", "0a000003"), IKE_ERR_NOT_FOUND},
        {SA P_AH("00", "01", "0a000002"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("00", "02", "0a000003"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_ESP("00", "02", "0a000003"), IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI("02", "01", "0100") P_CPI("00", "02", "0100"),
         IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") P_ESP("02", "01", "0a000003") P_CPI("00", "01", "0001"), IKE_ERR_PROTO},
        /* Another life, another mode, two transforms. */
        {SA P_AH("02", "01",
                 "0a000002") "00000028 01030401 0a000003 0000001c 010c0000 80010001 80020e11 80040001 80050002 80060080",
         IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01",
                 "0a000002") "00000028 01030401 0a000003 0000001c 010c0000 80010001 80020e10 80040002 80050002 80060080",
         IKE_ERR_NOT_FOUND},
        {SA P_AH("02", "01", "0a000002") "00000044 01030402 0a000003 0300001c 010c0000 " LIFE
                                         "80050002 80060080 0000001c 020c0000 " LIFE "80050002 80060080",
         IKE_ERR_NOT_FOUND},
    };
    struct wanted x = want("aes128-sha1", "sha256", true);
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_bundle b;
        struct ike_payload sa = bytes(rows[i].hex);
        int r = ike_v1_check_bundle(&x.w, &sa, 0, &b);
        if (r != rows[i].rc) {
            fail_msg("row %zu: %s", i, ike_strerror(r));
        }
    }
    done(&x);
}

/* No octet of it may make us read beyond it, or take what is not there; the sanitizers look on. */
static void every_octet(void **state)
{
    (void)state;
    struct wanted x = want("aes128-sha256-modp2048", NULL, true);
    struct ike_payload sa = bytes(charon);
    for (size_t i = 0; i < sa.len; i++) {
        for (unsigned v = 0; v < 256; v++) {
            const uint8_t was = buf[i];
            struct ike_v1_bundle b;
            buf[i] = (uint8_t)v;
            int r = ike_v1_select_bundle(&x.w, &sa, 1, &b), q = ike_v1_check_bundle(&x.w, &sa, 14, &b);
            assert_true((r == IKE_OK || r == IKE_ERR_PROTO || r == IKE_ERR_NOT_FOUND) && q <= IKE_OK);
            buf[i] = was;
        }
        struct ike_payload cut = {.type = IKE_P1_SA, .body = buf, .len = (uint16_t)i};
        struct ike_v1_bundle b;
        assert_int_equal(ike_v1_select_bundle(&x.w, &cut, 1, &b), IKE_ERR_PROTO);
    }
    done(&x);
}

/* Both lists as long as they may be: no more than a peer like ourselves would read. */
static void limits(void **state)
{
    (void)state;
    char esp[1024] = "", ah[1024] = "";
    static const char *const ciphers[] = {"aes128", "aes192", "aes256", "3des"}, *const macs[] = {"sha1", "sha256", "sha384",
                                                                                                  "sha512"};
    for (unsigned i = 0; i < 16; i++) {
        size_t n = strlen(esp), m = strlen(ah);
        snprintf(esp + n, sizeof esp - n, "%s%s-%s", i ? ", " : "", ciphers[i / 4], macs[i % 4]);
        snprintf(ah + m, sizeof ah - m, "%s%s", i ? ", " : "", macs[i % 4]);
    }
    struct wanted x = want(esp, ah, true);
    struct ike_payload sa = offer(&x, 0);
    struct ike_v1_walk w = ike_v1_walk(&sa, true);
    struct ike_v1_transform t;
    while (ike_v1_walk_next(&w, &t)) {
    }
    assert_int_equal(w.rc, IKE_OK);
    assert_true(w.n <= IKE_OFFER_PROPOSALS && w.n > IKE_OFFER_PROPOSALS - 3);
    struct ike_v1_bundle b;
    assert_int_equal(ike_v1_select_bundle(&x.w, &sa, 0, &b), IKE_OK);
    assert_true(b.n == 3 && b.part[0].number == 1);
    done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_by_the_octet),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(groups),
        cmocka_unit_test(charon_offers_and_answers),
        cmocka_unit_test(what_is_not_chosen),
        cmocka_unit_test(answers),
        cmocka_unit_test(every_octet),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
