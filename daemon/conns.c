/* SPDX-License-Identifier: ISC
 *
 * conns.c - connections as the daemon sees them: what the engine has to be told, names that stand for peers, and traffic that
 * must wait for a tunnel.
 *
 * A peer named by DNS is asked for when the connection comes and again whenever an attempt failed or the peer went away; until
 * the first answer the engine keeps the connection waiting (remote_unresolved).
 *
 * Traps hold traffic back while its child is not up: children with start = on-demand wake up by it, those with start = yes
 * are on their way anyhow and only must not leak. The exception is a full tunnel (0.0.0.0/0, ::/0) with start = yes: a trap
 * would cut the host off from everything, its administrator included, until the peer answers.
 */
#include "app/app.h"
#include "copy.h"
#include "daemon.h"
#include "sysdep/resolve.h"
#include "transport/udp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVE_RETRY_FIRST (5 * IKE_SEC)
#define RESOLVE_RETRY_MAX   (60 * IKE_SEC)
#define RESOLVE_TELL        10 /* the log tells every so many failures in a row; the first one too */

struct conn_rt *daemon_conn_by_id(struct ikelibd *d, ike_conn_id id)
{
    for (struct table_node *n = table_chain(&d->conns, conn_rt_hash(id)); n != NULL; n = n->next) {
        struct conn_rt *rt = TABLE_OF(n, struct conn_rt, node);
        if (rt->id == id) {
            return rt;
        }
    }
    return NULL;
}

struct conn_rt *daemon_conn_find(struct ikelibd *d, const char *name)
{
    ike_conn_id id;
    return ike_conn_find(d->engine, name, &id) == IKE_OK ? daemon_conn_by_id(d, id) : NULL;
}

/* ---- Traps ---------------------------------------------------------------------------------------------------------------- */

static bool is_everything(const ike_ts *ts)
{
    static const uint8_t lowest[16];
    uint8_t highest[16];
    size_t len = ts->family == 4 ? 4 : 16;
    memset(highest, 0xff, sizeof(highest));
    return memcmp(ts->lo, lowest, len) == 0 && memcmp(ts->hi, highest, len) == 0;
}

static bool wants_trap(const ike_child_settings *c)
{
    if (c->start != IKE_START_YES) {
        return c->start == IKE_START_DEMAND;
    }
    for (size_t i = 0; i < c->n_remote_ts; i++) {
        if (is_everything(&c->remote_ts[i])) {
            return false;
        }
    }
    return true;
}

static ike_ts ts_of_address(const ike_addr *a)
{
    ike_ts ts = {.family = a->family, .port_hi = UINT16_MAX};
    memcpy(ts.lo, a->ip, sizeof(ts.lo));
    memcpy(ts.hi, a->ip, sizeof(ts.hi));
    return ts;
}

static void set_trap(struct conn_rt *rt, const ike_conn_settings *s, const ike_child_settings *c)
{
    ike_addr local = s->local;
    struct app_trap trap = {.conn = rt->id,
                            .conn_name = s->name,
                            .child_name = c->name,
                            .mode = c->mode,
                            .remote = s->remote,
                            .local_ts = c->local_ts,
                            .remote_ts = c->remote_ts,
                            .n_local_ts = c->n_local_ts,
                            .n_remote_ts = c->n_remote_ts,
                            .mark = c->mark,
                            .if_id = c->if_id};
    if (local.family == 0) {
        (void)source_address(&s->remote, 0, &local);
    }
    trap.local = local;
    /* Selectors that are left out mean the IKE addresses themselves. */
    ike_ts dynamic_local = ts_of_address(&local), dynamic_remote = ts_of_address(&s->remote);
    if (c->n_local_ts == 0) {
        trap.local_ts = &dynamic_local;
        trap.n_local_ts = 1;
    }
    if (c->n_remote_ts == 0) {
        trap.remote_ts = &dynamic_remote;
        trap.n_remote_ts = 1;
    }
    if (trap.local_ts[0].family != 0) {
        (void)rt->d->app->ops->trap(rt->d->app, &trap);
    }
}

static void set_traps(struct conn_rt *rt, const ike_conn_settings *s)
{
    struct app *app = rt->d->app;
    if (app == NULL) {
        return;
    }
    app->ops->untrap(app, rt->id, NULL);
    for (size_t i = 0; i < s->n_children && s->remote.family != 0; i++) {
        if (wants_trap(&s->children[i])) {
            set_trap(rt, s, &s->children[i]);
        } else if (s->children[i].start == IKE_START_YES) {
            daemon_log(
                rt->d, IKE_LOG_INFO,
                "child %s is a full tunnel with start = yes: traffic is not held back while it is down (start = on-demand does)",
                s->children[i].name);
        }
    }
}

