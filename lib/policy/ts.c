/* SPDX-License-Identifier: ISC
 *
 * The arithmetic of traffic selectors: sets of (protocol, ports, addresses).
 */
#include "policy/ts.h"
#include <string.h>

static size_t octets(const ike_ts *ts) { return ts->family == 4 ? 4 : 16; }
static bool opaque(const ike_ts *ts) { return ts->port_lo > ts->port_hi; } /* 65535-0: only where ports cannot be seen */
static bool any_port(const ike_ts *ts) { return ts->port_lo == 0 && ts->port_hi == 65535; }

ike_ts ike_ts_of_addr(const ike_addr *a)
{
    ike_ts ts = {.family = a->family, .port_hi = 65535};
    memcpy(ts.lo, a->ip, octets(&ts));
    memcpy(ts.hi, a->ip, octets(&ts));
    return ts;
}

bool ike_ts_within(const ike_ts *in, const ike_ts *out)
{
    if (in->family != out->family || (out->proto && in->proto != out->proto)) {
        return false;
    }
    if (!any_port(out) &&
        (opaque(in) != opaque(out) || (!opaque(in) && (in->port_lo < out->port_lo || in->port_hi > out->port_hi)))) {
        return false;
    }
    return memcmp(in->lo, out->lo, octets(in)) >= 0 && memcmp(in->hi, out->hi, octets(in)) <= 0;
}

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

bool ike_ts_intersect(const ike_ts *a, const ike_ts *b, ike_ts *out)
{
    if (a->family != b->family || (a->proto && b->proto && a->proto != b->proto)) {
        return false;
    }
    ike_ts r = {.family = a->family, .proto = a->proto ? a->proto : b->proto};
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

static bool has_partner(const ike_ts *ts, const struct ike_ts_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->ts[i].family == ts->family && (!ts->proto || !l->ts[i].proto || ts->proto == l->ts[i].proto)) {
            return true;
        }
    }
    return false;
}

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

bool ike_ts_pair(struct ike_ts_list *a, struct ike_ts_list *b)
{
    keep_partnered(a, b);
    keep_partnered(b, a);
    return a->n > 0 && b->n > 0;
}

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
