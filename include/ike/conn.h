/* SPDX-License-Identifier: ISC
 *
 * ike/conn.h - connections: who may talk to us, and what may be agreed.
 *
 * A connection is an immutable set of settings inside an engine, named by an id. Replacing one is atomic: attempts and SAs
 * that run keep the settings they began with (reference-counted inside); an SA is touched only if ike_conn_replace says so.
 */
#ifndef IKE_CONN_H
#define IKE_CONN_H

#include <ike/crypto.h>
#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ike_start { IKE_START_NO = 0, IKE_START_YES = 1, IKE_START_DEMAND = 2 } ike_start;

/* Which versions of IKE a connection speaks. With both, attempts of ours are IKEv2. A library built without IKEv1 refuses
 * IKE_SPEAKS_V1 with IKE_ERR_UNSUPPORTED. */
typedef enum ike_speaks { IKE_SPEAKS_V2 = 0, IKE_SPEAKS_V1 = 1, IKE_SPEAKS_ANY = 2 } ike_speaks;

/* IKEv1: who shows a user name and a password behind phase 1 (XAUTH). */
typedef enum ike_xauth { IKE_XAUTH_NO = 0, IKE_XAUTH_CLIENT = 1, IKE_XAUTH_SERVER = 2 } ike_xauth;

typedef struct ike_user_settings {
    const char *name;
    ike_bytes secret; /* password; empty: as client ask the `login` hook, as server nobody fits it */
} ike_user_settings;

#define IKE_SERVERS_MAX 4

/* A child: one IPsec SA pair that this connection may have. */
typedef struct ike_child_settings {
    uint32_t size;
    const char *name;      /* unique in the connection */
    const char *proposals; /* ESP: "aes256gcm16, aes128-sha256-x25519"; NULL: the default (below) */
    const char *ah_proposals; /* AH: "sha256, sha1-modp2048"; NULL: no AH. Where `proposals` is NULL: AH
                               * alone; where it is not: AH around ESP, both together, which only IKEv1 can agree on */
    const ike_ts *local_ts, *remote_ts; /* NULL/0: the IKE addresses themselves ("dynamic") */
    size_t n_local_ts, n_remote_ts;
    bool compress;    /* IPComp (deflate) inside, where the peer agrees */
    uint8_t mode;     /* ike_mode */
    uint8_t start;    /* ike_start: whether the host's keep-up logic wants it; the engine acts on YES */
    bool mode_fallback; /* IKEv2: transport wanted, tunnel accepted when the peer does not agree */
    uint32_t replay_window; /* packets; passed to the data plane */
    /* Lifetimes, 0 = none. A rekey begins at life minus margin minus a random part of up to jitter % of the margin. In IKEv1
     * life_s and life_bytes are offered, and what a peer may offer lies within min and max; max 0: anything, and the shorter
     * counts, of the peer's no less than a minute and 1 MiB. */
    uint64_t life_s, life_min_s, life_max_s, margin_s;
    /* Hard; a rekey begins up to jitter % of the last tenth before that tenth. On the wire bytes are kilobytes. */
    uint64_t life_bytes, life_min_bytes, life_max_bytes, life_packets;
    uint32_t mark, if_id;              /* passed to the data plane */
} ike_child_settings;

