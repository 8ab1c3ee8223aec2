/* SPDX-License-Identifier: ISC
 *
 * The wire of version 1 (RFC 2408 section 3, RFC 2407 sections 4.5 and 4.6, RFC 2409 appendix B, RFC 3706, RFC 3947): numbers,
 * payload bodies, encrypted messages. Header and chain are those of message.h.
 */
#ifndef IKE_MESSAGE_V1_H
#define IKE_MESSAGE_V1_H

#include "message/message.h"
#include <ike/crypto.h>

#define IKE_V1_NONCE_MIN 8

enum ike_v1_payload_type {
    IKE_P1_SA = 1,
    IKE_P1_PROPOSAL = 2,
    IKE_P1_TRANSFORM = 3,
    IKE_P1_KE = 4,
    IKE_P1_ID = 5,
    IKE_P1_CERT = 6,
    IKE_P1_CR = 7,
    IKE_P1_HASH = 8,
    IKE_P1_SIG = 9,
    IKE_P1_NONCE = 10,
    IKE_P1_NOTIFY = 11,
    IKE_P1_DELETE = 12,
    IKE_P1_VENDOR = 13,
    IKE_P1_ATTR = 14,
    IKE_P1_NAT_D = 20,
    IKE_P1_NAT_OA = 21,
    IKE_P1_NAT_D_DRAFT = 130,
    IKE_P1_NAT_OA_DRAFT = 131,
    IKE_P1_FRAG = 132
};
enum ike_v1_exchange_type {
    IKE_X1_BASE = 1,
    IKE_X1_MAIN = 2, /* Identity Protection */
    IKE_X1_AUTH_ONLY = 3,
    IKE_X1_AGGRESSIVE = 4,
    IKE_X1_INFORMATIONAL = 5,
    IKE_X1_TRANSACTION = 6,
    IKE_X1_QUICK = 32,
    IKE_X1_NEW_GROUP = 33
};
enum ike_v1_flag { IKE_FLAG1_ENCRYPTED = 0x01, IKE_FLAG1_COMMIT = 0x02, IKE_FLAG1_AUTH_ONLY = 0x04, IKE_FLAG1_ALL = 0x07 };
enum { IKE_V1_VERSION = 0x10, IKE_V1_DOI_ISAKMP = 0, IKE_V1_DOI_IPSEC = 1, IKE_V1_SIT_IDENTITY_ONLY = 1 };
enum ike_v1_protocol { IKE_PROTO1_ISAKMP = 1, IKE_PROTO1_AH = 2, IKE_PROTO1_ESP = 3, IKE_PROTO1_IPCOMP = 4 };
/* ID types that only version 1 has; the others are ike_id's. */
enum ike_v1_id_type {
    IKE_ID1_IPV4_ADDR_SUBNET = 4,
    IKE_ID1_IPV6_ADDR_SUBNET = 6,
    IKE_ID1_IPV4_ADDR_RANGE = 7,
    IKE_ID1_IPV6_ADDR_RANGE = 8
};
enum ike_v1_notify_type {
    IKE_N1_INVALID_PAYLOAD_TYPE = 1,
    IKE_N1_DOI_NOT_SUPPORTED = 2,
    IKE_N1_SITUATION_NOT_SUPPORTED = 3,
    IKE_N1_INVALID_COOKIE = 4,
    IKE_N1_INVALID_MAJOR_VERSION = 5,
    IKE_N1_INVALID_MINOR_VERSION = 6,
    IKE_N1_INVALID_EXCHANGE_TYPE = 7,
    IKE_N1_INVALID_FLAGS = 8,
    IKE_N1_INVALID_MESSAGE_ID = 9,
    IKE_N1_INVALID_PROTOCOL_ID = 10,
    IKE_N1_INVALID_SPI = 11,
    IKE_N1_INVALID_TRANSFORM_ID = 12,
    IKE_N1_ATTRIBUTES_NOT_SUPPORTED = 13,
    IKE_N1_NO_PROPOSAL_CHOSEN = 14,
    IKE_N1_BAD_PROPOSAL_SYNTAX = 15,
    IKE_N1_PAYLOAD_MALFORMED = 16,
    IKE_N1_INVALID_KEY_INFORMATION = 17,
    IKE_N1_INVALID_ID_INFORMATION = 18,
    IKE_N1_INVALID_CERT_ENCODING = 19,
    IKE_N1_INVALID_CERTIFICATE = 20,
    IKE_N1_CERT_TYPE_UNSUPPORTED = 21,
    IKE_N1_INVALID_CERT_AUTHORITY = 22,
    IKE_N1_INVALID_HASH_INFORMATION = 23,
    IKE_N1_AUTHENTICATION_FAILED = 24,
    IKE_N1_INVALID_SIGNATURE = 25,
    IKE_N1_ADDRESS_NOTIFICATION = 26,
    IKE_N1_NOTIFY_SA_LIFETIME = 27,
    IKE_N1_CERTIFICATE_UNAVAILABLE = 28,
    IKE_N1_UNSUPPORTED_EXCHANGE_TYPE = 29,
    IKE_N1_UNEQUAL_PAYLOAD_LENGTHS = 30,
    IKE_N1_FIRST_STATUS = 16384,
    IKE_N1_CONNECTED = 16384,
    IKE_N1_RESPONDER_LIFETIME = 24576,
    IKE_N1_REPLAY_STATUS = 24577,
    IKE_N1_INITIAL_CONTACT = 24578,
    IKE_N1_R_U_THERE = 36136,
    IKE_N1_R_U_THERE_ACK = 36137
};
/* Mode-Config: what an ATTR payload is. */
enum ike_v1_config_type { IKE_CFG1_REQUEST = 1, IKE_CFG1_REPLY = 2, IKE_CFG1_SET = 3, IKE_CFG1_ACK = 4 };
/* Its attributes: of Mode-Config, and of XAUTH (draft-beaulieu-ike-xauth-02 section 6.1), which rides in the same payload. */
enum ike_v1_config_attr {
    IKE_CFG1_IP4_ADDRESS = 1,
    IKE_CFG1_IP4_NETMASK = 2,
    IKE_CFG1_IP4_DNS = 3,
    IKE_CFG1_IP4_NBNS = 4,
    IKE_CFG1_APPLICATION_VERSION = 7,
    IKE_CFG1_IP6_ADDRESS = 8, /* 16 octets, where version 2 has a prefix length besides */
    IKE_CFG1_IP6_DNS = 10,
    IKE_CFG1_IP4_SUBNET = 13,
    IKE_XAUTH_TYPE = 16520,
    IKE_XAUTH_USER_NAME = 16521,
    IKE_XAUTH_USER_PASSWORD = 16522,
    IKE_XAUTH_PASSCODE = 16523,
    IKE_XAUTH_MESSAGE = 16524,
    IKE_XAUTH_CHALLENGE = 16525,
    IKE_XAUTH_DOMAIN = 16526,
    IKE_XAUTH_STATUS = 16527,
    IKE_XAUTH_NEXT_PIN = 16528,
    IKE_XAUTH_ANSWER = 16529
};

