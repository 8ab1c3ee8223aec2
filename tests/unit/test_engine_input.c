/* SPDX-License-Identifier: ISC
 *
 * What comes in before there is an IKE SA and what comes of it, row by row: headers, payload chains, key exchange values, floods
 * of IKE_SA_INIT. A reply, an SA and a counter are what can be seen from outside, so they are what is compared.
 */
#include "unit/engine_help.h"

#include "message/names.h"

/* ---- Before there is an SA: the header ---------------------------------------------------------------------------------- */

static uint8_t request[2048]; /* a's IKE_SA_INIT */
static size_t request_len;

static void take_request(void)
{
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(a.n_out, 1);
    request_len = a.out[0].n;
    memcpy(request, a.out[0].bytes, request_len);
    a.n_out = 0;
}

static const struct {
    const char *what;
    uint16_t at;  /* octet that is changed */
    uint8_t size; /* how many */
    uint64_t value;
} headers[] = {
    {"length below 28", 24, 4, 27},
    {"length of nothing", 24, 4, 0},
    {"length one more than there is", 24, 4, 100000},
    {"length of 2^32-1", 24, 4, 0xffffffff},
    {"SPIi zero", 0, 8, 0},
    {"SPIr in IKE_SA_INIT", 8, 8, 1},
    {"message id in IKE_SA_INIT", 20, 4, 1},
    {"major version 0", 17, 1, 0x00},
    {"major version 1", 17, 1, 0x10},
    {"response nobody waits for", 19, 1, 0x28},
    {"response without I", 19, 1, 0x20},
    {"neither I nor R", 19, 1, 0x00},
    {"exchange type of version 1", 18, 1, 2},
    {"IKE_AUTH without SPIr", 18, 1, 35},
    {"INFORMATIONAL without SPIr", 18, 1, 37},
    {"unknown exchange type", 18, 1, 200},
    {"no payload at all", 16, 1, 0},
    {"payload of length 0", 30, 2, 0},
    {"payload of length 3", 30, 2, 3},
    {"empty SA payload", 30, 2, 4},
    {"payload past the end", 30, 2, 65535},
    {"first payload is SK", 16, 1, 46},
    {"first payload is SKF", 16, 1, 53},
};

static void a_header_that_breaks_the_rules_is_dropped(void **state)
{
    (void)state;
    take_request();
    ike_path path = path_to(&b);
    for (size_t i = 0; i < IKE_COUNT(headers); i++) {
        uint8_t bad[2048];
        ike_counters was = counters(&b);
        memcpy(bad, request, request_len);
        for (unsigned k = 0; k < headers[i].size; k++) {
            bad[headers[i].at + k] = (uint8_t)(headers[i].value >> 8 * (headers[i].size - 1 - k));
        }
        int r = node_input(&b, &path, bad, request_len);
        ike_counters is = counters(&b);
        if (r >= 0 || is.sas || b.n_out || is.dropped != was.dropped + 1) {
            fail_msg("%s: %s, %u SAs, %u replies", headers[i].what, ike_strerror(r), (unsigned)is.sas, b.n_out);
        }
    }
    assert_int_equal(counters(&b).failures, 0);
    assert_true(node_input(&b, &path, request, request_len) == IKE_OK && b.n_out == 1); /* unspoiled it is taken */
}

static void no_cut_and_no_addition_is_taken(void **state)
{
    (void)state;
    take_request();
    ike_path path = path_to(&b);
    uint8_t longer[2048] = {0};
    memcpy(longer, request, request_len);
    for (size_t n = 0; n < request_len; n++) {
        assert_true(node_input(&b, &path, request, n) < 0);
        uint8_t cut[2048];
        memcpy(cut, request, n);
        if (n >= IKE_HEADER_LEN) { /* the length tells of the cut */
            ike_store32(cut + 24, (uint32_t)n);
            assert_true(node_input(&b, &path, cut, n) < 0);
        }
    }
    assert_true(node_input(&b, &path, longer, request_len + 1) < 0);
    ike_store32(longer + 24, (uint32_t)request_len + 1); /* octets behind the last payload */
    assert_true(node_input(&b, &path, longer, request_len + 1) < 0);
    assert_int_equal(counters(&b).sas, 0);
    assert_int_equal(b.n_out, 0);
}

