/* SPDX-License-Identifier: ISC
 *
 * The control socket of the daemon, with an IKE SA that is up behind it. The first octet says in how large pieces the rest comes
 * out of the socket; between two of them the loop turns, and the peer answers what a command begins. What the daemon says has
 * to be well-formed.
 */
#include "fuzz.h"

#include "ui/vici.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct ikelibd d;
static char path[64];
static struct duo duo;

static void on_event(void *user, const ike_event *ev)
{
    (void)user;
    daemon_event(&d, ev);
}

static void on_log(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text)
{
    struct log_line l = {.cls = c, .level = level, .sa = sa, .text = text};
    (void)user;
    daemon_log_line(&d, &l);
}

static void adjust(struct duo *x, unsigned which, ike_settings *s)
{
    (void)x;
    if (which == 0) {
        s->host.event = on_event;
        s->host.log = on_log;
    }
}

static void begin(void)
{
    memset(&d, 0, sizeof d);
    d.loop = loop_new();
    d.keylog_fd = -1;
    d.config_path = "/nonexistent";
    fuzz_check(d.loop != NULL, "no loop");
    duo_begin(&duo, 0, NULL, adjust);
    duo.now = loop_now(d.loop);
    d.engine = duo.node[0].e;
    (void)ike_initiate(d.engine, duo.node[0].conn, "net", duo.now);
    duo_run(&duo, 16);
    fuzz_check(vici_start(&d, path) == 0, "no control socket");
}

static void end(void)
{
    vici_stop(&d);
    duo_end(&duo);
    loop_free(d.loop);
}

static int dial(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    fuzz_check(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "cannot connect");
    return fd;
}

/* Every whole frame that is there. */
static void hear(int fd)
{
    static uint8_t in[VICI_FRAME_MAX + 4];
    static size_t len;
    ssize_t n;
    if (fd < 0) {
        len = 0;
        return;
    }
    while ((n = recv(fd, in + len, sizeof in - len, 0)) > 0) {
        len += (size_t)n;
        for (;;) {
            struct vici_packet p;
            size_t frame = len < 4 ? 0 : (size_t)in[0] << 24 | (size_t)in[1] << 16 | (size_t)in[2] << 8 | in[3];
            if (len < 4 || len - 4 < frame) {
                break;
            }
            fuzz_check(vici_parse_packet(in + 4, frame, &p) && vici_valid(p.message), "the daemon sends what is not VICI");
            len -= 4 + frame;
            memmove(in, in + 4 + frame, len);
        }
    }
}

static void turn(int fd)
{
    fuzz_check(loop_once(d.loop, 0) == 0, "the loop stops");
    duo_run(&duo, 8);
    hear(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2) {
        return 0;
    }
    if (path[0] == 0) {
        snprintf(path, sizeof path, "/tmp/fuzz-vici-%d", (int)getpid());
    }
    begin();
    hear(-1);
    size_t piece = 16u + 16u * data[0];
    int fd = dial();
    turn(fd);
    for (size_t at = 1; at < n; at += piece) {
        (void)send(fd, data + at, n - at < piece ? n - at : piece, MSG_NOSIGNAL);
        turn(fd);
        turn(fd);
    }
    for (unsigned i = 0; i < 4; i++) {
        turn(fd);
    }
    close(fd);
    turn(-1);
    end();
    return 0;
}
