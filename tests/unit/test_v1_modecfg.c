/* SPDX-License-Identifier: ISC
 *
 * Mode-Config (draft-dukes-ike-mode-cfg-02): what is asked, what is given, and whom it is kept for.
 */
#include "unit/v1_help.h"

static const ike_addr dns[] = {{.family = 4, .ip = {10, 66, 2, 53}}, {.family = 6, .ip = {0x20, 1, 0x0d, 0xb8}}};

/* a asks, b gives. */
static void client_and_server(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    if (x == &a) {
        s->inner_family = 4;
        child[0].n_local_ts = 0;
    } else {
        s->pool = lab_ts("10.9.0.10-10.9.0.20");
        s->dns = s->nbns = dns;
        s->n_dns = s->n_nbns = 2;
        child[0].n_remote_ts = 0;
    }
}

static void pushes(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    client_and_server(x, s, child);
    s->push = true;
}

static unsigned told, untold;
static void address(void *user, ike_conn_id conn, const ike_addr *at, bool there)
{
    (void)user;
    assert_true(conn && at->family == 4 && at->ip[0] == 10 && at->ip[1] == 9);
    told += there;
    untold += !there;
}

static void with_address(struct node *x, ike_settings *s)
{
    (void)x;
    told = untold = 0;
    s->host.sadb.address = address;
}

static ike_sa_info look(const struct node *x)
{
    ike_sa_info i = {.size = sizeof i};
    assert_int_equal(ike_sa_get(x->e, node_sa(x)->id, &i), IKE_OK);
    return i;
}

static void one_is_given_and_told_of(void **state)
{
    (void)state;
    v1_up(with_address, client_and_server);
    ike_sa_info i = look(&a), k = look(&b);
    assert_true(i.inner_ours && !k.inner_ours && i.inner.family == 4);
    assert_memory_equal(i.inner.ip, k.inner.ip, 16);
    assert_true(i.inner.ip[3] >= 10 && i.inner.ip[3] <= 20);
    assert_int_equal(i.n_dns, 1); /* of the address's family */
    assert_memory_equal(i.dns[0].ip, dns[0].ip, 4);
    assert_int_equal(i.n_nbns, 1);
    assert_int_equal(told, 1);
    struct ike_child *c = node_child(&a), *d = node_child(&b);
    assert_memory_equal(ike_child_local(c)->lo, i.inner.ip, 4);
    assert_memory_equal(ike_child_local(c)->hi, i.inner.ip, 4);
    assert_memory_equal(ike_child_remote(d)->lo, i.inner.ip, 4);
    assert_memory_equal(ike_child_remote(d)->hi, i.inner.ip, 4);
    /* It goes with the last of the peer's SAs. */
    assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
    wire_run();
    assert_int_equal(untold, 1);
    assert_int_equal(b.e->db.by_lease.count, 0);
}

static void the_same_peer_gets_the_same_again(void **state)
{
    (void)state;
    v1_up(NULL, pushes);
    ike_addr first = look(&a).inner;
    assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&b).sas, 0);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    ike_addr second = look(&a).inner;
    assert_memory_equal(&first, &second, sizeof first);
}

/* ---- The pool -------------------------------------------------------------------------------------------------------------- */

static struct ike_peer *peer_called(struct ike_conn *conn, const char *user)
{
    ike_id id = {IKE_ID_FQDN, IKE_STR("group")};
    struct ike_peer *p = ike_peer_get(&b.e->db, conn, &id, &id, ike_bytes_of(user, strlen(user)));
    assert_non_null(p);
    return p;
}

