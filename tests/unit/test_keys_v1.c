/* SPDX-License-Identifier: ISC
 *
 * Key derivation of IKEv1: values calculated apart from the library in the table below always; the cases of ACVP and CAVS and the
 * answers of real exchanges where the folder of vectors is named.
 */
#include "unit/core_help.h"

#include "keys/v1.h"
#include "unit/crypto_conformance.h"
#include "vectors/json.h"
#include "vectors/vectors.h"

static _Alignas(16) uint8_t ctx[4096];

/* Calculated with the HMAC of Python's standard library from the formulas of RFC 2409 sections 5 and 5.5 and appendix B. The
 * input is the same for all: see struct input. */
static const struct row {
    uint16_t prf;
    const char *psk, *sig, *d, *a, *e, *key24, *key32, *hash_i, *hash1, *hash2, *hash3, *keymat, *keymat_pfs, *iv, *iv_next;
} rows[] = {
    {.prf = 2,
     .psk = "dbf5531f1d18b511f5ad7e3b404a86b43fcbde02",
     .sig = "f641a7a314d6d0e3b6c42d02b99d2db8e34295b8",
     .d = "fe6136d8e4df8f49a6351649d68fa5491b17bd40",
     .a = "c0c70b79d6853fbb56ad578664afea865044418c",
     .e = "f1c417db9036a65528ddfb8927b033e6b23c0e20",
     .key24 = "f164ec8db15f4dd743d04389df099e6d559db54cd4335bbc",
     .key32 = "f164ec8db15f4dd743d04389df099e6d559db54cd4335bbc98f801d22fab336d",
     .hash_i = "68e4eedc920c6e339089927727cb377bb9e40fc1",
     .hash1 = "222000fde64059aac15f29a7b918515874a156f2",
     .hash2 = "0761240d5c162e5e4d1aa34bb881625a8e3a6164",
     .hash3 = "1455936c899299ce21df43c7a76eba076964aab9",
     .keymat = "40bd58a78768bafe36b3ddacf85fa69a9284c2cd456c98e617634c7cba566831a6fbfeec52316b685b02b01c0796893a"
               "4d0b12da4aacc41704f1c83ec8f366370c02bf61790d1468",
     .keymat_pfs = "1cb55ac6aca6242510cddecfd6789184712dd20ecbb66b97ec40d9473f8d4022106335975e987c6afd9b22d569e4c1a9"
                   "e51765e8c508c7a334efa9ee350f8e2e6fd124a587800069",
     .iv = "0f0cdc095a9825715c2ad8ed5decece8",
     .iv_next = "71c7383626a1edd5789a7460ee15dd53"},
    {.prf = 5,
     .psk = "188518f22bf9329d2afc01cf9eaa4d593ef978fcf87bb08ebe3d9e63325ce5f5",
     .sig = "9fe4b9bbbfe5179c83d3333453cb4469247ae2050328a937376881b50a91df05",
     .d = "160466e738b4825fac8f426a234f00709d607c992559d28746f13066c0bbb9b1",
     .a = "63ca83aed60381af2eb162eaed0582c75a38f194167d963de629bd694d0aad66",
     .e = "5effec88e8dc9a85fdd022cebcdde77927be1de42e54d7bbe749d6e6a72284bf",
     .key24 = "5effec88e8dc9a85fdd022cebcdde77927be1de42e54d7bb",
     .key32 = "5effec88e8dc9a85fdd022cebcdde77927be1de42e54d7bbe749d6e6a72284bf",
     .hash_i = "d5fd2e80aef3d38853d2ef6647e2f86a3bb15d26ea38b66afe910f7cfdb67685",
     .hash1 = "88dda0dbbdec6235468dafa14bc9b2fbede1fd965a5f279f60b7719aae1ca199",
     .hash2 = "10c944ed2e7458e67ce43edc938177d3cbe049119effe26d7a35e7755d6567fd",
     .hash3 = "8372235197e9af5dd533ada7a1993be8bca2c8749475cbb435c981a355d6e99d",
     .keymat = "8e67b57a350e72972f03f6bd9b60ae6cd6e6da25505e9a8beca7ed4e654a7eb9880761ce34f35697697ad7f96383b1f3"
               "895f513f2f069ce4d13539cc983713bc6e9a406c83eacd79",
     .keymat_pfs = "fd7cf17aa3d7a5f612cc60d5b6555a651c94c8a18705766824339b50c638f32ee9eff53e83f1c525a141910ceb764250"
                   "3a4192f785d40aae3bdabaf17f25d48a6193372653508bdd",
     .iv = "8e95aa5f16f8c716778225c2cdf6bf59",
     .iv_next = "fa00b44db3032aa36f4ce4ffc267c567"},
};

