/* SPDX-License-Identifier: ISC
 *
 * Capture files in memory: pcap (microseconds and nanoseconds) and pcapng, both byte orders. Lengths come from the file and
 * are believed only as far as the file goes.
 */
#include "base/bytes.h"
#include <ike/trace.h>

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_PACKET = 2, BLOCK_SIMPLE = 3, BLOCK_ENHANCED = 6 };
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define OPTION_TSRESOL   9
#define RESOLUTION_MICRO 6

/* Written out: compilers have instructions for it. */
static uint16_t swap16(uint16_t v) { return (uint16_t)(v << 8 | v >> 8); }
static uint32_t swap32(uint32_t v) { return (uint32_t)swap16((uint16_t)v) << 16 | swap16((uint16_t)(v >> 16)); }

/* Numbers in the file's byte order; `swapped` means little-endian, as the reader is big-endian. */
static uint16_t get16(struct ike_rd *r, bool swapped)
{
    const uint16_t v = ike_rd_u16(r);
    return swapped ? swap16(v) : v;
}

static uint32_t get32(struct ike_rd *r, bool swapped)
{
    const uint32_t v = ike_rd_u32(r);
    return swapped ? swap32(v) : v;
}

/* ---- pcap ---- */

/* The magic number tells byte order and unit at once. */
static bool open_pcap(ike_capture *c)
{
    static const struct {
        uint32_t magic;
        bool swapped, nano;
    } kinds[] = {{0xa1b2c3d4, false, false}, {0xd4c3b2a1, true, false}, {0xa1b23c4d, false, true}, {0x4d3cb2a1, true, true}};
    struct ike_rd r = ike_rd(c->p, c->left);
    const uint32_t magic = ike_rd_u32(&r);
    for (size_t i = 0; i < IKE_COUNT(kinds); i++) {
        if (kinds[i].magic == magic) {
            c->swapped = kinds[i].swapped;
            c->nano = kinds[i].nano;
            ike_rd_take(&r, 16); /* version, zone, accuracy, snapshot length */
            c->interfaces[0].link = (uint16_t)get32(&r, c->swapped);
            c->p = r.p;
            c->left = r.left;
            return !r.bad;
        }
    }
    return false;
}

/* The place in the file moves only when a whole record was there. */
static int next_pcap(ike_capture *c, ike_frame *f)
{
    struct ike_rd r = ike_rd(c->p, c->left);
    if (r.left == 0) {
        return IKE_ERR_NOT_FOUND;
    }
    f->seconds = get32(&r, c->swapped);
    const uint32_t part = get32(&r, c->swapped);
    /* A damaged fraction is cut to its range rather than refused. */
    f->nanoseconds = (c->nano ? part : part % 1000000 * 1000) % 1000000000;
    f->len = get32(&r, c->swapped);
    f->original_len = get32(&r, c->swapped);
    f->link = c->interfaces[0].link;
    /* A view into the file. The length is only believed as far as the file goes. */
    f->data = ike_rd_take(&r, f->len);
    if (r.bad) {
        return IKE_ERR_PROTO;
    }
    c->p = r.p;
    c->left = r.left;
    return IKE_OK;
}

/* ---- pcapng ---- */

/* A time stamp in units of the interface: resolution is a negative power of ten, or of two with the high bit. */
static void set_time(ike_frame *f, uint64_t stamp, uint8_t resolution)
{
    const unsigned exponent = resolution & 0x7f;
    f->seconds = 0;
    f->nanoseconds = 0;
    if (resolution & 0x80) {
        /* 2^-64 and finer: no clock has it, so the time stays 0. */
        if (exponent < 64) {
            const uint64_t part = stamp & ((UINT64_C(1) << exponent) - 1);
            /* 34 bits of fraction leave room for the factor of 30 */
            const unsigned drop = exponent > 34 ? exponent - 34 : 0;
            f->seconds = stamp >> exponent;
            f->nanoseconds = (uint32_t)((part >> drop) * 1000000000 >> (exponent - drop));
        }
        return;
    }
    uint64_t unit = 1, nano = 1000000000;
    /* 10^19 is the last power of ten that 64 bits hold. */
    for (unsigned i = 0; i < exponent && i < 19; i++) {
        unit *= 10;
        nano = nano / 10;
    }
    f->seconds = stamp / unit;
    const uint64_t part = stamp % unit;
    f->nanoseconds = (uint32_t)(nano ? part * nano : part / (unit / 1000000000));
}

/* Options are padded to 4 octets; the end of the block ends them as well as code 0 does. */
static uint8_t find_resolution(struct ike_rd *options, bool swapped)
{
    while (!options->bad && options->left != 0) {
        const uint16_t code = get16(options, swapped), len = get16(options, swapped);
        const uint8_t *value = ike_rd_take(options, len);
        ike_rd_take(options, (4u - len % 4) % 4);
        if (code == 0 || value == NULL) {
            break;
        }
        if (code == OPTION_TSRESOL && len == 1) {
            return value[0];
        }
    }
    return RESOLUTION_MICRO;
}

