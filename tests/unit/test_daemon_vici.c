/* SPDX-License-Identifier: ISC
 *
 * The control socket with a real engine behind it: commands, clients that send nonsense, clients that do not read, sockets
 * that are in the way. Both ends run in this process, turn by turn; nothing waits for a clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ui/vici.h"

/* ---- Daemon */

struct fixture {
    struct ikelibd d;
    char dir[32], path[64];
    uint32_t seed;
};

static int test_random(void *user, uint8_t *out, size_t n)
{
    struct fixture *f = user;
    while (n--) {
        f->seed = f->seed * 1664525u + 1013904223u;
        *out++ = (uint8_t)(f->seed >> 24);
    }
    return IKE_OK;
}

static void test_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    (void)user;
    (void)path;
    (void)kind;
    (void)bytes;
    (void)n;
}

static void test_event(void *user, const ike_event *ev) { daemon_event(&((struct fixture *)user)->d, ev); }

static void test_log(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text)
{
    struct log_line l = {.cls = c, .level = level, .sa = sa, .text = text};
    daemon_log_line(&((struct fixture *)user)->d, &l);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    ike_settings s;
    strcpy(f->dir, "/tmp/ike-vici-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/vici", f->dir);
    f->d.loop = loop_new();
    assert_non_null(f->d.loop);
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    ike_settings_init(&s);
    s.host.user = f;
    s.host.random = test_random;
    s.host.send = test_send;
    s.host.event = test_event;
    s.host.log = test_log;
    assert_int_equal(ike_engine_new(&f->d.engine, &s, loop_now(f->d.loop)), IKE_OK);
    assert_int_equal(vici_start(&f->d, f->path), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    vici_stop(&f->d);
    assert_int_equal(access(f->path, F_OK), -1);
    ike_engine_free(f->d.engine);
    loop_free(f->d.loop);
    rmdir(f->dir);
    free(f);
    return 0;
}

static void add_conn(struct fixture *f, const char *name)
{
    ike_conn_settings s;
    ike_child_settings k;
    ike_conn_id id;
    ike_conn_settings_init(&s);
    ike_child_settings_init(&k);
    s.name = name;
    s.source = "f:1";
    assert_int_equal(ike_addr_parse(&s.local, "10.0.0.1"), IKE_OK);
    assert_int_equal(ike_addr_parse(&s.remote, "10.0.0.2"), IKE_OK);
    s.secret = (ike_bytes){(const uint8_t *)"s", 1};
    k.name = "lan";
    s.children = &k;
    s.n_children = 1;
    assert_int_equal(ike_conn_add(f->d.engine, &s, &id, loop_now(f->d.loop)), IKE_OK);
}

/* ---- Client */

struct peer {
    struct fixture *f;
    int fd;
    size_t len;
    uint8_t in[VICI_FRAME_MAX + 4];
    uint8_t frame[VICI_FRAME_MAX];
    bool closed;
};

static void turn(struct fixture *f) { assert_int_equal(loop_once(f->d.loop, 0), 0); }

static struct peer *dial(struct fixture *f)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, f->path);
    p->f = f;
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(p->fd, (struct sockaddr *)&addr, sizeof addr), 0);
    turn(f);
    return p;
}

static void hang_up(struct peer *p)
{
    close(p->fd);
    for (int i = 0; i < 5; i++) {
        turn(p->f);
    }
    free(p);
}

