/* SPDX-License-Identifier: ISC
 *
 * Sealing and opening the SK payload. Block cipher: encrypt then MAC, the ICV covers everything before it with the lengths
 * already final (RFC 7296 section 3.14). AEAD: the associated data runs from the header to the end of SK's generic header,
 * payloads in clear before it included; the IV is outside (RFC 5282 section 5.1).
 */
#include "message/seal.h"

#define GENERIC_LEN 4
#define ALIGN16(n) (((n) + 15) & ~(size_t)15)

/* Without proposals of a connection's own all have AES-GCM. */
static bool is_aead(const struct ike_seal *k) { return !IKE_WITH_PROPOSALS || k->encr->aead; }

/* 0 only for a plain cipher without integrity algorithm, which neither direction accepts. */
static size_t icv_len(const struct ike_seal *k) { return is_aead(k) ? k->encr->icv_len : k->integ ? k->integ->icv_len : 0; }

static size_t block_of(const struct ike_seal *k) { return is_aead(k) ? 1 : k->encr->block; }

/* Payloads, padding and Pad Length: whole blocks, and no more padding than that takes. */
static size_t padded(const struct ike_seal *k, size_t inner)
{
    return (inner + block_of(k)) / block_of(k) * block_of(k);
}

/* Exact, not an estimate: the lengths in header and payload have to be final before anything is authenticated. */
size_t ike_seal_size(const struct ike_seal *k, size_t inner)
{
    return IKE_HEADER_LEN + GENERIC_LEN + k->encr->iv_len + padded(k, inner) + icv_len(k);
}

/* The cipher's context first, the MAC's behind it, each 16-aligned as descriptors may expect. */
size_t ike_seal_scratch(const struct ike_seal *k)
{
    return ALIGN16(k->encr->ctx_size) + (!is_aead(k) && k->integ ? ALIGN16(k->integ->mac->ctx_size) : 0);
}

/* The MAC's context stays keyed in the scratch afterwards: wipe() must follow on every path. */
static int mac(const struct ike_seal *k, void *scratch, const uint8_t *data, size_t n, uint8_t out[IKE_HASH_MAX])
{
    void *ctx = (uint8_t *)scratch + ALIGN16(k->encr->ctx_size);
    int rc = k->integ->mac->init(ctx, k->sk_a.ptr, k->sk_a.len);
    if (rc == IKE_OK) {
        k->integ->mac->update(ctx, data, n);
        k->integ->mac->final(ctx, out);
    }
    return rc;
}

/* The cipher's clear() has wiped its own context, for AES-GCM more octets than most messages have: not again unless it failed. */
static void wipe(const struct ike_seal *k, void *scratch, int rc)
{
    const size_t done = rc == IKE_OK ? k->encr->ctx_size : 0;
    ike_wipe((uint8_t *)scratch + done, ike_seal_scratch(k) - done);
}

/* In place. `iv` is the caller's: an IV may be drawn once per message only, and a retransmission resends the finished octets
 * instead of coming here again (section 2.1). */
static int encrypt(const struct ike_seal *k, void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *text,
                   size_t n)
{
    int rc = k->encr->init(ctx, k->sk_e.ptr, k->sk_e.len, true);
    if (rc != IKE_OK) {
        return rc;
    }
    rc = k->encr->seal(ctx, iv, aad, aad_len, text, n, is_aead(k) ? text + n : NULL);
    k->encr->clear(ctx);
    return rc;
}

/* For a block cipher this may only run on what check_icv has found authentic; an AEAD does both at once. */
static int decrypt(const struct ike_seal *k, void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *text,
                   size_t n, const uint8_t *icv)
{
    int rc = k->encr->init(ctx, k->sk_e.ptr, k->sk_e.len, false);
    if (rc != IKE_OK) {
        return rc;
    }
    rc = k->encr->open(ctx, iv, aad, aad_len, text, n, is_aead(k) ? icv : NULL);
    k->encr->clear(ctx);
    return rc;
}

