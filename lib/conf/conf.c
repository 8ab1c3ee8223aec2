/* SPDX-License-Identifier: ISC
 *
 * The database of (section, tag, value) with its transactions.
 *
 * A transaction works on the database itself and notes for each change what would undo it; the note is made before the
 * change, so taking back needs no memory. Entries that leave the database during a transaction are kept by its notes.
 */
#include "conf/conf.h"

#include "base/siphash.h"

typedef struct ike_config_entry entry;

/* One note per change, newest first. Both fields are set where an entry took another's place. */
struct ike_config_undo {
    struct ike_config_undo *next;
    entry *added;   /* to be taken out again */
    entry *removed; /* to be put back before `before` */
    struct ike_list *before;
};

/* Zeroed, so that whatever fails half-way finds NULL where nothing is yet. */
static void *get(ike_config *c, size_t n)
{
    void *p = c->mem.alloc(c->mem.user, n);
    if (p) {
        memset(p, 0, n);
    }
    return p;
}

/* Everything is wiped: which value is a secret is not known here. */
static void drop(ike_config *c, void *p, size_t n)
{
    ike_wipe(p, n);
    c->mem.release(c->mem.user, p, n);
}

/* Only the head: buckets come with the first triplet. */
int ike_config_new(ike_config **out, const ike_allocator *mem)
{
    *out = NULL;
    ike_config *c = mem->alloc(mem->user, sizeof *c);
    if (c == NULL) {
        return IKE_ERR_NOMEM;
    }
    memset(c, 0, sizeof *c);
    c->mem = *mem;
    ike_list_init(&c->sections);
    *out = c;
    return IKE_OK;
}

/* Names come from people who may configure anyway, so the hash needs no secret key. A tag's hash differs from its section's
 * even when it is hashed to 0. */
static uint64_t hash(const char *section, const char *tag)
{
    static const uint8_t key[16] = {0};
    uint64_t h = ike_siphash(key, section, strlen(section));
    return tag ? h ^ (ike_siphash(key, tag, strlen(tag)) << 1 | 1) : h;
}

/* Different keys may share a hash, so texts decide. */
static bool is(const entry *e, const char *section, const char *tag)
{
    return strcmp(e->t.section, section) == 0 && (tag ? e->t.tag && strcmp(e->t.tag, tag) == 0 : e->t.tag == NULL);
}

/* Const for the map, not for the entry: those who change it have the configuration themselves. */
static entry *find(const ike_config *c, const char *section, const char *tag)
{
    struct ike_map_node *n = ike_map_find(&c->map, hash(section, tag));
    while (n && !is(IKE_OF(n, entry, node), section, tag)) {
        n = ike_map_find_next(n);
    }
    return n ? IKE_OF(n, entry, node) : NULL;
}

const entry *ike_config_find(const ike_config *c, const char *section, const char *tag) { return find(c, section, tag); }

/* A section goes with its tags; they must be out of the map by then. */
static void free_entry(ike_config *c, entry *e)
{
    if (e->t.tag == NULL) {
        IKE_LIST_EACH(at, next, &e->tags)
        {
            entry *tag = IKE_OF(at, entry, link);
            drop(c, tag, tag->size);
        }
    }
    drop(c, e, e->size);
}

/* Taking back an open transaction first leaves one list of all there is. */
void ike_config_free(ike_config *c)
{
    if (c == NULL) {
        return;
    }
    ike_config_abort(c);
    IKE_LIST_EACH(at, next, &c->sections) { free_entry(c, IKE_OF(at, entry, link)); }
    for (struct ike_config_file *f = c->files, *next; f; f = next) {
        next = f->next;
        drop(c, f, f->size);
    }
    ike_map_free(&c->by_file, &c->mem);
    ike_map_free(&c->map, &c->mem);
    ike_allocator mem = c->mem;
    mem.release(mem.user, c, sizeof *c);
}

/* ---- Lines that could not be read --------------------------------------------------------------------------------------- */

/* Without memory for the note one fault is told as two, which is no harm. */
void ike_config_spoil(ike_config *c, const char *section, const char *tag, size_t n)
{
    size_t ns = strlen(section) + 1;
    struct ike_config_spoilt *s = get(c, sizeof *s + ns + n + 1);
    if (s) {
        s->size = sizeof *s + ns + n + 1;
        s->tag = ns;
        memcpy(s->section, section, ns);
        memcpy(s->section + ns, tag, n);
        s->next = c->spoilt;
        c->spoilt = s;
    }
}

