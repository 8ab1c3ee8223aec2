/* SPDX-License-Identifier: ISC
 *
 * Decoding: what the captures are known to hold shows with their keys and not without; every octet string of a message is in
 * its text; JSON is well-formed; damaged messages end cleanly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "ctl/decode_legacy.c" /* the program links it; here it is part of what is tested */
#include "message/v1.h"
#include "unit/capture_file.h"
#include "vectors/json.h"

/* ---- Text in a growing block ---- */

struct text {
    char *p;
    size_t n, room;
};

static void put_text(void *user, const char *s, size_t n)
{
    struct text *t = user;
    while (t->room - t->n <= n) {
        t->room = t->room ? t->room * 2 : 4096;
        t->p = realloc(t->p, t->room);
        assert_non_null(t->p);
    }
    memcpy(t->p + t->n, s, n);
    t->n += n;
    t->p[t->n] = 0;
}

static void put_nothing(void *user, const char *s, size_t n) { *(size_t *)user += n + (size_t)(unsigned char)s[n ? n - 1 : 0]; }

static void *get(void *user, size_t n)
{
    ++*(int *)user;
    return malloc(n);
}
static void put(void *user, void *p, size_t n)
{
    --*(int *)user;
    assert_true(ike_is_zero(p, n)); /* decrypted text and key schedules are wiped */
    free(p);
}
static int blocks;

static struct decode_legacy legacy;
static const ike_crypto *crypto[3];
static ike_trace_keys keys[8];
static size_t n_keys;

static ike_decoder decoder(bool with_keys, bool json)
{
    ike_decoder d;
    ike_decoder_init(&d);
    d.keys = keys;
    d.n_keys = with_keys ? n_keys : 0;
    d.crypto = crypto;
    d.mem = (ike_allocator){get, put, &blocks};
    d.json = json;
    return d;
}

static int setup(void **state)
{
    (void)state;
    decode_legacy_init(&legacy);
    crypto[0] = ike_crypto_default();
    crypto[1] = &legacy.crypto;
    n_keys = capture_keys(keys, 8, 2);
    return ike_crypto_global_init();
}

static struct text decode_all(const struct capture_file *c, bool with_keys, bool json)
{
    struct text t = {0};
    const ike_sink sink = {put_text, &t};
    const ike_decoder d = decoder(with_keys, json);
    put_text(&t, "", 0);
    for (size_t i = 0; i < c->n; i++) {
        assert_int_equal(ike_decode(&d, c->message[i].ptr, c->message[i].len, &sink), IKE_OK);
        put_text(&t, "\n", 1);
    }
    assert_int_equal(blocks, 0);
    return t;
}

static char *hex_of(ike_bytes b)
{
    char *text = malloc(2 * b.len + 1);
    assert_non_null(text);
    for (size_t i = 0; i < b.len; i++) {
        snprintf(text + 2 * i, 3, "%02x", (unsigned)b.ptr[i]);
    }
    text[2 * b.len] = 0;
    return text;
}

static void check_json(const char *text)
{
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');
        struct json *j = json_parse(line, (size_t)(end - line));
        assert_non_null(j);
        assert_string_equal(json_text(j, "name"), "IKE message");
        const struct json *header = json_first(json_get(j, "items"));
        assert_string_equal(json_text(header, "name"), "header");
        assert_true(json_count(json_get(header, "items")) >= 11);
        json_free(j);
        line = end + 1;
    }
}

