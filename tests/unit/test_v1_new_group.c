/* SPDX-License-Identifier: ISC
 *
 * New Group Mode (RFC 2409 section 5.6): a group of the peer's own is taken where the connection says so, when it is one, once;
 * and then it is what Quick Modes use. Elsewhere it is refused: in words to the peer, in silence to anybody else.
 */
#include "crypto/modp_groups.h"
#include "unit/group_numbers.h"
#include "unit/v1_help.h"
#include "vectors/vectors.h"

enum { OWN = IKE_KE_PRIVATE + 7 };
static uint8_t prime[IKE_POWER_MAX];
static const ike_bytes two = {(const uint8_t *)"\2", 1};

static ike_bytes ffdhe(void) { return ike_bytes_of(prime, vec_hex(ffdhe2048, prime, sizeof prime)); }

static void with_pfs(struct node *x, ike_conn_settings *s, ike_child_settings *child)
{
    s->new_group = x == &b;
    child[0].proposals = "aes128gcm16-ecp256";
}

static int takes_groups(void **state)
{
    (void)state;
    v1_up(NULL, with_pfs);
    return 0;
}

static uint16_t own_group(struct node *x)
{
    ike_sa_info info = {.size = sizeof info};
    assert_int_equal(ike_sa_get(x->e, node_sa(x)->id, &info), IKE_OK);
    return info.private_ke;
}

/* The group of the child that came last. */
static uint16_t used(struct node *x) { return node_child(x)->suite.ke; }

static void pass(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        now += IKE_SEC;
        assert_int_equal(ike_tick(a.e, now) | ike_tick(b.e, now), IKE_OK);
        wire_run();
    }
}

static void rekey(struct node *x)
{
    now += IKE_SEC;
    assert_int_equal(ike_child_rekey(x->e, node_child(x)->id, now), IKE_OK);
    wire_run();
    pass(45); /* the old one goes */
    assert_true(counters(&a).children == 1 && counters(&b).children == 1);
}

/* ---- Taken ------------------------------------------------------------------------------------------------------------------
 */

/* By both sides from then on, whoever begins, until the IKE SA is another one. */
static void it_is_used(void **state)
{
    (void)state;
    assert_int_equal(own_group(&a) + own_group(&b), 0);
    assert_int_equal(ike_sa_new_group(a.e, node_sa(&a)->id, OWN, ffdhe(), two, now), IKE_OK);
    assert_int_equal(own_group(&a), 0);
    wire_run();
    assert_int_equal(own_group(&a), OWN);
    assert_int_equal(own_group(&b), OWN);
    assert_int_equal(counters(&a).exchanges + counters(&b).exchanges, 0);
    rekey(&a);
    assert_true(used(&a) == OWN && used(&b) == OWN);
    rekey(&b);
    assert_true(used(&a) == OWN && used(&b) == OWN);
    assert_int_equal(counters(&a).failures + counters(&b).failures, 0);

    assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
    wire_run();
    pass(45);
    assert_int_equal(own_group(&a) + own_group(&b), 0);
    rekey(&a);
    assert_true(used(&a) == 19 && used(&b) == 19);
}

/* What is lost comes again, and is heard once. */
static void lines_are_bad(void **state)
{
    (void)state;
    assert_int_equal(ike_sa_new_group(a.e, node_sa(&a)->id, OWN, ffdhe(), two, now), IKE_OK);
    a.n_out = 0;
    now += 3 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(own_group(&b), OWN);
    b.n_out = 0;
    now += 5 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    wire_run();
    assert_int_equal(own_group(&a), OWN);
    assert_int_equal(counters(&a).failures + counters(&b).failures, 0);
}

/* Memory runs out after so many allocations, on either side: after a repetition or two all is as it should be, or nothing has
 * happened. */
static void short_memory(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 12; k++) {
        for (unsigned side = 0; side < 2; side++) {
            struct node *x = side ? &b : &a;
            v1_up(NULL, with_pfs);
            x->lab.allowed = (long)k;
            int r = ike_sa_new_group(a.e, node_sa(&a)->id, OWN, ffdhe(), two, now);
            assert_true(r == IKE_OK || r == IKE_ERR_NOMEM);
            wire_run();
            x->lab.allowed = -1;
            pass(20);
            assert_int_equal(counters(&a).exchanges + counters(&b).exchanges, 0);
            assert_true(own_group(&a) == own_group(&b) || (own_group(&a) == 0 && side == 0));
            rekey(&a);
            assert_int_equal(used(&a), used(&b));
            pair_is_over(state);
        }
    }
}

/* ---- Refused ----------------------------------------------------------------------------------------------------------------
 */

