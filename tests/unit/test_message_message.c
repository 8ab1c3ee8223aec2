/* SPDX-License-Identifier: ISC
 *
 * Header and payload chain: what is refused before anybody looks inside, and that no octet past the end is read (every input
 * is a heap block of its exact size).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/message.h"

#define SPI_I 0x0102030405060708u
#define SPI_R 0x1112131415161718u

/* Parse a copy of exact size. The views stay valid until the next call. */
static int parse(struct ike_message *m, const uint8_t *data, size_t n)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) {
        memcpy(copy, data, n);
    }
    return ike_message_parse(m, copy, n);
}

static size_t header(uint8_t *out, uint8_t exchange, uint8_t flags, uint32_t mid, uint64_t spi_r, uint8_t next, size_t length)
{
    const struct ike_header h = {SPI_I, spi_r, next, 0x20, exchange, flags, mid, (uint32_t)length};
    ike_header_write(out, &h);
    return IKE_HEADER_LEN;
}

/* An IKE_SA_INIT request with the given payloads; returns its length. */
static size_t request(uint8_t *out, uint8_t next, const void *payloads, size_t n)
{
    header(out, IKE_X_SA_INIT, IKE_FLAG_INITIATOR, 0, 0, next, IKE_HEADER_LEN + n);
    memcpy(out + IKE_HEADER_LEN, payloads, n);
    return IKE_HEADER_LEN + n;
}

static int request_result(uint8_t next, const void *payloads, size_t n)
{
    uint8_t buf[4096];
    struct ike_message m;
    return parse(&m, buf, request(buf, next, payloads, n));
}

static const uint8_t vendor[] = {0, 0, 0, 6, 'h', 'i'};

static void test_header(void **state)
{
    (void)state;
    uint8_t b[IKE_HEADER_LEN];
    const struct ike_header in = {SPI_I, SPI_R, 46, 0x20, 37, 0x28, 0x01020304, 28};
    struct ike_header h;
    ike_header_write(b, &in);
    static const uint8_t want[] = {1,    2,    3,    4,    5,  6,    7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
                                   0x17, 0x18, 0x2e, 0x20, 37, 0x28, 1, 2, 3,    4,    0,    0,    0,    28};
    assert_memory_equal(b, want, sizeof want);
    assert_int_equal(ike_header_parse(&h, b, sizeof b), IKE_OK);
    assert_true(h.spi_i == SPI_I && h.spi_r == SPI_R && h.next == 46 && h.version == 0x20 && h.exchange == 37 && h.flags == 0x28);
    assert_true(h.mid == 0x01020304 && h.length == 28);
}

static void test_header_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t version, exchange, flags;
        uint32_t mid, length;
        uint64_t spi_i, spi_r;
        int rc;
    } rows[] = {
        {"good request", 0x20, 34, 0x08, 0, 34, SPI_I, 0, IKE_OK},
        {"good response", 0x20, 34, 0x20, 0, 34, SPI_I, SPI_R, IKE_OK},
        {"response without SPIr (COOKIE)", 0x20, 34, 0x20, 0, 34, SPI_I, 0, IKE_OK},
        {"reserved flags are ignored", 0x20, 34, 0xcf, 0, 34, SPI_I, 0, IKE_OK},
        {"minor version is ignored", 0x2f, 34, 0x08, 0, 34, SPI_I, 0, IKE_OK},
        {"length beyond the datagram", 0x20, 34, 0x08, 0, 35, SPI_I, 0, IKE_ERR_PROTO},
        {"length short of the datagram", 0x20, 34, 0x08, 0, 33, SPI_I, 0, IKE_ERR_PROTO},
        {"length below 28", 0x20, 34, 0x08, 0, 27, SPI_I, 0, IKE_ERR_PROTO},
        {"length huge", 0x20, 34, 0x08, 0, UINT32_MAX, SPI_I, 0, IKE_ERR_PROTO},
        {"SPIi zero", 0x20, 34, 0x08, 0, 34, 0, 0, IKE_ERR_PROTO},
        {"INIT request with SPIr", 0x20, 34, 0x08, 0, 34, SPI_I, SPI_R, IKE_ERR_PROTO},
        {"INIT with a message id", 0x20, 34, 0x08, 1, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"RESUME with a message id", 0x20, 38, 0x08, 1, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"INIT request without I", 0x20, 34, 0x00, 0, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"INIT response with I", 0x20, 34, 0x28, 0, 34, SPI_I, SPI_R, IKE_ERR_PROTO},
        {"AUTH without SPIr", 0x20, 35, 0x08, 1, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"exchange type of version 1", 0x20, 2, 0x08, 0, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"major 0", 0x00, 34, 0x08, 0, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"major 3 is to be answered", 0x30, 34, 0x08, 0, 34, SPI_I, 0, IKE_OK},
        {"version 1", 0x10, 2, 0x00, 0, 34, SPI_I, 0, IKE_OK},
        {"version 1.1", 0x11, 2, 0x00, 0, 34, SPI_I, 0, IKE_ERR_PROTO},
        {"version 1, unknown flag", 0x10, 2, 0x08, 0, 34, SPI_I, 0, IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t b[IKE_HEADER_LEN + sizeof vendor];
        struct ike_message m;
        const struct ike_header h = {rows[i].spi_i,    rows[i].spi_r, 43,          rows[i].version,
                                     rows[i].exchange, rows[i].flags, rows[i].mid, rows[i].length};
        ike_header_write(b, &h);
        memcpy(b + IKE_HEADER_LEN, vendor, sizeof vendor);
        const int rc = parse(&m, b, sizeof b);
        if (rc != rows[i].rc) {
            fail_msg("%s: %d", rows[i].what, rc);
        }
    }
    struct ike_header h;
    uint8_t b[IKE_HEADER_LEN];
    header(b, 34, 8, 0, 0, 43, IKE_HEADER_LEN);
    for (size_t n = 0; n < IKE_HEADER_LEN; n++) {
        uint8_t *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, b, n);
        assert_int_equal(ike_header_parse(&h, copy, n), IKE_ERR_PROTO);
        free(copy);
    }
}

