/* SPDX-License-Identifier: ISC
 *
 * Lifetimes of IKEv1: ranges as the paper has them, what two different ones come to, and RESPONDER-LIFETIME (RFC 2407 sections
 * 4.5 and 4.6.3.1).
 */
#include "unit/v1_help.h"

/* What a and b are configured with, of the IKE SA and of the child alike. */
static struct wish {
    uint32_t life_s, min_s, max_s;
    uint64_t bytes, min_bytes, max_bytes;
} wish[2];
static bool aggressive;

static void take_wish(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    const struct wish *w = &wish[x == &b];
    s->life_s = w->life_s;
    s->life_min_s = w->min_s;
    s->life_max_s = w->max_s;
    s->margin_s = 60;
    s->aggressive = aggressive;
    for (unsigned i = 0; i < 2; i++) {
        child[i].life_s = w->life_s;
        child[i].life_min_s = w->min_s;
        child[i].life_max_s = w->max_s;
        child[i].margin_s = 60;
        child[i].life_bytes = w->bytes;
        child[i].life_min_bytes = w->min_bytes;
        child[i].life_max_bytes = w->max_bytes;
    }
}

/* False: nothing came up. */
static bool meet(struct wish own, struct wish peer)
{
    wish[0] = own;
    wish[1] = peer;
    v1_new(NULL, take_wish);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    return node_saw(&a, IKE_EV_CHILD_UP) == 1;
}

static void check_lives(struct node *x, uint64_t life_s)
{
    const struct ike_sa *sa = node_sa(x);
    const struct ike_child *k = node_child(x);
    assert_int_equal(sa->v1->life_s, life_s);
    assert_int_equal(k->life_s, life_s);
    assert_true(life_s ? sa->expires_at == sa->established + life_s * IKE_SEC : sa->expires_at == IKE_NEVER);
    assert_true(life_s ? k->expires_at == k->established + life_s * IKE_SEC : k->expires_at == IKE_NEVER);
    assert_true(sa->rekey_at <= sa->expires_at && k->rekey_at <= k->expires_at);
}

/* "600,450:720": offers 600; takes what is within, as it is. */
static void a_range_takes_its_bounds_and_what_is_between(void **state)
{
    (void)state;
    static const struct {
        uint32_t offer;
        bool good;
    } rows[] = {{449, false}, {450, true}, {451, true}, {600, true}, {720, true}, {721, false}, {0, false}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        for (int in_aggressive = 0; in_aggressive < 2; in_aggressive++) {
            aggressive = in_aggressive;
            assert_int_equal(meet((struct wish){.life_s = rows[i].offer}, (struct wish){600, 450, 720, 0, 0, 0}), rows[i].good);
            if (rows[i].good) {
                check_lives(&a, rows[i].offer);
                check_lives(&b, rows[i].offer);
            }
            pair_end();
        }
    }
    aggressive = false;
    assert_true(meet((struct wish){600, 450, 720, 0, 0, 0}, (struct wish){600, 450, 720, 0, 0, 0}));
    check_lives(&b, 600);
    pair_end();
    assert_false(meet((struct wish){.life_s = 599}, (struct wish){600, 600, 600, 0, 0, 0})); /* one value only */
    pair_end();
}

/* What we offer need not be what we take: the answer repeats the offer. */
static void an_offer_outside_our_own_range(void **state)
{
    (void)state;
    assert_true(meet((struct wish){600, 700, 800, 0, 0, 0}, (struct wish){.life_s = 600}));
    check_lives(&a, 600);
    pair_end();
}

static void only_the_child_is_out_of_range(void **state)
{
    (void)state;
    struct wish in = {600, 450, 720, 0, 0, 0};
    ike_child_settings child[2];
    wish[0] = in;
    wish[1] = in;
    v1_new(NULL, take_wish);
    ike_conn_settings s = conn_settings(&a, child);
    s.version = 1;
    s.life_s = 600;
    child[0].life_s = 721;
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_OK);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_SA_UP), 1);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 0);
    ike_failure f = {.size = sizeof f};
    assert_int_equal(ike_conn_failure(b.e, b.conn, &f), IKE_OK);
    assert_int_equal(f.code, IKE_FAIL_NO_CHILD_PROPOSAL);
    assert_string_equal(f.expected, "a lifetime of 450 to 720 s");
    assert_string_equal(f.received, "721 s");
    pair_end();
}

/* What is not said is 28800 seconds. */
static void no_lifetime_means_the_default(void **state)
{
    (void)state;
    assert_true(meet((struct wish){0}, (struct wish){600, 28800, 28800, 0, 0, 0}));
    check_lives(&b, 28800);
    pair_end();
    assert_false(meet((struct wish){0}, (struct wish){600, 28799, 28799, 0, 0, 0}));
    pair_end();
    assert_true(meet((struct wish){0}, (struct wish){.life_s = 86400}));
    check_lives(&b, 28800);
    pair_end();
    assert_true(meet((struct wish){0}, (struct wish){0}));
    check_lives(&b, 28800);
    check_lives(&a, 0);
    pair_end();
}

