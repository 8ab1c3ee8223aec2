/* SPDX-License-Identifier: ISC
 *
 * XAUTH (draft-beaulieu-ike-xauth-02) between two engines, and as a stranger with the keys would play the server or the client.
 */
#include "unit/v1_help.h"

static const uint8_t password[] = "open sesame";
static ike_user_settings carol = {"carol", {password, sizeof password - 1}};

static void client_and_server(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    (void)child;
    s->xauth = x == &a ? IKE_XAUTH_CLIENT : IKE_XAUTH_SERVER;
    s->users = &carol;
    s->n_users = 1;
}

static void client_without_a_user(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    client_and_server(x, s, child);
    s->n_users = x == &a ? 0 : 1;
}

/* a has sent the fifth message and heard the sixth: it waits for what the server, whom we play, has to say. */
static void keyed(void (*change)(struct node *, ike_conn_settings *, ike_child_settings *))
{
    v1_new(NULL, change);
    v1_begin(6);
    assert_int_equal(wire_step(&b), IKE_OK);
    a.n_out = b.n_out = 0;
    assert_int_equal(node_sa(&a)->state, IKE_SA_CONNECTING);
}

static const uint16_t name_and_password[] = {IKE_XAUTH_TYPE, IKE_XAUTH_USER_NAME, IKE_XAUTH_USER_PASSWORD, 0};

static void put_asked(struct ike_chain *c, const uint16_t *asked, uint16_t identifier)
{
    size_t at = ike_v1_begin_config(c, IKE_CFG1_REQUEST, identifier);
    for (; *asked; asked++) {
        if (*asked == IKE_XAUTH_TYPE) {
            ike_v1_put_attr_uint(&c->w, *asked, 0);
        } else {
            ike_v1_put_attr(&c->w, *asked, ike_bytes_of(NULL, 0));
        }
    }
    ike_chain_end(c, at);
}

static void put_status(struct ike_chain *c, unsigned status)
{
    size_t at = ike_v1_begin_config(c, IKE_CFG1_SET, 9);
    ike_v1_put_attr_uint(&c->w, IKE_XAUTH_STATUS, status);
    ike_chain_end(c, at);
}

/* The IV of what comes next in the exchange: the last block of the message before, whoever sent it. */
static uint8_t chained[IKE_IV_MAX];

static void chain_on(const struct node *x, const uint8_t *bytes, size_t n)
{
    size_t block = node_sa(x)->encr->block;
    memcpy(chained, bytes + n - block, block);
}

static int ask(const uint16_t *asked, uint32_t mid)
{
    struct ike_chain c = v1_chain(&a);
    ike_path path = path_to(&a);
    put_asked(&c, asked, 7);
    size_t n = v1_forge(&a, IKE_X1_TRANSACTION, mid, &c, true);
    chain_on(&a, forged, n);
    return node_input(&a, &path, forged, n);
}

static int say_status(uint32_t mid, unsigned status)
{
    struct ike_chain c = v1_chain(&a);
    put_status(&c, status);
    return v1_say(&a, IKE_X1_TRANSACTION, mid, &c);
}

/* In the exchange that the request began. */
static int say_chained(struct node *x, uint32_t mid, struct ike_chain *c)
{
    struct ike_sa *sa = node_sa(x);
    size_t n = sa->prf->mac->len, len;
    ike_path path = path_to(x);
    struct ike_header h = {
        .spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .exchange = IKE_X1_TRANSACTION, .mid = mid};
    struct ike_v1_seal k = ike_v1_key(sa);
    assert_int_equal(ike_v1_hash(sa->prf, seal_scratch, ike_v1_key_a(sa), mid, ike_bytes_of(NULL, 0),
                                 ike_bytes_of(c->w.p + 4 + n, c->w.len - 4 - n), c->w.p + 4),
                     IKE_OK);
    assert_int_equal(ike_v1_seal(&k, &h, c, chained, seal_scratch, forged, sizeof forged, &len), IKE_OK);
    return node_input(x, &path, forged, len);
}

