/* SPDX-License-Identifier: ISC
 *
 * us_data.c - the user-space data path: packets from the TUN device into ESP, ESP from UDP into the device.
 */
#include "app/userspace.h"
#include "transport/udp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PACKETS_A_TURN 64
#define ASK_AGAIN      IKE_SEC /* a waiting child is asked for at most this often */

/* ---- Limits --------------------------------------------------------------------------------------------------------------- */

static bool beyond(uint64_t limit, uint64_t value) { return limit != 0 && value >= limit; }

/* Byte and packet limits, and the end of the sequence numbers, which no configuration can lift. The engine is told once each. */
static void check_limits(struct us_app *u, struct us_sa *sa)
{
    const ike_esp_counters *c = ike_esp_counters_of(sa->esp);
    uint64_t last = ike_esp_seq_max(sa->esp);
    bool hard = beyond(sa->hard_bytes, c->octets) || beyond(sa->hard_packets, c->packets) || c->seq == last;
    bool soft = hard || beyond(sa->soft_bytes, c->octets) || beyond(sa->soft_packets, c->packets) || c->seq >= last - last / 16;
    if ((hard && !sa->hard_told) || (soft && !sa->soft_told)) {
        sa->soft_told = true;
        sa->hard_told = hard;
        if (ike_child_expire(u->app.d->engine, sa->child, hard, loop_now(u->app.d->loop)) == IKE_ERR_STATE) {
            sa->soft_told = sa->hard_told = false; /* inside a hook: the next packet tells */
        }
    }
}

static bool is_spent(const struct us_sa *sa)
{
    const ike_esp_counters *c = ike_esp_counters_of(sa->esp);
    return beyond(sa->hard_bytes, c->octets) || beyond(sa->hard_packets, c->packets);
}

/* ---- Out ------------------------------------------------------------------------------------------------------------------ */

static void send_packet(struct us_app *u, struct us_entry *e, const uint8_t *packet, size_t n)
{
    struct us_sa *sa = e->out;
    size_t len = 0;
    if (sa == NULL || is_spent(sa)) {
        u->drops[US_NO_SA]++;
        return;
    }
    if (ike_esp_seal(sa->esp, 0, packet, n, u->sealed, sizeof(u->sealed), &len) == IKE_OK) {
        sa->last = loop_now(u->app.d->loop);
        u->packets_out++;
        if (transport_send_esp(u->app.d->net, &sa->path, u->sealed, len) != 0) {
            u->drops[US_SEND]++;
        }
    }
    check_limits(u, sa);
}

void us_send_queued(struct us_app *u, struct us_entry *e) { us_flush(u, e, send_packet); }

static void ask_for_child(struct us_app *u, struct us_entry *e, const uint8_t *packet, size_t n)
{
    struct ikelibd *d = u->app.d;
    ike_time now = loop_now(d->loop);
    ike_ts local, remote;
    if (!us_queue(u, e, packet, n) || (e->asked_at != 0 && now - e->asked_at < ASK_AGAIN) ||
        !us_packet_ts(packet, n, &local, &remote)) {
        return;
    }
    e->asked_at = now;
    int error = ike_acquire(d->engine, e->conn, e->child_name, &local, &remote, now);
    daemon_log(d, IKE_LOG_DEBUG, "a packet asks for child %s%s%s", e->child_name, error == IKE_OK ? "" : ": ",
               error == IKE_OK ? "" : ike_strerror(error));
}