#define CKY_I 0x0123456789abcdefu
#define CKY_R 0xfedcba9876543210u
#define MID   0xb1167ba3u
#define SPI   0xc0ffee01u

struct input {
    uint8_t ni[20], nr[16], xy[128], gi[128], gr[128];
};

static void make_input(struct input *in)
{
    for (unsigned i = 0; i < 128; i++) {
        in->xy[i] = (uint8_t)(i * 7 + 3);
        in->gi[i] = (uint8_t)(i * 3 + 1);
        in->gr[i] = (uint8_t)(i * 5 + 2);
        in->ni[i % 20] = (uint8_t)(i % 20 + 1);
        in->nr[i % 16] = (uint8_t)(i % 16 + 0x41);
    }
}
#define OF(a) ike_bytes_of(a, sizeof a)

static const ike_prf *prf_of(uint16_t id)
{
    const ike_prf *prf = NULL;
    const ike_crypto *c;
    for (size_t i = 0; !prf && (c = cc_suite(i)) != NULL; i++) {
        prf = ike_find_prf(c, id);
    }
    if (!prf) {
        print_message("left out: PRF %u is not in this build\n", (unsigned)id);
        return NULL;
    }
    assert_true(prf->mac->ctx_size <= sizeof ctx);
    return prf;
}

static ike_bytes octets(const char *hex)
{
    static uint8_t buf[16][1024];
    static unsigned turn;
    uint8_t *p = buf[turn++ % 16];
    size_t n = vec_hex(hex, p, sizeof buf[0]);
    assert_true(n != SIZE_MAX);
    return ike_bytes_of(p, n);
}

/* The value, all of it, and nothing left in the scratch. */
static void expect(int rc, const uint8_t *got, const char *hex)
{
    ike_bytes want = octets(hex);
    assert_int_equal(rc, IKE_OK);
    assert_memory_equal(got, want.ptr, want.len);
    assert_true(ike_is_zero(ctx, sizeof ctx));
}

static void run_row(const struct row *row, const ike_prf *prf)
{
    static const ike_encr any = {.id = 12};
    struct input in;
    uint8_t out[3 * IKE_HASH_MAX];
    const size_t len = prf->mac->len;
    const ike_bytes none = {NULL, 0}, d = octets(row->d), a = octets(row->a), e = octets(row->e);
    make_input(&in);
    expect(ike_v1_skeyid_psk(prf, ctx, IKE_STR("mekmitasdigoat"), OF(in.ni), OF(in.nr), out), out, row->psk);
    expect(ike_v1_skeyid_sig(prf, ctx, OF(in.ni), OF(in.nr), OF(in.xy), out), out, row->sig);
    expect(ike_v1_skeyids(prf, ctx, octets(row->psk), OF(in.xy), CKY_I, CKY_R, out), out, row->d);
    assert_memory_equal(out + len, a.ptr, len);
    assert_memory_equal(out + 2 * len, e.ptr, len);
    expect(ike_v1_cipher_key(prf, ctx, e, &any, out, 24), out, row->key24);
    expect(ike_v1_cipher_key(prf, ctx, e, &any, out, 32), out, row->key32);
    const ike_bytes sai_b = {(const uint8_t *)"\0\0\0\1\0\0\0\1 the body of the offer", 30};
    const ike_bytes id_b = {(const uint8_t *)"\x0b\0\0\0 a key id", 13};
    expect(ike_v1_hash_auth(prf, ctx, octets(row->psk), OF(in.gi), OF(in.gr), CKY_I, CKY_R, sai_b, id_b, out), out, row->hash_i);
    const ike_bytes rest = IKE_STR("everything behind the HASH payload");
    expect(ike_v1_hash(prf, ctx, a, MID, none, rest, out), out, row->hash1);
    expect(ike_v1_hash(prf, ctx, a, MID, OF(in.ni), rest, out), out, row->hash2);
    expect(ike_v1_hash3(prf, ctx, a, MID, OF(in.ni), OF(in.nr), out), out, row->hash3);
    expect(ike_v1_keymat(prf, ctx, d, none, 3, SPI, OF(in.ni), OF(in.nr), out, 72), out, row->keymat);
    expect(ike_v1_keymat(prf, ctx, d, OF(in.xy), 3, SPI, OF(in.ni), OF(in.nr), out, 72), out, row->keymat_pfs);
    const ike_hash *hash = ike_v1_hash_of(ike_crypto_default(), prf);
    assert_non_null(hash);
    assert_int_equal(hash->len, len);
    ike_v1_iv(hash, ctx, OF(in.gi), OF(in.gr), out, 16);
    expect(IKE_OK, out, row->iv);
    ike_v1_iv_next(hash, ctx, octets(row->iv), MID, out, 16);
    expect(IKE_OK, out, row->iv_next);
    /* Of a cipher with a block of eight, the beginning. */
    memset(out, 0x5a, 16);
    ike_v1_iv(hash, ctx, OF(in.gi), OF(in.gr), out, 8);
    assert_memory_equal(out, octets(row->iv).ptr, 8);
    assert_int_equal(out[8], 0x5a);
}

