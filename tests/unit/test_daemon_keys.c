/* SPDX-License-Identifier: ISC
 *
 * Keys and certificates of the configuration: the files they are in, what goes together, the words for what does not, and that
 * another certificate in the same file is a change.
 */
#include "unit/daemon_help.h"
#include "unit/keys_help.h"

#define CONN_V1 "[connection a]\nremote = 10.0.0.2\nversion = ikev1\n"
#define KEYS    "local-key = own.key\nlocal-cert = own.pem\nremote-cert = peer.pem\n"

static void put(struct fixture *f, const char *name, const char *text, mode_t mode)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    write_file(path, text, mode);
}

/* The files that KEYS names, all as they should be. */
static void put_all(struct fixture *f)
{
    put(f, "own.key", test_keys[KEY_P256][0].key, 0600);
    put(f, "own.pem", test_keys[KEY_P256][0].cert, 0644);
    put(f, "peer.pem", test_keys[KEY_P256][1].cert, 0644);
}

/* With leave for the ciphers of IKEv1, behind all else: lines keep their numbers. */
static int load_v1(struct fixture *f, const char *text)
{
    static const char leave[] = "[daemon]\nallow-variable-time = yes\n";
    char *all = malloc(strlen(text) + sizeof leave);
    assert_non_null(all);
    strcpy(all, text);
    strcat(all, leave);
    int r = load(f, all);
    free(all);
    return r;
}

/* The same words when it is loaded and when it is only looked at. */
static void refused(struct fixture *f, const char *text, const char *words)
{
    char *said = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&said, &n);
    assert_int_not_equal(load_v1(f, text), IKE_OK);
    assert_int_equal(config_check(f->path, out, out), 1);
    fclose(out);
    if (!strstr(f->log, words) || !strstr(said, words)) {
        fail_msg("not said: %s\nlogged: %s\nchecked: %s", words, f->log, said);
    }
    free(said);
    assert_int_equal(id_of(f, "a"), 0);
}

static void test_good(void **state)
{
    struct fixture *f = *state;
    ike_conn_info c = {.size = sizeof c};
    char *said = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&said, &n);
    put_all(f);
    assert_int_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    assert_int_equal(ike_conn_get(f->d.engine, id_of(f, "a"), &c), IKE_OK);
    assert_int_equal(c.settings->remote_key.len, strlen(test_keys[KEY_P256][1].cert));
    assert_memory_equal(c.settings->remote_key.ptr, test_keys[KEY_P256][1].cert, c.settings->remote_key.len);
    assert_int_equal(config_check(f->path, out, out), 0);
    fclose(out);
    assert_non_null(strstr(said, "signatures with own.key, checked with peer.pem\n"));
    assert_non_null(strstr(said, "1 connection, nothing wrong\n"));
    free(said);
    /* the peer has our certificate */
    assert_int_equal(load_v1(f, CONN_V1 "local-key = own.key\nremote-cert = peer.pem\n"), IKE_OK);
}

static void test_tags(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {CONN_V1 KEYS "secret = s\n",
         "ikelibd.conf:7: [connection a] secret: expected either a secret or local-key, found \"s\""},
        {CONN_V1 "local-key = own.key\n",
         "ikelibd.conf:1: [connection a] remote-cert: expected a file with the peer's certificate or public key, found nothing"},
        {"[connection a]\nremote = 10.0.0.2\n" KEYS, "ikelibd.conf:3: [connection a] local-key: expected version = ikev1 beside "
                                                     "it, found \"own.key\"; IKEv2 is spoken with a "
                                                     "secret only"},
        {"[connection a]\nremote = 10.0.0.2\nversion = any\n" KEYS,
         "ikelibd.conf:4: [connection a] local-key: expected version = ikev1 beside it, found"},
        {CONN_V1 "secret = s\nremote-cert = peer.pem\n",
         "ikelibd.conf:5: [connection a] remote-cert: expected local-key beside it, found \"peer.pem\""},
        {CONN_V1 "secret = s\nlocal-cert = own.pem\n",
         "ikelibd.conf:5: [connection a] local-cert: expected local-key beside it, found \"own.pem\""},
    };
    put_all(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        refused(f, rows[i].text, rows[i].words);
    }
}

