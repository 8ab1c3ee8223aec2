/* SPDX-License-Identifier: ISC
 *
 * udp.c - the UDP sockets: ports 500 and 4500, IPv4 and IPv6.
 *
 * The transport adds and removes the non-ESP marker (RFC 3948 section 2.2), keeps keepalives and ESP away from the engine,
 * and drops datagrams nobody may answer: from no real source, or to more than one receiver.
 */
#include "transport/udp.h"

#include "app/app.h"
#include "sysdep/portowner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ike/esp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define IKE_HEADER_LEN   28
#define DATAGRAMS_A_TURN 64 /* per socket, so that a flood does not starve timers and control */
#define AT_ONCE          16 /* by one system call */

struct udp_socket {
    struct transport *t;
    int fd; /* -1: none */
    uint8_t family;
    bool encap;
    uint16_t port;
};

/* What a datagram comes with. Longer than a datagram can be, so that they do not all compete for the same part of a cache. */
struct arrived {
    struct sockaddr_storage from;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct iovec iov;
    uint8_t octets[65536 + 512];
};

struct transport {
    struct ikelibd *d;
    struct udp_socket sockets[4];
    struct transport_stats stats;
    ike_time complained; /* last logged send error */
    struct mmsghdr headers[AT_ONCE];
    struct arrived arrived[AT_ONCE];
};

/* ---- Addresses ------------------------------------------------------------------------------------------------------------ */

socklen_t addr_to_sockaddr(const ike_addr *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    in6->sin6_scope_id = a->scope;
    memcpy(&in6->sin6_addr, a->ip, 16);
    return sizeof(*in6);
}

void addr_from_sockaddr(const struct sockaddr_storage *in, ike_addr *a)
{
    *a = (ike_addr){0};
    if (in->ss_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)in;
        a->family = 4;
        a->port = ntohs(in4->sin_port);
        memcpy(a->ip, &in4->sin_addr, 4);
    } else if (in->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)in;
        a->family = 6;
        a->port = ntohs(in6->sin6_port);
        memcpy(a->ip, &in6->sin6_addr, 16);
        a->scope = in6->sin6_scope_id;
    }
}

int source_address(const ike_addr *remote, uint32_t mark, ike_addr *local)
{
    struct sockaddr_storage ss;
    ike_addr to = *remote;
    to.port = to.port != 0 ? to.port : 500;
    socklen_t len = addr_to_sockaddr(&to, &ss);
    int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (mark != 0) {
        /* Without the right to mark there are no routes of ours to avoid either. */
        (void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
    }
    /* Connecting a datagram socket sends nothing: it makes the kernel choose route and source. */
    int error = connect(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
    len = sizeof(ss);
    if (error == 0 && getsockname(fd, (struct sockaddr *)&ss, &len) < 0) {
        error = -errno;
    }
    close(fd);
    if (error == 0) {
        uint16_t port = local->port;
        addr_from_sockaddr(&ss, local);
        local->port = port;
    }
    return error;
}

/* Multicast, broadcast, "this network": no single peer can be there (robustness: such sources are never answered). */
static bool is_one_host(const ike_addr *a)
{
    static const uint8_t zero[16];
    if (a->family == 4) {
        return a->ip[0] != 0 && a->ip[0] < 224;
    }
    return a->ip[0] != 0xff && memcmp(a->ip, zero, 16) != 0;
}

/* ---- Receiving ------------------------------------------------------------------------------------------------------------ */

/* Where the datagram was sent to. False if to a group or a broadcast address. */
static bool read_destination(struct msghdr *msg, ike_path *path)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            path->local.family = 4;
            memcpy(path->local.ip, &info.ipi_addr, 4);
            path->ifindex = (uint32_t)info.ipi_ifindex;
            /* For a unicast datagram both are the same; otherwise ipi_spec_dst is the interface's own address. */
            return info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            path->local.family = 6;
            memcpy(path->local.ip, &info.ipi6_addr, 16);
            path->ifindex = info.ipi6_ifindex;
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
                path->local.scope = info.ipi6_ifindex;
            }
            return !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
        }
    }
    return false;
}

static bool same_address(const ike_addr *a, const ike_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0 && a->port == b->port;
}

static void take_encap(struct udp_socket *s, const ike_path *path, uint8_t *data, size_t n)
{
    struct transport *t = s->t;
    struct app *app = t->d->app;
    switch (ike_esp_udp_classify(data, n)) {
    case IKE_ESP_UDP_IKE:
        (void)ike_input(t->d->engine, path, data + IKE_ESP_MARKER_LEN, n - IKE_ESP_MARKER_LEN, loop_now(t->d->loop));
        return;
    case IKE_ESP_UDP_KEEPALIVE:
        t->stats.keepalives_in++;
        return;
    case IKE_ESP_UDP_ESP:
        if (app != NULL && app->ops->esp_input != NULL) {
            t->stats.esp_in++;
            app->ops->esp_input(app, path, data, n);
        } else {
            t->stats.drop_esp++;
        }
        return;
    case IKE_ESP_UDP_JUNK:
        t->stats.drop_short++;
        return;
    }
}

