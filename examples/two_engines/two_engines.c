/* SPDX-License-Identifier: ISC
 *
 * Two engines in one process negotiate a tunnel over a queue in memory. It is the smallest host there can be: no socket, no
 * clock, no kernel. Run it and read it from main() on.
 */
#include <ike/ike.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct host {
    const char *name;
    struct host *peer;
    ike_engine *engine;
    ike_conn_id conn;
    int up;
    struct { /* one datagram on its way to us */
        bool full;
        ike_path path;
        size_t len;
        uint8_t bytes[2048];
    } inbox;
};

static int fill_random(void *user, uint8_t *out, size_t n)
{
    (void)user;
    return getrandom(out, n, 0) == (ssize_t)n ? IKE_OK : IKE_ERR_HOST;
}

/* A hook must not call into an engine, so the datagram is put down here and handed over by the loop in main(). */
static void send_datagram(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct host *to = ((struct host *)user)->peer;
    if (kind == IKE_SEND_MESSAGE && n <= sizeof to->inbox.bytes) {
        to->inbox.path = *path;
        to->inbox.path.local = path->remote;
        to->inbox.path.remote = path->local;
        memcpy(to->inbox.bytes, bytes, n);
        to->inbox.len = n;
        to->inbox.full = true;
    }
}

static void on_event(void *user, const ike_event *ev)
{
    struct host *h = user;
    char text[1024];
    ike_child_info child = {.size = sizeof child};
    if (ev->type == IKE_EV_CHILD_UP && ike_child_get(h->engine, ev->child, &child) == IKE_OK) {
        printf("%s: child %s is up, SPI %08x in, %08x out\n", h->name, child.name, (unsigned)child.spi_in,
               (unsigned)child.spi_out);
        h->up = 1;
    } else if (ev->type == IKE_EV_FAILED) {
        ike_failure_explain(ev->failure, text, sizeof text);
        printf("%s: %s", h->name, text);
    }
}

/* Keys go to the data plane; this one only says that it has them. */
static int add_sa(void *user, ike_token token, const ike_ipsec_sa *sa)
{
    const struct host *h = user;
    (void)token;
    printf("%s: install %s SA %08x, %zu octets of key\n", h->name, sa->inbound ? "inbound" : "outbound", (unsigned)sa->spi,
           sa->encr_key.len);
    return IKE_OK;
}

static int start(struct host *h, const char *own, const char *peer, const char *own_net, const char *peer_net)
{
    ike_settings s;
    ike_conn_settings c;
    ike_child_settings k;
    ike_ts local, remote;
    ike_settings_init(&s);
    s.host.user = h;
    s.host.random = fill_random;
    s.host.send = send_datagram;
    s.host.event = on_event;
    s.host.sadb.add = add_sa;
    ike_child_settings_init(&k);
    k.name = "net";
    k.local_ts = &local;
    k.remote_ts = &remote;
    k.n_local_ts = k.n_remote_ts = 1;
    ike_conn_settings_init(&c);
    c.name = "peer";
    c.secret = (ike_bytes){(const uint8_t *)"correct horse battery staple", 28};
    c.children = &k;
    c.n_children = 1;
    int r = ike_addr_parse(&c.local, own) | ike_addr_parse(&c.remote, peer) | ike_ts_parse(&local, own_net) |
            ike_ts_parse(&remote, peer_net);
    r = r == IKE_OK ? ike_engine_new(&h->engine, &s, 0) : r;
    return r == IKE_OK ? ike_conn_add(h->engine, &c, &h->conn, 0) : r;
}

int main(void)
{
    static struct host a = {.name = "a"}, b = {.name = "b"};
    ike_time now = 0;
    a.peer = &b;
    b.peer = &a;
    int r = ike_crypto_global_init();
    r = r == IKE_OK ? start(&a, "192.0.2.1", "192.0.2.2", "10.1.0.0/16", "10.2.0.0/16") : r;
    r = r == IKE_OK ? start(&b, "192.0.2.2", "192.0.2.1", "10.2.0.0/16", "10.1.0.0/16") : r;
    r = r == IKE_OK ? ike_initiate(a.engine, a.conn, "net", now) : r;
    if (r != IKE_OK) {
        fprintf(stderr, "%s\n", ike_strerror(r));
        return 1;
    }
    while (a.inbox.full || b.inbox.full) {
        struct host *h = a.inbox.full ? &a : &b;
        now += 10 * IKE_MS;
        h->inbox.full = false;
        ike_input(h->engine, &h->inbox.path, h->inbox.bytes, h->inbox.len, now);
        ike_tick(a.engine, now);
        ike_tick(b.engine, now);
    }
    ike_engine_free(a.engine);
    ike_engine_free(b.engine);
    return a.up && b.up ? 0 : 1;
}
