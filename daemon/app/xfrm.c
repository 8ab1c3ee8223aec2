/* SPDX-License-Identifier: ISC
 *
 * xfrm.c - the data plane of Linux: SAs and policies in the kernel, by one of the ways that lead there (netlink, PF_KEY).
 */
#include "app/xfrm.h"
#include "app/pfkey_msg.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct xfrm_app *x_of(struct app *a) { return (struct xfrm_app *)(void *)a; }

/* ---- Policies of one SA --------------------------------------------------------------------------------------------------- */

struct sa_policies {
    const struct flow *flows;
    size_t n;
    const struct spd_template *t;
    uint32_t mark, if_id;
    bool inbound;
};

/* An inbound tunnel needs FWD besides IN: the same packets when they go on to another host. */
static size_t directions(const struct sa_policies *p, uint8_t out[2])
{
    out[0] = p->inbound ? SPD_IN : SPD_OUT;
    out[1] = SPD_FWD;
    return p->inbound && p->t->mode == IKE_MODE_TUNNEL ? 2 : 1;
}

static void unuse_policies(struct xfrm_app *x, const struct sa_policies *p, size_t count)
{
    uint8_t dirs[2];
    size_t n_dirs = directions(p, dirs);
    while (count-- > 0) {
        struct spd_key key = {.flow = p->flows[count / n_dirs], .dir = dirs[count % n_dirs], .mark = p->mark, .if_id = p->if_id};
        spd_unuse(x->spd, &key, p->t);
    }
}

static int use_policies(struct xfrm_app *x, const struct sa_policies *p)
{
    uint8_t dirs[2];
    size_t n_dirs = directions(p, dirs);
    for (size_t i = 0; i < p->n * n_dirs; i++) {
        struct spd_key key = {.flow = p->flows[i / n_dirs], .dir = dirs[i % n_dirs], .mark = p->mark, .if_id = p->if_id};
        int error = spd_use(x->spd, &key, p->t);
        if (error != 0) {
            unuse_policies(x, p, i);
            return error;
        }
    }
    return 0;
}

static void unuse_all(struct xfrm_app *x, const struct sa_policies *p)
{
    uint8_t dirs[2];
    unuse_policies(x, p, p->n * directions(p, dirs));
}

static struct sa_policies policies_of(const struct xfrm_sa *sa)
{
    return (struct sa_policies){sa->flows, sa->n_flows, &sa->template, sa->name.mark, sa->name.if_id, sa->inbound};
}

/* ---- The table of SAs ----------------------------------------------------------------------------------------------------- */

static uint32_t hash_spi(uint32_t spi) { return table_hash(0, &spi, sizeof(spi)); }

struct xfrm_sa *xfrm_find(struct xfrm_app *x, uint32_t spi, const ike_addr *destination, uint8_t protocol)
{
    uint32_t hash = hash_spi(spi);
    for (struct table_node *n = table_chain(&x->sas, hash); n != NULL; n = n->next) {
        struct xfrm_sa *sa = TABLE_OF(n, struct xfrm_sa, node);
        if (sa->name.spi == spi && xfrm_protocol(sa->name.protocol) == protocol &&
            sa->name.destination.family == destination->family && memcmp(sa->name.destination.ip, destination->ip, 16) == 0) {
            return sa;
        }
    }
    return NULL;
}

struct xfrm_sa *xfrm_find_inbound(struct xfrm_app *x, uint32_t spi)
{
    for (struct table_node *n = table_chain(&x->sas, hash_spi(spi)); n != NULL; n = n->next) {
        struct xfrm_sa *sa = TABLE_OF(n, struct xfrm_sa, node);
        if (sa->name.spi == spi && sa->inbound && sa->name.protocol == IKE_PROTO_ESP) {
            return sa;
        }
    }
    return NULL;
}

static struct xfrm_sa *find_ours(struct xfrm_app *x, const ike_ipsec_sa *sa)
{
    uint32_t hash = hash_spi(sa->spi);
    for (struct table_node *n = table_chain(&x->sas, hash); n != NULL; n = n->next) {
        struct xfrm_sa *found = TABLE_OF(n, struct xfrm_sa, node);
        if (found->name.spi == sa->spi && found->name.protocol == sa->protocol && found->child == sa->child &&
            found->inbound == sa->inbound) {
            return found;
        }
    }
    return NULL;
}

