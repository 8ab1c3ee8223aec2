/* SPDX-License-Identifier: ISC
 *
 * pfkey_msg.h - our SAs and policies as PF_KEY messages (RFC 2367, and the policies of KAME as Linux has them). Pure functions:
 * they build, somebody else sends.
 */
#ifndef IKELIBD_PFKEY_MSG_H
#define IKELIBD_PFKEY_MSG_H

#include "app/xfrm_msg.h"
#include "sysdep/pfk.h"

#define PFKEY_REPLAY_MAX 32     /* packets; the kernel would cut more down without a word */
#define PFKEY_REQID_MAX  0x3fff /* IPSEC_MANUAL_REQID_MAX: policies take greater numbers for none */

/* As app_ops has it. */
bool pfkey_carries(uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits);
/* Why PF_KEY cannot carry the SA, in words; NULL: it can. */
const char *pfkey_refusal(const ike_ipsec_sa *sa);
/* The same of what a configuration asks for, as app_ops has it. */
bool pfkey_lacks(const ike_conn_settings *s, const ike_child_settings *c, char *why, size_t n);

/* SADB_ADD or _UPDATE, of an SA that is not refused. */
void pfkey_encode_sa(struct pfk_msg *m, uint8_t type, const ike_ipsec_sa *sa);
/* SADB_DELETE or _GET. Linux wants a source address and does not look at it. */
void pfkey_encode_sa_name(struct pfk_msg *m, uint8_t type, const struct xfrm_sa_name *name);
void pfkey_encode_getspi(struct pfk_msg *m, const ike_path *path, uint8_t protocol, uint8_t mode, uint32_t reqid);
/* SADB_X_SPDADD or _SPDUPDATE. False: the selector has parts of ports, which PF_KEY has no words for. */
bool pfkey_encode_policy(struct pfk_msg *m, uint8_t type, const struct spd_key *key, const struct spd_template *t);
/* SADB_X_SPDDELETE */
void pfkey_encode_policy_name(struct pfk_msg *m, const struct xfrm_userpolicy_id *id);
/* SADB_X_SPDGET, by the number that the kernel has given the policy. */
void pfkey_encode_policy_get(struct pfk_msg *m, uint32_t index, uint8_t dir);
/* SADB_X_MIGRATE: the policy of this selector and the SA behind it get other outer addresses. */
void pfkey_encode_migrate(struct pfk_msg *m, const struct spd_key *key, const struct spd_template *from,
                          const struct spd_template *to);

/* What the message says of an SA: its number and where it ends. False: it says nothing of ours. */
bool pfkey_read_sa(const struct pfk_view *v, uint32_t *spi, ike_addr *destination, uint8_t *protocol);
/* A policy's direction and selector as xfrm_policy_id makes them. */
bool pfkey_read_policy(const struct pfk_view *v, struct xfrm_userpolicy_id *out);
/* The reqid of the policy's first template; 0: none. */
uint32_t pfkey_read_reqid(const struct pfk_view *v);

#endif
