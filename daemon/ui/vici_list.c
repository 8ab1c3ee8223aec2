/* SPDX-License-Identifier: ISC
 *
 * vici_list.c - commands that stream: list-sas, list-conns, list-failures. Each produces a slice when the client's queue has
 * room, so a list of any length costs the daemon little at a time and never waits in memory.
 */
#include "vici.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE 256 /* objects looked at per turn */

struct list {
    struct vici_job job;
    struct vici_filter want;
    bool registered;
    struct vici_walk walk; /* SAs */
    uint64_t after;        /* connections, failures: the last one seen */
    size_t told;           /* failures */
};

static void list_free(struct vici_job *j)
{
    struct list *l = (struct list *)j;
    vici_walk_end(&l->walk);
    free(l);
}

static void finish(struct list *l)
{
    struct vici_client *c = l->job.client;
    if (l->walk.no_memory) {
        vici_answer_error(c, "out of memory");
        return;
    }
    vici_begin(&c->v->buf, VICI_CMD_RESPONSE, NULL);
    vici_answer(c); /* frees l */
}

static void start(struct vici_client *c, struct vici_text request, enum vici_event_id event, const struct vici_job_ops *ops)
{
    struct list *l = calloc(1, sizeof *l);
    if (l == NULL) {
        vici_answer_error(c, "out of memory");
        return;
    }
    if (!vici_filter(request, &l->want)) {
        vici_answer_error(c, "%s", l->want.error);
        free(l);
        return;
    }
    l->registered = vici_registered(c, event);
    vici_start_job(c, &l->job, ops);
    vici_again(&l->job);
}

/* ---- SAs -------------------------------------------------------------------------------------------------------------- */

static bool wanted_child(const struct list *l, const ike_child_info *k)
{
    return (l->want.child[0] == 0 || (k->name && strcmp(l->want.child, k->name) == 0)) &&
           (l->want.child_number == 0 || l->want.child_number == k->number);
}

static size_t put_children(struct list *l, const ike_sa_info *sa)
{
    struct vici *v = l->job.client->v;
    size_t n = vici_walk_children(&l->walk, v->d->engine, sa->id), told = 0;
    vici_section(&v->buf, "child-sas");
    for (size_t i = 0; i < n; i++) {
        ike_child_info k = {.size = sizeof k};
        char name[80];
        if (ike_child_get(v->d->engine, l->walk.children[i], &k) != IKE_OK || !wanted_child(l, &k)) {
            continue;
        }
        snprintf(name, sizeof name, "%s-%u", k.name ? k.name : "", k.number);
        vici_section(&v->buf, name);
        vici_form_child(&v->buf, &k, daemon_now(v->d));
        vici_section_end(&v->buf);
        told++;
    }
    vici_section_end(&v->buf);
    return told;
}

static const char *conn_name(const ike_sa_info *sa) { return sa->conn_name && sa->conn_name[0] ? sa->conn_name : "(unnamed)"; }

static void tell_sa(struct list *l, const ike_sa_info *sa)
{
    struct vici_client *c = l->job.client;
    bool children_only = l->want.child[0] || l->want.child_number;
    if (!l->registered || (l->want.ike[0] && strcmp(l->want.ike, conn_name(sa)) != 0) ||
        (l->want.ike_number && l->want.ike_number != sa->number)) {
        return;
    }
    vici_begin(&c->v->buf, VICI_EVENT, vici_event_name(VICI_EV_LIST_SA));
    vici_section(&c->v->buf, conn_name(sa));
    vici_form_sa(&c->v->buf, sa, daemon_now(c->v->d));
    size_t told = put_children(l, sa);
    vici_section_end(&c->v->buf);
    if (told || !children_only) {
        vici_send(c);
    }
}

