/* SPDX-License-Identifier: ISC
 *
 * The structure of SA payloads: each fault, each limit, every prefix and every bit error.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proposal/offer.h"
#include "unit/proposal_text.h"

static int parse(struct ike_offer *o, const uint8_t *body, size_t n, bool answer)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) {
        memcpy(copy, body, n);
    }
    const struct ike_payload sa = {.type = IKE_P_SA, .body = copy, .len = (uint16_t)n};
    const int rc = ike_offer_parse(o, &sa, answer);
    free(copy);
    return rc;
}

static void test_structure(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t n, body[64];
        int rc;
    } rows[] = {
        {"one transform", 16, {0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_OK},
        {"reserved octets", 16, {0, 9, 0, 16, 1, 1, 0, 1, 0, 9, 0, 8, 4, 9, 0, 31}, IKE_OK},
        {"empty", 0, {0}, IKE_ERR_PROTO},
        {"no transforms", 8, {0, 0, 0, 8, 1, 1, 0, 0}, IKE_ERR_PROTO},
        {"fewer than counted", 16, {0, 0, 0, 16, 1, 1, 0, 2, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"fewer than counted, marked so", 16, {0, 0, 0, 16, 1, 1, 0, 2, 3, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"more than counted", 24, {0, 0, 0, 24, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31, 0, 0, 0, 8, 4, 0, 0, 14}, IKE_ERR_PROTO},
        {"count 255", 16, {0, 0, 0, 16, 1, 1, 0, 255, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_NOT_FOUND},
        {"last transform says more", 16, {0, 0, 0, 16, 1, 1, 0, 1, 3, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"transform says 2", 16, {0, 0, 0, 16, 1, 1, 0, 1, 2, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"last proposal says more", 16, {2, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"proposal says 3", 16, {3, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"proposal length 7", 16, {0, 0, 0, 7, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"proposal past the end", 16, {0, 0, 0, 17, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"octets after the last proposal", 17, {0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31, 0}, IKE_ERR_PROTO},
        {"transform length 7", 16, {0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 7, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"transform past the end", 16, {0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 9, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"SPI past the end", 16, {0, 0, 0, 16, 1, 1, 255, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"numbered 2", 16, {0, 0, 0, 16, 2, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"numbered 0", 16, {0, 0, 0, 16, 0, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, IKE_ERR_PROTO},
        {"1, 2",
         32,
         {2, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31, 0, 0, 0, 16, 2, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31},
         IKE_OK},
        {"1, 1",
         32,
         {2, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31, 0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31},
         IKE_ERR_PROTO},
        {"1, 3",
         32,
         {2, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31, 0, 0, 0, 16, 3, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31},
         IKE_ERR_PROTO},
        {"attribute cut off", 18, {0, 0, 0, 18, 1, 1, 0, 1, 0, 0, 0, 10, 1, 0, 0, 12, 0x80, 14}, IKE_ERR_PROTO},
        {"attribute of 3 octets", 19, {0, 0, 0, 19, 1, 1, 0, 1, 0, 0, 0, 11, 1, 0, 0, 12, 0x80, 14, 1}, IKE_ERR_PROTO},
        {"TLV attribute past the end", 21, {0, 0, 0, 21, 1, 1, 0, 1, 0, 0, 0, 13, 1, 0, 0, 12, 0, 14, 0, 2, 1}, IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_offer o;
        const int rc = parse(&o, rows[i].body, rows[i].n, false);
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].what, rc);
        }
    }
    struct ike_offer o;
    assert_int_equal(parse(&o, (const uint8_t[]){0, 0, 0, 16, 7, 1, 0, 1, 0, 0, 0, 8, 4, 0, 0, 31}, 16, true), IKE_OK);
    assert_int_equal(o.p[0].number, 7);
}

/* One cipher transform with the given attributes: usable or not, the message stays well-formed. */
static void test_attributes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t type, id, n, attr[12];
        bool usable;
    } rows[] = {
        {"AES with 256", 1, 12, 4, {0x80, 14, 1, 0}, true},
        {"AES without", 1, 12, 0, {0}, false},
        {"AES with 0", 1, 12, 4, {0x80, 14, 0, 0}, false},
        {"AES with two", 1, 12, 8, {0x80, 14, 1, 0, 0x80, 14, 1, 0}, false},
        {"AES with the length as TLV", 1, 12, 6, {0, 14, 0, 2, 1, 0}, false},
        {"AES with length and an unknown attribute", 1, 12, 8, {0x80, 14, 1, 0, 0x80, 99, 0, 0}, false},
        {"ChaCha without", 1, 28, 0, {0}, true},
        {"ChaCha with 256", 1, 28, 4, {0x80, 14, 1, 0}, false},
        {"ChaCha with 0", 1, 28, 4, {0x80, 14, 0, 0}, false},
        {"3DES without", 1, 3, 0, {0}, true},
        {"3DES with 192", 1, 3, 4, {0x80, 14, 0, 192}, false},
        {"PRF", 2, 5, 0, {0}, true},
        {"PRF with a key length", 2, 5, 4, {0x80, 14, 1, 0}, false},
        {"KE with an unknown attribute", 4, 31, 5, {0x40, 1, 0, 1, 7}, false},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t body[64] = {
            0, 0, 0, (uint8_t)(16 + rows[i].n), 1, 1, 0, 1, 0, 0, 0, (uint8_t)(8 + rows[i].n), rows[i].type, 0, 0, rows[i].id};
        memcpy(body + 16, rows[i].attr, rows[i].n);
        struct ike_offer o;
        assert_int_equal(parse(&o, body, 16u + rows[i].n, false), IKE_OK);
        if (o.t[0].usable != rows[i].usable) {
            fail_msg("%s", rows[i].what);
        }
    }
    /* Lengths nobody has are well-formed; they match nothing. */
    static const uint16_t odd[] = {1, 127, 65535};
    struct ike_proposals *p = from_text("aes128-aes192-aes256-sha256-esn", IKE_PROTO_ESP);
    for (size_t i = 0; i < IKE_COUNT(odd); i++) {
        uint8_t buf[128];
        const struct ike_payload sa = offer_of("aes128-sha256-esn", IKE_PROTO_ESP, 4, true, buf, sizeof buf);
        const struct ike_select_args args = {.spi_len = 4, .with_ke = true};
        struct ike_selection s;
        assert_int_equal(ike_select(p, &sa, &args, &s, NULL), IKE_OK);
        ike_store16(buf + 4 + 12 + 10, odd[i]);
        assert_int_equal(ike_select(p, &sa, &args, &s, NULL), IKE_ERR_NOT_FOUND);
    }
    forget(p);
}

