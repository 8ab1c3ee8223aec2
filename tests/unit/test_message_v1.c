/* SPDX-License-Identifier: ISC
 *
 * Bodies of version 1: written, read back, and refused when a length, a size or a count does not fit; the chain in clear.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "message/v1.h"

static uint8_t buf[4096];

/* A payload whose body is given as octets. */
#define PAYLOAD(t, ...)                                                                                                          \
    (struct ike_payload) { .body = (const uint8_t[]){__VA_ARGS__}, .len = sizeof((const uint8_t[]){__VA_ARGS__}), .type = (t) }

/* What a chain holds, as a view of its only payload. */
static struct ike_payload only(const struct ike_chain *c)
{
    assert_false(c->w.bad);
    assert_int_equal(ike_load16(c->w.p + 2), c->w.len);
    assert_int_equal(c->w.p[0], 0);
    assert_int_equal(c->w.p[1], 0);
    return (struct ike_payload){.body = c->w.p + 4, .len = (uint16_t)(c->w.len - 4), .type = c->first};
}

static void notifies(void **state)
{
    (void)state;
    uint8_t spi[16];
    struct ike_v1_notify n;
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_v1_cookies(spi, 0x0102030405060708u, 0x1112131415161718u), IKE_N1_R_U_THERE,
                      IKE_STR("\0\0\0\7"));
    struct ike_payload p = only(&c);
    static const uint8_t want[] = {0, 0, 0,    1,    1,    16,   0x8d, 0x28, 1,    2,    3, 4, 5, 6,
                                   7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0, 0, 0, 7};
    assert_int_equal(p.type, IKE_P1_NOTIFY);
    assert_int_equal(p.len, sizeof want);
    assert_memory_equal(p.body, want, sizeof want);
    assert_int_equal(ike_v1_notify_parse(&n, &p), IKE_OK);
    assert_int_equal(n.type, IKE_N1_R_U_THERE);
    assert_int_equal(n.protocol, 1);
    assert_int_equal(n.doi, 1);
    assert_int_equal(n.spi_len, 16);
    assert_memory_equal(n.spi, spi, 16);
    assert_int_equal(n.data.len, 4);
    /* Any other length of the sequence number is not one. */
    for (p.len = 0; p.len < sizeof want; p.len++) {
        assert_int_equal(ike_v1_notify_parse(&n, &p), IKE_ERR_PROTO);
    }
    const struct {
        struct ike_payload p;
        int rc;
    } rows[] = {
        {PAYLOAD(11, 0, 0, 0, 1, 1, 0, 0, 14), IKE_OK},
        {PAYLOAD(11, 0, 0, 0, 0, 1, 0, 0, 14), IKE_OK},        /* before there is a DOI to speak of */
        {PAYLOAD(11, 0, 0, 0, 2, 1, 0, 0, 14), IKE_ERR_PROTO}, /* GDOI */
        {PAYLOAD(11, 0, 0, 0, 1, 1, 1, 0, 14), IKE_ERR_PROTO}, /* SPI past the end */
        {PAYLOAD(11, 0, 0, 0, 1, 3, 4, 0, 14, 1, 2, 3), IKE_ERR_PROTO},
        {PAYLOAD(11, 0, 0, 0, 1, 3, 4, 0, 14, 1, 2, 3, 4), IKE_OK},
        {PAYLOAD(11, 0, 0, 0, 1, 1, 17, 0, 14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17), IKE_ERR_PROTO},
        {PAYLOAD(11, 0, 0, 0, 1, 3, 0, 0x60, 1, 0, 0, 0, 1), IKE_OK}, /* REPLAY-STATUS */
        {PAYLOAD(11, 0, 0, 0, 1, 3, 0, 0x60, 1, 0, 0, 1), IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_int_equal(ike_v1_notify_parse(&n, &rows[i].p), rows[i].rc);
    }
}