/* x's last message, as the next one of its exchange. */
static void heard(struct node *x, struct ike_message *m, struct ike_v1_config *cfg)
{
    struct ike_sa *sa = node_sa(x);
    struct ike_v1_seal k = ike_v1_key(sa);
    size_t end;
    assert_true(x->n_out > 0);
    assert_int_equal(ike_message_parse(m, x->out[x->n_out - 1].bytes, x->out[x->n_out - 1].n), IKE_OK);
    assert_int_equal(m->h.exchange, IKE_X1_TRANSACTION);
    assert_int_equal(ike_v1_open(&k, m, chained, seal_scratch, plain, sizeof plain, chained, &end), IKE_OK);
    assert_int_equal(ike_v1_config_parse(cfg, ike_message_find(m, IKE_P1_ATTR, 0)), IKE_OK);
    x->n_out = 0;
}

static bool has(const struct ike_v1_config *c, uint16_t type, const char *value)
{
    struct ike_v1_attr attr;
    return ike_v1_config_find(c, type, &attr) && (!value || ike_bytes_equal(attr.value, ike_bytes_of(value, strlen(value))));
}

static bool holds(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + sizeof password - 1 <= n; i++) {
        if (memcmp(p + i, password, sizeof password - 1) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Both ------------------------------------------------------------------------------------------------------------------ */

static void the_user_is_known_on_both_sides(void **state)
{
    (void)state;
    v1_up(NULL, client_and_server);
    ike_sa_info i = {.size = sizeof i};
    for (struct node *x = &a; x; x = x == &a ? &b : NULL) {
        assert_int_equal(ike_sa_get(x->e, node_sa(x)->id, &i), IKE_OK);
        assert_int_equal(i.state, IKE_SA_ESTABLISHED);
        assert_true(ike_bytes_equal(i.user, IKE_STR("carol")));
    }
    ike_conn_info c = {.size = sizeof c};
    assert_int_equal(ike_conn_get(b.e, b.conn, &c), IKE_OK);
    assert_true(c.settings->users == NULL && c.settings->n_users == 0); /* passwords are in them */
}

/* Messages are built and read in memory that the engine keeps: what was in clear there does not stay. */
static void the_password_stays_nowhere(void **state)
{
    (void)state;
    v1_new(NULL, client_and_server);
    v1_begin(1);
    while (a.n_out || b.n_out) {
        (void)wire_step(a.n_out ? &a : &b);
        for (struct node *x = &a; x; x = x == &a ? &b : NULL) {
            const struct ike_core *c = &x->e->core;
            assert_false(holds(c->build, c->set.max_message));
            assert_false(holds(c->plain, c->set.max_message));
            assert_false(holds(c->out, c->set.max_message));
        }
    }
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
}

/* A reload with close_changed: who may not connect any more does not stay. */
static void a_user_who_is_taken_out_goes(void **state)
{
    (void)state;
    const ike_user_settings other = {"carol", IKE_STR("another")}, dave = {"dave", IKE_STR("pw")};
    const ike_user_settings more[] = {dave, carol}, changed[] = {dave, other};
    const struct {
        struct node *at;
        const ike_user_settings *users;
        size_t n;
        uint8_t xauth;
        bool stays;
    } rows[] = {{&b, &carol, 1, IKE_XAUTH_SERVER, true},   {&b, more, 2, IKE_XAUTH_SERVER, true},
                {&b, changed, 2, IKE_XAUTH_SERVER, false}, {&b, &dave, 1, IKE_XAUTH_SERVER, false},
                {&b, NULL, 0, IKE_XAUTH_SERVER, false},    {&b, NULL, 0, IKE_XAUTH_NO, false},
                {&a, &carol, 1, IKE_XAUTH_CLIENT, true},   {&a, &other, 1, IKE_XAUTH_CLIENT, false},
                {&a, &dave, 1, IKE_XAUTH_CLIENT, false},   {&a, NULL, 0, IKE_XAUTH_NO, false}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        ike_child_settings child[2];
        v1_up(NULL, client_and_server);
        ike_conn_settings s = conn_settings(rows[i].at, child);
        s.version = 1;
        s.xauth = rows[i].xauth;
        s.users = rows[i].users;
        s.n_users = rows[i].n;
        assert_int_equal(ike_conn_replace(rows[i].at->e, rows[i].at->conn, &s, true, now), IKE_OK);
        wire_run();
        assert_int_equal(counters(&a).sas, rows[i].stays);
        assert_int_equal(counters(&b).sas, rows[i].stays);
        assert_int_equal(counters(&b).children, rows[i].stays);
        pair_end();
    }
    v1_new(NULL, NULL);
}

static void two_users_of_a_group_do_not_replace_each_other(void **state)
{
    (void)state;
    v1_up(NULL, client_and_server);
    struct ike_sa *sa = node_sa(&b);
    struct ike_peer *dave = ike_peer_get(&b.e->db, sa->conn, &sa->peer->local_id, &sa->peer->remote_id, IKE_STR("dave"));
    assert_non_null(dave);
    assert_true(dave != sa->peer);
    assert_true(ike_peer_get(&b.e->db, sa->conn, &sa->peer->local_id, &sa->peer->remote_id, IKE_STR("carol")) == sa->peer);
    ike_peer_release(&b.e->db, dave);
}

/* ---- Client ---------------------------------------------------------------------------------------------------------------- */

static void the_word_may_come_in_the_same_exchange(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_v1_config cfg;
    keyed(client_and_server);
    assert_int_equal(ask(name_and_password, 77), IKE_OK);
    heard(&a, &m, &cfg);
    assert_int_equal(m.h.mid, 77);
    struct ike_chain c = v1_chain(&a);
    put_status(&c, 1);
    assert_int_equal(say_chained(&a, 77, &c), IKE_OK);
    assert_int_equal(node_sa(&a)->state, IKE_SA_ESTABLISHED);
    assert_int_equal(a.n_out, 2); /* the acknowledgement, and Quick Mode */
    a.n_out = 1;
    heard(&a, &m, &cfg);
    assert_int_equal(cfg.type, IKE_CFG1_ACK);
    assert_int_equal(cfg.identifier, 9);
}

static void the_word_may_come_in_an_exchange_of_its_own(void **state)
{
    (void)state;
    keyed(client_and_server);
    assert_int_equal(ask(name_and_password, 77), IKE_OK);
    assert_int_equal(counters(&a).exchanges, 1);
    assert_int_equal(say_status(78, 1), IKE_OK);
    assert_int_equal(node_sa(&a)->state, IKE_SA_ESTABLISHED);
    assert_int_equal(counters(&a).exchanges, 1); /* Quick Mode: the one that waited is gone */
    assert_true(ike_bytes_equal(node_sa(&a)->peer->user, IKE_STR("carol")));
}

static void the_word_may_come_without_a_question(void **state)
{
    (void)state;
    keyed(client_and_server);
    assert_int_equal(say_status(78, 1), IKE_OK);
    assert_int_equal(node_sa(&a)->state, IKE_SA_ESTABLISHED);
}

static void a_server_may_ask_again(void **state)
{
    (void)state;
    keyed(client_and_server);
    for (uint32_t mid = 70; mid < 75; mid++) {
        assert_int_equal(ask(name_and_password, mid), IKE_OK);
        assert_int_equal(counters(&a).exchanges, 1);
    }
    assert_int_equal(say_status(78, 1), IKE_OK);
    assert_int_equal(node_sa(&a)->state, IKE_SA_ESTABLISHED);
}

/* What was asked for, the identifier echoed, and no TYPE where there was none. */
static void a_request_is_answered_with_what_it_asks_for(void **state)
{
    (void)state;
    static const uint16_t no_type[] = {IKE_XAUTH_USER_NAME, IKE_XAUTH_USER_PASSWORD, IKE_XAUTH_MESSAGE, 0};
    static const uint16_t with_type[] = {IKE_XAUTH_TYPE, IKE_XAUTH_USER_NAME, IKE_XAUTH_PASSCODE, IKE_XAUTH_DOMAIN, 0};
    static const struct {
        const uint16_t *asked;
        bool type, password, passcode, domain;
    } rows[] = {{no_type, false, true, false, false}, {with_type, true, false, true, true}};
    keyed(client_and_server);
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_message m;
        struct ike_v1_config cfg;
        assert_int_equal(ask(rows[i].asked, 77 + (uint32_t)i), IKE_OK);
        heard(&a, &m, &cfg);
        assert_int_equal(cfg.type, IKE_CFG1_REPLY);
        assert_int_equal(cfg.identifier, 7);
        assert_true(has(&cfg, IKE_XAUTH_USER_NAME, "carol"));
        assert_int_equal(has(&cfg, IKE_XAUTH_TYPE, NULL), rows[i].type);
        assert_int_equal(has(&cfg, IKE_XAUTH_USER_PASSWORD, "open sesame"), rows[i].password);
        assert_int_equal(has(&cfg, IKE_XAUTH_PASSCODE, "open sesame"), rows[i].passcode);
        assert_int_equal(has(&cfg, IKE_XAUTH_DOMAIN, ""), rows[i].domain);
        assert_false(has(&cfg, IKE_XAUTH_MESSAGE, NULL) || has(&cfg, IKE_XAUTH_STATUS, NULL));
    }
}

/* One-time passwords, new PINs: declined with STATUS 0, and nothing of ours goes along. */
static void what_nobody_here_can_give_is_declined(void **state)
{
    (void)state;
    static const uint16_t rows[][4] = {{IKE_XAUTH_USER_NAME, IKE_XAUTH_NEXT_PIN, 0},
                                       {IKE_XAUTH_TYPE, IKE_XAUTH_CHALLENGE, IKE_XAUTH_USER_PASSWORD, 0},
                                       {IKE_XAUTH_ANSWER, 0}};
    struct ike_message m;
    struct ike_v1_config cfg;
    keyed(client_and_server);
    for (uint32_t i = 0; i < IKE_COUNT(rows); i++) {
        assert_int_equal(ask(rows[i], 77 + i), IKE_OK);
        heard(&a, &m, &cfg);
        assert_true(has(&cfg, IKE_XAUTH_STATUS, NULL));
        assert_false(has(&cfg, IKE_XAUTH_USER_NAME, NULL) || has(&cfg, IKE_XAUTH_USER_PASSWORD, NULL));
    }
    /* RADIUS-CHAP. */
    struct ike_chain c = v1_chain(&a);
    size_t at = ike_v1_begin_config(&c, IKE_CFG1_REQUEST, 1);
    ike_v1_put_attr_uint(&c.w, IKE_XAUTH_TYPE, 1);
    ike_v1_put_attr(&c.w, IKE_XAUTH_USER_PASSWORD, ike_bytes_of(NULL, 0));
    ike_chain_end(&c, at);
    size_t n = v1_forge(&a, IKE_X1_TRANSACTION, 90, &c, true);
    ike_path path = path_to(&a);
    chain_on(&a, forged, n);
    assert_int_equal(node_input(&a, &path, forged, n), IKE_OK);
    heard(&a, &m, &cfg);
    assert_true(has(&cfg, IKE_XAUTH_STATUS, NULL) && !has(&cfg, IKE_XAUTH_USER_PASSWORD, NULL));
    assert_int_equal(say_status(91, 0), IKE_OK);
    node_failed(&a, IKE_FAIL_USER, IKE_DECIDER_PEER);
    assert_int_equal(counters(&a).sas, 0);
}

static void without_a_user_there_is_no_answer(void **state)
{
    (void)state;
    keyed(client_without_a_user);
    assert_int_equal(ask(name_and_password, 77), IKE_OK);
    node_failed(&a, IKE_FAIL_USER, IKE_DECIDER_US);
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(counters(&a).failures, 1);
}

static ike_token login_token;

static int login_later(void *user, ike_token t, const ike_login_question *q, uint8_t *n, size_t *n_len, uint8_t *p, size_t *p_len)
{
    (void)user, (void)q, (void)n, (void)n_len, (void)p, (void)p_len;
    login_token = t;
    return IKE_PENDING;
}

static void with_login(struct node *x, ike_settings *s) { s->host.hooks.login = x == &a ? login_later : NULL; }

/* The one or the other may be empty, and then need not be anywhere. */
static void the_host_may_leave_out_a_password(void **state)
{
    (void)state;
    const ike_bytes none = {NULL, 0};
    for (int i = 0; i < 3; i++) {
        struct ike_message m;
        struct ike_v1_config cfg;
        v1_new(with_login, client_without_a_user);
        v1_begin(6);
        assert_int_equal(wire_step(&b), IKE_OK);
        a.n_out = b.n_out = 0;
        assert_int_equal(ask(name_and_password, 77), IKE_OK);
        assert_int_equal(
            ike_answer_login(a.e, login_token, IKE_OK, i ? IKE_STR("dave") : none, i > 1 ? IKE_STR("pw") : none, now), IKE_OK);
        if (i) {
            heard(&a, &m, &cfg);
            assert_true(has(&cfg, IKE_XAUTH_USER_NAME, "dave") && has(&cfg, IKE_XAUTH_USER_PASSWORD, i > 1 ? "pw" : ""));
        } else {
            node_failed(&a, IKE_FAIL_USER, IKE_DECIDER_US);
        }
        a.n_out = b.n_out = 0;
        pair_end();
    }
    v1_new(NULL, NULL);
}

static void a_name_and_a_password_have_a_length(void **state)
{
    (void)state;
    static const uint8_t text[IKE_SECRET_MAX + 1];
    for (size_t i = 0; i < 3; i++) {
        v1_new(with_login, client_without_a_user);
        v1_begin(6);
        assert_int_equal(wire_step(&b), IKE_OK);
        a.n_out = b.n_out = 0;
        assert_int_equal(ask(name_and_password, 77), IKE_OK);
        assert_int_equal(ike_answer_login(a.e, login_token, IKE_OK, ike_bytes_of(text, IKE_SECRET_MAX + (i == 1)),
                                          ike_bytes_of(text, IKE_SECRET_MAX + (i == 2)), now),
                         i ? IKE_ERR_LIMIT : IKE_OK);
        assert_int_equal(counters(&a).failures, i ? 1 : 0);
        a.n_out = b.n_out = 0;
        pair_end();
    }
    v1_new(NULL, NULL);
}

/* Nobody configured it: the password of another connection must not go to a peer who simply asks. */
static void a_side_without_xauth_tells_nothing(void **state)
{
    (void)state;
    v1_up(NULL, NULL);
    a.n_out = 0;
    assert_int_equal(ask(name_and_password, 77), IKE_OK);
    node_failed(&a, IKE_FAIL_AUTH_METHOD, IKE_DECIDER_US);
    struct ike_message m;
    struct ike_v1_notify n;
    v1_open_first(&a, &m);
    assert_int_equal(m.h.exchange, IKE_X1_INFORMATIONAL);
    assert_int_equal(ike_v1_notify_parse(&n, ike_message_find(&m, IKE_P1_NOTIFY, 0)), IKE_OK);
    assert_int_equal(n.type, IKE_N1_ATTRIBUTES_NOT_SUPPORTED);
    assert_int_equal(counters(&a).sas, 1);
}

/* A wrong hash, an attribute beyond the payload's end, no status: the SA waits on, or goes; nothing of it is believed. */
static void what_is_not_proved_or_malformed_opens_nothing(void **state)
{
    (void)state;
    ike_path path;
    keyed(client_and_server);
    path = path_to(&a);
    struct ike_chain c = v1_chain(&a);
    put_status(&c, 1);
    size_t n = v1_forge(&a, IKE_X1_TRANSACTION, 70, &c, false);
    (void)node_input(&a, &path, forged, n);
    assert_int_equal(node_sa(&a)->state, IKE_SA_CONNECTING);
    assert_false(ike_v1_mid_used(node_sa(&a)->v1, 70));
    c = v1_chain(&a);
    size_t at = ike_v1_begin_config(&c, IKE_CFG1_SET, 1);
    ike_wr_u16(&c.w, IKE_XAUTH_STATUS);
    ike_wr_u16(&c.w, 2000);
    ike_chain_end(&c, at);
    (void)v1_say(&a, IKE_X1_TRANSACTION, 71, &c);
    assert_int_equal(node_sa(&a)->state, IKE_SA_CONNECTING);
    c = v1_chain(&a);
    at = ike_v1_begin_config(&c, IKE_CFG1_SET, 1);
    ike_v1_put_attr(&c.w, IKE_XAUTH_MESSAGE, IKE_STR("no status here"));
    ike_chain_end(&c, at);
    (void)v1_say(&a, IKE_X1_TRANSACTION, 72, &c);
    assert_int_equal(counters(&a).sas, 0);
    node_failed(&a, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
}

/* ---- Server ---------------------------------------------------------------------------------------------------------------- */

/* b has sent its request and waits; we speak as the client that has proved the group's secret and nothing else. */
static void asked(void)
{
    v1_new(NULL, client_and_server);
    v1_begin(6);
    assert_int_equal(node_sa(&b)->state, IKE_SA_CONNECTING);
    assert_int_equal(b.n_out, 2);
    a.n_out = b.n_out = 0;
}

static void nothing_else_is_heard_before_the_user_is_known(void **state)
{
    (void)state;
    asked();
    uint64_t out = counters(&b).out;
    struct ike_chain c = v1_chain(&b);
    ike_put_payload(&c, IKE_P1_NONCE, IKE_STR("0123456789abcdef"));
    assert_int_equal(v1_say(&b, IKE_X1_QUICK, 70, &c), IKE_ERR_STATE);
    c = v1_chain(&b);
    put_asked(&c, (const uint16_t[]){IKE_CFG1_IP4_ADDRESS, 0}, 1);
    assert_int_equal(v1_say(&b, IKE_X1_TRANSACTION, 71, &c), IKE_ERR_STATE);
    c = v1_chain(&b);
    put_status(&c, 1); /* a client does not say that itself */
    assert_int_equal(v1_say(&b, IKE_X1_TRANSACTION, 72, &c), IKE_ERR_STATE);
    c = v1_chain(&b);
    put_asked(&c, name_and_password, 1);
    assert_int_equal(v1_say(&b, IKE_X1_TRANSACTION, 73, &c), IKE_ERR_STATE);
    assert_true(counters(&b).out == out);
    assert_int_equal(node_sa(&b)->state, IKE_SA_CONNECTING);
    /* Dead peer detection is. */
    c = v1_chain(&b);
    ike_v1_put_notify(&c, IKE_PROTO1_ISAKMP, ike_bytes_of(NULL, 0), IKE_N1_R_U_THERE, IKE_STR("\0\0\0\1"));
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 74, &c), IKE_OK);
    assert_int_equal(b.n_out, 1);
}

