/* SPDX-License-Identifier: ISC
 *
 * The SA database: connections, peers, IKE SAs, child SAs, and how they are found. What happens to them is decided by the
 * exchanges; here they are made, linked, looked up and taken apart.
 *
 * An object that ends is retired: taken out of every look-up at once, freed when the outermost public call is over and its
 * events are delivered. So no pointer dies within a call.
 *
 * In the records what is looked at from many places comes first: an offset below 128 is one octet of code, a larger one four.
 */
#ifndef IKE_SA_SA_H
#define IKE_SA_SA_H

#include "base/bucket.h"
#include "base/map.h"
#include "core/core.h"
#include "crypto/private_group.h"
#include "keys/keys.h"
#include "policy/conf.h"

struct ike_exchange;
struct ike_setup;
struct ike_task;

/* How specific a connection is about its peer: one address or a prefix, longer ones first; any address is 0. */
#define IKE_WIDTHS (IKE_WITH_CROWDS ? 130 : 1)

struct ike_db {
    struct ike_core *core;
    struct ike_slots conns, sas, children;
    struct ike_slots unheard; /* of half_open those whose peer has said nothing since our first answer */
    struct ike_map by_spi;    /* IKE SAs by our SPI */
    struct ike_map by_init;   /* half-open responder SAs by a keyed hash of their IKE_SA_INIT datagram and source */
    struct ike_map by_remote; /* by the peer's address, where that is one: the newest of the connections that have it */
    struct ike_map by_name;
    struct ike_map by_ids;            /* peers by connection and identities */
    struct ike_map by_lease;          /* leases of all pools by address */
    struct ike_map by_spi_in;         /* children by our inbound SPI */
    struct ike_list wild[IKE_WIDTHS]; /* the other connections, by how specific they are, oldest first; IKE_CROWDS=OFF: all */
    unsigned widest;                  /* the most specific of these lists that ever had one */
    struct ike_map by_remote_id;      /* those of them that want one identity of the peer */
    struct ike_list open;             /* ... and those that take any */
    struct ike_list conn_list;
    struct ike_list half_open; /* responder SAs before authentication, oldest first */
    /* Retired and waiting to be reaped; faded SAs are still in by_spi. */
    struct ike_list dead_sas, dead_children, dead_conns, dead_peers, faded;
    uint32_t n_half_open, n_faded;
    struct ike_list gathering; /* of IKEv1 messages that are not whole yet: struct ike_v1_parts, the longest untouched first */
    size_t gathered;           /* octets they hold */
    uint64_t linked;                         /* counts connections that came into wild */
    uint32_t sa_number, child_number, reqid; /* last given; numbers are for people, never reused */
};

/* Failures in a row, and how long they are to be paused for. */
struct ike_pause {
    uint32_t failed;
    ike_time until;
};

/* What a connection wants of one of its children. */
struct ike_want {
    uint32_t reqid;         /* for connections with one peer, once it had one; 0: each peer gets its own */
    bool held;              /* closed by command: stays down until initiated again */
    struct ike_pause pause; /* refused while its IKE SA stands: the others need not wait for it */
};

struct ike_conn {
    ike_conn_id id;
    struct ike_conf *conf;
    struct ike_want *want; /* conf->s.n_children */
    size_t n_want;
    struct ike_sa *connecting; /* the IKE SA we are setting up, NULL if none */
    ike_failure *failure;
    uint32_t refs;          /* peers and SAs */
    uint32_t sas;           /* in bound */
    struct ike_pause pause; /* attempts at an IKE SA */
    bool removed;           /* by the host; what is up still holds it */
    struct ike_list peers, bound; /* bound: its IKE SAs, whatever their state */
    ike_addr remote;
    ike_time began;         /* the last attempt */
    struct ike_timer timer; /* the next one */
    struct ike_map_node by_remote, by_name, by_remote_id;
    struct ike_list link;
    struct ike_list same; /* by_remote: the ring of those with its address, newest first; else in wild */
    struct ike_list open;
    uint64_t linked; /* when it came into wild, among the others */
    struct ike_evslot ev;
};

