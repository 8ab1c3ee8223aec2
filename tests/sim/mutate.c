/* SPDX-License-Identifier: ISC
 *
 * A peer that means ill and knows the keys: its messages are opened, changed payload by payload and field by field, and sealed
 * again, so that they reach code that nobody reaches who cannot authenticate.
 */
#include "base/sabotage.h"
#include "message/message.h"
#include "message/seal.h"
#include "message/v1.h"
#include "sim.h"
#include <stdlib.h>
#include <string.h>

#define ITEMS 120
#define BODY  1200
#define CHAIN 16000

struct item {
    uint8_t type;
    bool critical;
    size_t len;
    int lie; /* added to the length in the generic header */
    uint8_t body[BODY];
};

struct chain {
    struct sim *s;
    struct sim_host *from;
    bool v1;
    unsigned n;
    struct item item[ITEMS];
    struct ike_header head;
};

static uint32_t below(struct chain *c, uint32_t n) { return sim_below(&c->s->rng, n); }

static void noise(struct chain *c, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(sim_draw(&c->s->rng) >> 56);
    }
}

/* ---- Taking apart and putting together ---------------------------------------------------------------------------------- */

static void take_apart(struct chain *c, uint8_t type, const uint8_t *p, size_t n)
{
    while (type && n >= 4 && c->n < ITEMS) {
        size_t len = (size_t)p[2] << 8 | p[3];
        struct item *it = &c->item[c->n];
        if (len < 4 || len > n || len - 4 > BODY) {
            return;
        }
        *it = (struct item){.type = type, .critical = p[1] >> 7, .len = len - 4};
        memcpy(it->body, p + 4, len - 4);
        c->n++;
        type = p[0];
        p += len;
        n -= len;
    }
}

static size_t put_together(const struct chain *c, uint8_t *out, size_t cap)
{
    size_t n = 0;
    for (unsigned i = 0; i < c->n && n + 4 + c->item[i].len <= cap; i++) {
        const struct item *it = &c->item[i];
        size_t len = (size_t)((long)it->len + 4 + it->lie);
        out[n] = i + 1 < c->n ? c->item[i + 1].type : 0;
        out[n + 1] = (uint8_t)(it->critical << 7);
        out[n + 2] = (uint8_t)(len >> 8);
        out[n + 3] = (uint8_t)len;
        memcpy(out + n + 4, it->body, it->len);
        n += 4 + it->len;
    }
    return n;
}

/* ---- Fields ------------------------------------------------------------------------------------------------------------- */

