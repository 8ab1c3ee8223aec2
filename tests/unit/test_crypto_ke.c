/* SPDX-License-Identifier: ISC
 *
 * Every key exchange of every provider: RFC 7748, RFC 5903, NIST, MODP against plain integers; public values and results that
 * must be refused; what happens when the random source or the allocator fails; providers with each other.
 */
#include "unit/ke_help.h"

/* A published exchange: both private values, both public ones, the secret. */
struct exchange {
    uint16_t id;
    uint8_t priv_i[66], priv_r[66], pub_i[132], pub_r[132], shared[66];
};

/* Whether a group must be found: those of the default choice, and with the openssl module all of its own. */
static bool owed(uint16_t id)
{
    return ike_find_ke(ike_crypto_default(), id) || (cc_named("openssl") && ike_find_ke(cc_named("openssl"), id));
}

static void both_sides(struct side *s, const void *arg)
{
    const struct exchange *x = arg;
    known(s, x->priv_i, x->pub_i, x->pub_r, x->shared);
    known(s, x->priv_r, x->pub_r, x->pub_i, x->shared);
}

/* RFC 7748 sections 6.1 and 6.2; RFC 5903 sections 8.1, 8.2 and 8.3; RFC 5114 appendix A.4 and A.5; RFC 7027 appendix A for the
 * Brainpool curves of 256, 384 and 512 bits. The one of 224 bits by Python's integers from the constants of RFC 5639. */
