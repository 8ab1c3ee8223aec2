/* SPDX-License-Identifier: ISC
 *
 * ike/crypto.h - algorithm descriptors.
 *
 * The engine does no arithmetic of its own: it is given an ike_crypto, six NULL-ended arrays of const descriptors in
 * preference order. The first descriptor with the wanted transform id serves it. What is not listed is not linked.
 *
 * Contexts are caller-allocated blocks of ctx_size octets, aligned to 16. Unless a provider says otherwise in
 * docs/architecture.md no function allocates. Every function may be used from any thread with its own context.
 * Functions return IKE_OK or a negative ike_error.
 */
#ifndef IKE_CRYPTO_H
#define IKE_CRYPTO_H

#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The host's random source, lent to operations that need blinding or key generation. Must be a CSPRNG; IKE_OK or an error. */
typedef struct ike_random {
    int (*fill)(void *user, uint8_t *out, size_t n);
    void *user;
} ike_random;

/* The host's allocator, lent to key-exchange state (tables). Blocks are aligned as malloc's (to 8 at least). release
 * gets the size that was asked for; it must wipe nothing: the library wipes secrets before it releases. */
typedef struct ike_allocator {
    void *(*alloc)(void *user, size_t n);
    void (*release)(void *user, void *p, size_t n);
    void *user;
} ike_allocator;

#define IKE_HASH_MAX 64    /* longest hash or MAC output, octets */
#define IKE_KEY_MAX 68     /* longest cipher key with salt */
#define IKE_ICV_MAX 32     /* longest truncated integrity value or AEAD tag */
#define IKE_IV_MAX 16      /* longest explicit IV */
#define IKE_KE_MAX 1568    /* longest KE payload data (MODP-8192: 1024; ML-KEM-1024: 1568) */
#define IKE_SHARED_MAX 1024 /* longest shared secret (MODP-8192) */
#define IKE_PRIVATE_MAX 3200 /* longest private state of a key exchange */

/* A hash. id: IANA hash algorithm of RFC 7427 (1 SHA-1, 2 SHA2-256, 3 SHA2-384, 4 SHA2-512). That registry has none for MD5,
 * which IKEv1 needs: IKE_HASH_MD5 is from the range for private use, stands in no message, and is announced to nobody. */
#define IKE_HASH_MD5 1025

typedef struct ike_hash {
    uint16_t id;
    uint16_t len; /* output octets */
    const char *name;
    size_t ctx_size;
    void (*init)(void *ctx);
    void (*update)(void *ctx, const void *data, size_t n);
    void (*final)(void *ctx, uint8_t *out); /* the context may be init'ed again */
} ike_hash;

/* A keyed hash as used by PRFs and integrity transforms. final() leaves the context keyed as after init(), so prf+ pays for
 * the key once. Keys of any length are accepted. */
typedef struct ike_mac {
    uint16_t len; /* full output octets */
    const char *name;
    size_t ctx_size;
    int (*init)(void *ctx, const uint8_t *key, size_t n);
    void (*update)(void *ctx, const void *data, size_t n);
    void (*final)(void *ctx, uint8_t *out);
} ike_mac;

/* Transform type 2. key_len is the preferred key size (RFC 7296 section 2.13). */
typedef struct ike_prf {
    uint16_t id;
    uint16_t key_len;
    const ike_mac *mac;
} ike_prf;

/* Transform type 3. */
typedef struct ike_integ {
    uint16_t id;
    uint16_t key_len, icv_len;
    const ike_mac *mac;
} ike_integ;

/* Transform type 1, AEAD or block cipher in CBC mode.
 * Key material on the wire order is key octets then salt octets (salt_len last); init() gets both together.
 * seal/open work in place on `data` of n octets. For an AEAD `iv` is the explicit IV (iv_len octets), the nonce is
 * salt | iv, and the tag of icv_len octets is written to / checked at `icv`; open() returns IKE_ERR_CRYPTO on a wrong tag and
 * then leaves data undefined. For CBC aad is ignored, icv is NULL and n is a multiple of block. */
typedef struct ike_encr {
    uint16_t id;
    const char *name;
    uint16_t key_bits[4]; /* supported sizes, 0-ended. With fixed_key the transform carries no Key Length attribute. */
    bool fixed_key, aead;
    uint8_t salt_len, iv_len, icv_len, block; /* icv_len 0 and block 16 or 8 for CBC; block 1 for AEAD */
    /* NULL: always. Otherwise whether it runs on this CPU without secret-dependent tables. Where it does not, the engine
     * leaves it out unless the host allows it (ike_settings.allow_variable_time). The ciphers of 64-bit blocks go by tables on
     * every CPU, so they need three words: a host that lists them, its leave, and a connection that names them. */
    bool (*constant_time)(void);
    size_t ctx_size;
    /* IKE_ERR_INVALID: no key size of this cipher. IKE_ERR_CRYPTO: a weak key of DES (RFC 2405 section 3.2); take another. */
    int (*init)(void *ctx, const uint8_t *key, size_t n, bool encrypt);
    int (*seal)(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, uint8_t *icv);
    int (*open)(void *ctx, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *data, size_t n, const uint8_t *icv);
    void (*clear)(void *ctx); /* wipe; also frees what init allocated */
    bool (*usable)(void);     /* NULL: always; otherwise whether this CPU can run it */
} ike_encr;