/* It says so, in Main Mode's last message, in Quick Mode's second, and after Aggressive Mode in a message of its own. */
static void a_responder_with_less_says_so(void **state)
{
    (void)state;
    for (int in_aggressive = 0; in_aggressive < 2; in_aggressive++) {
        aggressive = in_aggressive;
        assert_true(meet((struct wish){.life_s = 14400}, (struct wish){.life_s = 3600}));
        check_lives(&a, 3600);
        check_lives(&b, 3600);
        assert_false(node_sa(&b)->v1->peers_life || node_child(&b)->peers_life);
        pair_end();
        assert_true(meet((struct wish){0}, (struct wish){.life_s = 3600}));
        check_lives(&a, 3600);
        pair_end();
    }
    aggressive = false;
}

/* The one that asked for less renews; the other is there should it not. */
/* The margin was meant for a life of 600 s: of one of 90 s it is as large a share, or there would be no end of rekeys. */
static void a_shorter_life_has_a_shorter_margin(void **state)
{
    (void)state;
    assert_true(meet((struct wish){.life_s = 600}, (struct wish){.life_s = 90}));
    check_lives(&a, 90);
    const struct ike_sa *sa = node_sa(&a);
    const struct ike_child *k = node_child(&a);
    assert_true(sa->rekey_at >= sa->established + 76 * IKE_SEC && sa->rekey_at <= sa->established + 81 * IKE_SEC);
    assert_true(k->rekey_at >= k->established + 76 * IKE_SEC && k->rekey_at <= k->established + 81 * IKE_SEC);
    pair_end();
}

static void a_responder_with_more_takes_what_is_offered(void **state)
{
    (void)state;
    assert_true(meet((struct wish){.life_s = 3600}, (struct wish){.life_s = 14400}));
    check_lives(&a, 3600);
    check_lives(&b, 3600);
    assert_true(node_sa(&b)->rekey_at == node_sa(&b)->established + 3420 * IKE_SEC);
    assert_true(node_child(&b)->rekey_at == node_child(&b)->established + 3420 * IKE_SEC);
    assert_true(node_sa(&a)->rekey_at > node_sa(&a)->established + 3420 * IKE_SEC); /* margin 60 s: the settings say so */
    pair_end();
    assert_true(meet((struct wish){.life_s = 1}, (struct wish){.life_s = 14400}));
    assert_int_equal(node_sa(&b)->v1->life_s, 60); /* it may have its second, but cannot hold us to it */
    assert_int_equal(node_child(&b)->life_s, 60);
    pair_end();
}

static void kilobytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t offers, has, a, b;
    } rows[] = {
        {10 << 20, 0, 10 << 20, 10 << 20},
        {10 << 20, 1 << 20, 1 << 20, 1 << 20},
        {1 << 20, 10 << 20, 1 << 20, 1 << 20},
        {0, 1 << 20, 1 << 20, 1 << 20},
        {0, 0, 0, 0},
        {UINT64_C(1) << 40, 5000, 1 << 20, 5000}, /* a peer's a few packets do not count, our own do */
        {5000, 0, 5000, 1 << 20},
        {5000, 10 << 20, 5000, 1 << 20},
        {1 << 10, 5000, 1 << 10, 5000},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_true(
            meet((struct wish){.life_s = 3600, .bytes = rows[i].offers}, (struct wish){.life_s = 3600, .bytes = rows[i].has}));
        assert_int_equal(ike_child_life_bytes(node_child(&a)), rows[i].a);
        assert_int_equal(ike_child_life_bytes(node_child(&b)), rows[i].b);
        ike_ipsec_sa d[IKE_LAYERS];
        ike_child_describe(node_child(&a), true, d);
        assert_true(d[0].hard_bytes == rows[i].a && d[0].soft_bytes <= d[0].hard_bytes);
        check_lives(&a, 3600);
        pair_end();
    }
}

/* As of seconds: what is within is taken as it is, though we would have less, and the rest is refused; so is an offer that limits
 * nothing, unless the range begins with that. */
static void a_range_of_kilobytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t offers, min;
        bool good;
    } rows[] = {{1 << 20, 1 << 20, true},          {4 << 20, 1 << 20, true},  {(1 << 20) - 1024, 1 << 20, false},
                {(4 << 20) + 1024, 1 << 20, false}, {0, 1 << 20, false},       {0, 0, true}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_int_equal(meet((struct wish){.life_s = 3600, .bytes = rows[i].offers},
                              (struct wish){.life_s = 3600, .bytes = 2 << 20, .min_bytes = rows[i].min, .max_bytes = 4 << 20}),
                         rows[i].good);
        if (rows[i].good) {
            assert_int_equal(ike_child_life_bytes(node_child(&a)), rows[i].offers);
            assert_int_equal(ike_child_life_bytes(node_child(&b)), rows[i].offers ? rows[i].offers : 2 << 20);
        } else {
            ike_failure f = {.size = sizeof f};
            char received[32];
            snprintf(received, sizeof received, "%u KiB", (unsigned)(rows[i].offers / 1024));
            assert_int_equal(ike_conn_failure(b.e, b.conn, &f), IKE_OK);
            assert_int_equal(f.code, IKE_FAIL_NO_CHILD_PROPOSAL);
            assert_string_equal(f.expected, "a lifetime of 1024 to 4096 KiB");
            assert_string_equal(f.received, received);
        }
        pair_end();
    }
    /* What a range is for are offers of others. */
    assert_true(meet((struct wish){.life_s = 3600, .bytes = 1 << 20, .min_bytes = 2 << 20, .max_bytes = 4 << 20},
                     (struct wish){.life_s = 3600}));
    assert_int_equal(ike_child_life_bytes(node_child(&b)), 1 << 20);
    pair_end();
}

