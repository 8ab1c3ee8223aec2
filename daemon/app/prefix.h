/* SPDX-License-Identifier: ISC
 *
 * prefix.h - traffic selectors as kernels and routing tables want them: networks and port masks instead of ranges.
 */
#ifndef IKELIBD_PREFIX_H
#define IKELIBD_PREFIX_H

#include "sysdep/rtnl.h"

#include <ike/types.h>

struct port_mask {
    uint16_t port, mask;
};

/* The fewest networks that make up exactly the range lo..hi. Their number, or 0 if it needs more than max. */
size_t prefixes_of_range(uint8_t family, const uint8_t *lo, const uint8_t *hi, struct prefix *out, size_t max);
/* The same for ports; all ports and OPAQUE (65535..0) give one entry with mask 0. */
size_t port_masks_of_range(uint16_t lo, uint16_t hi, struct port_mask *out, size_t max);

/* One pair of selectors as an XFRM selector sees it, from our side. */
struct flow {
    struct prefix local, remote;
    uint8_t proto;
    struct port_mask local_port, remote_port; /* ICMP: type in local_port, code in remote_port, both directions */
};

/* Every combination of local and remote selectors of one family whose protocols agree. Their number; 0 if there is none or
 * if more than max are needed. */
size_t flows_of_selectors(const ike_ts *local, size_t n_local, const ike_ts *remote, size_t n_remote, struct flow *out,
                          size_t max);

bool prefix_contains(const struct prefix *p, const ike_addr *a);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
uint32_t prefix_hash(uint32_t seed, const struct prefix *p);
bool ts_contains(const ike_ts *ts, const ike_addr *a);
/* "10.1.0.0/24" */
void prefix_format(const struct prefix *p, char *out, size_t n);
/* False if it is none. */
bool prefix_parse(struct prefix *p, const char *text);
struct prefix prefix_of_address(const ike_addr *a);

#endif
