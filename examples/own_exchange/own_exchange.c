/* SPDX-License-Identifier: ISC
 *
 * An exchange of our own under an IKE SA of IKEv1: one side asks what the other has measured, and is told. The messages go
 * encrypted and are repeated when they are lost, like those of the library's own exchanges, for those are tables of these very
 * types. As in examples/two_engines both engines are in one process. Read it from the script on.
 */
#include <ike/exchange.h>
#include <ike/ike.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Types for private use (RFC 2408 sections 3.1 and 3.4); HASH is the payload by which a message proves whose it is. */
enum { EXCHANGE = 240, HASH = 8, QUESTION = 200, ANSWER = 201 };

struct host {
    const char *name;
    struct host *peer;
    ike_engine *engine;
    ike_conn_id conn;
    ike_sa_id sa; /* that is up */
    struct {      /* one datagram on its way to us */
        bool full;
        ike_path path;
        size_t len;
        uint8_t bytes[2048];
    } inbox;
};

/* ---- The script ------------------------------------------------------------------------------------------------------- */

struct inquiry { /* of who asks: the state of the exchange */
    const char *about;
    char answer[32];
    bool done;
};

static int put_question(struct ike_exchange *x)
{
    const struct inquiry *q = ike_exchange_state(x);
    ike_bytes text = {(const uint8_t *)q->about, strlen(q->about)};
    return ike_exchange_put(x, QUESTION, text) == IKE_OK ? IKE_X_OK : IKE_X_REFUSE;
}

/* The one who is asked knows nothing of the exchange but the message and the engine's user. */
static int put_answer(struct ike_exchange *x)
{
    const struct host *h = ike_exchange_user(x);
    char text[32];
    ike_bytes about;
    (void)ike_exchange_payload(x, QUESTION, 0, &about); /* the rules say that it is there */
    printf("%s: asked for %.*s\n", h->name, (int)about.len, (const char *)about.ptr);
    if (about.len != 11 || memcmp(about.ptr, "temperature", 11) != 0) {
        return ike_exchange_refuse(x, 1); /* INVALID-PAYLOAD-TYPE: the peer is told, and the exchange ends */
    }
    int n = snprintf(text, sizeof text, "%d degrees", 21);
    return ike_exchange_put(x, ANSWER, (ike_bytes){(const uint8_t *)text, (size_t)n}) == IKE_OK ? IKE_X_OK : IKE_X_REFUSE;
}

static int take_answer(struct ike_exchange *x)
{
    struct inquiry *q = ike_exchange_state(x);
    ike_bytes text;
    (void)ike_exchange_payload(x, ANSWER, 0, &text);
    if (text.len >= sizeof q->answer) {
        return IKE_X_REFUSE;
    }
    memcpy(q->answer, text.ptr, text.len);
    q->answer[text.len] = 0;
    return IKE_X_OK;
}

/* On both sides, however it ended. */
static void over(struct ike_exchange *x, int result)
{
    struct inquiry *q = ike_exchange_state(x);
    if (q) {
        q->done = result == IKE_X_OK;
    }
}

/* Which payloads a message has, how often at least and at most. */
static const struct ike_payload_rule question_rules[] = {{HASH, 1, 1}, {QUESTION, 1, 1}, {0, 0, 0}};
static const struct ike_payload_rule answer_rules[] = {{HASH, 1, 1}, {ANSWER, 1, 1}, {0, 0, 0}};
static const struct ike_form question_forms[] = {{NULL, question_rules}, {NULL, NULL}};
static const struct ike_form answer_forms[] = {{NULL, answer_rules}, {NULL, NULL}};

static ike_action *const build_question[] = {ike_exchange_protect, put_question, ike_exchange_seal, NULL};
static ike_action *const handle_question[] = {ike_exchange_check, NULL};
static ike_action *const build_answer[] = {ike_exchange_protect, put_answer, ike_exchange_seal, NULL};
static ike_action *const handle_answer[] = {ike_exchange_check, take_answer, NULL};

static const struct ike_step steps[] = {
    {.name = "question", .from = IKE_INITIATOR, .forms = question_forms, .handle = handle_question, .build = build_question},
    {.name = "answer", .from = IKE_RESPONDER, .forms = answer_forms, .handle = handle_answer, .build = build_answer},
};
static const struct ike_script inquiry = {
    .name = "inquiry", .version = 1, .exchange_type = EXCHANGE, .steps = steps, .n_steps = 2, .over = over};
