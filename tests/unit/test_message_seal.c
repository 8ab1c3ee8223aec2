/* SPDX-License-Identifier: ISC
 *
 * The SK payload: what was sent between other implementations opens with their keys and comes out the same when sealed and
 * built again; RFC 7634's example; every cipher there and back; every bit error and every cut is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/message.h"
#include "message/seal.h"
#include "unit/capture_file.h"

static _Alignas(16) uint8_t scratch[16384];

static void use(struct ike_seal *k)
{
    assert_true(ike_seal_scratch(k) <= sizeof scratch);
    memset(scratch, 0x5a, sizeof scratch);
}

/* Whatever the outcome, no key material is left in the scratch space. */
static void assert_wiped(const struct ike_seal *k) { assert_true(ike_is_zero(scratch, ike_seal_scratch(k))); }

/* ---- Captures ---- */

static struct ike_seal seal_of(const ike_trace_keys *row, bool initiator)
{
    const ike_crypto *c = ike_crypto_default();
    return (struct ike_seal){.encr = ike_find_encr(c, row->encr),
                             .integ = row->integ ? ike_find_integ(c, row->integ) : NULL,
                             .sk_e = {initiator ? row->sk_ei : row->sk_er, row->sk_e_len},
                             .sk_a = {initiator ? row->sk_ai : row->sk_ar, row->sk_a_len}};
}

/* Put a chain together again from its payloads. */
static void rebuild(struct ike_chain *c, const struct ike_message *m, bool inner)
{
    for (unsigned i = 0; i < m->n; i++) {
        if (m->p[i].inner == inner) {
            ike_put_payload(c, m->p[i].type, ike_bytes_of(m->p[i].body, m->p[i].len));
        }
    }
}

/* The fields of a payload read and written back: the octets must come out again. */
static void rewrite(const struct ike_payload *p)
{
    uint8_t buf[1024];
    struct ike_chain c = ike_chain(buf, sizeof buf);
    ike_bytes value;
    uint16_t group;
    uint8_t method;
    ike_id id;
    ike_ts ts[8];
    size_t n;
    switch (p->type) {
    case IKE_P_KE:
        assert_int_equal(ike_ke_parse(&group, &value, p), IKE_OK);
        ike_put_ke(&c, group, value);
        break;
    case IKE_P_IDI:
    case IKE_P_IDR:
        assert_int_equal(ike_id_payload_parse(&id, p), IKE_OK);
        ike_put_id(&c, p->type, &id);
        break;
    case IKE_P_AUTH:
        assert_int_equal(ike_auth_parse(&method, &value, p), IKE_OK);
        ike_put_auth(&c, method, value);
        break;
    case IKE_P_TSI:
    case IKE_P_TSR:
        assert_int_equal(ike_ts_payload_parse(ts, 8, &n, p), IKE_OK);
        ike_put_ts(&c, p->type, ts, n);
        break;
    case IKE_P_NOTIFY: {
        struct ike_notify x;
        assert_int_equal(ike_notify_parse(&x, p), IKE_OK);
        if (x.spi_len == 4) {
            ike_put_notify_spi(&c, x.protocol, ike_load32(x.spi), x.type, x.data);
        } else if (x.protocol == 0) {
            ike_put_notify(&c, x.type, x.data);
        } else {
            return; /* some write a protocol where there is no SPI; we do not */
        }
        break;
    }
    default:
        return;
    }
    assert_false(c.w.bad);
    assert_int_equal(c.w.len, p->len + 4u);
    assert_memory_equal(buf + 4, p->body, p->len);
}

