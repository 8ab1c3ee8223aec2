/* SPDX-License-Identifier: ISC
 *
 * Header and payload chain of both versions (RFC 7296 sections 3.1 and 3.2, RFC 2408 sections 3.1 and 3.2).
 */
#include "message/v1.h"

enum { X_SESSION_RESUME = 38, X_FIRST_V2 = 34 };
#define GENERIC_LEN 4

/* What every payload of a type must satisfy before anybody looks into it, and how many of a type are looked at. A message
 * may carry any number of certificates or notifies within its 100 payloads; the work they cause stays bounded. */
struct body_limits {
    uint16_t min, max;
    uint8_t look_at;
};
/* Least and greatest length of a body, from the fixed part of each type in RFC 7296 sections 3.3 to 3.16. AUTH and KE are
 * bounded by the method and the group later. Types of which one is allowed are found without limit, so that the rules see the
 * second one. */
#define ANY UINT16_MAX
#define MANY IKE_PAYLOADS_MAX
static const struct body_limits limits[] = {
    [IKE_P_SA - IKE_P_SA] = {8, ANY, MANY},
    [IKE_P_KE - IKE_P_SA] = {5, ANY, MANY},
    [IKE_P_IDI - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_IDR - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_CERT - IKE_P_SA] = {1, ANY, 20},
    [IKE_P_CERTREQ - IKE_P_SA] = {1, ANY, 20},
    [IKE_P_AUTH - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_NONCE - IKE_P_SA] = {IKE_NONCE_MIN, IKE_NONCE_MAX, MANY},
    [IKE_P_NOTIFY - IKE_P_SA] = {4, ANY, 50},
    [IKE_P_DELETE - IKE_P_SA] = {4, ANY, 50},
    [IKE_P_VENDOR - IKE_P_SA] = {0, ANY, 20},
    [IKE_P_TSI - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_TSR - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_SK - IKE_P_SA] = {0, ANY, MANY},
    [IKE_P_CP - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_EAP - IKE_P_SA] = {4, ANY, MANY},
    [IKE_P_SKF - IKE_P_SA] = {4, ANY, MANY},
};

/* Version 1's, from RFC 2408 sections 3.4 to 3.15 and RFC 3947. */
static const struct {
    uint8_t type;
    struct body_limits of;
} limits_v1[] = {
    {IKE_P1_SA, {8, ANY, MANY}},
    {IKE_P1_KE, {1, ANY, MANY}},
    {IKE_P1_ID, {4, ANY, MANY}},
    {IKE_P1_CERT, {1, ANY, 20}},
    {IKE_P1_CR, {1, ANY, 20}},
    {IKE_P1_HASH, {1, ANY, MANY}},
    {IKE_P1_SIG, {1, ANY, MANY}},
    {IKE_P1_NONCE, {IKE_V1_NONCE_MIN, IKE_NONCE_MAX, MANY}},
    {IKE_P1_NOTIFY, {8, ANY, 50}},
    {IKE_P1_DELETE, {8, ANY, 50}},
    {IKE_P1_VENDOR, {0, ANY, 20}},
    {IKE_P1_ATTR, {4, ANY, MANY}},
    {IKE_P1_NAT_D, {1, ANY, MANY}},
    {IKE_P1_NAT_OA, {8, ANY, MANY}},
    {IKE_P1_NAT_D_DRAFT, {1, ANY, MANY}},
    {IKE_P1_NAT_OA_DRAFT, {8, ANY, MANY}},
    {IKE_P1_FRAG, {5, ANY, MANY}},
};

/* Types that no row describes are held to nothing but the bounds of the chain. */
static const struct body_limits *limits_of(bool v2, uint8_t type)
{
    static const struct body_limits any = {0, ANY, MANY};
    for (size_t i = 0; !v2 && i < IKE_COUNT(limits_v1); i++) {
        if (limits_v1[i].type == type) {
            return &limits_v1[i].of;
        }
    }
    if (!v2 || type < IKE_P_SA || (size_t)(type - IKE_P_SA) >= IKE_COUNT(limits) || limits[type - IKE_P_SA].max == 0) {
        return &any;
    }
    return &limits[type - IKE_P_SA];
}

