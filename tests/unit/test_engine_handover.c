/* SPDX-License-Identifier: ISC
 *
 * An IKE SA goes from one engine to the next of the same host; its peer, an engine as well, notices nothing.
 */
#include "unit/engine_help.h"

static uint8_t record[4096];
static size_t record_len;
static bool kernel_keeps; /* it has all SAs that it is asked for */
static uint32_t lost;     /* ... but this one */
static unsigned adopted;
static ike_ipsec_sa last_add;

static int node_adopt(void *user, const ike_ipsec_sa *sa)
{
    (void)user;
    if (!kernel_keeps || sa->spi == lost) {
        return IKE_ERR_NOT_FOUND;
    }
    adopted++;
    return IKE_OK;
}

static int add_seen(void *user, ike_token t, const ike_ipsec_sa *sa)
{
    last_add = *sa;
    return node_add(user, t, sa);
}

static void with_adopt(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.sadb.adopt = node_adopt;
    s->host.sadb.add = add_seen;
}

static int begin(void **state)
{
    (void)state;
    kernel_keeps = true;
    lost = adopted = 0;
    pair_up(with_adopt);
    return 0;
}

static int export_first(const struct node *x)
{
    record_len = sizeof record;
    return ike_sa_export(x->e, node_sa(x)->id, record, &record_len, now);
}

/* An engine with the connection, and nothing else. */
static void fresh_engine(struct node *x)
{
    ike_settings s;
    ike_engine_free(x->e);
    assert_int_equal(x->lab.blocks, 0);
    node_settings(x, &s);
    with_adopt(x, &s);
    x->lab.seed = 9000;
    x->n_out = x->n_events = x->removes = 0;
    assert_int_equal(ike_engine_new(&x->e, &s, now), IKE_OK);
    assert_int_equal(node_conn(x, "secret", &x->conn), IKE_OK);
}

static int import_record(struct node *x, ike_time age)
{
    ike_sa_id id;
    int r = ike_sa_import(x->e, record, record_len, age, &id, now);
    assert_true((r == IKE_OK) == (id != 0));
    return r;
}

static void hand_over(struct node *x)
{
    assert_int_equal(export_first(x), IKE_OK);
    fresh_engine(x);
    assert_int_equal(import_record(x, 0), IKE_OK);
}

/* Whatever either side begins works. */
static void goes_on(void)
{
    for (unsigned side = 0; side < 2; side++) {
        struct node *x = side ? &b : &a;
        x->n_events = 0;
        assert_int_equal(ike_child_rekey(x->e, node_child(x)->id, now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(x, IKE_EV_CHILD_REKEYED), 1);
        assert_int_equal(ike_sa_check(x->e, node_sa(x)->id, now), IKE_OK);
        wire_run();
        assert_int_equal(counters(x).exchanges, 0);
        assert_int_equal(ike_sa_rekey(x->e, node_sa(x)->id, now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(x, IKE_EV_SA_REKEYED), 1);
    }
    assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
}

static void the_initiator_goes_on(void **state)
{
    (void)state;
    hand_over(&a);
    assert_int_equal(adopted, 2);
    assert_int_equal(node_saw(&a, IKE_EV_SA_UP), 1);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    assert_int_equal(a.n_out, 1); /* a sign of life */
    wire_run();
    goes_on();
}

static void the_responder_goes_on(void **state)
{
    (void)state;
    hand_over(&b);
    wire_run();
    goes_on();
}

/* It went through an engine, and a sign of life was asked for: nothing but the next message id is other than before. */
static void what_is_read_is_what_was_written(void **state)
{
    (void)state;
    static uint8_t before[sizeof record];
    node_sa(&a)->last_in = node_sa(&a)->last_out = now;
    hand_over(&a);
    size_t len = record_len;
    memcpy(before, record, len);
    wire_run();
    assert_int_equal(export_first(&a), IKE_OK);
    assert_int_equal(record_len, len);
    const size_t own_mid = 4 + 1 + 5 + 16 + 13 + 4;
    assert_int_equal(ike_load32(record + own_mid), ike_load32(before + own_mid) + 1);
    memcpy(record + own_mid, before + own_mid, 4);
    assert_memory_equal(record, before, len);
}

/* The answer was lost, and the request comes again behind the change. */
static void the_last_answer_goes_along(void **state)
{
    (void)state;
    static uint8_t request[2048], reply[2048];
    ike_path path;
    assert_int_equal(ike_child_rekey(b.e, node_child(&b)->id, now), IKE_OK);
    size_t n = b.out[0].n;
    memcpy(request, b.out[0].bytes, n);
    path = path_back(&b.out[0].path);
    (void)wire_step(&b);
    size_t answer = a.out[0].n;
    memcpy(reply, a.out[0].bytes, answer);
    wire_run(); /* and the Delete of the old child */
    assert_int_equal(ike_sa_check(b.e, node_sa(&b)->id, now), IKE_OK);
    n = b.out[0].n;
    memcpy(request, b.out[0].bytes, n);
    (void)wire_step(&b);
    answer = a.out[0].n;
    memcpy(reply, a.out[0].bytes, answer);
    a.n_out = 0; /* lost */
    hand_over(&a);
    a.n_out = 0;
    assert_int_equal(node_input(&a, &path, request, n), IKE_OK);
    assert_int_equal(a.n_out, 1);
    assert_int_equal(a.out[0].n, answer);
    assert_memory_equal(a.out[0].bytes, reply, answer);
}

static void what_the_data_plane_has_lost_is_made_anew(void **state)
{
    (void)state;
    assert_int_equal(export_first(&a), IKE_OK);
    uint32_t old = node_child(&a)->spi_in;
    lost = node_child(&a)->spi_out;
    fresh_engine(&a);
    assert_int_equal(import_record(&a, 0), IKE_OK);
    assert_int_equal(a.removes, 1); /* the half that was there */
    assert_int_equal(counters(&a).children, 0);
    wire_run();
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_DOWN), 1);
    assert_int_equal(counters(&b).children, 0);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_not_equal(node_child(&a)->spi_in, old);
}

