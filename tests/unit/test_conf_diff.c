/* SPDX-License-Identifier: ISC
 *
 * What changed from one configuration to the next, and secrets that come from files.
 */
#include "conf_help.h"

static char seen[256];
static int note(void *user, ike_config_change what, const ike_config_conn *was, const ike_config_conn *is)
{
    static const char *const names[] = {"same", "moved", "changed", "added", "removed"};
    (void)user;
    sprintf(seen + strlen(seen), " %s:%s", is ? is->settings.name : was->settings.name, names[what]);
    assert_int_equal(was != NULL, what != IKE_CONFIG_ADDED);
    assert_int_equal(is != NULL, what != IKE_CONFIG_REMOVED);
    return 0;
}

static const char *diff(const char *old, const char *now)
{
    struct loaded a = {0}, b = {0};
    seen[0] = 0;
    if (old) {
        load(&a, old);
        assert_string_equal(a.text, "");
    }
    load(&b, now);
    assert_string_equal(b.text, "");
    assert_int_equal(ike_config_diff(a.conns, b.conns, note, NULL), 0);
    unload(&a);
    unload(&b);
    return seen;
}

#define A "[connection a]\nremote = 10.0.0.2\nsecret = s\n"
#define B "[connection b]\nremote = any\nsecret = s\n"

static void test_diff(void **state)
{
    (void)state;
    assert_string_equal(diff(NULL, A B), " a:added b:added");
    assert_string_equal(diff(A B, A B), " a:same b:same");
    assert_string_equal(diff(A B, B A), " b:moved a:moved");
    assert_string_equal(diff(A, B), " a:removed b:added");
    assert_string_equal(diff(A B, ""), " a:removed b:removed");
    assert_string_equal(diff(A, "# note\n" A), " a:moved");
    /* what is written but standard is no change */
    assert_string_equal(diff(A, A "dpd = 30\nesp-lifetime = 60m\nreplay-window = 128\n"), " a:same");
}

/* Each tag makes a difference. */
static void test_each_tag(void **state)
{
    (void)state;
    static const char *const changes[] = {"local = 10.0.0.1",
                                          "local-id = x",
                                          "remote-id = x",
                                          "proposals = aes128-sha256-x25519",
                                          "lifetime = 3h",
                                          "margin = 1",
                                          "jitter = 1",
                                          "dpd = 1",
                                          "dpd-timeout = 1",
                                          "keepalive = 1",
                                          "encap = yes",
                                          "unique = no",
                                          "initial-contact = no",
                                          "max-children = 1",
                                          "local-net = 10.0.0.0/8",
                                          "remote-net = 10.0.0.0/8",
                                          "start = yes",
                                          "mode = transport",
                                          "mode-fallback = yes",
                                          "esp-proposals = aes128gcm16",
                                          "esp-lifetime = 2h",
                                          "esp-margin = 1",
                                          "esp-lifetime-bytes = 1",
                                          "esp-lifetime-packets = 1",
                                          "replay-window = 64",
                                          "mark = 1",
                                          "if-id = 1",
                                          "[child a/x]"};
    char text[256];
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        sprintf(text, A "%s\n", changes[i]);
        assert_string_equal(diff(A, text), " a:changed");
        assert_string_equal(diff(text, text), " a:same");
    }
    assert_string_equal(diff(A, "[connection a]\nremote = 10.0.0.2\nsecret = t\n"), " a:changed");
    assert_string_equal(diff(A, "[connection a]\nremote = 10.0.0.2\nsecret-file = t\n"), " a:changed");
    assert_string_equal(diff(A, "[connection a]\nremote = 10.0.0.2:501\nsecret = s\n"), " a:changed");
    assert_string_equal(diff(A, "[connection a]\nremote = gw\nsecret = s\n"), " a:changed");
    assert_string_equal(diff(A "local-net = 10.0.0.0/8", A "local-net = 10.0.0.0/8[tcp]"), " a:changed");