static const struct {
    uint16_t id;
    const char *priv_i, *priv_r, *pub_i, *pub_r, *shared;
} published_pairs[] = {
    {X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
    {ECP_256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
     "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
     "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
     "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
     "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",
     "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"},
    {ECP_384, "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
     "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
     "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
     "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
     "e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
     "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
     "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"},
    {ECP_521,
     "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095"
     "aa85a30fe1c2952c6771d937ba9777f5957b2639bab072462f68c27a57382d4a52",
     "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c"
     "677d600b343757a3bdbf2a3163e4c2f869cca7458aa4a4effc311f5cb151685eb9",
     "0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1"
     "e3bf42e00b8e380aeae57c2d107564941885942af5a7f4601723c4195d176ced3e"
     "017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8"
     "a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
     "00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b"
     "97c356436adc6e95bb0352f6be64a6c2912d4ef2d0433ced2b6171640012d9460f"
     "015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b8722"
     "0b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
     "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1"
     "427e73ca4baa240a34786859810c06b3c715a3a8cc3151f2bee417996d19f3ddea"},
    {BP_256, "81db1ee100150ff2ea338d708271be38300cb54241d79950f77b063039804f1d",
     "55e40bc41e37e3e2ad25c3c6654511ffa8474a91a0032087593852d3e7d76bd3",
     "44106e913f92bc02a1705d9953a8414db95e1aaa49e81d9e85f929a8e3100be58ab4846f11caccb73ce49cbdd120f5a900a69fd32c272223"
     "f789ef10eb089bdc",
     "8d2d688c6cf93e1160ad04cc4429117dc2c41825e1e9fca0addd34e6f1b39f7b990c57520812be512641e47034832106bc7d3e8dd0e4c7f1"
     "136d7006547cec6a",
     "89afc39d41d3b327814b80940b042590f96556ec91e6ae7939bce31f3a18bf2b"},
    {BP_384, "1e20f5e048a5886f1f157c74e91bde2b98c8b52d58e5003d57053fc4b0bd65d6f15eb5d1ee1610df870795143627d042",
     "032640bc6003c59260f7250c3db58ce647f98e1260acce4acda3dd869f74e01f8ba5e0324309db6a9831497abac96670",
     "68b665dd91c195800650cdd363c625f4e742e8134667b767b1b476793588f885ab698c852d4a6e77a252d6380fcaf06855bc91a39c9ec01d"
     "ee36017b7d673a931236d2f1f5c83942d049e3fa20607493e0d038ff2fd30c2ab67d15c85f7faa59",
     "4d44326f269a597a5b58bba565da5556ed7fd9a8a9eb76c25f46db69d19dc8ce6ad18e404b15738b2086df37e71d1eb462d692136de56cbe"
     "93bf5fa3188ef58bc8a3a0ec6c1e151a21038a42e9185329b5b275903d192f8d4e1f32fe9cc78c48",
     "0bd9d3a7ea0b3d519d09d8e48d0785fb744a6b355e6304bc51c229fbbce239bbadf6403715c35d4fb2a5444f575d4f42"},
    {BP_512,
     "16302ff0dbbb5a8d733dab7141c1b45acbc8715939677f6a56850a38bd87bd59b09e80279609ff333eb9d4c061231fb26f92eeb04982a5f1"
     "d1764cad57665422",
     "230e18e1bcc88a362fa54e4ea3902009292f7f8033624fd471b5d8ace49d12cfabbc19963dab8e2f1eba00bffb29e4d72d13f2224562f405"
     "cb80503666b25429",
     "0a420517e406aac0acdce90fcd71487718d3b953efd7fbec5f7f27e28c6149999397e91e029e06457db2d3e640668b392c2a7e737a7f0bf0"
     "4436d11640fd09fd72e6882e8db28aad36237cd25d580db23783961c8dc52dfa2ec138ad472a0fcef3887cf62b623b2a87de5c588301ea3e"
     "5fc269b373b60724f5e82a6ad147fde7",
     "9d45f66de5d67e2e6db6e93a59ce0bb48106097ff78a081de781cdb31fce8ccbaaea8dd4320c4119f1e9cd437a2eab3731fa9668ab268d87"
     "1deda55a5473199f2fdc313095bcdd5fb3a91636f07a959c8e86b5636a1e930e8396049cb481961d365cc11453a06c719835475b12cb52fc"
     "3c383bce35e27ef194512b71876285fa",
     "a7927098655f1f9976fa50a9d566865dc530331846381c87256baf3226244b76d36403c024d7bbf0aa0803eaff405d3d24f11a9b5c0bef67"
     "9fe1454b21c4cd1f"},
    {BP_224, "39f155483cee191fbecfe9c81d8ab1a03cda6790e7184ace44bca161",
     "6a5f6d7c8e9fa0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5",
     "a9c21a569759da95e0387041184261440327afe33141ca04b82dc92e98a0f75fbbf61d8e58ae5511b2bcdbe8e549b31e37069a2825f590c1",
     "30440c464c7a245779a08c3b73df70df172c14ffef609c5d43f989c112f790f13c75a7354572eafe7aae10c27c6021e52af4a7f70d54bfa3",
     "52f0eeb6e6dafeee19c4d646fd5ce107fb0ba8ae0eca2834acfdbd8e"},
    {X448, "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28dd9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
     "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
     "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
     "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b43027d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
     "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d"},
    {ECP_192, "323fa3169d8e9c6593f59476bc142000ab5be0e249c43426", "631f95bb4a67632c9c476eee9ab695ab240a0499307fcf62",
     "cd46489ecfd6c105e7b3d32566e2b122e249abaadd87061268887b4877df51dd4dc3d6fd11f0a26f8fd3844317916e9a",
     "519a121680e0045466ba21df2eee47f5973b500577ef13d5ff613ab4d64cee3a20875bdb10f953f6b30ca072c60aa57f",
     "ad420182633f8526bfe954acda376f05e5ff4f837f54febe"},
    {ECP_224, "b558eb6c288da707bbb4f8fbae2ab9e9cb62e3bc5c7573e22e26d37f",
     "ac3b1add3d9770e6f6a708ee9f3b8e0ab3b480e9f27f85c88b5e6d18",
     "49dfef309f81488c304cff5ab3ee5a2154367dc7833150e0a51f3eeb4f2b5ee45762c4f654c1a0c67f54cf88b016b51bce3d7c228d57adb4",
     "6b3ac96a8d0cde6a5599be8032edf10c162d0a8ad219506dcd42a207d491be99c213a7d1ca3706debfe305f361afcbb33e2609c8b1618ad5",
     "52272f50f46f4edc9151569092f46df2d96ecc3b6dc1714a4ea949fa"},
};

static void specified(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(published_pairs); i++) {
        struct exchange x = {.id = published_pairs[i].id};
        cc_lit(published_pairs[i].priv_i, x.priv_i, sizeof(x.priv_i));
        cc_lit(published_pairs[i].priv_r, x.priv_r, sizeof(x.priv_r));
        cc_lit(published_pairs[i].pub_i, x.pub_i, sizeof(x.pub_i));
        cc_lit(published_pairs[i].pub_r, x.pub_r, sizeof(x.pub_r));
        cc_lit(published_pairs[i].shared, x.shared, sizeof(x.shared));
        size_t found = all(x.id, both_sides, &x);
        assert_true(found >= 1 || !owed(x.id));
    }
}

