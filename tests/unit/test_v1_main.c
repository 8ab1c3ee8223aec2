/* SPDX-License-Identifier: ISC
 *
 * Main and Aggressive Mode by their rules: each payload that a message must have, private ones anywhere, the mode that nobody
 * allowed; the length of a HASH; and a hundred Quick Modes under one IKE SA.
 */
#include "unit/v1_help.h"

enum { PARALLEL = 100, MESSAGE_MAX = 2048 };

static void allow_aggressive(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)x, (void)child;
    s->aggressive = true;
}

/* ---- A message in clear, taken apart ------------------------------------------------------------------------------------- */

/* Without payload number `drop`, or with one of a private type before number `put` (-1: neither). Returns its length, 0 when it
 * has no such payload. */
static size_t remake(const uint8_t *msg, size_t n, int drop, int put, uint8_t *out)
{
    static struct ike_message m;
    struct ike_chain c = ike_chain(out + IKE_HEADER_LEN, MESSAGE_MAX - IKE_HEADER_LEN);
    assert_int_equal(ike_message_parse(&m, msg, n), IKE_OK);
    if (drop >= (int)m.n || put > (int)m.n) {
        return 0;
    }
    for (int i = 0; i <= (int)m.n; i++) {
        if (i == put) {
            ike_put_payload(&c, 200, IKE_STR("private"));
        }
        if (i < (int)m.n && i != drop) {
            ike_put_payload(&c, m.p[i].type, ike_bytes_of(m.p[i].body, m.p[i].len));
        }
    }
    assert_false(c.w.bad);
    struct ike_header h = m.h;
    h.next = c.first;
    h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(out, &h);
    return IKE_HEADER_LEN + c.w.len;
}

static bool is_needed(uint8_t type) { return type != IKE_P1_VENDOR && type != IKE_P1_NAT_D; }

/* Each message in clear comes first without each payload that it needs, which has to be as if nothing had come, and then whole.
 */
static void each_is_needed(bool aggressive, unsigned in_clear, unsigned payloads)
{
    unsigned needed = 0;
    v1_new(NULL, aggressive ? allow_aggressive : NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    for (unsigned k = 0; k < in_clear; k++) {
        struct node *from = k % 2 ? &b : &a, *to = k % 2 ? &a : &b;
        uint8_t msg[MESSAGE_MAX], cut[MESSAGE_MAX];
        const size_t n = from->out[0].n;
        ike_path path = path_back(&from->out[0].path);
        assert_int_equal(from->n_out, 1);
        memcpy(msg, from->out[0].bytes, n);
        static struct ike_message m;
        assert_int_equal(ike_message_parse(&m, msg, n), IKE_OK);
        for (int i = 0; i < (int)m.n; i++) {
            const bool need = is_needed(m.p[i].type);
            const size_t len = need ? remake(msg, n, i, -1, cut) : 0;
            needed += need;
            if (len > IKE_HEADER_LEN) {
                (void)node_input(to, &path, cut, len);
                assert_int_equal(to->n_out, 0);
            }
        }
        (void)wire_step(from);
    }
    wire_run();
    assert_int_equal(needed, payloads);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    pair_end();
}

static void main_mode_needs_each_payload(void **state)
{
    (void)state;
    each_is_needed(false, 4, 1 + 1 + 2 + 2);
}

static void aggressive_mode_needs_each_payload(void **state)
{
    (void)state;
    each_is_needed(true, 2, 4 + 5);
}

/* At each place of each message in clear; the neighbours are taken as they are. */
static void private_payloads_are_passed_over(void **state)
{
    (void)state;
    for (int at = 0;; at++) {
        unsigned put = 0;
        v1_new(NULL, NULL);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        for (unsigned k = 0; k < 4; k++) {
            struct node *from = k % 2 ? &b : &a, *to = k % 2 ? &a : &b;
            uint8_t more[MESSAGE_MAX];
            ike_path path = path_back(&from->out[0].path);
            const size_t n = remake(from->out[0].bytes, from->out[0].n, -1, at, more);
            put += n != 0;
            if (n) {
                from->n_out = 0;
                (void)node_input(to, &path, more, n);
            } else {
                (void)wire_step(from);
            }
        }
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
        pair_end();
        if (put == 0) {
            assert_true(at > 4);
            return;
        }
    }
}

static void aggressive_mode_is_for_who_allows_it(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        v1_new(NULL, NULL);
        node_speaks_v1(&a, allow_aggressive);
        node_speaks_v1(&b, allowed ? allow_aggressive : NULL);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        wire_run();
        assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), allowed);
        assert_int_equal(node_saw(&b, IKE_EV_SA_UP), allowed);
        assert_int_equal(counters(&b).sas - counters(&b).half_open, allowed);
        pair_end();
    }
}

/* ---- HASH ---------------------------------------------------------------------------------------------------------------- */