/* Where the fields of each payload's body are; of repeated parts those of the first two. */
static const struct field {
    uint8_t type, at, size;
} fields[] = {
    {IKE_P_SA, 0, 1},
    {IKE_P_SA, 2, 2},
    {IKE_P_SA, 4, 1},
    {IKE_P_SA, 5, 1},
    {IKE_P_SA, 6, 1},
    {IKE_P_SA, 7, 1},
    {IKE_P_SA, 8, 4},
    {IKE_P_SA, 12, 1},
    {IKE_P_SA, 14, 2},
    {IKE_P_SA, 16, 1},
    {IKE_P_SA, 18, 2},
    {IKE_P_SA, 20, 2},
    {IKE_P_SA, 22, 2},
    {IKE_P_SA, 24, 1},
    {IKE_P_SA, 26, 2},
    {IKE_P_KE, 0, 2},
    {IKE_P_KE, 2, 2},
    {IKE_P_KE, 4, 4},
    {IKE_P_IDI, 0, 1},
    {IKE_P_IDI, 4, 4},
    {IKE_P_IDR, 0, 1},
    {IKE_P_IDR, 4, 4},
    {IKE_P_AUTH, 0, 1},
    {IKE_P_AUTH, 4, 4},
    {IKE_P_NONCE, 0, 4},
    {IKE_P_NOTIFY, 0, 1},
    {IKE_P_NOTIFY, 1, 1},
    {IKE_P_NOTIFY, 2, 2},
    {IKE_P_NOTIFY, 4, 4},
    {IKE_P_DELETE, 0, 1},
    {IKE_P_DELETE, 1, 1},
    {IKE_P_DELETE, 2, 2},
    {IKE_P_DELETE, 4, 4},
    {IKE_P_TSI, 0, 1},
    {IKE_P_TSI, 4, 1},
    {IKE_P_TSI, 5, 1},
    {IKE_P_TSI, 6, 2},
    {IKE_P_TSI, 8, 2},
    {IKE_P_TSI, 10, 2},
    {IKE_P_TSI, 12, 4},
    {IKE_P_TSI, 16, 4},
    {IKE_P_TSR, 0, 1},
    {IKE_P_TSR, 4, 1},
    {IKE_P_TSR, 5, 1},
    {IKE_P_TSR, 6, 2},
    {IKE_P_TSR, 8, 2},
    {IKE_P_TSR, 10, 2},
    {IKE_P_TSR, 12, 4},
    {IKE_P_TSR, 16, 4},
    /* IKEv1: the SA payload of Quick Mode, whose SPI has four octets; in phase 1 the same places hold other fields. */
    {IKE_P1_SA, 0, 4},
    {IKE_P1_SA, 4, 4},
    {IKE_P1_SA, 8, 1},
    {IKE_P1_SA, 10, 2},
    {IKE_P1_SA, 12, 1},
    {IKE_P1_SA, 13, 1},
    {IKE_P1_SA, 14, 1},
    {IKE_P1_SA, 15, 1},
    {IKE_P1_SA, 16, 4},
    {IKE_P1_SA, 20, 1},
    {IKE_P1_SA, 22, 2},
    {IKE_P1_SA, 24, 1},
    {IKE_P1_SA, 25, 1},
    {IKE_P1_SA, 28, 2},
    {IKE_P1_SA, 30, 2},
    {IKE_P1_SA, 32, 2},
    {IKE_P1_SA, 34, 2},
    {IKE_P1_SA, 36, 2},
    {IKE_P1_SA, 38, 2},
    {IKE_P1_KE, 0, 4},
    {IKE_P1_KE, 4, 4},
    {IKE_P1_ID, 0, 1},
    {IKE_P1_ID, 1, 1},
    {IKE_P1_ID, 2, 2},
    {IKE_P1_ID, 4, 4},
    {IKE_P1_ID, 8, 4},
    {IKE_P1_HASH, 0, 4},
    {IKE_P1_NONCE, 0, 4},
    {IKE_P1_NOTIFY, 0, 4},
    {IKE_P1_NOTIFY, 4, 1},
    {IKE_P1_NOTIFY, 5, 1},
    {IKE_P1_NOTIFY, 6, 2},
    {IKE_P1_NOTIFY, 8, 4},
    {IKE_P1_NOTIFY, 24, 4},
    {IKE_P1_DELETE, 0, 4},
    {IKE_P1_DELETE, 4, 1},
    {IKE_P1_DELETE, 5, 1},
    {IKE_P1_DELETE, 6, 2},
    {IKE_P1_DELETE, 8, 4},
    {IKE_P1_VENDOR, 0, 4},
    {IKE_P1_NAT_D, 0, 4},
};

/* An SPI that some kernel has given out: it may be anybody's. */
static uint32_t some_spi(struct chain *c)
{
    const struct sim_host *h = c->s->host[below(c, c->s->hosts)];
    uint32_t spi = (uint32_t)sim_draw(&c->s->rng);
    for (const struct sim_ksa *k = h->kernel.list; k; k = k->next) {
        if (below(c, 2)) {
            spi = k->spi;
        }
    }
    return spi;
}

