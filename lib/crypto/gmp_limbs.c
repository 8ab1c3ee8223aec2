/* SPDX-License-Identifier: ISC
 *
 * GMP: limbs from and to octets, and the map from the Edwards to the Montgomery form of Curve25519.
 */
#include "crypto/gmp_limbs.h"

#include <string.h>

#define OCTETS sizeof(mp_limb_t)

_Static_assert(GMP_NUMB_BITS == 8 * sizeof(mp_limb_t), "GMP built with nails is not supported");

void ike_gmp_load(mp_limb_t *limbs, size_t n, const uint8_t *octets, size_t len)
{
    memset(limbs, 0, n * OCTETS);
    for (size_t i = 0; i < len; i++) {
        limbs[i / OCTETS] |= (mp_limb_t)octets[len - 1 - i] << (i % OCTETS * 8);
    }
}

void ike_gmp_store(const mp_limb_t *limbs, size_t n, uint8_t *octets, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        octets[len - 1 - i] = i / OCTETS < n ? (uint8_t)(limbs[i / OCTETS] >> (i % OCTETS * 8)) : 0;
    }
}

enum { N25519 = 32 / OCTETS };

/* a = octets mod 2^256, little-endian. */
static void load_le(mp_limb_t *a, const uint8_t *octets)
{
    for (size_t i = 0; i < N25519; i++) {
        a[i] = 0;
        for (size_t k = OCTETS; k-- > 0;) {
            a[i] = a[i] << 8 | octets[i * OCTETS + k];
        }
    }
}

/* r = inverse of a modulo p; a is not zero and below p. gcdext gives g = s * (a + p) + t * p, so s is the inverse up to
 * its sign. */
static bool invert(mp_limb_t *r, const mp_limb_t *a, const mp_limb_t *p)
{
    mp_limb_t u[N25519 + 1], v[N25519 + 1], g[N25519 + 1], s[N25519 + 2] = {0};
    mp_size_t sn;
    mpn_add_n(u, a, p, N25519); /* below 2^256 */
    mpn_copyi(v, p, N25519);
    if (mpn_gcdext(g, s, &sn, u, N25519, v, N25519) != 1 || g[0] != 1) {
        return false;
    }
    mp_size_t size = sn < 0 ? -sn : sn;
    mpn_zero(s + size, N25519 - size);
    if (sn < 0) {
        mpn_sub_n(r, p, s, N25519);
    } else {
        mpn_copyi(r, s, N25519);
    }
    return true;
}

bool ike_gmp_edwards_to_u(const uint8_t y[32], uint8_t u[32])
{
    uint8_t prime[32];
    memset(prime, 0xff, sizeof(prime));
    prime[0] = 0xed; /* 2^255 - 19 */
    prime[31] = 0x7f;
    mp_limb_t p[N25519], num[N25519], den[N25519], inv[N25519], wide[2 * N25519], quot[N25519 + 1];
    load_le(p, prime);
    load_le(num, y);
    if (mpn_cmp(num, p, N25519) >= 0) {
        return false;
    }
    mpn_sub_n(den, p, num, N25519); /* p + 1 - y: 1 - y, below p unless y is 0 or 1 */
    mpn_add_1(den, den, N25519, 1);
    if (mpn_cmp(den, p, N25519) >= 0) {
        mpn_sub_n(den, den, p, N25519);
    }
    mpn_add_1(num, num, N25519, 1);
    if (mpn_zero_p(den, N25519) || !invert(inv, den, p)) {
        return false;
    }
    mpn_mul_n(wide, num, inv, N25519);
    mpn_tdiv_qr(quot, num, 0, wide, 2 * N25519, p, N25519);
    for (size_t i = 0; i < 32; i++) {
        u[i] = (uint8_t)(num[i / OCTETS] >> (i % OCTETS * 8));
    }
    return true;
}
