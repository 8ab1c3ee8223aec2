/* SPDX-License-Identifier: ISC
 *
 * xfrm_nl.c - the way to the kernel's SAs and policies by netlink.
 */
#include "app/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

static int take_spi(void *arg, const struct nlmsghdr *h)
{
    const struct xfrm_usersa_info *info = NLMSG_DATA(h);
    if (h->nlmsg_type == XFRM_MSG_NEWSA && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*info))) {
        *(uint32_t *)arg = ntohl(info->id.spi);
    }
    return 0;
}

static int get_spi(struct xfrm_app *x, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    struct nl_msg m;
    xfrm_encode_allocspi(&m, path, protocol, reqid);
    return nl_call(&x->nl, &m, take_spi, spi);
}

static int set_sa(struct xfrm_app *x, const ike_ipsec_sa *sa, bool update)
{
    struct nl_msg m;
    int error = xfrm_encode_sa(&m, update ? XFRM_MSG_UPDSA : XFRM_MSG_NEWSA, sa);
    return error != 0 ? error : nl_call(&x->nl, &m, NULL, NULL);
}

static int unset_sa(struct xfrm_app *x, const struct xfrm_sa_name *name)
{
    struct nl_msg m;
    xfrm_encode_sa_name(&m, XFRM_MSG_DELSA, name);
    return nl_call(&x->nl, &m, NULL, NULL);
}

static int take_usage(void *arg, const struct nlmsghdr *h)
{
    ike_usage *out = arg;
    const struct xfrm_usersa_info *info = NLMSG_DATA(h);
    if (h->nlmsg_type == XFRM_MSG_NEWSA && h->nlmsg_len >= NLMSG_LENGTH(sizeof(*info))) {
        out->bytes = info->curlft.bytes;
        out->packets = info->curlft.packets;
    }
    return 0;
}

static int get_sa(struct xfrm_app *x, const struct xfrm_sa_name *name, ike_usage *out)
{
    struct nl_msg m;
    xfrm_encode_sa_name(&m, XFRM_MSG_GETSA, name);
    return nl_call(&x->nl, &m, take_usage, out);
}

static int set_policy(struct xfrm_app *x, const struct spd_key *key, const struct spd_template *t, bool update)
{
    struct nl_msg m;
    xfrm_encode_policy(&m, update ? XFRM_MSG_UPDPOLICY : XFRM_MSG_NEWPOLICY, key, t);
    return nl_call(&x->nl, &m, NULL, NULL);
}

static int unset_policy(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    struct nl_msg m;
    xfrm_encode_policy_name(&m, id, mark, if_id);
    return nl_call(&x->nl, &m, NULL, NULL);
}

/* What the kernel waits with has no SPI to delete it by: it is given one first. */
static void end_acquire(struct xfrm_app *x, struct xfrm_trap *t)
{
    struct nl_msg m;
    ike_path path = {.local = t->template.remote, .remote = t->template.local}; /* outbound: it ends at the peer */
    struct xfrm_sa_name name = {.destination = t->template.remote, .protocol = IKE_PROTO_ESP, .mark = t->mark, .if_id = t->if_id};
    xfrm_encode_allocspi(&m, &path, IKE_PROTO_ESP, t->template.reqid); /* what a trap asks for */
    struct xfrm_userspi_info *body = nl_body(&m);
    body->info.seq = t->acquire_seq;
    body->info.mode = t->template.mode == IKE_MODE_TRANSPORT ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
    if (nl_call(&x->nl, &m, take_spi, &name.spi) == 0 && name.spi != 0) {
        (void)unset_sa(x, &name);
    }
}

