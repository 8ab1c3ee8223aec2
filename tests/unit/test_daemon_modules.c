/* SPDX-License-Identifier: ISC
 *
 * Loading of crypto modules: what is refused and in which words, that the rest goes on, and where the slots end up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "config.h"
#include "modules.h"

#ifndef IKE_TEST_MODULES
#define IKE_TEST_MODULES
#endif
#ifndef IKE_TEST_SAMPLES
#define IKE_TEST_SAMPLES
#endif

enum { ENCR_DES = 2, ENCR_AES_GCM = 20 };

/* Good ones, and those of module_samples.c in the order of its enum. */
static const char *const good[] = {IKE_TEST_MODULES NULL};
static const char *const samples[] = {IKE_TEST_SAMPLES NULL};

static char heard[16384], dir[32];
static size_t errors;

static void hear(void *arg, ike_log_level level, const char *text)
{
    size_t n = strlen(heard);
    (void)arg;
    errors += level == IKE_LOG_ERROR;
    snprintf(heard + n, sizeof heard - n, "%s\n", text);
}

static struct modules *open_them(const char *names)
{
    heard[0] = 0;
    errors = 0;
    struct modules *m = modules_open(names, hear, NULL);
    assert_non_null(m);
    return m;
}

static const char *legacy_path(void)
{
    for (size_t i = 0; good[i]; i++) {
        if (strstr(good[i], "ike_legacy.so")) {
            return good[i];
        }
    }
    return NULL;
}

static size_t count(const void *list)
{
    const void *const *p = list;
    size_t n = 0;
    while (p[n]) {
        n++;
    }
    return n;
}

/* ---- What is there -------------------------------------------------------------------------------------------------------- */

static void without_any(void **state)
{
    static const char *const names[] = {NULL, "", " , \t,"};
    const ike_crypto *usual = ike_crypto_default();
    (void)state;
    assert_ptr_equal(modules_crypto(NULL), usual);
    modules_close(NULL);
    for (size_t i = 0; i < IKE_COUNT(names); i++) {
        struct modules *m = open_them(names[i]);
        const ike_crypto *c = modules_crypto(m);
        assert_int_equal(count(c->encr), count(usual->encr));
        assert_memory_equal(c->encr, usual->encr, count(usual->encr) * sizeof(void *));
        assert_int_equal(count(c->ke), count(usual->ke));
        assert_string_equal(heard, "");
        modules_close(m);
    }
}

/* Behind the default slots, and none that they have already but ciphers. */
static void behind_the_default(void **state)
{
    const ike_crypto *usual = ike_crypto_default();
    (void)state;
    if (!legacy_path()) {
        print_message("left out: no legacy module in this build\n");
        return;
    }
    const char *const ways[] = {legacy_path(), "legacy"};
    for (size_t i = 0; i < IKE_COUNT(ways); i++) {
        struct modules *m = open_them(ways[i]);
        const ike_crypto *c = modules_crypto(m);
        assert_non_null(strstr(heard, "module legacy is loaded: /"));
        assert_int_equal(errors, 0);
        assert_memory_equal(c->encr, usual->encr, count(usual->encr) * sizeof(void *));
        assert_ptr_equal(ike_find_encr(c, ENCR_AES_GCM), ike_find_encr(usual, ENCR_AES_GCM));
        assert_null(ike_find_encr(usual, ENCR_DES));
        assert_non_null(ike_find_encr(c, ENCR_DES));
        assert_non_null(ike_find_prf(c, 1));
        assert_non_null(ike_find_integ(c, 1));
        assert_non_null(ike_find_ke(c, 2));
        assert_non_null(ike_find_hash(c, IKE_HASH_MD5));
        for (size_t k = 0; c->ke[k]; k++) {
            assert_ptr_equal(ike_find_ke(c, c->ke[k]->id), c->ke[k]);
        }
        modules_close(m);
    }
}

