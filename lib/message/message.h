/* SPDX-License-Identifier: ISC
 *
 * The wire: header, payload chain, payload bodies (RFC 7296 section 3). Parsing never copies: views point into the
 * datagram, or into the buffer it was decrypted to. Everything is read through struct ike_rd.
 */
#ifndef IKE_MESSAGE_MESSAGE_H
#define IKE_MESSAGE_MESSAGE_H

#include "base/bytes.h"
#include <ike/exchange.h>

#define IKE_HEADER_LEN 28
#define IKE_PAYLOADS_MAX 100 /* in one message, inner ones counted */
#define IKE_NONCE_MIN 16
#define IKE_NONCE_MAX 256

enum ike_exchange_type { IKE_X_SA_INIT = 34, IKE_X_AUTH = 35, IKE_X_CREATE_CHILD_SA = 36, IKE_X_INFORMATIONAL = 37 };
enum ike_flag { IKE_FLAG_INITIATOR = 0x08, IKE_FLAG_VERSION = 0x10, IKE_FLAG_RESPONSE = 0x20 };
enum ike_payload_type {
    IKE_P_NONE = 0,
    IKE_P_SA = 33,
    IKE_P_KE = 34,
    IKE_P_IDI = 35,
    IKE_P_IDR = 36,
    IKE_P_CERT = 37,
    IKE_P_CERTREQ = 38,
    IKE_P_AUTH = 39,
    IKE_P_NONCE = 40,
    IKE_P_NOTIFY = 41,
    IKE_P_DELETE = 42,
    IKE_P_VENDOR = 43,
    IKE_P_TSI = 44,
    IKE_P_TSR = 45,
    IKE_P_SK = 46,
    IKE_P_CP = 47,
    IKE_P_EAP = 48,
    IKE_P_SKF = 53
};
enum ike_notify_type {
    IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD = 1,
    IKE_N_INVALID_IKE_SPI = 4,
    IKE_N_INVALID_MAJOR_VERSION = 5,
    IKE_N_INVALID_SYNTAX = 7,
    IKE_N_INVALID_MESSAGE_ID = 9,
    IKE_N_INVALID_SPI = 11,
    IKE_N_NO_PROPOSAL_CHOSEN = 14,
    IKE_N_INVALID_KE_PAYLOAD = 17,
    IKE_N_AUTHENTICATION_FAILED = 24,
    IKE_N_SINGLE_PAIR_REQUIRED = 34,
    IKE_N_NO_ADDITIONAL_SAS = 35,
    IKE_N_INTERNAL_ADDRESS_FAILURE = 36,
    IKE_N_FAILED_CP_REQUIRED = 37,
    IKE_N_TS_UNACCEPTABLE = 38,
    IKE_N_INVALID_SELECTORS = 39,
    IKE_N_TEMPORARY_FAILURE = 43,
    IKE_N_CHILD_SA_NOT_FOUND = 44,
    IKE_N_FIRST_STATUS = 16384,
    IKE_N_INITIAL_CONTACT = 16384,
    IKE_N_SET_WINDOW_SIZE = 16385,
    IKE_N_ADDITIONAL_TS_POSSIBLE = 16386,
    IKE_N_NAT_DETECTION_SOURCE_IP = 16388,
    IKE_N_NAT_DETECTION_DESTINATION_IP = 16389,
    IKE_N_COOKIE = 16390,
    IKE_N_IPCOMP_SUPPORTED = 16387,
    IKE_N_USE_TRANSPORT_MODE = 16391,
    IKE_N_REKEY_SA = 16393,
    IKE_N_ESP_TFC_PADDING_NOT_SUPPORTED = 16394,
    IKE_N_NON_FIRST_FRAGMENTS_ALSO = 16395
};

struct ike_header {
    uint64_t spi_i, spi_r;                  /* of the original initiator and responder, whoever sends this message */
    uint8_t next, version, exchange, flags; /* version: major in the high four bits */
    uint32_t mid, length;
};

struct ike_payload {
    const uint8_t *body; /* after the generic header */
    uint16_t len;        /* of the body */
    uint8_t type;
    bool critical;
    bool inner; /* came out of SK, or out of an encrypted message of version 1 */
};

struct ike_message {
    struct ike_header h;
    const uint8_t *data; /* the datagram as received */
    size_t len;          /* that of h.length */
    /* The SK payload, if there is one: offset of its generic header; its body is the rest of the datagram. */
    size_t sk_at; /* 0: none */
    uint8_t sk_next;
    uint16_t n; /* payloads in p, outer ones first */
    struct ike_payload p[IKE_PAYLOADS_MAX];
};

/* The header and all checks of it that need no state: length field = datagram length, SPIi != 0, major version not 0; version 1:
 * minor version and unknown flags 0; version 2: SPIr, message id 0 and flags of IKE_SA_INIT, SPIr != 0 otherwise, no exchange
 * type of version 1. A higher major version is IKE_OK, to be answered. IKE_OK or IKE_ERR_PROTO. */
int ike_header_parse(struct ike_header *h, const uint8_t *data, size_t n);
void ike_header_write(uint8_t out[IKE_HEADER_LEN], const struct ike_header *h);

