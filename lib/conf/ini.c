/* SPDX-License-Identifier: ISC
 *
 * The reader of INI text. It goes on after an error, so that one run shows all of them; what stands under a header that is
 * wrong is looked at but not stored.
 */
#include "conf/conf.h"

/* Longer than any kind of section with two names of 47 characters. */
#define SECTION_MAX 127
#define TAG_MAX     47

/* On the heap, wiped when done: the line may hold a secret. */
struct reader {
    ike_config *c;
    ike_config_report *report;
    const char *file;
    const char *text, *end;
    uint32_t line; /* being read; of a continued line the first */
    uint32_t next_line;
    char section[SECTION_MAX + 1];
    bool have_section, skip; /* skip: tags belong to a header that was refused */
    bool failed;             /* something was reported */
    bool bad_line;           /* ... about this line */
    int result;              /* of the database; not of syntax, which only sets `failed` */
    size_t len;
    char buf[IKE_CONFIG_VALUE_MAX + TAG_MAX + 64]; /* the line, continuations joined */
};

/* `found` is quoted and escaped; wrong_word is for what is no quotation. */
static void wrong(struct reader *r, const char *tag, const char *expected, ike_bytes found, const char *hint)
{
    ike_triplet at = {r->have_section ? r->section : NULL, tag, NULL, r->file, r->line};
    ike_conf_report(r->report, &at, expected, found, &(struct ike_conf_fault){.hint = hint});
    r->failed = r->bad_line = true;
}

static void wrong_word(struct reader *r, const char *tag, const char *expected, const char *found, const char *hint)
{
    ike_triplet at = {r->have_section ? r->section : NULL, tag, NULL, r->file, r->line};
    ike_conf_report_word(r->report, &at, expected, found, hint);
    r->failed = r->bad_line = true;
}

static bool blank(char c) { return c == ' ' || c == '\t'; }

/* Line ends are gone already, so blanks and tabs are all there is. */
static void trim(const char **s, size_t *n)
{
    while (*n && blank(**s)) {
        (*s)++;
        (*n)--;
    }
    while (*n && blank((*s)[*n - 1])) {
        (*n)--;
    }
}

/* One physical line, without its end; false at the end of the text. CR LF and LF end a line alike: files come from any
 * system. */
static bool physical(struct reader *r, const char **s, size_t *n)
{
    if (r->text >= r->end) {
        return false;
    }
    const char *nl = memchr(r->text, '\n', (size_t)(r->end - r->text));
    *s = r->text;
    *n = (size_t)((nl ? nl : r->end) - r->text);
    /* The last line needs no end. */
    r->text = nl ? nl + 1 : r->end;
    r->next_line++;
    if (*n && (*s)[*n - 1] == '\r') {
        (*n)--;
    }
    trim(s, n);
    return true;
}

/* Only at the beginning of a line: a value may hold both characters, secrets above all. */
static bool comment(const char *s, size_t n) { return n == 0 || s[0] == '#' || s[0] == ';'; }

/* The next line that says something, in r->buf; false at the end. A line that does not fit is reported and passed over. */
static bool logical(struct reader *r)
{
    const char *s;
    size_t n;
    do {
        /* An error in a continued line is reported where it begins: that is the line with the tag. */
        r->line = r->next_line;
        if (!physical(r, &s, &n)) {
            return false;
        }
    } while (comment(s, n));
    /* Pieces are joined by one blank, so lists may be broken after any item. */
    r->len = 0;
    bool fits = true, more = true;
    while (more) {
        /* A backslash at the very end of the text has nothing to join and goes on being read as part of the value. */
        more = n && s[n - 1] == '\\' && r->text < r->end;
        n -= more ? 1 : 0;
        trim(&s, &n);
        /* Room for the joining blank and the NUL. A line that is too long is still read to its end, so that its rest is not
         * taken for lines. */
        fits = fits && r->len + n + 2 < sizeof r->buf;
        if (fits && n) {
            if (r->len) {
                r->buf[r->len++] = ' ';
            }
            memcpy(r->buf + r->len, s, n);
            r->len += n;
        }
        if (more && !physical(r, &s, &n)) {
            more = false;
        }
    }
    r->buf[r->len] = 0;
    if (!fits) {
        wrong_word(r, NULL, "a line of at most 8191 octets", "a longer one", NULL);
        r->len = 0;
    }
    return true;
}

