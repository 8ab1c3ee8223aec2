/* SPDX-License-Identifier: ISC
 *
 * modules.c - crypto modules: found, looked at, loaded, their slots put behind the default ones.
 *
 * A module is code that runs as we do. So it is loaded only on the administrator's word, and not if others could have written
 * it.
 */
#include "modules.h"
#include "heap.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef IKE_MODULES
#include <dlfcn.h>
#else
#define dlclose(handle) ((void)(handle))
#endif

enum { MODULES_MAX = 16 };

struct modules {
    void *handles[MODULES_MAX];
    const ike_crypto *crypto[MODULES_MAX];
    size_t n, n_handles;
    ike_crypto all; /* its lists are ours */
    modules_say *say;
    void *arg;
};

static void say(struct modules *m, ike_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(struct modules *m, ike_log_level level, const char *fmt, ...)
{
    char text[PATH_MAX + 256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    m->say(m->arg, level, text);
}

/* ---- One module ----------------------------------------------------------------------------------------------------------- */

#ifdef IKE_MODULES
/* Installed, the folder is found from where the program is, so a tree may be moved as a whole. */
static bool path_of(const char *word, size_t n, char *out, size_t cap)
{
    char exe[PATH_MAX];
    int len = -1;
    if (word[0] == '/') {
        len = snprintf(out, cap, "%.*s", (int)n, word);
    } else if (memchr(word, '/', n) == NULL) {
        ssize_t got = readlink("/proc/self/exe", exe, sizeof exe - 1);
        exe[got > 0 ? got : 0] = 0;
        char *slash = strrchr(exe, '/');
        if (slash != NULL) {
            slash[1] = 0;
            len = snprintf(out, cap, "%s%s/ike_%.*s.so", exe, IKE_MODULE_DIR, (int)n, word);
        }
    }
    return len > 0 && (size_t)len < cap;
}

/* Nobody but root and us may have a say in it, nor in what else is found by its name. NULL, or what is wrong. */
static const char *not_ours(const struct stat *st)
{
    return st->st_mode & S_IWOTH                        ? "others can write it"
           : st->st_mode & S_IWGRP                      ? "its group can write it"
           : st->st_uid != 0 && st->st_uid != geteuid() ? "it belongs to another user"
                                                        : NULL;
}

static const char *look_at_file(const char *path)
{
    struct stat st;
    char folder[PATH_MAX];
    if (stat(path, &st) < 0) {
        return strerror(errno);
    }
    if (!S_ISREG(st.st_mode)) {
        return "not a file";
    }
    const char *wrong = not_ours(&st);
    if (wrong != NULL) {
        return wrong;
    }
    snprintf(folder, sizeof folder, "%.*s/", (int)(strrchr(path, '/') - path), path);
    return stat(folder, &st) < 0 ? strerror(errno) : not_ours(&st) != NULL ? "others can write to its folder" : NULL;
}

/* Whether every descriptor has what an engine calls without asking. */
static bool whole(const ike_crypto *c)
{
    bool ok = c->encr && c->prf && c->integ && c->ke && c->hash && c->sign;
    for (size_t i = 0; ok && c->encr[i]; i++) {
        const ike_encr *e = c->encr[i];
        ok = e->name && e->init && e->seal && e->open && e->clear && e->block && e->key_bits[0];
    }
    for (size_t i = 0; ok && c->prf[i]; i++) {
        const ike_mac *m = c->prf[i]->mac;
        ok = m && m->init && m->update && m->final && m->len <= IKE_HASH_MAX;
    }
    for (size_t i = 0; ok && c->integ[i]; i++) {
        const ike_mac *m = c->integ[i]->mac;
        ok = m && m->init && m->update && m->final && m->len <= IKE_HASH_MAX && c->integ[i]->icv_len <= m->len;
    }
    for (size_t i = 0; ok && c->ke[i]; i++) {
        const ike_ke *k = c->ke[i];
        ok = k->name && k->initiate && k->check && k->finish && !k->open == !k->close && k->public_len_i <= IKE_KE_MAX &&
             k->public_len_r <= IKE_KE_MAX && k->shared_len <= IKE_SHARED_MAX && k->private_len <= IKE_PRIVATE_MAX;
    }
    for (size_t i = 0; ok && c->hash[i]; i++) {
        ok = c->hash[i]->init && c->hash[i]->update && c->hash[i]->final && c->hash[i]->len <= IKE_HASH_MAX;
    }
    for (size_t i = 0; ok && c->sign[i]; i++) {
        const ike_sign *s = c->sign[i];
        ok = s->name && s->read && s->drop && s->bits && s->pair && s->sign && s->verify;
    }
    return ok;
}

static void take_entry(struct modules *m, const char *path, void *handle)
{
    ike_module_entry entry = NULL;
    void *symbol = dlsym(handle, IKE_MODULE_ENTRY);
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast between the two */
    if (entry == NULL) {
        say(m, IKE_LOG_ERROR, "module %s: it is not a module of ike (no %s)", path, IKE_MODULE_ENTRY);
        return;
    }
    const ike_module *is = entry();
    if (is == NULL) {
        say(m, IKE_LOG_ERROR, "module %s: it says that it cannot be used here", path);
    } else if (is->abi != IKE_MODULE_ABI || is->size != sizeof *is) {
        say(m, IKE_LOG_ERROR, "module %s: made for version %u of the interface, this program has version %u", path, is->abi,
            IKE_MODULE_ABI);
    } else if (is->crypto == NULL || is->name == NULL || !whole(is->crypto)) {
        say(m, IKE_LOG_ERROR, "module %s: one of its algorithms is not whole", path);
    } else {
        m->crypto[m->n++] = is->crypto;
        say(m, IKE_LOG_INFO, "module %s is loaded: %s", is->name, path);
    }
}

static void load(struct modules *m, const char *word, size_t n)
{
    char path[PATH_MAX];
    if (!path_of(word, n, path, sizeof path)) {
        say(m, IKE_LOG_ERROR, "module %.*s: neither a name nor a path that begins with /", (int)n, word);
        return;
    }
    const char *wrong = look_at_file(path);
    if (wrong != NULL) {
        say(m, IKE_LOG_ERROR, "module %s: %s", path, wrong);
        return;
    }
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        say(m, IKE_LOG_ERROR, "module %s: it cannot be loaded: %s", path, dlerror());
        return;
    }
    m->handles[m->n_handles++] = handle;
    take_entry(m, path, handle);
}

#else

static void load(struct modules *m, const char *word, size_t n)
{
    say(m, IKE_LOG_ERROR, "module %.*s: this program was built without modules", (int)n, word);
}

#endif

/* A provider that is linked in is there all the time, but it too is used only when it is named. */
static const ike_crypto *linked_in(const char *word, size_t n)
{
#ifdef IKE_LEGACY_LINKED
    if (n == strlen("legacy") && memcmp(word, "legacy", n) == 0) {
        return ike_crypto_provider("legacy");
    }
#endif
    (void)word;
    (void)n;
    return NULL;
}

/* ---- All of them ---------------------------------------------------------------------------------------------------------- */

static size_t length(const void *list)
{
    const void *const *p = list;
    size_t n = 0;
    while (p[n]) {
        n++;
    }
    return n;
}

/* A group that the library behind the module was built without would keep every engine from starting. */
static bool take_ke(const ike_ke *k, bool known)
{
    if (known || !k->open) {
        return !known;
    }
    void *state = k->open(&daemon_heap);
    if (state != NULL) {
        k->close(state, &daemon_heap);
    }
    return state != NULL;
}

#define TAKE_NEW(descriptor, known) ((void)(descriptor), !(known))
#define TAKE_ALL(descriptor, known) ((void)(descriptor), (void)(known), true)

/* One list of all. A second descriptor of the same id would be opened by every engine and never be used; that of a cipher is
 * kept, since the first may be one that this CPU cannot run well. */
#define JOIN(type, field, take)                                                                                                  \
    static const type *const *join_##field(const struct modules *m)                                                              \
    {                                                                                                                            \
        const ike_crypto *first = ike_crypto_default();                                                                          \
        size_t n = length(first->field), k = 0;                                                                                  \
        for (size_t i = 0; i < m->n; i++) {                                                                                      \
            n += length(m->crypto[i]->field);                                                                                    \
        }                                                                                                                        \
        const type **list = calloc(n + 1, sizeof *list);                                                                         \
        for (size_t i = 0; list && i <= m->n; i++) {                                                                             \
            const type *const *from = i ? m->crypto[i - 1]->field : first->field;                                                \
            for (; *from; from++) {                                                                                              \
                bool known = false;                                                                                              \
                for (size_t j = 0; j < k; j++) {                                                                                 \
                    known = known || list[j]->id == (*from)->id;                                                                 \
                }                                                                                                                \
                if (take(*from, known)) {                                                                                        \
                    list[k++] = *from;                                                                                           \
                }                                                                                                                \
            }                                                                                                                    \
        }                                                                                                                        \
        return list;                                                                                                             \
    }
JOIN(ike_encr, encr, TAKE_ALL)
JOIN(ike_prf, prf, TAKE_NEW)
JOIN(ike_integ, integ, TAKE_NEW)
JOIN(ike_ke, ke, take_ke)
JOIN(ike_hash, hash, TAKE_NEW)
JOIN(ike_sign, sign, TAKE_NEW)

struct modules *modules_open(const char *names, modules_say *hear, void *arg)
{
    static const char between[] = ", \t\r\n";
    struct modules *m = calloc(1, sizeof *m);
    if (m == NULL) {
        hear(arg, IKE_LOG_ERROR, "modules: out of memory");
        return NULL;
    }
    m->say = hear;
    m->arg = arg;
    for (const char *s = names ? names + strspn(names, between) : ""; *s;) {
        size_t n = strcspn(s, between);
        const ike_crypto *linked = linked_in(s, n);
        if (m->n == MODULES_MAX || m->n_handles == MODULES_MAX) {
            say(m, IKE_LOG_ERROR, "module %.*s: more than %d modules", (int)n, s, MODULES_MAX);
        } else if (linked != NULL) {
            m->crypto[m->n++] = linked;
        } else {
            load(m, s, n);
        }
        s += n;
        s += strspn(s, between);
    }
    m->all = (ike_crypto){
        "default and modules", join_encr(m), join_prf(m), join_integ(m), join_ke(m), join_hash(m), join_sign(m),
        ike_crypto_default()->power};
    if (!m->all.encr || !m->all.prf || !m->all.integ || !m->all.ke || !m->all.hash || !m->all.sign) {
        say(m, IKE_LOG_ERROR, "modules: out of memory");
        modules_close(m);
        return NULL;
    }
    return m;
}

const ike_crypto *modules_crypto(const struct modules *m) { return m ? &m->all : ike_crypto_default(); }

void modules_close(struct modules *m)
{
    if (m == NULL) {
        return;
    }
    free((void *)m->all.encr);
    free((void *)m->all.prf);
    free((void *)m->all.integ);
    free((void *)m->all.ke);
    free((void *)m->all.hash);
    free((void *)m->all.sign);
    for (size_t i = m->n_handles; i-- > 0;) {
        dlclose(m->handles[i]);
    }
    free(m);
}

/* ---- For messages --------------------------------------------------------------------------------------------------------- */

const char *modules_hint(const char *keyword, size_t n)
{
    static const struct {
        const char *keyword, *module;
    } known[] = {
        {"des", "legacy"},       {"cast128", "legacy"},     {"blowfish", "legacy"},  {"blowfish128", "legacy"},
        {"md5", "legacy"},       {"blowfish192", "legacy"}, {"prfmd5", "legacy"},    {"blowfish256", "legacy"},
        {"x448", "openssl"},     {"curve448", "openssl"},   {"ecp192", "openssl"},   {"ecp224", "openssl"},
        {"ecp224bp", "openssl"}, {"ecp256bp", "openssl"},   {"ecp384bp", "openssl"}, {"ecp512bp", "openssl"},
        {"modp768", "legacy"},   {"modp1024", "legacy"},    {"ec2n155", "legacy"},   {"ec2n185", "legacy"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].keyword) == n && strncasecmp(known[i].keyword, keyword, n) == 0) {
            return known[i].module;
        }
    }
    return NULL;
}
