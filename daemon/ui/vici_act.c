/* SPDX-License-Identifier: ISC
 *
 * vici_act.c - initiate, terminate, rekey: begin something, then wait for its outcome. The answer comes with the event that
 * decides, or when the client's patience ends; what was begun goes on then.
 *
 * What waits is a list of targets, each one SA or one child by name. Events may come while the targets are still being
 * started (the engine delivers them before its call returns); they are noted, and looked at when all have been started.
 */
#include "vici.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum action { INITIATE, TERMINATE, REKEY };

struct target {
    uint64_t id; /* of the SA; 0: the child of this name, yet to come */
    bool is_child;
    ike_conn_id conn;
    char name[48]; /* of the child */
    enum { OPEN, DONE, FAILED } state;
};

struct act {
    struct vici_job job;
    enum action action;
    ike_conn_id conn; /* of all targets, 0: several */
    bool starting;
    bool force;    /* terminate: an IKE SA goes when the time is over, or at once */
    bool reauth;   /* rekey: with new proofs of who the peers are */
    int log_level; /* of control-log lines */
    long long timeout_ms;
    struct loop_timer timeout;
    struct target *targets;
    size_t n, cap, n_open;
    bool going;           /* what is meant is being deleted already */
    ike_failure *failure; /* of the last target that failed; NULL: none, or no memory for it */
};

static struct ikelibd *daemon_of(const struct act *a) { return a->job.client->v->d; }

static void act_free(struct vici_job *j)
{
    struct act *a = (struct act *)j;
    loop_timer_cancel(&a->timeout);
    free(a->failure);
    free(a->targets);
    free(a);
}

static bool act_wants_line(struct vici_job *j, ike_conn_id conn, int level)
{
    const struct act *a = (const struct act *)j;
    return level <= a->log_level && (a->conn == 0 || conn == 0 || conn == a->conn);
}

/* ---- Answering -------------------------------------------------------------------------------------------------------- */

static size_t count(const struct act *a, int state)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        n += (int)a->targets[i].state == state ? 1 : 0;
    }
    return n;
}

static void put_counts(struct vici_buf *b, const struct act *a)
{
    if (a->action != INITIATE) {
        vici_putf(b, "matches", "%zu", a->n);
    }
    if (a->action == TERMINATE) {
        vici_putf(b, "terminated", "%zu", count(a, DONE));
    }
}

static void answer(struct act *a, const char *error)
{
    struct vici_client *c = a->job.client;
    struct vici_buf *b = &c->v->buf;
    vici_flush_lines(c->v);
    vici_begin(b, VICI_CMD_RESPONSE, NULL);
    vici_put(b, "success", error ? "no" : "yes");
    put_counts(b, a);
    if (error) {
        vici_put(b, "errmsg", error);
        if (a->failure) {
            vici_section(b, "failure");
            vici_form_failure(b, a->failure, daemon_now(daemon_of(a)));
            vici_section_end(b);
        }
    }
    vici_answer(c); /* frees a */
}

/* All targets are decided: say how it went. */
static void conclude(struct act *a)
{
    static const char *const what[] = {"not established", "not all are gone", "rekeying failed"};
    char text[512];
    if (count(a, FAILED) == 0) {
        answer(a, NULL);
        return;
    }
    snprintf(text, sizeof text, "%s%s%s", a->reauth ? "not authenticated anew" : what[a->action], a->failure ? ": " : "",
             a->failure ? ike_failure_cause(a->failure) : "");
    answer(a, text);
}

static void decide(struct act *a, struct target *t, bool ok)
{
    if (t->state == OPEN) {
        t->state = ok ? DONE : FAILED;
        a->n_open--;
    }
}

/* The end of an event or of the start; a may be gone behind it. */
static void settle(struct act *a)
{
    if (!a->starting && a->n_open == 0) {
        conclude(a);
    }
}

