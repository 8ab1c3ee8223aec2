/* SPDX-License-Identifier: ISC
 *
 * What the conformance tests of lib/crypto share. Every body runs over every slot of every provider that is compiled in, of
 * every module that was built, and over the default choice.
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
#include <ike/module.h>

#include <dlfcn.h>

#ifndef IKE_TEST_MODULES /* paths, each with a comma behind it */
#define IKE_TEST_MODULES
#endif

enum { CC_MAX = 1 << 16 }; /* longest message of any vector */

/* OpenSSL's errors of this thread, once its module is loaded. */
static unsigned long (*cc_openssl_error)(void);

/* The crypto of the i-th module that was built, NULL past the end. Modules stay loaded: what they allocated is not lost. */
static inline const ike_crypto *cc_module(size_t i)
{
    static const char *const paths[] = {IKE_TEST_MODULES NULL};
    static const ike_crypto *loaded[IKE_COUNT(paths)];
    if (!paths[i] || loaded[i]) {
        return loaded[i];
    }
    void *handle = dlopen(paths[i], RTLD_NOW | RTLD_LOCAL);
    ike_module_entry entry = NULL;
    if (!handle) {
        fail_msg("%s", dlerror());
    }
    void *symbol = dlsym(handle, IKE_MODULE_ENTRY);
    memcpy(&entry, &symbol, sizeof(entry));
    assert_non_null(entry);
    if ((symbol = dlsym(handle, "ERR_peek_error")) != NULL) {
        memcpy(&cc_openssl_error, &symbol, sizeof(cc_openssl_error));
    }
    const ike_module *m = entry();
    assert_non_null(m);
    assert_int_equal(m->abi, IKE_MODULE_ABI);
    assert_int_equal(m->size, sizeof(*m));
    assert_non_null(m->name);
    loaded[i] = m->crypto;
    return loaded[i];
}

/* 0 is the default choice, then the providers, then the modules; NULL past the end. */
static inline const ike_crypto *cc_suite(size_t i)
{
    size_t k = 0;
    if (i == 0) {
        return ike_crypto_default();
    }
    while (k < i - 1 && ike_crypto_provider_at(k)) {
        k++;
    }
    const ike_crypto *c = ike_crypto_provider_at(k);
    return c ? c : cc_module(i - 1 - k);
}

/* A provider, linked in or from a module, by its name. */
static inline const ike_crypto *cc_named(const char *name)
{
    const ike_crypto *c;
    for (size_t i = 1; (c = cc_suite(i)) != NULL; i++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

/* Whether the weak algorithms are there, as they must then be found. */
static inline bool cc_legacy(void) { return cc_named("legacy") != NULL; }

/* A host that uses OpenSSL itself reads that queue, and would take what a peer sent for a fault of its own. */
static inline void cc_no_openssl_errors(void) { assert_true(!cc_openssl_error || cc_openssl_error() == 0); }

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
