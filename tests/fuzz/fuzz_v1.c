/* SPDX-License-Identifier: ISC
 *
 * An engine of IKEv1 behind phase 1 with a peer that means ill: payloads as they come, with the right hash and the right keys.
 *
 * The first octet says where two engines have got to, what their connections want, and which of them is spoken to. Then come
 * messages: [length of the rest, 2 octets] [what to do] [how it is cut] [type of the first payload] [payload chain behind the
 * HASH]; how it is cut only where it is.
 */
#include "chains.h"

#include "exchange/v1/v1.h"

#include <stdlib.h>

/* The first octet. So many messages are delivered first; the last three: all, and hosts that are asked for users and addresses
 * and answer when something else happens, or at once; all. */
enum { STEPS = 0x0f, XAUTH = 0x10, INNER = 0x20, PUSH = 0x40, WHO = 0x80 };
/* The octet before each chain: what the message is. */
enum {
    EXCHANGE = 0x03, /* Transaction, Informational, Quick Mode, or what the one that is open is, or New Group Mode */
    OPEN = 0x04,     /* the next message of the newest open exchange */
    WRONG_HASH = 0x08,
    LATER = 0x10, /* time passes first */
    CUT = 0x20,   /* in parts */
    RELAY = 0x40, /* what the engines then say is delivered, not lost */
    OTHER = 0x80  /* to the other one */
};
/* How it is cut. */
enum { PARTS = 0x07, BACKWARDS = 0x08, ENDLESS = 0x10, DOUBLED = 0x20, OTHER_ID = 0x40, HOLE = 0x80 };
const enum fuzz_layout fuzz_layout = FUZZ_CHAINS;

static struct duo duo;
static uint32_t mids;
static uint8_t body[DUO_MESSAGE + 256], sealed[2 * DUO_MESSAGE];

enum { LATE_HOSTS = 13, HOSTS = 14 };

/* The one question of each that is open. */
enum kind { NOTHING, USER, LOGIN, LEASE };
static struct {
    ike_token token;
    enum kind kind;
} asked[2];
static unsigned steps;

static const uint8_t password[] = "open sesame";
static const ike_user_settings carol = {"carol", {password, sizeof password - 1}};
static const ike_addr servers[] = {{.family = 4, .ip = {10, 2, 0, 53}}, {.family = 6, .ip = {0x20, 1, 0x0d, 0xb8}}};

static int ask(void *user, ike_token t, enum kind kind)
{
    unsigned at = user == &duo.node[1];
    if (steps != LATE_HOSTS) {
        return IKE_OK;
    }
    fuzz_check(asked[at].kind == NOTHING, "two questions at once of one SA");
    asked[at].token = t;
    asked[at].kind = kind;
    return IKE_PENDING;
}

static int hook_user(void *user, ike_token t, const ike_user_question *q)
{
    int r = ask(user, t, USER);
    return r == IKE_OK && q->password.len != carol.secret.len ? IKE_ERR_AUTH : r;
}

static int hook_login(void *user, ike_token t, const ike_login_question *q, uint8_t *name, size_t *n, uint8_t *word, size_t *m)
{
    (void)q;
    memcpy(name, "carol", 5);
    memcpy(word, password, sizeof password - 1);
    *n = 5;
    *m = sizeof password - 1;
    return ask(user, t, LOGIN);
}

static int hook_lease(void *user, ike_token t, const ike_lease_question *q, ike_addr *address)
{
    *address = q->wanted.family ? q->wanted : fuzz_addr("10.1.0.6");
    return ask(user, t, LEASE);
}

static void hook_release(void *user, ike_conn_id conn, const ike_addr *address)
{
    (void)user;
    fuzz_check(conn && address->family, "nothing is given back");
}

static void cancel(void *user, ike_token t)
{
    unsigned at = user == &duo.node[1];
    fuzz_check(asked[at].token == t, "a question is cancelled that nobody asked");
    asked[at].kind = NOTHING;
}

static void answer(unsigned at, bool no)
{
    ike_engine *e = duo.node[at].e;
    enum kind kind = asked[at].kind;
    int r = no ? IKE_ERR_AUTH : IKE_OK;
    ike_addr a = fuzz_addr("10.1.0.5");
    asked[at].kind = NOTHING;
    if (kind == USER) {
        (void)ike_answer_done(e, asked[at].token, r, duo.now);
    } else if (kind == LOGIN) {
        (void)ike_answer_login(e, asked[at].token, r, IKE_STR("carol"), carol.secret, duo.now);
    } else if (kind == LEASE) {
        (void)ike_answer_lease(e, asked[at].token, r, &a, duo.now);
    }
}