typedef struct ike_conn_settings {
    uint32_t size;
    const char *name;   /* unique in the engine */
    const ike_child_settings *children;
    size_t n_children;
    const char *source; /* "file:line" for records; may be NULL */
    ike_addr local;     /* family 0: any of ours */
    ike_addr remote;    /* family 0: any peer (responder only) */
    bool remote_unresolved; /* remote is a name the host has not resolved yet: family 0 then matches nobody, and attempts
                             * wait for ike_conn_set_remote */
    uint8_t remote_bits; /* prefix length: connection matches a network of peers; 0 with family != 0: the address alone */
    ike_id local_id, remote_id; /* IKE_ID_NONE: from the address / anything the secret fits */
    ike_bytes secret;           /* pre-shared key; empty: ask the `secret` hook */
    /* Signatures in place of a secret (RFC 2409 section 5.1; IKE_SPEAKS_V1 only). PEM or DER. Which kind follows from the keys;
     * both sides' are of the same one, and ECDSA keys on the same curve. */
    ike_bytes local_key;  /* our private key, unencrypted; empty: ask the `sign` hook */
    ike_bytes local_cert; /* our certificate, which is sent to the peer, or public key; needed when local_key is empty */
    ike_bytes remote_key; /* the peer's certificate or public key, which its signature has to fit; empty: no signatures */
    const char *proposals;      /* IKE proposals text; NULL: the default (below) */
    uint32_t life_s, life_min_s, life_max_s; /* of the IKE SA; 0: none; min and max as of a child */
    uint32_t margin_s;                       /* its rekey */
    uint8_t jitter_pct;         /* of the margins, default 50 */
    uint32_t dpd_s;             /* liveness check after so much silence; 0: none */
    uint32_t dpd_timeout_s;     /* give the peer up after so long without an answer; 0: the retransmission schedule */
    uint32_t keepalive_s;       /* NAT keepalive, default 20 */
    uint32_t max_children;      /* per IKE SA, default 100 */
    uint8_t version;            /* ike_speaks */
    bool aggressive;            /* IKEv1: begin in Aggressive Mode, and answer it */
    bool new_group;             /* IKEv1: take a group of the peer's own, by New Group Mode. Its checks, once for each IKE SA, are
                                 * twenty powers modulo a prime of up to 4096 bits, within the ike_input() that brings it. Of all
                                 * peers together one in ten seconds is checked, and ten after a pause */
    uint8_t xauth;              /* ike_xauth; other than _NO only with IKE_SPEAKS_V1; so are pool and inner_family */
    const ike_user_settings *users; /* server: who may connect, unless there is a `user` hook, which is asked then; client: the
                                     * first is who we are, and without one the `login` hook is asked */
    size_t n_users;
    /* IKEv1, Mode-Config: addresses inside the tunnel. */
    ike_ts pool;          /* for peers, one each; a peer's child selectors are its address, and without one it has no child.
                           * Set it beside a `lease` hook, too, which is asked in its place: with family 0 a peer that asks for
                           * no address may use all of remote_ts */
    uint8_t inner_family; /* 4 or 6: ask the peer for such an address; 0: do not */
    bool push;            /* the side that gives addresses begins */
    const ike_addr *dns, *nbns; /* what peers are told besides; at most IKE_SERVERS_MAX each */
    size_t n_dns, n_nbns;
    bool encap;                 /* pretend a NAT so that ESP goes in UDP */
    bool send_initial_contact;  /* default true */
    bool unique;                /* one IKE SA per authenticated identity pair: a newer one replaces. Default true. With a library
                                 * that was built with -DIKE_DOUBLES=OFF it does so only if the peer says INITIAL_CONTACT; of two
                                 * others, as where both sides began at once, both stand and are used */
} ike_conn_settings;

/* The defaults docs/config.md names; name, addresses, secret and selectors are left empty. */
IKE_API void ike_child_settings_init(ike_child_settings *s);
IKE_API void ike_conn_settings_init(ike_conn_settings *s);

/* The default proposals as text, printed in the docs. */
IKE_API const char *ike_default_ike_proposals(void);
IKE_API const char *ike_default_child_proposals(void);
/* Those of connections that speak IKEv1 only; IKE_PROTO_IKE, or _ESP. */
IKE_API const char *ike_default_v1_proposals(uint8_t protocol);

/* Check proposal text without an engine. protocol: IKE_PROTO_IKE, _ESP, _AH. On error *at is the offset of the offending keyword
 * and *nearest a known keyword that is nearest, or NULL. */
IKE_API int ike_proposals_check(const char *text, uint8_t protocol, size_t *at, const char **nearest);
/* Whether IKEv1 has a number for each algorithm of a text that is good otherwise. IKE_ERR_UNSUPPORTED: *at (may be NULL) is the
 * offset of the first keyword that it has none for. */
IKE_API int ike_proposals_check_v1(const char *text, uint8_t protocol, size_t *at);
/* The transform that a keyword of n octets stands for: its type and id (RFC 7296 section 3.3.2; 0 is none: "nopfs"), and the key
 * length where it has one, else 0. IKE_ERR_NOT_FOUND: it is no keyword. */
IKE_API int ike_keyword_transform(const char *word, size_t n, uint8_t *type, uint16_t *id, uint16_t *bits);

/* Check a private key (secret), or a certificate or public key, in PEM or DER, without an engine. mem: for the time of the call;
 * rng: for blinding. *kind (ike_key_kind) and *bits say what it is; either may be NULL. IKE_ERR_INVALID: not a key, or an
 * encrypted one; IKE_ERR_UNSUPPORTED: of a kind or size that `crypto` has no slot for; IKE_ERR_NOMEM. */
IKE_API int ike_key_check(const ike_crypto *crypto, const ike_allocator *mem, const ike_random *rng, bool secret, ike_bytes text,
                          uint8_t *kind, unsigned *bits);

#ifdef __cplusplus
}
#endif
#endif
