/* SPDX-License-Identifier: ISC
 *
 * The ESP codec over every cipher of every provider: round trips, refusal of every changed bit with the window untouched,
 * each drop reason, sequence numbers at their ends, settings that do not fit, and what happens when a hook fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "unit/esp_help.h"
#include <ike/esp.h>

static int random_fill(void *user, uint8_t *out, size_t n)
{
    (void)user;
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)rnd();
    }
    return IKE_OK;
}

static int random_fails(void *user, uint8_t *out, size_t n)
{
    (void)user, (void)out, (void)n;
    return IKE_ERR_HOST;
}

static const uint8_t key_octets[68] = {1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83};

/* --- every combination that can be negotiated */

struct suite {
    const ike_encr *encr;
    const ike_integ *integ;
    size_t key_len;
};

static size_t suites(struct suite *out, size_t cap)
{
    const ike_crypto *p;
    size_t n = 0;
    for (size_t pi = 0; (p = ike_crypto_provider_at(pi)) != NULL; pi++) {
        for (const ike_integ *const *i = p->integ; i && *i; i++) {
            assert_true(n < cap);
            out[n++] = (struct suite){NULL, *i, 0};
        }
        for (const ike_encr *const *e = p->encr; e && *e; e++) {
            if ((*e)->usable && !(*e)->usable()) {
                continue;
            }
            for (size_t k = 0; k < 4 && (*e)->key_bits[k]; k++) {
                size_t len = (size_t)(*e)->key_bits[k] / 8 + (*e)->salt_len;
                for (const ike_integ *const *i = p->integ; !(*e)->aead && i && *i; i++) {
                    assert_true(n < cap);
                    out[n++] = (struct suite){*e, *i, len};
                }
                if ((*e)->aead) {
                    assert_true(n < cap);
                    out[n++] = (struct suite){*e, NULL, len};
                }
            }
        }
    }
    assert_true(n > 10);
    return n;
}

static ike_esp_config config(const struct suite *s, bool inbound, ike_mode mode, bool esn)
{
    ike_esp_config c;
    ike_esp_config_init(&c);
    c.inbound = inbound;
    c.mode = mode;
    c.esn = esn;
    c.spi = 0xc0ffee01;
    c.encr = s->encr;
    c.encr_key = ike_bytes_of(key_octets, s->key_len);
    c.integ = s->integ;
    c.integ_key = ike_bytes_of(key_octets, s->integ ? s->integ->key_len : 0);
    c.random.fill = random_fill;
    return c;
}

static ike_esp_sa *create(const ike_esp_config *c)
{
    ike_esp_sa *sa = NULL;
    assert_int_equal(ike_esp_create(c, &mem, &sa), IKE_OK);
    return sa;
}

/* A pair that talks, starting behind number seq. */
struct pair {
    ike_esp_sa *out, *in;
};

static struct pair pair(const struct suite *s, ike_mode mode, bool esn, uint64_t seq)
{
    ike_esp_config c = config(s, false, mode, esn);
    struct pair p;
    c.seq = seq;
    p.out = create(&c);
    c.inbound = true;
    p.in = create(&c);
    return p;
}

static void drop_pair(struct pair *p)
{
    ike_esp_destroy(p->out);
    ike_esp_destroy(p->in);
    assert_int_equal(outstanding, 0);
}

static uint64_t dropped(const ike_esp_sa *sa, ike_esp_drop d) { return ike_esp_counters_of(sa)->drops[d]; }

static uint64_t all_dropped(const ike_esp_sa *sa)
{
    uint64_t n = 0;
    for (int i = 0; i < IKE_ESP_N_DROPS; i++) {
        n += ike_esp_counters_of(sa)->drops[i];
    }
    return n;
}

/* One AEAD and one CBC suite, from the first provider that has them; the default crypto of a small build may not. */
static struct suite suite_of(uint16_t encr, uint16_t integ, size_t key_len)
{
    struct suite all[128];
    size_t n = suites(all, IKE_COUNT(all));
    for (size_t i = 0; i < n; i++) {
        const struct suite *s = &all[i];
        if (s->encr && s->encr->id == encr && (s->integ ? s->integ->id : 0) == integ && s->key_len == key_len) {
            return *s;
        }
    }
    fail_msg("no provider has %u with %u", encr, integ);
    return all[0];
}