static void test_files(void **state)
{
    struct fixture *f = *state;
    put_all(f);
    put(f, "own.key", test_keys[KEY_P256][0].key, 0644);
    refused(f, CONN_V1 KEYS, "[connection a] local-key: ");
    assert_non_null(strstr(f->log, "own.key: others can read it (mode 0644, user "));
    assert_non_null(strstr(f->log, "it has to be yours alone: chmod 600 "));
    put(f, "own.key", test_keys[KEY_P256][0].key, 0600);
    put(f, "peer.pem", test_keys[KEY_P256][1].cert, 0666);
    refused(f, CONN_V1 KEYS, "[connection a] remote-cert: ");
    assert_non_null(strstr(f->log, "nobody else may change it: chmod 644 "));
    refused(f, CONN_V1 "local-key = gone\nremote-cert = own.pem\n", "[connection a] local-key: cannot be read");
    refused(f, CONN_V1 "local-key = own.key\nremote-cert = .\n", "[connection a] remote-cert: cannot be read");
    refused(f, CONN_V1 "local-key = own.key\nremote-cert =\n", "[connection a] remote-cert: expected ");
}

/* One of the files holds something else. */
static void test_contents(void **state)
{
    struct fixture *f = *state;
    static const char known[] = "; known are RSA of 1024 to 8192 bits, ECDSA with P-256, P-384 or P-521, and, with [daemon] "
                                "modules = openssl, DSA";
    const struct {
        const char *file, *text, *words;
    } rows[] = {
        {"own.key", "", "own.key: there is nothing in it"},
        {"own.key", "no key",
         ":4: [connection a] local-key: expected a file with a private key that is not encrypted, found \"own.key\"; known"},
        {"own.key", "nothing\n", known},
        {"own.key", test_keys[KEY_DSA][0].key, known},
        {"own.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
         "found \"own.key\"; it is encrypted: openssl pkey -in OLD -out NEW writes it without its passphrase"},
        {"own.key", test_keys[KEY_P256][1].key,
         ":5: [connection a] local-cert: expected the certificate of local-key, found \"own.pem\"; it is of another key"},
        {"own.key", test_keys[KEY_RSA][0].key,
         ":5: [connection a] local-cert: expected RSA, found \"ECDSA, 256 bits\"; both sides sign in the same way"},
        {"own.pem", test_keys[KEY_P256][0].key, ":5: [connection a] local-cert: expected a file with our certificate, found"},
        {"peer.pem", "no certificate",
         ":6: [connection a] remote-cert: expected a file with a certificate or a public key, found \"peer.pem\"; known"},
        {"peer.pem", test_keys[KEY_RSA][1].cert,
         ":6: [connection a] remote-cert: expected ECDSA, 256 bits, found \"RSA\"; both sides sign in the same way"},
        {"peer.pem", test_keys[KEY_P384][1].cert,
         ":6: [connection a] remote-cert: expected ECDSA, 256 bits, found \"ECDSA, 384 bits\"; both sides sign in the same way"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_all(f);
        put(f, rows[i].file, rows[i].text, 0600);
        refused(f, CONN_V1 KEYS, rows[i].words);
    }
}

static void test_xauth(void **state)
{
    struct fixture *f = *state;
    put_all(f);
    refused(
        f, CONN_V1 KEYS "xauth = server\n[user carol]\nsecret = pw\n",
        ":7: [connection a] xauth: expected no, as the keys are of ECDSA, found \"server\"; XAUTH goes with a secret, or with "
        "RSA or DSA");
}

/* openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024, and pkey -pubout */
static const char short_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAMdFSAqivSGxEMU+\n"
    "PzpoLQWxKjR6hNG7vJzstC+ON1TSOo3GIdYBiUyMjaSH44IJNHMZAHlVKQ/H8lUL\n"
    "PSS6GKSYU/i3tbIbraq0SZWqwL/MQ4h2SHkKZgsYBYmjOMSPBz6X6xo0l8rOy/YP\n"
    "3eD+yE2FhdYkDHBZirD3U+SJJLsxAgMBAAECgYAa+2yX1BVb/IfSzWzuUbDW9nhK\n"
    "htR5Obx+WybC0bT4TUcUb2Ghgq++p8F+J9BMiUaK1zXTOA7JTj+n+E+dK32ufjU6\n"
    "5gdXZMdTALUhnUrfTyJOmYUAVrzWV1DBQCnUrOslfgCMJK3YmjPLpsdcG2oCFfuJ\n"
    "sGPAITD/wHcqsC2agQJBAP/gdQ7u7ZAYNBM+jEJCwuG/9cEsZKDssiyYddmAXWV0\n"
    "ITsbNgxBnO0byrlTInBcuUky3EoH/ff2o4AqQE+N7bkCQQDHXdicMQ/HOLGJU2/O\n"
    "t2+7cc9oyd25HoBv+zm50pKzpdqwliH5FVlTZZJeIPX7AIItRrIxykYLADTjQnm4\n"
    "r7U5AkA+9v33OcZNwhb2cVrUZ1dLdBBGg+UTUIubu7ysVBEniQcwY0bOh0rVchRV\n"
    "vGZqHfceUxywPv05CoE7ZapDqVpJAkBwSPPJrHw1eUHMlVigdYIRcV0eqKsfKwWt\n"
    "jDIL7YRAeAX+dOA3eIWxycAxEaFYuAWZWHrePg1K/tfKs1L46MVJAkAA/hy7aC6a\n"
    "uFjQGAWz2oImZBJhkdBcJ621nKHJ5/XrMq/v04m+ZphzWpHT1hZg6Vv1wFIAOjHu\n"
    "siEgv9UJWTHm\n"
    "-----END PRIVATE KEY-----\n";
static const char short_public[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDHRUgKor0hsRDFPj86aC0FsSo0\n"
    "eoTRu7yc7LQvjjdU0jqNxiHWAYlMjI2kh+OCCTRzGQB5VSkPx/JVCz0kuhikmFP4\n"
    "t7WyG62qtEmVqsC/zEOIdkh5CmYLGAWJozjEjwc+l+saNJfKzsv2D93g/shNhYXW\n"
    "JAxwWYqw91PkiSS7MQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static unsigned times(const char *text, const char *word)
{
    unsigned n = 0;
    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        n++;
    }
    return n;
}

/* What year-2000 equipment has goes on working, and is spoken of once however many connections have it. */
static void test_short(void **state)
{
    struct fixture *f = *state;
#define SHORT_KEYS "local-key = own.key\nremote-cert = peer.pem\n"
#define CAN_BREAK  ": RSA of 1024 bits can be broken; take 2048 or more\n"
    static const char b[] = "[connection b]\nremote = 10.0.0.3\nversion = ikev1\n" SHORT_KEYS;
    char text[256];
    snprintf(text, sizeof text, "%s%s", CONN_V1 SHORT_KEYS, b);
    for (unsigned weak = 0; weak < 4; weak++) {
        put(f, "own.key", weak & 1 ? short_key : test_keys[KEY_RSA][0].key, 0600);
        put(f, "peer.pem", weak & 2 ? short_public : test_keys[KEY_RSA][1].cert, 0644);
        assert_int_equal(load_v1(f, text), IKE_OK);
        assert_int_equal(times(f->log, "ikelibd.conf:1: [connection a] local-key: own.key" CAN_BREAK), weak & 1);
        assert_int_equal(times(f->log, "ikelibd.conf:1: [connection a] remote-cert: peer.pem" CAN_BREAK), weak >> 1);
        assert_int_equal(times(f->log, CAN_BREAK), (weak & 1) + (weak >> 1));
        assert_true(id_of(f, "a") && id_of(f, "b"));
    }
}

/* The configuration is the same to the octet, what it names is not. */
static void test_reload(void **state)
{
    struct fixture *f = *state;
    ike_conn_info c = {.size = sizeof c};
    put_all(f);
    assert_int_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    ike_conn_id a = id_of(f, "a");
    assert_int_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    assert_non_null(strstr(f->log, "1 connections, 0 new, 0 changed, 0 removed"));
    put(f, "peer.pem", test_keys[KEY_P256][0].cert, 0644);
    assert_int_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    assert_non_null(strstr(f->log, "1 connections, 0 new, 1 changed, 0 removed"));
    assert_int_equal(id_of(f, "a"), a);
    assert_int_equal(ike_conn_get(f->d.engine, a, &c), IKE_OK);
    assert_memory_equal(c.settings->remote_key.ptr, test_keys[KEY_P256][0].cert, c.settings->remote_key.len);
    put(f, "own.key", test_keys[KEY_P256][1].key, 0600);
    put(f, "own.pem", test_keys[KEY_P256][1].cert, 0644);
    assert_int_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    assert_non_null(strstr(f->log, "1 changed"));
    /* One that does not fit changes nothing. */
    put(f, "own.pem", test_keys[KEY_P256][0].cert, 0644);
    assert_int_not_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    assert_int_equal(ike_conn_get(f->d.engine, a, &c), IKE_OK);
    assert_memory_equal(c.settings->local_cert.ptr, test_keys[KEY_P256][1].cert, c.settings->local_cert.len);
    put(f, "own.pem", test_keys[KEY_P256][1].cert, 0644);
    assert_int_equal(load_v1(f, CONN_V1 KEYS), IKE_OK);
    assert_non_null(strstr(f->log, "0 new, 0 changed"));
    assert_int_equal(load_v1(f, CONN_V1 "secret = s\n"), IKE_OK);
    assert_non_null(strstr(f->log, "1 changed"));
}

/* ---- docs/config.md -------------------------------------------------------------------------------------------------------- */

/* The fenced blocks of this language in the section, one behind the other. */
static void blocks_of(const char *text, const char *language, char *out, size_t n)
{
    char fence[16];
    size_t len = 0;
    snprintf(fence, sizeof fence, "```%s\n", language);
    for (const char *p = text, *end; (p = strstr(p, fence)) != NULL; p = end) {
        p += strlen(fence);
        end = strstr(p, "```");
        assert_non_null(end);
        assert_true(len + (size_t)(end - p) < n);
        memcpy(out + len, p, (size_t)(end - p));
        len += (size_t)(end - p);
        end += 3;
    }
    out[len] = 0;
}

static char *section_of(const char *title)
{
    static char all[1 << 16];
    char path[512];
    const char *at = strstr(__FILE__, "tests/unit/");
    snprintf(path, sizeof path, "%.*sdocs/config.md", at ? (int)(at - __FILE__) : 0, __FILE__);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    all[fread(all, 1, sizeof all - 1, f)] = 0;
    fclose(f);
    char *from = strstr(all, title);
    assert_non_null(from);
    char *to = strstr(from + 1, "\n## ");
    *(to ? to : from + strlen(from)) = 0;
    return from;
}

/* The other end's configuration: each name stands for the other. */
static void exchange(const char *text, char *out, size_t n)
{
    size_t len = 0;
    while (*text) {
        const char *put_in = strncmp(text, "hq", 2) == 0 ? "branch" : strncmp(text, "branch", 6) == 0 ? "hq" : NULL;
        assert_true(len + 8 < n);
        if (put_in) {
            len += (size_t)snprintf(out + len, n - len, "%s", put_in);
            text += put_in[0] == 'b' ? 2 : 6;
        } else {
            out[len++] = *text++;
        }
    }
    out[len] = 0;
}

/* The commands are run as they are written, and both ends' configurations taken. */
static void test_document(void **state)
{
    struct fixture *f = *state;
    static char commands[4096], ini[4096], other[4096];
    char line[256];
    const char *section = section_of("## Certificates and keys\n");
    if (system("openssl version >/dev/null 2>&1") != 0) {
        print_message("left out: there is no program openssl\n");
        return;
    }
    blocks_of(section, "sh", commands, sizeof commands);
    blocks_of(section, "ini", ini, sizeof ini);
    put(f, "commands", commands, 0600);
    snprintf(line, sizeof line, "cd %s && sh -e commands >log 2>&1", f->dir);
    assert_int_equal(system(line), 0);
    assert_int_equal(load_v1(f, ini), IKE_OK);
    assert_null(strstr(f->log, "warning"));
    assert_int_not_equal(id_of(f, "branch"), 0);
    exchange(ini, other, sizeof other);
    assert_int_equal(load_v1(f, other), IKE_OK);
    assert_int_not_equal(id_of(f, "hq"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_contents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_xauth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_document, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
