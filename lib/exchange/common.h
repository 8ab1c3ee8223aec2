/* SPDX-License-Identifier: ISC
 *
 * What the exchanges of both versions share: the key exchange, a child's making, and everything that happens to IKE SAs and
 * children between exchanges. scripts.h says which script a version has for what.
 */
#ifndef IKE_EXCHANGE_COMMON_H
#define IKE_EXCHANGE_COMMON_H

#include "exchange/exchange.h"
#include "policy/ts.h"

/* ---- ke.c: nonces, key exchange ---------------------------------------------------------------------------------------- */
ike_action ike_make_nonce, ike_make_ke;
struct ike_blob *ike_own_nonce(struct ike_exchange *x);
struct ike_blob *ike_peer_nonce(struct ike_exchange *x);
/* Neither zero nor one of our own. */
bool ike_nonce_fresh(struct ike_exchange *x, const struct ike_payload *p);
/* The peer's value, of the group setup->ke. IKE_ERR_PROTO: it is none. */
int ike_take_public(struct ike_exchange *x, ike_bytes value);
int ike_compute_shared(struct ike_core *c, struct ike_setup *s); /* IKE_OK at once if it is there already */

/* ---- identity.c ---------------------------------------------------------------------------------------------------------- */
/* ID payload bodies: type, three octets, data. A view into the blob; one too short for its type gives no identity at all. */
ike_id ike_id_of_body(const struct ike_blob *body);
ike_action ike_own_identity; /* ours, into setup->local_id */
bool ike_first_contact(const struct ike_exchange *x);
/* Into setup->secret. IKE_ERR_NOT_FOUND: there is none; the cause is drafted. */
int ike_fetch_secret(struct ike_exchange *x, const ike_id *remote);
/* The `peer` hook's choice, in *conn. IKE_ERR_AUTH: it wants none; the cause is drafted. */
int ike_ask_peer(struct ike_exchange *x, struct ike_conn **conn, const ike_id *wanted, uint8_t auth_method);
/* IKE_ERR_AUTH: the connection is gone. */
int ike_join(struct ike_exchange *x);

/* ---- child.c: actions of a child's negotiation -------------------------------------------------------------------------- */
ike_action ike_child_reserve, ike_child_decide, ike_child_make, ike_child_install_in, ike_child_install_out, ike_child_report_up;
void ike_child_undo(struct ike_exchange *x);
int ike_child_prepare(struct ike_exchange *x, struct ike_conf *conf, uint16_t index);
static inline const ike_child_settings *ike_setup_child(const struct ike_setup *s) { return &s->conf->s.children[s->index]; }
static inline struct ike_proposals *ike_setup_proposals(const struct ike_setup *s) { return s->conf->child_proposals[s->index]; }
static inline uint8_t ike_setup_protocol(const struct ike_setup *s)
{
    return IKE_WITH_BUNDLES ? ike_setup_proposals(s)->protocol : IKE_PROTO_ESP;
}
/* What is made besides the main protocol. */
static inline struct ike_beside *ike_setup_beside(const struct ike_setup *s)
{
    return (struct ike_beside *)(void *)s->beside.ptr;
}
static inline size_t ike_setup_n_beside(const struct ike_setup *s)
{
    return IKE_WITH_BUNDLES ? s->beside.len / sizeof(struct ike_beside) : 0;
}
struct ike_beside *ike_setup_has(const struct ike_setup *s, uint8_t protocol); /* NULL: not there */
/* Only this is to be made: SPIs reserved for it stay, others are given back. IKE_OK, or IKE_ERR_NOMEM: as before. */
int ike_keep_beside(struct ike_exchange *x, const struct ike_beside *list, size_t n);
/* Where the exchange's messages go. */
static inline const ike_path *ike_exchange_path(const struct ike_exchange *x)
{
    return x->role == IKE_INITIATOR ? &x->sa->path : &x->path;
}
/* Selectors are kept in blobs, as arrays. */
static inline const ike_ts *ike_ts_array(const struct ike_blob *b) { return (const ike_ts *)(const void *)b->ptr; }
static inline size_t ike_ts_count(const struct ike_blob *b) { return b->len / sizeof(ike_ts); }
int ike_keep_ts(struct ike_exchange *x, const struct ike_ts_list *local, const struct ike_ts_list *remote);
const ike_ts *ike_ts_configured(const ike_ts *ts, size_t *n, const ike_addr *own, ike_ts *buf);
const ike_ts *ike_ts_side(const struct ike_sa *sa, const ike_child_settings *k, bool local, const ike_path *path, size_t *n,
                          ike_ts *buf);
