/* SPDX-License-Identifier: ISC
 *
 * client.c - requests to the daemon over its control socket.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int client_open(struct client *c, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    c->path = path;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
    } else if (c->fd >= 0) {
        strcpy(addr.sun_path, path);
        if (connect(c->fd, (const struct sockaddr *)&addr, sizeof addr) == 0) {
            return CTL_OK;
        }
    }
    fprintf(stderr, "ikelibctl: %s: %s%s\n", path, strerror(errno),
            errno == ENOENT || errno == ECONNREFUSED ? "; is ikelibd running?"
            : errno == EACCES                        ? "; only root and the daemon's user may control it"
                                                     : "");
    client_close(c);
    return CTL_NO_DAEMON;
}

void client_close(struct client *c)
{
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}

static int broken(const struct client *c, const char *why)
{
    fprintf(stderr, "ikelibctl: %s: %s\n", c->path, why);
    return CTL_NO_DAEMON;
}

static int put(struct client *c, struct vici_buf *b)
{
    if (!vici_finish(b)) {
        return broken(c, "the request is too long");
    }
    for (size_t at = 0; at < b->len;) {
        ssize_t n = send(c->fd, b->p + at, b->len - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return broken(c, strerror(errno));
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return CTL_OK;
}

static int get(struct client *c, uint8_t *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t r = recv(c->fd, p + at, n - at, 0);
        if (r == 0) {
            return broken(c, "the daemon closed the connection");
        }
        if (r < 0 && errno != EINTR) {
            return broken(c, errno == EAGAIN || errno == EWOULDBLOCK ? "the daemon does not answer" : strerror(errno));
        }
        at += r > 0 ? (size_t)r : 0;
    }
    return CTL_OK;
}

/* The next packet; *buffer holds what *out points into. */
static int next(struct client *c, uint8_t **buffer, struct vici_packet *out)
{
    uint8_t head[4];
    *buffer = NULL;
    if (get(c, head, 4) != CTL_OK) {
        return CTL_NO_DAEMON;
    }
    size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (n == 0 || n > VICI_FRAME_MAX || (*buffer = malloc(n)) == NULL) {
        return broken(c, "this is not the control socket of ikelibd");
    }
    if (get(c, *buffer, n) != CTL_OK) {
        return CTL_NO_DAEMON;
    }
    return vici_parse_packet(*buffer, n, out) ? CTL_OK : broken(c, "this is not the control socket of ikelibd");
}

static void event(const struct vici_packet *p, client_event *fn, void *arg)
{
    char name[256];
    struct node *n = fn ? tree_read(p->message) : NULL;
    if (n) {
        memcpy(name, p->name.p, p->name.n);
        name[p->name.n] = 0;
        fn(arg, name, n);
        tree_free(n);
    }
}

static void patience(struct client *c, unsigned seconds)
{
    struct timeval tv = {.tv_sec = (time_t)seconds};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
}

static void wait_quietly(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (c->quiet && poll(&p, 1, CLIENT_QUIET) == 0) {
        c->quiet(c->quiet_arg);
        c->quiet = NULL;
    }
}

/* Until a packet that is no event. */
static int answer(struct client *c, client_event *fn, void *arg, struct vici_packet *p, uint8_t **buffer)
{
    int r;
    wait_quietly(c);
    while ((r = next(c, buffer, p)) == CTL_OK && p->type == VICI_EVENT) {
        event(p, fn, arg);
        free(*buffer);
        wait_quietly(c);
    }
    return r;
}

int client_register(struct client *c, const char *name)
{
    struct vici_buf b = {0};
    struct vici_packet p;
    uint8_t *buffer = NULL;
    vici_begin(&b, VICI_EVENT_REGISTER, name);
    patience(c, 30);
    int r = put(c, &b);
    r = r == CTL_OK ? answer(c, NULL, NULL, &p, &buffer) : r;
    if (r == CTL_OK && p.type != VICI_EVENT_CONFIRM) {
        r = broken(c, "the daemon does not know this event");
    }
    free(buffer);
    vici_buf_free(&b);
    return r;
}

int client_request(struct client *c, struct vici_buf *b, unsigned wait_s, client_event *fn, void *arg, struct node **out)
{
    struct vici_packet p;
    uint8_t *buffer = NULL;
    patience(c, wait_s);
    *out = NULL;
    int r = put(c, b);
    r = r == CTL_OK ? answer(c, fn, arg, &p, &buffer) : r;
    if (r == CTL_OK && p.type != VICI_CMD_RESPONSE) {
        r = broken(c, "the daemon does not know this command");
    }
    if (r == CTL_OK && (*out = tree_read(p.message)) == NULL) {
        r = broken(c, "the daemon's answer is malformed");
    }
    free(buffer);
    return r;
}

int client_listen(struct client *c, client_event *fn, void *arg)
{
    struct vici_packet p;
    uint8_t *buffer;
    patience(c, 0);
    while (next(c, &buffer, &p) == CTL_OK) {
        event(&p, fn, arg);
        free(buffer);
    }
    free(buffer);
    return CTL_NO_DAEMON;
}

static void collect(void *arg, const char *name, struct node *message)
{
    (void)name;
    tree_move(arg, message);
}

/* A failure's message has no section around it: make one of each. */
static void collect_whole(void *arg, const char *name, struct node *message)
{
    struct node *n = calloc(1, sizeof *n), one = {.first = n};
    if (n && (n->name = strdup(name)) != NULL && (n->value = strdup("")) != NULL) {
        n->type = VICI_SECTION_START;
        tree_move(n, message);
        tree_move(arg, &one);
    } else {
        tree_free(n);
    }
}

int client_list(struct client *c, const char *command, const char *name, const char *key, const char *value, struct node *into)
{
    struct vici_buf b = {0};
    struct node *out = NULL;
    int r = client_register(c, name);
    if (r == CTL_OK) {
        vici_begin(&b, VICI_CMD_REQUEST, command);
        if (value) {
            vici_put(&b, key, value);
        }
        r = client_request(c, &b, 60, strcmp(name, "list-failure") == 0 ? collect_whole : collect, into, &out);
    }
    if (r == CTL_OK && tree_find(out, "success") && !tree_yes(out, "success")) { /* a list that is fine has none */
        fprintf(stderr, "ikelibctl: %s\n", tree_str(out, "errmsg"));
        r = CTL_FAILED;
    }
    tree_free(out);
    vici_buf_free(&b);
    return r;
}

/* Asked for by its name: the names of all may be more than one answer holds. */
int client_has_conn(struct client *c, const char *name, bool *yes)
{
    struct node found = {0};
    int r = client_list(c, "list-conns", "list-conn", "ike", name, &found);
    *yes = found.first != NULL;
    tree_free(found.first);
    return r;
}