/* Blocks describe interfaces before the packets that came through them. */
static int add_interface(ike_capture *c, struct ike_rd *r)
{
    const uint16_t link = get16(r, c->swapped);
    get16(r, c->swapped);
    const uint32_t snap = get32(r, c->swapped);
    if (r->bad) {
        return IKE_ERR_PROTO;
    }
    const uint32_t i = c->n_interfaces++;
    /* Counted on: numbers of later interfaces stay right. */
    if (i >= IKE_CAPTURE_INTERFACES) {
        return IKE_OK;
    }
    c->interfaces[i].link = link;
    c->interfaces[i].snap = snap;
    c->interfaces[i].resolution = find_resolution(r, c->swapped);
    return IKE_OK;
}

/* The packet in a block of one of three types. */
static int take_packet(const ike_capture *c, uint32_t type, struct ike_rd *r, ike_frame *f)
{
    uint32_t interface = 0;
    uint64_t stamp = 0;
    if (type == BLOCK_ENHANCED) {
        interface = get32(r, c->swapped);
    } else if (type == BLOCK_PACKET) {
        interface = get16(r, c->swapped);
        get16(r, c->swapped);
    }
    /* A packet of an interface nobody described cannot be read: its link type is unknown. */
    if (interface >= c->n_interfaces) {
        return IKE_ERR_PROTO;
    }
    /* Has no captured length of its own: what was cut follows from the interface's limit. Nor a time. */
    if (type == BLOCK_SIMPLE) {
        f->original_len = get32(r, c->swapped);
        const uint32_t snap = c->interfaces[0].snap;
        f->len = snap != 0 && snap < f->original_len ? snap : f->original_len;
    } else {
        stamp = (uint64_t)get32(r, c->swapped) << 32;
        stamp |= get32(r, c->swapped);
        f->len = get32(r, c->swapped);
        f->original_len = get32(r, c->swapped);
    }
    const bool kept = interface < IKE_CAPTURE_INTERFACES;
    f->link = kept ? c->interfaces[interface].link : IKE_LINK_UNKNOWN;
    set_time(f, stamp, kept ? c->interfaces[interface].resolution : RESOLUTION_MICRO);
    f->data = ike_rd_take(r, f->len);
    return r->bad ? IKE_ERR_PROTO : IKE_OK;
}

/* The next block: its type and a reader over its body. A section header sets the byte order of what follows. */
static int take_block(ike_capture *c, uint32_t *type, struct ike_rd *body)
{
    struct ike_rd r = ike_rd(c->p, c->left);
    if (r.left == 0) {
        return IKE_ERR_NOT_FOUND;
    }
    if (r.left < 12) {
        return IKE_ERR_PROTO;
    }
    /* The number reads the same in both byte orders, so it is found before the order is known. Interfaces count from 0
     * again. */
    if (ike_load32(c->p) == BLOCK_SECTION) {
        const uint32_t magic = ike_load32(c->p + 8);
        if (magic != BYTE_ORDER_MAGIC && swap32(magic) != BYTE_ORDER_MAGIC) {
            return IKE_ERR_PROTO;
        }
        c->swapped = magic != BYTE_ORDER_MAGIC;
        c->n_interfaces = 0;
    }
    *type = get32(&r, c->swapped);
    const uint32_t len = get32(&r, c->swapped);
    /* Type and both lengths; blocks are padded to 4 octets. */
    if (len < 12 || len % 4 != 0) {
        return IKE_ERR_PROTO;
    }
    *body = ike_rd_sub(&r, len - 12u);
    /* The length stands at both ends of a block; where they differ the file is damaged. */
    if (get32(&r, c->swapped) != len || r.bad) {
        return IKE_ERR_PROTO;
    }
    c->p = r.p;
    c->left = r.left;
    return IKE_OK;
}

/* Blocks of other types are passed over; each has at least 12 octets, so the walk ends. */
static int next_ng(ike_capture *c, ike_frame *f)
{
    for (;;) {
        uint32_t type;
        struct ike_rd body;
        int rc = take_block(c, &type, &body);
        if (rc != IKE_OK) {
            return rc;
        }
        if (type == BLOCK_ENHANCED || type == BLOCK_PACKET || type == BLOCK_SIMPLE) {
            return take_packet(c, type, &body, f);
        }
        if (type == BLOCK_INTERFACE && (rc = add_interface(c, &body)) != IKE_OK) {
            return rc;
        }
    }
}

/* Nothing is copied: the file's octets must stay as long as frames are read. */
int ike_capture_open(ike_capture *c, const uint8_t *data, size_t n)
{
    memset(c, 0, sizeof *c);
    c->p = data;
    c->left = n;
    if (n >= 12 && ike_load32(data) == BLOCK_SECTION) {
        c->ng = true;
        return IKE_OK;
    }
    return n >= 24 && open_pcap(c) ? IKE_OK : IKE_ERR_INVALID;
}

/* Frames are numbered as they come, so numbers match other programs'. */
int ike_capture_next(ike_capture *c, ike_frame *f)
{
    memset(f, 0, sizeof *f);
    const int rc = c->ng ? next_ng(c, f) : next_pcap(c, f);
    if (rc != IKE_OK) {
        c->left = 0; /* nothing behind a damaged place can be found again */
        return rc;
    }
    f->number = ++c->frames;
    return IKE_OK;
}
