/* SPDX-License-Identifier: ISC
 *
 * options.h - the command line of ikelibd.
 */
#ifndef IKELIBD_OPTIONS_H
#define IKELIBD_OPTIONS_H

#include "daemon.h"

struct options {
    const char *config, *check;
    const char *keylog, *socket, *backend; /* NULL: not given */
    bool has_log;
    ike_log_level log;
};

/* -1: go on; otherwise the exit status (help, version, wrong use). */
int options_parse(int argc, char **argv, struct options *o);
/* What was given overwrites what the file says. */
void options_apply(const struct options *o, struct daemon_settings *s);

#endif
