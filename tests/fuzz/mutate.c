/* SPDX-License-Identifier: ISC
 *
 * A mutator that knows payload chains. It takes one apart, changes an item or two, and puts it together with next payload
 * fields, counts and lengths that are right, so that the change gets as far as the code behind the first checks. Proposals,
 * transforms and traffic selectors have the shape of payloads (two octets, a length, a body) and are done by the same code.
 * Programs of fuzz_pair.c are done instruction by instruction.
 */
#include "fuzz.h"

#include "message/message.h"
#include "message/v1.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed);

enum shape { PAYLOADS, PROPOSALS, TRANSFORMS, SELECTORS };
enum { ITEMS = 64, ROOM = 1 << 15 };

struct item {
    uint8_t a, b; /* a payload: its own type and the octet with the critical bit */
    size_t n;
    uint8_t *body;
};
struct list {
    enum shape shape;
    unsigned n;
    struct item item[ITEMS];
};

static uint32_t state;
static struct {
    uint8_t p[4 * ROOM];
    size_t n;
} arena; /* bodies that were changed */

static unsigned pick(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (state >> 8) % n;
}

static bool chains(void) { return fuzz_layout == FUZZ_CHAINS || fuzz_layout == FUZZ_CHAINS_V1; }

static uint8_t *room(size_t n)
{
    uint8_t *p = arena.p + arena.n;
    if (n > sizeof arena.p - arena.n) {
        return NULL;
    }
    arena.n += n;
    return p;
}

/* As far as it is well-formed; the rest is left out. */
static void take_apart(struct list *l, enum shape shape, uint8_t first, uint8_t *p, size_t n)
{
    uint8_t type = first;
    l->shape = shape;
    for (l->n = 0; l->n < ITEMS && n >= 4 && (shape != PAYLOADS || type != 0); l->n++) {
        size_t len = ike_load16(p + 2);
        if (len < 4 || len > n) {
            break;
        }
        l->item[l->n] = (struct item){shape == PAYLOADS ? type : p[0], p[1], len - 4, p + 4};
        type = p[0];
        p += len;
        n -= len;
    }
}

/* Octets written; 0: no room. */
static size_t put_together(const struct list *l, uint8_t *out, size_t cap)
{
    size_t at = 0;
    for (unsigned i = 0; i < l->n; i++) {
        const struct item *x = &l->item[i];
        bool last = i + 1 == l->n;
        if (x->n + 4 > cap - at || x->n + 4 > UINT16_MAX) {
            return 0;
        }
        out[at] = l->shape == PAYLOADS     ? (last ? 0 : l->item[i + 1].a)
                  : l->shape == PROPOSALS  ? (last ? 0 : 2)
                  : l->shape == TRANSFORMS ? (last ? 0 : 3)
                                           : x->a;
        out[at + 1] = x->b;
        ike_store16(out + at + 2, (uint16_t)(x->n + 4));
        memcpy(out + at + 4, x->body, x->n);
        at += x->n + 4;
    }
    return at;
}

static void insert(struct list *l, unsigned at, struct item x)
{
    if (l->n < ITEMS) {
        memmove(&l->item[at + 1], &l->item[at], (l->n - at) * sizeof x);
        l->item[at] = x;
        l->n++;
    }
}

static void change(struct list *l);

/* The list within a body, behind its first `skip` octets; false: there is none. */
static bool change_within(struct item *x, enum shape shape, size_t skip)
{
    struct list inner;
    if (x->n < skip) {
        return false;
    }
    take_apart(&inner, shape, 0, x->body + skip, x->n - skip);
    if (inner.n == 0) {
        return false;
    }
    change(&inner);
    size_t most = x->n + 512;
    uint8_t *p = room(skip + most);
    if (p == NULL) {
        return false;
    }
    size_t n = put_together(&inner, p + skip, most);
    memcpy(p, x->body, skip);
    if (shape == TRANSFORMS && pick(16)) {
        p[3] = (uint8_t)inner.n;
    } else if (shape == SELECTORS && pick(16)) {
        p[0] = (uint8_t)inner.n;
    } else if (shape == PROPOSALS && fuzz_layout != FUZZ_CHAINS_V1 && pick(4)) {
        size_t at = skip;
        for (unsigned i = 0; i < inner.n && at + 4 < skip + n; i++) { /* numbered from 1 */
            p[at + 4] = (uint8_t)(i + 1);
            at += inner.item[i].n + 4;
        }
    }
    x->body = p;
    x->n = skip + n;
    return true;
}