static int bypass(int fd, uint8_t family, uint8_t dir)
{
    struct xfrm_userpolicy_info policy = {
        .action = XFRM_POLICY_ALLOW, .dir = dir, .sel.family = family == 4 ? AF_INET : AF_INET6};
    int level = family == 4 ? IPPROTO_IP : IPPROTO_IPV6, option = family == 4 ? IP_XFRM_POLICY : IPV6_XFRM_POLICY;
    return setsockopt(fd, level, option, &policy, sizeof(policy)) < 0 ? -errno : 0;
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

static bool has_body(const struct nlmsghdr *h, size_t n) { return h->nlmsg_len >= NLMSG_LENGTH(n); }

static void on_acquire(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_user_acquire *body = NLMSG_DATA(h);
    const struct nlattr *tb[XFRMA_TMPL + 1];
    if (!has_body(h, sizeof(*body))) {
        return;
    }
    nl_attrs(h, sizeof(*body), tb, XFRMA_TMPL);
    if (tb[XFRMA_TMPL] == NULL || nl_len(tb[XFRMA_TMPL]) < sizeof(struct xfrm_user_tmpl)) {
        return;
    }
    struct xfrm_user_tmpl tmpl;
    memcpy(&tmpl, nl_data(tb[XFRMA_TMPL]), sizeof(tmpl));
    struct xfrm_acquire a = {.reqid = tmpl.reqid, .seq = body->seq};
    xfrm_selector_to_ts(&body->sel, &a.local, &a.remote);
    xfrm_on_acquire(x, &a);
}

static void on_expire(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_user_expire *e = NLMSG_DATA(h);
    if (!has_body(h, sizeof(*e))) {
        return;
    }
    ike_addr destination;
    xfrm_get_address(&destination, &e->state.id.daddr, e->state.family);
    struct xfrm_sa *sa = xfrm_find(x, ntohl(e->state.id.spi), &destination, e->state.id.proto);
    if (sa != NULL) { /* else a reserved SPI that nobody came for, or another program's */
        xfrm_on_expire(x, sa, e->hard != 0);
    }
}

static void on_mapping(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_user_mapping *map = NLMSG_DATA(h);
    if (!has_body(h, sizeof(*map))) {
        return;
    }
    ike_addr destination, remote;
    xfrm_get_address(&destination, &map->id.daddr, map->id.family);
    xfrm_get_address(&remote, &map->new_saddr, map->id.family);
    remote.port = ntohs(map->new_sport);
    const struct xfrm_sa *sa = xfrm_find(x, ntohl(map->id.spi), &destination, map->id.proto);
    if (sa != NULL) {
        xfrm_on_mapping(x, sa, &remote);
    }
}

static void on_policy_deleted(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_userpolicy_id *body = NLMSG_DATA(h);
    const struct nlattr *tb[XFRMA_IF_ID + 1];
    if (!has_body(h, sizeof(*body))) {
        return;
    }
    struct xfrm_userpolicy_id id;
    struct xfrm_mark mark = {.v = 0};
    uint32_t if_id = 0;
    memset(&id, 0, sizeof(id));
    id.dir = body->dir;
    id.sel = body->sel;
    nl_attrs(h, sizeof(*body), tb, XFRMA_IF_ID);
    if (tb[XFRMA_POLICY] != NULL && nl_len(tb[XFRMA_POLICY]) >= sizeof(struct xfrm_userpolicy_info)) {
        /* Deleted by its index: the selector is only here. */
        memcpy(&id.sel, nl_data(tb[XFRMA_POLICY]), sizeof(id.sel));
    }
    if (tb[XFRMA_MARK] != NULL && nl_len(tb[XFRMA_MARK]) >= sizeof(mark)) {
        memcpy(&mark, nl_data(tb[XFRMA_MARK]), sizeof(mark));
    }
    if (tb[XFRMA_IF_ID] != NULL && nl_len(tb[XFRMA_IF_ID]) >= sizeof(if_id)) {
        memcpy(&if_id, nl_data(tb[XFRMA_IF_ID]), sizeof(if_id));
    }
    xfrm_on_policy_deleted(x, &id, mark.v, if_id);
}

static void on_sa_deleted(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_usersa_id *id = NLMSG_DATA(h);
    ike_addr destination;
    if (has_body(h, sizeof(*id))) {
        xfrm_get_address(&destination, &id->daddr, id->family);
        xfrm_on_sa_deleted(x, ntohl(id->spi), &destination, id->proto);
    }
}

/* What somebody took out. What we do ourselves is told, too. */
static void on_deleted(struct xfrm_app *x, const struct nlmsghdr *h)
{
    if (h->nlmsg_pid == x->nl.port) {
        return;
    }
    switch (h->nlmsg_type) {
    case XFRM_MSG_DELPOLICY:
        on_policy_deleted(x, h);
        break;
    case XFRM_MSG_FLUSHPOLICY:
        x->policies_gone = true;
        break;
    case XFRM_MSG_DELSA:
        on_sa_deleted(x, h);
        break;
    case XFRM_MSG_FLUSHSA:
        x->sas_gone = true;
        break;
    default:
        break;
    }
}

static void take(void *arg, const struct nlmsghdr *h)
{
    struct xfrm_app *x = arg;
    switch (h->nlmsg_type) {
    case XFRM_MSG_ACQUIRE:
        on_acquire(x, h);
        break;
    case XFRM_MSG_EXPIRE:
        on_expire(x, h);
        break;
    case XFRM_MSG_MAPPING:
        on_mapping(x, h);
        break;
    default:
        on_deleted(x, h);
        break;
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct xfrm_app *x = arg;
    (void)events;
    if (nl_events(x->events, take, x) == -ENOBUFS) {
        xfrm_on_overrun(x);
    }
    xfrm_make_good(x);
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

static int open_netlink(struct xfrm_app *x)
{
    x->why = x->nl.why;
    x->events = -1;
    return nl_open(&x->nl, NETLINK_XFRM);
}

static void close_netlink(struct xfrm_app *x) { nl_close(&x->nl); }

static int listen_netlink(struct xfrm_app *x)
{
    static const int groups[] = {XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING, XFRMNLGRP_POLICY, XFRMNLGRP_SA};
    x->events = nl_listen(NETLINK_XFRM, groups, sizeof(groups) / sizeof(groups[0]));
    return x->events < 0 ? x->events : loop_fd_add(x->app.d->loop, x->events, EPOLLIN, on_readable, x);
}

static void unlisten_netlink(struct xfrm_app *x)
{
    if (x->events >= 0) {
        loop_fd_del(x->app.d->loop, x->events);
        close(x->events);
    }
}

const struct xfrm_way xfrm_netlink = {
    .open = open_netlink,
    .close = close_netlink,
    .listen = listen_netlink,
    .unlisten = unlisten_netlink,
    .warn_foreign = xfrm_warn_foreign,
    .bypass = bypass,
    .get_spi = get_spi,
    .set_sa = set_sa,
    .unset_sa = unset_sa,
    .get_sa = get_sa,
    .move_sa = xfrm_move_sa,
    .set_policy = set_policy,
    .unset_policy = unset_policy,
    .end_acquire = end_acquire,
    .first_trap = 0x40000000,
    .traps = 0x40000000,
};
