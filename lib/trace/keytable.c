/* SPDX-License-Identifier: ISC
 *
 * Rows of Wireshark's ikev2_decryption_table and ikev1_decryption_table:
 *     SPIi,SPIr,SK_ei,SK_er,"encryption",SK_ai,SK_ar,"integrity"
 *     initiator's cookie,key
 */
#include "base/bytes.h"
#include "base/text.h"
#include <ike/trace.h>

/* Names letter by letter as Wireshark writes them, since it compares them so. */
struct cipher_name {
    uint16_t id, bits;
    uint8_t key_len; /* with salt */
    const char *name;
};
static const struct cipher_name ciphers[] = {
    {3, 0, 24, "3DES [RFC2451]"},
    {12, 128, 16, "AES-CBC-128 [RFC3602]"},
    {12, 192, 24, "AES-CBC-192 [RFC3602]"},
    {12, 256, 32, "AES-CBC-256 [RFC3602]"},
    {13, 128, 20, "AES-CTR-128 [RFC5930]"},
    {13, 192, 28, "AES-CTR-192 [RFC5930]"},
    {13, 256, 36, "AES-CTR-256 [RFC5930]"},
    {14, 128, 19, "AES-CCM-128 with 8 octet ICV [RFC5282]"},
    {14, 192, 27, "AES-CCM-192 with 8 octet ICV [RFC5282]"},
    {14, 256, 35, "AES-CCM-256 with 8 octet ICV [RFC5282]"},
    {15, 128, 19, "AES-CCM-128 with 12 octet ICV [RFC5282]"},
    {15, 192, 27, "AES-CCM-192 with 12 octet ICV [RFC5282]"},
    {15, 256, 35, "AES-CCM-256 with 12 octet ICV [RFC5282]"},
    {16, 128, 19, "AES-CCM-128 with 16 octet ICV [RFC5282]"},
    {16, 192, 27, "AES-CCM-192 with 16 octet ICV [RFC5282]"},
    {16, 256, 35, "AES-CCM-256 with 16 octet ICV [RFC5282]"},
    {18, 128, 20, "AES-GCM-128 with 8 octet ICV [RFC5282]"},
    {18, 192, 28, "AES-GCM-192 with 8 octet ICV [RFC5282]"},
    {18, 256, 36, "AES-GCM-256 with 8 octet ICV [RFC5282]"},
    {19, 128, 20, "AES-GCM-128 with 12 octet ICV [RFC5282]"},
    {19, 192, 28, "AES-GCM-192 with 12 octet ICV [RFC5282]"},
    {19, 256, 36, "AES-GCM-256 with 12 octet ICV [RFC5282]"},
    {20, 128, 20, "AES-GCM-128 with 16 octet ICV [RFC5282]"},
    {20, 192, 28, "AES-GCM-192 with 16 octet ICV [RFC5282]"},
    {20, 256, 36, "AES-GCM-256 with 16 octet ICV [RFC5282]"},
    {28, 0, 36, "CHACHA20-POLY1305 [RFC7634]"}, /* ours: Wireshark has none */
};

struct integ_name {
    uint16_t id;
    uint8_t key_len, unchecked_icv;
    const char *name;
};
/* Wireshark's "ANY" rows say how long the ICV is and leave it unchecked: for keys of one direction or algorithms it lacks. */
static const struct integ_name integs[] = {
    {0, 0, 0, "NONE [RFC4306]"},
    {1, 16, 0, "HMAC_MD5_96 [RFC2403]"},
    {2, 20, 0, "HMAC_SHA1_96 [RFC2404]"},
    {6, 16, 0, "HMAC_MD5_128 [RFC4595]"},
    {7, 20, 0, "HMAC_SHA1_160 [RFC4595]"},
    {12, 32, 0, "HMAC_SHA2_256_128 [RFC4868]"},
    {13, 48, 0, "HMAC_SHA2_384_192 [RFC4868]"},
    {14, 64, 0, "HMAC_SHA2_512_256 [RFC4868]"},
    {0, 0, 8, "ANY 64-bits of Authentication [No Checking]"},
    {0, 0, 12, "ANY 96-bits of Authentication [No Checking]"},
    {0, 0, 16, "ANY 128-bits of Authentication [No Checking]"},
    {0, 0, 20, "ANY 160-bits of Authentication [No Checking]"},
    {0, 0, 24, "ANY 192-bits of Authentication [No Checking]"},
    {0, 0, 32, "ANY 256-bits of Authentication [No Checking]"},
};

