/* SPDX-License-Identifier: ISC
 *
 * What comes in for an IKE SA and what comes of it, row by row: forged messages, ids out of order, and what an authenticated peer
 * may not ask for. Replies, SAs and counters are compared.
 */
#include "unit/engine_help.h"

/* ---- Protected messages ------------------------------------------------------------------------------------------------- */

enum { SILENCE = 0, EMPTY = -1, ANYTHING = -2 };

/* Hand it to b and compare. notify: of the answer, or one of the above. */
static void expect(const char *what, size_t n, int notify, bool alive)
{
    struct ike_message m;
    struct ike_notify said;
    ike_path path = path_to(&b);
    ike_sa_info sa;
    b.n_out = 0;
    (void)node_input(&b, &path, forged, n);
    bool replied = open_reply(&b, &m), error = replied && ike_message_error(&m, &said);
    bool is_alive = ike_sa_next(b.e, 0, &sa) == IKE_OK && (sa.state == IKE_SA_ESTABLISHED || sa.state == IKE_SA_REKEYING);
    if (b.n_out > 1 || replied != (notify != SILENCE) || is_alive != alive || (notify > 0 && (!error || said.type != notify)) ||
        (notify == EMPTY && (error || m.n != 0))) {
        fail_msg("%s: %u replies, %s %u, SA %s", what, b.n_out, error ? "error" : "no error", error ? (unsigned)said.type : 0,
                 is_alive ? "up" : "down");
    }
}

static size_t empty_informational(uint32_t mid) { return forge(&b, IKE_X_INFORMATIONAL, 0, mid, IKE_P_NONE, NULL, 0); }

static void what_is_not_authenticated_changes_nothing(void **state)
{
    (void)state;
    ike_counters was = counters(&b);
    size_t n = empty_informational(2);
    for (size_t i = IKE_HEADER_LEN + 4; i < n; i++) {
        forged[i] ^= 1;
        expect("a wrong ICV", n, SILENCE, true);
        forged[i] ^= 1;
    }
    assert_int_equal(counters(&b).bad_icv, was.bad_icv + n - IKE_HEADER_LEN - 4);
    for (size_t cut = IKE_HEADER_LEN + 4; cut < n; cut++) { /* too short for IV and ICV */
        uint8_t copy[256];
        memcpy(copy, forged, n);
        ike_store32(forged + 24, (uint32_t)cut);
        ike_store16(forged + IKE_HEADER_LEN + 2, (uint16_t)(cut - IKE_HEADER_LEN));
        expect("a cut message", cut, SILENCE, true);
        memcpy(forged, copy, n);
    }
    expect("the whole", n, EMPTY, true);
}

static void message_ids_keep_to_the_window(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0, 3, 4, 1000, UINT32_MAX, UINT32_MAX - 1};
    for (size_t i = 0; i < IKE_COUNT(ids); i++) {
        expect("an id outside the window", empty_informational(ids[i]), SILENCE, true);
    }
    size_t n = empty_informational(2);
    expect("the next id", n, EMPTY, true);
    uint8_t answer[256];
    size_t len = b.out[0].n;
    memcpy(answer, b.out[0].bytes, len);
    expect("the same again", n, EMPTY, true);
    assert_int_equal(b.out[0].n, len);
    assert_memory_equal(b.out[0].bytes, answer, len);
    /* The same id with other content: the old answer, and nothing happens. */
    struct ike_chain c = inner_chain();
    ike_put_delete_ike(&c);
    expect("another content", forge_chain(&b, IKE_X_INFORMATIONAL, 0, 2, &c), EMPTY, true);
    assert_memory_equal(b.out[0].bytes, answer, len);
    expect("one that is past", empty_informational(1), SILENCE, true);
    /* Against an initiator, which expects 0: 2^32-1 is not "the one before". */
    ike_path path = path_to(&a);
    a.n_out = 0;
    n = forge(&a, IKE_X_INFORMATIONAL, 0, UINT32_MAX, IKE_P_NONE, NULL, 0);
    assert_true(node_input(&a, &path, forged, n) < 0);
    assert_int_equal(a.n_out, 0);
}

