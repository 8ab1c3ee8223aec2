/* SPDX-License-Identifier: ISC
 *
 * daemon/app/pfkey_msg.c and daemon/sysdep/pfk.c: what reaches the kernel, octet for octet as RFC 2367 section 2 and the headers
 * of Linux draw it, and what is made of answers whose lengths lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/pfkey_msg.h"
#include "sysdep/ksock.h"

static const uint8_t key16[16] = {1, 2, 3}, key20[20] = {9, 8, 7}, key48[48] = {5};

static ike_ipsec_sa make_sa(bool inbound)
{
    ike_ipsec_sa sa = {.size = sizeof(sa),
                       .inbound = inbound,
                       .protocol = IKE_PROTO_ESP,
                       .mode = IKE_MODE_TUNNEL,
                       .spi = 0xc1234567,
                       .reqid = 7,
                       .replay_window = 128,
                       .encr = 12,
                       .encr_bits = 128,
                       .integ = 2,
                       .encr_key = {key16, sizeof(key16)},
                       .integ_key = {key20, sizeof(key20)},
                       .hard_packets = 1000,
                       .soft_bytes = 5000};
    assert_int_equal(ike_addr_parse(&sa.path.local, "10.66.0.1:4500"), IKE_OK);
    assert_int_equal(ike_addr_parse(&sa.path.remote, "10.66.0.2:1024"), IKE_OK);
    return sa;
}

static struct spd_key make_key(uint8_t dir, const char *local, const char *remote)
{
    ike_ts l, r;
    struct spd_key key = {.dir = dir};
    assert_int_equal(ike_ts_parse(&l, local), IKE_OK);
    assert_int_equal(ike_ts_parse(&r, remote), IKE_OK);
    assert_int_equal(flows_of_selectors(&l, 1, &r, 1, &key.flow, 1), 1);
    return key;
}

static struct pfk_view read_back(struct pfk_msg *m)
{
    struct pfk_view v;
    assert_true(pfk_end(m));
    assert_true(pfk_parse(m->buf, m->len, &v));
    return v;
}

static void put32(uint8_t *at, uint32_t value) { memcpy(at, &value, 4); } /* fields are in the order of the machine */
static void put16(uint8_t *at, uint16_t value) { memcpy(at, &value, 2); }
static void put64(uint8_t *at, uint64_t value) { memcpy(at, &value, 8); }

/* All of it, extension by extension. */
static void an_sa(void **state)
{
    (void)state;
    struct pfk_msg m;
    ike_ipsec_sa sa = make_sa(true);
    uint8_t want[256] = {2, SADB_UPDATE, 0, SADB_SATYPE_ESP};
    put16(want + 4, 248 / 8);
    uint8_t *p = want + 16; /* SA: SPI in network order, window, mature, HMAC-SHA-1, AES-CBC */
    put16(p, 2);
    put16(p + 2, 1);
    memcpy(p + 4, "\xc1\x23\x45\x67\x20\x01\x03\x0c", 8);
    p += 16; /* hard */
    put16(p, 4);
    put16(p + 2, 3);
    put32(p + 4, 1000);
    p += 32; /* soft */
    put16(p, 4);
    put16(p + 2, 4);
    put64(p + 8, 5000);
    p += 32; /* source: the peer; any protocol, all bits, no port */
    put16(p, 3);
    put16(p + 2, 5);
    memcpy(p + 4, "\xff\x20\0\0", 4);
    put16(p + 8, AF_INET);
    memcpy(p + 12, "\x0a\x42\0\x02", 4);
    p += 24; /* destination */
    put16(p, 3);
    put16(p + 2, 6);
    memcpy(p + 4, "\xff\x20\0\0", 4);
    put16(p + 8, AF_INET);
    memcpy(p + 12, "\x0a\x42\0\x01", 4);
    p += 24; /* keys, padded to 8 */
    put16(p, 4);
    put16(p + 2, 8);
    put16(p + 4, 160);
    memcpy(p + 8, key20, 20);
    p += 32;
    put16(p, 3);
    put16(p + 2, 9);
    put16(p + 4, 128);
    memcpy(p + 8, key16, 16);
    p += 24; /* SA2: tunnel, reqid */
    put16(p, 2);
    put16(p + 2, 19);
    p[4] = 2;
    put32(p + 12, 7);
    p += 16; /* RFC 3948: type, ports in the direction of the packets */
    put16(p, 1);
    put16(p + 2, 20);
    p[4] = 2;
    p += 8;
    put16(p, 1);
    put16(p + 2, 21);
    put16(p + 4, htons(1024));
    p += 8;
    put16(p, 1);
    put16(p + 2, 22);
    put16(p + 4, htons(4500));
    p += 8;
    put16(want + 4, (uint16_t)((size_t)(p - want) / 8));
    sa.udp_encap = true;
    pfkey_encode_sa(&m, SADB_UPDATE, &sa);
    assert_true(pfk_end(&m));
    assert_int_equal(m.len, (size_t)(p - want));
    assert_memory_equal(m.buf, want, m.len);
}