/* The Delete of each has left; nobody waits for the answer. */
static void drop_open(struct act *a)
{
    struct ikelibd *d = daemon_of(a);
    a->starting = true; /* the answer comes when all are gone, not from within */
    for (size_t i = 0; i < a->n; i++) {
        if (a->targets[i].state == OPEN && !a->targets[i].is_child) {
            (void)ike_sa_drop(d->engine, a->targets[i].id, daemon_now(d));
            decide(a, &a->targets[i], true);
        }
    }
    a->starting = false;
}

static void on_timeout(void *arg)
{
    struct act *a = arg;
    char text[160];
    if (a->force) {
        drop_open(a);
    }
    if (a->n_open == 0) {
        conclude(a);
        return;
    }
    snprintf(text, sizeof text, "no outcome after %lld ms; it goes on", a->timeout_ms);
    answer(a, text);
}

/* ---- Events ----------------------------------------------------------------------------------------------------------- */

static void decide_id(struct act *a, bool is_child, uint64_t id, bool ok)
{
    for (size_t i = 0; i < a->n && id; i++) {
        if (a->targets[i].is_child == is_child && a->targets[i].id == id) {
            decide(a, &a->targets[i], ok);
        }
    }
}

/* Every command that waits hears of every child: only one of its own connection is looked at. */
static void child_up(struct act *a, const ike_event *ev)
{
    ike_child_info k = {.size = sizeof k};
    if (a->action != INITIATE || a->conn != ev->conn || ike_child_get(daemon_of(a)->engine, ev->child, &k) != IKE_OK) {
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        if (k.name && strcmp(a->targets[i].name, k.name) == 0) {
            decide(a, &a->targets[i], true);
        }
    }
}

static void keep_failure(struct act *a, const ike_failure *f)
{
    a->failure = a->failure ? a->failure : malloc(sizeof *a->failure);
    if (a->failure && f) {
        *a->failure = *f;
    }
}

/* A failure is of one child, or of the whole attempt when it names none. One that lost to another attempt is none. */
static void failed(struct act *a, const ike_event *ev)
{
    const ike_failure *f = ev->failure;
    for (size_t i = 0; f && f->code != IKE_FAIL_REPLACED && a->action != TERMINATE && i < a->n; i++) {
        struct target *t = &a->targets[i];
        bool mine = t->conn == ev->conn &&
                    (t->is_child ? f->child_name[0] == 0 || strcmp(f->child_name, t->name) == 0 : ev->sa == 0 || ev->sa == t->id);
        if (mine && t->state == OPEN) {
            keep_failure(a, f);
            decide(a, t, false);
        }
    }
}

static bool alive(const struct act *a, unsigned state, bool is_child)
{
    if (a->force && !is_child) {
        return true;
    }
    if (is_child) {
        return a->action == TERMINATE ? state != IKE_CHILD_DELETING && state != IKE_CHILD_REKEYED
                                      : state == IKE_CHILD_INSTALLED || state == IKE_CHILD_REKEYING;
    }
    return a->action == TERMINATE ? state != IKE_SA_DELETING && state != IKE_SA_REKEYED
                                  : state == IKE_SA_ESTABLISHED || state == IKE_SA_REKEYING;
}

/* Another IKE SA of the connection that is up, or may come up. */
static bool has_other(const struct act *a, const struct target *t)
{
    ike_sa_id id[8];
    ike_engine *e = daemon_of(a)->engine;
    size_t n = ike_conn_sas(e, t->conn, id, 8);
    for (size_t i = 0; i < n && i < 8; i++) {
        ike_sa_info sa = {.size = sizeof sa};
        if (id[i] != t->id && ike_sa_get(e, id[i], &sa) == IKE_OK &&
            (alive(a, sa.state, false) || sa.state == IKE_SA_CONNECTING)) {
            return true;
        }
    }
    return false;
}

