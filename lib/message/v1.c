/* SPDX-License-Identifier: ISC
 *
 * Payload bodies of version 1 (RFC 2408 sections 3.3 to 3.15, RFC 2407 section 4.6).
 */
#include "message/v1.h"

enum { ATTR_TV = 0x8000 };

/* RESPONDER-LIFETIME is a list of attributes of any length; whoever reads it sees whether it is whole. */
static bool notify_data_good(uint16_t type, size_t len)
{
    switch (type) {
    case IKE_N1_REPLAY_STATUS:
    case IKE_N1_R_U_THERE:
    case IKE_N1_R_U_THERE_ACK:
        return len == 4;
    default:
        return true;
    }
}

/* The SPI of a notify may be the cookies, an SPI of a child or nothing, whatever the protocol: implementations differ, and
 * whoever acts on it compares. */
int ike_v1_notify_parse(struct ike_v1_notify *out, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    out->doi = ike_rd_u32(&r);
    out->protocol = ike_rd_u8(&r);
    out->spi_len = ike_rd_u8(&r);
    out->type = ike_rd_u16(&r);
    out->spi = ike_rd_take(&r, out->spi_len);
    if (r.bad || out->spi_len > 16 || out->doi > IKE_V1_DOI_IPSEC) {
        return IKE_ERR_PROTO;
    }
    out->data = ike_bytes_of(r.p, r.left);
    return notify_data_good(out->type, r.left) ? IKE_OK : IKE_ERR_PROTO;
}

static bool delete_size_good(uint8_t protocol, uint8_t spi_len)
{
    switch (protocol) {
    case IKE_PROTO1_ISAKMP:
        return spi_len == 16;
    case IKE_PROTO1_AH:
    case IKE_PROTO1_ESP:
        return spi_len == 4;
    case IKE_PROTO1_IPCOMP:
        return spi_len == 2 || spi_len == 4;
    default:
        return false;
    }
}

/* Size and count are checked against the protocol first: without octets behind them a count would mean nothing. */
int ike_v1_delete_parse(struct ike_v1_delete *out, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    out->doi = ike_rd_u32(&r);
    out->protocol = ike_rd_u8(&r);
    out->spi_len = ike_rd_u8(&r);
    out->count = ike_rd_u16(&r);
    if (r.bad || out->doi > IKE_V1_DOI_IPSEC || !delete_size_good(out->protocol, out->spi_len)) {
        return IKE_ERR_PROTO;
    }
    out->spis = ike_rd_take(&r, (size_t)out->spi_len * out->count);
    return ike_rd_done(&r) ? IKE_OK : IKE_ERR_PROTO;
}

/* Ones, then zeros. */
static bool mask_good(const uint8_t *mask, size_t n)
{
    bool ended = false;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        const bool one = mask[bit / 8] & (0x80 >> bit % 8);
        if (one && ended) {
            return false;
        }
        ended |= !one;
    }
    return true;
}

/* Type, protocol and port lie where version 2 has the type and reserved octets; the data is judged there for the types both
 * have. */
int ike_v1_id_parse(struct ike_v1_id *out, const struct ike_payload *p)
{
    const int rc = ike_id_payload_parse(&out->id, p);
    if (rc != IKE_OK) {
        return rc;
    }
    out->protocol = p->body[1];
    out->port = ike_load16(p->body + 2);
    const ike_bytes d = out->id.data;
    const size_t half = d.len / 2;
    switch (out->id.type) {
    case IKE_ID1_IPV4_ADDR_SUBNET:
    case IKE_ID1_IPV6_ADDR_SUBNET:
        return d.len == (out->id.type == IKE_ID1_IPV4_ADDR_SUBNET ? 8 : 32) && mask_good(d.ptr + half, half) ? IKE_OK
                                                                                                             : IKE_ERR_PROTO;
    case IKE_ID1_IPV4_ADDR_RANGE:
    case IKE_ID1_IPV6_ADDR_RANGE:
        return d.len == (out->id.type == IKE_ID1_IPV4_ADDR_RANGE ? 8 : 32) && memcmp(d.ptr, d.ptr + half, half) <= 0
                   ? IKE_OK
                   : IKE_ERR_PROTO;
    case IKE_ID_NULL: /* only version 2 knows a peer without a name */
        return IKE_ERR_PROTO;
    default:
        return IKE_OK;
    }
}

bool ike_v1_attr_next(struct ike_rd *r, struct ike_v1_attr *a)
{
    if (r->bad || r->left == 0) {
        return false;
    }
    const uint16_t head = ike_rd_u16(r);
    a->tv = head & ATTR_TV;
    a->type = (uint16_t)(head & ~ATTR_TV);
    a->value.len = a->tv ? 2 : ike_rd_u16(r);
    a->value.ptr = ike_rd_take(r, a->value.len);
    return !r->bad;
}

/* A peer may pad a number with zeros in front, as in a TLV of four octets for a small one. */
bool ike_v1_attr_uint(const struct ike_v1_attr *a, uint64_t *v)
{
    size_t at = 0;
    while (at < a->value.len && a->value.ptr[at] == 0) {
        at++;
    }
    if (a->value.len == 0 || a->value.len - at > 8) {
        return false;
    }
    *v = 0;
    for (; at < a->value.len; at++) {
        *v = *v << 8 | a->value.ptr[at];
    }
    return true;
}