static void published(const char *file)
{
    static const struct {
        const char *name;
        uint16_t id;
    } methods[] = {{"CURVE_25519", X25519},  {"CURVE_448", X448},      {"ECP_192_BIT", ECP_192}, {"ECP_224_BIT", ECP_224},
                   {"ECP_256_BIT", ECP_256}, {"ECP_384_BIT", ECP_384}, {"ECP_521_BIT", ECP_521}};
    struct json *root = cc_json(file);
    size_t used = 0;
    for (const struct json *v = json_first(root); v; v = v->next) {
        for (size_t m = 0; m < IKE_COUNT(methods); m++) {
            if (strcmp(json_text(v, "method"), methods[m].name) == 0) {
                struct exchange x = {.id = methods[m].id};
                uint8_t seed[132];
                size_t half = cc_hex(v, "seed", seed, sizeof(seed)) / 2;
                memcpy(x.priv_i, seed, half);
                memcpy(x.priv_r, seed + half, half);
                cc_hex(v, "pub_i", x.pub_i, sizeof(x.pub_i));
                cc_hex(v, "pub_r", x.pub_r, sizeof(x.pub_r));
                cc_hex(v, "shared", x.shared, sizeof(x.shared));
                size_t found = all(x.id, both_sides, &x);
                assert_true(found >= 1 || !owed(x.id));
                used++;
            }
        }
    }
    json_free(root);
    assert_true(used >= 1);
}

static void rfc5903(void **state)
{
    (void)state;
    published("rfc/ecp-rfc5903-rfc5114.json");
}

static void rfc8031(void **state)
{
    (void)state;
    published("rfc/x25519-rfc7748-rfc8031.json");
}

static void rfc7748(void **state)
{
    (void)state;
    published("rfc/x448-rfc7748.json");
}

/* RFC 7748 section 5.2: scalar and u both 9, a thousand times the function on its own results. */
static void rfc7748_iterated(void **state)
{
    (void)state;
    static struct side s;
    uint8_t expected[32], k[32] = {9}, u[32] = {9};
    side_open(&s, ike_find_ke(ike_crypto_default(), X25519), 1);
    for (int i = 1; i <= 1000; i++) {
        assert_int_equal(s.ke->finish(s.state, &s.rng, k, u, s.shared), IKE_OK);
        memcpy(u, k, 32);
        memcpy(k, s.shared, 32);
        if (i == 1) {
            cc_lit("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", expected, 32);
            assert_memory_equal(k, expected, 32);
        }
    }
    cc_lit("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", expected, 32);
    assert_memory_equal(k, expected, 32);
    side_close(&s);
}

/* Private values 01 12 23 … and f7 f4 f1 …; SHA-256 of both public values and of the secret, computed with Python's integers
 * from the formulas of RFC 2409 and RFC 3526. */
struct modp {
    uint16_t id;
    const char *a, *b, *shared;
};

static void digest_is(const uint8_t *data, size_t n, const char *hex)
{
    const ike_hash *h = ike_find_hash(ike_crypto_default(), 2);
    uint8_t out[IKE_HASH_MAX], expected[IKE_HASH_MAX];
    void *ctx = cc_context(h->ctx_size);
    h->init(ctx);
    h->update(ctx, data, n);
    h->final(ctx, out);
    cc_lit(hex, expected, sizeof(expected));
    assert_memory_equal(out, expected, h->len);
    free(ctx);
}

