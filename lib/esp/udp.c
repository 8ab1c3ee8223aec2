/* SPDX-License-Identifier: ISC
 *
 * ESP in UDP (RFC 3948): telling apart what shares a port.
 */
#include <ike/esp.h>

#include "base/bytes.h"

#define IKE_HEADER_LEN 28  /* RFC 7296 section 3.1 */
#define ESP_LEN_MIN    12  /* header and one aligned trailer; each SA knows its own minimum */
#define SPI_MIN        256 /* lower ones are reserved (RFC 4303 section 2.1) */

/* The SPI 0 is the non-ESP marker (RFC 3948 section 2.2): no SA may have it, so the first four octets tell IKE and ESP
 * apart. */
ike_esp_udp ike_esp_udp_classify(const uint8_t *datagram, size_t n)
{
    if (n == 1 && datagram[0] == 0xff) {
        return IKE_ESP_UDP_KEEPALIVE;
    }
    uint32_t spi = ike_esp_spi(datagram, n);
    if (n >= IKE_ESP_MARKER_LEN + IKE_HEADER_LEN && spi == 0) {
        return IKE_ESP_UDP_IKE;
    }
    return n >= ESP_LEN_MIN && spi >= SPI_MIN ? IKE_ESP_UDP_ESP : IKE_ESP_UDP_JUNK;
}

uint32_t ike_esp_spi(const uint8_t *packet, size_t n) { return n < 4 ? 0 : ike_load32(packet); }