static void take_datagram(struct udp_socket *s, struct msghdr *msg, size_t n)
{
    struct transport *t = s->t;
    uint8_t *data = msg->msg_iov->iov_base;
    ike_path path = {.encap = s->encap};
    t->stats.in++;
    addr_from_sockaddr(msg->msg_name, &path.remote);
    if (!read_destination(msg, &path)) {
        t->stats.drop_destination++;
        return;
    }
    path.local.port = s->port;
    if (!is_one_host(&path.remote) || path.remote.port == 0 || same_address(&path.local, &path.remote)) {
        t->stats.drop_source++;
        return;
    }
    if ((msg->msg_flags & MSG_TRUNC) != 0) {
        t->stats.drop_short++;
        return;
    }
    if (s->encap) {
        take_encap(s, &path, data, n);
    } else if (n < IKE_HEADER_LEN) {
        t->stats.drop_short++;
    } else {
        (void)ike_input(t->d->engine, &path, data, n, loop_now(t->d->loop));
    }
}

/* Of what the kernel filled in. */
static void prepare_header(struct transport *t, unsigned i)
{
    struct arrived *a = &t->arrived[i];
    a->iov = (struct iovec){a->octets, sizeof(a->octets)};
    t->headers[i].msg_hdr = (struct msghdr){.msg_name = &a->from,
                                            .msg_namelen = sizeof(a->from),
                                            .msg_iov = &a->iov,
                                            .msg_iovlen = 1,
                                            .msg_control = a->control,
                                            .msg_controllen = sizeof(a->control)};
}

/* All that wait, so that the kernel's part is done while its code and the socket are in the cache; the engine's part pushes both
 * out. Fewer than there was room for means that no more are there. An error is an ICMP error for an earlier datagram: the
 * retransmission knows better. */
static void on_readable(void *arg, uint32_t events)
{
    struct udp_socket *s = arg;
    struct transport *t = s->t;
    int n = AT_ONCE;
    (void)events;
    for (int taken = 0; n == AT_ONCE && taken < DATAGRAMS_A_TURN && s->fd >= 0; taken += n) {
        n = recvmmsg(s->fd, t->headers, AT_ONCE, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            if (s->fd >= 0) {
                take_datagram(s, &t->headers[i].msg_hdr, t->headers[i].msg_len);
            }
            prepare_header(t, (unsigned)i);
        }
    }
}

/* ---- Sending -------------------------------------------------------------------------------------------------------------- */

static struct udp_socket *pick_socket(struct transport *t, const ike_path *path, bool encap)
{
    for (size_t i = 0; i < 4; i++) {
        struct udp_socket *s = &t->sockets[i];
        if (s->fd >= 0 && s->family == path->remote.family && s->encap == encap) {
            return s;
        }
    }
    return NULL;
}

/* The answer leaves from the address that was asked. The interface is only named for link-local peers, where the address means
 * nothing without it: elsewhere routing may have good reasons to answer over another one. */
static void set_source(struct msghdr *msg, const ike_path *path)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    if (path->remote.family == 4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, path->local.ip, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        msg->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in6_pktinfo info = {.ipi6_ifindex = path->remote.scope};
        memcpy(&info.ipi6_addr, path->local.ip, 16);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        msg->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

static int send_parts(struct transport *t, const ike_path *path, bool encap, struct iovec *iov, size_t parts)
{
    struct udp_socket *s = pick_socket(t, path, encap);
    if (s == NULL) {
        return -EAFNOSUPPORT;
    }
    struct sockaddr_storage to;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    memset(&control, 0, sizeof(control));
    struct msghdr msg = {.msg_name = &to, .msg_iov = iov, .msg_iovlen = parts};
    msg.msg_namelen = addr_to_sockaddr(&path->remote, &to);
    if (path->local.family == path->remote.family) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control);
        set_source(&msg, path);
    }
    if (sendmsg(s->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        return -errno;
    }
    t->stats.out++;
    return 0;
}

static void complain(struct transport *t, const ike_path *path, int error)
{
    t->stats.send_errors++;
    ike_time now = loop_now(t->d->loop);
    if (t->complained != 0 && now - t->complained < 10 * IKE_SEC) {
        return;
    }
    t->complained = now;
    char to[80];
    ike_addr_format(&path->remote, true, to, sizeof(to));
    daemon_log(t->d, IKE_LOG_WARN, "cannot send to %s: %s", to, strerror(-error));
}

