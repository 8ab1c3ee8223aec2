/* SPDX-License-Identifier: ISC
 *
 * Between the decoders of one message.
 */
#ifndef IKE_TRACE_DECODE_H
#define IKE_TRACE_DECODE_H

#include "message/message.h"
#include "message/names.h"
#include "trace/emit.h"

/* One payload's body, its generic header already shown. */
void ike_decode_v1_payload(struct ike_emit *e, uint8_t type, ike_bytes body);
void ike_decode_v2_payload(struct ike_emit *e, uint8_t type, ike_bytes body);

/* What remains, if anything: shown and reported as a fault. */
void ike_decode_rest(struct ike_emit *e, struct ike_rd *r);

/* Shorthands: read a number, show it, return it. Past the end it says so, once. */
uint8_t ike_decode_u8(struct ike_emit *e, struct ike_rd *r, const char *name);
uint16_t ike_decode_u16(struct ike_emit *e, struct ike_rd *r, const char *name);
uint32_t ike_decode_u32(struct ike_emit *e, struct ike_rd *r, const char *name);
/* The same with the value's name from a registry; `high` is or-ed to the value for the look-up. */
uint8_t ike_decode_named8(struct ike_emit *e, struct ike_rd *r, const char *name, enum ike_registry reg, uint16_t high);
uint16_t ike_decode_named16(struct ike_emit *e, struct ike_rd *r, const char *name, enum ike_registry reg);
/* What follows the first octet of a header inside an SA payload: reserved, length. The body; bad if the length makes no sense. */
struct ike_rd ike_decode_body(struct ike_emit *e, struct ike_rd *r);
/* n octets as hex (all that is left when n is SIZE_MAX). */
ike_bytes ike_decode_hex(struct ike_emit *e, struct ike_rd *r, const char *name, size_t n);

/* Open an SK payload whose generic header is at sk_at. *n octets of inner chain at the start of out, which holds len octets;
 * the ones behind are padding. scratch as ike_trace_open_scratch says, 16-aligned. IKE_ERR_UNSUPPORTED: no such cipher. */
int ike_trace_open(const ike_decoder *d, const ike_trace_keys *k, const uint8_t *msg, size_t len, size_t sk_at, void *scratch,
                   uint8_t *out, size_t *n);
size_t ike_trace_open_scratch(const ike_decoder *d, const ike_trace_keys *k);
/* Version 1. Hear a message in clear, for what it says of the IVs of its SA; d->chains is there. IKE_OK or IKE_ERR_NOMEM. */
int ike_trace_hear(const ike_decoder *d, const uint8_t *msg, size_t len);
/* The scratch for opening a message, 16-aligned. 0: *why says why it cannot be opened. */
size_t ike_trace_chains_scratch(const ike_decoder *d, const struct ike_header *h, const char **why);
/* Open one, which takes it into its chain: *n octets of payloads at the start of out, which holds len octets; up to len - 28
 * padding follows. IKE_ERR_PROTO: not in whole blocks. IKE_ERR_CRYPTO: the key opens it with no IV that there could be. */
int ike_trace_chains_open(const ike_decoder *d, const ike_trace_keys *k, const struct ike_header *h, const uint8_t *msg,
                          size_t len, void *scratch, uint8_t *out, size_t *n);
/* How long IV and ICV are with these keys; false if the cipher is not there. */
bool ike_trace_lengths(const ike_decoder *d, const ike_trace_keys *k, size_t *iv, size_t *icv);

#endif
