/* SPDX-License-Identifier: ISC
 *
 * config.h - what config.c offers beside the functions in daemon.h.
 */
#ifndef IKELIBD_CONFIG_H
#define IKELIBD_CONFIG_H

#include <ike/conf.h>

#include "daemon.h"
#include "modules.h"

#include <stdio.h>

/* Overwrite the engine's settings that section [daemon] names: retransmission, limits, ports of the peers. */
void config_engine_settings(const struct config *c, ike_settings *s);

/* The modules that were loaded for this configuration, once: they are the caller's then. NULL: none. */
struct modules *config_take_modules(struct config *c);

/* The same settings in the form of lib/conf; its texts are those of *s. */
ike_config_daemon config_daemon_view(const struct daemon_settings *s);

/* `ikelibd --check PATH`: every problem, or else what was understood. The exit status: 0 when all is well. */
int config_check(const char *path, FILE *out, FILE *err);

#endif
