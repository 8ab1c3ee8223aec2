/* SPDX-License-Identifier: ISC
 *
 * ESP in user space. The first octet says what kind of SA, then come packets: [length of the rest, 2 octets] [what to do]
 * [octets]. They are what an inbound SA is given as it is, or with the SPI, a sequence number and an ICV that are right, so that
 * padding, next header and inner packet are the fuzzer's; or what an outbound SA has to carry, and the inbound one gives back.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include <ike/esp.h>

#include <stdlib.h>

enum { CIPHER = 0x03, TRANSPORT = 0x04, ESN = 0x08, WINDOW = 0x30 };             /* of the SA */
enum { WHAT = 0x03, RAW = 0, SIGNED = 1, CARRY = 2, DATAGRAM = 3, SKIP = 0xfc }; /* of a packet; SKIP: of sequence numbers */
enum { SPI = 0x1234, PACKET_MAX = 4096 };

static struct fuzz_host host;
static const ike_allocator mem = {fuzz_alloc, fuzz_release, &host};
static const uint8_t key[64] = {1, 2, 3};

static ike_esp_config config(unsigned kind, bool inbound)
{
    static const uint16_t ciphers[4] = {20, 28, 12, 0}, key_len[4] = {20, 36, 16, 0};
    static const uint32_t windows[4] = {IKE_ESP_WINDOW_DEFAULT, IKE_ESP_WINDOW_MIN, 1024, 0};
    unsigned c = kind & CIPHER;
    ike_esp_config s;
    ike_esp_config_init(&s);
    s.inbound = inbound;
    s.mode = kind & TRANSPORT ? IKE_MODE_TRANSPORT : IKE_MODE_TUNNEL;
    s.spi = SPI;
    s.window = inbound ? windows[(kind & WINDOW) >> 4] : 0;
    s.esn = (kind & ESN) && windows[(kind & WINDOW) >> 4];
    s.encr = ciphers[c] ? ike_find_encr(fuzz_crypto(), ciphers[c]) : NULL;
    s.encr_key = ike_bytes_of(key, key_len[c]);
    if (c > 1) {
        s.integ = ike_find_integ(fuzz_crypto(), 12);
        s.integ_key = ike_bytes_of(key, 32);
    }
    s.random = (ike_random){fuzz_random, &host};
    return s;
}

static ike_esp_sa *create(const ike_esp_config *s)
{
    ike_esp_sa *sa = NULL;
    fuzz_check(ike_esp_create(s, &mem, &sa) == IKE_OK, "no SA");
    return sa;
}

/* The ICV over what is there (RFC 4303 sections 2.8, 3.3.2; RFC 4106 section 5), the high half of an ESN being `high`. */
static size_t sign(const ike_esp_config *s, uint8_t *p, size_t n, uint32_t high)
{
    uint64_t ctx[8];
    uint8_t aad[12], icv[IKE_HASH_MAX];
    size_t head = 8u + (s->encr ? s->encr->iv_len : 0u);
    if (n < head) {
        return n;
    }
    if (s->encr && s->encr->aead) {
        memcpy(aad, p, 4);
        ike_store32(aad + 4, high);
        memcpy(aad + (s->esn ? 8 : 4), p + 4, 4);
        (void)s->encr->init(ctx, s->encr_key.ptr, s->encr_key.len, true);
        (void)s->encr->seal(ctx, p + 8, aad, s->esn ? 12 : 8, p + head, n - head, p + n);
        return n + s->encr->icv_len;
    }
    (void)s->integ->mac->init(ctx, s->integ_key.ptr, s->integ_key.len);
    s->integ->mac->update(ctx, p, n);
    ike_store32(aad, high);
    s->integ->mac->update(ctx, aad, s->esn ? 4 : 0);
    s->integ->mac->final(ctx, icv);
    memcpy(p + n, icv, s->integ->icv_len);
    return n + s->integ->icv_len;
}

