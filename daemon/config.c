/* SPDX-License-Identifier: ISC
 *
 * config.c - from configuration files to connections of the engine.
 *
 * lib/conf reads and checks the text; what touches the system is here: files and their permissions, and the replacement of
 * the engine's connections as a whole.
 */
#include "config.h"

#include "heap.h"
#include "sysdep/random.h"
#include "tryout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAX (64u << 20) /* octets of one file: the default of max-connections, and each one wordy */
#define SECRET_MAX 65536
#define ERRORS_MAX 64
#define RSA_BITS   2048u

struct config {
    ike_config *db;
    ike_config_conns *conns;
    struct modules *modules;
};

/* Where messages go: the log, or the terminal for --check. */
struct voice {
    void (*say)(void *arg, ike_log_level level, const char *text);
    void *arg;
};

static void say(const struct voice *v, ike_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(const struct voice *v, ike_log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    v->say(v->arg, level, text);
}

/* ---- Files ------------------------------------------------------------------------------------------------------------ */

struct file {
    char *text;
    size_t len;
    mode_t mode;
    uid_t owner;
};

static void file_drop(struct file *f)
{
    if (f->text) {
        explicit_bzero(f->text, f->len);
        free(f->text);
        f->text = NULL;
    }
}

/* free() of text is the caller's; it may hold secrets, so wipe it (file_drop). */
static int file_read(const struct voice *v, const char *path, size_t most, struct file *f)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold the daemon up */
    f->text = NULL;
    if (fd < 0 || fstat(fd, &st) < 0) {
        say(v, IKE_LOG_ERROR, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        say(v, IKE_LOG_ERROR, "%s: not a file", path);
    } else if (st.st_size < 0 || (size_t)st.st_size > most) {
        say(v, IKE_LOG_ERROR, "%s: larger than %zu octets", path, most);
    } else if ((f->text = malloc((size_t)st.st_size + 1)) == NULL) {
        say(v, IKE_LOG_ERROR, "%s: out of memory", path);
    } else {
        ssize_t n = 1;
        f->len = 0;
        f->mode = st.st_mode;
        f->owner = st.st_uid;
        while (n > 0 && f->len < (size_t)st.st_size) {
            n = read(fd, f->text + f->len, (size_t)st.st_size - f->len);
            f->len += n > 0 ? (size_t)n : 0;
        }
        if (n < 0) { /* half a configuration would be one with connections removed */
            say(v, IKE_LOG_ERROR, "%s: %s", path, strerror(errno));
            file_drop(f);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return f->text ? IKE_OK : IKE_ERR_HOST;
}

/* Nobody but the owner may change it, and others must not read it, unless it is open anyway. NULL, or what is wrong. */
static const char *too_open(const struct file *f, bool open)
{
    if ((f->mode & S_IROTH) && !open) {
        return "others can read it";
    }
    if (f->mode & (S_IWGRP | S_IWOTH)) {
        return "others can write it";
    }
    return f->owner != 0 && f->owner != geteuid() ? "it belongs to another user" : NULL;
}

static int read_one(const struct voice *v, ike_config *db, const char *path, ike_config_report *report)
{
    struct file f;
    int r = file_read(v, path, CONFIG_MAX, &f);
    if (r == IKE_OK) {
        r = ike_config_read(db, path, f.text, f.len, report);
        if ((f.mode & S_IROTH) && memmem(f.text, f.len, "secret", 6)) {
            say(v, IKE_LOG_WARN, "%s: others can read it (mode %04o), and it speaks of secrets; chmod 600 %s", path,
                (unsigned)f.mode & 07777, path);
        }
        if (r == IKE_ERR_NOMEM) {
            say(v, IKE_LOG_ERROR, "%s: out of memory", path);
        }
    }
    file_drop(&f);
    return r;
}

static int is_conf(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

/* A file, or all *.conf of a folder. */
static int read_all(const struct voice *v, ike_config *db, const char *path, ike_config_report *report)
{
    struct stat st;
    struct dirent **list;
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        return read_one(v, db, path, report);
    }
    int n = scandir(path, &list, is_conf, alphasort), result = IKE_OK;
    if (n <= 0) {
        say(v, IKE_LOG_ERROR, "%s: %s", path, n < 0 ? strerror(errno) : "no *.conf in this folder");
        result = IKE_ERR_HOST;
    }
    for (int i = 0; i < n; i++) {
        char name[PATH_MAX];
        int len = snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
        int r = len > 0 && (size_t)len < sizeof name ? read_one(v, db, name, report) : IKE_ERR_HOST;
        result = result == IKE_OK ? r : result;
        free(list[i]);
    }
    if (n >= 0) {
        free(list);
    }
    return result;
}

/* ---- Secrets and keys ------------------------------------------------------------------------------------------------- */

/* A section that names files: the i-th of its kind. */
struct section {
    const char *kind, *name, *file;
    uint32_t line;
    size_t i;
    int (*secret)(ike_config_conns *, size_t, ike_bytes, ike_config_report *); /* takes what a secret-file holds */
};

/* A relative name starts where the configuration file is. */
static bool full_path(const struct section *c, const char *name, char *out, size_t n)
{
    const char *slash = c->file ? strrchr(c->file, '/') : NULL;
    int dir = name[0] != '/' && slash ? (int)(slash - c->file + 1) : 0;
    int len = snprintf(out, n, "%.*s%s", dir, dir ? c->file : "", name);
    return len > 0 && (size_t)len < n;
}

/* What a tag of it names. A certificate is no secret, but who can write it says who the peer is. */
static int read_named(const struct voice *v, ike_config_conns *conns, const struct section *c, const char *tag, const char *name,
                      ike_config_report *report)
{
    char path[PATH_MAX];
    struct file f;
    if (!full_path(c, name, path, sizeof path)) {
        say(v, IKE_LOG_ERROR, "%s:%u: [%s %s] %s: the name is too long", c->file, c->line, c->kind, c->name, tag);
        return IKE_ERR_INVALID;
    }
    bool secret = strcmp(tag, "secret-file") == 0, open = strstr(tag, "-cert") != NULL;
    int r = file_read(v, path, SECRET_MAX, &f);
    const char *wrong = r == IKE_OK ? too_open(&f, open) : NULL;
    if (wrong) {
        say(v, IKE_LOG_ERROR, "%s:%u: [%s %s] %s: %s: %s (mode %04o, user %u); %s %s", c->file, c->line, c->kind, c->name, tag,
            path, wrong, (unsigned)f.mode & 07777, (unsigned)f.owner,
            open ? "nobody else may change it: chmod 644" : "it has to be yours alone: chmod 600", path);
        r = IKE_ERR_INVALID;
    } else if (r == IKE_OK) {
        ike_bytes text = {(const uint8_t *)f.text, f.len};
        r = secret ? c->secret(conns, c->i, text, report) : ike_config_conns_file(conns, c->i, tag, text);
        if (!secret && !text.len) {
            say(v, IKE_LOG_ERROR, "%s:%u: [%s %s] %s: %s: there is nothing in it", c->file, c->line, c->kind, c->name, tag, path);
        }
    } else {
        say(v, IKE_LOG_ERROR, "%s:%u: [%s %s] %s: cannot be read", c->file, c->line, c->kind, c->name, tag);
    }
    file_drop(&f);
    return r;
}

static int read_files(const struct voice *v, ike_config_conns *conns, size_t i, ike_config_report *report)
{
    const ike_config_conn *c = ike_config_conns_at(conns, i);
    const struct section at = {"connection", c->settings.name, c->file, c->line, i, ike_config_conns_secret};
    const struct {
        const char *tag, *name;
    } files[] = {{"secret-file", c->secret_file},
                 {"local-key", c->local_key.name},
                 {"local-cert", c->local_cert.name},
                 {"remote-cert", c->remote_cert.name}};
    int result = IKE_OK;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        int r = files[k].name ? read_named(v, conns, &at, files[k].tag, files[k].name, report) : IKE_OK;
        result = result == IKE_OK ? r : result;
    }
    return result;
}

/* All of them; the first fault is what counts. */
static int read_all_files(const struct voice *v, ike_config_conns *conns, ike_config_report *report)
{
    int result = IKE_OK;
    const ike_config_user *u;
    for (size_t i = 0; i < ike_config_conns_count(conns); i++) {
        int r = read_files(v, conns, i, report);
        result = result == IKE_OK ? r : result;
    }
    for (size_t i = 0; (u = ike_config_conns_user(conns, i)) != NULL; i++) {
        const struct section at = {"user", u->name, u->file, u->line, i, ike_config_conns_user_secret};
        int r = u->secret_file ? read_named(v, conns, &at, "secret-file", u->secret_file, report) : IKE_OK;
        result = result == IKE_OK ? r : result;
    }
    return result;
}

/* ---- Reading ---------------------------------------------------------------------------------------------------------- */

static void tell(const struct voice *v, const ike_config_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        char text[1024];
        ike_config_error_format(&report->list[i], text, sizeof text);
        v->say(v->arg, IKE_LOG_ERROR, text);
    }
    if (report->more) {
        say(v, IKE_LOG_ERROR, "... and %zu more", report->more);
    }
}

/* Short keys are what old equipment has, so they are used all the same (RFC 8247 section 3.1). A key that many connections have
 * is spoken of once. local-cert is of the same key as local-key. */
static void warn_of_short_keys(const struct voice *v, const ike_config_conns *conns, const ike_crypto *crypto)
{
    static const ike_random rng = {random_fill, NULL};
    const char *last[2] = {NULL, NULL};
    for (size_t i = 0; i < ike_config_conns_count(conns); i++) {
        const ike_config_conn *c = ike_config_conns_at(conns, i);
        const ike_config_named *files[2] = {&c->local_key, &c->remote_cert};
        for (size_t k = 0; k < 2; k++) {
            const char *name = files[k]->name;
            uint8_t kind = 0;
            unsigned bits = 0;
            if (name == NULL || (last[k] != NULL && strcmp(last[k], name) == 0) ||
                ike_key_check(crypto, &daemon_heap, &rng, k == 0, files[k]->text, &kind, &bits) != IKE_OK) {
                continue;
            }
            last[k] = name;
            if (kind == IKE_KEY_RSA && bits < RSA_BITS) {
                say(v, IKE_LOG_WARN, "%s:%u: [connection %s] %s: %s: RSA of %u bits can be broken; take %u or more", c->file,
                    c->line, c->settings.name, k == 0 ? "local-key" : "remote-cert", name, bits, RSA_BITS);
            }
        }
    }
}

static int check_all(const struct voice *v, const char *path, struct config *c, ike_config_daemon *daemon,
                     ike_config_report *report)
{
    int r = ike_config_new(&c->db, &daemon_heap);
    if (r != IKE_OK) {
        return r;
    }
    ike_config_begin(c->db);
    r = read_all(v, c->db, path, report);
    if (r == IKE_ERR_HOST || r == IKE_ERR_NOMEM) {
        return r;
    }
    int built = ike_config_build(c->db, &c->conns, report);
    r = r == IKE_OK ? built : r;
    built = ike_config_daemon_get(c->db, daemon, NULL, report);
    r = r == IKE_OK ? built : r;
    built = c->conns ? read_all_files(v, c->conns, report) : IKE_OK;
    r = r == IKE_OK ? built : r;
    if (daemon->modules != NULL) {
        c->modules = modules_open(daemon->modules, v->say, v->arg);
    }
    built = tryout(c->db, r == IKE_OK ? c->conns : NULL, modules_crypto(c->modules), report);
    r = r == IKE_OK ? built : r;
    if (r == IKE_OK) {
        warn_of_short_keys(v, c->conns, modules_crypto(c->modules));
    }
    return r == IKE_OK ? ike_config_commit(c->db) : r;
}

static int load(const struct voice *v, const char *path, ike_config_daemon *daemon, struct config **out)
{
    ike_config_report report = {.list = calloc(ERRORS_MAX, sizeof *report.list), .max = ERRORS_MAX};
    struct config *c = calloc(1, sizeof *c);
    int r = IKE_ERR_NOMEM;
    *out = NULL;
    ike_config_daemon_init(daemon);
    if (c && report.list) {
        r = check_all(v, path, c, daemon, &report);
        tell(v, &report);
    }
    if (r == IKE_OK) {
        *out = c;
    } else {
        config_free(c);
        if (r == IKE_ERR_NOMEM) {
            say(v, IKE_LOG_ERROR, "%s: out of memory", path);
        }
    }
    free(report.list);
    return r;
}

void config_free(struct config *c)
{
    if (c) {
        ike_config_conns_free(c->conns);
        ike_config_free(c->db);
        modules_close(c->modules);
        free(c);
    }
}

struct modules *config_take_modules(struct config *c)
{
    struct modules *m = c->modules;
    c->modules = NULL;
    return m;
}

static void say_log(void *arg, ike_log_level level, const char *text)
{
    struct ikelibd *d = arg;
    daemon_log(d, level, "%s", text);
}

static void copy(char *to, size_t n, const char *from)
{
    if (from) {
        snprintf(to, n, "%s", from);
    }
}

static bool has(const struct config *c, const char *tag)
{
    ike_triplet t;
    return ike_config_get(c->db, "daemon", tag, &t) == IKE_OK;
}

int config_read(struct ikelibd *d, const char *path, struct daemon_settings *s, struct config **out)
{
    struct voice v = {say_log, d};
    ike_config_daemon own;
    int r = load(&v, path, &own, out);
    if (r != IKE_OK) {
        return r == IKE_ERR_NOMEM ? r : IKE_ERR_INVALID;
    }
    const struct config *c = *out;
    copy(s->backend, sizeof s->backend, has(c, "backend") ? own.backend : NULL);
    copy(s->listen, sizeof s->listen, own.listen);
    copy(s->socket_path, sizeof s->socket_path, own.socket);
    copy(s->keylog, sizeof s->keylog, own.keylog);
    copy(s->tun_name, sizeof s->tun_name, own.tun_name);
    copy(s->modules, sizeof s->modules, own.modules);
    s->port = has(c, "port") ? own.port : s->port;
    s->encap_port = has(c, "encap-port") ? own.encap_port : s->encap_port;
    s->log_level = has(c, "log") ? (ike_log_level)own.log_level : s->log_level;
    s->mtu = has(c, "mtu") ? own.mtu : s->mtu;
    s->routes = has(c, "routes") ? own.routes : s->routes;
    return IKE_OK;
}

void config_engine_settings(const struct config *c, ike_settings *s)
{
    ike_config_report none = {NULL, 0, 0, 0}; /* checked when it was read */
    (void)ike_config_daemon_get(c->db, NULL, s, &none);
}

/* An empty text is one that is not there. */
static const char *text(const char *s) { return s[0] ? s : NULL; }

ike_config_daemon config_daemon_view(const struct daemon_settings *s)
{
    return (ike_config_daemon){.size = sizeof(ike_config_daemon),
                               .backend = text(s->backend),
                               .listen = text(s->listen),
                               .port = s->port,
                               .encap_port = s->encap_port,
                               .socket = text(s->socket_path),
                               .keylog = text(s->keylog),
                               .log_level = (uint8_t)s->log_level,
                               .tun_name = text(s->tun_name),
                               .mtu = s->mtu,
                               .routes = s->routes,
                               .modules = text(s->modules)};
}

/* ---- Applying --------------------------------------------------------------------------------------------------------- */

struct change {
    ike_config_change what;
    const ike_config_conn *was, *is;
};

struct plan {
    struct change *list;
    size_t n, cap;
    size_t counts[5]; /* by ike_config_change */
};

static int note(void *user, ike_config_change what, const ike_config_conn *was, const ike_config_conn *is)
{
    struct plan *p = user;
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct change *list = reallocarray(p->list, cap, sizeof *list);
        if (list == NULL) {
            return IKE_ERR_NOMEM;
        }
        p->list = list;
        p->cap = cap;
    }
    p->list[p->n++] = (struct change){what, was, is};
    p->counts[what]++;
    return 0;
}

