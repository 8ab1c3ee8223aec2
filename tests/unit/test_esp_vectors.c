/* SPDX-License-Identifier: ISC
 *
 * Whole ESP packets that others published: the AES-GCM test cases of draft-mcgrew-gcm-test-01 section 4 (with and without
 * ESN), the packet of RFC 7634 appendix A, and a capture of AES-CBC with HMAC-SHA1 from the Wireshark project.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "unit/esp_help.h"
#include "vectors/json.h"
#include "vectors/vectors.h"
#include <ike/esp.h>

/* The draft's numbers: what is encrypted ends with padding, pad length and next header 1. The fourth case is left out, its
 * SPI is 0. */
static const struct {
    bool esn;
    const char *key, *nonce, *spi;
    uint64_t seq;
    const char *plain, *sealed; /* sealed: ciphertext and ICV */
} gcm_cases[] = {
    {true, "4c80cdefbb5d10da906ac73c3613a634", "2e443b684956ed7e3b244cfe", "00004321", 0x8765432100000000,
     "45000048699a000080114db7c0a80102c0a801010a9bf15638d301000001000000000000045f736970045f756470037369700963796265726369747902"
     "646b000021000101020201",
     "fecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786"
     "b93bce61bc17d768fd9732459018148f6cbe722fd04796562dfdb4"},
    {false, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "0000a5f8", 10,
     "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d001000001000000000000037369700963796265726369747902646b000001"
     "00010001",
     "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d"
     "918bd183b70d3aa8bc6ee4c309e9d85a41ad4a"},
    {false, "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "112233440102030405060708", "4a2cbfe3", 2,
     "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b40101040201020201",
     "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf83182"
     "4b4c4915956c96"},
    {true, "3de09874b388e6491988d0c3607eae1f", "57690e434e280000a2fca1a3", "42f67e3f", 0x1010101010101010,
     "4500003c99c300008001cb7c40679318010101010800085c020043006162636465666768696a6b6c6d6e6f7071727374757677616263646566676869"
     "01020201",
     "fba2caa4853cf9f0f22cb10d86dd83b0fec75691cf1a04b00d1138ec9c35791765acbd8701ad79845bf9fe3fba487bc91755e6662b4c8d0d1f5e227395"
     "30320ae0d731cc978ecafaeae88f00e80d6e48"},
    {true, "3de09874b388e6491988d0c3607eae1f", "57690e434e280000a2fca1a3", "42f67e3f", 0x1010101010101010,
     "4500001c42a200008001441f406793b6e00000020a00f5ff01020201",
     "fba2ca845e5df9f0f22c3e6e86dd831e1fc65792cd1af9130e1379ed369f071f35e034be95f112e4e7d05d35"},
    {false, "feffe9928665731c6d6a8f9467308308feffe9928665731c", "cafebabefacedbaddecaf888", "0000a5f8", 10,
     "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d075680001",
     "a5b1f8066029aea40e598b8122de02420938b3ab33f828e687b8858b5bfbdbd0315b27452144cc7795457b9652037f5318027b5b4cd7a636"},
    {true, "abbccddef00112233445566778899aab", "decaf888cafedebaceface74", "00000100", 1,
     "4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d500004e20001e8c18d75b81dc91baa0476b91b924b280389d92c963ba"
     "c046ec959b6266c04722b14923010101",
     "18a6fd42f72cbf4ab2a2ea901f73d814e3e7f243d95412e1c349c1d2fbec168f9190feebaf2cb01984e65863965d7472b79da345e0e780191f0d2f0e0f"
     "496c226f2127b27db35724e7845d68651f57e65f354f75ff17015769623436"},
    {true, "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74616e640169766563", "17405e67",
     0x156f3126dd0db99b, "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d540001",
     "f2d69ecdbd5a0d5b8d5ef38bad4da58d1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e451626c2415771e3b7eebca614c89b35"},
    {true, "3de09874b388e6491988d0c3607eae1f", "57690e434e280000a2fca1a3", "42f67e3f", 0x1010101010101010,
     "45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b000001e0001e8c18d65759d52284a0352c71475c8880391c764d6e5e"
     "e0496b325ae270c03899493915010101",
     "fba2cad12fc1f9f00d3cebf305410db83d7784b607323d220f24b0a97d54182800cadb0f68d99ef0e0c0c89ae9bea8884e52d65bc1afd0740f74244474"
     "7b5b39ab533163aad4550ee5160975cdb608c5769189609763b8e18caa81e2"},
    {true, "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "73616c74616e640169766563", "17405e67",
     0x156f3126dd0db99b,
     "636973636f0172756c657301746865016e6574776501646566696e6501746865746563686e6f6c6f67696573017468617477696c6c01646566696e65"
     "746f6d6f72726f7701020201",
     "d4b7ed86a1777f2ea13d6973d324c69e7b43f826fb56831226508bebd2dceb18d0a6df10e5487df074113e14c641024e3e6773d91a62ee429b043a10e3"
     "efe6b012a49363412364f8c0cac587f249e56b11e24f30e44ccc76"},
    {false, "7d773d00c144c525ac619d18c84a3f47", "d966426743457e9182443bc6", "335467ae", UINT32_MAX, "01020201",
     "437f866bcb3f699fe9b0822bac961c4504bef270"},
    {true, "abbccddef00112233445566778899aab", "decaf888cafedebaceface74", "00000100", 1,
     "746f016265016f72016e6f7401746f0162650001", "29c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f283843af8c3e"},
    {true, "6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", "7475726e333021696765746d", "796b6963", UINT64_MAX,
     "45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201",
     "f97ab2aa356d8edce17644ac8c78e25dd24dedbb29ebf1b64a274b39b49c3a864cd3d78ca4ae68a32b42458fb57dbe821dcc63b9d0937ba2945f669368"
     "661a329fb4c053"},
};