static void responses_nobody_waits_for_are_dropped(void **state)
{
    (void)state;
    static const uint8_t types[] = {IKE_X_AUTH, IKE_X_CREATE_CHILD_SA, IKE_X_INFORMATIONAL};
    for (size_t i = 0; i < IKE_COUNT(types); i++) {
        for (uint32_t mid = 0; mid < 3; mid++) {
            expect("a response", forge(&b, types[i], IKE_FLAG_RESPONSE, mid, IKE_P_NONE, NULL, 0), SILENCE, true);
        }
    }
    size_t n = empty_informational(2);
    forged[19] &= (uint8_t)~IKE_FLAG_INITIATOR; /* as if we were the initiator: no SA of ours has the peer's SPI */
    struct ike_message m;
    struct ike_notify said;
    ike_path path = path_to(&b);
    assert_true(node_input(&b, &path, forged, n) < 0);
    assert_int_equal(ike_message_parse(&m, b.out[0].bytes, b.out[0].n), IKE_OK);
    assert_true(ike_message_notify(&m, IKE_N_INVALID_IKE_SPI, &said) && m.sk_at == 0);
    n = empty_informational(2);
    forged[0] ^= 1; /* our SPI with another of the peer's */
    expect("a foreign SPI pair", n, SILENCE, true);
}

static void an_unknown_sa_is_told_so_seldom(void **state)
{
    (void)state;
    unsigned told = 0;
    ike_path path = path_to(&b);
    for (unsigned i = 0; i < 100; i++) {
        size_t n = empty_informational(2);
        struct ike_message m;
        struct ike_notify said;
        forged[8] ^= 0x55;
        b.n_out = 0;
        assert_true(node_input(&b, &path, forged, n) < 0);
        if (b.n_out) {
            told++;
            assert_int_equal(ike_message_parse(&m, b.out[0].bytes, b.out[0].n), IKE_OK);
            assert_true(ike_message_notify(&m, IKE_N_INVALID_IKE_SPI, &said) && b.out[0].n <= n);
            assert_true(m.h.spi_r == ike_load64(forged + 8) && m.h.mid == 2 && (m.h.flags & IKE_FLAG_RESPONSE));
        }
        forged[19] |= IKE_FLAG_RESPONSE;
        b.n_out = 0;
        assert_true(node_input(&b, &path, forged, n) < 0);
        assert_int_equal(b.n_out, 0);
    }
    assert_int_equal(told, 10);
    assert_int_equal(counters(&b).unknown_spi, 200);
}

static void hints_in_clear_are_not_believed(void **state)
{
    (void)state;
    static const uint16_t notifies[] = {IKE_N_INVALID_IKE_SPI, IKE_N_AUTHENTICATION_FAILED, IKE_N_INVALID_SYNTAX};
    for (size_t i = 0; i < IKE_COUNT(notifies); i++) {
        for (unsigned flags = 0; flags < 2; flags++) {
            struct ike_chain c = ike_chain(forged + IKE_HEADER_LEN, sizeof forged - IKE_HEADER_LEN);
            ike_put_notify(&c, notifies[i], ike_bytes_of(NULL, 0));
            ike_put_delete_ike(&c);
            struct ike_header h = {
                .spi_i = b.spi_i, .spi_r = b.spi_r, .version = 0x20, .exchange = IKE_X_INFORMATIONAL, .mid = 2, .next = c.first};
            h.flags = (uint8_t)(IKE_FLAG_INITIATOR | (flags ? IKE_FLAG_RESPONSE : 0));
            h.length = (uint32_t)(IKE_HEADER_LEN + c.w.len);
            ike_header_write(forged, &h);
            expect("a message in clear", h.length, SILENCE, true);
        }
    }
}

/* ---- Authenticated and wrong --------------------------------------------------------------------------------------------- */

static void put_raw(struct ike_chain *c, uint8_t type, uint8_t critical, const char *body, size_t n)
{
    size_t at = c->w.len;
    ike_put_payload(c, type, ike_bytes_of(body, n));
    c->w.p[at + 1] = critical ? 0x80 : 0;
}