/* Authenticated anew is what has made place for another IKE SA. One of IKEv2 that is only rekeyed meanwhile has yet to do so. */
static void reauthenticated(struct act *a, const ike_event *ev)
{
    ike_sa_info sa = {.size = sizeof sa};
    for (size_t i = 0; i < a->n; i++) {
        struct target *t = &a->targets[i];
        bool rekeyed = ev->type == IKE_EV_SA_REKEYED && ev->old_sa == t->id;
        if (t->state != OPEN) {
            continue;
        }
        if (rekeyed && ike_sa_get(daemon_of(a)->engine, ev->sa, &sa) == IKE_OK && sa.version == 2) {
            t->id = ev->sa;
        } else if (rekeyed || (ev->type == IKE_EV_SA_DOWN && ev->sa == t->id)) {
            decide(a, t, rekeyed || has_other(a, t));
        } else if (ev->type == IKE_EV_FAILED && ev->conn == t->conn && !has_other(a, t)) {
            keep_failure(a, ev->failure);
            decide(a, t, false);
        }
    }
    settle(a);
}

static void act_event(struct vici_job *j, const ike_event *ev)
{
    struct act *a = (struct act *)j;
    if (a->reauth) {
        reauthenticated(a, ev);
        return;
    }
    switch (ev->type) {
    case IKE_EV_CHILD_UP:
        child_up(a, ev);
        break;
    case IKE_EV_SA_REKEYED:
        decide_id(a, false, ev->old_sa, a->action == REKEY);
        break;
    case IKE_EV_CHILD_REKEYED:
        decide_id(a, true, ev->old_child, a->action == REKEY);
        break;
    case IKE_EV_SA_DOWN:
        failed(a, ev);
        decide_id(a, false, ev->sa, a->action == TERMINATE);
        break;
    case IKE_EV_CHILD_DOWN:
        failed(a, ev);
        decide_id(a, true, ev->child, a->action == TERMINATE);
        break;
    case IKE_EV_FAILED:
        failed(a, ev);
        decide_id(a, false, a->action == TERMINATE ? ev->sa : 0, true); /* it had never been up */
        break;
    default:
        break;
    }
    settle(a);
}

static const struct vici_job_ops act_ops = {.event = act_event, .wants_line = act_wants_line, .free = act_free};

/* ---- Beginning -------------------------------------------------------------------------------------------------------- */

/* What is not there stays as it is. false: it is there and no number. */
static bool get_number(struct vici_text request, const char *key, long long *out)
{
    struct vici_text v;
    char text[24] = "", *end;
    if (!vici_get(request, key, &v)) {
        return true;
    }
    (void)vici_get_str(request, key, text, sizeof text);
    *out = strtoll(text, &end, 10);
    return text[0] && *end == 0;
}

static bool says_yes(struct vici_text request, const char *key)
{
    struct vici_text v;
    return vici_get(request, key, &v) && vici_text_is(v, "yes");
}

/* NULL: it is over, with an error answered. */
static struct act *begin(struct vici_client *c, struct vici_text request, enum action action, struct vici_filter *w)
{
    long long level = 1, timeout = 0;
    if (!vici_filter(request, w)) {
        vici_answer_error(c, "%s", w->error);
        return NULL;
    }
    if (!get_number(request, "timeout", &timeout) || timeout < -1 || timeout > INT32_MAX) {
        vici_answer_error(c, "timeout is not a number of milliseconds from -1 to %d", INT32_MAX);
        return NULL;
    }
    if (!get_number(request, "loglevel", &level)) {
        vici_answer_error(c, "loglevel is not a number");
        return NULL;
    }
    struct act *a = calloc(1, sizeof *a);
    if (a == NULL) {
        vici_answer_error(c, "out of memory");
        return NULL;
    }
    a->action = action;
    a->timeout_ms = timeout;
    a->log_level = level < -1 ? -1 : level > 4 ? 4 : (int)level;
    a->starting = true;
    a->force = action == TERMINATE && says_yes(request, "force");
    a->reauth = action == REKEY && says_yes(request, "reauth");
    loop_timer_init(&a->timeout, on_timeout, a);
    vici_start_job(c, &a->job, &act_ops);
    return a;
}