uint32_t xfrm_reqid(const struct xfrm_app *x, uint32_t reqid)
{
    return reqid != 0 ? 1 + (reqid - 1) % (x->way->first_trap - 1) : 0;
}

/* The numbers have gone round, and an old child still has this one. */
static bool is_reqid_taken(const struct xfrm_app *x, uint32_t reqid)
{
    for (size_t i = 0; reqid >= x->way->first_trap && i < x->sas.n_slots; i++) {
        for (struct table_node *n = x->sas.slots[i]; n != NULL; n = n->next) {
            const struct xfrm_sa *sa = TABLE_OF(n, struct xfrm_sa, node);
            if (sa->reqid != reqid && sa->template.reqid == xfrm_reqid(x, reqid)) {
                return true;
            }
        }
    }
    return false;
}

static void free_sa(struct xfrm_sa *sa)
{
    free(sa->flows);
    free(sa->child_name);
    free(sa);
}

static struct flow *copy_flows(const ike_ts *local, size_t n_local, const ike_ts *remote, size_t n_remote, size_t *n)
{
    struct flow *flows = calloc(XFRM_FLOWS_MAX, sizeof(*flows));
    if (flows == NULL) {
        return NULL;
    }
    *n = flows_of_selectors(local, n_local, remote, n_remote, flows, XFRM_FLOWS_MAX);
    if (*n == 0) {
        free(flows);
        return NULL;
    }
    struct flow *fitted = realloc(flows, *n * sizeof(*flows));
    return fitted != NULL ? fitted : flows;
}

/* What the policies of a child ask for. `sa`: the first of its list. */
static struct spd_template template_of(const ike_ipsec_sa *sa)
{
    struct spd_template t = {.reqid = sa->reqid, .local = sa->path.local, .remote = sa->path.remote};
    for (; sa != NULL; sa = sa->inner) {
        t.protocols |= SPD_PROTOCOL(sa->protocol);
        t.mode = sa->mode;
    }
    return t;
}

/* first: it is the first of its list, and has the policies. */
static struct xfrm_sa *make_sa(struct xfrm_app *x, const ike_ipsec_sa *sa, bool first)
{
    struct xfrm_sa *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->name = xfrm_name_of(sa);
    s->reqid = sa->reqid;
    s->child = sa->child;
    s->conn = sa->conn;
    s->inbound = sa->inbound;
    s->slot = -1;
    s->template = template_of(sa);
    s->template.reqid = xfrm_reqid(x, sa->reqid);
    s->child_name = strdup(sa->child_name != NULL ? sa->child_name : "");
    s->flows = first ? copy_flows(sa->local_ts, sa->n_local_ts, sa->remote_ts, sa->n_remote_ts, &s->n_flows) : NULL;
    if (first && s->flows == NULL) {
        daemon_log(x->app.d, IKE_LOG_ERROR, "child %s: its selectors need more than %d kernel policies, or fit no policy",
                   s->child_name != NULL ? s->child_name : "?", XFRM_FLOWS_MAX);
    }
    if ((first && s->flows == NULL) || s->child_name == NULL || !table_add(&x->sas, &s->node, hash_spi(sa->spi))) {
        free_sa(s);
        return NULL;
    }
    return s;
}

/* ---- Operations ----------------------------------------------------------------------------------------------------------- */

/* A mere wish of whoever asks, and the module must be there. Asked once; that it is not is logged. */
static bool has_ipcomp(struct xfrm_app *x)
{
    ike_ipsec_sa sa = {
        .size = sizeof(sa), .inbound = true, .protocol = IKE_PROTO_IPCOMP, .mode = IKE_MODE_TRANSPORT, .spi = 61439};
    char why[256];
    (void)ike_addr_parse(&sa.path.local, "127.0.0.1");
    (void)ike_addr_parse(&sa.path.remote, "127.0.0.1");
    if (x->ipcomp == XFRM_IPCOMP_UNKNOWN) {
        int error = x->way->set_sa(x, &sa, false);
        x->ipcomp = error == 0 || error == -EEXIST ? XFRM_IPCOMP : XFRM_NO_IPCOMP;
        if (error == 0) {
            struct xfrm_sa_name name = xfrm_name_of(&sa);
            (void)x->way->unset_sa(x, &name);
        } else if (error != -EEXIST) {
            daemon_log(x->app.d, IKE_LOG_WARN, "the kernel has no IPComp with deflate (modules ipcomp, ipcomp6, deflate): %s",
                       xfrm_says(x, error, why, sizeof(why)));
        }
    }
    return x->ipcomp == XFRM_IPCOMP;
}