static void deletes(void **state)
{
    (void)state;
    static const uint32_t spis[] = {0xc0ffee01u, 0xc0ffee02u};
    struct ike_v1_delete d;
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_v1_put_delete_spis(&c, IKE_PROTO1_ESP, spis, 2);
    struct ike_payload p = only(&c);
    assert_int_equal(p.type, IKE_P1_DELETE);
    assert_int_equal(ike_v1_delete_parse(&d, &p), IKE_OK);
    assert_int_equal(d.protocol, 3);
    assert_int_equal(d.count, 2);
    assert_int_equal(ike_load32(d.spis), spis[0]);
    assert_int_equal(ike_load32(d.spis + 4), spis[1]);
    for (uint16_t whole = p.len, n = 0; n < whole; n++) {
        p.len = n;
        assert_int_equal(ike_v1_delete_parse(&d, &p), IKE_ERR_PROTO);
    }
    c = ike_chain(buf, sizeof buf);
    ike_v1_put_delete_isakmp(&c, 1, 2);
    p = only(&c);
    assert_int_equal(ike_v1_delete_parse(&d, &p), IKE_OK);
    assert_int_equal(d.protocol, 1);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.spi_len, 16);
    assert_int_equal(ike_load64(d.spis), 1);
    assert_int_equal(ike_load64(d.spis + 8), 2);
    const struct {
        struct ike_payload p;
        int rc;
    } rows[] = {
        {PAYLOAD(12, 0, 0, 0, 1, 3, 4, 0, 0), IKE_OK},
        {PAYLOAD(12, 0, 0, 0, 1, 3, 0, 0xff, 0xff), IKE_ERR_PROTO}, /* a count of nothing */
        {PAYLOAD(12, 0, 0, 0, 1, 3, 8, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8), IKE_ERR_PROTO},
        {PAYLOAD(12, 0, 0, 0, 1, 3, 4, 0, 1, 1, 2, 3, 4, 5), IKE_ERR_PROTO},
        {PAYLOAD(12, 0, 0, 0, 1, 4, 2, 0, 1, 1, 2), IKE_OK},
        {PAYLOAD(12, 0, 0, 0, 1, 4, 4, 0, 1, 0, 0, 1, 2), IKE_OK},
        {PAYLOAD(12, 0, 0, 0, 1, 1, 4, 0, 1, 0, 0, 1, 2), IKE_ERR_PROTO},
        {PAYLOAD(12, 0, 0, 0, 1, 9, 4, 0, 1, 0, 0, 1, 2), IKE_ERR_PROTO},
        {PAYLOAD(12, 0, 0, 0, 3, 3, 4, 0, 1, 0, 0, 1, 2), IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_int_equal(ike_v1_delete_parse(&d, &rows[i].p), rows[i].rc);
    }
}

static void identities(void **state)
{
    (void)state;
    const struct {
        struct ike_payload p;
        int rc;
    } rows[] = {
        {PAYLOAD(5, 1, 17, 1, 0xf4, 10, 0, 0, 1), IKE_OK},
        {PAYLOAD(5, 1, 17, 1, 0xf4, 10, 0, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 1, 17, 1, 0xf4, 10, 0, 0, 1, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 5, 0, 0, 0, 32, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), IKE_OK},
        {PAYLOAD(5, 5, 0, 0, 0, 32, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 5, 0, 0, 0, 32, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 2, 0, 0, 0, 'a', '.', 'b'), IKE_OK},
        {PAYLOAD(5, 2, 0, 0, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 2, 0, 0, 0, 'a', 0, 'b'), IKE_ERR_PROTO},
        {PAYLOAD(5, 4, 0, 0, 0, 10, 0, 0, 0, 255, 255, 0, 0), IKE_OK},
        {PAYLOAD(5, 4, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0), IKE_OK},
        {PAYLOAD(5, 4, 0, 0, 0, 10, 0, 0, 0, 255, 255, 255, 255), IKE_OK},
        {PAYLOAD(5, 4, 0, 0, 0, 10, 0, 0, 0, 255, 0, 255, 0), IKE_ERR_PROTO}, /* a mask with a hole */
        {PAYLOAD(5, 4, 0, 0, 0, 10, 0, 0, 0, 255, 255, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 4, 0, 0, 0, 10, 0, 0, 0, 255, 255, 0, 0, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 7, 6, 0, 80, 10, 0, 0, 1, 10, 0, 0, 9), IKE_OK},
        {PAYLOAD(5, 7, 6, 0, 80, 10, 0, 0, 9, 10, 0, 0, 1), IKE_ERR_PROTO},
        {PAYLOAD(5, 8, 6, 0, 80, 10, 0, 0, 1, 10, 0, 0, 9), IKE_ERR_PROTO}, /* that would be two IPv6 addresses */
        {PAYLOAD(5, 6, 0, 0, 0, 10, 0, 0, 0, 255, 255, 0, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 6, 0, 0, 0, 32, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                 0),
         IKE_OK},
        {PAYLOAD(5, 11, 0, 0, 0, 0), IKE_OK},
        {PAYLOAD(5, 13, 0, 0, 0), IKE_ERR_PROTO}, /* NULL is version 2's */
        {PAYLOAD(5, 0, 0, 0, 0), IKE_ERR_PROTO},
        {PAYLOAD(5, 1, 0, 0), IKE_ERR_PROTO},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_v1_id id;
        assert_int_equal(ike_v1_id_parse(&id, &rows[i].p), rows[i].rc);
        if (rows[i].rc == IKE_OK) {
            struct ike_chain c = ike_chain(buf, sizeof buf);
            ike_v1_put_id(&c, &id);
            const struct ike_payload p = only(&c);
            assert_int_equal(p.len, rows[i].p.len);
            assert_memory_equal(p.body, rows[i].p.body, p.len);
        }
    }
    struct ike_v1_id id;
    assert_int_equal(ike_v1_id_parse(&id, &rows[0].p), IKE_OK);
    assert_int_equal(id.protocol, 17);
    assert_int_equal(id.port, 500);
}