/* An address inside the tunnel that one side has from the other. */
struct ike_lease {
    ike_addr address;
    bool ours;   /* the peer gave it to us */
    bool hooked; /* the host's `lease` hook gave it */
    struct ike_map_node node; /* in by_lease, if it is of a pool */
    ike_addr dns[IKE_SERVERS_MAX], nbns[IKE_SERVERS_MAX];
    uint8_t n_dns, n_nbns;
};

/* Connection, authenticated identity pair and user: what children belong to. The octets of these follow the struct. */
struct ike_peer {
    struct ike_list link; /* in conn->peers */
    struct ike_map_node by_ids;
    struct ike_conn *conn;
    struct ike_list sas, children;
    ike_id local_id, remote_id;
    struct ike_lease *lease; /* NULL: none */
    ike_bytes user; /* of XAUTH: many users may share the identity of a group; empty: none */
    size_t size;
};

/* A sent message as it left: one datagram now, several when fragmented; resent octet by octet. */
struct ike_sent {
    struct ike_sent *next; /* further datagrams of the same message */
    size_t len;
    uint8_t data[];
};

/* The last message of an exchange that is over, which its peer may have missed: it goes out again when the message before it
 * comes again. */
struct ike_v1_done {
    struct ike_list link;
    uint32_t mid;
    uint64_t heard; /* hash of that message */
    ike_time until;
    struct ike_sent *sent;
};

/* A message that comes in parts, as far as it is there; the parts in the order of their numbers. */
struct ike_v1_part {
    struct ike_list link;
    size_t len;
    uint8_t number;
    uint8_t data[];
};
struct ike_v1_parts {
    struct ike_list list, link; /* link: in db->gathering */
    struct ike_v1_sa *of;
    uint16_t id;
    uint8_t n, last; /* last: its number, 0 as long as that is not known */
    size_t len;      /* of all that are there */
    ike_time until;
};

/* By whose numbers NAT traversal goes: those of RFC 3947, or of its drafts 2 and 3. */
enum ike_v1_nat_t { IKE_V1_NAT_T_RFC = 1, IKE_V1_NAT_T_DRAFT };

/* What an IKEv1 SA keeps besides (RFC 2409 appendix B, RFC 3706). */
struct ike_v1_sa {
    uint8_t last_block[IKE_IV_MAX]; /* of phase 1: from it the IVs of all later exchanges follow */
    bool dpd;                       /* the peer answers R-U-THERE */
    bool fragments;                 /* it takes messages in parts */
    struct ike_v1_parts *parts;     /* of a message that is not whole yet; NULL: none */
    uint8_t nat_t, nat_t_vid;       /* ike_v1_nat_t, 0: none; which vendor id said so */
    bool keyed;                     /* phase 1 is over, and messages of other exchanges may come; up it is behind XAUTH */
    bool initial_contact;           /* the peer has said so */
    bool doubted;                   /* the keys may be those of a forger's values */
    bool user_known;                /* XAUTH is over, and well */
    bool configured;                /* so is Mode-Config */
    bool peers_life;                /* life_s is what the peer asked for: it is the one to rekey in time */
    uint32_t life_s;                /* agreed on; 0: none */
    uint32_t dpd_sent;              /* number of the last one of ours */
    struct ike_list done;
    uint32_t n_done;
    uint32_t *mids; /* a set: message ids that either side has used, none of which is used twice */
    uint32_t n_mids, cap_mids;
    struct ike_private_group *group; /* agreed on by New Group Mode; NULL: none */
    bool group_asked, group_proposed; /* the peer has had one checked; we have proposed one */
    bool crossed;                     /* another, which the peer began at the same time, stays in its place */
};

