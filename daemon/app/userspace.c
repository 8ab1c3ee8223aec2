/* SPDX-License-Identifier: ISC
 *
 * userspace.c - the data plane for hosts without kernel IPsec: our own ESP over a TUN device, always in UDP.
 */
#include "app/userspace.h"

#include "modules.h"
#include "sysdep/random.h"
#include "transport/udp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct us_app *u_of(struct app *a) { return (struct us_app *)(void *)a; }

static void *esp_alloc(void *user, size_t n)
{
    (void)user;
    return malloc(n);
}

static void esp_release(void *user, void *p, size_t n)
{
    (void)user;
    (void)n;
    free(p);
}

/* ---- SPIs ----------------------------------------------------------------------------------------------------------------- */

static bool spi_in_use(const struct us_app *u, uint32_t spi)
{
    uint32_t hash = table_hash(0, &spi, sizeof(spi));
    for (const struct table_node *n = table_chain(&u->in, hash); n != NULL; n = n->next) {
        if (TABLE_OF(n, const struct us_sa, node)->spi == spi) {
            return true;
        }
    }
    return false;
}

/* Nothing is reserved: a number that was drawn twice is refused when the second SA comes. */
static int us_get_spi(struct app *a, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    (void)path;
    (void)reqid;
    if (protocol != IKE_PROTO_ESP) {
        return IKE_ERR_UNSUPPORTED;
    }
    int error;
    do {
        error = random_spi(spi);
    } while (error == IKE_OK && spi_in_use(u_of(a), *spi));
    return error;
}

static void us_put_spi(struct app *a, const ike_path *path, uint8_t protocol, uint32_t spi)
{
    (void)a;
    (void)path;
    (void)protocol;
    (void)spi;
}

/* ---- SAs ------------------------------------------------------------------------------------------------------------------ */

static int key_sa(struct us_app *u, const ike_ipsec_sa *sa, ike_esp_sa **esp)
{
    const ike_allocator mem = {esp_alloc, esp_release, NULL};
    const ike_crypto *crypto = modules_crypto(u->app.d->modules);
    ike_esp_config c;
    ike_esp_config_init(&c);
    c.inbound = sa->inbound;
    c.mode = sa->mode;
    c.spi = sa->spi;
    c.esn = sa->esn;
    if (sa->inbound) {
        c.window = sa->replay_window > IKE_ESP_WINDOW_MAX ? IKE_ESP_WINDOW_MAX : (sa->replay_window + 63) / 64 * 64;
        c.window = c.window == 0 && c.esn ? IKE_ESP_WINDOW_DEFAULT : c.window;
    }
    c.encr = ike_find_encr(crypto, sa->encr);
    c.encr_key = sa->encr_key;
    c.integ = sa->integ != 0 ? ike_find_integ(crypto, sa->integ) : NULL;
    c.integ_key = sa->integ_key;
    c.random = (ike_random){random_fill, NULL};
    if (c.encr == NULL || (sa->integ != 0 && c.integ == NULL)) {
        return IKE_ERR_UNSUPPORTED;
    }
    int error = ike_esp_create(&c, &mem, esp);
    if (error != IKE_OK) {
        daemon_log(u->app.d, IKE_LOG_ERROR, "child %s: no ESP SA: %s", sa->child_name, ike_strerror(error));
    }
    return error;
}

/* What this data plane cannot carry is said before anything is installed. */
static int check_sa(struct us_app *u, const ike_ipsec_sa *sa)
{
    const char *why = sa->protocol != IKE_PROTO_ESP ? "AH"
                      : sa->inner != NULL           ? "IPComp"
                      : sa->mode != IKE_MODE_TUNNEL ? "transport mode"
                      : !sa->udp_encap              ? "ESP outside UDP (the peer does not do NAT traversal)"
                                                    : NULL;
    if (why == NULL) {
        return IKE_OK;
    }
    daemon_log(u->app.d, IKE_LOG_ERROR, "child %s: %s needs kernel IPsec (backend = xfrm); user-space ESP does not carry it",
               sa->child_name, why);
    return IKE_ERR_UNSUPPORTED;
}

static bool us_carries(uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    (void)family, (void)type, (void)id, (void)bits;
    return protocol == IKE_PROTO_ESP;
}

