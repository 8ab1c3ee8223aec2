/* SPDX-License-Identifier: ISC
 *
 * From text to settings: the short form, every kind of value, the rules of children.
 */
#include "conf_help.h"

static const ike_config_conn *only(struct loaded *l, const char *text)
{
    load(l, text);
    assert_string_equal(l->text, "");
    assert_int_equal(l->read, IKE_OK);
    assert_int_equal(l->built, IKE_OK);
    return ike_config_conns_at(l->conns, 0);
}

static const char *ts_text(const ike_ts *ts, size_t n)
{
    static char text[512];
    size_t len = 0;
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        len += i ? (size_t)sprintf(text + len, " ") : 0;
        len += ike_ts_format(&ts[i], text + len, sizeof text - len);
    }
    return text;
}

static const char *id_text(const ike_id *id)
{
    static char text[128];
    ike_id_format(id, text, sizeof text);
    return text;
}

static const char *addr_text(const ike_addr *a)
{
    static char text[64];
    ike_addr_format(a, a->port != 0, text, sizeof text);
    return text;
}

static void test_short_form(void **state)
{
    (void)state;
    struct loaded l = {0};
    const ike_config_conn *c = only(&l, "[connection office]\n"
                                        "remote     = 10.66.0.2\n"
                                        "secret     = correct horse battery staple\n"
                                        "local-net  = 10.1.0.0/24\n"
                                        "remote-net = 10.2.0.0/24\n"
                                        "start      = yes\n");
    ike_conn_settings std;
    ike_child_settings child;
    ike_conn_settings_init(&std);
    ike_child_settings_init(&child);
    assert_int_equal(ike_config_conns_count(l.conns), 1);
    assert_string_equal(c->settings.name, "office");
    assert_string_equal(c->settings.source, "f:1");
    assert_string_equal(addr_text(&c->settings.remote), "10.66.0.2");
    assert_int_equal(c->settings.remote_bits, 0);
    assert_null(c->remote_name);
    assert_false(c->settings.remote_unresolved);
    assert_int_equal(c->settings.secret.len, 28);
    assert_memory_equal(c->settings.secret.ptr, "correct horse battery staple", 28);
    assert_int_equal(c->settings.life_s, std.life_s);
    assert_int_equal(c->settings.margin_s, std.margin_s);
    assert_int_equal(c->settings.n_children, 1);
    const ike_child_settings *k = c->settings.children;
    assert_string_equal(k->name, "office");
    assert_string_equal(ts_text(k->local_ts, k->n_local_ts), "10.1.0.0/24");
    assert_string_equal(ts_text(k->remote_ts, k->n_remote_ts), "10.2.0.0/24");
    assert_int_equal(k->start, IKE_START_YES);
    assert_int_equal(k->mode, IKE_MODE_TUNNEL);
    assert_int_equal(k->margin_s, child.margin_s);
    assert_int_equal(k->size, sizeof *k);
    assert_null(ike_config_conns_at(l.conns, 1));
    unload(&l);
}

static void test_children(void **state)
{
    (void)state;
    struct loaded l = {0};
    /* children may stand before their connection; its child's tags are theirs unless they have their own */
    const ike_config_conn *c =
        only(&l, "[child a/lan]\nremote-net = 10.2.0.0/24, 10.3.0.0/24\n"
                 "[child voice]\nconnection = a\nmode = transport\nstart = no\n"
                 "[connection a]\nremote = 10.0.0.2\nsecret = s\nstart = on-demand\nesp-lifetime = 30m\n"
                 "[connection b]\nremote = 10.0.0.3\nsecret = s\nlocal-net = 10.4.0.0/24\n"
                 "[child b/x]\nlocal-net = 10.5.0.0/24\n");
    assert_int_equal(ike_config_conns_count(l.conns), 2);
    assert_int_equal(c->settings.n_children, 2);
    const ike_child_settings *k = c->settings.children;
    assert_string_equal(k[0].name, "lan");
    assert_int_equal(k[0].start, IKE_START_DEMAND);
    assert_int_equal(k[0].life_s, 1800);
    assert_int_equal(k[0].margin_s, 180);
    assert_int_equal(k[0].n_local_ts, 0);
    assert_string_equal(ts_text(k[0].remote_ts, k[0].n_remote_ts), "10.2.0.0/24 10.3.0.0/24");
    assert_string_equal(k[1].name, "voice");
    assert_int_equal(k[1].mode, IKE_MODE_TRANSPORT);
    assert_int_equal(k[1].start, IKE_START_NO);
    c = ike_config_conns_find(l.conns, "b");
    assert_int_equal(c->settings.n_children, 2);
    k = c->settings.children;
    assert_string_equal(k[0].name, "x");
    assert_string_equal(ts_text(k[0].local_ts, k[0].n_local_ts), "10.5.0.0/24");
    assert_string_equal(k[1].name, "b");
    assert_string_equal(ts_text(k[1].local_ts, k[1].n_local_ts), "10.4.0.0/24");
    assert_null(ike_config_conns_find(l.conns, "c"));
    unload(&l);
}

