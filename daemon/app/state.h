/* SPDX-License-Identifier: ISC
 *
 * state.h - the list of what we installed in the kernel, kept in a file, so that the run after a crash removes exactly that.
 *
 * One text record per object in slots of fixed size: installing writes a slot, removing blanks it, and the file does not grow
 * with time. It is bound to one boot of the machine and one network namespace; a file of another one is worthless. It lies
 * beside the control socket and is locked while the daemon lives.
 */
#ifndef IKELIBD_STATE_H
#define IKELIBD_STATE_H

#include <stddef.h>

struct state;

/* The file's name for a control socket: its path with ".state" behind it. */
void state_path(const char *socket_path, char *out, size_t n);
/* Open or create, and call `leftover` for each record of a former run in the reverse order of slots; they are gone from the
 * file afterwards. NULL with errno; EWOULDBLOCK: another daemon runs with this file. */
struct state *state_open(const char *path, void (*leftover)(void *arg, const char *record), void *arg);
/* Everything is removed: so is the file. */
void state_close(struct state *s);

/* Note one object before it is installed. A slot number for state_remove, or -1: it cannot be noted (then it is installed
 * all the same). s may be NULL. */
int state_add(struct state *s, const char *record);
void state_remove(struct state *s, int slot);

#endif