static bool us_lacks(const ike_conn_settings *s, const ike_child_settings *c, char *why, size_t n)
{
    (void)s;
    if (c->ah_proposals != NULL) {
        snprintf(why, n, "AH, which user-space ESP has not (backend = xfrm has)");
    }
    return c->ah_proposals != NULL;
}

static void free_sa(struct us_sa *sa)
{
    ike_esp_destroy(sa->esp);
    free(sa);
}

static void attach_out(struct us_app *u, struct us_entry *e, struct us_sa *s, const ike_ipsec_sa *sa)
{
    s->mtu = us_inner_mtu(u, s);
    s->next = e->out;
    e->out = s;
    us_tun_mtu(u);
    struct behind_spec spec = {sa->local_ts, sa->remote_ts, sa->n_local_ts, sa->n_remote_ts, sa->path.remote, u->ifindex};
    behind_add(u->routes, &spec, &s->behind);
}

/* What waited at a trap of this child goes on, if it is inside what was agreed. */
static void release_queues(struct us_app *u, struct us_entry *e)
{
    for (struct us_entry *trap = u->entries; trap != NULL; trap = trap->next) {
        if (trap->conn == e->conn && trap->queued > 0 && strcmp(trap->child_name, e->child_name) == 0) {
            while (trap->queue != NULL) {
                struct us_packet *p = trap->queue;
                trap->queue = p->next;
                if (ike_esp_ts_match(p->data, p->n, e->local_ts, e->n_local_ts, e->remote_ts, e->n_remote_ts, false)) {
                    p->next = NULL;
                    *e->queue_end = p;
                    e->queue_end = &p->next;
                } else {
                    free(p);
                }
            }
            trap->queue_end = &trap->queue;
            trap->queued = 0;
        }
    }
    us_send_queued(u, e);
}

static void drop_if_unused(struct us_app *u, struct us_entry *e)
{
    if (e->out == NULL && e->n_in == 0 && !e->trap) {
        us_entry_drop(u, e);
    }
}

static bool attach(struct us_app *u, struct us_entry *e, struct us_sa *s, const ike_ipsec_sa *sa)
{
    s->entry = e;
    if (s->inbound) {
        if (spi_in_use(u, s->spi) || !table_add(&u->in, &s->node, table_hash(0, &s->spi, sizeof(s->spi)))) {
            return false;
        }
        e->n_in++;
    } else {
        attach_out(u, e, s, sa);
        release_queues(u, e);
    }
    return true;
}

static int us_add(struct app *a, const ike_ipsec_sa *sa)
{
    struct us_app *u = u_of(a);
    int error = check_sa(u, sa);
    if (error != IKE_OK) {
        return error;
    }
    struct us_sa *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return IKE_ERR_NOMEM;
    }
    s->child = sa->child;
    s->spi = sa->spi;
    s->inbound = sa->inbound;
    s->path = sa->path;
    s->path.encap = 1;
    s->soft_bytes = sa->soft_bytes;
    s->hard_bytes = sa->hard_bytes;
    s->soft_packets = sa->soft_packets;
    s->hard_packets = sa->hard_packets;
    error = key_sa(u, sa, &s->esp);
    struct us_entry *e = error == IKE_OK ? us_find(u, sa->conn, sa->reqid, sa->child_name) : NULL;
    if (error == IKE_OK && e == NULL) {
        e = us_entry_new(u, sa->conn, sa->reqid, sa->child_name, sa->local_ts, sa->n_local_ts, sa->remote_ts, sa->n_remote_ts);
        error = e != NULL ? IKE_OK : IKE_ERR_NOMEM;
    }
    if (error == IKE_OK && !attach(u, e, s, sa)) {
        drop_if_unused(u, e);
        error = IKE_ERR_HOST;
    }
    if (error != IKE_OK) {
        free_sa(s);
    }
    return error;
}

/* ---- Finding, moving, removing -------------------------------------------------------------------------------------------- */

