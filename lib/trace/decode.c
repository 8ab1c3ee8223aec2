/* SPDX-License-Identifier: ISC
 *
 * One message: header, the chain of payloads, what SK holds. Unlike the engine's parser this one goes on after a fault, and
 * shows what it found.
 */
#include "trace/decode.h"
#include "message/message.h"

#define GENERIC_LEN 4
#define V1_ENCRYPTED 0x01

void ike_decoder_init(ike_decoder *d)
{
    memset(d, 0, sizeof *d);
    d->size = sizeof *d;
}

/* ---- Shorthands ---- */

/* One fault per place where the octets end: after it every read fails, and saying so each time would bury the first. */
static bool ended(struct ike_emit *e, const struct ike_rd *r, bool was_bad)
{
    if (r->bad && !was_bad) {
        ike_emit_fault(e, "malformed: ends here");
    }
    return r->bad;
}

/* The number is read before it is shown: past the end there is nothing to show but the fault. */
uint8_t ike_decode_named8(struct ike_emit *e, struct ike_rd *r, const char *name, enum ike_registry reg, uint16_t high)
{
    const bool bad = r->bad;
    const uint8_t v = ike_rd_u8(r);
    if (!ended(e, r, bad)) {
        ike_emit_uint(e, name, v, ike_name(reg, (uint16_t)(high | v)));
    }
    return v;
}

uint16_t ike_decode_named16(struct ike_emit *e, struct ike_rd *r, const char *name, enum ike_registry reg)
{
    const bool bad = r->bad;
    const uint16_t v = ike_rd_u16(r);
    if (!ended(e, r, bad)) {
        ike_emit_uint(e, name, v, ike_name(reg, v));
    }
    return v;
}

uint8_t ike_decode_u8(struct ike_emit *e, struct ike_rd *r, const char *name)
{
    return ike_decode_named8(e, r, name, IKE_REGISTRIES, 0);
}

uint16_t ike_decode_u16(struct ike_emit *e, struct ike_rd *r, const char *name)
{
    return ike_decode_named16(e, r, name, IKE_REGISTRIES);
}

uint32_t ike_decode_u32(struct ike_emit *e, struct ike_rd *r, const char *name)
{
    const bool bad = r->bad;
    const uint32_t v = ike_rd_u32(r);
    if (!ended(e, r, bad)) {
        ike_emit_uint(e, name, v, NULL);
    }
    return v;
}

/* The octets are shown whatever they mean, so the text holds the whole message. */
ike_bytes ike_decode_hex(struct ike_emit *e, struct ike_rd *r, const char *name, size_t n)
{
    const bool bad = r->bad;
    n = n == SIZE_MAX ? r->left : n;
    const uint8_t *p = ike_rd_take(r, n);
    if (ended(e, r, bad)) {
        return (ike_bytes){0};
    }
    ike_emit_hex(e, name, ike_bytes_of(p, n));
    return ike_bytes_of(p, n);
}

struct ike_rd ike_decode_body(struct ike_emit *e, struct ike_rd *r)
{
    ike_decode_u8(e, r, "reserved");
    const uint16_t len = ike_decode_u16(e, r, "length");
    struct ike_rd body = ike_rd_sub(r, len >= 4 ? len - 4u : SIZE_MAX);
    if (body.bad) {
        ike_emit_fault(e, "malformed: length");
    }
    return body;
}

/* Nothing is left out: octets a body has too many are shown too. */
void ike_decode_rest(struct ike_emit *e, struct ike_rd *r)
{
    if (!r->bad && r->left != 0) {
        ike_emit_fault(e, "malformed: more than belongs here");
        ike_decode_hex(e, r, "octets", SIZE_MAX);
    }
}

/* ---- Chain ---- */

/* One message being shown. */
struct walk {
    struct ike_emit e;
    const ike_decoder *d; /* the caller's, unchanged throughout */
    const uint8_t *msg;
    size_t len;
    struct ike_header h;
    int result; /* IKE_OK, _CRYPTO, _NOMEM */
};

static void walk_chain(struct walk *w, struct ike_rd *r, uint8_t type, bool inner);