#define REMOTE(x) "[connection a]\nsecret = s\nremote = " x "\n"

static void test_remote(void **state)
{
    (void)state;
    static const struct {
        const char *text, *addr, *name;
        uint8_t bits;
    } cases[] = {
        {REMOTE("10.0.0.2"), "10.0.0.2", NULL, 0},
        {REMOTE("10.0.0.2:5000"), "10.0.0.2:5000", NULL, 0},
        {REMOTE("2001:db8::1"), "2001:db8::1", NULL, 0},
        {REMOTE("fe80::1%2"), "fe80::1%2", NULL, 0},
        {REMOTE("fe80::/10"), "fe80::", NULL, 10},
        {REMOTE("10.8.0.0/13"), "10.8.0.0", NULL, 13},
        {REMOTE("2001:db8::/32"), "2001:db8::", NULL, 32},
        {REMOTE("10.0.0.2/32"), "10.0.0.2", NULL, 32},
        {REMOTE("vpn.example.org"), NULL, "vpn.example.org", 0},
        {REMOTE("gw_1"), NULL, "gw_1", 0},
        {REMOTE("3com.example"), NULL, "3com.example", 0},
        {REMOTE("any"), NULL, NULL, 0},
        {REMOTE("%any"), NULL, NULL, 0},
    };
    static const char *const bad[] = {REMOTE("10.0.0"),      REMOTE("10.0.0.256"),
                                      REMOTE("a..b"),        REMOTE("-a.b"),
                                      REMOTE("a-.b"),        REMOTE("a b"),
                                      REMOTE("10.0.0.0/33"), REMOTE("2001:db8::/129"),
                                      REMOTE("10.0.0.0/"),   REMOTE("10.0.0.0:500/8"),
                                      REMOTE("a:0"),         REMOTE("a:65536"),
                                      REMOTE("a.1"),         REMOTE("."),
                                      REMOTE("a/24"),        REMOTE("name:")};
    struct loaded l = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ike_config_conn *c = only(&l, cases[i].text);
        assert_int_equal(c->settings.remote.family != 0, cases[i].addr != NULL);
        if (cases[i].addr) {
            assert_string_equal(addr_text(&c->settings.remote), cases[i].addr);
        }
        assert_int_equal(c->settings.remote_bits, cases[i].bits);
        assert_int_equal(c->remote_name != NULL, cases[i].name != NULL);
        assert_int_equal(c->settings.remote_unresolved, cases[i].name != NULL);
        if (cases[i].name) {
            assert_string_equal(c->remote_name, cases[i].name);
        }
        unload(&l);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        load(&l, bad[i]);
        assert_int_equal(l.built, IKE_ERR_INVALID);
        unload(&l);
    }
    const ike_config_conn *c = only(&l, REMOTE("vpn.example.org:4000") "start = yes\n");
    assert_string_equal(c->remote_name, "vpn.example.org");
    assert_int_equal(c->settings.remote.port, 4000);
    unload(&l);
}