static void modp_agrees(struct side *s, const void *arg)
{
    const struct modp *m = arg;
    static uint8_t b[IKE_PRIVATE_MAX], peer[IKE_KE_MAX];
    for (size_t i = 0; i < s->ke->private_len; i++) {
        s->priv[i] = (uint8_t)(0x11 * i + 1);
        b[i] = (uint8_t)(0xf7 - 3 * i);
    }
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, b, peer), IKE_OK);
    digest_is(s->pub, s->ke->public_len_i, m->a);
    digest_is(peer, s->ke->public_len_i, m->b);
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, peer, s->shared), IKE_OK);
    digest_is(s->shared, s->ke->shared_len, m->shared);
    assert_int_equal(s->ke->finish(s->state, &s->rng, b, s->pub, s->shared), IKE_OK);
    digest_is(s->shared, s->ke->shared_len, m->shared);
}

static void modp_known(void **state)
{
    (void)state;
    static const struct modp table[] = {
        {1, "65f209b54a79fd1c78f7b0faab10a15a32e9766467ad2caf5bd540b75c3e14a1",
         "db67586b46bcf0af9609610a71957d547c65ed11efbc6ac7fe1099034da3df13",
         "7fe5235e76a887febbf521e808597a2a9838214940c575c28cc399f42f9ec66b"},
        {2, "bd1cd4b77cab4881b31ae1e9034c478f16bccdcda44d894e98665e12dd01874d",
         "489c167d1ef5d773f429d62b913deba9df782f7b2710afc7debc1ee5c3a07ecb",
         "1d9b20762b9caeecff344cc36a0d7839b97e0888015c61d675e1987849b694fd"},
        {5, "8ab10b757431d1515ac067a622ae022075fbf7e2f2b7b6ba5a25f963589a35bb",
         "bffc01242f84827c6a25379b816a711e196c9ba3237fdfd1fac41a97dfae36ea",
         "f89a5f43f309c1bdea6c61c146b6e1db4804471ccc134324b69533d446f5443f"},
        {14, "bf22b5f92c591561debd301fbe2681cab881ede9480bd0e4f96821de0e72cb73",
         "5bcdedee536586a62c4077ee3abc5738504eec807c5d2f2c0f45069b4fc2fc0d",
         "12003dcd0fba2593c516e85387b9c9d281a46ff92a1db767b2f2d9bf95cf942c"},
        {15, "354cc653454b2793c2576762bf8a51c5bf769ff4a072319d7d76bd933006f6b6",
         "95183951a51e82b2583b7e5aaf68d118fb682a598dda6fd7ee48db49637444ee",
         "59263e1e0118d03d477073ad6ac60706b0612ef1ca7fa9d5a4871b0a962ab249"},
        {16, "2abd08a7eab2569eb5519bdc3ba6cbc15b550449579fba2a2573cce77e65b453",
         "57a3b8ab0bb40df89a99ae8db1adf110852f8ec0c5dfa75d8ff44dbc856166f5",
         "85deeb91f6b5aaf388daef24a5526bfad0a2f70d76c7dd135d9b412b8da109e0"},
        {17, "5c3a8e69bf7bb060c4435ccaafdd947c58b21d8262e190167c615f7a31cf22e5",
         "91e15667c432309bc6226777759cdef31a072a33b1139f6b8cd034a61b975d2f",
         "8580540995e4e079b5f07a809a5a750684662871de1a1a89570003c6efc99c96"},
        {18, "768760dc4890490c51b8f0f3738d573a45a4fbba8ac52254d7d45948fa1fed31",
         "90006d7dc226ed7942030c77e927154da7203d4ed0be4dd8d7f5aa86bc724476",
         "b555cee815b014bbebcdbee953f19746e20542d302069edcdca76285d3bf707a"},
    };
    for (size_t i = 0; i < IKE_COUNT(table); i++) {
        size_t found = all(table[i].id, modp_agrees, &table[i]);
        assert_true(found >= 1);
    }
}