static unsigned reseal(const uint8_t *data, size_t n, const ike_trace_keys *rows, size_t n_rows)
{
    struct ike_message m;
    uint8_t inner[2048], built[2048], again[2048];
    size_t len;
    assert_int_equal(ike_message_parse(&m, data, n), IKE_OK);
    struct ike_chain c = ike_chain(built, sizeof built);
    rebuild(&c, &m, false);
    if (m.sk_at == 0) {
        assert_int_equal(c.first, m.h.next);
        assert_int_equal(c.w.len, n - IKE_HEADER_LEN);
        assert_memory_equal(built, data + IKE_HEADER_LEN, c.w.len);
    }
    for (size_t i = 0; i < n_rows && m.sk_at != 0; i++) {
        if (rows[i].spi_i != m.h.spi_i || rows[i].spi_r != m.h.spi_r) {
            continue;
        }
        struct ike_seal k = seal_of(&rows[i], m.h.flags & IKE_FLAG_INITIATOR);
        assert_non_null(k.encr);
        use(&k);
        assert_int_equal(ike_open(&k, &m, scratch, inner, sizeof inner, &len), IKE_OK);
        assert_wiped(&k);
        assert_int_equal(ike_message_parse_inner(&m, inner, len), IKE_OK);
        c = ike_chain(built, sizeof built);
        rebuild(&c, &m, true);
        assert_int_equal(c.w.len, len);
        assert_memory_equal(built, inner, len);
        assert_int_equal(m.n == 0 ? IKE_P_NONE : c.first, m.sk_next);
        /* With their IV ours is their message, unless they padded more than needed. */
        use(&k);
        const uint8_t *iv = data + m.sk_at + 4;
        assert_int_equal(ike_seal(&k, &m.h, m.sk_next, built, len, iv, scratch, again, sizeof again, &len), IKE_OK);
        assert_wiped(&k);
        if (k.encr->aead || len == n) {
            assert_int_equal(len, n);
            assert_memory_equal(again, data, k.encr->aead ? n : m.sk_at + 4);
        }
    }
    for (unsigned i = 0; i < m.n; i++) {
        rewrite(&m.p[i]);
    }
    return m.sk_at != 0;
}

/* Small builds of the library come without some ciphers. */
static bool have_cipher(uint16_t encr)
{
    if (ike_find_encr(ike_crypto_default(), encr) != NULL) {
        return true;
    }
    fprintf(stderr, "left out: cipher %u is not in this build\n", encr);
    return false;
}

static void run_capture(const char *name, uint16_t encr)
{
    struct capture_file cap;
    ike_trace_keys rows[8];
    const size_t n_rows = capture_keys(rows, 8, 2);
    if (!have_cipher(encr)) {
        return;
    }
    if (n_rows == 0 || !capture_load(&cap, name)) {
        skip();
    }
    unsigned opened = 0;
    for (size_t i = 0; i < cap.n; i++) {
        opened += reseal(cap.message[i].ptr, cap.message[i].len, rows, n_rows);
    }
    assert_true(opened >= 2);
    capture_free(&cap);
}

static void test_capture_gcm(void **state)
{
    (void)state;
    run_capture("ikev2-decrypt-aes256gcm16.pcap", 20);
}

static void test_capture_cbc(void **state)
{
    (void)state;
    run_capture("ikev2-decrypt-aes256cbc.pcapng", 12);
}

/* ---- RFC 7634 appendix B ---- */

static void test_rfc7634(void **state)
{
    (void)state;
    static const char key[] = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3";
    static const char wire[] = "c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029101112131415161761039470"
                               "1f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2";
    uint8_t k[36], msg[128], out[128], again[128];
    size_t len;
    assert_int_equal(vec_hex(key, k, sizeof k), 36);
    const size_t n = vec_hex(wire, msg, sizeof msg);
    assert_int_equal(n, 69);
    struct ike_seal seal = {.encr = ike_find_encr(ike_crypto_default(), 28), .sk_e = {k, sizeof k}};
    if (!have_cipher(28)) {
        return;
    }
    struct ike_message m;
    assert_int_equal(ike_message_parse(&m, msg, n), IKE_OK);
    use(&seal);
    assert_int_equal(ike_open(&seal, &m, scratch, out, sizeof out, &len), IKE_OK);
    static const uint8_t inner[] = {0, 0, 0, 12, 0, 0, 0x40, 1, 0, 0, 0, 10};
    assert_int_equal(len, sizeof inner);
    assert_memory_equal(out, inner, sizeof inner);
    use(&seal);
    assert_int_equal(ike_seal(&seal, &m.h, 41, inner, sizeof inner, msg + 32, scratch, again, sizeof again, &len), IKE_OK);
    assert_int_equal(len, n);
    assert_memory_equal(again, msg, n);
}

