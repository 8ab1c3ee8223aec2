/* SPDX-License-Identifier: ISC
 *
 * Ciphers for looking at old captures: AES-CTR, AES-CCM, and HMAC-SHA1-160. They decrypt only and are no part of the library:
 * nothing can be negotiated with them.
 */
#ifndef CTL_DECODE_LEGACY_H
#define CTL_DECODE_LEGACY_H

#include <ike/crypto.h>

struct decode_legacy {
    ike_integ sha1_160;
    const ike_integ *integs[2];
    ike_crypto crypto; /* points into this struct */
};

/* Fill *l, which must stay where it is. The HMAC is the library's. */
void decode_legacy_init(struct decode_legacy *l);

#endif
