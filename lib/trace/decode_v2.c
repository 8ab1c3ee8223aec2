/* SPDX-License-Identifier: ISC
 *
 * Payload bodies of version 2 (RFC 7296 sections 3.3 to 3.16).
 */
#include "message/message.h"
#include "trace/decode.h"

enum { TS_IPV4 = 7, TS_IPV6 = 8 };
enum { CERT_OCSP = 14, CERT_X509 = 4, CERT_HASH_URL = 12, CERT_HASH_URL_BUNDLE = 13 };
enum { N_SIGNATURE_HASH_ALGORITHMS = 16431 };

/* Each pass consumes two octets or ends, so the loop ends. Fields are shown as they are: TLV where TV belongs is the
 * engine's to refuse. */
static void attributes(struct ike_emit *e, struct ike_rd *r)
{
    while (!r->bad && r->left != 0) {
        ike_emit_open(e, "attribute");
        const uint16_t type = ike_rd_u16(r);
        ike_emit_uint(e, "format", type >> 15, type & 0x8000 ? "TV" : "TLV");
        ike_emit_uint(e, "type", type & 0x7fff, (type & 0x7fff) == 14 ? "Key Length" : NULL);
        if (type & 0x8000) {
            ike_decode_u16(e, r, "value");
        } else {
            ike_decode_hex(e, r, "value", ike_decode_u16(e, r, "length"));
        }
        ike_emit_close(e);
    }
}

/* Which registry a transform's id is from. IKE_REGISTRIES names no registry: ids of such types stay numbers. */
static enum ike_registry id_registry(uint8_t type)
{
    static const enum ike_registry of[] = {IKE_REGISTRIES, IKE_REG_ENCR, IKE_REG_PRF, IKE_REG_INTEG, IKE_REG_KE, IKE_REG_ESN};
    if (type >= 6 && type <= 12) {
        return IKE_REG_KE; /* additional key exchanges, RFC 9370 */
    }
    return type < IKE_COUNT(of) ? of[type] : IKE_REGISTRIES;
}

static struct ike_rd substructure(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_u8(e, r, "last");
    return ike_decode_body(e, r);
}

/* An id means something only together with its type. */
static void transform(struct ike_emit *e, struct ike_rd *r)
{
    ike_emit_open(e, "transform");
    struct ike_rd body = substructure(e, r);
    if (!body.bad) {
        const uint8_t type = ike_decode_named8(e, &body, "type", IKE_REG_TRANSFORM_TYPE, 0);
        ike_decode_u8(e, &body, "reserved");
        ike_decode_named16(e, &body, "id", id_registry(type));
        attributes(e, &body);
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
        ike_decode_named8(e, &body, "protocol", IKE_REG_PROTOCOL, 0);
        const uint8_t spi_len = ike_decode_u8(e, &body, "SPI size");
        ike_decode_u8(e, &body, "transforms");
        ike_decode_hex(e, &body, "SPI", spi_len);
        while (!body.bad && body.left != 0) {
            transform(e, &body);
        }
    }
    ike_emit_close(e);
}

static void sa(struct ike_emit *e, struct ike_rd *r)
{
    while (!r->bad && r->left != 0) {
        proposal(e, r);
    }
}