static struct suite aead_suite(void) { return suite_of(28, 0, 36); }
static struct suite cbc_suite(void) { return suite_of(12, 12, 32); }

/* --- round trips */

static void one_trip(struct pair *p, ike_mode mode, const uint8_t *data, size_t n, uint8_t *buf, size_t in_at)
{
    size_t need = ike_esp_sealed_size(p->out, n), len = 0;
    uint64_t seq = ike_esp_counters_of(p->out)->seq;
    ike_esp_plain plain;
    memcpy(buf + in_at, data, n);
    uint8_t next = mode == IKE_MODE_TUNNEL ? 0 : 17;
    if (need) {
        assert_int_equal(ike_esp_seal(p->out, next, buf + in_at, n, buf, need - 1, &len), IKE_ERR_BUFFER);
    }
    assert_int_equal(ike_esp_seal(p->out, next, buf + in_at, n, buf, need, &len), IKE_OK);
    assert_int_equal(len, need);
    assert_int_equal(ike_load32(buf), ike_esp_spi(buf, len));
    assert_int_equal(ike_load32(buf + 4), (uint32_t)(seq + 1));
    assert_int_equal(ike_esp_open(p->in, buf, len, &plain), IKE_OK);
    assert_int_equal(plain.len, n);
    assert_memory_equal(plain.data, data, n);
    assert_int_equal(plain.next, mode == IKE_MODE_TRANSPORT ? 17 : data[0] >> 4 == 4 ? 4 : 41);
    assert_true(plain.seq == seq + 1 && plain.newest && !plain.dummy && plain.drop == IKE_ESP_OK);
}

static void trips(const struct suite *s, ike_mode mode, bool esn)
{
    static uint8_t data[2000], buf[2200];
    struct pair p = pair(s, mode, esn, esn ? UINT32_MAX - 20 : 0);
    uint64_t octets = 0, packets = 0;
    for (size_t n = mode == IKE_MODE_TUNNEL ? 40 : 0; n <= 1500; n += n < 90 ? 1 : 353) {
        make_ip(data, n < 40 ? 40 : n, n & 1);
        size_t head = ike_esp_headroom(p.out);
        one_trip(&p, mode, data, n, buf, head);            /* in place */
        one_trip(&p, mode, data, n, buf, rnd() % 48);      /* overlapping */
        one_trip(&p, mode, data, n, buf, sizeof(buf) - n); /* mostly apart */
        octets += 3 * n;
        packets += 3;
    }
    const ike_esp_counters *i = ike_esp_counters_of(p.in), *o = ike_esp_counters_of(p.out);
    assert_true(i->packets == packets && o->packets == packets && i->octets == octets && o->octets == octets);
    assert_true(all_dropped(p.in) == 0 && all_dropped(p.out) == dropped(p.out, IKE_ESP_DROP_BUFFER) && i->seq == o->seq);
    drop_pair(&p);
}

static void test_round_trips(void **state)
{
    (void)state;
    struct suite s[128];
    size_t n = suites(s, IKE_COUNT(s));
    for (size_t i = 0; i < n; i++) {
        trips(&s[i], IKE_MODE_TUNNEL, i & 1);
        trips(&s[i], IKE_MODE_TRANSPORT, !(i & 1));
    }
}

static void test_sizes(void **state)
{
    (void)state;
    struct suite s = cbc_suite();
    struct pair p = pair(&s, IKE_MODE_TUNNEL, false, 0);
    static uint8_t buf[65535 + 100];
    size_t len = 0;
    ike_esp_plain plain;
    assert_int_equal(ike_esp_headroom(p.out), 24);
    assert_int_equal(ike_esp_sealed_size(p.out, 14), 24 + 16 + 16);
    assert_int_equal(ike_esp_sealed_size(p.out, 15), 24 + 32 + 16);
    assert_int_equal(ike_esp_sealed_size(p.out, 65536), 0);
    assert_int_equal(ike_esp_sealed_size(p.out, SIZE_MAX), 0);
    make_ip(buf + 24, 65535, false);
    assert_int_equal(ike_esp_seal(p.out, 0, buf + 24, 65535, buf, sizeof(buf), &len), IKE_OK);
    assert_int_equal(ike_esp_open(p.in, buf, len, &plain), IKE_OK);
    assert_int_equal(plain.len, 65535);
    assert_int_equal(ike_esp_seal(p.out, 59, buf, 65536, buf, sizeof(buf), &len), IKE_ERR_INVALID);
    drop_pair(&p);
}

