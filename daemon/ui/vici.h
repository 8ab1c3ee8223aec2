/* SPDX-License-Identifier: ISC
 *
 * vici.h - the parts of the control socket: server and clients (vici.c), commands (vici_cmd.c), lists (vici_list.c), actions
 * that wait for an outcome (vici_act.c), what both are about (vici_filter.c), events (vici_event.c, vici_log.c, vici_known.c),
 * and the form of what is told (vici_form.c, vici_names.c).
 *
 * Nobody waits for a client. What a client has not read yet is kept in its own bounded queue: lists go on when the queue has
 * drained, log lines are dropped and counted, and who misses a change of state is disconnected.
 */
#ifndef IKELIBD_VICI_H
#define IKELIBD_VICI_H

#include "daemon.h"
#include "vici_msg.h"

#define VICI_CLIENTS_MAX 64
#define VICI_LOW         (64u << 10)  /* lists pause above so many octets in the queue */
#define VICI_LOG         (256u << 10) /* log lines are dropped above */
#define VICI_HIGH        (2u << 20)   /* the client is disconnected above */
#define VICI_LINES       1000         /* log lines that wait to be sent */

/* Events a client may register for; the order of names is in vici_event.c. */
enum vici_event_id {
    VICI_EV_LIST_SA,
    VICI_EV_LIST_CONN,
    VICI_EV_LIST_FAILURE,
    VICI_EV_CONTROL_LOG,
    VICI_EV_LOG,
    VICI_EV_IKE_UPDOWN,
    VICI_EV_IKE_REKEY,
    VICI_EV_CHILD_UPDOWN,
    VICI_EV_CHILD_REKEY,
    VICI_EV_FAILURE,
    VICI_EVENTS
};

struct vici_client;
struct vici_job;

/* What a command does after its request has been looked at. Every job ends with vici_answer(). */
struct vici_job_ops {
    /* There is room in the queue again, or a turn of the loop went by. NULL: nothing to produce. */
    void (*produce)(struct vici_job *j);
    void (*event)(struct vici_job *j, const ike_event *ev);
    /* Whether a log line of this connection (0: not known) concerns it, at this level of VICI. */
    bool (*wants_line)(struct vici_job *j, ike_conn_id conn, int level);
    void (*free)(struct vici_job *j);
};
struct vici_job { /* embedded at the beginning of the command's own struct */
    const struct vici_job_ops *ops;
    struct vici_client *client;
    struct loop_timer timer;
};

struct vici_client {
    struct vici_client *next;
    struct vici *v;
    int fd;
    bool gone; /* to be freed when nobody is inside it */
    bool saw_eof;
    bool holds;        /* something to read waits until the command has ended */
    uint32_t watched;  /* what epoll looks for */
    uint32_t events;   /* 1 << vici_event_id */
    uint64_t log_lost; /* lines dropped since the last one sent */
    struct vici_job *job;
    uint8_t *in;
    size_t in_len, in_cap;
    uint8_t *out;
    size_t out_at, out_len, out_cap; /* out_at: already sent */
};

struct vici_line {
    struct vici_line *next;
    ike_log_class cls;
    ike_log_level level;
    ike_sa_id sa;
    char text[];
};

struct vici {
    struct ikelibd *d;
    int fd;
    char path[108];
    uint64_t dev, ino; /* of the socket file we made */
    struct vici_client *clients;
    size_t n_clients;
    struct vici_buf buf; /* for the frame being made */
    struct loop_task later;
    struct log_sink sink;
    bool sink_on;
    struct event_listener listener;
    struct vici_line *lines, **last_line;
    size_t n_lines;
    uint64_t lines_lost;
    struct vici_known *known; /* SAs as they were last seen, while somebody wants to hear of their end */
};

/* ---- vici.c ----------------------------------------------------------------------------------------------------------- */

