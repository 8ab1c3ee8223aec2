/* SPDX-License-Identifier: ISC
 *
 * The IANA numbers of what lib/crypto offers (registries "Internet Key Exchange Version 2 (IKEv2) Parameters").
 */
#ifndef IKE_CRYPTO_IDS_H
#define IKE_CRYPTO_IDS_H

enum { ENCR_DES = 2, ENCR_3DES = 3, ENCR_CAST = 6, ENCR_BLOWFISH = 7 };
enum { ENCR_AES_CBC = 12, ENCR_AES_GCM_8 = 18, ENCR_AES_GCM_12 = 19, ENCR_AES_GCM_16 = 20, ENCR_CHACHA20_POLY1305 = 28 };
enum { PRF_HMAC_MD5 = 1, PRF_HMAC_SHA1 = 2, PRF_HMAC_SHA2_256 = 5, PRF_HMAC_SHA2_384 = 6, PRF_HMAC_SHA2_512 = 7 };
enum {
    AUTH_HMAC_MD5_96 = 1,
    AUTH_HMAC_SHA1_96 = 2,
    AUTH_HMAC_SHA2_256_128 = 12,
    AUTH_HMAC_SHA2_384_192 = 13,
    AUTH_HMAC_SHA2_512_256 = 14
};
enum { HASH_SHA1 = 1, HASH_SHA2_256 = 2, HASH_SHA2_384 = 3, HASH_SHA2_512 = 4 };
enum {
    KE_MODP_768 = 1,
    KE_MODP_1024 = 2,
    KE_EC2N_155 = 3,
    KE_EC2N_185 = 4,
    KE_MODP_1536 = 5,
    KE_MODP_2048 = 14,
    KE_MODP_3072 = 15,
    KE_MODP_4096 = 16,
    KE_MODP_6144 = 17,
    KE_MODP_8192 = 18,
    KE_ECP_256 = 19,
    KE_ECP_384 = 20,
    KE_ECP_521 = 21,
    KE_ECP_192 = 25,
    KE_ECP_224 = 26,
    KE_ECP_224_BP = 27,
    KE_ECP_256_BP = 28,
    KE_ECP_384_BP = 29,
    KE_ECP_512_BP = 30,
    KE_X25519 = 31,
    KE_X448 = 32
};

#endif
