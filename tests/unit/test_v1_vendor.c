/* SPDX-License-Identifier: ISC
 *
 * Vendor ids of IKEv1: by whose numbers NAT traversal goes, and what a peer that names none of it gets.
 */
#include "unit/v1_help.h"

/* What begins the vendor id of RFC 3947, draft 3, draft 2 in its first spelling, draft 2 in its second. */
static const uint8_t heads[][4] = {
    {0x4a, 0x13, 0x1c, 0x81}, {0x7d, 0x94, 0x19, 0xa6}, {0x90, 0xcb, 0x80, 0x91}, {0xcd, 0x60, 0x46, 0x43}};

static void with_encap(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)x;
    s->encap = true;
    child[0].mode = child[1].mode = IKE_MODE_TRANSPORT;
    child[0].local_ts = child[0].remote_ts = NULL;
    child[0].n_local_ts = child[0].n_remote_ts = 0;
}

static int begin(void **state)
{
    (void)state;
    v1_new(NULL, with_encap);
    return 0;
}

static const struct ike_payload *vendor(const struct ike_message *m, const uint8_t head[4])
{
    const struct ike_payload *p;
    for (unsigned i = 0; (p = ike_message_find(m, IKE_P1_VENDOR, i)) != NULL; i++) {
        if (memcmp(p->body, head, 4) == 0) {
            return p;
        }
    }
    return NULL;
}

static struct ike_message last_of(struct node *x)
{
    struct ike_message m;
    assert_int_equal(x->n_out, 1);
    assert_int_equal(ike_message_parse(&m, x->out[0].bytes, x->out[0].n), IKE_OK);
    return m;
}

/* The first n of them are made unknown on the way. */
static void forget(struct node *x, unsigned n)
{
    struct ike_message m = last_of(x);
    for (unsigned i = 0; i < n; i++) {
        const struct ike_payload *p = vendor(&m, heads[i]);
        assert_non_null(p);
        x->out[0].bytes[p->body - m.data] ^= 0xff;
    }
}

static bool encapsulated(const struct node *x) { return node_sa(x)->path.encap && ike_uses_encap(node_sa(x)); }

/* The answer names the one that is taken, and both go by its numbers: payloads 20 or 130, modes 4 or 61444. */
static void negotiate(unsigned forgotten, uint8_t nat_d, uint16_t mode)
{
    static const uint8_t attr[] = {0x80, 0x04}; /* Encapsulation Mode, of two octets */
    v1_begin(1);
    forget(&a, forgotten);
    assert_int_equal(wire_step(&a), IKE_OK);
    struct ike_message m = last_of(&b);
    for (unsigned i = 0; i < IKE_COUNT(heads); i++) {
        assert_int_equal(vendor(&m, heads[i]) != NULL, i == forgotten);
    }
    assert_int_equal(wire_step(&b), IKE_OK);
    m = last_of(&a);
    assert_non_null(ike_message_find(&m, nat_d, 1));
    assert_null(ike_message_find(&m, nat_d == IKE_P1_NAT_D ? IKE_P1_NAT_D_DRAFT : IKE_P1_NAT_D, 0));
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(wire_step(i % 2 ? &b : &a), IKE_OK);
    }
    v1_open_first(&a, &m);
    const struct ike_payload *sa = ike_message_find(&m, IKE_P1_SA, 0);
    const uint8_t *at = sa->body;
    while (at + 4 <= sa->body + sa->len && memcmp(at, attr, 2) != 0) {
        at++;
    }
    assert_int_equal(ike_load16(at + 2), mode);
    const uint8_t oa = nat_d == IKE_P1_NAT_D ? IKE_P1_NAT_OA : IKE_P1_NAT_OA_DRAFT;
    const struct ike_payload *first = ike_message_find(&m, oa, 0), *second = ike_message_find(&m, oa, 1);
    assert_true(first && second);
    assert_memory_equal(first->body, "\1\0\0\0\300\0\2\1", 8);
    assert_memory_equal(second->body, "\1\0\0\0\300\0\2\2", 8);
    v1_finish();
    assert_true(encapsulated(&a) && encapsulated(&b));
}

static void nat_traversal_by_the_rfc(void **state)
{
    (void)state;
    negotiate(0, IKE_P1_NAT_D, IKE_MODE1_UDP_TRANSPORT);
}

static void nat_traversal_by_draft_3(void **state)
{
    (void)state;
    negotiate(1, IKE_P1_NAT_D_DRAFT, IKE_MODE1_UDP_TRANSPORT_DRAFT);
}

static void nat_traversal_by_draft_2(void **state)
{
    (void)state;
    negotiate(2, IKE_P1_NAT_D_DRAFT, IKE_MODE1_UDP_TRANSPORT_DRAFT);
}

static void nat_traversal_by_draft_2_as_others_spell_it(void **state)
{
    (void)state;
    negotiate(3, IKE_P1_NAT_D_DRAFT, IKE_MODE1_UDP_TRANSPORT_DRAFT);
}

/* Without it addresses are not compared, and nothing is encapsulated. */
static void a_peer_without_it(void **state)
{
    (void)state;
    v1_begin(1);
    forget(&a, 4);
    assert_int_equal(wire_step(&a), IKE_OK);
    assert_int_equal(wire_step(&b), IKE_OK);
    struct ike_message m = last_of(&a);
    assert_null(ike_message_find(&m, IKE_P1_NAT_D, 0));
    assert_null(ike_message_find(&m, IKE_P1_NAT_D_DRAFT, 0));
    v1_finish();
    assert_false(encapsulated(&a) || encapsulated(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nat_traversal_by_the_rfc, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(nat_traversal_by_draft_3, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(nat_traversal_by_draft_2, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(nat_traversal_by_draft_2_as_others_spell_it, begin, pair_is_over),
        cmocka_unit_test_setup_teardown(a_peer_without_it, begin, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