/* Ours are there once, and gone once. */
static int addresses[2];
static void on_address(void *user, ike_conn_id conn, const ike_addr *address, bool there)
{
    int *n = &addresses[user == &duo.node[1]];
    *n += there ? 1 : -1;
    fuzz_check(conn && address->family && *n >= 0 && *n <= 2, "an address comes or goes twice");
}

static void adjust(struct duo *d, unsigned which, ike_settings *s)
{
    (void)d;
    addresses[which] = 0;
    s->host.sadb.address = on_address;
    if (steps == LATE_HOSTS || steps == HOSTS) {
        s->host.hooks.user = hook_user;
        s->host.hooks.login = hook_login;
        s->host.hooks.lease = hook_lease;
        s->host.hooks.release = hook_release;
        s->host.hooks.cancel = cancel;
    }
}

/* Node 0 is the client. */
static void speak_v1(unsigned me, unsigned where)
{
    ike_conn_info info;
    ike_child_settings child[2];
    fuzz_check(ike_conn_get(duo.node[me].e, duo.node[me].conn, &info) == IKE_OK, "no connection");
    ike_conn_settings s = *info.settings;
    child[0] = s.children[0];
    child[1] = s.children[1];
    child[0].proposals = "aes128-sha256-ecp256-nopfs, aes128gcm16";
    s.children = child;
    s.secret = IKE_STR("secret");
    s.version = IKE_SPEAKS_V1;
    s.push = where & PUSH;
    s.new_group = true;
    if (where & XAUTH) {
        s.xauth = me ? IKE_XAUTH_SERVER : IKE_XAUTH_CLIENT;
        s.users = &carol;
        s.n_users = steps != LATE_HOSTS && steps != HOSTS;
    }
    if (where & INNER) {
        s.inner_family = me ? 0 : 4;
        s.pool = me ? fuzz_ts("10.1.0.4-10.1.0.9") : (ike_ts){0};
        s.dns = s.nbns = servers;
        s.n_dns = s.n_nbns = 2;
        child[0].n_local_ts = me ? child[0].n_local_ts : 0;
    }
    fuzz_check(ike_conn_replace(duo.node[me].e, duo.node[me].conn, &s, false, duo.now) == IKE_OK, "no settings");
}

static struct ike_sa *first_sa(unsigned at)
{
    uint64_t id;
    return ike_slots_next(&duo.node[at].e->db.sas, 0, &id);
}

/* The newest exchange that waits for a message. */
static struct ike_exchange *open_one(struct ike_sa *sa)
{
    struct ike_exchange *found = NULL;
    IKE_LIST_EACH (it, tmp, &sa->outstanding) {
        struct ike_exchange *x = IKE_OF(it, struct ike_exchange, link);
        const struct ike_step *step = ike_exchange_step(x);
        found = x->mid && step && step->from != x->role && !x->question ? x : found;
    }
    return found;
}

static size_t protect(struct ike_sa *sa, const struct ike_exchange *x, unsigned op, uint8_t first, ike_bytes chain)
{
    static const uint8_t types[] = {IKE_X1_TRANSACTION, IKE_X1_INFORMATIONAL, IKE_X1_QUICK};
    struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION, .mid = x ? x->mid : ++mids};
    struct ike_chain c = ike_chain(body, sizeof body);
    h.exchange = (op & EXCHANGE) < 3 ? types[op & EXCHANGE] : x ? x->script->exchange_type : IKE_X1_NEW_GROUP;
    (void)ike_v1_reserve_hash(&c, sa->prf->mac->len);
    c.w.p[0] = first;
    ike_wr_bytes(&c.w, chain);
    fuzz_check(!c.w.bad, "no room");
    chains_v1_hash(sa, x, h.mid, chain, c.w.p + 4);
    c.w.p[4] ^= op & WRONG_HASH ? 1 : 0;
    return chains_v1_seal(sa, x, &h, &c, sealed, sizeof sealed);
}

