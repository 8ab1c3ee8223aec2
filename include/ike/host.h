/* SPDX-License-Identifier: ISC
 *
 * ike/host.h - what the host lends to an engine: one struct of callbacks.
 *
 * No callback may act on the same engine, except `event`: from any other such a call returns IKE_ERR_STATE. Looking
 * (ike/ike.h) is allowed, but shows things in the middle of the call that is under way. Every pointer handed to a callback
 * is valid during the call; a question's views stay valid until it is answered or cancelled.
 *
 * Questions. A hook that answers at once returns IKE_OK with its out-parameters set, or a negative error to refuse. A hook
 * that needs time remembers the token, returns IKE_PENDING, and answers later with the ike_answer_* of its kind. Until then
 * the exchange waits; retransmitted requests are absorbed. cancel(token) says that nobody waits any more: the token must
 * not be answered afterwards (it would give IKE_ERR_NOT_FOUND). So ends also what has not been answered in twice
 * ike_settings.half_open_life_ms, and counts as refused. A NULL hook means the connection's own data, or for the data plane
 * that none is there (get_spi draws a random SPI, the others succeed).
 */
#ifndef IKE_HOST_H
#define IKE_HOST_H

#include <ike/conn.h>
#include <ike/crypto.h>
#include <ike/failure.h>
#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Log -------------------------------------------------------------------------------------------------------------- */

typedef enum ike_log_level { IKE_LOG_ERROR, IKE_LOG_WARN, IKE_LOG_INFO, IKE_LOG_DEBUG, IKE_LOG_TRACE } ike_log_level;
typedef enum ike_log_class {
    IKE_LOG_ENGINE,
    IKE_LOG_MESSAGE,
    IKE_LOG_EXCHANGE,
    IKE_LOG_SA,
    IKE_LOG_CHILD,
    IKE_LOG_AUTH,
    IKE_LOG_NEGOTIATION,
    IKE_LOG_TIMER,
    IKE_LOG_CRYPTO,
    IKE_LOG_CLASSES
} ike_log_class;

/* ---- Events ----------------------------------------------------------------------------------------------------------- */

typedef enum ike_event_type {
    IKE_EV_SA_UP = 1,      /* an IKE SA is authenticated */
    IKE_EV_SA_REKEYED,     /* old_sa was replaced by sa; children moved */
    IKE_EV_SA_DOWN,        /* gone; `failure` says why unless it was deleted in the ordinary way */
    IKE_EV_CHILD_UP,
    IKE_EV_CHILD_REKEYED,  /* old_child was replaced by child */
    IKE_EV_CHILD_DOWN,
    IKE_EV_FAILED,         /* an attempt failed: see failure */
    IKE_EV_ADDRESS_CHANGED /* the peer's address or port moved (NAT rebinding) */
} ike_event_type;

typedef enum ike_cause { IKE_BY_LOCAL = 1, IKE_BY_PEER, IKE_BY_TIMEOUT, IKE_BY_FAILURE, IKE_BY_REPLACEMENT } ike_cause;

typedef struct ike_event {
    uint32_t size;
    ike_event_type type;
    ike_conn_id conn;
    ike_sa_id sa, old_sa;          /* ids of ended SAs are only names by now */
    ike_child_id child, old_child;
    ike_cause cause;               /* for DOWN */
    const ike_failure *failure;    /* FAILED, and DOWN by failure; else NULL */
} ike_event;

/* ---- Data plane: the SA database hooks -------------------------------------------------------------------------------- */

/* One direction of a child SA, complete enough to install it and its policies.
 *
 * A child with several protocols is a list, from the outermost as it is on the wire: AH around ESP around IPComp, each of which
 * may be missing. One call brings the whole list, and it is installed as a whole or not at all. The innermost has the mode of the
 * child; those around it are in transport mode, as what they carry is one packet between the two peers already. A host that knows
 * no more than ESP refuses what has another protocol or something inside. */