bool ike_uses_encap(const struct ike_sa *sa);
bool ike_deleted_early(const struct ike_setup *s);
uint32_t ike_children_of(const struct ike_sa *sa, ike_child_id but);
int ike_blame_answer(struct ike_exchange *x, uint16_t code, const char *what);

/* ---- log.c --------------------------------------------------------------------------------------------------------------- */
/* A message that was sent or came, `octets` long; its payloads in clear begin with one of type `first`. */
void ike_log_message(struct ike_core *c, ike_sa_id sa, bool out, const struct ike_header *h, const ike_path *path, size_t octets,
                     uint8_t first, const uint8_t *payloads, size_t n);
void ike_log_sa_up(struct ike_core *c, const struct ike_sa *sa);
void ike_log_sa_down(struct ike_core *c, const struct ike_sa *sa, uint8_t cause);
void ike_log_child_up(struct ike_core *c, const struct ike_child *k);
void ike_log_narrowed(struct ike_core *c, const struct ike_child *k);
void ike_log_child_down(struct ike_core *c, const struct ike_child *k, uint8_t cause);

/* ---- clear.c ------------------------------------------------------------------------------------------------------------- */
/* Into core->out, where it stays until the next message is framed. IKE_ERR_BUFFER: too long. */
int ike_frame_clear(struct ike_core *c, struct ike_header *h, const struct ike_chain *chain, size_t *len);
/* For the host's tap, if there is one: as if it was in clear. core->out is free. */
void ike_tap(struct ike_core *c, const ike_path *path, bool out, struct ike_header h, const uint8_t *payloads, size_t n);

/* ---- repeat.c ------------------------------------------------------------------------------------------------------------ */
struct ike_sent *ike_sent_keep(struct ike_core *c, const uint8_t *data, size_t n); /* NULL: no memory */
void ike_transmit(struct ike_core *c, const ike_path *path, const struct ike_sent *s);
/* What has been heard before came once more: its answer goes to where that came from. IKE_ERR_LIMIT: there is none, or it has
 * gone out often enough in this second. */
int ike_answer_again(struct ike_engine *e, struct ike_sa *sa, const ike_path *path, const struct ike_sent *s);
void ike_exchange_arm(struct ike_exchange *x); /* the time of the next repetition */
void ike_exchange_timer(struct ike_engine *e, struct ike_exchange *x);
/* The peer is somewhere else now: what is open is repeated there at once, and as often as if it was new. */
void ike_requests_resend(struct ike_engine *e, struct ike_sa *sa);
/* About when an open request of ours is given up, if no answer comes. */
ike_time ike_exchange_gives_up(const struct ike_exchange *x);
/* An error that came unprotected: the draft is kept as the reason, should no good answer come for a short while. */
void ike_exchange_note(struct ike_exchange *x);
void ike_exchange_doubt(struct ike_exchange *x); /* the same, but the message is still repeated */