static void what_an_outbound_sa_has_not(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct sadb_sa e;
    struct sadb_lifetime hard;
    ike_ipsec_sa sa = make_sa(false);
    sa.hard_packets = sa.soft_bytes = 0;
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    struct pfk_view v = read_back(&m);
    assert_int_equal(v.head.sadb_msg_type, SADB_ADD);
    assert_true(pfk_get(&v, SADB_EXT_SA, &e, sizeof(e)));
    assert_int_equal(e.sadb_sa_replay, 0);
    assert_true(pfk_get(&v, SADB_EXT_LIFETIME_HARD, &hard, sizeof(hard)));
    assert_int_equal(hard.sadb_lifetime_allocations, 0);
    assert_null(v.ext[SADB_X_EXT_NAT_T_TYPE].ptr);
    assert_null(v.ext[SADB_EXT_ADDRESS_PROXY].ptr);
    struct pfk_address to;
    assert_true(pfk_get_address(&v, SADB_EXT_ADDRESS_DST, &to));
    assert_int_equal(to.addr.ip[3], 2);
}

/* A window of fewer packets than the most is kept. */
static void windows(void **state)
{
    (void)state;
    static const uint8_t want[][2] = {{0, 0}, {1, 1}, {32, 32}, {64, 32}, {255, 32}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct pfk_msg m;
        struct sadb_sa e;
        ike_ipsec_sa sa = make_sa(true);
        sa.replay_window = want[i][0];
        pfkey_encode_sa(&m, SADB_ADD, &sa);
        struct pfk_view v = read_back(&m);
        assert_true(pfk_get(&v, SADB_EXT_SA, &e, sizeof(e)));
        assert_int_equal(e.sadb_sa_replay, want[i][1]);
    }
}

static void ah_is_a_type_of_its_own(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct sadb_sa e;
    ike_ipsec_sa sa = make_sa(true);
    sa.protocol = IKE_PROTO_AH;
    sa.encr = 0;
    sa.encr_key = (ike_bytes){NULL, 0};
    assert_null(pfkey_refusal(&sa));
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    struct pfk_view v = read_back(&m);
    assert_int_equal(v.head.sadb_msg_satype, SADB_SATYPE_AH);
    assert_true(pfk_get(&v, SADB_EXT_SA, &e, sizeof(e)));
    assert_int_equal(e.sadb_sa_encrypt, 0);
    assert_int_equal(e.sadb_sa_auth, SADB_AALG_SHA1HMAC);
    assert_null(v.ext[SADB_EXT_KEY_ENCRYPT].ptr);
    uint32_t spi;
    ike_addr to;
    uint8_t protocol;
    assert_true(pfkey_read_sa(&v, &spi, &to, &protocol));
    assert_int_equal(protocol, IPPROTO_AH);
    assert_int_equal(spi, 0xc1234567);
}

