/* SPDX-License-Identifier: ISC
 *
 * rtnl.h - routes, rules, links and addresses by rtnetlink.
 */
#ifndef IKELIBD_RTNL_H
#define IKELIBD_RTNL_H

#include "sysdep/nl.h"

#include <ike/types.h>

/* A network: the first `bits` bits of ip. */
struct prefix {
    uint8_t family; /* 4 or 6 */
    uint8_t bits;
    uint8_t ip[16];
};

struct rt_route {
    struct prefix to;
    uint32_t table;
    uint32_t metric;
    uint32_t oif;
    uint8_t type;     /* RTN_UNICAST, RTN_THROW */
    ike_addr gateway; /* family 0: none */
    ike_addr source;  /* preferred source, family 0: none */
    uint32_t mtu;     /* 0: none */
};

struct rt_rule {
    uint8_t family;
    uint32_t priority, table;
    uint32_t not_mark;     /* applies to packets without this mark */
    bool suppress_default; /* ignore default routes of the table */
};

/* All: 0 or -errno. Removing what is not there is no error; of _new it is -EEXIST when something is there already. */
int rt_route_set(struct nl_sock *s, const struct rt_route *r);
int rt_route_new(struct nl_sock *s, const struct rt_route *r);
int rt_route_del(struct nl_sock *s, const struct rt_route *r);
int rt_rule_set(struct nl_sock *s, const struct rt_rule *r);
int rt_rule_new(struct nl_sock *s, const struct rt_rule *r);
int rt_rule_del(struct nl_sock *s, const struct rt_rule *r);

/* How the kernel would reach `to` with this mark. */
struct rt_path {
    uint32_t oif, mtu;
    ike_addr gateway, source;
};
int rt_lookup(struct nl_sock *s, const ike_addr *to, uint32_t mark, struct rt_path *out);
int rt_link_set(struct nl_sock *s, uint32_t ifindex, bool up, uint32_t mtu);

/* An address of its own on the loopback device. -EEXIST: it is there. Removing what is not there is no error. */
int rt_address(struct nl_sock *s, const ike_addr *a, bool there);

/* An address of this host (not loopback's own) for which `accept` says yes; bits: of the network it is in. -ENOENT if there is
 * none. */
typedef bool rt_accept_fn(void *arg, const ike_addr *a, uint8_t bits);
int rt_find_address(struct nl_sock *s, uint8_t family, rt_accept_fn *accept, void *arg, ike_addr *out);

#endif
