/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: RSA by CRT, blinded and checked before it leaves (a fault would give the key away), and ECDSA with the NIST curves.
 * It allocates through mbedtls_calloc.
 */
#include "base/bytes.h"
#include "crypto/mbedtls_compat.h"
#include "crypto/mbedtls_key.h"
#include "crypto/mbedtls_random.h"
#include "crypto/slots.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>
#include <string.h>

enum { RSA_MIN = 1024, RSA_MAX = IKE_SIG_MAX * 8, ORDER_MAX = 66 };

struct key {
    mbedtls_pk_context pk;
};

/* What failed for want of memory is worth another try; of the rest only the caller knows what it was to be. */
static int result_of(int error)
{
    switch (error) {
    case 0:
        return IKE_OK;
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
    case MBEDTLS_ERR_ECP_ALLOC_FAILED:
        return IKE_ERR_NOMEM;
    case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
    case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
    case MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE:
        return IKE_ERR_UNSUPPORTED;
    default:
        return IKE_ERR_INVALID;
    }
}

static void drop(void *key, const ike_allocator *mem)
{
    struct key *k = key;
    mbedtls_pk_free(&k->pk); /* wipes */
    mem->release(mem->user, k, sizeof *k);
}

static unsigned bits(const void *key) { return (unsigned)mbedtls_pk_get_bitlen(&((const struct key *)key)->pk); }

static bool pair(const void *open, const void *secret, const ike_random *rng)
{
    ike_random lent = *rng;
    return ike_mbedtls_pair(&((const struct key *)open)->pk, &((const struct key *)secret)->pk, ike_mbedtls_random, &lent);
}

/* Parsing finds out what kind it is, so a key of the other kind has been read when it is refused. */
static int parse(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, mbedtls_pk_type_t type,
                 struct key **out)
{
    struct key *k = mem->alloc(mem->user, sizeof *k);
    if (!k) {
        return IKE_ERR_NOMEM;
    }
    ike_random lent = *rng;
    mbedtls_pk_init(&k->pk);
    int r = result_of(secret ? ike_mbedtls_parse_key(&k->pk, der.ptr, der.len, ike_mbedtls_random, &lent)
                             : mbedtls_pk_parse_public_key(&k->pk, der.ptr, der.len));
    if (r == IKE_OK && mbedtls_pk_get_type(&k->pk) != type) {
        r = IKE_ERR_UNSUPPORTED;
    }
    if (r != IKE_OK) {
        drop(k, mem);
        return r;
    }
    *out = k;
    return IKE_OK;
}

/* ---- RSA ------------------------------------------------------------------------------------------------------------------- */

static int read_rsa(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, void **key)
{
    struct key *k;
    int r = parse(mem, rng, secret, der, MBEDTLS_PK_RSA, &k);
    if (r == IKE_OK && (bits(k) < RSA_MIN || bits(k) > RSA_MAX)) {
        drop(k, mem);
        r = IKE_ERR_UNSUPPORTED;
    }
    *key = r == IKE_OK ? k : NULL;
    return r;
}

static int sign_rsa(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len)
{
    mbedtls_rsa_context *rsa = mbedtls_pk_rsa(((struct key *)key)->pk);
    ike_random lent = *rng;
    *len = mbedtls_rsa_get_len(rsa);
    return ike_mbedtls_rsa_sign(rsa, ike_mbedtls_random, &lent, data, sig) == 0 ? IKE_OK : IKE_ERR_CRYPTO;
}

/* The padding is made anew and compared as a whole, so nothing can hide in it. */
static int verify_rsa(void *key, ike_bytes data, ike_bytes sig)
{
    mbedtls_rsa_context *rsa = mbedtls_pk_rsa(((struct key *)key)->pk);
    return sig.len == mbedtls_rsa_get_len(rsa) && ike_mbedtls_rsa_verify(rsa, data, sig.ptr) == 0 ? IKE_OK : IKE_ERR_AUTH;
}