static void a_pool_gives_each_address_once(void **state)
{
    (void)state;
    v1_new(NULL, client_and_server);
    struct ike_conn *conn = ike_slots_get(&b.e->db.conns, b.conn);
    struct ike_peer *peers[12];
    bool seen[256] = {false};
    ike_addr any = {0}, at;
    for (unsigned i = 0; i < 12; i++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", i);
        peers[i] = peer_called(conn, name);
        int r = ike_lease_pick(&b.e->db, peers[i], 4, &any, &at);
        assert_int_equal(r, i < 11 ? IKE_OK : IKE_ERR_LIMIT);
        if (r == IKE_OK) {
            assert_true(at.ip[3] >= 10 && at.ip[3] <= 20 && !seen[at.ip[3]]);
            seen[at.ip[3]] = true;
            struct ike_lease l = {.address = at};
            assert_int_equal(ike_lease_set(&b.e->db, peers[i], &l), IKE_OK);
        }
    }
    assert_int_equal(ike_lease_pick(&b.e->db, peers[11], 6, &any, &at), IKE_ERR_LIMIT);
    /* The one that a peer asks for, if nobody has it and it is of the pool. */
    ike_addr wanted = peers[3]->lease->address, outside = {.family = 4, .ip = {10, 9, 0, 21}};
    ike_lease_drop(&b.e->db, peers[3]);
    ike_lease_drop(&b.e->db, peers[4]);
    assert_int_equal(ike_lease_pick(&b.e->db, peers[11], 4, &wanted, &at), IKE_OK);
    assert_memory_equal(at.ip, wanted.ip, 4);
    assert_int_equal(ike_lease_pick(&b.e->db, peers[11], 4, &outside, &at), IKE_OK);
    assert_memory_not_equal(at.ip, outside.ip, 4);
    for (unsigned i = 0; i < 12; i++) {
        ike_peer_release(&b.e->db, peers[i]);
    }
    assert_int_equal(b.e->db.by_lease.count, 0);
}

static void wide_pool(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    client_and_server(x, s, child);
    if (x == &b) {
        s->pool = lab_ts("2001:db8::fff0-2001:db9::2");
    }
}

static void a_pool_of_ipv6_stays_within(void **state)
{
    (void)state;
    v1_new(NULL, wide_pool);
    struct ike_conn *conn = ike_slots_get(&b.e->db.conns, b.conn);
    ike_addr any = {0}, at;
    for (unsigned i = 0; i < 200; i++) {
        char name[8];
        snprintf(name, sizeof name, "u%u", i);
        struct ike_peer *p = peer_called(conn, name);
        assert_int_equal(ike_lease_pick(&b.e->db, p, 6, &any, &at), IKE_OK);
        assert_true(memcmp(at.ip, conn->conf->s.pool.lo, 16) >= 0 && memcmp(at.ip, conn->conf->s.pool.hi, 16) <= 0);
        ike_peer_release(&b.e->db, p);
    }
}

/* ---- A stranger with the keys ---------------------------------------------------------------------------------------------- */

/* x's answer to the request that was forged last. */
static void answer_of(struct node *x, struct ike_message *m, struct ike_v1_config *cfg, size_t n)
{
    struct ike_sa *sa = node_sa(x);
    struct ike_v1_seal k = ike_v1_key(sa);
    uint8_t iv[IKE_IV_MAX], next[IKE_IV_MAX];
    size_t end, block = sa->encr->block;
    memcpy(iv, forged + n - block, block);
    assert_true(x->n_out > 0);
    assert_int_equal(ike_message_parse(m, x->out[x->n_out - 1].bytes, x->out[x->n_out - 1].n), IKE_OK);
    assert_int_equal(ike_v1_open(&k, m, iv, seal_scratch, plain, sizeof plain, next, &end), IKE_OK);
    assert_int_equal(ike_v1_config_parse(cfg, ike_message_find(m, IKE_P1_ATTR, 0)), IKE_OK);
    x->n_out = 0;
}

static size_t ask(struct node *x, uint8_t type, uint32_t mid, const uint16_t *attrs)
{
    struct ike_chain c = v1_chain(x);
    ike_path path = path_to(x);
    size_t at = ike_v1_begin_config(&c, type, 0x1234);
    for (; *attrs; attrs++) {
        ike_v1_put_attr(&c.w, *attrs, ike_bytes_of(NULL, 0));
    }
    ike_chain_end(&c, at);
    size_t n = v1_forge(x, IKE_X1_TRANSACTION, mid, &c, true);
    assert_int_equal(node_input(x, &path, forged, n), IKE_OK);
    return n;
}

