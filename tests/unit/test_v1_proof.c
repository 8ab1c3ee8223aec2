/* SPDX-License-Identifier: ISC
 *
 * IKEv1 with signatures (RFC 2409 section 5.1, RFC 4754) between two engines: every kind of key in both modes, what is signed,
 * the host's hook, whom the peer has to be, and what the records say when it is somebody else.
 */
#include "unit/crypto_conformance.h"
#include "unit/keys_help.h"
#include "unit/v1_help.h"

enum answer { AT_ONCE, LATER, LATER_NO, LATER_EMPTY, LATER_LONG, LATER_SHORT, NO, TOO_LONG, EMPTY, ONE_MORE, ONE_LESS };

/* What differs from two ends with keys of one kind that know each other. */
static struct plan {
    unsigned kind;
    bool aggressive, hooked, no_cert;      /* hooked: b's key is the host's */
    const char *pinned_by_a, *pinned_by_b; /* another certificate than the peer's */
    bool a_secret, b_secret;               /* no signatures at all */
    const char *proposals, *a_id;
    enum answer answer;
} plan;

static struct asked {
    unsigned n;
    ike_token token;
    uint8_t kind, data[IKE_HASH_MAX];
    size_t len;
} asked;

static ike_conn_id chosen_by_host;

static ike_bytes text(const char *s) { return ike_bytes_of(s, s ? strlen(s) : 0); }

/* The default choice, and DSA from a module if there is one. */
static const ike_crypto *crypto(void)
{
    static const ike_sign *sign[8];
    static ike_crypto all;
    const ike_crypto *o = cc_named("openssl");
    size_t n = 0;
    all = *ike_crypto_default();
    for (; all.sign[n]; n++) {
        sign[n] = all.sign[n];
    }
    sign[n] = o ? o->sign[0] : NULL;
    all.sign = sign;
    return &all;
}

static void change(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    unsigned own = x == &b;
    const char *pinned = own ? plan.pinned_by_b : plan.pinned_by_a;
    (void)child;
    s->aggressive = plan.aggressive;
    s->proposals = plan.proposals ? plan.proposals : "aes128-sha256-modp2048";
    if (plan.a_id) {
        ike_id a_is = {IKE_ID_FQDN, text(plan.a_id)};
        *(own ? &s->remote_id : &s->local_id) = a_is;
    }
    if (own ? plan.b_secret : plan.a_secret) {
        s->secret = IKE_STR("secret");
        s->local_key = s->local_cert = s->remote_key = ike_bytes_of(NULL, 0);
        return;
    }
    s->secret = ike_bytes_of(NULL, 0);
    s->local_key = plan.hooked && own ? s->secret : text(test_keys[plan.kind][own].key);
    s->local_cert = text(plan.no_cert ? NULL : test_keys[plan.kind][own].cert);
    s->remote_key = text(pinned ? pinned : test_keys[plan.kind][!own].cert);
}

/* What the host does with its key. It has memory of its own. */
static void sign(struct node *x, ike_bytes data, uint8_t *sig, size_t *len)
{
    long allowed = x->lab.allowed;
    x->lab.allowed = -1;
    ike_random rng = {lab_random, &x->lab};
    ike_allocator mem = {lab_alloc, lab_release, &x->lab};
    struct ike_key k = {0};
    assert_int_equal(ike_key_read(crypto(), &mem, &rng, true, text(test_keys[plan.kind][1].key), &k), IKE_OK);
    assert_int_equal(k.alg->id, asked.kind);
    assert_int_equal(k.alg->sign(k.state, &rng, data, sig, len), IKE_OK);
    ike_key_drop(&k, &mem);
    x->lab.allowed = allowed;
}

