/* SPDX-License-Identifier: ISC
 *
 * pfk.h - PF_KEYv2 (RFC 2367): building messages, reading them, asking the kernel.
 *
 * A message is a header and extensions, everything in multiples of 8 octets. The kernel answers a request before sendmsg
 * returns, and tells many of its answers to every PF_KEY socket, so most of what a socket hears is not meant for it.
 */
#ifndef IKELIBD_PFK_H
#define IKELIBD_PFK_H

#include <linux/pfkeyv2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ike/types.h>

#define PFK_MSG_MAX 4096

/* A message that did not fit is marked, and pfk_call refuses it. */
struct pfk_msg {
    size_t len;
    bool overflow;
    uint32_t seq; /* of the kernel's message that this is about; 0: the next one of ours */
    _Alignas(8) uint8_t buf[PFK_MSG_MAX];
};

void pfk_begin(struct pfk_msg *m, uint8_t type, uint8_t satype);
/* An extension of n octets, its header of four included: zeros behind that header. NULL: it does not fit. */
void *pfk_ext(struct pfk_msg *m, uint16_t type, size_t n);
/* SADB_EXT_ADDRESS_*. proto 0: any. */
void pfk_address(struct pfk_msg *m, uint16_t type, const ike_addr *a, uint8_t bits, uint8_t proto);
/* A sockaddr without a port and its length, for where addresses stand inside of extensions. out: 28 octets */
size_t pfk_sockaddr(const ike_addr *a, uint16_t port, uint8_t *out);
#define PFK_SOCKADDR_MAX 28
/* SADB_EXT_KEY_* */
void pfk_key(struct pfk_msg *m, uint16_t type, ike_bytes key);
/* The header's length is written; false: it did not fit. */
bool pfk_end(struct pfk_msg *m);
/* Requests may hold keys. */
void pfk_wipe(struct pfk_msg *m);

/* A received message; views into the buffer it was read from. */
struct pfk_view {
    struct sadb_msg head;
    ike_bytes ext[SADB_EXT_MAX + 1]; /* by type, with their headers; ptr NULL where absent */
};
/* False: not one whole message of version 2 with each extension once. Extensions of unknown types are passed over. */
bool pfk_parse(const uint8_t *p, size_t n, struct pfk_view *v);
/* The first n octets of an extension. False: it is not there, or shorter. */
bool pfk_get(const struct pfk_view *v, uint16_t type, void *out, size_t n);
struct pfk_address {
    ike_addr addr; /* with the port */
    uint8_t bits, proto;
};
bool pfk_get_address(const struct pfk_view *v, uint16_t type, struct pfk_address *out);
/* From a sockaddr of at most n octets: its length, 0 if it is none. */
size_t pfk_read_sockaddr(const uint8_t *p, size_t n, ike_addr *out);

struct pfk_sock {
    int fd;
    uint32_t seq, pid; /* pid: ours; what we change bears it when the kernel tells everybody */
    uint8_t *rx;       /* PFK_RX_MAX octets */
};
#define PFK_RX_MAX 16384

int pfk_open(struct pfk_sock *s); /* 0 or -errno */
void pfk_close(struct pfk_sock *s);
typedef void pfk_reply_fn(void *arg, const struct pfk_view *v);
/* Send and read until the answer, or the last one of a dump. 0 or -errno, -ETIMEDOUT: there was none for a while. Both buffers
 * are wiped when it returns. */
int pfk_call(struct pfk_sock *s, struct pfk_msg *m, pfk_reply_fn *reply, void *arg);
/* From now on hear what is told to those who register for this SA type. */
int pfk_register(struct pfk_sock *s, uint8_t satype);

/* Hand on what waits at the socket, a bounded number of messages. 0, or -ENOBUFS: some may have been lost. */
int pfk_events(struct pfk_sock *s, pfk_reply_fn *event, void *arg);

#endif
