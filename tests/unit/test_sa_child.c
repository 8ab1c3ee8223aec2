/* SPDX-License-Identifier: ISC
 *
 * Children: what lies in their one allocation, look-ups, and what the data plane is told, in which order.
 */
#include "unit/sa_help.h"

static struct sa_lab lab;
static struct ike_conn *conn;
static struct ike_peer *peer;
static struct ike_sa *sa;
static char calls[256]; /* of the data plane */
static int add_result;

static void note(const char *what, const ike_ipsec_sa *d)
{
    size_t n = strlen(calls);
    snprintf(calls + n, sizeof calls - n, "%s%s-%s", n ? " " : "", what, d->inbound ? "in" : "out");
    assert_true(lab.core.in_hook);
}

static int sadb_add(void *user, ike_token t, const ike_ipsec_sa *d)
{
    (void)user;
    assert_true(t == 9);
    note("add", d);
    return add_result;
}

static int sadb_move(void *user, const ike_ipsec_sa *d, const ike_path *old)
{
    (void)user;
    assert_false(ike_path_equal(old, &d->path));
    note("move", d);
    return IKE_ERR_HOST; /* is logged */
}

static void sadb_remove(void *user, const ike_ipsec_sa *d)
{
    (void)user;
    note("remove", d);
}

static int begin(void **state)
{
    (void)state;
    sa_lab_init(&lab);
    conn = sa_lab_conn(&lab, "a", "192.0.2.1", 0);
    peer = sa_lab_peer(&lab, conn, "gate.example");
    sa = sa_lab_sa(&lab, conn, true);
    ike_sa_join(&lab.db, sa, peer);
    lab.core.set.host.sadb.add = sadb_add;
    lab.core.set.host.sadb.move = sadb_move;
    lab.core.set.host.sadb.remove = sadb_remove;
    calls[0] = 0;
    add_result = IKE_OK;
    return 0;
}

static int end(void **state)
{
    (void)state;
    ike_sa_retire(&lab.db, sa);
    ike_conn_retire(&lab.db, conn);
    sa_lab_end(&lab);
    return 0;
}

static void selectors_and_keys_lie_behind_it(void **state)
{
    (void)state;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    assert_int_equal(k->n_local + k->n_remote, 3);
    assert_int_equal(ike_child_local(k)[0].lo[1], 1);
    assert_int_equal(ike_child_remote(k)[0].lo[1], 2);
    assert_int_equal(ike_child_remote(k)[1].lo[1], 3);
    assert_ptr_equal(ike_child_keys(k, false) - 20, (const uint8_t *)(ike_child_remote(k) + 2));
    assert_ptr_equal(ike_child_keys(k, true) + 20, ike_child_keys(k, false)); /* inbound first */
    assert_ptr_equal(ike_child_keys(k, false) + 20, (uint8_t *)k + k->size);
    assert_string_equal(ike_child_conf(k)->name, "lan");
    ike_child_retire(&lab.db, k);
    ike_child_retire(&lab.db, k);
}

static void both_halves_are_described_from_their_side(void **state)
{
    (void)state;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    ike_ipsec_sa ins[IKE_LAYERS], outs[IKE_LAYERS], in, out;
    memset(ike_child_keys(k, false), 0x11, 20);
    memset(ike_child_keys(k, true), 0x22, 20);
    k->path = sa->path;
    k->reqid = 5;
    k->mode = IKE_MODE_TUNNEL;
    k->udp_encap = true;
    k->initiator = true;
    ike_child_describe(k, true, ins);
    ike_child_describe(k, false, outs);
    in = ins[0];
    out = outs[0];
    assert_true(in.inner == NULL && out.inner == NULL && in.mode == IKE_MODE_TUNNEL);
    assert_true(in.inbound && !out.inbound && !in.rekey && in.udp_encap && in.initiator);
    assert_int_equal(in.size, sizeof in);
    assert_true(in.spi == 0x1000 && in.peer_spi == 0x1001 && out.spi == 0x1001 && out.peer_spi == 0x1000);
    assert_true(in.encr_key.len == 20 && in.encr_key.ptr[0] == 0x22 && out.encr_key.ptr[0] == 0x11 && in.integ_key.len == 0);
    assert_int_equal(out.local_ts[0].lo[1], 1); /* ours and the peer's, whatever the direction */
    assert_int_equal(in.local_ts[0].lo[1], 1);
    assert_true(in.n_local_ts == 1 && in.n_remote_ts == 2 && in.reqid == 5);
    assert_true(in.soft_bytes <= 900 && in.soft_bytes >= 850 && in.hard_bytes == 1000 && in.soft_packets == 9 &&
                in.hard_packets == 10);
    assert_string_equal(in.conn_name, "a");
    assert_string_equal(in.child_name, "lan");
    k->replaces = 1;
    ike_child_describe(k, true, ins);
    assert_true(ins[0].rekey);
    ike_child_retire(&lab.db, k);
}