static void what_does_not_matter_does_not_matter(void **state)
{
    (void)state;
    static const struct {
        uint16_t at;
        uint8_t value;
    } rows[] = {{17, 0x2f} /* minor version */,
                {19, 0x08 | 0xc7} /* reserved flags */,
                {29, 0x7f} /* reserved bits of a payload */,
                {29, 0x80} /* critical on a known type */};
    take_request();
    ike_path path = path_to(&b);
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t odd[2048];
        memcpy(odd, request, request_len);
        odd[rows[i].at] = rows[i].value;
        odd[7] = (uint8_t)i; /* another SPI, so another request */
        b.n_out = 0;
        assert_int_equal(node_input(&b, &path, odd, request_len), IKE_OK);
        assert_int_equal(b.n_out, 1);
    }
}

static void a_higher_version_is_told_of_ours(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_notify n;
    take_request();
    ike_path path = path_to(&b);
    request[17] = 0x30;
    assert_true(node_input(&b, &path, request, request_len) < 0);
    assert_true(open_reply(&b, &m));
    assert_int_equal(m.h.version, 0x20);
    assert_true(ike_message_notify(&m, IKE_N_INVALID_MAJOR_VERSION, &n));
    assert_true(b.out[0].n <= request_len && (m.h.flags & IKE_FLAG_RESPONSE));
    b.n_out = 0;
    request[19] |= IKE_FLAG_RESPONSE; /* a response is never answered */
    assert_true(node_input(&b, &path, request, request_len) < 0);
    assert_int_equal(b.n_out, 0);
    request[19] &= (uint8_t)~IKE_FLAG_RESPONSE;
    path.remote.port = 0; /* nor is port 0 */
    assert_true(node_input(&b, &path, request, request_len) < 0);
    assert_int_equal(b.n_out, 0);
}

static void our_own_request_thrown_back_is_dropped(void **state)
{
    (void)state;
    take_request();
    ike_path path = path_to(&a);
    assert_true(node_input(&a, &path, request, request_len) < 0);
    assert_int_equal(a.n_out, 0);
    assert_int_equal(counters(&a).sas, 1);
}

/* ---- IKE_SA_INIT: payloads, values -------------------------------------------------------------------------------------- */

/* The offset of the body of the first payload of a type in a's request. */
static size_t body_of(uint8_t type, size_t *len)
{
    struct ike_message m;
    assert_int_equal(ike_message_parse(&m, request, request_len), IKE_OK);
    const struct ike_payload *p = ike_message_find(&m, type, 0);
    assert_non_null(p);
    *len = p->len;
    return (size_t)(p->body - request);
}

/* Put a request together again without, or with two, of a payload type, or with one more of another type. */
static size_t recompose(uint8_t *out, uint8_t skip, uint8_t twice, uint8_t odd, bool critical)
{
    struct ike_message m;
    struct ike_chain c = ike_chain(out + IKE_HEADER_LEN, 2048 - IKE_HEADER_LEN);
    assert_int_equal(ike_message_parse(&m, request, request_len), IKE_OK);
    for (unsigned i = 0; i < m.n; i++) {
        for (unsigned k = 0; k < (m.p[i].type == skip ? 0u : m.p[i].type == twice ? 2u : 1u); k++) {
            ike_put_payload(&c, m.p[i].type, ike_bytes_of(m.p[i].body, m.p[i].len));
        }
    }
    if (odd) {
        size_t at = c.w.len;
        ike_put_payload(&c, odd, IKE_STR("odd"));
        c.w.p[at + 1] = critical ? 0x80 : 0;
    }
    m.h.next = c.first;
    m.h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(out, &m.h);
    return m.h.length;
}

