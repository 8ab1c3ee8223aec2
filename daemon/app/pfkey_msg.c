/* SPDX-License-Identifier: ISC
 *
 * pfkey_msg.c - our SAs and policies as PF_KEY messages.
 */
#include "app/pfkey_msg.h"

#include <arpa/inet.h>
#include <linux/ipsec.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ESP_IN_UDP 2 /* RFC 3948; UDP_ENCAP_ESPINUDP */

/* ---- What it can carry ---------------------------------------------------------------------------------------------------- */

/* Transform id -> number of PF_KEY. One that has words cannot be used: Linux gives no ciphers with integrity of their own to
 * PF_KEY, and no truncation length can be said. */
struct numbered {
    uint8_t type; /* IKEv2 transform type: 1 encryption, 3 integrity */
    uint16_t id;
    uint8_t number;
    const char *why_not;
};

static const char aead[] = "PF_KEY has no ciphers with integrity of their own (AES-GCM, AES-CCM, GMAC, ChaCha20-Poly1305)";

static const struct numbered algorithms[] = {
    {1, 2, SADB_EALG_DESCBC, NULL},
    {1, 3, SADB_EALG_3DESCBC, NULL},
    {1, 6, SADB_X_EALG_CASTCBC, NULL},
    {1, 7, SADB_X_EALG_BLOWFISHCBC, NULL},
    {1, 11, SADB_EALG_NULL, NULL},
    {1, 12, SADB_X_EALG_AESCBC, NULL},
    {1, 13, SADB_X_EALG_AESCTR, NULL},
    {1, 14, 0, aead},
    {1, 15, 0, aead},
    {1, 16, 0, aead},
    {1, 18, 0, aead},
    {1, 19, 0, aead},
    {1, 20, 0, aead},
    {1, 21, 0, aead},
    {1, 23, SADB_X_EALG_CAMELLIACBC, NULL},
    {1, 28, 0, aead},
    {3, 1, SADB_AALG_MD5HMAC, NULL},
    {3, 2, SADB_AALG_SHA1HMAC, NULL},
    {3, 5, SADB_X_AALG_AES_XCBC_MAC, NULL},
    {3, 12, 0, "PF_KEY cuts HMAC-SHA-256 to 96 bits, peers expect 128 (sha384 and sha512 are whole)"},
    {3, 13, SADB_X_AALG_SHA2_384HMAC, NULL},
    {3, 14, SADB_X_AALG_SHA2_512HMAC, NULL},
};

static const struct numbered *find_alg(uint8_t type, uint16_t id)
{
    static const struct numbered unknown = {.why_not = "PF_KEY has no number for this algorithm"};
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (algorithms[i].type == type && algorithms[i].id == id) {
            return &algorithms[i];
        }
    }
    return &unknown;
}

static const char no_esn[] = "PF_KEY has no extended sequence numbers";
static const char no_marks[] = "PF_KEY has no marks and no XFRM interfaces";
static const char one_family[] = "an SA of PF_KEY carries IPv4 or IPv6, not both";

/* RFC 4302 section 3.3.3.2.1: to 32 bits, which nothing in PF_KEY asks for. */
static const char wide_ah[] = "PF_KEY pads AH over IPv4 to 64 bits, peers expect 32 (sha1 needs none)";

/* With an ICV that makes AH no multiple of 64 bits. */
static bool is_wide(uint16_t integ) { return integ == 13 || integ == 14; }

static bool has_family(const ike_ts *ts, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++) {
        if (ts[i].family == family) {
            return true;
        }
    }
    return false;
}

static bool has_both_families(const ike_ts *ts, size_t n) { return has_family(ts, n, 4) && has_family(ts, n, 6); }

const char *pfkey_refusal(const ike_ipsec_sa *sa)
{
    const char *encr = sa->protocol == IKE_PROTO_ESP ? find_alg(1, sa->encr)->why_not : NULL;
    if (sa->mark != 0 || sa->if_id != 0) {
        return no_marks;
    }
    if (has_both_families(sa->local_ts, sa->n_local_ts)) {
        return one_family;
    }
    if (sa->protocol == IKE_PROTO_IPCOMP || encr != NULL) {
        return encr;
    }
    if (sa->protocol == IKE_PROTO_AH && sa->path.remote.family == 4 && is_wide(sa->integ)) {
        return wide_ah;
    }
    return sa->esn ? no_esn : find_alg(3, sa->integ)->why_not;
}