/* Both SPIs must match: one alone is not unique. The table of version 1 has the initiator's cookie only. */
static const ike_trace_keys *find_keys(const struct walk *w)
{
    const unsigned major = w->h.version >> 4;
    for (size_t i = 0; i < w->d->n_keys; i++) {
        const ike_trace_keys *k = &w->d->keys[i];
        if (k->version == major && k->spi_i == w->h.spi_i && (major == 1 || k->spi_r == w->h.spi_r)) {
            return k;
        }
    }
    return NULL;
}

/* Show what SK holds with keys that are there. What is shown of the inside is a chain like the outer one. Failure is a
 * remark: the octets have been shown already. */
static void decrypt(struct walk *w, const ike_trace_keys *k, size_t sk_at, uint8_t next, ike_bytes body)
{
    size_t iv = 0, icv = 0, n = 0;
    /* Asked before memory is: without the cipher there is nothing to allocate for. */
    if (!ike_trace_lengths(w->d, k, &iv, &icv)) {
        ike_emit_note(&w->e, "not decrypted: the cipher of these keys is not available");
        return;
    }
    /* Shown even when it cannot be opened: where they lie does not depend on the keys. */
    if (body.len >= iv + icv) {
        ike_emit_hex(&w->e, "initialization vector", ike_bytes_of(body.ptr, iv));
        ike_emit_hex(&w->e, "integrity check value", ike_bytes_of(body.ptr + body.len - icv, icv));
    }
    /* One block for contexts and plaintext; it holds keys and secrets, and is wiped below on every path behind this. */
    const size_t scratch = ike_trace_open_scratch(w->d, k), size = scratch + w->len;
    uint8_t *block = w->d->mem.alloc ? w->d->mem.alloc(w->d->mem.user, size) : NULL;
    if (block == NULL) {
        w->result = IKE_ERR_NOMEM;
        ike_emit_note(&w->e, "not decrypted: no memory");
        return;
    }
    const int rc = ike_trace_open(w->d, k, w->msg, w->len, sk_at, block, block + scratch, &n);
    if (rc == IKE_OK) {
        const uint8_t *text = block + scratch;
        struct ike_rd r = ike_rd(text, n);
        ike_emit_open(&w->e, k->unchecked_icv ? "decrypted (integrity not checked)" : "decrypted");
        walk_chain(w, &r, next, true);
        /* Padding is arbitrary in version 2 (RFC 7296 section 3.14): shown, not judged. */
        ike_emit_hex(&w->e, "padding and its length", ike_bytes_of(text + n, body.len - iv - icv - n));
        ike_emit_close(&w->e);
    } else if (rc == IKE_ERR_PROTO) {
        /* The keys fit, so this is the sender's fault. */
        ike_emit_fault(&w->e, "malformed: padding longer than the text");
    } else {
        w->result = IKE_ERR_CRYPTO;
        ike_emit_note(&w->e, "not decrypted: the keys do not fit");
    }
    ike_wipe(block, size);
    w->d->mem.release(w->d->mem.user, block, size);
}

/* An SK payload that something follows cannot be opened: the ICV is sought at the end of the message. */
static void show_sk(struct walk *w, size_t sk_at, uint8_t next, ike_bytes body)
{
    const ike_trace_keys *k = find_keys(w);
    if (sk_at + GENERIC_LEN + body.len != w->len) {
        ike_emit_fault(&w->e, "malformed: SK is not the last payload");
    } else if (k) {
        decrypt(w, k, sk_at, next, body);
    } else {
        ike_emit_note(&w->e, "encrypted: no keys for these SPIs");
    }
}

/* The generic header's fields and the body. False: the chain cannot be followed any further. The octets first, then what
 * they mean: a reader who doubts the decoder has both. */
