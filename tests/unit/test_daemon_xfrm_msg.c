/* SPDX-License-Identifier: ISC
 *
 * daemon/app/xfrm_msg.c: what reaches the kernel, compared with the structs of <linux/xfrm.h> and the sizes they have there on
 * 64-bit machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "app/xfrm_msg.h"

static const uint8_t key36[36] = {1, 2, 3}, key32[32] = {9, 8, 7};

static ike_ipsec_sa make_sa(bool inbound)
{
    ike_ipsec_sa sa = {.size = sizeof(sa),
                       .inbound = inbound,
                       .protocol = IKE_PROTO_ESP,
                       .mode = IKE_MODE_TUNNEL,
                       .spi = 0xc1234567,
                       .reqid = 7,
                       .replay_window = 32,
                       .encr = 20,
                       .encr_bits = 256,
                       .encr_key = {key36, sizeof(key36)},
                       .hard_packets = 1000,
                       .soft_bytes = 5000};
    assert_int_equal(ike_addr_parse(&sa.path.local, "10.66.0.1:4500"), IKE_OK);
    assert_int_equal(ike_addr_parse(&sa.path.remote, "10.66.0.2:1024"), IKE_OK);
    return sa;
}

static void attrs_of(struct nl_msg *m, size_t body, const struct nlattr *tb[XFRMA_MAX + 1])
{
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)m->buf;
    assert_false(m->overflow);
    h->nlmsg_len = (uint32_t)m->len;
    nl_attrs(h, body, tb, XFRMA_MAX);
}

static void struct_sizes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct xfrm_selector), 56);
    assert_int_equal(sizeof(struct xfrm_userpolicy_id), 64);
    assert_int_equal(sizeof(struct xfrm_user_tmpl), 64);
    if (sizeof(void *) == 8) { /* 32-bit i386 packs 64-bit members otherwise */
        assert_int_equal(sizeof(struct xfrm_usersa_info), 224);
        assert_int_equal(sizeof(struct xfrm_userspi_info), 232);
        assert_int_equal(sizeof(struct xfrm_userpolicy_info), 168);
    }
}

static void aead_sa(void **state)
{
    (void)state;
    struct nl_msg m;
    const struct nlattr *tb[XFRMA_MAX + 1];
    ike_ipsec_sa sa = make_sa(false);
    assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_NEWSA, &sa), 0);
    const struct xfrm_usersa_info *info = nl_body(&m);
    assert_int_equal(((struct nlmsghdr *)(void *)m.buf)->nlmsg_type, XFRM_MSG_NEWSA);
    assert_int_equal(info->id.spi, htonl(0xc1234567));
    assert_int_equal(info->id.proto, 50);
    assert_int_equal(info->saddr.a4, htonl(0x0a420001));
    assert_int_equal(info->id.daddr.a4, htonl(0x0a420002));
    assert_int_equal(info->family, AF_INET);
    assert_int_equal(info->mode, XFRM_MODE_TUNNEL);
    assert_int_equal(info->reqid, 7);
    assert_int_equal(info->replay_window, 0); /* outbound */
    assert_int_equal(info->flags, XFRM_STATE_AF_UNSPEC);
    assert_true(info->lft.soft_byte_limit == 5000 && info->lft.hard_byte_limit == XFRM_INF);
    assert_true(info->lft.hard_packet_limit == 1000 && info->lft.soft_packet_limit == XFRM_INF);
    attrs_of(&m, sizeof(*info), tb);
    assert_null(tb[XFRMA_ENCAP]);
    assert_null(tb[XFRMA_ALG_CRYPT]);
    assert_null(tb[XFRMA_ALG_AUTH_TRUNC]);
    assert_int_equal(nl_len(tb[XFRMA_ALG_AEAD]), 72 + 36);
    const struct xfrm_algo_aead *aead = nl_data(tb[XFRMA_ALG_AEAD]);
    assert_string_equal(aead->alg_name, "rfc4106(gcm(aes))");
    assert_int_equal(aead->alg_key_len, 288); /* with the salt */
    assert_int_equal(aead->alg_icv_len, 128);
    assert_memory_equal(aead->alg_key, key36, sizeof(key36));
}

