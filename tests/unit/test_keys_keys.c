/* SPDX-License-Identifier: ISC
 *
 * Key derivation against NIST's samples: those in the tables below always, the folder of vectors where it is named.
 */
#include "unit/core_help.h"

#include "keys/keys.h"
#include "vectors/json.h"
#include "vectors/vectors.h"

struct kdf {
    uint16_t prf;
    const char *ni, *nr, *spi_i, *spi_r, *gir, *gir_new, *seed, *dkm, *child, *child_dh, *seed_new;
};

/* NIST's CAVS sample for the IKEv2 key derivation of SP 800-135, SHA-1. */
static const struct kdf printed = {
    .prf = 2,
    .ni = "32b50d5f4a3763f3",
    .nr = "9206a04b26564cb1",
    .spi_i = "34c9e7c188868785",
    .spi_r = "3ff77d760d2b2199",
    .gir = "4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52",
    .gir_new = "863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330",
    .seed = "a9a7b222b59f8f48645f28a1db5b5f5d7479cba7",
    .dkm = "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e9"
           "92204fc5a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd1119"
           "8af1670b143d384bd275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4",
    .child = "8059e3ee8810e6c3a91bc8bcd2a7a41151b8d0e6ae239c7b38093ad85ef4c5811a8e7b5d1cdabd9560b2d5e092d1f24e"
             "2d4b85eccdf0ad0dc9abd94b51ee71814ca6dbc8bb51b6309f5b9545c7eb35cf5580b1e521a8fe20754a2d883ba0c2cf"
             "285f524aea6545b33106bc03e614296d319d41d4b50b3f510b1c0a22f3e664994d234cb4",
    .child_dh = "bb43244c1860ad65ee1e211ffe8bb3661750c8f89cb9f547df7f4fa61d37301628190e38c66232eab4b3ab14c400a519"
                "7dd3730ed4820a8a10394d51e1c0400052f63ebd36b0e7ef53aaed31eba4a5080d7d4b5666023a8bbb5ffb7857240f9a"
                "05884d1b7d2f933708450b7b3288f1fc863ab49fa901227cffc06e27899c7054d56fd74c",
    .seed_new = "63e81194946ebd05df7df5ebf5d8750056bf1f1d",
};

