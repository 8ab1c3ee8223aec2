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

struct routes *routes_new(struct ikelibd *d, struct nl_sock *rt, struct state *state);
/* Takes everything out. */
void routes_free(struct routes *r);

/* One more user of the network `to`; the newest user's way counts. 0 or -errno, logged. */
int routes_add(struct routes *r, const struct prefix *to, uint32_t oif, const ike_addr *gateway, const ike_addr *source);
void routes_remove(struct routes *r, const struct prefix *to);
/* This network never goes through a tunnel by these tables: a peer's outer address, a network on our own links. */
int routes_except(struct routes *r, const struct prefix *to);
void routes_unexcept(struct routes *r, const struct prefix *to);

struct nl_sock *routes_netlink(struct routes *r);

/* All routes of one tunnel. */
struct behind {
    struct prefix *nets, *exceptions;
    size_t n_nets, n_exceptions;
};
struct behind_spec {
    const ike_ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    ike_addr peer;      /* outer */
    uint32_t interface; /* of the tunnel; 0: routes follow the way to the peer (kernel IPsec has no interface) */
};
/* The networks of remote_ts, with our address inside local_ts as preferred source if we have one; exceptions for the peer's
 * address, for our own links, and for local_ts, as far as they lie inside. What cannot be set is logged and left out. */
void behind_add(struct routes *r, const struct behind_spec *spec, struct behind *out);
void behind_remove(struct routes *r, struct behind *b);

/* Undo one record of a crashed run. False: it is no record of ours. */
bool routes_leftover(struct nl_sock *rt, const char *record);

#endif