/* The expected value of keys.json is there with the keys and not without, in both forms. */
static void run_v2(const char *name, uint16_t encr)
{
    char path[512];
    struct capture_file c;
    const bool have_encr = ike_find_encr(crypto[0], encr) != NULL || ike_find_encr(crypto[1], encr) != NULL;
    if (!have_encr || (encr == 3 && legacy.integs[0] == NULL)) {
        fprintf(stderr, "left out: cipher %u, or SHA-1 for it, is not in this build\n", encr);
        return;
    }
    if (n_keys == 0 || !capture_load(&c, name) || vec_path(path, sizeof path, CAPTURES "keys.json") == NULL) {
        skip();
    }
    struct json *j = json_load(path);
    const char *expected = json_text(json_get(j, name), "expected_value");
    assert_non_null(expected);
    for (int json = 0; json < 2; json++) {
        struct text with = decode_all(&c, true, json), without = decode_all(&c, false, json);
        char field[256];
        snprintf(field, sizeof field, json ? "\"hex\":\"%s\"" : "data: %s\n", expected);
        assert_non_null(strstr(with.p, field));
        assert_null(strstr(without.p, expected));
        assert_non_null(strstr(without.p, "no keys for these SPIs"));
        assert_null(strstr(with.p, "malformed"));
        if (json) {
            check_json(with.p);
            check_json(without.p);
        }
        for (size_t i = 0; i < c.n; i++) { /* every payload's octets are there */
            struct ike_message m;
            assert_int_equal(ike_message_parse(&m, c.message[i].ptr, c.message[i].len), IKE_OK);
            for (unsigned k = 0; k < m.n; k++) {
                char *hex = hex_of(ike_bytes_of(m.p[k].body, m.p[k].len));
                assert_non_null(strstr(without.p, hex));
                free(hex);
            }
        }
        free(with.p);
        free(without.p);
    }
    json_free(j);
    capture_free(&c);
}

#define CAPTURE_TEST(word, file, encr)                                                                                           \
    static void test_##word(void **state)                                                                                        \
    {                                                                                                                            \
        (void)state;                                                                                                             \
        run_v2(file, encr);                                                                                                      \
    }
CAPTURE_TEST(gcm, "ikev2-decrypt-aes256gcm16.pcap", 20)
CAPTURE_TEST(cbc, "ikev2-decrypt-aes256cbc.pcapng", 12)
CAPTURE_TEST(3des, "ikev2-decrypt-3des-sha1_160.pcap", 3)
CAPTURE_TEST(ccm, "ikev2-decrypt-aes128ccm12-2.pcap", 13)

/* The same key as a CCM row, where the ICV counts: the salt of a CTR row begins with CCM's flags octet. */
static void test_ccm_checked(void **state)
{
    (void)state;
    struct capture_file c;
    if (n_keys == 0 || !capture_load(&c, "ikev2-decrypt-aes128ccm12-2.pcap")) {
        skip();
    }
    ike_trace_keys k = keys[1];
    assert_int_equal(k.sk_ei[16], 3);
    memmove(k.sk_ei + 16, k.sk_ei + 17, 3);
    memmove(k.sk_er + 16, k.sk_er + 17, 3);
    k.sk_e_len = 19;
    k.encr = 15;
    k.unchecked_icv = 0;
    ike_decoder d = decoder(true, false);
    d.keys = &k;
    d.n_keys = 1;
    for (int bad = 0; bad < 2; bad++) {
        for (size_t i = 0; i < c.n; i++) {
            struct text t = {0};
            const ike_sink sink = {put_text, &t};
            uint8_t msg[2048];
            memcpy(msg, c.message[i].ptr, c.message[i].len);
            const bool sealed = msg[16] == IKE_P_SK;
            msg[c.message[i].len - 1] ^= (uint8_t)(bad && sealed);
            const int rc = ike_decode(&d, msg, c.message[i].len, &sink);
            assert_int_equal(rc, bad && sealed ? IKE_ERR_CRYPTO : IKE_OK);
            assert_true(!sealed || (strstr(t.p, "decrypted\n") != NULL) == !bad);
            free(t.p);
        }
    }
    capture_free(&c);
}

static void test_v1(void **state)
{
    (void)state;
    struct capture_file c;
    if (!capture_load(&c, "ikev1-certs.pcap")) {
        skip();
    }
    struct text t = decode_all(&c, true, false);
    static const char *const want[] = {
        "exchange type: 2 (Identity Protection)",
        "type: 1 (Encryption Algorithm)",
        "value: 5 (3DES-CBC)",
        "value: 3 (RSA signatures)",
        "value: 2 (MODP-1024)",
        "value: 28800",
        "id: 1 (KEY_IKE)",
        "payload KE",
        "payload NONCE",
        "[encrypted: no key for this cookie]",
        "flag Encryption: 1",
        "known as: DPD (RFC 3706)",
    };
    for (size_t i = 0; i < IKE_COUNT(want); i++) {
        if (strstr(t.p, want[i]) == NULL) {
            fail_msg("%s", want[i]);
        }
    }
    free(t.p);
    t = decode_all(&c, true, true);
    check_json(t.p);
    free(t.p);
    capture_free(&c);
}

/* ---- Built here ---- */

