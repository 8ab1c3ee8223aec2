/* SPDX-License-Identifier: ISC
 *
 * Payload bodies (RFC 7296 sections 3.4 to 3.13).
 */
#include "base/text.h"
#include "message/message.h"

enum { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8 };

/* Notifies whose data must have a certain length: others are ignored as a whole. */
static const struct {
    uint16_t type, min, max;
} notify_data[] = {
    {IKE_N_INVALID_KE_PAYLOAD, 2, 2},
    {IKE_N_SET_WINDOW_SIZE, 4, 4},
    {IKE_N_NAT_DETECTION_SOURCE_IP, 20, 20},
    {IKE_N_NAT_DETECTION_DESTINATION_IP, 20, 20},
    {IKE_N_COOKIE, 1, 64},
};

/* A window of 0 would let nobody ask anything any more; it begins at 1 (section 2.3). */
static bool notify_data_good(uint16_t type, ike_bytes data)
{
    for (size_t i = 0; i < IKE_COUNT(notify_data); i++) {
        if (notify_data[i].type == type) {
            return data.len >= notify_data[i].min && data.len <= notify_data[i].max &&
                   (type != IKE_N_SET_WINDOW_SIZE || ike_load32(data.ptr) != 0);
        }
    }
    return true;
}

/* The SPI of a notify names a child (4 octets), an IKE SA (8, or none as it is in the header), or nothing. */
static bool notify_spi_good(const struct ike_notify *n)
{
    bool child = n->protocol == IKE_PROTO_ESP || n->protocol == IKE_PROTO_AH;
    if (n->type == IKE_N_REKEY_SA || n->type == IKE_N_CHILD_SA_NOT_FOUND) {
        return child && n->spi_len == 4;
    }
    if (child) {
        return n->spi_len == 0 || n->spi_len == 4;
    }
    if (n->protocol == IKE_PROTO_IKE) {
        return n->spi_len == 0 || n->spi_len == 8;
    }
    return n->protocol == 0 ? n->spi_len == 0 : n->spi_len <= 16;
}

/* A notify that makes no sense is ignored by itself, unlike the faults of structure: peers send types and data of extensions we
 * do not know, and ending an SA for those would end it for nothing. */
int ike_notify_parse(struct ike_notify *out, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    out->protocol = ike_rd_u8(&r);
    out->spi_len = ike_rd_u8(&r);
    out->type = ike_rd_u16(&r);
    /* With an SPI Size of 0 this points to something readable, so nobody compares against NULL. */
    out->spi = ike_rd_take(&r, out->spi_len);
    if (r.bad) {
        return IKE_ERR_PROTO;
    }
    out->data = ike_bytes_of(r.p, r.left);
    return notify_spi_good(out) && notify_data_good(out->type, out->data) ? IKE_OK : IKE_ERR_PROTO;
}

/* The first well-formed notify that is of a type, or (type NULL) an error. */
static bool find_notify(const struct ike_message *m, const uint16_t *type, struct ike_notify *out)
{
    const struct ike_payload *p;
    for (unsigned i = 0; (p = ike_message_find(m, IKE_P_NOTIFY, i)) != NULL; i++) {
        struct ike_notify n;
        /* Malformed ones are stepped over: one in front must not hide a good one behind it. */
        if (ike_notify_parse(&n, p) == IKE_OK && (type ? n.type == *type : n.type < IKE_N_FIRST_STATUS)) {
            *out = n;
            return true;
        }
    }
    return false;
}

bool ike_message_notify(const struct ike_message *m, uint16_t type, struct ike_notify *out) { return find_notify(m, &type, out); }
bool ike_message_error(const struct ike_message *m, struct ike_notify *out) { return find_notify(m, NULL, out); }

/* Count times size must be the body exactly: the reader multiplies in size_t, 255 * 65535 does not overflow it. */
int ike_delete_parse(struct ike_delete *out, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    out->protocol = ike_rd_u8(&r);
    out->spi_len = ike_rd_u8(&r);
    out->count = ike_rd_u16(&r);
    out->spis = ike_rd_take(&r, (size_t)out->spi_len * out->count);
    if (!ike_rd_done(&r)) {
        return IKE_ERR_PROTO;
    }
    switch (out->protocol) {
    case IKE_PROTO_IKE: /* the SPIs are those of the header */
        /* Whatever number stands there: without SPIs it counts nothing. */
        out->count = 0;
        return out->spi_len == 0 ? IKE_OK : IKE_ERR_PROTO;
    case IKE_PROTO_AH:
    case IKE_PROTO_ESP:
        return out->spi_len == 4 ? IKE_OK : IKE_ERR_PROTO;
    /* A protocol nobody here runs. Well-formed Deletes of it pass and then find no SA. */
    default:
        return out->spi_len <= 16 ? IKE_OK : IKE_ERR_PROTO;
    }
}

/* Whether the length is that of the group is judged by who knows which group was negotiated. */
int ike_ke_parse(uint16_t *group, ike_bytes *value, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    *group = ike_rd_u16(&r);
    ike_rd_u16(&r);
    *value = ike_bytes_of(r.p, r.left);
    return r.bad || r.left == 0 ? IKE_ERR_PROTO : IKE_OK;
}

