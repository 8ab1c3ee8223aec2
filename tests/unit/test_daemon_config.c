/* SPDX-License-Identifier: ISC
 *
 * Configuration files of the daemon: permissions of secrets, folders, --check, and that a reload happens wholly or not at
 * all.
 */
#include "unit/daemon_help.h"

#include <fcntl.h>

/* As many connections as max-connections lets in by default take some 20 million octets. What makes the file large is a comment
 * with a hole in it, which takes no room on a disk that others fill. */
static void test_large(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, CONN("a", "") "#"), IKE_OK);
    assert_int_equal(truncate(f->path, 40 << 20), 0);
    FILE *file = fopen(f->path, "a");
    assert_non_null(file);
    fputs("\n" CONN("b", ""), file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(daemon_reload(&f->d), IKE_OK);
    assert_true(id_of(f, "b"));
    assert_int_equal(truncate(f->path, (64 << 20) + 1), 0);
    assert_int_not_equal(daemon_reload(&f->d), IKE_OK);
    assert_non_null(strstr(f->log, "larger than 67108864 octets"));
}

static void test_reload(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, CONN("a", "") CONN("b", "")), IKE_OK);
    assert_non_null(strstr(f->log, "2 connections, 2 new, 0 changed, 0 removed"));
    ike_conn_id a = id_of(f, "a"), b = id_of(f, "b");
    assert_true(a && b);
    assert_int_equal(load(f, CONN("a", "") CONN("b", "lifetime = 1h\n") CONN("c", "")), IKE_OK);
    assert_non_null(strstr(f->log, "3 connections, 1 new, 1 changed, 0 removed"));
    assert_int_equal(id_of(f, "a"), a);
    assert_int_equal(id_of(f, "b"), b);
    assert_int_equal(life_of(f, "b"), 3600);
    assert_int_equal(load(f, CONN("c", "")), IKE_OK);
    assert_non_null(strstr(f->log, "1 connections, 0 new, 0 changed, 2 removed"));
    assert_int_equal(id_of(f, "a"), 0);
}

static void test_bad_reload(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(load(f, CONN("a", "lifetime = 2h\n")), IKE_OK);
    ike_conn_id a = id_of(f, "a");
    assert_int_equal(load(f, CONN("b", "") "start = maybe\nnonsense\n"), IKE_ERR_INVALID);
    assert_non_null(strstr(f->log, "ikelibd.conf:4: [connection b] start: expected no, yes or on-demand, found \"maybe\""));
    assert_non_null(strstr(f->log, "ikelibd.conf:5: [connection b]: expected tag = value"));
    assert_int_equal(id_of(f, "a"), a);
    assert_int_equal(id_of(f, "b"), 0);
    /* the engine takes three: the fourth is refused, and what was done before it is undone */
    assert_int_equal(load(f, CONN("a", "lifetime = 1h\n") CONN("b", "") CONN("c", "") CONN("d", "")), IKE_ERR_LIMIT);
    assert_non_null(strstr(f->log, "ikelibd.conf:11: [connection d]: "));
    assert_int_equal(id_of(f, "a"), a);
    assert_int_equal(life_of(f, "a"), 7200);
    assert_int_equal(id_of(f, "b"), 0);
    assert_int_equal(id_of(f, "c"), 0);
    /* and it is still the old configuration that the next one is compared with */
    assert_int_equal(load(f, CONN("a", "lifetime = 2h\n")), IKE_OK);
    assert_non_null(strstr(f->log, "1 connections, 0 new, 0 changed, 0 removed"));
    unlink(f->path);
    f->log[0] = 0;
    assert_int_not_equal(daemon_reload(&f->d), IKE_OK);
    assert_non_null(strstr(f->log, "No such file"));
    assert_int_equal(id_of(f, "a"), a);
}

/* A file that can be opened and has a length. */
static void test_read_error(void **state)
{
    struct fixture *f = *state;
    static char file[] = "/sys/class/net/lo/speed";
    char octets[8];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, octets, sizeof octets) : 0;
    if (fd >= 0) {
        close(fd);
    }
    if (n >= 0) {
        print_message("left out: this kernel has no file that cannot be read\n");
        return;
    }
    assert_int_equal(load(f, CONN("a", "")), IKE_OK);
    f->d.config_path = file;
    f->log[0] = 0;
    assert_int_not_equal(daemon_reload(&f->d), IKE_OK);
    assert_non_null(strstr(f->log, "/sys/class/net/lo/speed: Invalid argument"));
    assert_true(id_of(f, "a"));
}

