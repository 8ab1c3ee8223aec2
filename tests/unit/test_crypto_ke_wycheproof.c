/* SPDX-License-Identifier: ISC
 *
 * Every key exchange of every provider that Wycheproof has a file for.
 */
#include "unit/ke_help.h"

struct wyche {
    uint8_t priv[32], pub[64], shared[32];
};

static void wyche_valid(struct side *s, const void *arg)
{
    const struct wyche *w = arg;
    known(s, w->priv, NULL, w->pub, w->shared);
}

static void wyche_invalid(struct side *s, const void *arg)
{
    const struct wyche *w = arg;
    assert_int_equal(s->ke->check(s->state, w->pub), IKE_ERR_CRYPTO);
    assert_int_equal(s->ke->finish(s->state, &s->rng, w->priv, w->pub, s->shared), IKE_ERR_CRYPTO);
}

/* Either the stated secret or a refusal, never another result. */
static void wyche_acceptable(struct side *s, const void *arg)
{
    const struct wyche *w = arg;
    int err = s->ke->finish(s->state, &s->rng, w->priv, w->pub, s->shared);
    assert_int_equal(s->ke->check(s->state, w->pub), err);
    assert_true(err == IKE_ERR_CRYPTO || (err == IKE_OK && memcmp(s->shared, w->shared, sizeof(w->shared)) == 0));
}

/* `prefix` is what stands before x|y in the file's encoding. IKE sends x|y alone, so what has another length or encoding
 * (compressed points, other curves, odd ASN.1: many of the "invalid" and nearly all of the "acceptable") has no form on the
 * wire and is passed over. The one "acceptable" case that has a form is a bit string whose last octet was changed; without the
 * ASN.1 around it that is a point off the curve, which all providers refuse. */
static void wycheproof_ecdh(const char *file, const char *prefix_hex)
{
    uint8_t prefix[32], raw[8192];
    size_t prefix_len = cc_lit(prefix_hex, prefix, sizeof(prefix)), agree = 0, refused = 0, passed_over = 0;
    struct json *root = cc_json(file);
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        for (const struct json *v = json_first(json_get(g, "tests")); v; v = v->next) {
            struct wyche w;
            size_t n = cc_hex(v, "public", raw, sizeof(raw));
            if (n != prefix_len + sizeof(w.pub) || memcmp(raw, prefix, prefix_len) != 0) {
                assert_string_not_equal(json_text(v, "result"), "valid");
                passed_over++;
                continue;
            }
            memcpy(w.pub, raw + prefix_len, sizeof(w.pub));
            fixed(raw, cc_hex(v, "private", raw, sizeof(raw)), w.priv, sizeof(w.priv));
            const char *result = json_text(v, "result");
            if (strcmp(result, "invalid") == 0) {
                all(ECP_256, wyche_invalid, &w);
                refused++;
                continue;
            }
            assert_int_equal(cc_hex(v, "shared", w.shared, sizeof(w.shared)), sizeof(w.shared));
            all(ECP_256, strcmp(result, "valid") == 0 ? wyche_valid : wyche_acceptable, &w);
            agree++;
        }
    }
    print_message("%s: %zu agree, %zu refused, %zu not expressible in IKE\n", file, agree, refused, passed_over);
    assert_int_equal(agree + refused + passed_over, json_long(root, "numberOfTests", -1));
    assert_true(agree >= 200);
    json_free(root);
}

static void wycheproof_ecpoint(void **state)
{
    (void)state;
    wycheproof_ecdh("wycheproof/ecdh_secp256r1_ecpoint_test.json", "04");
}

static void wycheproof_asn1(void **state)
{
    (void)state;
    wycheproof_ecdh("wycheproof/ecdh_secp256r1_test.json", "3059301306072a8648ce3d020106082a8648ce3d03010703420004");
}

/* Zero is no secret (RFC 8031 section 2); check() cannot tell, since it takes the private value to find it. */
static void wyche_zero(struct side *s, const void *arg)
{
    const struct wyche *w = arg;
    assert_int_equal(s->ke->finish(s->state, &s->rng, w->priv, w->pub, s->shared), IKE_ERR_CRYPTO);
}

/* "acceptable" are points of the twist, values that are not reduced, and those that give zero: RFC 7748 section 5 takes all but
 * the last. */
static void wycheproof_x25519(void **state)
{
    (void)state;
    size_t agree = 0, refused = 0;
    struct json *root = cc_json("wycheproof/x25519_test.json");
    for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) {
        for (const struct json *v = json_first(json_get(g, "tests")); v; v = v->next) {
            struct wyche w;
            assert_int_equal(cc_hex(v, "public", w.pub, sizeof(w.pub)), 32);
            assert_int_equal(cc_hex(v, "private", w.priv, sizeof(w.priv)), 32);
            assert_int_equal(cc_hex(v, "shared", w.shared, sizeof(w.shared)), 32);
            assert_string_not_equal(json_text(v, "result"), "invalid");
            bool zero = ike_is_zero(w.shared, sizeof(w.shared));
            size_t found = all(X25519, zero ? wyche_zero : wyche_valid, &w);
            assert_true(found >= 1);
            zero ? refused++ : agree++;
        }
    }
    print_message("x25519_test.json: %zu agree, %zu refused\n", agree, refused);
    assert_int_equal(agree, 487);
    assert_int_equal(refused, 31);
    assert_int_equal(agree + refused, json_long(root, "numberOfTests", -1));
    json_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wycheproof_ecpoint),
        cmocka_unit_test(wycheproof_asn1),
        cmocka_unit_test(wycheproof_x25519),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