static struct text decode_one(const void *msg, size_t n, int want)
{
    struct text t = {0};
    const ike_sink sink = {put_text, &t};
    const ike_decoder d = decoder(true, false);
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, msg, n);
    assert_int_equal(ike_decode(&d, copy, n, &sink), want);
    free(copy);
    return t;
}

/* Payloads the captures do not have. */
static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, n, body[48];
        const char *text[3];
    } rows[] = {
        {IKE_P_NOTIFY, 6, {0, 0, 0, 17, 0, 31}, {"INVALID_KE_PAYLOAD", "group: 31 (Curve25519)"}},
        {IKE_P_NOTIFY, 8, {0, 0, 0x40, 0x2f, 0, 2, 0, 5}, {"hash algorithm: 2 (SHA2-256)", "hash algorithm: 5 (Identity)"}},
        {IKE_P_NOTIFY, 8, {3, 4, 0x40, 9, 0xc1, 2, 3, 4}, {"REKEY_SA", "SPI: c1020304", "protocol: 3 (ESP)"}},
        {IKE_P_NOTIFY, 5, {0, 0, 0, 1, 200}, {"payload type: 200"}},
        {IKE_P_DELETE, 12, {3, 4, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8}, {"SPIs: 2", "SPI: 01020304", "SPI: 05060708"}},
        {IKE_P_IDI, 6, {2, 0, 0, 0, 'a', '\\'}, {"FQDN", "data: 615c", "text: a\\x5c"}},
        {IKE_P_CERT, 3, {4, 0x30, 0}, {"X.509 Certificate - Signature", "data: 3000"}},
        {IKE_P_CERTREQ, 41, {4, 1}, {"hash: 0100000000000000000000000000000000000000\n"}},
        {IKE_P_CERTREQ, 4, {4, 1, 2, 3}, {"data: 010203"}},
        {IKE_P_TSI,
         20,
         {1, 0, 0, 0, 7, 6, 0, 16, 0, 80, 1, 0, 10, 0, 0, 1, 10, 0, 0, 9},
         {"start port: 80", "end port: 256", "end address: 10.0.0.9"}},
        {IKE_P_CP, 8, {1, 0, 0, 0, 0, 1, 0, 0}, {"CFG_REQUEST", "INTERNAL_IP4_ADDRESS"}},
        {IKE_P_EAP, 9, {1, 7, 0, 9, 1, 'w', 'h', 'o', '?'}, {"code: 1 (Request)", "data: 77686f3f"}},
        {IKE_P_SKF, 8, {0, 1, 0, 3, 1, 2, 3, 4}, {"fragment number: 1", "fragments: 3", "data: 01020304"}},
        {IKE_P_VENDOR, 2, {'h', 'i'}, {"text: hi"}},
        {99, 2, {1, 2}, {"payload\n", "type: 99\n", "octets: 0102"}},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t msg[128] = {1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1, rows[i].type, 0x20, 37, 8, 0, 0, 0, 1};
        const size_t n = 32u + rows[i].n;
        ike_store32(msg + 24, (uint32_t)n);
        ike_store16(msg + 30, (uint16_t)(n - 28));
        memcpy(msg + 32, rows[i].body, rows[i].n);
        struct text t = decode_one(msg, n, IKE_OK);
        for (size_t k = 0; k < 3 && rows[i].text[k]; k++) {
            if (strstr(t.p, rows[i].text[k]) == NULL) {
                fail_msg("row %zu, %s: %s", i, rows[i].text[k], t.p);
            }
        }
        free(t.p);
    }
}

/* What is wrong is said, and the octets are shown all the same. */
static void test_faults(void **state)
{
    (void)state;
    static const struct {
        uint8_t n, msg[64];
        const char *text[2];
    } rows[] = {
        {5, {1, 2, 3, 4, 5}, {"shorter than a header", "octets: 0102030405"}},
        {29,
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 29, 7},
         {"more than belongs here", "octets: 07"}},
        {32,
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 43, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 4},
         {"not the datagram's"}},
        {32,
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 43, 0x20, 34, 8, 0, 0, 0, 9, 0, 0, 0, 32, 0, 0, 0, 4},
         {"do not go with the exchange"}},
        {32,
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 43, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 3},
         {"payload length"}},
        {32,
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 34, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 4},
         {"ends here"}},
        {32,
         {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 43, 0x30, 34, 8, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 4},
         {"unknown version", "octets: 00000004"}},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct text t = decode_one(rows[i].msg, rows[i].n, IKE_ERR_PROTO);
        for (size_t k = 0; k < 2 && rows[i].text[k]; k++) {
            if (strstr(t.p, rows[i].text[k]) == NULL) {
                fail_msg("row %zu, %s: %s", i, rows[i].text[k], t.p);
            }
        }
        free(t.p);
    }
}

