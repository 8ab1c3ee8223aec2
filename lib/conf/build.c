/* SPDX-License-Identifier: ISC
 *
 * From triplets to connections: every section and every value is checked, then what only shows when all is known.
 *
 * Children: [child NAME] says `connection = NAME`, or is called [child CONNECTION/NAME]. A child's tags that stand in the
 * connection hold for all its children. local-net and remote-net there, or a connection without [child] sections, make a
 * child of the connection's own name.
 */
#include "conf/build.h"

#include "base/siphash.h"

typedef struct ike_config_entry entry;

/* Names come from people who may configure anyway, so the hash needs no secret key. */
static uint64_t name_hash(const char *name, size_t n)
{
    static const uint8_t key[16] = {0};
    return ike_siphash(key, name, n);
}

/* `name` may be a part of a title, not ended by NUL. */
static struct ike_conf_draft *find(const struct ike_map *map, const char *name, size_t n)
{
    for (struct ike_map_node *at = ike_map_find(map, name_hash(name, n)); at; at = ike_map_find_next(at)) {
        struct ike_conf_draft *d = IKE_OF(at, struct ike_conf_draft, node);
        if (strlen(d->conn.settings.name) == n && memcmp(d->conn.settings.name, name, n) == 0) {
            return d;
        }
    }
    return NULL;
}

/* ---- Section titles ---------------------------------------------------------------------------------------------------- */

/* "child office/lan": kind, name behind the blank (empty if there is none). IKE_CONF_SECTIONS when unknown. A further blank is
 * part of the name, which is then none. */
static unsigned kind_of(const char *section, const char **name)
{
    size_t n = strcspn(section, " ");
    *name = section[n] ? section + n + 1 : section + n;
    for (unsigned i = 0; i < IKE_CONF_SECTIONS; i++) {
        const char *known = ike_conf_section_name(i);
        if (strlen(known) == n && memcmp(known, section, n) == 0) {
            return i;
        }
    }
    return IKE_CONF_SECTIONS;
}

/* The title is quoted whole: it is what stands in the file. */
static void title_wrong(struct ike_conf_builder *b, const entry *s, const char *expected, const struct ike_conf_fault *f)
{
    b->failed = true;
    ike_conf_report(b->report, &s->t, expected, ike_bytes_of(s->t.section, strlen(s->t.section)), f);
}

/* The hint is about the kind only: names are free. */
static void unknown_section(struct ike_conf_builder *b, const entry *s)
{
    char word[64] = {0};
    size_t n = strcspn(s->t.section, " ");
    const char *kinds[IKE_CONF_SECTIONS];
    for (unsigned i = 0; i < IKE_CONF_SECTIONS; i++) {
        kinds[i] = ike_conf_section_name(i);
    }
    memcpy(word, s->t.section, n < sizeof word ? n : sizeof word - 1);
    struct ike_conf_fault f = {.meant = ike_conf_nearest(word, kinds, IKE_CONF_SECTIONS)};
    /* What other programs call it is too short to be near. */
    if (strcmp(word, "conn") == 0) {
        f.meant = "connection";
    }
    title_wrong(b, s, "[daemon], [connection NAME], [child NAME] or [user NAME]", &f);
}

/* Whether the title's name is one; reports. A child's title may hold both names; each has to be one. */
static bool name_fits(struct ike_conf_builder *b, const entry *s, unsigned kind, const char *name)
{
    static const struct ike_conf_fault how = {.hint = "a name has 1 to 47 characters, no blanks, none of / \" [ ] ,"};
    const char *slash = kind == IKE_CONF_CHILD ? strchr(name, '/') : NULL;
    if (kind == IKE_CONF_DAEMON) {
        if (name[0]) {
            title_wrong(b, s, "[daemon] without a name", NULL);
        }
        return name[0] == 0;
    }
    bool ok = slash ? ike_conf_name_ok(name, (size_t)(slash - name)) && ike_conf_name_ok(slash + 1, strlen(slash + 1))
                    : ike_conf_name_ok(name, strlen(name));
    if (!ok) {
        title_wrong(b, s,
                    kind == IKE_CONF_CHILD  ? "[child NAME] or [child CONNECTION/NAME]"
                    : kind == IKE_CONF_USER ? "[user NAME]"
                                            : "[connection NAME]",
                    &how);
    }
    return ok;
}