static void attributes(void **state)
{
    (void)state;
    struct ike_wr w = ike_wr(buf, sizeof buf);
    const uint64_t values[] = {0, 1, 0xffff, 0x10000, 0xffffffffu, 0x100000000u, UINT64_MAX};
    for (size_t i = 0; i < IKE_COUNT(values); i++) {
        ike_v1_put_attr_uint(&w, (uint16_t)(100 + i), values[i]);
    }
    ike_v1_put_attr(&w, 16521, IKE_STR("user"));
    ike_v1_put_attr(&w, 16522, ike_bytes_of(NULL, 0));
    static const uint8_t head[] = {0x80, 100, 0, 0, 0x80, 101, 0, 1, 0x80, 102, 0xff, 0xff, 0, 103, 0, 4, 0, 1, 0, 0};
    assert_memory_equal(buf, head, sizeof head);
    struct ike_rd r = ike_rd(buf, w.len);
    struct ike_v1_attr a;
    uint64_t v;
    for (size_t i = 0; i < IKE_COUNT(values); i++) {
        assert_true(ike_v1_attr_next(&r, &a));
        assert_int_equal(a.type, 100 + i);
        assert_true(a.tv == (values[i] <= 0xffff));
        assert_true(ike_v1_attr_uint(&a, &v));
        assert_true(v == values[i]);
    }
    assert_true(ike_v1_attr_next(&r, &a));
    assert_int_equal(a.type, 16521);
    assert_int_equal(a.value.len, 4);
    assert_true(ike_v1_attr_next(&r, &a));
    assert_int_equal(a.value.len, 0);
    assert_non_null(a.value.ptr);
    assert_false(ike_v1_attr_uint(&a, &v));
    assert_false(ike_v1_attr_next(&r, &a));
    assert_true(ike_rd_done(&r));
    /* Cut anywhere but between two of them, the reader is bad. */
    size_t ends = 0;
    for (size_t n = 0; n <= w.len; n++) {
        r = ike_rd(buf, n);
        while (ike_v1_attr_next(&r, &a)) {
        }
        ends += ike_rd_done(&r);
        assert_false(ike_v1_attr_next(&r, &a));
    }
    assert_int_equal(ends, 10);
    /* Zeros in front do not count, nine octets of value do. */
    static const uint8_t padded[] = {0, 2, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0x70, 0x80};
    static const uint8_t wide[] = {0, 2, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    r = ike_rd(padded, sizeof padded);
    assert_true(ike_v1_attr_next(&r, &a) && ike_v1_attr_uint(&a, &v));
    assert_int_equal(v, 28800);
    r = ike_rd(wide, sizeof wide);
    assert_true(ike_v1_attr_next(&r, &a));
    assert_false(ike_v1_attr_uint(&a, &v));
}

static void configuration(void **state)
{
    (void)state;
    struct ike_chain c = ike_chain(buf, sizeof buf);
    const size_t at = ike_v1_begin_config(&c, IKE_CFG1_REQUEST, 0xbeef);
    ike_v1_put_attr_uint(&c.w, 16520, 0);
    ike_v1_put_attr(&c.w, 16521, IKE_STR("user"));
    ike_chain_end(&c, at);
    struct ike_payload p = only(&c);
    struct ike_v1_config cfg;
    assert_int_equal(p.type, IKE_P1_ATTR);
    assert_int_equal(ike_v1_config_parse(&cfg, &p), IKE_OK);
    assert_int_equal(cfg.type, IKE_CFG1_REQUEST);
    assert_int_equal(cfg.identifier, 0xbeef);
    assert_int_equal(cfg.attrs.len, 12);
    unsigned good = 0;
    for (uint16_t whole = p.len, n = 0; n <= whole; n++) {
        p.len = n;
        good += ike_v1_config_parse(&cfg, &p) == IKE_OK;
    }
    assert_int_equal(good, 3); /* without, with one, with both */
}

static void hashes_and_addresses(void **state)
{
    (void)state;
    struct ike_chain c = ike_chain(buf, sizeof buf);
    const size_t at = ike_v1_reserve_hash(&c, 20);
    ike_v1_put_nat_oa(&c, IKE_P1_NAT_OA, 4, (const uint8_t[]){10, 0, 0, 1});
    assert_false(c.w.bad);
    assert_int_equal(at, 4);
    assert_int_equal(c.first, IKE_P1_HASH);
    static const uint8_t want[] = {21, 0, 0, 24, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0,  0, 0, 0,
                                   0,  0, 0, 0,  0, 0, 0, 0, 0, 12, 1, 0, 0, 0, 10, 0, 0, 1};
    assert_int_equal(c.w.len, sizeof want);
    assert_memory_equal(buf, want, sizeof want);
    c = ike_chain(buf, sizeof buf);
    ike_v1_put_nat_oa(&c, IKE_P1_NAT_OA_DRAFT, 6, want);
    assert_int_equal(only(&c).len, 20);
    assert_int_equal(buf[4], IKE_ID_IPV6_ADDR);
    c = ike_chain(buf, 23);
    ike_v1_reserve_hash(&c, 20);
    assert_true(c.w.bad);
}

/* ---- The chain in clear ---- */

static int parse(struct ike_message *m, uint8_t first, const uint8_t *chain, size_t n)
{
    struct ike_header h = {
        .spi_i = 1, .next = first, .version = IKE_V1_VERSION, .exchange = IKE_X1_MAIN, .length = (uint32_t)(28 + n)};
    ike_header_write(buf, &h);
    memcpy(buf + 28, chain, n);
    return ike_message_parse(m, buf, 28 + n);
}

/* Bodies one shorter than the fixed part of their type are refused before anybody reads them. */
static void fixed_parts(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        uint16_t min, max; /* 0: no limit */
    } rows[] = {{1, 8, 0},    {2, 0, 0},   {4, 1, 0},  {5, 4, 0},  {6, 1, 0},  {7, 1, 0},  {8, 1, 0},  {9, 1, 0},
                {10, 8, 256}, {11, 8, 0},  {12, 8, 0}, {13, 0, 0}, {14, 4, 0}, {20, 1, 0}, {21, 8, 0}, {130, 1, 0},
                {131, 8, 0},  {132, 5, 0}, {22, 0, 0}, {33, 0, 0}, {40, 0, 0}, {200, 0, 0}};
    static uint8_t chain[1024];
    static struct ike_message m;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        for (uint16_t n = 0; n < 600; n++) {
            ike_store16(chain + 2, (uint16_t)(n + 4));
            const bool good = n >= rows[i].min && (rows[i].max == 0 || n <= rows[i].max);
            assert_int_equal(parse(&m, rows[i].type, chain, n + 4u), good ? IKE_OK : IKE_ERR_PROTO);
            if (good) {
                assert_int_equal(m.n, 1);
                assert_false(m.p[0].inner);
                assert_ptr_equal(ike_message_find(&m, rows[i].type, 0), &m.p[0]);
            }
        }
    }
}

