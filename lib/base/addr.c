/* SPDX-License-Identifier: ISC
 *
 * Text forms of addresses and traffic selectors. Nothing here asks the system: zones are numbers, names are not resolved,
 * so that results are the same on every host. IPv6 comes out as RFC 5952 wants it.
 */
#include "base/addr.h"
#include "base/bytes.h"
#include "base/text.h"

/* How RFC 7296 section 3.13.1 writes OPAQUE: a start above the end. */
#define OPAQUE_LO 65535
#define OPAQUE_HI 0

/* ::ffff:0:0/96, IPv4-mapped addresses (RFC 4291 section 2.5.5.2). */
static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Decimal without leading zeros, as take_uint reads it. */
static void put_ipv4(struct ike_text *t, const uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        if (i) {
            ike_text_char(t, '.');
        }
        ike_text_uint(t, ip[i]);
    }
}

/* Lower-case, without leading zeros (RFC 5952 section 4.1). */
static void put_group(struct ike_text *t, unsigned v)
{
    bool started = false;
    for (unsigned shift = 16; shift;) {
        shift -= 4;
        unsigned d = v >> shift & 15;
        if (d || started || shift == 0) {
            ike_text_char(t, "0123456789abcdef"[d]);
            started = true;
        }
    }
}

/* The first longest run of two or more zero groups is what "::" stands for (RFC 5952 section 4.2). */
static void longest_zero_run(const uint8_t ip[16], unsigned *start, unsigned *len)
{
    *start = 8;
    *len = 1;
    for (unsigned i = 0; i < 8;) {
        unsigned j = i;
        while (j < 8 && ike_load16(ip + 2 * j) == 0) {
            j++;
        }
        if (j - i > *len) {
            *start = i;
            *len = j - i;
        }
        i = j + 1;
    }
}

/* Round trip: take_ipv6 reads every form this writes as the same address. */
static void put_ipv6(struct ike_text *t, const uint8_t ip[16])
{
    if (memcmp(ip, mapped_prefix, sizeof(mapped_prefix)) == 0) {
        ike_text_str(t, "::ffff:"); /* RFC 5952 section 5 */
        put_ipv4(t, ip + 12);
        return;
    }
    unsigned start, len;
    longest_zero_run(ip, &start, &len);
    for (unsigned i = 0; i < 8; i++) {
        if (i == start) {
            ike_text_str(t, "::");
            i += len - 1;
            continue;
        }
        /* "::" brings the colons on both of its sides. */
        if (i && i != start + len) {
            ike_text_char(t, ':');
        }
        put_group(t, ike_load16(ip + 2 * i));
    }
}

/* "%any" is read back as family 0. */
static void put_ip(struct ike_text *t, uint8_t family, const uint8_t *ip)
{
    if (family == 4) {
        put_ipv4(t, ip);
    } else if (family == 6) {
        put_ipv6(t, ip);
    } else {
        ike_text_str(t, "%any");
    }
}

/* Brackets only with a port: without them nothing could tell it from one more group. */
size_t ike_addr_format(const ike_addr *a, bool with_port, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    bool brackets = with_port && a->family == 6;
    if (brackets) {
        ike_text_char(&t, '[');
    }
    put_ip(&t, a->family, a->ip);
    if (a->family == 6 && a->scope) {
        ike_text_char(&t, '%');
        ike_text_uint(&t, a->scope);
    }
    if (brackets) {
        ike_text_char(&t, ']');
    }
    if (with_port) {
        ike_text_char(&t, ':');
        ike_text_uint(&t, a->port);
    }
    return t.len;
}

/* --- parsing. Each take_* eats what it understands from *s and says whether that was there; the caller checks what follows. */

/* Decimal without sign, blanks or leading zeros: "010" is octal to some readers, so it is no number here. */
static bool take_uint(const char **s, uint32_t max, uint32_t *v)
{
    const char *p = *s;
    uint64_t x = 0;
    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9')) {
        return false;
    }
    for (; *p >= '0' && *p <= '9'; p++) {
        x = x * 10 + (uint64_t)(*p - '0');
        if (x > max) {
            return false;
        }
    }
    *v = (uint32_t)x;
    *s = p;
    return true;
}

/* Eats c if it is next. */
static bool take_char(const char **s, char c)
{
    if (**s != c) {
        return false;
    }
    ++*s;
    return true;
}

/* A prefix is enough: what may not follow is seen by the caller. */
static bool take_word(const char **s, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*s, word, n) != 0) {
        return false;
    }
    *s += n;
    return true;
}

/* *s is moved only on success, so that another reading can be tried from the same place. */
static bool take_ipv4(const char **s, uint8_t ip[4])
{
    const char *p = *s;
    for (int i = 0; i < 4; i++) {
        uint32_t v;
        if ((i && !take_char(&p, '.')) || !take_uint(&p, 255, &v)) {
            return false;
        }
        ip[i] = (uint8_t)v;
    }
    *s = p;
    return true;
}

