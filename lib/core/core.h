/* SPDX-License-Identifier: ISC
 *
 * The inner half of an engine: what the host lent (allocator, random, log, send), time, timers, questions, failure records
 * and pending events. It knows nothing of SAs and messages.
 */
#ifndef IKE_CORE_CORE_H
#define IKE_CORE_CORE_H

#include "base/bytes.h"
#include "base/list.h"
#include "base/slots.h"
#include "base/wheel.h"
#include <ike/ike.h>

#define IKE_RING 64

/* Formats a part of what will be said. */
#define IKE_WORDS(call) ((void)(IKE_WITH_WORDS && (call)))

/* What a timer is embedded in. */
enum ike_timer_kind { IKE_TIMER_EXCHANGE = 1, IKE_TIMER_SA, IKE_TIMER_CHILD, IKE_TIMER_CONN };

/* An owner's undelivered events: bits, so none is lost when memory is short. */
enum ike_ev_owner { IKE_EV_OF_SA = 1, IKE_EV_OF_CHILD, IKE_EV_OF_CONN };
struct ike_evslot {
    struct ike_list link;
    uint16_t pending; /* 1 << ike_event_type */
    uint8_t owner, cause;
    bool failed;    /* DOWN comes with the connection's failure record */
    uint64_t other; /* old_sa or old_child of REKEYED */
};

enum ike_question_kind { IKE_Q_PEER = 1, IKE_Q_SECRET, IKE_Q_SIGN, IKE_Q_SPI, IKE_Q_DONE, IKE_Q_LOGIN, IKE_Q_LEASE };

struct ike_core;

/* A question that was asked and not yet answered, or answered and not yet taken. */
struct ike_question {
    ike_token token;
    uint8_t kind;
    bool answered;
    int result;
    void (*resume)(struct ike_core *, struct ike_question *);
    void *owner; /* whose `resume` it is; it drops the question when it goes */
    union {
        ike_conn_id conn;
        uint32_t spi;
        ike_addr address;
        struct {
            uint8_t *ptr;
            size_t len, name_len; /* IKE_Q_LOGIN: the name's octets come before the password's */
        } octets; /* a secret, a signature, a login */
    } answer;
};

/* Bytes owned through the engine's allocator. */
struct ike_blob {
    uint8_t *ptr;
    size_t len;
};

struct ike_core {
    ike_time now;
    const ike_crypto *crypto; /* allowed */
    ike_allocator mem;
    ike_random rng;
    unsigned depth; /* public calls in progress */
    bool in_hook;
    bool doomed;  /* ike_engine_free was called from a callback */
    bool closing; /* ike_engine_close was called: nothing is begun any more */
    bool blamed;  /* the draft holds a cause that is not committed yet */
    uint8_t *ctx; /* scratch for MAC and cipher contexts, 16-aligned within ctx_block, wiped after use */
    uint8_t *plain, *build, *out; /* scratch: decrypted input, payloads being built, the datagram; max_message each */
    ike_settings set;             /* with the host's callbacks */
    ike_counters count;
    ike_failure draft; /* the failure being described; see ike_blame */
    struct ike_slots questions;
    struct ike_question unasked; /* stands for any where a build has no questions: no token, never answered */
    struct ike_list events;
    uint8_t hash_key[16]; /* of SipHash for keys from outside */
    ike_crypto allowed;    /* what the host gave, without the ciphers that must not be used here */
    const ike_encr **encr; /* its list of ciphers, n_encr and a NULL */
    size_t n_encr;
    void **ke_state; /* parallel to crypto->ke */
    size_t n_ke;
    uint8_t *ctx_block;
    size_t ctx_size;
    ike_time stranger_second; /* log lines about strangers in this second */
    unsigned stranger_lines;
    unsigned ring_at; /* where the next record goes, round by round */
    ike_failure *ring[IKE_RING];
    uint64_t ring_order[IKE_RING]; /* when, in records: a repetition stays in its place */
    struct ike_wheel wheel;
};

void ike_host_memory(ike_host *h); /* malloc and free where the host gave no allocator */
/* On an error ike_core_fini is still to be called. */
int ike_core_init(struct ike_core *c, const ike_settings *s, ike_time now);
void ike_core_fini(struct ike_core *c);

/* ---- Memory: zeroed on allocation; secrets are wiped by _free_secret. -------------------------------------------------- */
void *ike_alloc(struct ike_core *c, size_t n);
void ike_free(struct ike_core *c, void *p, size_t n);
void ike_free_secret(struct ike_core *c, void *p, size_t n);
int ike_blob_set(struct ike_core *c, struct ike_blob *b, ike_bytes from); /* replaces; b is wiped first */
int ike_blob_room(struct ike_core *c, struct ike_blob *b, size_t n);
void ike_blob_free(struct ike_core *c, struct ike_blob *b); /* wipes */
static inline ike_bytes ike_blob_bytes(const struct ike_blob *b) { return (ike_bytes){b->ptr, b->len}; }