static int sign_hook(void *user, ike_token t, const ike_sign_question *q, uint8_t *sig, size_t *len)
{
    struct node *x = user;
    assert_true(q->size == sizeof *q && q->sa && q->conn == x->conn && *len == IKE_SIG_MAX && q->data.len <= IKE_HASH_MAX);
    assert_int_equal(q->local_id.type, IKE_ID_IPV4_ADDR);
    asked.n++;
    asked.token = t;
    asked.kind = q->kind;
    asked.len = q->data.len;
    memcpy(asked.data, q->data.ptr, q->data.len);
    switch (plan.answer) {
    case AT_ONCE:
        sign(x, q->data, sig, len);
        return IKE_OK;
    case NO:
        return IKE_ERR_NOT_FOUND;
    case TOO_LONG:
        *len = IKE_SIG_MAX + 1;
        return IKE_OK;
    case EMPTY:
        *len = 0;
        return IKE_OK;
    case ONE_MORE:
        sign(x, q->data, sig, len);
        sig[(*len)++] = 0;
        return IKE_OK;
    case ONE_LESS:
        sign(x, q->data, sig, len);
        --*len;
        return IKE_OK;
    default:
        return IKE_PENDING;
    }
}

static int peer_hook(void *user, ike_token t, const ike_peer_question *q, ike_conn_id *conn)
{
    (void)user, (void)t, (void)q;
    *conn = chosen_by_host ? chosen_by_host : *conn;
    return IKE_OK;
}

static void hooks(struct node *x, ike_settings *s)
{
    s->crypto = crypto();
    if (x == &b && plan.hooked) {
        s->host.hooks.sign = sign_hook;
        s->host.hooks.cancel = lab_cancel;
    }
    if (x == &b && chosen_by_host) {
        s->host.hooks.peer = peer_hook;
    }
}

static void begin(struct plan p)
{
    plan = p;
    memset(&asked, 0, sizeof asked);
    v1_new(hooks, change);
}

static void end(void)
{
    a.n_out = b.n_out = 0;
    pair_end();
    chosen_by_host = 0;
}

static void up(void)
{
    v1_begin(1);
    wire_run();
    struct ike_sa *i = node_sa(&a), *r = node_sa(&b);
    assert_true(i && r && i->established && r->established);
    assert_memory_equal(i->keys, r->keys, ike_key_kept(&i->layout));
    assert_int_equal(counters(&a).children, 1);
    assert_int_equal(counters(&b).children, 1);
    assert_int_equal(counters(&a).failures + counters(&b).failures, 0);
}

static void later(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        now += IKE_SEC;
        (void)ike_tick(a.e, now);
        (void)ike_tick(b.e, now);
        wire_run();
    }
}

static bool there(unsigned kind)
{
    if (kind != KEY_DSA || cc_named("openssl")) {
        return true;
    }
    print_message("left out: DSA, the module openssl is not in this build\n");
    return false;
}

static ike_failure failure(const struct node *x)
{
    ike_failure f = {.size = sizeof f};
    assert_int_equal(ike_conn_failure(x->e, x->conn, &f), IKE_OK);
    return f;
}

/* ---- All goes well --------------------------------------------------------------------------------------------------------- */

static void every_kind_in_both_modes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * N_KEYS; i++) {
        if (there(i / 4)) {
            begin((struct plan){.kind = i / 4, .aggressive = i & 1, .no_cert = i & 2});
            up();
            end();
        }
    }
}

/* RSA signs the HMAC of the negotiated hash as it is; the others have their own hash (RFC 2409 section 5.1, RFC 4754 section 7):
 * what the host is asked to sign is of that size, in both modes. */
