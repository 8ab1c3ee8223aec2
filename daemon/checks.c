/* SPDX-License-Identifier: ISC
 *
 * checks.c - what would keep a tunnel from working on this host although IKE succeeds: said when the connection is loaded.
 */
#include "app/app.h"
#include "app/routes.h"
#include "daemon.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* The first character of a sysctl; 0 if it cannot be read. */
static char sysctl_value(const char *path)
{
    FILE *f = fopen(path, "re");
    int c = f != NULL ? fgetc(f) : EOF;
    if (f != NULL) {
        fclose(f);
    }
    return c == EOF ? 0 : (char)c;
}

/* More than one address: a network, so somebody else than this host is meant too. */
static bool is_network(const ike_ts *ts) { return memcmp(ts->lo, ts->hi, ts->family == 4 ? 4 : 16) != 0; }

static void check_forwarding(struct ikelibd *d, const ike_conn_settings *s, const ike_child_settings *c)
{
    static const struct {
        uint8_t family;
        const char *path, *name;
    } switches[] = {{4, "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward"},
                    {6, "/proc/sys/net/ipv6/conf/all/forwarding", "net.ipv6.conf.all.forwarding"}};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < c->n_local_ts; i++) {
            const ike_ts *ts = &c->local_ts[i];
            if (ts->family != switches[k].family || !is_network(ts) || sysctl_value(switches[k].path) != '0') {
                continue;
            }
            char text[128];
            ike_ts_format(ts, text, sizeof(text));
            daemon_log(d, IKE_LOG_WARN,
                       "%s: forwarding is off (%s = 0): only this host's own packets can use the tunnel, not those of other "
                       "hosts in %s; "
                       "sysctl -w %s=1 turns it on",
                       s->name, switches[k].name, text, switches[k].name);
            break;
        }
    }
}

/* The filter of one interface, or of all: "0" off, "1" strict, "2" loose. */
static char path_filter(const char *interface)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
    return sysctl_value(path);
}

/* On the interface that leads to the peer; the kernel takes the greater of its value and that of all. */
static bool filters_strictly(const ike_addr *peer)
{
    struct nl_sock nl;
    struct rt_path way;
    char name[IF_NAMESIZE], value = path_filter("all");
    if (peer->family != 0 && nl_open(&nl, NETLINK_ROUTE) == 0) {
        if (rt_lookup(&nl, peer, ROUTES_MARK, &way) == 0 && if_indextoname(way.oif, name) != NULL && path_filter(name) > value) {
            value = path_filter(name);
        }
        nl_close(&nl);
    }
    return value == '1';
}

/* Where the tunnel's far end is the peer's own address, the way to it leads into the TUN for all but our marked packets. A strict
 * reverse path filter does not see marks and takes the peer's answers for forged. */
static void check_reverse_path(struct ikelibd *d, const ike_conn_settings *s, const ike_child_settings *c)
{
    bool itself = c->n_remote_ts == 0;
    for (size_t i = 0; i < c->n_remote_ts; i++) {
        const ike_ts *ts = &c->remote_ts[i];
        itself = itself || (ts->family == 4 && s->remote.family == 4 && !is_network(ts) && memcmp(ts->lo, s->remote.ip, 4) == 0);
    }
    if (itself && filters_strictly(&s->remote)) {
        daemon_log(
            d, IKE_LOG_WARN,
            "%s: child %s: the strict reverse path filter will drop what the peer sends; sysctl -w net.ipv4.conf.all.rp_filter=2",
            s->name, c->name);
    }
}

/* Quick Mode names one network of each side. A peer may come for any two of them; what begins here is for the first. */
static void check_pair(struct ikelibd *d, const ike_conn_settings *s, const ike_child_settings *c)
{
    char local[128], remote[128];
    if (s->version != IKE_SPEAKS_V1 || c->start != IKE_START_YES || (c->n_local_ts < 2 && c->n_remote_ts < 2)) {
        return;
    }
    snprintf(local, sizeof(local), "our address");
    snprintf(remote, sizeof(remote), "the peer's address");
    if (c->n_local_ts > 0) {
        ike_ts_format(&c->local_ts[0], local, sizeof(local));
    }
    if (c->n_remote_ts > 0) {
        ike_ts_format(&c->remote_ts[0], remote, sizeof(remote));
    }
    daemon_log(d, IKE_LOG_WARN,
               "%s: child %s: IKEv1 has one network of each side to a child: what starts here joins %s and %s only; write a "
               "[child] for each pair",
               s->name, c->name, local, remote);
}

void daemon_check_host(struct ikelibd *d, const ike_conn_settings *s)
{
    for (size_t i = 0; i < s->n_children; i++) {
        const ike_child_settings *c = &s->children[i];
        if (c->mode == IKE_MODE_TUNNEL) {
            check_forwarding(d, s, c);
        }
        check_pair(d, s, c);
        char why[192];
        if (d->app != NULL && d->app->ops->lacks != NULL && d->app->ops->lacks(s, c, why, sizeof(why))) {
            daemon_log(d, IKE_LOG_ERROR, "%s: child %s asks for what cannot be carried: %s", s->name, c->name, why);
        }
        if (d->app == NULL || d->app->ops != &app_userspace) {
            continue;
        }
        if (c->mode == IKE_MODE_TUNNEL) {
            check_reverse_path(d, s, c);
        } else if (!c->mode_fallback) {
            daemon_log(d, IKE_LOG_ERROR,
                       "%s: child %s wants transport mode, which user-space ESP cannot carry (backend = xfrm can)", s->name,
                       c->name);
        }
    }
}