/* ---- tasks.c ------------------------------------------------------------------------------------------------------------ */
/* Queue a request; one that is there already for the same thing stays alone. IKE_OK or IKE_ERR_NOMEM. */
int ike_queue(struct ike_engine *e, struct ike_sa *sa, const struct ike_task *t);
/* The settings of sa's connection are others now: what waits for a child keeps to its name. */
void ike_tasks_reindex(struct ike_engine *e, struct ike_sa *sa, const struct ike_conf *was, const struct ike_conf *is);
void ike_queue_owned(struct ike_engine *e, struct ike_sa *sa, struct ike_task *t); /* the task itself, which needs no memory */
void ike_queue_again(struct ike_exchange *x); /* after TEMPORARY_FAILURE: later; gives up when it went on too long */
/* Begin what the window allows. */
void ike_kick(struct ike_engine *e, struct ike_sa *sa);
void ike_tasks_drop(struct ike_engine *e, struct ike_sa *sa);
bool ike_task_waiting(const struct ike_sa *sa, uint8_t purpose, ike_child_id child);

/* ---- life.c, life_child.c ----------------------------------------------------------------------------------------------- */
static inline ike_time ike_earlier(ike_time a, ike_time b) { return a < b ? a : b; }
ike_time ike_rekey_time(struct ike_core *c, ike_time up, uint64_t life_s, uint64_t own_s, uint64_t margin_s, uint8_t jitter_pct,
                        bool peers);
/* Begin to connect: an IKE SA as initiator, with this child in IKE_AUTH. index -1: none named, the first that is to start. */
int ike_connect(struct ike_engine *e, struct ike_conn *conn, int index, const struct ike_task *packet);
/* Another IKE SA of the same version beside this one, which it is to replace, with this child as above. */
int ike_connect_again(struct ike_engine *e, struct ike_sa *sa, int index);
void ike_sa_up(struct ike_engine *e, struct ike_sa *sa);
/* Where an attempt of this connection's begins, and where it leads to; blames. */
int ike_find_path(struct ike_core *c, const struct ike_conn *conn, ike_path *path);
/* For one more that is half-open, at another's expense if need be. */
bool ike_make_room(struct ike_engine *e);
/* All of it goes, children included: nothing is sent. */
void ike_sa_down(struct ike_engine *e, struct ike_sa *sa, uint8_t cause);
void ike_sa_give_up(struct ike_engine *e, struct ike_sa *sa, uint8_t cause);
void ike_sa_linger(struct ike_engine *e, struct ike_sa *sa,
                   uint8_t cause); /* the same, but its last answer stays to be repeated */
void ike_child_down(struct ike_engine *e, struct ike_child *k, uint8_t cause);
void ike_child_told(struct ike_engine *e, struct ike_child *k); /* IKEv1: our Delete has left */
void ike_child_report(struct ike_engine *e, struct ike_child *k); /* CHILD_UP or CHILD_REKEYED, once */
void ike_child_up(struct ike_engine *e, struct ike_child *k);     /* lifetimes begin */
void ike_sa_lifetimes(struct ike_engine *e, struct ike_sa *sa);
void ike_sa_shorten(struct ike_engine *e, struct ike_sa *sa, uint32_t life_s); /* does nothing unless it is shorter */
struct ike_sa *ike_v1_other_sa(const struct ike_sa *gone);                     /* which takes its place, NULL: none */
void ike_child_shorten(struct ike_engine *e, struct ike_child *k, uint32_t life_s);
void ike_move_children(struct ike_engine *e, struct ike_sa *from, struct ike_sa *to);
void ike_sa_replaced(struct ike_engine *e, struct ike_sa *old, struct ike_sa *fresh);
void ike_sa_schedule(struct ike_engine *e, struct ike_sa *sa);
void ike_sa_timer(struct ike_engine *e, struct ike_sa *sa);
void ike_child_schedule(struct ike_engine *e, struct ike_child *k);
void ike_child_timer(struct ike_engine *e, struct ike_child *k);
/* IKE_ERR_NOMEM: it is begun again in a second. */
int ike_close_sa(struct ike_engine *e, struct ike_sa *sa, uint8_t cause);
/* Memory was short: the timers try again in a second. */
void ike_close_sa_later(struct ike_engine *e, struct ike_sa *sa);
void ike_close_child_later(struct ike_engine *e, struct ike_child *k);
int ike_close_child(struct ike_engine *e, struct ike_child *k);
/* Of one identity; with unique = no several hosts may have it, and are told apart by where they are. */
static inline bool ike_sa_same_host(const struct ike_sa *sa, const ike_path *path)
{
    return sa->conf->s.unique || ike_addr_equal(&sa->path.remote, &path->remote);
}
/* Does nothing to a child whose IKE SA is there. */
void ike_close_orphan(struct ike_engine *e, struct ike_child *k);
/* Sending goes over k from now on: its outbound SA is installed if it is not yet. */
struct ike_child *ike_child_heir(const struct ike_engine *e, const struct ike_child *k);
void ike_child_switch(struct ike_engine *e, struct ike_child *k);
/* Where one side proves anew who it is, or both began at once: which still sends in the place of k, and which waits until k is
 * gone, with_sa: and its IKE SA; else NULL. The side that did not begin asks over the older IKE SA whether the peer has that
 * still: if so, it has until IKE_ELDER_GOES to delete it, else what is new is used after IKE_ELDER_ASKED. */
