/* SPDX-License-Identifier: ISC
 *
 * routes.c - our routes: networks behind peers, in routing tables of our own.
 */
#include "app/routes.h"

#include "daemon.h"
#include "table.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the network behind the peer is the peer itself, the tunnel wins over the exception. */
#define METRIC_TUNNEL 10
#define METRIC_THROW  20

struct entry {
    struct table_node node; /* by prefix, type and table */
    struct rt_route route;
    unsigned users;
    int slot;
    uint32_t checked; /* the look that has seen it last */
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
    struct table entries;
    struct rules rules[2][2];
    struct keep *keep;
    uint32_t look;
};

struct routes *routes_new(struct ikelibd *d, struct nl_sock *rt, struct state *state)
{
    struct routes *r = calloc(1, sizeof(*r));
    if (r != NULL) {
        r->d = d;
        r->rt = rt;
        r->state = state;
        r->keep = keep_new(d, r);
        if (r->keep == NULL) {
            free(r);
            return NULL;
        }
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

static void use_rules(struct routes *r, uint8_t family, bool defaults)
{
    struct rules *rules = &r->rules[family == 6][defaults];
    struct rt_rule list[2];
    if (rules->users++ > 0) {
        return;
    }
    size_t n = rules_of(family, defaults, list);
    for (size_t i = 0; i < n; i++) {
        char record[64];
        snprintf(record, sizeof(record), "rule %u %u", family, list[i].priority);
        rules->slots[i] = state_add(r->state, record);
        int error = rt_rule_set(r->rt, &list[i]);
        if (error != 0) {
            daemon_log(r->d, IKE_LOG_ERROR, "cannot add routing rule %u: %s", list[i].priority, strerror(-error));
            keep_retry(r->keep);
        }
    }
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

static uint32_t hash(const struct prefix *to, uint8_t type, uint32_t table) { return prefix_hash(table << 8 ^ type, to); }

static struct entry *find(struct routes *r, const struct prefix *to, uint8_t type, uint32_t table)
{
    for (struct table_node *n = table_chain(&r->entries, hash(to, type, table)); n != NULL; n = n->next) {
        struct entry *e = TABLE_OF(n, struct entry, node);
        if (e->route.type == type && e->route.table == table && prefix_equal(&e->route.to, to)) {
            return e;
        }
    }
    return NULL;
}

/* A route without a way waits for one; so does one that the kernel refuses now. */
static int set(struct routes *r, const struct rt_route *route)
{
    return route->type == RTN_UNICAST && route->oif == 0 ? -ENETUNREACH : rt_route_set(r->rt, route);
}

static void install(struct routes *r, struct entry *e)
{
    char to[80], record[160];
    prefix_format(&e->route.to, to, sizeof(to));
    if (e->route.type == RTN_UNICAST) {
        use_rules(r, e->route.to.family, e->route.to.bits == 0);
    }
    snprintf(record, sizeof(record), "route %u %u %s", e->route.type, e->route.table, to);
    e->slot = state_add(r->state, record);
    r->rt->why[0] = 0;
    int error = set(r, &e->route);
    if (e->route.type == RTN_UNICAST && e->route.oif == 0) {
        daemon_log(r->d, IKE_LOG_WARN, "there is no way to the peer now; the route to %s waits for one", to);
        keep_retry(r->keep);
    } else if (error != 0) {
        daemon_log(r->d, IKE_LOG_ERROR, "cannot set the route to %s: %s%s%s", to, strerror(-error),
                   r->rt->why[0] != 0 ? ": " : "", r->rt->why);
        keep_retry(r->keep);
    }
}

static void uninstall(struct routes *r, struct entry *e)
{
    (void)rt_route_del(r->rt, &e->route);
    state_remove(r->state, e->slot);
    if (e->route.type == RTN_UNICAST) {
        unuse_rules(r, e->route.to.family, e->route.to.bits == 0);
    }
}

static bool same_ip(const ike_addr *a, const ike_addr *b) { return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0; }

static bool same_way(const struct rt_route *a, const struct rt_route *b)
{
    return a->oif == b->oif && same_ip(&a->gateway, &b->gateway) && same_ip(&a->source, &b->source);
}

static bool add(struct routes *r, const struct rt_route *route)
{
    struct entry *e = find(r, &route->to, route->type, route->table);
    if (e != NULL) {
        e->users++;
        if (!same_way(&e->route, route)) {
            e->route = *route;
            if (set(r, route) != 0) {
                keep_retry(r->keep);
            }
        }
        e->checked = r->look;
        return true;
    }
    e = calloc(1, sizeof(*e));
    if (e == NULL || !table_add(&r->entries, &e->node, hash(&route->to, route->type, route->table))) {
        free(e);
        return false;
    }
    e->route = *route;
    e->users = 1;
    e->checked = r->look;
    install(r, e);
    return true;
}

static void drop(struct routes *r, const struct prefix *to, uint8_t type, uint32_t table)
{
    struct entry *e = find(r, to, type, table);
    if (e == NULL || --e->users > 0) {
        return;
    }
    table_remove(&r->entries, &e->node);
    uninstall(r, e);
    free(e);
}

static uint32_t table_of(const struct prefix *to) { return to->bits == 0 ? ROUTES_TABLE_DEFAULT : ROUTES_TABLE; }

bool routes_add(struct routes *r, const struct prefix *to, const struct way *way)
{
    struct rt_route route = {.to = *to,
                             .table = table_of(to),
                             .metric = METRIC_TUNNEL,
                             .type = RTN_UNICAST,
                             .oif = way->oif,
                             .gateway = way->gateway,
                             .source = way->source};
    return add(r, &route);
}

void routes_remove(struct routes *r, const struct prefix *to) { drop(r, to, RTN_UNICAST, table_of(to)); }

/* In both tables: a throw in the first only leads on to the second. */
bool routes_except(struct routes *r, const struct prefix *to)
{
    struct rt_route route = {.to = *to, .table = ROUTES_TABLE, .metric = METRIC_THROW, .type = RTN_THROW};
    if (!add(r, &route)) {
        return false;
    }
    route.table = ROUTES_TABLE_DEFAULT;
    if (!add(r, &route)) {
        drop(r, to, RTN_THROW, ROUTES_TABLE);
        return false;
    }
    return true;
}

void routes_unexcept(struct routes *r, const struct prefix *to)
{
    drop(r, to, RTN_THROW, ROUTES_TABLE);
    drop(r, to, RTN_THROW, ROUTES_TABLE_DEFAULT);
}

/* ---- Is it still there? --------------------------------------------------------------------------------------------------- */

static void name(char *list, size_t n, const char *what)
{
    size_t len = strlen(list);
    if (len + strlen(what) + 8 < n) {
        snprintf(list + len, n - len, "%s%s", len > 0 ? ", " : "", what);
    } else if (len + 6 < n && strcmp(list + len - 3, "...") != 0) {
        snprintf(list + len, n - len, ", ...");
    }
}

/* An attempt to make it anew tells: -EEXIST is the good answer. */
static void take_down(struct routes_found *f, int error, const char *what)
{
    f->asked++;
    if (error == 0) {
        f->back++;
        name(f->names, sizeof(f->names), what);
    } else if (error != -EEXIST) {
        f->error = f->failed++ == 0 ? error : f->error;
        name(f->failed_names, sizeof(f->failed_names), what);
    }
}

void routes_check_rules(struct routes *r, struct routes_found *f)
{
    r->look++;
    for (unsigned i = 0; i < 4; i++) {
        struct rt_rule list[2];
        size_t n = r->rules[i / 2][i % 2].users > 0 ? rules_of(i / 2 != 0 ? 6 : 4, i % 2 != 0, list) : 0;
        for (size_t k = 0; k < n; k++) {
            char text[48];
            snprintf(text, sizeof(text), "IPv%u rule %u", list[k].family, list[k].priority);
            take_down(f, rt_rule_new(r->rt, &list[k]), text);
        }
    }
}

static void check(struct routes *r, struct entry *e, const struct way *way, struct routes_found *f)
{
    char to[80];
    if (e == NULL || e->checked == r->look) {
        return;
    }
    e->checked = r->look;
    prefix_format(&e->route.to, to, sizeof(to));
    struct rt_route route = e->route;
    if (way != NULL && way->oif != 0) {
        route.oif = way->oif;
        route.gateway = way->gateway;
        route.source = way->source;
    }
    int error = route.type == RTN_UNICAST && route.oif == 0 ? -ENETUNREACH : rt_route_new(r->rt, &route);
    take_down(f, error, to);
    if (error == -EEXIST && !same_way(&e->route, &route)) {
        error = rt_route_set(r->rt, &route);
        if (error != 0) {
            take_down(f, error, to);
        } else {
            f->changed++;
            name(f->changed_names, sizeof(f->changed_names), to);
        }
    }
    if (error == 0 || error == -EEXIST) {
        e->route = route;
    }
}

void routes_check(struct routes *r, const struct prefix *to, const struct way *way, struct routes_found *f)
{
    check(r, find(r, to, RTN_UNICAST, table_of(to)), way, f);
}

void routes_check_exception(struct routes *r, const struct prefix *to, struct routes_found *f)
{
    check(r, find(r, to, RTN_THROW, ROUTES_TABLE), NULL, f);
    check(r, find(r, to, RTN_THROW, ROUTES_TABLE_DEFAULT), NULL, f);
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

struct keep *routes_keep(struct routes *r) { return r->keep; }

struct nl_sock *routes_netlink(struct routes *r) { return r->rt; }

void routes_free(struct routes *r)
{
    if (r == NULL) {
        return;
    }
    size_t at = 0;
    for (struct table_node *n; (n = table_any(&r->entries, &at)) != NULL;) {
        struct entry *e = TABLE_OF(n, struct entry, node);
        table_remove(&r->entries, n);
        uninstall(r, e);
        free(e);
    }
    table_free(&r->entries);
    keep_free(r->keep);
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