static void test_values(void **state)
{
    (void)state;
    struct loaded l = {0};
    const ike_config_conn *c =
        only(&l, "[connection a]\nremote = any\nlocal = 10.0.0.1\nsecret = 0x00fF10\nlocal-id = @gw\n"
                 "remote-id = keyid:@x\nproposals = aes128-sha256-x25519\nlifetime = 1h30m\nmargin = 90\n"
                 "jitter = 0\ndpd = none\ndpd-timeout = 1m\nkeepalive = 5s\nencap = yes\nunique = no\n"
                 "initial-contact = no\nmax-children = 7\nesp-proposals = aes256gcm16\nmode = transport\n"
                 "mode-fallback = yes\nesp-lifetime = none\nesp-lifetime-bytes = 10G\n"
                 "esp-lifetime-packets = 1000000\nreplay-window = 0\nmark = 42\nif-id = 4294967295\n"
                 "local-net = 10.0.0.1[tcp/80] 10.0.0.9-10.0.0.12[17]\n");
    const ike_conn_settings *s = &c->settings;
    const ike_child_settings *k = s->children;
    assert_string_equal(addr_text(&s->local), "10.0.0.1");
    assert_int_equal(s->secret.len, 3);
    assert_memory_equal(s->secret.ptr, "\x00\xff\x10", 3);
    assert_string_equal(id_text(&s->local_id), "gw");
    assert_string_equal(id_text(&s->remote_id), "keyid:@x");
    assert_string_equal(s->proposals, "aes128-sha256-x25519");
    assert_int_equal(s->life_s, 5400);
    assert_int_equal(s->margin_s, 90);
    assert_int_equal(s->jitter_pct, 0);
    assert_int_equal(s->dpd_s, 0);
    assert_int_equal(s->dpd_timeout_s, 60);
    assert_int_equal(s->keepalive_s, 5);
    assert_true(s->encap && !s->unique && !s->send_initial_contact);
    assert_int_equal(s->max_children, 7);
    assert_string_equal(k->proposals, "aes256gcm16");
    assert_int_equal(k->mode, IKE_MODE_TRANSPORT);
    assert_true(k->mode_fallback);
    assert_int_equal(k->life_s, 0);
    assert_int_equal(k->life_bytes, 10ull << 30);
    assert_int_equal(k->life_packets, 1000000);
    assert_int_equal(k->replay_window, 0);
    assert_int_equal(k->mark, 42);
    assert_int_equal(k->if_id, UINT32_MAX);
    assert_string_equal(ts_text(k->local_ts, k->n_local_ts), "10.0.0.1/32[tcp/80] 10.0.0.9-10.0.0.12[udp]");
    unload(&l);
    /* RFC 4648 section 10: "foobar" */
    c = only(&l, "[connection a]\nremote = any\nsecret = 0sZm9vYmFy\n[connection b]\nremote = any\nsecret = 0sZm9vYg==\n");
    assert_memory_equal(c->settings.secret.ptr, "foobar", c->settings.secret.len);
    assert_int_equal(c->settings.secret.len, 6);
    assert_int_equal(ike_config_conns_at(l.conns, 1)->settings.secret.len, 4);
    unload(&l);
}

/* The paper's text, and all other forms of a range; a plain time has none. */
static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t life, min, max;
    } good[] = {
        {"600,450:720", 600, 450, 720},    {"10m, 450s:12m", 600, 450, 720}, {"600 , 600:600", 600, 600, 600},
        {"600, any", 600, 0, 0},           {"600", 600, 0, 0},               {"none, 0:1h", 0, 0, 3600},
        {"1h30m,1h:365d", 5400, 3600, 365 * 86400},
    };
    static const char *const bad[] = {"600,",        "600,450",   "600,:720",   "600,450:",    "600,720:450", "600,0:0",
                                      "600,450:720:800",
                                      "600,450:366d", ",450:720", "600;450:720", "600,450-720", "600,a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[300];
        struct loaded l = {0};
        snprintf(text, sizeof text,
                 REMOTE("any") "version = any\nmargin = 1\nesp-margin = 1\nlifetime = %s\nesp-lifetime = %s\n", good[i].text,
                 good[i].text);
        const ike_config_conn *c = only(&l, text);
        const ike_child_settings *k = c->settings.children;
        assert_int_equal(c->settings.life_s, good[i].life);
        assert_int_equal(c->settings.life_min_s, good[i].min);
        assert_int_equal(c->settings.life_max_s, good[i].max);
        assert_true(k->life_s == good[i].life && k->life_min_s == good[i].min && k->life_max_s == good[i].max);
        unload(&l);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[300];
        struct loaded l = {0};
        snprintf(text, sizeof text, REMOTE("any") "lifetime = %s\n", bad[i]);
        load(&l, text);
        if (l.built == IKE_OK || strstr(l.text, "range, 10m, 450s:12m") == NULL) {
            fail_msg("%s: %s", bad[i], l.text);
        }
        unload(&l);
    }
}

