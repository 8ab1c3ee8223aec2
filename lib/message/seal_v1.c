/* SPDX-License-Identifier: ISC
 *
 * Encrypted messages of version 1 (RFC 2409 appendix B): all behind the header is ciphertext, nothing says how much of it is
 * padding, and what proves it is a HASH payload inside.
 */
#include "message/v1.h"

/* Version 1 knows only block ciphers in CBC mode, whose IV is a block. */
static bool fit(const ike_encr *e) { return !e->aead && e->block > 1 && e->block == e->iv_len; }

static int crypt(const struct ike_v1_seal *k, const uint8_t *iv, void *ctx, uint8_t *text, size_t n, bool encrypt)
{
    int rc = k->encr->init(ctx, k->key.ptr, k->key.len, encrypt);
    if (rc == IKE_OK) {
        rc = encrypt ? k->encr->seal(ctx, iv, NULL, 0, text, n, NULL) : k->encr->open(ctx, iv, NULL, 0, text, n, NULL);
        k->encr->clear(ctx);
    }
    ike_wipe(ctx, k->encr->ctx_size);
    return rc;
}

int ike_v1_seal(const struct ike_v1_seal *k, const struct ike_header *h, const struct ike_chain *chain, uint8_t *iv, void *ctx,
                uint8_t *out, size_t cap, size_t *len)
{
    const size_t block = k->encr->block, n = chain->w.len;
    if (!fit(k->encr) || n == 0) {
        return chain->w.bad ? IKE_ERR_BUFFER : IKE_ERR_INVALID;
    }
    const size_t text = (n + block - 1) / block * block, total = IKE_HEADER_LEN + text;
    if (chain->w.bad || total > cap) {
        return IKE_ERR_BUFFER;
    }
    memmove(out + IKE_HEADER_LEN, chain->w.p, n);
    memset(out + IKE_HEADER_LEN + n, 0, text - n);
    struct ike_header final = *h;
    final.next = chain->first;
    final.flags |= IKE_FLAG1_ENCRYPTED;
    final.length = (uint32_t)total;
    ike_header_write(out, &final);
    const int rc = crypt(k, iv, ctx, out + IKE_HEADER_LEN, text, true);
    if (rc != IKE_OK) {
        ike_wipe(out, total); /* the payloads may lie there in clear */
        return rc;
    }
    memcpy(iv, out + total - block, block);
    *len = total;
    return IKE_OK;
}

int ike_v1_open(const struct ike_v1_seal *k, struct ike_message *m, const uint8_t *iv, void *ctx, uint8_t *plain, size_t cap,
                uint8_t *next_iv, size_t *end)
{
    const size_t block = k->encr->block;
    if (!fit(k->encr)) {
        return IKE_ERR_INVALID;
    }
    if (m->h.version >> 4 != 1 || !(m->h.flags & IKE_FLAG1_ENCRYPTED) || m->len <= IKE_HEADER_LEN ||
        (m->len - IKE_HEADER_LEN) % block != 0) {
        return IKE_ERR_PROTO;
    }
    const size_t n = m->len - IKE_HEADER_LEN;
    if (n > cap) {
        return IKE_ERR_BUFFER;
    }
    /* The datagram stays as received: a repeated message is known by its ciphertext. */
    memcpy(plain, m->data + IKE_HEADER_LEN, n);
    int rc = crypt(k, iv, ctx, plain, n, false);
    if (rc == IKE_OK) {
        rc = ike_message_parse_padded(m, plain, n, end);
    }
    if (rc != IKE_OK) {
        ike_wipe(plain, n);
        return rc;
    }
    memcpy(next_iv, m->data + m->len - block, block);
    return IKE_OK;
}
