/* SPDX-License-Identifier: ISC
 *
 * ike-bench esp: the user-space ESP codec per packet size, against nothing but the AEAD by direct calls. Packets are sealed in
 * place, a ring at a time, and then opened in the same order; sealing and opening are timed apart.
 */
#include "bench.h"
#include <ike/esp.h>
#include <nettle/gcm.h>
#include <nettle/memops.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 128, ROOM = 1536, HEAD = 24, AAD = 8, TAG = 16, SAMPLES_MAX = 2048, WAYS = 2 };

static const size_t sizes[] = {64, 128, 256, 512, 1024, 1400};
static const struct cipher {
    const char *name;
    uint16_t id;
    size_t key; /* with salt */
} ciphers[] = {{"aes128gcm16", 20, 20}, {"chacha20poly1305", 28, 36}};

struct lane {
    uint8_t packet[RING][ROOM];
    size_t len[RING];
    uint8_t tag[RING][TAG], nonce[RING][12];
};

struct esp {
    const struct cipher *cipher;
    ike_esp_sa *out, *in;
    struct gcm_aes128_ctx gcm;
    uint8_t key[64], inner[ROOM];
    struct lane codec, bare;
};

static void *lend(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void take_back(void *user, void *p, size_t n)
{
    (void)user, (void)n;
    free(p);
}

static ike_esp_sa *sa_new(const struct cipher *c, const uint8_t *key, bool inbound)
{
    static const ike_allocator mem = {lend, take_back, NULL};
    ike_esp_config f;
    ike_esp_sa *sa = NULL;
    ike_esp_config_init(&f);
    f.inbound = inbound;
    f.spi = 0x1000;
    f.encr = ike_find_encr(ike_crypto_default(), c->id);
    f.encr_key = (ike_bytes){key, c->key};
    f.window = IKE_ESP_WINDOW_DEFAULT;
    if (!f.encr || ike_esp_create(&f, &mem, &sa) != IKE_OK) {
        bench_die("%s: no ESP SA", c->name);
    }
    return sa;
}

/* An IPv4 packet of n octets: the receiver looks at its length and checksum. */
static void make_inner(uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    memset(p, 0x5a, n);
    memcpy(p, (uint8_t[20]){0x45, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, 20);
    for (unsigned i = 0; i < 20; i += 2) {
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    p[10] = (uint8_t)(~sum >> 8);
    p[11] = (uint8_t)~sum;
}

static double codec_seal(struct esp *e, size_t n)
{
    size_t head = ike_esp_headroom(e->out);
    for (unsigned i = 0; i < RING; i++) {
        memcpy(e->codec.packet[i] + head, e->inner, n);
    }
    double start = bench_cpu_us();
    for (unsigned i = 0; i < RING; i++) {
        if (ike_esp_seal(e->out, 0, e->codec.packet[i] + head, n, e->codec.packet[i], ROOM, &e->codec.len[i]) != IKE_OK) {
            bench_die("a packet is not sealed");
        }
    }
    return bench_cpu_us() - start;
}

static double codec_open(struct esp *e, size_t n)
{
    double start = bench_cpu_us();
    for (unsigned i = 0; i < RING; i++) {
        ike_esp_plain plain;
        if (ike_esp_open(e->in, e->codec.packet[i], e->codec.len[i], &plain) != IKE_OK || plain.len != n) {
            bench_die("a packet is not opened");
        }
    }
    return bench_cpu_us() - start;
}

/* As much as the codec encrypts: the packet, padding to 4 octets, and two octets of trailer. */
static size_t covered(size_t n) { return (n + 2 + 3) / 4 * 4; }

static double bare_seal(struct esp *e, size_t n)
{
    size_t len = covered(n);
    for (unsigned i = 0; i < RING; i++) {
        memcpy(e->bare.packet[i] + HEAD, e->inner, n);
    }
    double start = bench_cpu_us();
    for (unsigned i = 0; i < RING; i++) {
        uint8_t *p = e->bare.packet[i], *iv = e->bare.nonce[i];
        iv[11] = (uint8_t)i;
        if (e->cipher->id == 20) {
            gcm_aes128_set_iv(&e->gcm, 12, iv);
            gcm_aes128_update(&e->gcm, AAD, p);
            gcm_aes128_encrypt(&e->gcm, len, p + HEAD, p + HEAD);
            gcm_aes128_digest(&e->gcm, TAG, e->bare.tag[i]);
        } else {
            crypto_aead_chacha20poly1305_ietf_encrypt_detached(p + HEAD, e->bare.tag[i], NULL, p + HEAD, len, p, AAD, NULL, iv,
                                                               e->key);
        }
    }
    return bench_cpu_us() - start;
}

static double bare_open(struct esp *e, size_t n)
{
    size_t len = covered(n);
    double start = bench_cpu_us();
    for (unsigned i = 0; i < RING; i++) {
        uint8_t *p = e->bare.packet[i], *iv = e->bare.nonce[i], tag[TAG];
        bool good;
        if (e->cipher->id == 20) {
            gcm_aes128_set_iv(&e->gcm, 12, iv);
            gcm_aes128_update(&e->gcm, AAD, p);
            gcm_aes128_decrypt(&e->gcm, len, p + HEAD, p + HEAD);
            gcm_aes128_digest(&e->gcm, TAG, tag);
            good = memeql_sec(tag, e->bare.tag[i], TAG);
        } else {
            good = crypto_aead_chacha20poly1305_ietf_decrypt_detached(p + HEAD, NULL, p + HEAD, len, e->bare.tag[i], p, AAD, iv,
                                                                      e->key) == 0;
        }
        if (!good) {
            bench_die("the bare cipher does not open what it sealed");
        }
    }
    return bench_cpu_us() - start;
}

static void row(struct esp *e, size_t n, double seconds, bool json)
{
    static const char *const ways[WAYS] = {"seal", "open"};
    static double codec[WAYS][SAMPLES_MAX], bare[WAYS][SAMPLES_MAX];
    double end = bench_wall_us() + seconds * 1e6;
    unsigned k = 0;
    make_inner(e->inner, n);
    for (unsigned warm = 0; k == 0 || (k < SAMPLES_MAX && bench_wall_us() < end); warm = 1) {
        codec[0][k] = codec_seal(e, n) / RING;
        codec[1][k] = codec_open(e, n) / RING;
        bare[0][k] = bare_seal(e, n) / RING;
        bare[1][k] = bare_open(e, n) / RING;
        k += warm;
    }
    for (unsigned w = 0; w < WAYS; w++) {
        double us = bench_median(codec[w], k), low = bench_median(bare[w], k);
        printf(json ? "{\"cipher\":\"%s\",\"way\":\"%s\",\"octets\":%zu,\"ns\":%.1f,\"bare_ns\":%.1f,\"ratio\":%.3f,"
                      "\"gbit_per_s\":%.3f,\"samples\":%u}\n"
                    : "%-18s %-5s %6zu %9.1f %9.1f %7.3f %10.3f %8u\n",
               e->cipher->name, ways[w], n, us * 1e3, low * 1e3, us / low, (double)n * 8 / (us * 1e3), k);
    }
    fflush(stdout);
}

int bench_esp(int argc, char **argv)
{
    double seconds = 0.5;
    bool json = false;
    const struct bench_option options[] = {
        {"--seconds", NULL, &seconds, NULL}, {"--json", &json, NULL, NULL}, {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || seconds > 3600) {
        return bench_usage();
    }
    if (!json) {
        printf("%-18s %-5s %6s %9s %9s %7s %10s %8s\n", "cipher", "way", "octets", "ns", "bare ns", "ratio", "Gbit/s", "samples");
    }
    for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++) {
        struct esp *e = bench_alloc(sizeof *e);
        e->cipher = &ciphers[i];
        bench_random(NULL, e->key, sizeof e->key);
        gcm_aes128_set_key(&e->gcm, e->key);
        e->out = sa_new(e->cipher, e->key, false);
        e->in = sa_new(e->cipher, e->key, true);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            row(e, sizes[k], seconds, json);
        }
        ike_esp_destroy(e->out);
        ike_esp_destroy(e->in);
        bench_free(e);
    }
    return 0;
}
