/* SPDX-License-Identifier: ISC
 *
 * xfrm.h - inside the XFRM back-end: what its files share.
 */
#ifndef IKELIBD_XFRM_H
#define IKELIBD_XFRM_H

#include "app/app.h"
#include "app/inner.h"
#include "app/routes.h"
#include "app/spd.h"
#include "app/state.h"
#include "app/xfrm_msg.h"
#include "table.h"
#include "transport/udp.h"

#define XFRM_FLOWS_MAX  64         /* policies per SA and direction */
#define XFRM_TRAP_REQID 0x40000000 /* traps number themselves from here; the engine counts from 1 */

/* One installed SA: what is needed to take it out again, and to know it when the kernel speaks of it. */
struct xfrm_sa {
    struct table_node node; /* by SPI */
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
    struct nl_sock nl, rt;
    int events;                         /* socket of the groups of xfrm_event.c */
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
bool xfrm_is_our_policy(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id);

/* xfrm_event.c */
int xfrm_events_open(struct xfrm_app *x); /* 0 or -errno */
void xfrm_events_close(struct xfrm_app *x);
void xfrm_settled(struct app *a, ike_conn_id conn);
void xfrm_forget_acquire(struct xfrm_app *x, struct xfrm_trap *t);
int xfrm_take_spi(void *arg, const struct nlmsghdr *h); /* nl_reply_fn for ALLOCSPI; arg: uint32_t, host order */
int xfrm_delete_sa(struct xfrm_app *x, const struct xfrm_sa_name *name);

/* xfrm_lost.c: what somebody else takes out of the kernel. The events only note it; xfrm_make_good acts. */
void xfrm_on_policy_deleted(struct xfrm_app *x, const struct nlmsghdr *h);
void xfrm_on_sa_deleted(struct xfrm_app *x, const struct nlmsghdr *h);
/* The kernel asks for an SA that a child of ours has installed. True: it has lost that. */
bool xfrm_outbound_lost(struct xfrm_app *x, uint32_t reqid);
void xfrm_make_good(struct xfrm_app *x);

/* xfrm_move.c: give the installed SA new outer addresses or ports; its keys, counters and replay state stay. 0 or -errno. */
int xfrm_move_sa(struct xfrm_app *x, const struct xfrm_sa_name *name, const ike_ipsec_sa *sa);

/* xfrm_probe.c */
bool xfrm_has_ipcomp(struct xfrm_app *x); /* asked once; that it has none is logged */
int xfrm_probe(struct ikelibd *d, char *why, size_t n);
/* Say so when policies are installed that are not ours: another IKE daemon's, or typed by hand. */
void xfrm_warn_foreign(struct xfrm_app *x);

#endif
