/* SPDX-License-Identifier: ISC
 *
 * Mode-Config (draft-dukes-ike-mode-cfg-02): an address inside the tunnel, and servers to go with it. The side that wants them
 * asks (REQUEST, REPLY: pull), or the side that has them begins (SET, ACK: push).
 */
#include "exchange/v1/v1.h"

#define BIT(attr) ((uint16_t)(1u << (attr)))

/* What one family's attributes are called. */
struct names {
    uint8_t family;
    uint16_t address, dns, nbns; /* nbns 0: there is none */
};
static const struct names names4 = {4, IKE_CFG1_IP4_ADDRESS, IKE_CFG1_IP4_DNS, IKE_CFG1_IP4_NBNS},
                          names6 = {6, IKE_CFG1_IP6_ADDRESS, IKE_CFG1_IP6_DNS, 0};

static const struct names *names_of(uint8_t family) { return family == 6 ? &names6 : &names4; }

static ike_bytes ip_of(const ike_addr *a) { return ike_bytes_of(a->ip, a->family == 4 ? 4 : 16); }

/* There are peers that put the prefix length of version 2 behind an address of IPv6. */
static bool read_ip(const struct ike_v1_attr *a, uint8_t family, ike_addr *out)
{
    size_t n = family == 4 ? 4 : 16;
    *out = (ike_addr){.family = family};
    if (a->tv || (a->value.len != n && !(family == 6 && a->value.len == 17))) {
        return false;
    }
    memcpy(out->ip, a->value.ptr, n);
    return !ike_is_zero(out->ip, n);
}

/* ---- The side that has addresses ------------------------------------------------------------------------------------------- */

static bool gives(const struct ike_exchange *x)
{
    return !x->sa->conf->s.inner_family && (x->sa->conf->s.pool.family || x->e->core.set.host.hooks.lease);
}

static int take_request(struct ike_exchange *x)
{
    struct ike_setup *s = x->setup;
    struct ike_v1_config cfg;
    struct ike_v1_attr a;
    int r = ike_v1_attr_take(x, IKE_CFG1_REQUEST, &cfg);
    if (r != IKE_X_OK) {
        return r;
    }
    struct ike_rd attrs = ike_rd(cfg.attrs.ptr, cfg.attrs.len);
    s->talk.asked = 0;
    s->talk.address = (ike_addr){0};
    while (ike_v1_attr_next(&attrs, &a)) {
        s->talk.asked |= (uint16_t)(a.type < 16 ? BIT(a.type) : 0); /* others are passed over */
        if (a.type == IKE_CFG1_IP4_ADDRESS || (a.type == IKE_CFG1_IP6_ADDRESS && !s->talk.address.family)) {
            (void)read_ip(&a, a.type == IKE_CFG1_IP4_ADDRESS ? 4 : 6, &s->talk.address);
        }
    }
    return IKE_X_OK;
}

/* What the peer asks for, or what there is; 0: it asks for none. */
static uint8_t family_for(const struct ike_exchange *x)
{
    uint16_t asked = x->setup->talk.asked & (BIT(IKE_CFG1_IP4_ADDRESS) | BIT(IKE_CFG1_IP6_ADDRESS));
    uint8_t pool = x->sa->conf->s.pool.family;
    if (asked == 0 && x->role == IKE_RESPONDER) {
        return 0;
    }
    return asked == BIT(IKE_CFG1_IP4_ADDRESS) ? 4 : asked == BIT(IKE_CFG1_IP6_ADDRESS) ? 6 : pool ? pool : 4;
}

/* IKE_OK, IKE_PENDING, or an error. */
static int ask_host(struct ike_exchange *x, uint8_t family, ike_addr *out)
{
    struct ike_core *c = &x->e->core;
    const struct ike_peer *peer = x->sa->peer;
    bool answered;
    struct ike_question *q = ike_ask(x, IKE_Q_LEASE, &answered);
    if (!q) {
        return IKE_ERR_NOMEM;
    }
    int r = q->result;
    *out = q->answer.address;
    if (!answered) {
        ike_lease_question ask = {.size = sizeof ask,
                                  .sa = x->sa->id,
                                  .conn = x->sa->conn->id,
                                  .family = family,
                                  .remote_id = peer->remote_id,
                                  .user = peer->user};
        ask.wanted = x->setup->talk.address.family == family ? x->setup->talk.address : (ike_addr){0};
        ike_hook_enter(c);
        r = c->set.host.hooks.lease(c->set.host.user, q->token, &ask, out);
        ike_hook_leave(c);
    }
    if (r != IKE_PENDING) {
        ike_answered(x);
    }
    return r == IKE_OK && out->family != family ? IKE_ERR_HOST : r;
}

