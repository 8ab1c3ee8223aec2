/* SPDX-License-Identifier: ISC
 *
 * A setup gives everything back; a failure record says who, where and what for.
 */
#include "unit/sa_help.h"

#include "exchange/exchange.h"

static struct ike_engine e;
static struct lab lab;

static int begin(void **state)
{
    (void)state;
    lab_core(&lab, &e.core);
    ike_db_init(&e.db, &e.core);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ike_db_reap(&e.db);
    ike_db_reap(&e.db);
    ike_db_fini(&e.db);
    lab_core_end(&lab, &e.core);
    return 0;
}

static void it_gives_back_whatever_it_holds(void **state)
{
    (void)state;
    ike_conn_settings cs;
    struct ike_conf *conf = NULL;
    ike_conn_settings_init(&cs);
    cs.name = "a";
    assert_int_equal(ike_conf_new(&e.core, &cs, &conf), IKE_OK);
    struct ike_setup *s = ike_setup_new(&e);
    /* Every field of the type, wherever it stands: none may be forgotten when the struct grows. */
    struct ike_blob *blobs[] = {&s->ni,     &s->nr,           &s->ke_private,    &s->ke_public,  &s->ke_peer,  &s->shared,
                                &s->cookie, &s->init_request, &s->init_response, &s->sk_p,       &s->local_id, &s->remote_id,
                                &s->secret, &s->local_ts,     &s->remote_ts,     &s->rival_nonce};
    for (size_t i = 0; i < IKE_COUNT(blobs); i++) {
        assert_int_equal(ike_blob_set(&e.core, blobs[i], IKE_STR("bytes")), IKE_OK);
    }
    s->conf = ike_conf_ref(conf);
    ike_setup_free(&e, s);
    ike_setup_free(&e, NULL);
    assert_int_equal(conf->refs, 1);
    ike_conf_unref(&e.core, conf);
}

static void without_memory_it_is_blamed(void **state)
{
    (void)state;
    lab.allowed = 0;
    assert_null(ike_setup_new(&e));
    lab.allowed = -1;
    assert_int_equal(e.core.draft.code, IKE_FAIL_NO_MEMORY);
}

static unsigned events;
static void on_event(void *user, const ike_event *ev) { (void)user, (void)ev, events++; }

static void a_record_says_who_where_and_what_for(void **state)
{
    (void)state;
    NEEDS(RECORDS);
    static const struct ike_script script = {.name = "IKE_AUTH", .version = 2, .exchange_type = 35};
    ike_conn_settings cs;
    ike_child_settings child;
    struct ike_conf *conf = NULL;
    struct ike_conn *conn = NULL;
    ike_conn_settings_init(&cs);
    ike_child_settings_init(&child);
    cs.name = "office";
    cs.source = "a.conf:3";
    child.name = "lan";
    cs.children = &child;
    cs.n_children = 1;
    assert_int_equal(ike_conf_new(&e.core, &cs, &conf), IKE_OK);
    assert_int_equal(ike_conn_new(&e.db, conf, &conn), IKE_OK);
    ike_path path = sa_lab_path("192.0.2.1:500"), came = sa_lab_path("192.0.2.9:4500");
    struct ike_sa *sa = ike_sa_new(&e.db, true, &path);
    struct ike_setup setup = {.with_child = true, .conf = conf};
    struct ike_exchange x = {
        .e = &e, .sa = sa, .script = &script, .setup = &setup, .role = IKE_RESPONDER, .step = 1, .path = came};
    e.core.set.host.event = on_event;

    ike_exchange_blame(&x); /* nothing is blamed: nothing is recorded */
    assert_int_equal(e.core.count.failures, 0);

    ike_blame(&e.core, IKE_FAIL_SYNTAX, IKE_DECIDER_US); /* no connection yet: a stranger */
    ike_exchange_blame(&x);
    const ike_failure *f = ike_failure_ring(&e.core, 0);
    assert_true(f->conn == 0 && f->conn_name[0] == 0 && f->sa == sa->id && !f->initiator && f->version == 2);
    assert_true(f->exchange == 35 && f->step == 1 && f->remote.ip[3] == 9 && f->remote.port == 4500);
    assert_int_equal(e.core.count.strangers, 1);
    assert_true(ike_list_empty(&e.core.events));

    ike_sa_bind(&e.db, sa, conn);
    x.role = IKE_INITIATOR;
    ike_blame(&e.core, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY);
    ike_exchange_blame(&x);
    f = conn->failure;
    assert_non_null(f);
    assert_true(f->conn == conn->id && f->initiator && f->remote.ip[3] == 1);
    assert_string_equal(f->conn_name, "office");
    assert_string_equal(f->child_name, "lan");
    assert_string_equal(f->source, "a.conf:3");
    assert_int_equal(conn->ev.pending, 1u << IKE_EV_FAILED);
    ike_list_del(&conn->ev.link);
    ike_sa_retire(&e.db, sa);
    ike_conn_retire(&e.db, conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_gives_back_whatever_it_holds, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_it_is_blamed, begin, end),
        cmocka_unit_test_setup_teardown(a_record_says_who_where_and_what_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
