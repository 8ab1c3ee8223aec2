/* SPDX-License-Identifier: ISC
 *
 * An engine in the place of strongSwan, and in that of Libreswan, in exchanges that were recorded between these two. It hears
 * what the peer said, and draws the cookie, the nonce and the public value that went over the wire. Then it must find the peer's
 * proof good, and say what the one said in whose place it is.
 */
#include "unit/crypto_conformance.h"

#include "unit/capture_v1.h"
#include "unit/recorded_v1.h"
#include "unit/v1_help.h"

enum { ATTR_GROUP = 4, ATTR_LIFE = 12 }; /* RFC 2409 appendix A */

static struct replay {
    const struct recorded *r;
    unsigned us; /* 0: ours is the initiator */
    size_t n;
    uint8_t octets[6][512];
    ike_bytes message[6], sai, ke[2], nonce[2];
    uint64_t cookie[2], life;
    uint16_t group;
    char suite[100];
    ike_ke own_ke;
    const ike_ke *all_ke[2];
    ike_crypto crypto;
} rp;

static bool main_mode(void) { return rp.n == 6; }

/* ---- What the wire says ---------------------------------------------------------------------------------------------------- */

static void read_message(size_t i)
{
    static struct ike_message m;
    const struct ike_payload *p;
    rp.message[i] = ike_bytes_of(rp.octets[i], cc_lit(rp.r->message[i], rp.octets[i], sizeof rp.octets[i]));
    assert_int_equal(ike_message_parse(&m, rp.message[i].ptr, rp.message[i].len), IKE_OK);
    rp.cookie[0] = m.h.spi_i;
    rp.cookie[1] = m.h.spi_r;
    if ((p = ike_message_find(&m, IKE_P1_KE, 0)) != NULL) {
        rp.ke[i % 2] = ike_bytes_of(p->body, p->len);
    }
    if ((p = ike_message_find(&m, IKE_P1_NONCE, 0)) != NULL) {
        rp.nonce[i % 2] = ike_bytes_of(p->body, p->len);
    }
    if ((p = ike_message_find(&m, IKE_P1_SA, 0)) != NULL && i == 0) {
        rp.sai = ike_bytes_of(p->body, p->len);
    } else if (p) {
        ike_v1_sa_format(p, false, rp.suite, sizeof rp.suite);
        char *method = strstr(rp.suite, "-psk"); /* goes without saying in settings */
        assert_non_null(method);
        *method = 0;
        rp.group = (uint16_t)capture_v1_chosen(p, ATTR_GROUP);
        rp.life = capture_v1_chosen(p, ATTR_LIFE);
    }
}

/* ---- The host and the key exchange of the side that is ours ---------------------------------------------------------------- */

static int draw(void *user, uint8_t *out, size_t n)
{
    if (n == sizeof rp.cookie[0]) {
        ike_store64(out, rp.cookie[rp.us]);
    } else if (n == rp.nonce[rp.us].len) {
        memcpy(out, rp.nonce[rp.us].ptr, n);
    } else {
        return lab_random(user, out, n);
    }
    return IKE_OK;
}

static int initiate(void *state, const ike_random *rng, uint8_t *priv, uint8_t *pub)
{
    (void)state, (void)rng;
    memset(priv, 0, rp.own_ke.private_len);
    memcpy(pub, rp.ke[rp.us].ptr, rp.own_ke.public_len_i);
    return IKE_OK;
}

static int finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    (void)state, (void)rng, (void)priv;
    assert_memory_equal(pub, rp.ke[!rp.us].ptr, rp.own_ke.public_len_r);
    assert_int_equal(cc_lit(rp.r->g_xy, shared, rp.own_ke.shared_len), rp.own_ke.shared_len);
    return IKE_OK;
}

/* false: the build lacks the group or what else was negotiated, which is said. */
static bool take_suite(void)
{
    const ike_ke *ke = ike_find_ke(ike_crypto_default(), rp.group);
    struct capture_v1 f = {0};
    static struct ike_message m;
    assert_int_equal(ike_message_parse(&m, rp.message[1].ptr, rp.message[1].len), IKE_OK);
    if (!ke) {
        print_message("left out: group %u is not in this build\n", (unsigned)rp.group);
    }
    if (!ke || !capture_v1_negotiated(&f, ike_message_find(&m, IKE_P1_SA, 0))) {
        return false;
    }
    assert_true(ke->public_len_i == rp.ke[0].len && ke->public_len_r == rp.ke[1].len);
    rp.own_ke = *ke;
    rp.own_ke.initiate = initiate;
    rp.own_ke.finish = finish;
    rp.all_ke[0] = &rp.own_ke;
    rp.crypto = *ike_crypto_default();
    rp.crypto.ke = rp.all_ke;
    return true;
}

static ike_path path(void)
{
    ike_path p = {.local = lab_addr(rp.r->address[rp.us]), .remote = lab_addr(rp.r->address[!rp.us])};
    p.local.port = p.remote.port = 500;
    return p;
}