/* ---- In an Informational ------------------------------------------------------------------------------------------------- */

static uint32_t mid = 100;

/* What a's peer, the responder, says of an SA. tlv: the duration with a length of so many octets; 0: in two octets. */
static void say_life(struct node *to, uint8_t protocol, ike_bytes spi, uint16_t type, size_t tlv, uint32_t life)
{
    uint8_t data[64], value[8] = {0};
    struct ike_wr w = ike_wr(data, sizeof data);
    struct ike_chain c = v1_chain(to);
    ike_v1_put_attr_uint(&w, type, 1);
    if (tlv) {
        ike_store32(value + tlv - 4, life);
        ike_v1_put_attr(&w, (uint16_t)(type + 1), ike_bytes_of(value, tlv));
    } else {
        ike_v1_put_attr_uint(&w, (uint16_t)(type + 1), life);
    }
    ike_v1_put_notify(&c, protocol, spi, IKE_N1_RESPONDER_LIFETIME, ike_bytes_of(data, w.len));
    assert_int_equal(v1_say(to, IKE_X1_INFORMATIONAL, mid++, &c), IKE_OK);
}

static void what_the_responder_says_later_counts(void **state)
{
    (void)state;
    uint8_t cookies[16], spi[4];
    assert_true(meet((struct wish){.life_s = 14400}, (struct wish){.life_s = 14400}));
    const ike_bytes ike = ike_v1_cookies(cookies, node_sa(&a)->spi_i, node_sa(&a)->spi_r), esp = {spi, 4};
    ike_store32(spi, node_child(&a)->spi_out);
    say_life(&a, IKE_PROTO1_ISAKMP, ike, 11, 4, 20000); /* longer */
    say_life(&a, IKE_PROTO1_ESP, esp, 1, 4, 20000);
    check_lives(&a, 14400);
    say_life(&a, IKE_PROTO1_ISAKMP, ike, 11, 4, 7200);
    say_life(&a, IKE_PROTO1_ESP, esp, 1, 8, 7200);
    check_lives(&a, 7200);
    say_life(&a, IKE_PROTO1_ISAKMP, ike, 1, 0, 3600); /* as classes of phase 2, and in two octets */
    say_life(&a, IKE_PROTO1_ESP, esp, 1, 0, 3600);
    check_lives(&a, 3600);
    say_life(&a, IKE_PROTO1_ISAKMP, ike, 11, 4, 0); /* nothing */
    check_lives(&a, 3600);
    cookies[0] ^= 1; /* other SAs */
    spi[0] ^= 1;
    say_life(&a, IKE_PROTO1_ISAKMP, ike, 11, 4, 600);
    say_life(&a, IKE_PROTO1_ESP, esp, 1, 4, 600);
    check_lives(&a, 3600);
    cookies[0] ^= 1;
    spi[0] ^= 1;
    say_life(&a, IKE_PROTO1_ISAKMP, ike, 11, 4, 5); /* no more often than that */
    say_life(&a, IKE_PROTO1_ESP, esp, 1, 4, 5);
    check_lives(&a, 60);
    pair_end();
}

/* It is the responder's to say. */
static void what_the_initiator_says_does_not_count(void **state)
{
    (void)state;
    uint8_t cookies[16], spi[4];
    assert_true(meet((struct wish){.life_s = 14400}, (struct wish){.life_s = 14400}));
    ike_store32(spi, node_child(&b)->spi_out);
    say_life(&b, IKE_PROTO1_ISAKMP, ike_v1_cookies(cookies, node_sa(&b)->spi_i, node_sa(&b)->spi_r), 11, 4, 600);
    say_life(&b, IKE_PROTO1_ESP, ike_bytes_of(spi, 4), 1, 4, 600);
    check_lives(&b, 14400);
    pair_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_takes_its_bounds_and_what_is_between),
        cmocka_unit_test(an_offer_outside_our_own_range),
        cmocka_unit_test(only_the_child_is_out_of_range),
        cmocka_unit_test(no_lifetime_means_the_default),
        cmocka_unit_test(a_responder_with_less_says_so),
        cmocka_unit_test(a_shorter_life_has_a_shorter_margin),
        cmocka_unit_test(a_responder_with_more_takes_what_is_offered),
        cmocka_unit_test(kilobytes), cmocka_unit_test(a_range_of_kilobytes),
        cmocka_unit_test(what_the_responder_says_later_counts),
        cmocka_unit_test(what_the_initiator_says_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