static void the_table(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        const ike_prf *prf = prf_of(rows[i].prf);
        if (prf) {
            run_row(&rows[i], prf);
            n++;
        }
    }
    assert_true(n > 0);
}

/* Lengths on both sides of every block: a shorter run is the beginning of a longer one and nothing is written behind it. */
static void keymat_of_every_length(void **state)
{
    (void)state;
    const ike_prf *prf = ike_crypto_default()->prf[0];
    uint8_t all[200], some[200];
    const ike_bytes none = {NULL, 0}, key = IKE_STR("SKEYID_d"), n = IKE_STR("nonce");
    assert_int_equal(ike_v1_keymat(prf, ctx, key, none, 3, SPI, n, n, all, sizeof all), IKE_OK);
    for (size_t len = 0; len < sizeof all; len++) {
        some[len] = 0x5a;
        assert_int_equal(ike_v1_keymat(prf, ctx, key, none, 3, SPI, n, n, some, len), IKE_OK);
        assert_memory_equal(some, all, len);
        assert_int_equal(some[len], 0x5a);
    }
    /* What goes in comes out different. */
    assert_int_equal(ike_v1_keymat(prf, ctx, key, none, 2, SPI, n, n, some, 32), IKE_OK);
    assert_memory_not_equal(some, all, 32);
    assert_int_equal(ike_v1_keymat(prf, ctx, key, none, 3, SPI + 1, n, n, some, 32), IKE_OK);
    assert_memory_not_equal(some, all, 32);
    static const uint8_t big[IKE_SHARED_MAX + 600];
    assert_int_equal(ike_v1_keymat(prf, ctx, key, ike_bytes_of(big, IKE_SHARED_MAX), 3, SPI, ike_bytes_of(big, 256),
                                   ike_bytes_of(big, 256), some, 32),
                     IKE_OK);
    assert_int_equal(ike_v1_keymat(prf, ctx, key, OF(big), 3, SPI, n, n, some, 32), IKE_ERR_INVALID);
}

