/* SPDX-License-Identifier: ISC
 *
 * vici_log.c - log lines for clients: `log` for whoever registered, `control-log` for a command that is under way.
 *
 * Lines come from inside the engine, where nothing may be asked of it; they wait in a bounded list until the callback has
 * returned, and are told then, with the name and number of their SA.
 */
#include "vici.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How deep a client wants lines, -1: not at all. `log` has no level: who registers is told everything. */
static int wanted_by(const struct vici_client *c)
{
    struct vici_job *j = c->job;
    if (c->gone) {
        return -1;
    }
    if (vici_registered(c, VICI_EV_LOG)) {
        return IKE_LOG_TRACE;
    }
    int level = j && j->ops->wants_line && vici_registered(c, VICI_EV_CONTROL_LOG) ? IKE_LOG_TRACE : -1;
    while (level >= 0 && !j->ops->wants_line(j, 0, vici_log_level((ike_log_level)level))) {
        level--;
    }
    return level;
}

static int deepest(const struct vici *v)
{
    int level = -1;
    for (const struct vici_client *c = v->clients; c; c = c->next) {
        int wanted = wanted_by(c);
        level = wanted > level ? wanted : level;
    }
    return level;
}

static void on_line(void *arg, const struct log_line *l)
{
    struct vici *v = arg;
    size_t n = strlen(l->text) + 1;
    struct vici_line *line = v->n_lines < VICI_LINES ? malloc(sizeof *line + n) : NULL;
    if (line == NULL) {
        v->lines_lost++;
        return;
    }
    *line = (struct vici_line){.cls = l->cls, .level = l->level, .sa = l->sa};
    memcpy(line->text, l->text, n);
    *v->last_line = line;
    v->last_line = &line->next;
    v->n_lines++;
    loop_defer(v->d->loop, &v->later);
}

void vici_log_open(struct vici *v)
{
    v->last_line = &v->lines;
    v->sink = (struct log_sink){.level = IKE_LOG_TRACE, .line = on_line, .arg = v};
}

/* The engine says what our sink hears, so the sink hears no more than is wanted. */
void vici_log_update(struct vici *v)
{
    int level = deepest(v);
    bool on = level >= 0;
    v->sink.level = on ? (ike_log_level)level : v->sink.level;
    if (on && !v->sink_on) {
        log_sink_add(v->d, &v->sink);
    } else if (!on && v->sink_on) {
        log_sink_remove(v->d, &v->sink);
    } else if (on) {
        log_level_update(v->d);
    }
    v->sink_on = on;
}

static void drop_lines(struct vici_line *l)
{
    for (struct vici_line *next; l; l = next) {
        next = l->next;
        free(l);
    }
}

void vici_log_close(struct vici *v)
{
    if (v->sink_on) {
        log_sink_remove(v->d, &v->sink);
        v->sink_on = false;
    }
    drop_lines(v->lines);
    v->lines = NULL;
    v->last_line = &v->lines;
    v->n_lines = 0;
}

static void put_line(struct vici *v, enum vici_event_id e, const struct vici_line *l, const ike_sa_info *sa)
{
    char text[2048];
    struct vici_buf *b = &v->buf;
    vici_begin(b, VICI_EVENT, vici_event_name(e));
    vici_put(b, "group", vici_log_group(l->cls));
    vici_putf(b, "level", "%d", vici_log_level(l->level));
    if (e == VICI_EV_LOG) {
        vici_put(b, "thread", "1");
    }
    if (sa && sa->conn_name) {
        vici_put(b, "ikesa-name", sa->conn_name);
    }
    if (sa) {
        vici_putf(b, "ikesa-uniqueid", "%" PRIu32, sa->number);
    }
    snprintf(text, sizeof text, "%s", l->text); /* a value has a limit; a line of a log should, too */
    vici_put(b, "msg", text);
}

static void tell_lost(struct vici_client *c)
{
    struct vici_line *l = calloc(1, sizeof *l + 128);
    if (l) {
        l->cls = IKE_LOG_CLASSES;
        l->level = IKE_LOG_WARN;
        snprintf(l->text, 128, "%" PRIu64 " lines are missing here: this client did not read them in time", c->log_lost);
        put_line(c->v, VICI_EV_LOG, l, NULL);
        c->log_lost = 0;
        vici_send(c);
        free(l);
    }
}

static void tell(struct vici_client *c, const struct vici_line *l, const ike_sa_info *sa)
{
    bool control = c->job && vici_registered(c, VICI_EV_CONTROL_LOG) && c->job->ops->wants_line &&
                   c->job->ops->wants_line(c->job, sa ? sa->conn : 0, vici_log_level(l->level));
    bool log = vici_registered(c, VICI_EV_LOG);
    if (!control && !log) {
        return;
    }
    if (vici_queued(c) > VICI_LOG) {
        c->log_lost++;
        return;
    }
    if (c->log_lost && log) {
        tell_lost(c);
    }
    if (control) {
        put_line(c->v, VICI_EV_CONTROL_LOG, l, sa);
        vici_send(c);
    }
    if (log) {
        put_line(c->v, VICI_EV_LOG, l, sa);
        vici_send(c);
    }
}

void vici_flush_lines(struct vici *v)
{
    struct vici_line *list = v->lines;
    uint64_t lost = v->lines_lost;
    v->lines = NULL;
    v->last_line = &v->lines;
    v->n_lines = 0;
    v->lines_lost = 0;
    for (struct vici_client *c = v->clients; lost && c; c = c->next) {
        c->log_lost += lost;
    }
    for (struct vici_line *l = list; l; l = l->next) {
        ike_sa_info sa = {.size = sizeof sa};
        bool known = l->sa && v->d->engine && ike_sa_get(v->d->engine, l->sa, &sa) == IKE_OK;
        for (struct vici_client *c = v->clients; c; c = c->next) {
            if (!c->gone) {
                tell(c, l, known ? &sa : NULL);
            }
        }
    }
    drop_lines(list);
}
