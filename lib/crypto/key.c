/* SPDX-License-Identifier: ISC
 *
 * PEM (RFC 7468) and as much DER as leads to a public key. What the key itself says is the slots' to read.
 */
#include "crypto/key.h"
#include "base/bytes.h"

#include <ike/conn.h>
#include <sodium/utils.h>

enum { SEQUENCE = 0x30, INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OID = 0x06, VERSION = 0xa0, FILE_MAX = 1 << 16 };

struct der {
    uint8_t *ptr;
    size_t len, room;
};

static void drop(struct der *d, const ike_allocator *mem)
{
    if (d->ptr) {
        ike_wipe(d->ptr, d->room);
        mem->release(mem->user, d->ptr, d->room);
        d->ptr = NULL;
    }
}

/* ---- PEM ------------------------------------------------------------------------------------------------------------------- */

static bool begins(ike_bytes text, const char *with)
{
    size_t n = strlen(with);
    return text.len >= n && memcmp(text.ptr, with, n) == 0;
}

static ike_bytes behind(ike_bytes text, size_t n) { return ike_bytes_of(text.ptr + n, text.len - n); }

/* What stands before the first `mark`; text moves behind it. False: it is not there. */
static bool cut(ike_bytes *text, const char *mark, ike_bytes *before)
{
    size_t n = strlen(mark);
    for (size_t i = 0; i + n <= text->len; i++) {
        if (memcmp(text->ptr + i, mark, n) == 0) {
            *before = ike_bytes_of(text->ptr, i);
            *text = behind(*text, i + n);
            return true;
        }
    }
    return false;
}

/* Of what is encrypted the label says so, or a header line, which is no base64. */
static bool wanted(ike_bytes label, bool secret)
{
    static const char private_key[] = "PRIVATE KEY";
    size_t n = sizeof private_key - 1;
    if (secret) {
        return label.len >= n && memcmp(label.ptr + label.len - n, private_key, n) == 0 && !begins(label, "ENCRYPTED");
    }
    return ike_bytes_equal(label, IKE_STR("CERTIFICATE")) || ike_bytes_equal(label, IKE_STR("PUBLIC KEY"));
}

/* The octets of the first block that is wanted; a file may hold several, as the parameters of a curve before its key. */
static int from_pem(const ike_allocator *mem, ike_bytes text, bool secret, struct der *out)
{
    ike_bytes label, body, before;
    do {
        if (!cut(&text, "-----BEGIN ", &before) || !cut(&text, "-----", &label) || !cut(&text, "-----END ", &body)) {
            return IKE_ERR_INVALID;
        }
    } while (!wanted(label, secret));
    out->room = body.len;
    out->ptr = body.len ? mem->alloc(mem->user, body.len) : NULL;
    if (!out->ptr) {
        return body.len ? IKE_ERR_NOMEM : IKE_ERR_INVALID;
    }
    int r = sodium_base642bin(out->ptr, out->room, (const char *)body.ptr, body.len, " \t\r\n", &out->len, NULL,
                              sodium_base64_VARIANT_ORIGINAL);
    return r == 0 ? IKE_OK : IKE_ERR_INVALID;
}

static int der_of(const ike_allocator *mem, ike_bytes text, bool secret, struct der *out)
{
    if (!text.len || text.len > FILE_MAX) {
        return IKE_ERR_INVALID;
    }
    if (text.ptr[0] != SEQUENCE) {
        return from_pem(mem, text, secret, out);
    }
    out->len = out->room = text.len;
    out->ptr = mem->alloc(mem->user, text.len);
    if (!out->ptr) {
        return IKE_ERR_NOMEM;
    }
    memcpy(out->ptr, text.ptr, text.len);
    return IKE_OK;
}

/* ---- DER ------------------------------------------------------------------------------------------------------------------- */

/* The next element if it has this tag; *whole with its tag and length, if it is asked for. */
static bool element(struct ike_rd *r, uint8_t tag, struct ike_rd *body, ike_bytes *whole)
{
    const uint8_t *start = r->p;
    if (r->bad || r->left < 2 || r->p[0] != tag) {
        return false;
    }
    (void)ike_rd_u8(r);
    size_t n = ike_rd_u8(r);
    if (n & 0x80) {
        unsigned octets = n & 0x7f;
        n = octets && octets <= 3 ? 0 : SIZE_MAX;
        for (unsigned i = 0; i < octets && n != SIZE_MAX; i++) {
            n = n << 8 | ike_rd_u8(r);
        }
    }
    *body = ike_rd_sub(r, n);
    if (!body->bad && whole) {
        *whole = ike_bytes_of(start, (size_t)(body->p + n - start));
    }
    return !body->bad;
}

/* A SubjectPublicKeyInfo has an AlgorithmIdentifier and a BIT STRING; a certificate (RFC 5280 section 4.1) has one in its seventh
 * field, or the sixth when the version is left out. */
