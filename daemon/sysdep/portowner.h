/* SPDX-License-Identifier: ISC
 *
 * portowner.h - who holds a UDP port, for the error message when it is taken.
 */
#ifndef IKELIBD_PORTOWNER_H
#define IKELIBD_PORTOWNER_H

#include <ike/types.h>
#include <stdio.h>

/* Inodes of sockets in a table in the format of /proc/net/udp or udp6 that keep a socket from being bound to `local` (an address
 * of zeros: all of its family). At most n; how many. */
size_t port_owner_inodes(FILE *table, const ike_addr *local, unsigned long *inodes, size_t n);
/* "charon (pid 812)", or "another process" when /proc does not tell. False if nobody but ourselves has the port. */
bool port_owner(const ike_addr *local, char *out, size_t n);

#endif
