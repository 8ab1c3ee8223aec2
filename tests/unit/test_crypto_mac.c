/* SPDX-License-Identifier: ISC
 *
 * HMAC of every provider, as PRF and as integrity transform: RFC 2202, RFC 4231, NIST, Wycheproof.
 */
#include "unit/crypto_conformance.h"

static uint8_t key[CC_MAX], msg[CC_MAX];

/* out must begin with the n expected octets; the key is set once and used three times. */
static void one(const ike_mac *m, size_t key_len, size_t len, const uint8_t *expected, size_t n, bool equal)
{
    void *ctx = cc_context(m->ctx_size);
    assert_int_equal(m->init(ctx, key, key_len), IKE_OK);
    for (size_t cut = 0; cut < 3; cut++) {
        uint8_t out[IKE_HASH_MAX + 1];
        out[m->len] = 0xa5;
        m->update(ctx, msg, len * cut / 2);
        m->update(ctx, msg + len * cut / 2, len - len * cut / 2);
        m->final(ctx, out);
        assert_true((memcmp(out, expected, n) == 0) == equal);
        assert_int_equal(out[m->len], 0xa5);
    }
    free(ctx);
}

/* The MAC with this output length in all suites, as PRF and as integrity transform. */
static size_t all(size_t mac_len, size_t key_len, size_t len, const uint8_t *expected, size_t n, bool equal)
{
    size_t found = 0;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->prf[k]; k++) {
            if (c->prf[k]->mac->len == mac_len) {
                one(c->prf[k]->mac, key_len, len, expected, n, equal);
                found++;
            }
        }
        for (size_t k = 0; c->integ[k]; k++) {
            if (c->integ[k]->mac->len == mac_len) {
                one(c->integ[k]->mac, key_len, len, expected, n, equal);
            }
        }
    }
    return found;
}

/* RFC 2202 sections 2 and 3 and RFC 4231 section 4: fixed key and data octets, repeated. Case 5 of RFC 4231 is truncated. */
static const struct {
    const char *key;
    size_t key_times;
    const char *data;
    size_t data_times;
    const char *md5, *sha1, *sha256, *sha384, *sha512;
} rfc[] = {
    {"0b", 20, "4869205468657265", 1, NULL, "b617318655057264e28bc0b6fb378c8ef146be00",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {"4a656665", 1, "7768617420646f2079612077616e7420666f72206e6f7468696e673f", 1, "750c783e6ab0b503eaa86e310a5db738",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {"aa", 20, "dd", 50, NULL, "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819", 1, "cd", 50, "697eaf0aca3a3aea3a75164746ffaa79",
     "4c9007f4026250c6bc8414f9bf50c86c2d7235da", "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
     "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {"0c", 20, "546573742057697468205472756e636174696f6e", 1, NULL, "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04",
     "a3b6167473100ee06e0c796c2955552b", "3abf34c3503b2a23a46efc619baef897", "415fad6271580a531d4179bc891d87a6"},
    {"aa", 131, "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374", 1,
     NULL, NULL, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
     "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    {"aa", 80, "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374", 1,
     "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd", "aa4ae5e15272d00e95705637ce8a3b55ed402112", NULL, NULL, NULL},
    /* RFC 2202 section 2, whose keys of cases 1 and 3 are shorter than SHA-1's; case 7 */
    {"0b", 16, "4869205468657265", 1, "9294727a3638bb1c13f48ef8158bfc9d", NULL, NULL, NULL, NULL},
    {"aa", 16, "dd", 50, "56be34521d144c88dbb8c733f0e8b3f6", NULL, NULL, NULL, NULL},
    {"aa", 80,
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c6172676572205468616e204f6e6520426c6f6"
     "3"
     "6b2d53697a652044617461",
     1, "6f630fad67cda0ee1fb1f562db3aa53e", NULL, NULL, NULL, NULL},
};

static size_t repeat(const char *hex, size_t times, uint8_t *out)
{
    size_t n = cc_lit(hex, out, CC_MAX);
    for (size_t i = 1; i < times; i++) {
        memcpy(out + i * n, out, n);
    }
    return n * times;
}

static void rfc2202_rfc4231(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(rfc); i++) {
        const char *const macs[] = {rfc[i].md5, rfc[i].sha1, rfc[i].sha256, rfc[i].sha384, rfc[i].sha512};
        static const size_t lens[] = {16, 20, 32, 48, 64};
        size_t key_len = repeat(rfc[i].key, rfc[i].key_times, key), len = repeat(rfc[i].data, rfc[i].data_times, msg);
        for (size_t h = 0; h < IKE_COUNT(macs); h++) {
            uint8_t expected[IKE_HASH_MAX];
            if (macs[h]) {
                size_t n = cc_lit(macs[h], expected, sizeof(expected)), found = all(lens[h], key_len, len, expected, n, true);
                assert_true(found >= 1 || (lens[h] == 16 && !cc_legacy()));
            }
        }
    }
}

static void nist(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t len;
    } hashes[] = {{"SHA1", 20}, {"SHA256", 32}, {"SHA384", 48}, {"SHA512", 64}};
    struct vec_text t;
    size_t used = 0;
    cc_text(&t, "nist/boringssl/hmac_tests.txt");
    while (vec_text_next(&t)) {
        for (size_t h = 0; h < IKE_COUNT(hashes); h++) {
            if (strcmp(vec_text_get(&t, "HMAC"), hashes[h].name) == 0) {
                uint8_t expected[IKE_HASH_MAX];
                size_t key_len = cc_bytes(&t, "Key", key, sizeof(key)), len = cc_bytes(&t, "Input", msg, sizeof(msg));
                size_t n = cc_bytes(&t, "Output", expected, sizeof(expected));
                assert_true(n <= hashes[h].len);
                all(hashes[h].len, key_len, len, expected, n, true);
                used++;
            }
        }
    }
    vec_text_close(&t);
    assert_int_equal(used, 16);
}