static void cbc_sa(void **state)
{
    (void)state;
    struct nl_msg m;
    const struct nlattr *tb[XFRMA_MAX + 1];
    ike_ipsec_sa sa = make_sa(true);
    sa.encr = 12;
    sa.encr_key = (ike_bytes){key32, 16};
    sa.integ = 12;
    sa.integ_key = (ike_bytes){key32, 32};
    sa.mode = IKE_MODE_TRANSPORT;
    assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_UPDSA, &sa), 0);
    const struct xfrm_usersa_info *info = nl_body(&m);
    assert_int_equal(info->mode, XFRM_MODE_TRANSPORT);
    assert_int_equal(info->replay_window, 32);
    assert_int_equal(info->flags, 0);
    assert_int_equal(info->id.daddr.a4, htonl(0x0a420001)); /* inbound ends here */
    attrs_of(&m, sizeof(*info), tb);
    assert_int_equal(nl_len(tb[XFRMA_ALG_CRYPT]), 68 + 16);
    assert_string_equal(((const struct xfrm_algo *)nl_data(tb[XFRMA_ALG_CRYPT]))->alg_name, "cbc(aes)");
    /* Not XFRMA_ALG_AUTH: that would truncate to 96 bits. */
    assert_null(tb[XFRMA_ALG_AUTH]);
    const struct xfrm_algo_auth *auth = nl_data(tb[XFRMA_ALG_AUTH_TRUNC]);
    assert_string_equal(auth->alg_name, "hmac(sha256)");
    assert_int_equal(auth->alg_key_len, 256);
    assert_int_equal(auth->alg_trunc_len, 128);
}

/* RFC 4302 section 3.3.3.2.1: words of 32 bits in IPv4, of 64 in IPv6. The kernel takes the latter for both unless it is told. */
static void ah_sa(void **state)
{
    (void)state;
    struct nl_msg m;
    const struct nlattr *tb[XFRMA_MAX + 1];
    ike_ipsec_sa sa = make_sa(true);
    sa.protocol = IKE_PROTO_AH;
    sa.encr = sa.encr_bits = 0;
    sa.encr_key = (ike_bytes){NULL, 0};
    sa.integ = 12;
    sa.integ_key = (ike_bytes){key32, 32};
    for (int v6 = 0; v6 < 2; v6++) {
        if (v6) {
            assert_int_equal(ike_addr_parse(&sa.path.local, "fd66::1"), IKE_OK);
            assert_int_equal(ike_addr_parse(&sa.path.remote, "fd66::2"), IKE_OK);
        }
        assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_UPDSA, &sa), 0);
        const struct xfrm_usersa_info *info = nl_body(&m);
        assert_int_equal(info->id.proto, 51);
        assert_int_equal(info->flags, XFRM_STATE_AF_UNSPEC | (v6 ? 0 : XFRM_STATE_ALIGN4));
        attrs_of(&m, sizeof(*info), tb);
        assert_null(tb[XFRMA_ALG_CRYPT]);
        assert_null(tb[XFRMA_ALG_AEAD]);
        assert_string_equal(((const struct xfrm_algo_auth *)nl_data(tb[XFRMA_ALG_AUTH_TRUNC]))->alg_name, "hmac(sha256)");
    }
}

