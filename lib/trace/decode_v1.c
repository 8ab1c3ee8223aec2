/* SPDX-License-Identifier: ISC
 *
 * Payload bodies of version 1 (RFC 2408 section 3, RFC 2407 section 4.6, RFC 2409 appendix A, RFC 3947).
 */
#include "message/v1.h"
#include "trace/decode.h"


/* Tables of the DOI and of ISAKMP (registries of RFC 2407 to 2409), with the private numbers met in practice. */
struct value {
    uint16_t value;
    const char *name;
};
/* An attribute and the words for its values. */
struct attribute {
    uint16_t type;
    const char *name;
    const struct value *values; /* ended by a NULL name; NULL: plain numbers */
};

/* NULL for a table that is NULL, too: attributes with plain numbers. */
static const char *value_name(const struct value *v, uint64_t n)
{
    for (; v && v->name; v++) {
        if (v->value == n) {
            return v->name;
        }
    }
    return NULL;
}

static const struct value protocols[] = {{1, "ISAKMP"}, {2, "AH"}, {3, "ESP"}, {4, "IPCOMP"}, {0, NULL}};
static const struct value life_types[] = {{1, "seconds"}, {2, "kilobytes"}, {0, NULL}};
static const struct value p1_encr[] = {{1, "DES-CBC"},  {2, "IDEA-CBC"}, {3, "Blowfish-CBC"}, {4, "RC5-R16-B64-CBC"},
                                       {5, "3DES-CBC"}, {6, "CAST-CBC"}, {7, "AES-CBC"},      {8, "Camellia-CBC"},
                                       {0, NULL}};
static const struct value p1_hash[] = {{1, "MD5"},      {2, "SHA1"},     {3, "Tiger"}, {4, "SHA2-256"},
                                       {5, "SHA2-384"}, {6, "SHA2-512"}, {0, NULL}};
static const struct value p1_auth[] = {{1, "pre-shared key"},
                                       {2, "DSS signatures"},
                                       {3, "RSA signatures"},
                                       {4, "RSA encryption"},
                                       {5, "revised RSA encryption"},
                                       {9, "ECDSA-256"},
                                       {10, "ECDSA-384"},
                                       {11, "ECDSA-521"},
                                       {64221, "HybridInitRSA"},
                                       {64222, "HybridRespRSA"},
                                       {65001, "XAUTHInitPreShared"},
                                       {65002, "XAUTHRespPreShared"},
                                       {65005, "XAUTHInitRSA"},
                                       {65006, "XAUTHRespRSA"},
                                       {0, NULL}};
static const struct value p1_group_types[] = {{1, "MODP"}, {2, "ECP"}, {3, "EC2N"}, {0, NULL}};
static const struct value p2_modes[] = {{1, "Tunnel"},
                                        {2, "Transport"},
                                        {3, "UDP-Encapsulated-Tunnel"},
                                        {4, "UDP-Encapsulated-Transport"},
                                        {61443, "UDP-Encapsulated-Tunnel (draft)"},
                                        {61444, "UDP-Encapsulated-Transport (draft)"},
                                        {0, NULL}};
static const struct value p2_auth[] = {{1, "HMAC-MD5"},       {2, "HMAC-SHA"},      {3, "DES-MAC"},       {4, "KPDK"},
                                       {5, "HMAC-SHA2-256"},  {6, "HMAC-SHA2-384"}, {7, "HMAC-SHA2-512"}, {8, "HMAC-RIPEMD"},
                                       {9, "AES-XCBC-MAC"},   {10, "SIG-RSA"},      {11, "AES-128-GMAC"}, {12, "AES-192-GMAC"},
                                       {13, "AES-256-GMAC"},  {0, NULL}};
static const struct value groups[] = {{0, NULL}}; /* stands for the KE registry, which both versions share here */

static const struct attribute phase1[] = {
    {1, "Encryption Algorithm", p1_encr}, {2, "Hash Algorithm", p1_hash},     {3, "Authentication Method", p1_auth},
    {4, "Group Description", groups},     {5, "Group Type", p1_group_types},  {6, "Group Prime", NULL},
    {7, "Group Generator One", NULL},     {8, "Group Generator Two", NULL},   {9, "Group Curve A", NULL},
    {10, "Group Curve B", NULL},          {11, "Life Type", life_types},      {12, "Life Duration", NULL},
    {13, "PRF", NULL},                    {14, "Key Length", NULL},           {15, "Field Size", NULL},
    {16, "Group Order", NULL},            {0, NULL, NULL}};