static void test_chain(void **state)
{
    (void)state;
    uint8_t b[256];
    struct ike_message m;
    static const uint8_t payloads[] = {43, 0x80, 0, 8, 0,  31, 0, 0, /* KE without data is too short */
                                       0,  0,    0, 5, 'x'};
    assert_int_equal(parse(&m, b, request(b, 34, payloads, sizeof payloads)), IKE_ERR_PROTO);
    static const uint8_t good[] = {43, 0x80, 0, 9, 0, 31, 0, 0, 0x77, 0, 0x7f, 0, 5, 'x'};
    assert_int_equal(parse(&m, b, request(b, 34, good, sizeof good)), IKE_OK);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.p[0].type, 34);
    assert_int_equal(m.p[0].len, 5);
    assert_true(m.p[0].critical && !m.p[0].inner && m.p[0].body[4] == 0x77);
    assert_int_equal(m.p[1].type, 43);
    assert_false(m.p[1].critical);
    assert_ptr_equal(ike_message_find(&m, 43, 0), &m.p[1]);
    assert_null(ike_message_find(&m, 43, 1));
    assert_null(ike_message_find(&m, 40, 0));
    assert_int_equal(m.sk_at, 0);
}

static void test_chain_refused(void **state)
{
    (void)state;
    static const uint8_t shorter[] = {0, 0, 0, 3, 'h', 'i'}, longer[] = {0, 0, 0, 7, 'h', 'i'}, zero[] = {43, 0, 0, 0};
    static const uint8_t trailing[] = {0, 0, 0, 5, 'h', 'i'}, dangling[] = {43, 0, 0, 6, 'h', 'i'}, head[] = {0, 0, 0};
    assert_int_equal(request_result(43, vendor, sizeof vendor), IKE_OK);
    assert_int_equal(request_result(0, vendor, sizeof vendor), IKE_ERR_PROTO);
    assert_int_equal(request_result(0, vendor, 0), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, vendor, 0), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, shorter, sizeof shorter), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, longer, sizeof longer), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, zero, sizeof zero), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, trailing, sizeof trailing), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, dangling, sizeof dangling), IKE_ERR_PROTO);
    assert_int_equal(request_result(43, head, sizeof head), IKE_ERR_PROTO);
    /* Unknown types, version 1's among them, are kept and skipped; they may be empty. */
    static const uint8_t empty[] = {0, 0, 0, 4};
    assert_int_equal(request_result(1, empty, sizeof empty), IKE_OK);
    assert_int_equal(request_result(200, empty, sizeof empty), IKE_OK);
    assert_int_equal(request_result(43, empty, sizeof empty), IKE_OK);
    for (uint8_t type = 33; type <= 48; type++) {
        const bool may = type == IKE_P_VENDOR || type == IKE_P_SK;
        assert_int_equal(request_result(type, empty, sizeof empty), may ? IKE_OK : IKE_ERR_PROTO);
    }
}

