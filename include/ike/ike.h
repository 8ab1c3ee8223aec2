/* SPDX-License-Identifier: ISC
 *
 * ike/ike.h - the engine. This header is enough to start.
 *
 * An engine holds connections, IKE SAs and child SAs. The host feeds it datagrams and time, and gets datagrams, events and
 * data-plane operations through the callbacks of ike_host. A minimal host:
 *
 *     ike_crypto_global_init();                  once per process
 *     ike_settings s;
 *     ike_settings_init(&s);
 *     s.host.random = my_random;  s.host.send = my_send;  s.host.event = my_event;
 *     ike_engine_new(&e, &s, now);
 *     ike_conn_add(e, &conn_settings, &conn, now);
 *     ike_initiate(e, conn, NULL, now);
 *     for (;;) {
 *         wait until a datagram arrives or ike_next_timeout(e);
 *         ike_input(e, &path, datagram, n, now);     or     ike_tick(e, now);
 *     }
 *
 * Every function that takes `now` may send datagrams, call data-plane hooks and deliver events before it returns. Called
 * from inside a hook other than `event` it returns IKE_ERR_STATE. Calls from `event` never nest delivery.
 */
#ifndef IKE_IKE_H
#define IKE_IKE_H

#include <ike/conn.h>
#include <ike/crypto.h>
#include <ike/exchange.h>
#include <ike/failure.h>
#include <ike/host.h>
#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ike_engine ike_engine;

typedef struct ike_settings {
    uint32_t size;
    ike_host host;
    const ike_crypto *crypto; /* NULL: ike_crypto_default() */
    bool allow_variable_time; /* use also ciphers whose provider is not constant time on this CPU; else they are left out */
    /* Limits; a limit reached is IKE_ERR_LIMIT or a refusal with IKE_FAIL_LIMIT. */
    uint32_t max_sas;            /* IKE SAs incl. half-open, default 1 << 20 */
    uint32_t max_children;       /* default 1 << 20 */
    uint32_t max_conns;          /* default 1 << 16 */
    uint32_t cookie_threshold;   /* half-open SAs as responder from which cookies are demanded, default 50; 0: always */
    uint32_t cookie_per_source;  /* the same per source prefix (/32, /64), default 5 */
    uint32_t max_half_open;      /* then one of which nothing was heard goes at random, or the newcomer; default 1000 */
    uint32_t half_open_per_source; /* default 50 */
    uint32_t half_open_life_ms;  /* without IKE_AUTH, default 30000; a third of it above cookie_threshold */
    uint32_t max_message;        /* octets, default 65507 */
    uint32_t replies_per_second; /* unprotected error replies in all, default 100; per source a tenth */
    /* What a peer that has shown who it is may ask for on one IKE SA: children, rekeys, in IKEv1 also checks and addresses.
     * Default 50, 20 times as many after a pause; not 0. More is put off (IKEv2), or not heard until it is said again (IKEv1). */
    uint32_t requests_per_second;
    /* Wrong XAUTH passwords a minute for one user from one source, default 10; 10 times as many for one user, and from one
     * source, in all. Then no password is looked at for a while, and all are wrong. 0: no limit. These three: 10^6 at most. */
    uint32_t password_tries;
    /* Retransmission: wait first_ms, times factor_pct/100 each try, at most max_ms, with +- jitter_pct; `tries` sends after
     * the first one, then the peer is given up. Defaults 2000, 180, 42000, 10, 6 (about two minutes in all). */
    uint32_t retransmit_first_ms, retransmit_factor_pct, retransmit_max_ms, retransmit_jitter_pct, retransmit_tries;
    /* Start = yes: pause before an attempt is repeated, doubling with jitter. Defaults 1000 and 60000; not 0. */
    uint32_t retry_first_ms, retry_max_ms;
    /* TEMPORARY_FAILURE: pause before the request is repeated (jittered), default 10000; give up after, default 180000. */
    uint32_t temporary_retry_ms, temporary_limit_ms;
    /* Our SPIs carry this tag in the low spi_tag_bits bits, to steer datagrams to workers. */
    uint32_t spi_tag;
    uint8_t spi_tag_bits;
    uint16_t port, encap_port;             /* of the peer: default 500 and 4500 */
    uint16_t local_port, local_encap_port; /* ours, as the transport has them; default the same */
    /* Exchanges of the host's own (ike/exchange.h), NULL-ended; NULL: none. The list stays the host's. */
    const struct ike_script *const *scripts;
} ike_settings;

/* The defaults named above; host.random and host.send are left for the caller. */
IKE_API void ike_settings_init(ike_settings *s);

