/* SPDX-License-Identifier: ISC
 *
 * The table of authentication methods.
 */
#include "auth/auth.h"

static const struct ike_auth_method *const methods[] = {&ike_auth_psk};

/* `id` is a peer's octet: whatever it says, what is not in the table is not known. */
const struct ike_auth_method *ike_auth_method(uint8_t id)
{
    for (size_t i = 0; i < IKE_COUNT(methods); i++) {
        if (methods[i]->id == id) {
            return methods[i];
        }
    }
    return NULL;
}
