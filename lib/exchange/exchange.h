/* SPDX-License-Identifier: ISC
 *
 * The exchange script machine. An exchange is data: a script of steps, one per message; each step names the payload rules of
 * its message, the actions its receiver runs and the actions its sender runs. An action does one thing and asks at most one
 * question; when it answers PENDING the machine remembers where it was and runs that action again when the answer is there.
 *
 * The machine owns the order of actions, rule checking before `handle`, roll-back, and what becomes of a refusal. Framing,
 * protection, message ids, retransmission and duplicates belong to the script's delivery.
 */
#ifndef IKE_EXCHANGE_EXCHANGE_H
#define IKE_EXCHANGE_EXCHANGE_H

#include "guard/guard.h"
#include "policy/ts.h"
#include "proposal/v1.h"
#include "sa/sa.h"
#include <ike/exchange.h>

/* Selectors while one action compares them: too large for the stack of a small machine. */
struct ike_ts_scratch {
    struct ike_ts_list tsi, tsr; /* as the peer sent them */
    struct ike_ts_list own;      /* one of the two with the addresses we know */
    struct ike_ts_list local, remote;
};

struct ike_engine {
    struct ike_core core;
    struct ike_db db;
    struct ike_guard guard;
    struct ike_message message; /* the one being read */
    struct ike_ts_scratch ts;
};
/* Counted, so that a flood can be seen: most of what ends so leaves no other trace. */
static inline int ike_dropped(struct ike_engine *e, int why)
{
    e->core.count.dropped++;
    return why;
}

/* find.c: what a handle stands for; NULL when it is gone, or the handle 0. */
struct ike_conn *ike_conn_by_id(const struct ike_engine *e, ike_conn_id id);
struct ike_sa *ike_sa_by_id(const struct ike_engine *e, ike_sa_id id);
struct ike_child *ike_child_by_id(const struct ike_engine *e, ike_child_id id);

struct ike_delivery {
    /* Put x->chain on the wire as the current step's message, keep it for repetition. IKE_OK or error: not sent. */
    int (*send)(struct ike_exchange *x);
    /* The machine waits for the next message from now on. */
    void (*await)(struct ike_exchange *x);
    /* The message breaks its rules, or has an unknown critical payload (critical): what becomes of it. Sets the notify. */
    int (*fault)(struct ike_exchange *x, uint8_t payload, bool critical);
    /* The exchange is over; `result` is IKE_X_OK, _REFUSE, _FATAL or _DROP. Frees what delivery keeps, and starts what follows.
     */
    void (*over)(struct ike_exchange *x, int result);
    /* Before x->sent is repeated: a place to make it anew. True: nothing is repeated, the exchange has begun anew or is over.
     * NULL: it is the same octets. */
    bool (*again)(struct ike_exchange *x);
    /* A refusal is no message of the script: `over` tells the peer, if anything does. */
    bool refuses_apart;
};

/* What a local request is for; the lower the sooner. */
enum ike_purpose {
    IKE_DO_DELETE_IKE = 1,
    IKE_DO_DELETE_CHILD,
    IKE_DO_REKEY_IKE,
    IKE_DO_REKEY_CHILD,
    IKE_DO_CHILD,
    IKE_DO_LIVENESS,
    IKE_DO_INIT
};

/* A local request that waits for the window, or whose exchange is open. */
struct ike_task {
    struct ike_list link;
    uint8_t purpose;
    uint8_t protocol; /* of spi */
    bool has_packet;
    uint16_t index;             /* child in the SA's conf, for IKE_DO_CHILD */
    ike_child_id child;         /* to be rekeyed or deleted */
    uint32_t spi;               /* child 0: an SA of the peer's that we never kept, by our inbound SPI */
    ike_time not_before, since; /* since: first TEMPORARY_FAILURE */
    ike_ts packet_local, packet_remote;
};

/* What one step of a Transaction exchange leaves for the next. */
struct ike_v1_talk {
    uint16_t identifier; /* of the ATTR payloads */
    uint16_t asked;      /* attributes that are to be filled in: bits from 0 on, of XAUTH from XAUTH-TYPE on */
    ike_addr address;    /* Mode-Config: the one that the peer would like */
    bool declined;       /* they ask for what nobody here can give */
    bool status;         /* XAUTH has come to its end, in this way: */
    bool granted;
    bool unseen; /* the password was not looked at, after too many that were wrong */
};

/* Everything while something is being set up: an IKE SA, a child, a rekey. Lives across several exchanges. As in the records of
 * sa.h, what is looked at from many places comes first: an offset below 128 is one octet of code, a larger one four. */