static void payloads_of_ike_sa_init_are_counted(void **state)
{
    (void)state;
    static const struct {
        uint8_t skip, twice, odd;
        bool critical;
        int notify; /* 0 none, -1 an ordinary answer */
    } rows[] = {
        {IKE_P_SA, 0, 0, false, 0},
        {IKE_P_KE, 0, 0, false, 0},
        {IKE_P_NONCE, 0, 0, false, 0},
        {0, IKE_P_SA, 0, false, 0},
        {0, IKE_P_KE, 0, false, 0},
        {0, IKE_P_NONCE, 0, false, 0},
        {0, 0, 200, false, -1},
        {0, 0, 200, true, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD},
        {0, 0, 4, false, -1} /* of version 1: unknown here */,
        {0, 0, 4, true, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD},
        {0, 0, IKE_P_TSI, false, 0} /* its body is malformed */,
        {0, 0, IKE_P_VENDOR, true, -1},
        {0, IKE_P_NOTIFY, 0, false, -1},
    };
    take_request();
    ike_path path = path_to(&b);
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        uint8_t odd[2048];
        struct ike_message m;
        struct ike_notify n;
        size_t len = recompose(odd, rows[i].skip, rows[i].twice, rows[i].odd, rows[i].critical);
        uint32_t sas = counters(&b).sas;
        b.n_out = 0;
        (void)node_input(&b, &path, odd, len);
        bool replied = open_reply(&b, &m);
        bool error = replied && ike_message_error(&m, &n);
        if (replied != (rows[i].notify != 0) || (rows[i].notify > 0) != error || (error && n.type != rows[i].notify) ||
            counters(&b).sas != sas + (rows[i].notify == -1)) {
            fail_msg("row %zu: %s%s", i, replied ? "answered" : "dropped", error ? " with an error" : "");
        }
        if (error) {
            assert_true(n.data.len == 1 && n.data.ptr[0] == rows[i].odd);
            assert_true(m.h.spi_r == 0 && b.out[0].n <= len);
        }
    }
}

static void nonces_and_public_values_are_checked(void **state)
{
    (void)state;
    take_request();
    ike_path path = path_to(&b);
    uint8_t bad[2048];
    size_t ke_len, nonce_len, ke = body_of(IKE_P_KE, &ke_len), nonce = body_of(IKE_P_NONCE, &nonce_len);
    for (unsigned row = 0; row < 3; row++) {
        memcpy(bad, request, request_len);
        switch (row) {
        case 0: /* a nonce of zeros */
            memset(bad + nonce, 0, nonce_len);
            break;
        case 1: /* a public value of zeros: low order, not on the curve, or y <= 1 */
            memset(bad + ke + 4, 0, ke_len - 4);
            break;
        default: /* a group of another number: we ask for ours */
            ike_store16(bad + ke, 0x7777);
        }
        uint32_t sas = counters(&b).sas;
        b.n_out = 0;
        (void)node_input(&b, &path, bad, request_len);
        struct ike_message m;
        struct ike_notify n;
        if (row == 2) {
            assert_true(open_reply(&b, &m) && ike_message_notify(&m, IKE_N_INVALID_KE_PAYLOAD, &n));
            assert_int_equal(ike_load16(n.data.ptr), ike_load16(request + ke));
            assert_true(m.h.spi_r == 0);
        } else if (b.n_out) {
            /* X25519 finds a low order only when it computes, which waits for IKE_AUTH. */
            assert_true(row == 1 && ike_load16(request + ke) == 31);
            sas++;
        }
        assert_int_equal(counters(&b).sas, sas);
    }
    for (unsigned longer = 0; longer < 2; longer++) { /* a public value one octet too long or too short */
        struct ike_message m;
        struct ike_chain c = ike_chain(bad + IKE_HEADER_LEN, sizeof bad - IKE_HEADER_LEN);
        uint8_t body[1200] = {0};
        assert_int_equal(ike_message_parse(&m, request, request_len), IKE_OK);
        for (unsigned i = 0; i < m.n; i++) {
            size_t len = m.p[i].len;
            memcpy(body, m.p[i].body, len);
            len = m.p[i].type != IKE_P_KE ? len : longer ? len + 1 : len - 1;
            ike_put_payload(&c, m.p[i].type, ike_bytes_of(body, len));
        }
        m.h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
        ike_header_write(bad, &m.h);
        uint32_t sas = counters(&b).sas;
        b.n_out = 0;
        (void)node_input(&b, &path, bad, m.h.length);
        assert_true(b.n_out == 0 && counters(&b).sas == sas);
    }
}

