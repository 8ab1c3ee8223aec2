/* SPDX-License-Identifier: ISC
 *
 * pcap and pcapng in all byte orders and time units; cut and damaged files end cleanly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include <ike/trace.h>

/* A file written number by number in either byte order. */
struct out {
    uint8_t b[4096];
    size_t n;
    bool little;
};

static void u32(struct out *o, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        o->b[o->n++] = (uint8_t)(v >> (o->little ? 8 * i : 24 - 8 * i));
    }
}

static void u16(struct out *o, uint16_t v)
{
    o->b[o->n++] = (uint8_t)(o->little ? v : v >> 8);
    o->b[o->n++] = (uint8_t)(o->little ? v >> 8 : v);
}

static void raw(struct out *o, const char *text, size_t n)
{
    memcpy(o->b + o->n, text, n);
    o->n += n;
}

static int open_copy(ike_capture *c, uint8_t **copy, const struct out *o, size_t n)
{
    *copy = malloc(n ? n : 1);
    assert_non_null(*copy);
    memcpy(*copy, o->b, n);
    return ike_capture_open(c, *copy, n);
}

static void pcap(struct out *o, bool little, bool nano)
{
    *o = (struct out){.little = little};
    u32(o, nano ? 0xa1b23c4d : 0xa1b2c3d4);
    u16(o, 2);
    u16(o, 4);
    u32(o, 0);
    u32(o, 0);
    u32(o, 65535);
    u32(o, 1);
    for (uint32_t i = 0; i < 3; i++) {
        u32(o, 1000 + i);
        u32(o, nano ? 123456789 : 123456);
        u32(o, 4 + i);
        u32(o, 100);
        raw(o, "abcdefgh", 4 + i);
    }
}

static void test_pcap(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct out o;
        uint8_t *copy;
        ike_capture c;
        ike_frame f;
        pcap(&o, kind & 1, kind & 2);
        assert_int_equal(open_copy(&c, &copy, &o, o.n), IKE_OK);
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(ike_capture_next(&c, &f), IKE_OK);
            assert_true(f.number == i + 1 && f.seconds == 1000 + i && f.link == 1 && f.len == 4 + i && f.original_len == 100);
            assert_int_equal(f.nanoseconds, kind & 2 ? 123456789 : 123456000);
            assert_memory_equal(f.data, "abcdefgh", f.len);
        }
        assert_int_equal(ike_capture_next(&c, &f), IKE_ERR_NOT_FOUND);
        assert_int_equal(ike_capture_next(&c, &f), IKE_ERR_NOT_FOUND);
        free(copy);
    }
}

static void block(struct out *o, uint32_t type, size_t body)
{
    u32(o, type);
    u32(o, (uint32_t)(12 + body));
}

static void section(struct out *o)
{
    block(o, 0x0a0d0d0a, 16);
    u32(o, 0x1a2b3c4d);
    u16(o, 1);
    u16(o, 0);
    u32(o, UINT32_MAX);
    u32(o, UINT32_MAX);
    u32(o, 28);
}

static void interface(struct out *o, uint16_t link, int resolution)
{
    const uint32_t options = resolution < 0 ? 0 : 20;
    block(o, 1, 8 + options);
    u16(o, link);
    u16(o, 0);
    u32(o, 6); /* snapshot length */
    if (options) {
        u16(o, 2); /* a name of 3 octets goes first */
        u16(o, 3);
        raw(o, "eth\0", 4);
        u16(o, 9);
        u16(o, 1);
        o->b[o->n++] = (uint8_t)resolution;
        raw(o, "\0\0\0", 3);
        u32(o, 0);
    }
    u32(o, 20 + options);
}

static void packet(struct out *o, uint32_t on, uint64_t stamp)
{
    block(o, 6, 28);
    u32(o, on);
    u32(o, (uint32_t)(stamp >> 32));
    u32(o, (uint32_t)stamp);
    u32(o, 5);
    u32(o, 9);
    raw(o, "hello\0\0\0", 8);
    u32(o, 40);
}

static void simple(struct out *o)
{
    block(o, 3, 12);
    u32(o, 9);
    raw(o, "simple\0\0", 8);
    u32(o, 24);
}

static void ng(struct out *o, bool little)
{
    *o = (struct out){.little = little};
    section(o);
    interface(o, 1, -1);
    packet(o, 0, 5000001);
    interface(o, 113, 9);
    block(o, 5, 4); /* statistics: passed over */
    u32(o, 0);
    u32(o, 16);
    packet(o, 1, 5000000001);
    interface(o, 101, 0x80 | 10);
    packet(o, 2, 5 * 1024 + 512);
    simple(o);
    o->little = !little; /* another section, of the other order; interfaces start anew */
    section(o);
    interface(o, 276, 3);
    packet(o, 0, 5001);
}

