/* SPDX-License-Identifier: ISC
 *
 * Engines that send each other datagrams through memory. What a host sends lies in the other's inbox until somebody reads it; the
 * clock belongs to the caller.
 */
#ifndef TESTS_BENCH_NET_H
#define TESTS_BENCH_NET_H

#include "bench.h"

#define BENCH_DATAGRAM 1024

struct bench_datagram {
    size_t len;
    ike_time at;   /* when it arrives */
    ike_path path; /* as the receiver sees it */
    uint8_t bytes[BENCH_DATAGRAM];
};

struct bench_host {
    ike_engine *engine;
    struct bench_host *peer;  /* where its datagrams go */
    ike_addr inside, outside; /* behind a NAT: its own address, and the one it is seen with. Family 0: no NAT */
    ike_time *now;
    struct bench_datagram *inbox; /* a ring */
    unsigned cap, first, waiting;
    /* What becomes of a datagram on its way: when it arrives, false: it is lost. NULL: it arrives at once. */
    bool (*carry)(struct bench_host *from, const ike_path *path, ike_time *at);
    void *user; /* of carry and on_event */
    void (*on_event)(struct bench_host *h, const ike_event *ev);
    unsigned ups, child_ups, downs, rekeys, failures, keepalives, sent, overflow;
};

/* An engine's memory by itself: taken from the system once, and forgotten as a whole. */
struct bench_arena {
    uint8_t *base;
    size_t used, size;
    void *freed[257]; /* by size in units of 16 octets */
};
void bench_arena_init(struct bench_arena *a, size_t size);
void bench_arena_reset(struct bench_arena *a);
void bench_arena_use(struct bench_arena *a, ike_host *h); /* the host's user must be the arena's bench_host */

/* Room for `cap` datagrams; both ends of a pair point at each other with `peer`. */
void bench_host_init(struct bench_host *h, struct bench_host *peer, unsigned cap, ike_time *now);
void bench_host_fini(struct bench_host *h); /* and its engine */
/* Defaults, with this host's callbacks and system randomness; half-open SAs without limit. */
void bench_host_settings(struct bench_host *h, ike_settings *set);
void bench_host_engine(struct bench_host *h, const ike_settings *set); /* ends the program when it cannot */
/* Reads everything that has arrived by now; what its answers bring lies in the peer's inbox. Returns how many datagrams. */
unsigned bench_host_read(struct bench_host *h);
/* Runs both until `end`: datagrams and timers in the order of their times. */
void bench_net_run(struct bench_host *a, struct bench_host *b, ike_time end);

/* IPv4 address number i of 10.0.0.0/8, with port 500. */
ike_addr bench_addr(uint32_t i);
/* A connection of one child by PSK: AES-128-GCM, HMAC-SHA-256, X25519; local_ts is 172.16.0.0/12 on the gateway's side. */
void bench_conn_init(ike_conn_settings *conn, ike_child_settings *child, bool gateway);

#endif
