/* SPDX-License-Identifier: ISC
 *
 * SKEYID and what IKEv1 derives from it.
 */
#include "keys/v1.h"

enum { ENCR_DES = 2, DES_KEY = 8 };

/* The cookies as they stand in the header, one behind the other. */
static ike_bytes cookies(uint8_t out[16], uint64_t first, uint64_t second)
{
    ike_store64(out, first);
    ike_store64(out + 8, second);
    return ike_bytes_of(out, 16);
}

int ike_v1_skeyid_psk(const ike_prf *prf, void *ctx, ike_bytes psk, ike_bytes ni, ike_bytes nr, uint8_t *out)
{
    const ike_bytes parts[] = {ni, nr};
    return ike_prf_parts(prf, ctx, psk, parts, IKE_COUNT(parts), out);
}

/* The same formula as IKEv2's SKEYSEED. */
int ike_v1_skeyid_sig(const ike_prf *prf, void *ctx, ike_bytes ni, ike_bytes nr, ike_bytes shared, uint8_t *out)
{
    return ike_skeyseed(prf, ctx, ni, nr, shared, out);
}

/* Each key enters the next one; into the first nothing does. */
int ike_v1_skeyids(const ike_prf *prf, void *ctx, ike_bytes skeyid, ike_bytes shared, uint64_t cky_i, uint64_t cky_r,
                   uint8_t *out)
{
    const size_t len = prf->mac->len;
    uint8_t cky[16];
    ike_bytes parts[] = {{NULL, 0}, shared, cookies(cky, cky_i, cky_r), {NULL, 1}};
    for (uint8_t i = 0; i < 3; i++) {
        parts[3].ptr = &i;
        const int rc = ike_prf_parts(prf, ctx, skeyid, parts, IKE_COUNT(parts), out + i * len);
        if (rc != IKE_OK) {
            ike_wipe(out, i * len);
            return rc;
        }
        parts[0] = ike_bytes_of(out + i * len, len);
    }
    return IKE_OK;
}

/* Expansion by feedback: K1 = prf(key, first), Kn = prf(key, Kn-1 | again). */
static int feedback(const ike_prf *prf, void *ctx, ike_bytes key, ike_bytes first, ike_bytes again, uint8_t *out, size_t len)
{
    const size_t block = prf->mac->len;
    uint8_t k[IKE_HASH_MAX];
    int rc = IKE_OK;
    for (size_t at = 0; rc == IKE_OK && at < len; at += block) {
        const ike_bytes parts[] = {at ? ike_bytes_of(k, block) : first, at ? again : ike_bytes_of(NULL, 0)};
        rc = ike_prf_parts(prf, ctx, key, parts, IKE_COUNT(parts), k);
        if (rc == IKE_OK) {
            memcpy(out + at, k, len - at < block ? len - at : block);
        }
    }
    if (rc != IKE_OK) {
        ike_wipe(out, len);
    }
    ike_wipe(k, sizeof k);
    return rc;
}

/* The weak and semi-weak keys of DES, without the parity bits (FIPS 74 section 3.6). */
static bool des_weak(const uint8_t *key)
{
    static const uint8_t weak[][DES_KEY] = {
        {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}, {0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe},
        {0x1e, 0x1e, 0x1e, 0x1e, 0x0e, 0x0e, 0x0e, 0x0e}, {0xe0, 0xe0, 0xe0, 0xe0, 0xf0, 0xf0, 0xf0, 0xf0},
        {0x00, 0x1e, 0x00, 0x1e, 0x00, 0x0e, 0x00, 0x0e}, {0x1e, 0x00, 0x1e, 0x00, 0x0e, 0x00, 0x0e, 0x00},
        {0x00, 0xe0, 0x00, 0xe0, 0x00, 0xf0, 0x00, 0xf0}, {0xe0, 0x00, 0xe0, 0x00, 0xf0, 0x00, 0xf0, 0x00},
        {0x00, 0xfe, 0x00, 0xfe, 0x00, 0xfe, 0x00, 0xfe}, {0xfe, 0x00, 0xfe, 0x00, 0xfe, 0x00, 0xfe, 0x00},
        {0x1e, 0xe0, 0x1e, 0xe0, 0x0e, 0xf0, 0x0e, 0xf0}, {0xe0, 0x1e, 0xe0, 0x1e, 0xf0, 0x0e, 0xf0, 0x0e},
        {0x1e, 0xfe, 0x1e, 0xfe, 0x0e, 0xfe, 0x0e, 0xfe}, {0xfe, 0x1e, 0xfe, 0x1e, 0xfe, 0x0e, 0xfe, 0x0e},
        {0xe0, 0xfe, 0xe0, 0xfe, 0xf0, 0xfe, 0xf0, 0xfe}, {0xfe, 0xe0, 0xfe, 0xe0, 0xfe, 0xf0, 0xfe, 0xf0},
    };
    bool found = false;
    for (size_t i = 0; i < IKE_COUNT(weak); i++) {
        uint8_t diff = 0;
        for (size_t k = 0; k < DES_KEY; k++) {
            diff |= (uint8_t)((key[k] ^ weak[i][k]) & 0xfe);
        }
        found |= diff == 0;
    }
    return found;
}

