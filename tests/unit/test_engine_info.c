/* SPDX-License-Identifier: ISC
 *
 * Looking: what both ends of a tunnel say of it agrees, walks end, stale ids are not found, secrets are not shown.
 */
#include "unit/engine_help.h"

static unsigned queries;
static int query(void *user, const ike_ipsec_sa *sa, ike_usage *out)
{
    (void)user;
    queries++;
    out->bytes = sa->inbound ? 11 : 22;
    return IKE_OK;
}
static void with_query(struct node *x, ike_settings *s)
{
    (void)x;
    s->host.sadb.query = query;
}

static int up(void **state)
{
    (void)state;
    pair_up(with_query);
    return 0;
}

static void both_ends_agree(void **state)
{
    (void)state;
    ike_sa_info i, r;
    assert_int_equal(ike_sa_next(a.e, 0, &i), IKE_OK);
    assert_int_equal(ike_sa_next(b.e, 0, &r), IKE_OK);
    assert_true(i.size == sizeof i && i.spi_i == r.spi_i && i.spi_r == r.spi_r && i.spi_i && i.spi_r);
    assert_true(i.initiator && !r.initiator && i.state == IKE_SA_ESTABLISHED && r.state == IKE_SA_ESTABLISHED);
    assert_true(i.encr && i.encr == r.encr && i.encr_bits == r.encr_bits && i.prf == r.prf && i.ke && i.ke == r.ke);
    assert_true(i.integ == r.integ && i.version == 2 && i.children == 1 && r.children == 1 && i.queued == 0);
    assert_true(i.conn == a.conn && strcmp(i.conn_name, "peer") == 0);
    assert_true(ike_bytes_equal(i.local_id.data, r.remote_id.data) && ike_bytes_equal(i.remote_id.data, r.local_id.data));
    assert_true(i.established && i.rekey_at > i.established);

    ike_child_info x, y;
    assert_int_equal(ike_child_next(a.e, 0, &x), IKE_OK);
    assert_int_equal(ike_child_next(b.e, 0, &y), IKE_OK);
    assert_true(x.spi_in == y.spi_out && x.spi_out == y.spi_in && x.spi_in >= 256 && x.sa == i.id && x.conn == a.conn);
    assert_true(x.encr == y.encr && x.encr_bits == y.encr_bits && x.integ == y.integ && x.esn == y.esn);
    assert_true(x.n_local_ts == 1 && x.n_remote_ts == 1 && x.local_ts[0].lo[1] == 1 && x.remote_ts[0].lo[1] == 2);
    assert_true(y.local_ts[0].lo[1] == 2 && x.initiator && !y.initiator && x.state == IKE_CHILD_INSTALLED);
    assert_string_equal(x.name, "lan");
    assert_true(x.rekey_at && x.expires_at > x.rekey_at);
    assert_true(x.usage_known && x.in.bytes == 11 && x.out.bytes == 22);
}

static void walks_come_to_an_end(void **state)
{
    (void)state;
    ike_sa_info sa;
    ike_child_info child;
    ike_conn_info conn;
    ike_failure f;
    assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
    assert_int_equal(ike_sa_next(a.e, sa.id, &sa), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_child_next(a.e, 0, &child), IKE_OK);
    assert_int_equal(ike_child_next(a.e, child.id, &child), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_conn_next(a.e, 0, &conn), IKE_OK);
    assert_int_equal(ike_conn_next(a.e, conn.id, &conn), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_failure_at(a.e, 0, &f), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_failure_at(a.e, SIZE_MAX, &f), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_ERR_NOT_FOUND);
}

/* Only as many as there is room for, but the number of all. */
static void what_belongs_to_one_is_listed(void **state)
{
    (void)state;
    ike_sa_info sa;
    uint64_t id[2] = {7, 7};
    assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
    assert_int_equal(ike_conn_sas(a.e, a.conn, NULL, 0), 1);
    assert_int_equal(ike_conn_sas(a.e, a.conn, id, 2), 1);
    assert_true(id[0] == sa.id && id[1] == 7);
    assert_int_equal(ike_sa_children(a.e, sa.id, id, 0), 1);
    assert_int_equal(ike_sa_children(a.e, sa.id, id, 1), 1);
    ike_child_info child;
    assert_int_equal(ike_child_get(a.e, id[0], &child), IKE_OK);
    assert_int_equal(child.sa, sa.id);
    assert_int_equal(ike_conn_sas(a.e, a.conn + 1, id, 2), 0);
    assert_int_equal(ike_sa_children(a.e, 0, id, 2), 0);
    ike_sa_id gone = sa.id;
    assert_int_equal(ike_conn_remove(a.e, a.conn, now), IKE_OK);
    wire_run();
    assert_int_equal(ike_conn_sas(a.e, a.conn, id, 2) + ike_sa_children(a.e, gone, id, 2), 0);
}

static void stale_ids_are_not_found(void **state)
{
    (void)state;
    ike_sa_info sa;
    ike_child_info child;
    ike_conn_info conn;
    ike_failure f;
    assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
    assert_int_equal(ike_child_next(a.e, 0, &child), IKE_OK);
    ike_sa_id sa_id = sa.id;
    ike_child_id child_id = child.id;
    assert_int_equal(ike_sa_get(a.e, sa_id, &sa), IKE_OK);
    assert_int_equal(ike_child_get(a.e, child_id, &child), IKE_OK);
    assert_int_equal(ike_conn_remove(a.e, a.conn, now), IKE_OK);
    wire_run();
    assert_int_equal(ike_sa_get(a.e, sa_id, &sa), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_child_get(a.e, child_id, &child), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_conn_get(a.e, a.conn, &conn), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_conn_failure(a.e, a.conn, &f), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_sa_next(a.e, sa_id, &sa), IKE_ERR_NOT_FOUND);
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    ike_conn_info conn;
    assert_int_equal(ike_conn_get(a.e, a.conn, &conn), IKE_OK);
    assert_true(conn.settings->secret.len == 0 && conn.settings->secret.ptr == NULL);
    assert_string_equal(conn.settings->name, "peer");
    assert_true(conn.sas == 1 && !conn.wanted && conn.retry_at == 0 && conn.attempts == 0);
}

/* What was counted on the way up, on both sides. */
static void counters_add_up(void **state)
{
    (void)state;
    ike_counters i = counters(&a), r = counters(&b);
    assert_true(i.size == sizeof i && i.in == 2 && i.out == 2 && r.in == 2 && r.out == 2);
    assert_true(i.handshakes == 1 && r.handshakes == 1 && i.sas == 1 && r.sas == 1 && i.children == 1 && i.conns == 1);
    assert_true(i.dropped + i.failures + i.bad_icv + i.bad_syntax + i.unknown_spi + i.retransmitted == 0);
    assert_true(r.dropped + r.failures + r.bad_icv + r.bad_syntax + r.unknown_spi + r.retransmit_seen == 0);
    assert_true(i.exchanges == 0 && i.questions == 0 && r.exchanges == 0 && r.half_open == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ends_agree, up, pair_is_over),
        cmocka_unit_test_setup_teardown(walks_come_to_an_end, up, pair_is_over),
        cmocka_unit_test_setup_teardown(what_belongs_to_one_is_listed, up, pair_is_over),
        cmocka_unit_test_setup_teardown(stale_ids_are_not_found, up, pair_is_over),
        cmocka_unit_test_setup_teardown(secrets_are_not_shown, up, pair_is_over),
        cmocka_unit_test_setup_teardown(counters_add_up, up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