/* One to four digits: a fifth is an error, not the next thing. */
static bool take_group(const char **s, uint8_t out[2])
{
    unsigned v = 0, n = 0;
    for (int d; n < 4 && (d = ike_hex_digit(**s)) >= 0; n++) {
        v = v << 4 | (unsigned)d;
        ++*s;
    }
    ike_store16(out, (uint16_t)v);
    return n > 0 && ike_hex_digit(**s) < 0;
}

static bool take_ipv6(const char **s, uint8_t ip[16])
{
    const char *p = *s;
    /* 17 is no place an address has, so it says that there was no "::" yet. */
    size_t n = 0, gap = 17; /* octets so far; where "::" was */
    memset(ip, 0, 16);
    if (take_word(&p, "::")) {
        gap = 0;
    }
    while (n < 16 && (ike_hex_digit(*p) >= 0)) {
        const char *q = p;
        if (n <= 12 && take_ipv4(&q, ip + n)) { /* a dotted quad can only end the address */
            n += 4;
            p = q;
            break;
        }
        if (!take_group(&p, ip + n)) {
            return false;
        }
        n += 2;
        /* A second "::" is not taken and fails as something left over. */
        if (gap > 16 && take_word(&p, "::")) {
            gap = n;
        } else if (*p == ':' && ike_hex_digit(p[1]) >= 0) {
            /* Only a colon that a group follows belongs to the address. */
            p++;
        } else {
            break;
        }
    }
    /* There was a "::". */
    if (gap <= 16) {
        if (n > 14) { /* "::" must stand for something */
            return false;
        }
        /* What was read behind "::" moves to the end, and zeros take its place. */
        memmove(ip + 16 - (n - gap), ip + gap, n - gap);
        memset(ip + gap, 0, 16 - n);
        n = 16;
    }
    *s = p;
    return n == 16;
}

/* IPv4 first: every other text fails there at once, while "1" could begin an IPv6 group. */
static bool take_ip(const char **s, uint8_t *family, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (take_ipv4(s, ip)) {
        *family = 4;
        return true;
    }
    *family = 6;
    return take_ipv6(s, ip);
}

/* "%7" behind an IPv6 address (RFC 4007 section 11); 0 means no zone there, so it is not accepted. */
static bool take_scope(const char **s, ike_addr *a)
{
    if (a->family != 6 || !take_char(s, '%')) {
        return true;
    }
    return take_uint(s, UINT32_MAX, &a->scope) && a->scope != 0;
}

/* *a is untouched unless all of the text was one address. */
int ike_addr_parse(ike_addr *a, const char *text)
{
    ike_addr r = {0};
    bool ok, closed = false;
    if (take_word(&text, "%any")) {
        ok = true;
    } else if (take_char(&text, '[')) {
        ok = take_ip(&text, &r.family, r.ip) && r.family == 6 && take_scope(&text, &r) && take_char(&text, ']');
        closed = true;
    } else {
        ok = take_ip(&text, &r.family, r.ip) && take_scope(&text, &r);
    }
    /* Behind an unbracketed IPv6 address a colon could be another group, so a port needs brackets. */
    if (ok && (closed || r.family != 6) && take_char(&text, ':')) {
        uint32_t port;
        ok = take_uint(&text, UINT16_MAX, &port);
        r.port = ok ? (uint16_t)port : 0;
    }
    if (!ok || *text) {
        return IKE_ERR_INVALID;
    }
    *a = r;
    return IKE_OK;
}

/* --- traffic selectors */

/* The names IANA has for the protocols policies are written for. "any" is first, so that 0 gets it. */
static const struct {
    uint8_t proto;
    const char *name;
} protocols[] = {{0, "any"}, {1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "ipv6-icmp"}};

static size_t ip_len(uint8_t family) { return family == 4 ? 4 : 16; }

int ike_ts_prefix(const ike_ts *ts)
{
    if (ts->family != 4 && ts->family != 6) {
        return -1;
    }
    /* The bits in which both ends agree are the prefix; behind it one end must be all zeros and the other all ones. */
    size_t bits = 8 * ip_len(ts->family), i = 0;
    while (i < bits && !((ts->lo[i / 8] ^ ts->hi[i / 8]) >> (7 - i % 8) & 1)) {
        i++;
    }
    int prefix = (int)i;
    for (; i < bits; i++) {
        if ((ts->lo[i / 8] >> (7 - i % 8) & 1) || !(ts->hi[i / 8] >> (7 - i % 8) & 1)) {
            return -1;
        }
    }
    return prefix;
}

/* Names for what policies speak of; the rest as numbers, which are read back just as well. */
static void put_protocol(struct ike_text *t, uint8_t proto)
{
    for (size_t i = 0; i < IKE_COUNT(protocols); i++) {
        if (protocols[i].proto == proto) {
            ike_text_str(t, protocols[i].name);
            return;
        }
    }
    ike_text_uint(t, proto);
}

