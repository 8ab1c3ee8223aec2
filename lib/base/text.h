/* SPDX-License-Identifier: ISC
 *
 * Text: a bounded writer with the counting rule of snprintf. It never overruns, always ends the text with NUL when there is
 * room for one octet, and `len` goes on counting past the end, so one pass tells how much room the whole text needs.
 */
#ifndef IKE_BASE_TEXT_H
#define IKE_BASE_TEXT_H

#include <ike/types.h>

struct ike_text {
    char *p;
    size_t cap, len;
};

/* An empty text in p; p may be NULL when cap is 0. */
struct ike_text ike_text(char *p, size_t cap);
void ike_text_char(struct ike_text *t, char c);
void ike_text_str(struct ike_text *t, const char *s);
void ike_text_uint(struct ike_text *t, uint64_t v);
/* Lower-case, two digits an octet, nothing between. */
void ike_text_hex(struct ike_text *t, ike_bytes b);
/* Octets of unknown origin: what is not printable ASCII, and the backslash itself, comes out as \xNN. */
void ike_text_escaped(struct ike_text *t, ike_bytes b);

/* 0..15, or -1. */
int ike_hex_digit(char c);
bool ike_printable(ike_bytes b);

#endif