static void chains_in_clear(void **state)
{
    (void)state;
    static struct ike_message m;
    uint8_t chain[64];
    struct ike_chain c = ike_chain(chain, sizeof chain);
    ike_put_payload(&c, IKE_P1_VENDOR, IKE_STR("vendor"));
    ike_put_payload(&c, IKE_P1_NONCE, IKE_STR("nonce of eight"));
    assert_int_equal(parse(&m, c.first, chain, c.w.len), IKE_OK);
    assert_int_equal(m.n, 2);
    for (size_t n = 0; n < c.w.len; n++) {
        assert_int_equal(parse(&m, c.first, chain, n), IKE_ERR_PROTO);
    }
    chain[c.w.len] = 1; /* what nobody owns, and fills nothing up */
    assert_int_equal(parse(&m, c.first, chain, c.w.len + 1), IKE_ERR_PROTO);
    for (unsigned bit = 0; bit < 8; bit++) {
        chain[1] = (uint8_t)(1u << bit);
        assert_int_equal(parse(&m, c.first, chain, c.w.len), IKE_ERR_PROTO);
        chain[1] = 0;
        chain[11] = (uint8_t)(1u << bit);
        assert_int_equal(parse(&m, c.first, chain, c.w.len), IKE_ERR_PROTO);
        chain[11] = 0;
    }
    assert_int_equal(parse(&m, c.first, chain, c.w.len), IKE_OK);
}

