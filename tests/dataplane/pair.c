/* SPDX-License-Identifier: ISC
 *
 * dataplane-pair: one end of a child SA with keys from a seed, on a back-end of the daemon, without any IKE.
 *
 *   dataplane-pair BACKEND STATE LOCAL REMOTE LOCAL-TS REMOTE-TS ROLE [WORD...]
 *
 * ROLE is a or b: who sends with which key. WORDs: transport, encap, cbc, chacha, esn, trap (a trap alone, no SA),
 * packets=N (hard limit), encr=ID:LEN and integ=ID:LEN (a transform, octets of its key).
 * Commands on stdin, one a line: stats, move ADDR:PORT, rekey, quit; each is answered by "did COMMAND".
 * Calls to the engine are printed.
 */
#include "app/app.h"
#include "transport/udp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct end {
    struct ikelibd d;
    ike_ipsec_sa in, out;
    ike_ts local_ts, remote_ts;
    uint8_t keys[2][4][64]; /* per direction and generation */
    size_t encr_len, integ_len;
    unsigned generation;
    bool trap;
};

/* ---- The engine's place --------------------------------------------------------------------------------------------------- */

int ike_input(ike_engine *e, const ike_path *path, const uint8_t *data, size_t n, ike_time now)
{
    (void)e;
    (void)path;
    (void)data;
    (void)now;
    printf("ike %zu\n", n);
    return IKE_OK;
}

int ike_acquire(ike_engine *e, ike_conn_id conn, const char *child_name, const ike_ts *local, const ike_ts *remote, ike_time now)
{
    char l[80], r[80];
    (void)e;
    (void)now;
    if (local == NULL || remote == NULL) {
        printf("acquire %u %s\n", (unsigned)conn, child_name);
        return IKE_OK;
    }
    ike_ts_format(local, l, sizeof(l));
    ike_ts_format(remote, r, sizeof(r));
    printf("acquire %u %s %s %s\n", (unsigned)conn, child_name, l, r);
    return IKE_OK;
}

int ike_child_expire(ike_engine *e, ike_child_id child, bool hard, ike_time now)
{
    (void)e;
    (void)now;
    printf("expire %u %s\n", (unsigned)child, hard ? "hard" : "soft");
    return IKE_OK;
}

int ike_peer_moved(ike_engine *e, ike_child_id child, const ike_addr *remote, ike_time now)
{
    char text[80];
    (void)e;
    (void)now;
    ike_addr_format(remote, true, text, sizeof(text));
    printf("moved %u %s\n", (unsigned)child, text);
    return IKE_OK;
}

static void print_line(void *arg, const struct log_line *l)
{
    (void)arg;
    fprintf(stderr, "log %d %s\n", (int)l->level, l->text);
}

/* ---- SAs ------------------------------------------------------------------------------------------------------------------ */

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "dataplane-pair: %s\n", what);
        exit(1);
    }
}

/* The same on both ends: direction 0 is what a sends. */
static void fill_keys(struct end *e)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        for (unsigned gen = 0; gen < 4; gen++) {
            for (unsigned i = 0; i < 64; i++) {
                e->keys[dir][gen][i] = (uint8_t)(dir * 101 + gen * 37 + i * 7 + 1);
            }
        }
    }
}

static void key_generation(struct end *e, bool a, unsigned gen)
{
    for (unsigned inbound = 0; inbound < 2; inbound++) {
        ike_ipsec_sa *sa = inbound ? &e->in : &e->out;
        unsigned dir = (inbound != 0) == a;
        sa->spi = 0xc0000001U + 16 * gen + dir;
        sa->child = gen + 1;
        sa->rekey = gen > 0;
        sa->encr_key = (ike_bytes){e->keys[dir][gen & 3], e->encr_len};
        sa->integ_key = (ike_bytes){e->keys[1 - dir][gen & 3], e->integ_len};
    }
}

/* "encr=ID:LEN" */
static bool transform(const char *word, const char *name, uint16_t *id, size_t *len)
{
    size_t n = strlen(name);
    unsigned i, l;
    if (strncmp(word, name, n) != 0 || sscanf(word + n, "=%u:%u", &i, &l) != 2) {
        return false;
    }
    must(l <= sizeof(((struct end *)0)->keys[0][0]), "a key of that length");
    *id = (uint16_t)i;
    *len = l;
    return true;
}

static void describe(struct end *e, bool a, char **words, int n)
{
    ike_ipsec_sa *sa = &e->out;
    *sa = (ike_ipsec_sa){.size = sizeof(*sa),
                         .conn = 1,
                         .conn_name = "pair",
                         .child_name = "net",
                         .protocol = IKE_PROTO_ESP,
                         .reqid = 1,
                         .replay_window = 128,
                         .encr = 20,
                         .encr_bits = 128,
                         .local_ts = &e->local_ts,
                         .n_local_ts = 1,
                         .remote_ts = &e->remote_ts,
                         .n_remote_ts = 1};
    e->encr_len = 20;
    for (int i = 0; i < n; i++) {
        sa->mode = strcmp(words[i], "transport") == 0 ? IKE_MODE_TRANSPORT : sa->mode;
        sa->udp_encap |= strcmp(words[i], "encap") == 0;
        sa->esn |= strcmp(words[i], "esn") == 0;
        e->trap |= strcmp(words[i], "trap") == 0;
        if (strcmp(words[i], "cbc") == 0) {
            sa->encr = sa->integ = 12;
            e->encr_len = 16;
            e->integ_len = 32;
        } else if (strcmp(words[i], "chacha") == 0) {
            sa->encr = 28;
            e->encr_len = 36;
        } else if (transform(words[i], "encr", &sa->encr, &e->encr_len) ||
                   transform(words[i], "integ", &sa->integ, &e->integ_len)) {
            continue;
        } else if (strncmp(words[i], "packets=", 8) == 0) {
            sa->hard_packets = strtoul(words[i] + 8, NULL, 10);
        }
    }
    e->in = e->out;
    e->in.inbound = true;
    key_generation(e, a, 0);
}

