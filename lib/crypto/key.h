/* SPDX-License-Identifier: ISC
 *
 * Signature keys from the forms people keep them in: PEM or DER; of a certificate the public key counts.
 */
#ifndef IKE_CRYPTO_KEY_H
#define IKE_CRYPTO_KEY_H

#include <ike/crypto.h>

struct ike_key {
    const ike_sign *alg; /* NULL: no key */
    void *state;
};

/* The first private key, or (secret false) the first certificate or public key that `text` holds. IKE_ERR_INVALID: there is none
 * of these, or it is broken; IKE_ERR_UNSUPPORTED: no slot of `c` serves it; IKE_ERR_NOMEM. */
int ike_key_read(const ike_crypto *c, const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes text,
                 struct ike_key *out);
void ike_key_drop(struct ike_key *k, const ike_allocator *mem);

/* The DER of the certificate in `text`, for the wire. *out is NULL if what is there is a mere public key; released with *room. */
int ike_key_certificate(const ike_allocator *mem, ike_bytes text, uint8_t **out, size_t *len, size_t *room);

#endif
