/* SPDX-License-Identifier: ISC
 *
 * mbedTLS: powers modulo any odd number, as constant in time as those of its MODP groups.
 */
#include "crypto/mbedtls_compat.h"
#include "crypto/slots.h"

#include <mbedtls/bignum.h>

int ike_mbedtls_power(const ike_allocator *mem, ike_bytes base, ike_bytes exp, ike_bytes modulus, uint8_t *out)
{
    mbedtls_mpi b, e, p, r;
    (void)mem;
    mbedtls_mpi_init(&b);
    mbedtls_mpi_init(&e);
    mbedtls_mpi_init(&p);
    mbedtls_mpi_init(&r);
    int bad = mbedtls_mpi_read_binary(&b, base.ptr, base.len) != 0 || mbedtls_mpi_read_binary(&e, exp.ptr, exp.len) != 0 ||
              mbedtls_mpi_read_binary(&p, modulus.ptr, modulus.len) != 0 || mbedtls_mpi_exp_mod(&r, &b, &e, &p, NULL) != 0 ||
              mbedtls_mpi_write_binary(&r, out, modulus.len) != 0;
    mbedtls_mpi_free(&b);
    mbedtls_mpi_free(&e);
    mbedtls_mpi_free(&p);
    mbedtls_mpi_free(&r);
    return bad ? IKE_ERR_NOMEM : IKE_OK;
}