static void match(const ike_esp_plain *plain, bool tunnel)
{
    const ike_ts in[2] = {fuzz_ts("10.1.0.0/16"), fuzz_ts("2001:db8:1::/48")};
    ike_ts out[2] = {fuzz_ts("10.2.0.0/16"), fuzz_ts("2001:db8:2::/48")};
    out[0].proto = 6;
    if (tunnel && !plain->dummy) {
        fuzz_check(ike_esp_ip_length(plain->data, plain->len, false) == plain->len, "a tunnel brings what is no IP packet");
        (void)ike_esp_ts_match(plain->data, plain->len, in, 2, out, 2, true);
    }
}

static void receive(ike_esp_sa *sa, bool tunnel, uint8_t *packet, size_t n)
{
    ike_esp_plain plain = {.drop = IKE_ESP_OK};
    uint64_t before = ike_esp_counters_of(sa)->seq;
    uint8_t *copy = malloc(n ? n : 1);
    fuzz_check(copy != NULL, "no memory for the fuzzer itself");
    memcpy(copy, packet, n);
    if (ike_esp_open(sa, copy, n, &plain) == IKE_OK) {
        fuzz_check(plain.data >= copy && plain.data + plain.len <= copy + n, "a plain text outside its packet");
        match(&plain, tunnel);
    } else {
        fuzz_check(plain.drop != IKE_ESP_OK && ike_esp_drop_name((int)plain.drop)[0], "dropped without a reason");
    }
    fuzz_check(ike_esp_counters_of(sa)->seq >= before, "the window goes back");
    free(copy);
}

/* There and back again. */
static void carry(ike_esp_sa *out, ike_esp_sa *in, uint8_t next, const uint8_t *p, size_t n)
{
    static uint8_t packet[2 * PACKET_MAX];
    ike_esp_plain plain;
    size_t len;
    if (ike_esp_seal(out, next, p, n, packet, sizeof packet, &len) != IKE_OK) {
        return;
    }
    fuzz_check(len == ike_esp_sealed_size(out, n), "a packet is of another size than was said");
    if (ike_esp_open(in, packet, len, &plain) == IKE_OK) {
        fuzz_check(plain.dummy || (plain.len <= n && memcmp(plain.data, p, plain.len) == 0), "another packet comes out");
    }
}

static void one(const ike_esp_config *s, ike_esp_sa *in, ike_esp_sa *out, struct ike_rd r)
{
    static uint8_t packet[PACKET_MAX + 64];
    unsigned what = ike_rd_u8(&r);
    bool tunnel = s->mode == IKE_MODE_TUNNEL;
    size_t n = r.left;
    if (r.bad || n > PACKET_MAX) {
        return;
    }
    memcpy(packet, r.p, n);
    switch (what & WHAT) {
    case SIGNED: {
        uint64_t seq = ike_esp_counters_of(in)->seq + 1 + (what & SKIP) * (what & 0x80 ? UINT64_C(0x1000000) : 1);
        if (n >= 8) {
            ike_store32(packet, SPI);
            ike_store32(packet + 4, (uint32_t)seq);
            n = sign(s, packet, n, (uint32_t)(seq >> 32));
        }
        receive(in, tunnel, packet, n);
        receive(in, tunnel, packet, n); /* a duplicate */
        break;
    }
    case CARRY:
        carry(out, in, tunnel ? (what & 4 ? IKE_ESP_NEXT_NONE : 0) : (uint8_t)(what & SKIP), packet, n);
        break;
    case DATAGRAM:
        if (ike_esp_udp_classify(packet, n) == IKE_ESP_UDP_ESP) {
            (void)ike_esp_spi(packet, n);
            (void)ike_esp_ip_length(packet, n, true);
        }
        break;
    default:
        receive(in, tunnel, packet, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ike_rd r = ike_rd(data, n);
    unsigned kind = n ? ike_rd_u8(&r) : 0;
    host = (struct fuzz_host){.memory = FUZZ_PLENTY, .random = 1};
    ike_esp_config to = config(kind, true), from = config(kind, false);
    ike_esp_sa *in = create(&to), *out = create(&from);
    while (r.left > 2) {
        size_t len = ike_rd_u16(&r);
        one(&to, in, out, ike_rd_sub(&r, len < r.left ? len : r.left));
    }
    ike_esp_destroy(in);
    ike_esp_destroy(out);
    fuzz_check(host.blocks == 0, "memory is left");
    return 0;
}