struct ike_sa {
    ike_sa_id id;
    struct ike_conn *conn; /* NULL until chosen */
    struct ike_conf *conf;
    struct ike_peer *peer;   /* NULL until authenticated */
    struct ike_setup *setup; /* until established */
    uint8_t version, state;  /* ike_sa_state */
    bool initiator;          /* we are the original initiator */
    bool dead;
    bool faded;      /* gone for everybody but a peer that repeats its last request */
    bool reported;   /* SA_UP or SA_REKEYED has been posted */
    bool going_down; /* ike_sa_down runs */
    bool nat_local, nat_remote;
    bool half_open;
    bool close_when_up;    /* asked for while IKE_AUTH waits for an answer of the host's */
    bool no_nat_t;         /* the peer announced no NAT traversal */
    bool ours_fake_nat;    /* we announced a NAT that is not there */
    bool garbled;          /* IKEv1: something came that our keys make no sense of */
    bool no_secret;        /* the peer's public value gives none: no message can be opened */
    uint8_t down_cause;    /* ike_cause */
    uint8_t hasty;         /* rekeys in a row, each of an SA of a few seconds */
    struct ike_suite suite;
    uint64_t spi_i, spi_r;           /* spi_r 0: not known yet */
    struct ike_list outstanding;     /* our requests without an answer; at most `window` */
    struct ike_exchange *answering;  /* the peer's request in progress, NULL mostly */
    ike_time expires_at;
    struct ike_key_layout layout;
    const ike_encr *encr;
    const ike_integ *integ;
    const ike_prf *prf;
    uint8_t *keys;                   /* ike_key_kept(&layout) octets */
    ike_time established;
    uint64_t iv;             /* explicit IV counter of AEADs */
    uint32_t number, window; /* window: requests of ours open at once; 1: the peer need not accept more (RFC 7296 section 2.3) */
    uint32_t own_mid, peer_mid;      /* next of ours; next expected of the peer's */
    struct ike_sent *answer;         /* to the request peer_mid - 1 */
    struct ike_list tasks;           /* struct ike_task: local requests that wait */
    struct ike_v1_sa *v1;            /* NULL in IKEv2 */
    ike_sa_id replaced_by, replaces; /* by a rekey */
    ike_path path; /* where requests of ours go; answers go where the request came from */
    uint32_t unheard; /* its place in db->unheard, and 1; 0: not there, or memory was short for it */
    ike_time created, rekey_at, last_in, last_out, answer_until;
    ike_time yield_at;                      /* when to end it for a double that stays, should the peer not have done it */
    uint32_t resent_second, resent_count;   /* cap on repeated answers */
    struct ike_bucket asked;                /* for what the peer may ask of us */
    struct ike_map_node by_spi, by_init;
    struct ike_list bound_link, peer_link, half_open_link, dead_link;
    struct ike_timer timer;
    struct ike_evslot ev;
};

static inline bool ike_sa_is_v1(const struct ike_sa *sa) { return IKE_WITH_V1 && sa->version == 1; }
/* As far as phase 1 has come, there are keys. */
static inline bool ike_sa_v1_keyed(const struct ike_sa *sa) { return IKE_WITH_V1 && sa->v1 && sa->v1->keyed; }
/* The number of the group that New Group Mode agreed on; 0: none. */
static inline uint16_t ike_sa_private_ke(const struct ike_sa *sa)
{
    return IKE_WITH_V1 && sa->v1 && sa->v1->group ? sa->v1->group->ke.id : 0;
}
static inline const struct ike_lease *ike_sa_lease(const struct ike_sa *sa) /* NULL: none */
{
    return IKE_WITH_V1 && sa->peer ? sa->peer->lease : NULL;
}

/* What a child has besides its main protocol, which is ESP or AH: AH around ESP, IPComp inside, or both in this order. */
struct ike_beside {
    struct ike_suite suite;   /* IPComp: no more than the protocol, as deflate is all there is */
    uint32_t spi_in, spi_out; /* IPComp: CPIs */
    uint16_t key_a;           /* octets per direction */
    bool reserved;            /* while it is negotiated: spi_in is to be given back, no SA has it yet */
};
#define IKE_BESIDE_MAX 2