static void what_is_signed_has_the_size_of_the_keys_hash(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        const char *proposals;
        size_t len;
        uint8_t of;
    } rows[] = {{KEY_RSA, "aes128-sha256-modp2048", 32, IKE_KEY_RSA},    {KEY_RSA, "aes128-sha1-modp2048", 20, IKE_KEY_RSA},
                {KEY_P256, "aes128-sha1-modp2048", 32, IKE_KEY_ECDSA},   {KEY_P256, "aes256-sha512-modp2048", 32, IKE_KEY_ECDSA},
                {KEY_P384, "aes128-sha256-modp2048", 48, IKE_KEY_ECDSA}, {KEY_P521, "aes128-sha256-modp2048", 64, IKE_KEY_ECDSA},
                {KEY_DSA, "aes128-sha256-modp2048", 20, IKE_KEY_DSA}};
    for (size_t i = 0; i < 2 * IKE_COUNT(rows); i++) {
        if (there(rows[i / 2].kind)) {
            begin(
                (struct plan){.kind = rows[i / 2].kind, .proposals = rows[i / 2].proposals, .aggressive = i & 1, .hooked = true});
            up();
            assert_int_equal(asked.n, 1);
            assert_int_equal(asked.len, rows[i / 2].len);
            assert_int_equal(asked.kind, rows[i / 2].of);
            end();
        }
    }
}

/* The same octets as from the formula of RFC 2409 section 5, put together here: prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b |
 * IDir_b), with SHA-384 although SHA-256 was negotiated. */
static void what_is_signed_is_hash_r(void **state)
{
    (void)state;
    static uint8_t seen[6][2048];
    size_t n[6];
    uint8_t skeyid[64], expected[IKE_HASH_MAX];
    begin((struct plan){.kind = KEY_P384, .hooked = true});
    v1_begin(1);
    for (unsigned i = 0; i < 5; i++) {
        struct node *x = i % 2 ? &b : &a;
        n[i] = x->out[0].n;
        memcpy(seen[i], x->out[0].bytes, n[i]);
        if (i == 4) { /* kept for both proofs, until the exchange is over */
            const struct ike_blob *b1 = &node_sa(&a)->setup->sk_p;
            assert_int_equal(b1->len, 32);
            memcpy(skeyid, b1->ptr, b1->len);
        }
        assert_int_equal(wire_step(x), IKE_OK);
    }
    struct ike_message m1, m3, m4;
    assert_int_equal(ike_message_parse(&m1, seen[0], n[0]), IKE_OK);
    assert_int_equal(ike_message_parse(&m3, seen[2], n[2]), IKE_OK);
    assert_int_equal(ike_message_parse(&m4, seen[3], n[3]), IKE_OK);
    const struct ike_payload *sai = ike_message_find(&m1, IKE_P1_SA, 0), *gi = ike_message_find(&m3, IKE_P1_KE, 0),
                             *gr = ike_message_find(&m4, IKE_P1_KE, 0);
    static const uint8_t id[] = {1, 0, 0, 0, 192, 0, 2, 2};
    const ike_mac *mac = ike_find_prf(crypto(), 6)->mac;
    assert_int_equal(mac->init(seal_scratch, skeyid, 32), IKE_OK);
    mac->update(seal_scratch, gr->body, gr->len);
    mac->update(seal_scratch, gi->body, gi->len);
    mac->update(seal_scratch, seen[3] + 8, 8);
    mac->update(seal_scratch, seen[3], 8);
    mac->update(seal_scratch, sai->body, sai->len);
    mac->update(seal_scratch, id, sizeof id);
    mac->final(seal_scratch, expected);
    assert_int_equal(asked.len, 48);
    assert_memory_equal(asked.data, expected, 48);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    end();
}

/* The first connection of the address that has the method; among those with it, the one that expects this peer. */
static void one_of_several_connections_by_the_identity(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        ike_conn_id other;
        ike_child_settings child[2];
        begin((struct plan){.kind = KEY_RSA, .a_id = "a.example", .aggressive = i & 1});
        ike_conn_settings s = conn_settings(&b, child);
        s.version = 1;
        change(&b, &s, child);
        s.name = "other";
        assert_int_equal(ike_conn_add(b.e, &s, &other, now), IKE_OK);
        /* "peer" is for somebody else, or for a secret. */
        s.name = "peer";
        s.remote_id = (ike_id){IKE_ID_FQDN, IKE_STR("c.example")};
        s.remote_key = text(test_keys[KEY_RSA][1].cert);
        if (i & 2) {
            s.secret = IKE_STR("secret");
            s.local_key = s.local_cert = s.remote_key = ike_bytes_of(NULL, 0);
        }
        assert_int_equal(ike_conn_replace(b.e, b.conn, &s, false, now), IKE_OK);
        up();
        assert_int_equal(node_sa(&b)->conn->id, other);
        end();
    }
}

