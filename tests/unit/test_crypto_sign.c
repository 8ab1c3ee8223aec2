/* SPDX-License-Identifier: ISC
 *
 * Every signature slot of every provider: RFC 4754's and NIST's numbers, Wycheproof, the program openssl, and what has to be
 * refused.
 */
#define _DEFAULT_SOURCE 1 /* mkdtemp */

#include "unit/core_help.h"
#include "unit/crypto_conformance.h"
#include "unit/keys_help.h"
#include "unit/sign_vectors.h"

#include "crypto/key.h"
#include "crypto/slots.h"

static struct lab lab;
static const ike_random rng = {lab_random, &lab};
static const ike_allocator mem = {lab_alloc, lab_release, &lab};

static const uint16_t kinds[N_KEYS] = {IKE_KEY_RSA, IKE_KEY_ECDSA, IKE_KEY_ECDSA, IKE_KEY_ECDSA, IKE_KEY_DSA};
static const unsigned sizes[N_KEYS] = {2048, 256, 384, 521, 1024};
static const size_t sig_lens[N_KEYS] = {256, 64, 96, 132, 40}, digest_lens[N_KEYS] = {51, 32, 48, 64, 20};

static int start(void **state)
{
    lab_init(&lab);
    return cc_global_init(state);
}

/* A slot on a crypto of its own, so that nothing else is asked. */
struct alone {
    ike_crypto crypto;
    const ike_sign *slots[2];
};

static const ike_crypto *alone(struct alone *a, const ike_sign *s)
{
    *a = (struct alone){.crypto = {.name = "one", .sign = a->slots}, .slots = {s, NULL}};
    return &a->crypto;
}

static struct ike_key key_of(const ike_sign *s, bool secret, const char *pem)
{
    struct alone a;
    struct ike_key k = {0};
    assert_int_equal(ike_key_read(alone(&a, s), &mem, &rng, secret, ike_bytes_of(pem, strlen(pem)), &k), IKE_OK);
    assert_ptr_equal(k.alg, s);
    return k;
}

/* Every slot of this kind, through all suites. */
static void all(uint16_t kind, void (*body)(const ike_sign *s, const void *arg), const void *arg)
{
    size_t found = 0;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->sign && c->sign[k]; k++) {
            if (c->sign[k]->id == kind) {
                size_t before = lab.blocks;
                body(c->sign[k], arg);
                cc_no_openssl_errors();
                assert_int_equal(lab.blocks, before);
                found++;
            }
        }
    }
    if (!found) {
        const char *home = kind == IKE_KEY_DSA ? "openssl" : "mbedtls";
        assert_null(cc_named(home));
        print_message("left out: key kind %u, %s is not in this build\n", (unsigned)kind, home);
    }
}

/* ---- What others signed ---------------------------------------------------------------------------------------------------- */

struct signed_by {
    ike_bytes key, data, sig;
    bool good;
};

static void check_one(const ike_sign *s, const void *arg)
{
    const struct signed_by *v = arg;
    void *key;
    assert_int_equal(s->read(&mem, &rng, false, v->key, &key), IKE_OK);
    assert_int_equal(s->verify(key, v->data, v->sig), v->good ? IKE_OK : IKE_ERR_AUTH);
    s->drop(key, &mem);
}

static void published_numbers(void **state)
{
    (void)state;
    uint8_t key[600], data[100], sig[600];
    for (size_t i = 0; i < IKE_COUNT(sign_vectors); i++) {
        const struct sign_vector *t = &sign_vectors[i];
        struct signed_by v = {{key, cc_lit(t->key, key, sizeof key)},
                              {data, cc_lit(t->data, data, sizeof data)},
                              {sig, cc_lit(t->sig, sig, sizeof sig)},
                              t->good};
        all(t->kind, check_one, &v);
    }
}

/* Of any provider: the default choice of a small build has not all of them. */
static const ike_hash *hash_of(uint16_t id)
{
    const ike_hash *h = NULL;
    const ike_crypto *c;
    for (size_t i = 0; !h && (c = cc_suite(i)) != NULL; i++) {
        h = ike_find_hash(c, id);
    }
    assert_non_null(h);
    return h;
}

static size_t digest(uint16_t id, const void *data, size_t n, uint8_t *out)
{
    const ike_hash *h = hash_of(id);
    void *ctx = cc_context(h->ctx_size);
    h->init(ctx);
    h->update(ctx, data, n);
    h->final(ctx, out);
    free(ctx);
    return h->len;
}

