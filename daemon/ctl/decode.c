/* SPDX-License-Identifier: ISC
 *
 * decode.c - decode: the IKE messages of a capture, field by field.
 *
 * Reads the files and prints; captures, messages and key rows are understood by the library (ike/trace.h).
 */
#include "ctl/decode.h"

#include "ctl/ctl.h"
#include "ctl/decode_legacy.h"
#include "modules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include <ike/trace.h>

#define FILE_MAX ((size_t)1 << 30) /* unpacked; a capture of IKE is never that long */

struct counts {
    uint64_t frames, ike, esp, keepalives, fragments, other, malformed, unopened;
};

static void *allocate(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void release(void *user, void *p, size_t n)
{
    (void)user, (void)n;
    free(p);
}

static void put_stdout(void *user, const char *text, size_t n)
{
    (void)user;
    fwrite(text, 1, n, stdout);
}

/* ---- Files ---- */

/* What went wrong, without the path that zlib puts before it. */
static const char *reason(gzFile f, const char *path, int *code)
{
    const char *s = gzerror(f, code);
    const size_t n = strlen(path);
    return strncmp(s, path, n) == 0 && strncmp(s + n, ": ", 2) == 0 ? s + n + 2 : s;
}

/* A whole file, unpacked if it is gzip. To be freed; NULL with a message. With gzip that was cut off, which is said as well,
 * what there is. */
static uint8_t *read_file(const char *path, size_t *n, bool *cut)
{
    int code;
    gzFile f = gzopen(path, "rb");
    uint8_t *all = NULL;
    size_t room = 0;
    *n = 0;
    if (f == NULL) {
        fprintf(stderr, "%s: %s\n", path, errno ? strerror(errno) : "out of memory");
        return NULL;
    }
    for (;;) {
        if (room - *n < 65536) {
            room = room ? room * 2 : (size_t)1 << 18;
            uint8_t *more = room <= FILE_MAX ? realloc(all, room) : NULL;
            if (more == NULL) {
                fprintf(stderr, "%s: too long\n", path);
                break;
            }
            all = more;
        }
        const int got = gzread(f, all + *n, 65536);
        if (got < 0) {
            fprintf(stderr, "%s: %s\n", path, reason(f, path, &code));
            break;
        }
        *n += (size_t)got;
        if (got == 0) {
            const char *why = reason(f, path, &code);
            *cut = code != Z_OK;
            if (*cut) {
                fprintf(stderr, "%s: %s\n", path, why);
            }
            gzclose(f);
            return all;
        }
    }
    gzclose(f);
    free(all);
    return NULL;
}

struct key_table {
    ike_trace_keys *rows;
    size_t n, room;
};

static void wipe(void *p, size_t n)
{
    volatile uint8_t *q = p;
    while (n--) {
        *q++ = 0;
    }
}

static bool add_row(struct key_table *t, const ike_trace_keys *row)
{
    if (t->n == t->room) {
        const size_t room = t->room ? t->room * 2 : 16;
        ike_trace_keys *rows = calloc(room, sizeof *rows);
        if (rows == NULL) {
            return false;
        }
        if (t->n) {
            memcpy(rows, t->rows, t->n * sizeof *rows);
            wipe(t->rows, t->n * sizeof *rows);
        }
        free(t->rows);
        t->rows = rows;
        t->room = room;
    }
    t->rows[t->n++] = *row;
    return true;
}

/* Rows that cannot be used are reported and passed over: a table may be older or newer than this program. */
static bool read_keys(const char *path, struct key_table *t)
{
    size_t n;
    bool cut = false;
    char *text = (char *)read_file(path, &n, &cut);
    if (text == NULL) {
        return false;
    }
    bool good = !cut;
    unsigned line = 1;
    for (size_t at = 0; at < n && good; line++) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t len = end ? (size_t)(end - (text + at)) : n - at;
        ike_trace_keys row;
        const int rc = ike_trace_keys_parse(&row, text + at, len);
        if (rc == IKE_OK) {
            good = add_row(t, &row);
        } else if (rc != IKE_ERR_NOT_FOUND) {
            fprintf(stderr, "%s:%u: %s\n", path, line,
                    rc == IKE_ERR_UNSUPPORTED ? "unknown algorithm name" : "not a row of a decryption table");
        }
        wipe(&row, sizeof row);
        at += len + 1;
    }
    wipe(text, n);
    free(text);
    return good;
}

/* ---- Output ---- */

static void print_place(const struct options *o, const ike_frame *f, const ike_datagram *d, const char *what)
{
    char src[64], dst[64];
    ike_addr_format(&d->src, true, src, sizeof src);
    ike_addr_format(&d->dst, true, dst, sizeof dst);
    if (o->json) {
        printf("{\"frame\":%llu,\"time\":%llu.%09u,\"source\":\"%s\",\"destination\":\"%s\",\"kind\":\"%s\"",
               (unsigned long long)f->number, (unsigned long long)f->seconds, (unsigned)f->nanoseconds, src, dst, what);
    } else {
        printf("frame %llu, %llu.%09u, %s -> %s: %s\n", (unsigned long long)f->number, (unsigned long long)f->seconds,
               (unsigned)f->nanoseconds, src, dst, what);
    }
}

