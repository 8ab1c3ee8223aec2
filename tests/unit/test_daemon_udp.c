/* SPDX-License-Identifier: ISC
 *
 * The UDP sockets, over the loopback interface: what reaches the engine and with which addresses, what is put before a message
 * and taken from it, and what nobody gets to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/app.h"
#include "transport/udp.h"

struct world {
    struct ikelibd d;
    struct app app;
    struct app_ops ops;
    struct log_sink sink;
    char heard[1024];
    int inputs, esps, sockets;
    ike_path path; /* of the last one */
    size_t n;
    uint8_t bytes[128];
};
static struct world w;

static void note(const ike_path *path, const uint8_t *data, size_t n)
{
    w.path = *path;
    w.n = n;
    memcpy(w.bytes, data, n < sizeof w.bytes ? n : sizeof w.bytes);
}

/* In the engine's place, which is in an archive and is not taken out of it then. */
int ike_input(ike_engine *e, const ike_path *path, const uint8_t *data, size_t n, ike_time now)
{
    (void)e;
    (void)now;
    w.inputs++;
    note(path, data, n);
    return IKE_OK;
}

static void esp_input(struct app *a, const ike_path *path, uint8_t *packet, size_t n)
{
    assert_ptr_equal(a, &w.app);
    w.esps++;
    note(path, packet, n);
}

static int prepare(struct app *a, int fd, uint8_t family, bool encap)
{
    (void)a;
    (void)fd;
    (void)family;
    (void)encap;
    w.sockets++;
    return 0;
}

static void hear(void *arg, const struct log_line *l)
{
    size_t n = strlen(w.heard);
    (void)arg;
    snprintf(w.heard + n, sizeof w.heard - n, "%s\n", l->text);
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.d.keylog_fd = -1;
    w.d.loop = loop_new();
    assert_non_null(w.d.loop);
    w.sink = (struct log_sink){.level = IKE_LOG_INFO, .line = hear};
    log_sink_add(&w.d, &w.sink);
    w.ops = (struct app_ops){.name = "test", .socket = prepare, .esp_input = esp_input};
    w.app = (struct app){&w.ops, &w.d};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    transport_close(w.d.net);
    loop_free(w.d.loop);
    return 0;
}

/* ---- The other side ---- */

static ike_addr address(const char *text)
{
    ike_addr a;
    assert_int_equal(ike_addr_parse(&a, text), IKE_OK);
    return a;
}

/* A socket of the test's own; *a gets its port. */
static int open_peer(ike_addr *a)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(a, &ss);
    int on = 1, fd = socket(a->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
    len = sizeof ss;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    addr_from_sockaddr(&ss, a);
    return fd;
}

/* Open the transport on ports that are free. */
static int open_on(const char *listen, struct app *app)
{
    int error = -EADDRINUSE;
    snprintf(w.d.settings.listen, sizeof w.d.settings.listen, "%s", listen);
    w.d.app = app;
    for (int i = 0; i < 20 && error == -EADDRINUSE; i++) {
        ike_addr a = address("127.0.0.1:0"), b = a;
        int fd[2] = {open_peer(&a), open_peer(&b)};
        w.d.settings.port = a.port;
        w.d.settings.encap_port = b.port;
        close(fd[0]);
        close(fd[1]);
        error = transport_open(&w.d, &w.d.net);
    }
    w.heard[0] = 0;
    return error;
}

static void send_to(int fd, const char *host, uint16_t port, const void *bytes, size_t n)
{
    ike_addr a = address(host);
    struct sockaddr_storage ss;
    a.port = port;
    socklen_t len = addr_to_sockaddr(&a, &ss);
    assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&ss, len), (ssize_t)n);
    assert_int_equal(loop_once(w.d.loop, IKE_SEC), 0);
}

static size_t receive(int fd, uint8_t *bytes, size_t room, ike_addr *from)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;
    ssize_t n = recvfrom(fd, bytes, room, 0, (struct sockaddr *)&ss, &len);
    assert_true(n >= 0);
    addr_from_sockaddr(&ss, from);
    return (size_t)n;
}

static void is(const ike_addr *a, const char *text, uint16_t port)
{
    char got[80];
    ike_addr_format(a, false, got, sizeof got);
    assert_string_equal(got, text);
    assert_int_equal(a->port, port);
}

/* ---- Tests ---- */

static uint8_t message[40] = {[0] = 1, [17] = 0x20, [39] = 0xee};