/* What version 2 says of SPIs, message id and flags before any state is looked up. */
static bool header_v2_good(const struct ike_header *h)
{
    /* These two open an SA: the responder has no SPI yet, and message ids begin. */
    bool first = h->exchange == IKE_X_SA_INIT || h->exchange == X_SESSION_RESUME;
    bool response = h->flags & IKE_FLAG_RESPONSE;
    bool initiator = h->flags & IKE_FLAG_INITIATOR;
    if (h->exchange < X_FIRST_V2) {
        return false; /* an exchange type of version 1 */
    }
    if (!first) {
        /* Everything else runs within an SA, so both sides have an SPI (section 3.1). */
        return h->spi_r != 0;
    }
    /* The initiator of the first exchange is the original initiator; a response may still have SPIr 0 (section 2.6). */
    return h->mid == 0 && response != initiator && (response || h->spi_r == 0);
}

/* Nothing is answered before this has passed: what it refuses costs a stranger nothing more than the datagram. */
int ike_header_parse(struct ike_header *h, const uint8_t *data, size_t n)
{
    struct ike_rd r = ike_rd(data, n);
    h->spi_i = ike_rd_u64(&r);
    h->spi_r = ike_rd_u64(&r);
    h->next = ike_rd_u8(&r);
    h->version = ike_rd_u8(&r);
    h->exchange = ike_rd_u8(&r);
    h->flags = ike_rd_u8(&r);
    h->mid = ike_rd_u32(&r);
    h->length = ike_rd_u32(&r);
    /* Trailing octets are refused too: no length in the message speaks for them. */
    if (r.bad || h->length != n || h->spi_i == 0) {
        return IKE_ERR_PROTO;
    }
    switch (h->version >> 4) {
    case 0:
        return IKE_ERR_PROTO;
    case 1:
        /* RFC 2408 section 3.1: a higher minor is not for us; undefined flags are zero. */
        return (h->version & 15) || (h->flags & ~IKE_FLAG1_ALL) ? IKE_ERR_PROTO : IKE_OK;
    case 2:
        return header_v2_good(h) ? IKE_OK : IKE_ERR_PROTO;
    default:
        return IKE_OK; /* to be answered with INVALID_MAJOR_VERSION */
    }
}

void ike_header_write(uint8_t out[IKE_HEADER_LEN], const struct ike_header *h)
{
    ike_store64(out, h->spi_i);
    ike_store64(out + 8, h->spi_r);
    out[16] = h->next;
    out[17] = h->version;
    out[18] = h->exchange;
    out[19] = h->flags;
    ike_store32(out + 20, h->mid);
    ike_store32(out + 24, h->length);
}

/* One payload: its generic header and the bounds of its body. v1 wants the octet after Next to be zero. */
static bool take_payload(struct ike_rd *r, bool v2, uint8_t *next, struct ike_payload *p)
{
    *next = ike_rd_u8(r);
    uint8_t flags = ike_rd_u8(r);
    uint16_t len = ike_rd_u16(r);
    if (r->bad || len < GENERIC_LEN || (!v2 && flags != 0)) {
        return false;
    }
    p->len = (uint16_t)(len - GENERIC_LEN);
    /* The other seven bits are ignored on receipt (section 3.2). */
    p->critical = v2 && (flags & 0x80);
    /* Also refuses a length that reaches past the datagram; at least the generic header was consumed, so every walk ends. */
    p->body = ike_rd_take(r, p->len);
    return p->body != NULL;
}

static bool is_v2(const struct ike_message *m) { return m->h.version >> 4 == 2; }
static bool encrypted_v1(const struct ike_message *m) { return m->h.version >> 4 == 1 && (m->h.flags & IKE_FLAG1_ENCRYPTED); }

/* Append the chain that starts with type `next`; r is left behind its end. */
static int take_chain(struct ike_message *m, struct ike_rd *r, uint8_t next, bool inner)
{
    const bool v2 = is_v2(m);
    while (next != IKE_P_NONE) {
        struct ike_payload p = {.type = next, .inner = inner};
        /* Kept before the payload is consumed: the associated data of an AEAD ends with SK's generic header. */
        const uint8_t *generic = r->p;
        /* Inner payloads count with the outer ones, so a message with SK gets no second hundred. */
        if (m->n >= IKE_PAYLOADS_MAX || !take_payload(r, v2, &next, &p)) {
            return IKE_ERR_PROTO;
        }
        const struct body_limits *l = limits_of(v2, p.type);
        /* Refused here, for every type at once, so that no reader of a body has to expect less than its fixed part. */
        if (p.len < l->min || p.len > l->max) {
            return IKE_ERR_PROTO;
        }
        if (v2 && (p.type == IKE_P_SK || p.type == IKE_P_SKF)) {
            /* Next names the first payload inside, so nothing can follow (section 3.14, RFC 7383 section 2.5). */
            if (inner || r->left != 0) {
                return IKE_ERR_PROTO;
            }
            if (p.type == IKE_P_SK) {
                m->sk_at = (size_t)(generic - m->data);
                m->sk_next = next;
                return IKE_OK;
            }
            /* The chain ends here although Next says something: that is the type of the first payload in the fragment. */
            next = IKE_P_NONE;
        }
        m->p[m->n++] = p;
    }
    return IKE_OK;
}