/* ---- To the engine -------------------------------------------------------------------------------------------------------- */

/* The settings as they can be used now. */
static ike_conn_settings effective(const struct conn_rt *rt, const struct conn_copy *copy)
{
    const struct app *app = rt->d->app;
    ike_conn_settings s = copy->s;
    s.encap = s.encap || (app != NULL && app->ops->needs_encap);
    if (rt->remote_name != NULL) {
        uint16_t port = s.remote.port;
        s.remote = rt->remote;
        s.remote.port = port;
        s.remote_unresolved = rt->remote.family == 0;
    }
    return s;
}

static int tell_engine(struct conn_rt *rt, const struct conn_copy *copy, bool is_new, bool close_changed)
{
    struct ikelibd *d = rt->d;
    ike_time now = loop_now(d->loop);
    ike_conn_settings s = effective(rt, copy);
    int error = is_new ? ike_conn_add(d->engine, &s, &rt->id, now) : ike_conn_replace(d->engine, rt->id, &s, close_changed, now);
    if (error == IKE_OK && is_new && !table_add(&d->conns, &rt->node, conn_rt_hash(rt->id))) {
        (void)ike_conn_remove(d->engine, rt->id, now);
        error = IKE_ERR_NOMEM;
    }
    if (error == IKE_OK) {
        set_traps(rt, &s);
    }
    return error;
}

/* ---- Names ---------------------------------------------------------------------------------------------------------------- */

static void ask(struct conn_rt *rt);

static void ask_later(void *arg) { ask(arg); }

static bool usable(const struct conn_rt *rt, const ike_addr *a)
{
    uint8_t family = rt->settings->s.local.family;
    return family == 0 || family == a->family;
}

/* The address after the one in use: it has just failed, or we would not have asked. Not in the list: the first. */
static const ike_addr *choose(const struct conn_rt *rt, const ike_addr *list, size_t n)
{
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].family == rt->remote.family && memcmp(list[i].ip, rt->remote.ip, 16) == 0) {
            from = i + 1;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const ike_addr *a = &list[(from + i) % n];
        if (usable(rt, a)) {
            return a;
        }
    }
    return NULL;
}

/* An address that the engine does not take is in use nevertheless, so that the next one of the list has its turn. */
static int take_address(struct conn_rt *rt, const ike_addr *a)
{
    struct ikelibd *d = rt->d;
    char text[80];
    if (rt->resolve_fails == 0 && rt->remote.family == a->family && memcmp(rt->remote.ip, a->ip, 16) == 0) {
        return IKE_OK;
    }
    rt->remote = *a;
    rt->remote.port = rt->settings->s.remote.port;
    ike_addr_format(a, false, text, sizeof(text));
    daemon_log(d, IKE_LOG_INFO, "%s: %s is %s", rt->name, rt->remote_name, text);
    int error = ike_conn_set_remote(d->engine, rt->id, &rt->remote);
    if (error == IKE_OK) {
        ike_conn_settings s = effective(rt, rt->settings);
        set_traps(rt, &s);
    }
    return error;
}

static void ask_again(struct conn_rt *rt, const char *error)
{
    unsigned doubled = rt->resolve_fails > 4 ? 4 : rt->resolve_fails;
    ike_time wait = RESOLVE_RETRY_FIRST << doubled, now = loop_now(rt->d->loop);
    wait = wait < RESOLVE_RETRY_MAX ? wait : RESOLVE_RETRY_MAX;
    rt->resolve_fails++;
    snprintf(rt->resolve_error, sizeof(rt->resolve_error), "%s", error);
    if (rt->resolve_fails == 1 || rt->resolve_fails % RESOLVE_TELL == 0) {
        char so_far[32] = "";
        if (rt->resolve_fails > 1) {
            snprintf(so_far, sizeof(so_far), " (%u times in a row)", rt->resolve_fails);
        }
        daemon_log(rt->d, IKE_LOG_WARN, "%s: cannot resolve %s: %s%s; next try in %u s", rt->name, rt->remote_name, error, so_far,
                   (unsigned)(wait / IKE_SEC));
    }
    loop_timer_set(rt->d->loop, &rt->retry, now + wait);
}