/* Transform type 4 (and 6-12), in the shape of a KEM. Sizes are exact: a KE payload of another length is refused before any
 * call. `state` is what open() returned for this engine, or NULL.
 *
 *   initiate   draws a private value, writes public data of public_len
 *   check      whether the other side's public data is acceptable (range, on curve); cheap
 *   respond    takes the initiator's data and writes the answer and the shared secret. NULL for a Diffie-Hellman group:
 *              there the responder uses initiate and finish, so that the engine may defer the costly part
 *   finish     the shared secret from a private value and the other side's data; refuses results RFC 8031 and others forbid
 */
typedef struct ike_ke {
    uint16_t id;
    const char *name;
    uint16_t public_len_i, public_len_r, shared_len, private_len;
    void *(*open)(const ike_allocator *mem);
    void (*close)(void *state, const ike_allocator *mem);
    int (*initiate)(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub);
    int (*check)(void *state, const uint8_t *pub);
    int (*respond)(void *state, const ike_random *rng, const uint8_t *pub_i, uint8_t *pub_r, uint8_t *shared);
    int (*finish)(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared);
    /* For tests and fixed keys: public data from a given private value. */
    int (*derive_public)(void *state, const ike_random *rng, const uint8_t *priv, uint8_t *pub);
    bool engine_state_grows; /* open() is cheap, but the first use fills a table through `mem` */
} ike_ke;

/* A kind of signature key. Keys are read once, when a connection is added, and stay until it goes; they may be used by one thread
 * at a time. */
typedef enum ike_key_kind { IKE_KEY_RSA = 1, IKE_KEY_DSA, IKE_KEY_ECDSA } ike_key_kind;

typedef struct ike_sign {
    uint16_t id; /* ike_key_kind */
    const char *name;
    /* A key from DER. secret: PKCS #8, or the kind's own form (PKCS #1, SEC 1); else a SubjectPublicKeyInfo. IKE_ERR_UNSUPPORTED:
     * another kind, or a size or curve that is not served; IKE_ERR_INVALID: not a key, or far from what is served (RSA of more
     * than 8192 bits, curves that nobody uses); IKE_ERR_NOMEM. */
    int (*read)(const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes der, void **key);
    void (*drop)(void *key, const ike_allocator *mem); /* wipes */
    unsigned (*bits)(const void *key);                 /* of the modulus, of the curve's or the group's order */
    bool (*pair)(const void *open, const void *secret, const ike_random *rng); /* whether one belongs to the other */
    /* Signatures are of the same length always: RSA's modulus, else r and s, each as long as the order (RFC 4754 section 7);
     * sig has room for IKE_SIG_MAX. RSA pads `data` by PKCS #1 v1.5, block type 1, and puts nothing before it: a DigestInfo,
     * where one is wanted, is in data. The others take a digest. IKE_ERR_CRYPTO if it cannot be done with this key. */
    int (*sign)(void *key, const ike_random *rng, ike_bytes data, uint8_t *sig, size_t *len);
    /* IKE_OK, or IKE_ERR_AUTH. */
    int (*verify)(void *key, ike_bytes data, ike_bytes sig);
} ike_sign;
#define IKE_SIG_MAX 1024 /* longest signature (RSA of 8192 bits) */

typedef struct ike_crypto {
    const char *name;
    const ike_encr *const *encr;
    const ike_prf *const *prf;
    const ike_integ *const *integ;
    const ike_ke *const *ke;
    const ike_hash *const *hash;
    const ike_sign *const *sign; /* NULL: none */
    /* out = base ^ exp modulo `modulus`, for groups that are not among `ke` (RFC 2409 section 5.6); NULL: none. All big-endian;
     * base, modulus and out are of the same length, at most IKE_POWER_MAX; the modulus is odd, and base below it. Time and memory
     * accesses may depend on lengths, base and modulus, not on exp. IKE_ERR_NOMEM. */
    int (*power)(const ike_allocator *mem, ike_bytes base, ike_bytes exp, ike_bytes modulus, uint8_t *out);
} ike_crypto;
#define IKE_POWER_MAX 1024 /* octets */

/* Once per process, before any thread: libsodium's and mbedTLS's own initialisation. Idempotent. */
IKE_API int ike_crypto_global_init(void);
/* The best provider per slot of what was compiled in. */
IKE_API const ike_crypto *ike_crypto_default(void);
/* Single providers, for tests and for picking slots by hand; NULL if not compiled in. Names: sodium, gmp, mbedtls, nettle,
 * legacy (what is too weak for the others: DES, CAST-128, Blowfish, MD5, old groups). */
IKE_API const ike_crypto *ike_crypto_provider(const char *name);
/* The i-th provider that is compiled in, NULL past the end. */
IKE_API const ike_crypto *ike_crypto_provider_at(size_t i);

/* The first descriptor with this id that can run on this CPU, or NULL. */
IKE_API const ike_encr *ike_find_encr(const ike_crypto *c, uint16_t id);
IKE_API const ike_prf *ike_find_prf(const ike_crypto *c, uint16_t id);
IKE_API const ike_integ *ike_find_integ(const ike_crypto *c, uint16_t id);
IKE_API const ike_ke *ike_find_ke(const ike_crypto *c, uint16_t id);
IKE_API const ike_hash *ike_find_hash(const ike_crypto *c, uint16_t id);

#ifdef __cplusplus
}
#endif
#endif
