/* SPDX-License-Identifier: ISC
 *
 * From a captured frame to the UDP datagram in it: link layer, IPv4 and IPv6 headers, UDP.
 */
#include "base/bytes.h"
#include <ike/trace.h>

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_BSD = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276
};
enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8, ETHER_QINQ_OLD = 0x9100 };
enum { IP_HOPOPTS = 0, IP_UDP = 17, IP_ROUTING = 43, IP_FRAGMENT = 44, IP_AH = 51, IP_DSTOPTS = 60 };
/* Bounds on what a captured frame can make us walk. */
#define MAX_TAGS 4
#define MAX_EXTENSIONS 8

/* Past the link header. IKE_ERR_NOT_FOUND: not IP. Link types by their LINKTYPE_ values, as capture files have them. */
static int to_ip(uint16_t link, struct ike_rd *r)
{
    uint16_t ether = 0;
    switch (link) {
    case LINK_NULL:
    case LINK_LOOP:
        ike_rd_take(r, 4); /* the family's number differs between systems; the version nibble says the same */
        return r->bad ? IKE_ERR_PROTO : IKE_OK;
    case LINK_RAW_BSD:
    case LINK_RAW_OPENBSD:
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        return IKE_OK;
    /* Two addresses, then the type or tags in front of it. */
    case LINK_ETHERNET:
        ike_rd_take(r, 12);
        ether = ike_rd_u16(r);
        for (int i = 0; i < MAX_TAGS && (ether == ETHER_VLAN || ether == ETHER_QINQ || ether == ETHER_QINQ_OLD); i++) {
            ike_rd_take(r, 2);
            ether = ike_rd_u16(r);
        }
        break;
    case LINK_SLL:
        ike_rd_take(r, 14);
        ether = ike_rd_u16(r);
        break;
    case LINK_SLL2:
        ether = ike_rd_u16(r);
        ike_rd_take(r, 18);
        break;
    default:
        return IKE_ERR_UNSUPPORTED;
    }
    if (r->bad) {
        return IKE_ERR_PROTO;
    }
    return ether == ETHER_IPV4 || ether == ETHER_IPV6 ? IKE_OK : IKE_ERR_NOT_FOUND;
}

/* The port is set when UDP is reached. */
static void set_addr(ike_addr *a, uint8_t family, const uint8_t *ip)
{
    memset(a, 0, sizeof *a);
    a->family = family;
    memcpy(a->ip, ip, family == 4 ? 4 : 16);
}

/* Narrow r to what the IP header says is there; padding of short Ethernet frames goes. A capture may hold less. */
static void narrow(struct ike_rd *r, size_t len)
{
    r->left = len < r->left ? len : r->left;
}

/* `start` lets the header be skipped by its own length, options included. */
static int ipv4(struct ike_rd *r, ike_datagram *out, uint8_t *proto, bool *fragment)
{
    const struct ike_rd start = *r;
    const uint8_t *h = ike_rd_take(r, 20);
    if (h == NULL) {
        return IKE_ERR_PROTO;
    }
    const size_t header = (h[0] & 15u) * 4, total = ike_load16(h + 2);
    if (header < 20 || (total < header && total != 0)) {
        return IKE_ERR_PROTO;
    }
    *r = start;
    if (total != 0) { /* 0: written by a card that segments for itself */
        narrow(r, total);
    }
    ike_rd_take(r, header);
    *proto = h[9];
    *fragment = (ike_load16(h + 6) & 0x3fff) != 0; /* more fragments, or an offset */
    set_addr(&out->src, 4, h + 12);
    set_addr(&out->dst, 4, h + 16);
    return r->bad ? IKE_ERR_PROTO : IKE_OK;
}