static void change_field(struct chain *c, struct item *it)
{
    const struct field *f = NULL;
    unsigned seen = 0;
    for (size_t i = 0; i < SIM_COUNT(fields); i++) {
        if (fields[i].type == it->type && (size_t)fields[i].at + fields[i].size <= it->len && below(c, ++seen) == 0) {
            f = &fields[i];
        }
    }
    if (!f) {
        return;
    }
    uint32_t v = 0;
    for (unsigned i = 0; i < f->size; i++) {
        v = v << 8 | it->body[f->at + i];
    }
    const uint32_t values[] = {0, 1, UINT32_MAX, v + 1, v - 1, v ^ 1, (uint32_t)sim_draw(&c->s->rng), some_spi(c), below(c, 64)};
    v = values[below(c, SIM_COUNT(values))];
    for (unsigned i = 0; i < f->size; i++) {
        it->body[f->at + i] = (uint8_t)(v >> 8 * (f->size - 1 - i));
    }
}

/* ---- Mutations: of one payload, or of the chain -------------------------------------------------------------------------- */

static struct item *insert(struct chain *c, unsigned at)
{
    if (c->n == ITEMS) {
        return NULL;
    }
    memmove(&c->item[at + 1], &c->item[at], (c->n - at) * sizeof c->item[0]);
    c->n++;
    c->item[at] = (struct item){.type = 0};
    return &c->item[at];
}

static void put32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static void add_notify_v1(struct chain *c, unsigned at)
{
    static const uint16_t types[] = {
        IKE_N1_INVALID_COOKIE,         IKE_N1_NO_PROPOSAL_CHOSEN,    IKE_N1_PAYLOAD_MALFORMED, IKE_N1_INVALID_SPI,
        IKE_N1_INVALID_ID_INFORMATION, IKE_N1_AUTHENTICATION_FAILED, IKE_N1_CONNECTED,         IKE_N1_RESPONDER_LIFETIME,
        IKE_N1_REPLAY_STATUS,          IKE_N1_INITIAL_CONTACT,       IKE_N1_R_U_THERE,         IKE_N1_R_U_THERE_ACK};
    struct item *it = insert(c, at);
    if (it) {
        bool isakmp = below(c, 2);
        it->type = IKE_P1_NOTIFY;
        put32(it->body, IKE_V1_DOI_IPSEC);
        it->body[4] = isakmp ? IKE_PROTO1_ISAKMP : IKE_PROTO1_ESP;
        it->body[5] = isakmp ? 16 : 4;
        put32(it->body + 6, (uint32_t)types[below(c, SIM_COUNT(types))] << 16);
        put32(it->body + 8, some_spi(c));
        it->len = 8u + it->body[5] + (below(c, 2) ? 4 : 0);
    }
}

static void add_notify(struct chain *c, unsigned at)
{
    if (c->v1) {
        add_notify_v1(c, at);
        return;
    }
    static const uint16_t types[] = {
        IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD,
        IKE_N_INVALID_IKE_SPI,
        IKE_N_INVALID_SYNTAX,
        IKE_N_INVALID_MESSAGE_ID,
        IKE_N_INVALID_SPI,
        IKE_N_NO_PROPOSAL_CHOSEN,
        IKE_N_INVALID_KE_PAYLOAD,
        IKE_N_AUTHENTICATION_FAILED,
        IKE_N_SINGLE_PAIR_REQUIRED,
        IKE_N_NO_ADDITIONAL_SAS,
        IKE_N_TS_UNACCEPTABLE,
        IKE_N_INVALID_SELECTORS,
        IKE_N_TEMPORARY_FAILURE,
        IKE_N_CHILD_SA_NOT_FOUND,
        IKE_N_INITIAL_CONTACT,
        IKE_N_SET_WINDOW_SIZE,
        IKE_N_COOKIE,
        IKE_N_USE_TRANSPORT_MODE,
        IKE_N_REKEY_SA,
        IKE_N_NAT_DETECTION_SOURCE_IP,
    };
    struct item *it = insert(c, at);
    if (it) {
        uint16_t type = types[below(c, SIM_COUNT(types))];
        bool spi = below(c, 2);
        it->type = IKE_P_NOTIFY;
        it->body[0] = spi ? IKE_PROTO_ESP : 0;
        it->body[1] = spi ? 4 : 0;
        it->body[2] = (uint8_t)(type >> 8);
        it->body[3] = (uint8_t)type;
        put32(it->body + 4, some_spi(c));
        it->len = spi ? 8 : 4;
        if (below(c, 3) == 0) {
            noise(c, it->body + it->len, 2);
            it->len += 2;
        }
    }
}