static void nist_ecdh(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t id;
        size_t len;
    } curves[] = {{"P-256", ECP_256, 32}, {"P-384", ECP_384, 48}, {"P-521", ECP_521, 66}};
    struct vec_text t;
    size_t used = 0;
    cc_text(&t, "nist/boringssl/ecdh_tests.txt");
    while (vec_text_next(&t)) {
        for (size_t i = 0; i < IKE_COUNT(curves); i++) {
            if (strcmp(vec_text_get(&t, "Curve"), curves[i].name) != 0) {
                continue;
            }
            struct exchange x = {.id = curves[i].id};
            const size_t len = curves[i].len;
            const struct {
                const char *name;
                uint8_t *to;
            } fields[] = {{"Private", x.priv_i}, {"X", x.pub_i},           {"Y", x.pub_i + len},
                          {"PeerX", x.pub_r},    {"PeerY", x.pub_r + len}, {"Z", x.shared}};
            for (size_t f = 0; f < IKE_COUNT(fields); f++) {
                uint8_t raw[80];
                fixed(raw, cc_bytes(&t, fields[f].name, raw, sizeof(raw)), fields[f].to, len);
            }
            static struct side s;
            const ike_crypto *c;
            for (size_t p = 0; (c = cc_suite(p)) != NULL; p++) {
                const ike_ke *ke = ike_find_ke(c, x.id);
                if (ke) {
                    side_open(&s, ke, used);
                    known(&s, x.priv_i, x.pub_i, x.pub_r, x.shared);
                    side_close(&s);
                }
            }
            used++;
        }
    }
    vec_text_close(&t);
    assert_int_equal(used, 75);
}

/* Points of small order, also not reduced and with the ignored top bit: RFC 7748 section 7, RFC 8031 section 2. */
static void small_order(struct side *s, const void *arg)
{
    (void)arg;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    for (size_t i = 0; i < IKE_COUNT(points); i++) {
        for (int top = 0; top < 2; top++) {
            uint8_t peer[32];
            cc_lit(points[i], peer, sizeof(peer));
            peer[31] |= (uint8_t)(top << 7);
            assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, peer, s->shared), IKE_ERR_CRYPTO);
        }
    }
}

static void x25519_small_order(void **state)
{
    (void)state;
    size_t found = all(X25519, small_order, NULL);
    assert_true(found >= 1);
}

/* The order-1, -2 and -4 points of curve448: u = 0, 1, -1, and the same not reduced (RFC 7748 section 7). */
static void x448_points(struct side *s, const void *arg)
{
    (void)arg;
    uint8_t peer[56] = {0}, p[56];
    memset(p, 0xff, sizeof(p)); /* 2^448 - 2^224 - 1, little-endian */
    p[28] = 0xfe;
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    for (int u = 0; u < 2; u++) {
        peer[0] = (uint8_t)u;
        assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, peer, s->shared), IKE_ERR_CRYPTO);
    }
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, p, s->shared), IKE_ERR_CRYPTO);
    p[0] = 0xfe;
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, p, s->shared), IKE_ERR_CRYPTO);
    memset(p, 0, 28); /* p + 1 */
    p[28] = 0xff;
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, p, s->shared), IKE_ERR_CRYPTO);
}

static void x448_small_order(void **state)
{
    (void)state;
    size_t found = all(X448, x448_points, NULL);
    assert_true(found >= 1 || !owed(X448));
}

/* RFC 7748 section 5: a value that is not reduced and the top bit are accepted and mean the reduced one. */
static void not_reduced(struct side *s, const void *arg)
{
    (void)arg;
    uint8_t low[32] = {9}, top[32] = {9}, high[32], want[32];
    top[31] = 0x80;
    memset(high, 0xff, sizeof(high)); /* 2^255 - 19 + 9 */
    high[0] = 0xf6;
    high[31] = 0x7f;
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, low, want), IKE_OK);
    assert_memory_equal(want, s->pub, 32);
    known(s, s->priv, NULL, top, want);
    known(s, s->priv, NULL, high, want);
}

static void x25519_not_reduced(void **state)
{
    (void)state;
    all(X25519, not_reduced, NULL);
}

