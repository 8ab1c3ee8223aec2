/* SPDX-License-Identifier: ISC
 *
 * userspace.h - inside the user-space data plane: ESP by our own codec over a TUN device, always in UDP.
 *
 *   out   TUN -> spdb_out (which child does this packet belong to) -> ike_esp_seal -> UDP 4500
 *   in    UDP 4500 -> SA by SPI -> ike_esp_open -> selectors -> TUN
 *
 * What routing sends into the TUN belongs to some child or is dropped: nothing leaves in clear.
 */
#ifndef IKELIBD_USERSPACE_H
#define IKELIBD_USERSPACE_H

#include "app/app.h"
#include "app/inner.h"
#include "app/routes.h"
#include "app/state.h"
#include "table.h"

#include <ike/esp.h>

#define PACKET_MAX    65536
#define QUEUE_PACKETS 8 /* per entry, while its SA is being negotiated */
#define QUEUE_LIFE    (10 * IKE_SEC)

/* One direction of one child SA. */
struct us_sa {
    struct table_node node; /* inbound: by SPI */
    struct us_sa *next;     /* outbound: in its entry, newest first */
    struct us_entry *entry;
    ike_child_id child;
    uint32_t spi;
    bool inbound;
    ike_esp_sa *esp;
    ike_path path;
    struct behind behind; /* outbound */
    uint32_t mtu;         /* outbound: largest inner packet */
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
    bool soft_told, hard_told, move_told;
    ike_addr told_remote; /* the move that was last reported */
    ike_time last;
};

struct us_packet {
    struct us_packet *next;
    size_t n;
    uint8_t data[];
};

/* Selectors and who serves them: the SAs of one child of one peer, or a trap. */
struct us_entry {
    struct us_entry *next; /* narrow before wide */
    uint32_t width;        /* order: bits that selectors leave open */
    bool trap;
    ike_conn_id conn;
    uint32_t reqid; /* 0: trap */
    char *child_name;
    ike_ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    struct us_sa *out; /* newest first */
    unsigned n_in;
    struct behind behind; /* trap */
    struct us_packet *queue, **queue_end;
    unsigned queued;
    ike_time queued_at, asked_at;
};

enum us_drop { US_NO_POLICY, US_NO_SA, US_UNKNOWN_SPI, US_NOT_IP, US_OWN_OUTER, US_QUEUE_FULL, US_TUN_WRITE, US_SEND, US_DROPS };

struct us_app {
    struct app app;
    int tun;
    uint32_t ifindex, mtu;
    char name[16];
    struct nl_sock rt;
    struct state *state;
    struct routes *routes;
    struct inner *inner; /* addresses that peers gave us */
    struct table in; /* inbound SAs by SPI */
    struct us_entry *entries;
    uint64_t packets_in, packets_out, queued;
    uint64_t drops[US_DROPS], esp_drops[IKE_ESP_N_DROPS];
    uint64_t dead_in, dead_out; /* packets of SAs that are gone */
    unsigned leftovers;
    uint8_t packet[PACKET_MAX], sealed[PACKET_MAX];
};

/* us_spd.c */
struct us_entry *us_find(struct us_app *u, ike_conn_id conn, uint32_t reqid, const char *child_name);
struct us_entry *us_entry_new(struct us_app *u, ike_conn_id conn, uint32_t reqid, const char *child_name, const ike_ts *local_ts,
                              size_t n_local_ts, const ike_ts *remote_ts, size_t n_remote_ts);
void us_entry_drop(struct us_app *u, struct us_entry *e);
/* The entry for a packet of ours: the narrowest that matches, one that has an SA before one that has none. NULL: none. */
struct us_entry *us_match(struct us_app *u, const uint8_t *packet, size_t n);
/* Hold a packet until there is an SA. False: dropped. */
bool us_queue(struct us_app *u, struct us_entry *e, const uint8_t *packet, size_t n);
void us_flush(struct us_app *u, struct us_entry *e,
              void (*send)(struct us_app *u, struct us_entry *e, const uint8_t *packet, size_t n));
/* The packet's addresses and ports as selectors, for TSi and TSr of an acquire. */
bool us_packet_ts(const uint8_t *packet, size_t n, ike_ts *local, ike_ts *remote);

/* us_data.c */
void us_tun_readable(void *arg, uint32_t events);
void us_esp_input(struct app *a, const ike_path *path, uint8_t *packet, size_t n);
void us_send_queued(struct us_app *u, struct us_entry *e);

/* us_tun.c */
int us_tun_probe(char *why, size_t n);
int us_tun_open(struct us_app *u); /* 0 or -errno, logged */
void us_tun_close(struct us_app *u);
/* The device's MTU is the smallest any SA needs. */
void us_tun_mtu(struct us_app *u);
uint32_t us_inner_mtu(struct us_app *u, const struct us_sa *sa);

#endif