static void nothing_came_of(uint16_t why)
{
    struct ike_message m;
    struct ike_v1_notify n;
    assert_int_equal(b.n_out, 1);
    v1_open_first(&b, &m);
    const struct ike_payload *p = ike_message_find(&m, IKE_P1_NOTIFY, 0);
    assert_true(p && ike_v1_notify_parse(&n, p) == IKE_OK);
    assert_int_equal(n.type, IKE_N1_ATTRIBUTES_NOT_SUPPORTED);
    node_failed(&b, why, IKE_DECIDER_US);
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&b).exchanges, 0);
    b.n_out = 0;
}

static void nothing_came_of_it(void) { nothing_came_of(IKE_FAIL_KE_GROUP); }

static struct ike_chain offer(uint16_t id, ike_bytes p, ike_bytes g)
{
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_group(&c, id, p, g);
    return c;
}

static void unless_the_connection_says_so(void **state)
{
    (void)state;
    struct ike_chain c = offer(OWN, ffdhe(), two);
    assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 99, &c), IKE_OK);
    nothing_came_of_it();
    assert_int_equal(own_group(&b), 0);
}

/* Who has proposed it learns of it, and need not wait until all repetitions are used up. */
static void who_proposed_is_told(void **state)
{
    (void)state;
    ike_sa_id sa = node_sa(&a)->id;
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ffdhe(), two, now), IKE_OK);
    wire_run();
    pass(5);
    node_failed(&a, IKE_FAIL_KE_GROUP, IKE_DECIDER_PEER);
    assert_int_equal(counters(&a).exchanges + counters(&b).exchanges, 0);
    assert_int_equal(counters(&a).sas, 1);
    assert_int_equal(own_group(&a), 0);
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ffdhe(), two, now), IKE_OK); /* it may be asked again */
    a.n_out = 0;
}

/* Without the hash of the peer it is not even looked at. */
static void others_are_not_answered(void **state)
{
    (void)state;
    struct ike_chain c = offer(OWN, ffdhe(), two);
    ike_path path = path_to(&b);
    size_t n = v1_forge(&b, IKE_X1_NEW_GROUP, 99, &c, false);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).failures + counters(&b).exchanges, 0);
    assert_int_equal(own_group(&b), 0);
}

/* An SA has one try that costs something, so each of these is an SA of its own. */
static void what_is_no_group(void **state)
{
    static uint8_t p[IKE_POWER_MAX];
    static const struct {
        uint16_t id;
        const char *prime;
        const char *generator;
    } rows[] = {{OWN, prime_not_safe, "02"}, {OWN, half_prime_only, "02"}, {OWN, "fffffffb", "02"},
                {OWN, ffdhe2048, "01"},      {14, ffdhe2048, "02"},        {OWN, ffdhe2048, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t g[8];
        v1_up(NULL, with_pfs);
        struct ike_chain c = offer(rows[i].id, ike_bytes_of(p, vec_hex(rows[i].prime, p, sizeof p)),
                                   ike_bytes_of(g, vec_hex(rows[i].generator, g, sizeof g)));
        assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 99, &c), IKE_OK);
        nothing_came_of_it();
        assert_int_equal(own_group(&b), 0);
        /* Not a second time, be it a good one. */
        c = offer(OWN, ffdhe(), two);
        assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 100, &c), IKE_OK);
        nothing_came_of_it();
        assert_int_equal(own_group(&b), 0);
        pair_is_over(state);
    }
}

/* The checks are dear and a new IKE SA is all that it takes to have another one made: all peers together have so many, and in the
 * long run one in ten seconds. */
static void no_more_than_the_machine_can_bear(void **state)
{
    (void)state;
    enum { SAVED = 10, EACH = 10 };
    struct ike_chain c;
    for (uint32_t i = 0; i < SAVED; i++) {
        c = offer(OWN, IKE_STR("\xff\xff\xff\xfb"), two);
        assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 100 + i, &c), IKE_OK);
        nothing_came_of_it();
        assert_true(node_sa(&b)->v1->group_asked);
        node_sa(&b)->v1->group_asked = false; /* as of a new IKE SA */
    }
    assert_int_equal(counters(&b).rate_limited, 0);
    for (uint32_t i = 0; i < 2; i++) {
        c = offer(OWN, ffdhe(), two);
        assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 200 + i, &c), IKE_OK);
        nothing_came_of(IKE_FAIL_LIMIT);
        assert_int_equal(own_group(&b), 0);
        assert_int_equal(counters(&b).rate_limited, i + 1);
        now += (EACH - 1) * IKE_SEC / 2;
    }
    now += IKE_SEC;
    c = offer(OWN, ffdhe(), two);
    assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 300, &c), IKE_OK);
    assert_int_equal(own_group(&b), OWN);
    b.n_out = 0;
}