static void a_repeated_request_gets_the_same_answer_a_few_times_a_second(void **state)
{
    (void)state;
    take_request();
    ike_path path = path_to(&b);
    uint8_t first[2048];
    assert_int_equal(node_input(&b, &path, request, request_len), IKE_OK);
    size_t n = b.out[0].n;
    memcpy(first, b.out[0].bytes, n);
    b.n_out = 0;
    for (unsigned i = 0; i < 50; i++) {
        (void)node_input(&b, &path, request, request_len);
    }
    assert_int_equal(b.n_out, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(b.out[i].n, n);
        assert_memory_equal(b.out[i].bytes, first, n);
    }
    assert_int_equal(counters(&b).sas, 1);
    assert_int_equal(counters(&b).retransmit_seen, 50);
    b.n_out = 0;
    path.remote.port = 501; /* the same from elsewhere is another peer */
    assert_int_equal(node_input(&b, &path, request, request_len), IKE_OK);
    assert_int_equal(counters(&b).sas, 2);
}

/* ---- Floods ------------------------------------------------------------------------------------------------------------- */

static ike_path from(unsigned i)
{
    ike_path path = path_to(&b);
    path.remote.ip[0] = 198;
    path.remote.ip[1] = (uint8_t)(i >> 8);
    path.remote.ip[2] = (uint8_t)i;
    return path;
}

static void wildcard(void)
{
    ike_conn_settings s;
    ike_conn_id id;
    ike_conn_settings_init(&s);
    s.name = "any";
    s.secret = IKE_STR("secret");
    assert_int_equal(ike_conn_add(b.e, &s, &id, now), IKE_OK);
}

static void a_flood_is_asked_for_cookies(void **state)
{
    (void)state;
    struct ike_message m;
    struct ike_notify n;
    take_request();
    wildcard();
    for (unsigned i = 0; i < 200; i++) {
        ike_path path = from(i);
        b.n_out = 0;
        (void)node_input(&b, &path, request, request_len);
        assert_int_equal(b.n_out, 1);
        assert_true(open_reply(&b, &m));
        if (i >= 50) {
            assert_true(ike_message_notify(&m, IKE_N_COOKIE, &n) && m.n == 1 && m.h.spi_r == 0);
            assert_true(b.out[0].n <= request_len);
        }
    }
    ike_counters c = counters(&b);
    assert_int_equal(c.half_open, 50);
    assert_int_equal(c.cookies_sent, 150);
    uint64_t held = c.allocated;
    for (unsigned i = 0; i < 1000; i++) { /* and costs no memory from there on */
        ike_path path = from(1000 + i);
        b.n_out = 0;
        (void)node_input(&b, &path, request, request_len);
    }
    assert_true(counters(&b).allocated == held);
    /* A real peer gets through at its second try. */
    b.n_out = a.n_out = 0;
    ike_path path = path_to(&b);
    (void)node_input(&b, &path, request, request_len);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    now += 31 * IKE_SEC; /* the half-open ones go */
    assert_int_equal(ike_tick(b.e, now), IKE_OK);
    assert_int_equal(counters(&b).half_open, 0);
    assert_int_equal(counters(&b).sas, 1);
}

/* a's request with a cookie in front, or (late) behind its first payload. */
static size_t with_cookie(uint8_t *out, ike_bytes cookie, bool late, uint64_t spi_off)
{
    struct ike_message r;
    struct ike_chain c = ike_chain(out + IKE_HEADER_LEN, 2048 - IKE_HEADER_LEN);
    assert_int_equal(ike_message_parse(&r, request, request_len), IKE_OK);
    if (late) {
        ike_put_payload(&c, r.p[0].type, ike_bytes_of(r.p[0].body, r.p[0].len));
    }
    ike_put_notify(&c, IKE_N_COOKIE, cookie);
    for (unsigned i = late; i < r.n; i++) {
        ike_put_payload(&c, r.p[i].type, ike_bytes_of(r.p[i].body, r.p[i].len));
    }
    r.h.next = c.first;
    r.h.spi_i += spi_off;
    r.h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
    ike_header_write(out, &r.h);
    return r.h.length;
}

