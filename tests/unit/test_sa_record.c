/* SPDX-License-Identifier: ISC
 *
 * What a record holds, octet by octet where the format says so; an IKE SA as it comes out of the database.
 */
#include "unit/sa_help.h"

#include "sa/record.h"

static struct sa_lab lab;
static struct ike_sa *sa;
static uint8_t octets[2048];

static int begin(void **state)
{
    (void)state;
    const ike_id us = {IKE_ID_FQDN, IKE_STR("us.example")}, them = {IKE_ID_FQDN, IKE_STR("them.example")};
    const ike_path path = {.local = lab_addr("192.0.2.1:500"), .remote = lab_addr("192.0.2.2:500"), .encap = 1};
    sa_lab_init(&lab);
    lab.core.now = 1000 * IKE_SEC;
    struct ike_conn *conn = sa_lab_conn(&lab, "c", "192.0.2.2", 0);
    sa = ike_sa_new(&lab.db, true, &path);
    sa->spi_i = UINT64_C(0x0102030405060708);
    sa->spi_r = 9;
    ike_sa_bind(&lab.db, sa, conn);
    ike_sa_join(&lab.db, sa, ike_peer_get(&lab.db, conn, &us, &them, ike_bytes_of(NULL, 0)));
    sa->state = IKE_SA_ESTABLISHED;
    sa->established = 990 * IKE_SEC;
    sa->rekey_at = 1500 * IKE_SEC;
    sa->own_mid = 7;
    return 0;
}

static int end(void **state)
{
    (void)state;
    struct ike_conn *conn = sa->conn;
    ike_sa_retire(&lab.db, sa);
    ike_conn_retire(&lab.db, conn);
    sa_lab_end(&lab);
    return 0;
}

static struct ike_child *add_child(void)
{
    const ike_ts ts[2] = {lab_ts("10.1.0.0/16"), lab_ts("10.2.0.0/16")};
    const struct ike_beside comp = {.suite.protocol = IKE_PROTO_IPCOMP, .spi_in = 300, .spi_out = 400};
    const struct ike_child_parts p = {.local = ts,
                                      .remote = ts + 1,
                                      .n_local = 1,
                                      .n_remote = 1,
                                      .key_e = 20,
                                      .key_a = 32,
                                      .beside = &comp,
                                      .n_beside = IKE_WITH_BUNDLES};
    struct ike_child *k = ike_child_new(&lab.db, sa->peer, sa->conf, 1, &p);
    assert_non_null(k);
    k->sa = sa->id;
    k->state = IKE_CHILD_INSTALLED;
    k->in_installed = k->out_installed = true;
    k->suite.protocol = IKE_PROTO_ESP;
    k->spi_in = 0x1000;
    k->spi_out = 0x2000;
    k->reqid = 5;
    k->path = sa->path;
    k->established = 995 * IKE_SEC;
    memset(ike_child_keys(k, true), 0x11, 52);
    memset(ike_child_keys(k, false), 0x22, 52);
    return k;
}

static void the_beginning_is_as_it_is_written_down(void **state)
{
    (void)state;
    static const uint8_t head[] = {'i', 'k', 'e', 'S', 1, /* flags */ 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0,
                                   0,   0,   0,   0,   9};
    size_t n = ike_record_put(sa, lab.core.now, octets, sizeof octets);
    assert_memory_equal(octets, head, sizeof head);
    for (size_t cap = 0; cap < n; cap++) { /* says how much it takes, and writes no more than there is room */
        uint8_t *exact = malloc(cap + 1);
        exact[cap] = 0x5a;
        assert_int_equal(ike_record_put(sa, lab.core.now, exact, cap), n);
        assert_int_equal(exact[cap], 0x5a);
        free(exact);
    }
}

static void times_are_those_of_the_reader(void **state)
{
    (void)state;
    struct ike_record r;
    struct ike_sa got = {.id = 0};
    size_t n = ike_record_put(sa, lab.core.now, octets, sizeof octets);
    assert_int_equal(ike_record_open(&r, octets, n, 5 * IKE_SEC, 50 * IKE_SEC), IKE_OK);
    assert_int_equal(ike_record_sa(&r, &got), IKE_OK);
    assert_int_equal(got.established, 35 * IKE_SEC); /* 15 s ago by then */
    assert_int_equal(got.rekey_at, 545 * IKE_SEC);
    assert_true(got.expires_at == IKE_NEVER);
    assert_int_equal(got.own_mid, 7);
    assert_true(got.spi_i == sa->spi_i && got.spi_r == sa->spi_r && got.initiator && ike_path_equal(&got.path, &sa->path));
    assert_int_equal(ike_record_open(&r, octets, n, 600 * IKE_SEC, 3 * IKE_SEC), IKE_OK);
    assert_int_equal(ike_record_sa(&r, &got), IKE_OK);
    assert_int_equal(got.established, 1);        /* before the reader's clock began */
    assert_int_equal(got.rekey_at, 3 * IKE_SEC); /* overdue */
}