/* Whatever the peer calls its length: the right octets, but fewer or more of them, prove nothing. */
static void a_hash_has_its_length(void **state)
{
    (void)state;
    v1_up(NULL, NULL);
    struct ike_sa *sa = node_sa(&b);
    const ike_hash *hash = ike_v1_hash_of(b.e->core.crypto, sa->prf);
    const size_t n = sa->prf->mac->len, lengths[] = {0, 1, n - 1, n + 1, 2 * n, n};
    struct ike_v1_seal k = ike_v1_key(sa);
    ike_path path = path_to(&b);
    for (uint32_t i = 0; i < IKE_COUNT(lengths); i++) {
        uint8_t body[200], proof[2 * IKE_HASH_MAX] = {0}, iv[IKE_IV_MAX];
        struct ike_chain rest = ike_chain(body, sizeof body), c = inner_chain();
        uint32_t spi = node_child(&b)->spi_out;
        size_t len;
        ike_v1_put_delete_spis(&rest, IKE_PROTO1_ESP, &spi, 1);
        assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), 500 + i, ike_bytes_of(NULL, 0),
                                     ike_bytes_of(body, rest.w.len), proof),
                         IKE_OK);
        ike_put_payload(&c, IKE_P1_HASH, ike_bytes_of(proof, lengths[i]));
        ike_v1_put_delete_spis(&c, IKE_PROTO1_ESP, &spi, 1);
        struct ike_header h = {
            .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .exchange = IKE_X1_INFORMATIONAL, .mid = 500 + i};
        ike_v1_iv_next(hash, seal_scratch, ike_bytes_of(sa->v1->last_block, sa->encr->block), h.mid, iv, sa->encr->block);
        assert_int_equal(ike_v1_seal(&k, &h, &c, iv, seal_scratch, forged, sizeof forged, &len), IKE_OK);
        assert_int_equal(counters(&b).children, 1);
        (void)node_input(&b, &path, forged, len);
    }
    assert_int_equal(counters(&b).children, 0); /* the last was right */
    pair_end();
}

/* ---- Forged before anything is proved ----------------------------------------------------------------------------------- */

/* Somebody who sees the messages is faster once: with message number `which`, changed at the first octet of that payload. The
 * attempt is up within half a minute all the same, with the child that waited for it. */
static void astray_by(unsigned which, uint8_t payload)
{
    static uint8_t bad[MESSAGE_MAX];
    static struct ike_message m;
    v1_new(NULL, NULL);
    v1_begin(which);
    struct node *from = which % 2 ? &a : &b, *to = which % 2 ? &b : &a;
    size_t n = from->out[0].n;
    ike_path path = path_back(&from->out[0].path);
    uint64_t cookie = node_sa(&a)->spi_i;
    memcpy(bad, from->out[0].bytes, n);
    assert_int_equal(ike_message_parse(&m, bad, n), IKE_OK);
    bad[payload ? (size_t)(ike_message_find(&m, payload, 0)->body - m.data) : 8] ^= 1; /* 8: the responder's cookie */
    assert_int_equal(node_input(to, &path, bad, n), IKE_OK);
    wire_run(); /* the true one is too late */
    assert_int_equal(counters(&a).children, 0);
    for (unsigned i = 0; i < 300 && !counters(&a).children; i++) {
        now += IKE_SEC / 10;
        assert_int_equal(ike_tick(a.e, now), IKE_OK);
        wire_run();
    }
    assert_true(node_sa(&a)->spi_i != cookie);
    assert_int_equal(counters(&a).sas, 1);
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&a).failures, 0);
    assert_int_equal(counters(&b).children, 1);
    pair_end();
}

static void main_mode_that_goes_astray_begins_anew(void **state)
{
    (void)state;
    astray_by(2, 0);
    astray_by(4, IKE_P1_NONCE);
}

