/* SPDX-License-Identifier: ISC
 *
 * The default choice per slot, by measurement (docs/performance.md): libsodium for X25519 and ChaCha20-Poly1305, GMP for MODP,
 * nettle for the rest, and mbedTLS where one of those is not compiled in.
 */
#include "crypto/slots.h"

#ifdef IKE_HAVE_NETTLE
#define SYM(slot) (&ike_nettle_##slot)
#define SHA(slot) (&ike_nettle_##slot)
#else
#define SYM(slot) (&ike_mbedtls_##slot)
#define SHA(slot) (&ike_sodium_##slot) /* SHA2-256 and SHA2-512; libsodium has no other */
#endif

/* One suite, which current peers have. SHA-1 is there for NAT detection only (RFC 7296 section 2.23); nothing signs or keys with
 * it. */
#if defined(IKE_TINY)

static const ike_encr *const encr[] = {SYM(aes_gcm_16), NULL};
static const ike_prf *const prf[] = {SHA(prf_sha256), NULL};
static const ike_integ *const integ[] = {SHA(integ_sha256), NULL};
static const ike_ke *const ke[] = {&ike_sodium_x25519, NULL};
static const ike_hash *const hash[] = {SHA(sha256), SYM(sha1), NULL};
static const ike_sign *const sign[] = {NULL};
#define POWER NULL

#else

#ifdef IKE_HAVE_GMP
#define MODP(slot) (&ike_gmp_##slot)
#define POWER ike_gmp_power
#else
#define MODP(slot) (&ike_mbedtls_##slot)
#define POWER ike_mbedtls_power
#endif

/* Order is preference only among descriptors of one id; what is proposed in which order is said in lib/proposal.
 * 3DES and MODP-1536 are used only by a connection that names them; 3DES needs the host's leave besides, as it goes by
 * tables. */
static const ike_encr *const encr[] = {
    SYM(aes_gcm_16), &ike_sodium_chacha20_poly1305, SYM(aes_cbc), SYM(aes_gcm_12), SYM(aes_gcm_8), SYM(des3), NULL};
static const ike_prf *const prf[] = {SHA(prf_sha256), SYM(prf_sha384), SHA(prf_sha512), SYM(prf_sha1), NULL};
static const ike_integ *const integ[] = {SHA(integ_sha256), SYM(integ_sha384), SHA(integ_sha512), SYM(integ_sha1), NULL};
static const ike_ke *const ke[] = {
    &ike_sodium_x25519, SYM(ecp256),    SYM(ecp384),    SYM(ecp521), MODP(modp2048), MODP(modp3072), MODP(modp4096),
    MODP(modp6144),     MODP(modp8192), MODP(modp1536), NULL};
static const ike_hash *const hash[] = {SHA(sha256), SYM(sha384), SHA(sha512), SYM(sha1), NULL};
static const ike_sign *const sign[] = {MODP(rsa), SYM(ecdsa), NULL};

#endif

static const ike_crypto best = {"default", encr, prf, integ, ke, hash, sign, POWER};

/* Static and constant: any number of engines share it. */
const ike_crypto *ike_crypto_default(void) { return &best; }