static void change_body(struct list *l, struct item *x)
{
    if (pick(4)) {
        if (l->shape == PAYLOADS && x->a == IKE_P_SA && change_within(x, PROPOSALS, 0)) {
            return;
        }
        if (l->shape == PAYLOADS && x->a == IKE_P1_SA && change_within(x, PROPOSALS, 8)) { /* behind DOI and situation */
            return;
        }
        if (l->shape == PAYLOADS && (x->a == IKE_P_TSI || x->a == IKE_P_TSR) && change_within(x, SELECTORS, 4)) {
            return;
        }
        if (l->shape == PROPOSALS && x->n > 4 && change_within(x, TRANSFORMS, 4u + x->body[2])) {
            return;
        }
    }
    size_t most = x->n + (pick(4) ? 0 : 1 + pick(40));
    uint8_t *p = room(most ? most : 1);
    if (p && most) {
        memcpy(p, x->body, x->n);
        x->n = LLVMFuzzerMutate(p, x->n, most);
        x->body = p;
    }
}

/* The same of IKEv1. */
static struct item made_v1(void)
{
    static const uint16_t notes[] = {1, 14, 16, 17, 18, 24, 16384, 24576, 24577, 24578, 36136, 36137};
    static const uint8_t sa[] = {0,    0, 0, 1, 0,    0,  0, 1,  0,    0, 0,    44, 1,    3, 4,    1,  9, 9,
                                 9,    9, 0, 0, 0,    32, 1, 12, 0,    0, 0x80, 4,  0,    1, 0x80, 5,  0, 5,
                                 0x80, 6, 1, 0, 0x80, 3,  0, 19, 0x80, 1, 0,    1,  0x80, 2, 0,    100};
    static const uint8_t id[] = {4, 0, 0, 0, 10, 1, 0, 0, 255, 255, 0, 0};
    static const uint8_t types[] = {IKE_P1_SA,     IKE_P1_KE,     IKE_P1_ID,     IKE_P1_ID,     IKE_P1_HASH,  IKE_P1_NONCE,
                                    IKE_P1_NOTIFY, IKE_P1_NOTIFY, IKE_P1_DELETE, IKE_P1_VENDOR, IKE_P1_NAT_D, IKE_P1_NAT_OA};
    uint8_t type = types[pick(sizeof types)];
    struct item x = {.a = type, .n = 4 + pick(40), .body = room(80)};
    if (x.body == NULL) {
        return (struct item){.a = type, .body = arena.p};
    }
    memset(x.body, 0, 80);
    if (type == IKE_P1_SA) {
        memcpy(x.body, sa, sizeof sa);
        x.n = sizeof sa;
    } else if (type == IKE_P1_ID) {
        memcpy(x.body, id, sizeof id);
        x.body[5] = (uint8_t)(1 + pick(2));
        x.n = sizeof id;
    } else if (type == IKE_P1_NOTIFY || type == IKE_P1_DELETE) {
        bool isakmp = pick(2);
        x.body[3] = 1;
        x.body[4] = isakmp ? 1 : 3;
        x.body[5] = isakmp ? 16 : 4;
        ike_store16(x.body + 6, type == IKE_P1_DELETE ? 1 : notes[pick(sizeof notes / sizeof *notes)]);
        x.n = (isakmp ? 24 : 12) + (type == IKE_P1_NOTIFY && pick(2) ? 4 : 0);
    } else if (type == IKE_P1_HASH || type == IKE_P1_NAT_D) {
        x.n = pick(2) ? 32 : 20;
    } else if (type == IKE_P1_KE) {
        x.n = 64;
    } else if (type == IKE_P1_NONCE) {
        x.body[0] = (uint8_t)pick(256);
        x.n = 32;
    }
    return x;
}