/* Why not this transform, in words; NULL: there is no reason. */
static const char *refuse_transform(uint8_t protocol, uint8_t family, uint8_t type, uint16_t id)
{
    if (protocol == IKE_PROTO_AH && family == 4 && type == 3 && is_wide(id)) {
        return wide_ah;
    }
    switch (type) {
    case 1:
    case 3:
        return find_alg(type, id)->why_not;
    case 5:
        return id != 0 ? no_esn : NULL;
    default:
        return NULL;
    }
}

bool pfkey_carries(uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    (void)bits;
    return refuse_transform(protocol, family, type, id) == NULL;
}

/* A keyword that is none has been reported. */
static const char *refuse_keyword(uint8_t protocol, uint8_t family, const char *word, size_t n)
{
    uint8_t type;
    uint16_t id, bits;
    return ike_keyword_transform(word, n, &type, &id, &bits) == IKE_OK ? refuse_transform(protocol, family, type, id) : NULL;
}

static bool find_refused(uint8_t protocol, uint8_t family, const char *proposals, char *why, size_t n)
{
    static const char between[] = "-, \t\r\n";
    size_t len;
    for (const char *s = proposals != NULL ? proposals : ""; *s; s += len) {
        s += strspn(s, between);
        len = strcspn(s, between);
        const char *reason = len > 0 ? refuse_keyword(protocol, family, s, len) : NULL;
        if (reason != NULL) {
            snprintf(why, n, "%.*s: %s", (int)len, s, reason);
            return true;
        }
    }
    return false;
}

/* All keywords: the engine leaves out those that are not carried, but who names one and this back-end wants to know. */
bool pfkey_lacks(const ike_conn_settings *s, const ike_child_settings *c, char *why, size_t n)
{
    uint8_t family = s->remote.family != 0 ? s->remote.family : s->local.family;
    const char *reason = c->mark != 0 || c->if_id != 0 ? no_marks : NULL;
    if (reason == NULL && has_both_families(c->local_ts, c->n_local_ts) && has_both_families(c->remote_ts, c->n_remote_ts)) {
        reason = one_family;
    }
    if (reason != NULL) {
        snprintf(why, n, "%s", reason);
        return true;
    }
    return find_refused(IKE_PROTO_ESP, family, c->proposals, why, n) ||
           find_refused(IKE_PROTO_AH, family, c->ah_proposals, why, n);
}

/* ---- SAs ------------------------------------------------------------------------------------------------------------------ */

/* In the order in which they are put around a packet. */
static const struct {
    uint8_t ike, satype, ip;
} protocols[] = {{IKE_PROTO_IPCOMP, SADB_X_SATYPE_IPCOMP, IPPROTO_COMP},
                 {IKE_PROTO_ESP, SADB_SATYPE_ESP, IPPROTO_ESP},
                 {IKE_PROTO_AH, SADB_SATYPE_AH, IPPROTO_AH}};

#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static uint8_t satype_of(uint8_t protocol)
{
    for (size_t i = 0; i < N_PROTOCOLS; i++) {
        if (protocols[i].ike == protocol) {
            return protocols[i].satype;
        }
    }
    return SADB_SATYPE_UNSPEC;
}

static uint8_t mode_of(uint8_t mode) { return mode == IKE_MODE_TRANSPORT ? IPSEC_MODE_TRANSPORT : IPSEC_MODE_TUNNEL; }

static uint8_t full_bits(const ike_addr *a) { return a->family == 6 ? 128 : 32; }

/* Without a port: the kernel takes one here for a selector of the SA. */
static void put_end(struct pfk_msg *m, uint16_t type, const ike_addr *a)
{
    ike_addr plain = *a;
    plain.port = 0;
    pfk_address(m, type, &plain, full_bits(a), 0);
}

static void put_sa(struct pfk_msg *m, uint32_t spi, uint8_t replay, uint8_t auth, uint8_t encr)
{
    struct sadb_sa *e = pfk_ext(m, SADB_EXT_SA, sizeof(*e));
    if (e != NULL) {
        e->sadb_sa_spi = htonl(spi);
        e->sadb_sa_replay = replay;
        e->sadb_sa_state = SADB_SASTATE_MATURE;
        e->sadb_sa_auth = auth;
        e->sadb_sa_encrypt = encr;
    }
}

static void put_sa2(struct pfk_msg *m, uint8_t mode, uint32_t reqid)
{
    struct sadb_x_sa2 *e = pfk_ext(m, SADB_X_EXT_SA2, sizeof(*e));
    if (e != NULL) {
        e->sadb_x_sa2_mode = mode_of(mode);
        e->sadb_x_sa2_reqid = reqid;
    }
}

