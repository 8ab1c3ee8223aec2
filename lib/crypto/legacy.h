/* SPDX-License-Identifier: ISC
 *
 * The descriptors that only the provider `legacy` lists.
 */
#ifndef IKE_CRYPTO_LEGACY_H
#define IKE_CRYPTO_LEGACY_H

#include "crypto/slots.h"

extern const ike_crypto ike_crypto_legacy;
extern const ike_ke ike_legacy_ec2n155, ike_legacy_ec2n185;

extern const ike_encr ike_mbedtls_des, ike_mbedtls_blowfish;
extern const ike_hash ike_mbedtls_md5;
extern const ike_prf ike_mbedtls_prf_md5;
extern const ike_integ ike_mbedtls_integ_md5;

#ifdef IKE_HAVE_NETTLE
extern const ike_encr ike_nettle_des, ike_nettle_cast128, ike_nettle_blowfish;
extern const ike_hash ike_nettle_md5;
extern const ike_prf ike_nettle_prf_md5;
extern const ike_integ ike_nettle_integ_md5;
#endif

#endif