/* ---- There and back ---- */

struct suite {
    uint16_t encr, integ;
    uint8_t key;
};
static const struct suite suites[] = {{20, 0, 20}, {20, 0, 36}, {28, 0, 36}, {12, 12, 16}, {12, 2, 32}, {12, 14, 32}};

static bool pick(struct ike_seal *k, const struct suite *s)
{
    static uint8_t key[64];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)(i * 7 + 1);
    }
    k->encr = ike_find_encr(ike_crypto_default(), s->encr);
    k->integ = s->integ ? ike_find_integ(ike_crypto_default(), s->integ) : NULL;
    k->sk_e = ike_bytes_of(key, s->key);
    k->sk_a = ike_bytes_of(key, k->integ ? k->integ->key_len : 0);
    return k->encr != NULL && (s->integ == 0 || k->integ != NULL);
}

static const struct ike_header head = {1, 2, 0, 0x20, IKE_X_INFORMATIONAL, IKE_FLAG_INITIATOR, 7, 0};

static void test_lengths(void **state)
{
    (void)state;
    uint8_t inner[80], iv[16] = {9}, msg[256], out[256];
    memset(inner, 0x77, sizeof inner);
    for (size_t s = 0; s < IKE_COUNT(suites); s++) {
        struct ike_seal k;
        if (!pick(&k, &suites[s])) {
            continue;
        }
        for (size_t n = 0; n <= sizeof inner; n++) {
            size_t len, back;
            const size_t size = ike_seal_size(&k, n);
            use(&k);
            assert_int_equal(ike_seal(&k, &head, n ? 43 : 0, inner, n, iv, scratch, msg, size - 1, &len), IKE_ERR_BUFFER);
            assert_int_equal(ike_seal(&k, &head, n ? 43 : 0, inner, n, iv, scratch, msg, size, &len), IKE_OK);
            assert_wiped(&k);
            assert_int_equal(len, size);
            struct ike_message m;
            assert_int_equal(ike_message_parse(&m, msg, len), IKE_OK);
            assert_int_equal(m.h.length, len);
            const size_t text = len - 32 - k.encr->iv_len - (k.integ ? k.integ->icv_len : k.encr->icv_len);
            assert_int_equal(ike_open(&k, &m, scratch, out, text - 1, &back), IKE_ERR_BUFFER);
            assert_int_equal(ike_open(&k, &m, scratch, out, text, &back), IKE_OK);
            assert_wiped(&k);
            assert_int_equal(back, n);
            assert_memory_equal(out, inner, n);
        }
        size_t len;
        assert_int_equal(ike_seal(&k, &head, 43, inner, 65536, iv, scratch, msg, sizeof msg, &len), IKE_ERR_LIMIT);
        assert_int_equal(ike_seal(&k, &head, 43, inner, 65530, iv, scratch, msg, sizeof msg, &len), IKE_ERR_LIMIT);
    }
    struct ike_seal k;
    size_t len;
    if (pick(&k, &suites[3])) {
        k.integ = NULL;
        assert_int_equal(ike_seal(&k, &head, 43, inner, 8, iv, scratch, msg, sizeof msg, &len), IKE_ERR_INVALID);
    }
}

/* Parse a copy of exact size with its length field right, and open it. */
static int try(struct ike_seal *k, const uint8_t *msg, size_t n)
{
    struct ike_message m;
    uint8_t out[256];
    size_t len;
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, msg, n);
    int rc = ike_message_parse(&m, copy, n);
    if (rc == IKE_OK) {
        rc = ike_open(k, &m, scratch, out, sizeof out, &len);
        assert_int_equal(len == 0 || rc == IKE_OK, 1);
    }
    free(copy);
    return rc;
}