static void what_arrives(void **state)
{
    (void)state;
    ike_addr me = address("127.0.0.1:0");
    int fd = open_peer(&me);
    assert_int_equal(open_on("", &w.app), 0);
    assert_true(w.sockets >= 2); /* the data plane has seen each before it was bound */
    const struct transport_stats *s = transport_stats_of(w.d.net);
    uint16_t port = w.d.settings.port, encap = w.d.settings.encap_port;
    /* to any of our addresses: it is the one that will answer */
    send_to(fd, "127.0.0.5", port, message, sizeof message);
    assert_int_equal(w.inputs, 1);
    is(&w.path.local, "127.0.0.5", port);
    is(&w.path.remote, "127.0.0.1", me.port);
    assert_int_equal(w.path.encap, 0);
    assert_true(w.path.ifindex != 0);
    assert_int_equal(w.n, sizeof message);
    assert_memory_equal(w.bytes, message, sizeof message);
    /* behind the non-ESP marker */
    uint8_t marked[4 + sizeof message] = {0};
    memcpy(marked + 4, message, sizeof message);
    send_to(fd, "127.0.0.1", encap, marked, sizeof marked);
    assert_int_equal(w.inputs, 2);
    is(&w.path.local, "127.0.0.1", encap);
    assert_int_equal(w.path.encap, 1);
    assert_int_equal(w.n, sizeof message);
    assert_memory_equal(w.bytes, message, sizeof message);
    /* the marker means nothing on port 500 */
    send_to(fd, "127.0.0.1", port, marked, sizeof marked);
    assert_int_equal(w.n, sizeof marked);
    /* ESP is the data plane's */
    send_to(fd, "127.0.0.1", encap, message, sizeof message);
    assert_int_equal(w.esps, 1);
    assert_int_equal(w.n, sizeof message);
    is(&w.path.remote, "127.0.0.1", me.port);
    assert_int_equal(w.inputs, 3);
    assert_true(s->in == 4 && s->esp_in == 1 && s->drop_esp == 0 && s->drop_short == 0 && s->drop_source == 0);
    close(fd);
}

static void what_does_not(void **state)
{
    (void)state;
    ike_addr me = address("127.0.0.1:0");
    int fd = open_peer(&me);
    assert_int_equal(open_on("", NULL), 0); /* no data plane */
    const struct transport_stats *s = transport_stats_of(w.d.net);
    uint16_t port = w.d.settings.port, encap = w.d.settings.encap_port;
    send_to(fd, "127.0.0.1", port, message, 27); /* a header has 28 */
    send_to(fd, "127.0.0.1", port, message, 0);
    assert_int_equal(s->drop_short, 2);
    send_to(fd, "127.0.0.1", encap, "\1\2\3", 3);
    assert_int_equal(s->drop_short, 3);
    send_to(fd, "127.0.0.1", encap, "\xff", 1);
    assert_int_equal(s->keepalives_in, 1);
    send_to(fd, "127.0.0.1", encap, message, sizeof message);
    assert_int_equal(s->drop_esp, 1);
    /* to everybody: an answer would tell who listens */
    send_to(fd, "127.255.255.255", port, message, sizeof message);
    assert_int_equal(s->drop_destination, 1);
    /* to ourselves from ourselves */
    ike_path self = {.local = address("127.0.0.1"), .remote = address("127.0.0.1")};
    self.local.port = self.remote.port = port;
    assert_int_equal(transport_send(w.d.net, &self, IKE_SEND_MESSAGE, message, sizeof message), 0);
    assert_int_equal(loop_once(w.d.loop, IKE_SEC), 0);
    assert_int_equal(s->drop_source, 1);
    assert_int_equal(w.inputs, 0);
    assert_int_equal(s->in, 7);
    close(fd);
}

static void what_is_sent(void **state)
{
    (void)state;
    ike_addr me = address("127.0.0.1:0"), from;
    int fd = open_peer(&me);
    uint8_t got[128];
    assert_int_equal(open_on("", &w.app), 0);
    const struct transport_stats *s = transport_stats_of(w.d.net);
    ike_path path = {.local = address("127.0.0.7"), .remote = me};
    assert_int_equal(transport_send(w.d.net, &path, IKE_SEND_MESSAGE, message, sizeof message), 0);
    assert_int_equal(receive(fd, got, sizeof got, &from), sizeof message);
    assert_memory_equal(got, message, sizeof message);
    is(&from, "127.0.0.7", w.d.settings.port); /* from the address that was asked */
    path.encap = 1;
    assert_int_equal(transport_send(w.d.net, &path, IKE_SEND_MESSAGE, message, sizeof message), 0);
    assert_int_equal(receive(fd, got, sizeof got, &from), 4 + sizeof message);
    assert_memory_equal(got, "\0\0\0\0", 4);
    assert_memory_equal(got + 4, message, sizeof message);
    is(&from, "127.0.0.7", w.d.settings.encap_port);
    assert_int_equal(transport_send(w.d.net, &path, IKE_SEND_KEEPALIVE, NULL, 0), 0);
    assert_int_equal(receive(fd, got, sizeof got, &from), 1);
    assert_int_equal(got[0], 0xff);
    assert_int_equal(transport_send_esp(w.d.net, &path, message, sizeof message), 0);
    assert_int_equal(receive(fd, got, sizeof got, &from), sizeof message);
    is(&from, "127.0.0.7", w.d.settings.encap_port);
    /* without an address of ours the system chooses */
    path.local = (ike_addr){0};
    assert_int_equal(transport_send(w.d.net, &path, IKE_SEND_MESSAGE, message, sizeof message), 0);
    (void)receive(fd, got, sizeof got, &from);
    is(&from, "127.0.0.1", w.d.settings.encap_port);
    assert_int_equal(s->out, 5);
    close(fd);
}

