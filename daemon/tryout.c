/* SPDX-License-Identifier: ISC
 *
 * tryout.c - whether an engine would take a configuration: asked of a second one, which has no host around it, before anything
 * that runs is touched. So ikelibd --check, the start and a reload all refuse the same, with the same words.
 */
#include "tryout.h"

#include "app/app.h"
#include "heap.h"
#include "modules.h"
#include "sysdep/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CERT_LONG = 32000 }; /* not far from half of a message, in which it has to fit */

struct trial {
    ike_config_report *report;
    ike_engine *engine, *lenient; /* lenient: with allow-variable-time; NULL until it is needed */
    ike_settings settings;
    const struct app_ops *plane; /* the data plane that is asked for; NULL: whichever is possible */
    int result;
};

static void send_nothing(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)user;
    (void)path;
    (void)kind;
    (void)bytes;
    (void)n;
}

static void complain(struct trial *t, const ike_triplet *at, const char *expected, const char *found, size_t n, const char *hint)
{
    ike_config_complain(t->report, at, expected, (ike_bytes){(const uint8_t *)found, n}, hint);
    t->result = t->result == IKE_OK ? IKE_ERR_INVALID : t->result;
}

/* ---- Algorithms ----------------------------------------------------------------------------------------------------------- */

/* Whether it knows how to run the first n octets of this text. Whether they are a whole proposal is another matter. */
static bool can_run(ike_engine *e, uint8_t protocol, const char *text, size_t n)
{
    ike_conn_id id;
    ike_conn_settings s;
    ike_child_settings k;
    char *part = strndup(text, n);
    ike_conn_settings_init(&s);
    ike_child_settings_init(&k);
    s.name = k.name = "trial";
    s.children = &k;
    s.n_children = 1;
    *(protocol == IKE_PROTO_IKE ? &s.proposals : protocol == IKE_PROTO_AH ? &k.ah_proposals : &k.proposals) = part;
    int r = part != NULL ? ike_conn_add(e, &s, &id, 0) : IKE_OK;
    if (part != NULL && r == IKE_OK) {
        (void)ike_conn_remove(e, id, 0);
    }
    free(part);
    return r != IKE_ERR_UNSUPPORTED;
}

/* The first keyword that makes the text more than can be run; false if there is none. */
static bool find_lack(ike_engine *e, uint8_t protocol, const char *text, const char **word, size_t *n)
{
    static const char between[] = "-, \t\r\n";
    if (can_run(e, protocol, text, strlen(text))) {
        return false;
    }
    for (const char *s = text + strspn(text, between); *s; s += *n, s += strspn(s, between)) {
        *word = s;
        *n = strcspn(s, between);
        if (!can_run(e, protocol, text, (size_t)(s - text) + *n)) {
            return true;
        }
    }
    return false;
}

static ike_engine *lenient(struct trial *t)
{
    if (t->lenient == NULL && !t->settings.allow_variable_time) {
        ike_settings s = t->settings;
        s.allow_variable_time = true;
        (void)ike_engine_new(&t->lenient, &s, 0);
    }
    return t->lenient;
}

static int look_at(void *user, const ike_triplet *at)
{
    struct trial *t = user;
    const char *word;
    size_t n;
    uint8_t protocol = at->tag == NULL                         ? 0
                       : strcmp(at->tag, "proposals") == 0     ? IKE_PROTO_IKE
                       : strcmp(at->tag, "esp-proposals") == 0 ? IKE_PROTO_ESP
                       : strcmp(at->tag, "ah-proposals") == 0  ? IKE_PROTO_AH
                                                               : 0;
    /* What is no proposal has been reported. */
    if (protocol == 0 || ike_proposals_check(at->value, protocol, NULL, NULL) != IKE_OK ||
        !find_lack(t->engine, protocol, at->value, &word, &n)) {
        return 0;
    }
    ike_engine *more = lenient(t);
    bool allowed = more != NULL && can_run(more, protocol, at->value, (size_t)(word - at->value) + n);
    char hint[96] = "it is not part of this build";
    const char *module = modules_hint(word, n);
    if (module != NULL) {
        snprintf(hint, sizeof hint, "it is in a module: [daemon] modules = %s", module);
    }
    complain(t, at, "algorithms that can be used here", word, n,
             allowed ? "on this CPU its time depends on keys; [daemon] allow-variable-time = yes takes it all the same" : hint);
    return 0;
}

