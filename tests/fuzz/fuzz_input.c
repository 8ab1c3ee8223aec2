/* SPDX-License-Identifier: ISC
 *
 * A cold engine: an input is datagrams, each behind two octets of length, handed in one after the other while time passes. The
 * engine has one connection and demands cookies from the third half-open SA on.
 */
#include "fuzz.h"

#include "base/bytes.h"

const enum fuzz_layout fuzz_layout = FUZZ_DATAGRAMS;

static void adjust(struct duo *d, unsigned which, ike_settings *s)
{
    (void)d, (void)which;
    s->cookie_threshold = 2;
    s->max_half_open = 4;
    s->half_open_per_source = 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct duo duo;
    struct ike_rd r = ike_rd(data, n);
    duo_begin(&duo, 0, "aes128gcm16-aes256gcm16-prfsha256-x25519-ecp256, aes256-sha256-sha512-x25519-modp2048", adjust);
    ike_path path = duo_path(&duo, 1);
    while (r.left > 2) {
        size_t len = ike_rd_u16(&r);
        struct ike_rd one = ike_rd_sub(&r, len < r.left ? len : r.left);
        (void)duo_input(&duo, 1, &path, one.p, one.left);
        duo_time(&duo, IKE_SEC);
        duo_drop(&duo, 1);
    }
    duo_time(&duo, 40 * IKE_SEC);
    duo_end(&duo);
    return 0;
}