static void a_child_comes_back_with_all_it_has(void **state)
{
    (void)state;
    struct ike_record r;
    struct ike_ts_list local, remote;
    struct ike_record_child in = {.local = &local, .remote = &remote};
    struct ike_child *k = add_child();
    size_t n = ike_record_put(sa, lab.core.now, octets, sizeof octets);
    assert_int_equal(ike_record_open(&r, octets, n, 0, lab.core.now), IKE_OK);
    assert_int_equal(ike_record_child(&r, &in), IKE_OK);
    assert_true(ike_bytes_equal(in.name, IKE_STR("voice")));
    struct ike_child *got = ike_child_new(&lab.db, sa->peer, sa->conf, 1, &in.parts);
    ike_record_fill(&r, &in, got);
    assert_int_equal(got->spi_in, 0x1000);
    assert_int_equal(got->spi_out, 0x2000);
    assert_int_equal(got->reqid, 5);
    assert_int_equal(got->established, k->established);
    assert_int_equal(got->size, k->size);
    assert_memory_equal(got + 1, k + 1, k->size - sizeof *k); /* what is besides, selectors, keys */
    assert_int_equal(ike_record_child(&r, &in), IKE_ERR_NOT_FOUND);
    ike_child_retire(&lab.db, got);
    ike_child_retire(&lab.db, k);
}

/* A record of a build that has more. */
static void what_the_build_leaves_out_is_not_taken(void **state)
{
    (void)state;
    struct ike_record r;
    struct ike_ts_list local, remote;
    struct ike_record_child in = {.local = &local, .remote = &remote};
    struct ike_child *k = add_child();
    k->mode = IKE_MODE_TRANSPORT;
    size_t n = ike_record_put(sa, lab.core.now, octets, sizeof octets);
    assert_int_equal(ike_record_open(&r, octets, n, 0, lab.core.now), IKE_OK);
    assert_int_equal(ike_record_child(&r, &in), IKE_WITH_BUNDLES ? IKE_OK : IKE_ERR_UNSUPPORTED);
    ike_child_retire(&lab.db, k);
}

static void each_thing_that_is_open_keeps_it_from_being_written(void **state)
{
    (void)state;
    struct ike_child *k = add_child();
    assert_true(ike_record_ready(sa));
    bool *flags[] = {&k->rekeyed, &k->contested};
    for (unsigned i = 0; i < IKE_COUNT(flags); i++) {
        *flags[i] = true;
        assert_false(ike_record_ready(sa));
        *flags[i] = false;
    }
    k->out_installed = false;
    assert_false(ike_record_ready(sa));
    k->out_installed = true;
    k->state = IKE_CHILD_REKEYING;
    assert_false(ike_record_ready(sa));
    k->sa = sa->id + 1; /* of another IKE SA of the peer's */
    assert_true(ike_record_ready(sa));
    sa->yield_at = 5;
    assert_false(ike_record_ready(sa));
    sa->yield_at = IKE_NEVER;
    sa->replaced_by = 5;
    assert_false(ike_record_ready(sa));
    sa->replaced_by = 0;
    sa->state = IKE_SA_REKEYING;
    assert_false(ike_record_ready(sa));
    sa->state = IKE_SA_ESTABLISHED;
    ike_child_retire(&lab.db, k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_beginning_is_as_it_is_written_down, begin, end),
        cmocka_unit_test_setup_teardown(times_are_those_of_the_reader, begin, end),
        cmocka_unit_test_setup_teardown(a_child_comes_back_with_all_it_has, begin, end),
        cmocka_unit_test_setup_teardown(what_the_build_leaves_out_is_not_taken, begin, end),
        cmocka_unit_test_setup_teardown(each_thing_that_is_open_keeps_it_from_being_written, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