static int xfrm_get_spi(struct app *a, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    struct xfrm_app *x = x_of(a);
    char why[256];
    *spi = 0;
    if (protocol == IKE_PROTO_IPCOMP && !has_ipcomp(x)) {
        return IKE_ERR_UNSUPPORTED;
    }
    int error = x->way->get_spi(x, path, protocol, xfrm_reqid(x, reqid), spi);
    if (error != 0 || *spi == 0) {
        daemon_log(a->d, IKE_LOG_ERROR, "the kernel gives no SPI: %s", xfrm_says(x, error, why, sizeof(why)));
        return IKE_ERR_HOST;
    }
    return IKE_OK;
}

static void xfrm_put_spi(struct app *a, const ike_path *path, uint8_t protocol, uint32_t spi)
{
    struct xfrm_sa_name name = {.destination = path->local, .protocol = protocol, .spi = spi};
    struct xfrm_app *x = x_of(a);
    (void)x->way->unset_sa(x, &name);
}

/* The reserved SPI becomes an SA; where the reservation has run out (net.core.xfrm_acq_expires) it is made anew. */
static int install_sa(struct xfrm_app *x, const ike_ipsec_sa *sa)
{
    ike_ipsec_sa numbered = *sa;
    numbered.reqid = xfrm_reqid(x, sa->reqid);
    int error = x->way->set_sa(x, &numbered, sa->inbound);
    return sa->inbound && error == -ESRCH ? x->way->set_sa(x, &numbered, false) : error;
}

static void note_sa(struct xfrm_app *x, struct xfrm_sa *s)
{
    char record[160], ip[64];
    ike_addr_format(&s->name.destination, false, ip, sizeof(ip));
    snprintf(record, sizeof(record), "sa %u %08x %s %x %x", s->name.protocol, s->name.spi, ip, s->name.mark, s->name.if_id);
    s->slot = state_add(x->state, record);
}

static void drop_sa(struct xfrm_app *x, struct xfrm_sa *s)
{
    state_remove(x->state, s->slot);
    table_remove(&x->sas, &s->node);
    free_sa(s);
}

static void add_routes(struct xfrm_app *x, struct xfrm_sa *s, const ike_ipsec_sa *sa)
{
    if (!sa->inbound && s->template.mode == IKE_MODE_TUNNEL) {
        struct behind_spec spec = {.local_ts = sa->local_ts,
                                   .remote_ts = sa->remote_ts,
                                   .n_local_ts = sa->n_local_ts,
                                   .n_remote_ts = sa->n_remote_ts,
                                   .peer = sa->path.remote};
        behind_add(x->routes, &spec, &s->behind);
    }
}

/* One protocol of a child. */
static int add_one(struct xfrm_app *x, const ike_ipsec_sa *sa, bool first)
{
    char text[96], why[256];
    struct xfrm_sa *s = make_sa(x, sa, first);
    if (s == NULL) {
        return IKE_ERR_HOST;
    }
    note_sa(x, s);
    int error = install_sa(x, sa);
    if (error == 0) {
        return IKE_OK;
    }
    xfrm_name_format(&s->name, text, sizeof(text));
    daemon_log(x->app.d, IKE_LOG_ERROR, "the kernel refuses %s: %s", text, xfrm_says(x, error, why, sizeof(why)));
    drop_sa(x, s);
    return error == -EPROTONOSUPPORT ? IKE_ERR_UNSUPPORTED : IKE_ERR_HOST;
}

/* From `sa` up to `end`, which stays. */
static void remove_until(struct xfrm_app *x, const ike_ipsec_sa *sa, const ike_ipsec_sa *end)
{
    for (; sa != end; sa = sa->inner) {
        struct xfrm_sa *s = find_ours(x, sa);
        if (s != NULL) {
            (void)x->way->unset_sa(x, &s->name);
            drop_sa(x, s);
        }
    }
}

