/* SPDX-License-Identifier: ISC
 *
 * Files that are wrong, and exactly what is said about each; what the reader takes; and any octets at all.
 */
#include "conf_help.h"

#define GOOD "[connection a]\nremote = 10.0.0.2\nsecret = s\n"

#define EXPECTED_REMOTE                                                                                                       \
    "expected an address, a DNS name (either may end in :PORT), a network such as 192.0.2.0/24, or any"
#define EXPECTED_DEVICE                                                                                                       \
    "expected the name of a device, at most 15 characters, none of / : and blanks, % only as %d"
#define NOT_A_DN                                                                                                              \
    "a distinguished name cannot be written as text yet, only as asn1dn:HEX; @TEXT is a name, email:TEXT an address"

static const struct {
    const char *text, *errors;
} wrong[] = {
    /* the form of lines */
    {"[connection a\nremote = 10.0.0.2\n", "f:1: expected [section] and nothing behind it, found \"[connection a\"\n"},
    {"[connection a] x\n", "f:1: expected [section] and nothing behind it, found \"[connection a] x\"\n"},
    {"[]\n", "f:1: expected a section of 1 to 127 characters, found \"[]\"\n"},
    {"remote = 10.0.0.2\n", "f:1: remote: expected a [section] before the first tag, found nothing\n"},
    {GOOD "what is this\n", "f:4: [connection a]: expected tag = value, or [section], found \"what is this\"\n"},
    {GOOD "= x\n", "f:4: [connection a]: expected a tag of letters, digits and -, found \"\"\n"},
    {GOOD "re mote = x\n", "f:4: [connection a]: expected a tag of letters, digits and -, found \"re mote\"\n"},
    {GOOD "local =\n", "f:4: [connection a] local: expected a value, found nothing\n"},
    {GOOD "local = \"\"\n", "f:4: [connection a] local: expected a value, found nothing\n"},
    {GOOD "local-id = \"x\n",
     "f:4: [connection a] local-id: expected a value in quotes, found no closing quote; inside, write \\\" for a quote and "
     "\\\\ for a backslash\n"},
    {GOOD "local-id = \"x\" y\n",
     "f:4: [connection a] local-id: expected a value in quotes, found something behind them; inside, write \\\" for a quote "
     "and \\\\ for a backslash\n"},
    {GOOD "local = \x01\n", "f:4: [connection a]: expected text, found octet 0x01\n"},
    {GOOD "remote = 10.0.0.3\n",
     "f:4: [connection a] remote: expected this tag once, found a second one; the first is in line 2\n"},
    {GOOD "[connection  a]\nremote = 10.0.0.3\n",
     "f:4: [connection a]: expected this section once, found a second one; the first is in line 1\n"},
    /* sections */
    {"[conection a]\n",
     "f:1: [conection a]: expected [daemon], [connection NAME], [child NAME] or [user NAME], found \"conection a\"; did you mean "
     "\"connection\"?\n"},
    {"[conn %default]\n",
     "f:1: [conn %default]: expected [daemon], [connection NAME], [child NAME] or [user NAME], found \"conn %default\"; "
     "did you mean "
     "\"connection\"?\n"},
    {"[connection]\n", "f:1: [connection]: expected [connection NAME], found \"connection\"; a name has 1 to 47 characters, "
                       "no blanks, none of / "
                       "\" [ ] ,\n"},
    {"[connection a b]\n", "f:1: [connection a b]: expected [connection NAME], found \"connection a b\"; a name has 1 to 47 "
                           "characters, no blanks, none "
                           "of / \" [ ] ,\n"},
    {"[child a/b/c]\n", "f:1: [child a/b/c]: expected [child NAME] or [child CONNECTION/NAME], found \"child a/b/c\"; a name "
                        "has 1 to 47 characters, "
                        "no blanks, none of / \" [ ] ,\n"},
    {"[daemon x]\n", "f:1: [daemon x]: expected [daemon] without a name, found \"daemon x\"\n"},
    /* tags */
    {GOOD "remot-net = 10.2.0.0/24\n",
     "f:4: [connection a]: expected a tag of a [connection] section, found \"remot-net\"; did you mean \"remote-net\"?\n"},
    {GOOD "rightsubnet = 10.2.0.0/24\n",
     "f:4: [connection a]: expected a tag of a [connection] section, found \"rightsubnet\"; did you mean \"remote-net\"?\n"},
    {GOOD "encap-prot = 4500\n", "f:4: [connection a]: expected a tag of a [connection] section, found \"encap-prot\"\n"},
    {GOOD "backend = none\n",
     "f:4: [connection a]: expected a tag of a [connection] section, found \"backend\"; this tag belongs in [daemon]\n"},
    {"[daemon]\nremote = any\n",
     "f:2: [daemon]: expected a tag of a [daemon] section, found \"remote\"; this tag belongs in [connection NAME]\n"},
    {GOOD "xyzzy = 1\n", "f:4: [connection a]: expected a tag of a [connection] section, found \"xyzzy\"\n"},
    /* values */
    {"[connection a]\nremote = 10.0.0.300\nsecret = s\n", "f:2: [connection a] remote: expected an address, a DNS name "
                                                          "(either may end in :PORT), a network such as 192.0.2.0/24, or "
                                                          "any, found \"10.0.0.300\"\n"},
    {"[connection a]\nremote = 10.0.0.1/24\nsecret = s\n",
     "f:2: [connection a] remote: expected an address, a DNS name (either may end in :PORT), a network such as 192.0.2.0/24, "
     "or "
     "any, found \"10.0.0.1/24\"; the address has bits behind the prefix\n"},
    {"[connection a]\nremote = 0.0.0.0/0\nsecret = s\n", "f:2: [connection a] remote: expected an address, a DNS name "
                                                         "(either may end in :PORT), a network such as 192.0.2.0/24, or "
                                                         "any, found \"0.0.0.0/0\"; write any for all peers\n"},
    {GOOD "start = yes # always\n",
     "f:4: [connection a] start: expected no, yes or on-demand, found \"yes # always\"; a comment needs a line of its own\n"},
    {GOOD "start = ondemand\n",
     "f:4: [connection a] start: expected no, yes or on-demand, found \"ondemand\"; did you mean \"on-demand\"?\n"},
    {GOOD "encap = true\n", "f:4: [connection a] encap: expected yes or no, found \"true\"\n"},
    {GOOD "local-net = 10.1.0.0/24, 10.1.1.0/33\n", "f:4: [connection a] local-net: expected networks such as 10.1.0.0/24, "
                                                    "ranges or addresses, each with [PROTOCOL/PORT] if "
                                                    "need be, separated by commas, found \"10.1.1.0/33\"\n"},
    {GOOD "lifetime = 1x\n",
     "f:4: [connection a] lifetime: expected a time such as 90s, 30m or 1h30m, 0s to 365d, or none; for IKEv1 also with a "
     "range, 10m, 450s:12m, found \"1x\"\n"},
    {GOOD "lifetime = 400d\n",
     "f:4: [connection a] lifetime: expected a time such as 90s, 30m or 1h30m, 0s to 365d, or none; for IKEv1 also with a "
     "range, 10m, 450s:12m, found \"400d\"\n"},
    {GOOD "lifetime = -1\n",
     "f:4: [connection a] lifetime: expected a time such as 90s, 30m or 1h30m, 0s to 365d, or none; for IKEv1 also with a "
     "range, 10m, 450s:12m, found \"-1\"\n"},
    {GOOD "esp-lifetime-bytes = 99999999999T\n", "f:4: [connection a] esp-lifetime-bytes: expected a size such as 500M or "
                                                 "10G (K, M, G, T: powers of 1024), or none; for IKEv1 "
                                                 "also with a range, 10G, 1G:20G, found "
                                                 "\"99999999999T\"\n"},
    {GOOD "jitter = 101\n", "f:4: [connection a] jitter: expected a number, 0 to 100, found \"101\"\n"},
    {GOOD "local-id = %any\n", "f:4: [connection a] local-id: expected an identity: an address, a name, @name, user@host, "
                               "keyid:HEX or keyid:@TEXT, found "
                               "\"%any\"\n"},
    {GOOD "proposals = aes256gcm16-prfsha256-x25591\n",
     "f:4: [connection a] proposals: expected proposals such as aes256gcm16-prfsha256-x25519, aes128-sha256-modp2048, found "
     "\"x25591\"; did you mean \"x25519\"?\n"},
    {"[connection a]\nremote = any\nsecret = 0xzz\n", "f:3: [connection a] secret: expected a text, 0xHEX or 0sBASE64, 1 to "
                                                      "256 octets, found something else (not shown); what "
                                                      "begins with 0x must be hexadecimal, two digits an octet\n"},
    {"[connection a]\nremote = any\nsecret = 0x123\n", "f:3: [connection a] secret: expected a text, 0xHEX or 0sBASE64, 1 to "
                                                       "256 octets, found something else (not shown); what "
                                                       "begins with 0x must be hexadecimal, two digits an octet\n"},
    {"[connection a]\nremote = any\nsecret = 0sA\n", "f:3: [connection a] secret: expected a text, 0xHEX or 0sBASE64, 1 to "
                                                     "256 octets, found something else (not shown); what "
                                                     "begins with 0s must be base64\n"},
    {"[daemon]\nport = 0\n", "f:2: [daemon] port: expected a number, 1 to 65535, found \"0\"\n"},
    {"[daemon]\nbackend = kernel\n", "f:2: [daemon] backend: expected auto, xfrm, pfkey, userspace or none, found \"kernel\"\n"},
    {"[daemon]\nlisten = 10.0.0.1:500\n", "f:2: [daemon] listen: expected an address without port, found \"10.0.0.1:500\"\n"},
    {"[daemon]\nsocket = vici\n",
     "f:2: [daemon] socket: expected a path that begins with /, at most 107 characters, found \"vici\"\n"},
    {"[daemon]\nretransmit-first = 0\n",
     "f:2: [daemon] retransmit-first: expected a time such as 500ms, 2s or 1m, 10ms to 1m, found \"0\"\n"},
    {"[connection a]\nremote = 0.0.0.0\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"0.0.0.0\"; write any for all peers\n"},
    {"[connection a]\nremote = ::\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"::\"; write any for all peers\n"},
    {"[connection a]\nremote = 0.0.0.1:500\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"0.0.0.1:500\"; no single host has this address\n"},
    {"[connection a]\nremote = 224.0.0.1\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"224.0.0.1\"; no single host has this address\n"},
    {"[connection a]\nremote = 255.255.255.255\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"255.255.255.255\"; no single host has this address\n"},
    {"[connection a]\nremote = ff02::1\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"ff02::1\"; no single host has this address\n"},
    {"[connection a]\nremote = 239.0.0.0/8\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE ", found \"239.0.0.0/8\"; no single host has such an address\n"},
    {"[connection a]\nremote = fe80::1\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE
     ", found \"fe80::1\"; a link-local address needs the number of its interface (ip link): fe80::1%2\n"},
    {"[connection a]\nremote = [febf::1]:500\nsecret = s\n",
     "f:2: [connection a] remote: " EXPECTED_REMOTE
     ", found \"[febf::1]:500\"; a link-local address needs the number of its interface (ip link): fe80::1%2\n"},
    {GOOD "local-id = C=CH, O=Example, CN=gw\n",
     "f:4: [connection a] local-id: expected an identity: an address, a name, @name, user@host, keyid:HEX or "
     "keyid:@TEXT, found \"C=CH, O=Example, CN=gw\"; " NOT_A_DN "\n"},
    {GOOD "remote-id = CN=gw.example.org\n",
     "f:4: [connection a] remote-id: expected an identity: an address, a name, @name, user@host, keyid:HEX or "
     "keyid:@TEXT, or any, found \"CN=gw.example.org\"; " NOT_A_DN "\n"},
    {GOOD "remote-id = E=a@example.org\n",
     "f:4: [connection a] remote-id: expected an identity: an address, a name, @name, user@host, keyid:HEX or "
     "keyid:@TEXT, or any, found \"E=a@example.org\"; " NOT_A_DN "\n"},
    {"[daemon]\nmtu = 575\n", "f:2: [daemon] mtu: expected a number, 576 to 65535, or 0, found \"575\"\n"},
    {"[daemon]\ntun-name = a b\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"a b\"\n"},
    {"[daemon]\ntun-name = a/b\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"a/b\"\n"},
    {"[daemon]\ntun-name = a:b\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"a:b\"\n"},
    {"[daemon]\ntun-name = ..\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"..\"\n"},
    {"[daemon]\ntun-name = tun%\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"tun%\"\n"},
    {"[daemon]\ntun-name = tun%d%d\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"tun%d%d\"\n"},
    {"[daemon]\ntun-name = tun%s\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"tun%s\"\n"},
    {"[daemon]\ntun-name = sixteencharacter\n", "f:2: [daemon] tun-name: " EXPECTED_DEVICE ", found \"sixteencharacter\"\n"},
    {"[daemon]\nencap-port = 5000\nport = 5000\n",
     "f:2: [daemon] encap-port: expected two ports, found \"5000\"; port and encap-port have to differ\n"},
    {"[daemon]\nport = 4500\n", "f:2: [daemon] port: expected two ports, found \"4500\"; port and encap-port have to differ\n"},
    /* several tags together */
    {"[connection a]\n",
     "f:1: [connection a] remote: expected an address, a DNS name (either may end in :PORT), a network such as 192.0.2.0/24, "
     "or "
     "any, found nothing\n"
     "f:1: [connection a] secret: expected a pre-shared key, found nothing; write secret = TEXT or secret-file = PATH\n"},
    {GOOD "secret-file = x\n",
     "f:4: [connection a] secret-file: expected either secret or secret-file, found \"x\"; both are there\n"},
    {GOOD "local = 2001:db8::1\n",
     "f:4: [connection a] local: expected an IPv4 address, as remote is one, found \"2001:db8::1\"\n"},
    {GOOD "local-net = 10.1.0.0/24\nremote-net = 2001:db8::/32\n",
     "f:5: [connection a] remote-net: expected an IPv4 network, as on our side, found \"2001:db8::/32\"\n"},
    {GOOD "local-net = 2001:db8::/32\n",
     "f:4: [connection a] local-net: expected an IPv4 network, as on the peer's side, found \"2001:db8::/32\"\n"},
    {GOOD "margin = 4h\n", "f:4: [connection a] margin: expected a time shorter than the lifetime, found \"4h\"\n"},
    {GOOD "esp-margin = 1h\n", "f:4: [connection a] esp-margin: expected a time shorter than the lifetime, found \"1h\"\n"},
    {GOOD "esp-proposals = aes128-sha1\nah-proposals = sha1\n",
     "f:5: [connection a] ah-proposals: expected esp-proposals or ah-proposals, not both, found \"sha1\"; IKEv2 has no way to "
     "agree on both: set version = ikev1\n"},
    {GOOD "ah-proposals = sha1\nencap = yes\n",
     "f:4: [connection a] ah-proposals: expected esp-proposals alone, as encap is yes, found \"sha1\"; AH cannot go in UDP\n"},
    {GOOD "ah-proposals = aes128-sha1\n",
     "f:4: [connection a] ah-proposals: expected proposals such as sha256, sha1-modp2048, found \"aes128\"\n"},
    {GOOD "replay-window = 100\n", "f:4: [connection a] replay-window: expected 0 or a multiple of 64, found \"100\"\n"},
    {"[connection a]\nremote = any\nsecret = s\nstart = yes\n",
     "f:4: [connection a] start: expected no, found \"yes\"; remote names no single peer, so this side can only wait\n"},
    {"[connection a]\nremote = 10.0.0.0/8\nsecret = s\nstart = on-demand\n",
     "f:4: [connection a] start: expected no, found \"on-demand\"; remote names no single peer, so this side can only "
     "wait\n"},
    /* a line that cannot be read is one fault: what it was about is not missed as well */
    {"[connection a]\nremote = 10.0.0.2\nsecret = \"s\n",
     "f:3: [connection a] secret: expected a value in quotes, found no closing quote; inside, write \\\" for a quote and \\\\ "
     "for a backslash\n"},
    {"[connection a]\nremote 10.0.0.2\nsecret = s\n",
     "f:2: [connection a]: expected tag = value, or [section], found \"remote 10.0.0.2\"\n"},
    {"[connection a]\nremote: 10.0.0.2\nsecret-file\n",
     "f:2: [connection a]: expected tag = value, or [section], found \"remote: 10.0.0.2\"\n"
     "f:3: [connection a]: expected tag = value, or [section], found \"secret-file\"\n"},
    {"[connection a]\nremote =\nsecret = \x01\n", "f:2: [connection a] remote: expected a value, found nothing\n"
                                                  "f:3: [connection a]: expected text, found octet 0x01\n"},
    {"[connection b]\nremote 10.0.0.2\nsecret = s\n[connection a]\nsecret = s\n",
     "f:2: [connection b]: expected tag = value, or [section], found \"remote 10.0.0.2\"\n"
     "f:4: [connection a] remote: expected an address, a DNS name (either may end in :PORT), a network such as 192.0.2.0/24, "
     "or any, found nothing\n"},
    {GOOD "[child b]\nconnection a\n", "f:5: [child b]: expected tag = value, or [section], found \"connection a\"\n"},
    /* children */
    {GOOD "[child b]\n",
     "f:4: [child b] connection: expected the name of a [connection] section, found nothing; or call it [child "
     "CONNECTION/NAME]\n"},
    {GOOD "[child b]\nconnection = c\nmode = both\n",
     "f:5: [child b] connection: expected the name of a [connection] section, found \"c\"\n"
     "f:6: [child b] mode: expected tunnel or transport, found \"both\"\n"},
    {GOOD "[child c/b]\n", "f:4: [child c/b]: expected the name of a [connection] section, found \"c\"\n"},
    {GOOD "[child a/b]\nconnection = c\n", "f:5: [child a/b] connection: expected the name of a [connection] section, found "
                                           "\"c\"; the section's title names another "
                                           "one\n"},
    {GOOD "[child b]\nconnection = a\n[child a/b]\n", "f:6: [child a/b]: expected children with different names, found \"b\"\n"},
    {GOOD "local-net = 10.1.0.0/24\n[child a/a]\n", "f:5: [child a/a]: expected children with different names, found \"a\"; "
                                                    "local-net or remote-net in the connection make one "
                                                    "of the connection's name\n"},
    {GOOD "[child a/b]\nremote = 10.0.0.1\n",
     "f:5: [child a/b]: expected a tag of a [child] section, found \"remote\"; this tag belongs in [connection NAME]\n"},
    /* all are told at once */
    {"[daemon]\nport = x\n[connection a]\nremot = 1\nstart = maybe\nnonsense\n",
     "f:6: [connection a]: expected tag = value, or [section], found \"nonsense\"\n"
     "f:4: [connection a]: expected a tag of a [connection] section, found \"remot\"; did you mean \"remote\"?\n"
     "f:5: [connection a] start: expected no, yes or on-demand, found \"maybe\"\n"
     "f:3: [connection a] remote: expected an address, a DNS name (either may end in :PORT), a network such as 192.0.2.0/24, "
     "or "
     "any, found nothing\n"
     "f:3: [connection a] secret: expected a pre-shared key, found nothing; write secret = TEXT or secret-file = PATH\n"
     "f:2: [daemon] port: expected a number, 1 to 65535, found \"x\"\n"},
};

