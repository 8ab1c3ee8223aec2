/* SPDX-License-Identifier: ISC
 *
 * An engine in the middle of an exchange with a peer that means ill: payloads as they come, well protected with the right keys.
 *
 * The first octet says where two engines have got to, with which suite, through what, and which of them is spoken to. Then come
 * messages: [length of the rest, 2 octets] [what to do] [type of the first payload] [payload chain].
 */
#include "chains.h"

#include "message/seal.h"

/* The octet before each chain: what the message is. */
enum {
    RESPONSE = 0x01,
    WRONG_SIDE = 0x02, /* the flag of the original initiator is the other one */
    EXCHANGE = 0x0c,   /* 0: the one that fits; else IKE_AUTH, CREATE_CHILD_SA or INFORMATIONAL */
    TURN = 0x30,       /* 0x10 and 0x20: message id too high and too low; 0x30: of an older IKE SA */
    RELAY = 0x40,      /* what the engines then say is delivered, not lost */
    OTHER = 0x80       /* to the other one */
};
const enum fuzz_layout fuzz_layout = FUZZ_CHAINS;

static struct duo duo;
static uint64_t sealings;
static uint8_t sealed[2 * DUO_MESSAGE];
static _Alignas(16) uint8_t scratch[256];

/* ---- Where they have got to --------------------------------------------------------------------------------------------- */

/* The initiator has asked for something; its request is lost. */
static void ask(unsigned n, unsigned who)
{
    ike_engine *e = duo.node[who].e;
    switch (n) {
    case 5:
        (void)ike_child_rekey(e, chains_child(&duo, who), duo.now);
        break;
    case 6:
        (void)ike_sa_rekey(e, chains_sa(&duo, who, false)->id, duo.now);
        break;
    case 7:
        (void)ike_sa_check(e, chains_sa(&duo, who, false)->id, duo.now);
        break;
    case 8:
        (void)ike_child_close(e, chains_child(&duo, who), duo.now);
        break;
    case 9:
        (void)ike_sa_close(e, chains_sa(&duo, who, false)->id, duo.now);
        break;
    case 10:
        (void)ike_initiate(e, duo.node[who].conn, "host", duo.now);
        break;
    case 11: /* rekeyed, and the old one not yet deleted */
        (void)ike_sa_rekey(e, chains_sa(&duo, who, false)->id, duo.now);
        chains_deliver(&duo, who, 2);
        break;
    case 12:
    case 13:
        chains_both(&duo, n == 13);
        chains_deliver(&duo, !who, 1);
        break;
    case 14:
        (void)ike_child_rekey(e, chains_child(&duo, who), duo.now);
        chains_deliver(&duo, who, 2);
        break;
    default:
        break; /* 4: all is quiet */
    }
}

static void stage(unsigned n, unsigned who)
{
    if (n < 4) {
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

static uint8_t exchange_of(unsigned op, unsigned to, const struct ike_sa *sa)
{
    if (op & EXCHANGE) {
        return (uint8_t)(IKE_X_SA_INIT + ((op & EXCHANGE) >> 2));
    }
    if (op & RESPONSE) {
        return duo.node[to].asked;
    }
    return sa->state == IKE_SA_CONNECTING ? IKE_X_AUTH : IKE_X_CREATE_CHILD_SA;
}

static struct ike_header header_of(unsigned op, unsigned to, const struct ike_sa *sa)
{
    unsigned turn = op & TURN;
    struct ike_header h = {.spi_i = sa->spi_i, .spi_r = sa->spi_r, .version = 0x20, .exchange = exchange_of(op, to, sa)};
    h.flags = (uint8_t)(sa->initiator == !(op & WRONG_SIDE) ? 0 : IKE_FLAG_INITIATOR);
    h.flags |= op & RESPONSE ? IKE_FLAG_RESPONSE : 0;
    h.mid = (op & RESPONSE ? sa->own_mid - 1 : sa->peer_mid) + (turn == 0x10 ? 1u : 0u) - (turn == 0x20 ? 1u : 0u);
    return h;
}

/* An answer to IKE_SA_INIT, which nothing protects. */
static size_t in_clear(struct ike_header h, uint8_t first, ike_bytes chain)
{
    h.spi_r = UINT64_C(0x7265737064657220);
    h.exchange = IKE_X_SA_INIT;
    h.mid = 0;
    h.next = first;
    h.length = (uint32_t)(IKE_HEADER_LEN + chain.len);
    ike_header_write(sealed, &h);
    memcpy(sealed + IKE_HEADER_LEN, chain.ptr, chain.len);
    return h.length;
}

/* keys: whose keys are taken; as_initiator: of which direction. */
static size_t protect(const struct ike_header *h, const struct ike_sa *keys, bool as_initiator, uint8_t first, ike_bytes chain)
{
    uint8_t iv[16] = {0};
    size_t n = 0;
    struct ike_seal k = {keys->encr, keys->integ, ike_key_e(&keys->layout, keys->keys, as_initiator),
                         ike_key_a(&keys->layout, keys->keys, as_initiator)};
    fuzz_check(ike_seal_scratch(&k) <= sizeof scratch, "a cipher with a large context");
    ike_store64(iv, ++sealings);
    fuzz_check(ike_seal(&k, h, first, chain.ptr, chain.len, iv, scratch, sealed, sizeof sealed, &n) == IKE_OK, "cannot seal");
    return n;
}

static void say(unsigned who, struct ike_rd r)
{
    unsigned op = ike_rd_u8(&r), to = op & OTHER ? !who : who;
    uint8_t first = ike_rd_u8(&r);
    ike_bytes chain = {r.p, r.left};
    const struct ike_sa *sa = chains_sa(&duo, to, (op & TURN) == TURN);
    if (r.bad || chain.len > DUO_MESSAGE || !sa) {
        return;
    }
    struct ike_header h = header_of(op, to, sa);
    const struct ike_sa *keys = chains_keyed(&duo, to, sa);
    size_t n = keys ? protect(&h, keys, !sa->initiator, first, chain) : in_clear(h, first, chain);
    chains_say(&duo, to, ike_bytes_of(sealed, n), 100 * IKE_MS, op & RELAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ike_rd r = ike_rd(data, n);
    unsigned where = n ? ike_rd_u8(&r) : 0, who = where >> 7;
    sealings = UINT64_C(1) << 60;
    duo_begin(&duo, where >> 4 & 3, where & 0x40 ? "aes256-sha256-x25519" : "aes128gcm16-prfsha256-x25519-ecp256", NULL);
    stage(where & 0x0f, who);
    chains_run(&r, who, say);
    chains_end(&duo);
    return 0;
}