static int xfrm_add(struct app *a, const ike_ipsec_sa *sa)
{
    struct xfrm_app *x = x_of(a);
    if (is_reqid_taken(x, sa->reqid)) {
        daemon_log(a->d, IKE_LOG_ERROR, "child %s: an older child has the same number (reqid %u) in the kernel",
                   sa->child_name != NULL ? sa->child_name : "?", xfrm_reqid(x, sa->reqid));
        return IKE_ERR_HOST;
    }
    for (const ike_ipsec_sa *at = sa; at != NULL; at = at->inner) {
        int error = add_one(x, at, at == sa);
        if (error != IKE_OK) {
            remove_until(x, sa, at);
            return error;
        }
    }
    struct xfrm_sa *s = find_ours(x, sa);
    struct sa_policies p = policies_of(s);
    if (use_policies(x, &p) != 0) {
        remove_until(x, sa, NULL);
        return IKE_ERR_HOST;
    }
    add_routes(x, s, sa);
    return IKE_OK;
}

static void xfrm_remove(struct app *a, const ike_ipsec_sa *sa)
{
    struct xfrm_app *x = x_of(a);
    struct xfrm_sa *s = find_ours(x, sa);
    if (s != NULL) {
        behind_remove(x->routes, &s->behind);
        struct sa_policies p = policies_of(s);
        unuse_all(x, &p);
    }
    remove_until(x, sa, NULL);
}

static int move_one(struct xfrm_app *x, const ike_ipsec_sa *sa)
{
    struct xfrm_sa *s = find_ours(x, sa);
    char text[96], why[256];
    ike_ipsec_sa numbered = *sa;
    numbered.reqid = xfrm_reqid(x, sa->reqid);
    int error = s != NULL ? x->way->move_sa(x, s, &numbered) : -ESRCH;
    if (error == 0) {
        s->name = xfrm_name_of(sa);
        s->template.local = sa->path.local;
        s->template.remote = sa->path.remote;
        state_remove(x->state, s->slot);
        note_sa(x, s);
    } else if (s != NULL) {
        xfrm_name_format(&s->name, text, sizeof(text));
        daemon_log(x->app.d, IKE_LOG_ERROR, "the kernel does not move %s: %s", text, xfrm_says(x, error, why, sizeof(why)));
    }
    return error;
}

/* All of them, or those that were moved go back. */
static int move_all(struct xfrm_app *x, const ike_ipsec_sa *sa, const ike_path *old)
{
    const ike_ipsec_sa *at = sa;
    int error = 0;
    while (at != NULL && (error = move_one(x, at)) == 0) {
        at = at->inner;
    }
    for (; error != 0 && sa != at; sa = sa->inner) {
        ike_ipsec_sa back = *sa;
        back.path = *old;
        (void)move_one(x, &back);
    }
    return error;
}

/* First the new policies, then the SAs, then the old policies: at no moment does a packet find none. A way that moves SAs by
 * their policy needs that one as it was. */
static int move_in_order(struct xfrm_app *x, const struct xfrm_sa *s, const ike_ipsec_sa *sa, const ike_path *old)
{
    struct spd_template was = s->template, next = s->template;
    struct sa_policies former = policies_of(s), now = former;
    next.local = sa->path.local;
    next.remote = sa->path.remote;
    former.t = &was;
    now.t = &next;
    bool first = x->way->moves_policies;
    int error = first ? move_all(x, sa, old) : 0;
    if (error == 0 && use_policies(x, &now) != 0) {
        return -EIO;
    }
    if (error == 0 && !first) {
        error = move_all(x, sa, old);
        if (error != 0) {
            unuse_all(x, &now);
        }
    }
    if (error == 0) {
        unuse_all(x, &former);
    }
    return error;
}