static void none_left(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    char pool[100] = "the host";
    if (x->sa->conf->s.pool.family) {
        ike_ts_format(&x->sa->conf->s.pool, pool, sizeof pool);
    }
    ike_blame(c, IKE_FAIL_NO_ADDRESS, IKE_DECIDER_US);
    ike_blame_expected(c, "a free address of %s", pool);
    ike_blame_remedy(c, "widen `pool`, or see who has the addresses (ikelibctl status)");
    ike_exchange_blame(x);
}

/* One that the peer has already it keeps, though the host's answer may still come. Without any the answer has none. */
static int lease(struct ike_exchange *x)
{
    struct ike_sa *sa = x->sa;
    struct ike_lease l = {.hooked = x->e->core.set.host.hooks.lease};
    uint8_t family = family_for(x);
    if (!gives(x) || !family || (sa->peer->lease && !sa->peer->lease->ours && !x->question)) {
        return IKE_X_OK;
    }
    int r = l.hooked ? ask_host(x, family, &l.address)
                     : ike_lease_pick(&x->e->db, sa->peer, family, &x->setup->talk.address, &l.address);
    if (r == IKE_PENDING) {
        return IKE_X_PENDING;
    }
    r = r == IKE_OK ? ike_lease_set(&x->e->db, sa->peer, &l) : r;
    if (r == IKE_ERR_NOMEM) {
        return ike_trouble(x, r);
    }
    if (r != IKE_OK) {
        none_left(x);
        return x->role == IKE_INITIATOR ? ike_fatal(x, 0, 0) : IKE_X_OK;
    }
    return IKE_X_OK;
}

static void put_servers(struct ike_wr *w, uint16_t type, const ike_addr *list, size_t n, uint8_t family)
{
    for (size_t i = 0; type && i < n; i++) {
        if (list[i].family == family) {
            ike_v1_put_attr(w, type, ip_of(&list[i]));
        }
    }
}

/* The networks behind us, so that a peer may know what to send into the tunnel: each once, but for ranges, which are none. */
static void put_subnets(struct ike_wr *w, const ike_conn_settings *s)
{
    const size_t start = w->len, row = 4 + 8;
    for (size_t i = 0; i < s->n_children; i++) {
        const ike_child_settings *k = &s->children[i];
        for (size_t j = 0; j < k->n_local_ts; j++) {
            uint8_t net[8] = {0};
            const int prefix = k->local_ts[j].family == 4 ? ike_v1_prefix(&k->local_ts[j]) : -1;
            bool said = prefix < 0;
            memcpy(net, k->local_ts[j].lo, 4);
            ike_v1_put_mask(net + 4, prefix);
            for (size_t at = start; at < w->len && !w->bad; at += row) {
                said |= memcmp(w->p + at + 4, net, 8) == 0;
            }
            if (!said) {
                ike_v1_put_attr(w, IKE_CFG1_IP4_SUBNET, ike_bytes_of(net, 8));
            }
        }
    }
}

/* In a SET everything there is; in a REPLY what was asked for. */
static int put_lease(struct ike_exchange *x, uint8_t type)
{
    const ike_conn_settings *set = &x->sa->conf->s;
    const struct ike_lease *l = x->sa->peer->lease;
    struct ike_wr *w = &x->chain.w;
    uint16_t asked = type == IKE_CFG1_SET ? 0xffff & ~BIT(IKE_CFG1_APPLICATION_VERSION) : x->setup->talk.asked;
    size_t at = ike_v1_attr_begin(x, type);
    if (l && !l->ours && gives(x) && (asked & BIT(names_of(l->address.family)->address))) {
        const struct names *n = names_of(l->address.family);
        ike_v1_put_attr(w, n->address, ip_of(&l->address));
        if (n->family == 4 && (asked & BIT(IKE_CFG1_IP4_NETMASK))) {
            ike_v1_put_attr(w, IKE_CFG1_IP4_NETMASK, IKE_STR("\xff\xff\xff\xff"));
        }
        put_servers(w, asked & BIT(n->dns) ? n->dns : 0, set->dns, set->n_dns, n->family);
        if (n->family == 4 && (asked & BIT(IKE_CFG1_IP4_SUBNET))) {
            put_subnets(w, set);
        }
        put_servers(w, n->nbns && (asked & BIT(n->nbns)) ? n->nbns : 0, set->nbns, set->n_nbns, n->family);
    }
    if (asked & BIT(IKE_CFG1_APPLICATION_VERSION)) {
        ike_v1_put_attr(w, IKE_CFG1_APPLICATION_VERSION, IKE_STR("libike"));
    }
    return ike_v1_attr_end(x, at);
}