static bool has(const struct ike_v1_config *c, uint16_t type, size_t len)
{
    struct ike_v1_attr attr;
    return ike_v1_config_find(c, type, &attr) && attr.value.len == len;
}

/* Unknown attributes are passed over; vendors have many. */
static void a_reply_has_what_was_asked_for(void **state)
{
    (void)state;
    static const uint16_t all[] = {IKE_CFG1_IP4_ADDRESS, IKE_CFG1_IP4_NETMASK,         28672,  28678, IKE_CFG1_IP4_DNS,
                                   IKE_CFG1_IP4_NBNS,    IKE_CFG1_APPLICATION_VERSION, 0x7fff, 0};
    static const uint16_t one[] = {IKE_CFG1_IP4_ADDRESS, 0}, none[] = {IKE_CFG1_IP4_DNS, 0}, six[] = {IKE_CFG1_IP6_ADDRESS, 0};
    struct ike_message m;
    struct ike_v1_config cfg;
    v1_up(NULL, client_and_server);
    answer_of(&b, &m, &cfg, ask(&b, IKE_CFG1_REQUEST, 70, all));
    assert_true(cfg.type == IKE_CFG1_REPLY && cfg.identifier == 0x1234);
    assert_true(has(&cfg, IKE_CFG1_IP4_ADDRESS, 4) && has(&cfg, IKE_CFG1_IP4_NETMASK, 4) && has(&cfg, IKE_CFG1_IP4_DNS, 4));
    assert_true(has(&cfg, IKE_CFG1_IP4_NBNS, 4) && has(&cfg, IKE_CFG1_APPLICATION_VERSION, 6));
    answer_of(&b, &m, &cfg, ask(&b, IKE_CFG1_REQUEST, 71, one));
    assert_true(has(&cfg, IKE_CFG1_IP4_ADDRESS, 4) && cfg.attrs.len == 8);
    answer_of(&b, &m, &cfg, ask(&b, IKE_CFG1_REQUEST, 72, none));
    assert_false(has(&cfg, IKE_CFG1_IP4_ADDRESS, 4));
    answer_of(&b, &m, &cfg, ask(&b, IKE_CFG1_REQUEST, 73, six));
    assert_int_equal(cfg.attrs.len, 0);
    /* Who asks, gives nothing. */
    answer_of(&a, &m, &cfg, ask(&a, IKE_CFG1_REQUEST, 74, one));
    assert_int_equal(cfg.attrs.len, 0);
}

/* A side that gives addresses unasked has begun once phase 1 is over. A peer that asks all the same is answered, and does not
 * make it begin again each time. */
static void what_is_begun_is_not_begun_again(void **state)
{
    (void)state;
    static const uint16_t one[] = {IKE_CFG1_IP4_ADDRESS, 0};
    v1_new(NULL, pushes);
    v1_begin(5);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(b.n_out, 2); /* the sixth message, and SET */
    b.n_out = 0;
    for (uint32_t i = 0; i < 3; i++) {
        (void)ask(&b, IKE_CFG1_REQUEST, 70 + i, one);
        assert_int_equal(b.n_out, 1);
        b.n_out = 0;
        assert_int_equal(counters(&b).exchanges, 1);
    }
    a.n_out = 0;
}

/* Each network behind the server once, whatever its children say of protocols; what is no network cannot be said. */
static void networks(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    static ike_ts nets[4];
    nets[0] = lab_ts("10.2.0.0/16");
    nets[1] = lab_ts("10.2.0.0/16[tcp/80]");
    nets[2] = lab_ts("10.3.0.1-10.3.0.9");
    nets[3] = lab_ts("192.168.7.9");
    client_and_server(x, s, child);
    if (x == &b) {
        child[1].local_ts = nets;
        child[1].n_local_ts = 4;
    }
}