/* ---- Life ------------------------------------------------------------------------------------------------------------- */

/* Settings are copied. Call ike_crypto_global_init first. IKE_ERR_INVALID (a required callback is missing, a limit or a time
 * that must not be 0 is, or is out of its range), _UNSUPPORTED (no cipher can be used on this CPU: allow_variable_time),
 * _NOMEM, _HOST (random). */
IKE_API int ike_engine_new(ike_engine **out, const ike_settings *s, ike_time now);
/* Wipes and frees everything; cancels questions, removes SAs from the data plane; sends nothing and delivers no events. Called
 * from a callback it takes effect when the call that is under way returns; not from `query`, which looking asks too, when no
 * call is under way that could do it. NULL is fine. */
IKE_API void ike_engine_free(ike_engine *e);
/* Delete all SAs in the ordinary way (sends Delete). The host ticks on until ike_counters_get(...).sas is 0 or it has no
 * more patience. Start = yes children are not restarted any more. */
IKE_API int ike_engine_close(ike_engine *e, ike_time now);

/* What is formatted and handed to host.log from now on; class IKE_LOG_CLASSES: all of them. May be called from anywhere. */
IKE_API void ike_log_level_set(ike_engine *e, ike_log_class c, ike_log_level level);

/* ---- Packets and time ------------------------------------------------------------------------------------------------- */

/* One IKE message without the non-ESP marker. IKE_OK: accepted (or an answer sent); a negative value says why it was
 * dropped, for counting only. */
IKE_API int ike_input(ike_engine *e, const ike_path *path, const uint8_t *data, size_t n, ike_time now);
/* When ike_tick has to be called next; IKE_NEVER if nothing is planned. */
IKE_API ike_time ike_next_timeout(const ike_engine *e);
/* Do what is due: repeat, rekey, give up, try again. Called early it does nothing. IKE_OK, IKE_ERR_STATE from a hook. */
IKE_API int ike_tick(ike_engine *e, ike_time now);

/* ---- Connections ------------------------------------------------------------------------------------------------------ */

/* Settings are copied and checked. IKE_ERR_INVALID, _EXISTS (name), _UNSUPPORTED (a proposal names what the crypto in use lacks;
 * for IKEv1 alone: proposals have nothing that it has numbers for), _CRYPTO (keys that cannot be read or used, or do not go
 * together: see ike_key_check), _LIMIT (also: a certificate of more than half of max_message), _NOMEM. Children with start = yes
 * are begun. */
IKE_API int ike_conn_add(ike_engine *e, const ike_conn_settings *s, ike_conn_id *out, ike_time now);
/* New settings for later negotiations under the same id. SAs whose settings did not change stay; with `close_changed` SAs of
 * children that are gone or differ are deleted (and begun again where start = yes). IKE_ERR_NOT_FOUND, _INVALID (also: another
 * name), _UNSUPPORTED, _NOMEM: everything is as before. */
IKE_API int ike_conn_replace(ike_engine *e, ike_conn_id conn, const ike_conn_settings *s, bool close_changed, ike_time now);
/* A new peer address for the next attempt (the host resolved a name again); nothing running is touched. IKE_ERR_NOT_FOUND; and
 * where the address is of another family than before _UNSUPPORTED (of the proposals the data plane carries nothing), _NOMEM:
 * everything is as before. */
IKE_API int ike_conn_set_remote(ike_engine *e, ike_conn_id conn, const ike_addr *remote);
/* Its SAs are deleted, its attempts cancelled. */
IKE_API int ike_conn_remove(ike_engine *e, ike_conn_id conn, ike_time now);
/* By name. IKE_ERR_NOT_FOUND and *out 0. */
IKE_API int ike_conn_find(const ike_engine *e, const char *name, ike_conn_id *out);

/* ---- Acting ----------------------------------------------------------------------------------------------------------- */

/* Bring a child up (child_name NULL: the IKE SA with all children whose start is yes, or the first child). Uses the IKE SA
 * that is there. Already up or on its way: IKE_OK, nothing happens. The outcome comes as an event. IKE_ERR_NOT_FOUND (connection
 * or child), _INVALID (the peer has not one address), _LIMIT, _NOMEM, _HOST (random), or what the `route` hook said. */
IKE_API int ike_initiate(ike_engine *e, ike_conn_id conn, const char *child_name, ike_time now);
/* Its children that are kept up (child_name NULL: all) are not begun any more, and an attempt under way ends, until they are
 * initiated again. SAs that are up stay. */
