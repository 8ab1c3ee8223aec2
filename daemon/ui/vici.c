/* SPDX-License-Identifier: ISC
 *
 * vici.c - the control socket: who is connected, what they send, what waits for them.
 */
#include "vici.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_STEP 4096

/* ---- Sending ---------------------------------------------------------------------------------------------------------- */

/* Freed later: somebody up the stack may still look at it. */
static void drop(struct vici_client *c)
{
    if (!c->gone) {
        c->gone = true;
        loop_fd_del(c->v->d->loop, c->fd);
        close(c->fd);
        c->fd = -1;
        loop_defer(c->v->d->loop, &c->v->later);
    }
}

static void watch(struct vici_client *c)
{
    c->holds = c->holds && c->job;
    uint32_t events = (c->holds || c->saw_eof ? 0u : (uint32_t)EPOLLIN) | (vici_queued(c) ? (uint32_t)EPOLLOUT : 0u);
    if (events != c->watched && loop_fd_events(c->v->d->loop, c->fd, events) == 0) {
        c->watched = events;
    }
}

static void flush(struct vici_client *c)
{
    while (!c->gone && vici_queued(c)) {
        ssize_t n = send(c->fd, c->out + c->out_at, vici_queued(c), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            c->out_at += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
                drop(c);
            }
            break;
        }
    }
    if (c->out_at == c->out_len) {
        c->out_at = c->out_len = 0;
        if (c->out_cap > VICI_LOW) { /* a burst is over: do not keep its memory */
            free(c->out);
            c->out = NULL;
            c->out_cap = 0;
        }
    }
}

static bool grow_out(struct vici_client *c, size_t n)
{
    if (c->out_at) {
        memmove(c->out, c->out + c->out_at, vici_queued(c));
        c->out_len -= c->out_at;
        c->out_at = 0;
    }
    if (c->out_len + n > c->out_cap) {
        size_t cap = c->out_cap ? c->out_cap : 4096;
        while (cap < c->out_len + n) {
            cap *= 2;
        }
        uint8_t *p = realloc(c->out, cap);
        if (p == NULL) {
            return false;
        }
        c->out = p;
        c->out_cap = cap;
    }
    return true;
}

void vici_send(struct vici_client *c)
{
    struct vici_buf *b = &c->v->buf;
    if (c->gone) {
        return;
    }
    if (!vici_finish(b) || vici_queued(c) + b->len > VICI_HIGH || !grow_out(c, b->len)) {
        daemon_log(c->v->d, IKE_LOG_WARN, "control: a client is disconnected: %s",
                   b->bad ? "an answer does not fit" : "it does not read");
        drop(c);
        return;
    }
    memcpy(c->out + c->out_len, b->p, b->len);
    c->out_len += b->len;
    loop_defer(c->v->d->loop, &c->v->later); /* sent when the callback has returned */
}

/* ---- Answers ---------------------------------------------------------------------------------------------------------- */

/* Of what clients listen to only control-log is about a job. */
static void job_changed(const struct vici_client *c)
{
    if (vici_registered(c, VICI_EV_CONTROL_LOG)) {
        vici_log_update(c->v);
    }
}

static void end_job(struct vici_client *c)
{
    struct vici_job *j = c->job;
    if (j) {
        c->job = NULL;
        loop_timer_cancel(&j->timer);
        j->ops->free(j);
        job_changed(c);
    }
}

void vici_answer(struct vici_client *c)
{
    vici_send(c);
    end_job(c);
    loop_defer(c->v->d->loop, &c->v->later); /* looks for the next request */
}

void vici_answer_ok(struct vici_client *c)
{
    vici_flush_lines(c->v);
    vici_begin(&c->v->buf, VICI_CMD_RESPONSE, NULL);
    vici_put(&c->v->buf, "success", "yes");
    vici_answer(c);
}

void vici_answer_error(struct vici_client *c, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    vici_flush_lines(c->v);
    vici_begin(&c->v->buf, VICI_CMD_RESPONSE, NULL);
    vici_put(&c->v->buf, "success", "no");
    vici_put(&c->v->buf, "errmsg", text);
    vici_answer(c);
}

static void on_again(void *arg)
{
    struct vici_job *j = arg;
    if (j->ops->produce && vici_queued(j->client) < VICI_LOW) {
        j->ops->produce(j);
    }
}

void vici_start_job(struct vici_client *c, struct vici_job *j, const struct vici_job_ops *ops)
{
    j->ops = ops;
    j->client = c;
    c->job = j;
    loop_timer_init(&j->timer, on_again, j);
    job_changed(c);
}

/* Due "now" would be run again in this turn. */
void vici_again(struct vici_job *j) { loop_timer_set(j->client->v->d->loop, &j->timer, daemon_now(j->client->v->d) + 1); }

