/* SPDX-License-Identifier: ISC
 *
 * The differences between mbedTLS 2.28 and 3.x that concern lib/crypto, all in one place. 2.28 is what is tested.
 */
#ifndef IKE_CRYPTO_MBEDTLS_COMPAT_H
#define IKE_CRYPTO_MBEDTLS_COMPAT_H

#include <mbedtls/version.h>

#include <mbedtls/md5.h>
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

#endif