static void ranges_of_volume(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t life, min, max;
    } good[] = {{"10G, 1G:20G", 10ull << 30, 1ull << 30, 20ull << 30},
                {"600K", 600 << 10, 0, 0},
                {"none, 0:1M", 0, 0, 1 << 20},
                {"1M, any", 1 << 20, 0, 0}};
    static const char *const bad[] = {"1G,", "1G,1G", "1G,2G:1G", "1G,1h:2h", "1G,0:0"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[300];
        struct loaded l = {0};
        snprintf(text, sizeof text, REMOTE("any") "version = any\nesp-lifetime-bytes = %s\n", good[i].text);
        const ike_child_settings *k = only(&l, text)->settings.children;
        assert_true(k->life_bytes == good[i].life && k->life_min_bytes == good[i].min && k->life_max_bytes == good[i].max);
        unload(&l);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[300];
        struct loaded l = {0};
        snprintf(text, sizeof text, REMOTE("any") "esp-lifetime-bytes = %s\n", bad[i]);
        load(&l, text);
        if (l.built == IKE_OK || strstr(l.text, "range, 10G, 1G:20G") == NULL) {
            fail_msg("%s: %s", bad[i], l.text);
        }
        unload(&l);
    }
}

/* A margin nobody wrote gives way to a short lifetime. */
#define GATEWAY "[connection gw]\nremote = any\nsecret = s\nversion = ikev1\nxauth = server\n"
#define AWAY    "[connection away]\nremote = 10.0.0.2\nsecret = s\nversion = ikev1\nxauth = client\nxauth-user = dave\n"

static void test_users(void **state)
{
    (void)state;
    struct loaded l = {0};
    const ike_config_conn *gw = only(&l, GATEWAY AWAY "[user carol]\nsecret = open sesame\n[user dave]\nsecret-file = d\n");
    const ike_config_conn *away = ike_config_conns_find(l.conns, "away");
    assert_int_equal(gw->settings.xauth, IKE_XAUTH_SERVER);
    assert_int_equal(gw->settings.n_users, 2);
    assert_string_equal(gw->settings.users[0].name, "carol");
    assert_int_equal(gw->settings.users[0].secret.len, 11);
    assert_string_equal(gw->settings.users[1].name, "dave");
    assert_int_equal(gw->settings.users[1].secret.len, 0);
    assert_int_equal(away->settings.xauth, IKE_XAUTH_CLIENT);
    assert_int_equal(away->settings.n_users, 1);
    assert_string_equal(away->settings.users[0].name, "dave");
    /* The file's is in both. */
    assert_null(ike_config_conns_user(l.conns, 0)->secret_file);
    assert_string_equal(ike_config_conns_user(l.conns, 1)->secret_file, "d");
    assert_null(ike_config_conns_user(l.conns, 2));
    ike_bytes hex = {(const uint8_t *)"0x414243\n", 9}, lines = {(const uint8_t *)"a\nb", 3};
    assert_int_equal(ike_config_conns_user_secret(l.conns, 1, hex, &l.report), IKE_OK);
    assert_memory_equal(gw->settings.users[1].secret.ptr, "ABC", 3);
    assert_ptr_equal(gw->settings.users[1].secret.ptr, away->settings.users[0].secret.ptr);
    assert_int_equal(ike_config_conns_user_secret(l.conns, 1, lines, &l.report), IKE_ERR_INVALID);
    assert_int_equal(ike_config_conns_user_secret(l.conns, 2, (ike_bytes){NULL, 0}, &l.report), IKE_ERR_NOT_FOUND);
    unload(&l);
}