static void raw(struct peer *p, const void *bytes, size_t n)
{
    assert_int_equal(send(p->fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Take what is there; true when a whole frame has been taken into `out`. */
static bool poll_frame(struct peer *p, struct vici_packet *out)
{
    if (p->len < sizeof p->in) {
        ssize_t n = recv(p->fd, p->in + p->len, sizeof p->in - p->len, 0);
        p->closed = p->closed || n == 0 || (n < 0 && errno != EAGAIN);
        p->len += n > 0 ? (size_t)n : 0;
    }
    size_t n = p->len >= 4 ? (size_t)p->in[0] << 24 | (size_t)p->in[1] << 16 | (size_t)p->in[2] << 8 | p->in[3] : 0;
    if (n == 0 || p->len < n + 4) {
        return false;
    }
    assert_true(n <= VICI_FRAME_MAX);
    memcpy(p->frame, p->in + 4, n);
    memmove(p->in, p->in + 4 + n, p->len - 4 - n);
    p->len -= 4 + n;
    assert_true(vici_parse_packet(p->frame, n, out));
    assert_true(vici_valid(out->message));
    return true;
}

static bool next(struct peer *p, struct vici_packet *out)
{
    for (int i = 0; i < 1000 && !p->closed; i++) {
        if (poll_frame(p, out)) {
            return true;
        }
        turn(p->f);
    }
    return false;
}

static void put(struct peer *p, enum vici_packet_type type, const char *name, const char *key, const char *value)
{
    struct vici_buf b = {0};
    vici_begin(&b, type, name);
    if (key) {
        vici_put(&b, key, value);
    }
    assert_true(vici_finish(&b));
    raw(p, b.p, b.len);
    vici_buf_free(&b);
}

static const char *str(const struct vici_packet *a, const char *key)
{
    static char text[1024];
    return vici_get_str(a->message, key, text, sizeof text) ? text : "";
}

static void ask(struct peer *p, const char *command, struct vici_packet *answer)
{
    put(p, VICI_CMD_REQUEST, command, NULL, NULL);
    assert_true(next(p, answer));
}

static void expect(struct peer *p, enum vici_packet_type type)
{
    struct vici_packet a;
    assert_true(next(p, &a));
    assert_int_equal(a.type, type);
}

static bool gone(struct peer *p)
{
    struct vici_packet a;
    return !next(p, &a) && p->closed;
}

/* ---- Commands */

static void test_commands(void **state)
{
    struct peer *p = dial(*state);
    struct vici_packet a;
    ask(p, "version", &a);
    assert_int_equal(a.type, VICI_CMD_RESPONSE);
    assert_string_equal(str(&a, "daemon"), "ikelibd");
    p->f->d.started_wall = 4102488000; /* noon on the first of January 2100, anywhere the same year */
    ask(p, "stats", &a);
    assert_int_equal(a.type, VICI_CMD_RESPONSE);
    assert_string_equal(str(&a, "backend"), "none");
    assert_non_null(memmem(a.message.p, a.message.n, " 2100", 5));
    ask(p, "no-such-command", &a);
    assert_int_equal(a.type, VICI_CMD_UNKNOWN);
    put(p, VICI_EVENT_REGISTER, "list-sa", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    put(p, VICI_EVENT_UNREGISTER, "list-sa", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    put(p, VICI_EVENT_REGISTER, "no-such-event", NULL, NULL);
    expect(p, VICI_EVENT_UNKNOWN);
    ask(p, "list-sas", &a);
    assert_int_equal(a.type, VICI_CMD_RESPONSE);
    hang_up(p);
}

/* Requests may come together or octet by octet; each is answered, in order. */
static void test_framing(void **state)
{
    struct peer *p = dial(*state);
    struct vici_packet a;
    static const char two[] = "\0\0\0\x09\0\7version\0\0\0\4\0\2no\0\0\0\x0b\0\tlist-sas!";
    raw(p, two, sizeof two - 1);
    expect(p, VICI_CMD_RESPONSE);
    expect(p, VICI_CMD_UNKNOWN);
    expect(p, VICI_CMD_UNKNOWN);
    for (size_t i = 0; i < 13; i++) {
        raw(p, two + i, 1);
        turn(*state);
    }
    assert_true(next(p, &a));
    assert_int_equal(a.type, VICI_CMD_RESPONSE);
    hang_up(p);
}

static void test_nonsense(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } bad[] = {{"\0\0\0\0", 4},  /* no packet */
               {"\0\x8\0\1", 4}, /* longer than may be */
               {"\xff\xff\xff\xff", 4},
               {"\0\0\0\1\0", 5},                 /* a request without a name */
               {"\0\0\0\2\x9\0", 6},              /* no such type */
               {"\0\0\0\5\7\3log", 9},            /* clients send no events */
               {"\0\0\0\xa\0\7version\2", 14},    /* ends a section that is not open */
               {"\0\0\0\xb\0\7version\3\1", 15}}; /* cut */
    struct peer *good = dial(*state);
    struct vici_packet a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct peer *p = dial(*state);
        raw(p, bad[i].p, bad[i].n);
        assert_true(gone(p));
        hang_up(p);
        ask(good, "version", &a);
    }
    hang_up(good);
}

static void test_any_octets(void **state)
{
    static const char good[] = "\0\0\0\x1b\0\x8list-sas\3\3ike\0\1x\4\1l\5\0\1y\6";
    uint32_t x = 3;
    for (int round = 0; round < 3000; round++) {
        struct peer *p = dial(*state);
        uint8_t bytes[sizeof good];
        memcpy(bytes, good, sizeof good);
        for (int k = 0; k < 3; k++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            bytes[3 + x % (sizeof good - 3)] = (uint8_t)(x >> 24);
        }
        raw(p, bytes, sizeof bytes);
        turn(*state);
        turn(*state);
        hang_up(p);
    }
}

static void test_crowd(void **state)
{
    struct peer *crowd[VICI_CLIENTS_MAX];
    struct vici_packet a;
    for (size_t i = 0; i < VICI_CLIENTS_MAX; i++) {
        crowd[i] = dial(*state);
    }
    struct peer *late = dial(*state);
    assert_true(gone(late));
    hang_up(late);
    ask(crowd[0], "version", &a);
    hang_up(crowd[0]);
    crowd[0] = dial(*state);
    ask(crowd[0], "version", &a);
    for (size_t i = 0; i < VICI_CLIENTS_MAX; i++) {
        hang_up(crowd[i]);
    }
}

/* ---- Clients that do not read */

static void test_slow_list(void **state)
{
    struct fixture *f = *state;
    enum { MANY = 3000 };
    struct vici_packet a;
    char name[32];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "connection-%d", i);
        add_conn(f, name);
    }
    struct peer *slow = dial(f), *other = dial(f);
    put(slow, VICI_EVENT_REGISTER, "list-conn", NULL, NULL);
    expect(slow, VICI_EVENT_CONFIRM);
    put(slow, VICI_CMD_REQUEST, "list-conns", NULL, NULL);
    for (int i = 0; i < 200; i++) {
        turn(f);
        for (struct vici_client *c = f->d.vici->clients; c; c = c->next) {
            assert_true(c->out_cap <= 4 * VICI_LOW);
        }
    }
    ask(other, "version", &a);
    int told = 0;
    while (next(slow, &a) && a.type == VICI_EVENT) {
        assert_true(vici_text_is(a.name, "list-conn"));
        told++;
    }
    assert_int_equal(told, MANY);
    assert_int_equal(a.type, VICI_CMD_RESPONSE);
    /* one that goes away in the middle */
    put(slow, VICI_CMD_REQUEST, "list-conns", NULL, NULL);
    turn(f);
    turn(f);
    hang_up(slow);
    ask(other, "version", &a);
    hang_up(other);
}

static void test_slow_log(void **state)
{
    struct fixture *f = *state;
    struct peer *p = dial(f);
    struct vici_packet a;
    put(p, VICI_EVENT_REGISTER, "log", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    for (int i = 0; i < 20000; i++) {
        daemon_log(&f->d, IKE_LOG_INFO, "line %d of many that nobody reads", i);
        if (i % 16 == 0) {
            turn(f);
        }
    }
    turn(f);
    for (struct vici_client *c = f->d.vici->clients; c; c = c->next) {
        assert_true(vici_queued(c) <= VICI_LOG + 4096);
    }
    int lines = 0;
    while (lines < 20000 && poll_frame(p, &a)) {
        lines++;
    }
    for (int i = 0; i < 50; i++) {
        turn(f);
        while (poll_frame(p, &a)) {
            lines++;
        }
    }
    daemon_log(&f->d, IKE_LOG_WARN, "the last one");
    assert_true(next(p, &a));
    assert_non_null(strstr(str(&a, "msg"), "lines are missing here"));
    int missing = atoi(str(&a, "msg"));
    assert_true(missing > 0);
    assert_int_equal(lines + missing, 20000);
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "msg"), "the last one");
    assert_string_equal(str(&a, "group"), "DMN");
    assert_string_equal(str(&a, "level"), "0");
    hang_up(p);
}

