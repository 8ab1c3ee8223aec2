/* SPDX-License-Identifier: ISC
 *
 * hogweed: ECDSA with the NIST curves, in constant time where there is a secret. mbedTLS reads the keys; numbers and scratch are
 * limbs of ours, so that nothing goes through GMP's allocator.
 */
#include "base/bytes.h"
#include "crypto/mbedtls_key.h"
#include "crypto/nettle_curve.h"
#include "crypto/slots.h"

#include <nettle/ecdsa.h>

struct key {
    void *read; /* as mbedTLS has it */
    ike_allocator mem;
    const struct ike_ecc_curve *curve;
    bool secret;
    struct ike_ecc_scalar d;
    mp_limb_t q[2 * IKE_ECC_LIMBS_MAX]; /* x, then y */
};

static void drop(void *key, const ike_allocator *mem)
{
    struct key *k = key;
    ike_mbedtls_ecdsa.drop(k->read, mem);
    ike_wipe(k, sizeof *k);
    mem->release(mem->user, k, sizeof *k);
}

/* hogweed's check of a point allocates through GMP's functions; mbedTLS has made its own when it read the key. */
static bool take(struct key *k)
{
    uint8_t octets[2 * IKE_ECC_OCTETS_MAX];
    const struct ike_ecc_curve *c = k->curve;
    const size_t n = (size_t)ecc_size(c->get());
    if (!ike_mbedtls_ecdsa_public(k->read, octets)) {
        return false;
    }
    ike_gmp_load(k->q, n, octets, c->len);
    ike_gmp_load(k->q + n, n, octets + c->len, c->len);
    bool ok = !k->secret || (ike_mbedtls_ecdsa_secret(k->read, octets) && ike_ecc_load_private(c, &k->d, octets));
    ike_wipe(octets, sizeof octets);
    return ok;
}

static int read_key(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, void **key)
{
    void *read;
    int r = ike_mbedtls_ecdsa.read(mem, rng, secret, der, &read);
    *key = NULL;
    if (r != IKE_OK) {
        return r;
    }
    struct key *k = mem->alloc(mem->user, sizeof *k);
    if (!k) {
        ike_mbedtls_ecdsa.drop(read, mem);
        return IKE_ERR_NOMEM;
    }
    const unsigned bits = ike_mbedtls_ecdsa.bits(read);
    *k = (struct key){.read = read, .mem = *mem, .secret = secret};
    k->curve = bits == 256 ? &ike_ecc_p256 : bits == 384 ? &ike_ecc_p384 : &ike_ecc_p521;
    if (!take(k)) {
        drop(k, mem);
        return IKE_ERR_INVALID;
    }
    *key = k;
    return IKE_OK;
}

static unsigned bits(const void *key) { return ike_mbedtls_ecdsa.bits(((const struct key *)key)->read); }

static bool pair(const void *open, const void *secret, const ike_random *rng)
{
    return ike_mbedtls_ecdsa.pair(((const struct key *)open)->read, ((const struct key *)secret)->read, rng);
}

/* The nonce is drawn as a private value is: uniform, and never of a random source that failed. */
static int sign(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len)
{
    struct key *k = key;
    const struct ike_ecc_curve *c = k->curve;
    const struct ecc_curve *ecc = c->get();
    struct ike_ecc_scalar nonce = {0};
    uint8_t octets[IKE_ECC_OCTETS_MAX];
    mp_limb_t r[IKE_ECC_LIMBS_MAX], s[IKE_ECC_LIMBS_MAX];
    const size_t size = (size_t)ecc_ecdsa_sign_itch(ecc) * IKE_LIMB;
    mp_limb_t *scratch = k->secret ? k->mem.alloc(k->mem.user, size) : NULL;
    if (!scratch) {
        return k->secret ? IKE_ERR_NOMEM : IKE_ERR_CRYPTO;
    }
    int err = IKE_ERR_CRYPTO;
    if (ike_ecc_draw(c, rng, octets) == IKE_OK && ike_ecc_load_private(c, &nonce, octets)) {
        ecc_ecdsa_sign(ecc, k->d.limbs, nonce.limbs, data.len, data.ptr, r, s, scratch);
        ike_gmp_store(r, sig, c->len);
        ike_gmp_store(s, sig + c->len, c->len);
        err = ike_is_zero(sig, c->len) || ike_is_zero(sig + c->len, c->len) ? IKE_ERR_CRYPTO : IKE_OK;
    }
    *len = 2u * c->len;
    ike_wipe(octets, sizeof octets);
    ike_wipe(&nonce, sizeof nonce);
    ike_wipe(scratch, size);
    k->mem.release(k->mem.user, scratch, size);
    return err;
}

/* hogweed's addition of two different points does not know equal ones, which only somebody who has the private value can bring
 * about, and whose signature is then good nevertheless: what it refuses mbedTLS looks at. */
static int verify(void *key, ike_bytes data, ike_bytes sig)
{
    struct key *k = key;
    const struct ike_ecc_curve *c = k->curve;
    const struct ecc_curve *ecc = c->get();
    mp_limb_t r[IKE_ECC_LIMBS_MAX], s[IKE_ECC_LIMBS_MAX];
    if (sig.len != 2u * c->len) {
        return IKE_ERR_AUTH;
    }
    const size_t size = (size_t)ecc_ecdsa_verify_itch(ecc) * IKE_LIMB;
    mp_limb_t *scratch = k->mem.alloc(k->mem.user, size);
    if (!scratch) {
        return ike_mbedtls_ecdsa.verify(k->read, data, sig);
    }
    ike_gmp_load(r, IKE_ECC_LIMBS_MAX, sig.ptr, c->len);
    ike_gmp_load(s, IKE_ECC_LIMBS_MAX, sig.ptr + c->len, c->len);
    int ok = ecc_ecdsa_verify(ecc, k->q, data.len, data.ptr, r, s, scratch); /* 0 < r, s < order is seen there */
    k->mem.release(k->mem.user, scratch, size);
    return ok ? IKE_OK : ike_mbedtls_ecdsa.verify(k->read, data, sig);
}

const ike_sign ike_nettle_ecdsa = {IKE_KEY_ECDSA, "ECDSA", read_key, drop, bits, pair, sign, verify};
