/* SPDX-License-Identifier: ISC
 *
 * What is too weak to be had without asking for it: no part of the default choice, for peers that have nothing else.
 */
#include "crypto/legacy.h"

#ifdef IKE_HAVE_NETTLE
#define SYM(slot) (&ike_nettle_##slot)
#else
#include "crypto/mbedtls_compat.h"
#define SYM(slot) (&ike_mbedtls_##slot)
#endif
#ifdef IKE_HAVE_GMP
#define MODP(slot) (&ike_gmp_##slot)
#else
#define MODP(slot) (&ike_mbedtls_##slot)
#endif

static const ike_encr *const encr[] = {
    SYM(des3),
#if defined(IKE_HAVE_NETTLE)
    SYM(cast128), /* mbedTLS has none */
#endif
#if defined(IKE_HAVE_NETTLE) || defined(MBEDTLS_BLOWFISH_C) /* gone in mbedTLS 3 */
    SYM(blowfish),
#endif
    SYM(des),      NULL,
};
static const ike_prf *const prf[] = {SYM(prf_md5), NULL};
static const ike_integ *const integ[] = {SYM(integ_md5), NULL};
static const ike_ke *const ke[] = {MODP(modp1536), MODP(modp1024), MODP(modp768), &ike_legacy_ec2n185, &ike_legacy_ec2n155, NULL};
static const ike_hash *const hash[] = {SYM(md5), NULL};
static const ike_sign *const sign[] = {NULL};

const ike_crypto ike_crypto_legacy = {"legacy", encr, prf, integ, ke, hash, sign, NULL};
