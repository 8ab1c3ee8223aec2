/* SPDX-License-Identifier: ISC
 *
 * Keys and proofs of exchanges between strongSwan and Libreswan, from the datagrams as they passed: what is on the wire is read
 * from there, and what is calculated from it is compared with the proofs on the wire and with the peer's log. Only the pre-shared
 * key and the shared secret are not on the wire.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/capture_v1.h"
#include "unit/recorded_v1.h"

/* Bodies of payloads; 0 is the initiator's, 1 the responder's. */
struct body {
    uint8_t octets[300];
    size_t len;
};

struct exchange {
    struct capture_v1 f; /* first: what its callback gets */
    const struct recorded *r;
    unsigned messages;
    uint64_t cky[2];
    size_t key_len;
    struct body sai, nonce[2], id[2], proof[2];
    uint8_t skeyid[IKE_HASH_MAX], keys[3 * IKE_HASH_MAX];
};

static ike_bytes bytes(const struct body *b)
{
    assert_true(b->len > 0);
    return ike_bytes_of(b->octets, b->len);
}

static void keep(struct body *b, const struct ike_message *m, uint8_t type)
{
    const struct ike_payload *p = ike_message_find(m, type, 0);
    if (p) {
        assert_true(b->len == 0 && p->len <= sizeof b->octets);
        memcpy(b->octets, p->body, p->len);
        b->len = p->len;
    }
}

/* The value, all of it, and nothing left in the scratch. */
static void expect(int rc, const uint8_t *got, size_t len, const char *hex)
{
    uint8_t want[IKE_HASH_MAX];
    assert_int_equal(rc, IKE_OK);
    assert_int_equal(cc_lit(hex, want, sizeof want), len);
    assert_memory_equal(got, want, len);
    assert_true(ike_is_zero(capture_v1_ctx, sizeof capture_v1_ctx));
}

/* All keys, as soon as both nonces are known: what follows on the wire is under them. */
static void derive(struct exchange *x)
{
    struct capture_v1 *f = &x->f;
    const size_t n = f->prf->mac->len;
    void *ctx = capture_v1_ctx;
    uint8_t shared[256];
    const ike_bytes psk = ike_bytes_of(x->r->psk, strlen(x->r->psk)), skeyid = ike_bytes_of(x->skeyid, n),
                    xy = ike_bytes_of(shared, cc_lit(x->r->g_xy, shared, sizeof shared));
    expect(ike_v1_skeyid_psk(f->prf, ctx, psk, bytes(&x->nonce[0]), bytes(&x->nonce[1]), x->skeyid), x->skeyid, n, x->r->skeyid);
    expect(ike_v1_skeyids(f->prf, ctx, skeyid, xy, x->cky[0], x->cky[1], x->keys), x->keys, n, x->r->skeyid_d);
    expect(IKE_OK, x->keys + n, n, x->r->skeyid_a);
    expect(IKE_OK, x->keys + 2 * n, n, x->r->skeyid_e);
    expect(ike_v1_cipher_key(f->prf, ctx, ike_bytes_of(x->keys + 2 * n, n), f->k.encr, f->key, x->key_len), f->key, x->key_len,
           x->r->ka);
    f->k.key = ike_bytes_of(f->key, x->key_len);
}

/* The initiator's messages are the odd ones. */
static void take(struct capture_v1 *f, struct ike_message *m, const uint8_t *iv, const uint8_t *plain, size_t end)
{
    struct exchange *x = (struct exchange *)f;
    const unsigned side = x->messages++ % 2;
    (void)iv, (void)plain, (void)end;
    if (side == 0) {
        keep(&x->sai, m, IKE_P1_SA);
    } else if (ike_message_find(m, IKE_P1_SA, 0)) {
        x->cky[0] = m->h.spi_i;
        x->cky[1] = m->h.spi_r;
        x->key_len = (size_t)capture_v1_chosen(ike_message_find(m, IKE_P1_SA, 0), 14) / 8;
    }
    keep(&x->nonce[side], m, IKE_P1_NONCE);
    keep(&x->id[side], m, IKE_P1_ID);
    keep(&x->proof[side], m, IKE_P1_HASH);
    if (x->nonce[1].len && !f->k.key.len) {
        derive(x);
    }
}

static void check_proof(const struct exchange *x, unsigned side, const char *logged)
{
    const struct capture_v1 *f = &x->f;
    const size_t n = f->prf->mac->len;
    const ike_bytes g[2] = {f->g_xi, f->g_xr};
    uint8_t hash[IKE_HASH_MAX];
    expect(ike_v1_hash_auth(f->prf, capture_v1_ctx, ike_bytes_of(x->skeyid, n), g[side], g[!side], x->cky[side], x->cky[!side],
                            bytes(&x->sai), bytes(&x->id[side]), hash),
           hash, n, logged);
    assert_int_equal(x->proof[side].len, n);
    assert_memory_equal(x->proof[side].octets, hash, n);
}

/* false: the build lacks what it needs, which is said. */
static bool run_recorded(const struct recorded *r)
{
    static uint8_t octets[6][512];
    struct exchange x = {.f = {.each = take}, .r = r};
    struct capture_file c = {0};
    for (; c.n < IKE_COUNT(r->message) && r->message[c.n]; c.n++) {
        c.message[c.n] = ike_bytes_of(octets[c.n], cc_lit(r->message[c.n], octets[c.n], sizeof octets[0]));
    }
    if (!capture_v1_walk(&x.f, &c)) {
        return false;
    }
    assert_int_equal(x.messages, c.n);
    assert_int_equal(x.f.opened, c.n / 3); /* two of six in Main Mode, one of three in Aggressive Mode */
    check_proof(&x, 0, r->hash_i);
    check_proof(&x, 1, r->hash_r);
    return true;
}

static void hash_i_and_hash_r(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < IKE_COUNT(recorded); i++) {
        print_message("%s\n", recorded[i].name);
        n += run_recorded(&recorded[i]);
    }
    assert_true(n > 0 || !ike_find_encr(ike_crypto_default(), 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hash_i_and_hash_r)};
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
