/* SPDX-License-Identifier: ISC
 *
 * main.c - ikelibctl: the command line.
 */
#include "ctl/ctl.h"

#include "ctl/decode.h"
#include "daemon.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: ikelibctl [options] COMMAND\n"
                            "\n"
                            "  status [CONNECTION]   what is up, what is not and why\n"
                            "  up NAME               bring a connection or child up and wait until it is\n"
                            "  down NAME             take it down\n"
                            "  rekey NAME            give it new keys\n"
                            "  reauth CONNECTION     have both sides prove anew who they are; traffic goes on\n"
                            "  explain [CONNECTION]  why the last attempts failed, and what to change\n"
                            "  log                   what the daemon says, until interrupted\n"
                            "  reload                read the configuration again\n"
                            "  stats                 counters\n"
                            "  decode FILE           every field of the IKE messages in a capture: pcap or pcapng, also in gzip\n"
                            "\n"
                            "NAME is a connection, CONNECTION/CHILD or a child.\n"
                            "\n"
                            "  --json                for programs (schema 1)\n"
                            "  --socket PATH         the daemon's control socket (default " IKELIBD_SOCKET ")\n"
                            "  --child, --ike NAME, --child-id, --ike-id NUMBER   say exactly which one\n"
                            "  --timeout SECONDS     up, down, rekey, reauth: do not wait longer\n"
                            "  --level N             log: 0 what matters ... 3 everything the daemon logs (default 3)\n"
                            "  -v, --verbose         up, down, rekey, reauth: show what the daemon does\n"
                            "  --keys FILE           decode: decrypt with these keys, in the format of Wireshark's\n"
                            "                        ikev2_decryption_table and ikev1_decryption_table\n"
                            "                        (ikelibd --keylog writes both)\n"
                            "  --port N              decode: UDP port of IKE (default 500)\n"
                            "  --encap-port N        decode: UDP port of IKE behind the non-ESP marker (default 4500)\n"
                            "  -h, --help, --version\n"
                            "\n"
                            "Status: 0 done, 1 it did not work, 2 wrong usage, 3 the daemon cannot be reached.\n";

enum {
    OPT_SOCKET = 256,
    OPT_JSON,
    OPT_CHILD,
    OPT_IKE,
    OPT_CHILD_ID,
    OPT_IKE_ID,
    OPT_TIMEOUT,
    OPT_LEVEL,
    OPT_KEYS,
    OPT_PORT,
    OPT_ENCAP_PORT,
    OPT_VERSION
};

static const struct option table[] = {{"socket", required_argument, NULL, OPT_SOCKET},
                                      {"json", no_argument, NULL, OPT_JSON},
                                      {"child", required_argument, NULL, OPT_CHILD},
                                      {"ike", required_argument, NULL, OPT_IKE},
                                      {"child-id", required_argument, NULL, OPT_CHILD_ID},
                                      {"ike-id", required_argument, NULL, OPT_IKE_ID},
                                      {"timeout", required_argument, NULL, OPT_TIMEOUT},
                                      {"level", required_argument, NULL, OPT_LEVEL},
                                      {"keys", required_argument, NULL, OPT_KEYS},
                                      {"port", required_argument, NULL, OPT_PORT},
                                      {"encap-port", required_argument, NULL, OPT_ENCAP_PORT},
                                      {"verbose", no_argument, NULL, 'v'},
                                      {"help", no_argument, NULL, 'h'},
                                      {"version", no_argument, NULL, OPT_VERSION},
                                      {NULL, 0, NULL, 0}};

static int wrong(const char *what, const char *value)
{
    fprintf(stderr, "ikelibctl: %s%s; ikelibctl --help says how it is used\n", what, value);
    return CTL_USAGE;
}

/* A number of digits only. -1: go on. */
static int read_number(const char *what, unsigned long long least, unsigned long long most, unsigned long long *out)
{
    errno = 0;
    *out = strtoull(optarg, NULL, 10);
    bool good = optarg[0] && optarg[strspn(optarg, "0123456789")] == 0 && errno == 0 && *out >= least && *out <= most;
    return good ? -1 : wrong(what, optarg);
}

static int read_port(const char *what, uint16_t *port)
{
    unsigned long long v;
    int r = read_number(what, 1, UINT16_MAX, &v);
    *port = (uint16_t)v;
    return r;
}

static int read_id(const char *what, const char **text)
{
    unsigned long long v;
    *text = optarg;
    return read_number(what, 1, UINT32_MAX, &v);
}