/* A message of version 1 in clear is filled up to a whole word with zeros, and with nothing else. */
static void test_fill(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 4; n++) {
        for (uint8_t value = 0; value < 2; value++) {
            const bool good = n < 4 && value == 0;
            uint8_t msg[48] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, IKE_P1_VENDOR, 0x10, 2, [28 + 3] = 4};
            const size_t len = 32 + n;
            ike_store32(msg + 24, (uint32_t)len);
            msg[len - 1] = value;
            struct text t = decode_one(msg, len, good ? IKE_OK : IKE_ERR_PROTO);
            assert_int_equal(strstr(t.p, "more than belongs here") == NULL, good);
            assert_int_equal(strstr(t.p, "padding: 00") != NULL, good);
            free(t.p);
        }
    }
}

/* Wrong keys, no memory, no cipher: said, and the rest is there. */
static void test_not_opened(void **state)
{
    (void)state;
    struct capture_file c;
    if (n_keys == 0 || !capture_load(&c, "ikev2-decrypt-aes256gcm16.pcap")) {
        skip();
    }
    struct text t = {0};
    const ike_sink sink = {put_text, &t};
    ike_trace_keys k = keys[3];
    ike_decoder d = decoder(true, false);
    k.sk_ei[0] ^= 1;
    k.sk_er[0] ^= 1;
    d.keys = &k;
    d.n_keys = 1;
    assert_int_equal(ike_decode(&d, c.message[2].ptr, c.message[2].len, &sink), IKE_ERR_CRYPTO);
    assert_non_null(strstr(t.p, "the keys do not fit"));
    d.mem.alloc = NULL;
    assert_int_equal(ike_decode(&d, c.message[2].ptr, c.message[2].len, &sink), IKE_ERR_NOMEM);
    d.crypto = NULL;
    assert_int_equal(ike_decode(&d, c.message[2].ptr, c.message[2].len, &sink), IKE_OK);
    assert_non_null(strstr(t.p, "is not available"));
    free(t.p);
    capture_free(&c);
    assert_int_equal(blocks, 0);
}

static void damage(const char *name)
{
    struct capture_file c;
    size_t seen = 0;
    const ike_sink sink = {put_nothing, &seen};
    const ike_decoder d = decoder(true, true);
    if (n_keys == 0 || !capture_load(&c, name)) {
        skip();
    }
    for (size_t i = 0; i < c.n; i++) {
        const size_t n = c.message[i].len;
        uint8_t msg[2048];
        assert_true(n <= sizeof msg);
        for (size_t bit = i % 3; bit < 8 * n; bit += 3) {
            uint8_t *copy = malloc(n);
            assert_non_null(copy);
            memcpy(copy, c.message[i].ptr, n);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ike_decode(&d, copy, n, &sink);
            free(copy);
        }
        for (size_t cut = 0; cut < n; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            assert_non_null(copy);
            memcpy(copy, c.message[i].ptr, cut);
            if (cut >= 28) {
                ike_store32(copy + 24, (uint32_t)cut);
            }
            assert_true(ike_decode(&d, copy, cut, &sink) != IKE_OK || copy[16] != IKE_P_SK);
            free(copy);
        }
    }
    assert_int_equal(blocks, 0);
    capture_free(&c);
}

static void test_damage(void **state)
{
    (void)state;
    damage("ikev2-decrypt-aes256gcm16.pcap");
    damage("ikev2-decrypt-aes128ccm12-2.pcap"); /* not checked: damaged text reaches the inner decoders */
    damage("ikev1-certs.pcap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gcm),    cmocka_unit_test(test_cbc),         cmocka_unit_test(test_3des),
        cmocka_unit_test(test_ccm),    cmocka_unit_test(test_ccm_checked), cmocka_unit_test(test_v1),
        cmocka_unit_test(test_bodies), cmocka_unit_test(test_faults),      cmocka_unit_test(test_not_opened),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_fill),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
