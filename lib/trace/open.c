/* SPDX-License-Identifier: ISC
 *
 * Opening SK payloads with keys from a table. Rows that do not check the ICV ("ANY n-bits") are why this is not ike_open
 * alone: a table may hold a key of one direction for looking only. The engine never opens anything unchecked.
 */
#include "message/seal.h"
#include "trace/decode.h"

#define GENERIC_LEN 4
#define ALIGN16(n) (((n) + 15) & ~(size_t)15)

/* Several lists, as a program for captures may bring ciphers the engine does not offer. */
static const ike_encr *find_encr(const ike_decoder *d, uint16_t id)
{
    const ike_encr *e = NULL;
    for (size_t i = 0; d->crypto && d->crypto[i] && e == NULL; i++) {
        e = ike_find_encr(d->crypto[i], id);
    }
    return e;
}

static const ike_integ *find_integ(const ike_decoder *d, uint16_t id)
{
    const ike_integ *g = NULL;
    for (size_t i = 0; d->crypto && d->crypto[i] && g == NULL; i++) {
        g = ike_find_integ(d->crypto[i], id);
    }
    return g;
}

/* Descriptors for a row; false if one is missing or the row makes no sense (a plain cipher without any ICV). An AEAD cannot
 * be opened without its ICV, so such a row must not say "unchecked". */
static bool find(const ike_decoder *d, const ike_trace_keys *k, struct ike_seal *seal)
{
    seal->encr = find_encr(d, k->encr);
    seal->integ = k->integ ? find_integ(d, k->integ) : NULL;
    if (seal->encr == NULL || (k->integ != 0 && seal->integ == NULL)) {
        return false;
    }
    return seal->encr->aead ? k->integ == 0 && k->unchecked_icv == 0 : k->integ != 0 || k->unchecked_icv != 0;
}

/* What `find` accepted has an ICV length from exactly one of three places. */
bool ike_trace_lengths(const ike_decoder *d, const ike_trace_keys *k, size_t *iv, size_t *icv)
{
    struct ike_seal seal;
    if (!find(d, k, &seal)) {
        return false;
    }
    *iv = seal.encr->iv_len;
    *icv = seal.encr->aead ? seal.encr->icv_len : k->unchecked_icv ? k->unchecked_icv : seal.integ->icv_len;
    return true;
}

size_t ike_trace_open_scratch(const ike_decoder *d, const ike_trace_keys *k)
{
    struct ike_seal seal;
    return find(d, k, &seal) ? ike_seal_scratch(&seal) : 0;
}

/* Padding that makes no sense is the only sign of a wrong key here. */
static int open_unchecked(const struct ike_seal *seal, const ike_trace_keys *k, const uint8_t *msg, size_t len, size_t sk_at,
                          void *scratch, uint8_t *out, size_t *n)
{
    const size_t iv_at = sk_at + GENERIC_LEN, text_at = iv_at + seal->encr->iv_len, block = seal->encr->block;
    if (len < text_at + 1 + k->unchecked_icv) {
        return IKE_ERR_CRYPTO;
    }
    const size_t text_len = len - text_at - k->unchecked_icv;
    if (block > 1 && text_len % block != 0) {
        return IKE_ERR_CRYPTO;
    }
    /* `out` is as long as the message, so this fits. */
    memcpy(out, msg + text_at, text_len);
    int rc = seal->encr->init(scratch, seal->sk_e.ptr, seal->sk_e.len, false);
    if (rc == IKE_OK) {
        rc = seal->encr->open(scratch, msg + iv_at, NULL, 0, out, text_len, NULL);
        seal->encr->clear(scratch);
    }
    const size_t pad = out[text_len - 1];
    if (rc != IKE_OK || pad > text_len - 1) {
        return IKE_ERR_CRYPTO;
    }
    *n = text_len - 1 - pad;
    return IKE_OK;
}

/* Keys are those of the sender's role, which the flag tells: it says who began the SA, in requests and responses alike (RFC
 * 7296 section 3.1). */
int ike_trace_open(const ike_decoder *d, const ike_trace_keys *k, const uint8_t *msg, size_t len, size_t sk_at, void *scratch,
                   uint8_t *out, size_t *n)
{
    const bool initiator = msg[19] & IKE_FLAG_INITIATOR;
    struct ike_seal seal;
    *n = 0;
    if (!find(d, k, &seal)) {
        return IKE_ERR_UNSUPPORTED;
    }
    seal.sk_e = ike_bytes_of(initiator ? k->sk_ei : k->sk_er, k->sk_e_len);
    seal.sk_a = ike_bytes_of(initiator ? k->sk_ai : k->sk_ar, k->sk_a_len);
    if (k->unchecked_icv) {
        return open_unchecked(&seal, k, msg, len, sk_at, scratch, out, n);
    }
    struct ike_message m; /* ike_open looks at these three only */
    m.data = msg;
    m.len = len;
    m.sk_at = sk_at;
    return ike_open(&seal, &m, scratch, out, len, n);
}