static int put(struct ikelibd *d, const ike_config_conn *c) { return daemon_conn_put(d, &c->settings, c->remote_name, true); }

static const char *refusal(int error)
{
    /* An engine with the settings of the file takes it (tryout.c): this one was made with others, or has a data plane, of which
     * what it cannot carry has been said. */
    return error == IKE_ERR_UNSUPPORTED ? "its proposals need allow-variable-time or modules, which count from the next start, "
                                          "or what cannot be carried"
                                        : ike_strerror(error);
}

/* Back to what was, for the changes before `n`. */
static void take_back(struct ikelibd *d, const struct plan *p, size_t n)
{
    while (n-- > 0) {
        const struct change *c = &p->list[n];
        if (c->what == IKE_CONFIG_ADDED) {
            (void)daemon_conn_drop(d, c->is->settings.name);
        } else if (c->what == IKE_CONFIG_CHANGED || c->what == IKE_CONFIG_MOVED) {
            (void)put(d, c->was);
        }
    }
}

/* New and changed connections first: only they can fail, and then nothing has been removed. */
static int carry_out(struct ikelibd *d, const struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct change *c = &p->list[i];
        if (c->what == IKE_CONFIG_REMOVED || c->what == IKE_CONFIG_SAME) {
            continue;
        }
        int r = put(d, c->is);
        if (r != IKE_OK) {
            daemon_log(d, IKE_LOG_ERROR, "%s: [connection %s]: %s", c->is->settings.source ? c->is->settings.source : "?",
                       c->is->settings.name, refusal(r));
            take_back(d, p, i);
            return r;
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        if (p->list[i].what == IKE_CONFIG_REMOVED) {
            (void)daemon_conn_drop(d, p->list[i].was->settings.name);
        }
    }
    return IKE_OK;
}