/* The kernel's names (net/xfrm/xfrm_algo.c) and the truncation of what peers without AES have. */
static void old_algorithms(void **state)
{
    (void)state;
    static const struct {
        uint16_t encr, integ;
        size_t key_len;
        const char *name, *auth;
    } old[] = {{2, 1, 8, "cbc(des)", "hmac(md5)"},
               {3, 2, 24, "cbc(des3_ede)", "hmac(sha1)"},
               {6, 1, 16, "cbc(cast5)", "hmac(md5)"},
               {7, 2, 32, "cbc(blowfish)", "hmac(sha1)"}};
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        struct nl_msg m;
        const struct nlattr *tb[XFRMA_MAX + 1];
        ike_ipsec_sa sa = make_sa(true);
        sa.encr = old[i].encr;
        sa.encr_key = (ike_bytes){key32, old[i].key_len};
        sa.integ = old[i].integ;
        sa.integ_key = (ike_bytes){key32, 16};
        assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_UPDSA, &sa), 0);
        attrs_of(&m, sizeof(struct xfrm_usersa_info), tb);
        const struct xfrm_algo *crypt = nl_data(tb[XFRMA_ALG_CRYPT]);
        assert_string_equal(crypt->alg_name, old[i].name);
        assert_int_equal(crypt->alg_key_len, 8 * old[i].key_len);
        const struct xfrm_algo_auth *auth = nl_data(tb[XFRMA_ALG_AUTH_TRUNC]);
        assert_string_equal(auth->alg_name, old[i].auth);
        assert_int_equal(auth->alg_trunc_len, 96);
    }
}

static void unknown_algorithm(void **state)
{
    (void)state;
    struct nl_msg m;
    ike_ipsec_sa sa = make_sa(true);
    sa.encr = 9999;
    assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_NEWSA, &sa), -EPROTONOSUPPORT);
    assert_int_equal(m.len, 0); /* wiped */
    sa.encr = 12;               /* CBC without integrity is no ESP of ours */
    assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_NEWSA, &sa), -EPROTONOSUPPORT);
}

static void windows_and_esn(void **state)
{
    (void)state;
    static const struct {
        bool inbound, esn;
        uint32_t window, want_field, want_bmp, want_window;
    } rows[] = {
        {true, false, 32, 32, 0, 0}, {true, false, 0, 0, 0, 0},   {true, false, 64, 0, 2, 64},
        {true, false, 33, 0, 2, 33}, {true, true, 32, 0, 1, 32},  {true, true, 0, 0, 1, 1},
        {false, true, 64, 0, 1, 1},  {false, false, 64, 0, 0, 0}, {true, false, 100000, 0, 128, 4096},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nl_msg m;
        const struct nlattr *tb[XFRMA_MAX + 1];
        ike_ipsec_sa sa = make_sa(rows[i].inbound);
        sa.esn = rows[i].esn;
        sa.replay_window = rows[i].window;
        assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_NEWSA, &sa), 0);
        const struct xfrm_usersa_info *info = nl_body(&m);
        assert_int_equal(info->replay_window, rows[i].want_field);
        assert_int_equal((info->flags & XFRM_STATE_ESN) != 0, rows[i].esn);
        attrs_of(&m, sizeof(*info), tb);
        assert_int_equal(tb[XFRMA_REPLAY_ESN_VAL] != NULL, rows[i].want_bmp != 0);
        if (rows[i].want_bmp != 0) {
            const struct xfrm_replay_state_esn *esn = nl_data(tb[XFRMA_REPLAY_ESN_VAL]);
            assert_int_equal(esn->bmp_len, rows[i].want_bmp);
            assert_int_equal(esn->replay_window, rows[i].want_window);
            assert_int_equal(nl_len(tb[XFRMA_REPLAY_ESN_VAL]), 24 + 4 * rows[i].want_bmp);
        }
    }
}

static void encapsulation_and_marks(void **state)
{
    (void)state;
    for (int inbound = 0; inbound < 2; inbound++) {
        struct nl_msg m;
        const struct nlattr *tb[XFRMA_MAX + 1];
        ike_ipsec_sa sa = make_sa(inbound != 0);
        sa.udp_encap = true;
        sa.mark = 5;
        sa.if_id = 6;
        assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_NEWSA, &sa), 0);
        attrs_of(&m, sizeof(struct xfrm_usersa_info), tb);
        const struct xfrm_encap_tmpl *encap = nl_data(tb[XFRMA_ENCAP]);
        assert_int_equal(nl_len(tb[XFRMA_ENCAP]), 24);
        assert_int_equal(encap->encap_type, 2);
        /* The source port is that of this SA's own packets. */
        assert_int_equal(ntohs(encap->encap_sport), inbound ? 1024 : 4500);
        assert_int_equal(ntohs(encap->encap_dport), inbound ? 4500 : 1024);
        const struct xfrm_mark *mark = nl_data(tb[XFRMA_MARK]);
        assert_true(mark->v == 5 && mark->m == UINT32_MAX);
        assert_int_equal(*(const uint32_t *)nl_data(tb[XFRMA_IF_ID]), 6);
    }
}