/* An ICV of 192 or 256 bits makes AH a multiple of 32 bits only, as IPv4 has it (RFC 4302 section 3.3.3.2.1). */
static void refused_ah(void **state)
{
    (void)state;
    for (uint16_t integ = 12; integ <= 14; integ++) {
        ike_ipsec_sa sa = make_sa(true);
        sa.protocol = IKE_PROTO_AH;
        sa.integ = integ;
        assert_non_null(pfkey_refusal(&sa));
        assert_int_equal(ike_addr_parse(&sa.path.local, "2001:db8::1"), IKE_OK);
        assert_int_equal(ike_addr_parse(&sa.path.remote, "2001:db8::2"), IKE_OK);
        assert_int_equal(pfkey_refusal(&sa) != NULL, integ == 12);
    }
}

/* What would be refused when it is installed is not proposed. */
static void what_is_carried_as_ah(void **state)
{
    (void)state;
    for (uint16_t integ = 13; integ <= 14; integ++) {
        assert_false(pfkey_carries(IKE_PROTO_AH, 4, 3, integ, 0));
        assert_true(pfkey_carries(IKE_PROTO_AH, 6, 3, integ, 0));
        assert_true(pfkey_carries(IKE_PROTO_AH, 0, 3, integ, 0));
        assert_true(pfkey_carries(IKE_PROTO_ESP, 4, 3, integ, 0));
    }
    assert_true(pfkey_carries(IKE_PROTO_AH, 4, 3, 2, 0));
    assert_false(pfkey_carries(IKE_PROTO_AH, 6, 3, 12, 0));
    assert_false(pfkey_carries(IKE_PROTO_AH, 6, 5, 1, 0));
}

static void ipcomp_has_no_keys(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct sadb_sa e;
    struct sadb_spirange range;
    ike_ipsec_sa sa = make_sa(true);
    sa.protocol = IKE_PROTO_IPCOMP;
    sa.spi = 0x1234;
    sa.encr = sa.integ = 0;
    sa.encr_key = sa.integ_key = (ike_bytes){NULL, 0};
    assert_null(pfkey_refusal(&sa));
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    struct pfk_view v = read_back(&m);
    assert_int_equal(v.head.sadb_msg_satype, SADB_X_SATYPE_IPCOMP);
    assert_true(pfk_get(&v, SADB_EXT_SA, &e, sizeof(e)));
    assert_int_equal(e.sadb_sa_spi, htonl(0x1234));
    assert_int_equal(e.sadb_sa_encrypt, SADB_X_CALG_DEFLATE);
    assert_null(v.ext[SADB_EXT_KEY_ENCRYPT].ptr);
    assert_null(v.ext[SADB_EXT_KEY_AUTH].ptr);
    pfkey_encode_getspi(&m, &sa.path, IKE_PROTO_IPCOMP, IKE_MODE_TUNNEL, 7);
    v = read_back(&m);
    assert_true(pfk_get(&v, SADB_EXT_SPIRANGE, &range, sizeof(range)));
    assert_int_equal(range.sadb_spirange_min, 256);
    assert_int_equal(range.sadb_spirange_max, 61439);
}

/* From the inside, and only the first makes the tunnel. */
static void a_bundle(void **state)
{
    (void)state;
    struct spd_template t = {.mode = IKE_MODE_TUNNEL,
                             .protocols =
                                 SPD_PROTOCOL(IKE_PROTO_ESP) | SPD_PROTOCOL(IKE_PROTO_AH) | SPD_PROTOCOL(IKE_PROTO_IPCOMP),
                             .reqid = 3};
    assert_int_equal(ike_addr_parse(&t.local, "192.0.2.1"), IKE_OK);
    assert_int_equal(ike_addr_parse(&t.remote, "192.0.2.2"), IKE_OK);
    static const struct {
        uint8_t proto, mode;
        size_t len;
    } want[] = {
        {IPPROTO_COMP, IPSEC_MODE_TUNNEL, 48}, {IPPROTO_ESP, IPSEC_MODE_TRANSPORT, 16}, {IPPROTO_AH, IPSEC_MODE_TRANSPORT, 16}};
    for (uint8_t dir = SPD_IN; dir <= SPD_FWD; dir++) {
        struct pfk_msg m;
        struct spd_key key = make_key(dir, "10.1.0.0/24", "10.2.0.0/16");
        assert_true(pfkey_encode_policy(&m, SADB_X_SPDADD, &key, &t));
        struct pfk_view v = read_back(&m);
        size_t at = sizeof(struct sadb_x_policy);
        for (size_t i = 0; i < 3; i++) {
            struct sadb_x_ipsecrequest r;
            assert_true(at + sizeof(r) <= v.ext[SADB_X_EXT_POLICY].len);
            memcpy(&r, v.ext[SADB_X_EXT_POLICY].ptr + at, sizeof(r));
            assert_int_equal(r.sadb_x_ipsecrequest_proto, want[i].proto);
            assert_int_equal(r.sadb_x_ipsecrequest_mode, want[i].mode);
            assert_int_equal(r.sadb_x_ipsecrequest_len, want[i].len);
            assert_int_equal(r.sadb_x_ipsecrequest_level, i == 0 && dir != SPD_OUT ? IPSEC_LEVEL_USE : IPSEC_LEVEL_UNIQUE);
            at += r.sadb_x_ipsecrequest_len;
        }
        assert_int_equal(at, v.ext[SADB_X_EXT_POLICY].len);
    }
}

