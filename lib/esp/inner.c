/* SPDX-License-Identifier: ISC
 *
 * Inner IP packets: whether they are whole, and whether the traffic selectors admit them. Packets come from the peer or from
 * the host's own applications; neither is trusted.
 */
#include <ike/esp.h>

#include "base/bytes.h"

/* RFC 8200 section 4.1 recommends each header once at most, destination options twice. A bound, so that no packet makes us
 * walk far. */
#define EXT_HEADERS_MAX 8

enum { PROTO_HOP = 0, PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_DCCP = 33 };
enum { PROTO_ROUTING = 43, PROTO_FRAGMENT = 44, PROTO_ICMPV6 = 58, PROTO_OPTIONS = 60, PROTO_SCTP = 132, PROTO_UDPLITE = 136 };

/* The one's complement sum over a correct header is all ones (RFC 1071). */
static bool checksum_ok(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    /* n is a header length: a multiple of 4, and the sum stays far below 2^32. */
    for (size_t i = 0; i < n; i += 2) {
        sum += ike_load16(p + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* Version nibble, lengths and checksum are all that is looked at: what the packet carries is for the stack it goes to. */
size_t ike_esp_ip_length(const uint8_t *packet, size_t n, bool checksum)
{
    if (n >= 20 && packet[0] >> 4 == 4) {
        size_t header = (size_t)(packet[0] & 15) * 4, total = ike_load16(packet + 2);
        /* total may be less than n: what is behind is padding. */
        bool ok = header >= 20 && header <= total && total <= n && (!checksum || checksum_ok(packet, header));
        return ok ? total : 0;
    }
    if (n >= 40 && packet[0] >> 4 == 6) {
        size_t payload = ike_load16(packet + 4);
        bool jumbo = payload == 0 && packet[6] == PROTO_HOP; /* RFC 2675 */
        return !jumbo && payload <= n - 40 ? payload + 40 : 0;
    }
    return 0;
}

/* What selectors look at. */
struct flow {
    uint8_t family, proto;
    bool proto_known, ports_known; /* false where a fragment hides them */
    uint16_t sport, dport;
    const uint8_t *src, *dst;
};

/* On a cut header ports stay unknown, so such a packet meets only selectors that do not ask for them. */
static void read_ports(struct flow *f, struct ike_rd r)
{
    switch (f->proto) {
    case PROTO_TCP:
    case PROTO_UDP:
    case PROTO_DCCP:
    case PROTO_SCTP:
    case PROTO_UDPLITE:
        f->sport = ike_rd_u16(&r);
        f->dport = ike_rd_u16(&r);
        break;
    case PROTO_ICMP:
    case PROTO_ICMPV6:
        f->sport = f->dport = ike_rd_u16(&r); /* type, code: both sides see the same (RFC 7296 section 3.13.1) */
        break;
    default:
        return;
    }
    f->ports_known = !r.bad;
}

/* Only the first fragment has ports; the others match what ike_esp_ts_match says of them. */
static bool read_ipv4(struct flow *f, const uint8_t *p, size_t n)
{
    size_t header = (size_t)(p[0] & 15) * 4;
    f->family = 4;
    f->proto = p[9];
    f->proto_known = true;
    f->src = p + 12;
    f->dst = p + 16;
    if ((ike_load16(p + 6) & 0x1fff) == 0) {
        read_ports(f, ike_rd(p + header, n - header));
    }
    return true;
}

/* Leaves f->proto at the first header that is no extension (RFC 8200 section 4). AH and ESP are protocols here. */
static bool read_ipv6(struct flow *f, const uint8_t *p, size_t n)
{
    struct ike_rd r = ike_rd(p + 40, n - 40);
    bool later_fragment = false;
    f->family = 6;
    f->proto = p[6];
    f->src = p + 8;
    f->dst = p + 24;
    for (int i = 0; i <= EXT_HEADERS_MAX; i++) {
        bool fragment = f->proto == PROTO_FRAGMENT;
        /* These three have the same form: next header, length in units of 8 octets without the first. */
        bool options = f->proto == PROTO_HOP || f->proto == PROTO_ROUTING || f->proto == PROTO_OPTIONS;
        if (later_fragment || (!fragment && !options)) {
            /* The header behind a later fragment is that of the packet's middle: its number is known, what follows is not. */
            f->proto_known = !(later_fragment && (fragment || options));
            if (!later_fragment) {
                read_ports(f, r);
            }
            return true;
        }
        uint8_t next = ike_rd_u8(&r);
        size_t len = ike_rd_u8(&r);
        const uint8_t *rest = ike_rd_take(&r, fragment ? 6 : 6 + 8 * len);
        if (!rest) {
            return false;
        }
        /* 13 bits of offset in units of 8 octets; the rest are reserved bits and the more flag. */
        later_fragment = fragment && (ike_load16(rest) & 0xfff8);
        f->proto = next;
    }
    return false;
}

/* Addresses compare as octets, since they are big-endian. */
static bool side_matches(const struct flow *f, const uint8_t *ip, uint16_t port, const ike_ts *ts, size_t n)
{
    size_t len = f->family == 4 ? 4 : 16;
    for (size_t i = 0; i < n; i++, ts++) {
        if (ts->family != f->family || memcmp(ip, ts->lo, len) < 0 || memcmp(ip, ts->hi, len) > 0) {
            continue;
        }
        if (ts->proto && !(f->proto_known && ts->proto == f->proto)) {
            continue;
        }
        bool all = ts->port_lo == 0 && ts->port_hi == UINT16_MAX;
        /* OPAQUE is for exactly the packets whose ports cannot be seen (RFC 4301 section 4.4.1.1). */
        bool opaque = ts->port_lo == UINT16_MAX && ts->port_hi == 0;
        if (all || (f->ports_known ? port >= ts->port_lo && port <= ts->port_hi : opaque)) {
            return true;
        }
    }
    return false;
}

/* A tunnel's receiver must check too (RFC 4301 section 5.2): the peer's keys do not entitle it to any other source address.
 * Protocol and ports are taken from one packet for both sides. */
bool ike_esp_ts_match(const uint8_t *ip_packet, size_t n, const ike_ts *local, size_t n_local, const ike_ts *remote,
                      size_t n_remote, bool inbound)
{
    struct flow f = {0};
    size_t len = ike_esp_ip_length(ip_packet, n, false);
    if (len == 0 || !(ip_packet[0] >> 4 == 4 ? read_ipv4(&f, ip_packet, len) : read_ipv6(&f, ip_packet, len))) {
        return false;
    }
    if (inbound) {
        return side_matches(&f, f.src, f.sport, remote, n_remote) && side_matches(&f, f.dst, f.dport, local, n_local);
    }
    return side_matches(&f, f.src, f.sport, local, n_local) && side_matches(&f, f.dst, f.dport, remote, n_remote);
}
