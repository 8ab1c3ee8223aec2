/* SPDX-License-Identifier: ISC
 *
 * A child's negotiation (RFC 7296 sections 1.3, 2.9): answers of an authenticated peer that are not what was asked for, what
 * happens to the SPI and to the peer's SA when the child does not come about, and what a responder says that cannot make it.
 */
#include "unit/engine_help.h"

enum { PEER_SPI = 0x5001 };

static uint16_t failed_with;
static unsigned spis_got, spis_put;
static uint32_t spi_given, spi_back;
static int add_result;

static void on_event(void *user, const ike_event *ev)
{
    node_event(user, ev);
    if (ev->type == IKE_EV_FAILED) {
        failed_with = ev->failure->code;
    }
}

static int get_spi(void *user, ike_token t, const ike_path *p, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    (void)user, (void)t, (void)p, (void)protocol, (void)reqid;
    spis_got++;
    *spi = spi_given;
    return IKE_OK;
}

static void put_spi(void *user, const ike_path *p, uint8_t protocol, uint32_t spi)
{
    (void)user, (void)p, (void)protocol;
    spis_put++;
    spi_back = spi;
}

static int add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    return add_result == IKE_OK ? node_add(user, t, sa) : add_result;
}

static void plane(struct node *x, ike_settings *s)
{
    if (x == &a) {
        s->host.event = on_event;
        s->host.sadb.get_spi = get_spi;
        s->host.sadb.put_spi = put_spi;
        s->host.sadb.add = add;
    }
}

static int begin(void **state)
{
    (void)state;
    spi_given = 0x1000;
    add_result = IKE_OK;
    pair_up(plane);
    failed_with = 0;
    spis_got = spis_put = a.adds = a.removes = 0;
    spi_given = 0x2000;
    return 0;
}

/* b's true answer to a's request for "six", which is to be changed. */
static struct ike_message true_answer(void)
{
    struct ike_message m;
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m));
    assert_non_null(ike_message_find(&m, IKE_P_SA, 0));
    return m;
}

/* What of the answer is said otherwise; NULL and 0: as it was. */
struct change {
    const char *tsi, *tsr;
    uint32_t spi;
    bool transport;
    uint8_t number; /* of the proposal */
};

static void answer(const struct change *k)
{
    static uint8_t body[1024];
    struct ike_message m = true_answer();
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    for (unsigned i = 0; i < m.n; i++) {
        const struct ike_payload *p = &m.p[i];
        const char *text = p->type == IKE_P_TSI ? k->tsi : p->type == IKE_P_TSR ? k->tsr : NULL;
        if (!p->inner) {
            continue;
        }
        assert_true(p->len <= sizeof body);
        memcpy(body, p->body, p->len);
        if (p->type == IKE_P_SA) {
            ike_store32(body + 8, k->spi ? k->spi : PEER_SPI);
            body[4] = k->number ? k->number : body[4];
        }
        if (text) {
            ike_ts ts = lab_ts(text);
            ike_put_ts(&c, p->type, &ts, 1);
        } else {
            ike_put_payload(&c, p->type, ike_bytes_of(body, p->len));
        }
    }
    if (k->transport) {
        ike_put_notify(&c, IKE_N_USE_TRANSPORT_MODE, ike_bytes_of(NULL, 0));
    }
    size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(&a, &path, forged, n);
}

/* No SA of it anywhere here, the SPI is given back once, the IKE SA stands. */
static void nothing_is_left(uint16_t code)
{
    assert_int_equal(failed_with, code);
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&a).sas, 1);
    assert_int_equal(a.adds, a.removes);
    assert_int_equal(spis_got, 1);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    if (a.removes == 0) { /* otherwise it went with the SA */
        assert_int_equal(spis_put, 1);
        assert_int_equal(spi_back, 0x2000);
    }
}

/* The peer has made its SA: it is told that ours does not exist. */
static void a_delete_is_sent(void)
{
    struct ike_message m;
    struct ike_delete d;
    assert_int_equal(a.n_out, 1);
    assert_true(open_reply(&a, &m));
    assert_int_equal(m.h.exchange, IKE_X_INFORMATIONAL);
    assert_non_null(ike_message_find(&m, IKE_P_DELETE, 0));
    assert_int_equal(ike_delete_parse(&d, ike_message_find(&m, IKE_P_DELETE, 0)), IKE_OK);
    assert_true(d.protocol == IKE_PROTO_ESP && d.count == 1);
    assert_int_equal(ike_load32(d.spis), 0x2000);
}