/* SKEYSEED and prf+ of CAVP samples (SP 800-135, IKEv2). */
static const struct {
    uint16_t prf;
    bool plus;
    const char *key, *data, *out;
} samples[] = {
    {5, false, "ed80dc79912c32a935fb6d1a3feac078",
     "42968e5d0ccc3cfc5a3e4bc1bba370cea1fae0d54c49ccba34b2bee804beeb2e9e8c57a4e01bd45102cf2433aacc6cfe"
     "c06792f363e5170e6aa6650274e906648e449d27a8f00b5b44261982c9835c748a751ec5138eaacc5e025661339538a6"
     "1bf418e454699e19c32db8d9ce5dd86b220f1e89afc5872e68be36cb1a0c8866",
     "37fde90b81d63692620f67367b62092e3efdc6a03509137d731004767ff35010"},
    {6, false, "d672b0bc852829b93509f3b724706364",
     "4df040b70978629c49437cff41a0d46cbea68c8d75b370ffc11d7b387144ea83bb5903fbb92e473df50a9b19ea43e9c2"
     "f3da9a849c03864276c6f264ecf02a60d40ba65c06656b633f02a87427e928eb66a2dabd9dc05744717bcaf7ae78c296"
     "872f5c48d1a8120c2155b70c565ce271998e3e44af263d487ea3ba7f56132d7d",
     "54436a9ea95d6ff79b967f4b07f6de976a376e8ea26aa9574709afc60243c9c141da4ca0e158e627a75ea87f6feb07ef"},
    {7, false, "df7931db9b429e10b8aa8e4d46042393",
     "1e3b007d2da913ca60ecc98c25a22db08073d5c35c11b2524b298a922b6abfe6acf7359db66ae5f85d67aacff686419c"
     "d8666d05ae7977cefad7f54dd8e312a8e8e5e0370f88142fbdd659dd6fde22bdd531f5402881a8de85c1024e595ec93c"
     "575618af7fd3dbac7982919078d71cc13eff1910a032750e1ff428675de189ee",
     "daf9bd6f2f912da553867966af386e67909a8df0ca7e84b83b355cb7d7f1026f17d8ea34b5d57fd0d1ba389528fca1e8"
     "1d1c8ce511b28a2458241143fee30ccc"},
    {5, true, "37fde90b81d63692620f67367b62092e3efdc6a03509137d731004767ff35010",
     "ed80dc79912c32a935fb6d1a3feac07847c1858efc932ea4606fd05609624002",
     "63d018a08f7a29daa7d1f92cb63f45fa39bbaf5e5f1a78139613bb891e3e6bf9d0448f7c74e05b4c1a25c0b61e62c875"
     "e852f287e192d4ae536112db5197216400bd5e123470efc15f53161865fe8b19a1416518a157d651ecd2caddab6a9eae"
     "6a27a55af088218d5156edaa9789f934d9836ed43edffda553822202ff9f7d4860ca72e0"},
    {6, true, "54436a9ea95d6ff79b967f4b07f6de976a376e8ea26aa9574709afc60243c9c141da4ca0e158e627a75ea87f6feb07ef",
     "d672b0bc852829b93509f3b7247063640f9a016d7b22223c85f710daf8b982d8",
     "10b00a654643b3b985764f86e23ef62431122fcc96de16e338a372bee49391db1f83a7358c080380abbf4af47cdb83b9"
     "530343168f7dbc9221260e1546c6b383e2235d2705a727f0b41aebf6a1b4c61cb460660152a17ba74c20d5191ba68417"
     "94945270d829587b7f3294639ea7b77149e1d07230ac16e0cd5ab236fa3212bd569ee70f"},
    {7, true,
     "daf9bd6f2f912da553867966af386e67909a8df0ca7e84b83b355cb7d7f1026f17d8ea34b5d57fd0d1ba389528fca1e8"
     "1d1c8ce511b28a2458241143fee30ccc",
     "df7931db9b429e10b8aa8e4d460423939ba40af9157f47925383c7cd3d1046e6",
     "919a75deaeccbd393bebc89615f8a215edb7073b2319d86740221eee7a2deb92509044d7e61fcb1bf9676b3881c7ced4"
     "9e6bba1549da3113601677a2445d91ac13a597335782dd3a9cf496d9e19b932f27dd35e36f8070d232d0a3b3f4c4a0b4"
     "ba4470778dc090f31f52ab1b6d81e4c7dfb35063ad96c327adcdbde714cc9a6b5ef049b8"},
};

static _Alignas(16) uint8_t ctx[4096];

static const ike_prf *prf_of(uint16_t id)
{
    const ike_prf *prf = ike_find_prf(ike_crypto_default(), id);
    if (!prf) {
        print_message("left out: PRF %u is not in this build\n", (unsigned)id);
        return NULL;
    }
    assert_true(prf->mac->ctx_size <= sizeof ctx);
    return prf;
}

/* Hex text to octets in one of a few buffers that live for the run of one case. */
static ike_bytes octets(const char *hex)
{
    static uint8_t buf[16][1024];
    static unsigned turn;
    uint8_t *p = buf[turn++ % 16];
    size_t n = vec_hex(hex, p, sizeof buf[0]);
    assert_true(n != SIZE_MAX);
    return ike_bytes_of(p, n);
}

static void assert_octets(const uint8_t *got, const char *hex)
{
    ike_bytes want = octets(hex);
    assert_memory_equal(got, want.ptr, want.len);
}

