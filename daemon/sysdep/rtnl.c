/* SPDX-License-Identifier: ISC
 *
 * rtnl.c - routes, rules, links and addresses by rtnetlink.
 */
#include "sysdep/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t af_of(uint8_t family) { return family == 4 ? AF_INET : AF_INET6; }
static size_t ip_len(uint8_t family) { return family == 4 ? 4 : 16; }

static void attr_ip(struct nl_msg *m, uint16_t type, const ike_addr *a)
{
    if (a->family != 0) {
        nl_attr(m, type, a->ip, ip_len(a->family));
    }
}

static void read_ip(const struct nlattr *a, uint8_t family, ike_addr *out)
{
    *out = (ike_addr){0};
    if (a != NULL && nl_len(a) == ip_len(family)) {
        out->family = family;
        memcpy(out->ip, nl_data(a), ip_len(family));
    }
}

static int ignore(int error, int expected) { return error == -expected ? 0 : error; }

/* ---- Routes --------------------------------------------------------------------------------------------------------------- */

static void route_message(struct nl_msg *m, uint16_t type, uint16_t flags, const struct rt_route *r)
{
    struct rtmsg body = {.rtm_family = af_of(r->to.family),
                         .rtm_dst_len = r->to.bits,
                         .rtm_table = RT_TABLE_UNSPEC,
                         .rtm_protocol = RTPROT_STATIC,
                         .rtm_scope = r->gateway.family == 0 && r->type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
                         .rtm_type = r->type};
    nl_begin(m, type, flags, &body, sizeof(body));
    nl_attr(m, RTA_DST, r->to.ip, ip_len(r->to.family));
    nl_attr_u32(m, RTA_TABLE, r->table);
    if (r->metric != 0) {
        nl_attr_u32(m, RTA_PRIORITY, r->metric);
    }
    if (r->oif != 0) {
        nl_attr_u32(m, RTA_OIF, r->oif);
    }
    attr_ip(m, RTA_GATEWAY, &r->gateway);
    attr_ip(m, RTA_PREFSRC, &r->source);
    if (r->mtu != 0) {
        size_t nest = nl_nest(m, RTA_METRICS);
        nl_attr_u32(m, RTAX_MTU, r->mtu);
        nl_nest_end(m, nest);
    }
}

int rt_route_set(struct nl_sock *s, const struct rt_route *r)
{
    struct nl_msg m;
    route_message(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
    return nl_call(s, &m, NULL, NULL);
}

int rt_route_new(struct nl_sock *s, const struct rt_route *r)
{
    struct nl_msg m;
    route_message(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, r);
    return nl_call(s, &m, NULL, NULL);
}

int rt_route_del(struct nl_sock *s, const struct rt_route *r)
{
    struct nl_msg m;
    route_message(&m, RTM_DELROUTE, 0, r);
    return ignore(ignore(nl_call(s, &m, NULL, NULL), ESRCH), ENODEV);
}

/* ---- Rules ---------------------------------------------------------------------------------------------------------------- */

static void rule_message(struct nl_msg *m, uint16_t type, uint16_t flags, const struct rt_rule *r)
{
    struct fib_rule_hdr body = {.family = af_of(r->family),
                                .action = FR_ACT_TO_TBL,
                                .table = RT_TABLE_UNSPEC,
                                .flags = r->not_mark != 0 ? FIB_RULE_INVERT : 0};
    nl_begin(m, type, flags, &body, sizeof(body));
    nl_attr_u32(m, FRA_PRIORITY, r->priority);
    nl_attr_u32(m, FRA_TABLE, r->table);
    if (r->not_mark != 0) {
        nl_attr_u32(m, FRA_FWMARK, r->not_mark);
        nl_attr_u32(m, FRA_FWMASK, UINT32_MAX);
    }
    if (r->suppress_default) {
        nl_attr_u32(m, FRA_SUPPRESS_PREFIXLEN, 0);
    }
}

int rt_rule_new(struct nl_sock *s, const struct rt_rule *r)
{
    struct nl_msg m;
    rule_message(&m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r);
    return nl_call(s, &m, NULL, NULL);
}

int rt_rule_set(struct nl_sock *s, const struct rt_rule *r) { return ignore(rt_rule_new(s, r), EEXIST); }

int rt_rule_del(struct nl_sock *s, const struct rt_rule *r)
{
    struct nl_msg m;
    rule_message(&m, RTM_DELRULE, 0, r);
    return ignore(nl_call(s, &m, NULL, NULL), ENOENT);
}

/* ---- Looking -------------------------------------------------------------------------------------------------------------- */

static int read_route(void *arg, const struct nlmsghdr *h)
{
    struct rt_path *out = arg;
    const struct rtmsg *body = NLMSG_DATA(h);
    if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < NLMSG_LENGTH(sizeof(*body))) {
        return 0;
    }
    if (body->rtm_type != RTN_UNICAST && body->rtm_type != RTN_LOCAL) {
        return -ENETUNREACH;
    }
    const struct nlattr *tb[RTA_METRICS + 1];
    nl_attrs(h, sizeof(*body), tb, RTA_METRICS);
    uint8_t family = body->rtm_family == AF_INET ? 4 : 6;
    if (tb[RTA_OIF] != NULL && nl_len(tb[RTA_OIF]) == 4) {
        memcpy(&out->oif, nl_data(tb[RTA_OIF]), 4);
    }
    read_ip(tb[RTA_GATEWAY], family, &out->gateway);
    read_ip(tb[RTA_PREFSRC], family, &out->source);
    return 0;
}

