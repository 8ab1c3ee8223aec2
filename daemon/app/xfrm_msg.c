/* SPDX-License-Identifier: ISC
 *
 * xfrm_msg.c - our SAs and policies as XFRM messages.
 */
#include "app/xfrm_msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Algorithms ----------------------------------------------------------------------------------------------------------- */

/* Transform id -> kernel name. bits: of the ICV. HMAC-SHA-256 must go as AUTH_TRUNC: XFRMA_ALG_AUTH would cut it to the 96
 * bits of a draft; for the others both say the same. */
struct kernel_alg {
    uint8_t type; /* IKEv2 transform type: 1 encryption, 3 integrity */
    uint16_t id;
    uint16_t attr;
    const char *name;
    uint16_t bits;
};

static const struct kernel_alg algorithms[] = {
    {1, 2, XFRMA_ALG_CRYPT, "cbc(des)", 0},
    {1, 3, XFRMA_ALG_CRYPT, "cbc(des3_ede)", 0},
    {1, 6, XFRMA_ALG_CRYPT, "cbc(cast5)", 0},
    {1, 7, XFRMA_ALG_CRYPT, "cbc(blowfish)", 0},
    {1, 11, XFRMA_ALG_CRYPT, "ecb(cipher_null)", 0},
    {1, 12, XFRMA_ALG_CRYPT, "cbc(aes)", 0},
    {1, 13, XFRMA_ALG_CRYPT, "rfc3686(ctr(aes))", 0},
    {1, 14, XFRMA_ALG_AEAD, "rfc4309(ccm(aes))", 64},
    {1, 15, XFRMA_ALG_AEAD, "rfc4309(ccm(aes))", 96},
    {1, 16, XFRMA_ALG_AEAD, "rfc4309(ccm(aes))", 128},
    {1, 18, XFRMA_ALG_AEAD, "rfc4106(gcm(aes))", 64},
    {1, 19, XFRMA_ALG_AEAD, "rfc4106(gcm(aes))", 96},
    {1, 20, XFRMA_ALG_AEAD, "rfc4106(gcm(aes))", 128},
    {1, 21, XFRMA_ALG_AEAD, "rfc4543(gcm(aes))", 128},
    {1, 23, XFRMA_ALG_CRYPT, "cbc(camellia)", 0},
    {1, 28, XFRMA_ALG_AEAD, "rfc7539esp(chacha20,poly1305)", 128},
    {3, 1, XFRMA_ALG_AUTH_TRUNC, "hmac(md5)", 96},
    {3, 2, XFRMA_ALG_AUTH_TRUNC, "hmac(sha1)", 96},
    {3, 5, XFRMA_ALG_AUTH_TRUNC, "xcbc(aes)", 96},
    {3, 8, XFRMA_ALG_AUTH_TRUNC, "cmac(aes)", 96},
    {3, 12, XFRMA_ALG_AUTH_TRUNC, "hmac(sha256)", 128},
    {3, 13, XFRMA_ALG_AUTH_TRUNC, "hmac(sha384)", 192},
    {3, 14, XFRMA_ALG_AUTH_TRUNC, "hmac(sha512)", 256},
};

static const struct kernel_alg *find_alg(uint8_t type, uint16_t id)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (algorithms[i].type == type && algorithms[i].id == id) {
            return &algorithms[i];
        }
    }
    return NULL;
}

#define ALG_KEY_MAX 256