/* ---- Tags -------------------------------------------------------------------------------------------------------------- */

/* That a tag belongs elsewhere is worth more than a tag that is spelt alike. */
static void unknown_tag(struct ike_conf_builder *b, const entry *e, unsigned kind)
{
    char expected[64], hint[96];
    struct ike_conf_fault f = {.meant = ike_conf_key_nearest(kind, e->t.tag)};
    unsigned other = ike_conf_key_elsewhere(kind, e->t.tag);
    struct ike_text t = ike_text(expected, sizeof expected), h = ike_text(hint, sizeof hint);
    ike_text_str(&t, "a tag of a [");
    ike_text_str(&t, ike_conf_section_name(kind));
    ike_text_str(&t, "] section");
    if (other != IKE_CONF_SECTIONS) {
        ike_text_str(&h, "this tag belongs in [");
        ike_text_str(&h, ike_conf_section_name(other));
        ike_text_str(&h, other == IKE_CONF_DAEMON ? "]" : " NAME]");
        f = (struct ike_conf_fault){.hint = hint};
    }
    ike_triplet at = e->t;
    /* The tag is what was found; it cannot also be where. */
    at.tag = NULL;
    b->failed = true;
    ike_conf_report(b->report, &at, expected, ike_bytes_of(e->t.tag, strlen(e->t.tag)), &f);
}

/* A row's own words say what is expected, unless the value's parser knew better. */
void ike_conf_value_wrong(struct ike_conf_builder *b, const entry *e, const struct ike_conf_key *k, struct ike_conf_fault *f)
{
    char expected[192];
    const char *value = e->t.value;
    ike_conf_expected(k, expected, sizeof expected);
    b->failed = true;
    if (f->no_memory) {
        b->no_memory = true;
    } else if (k->kind->secret) {
        ike_conf_report_word(b->report, &e->t, expected, "something else (not shown)", f->hint);
    } else {
        /* A comment behind a value is part of the value here, which is found out by nothing else. */
        if (f->hint == NULL && f->meant == NULL && (strstr(value, " #") || strstr(value, " ;"))) {
            f->hint = "a comment needs a line of its own";
        }
        ike_bytes found = f->found ? ike_bytes_of(f->found, f->found_len) : ike_bytes_of(value, strlen(value));
        ike_conf_report(b->report, &e->t, f->expected ? f->expected : expected, found, f);
    }
}

/* All tags of a section into targets[ike_conf_target]; a NULL target is checked for sense only by whoever owns it. */
void ike_conf_fill(struct ike_conf_builder *b, const entry *section, unsigned kind, void *const *targets)
{
    IKE_LIST_EACH(at, next, (struct ike_list *)&section->tags)
    {
        const entry *e = IKE_OF(at, const entry, link);
        /* The configuration was written by triplets from anywhere, so tags are looked up here and not where they were read. */
        const struct ike_conf_key *k = ike_conf_key_find(kind, e->t.tag);
        struct ike_conf_fault f = {0};
        if (k == NULL) {
            unknown_tag(b, e, kind);
        } else if ((k->target == IKE_CONF_T_NONE || targets[k->target]) &&
                   !k->kind->parse(b->arena, k, e->t.value, k->target == IKE_CONF_T_NONE ? NULL : targets[k->target], &f)) {
            ike_conf_value_wrong(b, e, k, &f);
        }
    }
}

/* ---- Users ------------------------------------------------------------------------------------------------------------- */