/* ---- The host's key -------------------------------------------------------------------------------------------------------- */

static void the_host_signs_later(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 2; mode++) {
        uint8_t sig[IKE_SIG_MAX];
        size_t n;
        begin((struct plan){.kind = KEY_P256, .aggressive = mode, .hooked = true, .answer = LATER});
        v1_begin(1);
        wire_run();
        assert_int_equal(asked.n, 1);
        assert_true(node_sa(&b) && !node_saw(&a, IKE_EV_CHILD_UP));
        assert_int_equal(ike_answer_secret(b.e, asked.token, IKE_OK, IKE_STR("x"), now), IKE_ERR_INVALID);
        sign(&b, ike_bytes_of(asked.data, asked.len), sig, &n);
        assert_int_equal(ike_answer_sign(b.e, asked.token, IKE_OK, ike_bytes_of(sig, n), now), IKE_OK);
        assert_int_equal(ike_answer_sign(b.e, asked.token, IKE_OK, ike_bytes_of(sig, n), now), IKE_ERR_NOT_FOUND);
        wire_run();
        assert_int_equal(counters(&a).children, 1);
        assert_int_equal(counters(&b).children, 1);
        assert_int_equal(asked.n, 1);
        end();
    }
}

/* Without a signature that can be sent there is none; the peer is told, and both have a record. */
static void the_host_does_not_sign(void **state)
{
    (void)state;
    static const uint8_t octets[IKE_SIG_MAX + 1];
    static const enum answer answers[] = {NO, TOO_LONG, EMPTY, LATER_NO, LATER_LONG, LATER_EMPTY};
    for (unsigned i = 0; i < 2 * IKE_COUNT(answers); i++) {
        enum answer how = answers[i / 2];
        begin((struct plan){.kind = KEY_RSA, .aggressive = i & 1, .hooked = true, .answer = how});
        v1_begin(1);
        wire_run();
        assert_int_equal(asked.n, 1);
        if (how == LATER_NO || how == LATER_LONG || how == LATER_EMPTY) {
            (void)ike_answer_sign(b.e, asked.token, how == LATER_NO ? IKE_ERR_HOST : IKE_OK,
                                  ike_bytes_of(octets, how == LATER_LONG ? sizeof octets : 0), now);
            wire_run();
        }
        node_failed(&b, IKE_FAIL_NO_SECRET, IKE_DECIDER_HOST);
        assert_int_equal(failure(&b).error, how == NO ? IKE_ERR_NOT_FOUND : IKE_ERR_HOST);
        later(400);
        assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
        assert_int_equal(counters(&a).failures, 1);
        assert_int_equal(asked.n, 1);
        end();
    }
}

static void nobody_is_there_to_sign(void **state)
{
    (void)state;
    begin((struct plan){.kind = KEY_RSA});
    plan.hooked = true;
    node_speaks_v1(&b, change);
    v1_begin(1);
    wire_run();
    node_failed(&b, IKE_FAIL_NO_SECRET, IKE_DECIDER_HOST);
    end();
}

static void a_question_is_taken_back(void **state)
{
    (void)state;
    begin((struct plan){.kind = KEY_RSA, .hooked = true, .answer = LATER});
    v1_begin(1);
    wire_run();
    assert_int_equal(asked.n, 1);
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    later(400);
    assert_int_equal(b.lab.cancelled, 1);
    assert_true(b.lab.last_cancel == asked.token);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    assert_int_equal(ike_answer_sign(b.e, asked.token, IKE_OK, IKE_STR("late"), now), IKE_ERR_NOT_FOUND);
    end();
    /* And one that nobody answers. */
    begin((struct plan){.kind = KEY_RSA, .hooked = true, .answer = LATER});
    v1_begin(1);
    wire_run();
    later(400);
    assert_int_equal(b.lab.cancelled, 1);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    end();
}