static int read_level(int *level)
{
    unsigned long long v;
    int r = read_number("--level needs 0 to 3, not ", 0, 3, &v);
    *level = (int)v;
    return r;
}

/* The least is a millisecond: what rounds to none would be taken for no limit at all. */
static int read_timeout(uint32_t *ms)
{
    char *end;
    double v = strtod(optarg, &end) * 1000;
    bool good = optarg[0] && optarg[strspn(optarg, "0123456789.")] == 0 && *end == 0 && v > 0 && v <= INT32_MAX;
    *ms = !good ? 0 : v < 1 ? 1 : (uint32_t)v;
    return good ? -1 : wrong("--timeout needs seconds, above 0 and at most 2147483, not ", optarg);
}

/* An empty name, such as of a variable that is not set, must not stand for all. */
static int read_name(const char *what, const char **name)
{
    *name = optarg;
    return optarg[0] ? -1 : wrong(what, "");
}

/* -1: go on. */
static int take(struct options *o, int opt)
{
    switch (opt) {
    case OPT_SOCKET:
        o->socket = optarg;
        return -1;
    case OPT_JSON:
        o->json = true;
        return -1;
    case 'v':
        o->verbose = true;
        return -1;
    case OPT_CHILD:
        return read_name("--child needs a name", &o->child);
    case OPT_IKE:
        return read_name("--ike needs a name", &o->ike);
    case OPT_CHILD_ID:
        return read_id("--child-id needs the number of a child, not ", &o->child_id);
    case OPT_IKE_ID:
        return read_id("--ike-id needs the number of an IKE SA, not ", &o->ike_id);
    case OPT_TIMEOUT:
        return read_timeout(&o->timeout_ms);
    case OPT_LEVEL:
        return read_level(&o->level);
    case OPT_KEYS:
        o->keys = optarg;
        return -1;
    case OPT_PORT:
        return read_port("--port needs 1 to 65535, not ", &o->port);
    case OPT_ENCAP_PORT:
        return read_port("--encap-port needs 1 to 65535, not ", &o->encap_port);
    case 'h':
        fputs(usage, stdout);
        return CTL_OK;
    case OPT_VERSION:
        printf("ikelibctl %s\n", ike_version());
        return CTL_OK;
    default:
        return wrong("this is not an option", "");
    }
}

static const struct {
    const char *name;
    bool takes_name;
    int (*run)(struct client *c, const struct options *o, const char *name);
} commands[] = {{"status", true, cmd_status}, {"up", true, cmd_up},          {"down", true, cmd_down},
                {"rekey", true, cmd_rekey},   {"reauth", true, cmd_reauth},  {"explain", true, cmd_explain},
                {"log", false, cmd_log},      {"reload", false, cmd_reload}, {"stats", false, cmd_stats}};

/* The one command that asks no daemon. */
static int decode(const struct options *o, int argc, char **argv)
{
    if (argc != 2) {
        return argc < 2 ? wrong("decode needs a capture", "") : wrong("too many arguments: ", argv[argc - 1]);
    }
    return decode_file(o, argv[1]);
}

static int run(const struct options *o, int argc, char **argv)
{
    struct client c = {.fd = -1};
    if (strcmp(argv[0], "decode") == 0) {
        return decode(o, argc, argv);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[0], commands[i].name) != 0) {
            continue;
        }
        if (argc > (commands[i].takes_name ? 2 : 1)) {
            return wrong("too many arguments: ", argv[argc - 1]);
        }
        if (argc > 1 && argv[1][0] == 0) {
            return wrong("the name is empty", "");
        }
        int r = client_open(&c, o->socket);
        if (r == CTL_OK) {
            r = commands[i].run(&c, o, argc > 1 ? argv[1] : NULL);
            client_close(&c);
        }
        return fflush(stdout) == 0 ? r : CTL_FAILED;
    }
    return wrong("no such command: ", argv[0]);
}

int main(int argc, char **argv)
{
    struct options o = {.socket = IKELIBD_SOCKET, .level = 3, .port = 500, .encap_port = 4500};
    for (int opt; (opt = getopt_long(argc, argv, "hv", table, NULL)) != -1;) {
        int r = take(&o, opt);
        if (r >= 0) {
            return r;
        }
    }
    if (optind >= argc) {
        fputs(usage, stderr);
        return CTL_USAGE;
    }
    return run(&o, argc - optind, argv + optind);
}
