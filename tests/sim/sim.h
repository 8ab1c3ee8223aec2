/* SPDX-License-Identifier: ISC
 *
 * A network in one process and in virtual time: hosts (an engine, a simulated kernel, hooks that may answer late or never, an
 * allocator and a random source that may fail), links between them, and rules that single out messages. The same seed gives the
 * same run to the byte. Everything an engine does passes through here, and after every event the invariants of check.c are looked
 * at.
 *
 * A world is made and driven by case.c from a text (see README.md); nothing in this header knows the text, so that other drivers
 * (random operations, hostile peers) can use it as well.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "base.h"
#include "conf.h"
#include <ike/ike.h>
#include <setjmp.h>

#define SIM_HOSTS 16
#define SIM_START (1000 * IKE_SEC) /* the clock of a new world: not zero, so that a forgotten time shows */

struct sim;
struct sim_host;

/* ---- The simulated kernel --------------------------------------------------------------------------------------------- */

enum sim_ksa_state { SIM_RESERVED, SIM_ADDING, SIM_INSTALLED };

struct sim_ksa {
    struct sim_ksa *next; /* newest first */
    enum sim_ksa_state state;
    bool inbound, esn, udp_encap, rekey, soft_reported, hard_reported;
    uint8_t protocol, mode;
    uint32_t spi, peer_spi, reqid;
    ike_child_id child;
    ike_token token; /* ADDING */
    ike_path path;
    uint16_t encr, encr_bits, integ;
    uint8_t key[IKE_KEY_MAX], integ_key[IKE_HASH_MAX];
    size_t key_len, integ_key_len;
    ike_ts local[SIM_TS], remote[SIM_TS];
    size_t n_local, n_remote;
    struct sim_beside {
        uint8_t protocol;
        bool esn;
        uint16_t integ;
        uint32_t spi, peer_spi;
        uint8_t key[IKE_HASH_MAX];
        size_t key_len;
    } beside[2]; /* AH around it, IPComp inside */
    size_t n_beside;
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
    ike_usage usage;
};

struct sim_kernel {
    struct sim_ksa *list;
    uint32_t next_spi;
    unsigned added, removed;
};

/* ---- Questions: what a hook does with one ------------------------------------------------------------------------------ */

#define SIM_INNER 16
enum sim_ask {
    SIM_ASK_PEER,
    SIM_ASK_SECRET,
    SIM_ASK_CHILD,
    SIM_ASK_SPI,
    SIM_ASK_ADD,
    SIM_ASK_USER,
    SIM_ASK_LOGIN,
    SIM_ASK_LEASE,
    SIM_ASK_SIGN,
    SIM_ASKS
};

struct sim_manner {
    bool pending; /* answer by token, after `delay`; IKE_NEVER: not at all */
    bool refuse;  /* with an error */
    ike_time delay;
    unsigned skip;  /* so many are answered in the ordinary way first */
    unsigned count; /* then so many in this manner; 0: all */
};

struct sim_question {
    struct sim_question *next;
    struct sim_host *host;
    unsigned life; /* of the host, in which it was asked */
    ike_token token;
    enum sim_ask kind;
    bool cancelled, answered, refuse;
    ike_conn_id conn;   /* PEER */
    uint8_t protocol;   /* SPI */
    uint8_t secret[64]; /* SECRET; the signature of SIGN */
    size_t secret_len;
};

/* ---- Hosts ------------------------------------------------------------------------------------------------------------ */

/* What an event handler of the host saw, counted. */
struct sim_seen {
    unsigned event[IKE_EV_ADDRESS_CHANGED + 1];
};

struct sim_host {
    struct sim *sim;
    unsigned index;
    unsigned life; /* counts restarts */
    char name[8];
    ike_addr addr, addr6;
    ike_addr outside;       /* family 0: seen as it is; otherwise behind an address and port translation that never forgets */
    struct sim_nat *nat;    /* NULL: behind none */
    uint16_t outside_shift; /* added to its ports on the way out */
    struct sim_conf conf;
    ike_engine *engine;
    bool hooks; /* ask peer, secret, child, user and login at all */
    bool lends; /* ... and lease */
    bool prying;
    unsigned byzantine;   /* so many per thousand of its messages are mutated */
    bool closing;         /* was told to shut down: it begins nothing any more */
    bool leaving;         /* its engine ends, its kernel stays as it is */
    struct sim_record *records; /* store.c */
    char secret[64];      /* what the secret hook says */
    char lacks[64];       /* keywords of what its kernel cannot carry, a blank behind each */
    struct sim_map names; /* ids of SAs and children -> their SPI, for texts */

