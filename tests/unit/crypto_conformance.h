/* SPDX-License-Identifier: ISC
 *
 * What the conformance tests of lib/crypto share. Every body runs over every slot of every provider that is compiled in, and
 * over the default choice.
 */
#ifndef TESTS_UNIT_CRYPTO_CONFORMANCE_H
#define TESTS_UNIT_CRYPTO_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "vectors/json.h"
#include "vectors/vectors.h"
#include <ike/crypto.h>

enum { CC_MAX = 1 << 16 }; /* longest message of any vector */

/* 0 is the default choice, then the providers; NULL past the end. */
static inline const ike_crypto *cc_suite(size_t i) { return i == 0 ? ike_crypto_default() : ike_crypto_provider_at(i - 1); }

/* Whether the weak algorithms are there, as they must then be found. */
static inline bool cc_legacy(void)
{
    const ike_crypto *c;
    for (size_t i = 0; (c = cc_suite(i)) != NULL; i++) {
        if (strcmp(c->name, "legacy") == 0) {
            return true;
        }
    }
    return false;
}

/* A context of the size the descriptor asks for and no more, so that a sanitizer sees it overrun; not zeroed. */
static inline void *cc_context(size_t n)
{
    n = (n + 15) & ~(size_t)15;
    void *p = aligned_alloc(16, n);
    assert_non_null(p);
    memset(p, 0xa5, n);
    return p;
}

/* A file of vectors, or the test is skipped aloud. */
static inline struct json *cc_json(const char *relative)
{
    char path[512];
    if (!vec_path(path, sizeof(path), relative)) {
        skip();
    }
    struct json *root = json_load(path);
    assert_non_null(root);
    return root;
}

static inline void cc_text(struct vec_text *t, const char *relative)
{
    char path[512];
    if (!vec_path(path, sizeof(path), relative)) {
        skip();
    }
    assert_true(vec_text_open(t, path));
}

/* Octets that must be there. */
static inline size_t cc_hex(const struct json *v, const char *key, uint8_t *out, size_t cap)
{
    size_t n = json_hex(v, key, out, cap);
    assert_true(n != SIZE_MAX);
    return n;
}

static inline size_t cc_bytes(const struct vec_text *t, const char *name, uint8_t *out, size_t cap)
{
    size_t n = vec_text_bytes(t, name, out, cap);
    assert_true(n != SIZE_MAX);
    return n;
}

/* Octets of a literal in a test's own table. */
static inline size_t cc_lit(const char *hex, uint8_t *out, size_t cap)
{
    size_t n = vec_hex(hex, out, cap);
    assert_true(n != SIZE_MAX);
    return n;
}

static inline int cc_global_init(void **state)
{
    (void)state;
    return ike_crypto_global_init() == IKE_OK && ike_crypto_global_init() == IKE_OK ? 0 : -1;
}

#endif