/* One attribute whose length does not fit spoils the payload. */
int ike_v1_config_parse(struct ike_v1_config *out, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    struct ike_v1_attr a;
    out->type = ike_rd_u8(&r);
    ike_rd_u8(&r);
    out->identifier = ike_rd_u16(&r);
    out->attrs = ike_bytes_of(r.p, r.left);
    while (ike_v1_attr_next(&r, &a)) {
    }
    return ike_rd_done(&r) ? IKE_OK : IKE_ERR_PROTO;
}

bool ike_v1_config_find(const struct ike_v1_config *c, uint16_t type, struct ike_v1_attr *a)
{
    struct ike_rd r = ike_rd(c->attrs.ptr, c->attrs.len);
    while (ike_v1_attr_next(&r, a)) {
        if (a->type == type) {
            return true;
        }
    }
    return false;
}

/* ---- Building ---- */

size_t ike_v1_reserve_hash(struct ike_chain *c, size_t len)
{
    const size_t at = ike_chain_begin(c, IKE_P1_HASH);
    const size_t octets = c->w.len;
    uint8_t *room = ike_wr_room(&c->w, len);
    if (room) {
        memset(room, 0, len);
    }
    ike_chain_end(c, at);
    return octets;
}

void ike_v1_put_id(struct ike_chain *c, const struct ike_v1_id *id)
{
    const size_t at = ike_chain_begin(c, IKE_P1_ID);
    ike_wr_u8(&c->w, (uint8_t)id->id.type);
    ike_wr_u8(&c->w, id->protocol);
    ike_wr_u16(&c->w, id->port);
    ike_wr_bytes(&c->w, id->id.data);
    ike_chain_end(c, at);
}

void ike_v1_put_notify(struct ike_chain *c, uint8_t protocol, ike_bytes spi, uint16_t type, ike_bytes data)
{
    const size_t at = ike_chain_begin(c, IKE_P1_NOTIFY);
    ike_wr_u32(&c->w, IKE_V1_DOI_IPSEC);
    ike_wr_u8(&c->w, protocol);
    ike_wr_u8(&c->w, (uint8_t)spi.len);
    ike_wr_u16(&c->w, type);
    ike_wr_bytes(&c->w, spi);
    ike_wr_bytes(&c->w, data);
    ike_chain_end(c, at);
}

static size_t begin_delete(struct ike_chain *c, uint8_t protocol, uint8_t spi_len, size_t n)
{
    const size_t at = ike_chain_begin(c, IKE_P1_DELETE);
    ike_wr_u32(&c->w, IKE_V1_DOI_IPSEC);
    ike_wr_u8(&c->w, protocol);
    ike_wr_u8(&c->w, spi_len);
    ike_wr_u16(&c->w, (uint16_t)n);
    return at;
}

void ike_v1_put_delete_spis(struct ike_chain *c, uint8_t protocol, const uint32_t *spis, size_t n)
{
    const size_t at = begin_delete(c, protocol, 4, n);
    for (size_t i = 0; i < n; i++) {
        ike_wr_u32(&c->w, spis[i]);
    }
    ike_chain_end(c, at); /* more SPIs than the count can say do not fit the payload length either */
}

/* The SPI is the pair of cookies (RFC 2408 section 3.15). */
void ike_v1_put_delete_isakmp(struct ike_chain *c, uint64_t cky_i, uint64_t cky_r)
{
    const size_t at = begin_delete(c, IKE_PROTO1_ISAKMP, 16, 1);
    ike_wr_u64(&c->w, cky_i);
    ike_wr_u64(&c->w, cky_r);
    ike_chain_end(c, at);
}

ike_bytes ike_v1_cookies(uint8_t out[16], uint64_t cky_i, uint64_t cky_r)
{
    ike_store64(out, cky_i);
    ike_store64(out + 8, cky_r);
    return ike_bytes_of(out, 16);
}

void ike_v1_put_nat_oa(struct ike_chain *c, uint8_t payload, uint8_t family, const uint8_t *addr)
{
    const size_t at = ike_chain_begin(c, payload);
    ike_wr_u32(&c->w, (uint32_t)(family == 4 ? IKE_ID_IPV4_ADDR : IKE_ID_IPV6_ADDR) << 24);
    ike_wr_put(&c->w, addr, family == 4 ? 4 : 16);
    ike_chain_end(c, at);
}

size_t ike_v1_begin_config(struct ike_chain *c, uint8_t type, uint16_t identifier)
{
    const size_t at = ike_chain_begin(c, IKE_P1_ATTR);
    ike_wr_u16(&c->w, (uint16_t)(type << 8));
    ike_wr_u16(&c->w, identifier);
    return at;
}

void ike_v1_put_attr(struct ike_wr *w, uint16_t type, ike_bytes value)
{
    ike_wr_u16(w, type);
    ike_wr_u16(w, (uint16_t)value.len);
    ike_wr_bytes(w, value);
}

void ike_v1_put_attr_uint(struct ike_wr *w, uint16_t type, uint64_t v)
{
    if (v <= UINT16_MAX) {
        ike_wr_u16(w, type | ATTR_TV);
        ike_wr_u16(w, (uint16_t)v);
        return;
    }
    uint8_t value[8];
    const size_t skip = v <= UINT32_MAX ? 4 : 0;
    ike_store64(value, v);
    ike_v1_put_attr(w, type, ike_bytes_of(value + skip, sizeof value - skip));
}