/* Control characters have no business here; what is above ASCII is taken as it is. A NUL would cut the value where strings
 * are used, and the rest would be lost without a word. */
static bool clean(struct reader *r)
{
    for (size_t i = 0; i < r->len; i++) {
        uint8_t c = (uint8_t)r->buf[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            struct ike_text t;
            char found[40];
            t = ike_text(found, sizeof found);
            ike_text_str(&t, "octet 0x");
            ike_text_hex(&t, ike_bytes_of(&c, 1));
            wrong_word(r, NULL, "text", found, NULL);
            return false;
        }
    }
    return true;
}

/* Memory ends the reading, a value that is too long does not. */
static void put(struct reader *r, const char *tag, const char *value)
{
    ike_triplet t = {r->section, tag, value, r->file, r->line};
    int e = ike_config_put(r->c, &t);
    if (e == IKE_ERR_INVALID) {
        wrong_word(r, tag, "a value of at most 8191 octets", "a longer one", NULL);
    } else if (e != IKE_OK) {
        r->result = e;
    }
}

/* A second one would replace the first without anybody noticing, so it is refused and both places are named. */
static void twice(struct reader *r, const ike_triplet *first, const char *expected)
{
    char hint[200];
    struct ike_text t = ike_text(hint, sizeof hint);
    ike_text_str(&t, "the first is in ");
    if (first->file && r->file && strcmp(first->file, r->file) != 0) {
        ike_text_escaped(&t, ike_bytes_of(first->file, strlen(first->file)));
        ike_text_char(&t, ':');
    } else {
        ike_text_str(&t, "line ");
    }
    ike_text_uint(&t, first->line);
    wrong_word(r, first->tag, expected, "a second one", hint);
}

/* Blanks within the title are one, so that a section has one spelling. Until it is accepted, what follows is not stored. */
static void header(struct reader *r)
{
    const char *s = r->buf + 1;
    size_t n = r->len - 1, len = 0;
    /* Until the end of this function shows otherwise, tags below it have no home; `skip` keeps that from being reported for
     * each. */
    r->have_section = false;
    r->skip = true;
    if (n == 0 || s[n - 1] != ']') {
        wrong(r, NULL, "[section] and nothing behind it", ike_bytes_of(r->buf, r->len), NULL);
        return;
    }
    /* The closing bracket; what is left is the title. */
    n--;
    trim(&s, &n);
    for (size_t i = 0; i < n && len <= SECTION_MAX; i++) {
        if (!blank(s[i]) || !blank(s[i - 1])) { /* trimmed: the first is no blank */
            r->section[len++] = blank(s[i]) ? ' ' : s[i];
        }
    }
    if (len == 0 || len > SECTION_MAX) {
        wrong(r, NULL, "a section of 1 to 127 characters", ike_bytes_of(r->buf, r->len), NULL);
        return;
    }
    r->section[len] = 0;
    r->have_section = true;
    ike_triplet first;
    /* In this file or in one read before: sections do not add up. */
    if (ike_config_get(r->c, r->section, NULL, &first) == IKE_OK) {
        twice(r, &first, "this section once");
        return;
    }
    r->skip = false;
    put(r, NULL, NULL);
}

/* Quotes are taken off in place. NULL and reported if they are wrong. The result is never longer, so it fits in the same
 * place. */
static char *unquote(struct reader *r, const char *tag, char *value)
{
    char *to = value, *s = value + 1;
    for (; *s && *s != '"'; s++) {
        if (*s == '\\' && (s[1] == '"' || s[1] == '\\')) {
            s++;
        }
        *to++ = *s;
    }
    if (s[0] != '"' || s[1] != 0) {
        wrong_word(r, tag, "a value in quotes", s[0] ? "something behind them" : "no closing quote",
                   "inside, write \\\" for a quote and \\\\ for a backslash");
        return NULL;
    }
    *to = 0;
    return value;
}

