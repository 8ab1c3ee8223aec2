/* SPDX-License-Identifier: ISC
 *
 * AUTH with a shared key. The constants were computed with Python's hmac from the formula of RFC 7296 section 2.15:
 *
 *     def P(k, *a): return hmac.new(k, b"".join(a), alg).digest()
 *     P(P(secret, b"Key Pad for IKEv2"), message, nonce, P(sk_p, id))
 *
 * (the captures with keys do not hold SK_p, so their AUTH values cannot be computed again).
 */
#include "unit/core_help.h"

#include "auth/auth.h"
#include "vectors/vectors.h"

static const struct {
    uint16_t prf;
    const char *auth;
} rows[] = {
    {2, "d2337c13e0e079d3e88c7d0e79c57088151a309e"},
    {5, "5c16ab1113b15e27c9394cd1fdb4e7ba9691dc968604ea1e538056ae8e0d4c61"},
    {6, "0873b03b36402ec9e97861f789956c4f471c8039d5f36f6ee6c5592a3ec9a526"
        "6789725d387ea416d051e334d023ee32"},
    {7, "69e0652cc5dd801cd854d3141ec68e320daea11efcdab763e7c65359ef849466"
        "6ede4a7b4099faeb259a35c556a1f20e5a5230d5a4d0d762799bf91a1ca6327a"},
};

static _Alignas(16) uint8_t ctx[4096];
static uint8_t message[200], nonce[32], sk_p[64];
static const uint8_t id[] = {2, 0, 0, 0, 'a', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e'};
#define SECRET IKE_STR("correct horse battery staple")

static struct ike_signed octets(const ike_prf *prf)
{
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof nonce; i++) {
        nonce[i] = (uint8_t)(0x40 + i);
    }
    for (size_t i = 0; i < sizeof sk_p; i++) {
        sk_p[i] = (uint8_t)(0x80 + i);
    }
    assert_true(prf->mac->ctx_size <= sizeof ctx);
    return (struct ike_signed){.prf = prf,
                               .ctx = ctx,
                               .message = {message, sizeof message},
                               .nonce = {nonce, sizeof nonce},
                               .sk_p = {sk_p, prf->mac->len},
                               .id = {id, sizeof id}};
}

static void it_is_the_value_of_the_formula(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t want[IKE_HASH_MAX], got[IKE_HASH_MAX];
        size_t len = 0, n = vec_hex(rows[i].auth, want, sizeof want);
        const ike_prf *prf = ike_find_prf(ike_crypto_default(), rows[i].prf);
        if (!prf) {
            print_message("left out: PRF %u is not in this build\n", (unsigned)rows[i].prf);
            continue;
        }
        struct ike_signed s = octets(prf);
        assert_int_equal(ike_auth_psk.prove(&s, SECRET, got, &len), IKE_OK);
        assert_int_equal(len, n);
        assert_memory_equal(got, want, n);
        assert_true(ike_is_zero(ctx, prf->mac->ctx_size));
        assert_int_equal(ike_auth_psk.check(&s, SECRET, ike_bytes_of(want, n)), IKE_OK);
    }
}

static void everything_that_is_signed_counts(void **state)
{
    (void)state;
    const ike_prf *prf = ike_crypto_default()->prf[0];
    struct ike_signed s = octets(prf);
    uint8_t good[IKE_HASH_MAX], other_id[sizeof id];
    size_t len;
    assert_int_equal(ike_auth_psk.prove(&s, SECRET, good, &len), IKE_OK);
    ike_bytes auth = ike_bytes_of(good, len);
    uint8_t *parts[] = {message, nonce, sk_p};
    size_t sizes[] = {sizeof message, sizeof nonce, prf->mac->len};
    for (size_t k = 0; k < IKE_COUNT(parts); k++) {
        for (size_t i = 0; i < sizes[k]; i++) {
            parts[k][i] ^= 0x10;
            assert_int_equal(ike_auth_psk.check(&s, SECRET, auth), IKE_ERR_AUTH);
            parts[k][i] ^= 0x10;
        }
    }
    memcpy(other_id, id, sizeof id);
    other_id[2] = 1; /* reserved octets enter as received */
    s.id = ike_bytes_of(other_id, sizeof other_id);
    assert_int_equal(ike_auth_psk.check(&s, SECRET, auth), IKE_ERR_AUTH);
    s.id = ike_bytes_of(id, sizeof id);
    assert_int_equal(ike_auth_psk.check(&s, IKE_STR("correct horse battery stapl"), auth), IKE_ERR_AUTH);
    assert_int_equal(ike_auth_psk.check(&s, ike_bytes_of(NULL, 0), auth), IKE_ERR_AUTH);
    assert_int_equal(ike_auth_psk.check(&s, SECRET, auth), IKE_OK);
}

/* Lengths other than the PRF's output, and every wrong bit. */
static void another_value_is_refused(void **state)
{
    (void)state;
    const ike_prf *prf = ike_crypto_default()->prf[0];
    struct ike_signed s = octets(prf);
    uint8_t good[IKE_HASH_MAX + 1] = {0};
    size_t len;
    assert_int_equal(ike_auth_psk.prove(&s, SECRET, good, &len), IKE_OK);
    for (size_t n = 0; n <= len + 1; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, good, n);
        assert_int_equal(ike_auth_psk.check(&s, SECRET, ike_bytes_of(cut, n)), n == len ? IKE_OK : IKE_ERR_AUTH);
        free(cut);
    }
    for (size_t bit = 0; bit < len * 8; bit++) {
        good[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(ike_auth_psk.check(&s, SECRET, ike_bytes_of(good, len)), IKE_ERR_AUTH);
        good[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_value_of_the_formula),
        cmocka_unit_test(everything_that_is_signed_counts),
        cmocka_unit_test(another_value_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