static const struct attribute phase2[] = {
    {1, "SA Life Type", life_types},       {2, "SA Life Duration", NULL},      {3, "Group Description", groups},
    {4, "Encapsulation Mode", p2_modes},   {5, "Authentication Algorithm", p2_auth}, {6, "Key Length", NULL},
    {7, "Key Rounds", NULL},               {8, "Compress Dictionary Size", NULL},    {9, "Compress Private Algorithm", NULL},
    {10, "ECN Tunnel", NULL},              {11, "Extended Sequence Number", NULL},   {0, NULL, NULL}};
static const struct attribute config[] = {{16520, "XAUTH-TYPE", NULL},      {16521, "XAUTH-USER-NAME", NULL},
                                          {16522, "XAUTH-USER-PASSWORD", NULL}, {16523, "XAUTH-PASSCODE", NULL},
                                          {16524, "XAUTH-MESSAGE", NULL},   {16525, "XAUTH-CHALLENGE", NULL},
                                          {16526, "XAUTH-DOMAIN", NULL},    {16527, "XAUTH-STATUS", NULL},
                                          {16528, "XAUTH-NEXT-PIN", NULL},  {16529, "XAUTH-ANSWER", NULL},
                                          {0, NULL, NULL}};

static const struct value esp_transforms[] = {
    {1, "DES_IV64"},   {2, "DES"},        {3, "3DES"},       {4, "RC5"},        {5, "IDEA"},         {6, "CAST"},
    {7, "BLOWFISH"},   {8, "3IDEA"},      {9, "DES_IV32"},   {10, "RC4"},       {11, "NULL"},        {12, "AES-CBC"},
    {13, "AES-CTR"},   {14, "AES-CCM_8"}, {15, "AES-CCM_12"}, {16, "AES-CCM_16"}, {18, "AES-GCM_8"}, {19, "AES-GCM_12"},
    {20, "AES-GCM_16"}, {21, "SEED-CBC"}, {22, "CAMELLIA-CBC"}, {23, "NULL_AUTH_AES-GMAC"}, {0, NULL}};
static const struct value ah_transforms[] = {{2, "MD5"},      {3, "SHA"},      {4, "DES"},          {5, "SHA2-256"},
                                             {6, "SHA2-384"}, {7, "SHA2-512"}, {8, "RIPEMD"}, {9, "AES-XCBC-MAC"}, {0, NULL}};
static const struct value ipcomp_transforms[] = {{1, "OUI"}, {2, "DEFLATE"}, {3, "LZS"}, {4, "LZJH"}, {0, NULL}};
static const struct value isakmp_transforms[] = {{1, "KEY_IKE"}, {0, NULL}};

/* The same number means another algorithm under each protocol. */
static const struct value *transforms_of(uint8_t protocol)
{
    static const struct value *const of[] = {[IKE_PROTO1_ISAKMP] = isakmp_transforms,
                                             [IKE_PROTO1_AH] = ah_transforms,
                                             [IKE_PROTO1_ESP] = esp_transforms,
                                             [IKE_PROTO1_IPCOMP] = ipcomp_transforms};
    return protocol < IKE_COUNT(of) ? of[protocol] : NULL;
}

/* Never NULL: an unknown attribute is shown by its number. */
static const struct attribute *find_attribute(const struct attribute *a, uint16_t type)
{
    static const struct attribute unknown = {0, NULL, NULL};
    for (; a->name; a++) {
        if (a->type == type) {
            return a;
        }
    }
    return &unknown;
}

/* Data attributes of RFC 2408 section 3.3. Each pass consumes two octets or ends, so the loop ends. */
static void attributes(struct ike_emit *e, struct ike_rd *r, const struct attribute *table)
{
    while (!r->bad && r->left != 0) {
        ike_emit_open(e, "attribute");
        const uint16_t head = ike_rd_u16(r), type = head & 0x7fff;
        const struct attribute *a = find_attribute(table, type);
        /* XAUTH has numbers of its own; the others of Mode-Config are in the registry of version 2. */
        const char *name = table == config && a->name == NULL ? ike_name(IKE_REG_CFG_ATTR, type) : a->name;
        ike_emit_uint(e, "format", head >> 15, head & 0x8000 ? "TV" : "TLV");
        ike_emit_uint(e, "type", type, name);
        if (!(head & 0x8000)) {
            ike_decode_hex(e, r, "value", ike_decode_u16(e, r, "length"));
        } else if (r->left >= 2) {
            const uint16_t v = ike_rd_u16(r);
            ike_emit_uint(e, "value", v, a->values == groups ? ike_name(IKE_REG_KE, v) : value_name(a->values, v));
        } else {
            ike_decode_u16(e, r, "value"); /* says that it ends */
        }
        ike_emit_close(e);
    }
}