static void add_user(struct ike_conf_builder *b, const entry *s, const char *name)
{
    struct ike_conf_user *u = ike_arena_get(b->arena, sizeof *u);
    if (u == NULL) {
        b->no_memory = true;
        return;
    }
    u->user.line = s->t.line;
    u->user.name = u->settings.name = ike_arena_text(b->arena, name, strlen(name));
    u->user.file = s->t.file ? ike_arena_text(b->arena, s->t.file, strlen(s->t.file)) : NULL;
    if (!u->user.name || (s->t.file && !u->user.file)) {
        b->no_memory = true;
        return;
    }
    *b->last_user = u;
    b->last_user = &u->next;
    b->n_users++;
    void *targets[] = {[IKE_CONF_T_USER] = u, [IKE_CONF_T_NONE] = NULL};
    ike_conf_fill(b, s, IKE_CONF_USER, targets);
    ike_conf_check_user(b, s);
}

/* One array for all connections: a secret that comes from a file later is in each. */
static void gather_users(struct ike_conf_builder *b)
{
    size_t i = 0;
    b->user_settings = ike_arena_get(b->arena, b->n_users * sizeof *b->user_settings + 1);
    b->no_memory |= b->user_settings == NULL;
    for (struct ike_conf_user *u = b->users; u && b->user_settings; u = u->next) {
        b->user_settings[i++] = u->settings;
    }
}

/* ---- Connections ------------------------------------------------------------------------------------------------------- */

/* "file:line", for failure records. Nothing where the triplets came from no file. */
static bool source_text(struct ike_conf_builder *b, ike_config_conn *c)
{
    char text[256];
    struct ike_text t = ike_text(text, sizeof text);
    /* A failure record holds 63 characters: the end of a long path is what tells. */
    size_t n = c->file ? strlen(c->file) : 0;
    if (n) {
        ike_text_str(&t, n > 48 ? "..." : "");
        ike_text_str(&t, n > 48 ? c->file + n - 45 : c->file);
        if (c->line) {
            ike_text_char(&t, ':');
            ike_text_uint(&t, c->line);
        }
        c->settings.source = ike_arena_text(b->arena, text, t.len);
        return c->settings.source != NULL;
    }
    return true;
}

/* Linked and counted even when a value is wrong, so that its children find it and only real faults are reported. */
static void add_connection(struct ike_conf_builder *b, const entry *s, const char *name)
{
    struct ike_conf_draft *d = ike_arena_get(b->arena, sizeof *d);
    if (d == NULL) {
        b->no_memory = true;
        return;
    }
    ike_conn_settings_init(&d->conn.settings);
    ike_child_settings_init(&d->defaults);
    d->last_child = &d->children;
    d->section = s;
    d->conn.line = s->t.line;
    d->conn.settings.name = ike_arena_text(b->arena, name, strlen(name));
    d->conn.file = s->t.file ? ike_arena_text(b->arena, s->t.file, strlen(s->t.file)) : NULL;
    if (!d->conn.settings.name || (s->t.file && !d->conn.file) || !source_text(b, &d->conn)) {
        b->no_memory = true;
        return;
    }
    ike_map_add(b->map, &d->node, name_hash(name, strlen(name)), b->arena->mem);
    *b->last = d;
    b->last = &d->next;
    b->count++;
    /* Child tags in the connection go to the defaults. */
    void *targets[] = {[IKE_CONF_T_CONN] = &d->conn, [IKE_CONF_T_CHILD] = &d->defaults, [IKE_CONF_T_NONE] = NULL};
    ike_conf_fill(b, s, IKE_CONF_CONNECTION, targets);
    ike_conf_check_conn(b, d);
}

/* ---- Children ---------------------------------------------------------------------------------------------------------- */

/* The connection a [child] section belongs to; NULL if it was reported. Connections have been read already: walk() takes the
 * kinds in that order. */
