/* SPDX-License-Identifier: ISC
 *
 * The lists: what the default choice and the providers hold, looking descriptors up, and that every descriptor keeps to the
 * limits of ike/crypto.h.
 */
#include "unit/crypto_conformance.h"

static size_t length(const void *list)
{
    const void *const *p = list;
    size_t n = 0;
    while (p[n]) {
        n++;
    }
    return n;
}

/* Exactly these ids, in any order; the list ends with 0. */
#define HOLDS(list, ...)                                                                                                         \
    do {                                                                                                                         \
        static const uint16_t want[] = {__VA_ARGS__, 0};                                                                         \
        size_t wanted = 0;                                                                                                       \
        for (; want[wanted]; wanted++) {                                                                                         \
            size_t have = 0;                                                                                                     \
            for (size_t i = 0; (list)[i]; i++) {                                                                                 \
                have += (list)[i]->id == want[wanted];                                                                           \
            }                                                                                                                    \
            assert_int_equal(have, 1);                                                                                           \
        }                                                                                                                        \
        assert_int_equal(length(list), wanted);                                                                                  \
    } while (0)

static void default_is_complete(void **state)
{
    (void)state;
    const ike_crypto *c = ike_crypto_default();
    assert_string_equal(c->name, "default");
    if (length(c->encr) == 1) { /* the tiny profile: one suite, and SHA-1 for NAT detection */
        HOLDS(c->encr, 20);
        HOLDS(c->prf, 5);
        HOLDS(c->integ, 12);
        HOLDS(c->ke, 31);
        HOLDS(c->hash, 1, 2);
    } else {
        HOLDS(c->encr, 3, 12, 18, 19, 20, 28);
        HOLDS(c->prf, 2, 5, 6, 7);
        HOLDS(c->integ, 2, 12, 13, 14);
        HOLDS(c->ke, 5, 14, 15, 16, 17, 18, 19, 20, 21, 31);
        HOLDS(c->hash, 1, 2, 3, 4);
    }
}

static void finds(void **state)
{
    (void)state;
    const ike_crypto *c = ike_crypto_default();
    for (size_t i = 0; c->encr[i]; i++) {
        assert_ptr_equal(ike_find_encr(c, c->encr[i]->id), c->encr[i]);
    }
    for (size_t i = 0; c->ke[i]; i++) {
        assert_ptr_equal(ike_find_ke(c, c->ke[i]->id), c->ke[i]);
    }
    for (size_t i = 0; c->prf[i]; i++) {
        assert_ptr_equal(ike_find_prf(c, c->prf[i]->id), c->prf[i]);
    }
    for (size_t i = 0; c->integ[i]; i++) {
        assert_ptr_equal(ike_find_integ(c, c->integ[i]->id), c->integ[i]);
    }
    for (size_t i = 0; c->hash[i]; i++) {
        assert_ptr_equal(ike_find_hash(c, c->hash[i]->id), c->hash[i]);
    }
    assert_null(ike_find_encr(c, 0));
    assert_null(ike_find_prf(c, 65535));
    assert_null(ike_find_integ(c, 1));
    assert_null(ike_find_ke(c, 2));
    assert_null(ike_find_hash(c, 5));
}

static bool never(void) { return false; }
static bool always(void) { return true; }

/* A descriptor that cannot run here is passed over, and lists may be missing. */
static void finds_the_usable(void **state)
{
    (void)state;
    static const ike_encr first = {.id = 20, .usable = never}, second = {.id = 20, .usable = always}, third = {.id = 20};
    static const ike_encr *const all[] = {&first, &second, &third, NULL}, *const none[] = {&first, NULL};
    const ike_crypto c = {.name = "test", .encr = all}, d = {.name = "test", .encr = none};
    assert_ptr_equal(ike_find_encr(&c, 20), &second);
    assert_null(ike_find_encr(&d, 20));
    assert_null(ike_find_prf(&c, 5));
    assert_null(ike_find_ke(&c, 31));
}

static void providers(void **state)
{
    (void)state;
    size_t n = 0;
    for (const ike_crypto *c; (c = ike_crypto_provider_at(n)) != NULL; n++) {
        assert_ptr_equal(ike_crypto_provider(c->name), c);
        print_message("provider %s: %zu encr, %zu prf, %zu integ, %zu ke, %zu hash\n", c->name, length(c->encr), length(c->prf),
                      length(c->integ), length(c->ke), length(c->hash));
    }
    assert_true(n >= 2 && n <= 5);
    assert_null(ike_crypto_provider_at(n + 1));
    assert_null(ike_crypto_provider_at(SIZE_MAX));
    assert_null(ike_crypto_provider("openssl"));
    const ike_crypto *legacy = cc_named("legacy");
    if (legacy && ike_crypto_provider("nettle")) {
        HOLDS(legacy->encr, 2, 3, 6, 7);
    } else if (legacy) {
        HOLDS(legacy->encr, 2, 3, 7); /* mbedTLS has no CAST-128 */
    }
    if (legacy) {
        HOLDS(legacy->prf, 1);
        HOLDS(legacy->integ, 1);
        HOLDS(legacy->ke, 1, 2, 3, 4, 5);
        HOLDS(legacy->hash, IKE_HASH_MD5);
    }
    const ike_crypto *openssl = cc_named("openssl");
    if (openssl) {
        HOLDS(openssl->encr, 12, 18, 19, 20);
        HOLDS(openssl->prf, 5, 6, 7);
        HOLDS(openssl->integ, 12, 13, 14);
        HOLDS(openssl->ke, 19, 20, 21, 25, 26, 27, 28, 29, 30, 32);
        HOLDS(openssl->hash, 2, 3, 4);
    }
    assert_non_null(ike_crypto_provider("sodium"));
    assert_non_null(ike_crypto_provider("mbedtls"));
}