static ike_user_settings mistaken = {"carol", {(const uint8_t *)"open simsim", 11}};

static void client_is_mistaken(struct node *x, ike_conn_settings *s, ike_child_settings child[2])
{
    client_and_server(x, s, child);
    s->users = x == &a ? &mistaken : &carol;
}

/* Whether b lets a in; nothing is left of it. */
static bool let_in(void (*change)(struct node *, ike_conn_settings *, ike_child_settings *))
{
    node_speaks_v1(&a, change);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    wire_run();
    bool in = counters(&b).sas && node_sa(&b)->state == IKE_SA_ESTABLISHED;
    if (in) {
        assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
        wire_run();
    }
    assert_int_equal(counters(&a).sas + counters(&b).sas, 0);
    a.n_events = b.n_events = 0;
    return in;
}

/* A password is tried against one IKE SA only; and after ten wrong ones the right one is of no use for a while either. */
static void passwords_cannot_be_guessed(void **state)
{
    (void)state;
    ike_failure f = {.size = sizeof f};
    v1_new(NULL, client_and_server);
    assert_true(let_in(client_and_server));
    for (unsigned i = 0; i < 30; i++) {
        assert_false(let_in(client_is_mistaken));
        assert_int_equal(ike_conn_failure(b.e, b.conn, &f), IKE_OK);
        assert_int_equal(f.code, IKE_FAIL_USER);
        assert_int_equal(strstr(f.received, "too many wrong passwords") != NULL, i >= 10);
    }
    assert_false(let_in(client_and_server));
    now += 7 * IKE_SEC;
    assert_true(let_in(client_and_server));
    for (unsigned i = 0; i < 30; i++) { /* who knows it may come as often as he likes */
        assert_true(let_in(client_and_server));
    }
}