/* Proposals and transforms are payloads inside a payload in version 1. */
static struct ike_rd substructure(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "next payload", IKE_REG_PAYLOAD, 0x100);
    return ike_decode_body(e, r);
}

static void transform(struct ike_emit *e, struct ike_rd *r, uint8_t protocol)
{
    ike_emit_open(e, "transform");
    struct ike_rd body = substructure(e, r);
    if (!body.bad) {
        ike_decode_u8(e, &body, "number");
        const uint8_t id = ike_rd_u8(&body);
        ike_emit_uint(e, "id", id, value_name(transforms_of(protocol), id));
        ike_decode_u16(e, &body, "reserved 2");
        /* Phase 1 and phase 2 number their attributes on their own. */
        attributes(e, &body, protocol == IKE_PROTO1_ISAKMP ? phase1 : phase2);
    }
    ike_emit_close(e);
}

/* The count of transforms is shown but not believed: the body's length says how many there are. */
static void proposal(struct ike_emit *e, struct ike_rd *r)
{
    ike_emit_open(e, "proposal");
    struct ike_rd body = substructure(e, r);
    if (!body.bad) {
        ike_decode_u8(e, &body, "number");
        const uint8_t protocol = ike_rd_u8(&body);
        ike_emit_uint(e, "protocol", protocol, value_name(protocols, protocol));
        const uint8_t spi_len = ike_decode_u8(e, &body, "SPI size");
        ike_decode_u8(e, &body, "transforms");
        ike_decode_hex(e, &body, "SPI", spi_len);
        while (!body.bad && body.left != 0) {
            transform(e, &body, protocol);
        }
    }
    ike_emit_close(e);
}

/* DOI 0 and 1 have the same layout behind a situation of one word. */
static void sa(struct ike_emit *e, struct ike_rd *r)
{
    const uint32_t doi = ike_decode_u32(e, r, "DOI"), situation = ike_decode_u32(e, r, "situation");
    if (doi > 1 || situation != 1) { /* labels would follow; nobody sends them */
        ike_decode_hex(e, r, "data", SIZE_MAX);
        return;
    }
    while (!r->bad && r->left != 0) {
        proposal(e, r);
    }
}

/* How many addresses of which family a type holds: one, or two as address and mask or as a range. */
static void id(struct ike_emit *e, struct ike_rd *r)
{
    const uint8_t type = ike_decode_named8(e, r, "id type", IKE_REG_ID, 0);
    ike_decode_u8(e, r, "IP protocol");
    ike_decode_u16(e, r, "port");
    const ike_bytes data = ike_decode_hex(e, r, "data", SIZE_MAX);
    static const struct {
        uint8_t type, family, n;
    } addresses[] = {{1, 4, 1}, {4, 4, 2}, {7, 4, 2}, {5, 6, 1}, {6, 6, 2}, {8, 6, 2}};
    for (size_t i = 0; i < IKE_COUNT(addresses); i++) {
        const size_t alen = addresses[i].family == 4 ? 4 : 16;
        for (size_t k = 0; addresses[i].type == type && data.len == alen * addresses[i].n && k < addresses[i].n; k++) {
            ike_emit_addr(e, "address", addresses[i].family, data.ptr + k * alen);
        }
    }
    if (type == IKE_ID_FQDN || type == IKE_ID_RFC822_ADDR || type == IKE_ID_KEY_ID) {
        ike_emit_text(e, "text", data);
    }
}

static void cert(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "encoding", IKE_REG_CERT, 0);
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

static void data_only(struct ike_emit *e, struct ike_rd *r) { ike_decode_hex(e, r, "data", SIZE_MAX); }