int config_apply(struct ikelibd *d, struct config *c)
{
    struct plan p = {0};
    int r = ike_config_diff(d->config ? d->config->conns : NULL, c->conns, note, &p);
    r = r ? r : carry_out(d, &p);
    if (r == IKE_OK) {
        daemon_log(d, IKE_LOG_INFO, "configuration: %zu connections, %zu new, %zu changed, %zu removed",
                   ike_config_conns_count(c->conns), p.counts[IKE_CONFIG_ADDED], p.counts[IKE_CONFIG_CHANGED],
                   p.counts[IKE_CONFIG_REMOVED]);
        if (d->config != c) {
            config_free(d->config);
        }
        d->config = c;
    }
    free(p.list);
    return r;
}

/* ---- ikelibd --check -------------------------------------------------------------------------------------------------- */

static void say_file(void *arg, ike_log_level level, const char *text)
{
    fprintf(arg, "%s%s\n", level == IKE_LOG_WARN ? "warning: " : "", text);
}

static void print_nets(FILE *out, const ike_ts *ts, size_t n, const char *none)
{
    for (size_t i = 0; i < n; i++) {
        char text[128];
        ike_ts_format(&ts[i], text, sizeof text);
        fprintf(out, "%s%s", i ? ", " : "", text);
    }
    if (n == 0) {
        fputs(none, out);
    }
}

