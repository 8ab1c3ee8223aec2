/* SPDX-License-Identifier: ISC
 *
 * nettle: CBC mode over its ciphers with blocks of 8 octets (RFC 2451), which differ in the key set-up alone.
 */
#ifndef IKE_CRYPTO_NETTLE_CBC8_H
#define IKE_CRYPTO_NETTLE_CBC8_H

#include "crypto/legacy.h"

#include <nettle/nettle-types.h>

enum { IKE_CBC8_BLOCK = 8 };

/* Every such context begins with this; nettle's own follows at once. */
struct ike_nettle_cbc8 {
    nettle_cipher_func *run; /* of the direction this context is keyed for */
    bool encrypt;
    uint8_t pad[16 - sizeof(nettle_cipher_func *) - sizeof(bool)];
};

int ike_nettle_cbc8_seal(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv);
int ike_nettle_cbc8_open(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n,
                         const uint8_t *icv);

/* The descriptor of a cipher whose struct NAME is the head and nettle's context, and whose init and clear stand above it. */
#define IKE_NETTLE_CBC8(SLOT, ID, NAME, ...)                                                                                     \
    const ike_encr ike_nettle_##SLOT = {.id = ID,                                                                                \
                                        .name = NAME,                                                                            \
                                        .iv_len = IKE_CBC8_BLOCK,                                                                \
                                        .block = IKE_CBC8_BLOCK,                                                                 \
                                        .constant_time = ike_by_tables,                                                          \
                                        .ctx_size = sizeof(struct SLOT),                                                         \
                                        .init = SLOT##_init,                                                                     \
                                        .seal = ike_nettle_cbc8_seal,                                                            \
                                        .open = ike_nettle_cbc8_open,                                                            \
                                        .clear = SLOT##_clear,                                                                   \
                                        __VA_ARGS__}

#endif
