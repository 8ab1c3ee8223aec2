/* SPDX-License-Identifier: ISC
 *
 * xfrm_event.c - what the kernel says of its own accord: a packet waits for an SA, a limit is reached, a peer has moved, somebody
 * else took something out (xfrm_lost.c).
 */
#include "app/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool has_body(const struct nlmsghdr *h, size_t n) { return h->nlmsg_len >= NLMSG_LENGTH(n); }

/* ---- Acquire -------------------------------------------------------------------------------------------------------------- */

/* A policy whose SA has gone: its reqid still tells the child. */
static const struct xfrm_sa *find_reqid(const struct xfrm_app *x, uint32_t reqid)
{
    for (size_t i = 0; i < x->sas.n_slots; i++) {
        for (struct table_node *n = x->sas.slots[i]; n != NULL; n = n->next) {
            const struct xfrm_sa *sa = TABLE_OF(n, struct xfrm_sa, node);
            if (sa->template.reqid == reqid) {
                return sa;
            }
        }
    }
    return NULL;
}

static void on_acquire(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_user_acquire *a = NLMSG_DATA(h);
    const struct nlattr *tb[XFRMA_TMPL + 1];
    if (!has_body(h, sizeof(*a))) {
        return;
    }
    nl_attrs(h, sizeof(*a), tb, XFRMA_TMPL);
    if (tb[XFRMA_TMPL] == NULL || nl_len(tb[XFRMA_TMPL]) < sizeof(struct xfrm_user_tmpl)) {
        return;
    }
    struct xfrm_user_tmpl tmpl;
    memcpy(&tmpl, nl_data(tb[XFRMA_TMPL]), sizeof(tmpl));
    struct xfrm_trap *trap = xfrm_find_trap(x, tmpl.reqid);
    const struct xfrm_sa *sa = trap == NULL ? find_reqid(x, tmpl.reqid) : NULL;
    if (trap == NULL && (sa == NULL || xfrm_outbound_lost(x, tmpl.reqid))) {
        return; /* another program's policy, or the child is to be made anew */
    }
    ike_conn_id conn = trap != NULL ? trap->conn : sa->conn;
    const char *child = trap != NULL ? trap->child_name : sa->child_name;
    ike_ts local, remote;
    xfrm_selector_to_ts(&a->sel, &local, &remote);
    x->acquires++;
    if (trap != NULL) {
        trap->acquire_seq = a->seq;
    }
    struct ikelibd *d = x->app.d;
    int error = ike_acquire(d->engine, conn, child, &local, &remote, loop_now(d->loop));
    daemon_log(d, IKE_LOG_DEBUG, "a packet asks for child %s%s%s", child, error == IKE_OK ? "" : ": ",
               error == IKE_OK ? "" : ike_strerror(error));
}

/* While an acquire waits the kernel drops the trap's packets and does not ask again, 30 seconds long
 * (net.core.xfrm_acq_expires), even if the attempt has failed or other SAs carry the traffic by now. What it waits with has no
 * SPI to delete it by: it is given one first. */
void xfrm_forget_acquire(struct xfrm_app *x, struct xfrm_trap *t)
{
    if (t->acquire_seq == 0) {
        return;
    }
    struct nl_msg m;
    ike_path path = {.local = t->template.remote, .remote = t->template.local}; /* outbound: it ends at the peer */
    struct xfrm_sa_name name = {
        .destination = t->template.remote, .protocol = IKE_PROTO_ESP, .mark = t->mark, .if_id = t->if_id};
    xfrm_encode_allocspi(&m, &path, IKE_PROTO_ESP, t->template.reqid); /* what a trap asks for */
    struct xfrm_userspi_info *body = nl_body(&m);
    body->info.seq = t->acquire_seq;
    body->info.mode = t->template.mode == IKE_MODE_TRANSPORT ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
    t->acquire_seq = 0;
    if (nl_call(&x->nl, &m, xfrm_take_spi, &name.spi) == 0 && name.spi != 0) {
        (void)xfrm_delete_sa(x, &name);
    }
}