/* ---- Bodies. Views into the payload ------------------------------------------------------------------------------------ */

struct ike_v1_notify {
    uint32_t doi;
    uint8_t protocol, spi_len; /* at most 16 */
    uint16_t type;
    const uint8_t *spi;
    ike_bytes data;
};
/* IKE_ERR_PROTO when the SPI, or the data of a type whose length is fixed, does not fit: that notify is to be ignored. */
int ike_v1_notify_parse(struct ike_v1_notify *out, const struct ike_payload *p);

struct ike_v1_delete {
    uint32_t doi;
    uint8_t protocol, spi_len; /* 16 for ISAKMP, 4 for AH and ESP, 2 or 4 for IPCOMP */
    uint16_t count;
    const uint8_t *spis;
};
/* IKE_ERR_PROTO when count and size do not make up the body, or the SPI size is not the protocol's. */
int ike_v1_delete_parse(struct ike_v1_delete *out, const struct ike_payload *p);

struct ike_v1_id {
    ike_id id; /* of version 1's types: subnets and ranges have two addresses, lowest first or address and mask */
    uint8_t protocol;
    uint16_t port;
};
/* The data has the length of its type; a range does not end before it begins, a mask has no holes. */
int ike_v1_id_parse(struct ike_v1_id *out, const struct ike_payload *p);

/* Data attributes (RFC 2408 section 3.3), as in transforms, RESPONDER-LIFETIME and ATTR. */
struct ike_v1_attr {
    uint16_t type;   /* without the format bit */
    bool tv;         /* two octets in place of a length */
    ike_bytes value; /* of a TV: the two octets */
};
/* The next attribute of r; false at the end, and when there is no whole one, which leaves r->bad. */
bool ike_v1_attr_next(struct ike_rd *r, struct ike_v1_attr *a);
/* The value as a number, written as TV or TLV; false if it is empty or does not fit. */
bool ike_v1_attr_uint(const struct ike_v1_attr *a, uint64_t *v);

