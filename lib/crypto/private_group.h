/* SPDX-License-Identifier: ISC
 *
 * A MODP group that two peers have agreed on by New Group Mode (RFC 2409 section 5.6).
 */
#ifndef IKE_CRYPTO_PRIVATE_GROUP_H
#define IKE_CRYPTO_PRIVATE_GROUP_H

#include "base/bytes.h"
#include <ike/crypto.h>

/* Ids for private use (RFC 2409 appendix A). */
#define IKE_KE_PRIVATE 32768

/* Octets of a prime, and of a private value: twice the strength of the longest prime (RFC 3526 section 8). The bound above is
 * for what the checks cost, which a peer can have us do. */
enum { IKE_GROUP_PRIME_MIN = 2048 / 8, IKE_GROUP_PRIME_MAX = 4096 / 8, IKE_GROUP_EXP = 352 / 8 };

struct ike_private_group {
    ike_ke ke; /* first: the group is the state of its own functions */
    const ike_crypto *crypto;
    const ike_allocator *mem;
    size_t len;
    uint8_t octets[]; /* prime and generator, len octets each */
};

/* Only if the prime p is a safe one of 2048 to 4096 bits, and 1 < generator < p - 1. To find out costs some twenty powers modulo
 * p. `mem` has to stay where it is. IKE_ERR_INVALID: it is no such group; IKE_ERR_UNSUPPORTED: `crypto` has no `power`;
 * IKE_ERR_NOMEM, or what rng says. */
int ike_private_group_new(struct ike_private_group **out, const ike_crypto *crypto, const ike_allocator *mem,
                          const ike_random *rng, uint16_t id, ike_bytes prime, ike_bytes generator);
static inline ike_bytes ike_private_group_prime(const struct ike_private_group *g) { return ike_bytes_of(g->octets, g->len); }
static inline ike_bytes ike_private_group_generator(const struct ike_private_group *g)
{
    return ike_bytes_of(g->octets + g->len, g->len);
}
void ike_private_group_free(struct ike_private_group *g); /* NULL is fine */
/* Whether it is just this one; numbers may have zeros before them. */
bool ike_private_group_is(const struct ike_private_group *g, uint16_t id, ike_bytes prime, ike_bytes generator);

#endif
