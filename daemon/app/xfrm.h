/* SPDX-License-Identifier: ISC
 *
 * xfrm.h - inside the kernel's back-ends: what their files share.
 */
#ifndef IKELIBD_XFRM_H
#define IKELIBD_XFRM_H

#include "app/app.h"
#include "app/inner.h"
#include "app/routes.h"
#include "app/spd.h"
#include "app/state.h"
#include "app/xfrm_msg.h"
#include "sysdep/pfk.h"
#include "table.h"
#include "transport/udp.h"

#define XFRM_FLOWS_MAX 64 /* policies per SA and direction */

struct xfrm_app;
struct xfrm_sa;
struct xfrm_trap;

/* A way into the kernel's XFRM. What can fail gives 0 or -errno; `why` of the app may have more words for it then. SAs and
 * policies are the same ones whichever way they came in. */
struct xfrm_way {
    int (*open)(struct xfrm_app *x);   /* the socket of calls */
    int (*listen)(struct xfrm_app *x); /* that of events */
    void (*unlisten)(struct xfrm_app *x);
    void (*close)(struct xfrm_app *x);
    void (*warn_foreign)(struct xfrm_app *x);           /* say so when policies are installed that are not ours */
    int (*bypass)(int fd, uint8_t family, uint8_t dir); /* no policy holds for this socket */
    int (*get_spi)(struct xfrm_app *x, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi);
    /* update: of a reserved SPI; -ESRCH: the reservation has run out */
    int (*set_sa)(struct xfrm_app *x, const ike_ipsec_sa *sa, bool update);
    int (*unset_sa)(struct xfrm_app *x, const struct xfrm_sa_name *name);
    int (*get_sa)(struct xfrm_app *x, const struct xfrm_sa_name *name, ike_usage *out); /* -ESRCH: there is none */
    /* Give the installed SA new outer addresses or ports; its keys, counters and replay state stay. */
    int (*move_sa)(struct xfrm_app *x, const struct xfrm_sa *s, const ike_ipsec_sa *sa);
    bool moves_policies; /* with the SA: its policies must still have the former addresses */
    int (*set_policy)(struct xfrm_app *x, const struct spd_key *key, const struct spd_template *t, bool update);
    int (*unset_policy)(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id);
    /* The kernel waits with acquire_seq of the trap, and shall not. */
    void (*end_acquire)(struct xfrm_app *x, struct xfrm_trap *t);
    /* Numbers of policies: the engine's, counting from 1, go round below `first_trap`, those of traps above it. */
    uint32_t first_trap, traps;
};
extern const struct xfrm_way xfrm_netlink, xfrm_pfkey;

/* One installed SA: what is needed to take it out again, and to know it when the kernel speaks of it. */
struct xfrm_sa {
    struct table_node node; /* by SPI */
    uint32_t reqid;         /* the engine's; the kernel's is in the template */
    struct xfrm_sa_name name;
    ike_child_id child;
    ike_conn_id conn;
    bool inbound;
    bool lost, told; /* the kernel has it no more; the engine knows that */
    int slot;
    struct spd_template template;
    struct flow *flows;
    size_t n_flows; /* 0: another protocol of the child has its policies */
    struct behind behind; /* outbound tunnels only */
    char *child_name;
    uint64_t seen_packets; /* at the last query */
    ike_time last;         /* when the counter was last seen to move */
};

struct xfrm_trap {
    struct table_node by_conn, by_reqid;
    ike_conn_id conn;
    char *child_name;
    uint32_t mark, if_id;
    struct spd_template template;
    uint32_t acquire_seq; /* the kernel waits for an answer to this one; 0: it does not */
    struct flow *flows;
    size_t n_flows;
    struct behind behind;
};

struct xfrm_app {
    struct app app;
    const struct xfrm_way *way;
    const char *why;   /* the kernel's own words about the last error, or empty */
    struct nl_sock nl; /* of the way by netlink */
    int events;
    struct pfk_sock key, key_events; /* of that by PF_KEY */
    struct nl_sock rt;
    bool policies_gone, sas_gone, lost; /* events say that some may be; `lost`: SAs are marked so */
    struct state *state;
    struct routes *routes;
    struct inner *inner; /* addresses that peers gave us */
    struct spd *spd;
    struct table sas, policies;
    struct table traps, trap_reqids; /* by connection, by the reqid of the policies */
    uint32_t next_trap;
    enum { XFRM_IPCOMP_UNKNOWN, XFRM_IPCOMP, XFRM_NO_IPCOMP } ipcomp; /* whether this kernel has it */
    unsigned leftovers; /* of a crashed run, removed at start */
    uint64_t acquires, expires, mappings, overruns;
};

/* NULL: another program's. */
struct xfrm_trap *xfrm_find_trap(const struct xfrm_app *x, uint32_t reqid);
struct xfrm_sa *xfrm_find(struct xfrm_app *x, uint32_t spi, const ike_addr *destination, uint8_t protocol);
/* ESP, wherever it ends. */
struct xfrm_sa *xfrm_find_inbound(struct xfrm_app *x, uint32_t spi);
/* errno, and the kernel's own words if it had any. */
const char *xfrm_says(struct xfrm_app *x, int error, char *out, size_t n);

/* xfrm_policy.c: arg is the struct xfrm_app */
int xfrm_policy_set(void *arg, const struct spd_key *key, const struct spd_template *t, bool update);
void xfrm_policy_unset(void *arg, const struct spd_key *key);
bool xfrm_is_our_policy(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id);

/* A number of the engine's as the kernel has it. */
uint32_t xfrm_reqid(const struct xfrm_app *x, uint32_t reqid);

/* xfrm_event.c: what the kernel says of its own accord. */
struct xfrm_acquire {
    uint32_t reqid, seq;
    ike_ts local, remote; /* of the packet; family 0: that is not said */
};
void xfrm_on_acquire(struct xfrm_app *x, const struct xfrm_acquire *a);
void xfrm_on_expire(struct xfrm_app *x, struct xfrm_sa *sa, bool hard);
void xfrm_on_mapping(struct xfrm_app *x, const struct xfrm_sa *sa, const ike_addr *remote);
void xfrm_on_overrun(struct xfrm_app *x); /* it may have said more than we heard */
void xfrm_settled(struct app *a, ike_conn_id conn);
void xfrm_forget_acquire(struct xfrm_app *x, struct xfrm_trap *t);

/* xfrm_lost.c: what somebody else takes out of the kernel. The events only note it (policies_gone and sas_gone: any may be
 * meant); xfrm_make_good acts. */
void xfrm_on_policy_deleted(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id);
void xfrm_on_sa_deleted(struct xfrm_app *x, uint32_t spi, const ike_addr *destination, uint8_t protocol);
/* The kernel asks for an SA that a child of ours has installed. True: it has lost that. */
bool xfrm_outbound_lost(struct xfrm_app *x, uint32_t reqid);
void xfrm_make_good(struct xfrm_app *x);

/* xfrm_move.c, by netlink */
int xfrm_move_sa(struct xfrm_app *x, const struct xfrm_sa *s, const ike_ipsec_sa *sa);

/* xfrm_probe.c, by netlink */
int xfrm_probe(struct ikelibd *d, char *why, size_t n);
/* Another IKE daemon's policies, or those typed by hand. */
void xfrm_warn_foreign(struct xfrm_app *x);
void xfrm_tell_foreign(struct xfrm_app *x, unsigned count, const struct xfrm_userpolicy_info *first);

/* pfkey_probe.c */
int pfkey_probe(struct ikelibd *d, char *why, size_t n);
void pfkey_warn_foreign(struct xfrm_app *x);

#endif
