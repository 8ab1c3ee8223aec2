/* SPDX-License-Identifier: ISC
 *
 * Every cipher of every provider: FIPS 81, RFC 2144, RFC 3602, RFC 8439, the GCM specification, NIST, Wycheproof, and what must
 * be refused.
 */
#include "unit/crypto_conformance.h"

enum { DES = 2, DES3 = 3, CAST = 6, BLOWFISH = 7 };
enum { AES_CBC = 12, GCM_8 = 18, GCM_12 = 19, GCM_16 = 20, CHACHA = 28 };

static uint8_t plain[CC_MAX], cipher[CC_MAX], aad[CC_MAX], work[CC_MAX];

/* One vector. For an AEAD the IV has 12 octets, as in the sources: salt and explicit IV. */
struct vector {
    uint8_t key[IKE_KEY_MAX], iv[256], tag[IKE_ICV_MAX]; /* GCM vectors have IVs of many sizes */
    size_t key_len, iv_len, aad_len, plain_len, cipher_len, tag_len;
};

typedef void body(const ike_encr *e, const struct vector *v);

static bool takes_key(const ike_encr *e, size_t octets)
{
    for (size_t i = 0; e->key_bits[i]; i++) {
        if (e->key_bits[i] == octets * 8) {
            return true;
        }
    }
    return false;
}

/* Run a body on each usable descriptor with this id that takes this key. */
static size_t all(uint16_t id, const struct vector *v, body *run)
{
    size_t found = 0;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->encr[k]; k++) {
            const ike_encr *e = c->encr[k];
            if (e->id == id && takes_key(e, v->key_len) && (!e->usable || e->usable())) {
                run(e, v);
                found++;
            }
        }
    }
    return found;
}

static void *keyed(const ike_encr *e, const struct vector *v, bool encrypt)
{
    uint8_t key[IKE_KEY_MAX];
    memcpy(key, v->key, v->key_len);
    memcpy(key + v->key_len, v->iv, e->salt_len);
    void *ctx = cc_context(e->ctx_size);
    assert_int_equal(e->init(ctx, key, v->key_len + e->salt_len, encrypt), IKE_OK);
    return ctx;
}

static void finished(const ike_encr *e, void *ctx)
{
    e->clear(ctx);
    free(ctx);
}

static int open_it(const ike_encr *e, const struct vector *v, const uint8_t *tag)
{
    void *ctx = keyed(e, v, false);
    memcpy(work, cipher, v->cipher_len);
    int err = e->open(ctx, v->iv + e->salt_len, aad, v->aad_len, work, v->cipher_len, tag);
    finished(e, ctx);
    return err;
}

/* plain and aad seal to cipher and tag, twice with one context; that opens again; every changed octet is noticed. */
static void seals_and_opens(const ike_encr *e, const struct vector *v)
{
    uint8_t tag[IKE_ICV_MAX + 1];
    void *ctx = keyed(e, v, true);
    for (int round = 0; round < 2; round++) {
        memset(tag, 0xa5, sizeof(tag));
        memcpy(work, plain, v->plain_len);
        assert_int_equal(e->seal(ctx, v->iv + e->salt_len, aad, v->aad_len, work, v->plain_len, e->aead ? tag : NULL), IKE_OK);
        assert_memory_equal(work, cipher, v->plain_len);
        assert_memory_equal(tag, v->tag, e->icv_len);
        assert_int_equal(tag[e->icv_len], 0xa5);
    }
    finished(e, ctx);
    assert_int_equal(open_it(e, v, v->tag), IKE_OK);
    assert_memory_equal(work, plain, v->plain_len);
    if (!e->aead) {
        return;
    }
    for (size_t i = 0; i < e->icv_len; i++) {
        memcpy(tag, v->tag, e->icv_len);
        tag[i] ^= 0x80;
        assert_int_equal(open_it(e, v, tag), IKE_ERR_CRYPTO);
    }
    if (v->cipher_len) {
        cipher[v->cipher_len - 1] ^= 1;
        assert_int_equal(open_it(e, v, v->tag), IKE_ERR_CRYPTO);
        cipher[v->cipher_len - 1] ^= 1;
    }
    if (v->aad_len) {
        aad[0] ^= 1;
        assert_int_equal(open_it(e, v, v->tag), IKE_ERR_CRYPTO);
        aad[0] ^= 1;
    }
}

