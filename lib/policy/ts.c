/* SPDX-License-Identifier: ISC
 *
 * The arithmetic of traffic selectors: sets of (protocol, ports, addresses).
 */
#include "policy/ts.h"
#include <string.h>

static size_t octets(const ike_ts *ts) { return ts->family == 4 ? 4 : 16; }
static bool opaque(const ike_ts *ts) { return ts->port_lo > ts->port_hi; } /* 65535-0: only where ports cannot be seen */
static bool any_port(const ike_ts *ts) { return ts->port_lo == 0 && ts->port_hi == 65535; }

/* Any protocol, any port: what a side without configured selectors is. */
ike_ts ike_ts_of_addr(const ike_addr *a)
{
    ike_ts ts = {.family = a->family, .port_hi = 65535};
    memcpy(ts.lo, a->ip, octets(&ts));
    memcpy(ts.hi, a->ip, octets(&ts));
    return ts;
}

/* ANY contains OPAQUE and every range; OPAQUE only itself (RFC 7296 section 3.13.1). Protocol 0 is any. */
bool ike_ts_within(const ike_ts *in, const ike_ts *out)
{
    if (in->family != out->family || (out->proto && in->proto != out->proto)) {
        return false;
    }
    if (!any_port(out) &&
        (opaque(in) != opaque(out) || (!opaque(in) && (in->port_lo < out->port_lo || in->port_hi > out->port_hi)))) {
        return false;
    }
    /* Addresses are big-endian, so octets compare like numbers. */
    return memcmp(in->lo, out->lo, octets(in)) >= 0 && memcmp(in->hi, out->hi, octets(in)) <= 0;
}

/* The initiator's check of an answer (section 2.9): each selector must lie in one that was offered. One that only several
 * together cover is refused; intersecting makes none such. */
bool ike_ts_all_within(const ike_ts *a, size_t n, const ike_ts *b, size_t m)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < m && !ike_ts_within(&a[i], &b[j])) {
            j++;
        }
        if (j == m) {
            return false;
        }
    }
    return true;
}

/* The intersection of two boxes is a box, so one selector holds it. *out is untouched when it is empty. */
bool ike_ts_intersect(const ike_ts *a, const ike_ts *b, ike_ts *out)
{
    if (a->family != b->family || (a->proto && b->proto && a->proto != b->proto)) {
        return false;
    }
    ike_ts r = {.family = a->family, .proto = a->proto ? a->proto : b->proto};
    /* OPAQUE and a range of ports have nothing in common: OPAQUE packets have no port to be in it. */
    if (opaque(a) || opaque(b)) {
        if (!(opaque(a) && opaque(b)) && !any_port(a) && !any_port(b)) {
            return false;
        }
        r.port_lo = 65535;
        r.port_hi = 0;
    } else {
        r.port_lo = a->port_lo > b->port_lo ? a->port_lo : b->port_lo;
        r.port_hi = a->port_hi < b->port_hi ? a->port_hi : b->port_hi;
        if (r.port_lo > r.port_hi) {
            return false;
        }
    }
    size_t n = octets(a);
    memcpy(r.lo, memcmp(a->lo, b->lo, n) > 0 ? a->lo : b->lo, n);
    memcpy(r.hi, memcmp(a->hi, b->hi, n) < 0 ? a->hi : b->hi, n);
    if (memcmp(r.lo, r.hi, n) > 0) {
        return false;
    }
    *out = r;
    return true;
}

/* A list of overlapping policies would otherwise multiply in the answer. Past IKE_TS_MAX selectors are left out, which only
 * narrows further. */
static void add_unless_covered(struct ike_ts_list *l, const ike_ts *ts)
{
    for (size_t i = 0; i < l->n; i++) {
        if (ike_ts_within(ts, &l->ts[i])) {
            return;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!ike_ts_within(&l->ts[i], ts)) {
            l->ts[kept++] = l->ts[i];
        }
    }
    l->n = kept;
    if (l->n < IKE_TS_MAX) {
        l->ts[l->n++] = *ts;
    }
}

/* The whole intersection, not some part: so it contains the initiator's first choices wherever policy allows them, as
 * section 2.9 demands of a responder. */
bool ike_ts_narrow(const ike_ts *offered, size_t n, const ike_ts *allowed, size_t m, struct ike_ts_list *out)
{
    out->n = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++) {
            ike_ts both;
            if (ike_ts_intersect(&offered[i], &allowed[j], &both)) {
                add_unless_covered(out, &both);
            }
        }
    }
    return out->n > 0;
}

/* An SA matches the product of both lists: a selector is of use only with one of the same family, and of a protocol that can
 * meet its own, on the other side. */
static bool has_partner(const ike_ts *ts, const struct ike_ts_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->ts[i].family == ts->family && (!ts->proto || !l->ts[i].proto || ts->proto == l->ts[i].proto)) {
            return true;
        }
    }
    return false;
}

/* In place; the order, which is preference, stays. */
static void keep_partnered(struct ike_ts_list *a, const struct ike_ts_list *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (has_partner(&a->ts[i], b)) {
            a->ts[kept++] = a->ts[i];
        }
    }
    a->n = kept;
}

/* One round is enough: what the first pass drops from a had no partner in b, so b loses none by it. */
bool ike_ts_pair(struct ike_ts_list *a, struct ike_ts_list *b)
{
    keep_partnered(a, b);
    keep_partnered(b, a);
    return a->n > 0 && b->n > 0;
}

/* Transport mode behind a NAT: each side knows the other by the address the NAT shows. A range cannot be carried over, for
 * it is not known which of its addresses the NAT stands for. On false the list may be changed in part. */
bool ike_ts_substitute(struct ike_ts_list *l, const ike_addr *a)
{
    for (size_t i = 0; i < l->n; i++) {
        ike_ts *ts = &l->ts[i];
        size_t n = octets(ts);
        if (memcmp(ts->lo, ts->hi, n) != 0 || ts->family != a->family) {
            return false;
        }
        memcpy(ts->lo, a->ip, n);
        memcpy(ts->hi, a->ip, n);
    }
    return true;
}

/* For failure records and logs, where a cut list still tells: whole selectors only, as many as there is room for. */
size_t ike_ts_list_format(const ike_ts *ts, size_t n, char *out, size_t cap)
{
    size_t len = 0;
    if (cap) {
        out[0] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        char one[160];
        size_t k = ike_ts_format(&ts[i], one, sizeof one);
        if (len + k + 2 > cap) {
            return len;
        }
        if (len) {
            out[len++] = ' ';
        }
        memcpy(out + len, one, k + 1);
        len += k;
    }
    return len;
}
