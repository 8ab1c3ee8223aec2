/* SPDX-License-Identifier: ISC
 *
 * Traffic selectors as phase 2 identities (RFC 2407 section 4.6.2): one address, subnet or range, one protocol, one port.
 */
#include "exchange/v1/v1.h"

int ike_v1_prefix(const ike_ts *ts)
{
    size_t bits = ts->family == 4 ? 32 : 128, i = 0;
    while (i < bits && !((ts->lo[i / 8] ^ ts->hi[i / 8]) >> (7 - i % 8) & 1)) {
        i++;
    }
    for (size_t k = i; k < bits; k++) {
        if ((ts->lo[k / 8] >> (7 - k % 8) & 1) || !(ts->hi[k / 8] >> (7 - k % 8) & 1)) {
            return -1;
        }
    }
    return (int)i;
}

void ike_v1_put_mask(uint8_t *mask, int prefix)
{
    for (int i = 0; i < prefix; i++) {
        mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
}

/* Port 0 is any. */
bool ike_v1_put_ts(struct ike_chain *c, const ike_ts *ts)
{
    size_t n = ts->family == 4 ? 4 : 16;
    uint8_t data[32] = {0};
    bool any = ts->port_lo == 0 && ts->port_hi == 65535, v4 = ts->family == 4;
    int prefix = ike_v1_prefix(ts);
    struct ike_v1_id id = {.protocol = ts->proto, .port = any ? 0 : ts->port_lo};
    if (!any && (ts->port_lo != ts->port_hi || ts->port_lo == 0 || ts->proto == 0)) {
        return false;
    }
    memcpy(data, ts->lo, n);
    if (prefix == (int)(8 * n)) {
        id.id = (ike_id){v4 ? IKE_ID_IPV4_ADDR : IKE_ID_IPV6_ADDR, {data, n}};
    } else if (prefix >= 0) {
        ike_v1_put_mask(data + n, prefix);
        id.id = (ike_id){v4 ? IKE_ID1_IPV4_ADDR_SUBNET : IKE_ID1_IPV6_ADDR_SUBNET, {data, 2 * n}};
    } else {
        memcpy(data + n, ts->hi, n);
        id.id = (ike_id){v4 ? IKE_ID1_IPV4_ADDR_RANGE : IKE_ID1_IPV6_ADDR_RANGE, {data, 2 * n}};
    }
    ike_v1_put_id(c, &id);
    return true;
}

/* Host bits of a subnet are passed over: the mask says what is meant. A port is one of a protocol. */
int ike_v1_ts_parse(ike_ts *ts, const struct ike_payload *p)
{
    struct ike_v1_id id;
    if (ike_v1_id_parse(&id, p) != IKE_OK || (id.port && !id.protocol)) {
        return IKE_ERR_PROTO;
    }
    const uint8_t *d = id.id.data.ptr;
    *ts = (ike_ts){.proto = id.protocol, .port_lo = id.port, .port_hi = id.port ? id.port : 65535};
    switch (id.id.type) {
    case IKE_ID_IPV4_ADDR:
    case IKE_ID1_IPV4_ADDR_SUBNET:
    case IKE_ID1_IPV4_ADDR_RANGE:
        ts->family = 4;
        break;
    case IKE_ID_IPV6_ADDR:
    case IKE_ID1_IPV6_ADDR_SUBNET:
    case IKE_ID1_IPV6_ADDR_RANGE:
        ts->family = 6;
        break;
    default:
        return IKE_ERR_UNSUPPORTED;
    }
    size_t n = ts->family == 4 ? 4 : 16;
    bool subnet = id.id.type == IKE_ID1_IPV4_ADDR_SUBNET || id.id.type == IKE_ID1_IPV6_ADDR_SUBNET;
    bool range = id.id.type == IKE_ID1_IPV4_ADDR_RANGE || id.id.type == IKE_ID1_IPV6_ADDR_RANGE;
    for (size_t i = 0; i < n; i++) {
        ts->lo[i] = subnet ? d[i] & d[n + i] : d[i];
        ts->hi[i] = subnet ? (uint8_t)(d[i] | ~d[n + i]) : range ? d[n + i] : d[i];
    }
    return IKE_OK;
}

/* ---- Original addresses (RFC 3947 section 5.2) --------------------------------------------------------------------------------
 */

static uint8_t nat_oa(const struct ike_sa *sa)
{
    return sa->v1->nat_t == IKE_V1_NAT_T_DRAFT ? IKE_P1_NAT_OA_DRAFT : IKE_P1_NAT_OA;
}

/* Both ends as we see them, the initiator's first: in transport mode the peer may want to mend checksums by them. */
void ike_v1_put_originals(struct ike_exchange *x)
{
    const ike_path *path = ike_exchange_path(x);
    const ike_addr *i = x->role == IKE_INITIATOR ? &path->local : &path->remote,
                   *r = x->role == IKE_INITIATOR ? &path->remote : &path->local;
    ike_v1_put_nat_oa(&x->chain, nat_oa(x->sa), i->family, i->ip);
    ike_v1_put_nat_oa(&x->chain, nat_oa(x->sa), r->family, r->ip);
}

/* One address, that of the i-th NAT-OA payload. */
static bool is_original(const struct ike_exchange *x, const ike_ts *ts, unsigned i)
{
    const struct ike_payload *p = ike_message_find(x->msg, nat_oa(x->sa), i);
    size_t n = ts->family == 4 ? 4 : 16;
    return p && p->len == 4 + n && p->body[0] == (ts->family == 4 ? IKE_ID_IPV4_ADDR : IKE_ID_IPV6_ADDR) &&
           memcmp(ts->lo, p->body + 4, n) == 0 && memcmp(ts->hi, p->body + 4, n) == 0;
}

static void put_address(ike_ts *ts, const ike_addr *a)
{
    ike_ts is = ike_ts_of_addr(a);
    ts->family = is.family;
    memcpy(ts->lo, is.lo, sizeof ts->lo);
    memcpy(ts->hi, is.hi, sizeof ts->hi);
}

/* An end behind a NAT has another address here than there: the peer names itself by its inner one, or us by our outer one. In the
 * selectors are those that packets have here. */
void ike_v1_through_nat(const struct ike_exchange *x, ike_ts *own, ike_ts *peer)
{
    const struct ike_sa *sa = x->sa;
    bool began = x->role == IKE_INITIATOR;
    if (sa->nat_local && is_original(x, own, began ? 0 : 1)) {
        put_address(own, &x->path.local);
    }
    if (sa->nat_remote && is_original(x, peer, began ? 1 : 0)) {
        put_address(peer, &x->path.remote);
    }
}
