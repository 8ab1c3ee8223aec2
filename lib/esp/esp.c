/* SPDX-License-Identifier: ISC
 *
 * The ESP codec: one keyed SA, one packet at a time, in place (RFC 4303 section 3).
 */
#include <ike/esp.h>

#include "base/bytes.h"
#include "base/sabotage.h"
#include "esp/replay.h"

#define HEADER_LEN     8   /* SPI, low half of the sequence number */
#define TRAILER_LEN    2   /* pad length, next header */
#define ALIGN          16  /* of keyed contexts, see ike/crypto.h */
#define SPI_MIN        256 /* lower ones are reserved (RFC 4303 section 2.1) */
#define ENCR_NULL_GMAC 21
#define PAYLOAD_MAX    65535

/* Contexts, bitmap and struct are one block, so an SA that exists can work without memory. */
struct ike_esp_sa {
    const ike_encr *encr;
    const ike_mac *mac;
    void *encr_ctx, *mac_ctx;
    ike_random random;
    uint64_t iv_offset;
    uint32_t spi;
    bool inbound, esn, tunnel, aead, random_iv;
    uint8_t iv_len, icv_len, head; /* head: header and IV */
    uint8_t align;                 /* payload, padding and trailer fill multiples of this */
    struct ike_replay replay;      /* inbound; top is kept without a window too */
    ike_esp_counters counters;
    ike_allocator mem;
    size_t block_size; /* of the allocation this struct begins */
};

static const struct {
    const char *name;
    int error; /* what the call returns that dropped the packet */
} drops[IKE_ESP_N_DROPS] = {
    [IKE_ESP_OK] = {"ok", IKE_OK},
    [IKE_ESP_DROP_LENGTH] = {"bad length", IKE_ERR_PROTO},
    [IKE_ESP_DROP_SPI] = {"wrong SPI", IKE_ERR_PROTO},
    [IKE_ESP_DROP_SEQ_ZERO] = {"sequence number zero", IKE_ERR_PROTO},
    [IKE_ESP_DROP_OLD] = {"left of the replay window", IKE_ERR_REPLAY},
    [IKE_ESP_DROP_DUPLICATE] = {"duplicate", IKE_ERR_REPLAY},
    [IKE_ESP_DROP_ICV] = {"integrity check failed", IKE_ERR_CRYPTO},
    [IKE_ESP_DROP_PADDING] = {"bad padding", IKE_ERR_PROTO},
    [IKE_ESP_DROP_NEXT_HEADER] = {"next header not allowed", IKE_ERR_PROTO},
    [IKE_ESP_DROP_INNER] = {"malformed inner packet", IKE_ERR_PROTO},
    [IKE_ESP_DROP_SELECTOR] = {"outside the traffic selectors", IKE_ERR_PROTO},
    [IKE_ESP_DROP_INVALID] = {"nothing this SA carries", IKE_ERR_INVALID},
    [IKE_ESP_DROP_EXHAUSTED] = {"sequence numbers exhausted", IKE_ERR_LIMIT},
    [IKE_ESP_DROP_BUFFER] = {"buffer too small", IKE_ERR_BUFFER},
    [IKE_ESP_DROP_RANDOM] = {"random source failed", IKE_ERR_HOST},
    [IKE_ESP_DROP_CIPHER] = {"cipher failed", IKE_ERR_CRYPTO},
};

const char *ike_esp_drop_name(int drop) { return drop >= 0 && drop < IKE_ESP_N_DROPS ? drops[drop].name : "unknown"; }

/* Each reason has a counter: what the caller learns is coarser, since a sender learns nothing at all. */
static int refuse(ike_esp_sa *sa, ike_esp_drop drop)
{
    sa->counters.drops[drop]++;
    return drops[drop].error;
}

void ike_esp_config_init(ike_esp_config *config)
{
    *config = (ike_esp_config){.size = sizeof(*config), .window = IKE_ESP_WINDOW_DEFAULT};
}