static void test_nonce_length(void **state)
{
    (void)state;
    static uint8_t p[4 + 300];
    for (size_t n = 0; n <= 300; n++) {
        ike_store16(p + 2, (uint16_t)(4 + n));
        assert_int_equal(request_result(40, p, 4 + n), n >= 16 && n <= 256 ? IKE_OK : IKE_ERR_PROTO);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    uint8_t p[101 * 4];
    for (size_t i = 0; i < 101; i++) {
        ike_store32(p + 4 * i, 43u << 24 | 4);
    }
    for (size_t n = 99; n <= 101; n++) {
        p[4 * (n - 1)] = 0;
        assert_int_equal(request_result(43, p, 4 * n), n <= 100 ? IKE_OK : IKE_ERR_PROTO);
        p[4 * (n - 1)] = 43;
    }
    /* Of the vendor ids the first 20 are looked at. */
    uint8_t b[1024];
    struct ike_message m;
    p[4 * 99] = 0;
    assert_int_equal(parse(&m, b, request(b, 43, p, 400)), IKE_OK);
    assert_non_null(ike_message_find(&m, 43, 19));
    assert_null(ike_message_find(&m, 43, 20));
}

static size_t protected(uint8_t *b, const uint8_t *payloads, size_t n, uint8_t next)
{
    header(b, IKE_X_INFORMATIONAL, IKE_FLAG_INITIATOR, 2, SPI_R, next, IKE_HEADER_LEN + n);
    memcpy(b + IKE_HEADER_LEN, payloads, n);
    return IKE_HEADER_LEN + n;
}

static void test_sk(void **state)
{
    (void)state;
    uint8_t b[256];
    struct ike_message m;
    static const uint8_t sk[] = {46, 0, 0, 6, 'h', 'i', 41, 0, 0, 8, 1, 2, 3, 4};
    assert_int_equal(parse(&m, b, protected(b, sk, sizeof sk, 43)), IKE_OK);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.sk_at, IKE_HEADER_LEN + 6);
    assert_int_equal(m.sk_next, 41);
    assert_null(ike_message_find(&m, 43, 0)); /* in clear beside SK: does not count */
    static const uint8_t inner[] = {42, 0, 0, 8, 0, 0, 0x40, 0, 0, 0, 0, 8, 1, 0, 0, 0};
    assert_int_equal(ike_message_parse_inner(&m, inner, sizeof inner), IKE_OK);
    assert_int_equal(m.n, 3);
    assert_true(m.p[1].inner && m.p[1].type == 41 && m.p[2].type == 42);
    assert_ptr_equal(ike_message_find(&m, 42, 0), &m.p[2]);
    assert_null(ike_message_find(&m, 43, 0));

    uint8_t data2[sizeof sk + IKE_HEADER_LEN], inner2[sizeof inner];
    memcpy(data2, m.data, m.len);
    memcpy(inner2, inner, sizeof inner);
    ike_message_rebase(&m, data2, inner, inner2);
    assert_ptr_equal(m.data, data2);
    assert_ptr_equal(m.p[0].body, data2 + IKE_HEADER_LEN + 4);
    assert_ptr_equal(m.p[1].body, inner2 + 4);
    assert_ptr_equal(m.p[2].body, inner2 + 12);

    static const uint8_t after[] = {41, 0, 0, 6, 1, 2, 0, 0, 0, 8, 0, 0, 0x40, 0};
    assert_int_equal(parse(&m, b, protected(b, after, sizeof after, 46)), IKE_ERR_PROTO);
    assert_int_equal(parse(&m, b, protected(b, after, sizeof after, 53)), IKE_ERR_PROTO);
    static const uint8_t skf[] = {41, 0, 0, 10, 0, 1, 0, 2, 9, 9};
    assert_int_equal(parse(&m, b, protected(b, skf, sizeof skf, 53)), IKE_OK);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.p[0].type, IKE_P_SKF);
    assert_int_equal(m.sk_at, 0);
}

static void test_inner_refused(void **state)
{
    (void)state;
    uint8_t b[256];
    struct ike_message m;
    static const uint8_t sk[] = {41, 0, 0, 8, 1, 2, 3, 4}, none[] = {0, 0, 0, 8, 1, 2, 3, 4};
    static const uint8_t notify[] = {0, 0, 0, 8, 0, 0, 0x40, 0, 0};
    static const uint8_t nested[] = {46, 0, 0, 8, 0, 0, 0x40, 0, 0, 0, 0, 8, 1, 2, 3, 4};
    assert_int_equal(parse(&m, b, protected(b, sk, sizeof sk, 46)), IKE_OK);
    assert_int_equal(ike_message_parse_inner(&m, notify, 7), IKE_ERR_PROTO);
    assert_int_equal(ike_message_parse_inner(&m, notify, 9), IKE_ERR_PROTO); /* an octet between the chain and the padding */
    assert_int_equal(ike_message_parse_inner(&m, notify, 0), IKE_ERR_PROTO);
    assert_int_equal(ike_message_parse_inner(&m, nested, sizeof nested), IKE_ERR_PROTO);
    assert_int_equal(m.n, 0);
    assert_int_equal(ike_message_parse_inner(&m, notify, 8), IKE_OK);
    assert_int_equal(parse(&m, b, protected(b, none, sizeof none, 46)), IKE_OK);
    assert_int_equal(ike_message_parse_inner(&m, notify, 8), IKE_ERR_PROTO); /* SK says it is empty */
    assert_int_equal(ike_message_parse_inner(&m, notify, 0), IKE_OK);
    assert_int_equal(m.n, 0);
}

