/* SPDX-License-Identifier: ISC
 *
 * What a connection set is good for once it is made: secrets from files, comparison with another set; and [daemon].
 */
#include "conf/build.h"

/* ---- Secrets from files ------------------------------------------------------------------------------------------------ */

struct from_file {
    const char *kind, *name; /* of the section */
    const char *path, *file;
    uint32_t line;
};

static void secret_wrong(const struct from_file *at, const char *what, const char *hint, ike_config_report *report)
{
    char section[64], found[112];
    struct ike_text st = ike_text(section, sizeof section), ft = ike_text(found, sizeof found);
    ike_triplet where = {section, "secret-file", NULL, at->file, at->line};
    ike_text_str(&st, at->kind);
    ike_text_str(&st, at->name);
    ike_text_str(&ft, what);
    ike_text_str(&ft, at->path ? " in " : "");
    ike_text_str(&ft, at->path ? at->path : "");
    ike_conf_report_word(report, &where, "a text, 0xHEX or 0sBASE64, 1 to 256 octets in one line", found, hint);
}

/* The file's octets are copied before they are looked at: into the arena, which is wiped. */
static int take_secret(ike_config_conns *s, const struct from_file *at, ike_bytes text, ike_bytes *out, ike_config_report *report)
{
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r')) {
        text.len--;
    }
    struct ike_conf_fault f = {0};
    char *value = ike_arena_text(&s->arena, (const char *)text.ptr, text.len);
    if (value == NULL) {
        return IKE_ERR_NOMEM;
    }
    /* A line end inside would be part of the key, where nobody sees it. */
    bool lines = value[strcspn(value, "\r\n")] != 0;
    /* A NUL inside would cut the secret short. */
    if (!lines && strlen(value) == text.len && ike_conf_secret(&s->arena, value, out, &f)) {
        return IKE_OK;
    }
    if (f.no_memory) {
        return IKE_ERR_NOMEM;
    }
    secret_wrong(at, lines ? "several lines" : text.len ? "something else (not shown)" : "nothing", f.hint, report);
    return IKE_ERR_INVALID;
}

int ike_config_conns_secret(ike_config_conns *s, size_t i, ike_bytes text, ike_config_report *report)
{
    if (i >= s->count) {
        return IKE_ERR_NOT_FOUND;
    }
    ike_config_conn *c = &s->conns[i]->conn;
    struct from_file at = {"connection ", c->settings.name, c->secret_file, c->file, c->line};
    return take_secret(s, &at, text, &c->settings.secret, report);
}

int ike_config_conns_user_secret(ike_config_conns *s, size_t i, ike_bytes text, ike_config_report *report)
{
    const ike_config_user *u = ike_config_conns_user(s, i);
    if (u == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    struct from_file at = {"user ", u->name, u->secret_file, u->file, u->line};
    return take_secret(s, &at, text, &s->user_settings[i].secret, report);
}

int ike_config_conns_file(ike_config_conns *s, size_t i, const char *tag, ike_bytes text)
{
    static const struct {
        const char *tag;
        size_t file, setting;
    } tags[] = {{"local-key", offsetof(ike_config_conn, local_key), offsetof(ike_conn_settings, local_key)},
                {"local-cert", offsetof(ike_config_conn, local_cert), offsetof(ike_conn_settings, local_cert)},
                {"remote-cert", offsetof(ike_config_conn, remote_cert), offsetof(ike_conn_settings, remote_key)}};
    if (!text.len) { /* in the settings that would be a key that the host keeps */
        return IKE_ERR_INVALID;
    }
    for (size_t k = 0; i < s->count && k < IKE_COUNT(tags); k++) {
        if (strcmp(tags[k].tag, tag) == 0) {
            ike_config_conn *c = &s->conns[i]->conn;
            ike_config_named *file = (ike_config_named *)(void *)((char *)c + tags[k].file);
            char *copy = ike_arena_text(&s->arena, (const char *)text.ptr, text.len);
            file->text = ike_bytes_of(copy, copy ? text.len : 0);
            memcpy((char *)&c->settings + tags[k].setting, &file->text, sizeof file->text);
            return copy ? IKE_OK : IKE_ERR_NOMEM;
        }
    }
    return IKE_ERR_NOT_FOUND;
}

/* ---- Difference -------------------------------------------------------------------------------------------------------- */

/* By the key table, so that a new tag is compared without anybody thinking of it. */
static bool same_child(const ike_child_settings *a, const ike_child_settings *b)
{
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *k = &ike_conf_keys[i];
        if (k->target == IKE_CONF_T_CHILD && !k->kind->same(k, a, b)) {
            return false;
        }
    }
    return strcmp(a->name, b->name) == 0;
}

/* Either may be NULL: not set. */
static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* In constant time, although only their owner could measure it. */
static bool same_users(const ike_conn_settings *a, const ike_conn_settings *b)
{
    bool same = a->n_users == b->n_users;
    for (size_t i = 0; same && i < a->n_users; i++) {
        const ike_user_settings *x = &a->users[i], *y = &b->users[i];
        same = strcmp(x->name, y->name) == 0 && x->secret.len == y->secret.len &&
               ike_ct_equal(x->secret.ptr, y->secret.ptr, x->secret.len);
    }
    return same;
}

