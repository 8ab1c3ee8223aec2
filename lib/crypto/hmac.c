/* SPDX-License-Identifier: ISC
 *
 * HMAC over any ike_hash, with both key blocks hashed once.
 */
#include "crypto/hmac.h"

#include "base/bytes.h"

struct hmac {
    const ike_hash *hash;
    uint8_t pad[16 - sizeof(const ike_hash *)]; /* keeps the states behind it on multiples of 16 */
    /* three hash states follow: running, inner, outer */
};

_Static_assert(sizeof(struct hmac) == 16, "IKE_HMAC_CTX counts on a head of 16 octets");

/* The states are sized by the hash, so their places can only be computed. */
static uint8_t *state(struct hmac *c, size_t i) { return (uint8_t *)(c + 1) + i * IKE_HMAC_STEP(c->hash->ctx_size); }

/* `mask` turns the block in place: the second call passes 0x36 ^ 0x5c, which takes the first mask off again. */
static void absorb_key(struct hmac *c, size_t i, uint8_t *block, size_t size, uint8_t mask)
{
    for (size_t k = 0; k < size; k++) {
        block[k] ^= mask;
    }
    c->hash->init(state(c, i));
    c->hash->update(state(c, i), block, size);
}

/* Never fails; the result is there for PRFs that can. */
int ike_hmac_init(void *ctx, const ike_hash *hash, const uint8_t *key, size_t n)
{
    struct hmac *c = ctx;
    c->hash = hash;
    /* FIPS 180-4: the hashes up to 256 bits work on blocks of 64 octets, the longer ones on 128. */
    const size_t size = hash->len <= 32 ? 64 : 128;
    uint8_t block[128] = {0};
    /* RFC 2104 section 2: a key longer than a block is hashed first, a shorter one ends in zeros. */
    if (n > size) {
        hash->init(state(c, 0));
        hash->update(state(c, 0), key, n);
        hash->final(state(c, 0), block);
    } else if (n) {
        memcpy(block, key, n);
    }
    absorb_key(c, 1, block, size, 0x36);
    absorb_key(c, 2, block, size, 0x36 ^ 0x5c);
    ike_wipe(block, size);
    /* Keyed and ready, as after each final. */
    memcpy(state(c, 0), state(c, 1), hash->ctx_size);
    return IKE_OK;
}

void ike_hmac_update(void *ctx, const void *data, size_t n)
{
    struct hmac *c = ctx;
    c->hash->update(state(c, 0), data, n);
}

/* `out` serves as room for the inner hash, so it must have the full length even where the caller truncates. */
void ike_hmac_final(void *ctx, uint8_t *out)
{
    struct hmac *c = ctx;
    const ike_hash *h = c->hash;
    h->final(state(c, 0), out);
    memcpy(state(c, 0), state(c, 2), h->ctx_size);
    h->update(state(c, 0), out, h->len);
    h->final(state(c, 0), out);
    /* Keyed again: what prf+ counts on. */
    memcpy(state(c, 0), state(c, 1), h->ctx_size);
}
