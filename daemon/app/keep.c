/* SPDX-License-Identifier: ISC
 *
 * keep.c - our routes and rules are put back when somebody takes them out, and follow the way to the peer.
 *
 * A link that goes down takes the routes over it along, of IPv4 without a word; one that comes up brings none back. So whatever
 * others change in links, addresses, routes and rules makes us look, a moment later and at everything of ours: asking the kernel
 * to make each of them anew tells which one is missing.
 */
#include "app/routes.h"

#include "daemon.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DELAY        (50 * IKE_SEC / 1000) /* changes come in bursts */
#define SHARE        10                    /* looking takes at most this fraction of the time */
#define RETRY        (10 * IKE_SEC)        /* while something cannot be set */
#define CALLS_A_TURN 256

struct keep {
    struct ikelibd *d;
    struct routes *routes;
    int fd;
    struct loop_timer timer;
    struct tunnel *tunnels, *next; /* next: where a look under way goes on */
    bool looking, again, stuck;    /* stuck: something is missing, and that has been said */
    ike_time not_before, spent;
    struct routes_found found;
};

static void at(struct keep *k, ike_time due)
{
    if (k->looking) {
        k->again = true;
    } else if (!loop_timer_is_set(&k->timer) || k->timer.due > due) {
        loop_timer_set(k->d->loop, &k->timer, due);
    }
}

static void soon(struct keep *k)
{
    ike_time due = loop_now(k->d->loop) + DELAY;
    at(k, due > k->not_before ? due : k->not_before);
}

void keep_retry(struct keep *k)
{
    k->stuck = true;
    at(k, loop_now(k->d->loop) + RETRY);
}

/* ---- Looking -------------------------------------------------------------------------------------------------------------- */

static void report(struct keep *k)
{
    const struct routes_found *f = &k->found;
    if (f->back > 0) {
        daemon_log(k->d, IKE_LOG_WARN, "routes or rules of ours were missing, and are put back: %s", f->names);
    }
    if (f->changed > 0) {
        daemon_log(k->d, IKE_LOG_INFO, "the way to a peer has changed; these routes follow: %s", f->changed_names);
    }
    if (f->failed > 0 && !k->stuck) {
        daemon_log(k->d, IKE_LOG_WARN, "routes or rules of ours are missing, and cannot be put back yet (%s): %s",
                   strerror(-f->error), f->failed_names);
    }
    k->stuck = f->failed > 0;
}

/* One slice of a look. The pauses between two of them are in proportion to what it costs. */
static void look(void *arg)
{
    struct keep *k = arg;
    struct loop *l = k->d->loop;
    ike_time began = loop_refresh(l);
    if (!k->looking) {
        k->looking = true;
        k->again = false;
        k->spent = 0;
        k->next = k->tunnels;
        k->found = (struct routes_found){0};
        routes_check_rules(k->routes, &k->found);
    }
    for (unsigned from = k->found.asked; k->next != NULL && k->found.asked - from < CALLS_A_TURN;) {
        struct tunnel *t = k->next;
        k->next = t->next;
        behind_check(k->routes, t, &k->found);
    }
    ike_time now = loop_refresh(l);
    k->spent += now - began;
    if (k->next != NULL) {
        loop_timer_set(l, &k->timer, now + SHARE * (now - began));
        return;
    }
    k->looking = false;
    k->not_before = now + SHARE * k->spent;
    report(k);
    if (k->again) {
        soon(k);
    } else if (k->stuck) {
        at(k, now + RETRY);
    }
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

static void on_change(void *arg, const struct nlmsghdr *h)
{
    struct keep *k = arg;
    if (h->nlmsg_pid != routes_netlink(k->routes)->port) {
        soon(k);
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct keep *k = arg;
    (void)events;
    if (nl_events(k->fd, on_change, k) == -ENOBUFS) {
        soon(k);
    }
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

void keep_tunnel(struct keep *k, struct tunnel *t)
{
    t->next = k->tunnels;
    t->prev = &k->tunnels;
    if (t->next != NULL) {
        t->next->prev = &t->next;
    }
    k->tunnels = t;
}

void keep_forget(struct keep *k, struct tunnel *t)
{
    k->next = k->next == t ? t->next : k->next;
    *t->prev = t->next;
    if (t->next != NULL) {
        t->next->prev = t->prev;
    }
}

struct keep *keep_new(struct ikelibd *d, struct routes *r)
{
    static const int groups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                 RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE};
    struct keep *k = calloc(1, sizeof(*k));
    if (k == NULL) {
        return NULL;
    }
    *k = (struct keep){.d = d, .routes = r};
    loop_timer_init(&k->timer, look, k);
    k->fd = nl_listen(NETLINK_ROUTE, groups, sizeof(groups) / sizeof(groups[0]));
    int error = k->fd < 0 ? k->fd : loop_fd_add(d->loop, k->fd, EPOLLIN, on_readable, k);
    if (error != 0) {
        daemon_log(d, IKE_LOG_ERROR, "no routing events from the kernel: %s", strerror(-error));
        if (k->fd >= 0) {
            close(k->fd);
        }
        free(k);
        return NULL;
    }
    return k;
}

void keep_free(struct keep *k)
{
    loop_timer_cancel(&k->timer);
    loop_fd_del(k->d->loop, k->fd);
    close(k->fd);
    free(k);
}
