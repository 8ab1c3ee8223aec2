/* SPDX-License-Identifier: ISC
 *
 * Opening messages of version 1 (RFC 2409 appendix B). A key alone is not enough: the first IV is made of both public values and
 * each later one of a message that came before, so what was heard of an SA is kept. Nothing inside can be checked without
 * SKEYID_a. A chain of payloads that makes sense tells the right IV from a wrong one, and only then the message is taken into
 * its chain.
 */
#include "keys/v1.h"
#include "message/v1.h"
#include "proposal/v1_map.h"
#include "trace/decode.h"

#define GENERIC_LEN 4
enum { SAS_MAX = 256, PHASE1_MAX = 8, PHASE2_MAX = 256, BLOCK_MAX = 16 };

/* A message that was opened. Record 0 of phase 1 is none: its `last` is the first IV. */
struct opened {
    uint32_t mid, len;
    uint8_t iv[BLOCK_MAX], last[BLOCK_MAX];
};

struct sa {
    struct sa *older;
    uint64_t cky_i, cky_r; /* cky_r 0: all there is is the first message of Aggressive Mode */
    uint16_t encr, hash;   /* of IKEv2, of RFC 7427; 0: not heard, or no such number */
    uint16_t n_public;     /* octets in g_xi */
    uint16_t n_phase1;     /* 0: public values are missing yet */
    uint32_t n_phase2;     /* ever; the newest are kept, in a ring */
    struct opened phase1[PHASE1_MAX], phase2[PHASE2_MAX];
    uint8_t g_xi[IKE_KE_MAX];
};

struct ike_trace_chains {
    ike_allocator mem;
    struct sa *newest;
    unsigned n;
};

ike_trace_chains *ike_trace_chains_new(const ike_allocator *mem)
{
    ike_trace_chains *c = mem->alloc(mem->user, sizeof *c);
    if (c) {
        *c = (ike_trace_chains){.mem = *mem};
    }
    return c;
}

/* Nothing here is secret, but a host may expect of memory of this library that it comes back wiped. */
static void give_back(const ike_allocator *mem, void *p, size_t n)
{
    ike_wipe(p, n);
    mem->release(mem->user, p, n);
}

void ike_trace_chains_free(ike_trace_chains *c)
{
    if (c == NULL) {
        return;
    }
    const ike_allocator mem = c->mem;
    while (c->newest) {
        struct sa *s = c->newest;
        c->newest = s->older;
        give_back(&mem, s, sizeof *s);
    }
    give_back(&mem, c, sizeof *c);
}

/* ---- What is heard in clear ---- */

static struct sa *find(const ike_trace_chains *c, uint64_t cky_i, uint64_t cky_r)
{
    struct sa *s = c->newest;
    while (s && (s->cky_i != cky_i || s->cky_r != cky_r)) {
        s = s->older;
    }
    return s;
}

/* Whoever made the capture decides how many SAs there are in it; the oldest are forgotten. */
static void forget_oldest(ike_trace_chains *c)
{
    struct sa **at = &c->newest;
    while ((*at)->older) {
        at = &(*at)->older;
    }
    give_back(&c->mem, *at, sizeof **at);
    *at = NULL;
    c->n--;
}

static struct sa *find_or_make(ike_trace_chains *c, uint64_t cky_i, uint64_t cky_r)
{
    struct sa *s = find(c, cky_i, cky_r);
    if (s || (s = c->mem.alloc(c->mem.user, sizeof *s)) == NULL) {
        return s;
    }
    memset(s, 0, sizeof *s);
    s->cky_i = cky_i;
    s->cky_r = cky_r;
    s->older = c->newest;
    c->newest = s;
    if (++c->n > SAS_MAX) {
        forget_oldest(c);
    }
    return s;
}

/* The one transform of the answer. What is cut short has no attributes. */
static void hear_sa(struct sa *s, const struct ike_payload *p)
{
    static const uint16_t hashes[] = {0, IKE_HASH_MD5, 1, 0, 2, 3, 4};
    struct ike_rd r = ike_rd(p->body, p->len);
    struct ike_v1_attr a;
    uint64_t v;
    ike_rd_take(&r, 8 + GENERIC_LEN + 2); /* DOI, situation; the proposal's header, number and protocol */
    const uint8_t spi_len = ike_rd_u8(&r);
    ike_rd_take(&r, 1u + spi_len + GENERIC_LEN + 4); /* the transform's header, number, id */
    while (ike_v1_attr_next(&r, &a)) {
        if (a.type == IKE_A1_ENCR && ike_v1_attr_uint(&a, &v)) {
            s->encr = v <= UINT16_MAX ? ike_v1_meaning(IKE_M1_ENCR, (uint16_t)v) : 0;
        } else if (a.type == IKE_A1_HASH && ike_v1_attr_uint(&a, &v)) {
            s->hash = v < IKE_COUNT(hashes) ? hashes[v] : 0;
        }
    }
}

