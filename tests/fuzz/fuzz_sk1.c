/* SPDX-License-Identifier: ISC
 *
 * The same as fuzz_sk.c for IKEv1: an engine in the middle of phase 1, or with an IKE SA, and a peer that means ill: payloads as
 * they come, encrypted with the right key and IV and with the right hash in front, or proof at the end.
 *
 * The first octet says where two engines have got to, in which mode, through what, and which of them is spoken to. Then come
 * messages: [length of the rest, 2 octets] [what to do] [type of the first payload] [payload chain].
 */
#include "chains.h"

#include "exchange/v1/v1.h"

/* The octet before each chain: what the message is. */
enum {
    FRESH = 0x01,    /* of an exchange of its own, though one is open that waits for the peer */
    EXCHANGE = 0x06, /* 0: the one that fits; else Quick Mode, Informational or phase 1's other mode */
    BARE = 0x08,     /* no hash in front, no proof: the chain is all there is */
    AGAIN = 0x10,    /* the message id of the one before */
    OLDER = 0x20,    /* of the IKE SA before the last */
    RELAY = 0x40,    /* what the engines then say is delivered, not lost */
    OTHER = 0x80     /* to the other one */
};
const enum fuzz_layout fuzz_layout = FUZZ_CHAINS_V1;

static struct duo duo;
static uint32_t last_mid;
static uint8_t inner[DUO_MESSAGE], sealed[2 * DUO_MESSAGE];
static _Alignas(16) uint8_t scratch[256];

/* ---- Where they have got to --------------------------------------------------------------------------------------------- */

static void ask(unsigned n, unsigned who)
{
    ike_engine *e = duo.node[who].e;
    switch (n) {
    case 7: /* Quick Mode 1 */
    case 8: /* ... and its answer */
        (void)ike_child_rekey(e, chains_child(&duo, who), duo.now);
        chains_deliver(&duo, who, n - 7);
        break;
    case 9:
        (void)ike_sa_check(e, chains_sa(&duo, who, false)->id, duo.now);
        break;
    case 10:
        (void)ike_initiate(e, duo.node[who].conn, "host", duo.now);
        chains_deliver(&duo, who, 1);
        break;
    case 11: /* phase 1 once more, and of two IKE SAs one */
    case 12:
        (void)ike_sa_rekey(e, chains_sa(&duo, who, false)->id, duo.now);
        chains_deliver(&duo, who, n == 12 ? 6 : 1);
        break;
    case 13:
        chains_both(&duo, false);
        chains_deliver(&duo, !who, 1);
        break;
    case 14:
        chains_both(&duo, true);
        chains_deliver(&duo, who, 4);
        break;
    case 15:
        (void)ike_sa_close(e, chains_sa(&duo, who, false)->id, duo.now);
        break;
    default:
        break; /* 6: all is quiet */
    }
}

static void stage(unsigned n, unsigned who)
{
    if (n < 6) {
        (void)ike_initiate(duo.node[0].e, duo.node[0].conn, "net", duo.now);
        chains_deliver(&duo, 0, n);
    } else {
        chains_up(&duo);
        ask(n, who);
    }
    duo_drop(&duo, 0);
    duo_drop(&duo, 1);
}

/* ---- A message ---------------------------------------------------------------------------------------------------------- */

/* That waits for a message of the peer's, with this id or any. */
static const struct ike_exchange *waiting(const struct ike_sa *sa)
{
    IKE_LIST_EACH (it, tmp, &sa->outstanding) {
        const struct ike_exchange *x = IKE_OF(it, struct ike_exchange, link);
        const struct ike_step *step = ike_exchange_step(x);
        if (step && step->from != x->role && x->script != &ike_v1_dpd) {
            return x;
        }
    }
    return NULL;
}

static ike_bytes body_of(uint8_t first, ike_bytes chain, uint8_t type)
{
    for (size_t at = 0; first && chain.len - at >= 4;) {
        size_t n = ike_load16(chain.ptr + at + 2);
        if (n < 4 || n > chain.len - at) {
            break;
        }
        if (first == type) {
            return ike_bytes_of(chain.ptr + at + 4, n - 4);
        }
        first = chain.ptr[at];
        at += n;
    }
    return ike_bytes_of(NULL, 0);
}

/* HASH_I or HASH_R over the chain's own ID, by the peer of `to`; in place, if the chain has a HASH of the right length. */
static void prove(const struct ike_sa *sa, const struct ike_sa *keys, uint8_t first, struct ike_wr *w)
{
    const struct ike_setup *s = keys->setup;
    ike_bytes chain = ike_bytes_of(w->p, w->len), hash = body_of(first, chain, IKE_P1_HASH),
              id = body_of(first, chain, IKE_P1_ID);
    uint8_t out[IKE_HASH_MAX];
    if (!s || !s->sk_p.len || !hash.ptr || hash.len != sa->prf->mac->len) {
        return;
    }
    bool initiator = !sa->initiator, ours = keys != sa;
    ike_bytes own = ike_blob_bytes(ours ? &s->ke_public : &s->ke_peer), peer = ike_blob_bytes(ours ? &s->ke_peer : &s->ke_public);
    if (!id.ptr) {
        id = ike_blob_bytes(ours ? &s->local_id : &s->remote_id); /* it came before, in Aggressive Mode */
    }
    if (ike_v1_hash_auth(sa->prf, scratch, ike_blob_bytes(&s->sk_p), own, peer, initiator ? sa->spi_i : sa->spi_r,
                         initiator ? sa->spi_r : sa->spi_i, ike_blob_bytes(&s->sai), id, out) == IKE_OK) {
        memcpy(w->p + (hash.ptr - w->p), out, hash.len);
    }
}

