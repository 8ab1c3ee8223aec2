/* SPDX-License-Identifier: ISC
 *
 * xfrm_msg.h - our SAs and policies as XFRM messages. Pure functions: they build, somebody else sends.
 */
#ifndef IKELIBD_XFRM_MSG_H
#define IKELIBD_XFRM_MSG_H

#include "app/spd.h"
#include "sysdep/nl.h"

#include <ike/host.h>
/* Before the kernel's headers, which then leave to musl what it has declared. */
#include <netinet/in.h>

#include <linux/xfrm.h>

/* What names an SA in the kernel. */
struct xfrm_sa_name {
    ike_addr destination;
    uint8_t protocol; /* IKE_PROTO_* */
    uint32_t spi, mark, if_id;
};
struct xfrm_sa_name xfrm_name_of(const ike_ipsec_sa *sa);

/* XFRM_MSG_NEWSA or _UPDSA. 0; -EPROTONOSUPPORT: the table has no kernel name for these transforms. */
int xfrm_encode_sa(struct nl_msg *m, uint16_t type, const ike_ipsec_sa *sa);
/* XFRM_MSG_DELSA or _GETSA */
void xfrm_encode_sa_name(struct nl_msg *m, uint16_t type, const struct xfrm_sa_name *name);
void xfrm_encode_allocspi(struct nl_msg *m, const ike_path *path, uint8_t protocol, uint32_t reqid);
/* XFRM_MSG_NEWPOLICY or _UPDPOLICY */
void xfrm_encode_policy(struct nl_msg *m, uint16_t type, const struct spd_key *key, const struct spd_template *t);
/* XFRM_MSG_DELPOLICY */
void xfrm_encode_policy_name(struct nl_msg *m, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id);

uint32_t xfrm_priority(const struct spd_key *key, bool trap);
void xfrm_selector(const struct spd_key *key, struct xfrm_selector *out);
void xfrm_policy_id(const struct spd_key *key, struct xfrm_userpolicy_id *out);
uint8_t xfrm_protocol(uint8_t ike_protocol); /* IKE_PROTO_ESP -> 50 */

void xfrm_put_address(xfrm_address_t *out, const ike_addr *a);
void xfrm_get_address(ike_addr *out, const xfrm_address_t *a, uint16_t family);
/* The selector of a packet as a pair of traffic selectors. */
void xfrm_selector_to_ts(const struct xfrm_selector *s, ike_ts *local, ike_ts *remote);

/* "ESP c1234567" and the like */
void xfrm_name_format(const struct xfrm_sa_name *name, char *out, size_t n);
void spd_key_format(const struct spd_key *key, char *out, size_t n);

#endif