/* Each builds an INFORMATIONAL request. */
static void two_ike_deletes(struct ike_chain *c)
{
    uint32_t spi = 5;
    ike_put_delete_ike(c);
    ike_put_delete_spis(c, IKE_PROTO_ESP, &spi, 1);
}
static void unknown_delete(struct ike_chain *c)
{
    uint32_t spis[] = {0x12345678, 0x12345678, 0};
    ike_put_delete_spis(c, IKE_PROTO_ESP, spis, 3);
}
static void delete_count(struct ike_chain *c) { put_raw(c, IKE_P_DELETE, 0, "\3\4\0\2\1\1\1\1", 8); }
static void delete_spi_size(struct ike_chain *c) { put_raw(c, IKE_P_DELETE, 0, "\3\5\0\1\1\1\1\1\1", 9); }
static void delete_ike_with_spi(struct ike_chain *c) { put_raw(c, IKE_P_DELETE, 0, "\1\10\0\1\1\1\1\1\1\1\1\1", 12); }
static void critical_unknown(struct ike_chain *c) { put_raw(c, 200, 1, "x", 1); }
static void plain_unknown(struct ike_chain *c) { put_raw(c, 200, 0, "x", 1); }
static void critical_known(struct ike_chain *c) { put_raw(c, IKE_P_VENDOR, 1, "x", 1); }
static void notify_spi_past_end(struct ike_chain *c) { put_raw(c, IKE_P_NOTIFY, 0, "\3\377\0\1", 4); }
static void many_notifies(struct ike_chain *c)
{
    for (unsigned i = 0; i < 99; i++) {
        ike_put_notify(c, (uint16_t)(40000 + i), IKE_STR("x"));
    }
}
static void too_many_payloads(struct ike_chain *c)
{
    many_notifies(c);
    ike_put_notify(c, 1, IKE_STR("x"));
    ike_put_notify(c, 1, IKE_STR("x"));
}
static void a_status_unasked(struct ike_chain *c) { ike_put_notify(c, 16400, IKE_STR("UPDATE_SA_ADDRESSES without MOBIKE")); }
static void errors_from_nowhere(struct ike_chain *c) { ike_put_notify(c, IKE_N_INVALID_SYNTAX, ike_bytes_of(NULL, 0)); }
static void window_of_zero(struct ike_chain *c) { ike_put_notify(c, IKE_N_SET_WINDOW_SIZE, ike_bytes_of("\0\0\0\0", 4)); }
static void ts_in_informational(struct ike_chain *c)
{
    ike_ts ts = lab_ts("10.0.0.0/8");
    ike_put_ts(c, IKE_P_TSI, &ts, 1);
}
static void sk_inside_sk(struct ike_chain *c) { put_raw(c, IKE_P_SK, 0, "0123456789012345678901234567890123456789", 40); }
static void skf_inside_sk(struct ike_chain *c)
{
    put_raw(c, IKE_P_SKF, 0,
            "\0\1\0\1"
            "abcdefghijklmnopqrstuvwxyzabcdefghij",
            40);
}
static void short_payload(struct ike_chain *c)
{
    put_raw(c, IKE_P_VENDOR, 0, "x", 1);
    c->w.p[3] = 3;
}
static void long_payload(struct ike_chain *c)
{
    put_raw(c, IKE_P_VENDOR, 0, "x", 1);
    c->w.p[3] = 6;
}
static void octets_behind(struct ike_chain *c)
{
    put_raw(c, IKE_P_VENDOR, 0, "x", 1);
    ike_wr_u8(&c->w, 0);
}

static void informational_requests(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*build)(struct ike_chain *);
        int notify;
        bool alive;
    } rows[] = {
        {"a Delete of unknown SPIs", unknown_delete, EMPTY, true},
        {"an unknown payload", plain_unknown, EMPTY, true},
        {"an unknown critical payload", critical_unknown, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, true},
        {"critical on a known type", critical_known, EMPTY, true},
        {"a notify whose SPI is past its end", notify_spi_past_end, EMPTY, true},
        {"99 notifies", many_notifies, EMPTY, true},
        {"a status notify nobody negotiated", a_status_unasked, EMPTY, true},
        {"an error notify", errors_from_nowhere, EMPTY, true},
        {"a window of 0", window_of_zero, EMPTY, true},
        {"a payload of another exchange", ts_in_informational, EMPTY, true},
        {"a Delete with a wrong count", delete_count, IKE_N_INVALID_SYNTAX, false},
        {"a Delete with SPIs of 5 octets", delete_spi_size, IKE_N_INVALID_SYNTAX, false},
        {"a Delete of the IKE SA with an SPI", delete_ike_with_spi, IKE_N_INVALID_SYNTAX, false},
        {"more than 100 payloads", too_many_payloads, IKE_N_INVALID_SYNTAX, false},
        {"SK inside SK", sk_inside_sk, IKE_N_INVALID_SYNTAX, false},
        {"SKF inside SK", skf_inside_sk, IKE_N_INVALID_SYNTAX, false},
        {"a payload of length 3", short_payload, IKE_N_INVALID_SYNTAX, false},
        {"a payload past the end", long_payload, IKE_N_INVALID_SYNTAX, false},
        {"octets behind the last payload", octets_behind, IKE_N_INVALID_SYNTAX, false},
        {"Deletes of the IKE SA and a child", two_ike_deletes, EMPTY, false},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_chain c = inner_chain();
        pair_up(NULL);
        rows[i].build(&c);
        expect(rows[i].what, forge_chain(&b, IKE_X_INFORMATIONAL, 0, 2, &c), rows[i].notify, rows[i].alive);
        pair_end();
    }
}