/* proposals of n transforms each, well-formed. */
static size_t many(uint8_t *body, unsigned proposals, unsigned n)
{
    size_t len = 0;
    for (unsigned i = 0; i < proposals; i++) {
        uint8_t *p = body + len;
        ike_store32(p, (i + 1 < proposals ? 2u : 0u) << 24 | (8 + 8 * n));
        ike_store32(p + 4, (i + 1) << 24 | 1u << 16 | n);
        for (unsigned k = 0; k < n; k++) {
            ike_store32(p + 8 + 8 * k, (k + 1 < n ? 3u : 0u) << 24 | 8);
            ike_store32(p + 12 + 8 * k, 4u << 24 | 31);
        }
        len += 8 + 8 * n;
    }
    return len;
}

static void test_limits(void **state)
{
    (void)state;
    static uint8_t body[65536];
    struct ike_offer o;
    assert_int_equal(parse(&o, body, many(body, 64, 1), false), IKE_OK);
    assert_int_equal(o.n, 64);
    assert_int_equal(parse(&o, body, many(body, 65, 1), false), IKE_ERR_NOT_FOUND);
    assert_int_equal(parse(&o, body, many(body, 1, 64), false), IKE_OK);
    assert_int_equal(parse(&o, body, many(body, 1, 65), false), IKE_ERR_NOT_FOUND);
    assert_int_equal(parse(&o, body, many(body, 64, 8), false), IKE_OK);
    assert_int_equal(o.n_transforms, 512);
    assert_int_equal(parse(&o, body, many(body, 57, 9), false), IKE_ERR_NOT_FOUND);
}

static void test_damage(void **state)
{
    (void)state;
    static const char text[] = "aes256gcm16-chacha20poly1305-prfsha256-x25519, aes128-sha256-modp2048";
    uint8_t buf[256];
    const struct ike_payload sa = offer_of(text, IKE_PROTO_IKE, 8, true, buf, sizeof buf);
    struct ike_proposals *p = from_text(text, IKE_PROTO_IKE);
    const struct ike_select_args args = {.spi_len = 8, .with_ke = true, .prefer_ke = 31};
    struct ike_offer o;
    uint8_t *body = buf + 4;
    char out[40];
    assert_int_equal(parse(&o, body, sa.len, false), IKE_OK);
    for (size_t n = 0; n < sa.len; n++) {
        assert_int_equal(parse(&o, body, n, false), IKE_ERR_PROTO);
    }
    for (size_t bit = 0; bit < 8u * sa.len; bit++) {
        uint8_t *copy = malloc(sa.len);
        assert_non_null(copy);
        memcpy(copy, body, sa.len);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const struct ike_payload bad = {.type = IKE_P_SA, .body = copy, .len = sa.len};
        struct ike_selection s;
        struct ike_mismatch why;
        const int rc = ike_select(p, &bad, &args, &s, &why);
        assert_true(rc == IKE_OK || rc == IKE_ERR_PROTO || rc == IKE_ERR_NOT_FOUND);
        assert_true(rc != IKE_OK || ike_proposals_allow(p, &s.suite));
        ike_select_check(p, &bad, &args, &s);
        ike_sa_payload_format(&bad, out, sizeof out);
        free(copy);
    }
    forget(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_structure), cmocka_unit_test(test_attributes),
                                       cmocka_unit_test(test_limits), cmocka_unit_test(test_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
