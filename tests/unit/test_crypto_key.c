/* SPDX-License-Identifier: ISC
 *
 * The forms in which keys are kept, and what is none of them.
 */
#include "unit/core_help.h"
#include "unit/crypto_conformance.h"
#include "unit/keys_help.h"

#include "crypto/key.h"

#include <mbedtls/base64.h>

/* Other forms of the first keys of keys_help.h, by OpenSSL 3.0: rsa -traditional; ecparam and ec; dsa; x509 -req, which gives a
 * certificate without version; pkey -pubout; pkcs8 -topk8 -v2 aes-256-cbc; ec -aes128. */
/* clang-format off */
static const char pkcs1[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAkFO048hNu3S5kLu+m9tzxSBjBcwdcYp6vqgzh8nQ0q+QotVz\n"
    "EPm6daEr4IqpuZ57o13oWBwrbx5OwAFvwNMjnSZXv65tm8eR7N0c8XavYtj0UwQK\n"
    "iKZ2asQ19GbafS7GLBKFpZpz/8IhjrEFRZ+4W65JBBe8rvmm6eMO+yWjuG9O1o3z\n"
    "CBtNF31oCFWFhaJaQ3qFWia6pAihtqSyqIUG18D1Pm6RMYG2gwVIXCUk14A7lQB5\n"
    "fVBd28ZcMQKODBvgCYc6j3BCsRYTbylvhHioFs847vUZAWKEV18nMvtTgJ6uhRvg\n"
    "79QSIh4mwbFT7AM/7eaa99QMOB25cj+EytsZXwIDAQABAoIBAC8CNK7kdP0TncVY\n"
    "gVL+fYy9acNfok9zDVvAKViXEV8uM+v1ng7vaB4cKtBuGa4NwrOJSL46HqOIuZms\n"
    "XhvuKXFsJbSXObg9nngJ5P147NNDWwEXFd9AaN2JnxFF1vBjJcUBG2q/Df1F2+xA\n"
    "GDl/NmsWL04X9SsAwa74d86xicvuZ+QqXKgZMOEydOAbMb4bzM29fQYSRHqSHwzy\n"
    "GVcrI3v3FZc8l+VKt4sQfKspnrvTq31Eof65Pj+3HFms343Jwq0JimWkeHecRfez\n"
    "61Z+ThBmTtHYPwM2Pb3Cq3g8bWmiycmt3OIaWGfGphJ4WXGKMiuOib4Dmw0ynGHA\n"
    "2WJgqhECgYEAyUFepJHtkwwyrs8ory6n4uMGfmQ5zsaIMNRWgxI2/qKNLPXtJiBR\n"
    "lT3ZH/dAVu4i7+Ytj+ik54gx+EVEGaEoJchOimtfq02AI0wTpQJ5IgS5FGEzTla4\n"
    "dhXe7AtTj3xKiDbUPZDgu3xeak/e+Nih8wvNb3U/angS80IifWGhjOUCgYEAt5YR\n"
    "uOGER5RUmtOeXRmg2DZ5gsGlIBieklTS2QHgDK4PSAcL05MQRFDmsr+IUQY9CwGM\n"
    "nncOdrkF6gQNBHG/jY9K4EQflMYJ0XvJKwWELqh5BX2Ho9D0WiWTmMjRHxDrOAaR\n"
    "DUS4KNVM0nlfRevthki5kjXhx/9wxEPEVwdvLPMCgYEAre/aXT9l5d33+8886VLY\n"
    "dKYjmZ8Duysoz5LlBjj64M4aV45gnL/34pVmj1MA/2CnP1FfdW3q/9Rc46bxuXjo\n"
    "GudowgcU0xeTNG5u2AEwMe+FChEL55vZpu02Eimj2XHhdKJ2gpMxN7jAXP+UxNtt\n"
    "9IHx1m+uFFWcgzNYXabAmeUCgYAy0Jr/LYzLs0bnxANliZ53ujxP8QGfrLDXmBr0\n"
    "bgxx9gvMyAaB/YbXIf15JIK6yptC3J7rjdC3E+eLKqvfuwxmRm9XPAPxzg8RqM25\n"
    "1sELmR5GYsSUl1XLTfNYqt0XWDuDOm4T2h2PT9r/txCj7fXE4YRb8AYasZ2o9Yj2\n"
    "/dvL+QKBgCKxylsjhTAOU9oD0c8bXyj6GvO4rz+R53xKfv2FF/5gcxa5zHM6m8CX\n"
    "KkiZndNVWZG+DjQUSm0u1kwWo3TvAcSasPfuBm6qbbhY4SDWmdnhqvnp91HiPUTS\n"
    "b0sZLUgtlzKcdKXtm2SRSylTC26QoUYj0yf3PCZ/3WiBmYtN6sGs\n"
    "-----END RSA PRIVATE KEY-----\n";
static const char sec1[] =
    "-----BEGIN EC PARAMETERS-----\n"
    "BggqhkjOPQMBBw==\n"
    "-----END EC PARAMETERS-----\n"
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEID+ky/IqpMqOG4jNAYcq/RYh6AdXCQgxwEOkWSyezy8LoAoGCCqGSM49\n"
    "AwEHoUQDQgAEqDJzTKvNHg5C3Bp7ZXNv8x7P4dbzaPNexC0yxn6tNWYvBnDpgSy3\n"
    "9iMd1fGfclJ3fLkEOm9cUBkjijwU3mHAYw==\n"
    "-----END EC PRIVATE KEY-----\n";
static const char old_dsa[] =
    "-----BEGIN DSA PRIVATE KEY-----\n"
    "MIIBuwIBAAKBgQCl65aZRT+wmrGuxzt9LB/KfiPgPF4abxddvFqWv/Eg0txF0cbr\n"
    "P9vUzTGAQZX5wN43p6S0ef8ieLEkpWkOuvDKVL+kvjWCJrWWq75tEaUA03Jb8Xsc\n"
    "uHB2Xdp8aaG7CiN9Y6bbFhMe22J7vhk2pVPUjQ1nprtCJzghuYiT7UAaewIVAPSg\n"
    "myj0oJmkAMj9K9an8lXgUdonAoGBAIvTYC1w56SlMGDOMEPwQinEkJELsqHN+SlS\n"
    "Pr95pXyVItQ0ZPCjHQxJRdu90ax3RM/fw3BO0wYhfrjLPcgjklfIjT0Wps9WvM7N\n"
    "zRRLkclBHGm+FuzxVMr9z8owInYhmfKN+DeuqNgw6hIZnskq57/B/n/Z5mzp0cgS\n"
    "YIVTP3cWAoGAIpQQZCliSgdziXIwPni6zHEaRrgIbbsvi6N+DrIELzkFaETBRURU\n"
    "JfxC+Ws5RUI0Qz7EdKB9N/5G8Ei74OddhLsbWZj33BIHYLZg1gcUZj0Av1bHBICg\n"
    "d8lrERq+m9f4Zh2hS7I3P5JPATgLyB4Zux0tTNV5uMX+t4K1GdefmDACFCcVjjoU\n"
    "WgIpHCorXD/WohmvNeBR\n"
    "-----END DSA PRIVATE KEY-----\n";
static const char version1[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBEzCBuwIUaxSpEMJ98+hgjK90NfuX+pMi34UwCgYIKoZIzj0EAwIwDDEKMAgG\n"
    "A1UEAwwBYTAgFw0yNjExMjcwNTM1MThaGA8yMTI2MTEwMzA1MzUxOFowDDEKMAgG\n"
    "A1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKgyc0yrzR4OQtwae2Vz\n"
    "b/Mez+HW82jzXsQtMsZ+rTVmLwZw6YEst/YjHdXxn3JSd3y5BDpvXFAZI4o8FN5h\n"
    "wGMwCgYIKoZIzj0EAwIDRwAwRAIgWTvw8qkhg42Mge+X8DZCyjPiyfeiz74TJ4tj\n"
    "H9+ZSuwCIEWQvAS2Hn3RgnLWNjLAW8JOS+rjY1vnp5YC170nF8Lq\n"
    "-----END CERTIFICATE-----\n";
static const char open_p256[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqDJzTKvNHg5C3Bp7ZXNv8x7P4dbz\n"
    "aPNexC0yxn6tNWYvBnDpgSy39iMd1fGfclJ3fLkEOm9cUBkjijwU3mHAYw==\n"
    "-----END PUBLIC KEY-----\n";
static const char open_rsa[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAkFO048hNu3S5kLu+m9tz\n"
    "xSBjBcwdcYp6vqgzh8nQ0q+QotVzEPm6daEr4IqpuZ57o13oWBwrbx5OwAFvwNMj\n"
    "nSZXv65tm8eR7N0c8XavYtj0UwQKiKZ2asQ19GbafS7GLBKFpZpz/8IhjrEFRZ+4\n"
    "W65JBBe8rvmm6eMO+yWjuG9O1o3zCBtNF31oCFWFhaJaQ3qFWia6pAihtqSyqIUG\n"
    "18D1Pm6RMYG2gwVIXCUk14A7lQB5fVBd28ZcMQKODBvgCYc6j3BCsRYTbylvhHio\n"
    "Fs847vUZAWKEV18nMvtTgJ6uhRvg79QSIh4mwbFT7AM/7eaa99QMOB25cj+EytsZ\n"
    "XwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
static const char encrypted8[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiBzp0KZ5/KrgICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEF1irY6h1N/3vwYMa2TNw5QEgZDw\n"
    "vigAKnJRipQQCPhST3dLR210cOWXPQ3cuNoG85ba28dCFhW+Ge6fzqTlvbW4hG2B\n"
    "wiHRWjLn/pcphBM1pXuCGlc3KKSIHhHY+0BUKo+Zgxdm8mKiNSd6mt+MrEoNBqhH\n"
    "F35/mD6FfBp4Gfst0JyADUKOtPM0skW/M8O3A71iulN275jUU9nZpsxQjLDrbek=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";
static const char encrypted[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,29EF205A7D40A9B80FB012E3D34F9B6B\n"
    "\n"
    "8h07dCnmPvtbwh3ZGFpJ6F9D/ERJ+72yCOONX8xVaDvMiRK7g2XZ/grtLtPUTtrV\n"
    "0D+UVx1GH/vRd640tlo4W24k2Dmc+pMnhXVhb7LenGdVjCrBketguOYkqZe6V7hr\n"
    "S2EPeCsV+W0iR8ho1Gp//AIyhNw92QHFRRpS5wgHuCM=\n"
    "-----END EC PRIVATE KEY-----\n";
/* clang-format on */

static struct lab lab;
static const ike_random rng = {lab_random, &lab};
static const ike_allocator mem = {lab_alloc, lab_release, &lab};

static int start(void **state)
{
    lab_init(&lab);
    return cc_global_init(state);
}

/* RSA and ECDSA, which a tiny default leaves out, and a module's DSA. */
static const ike_crypto *crypto(void)
{
    static const ike_sign *sign[8];
    static ike_crypto all;
    const ike_crypto *o = cc_named("openssl");
    size_t n = 0;
    all = *ike_crypto_provider("mbedtls");
    for (; all.sign[n]; n++) {
        sign[n] = all.sign[n];
    }
    sign[n] = o ? o->sign[0] : NULL;
    all.sign = sign;
    return &all;
}

/* From a block of just the size, so that a sanitizer sees what is read behind it. */
static int check(bool secret, const void *text, size_t n, uint8_t *kind, unsigned *bits)
{
    size_t blocks = lab.blocks;
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    int r = ike_key_check(crypto(), &mem, &rng, secret, ike_bytes_of(exact, n), kind, bits);
    free(exact);
    assert_int_equal(lab.blocks, blocks);
    cc_no_openssl_errors();
    return r;
}

static size_t der_of(const char *pem, const char *label, uint8_t *out, size_t cap)
{
    char begin[64];
    size_t n;
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", label);
    const char *from = strstr(pem, begin);
    assert_non_null(from);
    from += strlen(begin);
    const char *to = strstr(from, "-----END");
    assert_int_equal(mbedtls_base64_decode(out, cap, &n, (const uint8_t *)from, (size_t)(to - from)), 0);
    return n;
}

struct form {
    bool secret;
    const char *pem, *label;
    uint8_t kind;
    unsigned bits;
};

enum { N_FORMS = 13 };

static const struct form *form(unsigned i)
{
    static struct form forms[N_FORMS];
    const struct form all[N_FORMS] = {
        {true, test_keys[KEY_RSA][0].key, "PRIVATE KEY", IKE_KEY_RSA, 2048},
        {true, test_keys[KEY_P256][0].key, "PRIVATE KEY", IKE_KEY_ECDSA, 256},
        {true, test_keys[KEY_P521][0].key, "PRIVATE KEY", IKE_KEY_ECDSA, 521},
        {true, pkcs1, "RSA PRIVATE KEY", IKE_KEY_RSA, 2048},
        {true, sec1, "EC PRIVATE KEY", IKE_KEY_ECDSA, 256},
        {false, test_keys[KEY_RSA][0].cert, "CERTIFICATE", IKE_KEY_RSA, 2048},
        {false, test_keys[KEY_P384][0].cert, "CERTIFICATE", IKE_KEY_ECDSA, 384},
        {false, version1, "CERTIFICATE", IKE_KEY_ECDSA, 256},
        {false, open_p256, "PUBLIC KEY", IKE_KEY_ECDSA, 256},
        {false, open_rsa, "PUBLIC KEY", IKE_KEY_RSA, 2048},
        {true, test_keys[KEY_DSA][0].key, "PRIVATE KEY", IKE_KEY_DSA, 1024},
        {true, old_dsa, "DSA PRIVATE KEY", IKE_KEY_DSA, 1024},
        {false, test_keys[KEY_DSA][0].cert, "CERTIFICATE", IKE_KEY_DSA, 1024},
    };
    memcpy(forms, all, sizeof all);
    return &forms[i];
}

/* Without the module nobody reads DSA keys, but what they are is known all the same. */
static int good(const struct form *f) { return f->kind == IKE_KEY_DSA && !cc_named("openssl") ? IKE_ERR_UNSUPPORTED : IKE_OK; }

static void is(const struct form *f, const void *text, size_t n)
{
    uint8_t kind = 0;
    unsigned bits = 0;
    assert_int_equal(check(f->secret, text, n, &kind, &bits), good(f));
    if (good(f) == IKE_OK) {
        assert_int_equal(kind, f->kind);
        assert_int_equal(bits, f->bits);
    }
    assert_int_equal(check(!f->secret, text, n, NULL, NULL), IKE_ERR_INVALID); /* one is not taken for the other */
}

static void every_form(void **state)
{
    (void)state;
    static char text[16384];
    static uint8_t der[4096];
    for (unsigned i = 0; i < N_FORMS; i++) {
        const struct form *f = form(i);
        size_t n = 0;
        is(f, f->pem, strlen(f->pem));
        is(f, der, der_of(f->pem, f->label, der, sizeof der));
        for (const char *p = f->pem; *p; p++) { /* the line ends of other systems */
            if (*p == '\n') {
                text[n++] = '\r';
            }
            text[n++] = *p;
        }
        is(f, text, n);
        is(f, text, n - 2); /* without the last */
        n = (size_t)snprintf(text, sizeof text, "Bag Attributes\n    friendlyName: %s\n-----\n%s\nand more\n", "a", f->pem);
        is(f, text, n);
    }
}

/* The first that is wanted counts, whatever else is there. */
static void several_blocks(void **state)
{
    (void)state;
    static char text[16384];
    uint8_t kind;
    unsigned bits;
    size_t n = (size_t)snprintf(text, sizeof text, "%s%s%s%s", test_keys[KEY_P256][0].key, test_keys[KEY_P384][0].cert,
                                test_keys[KEY_RSA][0].cert, test_keys[KEY_RSA][0].key);
    assert_int_equal(check(true, text, n, &kind, &bits), IKE_OK);
    assert_true(kind == IKE_KEY_ECDSA && bits == 256);
    assert_int_equal(check(false, text, n, &kind, &bits), IKE_OK);
    assert_true(kind == IKE_KEY_ECDSA && bits == 384);
    n = (size_t)snprintf(text, sizeof text, "%s%s", encrypted8, pkcs1);
    assert_int_equal(check(true, text, n, &kind, &bits), IKE_OK);
    assert_int_equal(kind, IKE_KEY_RSA);
}

static void encrypted_keys_are_refused(void **state)
{
    (void)state;
    uint8_t der[1024];
    assert_int_equal(check(true, encrypted8, strlen(encrypted8), NULL, NULL), IKE_ERR_INVALID);
    assert_int_equal(check(true, encrypted, strlen(encrypted), NULL, NULL), IKE_ERR_INVALID);
    assert_int_equal(check(true, der, der_of(encrypted8, "ENCRYPTED PRIVATE KEY", der, sizeof der), NULL, NULL), IKE_ERR_INVALID);
}

/* Every beginning. PEM is whole when its END has begun. */
static void what_is_cut_off(void **state)
{
    (void)state;
    static uint8_t der[4096];
    for (unsigned i = 0; i < N_FORMS; i++) {
        const struct form *f = form(i);
        size_t n = strlen(f->pem), step = n > 500 ? 7 : 1;
        const char *last = f->pem;
        for (const char *p; (p = strstr(last + 1, "-----END ")) != NULL;) {
            last = p;
        }
        for (size_t k = 0; k < n; k += step) {
            assert_int_equal(check(f->secret, f->pem, k, NULL, NULL),
                             k < (size_t)(last - f->pem) + 9 ? IKE_ERR_INVALID : good(f));
        }
        n = der_of(f->pem, f->label, der, sizeof der);
        for (size_t k = 0; k < n; k += step) {
            assert_int_equal(check(f->secret, der, k, NULL, NULL), IKE_ERR_INVALID);
        }
        memset(der + n, 0, 4);
        assert_int_equal(check(f->secret, der, n + 1, NULL, NULL), IKE_ERR_INVALID);
        assert_int_equal(check(f->secret, der, n + 4, NULL, NULL), IKE_ERR_INVALID);
    }
}

static void what_is_no_key(void **state)
{
    (void)state;
    static uint8_t many[65537] = {0x30, 0x83, 0x00, 0xff, 0xff};
    static const struct {
        size_t n;
        uint8_t octets[12];
    } ders[] = {{1, {0x30}},
                {2, {0x30, 0x00}},
                {2, {0x30, 0x80}},
                {2, {0x30, 0xff}},
                {6, {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}},
                {5, {0x30, 0x83, 0xff, 0xff, 0xff}},
                {12, {0x30, 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
                {4, {0x30, 0x02, 0x30, 0x00}},
                {4, {0x30, 0x02, 0x30, 0x7f}},
                {5, {0x30, 0x03, 0x02, 0x01, 0x00}},
                {7, {0x30, 0x05, 0x02, 0x01, 0x00, 0x30, 0x00}},
                {8, {0x30, 0x06, 0x02, 0x01, 0x01, 0x04, 0x01, 0x00}},
                {8, {0x30, 0x06, 0x30, 0x00, 0x03, 0x02, 0x00, 0x00}}};
    static const char *const texts[] = {
        "",
        "a",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ== a@example",
    };
    for (unsigned secret = 0; secret < 2; secret++) {
        for (size_t i = 0; i < IKE_COUNT(texts); i++) {
            assert_int_equal(check(secret, texts[i], strlen(texts[i]), NULL, NULL), IKE_ERR_INVALID);
        }
        for (size_t i = 0; i < IKE_COUNT(ders); i++) {
            int r = check(secret, ders[i].octets, ders[i].n, NULL, NULL);
            assert_true(r == IKE_ERR_INVALID || r == IKE_ERR_UNSUPPORTED);
        }
        assert_int_equal(check(secret, many, sizeof many - 1, NULL, NULL), IKE_ERR_INVALID);
        assert_int_equal(check(secret, many, sizeof many, NULL, NULL), IKE_ERR_INVALID);
    }
}

/* Each octet changed: whatever comes of it, nothing is overrun and nothing left behind. */
static void what_is_garbled(void **state)
{
    (void)state;
    static uint8_t der[4096];
    static const unsigned some[] = {1, 4, 7, 8, 10, 12};
    for (size_t i = 0; i < IKE_COUNT(some); i++) {
        const struct form *f = form(some[i]);
        size_t n = der_of(f->pem, f->label, der, sizeof der), refused = 0;
        for (size_t at = 0; at < n; at++) {
            static const uint8_t by[] = {0x01, 0x80, 0xff};
            for (unsigned k = 0; k < sizeof by; k++) {
                der[at] ^= by[k];
                refused += check(f->secret, der, n, NULL, NULL) != IKE_OK;
                der[at] ^= by[k];
            }
        }
        /* A key of DSA is mostly numbers, of which any would do. */
        assert_true(refused > (f->kind == IKE_KEY_DSA ? n / 8 : n / 4));
        is(f, der, n);
    }
}

static void short_memory(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_FORMS; i++) {
        const struct form *f = form(i);
        int r = IKE_ERR_NOMEM;
        long k = 0;
        for (; k < 10 && r != good(f); k++) {
            lab.allowed = k;
            r = check(f->secret, f->pem, strlen(f->pem), NULL, NULL);
            lab.allowed = -1;
            assert_true(r == IKE_ERR_NOMEM || r == good(f));
        }
        assert_true(k > 1 && k < 10);
    }
}

/* What goes over the wire is the certificate itself, and nothing where there is none. */
static void certificates_as_der(void **state)
{
    (void)state;
    static uint8_t der[4096];
    for (unsigned i = 0; i < N_FORMS; i++) {
        const struct form *f = form(i);
        size_t n = der_of(f->pem, f->label, der, sizeof der), len = 99, room = 99;
        uint8_t *out = der;
        bool is_cert = strcmp(f->label, "CERTIFICATE") == 0;
        for (unsigned form_of = 0; form_of < 2; form_of++) {
            ike_bytes text = form_of ? ike_bytes_of(der, n) : ike_bytes_of(f->pem, strlen(f->pem));
            int r = ike_key_certificate(&mem, text, &out, &len, &room);
            assert_int_equal(r, f->secret ? IKE_ERR_INVALID : IKE_OK);
            if (is_cert) {
                assert_int_equal(len, n);
                assert_memory_equal(out, der, n);
                mem.release(mem.user, out, room);
            } else {
                assert_null(out);
                assert_int_equal(len, 0);
            }
            lab.allowed = 0;
            assert_int_equal(ike_key_certificate(&mem, text, &out, &len, &room),
                             f->secret && !form_of ? IKE_ERR_INVALID : IKE_ERR_NOMEM);
            lab.allowed = -1;
        }
    }
    assert_int_equal(lab.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),      cmocka_unit_test(several_blocks),      cmocka_unit_test(encrypted_keys_are_refused),
        cmocka_unit_test(what_is_cut_off), cmocka_unit_test(what_is_no_key),      cmocka_unit_test(what_is_garbled),
        cmocka_unit_test(short_memory),    cmocka_unit_test(certificates_as_der),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