static void wycheproof(const char *file, uint16_t kind, uint16_t hash, const char *info, size_t good, size_t bad)
{
    static uint8_t key[600], msg[CC_MAX], sig[2048];
    uint8_t data[128];
    struct json *root = cc_json(file);
    size_t n_good = 0, n_bad = 0, before = cc_lit(info, data, sizeof data);
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        size_t key_len = cc_hex(g, "publicKeyDer", key, sizeof key);
        for (const struct json *t = json_first(json_get(g, "tests")); t; t = t->next) {
            size_t n = cc_hex(t, "msg", msg, sizeof msg), sig_len = cc_hex(t, "sig", sig, sizeof sig);
            /* "acceptable": a DigestInfo without the NULL that RFC 8017 has there. It is made anew here, so it differs. */
            bool valid = strcmp(json_text(t, "result"), "valid") == 0;
            struct signed_by v = {{key, key_len}, {data, before + digest(hash, msg, n, data + before)}, {sig, sig_len}, valid};
            all(kind, check_one, &v);
            *(valid ? &n_good : &n_bad) += 1;
        }
    }
    print_message("%s: %zu agree, %zu refused\n", file, n_good, n_bad);
    assert_int_equal(n_good, good);
    assert_int_equal(n_bad, bad);
    json_free(root);
}

static void wycheproof_rsa_sha256(void **state)
{
    (void)state;
    wycheproof("wycheproof/rsa_signature_2048_sha256_test.json", IKE_KEY_RSA, 2, "3031300d060960864801650304020105000420", 9,
               250);
}

static void wycheproof_rsa_sha512(void **state)
{
    (void)state;
    wycheproof("wycheproof/rsa_signature_2048_sha512_test.json", IKE_KEY_RSA, 4, "3051300d060960864801650304020305000440", 8,
               251);
}

static void wycheproof_ecdsa(void **state)
{
    (void)state;
    wycheproof("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", IKE_KEY_ECDSA, 2, "", 173, 89);
}

/* PKCS #1 v1.5 has one signature for each message, so ours have to be the same octets. */
struct to_sign {
    ike_bytes key, data, sig;
};

static void sign_same(const ike_sign *s, const void *arg)
{
    const struct to_sign *t = arg;
    uint8_t sig[IKE_SIG_MAX];
    size_t n;
    void *key;
    assert_int_equal(s->read(&mem, &rng, true, t->key, &key), IKE_OK);
    assert_int_equal(s->sign(key, &rng, t->data, sig, &n), IKE_OK);
    assert_int_equal(n, t->sig.len);
    assert_memory_equal(sig, t->sig.ptr, n);
    s->drop(key, &mem);
}

static void wycheproof_rsa_signing(void **state)
{
    (void)state;
    static const struct {
        const char *sha, *info;
        uint16_t hash;
    } hashes[] = {{"SHA-1", "3021300906052b0e03021a05000414", 1},
                  {"SHA-256", "3031300d060960864801650304020105000420", 2},
                  {"SHA-384", "3041300d060960864801650304020205000430", 3},
                  {"SHA-512", "3051300d060960864801650304020305000440", 4}};
    static uint8_t key[2048], msg[CC_MAX], sig[2048];
    uint8_t data[128];
    size_t n = 0;
    struct json *root = cc_json("wycheproof/rsa_pkcs1_2048_sig_gen_test.json");
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        for (size_t i = 0; i < IKE_COUNT(hashes); i++) {
            if (strcmp(json_text(g, "sha"), hashes[i].sha) != 0) {
                continue;
            }
            size_t key_len = cc_hex(g, "privateKeyPkcs8", key, sizeof key), before = cc_lit(hashes[i].info, data, sizeof data);
            for (const struct json *t = json_first(json_get(g, "tests")); t; t = t->next, n++) {
                size_t len = cc_hex(t, "msg", msg, sizeof msg);
                struct to_sign v = {{key, key_len},
                                    {data, before + digest(hashes[i].hash, msg, len, data + before)},
                                    {sig, cc_hex(t, "sig", sig, sizeof sig)}};
                all(IKE_KEY_RSA, sign_same, &v);
            }
        }
    }
    print_message("rsa_pkcs1_2048_sig_gen_test.json: %zu agree\n", n);
    assert_true(n >= 20);
    json_free(root);
}