static void refuses(const ike_encr *e, const struct vector *v) { assert_int_equal(open_it(e, v, v->tag), IKE_ERR_CRYPTO); }

/* The three GCM transforms differ in the length of the tag alone: RFC 4106 section 6. */
static size_t all_aead(uint16_t id, const struct vector *v, body *run)
{
    size_t found = all(id, v, run);
    if (id == GCM_16 && run == seals_and_opens) {
        all(GCM_12, v, run);
        all(GCM_8, v, run);
    }
    return found;
}

/* The GCM specification (McGrew, Viega), test cases 2, 4, 10 and 16; RFC 8439 section 2.8.2. */
static const struct {
    uint16_t id;
    const char *key, *iv, *aad, *plain, *cipher, *tag;
} aeads[] = {
    {GCM_16, "00000000000000000000000000000000", "000000000000000000000000", "", "00000000000000000000000000000000",
     "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf"},
    {GCM_16, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {GCM_16, "feffe9928665731c6d6a8f9467308308feffe9928665731c", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {GCM_16, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {CHACHA, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
     "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f666665722079"
     "6f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b6"
     "7ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116",
     "1ae10b594f09e26a7e902ecbd0600691"},
};

static void specified_aeads(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(aeads); i++) {
        struct vector v = {0};
        v.key_len = cc_lit(aeads[i].key, v.key, sizeof(v.key));
        v.iv_len = cc_lit(aeads[i].iv, v.iv, sizeof(v.iv));
        v.aad_len = cc_lit(aeads[i].aad, aad, sizeof(aad));
        v.plain_len = cc_lit(aeads[i].plain, plain, sizeof(plain));
        v.cipher_len = cc_lit(aeads[i].cipher, cipher, sizeof(cipher));
        v.tag_len = cc_lit(aeads[i].tag, v.tag, sizeof(v.tag));
        size_t found = all_aead(aeads[i].id, &v, seals_and_opens);
        assert_true(found >= 1);
    }
}

/* RFC 3602 section 4, cases 1 and 2; NIST SP 800-38A F.2.3 (AES-192) and F.2.5 (AES-256), first two blocks; FIPS 81 table C-1
 * and its CBC counterpart; NIST's multi-block message test for TDES, CBC, 1 and 2; RFC 2144 appendix B.1 (one block, so IV 0);
 * Eric Young's Blowfish vector, and a 256-bit one of Chilkat Software. */
static const struct {
    uint16_t id;
    const char *key, *iv, *plain, *cipher;
} cbc[] = {
    {AES_CBC, "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41", "53696e676c6520626c6f636b206d7367",
     "e353779c1079aeb82708942dbe77181a"},
    {AES_CBC, "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
    {AES_CBC, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "000102030405060708090a0b0c0d0e0f",
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"},
    {AES_CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "000102030405060708090a0b0c0d0e0f",
     "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
    {DES3, "627f460e08104a1043cd265d5840eaf1313edf97df2a8a8c", "8e29f75ea77e5475", "326a494cd33fe756", "b22b8d66de970692"},
    {DES3, "37ae5ebf46dff2dc0754b94f31cbb3855e7fd36dc870bfae", "3d1de3cc132e3b65", "84401f78fe6c10876d8ea23094ea5309",
     "7b1f7c7e3b1c948ebd04a75ffba7d2f5"},
    {DES, "0123456789abcdef", "1234567890abcdef", "4e6f77206973207468652074696d6520666f7220616c6c20",
     "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"},
    {CAST, "0123456712345678234567893456789a", "0000000000000000", "0123456789abcdef", "238b4fe5847e44b2"},
    {BLOWFISH, "0123456789abcdeff0e1d2c3b4a59687", "fedcba9876543210",
     "37363534333231204e6f77206973207468652074696d6520666f722000000000",
     "6b77b4d63006dee605b156e27403979358deb9e7154616d959f1652bd5ff92cc"},
    {BLOWFISH, "313233343536373839303132333435364142434445464748494a4b4c4d4e4f50", "3132333435363738",
     "54686520717569636b2062726f776e20666f78206a756d706564206f76657220746865206c617a7920646f6700000000",
     "276855ca6c0d60f7d9708210440c1072e05d078e733b34b4198d609dc2fcc2f0c30926cdef3b6d52baf6e345aa03f83e"},
};

/* How many descriptors of this cipher have to be there at least. */
static size_t owed(uint16_t id)
{
    if (id == DES3) {
        return ike_find_encr(ike_crypto_default(), AES_CBC) ? 2 : 1; /* the tiny profile's default has neither */
    }
    if (id == CAST && !ike_crypto_provider("nettle")) {
        return 0;
    }
    return id == AES_CBC || cc_legacy();
}

static void specified_cbc(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(cbc); i++) {
        struct vector v = {0};
        v.key_len = cc_lit(cbc[i].key, v.key, sizeof(v.key));
        v.iv_len = cc_lit(cbc[i].iv, v.iv, sizeof(v.iv));
        v.plain_len = cc_lit(cbc[i].plain, plain, sizeof(plain));
        v.cipher_len = cc_lit(cbc[i].cipher, cipher, sizeof(cipher));
        size_t found = all(cbc[i].id, &v, seals_and_opens);
        assert_true(found >= owed(cbc[i].id));
    }
}

/* The four weak keys of DES and a semi-weak pair, FIPS 74 section 3.6, also with wrong parity bits: the same keys. */
static void des_weak_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {"0101010101010101", "fefefefefefefefe", "e0e0e0e0f1f1f1f1", "1f1f1f1f0e0e0e0e",
                                       "01fe01fe01fe01fe", "fe01fe01fe01fe01", "0000000000000000", "ffffffffffffffff"};
    const ike_crypto *c;
    size_t found = 0;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        const ike_encr *e = ike_find_encr(c, DES);
        for (size_t k = 0; e && k < IKE_COUNT(keys); k++) {
            uint8_t key[8];
            cc_lit(keys[k], key, sizeof(key));
            void *ctx = cc_context(e->ctx_size);
            for (int encrypt = 0; encrypt < 2; encrypt++) {
                assert_int_equal(e->init(ctx, key, sizeof(key), encrypt), IKE_ERR_CRYPTO);
                e->clear(ctx);
            }
            free(ctx);
            found++;
        }
    }
    assert_true(found >= (cc_legacy() ? IKE_COUNT(keys) : 0));
}

/* expected: vectors with an IV of 96 bits and a tag of 128 */
static void nist_aead(const char *file, uint16_t id, size_t expected)
{
    struct vec_text t;
    size_t used = 0;
    cc_text(&t, file);
    while (vec_text_next(&t)) {
        struct vector v = {0};
        v.key_len = cc_bytes(&t, "KEY", v.key, sizeof(v.key));
        v.iv_len = cc_bytes(&t, "NONCE", v.iv, sizeof(v.iv));
        v.aad_len = cc_bytes(&t, "AD", aad, sizeof(aad));
        v.plain_len = cc_bytes(&t, "IN", plain, sizeof(plain));
        v.cipher_len = cc_bytes(&t, "CT", cipher, sizeof(cipher));
        v.tag_len = cc_bytes(&t, "TAG", v.tag, sizeof(v.tag));
        if (v.iv_len == 12 && v.tag_len == 16) {
            used += all_aead(id, &v, seals_and_opens) ? 1 : 0;
        }
    }
    vec_text_close(&t);
    print_message("%s: %zu used\n", file, used);
    assert_int_equal(used, expected);
}

static void nist_gcm(void **state)
{
    (void)state;
    nist_aead("nist/boringssl/aes_128_gcm_tests.txt", GCM_16, 69);
    nist_aead("nist/boringssl/aes_192_gcm_tests.txt", GCM_16, 4);
    nist_aead("nist/boringssl/aes_256_gcm_tests.txt", GCM_16, 64);
}

static void nist_chacha(void **state)
{
    (void)state;
    nist_aead("nist/boringssl/chacha20_poly1305_tests.txt", CHACHA, 66);
}

static void nist_cbc(void **state)
{
    (void)state;
    static const char *const files[] = {"nist/boringssl/aes_128_cbc.txt", "nist/boringssl/aes_192_cbc.txt",
                                        "nist/boringssl/aes_256_cbc.txt"};
    for (size_t i = 0; i < IKE_COUNT(files); i++) {
        struct vec_text t;
        cc_text(&t, files[i]);
        while (vec_text_next(&t)) {
            struct vector v = {0};
            v.key_len = cc_bytes(&t, "Key", v.key, sizeof(v.key));
            v.iv_len = cc_bytes(&t, "IV", v.iv, sizeof(v.iv));
            v.plain_len = cc_bytes(&t, "Plaintext", plain, sizeof(plain));
            v.cipher_len = cc_bytes(&t, "Ciphertext", cipher, sizeof(cipher));
            all(AES_CBC, &v, seals_and_opens);
        }
        vec_text_close(&t);
    }
}

/* NIST's known answers for TDES, whose keys are weak ones of DES in part. */
static void nist_tdes(void **state)
{
    (void)state;
    struct vec_text t;
    size_t used = 0;
    cc_text(&t, "nist/boringssl/tdes_cbc.txt");
    while (vec_text_next(&t)) {
        struct vector v = {0};
        v.key_len = cc_bytes(&t, "Key", v.key, sizeof(v.key));
        v.iv_len = cc_bytes(&t, "IV", v.iv, sizeof(v.iv));
        v.plain_len = cc_bytes(&t, "Plaintext", plain, sizeof(plain));
        v.cipher_len = cc_bytes(&t, "Ciphertext", cipher, sizeof(cipher));
        used += all(DES3, &v, seals_and_opens) ? 1 : 0;
    }
    vec_text_close(&t);
    print_message("tdes_cbc.txt: %zu used\n", used);
    assert_true(used >= 200);
}

/* The RFCs' own numbers, with the ICV behind the ciphertext and the salt behind the key. */
static void published(const char *file)
{
    static const struct {
        const char *name;
        uint16_t id;
    } algs[] = {{"ENCR_AES_GCM_ICV8", GCM_8},
                {"ENCR_AES_GCM_ICV12", GCM_12},
                {"ENCR_AES_GCM_ICV16", GCM_16},
                {"ENCR_CHACHA20_POLY1305", CHACHA},
                {"ENCR_AES_CBC", AES_CBC},
                {"ENCR_DES", DES},
                {"ENCR_3DES", DES3},
                {"ENCR_CAST", CAST},
                {"ENCR_BLOWFISH", BLOWFISH}};
    struct json *root = cc_json(file);
    size_t used = 0;
    for (const struct json *j = json_first(root); j; j = j->next) {
        for (size_t a = 0; a < IKE_COUNT(algs); a++) {
            if (strcmp(json_text(j, "alg"), algs[a].name) != 0) {
                continue;
            }
            struct vector v = {0};
            size_t salt = (size_t)json_long(j, "salt_size", 0);
            v.key_len = cc_hex(j, "key", v.key, sizeof(v.key)) - salt;
            memcpy(v.iv, v.key + v.key_len, salt);
            v.iv_len = salt + cc_hex(j, "iv", v.iv + salt, sizeof(v.iv) - salt);
            v.plain_len = cc_hex(j, "plain", plain, sizeof(plain));
            v.cipher_len = cc_hex(j, "cipher", cipher, sizeof(cipher));
            if (salt) {
                v.aad_len = json_get(j, "adata") ? cc_hex(j, "adata", aad, sizeof(aad)) : 0;
                v.tag_len = v.cipher_len - v.plain_len;
                v.cipher_len = v.plain_len;
                memcpy(v.tag, cipher + v.cipher_len, v.tag_len);
            }
            used += all(algs[a].id, &v, seals_and_opens) ? 1 : 0;
        }
    }
    json_free(root);
    print_message("%s: %zu used\n", file, used);
}

static void published_gcm(void **state)
{
    (void)state;
    published("rfc/aes-gcm.json");
}

static void published_chacha(void **state)
{
    (void)state;
    published("rfc/chacha20poly1305-rfc7539-rfc7634.json");
}

static void published_cbc(void **state)
{
    (void)state;
    static const char *const files[] = {"rfc/aes-cbc-rfc3602.json", "rfc/3des-cbc.json", "rfc/des.json",
                                        "rfc/cast128-rfc2144.json", "rfc/blowfish-cbc.json"};
    for (size_t i = 0; i < IKE_COUNT(files); i++) {
        published(files[i]);
    }
}

/* IVs of other sizes than 96 bits cannot be said in IKE and are passed over. */
static void wycheproof_aead(const char *file, uint16_t id)
{
    struct json *root = cc_json(file);
    size_t valid = 0, invalid = 0, passed_over = 0;
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        for (const struct json *j = json_first(json_get(g, "tests")); j; j = j->next) {
            struct vector v = {0};
            if (json_long(g, "ivSize", 0) != 96 || json_long(g, "tagSize", 0) != 128) {
                passed_over++;
                continue;
            }
            v.key_len = cc_hex(j, "key", v.key, sizeof(v.key));
            v.iv_len = cc_hex(j, "iv", v.iv, sizeof(v.iv));
            v.aad_len = cc_hex(j, "aad", aad, sizeof(aad));
            v.plain_len = cc_hex(j, "msg", plain, sizeof(plain));
            v.cipher_len = cc_hex(j, "ct", cipher, sizeof(cipher));
            v.tag_len = cc_hex(j, "tag", v.tag, sizeof(v.tag));
            bool good = strcmp(json_text(j, "result"), "valid") == 0;
            all_aead(id, &v, good ? seals_and_opens : refuses);
            good ? valid++ : invalid++;
        }
    }
    print_message("%s: %zu valid, %zu refused, %zu passed over (IV not 96 bits)\n", file, valid, invalid, passed_over);
    assert_int_equal(valid + invalid + passed_over, json_long(root, "numberOfTests", -1));
    assert_true(valid > 50 && invalid > 20);
    json_free(root);
}

static void wycheproof_gcm(void **state)
{
    (void)state;
    wycheproof_aead("wycheproof/aes_gcm_test.json", GCM_16);
}

static void wycheproof_chacha(void **state)
{
    (void)state;
    wycheproof_aead("wycheproof/chacha20_poly1305_test.json", CHACHA);
}

/* The octets of PKCS #7 padding at the end of work, or 0 if that is no padding. */
static size_t padding(size_t n)
{
    size_t pad = n ? work[n - 1] : 0;
    for (size_t i = 1; pad && i <= pad; i++) {
        if (pad > 16 || work[n - i] != pad) {
            return 0;
        }
    }
    return pad;
}

/* IKE's CBC has no padding of this kind; what is invalid here is so by its padding or its length. */
static void refuses_padding(const ike_encr *e, const struct vector *v)
{
    int err = open_it(e, v, NULL);
    assert_int_equal(err, v->cipher_len % 16 ? IKE_ERR_INVALID : IKE_OK);
    assert_true(err != IKE_OK || padding(v->cipher_len) == 0);
}

static void wycheproof_cbc(void **state)
{
    (void)state;
    struct json *root = cc_json("wycheproof/aes_cbc_pkcs5_test.json");
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        for (const struct json *j = json_first(json_get(g, "tests")); j; j = j->next) {
            struct vector v = {0};
            v.key_len = cc_hex(j, "key", v.key, sizeof(v.key));
            v.iv_len = cc_hex(j, "iv", v.iv, sizeof(v.iv));
            v.plain_len = cc_hex(j, "msg", plain, sizeof(plain) - 16);
            v.cipher_len = cc_hex(j, "ct", cipher, sizeof(cipher));
            size_t pad = 16 - v.plain_len % 16;
            memset(plain + v.plain_len, (int)pad, pad);
            v.plain_len += pad;
            all(AES_CBC, &v, strcmp(json_text(j, "result"), "valid") == 0 ? seals_and_opens : refuses_padding);
        }
    }
    json_free(root);
}