static void networks_are_told(void **state)
{
    (void)state;
    static const uint16_t all[] = {IKE_CFG1_IP4_ADDRESS, IKE_CFG1_IP4_SUBNET, 0};
    static const uint8_t want[] = {0, 13, 0, 8, 10,  2,   0, 0, 255, 255, 0,   0, /* child 0 has it too */
                                   0, 13, 0, 8, 192, 168, 7, 9, 255, 255, 255, 255};
    struct ike_message m;
    struct ike_v1_config cfg;
    v1_up(NULL, networks);
    answer_of(&b, &m, &cfg, ask(&b, IKE_CFG1_REQUEST, 70, all));
    assert_int_equal(cfg.attrs.len, 8 + sizeof want);
    assert_memory_equal(cfg.attrs.ptr + 8, want, sizeof want);
}

/* An established client is given another one, none, and one nobody can have. */
static void a_set_is_taken_if_it_makes_sense(void **state)
{
    (void)state;
    static const struct {
        uint16_t attr;
        const char *value;
        size_t len;
        bool taken;
    } rows[] = {{IKE_CFG1_IP4_ADDRESS, "\x0a\x09\x00\x63", 4, true},
                {IKE_CFG1_IP4_ADDRESS, "\x7f\x00\x00\x01", 4, false},
                {IKE_CFG1_IP4_ADDRESS, "\xe0\x00\x00\x01", 4, false},
                {IKE_CFG1_IP4_ADDRESS, "\0\0\0\0", 4, false},
                {IKE_CFG1_IP4_ADDRESS, "\x0a\x09\x00", 3, false},
                {IKE_CFG1_IP4_ADDRESS, "\x0a\x09\0\x65\0", 5, false},
                {IKE_CFG1_IP4_ADDRESS, "", 0, false},
                {IKE_CFG1_IP4_DNS, "\x0a\x09\x00\x64", 4, false},
                {IKE_CFG1_IP6_ADDRESS, "0123456789abcdef", 16, false}};
    v1_up(with_address, client_and_server);
    for (uint32_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_chain c = v1_chain(&a);
        struct ike_message m;
        struct ike_v1_config cfg;
        ike_path path = path_to(&a);
        size_t at = ike_v1_begin_config(&c, IKE_CFG1_SET, 1);
        ike_addr before = look(&a).inner;
        ike_v1_put_attr(&c.w, rows[i].attr, ike_bytes_of(rows[i].value, rows[i].len));
        ike_chain_end(&c, at);
        size_t n = v1_forge(&a, IKE_X1_TRANSACTION, 70 + i, &c, true);
        assert_int_equal(node_input(&a, &path, forged, n), IKE_OK);
        answer_of(&a, &m, &cfg, n);
        assert_int_equal(cfg.type, IKE_CFG1_ACK);
        ike_addr after = look(&a).inner;
        assert_int_equal(memcmp(&before, &after, sizeof after) != 0, rows[i].taken);
    }
    assert_int_equal(told, 2);
    assert_int_equal(untold, 1);
    assert_int_equal(counters(&a).children, 0); /* it was of the first address */
}

/* A reload with close_changed: an address that is not of the pool any more is nobody's. */
static void who_has_an_address_of_another_pool_goes(void **state)
{
    (void)state;
    static const struct {
        const char *pool;
        bool stays;
    } rows[] = {{"10.9.0.10-10.9.0.20", true}, {"10.9.0.0/16", true}, {"10.8.0.0/16", false}, {NULL, false}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_child_settings child[2];
        v1_up(NULL, client_and_server);
        ike_conn_settings s = conn_settings(&b, child);
        s.version = 1;
        s.pool = rows[i].pool ? lab_ts(rows[i].pool) : (ike_ts){0};
        assert_int_equal(ike_conn_replace(b.e, b.conn, &s, true, now), IKE_OK);
        wire_run();
        assert_int_equal(counters(&b).sas, rows[i].stays);
        assert_int_equal(counters(&a).sas, rows[i].stays);
        assert_int_equal(b.e->db.by_lease.count, rows[i].stays);
        pair_end();
    }
    v1_new(NULL, NULL);
}

/* ---- The host's addresses -------------------------------------------------------------------------------------------------- */

static ike_token asked[4];
static unsigned n_asked, n_released;
static uint8_t released[4]; /* the last octet of each */