IKE_API int ike_conn_hold(ike_engine *e, ike_conn_id conn, const char *child_name, ike_time now);
/* A packet waits for this child: it is begun with the packet's selectors first in TSi and TSr (RFC 7296 section 2.9). NULL: the
 * data plane does not say which they are. Unlike a command it waits while attempts that failed are paused for (IKE_OK), and does
 * not bring up what was closed by one (IKE_ERR_STATE, where start = yes). IKE_ERR_NOT_FOUND, or as ike_initiate. */
IKE_API int ike_acquire(ike_engine *e, ike_conn_id conn, const char *child_name, const ike_ts *local, const ike_ts *remote,
                        ike_time now);
/* IKE_ERR_NOT_FOUND; IKE_ERR_STATE: it is not up, or is being replaced or deleted already. */
IKE_API int ike_sa_rekey(ike_engine *e, ike_sa_id sa, ike_time now);
IKE_API int ike_child_rekey(ike_engine *e, ike_child_id child, ike_time now);
/* Both sides prove anew who they are (RFC 7296 section 2.8.3; in IKEv1 as ike_sa_rekey): another IKE SA is set up by the present
 * settings, the children are made on it, then the old ones are deleted: their DOWN has the cause IKE_BY_REPLACEMENT. Should it
 * fail, they stay as they are. IKE_ERR_NOT_FOUND; _STATE: as ike_sa_rekey, or another is on its way or just up; _INVALID: the
 * peer has not one address; _UNSUPPORTED: the connection is not to speak this version any more, or the library was built with
 * -DIKE_DOUBLES=OFF; or as ike_initiate. */
IKE_API int ike_sa_reauth(ike_engine *e, ike_sa_id sa, ike_time now);
/* New Group Mode (RFC 2409 section 5.6; IKEv1 only): propose a MODP group of one's own to the peer. Once both have it, it is
 * what Quick Modes with PFS use, whoever begins them, until the IKE SA ends. id: 32768 or above. The prime has to be a safe
 * one of 2048 to 4096 bits, the generator not 0, 1 or -1: this is checked first, which takes as long as some hundred key
 * exchanges. IKE_OK: proposed; ike_sa_info.private_ke says when the peer has taken it. IKE_ERR_NOT_FOUND; _INVALID: no such
 * group, or not IKEv1; _STATE: the SA is not up, or goes; _EXISTS: it has a group, or one is proposed; _UNSUPPORTED: the
 * engine's crypto has no `power`, or a library without IKEv1; _LIMIT; _NOMEM. */
IKE_API int ike_sa_new_group(ike_engine *e, ike_sa_id sa, uint16_t id, ike_bytes prime, ike_bytes generator, ike_time now);
/* Delete in the ordinary way; IKE_ERR_NOMEM means that it begins a second later. A child with start = yes stays down until it
 * is initiated again. */
IKE_API int ike_sa_close(ike_engine *e, ike_sa_id sa, ike_time now);
IKE_API int ike_child_close(ike_engine *e, ike_child_id child, ike_time now);
/* The same without waiting for an answer: a Delete leaves if one can, once, and the SA is gone with its children, also one whose
 * Delete is waiting already. For a peer that is known to be dead. IKE_ERR_NOT_FOUND. */
IKE_API int ike_sa_drop(ike_engine *e, ike_sa_id sa, ike_time now);
/* Ask the peer for a sign of life now. IKE_ERR_NOT_FOUND, _STATE (it is not up), _NOMEM. */
IKE_API int ike_sa_check(ike_engine *e, ike_sa_id sa, ike_time now);
/* The data plane reports: soft or hard limit reached on an SA we installed (ike_ipsec_sa.child). IKE_ERR_NOT_FOUND. */
IKE_API int ike_child_expire(ike_engine *e, ike_child_id child, bool hard, ike_time now);
/* The data plane saw valid ESP from a new address or port of the peer (RFC 3948; XFRM mapping). Where the peer alone is behind a
 * NAT it is followed, also by a child of IKEv1 that has outlived its IKE SA. IKE_ERR_NOT_FOUND: there is no such child. */
IKE_API int ike_peer_moved(ike_engine *e, ike_child_id child, const ike_addr *remote, ike_time now);

/* ---- Handing over ----------------------------------------------------------------------------------------------------- */