static void put_lifetime(struct pfk_msg *m, uint16_t type, uint64_t bytes, uint64_t packets)
{
    struct sadb_lifetime *e = pfk_ext(m, type, sizeof(*e));
    if (e != NULL) {
        e->sadb_lifetime_bytes = bytes;
        e->sadb_lifetime_allocations = packets > UINT32_MAX ? UINT32_MAX : (uint32_t)packets;
    }
}

static void put_port(struct pfk_msg *m, uint16_t type, uint16_t port)
{
    struct sadb_x_nat_t_port *e = pfk_ext(m, type, sizeof(*e));
    if (e != NULL) {
        e->sadb_x_nat_t_port_port = htons(port);
    }
}

static void put_encap(struct pfk_msg *m, const ike_addr *from, const ike_addr *to)
{
    struct sadb_x_nat_t_type *e = pfk_ext(m, SADB_X_EXT_NAT_T_TYPE, sizeof(*e));
    if (e != NULL) {
        e->sadb_x_nat_t_type_type = ESP_IN_UDP;
    }
    put_port(m, SADB_X_EXT_NAT_T_SPORT, from->port);
    put_port(m, SADB_X_EXT_NAT_T_DPORT, to->port);
}

/* An SA has its own selector, which is of the outer family unless a proxy address is given: all of the inner family then. */
static void put_inner_family(struct pfk_msg *m, const ike_ipsec_sa *sa)
{
    ike_addr any = {.family = sa->n_local_ts > 0 ? sa->local_ts[0].family : sa->path.remote.family};
    if (sa->mode == IKE_MODE_TUNNEL && any.family != sa->path.remote.family) {
        pfk_address(m, SADB_EXT_ADDRESS_PROXY, &any, 0, 0);
    }
}

void pfkey_encode_sa(struct pfk_msg *m, uint8_t type, const ike_ipsec_sa *sa)
{
    const ike_addr *from = sa->inbound ? &sa->path.remote : &sa->path.local;
    const ike_addr *to = sa->inbound ? &sa->path.local : &sa->path.remote;
    uint32_t window = !sa->inbound ? 0 : sa->replay_window < PFKEY_REPLAY_MAX ? sa->replay_window : PFKEY_REPLAY_MAX;
    uint8_t encr = sa->protocol == IKE_PROTO_ESP      ? find_alg(1, sa->encr)->number
                   : sa->protocol == IKE_PROTO_IPCOMP ? SADB_X_CALG_DEFLATE
                                                      : SADB_EALG_NONE;
    pfk_begin(m, type, satype_of(sa->protocol));
    put_sa(m, sa->spi, (uint8_t)window, find_alg(3, sa->integ)->number, encr);
    put_lifetime(m, SADB_EXT_LIFETIME_HARD, sa->hard_bytes, sa->hard_packets); /* Linux wants both or none; 0: no limit */
    put_lifetime(m, SADB_EXT_LIFETIME_SOFT, sa->soft_bytes, sa->soft_packets);
    put_end(m, SADB_EXT_ADDRESS_SRC, from);
    put_end(m, SADB_EXT_ADDRESS_DST, to);
    put_inner_family(m, sa);
    if (sa->integ_key.len > 0) {
        pfk_key(m, SADB_EXT_KEY_AUTH, sa->integ_key);
    }
    if (sa->protocol == IKE_PROTO_ESP) {
        pfk_key(m, SADB_EXT_KEY_ENCRYPT, sa->encr_key); /* an empty one for NULL: Linux has no ESP without */
    }
    put_sa2(m, sa->mode, sa->reqid);
    if (sa->udp_encap) {
        put_encap(m, from, to);
    }
}

void pfkey_encode_sa_name(struct pfk_msg *m, uint8_t type, const struct xfrm_sa_name *name)
{
    ike_addr any = {.family = name->destination.family};
    pfk_begin(m, type, satype_of(name->protocol));
    put_sa(m, name->spi, 0, 0, 0);
    put_end(m, SADB_EXT_ADDRESS_SRC, &any);
    put_end(m, SADB_EXT_ADDRESS_DST, &name->destination);
}