/* xfrm_algo, xfrm_algo_auth and xfrm_algo_aead: name, key length in bits, for two of them the ICV's, then the key. */
static void put_alg(struct nl_msg *m, const struct kernel_alg *alg, ike_bytes key)
{
    union {
        struct xfrm_algo plain;
        struct xfrm_algo_auth with_icv; /* the same layout as xfrm_algo_aead */
        uint8_t bytes[sizeof(struct xfrm_algo_auth) + ALG_KEY_MAX];
    } u;
    memset(&u, 0, sizeof(u));
    bool plain = alg->attr == XFRMA_ALG_CRYPT || alg->attr == XFRMA_ALG_COMP;
    size_t header = plain ? sizeof(u.plain) : sizeof(u.with_icv);
    if (key.len > ALG_KEY_MAX) {
        m->overflow = true;
        return;
    }
    snprintf(u.with_icv.alg_name, sizeof(u.with_icv.alg_name), "%s", alg->name);
    u.with_icv.alg_key_len = (unsigned)(8 * key.len);
    if (!plain) {
        u.with_icv.alg_trunc_len = alg->bits;
    }
    if (key.len > 0) {
        memcpy(u.bytes + header, key.ptr, key.len);
    }
    nl_attr(m, alg->attr, u.bytes, header + key.len);
    explicit_bzero(&u, sizeof(u));
}

static int put_algorithms(struct nl_msg *m, const ike_ipsec_sa *sa)
{
    static const struct kernel_alg deflate = {.attr = XFRMA_ALG_COMP, .name = "deflate"};
    const struct kernel_alg *encr = find_alg(1, sa->encr), *integ = find_alg(3, sa->integ);
    if (sa->protocol == IKE_PROTO_IPCOMP) {
        put_alg(m, &deflate, (ike_bytes){NULL, 0});
        return 0;
    }
    if (sa->protocol == IKE_PROTO_ESP) {
        if (encr == NULL) {
            return -EPROTONOSUPPORT;
        }
        put_alg(m, encr, sa->encr_key);
        if (encr->attr == XFRMA_ALG_AEAD) {
            return 0;
        }
    }
    if (integ == NULL) {
        return -EPROTONOSUPPORT;
    }
    put_alg(m, integ, sa->integ_key);
    return 0;
}

/* ---- Addresses ------------------------------------------------------------------------------------------------------------ */

uint8_t xfrm_protocol(uint8_t ike_protocol)
{
    return ike_protocol == IKE_PROTO_AH ? IPPROTO_AH : ike_protocol == IKE_PROTO_IPCOMP ? IPPROTO_COMP : IPPROTO_ESP;
}

static uint16_t af_of(uint8_t family) { return family == 6 ? AF_INET6 : AF_INET; }

void xfrm_put_address(xfrm_address_t *out, const ike_addr *a)
{
    memset(out, 0, sizeof(*out));
    memcpy(out, a->ip, a->family == 6 ? 16 : 4);
}

void xfrm_get_address(ike_addr *out, const xfrm_address_t *a, uint16_t family)
{
    *out = (ike_addr){.family = family == AF_INET6 ? 6 : 4};
    memcpy(out->ip, a, out->family == 6 ? 16 : 4);
}

struct xfrm_sa_name xfrm_name_of(const ike_ipsec_sa *sa)
{
    return (struct xfrm_sa_name){.destination = sa->inbound ? sa->path.local : sa->path.remote,
                                 .protocol = sa->protocol,
                                 .spi = sa->spi,
                                 .mark = sa->mark,
                                 .if_id = sa->if_id};
}

void xfrm_name_format(const struct xfrm_sa_name *name, char *out, size_t n)
{
    char ip[64];
    ike_addr_format(&name->destination, false, ip, sizeof(ip));
    if (name->protocol == IKE_PROTO_IPCOMP) {
        snprintf(out, n, "IPComp %04x to %s", name->spi, ip);
    } else {
        snprintf(out, n, "%s %08x to %s", name->protocol == IKE_PROTO_AH ? "AH" : "ESP", name->spi, ip);
    }
}

static void put_mark(struct nl_msg *m, uint32_t mark, uint32_t if_id)
{
    if (mark != 0) {
        struct xfrm_mark value = {.v = mark, .m = UINT32_MAX};
        nl_attr(m, XFRMA_MARK, &value, sizeof(value));
    }
    if (if_id != 0) {
        nl_attr_u32(m, XFRMA_IF_ID, if_id);
    }
}

/* ---- SAs ------------------------------------------------------------------------------------------------------------------ */

static uint64_t limit(uint64_t value) { return value != 0 ? value : XFRM_INF; }