struct ike_child {
    struct ike_list link; /* in peer->children */
    ike_child_id id;
    struct ike_peer *peer;
    struct ike_conf *conf;
    ike_sa_id sa;
    uint32_t number;
    uint16_t index; /* in conf->s.children */
    uint8_t state;  /* ike_child_state */
    bool initiator, dead;
    bool in_installed, out_installed;
    bool udp_encap;
    bool up_reported; /* CHILD_UP or CHILD_REKEYED has been posted */
    bool contested;   /* made by the peer while our own rekey of the same child is open: no event until that is decided */
    bool quiet;       /* its end is no event: it lost a collision, or its replacement already took over */
    bool rekeyed;     /* replaced by replaced_by */
    bool narrowed;    /* we asked for more than the peer gave */
    uint8_t told;     /* IKEv1: how often the peer was told that it is gone; until it has heard it, it may send on it */
    bool peers_life;  /* IKEv1: life_s is what the peer asked for: it is the one to rekey in time */
    bool follows;     /* IKEv1: when the last IKE SA went the peer alone was behind a NAT */
    uint8_t mode, down_cause;
    uint8_t early_pct; /* how much of the last tenth of its volume the rekey begins early */
    uint8_t n_beside;
    struct ike_suite suite;
    uint32_t spi_in, spi_out;
    uint32_t life_s, life_kb; /* seconds as configured, or, with IKEv1, agreed on; 0: none. Of IKEv1: less than configured */
    uint16_t n_local, n_remote;
    uint16_t key_e, key_a; /* octets per direction */
    ike_time rekey_at, expires_at;
    ike_time established;
    ike_time out_at; /* switch sending to it at the latest */
    ike_child_id replaced_by, replaces;
    ike_sa_id named; /* in a Delete of the peer's that is being answered on this IKE SA; or was, and the answer failed */
    struct ike_list dead_link;
    struct ike_map_node by_spi_in;
    struct ike_timer timer;
    struct ike_evslot ev;
    ike_path path; /* as installed */
    uint32_t reqid;
    size_t size; /* of this allocation */
    struct ike_question *late_add;
    /* ike_beside, n_beside of them; selectors (n_local + n_remote of ike_ts); then keys: in encr, in integ, out encr, out integ,
     * and for each beside in integ, out integ */
};

/* The data plane has said that it does: until then its outbound SA is only asked for. */
static inline bool ike_child_sends(const struct ike_child *k) { return k->out_installed && k->established && !k->late_add; }
static inline bool ike_child_straggles(const struct ike_child *k) { return IKE_WITH_V1 && k->told; }

/* ---- Connections ------------------------------------------------------------------------------------------------------ */
int ike_conn_new(struct ike_db *db, struct ike_conf *conf, struct ike_conn **out);
int ike_conn_set_conf(struct ike_db *db, struct ike_conn *conn, struct ike_conf *conf);
void ike_conn_relink(struct ike_db *db, struct ike_conn *conn); /* its remote address changed */
void ike_conn_retire(struct ike_db *db, struct ike_conn *conn);
void ike_conn_unref(struct ike_db *db, struct ike_conn *conn);
struct ike_conn *ike_conn_by_name(const struct ike_db *db, const char *name);
/* Connections whose addresses fit a path, the most specific first; pass the one before, NULL to begin. */
struct ike_conn *ike_conn_match(const struct ike_db *db, const ike_path *path, const struct ike_conn *after);
/* The first of these, in the same order, of which `fits` says yes; that it says yes only to those whose remote-id is `remote`, or
 * any, is what spares a look at all the others. */
struct ike_conn *ike_conn_match_id(const struct ike_db *db, const ike_path *path, const ike_id *remote,
                                   bool (*fits)(const void *user, const struct ike_conn *conn), const void *user);
bool ike_conn_is_single(const struct ike_conn *conn); /* its peer has one address */