int ike_seal(const struct ike_seal *k, const struct ike_header *h, uint8_t first, const uint8_t *inner, size_t n,
             const uint8_t *iv, void *scratch, uint8_t *out, size_t cap, size_t *len)
{
    if (!is_aead(k) && k->integ == NULL) {
        return IKE_ERR_INVALID; /* nothing goes out without an ICV */
    }
    /* Before any arithmetic on n. */
    if (n > UINT16_MAX) {
        return IKE_ERR_LIMIT;
    }
    const size_t total = ike_seal_size(k, n), text_len = padded(k, n), sk_len = total - IKE_HEADER_LEN;
    if (sk_len > UINT16_MAX) {
        return IKE_ERR_LIMIT;
    }
    if (total > cap) {
        return IKE_ERR_BUFFER;
    }
    /* Header and generic header are complete before sealing: an AEAD takes them as associated data, the MAC covers them. */
    struct ike_header final = *h;
    final.next = IKE_P_SK;
    final.length = (uint32_t)total;
    ike_header_write(out, &final);
    uint8_t *sk = out + IKE_HEADER_LEN, *text = sk + GENERIC_LEN + k->encr->iv_len;
    sk[0] = first;
    sk[1] = 0;
    ike_store16(sk + 2, (uint16_t)sk_len);
    memcpy(sk + GENERIC_LEN, iv, k->encr->iv_len);
    if (n) {
        memcpy(text, inner, n);
    }
    /* Contents and length of padding are the sender's choice (section 3.14): the shortest, and nothing that tells anything. */
    const size_t pad = text_len - n - 1;
    memset(text + n, 0, pad);
    text[text_len - 1] = (uint8_t)pad;
    int rc = encrypt(k, scratch, iv, out, IKE_HEADER_LEN + GENERIC_LEN, text, text_len);
    /* Over the ciphertext, after it exists. */
    if (rc == IKE_OK && !is_aead(k)) {
        uint8_t sum[IKE_HASH_MAX];
        rc = mac(k, scratch, out, total - icv_len(k), sum);
        if (rc == IKE_OK) {
            memcpy(text + text_len, sum, icv_len(k));
        }
        ike_wipe(sum, sizeof sum);
    }
    wipe(k, scratch, rc);
    if (rc != IKE_OK) {
        ike_wipe(out, total); /* the payloads may lie there in clear */
        return rc;
    }
    *len = total;
    return IKE_OK;
}

/* The ICV of a block-cipher message, before anything is decrypted. First of all with a block cipher: decrypting unauthenticated
 * text would make an oracle of how padding is refused. */
static int check_icv(const struct ike_seal *k, const struct ike_message *m, void *scratch)
{
    uint8_t sum[IKE_HASH_MAX];
    const size_t icv = icv_len(k);
    int rc = mac(k, scratch, m->data, m->len - icv, sum);
    if (rc == IKE_OK && !ike_ct_equal(sum, m->data + m->len - icv, icv)) {
        rc = IKE_ERR_CRYPTO;
    }
    ike_wipe(sum, sizeof sum);
    return rc;
}

/* Whatever is wrong before the ICV has been found good looks the same from outside: dropped. `out` keeps plaintext only when
 * the message is authentic. */
int ike_open(const struct ike_seal *k, const struct ike_message *m, void *scratch, uint8_t *out, size_t cap, size_t *n)
{
    const size_t iv_len = k->encr->iv_len, icv = icv_len(k);
    const size_t body_at = m->sk_at + GENERIC_LEN;
    *n = 0;
    /* IV, at least Pad Length, ICV. */
    if (m->sk_at == 0 || icv == 0 || m->len < body_at + iv_len + 1 + icv) {
        return IKE_ERR_CRYPTO;
    }
    const uint8_t *iv = m->data + body_at;
    const size_t text_len = m->len - body_at - iv_len - icv;
    if (text_len % block_of(k) != 0) {
        return IKE_ERR_CRYPTO;
    }
    if (text_len > cap) {
        return IKE_ERR_BUFFER;
    }
    int rc = is_aead(k) ? IKE_OK : check_icv(k, m, scratch);
    if (rc == IKE_OK) {
        /* The datagram stays as received: it may be needed again, for AUTH or as the mark of a repeated request. */
        memcpy(out, iv + iv_len, text_len);
        rc = decrypt(k, scratch, iv, m->data, body_at, out, text_len, m->data + m->len - icv);
        if (rc != IKE_OK) {
            ike_wipe(out, text_len);
        }
    }
    wipe(k, scratch, rc);
    if (rc != IKE_OK) {
        return rc;
    }
    const uint8_t pad = out[text_len - 1];
    /* Authentic and malformed: the peer's fault, to be answered with INVALID_SYNTAX. Contents of the padding are not looked at
     * (section 3.14). */
    if (pad > text_len - 1) {
        return IKE_ERR_PROTO;
    }
    *n = text_len - 1 - pad;
    return IKE_OK;
}