static void fill_lifetime(struct xfrm_lifetime_cfg *lft)
{
    lft->soft_byte_limit = lft->hard_byte_limit = lft->soft_packet_limit = lft->hard_packet_limit = XFRM_INF;
}

static void fill_info(struct xfrm_usersa_info *info, const ike_ipsec_sa *sa)
{
    const ike_addr *from = sa->inbound ? &sa->path.remote : &sa->path.local;
    const ike_addr *to = sa->inbound ? &sa->path.local : &sa->path.remote;
    xfrm_put_address(&info->saddr, from);
    xfrm_put_address(&info->id.daddr, to);
    info->id.spi = htonl(sa->spi);
    info->id.proto = xfrm_protocol(sa->protocol);
    info->family = af_of(sa->path.remote.family);
    info->mode = sa->mode == IKE_MODE_TRANSPORT ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
    info->reqid = sa->reqid;
    info->lft.soft_byte_limit = limit(sa->soft_bytes);
    info->lft.hard_byte_limit = limit(sa->hard_bytes);
    info->lft.soft_packet_limit = limit(sa->soft_packets);
    info->lft.hard_packet_limit = limit(sa->hard_packets);
    if (sa->mode == IKE_MODE_TUNNEL) {
        info->flags |= XFRM_STATE_AF_UNSPEC; /* IPv4 in IPv6 and the reverse */
    }
    if (sa->protocol == IKE_PROTO_AH && info->family == AF_INET) {
        info->flags |= XFRM_STATE_ALIGN4; /* RFC 4302 section 3.3.3.2.1: the header of IPv4 is in words of 32 bits */
    }
}

/* Window and ESN. An outbound SA has no window, but kernels before 6.10 refuse ESN without one. */
static void put_replay(struct nl_msg *m, struct xfrm_usersa_info *info, const ike_ipsec_sa *sa)
{
    uint32_t window = sa->inbound ? sa->replay_window : 0;
    if (sa->esn && window == 0) {
        window = 1;
    }
    window = window > XFRMA_REPLAY_ESN_MAX ? XFRMA_REPLAY_ESN_MAX : window;
    if (!sa->esn && window <= 32) {
        info->replay_window = (uint8_t)window;
        return;
    }
    union {
        struct xfrm_replay_state_esn esn;
        uint8_t bytes[sizeof(struct xfrm_replay_state_esn) + XFRMA_REPLAY_ESN_MAX / 8];
    } u;
    memset(&u, 0, sizeof(u));
    u.esn.bmp_len = (window + 31) / 32;
    u.esn.replay_window = window;
    nl_attr(m, XFRMA_REPLAY_ESN_VAL, u.bytes, sizeof(u.esn) + 4 * u.esn.bmp_len);
    if (sa->esn) {
        info->flags |= XFRM_STATE_ESN;
    }
}

static void put_encap(struct nl_msg *m, const ike_ipsec_sa *sa)
{
    if (sa->udp_encap) {
        const ike_addr *from = sa->inbound ? &sa->path.remote : &sa->path.local;
        const ike_addr *to = sa->inbound ? &sa->path.local : &sa->path.remote;
        struct xfrm_encap_tmpl encap = {.encap_type = 2, .encap_sport = htons(from->port), .encap_dport = htons(to->port)};
        nl_attr(m, XFRMA_ENCAP, &encap, sizeof(encap));
    }
}

int xfrm_encode_sa(struct nl_msg *m, uint16_t type, const ike_ipsec_sa *sa)
{
    struct xfrm_usersa_info info = {0};
    fill_info(&info, sa);
    nl_begin(m, type, 0, &info, sizeof(info));
    put_replay(m, nl_body(m), sa);
    put_mark(m, sa->mark, sa->if_id);
    put_encap(m, sa);
    int error = put_algorithms(m, sa);
    if (error != 0) {
        nl_wipe(m);
    }
    return error;
}