/* A peer that is gone in the middle: the attempt comes to its end in about the time it always took, with one record. */
static void main_mode_does_not_begin_anew_for_ever(void **state)
{
    (void)state;
    unsigned beginnings = 0;
    uint64_t cookie = 0;
    v1_new(NULL, NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    for (unsigned i = 0; i < 6000 && counters(&a).sas; i++) {
        beginnings += node_sa(&a)->spi_i != cookie;
        cookie = node_sa(&a)->spi_i;
        for (unsigned k = 0; k < a.n_out; k++) { /* only first messages are answered */
            if (ike_load64(a.out[k].bytes + 8) == 0) {
                ike_path path = path_back(&a.out[k].path);
                (void)node_input(&b, &path, a.out[k].bytes, a.out[k].n);
            }
        }
        a.n_out = 0;
        while (b.n_out) {
            (void)wire_step(&b);
        }
        now += IKE_SEC / 10;
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
    }
    assert_int_equal(counters(&a).sas, 0);
    assert_in_range(beginnings, 3, 8);
    assert_int_equal(counters(&a).failures, 1);
    node_failed(&a, IKE_FAIL_NO_ANSWER, IKE_DECIDER_NOBODY);
    pair_end();
}

/* ---- In parallel --------------------------------------------------------------------------------------------------------- */

static void add_children(struct node *x)
{
    static char names[PARALLEL][8];
    static ike_child_settings child[PARALLEL];
    static ike_ts ts[PARALLEL][2];
    ike_child_settings two[2];
    ike_conn_settings s = conn_settings(x, two);
    for (unsigned i = 0; i < PARALLEL; i++) {
        char text[32];
        snprintf(names[i], sizeof names[i], "c%u", i);
        snprintf(text, sizeof text, "10.1.%u.0/24", i);
        ts[i][x == &b] = lab_ts(text);
        snprintf(text, sizeof text, "10.2.%u.0/24", i);
        ts[i][x == &a] = lab_ts(text);
        child[i] = two[0];
        child[i].name = names[i];
        child[i].local_ts = &ts[i][0];
        child[i].remote_ts = &ts[i][1];
    }
    s.children = child;
    s.n_children = PARALLEL;
    assert_int_equal(ike_conn_replace(x->e, x->conn, &s, false, now), IKE_OK);
}

/* Of each first message: the id, which does not come twice, and the IV it opens with, a hash over the last block of phase 1 and
 * the id (RFC 2409 appendix B); so no two begin with the same one. */
static unsigned n_seen;
static uint8_t seen[PARALLEL][2][IKE_HASH_MAX];

static void look(const uint8_t *msg, size_t n)
{
    static struct ike_message m;
    const struct ike_sa *sa = node_sa(&a);
    const ike_hash *hash = ike_v1_hash_of(a.e->core.crypto, sa->prf);
    struct ike_v1_seal k = ike_v1_key(sa);
    uint8_t *iv, next[IKE_IV_MAX];
    size_t end;
    for (unsigned i = 0; i < n_seen; i++) {
        if (memcmp(seen[i][0], msg + 20, 4) == 0) {
            return; /* the third message */
        }
    }
    assert_true(n_seen < PARALLEL);
    memcpy(seen[n_seen][0], msg + 20, 4);
    iv = seen[n_seen][1];
    hash->init(seal_scratch);
    hash->update(seal_scratch, sa->v1->last_block, sa->encr->block);
    hash->update(seal_scratch, msg + 20, 4);
    hash->final(seal_scratch, iv);
    assert_int_equal(ike_message_parse(&m, msg, n), IKE_OK);
    assert_int_equal(ike_v1_open(&k, &m, iv, seal_scratch, plain, sizeof plain, next, &end), IKE_OK);
    assert_int_equal(m.p[0].type, IKE_P1_HASH);
    for (unsigned i = 0; i < n_seen; i++) {
        assert_memory_not_equal(seen[i][1], iv, sa->encr->block);
    }
    n_seen++;
}

/* The one of x's messages that the draw says, as if all others were slower. */
static void deliver_any(struct node *x, uint32_t *draw)
{
    *draw = *draw * 1664525 + 1013904223;
    const unsigned at = (*draw >> 16) % x->n_out;
    const ike_path path = path_back(&x->out[at].path);
    uint8_t bytes[MESSAGE_MAX];
    const size_t n = x->out[at].n;
    memcpy(bytes, x->out[at].bytes, n);
    x->out[at] = x->out[--x->n_out];
    if (x == &a) {
        look(bytes, n);
    }
    (void)node_input(x == &a ? &b : &a, &path, bytes, n);
    a.n_events = b.n_events = 0;
}

/* As many as may be open at a time, until all are done; what arrives next is left to chance. */
static void a_hundred_in_parallel(void **state)
{
    (void)state;
    uint32_t draw = 1;
    unsigned most = 0;
    v1_new(NULL, NULL);
    add_children(&a);
    add_children(&b);
    for (unsigned i = 0; i < PARALLEL; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%u", i);
        assert_int_equal(ike_initiate(a.e, a.conn, name, now), IKE_OK);
    }
    for (unsigned i = 0; i < 6; i++) { /* Main Mode */
        assert_int_equal(wire_step(i % 2 ? &b : &a), IKE_OK);
    }
    n_seen = 0;
    while (a.n_out || b.n_out) {
        most = a.n_out + b.n_out > most ? a.n_out + b.n_out : most;
        deliver_any(a.n_out && (b.n_out == 0 || draw & 0x10000) ? &a : &b, &draw);
    }
    assert_true(most >= 16);
    assert_int_equal(n_seen, PARALLEL);
    assert_int_equal(counters(&a).children, PARALLEL);
    assert_int_equal(counters(&b).children, PARALLEL);
    assert_true(a.adds == 2 * PARALLEL && b.adds == 2 * PARALLEL);
    assert_int_equal(counters(&a).sas, 1);
    pair_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(main_mode_needs_each_payload),
        cmocka_unit_test(aggressive_mode_needs_each_payload),
        cmocka_unit_test(private_payloads_are_passed_over),
        cmocka_unit_test(aggressive_mode_is_for_who_allows_it),
        cmocka_unit_test(a_hash_has_its_length),
        cmocka_unit_test(main_mode_that_goes_astray_begins_anew),
        cmocka_unit_test(main_mode_does_not_begin_anew_for_ever),
        cmocka_unit_test(a_hundred_in_parallel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
