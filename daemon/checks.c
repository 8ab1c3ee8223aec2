/* SPDX-License-Identifier: ISC
 *
 * checks.c - what would keep a tunnel from working on this host although IKE succeeds: said when the connection is loaded.
 */
#include "app/app.h"
#include "daemon.h"

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
                       "%s: forwarding is off (%s = 0): only this host's own packets can use the tunnel, not those of other hosts in %s; "
                       "sysctl -w %s=1 turns it on",
                       s->name, switches[k].name, text, switches[k].name);
            break;
        }
    }
}

void daemon_check_host(struct ikelibd *d, const ike_conn_settings *s)
{
    for (size_t i = 0; i < s->n_children; i++) {
        const ike_child_settings *c = &s->children[i];
        if (c->mode == IKE_MODE_TUNNEL) {
            check_forwarding(d, s, c);
        } else if (d->app != NULL && d->app->ops == &app_userspace && !c->mode_fallback) {
            daemon_log(d, IKE_LOG_ERROR, "%s: child %s wants transport mode, which user-space ESP cannot carry (backend = xfrm can)", s->name,
                       c->name);
        }
    }
}
