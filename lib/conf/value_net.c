/* SPDX-License-Identifier: ISC
 *
 * Values of networking: addresses, names, identities, selectors, proposals, and the pre-shared key.
 */
#include "conf/conf.h"

typedef struct ike_conf_key key;
typedef struct ike_conf_fault fault;

static void *field(const key *k, void *target) { return (uint8_t *)target + k->at; }
static const void *cfield(const key *k, const void *target) { return (const uint8_t *)target + k->at; }

/* With port and zone: a change of either is a change of configuration. */
static bool same_addr(const ike_addr *a, const ike_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static bool same_str(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* Both spellings, as people bring theirs from other configurations. */
static bool is_any(const char *s) { return strcmp(s, "any") == 0 || strcmp(s, "%any") == 0; }

/* ---- The peer ---------------------------------------------------------------------------------------------------------- */

static void expected_remote(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "an address, a DNS name (either may end in :PORT), a network such as 192.0.2.0/24, or any");
}

/* ASCII, whatever the locale. */
static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A host name (RFC 1123 section 2.1, with the underscore that is met in practice). The last label must not be a number: that
 * would be a mistyped address. */
static bool host_name(const char *s, size_t n)
{
    /* A dot at the end is the root and belongs to no label. */
    size_t label = 0, total = n && s[n - 1] == '.' ? n - 1 : n;
    bool number = true;
    for (size_t i = 0; i < total; i++) {
        if (s[i] == '.') {
            /* No empty label, none that ends in a hyphen. */
            if (label == 0 || s[i - 1] == '-') {
                return false;
            }
            label = 0;
            number = true;
            continue;
        }
        /* A hyphen may not begin a label either. */
        if (!letter_or_digit(s[i]) && (s[i] != '-' || label == 0)) {
            return false;
        }
        number = number && s[i] >= '0' && s[i] <= '9';
        /* 63 octets a label and 253 a name (RFC 1035 section 2.3.4, in text form). */
        if (++label > 63) {
            return false;
        }
    }
    return label > 0 && !number && s[total - 1] != '-' && total <= 253;
}

/* At most six digits are read: enough to be above any limit here, too few to overflow. */
static bool take_number(const char *s, unsigned most, unsigned *out)
{
    unsigned v = 0;
    size_t n = 0;
    for (; s[n] >= '0' && s[n] <= '9' && n < 6; n++) {
        v = v * 10 + (unsigned)(s[n] - '0');
    }
    *out = v;
    return n > 0 && s[n] == 0 && v <= most;
}

/* Into the settings directly: on failure the whole result goes. */
static bool parse_network(const char *value, const char *slash, ike_conn_settings *s, fault *f)
{
    char text[64];
    unsigned bits;
    size_t n = (size_t)(slash - value);
    if (n >= sizeof text) {
        return false;
    }
    memcpy(text, value, n);
    text[n] = 0;
    if (ike_addr_parse(&s->remote, text) != IKE_OK || s->remote.port || s->remote.scope ||
        !take_number(slash + 1, s->remote.family == 4 ? 32 : 128, &bits)) {
        return false;
    }
    /* Peers have addresses of their own. */
    if (s->remote.family == 4 ? s->remote.ip[0] >= 224 : s->remote.ip[0] == 0xff) {
        f->hint = "no single host has such an address";
        return false;
    }
    /* A prefix of 0 matches everybody, which is to be said in so many words. */
    if (bits == 0) {
        f->hint = "write any for all peers";
        return false;
    }
    for (unsigned i = bits; i < (s->remote.family == 4 ? 32u : 128u); i++) {
        /* Refused rather than dropped: it is not clear whether the address or the prefix was meant. */
        if (s->remote.ip[i / 8] & 0x80 >> i % 8) {
            f->hint = "the address has bits behind the prefix";
            return false;
        }
    }
    s->remote_bits = (uint8_t)bits;
    return true;
}

/* Not resolved here: that would ask the network, and the answer may change. */
static bool parse_name(struct ike_arena *a, const char *value, ike_config_conn *c, fault *f)
{
    const char *colon = strchr(value, ':');
    size_t n = colon ? (size_t)(colon - value) : strlen(value);
    unsigned port = 0;
    if (!host_name(value, n) || (colon && (!take_number(colon + 1, 65535, &port) || port == 0))) {
        return false;
    }
    c->remote_name = ike_arena_text(a, value, n);
    c->settings.remote.port = (uint16_t)port;
    c->settings.remote_unresolved = true;
    f->no_memory = c->remote_name == NULL;
    return !f->no_memory;
}

/* Whether one peer can be there, to be called or to call. */
static bool one_peer(const ike_addr *a, fault *f)
{
    static const uint8_t zero[16];
    bool v4 = a->family == 4, link_local = !v4 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
    if (memcmp(a->ip, zero, v4 ? 4 : 16) == 0) {
        f->hint = "write any for all peers";
    } else if (v4 ? a->ip[0] == 0 || a->ip[0] >= 224 : a->ip[0] == 0xff) {
        f->hint = "no single host has this address";
    } else if (link_local && a->scope == 0) {
        f->hint = "a link-local address needs the number of its interface (ip link): fe80::1%2";
    }
    return f->hint == NULL;
}

/* An address is tried before a name, so "10.0.0.1" is never looked up. */
static bool parse_remote(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)k;
    ike_config_conn *c = target;
    const char *slash = strchr(value, '/');
    if (is_any(value)) {
        return true;
    }
    if (ike_addr_parse(&c->settings.remote, value) == IKE_OK) {
        return one_peer(&c->settings.remote, f);
    }
    return slash ? parse_network(value, slash, &c->settings, f) : parse_name(a, value, c, f);
}