/* --- creation */

/* The salt belongs to the key material of a cipher (RFC 4106 section 8.1). */
static bool key_fits(const ike_encr *e, size_t n)
{
    for (size_t i = 0; i < IKE_COUNT(e->key_bits) && e->key_bits[i]; i++) {
        if (n == (size_t)e->key_bits[i] / 8 + e->salt_len) {
            return true;
        }
    }
    return false;
}

static bool window_fits(const ike_esp_config *c)
{
    if (c->window == 0) {
        return !c->esn; /* without a window the high half cannot be inferred (RFC 4303 section 3.3.3) */
    }
    return c->window >= IKE_ESP_WINDOW_MIN && c->window <= IKE_ESP_WINDOW_MAX && c->window % 64 == 0;
}

/* All that can be wrong is found here, so that the path of packets need not look again. */
static int check_config(const ike_esp_config *c)
{
    const ike_encr *e = c->encr;
    bool aead = e && e->aead;
    if (c->size < sizeof(*c) || c->spi < SPI_MIN || (c->mode != IKE_MODE_TUNNEL && c->mode != IKE_MODE_TRANSPORT) ||
        (!c->esn && c->seq > UINT32_MAX) || (c->inbound && !window_fits(c))) {
        return IKE_ERR_INVALID;
    }
    /* GMAC as ENCR_NULL authenticates the payload as associated data, which open and seal here do not do. */
    if (e && (e->id == ENCR_NULL_GMAC || (e->usable && !e->usable()))) {
        return IKE_ERR_UNSUPPORTED;
    }
    /* Arrays on the stack have room for the longest IV and ICV. A counter-based cipher must have room for the sequence
     * number in its IV. */
    if (e && (!key_fits(e, c->encr_key.len) || e->iv_len > IKE_IV_MAX || e->icv_len > IKE_ICV_MAX || e->block == 0 ||
              (e->block == 1 && e->iv_len != 8))) {
        return IKE_ERR_INVALID;
    }
    /* Encryption alone, and an integrity algorithm beside an AEAD, are never negotiated. */
    if (aead == (c->integ != NULL) || (c->integ && (c->integ_key.len != c->integ->key_len || c->integ->icv_len > IKE_ICV_MAX ||
                                                    c->integ->mac->len > IKE_HASH_MAX))) {
        return IKE_ERR_INVALID;
    }
    /* CBC needs IVs that nobody can predict (RFC 3602 section 3). */
    if (!c->inbound && e && e->block > 1 && !c->random.fill) {
        return IKE_ERR_INVALID;
    }
    return IKE_OK;
}