static void wider_selectors_are_deleted_again(void **state)
{
    (void)state;
    answer(&(struct change){.tsr = "2001:db8::/32"});
    nothing_is_left(IKE_FAIL_SELECTORS);
    a_delete_is_sent();
}

static void wider_selectors_on_our_side_too(void **state)
{
    (void)state;
    answer(&(struct change){.tsi = "::/0"});
    nothing_is_left(IKE_FAIL_SELECTORS);
    a_delete_is_sent();
}

static void narrower_selectors_are_taken(void **state)
{
    (void)state;
    answer(&(struct change){.tsi = "2001:db8:1:5::/64", .tsr = "2001:db8:2:7::1/128"});
    assert_int_equal(failed_with, 0);
    assert_int_equal(counters(&a).children, 2);
    assert_int_equal(a.adds, 2);
    assert_int_equal(spis_put, 0);
}

static void transport_mode_that_was_not_asked_for(void **state)
{
    (void)state;
    answer(&(struct change){.transport = true});
    nothing_is_left(IKE_FAIL_MODE);
    a_delete_is_sent();
}

static void a_reserved_spi_of_the_peer_is_refused(void **state)
{
    (void)state;
    answer(&(struct change){.spi = 255});
    nothing_is_left(IKE_FAIL_NO_CHILD_PROPOSAL);
    a_delete_is_sent();
}

static void a_proposal_that_was_not_offered_is_deleted_again(void **state)
{
    (void)state;
    answer(&(struct change){.number = 9});
    nothing_is_left(IKE_FAIL_NO_CHILD_PROPOSAL);
    a_delete_is_sent();
}

static void a_reserved_spi_of_the_kernel_is_not_used(void **state)
{
    (void)state;
    spi_given = 255;
    (void)ike_initiate(a.e, a.conn, "six", now);
    assert_int_equal(a.n_out, 0);
    assert_int_equal(failed_with, IKE_FAIL_KERNEL);
    assert_int_equal(counters(&a).children, 1);
}

static void what_the_kernel_refuses_is_deleted_and_the_spi_given_back(void **state)
{
    (void)state;
    add_result = IKE_ERR_HOST;
    answer(&(struct change){.tsi = NULL});
    nothing_is_left(IKE_FAIL_KERNEL);
    a_delete_is_sent();
}

/* ---- The responder ------------------------------------------------------------------------------------------------------ */

static unsigned adds_left, spis_left;
static uint32_t max_children;

static int limited_add(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    (void)node_add(user, t, sa);
    return adds_left-- ? IKE_OK : IKE_ERR_HOST;
}

static int limited_spi(void *user, ike_token t, const ike_path *p, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    static uint32_t last = 0x3000;
    (void)user, (void)t, (void)p, (void)protocol, (void)reqid;
    *spi = ++last;
    return spis_left-- ? IKE_OK : IKE_ERR_HOST;
}

static void limits(struct node *x, ike_settings *s)
{
    if (x == &b) {
        s->host.sadb.add = limited_add;
        s->host.sadb.get_spi = limited_spi;
        s->max_children = max_children ? max_children : s->max_children;
    }
}

static void begin_limited(unsigned adds, unsigned spis, uint32_t children)
{
    adds_left = adds;
    spis_left = spis;
    max_children = children;
    pair_up(limits);
    b.n_out = 0;
}

/* a asks for another child; b answers with this notify, and what was up before stays up for long after. */
static void refused_with(uint16_t notify)
{
    struct ike_message m;
    struct ike_notify said;
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    (void)wire_step(&a);
    assert_true(open_reply(&b, &m) && ike_message_error(&m, &said));
    assert_int_equal(said.type, notify);
    for (unsigned i = 0; i < 300; i++, now += IKE_SEC) {
        wire_run();
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
    }
    assert_true(counters(&a).sas == 1 && counters(&b).sas == 1);
    assert_true(counters(&a).children == 1 && counters(&b).children == 1);
    assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN) + node_saw(&a, IKE_EV_CHILD_DOWN), 0);
    pair_end();
}

