/* SPDX-License-Identifier: ISC
 *
 * IKEv2: what its files share. One file per exchange; delivery.c puts their messages on the wire.
 */
#ifndef IKE_EXCHANGE_V2_V2_H
#define IKE_EXCHANGE_V2_V2_H

#include "exchange/common.h"

extern const struct ike_delivery ike_v2_delivery;
extern const struct ike_script ike_v2_sa_init, ike_v2_auth, ike_v2_create_child, ike_v2_rekey_ike, ike_v2_informational;

/* ---- keyx.c: nonces, key exchange, keys -------------------------------------------------------------------------------- */
int ike_take_nonce(struct ike_exchange *x);
/* The KE payload against the group `want`: IKE_X_OK, or a refusal. */
int ike_take_ke(struct ike_exchange *x, uint16_t want);
void ike_put_nonce(struct ike_exchange *x);
void ike_put_own_ke(struct ike_exchange *x);
/* What an action returns then: the peer's value may be to blame (RFC 8031 section 2). */
int ike_keys_failed(struct ike_exchange *x, int error);
/* The group of our KE payload: the one the peer asked for, that of `now` (0: none) if it is still allowed, or our first. NULL:
 * there is none. */
const ike_ke *ike_pick_ke(const struct ike_exchange *x, const struct ike_proposals *p, uint16_t now);
/* An error that answers CREATE_CHILD_SA, of those that mean the same for children and IKE SAs; IKE_X_OK: it is none of them. */
int ike_take_create_error(struct ike_exchange *x, const struct ike_notify *n, const struct ike_proposals *p);
/* Take suite and keys into sa. rekey: the SA it replaces, NULL in IKE_SA_INIT. IKE_OK or error. */
int ike_derive_sa_keys(struct ike_core *c, struct ike_sa *sa, struct ike_setup *s, struct ike_sa *rekey);
int ike_sa_set_suite(struct ike_core *c, struct ike_sa *sa, const struct ike_suite *suite);
/* The lower of the two nonces of an exchange, as RFC 7296 section 2.8.1 compares them. */
ike_bytes ike_lower_nonce(const struct ike_setup *s);
bool ike_nonce_less(ike_bytes a, ike_bytes b);

/* ---- refusal.c ----------------------------------------------------------------------------------------------------------- */
/* The code of the record for an error of the peer's; child: where a child's proposals are what it may not like. */
uint16_t ike_code_of(uint16_t notify, bool child);

/* ---- nat.c ------------------------------------------------------------------------------------------------------------- */
void ike_put_nat_detection(struct ike_exchange *x);
void ike_detect_nat(struct ike_exchange *x);

/* ---- child.c: actions of a child's negotiation -------------------------------------------------------------------------- */
ike_action ike_child_choose, ike_child_take_answer, ike_v2_child_keys;
ike_action
    ike_child_refused; /* initiator: the answer carries an error in the child's place, or nothing; IKE_X_OK if it does not */
void ike_put_child_request(struct ike_exchange *x, bool with_ke);
void ike_put_child_answer(struct ike_exchange *x);

/* ---- collide.c ----------------------------------------------------------------------------------------------------------- */
enum ike_received { IKE_RX_REKEY_CHILD, IKE_RX_CREATE_CHILD, IKE_RX_DELETE_CHILD, IKE_RX_REKEY_IKE, IKE_RX_DELETE_IKE, IKE_RX_N };
enum ike_doing {
    IKE_DOING_NOTHING,
    IKE_DOING_CHILD,
    IKE_DOING_DELETE_CHILD,
    IKE_DOING_REKEY_IKE,
    IKE_DOING_DELETE_IKE,
    IKE_DOING_N
};
enum ike_verdict { IKE_GO, IKE_LATER, IKE_NO_D, IKE_FORGET };
/* What to do with a request while our own are open. child: the one it is about, NULL none or unknown. */
enum ike_verdict ike_collision(const struct ike_sa *sa, enum ike_received rx, const struct ike_child *child);
/* Our open request for this purpose, NULL if none; child 0: any. */
struct ike_exchange *ike_own_exchange(const struct ike_sa *sa, uint8_t purpose, ike_child_id child);
bool ike_making_child(const struct ike_sa *sa); /* an open request of ours may make one, or has */

#endif
