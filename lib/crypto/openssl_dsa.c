/* SPDX-License-Identifier: ISC
 *
 * OpenSSL: DSA (FIPS 186), which IKEv1 calls DSS. Its random source is OpenSSL's own: a signature's nonce is made of that.
 */
#include "base/bytes.h"
#include "crypto/openssl.h"

#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* 160 bits of order is what DSS has room for in IKEv1 (RFC 2409 section 5.1); a modulus of less than 1024 bits is no protection.
 */
enum { MODULUS_MIN = 1024, MODULUS_MAX = 4096, ORDER = 160, HALF = ORDER / 8 };

static unsigned order_bits(const EVP_PKEY *k)
{
    BIGNUM *q = NULL;
    unsigned n = EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_FFC_Q, &q) ? (unsigned)BN_num_bits(q) : 0;
    BN_free(q);
    return n;
}

static int read(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, void **key)
{
    const uint8_t *at = der.ptr;
    (void)mem;
    (void)rng;
    ike_openssl_begin();
    EVP_PKEY *k = secret ? d2i_AutoPrivateKey(NULL, &at, (long)der.len) : d2i_PUBKEY(NULL, &at, (long)der.len);
    int r = !k                                        ? IKE_ERR_INVALID
            : EVP_PKEY_get_base_id(k) != EVP_PKEY_DSA ? IKE_ERR_UNSUPPORTED
            : order_bits(k) != ORDER                  ? IKE_ERR_UNSUPPORTED
            : EVP_PKEY_get_bits(k) < MODULUS_MIN      ? IKE_ERR_UNSUPPORTED
            : EVP_PKEY_get_bits(k) > MODULUS_MAX      ? IKE_ERR_UNSUPPORTED
                                                      : IKE_OK;
    if (r != IKE_OK) {
        EVP_PKEY_free(k);
        k = NULL;
    }
    ike_openssl_end();
    *key = k;
    return r;
}

static void drop(void *key, const ike_allocator *mem)
{
    (void)mem;
    EVP_PKEY_free(key);
}

static unsigned bits(const void *key) { return (unsigned)EVP_PKEY_get_bits(key); }

static bool pair(const void *open, const void *secret, const ike_random *rng)
{
    (void)rng;
    ike_openssl_begin();
    bool same = EVP_PKEY_eq(open, secret) == 1;
    ike_openssl_end();
    return same;
}

/* r | s, out of the DER that OpenSSL makes. */
static bool split(const uint8_t *der, size_t n, uint8_t *sig)
{
    const uint8_t *at = der;
    DSA_SIG *s = d2i_DSA_SIG(NULL, &at, (long)n);
    const BIGNUM *r = NULL, *t = NULL;
    if (s) {
        DSA_SIG_get0(s, &r, &t);
    }
    bool ok = s && BN_bn2binpad(r, sig, HALF) == HALF && BN_bn2binpad(t, sig + HALF, HALF) == HALF;
    DSA_SIG_free(s);
    return ok;
}

static int sign(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len)
{
    uint8_t der[2 * HALF + 16];
    size_t n = sizeof der;
    ike_openssl_begin();
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
    (void)rng;
    bool ok = c && EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_sign(c, der, &n, data.ptr, data.len) == 1 && split(der, n, sig);
    EVP_PKEY_CTX_free(c);
    ike_openssl_end();
    *len = 2 * HALF;
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

/* DER of r | s; the number of its octets, 0 if there is no memory. */
static int join(ike_bytes sig, uint8_t **der)
{
    DSA_SIG *s = DSA_SIG_new();
    BIGNUM *r = BN_bin2bn(sig.ptr, HALF, NULL), *t = BN_bin2bn(sig.ptr + HALF, HALF, NULL);
    int n = 0;
    if (s && r && t && DSA_SIG_set0(s, r, t) == 1) {
        n = i2d_DSA_SIG(s, der);
    } else {
        BN_free(r);
        BN_free(t);
    }
    DSA_SIG_free(s);
    return n > 0 ? n : 0;
}

static int verify(void *key, ike_bytes data, ike_bytes sig)
{
    uint8_t *der = NULL;
    ike_openssl_begin();
    int n = sig.len == 2 * HALF ? join(sig, &der) : 0;
    EVP_PKEY_CTX *c = n ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool ok = c && EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_verify(c, der, (size_t)n, data.ptr, data.len) == 1;
    EVP_PKEY_CTX_free(c);
    OPENSSL_free(der);
    ike_openssl_end();
    return ok ? IKE_OK : IKE_ERR_AUTH;
}

const ike_sign ike_openssl_dsa = {IKE_KEY_DSA, "DSA", read, drop, bits, pair, sign, verify};