/* TEMPORARY_FAILURE would have the peer ask again for minutes, and give the whole IKE SA up in the end. */
static void a_refusal_of_the_data_plane_is_no_temporary_failure(void **state)
{
    (void)state;
    begin_limited(2, 99, 0);
    refused_with(IKE_N_NO_PROPOSAL_CHOSEN);
    begin_limited(99, 1, 0);
    refused_with(IKE_N_NO_PROPOSAL_CHOSEN);
}

static void a_full_engine_says_so(void **state)
{
    (void)state;
    begin_limited(99, 99, 1);
    refused_with(IKE_N_NO_ADDITIONAL_SAS);
}

/* The limit of a connection is for each IKE SA: it holds for a further child, not for one that replaces another, nor for a peer
 * that has lost all it knew and comes back. */
static void children_are_counted_per_ike_sa_and_without_the_replaced(void **state)
{
    (void)state;
    ike_child_settings child[2];
    ike_settings fresh;
    for (unsigned restart = 0; restart < 2; restart++) {
        begin_limited(99, 99, 0);
        ike_conn_settings s = conn_settings(&b, child);
        s.max_children = 1;
        assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
        if (!restart) {
            assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
            wire_run();
            assert_int_equal(node_saw(&a, IKE_EV_CHILD_REKEYED), 1);
            refused_with(IKE_N_NO_ADDITIONAL_SAS);
            continue;
        }
        ike_engine_free(a.e);
        node_settings(&a, &fresh);
        a.lab.seed = 4000;
        a.n_out = a.n_events = 0;
        assert_int_equal(ike_engine_new(&a.e, &fresh, now), IKE_OK);
        assert_int_equal(node_conn(&a, "secret", &a.conn), IKE_OK);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
        pair_end();
    }
}

/* Both are wishes, which a responder that does not have them, or is not to, passes over (RFC 7296 sections 1.3.1, 2.22). */
static void transport_mode_and_ipcomp_are_not_taken_up(void **state)
{
    (void)state;
    struct ike_chain c = inner_chain();
    struct ike_message m;
    struct ike_notify n;
    ike_child_info info = {.size = sizeof info};
    const ike_path path = path_to(&b);
    const uint8_t cpi[] = {0x10, 0, 2};
    ike_put_notify(&c, IKE_N_USE_TRANSPORT_MODE, ike_bytes_of(NULL, 0));
    ike_put_notify(&c, IKE_N_IPCOMP_SUPPORTED, ike_bytes_of(cpi, sizeof cpi));
    put_child_offer(&c, PEER_SPI, "2001:db8:1::/48", "2001:db8:2::/48", NULL);
    size_t len = forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c);
    (void)node_input(&b, &path, forged, len);
    assert_int_equal(counters(&b).children, 2);
    assert_true(open_reply(&b, &m) && ike_message_find(&m, IKE_P_SA, 0));
    assert_false(ike_message_notify(&m, IKE_N_USE_TRANSPORT_MODE, &n));
    assert_false(ike_message_notify(&m, IKE_N_IPCOMP_SUPPORTED, &n));
    for (ike_child_id id = 0; ike_child_next(b.e, id, &info) == IKE_OK; id = info.id) {
        assert_int_equal(info.mode, IKE_MODE_TUNNEL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transport_mode_and_ipcomp_are_not_taken_up, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(wider_selectors_are_deleted_again, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(wider_selectors_on_our_side_too, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(narrower_selectors_are_taken, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(transport_mode_that_was_not_asked_for, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_reserved_spi_of_the_peer_is_refused, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_proposal_that_was_not_offered_is_deleted_again, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_reserved_spi_of_the_kernel_is_not_used, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(what_the_kernel_refuses_is_deleted_and_the_spi_given_back, begin, pair_is_over),
        cmocka_unit_test(a_refusal_of_the_data_plane_is_no_temporary_failure),
        cmocka_unit_test(a_full_engine_says_so),
        cmocka_unit_test(children_are_counted_per_ike_sa_and_without_the_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
