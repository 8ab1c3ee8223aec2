/* SPDX-License-Identifier: ISC
 *
 * portowner.h - who holds a UDP port, for the error message when it is taken.
 */
#ifndef IKELIBD_PORTOWNER_H
#define IKELIBD_PORTOWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The inode of the first socket bound to `port` in a table in the format of /proc/net/udp; 0 if none. */
unsigned long port_owner_inode(FILE *table, uint16_t port);
/* "charon (pid 812)", or "another process" when /proc does not tell. False if no socket has the port. */
bool port_owner(uint16_t port, char *out, size_t n);

#endif