static void encr_limits(const ike_encr *e)
{
    assert_true(e->name && e->init && e->seal && e->open && e->clear);
    assert_true(e->ctx_size > 0 && e->ctx_size <= 8192);
    assert_true(e->key_bits[0] > 0 && e->key_bits[3] == 0);
    for (size_t i = 0; e->key_bits[i]; i++) {
        assert_true(e->key_bits[i] % 8 == 0 && e->key_bits[i] / 8 + e->salt_len <= IKE_KEY_MAX);
    }
    if (e->block == 8) { /* no library has these without tables */
        assert_true(e->constant_time && !e->constant_time());
    }
    assert_true(e->iv_len <= IKE_IV_MAX && e->icv_len <= IKE_ICV_MAX && e->block > 0);
    assert_int_equal(e->aead, e->icv_len > 0);
}

static void mac_limits(const ike_mac *m, size_t key_len)
{
    assert_true(m->name && m->init && m->update && m->final && m->ctx_size <= 1024);
    assert_true(m->len <= IKE_HASH_MAX);
    assert_int_equal(key_len, m->len); /* RFC 4868 section 2.1.1, RFC 2404 section 3 */
}

static void ke_limits(const ike_ke *k)
{
    assert_true(k->name && k->initiate && k->check && k->finish && k->derive_public);
    assert_null(k->respond); /* all of these are Diffie-Hellman groups */
    assert_int_equal(k->public_len_i, k->public_len_r);
    assert_true(k->public_len_i <= IKE_KE_MAX && k->shared_len <= IKE_SHARED_MAX && k->private_len <= IKE_PRIVATE_MAX);
    assert_int_equal(!k->open, !k->close);
}

static void limits(void **state)
{
    (void)state;
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; c->encr[k]; k++) {
            encr_limits(c->encr[k]);
        }
        for (size_t k = 0; c->prf[k]; k++) {
            mac_limits(c->prf[k]->mac, c->prf[k]->key_len);
        }
        for (size_t k = 0; c->integ[k]; k++) {
            mac_limits(c->integ[k]->mac, c->integ[k]->key_len);
            assert_true(c->integ[k]->icv_len <= c->integ[k]->mac->len && c->integ[k]->icv_len <= IKE_ICV_MAX);
        }
        for (size_t k = 0; c->ke[k]; k++) {
            ke_limits(c->ke[k]);
        }
        for (size_t k = 0; c->hash[k]; k++) {
            assert_true(c->hash[k]->name && c->hash[k]->len <= IKE_HASH_MAX && c->hash[k]->ctx_size <= 512);
        }
    }
}

/* A different name for the same mechanism would be negotiated differently: the lengths the registries and RFCs state. */
static void lengths(void **state)
{
    (void)state;
    const ike_crypto *c;
    static const struct {
        uint16_t id, key, icv;
    } integ[] = {{1, 16, 12}, {2, 20, 12}, {12, 32, 16}, {13, 48, 24}, {14, 64, 32}};
    static const struct {
        uint16_t id, public, shared;
    } ke[] = {{1, 96, 96},    {2, 128, 128},  {3, 20, 20},      {4, 24, 24},  {5, 192, 192}, {14, 256, 256}, {15, 384, 384},
              {16, 512, 512}, {17, 768, 768}, {18, 1024, 1024}, {19, 64, 32}, {20, 96, 48},  {21, 132, 66},  {25, 48, 24},
              {26, 56, 28},   {27, 56, 28},   {28, 64, 32},     {29, 96, 48}, {30, 128, 64}, {31, 32, 32},   {32, 56, 56}};
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        for (size_t k = 0; k < IKE_COUNT(integ); k++) {
            const ike_integ *g = ike_find_integ(c, integ[k].id);
            assert_true(!g || (g->key_len == integ[k].key && g->icv_len == integ[k].icv));
        }
        for (size_t k = 0; k < IKE_COUNT(ke); k++) {
            const ike_ke *e = ike_find_ke(c, ke[k].id);
            assert_true(!e || (e->public_len_i == ke[k].public && e->shared_len == ke[k].shared));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_is_complete), cmocka_unit_test(finds),  cmocka_unit_test(finds_the_usable),
        cmocka_unit_test(providers),           cmocka_unit_test(limits), cmocka_unit_test(lengths),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