    size_t live, blocks;         /* what the engine holds */
    size_t tables;               /* of that in blocks of SIM_TABLE and more: powers of a generator, kept on purpose */
    uint64_t allocs, fail_alloc; /* the fail_alloc-th call fails; 0 none */
    uint64_t randoms, fail_random;
    uint64_t rng;
    int nonce; /* first octet of what is drawn 32 at a time: nonces; -1 as it comes */

    struct sim_kernel kernel;
    ike_addr inner[SIM_INNER]; /* addresses inside the tunnel that peers gave this host; family 0: a free place */
    bool leased[SIM_INNER];    /* 10.9.9.N: the host's own hook gave it away */
    struct sim_question *questions;
    struct sim_attempt *attempts;     /* bounds.c: IKE SAs that we began and that are not up yet */
    unsigned recorded[2], refused[2]; /* failure records and refusals of CREATE_CHILD_SA in this call, begun by the peer, by us */
    size_t idle_live, idle_blocks;    /* what the engine held before anything happened */
    struct sim_manner manner[SIM_ASKS];
    unsigned asked[SIM_ASKS], cancelled;
    unsigned questions_put; /* of all kinds, in all lives */
    struct sim_seen seen, mark; /* since the start; what it was at the last mark */

    uint64_t tap_key; /* the message last shown in clear on its way out, and what was in it */
    char *tap_text;
    uint64_t tap_nonce;
    uint64_t failures; /* that the engines of its former lives recorded */
    unsigned errors;   /* calls that came back with an error where the driver tolerates that */
};

/* ---- Messages --------------------------------------------------------------------------------------------------------- */

/* One datagram's content, however often it was sent. */
struct sim_msg {
    struct sim_msg *older;
    unsigned number; /* 1, 2, 3 ... of the world */
    unsigned sent;   /* how often */
    unsigned arrived;
    struct sim_host *from;
    ike_time first;
    uint64_t spi_i, spi_r, hash;
    uint32_t mid;
    uint8_t exchange, flags;
    bool keepalive;
    struct sim_msg *mutated; /* what is sent in its place */
    struct sim_rule *rule;   /* which took it: copies go the same way without counting */
    char *text;              /* "IKE_AUTH req 1 {IDi AUTH SA TSi TSr} #1" */
    size_t len;
    uint8_t *bytes;
};

struct sim_packet {
    struct sim_packet *next; /* of those a rule holds */
    struct sim_msg *msg;
    struct sim_host *to;  /* NULL: nobody has that address */
    ike_path path;        /* as the receiver sees it */
    unsigned order;       /* of sending */
    const uint8_t *bytes; /* NULL: the message's; otherwise damaged ones, behind this struct */
    size_t len;
};

enum sim_action { SIM_HOLD, SIM_DROP, SIM_DELAY, SIM_TWICE, SIM_REWRITE };

struct sim_rule {
    struct sim_rule *next;
    char *name;            /* HOLD: to release it by */
    char *pattern;         /* fnmatch on the message's text */
    struct sim_host *from; /* NULL: any */
    enum sim_action action;
    ike_time delay;
    unsigned skip, count; /* distinct messages; count 0: all */
    char *payloads;       /* REWRITE: what stands in its place */
    struct sim_msg *forged;
    bool released;
    struct sim_packet *held, **held_end;
};

struct sim_link {
    ike_time delay, jitter;
    unsigned loss, twice, corrupt; /* per thousand */
    ike_time late;                 /* how late the second copy is at most */
    unsigned mtu;                  /* larger datagrams are lost; 0: none are */
    bool own;                      /* of a pair of hosts: it counts, not the world's */
    bool cut;                      /* of a pair of hosts: nothing passes */
    unsigned last;                 /* of the datagrams that arrived: the latest sent */
};

/* ---- What a run met, counted; the program adds it up and says how much there should have been --------------------------- */