/* ---- Somebody else --------------------------------------------------------------------------------------------------------- */

static void fails_at(struct node *x, unsigned code)
{
    struct node *y = x == &a ? &b : &a;
    v1_begin(1);
    wire_run();
    later(plan.aggressive ? 3 : 0); /* where its answer is in clear a better one is waited for */
    node_failed(x, code, IKE_DECIDER_US);
    later(400);
    ike_failure f = failure(y);
    assert_true(f.decider != IKE_DECIDER_US && f.code != IKE_FAIL_NONE);
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP) + node_saw(&b, IKE_EV_CHILD_UP), 0);
}

static void another_certificate_is_pinned(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4 * N_KEYS; i++) {
        if (there(i / 4)) {
            const char *own = test_keys[i / 4][i & 1].cert; /* not the peer's */
            begin((struct plan){
                .kind = i / 4, .aggressive = i & 2, .pinned_by_a = i & 1 ? NULL : own, .pinned_by_b = i & 1 ? own : NULL});
            fails_at(i & 1 ? &b : &a, IKE_FAIL_AUTH_MISMATCH);
            ike_failure f = failure(i & 1 ? &b : &a);
            assert_non_null(strstr(f.expected, "remote-cert"));
            assert_non_null(strstr(f.remedy, "remote-cert"));
            end();
        }
    }
}

/* A signature is as long as the key says, no more and no less. */
static void signatures_of_other_lengths_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        begin((struct plan){
            .kind = i & 4 ? KEY_RSA : KEY_P256, .aggressive = i & 1, .hooked = true, .answer = i & 2 ? ONE_MORE : ONE_LESS});
        fails_at(&a, IKE_FAIL_AUTH_MISMATCH);
        end();
    }
}

static void a_secret_here_and_signatures_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        begin((struct plan){.kind = KEY_RSA, .aggressive = i & 1, .a_secret = i & 2, .b_secret = !(i & 2)});
        fails_at(&b, IKE_FAIL_AUTH_METHOD);
        ike_failure f = failure(&b);
        assert_non_null(strstr(f.remedy, "local-key"));
        assert_non_null(strstr(f.expected, i & 2 ? "with RSA signatures" : "with a pre-shared key"));
        assert_int_equal(failure(&a).code, IKE_FAIL_NO_PROPOSAL);
        end();
    }
    begin((struct plan){.kind = KEY_RSA, .a_secret = true, .b_secret = true});
    up();
    end();
}

/* Different kinds are different methods. */
static void rsa_here_and_ecdsa_there(void **state)
{
    (void)state;
    begin((struct plan){.kind = KEY_RSA});
    plan.kind = KEY_P256;
    node_speaks_v1(&b, change);
    fails_at(&b, IKE_FAIL_AUTH_METHOD);
    assert_non_null(strstr(failure(&b).expected, "ECDSA"));
    end();
}

/* In the answer of Aggressive Mode, which is in clear: the payload before SIG is CERT, and names it. */
static void an_answer_without_a_signature_is_no_answer(void **state)
{
    (void)state;
    static const uint8_t instead[] = {IKE_P1_VENDOR, IKE_P1_HASH, IKE_P1_NONCE, 0};
    static uint8_t bad[2048];
    begin((struct plan){.kind = KEY_P256, .aggressive = true}); /* short enough for one part */
    v1_begin(2);
    ike_path path = path_to(&a);
    struct ike_message m;
    size_t n = b.out[0].n;
    memcpy(bad, b.out[0].bytes, n);
    assert_int_equal(ike_message_parse(&m, bad, n), IKE_OK);
    const struct ike_payload *cert = ike_message_find(&m, IKE_P1_CERT, 0);
    size_t next = (size_t)(cert->body - bad) - 4;
    assert_int_equal(bad[next], IKE_P1_SIG);
    for (size_t i = 0; i < sizeof instead; i++) {
        bad[next] = instead[i];
        (void)node_input(&a, &path, bad, n);
        assert_int_equal(a.n_out, 0);
        assert_false(node_sa(&a)->established);
    }
    wire_run(); /* and the true one is heard */
    assert_int_equal(counters(&a).children, 1);
    end();
}