static void exchanges_out_of_place(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t exchange;
        int notify;
    } rows[] = {
        {"IKE_AUTH on an established SA", IKE_X_AUTH, IKE_N_INVALID_SYNTAX},
        {"IKE_INTERMEDIATE", 43, IKE_N_INVALID_SYNTAX},
        {"a private exchange type", 241, IKE_N_INVALID_SYNTAX},
        {"CREATE_CHILD_SA without payloads", IKE_X_CREATE_CHILD_SA, IKE_N_INVALID_SYNTAX},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        pair_up(NULL);
        expect(rows[i].what, forge(&b, rows[i].exchange, 0, 2, IKE_P_NONE, NULL, 0), rows[i].notify, false);
        pair_end();
    }
}

/* ---- CREATE_CHILD_SA ----------------------------------------------------------------------------------------------------- */

struct child_offer {
    const char *tsi[3], *tsr[3];
    uint32_t spi;       /* 0: 0x5001 */
    unsigned nonce_len; /* 0: 32 */
    uint32_t rekey;     /* REKEY_SA for this SPI */
    unsigned rekeys;    /* how many of them */
    uint8_t rekey_protocol;
    bool transport, zero_nonce, no_sa;
};

static void put_selectors(struct ike_chain *c, uint8_t type, const char *const *texts)
{
    ike_ts ts[3];
    size_t n = 0;
    for (; n < 3 && texts[n]; n++) {
        ts[n] = lab_ts(texts[n]);
    }
    if (n) {
        ike_put_ts(c, type, ts, n);
    }
}

/* All but the selectors. */
static void put_head(struct ike_chain *c, const struct child_offer *o)
{
    static const uint8_t nonce[300] = {9, 8, 7}, zeros[300];
    struct ike_proposals *p = NULL;
    size_t at;
    uint8_t spi[4];
    ike_allocator mem = {lab_alloc, lab_release, &a.lab};
    for (unsigned i = 0; i < o->rekeys; i++) {
        ike_put_notify_spi(c, o->rekey_protocol, o->rekey, IKE_N_REKEY_SA, ike_bytes_of(NULL, 0));
    }
    if (o->transport) {
        ike_put_notify(c, IKE_N_USE_TRANSPORT_MODE, ike_bytes_of(NULL, 0));
    }
    assert_int_equal(ike_proposals_parse_for(&p, ike_default_child_proposals(), IKE_PROTO_ESP, ike_crypto_default(), true, &mem,
                                             &at),
                     IKE_OK);
    ike_store32(spi, o->spi ? o->spi : 0x5001);
    if (!o->no_sa) {
        ike_put_sa(c, p, spi, 4, false, NULL);
    }
    ike_proposals_free(p, &mem);
    ike_put_payload(c, IKE_P_NONCE, ike_bytes_of(o->zero_nonce ? zeros : nonce, o->nonce_len ? o->nonce_len : 32));
}

static void put_offer(struct ike_chain *c, const struct child_offer *o)
{
    put_head(c, o);
    put_selectors(c, IKE_P_TSI, o->tsi);
    put_selectors(c, IKE_P_TSR, o->tsr);
}

#define LAN .tsi = {"10.1.0.0/16"}, .tsr = {"10.2.0.0/16"}