/* An IKE SA of IKEv2 and its children as octets, for an engine that goes on with them: after a restart, or on another machine.
 * They hold the keys: keep them as secret as those. A record is good until the next message over the SA leaves, and for one
 * engine; an older one makes the peer take our requests for repetitions. To be able to go on after a crash at any moment throw
 * the record of an SA away before `send` sends a message of it, and export when the call into the engine is over.
 *
 * *len: the room at out (which may be NULL if that is 0), and then what the record takes. IKE_ERR_BUFFER: more than the room,
 * and nothing is written.
 * IKE_ERR_NOT_FOUND; _UNSUPPORTED: of IKEv1; _STATE: it is not at rest (being set up, rekeyed or deleted, a request is open, a
 * child is being made or goes), or from inside a hook. */
IKE_API int ike_sa_export(const ike_engine *e, ike_sa_id sa, uint8_t *out, size_t *len, ike_time now);
/* Takes it over after so long (age), under the connection of the same name as that is now, whose children have the same names.
 * The data plane is asked for each child's SAs (ike_sadb.adopt); a pair that it has lost is deleted at the peer, and made anew
 * where start = yes. UP events come as for new ones, and the peer is asked for a sign of life. An attempt of this connection
 * that was begun already ends. Import before children are begun otherwise: they would draw the same reqids. A host that hands
 * its SAs over leaves them installed when it frees its engine, by a `remove` that does nothing. `record` is read during the
 * call alone.
 *
 * IKE_ERR_INVALID: no record, or the SPI has another engine's tag; _UNSUPPORTED: of another version of this library, or with
 * algorithms or protocols that are missing here; _NOT_FOUND: no such connection; _AUTH: the connection has another identity by
 * now, or wants another of the peer; _EXISTS: it is here already, or a younger one; _STATE: closing, or an attempt has gone
 * too far; _LIMIT, _NOMEM, _HOST (random). Nothing is taken over then, and *out is 0; what had been adopted has been removed. */
IKE_API int ike_sa_import(ike_engine *e, const uint8_t *record, size_t n, ike_time age, ike_sa_id *out, ike_time now);

/* ---- Answers to questions --------------------------------------------------------------------------------------------- */

/* All: IKE_ERR_NOT_FOUND if the token is unknown, cancelled or already answered; IKE_ERR_INVALID if it is of another kind.
 * IKE_ERR_LIMIT: a secret, name or password is longer than IKE_SECRET_MAX; that is the answer then, as any other error. */
IKE_API int ike_answer_peer(ike_engine *e, ike_token t, ike_conn_id conn, ike_time now); /* 0 refuses */
IKE_API int ike_answer_secret(ike_engine *e, ike_token t, int result, ike_bytes secret, ike_time now);
IKE_API int ike_answer_sign(ike_engine *e, ike_token t, int result, ike_bytes sig, ike_time now);
IKE_API int ike_answer_login(ike_engine *e, ike_token t, int result, ike_bytes name, ike_bytes password, ike_time now);
IKE_API int ike_answer_lease(ike_engine *e, ike_token t, int result, const ike_addr *address, ike_time now);
IKE_API int ike_answer_spi(ike_engine *e, ike_token t, int result, uint32_t spi, ike_time now);
IKE_API int ike_answer_done(ike_engine *e, ike_token t, int result, ike_time now); /* add, child, user */

/* ---- Looking ---------------------------------------------------------------------------------------------------------- */

typedef enum ike_sa_state {
    IKE_SA_CONNECTING = 1, /* SA_INIT or AUTH under way, not authenticated */
    IKE_SA_ESTABLISHED,
    IKE_SA_REKEYING,  /* a replacement is being negotiated; fully usable */
    IKE_SA_REKEYED,   /* replaced, waits for its Delete */
    IKE_SA_DELETING
} ike_sa_state;

typedef struct ike_sa_info {
    uint32_t size;
    ike_sa_id id;
    ike_conn_id conn;
    const char *conn_name;
    uint32_t number;    /* counts up, unique for people */
    uint8_t version, state;
    bool initiator;     /* original initiator */
    uint64_t spi_i, spi_r;
    ike_path path;
    bool nat_local, nat_remote;
    uint16_t encr, encr_bits, integ, prf, ke; /* transform ids, 0 not yet */
    ike_id local_id, remote_id; /* valid until the next call into the engine */
    ike_bytes user;             /* the name shown in XAUTH; empty: none. Valid as long */
    bool user_ours;             /* it is we who have shown that name */
    ike_addr inner;             /* address inside the tunnel that one side gave the other; family 0: none */
    bool inner_ours;            /* the peer gave it to us */
    const ike_addr *dns, *nbns; /* servers the peer told us of; valid as long */
    size_t n_dns, n_nbns;
    ike_time created, established, rekey_at, last_in; /* 0: not yet / not planned */
    uint32_t children;
    uint32_t queued;    /* local requests waiting for the window */
    uint32_t repetitions; /* of the open request: the peer is silent; 0 it is not, or not yet */
    ike_time gives_up_at; /* about when it is given up then */
    uint16_t private_ke;  /* IKEv1: the number of a group of its own, by New Group Mode; 0: none */
} ike_sa_info;

