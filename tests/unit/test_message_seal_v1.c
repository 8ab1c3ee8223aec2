/* SPDX-License-Identifier: ISC
 *
 * Encrypted messages of version 1: exchanges between other implementations open with their keys and the rules for IVs and come
 * out the same when they are sealed again; a message calculated apart; every cipher there and back; damage is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/capture_v1.h"
#include "unit/crypto_conformance.h"

static _Alignas(16) uint8_t scratch[16384];

/* ---- Captures ---- */

/* A body read and written back gives the same octets. */
static void rewrite(struct ike_chain *c, const struct ike_payload *p)
{
    struct ike_v1_notify n;
    struct ike_v1_delete d;
    struct ike_v1_id id;
    struct ike_v1_config cfg;
    struct ike_v1_attr a;
    size_t at;
    switch (p->type) {
    case IKE_P1_ID:
        assert_int_equal(ike_v1_id_parse(&id, p), IKE_OK);
        ike_v1_put_id(c, &id);
        break;
    case IKE_P1_NOTIFY:
        assert_int_equal(ike_v1_notify_parse(&n, p), IKE_OK);
        ike_v1_put_notify(c, n.protocol, ike_bytes_of(n.spi, n.spi_len), n.type, n.data);
        break;
    case IKE_P1_DELETE:
        assert_int_equal(ike_v1_delete_parse(&d, p), IKE_OK);
        ike_put_payload(c, p->type, ike_bytes_of(p->body, p->len));
        break;
    case IKE_P1_ATTR:
        assert_int_equal(ike_v1_config_parse(&cfg, p), IKE_OK);
        at = ike_v1_begin_config(c, cfg.type, cfg.identifier);
        for (struct ike_rd r = ike_rd(cfg.attrs.ptr, cfg.attrs.len); ike_v1_attr_next(&r, &a);) {
            if (a.tv) {
                ike_v1_put_attr_uint(&c->w, a.type, ike_load16(a.value.ptr));
            } else {
                ike_v1_put_attr(&c->w, a.type, a.value);
            }
        }
        ike_chain_end(c, at);
        break;
    default:
        ike_put_payload(c, p->type, ike_bytes_of(p->body, p->len));
    }
}

static size_t payloads;
static bool seen; /* what only shows after decryption */

static void check_opened(struct capture_v1 *f, struct ike_message *m, const uint8_t *iv, const uint8_t *plain, size_t end)
{
    static uint8_t chain_buf[4096], again[4096];
    const size_t block = f->k.encr ? f->k.encr->block : 0;
    if (plain == NULL) {
        return;
    }
    assert_true(m->n > 0 && end <= m->len - IKE_HEADER_LEN);
    assert_int_equal(m->p[0].type, m->h.next);
    assert_true(m->h.mid == 0 || m->h.next == IKE_P1_HASH);
    struct ike_chain c = ike_chain(chain_buf, sizeof chain_buf);
    for (unsigned i = 0; i < m->n; i++) {
        const struct ike_payload *p = &m->p[i];
        assert_true(p->inner);
        rewrite(&c, p);
        for (size_t k = 0; k + f->expected_len <= p->len; k++) {
            seen |= memcmp(p->body + k, f->expected, f->expected_len) == 0;
        }
    }
    payloads += m->n;
    assert_ptr_equal(ike_message_find(m, m->h.next, 0), &m->p[0]);
    assert_false(c.w.bad);
    assert_int_equal(c.w.len, end);
    assert_memory_equal(c.w.p, plain, end);
    if (m->h.next == IKE_P1_HASH) {
        const ike_bytes rest = ike_v1_behind(&m->p[0], plain, end);
        assert_int_equal(rest.len, end - 4 - m->p[0].len);
    }
    /* Sealed again it is the same as far as whole blocks of payloads go: behind them stands the sender's own padding. */
    uint8_t own_iv[BLOCK_MAX];
    size_t len;
    memcpy(own_iv, iv, block);
    assert_int_equal(ike_v1_seal(&f->k, &m->h, &c, own_iv, scratch, again, sizeof again, &len), IKE_OK);
    assert_memory_equal(again + IKE_HEADER_LEN, m->data + IKE_HEADER_LEN, end / block * block);
    assert_memory_equal(own_iv, again + len - block, block);
}

static void run_capture(const char *name, size_t messages)
{
    struct capture_v1 f = {.each = check_opened};
    payloads = 0;
    seen = false;
    if (!capture_v1_run(&f, name)) {
        return;
    }
    print_message("%s: %zu messages, %zu payloads\n", name, f.opened, payloads);
    assert_int_equal(f.opened, messages);
    assert_true(seen);
}

