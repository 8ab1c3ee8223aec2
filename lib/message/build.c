/* SPDX-License-Identifier: ISC
 *
 * Building a chain of payloads. Each payload writes its type into the Next field of the one before it, so nothing has to be
 * known in advance; a chain that did not fit is bad for good and checked once, by the caller, at the end.
 */
#include "message/message.h"

struct ike_chain ike_chain(void *buf, size_t cap) { return (struct ike_chain){.w = ike_wr(buf, cap)}; }

/* Returns a place even when nothing fitted: ike_chain_end on it is harmless, so callers need no check in between. */
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

/* A payload longer than its 16-bit length spoils the chain: half a payload never goes out. */
void ike_chain_end(struct ike_chain *c, size_t at) { ike_wr_fix16(&c->w, at + 2, c->w.len - at); }

/* For bodies that are made elsewhere: nonces, vendor ids, fixed ones. */
void ike_put_payload(struct ike_chain *c, uint8_t type, ike_bytes body)
{
    size_t at = ike_chain_begin(c, type);
    ike_wr_bytes(&c->w, body);
    ike_chain_end(c, at);
}

/* Most notifies concern the IKE SA they travel in: Protocol ID and SPI Size are 0 (section 3.10). */
void ike_put_notify(struct ike_chain *c, uint16_t type, ike_bytes data) { ike_put_notify_spi(c, 0, 0, type, data); }

/* A notify about a child, named by the sender's inbound SPI in REKEY_SA; CHILD_SA_NOT_FOUND gives back what it was asked about
 * (section 2.25). */
void ike_put_notify_spi(struct ike_chain *c, uint8_t protocol, uint32_t spi, uint16_t type, ike_bytes data)
{
    size_t at = ike_chain_begin(c, IKE_P_NOTIFY);
    ike_wr_u8(&c->w, protocol);
    ike_wr_u8(&c->w, protocol ? 4 : 0);
    ike_wr_u16(&c->w, type);
    if (protocol) {
        ike_wr_u32(&c->w, spi);
    }
    ike_wr_bytes(&c->w, data);
    ike_chain_end(c, at);
}

/* The SPIs of an IKE SA are in the header, so SPI Size and Num of SPIs are 0 (section 3.11). */
void ike_put_delete_ike(struct ike_chain *c)
{
    static const uint8_t body[4] = {IKE_PROTO_IKE, 0, 0, 0};
    ike_put_payload(c, IKE_P_DELETE, ike_bytes_of(body, sizeof body));
}

/* The SPIs are those the sender of the Delete receives on; the answer names the other halves (section 1.4.1). */
size_t ike_begin_delete(struct ike_chain *c, uint8_t protocol)
{
    size_t at = ike_chain_begin(c, IKE_P_DELETE);
    ike_wr_u32(&c->w, (uint32_t)protocol << 24 | 4 << 16); /* how many is to come */
    return at;
}

/* More SPIs than the count can say do not fit the payload length either. */
void ike_end_delete(struct ike_chain *c, size_t at)
{
    ike_wr_fix16(&c->w, at + 6, (c->w.len - at - 8) / 4);
    ike_chain_end(c, at);
}

void ike_put_delete_spis(struct ike_chain *c, uint8_t protocol, const uint32_t *spis, size_t n)
{
    size_t at = ike_begin_delete(c, protocol);
    for (size_t i = 0; i < n; i++) {
        ike_wr_u32(&c->w, spis[i]);
    }
    ike_end_delete(c, at);
}

/* The value has the length its group prescribes, leading zeros included (section 3.4). */
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

/* The reserved octets go out as zero and enter AUTH like the rest of the body (section 2.15). */
void ike_put_id(struct ike_chain *c, uint8_t type, const ike_id *id) { put_typed(c, type, id->type, id->data); }
void ike_put_auth(struct ike_chain *c, uint8_t method, ike_bytes value) { put_typed(c, IKE_P_AUTH, method, value); }

/* Families other than 4 are written as IPv6: a list is checked where it is made. */
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