typedef enum ike_child_state {
    IKE_CHILD_INSTALLING = 1,
    IKE_CHILD_INSTALLED,
    IKE_CHILD_REKEYING,
    IKE_CHILD_REKEYED, /* replaced; inbound kept until the Delete */
    IKE_CHILD_DELETING
} ike_child_state;

typedef struct ike_child_info {
    uint32_t size;
    ike_child_id id;
    ike_sa_id sa; /* 0: of IKEv1, whose children outlive their IKE SA until the next one takes them */
    ike_conn_id conn;
    const char *conn_name, *name;
    uint32_t number;
    uint8_t state;
    bool initiator; /* of the exchange that made it */
    uint8_t protocol, mode;
    bool udp_encap, esn;
    bool narrowed;  /* we initiated it and the peer gave less than the settings ask for */
    uint32_t spi_in, spi_out, reqid;
    uint16_t encr, encr_bits, integ, ke;
    uint16_t ah_integ; /* of AH around ESP; 0: none */
    uint32_t ah_spi_in, ah_spi_out;
    uint16_t cpi_in, cpi_out; /* of IPComp; 0: none */
    const ike_ts *local_ts, *remote_ts; /* valid until the next call into the engine */
    size_t n_local_ts, n_remote_ts;
    ike_time established, rekey_at, expires_at;
    ike_usage in, out; /* from the data plane, zero if it cannot say */
    bool usage_known;
} ike_child_info;

typedef struct ike_conn_info {
    uint32_t size;
    ike_conn_id id;
    const ike_conn_settings *settings; /* valid until the next call into the engine; the secret is left out */
    uint32_t sas;
    bool wanted;       /* some child is to be kept up */
    ike_time retry_at; /* 0: no attempt is waiting */
    uint32_t attempts; /* failed in a row */
} ike_conn_info;

/* Iterate: pass 0 first, then the id of the last one; ids of objects that went away in between are fine.
 * IKE_OK, or IKE_ERR_NOT_FOUND past the end. The order is stable; objects made meanwhile may be missed. */
IKE_API int ike_sa_next(const ike_engine *e, ike_sa_id after, ike_sa_info *out);
IKE_API int ike_child_next(const ike_engine *e, ike_child_id after, ike_child_info *out);
IKE_API int ike_conn_next(const ike_engine *e, ike_conn_id after, ike_conn_info *out);
/* The IKE SAs of one connection, the children of one IKE SA, in no order: up to max ids. Returns how many there are, 0 for what
 * is not known; what they cost grows with that number alone. */
IKE_API size_t ike_conn_sas(const ike_engine *e, ike_conn_id conn, ike_sa_id *out, size_t max);
IKE_API size_t ike_sa_children(const ike_engine *e, ike_sa_id sa, ike_child_id *out, size_t max);
/* By id; IKE_ERR_NOT_FOUND. */
IKE_API int ike_sa_get(const ike_engine *e, ike_sa_id id, ike_sa_info *out);
IKE_API int ike_child_get(const ike_engine *e, ike_child_id id, ike_child_info *out);
IKE_API int ike_conn_get(const ike_engine *e, ike_conn_id id, ike_conn_info *out);

/* The connection's last failure. IKE_ERR_NOT_FOUND if none. */
IKE_API int ike_conn_failure(const ike_engine *e, ike_conn_id conn, ike_failure *out);
/* The i-th newest of the engine's ring of 64. IKE_ERR_NOT_FOUND past the last. */
IKE_API int ike_failure_at(const ike_engine *e, size_t i, ike_failure *out);

typedef struct ike_counters {
    uint32_t size;
    uint64_t in, out, dropped, retransmitted, retransmit_seen, cookies_sent, error_replies;
    uint64_t handshakes, rekeys, failures, strangers; /* strangers: refused before authentication */
    uint64_t bad_icv, bad_syntax, unknown_spi, replayed, rate_limited;
    uint64_t allocated; /* octets the engine holds now */
    uint64_t jitter_draws;
    uint32_t sas, half_open, children, conns, exchanges, questions;
} ike_counters;
/* Counted since the engine was made; the last line says what is there now. */
IKE_API void ike_counters_get(const ike_engine *e, ike_counters *out);

#ifdef __cplusplus
}
#endif
#endif
