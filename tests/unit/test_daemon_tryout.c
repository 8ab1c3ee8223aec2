/* SPDX-License-Identifier: ISC
 *
 * daemon/tryout.c: algorithms that the crypto in use does not have or that this CPU must not run, and connections that no engine
 * takes.
 */
#include "conf_help.h"

#include "tryout.h"

#define A "[connection a]\nremote = 10.0.0.2\nsecret = s\n"

static int try_it(struct loaded *l, const char *text, const ike_crypto *crypto)
{
    load(l, text);
    assert_string_equal(l->text, "");
    assert_int_equal(l->built, IKE_OK);
    int r = tryout(l->config, l->conns, crypto, &l->report);
    describe(l);
    return r;
}

static bool always(void) { return true; }
static bool never(void) { return false; }

/* The default crypto on a CPU that has instructions for AES, or has not. */
struct on_cpu {
    ike_encr copies[16];
    const ike_encr *list[17];
    ike_crypto crypto;
};

static const ike_crypto *on_cpu(struct on_cpu *c, bool (*has_aes)(void))
{
    *c = (struct on_cpu){.crypto = *ike_crypto_default()};
    for (size_t n = 0; c->crypto.encr[n] && n < 16; n++) {
        c->copies[n] = *c->crypto.encr[n];
        c->copies[n].constant_time = c->copies[n].constant_time ? has_aes : NULL;
        c->list[n] = &c->copies[n];
    }
    c->crypto.encr = c->list;
    return &c->crypto;
}

static void test_algorithms(void **state)
{
    (void)state;
    static const char lack[] = "it is not part of this build", legacy[] = "it is in a module: [daemon] modules = legacy";
    static const struct {
        const char *text, *place, *word; /* word NULL: all can be run */
        const char *hint;
    } cases[] = {
        {A, NULL, NULL, NULL},
        {A "proposals = aes256-sha256-x25519\nesp-proposals = aes256gcm16, aes128-sha1\n", NULL, NULL, NULL},
        {A "proposals = aes256-sha256-modp1024\n", "4: [connection a] proposals", "modp1024", legacy},
        {A "proposals = aes256-sha256-x25519, \\\n des-sha256-x25519\n", "4: [connection a] proposals", "des", legacy},
        {A "proposals = AES256-SHA256-MODP768-x25519\n", "4: [connection a] proposals", "MODP768", legacy},
        {A "proposals = aes256-md5-x25519\n", "4: [connection a] proposals", "md5", legacy},
        {A "proposals = aes256gcm16-prfaescmac-x25519\n", "4: [connection a] proposals", "prfaescmac", lack},
        {A "esp-proposals = aes256-sha256-mlkem768\n", "4: [connection a] esp-proposals", "mlkem768", lack},
        {A "[child c]\nconnection = a\nesp-proposals = camellia128-sha1\n", "6: [child c] esp-proposals", "camellia128", lack}};
    struct on_cpu cpu;
    const ike_crypto *crypto = on_cpu(&cpu, always);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loaded l = {0};
        char want[256] = "";
        int r = try_it(&l, cases[i].text, crypto);
        if (cases[i].word) {
            snprintf(want, sizeof want, "f:%s: expected algorithms that can be used here, found \"%s\"; %s\n", cases[i].place,
                     cases[i].word, cases[i].hint);
        }
        assert_string_equal(l.text, want);
        assert_int_equal(r, cases[i].word ? IKE_ERR_INVALID : IKE_OK);
        unload(&l);
    }
}

/* A CPU without instructions for AES. */
static void test_variable_time(void **state)
{
    (void)state;
    struct loaded l = {0};
    struct on_cpu cpu;
    const ike_crypto *crypto = on_cpu(&cpu, never);
    assert_int_equal(try_it(&l, A "proposals = chacha20poly1305-prfsha256-x25519\n", crypto), IKE_OK);
    unload(&l);
    assert_int_equal(try_it(&l, A "proposals = aes256-sha256-x25519\n", crypto), IKE_ERR_INVALID);
    assert_string_equal(l.text, "f:4: [connection a] proposals: expected algorithms that can be used here, found \"aes256\"; on "
                                "this CPU its time depends on keys; [daemon] allow-variable-time = yes takes it all the same\n");
    unload(&l);
    assert_int_equal(try_it(&l, "[daemon]\nallow-variable-time = yes\n" A "proposals = aes256-sha256-x25519\n", crypto), IKE_OK);
    unload(&l);
#if IKE_WITH_V1
    assert_int_equal(try_it(&l, A "version = ikev1\n", crypto), IKE_ERR_INVALID);
    assert_string_equal(l.text, "f:4: [connection a] version: expected ikev2, found \"ikev1\"; on this CPU the time of IKEv1's "
                                "ciphers depends on keys; [daemon] allow-variable-time = yes takes them all the same\n");
    unload(&l);
    assert_int_equal(try_it(&l, "[daemon]\nallow-variable-time = yes\n" A "version = ikev1\n", crypto), IKE_OK);
    unload(&l);
#endif
    /* and one that has nothing else */
    cpu.list[1] = NULL;
    cpu.copies[0].constant_time = never;
    assert_int_equal(try_it(&l, "[daemon]\nlog = info\n" A, crypto), IKE_ERR_INVALID);
    assert_non_null(strstr(l.text, "f:1: [daemon]: expected settings an engine starts with, found "));
    assert_non_null(strstr(l.text, "allow-variable-time = yes"));
    unload(&l);
}