/* --- refusal */

/* Every bit of a packet, and every other length; before and after it the window holds what it held: numbers seen and holes. */
static void bit_flips(const struct suite *s, bool esn)
{
    enum { N = 40, FLIPPED = 30 };
    static uint8_t sealed[N][200], copy[256];
    size_t len[N];
    struct pair p = pair(s, IKE_MODE_TRANSPORT, esn, esn ? UINT32_MAX - 10 : 0);
    ike_esp_plain plain;
    for (int i = 0; i < N; i++) {
        assert_int_equal(ike_esp_seal(p.out, 17, (const uint8_t *)"payload", 7, sealed[i], sizeof(sealed[i]), &len[i]), IKE_OK);
        if (i % 3 && i != FLIPPED) {
            memcpy(copy, sealed[i], len[i]);
            assert_int_equal(ike_esp_open(p.in, copy, len[i], &plain), IKE_OK);
        }
    }
    uint64_t top = ike_esp_counters_of(p.in)->seq, before = all_dropped(p.in);
    size_t n = len[FLIPPED];
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(copy, sealed[FLIPPED], n);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(ike_esp_open(p.in, copy, n, &plain) < 0);
        assert_null(plain.data);
        assert_int_not_equal(plain.drop, IKE_ESP_OK);
        assert_true(bit >= 32 || plain.drop == IKE_ESP_DROP_SPI);
        assert_true(bit < 64 || plain.drop == IKE_ESP_DROP_ICV);
    }
    for (size_t cut = 0; cut < n + 40; cut++) {
        memcpy(copy, sealed[FLIPPED], cut < n ? cut : n);
        assert_true(cut == n || ike_esp_open(p.in, copy, cut, &plain) < 0);
    }
    assert_true(ike_esp_counters_of(p.in)->seq == top);
    assert_true(all_dropped(p.in) == before + 8 * n + n + 39);
    for (int i = 0; i < N; i++) {
        memcpy(copy, sealed[i], len[i]);
        bool hole = i % 3 == 0 || i == FLIPPED;
        assert_int_equal(ike_esp_open(p.in, copy, len[i], &plain), hole ? IKE_OK : IKE_ERR_REPLAY);
        assert_int_equal(plain.drop, hole ? IKE_ESP_OK : IKE_ESP_DROP_DUPLICATE);
        assert_int_equal(plain.newest, hole && plain.seq > top);
    }
    drop_pair(&p);
}

static void test_bit_flips(void **state)
{
    (void)state;
    struct suite s[128];
    size_t n = suites(s, IKE_COUNT(s));
    for (size_t i = 0; i < n; i++) {
        bit_flips(&s[i], false);
        bit_flips(&s[i], true);
    }
}

/* An authentic packet with any plaintext, made from the descriptor alone: an implementation of the sender of its own. */
static size_t forge(const struct suite *s, bool esn, uint64_t seq, const uint8_t *plain, size_t n, uint8_t *out)
{
    uint8_t aad[12] = {0xc0, 0xff, 0xee, 0x01};
    void *ctx = malloc(s->encr->ctx_size);
    assert_non_null(ctx);
    assert_int_equal(s->encr->init(ctx, key_octets, s->key_len, true), IKE_OK);
    ike_store32(out, 0xc0ffee01);
    ike_store32(out + 4, (uint32_t)seq);
    memset(out + 8, 1, s->encr->iv_len);
    size_t head = 8 + (size_t)s->encr->iv_len, icv = 0;
    memcpy(out + head, plain, n);
    if (s->encr->aead) {
        ike_store32(aad + 4, (uint32_t)(esn ? seq >> 32 : seq));
        ike_store32(aad + 8, (uint32_t)seq);
        s->encr->seal(ctx, out + 8, aad, esn ? 12 : 8, out + head, n, out + head + n);
        icv = s->encr->icv_len;
    } else {
        uint8_t full[IKE_HASH_MAX], high[4];
        void *mac = malloc(s->integ->mac->ctx_size);
        assert_non_null(mac);
        s->encr->seal(ctx, out + 8, NULL, 0, out + head, n, NULL);
        s->integ->mac->init(mac, key_octets, s->integ->key_len);
        s->integ->mac->update(mac, out, head + n);
        ike_store32(high, (uint32_t)(seq >> 32));
        s->integ->mac->update(mac, high, esn ? 4 : 0);
        s->integ->mac->final(mac, full);
        icv = s->integ->icv_len;
        memcpy(out + head + n, full, icv);
        free(mac);
    }
    s->encr->clear(ctx);
    free(ctx);
    return head + n + icv;
}