static void print_remote(FILE *out, const ike_config_conn *c)
{
    char text[64];
    if (c->remote_name) {
        fputs(c->remote_name, out);
    } else if (c->settings.remote.family) {
        ike_addr_format(&c->settings.remote, c->settings.remote.port != 0, text, sizeof text);
        fputs(text, out);
        if (c->settings.remote_bits) {
            fprintf(out, "/%u", c->settings.remote_bits);
        }
    } else {
        fputs("any", out);
    }
}

/* What the standard version does not have. */
static void print_old(FILE *out, const ike_conn_settings *s)
{
    char pool[128];
    if (s->version == IKE_SPEAKS_V2) {
        return;
    }
    fprintf(out, "  %s%s", s->version == IKE_SPEAKS_V1 ? "IKEv1" : "IKEv2 or IKEv1", s->aggressive ? ", Aggressive Mode" : "");
    if (s->xauth == IKE_XAUTH_SERVER) {
        fputs(", the peer is a user with a password", out);
    } else if (s->xauth == IKE_XAUTH_CLIENT) {
        fprintf(out, ", we are the user %s", s->users[0].name);
    }
    if (s->pool.family) {
        ike_ts_format(&s->pool, pool, sizeof pool);
        fprintf(out, ", addresses for peers: %s", pool);
    }
    fputc('\n', out);
}

