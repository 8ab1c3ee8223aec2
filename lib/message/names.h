/* SPDX-License-Identifier: ISC
 *
 * Names of the registries' numbers, one const table each, for logs, decode and failure records. NULL if unknown.
 */
#ifndef IKE_MESSAGE_NAMES_H
#define IKE_MESSAGE_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum ike_registry {
    IKE_REG_EXCHANGE, /* version in the high octet: 0x0100 | type for IKEv1 */
    IKE_REG_PAYLOAD,  /* as above */
    IKE_REG_NOTIFY,
    IKE_REG_NOTIFY_V1,
    IKE_REG_PROTOCOL,
    IKE_REG_ID,
    IKE_REG_AUTH_METHOD,
    IKE_REG_TRANSFORM_TYPE,
    IKE_REG_ENCR,
    IKE_REG_PRF,
    IKE_REG_INTEG,
    IKE_REG_KE,
    IKE_REG_ESN,
    IKE_REG_CERT,
    IKE_REG_TS,
    IKE_REG_CFG_TYPE,
    IKE_REG_CFG_ATTR,
    IKE_REG_HASH,
    IKE_REGISTRIES
};

/* Static storage. Numbers without a name are no fault: registries grow. */
const char *ike_name(enum ike_registry r, uint16_t value);
/* For what is only said in words: NULL in a build without them. */
static inline const char *ike_word(enum ike_registry r, uint16_t value) { return IKE_WITH_WORDS ? ike_name(r, value) : NULL; }

#endif