/* One packet both ways: sealing gives these octets, opening them gives the payload. */
static void both_ways(const ike_esp_config *base, const uint8_t *payload, size_t n, uint8_t next, const uint8_t *packet,
                      size_t packet_len)
{
    uint8_t out[256];
    size_t len = 0;
    ike_esp_sa *sa;
    ike_esp_plain plain;
    ike_esp_config c = *base;
    assert_int_equal(ike_esp_create(&c, &mem, &sa), IKE_OK);
    uint8_t given = c.mode == IKE_MODE_TUNNEL ? 0 : next;
    assert_int_equal(ike_esp_sealed_size(sa, n), packet_len);
    assert_int_equal(ike_esp_seal(sa, given, payload, n, out, sizeof(out), &len), IKE_OK);
    assert_int_equal(len, packet_len);
    assert_memory_equal(out, packet, packet_len);
    if (c.seq + 1 == ike_esp_seq_max(sa)) { /* it was the last number */
        assert_int_equal(ike_esp_seal(sa, given, payload, n, out, sizeof(out), &len), IKE_ERR_LIMIT);
        memcpy(out, packet, packet_len);
    }
    ike_esp_destroy(sa);
    c.inbound = true;
    assert_int_equal(ike_esp_create(&c, &mem, &sa), IKE_OK);
    assert_int_equal(ike_esp_open(sa, out, packet_len, &plain), IKE_OK);
    assert_int_equal(plain.len, n);
    assert_memory_equal(plain.data, payload, n);
    assert_int_equal(plain.next, next);
    assert_true(plain.seq == c.seq + 1);
    memcpy(out, packet, packet_len);
    assert_int_equal(ike_esp_open(sa, out, packet_len, &plain), IKE_ERR_REPLAY);
    ike_esp_destroy(sa);
}

static bool takes_key(const ike_encr *e, size_t n)
{
    for (size_t i = 0; i < IKE_COUNT(e->key_bits) && e->key_bits[i]; i++) {
        if ((size_t)e->key_bits[i] / 8 == n) {
            return true;
        }
    }
    return false;
}