static int put_reply(struct ike_exchange *x) { return put_lease(x, IKE_CFG1_REPLY); }
static int put_set(struct ike_exchange *x) { return put_lease(x, IKE_CFG1_SET); }

static int take_ack(struct ike_exchange *x)
{
    struct ike_v1_config cfg;
    int r = ike_v1_attr_take(x, IKE_CFG1_ACK, &cfg);
    x->sa->v1->configured |= r == IKE_X_OK;
    return r;
}

/* ---- The side that wants one ----------------------------------------------------------------------------------------------- */

/* The one it has it would have again. */
static int put_request(struct ike_exchange *x)
{
    const struct names *n = names_of(x->sa->conf->s.inner_family);
    const struct ike_lease *l = x->sa->peer->lease;
    struct ike_wr *w = &x->chain.w;
    size_t at = ike_v1_attr_begin(x, IKE_CFG1_REQUEST);
    bool again = l && l->ours && l->address.family == n->family;
    ike_v1_put_attr(w, n->address, again ? ip_of(&l->address) : ike_bytes_of(NULL, 0));
    if (n->family == 4) {
        ike_v1_put_attr(w, IKE_CFG1_IP4_NETMASK, ike_bytes_of(NULL, 0));
    }
    ike_v1_put_attr(w, n->dns, ike_bytes_of(NULL, 0));
    if (n->nbns) {
        ike_v1_put_attr(w, n->nbns, ike_bytes_of(NULL, 0));
    }
    return ike_v1_attr_end(x, at);
}

static void read_lease(const struct ike_v1_config *cfg, const struct names *n, struct ike_lease *l)
{
    struct ike_rd attrs = ike_rd(cfg->attrs.ptr, cfg->attrs.len);
    struct ike_v1_attr a;
    ike_addr ip;
    while (ike_v1_attr_next(&attrs, &a)) {
        if (!read_ip(&a, n->family, &ip)) {
            continue;
        }
        if (a.type == n->address && !l->address.family) {
            l->address = ip;
        } else if (a.type == n->dns && l->n_dns < IKE_SERVERS_MAX) {
            l->dns[l->n_dns++] = ip;
        } else if (n->nbns && a.type == n->nbns && l->n_nbns < IKE_SERVERS_MAX) {
            l->nbns[l->n_nbns++] = ip;
        }
    }
}

static void log_lease(struct ike_exchange *x, const struct ike_lease *l)
{
    char a[64], dns[64] = "";
    ike_addr_format(&l->address, false, a, sizeof a);
    if (l->n_dns) {
        ike_addr_format(&l->dns[0], false, dns, sizeof dns);
    }
    IKE_LOG(&x->e->core, IKE_LOG_SA, IKE_LOG_INFO, x->sa->id, "%s: the peer gives us the address %s%s%s", x->sa->conf->s.name, a,
            l->n_dns ? ", DNS server " : "", dns);
}

/* A host of its own network can have no other: loopback, multicast and the like are nobody's to give. */
static bool usable(const ike_addr *a)
{
    return a->family == 4 ? a->ip[0] != 127 && a->ip[0] < 224
                          : a->family == 6 && a->ip[0] != 0xff && !(a->ip[0] == 0 && a->ip[1] == 0);
}

