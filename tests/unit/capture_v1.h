/* SPDX-License-Identifier: ISC
 *
 * Help for tests that read the captures of IKEv1 with keys: whole exchanges decrypted one message after another, by the rules for
 * IVs.
 */
#ifndef TESTS_UNIT_CAPTURE_V1_H
#define TESTS_UNIT_CAPTURE_V1_H

#include "keys/v1.h"
#include "message/v1.h"
#include "unit/capture_file.h"
#include "unit/crypto_conformance.h"
#include "vectors/json.h"

#define BLOCK_MAX 16

struct capture_v1;
/* A message: in clear (plain NULL), or decrypted with the IV given. */
typedef void capture_v1_fn(struct capture_v1 *f, struct ike_message *m, const uint8_t *iv, const uint8_t *plain, size_t end);

struct capture_v1 {
    struct ike_v1_seal k;
    uint8_t key[64];
    const ike_prf *prf;
    const ike_hash *hash;
    ike_bytes g_xi, g_xr; /* views into the capture */
    struct {
        uint32_t mid;
        uint8_t iv[BLOCK_MAX];
    } x[8]; /* exchanges, phase 1 first */
    size_t n, opened;
    uint8_t expected[64]; /* octets that only show after decryption */
    size_t expected_len;
    capture_v1_fn *each;
};

static _Alignas(16) uint8_t capture_v1_ctx[16384];

/* An attribute of phase 1 in the answer: one proposal with one transform. */
static inline uint64_t capture_v1_chosen(const struct ike_payload *sa, uint16_t type)
{
    struct ike_rd r = ike_rd(sa->body, sa->len);
    struct ike_v1_attr a;
    uint64_t v = 0;
    ike_rd_take(&r, 8 + 4 + 2);
    const uint8_t spi_len = ike_rd_u8(&r);
    ike_rd_take(&r, 1u + spi_len + 8);
    while (ike_v1_attr_next(&r, &a)) {
        if (a.type == type) {
            assert_true(ike_v1_attr_uint(&a, &v));
        }
    }
    assert_true(ike_rd_done(&r));
    return v;
}

/* false: the build lacks what was negotiated. */
static inline bool capture_v1_negotiated(struct capture_v1 *f, const struct ike_payload *sa)
{
    static const uint16_t prf_of[] = {0, 1, 2, 0, 5, 6, 7};
    const ike_crypto *c;
    const uint64_t encr = capture_v1_chosen(sa, 1), hash = capture_v1_chosen(sa, 2);
    assert_true(hash < IKE_COUNT(prf_of) && (encr == 5 || encr == 7));
    f->k.encr = NULL;
    f->hash = NULL;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        const ike_prf *prf = ike_find_prf(c, prf_of[hash]);
        f->k.encr = f->k.encr ? f->k.encr : ike_find_encr(c, encr == 5 ? 3 : 12);
        if (prf && !f->hash) {
            f->prf = prf;
            f->hash = ike_v1_hash_of(c, prf);
        }
    }
    if (!f->k.encr || !f->hash) {
        print_message("left out: cipher %u or hash %u is not in this build\n", (unsigned)encr, (unsigned)hash);
        return false;
    }
    return true;
}

/* The IV of the exchange, made anew for a later one that is not known yet. */
static inline uint8_t *capture_v1_iv(struct capture_v1 *f, uint32_t mid)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->x[i].mid == mid) {
            return f->x[i].iv;
        }
    }
    assert_true(f->n > 0 && f->n < IKE_COUNT(f->x));
    f->x[f->n].mid = mid;
    ike_v1_iv_next(f->hash, capture_v1_ctx, ike_bytes_of(f->x[0].iv, f->k.encr->block), mid, f->x[f->n].iv, f->k.encr->block);
    return f->x[f->n++].iv;
}

static inline void capture_v1_open(struct capture_v1 *f, struct ike_message *m)
{
    static uint8_t plain[4096];
    uint8_t next[BLOCK_MAX], *iv = capture_v1_iv(f, m->h.mid);
    size_t end;
    assert_int_equal(ike_v1_open(&f->k, m, iv, capture_v1_ctx, plain, sizeof plain, next, &end), IKE_OK);
    assert_true(ike_is_zero(capture_v1_ctx, f->k.encr->ctx_size));
    f->each(f, m, iv, plain, end);
    memcpy(iv, next, f->k.encr->block);
    f->opened++;
}

/* A whole capture, repeated messages once: the exchange in clear gives what the first IV is made of. Who has the key only when
 * it has been seen whole sets it then. false: skip. */
static inline bool capture_v1_walk(struct capture_v1 *f, const struct capture_file *c)
{
    static struct ike_message m;
    for (size_t i = 0; i < c->n; i++) {
        bool repeated = false;
        for (size_t k = 0; k < i; k++) {
            repeated |= ike_bytes_equal(c->message[k], c->message[i]);
        }
        if (repeated) {
            continue;
        }
        assert_int_equal(ike_message_parse(&m, c->message[i].ptr, c->message[i].len), IKE_OK);
        if (m.h.flags & IKE_FLAG1_ENCRYPTED) {
            capture_v1_open(f, &m);
            continue;
        }
        const struct ike_payload *sa = ike_message_find(&m, IKE_P1_SA, 0), *ke = ike_message_find(&m, IKE_P1_KE, 0);
        if (sa && m.h.spi_r != 0 && !capture_v1_negotiated(f, sa)) {
            return false;
        }
        if (ke) {
            f->g_xi = f->g_xr;
            f->g_xr = ike_bytes_of(ke->body, ke->len);
        }
        if (f->g_xi.ptr) {
            ike_v1_iv(f->hash, capture_v1_ctx, f->g_xi, f->g_xr, f->x[0].iv, f->k.encr->block);
            f->n = 1;
        }
        f->each(f, &m, NULL, NULL, 0);
    }
    return true;
}

/* Skips the test, having said why, if there is no such capture. false: the build lacks what it needs, which is said too. */
static inline bool capture_v1_run(struct capture_v1 *f, const char *name)
{
    char path[512];
    struct capture_file c;
    if (!vec_path(path, sizeof path, CAPTURES "keys.json") || !capture_load(&c, name)) {
        skip();
    }
    struct json *root = json_load(path);
    const struct json *entry = json_get(root, name);
    const char *text = json_text(entry, "expected_value");
    f->k.key = ike_bytes_of(f->key, json_hex(json_first(json_get(entry, "keys")), "encryption_key", f->key, sizeof f->key));
    assert_true(f->k.key.len != SIZE_MAX && text != NULL);
    f->expected_len = json_hex(entry, "expected_value", f->expected, sizeof f->expected);
    if (f->expected_len == SIZE_MAX) {
        f->expected_len = strlen(text);
        memcpy(f->expected, text, f->expected_len);
    }
    const bool done = capture_v1_walk(f, &c);
    json_free(root);
    capture_free(&c);
    return done;
}

#endif