static void test_wrong(void **state)
{
    (void)state;
    struct loaded l = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        load(&l, wrong[i].text);
        assert_string_equal(l.text, wrong[i].errors);
        assert_true(l.read == IKE_ERR_INVALID || l.built == IKE_ERR_INVALID);
        unload(&l);
    }
}

static const char *value(struct loaded *l, const char *section, const char *tag)
{
    ike_triplet t;
    return ike_config_get(l->config, section, tag, &t) == IKE_OK ? t.value : NULL;
}

static void test_form(void **state)
{
    (void)state;
    struct loaded l = {0};
    load(&l, "\xef\xbb\xbf# comment\r\n"
             "\t; another\r\n"
             "\r\n"
             "[ connection\t a ] \r\n"
             "remote=10.0.0.2\r\n"
             "  secret  =  two words # not a comment; = here  \r\n"
             "local-id = \" \\\"q\\\\\"\r\n"
             "local-net = 10.1.0.0/24, \\\r\n"
             "    10.2.0.0/24\r\n"
             "start = yes");
    assert_string_equal(value(&l, "connection a", "secret"), "two words # not a comment; = here");
    assert_string_equal(value(&l, "connection a", "local-id"), " \"q\\");
    assert_string_equal(value(&l, "connection a", "local-net"), "10.1.0.0/24, 10.2.0.0/24");
    assert_string_equal(value(&l, "connection a", "start"), "yes");
    assert_int_equal(l.read, IKE_OK);
    unload(&l);
    /* a file may end anywhere */
    static const char *const ends[] = {"",  "\n",   "#",    "[connection a]", "\\",      "[",
                                       "a", "a=\\", "a=\"", "\xef\xbb\xbf",   "\\\n\\\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        load(&l, ends[i]);
        unload(&l);
    }
}