/* Wider than the key table's tags, so that a misspelt one is reported as unknown and not as bad syntax. */
static bool tag_ok(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool ok = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') ||
                  s[i] == '-' || s[i] == '_' || s[i] == '.';
        if (!ok) {
            return false;
        }
    }
    return n > 0 && n <= TAG_MAX;
}

/* The line is taken apart in place; database and reports copy what they keep. */
static void assignment(struct reader *r)
{
    char *eq = memchr(r->buf, '=', r->len);
    if (eq == NULL) {
        wrong(r, NULL, "tag = value, or [section]", ike_bytes_of(r->buf, r->len), NULL);
        return;
    }
    char *value = eq + 1;
    size_t n = (size_t)(eq - r->buf);
    while (n && blank(r->buf[n - 1])) {
        n--;
    }
    /* Before the value: what has no tag is not quoted as one. */
    if (!tag_ok(r->buf, n)) {
        wrong(r, NULL, "a tag of letters, digits and -", ike_bytes_of(r->buf, n), NULL);
        return;
    }
    r->buf[n] = 0;
    const char *tag = r->buf;
    while (blank(*value)) {
        value++;
    }
    /* Quotes in the middle of a value are characters like others. */
    if (value[0] == '"' && (value = unquote(r, tag, value)) == NULL) {
        return;
    }
    ike_triplet first;
    /* An empty value is nearly always a forgotten one; `""` comes here as well. */
    if (value[0] == 0) {
        wrong(r, tag, "a value", (ike_bytes){NULL, 0}, NULL);
    } else if (!r->have_section && !r->skip) {
        wrong(r, tag, "a [section] before the first tag", (ike_bytes){NULL, 0}, NULL);
    } else if (!r->skip && ike_config_get(r->c, r->section, tag, &first) == IKE_OK) {
        twice(r, &first, "this tag once");
    } else if (!r->skip) {
        put(r, tag, value);
    }
}

/* What a bad line begins with is the tag it was meant for, if there is one of that name: it shall not be missed as well. */
static void spoil(struct reader *r, size_t word)
{
    char tag[TAG_MAX + 1] = {0};
    if (r->have_section && !r->skip && word && word <= TAG_MAX) {
        memcpy(tag, r->buf, word);
        if (ike_conf_key_elsewhere(IKE_CONF_SECTIONS, tag) != IKE_CONF_SECTIONS) {
            ike_config_spoil(r->c, r->section, tag, word);
        }
    }
}

/* A line, taken apart. */
static void line(struct reader *r)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
    /* Before anything is taken off in place. */
    size_t word = strspn(r->buf, letters);
    if (r->len && clean(r)) {
        if (r->buf[0] == '[') {
            header(r);
        } else {
            assignment(r);
        }
    }
    if (r->bad_line) {
        spoil(r, word);
    }
}

/* Syntax only. The transaction is the caller's to commit or abort, whatever was reported. */
int ike_config_read(ike_config *c, const char *file, const char *text, size_t n, ike_config_report *report)
{
    if (!c->open) {
        return IKE_ERR_STATE;
    }
    struct reader *r = c->mem.alloc(c->mem.user, sizeof *r);
    if (r == NULL) {
        return IKE_ERR_NOMEM;
    }
    *r = (struct reader){.c = c, .report = report, .file = file, .text = text, .end = text + n, .next_line = 1};
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark of some editors */
        r->text += 3;
    }
    while (r->result == IKE_OK && logical(r)) {
        line(r);
        r->bad_line = false;
    }
    int result = r->result ? r->result : r->failed ? IKE_ERR_INVALID : IKE_OK;
    ike_wipe(r, sizeof *r); /* secrets came through */
    c->mem.release(c->mem.user, r, sizeof *r);
    return result;
}
