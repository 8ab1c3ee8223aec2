/* SPDX-License-Identifier: ISC
 *
 * log.c - log lines and events to everyone who listens.
 */
#include "daemon.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A walk over one of the lists. Who removes a node moves the walks that would step on it; walks nest when a listener's
 * action makes new lines or events. */
struct walk {
    struct walk *outer;
    void *next;
};

static void step_over(struct ikelibd *d, const void *node, void *next)
{
    for (struct walk *w = d->walks; w != NULL; w = w->outer) {
        if (w->next == node) {
            w->next = next;
        }
    }
}

/* ---- Log ------------------------------------------------------------------------------------------------------------------ */

/* What nobody wants to hear the engine need not even put into words. */
void log_level_update(struct ikelibd *d)
{
    ike_log_level deepest = IKE_LOG_ERROR;
    for (const struct log_sink *s = d->sinks; s != NULL; s = s->next) {
        deepest = s->level > deepest ? s->level : deepest;
    }
    if (d->engine != NULL && d->log_level_set != NULL) {
        d->log_level_set(d->engine, IKE_LOG_CLASSES, deepest);
    }
}

void log_sink_add(struct ikelibd *d, struct log_sink *s)
{
    s->next = d->sinks;
    d->sinks = s;
    log_level_update(d);
}

void log_sink_remove(struct ikelibd *d, struct log_sink *s)
{
    for (struct log_sink **p = &d->sinks; *p != NULL; p = &(*p)->next) {
        if (*p == s) {
            step_over(d, s, s->next);
            *p = s->next;
            log_level_update(d);
            return;
        }
    }
}

void daemon_log_line(struct ikelibd *d, const struct log_line *l)
{
    struct walk w = {d->walks, d->sinks};
    d->walks = &w;
    while (w.next != NULL) {
        struct log_sink *s = w.next;
        w.next = s->next;
        if (l->level <= s->level) {
            s->line(s->arg, l);
        }
    }
    d->walks = w.outer;
}

void daemon_log(struct ikelibd *d, ike_log_level level, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    struct log_line l = {.cls = IKE_LOG_CLASSES, .level = level, .text = text};
    daemon_log_line(d, &l);
}

int log_level_parse(const char *text, ike_log_level *out)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (ike_log_level)i;
            return IKE_OK;
        }
    }
    return IKE_ERR_INVALID;
}

bool log_is_journal(const char *stream, int fd)
{
    uintmax_t device, inode;
    struct stat st;
    return stream != NULL && sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 && fstat(fd, &st) == 0 &&
           device == st.st_dev && inode == st.st_ino;
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

void event_listener_add(struct ikelibd *d, struct event_listener *l)
{
    l->next = d->listeners;
    d->listeners = l;
}

void event_listener_remove(struct ikelibd *d, struct event_listener *l)
{
    for (struct event_listener **p = &d->listeners; *p != NULL; p = &(*p)->next) {
        if (*p == l) {
            step_over(d, l, l->next);
            *p = l->next;
            return;
        }
    }
}

void daemon_event(struct ikelibd *d, const ike_event *ev)
{
    struct walk w = {d->walks, d->listeners};
    d->walks = &w;
    while (w.next != NULL) {
        struct event_listener *l = w.next;
        w.next = l->next;
        l->event(l->arg, ev);
    }
    d->walks = w.outer;
}