static bool walk_payload(struct walk *w, struct ike_rd *r, uint8_t *type, bool inner)
{
    const bool v2 = w->h.version >> 4 == 2;
    const uint16_t high = v2 ? 0 : 0x100;
    /* *type becomes the next payload's before this one is shown. */
    const uint8_t this = *type, *start = r->p;
    const char *name = ike_name(IKE_REG_PAYLOAD, high | this);
    ike_emit_open_as(&w->e, "payload", name);
    ike_emit_uint(&w->e, "type", this, name);
    *type = ike_decode_named8(&w->e, r, "next payload", IKE_REG_PAYLOAD, high);
    const uint8_t flags = ike_rd_u8(r);
    if (v2) {
        ike_emit_uint(&w->e, "critical", flags >> 7, NULL);
        ike_emit_uint(&w->e, "reserved", flags & 0x7f, NULL);
    } else {
        ike_emit_uint(&w->e, "reserved", flags, NULL);
    }
    const uint16_t len = ike_decode_u16(&w->e, r, "length");
    /* A payload that is shorter than its own header would let the walk stand still. */
    const bool good = !r->bad && len >= GENERIC_LEN && len - GENERIC_LEN <= (int)r->left;
    if (!good) {
        ike_emit_fault(&w->e, "malformed: payload length");
    } else {
        const ike_bytes body = ike_bytes_of(ike_rd_take(r, len - (size_t)GENERIC_LEN), len - (size_t)GENERIC_LEN);
        ike_emit_hex(&w->e, "octets", body);
        if (v2 && this == IKE_P_SK && !inner) {
            show_sk(w, (size_t)(start - w->msg), *type, body);
        } else if (v2) {
            ike_decode_v2_payload(&w->e, this, body);
        } else {
            ike_decode_v1_payload(&w->e, this, body);
        }
    }
    ike_emit_close(&w->e);
    if (v2 && (this == IKE_P_SK || this == IKE_P_SKF)) {
        *type = IKE_P_NONE; /* Next named what is inside */
    }
    return good;
}

/* Recursion is two levels deep at most: SK inside SK is a fault, not a chain. */
static void walk_chain(struct walk *w, struct ike_rd *r, uint8_t type, bool inner)
{
    bool whole = true;
    while (whole && type != IKE_P_NONE) {
        whole = walk_payload(w, r, &type, inner);
    }
    if (whole && w->h.version >> 4 == 1 && r->left != 0 && ike_v1_fill(r)) {
        ike_decode_hex(&w->e, r, "padding", SIZE_MAX);
    }
    ike_decode_rest(&w->e, r);
}

/* Each bit by itself too, those that are 0 as well, so that two decodings can be compared line by line. */
static void show_flags(struct ike_emit *e, bool v2, uint8_t flags)
{
    static const struct {
        bool v2;
        uint8_t bit;
        const char *name;
    } bits[] = {{true, 0x08, "flag Initiator"},  {true, 0x10, "flag Version"}, {true, 0x20, "flag Response"},
                {false, 0x01, "flag Encryption"}, {false, 0x02, "flag Commit"}, {false, 0x04, "flag Authentication Only"}};
    ike_emit_uint(e, "flags", flags, NULL);
    for (size_t i = 0; i < IKE_COUNT(bits); i++) {
        if (bits[i].v2 == v2) {
            ike_emit_uint(e, bits[i].name, (flags & bits[i].bit) != 0, NULL);
        }
    }
}

/* As octets, which is how other tools write SPIs. */
static void show_spi(struct ike_emit *e, const char *name, uint64_t spi)
{
    uint8_t b[8];
    ike_store64(b, spi);
    ike_emit_hex(e, name, ike_bytes_of(b, sizeof b));
}

/* False: not even a header. Fields are shown before anything is said of them. What the engine would refuse is decided by its
 * own function. */
static bool show_header(struct walk *w)
{
    if (w->len < IKE_HEADER_LEN) {
        ike_emit_fault(&w->e, "malformed: shorter than a header");
        ike_emit_hex(&w->e, "octets", ike_bytes_of(w->msg, w->len));
        return false;
    }
    struct ike_rd r = ike_rd(w->msg, IKE_HEADER_LEN);
    w->h.spi_i = ike_rd_u64(&r);
    w->h.spi_r = ike_rd_u64(&r);
    w->h.next = ike_rd_u8(&r);
    w->h.version = ike_rd_u8(&r);
    w->h.exchange = ike_rd_u8(&r);
    w->h.flags = ike_rd_u8(&r);
    w->h.mid = ike_rd_u32(&r);
    w->h.length = ike_rd_u32(&r);
    const bool v2 = w->h.version >> 4 == 2;
    const uint16_t high = v2 ? 0 : 0x100;
    ike_emit_open(&w->e, "header");
    show_spi(&w->e, v2 ? "initiator SPI" : "initiator cookie", w->h.spi_i);
    show_spi(&w->e, v2 ? "responder SPI" : "responder cookie", w->h.spi_r);
    ike_emit_uint(&w->e, "next payload", w->h.next, ike_name(IKE_REG_PAYLOAD, high | w->h.next));
    ike_emit_uint(&w->e, "major version", w->h.version >> 4, NULL);
    ike_emit_uint(&w->e, "minor version", w->h.version & 15, NULL);
    ike_emit_uint(&w->e, "exchange type", w->h.exchange, ike_name(IKE_REG_EXCHANGE, high | w->h.exchange));
    show_flags(&w->e, v2, w->h.flags);
    ike_emit_uint(&w->e, "message id", w->h.mid, NULL);
    ike_emit_uint(&w->e, "length", w->h.length, NULL);
    struct ike_header checked;
    if (w->h.length != w->len) {
        ike_emit_fault(&w->e, "malformed: the length is not the datagram's");
    } else if (ike_header_parse(&checked, w->msg, w->len) != IKE_OK) {
        /* A wrong length has been said above and would be said again here. */
        ike_emit_fault(&w->e, "malformed: SPIs, message id or flags do not go with the exchange");
    }
    ike_emit_close(&w->e);
    return true;
}