/* All ports is what a selector without "/" means, so nothing is written then. */
static void put_ports(struct ike_text *t, const ike_ts *ts)
{
    ike_text_char(t, '[');
    put_protocol(t, ts->proto);
    if (ts->port_lo == OPAQUE_LO && ts->port_hi == OPAQUE_HI) {
        ike_text_str(t, "/opaque");
    } else if (ts->port_lo != 0 || ts->port_hi != UINT16_MAX) {
        ike_text_char(t, '/');
        ike_text_uint(t, ts->port_lo);
        if (ts->port_hi != ts->port_lo) {
            ike_text_char(t, '-');
            ike_text_uint(t, ts->port_hi);
        }
    }
    ike_text_char(t, ']');
}

/* A prefix where the range is one, else both ends; protocol and ports only where they say something. */
size_t ike_ts_format(const ike_ts *ts, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    int prefix = ike_ts_prefix(ts);
    put_ip(&t, ts->family, ts->lo);
    if (prefix >= 0) {
        ike_text_char(&t, '/');
        ike_text_uint(&t, (uint64_t)prefix);
    } else {
        ike_text_char(&t, '-');
        put_ip(&t, ts->family, ts->hi);
    }
    if (ts->proto || ts->port_lo != 0 || ts->port_hi != UINT16_MAX) {
        put_ports(&t, ts);
    }
    return t.len;
}

/* Host bits behind a prefix are dropped: "10.0.0.7/24" is the network 10.0.0.7 is in. */
static void apply_prefix(ike_ts *ts, uint32_t prefix)
{
    for (uint32_t i = 0; i < ip_len(ts->family); i++) {
        uint32_t keep = prefix <= 8 * i ? 0 : prefix - 8 * i >= 8 ? 8 : prefix - 8 * i;
        uint8_t host = (uint8_t)(0xff >> keep);
        ts->lo[i] = (uint8_t)(ts->lo[i] & ~host);
        ts->hi[i] = ts->lo[i] | host;
    }
}

/* An address alone is a range of one. */
static bool take_range(const char **s, ike_ts *ts)
{
    uint32_t prefix;
    uint8_t family;
    if (!take_ip(s, &ts->family, ts->lo)) {
        return false;
    }
    if (take_char(s, '/')) {
        if (!take_uint(s, (uint32_t)(8 * ip_len(ts->family)), &prefix)) {
            return false;
        }
        apply_prefix(ts, prefix);
        return true;
    }
    memcpy(ts->hi, ts->lo, sizeof(ts->hi));
    if (take_char(s, '-')) {
        return take_ip(s, &family, ts->hi) && family == ts->family && memcmp(ts->lo, ts->hi, sizeof(ts->hi)) <= 0;
    }
    return true;
}

static bool take_protocol(const char **s, uint8_t *proto)
{
    uint32_t v;
    if (take_uint(s, UINT8_MAX, &v)) {
        *proto = (uint8_t)v;
        return true;
    }
    for (size_t i = 0; i < IKE_COUNT(protocols); i++) {
        const char *p = *s;
        /* What follows decides whether the name is complete: "icmp" must not take the beginning of another name. */
        if (take_word(&p, protocols[i].name) && (*p == ']' || *p == '/')) {
            *proto = protocols[i].proto;
            *s = p;
            return true;
        }
    }
    return false;
}

/* "any" leaves what the caller has set: all ports. */
static bool take_ports(const char **s, ike_ts *ts)
{
    uint32_t lo, hi;
    if (take_word(s, "any")) {
        return true;
    }
    if (take_word(s, "opaque")) {
        ts->port_lo = OPAQUE_LO;
        ts->port_hi = OPAQUE_HI;
        return true;
    }
    if (!take_uint(s, UINT16_MAX, &lo)) {
        return false;
    }
    hi = lo;
    if (take_char(s, '-') && (!take_uint(s, UINT16_MAX, &hi) || hi < lo)) {
        return false;
    }
    ts->port_lo = (uint16_t)lo;
    ts->port_hi = (uint16_t)hi;
    return true;
}

/* Starts from any protocol and all ports, which is what an address without brackets means. *ts is untouched on failure. */
int ike_ts_parse(ike_ts *ts, const char *text)
{
    ike_ts r = {.port_hi = UINT16_MAX};
    if (!take_range(&text, &r)) {
        return IKE_ERR_INVALID;
    }
    if (take_char(&text, '[')) {
        /* "[tcp]" is all ports of TCP. */
        if (!take_protocol(&text, &r.proto) || (take_char(&text, '/') && !take_ports(&text, &r)) || !take_char(&text, ']')) {
            return IKE_ERR_INVALID;
        }
    }
    if (*text) {
        return IKE_ERR_INVALID;
    }
    *ts = r;
    return IKE_OK;
}
