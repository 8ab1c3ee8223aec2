/* SPDX-License-Identifier: ISC
 *
 * GMP: powers modulo any odd number.
 */
#include "base/bytes.h"
#include "crypto/gmp_limbs.h"
#include "crypto/slots.h"

/* The steps of mpn_sec_powm depend on the length of the exponent, not on its value. It wants a modulus whose highest limb is
 * none of zeros. */
int ike_gmp_power(const ike_allocator *mem, ike_bytes base, ike_bytes exp, ike_bytes modulus, uint8_t *out)
{
    size_t zeros = 0;
    while (zeros + 1 < modulus.len && modulus.ptr[zeros] == 0) {
        zeros++;
    }
    const size_t len = modulus.len - zeros, n = IKE_LIMBS(len), en = IKE_LIMBS(exp.len);
    const mp_bitcnt_t bits = exp.len * 8u;
    const size_t size = (3 * n + en + (size_t)mpn_sec_powm_itch((mp_size_t)n, bits, (mp_size_t)n)) * IKE_LIMB;
    mp_limb_t *p = mem->alloc(mem->user, size);
    if (!p) {
        return IKE_ERR_NOMEM;
    }
    mp_limb_t *b = p + n, *r = b + n, *e = r + n;
    ike_gmp_load(p, n, modulus.ptr + zeros, len);
    ike_gmp_load(b, n, base.ptr + zeros, len);
    ike_gmp_load(e, en, exp.ptr, exp.len);
    mpn_sec_powm(r, b, (mp_size_t)n, e, bits, p, (mp_size_t)n, e + en);
    memset(out, 0, zeros);
    ike_gmp_store(r, out + zeros, len);
    ike_wipe(p, size);
    mem->release(mem->user, p, size);
    return IKE_OK;
}
