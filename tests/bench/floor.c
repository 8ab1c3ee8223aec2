/* SPDX-License-Identifier: ISC
 *
 * The floor: a list of operations, executed by the fastest of the installed libraries without anything between. Nothing is
 * allocated, wiped, copied or looked up on the way.
 */
#include "bench.h"
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/des.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <sodium.h>
#include <string.h>

enum { AAD = 32, DATA_MAX = 4096, OPENS = 4 };

union mac {
    struct hmac_sha256_ctx sha256;
    struct hmac_sha1_ctx sha1;
    struct hmac_md5_ctx md5;
};

struct bench_floor {
    enum bench_cipher cipher;
    enum bench_mac mac;
    bool v1;
    struct bench_dh *dh;
    struct bench_signer *signer; /* NULL: nothing is signed */
    union mac prf, integ;
    struct gcm_aes128_ctx gcm;
    struct {
        struct aes128_ctx key;
        uint8_t iv[AES_BLOCK_SIZE];
    } cbc;
    struct des_ctx des;
    struct des3_ctx des3;
    uint8_t chacha[32];
    uint8_t key[128], nonce[12], random[64], digest[SHA256_DIGEST_SIZE], aad[AAD], tag[16];
    uint8_t data[DATA_MAX], out[DATA_MAX];
    struct arrived { /* sealed before the clock runs, to be opened: one for each length */
        size_t octets;
        uint8_t tag[16], data[DATA_MAX];
    } arrived[OPENS];
};

struct bench_floor *bench_floor_new(const struct bench_suite *s)
{
    struct bench_floor *f = bench_alloc(sizeof *f);
    f->cipher = s->cipher;
    f->mac = s->mac;
    f->v1 = s->v1;
    f->dh = bench_dh_new(s->ke);
    f->signer = s->sig ? bench_signer_new(s->sig) : NULL;
    bench_random(NULL, f->key, sizeof f->key);
    bench_random(NULL, f->data, sizeof f->data);
    bench_random(NULL, f->aad, sizeof f->aad);
    bench_random(NULL, f->random, sizeof f->random);
    bench_random(NULL, f->nonce, sizeof f->nonce);
    return f;
}

void bench_floor_free(struct bench_floor *f)
{
    bench_dh_free(f->dh);
    bench_signer_free(f->signer);
    bench_free(f);
}

static void cipher_key(struct bench_floor *f, bool seal)
{
    if (f->cipher == BENCH_GCM) {
        gcm_aes128_set_key(&f->gcm, f->key);
    } else if (f->cipher == BENCH_CHACHA) {
        memcpy(f->chacha, f->key, sizeof f->chacha);
    } else if (f->cipher == BENCH_DES3) {
        (void)des3_set_key(&f->des3, f->key);
    } else if (f->cipher == BENCH_DES) {
        (void)des_set_key(&f->des, f->key);
    } else if (seal) {
        aes128_set_encrypt_key(&f->cbc.key, f->key);
    } else {
        aes128_set_decrypt_key(&f->cbc.key, f->key);
    }
}

static void seal(struct bench_floor *f, size_t n, uint8_t *out, uint8_t *tag)
{
    switch (f->cipher) {
    case BENCH_GCM:
        gcm_aes128_set_iv(&f->gcm, sizeof f->nonce, f->nonce);
        gcm_aes128_update(&f->gcm, AAD, f->aad);
        gcm_aes128_encrypt(&f->gcm, n, out, f->data);
        gcm_aes128_digest(&f->gcm, GCM_DIGEST_SIZE, tag);
        break;
    case BENCH_CHACHA:
        crypto_aead_chacha20poly1305_ietf_encrypt_detached(out, tag, NULL, f->data, n, f->aad, AAD, NULL, f->nonce, f->chacha);
        break;
    case BENCH_DES3:
        cbc_encrypt(&f->des3, (nettle_cipher_func *)des3_encrypt, DES_BLOCK_SIZE, f->cbc.iv, n, out, f->data);
        break;
    case BENCH_DES:
        cbc_encrypt(&f->des, (nettle_cipher_func *)des_encrypt, DES_BLOCK_SIZE, f->cbc.iv, n, out, f->data);
        break;
    default:
        cbc_aes128_encrypt(&f->cbc.key, f->cbc.iv, n, out, f->data);
    }
}

static struct arrived *arrived(struct bench_floor *f, size_t n)
{
    struct arrived *a = f->arrived;
    while (a->octets && a->octets != n) {
        if (++a == f->arrived + OPENS) {
            bench_die("messages of more than %d lengths", (int)OPENS);
        }
    }
    return a;
}

