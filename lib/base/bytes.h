/* SPDX-License-Identifier: ISC
 *
 * Bytes: bounds-checked reader and writer, constant-time comparison, wiping. Every octet that comes from outside is read
 * through struct ike_rd. A reader or writer that went wrong stays wrong, so callers check once at the end.
 */
#ifndef IKE_BASE_BYTES_H
#define IKE_BASE_BYTES_H

#include <ike/types.h>
#include <string.h>

struct ike_rd {
    const uint8_t *p;
    size_t left;
    bool bad; /* something was read past the end */
};

static inline struct ike_rd ike_rd(const void *p, size_t n) { return (struct ike_rd){p, n, false}; }

/* n octets, or NULL past the end (n == 0 gives a non-NULL pointer when the reader is good). */
inline const uint8_t *ike_rd_take(struct ike_rd *r, size_t n)
{
    static const uint8_t empty[1];
    if (r->bad || n > r->left) {
        r->bad = true;
        r->left = 0;
        return NULL;
    }
    const uint8_t *p = n ? r->p : empty;
    if (n) {
        r->p += n;
    }
    r->left -= n;
    return p;
}

uint8_t ike_rd_u8(struct ike_rd *r);
uint16_t ike_rd_u16(struct ike_rd *r);
uint32_t ike_rd_u32(struct ike_rd *r);
uint64_t ike_rd_u64(struct ike_rd *r);
/* A reader over the next n octets; bad if there are fewer. */
struct ike_rd ike_rd_sub(struct ike_rd *r, size_t n);
inline bool ike_rd_done(const struct ike_rd *r) { return !r->bad && r->left == 0; }

struct ike_wr {
    uint8_t *p; /* the caller's */
    size_t cap, len;
    bool bad; /* something did not fit */
};

static inline struct ike_wr ike_wr(void *p, size_t cap) { return (struct ike_wr){p, cap, 0, false}; }

/* Room for n octets, or NULL. */
uint8_t *ike_wr_room(struct ike_wr *w, size_t n);
void ike_wr_u8(struct ike_wr *w, uint8_t v);
void ike_wr_u16(struct ike_wr *w, uint16_t v);
void ike_wr_u32(struct ike_wr *w, uint32_t v);
void ike_wr_u64(struct ike_wr *w, uint64_t v);
void ike_wr_put(struct ike_wr *w, const void *p, size_t n);
inline void ike_wr_bytes(struct ike_wr *w, ike_bytes b) { ike_wr_put(w, b.ptr, b.len); }
/* Overwrite 2 octets written earlier: length fields. */
void ike_wr_fix16(struct ike_wr *w, size_t at, size_t value);

uint16_t ike_load16(const uint8_t *p);
uint32_t ike_load32(const uint8_t *p);
uint64_t ike_load64(const uint8_t *p);
void ike_store16(uint8_t *p, uint16_t v);
void ike_store32(uint8_t *p, uint32_t v);
void ike_store64(uint8_t *p, uint64_t v);

/* Wipe that the optimiser does not remove. */
void ike_wipe(void *p, size_t n);
/* Equality in time that depends on n alone. */
bool ike_ct_equal(const void *a, const void *b, size_t n);
bool ike_is_zero(const void *p, size_t n);
/* Equality of public bytes. */
static inline bool ike_bytes_equal(ike_bytes a, ike_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline ike_bytes ike_bytes_of(const void *p, size_t n) { return (ike_bytes){p, n}; }
#define IKE_STR(s)   ((ike_bytes){(const uint8_t *)(s), sizeof(s) - 1})
#define IKE_COUNT(a) (sizeof(a) / sizeof(*(a)))

#endif