/* ---- Requests --------------------------------------------------------------------------------------------------------- */

static void reply(struct vici_client *c, enum vici_packet_type type)
{
    vici_begin(&c->v->buf, type, NULL);
    vici_send(c);
}

static void registration(struct vici_client *c, const struct vici_packet *p)
{
    int e = vici_event_find(p->name);
    if (e < 0) {
        reply(c, VICI_EVENT_UNKNOWN);
        return;
    }
    uint32_t bit = 1u << e;
    c->events = p->type == VICI_EVENT_REGISTER ? c->events | bit : c->events & ~bit;
    reply(c, VICI_EVENT_CONFIRM);
    vici_events_update(c->v);
}

static void packet(struct vici_client *c, const uint8_t *bytes, size_t n)
{
    struct vici_packet p;
    if (!vici_parse_packet(bytes, n, &p) || !vici_valid(p.message)) {
        daemon_log(c->v->d, IKE_LOG_WARN, "control: a client is disconnected: it sent %zu octets that are no VICI packet", n);
        drop(c);
    } else if (p.type == VICI_EVENT_REGISTER || p.type == VICI_EVENT_UNREGISTER) {
        registration(c, &p);
    } else if (p.type != VICI_CMD_REQUEST) {
        drop(c); /* clients send nothing else */
    } else if (!vici_command(c, p.name, p.message)) {
        reply(c, VICI_CMD_UNKNOWN);
    }
}

static size_t frame_length(const uint8_t *p) { return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]; }

/* Every whole request, one after the other: the next one when the last is answered. */
static void serve(struct vici_client *c)
{
    size_t at = 0;
    while (!c->gone && c->job == NULL && c->in_len - at >= 4 && vici_queued(c) < VICI_LOW) {
        size_t n = frame_length(c->in + at);
        if (n == 0 || n > VICI_FRAME_MAX) {
            daemon_log(c->v->d, IKE_LOG_WARN, "control: a client is disconnected: it announced a packet of %zu octets", n);
            drop(c);
        } else if (c->in_len - at - 4 < n) {
            break;
        } else {
            packet(c, c->in + at + 4, n);
            at += 4 + n;
        }
    }
    if (at) {
        memmove(c->in, c->in + at, c->in_len - at);
        c->in_len -= at;
    }
}

/* At most one frame and a bit is kept. */
static bool room_to_read(struct vici_client *c)
{
    size_t want = c->in_len + READ_STEP;
    if (c->in_len >= 4 && frame_length(c->in) <= VICI_FRAME_MAX && frame_length(c->in) + 4 > want) {
        want = frame_length(c->in) + 4;
    }
    if (want > VICI_FRAME_MAX + 4 + READ_STEP) {
        return false;
    }
    if (want > c->in_cap) {
        uint8_t *p = realloc(c->in, want);
        if (p == NULL) {
            return false;
        }
        c->in = p;
        c->in_cap = want;
    }
    return true;
}

static void receive(struct vici_client *c)
{
    if (!room_to_read(c)) {
        drop(c);
        return;
    }
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, MSG_DONTWAIT);
    if (n > 0) {
        c->in_len += (size_t)n;
        serve(c);
    } else if (n == 0) {
        c->saw_eof = true; /* what it asked for may still be read */
        if (vici_queued(c) == 0 && c->job == NULL) {
            drop(c);
        }
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        drop(c);
    }
}

static void on_client(void *arg, uint32_t events)
{
    struct vici_client *c = arg;
    if (events & EPOLLOUT) {
        flush(c);
    }
    /* While a command runs nothing is read: the next one waits in the socket. A peer that goes away is told anyway. */
    if (c->job) {
        c->holds = c->holds || (events & EPOLLIN);
    } else if (!c->gone && (events & EPOLLIN)) {
        receive(c);
    }
    if (events & (EPOLLHUP | EPOLLERR)) { /* nobody will read an answer; what was asked for has begun */
        drop(c);
    }
    loop_defer(c->v->d->loop, &c->v->later);
}

/* ---- After each callback --------------------------------------------------------------------------------------------------
 */

static void free_client(struct vici_client *c)
{
    struct vici *v = c->v;
    c->events = 0;
    end_job(c);
    vici_events_update(v);
    if (!c->gone) {
        drop(c);
    }
    v->n_clients--;
    free(c->in);
    free(c->out);
    free(c);
}

static void reap(struct vici *v)
{
    for (struct vici_client **p = &v->clients; *p;) {
        struct vici_client *c = *p;
        if (c->gone) {
            *p = c->next;
            free_client(c);
        } else {
            p = &c->next;
        }
    }
}