/* Main Mode with certificates and a Quick Mode whose first message is there twice. */
static void captured_certificates(void **state)
{
    (void)state;
    run_capture("ikev1-certs.pcap", 5);
}

/* Main Mode, XAUTH and Mode-Config, an Informational in between, Quick Mode. */
static void captured_transactions(void **state)
{
    (void)state;
    run_capture("ikev1-bug-12610.pcapng.gz", 12);
}

/* ---- Without captures ---- */

static const struct ike_header header = {
    .spi_i = 0x0123456789abcdefu, .spi_r = 0xfedcba9876543210u, .version = 0x10, .exchange = 5, .mid = 0xa1b2c3d4u};

/* A message under test, opened and sealed with one key. */
struct bench {
    struct ike_v1_seal k;
    uint8_t key[32], iv[BLOCK_MAX], chain[512], out[640], plain[640], next[BLOCK_MAX];
    size_t len, end;
    struct ike_message m;
};

static const ike_encr *aes(void) { return ike_find_encr(ike_crypto_default(), 12); }

static struct bench bench_of(const ike_encr *encr)
{
    struct bench b = {0};
    size_t n = 0;
    while (n < 3 && encr->key_bits[n + 1] != 0) {
        n++;
    }
    for (size_t i = 0; i < sizeof b.key; i++) {
        b.key[i] = (uint8_t)(i * 11);
    }
    b.k.encr = encr;
    b.k.key.len = encr->key_bits[n] / 8u;
    assert_true(b.k.key.len <= sizeof b.key && encr->ctx_size <= sizeof scratch);
    return b;
}

static void seal(struct bench *b, const struct ike_chain *c)
{
    uint8_t iv[BLOCK_MAX];
    b->k.key.ptr = b->key;
    memcpy(iv, b->iv, sizeof iv);
    memset(scratch, 0x5a, sizeof scratch);
    memset(b->out, 0x5a, sizeof b->out);
    assert_int_equal(ike_v1_seal(&b->k, &header, c, iv, scratch, b->out, sizeof b->out, &b->len), IKE_OK);
    assert_true(ike_is_zero(scratch, b->k.encr->ctx_size));
    assert_memory_equal(iv, b->out + b->len - b->k.encr->block, b->k.encr->block);
}

static int open_it(struct bench *b)
{
    b->k.key.ptr = b->key;
    assert_int_equal(ike_message_parse(&b->m, b->out, b->len), IKE_OK);
    assert_int_equal(b->m.n, 0);
    memset(b->next, 0x5a, sizeof b->next);
    memset(scratch, 0x5a, sizeof scratch);
    int rc = ike_v1_open(&b->k, &b->m, b->iv, scratch, b->plain, sizeof b->plain, b->next, &b->end);
    if (rc != IKE_OK) {
        assert_int_equal(b->m.n, 0);
        assert_int_equal(b->next[0], 0x5a);
    }
    return rc;
}

/* AES-128-CBC over a HASH and an INITIAL-CONTACT, calculated with OpenSSL. */
static void the_printed_message(void **state)
{
    (void)state;
    static const char printed[] = "0123456789abcdeffedcba987654321008100501a1b2c3d40000003c4f6a1f0a0c46658dca727241"
                                  "097e07ac9cc4b8ad6ee5fd1a0a79ee10b0bd1a91";
    uint8_t want[128];
    const size_t n = vec_hex(printed, want, sizeof want);
    struct bench b = bench_of(aes());
    for (unsigned i = 0; i < 16; i++) {
        b.key[i] = (uint8_t)i;
        b.iv[i] = (uint8_t)(0x10 + i);
    }
    b.k.key.len = 16;
    struct ike_chain c = ike_chain(b.chain, sizeof b.chain);
    const size_t at = ike_v1_reserve_hash(&c, 4);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_INITIAL_CONTACT, ike_bytes_of(NULL, 0));
    memcpy(c.w.p + at, "hash", 4);
    seal(&b, &c);
    assert_int_equal(b.len, n);
    assert_memory_equal(b.out, want, n);
    assert_int_equal(open_it(&b), IKE_OK);
    assert_int_equal(b.m.n, 2);
    assert_int_equal(b.end, c.w.len);
    struct ike_v1_notify notify;
    assert_int_equal(ike_v1_notify_parse(&notify, ike_message_find(&b.m, IKE_P1_NOTIFY, 0)), IKE_OK);
    assert_int_equal(notify.type, IKE_N1_INITIAL_CONTACT);
}