static void install(struct end *e)
{
    struct app *app = e->d.app;
    if (e->trap) {
        struct app_trap t = {1, "pair", "net", e->out.mode, e->out.path.local, e->out.path.remote, &e->local_ts, &e->remote_ts, 1,
                             1, 0,      0};
        must(app->ops->trap(app, &t) == 0, "no trap");
        return;
    }
    must(app->ops->add(app, &e->in) == IKE_OK, "no inbound SA");
    must(app->ops->add(app, &e->out) == IKE_OK, "no outbound SA");
}

/* New SAs first, then the old ones out, as a rekey does it. */
static void rekey(struct end *e, bool a)
{
    struct app *app = e->d.app;
    ike_ipsec_sa in = e->in, out = e->out;
    key_generation(e, a, ++e->generation);
    install(e);
    app->ops->remove(app, &out);
    app->ops->remove(app, &in);
}

static void move(struct end *e, const char *to)
{
    struct app *app = e->d.app;
    ike_path old = e->out.path;
    must(ike_addr_parse(&e->out.path.remote, to) == IKE_OK, "move: no address");
    e->in.path = e->out.path;
    must(app->ops->move(app, &e->in, &old) == IKE_OK && app->ops->move(app, &e->out, &old) == IKE_OK, "move refused");
}

static void print_stats(struct end *e)
{
    ike_usage in = {0}, out = {0};
    struct daemon_stats s;
    (void)e->d.app->ops->query(e->d.app, &e->in, &in);
    (void)e->d.app->ops->query(e->d.app, &e->out, &out);
    printf("stats in %lu out %lu", (unsigned long)in.packets, (unsigned long)out.packets);
    s = (struct daemon_stats){.n_drops = 0};
    if (e->d.app->ops->stats != NULL) {
        e->d.app->ops->stats(e->d.app, &s);
    }
    for (size_t i = 0; i < s.n_drops; i++) {
        printf(" %s %lu", s.drops[i].reason, (unsigned long)s.drops[i].count);
    }
    printf("\n");
}

/* ---- Commands ------------------------------------------------------------------------------------------------------------- */

static bool role_a;

static void on_command(void *arg, uint32_t events)
{
    struct end *e = arg;
    char line[256];
    (void)events;
    ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);
    if (n <= 0) {
        loop_stop(e->d.loop);
        return;
    }
    line[n] = 0;
    for (char *save, *word = strtok_r(line, "\n", &save); word != NULL; word = strtok_r(NULL, "\n", &save)) {
        if (strcmp(word, "stats") == 0) {
            print_stats(e);
        } else if (strcmp(word, "rekey") == 0) {
            rekey(e, role_a);
        } else if (strncmp(word, "move ", 5) == 0) {
            move(e, word + 5);
        } else {
            loop_stop(e->d.loop);
        }
        printf("did %s\n", word);
    }
}

int main(int argc, char **argv)
{
    static struct end e;
    struct log_sink sink = {.level = IKE_LOG_TRACE, .line = print_line};
    must(argc >= 8, "wrong use: see the head of pair.c");
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(ike_crypto_global_init() == IKE_OK, "crypto");
    e.d.loop = loop_new();
    e.d.settings = (struct daemon_settings){.port = 500, .encap_port = 4500, .routes = true, .tun_name = "ikelib%d"};
    snprintf(e.d.settings.backend, sizeof(e.d.settings.backend), "%s", argv[1]);
    snprintf(e.d.settings.socket_path, sizeof(e.d.settings.socket_path), "%s", argv[2]);
    log_sink_add(&e.d, &sink);
    role_a = strcmp(argv[7], "a") == 0;
    must(ike_ts_parse(&e.local_ts, argv[5]) == IKE_OK && ike_ts_parse(&e.remote_ts, argv[6]) == IKE_OK, "selectors");
    fill_keys(&e);
    describe(&e, role_a, argv + 8, argc - 8);
    must(ike_addr_parse(&e.out.path.local, argv[3]) == IKE_OK && ike_addr_parse(&e.out.path.remote, argv[4]) == IKE_OK,
         "addresses");
    e.in.path = e.out.path;
    must(app_select(&e.d) == 0, "no back-end");
    must(transport_open(&e.d, &e.d.net) == 0, "no sockets");
    install(&e);
    must(loop_fd_add(e.d.loop, STDIN_FILENO, EPOLLIN, on_command, &e) == 0, "stdin");
    printf("ready\n");
    (void)loop_run(e.d.loop);
    e.d.app->ops->close(e.d.app);
    transport_close(e.d.net);
    loop_free(e.d.loop);
    return 0;
}