void xfrm_encode_sa_name(struct nl_msg *m, uint16_t type, const struct xfrm_sa_name *name)
{
    struct xfrm_usersa_id id = {
        .spi = htonl(name->spi), .family = af_of(name->destination.family), .proto = xfrm_protocol(name->protocol)};
    xfrm_put_address(&id.daddr, &name->destination);
    nl_begin(m, type, 0, &id, sizeof(id));
    put_mark(m, name->mark, name->if_id);
}

void xfrm_encode_allocspi(struct nl_msg *m, const ike_path *path, uint8_t protocol, uint32_t reqid)
{
    /* The low half of the space is left to whoever types SPIs by hand. The range is in host order, unlike SPIs elsewhere. */
    struct xfrm_userspi_info body = {.min = 0xc0000000U, .max = 0xcfffffffU};
    if (protocol == IKE_PROTO_IPCOMP) {
        body.min = 256; /* RFC 3173 section 3.3 */
        body.max = 61439;
    }
    xfrm_put_address(&body.info.saddr, &path->remote);
    xfrm_put_address(&body.info.id.daddr, &path->local);
    body.info.id.proto = xfrm_protocol(protocol);
    body.info.family = af_of(path->remote.family);
    body.info.mode = XFRM_MODE_TUNNEL;
    body.info.reqid = reqid;
    nl_begin(m, XFRM_MSG_ALLOCSPI, 0, &body, sizeof(body));
}

/* ---- Policies ------------------------------------------------------------------------------------------------------------- */

static void put_network(const struct prefix *p, xfrm_address_t *address, uint8_t *bits)
{
    memset(address, 0, sizeof(*address));
    memcpy(address, p->ip, p->family == 6 ? 16 : 4);
    *bits = p->bits;
}

void xfrm_selector(const struct spd_key *key, struct xfrm_selector *out)
{
    const struct flow *f = &key->flow;
    bool icmp = f->proto == IPPROTO_ICMP || f->proto == IPPROTO_ICMPV6;
    memset(out, 0, sizeof(*out)); /* padding too: selectors are compared as octets */
    out->family = af_of(f->local.family);
    out->proto = f->proto;
    if (key->dir == SPD_OUT) {
        put_network(&f->local, &out->saddr, &out->prefixlen_s);
        put_network(&f->remote, &out->daddr, &out->prefixlen_d);
    } else {
        put_network(&f->remote, &out->saddr, &out->prefixlen_s);
        put_network(&f->local, &out->daddr, &out->prefixlen_d);
    }
    const struct port_mask *source = key->dir == SPD_OUT || icmp ? &f->local_port : &f->remote_port;
    const struct port_mask *destination = key->dir == SPD_OUT || icmp ? &f->remote_port : &f->local_port;
    out->sport = htons(source->port);
    out->sport_mask = htons(source->mask);
    out->dport = htons(destination->port);
    out->dport_mask = htons(destination->mask);
}

static uint32_t mask_bits(const struct port_mask *p)
{
    uint32_t n = 0;
    for (uint16_t mask = p->mask; mask != 0; mask = (uint16_t)(mask << 1)) {
        n++;
    }
    return n;
}

/* Lower wins: narrow before wide, and every policy with an SA before every trap. A protocol is worth more than all bits of
 * the ports, a bit of an address more than both. */
uint32_t xfrm_priority(const struct spd_key *key, bool trap)
{
    const struct flow *f = &key->flow;
    uint32_t priority = trap ? 400000 : 200000;
    priority -= 512U * (uint32_t)(f->local.bits + f->remote.bits);
    priority -= f->proto != 0 ? 256 : 0;
    return priority - 4 * (mask_bits(&f->local_port) + mask_bits(&f->remote_port));
}

/* In the order in which they are put around a packet. What does not become smaller is not compressed, so inbound packets may come
 * without IPComp. */
