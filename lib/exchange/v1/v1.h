/* SPDX-License-Identifier: ISC
 *
 * IKEv1: what its files share. One file per exchange; delivery.c puts their messages on the wire, input.c finds out whose a
 * datagram is.
 */
#ifndef IKE_EXCHANGE_V1_V1_H
#define IKE_EXCHANGE_V1_V1_H

#include "exchange/common.h"
#include "keys/v1.h"
#include "message/v1.h"

extern const struct ike_delivery ike_v1_delivery;
extern const struct ike_script ike_v1_main, ike_v1_aggressive, ike_v1_quick, ike_v1_informational, ike_v1_dpd, ike_v1_connected,
    ike_v1_new_group;
extern const struct ike_script ike_v1_xauth, ike_v1_xauth_status, ike_v1_pull, ike_v1_push;

/* ---- input.c ------------------------------------------------------------------------------------------------------------ */
bool ike_v1_crowded(const struct ike_sa *sa); /* as many exchanges as one SA may have open */
int ike_v1_input(struct ike_engine *e, struct ike_message *m, const ike_path *path);

/* ---- delivery.c --------------------------------------------------------------------------------------------------------- */
ike_action ike_v1_begin; /* a message id of our own and the IV that follows from it; first of what an initiator builds */
bool ike_v1_sealed(const struct ike_exchange *x, unsigned step);
static inline bool ike_v1_phase1(const struct ike_exchange *x)
{
    return x->script == &ike_v1_main || x->script == &ike_v1_aggressive;
}
struct ike_v1_seal ike_v1_key(const struct ike_sa *sa);
/* SKEYID_d, SKEYID_a and the cipher's key are one run of octets. */
static inline ike_bytes ike_v1_key_d(const struct ike_sa *sa) { return ike_bytes_of(sa->keys, sa->prf->mac->len); }
static inline ike_bytes ike_v1_key_a(const struct ike_sa *sa)
{
    return ike_bytes_of(sa->keys + sa->prf->mac->len, sa->prf->mac->len);
}
/* A message of its own that says what is wrong, protected if there are keys; nothing comes back. */
void ike_v1_tell(struct ike_exchange *x, uint16_t notify);
/* An Informational that nobody answers and nobody repeats; what it says is put in between. False: it cannot be begun. Without
 * memory for it the peer finds out by itself. */
bool ike_v1_once_begin(struct ike_exchange *y, struct ike_engine *e, struct ike_sa *sa, const ike_path *path);
void ike_v1_once_send(struct ike_exchange *y);
/* An SA that did not come as far as to be up goes; the peer is told. */
void ike_v1_abandon(struct ike_engine *e, struct ike_sa *sa, uint8_t cause);
void ike_v1_forget_older(struct ike_engine *e, struct ike_sa *sa); /* INITIAL-CONTACT */
uint64_t ike_v1_digest(const struct ike_engine *e, const struct ike_message *m);

/* ---- phase1.c ----------------------------------------------------------------------------------------------------------- */
ike_action ike_v1_offer, ike_v1_choose, ike_v1_answer, ike_v1_take_answer; /* SA payloads */
ike_action ike_v1_put_ke, ike_v1_take_ke;                                  /* KE, NONCE, NAT-D */
ike_action ike_v1_secret, ike_v1_keys;
int ike_v1_derive(struct ike_exchange *x); /* keys of the IKE SA; IKE_OK at once if they are there */

void ike_v1_put_nat_d(struct ike_exchange *x);
void ike_v1_detect_nat(struct ike_exchange *x);
void ike_v1_note(struct ike_exchange *x, uint16_t notify);
void ike_v1_log_keys(struct ike_core *c, const struct ike_sa *sa); /* for the host that wants them */

/* ---- host.c ------------------------------------------------------------------------------------------------------------- */
/* An exchange at somebody's word, under an SA that is up; NULL is IKE_ERR_NOT_FOUND. */
int ike_v1_may_start(const struct ike_sa *sa);
int ike_v1_start(struct ike_engine *e, struct ike_sa *sa, const struct ike_script *script, void *state);

/* ---- fragment.c --------------------------------------------------------------------------------------------------------- */
struct ike_sent *ike_v1_keep(struct ike_exchange *x, const struct ike_header *h, ike_bytes message);
/* One part; `hear` gets the whole when it was the last that was missing. */
int ike_v1_take_part(struct ike_engine *e, struct ike_sa *sa, struct ike_message *m, const ike_path *path,
                     int (*hear)(struct ike_engine *, struct ike_message *, const ike_path *));

/* ---- anew.c ------------------------------------------------------------------------------------------------------------- */
/* True: it has begun anew, or is over, instead of being repeated once more. */
bool ike_v1_anew(struct ike_exchange *x);

/* ---- vendor.c ----------------------------------------------------------------------------------------------------------- */
void ike_v1_put_vids(struct ike_exchange *x);
void ike_v1_take_vids(struct ike_exchange *x);