static const ike_hash *find_hash(const ike_decoder *d, uint16_t id)
{
    const ike_hash *h = NULL;
    for (size_t i = 0; d->crypto && d->crypto[i] && h == NULL; i++) {
        h = ike_find_hash(d->crypto[i], id);
    }
    return h;
}

/* Both public values are there: the first IV. */
static int make_iv(const ike_decoder *d, struct sa *s, ike_bytes g_xr)
{
    const ike_hash *hash = find_hash(d, s->hash);
    if (hash == NULL) {
        return IKE_OK; /* said when there is something to open */
    }
    const ike_allocator *mem = &d->chains->mem;
    void *ctx = mem->alloc(mem->user, hash->ctx_size);
    if (ctx == NULL) {
        return IKE_ERR_NOMEM;
    }
    ike_v1_iv(hash, ctx, ike_bytes_of(s->g_xi, s->n_public), g_xr, s->phase1[0].last, BLOCK_MAX);
    s->n_phase1 = 1;
    mem->release(mem->user, ctx, hash->ctx_size);
    return IKE_OK;
}

/* The value heard first is the initiator's. It may be repeated before the other one comes. */
static int hear_ke(const ike_decoder *d, struct sa *s, bool aggressive, ike_bytes ke)
{
    const struct sa *began = aggressive && s->cky_r != 0 ? find(d->chains, s->cky_i, 0) : NULL;
    if (began && s->n_public == 0) {
        memcpy(s->g_xi, began->g_xi, began->n_public);
        s->n_public = began->n_public;
    }
    if (s->n_public == 0 || s->cky_r == 0) {
        s->n_public = (uint16_t)(ke.len <= sizeof s->g_xi ? ke.len : 0);
        memcpy(s->g_xi, ke.ptr, s->n_public);
        return IKE_OK;
    }
    return ike_bytes_equal(ke, ike_bytes_of(s->g_xi, s->n_public)) && !began ? IKE_OK : make_iv(d, s, ke);
}

int ike_trace_hear(const ike_decoder *d, const uint8_t *msg, size_t len)
{
    struct ike_message m;
    if (ike_message_parse(&m, msg, len) != IKE_OK || m.h.mid != 0) {
        return IKE_OK;
    }
    const bool aggressive = m.h.exchange == IKE_X1_AGGRESSIVE;
    const struct ike_payload *sa = ike_message_find(&m, IKE_P1_SA, 0), *ke = ike_message_find(&m, IKE_P1_KE, 0);
    if ((!aggressive && (m.h.exchange != IKE_X1_MAIN || m.h.spi_r == 0)) || (sa == NULL && ke == NULL)) {
        return IKE_OK;
    }
    struct sa *s = find_or_make(d->chains, m.h.spi_i, m.h.spi_r);
    if (s == NULL) {
        return IKE_ERR_NOMEM;
    }
    /* An SA that has begun is not changed by what anybody sends in clear. */
    if (s->n_phase1 != 0) {
        return IKE_OK;
    }
    if (sa && s->cky_r != 0) {
        hear_sa(s, sa);
    }
    return ke ? hear_ke(d, s, aggressive, ike_bytes_of(ke->body, ke->len)) : IKE_OK;
}

/* ---- Opening ---- */

struct attempt {
    const ike_encr *encr;
    const ike_hash *hash;
    ike_bytes key;
    const uint8_t *msg;
    size_t len;
    void *ctx;    /* as ike_trace_chains_scratch says */
    uint8_t *out; /* the text; len octets of room */
    size_t n;     /* of them payloads; behind is padding */
};

static const ike_encr *find_encr(const ike_decoder *d, uint16_t id)
{
    const ike_encr *e = NULL;
    for (size_t i = 0; d->crypto && d->crypto[i] && e == NULL; i++) {
        e = ike_find_encr(d->crypto[i], id);
    }
    return e && !e->aead && e->block == e->iv_len && e->block <= BLOCK_MAX ? e : NULL;
}

/* A wrong IV spoils the first block, where the first payload's RESERVED and length are. */
static bool makes_sense(struct attempt *t)
{
    const size_t n = t->len - IKE_HEADER_LEN;
    uint8_t next = t->msg[16];
    t->n = 0;
    while (next != IKE_P_NONE) {
        if (n - t->n < GENERIC_LEN || t->out[t->n + 1] != 0) {
            return false;
        }
        const size_t len = ike_load16(t->out + t->n + 2);
        if (len < GENERIC_LEN || len > n - t->n) {
            return false;
        }
        next = t->out[t->n];
        t->n += len;
    }
    return t->n != 0;
}

