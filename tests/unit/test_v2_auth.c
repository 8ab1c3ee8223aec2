/* SPDX-License-Identifier: ISC
 *
 * IKE_AUTH against a peer that does not know the secret and tries what it can do without it, and against one that knows it and
 * is somebody else; and connections that are removed or changed, or have no secret, by the time somebody wants to authenticate
 * by them.
 */
#include "unit/engine_help.h"

/* As far as the initiator's IKE_AUTH request, which is kept; the stranger has completed the key exchange, so it has all keys. */
static struct ike_message own_request(void)
{
    struct ike_message m;
    pair_new(NULL);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    (void)wire_step(&a);
    (void)wire_step(&b);
    assert_true(open_reply(&a, &m));
    assert_non_null(ike_message_find(&m, IKE_P_AUTH, 0));
    return m;
}

/* The payloads of m whose types are given, copied into a new chain. */
static struct ike_chain copy_of(const struct ike_message *m, const uint8_t *types)
{
    struct ike_chain c = inner_chain();
    for (; *types; types++) {
        const struct ike_payload *p = ike_message_find(m, *types, 0);
        assert_non_null(p);
        ike_put_payload(&c, *types, ike_bytes_of(p->body, p->len));
    }
    return c;
}

/* Our own AUTH, handed back in a request of the responder's: it is a valid proof of the initiator, but not the peer's. */
static void own_proof_in_a_request(void **state)
{
    static const uint8_t types[] = {IKE_P_IDI, IKE_P_AUTH, IKE_P_SA, IKE_P_TSI, IKE_P_TSR, 0};
    (void)state;
    struct ike_message m = own_request();
    struct ike_chain c = copy_of(&m, types);
    ike_path path = path_to(&a);
    size_t n = forge_chain(&a, IKE_X_AUTH, 0, 0, &c);
    (void)node_input(&a, &path, forged, n);
    assert_int_equal(counters(&a).handshakes, 0);
    assert_int_equal(node_saw(&a, IKE_EV_SA_UP), 0);
    assert_int_equal(a.adds, 0);
    pair_end();
}

/* The same in the response, with our identity as the responder's. */
static void own_proof_in_the_response(void **state)
{
    (void)state;
    struct ike_message m = own_request();
    const struct ike_payload *id = ike_message_find(&m, IKE_P_IDI, 0), *auth = ike_message_find(&m, IKE_P_AUTH, 0);
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    ike_put_payload(&c, IKE_P_IDR, ike_bytes_of(id->body, id->len));
    ike_put_payload(&c, IKE_P_AUTH, ike_bytes_of(auth->body, auth->len));
    size_t n = forge_chain(&a, IKE_X_AUTH, IKE_FLAG_RESPONSE, 1, &c);
    (void)node_input(&a, &path, forged, n);
    assert_int_equal(counters(&a).handshakes, 0);
    assert_int_equal(node_saw(&a, IKE_EV_SA_UP), 0);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
    pair_end();
}

/* No AUTH at all, as if EAP had been agreed on. */
static void no_proof_in_the_response(void **state)
{
    (void)state;
    struct ike_message m = own_request();
    const struct ike_payload *id = ike_message_find(&m, IKE_P_IDI, 0);
    struct ike_chain c = inner_chain();
    ike_path path = path_to(&a);
    ike_put_payload(&c, IKE_P_IDR, ike_bytes_of(id->body, id->len));
    size_t n = forge_chain(&a, IKE_X_AUTH, IKE_FLAG_RESPONSE, 1, &c);
    (void)node_input(&a, &path, forged, n);
    assert_int_equal(counters(&a).handshakes, 0);
    assert_int_equal(a.adds, 0);
    pair_end();
}

/* The peer says, well protected, why it goes no further. */
static void what_the_peer_says_is_the_reason(void **state)
{
    (void)state;
    static const struct {
        uint16_t notify, code;
    } rows[] = {
        {IKE_N_AUTHENTICATION_FAILED, IKE_FAIL_PEER_REFUSED_AUTH},
        {IKE_N_INVALID_SYNTAX, IKE_FAIL_PEER_SYNTAX},
        {IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, IKE_FAIL_CRITICAL_PAYLOAD},
        {IKE_N_TEMPORARY_FAILURE, IKE_FAIL_PEER_ERROR},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        (void)own_request();
        struct ike_chain c = inner_chain();
        ike_path path = path_to(&a);
        ike_put_notify(&c, rows[i].notify, ike_bytes_of(NULL, 0));
        size_t n = forge_chain(&a, IKE_X_AUTH, IKE_FLAG_RESPONSE, 1, &c);
        (void)node_input(&a, &path, forged, n);
        node_failed(&a, rows[i].code, IKE_DECIDER_PEER);
        assert_int_equal(counters(&a).sas, 0);
        pair_end();
    }
}

