/* SPDX-License-Identifier: ISC
 *
 * A tree of named nodes and fields, written as it is walked: as indented lines, or as JSON. The decoders say what there is;
 * how it looks is here.
 */
#ifndef IKE_TRACE_EMIT_H
#define IKE_TRACE_EMIT_H

#include "base/bytes.h"
#include <ike/trace.h>

struct ike_emit {
    const ike_sink *sink;
    bool json;
    uint8_t indent; /* where text begins */
    uint8_t depth;
    bool first;     /* JSON: nothing stands in the innermost list yet */
    bool malformed; /* a fault was reported */
};

struct ike_emit ike_emit(const ike_sink *sink, bool json, uint8_t indent);
/* Names are the decoder's own words, never a peer's octets. */
void ike_emit_open(struct ike_emit *e, const char *name);
/* The same with a word that says which: "payload KE". NULL: none. */
void ike_emit_open_as(struct ike_emit *e, const char *name, const char *kind);
void ike_emit_close(struct ike_emit *e);
/* meaning: the number's name, NULL if it has none. */
void ike_emit_uint(struct ike_emit *e, const char *name, uint64_t v, const char *meaning);
void ike_emit_hex(struct ike_emit *e, const char *name, ike_bytes b);
/* Octets of a peer that should be text. */
void ike_emit_text(struct ike_emit *e, const char *name, ike_bytes b);
void ike_emit_str(struct ike_emit *e, const char *name, const char *value);
void ike_emit_addr(struct ike_emit *e, const char *name, uint8_t family, const uint8_t *ip);
/* A remark; a fault also makes the result IKE_ERR_PROTO. */
void ike_emit_note(struct ike_emit *e, const char *what);
void ike_emit_fault(struct ike_emit *e, const char *what);

#endif
