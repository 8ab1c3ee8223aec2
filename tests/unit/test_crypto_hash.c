/* SPDX-License-Identifier: ISC
 *
 * Every hash of every provider, against FIPS 180-4's and RFC 1321's examples and NIST's byte-oriented vectors.
 */
#include "unit/crypto_conformance.h"

static void one(const ike_hash *h, const uint8_t *data, size_t n, const uint8_t *expected)
{
    uint8_t out[IKE_HASH_MAX];
    void *ctx = cc_context(h->ctx_size);
    h->init(ctx);
    h->update(ctx, data, n);
    h->final(ctx, out);
    assert_memory_equal(out, expected, h->len);
    /* The same context again, the data in three pieces. */
    h->init(ctx);
    h->update(ctx, data, n / 3);
    h->update(ctx, data + n / 3, n / 2 - n / 3);
    h->update(ctx, data + n / 2, n - n / 2);
    h->final(ctx, out);
    assert_memory_equal(out, expected, h->len);
    free(ctx);
}

/* Every descriptor with this id, through all suites; the number of them. */
static size_t all(uint16_t id, const uint8_t *data, size_t n, const uint8_t *expected)
{
    size_t found = 0;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->hash[k]; k++) {
            if (c->hash[k]->id == id) {
                one(c->hash[k], data, n, expected);
                found++;
            }
        }
    }
    return found;
}

/* NIST, "Examples with Intermediate Values" for FIPS 180-4: one block, two blocks, and the empty message; RFC 1321 appendix A.5.
 */
static const struct {
    uint16_t id;
    const char *text, *hash;
} fips[] = {
    {IKE_HASH_MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
    {IKE_HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72"},
    {IKE_HASH_MD5, "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
    {1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {2, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {2, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {2, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {3, "abc", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {3, "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039"},
    {4, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {4, "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
     "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
     "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
};

static void fips_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(fips); i++) {
        uint8_t hash[IKE_HASH_MAX];
        cc_lit(fips[i].hash, hash, sizeof(hash));
        size_t found = all(fips[i].id, (const uint8_t *)fips[i].text, strlen(fips[i].text), hash);
        assert_true(found >= 1 || (fips[i].id == IKE_HASH_MD5 && !cc_legacy()));
    }
}

/* FIPS 180-4's third example: a million times "a", fed in pieces of a size that is no divisor of a block. */
static void a_million(void **state)
{
    (void)state;
    static const char *const hashes[] = {
        [1] = "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
        [2] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        [3] = "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985",
        [4] = "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
              "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    };
    static const char md5[] = "7707d6ae4e027c70eea2a935c2296f21"; /* by md5sum of GNU coreutils */
    uint8_t piece[1000], out[IKE_HASH_MAX], expected[IKE_HASH_MAX];
    memset(piece, 'a', sizeof(piece));
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->hash[k]; k++) {
            const ike_hash *h = c->hash[k];
            assert_int_equal(cc_lit(h->id == IKE_HASH_MD5 ? md5 : hashes[h->id], expected, sizeof(expected)), h->len);
            void *ctx = cc_context(h->ctx_size);
            h->init(ctx);
            for (size_t n = 0; n < 1000; n++) {
                h->update(ctx, piece, sizeof(piece));
            }
            h->final(ctx, out);
            assert_memory_equal(out, expected, h->len);
            free(ctx);
        }
    }
}

static void published(const char *file)
{
    static const struct {
        const char *name;
        uint16_t id;
    } algs[] = {{"HASH_MD5", IKE_HASH_MD5}, {"HASH_SHA1", 1}, {"HASH_SHA256", 2}, {"HASH_SHA384", 3}, {"HASH_SHA512", 4}};
    static uint8_t data[CC_MAX];
    uint8_t hash[IKE_HASH_MAX];
    struct json *root = cc_json(file);
    for (const struct json *v = json_first(root); v; v = v->next) {
        for (size_t i = 0; i < IKE_COUNT(algs); i++) {
            if (strcmp(json_text(v, "alg"), algs[i].name) == 0) {
                size_t n = cc_hex(v, "data", data, sizeof(data));
                cc_hex(v, "hash", hash, sizeof(hash));
                size_t found = all(algs[i].id, data, n, hash);
                assert_true(found >= 1 || (algs[i].id == IKE_HASH_MD5 && !cc_legacy()));
            }
        }
    }
    json_free(root);
}

static void rfc1321(void **state)
{
    (void)state;
    published("rfc/md5.json");
}

static void nist_sha1(void **state)
{
    (void)state;
    published("rfc/sha1.json");
}

static void nist_sha2(void **state)
{
    (void)state;
    published("rfc/sha2.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fips_examples), cmocka_unit_test(a_million), cmocka_unit_test(rfc1321),
        cmocka_unit_test(nist_sha1),     cmocka_unit_test(nist_sha2),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