static void expect_forged(const struct suite *s, ike_mode mode, bool esn, const uint8_t *plain, size_t n, ike_esp_drop want,
                          size_t want_len)
{
    uint8_t packet[256], again[256];
    ike_esp_plain got;
    ike_esp_config c = config(s, true, mode, esn);
    c.seq = esn ? 0x1fffffff0 : 0;
    ike_esp_sa *sa = create(&c);
    uint64_t seq = c.seq + 100; /* with ESN in the next period */
    size_t len = forge(s, esn, seq, plain, n, packet);
    memcpy(again, packet, len);
    assert_int_equal(ike_esp_open(sa, packet, len, &got) == IKE_OK, want == IKE_ESP_OK);
    assert_int_equal(got.drop, want);
    assert_int_equal(got.len, want_len);
    assert_true(got.seq == seq && ike_esp_counters_of(sa)->seq == seq);
    assert_true(want == IKE_ESP_OK || dropped(sa, want) == 1);
    /* It was authentic, so it counts as seen either way. */
    assert_int_equal(ike_esp_open(sa, again, len, &got), IKE_ERR_REPLAY);
    ike_esp_destroy(sa);
}

/* Plaintexts of 64 octets: a packet of `ip` octets, then whatever, then the trailer. */
static void test_plaintexts(void **state)
{
    (void)state;
    static const struct {
        size_t ip;
        uint8_t pad, next;
        bool six, break_pad;
        ike_esp_drop want;
        size_t len;
    } cases[] = {
        {62, 0, 4, false, false, IKE_ESP_OK, 62},
        {60, 2, 4, false, false, IKE_ESP_OK, 60},
        {47, 15, 41, true, false, IKE_ESP_OK, 47},
        {40, 2, 4, false, false, IKE_ESP_OK, 40}, /* 20 octets of traffic-flow padding */
        {60, 2, 4, false, true, IKE_ESP_DROP_PADDING, 0},
        {44, 63, 4, false, false, IKE_ESP_DROP_PADDING, 0},
        {44, 255, 4, false, false, IKE_ESP_DROP_PADDING, 0},
        {60, 2, 41, false, false, IKE_ESP_DROP_INNER, 0}, /* version and next header differ */
        {60, 2, 4, true, false, IKE_ESP_DROP_INNER, 0},
        {62, 2, 4, false, false, IKE_ESP_DROP_INNER, 0}, /* longer than what is there */
        {60, 2, 6, false, false, IKE_ESP_DROP_NEXT_HEADER, 0},
        {60, 2, 0, false, false, IKE_ESP_DROP_NEXT_HEADER, 0},
    };
    struct suite s[2] = {aead_suite(), cbc_suite()};
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < IKE_COUNT(cases); i++) {
            uint8_t p[64];
            size_t pad = cases[i].pad < 62 ? cases[i].pad : 18;
            make_ip(p, cases[i].ip, cases[i].six);
            for (size_t j = 0; j < pad; j++) {
                p[62 - pad + j] = (uint8_t)(j + 1);
            }
            p[61] ^= (uint8_t)cases[i].break_pad;
            p[62] = cases[i].pad;
            p[63] = cases[i].next;
            expect_forged(&s[k & 1], IKE_MODE_TUNNEL, k & 2, p, sizeof(p), cases[i].want, cases[i].len);
        }
        uint8_t all_pad[64];
        for (size_t j = 0; j < 62; j++) {
            all_pad[j] = (uint8_t)(j + 1);
        }
        all_pad[62] = 62;
        all_pad[63] = 59;
        expect_forged(&s[k & 1], IKE_MODE_TUNNEL, k & 2, all_pad, 64, IKE_ESP_OK, 0);
        all_pad[63] = 6;
        expect_forged(&s[k & 1], IKE_MODE_TRANSPORT, k & 2, all_pad, 64, IKE_ESP_OK, 0);
    }
}