/* Where both have a group, the default one serves; a second AES is kept behind the first. */
static void openssl_too(void **state)
{
    const ike_crypto *usual = ike_crypto_default();
    size_t aes = 0;
    (void)state;
    if (!good[0] || !strstr(good[0], "ike_openssl.so")) {
        print_message("left out: no openssl module in this build\n");
        return;
    }
    struct modules *m = open_them("openssl, legacy");
    const ike_crypto *c = modules_crypto(m);
    assert_ptr_equal(ike_find_ke(c, 19), ike_find_ke(usual, 19));
    assert_non_null(ike_find_ke(c, 28));
    assert_non_null(ike_find_ke(c, 32));
    for (size_t i = 0; c->encr[i]; i++) {
        aes += c->encr[i]->id == ENCR_AES_GCM;
    }
    assert_int_equal(aes, 2);
    modules_close(m);
}

/* The same word where the provider is part of the program. */
static void linked_in(void **state)
{
    (void)state;
    if (!ike_crypto_provider("legacy")) {
        print_message("left out: legacy is not linked in\n");
        return;
    }
    struct modules *m = open_them("legacy");
    assert_string_equal(heard, "");
    assert_non_null(ike_find_encr(modules_crypto(m), ENCR_DES));
    modules_close(m);
    assert_null(ike_find_encr(modules_crypto(NULL), ENCR_DES));
}

/* What loads by name is in the folder of modules, so a name that leads out of it is none. */
static void names(void **state)
{
    (void)state;
    struct modules *m = open_them("nosuch ../ike/legacy, ./ike_legacy.so");
    assert_int_equal(errors, 3);
    assert_non_null(strstr(heard, "/ike_nosuch.so: No such file or directory\n"));
    assert_non_null(strstr(heard, "module ../ike/legacy: neither a name nor a path that begins with /\n"));
    assert_non_null(strstr(heard, "module ./ike_legacy.so: neither a name nor a path that begins with /\n"));
    assert_int_equal(count(modules_crypto(m)->encr), count(ike_crypto_default()->encr));
    modules_close(m);
}

/* ---- What is refused ------------------------------------------------------------------------------------------------------ */

static void copy_file(const char *from, const char *to)
{
    static char octets[1 << 20];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    size_t n = fread(octets, 1, sizeof octets, in);
    assert_true(n < sizeof octets);
    assert_int_equal(fwrite(octets, 1, n, out), n);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void refused(const char *path, const char *why)
{
    char list[512], want[512];
    /* One that is good behind it, to see that it is still had. */
    snprintf(list, sizeof list, "%s%s%s", path, legacy_path() ? "," : "", legacy_path() ? legacy_path() : "");
    snprintf(want, sizeof want, "module %s: %s", path, why);
    struct modules *m = open_them(list);
    if (strncmp(heard, want, strlen(want)) != 0) {
        fail_msg("'%s' instead of '%s'", heard, want);
    }
    assert_int_equal(errors, 1);
    assert_true(!legacy_path() || ike_find_encr(modules_crypto(m), ENCR_DES));
    modules_close(m);
}

static void by_file(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof path, "%s/a", dir);
    refused(path, "No such file or directory");
    refused(dir, "not a file");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("this is text", f);
    fclose(f);
    refused(path, "it cannot be loaded: ");
    assert_int_equal(truncate(path, 0), 0);
    refused(path, "it cannot be loaded: ");
    assert_int_equal(unlink(path), 0);
}

/* Good in all else. */
static void by_permission(void **state)
{
    char path[64];
    (void)state;
    if (!legacy_path()) {
        print_message("left out: no legacy module in this build\n");
        return;
    }
    snprintf(path, sizeof path, "%s/ike_other.so", dir);
    copy_file(legacy_path(), path);
    chmod(path, 0646);
    refused(path, "others can write it");
    chmod(path, 0664);
    refused(path, "its group can write it");
    chmod(path, 0644);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        refused(path, "it belongs to another user");
        assert_int_equal(chown(path, 0, 0), 0);
    }
    chmod(dir, 0777);
    refused(path, "others can write to its folder");
    chmod(dir, 0755);
    struct modules *m = open_them(path);
    assert_int_equal(errors, 0);
    assert_non_null(ike_find_encr(modules_crypto(m), ENCR_DES));
    modules_close(m);
    assert_int_equal(unlink(path), 0);
}