static void run_kdf(const struct kdf *k, const ike_prf *prf)
{
    uint8_t seed[IKE_HASH_MAX], out[1024];
    ike_bytes ni = octets(k->ni), nr = octets(k->nr), gir = octets(k->gir), gir_new = octets(k->gir_new), dkm = octets(k->dkm);
    uint64_t spi_i = ike_load64(octets(k->spi_i).ptr), spi_r = ike_load64(octets(k->spi_r).ptr);
    assert_int_equal(ike_skeyseed(prf, ctx, ni, nr, gir, seed), IKE_OK);
    assert_octets(seed, k->seed);
    assert_true(ike_is_zero(ctx, prf->mac->ctx_size));
    assert_int_equal(ike_keys_expand(prf, ctx, ike_bytes_of(seed, prf->mac->len), ni, nr, spi_i, spi_r, out, dkm.len), IKE_OK);
    assert_octets(out, k->dkm);
    assert_true(ike_is_zero(ctx, prf->mac->ctx_size));
    struct ike_key_layout l = ike_key_layout(prf, NULL, 0);
    ike_bytes sk_d = ike_key_d(&l, dkm.ptr); /* SK_d stands first */
    assert_int_equal(ike_keymat(prf, ctx, sk_d, ike_bytes_of(NULL, 0), ni, nr, out, octets(k->child).len), IKE_OK);
    assert_octets(out, k->child);
    assert_int_equal(ike_keymat(prf, ctx, sk_d, gir_new, ni, nr, out, octets(k->child_dh).len), IKE_OK);
    assert_octets(out, k->child_dh);
    assert_int_equal(ike_skeyseed_rekey(prf, ctx, sk_d, ni, nr, gir_new, seed), IKE_OK);
    assert_octets(seed, k->seed_new);
}

static void the_printed_samples(void **state)
{
    (void)state;
    const ike_prf *prf = prf_of(printed.prf);
    if (prf) {
        run_kdf(&printed, prf);
    }
    for (size_t i = 0; i < IKE_COUNT(samples); i++) {
        uint8_t out[512];
        ike_bytes key = octets(samples[i].key), data = octets(samples[i].data), want = octets(samples[i].out);
        prf = prf_of(samples[i].prf);
        if (!prf) {
            continue;
        }
        if (samples[i].plus) {
            assert_int_equal(ike_prf_plus(prf, ctx, key, &data, 1, out, want.len), IKE_OK);
        } else {
            ike_bytes ni = ike_bytes_of(key.ptr, key.len / 2), nr = ike_bytes_of(key.ptr + key.len / 2, key.len / 2);
            assert_int_equal(ike_skeyseed(prf, ctx, ni, nr, data, out), IKE_OK);
            assert_int_equal(want.len, prf->mac->len);
        }
        assert_memory_equal(out, want.ptr, want.len);
    }
}

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
    return strcmp(hash, "SHA-1") == 0 ? 2 : strstr(hash, "256") ? 5 : strstr(hash, "384") ? 6 : strstr(hash, "512") ? 7 : 0;
}

static struct kdf kdf_of(const struct json *in, const struct json *out)
{
    return (struct kdf){.ni = json_text(in, "nInit"),
                        .nr = json_text(in, "nResp"),
                        .spi_i = json_text(in, "spiInit"),
                        .spi_r = json_text(in, "spiResp"),
                        .gir = json_text(in, "gir"),
                        .gir_new = json_text(in, "girNew"),
                        .seed = json_text(out, "sKeySeed"),
                        .dkm = json_text(out, "derivedKeyingMaterial"),
                        .child = json_text(out, "derivedKeyingMaterialChild"),
                        .child_dh = json_text(out, "derivedKeyingMaterialDh"),
                        .seed_new = json_text(out, "sKeySeedReKey")};
}

static void the_acvp_cases(void **state)
{
    (void)state;
    struct json *root = load("nist/ikev2-kdf/acvp-prompts-with-libreswan-answers.json");
    size_t n = 0;
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        const ike_prf *prf = prf_of(prf_named(json_text(g, "hashAlg")));
        for (const struct json *t = json_first(json_get(g, "tests")); t && prf; t = t->next, n++) {
            struct kdf k = kdf_of(t, t);
            run_kdf(&k, prf);
        }
    }
    print_message("%zu cases\n", n);
    assert_true(n > 0);
    json_free(root);
}

static void the_cavs_sample_of_the_folder(void **state)
{
    (void)state;
    struct json *root = load("nist/ikev1-ikev2-cavs-samples.json");
    size_t n = 0;
    for (const struct json *t = json_first(root); t; t = t->next) {
        const struct json *in = json_get(t, "inputs");
        const ike_prf *prf = strcmp(json_text(t, "test"), "ikev2") == 0 ? prf_of(prf_named(json_text(in, "hashAlg"))) : NULL;
        if (prf) {
            struct kdf k = kdf_of(in, json_get(t, "expected"));
            run_kdf(&k, prf);
            n++;
        }
    }
    assert_int_equal(n, prf_of(2) ? 1 : 0);
    json_free(root);
}