/* ---- proof.c ------------------------------------------------------------------------------------------------------------ */
ike_action ike_v1_prove, ike_v1_put_auth, ike_v1_take_id, ike_v1_choose_conn, ike_v1_check_auth, ike_v1_join;
void ike_v1_put_proof(struct ike_exchange *x); /* HASH, or CERT and SIG */
/* Blamed already: FATAL, or DROP where a forged message must not end the attempt. */
int ike_v1_unproved(struct ike_exchange *x, uint16_t notify);
const char *ike_v1_auth_name(uint16_t auth);
static inline bool ike_v1_signs(const struct ike_exchange *x) { return x->sa->conf->auth1 != IKE_AUTH1_PSK; }

/* ---- transaction.c ------------------------------------------------------------------------------------------------------ */
extern const struct ike_form ike_v1_transaction_forms[];
ike_action ike_v1_transaction_check;                           /* the hash; first of what is done with a message */
const struct ike_script *ike_v1_next(struct ike_exchange *x);  /* what we begin behind phase 1, and behind what follows it */
bool ike_v1_complete(const struct ike_engine *e, const struct ike_sa *sa); /* nothing is missing before the SA is up */
/* Of which script a message is that begins an exchange, as far as it can be believed; NULL: of none that may begin now. */
const struct ike_script *ike_v1_transaction(const struct ike_sa *sa, const struct ike_message *m);
/* The ATTR payload, which must be of this type; IKE_X_OK, or what becomes of the message. */
int ike_v1_attr_take(struct ike_exchange *x, uint8_t type, struct ike_v1_config *out);
/* A message with one; attributes are put in between. */
size_t ike_v1_attr_begin(struct ike_exchange *x, uint8_t type);
int ike_v1_attr_end(struct ike_exchange *x, size_t at);
void ike_v1_patience(struct ike_engine *e, struct ike_sa *sa); /* how long the peer may take from now on */

/* ---- informational.c ---------------------------------------------------------------------------------------------------- */
void ike_v1_take_connected(struct ike_exchange *x, const struct ike_v1_notify *n); /* the peer is ready to receive on an SA */
/* A protected message with one notify about the IKE SA. */
void ike_v1_say(struct ike_exchange *x, uint16_t notify, ike_bytes data);

/* ---- lifetime.c --------------------------------------------------------------------------------------------------------- */
/* What the IKE SA of x, which is up now, or the child of x, which is not yet, agreed to live. agree: true when we gave less than
 * the peer asked for. */
bool ike_v1_agree(struct ike_exchange *x);
ike_action ike_v1_child_agree;
/* RESPONDER-LIFETIME, if we give less than was asked for: a payload of the message being built, or a message of its own. */
void ike_v1_put_life(struct ike_exchange *x);
void ike_v1_tell_life(struct ike_exchange *x);
/* One that came: for the IKE SA in phase 1, the seconds it says, else `before`; for whichever SA in an Informational. */
uint32_t ike_v1_told_life(const struct ike_sa *sa, const struct ike_v1_notify *n, uint32_t before);
void ike_v1_take_life(struct ike_exchange *x, const struct ike_v1_notify *n);
/* Says that lifetimes are what kept an offer from fitting. */
void ike_v1_blame_life(struct ike_core *c, const struct ike_v1_terms *want, const struct ike_payload *sa, bool phase2);
static inline uint64_t ike_v1_kilobytes(uint64_t bytes) { return bytes && bytes < 1024 ? 1 : bytes / 1024; }

/* ---- protect.c: HASH(1), HASH(2) ---------------------------------------------------------------------------------------- */
/* Where the HASH of the message being built is to go, and filling it in when the rest is there. ni: of HASH(2). */
void ike_v1_hash_begin(struct ike_exchange *x);
int ike_v1_hash_end(struct ike_exchange *x, ike_bytes ni);
/* The HASH of the message being handled. IKE_X_DROP: not the peer's. From then on it counts as authentic. */
int ike_v1_hash_check(struct ike_exchange *x, ike_bytes ni);
void ike_v1_proved(struct ike_exchange *x);

/* ---- selectors.c --------------------------------------------------------------------------------------------------------- */
/* IDci, IDcr. False: no ID payload can say it, as of several ports. */
bool ike_v1_put_ts(struct ike_chain *c, const ike_ts *ts);
int ike_v1_ts_parse(ike_ts *ts, const struct ike_payload *p);
int ike_v1_prefix(const ike_ts *ts);              /* the length of the prefix that the range is; -1: it is none */
void ike_v1_put_mask(uint8_t *mask, int prefix); /* into zeros */
void ike_v1_put_originals(struct ike_exchange *x); /* NAT-OA */
/* What the message being handled says of both ends, by the addresses that are seen here. */
void ike_v1_through_nat(const struct ike_exchange *x, ike_ts *own, ike_ts *peer);

#endif