/* Changes of state are not dropped; who misses them is. */
static void test_slow_follower(void **state)
{
    struct fixture *f = *state;
    struct peer *p = dial(f), *other = dial(f);
    struct vici_packet a;
    ike_failure failure = {.size = sizeof failure, .code = IKE_FAIL_NO_ANSWER, .decider = IKE_DECIDER_NOBODY};
    ike_event ev = {.size = sizeof ev, .type = IKE_EV_FAILED, .failure = &failure};
    memset(failure.expected, 'x', sizeof failure.expected - 1);
    put(p, VICI_EVENT_REGISTER, "failure", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    daemon_event(&f->d, &ev);
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "code"), "1");
    for (int i = 0; i < 20000; i++) {
        daemon_event(&f->d, &ev);
        turn(f);
    }
    assert_int_equal(f->d.vici->n_clients, 1);
    ask(other, "version", &a);
    hang_up(p);
    hang_up(other);
}

/* ---- Commands that wait */

static void test_initiate(void **state)
{
    struct fixture *f = *state;
    struct peer *p = dial(f);
    struct vici_packet a;
    add_conn(f, "office");
    ask(p, "initiate", &a);
    assert_string_equal(str(&a, "success"), "no");
    put(p, VICI_CMD_REQUEST, "initiate", "child", "nobody");
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "errmsg"), "child 'nobody' not found");
    put(p, VICI_CMD_REQUEST, "initiate", "ike", "nobody");
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "errmsg"), "connection 'nobody' not found");
    /* the engine sends into nothing; what ends the wait is told by an event */
    put(p, VICI_CMD_REQUEST, "initiate", "child", "lan");
    for (int i = 0; i < 10; i++) {
        turn(f);
        assert_false(poll_frame(p, &a));
    }
    ike_failure failure = {.size = sizeof failure, .code = IKE_FAIL_REPLACED, .decider = IKE_DECIDER_US};
    ike_event ev = {.size = sizeof ev, .type = IKE_EV_FAILED, .failure = &failure};
    assert_int_equal(ike_conn_find(f->d.engine, "office", &ev.conn), IKE_OK);
    daemon_event(&f->d, &ev); /* lost to another attempt: that one decides */
    failure.code = IKE_FAIL_NO_ANSWER;
    strcpy(failure.child_name, "voice");
    daemon_event(&f->d, &ev); /* another child */
    turn(f);
    assert_false(poll_frame(p, &a));
    strcpy(failure.child_name, "lan");
    daemon_event(&f->d, &ev);
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "success"), "no");
    assert_non_null(strstr(str(&a, "errmsg"), "not established: "));
    struct vici_reader r = vici_reader(a.message);
    struct vici_element e;
    bool record = false;
    while (vici_next(&r, &e) && e.type != VICI_END) {
        record = record || (e.type == VICI_SECTION_START && vici_text_is(e.name, "failure"));
    }
    assert_true(record);
    /* a client that does not wait for the answer */
    put(p, VICI_CMD_REQUEST, "initiate", "child", "lan");
    turn(f);
    hang_up(p);
    daemon_event(&f->d, &ev);
}

