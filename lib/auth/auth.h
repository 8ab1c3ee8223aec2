/* SPDX-License-Identifier: ISC
 *
 * Authentication methods (RFC 7296 section 2.15, registry in 3.8). A method is one row of a table: how it proves and how it
 * checks the octets a side signs.
 */
#ifndef IKE_AUTH_AUTH_H
#define IKE_AUTH_AUTH_H

#include "base/bytes.h"
#include <ike/crypto.h>

enum ike_auth_method_id { IKE_AUTH_SHARED_KEY = 2 };

/* <SignedOctets> of one side: its first message, the other's nonce, and prf(SK_p, its ID payload body). */
struct ike_signed {
    const ike_prf *prf;
    void *ctx; /* scratch of prf->mac->ctx_size */
    ike_bytes message, nonce, sk_p, id;
};

struct ike_auth_method {
    uint8_t id;
    const char *name;
    /* Write the AUTH data (at most IKE_HASH_MAX octets for a MAC); *len is set. */
    int (*prove)(const struct ike_signed *s, ike_bytes secret, uint8_t *out, size_t *len);
    /* IKE_OK or IKE_ERR_AUTH; in constant time. */
    int (*check)(const struct ike_signed *s, ike_bytes secret, ike_bytes auth);
};

/* NULL: not known. */
const struct ike_auth_method *ike_auth_method(uint8_t id);
extern const struct ike_auth_method ike_auth_psk;

#endif