static void cookies_of_others_are_as_none(void **state)
{
    (void)state;
    uint8_t with[2048], cookie[64];
    struct ike_message m;
    struct ike_notify n;
    b.e->core.set.cookie_threshold = 0; /* always */
    take_request();
    wildcard();
    ike_path path = from(1), other = from(2);
    (void)node_input(&b, &path, request, request_len);
    assert_true(open_reply(&b, &m) && ike_message_notify(&m, IKE_N_COOKIE, &n));
    memcpy(cookie, n.data.ptr, n.data.len);
    ike_bytes given = ike_bytes_of(cookie, n.data.len);
    static const struct {
        bool late, elsewhere;
        uint64_t spi_off;
        unsigned seconds;
        bool good;
    } rows[] = {{true, false, 0, 0, false},
                {false, true, 0, 0, false},
                {false, false, 1, 0, false},
                {false, false, 0, 0, true},
                {false, false, 0, 500, false}};
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        size_t len = with_cookie(with, given, rows[i].late, rows[i].spi_off);
        for (unsigned k = 0; k < rows[i].seconds; k += 125) { /* the secret changes when it is used */
            now += 125 * IKE_SEC;
            assert_int_equal(ike_tick(b.e, now), IKE_OK);
            (void)node_input(&b, &other, request, request_len);
        }
        uint32_t sas = counters(&b).sas;
        b.n_out = 0;
        (void)node_input(&b, rows[i].elsewhere ? &other : &path, with, len);
        assert_int_equal(b.n_out, 1);
        assert_int_equal(counters(&b).sas, sas + rows[i].good);
        assert_true(open_reply(&b, &m) && ike_message_notify(&m, IKE_N_COOKIE, &n) == !rows[i].good);
    }
}

/* 500 requests from as many sources that suit no connection; how many are answered by this notify. */
static unsigned refused_by(uint16_t notify)
{
    unsigned replies = 0;
    for (unsigned i = 0; i < 500; i++) {
        struct ike_message m;
        struct ike_notify n;
        ike_path path = from(i);
        request[7] = (uint8_t)i;
        (void)node_input(&b, &path, request, request_len);
        replies += b.n_out && open_reply(&b, &m) && ike_message_notify(&m, notify, &n);
        b.n_out = 0;
    }
    return replies;
}

/* They leave no half-open SA, but cost time: soon they have to prove their address, like others. */
static void refused_requests_need_cookies_too(void **state)
{
    (void)state;
    take_request();
    assert_int_equal(refused_by(IKE_N_NO_PROPOSAL_CHOSEN), 50);
    assert_int_equal(counters(&b).cookies_sent, 450);
    now += IKE_SEC;
    assert_int_equal(refused_by(IKE_N_COOKIE), 450);
    ike_path nowhere = from(1);
    nowhere.remote.port = 0; /* from which nobody can have sent it */
    (void)node_input(&b, &nowhere, request, request_len);
    assert_int_equal(b.n_out, 0);
    assert_int_equal(counters(&b).strangers, 100);
    assert_true(node_saw(&b, IKE_EV_FAILED) <= 20);
}

static void error_replies_are_rationed(void **state)
{
    (void)state;
    take_request();
    b.e->core.set.cookie_threshold = 1000;
    assert_int_equal(refused_by(IKE_N_NO_PROPOSAL_CHOSEN), 100);
    assert_int_equal(counters(&b).sas, 0);
    assert_int_equal(counters(&b).half_open, 0);
    assert_int_equal(counters(&b).rate_limited, 400);
}

/* The same where a connection would take them but for their offer: each is a failure of that connection. */
static void strangers_are_logged_ten_times_a_second(void **state)
{
    (void)state;
    unsigned events = 0;
    take_request();
    struct ike_message m;
    assert_int_equal(ike_message_parse(&m, request, request_len), IKE_OK);
    const struct ike_payload *sa = ike_message_find(&m, IKE_P_SA, 0);
    uint8_t *p = request + (sa->body - request), *end = p + sa->len;
    for (; p < end; p += ike_load16(p + 2)) { /* no cipher that anybody knows */
        uint8_t *t = p + 8 + p[6];
        for (unsigned i = 0; i < p[7]; i++, t += ike_load16(t + 2)) {
            ike_store16(t + 6, t[4] == 1 ? 65000 : ike_load16(t + 6));
        }
    }
    wildcard();
    b.e->core.set.cookie_threshold = 10000;
    for (unsigned second = 0; second < 3; second++, now += IKE_SEC) {
        b.lab.logged = 0;
        events = 0;
        for (unsigned i = 0; i < 500; i++) {
            ike_path path = from(i);
            b.n_out = b.n_events = 0;
            (void)node_input(&b, &path, request, request_len);
            events += node_saw(&b, IKE_EV_FAILED);
        }
        assert_int_equal(b.lab.logged, IKE_WITH_WORDS ? 10 : 0);
        assert_int_equal(events, 10);
    }
    b.n_out = 0;
    assert_int_equal(counters(&b).failures, 1500);
    assert_int_equal(counters(&b).strangers, 1500);
}