/* A name is compared as a name: what it resolved to is the caller's. */
static bool same_remote(const key *k, const void *x, const void *y)
{
    (void)k;
    const ike_config_conn *a = x, *b = y;
    return same_addr(&a->settings.remote, &b->settings.remote) && a->settings.remote_bits == b->settings.remote_bits &&
           same_str(a->remote_name, b->remote_name);
}

const struct ike_conf_kind ike_kind_remote = {expected_remote, parse_remote, same_remote, false};

/* ---- Our address ------------------------------------------------------------------------------------------------------- */

static void expected_local(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "one of our addresses, or any");
}

/* The port belongs to the socket, which all connections share. */
static bool parse_local(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    (void)a;
    ike_addr addr;
    memset(&addr, 0, sizeof addr);
    if (!is_any(value) && (ike_addr_parse(&addr, value) != IKE_OK || addr.port)) {
        f->hint = addr.port ? "the port is a matter of the daemon" : NULL;
        return false;
    }
    memcpy(field(k, target), &addr, sizeof addr);
    return true;
}

static bool same_local(const key *k, const void *x, const void *y) { return same_addr(cfield(k, x), cfield(k, y)); }

const struct ike_conf_kind ike_kind_local = {expected_local, parse_local, same_local, false};

/* The daemon's address is passed on as text. */
static void expected_listen(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "an address without port");
}

/* Parsed to be checked, kept as text: who opens the socket parses it again. */
static bool parse_listen(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    ike_addr addr;
    if (ike_addr_parse(&addr, value) != IKE_OK || addr.port) {
        return false;
    }
    const char *copy = ike_arena_text(a, value, strlen(value));
    f->no_memory = copy == NULL;
    memcpy(field(k, target), &copy, sizeof copy);
    return copy != NULL;
}

static bool same_listen(const key *k, const void *x, const void *y)
{
    return same_str(*(const char *const *)cfield(k, x), *(const char *const *)cfield(k, y));
}

const struct ike_conf_kind ike_kind_listen = {expected_listen, parse_listen, same_listen, false};

/* ---- Identities -------------------------------------------------------------------------------------------------------- */

static void expected_id(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "an identity: an address, a name, @name, user@host, keyid:HEX or keyid:@TEXT");
}

static void expected_any_id(const key *k, struct ike_text *out)
{
    expected_id(k, out);
    ike_text_str(out, ", or any");
}