/* What is long enough is cut and not expanded (appendix B). For DES the next eight octets take the place of a weak key. */
int ike_v1_cipher_key(const ike_prf *prf, void *ctx, ike_bytes skeyid_e, const ike_encr *encr, uint8_t *out, size_t len)
{
    static const uint8_t zero;
    size_t at = 0;
    if (len > skeyid_e.len) {
        return feedback(prf, ctx, skeyid_e, ike_bytes_of(&zero, 1), ike_bytes_of(NULL, 0), out, len);
    }
    while (encr->id == ENCR_DES && len == DES_KEY && des_weak(skeyid_e.ptr + at)) {
        at += DES_KEY;
        if (at + DES_KEY > skeyid_e.len) {
            return IKE_ERR_CRYPTO;
        }
    }
    memcpy(out, skeyid_e.ptr + at, len);
    return IKE_OK;
}

int ike_v1_hash_auth(const ike_prf *prf, void *ctx, ike_bytes skeyid, ike_bytes g_own, ike_bytes g_peer, uint64_t cky_own,
                     uint64_t cky_peer, ike_bytes sai_b, ike_bytes id_b, uint8_t *out)
{
    uint8_t cky[16];
    const ike_bytes parts[] = {g_own, g_peer, cookies(cky, cky_own, cky_peer), sai_b, id_b};
    return ike_prf_parts(prf, ctx, skeyid, parts, IKE_COUNT(parts), out);
}

int ike_v1_hash(const ike_prf *prf, void *ctx, ike_bytes skeyid_a, uint32_t mid, ike_bytes ni, ike_bytes rest, uint8_t *out)
{
    uint8_t m[4];
    ike_store32(m, mid);
    const ike_bytes parts[] = {{m, sizeof m}, ni, rest};
    return ike_prf_parts(prf, ctx, skeyid_a, parts, IKE_COUNT(parts), out);
}

int ike_v1_hash3(const ike_prf *prf, void *ctx, ike_bytes skeyid_a, uint32_t mid, ike_bytes ni, ike_bytes nr, uint8_t *out)
{
    uint8_t m[5] = {0};
    ike_store32(m + 1, mid);
    const ike_bytes parts[] = {{m, sizeof m}, ni, nr};
    return ike_prf_parts(prf, ctx, skeyid_a, parts, IKE_COUNT(parts), out);
}

/* The seed is put together once, since the expansion goes over it in every block. */
int ike_v1_keymat(const ike_prf *prf, void *ctx, ike_bytes skeyid_d, ike_bytes shared, uint8_t protocol, uint32_t spi,
                  ike_bytes ni, ike_bytes nr, uint8_t *out, size_t len)
{
    uint8_t seed[IKE_SHARED_MAX + 5 + 512];
    struct ike_wr w = ike_wr(seed, sizeof seed);
    ike_wr_bytes(&w, shared);
    ike_wr_u8(&w, protocol);
    ike_wr_u32(&w, spi);
    ike_wr_bytes(&w, ni);
    ike_wr_bytes(&w, nr);
    const ike_bytes all = ike_bytes_of(seed, w.len);
    const int rc = w.bad ? IKE_ERR_INVALID : feedback(prf, ctx, skeyid_d, all, all, out, len);
    ike_wipe(seed, sizeof seed);
    return rc;
}

/* Both IVs are the beginning of a hash over two parts; every hash is longer than any block. */
static void iv_of(const ike_hash *hash, void *ctx, ike_bytes a, ike_bytes b, uint8_t *iv, size_t n)
{
    uint8_t sum[IKE_HASH_MAX];
    hash->init(ctx);
    hash->update(ctx, a.ptr, a.len);
    hash->update(ctx, b.ptr, b.len);
    hash->final(ctx, sum);
    memcpy(iv, sum, n);
    ike_wipe(ctx, hash->ctx_size);
}

void ike_v1_iv(const ike_hash *hash, void *ctx, ike_bytes g_xi, ike_bytes g_xr, uint8_t *iv, size_t n)
{
    iv_of(hash, ctx, g_xi, g_xr, iv, n);
}

void ike_v1_iv_next(const ike_hash *hash, void *ctx, ike_bytes last_block, uint32_t mid, uint8_t *iv, size_t n)
{
    uint8_t m[4];
    ike_store32(m, mid);
    iv_of(hash, ctx, last_block, ike_bytes_of(m, sizeof m), iv, n);
}

/* MD5 has no number among the hashes of RFC 7427, so the one with the length of the HMAC is taken. */
const ike_hash *ike_v1_hash_of(const ike_crypto *c, const ike_prf *prf)
{
    static const uint8_t hmacs[] = {1, 2, 5, 6, 7}; /* HMAC-MD5, -SHA1, -SHA2-256, -384, -512 */
    for (size_t i = 0; i < IKE_COUNT(hmacs); i++) {
        for (size_t k = 0; prf->id == hmacs[i] && c->hash[k] != NULL; k++) {
            if (c->hash[k]->len == prf->mac->len) {
                return c->hash[k];
            }
        }
    }
    return NULL;
}
