/* SPDX-License-Identifier: ISC
 *
 * Text forms of identities. Whatever octets a peer sends, the text is printable, and ike_id_parse() gives the same identity
 * back: what could be taken for another kind gets a prefix, what is not printable is escaped.
 */
#include "base/bytes.h"
#include "base/text.h"

/* Kinds whose text is always prefix and hex. Types without a row are "type<number>:<hex>". */
static const struct {
    uint8_t type;
    const char *prefix;
} hex_kinds[] = {{IKE_ID_KEY_ID, "keyid:"}, {IKE_ID_DER_ASN1_DN, "asn1dn:"}, {IKE_ID_DER_ASN1_GN, "asn1gn:"}};

static const char email_prefix[] = "email:", type_prefix[] = "type";

/* memchr may not be called with NULL, which an empty identity may have. */
static bool has(ike_bytes b, char c) { return b.len && memchr(b.ptr, c, b.len) != NULL; }

/* "C=CH, O=Example": what looks like a distinguished name is nothing else without a prefix. */
static bool like_dn(ike_bytes b) { return has(b, '=') || has(b, ','); }

/* Whether a bare FQDN would be read back as something else: an address, a mail address, a prefixed form, "%any", or not at
 * all. */
static bool fqdn_needs_mark(ike_bytes b)
{
    char text[16]; /* the longest dotted quad */
    ike_addr a;
    if (b.len == 0 || has(b, '@') || has(b, ':') || b.ptr[0] == '%' || like_dn(b)) {
        return true;
    }
    if (b.len >= sizeof(text)) {
        return false;
    }
    memcpy(text, b.ptr, b.len);
    text[b.len] = 0;
    return ike_addr_parse(&a, text) == IKE_OK;
}

/* A mail address that speaks for itself: "user@host", no prefix in front. With a colon it could be read as a prefixed form. */
static bool email_is_plain(ike_bytes b)
{
    return has(b, '@') && b.ptr[0] != '@' && b.ptr[0] != '%' && !has(b, ':') && !like_dn(b);
}

/* The form for what has no readable text of its own. */
static void put_hex_kind(struct ike_text *t, const ike_id *id)
{
    for (size_t i = 0; i < IKE_COUNT(hex_kinds); i++) {
        if (hex_kinds[i].type == id->type) {
            ike_text_str(t, hex_kinds[i].prefix);
            /* Key ids are mostly text that people know; as hex nobody would recognise them. */
            if (id->type == IKE_ID_KEY_ID && id->data.len && ike_printable(id->data)) {
                ike_text_char(t, '@');
                ike_text_escaped(t, id->data);
                return;
            }
            ike_text_hex(t, id->data);
            return;
        }
    }
    ike_text_str(t, type_prefix);
    ike_text_uint(t, id->type);
    ike_text_char(t, ':');
    ike_text_hex(t, id->data);
}

/* A type whose octets do not have its form falls through to "type<number>:<hex>", which holds any. */
size_t ike_id_format(const ike_id *id, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    ike_addr a = {0};
    switch (id->type) {
    case IKE_ID_NONE:
        ike_text_str(&t, "%any");
        return t.len;
    /* An ID_NULL with octets is malformed; what is shown must not hide them. */
    case IKE_ID_NULL:
        if (id->data.len == 0) {
            ike_text_str(&t, "%null");
            return t.len;
        }
        break;
    case IKE_ID_IPV4_ADDR:
    case IKE_ID_IPV6_ADDR:
        a.family = id->type == IKE_ID_IPV4_ADDR ? 4 : 6;
        if (id->data.len == (a.family == 4 ? 4 : 16)) {
            memcpy(a.ip, id->data.ptr, id->data.len);
            return ike_addr_format(&a, false, out, n);
        }
        break;
    case IKE_ID_FQDN:
        ike_text_str(&t, fqdn_needs_mark(id->data) ? "@" : "");
        ike_text_escaped(&t, id->data);
        return t.len;
    case IKE_ID_RFC822_ADDR:
        ike_text_str(&t, email_is_plain(id->data) ? "" : email_prefix);
        ike_text_escaped(&t, id->data);
        return t.len;
    default:
        break;
    }
    put_hex_kind(&t, id);
    return t.len;
}

/* Text with \xNN read back; any other backslash stands for itself. */
static int take_text(const char *s, struct ike_wr *w)
{
    while (*s) {
        if (s[0] == '\\' && s[1] == 'x' && ike_hex_digit(s[2]) >= 0 && ike_hex_digit(s[3]) >= 0) {
            ike_wr_u8(w, (uint8_t)(ike_hex_digit(s[2]) << 4 | ike_hex_digit(s[3])));
            s += 4;
        } else {
            ike_wr_u8(w, (uint8_t)*s++);
        }
    }
    return IKE_OK;
}

