/* SPDX-License-Identifier: ISC
 *
 * us_spd.c - which child a packet of ours belongs to, and packets that wait for one.
 */
#include "app/userspace.h"

#include <netinet/in.h>
#include <string.h>

/* ---- Entries -------------------------------------------------------------------------------------------------------------- */

/* How much a selector leaves open, in bits: the sum orders entries narrow before wide. */
static uint32_t width_of(const ike_ts *ts)
{
    size_t len = ts->family == 4 ? 4 : 16;
    uint32_t bits = (uint32_t)(8 * len), open = 0;
    for (uint32_t i = 0; i < bits; i++) {
        if (((ts->lo[i / 8] ^ ts->hi[i / 8]) >> (7 - i % 8) & 1) != 0) {
            open = bits - i;
            break;
        }
    }
    return 64 * open + (ts->proto == 0 ? 32 : 0) + (ts->port_lo != ts->port_hi ? 16 : 0);
}

static uint32_t widest_of(const ike_ts *ts, size_t n)
{
    uint32_t widest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t w = width_of(&ts[i]);
        widest = w > widest ? w : widest;
    }
    return widest;
}

static ike_ts *copy_ts(const ike_ts *ts, size_t n)
{
    ike_ts *copy = calloc(n > 0 ? n : 1, sizeof(*copy));
    if (copy != NULL && n > 0) {
        memcpy(copy, ts, n * sizeof(*copy));
    }
    return copy;
}

struct us_entry *us_find(struct us_app *u, ike_conn_id conn, uint32_t reqid, const char *child_name)
{
    struct us_entry *e = u->entries;
    while (e != NULL && (e->conn != conn || e->reqid != reqid || strcmp(e->child_name, child_name) != 0)) {
        e = e->next;
    }
    return e;
}

static void free_queue(struct us_entry *e)
{
    while (e->queue != NULL) {
        struct us_packet *p = e->queue;
        e->queue = p->next;
        free(p);
    }
    e->queue_end = &e->queue;
    e->queued = 0;
}

static void free_entry(struct us_entry *e)
{
    free_queue(e);
    free(e->child_name);
    free(e->local_ts);
    free(e->remote_ts);
    free(e);
}

struct us_entry *us_entry_new(struct us_app *u, ike_conn_id conn, uint32_t reqid, const char *child_name, const ike_ts *local_ts,
                              size_t n_local_ts, const ike_ts *remote_ts, size_t n_remote_ts)
{
    struct us_entry *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return NULL;
    }
    e->trap = reqid == 0;
    e->conn = conn;
    e->reqid = reqid;
    e->child_name = strdup(child_name);
    e->local_ts = copy_ts(local_ts, n_local_ts);
    e->remote_ts = copy_ts(remote_ts, n_remote_ts);
    e->n_local_ts = n_local_ts;
    e->n_remote_ts = n_remote_ts;
    e->queue_end = &e->queue;
    if (e->child_name == NULL || e->local_ts == NULL || e->remote_ts == NULL) {
        free_entry(e);
        return NULL;
    }
    /* At equal width real before trap, and the newer first: a peer that came back takes over. */
    e->width = 2 * (widest_of(local_ts, n_local_ts) + widest_of(remote_ts, n_remote_ts)) + e->trap;
    struct us_entry **p = &u->entries;
    while (*p != NULL && (*p)->width < e->width) {
        p = &(*p)->next;
    }
    e->next = *p;
    *p = e;
    return e;
}

void us_entry_drop(struct us_app *u, struct us_entry *e)
{
    struct us_entry **p = &u->entries;
    while (*p != e) {
        p = &(*p)->next;
    }
    *p = e->next;
    free_entry(e);
}

struct us_entry *us_match(struct us_app *u, const uint8_t *packet, size_t n)
{
    struct us_entry *waiting = NULL;
    for (struct us_entry *e = u->entries; e != NULL; e = e->next) {
        /* A narrower trap hides a wider SA only for its own traffic, and it has to ask for its own child then. */
        if ((waiting == NULL || e->out != NULL) &&
            ike_esp_ts_match(packet, n, e->local_ts, e->n_local_ts, e->remote_ts, e->n_remote_ts, false)) {
            if (e->out != NULL && (waiting == NULL || waiting->conn == e->conn)) {
                return e;
            }
            waiting = waiting != NULL ? waiting : e;
        }
    }
    return waiting;
}

/* ---- Waiting packets ------------------------------------------------------------------------------------------------------ */

bool us_queue(struct us_app *u, struct us_entry *e, const uint8_t *packet, size_t n)
{
    ike_time now = loop_now(u->app.d->loop);
    if (e->queued > 0 && now - e->queued_at > QUEUE_LIFE) {
        free_queue(e);
    }
    struct us_packet *p = e->queued < QUEUE_PACKETS ? malloc(sizeof(*p) + n) : NULL;
    if (p == NULL) {
        u->drops[US_QUEUE_FULL]++;
        return false;
    }
    p->next = NULL;
    p->n = n;
    memcpy(p->data, packet, n);
    *e->queue_end = p;
    e->queue_end = &p->next;
    e->queued_at = e->queued++ == 0 ? now : e->queued_at;
    u->queued++;
    return true;
}

void us_flush(struct us_app *u, struct us_entry *e,
              void (*send)(struct us_app *u, struct us_entry *e, const uint8_t *packet, size_t n))
{
    struct us_packet *p = e->queue;
    e->queue = NULL;
    e->queue_end = &e->queue;
    e->queued = 0;
    while (p != NULL) {
        struct us_packet *next = p->next;
        send(u, e, p->data, p->n);
        free(p);
        p = next;
    }
}

/* ---- A packet's selectors ------------------------------------------------------------------------------------------------- */

static void one_address(ike_ts *ts, uint8_t family, const uint8_t *ip, uint8_t proto)
{
    *ts = (ike_ts){.family = family, .proto = proto, .port_hi = UINT16_MAX};
    memcpy(ts->lo, ip, family == 4 ? 4 : 16);
    memcpy(ts->hi, ip, family == 4 ? 4 : 16);
}

static uint16_t load16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

bool us_packet_ts(const uint8_t *packet, size_t n, ike_ts *local, ike_ts *remote)
{
    bool v4 = n >= 20 && packet[0] >> 4 == 4, v6 = n >= 40 && packet[0] >> 4 == 6;
    if (!v4 && !v6) {
        return false;
    }
    uint8_t proto = v4 ? packet[9] : packet[6];
    size_t header = v4 ? 4U * (packet[0] & 15U) : 40;
    one_address(local, v4 ? 4 : 6, packet + (v4 ? 12 : 8), proto);
    one_address(remote, v4 ? 4 : 6, packet + (v4 ? 16 : 24), proto);
    bool fragment = v4 && (load16(packet + 6) & 0x1fff) != 0;
    if (!fragment && n >= header + 4 && (proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP)) {
        local->port_lo = local->port_hi = load16(packet + header);
        remote->port_lo = remote->port_hi = load16(packet + header + 2);
    } else if (!fragment && n >= header + 2 && (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)) {
        local->port_lo = local->port_hi = remote->port_lo = remote->port_hi = load16(packet + header);
    }
    return true;
}
