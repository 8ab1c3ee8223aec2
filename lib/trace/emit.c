/* SPDX-License-Identifier: ISC
 *
 * Lines or JSON, see emit.h.
 */
#include "trace/emit.h"
#include "base/text.h"

/* The sink stays the caller's and is called in order, piece by piece; nothing is kept. */
struct ike_emit ike_emit(const ike_sink *sink, bool json, uint8_t indent)
{
    return (struct ike_emit){.sink = sink, .json = json, .indent = indent, .first = true};
}

static void put(const struct ike_emit *e, const char *s) { e->sink->put(e->sink->user, s, strlen(s)); }

/* In pieces, so that no payload needs memory of its length. */
static void put_hex(const struct ike_emit *e, ike_bytes b)
{
    char text[2 * 64 + 1];
    while (b.len != 0) {
        const size_t n = b.len < 64 ? b.len : 64;
        struct ike_text t = ike_text(text, sizeof text);
        ike_text_hex(&t, ike_bytes_of(b.ptr, n));
        put(e, text);
        b = ike_bytes_of(b.ptr + n, b.len - n);
    }
}

static void put_uint(const struct ike_emit *e, uint64_t v)
{
    char text[24];
    struct ike_text t = ike_text(text, sizeof text);
    ike_text_uint(&t, v);
    put(e, text);
}

/* What is not printable as \xNN; in JSON the backslashes and quotes are escaped once more. One octet at a time: text of any
 * length needs no memory. */
static void put_escaped(const struct ike_emit *e, ike_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        char text[8];
        struct ike_text t = ike_text(text, sizeof text);
        ike_text_escaped(&t, ike_bytes_of(b.ptr + i, 1));
        if (e->json && (text[0] == '\\' || text[0] == '"')) {
            put(e, "\\");
        }
        put(e, text);
    }
}

/* The beginning of a line or list element. Where JSON wants commas and text wants indentation. */
static void begin(struct ike_emit *e)
{
    if (e->json) {
        put(e, e->first ? "" : ",");
        e->first = false;
        return;
    }
    for (unsigned i = 0; i < (unsigned)e->indent + e->depth; i++) {
        put(e, "  ");
    }
}

/* Names are our own words and need no escaping. */
static void begin_field(struct ike_emit *e, const char *name, const char *json_key)
{
    begin(e);
    put(e, e->json ? "{\"name\":\"" : "");
    put(e, name);
    put(e, e->json ? json_key : ": ");
}

static void end_field(const struct ike_emit *e, const char *json) { put(e, e->json ? json : "\n"); }

void ike_emit_open(struct ike_emit *e, const char *name) { ike_emit_open_as(e, name, NULL); }

/* Nodes nest as the caller calls; each open has its close. */
void ike_emit_open_as(struct ike_emit *e, const char *name, const char *kind)
{
    begin(e);
    put(e, e->json ? "{\"name\":\"" : "");
    put(e, name);
    if (kind) {
        put(e, e->json ? "\",\"text\":\"" : " ");
        put(e, kind);
    }
    put(e, e->json ? "\",\"items\":[" : "\n");
    e->depth++;
    e->first = true;
}

/* Behind a node the list around it is not empty any more. */
void ike_emit_close(struct ike_emit *e)
{
    e->depth--;
    e->first = false;
    /* Text closes a node by indenting less. */
    put(e, e->json ? "]}" : "");
}

/* JSON numbers hold 53 bits with some readers: SPIs are written as hex for that reason. */
void ike_emit_uint(struct ike_emit *e, const char *name, uint64_t v, const char *meaning)
{
    begin_field(e, name, "\",\"value\":");
    put_uint(e, v);
    if (meaning) {
        put(e, e->json ? ",\"text\":\"" : " (");
        put(e, meaning);
        put(e, e->json ? "\"" : ")");
    }
    end_field(e, "}");
}

void ike_emit_hex(struct ike_emit *e, const char *name, ike_bytes b)
{
    begin_field(e, name, "\",\"hex\":\"");
    put_hex(e, b);
    end_field(e, "\"}");
}

void ike_emit_text(struct ike_emit *e, const char *name, ike_bytes b)
{
    begin_field(e, name, "\",\"text\":\"");
    put_escaped(e, b);
    end_field(e, "\"}");
}

void ike_emit_str(struct ike_emit *e, const char *name, const char *value)
{
    ike_emit_text(e, name, ike_bytes_of(value, strlen(value)));
}

void ike_emit_addr(struct ike_emit *e, const char *name, uint8_t family, const uint8_t *ip)
{
    char text[64];
    ike_addr a = {.family = family};
    memcpy(a.ip, ip, family == 4 ? 4 : 16);
    ike_addr_format(&a, false, text, sizeof text);
    ike_emit_str(e, name, text);
}

/* Text in brackets, JSON under another key: remarks are no fields of the message. */
void ike_emit_note(struct ike_emit *e, const char *what)
{
    begin(e);
    put(e, e->json ? "{\"note\":\"" : "[");
    put(e, what);
    put(e, e->json ? "\"}" : "]\n");
}

/* Remembered for the result; in the text it looks like any remark. */
void ike_emit_fault(struct ike_emit *e, const char *what)
{
    e->malformed = true;
    ike_emit_note(e, what);
}