/* The sixteen keys of FIPS 74 with right and with wrong parity; the next octets take their place. */
static void weak_keys_of_des_are_passed_over(void **state)
{
    (void)state;
    static const char *const weak[] = {
        "0101010101010101", "fefefefefefefefe", "1f1f1f1f0e0e0e0e", "e0e0e0e0f1f1f1f1", "011f011f010e010e", "1f011f010e010e01",
        "01e001e001f101f1", "e001e001f101f101", "01fe01fe01fe01fe", "fe01fe01fe01fe01", "1fe01fe00ef10ef1", "e01fe01ff10ef10e",
        "1ffe1ffe0efe0efe", "fe1ffe1ffe0efe0e", "e0fee0fef1fef1fe", "fee0fee0fef1fef1",
    };
    static const ike_encr des = {.id = 2}, other = {.id = 3};
    const ike_prf *prf = ike_crypto_default()->prf[0];
    uint8_t out[8];
    for (size_t i = 0; i < IKE_COUNT(weak); i++) {
        for (unsigned parity = 0; parity < 2; parity++) {
            uint8_t e[20];
            assert_int_equal(vec_hex(weak[i], e, 8), 8);
            for (size_t k = 0; k < 8; k++) {
                e[k] ^= (uint8_t)parity;
                e[8 + k] = (uint8_t)(0x30 + k);
            }
            memset(e + 16, 0x77, 4);
            assert_int_equal(ike_v1_cipher_key(prf, ctx, OF(e), &des, out, 8), IKE_OK);
            assert_memory_equal(out, e + 8, 8);
            assert_int_equal(ike_v1_cipher_key(prf, ctx, OF(e), &other, out, 8), IKE_OK);
            assert_memory_equal(out, e, 8);
            memcpy(e + 8, e, 8);
            assert_int_equal(ike_v1_cipher_key(prf, ctx, OF(e), &des, out, 8), IKE_ERR_CRYPTO);
            e[7] ^= 2; /* no longer weak */
            assert_int_equal(ike_v1_cipher_key(prf, ctx, OF(e), &des, out, 8), IKE_OK);
            assert_memory_equal(out, e, 8);
        }
    }
}

static void only_an_hmac_has_a_hash(void **state)
{
    (void)state;
    const ike_crypto *c = ike_crypto_default();
    ike_prf xcbc = *c->prf[0];
    xcbc.id = 4;
    assert_null(ike_v1_hash_of(c, &xcbc));
    static const ike_hash *const nothing[] = {NULL};
    ike_crypto bare = *c;
    bare.hash = nothing;
    assert_null(ike_v1_hash_of(&bare, c->prf[0]));
    static const struct {
        uint16_t prf, hash;
    } pairs[] = {{2, 1}, {5, 2}, {6, 3}, {7, 4}};
    for (size_t i = 0; i < IKE_COUNT(pairs); i++) {
        const ike_prf *prf = ike_find_prf(c, pairs[i].prf);
        assert_true(prf == NULL || ike_v1_hash_of(c, prf) == ike_find_hash(c, pairs[i].hash));
    }
}

/* ---- The folder of vectors ---- */

static struct json *load(const char *relative)
{
    char path[512];
    if (!vec_path(path, sizeof path, relative)) {
        skip();
    }
    struct json *root = json_load(path);
    assert_non_null(root);
    return root;
}

static uint16_t prf_named(const char *hash)
{
    return strcmp(hash, "SHA-1") == 0 || strcmp(hash, "SHA1") == 0 ? 2
           : strcmp(hash, "MD5") == 0                              ? 1
           : strstr(hash, "256")                                   ? 5
           : strstr(hash, "384")                                   ? 6
           : strstr(hash, "512")                                   ? 7
                                                                   : 0;
}

static void run_case(const ike_prf *prf, const struct json *in, const struct json *want)
{
    uint8_t id[IKE_HASH_MAX], keys[3 * IKE_HASH_MAX];
    const size_t len = prf->mac->len;
    const ike_bytes ni = octets(json_text(in, "nInit")), nr = octets(json_text(in, "nResp")), xy = octets(json_text(in, "gxy"));
    const char *psk = json_text(in, "preSharedKey");
    expect(psk ? ike_v1_skeyid_psk(prf, ctx, octets(psk), ni, nr, id) : ike_v1_skeyid_sig(prf, ctx, ni, nr, xy, id), id,
           json_text(want, "sKeyId"));
    expect(ike_v1_skeyids(prf, ctx, ike_bytes_of(id, len), xy, ike_load64(octets(json_text(in, "ckyInit")).ptr),
                          ike_load64(octets(json_text(in, "ckyResp")).ptr), keys),
           keys, json_text(want, "sKeyIdD"));
    expect(IKE_OK, keys + len, json_text(want, "sKeyIdA"));
    expect(IKE_OK, keys + 2 * len, json_text(want, "sKeyIdE"));
}