static bool parse_id(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    ike_id id;
    /* No identity is longer than its text, but for an address in short form. */
    size_t n = strlen(value) + 16;
    uint8_t *buf = ike_arena_get(a, n);
    f->no_memory = buf == NULL;
    if (buf == NULL || ike_id_parse(&id, value, buf, n) != IKE_OK || id.type == IKE_ID_NONE || id.data.len > 1024) {
        /* What a name cannot have, distinguished names always have: C=CH, O=Example. */
        if (value[strcspn(value, "=,")]) {
            f->hint = "a distinguished name cannot be written as text yet, only as asn1dn:HEX; @TEXT is a name, "
                      "email:TEXT an address";
        }
        return false;
    }
    memcpy(field(k, target), &id, sizeof id);
    return true;
}

/* Type 0 in the settings: whoever has the secret. */
static bool parse_any_id(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    if (is_any(value)) {
        memset(field(k, target), 0, sizeof(ike_id));
        return true;
    }
    return parse_id(a, k, value, target, f);
}

/* Octet by octet: a change of case is a change of configuration, even where it matches the same peers. */
static bool same_id(const key *k, const void *x, const void *y)
{
    const ike_id *a = cfield(k, x), *b = cfield(k, y);
    return a->type == b->type && ike_bytes_equal(a->data, b->data);
}

const struct ike_conf_kind ike_kind_id = {expected_id, parse_id, same_id, false};
const struct ike_conf_kind ike_kind_any_id = {expected_any_id, parse_any_id, same_id, false};

/* ---- Traffic selectors ------------------------------------------------------------------------------------------------- */

/* What one payload is read with at the other end (IKE_TS_MAX). */
#define MOST_SELECTORS 64

static void expected_ts(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(
        out, "networks such as 10.1.0.0/24, ranges or addresses, each with [PROTOCOL/PORT] if need be, separated by commas");
}

static bool separator(char c) { return c == ',' || c == ' ' || c == '\t'; }

/* The next item of a list; false at the end. */
static bool next_item(const char **s, const char **item, size_t *n)
{
    while (separator(**s)) {
        (*s)++;
    }
    *item = *s;
    while (**s && !separator(**s)) {
        (*s)++;
    }
    *n = (size_t)(*s - *item);
    return *n > 0;
}

/* Selectors have no blanks and no commas, so either may separate them. */
static bool parse_ts(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    const char *s = value, *item;
    size_t n, count = 0;
    /* Counted first, so that one array of the right size is made. */
    while (next_item(&s, &item, &n)) {
        count++;
    }
    if (count == 0 || count > MOST_SELECTORS) {
        f->hint = count ? "at most 64 selectors" : NULL;
        return false;
    }
    /* What is parsed before a fault stays in the arena, which goes as a whole. */
    ike_ts *list = ike_arena_get(a, count * sizeof *list);
    f->no_memory = list == NULL;
    s = value;
    for (size_t i = 0; list && i < count && next_item(&s, &item, &n); i++) {
        char text[128];
        bool fits = n < sizeof text;
        memcpy(text, item, fits ? n : 0);
        text[fits ? n : 0] = 0;
        if (ike_ts_parse(&list[i], text) != IKE_OK) {
            /* The item alone, not the whole list. */
            f->found = item;
            f->found_len = n;
            return false;
        }
    }
    /* A count goes with a list only: readers look at the count. */
    count = list ? count : 0;
    memcpy(field(k, target), &list, sizeof list);
    memcpy((uint8_t *)target + k->at2, &count, sizeof count);
    return list != NULL;
}

/* In order: another order is a change too. */
static bool same_ts(const key *k, const void *x, const void *y)
{
    size_t n, m;
    const ike_ts *a = *(const ike_ts *const *)cfield(k, x), *b = *(const ike_ts *const *)cfield(k, y);
    memcpy(&n, (const uint8_t *)x + k->at2, sizeof n);
    memcpy(&m, (const uint8_t *)y + k->at2, sizeof m);
    for (size_t i = 0; n == m && i < n; i++) {
        if (a[i].family != b[i].family || a[i].proto != b[i].proto || a[i].port_lo != b[i].port_lo ||
            a[i].port_hi != b[i].port_hi || memcmp(a[i].lo, b[i].lo, sizeof a[i].lo) != 0 ||
            memcmp(a[i].hi, b[i].hi, sizeof a[i].hi) != 0) {
            return false;
        }
    }
    return n == m;
}

const struct ike_conf_kind ike_kind_ts = {expected_ts, parse_ts, same_ts, false};