/* NULL has a key of no bits, because Linux wants one. */
static void an_empty_key(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct sadb_key k;
    ike_ipsec_sa sa = make_sa(true);
    sa.encr = 11;
    sa.encr_key = (ike_bytes){NULL, 0};
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    struct pfk_view v = read_back(&m);
    assert_true(pfk_get(&v, SADB_EXT_KEY_ENCRYPT, &k, sizeof(k)));
    assert_int_equal(k.sadb_key_bits, 0);
    assert_int_equal(v.ext[SADB_EXT_KEY_ENCRYPT].len, sizeof(k));
}

static void the_inner_family_is_said_by_a_proxy(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct pfk_address proxy;
    ike_ts ts;
    ike_ipsec_sa sa = make_sa(true);
    assert_int_equal(ike_ts_parse(&ts, "2001:db8:1::/64"), IKE_OK);
    sa.local_ts = sa.remote_ts = &ts;
    sa.n_local_ts = sa.n_remote_ts = 1;
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    struct pfk_view v = read_back(&m);
    assert_true(pfk_get_address(&v, SADB_EXT_ADDRESS_PROXY, &proxy));
    assert_int_equal(proxy.addr.family, 6);
    assert_int_equal(proxy.bits, 0);
}

static void refused(const ike_ipsec_sa *sa, const char *word)
{
    const char *why = pfkey_refusal(sa);
    assert_non_null(why);
    assert_non_null(strstr(why, word));
}

static void refusals(void **state)
{
    (void)state;
    ike_ipsec_sa sa = make_sa(true);
    assert_null(pfkey_refusal(&sa));
    sa.esn = true;
    refused(&sa, "extended sequence numbers");
    sa.esn = false;
    sa.integ = 12;
    refused(&sa, "96 bits");
    static const uint8_t whole[] = {1, 2, 5, 13, 14};
    for (size_t i = 0; i < sizeof(whole); i++) {
        sa.integ = whole[i];
        assert_null(pfkey_refusal(&sa));
    }
    static const uint8_t aead[] = {14, 15, 16, 18, 19, 20, 21, 28};
    for (size_t i = 0; i < sizeof(aead); i++) {
        sa.encr = aead[i];
        refused(&sa, "integrity of their own");
    }
    sa.encr = 4711;
    refused(&sa, "no number");
    sa = make_sa(true);
    sa.integ = 8;
    refused(&sa, "no number");
    sa = make_sa(true);
    sa.mark = 1;
    refused(&sa, "marks");
    sa = make_sa(true);
    sa.if_id = 1;
    refused(&sa, "XFRM interfaces");
    ike_ts both[2];
    assert_int_equal(ike_ts_parse(&both[0], "10.0.0.0/8"), IKE_OK);
    assert_int_equal(ike_ts_parse(&both[1], "2001:db8::/32"), IKE_OK);
    sa = make_sa(true);
    sa.local_ts = both;
    sa.n_local_ts = 2;
    refused(&sa, "not both");
}

