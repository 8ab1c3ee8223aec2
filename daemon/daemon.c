/* SPDX-License-Identifier: ISC
 *
 * daemon.c - what can be asked of the running daemon: reload, end, figures.
 */
#include "daemon.h"

#include "app/app.h"
#include "config.h"
#include "options.h"
#include "transport/udp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

ike_time daemon_now(const struct ikelibd *d) { return loop_now(d->loop); }

/* ---- Reload --------------------------------------------------------------------------------------------------------------- */

/* What is decided once at start; a changed value waits for the next one. */
static void warn_restart(void *arg, const char *tag)
{
    if (strcmp(tag, "log") != 0) {
        daemon_log(arg, IKE_LOG_WARN, "[daemon] %s changed: it counts from the next start", tag);
    }
}

/* Compared with what runs and not with the last file: what has not been done yet is said again. */
static void take_settings(struct ikelibd *d, const struct daemon_settings *s, const struct config *c)
{
    ike_settings engine;
    ike_config_daemon runs = config_daemon_view(&d->settings), is = config_daemon_view(s);
    ike_settings_init(&engine);
    config_engine_settings(c, &engine);
    ike_config_daemon_diff(&runs, &d->engine_settings, &is, &engine, warn_restart, d);
    d->settings.log_level = s->log_level;
    if (d->console != NULL) {
        d->console->level = s->log_level;
        log_level_update(d);
    }
}

int daemon_reload(struct ikelibd *d)
{
    struct daemon_settings s;
    struct config *c = NULL;
    daemon_settings_init(&s);
    int error = config_read(d, d->config_path, &s, &c);
    if (error != IKE_OK) {
        daemon_log(d, IKE_LOG_ERROR, "%s is not taken over: what runs goes on unchanged", d->config_path);
        return error;
    }
    if (d->options != NULL) {
        options_apply(d->options, &s);
    }
    error = config_apply(d, c);
    if (error != IKE_OK) {
        config_free(c);
        return error;
    }
    take_settings(d, &s, c);
    daemon_log(d, IKE_LOG_INFO, "%s read again", d->config_path);
    return IKE_OK;
}

/* ---- End ------------------------------------------------------------------------------------------------------------------ */

void daemon_shutdown(struct ikelibd *d)
{
    if (d->closing) {
        loop_stop(d->loop);
        return;
    }
    d->closing = true;
    d->close_at = loop_now(d->loop) + 3 * IKE_SEC;
    (void)ike_engine_close(d->engine, loop_now(d->loop));
}

/* ---- Figures -------------------------------------------------------------------------------------------------------------- */

static uint64_t resident(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f != NULL) {
        if (fscanf(f, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
        fclose(f);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void add_drop(struct daemon_stats *s, const char *reason, uint64_t count)
{
    if (count != 0 && s->n_drops < sizeof(s->drops) / sizeof(s->drops[0])) {
        s->drops[s->n_drops].reason = reason;
        s->drops[s->n_drops++].count = count;
    }
}

void daemon_stats(struct ikelibd *d, struct daemon_stats *out)
{
    *out = (struct daemon_stats){.uptime_s = (loop_now(d->loop) - d->started) / IKE_SEC,
                                 .started_wall = d->started_wall,
                                 .backend = d->app != NULL ? d->app->ops->name : "none",
                                 .resident_bytes = resident()};
    if (d->net != NULL) {
        const struct transport_stats *t = transport_stats_of(d->net);
        out->datagrams_in = t->in;
        out->datagrams_out = t->out;
        out->send_errors = t->send_errors;
        out->keepalives_in = t->keepalives_in;
        out->datagrams_dropped = t->drop_source + t->drop_destination + t->drop_short + t->drop_esp;
        add_drop(out, "udp-source", t->drop_source);
        add_drop(out, "udp-destination", t->drop_destination);
        add_drop(out, "udp-short", t->drop_short);
        add_drop(out, "udp-esp", t->drop_esp);
    }
    if (d->app != NULL && d->app->ops->stats != NULL) {
        d->app->ops->stats(d->app, out);
    }
}
