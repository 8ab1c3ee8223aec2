/* SPDX-License-Identifier: ISC
 *
 * routes.c - our routes: networks behind peers, in routing tables of our own.
 */
#include "app/routes.h"

#include "daemon.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the network behind the peer is the peer itself, the tunnel wins over the exception. */
#define METRIC_TUNNEL 10
#define METRIC_THROW  20

struct entry {
    struct entry *next;
    struct rt_route route;
    unsigned users;
    int slot;
};

/* The rules of one family and half: [0] the networks, [1] the defaults. */
struct rules {
    unsigned users;
    int slots[2];
};

struct routes {
    struct ikelibd *d;
    struct nl_sock *rt;
    struct state *state;
    struct entry *entries;
    struct rules rules[2][2];
};

struct routes *routes_new(struct ikelibd *d, struct nl_sock *rt, struct state *state)
{
    struct routes *r = calloc(1, sizeof(*r));
    if (r != NULL) {
        r->d = d;
        r->rt = rt;
        r->state = state;
    }
    return r;
}

/* ---- Rules ---------------------------------------------------------------------------------------------------------------- */

static size_t rules_of(uint8_t family, bool defaults, struct rt_rule out[2])
{
    if (!defaults) {
        out[0] = (struct rt_rule){family, ROUTES_PRIORITY, ROUTES_TABLE, ROUTES_MARK, false};
        return 1;
    }
    out[0] = (struct rt_rule){family, ROUTES_PRIORITY + 1, RT_TABLE_MAIN, ROUTES_MARK, true};
    out[1] = (struct rt_rule){family, ROUTES_PRIORITY + 2, ROUTES_TABLE_DEFAULT, ROUTES_MARK, false};
    return 2;
}

static int use_rules(struct routes *r, uint8_t family, bool defaults)
{
    struct rules *rules = &r->rules[family == 6][defaults];
    struct rt_rule list[2];
    if (rules->users++ > 0) {
        return 0;
    }
    size_t n = rules_of(family, defaults, list);
    for (size_t i = 0; i < n; i++) {
        char record[64];
        snprintf(record, sizeof(record), "rule %u %u", family, list[i].priority);
        rules->slots[i] = state_add(r->state, record);
        int error = rt_rule_set(r->rt, &list[i]);
        if (error != 0) {
            daemon_log(r->d, IKE_LOG_ERROR, "cannot add routing rule %u: %s", list[i].priority, strerror(-error));
            return error;
        }
    }
    return 0;
}

static void unuse_rules(struct routes *r, uint8_t family, bool defaults)
{
    struct rules *rules = &r->rules[family == 6][defaults];
    struct rt_rule list[2];
    if (--rules->users > 0) {
        return;
    }
    size_t n = rules_of(family, defaults, list);
    for (size_t i = 0; i < n; i++) {
        (void)rt_rule_del(r->rt, &list[i]);
        state_remove(r->state, rules->slots[i]);
    }
}

/* ---- Routes --------------------------------------------------------------------------------------------------------------- */

static struct entry **find(struct routes *r, const struct prefix *to, uint8_t type, uint32_t table)
{
    struct entry **p = &r->entries;
    while (*p != NULL && ((*p)->route.type != type || (*p)->route.table != table || !prefix_equal(&(*p)->route.to, to))) {
        p = &(*p)->next;
    }
    return p;
}

static int install(struct routes *r, struct entry *e)
{
    char to[80];
    prefix_format(&e->route.to, to, sizeof(to));
    int error = e->route.type == RTN_UNICAST ? use_rules(r, e->route.to.family, e->route.to.bits == 0) : 0;
    if (error == 0 && e->slot < 0) {
        char record[160];
        snprintf(record, sizeof(record), "route %u %u %s", e->route.type, e->route.table, to);
        e->slot = state_add(r->state, record);
    }
    if (error == 0) {
        error = rt_route_set(r->rt, &e->route);
    }
    if (error != 0) {
        daemon_log(r->d, IKE_LOG_ERROR, "cannot set the route to %s: %s%s%s", to, strerror(-error),
                   r->rt->why[0] != 0 ? ": " : "", r->rt->why);
    }
    return error;
}