/* A digital signature, NULL authentication, none at all: only the shared key is permitted. */
static void another_method_than_the_shared_key_is_refused(void **state)
{
    (void)state;
    static const uint8_t methods[] = {1, 13, 14, 99, 0};
    for (size_t i = 0; i < IKE_COUNT(methods); i++) {
        struct ike_message m = own_request(), said;
        struct ike_notify why;
        struct ike_chain c = copy_of(&m, (const uint8_t[]){IKE_P_IDI, 0});
        ike_path path = path_to(&b);
        if (methods[i]) {
            ike_put_auth(&c, methods[i], IKE_STR("01234567890123456789012345678901"));
        }
        b.spi_i = a.spi_i;
        b.spi_r = a.spi_r;
        b.encr = a.encr;
        b.integ = a.integ;
        memcpy(b.key, a.key, sizeof a.key);
        memcpy(b.key_len, a.key_len, sizeof a.key_len);
        size_t n = forge_chain(&b, IKE_X_AUTH, 0, 1, &c);
        (void)node_input(&b, &path, forged, n);
        node_failed(&b, IKE_FAIL_AUTH_METHOD, IKE_DECIDER_US);
        assert_int_equal(counters(&b).handshakes, 0);
        assert_true(open_reply(&b, &said) && ike_message_error(&said, &why));
        assert_int_equal(why.type, IKE_N_AUTHENTICATION_FAILED);
        pair_end();
    }
}

static int anybody(void *user, ike_token t, const ike_peer_question *q, ike_conn_id *conn)
{
    (void)t, (void)q;
    *conn = ((struct node *)user)->conn;
    return IKE_OK;
}

/* b answers whomever it is asked for as. */
static void obliging(struct node *x, ike_settings *s) { s->host.hooks.peer = x == &b ? anybody : NULL; }

static void identities(struct node *x, const char *local, const char *remote)
{
    static uint8_t buf[2][64];
    ike_conn_info info;
    assert_int_equal(ike_conn_get(x->e, x->conn, &info), IKE_OK);
    ike_conn_settings s = *info.settings;
    assert_int_equal(ike_id_parse(&s.local_id, local, buf[0], sizeof buf[0]), IKE_OK);
    if (remote) {
        assert_int_equal(ike_id_parse(&s.remote_id, remote, buf[1], sizeof buf[1]), IKE_OK);
    }
    s.secret = IKE_STR("secret"); /* is not shown */
    assert_int_equal(ike_conn_replace(x->e, x->conn, &s, false, now), IKE_OK);
}

/* A secret that a group shares proves that the peer is one of the group, so who it says it is decides. */
static void another_member_of_the_group_is_not_the_one_we_want(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    static const struct {
        const char *claims;
        bool good;
    } rows[] = {{"gate.example", true}, {"other.example", false},     {"gate.example.org", false},
                {"gate.exampl", false}, {"GATE@gate.example", false}, {"192.0.2.2", false}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        pair_new(obliging);
        identities(&a, "road.example", "gate.example");
        identities(&b, rows[i].claims, NULL);
        assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
        wire_run();
        assert_int_equal(counters(&b).handshakes, 1); /* b has proved the secret, and thinks that all is well */
        assert_int_equal(node_saw(&a, IKE_EV_SA_UP), rows[i].good);
        assert_int_equal(a.adds, rows[i].good ? 2 : 0);
        assert_int_equal(counters(&a).sas, rows[i].good);
        if (!rows[i].good) {
            node_failed(&a, IKE_FAIL_IDENTITY, IKE_DECIDER_US);
            assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
        }
        pair_end();
    }
}

/* ---- Settings that are not what they were at IKE_SA_INIT ---------------------------------------------------------------- */

static bool late; /* b's host says the secret later */
static ike_token token;

static int say_secret(void *user, ike_token t, const ike_secret_question *q, uint8_t *secret, size_t *len)
{
    (void)user, (void)q;
    token = t;
    memcpy(secret, "secret", 6);
    *len = 6;
    return late ? IKE_PENDING : IKE_OK;
}

static void asking(struct node *x, ike_settings *s)
{
    if (x == &b) {
        s->host.hooks.secret = say_secret;
    }
}

/* b's connection with other settings: another secret (NULL: none), another peer. */
static void change(const char *secret, const char *remote_id)
{
    ike_child_settings child[2];
    ike_conn_settings s = conn_settings(&b, child);
    s.secret = secret ? ike_bytes_of(secret, strlen(secret)) : ike_bytes_of(NULL, 0);
    if (remote_id) {
        s.remote_id = (ike_id){IKE_ID_FQDN, ike_bytes_of(remote_id, strlen(remote_id))};
    }
    assert_int_equal(ike_conn_replace(b.e, b.conn, &s, true, now), IKE_OK);
}

/* a's IKE_AUTH request waits on the wire. */
static void as_far_as_the_request(void)
{
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    (void)wire_step(&a);
    (void)wire_step(&b);
    assert_int_equal(a.n_out, 1);
}

static void nobody_came_in(void)
{
    wire_run();
    assert_int_equal(counters(&b).handshakes, 0);
    assert_int_equal(counters(&b).children + counters(&a).children, 0);
    assert_int_equal(node_saw(&b, IKE_EV_SA_UP), 0);
    assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
    pair_end();
}