typedef struct ike_ipsec_sa {
    uint32_t size;
    ike_child_id child;
    ike_conn_id conn;
    const char *conn_name, *child_name;
    bool inbound;
    bool initiator;  /* we initiated the exchange that made it */
    bool rekey;      /* it replaces another SA of the same child: policies stay */
    uint8_t protocol, mode;
    bool udp_encap;  /* RFC 3948; ports are in path */
    bool esn;
    uint32_t spi;         /* of this direction; IPComp: the CPI */
    uint32_t peer_spi;    /* of the other direction */
    uint32_t reqid;       /* the same for all SAs of one child entry of one peer; groups policies with SAs */
    uint32_t replay_window;
    uint32_t mark, if_id;
    ike_path path;        /* addresses of the tunnel, ours and the peer's */
    uint16_t encr, encr_bits, integ; /* transform ids; encr_bits without salt */
    ike_bytes encr_key, integ_key;   /* encr_key includes the salt */
    const ike_ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets; /* 0: none. Time is kept by the engine */
    const struct ike_ipsec_sa *inner; /* the protocol inside this one; NULL: none */
} ike_ipsec_sa;

typedef struct ike_usage {
    uint64_t bytes, packets;
    ike_time last; /* time of the last packet in the engine's clock, 0 unknown or never */
} ike_usage;

typedef struct ike_sadb {
    /* Reserve an inbound SPI (>= 256) for `protocol` at path->local; each protocol of a child has its own, and for IPComp it is
     * a CPI from 256 to 61439. Question: ike_answer_spi. */
    int (*get_spi)(void *user, ike_token token, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi);
    /* Give a reserved SPI back that never became an SA. */
    void (*put_spi)(void *user, const ike_path *path, uint8_t protocol, uint32_t spi);
    /* Install one direction: the inbound SA turns the reserved SPI into an SA; the outbound one starts sending over it.
     * Both bring their policies, shared between the SAs of one reqid. Around rekeys and re-authentication several SAs of one
     * child are there for a while: all that are inbound receive, and the outbound one that came last sends. Question:
     * ike_answer_done. */
    int (*add)(void *user, ike_token token, const ike_ipsec_sa *sa);
    /* The path changed (NAT rebinding, float): sa->path is the new one, old the former. */
    int (*move)(void *user, const ike_ipsec_sa *sa, const ike_path *old);
    /* Take one direction out; also called for an add that is still pending (after cancel). */
    void (*remove)(void *user, const ike_ipsec_sa *sa);
    /* Counters of an installed SA, of a list those of its first; may be NULL or fail. What came in by it is a sign of life, and
     * spares the peer a question; a library built with -DIKE_QUESTIONS=OFF goes by messages alone. */
    int (*query)(void *user, const ike_ipsec_sa *sa, ike_usage *out);
    /* The peer gave us an address: there is true, and it comes before the first SA that uses it; it goes (false) behind the last
     * one. May be NULL. */
    void (*address)(void *user, ike_conn_id conn, const ike_addr *address, bool there);
    /* Can SAs of `protocol` (ESP, AH) between addresses of `family` (4 or 6; 0: not known yet) have this transform? type and id
     * as in RFC 7296 section 3.3.2: 1 encryption with its key length, 3 integrity, 5 extended sequence numbers. Asked when a
     * connection is added or replaced, or gets an address of another family: what is not carried is left out of its proposals,
     * so it is neither offered nor chosen. NULL: all is carried, as it has to be with a library built with -DIKE_PROPOSALS=OFF:
     * there an engine with this hook is IKE_ERR_UNSUPPORTED. */
    bool (*carries)(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits);
    /* An IKE SA is taken over from another engine (ike_sa_import): is this direction of a child of its still installed?
     * IKE_OK: it is, and belongs to this child from now on; its counters go on. Else the pair is not taken over, and `remove`
     * comes for the direction that was there. It is no question: there is no later answer. What nobody has adopted when all is
     * imported is the host's to take out. NULL: nothing is there. */
    int (*adopt)(void *user, const ike_ipsec_sa *sa);
} ike_sadb;

