/* SPDX-License-Identifier: ISC
 *
 * daemon.h - the parts of ikelibd and where they meet.
 *
 * The daemon is a host of the library: it sees include/ike/ only. It is one thread around one epoll loop; nothing in it
 * blocks. Rule of the library that shapes it: inside a hook (send, log, SADB, questions) no engine call is allowed, so work
 * that needs one is put off with loop_defer(). Event listeners may call the engine.
 */
#ifndef IKELIBD_DAEMON_H
#define IKELIBD_DAEMON_H

#include <ike/ike.h>

#include <netinet/in.h>

#include "loop.h"
#include "table.h"

#define IKELIBD_CONFIG "/etc/ikelibd.conf"
#define IKELIBD_SOCKET "/run/ikelibd/vici"

struct app;       /* data plane back-end, app/app.h */
struct transport; /* UDP sockets, transport/udp.h */
struct resolver;  /* sysdep/resolve.h */
struct vici;      /* ui/, opaque here */
struct config;    /* config.c, opaque here */
struct options;   /* options.h */

/* ---- Settings of the daemon itself (section [daemon]) -------------------------------------------------------------------- */

/* Command line over file over default. Strings are owned by the holder of the struct; NULL: default. */
struct daemon_settings {
    char backend[16];              /* auto, xfrm, pfkey, userspace, none */
    char listen[INET6_ADDRSTRLEN]; /* local address to bind, empty: all */
    uint16_t port, encap_port;     /* default 500, 4500 */
    char socket_path[108];
    char keylog[256]; /* empty: off */
    ike_log_level log_level;
    char tun_name[16]; /* userspace; may hold %d; default "ikelib%d" */
    uint32_t mtu;      /* of the TUN; 0: from the path */
    bool routes;       /* install routes; default true */
    char modules[256]; /* crypto modules, empty: none */
};
void daemon_settings_init(struct daemon_settings *s);

/* ---- Log and events ---------------------------------------------------------------------------------------------------- */

struct log_line {
    ike_log_class cls; /* IKE_LOG_CLASSES: the daemon itself */
    ike_log_level level;
    ike_sa_id sa;     /* 0: none */
    const char *text; /* without newline, peer's octets escaped by whoever made it */
};

/* Both kinds of node are embedded in their owner, who removes them before it goes away. Whoever is called may add or remove any
 * node. Sinks get every line up to their own level. A sink is called inside library hooks: it must not call the engine (a
 * listener may). */
struct log_sink {
    struct log_sink *next;
    ike_log_level level;
    void (*line)(void *arg, const struct log_line *l);
    void *arg;
};

struct event_listener {
    struct event_listener *next;
    void (*event)(void *arg, const ike_event *ev);
    void *arg;
};

/* ---- Connections -------------------------------------------------------------------------------------------------------- */

/* What the daemon keeps per connection beside the engine's settings. */
struct conn_rt {
    struct table_node node; /* by id */
    ike_conn_id id;
    char *name;
    char *remote_name;          /* DNS name to resolve again and again, or NULL */
    ike_addr remote;            /* last result; family 0: not resolved yet */
    struct conn_copy *settings; /* deep copy, for traps and for the start put off until the name is resolved */
    struct loop_timer retry;    /* next attempt to resolve */
    unsigned resolve_fails;     /* in a row */
    char resolve_error[96];     /* why the last one failed; empty: none has, or the name is resolved */
    struct question *question;  /* to the name servers, NULL: none is under way */
    struct ikelibd *d;
};

static inline uint32_t conn_rt_hash(ike_conn_id id) { return table_hash(0, &id, sizeof(id)); }

struct ikelibd {
    struct loop *loop;
    ike_engine *engine;
    struct daemon_settings settings; /* as they count: but for log_level those of the start */
    ike_settings engine_settings;    /* what the engine was made with */
    const struct options *options;   /* the command line, which wins over the file; NULL: nothing is in it */
    const char *config_path;
    struct config *config; /* what is loaded; owned by config.c */
    struct modules *modules; /* what the engine was given besides the default crypto; NULL: nothing */
    struct transport *net;
    struct app *app;
    struct resolver *resolver;
    struct vici *vici;
    struct log_sink *sinks;
    void (*log_level_set)(ike_engine *e, ike_log_class c, ike_log_level level); /* the library's; NULL: none is linked */
    struct log_sink *console; /* one of them: stderr, whose level is settings.log_level; NULL: none */
    struct event_listener *listeners;
    struct walk *walks;   /* walks over these lists that are under way, see log.c */
    struct table conns;   /* conn_rt by id; names are looked up in the engine */
    ike_time started;     /* loop clock */
    int64_t started_wall; /* seconds since 1970 */
    int keylog_fd;        /* -1: off */
    bool closing;         /* engine closed, waiting for the last Delete */
    ike_time close_at;    /* ... but not longer than this */
};

