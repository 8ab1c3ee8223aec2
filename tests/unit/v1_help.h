/* SPDX-License-Identifier: ISC
 *
 * Two engines that speak IKEv1 with each other, and a stranger with their keys who can speak for either.
 */
#ifndef TESTS_UNIT_V1_HELP_H
#define TESTS_UNIT_V1_HELP_H

#include "unit/engine_help.h"

#include "exchange/v1/v1.h"

static inline void node_speaks_v1(struct node *x, void (*change)(struct node *, ike_conn_settings *, ike_child_settings *))
{
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(x, child);
    s.version = 1;
    if (change) {
        change(x, &s, child);
    }
    assert_int_equal(ike_conn_replace(x->e, x->conn, &s, false, now), IKE_OK);
}

static inline void v1_new(void (*adjust)(struct node *, ike_settings *),
                          void (*change)(struct node *, ike_conn_settings *, ike_child_settings *))
{
    pair_new(adjust);
    node_speaks_v1(&a, change);
    node_speaks_v1(&b, change);
}

static inline void v1_up(void (*adjust)(struct node *, ike_settings *),
                         void (*change)(struct node *, ike_conn_settings *, ike_child_settings *))
{
    v1_new(adjust, change);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), 1);
    now += IKE_SEC;
}

/* As far as so many messages of Main Mode, a's being the odd ones; the last of them is still on the wire. */
static inline void v1_begin(unsigned messages)
{
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    for (unsigned i = 1; i < messages; i++) {
        assert_int_equal(wire_step(i % 2 ? &a : &b), IKE_OK);
    }
}

/* The wire is emptied, and all went well. */
static inline void v1_finish(void)
{
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&a).failures + counters(&b).failures, 0);
}

/* What tests begin with. */
static inline int v1_is_new(void **state)
{
    (void)state;
    v1_new(NULL, NULL);
    return 0;
}

static inline int v1_is_up(void **state)
{
    (void)state;
    v1_up(NULL, NULL);
    return 0;
}

/* ---- The stranger: what he says as x's peer, in an exchange of his own -------------------------------------------------------
 */

/* Room for the HASH first; then whatever is to be said. */
static inline struct ike_chain v1_chain(const struct node *x)
{
    struct ike_chain c = inner_chain();
    (void)ike_v1_reserve_hash(&c, node_sa(x)->prf->mac->len);
    return c;
}

/* HASH(1), then sealed by the IV that follows from the message id. */
static inline size_t v1_forge(const struct node *x, uint8_t exchange, uint32_t mid, struct ike_chain *c, bool good_hash)
{
    struct ike_sa *sa = node_sa(x);
    const ike_hash *hash = ike_v1_hash_of(x->e->core.crypto, sa->prf);
    size_t n = sa->prf->mac->len, len;
    uint8_t iv[IKE_IV_MAX];
    struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .exchange = exchange, .mid = mid};
    struct ike_v1_seal k = ike_v1_key(sa);
    assert_false(c->w.bad);
    assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), mid, ike_bytes_of(NULL, 0),
                                 ike_bytes_of(c->w.p + 4 + n, c->w.len - 4 - n), c->w.p + 4),
                     IKE_OK);
    c->w.p[4] ^= good_hash ? 0 : 1;
    ike_v1_iv_next(hash, seal_scratch, ike_bytes_of(sa->v1->last_block, sa->encr->block), mid, iv, sa->encr->block);
    assert_int_equal(ike_v1_seal(&k, &h, c, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
    return len;
}

static inline int v1_say(struct node *x, uint8_t exchange, uint32_t mid, struct ike_chain *c)
{
    ike_path path = path_to(x);
    size_t n = v1_forge(x, exchange, mid, c, true);
    return node_input(x, &path, forged, n);
}

/* What x sent last as the first message of an exchange of its own, opened. */
static inline void v1_open_first(const struct node *x, struct ike_message *m)
{
    struct ike_sa *sa = node_sa(x);
    const ike_hash *hash = ike_v1_hash_of(x->e->core.crypto, sa->prf);
    struct ike_v1_seal k = ike_v1_key(sa);
    uint8_t iv[IKE_IV_MAX], next[IKE_IV_MAX];
    size_t end;
    assert_true(x->n_out > 0);
    assert_int_equal(ike_message_parse(m, x->out[x->n_out - 1].bytes, x->out[x->n_out - 1].n), IKE_OK);
    assert_true(m->h.version == IKE_V1_VERSION && m->h.flags == IKE_FLAG1_ENCRYPTED && m->h.mid);
    ike_v1_iv_next(hash, seal_scratch, ike_bytes_of(sa->v1->last_block, sa->encr->block), m->h.mid, iv, sa->encr->block);
    assert_int_equal(ike_v1_open(&k, m, iv, seal_scratch, plain, sizeof plain, next, &end), IKE_OK);
    assert_int_equal(m->p[0].type, IKE_P1_HASH);
}

#endif