/* ---- Questions -------------------------------------------------------------------------------------------------------- */

/* The identity is known but not yet proven: which connection serves it, and may it go on? With IKEv1 the answer has to be of the
 * method that is agreed by then, and in Main Mode with the same `secret` as the connection that the peer's address led to, since
 * the peer proves that one. Where neither has one the `secret` hook gave it before any name was said, and it may be anybody's. */
typedef struct ike_peer_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn; /* the engine's own choice; 0 none */
    const ike_path *path;
    ike_id remote_id;      /* what the peer claims */
    ike_id wanted_id;      /* which of our identities it asks for; type NONE if it does not */
    uint8_t auth_method;   /* RFC 7296 section 3.8, for IKEv1 as well */
} ike_peer_question;

/* The secret between two identities. The peer's is what it claims to be, for a responder of IKEv2 and in Aggressive Mode; else
 * it is the connection's remote_id, perhaps of type NONE: for an initiator of IKEv2, and in Main Mode, where the secret is
 * needed before any name is said. */
typedef struct ike_secret_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn;
    ike_id local_id, remote_id;
} ike_secret_question;

/* A signature by a private key that the connection does not hold. */
typedef struct ike_sign_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn;
    ike_id local_id;
    uint8_t kind;   /* ike_key_kind of the connection's local_cert */
    ike_bytes data; /* what ike_sign.sign takes: RSA puts PKCS #1 v1.5 padding around it, the others take it as the digest */
} ike_sign_question;

/* The child that would be made: the hook may refuse, or restrict the selectors further (only ever narrower). */
typedef struct ike_child_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn;
    const char *child_name;
    bool initiator;
    uint8_t protocol, mode;
    uint16_t encr, encr_bits, integ, ke;
    bool esn;
    uint16_t ah_integ; /* of AH around ESP; 0: none */
    bool compress;
    const ike_ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
} ike_child_question;

/* XAUTH, asked of the server: is this that user's password? The views are wiped when the question is answered. */
typedef struct ike_user_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn;
    ike_id remote_id;         /* proven by phase 1; often that of a group */
    ike_bytes name, password; /* as they came: any octets */
} ike_user_question;

/* XAUTH, asked of the client: who are we? */
typedef struct ike_login_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn;
    const char *name;  /* as configured; NULL: not */
    ike_bytes message; /* what the peer would have the user read; may be empty */
} ike_login_question;

/* Which address inside the tunnel does this peer get? Asked for one that has none yet: it keeps what it has for as long as there
 * are SAs of it, and through other IKE SAs of the same identity and user. */
typedef struct ike_lease_question {
    uint32_t size;
    ike_sa_id sa;
    ike_conn_id conn;
    uint8_t family;   /* 4, 6 */
    ike_id remote_id; /* authenticated */
    ike_bytes user;   /* of XAUTH; may be empty */
    ike_addr wanted;  /* what the peer would like; family 0: anything */
} ike_lease_question;

/* A library built with -DIKE_QUESTIONS=OFF asks nothing: an engine with a `peer`, `secret` or `child` is IKE_ERR_UNSUPPORTED, and
 * IKE_PENDING is an error of any other hook. */