static void test_terminate(void **state)
{
    struct fixture *f = *state;
    struct peer *p = dial(f);
    struct vici_packet a;
    add_conn(f, "office");
    put(p, VICI_CMD_REQUEST, "terminate", "ike", "office");
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "success"), "no");
    assert_string_equal(str(&a, "matches"), "0");
    assert_string_equal(str(&a, "terminated"), "0");
    put(p, VICI_CMD_REQUEST, "rekey", "child-id", "7");
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "matches"), "0");
    ask(p, "rekey", &a);
    assert_string_equal(str(&a, "errmsg"), "missing name or number of an SA");
    /* an attempt that is under way ends at once */
    assert_int_equal(ike_initiate(f->d.engine, 0, NULL, loop_now(f->d.loop)), IKE_ERR_NOT_FOUND);
    ike_conn_id conn;
    assert_int_equal(ike_conn_find(f->d.engine, "office", &conn), IKE_OK);
    assert_int_equal(ike_initiate(f->d.engine, conn, NULL, loop_now(f->d.loop)), IKE_OK);
    put(p, VICI_EVENT_REGISTER, "list-sa", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    ask(p, "list-sas", &a);
    assert_int_equal(a.type, VICI_EVENT);
    expect(p, VICI_CMD_RESPONSE);
    put(p, VICI_CMD_REQUEST, "terminate", "ike", "office");
    assert_true(next(p, &a));
    assert_string_equal(str(&a, "success"), "yes");
    assert_string_equal(str(&a, "terminated"), "1");
    hang_up(p);
}

