/* SPDX-License-Identifier: ISC
 *
 * Error messages of the configuration: every one has the same parts, so that people learn to read them and programs can.
 */
#include "conf/conf.h"

/* All texts go through the escaping writer: values come from files that anybody may have written, and end on terminals. */
static void put(char *out, size_t n, const char *s)
{
    struct ike_text t = ike_text(out, n);
    ike_text_escaped(&t, ike_bytes_of(s, strlen(s)));
}

/* Of a long file name the end says more. */
static void put_file(char *out, size_t n, const char *s)
{
    size_t len = strlen(s);
    bool cut = len >= n;
    struct ike_text t = ike_text(out, n);
    ike_text_str(&t, cut ? "..." : "");
    /* Three dots and the NUL take four. */
    s += cut ? len - (n - 4) : 0;
    ike_text_escaped(&t, ike_bytes_of(s, strlen(s)));
}

/* Octet by octet, so that the cut falls behind a whole escape and leaves room for the end. */
static void put_quoted(char *out, size_t n, ike_bytes b)
{
    static const char cut[] = "…";
    const size_t most = n / 2; /* escapes are four times as long; what matters is the beginning */
    struct ike_text t = ike_text(out, n);
    size_t i = 0;
    ike_text_char(&t, '"');
    while (i < b.len && i < most && t.len + strlen("\\x00") + sizeof cut <= n) {
        ike_text_escaped(&t, ike_bytes_of(b.ptr + i++, 1));
    }
    ike_text_str(&t, i < b.len ? cut : "\"");
}

/* Nothing is allocated: errors go to the caller's rows, and what does not fit is counted. */
static ike_config_error *add(ike_config_report *r, const ike_triplet *t, const char *expected)
{
    if (r->n >= r->max) {
        r->more++;
        return NULL;
    }
    ike_config_error *e = &r->list[r->n++];
    memset(e, 0, sizeof *e);
    if (t) {
        put_file(e->file, sizeof e->file, t->file ? t->file : "");
        put(e->section, sizeof e->section, t->section ? t->section : "");
        put(e->tag, sizeof e->tag, t->tag ? t->tag : "");
        e->line = t->line;
    }
    ike_text_str(&(struct ike_text){e->expected, sizeof e->expected, 0}, expected);
    return e;
}

/* A likely word beats a general hint: there is room for one, and it is what people act on. */
void ike_conf_report(ike_config_report *r, const ike_triplet *t, const char *expected, ike_bytes found,
                     const struct ike_conf_fault *why)
{
    ike_config_error *e = add(r, t, expected);
    /* Counted in `more`. */
    if (e == NULL) {
        return;
    }
    if (found.ptr) {
        put_quoted(e->found, sizeof e->found, found);
    } else {
        put(e->found, sizeof e->found, "nothing");
    }
    struct ike_text h = ike_text(e->hint, sizeof e->hint);
    if (why && why->meant) {
        ike_text_str(&h, "did you mean \"");
        ike_text_str(&h, why->meant);
        ike_text_str(&h, "\"?");
    } else if (why && why->hint) {
        ike_text_str(&h, why->hint);
    }
}

void ike_config_complain(ike_config_report *report, const ike_triplet *at, const char *expected, ike_bytes found,
                         const char *hint)
{
    ike_conf_report(report, at, expected, found, &(struct ike_conf_fault){.hint = hint});
}

/* For what is no quotation: "a second one", "something else (not shown)". Secrets are reported by this alone. */
void ike_conf_report_word(ike_config_report *r, const ike_triplet *t, const char *expected, const char *found,
                          const char *hint)
{
    ike_config_error *e = add(r, t, expected);
    if (e) {
        put(e->found, sizeof e->found, found);
        struct ike_text h = ike_text(e->hint, sizeof e->hint);
        ike_text_str(&h, hint ? hint : "");
    }
}

/* Parts that are empty take their punctuation with them. */
size_t ike_config_error_format(const ike_config_error *e, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    ike_text_str(&t, e->file);
    if (e->line) {
        ike_text_char(&t, ':');
        ike_text_uint(&t, e->line);
    }
    ike_text_str(&t, t.len ? ":" : "");
    if (e->section[0]) {
        ike_text_str(&t, t.len ? " [" : "[");
        ike_text_str(&t, e->section);
        ike_text_str(&t, e->tag[0] ? "]" : "]:");
    }
    if (e->tag[0]) {
        ike_text_str(&t, t.len ? " " : "");
        ike_text_str(&t, e->tag);
        ike_text_char(&t, ':');
    }
    ike_text_str(&t, t.len ? " expected " : "expected ");
    ike_text_str(&t, e->expected);
    ike_text_str(&t, ", found ");
    ike_text_str(&t, e->found);
    if (e->hint[0]) {
        ike_text_str(&t, "; ");
        ike_text_str(&t, e->hint);
    }
    return t.len;
}