bool ike_config_spoilt(const ike_config *c, const char *section, const char *tag)
{
    const struct ike_config_spoilt *s = c->spoilt;
    while (s && (strcmp(s->section, section) != 0 || strcmp(s->section + s->tag, tag) != 0)) {
        s = s->next;
    }
    return s != NULL;
}

static void forget_spoilt(ike_config *c)
{
    for (struct ike_config_spoilt *s = c->spoilt, *next; s; s = next) {
        next = s->next;
        drop(c, s, s->size);
    }
    c->spoilt = NULL;
}

/* ---- Transactions ------------------------------------------------------------------------------------------------------ */

/* Nothing is copied: readers see changes at once, which lets the whole be checked before it is committed. */
int ike_config_begin(ike_config *c)
{
    if (c->open) {
        return IKE_ERR_STATE;
    }
    c->open = true;
    return IKE_OK;
}

/* Only now do entries that were replaced or removed go: until here they may have to come back. */
int ike_config_commit(ike_config *c)
{
    if (!c->open) {
        return IKE_ERR_STATE;
    }
    for (struct ike_config_undo *u = c->undo, *next; u; u = next) {
        next = u->next;
        if (u->removed) {
            free_entry(c, u->removed);
        }
        drop(c, u, sizeof *u);
    }
    c->undo = NULL;
    c->open = false;
    forget_spoilt(c);
    return IKE_OK;
}

/* Out of list and map; the entry itself stays. Tags of a section stay linked to it. A section's tags leave the map too, or a
 * look-up would find tags of a section that is not there. */
static void unhook(ike_config *c, entry *e)
{
    ike_list_del(&e->link);
    ike_map_del(&c->map, &e->node);
    if (e->t.tag == NULL) {
        IKE_LIST_EACH(at, next, &e->tags) { ike_map_del(&c->map, &IKE_OF(at, entry, link)->node); }
    }
}

static void hook(ike_config *c, entry *e, struct ike_list *before)
{
    ike_list_add(before, &e->link); /* the end of a ring that begins at `before` is the place before it */
    ike_map_add(&c->map, &e->node, hash(e->t.section, e->t.tag), &c->mem);
    if (e->t.tag == NULL) {
        IKE_LIST_EACH(at, next, &e->tags)
        {
            entry *tag = IKE_OF(at, entry, link);
            ike_map_add(&c->map, &tag->node, hash(tag->t.section, tag->t.tag), &c->mem);
        }
    }
}

/* Newest first: each note then meets the list as it was right after its own change, so `before` is in its place again. */
void ike_config_abort(ike_config *c)
{
    for (struct ike_config_undo *u = c->undo, *next; u; u = next) {
        next = u->next;
        if (u->added) {
            unhook(c, u->added);
            free_entry(c, u->added);
        }
        if (u->removed) {
            hook(c, u->removed, u->before);
        }
        drop(c, u, sizeof *u);
    }
    c->undo = NULL;
    c->open = false;
    forget_spoilt(c);
}

/* ---- Changes ----------------------------------------------------------------------------------------------------------- */

/* One copy per file, kept as long as the database: triplets of undone changes may go, views of the name may not. */
static const char *file_name(ike_config *c, const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    uint64_t key = hash(name, NULL);
    for (struct ike_map_node *at = ike_map_find(&c->by_file, key); at; at = ike_map_find_next(at)) {
        struct ike_config_file *f = IKE_OF(at, struct ike_config_file, node);
        if (strcmp(f->name, name) == 0) {
            return f->name;
        }
    }
    size_t n = strlen(name) + 1;
    struct ike_config_file *f = get(c, sizeof *f + n);
    /* An entry without file name is better than none for want of memory. */
    if (f == NULL) {
        return NULL;
    }
    ike_map_add(&c->by_file, &f->node, key, &c->mem);
    memcpy(f->name, name, n);
    f->size = sizeof *f + n;
    f->next = c->files;
    c->files = f;
    return f->name;
}