static void add_delete(struct chain *c, unsigned at)
{
    struct item *it = insert(c, at);
    if (it) {
        unsigned count = below(c, 4) ? below(c, 4) : below(c, 200), head = c->v1 ? 4 : 0;
        it->type = c->v1 ? IKE_P1_DELETE : IKE_P_DELETE;
        put32(it->body, c->v1 ? IKE_V1_DOI_IPSEC : 0);          /* where the protocol is in IKEv2 */
        it->body[head] = count ? IKE_PROTO_ESP : IKE_PROTO_IKE; /* the numbers are the same */
        it->body[head + 1] = count ? 4 : 0;
        it->body[head + 3] = (uint8_t)count;
        for (unsigned i = 0; i < count; i++) {
            put32(it->body + head + 4 + 4 * i, some_spi(c));
        }
        it->len = head + 4 + 4 * count;
    }
}

static void repeat(struct chain *c, unsigned at)
{
    for (uint32_t n = below(c, 4) ? 1 : below(c, ITEMS); n && c->n < ITEMS; n--) {
        struct item *it = insert(c, at);
        if (it) {
            *it = c->item[at + 1];
        }
    }
}

static void change_body(struct chain *c, struct item *it)
{
    switch (below(c, 5)) {
    case 0:
        it->len = below(c, (uint32_t)it->len + 1);
        break;
    case 1: {
        size_t more = 1 + below(c, below(c, 4) ? 8 : 600);
        more = it->len + more < BODY ? more : BODY - it->len;
        noise(c, it->body + it->len, more);
        it->len += more;
        break;
    }
    case 2:
        noise(c, it->body, it->len);
        break;
    case 3:
        memset(it->body, below(c, 2) ? 0xff : 0, it->len);
        break;
    default:
        if (it->len) {
            it->body[below(c, (uint32_t)it->len)] ^= (uint8_t)(1u << below(c, 8));
        }
    }
}

static void change_header(struct chain *c)
{
    static const uint8_t exchanges[] = {IKE_X_SA_INIT, IKE_X_AUTH, IKE_X_CREATE_CHILD_SA, IKE_X_INFORMATIONAL, 38, 43};
    switch (below(c, 4)) {
    case 0:
        c->head.exchange = exchanges[below(c, SIM_COUNT(exchanges))];
        break;
    case 1:
        c->head.mid += below(c, 3) - 1;
        break;
    case 2:
        c->head.flags ^= (uint8_t)(below(c, 2) ? IKE_FLAG_RESPONSE : 1u << below(c, 8));
        break;
    default:
        c->head.version ^= (uint8_t)(1u << below(c, 6));
    }
}

