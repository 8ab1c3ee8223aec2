/* SPDX-License-Identifier: ISC
 *
 * inner.h - addresses inside the tunnel that peers gave us: ours for as long as they are.
 *
 * They are on the loopback device, where no link can go down under them and no neighbour hears of them; that packets leave with
 * them is the routes' doing (behind_add takes an address inside local_ts for the source).
 */
#ifndef IKELIBD_INNER_H
#define IKELIBD_INNER_H

#include "app/state.h"
#include "sysdep/rtnl.h"

struct ikelibd;
struct inner;

/* One more, or one fewer, who has this address. What the kernel refuses is logged. */
void inner_set(struct inner **list, struct ikelibd *d, struct nl_sock *rt, struct state *state, const ike_addr *a, bool there);
/* All that are left. */
void inner_clear(struct inner **list, struct nl_sock *rt, struct state *state);
/* Undo one record of a crashed run. False: it is no record of ours. */
bool inner_leftover(struct nl_sock *rt, const char *record);

#endif
