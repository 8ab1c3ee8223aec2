/* SPDX-License-Identifier: ISC
 *
 * ike/exchange.h - exchanges as data, and exchanges of the host's own.
 *
 * An exchange is a script of steps, one per message. A step names the payload rules of its message, what its receiver does with
 * it and what its sender puts into it: NULL-ended lists of actions, each of which does one thing. The exchanges of the library
 * are tables of these very types (lib/exchange/v1, lib/exchange/v2).
 *
 * A host may register scripts of its own for IKEv1, of exchange types 240 to 255 (private use, RFC 2408 section 3.1), to be run
 * under an established IKE SA: ike_settings.scripts. Every message is then encrypted, and repeated until it is answered; the
 * library finds out whose it is, keeps message ids and duplicates, and checks the rules before any action sees it. The first
 * action that builds is ike_exchange_protect and the last ike_exchange_seal; the first that handles is ike_exchange_check: they
 * put and check the HASH payload that makes a message the peer's (RFC 2409 section 5.7). Until it has been checked the message is
 * anybody's, so an engine takes no script in which one of them is missing at its place (IKE_ERR_INVALID).
 *
 * Actions of a host are callbacks like others: they may look (ike/ike.h) and use what is below, but not act on the engine.
 */
#ifndef IKE_EXCHANGE_H
#define IKE_EXCHANGE_H

#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ike_engine;
typedef struct ike_exchange ike_exchange; /* one run of a script */

/* What an action returns. */
typedef enum ike_result {
    IKE_X_OK = 0,
    IKE_X_PENDING, /* the question is asked; run me again */
    IKE_X_DROP,    /* the message never happened: no trace is left */
    IKE_X_REFUSE,  /* the exchange ends, the SA stays; IKEv2: the answer is a notify */
    IKE_X_FATAL,   /* the same, and the SA goes */
    IKE_X_AGAIN    /* run the script once more (IKEv2: COOKIE, INVALID_KE_PAYLOAD); not for a host's */
} ike_result;

typedef int ike_action(struct ike_exchange *x);

/* The paper's syntax script: how often each payload type may and must occur; ended by type 0. Types that are not listed are
 * ignored, notifies and vendor ids are always allowed. */
struct ike_payload_rule {
    uint8_t type, min, max;
};

/* One legal shape of a message. */
struct ike_form {
    bool (*when)(const struct ike_exchange *x); /* NULL: always */
    const struct ike_payload_rule *rules;
};

enum ike_role { IKE_INITIATOR = 0, IKE_RESPONDER = 1 }; /* of the exchange, not of the SA */

/* Both sides read the same table; who runs `handle` and who `build` follows from `from` and the role. */
struct ike_step {
    const char *name; /* "Quick Mode 1": in logs, ladders, records */
    uint8_t from;     /* ike_role */
    bool (*when)(const struct ike_exchange *x); /* NULL: always; else the step is left out, by both sides, unless this holds */
    const struct ike_form *forms;               /* ended by one with rules == NULL */
    ike_action *const *handle, *const *build;   /* NULL-ended; run by the receiver and by the sender */
    ike_action *const *refuse;                  /* built instead of `build` after a REFUSE; NULL: the notify alone */
    ike_action *const *sent;                    /* run by the sender when the message has left; these cannot fail */
};

/* Constant, and there as long as any engine knows it. */
struct ike_script {
    const char *name;
    uint8_t version; /* a host's: 1 */
    uint8_t exchange_type;
    const struct ike_delivery *delivery; /* the library's own; a host's: NULL */
    const struct ike_step *steps;
    uint8_t n_steps;
    uint8_t max_rounds;                                       /* how often AGAIN may repeat it */
    const struct ike_script *(*next)(struct ike_exchange *x); /* what follows in the same setup; a host's: NULL */
    void (*undo)(struct ike_exchange *x);                     /* it failed: give back what was reserved; may be NULL */
    /* A host's: it is over. result: IKE_X_OK, or what ended it (IKE_X_DROP: the IKE SA went, or it never happened). The last
     * call for x, and the time to take ike_exchange_state(x) back. May be NULL. */
    void (*over)(struct ike_exchange *x, int result);
};

/* ---- Running one ------------------------------------------------------------------------------------------------------ */

/* Begin a registered script under an IKE SA that is up. `state` is what ike_exchange_state() gives. IKE_ERR_NOT_FOUND (no
 * such SA), _INVALID (not registered with this engine, or of another version than the SA), _STATE (the SA is not up, or goes;
 * or from a hook), _LIMIT (too many at once), _NOMEM, _UNSUPPORTED (a library without IKEv1); then `over` is not called.
 * After IKE_OK it is, once: perhaps before this returns. */
IKE_API int ike_exchange_start(struct ike_engine *e, ike_sa_id sa, const struct ike_script *script, void *state, ike_time now);

/* ---- For actions ------------------------------------------------------------------------------------------------------ */

IKE_API ike_sa_id ike_exchange_sa(const struct ike_exchange *x);
IKE_API enum ike_role ike_exchange_role(const struct ike_exchange *x);
IKE_API void *ike_exchange_user(const struct ike_exchange *x); /* host.user of the engine */
/* One pointer of the host's per exchange; NULL at the beginning of a peer's. */
IKE_API void *ike_exchange_state(const struct ike_exchange *x);
IKE_API void ike_exchange_set_state(struct ike_exchange *x, void *state);

/* The i-th payload of a type in the message being handled, which a responder may still look at while it builds the answer. The
 * body is valid during the action. False: there are fewer. */
IKE_API bool ike_exchange_payload(const struct ike_exchange *x, uint8_t type, unsigned i, ike_bytes *body);
/* Append a payload to the message being built. IKE_ERR_BUFFER: it does not fit, and the message will not be sent. */
IKE_API int ike_exchange_put(struct ike_exchange *x, uint8_t type, ike_bytes body);

/* Built-in actions, for a host's lists: see the head of this file. */
IKE_API int ike_exchange_protect(struct ike_exchange *x);
IKE_API int ike_exchange_seal(struct ike_exchange *x);
IKE_API int ike_exchange_check(struct ike_exchange *x);

/* Refuse: the peer is told by this notify in an Informational exchange of its own. Returns IKE_X_REFUSE. An action that returns
 * IKE_X_FATAL after it has the IKE SA deleted as well. */
IKE_API int ike_exchange_refuse(struct ike_exchange *x, uint16_t notify);
/* Ask the host something that takes time. The first call gives a token and IKE_PENDING: return IKE_X_PENDING. The action is run
 * again when ike_answer_done has come for the token; then this gives its result. One question at a time. IKE_ERR_NOMEM. */
IKE_API int ike_exchange_ask(struct ike_exchange *x, ike_token *token);

#ifdef __cplusplus
}
#endif
#endif