static void prf_and_prf_plus_of_the_folder(void **state)
{
    (void)state;
    static const char *const files[] = {"rfc/ikev2-prf-sp800-135.json", "rfc/ikev2-prf-plus-sp800-135.json"};
    for (size_t plus = 0; plus < 2; plus++) {
        struct json *root = load(files[plus]);
        for (const struct json *t = json_first(root); t; t = t->next) {
            uint8_t out[512];
            ike_bytes key = octets(json_text(t, "key")), salt = octets(json_text(t, "salt")), want = octets(json_text(t, "out"));
            const ike_prf *prf = prf_of(prf_named(json_text(t, "arg.prf") + strlen("PRF_HMAC_SHA")));
            if (!prf) {
                continue;
            }
            int r = plus ? ike_prf_plus(prf, ctx, key, &salt, 1, out, want.len)
                         : ike_skeyseed(prf, ctx, ike_bytes_of(salt.ptr, 8), ike_bytes_of(salt.ptr + 8, salt.len - 8), key, out);
            assert_int_equal(r, IKE_OK);
            assert_memory_equal(out, want.ptr, want.len);
        }
        json_free(root);
    }
}

static void prf_plus_has_at_most_255_blocks(void **state)
{
    (void)state;
    static uint8_t out[256 * IKE_HASH_MAX];
    const ike_prf *prf = ike_crypto_default()->prf[0];
    ike_bytes part = IKE_STR("seed");
    assert_int_equal(ike_prf_plus(prf, ctx, IKE_STR("key"), &part, 1, out, 255u * prf->mac->len), IKE_OK);
    assert_int_equal(ike_prf_plus(prf, ctx, IKE_STR("key"), &part, 1, out, 255u * prf->mac->len + 1), IKE_ERR_INVALID);
    /* A shorter run is the beginning of a longer one. */
    uint8_t some[77];
    for (size_t n = 0; n <= sizeof some; n++) {
        some[n < sizeof some ? n : 0] = 0x5a;
        assert_int_equal(ike_prf_plus(prf, ctx, IKE_STR("key"), &part, 1, some, n), IKE_OK);
        assert_memory_equal(some, out, n);
        assert_true(n == sizeof some || some[n] == 0x5a);
    }
}

static void nonces_longer_than_any_are_refused(void **state)
{
    (void)state;
    static const uint8_t nonce[300];
    uint8_t out[IKE_HASH_MAX];
    const ike_prf *prf = ike_crypto_default()->prf[0];
    ike_bytes max = ike_bytes_of(nonce, 256), more = ike_bytes_of(nonce, 257);
    assert_int_equal(ike_skeyseed(prf, ctx, max, max, max, out), IKE_OK);
    assert_int_equal(ike_skeyseed(prf, ctx, max, more, max, out), IKE_ERR_INVALID);
}

static void the_keys_lie_in_the_order_of_section_2_14(void **state)
{
    (void)state;
    uint8_t run[512];
    for (size_t i = 0; i < sizeof run; i++) {
        run[i] = (uint8_t)i;
    }
    struct ike_key_layout l = {.d = 20, .a = 12, .e = 16, .p = 20};
    assert_int_equal(ike_key_total(&l), 20 + 24 + 32 + 40);
    assert_int_equal(ike_key_kept(&l), 20 + 24 + 32);
    const struct {
        ike_bytes is;
        size_t at, len;
    } rows[] = {{ike_key_d(&l, run), 0, 20},        {ike_key_a(&l, run, true), 20, 12},  {ike_key_a(&l, run, false), 32, 12},
                {ike_key_e(&l, run, true), 44, 16}, {ike_key_e(&l, run, false), 60, 16}, {ike_key_p(&l, run, true), 76, 20},
                {ike_key_p(&l, run, false), 96, 20}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_ptr_equal(rows[i].is.ptr, run + rows[i].at);
        assert_int_equal(rows[i].is.len, rows[i].len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_samples),
        cmocka_unit_test(the_acvp_cases),
        cmocka_unit_test(the_cavs_sample_of_the_folder),
        cmocka_unit_test(prf_and_prf_plus_of_the_folder),
        cmocka_unit_test(prf_plus_has_at_most_255_blocks),
        cmocka_unit_test(nonces_longer_than_any_are_refused),
        cmocka_unit_test(the_keys_lie_in_the_order_of_section_2_14),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