/* A payload in clear before SK, then SK: every bit counts, cuts with the lengths adjusted as well. */
static void test_damage(void **state)
{
    (void)state;
    static const uint8_t inner[] = {0, 0, 0, 8, 0, 0, 0x40, 0}, iv[16] = {3};
    for (size_t s = 0; s < IKE_COUNT(suites); s++) {
        struct ike_seal k;
        uint8_t msg[256];
        size_t n;
        if (!pick(&k, &suites[s])) {
            continue;
        }
        assert_int_equal(ike_seal(&k, &head, 41, inner, sizeof inner, iv, scratch, msg, sizeof msg, &n), IKE_OK);
        assert_int_equal(try(&k, msg, n), IKE_OK);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_true(try(&k, msg, n) != IKE_OK);
            msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t copy[256];
            memcpy(copy, msg, n);
            ike_store32(copy + 24, (uint32_t)cut);
            ike_store16(copy + 30, (uint16_t)(cut >= 28 ? cut - 28 : 0));
            const int rc = try(&k, copy, cut);
            assert_int_equal(rc, cut < 32 ? IKE_ERR_PROTO : IKE_ERR_CRYPTO);
        }
    }
}

/* Authenticated, but the Pad Length is more than there is: that is not a wrong ICV. Made with the descriptors directly. */
static void test_bad_padding(void **state)
{
    (void)state;
    struct ike_seal k;
    if (!pick(&k, &suites[0])) {
        skip();
    }
    for (unsigned pad = 0; pad < 256; pad++) {
        uint8_t msg[28 + 4 + 8 + 10 + 16], text[10] = {0}, out[64], iv[8] = {1};
        size_t len;
        struct ike_header h = head;
        h.next = IKE_P_SK;
        h.length = sizeof msg;
        ike_header_write(msg, &h);
        ike_store32(msg + 28, (uint32_t)sizeof msg - 28);
        memcpy(msg + 32, iv, 8);
        text[9] = (uint8_t)pad;
        memcpy(msg + 40, text, 10);
        assert_int_equal(k.encr->init(scratch, k.sk_e.ptr, k.sk_e.len, true), IKE_OK);
        assert_int_equal(k.encr->seal(scratch, iv, msg, 32, msg + 40, 10, msg + 50), IKE_OK);
        k.encr->clear(scratch);
        struct ike_message m;
        assert_int_equal(ike_message_parse(&m, msg, sizeof msg), IKE_OK);
        assert_int_equal(ike_open(&k, &m, scratch, out, sizeof out, &len), pad <= 9 ? IKE_OK : IKE_ERR_PROTO);
        assert_int_equal(len, pad <= 9 ? 9 - pad : 0);
    }
}

/* Payloads in clear before SK belong to what is authenticated. */
static void test_clear_before(void **state)
{
    (void)state;
    struct ike_seal k;
    if (!pick(&k, &suites[0])) {
        skip();
    }
    uint8_t msg[28 + 6 + 4 + 8 + 1 + 16], iv[8] = {1};
    struct ike_header h = head;
    h.next = IKE_P_VENDOR;
    h.length = sizeof msg;
    ike_header_write(msg, &h);
    static const uint8_t vendor[] = {IKE_P_SK, 0, 0, 6, 'h', 'i'};
    memcpy(msg + 28, vendor, sizeof vendor);
    ike_store32(msg + 34, (uint32_t)sizeof msg - 34);
    memcpy(msg + 38, iv, 8);
    msg[46] = 0;
    assert_int_equal(k.encr->init(scratch, k.sk_e.ptr, k.sk_e.len, true), IKE_OK);
    assert_int_equal(k.encr->seal(scratch, iv, msg, 38, msg + 46, 1, msg + 47), IKE_OK);
    k.encr->clear(scratch);
    assert_int_equal(try(&k, msg, sizeof msg), IKE_OK);
    msg[32] ^= 1;
    assert_int_equal(try(&k, msg, sizeof msg), IKE_ERR_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_gcm),  cmocka_unit_test(test_capture_cbc), cmocka_unit_test(test_rfc7634),
        cmocka_unit_test(test_lengths),      cmocka_unit_test(test_damage),      cmocka_unit_test(test_bad_padding),
        cmocka_unit_test(test_clear_before),
    };
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