static void refused(struct side *s, const uint8_t *peer)
{
    assert_int_equal(s->ke->check(s->state, peer), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, s->priv, peer, s->shared), IKE_ERR_CRYPTO);
    cc_no_openssl_errors();
}

/* RFC 6989 section 2.1: only 1 < y < p - 1. */
static void modp_range(void **state)
{
    (void)state;
    struct json *root = cc_json("rfc/modp-group-primes-rfc2409-rfc3526.json");
    static uint8_t p[IKE_KE_MAX], y[IKE_KE_MAX];
    static struct side s;
    const ike_crypto *c;
    size_t used = 0;
    for (const struct json *v = json_first(root); v; v = v->next) {
        for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
            const ike_ke *ke = ike_find_ke(c, (uint16_t)json_long(v, "group", 0));
            if (!ke) {
                continue;
            }
            size_t n = cc_hex(v, "prime", p, sizeof(p));
            assert_int_equal(n, ke->public_len_i);
            side_open(&s, ke, i);
            assert_int_equal(ke->initiate(s.state, &s.rng, s.priv, s.pub), IKE_OK);
            memset(y, 0, n);
            refused(&s, y); /* 0 */
            y[n - 1] = 1;
            refused(&s, y);
            y[n - 1] = 2;
            assert_int_equal(ke->check(s.state, y), IKE_OK);
            known(&s, s.priv, NULL, y, s.pub); /* 2 is the generator */
            refused(&s, p);
            memcpy(y, p, n);
            y[n - 1] = 0xfe; /* p - 1 */
            refused(&s, y);
            y[n - 1] = 0xfd;
            assert_int_equal(ke->check(s.state, y), IKE_OK);
            y[n - 9]++; /* above p: the octets in front of the 64 one bits are not all ones */
            refused(&s, y);
            memset(y, 0xff, n);
            refused(&s, y);
            side_close(&s);
            used++;
        }
    }
    json_free(root);
    assert_true(used >= 8);
}

/* Field primes, orders and base points of FIPS 186-4 appendix D.1.2 and RFC 5639. */
struct nist_curve {
    uint16_t id;
    const char *prime, *order, *base_x;
};

static void ecp_bad_point(struct side *s, const void *arg)
{
    const size_t n = s->ke->shared_len;
    uint8_t p[66], y[132];
    cc_lit(((const struct nist_curve *)arg)->prime, p, sizeof(p));
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    memset(y, 0, 2 * n);
    refused(s, y); /* (0, 0) */
    memset(y, 0xff, 2 * n);
    refused(s, y);
    memcpy(y, s->pub, 2 * n);
    y[2 * n - 1] ^= 1; /* off the curve */
    refused(s, y);
    memcpy(y, p, n); /* x = p */
    refused(s, y);
    memcpy(y, s->pub, n);
    memcpy(y + n, p, n); /* y = p */
    refused(s, y);
    memcpy(y, s->pub + n, n); /* x and y swapped */
    memcpy(y + n, s->pub, n);
    refused(s, y);
    int borrow = 0; /* -Y is as good as Y */
    for (size_t i = n; i-- > 0;) {
        int d = p[i] - s->pub[n + i] - borrow;
        borrow = d < 0;
        y[n + i] = (uint8_t)d;
    }
    memcpy(y, s->pub, n);
    assert_int_equal(s->ke->check(s->state, y), IKE_OK);
}

/* Private values run from 1 to the order less 1; 1 gives the base point, order - 1 its negative with the same x. */
static void ecp_private_range(struct side *s, const void *arg)
{
    const struct nist_curve *c = arg;
    const size_t n = s->ke->private_len;
    uint8_t d[66] = {0}, peer[132], base_x[66];
    cc_lit(c->base_x, base_x, sizeof(base_x));
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, peer), IKE_OK);
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, d, peer, s->shared), IKE_ERR_CRYPTO);
    d[n - 1] = 1;
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_OK);
    assert_memory_equal(s->pub, base_x, n);
    known(s, d, NULL, peer, peer); /* once the point: its own x */
    cc_lit(c->order, d, sizeof(d));
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, d, peer, s->shared), IKE_ERR_CRYPTO);
    d[n - 1]--; /* the orders are odd */
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_OK);
    assert_memory_equal(s->pub, base_x, n);
    known(s, d, NULL, peer, peer);
    memset(d, 0xff, n);
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, d, s->pub), IKE_ERR_CRYPTO);
}