static void test_gcm_draft(void **state)
{
    (void)state;
    unsigned done = 0;
    const ike_crypto *p;
    for (size_t pi = 0; (p = ike_crypto_provider_at(pi)) != NULL; pi++) {
        const ike_encr *gcm = ike_find_encr(p, 20);
        for (size_t i = 0; gcm && i < IKE_COUNT(gcm_cases); i++) {
            uint8_t key[36], nonce[12], spi[4], plain[96], packet[160];
            size_t kn = vec_hex(gcm_cases[i].key, key, 32);
            assert_int_equal(vec_hex(gcm_cases[i].nonce, nonce, 12), 12);
            assert_int_equal(vec_hex(gcm_cases[i].spi, spi, 4), 4);
            size_t pn = vec_hex(gcm_cases[i].plain, plain, sizeof(plain));
            size_t sn = vec_hex(gcm_cases[i].sealed, packet + 16, sizeof(packet) - 16);
            assert_true(kn <= 32 && pn <= sizeof(plain) && sn == pn + 16);
            if (!takes_key(gcm, kn)) {
                continue;
            }
            memcpy(key + kn, nonce, 4);
            memcpy(packet, spi, 4);
            ike_store32(packet + 4, (uint32_t)gcm_cases[i].seq);
            memcpy(packet + 8, nonce + 4, 8);
            ike_esp_config c;
            ike_esp_config_init(&c);
            c.mode = IKE_MODE_TRANSPORT;
            c.spi = ike_load32(spi);
            c.esn = gcm_cases[i].esn;
            c.encr = gcm;
            c.encr_key = ike_bytes_of(key, kn + 4);
            c.seq = gcm_cases[i].seq - 1;
            c.iv_offset = ike_load64(nonce + 4) - gcm_cases[i].seq;
            both_ways(&c, plain, pn - 2 - plain[pn - 2], plain[pn - 1], packet, 16 + sn);
            done++;
        }
    }
    assert_true(done >= IKE_COUNT(gcm_cases));
}

static void test_rfc7634(void **state)
{
    (void)state;
    char path[512];
    if (!vec_path(path, sizeof(path), "rfc/chacha20poly1305-rfc7634-messages.json")) {
        skip();
    }
    struct json *root = json_load(path);
    const struct json *v = json_first(root);
    uint8_t key[36], iv[8], inner[128], packet[256], spi[4];
    assert_int_equal(json_hex(v, "key", key, 32), 32);
    assert_int_equal(json_hex(v, "salt", key + 32, 4), 4);
    assert_int_equal(json_hex(v, "iv", iv, 8), 8);
    assert_int_equal(json_hex(v, "spi", spi, 4), 4);
    size_t n = json_hex(v, "inner_packet", inner, sizeof(inner)), pn = json_hex(v, "esp_packet", packet, sizeof(packet));
    assert_true(n < sizeof(inner) && pn < sizeof(packet));
    uint64_t seq = (uint64_t)json_long(v, "seq", 0);
    unsigned done = 0;
    const ike_crypto *p;
    for (size_t pi = 0; (p = ike_crypto_provider_at(pi)) != NULL; pi++) {
        ike_esp_config c;
        ike_esp_config_init(&c);
        c.spi = ike_load32(spi);
        c.encr = ike_find_encr(p, 28);
        c.encr_key = ike_bytes_of(key, sizeof(key));
        c.seq = seq - 1;
        c.iv_offset = ike_load64(iv) - seq;
        if (c.encr) {
            both_ways(&c, inner, n, IKE_ESP_NEXT_IPV4, packet, pn);
            done++;
        }
    }
    assert_true(done > 0);
    json_free(root);
}

/* --- the capture: a pcapng file in little-endian order, Ethernet, IPv4, protocol 50 */

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static ike_esp_sa *capture_sa(const ike_crypto *p, const struct json *k, bool inbound, uint64_t seq, const ike_random *rng)
{
    uint8_t key[32], auth[32], spi[4];
    ike_esp_config c;
    ike_esp_sa *sa;
    ike_esp_config_init(&c);
    c.inbound = inbound;
    assert_int_equal(vec_hex(json_text(k, "spi") + 2, spi, 4), 4);
    c.spi = ike_load32(spi);
    c.encr = ike_find_encr(p, 12);
    c.integ = ike_find_integ(p, 2);
    c.encr_key = ike_bytes_of(key, vec_hex(json_text(k, "encryption_key") + 2, key, sizeof(key)));
    c.integ_key = ike_bytes_of(auth, vec_hex(json_text(k, "authentication_key") + 2, auth, sizeof(auth)));
    c.seq = seq;
    if (rng) {
        c.random = *rng;
    }
    assert_int_equal(ike_esp_create(&c, &mem, &sa), IKE_OK);
    return sa;
}