static void test_connections(void **state)
{
    (void)state;
    struct loaded l = {0};
    assert_int_equal(try_it(&l,
                            "[daemon]\nmax-connections = 2\n" A "start = yes\n"
                            "[connection b]\nremote = gw\nsecret = s\nstart = on-demand\n[child b/x]\n",
                            NULL),
                     IKE_OK);
    unload(&l);
    assert_int_equal(try_it(&l, "[daemon]\nmax-connections = 1\n" A "[connection b]\nremote = any\nsecret = s\n", NULL),
                     IKE_ERR_INVALID);
    assert_non_null(strstr(l.text, "f:6: [connection b]: expected no more than max-connections of [daemon], found "));
    unload(&l);
}

/* What the configured data plane cannot carry; whichever is possible is no reason. */
static void test_data_plane(void **state)
{
    (void)state;
    static const struct {
        const char *backend, *child, *word; /* word NULL: nothing is wrong */
    } cases[] = {{"pfkey", "", NULL},
                 {"pfkey", "esp-proposals = aes256-sha384-sha512-x25519, aes128-sha1-noesn\n", NULL},
                 {"pfkey", "esp-proposals = aes256-sha384, aes256gcm16\n", "aes256gcm16: PF_KEY has no ciphers with integrity"},
                 {"pfkey", "esp-proposals = aes256-sha384-sha256\n", "sha256: PF_KEY cuts HMAC-SHA-256 to 96 bits"},
                 {"pfkey", "esp-proposals = aes256-sha384-esn\n", "esn: PF_KEY has no extended sequence numbers"},
                 {"pfkey", "mark = 7\n", "PF_KEY has no marks"},
                 {"pfkey", "local-net = 10.1.0.0/24\nremote-net = 10.2.0.0/24, 2001:db8::/64\n", NULL},
                 {"pfkey", "local-net = 10.1.0.0/24, 2001:db8:1::/64\nremote-net = 10.2.0.0/24, 2001:db8::/64\n",
                  "an SA of PF_KEY carries IPv4 or IPv6, not both"},
                 {"pfkey", "ah-proposals = sha1, sha384\n", "sha384: PF_KEY pads AH over IPv4 to 64 bits"},
                 {"pfkey", "esp-proposals = aes256-sha384\n", NULL},
                 {"userspace", "ah-proposals = sha1\n", "AH, which user-space ESP has not"},
                 {"userspace", "esp-proposals = aes256-sha384\n", NULL},
                 {"xfrm", "ah-proposals = sha384\n", NULL},
                 {"xfrm", "esp-proposals = aes256gcm16-esn\nmark = 7\n", NULL},
                 {"auto", "esp-proposals = aes256gcm16-esn\n", NULL}};
    struct on_cpu cpu;
    const ike_crypto *crypto = on_cpu(&cpu, always);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct loaded l = {0};
        char text[512], want[128];
        snprintf(text, sizeof text, "[daemon]\nbackend = %s\n" A "%s", cases[i].backend, cases[i].child);
        int r = try_it(&l, text, crypto);
        assert_int_equal(r, cases[i].word ? IKE_ERR_INVALID : IKE_OK);
        if (cases[i].word) {
            snprintf(want, sizeof want, "f:3: [connection a]: expected what backend = %s can carry, found \"%s",
                     cases[i].backend, cases[i].word);
            assert_memory_equal(l.text, want, strlen(want));
        } else {
            assert_string_equal(l.text, "");
        }
        unload(&l);
    }
}

static int start(void **state)
{
    (void)state;
    return ike_crypto_global_init();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_algorithms), cmocka_unit_test(test_variable_time),
                                       cmocka_unit_test(test_connections), cmocka_unit_test(test_data_plane)};
    return cmocka_run_group_tests(tests, start, NULL);
}