static void test_wrong_users(void **state)
{
    (void)state;
    static const struct {
        const char *text, *errors;
    } rows[] = {
        {GATEWAY, "f:5: [connection gw] xauth: expected a [user NAME] section for each who may connect, found \"server\"\n"},
        {AWAY, "f:6: [connection away] xauth-user: expected the name of a [user] section, found \"dave\"\n"},
        {"[connection a]\nremote = 10.0.0.2\nsecret = s\nversion = ikev1\nxauth = client\n",
         "f:1: [connection a] xauth-user: expected the name of a [user] section, found nothing\n"},
        {"[connection a]\nremote = 10.0.0.2\nsecret = s\nversion = any\nxauth = server\n[user x]\nsecret = s\n",
         "f:5: [connection a] xauth: expected no, found \"server\"; XAUTH is a part of IKEv1: set version = ikev1\n"},
        {"[connection a]\nremote = 10.0.0.2\nsecret = s\nxauth-user = x\n[user x]\nsecret = s\n",
         "f:4: [connection a] xauth-user: expected xauth = client beside it, found \"x\"\n"},
        {"[user x]\n", "f:1: [user x] secret: expected a password, found nothing; write secret = TEXT or secret-file = PATH\n"},
        {"[user x]\nsecret = a\nremote = 10.0.0.1\n",
         "f:3: [user x]: expected a tag of a [user] section, found \"remote\"; this tag belongs in [connection NAME]\n"},
        {"[user]\nsecret = a\n",
         "f:1: [user]: expected [user NAME], found \"user\"; a name has 1 to 47 characters, no blanks, none of / \" [ ] ,\n"},
    };
    struct loaded l = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        load(&l, rows[i].text);
        assert_string_equal(l.text, rows[i].errors);
        assert_int_equal(l.built, IKE_ERR_INVALID);
        unload(&l);
    }
}

#define WITHIN "what is offered has to be within what is taken from a peer\n"