/* Header, and the payload chain up to its end or to SK, which must be last (an SKF is kept as a payload and must be last as
 * well). IKE_ERR_PROTO on any fault of the header or the structure, which includes bodies shorter than their fixed part and
 * nonces of a forbidden length. IKEv1 messages in clear parse too (payload types as numbered there). The chain is empty and the
 * body is left alone when an IKEv1 message is encrypted or the major version is above 2. */
int ike_message_parse(struct ike_message *m, const uint8_t *data, size_t n);
/* Libreswan fills messages of version 1 up to whole words, those in clear too: whether what is left behind the chain is that. */
static inline bool ike_v1_fill(const struct ike_rd *rest) { return rest->left <= 3 && ike_is_zero(rest->p, rest->left); }
/* Append the chain of decrypted payloads in `inner` (first type m->sk_next), which must end exactly at its end. No SK inside. */
int ike_message_parse_inner(struct ike_message *m, const uint8_t *inner, size_t n);
/* The same for version 1, where padding may follow (first type m->h.next): *end is where the chain ends in `inner`. */
int ike_message_parse_padded(struct ike_message *m, const uint8_t *inner, size_t n, size_t *end);
/* Point all views at a copy of the same bytes: data was moved to data2, inner to inner2. */
void ike_message_rebase(struct ike_message *m, const uint8_t *data2, const uint8_t *inner, const uint8_t *inner2);

/* The i-th payload of a type (0 first), NULL if there are fewer. In a message with ciphertext only what was inside it counts. Of
 * notifies and deletes the first 50 are found, of vendor ids, certificates and requests the first 20. */
const struct ike_payload *ike_message_find(const struct ike_message *m, uint8_t type, unsigned i);

/* ---- Bodies ----------------------------------------------------------------------------------------------------------- */

struct ike_notify {
    uint8_t protocol, spi_len;
    uint16_t type;
    const uint8_t *spi;
    ike_bytes data;
};
/* IKE_ERR_PROTO when the SPI, or the data of a type whose length is fixed, does not fit: that notify is to be ignored. */
int ike_notify_parse(struct ike_notify *out, const struct ike_payload *p);
/* The first well-formed notify of a type; false if none. */
bool ike_message_notify(const struct ike_message *m, uint16_t type, struct ike_notify *out);
/* The first error notify (type < 16384); false if none. */
bool ike_message_error(const struct ike_message *m, struct ike_notify *out);

struct ike_delete {
    uint8_t protocol, spi_len;
    uint16_t count;
    const uint8_t *spis;
};
/* IKE_ERR_PROTO when count and size do not make up the body, or the SPI size is not the protocol's. Of an IKE SA count is 0. */
int ike_delete_parse(struct ike_delete *out, const struct ike_payload *p);
/* The value is a view into the payload and not empty; its length is not checked against the group. */
int ike_ke_parse(uint16_t *group, ike_bytes *value, const struct ike_payload *p);
/* `body` is the whole ID payload body: what enters the AUTH calculation. Checks the length for the type. */
int ike_id_payload_parse(ike_id *id, const struct ike_payload *p);
/* Any method; the value may be empty. */
int ike_auth_parse(uint8_t *method, ike_bytes *value, const struct ike_payload *p);
/* At most `cap` selectors; unknown selector types are skipped. *n is how many are written. IKE_ERR_PROTO on structure,
 * IKE_ERR_LIMIT when there are more than cap. */
int ike_ts_payload_parse(ike_ts *ts, size_t cap, size_t *n, const struct ike_payload *p);

/* ---- Building --------------------------------------------------------------------------------------------------------- */

/* A chain under construction. The writer holds payloads only, no header; `first` is the type of the first payload. */
struct ike_chain {
    struct ike_wr w;
    uint8_t first;
    size_t next_at; /* where the last payload's Next field is */
};
struct ike_chain ike_chain(void *buf, size_t cap);
/* Begin a payload; returns where, for ike_chain_end, which sets its length. */
size_t ike_chain_begin(struct ike_chain *c, uint8_t type);
void ike_chain_end(struct ike_chain *c, size_t at);
void ike_put_payload(struct ike_chain *c, uint8_t type, ike_bytes body);
void ike_put_notify(struct ike_chain *c, uint16_t type, ike_bytes data);
void ike_put_notify_spi(struct ike_chain *c, uint8_t protocol, uint32_t spi, uint16_t type, ike_bytes data);
void ike_put_delete_ike(struct ike_chain *c);
/* Between the two the SPIs, by ike_wr_u32. */
size_t ike_begin_delete(struct ike_chain *c, uint8_t protocol);
void ike_end_delete(struct ike_chain *c, size_t at);
void ike_put_delete_spis(struct ike_chain *c, uint8_t protocol, const uint32_t *spis, size_t n);
void ike_put_ke(struct ike_chain *c, uint16_t group, ike_bytes value);
void ike_put_id(struct ike_chain *c, uint8_t type, const ike_id *id);
void ike_put_auth(struct ike_chain *c, uint8_t method, ike_bytes value);
void ike_put_ts(struct ike_chain *c, uint8_t type, const ike_ts *ts, size_t n);

/* ---- Rules ------------------------------------------------------------------------------------------------------------ */

/* IKE_OK or IKE_ERR_PROTO; *type gets the payload type that breaks the rule. */
int ike_rules_check(const struct ike_message *m, const struct ike_payload_rule *rules, uint8_t *type);
/* The first payload of unknown type with the critical bit; NULL if none. */
const struct ike_payload *ike_message_critical(const struct ike_message *m);

#endif