static struct spd_key make_key(uint8_t dir, const char *local, const char *remote)
{
    struct spd_key key = {.dir = dir};
    ike_ts l, r;
    assert_int_equal(ike_ts_parse(&l, local), IKE_OK);
    assert_int_equal(ike_ts_parse(&r, remote), IKE_OK);
    assert_int_equal(flows_of_selectors(&l, 1, &r, 1, &key.flow, 1), 1);
    return key;
}

static void policies(void **state)
{
    (void)state;
    for (uint8_t dir = SPD_IN; dir <= SPD_FWD; dir++) {
        struct nl_msg m;
        const struct nlattr *tb[XFRMA_MAX + 1];
        struct spd_key key = make_key(dir, "10.1.0.0/24[tcp/80]", "10.2.0.0/16[tcp]");
        struct spd_template t = {.mode = IKE_MODE_TUNNEL, .protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = 3};
        assert_int_equal(ike_addr_parse(&t.local, "2001:db8::1"), IKE_OK); /* IPv4 in IPv6 */
        assert_int_equal(ike_addr_parse(&t.remote, "2001:db8::2"), IKE_OK);
        xfrm_encode_policy(&m, XFRM_MSG_NEWPOLICY, &key, &t);
        const struct xfrm_userpolicy_info *info = nl_body(&m);
        bool out = dir == SPD_OUT;
        assert_int_equal(info->dir, dir);
        assert_int_equal(info->sel.family, AF_INET);
        assert_int_equal(info->sel.proto, 6);
        assert_int_equal(info->sel.saddr.a4, htonl(out ? 0x0a010000 : 0x0a020000));
        assert_int_equal(info->sel.prefixlen_s, out ? 24 : 16);
        assert_int_equal(info->sel.prefixlen_d, out ? 16 : 24);
        assert_int_equal(ntohs(out ? info->sel.sport : info->sel.dport), 80);
        assert_int_equal(out ? info->sel.dport_mask : info->sel.sport_mask, 0);
        attrs_of(&m, sizeof(*info), tb);
        assert_int_equal(nl_len(tb[XFRMA_TMPL]), 64);
        const struct xfrm_user_tmpl *tmpl = nl_data(tb[XFRMA_TMPL]);
        assert_int_equal(tmpl->family, AF_INET6);
        assert_int_equal(tmpl->reqid, 3);
        assert_int_equal(tmpl->id.spi, 0);
        assert_int_equal(((const uint8_t *)&tmpl->saddr)[15], out ? 1 : 2);
        assert_int_equal(((const uint8_t *)&tmpl->id.daddr)[15], out ? 2 : 1);
        assert_int_equal(tmpl->aalgos, UINT32_MAX);
    }
}

static void transport_templates_name_no_addresses(void **state)
{
    (void)state;
    struct nl_msg m;
    const struct nlattr *tb[XFRMA_MAX + 1];
    struct spd_key key = make_key(SPD_OUT, "10.66.0.1", "10.66.0.2");
    struct spd_template t = {.mode = IKE_MODE_TRANSPORT, .protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = 3};
    assert_int_equal(ike_addr_parse(&t.remote, "10.66.0.2"), IKE_OK);
    xfrm_encode_policy(&m, XFRM_MSG_NEWPOLICY, &key, &t);
    attrs_of(&m, sizeof(struct xfrm_userpolicy_info), tb);
    const struct xfrm_user_tmpl *tmpl = nl_data(tb[XFRMA_TMPL]);
    assert_int_equal(tmpl->mode, XFRM_MODE_TRANSPORT);
    assert_int_equal(tmpl->id.daddr.a4, 0);
}