static struct ike_conf_draft *owner(struct ike_conf_builder *b, const entry *s, const char *name)
{
    const char *slash = strchr(name, '/');
    const entry *tag = ike_config_find(b->config, s->t.section, "connection");
    /* The title says it, or the tag; when both do they must agree. */
    const char *conn = slash ? name : tag ? tag->t.value : "";
    size_t n = slash ? (size_t)(slash - name) : strlen(conn);
    struct ike_conf_draft *d = find(b->map, conn, n);
    bool both = slash && tag && (strlen(tag->t.value) != n || memcmp(tag->t.value, name, n) != 0);
    if (d && !both) {
        return d;
    }
    b->failed = true;
    /* Its line has been reported. */
    if (!slash && !tag && ike_config_spoilt(b->config, s->t.section, "connection")) {
        return NULL;
    }
    ike_triplet at = tag ? tag->t : s->t;
    at.tag = slash && !both ? NULL : "connection";
    struct ike_conf_fault f = {.hint = both ? "the section's title names another one"
                                       : n  ? NULL
                                            : "or call it [child CONNECTION/NAME]"};
    if (both) {
        conn = tag->t.value;
        n = strlen(conn);
    }
    ike_conf_report(b->report, &at, "the name of a [connection] section", n ? ike_bytes_of(conn, n) : (ike_bytes){NULL, 0},
                    &f);
    return NULL;
}

/* Starts with what the connection says for all of its children. */
static struct ike_conf_child *new_child(struct ike_conf_builder *b, struct ike_conf_draft *d, const entry *s,
                                        const char *name)
{
    struct ike_conf_child *k = ike_arena_get(b->arena, sizeof *k);
    if (k == NULL) {
        b->no_memory = true;
        return NULL;
    }
    k->section = s;
    k->settings = d->defaults;
    k->settings.name = ike_arena_text(b->arena, name, strlen(name));
    /* Not linked: whoever walks the children compares their names. */
    if (k->settings.name == NULL) {
        b->no_memory = true;
        return NULL;
    }
    *d->last_child = k;
    d->last_child = &k->next;
    d->conn.settings.n_children++;
    return k;
}

/* A child of a connection that is missing is read all the same, into a draft that is forgotten, so that its own faults show
 * in the same run. */
static void add_child(struct ike_conf_builder *b, const entry *s, const char *name)
{
    struct ike_conf_draft *d = owner(b, s, name);
    struct ike_conf_draft stray; /* of no connection: its values are still looked at */
    if (d == NULL) {
        memset(&stray, 0, sizeof stray);
        stray.last_child = &stray.children;
        ike_child_settings_init(&stray.defaults);
    }
    const char *slash = strchr(name, '/');
    struct ike_conf_child *k = new_child(b, d ? d : &stray, s, slash ? slash + 1 : name);
    if (k == NULL) {
        return;
    }
    /* Networks are not inherited: in the connection they make a child of their own (own_child). */
    k->settings.local_ts = k->settings.remote_ts = NULL;
    k->settings.n_local_ts = k->settings.n_remote_ts = 0;
    void *targets[] = {[IKE_CONF_T_CHILD] = &k->settings, [IKE_CONF_T_NONE] = NULL};
    ike_conf_fill(b, s, IKE_CONF_CHILD, targets);
}

/* Without any child nothing could be negotiated, so a connection has at least one. */
static void own_child(struct ike_conf_builder *b, struct ike_conf_draft *d)
{
    const char *section = d->section->t.section;
    bool nets = ike_config_find(b->config, section, "local-net") || ike_config_find(b->config, section, "remote-net");
    if (nets || d->children == NULL) {
        new_child(b, d, d->section, d->conn.settings.name);
    }
}

/* Drafts are linked lists while their number grows; settings want an array. */
static void finish(struct ike_conf_builder *b, struct ike_conf_draft *d)
{
    size_t i = 0;
    ike_child_settings *list = ike_arena_get(b->arena, d->conn.settings.n_children * sizeof *list);
    if (list == NULL) {
        b->no_memory = true;
        return;
    }
    for (struct ike_conf_child *k = d->children; k; k = k->next) {
        ike_conf_check_child(b, d, k);
        list[i++] = k->settings;
    }
    d->conn.settings.children = list;
}