static inline size_t vici_queued(const struct vici_client *c) { return c->out_len - c->out_at; }
/* Queue the frame in v->buf. A frame that cannot be made or kept ends the client. */
void vici_send(struct vici_client *c);
/* Queue the response in v->buf; the job, if any, is over and the next request may come. */
void vici_answer(struct vici_client *c);
void vici_answer_ok(struct vici_client *c);
void vici_answer_error(struct vici_client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The command goes on after this call. */
void vici_start_job(struct vici_client *c, struct vici_job *j, const struct vici_job_ops *ops);
/* Call produce() in the next turn of the loop. */
void vici_again(struct vici_job *j);
static inline bool vici_registered(const struct vici_client *c, enum vici_event_id e) { return (c->events >> e & 1) != 0; }

/* ---- vici_cmd.c, vici_list.c, vici_act.c --------------------------------------------------------------------------------
 */

/* Run a command; false if there is none of that name. It answers, or starts a job. */
bool vici_command(struct vici_client *c, struct vici_text name, struct vici_text request);
void vici_list_sas(struct vici_client *c, struct vici_text request);
void vici_list_conns(struct vici_client *c, struct vici_text request);
void vici_list_failures(struct vici_client *c, struct vici_text request);
void vici_initiate(struct vici_client *c, struct vici_text request);
void vici_terminate(struct vici_client *c, struct vici_text request);
void vici_rekey(struct vici_client *c, struct vici_text request);

/* ---- vici_filter.c ---------------------------------------------------------------------------------------------------- */

struct vici_filter {
    char ike[64], child[64]; /* names, empty: not asked for */
    uint32_t ike_number, child_number;
    bool has_ike, has_child;
    char error[96];
};
/* What the request names. false: with an error in f; nothing is to be done then. */
bool vici_filter(struct vici_text request, struct vici_filter *f);

/* All IKE SAs; or, where the filter names a connection that is known, those of it alone. Zeroed before the first call; what comes
 * and goes meanwhile does no harm. */
struct vici_walk {
    bool begun, one;
    uint64_t after; /* the last one seen */
    uint64_t *ids;  /* of one connection */
    size_t n, at;
    uint64_t *children; /* what vici_walk_children gave, and room for */
    size_t cap;
    bool no_memory;
};
bool vici_walk_next(struct vici_walk *w, const ike_engine *e, const struct vici_filter *f, ike_sa_info *sa);
/* The children of one of them, in w->children. Their number. */
size_t vici_walk_children(struct vici_walk *w, const ike_engine *e, ike_sa_id sa);
void vici_walk_end(struct vici_walk *w);

/* ---- vici_event.c, vici_log.c
 * ------------------------------------------------------------------------------------------------------- */

int vici_event_find(struct vici_text name); /* vici_event_id, -1: none */
const char *vici_event_name(enum vici_event_id e);
void vici_events_open(struct vici *v);
void vici_events_close(struct vici *v);
/* Who listens has changed: start or stop listening ourselves. */
void vici_events_update(struct vici *v);
/* Whether any client has registered for one of these events (bits). */
bool vici_wanted(const struct vici *v, uint32_t events);
void vici_log_open(struct vici *v);
void vici_log_close(struct vici *v);
void vici_log_update(struct vici *v);
/* Hand out the log lines that wait; before an answer, so that they come first. */
void vici_flush_lines(struct vici *v);

/* ---- vici_known.c -------------------------------------------------------------------------------------------------------
 */

/* When an SA's end is told the engine does not know it any more; this is a copy of what was last seen of it. */
void vici_known_update(struct vici *v, bool wanted);
void vici_known_sa_up(struct vici *v, const ike_sa_info *sa);
void vici_known_child_up(struct vici *v, const ike_child_info *k);
/* false: never seen. The views hold until it is forgotten. */
bool vici_known_sa(struct vici *v, ike_sa_id id, ike_sa_info *out);
bool vici_known_child(struct vici *v, ike_child_id id, ike_child_info *out);
void vici_known_sa_forget(struct vici *v, ike_sa_id id);
void vici_known_child_forget(struct vici *v, ike_child_id id);

/* ---- vici_form.c, vici_names.c -------------------------------------------------------------------------------------------
 */

/* The keys of one IKE SA, without the section around them and without its children. */
void vici_form_sa(struct vici_buf *b, const ike_sa_info *sa, ike_time now);
void vici_form_child(struct vici_buf *b, const ike_child_info *k, ike_time now);
void vici_form_conn(struct vici_buf *b, struct ikelibd *d, const ike_conn_info *c);
void vici_form_failure(struct vici_buf *b, const ike_failure *f, ike_time now);

const char *vici_sa_state(unsigned state);
const char *vici_child_state(unsigned state);
/* The names strongSwan gives transforms; NULL: none has been negotiated. Unknown ids are numbers in `out`. */
const char *vici_encr_name(unsigned id, char *out, size_t n);
const char *vici_integ_name(unsigned id, char *out, size_t n);
const char *vici_prf_name(unsigned id, char *out, size_t n);
const char *vici_ke_name(unsigned id, char *out, size_t n);
const char *vici_log_group(ike_log_class cls);
int vici_log_level(ike_log_level level);

#endif