/* A payload that is well-formed by itself, of a type that something is done with. */
static struct item made(void)
{
    if (fuzz_layout == FUZZ_CHAINS_V1) {
        return made_v1();
    }
    static const uint8_t types[] = {IKE_P_SA,     IKE_P_KE,     IKE_P_IDI, IKE_P_IDR, IKE_P_AUTH,   IKE_P_NONCE,
                                    IKE_P_NOTIFY, IKE_P_DELETE, IKE_P_TSI, IKE_P_TSR, IKE_P_VENDOR, IKE_P_CP};
    static const uint16_t notes[] = {7,  11, 14, 17,    24,    34,    35,    36,    37,    38,
                                     39, 43, 44, 16384, 16388, 16389, 16390, 16391, 16393, 16394};
    static const uint8_t sa[] = {0,    0,  0, 36,  1, 3, 4, 3, 9, 9, 9, 9,  3, 0, 0, 12, 1, 0, 0, 20,
                                 0x80, 14, 0, 128, 3, 0, 0, 8, 4, 0, 0, 31, 0, 0, 0, 8,  5, 0, 0, 0};
    static const uint8_t ts[] = {1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 1, 0, 0, 10, 1, 0xff, 0xff};
    uint8_t type = types[pick(sizeof types)];
    struct item x = {.a = type, .n = 4 + pick(40), .body = room(64)};
    if (x.body == NULL) {
        return (struct item){.a = type, .body = arena.p};
    }
    memset(x.body, 0, 64);
    if (type == IKE_P_SA) {
        memcpy(x.body, sa, sizeof sa);
        x.n = sizeof sa;
        x.body[3] = sizeof sa;
    } else if (type == IKE_P_TSI || type == IKE_P_TSR) {
        memcpy(x.body, ts, sizeof ts);
        x.n = sizeof ts;
        x.body[13] = (uint8_t)(1 + pick(2));
        x.body[17] = x.body[13];
    } else if (type == IKE_P_NOTIFY) {
        bool spi = pick(4) == 0;
        x.body[0] = spi ? 3 : 0;
        x.body[1] = spi ? 4 : 0;
        ike_store16(x.body + 2, notes[pick(sizeof notes / sizeof *notes)]);
        x.n = pick(2) ? (spi ? 8 : 4) : x.n;
    } else if (type == IKE_P_DELETE) {
        bool child = pick(2);
        x.body[0] = child ? 3 : 1;
        x.body[1] = child ? 4 : 0;
        x.body[3] = child ? 1 : 0;
        x.n = child ? 8 : 4;
    } else if (type == IKE_P_KE) {
        x.body[1] = 31;
        x.n = 36;
    } else if (type == IKE_P_NONCE) {
        x.n = 32;
    }
    return x;
}

static void change(struct list *l)
{
    unsigned at = l->n ? pick(l->n) : 0, to = l->n ? pick(l->n) : 0;
    struct item x = l->n ? l->item[at] : made();
    switch (l->n ? pick(12) : 0) {
    case 0:
        insert(l, to, l->shape == PAYLOADS ? made() : x);
        break;
    case 1:
        insert(l, to, x);
        break;
    case 2:
        memmove(&l->item[at], &l->item[at + 1], (--l->n - at) * sizeof x);
        break;
    case 3:
        l->item[at] = l->item[to];
        l->item[to] = x;
        break;
    case 4:
        l->item[at].a = (uint8_t)(pick(2) ? (fuzz_layout == FUZZ_CHAINS_V1 ? 1 : 33) + pick(22) : pick(256));
        break;
    case 5:
        l->item[at].b = (uint8_t)(pick(2) ? 0x80 : pick(256));
        break;
    default:
        change_body(l, &l->item[at]);
    }
}

/* A chain at p whose first type is *first, into out. */
static size_t change_chain(uint8_t *first, uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
    struct list l;
    take_apart(&l, PAYLOADS, *first, p, n);
    for (unsigned times = 1 + pick(3); times; times--) {
        change(&l);
    }
    *first = l.n ? l.item[0].a : 0;
    return put_together(&l, out, cap);
}

/* ---- Inputs ------------------------------------------------------------------------------------------------------------- */

