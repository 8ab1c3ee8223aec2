/* SPDX-License-Identifier: ISC
 *
 * ike-bench daemon: two ikelibd that talk over loopback sockets. CPU time of a process is what wait4() tells when it has been
 * killed, so that neither its end nor a Delete is in it; a second pair, which loads the same and is asked for nothing, is taken
 * off.
 */
#include "bench.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW      16 /* tunnels that are begun and not yet up */
#define RUNS_MAX    100
#define TUNNELS_MAX 50000
#define PATIENCE_MS 30000 /* for one answer */
#define PORT        45500
#define PATH_LEN    100
#define ANSWER      (64u << 10) /* longer ones are not the daemon's to what is asked here */

static const char *const sides[BENCH_SIDES] = {"initiator", "responder"};

struct process {
    pid_t pid; /* 0: none */
    int vici[WINDOW];
};

/* What leaving the program must not leave behind. */
static struct {
    char folder[64];
    struct process p[BENCH_SIDES];
} stage;

/* ---- Files ------------------------------------------------------------------------------------------------------------ */

static void path_of(char out[PATH_LEN], unsigned side, const char *ending)
{
    snprintf(out, PATH_LEN, "%s/%s.%s", stage.folder, sides[side], ending);
}

/* Addresses of our own, so that two benches at once do not meet. */
static void address(char out[32], unsigned side)
{
    unsigned own = (unsigned)getpid();
    snprintf(out, 32, "127.%u.%u.%u", 64 + (own >> 14 & 63), own >> 6 & 255, (own & 63) << 2 | (side + 1));
}

static void write_config(const struct bench_suite *s, unsigned side, unsigned n)
{
    char path[PATH_LEN], sock[PATH_LEN], us[32], peer[32];
    path_of(path, side, "conf");
    path_of(sock, side, "vici");
    address(us, side);
    address(peer, !side);
    FILE *f = fopen(path, "w");
    if (!f || fchmod(fileno(f), 0600) != 0) {
        bench_die("%s: %s", path, strerror(errno));
    }
    fprintf(f, "[daemon]\nbackend = none\nlog = error\nsocket = %s\nlisten = %s\nport = %d\nencap-port = %d\n", sock, us, PORT,
            PORT + 1);
    fputs("cookie-threshold = 1000000\ncookie-per-source = 1000000\nmax-half-open = 1000000\nhalf-open-per-source = 1000000\n",
          f);
    for (unsigned i = 0; i < (side == BENCH_INITIATOR ? n : 1); i++) {
        fprintf(f, "[connection p%u]\nsecret = %s\nproposals = %s\nesp-proposals = %s\ndpd = none\n", i, BENCH_SECRET, s->ike,
                s->esp);
        if (side == BENCH_INITIATOR) {
            fprintf(f, "remote = %s:%d\nlocal-id = p%u.ike.test\nremote-id = gw.ike.test\n", peer, PORT, i);
            fprintf(f, "local-net = 10.1.%u.%u\nremote-net = 10.2.0.0/16\n", i >> 8, i & 255);
        } else {
            fputs("remote = any\nlocal-id = gw.ike.test\nlocal-net = 10.2.0.0/16\nremote-net = 10.1.0.0/16\n", f);
        }
    }
    if (fclose(f) != 0) {
        bench_die("%s: %s", path, strerror(errno));
    }
}

/* Also when a daemon fails, so at exit. */
static void sweep(void)
{
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        static const char *const endings[] = {"conf", "vici"};
        for (unsigned i = 0; i < 2 && stage.folder[0]; i++) {
            char path[PATH_LEN];
            path_of(path, k, endings[i]);
            (void)unlink(path);
        }
        if (stage.p[k].pid > 0) {
            (void)kill(stage.p[k].pid, SIGKILL);
        }
    }
    if (stage.folder[0]) {
        (void)rmdir(stage.folder);
        stage.folder[0] = 0;
    }
}

static void make_folder(void)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(stage.folder, sizeof stage.folder, "%s/ike-bench.XXXXXX", base && base[0] ? base : "/tmp");
    if (n >= (int)sizeof stage.folder || !mkdtemp(stage.folder)) {
        stage.folder[0] = 0;
        bench_die("no folder for configurations: %s", n >= (int)sizeof stage.folder ? "TMPDIR is too long" : strerror(errno));
    }
    (void)atexit(sweep);
}

/* ---- VICI ------------------------------------------------------------------------------------------------------------- */

static void ask(int fd, const char *command, const char *key, const char *value)
{
    uint8_t frame[256];
    size_t c = strlen(command), k = key ? strlen(key) : 0, v = key ? strlen(value) : 0, n = 2 + c + (key ? 4 + k + v : 0);
    memcpy(frame, (uint8_t[]){0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, (uint8_t)c}, 6);
    memcpy(frame + 6, command, c);
    if (key) {
        uint8_t *p = frame + 6 + c;
        *p++ = 3;
        *p++ = (uint8_t)k;
        memcpy(p, key, k);
        *(p += k) = 0;
        p[1] = (uint8_t)v;
        memcpy(p + 2, value, v);
    }
    if (send(fd, frame, 4 + n, MSG_NOSIGNAL) != (ssize_t)(4 + n)) {
        bench_die("a daemon takes no commands: %s", strerror(errno));
    }
}