typedef struct ike_hooks {
    /* Answered by *conn (0: refuse) or ike_answer_peer. */
    int (*peer)(void *user, ike_token token, const ike_peer_question *q, ike_conn_id *conn);
    /* Write the secret (at most *len octets, IKE_SECRET_MAX) and set *len; or ike_answer_secret. */
    int (*secret)(void *user, ike_token token, const ike_secret_question *q, uint8_t *secret, size_t *len);
    /* Write the signature (at most *len octets, IKE_SIG_MAX) in the form of ike_sign.sign and set *len; or ike_answer_sign. */
    int (*sign)(void *user, ike_token token, const ike_sign_question *q, uint8_t *sig, size_t *len);
    /* IKE_OK to allow, negative to refuse; or ike_answer_done. */
    int (*child)(void *user, ike_token token, const ike_child_question *q);
    /* IKE_OK: the password is right; negative: it is not, or the user may not; or ike_answer_done. NULL: the connection's
     * users. */
    int (*user)(void *user, ike_token token, const ike_user_question *q);
    /* Write name and password (at most *name_len and *password_len octets, IKE_SECRET_MAX) and set the lengths; or
     * ike_answer_login. Not asked where the connection has both. */
    int (*login)(void *user, ike_token token, const ike_login_question *q, uint8_t *name, size_t *name_len, uint8_t *password,
                 size_t *password_len);
    /* *address, of the family that was asked for, or a negative error: there is none; or ike_answer_lease. NULL: the
     * connection's pool. */
    int (*lease)(void *user, ike_token token, const ike_lease_question *q, ike_addr *address);
    /* The last SA of the peer that had this address is gone: another may have it. Told of each that `lease` gave. */
    void (*release)(void *user, ike_conn_id conn, const ike_addr *address);
    /* Nobody waits for this answer any more. */
    void (*cancel)(void *user, ike_token token);
} ike_hooks;
#define IKE_SECRET_MAX 256

/* ---- The whole -------------------------------------------------------------------------------------------------------- */

typedef enum ike_send_kind { IKE_SEND_MESSAGE = 0, IKE_SEND_KEEPALIVE = 1 } ike_send_kind;

/* What a key log holds about one IKE SA (see `keys`). */
typedef struct ike_keylog {
    uint64_t spi_i, spi_r;
    uint16_t encr, encr_bits, integ;
    ike_bytes sk_ei, sk_er, sk_ai, sk_ar; /* sk_e with salt; IKEv1: sk_ei alone, the key of both directions */
    uint8_t version;                      /* of IKE; in 1 the SPIs are the cookies */
} ike_keylog;

typedef struct ike_host {
    uint32_t size;
    void *user;
    /* NULL pair: malloc and free of the C library. Blocks are aligned as malloc's (to 8 at least); release gets the size that
     * was asked for. */
    void *(*alloc)(void *user, size_t n);
    void (*release)(void *user, void *p, size_t n);
    /* Required. A CSPRNG; failing fails the exchange that needs it. */
    int (*random)(void *user, uint8_t *out, size_t n);
    /* Required. One datagram, without any marker; bytes valid during the call. A refused send counts as loss: the result is
     * not looked at. path->encap says that the transport puts the non-ESP marker first (not before keepalives: kind). */
    void (*send)(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n);
    /* Optional. Which address would datagrams to path->remote leave from? Fill in path->local.ip and .family (and ifindex).
     * Asked when a connection names no local address. IKE_OK, or an error: there is no way now, try again later. */
    int (*route)(void *user, ike_path *path);
    /* Optional. Delivered when the outermost call has left the engine consistent; every call is allowed from here. */
    void (*event)(void *user, const ike_event *ev);
    uint8_t log_level[IKE_LOG_CLASSES]; /* what is formatted at all: ike_log_level per class, default IKE_LOG_INFO */
    /* A library that was built without words (-DIKE_WORDS=OFF) has nothing to say. */
    void (*log)(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text);
    /* Optional: every message in clear after decryption or before encryption, for decrypted captures and ladders. */
    void (*tap)(void *user, const ike_path *path, bool outgoing, const uint8_t *clear, size_t n);
    /* Optional, dangerous: keys of every new IKE SA for a key log. */
    void (*keys)(void *user, const ike_keylog *k);
    ike_sadb sadb;
    ike_hooks hooks;
} ike_host;

/* No callback set, every log class at IKE_LOG_INFO. */
IKE_API void ike_host_init(ike_host *h);

#ifdef __cplusplus
}
#endif
#endif