static void policies(void **state)
{
    (void)state;
    for (uint8_t dir = SPD_IN; dir <= SPD_FWD; dir++) {
        struct pfk_msg m;
        struct {
            struct sadb_x_policy policy;
            struct sadb_x_ipsecrequest request;
            uint8_t ends[56]; /* two sockaddr_in6 */
        } e;
        struct spd_key key = make_key(dir, "10.1.0.0/24[tcp/80]", "10.2.0.0/16[tcp]");
        struct spd_template t = {.mode = IKE_MODE_TUNNEL, .protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = 3};
        struct pfk_address from, to;
        ike_addr first, second;
        assert_int_equal(ike_addr_parse(&t.local, "2001:db8::1"), IKE_OK); /* IPv4 in IPv6 */
        assert_int_equal(ike_addr_parse(&t.remote, "2001:db8::2"), IKE_OK);
        assert_true(pfkey_encode_policy(&m, SADB_X_SPDADD, &key, &t));
        struct pfk_view v = read_back(&m);
        bool out = dir == SPD_OUT;
        assert_true(pfk_get(&v, SADB_X_EXT_POLICY, &e, sizeof(e)));
        assert_int_equal(v.ext[SADB_X_EXT_POLICY].len, sizeof(struct sadb_x_policy) + sizeof(struct sadb_x_ipsecrequest) + 56);
        assert_int_equal(e.policy.sadb_x_policy_type, IPSEC_POLICY_IPSEC);
        assert_int_equal(e.policy.sadb_x_policy_dir, dir + 1);
        assert_int_equal(e.policy.sadb_x_policy_priority, xfrm_priority(&key, false));
        assert_int_equal(e.request.sadb_x_ipsecrequest_len, sizeof(e.request) + 56); /* octets, unlike all others */
        assert_int_equal(e.request.sadb_x_ipsecrequest_proto, IPPROTO_ESP);
        assert_int_equal(e.request.sadb_x_ipsecrequest_mode, IPSEC_MODE_TUNNEL);
        assert_int_equal(e.request.sadb_x_ipsecrequest_level, IPSEC_LEVEL_UNIQUE);
        assert_int_equal(pfkey_read_reqid(&v), 3);
        assert_int_equal(pfk_read_sockaddr(e.ends, 28, &first), 28);
        assert_int_equal(pfk_read_sockaddr(e.ends + 28, 28, &second), 28);
        assert_int_equal(first.ip[15], out ? 1 : 2);
        assert_int_equal(second.ip[15], out ? 2 : 1);
        assert_true(pfk_get_address(&v, SADB_EXT_ADDRESS_SRC, &from) && pfk_get_address(&v, SADB_EXT_ADDRESS_DST, &to));
        assert_int_equal(from.bits, out ? 24 : 16);
        assert_int_equal(to.bits, out ? 16 : 24);
        assert_int_equal(from.proto, 6);
        assert_int_equal(from.addr.port, out ? 80 : 0);
        assert_int_equal(to.addr.port, out ? 0 : 80);
        /* Read back it has the name by which the ledger knows it. */
        struct xfrm_userpolicy_id id, want;
        assert_true(pfkey_read_policy(&v, &id));
        xfrm_policy_id(&key, &want);
        assert_memory_equal(&id, &want, sizeof(id));
        pfkey_encode_policy_name(&m, &id);
        v = read_back(&m);
        assert_true(pfkey_read_policy(&v, &id));
        assert_memory_equal(&id, &want, sizeof(id));
        assert_int_equal(pfkey_read_reqid(&v), 0);
    }
}