/* From the outermost protocol as it is on the wire; the innermost has the child's mode, and each AH and ESP keys of its own. */
static void a_bundle_is_described_from_outside(void **state)
{
    (void)state;
    NEEDS(BUNDLES);
    ike_ts ts = lab_ts("10.1.0.0/16");
    struct ike_beside beside[] = {{{.protocol = IKE_PROTO_AH, .integ = 12}, 0x3000, 0x3001, 32, false},
                                  {{.protocol = IKE_PROTO_IPCOMP}, 0x400, 0x401, 0, false}};
    for (size_t first = 0; first < 2; first++) {
        for (size_t n = 1; first + n <= 2; n++) {
            struct ike_child_parts parts = {.local = &ts,
                                            .remote = &ts,
                                            .n_local = 1,
                                            .n_remote = 1,
                                            .key_e = 16,
                                            .key_a = 20,
                                            .beside = beside + first,
                                            .n_beside = n};
            struct ike_child *k = ike_child_new(&lab.db, peer, conn->conf, 0, &parts);
            assert_non_null(k);
            k->suite = (struct ike_suite){.protocol = IKE_PROTO_ESP, .encr = 12, .encr_bits = 128, .integ = 2};
            k->spi_in = 0x1000;
            k->spi_out = 0x1001;
            k->mode = IKE_MODE_TUNNEL;
            memset(ike_child_keys(k, true), 1, 36);
            memset(ike_child_keys(k, false), 2, 36);
            if (first == 0) {
                memset(ike_child_keys_beside(k, 0, true), 3, 32);
                memset(ike_child_keys_beside(k, 0, false), 4, 32);
            }
            assert_true(ike_child_keys(k, true)[35] == 1 && ike_child_keys(k, false)[0] == 2 &&
                        ike_child_keys(k, false)[35] == 2);
            ike_ipsec_sa d[IKE_LAYERS];
            ike_child_describe(k, false, d);
            const ike_ipsec_sa *at = d;
            if (first == 0) {
                assert_true(at->protocol == IKE_PROTO_AH && at->spi == 0x3001 && at->peer_spi == 0x3000 && at->integ == 12);
                assert_true(at->mode == IKE_MODE_TRANSPORT && at->integ_key.len == 32 && at->integ_key.ptr[31] == 4);
                assert_true(at->encr == 0 && at->hard_bytes == 0);
                at = at->inner;
            }
            assert_true(at->protocol == IKE_PROTO_ESP && at->spi == 0x1001 && at->encr_key.ptr[0] == 2 && at->hard_bytes == 1000);
            if (first + n == 2) {
                assert_true(at->mode == IKE_MODE_TRANSPORT);
                at = at->inner;
                assert_true(at->protocol == IKE_PROTO_IPCOMP && at->spi == 0x401 && at->integ_key.len == 0);
            }
            assert_true(at->mode == IKE_MODE_TUNNEL && at->inner == NULL);
            /* Each protocol's SPI names the child, and none another protocol's. */
            assert_ptr_equal(ike_child_by_spi_out(peer, IKE_PROTO_ESP, 0x1001), k);
            assert_ptr_equal(ike_child_by_spi_out(peer, IKE_PROTO_AH, 0x3001), first == 0 ? k : NULL);
            assert_ptr_equal(ike_child_by_spi_out(peer, IKE_PROTO_IPCOMP, 0x401), first + n == 2 ? k : NULL);
            assert_null(ike_child_by_spi_out(peer, IKE_PROTO_AH, 0x1001));
            ike_child_retire(&lab.db, k);
        }
    }
}

static void what_was_installed_is_removed_once_sending_first(void **state)
{
    (void)state;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    assert_null(ike_child_by_spi_in(&lab.db, 0x1000));
    assert_int_equal(ike_child_add(&lab.db, k, true, 9), IKE_OK);
    assert_ptr_equal(ike_child_by_spi_in(&lab.db, 0x1000), k);
    assert_int_equal(ike_child_add(&lab.db, k, false, 9), IKE_OK);
    ike_path moved = sa_lab_path("192.0.2.9:4500");
    ike_child_move(&lab.db, k, &moved);
    assert_true(ike_path_equal(&k->path, &moved));
    assert_int_equal(lab.lab.logged, IKE_WITH_WORDS ? 2 : 0); /* the data plane did not move them */
    ike_child_retire(&lab.db, k);
    assert_string_equal(calls, "add-in add-out move-out move-in remove-out remove-in");
    assert_null(ike_child_by_spi_in(&lab.db, 0x1000));
}

static void what_was_refused_is_not_removed(void **state)
{
    (void)state;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    assert_int_equal(ike_child_add(&lab.db, k, true, 9), IKE_OK);
    add_result = IKE_ERR_HOST;
    assert_int_equal(ike_child_add(&lab.db, k, false, 9), IKE_ERR_HOST);
    ike_child_uninstall_out(&lab.db, k);
    ike_child_retire(&lab.db, k);
    assert_string_equal(calls, "add-in add-out remove-in");
}

static void what_is_pending_is_removed(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    add_result = IKE_PENDING;
    assert_int_equal(ike_child_add(&lab.db, k, true, 9), IKE_PENDING);
    ike_child_uninstall_out(&lab.db, k);
    ike_child_retire(&lab.db, k);
    assert_string_equal(calls, "add-in remove-in");
}

