/* SPDX-License-Identifier: ISC
 *
 * random.h - the kernel's random source.
 */
#ifndef IKELIBD_RANDOM_H
#define IKELIBD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* IKE_OK or IKE_ERR_HOST; the shape of ike_host.random and ike_random.fill. */
int random_fill(void *user, uint8_t *out, size_t n);
/* An SPI that is neither reserved (RFC 4303 section 2.1) nor small enough to be typed by hand. */
int random_spi(uint32_t *spi);

#endif
