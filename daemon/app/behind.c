/* SPDX-License-Identifier: ISC
 *
 * behind.c - the routes of one tunnel: what lies behind the peer, and what must not be taken for it.
 */
#include "app/routes.h"
#include "daemon.h"

#include <stdlib.h>
#include <string.h>

#define NETS_MAX       64
#define EXCEPTIONS_MAX 64

struct build {
    struct routes *routes;
    const struct behind_spec *spec;
    struct prefix nets[NETS_MAX], exceptions[EXCEPTIONS_MAX];
    size_t n_nets, n_exceptions;
};

static bool already(const struct prefix *list, size_t n, const struct prefix *p)
{
    for (size_t i = 0; i < n; i++) {
        if (prefix_equal(&list[i], p)) {
            return true;
        }
    }
    return false;
}

static void collect_nets(struct build *b)
{
    for (size_t i = 0; i < b->spec->n_remote_ts; i++) {
        const ike_ts *ts = &b->spec->remote_ts[i];
        struct prefix list[NETS_MAX];
        size_t n = prefixes_of_range(ts->family, ts->lo, ts->hi, list, NETS_MAX);
        for (size_t k = 0; k < n; k++) {
            if (b->n_nets < NETS_MAX && !already(b->nets, b->n_nets, &list[k])) {
                b->nets[b->n_nets++] = list[k];
            }
        }
    }
}

/* Inside one of our networks and narrower than it. Defaults need no exceptions: the rules let every other route of `main` go
 * first. */
static void except_if_inside(struct build *b, const struct prefix *p, bool under_default)
{
    ike_addr a = {.family = p->family};
    memcpy(a.ip, p->ip, sizeof(a.ip));
    for (size_t i = 0; i < b->n_nets; i++) {
        const struct prefix *net = &b->nets[i];
        if ((net->bits > 0 || under_default) && net->bits <= p->bits && prefix_contains(net, &a) && !prefix_equal(net, p)) {
            if (b->n_exceptions < EXCEPTIONS_MAX && !already(b->exceptions, b->n_exceptions, p)) {
                b->exceptions[b->n_exceptions++] = *p;
            }
            return;
        }
    }
}

static bool near_network(void *arg, const ike_addr *a, uint8_t bits)
{
    struct prefix p = prefix_of_address(a);
    p.bits = bits;
    for (size_t i = 0; i < sizeof(p.ip); i++) {
        uint32_t mask = i < bits / 8U ? 0xffU : i == bits / 8U ? 0xff00U >> bits % 8U & 0xffU : 0;
        p.ip[i] = (uint8_t)(p.ip[i] & mask);
    }
    except_if_inside(arg, &p, false);
    return false;
}

static void collect_exceptions(struct build *b)
{
    const struct behind_spec *spec = b->spec;
    ike_addr unused;
    struct prefix peer = prefix_of_address(&spec->peer);
    except_if_inside(b, &peer, true);
    (void)rt_find_address(routes_netlink(b->routes), 4, near_network, b, &unused);
    (void)rt_find_address(routes_netlink(b->routes), 6, near_network, b, &unused);
    for (size_t i = 0; i < spec->n_local_ts; i++) {
        struct prefix list[NETS_MAX];
        size_t n = prefixes_of_range(spec->local_ts[i].family, spec->local_ts[i].lo, spec->local_ts[i].hi, list, NETS_MAX);
        for (size_t k = 0; k < n; k++) {
            except_if_inside(b, &list[k], false);
        }
    }
}

static bool in_local_ts(void *arg, const ike_addr *a, uint8_t bits)
{
    const struct behind_spec *spec = arg;
    (void)bits;
    for (size_t i = 0; i < spec->n_local_ts; i++) {
        if (ts_contains(&spec->local_ts[i], a)) {
            return true;
        }
    }
    return false;
}

/* How a packet for the network leaves. Only a gateway of the network's own family can be named; without one the device is
 * enough, because the SA replaces the next hop. */
static bool find_way(struct build *b, uint8_t family, uint32_t *oif, ike_addr *gateway)
{
    struct rt_path path;
    *gateway = (ike_addr){0};
    *oif = b->spec->interface;
    if (*oif != 0) {
        return true;
    }
    if (rt_lookup(routes_netlink(b->routes), &b->spec->peer, ROUTES_MARK, &path) != 0) {
        return false;
    }
    *oif = path.oif;
    if (path.gateway.family == family) {
        *gateway = path.gateway;
    }
    return true;
}

static struct prefix *keep(const struct prefix *list, size_t n)
{
    struct prefix *copy = n > 0 ? malloc(n * sizeof(*list)) : NULL;
    if (copy != NULL) {
        memcpy(copy, list, n * sizeof(*list));
    }
    return copy;
}

void behind_add(struct routes *r, const struct behind_spec *spec, struct behind *out)
{
    *out = (struct behind){0};
    struct build *b = r != NULL ? calloc(1, sizeof(*b)) : NULL;
    if (b == NULL) {
        return;
    }
    b->routes = r;
    b->spec = spec;
    collect_nets(b);
    collect_exceptions(b);
    out->exceptions = keep(b->exceptions, b->n_exceptions);
    out->nets = keep(b->nets, b->n_nets);
    for (size_t i = 0; out->exceptions != NULL && i < b->n_exceptions; i++) {
        if (routes_except(r, &b->exceptions[i]) == 0) {
            out->exceptions[out->n_exceptions++] = b->exceptions[i];
        }
    }
    for (size_t i = 0; out->nets != NULL && i < b->n_nets; i++) {
        struct prefix *net = &b->nets[i];
        ike_addr gateway, source = {0};
        uint32_t oif;
        (void)rt_find_address(routes_netlink(r), net->family, in_local_ts, (void *)(uintptr_t)spec, &source);
        if (find_way(b, net->family, &oif, &gateway) && routes_add(r, net, oif, &gateway, &source) == 0) {
            out->nets[out->n_nets++] = *net;
        }
    }
    free(b);
}

void behind_remove(struct routes *r, struct behind *b)
{
    for (size_t i = 0; i < b->n_nets; i++) {
        routes_remove(r, &b->nets[i]);
    }
    for (size_t i = 0; i < b->n_exceptions; i++) {
        routes_unexcept(r, &b->exceptions[i]);
    }
    free(b->nets);
    free(b->exceptions);
    *b = (struct behind){0};
}
