/* SPDX-License-Identifier: ISC
 *
 * A small JSON reader for test data (RFC 8259). Strings are unescaped inside the copy of the text the tree owns.
 */
#include "vectors/json.h"

#include "vectors/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

/* What json_free gets back: the root is the first member. */
struct tree {
    struct json root;
    char *text;
    struct json *nodes[4096]; /* blocks of BLOCK nodes, so that a big file does not mean a call per node */
    size_t used;              /* nodes handed out */
};

enum { BLOCK = 1024 };

struct parser {
    struct tree *tree;
    char *p;
    int depth;
};

static bool parse_value(struct parser *s, struct json *v);

static struct json *new_node(struct tree *t)
{
    size_t block = t->used / BLOCK;
    if (block == sizeof(t->nodes) / sizeof(*t->nodes)) {
        return NULL;
    }
    if (!t->nodes[block]) {
        t->nodes[block] = calloc(BLOCK, sizeof(struct json));
    }
    return t->nodes[block] ? &t->nodes[block][t->used++ % BLOCK] : NULL;
}

static void skip_space(struct parser *s) { s->p += strspn(s->p, " \t\r\n"); }

static bool accept(struct parser *s, char c)
{
    skip_space(s);
    if (*s->p != c) {
        return false;
    }
    s->p++;
    return true;
}

/* The four digits of \u, or fewer where the text ends. */
static unsigned parse_unit(struct parser *s)
{
    char hex[5] = {0};
    for (size_t i = 0; i < 4 && *s->p; i++) {
        hex[i] = *s->p++;
    }
    return (unsigned)strtoul(hex, NULL, 16);
}

/* \uXXXX, a pair of surrogates included, to UTF-8. */
static char *put_escape(struct parser *s, char *out)
{
    unsigned c = parse_unit(s);
    if (c >= 0xd800 && c < 0xdc00 && s->p[0] == '\\' && s->p[1] == 'u') {
        s->p += 2;
        c = 0x10000 + ((c & 0x3ff) << 10) + (parse_unit(s) & 0x3ff);
    }
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* Behind the opening quote. The unescaped text is never longer than the escaped one, so it is written over it. */
static char *parse_string(struct parser *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *start = s->p, *out = s->p;
    while (*s->p && *s->p != '"') {
        if (*s->p != '\\') {
            *out++ = *s->p++;
            continue;
        }
        char c = *++s->p;
        const char *known = c ? strchr(from, c) : NULL;
        if (known) {
            *out++ = to[known - from];
            s->p++;
        } else if (c == 'u') {
            s->p++;
            out = put_escape(s, out);
        } else {
            return NULL;
        }
    }
    if (*s->p != '"') {
        return NULL;
    }
    s->p++;
    *out = 0;
    return start;
}

static bool parse_members(struct parser *s, struct json *v, char end)
{
    struct json **tail = &v->child;
    if (accept(s, end)) {
        return true;
    }
    do {
        struct json *m = new_node(s->tree);
        if (!m) {
            return false;
        }
        if (v->type == JSON_OBJECT && (!accept(s, '"') || !(m->key = parse_string(s)) || !accept(s, ':'))) {
            return false;
        }
        if (!parse_value(s, m)) {
            return false;
        }
        *tail = m;
        tail = &m->next;
    } while (accept(s, ','));
    return accept(s, end);
}

static bool parse_word(struct parser *s, struct json *v)
{
    static const char *const words[] = {[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
    for (enum json_type t = JSON_NULL; t <= JSON_TRUE; t++) {
        size_t n = strlen(words[t]);
        if (strncmp(s->p, words[t], n) == 0) {
            s->p += n;
            v->type = t;
            return true;
        }
    }
    return false;
}

/* A number ends where another token begins, so there is no room for a NUL behind it: it is copied into a node's worth of
 * octets of its own. */
static bool parse_number(struct parser *s, struct json *v)
{
    size_t n = strspn(s->p, "+-.0123456789eE");
    if (n == 0 || n >= sizeof(struct json)) {
        return false;
    }
    char *copy = (char *)new_node(s->tree);
    if (!copy) {
        return false;
    }
    memcpy(copy, s->p, n);
    v->type = JSON_NUMBER;
    v->text = copy;
    s->p += n;
    return true;
}

static bool parse_value(struct parser *s, struct json *v)
{
    bool ok;
    if (++s->depth > MAX_DEPTH) {
        return false;
    }
    skip_space(s);
    if (accept(s, '{')) {
        v->type = JSON_OBJECT;
        ok = parse_members(s, v, '}');
    } else if (accept(s, '[')) {
        v->type = JSON_ARRAY;
        ok = parse_members(s, v, ']');
    } else if (accept(s, '"')) {
        v->type = JSON_STRING;
        v->text = parse_string(s);
        ok = v->text != NULL;
    } else {
        ok = parse_word(s, v) || parse_number(s, v);
    }
    s->depth--;
    return ok;
}

struct json *json_parse(const char *text, size_t n)
{
    struct tree *t = calloc(1, sizeof(*t));
    if (!t || !(t->text = malloc(n + 1))) {
        free(t);
        return NULL;
    }
    memcpy(t->text, text, n);
    t->text[n] = 0;
    struct parser s = {t, t->text, 0};
    bool ok = parse_value(&s, &t->root);
    skip_space(&s);
    if (!ok || *s.p) {
        json_free(&t->root);
        return NULL;
    }
    return &t->root;
}

struct json *json_load(const char *path)
{
    size_t n;
    char *text = vec_read_file(path, &n);
    if (!text) {
        return NULL;
    }
    struct json *root = json_parse(text, n);
    free(text);
    if (!root) {
        fprintf(stderr, "%s: not JSON\n", path);
    }
    return root;
}

void json_free(struct json *root)
{
    if (!root) {
        return;
    }
    struct tree *t = (struct tree *)root;
    for (size_t i = 0; i < sizeof(t->nodes) / sizeof(*t->nodes); i++) {
        free(t->nodes[i]);
    }
    free(t->text);
    free(t);
}

const struct json *json_get(const struct json *object, const char *key)
{
    const struct json *m = object && object->type == JSON_OBJECT ? object->child : NULL;
    while (m && strcmp(m->key, key) != 0) {
        m = m->next;
    }
    return m;
}

const struct json *json_first(const struct json *v) { return v ? v->child : NULL; }

size_t json_count(const struct json *v)
{
    size_t n = 0;
    for (const struct json *m = json_first(v); m; m = m->next) {
        n++;
    }
    return n;
}

static const struct json *pick(const struct json *v, const char *key) { return key ? json_get(v, key) : v; }

const char *json_text(const struct json *v, const char *key)
{
    v = pick(v, key);
    return v ? v->text : NULL;
}

long json_long(const struct json *v, const char *key, long otherwise)
{
    const char *text = json_text(v, key);
    return text ? strtol(text, NULL, 10) : otherwise;
}

bool json_bool(const struct json *v, const char *key)
{
    v = pick(v, key);
    return v && v->type == JSON_TRUE;
}

size_t json_hex(const struct json *v, const char *key, uint8_t *out, size_t cap) { return vec_hex(json_text(v, key), out, cap); }

bool json_has(const struct json *v, const char *key, const char *string)
{
    for (const struct json *m = json_first(pick(v, key)); m; m = m->next) {
        if (m->text && strcmp(m->text, string) == 0) {
            return true;
        }
    }
    return false;
}