/* An odd digit at the end is refused like any other that is not one. */
static int take_hex(const char *s, struct ike_wr *w)
{
    for (; *s; s += 2) {
        int hi = ike_hex_digit(s[0]), lo = hi < 0 ? -1 : ike_hex_digit(s[1]);
        if (lo < 0) {
            return IKE_ERR_INVALID;
        }
        ike_wr_u8(w, (uint8_t)(hi << 4 | lo));
    }
    return IKE_OK;
}

/* "type<number>:<hex>" with a number of at most three digits; false if it is not that. */
static bool take_type(const char *s, ike_id *id, const char **rest)
{
    unsigned v = 0, n = 0;
    if (strncmp(s, type_prefix, sizeof(type_prefix) - 1) != 0) {
        return false;
    }
    for (s += sizeof(type_prefix) - 1; *s >= '0' && *s <= '9' && n < 3; s++, n++) {
        v = v * 10 + (unsigned)(*s - '0');
    }
    if (n == 0 || v > UINT8_MAX || *s != ':') {
        return false;
    }
    id->type = (uint8_t)v;
    *rest = s + 1;
    return true;
}

/* '%' begins nothing else, so a mistyped word does not become a name. */
static int take_special(ike_id *id, const char *text)
{
    if (strcmp(text, "%any") == 0) {
        id->type = IKE_ID_NONE;
        return IKE_OK;
    }
    if (strcmp(text, "%null") == 0) {
        id->type = IKE_ID_NULL;
        return IKE_OK;
    }
    return IKE_ERR_INVALID;
}

/* The order matters: what has a prefix first, then what its characters give away, and a name for what is left. ike_id_format
 * marks whatever this order would take for something else. */
static int take_id(ike_id *id, const char *text, struct ike_wr *w)
{
    ike_addr a;
    const char *rest;
    if (text[0] == '%') {
        return take_special(id, text);
    }
    for (size_t i = 0; i < IKE_COUNT(hex_kinds); i++) {
        size_t n = strlen(hex_kinds[i].prefix);
        if (strncmp(text, hex_kinds[i].prefix, n) == 0) {
            id->type = hex_kinds[i].type;
            bool plain = id->type == IKE_ID_KEY_ID && text[n] == '@';
            return plain ? take_text(text + n + 1, w) : take_hex(text + n, w);
        }
    }
    if (take_type(text, id, &rest)) {
        return take_hex(rest, w);
    }
    if (strncmp(text, email_prefix, sizeof(email_prefix) - 1) == 0) {
        id->type = IKE_ID_RFC822_ADDR;
        return take_text(text + sizeof(email_prefix) - 1, w);
    }
    if (text[0] == '@') {
        id->type = IKE_ID_FQDN;
        return take_text(text + 1, w);
    }
    /* Silently a name or a mail address, it would be one that no peer has. */
    if (like_dn(ike_bytes_of(text, strlen(text)))) {
        return IKE_ERR_INVALID;
    }
    if (strchr(text, '@')) {
        id->type = IKE_ID_RFC822_ADDR;
        return take_text(text, w);
    }
    if (ike_addr_parse(&a, text) == IKE_OK && text[0] != '[') {
        if (a.scope || (a.family == 4 && strchr(text, ':'))) {
            return IKE_ERR_INVALID; /* an identity has neither zone nor port */
        }
        id->type = a.family == 4 ? IKE_ID_IPV4_ADDR : IKE_ID_IPV6_ADDR;
        ike_wr_put(w, a.ip, a.family == 4 ? 4 : 16);
        return IKE_OK;
    }
    /* A colon is in no name: it would be a prefix that is not known. */
    id->type = IKE_ID_FQDN;
    return text[0] && !strchr(text, ':') ? take_text(text, w) : IKE_ERR_INVALID;
}

/* *id is written only when all is well; its octets lie in the caller's buffer. */
int ike_id_parse(ike_id *id, const char *text, uint8_t *buf, size_t n)
{
    ike_id r = {0};
    struct ike_wr w = ike_wr(buf, n);
    int rc = take_id(&r, text, &w);
    if (rc != IKE_OK) {
        return rc;
    }
    /* After the syntax: too small a buffer says nothing about the text. */
    if (w.bad) {
        return IKE_ERR_BUFFER;
    }
    r.data = ike_bytes_of(buf, w.len);
    *id = r;
    return IKE_OK;
}