static void the_acvp_cases(void **state)
{
    (void)state;
    struct json *root = load("nist/ikev1-kdf/acvp-prompts-with-libreswan-answers.json");
    size_t n = 0;
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        const ike_prf *prf = prf_of(prf_named(json_text(g, "hashAlg")));
        for (const struct json *t = json_first(json_get(g, "tests")); t && prf; t = t->next, n++) {
            run_case(prf, t, t);
        }
    }
    print_message("%zu cases\n", n);
    assert_true(n > 0);
    json_free(root);
}

static void the_cavs_samples(void **state)
{
    (void)state;
    struct json *root = load("nist/ikev1-ikev2-cavs-samples.json");
    size_t n = 0;
    for (const struct json *t = json_first(root); t; t = t->next) {
        const struct json *in = json_get(t, "inputs");
        const ike_prf *prf = strncmp(json_text(t, "test"), "ikev1", 5) == 0 ? prf_of(prf_named(json_text(in, "hashAlg"))) : NULL;
        if (prf) {
            run_case(prf, in, json_get(t, "expected"));
            n++;
        }
    }
    assert_int_equal(n, prf_of(2) ? 2 : 0);
    json_free(root);
}

/* SKEYID comes from the encrypted nonces there, by another formula; all that follows is the same. */
static void the_public_key_encryption_case(void **state)
{
    (void)state;
    struct json *root = load("nist/ikev1-kdf/pke-case-from-acvp-specification.json");
    const struct json *in = json_get(root, "inputs"), *want = json_get(root, "expected");
    const ike_prf *prf = prf_of(2);
    if (prf) {
        uint8_t keys[3 * IKE_HASH_MAX];
        expect(ike_v1_skeyids(prf, ctx, octets(json_text(want, "sKeyId")), octets(json_text(in, "gxy")),
                              ike_load64(octets(json_text(in, "ckyInit")).ptr), ike_load64(octets(json_text(in, "ckyResp")).ptr),
                              keys),
               keys, json_text(want, "sKeyIdD"));
        expect(IKE_OK, keys + prf->mac->len, json_text(want, "sKeyIdA"));
        expect(IKE_OK, keys + 2 * prf->mac->len, json_text(want, "sKeyIdE"));
    }
    json_free(root);
}

/* Answers in Aggressive Mode as they were captured, with the key that was broken. */
static void hash_r_of_real_exchanges(void **state)
{
    (void)state;
    struct json *root = load("ikev1-psk-aggressive/hash_r.json");
    size_t n = 0;
    for (const struct json *t = json_first(root); t; t = t->next) {
        const ike_prf *prf = prf_of(prf_named(json_text(t, "hash")));
        uint8_t id[IKE_HASH_MAX], hash[IKE_HASH_MAX];
        if (!prf) {
            continue;
        }
        const char *psk = json_text(t, "psk");
        expect(ike_v1_skeyid_psk(prf, ctx, ike_bytes_of(psk, strlen(psk)), octets(json_text(t, "ni_b")),
                                 octets(json_text(t, "nr_b")), id),
               id, json_text(t, "SKEYID"));
        expect(ike_v1_hash_auth(prf, ctx, ike_bytes_of(id, prf->mac->len), octets(json_text(t, "g_xr")),
                                octets(json_text(t, "g_xi")), ike_load64(octets(json_text(t, "cky_r")).ptr),
                                ike_load64(octets(json_text(t, "cky_i")).ptr), octets(json_text(t, "sai_b")),
                                octets(json_text(t, "idir_b")), hash),
               hash, json_text(t, "hash_r"));
        n++;
    }
    print_message("%zu exchanges\n", n);
    assert_true(n > 0 || !prf_of(2));
    json_free(root);
}

int main(void)
{
    if (ike_crypto_global_init() != IKE_OK) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(keymat_of_every_length),
        cmocka_unit_test(weak_keys_of_des_are_passed_over),
        cmocka_unit_test(only_an_hmac_has_a_hash),
        cmocka_unit_test(the_acvp_cases),
        cmocka_unit_test(the_cavs_samples),
        cmocka_unit_test(the_public_key_encryption_case),
        cmocka_unit_test(hash_r_of_real_exchanges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