/* A certificate makes the answer of Aggressive Mode longer than one part: it comes when the cookie in it is not known yet. */
static void a_long_answer_comes_in_parts(void **state)
{
    (void)state;
    begin((struct plan){.kind = KEY_RSA, .aggressive = true});
    v1_begin(2);
    assert_true(b.n_out > 1);
    assert_int_equal(b.out[0].bytes[16], IKE_P1_FRAG);
    wire_run();
    assert_int_equal(counters(&a).children, 1);
    end();
}

/* The proof is there in the form of the method that the first message settled. Other settings meanwhile must not have it taken
 * for one of another. */
static void settings_change_while_it_goes_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        bool secret = i & 1;
        begin((struct plan){.kind = KEY_RSA, .a_secret = secret, .b_secret = secret});
        v1_begin(5);
        plan.b_secret = i / 2 == 0 ? !secret : secret;
        plan.kind = i / 2 == 1 ? KEY_P256 : KEY_RSA;
        plan.proposals = i / 2 == 2 ? "aes128-sha256-modp2048, aes256-sha256-modp2048" : NULL;
        node_speaks_v1(&b, change);
        (void)wire_step(&a);
        wire_run();
        bool same_method = secret ? plan.b_secret : !plan.b_secret && plan.kind == KEY_RSA;
        assert_int_equal(node_saw(&b, IKE_EV_CHILD_UP), same_method);
        assert_true(same_method || failure(&b).code == IKE_FAIL_IDENTITY);
        end();
    }
}

static void the_host_chooses_a_connection_of_another_method(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        ike_child_settings child[2];
        chosen_by_host = 1;
        begin((struct plan){.kind = KEY_RSA, .aggressive = i & 1, .a_secret = i & 2, .b_secret = i & 2});
        plan.b_secret = !(i & 2);
        ike_conn_settings s = conn_settings(&b, child);
        s.version = 1;
        change(&b, &s, child);
        s.name = "other";
        s.remote = lab_addr("192.0.2.77");
        assert_int_equal(ike_conn_add(b.e, &s, &chosen_by_host, now), IKE_OK);
        v1_begin(1);
        wire_run();
        assert_int_equal(counters(&b).children, 0);
        node_failed(&b, IKE_FAIL_AUTH_METHOD, IKE_DECIDER_US);
        end();
    }
}

/* ---- Settings -------------------------------------------------------------------------------------------------------------- */