static int xfrm_move(struct app *a, const ike_ipsec_sa *sa, const ike_path *old)
{
    struct xfrm_app *x = x_of(a);
    struct xfrm_sa *s = find_ours(x, sa);
    if (s == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    if (move_in_order(x, s, sa, old) != 0) {
        return IKE_ERR_HOST;
    }
    behind_remove(x->routes, &s->behind);
    add_routes(x, s, sa);
    return IKE_OK;
}

/* ---- Counters ------------------------------------------------------------------------------------------------------------- */

/* When an SA was last used older kernels do not say: a counter that moved since the last look says enough. */
static int xfrm_query(struct app *a, const ike_ipsec_sa *sa, ike_usage *out)
{
    struct xfrm_app *x = x_of(a);
    struct xfrm_sa *s = find_ours(x, sa);
    if (s == NULL) {
        return IKE_ERR_NOT_FOUND;
    }
    *out = (ike_usage){0};
    if (x->way->get_sa(x, &s->name, out) != 0) {
        return IKE_ERR_HOST;
    }
    if (out->packets != s->seen_packets) {
        s->seen_packets = out->packets;
        s->last = loop_now(a->d->loop);
    }
    out->last = s->last;
    return IKE_OK;
}

/* ---- Traps ---------------------------------------------------------------------------------------------------------------- */

static void free_trap(struct xfrm_app *x, struct xfrm_trap *t)
{
    xfrm_forget_acquire(x, t);
    struct sa_policies p = {t->flows, t->n_flows, &t->template, t->mark, t->if_id, false};
    behind_remove(x->routes, &t->behind);
    unuse_all(x, &p);
    free(t->flows);
    free(t->child_name);
    free(t);
}

static uint32_t hash_reqid(uint32_t reqid) { return table_hash(0, &reqid, sizeof(reqid)); }

static bool link_trap(struct xfrm_app *x, struct xfrm_trap *t)
{
    if (!table_add(&x->traps, &t->by_conn, conn_rt_hash(t->conn))) {
        return false;
    }
    if (!table_add(&x->trap_reqids, &t->by_reqid, hash_reqid(t->template.reqid))) {
        table_remove(&x->traps, &t->by_conn);
        return false;
    }
    return true;
}

static void unlink_trap(struct xfrm_app *x, struct xfrm_trap *t)
{
    table_remove(&x->traps, &t->by_conn);
    table_remove(&x->trap_reqids, &t->by_reqid);
}

struct xfrm_trap *xfrm_find_trap(const struct xfrm_app *x, uint32_t reqid)
{
    for (struct table_node *n = table_chain(&x->trap_reqids, hash_reqid(reqid)); n != NULL; n = n->next) {
        struct xfrm_trap *t = TABLE_OF(n, struct xfrm_trap, by_reqid);
        if (t->template.reqid == reqid) {
            return t;
        }
    }
    return NULL;
}

static void xfrm_untrap(struct app *a, ike_conn_id conn, const char *child_name)
{
    struct xfrm_app *x = x_of(a);
    for (struct table_node *n = table_chain(&x->traps, conn_rt_hash(conn)), *next; n != NULL; n = next) {
        struct xfrm_trap *t = TABLE_OF(n, struct xfrm_trap, by_conn);
        next = n->next;
        if (t->conn == conn && (child_name == NULL || strcmp(t->child_name, child_name) == 0)) {
            unlink_trap(x, t);
            free_trap(x, t);
        }
    }
}

/* One that no trap has, 0 if there is none. */
static uint32_t next_reqid(struct xfrm_app *x)
{
    for (uint32_t i = 0; i <= x->traps.n && i < x->way->traps; i++) {
        uint32_t reqid = x->way->first_trap + x->next_trap++ % x->way->traps;
        if (xfrm_find_trap(x, reqid) == NULL) {
            return reqid;
        }
    }
    return 0;
}

static struct xfrm_trap *make_trap(struct xfrm_app *x, const struct app_trap *trap)
{
    struct xfrm_trap *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return NULL;
    }
    t->conn = trap->conn;
    t->mark = trap->mark;
    t->if_id = trap->if_id;
    t->template = (struct spd_template){.trap = true,
                                        .mode = trap->mode,
                                        .protocols = SPD_PROTOCOL(IKE_PROTO_ESP),
                                        .reqid = next_reqid(x),
                                        .local = trap->local,
                                        .remote = trap->remote};
    if (t->template.local.family == 0) {
        (void)source_address(&trap->remote, ROUTES_MARK, &t->template.local);
    }
    t->child_name = strdup(trap->child_name);
    t->flows = copy_flows(trap->local_ts, trap->n_local_ts, trap->remote_ts, trap->n_remote_ts, &t->n_flows);
    if (t->child_name == NULL || t->flows == NULL || t->template.reqid == 0) {
        free(t->child_name);
        free(t->flows);
        free(t);
        return NULL;
    }
    return t;
}