static int read_mtu(void *arg, const struct nlmsghdr *h)
{
    const struct nlattr *tb[IFLA_MTU + 1];
    nl_attrs(h, sizeof(struct ifinfomsg), tb, IFLA_MTU);
    if (h->nlmsg_type == RTM_NEWLINK && tb[IFLA_MTU] != NULL && nl_len(tb[IFLA_MTU]) == 4) {
        memcpy(arg, nl_data(tb[IFLA_MTU]), 4);
    }
    return 0;
}

int rt_lookup(struct nl_sock *s, const ike_addr *to, uint32_t mark, struct rt_path *out)
{
    struct nl_msg m;
    struct rtmsg body = {.rtm_family = af_of(to->family), .rtm_dst_len = (uint8_t)(8 * ip_len(to->family))};
    *out = (struct rt_path){0};
    nl_begin(&m, RTM_GETROUTE, 0, &body, sizeof(body));
    attr_ip(&m, RTA_DST, to);
    if (mark != 0) {
        nl_attr_u32(&m, RTA_MARK, mark);
    }
    if (to->scope != 0) {
        nl_attr_u32(&m, RTA_OIF, to->scope);
    }
    int error = nl_call(s, &m, read_route, out);
    if (error != 0 || out->oif == 0) {
        return error != 0 ? error : -ENETUNREACH;
    }
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)out->oif};
    nl_begin(&m, RTM_GETLINK, 0, &link, sizeof(link));
    return nl_call(s, &m, read_mtu, &out->mtu);
}

int rt_link_set(struct nl_sock *s, uint32_t ifindex, bool up, uint32_t mtu)
{
    struct nl_msg m;
    struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex, .ifi_change = IFF_UP};
    body.ifi_flags = up ? IFF_UP : 0;
    nl_begin(&m, RTM_NEWLINK, 0, &body, sizeof(body));
    if (mtu != 0) {
        nl_attr_u32(&m, IFLA_MTU, mtu);
    }
    return nl_call(s, &m, NULL, NULL);
}

int rt_address(struct nl_sock *s, const ike_addr *a, bool there)
{
    struct nl_msg m;
    struct ifaddrmsg body = {.ifa_family = af_of(a->family),
                             .ifa_prefixlen = (uint8_t)(8 * ip_len(a->family)),
                             .ifa_flags = IFA_F_NODAD,
                             .ifa_scope = RT_SCOPE_UNIVERSE,
                             .ifa_index = if_nametoindex("lo")};
    nl_begin(&m, there ? RTM_NEWADDR : RTM_DELADDR, there ? NLM_F_CREATE | NLM_F_EXCL : 0, &body, sizeof(body));
    attr_ip(&m, IFA_LOCAL, a);
    attr_ip(&m, IFA_ADDRESS, a);
    int error = nl_call(s, &m, NULL, NULL);
    return there ? error : ignore(error, EADDRNOTAVAIL);
}

struct address_search {
    rt_accept_fn *accept;
    void *arg;
    ike_addr *out;
    bool found;
};

static int read_address(void *arg, const struct nlmsghdr *h)
{
    struct address_search *search = arg;
    const struct ifaddrmsg *body = NLMSG_DATA(h);
    if (search->found || h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) ||
        body->ifa_scope == RT_SCOPE_HOST || (body->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0) {
        return 0;
    }
    const struct nlattr *tb[IFA_LOCAL + 1];
    nl_attrs(h, sizeof(*body), tb, IFA_LOCAL);
    ike_addr a;
    /* On point-to-point links IFA_ADDRESS is the other end; IPv6 has no IFA_LOCAL elsewhere. */
    read_ip(tb[IFA_LOCAL] != NULL ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], body->ifa_family == AF_INET ? 4 : 6, &a);
    if (a.family != 0 && search->accept(search->arg, &a, body->ifa_prefixlen)) {
        *search->out = a;
        search->found = true;
    }
    return 0;
}

int rt_find_address(struct nl_sock *s, uint8_t family, rt_accept_fn *accept, void *arg, ike_addr *out)
{
    struct nl_msg m;
    struct ifaddrmsg body = {.ifa_family = af_of(family)};
    struct address_search search = {accept, arg, out, false};
    nl_begin(&m, RTM_GETADDR, NLM_F_DUMP, &body, sizeof(body));
    int error = nl_call(s, &m, read_address, &search);
    return error != 0 ? error : search.found ? 0 : -ENOENT;
}
