/* SPDX-License-Identifier: ISC
 *
 * HMAC (RFC 2104) over any ike_hash. The states behind the inner and the outer key block are kept, so one more MAC under the
 * same key costs the message and one block, not the key: that is what prf+ and AUTH computations do most.
 */
#ifndef IKE_CRYPTO_HMAC_H
#define IKE_CRYPTO_HMAC_H

#include <ike/crypto.h>

/* Every hash context here is a flat struct, so a state is copied octet by octet; its size is rounded up to keep alignment. */
#define IKE_HMAC_STEP(hash_ctx) (((hash_ctx) + 15u) & ~(size_t)15)
#define IKE_HMAC_CTX(hash_ctx)  (16 + 3 * IKE_HMAC_STEP(hash_ctx))

/* ctx has IKE_HMAC_CTX octets of the hash's context size, 16-aligned, and is the caller's to wipe. */
int ike_hmac_init(void *ctx, const ike_hash *hash, const uint8_t *key, size_t n);
void ike_hmac_update(void *ctx, const void *data, size_t n);
void ike_hmac_final(void *ctx, uint8_t *out);

#endif