/* ---- All --------------------------------------------------------------------------------------------------------------- */

/* Titles first, so that children find connections that stand behind them. */
static void walk(struct ike_conf_builder *b, unsigned wanted)
{
    IKE_LIST_EACH(at, next, (struct ike_list *)&b->config->sections)
    {
        const entry *s = IKE_OF(at, const entry, link);
        const char *name;
        unsigned kind = kind_of(s->t.section, &name);
        /* What could not be kept would be missed by what refers to it: not a fault of the file. */
        if (kind != wanted || b->no_memory) {
            continue;
        }
        if (kind == IKE_CONF_SECTIONS) {
            unknown_section(b, s);
        } else if (!name_fits(b, s, kind, name)) {
            continue;
        } else if (kind == IKE_CONF_CONNECTION) {
            add_connection(b, s, name);
        } else if (kind == IKE_CONF_CHILD) {
            add_child(b, s, name);
        } else if (kind == IKE_CONF_USER) {
            add_user(b, s, name);
        }
    }
}

/* Goes on after errors, so that one run shows all; the arena frees whatever was made. */
int ike_config_build(const ike_config *c, ike_config_conns **out, ike_config_report *report)
{
    *out = NULL;
    ike_config_conns *s = c->mem.alloc(c->mem.user, sizeof *s);
    if (s == NULL) {
        return IKE_ERR_NOMEM;
    }
    memset(s, 0, sizeof *s);
    s->mem = c->mem;
    s->arena.mem = &s->mem;
    struct ike_conf_draft *list = NULL;
    struct ike_conf_builder b = {.config = c, .report = report, .arena = &s->arena, .map = &s->map, .last = &list};
    b.last_user = &b.users;
    /* Unknown titles first, since faults that follow from them look strange without that. */
    walk(&b, IKE_CONF_SECTIONS);
    walk(&b, IKE_CONF_DAEMON);
    walk(&b, IKE_CONF_USER);
    gather_users(&b);
    s->users = b.users;
    s->user_settings = b.user_settings;
    walk(&b, IKE_CONF_CONNECTION);
    walk(&b, IKE_CONF_CHILD);
    s->count = b.count;
    /* One octet more, as a configuration may have no connection at all. */
    s->conns = ike_arena_get(&s->arena, b.count * sizeof *s->conns + 1);
    size_t i = 0;
    for (struct ike_conf_draft *d = list; d && !b.no_memory; d = d->next) {
        own_child(&b, d);
        finish(&b, d);
        if (s->conns) {
            s->conns[i++] = d;
        }
    }
    if (b.no_memory || s->conns == NULL || b.failed) {
        ike_config_conns_free(s);
        return b.no_memory || !b.failed ? IKE_ERR_NOMEM : IKE_ERR_INVALID;
    }
    *out = s;
    return IKE_OK;
}

/* The map's nodes lie in the arena, so its table goes first. The struct holds the allocator, which is needed to the end. */
void ike_config_conns_free(ike_config_conns *s)
{
    if (s) {
        ike_allocator mem = s->mem;
        ike_map_free(&s->map, &s->mem);
        ike_arena_free(&s->arena);
        mem.release(mem.user, s, sizeof *s);
    }
}

const ike_config_user *ike_config_conns_user(const ike_config_conns *s, size_t i)
{
    const struct ike_conf_user *u = s->users;
    for (; u && i; i--) {
        u = u->next;
    }
    return u ? &u->user : NULL;
}

size_t ike_config_conns_count(const ike_config_conns *s) { return s->count; }

const ike_config_conn *ike_config_conns_at(const ike_config_conns *s, size_t i)
{
    return i < s->count ? &s->conns[i]->conn : NULL;
}

const ike_config_conn *ike_config_conns_find(const ike_config_conns *s, const char *name)
{
    struct ike_conf_draft *d = find(&s->map, name, strlen(name));
    return d ? &d->conn : NULL;
}