/* A DER SEQUENCE whose length is definite, minimal and exactly what there is. What is not one complete Name would be truncated
 * or extended differently by different readers, and then compare as somebody else. */
static bool der_sequence(ike_bytes b)
{
    struct ike_rd r = ike_rd(b.ptr, b.len);
    if (ike_rd_u8(&r) != 0x30) {
        return false;
    }
    uint8_t first = ike_rd_u8(&r);
    size_t len = first;
    if (first == 0x81) {
        len = ike_rd_u8(&r);
    } else if (first == 0x82) {
        len = ike_rd_u16(&r);
    } else if (first >= 0x80) {
        return false;
    }
    return !r.bad && r.left == len && len >= (first == 0x82 ? 0x100u : first == 0x81 ? 0x80u : 0u);
}

/* Identities come from the peer and end in comparisons, log lines and the host's look-ups: what is not what its type says is
 * refused before any of them. */
static bool id_good(const ike_id *id)
{
    switch (id->type) {
    case IKE_ID_NONE:
        return false;
    case IKE_ID_IPV4_ADDR:
        return id->data.len == 4;
    case IKE_ID_IPV6_ADDR:
        return id->data.len == 16;
    case IKE_ID_NULL:
        return id->data.len == 0;
    case IKE_ID_FQDN:
    case IKE_ID_RFC822_ADDR:
        /* Text: a NUL or anything else that is not printable has no business here and would only fool a comparison. */
        return id->data.len != 0 && ike_printable(id->data);
    case IKE_ID_DER_ASN1_DN:
        return der_sequence(id->data);
    default:
        return id->data.len != 0;
    }
}

int ike_id_payload_parse(ike_id *id, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    id->type = ike_rd_u8(&r);
    ike_rd_take(&r, 3); /* reserved: enters the AUTH calculation as received, means nothing */
    id->data = ike_bytes_of(r.p, r.left);
    return r.bad || !id_good(id) ? IKE_ERR_PROTO : IKE_OK;
}

/* An empty value is no fault of syntax: it fails like any other wrong one, and answers the peer the same. */
int ike_auth_parse(uint8_t *method, ike_bytes *value, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    *method = ike_rd_u8(&r);
    ike_rd_take(&r, 3);
    *value = ike_bytes_of(r.p, r.left);
    return r.bad ? IKE_ERR_PROTO : IKE_OK;
}

/* One address selector from the octets after its header. */
static bool take_selector(ike_ts *ts, struct ike_rd *r, uint8_t family, uint8_t proto)
{
    const size_t alen = family == 4 ? 4 : 16;
    /* Octets behind an IPv4 address are zero, so whole selectors can be compared and hashed. */
    memset(ts, 0, sizeof *ts);
    ts->family = family;
    ts->proto = proto;
    ts->port_lo = ike_rd_u16(r);
    ts->port_hi = ike_rd_u16(r);
    const uint8_t *lo = ike_rd_take(r, alen), *hi = ike_rd_take(r, alen);
    /* The selector length must be that of its type: nothing too short, nothing behind. */
    if (!ike_rd_done(r)) {
        return false;
    }
    memcpy(ts->lo, lo, alen);
    memcpy(ts->hi, hi, alen);
    /* 65535 to 0 is the one pair where start may exceed end: OPAQUE (section 3.13.1). */
    bool opaque = ts->port_lo == 65535 && ts->port_hi == 0;
    return memcmp(lo, hi, alen) <= 0 && (opaque || ts->port_lo <= ts->port_hi);
}

/* The whole list is read even when `cap` is reached, so that malformed comes before too many whatever the order. */
int ike_ts_payload_parse(ike_ts *ts, size_t cap, size_t *n, const struct ike_payload *p)
{
    struct ike_rd r = ike_rd(p->body, p->len);
    size_t found = 0;
    *n = 0;
    uint8_t count = ike_rd_u8(&r);
    ike_rd_take(&r, 3);
    if (r.bad || count == 0) {
        return IKE_ERR_PROTO;
    }
    for (; count != 0; count--) {
        uint8_t type = ike_rd_u8(&r), proto = ike_rd_u8(&r);
        uint16_t len = ike_rd_u16(&r);
        /* A length below the four octets just read is turned into one that cannot be there: one check serves both. */
        struct ike_rd body = ike_rd_sub(&r, len < 4 ? SIZE_MAX : (size_t)len - 4);
        if (body.bad) {
            return IKE_ERR_PROTO;
        }
        if (type != TS_IPV4_ADDR_RANGE && type != TS_IPV6_ADDR_RANGE) {
            /* Unknown selector types only make the offer narrower; the others remain to be chosen from (section 2.9). */
            continue;
        }
        ike_ts one;
        if (!take_selector(&one, &body, type == TS_IPV4_ADDR_RANGE ? 4 : 6, proto)) {
            return IKE_ERR_PROTO;
        }
        if (found < cap) {
            ts[found] = one;
        }
        found++;
    }
    if (!ike_rd_done(&r)) {
        return IKE_ERR_PROTO;
    }
    *n = found < cap ? found : cap;
    return found > cap ? IKE_ERR_LIMIT : IKE_OK;
}