/* From the inside; one header for the tunnel, which the innermost puts there, and what is not compressed must get in as well. */
static void templates_of_a_bundle(void **state)
{
    (void)state;
    static const uint8_t order[] = {IPPROTO_COMP, IPPROTO_ESP, IPPROTO_AH};
    struct spd_template t = {.mode = IKE_MODE_TUNNEL, .reqid = 3};
    t.protocols = SPD_PROTOCOL(IKE_PROTO_ESP) | SPD_PROTOCOL(IKE_PROTO_AH) | SPD_PROTOCOL(IKE_PROTO_IPCOMP);
    assert_int_equal(ike_addr_parse(&t.local, "10.66.0.1"), IKE_OK);
    assert_int_equal(ike_addr_parse(&t.remote, "10.66.0.2"), IKE_OK);
    for (uint8_t dir = SPD_IN; dir <= SPD_FWD; dir++) {
        struct nl_msg m;
        const struct nlattr *tb[XFRMA_MAX + 1];
        struct spd_key key = make_key(dir, "10.1.0.0/24", "10.2.0.0/24");
        xfrm_encode_policy(&m, XFRM_MSG_NEWPOLICY, &key, &t);
        attrs_of(&m, sizeof(struct xfrm_userpolicy_info), tb);
        const struct xfrm_user_tmpl *tmpl = nl_data(tb[XFRMA_TMPL]);
        assert_int_equal(nl_len(tb[XFRMA_TMPL]), 3 * sizeof(*tmpl));
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(tmpl[i].id.proto, order[i]);
            assert_int_equal(tmpl[i].reqid, 3);
            assert_int_equal(tmpl[i].mode, i == 0 ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT);
            assert_int_equal(tmpl[i].optional, i == 0 && dir != SPD_OUT);
            assert_true((tmpl[i].id.daddr.a4 != 0) == (i == 0) && (tmpl[i].saddr.a4 != 0) == (i == 0));
        }
    }
}

static void ipcomp_sa(void **state)
{
    (void)state;
    struct nl_msg m;
    const struct nlattr *tb[XFRMA_MAX + 1];
    ike_ipsec_sa sa = make_sa(true);
    char text[96];
    sa.protocol = IKE_PROTO_IPCOMP;
    sa.spi = 0x1234;
    sa.encr = 0;
    sa.replay_window = 0;
    assert_int_equal(xfrm_encode_sa(&m, XFRM_MSG_UPDSA, &sa), 0);
    const struct xfrm_usersa_info *info = nl_body(&m);
    assert_int_equal(info->id.proto, 108);
    assert_int_equal(info->id.spi, htonl(0x1234)); /* the CPI in the low half */
    attrs_of(&m, sizeof(*info), tb);
    assert_string_equal(((const struct xfrm_algo *)nl_data(tb[XFRMA_ALG_COMP]))->alg_name, "deflate");
    assert_null(tb[XFRMA_ALG_AEAD]);
    struct xfrm_sa_name name = xfrm_name_of(&sa);
    xfrm_name_format(&name, text, sizeof(text));
    assert_string_equal(text, "IPComp 1234 to 10.66.0.1");
    xfrm_encode_allocspi(&m, &sa.path, IKE_PROTO_IPCOMP, 7);
    const struct xfrm_userspi_info *range = nl_body(&m);
    assert_true(range->min == 256 && range->max == 61439);
}

/* Type and code stand where ports do, the same way round in both directions. */
static void icmp_is_not_mirrored(void **state)
{
    (void)state;
    struct xfrm_selector in, out;
    struct spd_key key = make_key(SPD_OUT, "10.1.0.0/24[icmp/2048]", "10.2.0.0/24[icmp]"); /* echo request, code 0 */
    xfrm_selector(&key, &out);
    key.dir = SPD_IN;
    xfrm_selector(&key, &in);
    assert_int_equal(ntohs(out.sport), 8);
    assert_int_equal(ntohs(in.sport), 8);
    assert_int_equal(out.dport_mask, UINT16_MAX);
    assert_int_equal(in.dport, 0);
    assert_int_equal(in.saddr.a4, out.daddr.a4);
}