static bool public_part(ike_bytes der, ike_bytes *spki, bool *certificate)
{
    struct ike_rd in = ike_rd(der.ptr, der.len), all, tbs, skip;
    if (!element(&in, SEQUENCE, &all, spki) || !ike_rd_done(&in) || !element(&all, SEQUENCE, &tbs, NULL)) {
        return false;
    }
    *certificate = !element(&all, BITS, &skip, NULL);
    if (!*certificate) {
        return true;
    }
    (void)element(&tbs, VERSION, &skip, NULL);
    return element(&tbs, INTEGER, &skip, NULL) && element(&tbs, SEQUENCE, &skip, NULL) && element(&tbs, SEQUENCE, &skip, NULL) &&
           element(&tbs, SEQUENCE, &skip, NULL) && element(&tbs, SEQUENCE, &skip, NULL) && element(&tbs, SEQUENCE, &skip, spki);
}

/* ---- Keys ------------------------------------------------------------------------------------------------------------------ */

/* An AlgorithmIdentifier's (RFC 3279 section 2.3, RFC 5480 section 2.1.1); 0: of no kind that is known here. */
static uint16_t kind_of_algorithm(struct ike_rd *algorithm)
{
    static const struct {
        uint16_t kind;
        uint8_t len, oid[9];
    } known[] = {{IKE_KEY_RSA, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}},
                 {IKE_KEY_DSA, 7, {0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1}},
                 {IKE_KEY_ECDSA, 7, {0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1}}};
    struct ike_rd oid;
    if (element(algorithm, OID, &oid, NULL)) {
        for (size_t i = 0; i < IKE_COUNT(known); i++) {
            if (ike_bytes_equal(ike_bytes_of(oid.p, oid.left), ike_bytes_of(known[i].oid, known[i].len))) {
                return known[i].kind;
            }
        }
    }
    return 0;
}

/* A private key is told by its shape: behind the version PKCS #8 has an AlgorithmIdentifier, SEC 1 an OCTET STRING, PKCS #1 eight
 * numbers, and OpenSSL's form of DSA five. False: it has none of them. */
static bool kind_of(bool secret, ike_bytes der, uint16_t *kind)
{
    struct ike_rd in = ike_rd(der.ptr, der.len), all, part;
    if (!element(&in, SEQUENCE, &all, NULL) || !ike_rd_done(&in) || (secret && !element(&all, INTEGER, &part, NULL))) {
        return false;
    }
    if (element(&all, SEQUENCE, &part, NULL)) {
        *kind = kind_of_algorithm(&part);
        return true;
    }
    unsigned numbers = 0;
    while (element(&all, INTEGER, &part, NULL)) {
        numbers++;
    }
    *kind = numbers == 8                                     ? IKE_KEY_RSA
            : numbers == 5                                   ? IKE_KEY_DSA
            : !numbers && element(&all, OCTETS, &part, NULL) ? IKE_KEY_ECDSA
                                                             : 0;
    return *kind != 0;
}

static int read(const ike_crypto *c, const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der,
                struct ike_key *out)
{
    uint16_t kind;
    if (!kind_of(secret, der, &kind)) {
        return IKE_ERR_INVALID;
    }
    for (const ike_sign *const *s = c->sign; s && *s; s++) {
        if ((*s)->id == kind) {
            int r = (*s)->read(mem, rng, secret, der, &out->state);
            out->alg = r == IKE_OK ? *s : NULL;
            return r;
        }
    }
    return IKE_ERR_UNSUPPORTED;
}

int ike_key_read(const ike_crypto *c, const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes text,
                 struct ike_key *out)
{
    struct der d = {0};
    bool certificate;
    int r = der_of(mem, text, secret, &d);
    ike_bytes key = ike_bytes_of(d.ptr, d.len);
    if (r == IKE_OK && !secret && !public_part(key, &key, &certificate)) {
        r = IKE_ERR_INVALID;
    }
    r = r == IKE_OK ? read(c, mem, rng, secret, key, out) : r;
    drop(&d, mem);
    return r;
}

void ike_key_drop(struct ike_key *k, const ike_allocator *mem)
{
    if (k->alg) {
        k->alg->drop(k->state, mem);
        k->alg = NULL;
    }
}

int ike_key_check(const ike_crypto *crypto, const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes text,
                  uint8_t *kind, unsigned *bits)
{
    struct ike_key k = {0};
    int r = ike_key_read(crypto, mem, rng, secret, text, &k);
    if (r == IKE_OK && kind) {
        *kind = (uint8_t)k.alg->id;
    }
    if (r == IKE_OK && bits) {
        *bits = k.alg->bits(k.state);
    }
    ike_key_drop(&k, mem);
    return r;
}

int ike_key_certificate(const ike_allocator *mem, ike_bytes text, uint8_t **out, size_t *len, size_t *room)
{
    struct der d = {0};
    ike_bytes spki;
    bool certificate = false;
    int r = der_of(mem, text, false, &d);
    if (r == IKE_OK && !public_part(ike_bytes_of(d.ptr, d.len), &spki, &certificate)) {
        r = IKE_ERR_INVALID;
    }
    if (r != IKE_OK || !certificate) {
        drop(&d, mem);
    }
    *out = d.ptr;
    *len = d.ptr ? d.len : 0;
    *room = d.room;
    return r;
}
