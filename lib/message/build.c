/* SPDX-License-Identifier: ISC
 *
 * Building a chain of payloads. Each payload writes its type into the Next field of the one before it, so nothing has to be
 * known in advance; a chain that did not fit is bad for good and checked once, by the caller, at the end.
 */
#include "message/message.h"

struct ike_chain ike_chain(void *buf, size_t cap) { return (struct ike_chain){.w = ike_wr(buf, cap)}; }

size_t ike_chain_begin(struct ike_chain *c, uint8_t type)
{
    const size_t at = c->w.len;
    ike_wr_u32(&c->w, 0); /* no next payload, not critical, length to come */
    if (c->w.bad) {
        return at;
    }
    if (at == 0) {
        c->first = type;
    } else {
        c->w.p[c->next_at] = type;
    }
    c->next_at = at;
    return at;
}

void ike_chain_end(struct ike_chain *c, size_t at) { ike_wr_fix16(&c->w, at + 2, c->w.len - at); }

void ike_put_payload(struct ike_chain *c, uint8_t type, ike_bytes body)
{
    size_t at = ike_chain_begin(c, type);
    ike_wr_bytes(&c->w, body);
    ike_chain_end(c, at);
}

void ike_put_notify(struct ike_chain *c, uint16_t type, ike_bytes data)
{
    size_t at = ike_chain_begin(c, IKE_P_NOTIFY);
    ike_wr_u8(&c->w, 0);
    ike_wr_u8(&c->w, 0);
    ike_wr_u16(&c->w, type);
    ike_wr_bytes(&c->w, data);
    ike_chain_end(c, at);
}

void ike_put_notify_spi(struct ike_chain *c, uint8_t protocol, uint32_t spi, uint16_t type, ike_bytes data)
{
    size_t at = ike_chain_begin(c, IKE_P_NOTIFY);
    ike_wr_u8(&c->w, protocol);
    ike_wr_u8(&c->w, 4);
    ike_wr_u16(&c->w, type);
    ike_wr_u32(&c->w, spi);
    ike_wr_bytes(&c->w, data);
    ike_chain_end(c, at);
}

void ike_put_delete_ike(struct ike_chain *c)
{
    static const uint8_t body[4] = {IKE_PROTO_IKE, 0, 0, 0};
    ike_put_payload(c, IKE_P_DELETE, ike_bytes_of(body, sizeof body));
}

void ike_put_delete_spis(struct ike_chain *c, uint8_t protocol, const uint32_t *spis, size_t n)
{
    size_t at = ike_chain_begin(c, IKE_P_DELETE);
    ike_wr_u8(&c->w, protocol);
    ike_wr_u8(&c->w, 4);
    ike_wr_u16(&c->w, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        ike_wr_u32(&c->w, spis[i]);
    }
    ike_chain_end(c, at); /* more SPIs than the count can say do not fit the payload length either */
}

void ike_put_ke(struct ike_chain *c, uint16_t group, ike_bytes value)
{
    size_t at = ike_chain_begin(c, IKE_P_KE);
    ike_wr_u16(&c->w, group);
    ike_wr_u16(&c->w, 0);
    ike_wr_bytes(&c->w, value);
    ike_chain_end(c, at);
}

/* An octet, three reserved ones, then data: ID and AUTH look the same. */
static void put_typed(struct ike_chain *c, uint8_t payload, uint8_t kind, ike_bytes data)
{
    size_t at = ike_chain_begin(c, payload);
    ike_wr_u32(&c->w, (uint32_t)kind << 24);
    ike_wr_bytes(&c->w, data);
    ike_chain_end(c, at);
}

void ike_put_id(struct ike_chain *c, uint8_t type, const ike_id *id) { put_typed(c, type, id->type, id->data); }
void ike_put_auth(struct ike_chain *c, uint8_t method, ike_bytes value) { put_typed(c, IKE_P_AUTH, method, value); }

void ike_put_ts(struct ike_chain *c, uint8_t type, const ike_ts *ts, size_t n)
{
    size_t at = ike_chain_begin(c, type);
    if (n == 0 || n > UINT8_MAX) {
        c->w.bad = true; /* the count has one octet, and no selector at all is malformed */
    }
    ike_wr_u32(&c->w, (uint32_t)(n & 255) << 24);
    for (size_t i = 0; i < n; i++) {
        const bool v4 = ts[i].family == 4;
        const size_t alen = v4 ? 4 : 16;
        ike_wr_u8(&c->w, v4 ? 7 : 8); /* TS_IPV4_ADDR_RANGE, TS_IPV6_ADDR_RANGE */
        ike_wr_u8(&c->w, ts[i].proto);
        ike_wr_u16(&c->w, (uint16_t)(8 + 2 * alen));
        ike_wr_u16(&c->w, ts[i].port_lo);
        ike_wr_u16(&c->w, ts[i].port_hi);
        ike_wr_put(&c->w, ts[i].lo, alen);
        ike_wr_put(&c->w, ts[i].hi, alen);
    }
    ike_chain_end(c, at);
}