/* ---- Addresses inside the tunnel --------------------------------------------------------------------------------------- */

static void expected_pool(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "a range such as 10.9.0.10-10.9.0.100, or a network");
}

/* Of a network the first and the last address are left out, as hosts take them for others than a host's. */
static bool parse_pool(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    ike_ts ts;
    (void)a;
    if (strchr(value, '[') || ike_ts_parse(&ts, value) != IKE_OK) {
        return false;
    }
    size_t n = ts.family == 4 ? 4 : 16;
    bool network = strchr(value, '/') && memcmp(ts.lo, ts.hi, n - 1) != 0;
    network |= strchr(value, '/') && ts.hi[n - 1] - ts.lo[n - 1] > 1;
    if (ts.family == 4 ? ts.lo[0] == 0 || ts.hi[0] >= 224 : ts.hi[0] == 0xff) {
        f->hint = "no host has such an address";
        return false;
    }
    ts.lo[n - 1] += network;
    ts.hi[n - 1] -= network;
    memcpy(field(k, target), &ts, sizeof ts);
    return true;
}

static bool same_pool(const key *k, const void *x, const void *y)
{
    return memcmp(cfield(k, x), cfield(k, y), sizeof(ike_ts)) == 0;
}

const struct ike_conf_kind ike_kind_pool = {expected_pool, parse_pool, same_pool, false};

static void expected_servers(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "one to four addresses");
}

static bool parse_servers(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    ike_addr *list = ike_arena_get(a, IKE_SERVERS_MAX * sizeof *list);
    const char *s = value, *item;
    size_t n, count = 0;
    f->no_memory = list == NULL;
    while (list && next_item(&s, &item, &n)) {
        char text[64] = {0};
        memcpy(text, item, n < sizeof text ? n : 0);
        if (count == IKE_SERVERS_MAX || ike_addr_parse(&list[count], text) != IKE_OK || list[count].port || list[count].scope) {
            f->found = item;
            f->found_len = n;
            return false;
        }
        count++;
    }
    memcpy(field(k, target), &list, sizeof list);
    memcpy((uint8_t *)target + k->at2, &count, sizeof count);
    return count > 0;
}

static bool same_servers(const key *k, const void *x, const void *y)
{
    size_t n, m;
    const ike_addr *a = *(const ike_addr *const *)cfield(k, x), *b = *(const ike_addr *const *)cfield(k, y);
    memcpy(&n, (const uint8_t *)x + k->at2, sizeof n);
    memcpy(&m, (const uint8_t *)y + k->at2, sizeof m);
    for (size_t i = 0; n == m && i < n; i++) {
        if (!same_addr(&a[i], &b[i])) {
            return false;
        }
    }
    return n == m;
}

const struct ike_conf_kind ike_kind_servers = {expected_servers, parse_servers, same_servers, false};

static void expected_family(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "no, ipv4 or ipv6");
}

static bool parse_family(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    uint8_t family = strcmp(value, "ipv4") == 0 ? 4 : strcmp(value, "ipv6") == 0 ? 6 : 0;
    (void)a;
    if (!family && strcmp(value, "no") != 0) {
        f->meant = strcmp(value, "yes") == 0 ? "ipv4" : NULL;
        return false;
    }
    memcpy(field(k, target), &family, sizeof family);
    return true;
}

static bool same_family(const key *k, const void *x, const void *y) { return memcmp(cfield(k, x), cfield(k, y), 1) == 0; }

const struct ike_conf_kind ike_kind_family = {expected_family, parse_family, same_family, false};

/* ---- Proposals --------------------------------------------------------------------------------------------------------- */

static void expected_proposals(const key *k, struct ike_text *out)
{
    ike_text_str(out, k->max == IKE_PROTO_IKE  ? "proposals such as aes256gcm16-prfsha256-x25519, aes128-sha256-modp2048"
                      : k->max == IKE_PROTO_AH ? "proposals such as sha256, sha1-modp2048"
                                               : "proposals such as aes256gcm16, aes128-sha256-x25519");
}

/* Syntax and sense; whether the build can run an algorithm is seen when the connection is made. The text is kept, as the
 * engine parses it with its own crypto. */