static void requests_for_a_child(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct child_offer o;
        int notify; /* ANYTHING: it is made */
        bool alive;
    } rows[] = {
        {"what was agreed", {LAN}, ANYTHING, true},
        {"any address: narrowed", {.tsi = {"0.0.0.0/0"}, .tsr = {"0.0.0.0/0"}}, ANYTHING, true},
        {"selectors of nobody", {.tsi = {"172.16.0.0/16"}, .tsr = {"10.2.0.0/16"}}, IKE_N_TS_UNACCEPTABLE, true},
        {"another one's address", {.tsi = {"10.9.0.1/32"}, .tsr = {"10.2.0.0/16"}}, IKE_N_TS_UNACCEPTABLE, true},
        {"mixed families", {.tsi = {"10.1.0.0/16"}, .tsr = {"2001:db8:2::/48"}}, IKE_N_TS_UNACCEPTABLE, true},
        {"both families, the same child", {.tsi = {"10.1.0.0/16", "2001:db8:1::/48"}, .tsr = {"10.2.0.0/16"}}, ANYTHING, true},
        {"protocols that exclude each other",
         {.tsi = {"10.1.0.0/16[tcp]"}, .tsr = {"10.2.0.0/16[udp]"}},
         IKE_N_TS_UNACCEPTABLE,
         true},
        {"no TSr", {.tsi = {"10.1.0.0/16"}}, IKE_N_INVALID_SYNTAX, false},
        {"no SA", {LAN, .no_sa = true}, IKE_N_INVALID_SYNTAX, false},
        {"an SPI below 256", {LAN, .spi = 255}, IKE_N_INVALID_SYNTAX, false},
        {"a nonce of 15 octets", {LAN, .nonce_len = 15}, IKE_N_INVALID_SYNTAX, false},
        {"a nonce of 257 octets", {LAN, .nonce_len = 257}, IKE_N_INVALID_SYNTAX, false},
        {"a nonce of 256 octets", {LAN, .nonce_len = 256}, ANYTHING, true},
        {"a nonce of zeros", {LAN, .zero_nonce = true}, IKE_N_INVALID_SYNTAX, false},
        {"transport mode: made in tunnel mode", {LAN, .transport = true}, ANYTHING, true},
        {"rekey of an unknown SPI",
         {LAN, .rekey = 0x777, .rekeys = 1, .rekey_protocol = IKE_PROTO_ESP},
         IKE_N_CHILD_SA_NOT_FOUND,
         true},
        {"two REKEY_SA", {LAN, .rekey = 0x777, .rekeys = 2, .rekey_protocol = IKE_PROTO_ESP}, IKE_N_INVALID_SYNTAX, false},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_message m;
        struct ike_chain c = inner_chain();
        pair_up(NULL);
        uint32_t children = counters(&b).children;
        put_offer(&c, &rows[i].o);
        expect(rows[i].what, forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c), rows[i].notify, rows[i].alive);
        bool made = rows[i].notify == ANYTHING;
        if (rows[i].alive && counters(&b).children != children + made) {
            fail_msg("%s: %u children", rows[i].what, (unsigned)counters(&b).children);
        }
        if (made) {
            ike_ts ts[4], whole = lab_ts("10.1.0.0/16");
            size_t n;
            struct ike_notify said;
            assert_true(open_reply(&b, &m) && ike_message_find(&m, IKE_P_SA, 0));
            assert_int_equal(ike_ts_payload_parse(ts, 4, &n, ike_message_find(&m, IKE_P_TSI, 0)), IKE_OK);
            assert_true(n == 1 && ike_ts_all_within(ts, n, &whole, 1)); /* never wider than we have it */
            assert_false(ike_message_notify(&m, IKE_N_USE_TRANSPORT_MODE, &said));
        }
        pair_end();
    }
}

static void a_rekey_of_another_protocol_is_not_found(void **state)
{
    (void)state;
    struct ike_child *k = ike_slots_next(&b.e->db.children, 0, &(uint64_t){0});
    struct ike_chain c = inner_chain();
    struct child_offer o = {LAN, .rekey = k->spi_out, .rekeys = 1, .rekey_protocol = IKE_PROTO_AH};
    struct ike_message m;
    struct ike_notify n;
    put_offer(&c, &o);
    expect("rekey of AH", forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c), IKE_N_CHILD_SA_NOT_FOUND, true);
    assert_true(open_reply(&b, &m) && ike_message_notify(&m, IKE_N_CHILD_SA_NOT_FOUND, &n));
    assert_true(n.protocol == IKE_PROTO_AH && ike_load32(n.spi) == k->spi_out); /* copied from the request */
    c = inner_chain();
    o.rekey_protocol = IKE_PROTO_ESP;
    put_offer(&c, &o);
    expect("the real one", forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 3, &c), ANYTHING, true);
}

static void few_children(struct node *x, ike_settings *s) { (void)x, s->max_children = 3; }

static void children_have_a_limit(void **state)
{
    (void)state;
    pair_up(few_children);
    unsigned made = 0;
    for (uint32_t mid = 2; mid < 8; mid++) {
        struct ike_chain c = inner_chain();
        struct child_offer o = {LAN, .spi = 0x6000 + mid};
        struct ike_message m;
        put_offer(&c, &o);
        size_t n = forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, mid, &c);
        ike_path path = path_to(&b);
        b.n_out = 0;
        (void)node_input(&b, &path, forged, n);
        if (!open_reply(&b, &m)) {
            break;
        }
        made += ike_message_find(&m, IKE_P_SA, 0) != NULL;
    }
    assert_int_equal(made, 2);
    assert_int_equal(counters(&b).children, 3);
    pair_end();
}