/* Attributes that are no group's, or are there twice; two transforms. */
static void more_than_a_group(void **state)
{
    (void)state;
    static const char head[] = "00000001 00000001 00000000 01010001", one[] = "00000000 01010000";
    static const char *const attributes[] = {
        "8004 8007 8005 0001 8007 0002",                                         /* no prime */
        "8004 8007 8005 0001 8004 8007 0006 0004 fffffffb 8007 0002",            /* the number twice */
        "8004 8007 8005 0002 0006 0004 fffffffb 8007 0002",                      /* no MODP group */
        "8004 8007 8005 0001 0006 0004 fffffffb 8007 0002 8008 0003",            /* two generators */
        "8004 8007 8005 0001 0006 0004 fffffffb 8007 0002 800b 0001 800c 0e10"}; /* a life of its own */
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        uint8_t sa[128];
        size_t n = vec_hex(head, sa, sizeof sa), at = n, k;
        n += vec_hex(one, sa + n, sizeof sa - n);
        k = vec_hex(attributes[i], sa + n, sizeof sa - n);
        assert_true(k != SIZE_MAX);
        n += k;
        sa[at + 3] = (uint8_t)(n - at);
        sa[11] = (uint8_t)(n - 8);
        struct ike_chain c = v1_chain(&b);
        ike_put_payload(&c, IKE_P1_SA, ike_bytes_of(sa, n));
        assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, (uint32_t)(99 + i), &c), IKE_OK);
        nothing_came_of_it();
    }
    assert_int_equal(own_group(&b), 0);
}

/* Both offers are on the wire: which of them would go on being used? */
static void of_two_that_cross_neither(void **state)
{
    (void)state;
    assert_int_equal(ike_sa_new_group(b.e, node_sa(&b)->id, OWN, ffdhe(), two, now), IKE_OK);
    b.n_out = 0;
    struct ike_chain c = offer(OWN + 1, ffdhe(), two);
    assert_int_equal(v1_say(&b, IKE_X1_NEW_GROUP, 99, &c), IKE_OK);
    assert_int_equal(own_group(&b), 0);
}

/* A Quick Mode with a number that nothing was agreed on for. */
static void unknown_numbers_stay_unknown(void **state)
{
    (void)state;
    assert_int_equal(ike_sa_new_group(a.e, node_sa(&a)->id, OWN, ffdhe(), two, now), IKE_OK);
    assert_int_equal(wire_step(&a), IKE_OK); /* b has it; a is told that it is another */
    b.n_out = 0;
    assert_non_null(node_sa(&b)->v1->group);
    node_sa(&b)->v1->group->ke.id = OWN + 1;
    now += 3 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    wire_run();
    assert_int_equal(own_group(&a), OWN);
    assert_int_equal(ike_child_rekey(a.e, node_child(&a)->id, now), IKE_OK);
    wire_run();
    node_failed(&b, IKE_FAIL_NO_CHILD_PROPOSAL, IKE_DECIDER_US);
    assert_int_equal(used(&b), 19);
}

/* ---- What a host may ask for
 * ---------------------------------------------------------------------------------------------------- */

static void a_host_is_told(void **state)
{
    (void)state;
    static uint8_t p[IKE_POWER_MAX];
    ike_sa_id sa = node_sa(&a)->id;
    assert_int_equal(ike_sa_new_group(a.e, sa + 12345, OWN, ffdhe(), two, now), IKE_ERR_NOT_FOUND);
    assert_int_equal(ike_sa_new_group(a.e, sa, 14, ffdhe(), two, now), IKE_ERR_INVALID);
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ike_bytes_of(p, vec_hex(prime_not_safe, p, sizeof p)), two, now),
                     IKE_ERR_INVALID);
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ffdhe(), two, now), IKE_OK);
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ffdhe(), two, now), IKE_ERR_EXISTS);
    wire_run();
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ffdhe(), two, now), IKE_ERR_EXISTS);
    assert_int_equal(ike_sa_new_group(b.e, node_sa(&b)->id, OWN, ffdhe(), two, now), IKE_ERR_EXISTS);
    assert_int_equal(ike_sa_close(a.e, sa, now), IKE_OK);
    assert_int_equal(ike_sa_new_group(a.e, sa, OWN, ffdhe(), two, now), IKE_ERR_NOT_FOUND);
    wire_run();
}

int main(void)
{
    if (!ike_crypto_default()->power) {
        print_message("left out: private groups are not in this build\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_used, takes_groups, pair_is_over),
        cmocka_unit_test_setup_teardown(lines_are_bad, takes_groups, pair_is_over),
        cmocka_unit_test(short_memory),
        cmocka_unit_test_setup_teardown(unless_the_connection_says_so, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(who_proposed_is_told, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(others_are_not_answered, takes_groups, pair_is_over),
        cmocka_unit_test(what_is_no_group),
        cmocka_unit_test_setup_teardown(no_more_than_the_machine_can_bear, takes_groups, pair_is_over),
        cmocka_unit_test_setup_teardown(more_than_a_group, takes_groups, pair_is_over),
        cmocka_unit_test_setup_teardown(of_two_that_cross_neither, takes_groups, pair_is_over),
        cmocka_unit_test_setup_teardown(unknown_numbers_stay_unknown, takes_groups, pair_is_over),
        cmocka_unit_test_setup_teardown(a_host_is_told, takes_groups, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
