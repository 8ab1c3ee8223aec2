/* SPDX-License-Identifier: ISC
 *
 * options.c - the command line of ikelibd.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: ikelibd [options]\n"
    "\n"
    "  -c, --config FILE   configuration (default " IKELIBD_CONFIG ")\n"
    "      --check FILE    say what is wrong with FILE, and end\n"
    "      --foreground    stay in the foreground (always so)\n"
    "      --socket PATH   control socket (default " IKELIBD_SOCKET ")\n"
    "      --backend B     data plane: auto, xfrm, pfkey, userspace, none\n"
    "      --log LEVEL     error, warn, info, debug, trace\n"
    "      --keylog FILE   write the keys of every IKE SA to FILE: for debugging only\n"
    "      --version\n"
    "  -h, --help\n"
    "\n"
    "SIGHUP reads the configuration again; SIGTERM deletes the tunnels and ends, a second one ends at once.\n";

enum { OPT_CHECK = 256, OPT_FOREGROUND, OPT_SOCKET, OPT_BACKEND, OPT_LOG, OPT_KEYLOG, OPT_VERSION };

static const struct option table[] = {{"config", required_argument, NULL, 'c'},
                                      {"check", required_argument, NULL, OPT_CHECK},
                                      {"foreground", no_argument, NULL, OPT_FOREGROUND},
                                      {"socket", required_argument, NULL, OPT_SOCKET},
                                      {"backend", required_argument, NULL, OPT_BACKEND},
                                      {"log", required_argument, NULL, OPT_LOG},
                                      {"keylog", required_argument, NULL, OPT_KEYLOG},
                                      {"version", no_argument, NULL, OPT_VERSION},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

/* Values that end up in the fixed arrays of the settings. */
static bool fits(const char *what, const char *value, size_t max)
{
    if (strlen(value) < max) {
        return true;
    }
    fprintf(stderr, "ikelibd: --%s: longer than %zu characters\n", what, max - 1);
    return false;
}

/* Before the configuration is read, as any other wrong use. */
static bool is_backend(const char *value)
{
    static const char *const all[] = {"auto", "xfrm", "pfkey", "userspace", "none"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(value, all[i]) == 0) {
            return true;
        }
    }
    fprintf(stderr, "ikelibd: --backend %s: expected auto, xfrm, pfkey, userspace or none\n", value);
    return false;
}

static int take(struct options *o, int opt)
{
    const struct daemon_settings *s = NULL;
    switch (opt) {
    case 'c':
        o->config = optarg;
        return -1;
    case OPT_CHECK:
        o->check = optarg;
        return -1;
    case OPT_FOREGROUND:
        return -1;
    case OPT_SOCKET:
        o->socket = optarg;
        return fits("socket", optarg, sizeof(s->socket_path)) ? -1 : 2;
    case OPT_BACKEND:
        o->backend = optarg;
        return is_backend(optarg) ? -1 : 2;
    case OPT_KEYLOG:
        o->keylog = optarg;
        return fits("keylog", optarg, sizeof(s->keylog)) ? -1 : 2;
    case OPT_LOG:
        o->has_log = true;
        if (log_level_parse(optarg, &o->log) == IKE_OK) {
            return -1;
        }
        fprintf(stderr, "ikelibd: --log %s: expected error, warn, info, debug or trace\n", optarg);
        return 2;
    case OPT_VERSION:
        printf("ikelibd %s\n", ike_version());
        return 0;
    case 'h':
        fputs(usage, stdout);
        return 0;
    default:
        fputs("ikelibd --help says how it is used\n", stderr);
        return 2;
    }
}

int options_parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.config = IKELIBD_CONFIG};
    for (int opt; (opt = getopt_long(argc, argv, "c:h", table, NULL)) != -1;) {
        int status = take(o, opt);
        if (status >= 0) {
            return status;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "ikelibd: %s: unexpected; ikelibd --help says how it is used\n", argv[optind]);
        return 2;
    }
    return -1;
}

void options_apply(const struct options *o, struct daemon_settings *s)
{
    if (o->socket != NULL) {
        snprintf(s->socket_path, sizeof(s->socket_path), "%s", o->socket);
    }
    if (o->backend != NULL) {
        snprintf(s->backend, sizeof(s->backend), "%s", o->backend);
    }
    if (o->keylog != NULL) {
        snprintf(s->keylog, sizeof(s->keylog), "%s", o->keylog);
    }
    if (o->has_log) {
        s->log_level = o->log;
    }
}

void daemon_settings_init(struct daemon_settings *s)
{
    *s = (struct daemon_settings){.backend = "auto",
                                  .port = 500,
                                  .encap_port = 4500,
                                  .socket_path = IKELIBD_SOCKET,
                                  .log_level = IKE_LOG_INFO,
                                  .tun_name = "ikelib%d",
                                  .routes = true};
}