/* What the version does not have, or no peer could use. */
static void test_written_for_nothing(void **state)
{
    (void)state;
    static const char c2[] = "[connection a]\nremote = any\nsecret = s\n", pool[] = "version = ikev1\npool = 10.9.0.0/24\n";
    static const struct {
        const char *more, *errors;
    } rows[] = {
        {"aggressive = yes\n",
         "f:4: [connection a] aggressive: expected no, found \"yes\"; Aggressive Mode is a part of IKEv1: set version = ikev1\n"},
        {"lifetime = 600, 450:720\n",
         "f:4: [connection a] lifetime: expected one value, found \"600, 450:720\"; only IKEv1 agrees "
         "on lifetimes: set version = ikev1\n"},
        {"esp-lifetime = 600, 450:720\nversion = ikev2\n",
         "f:4: [connection a] esp-lifetime: expected one value, found \"600, 450:720\"; only IKEv1 agrees on lifetimes: set "
         "version = ikev1\n"},
        {"mode-fallback = yes\nversion = ikev1\n",
         "f:4: [connection a] mode-fallback: expected no, found \"yes\"; IKEv1 has no way to agree on the mode\n"},
        {"mode-fallback = yes\nversion = any\n", ""},
        {"version = ikev1\nlocal-net = 10.1.0.0/24[tcp/80], 10.2.0.0/24[udp/53-54]\n",
         "f:5: [connection a] local-net: expected one port, not 0, of a protocol, or all ports, found \"10.1.0.0/24[tcp/80], "
         "10.2.0.0/24[udp/53-54]\"; IKEv1 has no ranges of ports\n"},
        {"version = ikev1\nlocal-net = 10.1.0.0/24[tcp/80]\n", ""},
        {"version = any\nlocal-net = 10.2.0.0/24[udp/53-54]\n", ""},
        {"esp-lifetime-bytes = 10G, 1G:20G\n",
         "f:4: [connection a] esp-lifetime-bytes: expected one value, found \"10G, 1G:20G\"; only IKEv1 agrees on lifetimes: set "
         "version = ikev1\n"},
        {"version = ikev1\nlifetime = 600,700:800\n",
         "f:5: [connection a] lifetime: expected a range that holds the value before it, found \"600,700:800\"; " WITHIN},
        {"version = any\nesp-lifetime = 15m, 5m:10m\n",
         "f:5: [connection a] esp-lifetime: expected a range that holds the value before it, found \"15m, 5m:10m\"; " WITHIN},
        {"version = ikev1\nesp-lifetime = none, 1:1h\n",
         "f:5: [connection a] esp-lifetime: expected a range that holds the value before it, found \"none, 1:1h\"; " WITHIN},
        {"version = ikev1\nesp-lifetime-bytes = 1G, 2G:3G\n",
         "f:5: [connection a] esp-lifetime-bytes: expected a range that holds the value before it, found \"1G, 2G:3G\"; " WITHIN},
        {"version = ikev1\nlifetime = 600, 600:600\nesp-lifetime = none, 0:1h\nesp-lifetime-bytes = 1G, any\n", ""},
        {"aggressive = no\nlifetime = 600\n", ""},
        {"aggressive = yes\nlifetime = 600, 450:720\nversion = any\n", ""},
        {"aggressive = yes\nlifetime = 600, 450:720\nversion = ikev1\n", ""},
        {"remote-net = 10.8.0.0/16\n", "f:6: [connection a] remote-net: expected a network with addresses of pool, or nothing, "
                                       "found \"10.8.0.0/16\"; a peer has the address that it is given and no other\n"},
        {"remote-net = 10.8.0.0/16, 10.9.0.254\n", ""},
        {"remote-net = 10.0.0.0/8\n", ""},
        {"local-net = 10.1.0.0/16\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct loaded l = {0};
        char text[256];
        bool pooled = strstr(rows[i].more, "-net") && !strstr(rows[i].more, "version");
        snprintf(text, sizeof text, "%s%s%s", c2, pooled ? pool : "", rows[i].more);
        load(&l, text);
        assert_string_equal(l.text, rows[i].errors);
        assert_int_equal(l.built, rows[i].errors[0] ? IKE_ERR_INVALID : IKE_OK);
        unload(&l);
    }
}

#define NUMBERLESS "expected algorithms that IKEv1 has numbers for, found \""
#define LEAVE      "\"; leave it out, or use it with version = ikev2\n"

/* Without numbers nothing of it could be offered. What the other version can do is fine with both. */
static void test_algorithms_of_ikev1(void **state)
{
    (void)state;
#if !IKE_WITH_V1
    print_message("left out: IKEv1 is not in this build\n");
    return;
#endif
    static const char no_mlkem[] = "f:5: [connection a] proposals: " NUMBERLESS "mlkem768" LEAVE;
    static const struct {
        const char *more, *errors;
    } rows[] = {
        {"version = ikev1\nproposals = aes256-sha256-mlkem768\n", no_mlkem},
        {"version = ikev1\nproposals = aes128-sha1-modp2048, aes256-sha256-modp2048-MLKEM768 3des-md5-modp1024\n",
         "f:5: [connection a] proposals: " NUMBERLESS "MLKEM768" LEAVE},
        {"version = ikev1\nproposals = aes256gcm16-prfsha256-modp2048\n",
         "f:5: [connection a] proposals: " NUMBERLESS "aes256gcm16" LEAVE},
        {"version = ikev1\nproposals = aes256-sha256-prfaescmac-modp2048\n",
         "f:5: [connection a] proposals: " NUMBERLESS "prfaescmac" LEAVE},
        {"version = ikev1\nproposals = aes256-aesxcbc-modp2048\n",
         "f:5: [connection a] proposals: " NUMBERLESS "aesxcbc" LEAVE},
        {"version = ikev1\nesp-proposals = chacha20poly1305\n[child a/b]\n[child a/c]\n",
         "f:5: [connection a] esp-proposals: " NUMBERLESS "chacha20poly1305" LEAVE},
        {"version = ikev1\n[child a/b]\nesp-proposals = aes128gcm16-mlkem768-nopfs\nah-proposals = aescmac\n",
         "f:6: [child a/b] esp-proposals: " NUMBERLESS "mlkem768" LEAVE "f:7: [child a/b] ah-proposals: " NUMBERLESS
         "aescmac" LEAVE},
        {"version = ikev1\n", ""},
        {"version = ikev1\nproposals = aes256-sha256-modp2048\nesp-proposals = aes256gcm16-modp2048-nopfs-esn\n", ""},
        {"version = any\nproposals = aes256gcm16-prfsha256-mlkem768\nesp-proposals = chacha20poly1305\n", ""},
        {"proposals = aes256gcm16-prfsha256-mlkem768\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct loaded l = {0};
        char text[256];
        snprintf(text, sizeof text, "[connection a]\nremote = any\nsecret = s\n%s", rows[i].more);
        load(&l, text);
        assert_string_equal(l.text, rows[i].errors);
        assert_int_equal(l.built, rows[i].errors[0] ? IKE_ERR_INVALID : IKE_OK);
        unload(&l);
    }
}

#define RANGE "expected a range such as 10.9.0.10-10.9.0.100, or a network, found \""
#define OLD "[connection a]\nremote = 10.0.0.2\nsecret = s\nversion = ikev1\n"

static void test_inner(void **state)
{
    (void)state;
    static const struct {
        const char *pool, *lo_hi;
    } pools[] = {{"10.9.0.10-10.9.0.20", "10.9.0.10-10.9.0.20"}, {"10.9.0.7", "10.9.0.7/32"},
                 {"10.9.0.0/24", "10.9.0.1-10.9.0.254"},         {"10.9.0.0/30", "10.9.0.1-10.9.0.2"},
                 {"10.9.0.8/31", "10.9.0.8/31"},                 {"10.0.0.0/8", "10.0.0.1-10.255.255.254"},
                 {"2001:db8::4-2001:db8::9", "2001:db8::4-2001:db8::9"}};
    static const struct {
        const char *text, *errors;
    } wrong[] = {
        {OLD "pool = 10.9.0.0/24[tcp]\n", "pool: " RANGE "10.9.0.0/24[tcp]\"\n"},
        {OLD "pool = 224.0.0.0/4\n", "pool: " RANGE "224.0.0.0/4\"; no host has such an address\n"},
        {OLD "inner-address = yes\n", "inner-address: expected no, ipv4 or ipv6, found \"yes\"; did you mean \"ipv4\"?\n"},
        {OLD "pool = 10.9.0.1\ninner-address = ipv4\n",
         "inner-address: expected no, found \"ipv4\"; a side gives addresses (pool) or asks for one\n"},
        {OLD "dns = 10.9.0.1\n", "dns: expected a pool beside it, found \"10.9.0.1\"\n"},
        {OLD "pool = 10.9.0.1\nnbns = 10.9.0.1 x\n", "nbns: expected one to four addresses, found \"x\"\n"},
        {OLD "pool = 10.9.0.1\ndns = 1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5\n",
         "dns: expected one to four addresses, found \"1.1.1.5\"\n"},
    };
    struct loaded l = {0};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        char text[256];
        sprintf(text, OLD "pool = %s\ndns = 10.9.0.53, 2001:db8::53\nmode-config = push\n", pools[i].pool);
        const ike_config_conn *c = only(&l, text);
        assert_string_equal(ts_text(&c->settings.pool, 1), pools[i].lo_hi);
        assert_int_equal(c->settings.n_dns, 2);
        assert_string_equal(addr_text(&c->settings.dns[1]), "2001:db8::53");
        assert_true(c->settings.push);
        unload(&l);
    }
    assert_int_equal(only(&l, OLD "inner-address = ipv6\n")->settings.inner_family, 6);
    unload(&l);
    load(&l, "[connection a]\nremote = 10.0.0.2\nsecret = s\npool = 10.9.0.1\n");
    assert_string_equal(l.text, "f:4: [connection a] pool: expected version = ikev1 beside it, found \"10.9.0.1\"; Mode-Config "
                                "is a part of IKEv1\n");
    unload(&l);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        load(&l, wrong[i].text);
        assert_non_null(strstr(l.text, wrong[i].errors));
        assert_int_equal(l.built, IKE_ERR_INVALID);
        unload(&l);
    }
}