static void a_client_that_is_silent_goes(void **state)
{
    (void)state;
    asked();
    for (int i = 0; i < 600 && counters(&b).sas; i++) {
        now += IKE_SEC;
        assert_int_equal(ike_tick(b.e, now), IKE_OK);
        b.n_out = 0;
    }
    assert_int_equal(counters(&b).sas, 0);
    assert_int_equal(counters(&b).failures, 1);
}

static void a_client_may_delete_in_the_middle(void **state)
{
    (void)state;
    asked();
    struct ike_chain c = v1_chain(&b);
    ike_v1_put_delete_isakmp(&c, node_sa(&b)->spi_i, node_sa(&b)->spi_r);
    assert_int_equal(v1_say(&b, IKE_X1_INFORMATIONAL, 77, &c), IKE_OK);
    assert_int_equal(counters(&b).sas, 0);
    node_failed(&b, IKE_FAIL_PEER_REFUSED_AUTH, IKE_DECIDER_PEER);
}

static void a_client_that_is_told_to_stop_says_so(void **state)
{
    (void)state;
    keyed(client_and_server);
    assert_int_equal(ike_sa_close(a.e, node_sa(&a)->id, now), IKE_OK);
    assert_int_equal(counters(&a).sas, 0);
    assert_int_equal(a.n_out, 1);
    wire_run();
    assert_int_equal(counters(&b).sas, 0);
}

#define T(name) cmocka_unit_test_teardown(name, pair_is_over)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_user_is_known_on_both_sides),
        T(the_password_stays_nowhere),
        T(a_user_who_is_taken_out_goes),
        T(two_users_of_a_group_do_not_replace_each_other),
        T(the_word_may_come_in_the_same_exchange),
        T(the_word_may_come_in_an_exchange_of_its_own),
        T(the_word_may_come_without_a_question),
        T(a_server_may_ask_again),
        T(a_request_is_answered_with_what_it_asks_for),
        T(what_nobody_here_can_give_is_declined),
        T(without_a_user_there_is_no_answer),
        T(the_host_may_leave_out_a_password),
        T(a_name_and_a_password_have_a_length),
        T(a_side_without_xauth_tells_nothing),
        T(what_is_not_proved_or_malformed_opens_nothing),
        T(nothing_else_is_heard_before_the_user_is_known),
        T(passwords_cannot_be_guessed),
        T(a_client_that_is_silent_goes),
        T(a_client_may_delete_in_the_middle),
        T(a_client_that_is_told_to_stop_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