/* ---- Peers ------------------------------------------------------------------------------------------------------------ */
struct ike_peer *ike_peer_get(struct ike_db *db, struct ike_conn *conn, const ike_id *local, const ike_id *remote,
                              ike_bytes user);                   /* finds or makes */
void ike_peer_release(struct ike_db *db, struct ike_peer *peer); /* retires it when nothing is left in it */

/* ---- lease.c: addresses inside the tunnel ------------------------------------------------------------------------------ */
/* A free address of the connection's pool: if it can be the one wanted, else the one that this identity had before, if it is
 * still free. IKE_OK, IKE_ERR_LIMIT: there is none. */
int ike_lease_pick(const struct ike_db *db, const struct ike_peer *peer, uint8_t family, const ike_addr *wanted, ike_addr *out);
/* The peer's from now on, in place of another; *l is copied. IKE_ERR_NOMEM: nothing has changed, and
 * the host has back what its hook gave. */
int ike_lease_set(struct ike_db *db, struct ike_peer *peer, const struct ike_lease *l);
void ike_lease_drop(struct ike_db *db, struct ike_peer *peer);

/* ---- IKE SAs ---------------------------------------------------------------------------------------------------------- */
struct ike_sa *ike_sa_new(struct ike_db *db, bool initiator, const ike_path *path);
int ike_sa_draw_spi(struct ike_db *db, struct ike_sa *sa); /* ours: unique, with the tag; indexed */
/* The one it has already. IKE_ERR_EXISTS, IKE_ERR_INVALID (not with our tag). */
int ike_sa_index_spi(struct ike_db *db, struct ike_sa *sa);
static inline uint64_t ike_sa_own_spi(const struct ike_sa *sa) { return sa->initiator ? sa->spi_i : sa->spi_r; }
struct ike_sa *ike_sa_by_spi(const struct ike_db *db, uint64_t own_spi);
void ike_sa_bind(struct ike_db *db, struct ike_sa *sa, struct ike_conn *conn); /* takes its current conf */
uint64_t ike_sa_init_key(const struct ike_db *db, ike_bytes message, const ike_path *path);
void ike_sa_index_init(struct ike_db *db, struct ike_sa *sa, uint64_t key);
void ike_sa_half_open(struct ike_db *db, struct ike_sa *sa, bool on);
void ike_sa_heard(struct ike_db *db, struct ike_sa *sa); /* the peer has gone on: it is there where it says it is */
void ike_sa_join(struct ike_db *db, struct ike_sa *sa, struct ike_peer *peer);
/* Gone, but its last answer can still be asked for: only the look-up by SPI finds it, until expires_at. */
void ike_sa_fade(struct ike_db *db, struct ike_sa *sa);
/* Out of every look-up; children are not touched. The exchanges must be gone already. */
void ike_sa_retire(struct ike_db *db, struct ike_sa *sa);
void ike_sent_free(struct ike_core *c, struct ike_sent *s);
/* ---- v1.c: what IKEv1 needs besides --------------------------------------------------------------------------------------- */
/* What makes it one of IKEv1. false: no memory. */
bool ike_v1_sa_init(struct ike_core *c, struct ike_sa *sa);
void ike_v1_sa_free(struct ike_core *c, struct ike_v1_sa *v);
void ike_v1_part_drop(struct ike_db *db, struct ike_v1_parts *s, struct ike_v1_part *p);
void ike_v1_parts_drop(struct ike_db *db, struct ike_v1_sa *v);
/* Message ids that an SA may have seen: a peer cannot make it keep more. It is to be replaced when there are many, and goes when
 * there are just enough left to say so. */