static void errors_are_counted_and_told_once(void **state)
{
    (void)state;
    assert_int_equal(open_on("127.0.0.1", &w.app), 0);
    ike_path path = {.remote = address("[::1]:500")};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(transport_send(w.d.net, &path, IKE_SEND_MESSAGE, message, sizeof message), -EAFNOSUPPORT);
    }
    assert_int_equal(transport_stats_of(w.d.net)->send_errors, 3);
    const char *line = strstr(w.heard, "cannot send to [::1]:500: ");
    assert_non_null(line);
    assert_null(strstr(line + 1, "cannot send"));
}

static void ports_that_cannot_be_had(void **state)
{
    (void)state;
    struct transport *second = NULL;
    assert_int_equal(open_on("127.0.0.1", NULL), 0);
    assert_int_equal(transport_open(&w.d, &second), -EADDRINUSE);
    assert_null(second);
    /* by ourselves, who are not to be stopped */
    assert_non_null(strstr(w.heard, " of 127.0.0.1: Address already in use (listen in [daemon])"));
    /* where only the second port is taken, the first is given back */
    transport_close(w.d.net);
    w.d.net = NULL;
    ike_addr first = address("127.0.0.1:0"), other = first;
    first.port = w.d.settings.port;
    other.port = w.d.settings.encap_port;
    int holder = open_peer(&other);
    assert_int_equal(transport_open(&w.d, &second), -EADDRINUSE);
    assert_null(second);
    close(open_peer(&first));
    close(holder);
    strcpy(w.d.settings.listen, "everywhere");
    assert_int_equal(transport_open(&w.d, &second), -EINVAL);
    assert_null(second);
    assert_non_null(strstr(w.heard, "listen = everywhere is not an address"));
    transport_close(NULL);
}

static void ipv6(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 lo = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool there = probe >= 0 && bind(probe, (struct sockaddr *)&lo, sizeof lo) == 0;
    close(probe);
    if (!there) {
        print_message("SKIPPED: this host has no IPv6\n");
        skip();
    }
    ike_addr me = address("[::1]:0"), from;
    int fd = open_peer(&me);
    uint8_t got[128];
    assert_int_equal(open_on("", &w.app), 0);
    send_to(fd, "::1", w.d.settings.port, message, sizeof message);
    assert_int_equal(w.inputs, 1);
    is(&w.path.local, "::1", w.d.settings.port);
    is(&w.path.remote, "::1", me.port);
    assert_int_equal(transport_send(w.d.net, &w.path, IKE_SEND_MESSAGE, message, sizeof message), 0);
    assert_int_equal(receive(fd, got, sizeof got, &from), sizeof message);
    is(&from, "::1", w.d.settings.port);
    close(fd);
}

static void socket_addresses(void **state)
{
    static const char *const texts[] = {"192.0.2.7:4500", "[2001:db8::7]:500"};
    (void)state;
    struct sockaddr_storage ss;
    ike_addr b;
    for (size_t i = 0; i < 2; i++) {
        ike_addr a = address(texts[i]);
        a.scope = a.family == 6 ? 3 : 0;
        assert_int_equal(addr_to_sockaddr(&a, &ss), a.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        addr_from_sockaddr(&ss, &b);
        assert_memory_equal(&a, &b, sizeof a);
    }
    ss.ss_family = AF_UNIX;
    addr_from_sockaddr(&ss, &b);
    assert_int_equal(b.family, 0);
}

static void source_addresses(void **state)
{
    (void)state;
    ike_addr to = address("127.0.0.9"), local = {.port = 4500};
    assert_int_equal(source_address(&to, 0, &local), 0);
    is(&local, "127.0.0.1", 4500); /* the port stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_arrives, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_are_counted_and_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(ports_that_cannot_be_had, setup, teardown),
        cmocka_unit_test_setup_teardown(ipv6, setup, teardown),
        cmocka_unit_test(socket_addresses),
        cmocka_unit_test(source_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