static void a_child_that_is_not_configured_any_more_goes(void **state)
{
    (void)state;
    assert_int_equal(export_first(&a), IKE_OK);
    fresh_engine(&a);
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&a, child);
    child[0].name = "other";
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).sas + counters(&b).sas, 2);
    assert_int_equal(counters(&a).children + counters(&b).children, 0);
}

/* The second record's child is not configured any more; the one that has its SPI is the first's. */
static void nobody_elses_child_is_taken(void **state)
{
    (void)state;
    ike_child_settings child[2];
    assert_int_equal(export_first(&a), IKE_OK);
    fresh_engine(&a);
    assert_int_equal(import_record(&a, 0), IKE_OK);
    wire_run();
    ike_conn_settings s = conn_settings(&a, child);
    s.unique = false;
    child[0].name = "other";
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    record[10] ^= 0xff; /* another IKE SA, by our SPI */
    lost = node_child(&a)->spi_in;
    assert_int_equal(import_record(&a, 0), IKE_OK);
    assert_int_equal(counters(&a).sas, 2);
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(a.removes, 0);
}

static void what_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    uint8_t room[sizeof record];
    assert_int_equal(export_first(&a), IKE_OK);
    memset(room, 0x5a, sizeof room);
    size_t len = record_len - 1;
    assert_int_equal(ike_sa_export(a.e, node_sa(&a)->id, room, &len, now), IKE_ERR_BUFFER);
    assert_int_equal(len, record_len);
    for (size_t i = 0; i < sizeof room; i++) {
        assert_int_equal(room[i], 0x5a);
    }
}