static void print_plain(const struct options *o, const ike_frame *f, const ike_datagram *d, const char *what)
{
    print_place(o, f, d, what);
    fputs(o->json ? "}\n" : "", stdout);
}

static void print_message(const struct options *o, const ike_decoder *dec, const ike_frame *f, const ike_datagram *d,
                          ike_bytes message, struct counts *c)
{
    const ike_sink sink = {put_stdout, NULL};
    print_place(o, f, d, "IKE");
    fputs(o->json ? ",\"message\":" : "", stdout);
    const int rc = ike_decode(dec, message.ptr, message.len, &sink);
    fputs(o->json ? "}\n" : "\n", stdout);
    c->malformed += rc == IKE_ERR_PROTO;
    c->unopened += rc == IKE_ERR_CRYPTO || rc == IKE_ERR_NOMEM;
}

static void print_frame(const struct options *o, const ike_decoder *dec, const ike_frame *f, struct counts *c)
{
    ike_datagram d;
    ike_bytes message;
    const int rc = ike_frame_datagram(f, &d);
    if (rc == IKE_ERR_LIMIT) {
        c->fragments++;
        print_plain(o, f, &d, "IP fragment or cut off by the capture, not decoded");
        return;
    }
    if (rc != IKE_OK) {
        c->other++;
        return;
    }
    switch (ike_datagram_kind(&d, o->port, o->encap_port, &message)) {
    case IKE_DATAGRAM_IKE:
        c->ike++;
        print_message(o, dec, f, &d, message, c);
        break;
    case IKE_DATAGRAM_ESP:
        c->esp++;
        break;
    case IKE_DATAGRAM_KEEPALIVE:
        c->keepalives++;
        break;
    default:
        c->other++;
    }
}

static int decode_capture(const struct options *o, const char *path, const ike_decoder *dec)
{
    size_t n;
    bool cut = false;
    uint8_t *file = read_file(path, &n, &cut);
    if (file == NULL) {
        return CTL_FAILED;
    }
    ike_capture capture;
    ike_frame frame;
    struct counts c = {0};
    int rc = ike_capture_open(&capture, file, n);
    if (rc != IKE_OK) {
        fprintf(stderr, "%s: not a pcap or pcapng file\n", path);
    }
    while (rc == IKE_OK && (rc = ike_capture_next(&capture, &frame)) == IKE_OK) {
        c.frames++;
        print_frame(o, dec, &frame, &c);
    }
    if (rc == IKE_ERR_PROTO) {
        fprintf(stderr, "%s: damaged after frame %llu\n", path, (unsigned long long)c.frames);
    }
    if (c.frames) {
        fprintf(stderr,
                "%llu frames: %llu IKE messages (%llu malformed, %llu with keys that do not fit), %llu ESP in UDP, "
                "%llu keepalives, %llu fragments, %llu other\n",
                (unsigned long long)c.frames, (unsigned long long)c.ike, (unsigned long long)c.malformed,
                (unsigned long long)c.unopened, (unsigned long long)c.esp, (unsigned long long)c.keepalives,
                (unsigned long long)c.fragments, (unsigned long long)c.other);
    }
    free(file);
    return rc == IKE_ERR_NOT_FOUND && !cut && fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
}

/* Whether the module is there shows in what can be decrypted. */
static void say_nothing(void *arg, ike_log_level level, const char *text) { (void)arg, (void)level, (void)text; }

int decode_file(const struct options *o, const char *path)
{
    struct key_table keys = {0};
    struct decode_legacy legacy;
    ike_decoder dec;
    if (ike_crypto_global_init() != IKE_OK || (o->keys && !read_keys(o->keys, &keys))) {
        return CTL_FAILED;
    }
    decode_legacy_init(&legacy);
    struct modules *modules = o->keys ? modules_open("legacy", say_nothing, NULL) : NULL;
    const ike_crypto *const crypto[] = {modules_crypto(modules), &legacy.crypto, NULL};
    ike_decoder_init(&dec);
    dec.keys = keys.rows;
    dec.n_keys = keys.n;
    dec.crypto = crypto;
    dec.mem = (ike_allocator){allocate, release, NULL};
    dec.json = o->json;
    dec.indent = 1;
    dec.chains = ike_trace_chains_new(&dec.mem);
    const int rc = dec.chains ? decode_capture(o, path, &dec) : CTL_FAILED;
    if (dec.chains == NULL) {
        fprintf(stderr, "%s: out of memory\n", path);
    }
    ike_trace_chains_free(dec.chains);
    modules_close(modules);
    wipe(keys.rows, keys.n * sizeof *keys.rows);
    free(keys.rows);
    return rc;
}