static void more_selectors_than_64_are_refused(void **state)
{
    (void)state;
    static ike_ts ts[65];
    for (size_t i = 0; i < IKE_COUNT(ts); i++) {
        ts[i] = lab_ts("10.1.0.0/32");
        ts[i].lo[2] = ts[i].hi[2] = (uint8_t)(2 * i);
    }
    for (unsigned row = 0; row < 3; row++) { /* too many of the initiator's, of ours, and as many as may be */
        struct ike_chain c = inner_chain();
        struct child_offer o = {.spi = 0x5001};
        ike_ts whole = lab_ts("10.2.0.0/16");
        pair_up(NULL);
        put_head(&c, &o);
        ike_put_ts(&c, IKE_P_TSI, row == 1 ? &whole : ts, row == 0 ? IKE_COUNT(ts) : row == 1 ? 1 : 64);
        ike_put_ts(&c, IKE_P_TSR, row == 1 ? ts : &whole, row == 1 ? IKE_COUNT(ts) : 1);
        expect("many selectors", forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, 2, &c), row == 2 ? ANYTHING : IKE_N_TS_UNACCEPTABLE,
               true);
        assert_int_equal(counters(&b).children, row == 2 ? 2 : 1);
        if (row != 2) {
            node_failed(&b, IKE_FAIL_SELECTORS, IKE_DECIDER_US);
        }
        pair_end();
    }
}

/* Each may cost a key exchange: fifty a second are served, the next is put off, and then there are fifty again. */
static void requests_have_a_limit_in_a_second(void **state)
{
    (void)state;
    uint32_t mid = 2;
    b.e->core.set.requests_per_second = 5; /* and a hundred saved up */
    for (unsigned second = 0; second < 2; second++) {
        for (unsigned i = second ? 95 : 0; i < 110; i++, mid++) {
            struct ike_chain c = inner_chain();
            struct child_offer o = {.tsi = {"172.16.0.0/16"}, .tsr = {"10.2.0.0/16"}};
            put_offer(&c, &o);
            b.n_events = 0;
            expect(i < 100 ? "a request" : "one too many", forge_chain(&b, IKE_X_CREATE_CHILD_SA, 0, mid, &c),
                   i < 100 ? IKE_N_TS_UNACCEPTABLE : IKE_N_TEMPORARY_FAILURE, true);
        }
        now += IKE_SEC;
    }
}

/* ---- Responses ----------------------------------------------------------------------------------------------------------- */

/* a's question is answered by the stranger, who has the keys. What is authenticated and makes no sense comes from the peer
 * itself: the IKE SA is of no use, which it is told, for it may have made what we asked for; and nothing is repeated. */
static void responses_that_are_malformed_inside(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*build)(struct ike_chain *);
        bool child; /* to a request for a child, else for a sign of life */
    } rows[] = {
        {"a payload of length 3", short_payload, false},
        {"a payload past the end", long_payload, false},
        {"octets behind the last payload", octets_behind, false},
        {"more than 100 payloads", too_many_payloads, false},
        {"SK inside SK", sk_inside_sk, false},
        {"a payload of length 3", short_payload, true},
        {"octets behind the last payload", octets_behind, true},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        struct ike_chain c = inner_chain();
        struct ike_message m;
        ike_sa_info sa;
        ike_path path = path_to(&a);
        pair_up(NULL);
        assert_int_equal(ike_sa_next(a.e, 0, &sa), IKE_OK);
        assert_int_equal(rows[i].child ? ike_initiate(a.e, a.conn, "six", now) : ike_sa_check(a.e, sa.id, now), IKE_OK);
        assert_true(open_reply(&a, &m));
        a.n_out = 0;
        rows[i].build(&c);
        size_t n = forge_chain(&a, m.h.exchange, IKE_FLAG_RESPONSE, m.h.mid, &c);
        assert_true(node_input(&a, &path, forged, n) < 0);
        node_failed(&a, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
        assert_int_equal(a.n_out, 1);
        assert_true(open_reply(&a, &m) && m.h.exchange == IKE_X_INFORMATIONAL && ike_message_find(&m, IKE_P_DELETE, 0));
        struct ike_sa *peer_sa = ike_slots_next(&b.e->db.sas, 0, &(uint64_t){0});
        peer_sa->peer_mid = m.h.mid; /* as if b had served the request before it */
        wire_run();
        assert_true(counters(&a).sas == 0 && counters(&a).children == 0 && a.removes == 2);
        assert_true(counters(&b).sas == 0 && counters(&b).children == 0 && b.removes == 2);
        assert_int_equal(node_saw(&a, IKE_EV_SA_DOWN), 1);
        assert_int_equal(node_saw(&b, IKE_EV_SA_DOWN), 1);
        assert_int_equal(node_saw(&a, IKE_EV_FAILED), 1);
        pair_end();
    }
}

/* Well formed, but with neither a child nor an error in it: only the attempt is over. */
static void an_empty_response_is_no_child(void **state)
{
    (void)state;
    struct ike_chain c = inner_chain();
    struct ike_message m;
    ike_path path = path_to(&a);
    assert_int_equal(ike_initiate(a.e, a.conn, "six", now), IKE_OK);
    assert_true(open_reply(&a, &m));
    size_t n = forge_chain(&a, IKE_X_CREATE_CHILD_SA, IKE_FLAG_RESPONSE, m.h.mid, &c);
    (void)node_input(&a, &path, forged, n);
    node_failed(&a, IKE_FAIL_SYNTAX, IKE_DECIDER_US);
    assert_true(counters(&a).sas == 1 && counters(&a).children == 1);
}