/* Children that were made for another address than the one we have now: packets cannot leave with that any more. */
static void close_others(struct ike_exchange *x, const ike_addr *now)
{
    ike_ts own = ike_ts_of_addr(now);
    const struct ike_lease *was = x->sa->peer->lease;
    ike_ts old = was && was->ours ? ike_ts_of_addr(&was->address) : own;
    if (memcmp(&old, &own, sizeof own) == 0) {
        return;
    }
    IKE_LIST_EACH (it, tmp, &x->sa->peer->children) {
        struct ike_child *k = IKE_OF(it, struct ike_child, link);
        if (k->established && ike_ts_within(ike_child_local(k), &old)) {
            (void)ike_close_child(x->e, k);
        }
    }
}

static int take_lease(struct ike_exchange *x, uint8_t type)
{
    struct ike_core *c = &x->e->core;
    const struct names *n = names_of(x->sa->conf->s.inner_family);
    struct ike_lease l = {.ours = true};
    struct ike_v1_config cfg;
    int r = ike_v1_attr_take(x, type, &cfg);
    if (r != IKE_X_OK || !x->sa->conf->s.inner_family) {
        return r; /* who wants none takes none */
    }
    read_lease(&cfg, n, &l);
    if (!usable(&l.address)) {
        if (x->sa->established) {
            return IKE_X_OK;
        }
        ike_blame(c, IKE_FAIL_NO_ADDRESS, IKE_DECIDER_PEER);
        ike_blame_expected(c, "an IPv%u address inside the tunnel", (unsigned)n->family);
        ike_blame_received(c, "none");
        ike_blame_remedy(c, "see why the peer has none for us, or leave inner-address out here");
        return ike_fatal(x, 0, 0);
    }
    close_others(x, &l.address);
    r = ike_lease_set(&x->e->db, x->sa->peer, &l);
    if (r != IKE_OK) {
        return ike_trouble(x, r);
    }
    x->sa->v1->configured = true;
    log_lease(x, &l);
    return IKE_X_OK;
}

static int take_reply(struct ike_exchange *x) { return take_lease(x, IKE_CFG1_REPLY); }
static int take_set(struct ike_exchange *x) { return take_lease(x, IKE_CFG1_SET); }

/* What was taken, without values. */
static int put_ack(struct ike_exchange *x)
{
    const struct ike_lease *l = x->sa->peer->lease;
    size_t at = ike_v1_attr_begin(x, IKE_CFG1_ACK);
    if (l && l->ours) {
        ike_v1_put_attr(&x->chain.w, names_of(l->address.family)->address, ike_bytes_of(NULL, 0));
    }
    if (l && l->ours && l->n_dns) {
        ike_v1_put_attr(&x->chain.w, names_of(l->address.family)->dns, ike_bytes_of(NULL, 0));
    }
    return ike_v1_attr_end(x, at);
}

static ike_action *const request_build[] = {ike_v1_begin, put_request, NULL};
static ike_action *const request_handle[] = {ike_v1_transaction_check, take_request, lease, NULL};
static ike_action *const reply_build[] = {put_reply, NULL};
static ike_action *const reply_handle[] = {ike_v1_transaction_check, take_reply, NULL};
static ike_action *const set_build[] = {ike_v1_begin, lease, put_set, NULL};
static ike_action *const set_handle[] = {ike_v1_transaction_check, take_set, NULL};
static ike_action *const ack_build[] = {put_ack, NULL};
static ike_action *const ack_handle[] = {ike_v1_transaction_check, take_ack, NULL};

#define FORMS ike_v1_transaction_forms
static const struct ike_step pull[] = {
    {"Mode-Config request", IKE_INITIATOR, NULL, FORMS, request_handle, request_build, NULL, NULL},
    {"Mode-Config reply", IKE_RESPONDER, NULL, FORMS, reply_handle, reply_build, NULL, NULL},
};
static const struct ike_step push[] = {
    {"Mode-Config set", IKE_INITIATOR, NULL, FORMS, set_handle, set_build, NULL, NULL},
    {"Mode-Config acknowledgement", IKE_RESPONDER, NULL, FORMS, ack_handle, ack_build, NULL, NULL},
};
const struct ike_script ike_v1_pull = {"Mode-Config", 1,   IKE_X1_TRANSACTION, &ike_v1_delivery, pull, 2, 0, ike_v1_next,
                                       NULL,          NULL};
const struct ike_script ike_v1_push = {"Mode-Config", 1,   IKE_X1_TRANSACTION, &ike_v1_delivery, push, 2, 0, ike_v1_next,
                                       NULL,          NULL};