/* Payloads of every length, so padding of every length; the chain of IVs goes on over two messages. */
static void every_cipher_there_and_back(void **state)
{
    (void)state;
    const ike_crypto *c = ike_crypto_default();
    size_t ciphers = 0;
    for (size_t i = 0; c->encr[i] != NULL; i++) {
        const ike_encr *e = c->encr[i];
        for (size_t n = 1; n <= 70 && !e->aead && e->block > 1; n++) {
            static uint8_t body[70];
            struct bench b = bench_of(e);
            memset(body, 0xff, sizeof body);
            for (unsigned turn = 0; turn < 2; turn++) {
                struct ike_chain chain = ike_chain(b.chain, sizeof b.chain);
                ike_put_payload(&chain, IKE_P1_HASH, ike_bytes_of(body, n));
                ike_put_payload(&chain, IKE_P1_VENDOR, ike_bytes_of(body, 0));
                seal(&b, &chain);
                assert_int_equal((b.len - IKE_HEADER_LEN) % e->block, 0);
                assert_true(b.len - IKE_HEADER_LEN - chain.w.len < e->block);
                assert_int_equal(open_it(&b), IKE_OK);
                assert_int_equal(b.m.n, 2);
                assert_int_equal(b.end, chain.w.len);
                assert_int_equal(b.m.p[0].len, n);
                assert_memory_equal(b.m.p[0].body, body, n);
                assert_ptr_equal(ike_message_find(&b.m, IKE_P1_VENDOR, 0), &b.m.p[1]);
                assert_int_equal(ike_v1_behind(&b.m.p[0], b.plain, b.end).len, 4);
                memcpy(b.iv, b.next, e->block);
            }
        }
        ciphers += !e->aead && e->block > 1;
    }
    assert_true(ciphers > 0);
}

static struct ike_chain two(struct bench *b)
{
    struct ike_chain c = ike_chain(b->chain, sizeof b->chain);
    ike_put_payload(&c, IKE_P1_HASH, IKE_STR("0123456789abcdefghij"));
    ike_v1_put_notify(&c, 1, IKE_STR("spi."), IKE_N1_INITIAL_CONTACT, IKE_STR("data"));
    return c;
}

/* Others fill up with anything, and with whole blocks more than they have to. */
static void padding_is_not_looked_at(void **state)
{
    (void)state;
    struct bench b = bench_of(aes());
    for (size_t extra = 0; extra < 64; extra++) {
        struct ike_chain c = two(&b);
        const size_t end = c.w.len;
        for (size_t i = 0; i < extra; i++) {
            ike_wr_u8(&c.w, (uint8_t)(0x80 + i));
        }
        seal(&b, &c);
        assert_int_equal(open_it(&b), IKE_OK);
        assert_int_equal(b.m.n, 2);
        assert_int_equal(b.end, end);
    }
}

/* One octet of the chain changed before it was sealed. */
static void malformed_chains(void **state)
{
    (void)state;
    struct bench b = bench_of(aes());
    const struct {
        size_t at;
        uint8_t value;
    } faults[] = {
        {1, 1},     /* RESERVED of the first */
        {25, 0x80}, /* and of the second payload */
        {2, 0xff},  /* longer than the message */
        {3, 3},     /* shorter than its own header */
        {3, 4},     /* a HASH of nothing */
        {27, 11},   /* a notify shorter than its fixed part */
        {24, 11},   /* what follows is zeros: a payload of length 0 */
        {27, 255},  /* past the end */
    };
    for (size_t i = 0; i < IKE_COUNT(faults); i++) {
        struct ike_chain c = two(&b);
        assert_true(c.w.p[faults[i].at] != faults[i].value);
        c.w.p[faults[i].at] = faults[i].value;
        seal(&b, &c);
        assert_int_equal(open_it(&b), IKE_ERR_PROTO);
        assert_true(ike_is_zero(b.plain, b.len - IKE_HEADER_LEN));
    }
    struct ike_chain c = two(&b);
    seal(&b, &c);
    b.key[0] ^= 1; /* garbage, told by the reserved octet or the lengths */
    assert_int_equal(open_it(&b), IKE_ERR_PROTO);
}