static void transport_requests_name_no_addresses(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct spd_key key = make_key(SPD_OUT, "192.0.2.1", "192.0.2.2");
    struct spd_template t = {.mode = IKE_MODE_TRANSPORT, .protocols = SPD_PROTOCOL(IKE_PROTO_AH), .reqid = 3};
    assert_true(pfkey_encode_policy(&m, SADB_X_SPDADD, &key, &t));
    struct pfk_view v = read_back(&m);
    assert_int_equal(v.ext[SADB_X_EXT_POLICY].len, sizeof(struct sadb_x_policy) + sizeof(struct sadb_x_ipsecrequest));
    const struct sadb_x_ipsecrequest *r = (const void *)(v.ext[SADB_X_EXT_POLICY].ptr + sizeof(struct sadb_x_policy));
    assert_int_equal(r->sadb_x_ipsecrequest_proto, IPPROTO_AH);
    assert_int_equal(r->sadb_x_ipsecrequest_mode, IPSEC_MODE_TRANSPORT);
}

/* Rather none than one that holds for other packets. */
static void parts_of_ports(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct spd_template t = {.mode = IKE_MODE_TRANSPORT, .protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = 3};
    struct spd_key key = make_key(SPD_OUT, "10.1.0.0/24[tcp/80]", "10.2.0.0/16[tcp]");
    key.flow.local_port = (struct port_mask){1024, 0xfc00};
    assert_false(pfkey_encode_policy(&m, SADB_X_SPDADD, &key, &t));
    key.flow.local_port = (struct port_mask){0, 0xffff}; /* ICMP type 0 */
    assert_false(pfkey_encode_policy(&m, SADB_X_SPDADD, &key, &t));
    key.flow.local_port = (struct port_mask){8, 0xffff};
    assert_true(pfkey_encode_policy(&m, SADB_X_SPDADD, &key, &t));
}

/* Two requests: as it is, and as it shall be. */
static void a_migration(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct spd_key key = make_key(SPD_OUT, "10.1.0.0/24", "10.2.0.0/16");
    struct spd_template from = {.mode = IKE_MODE_TUNNEL, .protocols = SPD_PROTOCOL(IKE_PROTO_ESP), .reqid = 3}, to;
    assert_int_equal(ike_addr_parse(&from.local, "192.0.2.1"), IKE_OK);
    assert_int_equal(ike_addr_parse(&from.remote, "192.0.2.2"), IKE_OK);
    to = from;
    to.remote.ip[3] = 3;
    pfkey_encode_migrate(&m, &key, &from, &to);
    struct pfk_view v = read_back(&m);
    size_t one = sizeof(struct sadb_x_ipsecrequest) + 32;
    assert_int_equal(v.ext[SADB_X_EXT_POLICY].len, sizeof(struct sadb_x_policy) + 2 * one);
    const uint8_t *r = v.ext[SADB_X_EXT_POLICY].ptr + sizeof(struct sadb_x_policy);
    ike_addr end;
    assert_int_equal(pfk_read_sockaddr(r + one - 16, 16, &end), 16);
    assert_int_equal(end.ip[3], 2);
    assert_int_equal(pfk_read_sockaddr(r + 2 * one - 16, 16, &end), 16);
    assert_int_equal(end.ip[3], 3);
}

static void an_spi_range_in_host_order(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct sadb_spirange range;
    struct pfk_address to;
    ike_ipsec_sa sa = make_sa(true);
    pfkey_encode_getspi(&m, &sa.path, IKE_PROTO_ESP, IKE_MODE_TUNNEL, 7);
    struct pfk_view v = read_back(&m);
    assert_true(pfk_get(&v, SADB_EXT_SPIRANGE, &range, sizeof(range)));
    assert_int_equal(range.sadb_spirange_min, 0xc0000000);
    assert_int_equal(range.sadb_spirange_max, 0xcfffffff);
    assert_true(pfk_get_address(&v, SADB_EXT_ADDRESS_DST, &to));
    assert_int_equal(to.addr.ip[3], 1); /* it ends here */
}

/* ---- Hostile lengths ------------------------------------------------------------------------------------------------------ */