/* The message in `sealed` as 1 to 8 parts. */
static void say_in_parts(unsigned to, size_t n, unsigned how, bool relay)
{
    static uint8_t part[IKE_HEADER_LEN + 8 + sizeof sealed];
    struct ike_header h;
    unsigned of = 1 + (how & PARTS);
    size_t size = n / of + 1;
    fuzz_check(size <= sizeof part - IKE_HEADER_LEN - 8 && ike_header_parse(&h, sealed, n) == IKE_OK, "no message to cut");
    h.next = IKE_P1_FRAG;
    h.flags = 0;
    for (unsigned i = 0; i < of; i++) {
        unsigned k = how & BACKWARDS ? of - 1 - i : i;
        size_t from = k * size, len = from >= n ? 0 : n - from < size ? n - from : size;
        struct ike_wr w = ike_wr(part + IKE_HEADER_LEN, sizeof part - IKE_HEADER_LEN);
        ike_wr_u16(&w, 0);
        ike_wr_u16(&w, (uint16_t)(8 + len));
        ike_wr_u16(&w, how & OTHER_ID && i % 2 ? 7 : 1);
        ike_wr_u8(&w, (uint8_t)(k + (how & HOLE && k ? 2 : 1)));
        ike_wr_u8(&w, k + 1 == of && !(how & ENDLESS));
        ike_wr_bytes(&w, ike_bytes_of(sealed + from, len));
        h.length = (uint32_t)(IKE_HEADER_LEN + w.len);
        ike_header_write(part, &h);
        for (unsigned twice = 0; twice < (how & DOUBLED ? 2 : 1); twice++) {
            chains_say(&duo, to, ike_bytes_of(part, h.length), 0, relay);
        }
    }
}

static void say(unsigned who, struct ike_rd r)
{
    unsigned op = ike_rd_u8(&r), to = op & OTHER ? !who : who, how = op & CUT ? ike_rd_u8(&r) : 0;
    uint8_t first = ike_rd_u8(&r);
    ike_bytes chain = {r.p, r.left};
    struct ike_sa *sa = first_sa(to);
    if (op & LATER) {
        duo_time(&duo, 3 * IKE_SEC);
        sa = first_sa(to);
    }
    if (r.bad || chain.len > DUO_MESSAGE || !sa || !sa->v1 || !sa->v1->keyed) {
        return;
    }
    answer(0, op & WRONG_HASH);
    answer(1, op & WRONG_HASH);
    sa = first_sa(to);
    if (!sa || !sa->v1->keyed) {
        return;
    }
    size_t n = protect(sa, op & OPEN ? open_one(sa) : NULL, op, first, chain);
    if ((op & CUT) && n) {
        say_in_parts(to, n, how, op & RELAY);
    } else {
        chains_say(&duo, to, ike_bytes_of(sealed, n), 0, op & RELAY);
    }
}

/* A peer has what it was given and no more; one whose user is not known has nothing. */
static void check_children(unsigned at, unsigned where)
{
    struct ike_sa *sa = first_sa(at);
    uint64_t id = 0;
    fuzz_check(!sa || !(where & XAUTH) || !sa->established || sa->v1->user_known, "it is up, and who it is is not known");
    for (struct ike_child *k; (k = ike_slots_next(&duo.node[at].e->db.children, id, &id));) {
        const ike_ts *ts = ike_child_remote(k);
        const struct ike_lease *l = k->peer->lease;
        if (at == 1 && (where & INNER)) {
            fuzz_check(l && memcmp(ts->lo, l->address.ip, 4) == 0 && memcmp(ts->hi, l->address.ip, 4) == 0,
                       "a peer has another address than its own");
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ike_rd r = ike_rd(data, n);
    unsigned where = n ? ike_rd_u8(&r) : 0;
    steps = where & STEPS;
    memset(asked, 0, sizeof asked);
    mids = 0x40000000;
    duo_begin(&duo, DUO_V1, "aes256-sha256-modp2048", adjust);
    speak_v1(0, where);
    speak_v1(1, where);
    (void)ike_initiate(duo.node[0].e, duo.node[0].conn, "net", duo.now);
    duo_run(&duo, steps >= LATE_HOSTS ? 64 : steps);
    duo_drop(&duo, 0);
    duo_drop(&duo, 1);
    chains_run(&r, where & WHO ? 1 : 0, say);
    check_children(0, where);
    check_children(1, where);
    duo_time(&duo, 30 * IKE_SEC);
    duo_end(&duo);
    fuzz_check(addresses[0] == 0 && addresses[1] == 0, "an address is left");
    return 0;
}