bool ike_mbedtls_rsa_number(void *key, enum ike_rsa_number which, uint8_t *out, size_t len)
{
    const mbedtls_rsa_context *rsa = mbedtls_pk_rsa(((struct key *)key)->pk);
    mbedtls_mpi x;
    mbedtls_mpi_init(&x);
    int r;
    switch (which) {
    case IKE_RSA_N:
        r = mbedtls_rsa_export(rsa, &x, NULL, NULL, NULL, NULL);
        break;
    case IKE_RSA_E:
        r = mbedtls_rsa_export(rsa, NULL, NULL, NULL, NULL, &x);
        break;
    case IKE_RSA_P:
        r = mbedtls_rsa_export(rsa, NULL, &x, NULL, NULL, NULL);
        break;
    case IKE_RSA_Q:
        r = mbedtls_rsa_export(rsa, NULL, NULL, &x, NULL, NULL);
        break;
    case IKE_RSA_DP:
        r = mbedtls_rsa_export_crt(rsa, &x, NULL, NULL);
        break;
    case IKE_RSA_DQ:
        r = mbedtls_rsa_export_crt(rsa, NULL, &x, NULL);
        break;
    default:
        r = mbedtls_rsa_export_crt(rsa, NULL, NULL, &x);
        break;
    }
    r = r == 0 ? mbedtls_mpi_write_binary(&x, out, len) : r;
    mbedtls_mpi_free(&x); /* wipes */
    return r == 0;
}

const ike_sign ike_mbedtls_rsa = {IKE_KEY_RSA, "RSA", read_rsa, drop, bits, pair, sign_rsa, verify_rsa};

/* ---- ECDSA ----------------------------------------------------------------------------------------------------------------- */

static int read_ecdsa(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, void **key)
{
    struct key *k;
    int r = parse(mem, rng, secret, der, MBEDTLS_PK_ECKEY, &k);
    if (r == IKE_OK) {
        mbedtls_ecp_group_id id = ike_mbedtls_ec_curve(mbedtls_pk_ec(k->pk));
        if (id != MBEDTLS_ECP_DP_SECP256R1 && id != MBEDTLS_ECP_DP_SECP384R1 && id != MBEDTLS_ECP_DP_SECP521R1) {
            drop(k, mem);
            r = IKE_ERR_UNSUPPORTED;
        }
    }
    *key = r == IKE_OK ? k : NULL;
    return r;
}

static int sign_ecdsa(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len)
{
    mbedtls_ecp_keypair *ec = mbedtls_pk_ec(((struct key *)key)->pk);
    size_t n = (bits(key) + 7) / 8;
    ike_random lent = *rng;
    mbedtls_mpi r, s;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    bool ok = mbedtls_ecdsa_sign(ike_mbedtls_ec_group(ec), &r, &s, ike_mbedtls_ec_secret(ec), data.ptr, data.len,
                                 ike_mbedtls_random, &lent) == 0 &&
              mbedtls_mpi_write_binary(&r, sig, n) == 0 && mbedtls_mpi_write_binary(&s, sig + n, n) == 0;
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    *len = 2 * n;
    return ok ? IKE_OK : IKE_ERR_CRYPTO;
}

static int verify_ecdsa(void *key, ike_bytes data, ike_bytes sig)
{
    mbedtls_ecp_keypair *ec = mbedtls_pk_ec(((struct key *)key)->pk);
    size_t n = (bits(key) + 7) / 8;
    mbedtls_mpi r, s;
    if (sig.len != 2 * n) {
        return IKE_ERR_AUTH;
    }
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    bool ok = mbedtls_mpi_read_binary(&r, sig.ptr, n) == 0 && mbedtls_mpi_read_binary(&s, sig.ptr + n, n) == 0 &&
              mbedtls_ecdsa_verify(ike_mbedtls_ec_group(ec), data.ptr, data.len, ike_mbedtls_ec_public(ec), &r, &s) == 0;
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    return ok ? IKE_OK : IKE_ERR_AUTH;
}

bool ike_mbedtls_ecdsa_secret(void *key, uint8_t *out)
{
    mbedtls_ecp_keypair *ec = mbedtls_pk_ec(((struct key *)key)->pk);
    return mbedtls_mpi_write_binary(ike_mbedtls_ec_secret(ec), out, (bits(key) + 7) / 8) == 0;
}

bool ike_mbedtls_ecdsa_public(void *key, uint8_t *out)
{
    mbedtls_ecp_keypair *ec = mbedtls_pk_ec(((struct key *)key)->pk);
    uint8_t octets[2 * ORDER_MAX + 1]; /* 4 before an uncompressed point */
    size_t len = 0, n = (bits(key) + 7) / 8;
    if (mbedtls_ecp_point_write_binary(ike_mbedtls_ec_group(ec), ike_mbedtls_ec_public(ec), MBEDTLS_ECP_PF_UNCOMPRESSED, &len,
                                       octets, sizeof octets) != 0 ||
        len != 2 * n + 1) {
        return false;
    }
    memcpy(out, octets + 1, 2 * n);
    return true;
}

const ike_sign ike_mbedtls_ecdsa = {IKE_KEY_ECDSA, "ECDSA", read_ecdsa, drop, bits, pair, sign_ecdsa, verify_ecdsa};
