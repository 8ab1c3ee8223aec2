/* SPDX-License-Identifier: ISC
 *
 * The commit bit (RFC 2408 section 3.1): who sets it says CONNECTED before the other side sends on the SA; nobody waits for ever,
 * and only the peer can say it. And INITIAL-CONTACT in a message of its own.
 */
#include "unit/v1_help.h"

enum { FLAGS = 19 };

static uint8_t third_block[IKE_IV_MAX];
static uint32_t quick_mid;

/* Quick Mode whose second message has the bit set. Its last message is heard by b. */
static void quick(void)
{
    v1_begin(7);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(b.n_out, 1);
    b.out[0].bytes[FLAGS] |= IKE_FLAG1_COMMIT;
    assert_int_equal(wire_step(&b), IKE_OK);
    assert_int_equal(a.n_out, 1);
    size_t n = node_sa(&a)->encr->block;
    memcpy(third_block, a.out[0].bytes + a.out[0].n - n, n);
    quick_mid = ike_load32(a.out[0].bytes + 20);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_true(node_child(&a)->in_installed && !node_child(&a)->out_installed);
    assert_true(node_child(&b)->in_installed && node_child(&b)->out_installed);
}

static void put_connected(struct ike_chain *c)
{
    uint8_t spi[4];
    ike_store32(spi, node_child(&b)->spi_in);
    ike_v1_put_notify(c, IKE_PROTO1_ESP, ike_bytes_of(spi, 4), IKE_N1_CONNECTED, ike_bytes_of(NULL, 0));
}

/* As the fourth message of the Quick Mode. */
static int say_fourth(bool good)
{
    struct ike_chain c = v1_chain(&a);
    struct ike_sa *sa = node_sa(&a);
    size_t n = sa->prf->mac->len, len;
    uint8_t iv[IKE_IV_MAX];
    ike_path path = path_to(&a);
    struct ike_header h = {
        .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .exchange = IKE_X1_QUICK, .mid = quick_mid};
    struct ike_v1_seal k = ike_v1_key(sa);
    put_connected(&c);
    assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), quick_mid, ike_bytes_of(NULL, 0),
                                 ike_bytes_of(c.w.p + 4 + n, c.w.len - 4 - n), c.w.p + 4),
                     IKE_OK);
    c.w.p[4] ^= !good;
    memcpy(iv, third_block, sizeof iv);
    assert_int_equal(ike_v1_seal(&k, &h, &c, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
    return node_input(&a, &path, forged, len);
}

static void sending_begins_when_the_peer_says_so(void **state)
{
    (void)state;
    quick();
    (void)say_fourth(false);
    assert_false(node_child(&a)->out_installed);
    assert_int_equal(say_fourth(true), IKE_OK);
    assert_true(node_child(&a)->out_installed);
    unsigned adds = a.adds;
    (void)say_fourth(true); /* a replay does nothing */
    assert_int_equal(a.adds, adds);
    assert_int_equal(counters(&a).failures + counters(&b).failures, 0);
}

static void or_says_so_in_a_message_of_its_own(void **state)
{
    (void)state;
    quick();
    struct ike_chain c = v1_chain(&a);
    put_connected(&c);
    assert_int_equal(v1_say(&a, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_true(node_child(&a)->out_installed);
}

static void a_peer_that_forgets_is_not_waited_for(void **state)
{
    (void)state;
    quick();
    now += 4 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_false(node_child(&a)->out_installed);
    now += 2 * IKE_SEC;
    assert_int_equal(ike_tick(a.e, now), IKE_OK);
    assert_true(node_child(&a)->out_installed);
}

/* In phase 1 it means nothing; a responder that is asked for it by its initiator waits for nothing either. */
static void elsewhere_it_means_nothing(void **state)
{
    (void)state;
    v1_begin(1);
    for (unsigned i = 0; i < 7; i++) {
        struct node *x = i % 2 ? &b : &a;
        x->out[0].bytes[FLAGS] |= IKE_FLAG1_COMMIT;
        assert_int_equal(wire_step(x), IKE_OK);
    }
    wire_run();
    assert_true(node_child(&a)->out_installed && node_child(&b)->out_installed);
}

/* What was there before that IKE SA is gone at the peer: so it goes here. Only under the keys. */
static void initial_contact_on_its_own(void **state)
{
    (void)state;
    uint8_t cookies[16];
    v1_begin(1);
    wire_run();
    now += 10 * IKE_SEC;
    struct ike_child *k = node_child(&a);
    struct ike_sa *sa = node_sa(&a);
    struct ike_chain c = v1_chain(&a);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_v1_cookies(cookies, sa->spi_i, sa->spi_r), IKE_N1_INITIAL_CONTACT,
                      ike_bytes_of(NULL, 0));
    ike_path path = path_to(&a);
    size_t n = v1_forge(&a, IKE_X1_INFORMATIONAL, 5, &c, true);
    assert_int_equal(node_input(&a, &path, forged, n), IKE_OK);
    assert_int_equal(counters(&a).children, 1); /* made on this one: it stays */
    k->sa = 0;                                  /* as if it were of an older one */
    c = v1_chain(&a);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_v1_cookies(cookies, sa->spi_i, sa->spi_r), IKE_N1_INITIAL_CONTACT,
                      ike_bytes_of(NULL, 0));
    n = v1_forge(&a, IKE_X1_INFORMATIONAL, 6, &c, false);
    (void)node_input(&a, &path, forged, n);
    assert_int_equal(counters(&a).children, 1);
    n = v1_forge(&a, IKE_X1_INFORMATIONAL, 6, &c, true);
    assert_int_equal(node_input(&a, &path, forged, n), IKE_OK);
    assert_int_equal(counters(&a).children, 0);
    assert_int_equal(counters(&a).sas, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sending_begins_when_the_peer_says_so, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(or_says_so_in_a_message_of_its_own, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_that_forgets_is_not_waited_for, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(elsewhere_it_means_nothing, v1_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(initial_contact_on_its_own, v1_is_new, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