/* Extension headers are walked to find UDP, AH included: it is no encryption. */
static int ipv6(struct ike_rd *r, ike_datagram *out, uint8_t *proto, bool *fragment)
{
    const uint8_t *h = ike_rd_take(r, 40);
    if (h == NULL) {
        return IKE_ERR_PROTO;
    }
    /* 0 is a jumbogram, or a card that segments for itself. */
    if (ike_load16(h + 4) != 0) {
        narrow(r, ike_load16(h + 4));
    }
    set_addr(&out->src, 6, h + 8);
    set_addr(&out->dst, 6, h + 24);
    *proto = h[6];
    for (int i = 0; i < MAX_EXTENSIONS; i++) {
        if (*proto != IP_HOPOPTS && *proto != IP_ROUTING && *proto != IP_DSTOPTS && *proto != IP_FRAGMENT && *proto != IP_AH) {
            return IKE_OK;
        }
        const uint8_t *x = ike_rd_take(r, 8);
        if (x == NULL) {
            return IKE_ERR_PROTO;
        }
        /* An "atomic" fragment (offset 0, nothing more) is a whole packet (RFC 6946): the walk goes on. */
        if (*proto == IP_FRAGMENT) {
            *fragment |= (ike_load16(x + 2) & 0xfff9) != 0;
            if (*fragment) {
                *proto = x[0];
                return IKE_OK;
            }
        } else {
            /* AH counts in units of 4 octets less 2, the others in 8 less 1; 8 octets are taken already. */
            ike_rd_take(r, *proto == IP_AH ? (x[1] + 2u) * 4 - 8 : x[1] * 8u);
        }
        *proto = x[0];
    }
    return r->bad ? IKE_ERR_PROTO : IKE_OK;
}

/* Addresses are set as soon as they are known, so that fragments can be counted by peer. */
int ike_frame_datagram(const ike_frame *f, ike_datagram *out)
{
    struct ike_rd r = ike_rd(f->data, f->len);
    uint8_t proto = 0;
    bool fragment = false;
    memset(out, 0, sizeof *out);
    int rc = to_ip(f->link, &r);
    if (rc != IKE_OK) {
        return rc;
    }
    if (r.left == 0) {
        return IKE_ERR_PROTO;
    }
    switch (r.p[0] >> 4) {
    case 4:
        rc = ipv4(&r, out, &proto, &fragment);
        break;
    case 6:
        rc = ipv6(&r, out, &proto, &fragment);
        break;
    default:
        rc = IKE_ERR_NOT_FOUND;
    }
    if (rc != IKE_OK) {
        return rc;
    }
    if (proto != IP_UDP) {
        return IKE_ERR_NOT_FOUND;
    }
    /* Reassembly would need memory and a second frame; so a fragment is reported as one. */
    if (fragment) {
        return IKE_ERR_LIMIT;
    }
    out->src.port = ike_rd_u16(&r);
    out->dst.port = ike_rd_u16(&r);
    const uint16_t len = ike_rd_u16(&r);
    ike_rd_u16(&r); /* checksum: may be left to the sending card, so a capture's says nothing */
    if (r.bad || len < 8) {
        return IKE_ERR_PROTO;
    }
    out->data = ike_bytes_of(r.p, len - 8u < r.left ? len - 8u : r.left);
    /* Cut off by the capture, or shorter than it says itself. */
    if (len - 8u > r.left) {
        return f->len < f->original_len ? IKE_ERR_LIMIT : IKE_ERR_PROTO;
    }
    return IKE_OK;
}

/* The port comes first: on the IKE port there is no marker, and zeros there would be an initiator SPI. */
ike_datagram_type ike_datagram_kind(const ike_datagram *d, uint16_t port, uint16_t encap_port, ike_bytes *message)
{
    *message = d->data;
    if (d->src.port == encap_port || d->dst.port == encap_port) {
        if (d->data.len == 1 && d->data.ptr[0] == 0xff) {
            return IKE_DATAGRAM_KEEPALIVE;
        }
        if (d->data.len >= 4 && ike_load32(d->data.ptr) == 0) {
            *message = ike_bytes_of(d->data.ptr + 4, d->data.len - 4);
            return IKE_DATAGRAM_IKE;
        }
        return d->data.len >= 8 ? IKE_DATAGRAM_ESP : IKE_DATAGRAM_OTHER;
    }
    return d->src.port == port || d->dst.port == port ? IKE_DATAGRAM_IKE : IKE_DATAGRAM_OTHER;
}