static void ecp_ranges(void **state)
{
    (void)state;
    static const struct nist_curve curves[] = {
        {ECP_256, "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
         "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
         "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"},
        {ECP_384, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
         "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
         "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"},
        {ECP_521,
         "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
         "a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
         "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3d"
         "baa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66"},
        {BP_256, "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
         "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
         "8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262"},
        {BP_384, "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
         "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
         "1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e"},
        {BP_512,
         "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c685"
         "28aa6056583a48f3",
         "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac10471db1d381085ddadd"
         "b58796829ca90069",
         "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098eff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e68"
         "8b352209bcb9f822"},
        {BP_224, "d7c134aa264366862a18302575d1d787b09f075797da89f57ec8c0ff",
         "d7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939f", "0d9029ad2c7e5cf4340823b2a87dc68c9e4ce3174c1e6efdee12c07d"},
        {ECP_192, "fffffffffffffffffffffffffffffffeffffffffffffffff", "ffffffffffffffffffffffff99def836146bc9b1b4d22831",
         "188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012"},
        {ECP_224, "ffffffffffffffffffffffffffffffff000000000000000000000001",
         "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d", "b70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21"},
    };
    for (size_t i = 0; i < IKE_COUNT(curves); i++) {
        size_t found = all(curves[i].id, ecp_bad_point, &curves[i]);
        assert_true(found >= 1 || !owed(curves[i].id));
        all(curves[i].id, ecp_private_range, &curves[i]);
    }
}

/* Every pair of providers of a group agrees; key pairs differ from each other. */
static void providers_agree(void **state)
{
    (void)state;
    static struct side a, b;
    const ike_crypto *ca, *cb;
    for (size_t i = 1; (ca = cc_suite(i)) != NULL; i++) {
        for (size_t j = i; (cb = cc_suite(j)) != NULL; j++) {
            for (size_t k = 0; ca->ke[k]; k++) {
                const ike_ke *other = ike_find_ke(cb, ca->ke[k]->id);
                if (!other) {
                    continue;
                }
                side_open(&a, ca->ke[k], i * 7 + j);
                side_open(&b, other, i * 11 + j + 1);
                assert_int_equal(a.ke->private_len, b.ke->private_len);
                for (int round = 0; round < 4; round++) {
                    uint8_t last[64];
                    memcpy(last, a.pub, 32);
                    assert_int_equal(a.ke->initiate(a.state, &a.rng, a.priv, a.pub), IKE_OK);
                    assert_int_equal(b.ke->initiate(b.state, &b.rng, b.priv, b.pub), IKE_OK);
                    assert_memory_not_equal(last, a.pub, 32);
                    assert_int_equal(a.ke->check(a.state, b.pub), IKE_OK);
                    assert_int_equal(a.ke->finish(a.state, &a.rng, a.priv, b.pub, a.shared), IKE_OK);
                    assert_int_equal(b.ke->finish(b.state, &b.rng, b.priv, a.pub, b.shared), IKE_OK);
                    assert_memory_equal(a.shared, b.shared, a.ke->shared_len);
                    assert_int_equal(b.ke->derive_public(b.state, &b.rng, a.priv, b.pub), IKE_OK);
                    assert_memory_equal(a.pub, b.pub, a.ke->public_len_i);
                }
                side_close(&a);
                side_close(&b);
            }
        }
    }
}