enum sim_stat {
    SIM_STAT_EXCHANGES, /* answered requests */
    SIM_STAT_LOST,
    SIM_STAT_TWICE,
    SIM_STAT_REORDERED,
    SIM_STAT_CORRUPTED,
    SIM_STAT_CUT,
    SIM_STAT_TOO_LARGE,
    SIM_STAT_ALLOC,
    SIM_STAT_RANDOM,
    SIM_STAT_LATE,        /* questions answered late */
    SIM_STAT_LATE_KERNEL, /* of these the kernel's */
    SIM_STAT_NEVER,       /* never */
    SIM_STAT_OVER,        /* when they were cancelled already */
    SIM_STAT_REFUSED,     /* by a host */
    SIM_STAT_REFUSED_KERNEL,
    SIM_STAT_CRASHES,
    SIM_STAT_TAKEN_OVER, /* IKE SAs, by the host's next life */
    SIM_STAT_RECORDS, /* failure records */
    SIM_STAT_REBOUND, /* all ports of a box */
    SIM_STAT_EXPIRED, /* ports that a box forgot for want of use */
    SIM_STAT_MUTATED, /* messages that a byzantine host changed before it sealed them */
    SIM_STATS
};

/* ---- One injected fault ----------------------------------------------------------------------------------------------- */

enum sim_fault_kind {
    SIM_FAULT_NONE,
    SIM_FAULT_DROP,   /* the nth datagram sent is lost */
    SIM_FAULT_DUP,    /* ... arrives twice at once */
    SIM_FAULT_LATE,   /* ... arrives after its first retransmission would */
    SIM_FAULT_COPY,   /* ... arrives, and a copy long after */
    SIM_FAULT_ALLOC,  /* the host's nth allocation fails */
    SIM_FAULT_RANDOM, /* the host's nth draw fails */
    SIM_FAULT_REFUSE, /* the host refuses the nth question, hooks and kernel */
    SIM_FAULT_NEVER,  /* ... does not answer it */
    SIM_FAULT_PEND,   /* the host answers all questions of kind nth after three seconds */
    SIM_FAULTS
};
struct sim_fault {
    enum sim_fault_kind kind;
    unsigned host, nth;
};
/* After such a fault a call may fail, and what one side lost the other has to notice. */
static inline bool sim_fault_loses(enum sim_fault_kind k) { return k >= SIM_FAULT_ALLOC && k <= SIM_FAULT_NEVER; }

/* ---- The world -------------------------------------------------------------------------------------------------------- */

struct sim_item {
    ike_time at;
    uint64_t order;
    void (*fire)(struct sim *, void *what);
    void *what;
};

#define SIM_TABLE (200u << 10)

struct sim_want { /* a child that must have an SA again after so long with both hosts alive and connected */
    struct sim_want *next;
    struct sim_host *host, *peer;
    char conn[32], child[32];
    ike_time bound, since, longest; /* since: without one; 0 it has one, or nobody could have made it */
};

struct sim_flow { /* a selector pair that must be served all the time */
    struct sim_flow *next;
    struct sim_host *a, *b;
    ike_ts from, to;
};

struct sim {
    ike_time now;
    uint64_t seed, rng;
    struct sim_host *host[SIM_HOSTS];
    unsigned hosts;
    struct sim_link link; /* the world's, and those of pairs */
    struct sim_link pair[SIM_HOSTS][SIM_HOSTS];
    struct sim_fault fault;
    unsigned stat[SIM_STATS];

    struct sim_item *queue; /* a heap by time, then order */
    size_t queued, queue_cap;
    uint64_t order;
    unsigned flying;    /* packets in the queue */
    unsigned datagrams; /* sent so far, copies too */
    uint64_t steps;
    uint64_t calls;  /* into hooks, in this step */
    sigjmp_buf hung; /* where to go when an engine does not come back from one call */

    struct sim_msg *msgs; /* newest first */
    unsigned n_msgs, mark_msg;
    struct sim_rule *rules;
    struct sim_flow *flows;
    struct sim_want *wants;
    struct sim_nat *nats;
    bool hostile;              /* somebody is or was byzantine: the two sides need not agree on anything */
    bool commanding;           /* an operation is under way: it may end attempts without a word */
    bool init_spoiled;         /* what nothing protects was damaged, IKE_SA_INIT or a header of IKEv1: keys may differ, and who is
                                * behind a NAT, but then nothing may come up */
    struct sim_ladder *ladder; /* NULL: none is drawn */
    struct sim_keys *keys;     /* of all IKE SAs so far */

    struct sim_map ivs, sends, mids, nonces, events; /* what check.c remembers */
    struct sim_map sa_names;                         /* initiator's IKE SPI -> 1, 2, 3 ... for texts */