static void few_half_open(struct node *x, ike_settings *s)
{
    (void)x;
    s->max_half_open = 3;
    s->cookie_threshold = 1000;
}

/* More half-open SAs than may be: one that has had its time makes room, whoever it is from, and nobody else. */
static void a_half_open_sa_makes_room_when_it_has_had_its_time(void **state)
{
    (void)state;
    uint64_t given[3]; /* our SPIs */
    pair_new(few_half_open);
    take_request();
    wildcard();
    for (unsigned i = 0; i < 5; i++) {
        ike_path path = from(i);
        b.n_out = 0;
        assert_int_equal(node_input(&b, &path, request, request_len), i < 3 ? IKE_OK : IKE_ERR_LIMIT);
        assert_int_equal(b.n_out, i < 3);
        if (i < 3) {
            given[i] = ike_load64(b.out[0].bytes + 8);
        }
        assert_int_equal(counters(&b).half_open, i < 3 ? i + 1 : 3);
        assert_int_equal(counters(&b).sas, i < 3 ? i + 1 : 3);
        now += IKE_MS;
    }
    now += IKE_SEC;
    ike_path path = from(4);
    b.n_out = 0;
    assert_int_equal(node_input(&b, &path, request, request_len), IKE_OK);
    assert_int_equal(b.n_out, 1);
    assert_int_equal(counters(&b).half_open, 3);
    unsigned still = 0;
    for (unsigned i = 0; i < 3; i++) {
        still += ike_sa_by_spi(&b.e->db, given[i]) != NULL;
    }
    assert_int_equal(still, 2);
    pair_end();
}

/* A peer may come back for IKE_AUTH over another mapping of its NAT: its half-open SA is given back where it was counted. */
static void a_half_open_sa_that_moved_is_given_back(void **state)
{
    (void)state;
    struct ike_guard *g = &b.e->guard;
    uint32_t sum = 0;
    wildcard();
    take_request();
    ike_path first = from(1), second = from(2);
    assert_int_equal(node_input(&b, &first, request, request_len), IKE_OK);
    ike_path back = path_to(&a);
    assert_int_equal(node_input(&a, &back, b.out[0].bytes, b.out[0].n), IKE_OK);
    b.n_out = 0;
    assert_int_equal(a.n_out, 1);
    assert_int_equal(node_input(&b, &second, a.out[0].bytes, a.out[0].n), IKE_OK);
    for (size_t i = 0; i < IKE_SOURCES; i++) {
        sum += g->half_open[i];
    }
    assert_int_equal(counters(&b).half_open, 0);
    assert_int_equal(sum, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_header_that_breaks_the_rules_is_dropped, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(no_cut_and_no_addition_is_taken, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(what_does_not_matter_does_not_matter, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_higher_version_is_told_of_ours, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(our_own_request_thrown_back_is_dropped, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(payloads_of_ike_sa_init_are_counted, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(nonces_and_public_values_are_checked, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_repeated_request_gets_the_same_answer_a_few_times_a_second, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(a_flood_is_asked_for_cookies, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(cookies_of_others_are_as_none, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(refused_requests_need_cookies_too, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(error_replies_are_rationed, pair_is_new, pair_is_over),
        cmocka_unit_test_setup_teardown(strangers_are_logged_ten_times_a_second, pair_is_new, pair_is_over),
        cmocka_unit_test(a_half_open_sa_makes_room_when_it_has_had_its_time),
        cmocka_unit_test_setup_teardown(a_half_open_sa_that_moved_is_given_back, pair_is_new, pair_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