static void open(struct bench_floor *f, size_t n)
{
    const struct arrived *a = arrived(f, n);
    uint8_t tag[GCM_DIGEST_SIZE];
    bool good = true;
    switch (f->cipher) {
    case BENCH_GCM:
        gcm_aes128_set_iv(&f->gcm, sizeof f->nonce, f->nonce);
        gcm_aes128_update(&f->gcm, AAD, f->aad);
        gcm_aes128_decrypt(&f->gcm, n, f->out, a->data);
        gcm_aes128_digest(&f->gcm, sizeof tag, tag);
        good = memeql_sec(tag, a->tag, sizeof tag);
        break;
    case BENCH_CHACHA:
        good = crypto_aead_chacha20poly1305_ietf_decrypt_detached(f->out, NULL, a->data, n, a->tag, f->aad, AAD, f->nonce,
                                                                  f->chacha) == 0;
        break;
    case BENCH_DES3:
        cbc_decrypt(&f->des3, (nettle_cipher_func *)des3_decrypt, DES_BLOCK_SIZE, f->cbc.iv, n, f->out, a->data);
        break;
    case BENCH_DES:
        cbc_decrypt(&f->des, (nettle_cipher_func *)des_decrypt, DES_BLOCK_SIZE, f->cbc.iv, n, f->out, a->data);
        break;
    default:
        cbc_decrypt(&f->cbc.key, (nettle_cipher_func *)aes128_decrypt, AES_BLOCK_SIZE, f->cbc.iv, n, f->out, a->data);
    }
    if (!good) {
        bench_die("the floor does not open what it sealed");
    }
}

static void mac_key(struct bench_floor *f, union mac *m, size_t n)
{
    if (f->mac == BENCH_SHA256) {
        hmac_sha256_set_key(&m->sha256, n, f->key);
    } else if (f->mac == BENCH_SHA1) {
        hmac_sha1_set_key(&m->sha1, n, f->key);
    } else {
        hmac_md5_set_key(&m->md5, n, f->key);
    }
}

static void mac(struct bench_floor *f, union mac *m, size_t n)
{
    if (f->mac == BENCH_SHA256) {
        hmac_sha256_update(&m->sha256, n, f->data);
        hmac_sha256_digest(&m->sha256, SHA256_DIGEST_SIZE, f->digest);
    } else if (f->mac == BENCH_SHA1) {
        hmac_sha1_update(&m->sha1, n, f->data);
        hmac_sha1_digest(&m->sha1, SHA1_DIGEST_SIZE, f->digest);
    } else {
        hmac_md5_update(&m->md5, n, f->data);
        hmac_md5_digest(&m->md5, MD5_DIGEST_SIZE, f->digest);
    }
}

static void hash(struct bench_floor *f, size_t n)
{
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
    struct md5_ctx md5;
    if (f->v1 && f->mac == BENCH_MD5) {
        md5_init(&md5);
        md5_update(&md5, n, f->data);
        md5_digest(&md5, MD5_DIGEST_SIZE, f->digest);
    } else if (f->v1 && f->mac == BENCH_SHA256) {
        sha256_init(&sha256);
        sha256_update(&sha256, n, f->data);
        sha256_digest(&sha256, SHA256_DIGEST_SIZE, f->digest);
    } else {
        sha1_init(&sha1);
        sha1_update(&sha1, n, f->data);
        sha1_digest(&sha1, SHA1_DIGEST_SIZE, f->digest);
    }
}

static void run(struct bench_floor *f, const struct bench_op *op)
{
    switch (op->kind) {
    case BENCH_RANDOM:
        bench_random(NULL, f->random, op->octets);
        break;
    case BENCH_KEYGEN:
        bench_dh_keygen(f->dh, f->random);
        break;
    case BENCH_AGREE:
        bench_dh_agree(f->dh);
        break;
    case BENCH_HASH:
        hash(f, op->octets);
        break;
    case BENCH_PRF_KEY:
        mac_key(f, &f->prf, op->octets);
        break;
    case BENCH_PRF:
        mac(f, &f->prf, op->octets);
        break;
    case BENCH_INTEG_KEY:
        mac_key(f, &f->integ, op->octets);
        break;
    case BENCH_INTEG:
        mac(f, &f->integ, op->octets);
        break;
    case BENCH_SEAL_KEY:
    case BENCH_OPEN_KEY:
        cipher_key(f, op->kind == BENCH_SEAL_KEY);
        break;
    case BENCH_SEAL:
        seal(f, op->octets, f->out, f->tag);
        break;
    case BENCH_SIGN:
        bench_sign(f->signer, f->key, op->octets);
        break;
    case BENCH_VERIFY:
        bench_verify(f->signer, f->key, op->octets);
        break;
    default:
        open(f, op->octets);
    }
}

static void prepare(struct bench_floor *f, const struct bench_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        if (l->op[i].octets > (l->op[i].kind == BENCH_RANDOM ? sizeof f->random : DATA_MAX)) {
            bench_die("an operation on %zu octets", l->op[i].octets);
        }
        if (l->op[i].kind == BENCH_VERIFY) { /* what is to be verified was signed before the clock runs */
            bench_sign(f->signer, f->key, l->op[i].octets);
        }
        if (l->op[i].kind == BENCH_OPEN) {
            struct arrived *a = arrived(f, l->op[i].octets);
            a->octets = l->op[i].octets;
            cipher_key(f, true);
            seal(f, a->octets, a->data, a->tag);
            cipher_key(f, false);
        }
    }
}

double bench_floor_run(struct bench_floor *f, const struct bench_list *l, unsigned n)
{
    prepare(f, l);
    double start = bench_cpu_us();
    while (n--) {
        for (unsigned i = 0; i < l->n; i++) {
            run(f, &l->op[i]);
        }
    }
    return bench_cpu_us() - start;
}