struct ike_v1_config {
    uint8_t type; /* ike_v1_config_type */
    uint16_t identifier;
    ike_bytes attrs; /* whole attributes only */
};
int ike_v1_config_parse(struct ike_v1_config *out, const struct ike_payload *p);
/* The first attribute of a type; false: there is none. */
bool ike_v1_config_find(const struct ike_v1_config *c, uint16_t type, struct ike_v1_attr *a);

/* ---- Building. KE, NONCE, SIG, VENDOR, NAT-D and a HASH that is known already are an ike_put_payload() ------------------- */

/* A HASH that covers what comes behind it: its octets go to c->w.p + the offset that is returned, unless c->w.bad. */
size_t ike_v1_reserve_hash(struct ike_chain *c, size_t len);
/* What the HASH of a message covers: from behind the HASH payload to `end` of what ike_v1_open decrypted to plain. */
static inline ike_bytes ike_v1_behind(const struct ike_payload *hash, const uint8_t *plain, size_t end)
{
    return ike_bytes_of(hash->body + hash->len, (size_t)(plain + end - (hash->body + hash->len)));
}
void ike_v1_put_id(struct ike_chain *c, const struct ike_v1_id *id);
/* With the IPsec DOI. The SPI of an ISAKMP SA are its cookies, see ike_v1_cookies. */
void ike_v1_put_notify(struct ike_chain *c, uint8_t protocol, ike_bytes spi, uint16_t type, ike_bytes data);
/* Deletes of SAs on which the sender receives, and of an ISAKMP SA. */
void ike_v1_put_delete_spis(struct ike_chain *c, uint8_t protocol, const uint32_t *spis, size_t n);
void ike_v1_put_delete_isakmp(struct ike_chain *c, uint64_t cky_i, uint64_t cky_r);
/* The cookies as an SPI; returns a view of out. */
ike_bytes ike_v1_cookies(uint8_t out[16], uint64_t cky_i, uint64_t cky_r);
/* NAT-OA: an address (family 4 or 6) in a payload of the type given. */
void ike_v1_put_nat_oa(struct ike_chain *c, uint8_t payload, uint8_t family, const uint8_t *addr);
/* An ATTR payload without its attributes; returns what ike_chain_end wants. */
size_t ike_v1_begin_config(struct ike_chain *c, uint8_t type, uint16_t identifier);
/* Attributes. A number goes as TV where two octets do, else as TLV of four or eight. */
void ike_v1_put_attr(struct ike_wr *w, uint16_t type, ike_bytes value);
void ike_v1_put_attr_uint(struct ike_wr *w, uint16_t type, uint64_t v);

/* ---- Encrypted messages -------------------------------------------------------------------------------------------------- */

/* The cipher and its key, borrowed: one key serves both directions. A block cipher in CBC mode. */
struct ike_v1_seal {
    const ike_encr *encr;
    ike_bytes key;
};
/* Write header (E set, first payload and length filled in) and the chain to out, padded with zeros to whole blocks and
 * encrypted. The chain may lie behind out's header already. iv: in the message's, out the last ciphertext block, one block long;
 * unchanged on error. ctx: encr->ctx_size octets, wiped. IKE_ERR_BUFFER: the chain did not fit its buffer or does not fit out. */
int ike_v1_seal(const struct ike_v1_seal *k, const struct ike_header *h, const struct ike_chain *chain, uint8_t *iv, void *ctx,
                uint8_t *out, size_t cap, size_t *len);
/* Decrypt m, whose header is parsed and has E set, to plain (cap >= m->len - 28) and append its payloads, which are `inner`. The
 * chain ends with the payload whose Next is 0, at *end; what follows is padding of any length and value. next_iv gets the last
 * ciphertext block: to be kept only when the message has proved good, since nothing is authentic yet. iv and next_iv may be the
 * same. IKE_ERR_PROTO: not in whole blocks, or a malformed chain, as after a wrong key; then m is as before. */
int ike_v1_open(const struct ike_v1_seal *k, struct ike_message *m, const uint8_t *iv, void *ctx, uint8_t *plain, size_t cap,
                uint8_t *next_iv, size_t *end);

#endif