static void only_what_is_at_rest_is_written(void **state)
{
    (void)state;
    uint8_t none[1];
    size_t len = 0;
    ike_sa_id id = node_sa(&a)->id;
    assert_int_equal(ike_sa_export(a.e, id, NULL, &len, now), IKE_ERR_BUFFER);
    assert_int_equal(export_first(&a), IKE_OK);
    assert_int_equal(len, record_len);
    len = sizeof none;
    assert_int_equal(ike_sa_export(a.e, id + 1, none, &len, now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    assert_int_equal(export_first(&a), IKE_ERR_STATE);
    wire_run();
    assert_int_equal(export_first(&a), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    (void)wire_step(&a);
    assert_int_equal(export_first(&a), IKE_ERR_STATE);
    wire_run();
    assert_int_equal(ike_sa_rekey(b.e, node_sa(&b)->id, now), IKE_OK);
    (void)wire_step(&b); /* the old one waits for its Delete */
    assert_int_equal(export_first(&a), IKE_ERR_STATE);
    wire_run();
    assert_int_equal(export_first(&a), IKE_OK);
}

/* Lives are counted from when it came up, wherever that was. */
static void time_goes_on(void **state)
{
    (void)state;
    const ike_time age = 100 * IKE_SEC;
    ike_time rekey_at = node_sa(&a)->rekey_at, expires_at = node_child(&a)->expires_at;
    assert_int_equal(export_first(&a), IKE_OK);
    fresh_engine(&a);
    assert_int_equal(import_record(&a, age), IKE_OK);
    assert_int_equal(node_sa(&a)->rekey_at, rekey_at - age);
    assert_int_equal(node_child(&a)->expires_at, expires_at - age);
    assert_true(node_sa(&a)->established >= 1 && node_sa(&a)->established <= now);
    fresh_engine(&a);
    b.n_out = 0;
    assert_int_equal(import_record(&a, IKE_NEVER), IKE_OK); /* all of it is over */
    for (unsigned i = 0; i < 3; i++) {
        node_pass(&a, 1);
        wire_run();
    }
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
}

static void an_attempt_that_was_begun_ends(void **state)
{
    (void)state;
    assert_int_equal(export_first(&a), IKE_OK);
    fresh_engine(&a);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).sas, 1);
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN) + node_saw(&a, IKE_EV_SA_DOWN), 0);
    fresh_engine(&a);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    (void)wire_step(&a);
    (void)wire_step(&b); /* IKE_AUTH has left */
    assert_int_equal(import_record(&a, 0), IKE_ERR_STATE);
    wire_run();
    assert_int_equal(import_record(&a, 0), IKE_ERR_EXISTS);
    assert_int_equal(counters(&a).sas, 1);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    ike_child_settings child[2];
    assert_int_equal(export_first(&a), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_ERR_EXISTS);
    fresh_engine(&a);
    ike_conn_settings s = conn_settings(&a, child);
    s.remote_id = (ike_id){IKE_ID_FQDN, IKE_STR("other.example")};
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_ERR_AUTH);
    s = conn_settings(&a, child);
    s.remote_id = (ike_id){.type = IKE_ID_NONE};
    s.local_id = (ike_id){IKE_ID_FQDN, IKE_STR("other.example")};
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_ERR_AUTH);
    assert_int_equal(ike_conn_remove(a.e, a.conn, now), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_ERR_NOT_FOUND);
    assert_int_equal(node_conn(&a, "secret", &a.conn), IKE_OK);
    record[4]++;
    assert_int_equal(import_record(&a, 0), IKE_ERR_UNSUPPORTED);
    record[4]--;
    assert_int_equal(ike_engine_close(a.e, now), IKE_OK);
    assert_int_equal(import_record(&a, 0), IKE_ERR_STATE);
    assert_int_equal(counters(&a).sas + counters(&a).children + a.removes, 0);
}

static bool of_engine_5(struct node *x) { return x == &a; }
static void tagged(struct node *x, ike_settings *s)
{
    with_adopt(x, s);
    s->spi_tag_bits = of_engine_5(x) ? 4 : 0;
    s->spi_tag = of_engine_5(x) ? 5 : 0;
}

static void an_spi_with_the_tag_of_another_engine_is_refused(void **state)
{
    (void)state;
    ike_settings s;
    pair_up(tagged);
    assert_int_equal(export_first(&a), IKE_OK);
    for (unsigned tag = 5; tag < 7; tag++) {
        ike_engine_free(a.e);
        node_settings(&a, &s);
        with_adopt(&a, &s);
        s.spi_tag_bits = 4;
        s.spi_tag = tag;
        assert_int_equal(ike_engine_new(&a.e, &s, now), IKE_OK);
        assert_int_equal(node_conn(&a, "secret", &a.conn), IKE_OK);
        assert_int_equal(import_record(&a, 0), tag == 5 ? IKE_OK : IKE_ERR_INVALID);
    }
    pair_end();
}