/* Authentic packets that only an ill-meaning peer makes. */
static void test_forged_edges(void **state)
{
    (void)state;
    struct suite s = aead_suite();
    uint8_t p[64], packet[128];
    ike_esp_plain got;
    /* Padding one octet longer than there is room for, which the IV in front would continue rightly. */
    for (size_t j = 0; j < 62; j++) {
        p[j] = (uint8_t)(j + 2);
    }
    p[62] = 63;
    p[63] = 17;
    expect_forged(&s, IKE_MODE_TRANSPORT, false, p, 64, IKE_ESP_DROP_PADDING, 0);
    /* An inner IPv4 header with a wrong checksum. */
    make_ip(p, 62, false);
    p[10] ^= 1;
    p[62] = 0;
    p[63] = 4;
    expect_forged(&s, IKE_MODE_TUNNEL, false, p, 64, IKE_ESP_DROP_INNER, 0);
    /* No trailer at all, or not whole words. */
    ike_esp_config c = config(&s, true, IKE_MODE_TRANSPORT, false);
    ike_esp_sa *sa = create(&c);
    memset(p, 0, sizeof(p));
    for (size_t n = 0; n <= 12; n++) {
        ike_esp_open(sa, packet, forge(&s, false, 7 + n, p, n, packet), &got);
        assert_int_equal(got.drop, n == 0 || n % 4 ? IKE_ESP_DROP_LENGTH : IKE_ESP_OK);
    }
    ike_esp_destroy(sa);
}

static void test_dummies(void **state)
{
    (void)state;
    struct suite s = aead_suite();
    struct pair p = pair(&s, IKE_MODE_TUNNEL, false, 0);
    uint8_t buf[128];
    size_t len;
    ike_esp_plain plain;
    assert_int_equal(ike_esp_seal(p.out, IKE_ESP_NEXT_NONE, (const uint8_t *)"nothing", 7, buf, sizeof(buf), &len), IKE_OK);
    assert_int_equal(ike_esp_open(p.in, buf, len, &plain), IKE_OK);
    assert_true(plain.dummy && plain.next == IKE_ESP_NEXT_NONE);
    assert_true(ike_esp_counters_of(p.in)->dummies == 1 && ike_esp_counters_of(p.out)->dummies == 1);
    assert_true(ike_esp_counters_of(p.in)->packets == 0 && ike_esp_counters_of(p.in)->octets == 0);
    ike_esp_count_drop(p.in, IKE_ESP_DROP_SELECTOR);
    ike_esp_count_drop(p.in, IKE_ESP_OK);
    ike_esp_count_drop(p.in, IKE_ESP_N_DROPS);
    assert_true(dropped(p.in, IKE_ESP_DROP_SELECTOR) == 1 && all_dropped(p.in) == 1);
    drop_pair(&p);
}

/* What does not go out: no IP packet in a tunnel, wrong direction, no random numbers. Nothing is written then. */
static void test_seal_refusals(void **state)
{
    (void)state;
    struct suite s = cbc_suite();
    struct pair p = pair(&s, IKE_MODE_TUNNEL, false, 0);
    uint8_t ip[60], buf[256], untouched[256];
    size_t len = 77;
    ike_esp_plain plain;
    memset(buf, 0xa5, sizeof(buf));
    memcpy(untouched, buf, sizeof(buf));
    make_ip(ip, sizeof(ip), false);
    assert_int_equal(ike_esp_seal(p.out, 4, ip, 60, buf, sizeof(buf), &len), IKE_ERR_INVALID);
    assert_int_equal(ike_esp_seal(p.out, 0, ip, 59, buf, sizeof(buf), &len), IKE_ERR_INVALID);
    assert_int_equal(ike_esp_seal(p.out, 0, ip, 0, buf, sizeof(buf), &len), IKE_ERR_INVALID);
    assert_int_equal(ike_esp_seal(p.in, 0, ip, 60, buf, sizeof(buf), &len), IKE_ERR_INVALID);
    assert_int_equal(ike_esp_open(p.out, buf, 60, &plain), IKE_ERR_INVALID);
    assert_true(dropped(p.out, IKE_ESP_DROP_INVALID) == 3);
    drop_pair(&p);
    ike_esp_config c = config(&s, false, IKE_MODE_TUNNEL, false);
    c.random.fill = random_fails;
    ike_esp_sa *sa = create(&c);
    assert_int_equal(ike_esp_seal(sa, 0, ip, 60, buf, sizeof(buf), &len), IKE_ERR_HOST);
    assert_true(dropped(sa, IKE_ESP_DROP_RANDOM) == 1 && ike_esp_counters_of(sa)->seq == 0);
    ike_esp_destroy(sa);
    assert_memory_equal(buf, untouched, sizeof(buf));
    assert_int_equal(len, 77);
}