/* A failing source gives its error and leaves no private value; a constant one that is no key is refused in bounded time. */
static void bad_random(struct side *s, const void *arg)
{
    (void)arg;
    s->source.fail_after = 0;
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_ERR_HOST);
    assert_true(ike_is_zero(s->priv, s->ke->private_len));
    if (s->ke->id != X25519 && s->ke->id != X448) {
        s->source.fail_after = 1 << 20;
        s->source.constant = 0;
        assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_ERR_CRYPTO);
    }
    if (s->ke->id >= ECP_256 && s->ke->id <= BP_512) {
        s->source.constant = 0xff;
        assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, s->pub), IKE_ERR_CRYPTO);
        assert_true(ike_is_zero(s->priv, s->ke->private_len));
    }
}

static void random_fails(void **state)
{
    (void)state;
    all(0, bad_random, NULL);
}

/* Memory refused at each call in turn: an error or the right result, never a leak. */
static void memory_fails(void **state)
{
    (void)state;
    static struct side s;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->ke[k]; k++) {
            const ike_ke *ke = c->ke[k];
            if (!ke->open || (ke->id > MODP_2048 && ke->id <= MODP_8192)) {
                continue;
            }
            side_open(&s, ke, 3);
            static uint8_t peer[IKE_KE_MAX], pub[IKE_KE_MAX], shared[IKE_SHARED_MAX];
            assert_int_equal(ke->initiate(s.state, &s.rng, s.priv, peer), IKE_OK);
            assert_int_equal(ke->initiate(s.state, &s.rng, s.priv, pub), IKE_OK);
            assert_int_equal(ke->finish(s.state, &s.rng, s.priv, peer, shared), IKE_OK);
            side_close(&s);
            for (size_t n = 0; n < 8; n++) {
                s.heap = (struct heap){.refuse_from = n};
                s.state = ke->open(&s.mem);
                if (!s.state) {
                    assert_int_equal(s.heap.live, 0);
                    continue;
                }
                int err = ke->derive_public(s.state, &s.rng, s.priv, s.pub);
                assert_true(err == IKE_OK || err == IKE_ERR_NOMEM);
                assert_true(err != IKE_OK || memcmp(s.pub, pub, ke->public_len_i) == 0);
                err = ke->finish(s.state, &s.rng, s.priv, peer, s.shared);
                assert_true(err == IKE_OK || err == IKE_ERR_NOMEM);
                assert_true(err != IKE_OK || memcmp(s.shared, shared, ke->shared_len) == 0);
                side_close(&s);
            }
        }
    }
}

/* The table of powers is refused, the scratch is not: the slow way gives the same value. */
static void without_table(struct side *s, const void *arg)
{
    (void)arg;
    static uint8_t pub[IKE_KE_MAX];
    if (!s->ke->engine_state_grows) {
        return;
    }
    assert_int_equal(s->ke->initiate(s->state, &s->rng, s->priv, pub), IKE_OK);
    size_t with_table = s->heap.live;
    side_close(s);
    s->heap = (struct heap){.refuse_from = SIZE_MAX};
    s->state = s->ke->open(&s->mem);
    size_t without = s->heap.live;
    assert_true(with_table > without);
    /* Refuse exactly the big request. */
    s->heap.refuse_from = s->heap.calls;
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, s->priv, s->pub), IKE_ERR_NOMEM);
    assert_true(s->heap.calls >= 2);
    s->heap.refuse_from = SIZE_MAX;
    assert_int_equal(s->ke->derive_public(s->state, &s->rng, s->priv, s->pub), IKE_OK);
    assert_memory_equal(s->pub, pub, s->ke->public_len_i);
}

static void table_refused(void **state)
{
    (void)state;
    all(MODP_2048, without_table, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specified),
        cmocka_unit_test(rfc5903),
        cmocka_unit_test(rfc8031),
        cmocka_unit_test(rfc7748),
        cmocka_unit_test(x448_small_order),
        cmocka_unit_test(rfc7748_iterated),
        cmocka_unit_test(modp_known),
        cmocka_unit_test(nist_ecdh),
        cmocka_unit_test(x25519_small_order),
        cmocka_unit_test(x25519_not_reduced),
        cmocka_unit_test(modp_range),
        cmocka_unit_test(ecp_ranges),
        cmocka_unit_test(providers_agree),
        cmocka_unit_test(random_fails),
        cmocka_unit_test(memory_fails),
        cmocka_unit_test(table_refused),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