/* The protocol is version 1's numbering, which has IPCOMP and calls the first ISAKMP. */
static void notify(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_u32(e, r, "DOI");
    const uint8_t protocol = ike_rd_u8(r);
    ike_emit_uint(e, "protocol", protocol, value_name(protocols, protocol));
    const uint8_t spi_len = ike_decode_u8(e, r, "SPI size");
    ike_decode_named16(e, r, "type", IKE_REG_NOTIFY_V1);
    ike_decode_hex(e, r, "SPI", spi_len);
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

/* The count is a peer's: the loop ends with the octets, or at once where an SPI has none. */
static void delete(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_u32(e, r, "DOI");
    const uint8_t protocol = ike_rd_u8(r);
    ike_emit_uint(e, "protocol", protocol, value_name(protocols, protocol));
    const uint8_t spi_len = ike_decode_u8(e, r, "SPI size");
    const uint16_t count = ike_decode_u16(e, r, "SPIs");
    for (unsigned i = 0; i < count && spi_len != 0 && !r->bad; i++) {
        ike_decode_hex(e, r, "SPI", spi_len);
    }
}

/* Vendor ids that say what a peer can do; matched from the front, as most carry a version behind. For people: known ones by
 * name, and all as text, since some are. */
static void vendor(struct ike_emit *e, struct ike_rd *r)
{
    static const struct {
        uint8_t id[16], n;
        const char *name;
    } known[] = {
        {{0x4a, 0x13, 0x1c, 0x81, 0x7, 0x3, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2, 0xe, 0x95, 0x45, 0x2f}, 16, "NAT-T (RFC 3947)"},
        {{0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x8, 0x63, 0x81, 0xb5, 0xec, 0x42, 0x7b, 0x1f}, 16, "NAT-T draft 02"},
        {{0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92, 0x15, 0x52, 0x9d, 0x56}, 16, "NAT-T draft 03"},
        {{0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57}, 14, "DPD (RFC 3706)"},
        {{0x9, 0x0, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12}, 8, "XAUTH"},
        {{0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7, 0xde, 0x7f, 0x0, 0xd6, 0xc2, 0xd3}, 16, "fragmentation"},
        {{0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f, 0xe2, 0x74, 0xcc}, 14, "Cisco Unity"},
    };
    const ike_bytes data = ike_decode_hex(e, r, "data", SIZE_MAX);
    for (size_t i = 0; i < IKE_COUNT(known); i++) {
        if (data.len >= known[i].n && memcmp(data.ptr, known[i].id, known[i].n) == 0) {
            ike_emit_str(e, "known as", known[i].name);
        }
    }
    ike_emit_text(e, "text", data);
}

/* Mode-Config and XAUTH (the Attribute payload). */
static void attr(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "type", IKE_REG_CFG_TYPE, 0);
    ike_decode_u8(e, r, "reserved");
    ike_decode_u16(e, r, "identifier");
    attributes(e, r, config);
}

/* Reserved octets where an ID has protocol and port. */
static void nat_oa(struct ike_emit *e, struct ike_rd *r)
{
    const uint8_t type = ike_decode_named8(e, r, "id type", IKE_REG_ID, 0);
    ike_decode_hex(e, r, "reserved", 3);
    const ike_bytes data = ike_decode_hex(e, r, "data", SIZE_MAX);
    if ((type == IKE_ID_IPV4_ADDR && data.len == 4) || (type == IKE_ID_IPV6_ADDR && data.len == 16)) {
        ike_emit_addr(e, "address", type == IKE_ID_IPV4_ADDR ? 4 : 6, data.ptr);
    }
}

/* One piece of a larger message; pieces are not put together. */
static void frag(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_u16(e, r, "fragment id");
    ike_decode_u8(e, r, "fragment number");
    ike_decode_u8(e, r, "flags");
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

/* A type without a row is shown as octets by the caller already. */
void ike_decode_v1_payload(struct ike_emit *e, uint8_t type, ike_bytes body)
{
    static const struct {
        uint8_t type;
        void (*decode)(struct ike_emit *, struct ike_rd *);
    } decoders[] = {
        {IKE_P1_SA, sa},
        {IKE_P1_KE, data_only},
        {IKE_P1_ID, id},
        {IKE_P1_CERT, cert},
        {IKE_P1_CR, cert},
        {IKE_P1_HASH, data_only},
        {IKE_P1_SIG, data_only},
        {IKE_P1_NONCE, data_only},
        {IKE_P1_NOTIFY, notify},
        {IKE_P1_DELETE, delete},
        {IKE_P1_VENDOR, vendor},
        {IKE_P1_ATTR, attr},
        {IKE_P1_NAT_D, data_only},
        {IKE_P1_NAT_OA, nat_oa},
        {IKE_P1_NAT_D_DRAFT, data_only},
        {IKE_P1_NAT_OA_DRAFT, nat_oa},
        {IKE_P1_FRAG, frag},
    };
    for (size_t i = 0; i < IKE_COUNT(decoders); i++) {
        if (decoders[i].type == type) {
            struct ike_rd r = ike_rd(body.ptr, body.len);
            decoders[i].decode(e, &r);
            ike_decode_rest(e, &r);
        }
    }
}