void pfkey_encode_getspi(struct pfk_msg *m, const ike_path *path, uint8_t protocol, uint8_t mode, uint32_t reqid)
{
    pfk_begin(m, SADB_GETSPI, satype_of(protocol));
    put_end(m, SADB_EXT_ADDRESS_SRC, &path->remote);
    put_end(m, SADB_EXT_ADDRESS_DST, &path->local);
    put_sa2(m, mode, reqid);
    struct sadb_spirange *range = pfk_ext(m, SADB_EXT_SPIRANGE, sizeof(*range));
    if (range != NULL) {
        /* As by netlink; in host order, unlike SPIs elsewhere. */
        range->sadb_spirange_min = protocol == IKE_PROTO_IPCOMP ? 256 : 0xc0000000U; /* RFC 3173 section 3.3 */
        range->sadb_spirange_max = protocol == IKE_PROTO_IPCOMP ? 61439 : 0xcfffffffU;
    }
}

bool pfkey_read_sa(const struct pfk_view *v, uint32_t *spi, ike_addr *destination, uint8_t *protocol)
{
    struct sadb_sa sa;
    struct pfk_address to;
    if (!pfk_get(v, SADB_EXT_SA, &sa, sizeof(sa)) || !pfk_get_address(v, SADB_EXT_ADDRESS_DST, &to)) {
        return false;
    }
    *spi = ntohl(sa.sadb_sa_spi);
    *destination = to.addr;
    destination->port = 0;
    for (size_t i = 0; i < N_PROTOCOLS; i++) {
        if (protocols[i].satype == v->head.sadb_msg_satype) {
            *protocol = protocols[i].ip;
            return true;
        }
    }
    return false;
}

/* ---- Policies ------------------------------------------------------------------------------------------------------------- */

/* The same numbers as the kernel's own, from 1. */
static uint8_t dir_of(uint8_t dir) { return (uint8_t)(dir + 1); }

static bool whole_port(uint16_t port, uint16_t mask) { return mask == 0 || (mask == UINT16_MAX && port != 0); }

static void put_selector(struct pfk_msg *m, const struct xfrm_selector *sel)
{
    ike_addr from, to;
    xfrm_get_address(&from, &sel->saddr, sel->family);
    xfrm_get_address(&to, &sel->daddr, sel->family);
    from.port = ntohs(sel->sport);
    to.port = ntohs(sel->dport);
    pfk_address(m, SADB_EXT_ADDRESS_SRC, &from, sel->prefixlen_s, sel->proto);
    pfk_address(m, SADB_EXT_ADDRESS_DST, &to, sel->prefixlen_d, sel->proto);
}

/* Addresses go behind a request, from source to destination: of a tunnel, and of anything that moves. */
static size_t put_request(uint8_t *out, uint8_t dir, const struct spd_template *t, uint8_t protocol, bool tunnel, bool ends)
{
    struct sadb_x_ipsecrequest *r = (struct sadb_x_ipsecrequest *)(void *)out;
    size_t n = sizeof(*r);
    if (tunnel || ends) {
        n += pfk_sockaddr(dir == SPD_OUT ? &t->local : &t->remote, 0, out + n);
        n += pfk_sockaddr(dir == SPD_OUT ? &t->remote : &t->local, 0, out + n);
    }
    n = (n + 7) / 8 * 8;
    r->sadb_x_ipsecrequest_len = (uint16_t)n;
    r->sadb_x_ipsecrequest_proto = protocol;
    r->sadb_x_ipsecrequest_mode = tunnel ? IPSEC_MODE_TUNNEL : IPSEC_MODE_TRANSPORT;
    /* What does not become smaller is not compressed, so inbound packets may come without IPComp. */
    r->sadb_x_ipsecrequest_level = protocol == IPPROTO_COMP && dir != SPD_OUT ? IPSEC_LEVEL_USE : IPSEC_LEVEL_UNIQUE;
    r->sadb_x_ipsecrequest_reqid = t->reqid;
    return n;
}

#define REQUEST_MAX (sizeof(struct sadb_x_ipsecrequest) + 2 * 32)

/* One for each protocol, which find the outer header that the first has made. `to`: as they shall become, one behind each, or
 * NULL. out: zeros. */
static size_t put_requests(uint8_t *out, uint8_t dir, const struct spd_template *t, const struct spd_template *to)
{
    size_t n = 0;
    bool tunnel = t->mode == IKE_MODE_TUNNEL;
    for (size_t i = 0; i < N_PROTOCOLS; i++) {
        if (!(t->protocols & SPD_PROTOCOL(protocols[i].ike))) {
            continue;
        }
        n += put_request(out + n, dir, t, protocols[i].ip, tunnel, to != NULL);
        n += to != NULL ? put_request(out + n, dir, to, protocols[i].ip, tunnel, true) : 0;
        tunnel = false;
    }
    return n;
}

