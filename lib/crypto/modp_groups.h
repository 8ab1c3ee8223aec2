/* SPDX-License-Identifier: ISC
 *
 * The MODP groups, as every provider sees them.
 */
#ifndef IKE_CRYPTO_MODP_GROUPS_H
#define IKE_CRYPTO_MODP_GROUPS_H

#include "crypto/slots.h"

enum { IKE_MODP_MAX = 8192 / 8 };

/* A group of safe prime order with generator 2. Private values are exp_len octets: at least twice the group's strength by
 * RFC 3526 section 8 and RFC 3766, which makes them several times faster than exponents of full length. */
struct ike_modp {
    uint16_t id, len, exp_len;
    uint32_t c; /* the constant of RFC 2409 or RFC 3526 that makes the number a safe prime */
    const char *name;
};

extern const struct ike_modp ike_modp768, ike_modp1024, ike_modp1536;
extern const struct ike_modp ike_modp2048, ike_modp3072, ike_modp4096, ike_modp6144, ike_modp8192;

/* The prime, g->len octets, big-endian. Its last 64 bits are ones. */
void ike_modp_prime(const struct ike_modp *g, uint8_t *out);
/* 1 < y < p - 1 (RFC 6989 section 2.1). */
bool ike_modp_public_ok(const struct ike_modp *g, const uint8_t *y);

#endif