static void boringssl_ecdsa(void **state)
{
    (void)state;
    static const struct {
        const char *curve, *prefix;
        size_t octets;
    } curves[] = {{"P-256", "3059301306072a8648ce3d020106082a8648ce3d03010703420004", 32},
                  {"P-384", "3076301006072a8648ce3d020106052b8104002203620004", 48},
                  {"P-521", "30819b301006072a8648ce3d020106052b810400230381860004", 66}};
    uint8_t key[200], data[128], sig[132];
    size_t good = 0, bad = 0, not_sayable = 0;
    struct vec_text t;
    cc_text(&t, "nist/boringssl/ecdsa_verify_tests.txt");
    while (vec_text_next(&t)) {
        const char *curve = vec_text_get(&t, "Curve");
        for (size_t i = 0; i < IKE_COUNT(curves); i++) {
            if (!curve || strcmp(curve, curves[i].curve) != 0) {
                continue;
            }
            size_t n = cc_lit(curves[i].prefix, key, sizeof key), octets = curves[i].octets;
            size_t x = vec_text_bytes(&t, "X", key + n, octets), y = vec_text_bytes(&t, "Y", key + n + octets, octets);
            size_t r = vec_text_bytes(&t, "R", sig, octets), s = vec_text_bytes(&t, "S", sig + octets, octets);
            if (x != octets || y != octets || r != octets || s != octets) {
                /* A number too large for its place, which must be refused, has no form in IKE. */
                assert_non_null(vec_text_get(&t, "Invalid"));
                not_sayable++;
                continue;
            }
            bool valid = !vec_text_get(&t, "Invalid");
            struct signed_by v = {
                {key, n + 2 * octets}, {data, cc_bytes(&t, "Digest", data, sizeof data)}, {sig, 2 * octets}, valid};
            all(IKE_KEY_ECDSA, check_one, &v);
            *(valid ? &good : &bad) += 1;
        }
    }
    vec_text_close(&t);
    print_message("ecdsa_verify_tests.txt: %zu agree, %zu refused, %zu not expressible in IKE\n", good, bad, not_sayable);
    assert_true(good >= 50 && bad >= 150);
}

/* ---- What we sign ---------------------------------------------------------------------------------------------------------- */

/* Data of the length that fits the key. */
static ike_bytes data_for(unsigned i)
{
    static uint8_t data[64];
    memset(data, 0x5a, sizeof data);
    return ike_bytes_of(data, digest_lens[i]);
}

static void own_signature(const ike_sign *s, const void *arg)
{
    unsigned i = *(const unsigned *)arg;
    struct ike_key secret = key_of(s, true, test_keys[i][0].key), open = key_of(s, false, test_keys[i][0].cert),
                   other = key_of(s, false, test_keys[i][1].cert);
    uint8_t sig[IKE_SIG_MAX], data[64];
    size_t n = 0;
    ike_bytes given = data_for(i);
    memcpy(data, given.ptr, given.len);
    assert_int_equal(s->bits(secret.state), sizes[i]);
    assert_int_equal(s->bits(open.state), sizes[i]);
    assert_true(s->pair(open.state, secret.state, &rng));
    assert_false(s->pair(other.state, secret.state, &rng));
    assert_int_equal(s->sign(secret.state, &rng, given, sig, &n), IKE_OK);
    assert_int_equal(n, sig_lens[i]);
    assert_int_equal(s->verify(open.state, given, ike_bytes_of(sig, n)), IKE_OK);
    assert_int_equal(s->verify(secret.state, given, ike_bytes_of(sig, n)), IKE_OK); /* it has the public part */
    assert_int_equal(s->verify(other.state, given, ike_bytes_of(sig, n)), IKE_ERR_AUTH);
    /* Other data. */
    for (size_t at = 0; at < given.len; at += 7) {
        data[at] ^= 1;
        assert_int_equal(s->verify(open.state, ike_bytes_of(data, given.len), ike_bytes_of(sig, n)), IKE_ERR_AUTH);
        data[at] ^= 1;
    }
    /* Other signatures: each octet, and other lengths. */
    for (size_t at = 0; at < n; at += 5) {
        sig[at] ^= 0x40;
        assert_int_equal(s->verify(open.state, given, ike_bytes_of(sig, n)), IKE_ERR_AUTH);
        sig[at] ^= 0x40;
    }
    memset(sig + n, 0, sizeof sig - n);
    const size_t lens[] = {0, 1, n / 2, n - 1, n + 1, n + 2, 2 * n, sizeof sig};
    for (size_t k = 0; k < IKE_COUNT(lens); k++) {
        if (lens[k] <= sizeof sig) {
            assert_int_equal(s->verify(open.state, given, ike_bytes_of(sig, lens[k])), IKE_ERR_AUTH);
        }
    }
    assert_int_equal(s->verify(open.state, given, ike_bytes_of(sig, n)), IKE_OK);
    /* No random source, no signature made without one. RSA may have what blinds it from before, and then signs as it did. */
    uint8_t again[IKE_SIG_MAX];
    lab.no_random = true;
    int r = s->sign(secret.state, &rng, given, again, &n);
    assert_true(r == IKE_ERR_CRYPTO || i == KEY_DSA || (s->id == IKE_KEY_RSA && r == IKE_OK && memcmp(again, sig, n) == 0));
    lab.no_random = false;
    ike_key_drop(&secret, &mem);
    secret = key_of(s, true, test_keys[i][0].key);
    lab.no_random = true;
    r = s->sign(secret.state, &rng, given, again, &n);
    lab.no_random = false;
    assert_true(r == IKE_ERR_CRYPTO || i == KEY_DSA); /* that one has OpenSSL's */
    if (s != &ike_mbedtls_rsa) { /* mbedTLS 2.28 keeps the half of a blinding pair, and never signs with that key again */
        assert_int_equal(s->sign(secret.state, &rng, given, again, &n), IKE_OK);
        assert_int_equal(s->verify(open.state, given, ike_bytes_of(again, n)), IKE_OK);
    }
    ike_key_drop(&secret, &mem);
    ike_key_drop(&open, &mem);
    ike_key_drop(&other, &mem);
}

