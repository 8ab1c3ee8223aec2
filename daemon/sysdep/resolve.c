/* SPDX-License-Identifier: ISC
 *
 * resolve.c - names to addresses without blocking.
 *
 * A process rather than a thread: what the system's resolver modules do with memory, locks and signals stays outside the
 * daemon, and a question that hangs can be killed. The child writes one struct answer into a pipe and ends.
 */
#include "sysdep/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
    uint32_t n;
    char error[64];
    ike_addr list[RESOLVE_MAX];
};

struct question {
    struct question *next;
    struct resolver *r;
    pid_t pid;
    int fd;
    size_t got;
    struct answer answer;
    struct loop_timer timer;
    resolve_fn *fn;
    void *arg;
};

struct resolver {
    struct loop *loop;
    struct question *questions;
};

struct resolver *resolver_new(struct loop *l)
{
    struct resolver *r = calloc(1, sizeof(*r));
    if (r != NULL) {
        r->loop = l;
    }
    return r;
}

/* ---- The child ------------------------------------------------------------------------------------------------------------ */

static void look_up(const char *name, struct answer *a)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    int error = getaddrinfo(name, NULL, &hints, &list);
    if (error != 0) {
        snprintf(a->error, sizeof(a->error), "%s", gai_strerror(error));
        return;
    }
    for (struct addrinfo *i = list; i != NULL && a->n < RESOLVE_MAX; i = i->ai_next) {
        ike_addr *out = &a->list[a->n];
        if (i->ai_family == AF_INET) {
            *out = (ike_addr){.family = 4};
            memcpy(out->ip, &((struct sockaddr_in *)(void *)i->ai_addr)->sin_addr, 4);
            a->n++;
        } else if (i->ai_family == AF_INET6) {
            *out = (ike_addr){.family = 6, .scope = ((struct sockaddr_in6 *)(void *)i->ai_addr)->sin6_scope_id};
            memcpy(out->ip, &((struct sockaddr_in6 *)(void *)i->ai_addr)->sin6_addr, 16);
            a->n++;
        }
    }
    freeaddrinfo(list);
    if (a->n == 0) {
        snprintf(a->error, sizeof(a->error), "no address");
    }
}

/* Nothing of the daemon may live on in the child: a socket kept open here would hold port 500 after the daemon's end. */
static _Noreturn void child_main(const char *name, int fd)
{
    struct answer a = {0};
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (fd != 3) {
        (void)dup2(fd, 3);
    }
    (void)syscall(SYS_close_range, 4U, ~0U, 0U); /* musl has no function for it */
    look_up(name, &a);
    _exit(write(3, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

/* ---- The parent ----------------------------------------------------------------------------------------------------------- */

static void unlink_question(struct question *q)
{
    struct question **p = &q->r->questions;
    while (*p != q) {
        p = &(*p)->next;
    }
    *p = q->next;
    loop_timer_cancel(&q->timer);
    loop_fd_del(q->r->loop, q->fd);
    close(q->fd);
    /* It has written its answer or is of no use any more. */
    (void)kill(q->pid, SIGKILL);
    while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

static void finish(struct question *q, const char *error)
{
    unlink_question(q);
    size_t n = error == NULL && q->answer.n <= RESOLVE_MAX ? q->answer.n : 0;
    q->answer.error[sizeof(q->answer.error) - 1] = 0;
    q->fn(q->arg, q->answer.list, n, n > 0 ? NULL : error != NULL ? error : q->answer.error);
    free(q);
}

static void on_readable(void *arg, uint32_t events)
{
    struct question *q = arg;
    (void)events;
    ssize_t n = read(q->fd, (uint8_t *)&q->answer + q->got, sizeof(q->answer) - q->got);
    if (n > 0) {
        q->got += (size_t)n;
    }
    if (q->got == sizeof(q->answer)) {
        finish(q, NULL);
    } else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        finish(q, "the resolver process ended without an answer");
    }
}

static void on_timeout(void *arg) { finish(arg, "no answer from the name servers"); }

int resolve(struct resolver *r, const char *name, resolve_fn *fn, void *arg)
{
    int pipe_fds[2];
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL || pipe2(pipe_fds, O_CLOEXEC) < 0) {
        free(q);
        return -ENOMEM;
    }
    pid_t pid = fork();
    if (pid == 0) {
        child_main(name, pipe_fds[1]);
    }
    int error = pid < 0 ? -errno : 0;
    close(pipe_fds[1]);
    *q = (struct question){.next = r->questions, .r = r, .pid = pid, .fd = pipe_fds[0], .fn = fn, .arg = arg};
    if (error == 0) {
        (void)fcntl(q->fd, F_SETFL, O_NONBLOCK);
        error = loop_fd_add(r->loop, q->fd, EPOLLIN, on_readable, q);
    }
    if (error != 0) {
        close(q->fd);
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
        }
        free(q);
        return error;
    }
    r->questions = q;
    loop_timer_init(&q->timer, on_timeout, q);
    loop_timer_set(r->loop, &q->timer, loop_now(r->loop) + RESOLVE_TIME);
    return 0;
}

void resolve_cancel(struct resolver *r, const void *arg)
{
    for (struct question *q = r->questions, *next; q != NULL; q = next) {
        next = q->next;
        if (q->arg == arg) {
            unlink_question(q);
            free(q);
        }
    }
}

void resolver_free(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    while (r->questions != NULL) {
        struct question *q = r->questions;
        unlink_question(q);
        free(q);
    }
    free(r);
}
