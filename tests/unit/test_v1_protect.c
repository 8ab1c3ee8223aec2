/* SPDX-License-Identifier: ISC
 *
 * The HASH of phase 2 messages: over what, where it stands, what stands behind it (RFC 2409 sections 5.5, 5.7; RFC 2408 leaves
 * padding to the sender).
 */
#include "unit/v1_help.h"

static void put_probe(struct ike_chain *c)
{
    ike_v1_put_notify(c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_R_U_THERE, IKE_STR("\1\2\3\4"));
}

/* What b sends is what anybody computes from the octets: prf(SKEYID_a, M-ID | payloads without the padding). */
static void the_hash_is_over_the_id_and_what_follows(void **state)
{
    (void)state;
    struct ike_chain c = v1_chain(&b);
    struct ike_message m;
    const struct ike_sa *sa = node_sa(&b);
    uint8_t hash[64], mid[4];
    put_probe(&c);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    v1_open_first(&b, &m);
    const struct ike_payload *n = ike_message_find(&m, IKE_P1_NOTIFY, 0);
    ike_bytes key = ike_v1_key_a(sa);
    ike_store32(mid, m.h.mid);
    sa->prf->mac->init(seal_scratch, key.ptr, key.len);
    sa->prf->mac->update(seal_scratch, mid, 4);
    sa->prf->mac->update(seal_scratch, n->body - 4, n->len + 4u);
    sa->prf->mac->final(seal_scratch, hash);
    assert_int_equal(m.p[0].len, sa->prf->mac->len);
    assert_memory_equal(m.p[0].body, hash, m.p[0].len);
    b.n_out = 0;
}

/* Each octet of the ciphertext that is not the padding's. */
static void a_changed_octet_is_noticed(void **state)
{
    (void)state;
    ike_path path = path_to(&b);
    struct ike_chain c = v1_chain(&b);
    put_probe(&c);
    size_t n = v1_forge(&b, IKE_X1_INFORMATIONAL, 77, &c, true), behind = IKE_HEADER_LEN + c.w.len;
    for (size_t at = IKE_HEADER_LEN; at < behind; at++) {
        forged[at] ^= 0x10;
        (void)node_input(&b, &path, forged, n);
        assert_int_equal(b.n_out, 0);
        forged[at] ^= 0x10;
    }
    assert_false(ike_v1_mid_used(node_sa(&b)->v1, 77));
    assert_int_equal(node_input(&b, &path, forged, n), IKE_OK);
    assert_int_equal(b.n_out, 1);
    b.n_out = 0;
}

/* The HASH must come first: behind something else it would not cover that. */
static void a_hash_that_is_not_first_is_none(void **state)
{
    (void)state;
    struct ike_sa *sa = node_sa(&b);
    const ike_hash *hash = ike_v1_hash_of(b.e->core.crypto, sa->prf);
    struct ike_v1_seal k = ike_v1_key(sa);
    ike_path path = path_to(&b);
    for (unsigned i = 0; i < 3; i++) {
        const bool first = i == 2;
        struct ike_chain c = inner_chain();
        uint8_t iv[IKE_IV_MAX];
        size_t len, n = sa->prf->mac->len;
        uint32_t mid = 90 + i;
        struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .mid = mid};
        h.exchange = IKE_X1_INFORMATIONAL;
        if (!first) {
            put_probe(&c);
        }
        size_t at = c.w.len;
        (void)ike_v1_reserve_hash(&c, n);
        if (first) {
            put_probe(&c);
        }
        /* Over what stands before it, over what stands behind it: nothing; and as it should be. */
        const uint8_t *rest = first ? c.w.p + 4 + n : c.w.p;
        assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), mid, ike_bytes_of(NULL, 0),
                                     ike_bytes_of(rest, first ? c.w.len - 4 - n
                                                        : i   ? 0
                                                              : at),
                                     c.w.p + at + 4),
                         IKE_OK);
        ike_v1_iv_next(hash, seal_scratch, ike_bytes_of(sa->v1->last_block, sa->encr->block), mid, iv, sa->encr->block);
        assert_int_equal(ike_v1_seal(&k, &h, &c, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
        (void)node_input(&b, &path, forged, len);
        assert_int_equal(b.n_out, first);
    }
    b.n_out = 0;
}

/* A hash for another id, or another kind of exchange under the same id, does not count. */
static void a_message_counts_under_its_own_id_only(void **state)
{
    (void)state;
    ike_path path = path_to(&b);
    struct ike_chain c = v1_chain(&b);
    put_probe(&c);
    size_t n = v1_forge(&b, IKE_X1_INFORMATIONAL, 77, &c, true);
    ike_store32(forged + 20, 78);
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 0);
    ike_store32(forged + 20, 77);
    forged[18] = IKE_X1_QUICK;
    (void)node_input(&b, &path, forged, n);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).exchanges, 0);
}

/* Past the limit it is as if it had not come: what is said again later is heard. */
static void what_comes_too_often_may_be_said_again(void **state)
{
    (void)state;
    struct ike_sa *sa = node_sa(&b);
    ike_path path = path_to(&b);
    uint8_t said[256];
    struct ike_chain c = v1_chain(&b);
    ike_put_payload(&c, IKE_P1_SA, IKE_STR("0123456789ab"));
    size_t n = v1_forge(&b, IKE_X1_NEW_GROUP, 99, &c, true);
    assert_true(n <= sizeof said);
    memcpy(said, forged, n);
    sa->asked.full = now + 20 * IKE_SEC;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(node_input(&b, &path, said, n), IKE_OK);
    }
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).exchanges, 0);
    assert_false(ike_v1_mid_used(sa->v1, 99));
    /* One without a good hash does not count. */
    n = v1_forge(&b, IKE_X1_NEW_GROUP, 98, &c, false);
    ike_time full = sa->asked.full;
    (void)node_input(&b, &path, forged, n);
    assert_true(sa->asked.full == full);
    now += IKE_SEC;
    assert_int_equal(node_input(&b, &path, said, n), IKE_OK);
    assert_int_equal(b.n_out, 1); /* that it is refused */
    b.n_out = 0;
}

/* It may not be the way round the limit; what there is of the peer stays. */
static void new_ike_sas_count_as_well(void **state)
{
    (void)state;
    struct ike_sa *sa = node_sa(&b);
    sa->asked.full = now + 20 * IKE_SEC;
    assert_int_equal(ike_sa_rekey(a.e, node_sa(&a)->id, now), IKE_OK);
    wire_run();
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_ptr_equal(node_sa(&b), sa);
    assert_int_equal(sa->state, IKE_SA_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_hash_is_over_the_id_and_what_follows, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_changed_octet_is_noticed, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_hash_that_is_not_first_is_none, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_message_counts_under_its_own_id_only, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(what_comes_too_often_may_be_said_again, v1_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(new_ike_sas_count_as_well, v1_is_up, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
