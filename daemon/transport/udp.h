/* SPDX-License-Identifier: ISC
 *
 * udp.h - the UDP sockets: ports 500 and 4500, IPv4 and IPv6.
 */
#ifndef IKELIBD_UDP_H
#define IKELIBD_UDP_H

#include "daemon.h"

struct transport_stats {
    uint64_t in, out, keepalives_in, esp_in;
    uint64_t send_errors;
    /* Refused before anybody looked inside (robustness: no answer, no state). */
    uint64_t drop_source, drop_destination, drop_short, drop_esp;
};

/* Bind the ports of d->settings; d->app, if there, prepares each socket (app_ops.socket). Errors are logged, one clear line.
 * 0 or -errno. */
int transport_open(struct ikelibd *d, struct transport **out);
void transport_close(struct transport *t);

/* One IKE message or keepalive. Errors count and are logged, not more than once in ten seconds. 0 or -errno. */
int transport_send(struct transport *t, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n);
/* One ESP packet in UDP from the encapsulation port. */
int transport_send_esp(struct transport *t, const ike_path *path, const uint8_t *bytes, size_t n);

const struct transport_stats *transport_stats_of(const struct transport *t);

/* Which address of ours the system would use towards `remote`: fills local->family, ip and scope; keeps local->port.
 * mark: SO_MARK, 0 none. 0 or -errno. */
int source_address(const ike_addr *remote, uint32_t mark, ike_addr *local);

/* An ike_addr as a socket address and back. */
socklen_t addr_to_sockaddr(const ike_addr *a, struct sockaddr_storage *out);
void addr_from_sockaddr(const struct sockaddr_storage *in, ike_addr *a);

#endif