/* One message into out: header and chain, or (chains) what to do, type, and chain. */
static size_t change_message(uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
    size_t head = chains() ? 2 : IKE_HEADER_LEN, first = chains() ? 1 : 16;
    if (n < head || cap < head) {
        memcpy(out, p, n < cap ? n : cap);
        return LLVMFuzzerMutate(out, n < cap ? n : cap, cap);
    }
    memcpy(out, p, head);
    if (pick(4) == 0) {
        uint8_t *x = &out[pick((unsigned)head)];
        *x = (uint8_t)(pick(2) ? *x ^ 1u << pick(8) : pick(256));
    }
    out[first] = p[first];
    n = head + change_chain(&out[first], p + head, n - head, out + head, cap - head);
    if (head == IKE_HEADER_LEN) {
        ike_store32(out + 24, (uint32_t)n);
    }
    return n;
}

/* One of the records behind the first `skip` octets is changed, doubled or left out. Octets in out. */
static size_t change_record(uint8_t *p, size_t n, size_t skip, uint8_t *out, size_t cap)
{
    size_t start[ITEMS + 1], count = 0, at = skip;
    for (; count < ITEMS && n - at > 2; count++) {
        size_t len = ike_load16(p + at), left = n - at - 2;
        start[count] = at;
        at += 2 + (len < left ? len : left);
    }
    start[count] = at;
    unsigned which = count ? pick((unsigned)count) : 0, how = count ? pick(12) : 12;
    size_t from = start[which], to = count ? start[which + 1] : at;
    memcpy(out, p, from);
    size_t len = 0;
    if (how == 0) {
        len = 0;
    } else if (how == 1 && from + 2 * (to - from) + (n - to) <= cap) {
        memcpy(out + from, p + from, to - from);
        memcpy(out + to, p + from, to - from);
        len = 2 * (to - from);
    } else {
        static uint8_t nothing[IKE_HEADER_LEN];
        size_t most = cap - from - (n - to);
        bool is_new = how == 12;
        if (most < 64) {
            return 0;
        }
        len = change_message(is_new ? nothing : p + from + 2, is_new ? 2 : to - from - 2, out + from + 2,
                             most - 2 < UINT16_MAX ? most - 2 : UINT16_MAX);
        ike_store16(out + from, (uint16_t)len);
        len += 2;
    }
    memcpy(out + from + len, p + to, n - to);
    return from + len + n - to;
}

/* Instructions come, go, are repeated or changed, and the others stay in step. */
static size_t change_program(uint8_t *p, size_t n, size_t max)
{
    size_t at = 2 * pick((unsigned)n / 2 + 1), len = 2 + 2 * pick(4), from = 2 * pick((unsigned)n / 2 + 1);
    unsigned how = pick(6);
    if (how < 2 && n + len <= max) {
        len = how && len > n - from ? n - from : len;
        uint8_t run[8] = {0};
        memcpy(run, p + from, how ? len : 0);
        for (size_t i = how ? len : 0; i < len; i += 2) {
            run[i] = (uint8_t)(pick(32) | pick(2) << 7);
            run[i + 1] = (uint8_t)pick(pick(2) ? 8 : 256);
        }
        memmove(p + at + len, p + at, n - at);
        memcpy(p + at, run, len);
        return n + len;
    }
    if (how == 2 && at + len < n) {
        memmove(p + at, p + at + len, n - at - len);
        return n - len;
    }
    if (n >= 2) {
        p[from < n ? from : 0] ^= (uint8_t)(how == 3 ? 0x80 : pick(32));
        p[at + 1 < n ? at + 1 : 1] = (uint8_t)pick(pick(2) ? 8 : 256);
    }
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t max, unsigned seed)
{
    static uint8_t out[ROOM];
    size_t cap = max < sizeof out ? max : sizeof out, skip = chains() ? 1 : 0, len;
    state = seed | 1;
    arena.n = 0;
    if (pick(5) == 0 || n < skip + 2 || n > cap) {
        return LLVMFuzzerMutate(data, n, max);
    }
    if (fuzz_layout == FUZZ_PROGRAM) {
        return change_program(data, n & ~(size_t)1, max);
    }
    if (fuzz_layout == FUZZ_MESSAGE) {
        len = change_message(data, n, out, cap);
    } else {
        len = change_record(data, n, skip, out, cap);
        if (len && skip && pick(8) == 0) {
            out[0] = (uint8_t)pick(256);
        }
    }
    if (len == 0) {
        return LLVMFuzzerMutate(data, n, max);
    }
    memcpy(data, out, len);
    return len;
}