static struct target *add(struct act *a, bool is_child, uint64_t id, ike_conn_id conn, const char *name)
{
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 8;
        struct target *p = reallocarray(a->targets, cap, sizeof *p);
        if (p == NULL) {
            return NULL;
        }
        a->targets = p;
        a->cap = cap;
    }
    struct target *t = &a->targets[a->n++];
    *t = (struct target){.id = id, .is_child = is_child, .conn = conn};
    snprintf(t->name, sizeof t->name, "%s", name ? name : "");
    a->conn = a->n == 1 || a->conn == conn ? conn : 0;
    a->n_open++;
    return t;
}

/* Everything has been started. A timeout of -1 does not wait, 0 waits for ever. */
static void started(struct act *a)
{
    a->starting = false;
    if (a->force && a->timeout_ms <= 0) {
        drop_open(a);
    }
    if (a->n_open == 0) {
        conclude(a);
    } else if (a->timeout_ms < 0) {
        answer(a, NULL);
    } else if (a->timeout_ms > 0) {
        struct ikelibd *d = daemon_of(a);
        loop_timer_set(d->loop, &a->timeout, daemon_now(d) + (ike_time)a->timeout_ms * IKE_MS);
    }
}

/* ---- initiate --------------------------------------------------------------------------------------------------------- */