static void exactly(int fd, uint8_t *out, size_t n)
{
    while (n) {
        ssize_t got = recv(fd, out, n, 0);
        if (got <= 0) {
            bench_die("a daemon does not answer: %s", got ? strerror(errno) : "it has ended");
        }
        out += got;
        n -= (size_t)got;
    }
}

static size_t answer(int fd, uint8_t *out)
{
    uint8_t head[4];
    exactly(fd, head, 4);
    size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (n > ANSWER) {
        bench_die("a daemon answers %zu octets", n);
    }
    exactly(fd, out, n);
    return n;
}

/* ---- Processes -------------------------------------------------------------------------------------------------------- */

static int dial(struct process *p, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (unsigned waited = 0; fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0; waited++) {
        bool gone = waitpid(p->pid, NULL, WNOHANG) != 0;
        p->pid = gone ? 0 : p->pid;
        if (fd < 0 || waited == PATIENCE_MS || gone) {
            bench_die("ikelibd does not start, or nobody answers at %s", path);
        }
        (void)usleep(1000);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* Returns when its configuration has been applied: before that it answers nothing. */
static void start(const char *ikelibd, unsigned side)
{
    struct process *p = &stage.p[side];
    char conf[PATH_LEN], sock[PATH_LEN];
    uint8_t text[ANSWER];
    path_of(conf, side, "conf");
    path_of(sock, side, "vici");
    p->pid = fork();
    if (p->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever ends the bench */
        execl(ikelibd, ikelibd, "--config", conf, (char *)NULL);
        fprintf(stderr, "ike-bench: %s: %s\n", ikelibd, strerror(errno));
        _exit(127);
    }
    if (p->pid < 0) {
        bench_die("no process: %s", strerror(errno));
    }
    for (unsigned i = 0; i < WINDOW; i++) {
        p->vici[i] = dial(p, sock);
    }
    ask(p->vici[0], "version", NULL, NULL);
    (void)answer(p->vici[0], text);
}

static double micros(const struct timeval *t) { return (double)t->tv_sec * 1e6 + (double)t->tv_usec; }

/* Its CPU time, user and system, in microseconds. */
static double end(unsigned side)
{
    struct process *p = &stage.p[side];
    struct rusage used;
    int status;
    for (unsigned i = 0; i < WINDOW; i++) {
        close(p->vici[i]);
    }
    (void)kill(p->pid, SIGKILL);
    if (wait4(p->pid, &status, 0, &used) != p->pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        bench_die("the %s ended before it was told to", sides[side]);
    }
    p->pid = 0;
    return micros(&used.ru_utime) + micros(&used.ru_stime);
}

/* ---- A run ------------------------------------------------------------------------------------------------------------ */

static void begin(unsigned slot, unsigned *next)
{
    char name[16];
    snprintf(name, sizeof name, "p%u", (*next)++);
    ask(stage.p[BENCH_INITIATOR].vici[slot], "initiate", "ike", name);
}

/* Each client of the control socket waits for one tunnel, and is answered when its child is up on this side; the other side has
 * had it up before. */
static void set_up(unsigned n)
{
    static const char good[] = "\1\3\7success\0\3yes";
    struct pollfd set[WINDOW];
    unsigned next = 0, up = 0;
    for (unsigned i = 0; i < WINDOW; i++) {
        set[i] = (struct pollfd){.fd = stage.p[BENCH_INITIATOR].vici[i], .events = POLLIN};
        if (next < n) {
            begin(i, &next);
        }
    }
    while (up < n) {
        if (poll(set, WINDOW, PATIENCE_MS) <= 0) {
            bench_die("%u of %u tunnels are up, and nothing happens", up, n);
        }
        for (unsigned i = 0; i < WINDOW; i++) {
            uint8_t text[ANSWER];
            if (!set[i].revents) {
                continue;
            }
            size_t len = answer(set[i].fd, text);
            if (len < sizeof good - 1 || memcmp(text, good, sizeof good - 1) != 0) {
                bench_die("a tunnel does not come up, after %u", up);
            }
            up++;
            if (next < n) {
                begin(i, &next);
            }
        }
    }
}

static void run(const char *ikelibd, unsigned n, double us[BENCH_SIDES])
{
    start(ikelibd, BENCH_RESPONDER);
    start(ikelibd, BENCH_INITIATOR);
    set_up(n);
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        us[k] = end(k);
    }
}

/* ---- Samples ---------------------------------------------------------------------------------------------------------- */

struct samples {
    double us[RUNS_MAX];   /* per handshake */
    double load[RUNS_MAX]; /* start and configuration, in all */
    double engine[RUNS_MAX], floor[RUNS_MAX], sockets[RUNS_MAX];
};

static void measure(const char *ikelibd, const struct bench_suite *s, unsigned n, unsigned runs, struct samples out[BENCH_SIDES])
{
    struct bench_pair *pair = bench_pair_new(s, ike_crypto_default());
    struct bench_floor *f = bench_floor_new(s);
    struct bench_sockets *sockets = bench_sockets_new();
    double warm[BENCH_SIDES] = {0};
    bench_handshakes(pair, BENCH_BATCH, warm);
    for (unsigned r = 0; r < runs; r++) { /* in turns, so that whatever else the machine does meets all */
        double idle[BENCH_SIDES], busy[BENCH_SIDES], engine[BENCH_SIDES] = {0}, calls[BENCH_SIDES] = {0};
        run(ikelibd, 0, idle);
        run(ikelibd, n, busy);
        bench_handshakes(pair, BENCH_BATCH, engine);
        for (unsigned i = 0; i < BENCH_BATCH; i++) {
            bench_sockets_run(sockets, bench_messages(pair), WINDOW, calls);
        }
        for (unsigned k = 0; k < BENCH_SIDES; k++) {
            struct bench_list list;
            bench_list(&list, s, (enum bench_side)k, bench_messages(pair));
            out[k].us[r] = (busy[k] - idle[k]) / n;
            out[k].load[r] = idle[k];
            out[k].engine[r] = engine[k] / BENCH_BATCH;
            out[k].floor[r] = bench_floor_run(f, &list, BENCH_BATCH) / BENCH_BATCH;
            out[k].sockets[r] = calls[k] / (BENCH_BATCH * WINDOW);
        }
    }
    bench_sockets_free(sockets);
    bench_floor_free(f);
    bench_pair_free(pair);
}

static void print(const char *suite, unsigned side, unsigned n, unsigned runs, struct samples *s, bool json)
{
    double us = bench_median(s->us, runs), low = bench_median(s->floor, runs), calls = bench_median(s->sockets, runs); /* sorts */
    printf(json ? "{\"suite\":\"%s\",\"side\":\"%s\",\"us\":%.1f,\"least_us\":%.1f,"
                  "\"most_us\":%.1f,\"per_cpu_s\":%.0f,\"engine_us\":%.1f,\"floor_us\":%.1f,\"ratio\":%.3f,"
                  "\"sockets_us\":%.1f,\"over_both\":%.3f,\"load_ms\":%.1f,"
                  "\"handshakes\":%u,\"runs\":%u}\n"
                : "%-28s %-10s %8.1f %8.1f %8.1f %10.0f %9.1f %9.1f %7.3f %10.1f %9.3f %8.1f %6u %5u\n",
           suite, sides[side], us, s->us[0], s->us[runs - 1], 1e6 / us, bench_median(s->engine, runs), low, us / low, calls,
           us / (low + calls), bench_median(s->load, runs) / 1e3, n, runs);
}

/* ---- Command line ----------------------------------------------------------------------------------------------------- */

/* The one of the same build. */
static const char *built_beside(char out[512])
{
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    snprintf(out, 512, "%.*s/../../daemon/ikelibd", slash ? (int)(slash - self) : 0, self);
    return out;
}

static const struct bench_suite *find(const char *name)
{
    for (unsigned i = 0; i < bench_n_suites; i++) {
        if (strcmp(name, bench_suites[i].name) == 0 && !bench_suites[i].v1) {
            return &bench_suites[i];
        }
    }
    return NULL;
}

int bench_daemon(int argc, char **argv)
{
    static struct samples samples[BENCH_SIDES];
    char beside[512];
    const char *suite = bench_suites[0].name, *ikelibd = built_beside(beside);
    double n = 1000, runs = 5;
    bool json = false;
    const struct bench_option options[] = {{"-n", NULL, &n, NULL},          {"--runs", NULL, &runs, NULL},
                                           {"--suite", NULL, NULL, &suite}, {"--ikelibd", NULL, NULL, &ikelibd},
                                           {"--json", &json, NULL, NULL},   {NULL, NULL, NULL, NULL}};
    if (!bench_options(argc, argv, options) || n < 1 || n > TUNNELS_MAX || runs < 1 || runs > RUNS_MAX || !find(suite)) {
        return bench_usage();
    }
    if (access(ikelibd, X_OK) != 0) {
        bench_die("%s: %s", ikelibd, strerror(errno));
    }
    /* Of all processes here: who wakes another goes on. With a peer that is far away there would be nobody to give way to. */
    (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    make_folder();
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        write_config(find(suite), k, (unsigned)n);
    }
    if (!json) {
        printf("%-28s %-10s %8s %8s %8s %10s %9s %9s %7s %10s %9s %8s %6s %5s\n", "suite", "side", "us", "least", "most",
               "per CPU s", "engine us", "floor us", "ratio", "sockets us", "over both", "load ms", "n", "runs");
        fflush(stdout);
    }
    measure(ikelibd, find(suite), (unsigned)n, (unsigned)runs, samples);
    for (unsigned k = 0; k < BENCH_SIDES; k++) {
        print(suite, k, (unsigned)n, (unsigned)runs, &samples[k], json);
    }
    return 0;
}
