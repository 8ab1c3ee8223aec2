/* SPDX-License-Identifier: ISC
 *
 * What this CPU can do. Only asked where it decides between table-driven and constant-time AES.
 */
#include "crypto/slots.h"

/* On 32-bit x86 neither library uses the instructions. */
#if defined(__x86_64__)
#include <cpuid.h>

/* Leaf 1, register ECX. AES without PCLMULQDQ would leave GCM's multiplication to tables. */
bool ike_cpu_has_aes(void)
{
    unsigned a, b, c, d;
    const unsigned aes = 1u << 25, pclmul = 1u << 1;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & aes) && (c & pclmul);
}

#else

/* Elsewhere the libraries' choice cannot be seen from here without asking the operating system: assume tables. */
bool ike_cpu_has_aes(void) { return false; }

#endif

/* Nothing to ask: no CPU has instructions for them that the libraries use. */
bool ike_by_tables(void) { return false; }
