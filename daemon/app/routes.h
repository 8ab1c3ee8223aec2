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
/* The outer address of a peer never goes through a tunnel. */
int routes_except(struct routes *r, const ike_addr *peer);
void routes_unexcept(struct routes *r, const ike_addr *peer);

/* Undo one record of a crashed run. False: it is no record of ours. */
bool routes_leftover(struct nl_sock *rt, const char *record);

#endif
