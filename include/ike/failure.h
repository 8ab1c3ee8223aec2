/* SPDX-License-Identifier: ISC
 *
 * ike/failure.h - failure records: why an attempt did not work.
 *
 * Every attempt that fails leaves exactly one record. It is plain data of fixed size; text is made from it on demand. The
 * same record is in the event, in the connection's last failure, in the engine's ring, and behind `ikelibctl explain`.
 */
#ifndef IKE_FAILURE_H
#define IKE_FAILURE_H

#include <ike/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Stable numbers: never reused, appended only. */
typedef enum ike_failure_code {
    IKE_FAIL_NONE = 0,
    IKE_FAIL_NO_ANSWER = 1,            /* the peer never answered */
    IKE_FAIL_DEAD_PEER = 2,            /* an established peer stopped answering */
    IKE_FAIL_NO_CONNECTION = 3,        /* a peer asked and no connection matches its address */
    IKE_FAIL_NO_PROPOSAL = 4,          /* no common IKE proposal */
    IKE_FAIL_NO_CHILD_PROPOSAL = 5,    /* no common ESP/AH proposal */
    IKE_FAIL_KE_GROUP = 6,             /* no common key-exchange group, or INVALID_KE_PAYLOAD asked for one not offered */
    IKE_FAIL_IDENTITY = 7,             /* the peer's identity is not the configured one, or its asked-for identity is not ours */
    IKE_FAIL_AUTH_MISMATCH = 8,        /* we checked AUTH and it is wrong: the secrets differ */
    IKE_FAIL_AUTH_METHOD = 9,          /* the peer authenticates by a method that is not permitted here */
    IKE_FAIL_NO_SECRET = 10,           /* no secret for this pair of identities here */
    IKE_FAIL_PEER_REFUSED_AUTH = 11,   /* the peer said AUTHENTICATION_FAILED; it does not say why */
    IKE_FAIL_SELECTORS = 12,           /* traffic selectors have nothing in common, or the answer is wider than asked */
    IKE_FAIL_MODE = 13,                /* tunnel/transport disagreement */
    IKE_FAIL_KERNEL = 14,              /* the local data plane refused (SPI, SA or policy) */
    IKE_FAIL_SYNTAX = 15,              /* malformed message from the peer */
    IKE_FAIL_PEER_SYNTAX = 16,         /* the peer says our message is malformed */
    IKE_FAIL_CRITICAL_PAYLOAD = 17,    /* a critical payload is not understood (either side) */
    IKE_FAIL_VERSION = 18,             /* IKE versions do not meet */
    IKE_FAIL_KEY_EXCHANGE = 19,        /* public value refused, or the computation failed */
    IKE_FAIL_NO_ADDITIONAL_SAS = 20,   /* the peer does not want more children or rekeys */
    IKE_FAIL_TEMPORARY = 21,           /* TEMPORARY_FAILURE went on too long */
    IKE_FAIL_CHILD_NOT_FOUND = 22,     /* the peer no longer has the child to be rekeyed */
    IKE_FAIL_PEER_ERROR = 23,          /* another error notify from the peer: see notify */
    IKE_FAIL_LIMIT = 24,               /* a local limit: half-open, children, memory cap */
    IKE_FAIL_NO_MEMORY = 25,
    IKE_FAIL_RANDOM = 26,              /* the host's random source failed */
    IKE_FAIL_DENIED = 27,              /* the host's decision hook said no */
    IKE_FAIL_REPLACED = 28,            /* given up because another attempt won (collision, INITIAL_CONTACT) */
    IKE_FAIL_CANCELLED = 29,           /* by local command */
    IKE_FAIL_TIMEOUT = 30,             /* the exchange took longer than allowed (half-open life, unanswered question) */
    IKE_FAIL_COOKIES = 31,             /* the peer kept asking for cookies */
    IKE_FAIL_NO_ROUTE = 32,            /* the host has no way to the peer's address */
    IKE_FAIL_USER = 33,                /* XAUTH: user name or password is wrong, or there is none */
    IKE_FAIL_NO_ADDRESS = 34,          /* Mode-Config: there is no address to be had */
    IKE_FAIL_NAT = 35,                 /* what was agreed cannot pass a NAT: AH */
    IKE_FAIL_CODES
} ike_failure_code;

typedef enum ike_decider {
    IKE_DECIDER_US = 1,   /* we refused */
    IKE_DECIDER_PEER = 2, /* the peer said so */
    IKE_DECIDER_HOST = 3, /* the local system (kernel, store, memory) failed */
    IKE_DECIDER_NOBODY = 4 /* silence */
} ike_decider;

/* A library built with -DIKE_RECORDS=OFF keeps none: what an event shows then has code, decider, notify and error. */
typedef struct ike_failure {
    uint32_t size;
    uint16_t code;      /* ike_failure_code */
    uint8_t decider;    /* ike_decider */
    uint8_t initiator;  /* 1: of the exchange that failed, we were the initiator */
    uint8_t version;    /* 1 or 2; 0 unknown */
    uint8_t exchange;   /* exchange type, e.g. 35 IKE_AUTH */
    uint8_t step;       /* step of the exchange's script */
    uint8_t transform;  /* proposal mismatch: the transform type that differs in the nearest proposal, 0 several/none */
    uint16_t notify;    /* the notify sent or received, 0 none */
    uint16_t nearest;   /* proposal mismatch: number of the peer's proposal that came nearest, 1-based */
    int32_t error;      /* host errors: what the hook returned */
    uint32_t repeats;   /* how many times the same happened in a row */
    ike_time when;
    ike_conn_id conn;   /* 0: no connection matched */
    ike_sa_id sa;
    ike_addr remote;
    char conn_name[48], child_name[48];
    char source[64];        /* where the connection was configured: "file:line" */
    uint16_t expected_len, received_len, remedy_len; /* without the ending NUL */
    /* Texts, empty in a library that was built without words (-DIKE_WORDS=OFF). */
    char expected[256], received[256]; /* what this side wants / what came; text, escaped, cut to fit */
    char remedy[256];                  /* what to write, and on which side; empty if this side cannot know */
} ike_failure;

/* Static storage: "wrong-secret", "no-proposal" ... stable identifiers, and one English sentence naming the cause. */
IKE_API const char *ike_failure_name(unsigned code);
IKE_API const char *ike_failure_cause(const ike_failure *f);
/* The whole story in a few lines: what failed, who decided, expected, received, what to change. snprintf-like result. */
IKE_API size_t ike_failure_explain(const ike_failure *f, char *out, size_t n);

#ifdef __cplusplus
}
#endif
#endif
