/* SPDX-License-Identifier: ISC
 *
 * modules.h - crypto modules (ike/module.h) named in the configuration.
 */
#ifndef IKELIBD_MODULES_H
#define IKELIBD_MODULES_H

#include <ike/host.h>
#include <ike/module.h>

struct modules;

typedef void modules_say(void *arg, ike_log_level level, const char *text);

/* names: words separated by commas or blanks, each the name of a module (legacy: ike_legacy.so in the folder of modules) or a
 * path that begins with /. NULL: none. One that cannot be used is told of and left out. NULL without memory, which is told of
 * too. */
struct modules *modules_open(const char *names, modules_say *say, void *arg);
/* The default choice and behind it, in their order, what the modules have. Valid until modules_close. m NULL: the default. */
const ike_crypto *modules_crypto(const struct modules *m);
/* After every engine that uses the slots. */
void modules_close(struct modules *m);

/* The module that is known to have this algorithm, given by its keyword in a proposal; NULL: none. */
const char *modules_hint(const char *keyword, size_t n);

#endif