static void priorities(void **state)
{
    (void)state;
    /* Each row before the next. */
    static const char *const order[][2] = {{"10.1.0.1[tcp/80]", "10.2.0.1[tcp/1024]"},
                                           {"10.1.0.1[tcp/80]", "10.2.0.1[tcp]"},
                                           {"10.1.0.1[tcp]", "10.2.0.1[tcp]"},
                                           {"10.1.0.1", "10.2.0.1"},
                                           {"10.1.0.0/24[tcp/80]", "10.2.0.1[tcp]"},
                                           {"10.1.0.0/24", "10.2.0.0/24"},
                                           {"10.1.0.0/16", "10.2.0.0/24"},
                                           {"0.0.0.0/0", "10.2.0.0/24"},
                                           {"0.0.0.0/0", "0.0.0.0/0"}};
    uint32_t last = 0;
    for (int trap = 0; trap < 2; trap++) {
        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
            struct spd_key key = make_key(SPD_OUT, order[i][0], order[i][1]);
            uint32_t priority = xfrm_priority(&key, trap != 0);
            assert_true(priority > last);
            last = priority;
        }
    }
    struct spd_key narrow6 = make_key(SPD_OUT, "2001:db8::1[tcp/80]", "2001:db8::2[tcp/80]"),
                   wide6 = make_key(SPD_OUT, "::/0", "::/0");
    assert_true(xfrm_priority(&narrow6, true) > xfrm_priority(&wide6, false));
    assert_true(xfrm_priority(&narrow6, false) > 0 && xfrm_priority(&narrow6, false) < 100000);
}

static void packet_to_selectors(void **state)
{
    (void)state;
    struct xfrm_selector s = {.family = AF_INET, .proto = 17, .saddr.a4 = htonl(0x0a010005), .daddr.a4 = htonl(0x0a020006)};
    s.sport = htons(5000);
    s.sport_mask = UINT16_MAX;
    ike_ts local, remote;
    char text[80];
    xfrm_selector_to_ts(&s, &local, &remote);
    ike_ts_format(&local, text, sizeof(text));
    assert_string_equal(text, "10.1.0.5/32[udp/5000]");
    assert_true(remote.port_lo == 0 && remote.port_hi == UINT16_MAX);
    s = (struct xfrm_selector){.family = AF_INET, .proto = 1, .sport = htons(8), .dport = 0};
    xfrm_selector_to_ts(&s, &local, &remote);
    assert_true(local.port_lo == 2048 && remote.port_hi == 2048);
}

static void spi_range_in_host_order(void **state)
{
    (void)state;
    struct nl_msg m;
    ike_ipsec_sa sa = make_sa(true);
    xfrm_encode_allocspi(&m, &sa.path, IKE_PROTO_ESP, 7);
    const struct xfrm_userspi_info *body = nl_body(&m);
    assert_true(body->min == 0xc0000000U && body->max == 0xcfffffffU);
    assert_int_equal(body->info.id.daddr.a4, htonl(0x0a420001));
    assert_int_equal(body->info.id.proto, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(struct_sizes),
        cmocka_unit_test(aead_sa),
        cmocka_unit_test(cbc_sa),
        cmocka_unit_test(ah_sa),
        cmocka_unit_test(ipcomp_sa),
        cmocka_unit_test(templates_of_a_bundle),
        cmocka_unit_test(old_algorithms),
        cmocka_unit_test(unknown_algorithm),
        cmocka_unit_test(windows_and_esn),
        cmocka_unit_test(encapsulation_and_marks),
        cmocka_unit_test(policies),
        cmocka_unit_test(transport_templates_name_no_addresses),
        cmocka_unit_test(icmp_is_not_mirrored),
        cmocka_unit_test(priorities),
        cmocka_unit_test(packet_to_selectors),
        cmocka_unit_test(spi_range_in_host_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
