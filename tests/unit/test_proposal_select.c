/* SPDX-License-Identifier: ISC
 *
 * Choosing and checking. Offers are written by the library itself from text, or by hand where only a hostile or foreign peer
 * would write them so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/proposal_text.h"

struct row {
    const char *ours, *theirs;
    uint16_t prefer_ke;
    const char *chosen; /* NULL: none */
    uint8_t number;
};

static void run(const struct row *rows, size_t n, uint8_t protocol, uint8_t spi_len, bool with_ke)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t buf[2048];
        struct ike_proposals *ours = from_text(rows[i].ours, protocol);
        const struct ike_payload sa = offer_of(rows[i].theirs, protocol, spi_len, with_ke, buf, sizeof buf);
        const struct ike_select_args args = {.spi_len = spi_len, .with_ke = with_ke, .prefer_ke = rows[i].prefer_ke};
        struct ike_selection s;
        struct ike_mismatch why;
        const int rc = ike_select(ours, &sa, &args, &s, &why);
        if (rc != (rows[i].chosen ? IKE_OK : IKE_ERR_NOT_FOUND)) {
            fail_msg("%s / %s: %d", rows[i].ours, rows[i].theirs, rc);
        }
        if (rows[i].chosen) {
            char text[128];
            ike_suite_format(&s.suite, text, sizeof text);
            assert_string_equal(text, rows[i].chosen);
            assert_int_equal(s.number, rows[i].number);
            assert_int_equal(s.spi_len, spi_len);
            assert_memory_equal(s.spi, sa.body + 8, spi_len);
            assert_true(!with_ke || ike_proposals_allow(ours, &s.suite));
            /* Our answer passes the other side's check, and only with the number it had. */
            uint8_t answer[256];
            struct ike_chain c = ike_chain(answer, sizeof answer);
            ike_put_sa_answer(&c, &s.suite, s.number, s.spi, s.spi_len);
            const struct ike_payload back = only_payload(&c);
            struct ike_proposals *theirs = from_text(rows[i].theirs, protocol);
            struct ike_selection t;
            assert_int_equal(ike_select_check(theirs, &back, &args, &t), IKE_OK);
            char again[128];
            ike_suite_format(&t.suite, again, sizeof again);
            assert_string_equal(again, text);
            assert_int_equal(t.suite.protocol, s.suite.protocol);
            answer[4 + 4] = 17;
            assert_int_equal(ike_select_check(theirs, &back, &args, &t), IKE_ERR_NOT_FOUND);
            forget(theirs);
        }
        forget(ours);
    }
}

static void test_ike(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519", 31, "aes256gcm16-prfsha256-x25519", 1},
        {"aes256gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", 31, NULL, 0},
        {"aes256gcm16-prfsha256-x25519", "aes256-sha256-x25519", 31, NULL, 0},
        /* our order of proposals, the peer's within */
        {"aes256gcm16-prfsha256-x25519, aes128-sha256-x25519", "aes128-sha256-x25519, aes256gcm16-prfsha256-x25519", 31,
         "aes256gcm16-prfsha256-x25519", 2},
        {"aes256-aes128-sha256-x25519", "aes128-aes256-sha256-x25519", 31, "aes128-sha256-prfsha256-x25519", 1},
        /* the group that came along, if it is allowed at all */
        {"aes256-sha256-x25519-modp2048", "aes256-sha256-x25519-modp2048", 14, "aes256-sha256-prfsha256-modp2048", 1},
        {"aes256gcm16-prfsha256-x25519, aes256-sha256-modp2048", "aes256gcm16-prfsha256-x25519, aes256-sha256-modp2048", 14,
         "aes256-sha256-prfsha256-modp2048", 2},
        {"aes256-sha256-x25519-ecp256", "aes256-sha256-modp2048-ecp256-x25519", 14, "aes256-sha256-prfsha256-ecp256", 1},
        {"aes256-sha256-x25519", "aes256-sha256-modp2048", 14, NULL, 0},
        {"aes128-sha256-prfsha384-modp2048", "aes128-sha256-prfsha256-prfsha384-modp2048", 14, "aes128-sha256-prfsha384-modp2048",
         1},
    };
    run(rows, IKE_COUNT(rows), IKE_PROTO_IKE, 0, true);
    run(rows, IKE_COUNT(rows), IKE_PROTO_IKE, 8, true);
}

