/* SPDX-License-Identifier: ISC
 *
 * Building: each payload against its octets as RFC 7296 draws them, and a buffer that is too small at every length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/message.h"

static void expect(const struct ike_chain *c, uint8_t first, const void *want, size_t n)
{
    assert_false(c->w.bad);
    assert_int_equal(c->first, first);
    assert_int_equal(c->w.len, n);
    assert_memory_equal(c->w.p, want, n);
}

static void test_each(void **state)
{
    (void)state;
    uint8_t b[128];
    struct ike_chain c = ike_chain(b, sizeof b);
    ike_put_notify(&c, IKE_N_NO_PROPOSAL_CHOSEN, (ike_bytes){0});
    static const uint8_t notify[] = {0, 0, 0, 8, 0, 0, 0, 14};
    expect(&c, 41, notify, sizeof notify);

    c = ike_chain(b, sizeof b);
    ike_put_notify_spi(&c, IKE_PROTO_ESP, 0xc1c2c3c4, IKE_N_REKEY_SA, IKE_STR("x"));
    static const uint8_t rekey[] = {0, 0, 0, 13, 3, 4, 0x40, 0x09, 0xc1, 0xc2, 0xc3, 0xc4, 'x'};
    expect(&c, 41, rekey, sizeof rekey);

    c = ike_chain(b, sizeof b);
    ike_put_delete_ike(&c);
    static const uint8_t del[] = {0, 0, 0, 8, 1, 0, 0, 0};
    expect(&c, 42, del, sizeof del);

    c = ike_chain(b, sizeof b);
    ike_put_delete_spis(&c, IKE_PROTO_AH, (const uint32_t[]){0x01020304, 0x05060708}, 2);
    static const uint8_t spis[] = {0, 0, 0, 16, 2, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
    expect(&c, 42, spis, sizeof spis);

    c = ike_chain(b, sizeof b);
    ike_put_ke(&c, 0x0102, IKE_STR("kk"));
    static const uint8_t ke[] = {0, 0, 0, 10, 1, 2, 0, 0, 'k', 'k'};
    expect(&c, 34, ke, sizeof ke);

    c = ike_chain(b, sizeof b);
    ike_put_id(&c, IKE_P_IDR, &(ike_id){IKE_ID_KEY_ID, IKE_STR("me")});
    static const uint8_t id[] = {0, 0, 0, 10, 11, 0, 0, 0, 'm', 'e'};
    expect(&c, 36, id, sizeof id);

    c = ike_chain(b, sizeof b);
    ike_put_auth(&c, 14, IKE_STR("s"));
    static const uint8_t auth[] = {0, 0, 0, 9, 14, 0, 0, 0, 's'};
    expect(&c, 39, auth, sizeof auth);

    c = ike_chain(b, sizeof b);
    const ike_ts ts[] = {{4, 17, 500, 4500, {10, 1, 2, 3}, {10, 1, 2, 9}}, {6, 0, 65535, 0, {0x20, 1}, {0x20, 2}}};
    ike_put_ts(&c, IKE_P_TSR, ts, 2);
    static const uint8_t tsr[] = {0, 0, 0, 64, 2,    0,  0,    0,    7, 17, 0,    16, 1, 0xf4, 0x11, 0x94, 10, 1, 2, 3, 10, 1,
                                  2, 9, 8, 0,  0,    40, 0xff, 0xff, 0, 0,  0x20, 1,  0, 0,    0,    0,    0,  0, 0, 0, 0,  0,
                                  0, 0, 0, 0,  0x20, 2,  0,    0,    0, 0,  0,    0,  0, 0,    0,    0,    0,  0, 0, 0};
    expect(&c, 45, tsr, sizeof tsr);
}

static void all(struct ike_chain *c)
{
    const ike_ts ts = {4, 0, 0, 65535, {10}, {10, 255, 255, 255}};
    size_t at = ike_chain_begin(c, IKE_P_VENDOR);
    ike_wr_bytes(&c->w, IKE_STR("vendor"));
    ike_chain_end(c, at);
    ike_put_payload(c, IKE_P_NONCE, IKE_STR("0123456789abcdef"));
    ike_put_notify(c, IKE_N_COOKIE, IKE_STR("c"));
    ike_put_ts(c, IKE_P_TSI, &ts, 1);
    ike_put_delete_ike(c);
}

static void test_chain(void **state)
{
    (void)state;
    uint8_t b[256], data[IKE_HEADER_LEN + 256];
    struct ike_chain c = ike_chain(b, sizeof b);
    all(&c);
    assert_false(c.w.bad);
    const struct ike_header h = {1, 0, c.first, 0x20, IKE_X_SA_INIT, IKE_FLAG_INITIATOR, 0, (uint32_t)(IKE_HEADER_LEN + c.w.len)};
    ike_header_write(data, &h);
    memcpy(data + IKE_HEADER_LEN, b, c.w.len);
    struct ike_message m;
    assert_int_equal(ike_message_parse(&m, data, h.length), IKE_OK);
    static const uint8_t types[] = {IKE_P_VENDOR, IKE_P_NONCE, IKE_P_NOTIFY, IKE_P_TSI, IKE_P_DELETE};
    assert_int_equal(m.n, sizeof types);
    for (size_t i = 0; i < sizeof types; i++) {
        assert_int_equal(m.p[i].type, types[i]);
    }
    const size_t whole = c.w.len;
    for (size_t cap = 0; cap <= whole; cap++) {
        uint8_t *room = malloc(cap ? cap : 1);
        assert_non_null(room);
        c = ike_chain(room, cap);
        all(&c);
        assert_int_equal(c.w.bad, cap < whole);
        free(room);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static uint8_t big[70000];
    uint8_t *room = malloc(80000);
    assert_non_null(room);
    struct ike_chain c = ike_chain(room, 80000);
    ike_put_payload(&c, IKE_P_VENDOR, ike_bytes_of(big, 65531));
    assert_false(c.w.bad);
    c = ike_chain(room, 80000);
    ike_put_payload(&c, IKE_P_VENDOR, ike_bytes_of(big, 65532));
    assert_true(c.w.bad);
    c = ike_chain(room, 80000);
    ike_put_ts(&c, IKE_P_TSI, NULL, 0);
    assert_true(c.w.bad);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each), cmocka_unit_test(test_chain), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