static void test_margin(void **state)
{
    (void)state;
    struct loaded l = {0};
    const ike_config_conn *c = only(&l, REMOTE("any") "lifetime = 100s\nesp-lifetime = 20s\n");
    assert_int_equal(c->settings.margin_s, 10);
    assert_int_equal(c->settings.children->margin_s, 2);
    unload(&l);
}

static void test_daemon(void **state)
{
    (void)state;
    struct loaded l = {0};
    load(&l, "[daemon]\nbackend = userspace\nlisten = 10.0.0.1\nport = 5000\nsocket = /tmp/s\nlog = debug\nroutes = no\n"
             "mtu = 576\ntun-name = ike-t%d.x\n"
             "retransmit-first = 500ms\nretransmit-tries = 3\nretry-max = 2m\ncookie-threshold = 0\npeer-encap-port = 9\n");
    assert_string_equal(l.text, "");
    assert_string_equal(l.daemon.backend, "userspace");
    assert_string_equal(l.daemon.listen, "10.0.0.1");
    assert_int_equal(l.daemon.port, 5000);
    assert_int_equal(l.daemon.encap_port, 4500);
    assert_string_equal(l.daemon.socket, "/tmp/s");
    assert_null(l.daemon.keylog);
    assert_int_equal(l.daemon.mtu, 576);
    assert_string_equal(l.daemon.tun_name, "ike-t%d.x");
    assert_int_equal(l.daemon.log_level, IKE_LOG_DEBUG);
    assert_false(l.daemon.routes);
    assert_int_equal(l.engine.retransmit_first_ms, 500);
    assert_int_equal(l.engine.retransmit_tries, 3);
    assert_int_equal(l.engine.retry_max_ms, 120000);
    assert_int_equal(l.engine.encap_port, 9);
    assert_int_equal(l.engine.port, 0); /* not written: not touched */
    assert_int_equal(ike_config_conns_count(l.conns), 0);
    unload(&l);
}