/* "Random" octets that are the packet's own IV. */
static int copy_iv(void *user, uint8_t *out, size_t n)
{
    memcpy(out, user, n);
    return IKE_OK;
}

static void check_captured(const ike_crypto *p, const struct json *keys, const uint8_t *esp, size_t n, const uint8_t *expected)
{
    const struct json *k = json_first(keys);
    uint8_t spi[4], copy[256], again[256], iv[16];
    size_t len = 0;
    while (k && (vec_hex(json_text(k, "spi") + 2, spi, 4) != 4 || memcmp(spi, esp, 4) != 0)) {
        k = k->next;
    }
    assert_non_null(k);
    assert_true(n <= sizeof(copy));
    memcpy(copy, esp, n);
    memcpy(iv, esp + 8, 16);
    ike_esp_sa *sa = capture_sa(p, k, true, 0, NULL);
    ike_esp_plain plain;
    assert_int_equal(ike_esp_open(sa, copy, n, &plain), IKE_OK);
    assert_int_equal(plain.next, IKE_ESP_NEXT_IPV4);
    assert_int_equal(plain.len, 84); /* a ping, whose data ends with what Wireshark's test expects to see */
    bool found = false;
    for (size_t i = 0; i + 16 <= plain.len; i++) {
        found = found || memcmp(plain.data + i, expected, 16) == 0;
    }
    assert_true(found);
    ike_ts ts;
    assert_int_equal(ike_ts_parse(&ts, "10.1.0.0/16[icmp]"), IKE_OK);
    assert_true(ike_esp_ts_match(plain.data, plain.len, &ts, 1, &ts, 1, true));
    /* Sealing again gives the captured octets. */
    ike_random rng = {copy_iv, iv};
    ike_esp_sa *out = capture_sa(p, k, false, plain.seq - 1, &rng);
    assert_int_equal(ike_esp_seal(out, 0, plain.data, plain.len, again, sizeof(again), &len), IKE_OK);
    assert_int_equal(len, n);
    assert_memory_equal(again, esp, n);
    ike_esp_destroy(out);
    ike_esp_destroy(sa);
}

static void test_capture(void **state)
{
    (void)state;
    char path[512], keys_path[512];
    if (!vec_path(path, sizeof(path), "captures/wireshark/esp-bug-12671.pcapng.gz") ||
        !vec_path(keys_path, sizeof(keys_path), "captures/wireshark/keys.json")) {
        skip();
    }
    struct json *root = json_load(keys_path);
    const struct json *entry = json_get(root, "esp-bug-12671.pcapng.gz");
    uint8_t expected[16];
    size_t n;
    char *text = vec_read_file(path, &n);
    assert_non_null(text);
    const uint8_t *file = (const uint8_t *)text;
    assert_int_equal(json_hex(entry, "expected_value", expected, 16), 16);
    unsigned done = 0;
    for (size_t at = 0; at + 12 <= n; at += le32(file + at + 4)) {
        assert_true(le32(file + at + 4) >= 12 && le32(file + at + 4) <= n - at);
        const uint8_t *frame = file + at + 28;
        if (le32(file + at) != 6 || ike_load16(frame + 12) != 0x0800 || frame[14 + 9] != 50) {
            continue; /* not an enhanced packet block, or no ESP */
        }
        size_t header = (size_t)(frame[14] & 15) * 4, esp_len = ike_load16(frame + 16) - header;
        const ike_crypto *p;
        for (size_t pi = 0; (p = ike_crypto_provider_at(pi)) != NULL; pi++) {
            if (ike_find_encr(p, 12) && ike_find_integ(p, 2)) {
                check_captured(p, json_get(entry, "keys"), frame + 14 + header, esp_len, expected);
                done++;
            }
        }
    }
    assert_true(done >= 6);
    json_free(root);
    free(text);
}

int main(void)
{
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gcm_draft),
        cmocka_unit_test(test_rfc7634),
        cmocka_unit_test(test_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