static const struct ike_script *const scripts[] = {&inquiry, NULL};

/* ---- The host --------------------------------------------------------------------------------------------------------- */

static int fill_random(void *user, uint8_t *out, size_t n)
{
    (void)user;
    return getrandom(out, n, 0) == (ssize_t)n ? IKE_OK : IKE_ERR_HOST;
}

static void send_datagram(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct host *to = ((struct host *)user)->peer;
    if (kind == IKE_SEND_MESSAGE && n <= sizeof to->inbox.bytes && !to->inbox.full) { /* else it is lost, and sent again */
        to->inbox.path = *path;
        to->inbox.path.local = path->remote;
        to->inbox.path.remote = path->local;
        memcpy(to->inbox.bytes, bytes, n);
        to->inbox.len = n;
        to->inbox.full = true;
    }
}

static void on_event(void *user, const ike_event *ev)
{
    struct host *h = user;
    if (ev->type == IKE_EV_SA_UP) {
        h->sa = ev->sa;
    }
}

static int start(struct host *h, const char *own, const char *peer, const char *own_net, const char *peer_net)
{
    ike_settings s;
    ike_conn_settings c;
    ike_child_settings k;
    ike_ts local, remote;
    ike_settings_init(&s);
    s.host.user = h;
    s.host.random = fill_random;
    s.host.send = send_datagram;
    s.allow_variable_time = true; /* IKEv1 has no cipher that needs no instructions of the CPU's to be constant-time */
    s.host.event = on_event;
    s.scripts = scripts; /* both sides know the exchange */
    ike_child_settings_init(&k);
    k.name = "net";
    k.local_ts = &local;
    k.remote_ts = &remote;
    k.n_local_ts = k.n_remote_ts = 1;
    ike_conn_settings_init(&c);
    c.name = "peer";
    c.version = IKE_SPEAKS_V1;
    c.secret = (ike_bytes){(const uint8_t *)"correct horse battery staple", 28};
    c.children = &k;
    c.n_children = 1;
    int r = ike_addr_parse(&c.local, own) | ike_addr_parse(&c.remote, peer) | ike_ts_parse(&local, own_net) |
            ike_ts_parse(&remote, peer_net);
    r = r == IKE_OK ? ike_engine_new(&h->engine, &s, 0) : r;
    return r == IKE_OK ? ike_conn_add(h->engine, &c, &h->conn, 0) : r;
}

static void talk(struct host *a, struct host *b, ike_time *now)
{
    while (a->inbox.full || b->inbox.full) {
        struct host *h = a->inbox.full ? a : b;
        *now += 10 * IKE_MS;
        h->inbox.full = false;
        ike_input(h->engine, &h->inbox.path, h->inbox.bytes, h->inbox.len, *now);
        ike_tick(a->engine, *now);
        ike_tick(b->engine, *now);
    }
}

int main(void)
{
    static struct host a = {.name = "a"}, b = {.name = "b"};
    struct inquiry known = {.about = "temperature"}, unknown = {.about = "humidity"};
    ike_time now = 0;
    a.peer = &b;
    b.peer = &a;
    int r = ike_crypto_global_init();
    r = r == IKE_OK ? start(&a, "192.0.2.1", "192.0.2.2", "10.1.0.0/16", "10.2.0.0/16") : r;
    r = r == IKE_OK ? start(&b, "192.0.2.2", "192.0.2.1", "10.2.0.0/16", "10.1.0.0/16") : r;
    r = r == IKE_OK ? ike_initiate(a.engine, a.conn, "net", now) : r;
    talk(&a, &b, &now);
    r = r == IKE_OK ? ike_exchange_start(a.engine, a.sa, &inquiry, &known, now) : r;
    talk(&a, &b, &now);
    r = r == IKE_OK ? ike_exchange_start(a.engine, a.sa, &inquiry, &unknown, now) : r;
    talk(&a, &b, &now);
    if (r != IKE_OK) {
        fprintf(stderr, "%s\n", ike_strerror(r));
        return 1;
    }
    printf("a: the %s is %s\n", known.about, known.done ? known.answer : "not known");
    printf("a: the %s is %s\n", unknown.about, unknown.done ? unknown.answer : "not known");
    ike_engine_free(a.engine); /* what is under way ends here: `over` may be called */
    ike_engine_free(b.engine);
    return known.done && strcmp(known.answer, "21 degrees") == 0 && !unknown.done ? 0 : 1;
}