/* What cannot be read is an error: passed over it would make the command act on all. */
static void test_filters(void **state)
{
    static const char *const commands[] = {"terminate", "rekey", "list-sas", "list-conns", "list-failures", "initiate"};
    static const struct {
        const char *key, *value, *error;
    } bad[] = {{"ike", "0123456789012345678901234567890123456789012345678901234567890123", "ike is no name"},
               {"child", "0123456789012345678901234567890123456789012345678901234567890123", "child is no name"},
               {"ike", "", "ike is empty"},
               {"child", "", "child is empty"},
               {"ike-id", "1x", "ike-id is not a number"},
               {"ike_id", "", "ike_id is not a number"},
               {"ike-id", "0", "ike-id is not a number"},
               {"child-id", "-1", "child-id is not a number"},
               {"child-id", " 1", "child-id is not a number"},
               {"child_id", "4294967296", "child_id is not a number"},
               {"child-id", "18446744073709551617", "child-id is not a number"}};
    struct fixture *f = *state;
    struct peer *p = dial(f);
    struct vici_packet a;
    ike_conn_id conn;
    add_conn(f, "office");
    assert_int_equal(ike_conn_find(f->d.engine, "office", &conn), IKE_OK);
    assert_int_equal(ike_initiate(f->d.engine, conn, NULL, loop_now(f->d.loop)), IKE_OK);
    put(p, VICI_EVENT_REGISTER, "list-sa", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    put(p, VICI_EVENT_REGISTER, "list-conn", NULL, NULL);
    expect(p, VICI_EVENT_CONFIRM);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (size_t k = 0; k < sizeof commands / sizeof *commands; k++) {
            put(p, VICI_CMD_REQUEST, commands[k], bad[i].key, bad[i].value);
            assert_true(next(p, &a));
            assert_int_equal(a.type, VICI_CMD_RESPONSE);
            assert_string_equal(str(&a, "success"), "no");
            assert_ptr_equal(strstr(str(&a, "errmsg"), bad[i].error), str(&a, "errmsg"));
        }
    }
    static const char *const waits[][2] = {{"timeout", "soon"}, {"timeout", "-2"}, {"timeout", "99999999999"}, {"loglevel", "x"}};
    for (size_t i = 0; i < 4; i++) {
        put(p, VICI_CMD_REQUEST, "terminate", waits[i][0], waits[i][1]);
        assert_true(next(p, &a));
        assert_ptr_equal(strstr(str(&a, "errmsg"), waits[i][0]), str(&a, "errmsg"));
    }
    ask(p, "list-sas", &a); /* it is there still */
    assert_int_equal(a.type, VICI_EVENT);
    expect(p, VICI_CMD_RESPONSE);
    put(p, VICI_CMD_REQUEST, "list-sas", "ike_id", "2"); /* what can be read counts */
    expect(p, VICI_CMD_RESPONSE);
    put(p, VICI_CMD_REQUEST, "list-sas", "ike_id", "1");
    expect(p, VICI_EVENT);
    expect(p, VICI_CMD_RESPONSE);
    hang_up(p);
}

/* ---- The socket file */

static void test_socket_file(void **state)
{
    struct fixture *f = *state;
    struct ikelibd second = {.loop = f->d.loop, .engine = f->d.engine};
    struct stat st;
    char other[64];
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(vici_start(&second, f->path), -1); /* somebody listens there: us */
    assert_int_equal(access(f->path, F_OK), 0);
    snprintf(other, sizeof other, "%s/file", f->dir);
    FILE *file = fopen(other, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(vici_start(&second, other), -1); /* not a socket: not ours to remove */
    assert_int_equal(unlink(other), 0);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    strcpy(addr.sun_path, other);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    close(fd); /* left behind by a daemon that was killed */
    assert_int_equal(vici_start(&second, other), 0);
    vici_stop(&second);
    assert_int_equal(access(other, F_OK), -1);
    snprintf(other, sizeof other, "%s/no/such/folder", f->dir);
    assert_int_equal(vici_start(&second, other), -1);
    vici_stop(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commands, setup, teardown),
        cmocka_unit_test_setup_teardown(test_framing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_octets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_follower, setup, teardown),
        cmocka_unit_test_setup_teardown(test_initiate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_socket_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