struct ike_child *ike_child_elder(const struct ike_child *k);
struct ike_child *ike_child_younger(const struct ike_engine *e, const struct ike_child *k, bool with_sa);
#define IKE_ELDER_ASKED (10 * IKE_SEC)
#define IKE_ELDER_GOES  (30 * IKE_SEC)
/* The data plane has refused it. */
ike_failure *ike_blame_add(struct ike_core *c, bool inbound, int r);
void ike_child_cannot_send(struct ike_engine *e, struct ike_child *k, int r);
ike_action ike_float_ports; /* initiator: to port 4500 when there is a NAT */
/* A valid message came over another path. */
void ike_path_seen(struct ike_engine *e, struct ike_sa *sa, const ike_path *path, bool fresh_request);
void ike_path_set(struct ike_engine *e, struct ike_sa *sa, const ike_path *path);
/* IKEv1: ESP of a child without an IKE SA came from there. */
void ike_orphan_seen(struct ike_engine *e, struct ike_child *k, const ike_addr *remote);
/* doubles.c: which IKE SA of a peer stays. */
void ike_abandon_attempt(struct ike_engine *e, struct ike_sa *sa); /* our own, now that the peer's made sa */
void ike_settle_doubles(struct ike_engine *e, struct ike_sa *sa, bool initial_contact);
/* Begun by different sides, and the newer before the older was up. */
bool ike_sa_crossed(const struct ike_sa *older, const struct ike_sa *newer);
void ike_sa_yield(struct ike_engine *e, struct ike_sa *sa); /* yield_at: end it, if its double is still there */

/* ---- keepup.c ----------------------------------------------------------------------------------------------------------- */
/* Look what the connection wants and begin what is missing, now or after the pause it is in. */
void ike_keep_up(struct ike_engine *e, struct ike_conn *conn);
void ike_attempt_failed(struct ike_engine *e, struct ike_conn *conn); /* no IKE SA came of it */
/* The IKE SA stands, its child was refused; or it is up. */
void ike_child_failed(struct ike_engine *e, struct ike_conn *conn, const char *child);
void ike_child_succeeded(struct ike_engine *e, struct ike_conn *conn, const char *child);
bool ike_child_pauses(const struct ike_engine *e, const struct ike_conn *conn, int index); /* after failures */
void ike_conn_timer(struct ike_engine *e, struct ike_conn *conn);
struct ike_sa *ike_conn_usable_sa(const struct ike_conn *conn); /* an established one that takes new work */
bool ike_conn_orphaned(const struct ike_conn *conn);
/* Begin a child, over the IKE SA that is there or a new one. index -1: the IKE SA alone. */
int ike_begin_child(struct ike_engine *e, struct ike_conn *conn, int index, const struct ike_task *packet);
bool ike_conn_busy(const struct ike_conn *conn, const char *child); /* up or on its way */
/* A child is to be made on this IKE SA, or is being made: by its place in the present settings, and its name. */
bool ike_sa_plans(const struct ike_sa *sa, int index, const char *child);

#endif