static void mutate_once(struct chain *c)
{
    static const uint8_t types[] = {IKE_P_SA,      IKE_P_KE,   IKE_P_IDI,   IKE_P_IDR,    IKE_P_CERT,
                                    IKE_P_CERTREQ, IKE_P_AUTH, IKE_P_NONCE, IKE_P_NOTIFY, IKE_P_DELETE,
                                    IKE_P_TSI,     IKE_P_TSR,  IKE_P_SK,    IKE_P_CP,     IKE_P_VENDOR,
                                    IKE_P_EAP,     IKE_P_SKF,  0,           60,           200};
    static const uint8_t types_v1[] = {IKE_P1_SA,
                                       IKE_P1_KE,
                                       IKE_P1_ID,
                                       IKE_P1_CERT,
                                       IKE_P1_CR,
                                       IKE_P1_HASH,
                                       IKE_P1_SIG,
                                       IKE_P1_NONCE,
                                       IKE_P1_NOTIFY,
                                       IKE_P1_DELETE,
                                       IKE_P1_VENDOR,
                                       IKE_P1_ATTR,
                                       IKE_P1_NAT_D,
                                       IKE_P1_NAT_OA,
                                       IKE_P1_FRAG,
                                       0,
                                       60,
                                       200};
    uint32_t what = below(c, c->v1 ? 97 : 100); /* the header of IKEv1 is out of reach here */
    unsigned at = c->n ? below(c, c->n) : 0;
    if (what < 12 || c->n == 0) {
        add_notify(c, c->n ? below(c, c->n + 1) : 0);
    } else if (what < 20) {
        add_delete(c, below(c, c->n + 1));
    } else if (what < 55) {
        change_field(c, &c->item[at]);
    } else if (what < 70) {
        change_body(c, &c->item[at]);
    } else if (what < 76) { /* left out */
        memmove(&c->item[at], &c->item[at + 1], (--c->n - at) * sizeof c->item[0]);
    } else if (what < 82) {
        repeat(c, at);
    } else if (what < 86) {
        struct item one = c->item[at];
        unsigned other = below(c, c->n);
        c->item[at] = c->item[other];
        c->item[other] = one;
    } else if (what < 91) {
        c->item[at].type = c->v1 ? types_v1[below(c, SIM_COUNT(types_v1))] : types[below(c, SIM_COUNT(types))];
    } else if (what < 94) {
        c->item[at].critical = !c->item[at].critical;
    } else if (what < 97) {
        c->item[at].lie = (int)below(c, 9) - 4;
    } else {
        change_header(c);
    }
}

/* ---- The whole message --------------------------------------------------------------------------------------------------- */

static bool open_message(struct chain *c, const struct sim_msg *m, const struct ike_seal *seal)
{
    struct ike_message *parsed = sim_alloc(sizeof *parsed);
    bool ok = ike_message_parse(parsed, m->bytes, m->len) == IKE_OK;
    c->head = parsed->h;
    if (ok && parsed->sk_at) {
        uint8_t *plain = sim_alloc(m->len);
        void *scratch = seal ? sim_alloc(ike_seal_scratch(seal)) : NULL;
        size_t n;
        ok = seal && ike_open(seal, parsed, scratch, plain, m->len, &n) == IKE_OK;
        if (ok) {
            take_apart(c, parsed->sk_next, plain, n);
        }
        free(plain);
        free(scratch);
    } else if (ok) {
        take_apart(c, parsed->h.next, m->bytes + IKE_HEADER_LEN, m->len - IKE_HEADER_LEN);
    }
    free(parsed);
    return ok;
}

static size_t seal_message(struct chain *c, const struct ike_seal *seal, const uint8_t *inner, size_t n, uint8_t *out, size_t cap)
{
    uint8_t first = c->n ? c->item[0].type : 0, iv[IKE_IV_MAX];
    size_t len = 0;
    if (!seal) {
        c->head.next = first;
        c->head.length = (uint32_t)(IKE_HEADER_LEN + n);
        ike_header_write(out, &c->head);
        memcpy(out + IKE_HEADER_LEN, inner, n);
        return IKE_HEADER_LEN + n;
    }
    noise(c, iv, sizeof iv);
    iv[0] |= 0x80; /* far from an engine's counter */
    void *scratch = sim_alloc(ike_seal_scratch(seal));
    int r = ike_seal(seal, &c->head, first, inner, n, iv, scratch, out, cap, &len);
    free(scratch);
    return r == IKE_OK ? len : 0;
}