static int xfrm_trap(struct app *a, const struct app_trap *trap)
{
    struct xfrm_app *x = x_of(a);
    xfrm_untrap(a, trap->conn, trap->child_name);
    struct xfrm_trap *t = make_trap(x, trap);
    if (t == NULL) {
        daemon_log(a->d, IKE_LOG_ERROR, "child %s: no kernel policy can wait for its traffic", trap->child_name);
        return -EINVAL;
    }
    struct sa_policies p = {t->flows, t->n_flows, &t->template, t->mark, t->if_id, false};
    int error = use_policies(x, &p);
    if (error == 0 && !link_trap(x, t)) {
        unuse_all(x, &p);
        error = -ENOMEM;
    }
    if (error != 0) {
        free(t->flows);
        free(t->child_name);
        free(t);
        return error;
    }
    if (trap->mode == IKE_MODE_TUNNEL) {
        struct behind_spec spec = {trap->local_ts, trap->remote_ts, trap->n_local_ts, trap->n_remote_ts, trap->remote, 0};
        behind_add(x->routes, &spec, &t->behind);
    }
    return 0;
}

/* ---- Sockets -------------------------------------------------------------------------------------------------------------- */

/* IKE itself never goes through a tunnel, whatever the policies say. Port 4500: the kernel takes ESP out of UDP and leaves us
 * what has the non-ESP marker. */
static int xfrm_socket(struct app *a, int fd, uint8_t family, bool encap)
{
    for (uint8_t dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
        int error = x_of(a)->way->bypass(fd, family, dir);
        if (error != 0) {
            daemon_log(a->d, IKE_LOG_ERROR, "cannot exempt the IKE sockets from IPsec policies: %s", strerror(-error));
            return error;
        }
    }
    int type = UDP_ENCAP_ESPINUDP;
    if (encap && setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) < 0) {
        daemon_log(a->d, IKE_LOG_WARN, "the kernel takes no ESP in UDP over IPv%u: no tunnels through NAT there (%s)", family,
                   strerror(errno));
    }
    return 0;
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

static void remove_leftover(void *arg, const char *record)
{
    struct xfrm_app *x = arg;
    struct xfrm_sa_name name = {0};
    char ip[64], from[80], to[80];
    unsigned protocol, dir, proto, sport, smask, dport, dmask, mark, if_id;
    if (sscanf(record, "sa %u %x %63s %x %x", &protocol, &name.spi, ip, &name.mark, &name.if_id) == 5 &&
        ike_addr_parse(&name.destination, ip) == IKE_OK) {
        name.protocol = (uint8_t)protocol;
        (void)x->way->unset_sa(x, &name);
    } else if (sscanf(record, "policy %u %79s %79s %u %x/%x %x/%x %x %x", &dir, from, to, &proto, &sport, &smask, &dport, &dmask,
                      &mark, &if_id) == 10) {
        /* As it was written: source first. */
        struct spd_key key = {.dir = SPD_OUT, .mark = mark, .if_id = if_id};
        key.flow.proto = (uint8_t)proto;
        key.flow.local_port = (struct port_mask){(uint16_t)sport, (uint16_t)smask};
        key.flow.remote_port = (struct port_mask){(uint16_t)dport, (uint16_t)dmask};
        if (prefix_parse(&key.flow.local, from) && prefix_parse(&key.flow.remote, to)) {
            struct xfrm_userpolicy_id id;
            xfrm_policy_id(&key, &id);
            id.dir = (uint8_t)dir;
            (void)x->way->unset_policy(x, &id, mark, if_id);
        }
    } else if (!routes_leftover(&x->rt, record) && !inner_leftover(&x->rt, record)) {
        return;
    }
    x->leftovers++;
}

static void xfrm_close(struct app *a)
{
    struct xfrm_app *x = x_of(a);
    size_t at = 0;
    for (struct table_node *n; (n = table_any(&x->traps, &at)) != NULL;) {
        struct xfrm_trap *t = TABLE_OF(n, struct xfrm_trap, by_conn);
        unlink_trap(x, t);
        free_trap(x, t);
    }
    at = 0;
    for (struct table_node *n; (n = table_any(&x->sas, &at)) != NULL;) {
        struct xfrm_sa *s = TABLE_OF(n, struct xfrm_sa, node);
        behind_remove(x->routes, &s->behind);
        (void)x->way->unset_sa(x, &s->name);
        drop_sa(x, s);
    }
    spd_free(x->spd);
    routes_free(x->routes);
    inner_clear(&x->inner, &x->rt, x->state);
    x->way->unlisten(x);
    table_free(&x->traps);
    table_free(&x->trap_reqids);
    table_free(&x->sas);
    table_free(&x->policies);
    state_close(x->state);
    x->way->close(x);
    nl_close(&x->rt);
    free(x);
}