/* Each allocation of the making of connections fails once. The arena asks for memory a block at a time, so a long text pushes
 * what follows along until every place of it has met the end of a block. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char text[] = "[connection a%d]\nremote = 10.0.0.%d\nsecret = s\nlocal-net = 10.1.0.0/24, 10.2.0.0/24\n"
                               "remote-net = 10.3.0.0/24\n[child a%d/x]\nremote-net = 10.4.0.0/24\n"
                               "[child y%d]\nconnection = a%d\nlocal-net = 10.5.0.0/24\n";
    char all[8192], name[1000];
    memset(name, 'f', sizeof name);
    for (int pad = 1; pad <= (int)sizeof name; pad += 16) {
        int at = sprintf(all, "[connection first]\nremote = any\nsecret-file = %.*s\n", pad, name);
        for (int i = 1; i <= 12; i++) {
            at += sprintf(all + at, text, i, i, i, i, i);
        }
        struct loaded l = {0};
        ike_config_conns *conns = NULL;
        (void)only(&l, all);
        size_t before = l.heap.calls;
        assert_int_equal(ike_config_build(l.config, &conns, &l.report), IKE_OK);
        size_t calls = l.heap.calls - before;
        ike_config_conns_free(conns);
        for (size_t n = 1; n <= calls; n++) {
            l.heap.fail_at = l.heap.calls + n;
            int r = ike_config_build(l.config, &conns, &l.report);
            /* A hash table that could not grow is slower, no more. */
            assert_true(r == IKE_OK ? conns != NULL : r == IKE_ERR_NOMEM && conns == NULL);
            ike_config_conns_free(conns);
        }
        assert_int_equal(l.report.n, 0);
        unload(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_form), cmocka_unit_test(test_children), cmocka_unit_test(test_remote),
        cmocka_unit_test(test_values),     cmocka_unit_test(ranges), cmocka_unit_test(ranges_of_volume),
        cmocka_unit_test(test_margin),     cmocka_unit_test(test_daemon),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_users),
        cmocka_unit_test(test_written_for_nothing), cmocka_unit_test(test_algorithms_of_ikev1),
        cmocka_unit_test(test_wrong_users),
        cmocka_unit_test(test_inner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
