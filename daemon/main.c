/* SPDX-License-Identifier: ISC
 *
 * main.c - the life of ikelibd: read, open, run, close.
 */
#include "app/app.h"
#include "config.h"
#include "daemon.h"
#include "options.h"
#include "sysdep/resolve.h"
#include "transport/udp.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- Log to stderr -------------------------------------------------------------------------------------------------------- */

static void stderr_line(void *arg, const struct log_line *l)
{
    static const char *const names[] = {"ERROR", "WARN ", "info ", "debug", "trace"};
    const bool *journal = arg;
    if (*journal) {
        static const int priority[] = {3, 4, 6, 7, 7}; /* sd-daemon(3) */
        fprintf(stderr, "<%d>%s\n", priority[l->level], l->text);
        return;
    }
    char when[32] = "";
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (localtime_r(&ts.tv_sec, &tm) != NULL) {
        strftime(when, sizeof(when), "%H:%M:%S", &tm);
    }
    fprintf(stderr, "%s.%03ld %s %s\n", when, ts.tv_nsec / 1000000, names[l->level], l->text);
}

/* ---- Signals -------------------------------------------------------------------------------------------------------------- */

struct signals {
    struct ikelibd *d;
    int fd;
};

static void on_signal(void *arg, uint32_t events)
{
    struct signals *s = arg;
    struct signalfd_siginfo info;
    (void)events;
    while (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            (void)daemon_reload(s->d);
            continue;
        }
        daemon_log(s->d, IKE_LOG_INFO, "%s", s->d->closing ? "ending at once" : "ending: deleting the tunnels");
        daemon_shutdown(s->d);
    }
}

static void signals_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

/* Before anything that takes time: a reload that is asked for meanwhile waits, and does not kill. */
static void signals_block(sigset_t *before)
{
    sigset_t set;
    signals_set(&set);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_BLOCK, &set, before);
}

static int signals_open(struct signals *s)
{
    sigset_t set;
    signals_set(&set);
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->fd < 0 ? -errno : loop_fd_add(s->d->loop, s->fd, EPOLLIN, on_signal, s);
}

/* ---- The engine's turn ---------------------------------------------------------------------------------------------------- */

static ike_time idle(void *arg, ike_time now)
{
    struct ikelibd *d = arg;
    ike_time next = ike_next_timeout(d->engine);
    if (next <= now) {
        (void)ike_tick(d->engine, now);
        next = ike_next_timeout(d->engine);
    }
    if (d->closing) {
        ike_counters c = {.size = sizeof(c)};
        ike_counters_get(d->engine, &c);
        if (c.sas == 0 || now >= d->close_at) {
            loop_stop(d->loop);
        }
        next = d->close_at < next ? d->close_at : next;
    }
    return next;
}

/* ---- Opening -------------------------------------------------------------------------------------------------------------- */

/* The control socket's directory, one level: /run starts empty at each boot. */
static void make_socket_dir(const struct daemon_settings *s)
{
    char dir[sizeof(s->socket_path)];
    snprintf(dir, sizeof(dir), "%s", s->socket_path);
    char *slash = strrchr(dir, '/');
    if (slash != NULL && slash != dir) {
        *slash = 0;
        (void)mkdir(dir, 0755);
    }
}

static int open_engine(struct ikelibd *d, struct config *c)
{
    ike_settings s;
    ike_settings_init(&s);
    config_engine_settings(c, &s);
    d->engine_settings = s;
    d->modules = config_take_modules(c);
    s.crypto = modules_crypto(d->modules);
    daemon_host(d, &s.host);
    s.local_port = d->settings.port;
    s.local_encap_port = d->settings.encap_port;
    int error = ike_engine_new(&d->engine, &s, loop_now(d->loop));
    if (error != IKE_OK) {
        daemon_log(d, IKE_LOG_ERROR, "the engine does not start: %s", ike_strerror(error));
    }
    return error;
}

static int open_all(struct ikelibd *d, struct config *c, struct signals *signals)
{
    make_socket_dir(&d->settings);
    int error = signals_open(signals);
    d->resolver = resolver_new(d->loop);
    if (error != 0 || d->resolver == NULL) {
        daemon_log(d, IKE_LOG_ERROR, "cannot start: %s", strerror(error != 0 ? -error : ENOMEM));
        return -1;
    }
    if (keylog_open(d) != 0 || app_select(d) != 0 || transport_open(d, &d->net) != 0 || open_engine(d, c) != IKE_OK) {
        return -1;
    }
    loop_set_idle(d->loop, idle, d);
    return vici_start(d, d->settings.socket_path);
}

static void close_all(struct ikelibd *d)
{
    vici_stop(d);
    loop_set_idle(d->loop, NULL, NULL);
    /* Takes the SAs out of the data plane. */
    ike_engine_free(d->engine);
    d->engine = NULL;
    if (d->resolver != NULL) {
        daemon_conns_free(d);
    }
    if (d->app != NULL) {
        d->app->ops->close(d->app);
        d->app = NULL;
    }
    modules_close(d->modules);
    d->modules = NULL;
    transport_close(d->net);
    resolver_free(d->resolver);
    if (d->keylog_fd >= 0) {
        close(d->keylog_fd);
    }
}

/* `first` becomes d->config when it has been applied; until then it is ours. */
static int run(struct ikelibd *d, struct config *first)
{
    struct signals signals = {d, -1};
    int status = 1;
    if (open_all(d, first, &signals) == 0 && config_apply(d, first) == IKE_OK) {
        daemon_log(d, IKE_LOG_INFO, "ikelibd %s is ready: ports %u and %u, control socket %s", ike_version(), d->settings.port,
                   d->settings.encap_port, d->settings.socket_path);
        int error = loop_run(d->loop);
        if (error != 0) {
            daemon_log(d, IKE_LOG_ERROR, "the event loop failed: %s", strerror(-error));
        }
        status = error != 0;
    }
    close_all(d);
    config_free(d->config != NULL ? d->config : first);
    if (signals.fd >= 0) {
        close(signals.fd);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct options o;
    sigset_t before;
    signals_block(&before);
    int status = options_parse(argc, argv, &o);
    if (status >= 0) {
        return status;
    }
    if (ike_crypto_global_init() != IKE_OK) {
        fputs("ikelibd: the crypto libraries do not start\n", stderr);
        return 1;
    }
    if (o.check != NULL) {
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return config_check(o.check, stdout, stderr);
    }
    struct ikelibd d = {.config_path = o.config, .options = &o, .keylog_fd = -1, .started_wall = (int64_t)time(NULL)};
    bool journal = log_is_journal(getenv("JOURNAL_STREAM"), STDERR_FILENO);
    struct log_sink sink = {.level = IKE_LOG_INFO, .line = stderr_line, .arg = &journal};
    d.loop = loop_new();
    if (d.loop == NULL) {
        fprintf(stderr, "ikelibd: %s\n", strerror(errno));
        return 1;
    }
    d.started = loop_now(d.loop);
    log_sink_add(&d, &sink);
    d.console = &sink;
    daemon_settings_init(&d.settings);
    struct config *first = NULL;
    status = 1;
    if (config_read(&d, o.config, &d.settings, &first) == IKE_OK) {
        options_apply(&o, &d.settings);
        sink.level = d.settings.log_level;
        status = run(&d, first);
    }
    loop_free(d.loop);
    return status;
}