/* ---- Half-open ----------------------------------------------------------------------------------------------------------- */

/* As far as b's answer to IKE_SA_INIT, and a's keys. */
static void half_way(void)
{
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    (void)wire_step(&a);
    (void)wire_step(&b);
    assert_int_equal(a.n_out, 1);
    b.spi_i = a.spi_i;
    b.spi_r = a.spi_r;
    b.encr = a.encr;
    b.integ = a.integ;
    memcpy(b.key, a.key, sizeof a.key);
    memcpy(b.key_len, a.key_len, sizeof a.key_len);
}

static void a_half_open_sa_survives_what_is_forged(void **state)
{
    (void)state;
    half_way();
    uint8_t good[2048];
    size_t n = a.out[0].n;
    memcpy(good, a.out[0].bytes, n);
    ike_path path = path_to(&b);
    for (unsigned i = 0; i < 9; i++) {
        good[n - 1] ^= 1;
        assert_true(node_input(&b, &path, good, n) < 0);
        good[n - 1] ^= 1;
        assert_int_equal(b.n_out, 0);
        assert_int_equal(counters(&b).half_open, 1);
    }
    assert_int_equal(counters(&b).bad_icv, 9);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
}

/* X25519 that counts. */
static unsigned secrets;
static int counting_finish(void *state, const ike_random *rng, const uint8_t *priv, const uint8_t *pub, uint8_t *shared)
{
    secrets++;
    return ike_find_ke(ike_crypto_default(), 31)->finish(state, rng, priv, pub, shared);
}

static void counting(struct node *x, ike_settings *s)
{
    static ike_ke ke;
    static const ike_ke *const list[] = {&ke, NULL};
    static ike_crypto crypto;
    if (x == &b) {
        ke = *ike_find_ke(ike_crypto_default(), 31);
        ke.finish = counting_finish;
        crypto = *ike_crypto_default();
        crypto.ke = list;
        s->crypto = &crypto;
        secrets = 0;
    }
}

/* However many there are, they cost one key exchange; and they are no way to keep the peer out. */
static void forged_messages_cost_one_key_exchange(void **state)
{
    (void)state;
    pair_new(counting);
    half_way();
    uint8_t good[2048];
    size_t n = a.out[0].n;
    memcpy(good, a.out[0].bytes, n);
    ike_path path = path_to(&b);
    assert_int_equal(secrets, 0); /* nor does a request that nothing follows */
    good[n - 1] ^= 1;
    for (unsigned i = 0; i < 300; i++) {
        assert_true(node_input(&b, &path, good, n) < 0);
    }
    assert_int_equal(secrets, 1);
    assert_int_equal(counters(&b).bad_icv, 300);
    wire_run();
    assert_int_equal(node_saw(&a, IKE_EV_CHILD_UP), 1);
    assert_int_equal(secrets, 1);
    pair_end();
}

/* A public value that gives no secret shows when it is computed. Once is enough, however many messages want the keys after it. */
static void a_value_that_gives_no_secret_costs_one_computation(void **state)
{
    (void)state;
    struct ike_message m;
    pair_new(counting);
    ike_path path = path_to(&b);
    assert_int_equal(ike_initiate(a.e, a.conn, "lan", now), IKE_OK);
    assert_int_equal(ike_message_parse(&m, a.out[0].bytes, a.out[0].n), IKE_OK);
    const struct ike_payload *ke = ike_message_find(&m, IKE_P_KE, 0);
    assert_int_equal(ike_load16(ke->body), 31);
    memset(a.out[0].bytes + (ke->body - m.data) + 4, 0, 32);
    (void)wire_step(&a);
    (void)wire_step(&b);
    assert_int_equal(a.n_out, 1);
    for (unsigned i = 0; i < 300; i++) {
        assert_true(node_input(&b, &path, a.out[0].bytes, a.out[0].n) < 0);
    }
    assert_int_equal(secrets, 1);
    assert_int_equal(counters(&b).handshakes, 0);
    assert_int_equal(b.n_out, 0);
    pair_end();
}