static int open_with(struct attempt *t, const uint8_t *iv)
{
    const size_t n = t->len - IKE_HEADER_LEN;
    memcpy(t->out, t->msg + IKE_HEADER_LEN, n);
    int rc = t->encr->init(t->ctx, t->key.ptr, t->key.len, false);
    if (rc == IKE_OK) {
        rc = t->encr->open(t->ctx, iv, NULL, 0, t->out, n, NULL);
        t->encr->clear(t->ctx);
    }
    return rc == IKE_OK && makes_sense(t) ? IKE_OK : IKE_ERR_CRYPTO;
}

/* The i-th newest record of the message id's phase; NULL: there is none. */
static struct opened *newest(struct sa *s, uint32_t mid, unsigned i)
{
    if (mid == 0) {
        return i < s->n_phase1 ? &s->phase1[s->n_phase1 - 1 - i] : NULL;
    }
    return i < s->n_phase2 && i < PHASE2_MAX ? &s->phase2[(s->n_phase2 - 1 - i) % PHASE2_MAX] : NULL;
}

static struct opened *new_record(struct sa *s, uint32_t mid)
{
    if (mid != 0) {
        return &s->phase2[s->n_phase2++ % PHASE2_MAX];
    }
    if (s->n_phase1 == PHASE1_MAX) { /* the first IV stays, and the newest */
        memmove(&s->phase1[1], &s->phase1[2], (PHASE1_MAX - 2) * sizeof s->phase1[0]);
        s->n_phase1--;
    }
    return &s->phase1[s->n_phase1++];
}

/* A repeated message is opened as it was the first time. Else the IV is the last block of one before it in the same exchange, and
 * of none but phase 1 where there is none: mostly of the newest, but that one may have been lost on its way. */
static int open_in(struct sa *s, struct attempt *t, uint32_t mid)
{
    const size_t block = t->encr->block;
    const uint8_t *last = t->msg + t->len - block;
    bool followed = false;
    uint8_t iv[BLOCK_MAX];
    struct opened *o;
    int rc = IKE_ERR_CRYPTO;
    for (unsigned i = 0; (o = newest(s, mid, i)) != NULL; i++) {
        if (o->mid == mid && o->len == t->len && memcmp(o->last, last, block) == 0) {
            return open_with(t, o->iv);
        }
    }
    for (unsigned i = 0; rc != IKE_OK && (o = newest(s, mid, i)) != NULL; i++) {
        if (o->mid == mid) {
            followed = true;
            memcpy(iv, o->last, block);
            rc = open_with(t, iv);
        }
    }
    for (unsigned i = 0; rc != IKE_OK && !followed && (o = newest(s, 0, i)) != NULL; i++) {
        ike_v1_iv_next(t->hash, t->ctx, ike_bytes_of(o->last, block), mid, iv, block);
        rc = open_with(t, iv);
    }
    if (rc == IKE_OK) {
        o = new_record(s, mid);
        *o = (struct opened){.mid = mid, .len = (uint32_t)t->len};
        memcpy(o->iv, iv, block);
        memcpy(o->last, last, block);
    }
    return rc;
}

static struct attempt attempt(const ike_decoder *d, const struct sa *s)
{
    return (struct attempt){.encr = find_encr(d, s->encr), .hash = find_hash(d, s->hash)};
}

size_t ike_trace_chains_scratch(const ike_decoder *d, const struct ike_header *h, const char **why)
{
    const struct sa *s = d->chains ? find(d->chains, h->spi_i, h->spi_r) : NULL;
    *why = "not decrypted: how its SA began is not known";
    if (s == NULL || s->encr == 0 || s->hash == 0) {
        return 0;
    }
    const struct attempt t = attempt(d, s);
    if (t.encr == NULL || t.hash == NULL) {
        *why = "not decrypted: the cipher or the hash of its SA is not available";
        return 0;
    }
    const size_t n = t.encr->ctx_size > t.hash->ctx_size ? t.encr->ctx_size : t.hash->ctx_size;
    return s->n_phase1 ? (n + 15) & ~(size_t)15 : 0;
}

int ike_trace_chains_open(const ike_decoder *d, const ike_trace_keys *k, const struct ike_header *h, const uint8_t *msg,
                          size_t len, void *scratch, uint8_t *out, size_t *n)
{
    struct sa *s = find(d->chains, h->spi_i, h->spi_r);
    struct attempt t = attempt(d, s);
    t.key = ike_bytes_of(k->sk_ei, k->sk_e_len);
    t.msg = msg;
    t.len = len;
    t.ctx = scratch;
    t.out = out;
    if (len <= IKE_HEADER_LEN || (len - IKE_HEADER_LEN) % t.encr->block != 0) {
        return IKE_ERR_PROTO;
    }
    const int rc = open_in(s, &t, h->mid);
    *n = t.n;
    return rc;
}