static void what_is_signed_is_verified(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_KEYS; i++) {
        all(kinds[i], own_signature, &i);
    }
}

/* r and s are from 1 to the order less one (FIPS 186-4 sections 4.7 and 6.4). */
static void odd_numbers(const ike_sign *s, const void *arg)
{
    static const char *const orders[N_KEYS] = {
        [KEY_P256] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        [KEY_P384] = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        [KEY_P521] =
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b889"
            "9c47aebb6fb71e91386409",
    };
    unsigned i = *(const unsigned *)arg;
    struct ike_key secret = key_of(s, true, test_keys[i][0].key), open = key_of(s, false, test_keys[i][0].cert);
    uint8_t sig[IKE_SIG_MAX], bad[IKE_SIG_MAX], order[80];
    size_t n, half = sig_lens[i] / 2;
    ike_bytes data = data_for(i);
    assert_int_equal(s->sign(secret.state, &rng, data, sig, &n), IKE_OK);
    for (unsigned k = 0; k < 8; k++) {
        memcpy(bad, sig, n);
        uint8_t *number = bad + (k & 1 ? half : 0);
        memset(number, k / 2 == 1 ? 0xff : 0, half);
        if (k / 2 == 2) { /* one */
            number[half - 1] = 1;
        } else if (k / 2 == 3) {
            if (!orders[i]) {
                continue;
            }
            assert_int_equal(cc_lit(orders[i], order, sizeof order), half);
            memcpy(number, order, half);
        }
        assert_int_equal(s->verify(open.state, data, ike_bytes_of(bad, n)), IKE_ERR_AUTH);
    }
    memset(bad, 0, n);
    assert_int_equal(s->verify(open.state, data, ike_bytes_of(bad, n)), IKE_ERR_AUTH);
    ike_key_drop(&secret, &mem);
    ike_key_drop(&open, &mem);
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    for (unsigned i = KEY_P256; i < N_KEYS; i++) {
        all(kinds[i], odd_numbers, &i);
    }
}