static void test_inner_counts(void **state)
{
    (void)state;
    uint8_t b[1024], p[100 * 4 + 8], inner[80];
    struct ike_message m;
    for (size_t i = 0; i < 90; i++) {
        ike_store32(p + 4 * i, (i == 89 ? 46u : 43u) << 24 | 4);
    }
    ike_store32(p + 360, 43u << 24 | 5);
    p[364] = 0;
    for (size_t i = 0; i < 11; i++) {
        ike_store32(inner + 4 * i, (i == 10 ? 0u : 43u) << 24 | 4);
    }
    assert_int_equal(parse(&m, b, protected(b, p, 365, 43)), IKE_OK);
    assert_int_equal(m.n, 90);
    assert_int_equal(ike_message_parse_inner(&m, inner, 44), IKE_ERR_PROTO);
    inner[4 * 9] = 0;
    assert_int_equal(ike_message_parse_inner(&m, inner, 40), IKE_OK);
    assert_int_equal(m.n, 100);
}

static void test_version_1(void **state)
{
    (void)state;
    uint8_t b[64];
    struct ike_message m;
    struct ike_header h = {SPI_I, 0, 1, 0x10, 2, 0, 0, 28 + 12 + 4};
    static const uint8_t chain[] = {13, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4};
    ike_header_write(b, &h);
    memcpy(b + 28, chain, sizeof chain);
    assert_int_equal(parse(&m, b, 44), IKE_OK);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.p[0].type, 1);
    b[29] = 0x80; /* reserved there */
    assert_int_equal(parse(&m, b, 44), IKE_ERR_PROTO);
    b[29] = 0;
    b[19] = 1; /* encrypted: the rest is not ours to read */
    b[31] = 0;
    assert_int_equal(parse(&m, b, 44), IKE_OK);
    assert_int_equal(m.n, 0);
}

/* Every prefix and every single-bit error of a message with all kinds of payloads: no octet outside is touched. */
static void test_damage(void **state)
{
    (void)state;
    uint8_t b[512], inner[64];
    struct ike_chain c = ike_chain(b + IKE_HEADER_LEN, sizeof b - IKE_HEADER_LEN);
    const ike_id id = {IKE_ID_FQDN, IKE_STR("gw.example.org")};
    const ike_ts ts = {4, 0, 0, 65535, {10}, {10, 255, 255, 255}};
    static const uint32_t spi = 0xc0000001;
    memset(inner, 7, sizeof inner);
    ike_put_ke(&c, 31, ike_bytes_of(inner, 32));
    ike_put_payload(&c, IKE_P_NONCE, ike_bytes_of(inner, 32));
    ike_put_id(&c, IKE_P_IDI, &id);
    ike_put_auth(&c, 2, ike_bytes_of(inner, 32));
    ike_put_ts(&c, IKE_P_TSI, &ts, 1);
    ike_put_notify(&c, IKE_N_COOKIE, ike_bytes_of(inner, 8));
    ike_put_delete_spis(&c, IKE_PROTO_ESP, &spi, 1);
    assert_false(c.w.bad);
    const size_t n = IKE_HEADER_LEN + c.w.len;
    header(b, IKE_X_SA_INIT, IKE_FLAG_INITIATOR, 0, 0, c.first, n);
    struct ike_message m;
    assert_int_equal(parse(&m, b, n), IKE_OK);
    assert_int_equal(m.n, 7);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(parse(&m, b, k), IKE_ERR_PROTO);
        ike_store32(b + 24, (uint32_t)k); /* and with the length made to agree */
        assert_true(parse(&m, b, k) != IKE_OK);
        ike_store32(b + 24, (uint32_t)n);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (parse(&m, b, n) == IKE_OK) {
            for (unsigned i = 0; i < m.n; i++) {
                ike_notify_parse(&(struct ike_notify){0}, &m.p[i]);
                ike_delete_parse(&(struct ike_delete){0}, &m.p[i]);
                ike_ts_payload_parse(&(ike_ts){0}, 1, &(size_t){0}, &m.p[i]);
                ike_id_payload_parse(&(ike_id){0}, &m.p[i]);
                ike_ke_parse(&(uint16_t){0}, &(ike_bytes){0}, &m.p[i]);
                ike_auth_parse(&(uint8_t){0}, &(ike_bytes){0}, &m.p[i]);
            }
        }
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),       cmocka_unit_test(test_header_refused),
        cmocka_unit_test(test_chain),        cmocka_unit_test(test_chain_refused),
        cmocka_unit_test(test_nonce_length), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_sk),           cmocka_unit_test(test_inner_refused),
        cmocka_unit_test(test_inner_counts), cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