static void every_cut(void **state)
{
    (void)state;
    struct bench b = bench_of(aes());
    struct ike_chain c = two(&b);
    seal(&b, &c);
    const size_t whole = b.len;
    for (b.len = IKE_HEADER_LEN; b.len < whole; b.len++) {
        ike_store32(b.out + 24, (uint32_t)b.len);
        assert_int_equal(open_it(&b), IKE_ERR_PROTO);
    }
    ike_store32(b.out + 24, (uint32_t)whole);
    assert_int_equal(open_it(&b), IKE_OK);
    assert_int_equal(ike_message_parse(&b.m, b.out, b.len), IKE_OK);
    assert_int_equal(ike_v1_open(&b.k, &b.m, b.iv, scratch, b.plain, b.len - IKE_HEADER_LEN - 1, b.next, &b.end), IKE_ERR_BUFFER);
    assert_int_equal(ike_v1_open(&b.k, &b.m, b.iv, scratch, b.plain, b.len - IKE_HEADER_LEN, b.next, &b.end), IKE_OK);
    /* In clear there is nothing to decrypt. */
    b.m.h.flags = 0;
    assert_int_equal(ike_v1_open(&b.k, &b.m, b.iv, scratch, b.plain, sizeof b.plain, b.next, &b.end), IKE_ERR_PROTO);
}

/* The limit of payloads holds for what comes out of ciphertext as well. */
static void too_many_payloads(void **state)
{
    (void)state;
    struct bench b = bench_of(aes());
    for (unsigned n = IKE_PAYLOADS_MAX; n <= IKE_PAYLOADS_MAX + 1; n++) {
        struct ike_chain c = ike_chain(b.chain, sizeof b.chain);
        for (unsigned i = 0; i < n; i++) {
            ike_put_payload(&c, IKE_P1_VENDOR, ike_bytes_of(NULL, 0));
        }
        seal(&b, &c);
        assert_int_equal(open_it(&b), n > IKE_PAYLOADS_MAX ? IKE_ERR_PROTO : IKE_OK);
    }
}

static void what_cannot_be_sealed(void **state)
{
    (void)state;
    const ike_crypto *crypto = ike_crypto_default();
    struct bench b = bench_of(aes());
    b.k.key.ptr = b.key;
    struct ike_chain c = two(&b), empty = ike_chain(b.chain, sizeof b.chain), full = ike_chain(b.chain, 5);
    const size_t need = IKE_HEADER_LEN + (c.w.len + 15) / 16 * 16;
    uint8_t out[640];
    size_t len = 0;
    assert_int_equal(ike_v1_seal(&b.k, &header, &empty, b.iv, scratch, out, sizeof out, &len), IKE_ERR_INVALID);
    assert_int_equal(ike_v1_seal(&b.k, &header, &c, b.iv, scratch, out, need - 1, &len), IKE_ERR_BUFFER);
    assert_true(ike_is_zero(b.iv, sizeof b.iv));
    b.k.key.len = 5; /* the cipher refuses it */
    assert_true(ike_v1_seal(&b.k, &header, &c, b.iv, scratch, out, need, &len) < 0);
    assert_true(ike_is_zero(b.iv, sizeof b.iv) && ike_is_zero(out, need));
    b.k.key.len = 32;
    assert_int_equal(ike_v1_seal(&b.k, &header, &c, b.iv, scratch, out, need, &len), IKE_OK);
    assert_int_equal(len, need);
    /* The chain may stand where it is going. */
    uint8_t place[640] = {0}, iv[16] = {0};
    memcpy(place + IKE_HEADER_LEN, c.w.p, c.w.len);
    struct ike_chain inside = c;
    inside.w.p = place + IKE_HEADER_LEN;
    assert_int_equal(ike_v1_seal(&b.k, &header, &inside, iv, scratch, place, sizeof place, &len), IKE_OK);
    assert_memory_equal(place, out, need);
    ike_put_payload(&full, IKE_P1_HASH, IKE_STR("too long"));
    assert_int_equal(ike_v1_seal(&b.k, &header, &full, iv, scratch, out, sizeof out, &len), IKE_ERR_BUFFER);
    for (size_t i = 0; crypto->encr[i]; i++) {
        b.k.encr = crypto->encr[i];
        if (b.k.encr->aead) {
            assert_int_equal(ike_v1_seal(&b.k, &header, &c, iv, scratch, out, sizeof out, &len), IKE_ERR_INVALID);
            assert_int_equal(ike_v1_open(&b.k, &b.m, iv, scratch, b.plain, sizeof b.plain, b.next, &b.end), IKE_ERR_INVALID);
        }
    }
}

int main(void)
{
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    if (!aes()) {
        print_message("left out: AES-CBC is not in this build, nor any other cipher of IKEv1\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_certificates),
        cmocka_unit_test(captured_transactions),
        cmocka_unit_test(the_printed_message),
        cmocka_unit_test(every_cipher_there_and_back),
        cmocka_unit_test(padding_is_not_looked_at),
        cmocka_unit_test(malformed_chains),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(too_many_payloads),
        cmocka_unit_test(what_cannot_be_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
