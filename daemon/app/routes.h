/* SPDX-License-Identifier: ISC
 *
 * routes.h - our routes: networks behind peers, in routing tables of our own.
 *
 * Two tables and three rules, all before `main`:
 *
 *     4500  lookup ROUTES_TABLE            networks behind peers; throw routes for the peers' own addresses
 *     4501  lookup main, without defaults  what is really near stays near,
 *     4502  lookup ROUTES_TABLE_DEFAULT    even when a tunnel is the way to everywhere
 *
 * The rules do not apply to our own outer packets, which carry ROUTES_MARK. The throw routes say the same once more, for reverse
 * path filters, which do not see that mark. Everything is counted, noted in the state file, and removed with its last user.
 *
 * What is wanted stays wanted when it cannot be set, or when somebody else takes it out: a link that goes down takes its routes
 * along and brings none back. keep.c listens to the kernel and puts back what is missing.
 */
#ifndef IKELIBD_ROUTES_H
#define IKELIBD_ROUTES_H

#include "app/prefix.h"
#include "app/state.h"
#include "sysdep/rtnl.h"

#define ROUTES_TABLE         4500
#define ROUTES_TABLE_DEFAULT 4501
#define ROUTES_PRIORITY      4500
#define ROUTES_MARK          0x696b6501U

struct ikelibd;
struct routes;
struct tunnel;

struct routes *routes_new(struct ikelibd *d, struct nl_sock *rt, struct state *state);
/* Takes everything out. */
void routes_free(struct routes *r);

/* How packets for a network leave. */
struct way {
    uint32_t oif;             /* 0: there is none at present */
    ike_addr gateway, source; /* family 0: none */
};

/* One more user of the network `to`; the newest user's way counts. False: no memory. What the kernel refuses is logged, and tried
 * again later. */
bool routes_add(struct routes *r, const struct prefix *to, const struct way *way);
void routes_remove(struct routes *r, const struct prefix *to);
/* This network never goes through a tunnel by these tables: a peer's outer address, a network on our own links. */
bool routes_except(struct routes *r, const struct prefix *to);
void routes_unexcept(struct routes *r, const struct prefix *to);

struct nl_sock *routes_netlink(struct routes *r);
struct keep *routes_keep(struct routes *r);

/* ---- Keeping what is wanted ----------------------------------------------------------------------------------------------- */

/* What a look at the kernel has found. */
struct routes_found {
    unsigned asked;                 /* calls to the kernel */
    unsigned back, changed, failed; /* put back, set another way, still missing */
    int error;                      /* of the first that failed */
    char names[200], failed_names[200], changed_names[200];
};

/* A new look begins: rules at once; then each network is looked at once, whoever asks first decides its way. */
void routes_check_rules(struct routes *r, struct routes_found *f);
void routes_check(struct routes *r, const struct prefix *to, const struct way *way, struct routes_found *f);
void routes_check_exception(struct routes *r, const struct prefix *to, struct routes_found *f);

/* keep.c. NULL: logged. */
struct keep *keep_new(struct ikelibd *d, struct routes *r);
void keep_free(struct keep *k);
/* Something could not be set, and has been logged: try again later. */
void keep_retry(struct keep *k);
void keep_tunnel(struct keep *k, struct tunnel *t);
void keep_forget(struct keep *k, struct tunnel *t);

/* ---- One tunnel ----------------------------------------------------------------------------------------------------------- */

struct behind_spec {
    const ike_ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    ike_addr peer;      /* outer */
    uint32_t interface; /* of the tunnel; 0: routes follow the way to the peer (kernel IPsec has no interface) */
};

/* All routes of one tunnel, and what is needed to find their way again. */
struct tunnel {
    struct tunnel *next, **prev; /* of keep.c, newest first */
    ike_ts *local_ts;
    struct prefix *nets, *exceptions;
    size_t n_local_ts, n_nets, n_exceptions;
    ike_addr peer;
    uint32_t interface;
};
struct behind {
    struct tunnel *tunnel; /* NULL: none */
};

/* The networks of remote_ts, with our address inside local_ts as preferred source if we have one; exceptions for the peer's
 * address, for our own links, and for local_ts, as far as they lie inside. */
void behind_add(struct routes *r, const struct behind_spec *spec, struct behind *out);
void behind_remove(struct routes *r, struct behind *b);
/* Find the way again and see that everything is there. */
void behind_check(struct routes *r, const struct tunnel *t, struct routes_found *f);

/* Undo one record of a crashed run. False: it is no record of ours. */
bool routes_leftover(struct nl_sock *rt, const char *record);

#endif
