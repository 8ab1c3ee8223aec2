/* SPDX-License-Identifier: ISC
 *
 * Both versions of IKE with the algorithms that are only run where they are asked for: 3DES and MODP-1536 of the default choice,
 * and what the provider `legacy` has. They work between two that name them, and not otherwise.
 */
#include "unit/crypto_conformance.h"
#include "unit/engine_help.h"

#include "proposal/proposal.h"

/* The default choice with the weak slots behind it, as a host would put them together. */
static const ike_encr *encrs[16];
static const ike_prf *prfs[16];
static const ike_integ *integs[16];
static const ike_ke *kes[32];
static const ike_hash *hashes[16];
static const ike_crypto both = {"both", encrs, prfs, integs, kes, hashes, NULL, NULL};

#define JOIN(to, field)                                                                                                          \
    do {                                                                                                                         \
        size_t n = 0;                                                                                                            \
        for (size_t i = 0; first->field[i]; i++) {                                                                               \
            (to)[n++] = first->field[i];                                                                                         \
        }                                                                                                                        \
        for (size_t i = 0; second && second->field[i]; i++) {                                                                    \
            (to)[n++] = second->field[i];                                                                                        \
        }                                                                                                                        \
        (to)[n] = NULL;                                                                                                          \
    } while (0)

static int join(void **state)
{
    const ike_crypto *first = ike_crypto_default(), *second = cc_named("legacy");
    (void)state;
    JOIN(encrs, encr);
    JOIN(prfs, prf);
    JOIN(integs, integ);
    JOIN(kes, ke);
    JOIN(hashes, hash);
    return 0;
}

static void with_leave(struct node *x, ike_settings *s)
{
    (void)x;
    s->crypto = &both;
    s->allow_variable_time = true;
}

static void without_leave(struct node *x, ike_settings *s)
{
    (void)x;
    s->crypto = &both;
    s->allow_variable_time = false;
}

static uint8_t speaks; /* ike_speaks of all connections */

static int replace(struct node *x, const char *ike, const char *esp)
{
    bool is_a = x == &a;
    ike_conn_settings s;
    ike_child_settings child;
    ike_ts ts[2] = {lab_ts("10.1.0.0/16"), lab_ts("10.2.0.0/16")};
    ike_conn_settings_init(&s);
    s.name = "peer";
    s.local = lab_addr(is_a ? "192.0.2.1" : "192.0.2.2");
    s.remote = lab_addr(is_a ? "192.0.2.2" : "192.0.2.1");
    s.secret = ike_bytes_of("secret", 6);
    s.dpd_s = 0;
    s.proposals = ike;
    s.version = speaks;
    ike_child_settings_init(&child);
    child.name = "lan";
    child.local_ts = &ts[!is_a];
    child.remote_ts = &ts[is_a];
    child.n_local_ts = child.n_remote_ts = 1;
    child.proposals = esp;
    s.children = &child;
    s.n_children = 1;
    return ike_conn_replace(x->e, x->conn, &s, true, now);
}

static const struct {
    const char *ike, *esp;
    uint16_t encr, ke;
} suites[] = {
    {"3des-sha1-modp1536", "3des-sha1", 3, 5},
    {"des-md5-modp768", "des-md5", 2, 1},
    {"cast128-md5-modp1024", "cast128-md5", 6, 2},
    {"blowfish128-sha1-modp1024", "blowfish256-sha1", 7, 2},
    {"3des-sha1-ec2n155", "3des-sha1-ec2n185", 3, 3},
    {"aes128-sha1-ec2n185", "aes128-md5", 12, 4},
    {"blowfish256-sha256-modp1536", "blowfish192-sha256", 7, 5},
};

static bool there(size_t i) { return ike_find_encr(&both, suites[i].encr) && ike_find_ke(&both, suites[i].ke); }

/* The number of suites that bring a child up. */
static size_t run_all(void)
{
    size_t run = 0;
    for (size_t i = 0; i < IKE_COUNT(suites); i++) {
        if (!there(i)) {
            continue;
        }
        pair_new(with_leave);
        assert_int_equal(replace(&a, suites[i].ike, suites[i].esp), IKE_OK);
        assert_int_equal(replace(&b, suites[i].ike, suites[i].esp), IKE_OK);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 1);
        pair_end();
        run++;
    }
    print_message("%zu suites\n", run);
    return run;
}

static void work_where_both_name_them(void **state)
{
    (void)state;
    const size_t run = run_all();
    assert_true(run >= (cc_legacy() ? 4 : ike_find_ke(&both, 5) ? 1 : 0));
}

static void work_in_version_1(void **state)
{
    (void)state;
    speaks = IKE_SPEAKS_V1;
    pair_new(with_leave);
    const int there_is = replace(&a, NULL, NULL);
    pair_end();
    if (there_is != IKE_OK) {
        speaks = IKE_SPEAKS_V2;
        assert_int_equal(there_is, IKE_ERR_UNSUPPORTED);
        print_message("left out: no IKEv1 in this build\n");
        return;
    }
    const size_t run = run_all();
    speaks = IKE_SPEAKS_V2;
    assert_true(run >= (cc_legacy() ? 4 : 1));
}

static void need_the_hosts_leave(void **state)
{
    (void)state;
    pair_new(without_leave);
    for (size_t i = 0; i < IKE_COUNT(suites); i++) {
        if (suites[i].encr == 12) {
            continue; /* AES, by its instructions perhaps */
        }
        assert_int_equal(replace(&a, suites[i].ike, NULL), IKE_ERR_UNSUPPORTED);
        assert_int_equal(replace(&a, NULL, suites[i].esp), IKE_ERR_UNSUPPORTED);
    }
    pair_end();
}

/* The responder can run everything, but its connection says nothing: the offer has no chance, in either exchange. */
static void are_refused_where_one_does_not_name_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < IKE_COUNT(suites); i++) {
        if (!there(i)) {
            continue;
        }
        for (int child = 0; child < 2; child++) {
            pair_new(with_leave);
            assert_int_equal(replace(&a, child ? NULL : suites[i].ike, child ? suites[i].esp : NULL), IKE_OK);
            assert_int_equal(replace(&b, NULL, NULL), IKE_OK);
            assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
            wire_run();
            assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 0);
            assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 0);
            assert_int_equal(node_saw(&a, IKE_EV_SA_UP), child);
            pair_end();
        }
    }
}

/* Whatever is loaded: what a connection proposes that says nothing is as strong as ever. */
static void are_in_no_default_proposal(void **state)
{
    (void)state;
    static const char *const weak[] = {"des", "3des", "cast128", "blowfish", "md5", "ec2n", "modp768", "modp1024", "modp1536"};
    const char *const texts[] = {ike_default_ike_proposals(), ike_default_child_proposals(),
                                 ike_default_v1_proposals(IKE_PROTO_IKE), ike_default_v1_proposals(IKE_PROTO_ESP)};
    for (size_t i = 0; i < IKE_COUNT(texts); i++) {
        for (size_t k = 0; k < IKE_COUNT(weak); k++) {
            assert_null(strstr(texts[i], weak[k]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_where_both_name_them),  cmocka_unit_test(work_in_version_1),
        cmocka_unit_test(need_the_hosts_leave),       cmocka_unit_test(are_refused_where_one_does_not_name_them),
        cmocka_unit_test(are_in_no_default_proposal),
    };
    return cmocka_run_group_tests(tests, join, NULL);
}