#define V1_OF_A A "version = ikev1\nxauth = "
    assert_string_equal(diff(V1_OF_A "server\n[user x]\nsecret = a", V1_OF_A "server\n[user x]\nsecret = b"), " a:changed");
    assert_string_equal(diff(V1_OF_A "server\n[user x]\nsecret = a", V1_OF_A "server\n[user y]\nsecret = a"), " a:changed");
    assert_string_equal(
        diff(V1_OF_A "server\n[user x]\nsecret = a", V1_OF_A "client\nxauth-user = x\n[user x]\nsecret = a"), " a:changed");
    assert_string_equal(diff(V1_OF_A "server\n[user x]\nsecret = a", "[user x]\nsecret = a\n" V1_OF_A "server"), " a:moved");
    assert_string_equal(diff(A "[user x]\nsecret = a", A "[user x]\nsecret = b"), " a:same");
#define POOL A "version = ikev1\npool = 10.9.0.1-10.9.0.9\n"
    assert_string_equal(diff(POOL, A "version = ikev1\npool = 10.9.0.1-10.9.0.8\n"), " a:changed");
    assert_string_equal(diff(POOL, POOL "dns = 10.9.0.53\n"), " a:changed");
    assert_string_equal(diff(POOL "dns = 10.9.0.53\n", POOL "dns = 10.9.0.54\n"), " a:changed");
    assert_string_equal(diff(POOL "nbns = 10.9.0.53, 10.9.0.54\n", POOL "nbns = 10.9.0.53\n"), " a:changed");
    assert_string_equal(diff(POOL, POOL "mode-config = push\n"), " a:changed");
    assert_string_equal(diff(A "version = ikev1\n", A "version = ikev1\ninner-address = ipv6\n"), " a:changed");
    assert_string_equal(diff(POOL "dns = 10.9.0.53\n", POOL "dns = 10.9.0.53\n"), " a:same");
}

static void test_secret_file(void **state)
{
    (void)state;
    struct loaded l = {0};
    load(&l, "[connection a]\nremote = any\nsecret-file = k/a.psk\n");
    assert_string_equal(l.text, "");
    assert_string_equal(ike_config_conns_at(l.conns, 0)->secret_file, "k/a.psk");
    static const char good[] = "open sesame\r\n\n", hex[] = "0x6162\n", nul[] = "a\0b";
    assert_int_equal(ike_config_conns_secret(l.conns, 0, (ike_bytes){(const uint8_t *)good, sizeof good - 1}, &l.report),
                     IKE_OK);
    const ike_config_conn *c = ike_config_conns_at(l.conns, 0);
    assert_int_equal(c->settings.secret.len, 11);
    assert_memory_equal(c->settings.secret.ptr, "open sesame", 11);
    assert_int_equal(ike_config_conns_secret(l.conns, 0, (ike_bytes){(const uint8_t *)hex, sizeof hex - 1}, &l.report),
                     IKE_OK);
    assert_memory_equal(c->settings.secret.ptr, "ab", 2);
    assert_int_equal(ike_config_conns_secret(l.conns, 0, (ike_bytes){(const uint8_t *)nul, sizeof nul - 1}, &l.report),
                     IKE_ERR_INVALID);
    assert_int_equal(ike_config_conns_secret(l.conns, 0, (ike_bytes){NULL, 0}, &l.report), IKE_ERR_INVALID);
    static const char two[] = "one\r\ntwo\n";
    assert_int_equal(ike_config_conns_secret(l.conns, 0, (ike_bytes){(const uint8_t *)two, sizeof two - 1}, &l.report),
                     IKE_ERR_INVALID);
    assert_int_equal(ike_config_conns_secret(l.conns, 1, (ike_bytes){NULL, 0}, &l.report), IKE_ERR_NOT_FOUND);
    describe(&l);
    assert_string_equal(l.text,
                        "f:1: [connection a] secret-file: expected a text, 0xHEX or 0sBASE64, 1 to 256 octets in one line, "
                        "found something else (not shown) in k/a.psk\n"
                        "f:1: [connection a] secret-file: expected a text, 0xHEX or 0sBASE64, 1 to 256 octets in one line, "
                        "found nothing in k/a.psk\n"
                        "f:1: [connection a] secret-file: expected a text, 0xHEX or 0sBASE64, 1 to 256 octets in one line, "
                        "found several lines in k/a.psk\n");
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_diff), cmocka_unit_test(test_each_tag),
                                       cmocka_unit_test(test_secret_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