static void test_ng(void **state)
{
    (void)state;
    static const struct {
        uint16_t link;
        uint64_t seconds;
        uint32_t nanoseconds;
        size_t len;
    } want[] = {{1, 5, 1000, 5}, {113, 5, 1, 5}, {101, 5, 500000000, 5}, {1, 0, 0, 6}, {276, 5, 1000000, 5}};
    for (int little = 0; little < 2; little++) {
        struct out o;
        uint8_t *copy;
        ike_capture c;
        ike_frame f;
        ng(&o, little);
        assert_int_equal(open_copy(&c, &copy, &o, o.n), IKE_OK);
        for (size_t i = 0; i < IKE_COUNT(want); i++) {
            assert_int_equal(ike_capture_next(&c, &f), IKE_OK);
            assert_int_equal(f.link, want[i].link);
            assert_int_equal(f.seconds, want[i].seconds);
            assert_int_equal(f.nanoseconds, want[i].nanoseconds);
            assert_int_equal(f.len, want[i].len);
            assert_int_equal(f.original_len, 9);
            assert_int_equal(f.number, i + 1);
        }
        assert_int_equal(ike_capture_next(&c, &f), IKE_ERR_NOT_FOUND);
        free(copy);
    }
}

static void test_resolutions(void **state)
{
    (void)state;
    static const struct {
        int resolution;
        uint64_t stamp, seconds;
        uint32_t nanoseconds;
    } rows[] = {
        {0, 7, 7, 0},
        {12, 7000000001000, 7, 1},
        {19, UINT64_MAX, 1, 844674407},
        {127, UINT64_MAX, 1, 844674407}, /* nothing finer than 19 fits */
        {0x80, 7, 7, 0},
        {0x80 | 63, UINT64_C(3) << 62, 1, 500000000},
        {0x80 | 64, UINT64_MAX, 0, 0},
        {0x80 | 127, UINT64_MAX, 0, 0},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct out o = {.little = true};
        uint8_t *copy;
        ike_capture c;
        ike_frame f;
        section(&o);
        interface(&o, 1, rows[i].resolution);
        packet(&o, 0, rows[i].stamp);
        assert_int_equal(open_copy(&c, &copy, &o, o.n), IKE_OK);
        assert_int_equal(ike_capture_next(&c, &f), IKE_OK);
        assert_int_equal(f.seconds, rows[i].seconds);
        assert_int_equal(f.nanoseconds, rows[i].nanoseconds);
        free(copy);
    }
}

static unsigned count(const struct out *o, size_t n, int *end)
{
    uint8_t *copy;
    ike_capture c;
    ike_frame f;
    unsigned frames = 0;
    *end = open_copy(&c, &copy, o, n);
    while (*end == IKE_OK && (*end = ike_capture_next(&c, &f)) == IKE_OK) {
        frames++;
        for (size_t i = 0; i < f.len; i++) {
            frames += f.data[i] == 0xa5; /* touch every octet; none is like that */
        }
    }
    free(copy);
    return frames;
}

static void test_damage(void **state)
{
    (void)state;
    struct out o;
    int end;
    for (int kind = 0; kind < 2; kind++) {
        kind ? ng(&o, true) : pcap(&o, true, false);
        const unsigned all = count(&o, o.n, &end);
        for (size_t n = 0; n < o.n; n++) {
            assert_true(count(&o, n, &end) <= all);
            assert_true(end == IKE_ERR_PROTO || end == IKE_ERR_NOT_FOUND || end == IKE_ERR_INVALID);
        }
        for (size_t bit = 0; bit < 8 * o.n; bit++) {
            o.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            count(&o, o.n, &end);
            o.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    o = (struct out){.little = true};
    assert_int_equal(count(&o, 0, &end), 0);
    assert_int_equal(end, IKE_ERR_INVALID);
    /* A frame on an interface that was not described. */
    section(&o);
    packet(&o, 0, 0);
    assert_int_equal(count(&o, o.n, &end), 0);
    assert_int_equal(end, IKE_ERR_PROTO);
}

/* Those for which there is no room are skipped, their frames are not lost. */
static void test_many_interfaces(void **state)
{
    (void)state;
    struct out o = {.little = true};
    ike_capture c;
    ike_frame f;
    section(&o);
    for (unsigned i = 0; i < IKE_CAPTURE_INTERFACES + 2; i++) {
        interface(&o, 101, -1);
    }
    packet(&o, IKE_CAPTURE_INTERFACES - 1, 0);
    packet(&o, IKE_CAPTURE_INTERFACES + 1, 0);
    packet(&o, IKE_CAPTURE_INTERFACES + 2, 0);
    assert_int_equal(ike_capture_open(&c, o.b, o.n), IKE_OK);
    assert_int_equal(ike_capture_next(&c, &f), IKE_OK);
    assert_int_equal(f.link, 101);
    assert_int_equal(ike_capture_next(&c, &f), IKE_OK);
    assert_int_equal(f.link, IKE_LINK_UNKNOWN);
    assert_int_equal(ike_capture_next(&c, &f), IKE_ERR_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pcap), cmocka_unit_test(test_ng), cmocka_unit_test(test_resolutions),
                                       cmocka_unit_test(test_damage), cmocka_unit_test(test_many_interfaces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