static int seal_fails(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv)
{
    (void)ctx, (void)iv, (void)aad, (void)aad_len, (void)data, (void)n, (void)icv;
    return IKE_ERR_HOST;
}

static int init_fails(void *ctx, const uint8_t *key, size_t n, bool encrypt)
{
    (void)ctx, (void)key, (void)n, (void)encrypt;
    return IKE_ERR_HOST;
}

/* A provider that fails: the number is used up, the plaintext does not stay in the caller's buffer as if it were sealed. */
static void test_provider_failure(void **state)
{
    (void)state;
    struct suite s = aead_suite();
    ike_encr broken = *s.encr;
    broken.seal = seal_fails;
    s.encr = &broken;
    ike_esp_config c = config(&s, false, IKE_MODE_TRANSPORT, false);
    ike_esp_sa *sa = create(&c);
    uint8_t buf[64] = {0};
    size_t len;
    assert_int_equal(ike_esp_seal(sa, 17, (const uint8_t *)"secret", 6, buf, sizeof(buf), &len), IKE_ERR_CRYPTO);
    assert_true(ike_is_zero(buf, sizeof(buf)));
    assert_true(ike_esp_counters_of(sa)->seq == 1 && dropped(sa, IKE_ESP_DROP_CIPHER) == 1);
    ike_esp_destroy(sa);
    broken.init = init_fails;
    assert_int_equal(ike_esp_create(&c, &mem, &sa), IKE_ERR_HOST);
    assert_int_equal(outstanding, 0);
}

/* --- sequence numbers */

static void test_exhaustion(void **state)
{
    (void)state;
    struct suite s = aead_suite();
    for (int esn = 0; esn < 2; esn++) {
        uint64_t last = esn ? UINT64_MAX : UINT32_MAX;
        struct pair p = pair(&s, IKE_MODE_TRANSPORT, esn, last - 3);
        uint8_t buf[64];
        size_t len;
        ike_esp_plain plain;
        assert_true(ike_esp_seq_max(p.out) == last);
        for (uint64_t i = 1; i <= 5; i++) {
            int rc = ike_esp_seal(p.out, 17, (const uint8_t *)"x", 1, buf, sizeof(buf), &len);
            assert_int_equal(rc, i <= 3 ? IKE_OK : IKE_ERR_LIMIT);
            if (rc == IKE_OK) {
                assert_int_equal(ike_esp_open(p.in, buf, len, &plain), IKE_OK);
                assert_true(plain.seq == last - 3 + i);
            }
        }
        assert_true(ike_esp_counters_of(p.out)->seq == last && dropped(p.out, IKE_ESP_DROP_EXHAUSTED) == 2);
        drop_pair(&p);
    }
}

/* Numbers zero: never sent; refused where it is the whole number, fine as a low half. */
static void test_zero(void **state)
{
    (void)state;
    struct suite s = aead_suite();
    uint8_t plain[4] = {1, 2, 2, 17}, packet[64];
    ike_esp_plain got;
    for (int esn = 0; esn < 2; esn++) {
        ike_esp_config c = config(&s, true, IKE_MODE_TRANSPORT, esn);
        ike_esp_sa *sa = create(&c);
        size_t len = forge(&s, esn, 0, plain, 4, packet);
        assert_int_equal(ike_esp_open(sa, packet, len, &got), IKE_ERR_PROTO);
        assert_int_equal(got.drop, IKE_ESP_DROP_SEQ_ZERO);
        ike_esp_destroy(sa);
    }
    ike_esp_config c = config(&s, true, IKE_MODE_TRANSPORT, true);
    c.seq = UINT32_MAX;
    ike_esp_sa *sa = create(&c);
    size_t len = forge(&s, true, 1ull << 32, plain, 4, packet);
    assert_int_equal(ike_esp_open(sa, packet, len, &got), IKE_OK);
    assert_true(got.seq == 1ull << 32);
    ike_esp_destroy(sa);
}