static void put_templates(struct nl_msg *m, const struct spd_key *key, const struct spd_template *t)
{
    static const uint8_t order[] = {IKE_PROTO_IPCOMP, IKE_PROTO_ESP, IKE_PROTO_AH};
    struct xfrm_user_tmpl all[sizeof(order)];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(order); i++) {
        if (!(t->protocols & SPD_PROTOCOL(order[i]))) {
            continue;
        }
        bool tunnel = t->mode == IKE_MODE_TUNNEL && n == 0; /* those around it find the outer header there */
        struct xfrm_user_tmpl *tmpl = &all[n++];
        *tmpl = (struct xfrm_user_tmpl){.family = af_of(t->remote.family),
                                        .reqid = t->reqid,
                                        .mode = tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT,
                                        .optional = order[i] == IKE_PROTO_IPCOMP && key->dir != SPD_OUT,
                                        .aalgos = UINT32_MAX,
                                        .ealgos = UINT32_MAX,
                                        .calgos = UINT32_MAX};
        tmpl->id.proto = xfrm_protocol(order[i]);
        if (tunnel) {
            xfrm_put_address(&tmpl->saddr, key->dir == SPD_OUT ? &t->local : &t->remote);
            xfrm_put_address(&tmpl->id.daddr, key->dir == SPD_OUT ? &t->remote : &t->local);
        }
    }
    nl_attr(m, XFRMA_TMPL, all, n * sizeof(all[0]));
}

void xfrm_encode_policy(struct nl_msg *m, uint16_t type, const struct spd_key *key, const struct spd_template *t)
{
    struct xfrm_userpolicy_info info = {.priority = xfrm_priority(key, t->trap), .dir = key->dir, .action = XFRM_POLICY_ALLOW};
    xfrm_selector(key, &info.sel);
    fill_lifetime(&info.lft);
    nl_begin(m, type, 0, &info, sizeof(info));
    put_templates(m, key, t);
    put_mark(m, key->mark, key->if_id);
}

void xfrm_policy_id(const struct spd_key *key, struct xfrm_userpolicy_id *out)
{
    memset(out, 0, sizeof(*out));
    out->dir = key->dir;
    xfrm_selector(key, &out->sel);
}

void xfrm_encode_policy_name(struct nl_msg *m, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    nl_begin(m, XFRM_MSG_DELPOLICY, 0, id, sizeof(*id));
    put_mark(m, mark, if_id);
}

void spd_key_format(const struct spd_key *key, char *out, size_t n)
{
    static const char *const names[] = {"in", "out", "fwd"};
    char local[64], remote[64];
    prefix_format(&key->flow.local, local, sizeof(local));
    prefix_format(&key->flow.remote, remote, sizeof(remote));
    bool outgoing = key->dir == SPD_OUT;
    snprintf(out, n, "%s %s -> %s", names[key->dir], outgoing ? local : remote, outgoing ? remote : local);
}

/* ---- A packet's selector -------------------------------------------------------------------------------------------------- */

static void one_address(ike_ts *ts, const xfrm_address_t *a, const struct xfrm_selector *s)
{
    *ts = (ike_ts){.family = s->family == AF_INET6 ? 6 : 4, .proto = s->proto, .port_hi = UINT16_MAX};
    memcpy(ts->lo, a, ts->family == 6 ? 16 : 4);
    memcpy(ts->hi, a, ts->family == 6 ? 16 : 4);
}

void xfrm_selector_to_ts(const struct xfrm_selector *s, ike_ts *local, ike_ts *remote)
{
    one_address(local, &s->saddr, s);
    one_address(remote, &s->daddr, s);
    if (s->proto == IPPROTO_ICMP || s->proto == IPPROTO_ICMPV6) {
        /* The kernel puts type and code where ports are. */
        uint16_t value = (uint16_t)((ntohs(s->sport) & 0xff) << 8 | (ntohs(s->dport) & 0xff));
        local->port_lo = local->port_hi = remote->port_lo = remote->port_hi = value;
        return;
    }
    if (s->sport_mask != 0) {
        local->port_lo = local->port_hi = ntohs(s->sport);
    }
    if (s->dport_mask != 0) {
        remote->port_lo = remote->port_hi = ntohs(s->dport);
    }
}