static void keys_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    const struct key_files *rsa = test_keys[KEY_RSA], *p256 = test_keys[KEY_P256], *p384 = test_keys[KEY_P384];
    const struct {
        const char *key, *cert, *remote, *secret;
        uint8_t version;
        int error;
    } rows[] = {
        {rsa[0].key, rsa[0].cert, rsa[1].cert, NULL, 1, IKE_OK},
        {rsa[0].key, NULL, rsa[1].cert, NULL, 1, IKE_OK},
        {NULL, rsa[0].cert, rsa[1].cert, NULL, 1, IKE_OK}, /* the host has the key */
        {rsa[0].key, rsa[1].cert, rsa[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {p256[0].key, p256[1].cert, p256[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {rsa[0].key, p256[0].cert, rsa[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {rsa[0].key, rsa[0].cert, p256[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {p256[0].key, p256[0].cert, p384[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {NULL, NULL, rsa[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {rsa[0].cert, rsa[0].cert, rsa[1].cert, NULL, 1, IKE_ERR_CRYPTO}, /* exchanged */
        {rsa[0].key, rsa[0].key, rsa[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {rsa[0].key, rsa[0].cert, rsa[1].key, NULL, 1, IKE_ERR_CRYPTO},
        {"no key", rsa[0].cert, rsa[1].cert, NULL, 1, IKE_ERR_CRYPTO},
        {rsa[0].key, rsa[0].cert, NULL, NULL, 1, IKE_ERR_INVALID},
        {NULL, rsa[0].cert, NULL, "secret", 1, IKE_ERR_INVALID},
        {rsa[0].key, rsa[0].cert, rsa[1].cert, "secret", 1, IKE_ERR_INVALID},
        {rsa[0].key, rsa[0].cert, rsa[1].cert, NULL, 2, IKE_ERR_UNSUPPORTED},
        {rsa[0].key, rsa[0].cert, rsa[1].cert, NULL, 0, IKE_ERR_UNSUPPORTED},
    };
    begin((struct plan){.kind = KEY_RSA});
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_child_settings child[2];
        ike_conn_id id;
        ike_conn_settings s = conn_settings(&a, child);
        s.name = "other";
        s.version = rows[i].version;
        s.secret = text(rows[i].secret);
        s.local_key = text(rows[i].key);
        s.local_cert = text(rows[i].cert);
        s.remote_key = text(rows[i].remote);
        int r = ike_conn_add(a.e, &s, &id, now);
        assert_int_equal(r, rows[i].error);
        assert_true(r != IKE_OK || ike_conn_remove(a.e, id, now) == IKE_OK);
        size_t blocks = a.lab.blocks;
        for (long k = 0; k < 60; k++) { /* nothing is left behind when memory is short */
            a.lab.allowed = k;
            int short_of = ike_conn_add(a.e, &s, &id, now);
            a.lab.allowed = -1;
            assert_true(short_of == rows[i].error || short_of == IKE_ERR_NOMEM);
            assert_true(short_of != IKE_OK || ike_conn_remove(a.e, id, now) == IKE_OK);
            assert_int_equal(a.lab.blocks, blocks);
        }
    }
    end();
}

/* With other words about a connection its private key does not come out. */
static void the_private_key_is_not_shown(void **state)
{
    (void)state;
    ike_conn_info info;
    begin((struct plan){.kind = KEY_RSA});
    assert_int_equal(ike_conn_get(a.e, a.conn, &info), IKE_OK);
    assert_int_equal(info.settings->local_key.len, 0);
    assert_true(info.settings->remote_key.len && info.settings->local_cert.len);
    end();
}

/* Methods with XAUTH have numbers of their own, and none is for ECDSA. */
static void no_xauth_behind_ecdsa(void **state)
{
    (void)state;
    for (unsigned kind = KEY_RSA; kind <= KEY_P521; kind++) {
        ike_child_settings child[2];
        begin((struct plan){.kind = kind});
        ike_conn_settings s = conn_settings(&a, child);
        s.version = 1;
        change(&a, &s, child);
        s.xauth = IKE_XAUTH_SERVER;
        assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), kind == KEY_RSA ? IKE_OK : IKE_ERR_UNSUPPORTED);
        end();
    }
}

static void small_messages(struct node *x, ike_settings *s)
{
    hooks(x, s);
    s->max_message = 1400;
}

static void a_certificate_has_to_fit_into_a_message(void **state)
{
    (void)state;
    ike_child_settings child[2];
    plan = (struct plan){.kind = KEY_RSA, .no_cert = true};
    v1_new(small_messages, change);
    ike_conn_settings s = conn_settings(&a, child);
    plan.no_cert = false;
    s.version = 1;
    change(&a, &s, child);
    assert_int_equal(ike_conn_replace(a.e, a.conn, &s, false, now), IKE_ERR_LIMIT);
    up();
    end();
}

/* Each message that comes to the responder, while memory runs out at each place in turn. */
static void short_memory_costs_repetitions_only(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 4; mode++) {
        static uint8_t theirs[2048];
        begin((struct plan){.kind = KEY_P256, .aggressive = mode & 1, .hooked = mode & 2});
        v1_begin(1);
        for (unsigned message = 0; message < (mode & 1 ? 2 : 3) && a.n_out; message++) {
            ike_path path = path_to(&b);
            size_t n = a.out[0].n;
            memcpy(theirs, a.out[0].bytes, n);
            a.n_out = 0;
            long i = 0;
            for (; i < 100 && !b.n_out && !node_saw(&b, IKE_EV_SA_UP); i++) {
                b.lab.allowed = i;
                (void)node_input(&b, &path, theirs, n);
                b.lab.allowed = -1;
                now += IKE_SEC; /* strangers are not heard without end */
            }
            assert_true(i > 1 && i < 100);
            if (b.n_out) {
                assert_int_equal(wire_step(&b), IKE_OK);
            }
        }
        wire_run();
        later(30);
        assert_int_equal(counters(&a).children, 1);
        assert_int_equal(counters(&b).children, 1);
        end();
    }
}

/* Modes that encrypt with the peer's public key (docs/config.md says why not), and hybrid ones, in which one side alone signs. */
static void public_key_encryption_is_refused(void **state)
{
    (void)state;
    static const uint8_t rsa[] = {0x80, 3, 0, 3}; /* Authentication Method */
    static const struct {
        uint16_t method;
        const char *name;
    } rows[] = {{4, "rsa-encryption"}, {5, "revised-rsa-encryption"}, {64221, "hybrid-rsa"}};
    for (size_t i = 0; i < 2 * IKE_COUNT(rows); i++) {
        begin((struct plan){.kind = KEY_RSA, .aggressive = i & 1});
        v1_begin(1);
        unsigned n = 0;
        for (uint8_t *p = a.out[0].bytes; p + sizeof rsa <= a.out[0].bytes + a.out[0].n; p++) {
            if (memcmp(p, rsa, sizeof rsa) == 0) {
                ike_store16(p + 2, rows[i / 2].method);
                n++;
            }
        }
        assert_int_equal(n, 1);
        (void)wire_step(&a);
        const ike_failure f = failure(&b);
        assert_string_equal(ike_failure_name(f.code), ike_failure_name(IKE_FAIL_AUTH_METHOD));
        assert_non_null(strstr(f.received, rows[i / 2].name));
        assert_int_equal(counters(&b).sas, 0);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_key_encryption_is_refused),
        cmocka_unit_test(every_kind_in_both_modes),
        cmocka_unit_test(what_is_signed_has_the_size_of_the_keys_hash),
        cmocka_unit_test(what_is_signed_is_hash_r),
        cmocka_unit_test(one_of_several_connections_by_the_identity),
        cmocka_unit_test(the_host_signs_later),
        cmocka_unit_test(the_host_does_not_sign),
        cmocka_unit_test(nobody_is_there_to_sign),
        cmocka_unit_test(a_question_is_taken_back),
        cmocka_unit_test(another_certificate_is_pinned),
        cmocka_unit_test(signatures_of_other_lengths_are_refused),
        cmocka_unit_test(a_secret_here_and_signatures_there),
        cmocka_unit_test(rsa_here_and_ecdsa_there),
        cmocka_unit_test(an_answer_without_a_signature_is_no_answer),
        cmocka_unit_test(a_long_answer_comes_in_parts),
        cmocka_unit_test(settings_change_while_it_goes_on),
        cmocka_unit_test(the_host_chooses_a_connection_of_another_method),
        cmocka_unit_test(keys_that_do_not_go_together_are_refused),
        cmocka_unit_test(the_private_key_is_not_shown),
        cmocka_unit_test(no_xauth_behind_ecdsa),
        cmocka_unit_test(a_certificate_has_to_fit_into_a_message),
        cmocka_unit_test(short_memory_costs_repetitions_only),
    };
    return cmocka_run_group_tests(tests, cc_global_init, NULL);
}