static void by_what_they_say(void **state)
{
    static const char *const why[] = {"it is not a module of ike (no ike_module_v1)\n",
                                      "made for version 4 of the interface, this program has version 3\n",
                                      "made for version 3 of the interface, this program has version 3\n",
                                      "it says that it cannot be used here\n",
                                      "one of its algorithms is not whole\n",
                                      "one of its algorithms is not whole\n",
                                      "one of its algorithms is not whole\n"};
    (void)state;
    assert_int_equal(IKE_COUNT(samples) - 1, IKE_COUNT(why) + 1);
    for (size_t i = 0; i < IKE_COUNT(why); i++) {
        refused(samples[i], why[i]);
    }
}

/* A group that does not open would keep every engine from starting. */
static void a_group_that_does_not_open(void **state)
{
    enum { SAMPLE = 7, GROUP = 1234 };
    (void)state;
    struct modules *m = open_them(samples[SAMPLE]);
    assert_int_equal(errors, 0);
    assert_null(ike_find_ke(modules_crypto(m), GROUP));
    assert_int_equal(count(modules_crypto(m)->ke), count(ike_crypto_default()->ke));
    modules_close(m);
}

/* ---- Through the configuration -------------------------------------------------------------------------------------------- */

static int check_text(const char *modules, const char *proposals, char *said, size_t n)
{
    char path[64];
    snprintf(path, sizeof path, "%s/conf", dir);
    FILE *f = fopen(path, "w"), *out = tmpfile(), *err = tmpfile();
    assert_true(f && out && err);
    fprintf(f, "[daemon]\nallow-variable-time = yes\n%s%s\n[connection a]\nremote = 192.0.2.1\nsecret = s\nproposals = %s\n",
            modules ? "modules = " : "", modules ? modules : "", proposals);
    assert_int_equal(fclose(f), 0);
    chmod(path, 0600);
    int r = config_check(path, out, err);
    rewind(err);
    said[fread(said, 1, n - 1, err)] = 0;
    fclose(out);
    fclose(err);
    assert_int_equal(unlink(path), 0);
    return r;
}

static void a_connection_names_what_it_needs(void **state)
{
    char said[4096];
    (void)state;
    assert_int_equal(check_text(NULL, "aes128-sha256-x25519", said, sizeof said), 0);
    assert_string_equal(said, "");
    assert_int_equal(check_text(NULL, "des-md5-modp768", said, sizeof said), 1);
    assert_non_null(strstr(said, "found \"des\"; it is in a module: [daemon] modules = legacy\n"));
    /* One that is not there harms nobody who needs it not. */
    assert_int_equal(check_text("/nosuch.so", "aes128-sha256-x25519", said, sizeof said), 0);
    assert_non_null(strstr(said, "module /nosuch.so: No such file or directory\n"));
    if (legacy_path()) {
        assert_int_equal(check_text(legacy_path(), "des-md5-modp768, cast128-sha1-ec2n155", said, sizeof said), 0);
    }
}

static int start(void **state)
{
    (void)state;
    umask(022);
    strcpy(dir, "/tmp/ike-modules-XXXXXX");
    return mkdtemp(dir) && chmod(dir, 0755) == 0 && ike_crypto_global_init() == IKE_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any),      cmocka_unit_test(behind_the_default),
        cmocka_unit_test(linked_in),        cmocka_unit_test(names),
        cmocka_unit_test(by_file),          cmocka_unit_test(by_permission),
        cmocka_unit_test(by_what_they_say), cmocka_unit_test(a_group_that_does_not_open),
        cmocka_unit_test(openssl_too),      cmocka_unit_test(a_connection_names_what_it_needs),
    };
    return cmocka_run_group_tests(tests, start, end);
}