static void put_policy(struct pfk_msg *m, uint8_t dir, uint32_t priority, const uint8_t *requests, size_t n)
{
    struct sadb_x_policy *e = pfk_ext(m, SADB_X_EXT_POLICY, sizeof(*e) + n);
    if (e != NULL) {
        e->sadb_x_policy_type = IPSEC_POLICY_IPSEC;
        e->sadb_x_policy_dir = dir_of(dir);
        e->sadb_x_policy_priority = priority;
        if (n > 0) {
            memcpy(e + 1, requests, n);
        }
    }
}

bool pfkey_encode_policy(struct pfk_msg *m, uint8_t type, const struct spd_key *key, const struct spd_template *t)
{
    _Alignas(8) uint8_t requests[N_PROTOCOLS * REQUEST_MAX];
    struct xfrm_selector sel;
    memset(requests, 0, sizeof(requests));
    xfrm_selector(key, &sel);
    pfk_begin(m, type, SADB_SATYPE_UNSPEC);
    put_selector(m, &sel);
    put_policy(m, key->dir, xfrm_priority(key, t->trap), requests, put_requests(requests, key->dir, t, NULL));
    return whole_port(sel.sport, sel.sport_mask) && whole_port(sel.dport, sel.dport_mask);
}

void pfkey_encode_policy_name(struct pfk_msg *m, const struct xfrm_userpolicy_id *id)
{
    pfk_begin(m, SADB_X_SPDDELETE, SADB_SATYPE_UNSPEC);
    put_selector(m, &id->sel);
    put_policy(m, id->dir, 0, NULL, 0);
}

void pfkey_encode_policy_get(struct pfk_msg *m, uint32_t index, uint8_t dir)
{
    pfk_begin(m, SADB_X_SPDGET, SADB_SATYPE_UNSPEC);
    struct sadb_x_policy *e = pfk_ext(m, SADB_X_EXT_POLICY, sizeof(*e));
    if (e != NULL) {
        e->sadb_x_policy_dir = dir;
        e->sadb_x_policy_id = index;
    }
}

void pfkey_encode_migrate(struct pfk_msg *m, const struct spd_key *key, const struct spd_template *from,
                          const struct spd_template *to)
{
    _Alignas(8) uint8_t requests[2 * N_PROTOCOLS * REQUEST_MAX];
    struct xfrm_selector sel;
    memset(requests, 0, sizeof(requests));
    xfrm_selector(key, &sel);
    size_t n = put_requests(requests, key->dir, from, to);
    pfk_begin(m, SADB_X_MIGRATE, SADB_SATYPE_UNSPEC);
    put_selector(m, &sel);
    put_policy(m, key->dir, 0, requests, n);
}

bool pfkey_read_policy(const struct pfk_view *v, struct xfrm_userpolicy_id *out)
{
    struct sadb_x_policy policy;
    struct pfk_address from, to;
    memset(out, 0, sizeof(*out));
    if (!pfk_get(v, SADB_X_EXT_POLICY, &policy, sizeof(policy)) || !pfk_get_address(v, SADB_EXT_ADDRESS_SRC, &from) ||
        !pfk_get_address(v, SADB_EXT_ADDRESS_DST, &to) || policy.sadb_x_policy_dir < IPSEC_DIR_INBOUND) {
        return false;
    }
    out->dir = (uint8_t)(policy.sadb_x_policy_dir - 1);
    out->sel.family = from.addr.family == 6 ? AF_INET6 : AF_INET;
    xfrm_put_address(&out->sel.saddr, &from.addr);
    xfrm_put_address(&out->sel.daddr, &to.addr);
    out->sel.prefixlen_s = from.bits;
    out->sel.prefixlen_d = to.bits;
    out->sel.proto = from.proto;
    out->sel.sport = htons(from.addr.port);
    out->sel.dport = htons(to.addr.port);
    out->sel.sport_mask = from.addr.port != 0 ? UINT16_MAX : 0;
    out->sel.dport_mask = to.addr.port != 0 ? UINT16_MAX : 0;
    return from.addr.family == to.addr.family;
}

uint32_t pfkey_read_reqid(const struct pfk_view *v)
{
    struct {
        struct sadb_x_policy policy;
        struct sadb_x_ipsecrequest first;
    } e;
    return pfk_get(v, SADB_X_EXT_POLICY, &e, sizeof(e)) ? e.first.sadb_x_ipsecrequest_reqid : 0;
}
