/* SPDX-License-Identifier: ISC
 *
 * What other libraries that sign want to know of a key that mbedTLS has read: its slots (slots.h) stay the readers.
 */
#ifndef IKE_CRYPTO_MBEDTLS_KEY_H
#define IKE_CRYPTO_MBEDTLS_KEY_H

#include <ike/types.h>

enum ike_rsa_number { IKE_RSA_N, IKE_RSA_E, IKE_RSA_P, IKE_RSA_Q, IKE_RSA_DP, IKE_RSA_DQ, IKE_RSA_QP };

/* Of a key that ike_mbedtls_rsa has read; len octets, big-endian. False: it has no such number, or a longer one, or memory is
 * short. */
bool ike_mbedtls_rsa_number(void *key, enum ike_rsa_number which, uint8_t *out, size_t len);

/* Of a key that ike_mbedtls_ecdsa has read: the private value, or both coordinates, each as long as the curve's field. False: it
 * has none. */
bool ike_mbedtls_ecdsa_secret(void *key, uint8_t *out);
bool ike_mbedtls_ecdsa_public(void *key, uint8_t *out);

#endif