/* rfc/ of the vectors: PRF and integrity transforms by name, so this also pins transform ids and truncation lengths. */
static void published(const char *file)
{
    static const struct {
        const char *name;
        bool prf;
        uint16_t id;
    } algs[] = {{"PRF_HMAC_MD5", true, 1},
                {"AUTH_HMAC_MD5_96", false, 1},
                {"PRF_HMAC_SHA1", true, 2},
                {"PRF_HMAC_SHA2_256", true, 5},
                {"PRF_HMAC_SHA2_384", true, 6},
                {"PRF_HMAC_SHA2_512", true, 7},
                {"AUTH_HMAC_SHA1_96", false, 2},
                {"AUTH_HMAC_SHA2_256_128", false, 12},
                {"AUTH_HMAC_SHA2_384_192", false, 13},
                {"AUTH_HMAC_SHA2_512_256", false, 14}};
    struct json *root = cc_json(file);
    for (const struct json *v = json_first(root); v; v = v->next) {
        for (size_t a = 0; a < IKE_COUNT(algs); a++) {
            const ike_crypto *c;
            if (strcmp(json_text(v, "alg"), algs[a].name) != 0) {
                continue;
            }
            uint8_t expected[IKE_HASH_MAX];
            size_t key_len = cc_hex(v, "key", key, sizeof(key));
            size_t len = cc_hex(v, algs[a].prf ? "seed" : "data", msg, sizeof(msg));
            size_t n = cc_hex(v, algs[a].prf ? "out" : "mac", expected, sizeof(expected));
            for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
                const ike_prf *p = algs[a].prf ? ike_find_prf(c, algs[a].id) : NULL;
                const ike_integ *g = algs[a].prf ? NULL : ike_find_integ(c, algs[a].id);
                if (p) {
                    assert_int_equal(n, p->mac->len);
                    one(p->mac, key_len, len, expected, n, true);
                } else if (g) {
                    assert_int_equal(n, g->icv_len);
                    one(g->mac, key_len, len, expected, n, true);
                }
            }
        }
    }
    json_free(root);
}

static void published_md5(void **state)
{
    (void)state;
    published("rfc/hmac-md5-rfc2202.json");
}

static void published_sha1(void **state)
{
    (void)state;
    published("rfc/hmac-sha1-rfc2202.json");
}

static void published_sha2(void **state)
{
    (void)state;
    published("rfc/hmac-sha2-rfc4868-rfc4231.json");
}

static void wycheproof(const char *file, size_t mac_len)
{
    struct json *root = cc_json(file);
    size_t used = 0;
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        for (const struct json *v = json_first(json_get(g, "tests")); v; v = v->next) {
            uint8_t tag[IKE_HASH_MAX];
            size_t key_len = cc_hex(v, "key", key, sizeof(key)), len = cc_hex(v, "msg", msg, sizeof(msg));
            size_t n = cc_hex(v, "tag", tag, sizeof(tag));
            all(mac_len, key_len, len, tag, n, strcmp(json_text(v, "result"), "valid") == 0);
            used++;
        }
    }
    assert_int_equal(used, json_long(root, "numberOfTests", -1));
    json_free(root);
}

static void wycheproof_sha1(void **state)
{
    (void)state;
    wycheproof("wycheproof/hmac_sha1_test.json", 20);
}

static void wycheproof_sha256(void **state)
{
    (void)state;
    wycheproof("wycheproof/hmac_sha256_test.json", 32);
}

/* An empty key and keys around the block size: what HMAC's definition says, computed with the plain hash (RFC 2104). */
static void key_lengths(void **state)
{
    (void)state;
    const ike_crypto *c = ike_crypto_default();
    memset(key, 0x5e, 200);
    memset(msg, 0x31, 100);
    for (size_t k = 0; c->prf[k]; k++) {
        const ike_mac *m = c->prf[k]->mac;
        const ike_hash *h = NULL;
        for (size_t i = 0; c->hash[i] && !h; i++) {
            h = c->hash[i]->len == m->len ? c->hash[i] : NULL;
        }
        assert_non_null(h);
        const size_t block = m->len <= 32 ? 64 : 128;
        static const size_t lens[] = {0, 1, 63, 64, 65, 127, 128, 129, 200};
        void *ctx = cc_context(h->ctx_size);
        for (size_t i = 0; i < IKE_COUNT(lens); i++) {
            uint8_t pad[128] = {0}, inner[IKE_HASH_MAX], outer[IKE_HASH_MAX];
            if (lens[i] > block) {
                h->init(ctx);
                h->update(ctx, key, lens[i]);
                h->final(ctx, pad);
            } else {
                memcpy(pad, key, lens[i]);
            }
            for (size_t b = 0; b < block; b++) {
                pad[b] ^= 0x36;
            }
            h->init(ctx);
            h->update(ctx, pad, block);
            h->update(ctx, msg, 100);
            h->final(ctx, inner);
            for (size_t b = 0; b < block; b++) {
                pad[b] ^= 0x36 ^ 0x5c;
            }
            h->init(ctx);
            h->update(ctx, pad, block);
            h->update(ctx, inner, h->len);
            h->final(ctx, outer);
            all(m->len, lens[i], 100, outer, m->len, true);
        }
        free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc2202_rfc4231),   cmocka_unit_test(nist),           cmocka_unit_test(published_md5),
        cmocka_unit_test(published_sha1),    cmocka_unit_test(published_sha2), cmocka_unit_test(wycheproof_sha1),
        cmocka_unit_test(wycheproof_sha256), cmocka_unit_test(key_lengths),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
