/* SPDX-License-Identifier: ISC
 *
 * Configuration: texts, as files read into one database one after the other. The octet before each but the first says how it
 * goes on; what is taken back leaves no trace, and whatever is accepted an engine can have.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "base/siphash.h"
#include <ike/conf.h>

#include <stdlib.h>

/* Octets that stand in no configuration. */
enum { STEPS = 16 }; /* each builds all anew: with hundreds an input says no more, and takes so much longer */
enum { COMMIT = 0x00, ABORT = 0x01, ANOTHER_FILE = 0x02, REMOVE = 0x03, SCANT = 0x04, SEPARATORS };

static struct fuzz_host host;
static const ike_allocator mem = {fuzz_alloc, fuzz_release, &host};
static ike_config *config;
static ike_engine *engine;
static ike_config_conns *in_use;
static ike_config_error errors[4];
static ike_config_report report; /* of the transaction: what is told once is not told again */

static int hash_one(void *user, const ike_triplet *t)
{
    static const uint8_t key[16] = {7};
    uint64_t *h = user;
    *h = *h * 31 + ike_siphash(key, t->section, strlen(t->section));
    *h = *h * 31 + (t->tag ? ike_siphash(key, t->tag, strlen(t->tag)) : 1);
    *h = *h * 31 + (t->value ? ike_siphash(key, t->value, strlen(t->value)) : 1) + t->line;
    return 0;
}

static uint64_t hash_all(void)
{
    uint64_t h = 0;
    (void)ike_config_each(config, hash_one, &h);
    return h;
}

/* What the configuration says is good an engine takes, but for algorithms it lacks; as a daemon that reads its files again gives
 * it to the one that runs. */
static int carry_over(void *user, ike_config_change what, const ike_config_conn *was, const ike_config_conn *is)
{
    fuzz_check((what == IKE_CONFIG_ADDED) == (was == NULL) && (what == IKE_CONFIG_REMOVED) == (is == NULL),
               "a change of nothing");
    *(size_t *)user += is != NULL;
    ike_conn_id id;
    bool known = ike_conn_find(engine, (is ? is : was)->settings.name, &id) == IKE_OK;
    if (!is && known) {
        fuzz_check(ike_conn_remove(engine, id, IKE_SEC) == IKE_OK, "a connection is not removed");
    } else if (is && (what == IKE_CONFIG_CHANGED || what == IKE_CONFIG_ADDED)) {
        fuzz_check(!known || was, "a connection is left in the engine");
        ike_conn_settings settings = is->settings;
        settings.remote_unresolved = is->remote_name != NULL;
        int r = known ? ike_conn_replace(engine, id, &settings, true, IKE_SEC) : ike_conn_add(engine, &settings, &id, IKE_SEC);
        fuzz_check(r == IKE_OK || r == IKE_ERR_UNSUPPORTED, "a connection that is good is refused");
    }
    return 0;
}

static void ignore_tag(void *user, const char *tag) { (void)user, (void)tag; }

static void send_nowhere(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)user, (void)path, (void)kind, (void)bytes, (void)n;
}

static void begin_engine(void)
{
    ike_settings s;
    ike_settings_init(&s);
    s.crypto = fuzz_crypto();
    s.host.user = &host;
    s.host.alloc = fuzz_alloc;
    s.host.release = fuzz_release;
    s.host.random = fuzz_random;
    s.host.send = send_nowhere;
    s.max_message = 2048; /* less to wipe */
    fuzz_check(ike_engine_new(&engine, &s, IKE_SEC) == IKE_OK, "no engine");
}

static void look(void)
{
    char line[1024];
    for (size_t i = 0; i < report.n; i++) {
        (void)ike_config_error_format(&report.list[i], line, sizeof line);
    }
}

static void build(void)
{
    ike_config_conns *made = NULL;
    ike_config_daemon d, standard;
    ike_settings settings, standard_settings;
    ike_config_daemon_init(&d);
    ike_config_daemon_init(&standard);
    ike_settings_init(&settings);
    ike_settings_init(&standard_settings);
    if (ike_config_daemon_get(config, &d, &settings, &report) == IKE_OK) {
        ike_config_daemon_diff(&d, &settings, &standard, &standard_settings, ignore_tag, NULL);
    }
    int r = ike_config_build(config, &made, &report);
    fuzz_check((r == IKE_OK) == (made != NULL), "connections with errors, or neither");
    fuzz_check(r != IKE_ERR_INVALID || report.n + report.more > 0, "refused without a reason");
    if (made) {
        size_t n = 0;
        host.memory = FUZZ_PLENTY;
        (void)ike_config_diff(in_use, made, carry_over, &n);
        fuzz_check(n == ike_config_conns_count(made), "a connection is left out, or there twice");
        for (size_t i = 0; i < n; i++) {
            (void)ike_config_conns_secret(made, i, IKE_STR("0x0102\n"), &report);
        }
        ike_config_conns_free(in_use);
        in_use = made;
    }
}

/* Section, or section, end of line, tag. */
static void remove_from(const char *text, size_t n)
{
    char name[256];
    if (n < sizeof name) {
        memcpy(name, text, n);
        name[n] = 0;
        char *tag = strchr(name, '\n');
        if (tag) {
            *tag++ = 0;
        }
        (void)ike_config_remove(config, name, tag && *tag ? tag : NULL);
    }
}

static void step(unsigned how, const char *text, size_t n)
{
    static uint64_t before;
    static bool open, good;
    if (how == COMMIT || how == ABORT || how == SEPARATORS) {
        if (open && how != ABORT && good) {
            fuzz_check(ike_config_commit(config) == IKE_OK, "cannot commit");
        } else if (open) {
            ike_config_abort(config);
            fuzz_check(hash_all() == before, "what was taken back left a trace");
        }
        open = false;
        if (how == SEPARATORS) {
            return;
        }
        before = hash_all();
        report = (ike_config_report){.list = errors, .max = IKE_COUNT(errors)};
        open = good = ike_config_begin(config) == IKE_OK;
        fuzz_check(open, "cannot begin");
    }
    host.memory = FUZZ_PLENTY;
    if (how == SCANT && n) {
        host.memory = (uint8_t)*text++;
        n--;
    }
    if (how == REMOVE) {
        remove_from(text, n);
    } else {
        good = ike_config_read(config, "file", text, n, &report) == IKE_OK && good;
    }
    build();
    look();
    host.memory = FUZZ_PLENTY;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    unsigned how = COMMIT;
    host = (struct fuzz_host){.memory = FUZZ_PLENTY, .random = 1};
    in_use = NULL;
    fuzz_check(ike_config_new(&config, &mem) == IKE_OK, "no configuration");
    begin_engine();
    for (size_t at = 0, end, steps = 0; at <= n && steps < STEPS; at = end + 1, steps++) {
        for (end = at; end < n && data[end] >= SEPARATORS; end++) {
        }
        char *text = malloc(end > at ? end - at : 1); /* no NUL behind it */
        fuzz_check(text != NULL, "no memory for the fuzzer itself");
        if (end > at) {
            memcpy(text, data + at, end - at);
        }
        step(how, text, end - at);
        free(text);
        how = end < n ? data[end] : COMMIT;
    }
    step(SEPARATORS, NULL, 0);
    fuzz_check_counts(engine, false);
    ike_engine_free(engine);
    ike_config_conns_free(in_use);
    ike_config_free(config);
    fuzz_check(host.blocks == 0, "memory is left");
    return 0;
}
