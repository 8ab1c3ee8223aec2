/* SPDX-License-Identifier: ISC
 *
 * main.c - ikelibctl: the command line.
 */
#include "ctl/ctl.h"

#include "ctl/decode.h"
#include "daemon.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: ikelibctl [options] COMMAND\n"
                            "\n"
                            "  status [CONNECTION]   what is up, what is not and why\n"
                            "  up NAME               bring a connection or child up and wait until it is\n"
                            "  down NAME             take it down\n"
                            "  rekey NAME            give it new keys\n"
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
                            "  --timeout SECONDS     up, down, rekey: do not wait longer\n"
                            "  --level N             log: 0 what matters ... 3 everything the daemon logs (default 3)\n"
                            "  -v, --verbose         up, down, rekey: show what the daemon does\n"
                            "  --keys FILE           decode: decrypt with these keys, in the format of Wireshark's\n"
                            "                        ikev2_decryption_table (ikelibd --keylog writes it)\n"
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

static bool is_number(const char *s, const char *digits) { return s[0] && s[strspn(s, digits)] == 0; }

static int read_port(const char *name, uint16_t *port)
{
    const unsigned long v = strtoul(optarg, NULL, 10);
    *port = (uint16_t)v;
    return is_number(optarg, "0123456789") && v > 0 && v <= UINT16_MAX ? -1 : wrong(name, optarg);
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
        o->child = optarg;
        return -1;
    case OPT_IKE:
        o->ike = optarg;
        return -1;
    case OPT_CHILD_ID:
        o->child_id = optarg;
        return is_number(optarg, "0123456789") ? -1 : wrong("--child-id needs a number, not ", optarg);
    case OPT_IKE_ID:
        o->ike_id = optarg;
        return is_number(optarg, "0123456789") ? -1 : wrong("--ike-id needs a number, not ", optarg);
    case OPT_TIMEOUT:
        o->timeout = optarg;
        return is_number(optarg, "0123456789.") ? -1 : wrong("--timeout needs seconds, not ", optarg);
    case OPT_LEVEL:
        o->level = atoi(optarg);
        return is_number(optarg, "0123456789") ? -1 : wrong("--level needs a number, not ", optarg);
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
} commands[] = {{"status", true, cmd_status},  {"up", true, cmd_up},           {"down", true, cmd_down},
                {"rekey", true, cmd_rekey},    {"explain", true, cmd_explain}, {"log", false, cmd_log},
                {"reload", false, cmd_reload}, {"stats", false, cmd_stats}};

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