static void ke(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named16(e, r, "method", IKE_REG_KE);
    ike_decode_u16(e, r, "reserved");
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

/* The text besides the octets, escaped: it is a peer's. */
static void id(struct ike_emit *e, struct ike_rd *r)
{
    const uint8_t type = ike_decode_named8(e, r, "id type", IKE_REG_ID, 0);
    ike_decode_hex(e, r, "reserved", 3);
    const ike_bytes data = ike_decode_hex(e, r, "data", SIZE_MAX);
    if ((type == IKE_ID_IPV4_ADDR && data.len == 4) || (type == IKE_ID_IPV6_ADDR && data.len == 16)) {
        ike_emit_addr(e, "address", type == IKE_ID_IPV4_ADDR ? 4 : 6, data.ptr);
    } else if (type == IKE_ID_FQDN || type == IKE_ID_RFC822_ADDR || type == IKE_ID_KEY_ID) {
        ike_emit_text(e, "text", data);
    }
}

/* Certificates stay octets: other programs show them better. */
static void cert(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "encoding", IKE_REG_CERT, 0);
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

/* SHA-1 hashes one after another for the encodings that have them. */
static void certreq(struct ike_emit *e, struct ike_rd *r)
{
    const uint8_t encoding = ike_decode_named8(e, r, "encoding", IKE_REG_CERT, 0);
    const bool hashes =
        encoding == CERT_X509 || encoding == CERT_OCSP || encoding == CERT_HASH_URL || encoding == CERT_HASH_URL_BUNDLE;
    if (r->bad || !hashes || r->left % 20 != 0) {
        ike_decode_hex(e, r, "data", SIZE_MAX);
        return;
    }
    while (r->left != 0) {
        ike_decode_hex(e, r, "hash", 20);
    }
}

static void auth(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "method", IKE_REG_AUTH_METHOD, 0);
    ike_decode_hex(e, r, "reserved", 3);
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

static void data_only(struct ike_emit *e, struct ike_rd *r) { ike_decode_hex(e, r, "data", SIZE_MAX); }

/* Many are ASCII; the rest comes out escaped. */
static void vendor(struct ike_emit *e, struct ike_rd *r)
{
    const ike_bytes data = ike_decode_hex(e, r, "data", SIZE_MAX);
    ike_emit_text(e, "text", data);
}

/* Data is shown as octets first; then, from a second reader, by what the type makes of it. */
static void notify(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "protocol", IKE_REG_PROTOCOL, 0);
    const uint8_t spi_len = ike_decode_u8(e, r, "SPI size");
    const uint16_t type = ike_decode_named16(e, r, "type", IKE_REG_NOTIFY);
    ike_decode_hex(e, r, "SPI", spi_len);
    struct ike_rd data = *r;
    ike_decode_hex(e, r, "data", SIZE_MAX);
    if (type == IKE_N_INVALID_KE_PAYLOAD && data.left == 2) {
        ike_decode_named16(e, &data, "group", IKE_REG_KE);
    } else if (type == IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD && data.left == 1) {
        ike_decode_named8(e, &data, "payload type", IKE_REG_PAYLOAD, 0);
    } else if (type == IKE_N_SET_WINDOW_SIZE && data.left == 4) {
        ike_decode_u32(e, &data, "window");
    } else if (type == N_SIGNATURE_HASH_ALGORITHMS && data.left % 2 == 0) {
        while (data.left != 0) {
            ike_decode_named16(e, &data, "hash algorithm", IKE_REG_HASH);
        }
    }
}

/* The count is a peer's: the loop ends with the octets, or at once where an SPI has none. */
static void delete(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "protocol", IKE_REG_PROTOCOL, 0);
    const uint8_t spi_len = ike_decode_u8(e, r, "SPI size");
    const uint16_t count = ike_decode_u16(e, r, "SPIs");
    for (unsigned i = 0; i < count && spi_len != 0 && !r->bad; i++) {
        ike_decode_hex(e, r, "SPI", spi_len);
    }
}

/* Other types are shown as octets: their length tells where they end. */
static void selector(struct ike_emit *e, struct ike_rd *r)
{
    ike_emit_open(e, "traffic selector");
    const uint8_t type = ike_decode_named8(e, r, "type", IKE_REG_TS, 0);
    ike_decode_u8(e, r, "IP protocol");
    const uint16_t len = ike_decode_u16(e, r, "length");
    struct ike_rd body = ike_rd_sub(r, len >= 4 ? len - 4u : SIZE_MAX);
    const size_t alen = type == TS_IPV4 ? 4 : 16;
    if (body.bad) {
        ike_emit_fault(e, "malformed: length");
    } else if ((type == TS_IPV4 || type == TS_IPV6) && body.left == 4 + 2 * alen) {
        ike_decode_u16(e, &body, "start port");
        ike_decode_u16(e, &body, "end port");
        ike_emit_addr(e, "start address", type == TS_IPV4 ? 4 : 6, ike_rd_take(&body, alen));
        ike_emit_addr(e, "end address", type == TS_IPV4 ? 4 : 6, ike_rd_take(&body, alen));
    } else {
        ike_decode_hex(e, &body, "data", SIZE_MAX);
    }
    ike_emit_close(e);
}

