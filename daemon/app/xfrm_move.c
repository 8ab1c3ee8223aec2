/* SPDX-License-Identifier: ISC
 *
 * xfrm_move.c - an SA in the kernel gets another path. The kernel's own copy is read back, changed and written again, so
 * that replay windows, sequence numbers and counters go on where they were (AEAD nonces come from the sequence number: it must
 * never start again under the same key).
 */
#include "app/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct copy {
    bool found;
    struct xfrm_usersa_info info;
    size_t len; /* of the attributes */
    _Alignas(8) uint8_t attrs[4096];
};

static int take_copy(void *arg, const struct nlmsghdr *h)
{
    struct copy *c = arg;
    size_t fixed = NLMSG_LENGTH(sizeof(c->info));
    if (h->nlmsg_type != XFRM_MSG_NEWSA || h->nlmsg_len < fixed || h->nlmsg_len - fixed > sizeof(c->attrs)) {
        return -EPROTO;
    }
    memcpy(&c->info, NLMSG_DATA(h), sizeof(c->info));
    c->len = h->nlmsg_len - fixed;
    memcpy(c->attrs, (const uint8_t *)h + fixed, c->len);
    c->found = true;
    return 0;
}

/* What a new SA may bring; the rest of an answer to GETSA is for reading only. */
static bool is_kept(uint16_t type)
{
    static const uint16_t kept[] = {XFRMA_ALG_AUTH,     XFRMA_ALG_CRYPT,      XFRMA_ALG_AEAD,       XFRMA_ALG_AUTH_TRUNC,
                                    XFRMA_ALG_COMP,     XFRMA_REPLAY_VAL,     XFRMA_REPLAY_ESN_VAL, XFRMA_MARK,
                                    XFRMA_IF_ID,        XFRMA_SA_EXTRA_FLAGS, XFRMA_TFCPAD,         XFRMA_SET_MARK,
                                    XFRMA_SET_MARK_MASK};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (type == kept[i]) {
            return true;
        }
    }
    return false;
}

/* The copy is a moment old and the SA went on sending meanwhile: leave a gap in the sequence numbers that no machine fills in
 * that moment. Receivers do not mind gaps; a number used twice they would. */
#define SEQUENCE_GAP 65536U

static void skip_sequence(struct copy *c)
{
    for (size_t at = 0; at + NL_ATTR_HEADER <= c->len;) {
        struct nlattr a;
        memcpy(&a, c->attrs + at, sizeof(a));
        uint8_t *data = c->attrs + at + NL_ATTR_HEADER;
        if (a.nla_len < NL_ATTR_HEADER || a.nla_len > c->len - at) {
            return;
        }
        size_t n = a.nla_len - NL_ATTR_HEADER;
        if (a.nla_type == XFRMA_REPLAY_VAL && n >= sizeof(struct xfrm_replay_state)) {
            struct xfrm_replay_state state;
            memcpy(&state, data, sizeof(state));
            state.oseq = state.oseq > UINT32_MAX - SEQUENCE_GAP ? UINT32_MAX : state.oseq + SEQUENCE_GAP;
            memcpy(data, &state, sizeof(state));
        } else if (a.nla_type == XFRMA_REPLAY_ESN_VAL && n >= sizeof(struct xfrm_replay_state_esn)) {
            struct xfrm_replay_state_esn state;
            memcpy(&state, data, sizeof(state));
            uint64_t seq = ((uint64_t)state.oseq_hi << 32 | state.oseq) + SEQUENCE_GAP;
            state.oseq = (uint32_t)seq;
            state.oseq_hi = (uint32_t)(seq >> 32);
            memcpy(data, &state, sizeof(state));
        }
        at += NL_ALIGN(a.nla_len);
    }
}