/* IKEv1 signs a hash without a DigestInfo, IKEv2 one with it: neither passes for the other. */
static void digest_infos(const ike_sign *s, const void *arg)
{
    uint8_t data[64], sig[IKE_SIG_MAX];
    (void)arg;
    size_t n, before = cc_lit("3031300d060960864801650304020105000420", data, sizeof data);
    struct ike_key secret = key_of(s, true, test_keys[KEY_RSA][0].key), open = key_of(s, false, test_keys[KEY_RSA][0].cert);
    memset(data + before, 7, 32);
    ike_bytes bare = ike_bytes_of(data + before, 32), whole = ike_bytes_of(data, before + 32);
    assert_int_equal(s->sign(secret.state, &rng, bare, sig, &n), IKE_OK);
    assert_int_equal(s->verify(open.state, bare, ike_bytes_of(sig, n)), IKE_OK);
    assert_int_equal(s->verify(open.state, whole, ike_bytes_of(sig, n)), IKE_ERR_AUTH);
    assert_int_equal(s->sign(secret.state, &rng, whole, sig, &n), IKE_OK);
    assert_int_equal(s->verify(open.state, bare, ike_bytes_of(sig, n)), IKE_ERR_AUTH);
    data[14] = 2; /* SHA-384's number on the same hash */
    assert_int_equal(s->verify(open.state, whole, ike_bytes_of(sig, n)), IKE_ERR_AUTH);
    /* As much as fits beside the padding, of eleven octets at least (RFC 8017 section 9.2), and what does not. */
    uint8_t many[256] = {1};
    assert_int_equal(s->sign(secret.state, &rng, ike_bytes_of(many, 256 - 11), sig, &n), IKE_OK);
    assert_int_equal(s->verify(open.state, ike_bytes_of(many, 256 - 11), ike_bytes_of(sig, n)), IKE_OK);
    assert_int_equal(s->verify(open.state, ike_bytes_of(many, 256), ike_bytes_of(sig, n)), IKE_ERR_AUTH);
    assert_int_equal(s->sign(secret.state, &rng, ike_bytes_of(many, 256), sig, &n), IKE_ERR_CRYPTO);
    ike_key_drop(&secret, &mem);
    ike_key_drop(&open, &mem);
}

static void a_digest_info_is_part_of_the_data(void **state)
{
    (void)state;
    all(IKE_KEY_RSA, digest_infos, NULL);
}

/* ---- Keys that are not taken ----------------------------------------------------------------------------------------------- */

struct refusal {
    ike_bytes der;
    int result;
};

static void refuses(const ike_sign *s, const void *arg)
{
    const struct refusal *t = arg;
    void *key = &lab;
    assert_int_equal(s->read(&mem, &rng, false, t->der, &key), t->result);
}

/* SubjectPublicKeyInfo of an RSA key with a modulus of so many octets, all ones, and 65537. */
static size_t rsa_spki(size_t octets, uint8_t *out)
{
    static const uint8_t algorithm[] = {0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0};
    static const uint8_t e[] = {2, 3, 1, 0, 1};
    size_t n = octets + 1, inner = 4 + n + sizeof e, bits = 1 + 4 + inner, len = sizeof algorithm + 4 + bits;
    struct ike_wr w = ike_wr(out, 4096);
    const struct {
        uint8_t tag;
        size_t len;
    } heads[] = {{0x30, len}, {0x03, bits}, {0x30, inner}, {0x02, n}};
    for (size_t i = 0; i < IKE_COUNT(heads); i++) {
        ike_wr_u8(&w, heads[i].tag);
        ike_wr_u8(&w, 0x82);
        ike_wr_u16(&w, (uint16_t)heads[i].len);
        if (i == 0) {
            ike_wr_put(&w, algorithm, sizeof algorithm);
        }
        if (i == 1 || i == 3) {
            ike_wr_u8(&w, 0);
        }
    }
    memset(ike_wr_room(&w, octets), 0xff, octets);
    ike_wr_put(&w, e, sizeof e);
    assert_false(w.bad);
    return w.len;
}

static void sizes_that_are_not_served(void **state)
{
    (void)state;
    static uint8_t der[4096];
    static const struct {
        size_t octets;
        int result;
    } rows[] = {{64, IKE_ERR_UNSUPPORTED}, {127, IKE_ERR_UNSUPPORTED}, {128, IKE_OK}, {1024, IKE_OK},
                {1025, IKE_ERR_INVALID},   {2048, IKE_ERR_INVALID}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t kind = 0;
        unsigned bits = 0;
        size_t n = rsa_spki(rows[i].octets, der);
        assert_int_equal(ike_key_check(ike_crypto_provider("mbedtls"), &mem, &rng, false, ike_bytes_of(der, n), &kind, &bits),
                         rows[i].result);
        if (rows[i].result == IKE_OK) {
            assert_true(kind == IKE_KEY_RSA && bits == rows[i].octets * 8);
        } else {
            struct refusal t = {ike_bytes_of(der, n), rows[i].result};
            all(IKE_KEY_RSA, refuses, &t);
        }
    }
}