static void what_is_no_message(void **state)
{
    (void)state;
    struct pfk_msg m;
    struct pfk_view v;
    ike_ipsec_sa sa = make_sa(true);
    pfkey_encode_sa(&m, SADB_ADD, &sa);
    assert_true(pfk_end(&m));
    uint8_t *copy = test_malloc(m.len); /* so that tools see a step too far */
    for (size_t n = 0; n < m.len; n++) {
        uint8_t *cut = test_malloc(n + 1);
        memcpy(cut, m.buf, n);
        assert_false(pfk_parse(cut, n, &v)); /* the header says more */
        if (n >= sizeof(struct sadb_msg)) {
            put16(cut + 4, (uint16_t)(n / 8)); /* now it says what is there: an extension is cut, or n is no whole number */
            size_t at = sizeof(struct sadb_msg);
            while (at < n) {
                uint16_t words;
                memcpy(&words, m.buf + at, 2);
                at += words * 8U;
            }
            assert_int_equal(pfk_parse(cut, n, &v), n % 8 == 0 && at == n);
        }
        test_free(cut);
    }
    memcpy(copy, m.buf, m.len);
    copy[0] = 1; /* version */
    assert_false(pfk_parse(copy, m.len, &v));
    memcpy(copy, m.buf, m.len);
    put16(copy + 16, 0); /* an extension without length would be read for ever */
    assert_false(pfk_parse(copy, m.len, &v));
    put16(copy + 16, 0xffff);
    assert_false(pfk_parse(copy, m.len, &v));
    memcpy(copy, m.buf, m.len);
    put16(copy + 34, SADB_EXT_SA); /* twice (RFC 2367 section 2.3) */
    assert_false(pfk_parse(copy, m.len, &v));
    put16(copy + 34, 999); /* not known: passed over */
    assert_true(pfk_parse(copy, m.len, &v));
    assert_null(v.ext[SADB_EXT_LIFETIME_HARD].ptr);
    assert_non_null(v.ext[SADB_EXT_LIFETIME_SOFT].ptr);
    test_free(copy);
}

/* An extension may be shorter than its struct. */
static void short_extensions(void **state)
{
    (void)state;
    uint8_t *p = test_calloc(1, 24);
    struct pfk_view v;
    struct sadb_sa sa;
    struct pfk_address a;
    struct xfrm_userpolicy_id id;
    uint32_t spi;
    ike_addr to;
    uint8_t protocol;
    memcpy(p, "\x02\x0a\0\x03", 4);
    put16(p + 4, 3);
    put16(p + 16, 1);
    static const uint8_t types[] = {SADB_EXT_SA, SADB_EXT_ADDRESS_DST, SADB_X_EXT_POLICY, SADB_EXT_LIFETIME_CURRENT};
    for (size_t i = 0; i < sizeof(types); i++) {
        put16(p + 18, types[i]);
        assert_true(pfk_parse(p, 24, &v));
        assert_false(pfk_get(&v, SADB_EXT_SA, &sa, sizeof(sa)));
        assert_false(pfk_get_address(&v, SADB_EXT_ADDRESS_DST, &a));
        assert_false(pfkey_read_sa(&v, &spi, &to, &protocol));
        assert_false(pfkey_read_policy(&v, &id));
        assert_int_equal(pfkey_read_reqid(&v), 0);
    }
    test_free(p);
}

static void addresses_that_are_none(void **state)
{
    (void)state;
    ike_addr a;
    uint8_t sa[28] = {0};
    put16(sa, AF_INET);
    assert_int_equal(pfk_read_sockaddr(sa, 16, &a), 16);
    assert_int_equal(pfk_read_sockaddr(sa, 15, &a), 0);
    assert_int_equal(pfk_read_sockaddr(sa, 1, &a), 0);
    assert_int_equal(pfk_read_sockaddr(sa, 0, &a), 0);
    put16(sa, AF_INET6);
    assert_int_equal(pfk_read_sockaddr(sa, 28, &a), 28);
    assert_int_equal(pfk_read_sockaddr(sa, 27, &a), 0);
    put16(sa, AF_UNIX);
    assert_int_equal(pfk_read_sockaddr(sa, 28, &a), 0);
    /* a prefix longer than the address */
    struct pfk_msg m;
    struct pfk_address got;
    assert_int_equal(ike_addr_parse(&a, "192.0.2.1"), IKE_OK);
    pfk_begin(&m, SADB_GET, SADB_SATYPE_ESP);
    pfk_address(&m, SADB_EXT_ADDRESS_SRC, &a, 33, 0);
    struct pfk_view v = read_back(&m);
    assert_false(pfk_get_address(&v, SADB_EXT_ADDRESS_SRC, &got));
}