static void bad_arguments(void **state)
{
    (void)state;
    const ike_crypto *c;
    uint8_t key[IKE_KEY_MAX + 1], iv[IKE_IV_MAX] = {0};
    memset(key, 0x5a, sizeof(key));
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->encr[k]; k++) {
            const ike_encr *e = c->encr[k];
            void *ctx = cc_context(e->ctx_size);
            for (size_t n = 0; n <= sizeof(key); n++) {
                if (n < e->salt_len || !takes_key(e, n - e->salt_len)) {
                    assert_int_equal(e->init(ctx, key, n, true), IKE_ERR_INVALID);
                }
            }
            if (!e->aead) {
                assert_int_equal(e->init(ctx, key, e->key_bits[0] / 8u, true), IKE_OK);
                assert_int_equal(e->seal(ctx, iv, NULL, 0, work, e->block + 1u, NULL), IKE_ERR_INVALID);
                assert_int_equal(e->open(ctx, iv, NULL, 0, work, e->block, NULL), IKE_ERR_INVALID); /* keyed the other way */
                assert_int_equal(e->seal(ctx, iv, NULL, 0, work, 0, NULL), IKE_OK);
                e->clear(ctx);
                assert_int_equal(e->init(ctx, key, e->key_bits[0] / 8u, false), IKE_OK);
                assert_int_equal(e->open(ctx, iv, NULL, 0, work, e->block + 1u, NULL), IKE_ERR_INVALID);
                assert_int_equal(e->seal(ctx, iv, NULL, 0, work, e->block, NULL), IKE_ERR_INVALID);
                e->clear(ctx);
            }
            free(ctx);
        }
    }
}

