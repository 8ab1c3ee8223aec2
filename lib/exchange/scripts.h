/* SPDX-License-Identifier: ISC
 *
 * What each version of IKE has a script for.
 */
#ifndef IKE_EXCHANGE_SCRIPTS_H
#define IKE_EXCHANGE_SCRIPTS_H

#include "exchange/common.h"

struct ike_version {
    uint8_t major;
    const struct ike_script *connect;      /* begins an IKE SA */
    const struct ike_script *authenticate; /* after whose first message the peer may hold the SA for up */
    const struct ike_script *child;
    const struct ike_script *rekey_ike; /* NULL: another IKE SA is begun like the first */
    const struct ike_script *informational, *liveness;
    const char *half_open; /* what a half-open SA waits for, in words */
    /* Gives up one that has keys and is not up, and tells the peer. NULL: that has to wait until it is up. */
    void (*abandon)(struct ike_engine *e, struct ike_sa *sa, uint8_t cause);
};
const struct ike_version *ike_version_of(const struct ike_sa *sa);

#endif