int transport_send(struct transport *t, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    static const uint8_t marker[IKE_ESP_MARKER_LEN], keepalive[1] = {0xff};
    struct iovec iov[2];
    size_t parts = 0;
    if (kind == IKE_SEND_KEEPALIVE) {
        iov[parts++] = (struct iovec){(void *)(uintptr_t)keepalive, sizeof(keepalive)};
    } else {
        if (path->encap != 0) {
            iov[parts++] = (struct iovec){(void *)(uintptr_t)marker, sizeof(marker)};
        }
        iov[parts++] = (struct iovec){(void *)(uintptr_t)bytes, n};
    }
    int error = send_parts(t, path, path->encap != 0, iov, parts);
    if (error != 0) {
        complain(t, path, error);
    }
    return error;
}

int transport_send_esp(struct transport *t, const ike_path *path, const uint8_t *bytes, size_t n)
{
    struct iovec iov = {(void *)(uintptr_t)bytes, n};
    int error = send_parts(t, path, true, &iov, 1);
    if (error != 0 && error != -EAGAIN) {
        complain(t, path, error);
    }
    return error;
}

const struct transport_stats *transport_stats_of(const struct transport *t) { return &t->stats; }

/* ---- Opening -------------------------------------------------------------------------------------------------------------- */

static int set_int(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof(value)); }

static int prepare(struct transport *t, struct udp_socket *s, int fd)
{
    if (s->family == 4) {
        if (set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) < 0) {
            return -errno;
        }
        /* Large IKE messages and ESP in UDP may be fragmented on the way: their senders see no ICMP. */
        (void)set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
    } else {
        if (set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) < 0 || set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) < 0) {
            return -errno;
        }
        (void)set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
    }
    /* A burst of handshakes should wait in the socket, not be lost. */
    if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20) < 0) {
        (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, 4 << 20);
    }
    struct app *app = t->d->app;
    return app != NULL && app->ops->socket != NULL ? app->ops->socket(app, fd, s->family, s->encap) : 0;
}

static int bind_socket(struct transport *t, struct udp_socket *s, int fd)
{
    ike_addr local = {.family = s->family, .port = s->port};
    if (t->d->settings.listen[0] != 0) {
        (void)ike_addr_parse(&local, t->d->settings.listen);
        local.port = s->port;
    }
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(&local, &ss);
    if (bind(fd, (struct sockaddr *)&ss, len) == 0) {
        return 0;
    }
    int error = -errno;
    char owner[128];
    if (error == -EADDRINUSE && port_owner(&local, owner, sizeof(owner))) {
        daemon_log(t->d, IKE_LOG_ERROR, "UDP port %u is taken by %s: stop it, or set port and encap-port in [daemon]", s->port,
                   owner);
    } else if (error == -EACCES) {
        daemon_log(t->d, IKE_LOG_ERROR, "no right to bind UDP port %u: start as root or with CAP_NET_BIND_SERVICE", s->port);
    } else if (t->d->settings.listen[0] != 0) {
        daemon_log(t->d, IKE_LOG_ERROR, "cannot bind UDP port %u of %s: %s (listen in [daemon])", s->port, t->d->settings.listen,
                   strerror(-error));
    } else {
        daemon_log(t->d, IKE_LOG_ERROR, "cannot bind UDP port %u (IPv%u): %s", s->port, s->family, strerror(-error));
    }
    return error;
}

static int open_socket(struct transport *t, struct udp_socket *s, uint8_t family, bool encap)
{
    s->t = t;
    s->family = family;
    s->encap = encap;
    s->port = encap ? t->d->settings.encap_port : t->d->settings.port;
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        /* A host without IPv6 is no error. */
        return family == 6 ? 0 : -errno;
    }
    int error = prepare(t, s, fd);
    if (error == 0) {
        error = bind_socket(t, s, fd);
    }
    if (error == 0) {
        error = loop_fd_add(t->d->loop, fd, EPOLLIN, on_readable, s);
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    s->fd = fd;
    return 0;
}

int transport_open(struct ikelibd *d, struct transport **out)
{
    struct transport *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return -ENOMEM;
    }
    t->d = d;
    for (size_t i = 0; i < 4; i++) {
        t->sockets[i].fd = -1;
    }
    for (unsigned i = 0; i < AT_ONCE; i++) {
        prepare_header(t, i);
    }
    ike_addr listen = {0};
    if (d->settings.listen[0] != 0 && ike_addr_parse(&listen, d->settings.listen) != IKE_OK) {
        daemon_log(d, IKE_LOG_ERROR, "listen = %s is not an address", d->settings.listen);
        free(t);
        return -EINVAL;
    }
    int error = 0;
    for (size_t i = 0; i < 4 && error == 0; i++) {
        uint8_t family = i < 2 ? 4 : 6;
        if (listen.family == 0 || listen.family == family) {
            error = open_socket(t, &t->sockets[i], family, (i & 1) != 0);
        }
    }
    if (error != 0) {
        transport_close(t);
        return error;
    }
    *out = t;
    return 0;
}

void transport_close(struct transport *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        struct udp_socket *s = &t->sockets[i];
        if (s->fd >= 0) {
            loop_fd_del(t->d->loop, s->fd);
            close(s->fd);
            s->fd = -1;
        }
    }
    free(t);
}
