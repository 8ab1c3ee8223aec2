/* SPDX-License-Identifier: ISC
 *
 * pfkey.c - the way to the kernel's SAs and policies by PF_KEYv2.
 */
#include "app/pfkey_msg.h"
#include "app/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Calls ---------------------------------------------------------------------------------------------------------------- */

/* PF_KEY answers with a number only. What it most likely means: */
static const char *meaning(int error)
{
    static const struct {
        int error;
        const char *text;
    } list[] = {{-ENOSYS, "the kernel has no such algorithm, or keeps it from PF_KEY"},
                {-ENOENT, "the kernel has no module for this algorithm"},
                {-EPROTONOSUPPORT, "the kernel has no module for this protocol"},
                {-EINVAL, "an algorithm with a key of this length, or this combination, is not possible"},
                {-EEXIST, "the SPI is in use"},
                {-ENOPROTOOPT, "the kernel was built without CONFIG_NET_KEY_MIGRATE"},
                {-EMSGSIZE, "too long for a message"},
                {-ETIMEDOUT, "no answer"}};
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i].error == error) {
            return list[i].text;
        }
    }
    return "";
}

static int call(struct xfrm_app *x, struct pfk_msg *m, pfk_reply_fn *reply, void *arg)
{
    int error = pfk_call(&x->key, m, reply, arg);
    x->why = meaning(error);
    return error;
}

static void take_spi(void *arg, const struct pfk_view *v)
{
    struct sadb_sa sa;
    if (pfk_get(v, SADB_EXT_SA, &sa, sizeof(sa))) {
        *(uint32_t *)arg = ntohl(sa.sadb_sa_spi);
    }
}

static int get_spi(struct xfrm_app *x, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    struct pfk_msg m;
    pfkey_encode_getspi(&m, path, protocol, IKE_MODE_TUNNEL, reqid);
    return call(x, &m, take_spi, spi);
}

static int set_sa(struct xfrm_app *x, const ike_ipsec_sa *sa, bool update)
{
    struct pfk_msg m;
    const char *refusal = pfkey_refusal(sa);
    if (refusal != NULL) {
        x->why = refusal;
        return -EPROTONOSUPPORT;
    }
    pfkey_encode_sa(&m, update ? SADB_UPDATE : SADB_ADD, sa);
    return call(x, &m, NULL, NULL);
}

static int unset_sa(struct xfrm_app *x, const struct xfrm_sa_name *name)
{
    struct pfk_msg m;
    pfkey_encode_sa_name(&m, SADB_DELETE, name);
    return call(x, &m, NULL, NULL);
}

static void take_usage(void *arg, const struct pfk_view *v)
{
    ike_usage *out = arg;
    struct sadb_lifetime now;
    if (pfk_get(v, SADB_EXT_LIFETIME_CURRENT, &now, sizeof(now))) {
        out->bytes = now.sadb_lifetime_bytes;
        out->packets = now.sadb_lifetime_allocations;
    }
}

static int get_sa(struct xfrm_app *x, const struct xfrm_sa_name *name, ike_usage *out)
{
    struct pfk_msg m;
    pfkey_encode_sa_name(&m, SADB_GET, name);
    return call(x, &m, take_usage, out);
}

static int set_policy(struct xfrm_app *x, const struct spd_key *key, const struct spd_template *t, bool update)
{
    struct pfk_msg m;
    if (!pfkey_encode_policy(&m, update ? SADB_X_SPDUPDATE : SADB_X_SPDADD, key, t)) {
        x->why = "PF_KEY has no port ranges, and no ICMP type 0";
        return -EPROTONOSUPPORT;
    }
    return call(x, &m, NULL, NULL);
}

static int unset_policy(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    struct pfk_msg m;
    (void)mark; /* neither is ever set */
    (void)if_id;
    pfkey_encode_policy_name(&m, id);
    return call(x, &m, NULL, NULL);
}

/* What the kernel waits with has no SPI to delete it by: it is given one first. */
static void end_acquire(struct xfrm_app *x, struct xfrm_trap *t)
{
    struct pfk_msg m;
    ike_path path = {.local = t->template.remote, .remote = t->template.local}; /* outbound: it ends at the peer */
    struct xfrm_sa_name name = {.destination = t->template.remote, .protocol = IKE_PROTO_ESP};
    pfkey_encode_getspi(&m, &path, IKE_PROTO_ESP, t->template.mode, t->template.reqid); /* what a trap asks for */
    m.seq = t->acquire_seq;
    if (call(x, &m, take_spi, &name.spi) == 0 && name.spi != 0) {
        (void)unset_sa(x, &name);
    }
}