static void produce_sas(struct vici_job *j)
{
    struct list *l = (struct list *)j;
    struct vici_client *c = j->client;
    for (int i = 0; i < SLICE && vici_queued(c) < VICI_LOW; i++) {
        ike_sa_info sa;
        if (c->gone || !vici_walk_next(&l->walk, c->v->d->engine, &l->want, &sa)) {
            finish(l);
            return;
        }
        tell_sa(l, &sa);
    }
    vici_again(j);
}

void vici_list_sas(struct vici_client *c, struct vici_text request)
{
    static const struct vici_job_ops ops = {.produce = produce_sas, .free = list_free};
    start(c, request, VICI_EV_LIST_SA, &ops);
}

/* ---- Connections ------------------------------------------------------------------------------------------------------ */

static void tell_conn(struct list *l, const ike_conn_info *info)
{
    struct vici_client *c = l->job.client;
    if (l->registered) {
        vici_begin(&c->v->buf, VICI_EVENT, vici_event_name(VICI_EV_LIST_CONN));
        vici_form_conn(&c->v->buf, c->v->d, info);
        vici_send(c);
    }
}

/* One of that name, or none. */
static void produce_conn(struct list *l)
{
    ike_engine *e = l->job.client->v->d->engine;
    ike_conn_info info = {.size = sizeof info};
    ike_conn_id id;
    if (ike_conn_find(e, l->want.ike, &id) == IKE_OK && ike_conn_get(e, id, &info) == IKE_OK) {
        tell_conn(l, &info);
    }
    finish(l);
}

static void produce_conns(struct vici_job *j)
{
    struct list *l = (struct list *)j;
    struct vici_client *c = j->client;
    if (l->want.has_ike) {
        produce_conn(l);
        return;
    }
    for (int i = 0; i < SLICE && vici_queued(c) < VICI_LOW; i++) {
        ike_conn_info info = {.size = sizeof info};
        if (c->gone || ike_conn_next(c->v->d->engine, l->after, &info) != IKE_OK) {
            finish(l);
            return;
        }
        l->after = info.id;
        tell_conn(l, &info);
    }
    vici_again(j);
}

void vici_list_conns(struct vici_client *c, struct vici_text request)
{
    static const struct vici_job_ops ops = {.produce = produce_conns, .free = list_free};
    start(c, request, VICI_EV_LIST_CONN, &ops);
}

/* ---- Failures --------------------------------------------------------------------------------------------------------- */

static bool tell_failure(struct list *l, const ike_failure *f)
{
    struct vici_client *c = l->job.client;
    if (l->registered && (l->want.ike[0] == 0 || strcmp(l->want.ike, f->conn_name) == 0)) {
        vici_begin(&c->v->buf, VICI_EVENT, vici_event_name(VICI_EV_LIST_FAILURE));
        vici_form_failure(&c->v->buf, f, daemon_now(c->v->d));
        vici_send(c);
        return true;
    }
    return false;
}

/* The engine's ring, newest first; of one connection also the last one that the ring has forgotten. */
static void produce_failures(struct vici_job *j)
{
    struct list *l = (struct list *)j;
    struct vici_client *c = j->client;
    ike_failure f = {.size = sizeof f};
    while (!c->gone && ike_failure_at(c->v->d->engine, (size_t)l->after, &f) == IKE_OK) {
        if (vici_queued(c) >= VICI_LOW) {
            vici_again(j);
            return;
        }
        l->after++;
        l->told += tell_failure(l, &f) ? 1 : 0;
    }
    ike_conn_id conn;
    if (!c->gone && l->told == 0 && l->want.ike[0] && ike_conn_find(c->v->d->engine, l->want.ike, &conn) == IKE_OK &&
        ike_conn_failure(c->v->d->engine, conn, &f) == IKE_OK) {
        tell_failure(l, &f);
    }
    finish(l);
}

void vici_list_failures(struct vici_client *c, struct vici_text request)
{
    static const struct vici_job_ops ops = {.produce = produce_failures, .free = list_free};
    start(c, request, VICI_EV_LIST_FAILURE, &ops);
}