static bool open_parts(struct xfrm_app *x)
{
    struct ikelibd *d = x->app.d;
    char path[160];
    state_path(d->settings.socket_path, path, sizeof(path));
    x->state = state_open(path, remove_leftover, x);
    if (x->state == NULL) {
        daemon_log(d, IKE_LOG_ERROR, "%s: %s", path,
                   errno == EWOULDBLOCK ? "another ikelibd with this socket is running" : strerror(errno));
        return false;
    }
    if (x->leftovers != 0) {
        daemon_log(d, IKE_LOG_WARN, "removed %u objects in the kernel that a former run left behind", x->leftovers);
    }
    struct spd_backend backend = {xfrm_policy_set, xfrm_policy_unset, x};
    x->spd = spd_new(&backend);
    x->routes = d->settings.routes ? routes_new(d, &x->rt, x->state) : NULL;
    if (x->spd == NULL || (d->settings.routes && x->routes == NULL)) {
        return false;
    }
    int error = x->way->listen(x);
    if (error != 0) {
        daemon_log(d, IKE_LOG_ERROR, "no IPsec events from the kernel: %s", strerror(-error));
    }
    return error == 0;
}

static struct app *open_way(struct ikelibd *d, const struct app_ops *ops, const struct xfrm_way *way)
{
    struct xfrm_app *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        return NULL;
    }
    x->app = (struct app){ops, d};
    x->way = way;
    x->rt.fd = -1;
    int error = way->open(x);
    error = error != 0 ? error : nl_open(&x->rt, NETLINK_ROUTE);
    if (error != 0) {
        daemon_log(d, IKE_LOG_ERROR, "no way to the kernel: %s", strerror(-error));
    }
    if (error != 0 || !open_parts(x)) {
        xfrm_close(&x->app);
        return NULL;
    }
    way->warn_foreign(x);
    return &x->app;
}

static void xfrm_stats(struct app *a, struct daemon_stats *out)
{
    struct xfrm_app *x = x_of(a);
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        {"xfrm-acquire", x->acquires}, {"xfrm-expire", x->expires}, {"xfrm-mapping", x->mappings}, {"xfrm-overrun", x->overruns}};
    for (size_t i = 0; i < 4 && out->n_drops < sizeof(out->drops) / sizeof(out->drops[0]); i++) {
        if (list[i].value != 0) {
            out->drops[out->n_drops].reason = list[i].name;
            out->drops[out->n_drops++].count = list[i].value;
        }
    }
}

static void xfrm_address(struct app *a, const ike_addr *address, bool there)
{
    struct xfrm_app *x = x_of(a);
    inner_set(&x->inner, a->d, &x->rt, x->state, address, there);
}

static struct app *xfrm_open(struct ikelibd *d) { return open_way(d, &app_xfrm, &xfrm_netlink); }

static struct app *pfkey_open(struct ikelibd *d) { return open_way(d, &app_pfkey, &xfrm_pfkey); }

#define OPERATIONS                                                                                                               \
    .close = xfrm_close, .socket = xfrm_socket, .get_spi = xfrm_get_spi, .put_spi = xfrm_put_spi, .add = xfrm_add,               \
    .move = xfrm_move, .remove = xfrm_remove, .query = xfrm_query, .address = xfrm_address, .trap = xfrm_trap,                   \
    .untrap = xfrm_untrap, .settled = xfrm_settled, .stats = xfrm_stats

const struct app_ops app_xfrm = {.name = "xfrm", .probe = xfrm_probe, .open = xfrm_open, OPERATIONS};
const struct app_ops app_pfkey = {.name = "pfkey",
                                  .carries = pfkey_carries,
                                  .lacks = pfkey_lacks,
                                  .probe = pfkey_probe,
                                  .open = pfkey_open,
                                  OPERATIONS};