static void what_does_not_fit(void **state)
{
    (void)state;
    struct pfk_msg m;
    static uint8_t big[PFK_MSG_MAX];
    pfk_begin(&m, SADB_ADD, SADB_SATYPE_ESP);
    pfk_key(&m, SADB_EXT_KEY_AUTH, (ike_bytes){big, sizeof(big)});
    assert_false(pfk_end(&m));
    pfk_begin(&m, SADB_ADD, SADB_SATYPE_ESP);
    pfk_key(&m, SADB_EXT_KEY_AUTH, (ike_bytes){big, SIZE_MAX});
    assert_false(pfk_end(&m));
    assert_int_equal(m.len, sizeof(struct sadb_msg));
    pfk_begin(&m, SADB_ADD, SADB_SATYPE_ESP); /* a new one is free of that */
    pfk_key(&m, SADB_EXT_KEY_AUTH, (ike_bytes){key48, sizeof(key48)});
    assert_true(pfk_end(&m));
}

/* A kernel that tells of others' doings all the time, for `ms`, and answers then. */
static pid_t talk(int fd, struct pfk_msg *foreign, struct pfk_msg *answer, unsigned ms)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (unsigned t = 0; t < ms; t += 20) {
            (void)!send(fd, foreign->buf, foreign->len, 0);
            usleep(20000);
        }
        (void)!send(fd, answer->buf, answer->len, 0);
        _exit(0);
    }
    assert_true(pid > 0);
    return pid;
}

static void an_answer_that_never_comes(void **state)
{
    (void)state;
    static const struct {
        unsigned ms;
        int result;
    } rows[] = {{200, 0}, {2 * KSOCK_PATIENCE_MS, -ETIMEDOUT}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static uint8_t rx[PFK_RX_MAX];
        int ends[2];
        struct pfk_msg foreign, answer, request;
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
        struct pfk_sock s = {.fd = ends[0], .pid = 4711, .seq = 1, .rx = rx};
        struct sadb_msg head;
        pfk_begin(&foreign, SADB_FLUSH, SADB_SATYPE_ESP);
        assert_true(pfk_end(&foreign));
        answer = foreign;
        memcpy(&head, answer.buf, sizeof(head));
        head.sadb_msg_pid = s.pid;
        head.sadb_msg_seq = 2;
        memcpy(answer.buf, &head, sizeof(head));
        pid_t kernel = talk(ends[1], &foreign, &answer, rows[i].ms);
        pfk_begin(&request, SADB_FLUSH, SADB_SATYPE_ESP);
        assert_int_equal(pfk_call(&s, &request, NULL, NULL), rows[i].result);
        close(ends[0]);
        close(ends[1]);
        (void)kill(kernel, SIGKILL);
        assert_int_equal(waitpid(kernel, NULL, 0), kernel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sa),
        cmocka_unit_test(what_an_outbound_sa_has_not),
        cmocka_unit_test(windows),
        cmocka_unit_test(ah_is_a_type_of_its_own),
        cmocka_unit_test(an_answer_that_never_comes),
        cmocka_unit_test(what_is_carried_as_ah),
        cmocka_unit_test(refused_ah),
        cmocka_unit_test(ipcomp_has_no_keys),
        cmocka_unit_test(a_bundle),
        cmocka_unit_test(an_empty_key),
        cmocka_unit_test(the_inner_family_is_said_by_a_proxy),
        cmocka_unit_test(refusals),
        cmocka_unit_test(policies),
        cmocka_unit_test(transport_requests_name_no_addresses),
        cmocka_unit_test(parts_of_ports),
        cmocka_unit_test(a_migration),
        cmocka_unit_test(an_spi_range_in_host_order),
        cmocka_unit_test(what_is_no_message),
        cmocka_unit_test(short_extensions),
        cmocka_unit_test(addresses_that_are_none),
        cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
