/* SPDX-License-Identifier: ISC
 *
 * A small JSON reader for test data: a whole file becomes a tree. For tests only: it trusts sizes and uses malloc.
 *
 *     struct json *root = json_load(path);            NULL and a message on stderr if it cannot be read
 *     for (const struct json *g = json_first(json_get(root, "testGroups")); g; g = g->next) { json_text(g, "curve") … }
 *     json_free(root);
 */
#ifndef TESTS_VECTORS_JSON_H
#define TESTS_VECTORS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    const char *key;  /* in an object, else NULL */
    const char *text; /* string (unescaped, UTF-8, NUL-ended) or number as written */
    struct json *child, *next;
};

struct json *json_load(const char *path);
/* Parse n octets of text; the octets are copied. */
struct json *json_parse(const char *text, size_t n);
void json_free(struct json *root);

/* All of these accept NULL and values of another type and then answer with nothing. */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_first(const struct json *array_or_object);
size_t json_count(const struct json *array_or_object);
/* The string or number behind key, else NULL. With key NULL: of the value itself. */
const char *json_text(const struct json *v, const char *key);
long json_long(const struct json *v, const char *key, long otherwise);
bool json_bool(const struct json *v, const char *key);
/* Hex text behind key to octets: their number; SIZE_MAX if it is missing, not hex, or longer than cap. */
size_t json_hex(const struct json *v, const char *key, uint8_t *out, size_t cap);
/* Whether the array behind key holds this string (Wycheproof's flags). */
bool json_has(const struct json *v, const char *key, const char *string);

#endif