/* The engine's clock: monotonic microseconds, read once per turn of the loop. */
ike_time daemon_now(const struct ikelibd *d);

void daemon_log(struct ikelibd *d, ike_log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void daemon_log_line(struct ikelibd *d, const struct log_line *l); /* to all sinks */
void log_sink_add(struct ikelibd *d, struct log_sink *s);
void log_sink_remove(struct ikelibd *d, struct log_sink *s);
/* The level of a sink that is in the list has changed: the engine's follows the deepest. */
void log_level_update(struct ikelibd *d);
void event_listener_add(struct ikelibd *d, struct event_listener *l);
void event_listener_remove(struct ikelibd *d, struct event_listener *l);
void daemon_event(struct ikelibd *d, const ike_event *ev); /* to all listeners */
int log_level_parse(const char *text, ike_log_level *out); /* error warn info debug trace */
/* Whether fd leads to the journal: $JOURNAL_STREAM names its device and inode (systemd.exec(5)). That it is set says nothing, as
 * every shell started from a service inherits it. */
bool log_is_journal(const char *stream, int fd);

/* Add the connection, or replace the one of this name. The back-end's needs are met here: `encap` is set where it must be,
 * traps of on-demand children and names as remote are looked after. remote_name: DNS name, or NULL when s->remote counts.
 * Result of ike_conn_add / ike_conn_replace. */
int daemon_conn_put(struct ikelibd *d, const ike_conn_settings *s, const char *remote_name, bool close_changed);
/* Its SAs are deleted. IKE_ERR_NOT_FOUND. */
int daemon_conn_drop(struct ikelibd *d, const char *name);
struct conn_rt *daemon_conn_find(struct ikelibd *d, const char *name);
struct conn_rt *daemon_conn_by_id(struct ikelibd *d, ike_conn_id id);

/* Read the configuration file again and apply it (SIGHUP, VICI reload). On error nothing changes. */
int daemon_reload(struct ikelibd *d);
/* Begin an orderly end, as SIGTERM does. */
void daemon_shutdown(struct ikelibd *d);

/* host.c: the callbacks the engine is given. */
void daemon_host(struct ikelibd *d, ike_host *h);
/* keylog.c: open the file of settings.keylog, if there is one, into keylog_fd. 0, or -1: logged. */
int keylog_open(struct ikelibd *d);
/* conns.c: an attempt of this connection failed, or its peer is gone: a name may stand for another address by now. */
void daemon_conn_failed(struct ikelibd *d, ike_conn_id id);
/* conns.c: forget all connections (after the engine is gone). */
void daemon_conns_free(struct ikelibd *d);
/* checks.c: say what would keep the children of this connection from working on this host. */
void daemon_check_host(struct ikelibd *d, const ike_conn_settings *s);

struct daemon_stats {
    uint64_t uptime_s;
    int64_t started_wall;
    const char *backend;
    uint64_t datagrams_in, datagrams_out, datagrams_dropped, send_errors, keepalives_in;
    uint64_t esp_in, esp_out, esp_dropped, esp_queued; /* user-space data plane; else 0 */
    struct {
        const char *reason;
        uint64_t count;
    } drops[24]; /* data plane and transport, by reason */
    size_t n_drops;
    uint64_t resident_bytes;
};
void daemon_stats(struct ikelibd *d, struct daemon_stats *out);

/* ---- config.c (configuration file -> connections) ------------------------------------------------------------------------ */

/* Parse and validate the whole file. Each error goes to daemon_log as "file:line: ..."; IKE_ERR_INVALID then. d->engine may
 * be NULL (--check). Settings of the section [daemon] that are present overwrite those in *s. */
int config_read(struct ikelibd *d, const char *path, struct daemon_settings *s, struct config **out);
/* Make the engine's connections equal to `c`: daemon_conn_put / _drop for what differs; takes ownership of c on success. */
int config_apply(struct ikelibd *d, struct config *c);
void config_free(struct config *c);

/* ---- ui/ ------------------------------------------------------------------------------------------------------------------ */

/* Listen on the control socket. Errors are logged. */
int vici_start(struct ikelibd *d, const char *socket_path);
/* Close all clients and remove the socket; also safe when not started. */
void vici_stop(struct ikelibd *d);

#endif