static void uninstall(struct routes *r, struct entry *e)
{
    (void)rt_route_del(r->rt, &e->route);
    state_remove(r->state, e->slot);
    if (e->route.type == RTN_UNICAST) {
        unuse_rules(r, e->route.to.family, e->route.to.bits == 0);
    }
}

static int add(struct routes *r, const struct rt_route *route)
{
    struct entry **p = find(r, &route->to, route->type, route->table), *e = *p;
    if (e != NULL) {
        e->users++;
        struct rt_route former = e->route;
        e->route = *route;
        if (memcmp(&former, route, sizeof(former)) == 0) {
            return 0;
        }
        return rt_route_set(r->rt, route);
    }
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return -ENOMEM;
    }
    *e = (struct entry){.route = *route, .users = 1, .slot = -1};
    int error = install(r, e);
    if (error != 0) {
        uninstall(r, e);
        free(e);
        return error;
    }
    e->next = r->entries;
    r->entries = e;
    return 0;
}

static void drop(struct routes *r, const struct prefix *to, uint8_t type, uint32_t table)
{
    struct entry **p = find(r, to, type, table), *e = *p;
    if (e == NULL || --e->users > 0) {
        return;
    }
    *p = e->next;
    uninstall(r, e);
    free(e);
}

static uint32_t table_of(const struct prefix *to) { return to->bits == 0 ? ROUTES_TABLE_DEFAULT : ROUTES_TABLE; }

int routes_add(struct routes *r, const struct prefix *to, uint32_t oif, const ike_addr *gateway, const ike_addr *source)
{
    struct rt_route route;
    memset(&route, 0, sizeof(route));
    route.to = *to;
    route.table = table_of(to);
    route.oif = oif;
    route.type = RTN_UNICAST;
    route.metric = METRIC_TUNNEL;
    if (gateway != NULL) {
        route.gateway = *gateway;
    }
    if (source != NULL) {
        route.source = *source;
    }
    return add(r, &route);
}

void routes_remove(struct routes *r, const struct prefix *to) { drop(r, to, RTN_UNICAST, table_of(to)); }

/* In both tables: a throw in the first only leads on to the second. */
int routes_except(struct routes *r, const struct prefix *to)
{
    struct rt_route route;
    memset(&route, 0, sizeof(route));
    route.to = *to;
    route.type = RTN_THROW;
    route.metric = METRIC_THROW;
    route.table = ROUTES_TABLE;
    int error = add(r, &route);
    if (error == 0) {
        route.table = ROUTES_TABLE_DEFAULT;
        error = add(r, &route);
        if (error != 0) {
            drop(r, &route.to, RTN_THROW, ROUTES_TABLE);
        }
    }
    return error;
}

void routes_unexcept(struct routes *r, const struct prefix *to)
{
    drop(r, to, RTN_THROW, ROUTES_TABLE);
    drop(r, to, RTN_THROW, ROUTES_TABLE_DEFAULT);
}

struct nl_sock *routes_netlink(struct routes *r) { return r->rt; }

void routes_free(struct routes *r)
{
    if (r == NULL) {
        return;
    }
    while (r->entries != NULL) {
        struct entry *e = r->entries;
        r->entries = e->next;
        uninstall(r, e);
        free(e);
    }
    free(r);
}

/* ---- A crashed run -------------------------------------------------------------------------------------------------------- */

bool routes_leftover(struct nl_sock *rt, const char *record)
{
    unsigned a = 0, b = 0;
    char to[80];
    if (sscanf(record, "rule %u %u", &a, &b) == 2) {
        struct rt_rule list[2];
        for (int defaults = 0; defaults < 2; defaults++) {
            size_t n = rules_of((uint8_t)a, defaults != 0, list);
            for (size_t i = 0; i < n; i++) {
                if (list[i].priority == b) {
                    (void)rt_rule_del(rt, &list[i]);
                }
            }
        }
        return true;
    }
    if (sscanf(record, "route %u %u %79s", &a, &b, to) == 3) {
        struct rt_route route = {.type = (uint8_t)a, .table = b, .metric = a == RTN_THROW ? METRIC_THROW : METRIC_TUNNEL};
        if (prefix_parse(&route.to, to)) {
            (void)rt_route_del(rt, &route);
        }
        return true;
    }
    return false;
}
