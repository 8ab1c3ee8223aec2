/* SPDX-License-Identifier: ISC
 *
 * GMP: from the Edwards to the Montgomery form of Curve25519 (RFC 7748 section 4.1), for the key pairs of sodium_x25519.c.
 */
#include "crypto/gmp_limbs.h"

enum { OCTETS = 32, LIMBS = IKE_LIMBS(OCTETS) };

/* GMP's helper reads big-endian, the curve's numbers are little-endian. */
static void reverse(uint8_t *out, const uint8_t *in)
{
    for (size_t i = 0; i < OCTETS; i++) {
        out[i] = in[OCTETS - 1 - i];
    }
}

/* r = inverse of a modulo p, 0 < a < p. gcdext gives 1 = s * (a + p) + t * p, so s is the inverse up to a multiple of p. */
static bool invert(mp_limb_t *r, const mp_limb_t *a, const mp_limb_t *p)
{
    mp_limb_t u[LIMBS + 1], v[LIMBS + 1], g[LIMBS + 1], s[LIMBS + 2] = {0};
    mp_size_t sn;
    mpn_add_n(u, a, p, LIMBS); /* below 2^256 */
    mpn_copyi(v, p, LIMBS);
    if (mpn_gcdext(g, s, &sn, u, LIMBS, v, LIMBS) != 1 || g[0] != 1) {
        return false;
    }
    /* gcdext gives as many limbs as the number has; above them is what was there before. */
    for (mp_size_t i = sn < 0 ? -sn : sn; i < LIMBS; i++) {
        s[i] = 0;
    }
    if (sn < 0) {
        mpn_sub_n(r, p, s, LIMBS);
    } else {
        mpn_copyi(r, s, LIMBS);
    }
    return true;
}

/* y = 1 is the neutral element, which no clamped scalar gives; refused all the same, as 1 - y has no inverse then. */
bool ike_gmp_edwards_to_u(const uint8_t y[32], uint8_t u[32])
{
    static const uint8_t prime[OCTETS] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xed};
    mp_limb_t p[LIMBS], num[LIMBS], den[LIMBS], inv[LIMBS], product[2 * LIMBS], quotient[LIMBS + 1];
    uint8_t octets[OCTETS];
    ike_gmp_load(p, LIMBS, prime, OCTETS);
    reverse(octets, y);
    ike_gmp_load(num, LIMBS, octets, OCTETS);
    if (mpn_cmp(num, p, LIMBS) >= 0) {
        return false;
    }
    mpn_sub_n(den, p, num, LIMBS);
    mpn_add_1(den, den, LIMBS, 1); /* p + 1 - y: reduced unless y is 0 or 1 */
    if (mpn_cmp(den, p, LIMBS) >= 0) {
        mpn_sub_n(den, den, p, LIMBS);
    }
    mpn_add_1(num, num, LIMBS, 1);
    if (mpn_zero_p(den, LIMBS) || !invert(inv, den, p)) {
        return false;
    }
    mpn_mul_n(product, num, inv, LIMBS);
    mpn_tdiv_qr(quotient, num, 0, product, 2 * LIMBS, p, LIMBS);
    ike_gmp_store(num, octets, OCTETS);
    reverse(u, octets);
    return true;
}