/* Packets around 2^32 in any order within the window arrive once each; without ESN the far end stops there. */
static void test_esn_wrap(void **state)
{
    (void)state;
    enum { N = 600 };
    struct suite all[2] = {aead_suite(), cbc_suite()};
    static uint8_t sealed[N][96];
    for (size_t k = 0; k < 2; k++) {
        struct pair p = pair(&all[k], IKE_MODE_TRANSPORT, true, UINT32_MAX - N / 2);
        size_t len = 0, order[N];
        ike_esp_plain plain;
        for (size_t i = 0; i < N; i++) {
            uint8_t no[2] = {(uint8_t)(i >> 8), (uint8_t)i};
            assert_int_equal(ike_esp_seal(p.out, 17, no, 2, sealed[i], sizeof(sealed[i]), &len), IKE_OK);
            order[i] = i;
        }
        for (size_t i = 0; i < N; i++) { /* nobody moves by more than 60 places */
            size_t j = i + rnd() % 30, t = order[i];
            if (j < N && order[i] + 60 > j && order[j] < i + 60) {
                order[i] = order[j];
                order[j] = t;
            }
        }
        for (size_t i = 0; i < N; i++) {
            uint8_t copy[96];
            memcpy(copy, sealed[order[i]], len);
            assert_int_equal(ike_esp_open(p.in, copy, len, &plain), IKE_OK);
            assert_int_equal(ike_load16(plain.data), order[i]);
            memcpy(copy, sealed[order[i]], len);
            assert_int_equal(ike_esp_open(p.in, copy, len, &plain), IKE_ERR_REPLAY);
        }
        /* Long past: taken for the next period, so not authentic. */
        uint8_t copy[96];
        memcpy(copy, sealed[N / 2 + 5], len);
        assert_int_equal(ike_esp_open(p.in, copy, len, &plain), IKE_ERR_CRYPTO);
        drop_pair(&p);
    }
}

/* Two ends that disagree about ESN do not understand each other (the ICV covers the high half). */
static void test_esn_mismatch(void **state)
{
    (void)state;
    struct suite all[2] = {aead_suite(), cbc_suite()};
    for (size_t k = 0; k < 4; k++) {
        ike_esp_config c = config(&all[k & 1], false, IKE_MODE_TRANSPORT, k & 2);
        ike_esp_sa *out = create(&c);
        c.inbound = true;
        c.esn = !c.esn;
        ike_esp_sa *in = create(&c);
        uint8_t buf[96];
        size_t len;
        ike_esp_plain plain;
        assert_int_equal(ike_esp_seal(out, 17, (const uint8_t *)"x", 1, buf, sizeof(buf), &len), IKE_OK);
        assert_int_equal(ike_esp_open(in, buf, len, &plain), IKE_ERR_CRYPTO);
        ike_esp_destroy(out);
        ike_esp_destroy(in);
    }
}

static void test_window_off_and_sizes(void **state)
{
    (void)state;
    struct suite s = aead_suite();
    for (uint32_t window = 0; window <= 4096; window += 64) {
        ike_esp_config c = config(&s, true, IKE_MODE_TRANSPORT, false);
        c.window = window;
        ike_esp_sa *sa = create(&c);
        uint8_t plain[4] = {1, 2, 2, 17}, packet[64];
        ike_esp_plain got;
        const uint32_t seqs[] = {5000, 5000 - window + (window > 0), 5000, 5000 - window};
        const int want[] = {IKE_ESP_OK, IKE_ESP_OK, window ? IKE_ESP_DROP_DUPLICATE : IKE_ESP_OK,
                            window ? IKE_ESP_DROP_OLD : IKE_ESP_OK};
        for (size_t i = 0; i < 4; i++) {
            ike_esp_open(sa, packet, forge(&s, false, seqs[i], plain, 4, packet), &got);
            assert_int_equal(got.drop, want[i]);
            assert_int_equal(got.newest, i == 0);
        }
        ike_esp_destroy(sa);
    }
}

/* The explicit IV of a counter cipher is the sequence number; CBC's comes from the random source. */
static void test_ivs(void **state)
{
    (void)state;
    struct suite all[2] = {aead_suite(), cbc_suite()};
    uint8_t buf[96], last[16] = {0};
    size_t len;
    for (size_t k = 0; k < 2; k++) {
        struct pair p = pair(&all[k], IKE_MODE_TRANSPORT, true, 0x1234567800000000);
        for (uint64_t i = 1; i < 50; i++) {
            assert_int_equal(ike_esp_seal(p.out, 17, NULL, 0, buf, sizeof(buf), &len), IKE_OK);
            if (k == 0) {
                assert_true(ike_load64(buf + 8) == 0x1234567800000000 + i);
            } else {
                assert_memory_not_equal(buf + 8, last, 16);
                memcpy(last, buf + 8, 16);
            }
        }
        drop_pair(&p);
    }
}