static int bypass(int fd, uint8_t family, uint8_t dir)
{
    struct sadb_x_policy policy = {.sadb_x_policy_len = sizeof(policy) / 8,
                                   .sadb_x_policy_exttype = SADB_X_EXT_POLICY,
                                   .sadb_x_policy_type = IPSEC_POLICY_BYPASS,
                                   .sadb_x_policy_dir = (uint8_t)(dir + 1)};
    int level = family == 4 ? IPPROTO_IP : IPPROTO_IPV6, option = family == 4 ? IP_IPSEC_POLICY : IPV6_IPSEC_POLICY;
    return setsockopt(fd, level, option, &policy, sizeof(policy)) < 0 ? -errno : 0;
}

/* ---- Moving --------------------------------------------------------------------------------------------------------------- */

#define SAS_OF_ONE_REQID 4 /* while rekeys overlap */

static bool same_ip(const ike_addr *a, const ike_addr *b) { return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0; }

struct place {
    const ike_ipsec_sa *sa;
    bool there;
};

static void take_place(void *arg, const struct pfk_view *v)
{
    struct place *p = arg;
    struct pfk_address from;
    const ike_addr *source = p->sa->inbound ? &p->sa->path.remote : &p->sa->path.local;
    p->there = pfk_get_address(v, SADB_EXT_ADDRESS_SRC, &from) && same_ip(&from.addr, source);
}

/* Whether the SA is where it shall be: it is found by its end, the other address has to be looked at. */
static bool has_moved(struct xfrm_app *x, const ike_ipsec_sa *sa)
{
    struct pfk_msg m;
    struct place p = {.sa = sa};
    struct xfrm_sa_name name = xfrm_name_of(sa);
    pfkey_encode_sa_name(&m, SADB_GET, &name);
    return call(x, &m, take_place, &p) == 0 && p.there;
}

/* Out and in again would begin with number 1 under the same keys, so addresses change by a migration: of one policy, and of an SA
 * that answers to it. Which of several that is the kernel chooses, but one that has moved is not chosen again. */