/* Made by OpenSSL: RSA of 512 bits, brainpoolP256r1, Ed25519, DSA of 2048 and 256 bits. */
static const char small_rsa[] = "-----BEGIN PRIVATE KEY-----\n"
                                "MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAqxY/4nJrvlun6xey\n"
                                "64qoj4MHA1XdH5VFjB9FLfLY8q16IhTDdMWvhJ8XQo5t8QPjd6x/v7mHX2o/WC0U\n"
                                "QL8R2QIDAQABAkBfHsa0CvO2aVUp0wpKBNSEvc+nXhTL231IU5Zt3ogaG8nC9jPq\n"
                                "0BB5RTxRYhCSyPDoAKPFNCPwzU/6inV5A3QRAiEA4ur0OL9EADVg1NxMPUJMRCrN\n"
                                "9144ejWITt7i9TX98b0CIQDBA4QB3e0g9Po5Y1N7JKuVCTMgEc3D8Nv0c5FDwXKM\n"
                                "TQIgNmJvU+ZrSs2APqPp1ci89J15ra60RH3uBFEg/foJudUCIB+4xzJTWgynlpRl\n"
                                "+atsfHKzH17u7iV86XmEoORE3+GlAiEA3VkKZT0w2dba8dQmPOWWVuqZwRtrfZeB\n"
                                "PhLnnmVa97c=\n"
                                "-----END PRIVATE KEY-----\n",
                  brainpool_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                    "MIGIAgEAMBQGByqGSM49AgEGCSskAwMCCAEBBwRtMGsCAQEEIJBtXtg4Wi1pA0kR\n"
                                    "RPlH4RMIv4ux2g75XSShze9Gww+woUQDQgAEO9EqvFLcX28l1eDExhzhdWtfXNgT\n"
                                    "D/uWDWheGKUeKipFn7EoIWxW2FV5C6eWqdDDz30NYjrpoj/1RqecvsrhcA==\n"
                                    "-----END PRIVATE KEY-----\n",
                  brainpool[] = "-----BEGIN PUBLIC KEY-----\n"
                                "MFowFAYHKoZIzj0CAQYJKyQDAwIIAQEHA0IABDvRKrxS3F9vJdXgxMYc4XVrX1zY\n"
                                "Ew/7lg1oXhilHioqRZ+xKCFsVthVeQunlqnQw899DWI66aI/9UannL7K4XA=\n"
                                "-----END PUBLIC KEY-----\n",
                  ed25519_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIOLFH5pdchkQrL4WSfv5o7ePLqebqShJQJX2tfWSYD50\n"
                                  "-----END PRIVATE KEY-----\n",
                  ed25519[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEAkknBDpCnamzHsPIhnU3oJC+lnCLwgrcP0WmybQUDPPQ=\n"
                              "-----END PUBLIC KEY-----\n",
                  long_dsa_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                   "MIICZAIBADCCAjkGByqGSM44BAEwggIsAoIBAQCbrdp3PYsWAt6pJjq045K1ZVKv\n"
                                   "oU9yYNF9LlFyrCgrQ0hGQhHA8HlQTEE8oOK864wh0eoZDtTrmZCJQoSpbt+Q+clG\n"
                                   "eUick8464f2eH8GhGx43EI7n07cfL9MrDQBLYqh0bMsnltRPqeb4bzFrKgm4GmDp\n"
                                   "ldPWieQCjUSzJ9kkLvExw/+W9iqAA/KXg/gVLk1WRbM8UalqDb+0bLRvNqmLPeyy\n"
                                   "19fnIu8dM7dyYXl/My9nUuZTpzc1/rJskK7ADsDze9g90T7+7dvTIosL+m4PxHfS\n"
                                   "YJAjp6717Q1YmmPu82/TaEa1ZjjXiOc7LsXZPpgcFMpAC+2GWKYpA13akGvzAiEA\n"
                                   "heK0tGA7PsKOqgGDjKBYSUWkX3CUf+xfNek609+1C/cCggEAS6fhmiIBUNF9VI9E\n"
                                   "arIRKd1jDUElKYO1q/GhmkA+mOr485oL81WK6/LAjKisw4x66iqmAFn1YYGIsQeU\n"
                                   "1wl46XXZSGYp3AXmqqZg0Wd40FRKLANX5Am7Fq/9LWtIhFqP4Jrr86gMcLzqgkIC\n"
                                   "Q+Iv4tj/n1tMwec6t1+ptYVTI5Nt760ZyWVfFy4Wq1f4DmZzj5qunKjY5k9gS9ev\n"
                                   "bLks2chOfqhzE0EQYZ1ZcAPJNMbBLRXSHk/yyVU0iJdJibr+K2LFaDKFh/uS4ecB\n"
                                   "a0gj9eyZdhAbsfYE5fmF991KXaltd/nxevRtknkHATCJCs7z5FBsZvLcNnR/c+xp\n"
                                   "4wOLywQiAiAsLaKCTRz8UzJhgIGg3YSKiLdJbl1J2bE3+ISi6b+JeQ==\n"
                                   "-----END PRIVATE KEY-----\n",
                  long_dsa[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MIIDRjCCAjkGByqGSM44BAEwggIsAoIBAQCbrdp3PYsWAt6pJjq045K1ZVKvoU9y\n"
                               "YNF9LlFyrCgrQ0hGQhHA8HlQTEE8oOK864wh0eoZDtTrmZCJQoSpbt+Q+clGeUic\n"
                               "k8464f2eH8GhGx43EI7n07cfL9MrDQBLYqh0bMsnltRPqeb4bzFrKgm4GmDpldPW\n"
                               "ieQCjUSzJ9kkLvExw/+W9iqAA/KXg/gVLk1WRbM8UalqDb+0bLRvNqmLPeyy19fn\n"
                               "Iu8dM7dyYXl/My9nUuZTpzc1/rJskK7ADsDze9g90T7+7dvTIosL+m4PxHfSYJAj\n"
                               "p6717Q1YmmPu82/TaEa1ZjjXiOc7LsXZPpgcFMpAC+2GWKYpA13akGvzAiEAheK0\n"
                               "tGA7PsKOqgGDjKBYSUWkX3CUf+xfNek609+1C/cCggEAS6fhmiIBUNF9VI9EarIR\n"
                               "Kd1jDUElKYO1q/GhmkA+mOr485oL81WK6/LAjKisw4x66iqmAFn1YYGIsQeU1wl4\n"
                               "6XXZSGYp3AXmqqZg0Wd40FRKLANX5Am7Fq/9LWtIhFqP4Jrr86gMcLzqgkICQ+Iv\n"
                               "4tj/n1tMwec6t1+ptYVTI5Nt760ZyWVfFy4Wq1f4DmZzj5qunKjY5k9gS9evbLks\n"
                               "2chOfqhzE0EQYZ1ZcAPJNMbBLRXSHk/yyVU0iJdJibr+K2LFaDKFh/uS4ecBa0gj\n"
                               "9eyZdhAbsfYE5fmF991KXaltd/nxevRtknkHATCJCs7z5FBsZvLcNnR/c+xp4wOL\n"
                               "ywOCAQUAAoIBADcyEGrYhs4FxFiTgMjGT1e12AW1d7MqO3kCHKG1GkX8QvdHLJEe\n"
                               "fLMClgWASJj6YAPr75pJBc2JPI/L0mzrWFSHJvofCgpFpNhHlDYEQoIXgqktD0T7\n"
                               "ZxbtMtPcKnYPhLFCWJce5UJDgq95eft6fI0DM7igMmiJlqhYBnXK/6XJy5c9Gs2V\n"
                               "N8hIjHr/b/8KUHIPeP8LtaZ5I9voEIcMF+2kV3sL6pTaAJb9D+yQXAoLlbmRFFlE\n"
                               "1hZZJYpLHEVg942t8Iv1ffweJAaZ1NomEq8VlAQ80xnmYKlTay+IFoBlt0z1H/a9\n"
                               "BndAGoerwqTkPSsDQ1TALe56LtsP6UZEXLA=\n"
                               "-----END PUBLIC KEY-----\n";

static void keys_of_other_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *pem;
        bool secret;
    } rows[] = {{small_rsa, true}, {brainpool_key, true}, {brainpool, false}, {ed25519_key, true},
                {ed25519, false},  {long_dsa_key, true},  {long_dsa, false}};
    const ike_crypto *c;
    for (size_t k = 0; (c = cc_suite(k)) != NULL; k++) {
        for (size_t i = 0; i < IKE_COUNT(rows); i++) {
            ike_bytes text = ike_bytes_of(rows[i].pem, strlen(rows[i].pem));
            assert_int_equal(ike_key_check(c, &mem, &rng, rows[i].secret, text, NULL, NULL), IKE_ERR_UNSUPPORTED);
        }
        /* And those that only others serve. */
        for (unsigned i = 0; i < N_KEYS; i++) {
            bool served = false;
            for (size_t s = 0; c->sign && c->sign[s]; s++) {
                served |= c->sign[s]->id == kinds[i];
            }
            for (unsigned secret = 0; secret < 2; secret++) {
                const char *pem = secret ? test_keys[i][0].key : test_keys[i][0].cert;
                assert_int_equal(ike_key_check(c, &mem, &rng, secret, ike_bytes_of(pem, strlen(pem)), NULL, NULL),
                                 served ? IKE_OK : IKE_ERR_UNSUPPORTED);
            }
        }
    }
}