static bool has_child(const ike_conn_settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_children; i++) {
        if (strcmp(s->children[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The connection that is meant; false and answered if there is none. */
static bool find_conn(struct act *a, const struct vici_filter *w, ike_conn_info *out)
{
    ike_engine *e = daemon_of(a)->engine;
    char text[160];
    ike_conn_id id = 0;
    *out = (ike_conn_info){.size = sizeof *out};
    if (w->has_ike && (ike_conn_find(e, w->ike, &id) != IKE_OK || ike_conn_get(e, id, out) != IKE_OK)) {
        snprintf(text, sizeof text, "connection '%s' not found", w->ike);
        answer(a, text);
        return false;
    }
    if (w->has_ike && w->has_child && !has_child(out->settings, w->child)) {
        snprintf(text, sizeof text, "connection '%s' has no child '%s'", w->ike, w->child);
        answer(a, text);
        return false;
    }
    while (!w->has_ike) {
        if (!w->has_child || ike_conn_next(e, id, out) != IKE_OK) {
            snprintf(text, sizeof text, w->has_child ? "child '%s' not found" : "missing connection or child name", w->child);
            answer(a, text);
            return false;
        }
        if (has_child(out->settings, w->child)) {
            break;
        }
        id = out->id;
    }
    return true;
}

/* Without a child's name: those that are to be kept up, or else the first. */
static bool add_wanted(struct act *a, const ike_conn_info *c, const struct vici_filter *w)
{
    const ike_conn_settings *s = c->settings;
    bool ok = !w->has_child || add(a, true, 0, c->id, w->child);
    for (size_t i = 0; ok && !w->has_child && i < s->n_children; i++) {
        ok = s->children[i].start != IKE_START_YES || add(a, true, 0, c->id, s->children[i].name);
    }
    if (ok && a->n == 0 && s->n_children) {
        ok = add(a, true, 0, c->id, s->children[0].name) != NULL;
    }
    return ok;
}

/* Children that are up already need no event. */
static void note_installed(struct act *a, const struct vici_filter *of)
{
    ike_engine *e = daemon_of(a)->engine;
    struct vici_walk walk = {0};
    ike_sa_info sa;
    while (a->n_open && vici_walk_next(&walk, e, of, &sa)) {
        size_t n = vici_walk_children(&walk, e, sa.id);
        for (size_t c = 0; c < n; c++) {
            ike_child_info k = {.size = sizeof k};
            bool up = ike_child_get(e, walk.children[c], &k) == IKE_OK &&
                      (k.state == IKE_CHILD_INSTALLED || k.state == IKE_CHILD_REKEYING) && k.name;
            for (size_t i = 0; up && i < a->n; i++) {
                if (k.conn == a->targets[i].conn && strcmp(k.name, a->targets[i].name) == 0) {
                    decide(a, &a->targets[i], true);
                }
            }
        }
    }
    vici_walk_end(&walk);
}

/* The peer has not one address: which of the two reasons it is, and what to do. A name is asked for again at once. */
static void answer_no_address(struct act *a, ike_conn_id id)
{
    struct ikelibd *d = daemon_of(a);
    struct conn_rt *rt = daemon_conn_by_id(d, id);
    ike_conn_info k = {.size = sizeof k};
    char text[768];
    if (ike_conn_get(d->engine, id, &k) != IKE_OK) {
        answer(a, ike_strerror(IKE_ERR_NOT_FOUND));
        return;
    }
    const char *source = k.settings->source ? k.settings->source : k.settings->name;
    if (rt && rt->remote_name && rt->remote.family == 0) {
        snprintf(
            text, sizeof text,
            "%s is not resolved%s%s; it is being asked for now: try again, or correct `remote` (%s) or this host's name servers",
            rt->remote_name, rt->resolve_fails ? ": " : " yet", rt->resolve_error, source);
        daemon_conn_failed(d, id);
    } else {
        snprintf(text, sizeof text,
                 "it can only wait for peers, as its `remote` is %s: let the peer begin, or give `remote` one address (%s)",
                 k.settings->remote.family ? "a network" : "any", source);
    }
    answer(a, text);
}

void vici_initiate(struct vici_client *c, struct vici_text request)
{
    struct vici_filter w;
    ike_conn_info info;
    struct act *a = begin(c, request, INITIATE, &w);
    if (a == NULL || !find_conn(a, &w, &info)) {
        return;
    }
    if (!add_wanted(a, &info, &w)) {
        answer(a, "out of memory");
        return;
    }
    if (!w.has_ike) { /* found by its child; the settings do not outlive the next call */
        w.has_ike = true;
        snprintf(w.ike, sizeof w.ike, "%s", info.settings->name);
    }
    struct ikelibd *d = daemon_of(a);
    int r = ike_initiate(d->engine, info.id, w.has_child ? w.child : NULL, daemon_now(d));
    if (r == IKE_ERR_INVALID && a->n_open) {
        answer_no_address(a, info.id);
        return;
    }
    if (r != IKE_OK && a->n_open) {
        answer(a, r == IKE_ERR_STATE ? "ikelibd is ending" : ike_strerror(r));
        return;
    }
    if (info.sas) { /* as it was before: without an IKE SA nothing can be up */
        note_installed(a, &w);
    }
    started(a);
}

/* ---- terminate, rekey ------------------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

static bool collect_child(struct act *a, const struct vici_filter *w, const ike_child_info *k)
{
    bool meant = (!w->has_child || same(w->child, k->name)) && (!w->child_number || w->child_number == k->number);
    a->going |= meant && k->state == IKE_CHILD_DELETING;
    return !meant || !alive(a, k->state, true) || add(a, true, k->id, k->conn, k->name);
}

static bool collect_sa(struct act *a, const ike_sa_info *sa)
{
    a->going |= sa->state == IKE_SA_DELETING && sa->established;
    return !alive(a, sa->state, false) || add(a, false, sa->id, sa->conn, NULL);
}

/* Children where one is named, else IKE SAs. false: out of memory. */
static bool collect(struct act *a, const struct vici_filter *w, bool children)
{
    ike_engine *e = daemon_of(a)->engine;
    struct vici_walk walk = {0};
    ike_sa_info sa;
    bool ok = true;
    while (ok && vici_walk_next(&walk, e, w, &sa)) {
        bool meant = (!w->has_ike || same(w->ike, sa.conn_name)) && (!w->ike_number || w->ike_number == sa.number);
        size_t n = meant && children ? vici_walk_children(&walk, e, sa.id) : 0;
        ok = !meant || children || collect_sa(a, &sa);
        for (size_t i = 0; ok && i < n; i++) {
            ike_child_info k = {.size = sizeof k};
            ok = ike_child_get(e, walk.children[i], &k) != IKE_OK || collect_child(a, w, &k);
        }
    }
    ok = ok && !walk.no_memory;
    vici_walk_end(&walk);
    return ok;
}

static int start_one(struct act *a, const struct target *t)
{
    struct ikelibd *d = daemon_of(a);
    ike_time now = daemon_now(d);
    if (a->action == TERMINATE) {
        return t->is_child ? ike_child_close(d->engine, t->id, now) : ike_sa_close(d->engine, t->id, now);
    }
    return t->is_child ? ike_child_rekey(d->engine, t->id, now)
           : a->reauth ? ike_sa_reauth(d->engine, t->id, now)
                       : ike_sa_rekey(d->engine, t->id, now);
}

/* An attempt that is closed before it got an answer is gone when the call returns, and was never up to be told down. */
static bool still_there(const struct act *a, const struct target *t)
{
    ike_sa_info sa = {.size = sizeof sa};
    ike_child_info k = {.size = sizeof k};
    ike_engine *e = daemon_of(a)->engine;
    return (t->is_child ? ike_child_get(e, t->id, &k) : ike_sa_get(e, t->id, &sa)) == IKE_OK;
}

/* A connection that is kept up and waits for its next attempt has no SA to close: it is told to stop trying. */
static bool hold(const struct act *a, const struct vici_filter *w)
{
    ike_conn_info k = {.size = sizeof k};
    ike_engine *e = daemon_of(a)->engine;
    const char *child = w->has_child ? w->child : NULL;
    ike_time now = daemon_now(daemon_of(a));
    ike_conn_id id = 0;
    bool any = false;
    if (w->has_ike) {
        return ike_conn_find(e, w->ike, &id) == IKE_OK && ike_conn_get(e, id, &k) == IKE_OK && k.wanted &&
               ike_conn_hold(e, id, child, now) == IKE_OK;
    }
    for (; child && ike_conn_next(e, id, &k) == IKE_OK; id = k.id) {
        any |= k.wanted && ike_conn_hold(e, k.id, child, now) == IKE_OK;
    }
    return any;
}

static void act_on_sas(struct vici_client *c, struct vici_text request, enum action action)
{
    struct vici_filter w;
    struct act *a = begin(c, request, action, &w);
    if (a == NULL) {
        return;
    }
    bool children = w.has_child || w.child_number;
    if (!children && !w.has_ike && !w.ike_number) {
        answer(a, "missing name or number of an SA");
        return;
    }
    if (!collect(a, &w, children)) {
        answer(a, "out of memory");
        return;
    }
    if (a->n == 0 && action == TERMINATE && !w.ike_number && !w.child_number && hold(a, &w)) {
        answer(a, NULL);
        return;
    }
    if (a->n == 0 && a->going) {
        answer(a, "it is going down already, and waits for the peer's answer");
        return;
    }
    if (a->n == 0) {
        answer(a, action == TERMINATE ? "no SA matches, nothing to terminate" : "no SA matches, nothing to rekey");
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        struct target *t = &a->targets[i];
        int r = t->state == OPEN ? start_one(a, t) : IKE_OK;
        if (r == IKE_ERR_INVALID && a->reauth && a->n == 1) {
            answer_no_address(a, t->conn);
            return;
        }
        if (r != IKE_OK) {
            decide(a, t, false);
        } else if (t->state == OPEN && action == TERMINATE && !still_there(a, t)) {
            decide(a, t, true);
        }
    }
    started(a);
}

void vici_terminate(struct vici_client *c, struct vici_text request) { act_on_sas(c, request, TERMINATE); }
void vici_rekey(struct vici_client *c, struct vici_text request) { act_on_sas(c, request, REKEY); }