    struct sim_text trace;
    uint64_t trace_hash;
    bool keep_trace, engine_log, logs_only;
    bool tolerant;    /* driven by a sweep: calls may fail, the test is what comes of it */
    char broken[640]; /* the first invariant that did not hold; empty while all do */
};

struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *s);
void SIM_PRINTF(2, 3) sim_break(struct sim *s, const char *fmt, ...); /* an invariant is broken */
struct sim_host *sim_find_host(const struct sim *s, const char *name);
void sim_at(struct sim *s, ike_time at, void (*fire)(struct sim *, void *), void *what);

/* Time passes: for so long; until no message is under way; until no engine has anything left to do (false: `limit` came first).
 */
void sim_run(struct sim *s, ike_time span);
void sim_settle(struct sim *s);
bool sim_quiet(struct sim *s, ike_time limit);

/* In every hook: when there are too many in one step, leaves by s->hung. */
void sim_count_call(struct sim *s);
/* The same for a loop that calls no hook: after so many seconds of processor time; NULL ends the watch. */
void sim_watchdog(struct sim *s);

/* How it is between two hosts now: datagrams pass at all; no more than so many per thousand are lost, none damaged. */
bool sim_connected(const struct sim *s, const struct sim_host *a, const struct sim_host *b, unsigned loss);

/* host.c */
struct sim_host *sim_host_new(struct sim *s, const char *name);
int sim_host_start(struct sim_host *h); /* makes the engine and its connections */
void sim_host_stop(struct sim_host *h); /* frees the engine, without a word to the peers, and looks what it leaves */
void sim_pry(struct sim_host *h);       /* from inside a hook: the engine must refuse to be called */
/* The same with its state on its disk; kernel: that keeps its SAs. */
void sim_host_leave(struct sim_host *h, bool kernel);
void sim_host_free(struct sim_host *h);

/* store.c */
bool sim_store_save(struct sim_host *h); /* false: an IKE SA cannot be handed over now */
void sim_store_load(struct sim_host *h);
void sim_store_free(struct sim_host *h);

/* ask.c: what the question hooks and the kernel share */
int sim_ask(struct sim_host *h, enum sim_ask kind, ike_token t, struct sim_question **q); /* IKE_OK, IKE_PENDING or the refusal */
void sim_kernel_addresses(struct sim_host *h);
void sim_ask_hooks(struct sim_host *h, ike_host *host);
void sim_ask_forget(struct sim_host *h); /* the engine is gone: nothing may be open */
unsigned sim_ask_open(const struct sim_host *h);
extern const char *const sim_ask_names[SIM_ASKS];

/* net.c */
void sim_send(struct sim_host *h, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n);

/* nat.c */
bool sim_same_ip(const ike_addr *a, const ike_addr *b);
struct sim_nat *sim_nat_new(struct sim *s, const char *name, const ike_addr *addr, ike_time timeout, bool symmetric);
struct sim_nat *sim_nat_find(const struct sim *s, const char *name);
/* All ports are forgotten; addr NULL: the address stays. */
void sim_nat_rebind(struct sim *s, struct sim_nat *n, const ike_addr *addr);
void sim_nats_free(struct sim *s);
/* Where h's datagram to `peer` comes from, as it is seen there. */
ike_addr sim_seen_as(const struct sim_host *h, const ike_addr *local, const ike_addr *peer);
/* A selector of h's own side as its peer has it: in transport mode a NAT shows the peer another address than h's, and that is
 * what it puts in (RFC 7296 section 2.23.1). */
ike_ts sim_ts_seen_as(const struct sim_host *h, uint8_t mode, const ike_ts *ts);
/* inside: as the host knows itself */
struct sim_host *sim_route(const struct sim *s, const struct sim_host *from, const ike_addr *to, ike_addr *inside);

struct sim_rule *sim_rule_add(struct sim *s, enum sim_action a, struct sim_host *from, const char *pattern);
bool sim_rule_release(struct sim *s, const char *name, bool deliver); /* false: nothing was held */
void sim_rules_free(struct sim *s);

/* forge.c */
void sim_keys_seen(struct sim_host *h, const ike_keylog *l);
void sim_keys_free(struct sim *s);
struct sim_msg *sim_forge(struct sim *s, const struct sim_msg *m,
                          const char *payloads); /* NULL: it cannot be, the world is broken */

