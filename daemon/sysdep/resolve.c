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
    struct question *next, **at; /* among those that wait, or those under way */
    struct resolver *r;
    pid_t pid; /* 0: it waits, or could not be asked */
    int fd;    /* where the answer comes from, -1: nowhere */
    int error; /* errno of that */
    size_t got;
    struct answer answer;
    struct loop_timer timer;
    resolve_fn *fn;
    void *arg;
    char name[];
};

struct resolver {
    struct loop *loop;
    struct question *asked, *waiting, **last;
    size_t n_asked;
    struct loop_task later;
};

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
    *q->at = q->next;
    if (q->next != NULL) {
        q->next->at = q->at;
    } else if (q->r->last == &q->next) {
        q->r->last = q->at;
    }
}

/* Whatever has been begun for it is ended: the child has written its answer or is of no use any more. */
static void drop(struct question *q)
{
    unlink_question(q);
    if (loop_timer_is_set(&q->timer)) {
        loop_timer_cancel(&q->timer);
        q->r->n_asked--;
    }
    if (q->fd >= 0) {
        loop_fd_del(q->r->loop, q->fd);
        close(q->fd);
    }
    if (q->pid > 0) {
        (void)kill(q->pid, SIGKILL);
        while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
}

static void finish(struct question *q, const char *error)
{
    drop(q);
    loop_defer(q->r->loop, &q->r->later);
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

static void on_timeout(void *arg)
{
    struct question *q = arg;
    finish(q, q->error != 0 ? strerror(q->error) : "no answer from the name servers");
}

/* 0 or errno. */
static int ask(struct question *q)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        return errno;
    }
    q->pid = fork();
    if (q->pid == 0) {
        child_main(q->name, pipe_fds[1]);
    }
    int error = q->pid < 0 ? errno : 0;
    close(pipe_fds[1]);
    if (error == 0) {
        (void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
        error = -loop_fd_add(q->r->loop, pipe_fds[0], EPOLLIN, on_readable, q);
    }
    if (error != 0) {
        close(pipe_fds[0]);
    } else {
        q->fd = pipe_fds[0];
    }
    return error;
}

/* Those that wait, oldest first. Put off to the end of the turn: of many that are forgotten at once none is begun before. */
static void go_on(void *arg)
{
    struct resolver *r = arg;
    while (r->waiting != NULL && r->n_asked < RESOLVE_AT_ONCE) {
        struct question *q = r->waiting;
        unlink_question(q);
        q->next = r->asked;
        q->at = &r->asked;
        if (q->next != NULL) {
            q->next->at = &q->next;
        }
        r->asked = q;
        r->n_asked++;
        q->error = ask(q);
        loop_timer_set(r->loop, &q->timer, loop_now(r->loop) + (q->error != 0 ? 0 : RESOLVE_TIME));
    }
}

struct question *resolve(struct resolver *r, const char *name, resolve_fn *fn, void *arg)
{
    size_t n = strlen(name) + 1;
    struct question *q = calloc(1, sizeof(*q) + n);
    if (q == NULL) {
        return NULL;
    }
    *q = (struct question){.r = r, .at = r->last, .fd = -1, .fn = fn, .arg = arg};
    memcpy(q->name, name, n);
    loop_timer_init(&q->timer, on_timeout, q);
    *r->last = q;
    r->last = &q->next;
    loop_defer(r->loop, &r->later);
    return q;
}

void resolve_cancel(struct question *q)
{
    drop(q);
    loop_defer(q->r->loop, &q->r->later);
    free(q);
}

struct resolver *resolver_new(struct loop *l)
{
    struct resolver *r = calloc(1, sizeof(*r));
    if (r != NULL) {
        r->loop = l;
        r->last = &r->waiting;
        loop_task_init(&r->later, go_on, r);
    }
    return r;
}

void resolver_free(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    for (struct question *q; (q = r->waiting != NULL ? r->waiting : r->asked) != NULL;) {
        drop(q);
        free(q);
    }
    loop_task_cancel(r->loop, &r->later);
    free(r);
}
