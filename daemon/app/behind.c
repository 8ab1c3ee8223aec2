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
#define CALLS_OF_A_WAY 3U

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
    const struct tunnel *t = arg;
    (void)bits;
    for (size_t i = 0; i < t->n_local_ts; i++) {
        if (ts_contains(&t->local_ts[i], a)) {
            return true;
        }
    }
    return false;
}

/* How a packet for the tunnel's networks of this family leaves. Only a gateway of the network's own family can be named; without
 * one the device is enough, because the SA replaces the next hop. */
static struct way find_way(struct routes *r, const struct tunnel *t, uint8_t family)
{
    struct way way = {.oif = t->interface};
    struct rt_path path;
    (void)rt_find_address(routes_netlink(r), family, in_local_ts, (void *)(uintptr_t)t, &way.source);
    if (way.oif == 0 && rt_lookup(routes_netlink(r), &t->peer, ROUTES_MARK, &path) == 0) {
        way.oif = path.oif;
        if (path.gateway.family == family) {
            way.gateway = path.gateway;
        }
    }
    return way;
}

/* The ways of both families, each looked for when it is first needed. */
struct ways {
    struct routes *routes;
    const struct tunnel *tunnel;
    bool known[2];
    struct way way[2];
};

static const struct way *way_of(struct ways *w, uint8_t family)
{
    bool v6 = family == 6;
    if (!w->known[v6]) {
        w->way[v6] = find_way(w->routes, w->tunnel, family);
        w->known[v6] = true;
    }
    return &w->way[v6];
}

static void *keep(const void *list, size_t n, size_t size)
{
    void *copy = malloc(n > 0 ? n * size : 1);
    if (copy != NULL && n > 0) {
        memcpy(copy, list, n * size);
    }
    return copy;
}

static void free_tunnel(struct tunnel *t)
{
    free(t->local_ts);
    free(t->nets);
    free(t->exceptions);
    free(t);
}

static struct tunnel *make_tunnel(const struct build *b)
{
    const struct behind_spec *spec = b->spec;
    struct tunnel *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    t->peer = spec->peer;
    t->interface = spec->interface;
    t->n_local_ts = spec->n_local_ts;
    t->local_ts = keep(spec->local_ts, spec->n_local_ts, sizeof(*t->local_ts));
    t->nets = keep(b->nets, b->n_nets, sizeof(*t->nets));
    t->exceptions = keep(b->exceptions, b->n_exceptions, sizeof(*t->exceptions));
    if (t->local_ts == NULL || t->nets == NULL || t->exceptions == NULL) {
        free_tunnel(t);
        return NULL;
    }
    return t;
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
    struct tunnel *t = make_tunnel(b);
    if (t != NULL) {
        struct ways ways = {.routes = r, .tunnel = t};
        for (size_t i = 0; i < b->n_exceptions && routes_except(r, &b->exceptions[i]); i++) {
            t->n_exceptions++;
        }
        for (size_t i = 0; i < b->n_nets && routes_add(r, &b->nets[i], way_of(&ways, b->nets[i].family)); i++) {
            t->n_nets++;
        }
        keep_tunnel(routes_keep(r), t);
        out->tunnel = t;
    }
    free(b);
}

void behind_remove(struct routes *r, struct behind *b)
{
    struct tunnel *t = b->tunnel;
    if (t == NULL) {
        return;
    }
    keep_forget(routes_keep(r), t);
    for (size_t i = 0; i < t->n_nets; i++) {
        routes_remove(r, &t->nets[i]);
    }
    for (size_t i = 0; i < t->n_exceptions; i++) {
        routes_unexcept(r, &t->exceptions[i]);
    }
    free_tunnel(t);
    *b = (struct behind){0};
}

void behind_check(struct routes *r, const struct tunnel *t, struct routes_found *f)
{
    struct ways ways = {.routes = r, .tunnel = t};
    for (size_t i = 0; i < t->n_exceptions; i++) {
        routes_check_exception(r, &t->exceptions[i], f);
    }
    for (size_t i = 0; i < t->n_nets; i++) {
        routes_check(r, &t->nets[i], way_of(&ways, t->nets[i].family), f);
    }
    f->asked += CALLS_OF_A_WAY * (ways.known[0] + ways.known[1]);
}
