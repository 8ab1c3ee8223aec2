/* SPDX-License-Identifier: ISC
 *
 * The differences between mbedTLS 2.28 and 3.x that concern lib/crypto, all in one place. 2.28 is what is tested.
 */
#ifndef IKE_CRYPTO_MBEDTLS_COMPAT_H
#define IKE_CRYPTO_MBEDTLS_COMPAT_H

#include <ike/types.h>
#include <mbedtls/version.h>

#include <mbedtls/md5.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

/* 3.0 dropped the suffix by which 2.x told functions with a result from those without. The results only report a hash
 * accelerator's failure, which a build in software does not have. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define ike_mbedtls_md5_starts    mbedtls_md5_starts
#define ike_mbedtls_md5_update    mbedtls_md5_update
#define ike_mbedtls_md5_finish    mbedtls_md5_finish
#define ike_mbedtls_sha1_starts   mbedtls_sha1_starts
#define ike_mbedtls_sha1_update   mbedtls_sha1_update
#define ike_mbedtls_sha1_finish   mbedtls_sha1_finish
#define ike_mbedtls_sha256_starts mbedtls_sha256_starts
#define ike_mbedtls_sha256_update mbedtls_sha256_update
#define ike_mbedtls_sha256_finish mbedtls_sha256_finish
#define ike_mbedtls_sha512_starts mbedtls_sha512_starts
#define ike_mbedtls_sha512_update mbedtls_sha512_update
#define ike_mbedtls_sha512_finish mbedtls_sha512_finish
#else
#define ike_mbedtls_md5_starts    mbedtls_md5_starts_ret
#define ike_mbedtls_md5_update    mbedtls_md5_update_ret
#define ike_mbedtls_md5_finish    mbedtls_md5_finish_ret
#define ike_mbedtls_sha1_starts   mbedtls_sha1_starts_ret
#define ike_mbedtls_sha1_update   mbedtls_sha1_update_ret
#define ike_mbedtls_sha1_finish   mbedtls_sha1_finish_ret
#define ike_mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define ike_mbedtls_sha256_update mbedtls_sha256_update_ret
#define ike_mbedtls_sha256_finish mbedtls_sha256_finish_ret
#define ike_mbedtls_sha512_starts mbedtls_sha512_starts_ret
#define ike_mbedtls_sha512_update mbedtls_sha512_update_ret
#define ike_mbedtls_sha512_finish mbedtls_sha512_finish_ret
#endif

/* 3.0 hid the fields of its structs, dropped the mode from RSA's functions, and takes a random source where a private key is read
 * or compared with another. */
typedef int ike_mbedtls_rng(void *, unsigned char *, size_t);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define IKE_MBEDTLS_MODE(mode)
#define IKE_MBEDTLS_RNG(f, p) , f, p
#define IKE_MBEDTLS_FIELD(f)  MBEDTLS_PRIVATE(f)
#else
#define IKE_MBEDTLS_MODE(mode) mode,
#define IKE_MBEDTLS_RNG(f, p)
#define IKE_MBEDTLS_FIELD(f) f
#endif

static inline mbedtls_ecp_group *ike_mbedtls_ec_group(mbedtls_ecp_keypair *k) { return &k->IKE_MBEDTLS_FIELD(grp); }
static inline const mbedtls_mpi *ike_mbedtls_ec_secret(const mbedtls_ecp_keypair *k) { return &k->IKE_MBEDTLS_FIELD(d); }
static inline const mbedtls_ecp_point *ike_mbedtls_ec_public(const mbedtls_ecp_keypair *k) { return &k->IKE_MBEDTLS_FIELD(Q); }
static inline mbedtls_ecp_group_id ike_mbedtls_ec_curve(mbedtls_ecp_keypair *k) { return k->IKE_MBEDTLS_FIELD(grp).id; }

static inline int ike_mbedtls_parse_key(mbedtls_pk_context *pk, const uint8_t *der, size_t n, ike_mbedtls_rng *f, void *rng)
{
    (void)f;
    (void)rng;
    return mbedtls_pk_parse_key(pk, der, n, NULL, 0 IKE_MBEDTLS_RNG(f, rng));
}

static inline bool ike_mbedtls_pair(const mbedtls_pk_context *open, const mbedtls_pk_context *secret, ike_mbedtls_rng *f,
                                    void *rng)
{
    (void)f;
    (void)rng;
    return mbedtls_pk_check_pair(open, secret IKE_MBEDTLS_RNG(f, rng)) == 0;
}

/* The padding is around the data alone, without a DigestInfo. */
static inline int ike_mbedtls_rsa_sign(mbedtls_rsa_context *rsa, ike_mbedtls_rng *f, void *rng, ike_bytes data, uint8_t *sig)
{
    return mbedtls_rsa_pkcs1_sign(rsa, f, rng, IKE_MBEDTLS_MODE(MBEDTLS_RSA_PRIVATE) MBEDTLS_MD_NONE, (unsigned)data.len,
                                  data.ptr, sig);
}

static inline int ike_mbedtls_rsa_verify(mbedtls_rsa_context *rsa, ike_bytes data, const uint8_t *sig)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_rsa_pkcs1_verify(rsa, MBEDTLS_MD_NONE, (unsigned)data.len, data.ptr, sig);
#else
    return mbedtls_rsa_pkcs1_verify(rsa, NULL, NULL, MBEDTLS_RSA_PUBLIC, MBEDTLS_MD_NONE, (unsigned)data.len, data.ptr, sig);
#endif
}

#endif