struct ike_seal;
bool sim_seal_keys(const struct sim *s, const struct sim_msg *m, struct ike_seal *seal); /* those that m is sealed with */
struct sim_msg *sim_forged(struct sim *s, const struct sim_msg *m, const uint8_t *bytes,
                           size_t n); /* in m's place, without text */

/* mutate.c: what a peer that means ill sends instead; NULL: it cannot be done. */
struct sim_msg *sim_mutate(struct sim *s, const struct sim_msg *m);

bool sim_keys_differ(const struct sim *s, uint64_t spi_i, uint64_t spi_r); /* the two ends have not the same ones */

/* kernel.c */
void sim_kernel_hooks(ike_host *host);
void sim_kernel_answer(struct sim_host *h, ike_token t, bool ok);
int sim_kernel_spi(struct sim_host *h, uint8_t protocol, uint32_t *spi);
void sim_kernel_clear(struct sim_host *h);
void sim_kernel_orphan(struct sim_host *h);    /* its engine has gone: what is installed stays */
void sim_kernel_unclaimed(struct sim_host *h); /* what the next has not adopted goes */
struct sim_ksa *sim_kernel_find(const struct sim_host *h, bool inbound, uint32_t spi);
/* Whether a packet would be received at b over a's newest outbound SA for it. from and to are as their own host knows them. why:
 * a word for messages. */
bool sim_kernel_passes(const struct sim_host *a, const struct sim_host *b, const ike_ts *from, const ike_ts *to,
                       const char **why);
/* And whether the boxes on the way know the port it goes to, which they may forget while nothing is sent. */
bool sim_kernel_reaches(const struct sim_host *a, const struct sim_host *b, const ike_ts *from, const ike_ts *to,
                        const char **why);
/* Packets through the newest SA from a to b: counters, limits and moved addresses have their effect. */
bool sim_kernel_traffic(struct sim_host *a, struct sim_host *b, const ike_ts *from, const ike_ts *to, uint64_t packets,
                        uint64_t octets);

/* esp.c: a few packets from h over this pair, with user-space ESP */
void sim_esp_try(struct sim_host *h, const struct sim_ksa *o, const struct sim_ksa *i);

/* check.c */
void sim_check(struct sim *s);       /* after every event */
void sim_check_quiet(struct sim *s); /* both ends hold the same when nothing is under way */
void sim_check_event(struct sim_host *h, const ike_event *e);
void sim_check_message(struct sim_host *h, const struct sim_msg *m, bool again, uint64_t nonce);
bool sim_came_up(const struct sim_host *h, ike_sa_id id);
bool sim_is_quiet(const struct sim *s, const char **why);
void sim_state(const struct sim *s, struct sim_text *out); /* what is up, without names that differ from run to run */

/* bounds.c: what has to come to an end in time, and failure records */
void sim_bounds(struct sim *s);       /* after every event */
void sim_bounds_peace(struct sim *s); /* at the end of a run: what is wanted is there */
void sim_bounds_said(struct sim_host *h, bool outgoing, const uint8_t *clear, size_t n); /* a message in clear */
void sim_bounds_call(struct sim_host *h);                                                /* before a call into the engine */
void sim_bounds_heard(struct sim_host *h);                                               /* after one with a datagram */
void sim_bounds_free(struct sim_host *h);
void sim_bounds_idle(struct sim_host *h); /* all was closed: nothing may be left */

/* ladder.c */
struct sim_ladder *sim_ladder_new(unsigned lines); /* of the last so many lines */
void sim_ladder_free(struct sim_ladder *l);
/* A datagram leaves; fate: NULL or why it does not arrive; delay: until it does. */
void sim_ladder_datagram(struct sim *s, const struct sim_packet *p, const char *fate, ike_time delay);
void sim_ladder_note(struct sim *s, const struct sim_host *h, const char *text); /* h NULL: of all */
void sim_ladder_print(const struct sim *s, struct sim_text *out);

/* trace.c */
void SIM_PRINTF(3, 4) sim_trace(struct sim *s, const struct sim_host *h, const char *fmt, ...);
void sim_spi_name(const struct sim *s, uint32_t spi, char *out, size_t n);
unsigned sim_sa_name(struct sim *s, uint64_t spi_i);
/* A message in clear as text; nonce: a hash of it, 0 if there is none. */
char *sim_describe(struct sim *s, const uint8_t *clear, size_t n, uint64_t *nonce);
const char *sim_event_name(ike_event_type t);

#endif
