/* SPDX-License-Identifier: ISC
 *
 * ike/trace.h - looking at what went over the wire: captures, decoding of messages, and key tables.
 *
 * Stands beside the engine: nothing here needs one. Everything works on buffers the caller has; input may be hostile. Text
 * leaves by a callback in pieces.
 *
 *     ike_capture_open(&c, file, n);
 *     while (ike_capture_next(&c, &frame) == IKE_OK) {
 *         if (ike_frame_datagram(&frame, &d) == IKE_OK && ike_datagram_kind(&d, 500, 4500, &msg) == IKE_DATAGRAM_IKE) {
 *             ike_decode(&decoder, msg.ptr, msg.len, &sink);
 *         }
 *     }
 */
#ifndef IKE_TRACE_H
#define IKE_TRACE_H

#include <ike/crypto.h>
#include <ike/host.h>
#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Keys ------------------------------------------------------------------------------------------------------------- */

#define IKE_TRACE_KEY_MAX 72

/* The keys of one IKE SA, as a row of Wireshark's ikev2_decryption_table or ikev1_decryption_table has them. Of IKEv1 those are
 * spi_i, the initiator's cookie, and sk_ei, the key of both directions. Secret: wipe it after use. */
typedef struct ike_trace_keys {
    uint8_t version; /* of IKE: 1 or 2 */
    uint64_t spi_i, spi_r;
    uint16_t encr, encr_bits, integ; /* transform ids; integ 0: none (AEAD) */
    uint8_t unchecked_icv;           /* not 0: the ICV has so many octets and is not checked ("ANY n-bits") */
    uint8_t sk_e_len, sk_a_len;
    uint8_t sk_ei[IKE_TRACE_KEY_MAX], sk_er[IKE_TRACE_KEY_MAX]; /* with salt */
    uint8_t sk_ai[IKE_TRACE_KEY_MAX], sk_ar[IKE_TRACE_KEY_MAX];
} ike_trace_keys;

/* One line of such a table (n octets, with or without the line end). IKE_OK; IKE_ERR_NOT_FOUND: an empty line or a comment;
 * IKE_ERR_UNSUPPORTED: an algorithm name that is not known; IKE_ERR_INVALID: anything else. */
IKE_API int ike_trace_keys_parse(ike_trace_keys *out, const char *line, size_t n);

/* Write the row for a key log, without a line end, snprintf-like. Algorithms are spelt as Wireshark spells them; it has no
 * name for ChaCha20-Poly1305, so those rows are read by ike_trace_keys_parse only. 0: an algorithm without a name. */
IKE_API size_t ike_keylog_format(const ike_keylog *k, char *out, size_t n);
#define IKE_KEYLOG_MAX 800 /* room that is always enough */

/* ---- Decoding --------------------------------------------------------------------------------------------------------- */

typedef struct ike_sink {
    void (*put)(void *user, const char *text, size_t n);
    void *user;
} ike_sink;

/* What messages of IKEv1 have to do with each other: the IV of one is taken from an earlier one (RFC 2409 appendix B). For one
 * capture, whose messages are decoded in their order. Of SAs the 256 newest are remembered. */
typedef struct ike_trace_chains ike_trace_chains;
/* NULL: no memory. *mem is copied. */
IKE_API ike_trace_chains *ike_trace_chains_new(const ike_allocator *mem);
IKE_API void ike_trace_chains_free(ike_trace_chains *c); /* NULL is allowed */

typedef struct ike_decoder {
    uint32_t size;
    const ike_trace_keys *keys; /* rows to look SPIs up in */
    size_t n_keys;
    const ike_crypto *const *crypto; /* NULL-ended list; the first that has an algorithm serves. NULL: decrypt nothing */
    ike_allocator mem; /* for one block per encrypted message, 16-aligned; wiped and released before ike_decode returns */
    bool json;         /* one JSON value without a line end instead of indented lines */
    uint8_t indent;    /* levels the text begins with */
    ike_trace_chains *chains; /* NULL: nothing of IKEv1 is decrypted */
} ike_decoder;