static void on_resolved(void *arg, const ike_addr *list, size_t n, const char *error)
{
    struct conn_rt *rt = arg;
    rt->question = NULL;
    const ike_addr *a = n > 0 ? choose(rt, list, n) : NULL;
    int taken = a != NULL ? take_address(rt, a) : IKE_OK;
    if (a == NULL || taken != IKE_OK) {
        ask_again(rt, a != NULL ? ike_strerror(taken) : n > 0 ? "no address of the family of `local`" : error);
        return;
    }
    rt->resolve_fails = 0;
    rt->resolve_error[0] = 0;
}

static void ask(struct conn_rt *rt)
{
    if (rt->remote_name == NULL || rt->question != NULL || rt->d->closing) {
        return;
    }
    loop_timer_cancel(&rt->retry);
    rt->question = resolve(rt->d->resolver, rt->remote_name, on_resolved, rt);
    if (rt->question == NULL) {
        ask_again(rt, strerror(ENOMEM));
    }
}

/* The address may have changed: an attempt failed, or the peer is gone. */
void daemon_conn_failed(struct ikelibd *d, ike_conn_id id)
{
    struct conn_rt *rt = id != 0 ? daemon_conn_by_id(d, id) : NULL;
    if (rt != NULL) {
        ask(rt);
    }
}

/* ---- Adding and dropping -------------------------------------------------------------------------------------------------- */

static void free_rt(struct conn_rt *rt)
{
    loop_timer_cancel(&rt->retry);
    if (rt->question != NULL) {
        resolve_cancel(rt->question);
    }
    conn_copy_free(rt->settings);
    free(rt->remote_name);
    free(rt->name);
    free(rt);
}

static struct conn_rt *make_rt(struct ikelibd *d, const char *name)
{
    struct conn_rt *rt = calloc(1, sizeof(*rt));
    if (rt == NULL) {
        return NULL;
    }
    rt->d = d;
    loop_timer_init(&rt->retry, ask_later, rt);
    rt->name = strdup(name);
    if (rt->name == NULL) {
        free_rt(rt);
        return NULL;
    }
    return rt;
}

/* Another name is another peer: what is known of the former one is forgotten. */
static int set_name(struct conn_rt *rt, const char *remote_name)
{
    if (remote_name != NULL && rt->remote_name != NULL && strcmp(remote_name, rt->remote_name) == 0) {
        return IKE_OK;
    }
    char *copy = remote_name != NULL ? strdup(remote_name) : NULL;
    if (remote_name != NULL && copy == NULL) {
        return IKE_ERR_NOMEM;
    }
    if (rt->question != NULL) {
        resolve_cancel(rt->question);
        rt->question = NULL;
    }
    free(rt->remote_name);
    rt->remote_name = copy;
    rt->remote = (ike_addr){0};
    rt->resolve_fails = 0;
    rt->resolve_error[0] = 0;
    return IKE_OK;
}

int daemon_conn_put(struct ikelibd *d, const ike_conn_settings *s, const char *remote_name, bool close_changed)
{
    struct conn_rt *rt = daemon_conn_find(d, s->name);
    bool is_new = rt == NULL;
    struct conn_copy *copy = conn_copy_new(s);
    rt = is_new ? make_rt(d, s->name) : rt;
    daemon_check_host(d, s); /* before the engine: it has no words for what it refuses */
    int error = copy != NULL && rt != NULL ? set_name(rt, remote_name) : IKE_ERR_NOMEM;
    if (error == IKE_OK) {
        error = tell_engine(rt, copy, is_new, close_changed);
    }
    if (error != IKE_OK) {
        conn_copy_free(copy);
        if (is_new && rt != NULL) {
            free_rt(rt);
        }
        return error;
    }
    conn_copy_free(rt->settings);
    rt->settings = copy;
    if (rt->remote.family == 0) {
        ask(rt);
    }
    return IKE_OK;
}

int daemon_conn_drop(struct ikelibd *d, const char *name)
{
    struct conn_rt *rt = daemon_conn_find(d, name);
    if (rt == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    table_remove(&d->conns, &rt->node);
    if (d->app != NULL) {
        d->app->ops->untrap(d->app, rt->id, NULL);
    }
    (void)ike_conn_remove(d->engine, rt->id, loop_now(d->loop));
    free_rt(rt);
    return IKE_OK;
}

void daemon_conns_free(struct ikelibd *d)
{
    size_t at = 0;
    for (struct table_node *n; (n = table_any(&d->conns, &at)) != NULL;) {
        table_remove(&d->conns, n);
        free_rt(TABLE_OF(n, struct conn_rt, node));
    }
    table_free(&d->conns);
}