/* --- settings */

static void test_config_refused(void **state)
{
    (void)state;
    struct suite aead = aead_suite(), cbc = cbc_suite();
    ike_encr gmac = *aead.encr;
    gmac.id = 21;
    for (int i = 0; i < 20; i++) {
        ike_esp_config c = config(i == 9 || i == 10 || i == 12 || i == 18 ? &cbc : &aead, i % 2, IKE_MODE_TUNNEL, false);
        int want = IKE_ERR_INVALID;
        ike_allocator m = mem;
        /* clang-format off */
        switch (i) {
        case 0: c.size = 0; break;
        case 1: c.window = 63; break;
        case 2: c.spi = 255; break;
        case 3: c.window = 32; break;
        case 4: c.mode = (ike_mode)2; break;
        case 5: c.window = 4160; break;
        case 6: c.encr_key.len--; break;
        case 7: c.window = 0; c.esn = true; break;
        case 8: c.integ = cbc.integ; c.integ_key.len = cbc.integ->key_len; break;
        case 9: c.integ = NULL; break;
        case 10: c.random.fill = NULL; break;
        case 11: c.window = 100; break;
        case 12: c.integ_key.len++; break;
        case 13: c.encr = NULL; break;
        case 14: c.encr = &gmac; want = IKE_ERR_UNSUPPORTED; break;
        case 15: m.user = &m; want = IKE_ERR_NOMEM; break;
        case 16: c.seq = 1ull << 32; break;
        case 17: c.encr_key.len = 0; break;
        case 18: c.encr_key.len = 17; break;
        default: want = IKE_OK; break; /* the control: nothing was changed */
        }
        /* clang-format on */
        ike_esp_sa *sa = NULL;
        int rc = ike_esp_create(&c, &m, &sa);
        if (rc != want) {
            fail_msg("case %d: %s", i, ike_strerror(rc));
        }
        assert_int_equal(sa != NULL, want == IKE_OK);
        ike_esp_destroy(sa);
        assert_int_equal(outstanding, 0);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < IKE_ESP_N_DROPS; i++) {
        assert_non_null(ike_esp_drop_name(i));
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(ike_esp_drop_name(i), ike_esp_drop_name(j));
        }
    }
    assert_string_equal(ike_esp_drop_name(-1), "unknown");
    assert_string_equal(ike_esp_drop_name(IKE_ESP_N_DROPS), "unknown");
}

/* Noise into an SA: refused, and the SA still works. */
static void test_noise(void **state)
{
    (void)state;
    struct suite all[2] = {aead_suite(), cbc_suite()};
    for (size_t k = 0; k < 2; k++) {
        struct pair p = pair(&all[k], IKE_MODE_TUNNEL, k, 0);
        ike_esp_plain plain;
        for (int i = 0; i < 20000; i++) {
            size_t n = rnd() % 160;
            uint8_t *buf = malloc(n ? n : 1);
            assert_non_null(buf);
            for (size_t j = 0; j < n; j++) {
                buf[j] = (uint8_t)rnd();
            }
            if (n >= 8) {
                ike_store32(buf, 0xc0ffee01);
            }
            assert_true(ike_esp_open(p.in, buf, n, &plain) < 0);
            free(buf);
        }
        assert_true(all_dropped(p.in) == 20000 && ike_esp_counters_of(p.in)->seq == 0);
        uint8_t data[60], buf[200];
        make_ip(data, 60, false);
        one_trip(&p, IKE_MODE_TUNNEL, data, 60, buf, 100);
        drop_pair(&p);
    }
}

int main(void)
{
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_bit_flips),
        cmocka_unit_test(test_plaintexts),
        cmocka_unit_test(test_forged_edges),
        cmocka_unit_test(test_dummies),
        cmocka_unit_test(test_seal_refusals),
        cmocka_unit_test(test_provider_failure),
        cmocka_unit_test(test_exhaustion),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_esn_wrap),
        cmocka_unit_test(test_esn_mismatch),
        cmocka_unit_test(test_window_off_and_sizes),
        cmocka_unit_test(test_ivs),
        cmocka_unit_test(test_config_refused),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