/* No keys, no crypto, no chains, plain text. */
IKE_API void ike_decoder_init(ike_decoder *d);

/* Every field of the header and of every payload, and each payload's octets, of an IKEv1 or IKEv2 message without non-ESP
 * marker. What is malformed is said where it is found and shown as octets; what could not be decrypted says why.
 * IKE_OK; IKE_ERR_PROTO: malformed somewhere; IKE_ERR_CRYPTO: a row of keys matched and did not open it; IKE_ERR_NOMEM. In
 * each case the text is complete.
 *
 * JSON: a node is {"name": "...", "text": "...", "items": [...]} (text: of a payload, its type's name), a field is
 * {"name": "...", "value": number, "text": "..."} (text: the number's name or a string field's value; each may be missing) or
 * {"name": "...", "hex": "..."}, a remark {"note": "..."}. */
IKE_API int ike_decode(const ike_decoder *d, const uint8_t *msg, size_t n, const ike_sink *sink);

/* ---- Captures --------------------------------------------------------------------------------------------------------- */

/* A pcap or pcapng file in memory, of either byte order. The octets stay the caller's. Fields are private. Of a
 * pcapng section's interfaces the first 64 are known; frames of others come with the link type IKE_LINK_UNKNOWN. */
#define IKE_CAPTURE_INTERFACES 64
#define IKE_LINK_UNKNOWN       0xffff
typedef struct ike_capture {
    const uint8_t *p;
    size_t left;
    uint64_t frames;
    bool ng, swapped, nano;
    uint32_t n_interfaces;
    struct {
        uint16_t link;
        uint8_t resolution; /* as if_tsresol */
        uint32_t snap;
    } interfaces[IKE_CAPTURE_INTERFACES];
} ike_capture;

typedef struct ike_frame {
    uint64_t number;  /* from 1, as other programs count */
    uint64_t seconds; /* since 1970 */
    uint32_t nanoseconds;
    uint16_t link; /* LINKTYPE_ value */
    const uint8_t *data;
    size_t len, original_len; /* captured, and on the wire */
} ike_frame;

/* IKE_OK, or IKE_ERR_INVALID: not a capture file. */
IKE_API int ike_capture_open(ike_capture *c, const uint8_t *data, size_t n);
/* IKE_OK; IKE_ERR_NOT_FOUND: the end; IKE_ERR_PROTO: the file is damaged from here on. */
IKE_API int ike_capture_next(ike_capture *c, ike_frame *f);

typedef struct ike_datagram {
    ike_addr src, dst;
    ike_bytes data; /* UDP payload */
} ike_datagram;

/* The UDP datagram in a frame: Ethernet with VLAN tags, Linux cooked v1 and v2, null and loopback, raw IP.
 * IKE_OK; IKE_ERR_NOT_FOUND: something else than UDP; IKE_ERR_UNSUPPORTED: link type; IKE_ERR_LIMIT: an IP fragment, or cut
 * off by the capture (src and dst are set; fragments are not reassembled); IKE_ERR_PROTO: malformed. */
IKE_API int ike_frame_datagram(const ike_frame *f, ike_datagram *out);

typedef enum ike_datagram_type {
    IKE_DATAGRAM_OTHER,
    IKE_DATAGRAM_IKE,
    IKE_DATAGRAM_ESP,
    IKE_DATAGRAM_KEEPALIVE
} ike_datagram_type;
/* By ports (either end): on encap_port IKE comes behind the non-ESP marker. *message is the IKE message or ESP packet. */
IKE_API ike_datagram_type ike_datagram_kind(const ike_datagram *d, uint16_t port, uint16_t encap_port, ike_bytes *message);

#ifdef __cplusplus
}
#endif
#endif