/* ---- The program openssl --------------------------------------------------------------------------------------------------- */

static void put_file(const char *dir, const char *name, const void *octets, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(octets, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* DER of r | s, which is what the program has (RFC 3279 section 2.2.3). */
static size_t der_signature(const uint8_t *sig, size_t n, uint8_t *out)
{
    uint8_t body[160];
    struct ike_wr w = ike_wr(body, sizeof body), all_of = ike_wr(out, 200);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *p = sig + i * n / 2, *end = p + n / 2;
        while (p < end - 1 && !*p) {
            p++;
        }
        ike_wr_u8(&w, 2);
        ike_wr_u8(&w, (uint8_t)(end - p + (*p >> 7)));
        if (*p & 0x80) {
            ike_wr_u8(&w, 0);
        }
        ike_wr_put(&w, p, (size_t)(end - p));
    }
    ike_wr_u8(&all_of, 0x30);
    if (w.len > 127) {
        ike_wr_u8(&all_of, 0x81);
    }
    ike_wr_u8(&all_of, (uint8_t)w.len);
    ike_wr_put(&all_of, body, w.len);
    assert_false(w.bad || all_of.bad);
    return all_of.len;
}

static bool run(const char *dir, const char *command)
{
    char line[400];
    snprintf(line, sizeof line, "cd %s && %s >log 2>&1", dir, command);
    return system(line) == 0;
}

static void verified_by_openssl(const ike_sign *s, const void *arg)
{
    unsigned i = *(const unsigned *)arg;
    char dir[] = "/tmp/ike-sign-XXXXXX";
    uint8_t sig[IKE_SIG_MAX], der[200];
    size_t n;
    struct ike_key secret = key_of(s, true, test_keys[i][0].key);
    ike_bytes data = data_for(i);
    assert_non_null(mkdtemp(dir));
    put_file(dir, "key", test_keys[i][0].key, strlen(test_keys[i][0].key));
    put_file(dir, "cert", test_keys[i][0].cert, strlen(test_keys[i][0].cert));
    put_file(dir, "data", data.ptr, data.len);
    assert_int_equal(s->sign(secret.state, &rng, data, sig, &n), IKE_OK);
    bool rsa = kinds[i] == IKE_KEY_RSA;
    size_t len = rsa ? n : der_signature(sig, n, der);
    put_file(dir, "sig", rsa ? sig : der, len);
    bool good = run(dir, "openssl pkeyutl -verify -certin -inkey cert -sigfile sig -in data");
    put_file(dir, "data", "something else in the data", 20);
    bool bad = run(dir, "openssl pkeyutl -verify -certin -inkey cert -sigfile sig -in data");
    char away[64];
    snprintf(away, sizeof away, "rm -rf %s", dir);
    assert_int_equal(system(away), 0);
    assert_true(good && !bad);
    ike_key_drop(&secret, &mem);
}

static void the_program_openssl_agrees(void **state)
{
    (void)state;
    if (system("openssl version >/dev/null 2>&1") != 0) {
        print_message("left out: there is no program openssl\n");
        return;
    }
    for (unsigned i = 0; i < N_KEYS; i++) {
        all(kinds[i], verified_by_openssl, &i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_numbers),
        cmocka_unit_test(wycheproof_rsa_sha256),
        cmocka_unit_test(wycheproof_rsa_sha512),
        cmocka_unit_test(wycheproof_ecdsa),
        cmocka_unit_test(wycheproof_rsa_signing),
        cmocka_unit_test(boringssl_ecdsa),
        cmocka_unit_test(what_is_signed_is_verified),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(a_digest_info_is_part_of_the_data),
        cmocka_unit_test(sizes_that_are_not_served),
        cmocka_unit_test(keys_of_other_kinds),
        cmocka_unit_test(the_program_openssl_agrees),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