static bool parse_proposals(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    size_t at = 0;
    /* `at` is the place of the fault in the value; at its end nothing can be quoted. */
    if (ike_proposals_check(value, (uint8_t)k->max, &at, &f->meant) != IKE_OK) {
        if (at < strlen(value)) {
            f->found = value + at;
            f->found_len = strcspn(f->found, "-, \t");
        }
        return false;
    }
    const char *copy = ike_arena_text(a, value, strlen(value));
    f->no_memory = copy == NULL;
    memcpy(field(k, target), &copy, sizeof copy);
    return copy != NULL;
}

static bool same_proposals(const key *k, const void *x, const void *y) { return same_listen(k, x, y); }

const struct ike_conf_kind ike_kind_proposals = {expected_proposals, parse_proposals, same_proposals, false};

/* ---- Pre-shared key ---------------------------------------------------------------------------------------------------- */

static void expected_secret(const key *k, struct ike_text *out)
{
    (void)k;
    ike_text_str(out, "a text, 0xHEX or 0sBASE64, 1 to 256 octets");
}

/* An odd digit is refused at the end: half an octet is a typing error. */
static bool take_hex(const char *s, size_t n, uint8_t *out, size_t *len)
{
    for (*len = 0; *len < n / 2; (*len)++) {
        int hi = ike_hex_digit(s[2 * *len]), lo = ike_hex_digit(s[2 * *len + 1]);
        if (hi < 0 || lo < 0) {
            return false;
        }
        out[*len] = (uint8_t)(hi << 4 | lo);
    }
    return n % 2 == 0;
}

/* The alphabet of RFC 4648 section 4; the one for URLs is another. */
static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 section 4, padding at will. */
static bool take_base64(const char *s, size_t n, uint8_t *out, size_t *len)
{
    uint32_t v = 0;
    unsigned bits = 0;
    while (n && s[n - 1] == '=') {
        n--;
    }
    *len = 0;
    for (size_t i = 0; i < n; i++) {
        int d = base64_digit(s[i]);
        if (d < 0) {
            return false;
        }
        v = (v << 6 | (uint32_t)d) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*len)++] = (uint8_t)(v >> bits);
        }
    }
    /* One digit too many holds no octet, and bits that are left over must be zero, or two texts would mean one secret. */
    return n % 4 != 1 && (v & ((1u << bits) - 1)) == 0;
}

/* A prefix decides, so a text that begins with 0x or 0s has to be written in one of the other forms. */
bool ike_conf_secret(struct ike_arena *a, const char *value, ike_bytes *out, fault *f)
{
    size_t n = strlen(value), len = n;
    /* The longest form is hexadecimal, two digits an octet: what is longer cannot fit, and is not copied. */
    uint8_t *buf = n <= 4 * IKE_SECRET_MAX ? ike_arena_get(a, n + 1) : NULL;
    f->no_memory = buf == NULL && n <= 4 * IKE_SECRET_MAX;
    if (buf == NULL) {
        return false;
    }
    if (strncmp(value, "0x", 2) == 0) {
        f->hint = "what begins with 0x must be hexadecimal, two digits an octet";
        if (!take_hex(value + 2, n - 2, buf, &len)) {
            return false;
        }
    } else if (strncmp(value, "0s", 2) == 0) {
        f->hint = "what begins with 0s must be base64";
        if (!take_base64(value + 2, n - 2, buf, &len)) {
            return false;
        }
    } else {
        memcpy(buf, value, n);
    }
    /* The form is right: if it fails now, its length is what is wrong. */
    f->hint = NULL;
    *out = ike_bytes_of(buf, len);
    return len > 0 && len <= IKE_SECRET_MAX;
}

static bool parse_secret(struct ike_arena *a, const key *k, const char *value, void *target, fault *f)
{
    return ike_conf_secret(a, value, field(k, target), f);
}

/* In constant time, although only their owner could measure it. */
static bool same_secret(const key *k, const void *x, const void *y)
{
    const ike_bytes *a = cfield(k, x), *b = cfield(k, y);
    return a->len == b->len && ike_ct_equal(a->ptr, b->ptr, a->len);
}

const struct ike_conf_kind ike_kind_secret = {expected_secret, parse_secret, same_secret, true};