void xfrm_settled(struct app *a, ike_conn_id conn)
{
    struct xfrm_app *x = (struct xfrm_app *)(void *)a;
    for (struct table_node *n = table_chain(&x->traps, conn_rt_hash(conn)); n != NULL; n = n->next) {
        struct xfrm_trap *t = TABLE_OF(n, struct xfrm_trap, by_conn);
        if (t->conn == conn) {
            xfrm_forget_acquire(x, t);
        }
    }
}

/* ---- Expire and mapping --------------------------------------------------------------------------------------------------- */

static void on_expire(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_user_expire *e = NLMSG_DATA(h);
    if (!has_body(h, sizeof(*e))) {
        return;
    }
    ike_addr destination;
    xfrm_get_address(&destination, &e->state.id.daddr, e->state.family);
    struct xfrm_sa *sa = xfrm_find(x, ntohl(e->state.id.spi), &destination, e->state.id.proto);
    if (sa == NULL) {
        return; /* a reserved SPI that nobody came for, or another program's */
    }
    x->expires++;
    sa->lost = sa->told = sa->lost || e->hard != 0;
    char text[96];
    xfrm_name_format(&sa->name, text, sizeof(text));
    daemon_log(x->app.d, IKE_LOG_INFO, "%s limit of %s reached", e->hard != 0 ? "hard" : "soft", text);
    (void)ike_child_expire(x->app.d->engine, sa->child, e->hard != 0, loop_now(x->app.d->loop));
}

static void on_mapping(struct xfrm_app *x, const struct nlmsghdr *h)
{
    const struct xfrm_user_mapping *map = NLMSG_DATA(h);
    if (!has_body(h, sizeof(*map))) {
        return;
    }
    ike_addr destination, remote;
    xfrm_get_address(&destination, &map->id.daddr, map->id.family);
    struct xfrm_sa *sa = xfrm_find(x, ntohl(map->id.spi), &destination, map->id.proto);
    if (sa == NULL) {
        return;
    }
    x->mappings++;
    xfrm_get_address(&remote, &map->new_saddr, map->id.family);
    remote.port = ntohs(map->new_sport);
    (void)ike_peer_moved(x->app.d->engine, sa->child, &remote, loop_now(x->app.d->loop));
}

/* ---- The socket ----------------------------------------------------------------------------------------------------------- */

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
    case XFRM_MSG_DELPOLICY:
    case XFRM_MSG_FLUSHPOLICY:
        xfrm_on_policy_deleted(x, h);
        break;
    case XFRM_MSG_DELSA:
    case XFRM_MSG_FLUSHSA:
        xfrm_on_sa_deleted(x, h);
        break;
    default:
        break;
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct xfrm_app *x = arg;
    (void)events;
    if (nl_events(x->events, take, x) == -ENOBUFS) {
        /* A missed acquire comes again; what a missed expiry or deletion took is not in the kernel any more. */
        x->overruns++;
        x->policies_gone = x->sas_gone = true;
        daemon_log(x->app.d, IKE_LOG_WARN, "the kernel dropped IPsec events; comparing policies and SAs");
    }
    xfrm_make_good(x);
}

int xfrm_events_open(struct xfrm_app *x)
{
    static const int groups[] = {XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING, XFRMNLGRP_POLICY, XFRMNLGRP_SA};
    x->events = nl_listen(NETLINK_XFRM, groups, sizeof(groups) / sizeof(groups[0]));
    return x->events < 0 ? x->events : loop_fd_add(x->app.d->loop, x->events, EPOLLIN, on_readable, x);
}

void xfrm_events_close(struct xfrm_app *x)
{
    if (x->events >= 0) {
        loop_fd_del(x->app.d->loop, x->events);
        close(x->events);
        x->events = -1;
    }
}