/* The same of a chain that fills its octets. */
static int take_whole_chain(struct ike_message *m, struct ike_rd *r, uint8_t next, bool inner)
{
    const int rc = take_chain(m, r, next, inner);
    /* Octets behind the last payload belong to nobody, and nothing that belongs to nobody is accepted. */
    return rc == IKE_OK && !ike_rd_done(r) ? IKE_ERR_PROTO : rc;
}

/* The views stay good as long as `data` does. Nothing of m->p beyond m->n is ever read. */
int ike_message_parse(struct ike_message *m, const uint8_t *data, size_t n)
{
    /* The array of payloads is left as it is: clearing it would cost more than the parse. */
    m->data = data;
    m->len = n;
    m->n = 0;
    m->sk_at = 0;
    m->sk_next = 0;
    int rc = ike_header_parse(&m->h, data, n);
    if (rc != IKE_OK) {
        return rc;
    }
    if (m->h.version >> 4 > 2) {
        return IKE_OK; /* what follows the header is not ours to know */
    }
    /* No exchange of either version consists of a bare header: even an empty INFORMATIONAL message holds SK. */
    if (m->h.next == IKE_P_NONE) {
        return IKE_ERR_PROTO;
    }
    /* All that follows the header is ciphertext then, padded to whole blocks. */
    if (encrypted_v1(m)) {
        return IKE_OK;
    }
    struct ike_rd r = ike_rd(data + IKE_HEADER_LEN, n - IKE_HEADER_LEN);
    if (is_v2(m)) {
        return take_whole_chain(m, &r, m->h.next, false);
    }
    rc = take_chain(m, &r, m->h.next, false);
    return rc == IKE_OK && !ike_v1_fill(&r) ? IKE_ERR_PROTO : rc;
}

int ike_message_parse_inner(struct ike_message *m, const uint8_t *inner, size_t n)
{
    /* On a fault the message is as before, so the caller can still answer by what was in clear. */
    const uint16_t before = m->n;
    struct ike_rd r = ike_rd(inner, n);
    int rc = take_whole_chain(m, &r, m->sk_next, true);
    if (rc != IKE_OK) {
        m->n = before;
    }
    return rc;
}

int ike_message_parse_padded(struct ike_message *m, const uint8_t *inner, size_t n, size_t *end)
{
    const uint16_t before = m->n;
    struct ike_rd r = ike_rd(inner, n);
    int rc = take_chain(m, &r, m->h.next, true);
    if (rc != IKE_OK) {
        m->n = before;
        return rc;
    }
    *end = n - r.left;
    return IKE_OK;
}

/* For a message that has to outlive its datagram, as when an action waits for an answer of the host. */
void ike_message_rebase(struct ike_message *m, const uint8_t *data2, const uint8_t *inner, const uint8_t *inner2)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct ike_payload *p = &m->p[i];
        p->body = p->inner ? inner2 + (p->body - inner) : data2 + (p->body - m->data);
    }
    m->data = data2;
}

const struct ike_payload *ike_message_find(const struct ike_message *m, uint8_t type, unsigned i)
{
    /* One place bounds the work: callers walk i upward and stop at NULL. The first is always looked at. */
    if (i > 0 && i >= limits_of(is_v2(m), type)->look_at) {
        return NULL;
    }
    /* Where there is ciphertext, nothing counts that was not inside it. */
    const bool protected = m->sk_at != 0 || encrypted_v1(m);
    for (unsigned k = 0; k < m->n; k++) {
        const struct ike_payload *p = &m->p[k];
        if (p->type == type && p->inner == protected && i-- == 0) {
            return p;
        }
    }
    return NULL;
}
