/* SPDX-License-Identifier: ISC
 *
 * What the library needs of addresses and selectors beyond ike/types.h.
 */
#ifndef IKE_BASE_ADDR_H
#define IKE_BASE_ADDR_H

#include <ike/types.h>

/* The prefix length when the address range is exactly one prefix, otherwise -1. */
int ike_ts_prefix(const ike_ts *ts);

#endif