static size_t aligned(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

/* Each context is keyed once; seal, open and final leave it keyed. */
static int key_contexts(ike_esp_sa *sa, const ike_esp_config *c)
{
    int rc = IKE_OK;
    if (sa->encr) {
        rc = sa->encr->init(sa->encr_ctx, c->encr_key.ptr, c->encr_key.len, !c->inbound);
        if (rc != IKE_OK) {
            sa->encr = NULL; /* nothing to clear */
            return rc;
        }
    }
    if (sa->mac) {
        rc = sa->mac->init(sa->mac_ctx, c->integ_key.ptr, c->integ_key.len);
    }
    return rc;
}

/* What packets need is copied next to each other; of the configuration nothing is pointed to but descriptors. */
static void fill_sa(ike_esp_sa *sa, const ike_esp_config *c)
{
    sa->encr = c->encr;
    sa->mac = c->integ ? c->integ->mac : NULL;
    sa->random = c->random;
    sa->iv_offset = c->iv_offset;
    sa->spi = c->spi;
    sa->inbound = c->inbound;
    sa->esn = c->esn;
    sa->tunnel = c->mode == IKE_MODE_TUNNEL;
    sa->aead = c->encr && c->encr->aead;
    sa->random_iv = c->encr && c->encr->block > 1;
    sa->iv_len = c->encr ? c->encr->iv_len : 0;
    sa->icv_len = (uint8_t)(sa->aead ? c->encr->icv_len : c->integ->icv_len);
    sa->head = (uint8_t)(HEADER_LEN + sa->iv_len);
    sa->align = c->encr && c->encr->block > 4 ? c->encr->block : 4; /* RFC 4303 section 2.4 */
    sa->counters.seq = c->seq;
}

/* Offsets are computed from an aligned base; ALIGN - 1 octets more are for moving it. */
int ike_esp_create(const ike_esp_config *config, const ike_allocator *mem, ike_esp_sa **sa)
{
    const ike_esp_config *c = config;
    int rc = check_config(c);
    if (rc != IKE_OK) {
        return rc;
    }
    uint32_t window = c->inbound ? c->window : 0;
    size_t bits = aligned(sizeof(struct ike_esp_sa)), encr = bits + aligned(ike_replay_words(window) * sizeof(uint64_t));
    size_t mac = encr + aligned(c->encr ? c->encr->ctx_size : 0);
    size_t size = mac + aligned(c->integ ? c->integ->mac->ctx_size : 0) + ALIGN - 1;
    ike_esp_sa *s = mem->alloc(mem->user, size);
    if (!s) {
        return IKE_ERR_NOMEM;
    }
    memset(s, 0, size);
    /* The allocator may align less than contexts want; the struct itself stays where the block begins. */
    uint8_t *base = (uint8_t *)s + (ALIGN - (uintptr_t)s % ALIGN) % ALIGN;
    fill_sa(s, c);
    s->mem = *mem;
    s->block_size = size;
    s->encr_ctx = base + encr;
    s->mac_ctx = base + mac;
    /* Outbound too: window 0 needs no bits, and the struct is never undefined. */
    ike_replay_init(&s->replay, window, (uint64_t *)(void *)(base + bits), c->seq);
    rc = key_contexts(s, c);
    if (rc != IKE_OK) {
        ike_esp_destroy(s);
        return rc;
    }
    *sa = s;
    return IKE_OK;
}

void ike_esp_destroy(ike_esp_sa *sa)
{
    if (!sa) {
        return;
    }
    if (sa->encr) {
        sa->encr->clear(sa->encr_ctx);
    }
    /* Taken out first: it lies in what is wiped. */
    ike_allocator mem = sa->mem;
    size_t size = sa->block_size;
    ike_wipe(sa, size);
    mem.release(mem.user, sa, size);
}

const ike_esp_counters *ike_esp_counters_of(const ike_esp_sa *sa) { return &sa->counters; }

uint64_t ike_esp_seq_max(const ike_esp_sa *sa) { return sa->esn ? UINT64_MAX : UINT32_MAX; }

/* IKE_ESP_OK is not a drop, and a host's number may be any. */
void ike_esp_count_drop(ike_esp_sa *sa, ike_esp_drop drop)
{
    if (drop > IKE_ESP_OK && drop < IKE_ESP_N_DROPS) {
        sa->counters.drops[drop]++;
    }
}

size_t ike_esp_headroom(const ike_esp_sa *sa) { return sa->head; }

/* --- what both directions share */

/* Pad Length and Next Header end on the alignment (RFC 4303 section 2.4). */
static size_t padded(const ike_esp_sa *sa, size_t n) { return (n + TRAILER_LEN + sa->align - 1) / sa->align * sa->align; }

size_t ike_esp_sealed_size(const ike_esp_sa *sa, size_t n)
{
    return n > PAYLOAD_MAX ? 0 : sa->head + padded(sa, n) + sa->icv_len;
}

/* An AEAD authenticates SPI and sequence number, with ESN all 64 bits in order (RFC 4106 section 5). */
static size_t make_aad(const ike_esp_sa *sa, uint64_t seq, uint8_t aad[12])
{
    ike_store32(aad, sa->spi);
    if (!sa->esn) {
        ike_store32(aad + 4, (uint32_t)seq);
        return 8;
    }
    ike_store64(aad + 4, seq);
    return 12;
}

/* A separate integrity algorithm covers the packet and, with ESN, the high half behind it, which is not sent (RFC 4303
 * section 2.2.1). */
static void make_icv(ike_esp_sa *sa, const uint8_t *packet, size_t n, uint64_t seq, uint8_t icv[IKE_HASH_MAX])
{
    sa->mac->update(sa->mac_ctx, packet, n);
    if (sa->esn) {
        uint8_t high[4];
        ike_store32(high, (uint32_t)(seq >> 32));
        sa->mac->update(sa->mac_ctx, high, sizeof(high));
    }
    sa->mac->final(sa->mac_ctx, icv);
}

/* --- outbound */

/* Fills in the next header of a tunnel packet; false when the payload may not go out like this. */
static bool choose_next(const ike_esp_sa *sa, uint8_t *next, const uint8_t *in, size_t n)
{
    /* In transport mode the protocol is the caller's to say, and dummies have no packet inside. */
    if (!sa->tunnel || *next == IKE_ESP_NEXT_NONE) {
        return true;
    }
    /* Exactly one packet: a length that says less or more would be cut or refused at the other end. */
    if (*next != 0 || ike_esp_ip_length(in, n, false) != n || n == 0) {
        return false;
    }
    *next = in[0] >> 4 == 4 ? IKE_ESP_NEXT_IPV4 : IKE_ESP_NEXT_IPV6;
    return true;
}

/* Encrypts n octets behind the header, then authenticates. The IV lies before `data` and is not encrypted; with ESN the high
 * half is authenticated and not sent. */
static int protect(ike_esp_sa *sa, uint64_t seq, uint8_t *out, size_t n)
{
    uint8_t aad[12], icv[IKE_HASH_MAX], *iv = out + HEADER_LEN, *data = out + sa->head;
    if (sa->aead) {
        return sa->encr->seal(sa->encr_ctx, iv, aad, make_aad(sa, seq, aad), data, n, data + n);
    }
    int rc = sa->encr ? sa->encr->seal(sa->encr_ctx, iv, NULL, 0, data, n, NULL) : IKE_OK;
    if (rc == IKE_OK) {
        make_icv(sa, out, sa->head + n, seq, icv);
        memcpy(data + n, icv, sa->icv_len);
    }
    return rc;
}

/* Header, payload in its place, padding and trailer: `body` octets behind the header, still in the clear. */
static void lay_out(const ike_esp_sa *sa, uint64_t seq, uint8_t next, const uint8_t *in, size_t n, uint8_t *out, size_t body)
{
    if (n) {
        memmove(out + sa->head, in, n); /* first: `in` may lie where header and padding go */
    }
    ike_store32(out, sa->spi);
    ike_store32(out + 4, (uint32_t)seq);
    uint8_t *pad = out + sa->head + n;
    size_t pad_len = body - n - TRAILER_LEN;
    for (size_t i = 0; i < pad_len; i++) {
        /* RFC 4303 section 2.4: 1, 2, 3 ..., which the receiver may check. */
        pad[i] = (uint8_t)(i + 1);
    }
    pad[pad_len] = (uint8_t)pad_len;
    pad[pad_len + 1] = next;
}

static ike_esp_drop check_outbound(const ike_esp_sa *sa, uint8_t *next, const uint8_t *in, size_t n, size_t cap)
{
    if (n > PAYLOAD_MAX || !choose_next(sa, next, in, n)) {
        return IKE_ESP_DROP_INVALID;
    }
    if (ike_esp_sealed_size(sa, n) > cap) {
        return IKE_ESP_DROP_BUFFER;
    }
    /* A number may not come again under one key, so the SA ends here (RFC 4303 section 3.3.3). */
    return sa->counters.seq >= ike_esp_seq_max(sa) ? IKE_ESP_DROP_EXHAUSTED : IKE_ESP_OK;
}

/* Everything that can be refused is refused before a number is spent. */
int ike_esp_seal(ike_esp_sa *sa, uint8_t next, const uint8_t *in, size_t n, uint8_t *out, size_t cap, size_t *out_len)
{
    uint8_t iv[IKE_IV_MAX];
    if (sa->inbound) {
        return IKE_ERR_INVALID;
    }
    ike_esp_drop drop = check_outbound(sa, &next, in, n, cap);
    if (drop != IKE_ESP_OK) {
        return refuse(sa, drop);
    }
    if (sa->random_iv && sa->random.fill(sa->random.user, iv, sa->iv_len) != IKE_OK) {
        return refuse(sa, IKE_ESP_DROP_RANDOM);
    }
    /* The number is used up from here on, whatever happens: a nonce must never come twice. */
    uint64_t seq = ++sa->counters.seq;
    size_t body = padded(sa, n);
    /* Unique because numbers are; the offset only makes them start elsewhere. */
    if (!sa->random_iv) {
        ike_store64(iv, seq + sa->iv_offset);
    }
    lay_out(sa, seq, next, in, n, out, body);
    memcpy(out + HEADER_LEN, iv, sa->iv_len);
    /* The payload may lie there in clear. */
    if (protect(sa, seq, out, body) != IKE_OK) {
        ike_wipe(out, sa->head + body + sa->icv_len);
        return refuse(sa, IKE_ESP_DROP_CIPHER);
    }
    if (next == IKE_ESP_NEXT_NONE) {
        sa->counters.dummies++;
    } else {
        sa->counters.packets++;
        sa->counters.octets += n;
    }
    *out_len = sa->head + body + sa->icv_len;
    return IKE_OK;
}

/* --- inbound */

/* Everything that can be said without cryptography; on success plain->seq is the whole number. */
static ike_esp_drop check_header(const ike_esp_sa *sa, const uint8_t *packet, size_t n, ike_esp_plain *plain)
{
    /* At least one aligned unit of text: it holds the trailer. */
    size_t overhead = (size_t)sa->head + sa->icv_len;
    if (n < overhead + sa->align || (n - overhead) % sa->align) {
        return IKE_ESP_DROP_LENGTH;
    }
    if (ike_load32(packet) != sa->spi) {
        return IKE_ESP_DROP_SPI;
    }
    uint32_t low = ike_load32(packet + 4);
    plain->seq = low;
    if (sa->esn && !ike_replay_infer(sa->replay.top, sa->replay.window, low, &plain->seq)) {
        return IKE_ESP_DROP_OLD;
    }
    /* The first packet has number 1 (RFC 4303 section 3.3.3). */
    if (plain->seq == 0) {
        return IKE_ESP_DROP_SEQ_ZERO;
    }
    switch (ike_replay_check(&sa->replay, plain->seq)) {
    case IKE_REPLAY_OLD:
        return IKE_ESP_DROP_OLD;
    case IKE_REPLAY_DUPLICATE:
        return IKE_ESP_DROP_DUPLICATE;
    default:
        return IKE_ESP_OK;
    }
}

/* ICV first, plaintext after; an AEAD does both at once. RFC 4303 section 3.4.4.1: nothing is decrypted before a separate
 * ICV was found good. On failure the text is undefined, and the caller forgets it. */
static ike_esp_drop authenticate(ike_esp_sa *sa, uint8_t *packet, size_t body, uint64_t seq)
{
    uint8_t aad[12], icv[IKE_HASH_MAX], *iv = packet + HEADER_LEN, *data = packet + sa->head;
    if (sa->aead) {
        int rc = sa->encr->open(sa->encr_ctx, iv, aad, make_aad(sa, seq, aad), data, body, data + body);
        return rc == IKE_OK ? IKE_ESP_OK : IKE_ESP_DROP_ICV;
    }
    make_icv(sa, packet, sa->head + body, seq, icv);
    if (!ike_ct_equal(icv, data + body, sa->icv_len)) {
        return IKE_ESP_DROP_ICV;
    }
    if (sa->encr && sa->encr->open(sa->encr_ctx, iv, NULL, 0, data, body, NULL) != IKE_OK) {
        return IKE_ESP_DROP_ICV;
    }
    return IKE_ESP_OK;
}

/* Trailer and inner packet of what is authentic. Authentic octets, but the peer may be wrong or worse: each length is
 * checked against what there is. */
static ike_esp_drop check_plaintext(const ike_esp_sa *sa, uint8_t *data, size_t body, ike_esp_plain *plain)
{
    size_t pad_len = data[body - 2];
    if (pad_len > body - TRAILER_LEN) {
        return IKE_ESP_DROP_PADDING;
    }
    plain->data = data;
    plain->len = body - TRAILER_LEN - pad_len;
    plain->next = data[body - 1];
    for (size_t i = 0; i < pad_len; i++) {
        if (data[plain->len + i] != (uint8_t)(i + 1)) {
            return IKE_ESP_DROP_PADDING;
        }
    }
    plain->dummy = plain->next == IKE_ESP_NEXT_NONE;
    /* Dummies have no meaning inside (RFC 4303 section 2.6); transport payload is for the host's stack to judge. */
    if (plain->dummy || !sa->tunnel) {
        return IKE_ESP_OK;
    }
    if (plain->next != IKE_ESP_NEXT_IPV4 && plain->next != IKE_ESP_NEXT_IPV6) {
        return IKE_ESP_DROP_NEXT_HEADER;
    }
    size_t ip_len = ike_esp_ip_length(data, plain->len, true);
    /* Next header and version must agree: filters that trust one of them would see another packet. */
    if (ip_len == 0 || data[0] >> 4 != (plain->next == IKE_ESP_NEXT_IPV4 ? 4 : 6)) {
        return IKE_ESP_DROP_INNER;
    }
    plain->len = ip_len; /* what is behind is traffic-flow padding (RFC 4303 section 2.7) */
    return IKE_ESP_OK;
}

static ike_esp_drop open_packet(ike_esp_sa *sa, uint8_t *packet, size_t n, ike_esp_plain *plain)
{
    ike_esp_drop drop = check_header(sa, packet, n, plain);
    if (drop != IKE_ESP_OK) {
        return drop;
    }
    size_t body = n - sa->head - sa->icv_len;
    if (IKE_SABOTAGED(REPLAY_FIRST)) {
        ike_replay_accept(&sa->replay, plain->seq);
    }
    drop = authenticate(sa, packet, body, plain->seq);
    if (drop != IKE_ESP_OK) {
        return drop;
    }
    /* Before the window moves, and only now that the packet is authentic. */
    plain->newest = plain->seq > sa->replay.top;
    ike_replay_accept(&sa->replay, plain->seq);
    sa->counters.seq = sa->replay.top;
    return check_plaintext(sa, packet + sa->head, body, plain);
}

/* On refusal nothing of the text is handed out, not even a pointer to it. */
int ike_esp_open(ike_esp_sa *sa, uint8_t *packet, size_t n, ike_esp_plain *plain)
{
    *plain = (ike_esp_plain){0};
    if (!sa->inbound) {
        return IKE_ERR_INVALID;
    }
    ike_esp_drop drop = open_packet(sa, packet, n, plain);
    if (drop != IKE_ESP_OK) {
        *plain = (ike_esp_plain){.seq = plain->seq, .drop = drop};
        return refuse(sa, drop);
    }
    if (plain->dummy) {
        sa->counters.dummies++;
    } else {
        sa->counters.packets++;
        sa->counters.octets += plain->len;
    }
    return IKE_OK;
}