static struct us_sa *find_sa(struct us_app *u, const ike_ipsec_sa *sa)
{
    if (sa->inbound) {
        uint32_t hash = table_hash(0, &sa->spi, sizeof(sa->spi));
        for (struct table_node *n = table_chain(&u->in, hash); n != NULL; n = n->next) {
            struct us_sa *s = TABLE_OF(n, struct us_sa, node);
            if (s->spi == sa->spi && s->child == sa->child) {
                return s;
            }
        }
        return NULL;
    }
    struct us_entry *e = us_find(u, sa->conn, sa->reqid, sa->child_name);
    struct us_sa *s = e != NULL ? e->out : NULL;
    while (s != NULL && (s->spi != sa->spi || s->child != sa->child)) {
        s = s->next;
    }
    return s;
}

static int us_move(struct app *a, const ike_ipsec_sa *sa, const ike_path *old)
{
    struct us_app *u = u_of(a);
    struct us_sa *s = find_sa(u, sa);
    (void)old;
    if (s == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    s->path = sa->path;
    s->path.encap = 1;
    s->move_told = false;
    if (!s->inbound) {
        /* The former exceptions go after the new ones are there. */
        struct behind former = s->behind;
        struct behind_spec spec = {sa->local_ts, sa->remote_ts, sa->n_local_ts, sa->n_remote_ts, sa->path.remote, u->ifindex};
        behind_add(u->routes, &spec, &s->behind);
        behind_remove(u->routes, &former);
        s->mtu = us_inner_mtu(u, s);
        us_tun_mtu(u);
    }
    return IKE_OK;
}

static void detach(struct us_app *u, struct us_sa *s)
{
    struct us_entry *e = s->entry;
    const ike_esp_counters *c = ike_esp_counters_of(s->esp);
    if (s->inbound) {
        table_remove(&u->in, &s->node);
        e->n_in--;
        u->dead_in += c->packets;
    } else {
        struct us_sa **p = &e->out;
        while (*p != s) {
            p = &(*p)->next;
        }
        *p = s->next;
        u->dead_out += c->packets;
        behind_remove(u->routes, &s->behind);
        us_tun_mtu(u);
    }
    free_sa(s);
    drop_if_unused(u, e);
}

static void us_remove(struct app *a, const ike_ipsec_sa *sa)
{
    struct us_sa *s = find_sa(u_of(a), sa);
    if (s != NULL) {
        detach(u_of(a), s);
    }
}

static int us_query(struct app *a, const ike_ipsec_sa *sa, ike_usage *out)
{
    struct us_sa *s = find_sa(u_of(a), sa);
    if (s == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    const ike_esp_counters *c = ike_esp_counters_of(s->esp);
    *out = (ike_usage){.bytes = c->octets, .packets = c->packets, .last = s->last};
    return IKE_OK;
}

/* ---- Traps ---------------------------------------------------------------------------------------------------------------- */

static void us_untrap(struct app *a, ike_conn_id conn, const char *child_name)
{
    struct us_app *u = u_of(a);
    for (struct us_entry *e = u->entries, *next; e != NULL; e = next) {
        next = e->next;
        if (e->trap && e->conn == conn && (child_name == NULL || strcmp(e->child_name, child_name) == 0)) {
            behind_remove(u->routes, &e->behind);
            us_entry_drop(u, e);
        }
    }
}

static int us_trap(struct app *a, const struct app_trap *trap)
{
    struct us_app *u = u_of(a);
    us_untrap(a, trap->conn, trap->child_name);
    struct us_entry *e =
        us_entry_new(u, trap->conn, 0, trap->child_name, trap->local_ts, trap->n_local_ts, trap->remote_ts, trap->n_remote_ts);
    if (e == NULL) {
        return -ENOMEM;
    }
    struct behind_spec spec = {trap->local_ts, trap->remote_ts, trap->n_local_ts, trap->n_remote_ts, trap->remote, u->ifindex};
    behind_add(u->routes, &spec, &e->behind);
    return 0;
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

static int us_probe(struct ikelibd *d, char *why, size_t n)
{
    (void)d;
    return us_tun_probe(why, n);
}

/* Our own packets must find the peer, not the tunnel: the mark takes them past our routing rules. */
static int us_socket(struct app *a, int fd, uint8_t family, bool encap)
{
    uint32_t mark = ROUTES_MARK;
    (void)family;
    (void)encap;
    if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
        int error = -errno;
        daemon_log(a->d, IKE_LOG_ERROR, "cannot mark our packets (SO_MARK): %s", strerror(-error));
        return error;
    }
    return 0;
}

static void remove_leftover(void *arg, const char *record)
{
    struct us_app *u = arg;
    u->leftovers += routes_leftover(&u->rt, record) || inner_leftover(&u->rt, record);
}

static void us_close(struct app *a)
{
    struct us_app *u = u_of(a);
    for (struct us_entry *e = u->entries; e != NULL; e = e->next) {
        e->trap = true; /* not to be dropped with its last SA */
        while (e->out != NULL) {
            detach(u, e->out);
        }
        behind_remove(u->routes, &e->behind);
    }
    size_t at = 0;
    for (struct table_node *n; (n = table_any(&u->in, &at)) != NULL;) {
        detach(u, TABLE_OF(n, struct us_sa, node));
    }
    while (u->entries != NULL) {
        us_entry_drop(u, u->entries);
    }
    routes_free(u->routes);
    inner_clear(&u->inner, &u->rt, u->state);
    us_tun_close(u);
    table_free(&u->in);
    state_close(u->state);
    nl_close(&u->rt);
    free(u);
}

static bool open_parts(struct us_app *u)
{
    struct ikelibd *d = u->app.d;
    char path[160];
    int error = nl_open(&u->rt, NETLINK_ROUTE);
    if (error != 0) {
        daemon_log(d, IKE_LOG_ERROR, "netlink: %s", strerror(-error));
        return false;
    }
    state_path(d->settings.socket_path, path, sizeof(path));
    u->state = state_open(path, remove_leftover, u);
    if (u->state == NULL) {
        daemon_log(d, IKE_LOG_ERROR, "%s: %s", path,
                   errno == EWOULDBLOCK ? "another ikelibd with this socket is running" : strerror(errno));
        return false;
    }
    if (u->leftovers != 0) {
        daemon_log(d, IKE_LOG_WARN, "removed %u routes and rules that a former run left behind", u->leftovers);
    }
    if (d->settings.routes) {
        u->routes = routes_new(d, &u->rt, u->state);
        if (u->routes == NULL) {
            return false;
        }
    }
    return us_tun_open(u) == 0;
}

static struct app *us_open(struct ikelibd *d)
{
    struct us_app *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        return NULL;
    }
    u->app = (struct app){&app_userspace, d};
    u->tun = u->rt.fd = -1;
    if (!open_parts(u)) {
        us_close(&u->app);
        return NULL;
    }
    daemon_log(d, IKE_LOG_INFO, "user-space ESP on %s; ESP always goes in UDP", u->name);
    return &u->app;
}

static void us_stats(struct app *a, struct daemon_stats *out)
{
    static const char *const names[US_DROPS] = {"no-policy", "no-sa",      "unknown-spi", "not-ip",
                                                "own-outer", "queue-full", "tun-write",   "send"};
    const struct us_app *u = u_of(a);
    size_t max = sizeof(out->drops) / sizeof(out->drops[0]);
    out->esp_in = u->packets_in;
    out->esp_out = u->packets_out;
    out->esp_queued = u->queued;
    for (size_t i = 0; i < US_DROPS + IKE_ESP_N_DROPS && out->n_drops < max; i++) {
        uint64_t count = i < US_DROPS ? u->drops[i] : u->esp_drops[i - US_DROPS];
        if (count != 0) {
            out->esp_dropped += count;
            out->drops[out->n_drops].reason = i < US_DROPS ? names[i] : ike_esp_drop_name((int)(i - US_DROPS));
            out->drops[out->n_drops++].count = count;
        }
    }
}

static void us_address(struct app *a, const ike_addr *address, bool there)
{
    struct us_app *u = u_of(a);
    inner_set(&u->inner, a->d, &u->rt, u->state, address, there);
}

const struct app_ops app_userspace = {
    .name = "userspace",
    .needs_encap = true,
    .carries = us_carries,
    .lacks = us_lacks,
    .probe = us_probe,
    .open = us_open,
    .close = us_close,
    .socket = us_socket,
    .esp_input = us_esp_input,
    .get_spi = us_get_spi,
    .put_spi = us_put_spi,
    .add = us_add,
    .move = us_move,
    .remove = us_remove,
    .query = us_query,
    .address = us_address,
    .trap = us_trap,
    .untrap = us_untrap,
    .stats = us_stats,
};