/* One allocation: the strings stand behind the struct, and go with it. */
static entry *new_entry(ike_config *c, const ike_triplet *t, entry *section)
{
    /* A section itself has neither tag nor value. */
    size_t ns = strlen(t->section) + 1, nt = t->tag ? strlen(t->tag) + 1 : 0, nv = t->tag ? strlen(t->value) + 1 : 0;
    entry *e = get(c, sizeof *e + ns + nt + nv);
    if (e == NULL) {
        return NULL;
    }
    char *p = (char *)(e + 1);
    e->size = sizeof *e + ns + nt + nv;
    e->section = section;
    e->t.section = memcpy(p, t->section, ns);
    e->t.tag = nt ? memcpy(p + ns, t->tag, nt) : NULL;
    e->t.value = nv ? memcpy(p + ns + nt, t->value, nv) : NULL;
    e->t.file = file_name(c, t->file);
    e->t.line = t->line;
    ike_list_init(&e->link);
    ike_list_init(&e->tags);
    return e;
}

/* Put a new entry at the end of `list`, or in the place of `old`. The note is allocated first and linked last: either both
 * it and the change are there, or neither. */
static int insert(ike_config *c, const ike_triplet *t, entry *section, entry *old, struct ike_list *list)
{
    struct ike_config_undo *u = get(c, sizeof *u);
    entry *e = u ? new_entry(c, t, section) : NULL;
    if (e == NULL) {
        if (u) {
            drop(c, u, sizeof *u);
        }
        return IKE_ERR_NOMEM;
    }
    ike_map_add(&c->map, &e->node, hash(t->section, t->tag), &c->mem);
    /* A replaced tag keeps its place, so the configuration reads in the order it was written. */
    struct ike_list *before = old ? old->link.next : list;
    if (old) {
        unhook(c, old);
    }
    ike_list_add(before, &e->link);
    *u = (struct ike_config_undo){c->undo, e, old, before};
    c->undo = u;
    return IKE_OK;
}

/* A section that had to be made has a note of its own, so an abort takes it out again. */
int ike_config_put(ike_config *c, const ike_triplet *t)
{
    if (!c->open) {
        return IKE_ERR_STATE;
    }
    if (t->section == NULL || t->section[0] == 0 ||
        (t->tag && (t->tag[0] == 0 || t->value == NULL || strlen(t->value) > IKE_CONFIG_VALUE_MAX))) {
        return IKE_ERR_INVALID;
    }
    /* Tags stand under their section, so it is made first; its place is where its first tag was put. */
    entry *section = find(c, t->section, NULL);
    if (section == NULL) {
        ike_triplet head = *t;
        head.tag = head.value = NULL;
        int r = insert(c, &head, NULL, NULL, &c->sections);
        if (r != IKE_OK) {
            return r;
        }
        section = find(c, t->section, NULL);
    }
    /* A section that is there already is no fault when it is put again. */
    return t->tag ? insert(c, t, section, find(c, t->section, t->tag), &section->tags) : IKE_OK;
}

/* Kept by the note until the commit. Without memory for the note nothing is removed. */
int ike_config_remove(ike_config *c, const char *section, const char *tag)
{
    if (!c->open) {
        return IKE_ERR_STATE;
    }
    entry *e = find(c, section, tag);
    if (e == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    struct ike_config_undo *u = get(c, sizeof *u);
    if (u == NULL) {
        return IKE_ERR_NOMEM;
    }
    *u = (struct ike_config_undo){c->undo, NULL, e, e->link.next};
    c->undo = u;
    unhook(c, e);
    return IKE_OK;
}

/* ---- Looking ----------------------------------------------------------------------------------------------------------- */

/* The views are the database's own strings. */
int ike_config_get(const ike_config *c, const char *section, const char *tag, ike_triplet *out)
{
    const entry *e = find(c, section, tag);
    if (e == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    *out = e->t;
    return IKE_OK;
}

/* fn must not change the configuration: the walk goes over the live lists. */
int ike_config_each(const ike_config *c, int (*fn)(void *user, const ike_triplet *t), void *user)
{
    IKE_LIST_EACH(s, next_section, (struct ike_list *)&c->sections)
    {
        entry *section = IKE_OF(s, entry, link);
        int r = fn(user, &section->t);
        IKE_LIST_EACH(at, next, &section->tags) { r = r ? r : fn(user, &IKE_OF(at, entry, link)->t); }
        if (r) {
            return r;
        }
    }
    return 0;
}
