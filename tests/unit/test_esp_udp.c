/* SPDX-License-Identifier: ISC
 *
 * What arrives on the UDP port that IKE and ESP share (RFC 3948 section 2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include <ike/esp.h>

/* n octets that begin with `head`, in a block of exact size. */
static ike_esp_udp classify(uint32_t head, size_t n)
{
    uint8_t first[4], *p = malloc(n ? n : 1);
    assert_non_null(p);
    memset(p, 0x55, n ? n : 1);
    ike_store32(first, head);
    memcpy(p, first, n < 4 ? n : 4);
    ike_esp_udp kind = ike_esp_udp_classify(p, n);
    assert_int_equal(ike_esp_spi(p, n), n < 4 ? 0 : head);
    free(p);
    return kind;
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(classify(0xff000000, 1), IKE_ESP_UDP_KEEPALIVE);
    assert_int_equal(classify(0xfe000000, 1), IKE_ESP_UDP_JUNK);
    assert_int_equal(classify(0, 1), IKE_ESP_UDP_JUNK);
    for (size_t n = 0; n < 100; n++) {
        assert_int_equal(classify(0, n), n >= 4 + 28 ? IKE_ESP_UDP_IKE : IKE_ESP_UDP_JUNK);
        assert_int_equal(classify(255, n), IKE_ESP_UDP_JUNK); /* reserved SPIs */
        assert_int_equal(classify(256, n), n >= 12 ? IKE_ESP_UDP_ESP : IKE_ESP_UDP_JUNK);
        if (n != 1) {
            assert_int_equal(classify(0xffffffff, n), n >= 12 ? IKE_ESP_UDP_ESP : IKE_ESP_UDP_JUNK);
        }
    }
    assert_int_equal(ike_esp_udp_classify(NULL, 0), IKE_ESP_UDP_JUNK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