struct ike_setup {
    struct ike_conf *conf; /* of the child that is made here; own reference */
    struct ike_child *child;
    ike_child_id old_child; /* being rekeyed */
    const ike_ke *ke;
    uint16_t index; /* of the child in conf */
    uint8_t mode;
    bool with_child;
    bool spi_reserved; /* spi_in is to be given back, no SA has it yet */
    bool narrowed;     /* initiator: the answer covers less than was asked for */
    bool reject;       /* the peer made an SA that we do not keep: it is told to delete it */
    bool has_packet;
    bool initial_contact;
    bool rival;
    uint8_t cookies;    /* how many rounds asked for one */
    uint8_t n_tried;    /* of `tried` */
    uint8_t n_early;    /* of `early` */
    uint16_t wanted_ke; /* responder: the group for INVALID_KE_PAYLOAD */
    struct ike_selection chosen;
    struct ike_blob local_ts, remote_ts; /* arrays of ike_ts: offered (initiator), agreed (responder) */
    struct ike_blob local_id, remote_id; /* ID payload bodies as sent and received */
    uint32_t spi_in, reqid;
    struct ike_blob ni, nr;
    struct ike_blob ke_private, ke_public, ke_peer, shared;
    bool keep_private; /* another value of the peer's may follow */
    struct ike_blob init_request, init_response; /* RealMessage1 and 2 */
    struct ike_blob cookie;
    struct ike_blob secret;
    struct ike_blob sk_p;        /* SK_pi | SK_pr */
    struct ike_blob beside;      /* array of ike_beside: asked for (initiator), agreed */
    uint16_t tried[8];           /* groups already tried */
    uint32_t early[4];           /* SPIs the peer deleted before its answer made them known */
    struct ike_task *rejection;  /* the Delete after `reject`, there before memory can be short for it */
    struct ike_sa *new_sa;       /* an IKE rekey */
    /* Simultaneous rekey: the peer's exchange for the same SA, as long as ours is open (RFC 7296 section 2.8.1). */
    ike_child_id rival_child;
    ike_sa_id rival_sa;
    struct ike_blob rival_nonce; /* the lower of its two */
    ike_path spi_path;           /* where the SPI was reserved */
    ike_ts packet_local, packet_remote;
    /* IKEv1 */
    struct ike_blob sai;          /* body of the initiator's SA payload: both proofs are over it */
    struct ike_blob proof;        /* our HASH or SIG */
    struct ike_blob chosen_attrs; /* of the transforms chosen, as they were offered */
    struct ike_v1_choice v1;      /* what was chosen; its attributes are in chosen_attrs */
    struct ike_blob bundle;       /* Quick Mode: struct ike_v1_bundle, all that was chosen */
    struct ike_blob user;         /* XAUTH: the name; the password is `secret` */
    struct ike_v1_talk talk;      /* Transaction exchange */
    uint32_t told_life_s;         /* by the responder of phase 1: less than was asked for; 0: nothing */
};

struct ike_exchange {
    struct ike_list link; /* in sa->outstanding */
    struct ike_engine *e;
    struct ike_sa *sa;
    struct ike_setup *setup;
    const struct ike_script *script;
    const struct ike_delivery *delivery; /* the script's, or where that is the host's the version's */
    struct ike_message *msg;             /* being handled, NULL otherwise; checked against the rules */
    struct ike_question *question;
    struct ike_sent *sent; /* v2 delivery */
    uint8_t role, step, rounds;
    uint8_t purpose;  /* of an own exchange: enum ike_purpose */
    uint8_t odd_type; /* of a request that no script is for, which is refused; 0: the script's exchange type */
    uint8_t tries;
    bool owns_setup; /* the setup ends with this exchange */
    bool refused, fatal, over, building, running, aborted;
    bool pended;           /* the timer is that of a question */
    bool checked, handled; /* msg: its rules hold; all actions have seen it */
    bool delete_ike;       /* responder: the peer deletes the IKE SA */
    bool noted;            /* an unauthenticated error arrived; the record is in `note` */
    uint16_t action;       /* index in the list that runs */
    uint16_t notify;       /* of a refusal */
    uint8_t notify_protocol;
    uint8_t notify_data[2], notify_len;
    uint8_t spi_protocol;
    uint32_t notify_spi;
    uint32_t mid;
    uint32_t spi;          /* delete of an SA that we never kept: its inbound SPI */
    struct ike_chain chain; /* being built, in core->build */
    ike_path path;          /* where the message being handled came from */
    ike_child_id child;     /* the child an own exchange is about: rekey, delete; a peer's Delete: the heir being installed */
    struct ike_task *task;  /* the local request behind it, owned */
    struct ike_timer timer;
    ike_time first_sent, give_up;
    void *state;              /* the host's */
    struct ike_message *kept; /* msg is a copy of ours: on the heap, with its bytes */
    struct ike_blob kept_data, kept_inner;
    const uint8_t *inner; /* where msg's decrypted payloads are */
    size_t inner_len;
    struct ike_blob kept_chain;
    ike_failure *note;
    int abort_result;
    /* v1 delivery: the IV of our next message; iv_heard is that which follows the message being handled, ours only when that has
     * proved good */
    uint8_t iv[IKE_IV_MAX], iv_heard[IKE_IV_MAX];
    bool chained;     /* iv_heard is set */
    bool authentic;   /* the hash of the message being handled was right */
    uint64_t heard;   /* hash of the last message taken, to know it when it comes again */
    uint64_t hearing; /* of the one being handled */
};