static void test_long(void **state)
{
    (void)state;
    struct loaded l = {0};
    size_t n = 20000;
    char *text = malloc(n + 64);
    int at = sprintf(text, "[connection a]\nlocal = ");
    memset(text + at, 'x', n);
    strcpy(text + at + n, "\n");
    load(&l, text);
    assert_non_null(strstr(l.text, "f:2: [connection a]: expected a line of at most 8191 octets, found a longer one\n"));
    unload(&l);
    memset(text + at + 8191 + 1, 0, 1);
    load(&l, text);
    assert_non_null(
        strstr(l.text, "f:2: [connection a] local: expected a value of at most 8191 octets, found a longer one\n"));
    unload(&l);
    free(text);
}

/* What is found is cut behind a whole escape, and the cut shows: it is not taken for the end of the value. */
static void test_cut(void **state)
{
    (void)state;
    struct loaded l = {0};
    for (int plain = 0; plain < 5; plain++) {
        for (size_t n = 1; n <= 100; n++) {
            char text[256], bad[128];
            memset(bad, '\\', sizeof bad);
            sprintf(text, GOOD "local = %.*s%.*s!\n", plain, "xxxx", (int)n, bad);
            load(&l, text);
            const char *p = l.errors[0].found + 1 + plain;
            size_t shown = 0;
            for (; memcmp(p, "\\x5c", 4) == 0; p += 4) {
                shown++;
            }
            bool whole = strcmp(p, "!\"") == 0;
            assert_true(whole ? shown == n : shown >= 24 && strcmp(p, "…") == 0);
            unload(&l);
        }
    }
}