static void only_ike_auth_may_follow(void **state)
{
    (void)state;
    static const uint8_t types[] = {IKE_X_CREATE_CHILD_SA, IKE_X_INFORMATIONAL, 43, 241};
    for (size_t i = 0; i < IKE_COUNT(types); i++) {
        pair_new(NULL);
        half_way();
        a.n_out = 0;
        struct ike_message m;
        struct ike_notify said;
        ike_path path = path_to(&b);
        size_t n = forge(&b, types[i], 0, 1, IKE_P_NONE, NULL, 0);
        (void)node_input(&b, &path, forged, n);
        if (!open_reply(&b, &m) || !ike_message_notify(&m, IKE_N_INVALID_SYNTAX, &said)) {
            fail_msg("exchange %u: no INVALID_SYNTAX", (unsigned)types[i]);
        }
        assert_int_equal(counters(&b).handshakes, 0);
        now += 61 * IKE_SEC;
        assert_int_equal(ike_tick(b.e, now), IKE_OK);
        assert_int_equal(counters(&b).sas, 0);
        pair_end();
    }
}

static void ike_auth_with_something_wrong_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t id_type, method, odd;
        bool critical;
        int notify;
    } rows[] = {
        {"a wrong AUTH", IKE_ID_FQDN, 2, 0, false, IKE_N_AUTHENTICATION_FAILED},
        {"an unknown method", IKE_ID_FQDN, 99, 0, false, IKE_N_AUTHENTICATION_FAILED},
        {"NULL authentication", IKE_ID_FQDN, 13, 0, false, IKE_N_AUTHENTICATION_FAILED},
        {"no AUTH at all", IKE_ID_FQDN, 0, 0, false, IKE_N_AUTHENTICATION_FAILED},
        {"no identity", 0, 2, 0, false, IKE_N_INVALID_SYNTAX},
        {"an address of 9 octets", IKE_ID_IPV4_ADDR, 2, 0, false, IKE_N_INVALID_SYNTAX},
        {"an unknown critical payload", IKE_ID_FQDN, 2, 200, true, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD},
    };
    for (size_t i = 0; i < IKE_COUNT(rows); i++) {
        pair_new(NULL);
        half_way();
        a.n_out = 0;
        struct ike_message m;
        struct ike_notify said;
        struct ike_chain c = inner_chain();
        ike_path path = path_to(&b);
        ike_id id = {rows[i].id_type, IKE_STR("a.example")};
        if (id.type) {
            ike_put_id(&c, IKE_P_IDI, &id);
        }
        if (rows[i].method) {
            ike_put_auth(&c, rows[i].method, IKE_STR("01234567890123456789012345678901"));
        }
        if (rows[i].odd) {
            put_raw(&c, rows[i].odd, rows[i].critical, "x", 1);
        }
        size_t n = forge_chain(&b, IKE_X_AUTH, 0, 1, &c);
        (void)node_input(&b, &path, forged, n);
        if (!open_reply(&b, &m) || m.n != 1 || !ike_message_error(&m, &said) || said.type != rows[i].notify) {
            fail_msg("%s", rows[i].what);
        }
        assert_int_equal(counters(&b).children + counters(&b).handshakes, 0);
        b.n_out = 0; /* the refusal is repeated for the same request, nothing else is served */
        (void)node_input(&b, &path, forged, n);
        assert_int_equal(b.n_out, 1);
        now += 61 * IKE_SEC;
        assert_int_equal(ike_tick(b.e, now), IKE_OK);
        assert_int_equal(counters(&b).sas, 0);
        pair_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_authenticated_changes_nothing, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(message_ids_keep_to_the_window, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(responses_nobody_waits_for_are_dropped, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(an_unknown_sa_is_told_so_seldom, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(hints_in_clear_are_not_believed, pair_is_up, pair_is_over),
        cmocka_unit_test(informational_requests),
        cmocka_unit_test(exchanges_out_of_place),
        cmocka_unit_test(requests_for_a_child),
        cmocka_unit_test_setup_teardown(a_rekey_of_another_protocol_is_not_found, pair_is_up, pair_is_over),
        cmocka_unit_test(children_have_a_limit),
        cmocka_unit_test(more_selectors_than_64_are_refused),
        cmocka_unit_test_setup_teardown(requests_have_a_limit_in_a_second, pair_is_up, pair_is_over),
        cmocka_unit_test(responses_that_are_malformed_inside),
        cmocka_unit_test_setup_teardown(an_empty_response_is_no_child, pair_is_up, pair_is_over),
        cmocka_unit_test_setup_teardown(a_half_open_sa_survives_what_is_forged, pair_is_new, pair_is_over),
        cmocka_unit_test(forged_messages_cost_one_key_exchange),
        cmocka_unit_test(a_value_that_gives_no_secret_costs_one_computation),
        cmocka_unit_test(only_ike_auth_may_follow),
        cmocka_unit_test(ike_auth_with_something_wrong_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