static void resume(struct ike_core *c, struct ike_question *q) { (void)c, (void)q; }

static void a_question_about_the_sending_half_is_cancelled(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    k->late_add = ike_question_new(&lab.core, IKE_Q_DONE, k, resume);
    k->out_installed = true;
    ike_child_uninstall_out(&lab.db, k);
    assert_null(k->late_add);
    assert_int_equal(lab.lab.cancelled, 1);
    ike_child_retire(&lab.db, k);
    assert_string_equal(calls, "remove-out");
    assert_int_equal(lab.core.questions.count, 0);
}

static void found_by_spi_among_its_own(void **state)
{
    (void)state;
    struct ike_peer *other = sa_lab_peer(&lab, conn, "other.example");
    struct ike_child *a = sa_lab_child(&lab, peer, sa, 0x1000), *b = sa_lab_child(&lab, other, sa, 0x2000);
    b->spi_out = a->spi_out; /* peers number their SAs as they like */
    assert_ptr_equal(ike_child_by_spi_out(peer, IKE_PROTO_ESP, 0x1001), a);
    assert_ptr_equal(ike_child_by_spi_out(other, IKE_PROTO_ESP, 0x1001), b);
    assert_null(ike_child_by_spi_out(peer, IKE_PROTO_ESP, 0x1000));
    assert_null(ike_child_by_spi_out(peer, IKE_PROTO_AH, 0x1001)); /* SPIs of AH are numbers of their own */
    assert_null(ike_child_by_spi_in(&lab.db, 0x1000));
    ike_child_retire(&lab.db, a);
    ike_child_retire(&lab.db, b);
}

static void a_live_one_is_neither_replaced_nor_on_its_way_out(void **state)
{
    (void)state;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    assert_ptr_equal(ike_child_live(conn, "lan"), k);
    assert_null(ike_child_live(conn, "voice"));
    k->rekeyed = true;
    assert_null(ike_child_live(conn, "lan"));
    k->rekeyed = false;
    k->state = IKE_CHILD_DELETING;
    assert_null(ike_child_live(conn, "lan"));
    ike_child_retire(&lab.db, k);
}

/* An IKE SA may go before its children; the peer entry holds them all the same. */
static void children_hold_their_peer_and_settings(void **state)
{
    (void)state;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    ike_child_id id = k->id;
    assert_int_equal(k->conf->refs, 3); /* connection, IKE SA, child */
    ike_sa_retire(&lab.db, sa);
    ike_db_reap(&lab.db);
    assert_ptr_equal(ike_slots_get(&lab.db.children, id), k);
    assert_ptr_equal(k->peer, peer);
    assert_string_equal(ike_child_conf(k)->name, "lan");
    ike_child_retire(&lab.db, k);
    ike_db_reap(&lab.db);
    assert_null(ike_slots_get(&lab.db.children, id));
    assert_true(ike_list_empty(&conn->peers));
    sa = sa_lab_sa(&lab, conn, true);
}

static void limits_and_memory(void **state)
{
    (void)state;
    ike_ts ts = lab_ts("10.1.0.0/16");
    struct ike_child_parts parts = {.local = &ts, .remote = &ts, .n_local = 1, .n_remote = 1, .key_e = 20};
    lab.core.set.max_children = 1;
    struct ike_child *k = sa_lab_child(&lab, peer, sa, 0x1000);
    assert_null(ike_child_new(&lab.db, peer, conn->conf, 0, &parts));
    assert_int_equal(lab.core.draft.code, IKE_FAIL_LIMIT);
    ike_child_retire(&lab.db, k);
    lab.lab.allowed = 0;
    lab.core.blamed = false;
    assert_null(ike_child_new(&lab.db, peer, conn->conf, 0, &parts));
    assert_int_equal(lab.core.draft.code, IKE_FAIL_NO_MEMORY);
    lab.lab.allowed = -1;
    assert_int_equal(lab.core.count.children, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(selectors_and_keys_lie_behind_it, begin, end),
        cmocka_unit_test_setup_teardown(both_halves_are_described_from_their_side, begin, end),
        cmocka_unit_test_setup_teardown(a_bundle_is_described_from_outside, begin, end),
        cmocka_unit_test_setup_teardown(what_was_installed_is_removed_once_sending_first, begin, end),
        cmocka_unit_test_setup_teardown(what_was_refused_is_not_removed, begin, end),
        cmocka_unit_test_setup_teardown(what_is_pending_is_removed, begin, end),
        cmocka_unit_test_setup_teardown(a_question_about_the_sending_half_is_cancelled, begin, end),
        cmocka_unit_test_setup_teardown(found_by_spi_among_its_own, begin, end),
        cmocka_unit_test_setup_teardown(a_live_one_is_neither_replaced_nor_on_its_way_out, begin, end),
        cmocka_unit_test_setup_teardown(children_hold_their_peer_and_settings, begin, end),
        cmocka_unit_test_setup_teardown(limits_and_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