/* More errors than the report holds are counted. */
static void test_many(void **state)
{
    (void)state;
    struct loaded l = {0};
    char text[1000] = "";
    for (int i = 0; i < 100; i++) {
        strcat(text, "x\n");
    }
    load(&l, text);
    assert_int_equal(l.report.n, 16);
    assert_int_equal(l.report.more, 84);
    unload(&l);
}

/* xorshift: the same octets in every run */
static uint32_t draw(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

static const char sample[] = "[daemon]\nbackend = none\nport = 5000\nretransmit-first = 500ms\n"
                             "[connection office]\nremote = vpn.example.org\nlocal = 10.0.0.1\nsecret = 0x00ff\n"
                             "local-id = @a\nremote-id = b@c\nproposals = aes128-sha256-x25519\nlifetime = 1h30m\n"
                             "[child office/x]\nlocal-net = 10.1.0.0/24[tcp/80], \\\n 10.2.0.0/24\nmode = transport\n"
                             "[child y]\nconnection = office\nesp-lifetime-bytes = 10G\n";

/* Any octets: no crash, no leak (the heap is counted), errors are printable. */
static void test_any_octets(void **state)
{
    (void)state;
    struct loaded l = {0};
    uint32_t x = 1;
    char text[sizeof sample + 64];
    for (int round = 0; round < 6000; round++) {
        size_t n = sizeof sample - 1;
        memcpy(text, sample, n);
        if (round % 3 == 0) {
            n = draw(&x) % sizeof text;
            for (size_t i = 0; i < n; i++) {
                text[i] = (char)draw(&x);
            }
        } else {
            static const char spice[] = "[]=\"\\\n\n#,-./: 0aZ\x00\xff";
            for (unsigned k = draw(&x) % 8 + 1; k; k--) {
                text[draw(&x) % n] = round % 3 == 1 ? spice[draw(&x) % sizeof spice] : (char)draw(&x);
            }
        }
        load_bytes(&l, text, n);
        for (const char *p = l.text; *p; p++) {
            assert_true(*p == '\n' || (uint8_t)*p >= ' ');
        }
        unload(&l);
    }
}

/* Each allocation fails once: an error, never a crash or a leak. */
static void test_no_memory(void **state)
{
    (void)state;
    struct loaded l = {0};
    load(&l, sample);
    assert_string_equal(l.text, "");
    assert_int_equal(l.built, IKE_OK);
    size_t calls = l.heap.calls;
    unload(&l);
    for (size_t i = 1; i <= calls; i++) {
        l.heap.fail_at = i;
        load(&l, sample);
        if (l.read == IKE_OK && l.built == IKE_OK) {
            assert_non_null(l.conns); /* a hash table that could not grow is slower, no more */
        } else {
            assert_true(l.read == IKE_ERR_NOMEM || l.built == IKE_ERR_NOMEM);
        }
        unload(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong), cmocka_unit_test(test_form),       cmocka_unit_test(test_long),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_many),  cmocka_unit_test(test_any_octets), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