/* ---- Connections ---------------------------------------------------------------------------------------------------------- */

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {"?", "RSA", "DSA", "ECDSA"};
    return names[kind < sizeof names / sizeof *names ? kind : 0];
}

static bool holds(ike_bytes text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.len; i++) {
        if (memcmp(text.ptr + i, word, n) == 0) {
            return true;
        }
    }
    return false;
}

/* What may help with a file in which there is no key that can be used. */
static const char *key_hint(ike_bytes text)
{
    return holds(text, "ENCRYPTED") ? "it is encrypted: openssl pkey -in OLD -out NEW writes it without its passphrase"
                                    : "known are RSA of 1024 to 8192 bits, ECDSA with P-256, P-384 or P-521, and, with "
                                      "[daemon] modules = openssl, DSA";
}

/* A connection that was refused for its keys: which of them, and why. */
static void explain_keys(struct trial *t, const ike_config *db, const ike_config_conn *c, const char *section)
{
    static const ike_random rng = {random_fill, NULL};
    const struct {
        const char *tag, *expected;
        const ike_config_named *file;
    } keys[] = {{"local-key", "a file with a private key that is not encrypted", &c->local_key},
                {"local-cert", "a file with our certificate", &c->local_cert},
                {"remote-cert", "a file with a certificate or a public key", &c->remote_cert}};
    char found[64] = "", own[64] = "";
    ike_triplet at, pair = {section, NULL, NULL, c->file, c->line};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const ike_config_named *file = keys[i].file;
        uint8_t kind = 0;
        unsigned bits = 0;
        if (file->name == NULL || ike_config_get(db, section, keys[i].tag, &at) != IKE_OK) {
            continue;
        }
        if (ike_key_check(t->settings.crypto, &daemon_heap, &rng, i == 0, file->text, &kind, &bits) != IKE_OK) {
            complain(t, &at, keys[i].expected, file->name, strlen(file->name), key_hint(file->text));
            continue;
        }
        /* RSA keys may differ in length. */
        snprintf(found, sizeof found, kind == IKE_KEY_RSA ? "%s" : "%s, %u bits", kind_name(kind), bits);
        if (own[0] && strcmp(own, found) != 0) {
            complain(t, &at, own, found, strlen(found), "both sides sign in the same way");
        } else {
            snprintf(own, sizeof own, "%s", found);
        }
        pair = i == 1 ? at : pair;
    }
    if (t->result == IKE_OK && c->local_cert.name != NULL) {
        complain(t, &pair, "the certificate of local-key", c->local_cert.name, strlen(c->local_cert.name),
                 "it is of another key");
    } else if (t->result == IKE_OK) {
        complain(t, &pair, "a key that can be used here", own, strlen(own), "a hash that it needs is not part of this build");
    }
}

/* No authentication method of IKEv1 stands for XAUTH behind ECDSA. False: that is not why it was refused. */
static bool explain_xauth(struct trial *t, const ike_config *db, const ike_config_conn *c, const char *section)
{
    ike_triplet at;
    if (c->local_key.name == NULL || c->settings.xauth == IKE_XAUTH_NO || ike_config_get(db, section, "xauth", &at) != IKE_OK) {
        return false;
    }
    complain(t, &at, "no, as the keys are of ECDSA", at.value, strlen(at.value), "XAUTH goes with a secret, or with RSA or DSA");
    return true;
}

/* With nothing that starts by itself. */
static int add(ike_engine *e, const ike_config_conn *c)
{
    ike_conn_id id;
    ike_conn_settings s = c->settings;
    ike_child_settings *k = calloc(s.n_children + 1, sizeof(*k));
    if (k == NULL) {
        return IKE_ERR_NOMEM;
    }
    for (size_t i = 0; i < s.n_children; i++) {
        k[i] = s.children[i];
        k[i].start = IKE_START_NO;
    }
    s.children = k;
    int r = ike_conn_add(e, &s, &id, 0);
    free(k);
    return r;
}