static void print_conn(FILE *out, const ike_config_conn *c)
{
    static const char *const starts[] = {"on command", "always", "on demand"};
    char local[256], remote[256];
    ike_id_format(&c->settings.local_id, local, sizeof local);
    ike_id_format(&c->settings.remote_id, remote, sizeof remote);
    fprintf(out, "connection %s with ", c->settings.name);
    print_remote(out, c);
    fprintf(out, "\n  we are %s, the peer is %s, ", c->settings.local_id.type ? local : "our address",
            c->settings.remote_id.type ? remote : "whoever has the key");
    if (c->local_key.name) {
        fprintf(out, "signatures with %s, checked with %s\n", c->local_key.name, c->remote_cert.name);
    } else {
        fprintf(out, "pre-shared key%s%s\n", c->secret_file ? " in " : "", c->secret_file ? c->secret_file : "");
    }
    print_old(out, &c->settings);
    for (size_t i = 0; i < c->settings.n_children; i++) {
        const ike_child_settings *k = &c->settings.children[i];
        fprintf(out, "  child %s, %s, started %s: ", k->name, k->mode == IKE_MODE_TRANSPORT ? "transport" : "tunnel",
                starts[k->start % 3]);
        print_nets(out, k->local_ts, k->n_local_ts, c->settings.inner_family ? "the address that we are given" : "our address");
        fputs(" <-> ", out);
        print_nets(out, k->remote_ts, k->n_remote_ts, c->settings.pool.family ? "the address that it is given" : "its address");
        fputc('\n', out);
    }
}

int config_check(const char *path, FILE *out, FILE *err)
{
    struct voice v = {say_file, err};
    ike_config_daemon daemon;
    struct config *c;
    if (load(&v, path, &daemon, &c) != IKE_OK) {
        return 1;
    }
    size_t n = ike_config_conns_count(c->conns);
    for (size_t i = 0; i < n; i++) {
        print_conn(out, ike_config_conns_at(c->conns, i));
    }
    fprintf(out, "%s: %zu connection%s, nothing wrong\n", path, n, n == 1 ? "" : "s");
    config_free(c);
    return 0;
}