/* HASH(1), (2) or (3) in front. */
static void hash(const struct ike_sa *sa, const struct ike_exchange *x, uint32_t mid, uint8_t *first, struct ike_wr *w)
{
    size_t n = sa->prf->mac->len;
    w->p[0] = *first;
    w->p[1] = 0;
    ike_store16(w->p + 2, (uint16_t)(4 + n));
    chains_v1_hash(sa, x, mid, ike_bytes_of(w->p + 4 + n, w->len - 4 - n), w->p + 4);
    *first = IKE_P1_HASH;
}

static struct ike_header header_of(unsigned op, const struct ike_sa *sa, const struct ike_exchange *x)
{
    static const uint8_t types[] = {0, IKE_X1_QUICK, IKE_X1_INFORMATIONAL, 0};
    struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = IKE_V1_VERSION};
    h.exchange = types[(op & EXCHANGE) >> 1];
    if ((op & EXCHANGE) == EXCHANGE) {
        h.exchange = x && x->script == &ike_v1_main ? IKE_X1_AGGRESSIVE : IKE_X1_MAIN;
    } else if (!h.exchange) {
        h.exchange = x ? x->script->exchange_type : sa->established ? IKE_X1_QUICK : IKE_X1_INFORMATIONAL;
    }
    h.mid = x ? x->mid : op & AGAIN ? last_mid : sa->established ? ++last_mid : 0;
    h.spi_r = h.spi_r ? h.spi_r : UINT64_C(0x7265737064657220);
    return h;
}

/* As it leaves; 0: it cannot be. */
static size_t make(unsigned op, unsigned to, const struct ike_sa *sa, uint8_t first, ike_bytes rest)
{
    const struct ike_exchange *x = op & FRESH ? NULL : waiting(sa);
    const struct ike_sa *keys = chains_keyed(&duo, to, sa);
    struct ike_header h = header_of(op, sa, x);
    bool phase1 = !h.mid, encrypt = keys && (phase1 ? x && ike_v1_sealed(x, x->step) : true), wrap = encrypt && !(op & BARE);
    size_t room = wrap && !phase1 ? 4u + keys->prf->mac->len : 0;
    struct ike_wr w = ike_wr(inner, sizeof inner);
    w.len = room;
    ike_wr_put(&w, rest.ptr, rest.len);
    if (wrap && phase1) {
        prove(sa, keys, first, &w);
    } else if (wrap) {
        hash(keys, x, h.mid, &first, &w);
    }
    struct ike_chain c = {.w = w, .first = first};
    if (!encrypt) {
        h.next = first;
        h.length = (uint32_t)(IKE_HEADER_LEN + w.len);
        ike_header_write(sealed, &h);
        memcpy(sealed + IKE_HEADER_LEN, w.p, w.len);
        return h.length;
    }
    const struct ike_exchange *from = x;
    if (phase1 && keys != sa) { /* its own chain of IVs goes on from what it sent */
        from = ike_list_empty(&keys->outstanding) ? NULL : IKE_OF(keys->outstanding.next, struct ike_exchange, link);
    }
    return chains_v1_seal(keys, from, &h, &c, sealed, sizeof sealed);
}

static void say(unsigned who, struct ike_rd r)
{
    unsigned op = ike_rd_u8(&r), to = op & OTHER ? !who : who;
    uint8_t first = ike_rd_u8(&r);
    ike_bytes rest = {r.p, r.left};
    const struct ike_sa *sa = chains_sa(&duo, to, op & OLDER);
    if (!r.bad && rest.len <= DUO_MESSAGE / 2 && sa && sa->version == 1) {
        chains_say(&duo, to, ike_bytes_of(sealed, make(op, to, sa, first, rest)), 100 * IKE_MS, op & RELAY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ike_rd r = ike_rd(data, n);
    unsigned where = n ? ike_rd_u8(&r) : 0, who = where >> 7;
    last_mid = 0x01000000;
    duo_begin(&duo, DUO_V1 | (where >> 4 & 3) | (where & 0x40 ? DUO_AGGRESSIVE : 0), "aes256-sha256-ecp256, aes128-sha1-ecp256",
              NULL);
    stage(where & 0x0f, who);
    chains_run(&r, who, say);
    chains_end(&duo);
    return 0;
}