/* Log lines go out, requests that waited are served, lists go on, all is sent as far as it can be. */
static void later(void *arg)
{
    struct vici *v = arg;
    vici_flush_lines(v);
    for (struct vici_client *c = v->clients; c; c = c->next) {
        if (!c->gone && c->job == NULL) {
            serve(c);
        }
        flush(c);
        if (!c->gone && c->job && c->job->ops->produce && vici_queued(c) < VICI_LOW) {
            vici_again(c->job);
        }
        if (!c->gone && c->saw_eof && c->job == NULL && vici_queued(c) == 0) {
            drop(c);
        }
        if (!c->gone) {
            watch(c);
        }
    }
    reap(v);
}

/* ---- Listening ------------------------------------------------------------------------------------------------------------
 */

static void on_accept(void *arg, uint32_t events)
{
    struct vici *v = arg;
    (void)events;
    int fd = accept4(v->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    struct vici_client *c = v->n_clients < VICI_CLIENTS_MAX ? calloc(1, sizeof *c) : NULL;
    if (c == NULL || loop_fd_add(v->d->loop, fd, EPOLLIN, on_client, c) != 0) {
        daemon_log(v->d, IKE_LOG_WARN, "control: a client is turned away: %s",
                   v->n_clients < VICI_CLIENTS_MAX ? "out of memory" : "there are too many");
        close(fd);
        free(c);
        return;
    }
    c->v = v;
    c->fd = fd;
    c->watched = EPOLLIN;
    c->next = v->clients;
    v->clients = c;
    v->n_clients++;
}

/* A socket somebody listens on is theirs; one that nobody answers on was left behind. */
static int clear_path(struct ikelibd *d, const struct sockaddr_un *addr)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) < 0) {
        return 0; /* bind() says what is wrong with the path, if anything is */
    }
    if (!S_ISSOCK(st.st_mode)) {
        daemon_log(d, IKE_LOG_ERROR, "control socket %s: something else is in its place", addr->sun_path);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)addr, sizeof *addr), error = errno;
    struct ucred who = {0};
    socklen_t len = sizeof who;
    if (fd >= 0) {
        (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
        close(fd);
    }
    if (r == 0 || error != ECONNREFUSED) {
        daemon_log(d, IKE_LOG_ERROR, "control socket %s: in use by another process (pid %d)", addr->sun_path,
                   r == 0 ? (int)who.pid : 0);
        return -1;
    }
    return unlink(addr->sun_path) < 0 && errno != ENOENT ? -1 : 0;
}

static int listen_at(struct vici *v, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof addr.sun_path) {
        daemon_log(v->d, IKE_LOG_ERROR, "control socket %s: the path is too long", path);
        return -1;
    }
    strcpy(addr.sun_path, path);
    if (clear_path(v->d, &addr) != 0) {
        return -1;
    }
    v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177); /* only the owner, from the first moment on */
    int r = v->fd < 0 ? -1 : bind(v->fd, (const struct sockaddr *)&addr, sizeof addr);
    int error = errno;
    umask(mask);
    if (r == 0) {
        strcpy(v->path, path);
        if (stat(path, &st) == 0) {
            v->dev = st.st_dev;
            v->ino = st.st_ino;
        }
        r = listen(v->fd, 16);
        error = errno;
    }
    if (r < 0) {
        daemon_log(v->d, IKE_LOG_ERROR, "control socket %s: %s", path, strerror(error));
        return -1;
    }
    return loop_fd_add(v->d->loop, v->fd, EPOLLIN, on_accept, v);
}

int vici_start(struct ikelibd *d, const char *socket_path)
{
    struct vici *v = calloc(1, sizeof *v);
    if (v == NULL) {
        daemon_log(d, IKE_LOG_ERROR, "control socket: out of memory");
        return -1;
    }
    v->d = d;
    v->fd = -1;
    d->vici = v;
    loop_task_init(&v->later, later, v);
    vici_events_open(v);
    if (listen_at(v, socket_path) != 0) {
        vici_stop(d);
        return -1;
    }
    return 0;
}

void vici_stop(struct ikelibd *d)
{
    struct vici *v = d->vici;
    struct stat st;
    if (v == NULL) {
        return;
    }
    while (v->clients) {
        struct vici_client *c = v->clients;
        v->clients = c->next;
        free_client(c);
    }
    vici_events_close(v);
    if (v->fd >= 0) {
        loop_fd_del(d->loop, v->fd);
        close(v->fd);
    }
    if (v->path[0] && stat(v->path, &st) == 0 && st.st_dev == v->dev && st.st_ino == v->ino) {
        (void)unlink(v->path);
    }
    loop_task_cancel(d->loop, &v->later);
    vici_buf_free(&v->buf);
    d->vici = NULL;
    free(v);
}