static void begin(void)
{
    ike_settings set;
    ike_conn_settings s;
    ike_child_settings child;
    const ike_ts ts[2] = {lab_ts("10.66.1.0/24"), lab_ts("10.66.2.0/24")};
    memset(&a, 0, sizeof a);
    now = IKE_SEC;
    node_settings(&a, &set);
    set.crypto = &rp.crypto;
    set.host.random = draw;
    assert_int_equal(ike_engine_new(&a.e, &set, now), IKE_OK);
    ike_conn_settings_init(&s);
    s.name = "recorded";
    s.version = 1;
    s.aggressive = !main_mode();
    s.local = lab_addr(rp.r->address[rp.us]);
    s.remote = lab_addr(rp.r->address[!rp.us]);
    s.local_id = (ike_id){IKE_ID_FQDN, ike_bytes_of(rp.r->id[rp.us], strlen(rp.r->id[rp.us]))};
    s.remote_id = (ike_id){IKE_ID_FQDN, ike_bytes_of(rp.r->id[!rp.us], strlen(rp.r->id[!rp.us]))};
    s.secret = ike_bytes_of(rp.r->psk, strlen(rp.r->psk));
    s.proposals = rp.suite;
    s.life_s = (uint32_t)rp.life;
    s.send_initial_contact = strstr(rp.r->name, "begun by strongSwan") != NULL; /* Libreswan does not */
    ike_child_settings_init(&child);
    child.name = "lan";
    child.local_ts = &ts[0];
    child.remote_ts = &ts[1];
    child.n_local_ts = child.n_remote_ts = 1;
    s.children = &child;
    s.n_children = 1;
    assert_int_equal(ike_conn_add(a.e, &s, &a.conn, now), IKE_OK);
}

/* ---- The exchange -----------------------------------------------------------------------------------------------------------
 */

/* Both proofs are over the offer as it was sent. Others write its attributes in another order: theirs is put in its place. */
static void offer_theirs(void)
{
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    struct ike_exchange *x = IKE_OF(node_sa(&a)->outstanding.next, struct ike_exchange, link);
    assert_int_equal(ike_blob_set(&a.e->core, &x->setup->sai, rp.sai), IKE_OK);
}

/* Payload for payload, in whatever order; offers and vendor ids are everybody's own. */
static void check_answer(const uint8_t *own, size_t n)
{
    static const uint8_t types[] = {IKE_P1_KE, IKE_P1_NONCE, IKE_P1_ID, IKE_P1_HASH, IKE_P1_NAT_D};
    static struct ike_message theirs, ours;
    assert_int_equal(ike_message_parse(&theirs, rp.message[1].ptr, rp.message[1].len), IKE_OK);
    assert_int_equal(ike_message_parse(&ours, own, n), IKE_OK);
    for (size_t t = 0; t < sizeof types; t++) {
        const struct ike_payload *p, *q;
        for (unsigned i = 0; (p = ike_message_find(&theirs, types[t], i)) != NULL; i++) {
            q = ike_message_find(&ours, types[t], i);
            assert_true(q && q->len == p->len);
            assert_memory_equal(q->body, p->body, p->len);
        }
        assert_true(ike_message_find(&theirs, types[t], 0) != NULL);
    }
}

/* Behind the offer and its answer a message has one form only: it is the same, octet for octet, and its ciphertext, too. */
static void check_said(size_t i)
{
    assert_true(i / 2 < a.n_out);
    const uint8_t *own = a.out[i / 2].bytes;
    const size_t n = a.out[i / 2].n;
    if (i >= 2) {
        assert_int_equal(n, rp.message[i].len);
        assert_memory_equal(own, rp.message[i].ptr, n);
    } else if (i == 1 && !main_mode()) {
        check_answer(own, n);
    }
}

/* false: the build lacks what it needs. */
static bool replay(const struct recorded *r, unsigned us)
{
    memset(&rp, 0, sizeof rp);
    rp.r = r;
    rp.us = us;
    for (; rp.n < IKE_COUNT(r->message) && r->message[rp.n]; rp.n++) {
        read_message(rp.n);
    }
    print_message("%s\n", r->name);
    if (!take_suite()) {
        return false;
    }
    begin();
    if (us == 0) {
        offer_theirs();
    }
    const ike_path p = path();
    for (size_t i = 0; i < rp.n; i++) {
        if (i % 2 == us) {
            check_said(i);
        } else {
            assert_int_equal(node_input(&a, &p, rp.message[i].ptr, rp.message[i].len), IKE_OK);
        }
    }
    const struct ike_sa *sa = node_sa(&a);
    assert_non_null(sa->peer); /* there only once it has proved who it is */
    assert_false(sa->no_nat_t || sa->nat_local || sa->nat_remote);
    assert_int_equal(counters(&a).failures, 0);
    ike_engine_free(a.e);
    assert_int_equal(a.lab.blocks, 0);
    return true;
}

static void replay_all(unsigned us)
{
    size_t n = 0;
    for (size_t i = 0; i < IKE_COUNT(recorded); i++) {
        n += replay(&recorded[i], us);
    }
    assert_true(n > 0);
}

static void in_the_place_of_the_initiator(void **state)
{
    (void)state;
    replay_all(0);
}

static void in_the_place_of_the_responder(void **state)
{
    (void)state;
    replay_all(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_place_of_the_initiator),
        cmocka_unit_test(in_the_place_of_the_responder),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