struct ike_exchange *ike_exchange_new(struct ike_engine *e, struct ike_sa *sa, const struct ike_script *script, uint8_t role,
                                      struct ike_setup *setup);
/* Run as far as possible: build and send, or handle x->msg, or wait. x may be gone afterwards. */
void ike_exchange_run(struct ike_exchange *x);
/* Hand in a message for the current step. msg and the bytes it views live at least until this returns; inner is where its
 * decrypted payloads are. */
void ike_exchange_deliver(struct ike_exchange *x, struct ike_message *msg, const uint8_t *inner, size_t inner_len);
/* End it without an answer: time-out, SA gone. Rolls back; cancels its question. */
void ike_exchange_abort(struct ike_exchange *x, int result);
const struct ike_step *ike_exchange_step(const struct ike_exchange *x);
static inline uint8_t ike_exchange_type(const struct ike_exchange *x)
{
    return x->odd_type ? x->odd_type : x->script->exchange_type;
}

/* ike_exchange_start, from within (host.c). */
int ike_host_start(struct ike_engine *e, ike_sa_id id, const struct ike_script *script, void *state);
int ike_group_start(struct ike_engine *e, ike_sa_id id, uint16_t group, ike_bytes prime, ike_bytes generator);

/* For actions: set the notify of a refusal and the failure code together. */
IKE_RARE int ike_refuse(struct ike_exchange *x, uint16_t notify, uint16_t code);
IKE_RARE int ike_fatal(struct ike_exchange *x, uint16_t notify, uint16_t code);
/* The peer said no: record it, nothing is answered. */
IKE_RARE int ike_peer_said(struct ike_exchange *x, const struct ike_notify *n, uint16_t code, int result);
/* The message being handled breaks its rules by this payload. */
IKE_RARE int ike_fault(struct ike_exchange *x, uint8_t payload);
/* Local trouble (memory, random, kernel) as a result: DROP for a responder, who is asked again; REFUSE for an initiator. */
IKE_RARE int ike_trouble(struct ike_exchange *x, int error);
int ike_outcome(struct ike_exchange *x, int error); /* the same, or IKE_X_OK where it is IKE_OK */

int ike_keep(struct ike_exchange *x, struct ike_blob *to, ike_bytes from); /* ike_blob_set as an action's outcome */

/* Questions. First call: a fresh question with *answered false; call the hook with its token and return IKE_X_PENDING if the
 * hook does. Later call: the same question with the answer in it. Either way, unless pending, end it with ike_answered. NULL: no
 * memory. */
struct ike_question *ike_question_of(struct ike_exchange *x, uint8_t kind, bool *answered);
static inline struct ike_question *ike_ask(struct ike_exchange *x, uint8_t kind, bool *answered)
{
    if (IKE_WITH_QUESTIONS) {
        return ike_question_of(x, kind, answered);
    }
    *answered = false; /* the hook answers at once, or it is an error */
    return &x->e->core.unasked;
}
static inline bool ike_pending(int r) { return IKE_WITH_QUESTIONS && r == IKE_PENDING; }
void ike_answered(struct ike_exchange *x);

struct ike_setup *ike_setup_new(struct ike_engine *e);
void ike_setup_free(struct ike_engine *e, struct ike_setup *s);

/* Complete the draft record with what the exchange knows, and store it. */
IKE_RARE void ike_exchange_blame(struct ike_exchange *x);
/* The same for an attempt that has no exchange; child may be NULL. */
IKE_RARE void ike_conn_blame(struct ike_engine *e, struct ike_conn *conn, const char *child);

#endif