enum { SPI_I, SPI_R, SK_EI, SK_ER, ENCR, SK_AI, SK_AR, INTEG, FIELDS };
enum { COOKIE, KEY, FIELDS_V1 };

/* Split at commas that are not within quotes; quotes go. Names have no quotes inside. How many fields; 0: too many, or a quote
 * is open. Views into the line; nothing is copied. */
static size_t split(ike_bytes field[FIELDS], ike_bytes line)
{
    size_t n = 0, start = 0;
    bool quoted = false;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.ptr[i] == '"') {
            quoted = !quoted;
        }
        if (i < line.len && (quoted || line.ptr[i] != ',')) {
            continue;
        }
        if (n == FIELDS) {
            return 0;
        }
        ike_bytes f = ike_bytes_of(line.ptr + start, i - start);
        if (f.len >= 2 && f.ptr[0] == '"' && f.ptr[f.len - 1] == '"') {
            f = ike_bytes_of(f.ptr + 1, f.len - 2);
        }
        field[n++] = f;
        start = i + 1;
    }
    return quoted ? 0 : n;
}

/* Hex, optionally behind 0x. -1: not hex, or not what fits. An empty text is 0 octets: the fields of an AEAD's integrity
 * keys are empty. */
static int read_hex(ike_bytes text, uint8_t *out, size_t cap)
{
    if (text.len >= 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x') {
        text = ike_bytes_of(text.ptr + 2, text.len - 2);
    }
    if (text.len % 2 != 0 || text.len / 2 > cap) {
        return -1;
    }
    for (size_t i = 0; i < text.len / 2; i++) {
        const int hi = ike_hex_digit((char)text.ptr[2 * i]), lo = ike_hex_digit((char)text.ptr[2 * i + 1]);
        if (hi < 0 || lo < 0) {
            return -1;
        }
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return (int)(text.len / 2);
}

/* All 16 digits: an SPI that was cut would match another SA. */
static bool read_spi(ike_bytes text, uint64_t *spi)
{
    uint8_t b[8];
    const bool good = read_hex(text, b, sizeof b) == 8;
    *spi = good ? ike_load64(b) : 0;
    return good;
}

static bool named(ike_bytes text, const char *name) { return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0; }

static const struct cipher_name *find_cipher(ike_bytes name)
{
    for (size_t i = 0; i < IKE_COUNT(ciphers); i++) {
        if (named(name, ciphers[i].name)) {
            return &ciphers[i];
        }
    }
    return NULL;
}

static const struct integ_name *find_integ(ike_bytes name)
{
    for (size_t i = 0; i < IKE_COUNT(integs); i++) {
        if (named(name, integs[i].name)) {
            return &integs[i];
        }
    }
    return NULL;
}

/* Key lengths follow from the names. A key of another length is a wrong row, never cut or padded. */
static int read_row(ike_trace_keys *out, const ike_bytes f[FIELDS])
{
    const struct cipher_name *c = find_cipher(f[ENCR]);
    const struct integ_name *g = find_integ(f[INTEG]);
    if (c == NULL || g == NULL) {
        return IKE_ERR_UNSUPPORTED;
    }
    out->version = 2;
    out->encr = c->id;
    out->encr_bits = c->bits;
    out->integ = g->id;
    out->unchecked_icv = g->unchecked_icv;
    out->sk_e_len = c->key_len;
    out->sk_a_len = g->key_len;
    if (!read_spi(f[SPI_I], &out->spi_i) || !read_spi(f[SPI_R], &out->spi_r) ||
        read_hex(f[SK_EI], out->sk_ei, sizeof out->sk_ei) != c->key_len ||
        read_hex(f[SK_ER], out->sk_er, sizeof out->sk_er) != c->key_len) {
        return IKE_ERR_INVALID;
    }
    /* An ICV that nobody checks needs no key; one may stand there all the same. */
    const int ai = read_hex(f[SK_AI], out->sk_ai, sizeof out->sk_ai), ar = read_hex(f[SK_AR], out->sk_ar, sizeof out->sk_ar);
    const bool good = g->unchecked_icv ? ai >= 0 && ar >= 0 : ai == g->key_len && ar == g->key_len;
    return good ? IKE_OK : IKE_ERR_INVALID;
}

/* The cipher is said by the SA's first messages. */
static int read_row_v1(ike_trace_keys *out, const ike_bytes f[FIELDS_V1])
{
    const int n = read_hex(f[KEY], out->sk_ei, sizeof out->sk_ei);
    out->version = 1;
    out->sk_e_len = (uint8_t)(n > 0 ? n : 0);
    return read_spi(f[COOKIE], &out->spi_i) && n > 0 ? IKE_OK : IKE_ERR_INVALID;
}

/* *out is wiped on failure: half a row may hold keys. */
int ike_trace_keys_parse(ike_trace_keys *out, const char *line, size_t n)
{
    ike_bytes f[FIELDS];
    memset(out, 0, sizeof *out);
    /* Line ends of any system. */
    while (n != 0 && (line[n - 1] == '\n' || line[n - 1] == '\r' || line[n - 1] == ' ')) {
        n--;
    }
    if (n == 0 || line[0] == '#') {
        return IKE_ERR_NOT_FOUND;
    }
    const size_t fields = split(f, ike_bytes_of(line, n));
    const int rc = fields == FIELDS ? read_row(out, f) : fields == FIELDS_V1 ? read_row_v1(out, f) : IKE_ERR_INVALID;
    if (rc != IKE_OK) {
        ike_wipe(out, sizeof *out);
    }
    return rc;
}

/* Big-endian, as in the header. */
static void put_spi(struct ike_text *t, uint64_t spi)
{
    uint8_t b[8];
    ike_store64(b, spi);
    ike_text_hex(t, ike_bytes_of(b, sizeof b));
    ike_text_char(t, ',');
}

static void put_key(struct ike_text *t, ike_bytes key)
{
    ike_text_hex(t, key);
    ike_text_char(t, ',');
}

static void put_name(struct ike_text *t, const char *name, const char *end)
{
    ike_text_char(t, '"');
    ike_text_str(t, name);
    ike_text_str(t, end);
}

/* Nothing is checked against the names' key lengths: the keys are an engine's own. */
size_t ike_keylog_format(const ike_keylog *k, char *out, size_t n)
{
    const char *encr = NULL, *integ = NULL;
    struct ike_text t = ike_text(out, n);
    if (k->version == 1) {
        put_spi(&t, k->spi_i);
        ike_text_hex(&t, k->sk_ei);
        return t.len;
    }
    for (size_t i = 0; i < IKE_COUNT(ciphers); i++) {
        /* Rows of ciphers with one key size have bits 0. */
        if (ciphers[i].id == k->encr && (ciphers[i].bits == k->encr_bits || ciphers[i].bits == 0)) {
            encr = ciphers[i].name;
        }
    }
    for (size_t i = 0; i < IKE_COUNT(integs); i++) {
        if (integs[i].id == k->integ && integs[i].unchecked_icv == 0) {
            integ = integs[i].name;
        }
    }
    if (encr == NULL || integ == NULL) {
        return 0;
    }
    put_spi(&t, k->spi_i);
    put_spi(&t, k->spi_r);
    put_key(&t, k->sk_ei);
    put_key(&t, k->sk_er);
    put_name(&t, encr, "\",");
    put_key(&t, k->sk_ai);
    put_key(&t, k->sk_ar);
    put_name(&t, integ, "\"");
    return t.len;
}
