/* SPDX-License-Identifier: ISC
 *
 * SAs as they were last seen: a copy of everything, kept only while somebody wants it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ui/vici.h"

struct world {
    struct ikelibd d;
    struct vici v;
};

static int setup(void **state)
{
    static struct world w;
    ike_settings s;
    memset(&w, 0, sizeof w);
    assert_int_equal(ike_crypto_global_init(), IKE_OK);
    w.d.keylog_fd = -1;
    w.d.loop = loop_new();
    ike_settings_init(&s);
    daemon_host(&w.d, &s.host);
    assert_int_equal(ike_engine_new(&w.d.engine, &s, loop_now(w.d.loop)), IKE_OK);
    w.v.d = &w.d;
    vici_known_update(&w.v, true);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    vici_known_update(&w->v, false); /* with whatever it still holds */
    assert_null(w->v.known);
    ike_engine_free(w->d.engine);
    loop_free(w->d.loop);
    return 0;
}

/* Everything that was pointed to is overwritten afterwards, as the engine does. */
static void see_sa(struct vici *v, ike_sa_id id, const char *conn, const char *local, const char *remote, unsigned number)
{
    char name[128], ids[2][32];
    snprintf(name, sizeof name, "%s", conn);
    snprintf(ids[0], sizeof ids[0], "%s", local);
    snprintf(ids[1], sizeof ids[1], "%s", remote);
    ike_sa_info sa = {.size = sizeof sa,
                      .id = id,
                      .conn_name = name,
                      .number = number,
                      .local_id = {IKE_ID_FQDN, {(const uint8_t *)ids[0], strlen(local)}},
                      .remote_id = {IKE_ID_FQDN, {(const uint8_t *)ids[1], strlen(remote)}}};
    vici_known_sa_up(v, &sa);
    memset(name, 'x', sizeof name);
    memset(ids, 'x', sizeof ids);
}

static void sas(void **state)
{
    struct vici *v = &((struct world *)*state)->v;
    ike_sa_info sa;
    char text[64], longest[100] = "";
    assert_false(vici_known_sa(v, 5, &sa));
    see_sa(v, 5, "office", "a.ike.test", "b.ike.test", 1);
    see_sa(v, 6, "other", "", "", 2);
    assert_true(vici_known_sa(v, 5, &sa));
    assert_string_equal(sa.conn_name, "office");
    ike_id_format(&sa.local_id, text, sizeof text);
    assert_string_equal(text, "a.ike.test");
    ike_id_format(&sa.remote_id, text, sizeof text);
    assert_string_equal(text, "b.ike.test");
    /* seen again: the newest counts, and there is one */
    see_sa(v, 5, "office", "c.ike.test", "b.ike.test", 3);
    assert_true(vici_known_sa(v, 5, &sa));
    assert_int_equal(sa.number, 3);
    vici_known_sa_forget(v, 5);
    assert_false(vici_known_sa(v, 5, &sa));
    vici_known_sa_forget(v, 5);
    assert_true(vici_known_sa(v, 6, &sa));
    assert_int_equal(sa.local_id.data.len, 0);
    /* a name longer than any that a connection can have is cut, not written over what is behind */
    memset(longest, 'n', sizeof longest - 1);
    see_sa(v, 7, longest, "a", "b", 4);
    assert_true(vici_known_sa(v, 7, &sa));
    assert_int_equal(strlen(sa.conn_name), 47);
    /* many, in an order that is none */
    for (uint64_t i = 0; i < 500; i++) {
        see_sa(v, 1000 + i * 7919 % 500, "many", "a", "b", (unsigned)(i * 7919 % 500));
    }
    for (uint64_t i = 0; i < 500; i++) {
        assert_true(vici_known_sa(v, 1000 + i, &sa));
        assert_int_equal(sa.number, i);
    }
}

static void children(void **state)
{
    struct vici *v = &((struct world *)*state)->v;
    ike_ts ts[3];
    char names[2][16] = {"office", "net"}, text[64];
    assert_int_equal(ike_ts_parse(&ts[0], "10.1.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[1], "10.2.0.0/24"), IKE_OK);
    assert_int_equal(ike_ts_parse(&ts[2], "10.3.0.0/24"), IKE_OK);
    ike_child_info k = {.size = sizeof k,
                        .id = 9,
                        .conn_name = names[0],
                        .name = names[1],
                        .local_ts = ts,
                        .n_local_ts = 1,
                        .remote_ts = ts + 1,
                        .n_remote_ts = 2,
                        .usage_known = true},
                   got;
    vici_known_child_up(v, &k);
    memset(ts, 0, sizeof ts);
    memset(names, 0, sizeof names);
    assert_true(vici_known_child(v, 9, &got));
    assert_string_equal(got.conn_name, "office");
    assert_string_equal(got.name, "net");
    assert_int_equal(got.n_remote_ts, 2);
    ike_ts_format(&got.local_ts[0], text, sizeof text);
    assert_string_equal(text, "10.1.0.0/24");
    ike_ts_format(&got.remote_ts[1], text, sizeof text);
    assert_string_equal(text, "10.3.0.0/24");
    assert_false(got.usage_known); /* counters of then are none of the end */
    /* an SA of the same id is another thing */
    ike_sa_info sa;
    assert_false(vici_known_sa(v, 9, &sa));
    k.n_local_ts = k.n_remote_ts = 0;
    k.name = NULL;
    vici_known_child_up(v, &k);
    assert_true(vici_known_child(v, 9, &got));
    assert_string_equal(got.name, "");
    vici_known_child_forget(v, 9);
    assert_false(vici_known_child(v, 9, &got));
}

static void only_while_wanted(void **state)
{
    struct vici *v = &((struct world *)*state)->v;
    ike_sa_info sa;
    see_sa(v, 5, "office", "a", "b", 1);
    vici_known_update(v, true); /* one more who wants it: nothing is lost */
    assert_true(vici_known_sa(v, 5, &sa));
    vici_known_update(v, false);
    assert_null(v->known);
    assert_false(vici_known_sa(v, 5, &sa));
    see_sa(v, 5, "office", "a", "b", 1);
    vici_known_sa_forget(v, 5);
    vici_known_child_forget(v, 5);
    assert_null(v->known);
    vici_known_update(v, true);
    assert_false(vici_known_sa(v, 5, &sa));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sas, setup, teardown),
        cmocka_unit_test_setup_teardown(children, setup, teardown),
        cmocka_unit_test_setup_teardown(only_while_wanted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