/* Nothing of the key is left behind after clear. */
static void clears(void **state)
{
    (void)state;
    const ike_crypto *c;
    uint8_t key[IKE_KEY_MAX];
    memset(key, 0x5a, sizeof(key));
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->encr[k]; k++) {
            const ike_encr *e = c->encr[k];
            if (e->usable && !e->usable()) {
                continue;
            }
            void *ctx = cc_context(e->ctx_size);
            memset(ctx, 0, e->ctx_size);
            assert_int_equal(e->init(ctx, key, e->key_bits[0] / 8u + e->salt_len, true), IKE_OK);
            e->clear(ctx);
            assert_true(ike_is_zero(ctx, e->ctx_size));
            free(ctx);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specified_aeads), cmocka_unit_test(specified_cbc),  cmocka_unit_test(nist_gcm),
        cmocka_unit_test(nist_chacha),     cmocka_unit_test(nist_cbc),       cmocka_unit_test(nist_tdes),
        cmocka_unit_test(des_weak_keys),   cmocka_unit_test(published_gcm),  cmocka_unit_test(published_chacha),
        cmocka_unit_test(published_cbc),   cmocka_unit_test(wycheproof_gcm), cmocka_unit_test(wycheproof_chacha),
        cmocka_unit_test(wycheproof_cbc),  cmocka_unit_test(bad_arguments),  cmocka_unit_test(clears),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
