/* SPDX-License-Identifier: ISC
 *
 * Finding and reading test data that was made elsewhere.
 */
#define _POSIX_C_SOURCE 200809L /* popen */

#include "vectors/vectors.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *vec_path(char *buf, size_t n, const char *relative)
{
    const char *root = getenv("LIBIKE_VECTORS");
    if (!root || !*root) {
        fprintf(stderr, "SKIPPED: LIBIKE_VECTORS does not name the folder that has %s\n", relative);
        return NULL;
    }
    if ((size_t)snprintf(buf, n, "%s/%s", root, relative) >= n) {
        fprintf(stderr, "SKIPPED: the name of %s is too long\n", relative);
        return NULL;
    }
    FILE *f = fopen(buf, "rb");
    if (!f) {
        fprintf(stderr, "SKIPPED: there is no %s\n", buf);
        return NULL;
    }
    fclose(f);
    return buf;
}

static char *unpack(const char *path, size_t *n)
{
    enum { CAP = 1 << 20 };
    char command[600], *text = malloc(CAP);
    FILE *f = NULL;
    if (text && (size_t)snprintf(command, sizeof command, "gzip -dc '%s'", path) < sizeof command) {
        f = popen(command, "r");
    }
    *n = f ? fread(text, 1, CAP, f) : 0;
    if (!f || pclose(f) != 0 || *n == CAP) {
        fprintf(stderr, "cannot unpack %s\n", path);
        free(text);
        return NULL;
    }
    text[*n] = 0;
    return text;
}

char *vec_read_file(const char *path, size_t *n)
{
    const size_t name = strlen(path);
    if (name > 3 && strcmp(path + name - 3, ".gz") == 0) {
        return unpack(path, n);
    }
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long size;
    if (f && fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        text = malloc((size_t)size + 1);
        if (text && fread(text, 1, (size_t)size, f) == (size_t)size) {
            text[size] = 0;
            *n = (size_t)size;
        } else {
            free(text);
            text = NULL;
        }
    }
    if (f) {
        fclose(f);
    }
    if (!text) {
        fprintf(stderr, "cannot read %s\n", path);
    }
    return text;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *p = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return p ? (int)(p - digits) : -1;
}

size_t vec_hex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;
    if (!text) {
        return SIZE_MAX;
    }
    while (*text) {
        if (*text == ':' || isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        int hi = digit(text[0]), lo = hi < 0 ? -1 : digit(text[1]);
        if (lo < 0 || n == cap) {
            return SIZE_MAX;
        }
        out[n++] = (uint8_t)(hi << 4 | lo);
        text += 2;
    }
    return n;
}

bool vec_text_open(struct vec_text *t, const char *path)
{
    size_t n;
    *t = (struct vec_text){0};
    t->all = t->at = vec_read_file(path, &n);
    return t->all != NULL;
}

void vec_text_close(struct vec_text *t)
{
    free(t->all);
    t->all = NULL;
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) {
        s++;
    }
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1])) {
        s[--n] = 0;
    }
    return s;
}

/* One line off the text, without its end. */
static char *next_line(struct vec_text *t)
{
    if (!*t->at) {
        return NULL;
    }
    char *line = t->at;
    size_t n = strcspn(line, "\n");
    t->at = line + n + (line[n] == '\n');
    line[n] = 0;
    return trim(line);
}

bool vec_text_next(struct vec_text *t)
{
    char *line;
    t->count = 0;
    while ((line = next_line(t)) != NULL) {
        if (!*line && t->count) {
            break;
        }
        if (!*line || *line == '#' || *line == '[' || t->count == sizeof(t->field) / sizeof(*t->field)) {
            continue;
        }
        size_t n = strcspn(line, ":=");
        char *value = line[n] ? line + n + 1 : line + n;
        line[n] = 0;
        t->field[t->count].name = trim(line);
        t->field[t->count].value = trim(value);
        t->count++;
    }
    return t->count > 0;
}

const char *vec_text_get(const struct vec_text *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->field[i].name, name) == 0) {
            return t->field[i].value;
        }
    }
    return NULL;
}

size_t vec_text_bytes(const struct vec_text *t, const char *name, uint8_t *out, size_t cap)
{
    const char *v = vec_text_get(t, name);
    if (!v || *v != '"') {
        return vec_hex(v, out, cap);
    }
    size_t n = strlen(v);
    if (n < 2 || v[n - 1] != '"' || n - 2 > cap) {
        return SIZE_MAX;
    }
    memcpy(out, v + 1, n - 2);
    return n - 2;
}
