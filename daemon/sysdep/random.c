/* SPDX-License-Identifier: ISC
 *
 * random.c - the kernel's random source.
 */
#include "sysdep/random.h"

#include <errno.h>
#include <ike/types.h>
#include <sys/random.h>

int random_fill(void *user, uint8_t *out, size_t n)
{
    (void)user;
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return IKE_ERR_HOST;
        }
        out += got;
        n -= (size_t)got;
    }
    return IKE_OK;
}

int random_spi(uint32_t *spi)
{
    uint8_t octets[4];
    int error = random_fill(NULL, octets, sizeof(octets));
    if (error == IKE_OK) {
        uint32_t value = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
        *spi = 0xc0000000U | (value & 0x0fffffffU);
    }
    return error;
}
