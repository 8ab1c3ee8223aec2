/* SPDX-License-Identifier: ISC
 *
 * vici_msg.h - the VICI encoding: packets and the tree of sections, keys and lists in them. Used by the daemon and by
 * ikelibctl.
 *
 *   frame    32-bit length in network order, then that many octets: one packet
 *   packet   type; for named types 8-bit length and name; the rest is the message
 *   message  elements: type, for named ones 8-bit length and name, for those with a value 16-bit length and octets
 */
#ifndef IKELIBD_VICI_MSG_H
#define IKELIBD_VICI_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VICI_FRAME_MAX (512u * 1024u) /* octets behind the length */
#define VICI_DEPTH_MAX 32             /* of nested sections we read */

enum vici_packet_type {
    VICI_CMD_REQUEST = 0,
    VICI_CMD_RESPONSE = 1,
    VICI_CMD_UNKNOWN = 2,
    VICI_EVENT_REGISTER = 3,
    VICI_EVENT_UNREGISTER = 4,
    VICI_EVENT_CONFIRM = 5,
    VICI_EVENT_UNKNOWN = 6,
    VICI_EVENT = 7
};

enum vici_element_type {
    VICI_END = 0, /* of the message; not on the wire */
    VICI_SECTION_START = 1,
    VICI_SECTION_END = 2,
    VICI_KEY_VALUE = 3,
    VICI_LIST_START = 4,
    VICI_LIST_ITEM = 5,
    VICI_LIST_END = 6
};

/* ---- Writing ---------------------------------------------------------------------------------------------------------- */

/* Grows as needed. Once something did not fit (memory, a length field, VICI_FRAME_MAX) it stays bad, and vici_finish() says
 * so. */
struct vici_buf {
    uint8_t *p;
    size_t len, cap;
    bool bad;
};

void vici_buf_free(struct vici_buf *b);
/* Begin a frame, forgetting what was there. name: NULL for packets without one. */
void vici_begin(struct vici_buf *b, enum vici_packet_type type, const char *name);
void vici_section(struct vici_buf *b, const char *name);
void vici_section_end(struct vici_buf *b);
void vici_put(struct vici_buf *b, const char *key, const char *value);
void vici_putf(struct vici_buf *b, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void vici_list(struct vici_buf *b, const char *name);
void vici_item(struct vici_buf *b, const char *value);
void vici_list_end(struct vici_buf *b);
/* Set the length. false: the frame is not to be sent. */
bool vici_finish(struct vici_buf *b);

/* ---- Reading ---------------------------------------------------------------------------------------------------------- */

struct vici_text { /* of the wire: no NUL at its end */
    const char *p;
    size_t n;
};

struct vici_packet {
    enum vici_packet_type type;
    struct vici_text name;
    struct vici_text message;
};
/* What is behind the length of a frame. false: not a packet. */
bool vici_parse_packet(const uint8_t *p, size_t n, struct vici_packet *out);

struct vici_reader {
    const uint8_t *p;
    size_t left;
    unsigned depth;
    bool in_list;
};
struct vici_element {
    enum vici_element_type type;
    struct vici_text name, value;
};
struct vici_reader vici_reader(struct vici_text message);
/* The next element; type VICI_END at the end. false: malformed (sections and lists must be balanced, lists hold items only).
 */
bool vici_next(struct vici_reader *r, struct vici_element *e);
/* Whether a whole message is well-formed. */
bool vici_valid(struct vici_text message);
/* A key of the outermost section; false if it is not there. The first one counts. */
bool vici_get(struct vici_text message, const char *key, struct vici_text *value);
/* The same, copied with a NUL at its end; false if it is not there, too long, or holds a NUL. */
bool vici_get_str(struct vici_text message, const char *key, char *out, size_t n);

bool vici_text_is(struct vici_text t, const char *s);

#endif
