/* SPDX-License-Identifier: ISC
 *
 * Bounded text writer, see text.h.
 */
#include "base/text.h"

static const char digits[] = "0123456789abcdef";

/* Ended by NUL from the start: a text that nothing is added to is one too. */
struct ike_text ike_text(char *p, size_t cap)
{
    if (cap) {
        p[0] = 0;
    }
    return (struct ike_text){p, cap, 0};
}

/* All other writers come through here, so none of them has to look at the room. */
void ike_text_char(struct ike_text *t, char c)
{
    if (t->len + 1 < t->cap) {
        t->p[t->len] = c;
        t->p[t->len + 1] = 0;
    }
    t->len++;
}

void ike_text_str(struct ike_text *t, const char *s)
{
    while (*s) {
        ike_text_char(t, *s++);
    }
}

/* Without printf, which small hosts may not have. */
void ike_text_uint(struct ike_text *t, uint64_t v)
{
    /* 2^64 - 1 has 20 digits. */
    char tmp[20];
    size_t n = 0;
    do {
        tmp[n++] = digits[v % 10];
        v /= 10;
    } while (v);
    while (n) {
        ike_text_char(t, tmp[--n]);
    }
}

static void hex_octet(struct ike_text *t, uint8_t v)
{
    ike_text_char(t, digits[v >> 4]);
    ike_text_char(t, digits[v & 15]);
}

void ike_text_hex(struct ike_text *t, ike_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        hex_octet(t, b.ptr[i]);
    }
}

/* Not isprint(), which depends on the locale. */
static bool printable(uint8_t c) { return c >= 0x20 && c < 0x7f; }

/* ASCII only; an empty text is printable. */
bool ike_printable(ike_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (!printable(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* The backslash is escaped too, so that no octets look like an escape they are not. */
void ike_text_escaped(struct ike_text *t, ike_bytes b)
{
    for (size_t i = 0; i < b.len; i++) {
        if (printable(b.ptr[i]) && b.ptr[i] != '\\') {
            ike_text_char(t, (char)b.ptr[i]);
        } else {
            ike_text_str(t, "\\x");
            hex_octet(t, b.ptr[i]);
        }
    }
}

/* Both cases are read; written is lower case only. */
int ike_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