/* Version 2's rules of how many of a type are looked at hold for version 1's numbers too. */
static void how_many_are_looked_at(void **state)
{
    (void)state;
    static struct ike_message m;
    uint8_t chain[1024];
    static const struct {
        uint8_t type, found;
    } rows[] = {{IKE_P1_VENDOR, 20}, {IKE_P1_CERT, 20}, {IKE_P1_NOTIFY, 50}, {IKE_P1_NAT_D, 60}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_chain c = ike_chain(chain, sizeof chain);
        for (unsigned k = 0; k < 60; k++) {
            ike_put_payload(&c, rows[i].type, IKE_STR("\0\0\0\1\1\0\0\1"));
        }
        assert_int_equal(parse(&m, c.first, chain, c.w.len), IKE_OK);
        unsigned found = 0;
        while (ike_message_find(&m, rows[i].type, found)) {
            found++;
        }
        assert_int_equal(found, rows[i].found);
    }
}

/* What Libreswan sends in Aggressive Mode: filled up to whole words. */
static void filled_up(void **state)
{
    (void)state;
    uint8_t m[IKE_HEADER_LEN + 6 + 4] = {0};
    struct ike_message parsed;
    for (size_t fill = 0; fill <= 4; fill++) {
        size_t n = IKE_HEADER_LEN + 6 + fill;
        struct ike_header h = {.spi_i = 1, .next = IKE_P1_VENDOR, .version = IKE_V1_VERSION, .exchange = IKE_X1_AGGRESSIVE};
        h.length = (uint32_t)n;
        ike_header_write(m, &h);
        ike_store16(m + IKE_HEADER_LEN + 2, 6);
        assert_int_equal(ike_message_parse(&parsed, m, n), fill < 4 ? IKE_OK : IKE_ERR_PROTO);
        m[n - 1] = 1;
        assert_int_equal(ike_message_parse(&parsed, m, n), fill == 0 ? IKE_OK : IKE_ERR_PROTO);
        m[n - 1] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filled_up),
        cmocka_unit_test(notifies),
        cmocka_unit_test(deletes),
        cmocka_unit_test(identities),
        cmocka_unit_test(attributes),
        cmocka_unit_test(configuration),
        cmocka_unit_test(hashes_and_addresses),
        cmocka_unit_test(fixed_parts),
        cmocka_unit_test(chains_in_clear),
        cmocka_unit_test(how_many_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