/* Of IKEv1 the header only: the rest is done where it is built. */
static struct sim_msg *mutate_header(struct sim *s, const struct sim_msg *m)
{
    static const uint8_t exchanges[] = {IKE_X1_BASE,          IKE_X1_MAIN,        IKE_X1_AGGRESSIVE,
                                        IKE_X1_INFORMATIONAL, IKE_X1_TRANSACTION, IKE_X1_QUICK};
    uint8_t *bytes = memcpy(sim_alloc(m->len), m->bytes, m->len);
    switch (sim_below(&s->rng, 4)) {
    case 0:
        bytes[18] = exchanges[sim_below(&s->rng, SIM_COUNT(exchanges))];
        break;
    case 1:
        bytes[19] ^= (uint8_t)(1u << sim_below(&s->rng, 8));
        break;
    case 2:
        bytes[20 + sim_below(&s->rng, 4)] ^= (uint8_t)(1u << sim_below(&s->rng, 8));
        break;
    default:
        bytes[sim_below(&s->rng, 28)] ^= (uint8_t)(1u << sim_below(&s->rng, 8));
    }
    struct sim_msg *f = sim_forged(s, m, bytes, m->len);
    f->text = sim_strdup("mutated header");
    free(bytes);
    s->stat[SIM_STAT_MUTATED]++;
    return f;
}

struct sim_msg *sim_mutate(struct sim *s, const struct sim_msg *m)
{
    if (m->len > IKE_HEADER_LEN && m->bytes[17] >> 4 == 1) {
        return sim_below(&s->rng, 8) ? NULL : mutate_header(s, m);
    }
    struct ike_seal keys, *seal = m->exchange != IKE_X_SA_INIT && sim_seal_keys(s, m, &keys) ? &keys : NULL;
    struct chain *c = sim_alloc(sizeof *c);
    uint8_t *inner = sim_alloc(CHAIN), *out = sim_alloc(CHAIN + 200);
    struct sim_msg *f = NULL;
    c->s = s;
    c->from = m->from;
    if (open_message(c, m, seal)) {
        for (uint32_t i = 1 + below(c, 3); i; i--) {
            mutate_once(c);
        }
        size_t n = put_together(c, inner, CHAIN), len = seal_message(c, seal, inner, n, out, CHAIN + 200);
        f = len ? sim_forged(s, m, out, len) : NULL;
    }
    if (f) {
        struct sim_text t = {0};
        uint64_t nonce;
        c->head.next = c->n ? c->item[0].type : 0;
        c->head.length = (uint32_t)(IKE_HEADER_LEN + put_together(c, out + IKE_HEADER_LEN, CHAIN));
        ike_header_write(out, &c->head);
        char *text = sim_describe(s, out, c->head.length, &nonce);
        sim_textf(&t, "mutated %s", text);
        free(text);
        f->text = t.at;
        s->stat[SIM_STAT_MUTATED]++;
        sim_trace(s, m->from, "   becomes %s", f->text);
    }
    free(c);
    free(inner);
    free(out);
    return f;
}

/* ---- IKEv1: before the engine itself hashes and encrypts ------------------------------------------------------------------ */

int ike_witness_chain(void *user, struct ike_chain *built, size_t fixed)
{
    struct sim_host *h = user;
    struct sim *s = h->sim;
    if (built->w.bad || !h->byzantine || sim_below(&s->rng, 1000) >= h->byzantine) {
        return 0;
    }
    struct chain *c = sim_alloc(sizeof *c);
    uint8_t *first = fixed ? &built->w.p[0] : &built->first; /* the Next field of the HASH, or the header's */
    c->s = s;
    c->from = h;
    c->v1 = true;
    take_apart(c, *first, built->w.p + fixed, built->w.len - fixed);
    for (uint32_t i = 1 + below(c, 3); i; i--) {
        mutate_once(c);
    }
    built->w.len = fixed + put_together(c, built->w.p + fixed, built->w.cap - fixed);
    *first = c->n ? c->item[0].type : 0;
    s->stat[SIM_STAT_MUTATED]++;
    sim_trace(s, h, "   mutates what comes next");
    free(c);
    return 0;
}