static void test_child(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"aes256gcm16", "aes256gcm16", 0, "aes256gcm16-esn", 1},
        {"aes256gcm16-noesn", "aes256gcm16", 0, "aes256gcm16-noesn", 1},
        {"aes256gcm16-noesn", "aes256gcm16-esn", 0, NULL, 0},
        /* PFS: wanted, optional, not wanted */
        {"aes256gcm16-x25519", "aes256gcm16", 0, NULL, 0},
        {"aes256gcm16", "aes256gcm16-x25519", 31, NULL, 0},
        {"aes256gcm16-x25519-nopfs", "aes256gcm16", 0, "aes256gcm16-esn", 1},
        {"aes256gcm16-x25519-nopfs", "aes256gcm16-x25519", 31, "aes256gcm16-x25519-esn", 1},
        {"aes256gcm16-x25519-nopfs", "aes256gcm16-x25519-nopfs", 31, "aes256gcm16-x25519-esn", 1},
        {"aes256gcm16-x25519-nopfs", "aes256gcm16-x25519-nopfs", 0, "aes256gcm16-esn", 1}, /* no KE payload came */
        {"aes256gcm16", "aes256gcm16-x25519-nopfs", 31, "aes256gcm16-esn", 1},
        {"aes256gcm16-x25519-nopfs", "aes256gcm16-modp2048", 14, NULL, 0},
        {"aes256gcm16-x25519-nopfs", "aes256gcm16-modp2048-nopfs", 14, "aes256gcm16-esn", 1},
        {"aes128-sha256", "aes128-sha1-sha256", 0, "aes128-sha256-esn", 1},
    };
    run(rows, IKE_COUNT(rows), IKE_PROTO_ESP, 4, true);
}

/* In IKE_AUTH there is no key exchange: what both sides configured for later does not matter. */
static void test_first_child(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"aes256gcm16-x25519", "aes256gcm16", 0, "aes256gcm16-esn", 1},
        {"aes256gcm16", "aes256gcm16-x25519", 0, "aes256gcm16-esn", 1},
        {"aes256gcm16-x25519", "aes256gcm16-modp2048", 0, "aes256gcm16-esn", 1},
    };
    run(rows, IKE_COUNT(rows), IKE_PROTO_ESP, 4, false);

    /* A peer that sends KE transforms all the same: fine with NONE among them, not without. */
    uint8_t buf[256];
    struct ike_proposals *ours = from_text("aes256gcm16-x25519", IKE_PROTO_ESP);
    const struct ike_select_args args = {.spi_len = 4};
    struct ike_selection s;
    struct ike_mismatch why;
    struct ike_payload sa = offer_of("aes256gcm16-x25519-nopfs", IKE_PROTO_ESP, 4, true, buf, sizeof buf);
    assert_int_equal(ike_select(ours, &sa, &args, &s, &why), IKE_OK);
    assert_int_equal(s.suite.ke, 0);
    sa = offer_of("aes256gcm16-x25519", IKE_PROTO_ESP, 4, true, buf, sizeof buf);
    assert_int_equal(ike_select(ours, &sa, &args, &s, &why), IKE_ERR_NOT_FOUND);
    assert_true(!IKE_WITH_RECORDS || why.type == IKE_T_KE);
    forget(ours);
}

static void test_ah(void **state)
{
    (void)state;
    static const struct row rows[] = {{"sha512-sha256", "sha1-sha256", 0, "sha256-esn", 1},
                                      {"sha512", "sha1-sha256", 0, NULL, 0}};
    run(rows, IKE_COUNT(rows), IKE_PROTO_AH, 4, true);
}

static void test_prefer_suite(void **state)
{
    (void)state;
    static const char both[] =
        "aes256gcm16-prfsha256-x25519-modp2048, aes128-aes256-sha256-sha512-prfsha512-prfsha256-x25519-modp2048";
    uint8_t buf[512];
    struct ike_proposals *ours = from_text(both, IKE_PROTO_IKE);
    const struct ike_payload sa = offer_of(both, IKE_PROTO_IKE, 8, true, buf, sizeof buf);
    const struct ike_suite now = {.protocol = IKE_PROTO_IKE, .encr = 12, .encr_bits = 256, .prf = 5, .integ = 14, .ke = 31};
    const struct ike_select_args args = {.spi_len = 8, .with_ke = true, .prefer_ke = 14, .prefer = &now};
    struct ike_selection s;
    char text[64];
    assert_int_equal(ike_select(ours, &sa, &args, &s, NULL), IKE_OK);
    ike_suite_format(&s.suite, text, sizeof text);
    assert_string_equal(text, "aes256-sha512-prfsha256-modp2048");
    assert_int_equal(s.number, 2);
    forget(ours);
}