#define IKE_V1_MIDS_MAX  16384
#define IKE_V1_MIDS_MANY 12288
#define IKE_V1_MIDS_LAST (IKE_V1_MIDS_MAX - 256)
/* IKE_ERR_NOMEM, IKE_ERR_LIMIT: more than an SA may have; IKE_ERR_EXISTS; IKE_OK: entered. */
int ike_v1_mid_use(struct ike_core *c, struct ike_v1_sa *v, uint32_t mid);
void ike_v1_mid_forget(struct ike_v1_sa *v, uint32_t mid);
bool ike_v1_mid_used(const struct ike_v1_sa *v, uint32_t mid);
/* Takes `sent` over. */
void ike_v1_done(struct ike_core *c, struct ike_v1_sa *v, uint32_t mid, uint64_t heard, struct ike_sent *sent, ike_time until);
const struct ike_v1_done *ike_v1_done_of(const struct ike_v1_sa *v, uint32_t mid, ike_time now); /* NULL: none of it */
const struct ike_sent *ike_v1_done_find(const struct ike_v1_sa *v, uint32_t mid, uint64_t heard, ike_time now);

/* ---- Children --------------------------------------------------------------------------------------------------------- */
struct ike_child_parts {
    const ike_ts *local, *remote;
    size_t n_local, n_remote;
    uint16_t key_e, key_a;
    const struct ike_beside *beside;
    size_t n_beside;
};
struct ike_child *ike_child_new(struct ike_db *db, struct ike_peer *peer, struct ike_conf *conf, uint16_t index,
                                const struct ike_child_parts *p);
static inline const struct ike_beside *ike_child_beside(const struct ike_child *k)
{
    return (const struct ike_beside *)(const void *)(k + 1);
}
static inline size_t ike_child_n_beside(const struct ike_child *k) { return IKE_WITH_BUNDLES ? k->n_beside : 0; }
/* Of this protocol; NULL: none. */
const struct ike_beside *ike_child_has(const struct ike_child *k, uint8_t protocol);
static inline const ike_ts *ike_child_local(const struct ike_child *k)
{
    return (const ike_ts *)(const void *)(ike_child_beside(k) + ike_child_n_beside(k));
}
static inline const ike_ts *ike_child_remote(const struct ike_child *k) { return ike_child_local(k) + k->n_local; }
/* Keys of one direction: encr then integ; and of what is beside, the integ of AH. */
uint8_t *ike_child_keys(struct ike_child *k, bool inbound);
uint8_t *ike_child_keys_beside(struct ike_child *k, size_t i, bool inbound);
struct ike_child *ike_child_by_spi_in(const struct ike_db *db, uint32_t spi);
struct ike_child *ike_child_by_spi_out(const struct ike_peer *peer, uint8_t protocol, uint32_t spi); /* among this peer's */
void ike_child_retire(struct ike_db *db, struct ike_child *k);
uint64_t ike_child_life_bytes(const struct ike_child *k); /* 0: none */
inline const ike_child_settings *ike_child_conf(const struct ike_child *k) { return &k->conf->s.children[k->index]; }
/* A live child of that name which is not on its way out, NULL if none. */
struct ike_child *ike_child_live(const struct ike_conn *conn, const char *name);
/* Data plane. add: IKE_OK, IKE_PENDING or error; question may be NULL for one that is not waited for. */
/* From the outermost protocol inwards, linked. */
#define IKE_LAYERS (1 + IKE_BESIDE_MAX)
void ike_child_describe(const struct ike_child *k, bool inbound, ike_ipsec_sa out[IKE_LAYERS]);
void ike_child_index(struct ike_db *db, struct ike_child *k); /* found by its inbound SPI from now on */
int ike_child_add(struct ike_db *db, struct ike_child *k, bool inbound, ike_token t);
void ike_child_uninstall(struct ike_db *db, struct ike_child *k);
void ike_child_uninstall_out(struct ike_db *db, struct ike_child *k);
void ike_child_move(struct ike_db *db, struct ike_child *k, const ike_path *path);

void ike_db_init(struct ike_db *db, struct ike_core *core);
void ike_db_reap(struct ike_db *db); /* free what is retired and has no undelivered event */
void ike_db_fini(struct ike_db *db); /* everything must be retired */

#endif