static int migrate(struct xfrm_app *x, const struct xfrm_sa *s, const ike_ipsec_sa *sa)
{
    struct spd_key key = {.dir = s->inbound ? SPD_IN : SPD_OUT};
    struct spd_template next = s->template;
    next.local = sa->path.local;
    next.remote = sa->path.remote;
    if (s->n_flows > 0) { /* else it has moved with the first protocol of its child */
        key.flow = s->flows[0];
    }
    for (int i = 0; !has_moved(x, sa); i++) {
        struct pfk_msg m;
        int error = s->n_flows > 0 && i < SAS_OF_ONE_REQID ? set_policy(x, &key, &s->template, true) : -ESRCH;
        if (error == 0) {
            pfkey_encode_migrate(&m, &key, &s->template, &next);
            error = call(x, &m, NULL, NULL);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* Where the addresses stay the same an update gives an SA other ports, and it keeps its numbers. */
static int move_sa(struct xfrm_app *x, const struct xfrm_sa *s, const ike_ipsec_sa *sa)
{
    bool stays = same_ip(&s->template.local, &sa->path.local) && same_ip(&s->template.remote, &sa->path.remote);
    int error = stays ? 0 : migrate(x, s, sa);
    return error == 0 && (stays || sa->udp_encap) ? set_sa(x, sa, true) : error;
}

/* ---- Events --------------------------------------------------------------------------------------------------------------- */

static void take_reqid(void *arg, const struct pfk_view *v) { *(uint32_t *)arg = pfkey_read_reqid(v); }

/* It names the policy by the kernel's number, and says nothing of the packet. */
static void on_acquire(struct xfrm_app *x, const struct pfk_view *v)
{
    struct sadb_x_policy policy;
    struct xfrm_acquire a = {.seq = v->head.sadb_msg_seq};
    struct pfk_msg m;
    if (!pfk_get(v, SADB_X_EXT_POLICY, &policy, sizeof(policy))) {
        return;
    }
    pfkey_encode_policy_get(&m, policy.sadb_x_policy_id, policy.sadb_x_policy_dir);
    if (call(x, &m, take_reqid, &a.reqid) == 0 && a.reqid != 0) {
        xfrm_on_acquire(x, &a);
    }
}

static void on_expire(struct xfrm_app *x, const struct pfk_view *v)
{
    uint32_t spi;
    ike_addr destination;
    uint8_t protocol;
    struct xfrm_sa *sa = NULL;
    if (pfkey_read_sa(v, &spi, &destination, &protocol)) {
        sa = xfrm_find(x, spi, &destination, protocol);
    }
    if (sa != NULL) { /* else a reserved SPI that nobody came for, or another program's */
        xfrm_on_expire(x, sa, v->ext[SADB_EXT_LIFETIME_HARD].ptr != NULL);
    }
}

/* The source is the peer as it was, the destination the peer as it is: which of our addresses is not said. */
static void on_mapping(struct xfrm_app *x, const struct pfk_view *v)
{
    struct sadb_sa sa;
    struct pfk_address to;
    struct sadb_x_nat_t_port port;
    if (!pfk_get(v, SADB_EXT_SA, &sa, sizeof(sa)) || !pfk_get_address(v, SADB_EXT_ADDRESS_DST, &to) ||
        !pfk_get(v, SADB_X_EXT_NAT_T_DPORT, &port, sizeof(port))) {
        return;
    }
    to.addr.port = ntohs(port.sadb_x_nat_t_port_port);
    const struct xfrm_sa *found = xfrm_find_inbound(x, ntohl(sa.sadb_sa_spi));
    if (found != NULL) {
        xfrm_on_mapping(x, found, &to.addr);
    }
}

/* What somebody took out. What we do ourselves is told, too. */
static void on_deleted(struct xfrm_app *x, const struct pfk_view *v)
{
    uint32_t spi;
    ike_addr destination;
    uint8_t protocol;
    struct xfrm_userpolicy_id id;
    if (v->head.sadb_msg_pid == x->key.pid) {
        return;
    }
    switch (v->head.sadb_msg_type) {
    case SADB_DELETE:
        if (pfkey_read_sa(v, &spi, &destination, &protocol)) {
            xfrm_on_sa_deleted(x, spi, &destination, protocol);
        }
        break;
    case SADB_FLUSH:
        x->sas_gone = true;
        break;
    case SADB_X_SPDDELETE:
    case SADB_X_SPDDELETE2:
        if (pfkey_read_policy(v, &id)) {
            xfrm_on_policy_deleted(x, &id, 0, 0);
        }
        break;
    case SADB_X_SPDFLUSH:
        x->policies_gone = true;
        break;
    default:
        break;
    }
}

static void take(void *arg, const struct pfk_view *v)
{
    struct xfrm_app *x = arg;
    if (v->head.sadb_msg_errno != 0) {
        return;
    }
    switch (v->head.sadb_msg_type) {
    case SADB_ACQUIRE:
        on_acquire(x, v);
        break;
    case SADB_EXPIRE:
        on_expire(x, v);
        break;
    case SADB_X_NAT_T_NEW_MAPPING:
        on_mapping(x, v);
        break;
    default:
        on_deleted(x, v);
        break;
    }
}

static void on_readable(void *arg, uint32_t events)
{
    struct xfrm_app *x = arg;
    (void)events;
    if (pfk_events(&x->key_events, take, x) == -ENOBUFS) {
        xfrm_on_overrun(x);
    }
    xfrm_make_good(x);
}

/* ---- Life ----------------------------------------------------------------------------------------------------------------- */

static int open_pfkey(struct xfrm_app *x)
{
    x->why = "";
    x->key_events.fd = -1;
    daemon_log(x->app.d, IKE_LOG_INFO, "PF_KEY: replay windows have %d packets at most", PFKEY_REPLAY_MAX);
    return pfk_open(&x->key);
}

static void close_pfkey(struct xfrm_app *x) { pfk_close(&x->key); }

static int listen_pfkey(struct xfrm_app *x)
{
    static const uint8_t types[] = {SADB_SATYPE_ESP, SADB_SATYPE_AH, SADB_X_SATYPE_IPCOMP};
    int error = pfk_open(&x->key_events);
    for (size_t i = 0; i < sizeof(types) && error == 0; i++) {
        error = pfk_register(&x->key_events, types[i]);
    }
    return error != 0 ? error : loop_fd_add(x->app.d->loop, x->key_events.fd, EPOLLIN, on_readable, x);
}

static void unlisten_pfkey(struct xfrm_app *x)
{
    if (x->key_events.fd >= 0) {
        loop_fd_del(x->app.d->loop, x->key_events.fd);
        pfk_close(&x->key_events);
    }
}

const struct xfrm_way xfrm_pfkey = {
    .open = open_pfkey,
    .close = close_pfkey,
    .listen = listen_pfkey,
    .unlisten = unlisten_pfkey,
    .warn_foreign = pfkey_warn_foreign,
    .bypass = bypass,
    .get_spi = get_spi,
    .set_sa = set_sa,
    .unset_sa = unset_sa,
    .get_sa = get_sa,
    .move_sa = move_sa,
    .moves_policies = true,
    .set_policy = set_policy,
    .unset_policy = unset_policy,
    .end_acquire = end_acquire,
    .first_trap = 0x3000,
    .traps = PFKEY_REQID_MAX - 0x3000 + 1,
};