/* Children are compared in order: another order is a change too. */
static ike_config_change compare(const ike_config_conn *a, const ike_config_conn *b)
{
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *k = &ike_conf_keys[i];
        if (k->target == IKE_CONF_T_CONN && !k->kind->same(k, a, b)) {
            return IKE_CONFIG_CHANGED;
        }
    }
    if (a->settings.n_children != b->settings.n_children || !same_users(&a->settings, &b->settings)) {
        return IKE_CONFIG_CHANGED;
    }
    for (size_t i = 0; i < a->settings.n_children; i++) {
        if (!same_child(&a->settings.children[i], &b->settings.children[i])) {
            return IKE_CONFIG_CHANGED;
        }
    }
    return same_text(a->settings.source, b->settings.source) ? IKE_CONFIG_SAME : IKE_CONFIG_MOVED;
}

/* Removed ones first, so that what they held is free for what comes. */
int ike_config_diff(const ike_config_conns *old, const ike_config_conns *now, ike_config_diff_fn fn, void *user)
{
    int r = 0;
    for (size_t i = 0; old && r == 0 && i < old->count; i++) {
        const ike_config_conn *was = &old->conns[i]->conn;
        if (ike_config_conns_find(now, was->settings.name) == NULL) {
            r = fn(user, IKE_CONFIG_REMOVED, was, NULL);
        }
    }
    for (size_t i = 0; r == 0 && i < now->count; i++) {
        const ike_config_conn *is = &now->conns[i]->conn;
        const ike_config_conn *was = old ? ike_config_conns_find(old, is->settings.name) : NULL;
        r = fn(user, was ? compare(was, is) : IKE_CONFIG_ADDED, was, is);
    }
    return r;
}

/* ---- [daemon] ---------------------------------------------------------------------------------------------------------- */

/* The defaults the key table names; a test compares them. */
void ike_config_daemon_init(ike_config_daemon *d)
{
    *d = (ike_config_daemon){
        .size = sizeof *d, .backend = "auto", .port = 500, .encap_port = 4500, .log_level = IKE_LOG_INFO, .routes = true};
}

/* Texts have to outlive the arena that parsing needs, so they are taken from the configuration itself. */
static void keep_texts(const struct ike_config_entry *section, ike_config_daemon *d)
{
    static const struct {
        const char *tag;
        size_t at;
    } texts[] = {{"listen", offsetof(ike_config_daemon, listen)},
                 {"socket", offsetof(ike_config_daemon, socket)},
                 {"keylog", offsetof(ike_config_daemon, keylog)},
                 {"tun-name", offsetof(ike_config_daemon, tun_name)},
                 {"modules", offsetof(ike_config_daemon, modules)}};
    IKE_LIST_EACH (at, next, (struct ike_list *)&section->tags) {
        const ike_triplet *t = &IKE_OF(at, const struct ike_config_entry, link)->t;
        for (size_t i = 0; i < IKE_COUNT(texts); i++) {
            /* By memcpy, as the fields are found by offset. */
            if (strcmp(texts[i].tag, t->tag) == 0) {
                memcpy((uint8_t *)d + texts[i].at, &t->value, sizeof t->value);
            }
        }
    }
}

/* Parsed into copies, which replace the caller's structs only when all was well. */
int ike_config_daemon_get(const ike_config *c, ike_config_daemon *d, ike_settings *engine, ike_config_report *report)
{
    const struct ike_config_entry *section = ike_config_find(c, "daemon", NULL);
    if ((d && d->size != sizeof *d) || (engine && engine->size != sizeof *engine)) {
        return IKE_ERR_INVALID;
    }
    if (section == NULL) {
        return IKE_OK;
    }
    struct ike_arena arena = {.mem = &c->mem};
    struct ike_conf_builder b = {.config = c, .report = report, .arena = &arena};
    ike_config_daemon own;
    ike_config_daemon_init(&own);
    ike_settings other = {.size = sizeof other};
    own = d ? *d : own;
    other = engine ? *engine : other;
    void *targets[] = {[IKE_CONF_T_DAEMON] = &own, [IKE_CONF_T_ENGINE] = &other, [IKE_CONF_T_NONE] = NULL};
    ike_conf_fill(&b, section, IKE_CONF_DAEMON, targets);
    if (!b.failed) {
        ike_conf_check_daemon(&b, &own);
    }
    if (!b.failed) {
        keep_texts(section, &own);
        if (d) {
            *d = own;
        }
        if (engine) {
            *engine = other;
        }
    }
    ike_arena_free(&arena);
    return b.no_memory ? IKE_ERR_NOMEM : b.failed ? IKE_ERR_INVALID : IKE_OK;
}

/* By the key table, so that a new tag is compared without anybody thinking of it. */
void ike_config_daemon_diff(const ike_config_daemon *a, const ike_settings *engine_a, const ike_config_daemon *b,
                            const ike_settings *engine_b, ike_config_tag_fn fn, void *user)
{
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *k = &ike_conf_keys[i];
        bool same = k->target == IKE_CONF_T_DAEMON                           ? k->kind->same(k, a, b)
                    : k->target == IKE_CONF_T_ENGINE && engine_a && engine_b ? k->kind->same(k, engine_a, engine_b)
                                                                             : true;
        if (!same) {
            fn(user, k->tag);
        }
    }
}
