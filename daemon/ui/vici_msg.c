/* SPDX-License-Identifier: ISC
 *
 * vici_msg.c - writing and reading the VICI encoding, see vici_msg.h.
 */
#include "vici_msg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Writing ---------------------------------------------------------------------------------------------------------- */

void vici_buf_free(struct vici_buf *b)
{
    free(b->p);
    *b = (struct vici_buf){0};
}

static uint8_t *room(struct vici_buf *b, size_t n)
{
    if (b->bad || n > VICI_FRAME_MAX + 4 - b->len) {
        b->bad = true;
        return NULL;
    }
    if (b->len + n > b->cap) {
        size_t cap = b->cap ? b->cap : 512;
        while (cap < b->len + n) {
            cap *= 2;
        }
        uint8_t *p = realloc(b->p, cap);
        if (p == NULL) {
            b->bad = true;
            return NULL;
        }
        b->p = p;
        b->cap = cap;
    }
    b->len += n;
    return b->p + b->len - n;
}

static void put_u8(struct vici_buf *b, unsigned v)
{
    uint8_t *p = room(b, 1);
    if (p) {
        *p = (uint8_t)v;
    }
}

static void put_bytes(struct vici_buf *b, const char *s, size_t n)
{
    uint8_t *p = room(b, n);
    if (p && n) {
        memcpy(p, s, n);
    }
}

static void put_name(struct vici_buf *b, const char *name)
{
    size_t n = strlen(name);
    b->bad = b->bad || n > UINT8_MAX;
    put_u8(b, (unsigned)(n & UINT8_MAX));
    put_bytes(b, name, n & UINT8_MAX);
}

static void put_value(struct vici_buf *b, const char *s, size_t n)
{
    b->bad = b->bad || n > UINT16_MAX;
    put_u8(b, (unsigned)(n >> 8) & UINT8_MAX);
    put_u8(b, (unsigned)n & UINT8_MAX);
    put_bytes(b, s, n & UINT16_MAX);
}

void vici_begin(struct vici_buf *b, enum vici_packet_type type, const char *name)
{
    b->len = 0;
    b->bad = false;
    put_bytes(b, "\0\0\0", 4);
    put_u8(b, type);
    if (name) {
        put_name(b, name);
    }
}

bool vici_finish(struct vici_buf *b)
{
    if (b->bad) {
        return false;
    }
    size_t n = b->len - 4;
    for (int i = 0; i < 4; i++) {
        b->p[i] = (uint8_t)(n >> (24 - 8 * i));
    }
    return true;
}

void vici_section(struct vici_buf *b, const char *name)
{
    put_u8(b, VICI_SECTION_START);
    put_name(b, name);
}

void vici_section_end(struct vici_buf *b) { put_u8(b, VICI_SECTION_END); }

void vici_put(struct vici_buf *b, const char *key, const char *value)
{
    put_u8(b, VICI_KEY_VALUE);
    put_name(b, key);
    put_value(b, value, strlen(value));
}

void vici_putf(struct vici_buf *b, const char *key, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    vici_put(b, key, text);
}

void vici_list(struct vici_buf *b, const char *name)
{
    put_u8(b, VICI_LIST_START);
    put_name(b, name);
}

void vici_item(struct vici_buf *b, const char *value)
{
    put_u8(b, VICI_LIST_ITEM);
    put_value(b, value, strlen(value));
}

void vici_list_end(struct vici_buf *b) { put_u8(b, VICI_LIST_END); }

/* ---- Reading ---------------------------------------------------------------------------------------------------------- */

static bool take(const uint8_t **p, size_t *left, size_t n, struct vici_text *out)
{
    if (n > *left) {
        return false;
    }
    *out = (struct vici_text){(const char *)*p, n};
    *p += n;
    *left -= n;
    return true;
}

static bool take_name(const uint8_t **p, size_t *left, struct vici_text *out)
{
    struct vici_text len;
    return take(p, left, 1, &len) && take(p, left, (uint8_t)len.p[0], out);
}

static bool take_value(const uint8_t **p, size_t *left, struct vici_text *out)
{
    struct vici_text len;
    return take(p, left, 2, &len) && take(p, left, (size_t)((uint8_t)len.p[0] << 8 | (uint8_t)len.p[1]), out);
}

bool vici_parse_packet(const uint8_t *p, size_t n, struct vici_packet *out)
{
    struct vici_text type;
    *out = (struct vici_packet){0};
    if (!take(&p, &n, 1, &type) || (uint8_t)type.p[0] > VICI_EVENT) {
        return false;
    }
    out->type = (enum vici_packet_type)type.p[0];
    bool named = out->type == VICI_CMD_REQUEST || out->type == VICI_EVENT_REGISTER || out->type == VICI_EVENT_UNREGISTER ||
                 out->type == VICI_EVENT;
    if (named && (!take_name(&p, &n, &out->name) || out->name.n == 0)) {
        return false;
    }
    out->message = (struct vici_text){(const char *)p, n};
    return true;
}

struct vici_reader vici_reader(struct vici_text message)
{
    return (struct vici_reader){.p = (const uint8_t *)message.p, .left = message.n};
}

/* Whether this element may stand here. */
static bool in_place(struct vici_reader *r, enum vici_element_type type)
{
    switch (type) {
    case VICI_SECTION_START:
        return !r->in_list && ++r->depth <= VICI_DEPTH_MAX;
    case VICI_SECTION_END:
        return !r->in_list && r->depth-- > 0;
    case VICI_KEY_VALUE:
        return !r->in_list;
    case VICI_LIST_START:
        r->in_list = !r->in_list;
        return r->in_list;
    case VICI_LIST_ITEM:
        return r->in_list;
    case VICI_LIST_END:
        r->in_list = !r->in_list;
        return !r->in_list;
    default:
        return false;
    }
}

bool vici_next(struct vici_reader *r, struct vici_element *e)
{
    *e = (struct vici_element){0};
    if (r->left == 0) {
        return r->depth == 0 && !r->in_list;
    }
    e->type = (enum vici_element_type)*r->p++;
    r->left--;
    if (!in_place(r, e->type)) {
        return false;
    }
    bool named = e->type == VICI_SECTION_START || e->type == VICI_KEY_VALUE || e->type == VICI_LIST_START;
    bool valued = e->type == VICI_KEY_VALUE || e->type == VICI_LIST_ITEM;
    return (!named || take_name(&r->p, &r->left, &e->name)) && (!valued || take_value(&r->p, &r->left, &e->value));
}

bool vici_valid(struct vici_text message)
{
    struct vici_reader r = vici_reader(message);
    struct vici_element e;
    do {
        if (!vici_next(&r, &e)) {
            return false;
        }
    } while (e.type != VICI_END);
    return true;
}

bool vici_text_is(struct vici_text t, const char *s) { return strlen(s) == t.n && (t.n == 0 || memcmp(t.p, s, t.n) == 0); }

bool vici_get(struct vici_text message, const char *key, struct vici_text *value)
{
    struct vici_reader r = vici_reader(message);
    struct vici_element e;
    while (vici_next(&r, &e) && e.type != VICI_END) {
        if (e.type == VICI_KEY_VALUE && r.depth == 0 && vici_text_is(e.name, key)) {
            *value = e.value;
            return true;
        }
    }
    return false;
}

bool vici_get_str(struct vici_text message, const char *key, char *out, size_t n)
{
    struct vici_text v;
    if (!vici_get(message, key, &v) || v.n >= n || memchr(v.p, 0, v.n)) {
        return false;
    }
    memcpy(out, v.p, v.n);
    out[v.n] = 0;
    return true;
}
