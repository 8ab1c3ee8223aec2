/* SPDX-License-Identifier: ISC
 *
 * Big-endian loads and stores, the bounds-checked reader and writer, wiping and comparing in constant time.
 */
#include "base/bytes.h"

extern inline const uint8_t *ike_rd_take(struct ike_rd *r, size_t n);
extern inline bool ike_rd_done(const struct ike_rd *r);
extern inline void ike_wr_bytes(struct ike_wr *w, ike_bytes b);

/* Octet by octet: no alignment is assumed and no byte order, and compilers make one load of it. */
uint16_t ike_load16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
uint32_t ike_load32(const uint8_t *p) { return (uint32_t)ike_load16(p) << 16 | ike_load16(p + 2); }
uint64_t ike_load64(const uint8_t *p) { return (uint64_t)ike_load32(p) << 32 | ike_load32(p + 4); }

/* Big-endian, as all of IKE and ESP is. */
void ike_store16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void ike_store32(uint8_t *p, uint32_t v)
{
    ike_store16(p, (uint16_t)(v >> 16));
    ike_store16(p + 2, (uint16_t)v);
}

void ike_store64(uint8_t *p, uint64_t v)
{
    ike_store32(p, (uint32_t)(v >> 32));
    ike_store32(p + 4, (uint32_t)v);
}

/* Past the end numbers are 0, and the reader is bad: a caller may read a whole structure and ask once. */
uint8_t ike_rd_u8(struct ike_rd *r)
{
    const uint8_t *p = ike_rd_take(r, 1);
    return p ? *p : 0;
}

uint16_t ike_rd_u16(struct ike_rd *r)
{
    const uint8_t *p = ike_rd_take(r, 2);
    return p ? ike_load16(p) : 0;
}

uint32_t ike_rd_u32(struct ike_rd *r)
{
    const uint8_t *p = ike_rd_take(r, 4);
    return p ? ike_load32(p) : 0;
}

uint64_t ike_rd_u64(struct ike_rd *r)
{
    const uint8_t *p = ike_rd_take(r, 8);
    return p ? ike_load64(p) : 0;
}

/* The outer reader goes on behind the n octets, whatever the inner one does. */
struct ike_rd ike_rd_sub(struct ike_rd *r, size_t n)
{
    const uint8_t *p = ike_rd_take(r, n);
    return (struct ike_rd){p, p ? n : 0, p == NULL};
}

/* w->len never exceeds w->cap, so the subtraction cannot wrap. */
uint8_t *ike_wr_room(struct ike_wr *w, size_t n)
{
    if (w->bad || n > w->cap - w->len) {
        w->bad = true;
        return NULL;
    }
    uint8_t *p = w->p + w->len;
    w->len += n;
    return p;
}

void ike_wr_u8(struct ike_wr *w, uint8_t v)
{
    uint8_t *p = ike_wr_room(w, 1);
    if (p) {
        *p = v;
    }
}

void ike_wr_u16(struct ike_wr *w, uint16_t v)
{
    uint8_t *p = ike_wr_room(w, 2);
    if (p) {
        ike_store16(p, v);
    }
}

void ike_wr_u32(struct ike_wr *w, uint32_t v)
{
    uint8_t *p = ike_wr_room(w, 4);
    if (p) {
        ike_store32(p, v);
    }
}

void ike_wr_u64(struct ike_wr *w, uint64_t v)
{
    uint8_t *p = ike_wr_room(w, 8);
    if (p) {
        ike_store64(p, v);
    }
}

/* memcpy wants valid pointers even for 0 octets; an empty view may be NULL. */
void ike_wr_put(struct ike_wr *w, const void *p, size_t n)
{
    uint8_t *q = ike_wr_room(w, n);
    if (q && n) {
        memcpy(q, p, n);
    }
}

/* A length that does not fit its field is a failure of the whole text, not a smaller number. */
void ike_wr_fix16(struct ike_wr *w, size_t at, size_t value)
{
    if (w->bad || at + 2 > w->len || value > UINT16_MAX) {
        w->bad = true;
        return;
    }
    ike_store16(w->p + at, (uint16_t)value);
}

/* A plain memset before memory is released may be dropped as dead; the asm makes it look read. */
void ike_wipe(void *p, size_t n)
{
    if (n == 0) {
        return;
    }
#if defined(__GNUC__)
    memset(p, 0, n);
    __asm__ __volatile__("" : : "r"(p) : "memory");
#else
    volatile uint8_t *q = p;
    while (n--) {
        *q++ = 0;
    }
#endif
}

/* For secrets and what proves them. volatile keeps a compiler from leaving the loop at the first difference. */
bool ike_ct_equal(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t d = 0;
    for (size_t i = 0; i < n; i++) {
        d |= (uint8_t)(x[i] ^ y[i]);
    }
    return d == 0;
}

/* Also of secrets: all octets are looked at. */
bool ike_is_zero(const void *p, size_t n)
{
    const uint8_t *q = p;
    uint8_t d = 0;
    for (size_t i = 0; i < n; i++) {
        d |= q[i];
    }
    return d == 0;
}