static void test_mismatch(void **state)
{
    (void)state;
    if (!IKE_WITH_RECORDS) {
        print_message("left out: RECORDS is not in this build\n");
        return;
    }
    static const struct {
        const char *ours, *theirs;
        struct ike_mismatch why;
    } rows[] = {
        {"aes256-sha256-x25519",
         "aes256-sha256-modp1024-modp2048",
         {.number = 1, .type = IKE_T_KE, .n_types = 1, .wanted = {1, 12, 256, 5, 12, 31, 0}, .offered = {2, 14}}},
        {"aes256-sha256-x25519",
         "3des-sha1-modp1024, aes128-sha256-x25519",
         {.number = 2,
          .type = IKE_T_ENCR,
          .n_types = 1,
          .wanted = {1, 12, 256, 5, 12, 31, 0},
          .offered = {12},
          .offered_bits = {128}}},
        {"aes256-sha256-x25519", "aes256-sha1-modp1024", {.number = 1, .n_types = 3, .wanted = {1, 12, 256, 5, 12, 31, 0}}},
        {"aes256gcm16-prfsha256-x25519",
         "aes256-sha256-x25519",
         {.number = 1, .type = 0, .n_types = 2, .wanted = {1, 20, 256, 5, 0, 31, 0}}},
        {"aes256-sha256-x25519, aes256gcm16-prfsha256-ecp256",
         "aes256gcm16-prfsha256-x25519",
         {.number = 1,
          .type = IKE_T_ENCR,
          .n_types = 1,
          .wanted = {1, 12, 256, 5, 12, 31, 0},
          .offered = {20},
          .offered_bits = {256}}},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t buf[512];
        struct ike_proposals *ours = from_text(rows[i].ours, IKE_PROTO_IKE);
        const struct ike_payload sa = offer_of(rows[i].theirs, IKE_PROTO_IKE, 0, true, buf, sizeof buf);
        const struct ike_select_args args = {.with_ke = true};
        struct ike_selection s;
        struct ike_mismatch why;
        assert_int_equal(ike_select(ours, &sa, &args, &s, &why), IKE_ERR_NOT_FOUND);
        if (why.number != rows[i].why.number || why.type != rows[i].why.type || why.n_types != rows[i].why.n_types) {
            fail_msg("row %zu: number %u type %u n %u", i, why.number, why.type, why.n_types);
        }
        assert_memory_equal(&why.wanted, &rows[i].why.wanted, sizeof why.wanted);
        assert_memory_equal(why.offered, rows[i].why.offered, sizeof why.offered);
        assert_memory_equal(why.offered_bits, rows[i].why.offered_bits, sizeof why.offered_bits);
        assert_int_equal(ike_select(ours, &sa, &args, &s, NULL), IKE_ERR_NOT_FOUND);
        forget(ours);
    }
    /* Nothing for our protocol at all, or with SPIs of another size. */
    uint8_t buf[256];
    struct ike_proposals *ours = from_text("aes256-sha256", IKE_PROTO_ESP);
    struct ike_payload sa = offer_of("sha256", IKE_PROTO_AH, 4, true, buf, sizeof buf);
    struct ike_select_args args = {.spi_len = 4, .with_ke = true};
    struct ike_selection s;
    struct ike_mismatch why;
    assert_int_equal(ike_select(ours, &sa, &args, &s, &why), IKE_ERR_NOT_FOUND);
    assert_int_equal(why.number, 0);
    sa = offer_of("aes256-sha256", IKE_PROTO_ESP, 8, true, buf, sizeof buf);
    assert_int_equal(ike_select(ours, &sa, &args, &s, &why), IKE_ERR_NOT_FOUND);
    assert_int_equal(why.number, 0);
    forget(ours);
}

/* ---- By hand ---- */

#define T(last, type, id)                    last, 0, 0, 8, type, 0, (id) >> 8, (id)&255
#define TK(last, type, id, bits)             last, 0, 0, 12, type, 0, (id) >> 8, (id)&255, 0x80, 14, (bits) >> 8, (bits)&255
#define P(last, len, number, proto, spis, n) last, 0, 0, len, number, proto, spis, n