static void decrypt_v1(struct walk *w, const ike_trace_keys *k)
{
    const char *why = NULL;
    size_t n = 0;
    const size_t scratch = ike_trace_chains_scratch(w->d, &w->h, &why), size = scratch + w->len;
    if (scratch == 0) {
        ike_emit_note(&w->e, why);
        return;
    }
    uint8_t *block = w->d->mem.alloc ? w->d->mem.alloc(w->d->mem.user, size) : NULL;
    if (block == NULL) {
        w->result = IKE_ERR_NOMEM;
        ike_emit_note(&w->e, "not decrypted: no memory");
        return;
    }
    const int rc = ike_trace_chains_open(w->d, k, &w->h, w->msg, w->len, block, block + scratch, &n);
    if (rc == IKE_OK) {
        struct ike_rd r = ike_rd(block + scratch, n);
        ike_emit_open(&w->e, "decrypted");
        walk_chain(w, &r, w->h.next, true);
        /* Of any length and value: peers put whole blocks of it there. */
        ike_emit_hex(&w->e, "padding", ike_bytes_of(block + scratch + n, w->len - IKE_HEADER_LEN - n));
        ike_emit_close(&w->e);
    } else if (rc == IKE_ERR_PROTO) {
        ike_emit_fault(&w->e, "malformed: not in whole blocks");
    } else {
        w->result = IKE_ERR_CRYPTO;
        ike_emit_note(&w->e, "not decrypted: the key does not fit, or a message before this one is missing");
    }
    ike_wipe(block, size);
    w->d->mem.release(w->d->mem.user, block, size);
}

static void show_v1(struct walk *w, struct ike_rd *r)
{
    const ike_trace_keys *k = w->d->chains ? find_keys(w) : NULL;
    if (w->h.flags & V1_ENCRYPTED) {
        ike_emit_note(&w->e, k ? "encrypted" : "encrypted: no key for this cookie");
        ike_decode_hex(&w->e, r, "octets", SIZE_MAX);
        if (k) {
            decrypt_v1(w, k);
        }
        return;
    }
    /* Only of what there are keys for: nothing else need be remembered. */
    if (k && ike_trace_hear(w->d, w->msg, w->len) != IKE_OK) {
        w->result = IKE_ERR_NOMEM;
    }
    walk_chain(w, r, w->h.next, false);
}

/* A higher version's form is not known. */
static void show_body(struct walk *w)
{
    struct ike_rd r = ike_rd(w->msg + IKE_HEADER_LEN, w->len - IKE_HEADER_LEN);
    const unsigned major = w->h.version >> 4;
    if (major == 1) {
        show_v1(w, &r);
    } else if (major == 2) {
        walk_chain(w, &r, w->h.next, false);
    } else {
        ike_emit_fault(&w->e, "unknown version");
        ike_decode_hex(&w->e, &r, "octets", SIZE_MAX);
    }
}

/* The text is complete whatever comes back; what stopped decryption counts more than a fault of form. */
int ike_decode(const ike_decoder *d, const uint8_t *msg, size_t n, const ike_sink *sink)
{
    struct walk w = {.e = ike_emit(sink, d->json, d->indent), .d = d, .msg = msg, .len = n, .result = IKE_OK};
    ike_emit_open(&w.e, "IKE message");
    if (show_header(&w)) {
        show_body(&w);
    }
    ike_emit_close(&w.e);
    return w.result != IKE_OK ? w.result : w.e.malformed ? IKE_ERR_PROTO : IKE_OK;
}