static void a_removed_connection_lets_nobody_in(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    pair_new(NULL);
    as_far_as_the_request();
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    nobody_came_in();
    late = true;
    pair_new(asking);
    change(NULL, NULL);
    as_far_as_the_request();
    (void)wire_step(&a);
    assert_int_equal(b.n_out, 0); /* its host is asked for the secret */
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    (void)ike_answer_secret(b.e, token, IKE_OK, IKE_STR("secret"), now);
    nobody_came_in();
    pair_new(NULL);
    as_far_as_the_request();
    assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
    assert_int_equal(node_conn(&b, "secret", &b.conn), IKE_OK); /* but one that came in its place does */
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    pair_end();
}

static void a_secret_has_a_length(void **state)
{
    (void)state;
    NEEDS(QUESTIONS);
    static const uint8_t text[IKE_SECRET_MAX + 1];
    late = true;
    for (size_t more = 0; more < 2; more++) {
        pair_new(asking);
        change(NULL, NULL);
        as_far_as_the_request();
        (void)wire_step(&a);
        assert_int_equal(b.n_out, 0);
        assert_int_equal(ike_answer_secret(b.e, token, IKE_OK, ike_bytes_of(text, IKE_SECRET_MAX + more), now),
                         more ? IKE_ERR_LIMIT : IKE_OK);
        assert_int_equal(ike_answer_secret(b.e, token, IKE_OK, IKE_STR("secret"), now), IKE_ERR_NOT_FOUND);
        node_failed(&b, more ? IKE_FAIL_NO_SECRET : IKE_FAIL_AUTH_MISMATCH, IKE_DECIDER_US);
        nobody_came_in();
    }
}

static void the_settings_of_now_decide(void **state)
{
    (void)state;
    pair_new(NULL);
    as_far_as_the_request();
    change("another", NULL);
    nobody_came_in();
    pair_new(NULL);
    change("another", NULL);
    as_far_as_the_request();
    change("secret", NULL); /* what was wrong has been put right */
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    pair_end();
}

/* ---- Time ---------------------------------------------------------------------------------------------------------------- */

static ike_crypto crypto;
static ike_prf prf;
static ike_mac mac;
static const ike_prf *const prfs[] = {&prf, NULL};
static unsigned finals;

static void count_final(void *ctx, uint8_t *out)
{
    finals++;
    ike_crypto_default()->prf[0]->mac->final(ctx, out);
}

static int deny(void *user, ike_token t, const ike_peer_question *q, ike_conn_id *conn)
{
    (void)user, (void)t, (void)q, (void)conn;
    return IKE_ERR_AUTH;
}

static bool denied;

static void counting(struct node *x, ike_settings *s)
{
    if (x == &b) {
        crypto = *ike_crypto_default();
        prf = *crypto.prf[0];
        mac = *prf.mac;
        mac.final = count_final;
        prf.mac = &mac;
        crypto.prf = prfs;
        s->crypto = &crypto;
        s->host.hooks.peer = denied ? deny : NULL;
    }
}

/* Whoever is refused waits for as many computations, so that time does not tell why. */
static void each_refusal_costs_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *what, *secret, *remote_id;
        bool denied, removed;
    } rows[] = {
        {"a wrong secret", "another", NULL, false, false},       {"no secret", NULL, NULL, false, false},
        {"another peer", "secret", "nobody", false, false},      {"denied by the host", "secret", NULL, true, false},
        {"a connection that went", "secret", NULL, false, true},
    };
    unsigned want = 0;
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_message m;
        struct ike_notify said;
        if (rows[i].denied && !IKE_WITH_QUESTIONS) {
            continue;
        }
        denied = rows[i].denied;
        pair_new(counting);
        change(rows[i].secret, rows[i].remote_id);
        as_far_as_the_request();
        if (rows[i].removed) {
            assert_int_equal(ike_conn_remove(b.e, b.conn, now), IKE_OK);
        }
        finals = 0;
        (void)wire_step(&a);
        want = i ? want : finals;
        if (finals != want) {
            fail_msg("%s: %u computations, not %u", rows[i].what, finals, want);
        }
        assert_true(want > 0 && open_reply(&b, &m) && ike_message_error(&m, &said));
        assert_int_equal(said.type, IKE_N_AUTHENTICATION_FAILED);
        pair_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_proof_in_a_request),
        cmocka_unit_test(own_proof_in_the_response),
        cmocka_unit_test(no_proof_in_the_response),
        cmocka_unit_test(what_the_peer_says_is_the_reason),
        cmocka_unit_test(another_method_than_the_shared_key_is_refused),
        cmocka_unit_test(another_member_of_the_group_is_not_the_one_we_want),
        cmocka_unit_test(a_removed_connection_lets_nobody_in),
        cmocka_unit_test(a_secret_has_a_length),
        cmocka_unit_test(the_settings_of_now_decide),
        cmocka_unit_test(each_refusal_costs_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