static void test_secret_files(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "[connection a]\nremote = 10.0.0.2\nsecret-file = a.psk\n";
    static const struct {
        mode_t mode;
        const char *said; /* NULL: fine */
    } cases[] = {{0600, NULL},
                 {0400, NULL},
                 {0640, NULL},
                 {0644, "others can read it (mode 0644"},
                 {0604, "others can read it"},
                 {0660, "others can write it"},
                 {0602, "others can write it"}};
    char secret[64];
    snprintf(secret, sizeof secret, "%s/a.psk", f->dir);
    assert_int_not_equal(load(f, text), IKE_OK);
    assert_non_null(strstr(f->log, "a.psk: No such file"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(secret, "open sesame\n", cases[i].mode);
        assert_int_equal(load(f, text) == IKE_OK, cases[i].said == NULL);
        if (cases[i].said) {
            assert_non_null(strstr(f->log, cases[i].said));
            assert_non_null(strstr(f->log, secret));
        }
        assert_null(strstr(f->log, "sesame"));
        unlink(secret);
    }
    /* A user's password is kept as well as a key. */
    static const char user[] = "[connection a]\nremote = 10.0.0.2\nsecret = s\n[user carol]\nsecret-file = a.psk\n";
    write_file(secret, "open sesame\n", 0644);
    assert_int_not_equal(load(f, user), IKE_OK);
    assert_non_null(strstr(f->log, "[user carol] secret-file: "));
    unlink(secret);
    write_file(secret, "open sesame\n", 0600);
    assert_int_equal(load(f, user), IKE_OK);
    unlink(secret);
    write_file(secret, "\n", 0600);
    assert_int_not_equal(load(f, text), IKE_OK);
    assert_non_null(strstr(f->log, "found nothing in a.psk"));
    unlink(secret);
    assert_int_equal(mkfifo(secret, 0600), 0); /* nobody writes: must not hold us up */
    assert_int_not_equal(load(f, text), IKE_OK);
    assert_non_null(strstr(f->log, "not a file"));
}

static void test_open_config(void **state)
{
    struct fixture *f = *state;
    write_file(f->path, CONN("a", ""), 0644);
    assert_int_equal(daemon_reload(&f->d), IKE_OK);
    assert_non_null(strstr(f->log, "others can read it (mode 0644)"));
}

static void test_folder(void **state)
{
    struct fixture *f = *state;
    char name[64];
    f->d.config_path = f->dir;
    assert_int_not_equal(daemon_reload(&f->d), IKE_OK);
    assert_non_null(strstr(f->log, "no *.conf in this folder"));
    snprintf(name, sizeof name, "%s/20.conf", f->dir);
    write_file(name, CONN("b", ""), 0600);
    snprintf(name, sizeof name, "%s/note.txt", f->dir);
    write_file(name, "no configuration", 0600);
    snprintf(name, sizeof name, "%s/10.conf", f->dir);
    write_file(name, CONN("a", ""), 0600);
    assert_int_equal(daemon_reload(&f->d), IKE_OK);
    assert_true(id_of(f, "a") && id_of(f, "b"));
    write_file(name, CONN("b", ""), 0600);
    f->log[0] = 0;
    assert_int_not_equal(daemon_reload(&f->d), IKE_OK);
    assert_non_null(
        strstr(f->log, "20.conf:1: [connection b]: expected this section once, found a second one; the first is in "));
    assert_non_null(strstr(f->log, "10.conf:1\n"));
}

static void test_settings(void **state)
{
    struct fixture *f = *state;
    struct daemon_settings s;
    struct config *c = NULL;
    ike_settings engine;
    write_file(f->path, "[daemon]\nbackend = userspace\nport = 5000\nlog = trace\nroutes = no\nretransmit-tries = 9\n", 0600);
    daemon_settings_init(&s);
    s.encap_port = 77;
    assert_int_equal(config_read(&f->d, f->path, &s, &c), IKE_OK);
    assert_string_equal(s.backend, "userspace");
    assert_int_equal(s.port, 5000);
    assert_int_equal(s.encap_port, 77); /* not in the file: not touched */
    assert_int_equal(s.log_level, IKE_LOG_TRACE);
    assert_false(s.routes);
    ike_settings_init(&engine);
    config_engine_settings(c, &engine);
    assert_int_equal(engine.retransmit_tries, 9);
    config_free(c);
}

static void test_check(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    write_file(f->path, CONN("office", "local-net = 10.1.0.0/24\nremote-net = 10.2.0.0/24\nstart = yes\n"), 0600);
    assert_int_equal(config_check(f->path, out, out), 0);
    fflush(out);
    assert_non_null(strstr(text, "connection office with 10.0.0.2\n"));
    assert_non_null(strstr(text, "  child office, tunnel, started always: 10.1.0.0/24 <-> 10.2.0.0/24\n"));
    assert_non_null(strstr(text, "1 connection, nothing wrong\n"));
    write_file(f->path, CONN("office", "dpd = x\nmode = y\n"), 0600);
    rewind(out);
    assert_int_equal(config_check(f->path, out, out), 1);
    fflush(out);
    assert_non_null(strstr(text, ":4: [connection office] dpd: "));
    assert_non_null(strstr(text, ":5: [connection office] mode: "));
#if IKE_WITH_V1
    /* who is let in, and how, is seen */
    rewind(out);
    write_file(f->path,
               CONN("gate", "version = ikev1\naggressive = yes\nxauth = server\npool = 10.9.0.1-10.9.0.9\n")
                   CONN("road", "version = any\nlocal-net = 10.1.0.0/24\n")
                       CONN("way", "version = ikev1\nxauth = client\nxauth-user = carol\ninner-address = ipv4\n")
                           CONN("plain", "") "[user carol]\nsecret = pw\n[daemon]\nallow-variable-time = yes\n",
               0600);
    assert_int_equal(config_check(f->path, out, out), 0);
    fflush(out);
    static const char *const lines[] = {
        "  IKEv1, Aggressive Mode, the peer is a user with a password, addresses for peers: 10.9.0.1-10.9.0.9\n"
        "  child gate, tunnel, started on command: our address <-> the address that it is given\n",
        "  IKEv2 or IKEv1\n  child road, tunnel, started on command: 10.1.0.0/24 <-> its address\n",
        "  IKEv1, we are the user carol\n  child way, tunnel, started on command: the address that we are given <-> its "
        "address\n",
        "pre-shared key\n  child plain, tunnel, started on command: our address <-> its address\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_non_null(strstr(text, lines[i]));
    }
#else
    puts("left out: IKEv1 is not in this build");
#endif
    /* what cannot be run here: the same words as when it is loaded */
    static const char lack[] = ":4: [connection office] proposals: expected algorithms that can be used here, found "
                               "\"modp1024\"; it is in a module: [daemon] modules = legacy";
    rewind(out);
    assert_int_not_equal(load(f, CONN("office", "proposals = chacha20poly1305-prfsha256-modp1024\n")), IKE_OK);
    assert_non_null(strstr(f->log, lack));
    assert_int_equal(config_check(f->path, out, out), 1);
    fclose(out);
    assert_non_null(strstr(text, lack));
    free(text);
}

/* What runs is compared with what the file and the command line say: `log` counts at once, the rest is named as often as it
 * differs. */
static void test_daemon_tags(void **state)
{
    struct fixture *f = *state;
    struct options o = {.backend = "none"};
    struct log_sink console = {.level = IKE_LOG_INFO, .line = hear, .arg = f};
    ike_config_key k;
    log_sink_remove(&f->d, &f->sink);
    log_sink_add(&f->d, &console);
    f->d.console = &console;
    f->d.options = &o;
    ike_settings_init(&f->d.engine_settings);
    assert_int_equal(load(f, "[daemon]\nbackend = xfrm\nretry-first = 1000ms\n"), IKE_OK); /* the command line wins */
    assert_null(strstr(f->log, "changed:"));
    assert_int_equal(load(f, "[daemon]\nlog = debug\nport = 501\n"), IKE_OK);
    assert_int_equal(console.level, IKE_LOG_DEBUG);
    assert_int_equal(f->d.settings.log_level, IKE_LOG_DEBUG);
    assert_null(strstr(f->log, "[daemon] log"));
    assert_non_null(strstr(f->log, "[daemon] port changed: it counts from the next start"));
    /* nothing has been done about it */
    assert_int_equal(load(f, "[daemon]\nport = 501\n"), IKE_OK);
    assert_non_null(strstr(f->log, "[daemon] port changed"));
    assert_int_equal(console.level, IKE_LOG_INFO);
    assert_int_equal(load(f, ""), IKE_OK);
    assert_null(strstr(f->log, "changed:"));
    o.has_log = true;
    o.log = IKE_LOG_WARN;
    assert_int_equal(load(f, "[daemon]\nlog = trace\n"), IKE_OK);
    assert_int_equal(console.level, IKE_LOG_WARN);
    /* every tag of the table is told, but for log and what the command line says */
    console.level = IKE_LOG_INFO;
    o = (struct options){.has_log = true, .log = IKE_LOG_INFO};
    for (size_t i = 0; ike_config_key_at(i, &k) == IKE_OK; i++) {
        static const char *const words[] = {"none", "10.0.0.1", "/tmp/x", "ike7", "no", "yes", "7s", "700"};
        char text[128], said[128];
        if (strcmp(k.section, "daemon") != 0 || strcmp(k.tag, "log") == 0) {
            continue;
        }
        strcpy(f->d.settings.backend, "auto");
        snprintf(said, sizeof said, "[daemon] %s changed: it counts from the next start", k.tag);
        bool told = false;
        for (size_t n = 0; n < sizeof words / sizeof *words && !told; n++) {
            snprintf(text, sizeof text, "[daemon]\n%s = %s\n", k.tag, words[n]);
            told = load(f, text) == IKE_OK && strstr(f->log, said);
        }
        if (!told) {
            fail_msg("a change of %s is not told: %s", k.tag, f->log);
        }
    }
    log_sink_remove(&f->d, &console);
    log_sink_add(&f->d, &f->sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secret_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_config, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_daemon_tags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