/* ---- Host ------------------------------------------------------------------------------------------------------------- */
int ike_draw(struct ike_core *c, void *out, size_t n); /* random; blames IKE_FAIL_RANDOM */
void ike_send(struct ike_core *c, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n);
/* Around every call into a hook, so that a call back is refused. */
static inline void ike_hook_enter(struct ike_core *c) { c->in_hook = true; }
static inline void ike_hook_leave(struct ike_core *c) { c->in_hook = false; }
/* a time `span` from now, moved by up to +- pct percent; random 0..bound-1 for jitter (not secret, never fails) */
uint32_t ike_jitter(struct ike_core *c, uint32_t bound);

static inline bool ike_logs(const struct ike_core *c, ike_log_class k, ike_log_level l)
{
    return IKE_WITH_WORDS && c->set.host.log && l <= c->set.host.log_level[k];
}
/* Off the way of every handshake that goes well: what leads here stands apart from the code that runs each time. */
#if defined(__GNUC__)
#define IKE_RARE         __attribute__((cold))
#define IKE_PRINTF(a, b) __attribute__((cold, format(printf, a, b)))
#else
#define IKE_RARE
#define IKE_PRINTF(a, b)
#endif
IKE_PRINTF(5, 6)
void ike_logf(struct ike_core *c, ike_log_class k, ike_log_level l, ike_sa_id sa, const char *fmt, ...);
#define IKE_LOG(c, k, l, sa, ...)                                                                                                \
    do {                                                                                                                         \
        if (ike_logs(c, k, l)) {                                                                                                 \
            ike_logf(c, k, l, sa, __VA_ARGS__);                                                                                  \
        }                                                                                                                        \
    } while (0)

/* ---- Questions -------------------------------------------------------------------------------------------------------- */
struct ike_question *ike_question_new(struct ike_core *c, uint8_t kind, void *owner,
                                      void (*resume)(struct ike_core *, struct ike_question *));
/* The host has twice the life of a half-open SA to answer in; nothing may wait for ever for one that forgot. */
static inline ike_time ike_question_until(const struct ike_core *c)
{
    return c->now + 2 * c->set.half_open_life_ms * IKE_MS;
}
/* Frees it; tells the host with cancel() if it has not been answered. */
void ike_question_drop(struct ike_core *c, struct ike_question *q, bool cancel);
struct ike_question *ike_question_get(struct ike_core *c, ike_token t, uint8_t kind, int *error);

/* ---- Failures --------------------------------------------------------------------------------------------------------- */
/* Begin the record of a failure; the caller fills in what it knows. The first blame of a call stands until it is
 * committed: a consequence does not overwrite its cause. Returns the draft either way. */
IKE_RARE ike_failure *ike_blame(struct ike_core *c, uint16_t code, uint8_t decider);
/* Its texts; a build without words leaves them empty. */
enum ike_blame_field { IKE_BLAME_EXPECTED, IKE_BLAME_RECEIVED, IKE_BLAME_REMEDY };
void ike_blame_text(struct ike_core *c, enum ike_blame_field field, const char *fmt, ...) IKE_PRINTF(3, 4);
#define IKE_BLAME_TEXT(c, field, ...)                                                                                            \
    do {                                                                                                                         \
        if (IKE_WITH_WORDS) {                                                                                                    \
            ike_blame_text(c, field, __VA_ARGS__);                                                                               \
        }                                                                                                                        \
    } while (0)
#define ike_blame_expected(c, ...) IKE_BLAME_TEXT(c, IKE_BLAME_EXPECTED, __VA_ARGS__)
#define ike_blame_received(c, ...) IKE_BLAME_TEXT(c, IKE_BLAME_RECEIVED, __VA_ARGS__)
#define ike_blame_remedy(c, ...)   IKE_BLAME_TEXT(c, IKE_BLAME_REMEDY, __VA_ARGS__)
/* Store the draft in the ring, and in *last (allocated on first use) if last is not NULL. Clears the draft's mark. False: it is
 * one of too many that peers caused who proved nothing (stranger), and is not worth an event either. */
IKE_RARE bool ike_failure_commit(struct ike_core *c, ike_failure **last, bool stranger);
/* The i-th newest of the ring, NULL past the end. */
const ike_failure *ike_failure_ring(const struct ike_core *c, size_t i);

/* ---- Events ----------------------------------------------------------------------------------------------------------- */
void ike_evslot_init(struct ike_evslot *s, uint8_t owner);
void ike_event_post(struct ike_core *c, struct ike_evslot *s, ike_event_type t);

/* ---- Key exchange state ----------------------------------------------------------------------------------------------- */
void *ike_ke_state(struct ike_core *c, const ike_ke *ke);

#endif