/* The count is followed here, and what is left over is reported: that the two disagree is what a reader looks for. */
static void ts(struct ike_emit *e, struct ike_rd *r)
{
    const uint8_t count = ike_decode_u8(e, r, "selectors");
    ike_decode_hex(e, r, "reserved", 3);
    for (unsigned i = 0; i < count && !r->bad; i++) {
        selector(e, r);
    }
}

/* One fragment alone has no payload that could be shown, so fragments are not put together. */
static void skf(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_u16(e, r, "fragment number");
    ike_decode_u16(e, r, "fragments");
    ike_emit_note(e, "encrypted fragment: not decrypted");
    ike_decode_hex(e, r, "data", SIZE_MAX);
}

/* The high bit of the type is reserved (RFC 7296 section 3.15.1). */
static void cp(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_named8(e, r, "type", IKE_REG_CFG_TYPE, 0);
    ike_decode_hex(e, r, "reserved", 3);
    while (!r->bad && r->left != 0) {
        ike_emit_open(e, "attribute");
        const uint16_t type = ike_rd_u16(r) & 0x7fff;
        ike_emit_uint(e, "type", type, ike_name(IKE_REG_CFG_ATTR, type));
        ike_decode_hex(e, r, "value", ike_decode_u16(e, r, "length"));
        ike_emit_close(e);
    }
}

/* Success and Failure have no type behind the length. */
static void eap(struct ike_emit *e, struct ike_rd *r)
{
    static const char *const codes[] = {NULL, "Request", "Response", "Success", "Failure"};
    const uint8_t code = ike_rd_u8(r);
    ike_emit_uint(e, "code", code, code < IKE_COUNT(codes) ? codes[code] : NULL);
    ike_decode_u8(e, r, "identifier");
    ike_decode_u16(e, r, "length");
    if (!r->bad && r->left != 0) {
        ike_decode_u8(e, r, "type");
        ike_decode_hex(e, r, "data", SIZE_MAX);
    }
}

/* Only reached from inside SK: the outer one is opened before bodies are looked at. */
static void nested(struct ike_emit *e, struct ike_rd *r)
{
    ike_emit_fault(e, "malformed: SK inside SK");
    data_only(e, r);
}

/* What a body's decoder leaves is a fault of the body, said here once for all. */
void ike_decode_v2_payload(struct ike_emit *e, uint8_t type, ike_bytes body)
{
    static void (*const decoders[])(struct ike_emit *, struct ike_rd *) = {
        [IKE_P_SA] = sa,       [IKE_P_KE] = ke,          [IKE_P_IDI] = id,     [IKE_P_IDR] = id,       [IKE_P_CERT] = cert,
        [IKE_P_CERTREQ] = certreq, [IKE_P_AUTH] = auth,  [IKE_P_NONCE] = data_only, [IKE_P_NOTIFY] = notify,
        [IKE_P_DELETE] = delete, [IKE_P_VENDOR] = vendor, [IKE_P_TSI] = ts,    [IKE_P_TSR] = ts,       [IKE_P_SK] = nested,
        [IKE_P_CP] = cp,       [IKE_P_EAP] = eap,        [IKE_P_SKF] = skf,
    };
    struct ike_rd r = ike_rd(body.ptr, body.len);
    if (type < IKE_COUNT(decoders) && decoders[type] != NULL) {
        decoders[type](e, &r);
        ike_decode_rest(e, &r);
    }
}