/* One of our own outer packets that routing sent here: encrypting it again would go round for ever. */
static bool is_own_outer(const struct us_app *u, const uint8_t *packet, size_t n)
{
    size_t header = packet[0] >> 4 == 4 ? 4U * (packet[0] & 15U) : 40;
    uint8_t proto = packet[0] >> 4 == 4 ? packet[9] : packet[6];
    const struct daemon_settings *s = &u->app.d->settings;
    if (proto != 17 || n < header + 8) {
        return false;
    }
    uint16_t from = (uint16_t)(packet[header] << 8 | packet[header + 1]),
             to = (uint16_t)(packet[header + 2] << 8 | packet[header + 3]);
    if (from != s->encap_port && from != s->port) {
        return false;
    }
    size_t ip_len = packet[0] >> 4 == 4 ? 4 : 16, at = packet[0] >> 4 == 4 ? 16 : 24;
    for (const struct us_entry *e = u->entries; e != NULL; e = e->next) {
        for (const struct us_sa *sa = e->out; sa != NULL; sa = sa->next) {
            if (sa->path.remote.port == to && memcmp(sa->path.remote.ip, packet + at, ip_len) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void take_inner(struct us_app *u, const uint8_t *packet, size_t n)
{
    size_t len = ike_esp_ip_length(packet, n, false);
    if (len == 0) {
        u->drops[US_NOT_IP]++;
        return;
    }
    if (is_own_outer(u, packet, len)) {
        u->drops[US_OWN_OUTER]++;
        return;
    }
    struct us_entry *e = us_match(u, packet, len);
    if (e == NULL) {
        u->drops[US_NO_POLICY]++;
    } else if (e->out != NULL) {
        send_packet(u, e, packet, len);
    } else {
        ask_for_child(u, e, packet, len);
    }
}

void us_tun_readable(void *arg, uint32_t events)
{
    struct us_app *u = arg;
    (void)events;
    for (int i = 0; i < PACKETS_A_TURN && u->tun >= 0; i++) {
        ssize_t n = read(u->tun, u->packet, sizeof(u->packet));
        if (n <= 0) {
            return;
        }
        take_inner(u, u->packet, (size_t)n);
    }
}

/* ---- In ------------------------------------------------------------------------------------------------------------------- */

static struct us_sa *find_in(struct us_app *u, uint32_t spi)
{
    uint32_t hash = table_hash(0, &spi, sizeof(spi));
    for (struct table_node *n = table_chain(&u->in, hash); n != NULL; n = n->next) {
        struct us_sa *sa = TABLE_OF(n, struct us_sa, node);
        if (sa->spi == spi) {
            return sa;
        }
    }
    return NULL;
}

static bool same_end(const ike_addr *a, const ike_addr *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

/* RFC 3948 section 5 and RFC 7296 section 2.23: only an authentic packet that is newer than all others moves the peer. Told
 * once per place: the engine decides, and moves the SA or does not. */
static void note_peer(struct us_app *u, struct us_sa *sa, const ike_path *path)
{
    if (same_end(&path->remote, &sa->path.remote)) {
        sa->move_told = false;
        return;
    }
    if (sa->move_told && same_end(&path->remote, &sa->told_remote)) {
        return;
    }
    sa->move_told = true;
    sa->told_remote = path->remote;
    (void)ike_peer_moved(u->app.d->engine, sa->child, &path->remote, loop_now(u->app.d->loop));
}

static void deliver(struct us_app *u, struct us_sa *sa, const ike_esp_plain *plain)
{
    const struct us_entry *e = sa->entry;
    if (!ike_esp_ts_match(plain->data, plain->len, e->local_ts, e->n_local_ts, e->remote_ts, e->n_remote_ts, true)) {
        ike_esp_count_drop(sa->esp, IKE_ESP_DROP_SELECTOR);
        u->esp_drops[IKE_ESP_DROP_SELECTOR]++;
        return;
    }
    if (write(u->tun, plain->data, plain->len) < 0) {
        u->drops[US_TUN_WRITE]++;
        return;
    }
    u->packets_in++;
}

void us_esp_input(struct app *a, const ike_path *path, uint8_t *packet, size_t n)
{
    struct us_app *u = (struct us_app *)(void *)a;
    struct us_sa *sa = find_in(u, ike_esp_spi(packet, n));
    ike_esp_plain plain;
    if (sa == NULL || is_spent(sa)) {
        u->drops[US_UNKNOWN_SPI]++;
        return;
    }
    if (ike_esp_open(sa->esp, packet, n, &plain) != IKE_OK) {
        u->esp_drops[plain.drop < IKE_ESP_N_DROPS ? plain.drop : 0]++;
        return;
    }
    sa->last = loop_now(a->d->loop);
    if (!plain.dummy) {
        deliver(u, sa, &plain);
    }
    uint32_t spi = sa->spi;
    if (plain.newest) {
        note_peer(u, sa, path);
    }
    /* The engine may have taken the SA out in that call. */
    sa = find_in(u, spi);
    if (sa != NULL) {
        check_limits(u, sa);
    }
}