/* Whether it is the default of IKEv1, which is AES alone, that cannot be run on this CPU. Proposals that are written have been
 * reported by their keywords. */
static bool explain_old(struct trial *t, const ike_config *db, const ike_config_conn *c, const char *section)
{
    ike_triplet at;
    ike_engine *more = c->settings.version == IKE_SPEAKS_V1 && c->settings.proposals == NULL ? lenient(t) : NULL;
    if (more == NULL || add(more, c) != IKE_OK || ike_config_get(db, section, "version", &at) != IKE_OK) {
        return false;
    }
    static const char hint[] =
        "on this CPU the time of IKEv1's ciphers depends on keys; [daemon] allow-variable-time = yes takes "
        "them all the same";
    complain(t, &at, "ikev2", at.value, strlen(at.value), hint);
    return true;
}

/* Only what the configuration alone can show. */
static void check_children(struct trial *t, const ike_config_conn *c, const ike_triplet *at)
{
    char why[192], expected[64];
    snprintf(expected, sizeof(expected), "what backend = %s can carry", t->plane->name);
    for (size_t i = 0; i < c->settings.n_children; i++) {
        if (t->plane->lacks(&c->settings, &c->settings.children[i], why, sizeof(why))) {
            complain(t, at, expected, why, strlen(why), NULL);
        }
    }
}

static void add_all(struct trial *t, const ike_config *db, const ike_config_conns *conns)
{
    for (size_t i = 0; t->result == IKE_OK && i < ike_config_conns_count(conns); i++) {
        const ike_config_conn *c = ike_config_conns_at(conns, i);
        char section[IKE_CONFIG_NAME_MAX + 16] = "connection ";
        ike_triplet at = {strcat(section, c->settings.name), NULL, NULL, c->file, c->line};
        int r = add(t->engine, c);
        if (r == IKE_ERR_NOMEM || r == IKE_ERR_HOST) {
            t->result = r;
        } else if (r == IKE_ERR_CRYPTO) {
            explain_keys(t, db, c, section);
        } else if (r == IKE_ERR_UNSUPPORTED && (explain_xauth(t, db, c, section) || explain_old(t, db, c, section))) {
            continue;
        } else if (r != IKE_OK) {
            const char *why = ike_strerror(r);
            complain(t, &at,
                     r != IKE_ERR_LIMIT                   ? "a connection that can be used here"
                     : c->local_cert.text.len > CERT_LONG ? "a certificate that fits into a message"
                                                          : "no more than max-connections of [daemon]",
                     why, strlen(why), NULL);
        } else if (t->plane != NULL && t->plane->lacks != NULL) {
            check_children(t, c, &at);
        }
    }
}

/* ---- All ------------------------------------------------------------------------------------------------------------------ */

int tryout(const ike_config *db, const ike_config_conns *conns, const ike_crypto *crypto, ike_config_report *report)
{
    struct trial t = {.report = report, .result = IKE_OK};
    ike_config_report none = {NULL, 0, 0, 0}; /* what is wrong with [daemon] has been reported */
    ike_settings_init(&t.settings);
    ike_config_daemon daemon;
    ike_config_daemon_init(&daemon);
    (void)ike_config_daemon_get(db, &daemon, &t.settings, &none);
    t.plane = app_find(daemon.backend);
    t.settings.crypto = crypto;
    t.settings.host.random = random_fill;
    t.settings.host.send = send_nothing;
    int r = ike_engine_new(&t.engine, &t.settings, 0);
    if (r == IKE_ERR_NOMEM || r == IKE_ERR_HOST) {
        return r;
    }
    if (r != IKE_OK) {
        ike_triplet at = {"daemon", NULL, NULL, NULL, 0};
        const char *why = ike_strerror(r);
        (void)ike_config_get(db, "daemon", NULL, &at);
        complain(&t, &at, "settings an engine starts with", why, strlen(why),
                 r == IKE_ERR_UNSUPPORTED ? "no cipher can be used on this CPU without allow-variable-time = yes" : NULL);
        return t.result;
    }
    (void)ike_config_each(db, look_at, &t);
    if (conns != NULL) {
        add_all(&t, db, conns);
    }
    ike_engine_free(t.lenient);
    ike_engine_free(t.engine);
    return t.result;
}