/* Cut anywhere, and with any octet wrong: it is refused or taken, and nothing is left of it afterwards. */
static void a_damaged_record_does_no_harm(void **state)
{
    (void)state;
    static uint8_t whole[sizeof record];
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    assert_int_equal(export_first(&a), IKE_OK);
    size_t len = record_len;
    memcpy(whole, record, len);
    fresh_engine(&a);
    for (record_len = 0; record_len < len; record_len++) {
        ike_sa_id id;
        uint8_t *exact = malloc(record_len + 1); /* a sanitizer sees an overrun */
        memcpy(exact, whole, record_len);
        int r = ike_sa_import(a.e, exact, record_len, 0, &id, now);
        free(exact);
        if (r == IKE_OK) { /* the whole SA and none of its children */
            fresh_engine(&a);
        }
        assert_true(r == IKE_ERR_INVALID || r == IKE_OK);
        assert_int_equal(counters(&a).sas + counters(&a).children, 0);
    }
    unsigned refused = 0;
    for (size_t i = 0; i < len * IKE_COUNT(flips); i++) {
        memcpy(record, whole, len);
        record[i / IKE_COUNT(flips)] ^= flips[i % IKE_COUNT(flips)];
        refused += import_record(&a, 0) != IKE_OK;
        (void)ike_tick(a.e, now + IKE_SEC);
        fresh_engine(&a);
    }
    assert_true(refused > 100); /* most octets may have any value: keys, SPIs, times */
}

static void memory_may_be_short_at_any_point(void **state)
{
    (void)state;
    assert_int_equal(export_first(&a), IKE_OK);
    int r = IKE_ERR_NOMEM;
    for (long n = 0; r != IKE_OK; n++) {
        fresh_engine(&a);
        size_t before = a.lab.blocks;
        a.lab.allowed = n;
        r = import_record(&a, 0);
        a.lab.allowed = -1;
        assert_true(r == IKE_OK || r == IKE_ERR_NOMEM);
        assert_true(n < 100);
        if (r != IKE_OK) {
            assert_int_equal(counters(&a).sas + counters(&a).children, 0);
            assert_true(a.lab.blocks <= before + 4); /* tables that have grown */
            assert_int_equal(import_record(&a, 0), IKE_OK);
        }
    }
    fresh_engine(&a);
    a.lab.no_random = true;
    assert_int_equal(import_record(&a, 0), IKE_ERR_HOST);
    a.lab.no_random = false;
}

/* The policies stay those of the children that are there. */
static void reqids_are_kept(void **state)
{
    (void)state;
    uint32_t reqid = node_child(&a)->reqid;
    hand_over(&a);
    wire_run();
    assert_int_equal(node_child(&a)->reqid, reqid);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&a).children, 2);
    for (ike_child_info k = {.size = sizeof k, .id = 0}; ike_child_next(a.e, k.id, &k) == IKE_OK;) {
        assert_int_equal(k.reqid == reqid, strcmp(k.name, "lan") == 0);
    }
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    wire_run();
    ike_child_info k = {.size = sizeof k, .id = 0};
    for (unsigned lan = 0; ike_child_next(a.e, k.id, &k) == IKE_OK; lan++) {
        assert_int_equal(k.reqid == reqid, strcmp(k.name, "lan") == 0);
    }
}

/* An AEAD's counter begins anywhere else. */
static void no_iv_is_used_again(void **state)
{
    (void)state;
    uint8_t iv[8];
    hand_over(&a);
    assert_true(a.n_out == 1 && a.out[0].n > IKE_HEADER_LEN + 12);
    memcpy(iv, a.out[0].bytes + IKE_HEADER_LEN + 4, sizeof iv);
    fresh_engine(&a);
    (void)ike_next_timeout(a.e);
    a.lab.seed = 9001;
    assert_int_equal(import_record(&a, 0), IKE_OK);
    assert_memory_not_equal(iv, a.out[0].bytes + IKE_HEADER_LEN + 4, sizeof iv);
}

static int end(void **state) { return pair_is_over(state); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_initiator_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(the_responder_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(what_is_read_is_what_was_written, begin, end),
        cmocka_unit_test_setup_teardown(the_last_answer_goes_along, begin, end),
        cmocka_unit_test_setup_teardown(what_the_data_plane_has_lost_is_made_anew, begin, end),
        cmocka_unit_test_setup_teardown(a_child_that_is_not_configured_any_more_goes, begin, end),
        cmocka_unit_test_setup_teardown(nobody_elses_child_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_begun, begin, end),
        cmocka_unit_test_setup_teardown(only_what_is_at_rest_is_written, begin, end),
        cmocka_unit_test_setup_teardown(time_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(an_attempt_that_was_begun_ends, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, begin, end),
        cmocka_unit_test(an_spi_with_the_tag_of_another_engine_is_refused),
        cmocka_unit_test_setup_teardown(a_damaged_record_does_no_harm, begin, end),
        cmocka_unit_test_setup_teardown(memory_may_be_short_at_any_point, begin, end),
        cmocka_unit_test_setup_teardown(reqids_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(no_iv_is_used_again, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
