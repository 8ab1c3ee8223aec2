/* SPDX-License-Identifier: ISC
 *
 * The floor of the socket calls: the datagrams of a handshake over two UDP sockets of the loopback interface, as a daemon has to
 * read and write them that answers from the address it was asked at, by the calls that ikelibd makes; for the initiator also the
 * command that it is told by, and the answer. A batch goes through each stage together, so a stage pays for one epoll_wait() and
 * one recvmmsg(), and nobody ever sleeps or is woken.
 */
#include "bench.h"
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 65536 + 512, RECEIVE_BUFFER = 4 << 20, AT_ONCE = 16 };
/* Octets of `initiate` with the name of a connection, and of `success = yes`. */
enum { COMMAND = 26, ANSWER = 20 };

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct end {
    int fd, epfd;
    struct sockaddr_in here;
    uint8_t buffer[AT_ONCE][DATAGRAM_MAX];
};

struct bench_sockets {
    struct end end[BENCH_SIDES];
    int control[2]; /* the initiator's, and who tells it */
};

struct bench_sockets *bench_sockets_new(void)
{
    struct bench_sockets *b = bench_alloc(sizeof *b);
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        struct end *e = &b->end[k];
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};
        socklen_t len = sizeof e->here;
        int on = 1, dont = IP_PMTUDISC_DONT, room = RECEIVE_BUFFER;
        e->here = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + k)};
        e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        e->epfd = epoll_create1(EPOLL_CLOEXEC);
        if (setsockopt(e->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0 ||
            setsockopt(e->fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof dont) != 0 ||
            setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
            bind(e->fd, (struct sockaddr *)&e->here, len) != 0 || getsockname(e->fd, (struct sockaddr *)&e->here, &len) != 0 ||
            epoll_ctl(e->epfd, EPOLL_CTL_ADD, e->fd, &ev) != 0) {
            bench_die("no sockets: %s", strerror(errno));
        }
    }
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = b};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->control) != 0 ||
        epoll_ctl(b->end[BENCH_INITIATOR].epfd, EPOLL_CTL_ADD, b->control[0], &ev) != 0) {
        bench_die("no control socket: %s", strerror(errno));
    }
    return b;
}

void bench_sockets_free(struct bench_sockets *b)
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        close(b->end[k].fd);
        close(b->end[k].epfd);
        close(b->control[k]);
    }
    bench_free(b);
}

static void put(struct end *from, const struct end *to, size_t n)
{
    struct sockaddr_in name = to->here;
    struct in_pktinfo info = {.ipi_spec_dst = from->here.sin_addr};
    union control control = {{0}};
    struct iovec iov = {from->buffer[0], n};
    struct msghdr msg = {&name, sizeof name, &iov, 1, &control, sizeof control, 0};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    *c = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof info)};
    memcpy(CMSG_DATA(c), &info, sizeof info);
    if (sendmsg(from->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n) {
        bench_die("a datagram is not sent: %s", strerror(errno));
    }
}

static void take(struct end *e, size_t octets, unsigned n)
{
    struct sockaddr_storage name[AT_ONCE];
    _Alignas(struct cmsghdr) char control[AT_ONCE][CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct iovec iov[AT_ONCE];
    struct mmsghdr msg[AT_ONCE];
    for (unsigned i = 0; i < n; i++) {
        iov[i] = (struct iovec){e->buffer[i], sizeof e->buffer[i]};
        msg[i].msg_hdr = (struct msghdr){&name[i], sizeof name[i], &iov[i], 1, control[i], sizeof control[i], 0};
    }
    if (recvmmsg(e->fd, msg, n, MSG_DONTWAIT, NULL) != (int)n) {
        bench_die("datagrams are missing: %s", strerror(errno));
    }
    for (unsigned i = 0; i < n; i++) {
        if (msg[i].msg_len != octets || msg[i].msg_hdr.msg_controllen == 0) {
            bench_die("a datagram is not as it was sent");
        }
    }
}

static void wake(struct end *e)
{
    struct epoll_event ev;
    if (epoll_wait(e->epfd, &ev, 1, -1) != 1) {
        bench_die("a datagram does not arrive: %s", strerror(errno));
    }
}

static void say(int fd, size_t n)
{
    static const uint8_t text[COMMAND];
    if (send(fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n) {
        bench_die("the control socket takes nothing: %s", strerror(errno));
    }
}

static void hear(int fd, size_t n)
{
    uint8_t text[COMMAND];
    if (recv(fd, text, n, MSG_DONTWAIT) != (ssize_t)n) {
        bench_die("the control socket does not bring what was said");
    }
}

/* Stage m: message m - 1 is read, message m is sent. In place of a message before the first there is the command, in place of one
 * after the last its answer. */
static void stage(struct bench_sockets *b, const size_t *message, unsigned m, unsigned n)
{
    struct end *me = &b->end[m % 2], *peer = &b->end[!(m % 2)];
    wake(me);
    for (unsigned i = 0; m && i < n; i += AT_ONCE) {
        take(me, message[m - 1], n - i < AT_ONCE ? n - i : AT_ONCE);
    }
    for (unsigned i = 0; i < n; i++) {
        if (m == 0) {
            hear(b->control[0], COMMAND);
        }
        if (m == BENCH_MESSAGES) {
            say(b->control[0], ANSWER);
        } else {
            put(me, peer, message[m]);
        }
    }
}

void bench_sockets_run(struct bench_sockets *b, const size_t *message, unsigned n, double us[BENCH_SIDES])
{
    for (unsigned i = 0; i < n; i++) {
        say(b->control[1], COMMAND);
    }
    for (unsigned m = 0; m <= BENCH_MESSAGES; m++) {
        double start = bench_cpu_us();
        stage(b, message, m, n);
        us[m % 2] += bench_cpu_us() - start;
    }
    for (unsigned i = 0; i < n; i++) {
        hear(b->control[1], ANSWER);
    }
}