static int lease_hook(void *user, ike_token t, const ike_lease_question *q, ike_addr *out)
{
    (void)user, (void)out;
    assert_int_equal(q->family, 4);
    asked[n_asked++ % IKE_COUNT(asked)] = t;
    return IKE_PENDING;
}

static void release_hook(void *user, ike_conn_id conn, const ike_addr *address)
{
    (void)user, (void)conn;
    released[n_released++ % IKE_COUNT(released)] = address->ip[3];
}

static void with_leases(struct node *x, ike_settings *s)
{
    if (x == &b) {
        s->host.hooks.lease = lease_hook;
        s->host.hooks.release = release_hook;
    }
}

/* Two requests, and the host thinks about both: the peer has one address, and the host the other one back. */
static void of_two_answers_one_is_given_back(void **state)
{
    (void)state;
    static const uint16_t one[] = {IKE_CFG1_IP4_ADDRESS, 0};
    const ike_addr first = {.family = 4, .ip = {10, 9, 0, 1}}, second = {.family = 4, .ip = {10, 9, 0, 2}};
    struct ike_message m;
    struct ike_v1_config cfg;
    struct ike_v1_attr attr;
    n_asked = n_released = 0;
    v1_up(with_leases, NULL);
    (void)ask(&b, IKE_CFG1_REQUEST, 70, one);
    size_t n = ask(&b, IKE_CFG1_REQUEST, 71, one);
    assert_true(n_asked == 2 && b.n_out == 0);
    assert_int_equal(ike_answer_lease(b.e, asked[0], IKE_OK, &first, now), IKE_OK);
    assert_int_equal(ike_answer_lease(b.e, asked[1], IKE_OK, &second, now), IKE_OK);
    answer_of(&b, &m, &cfg, n); /* of the second request: the address that the peer has */
    assert_true(ike_v1_config_find(&cfg, IKE_CFG1_IP4_ADDRESS, &attr) && attr.value.ptr[3] == 1);
    assert_true(n_released == 1 && released[0] == 2);
    assert_int_equal(counters(&b).questions, 0);
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    wire_run();
    assert_true(n_released == 2 && released[1] == 1);
}

/* A peer that has an address may use that and no other. */
static void a_peer_has_its_address_only(void **state)
{
    (void)state;
    v1_up(NULL, client_and_server);
    struct ike_sa *sa = node_sa(&b);
    ike_child_settings k = *ike_child_conf(node_child(&b));
    ike_ts buf, wide = lab_ts("10.0.0.0/8"), other = lab_ts("10.8.0.0/16");
    size_t n;
    const ike_ts *ts = ike_ts_side(sa, &k, false, &sa->path, &n, &buf);
    assert_int_equal(n, 1);
    assert_memory_equal(ts->lo, sa->peer->lease->address.ip, 4);
    assert_memory_equal(ts->hi, sa->peer->lease->address.ip, 4);
    k.remote_ts = &wide;
    k.n_remote_ts = 1;
    (void)ike_ts_side(sa, &k, false, &sa->path, &n, &buf);
    assert_int_equal(n, 1);
    k.remote_ts = &other;
    (void)ike_ts_side(sa, &k, false, &sa->path, &n, &buf);
    assert_int_equal(n, 0);
    k.remote_ts = &wide;
    ike_lease_drop(&b.e->db, sa->peer);
    (void)ike_ts_side(sa, &k, false, &sa->path, &n, &buf);
    assert_int_equal(n, 0);
}

#define T(name) cmocka_unit_test_teardown(name, pair_is_over)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_is_given_and_told_of),
        T(the_same_peer_gets_the_same_again),
        T(a_pool_gives_each_address_once),
        T(a_pool_of_ipv6_stays_within),
        T(a_reply_has_what_was_asked_for),
        T(what_is_begun_is_not_begun_again),
        T(networks_are_told),
        T(a_set_is_taken_if_it_makes_sense),
        T(a_peer_has_its_address_only),
        T(of_two_answers_one_is_given_back),
        T(who_has_an_address_of_another_pool_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