/* ALG_AUTH comes along with ALG_AUTH_TRUNC for old readers; written back it would win, with the wrong truncation. */
static void copy_attrs(struct nl_msg *m, const struct copy *c)
{
    bool trunc = false;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 0; at + NL_ATTR_HEADER <= c->len;) {
            struct nlattr a;
            memcpy(&a, c->attrs + at, sizeof(a));
            if (a.nla_len < NL_ATTR_HEADER || a.nla_len > c->len - at) {
                return;
            }
            trunc = trunc || a.nla_type == XFRMA_ALG_AUTH_TRUNC;
            if (pass == 1 && is_kept(a.nla_type) && !(a.nla_type == XFRMA_ALG_AUTH && trunc)) {
                nl_attr(m, a.nla_type, c->attrs + at + NL_ATTR_HEADER, a.nla_len - NL_ATTR_HEADER);
            }
            at += NL_ALIGN(a.nla_len);
        }
    }
}

static void put_path(struct nl_msg *m, struct xfrm_usersa_info *info, const ike_ipsec_sa *sa)
{
    const ike_addr *from = sa->inbound ? &sa->path.remote : &sa->path.local;
    const ike_addr *to = sa->inbound ? &sa->path.local : &sa->path.remote;
    xfrm_put_address(&info->saddr, from);
    xfrm_put_address(&info->id.daddr, to);
    info->family = sa->path.remote.family == 6 ? AF_INET6 : AF_INET;
    if (sa->udp_encap) {
        struct xfrm_encap_tmpl encap = {.encap_type = 2, .encap_sport = htons(from->port), .encap_dport = htons(to->port)};
        nl_attr(m, XFRMA_ENCAP, &encap, sizeof(encap));
    }
}

static void put_counters(struct nl_msg *m, const struct copy *c)
{
    nl_attr(m, XFRMA_LTIME_VAL, &c->info.curlft, sizeof(c->info.curlft));
}

/* Ports alone can be changed in place. A changed address changes the key the kernel finds the SA by: out and in again. */
static int rewrite(struct xfrm_app *x, const struct xfrm_sa_name *name, const ike_ipsec_sa *sa, struct copy *c)
{
    struct nl_msg m;
    struct xfrm_usersa_info before = c->info;
    nl_begin(&m, XFRM_MSG_UPDSA, 0, &c->info, sizeof(c->info));
    struct xfrm_usersa_info *info = nl_body(&m);
    put_path(&m, info, sa);
    bool same = info->family == before.family && memcmp(&info->saddr, &before.saddr, sizeof(before.saddr)) == 0 &&
                memcmp(&info->id.daddr, &before.id.daddr, sizeof(before.id.daddr)) == 0;
    bool had_encap = false;
    for (size_t at = 0; at + NL_ATTR_HEADER <= c->len;) {
        struct nlattr a;
        memcpy(&a, c->attrs + at, sizeof(a));
        had_encap = had_encap || a.nla_type == XFRMA_ENCAP;
        at += a.nla_len < NL_ATTR_HEADER ? c->len : NL_ALIGN(a.nla_len);
    }
    bool in_place = same && had_encap == sa->udp_encap;
    if (!in_place && !sa->inbound) {
        skip_sequence(c);
    }
    copy_attrs(&m, c);
    if (in_place) {
        return nl_call(&x->nl, &m, NULL, NULL);
    }
    struct nl_msg del;
    xfrm_encode_sa_name(&del, XFRM_MSG_DELSA, name);
    int error = nl_call(&x->nl, &del, NULL, NULL);
    if (error != 0 && error != -ESRCH) {
        nl_wipe(&m);
        return error;
    }
    put_counters(&m, c);
    ((struct nlmsghdr *)(void *)m.buf)->nlmsg_type = XFRM_MSG_NEWSA;
    return nl_call(&x->nl, &m, NULL, NULL);
}

int xfrm_move_sa(struct xfrm_app *x, const struct xfrm_sa *s, const ike_ipsec_sa *sa)
{
    struct copy c = {.found = false};
    struct nl_msg m;
    xfrm_encode_sa_name(&m, XFRM_MSG_GETSA, &s->name);
    int error = nl_call(&x->nl, &m, take_copy, &c);
    if (error == 0) {
        error = c.found ? rewrite(x, &s->name, sa, &c) : -ESRCH;
    }
    explicit_bzero(&c, sizeof(c));
    return error;
}