static int select_ike(const uint8_t *body, size_t n, const char *ours, struct ike_selection *s, struct ike_mismatch *why)
{
    uint8_t *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, body, n);
    struct ike_proposals *p = from_text(ours, IKE_PROTO_IKE);
    const struct ike_payload sa = {.type = IKE_P_SA, .body = copy, .len = (uint16_t)n};
    const struct ike_select_args args = {.with_ke = true};
    const int rc = ike_select(p, &sa, &args, s, why);
    forget(p);
    free(copy);
    return rc;
}

static void test_unacceptable(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t n, body[80];
        int rc;
    } rows[] = {
        {"as it should be", 44, {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_OK},
        {"unknown transform beside a good one",
         56,
         {P(0, 56, 1, 1, 0, 5), TK(3, 1, 999, 128), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)},
         IKE_OK},
        {"unknown transform type",
         52,
         {P(0, 52, 1, 1, 0, 5), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(3, 4, 31), T(0, 99, 1)},
         IKE_ERR_NOT_FOUND},
        {"additional key exchange",
         52,
         {P(0, 52, 1, 1, 0, 5), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(3, 4, 31), T(0, 6, 36)},
         IKE_ERR_NOT_FOUND},
        {"ESN for IKE",
         52,
         {P(0, 52, 1, 1, 0, 5), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(3, 4, 31), T(0, 5, 0)},
         IKE_ERR_NOT_FOUND},
        {"no key length", 40, {P(0, 40, 1, 1, 0, 4), T(3, 1, 12), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"no PRF", 36, {P(0, 36, 1, 1, 0, 3), TK(3, 1, 12, 128), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"no KE", 36, {P(0, 36, 1, 1, 0, 3), TK(3, 1, 12, 128), T(3, 2, 5), T(0, 3, 12)}, IKE_ERR_NOT_FOUND},
        {"KE NONE for IKE",
         44,
         {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 0)},
         IKE_ERR_NOT_FOUND},
        {"INTEG NONE with a plain cipher",
         44,
         {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 0), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"key length on the PRF",
         48,
         {P(0, 48, 1, 1, 0, 4), TK(3, 1, 12, 128), TK(3, 2, 5, 256), T(3, 3, 12), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"numbered 2", 44, {P(0, 44, 2, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_PROTO},
        {"another protocol",
         44,
         {P(0, 44, 1, 3, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_selection s;
        struct ike_mismatch why;
        const int rc = select_ike(rows[i].body, rows[i].n, "aes128-sha256-x25519", &s, &why);
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].what, rc);
        }
    }
}

static void test_aead(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t n, body[80];
        int rc;
    } rows[] = {
        {"without INTEG", 36, {P(0, 36, 1, 1, 0, 3), TK(3, 1, 20, 128), T(3, 2, 5), T(0, 4, 31)}, IKE_OK},
        {"with INTEG NONE", 44, {P(0, 44, 1, 1, 0, 4), TK(3, 1, 20, 128), T(3, 2, 5), T(3, 3, 0), T(0, 4, 31)}, IKE_OK},
        {"with INTEG", 44, {P(0, 44, 1, 1, 0, 4), TK(3, 1, 20, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"with INTEG and NONE",
         52,
         {P(0, 52, 1, 1, 0, 5), TK(3, 1, 20, 128), T(3, 2, 5), T(3, 3, 12), T(3, 3, 0), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"beside a plain cipher",
         48,
         {P(0, 48, 1, 1, 0, 4), TK(3, 1, 20, 128), TK(3, 1, 12, 128), T(3, 2, 5), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_selection s;
        struct ike_mismatch why;
        const int rc = select_ike(rows[i].body, rows[i].n, "aes128gcm16-prfsha256-x25519", &s, &why);
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].what, rc);
        }
    }
}

static void test_spi(void **state)
{
    (void)state;
    static const struct {
        uint8_t spi[4];
        int rc;
    } rows[] = {
        {{0, 0, 0, 0}, IKE_ERR_PROTO}, {{0, 0, 0, 255}, IKE_ERR_PROTO}, {{0, 0, 1, 0}, IKE_OK}, {{255, 255, 255, 255}, IKE_OK}};
    struct ike_proposals *p = from_text("aes128-sha256", IKE_PROTO_ESP);
    const struct ike_select_args args = {.spi_len = 4, .with_ke = true};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t buf[128];
        const struct ike_payload sa = offer_of("aes128-sha256-esn", IKE_PROTO_ESP, 4, true, buf, sizeof buf);
        memcpy(buf + 12, rows[i].spi, 4);
        struct ike_selection s;
        assert_int_equal(ike_select(p, &sa, &args, &s, NULL), rows[i].rc);
        assert_int_equal(ike_select_check(p, &sa, &args, &s), rows[i].rc);
    }
    forget(p);
    p = from_text("aes128-sha256-x25519", IKE_PROTO_IKE);
    const struct ike_select_args rekey = {.spi_len = 8, .with_ke = true};
    uint8_t buf[128];
    const struct ike_payload sa = offer_of("aes128-sha256-x25519", IKE_PROTO_IKE, 8, true, buf, sizeof buf);
    struct ike_selection s;
    assert_int_equal(ike_select(p, &sa, &rekey, &s, NULL), IKE_OK);
    memset(buf + 12, 0, 8);
    assert_int_equal(ike_select(p, &sa, &rekey, &s, NULL), IKE_ERR_PROTO);
    forget(p);
}

/* Answers that are not one of our proposals with one transform of each type. */
static void test_check(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t n, body[112];
        int rc;
    } rows[] = {
        {"good", 44, {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_OK},
        {"the second", 44, {P(0, 44, 2, 1, 0, 4), TK(3, 1, 20, 256), T(3, 2, 5), T(3, 3, 0), T(0, 4, 31)}, IKE_OK},
        {"of the second with the number of the first",
         36,
         {P(0, 36, 1, 1, 0, 3), TK(3, 1, 20, 256), T(3, 2, 5), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"number 3", 44, {P(0, 44, 3, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"number 0", 44, {P(0, 44, 0, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_PROTO},
        {"not offered", 44, {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 14)}, IKE_ERR_NOT_FOUND},
        {"other key length",
         44,
         {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 192), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"key length dropped", 40, {P(0, 40, 1, 1, 0, 4), T(3, 1, 12), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"two of a type",
         52,
         {P(0, 52, 1, 1, 0, 5), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(3, 4, 31), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"KE missing", 36, {P(0, 36, 1, 1, 0, 3), TK(3, 1, 12, 128), T(3, 2, 5), T(0, 3, 12)}, IKE_ERR_NOT_FOUND},
        {"KE NONE", 44, {P(0, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 0)}, IKE_ERR_NOT_FOUND},
        {"INTEG missing", 36, {P(0, 36, 1, 1, 0, 3), TK(3, 1, 12, 128), T(3, 2, 5), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"PRF missing", 36, {P(0, 36, 1, 1, 0, 3), TK(3, 1, 12, 128), T(3, 3, 12), T(0, 4, 31)}, IKE_ERR_NOT_FOUND},
        {"unknown type",
         52,
         {P(0, 52, 1, 1, 0, 5), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(3, 4, 31), T(0, 7, 1)},
         IKE_ERR_NOT_FOUND},
        {"two proposals",
         88,
         {P(2, 44, 1, 1, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31), P(0, 44, 2, 1, 0, 4), TK(3, 1, 12, 128),
          T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"SPI of a size nobody asked for",
         48,
         {P(0, 48, 1, 1, 4, 4), 1, 2, 3, 4, TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
        {"another protocol",
         44,
         {P(0, 44, 1, 3, 0, 4), TK(3, 1, 12, 128), T(3, 2, 5), T(3, 3, 12), T(0, 4, 31)},
         IKE_ERR_NOT_FOUND},
    };
    struct ike_proposals *p = from_text("aes128-sha256-x25519, aes256gcm16-prfsha256-x25519", IKE_PROTO_IKE);
    const struct ike_select_args args = {.with_ke = true};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const struct ike_payload sa = {.type = IKE_P_SA, .body = rows[i].body, .len = rows[i].n};
        struct ike_selection s;
        const int rc = ike_select_check(p, &sa, &args, &s);
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].what, rc);
        }
    }
    forget(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ike),          cmocka_unit_test(test_child),        cmocka_unit_test(test_first_child),
        cmocka_unit_test(test_ah),           cmocka_unit_test(test_prefer_suite), cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_unacceptable), cmocka_unit_test(test_aead),         cmocka_unit_test(test_spi),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
