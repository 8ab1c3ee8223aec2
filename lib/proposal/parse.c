/* SPDX-License-Identifier: ISC
 *
 * Proposal text to transforms. The text is read into a table on the stack first, so that checking it needs no memory and the
 * result is one allocation of the right size.
 */
#include "proposal/keywords.h"
#include "proposal/proposal.h"

/* Small enough for a payload that fits a datagram, and for the limits a peer like ourselves sets (see offer.h). */
enum { PROPOSALS_MAX = 16, TRANSFORMS_MAX = 512, PER_PROPOSAL_MAX = 64 };

/* Transforms of finished proposals and of the one being read, one after another; first[n] is where the one being read
 * begins. */
struct builder {
    const ike_crypto *crypto; /* NULL: do not ask whether an algorithm can be run */
    bool skip_missing;
    uint8_t protocol;
    uint8_t n;     /* finished proposals */
    uint8_t named; /* types that the one being read names, a bit each, whether or not the crypto has the algorithm */
    uint16_t n_transforms; /* those of the one being read included */
    uint16_t first[PROPOSALS_MAX + 1];
    struct ike_transform t[TRANSFORMS_MAX];
};

/* Groups begin with the cheapest, as the first is what the KE payload is made for. Few peers that speak IKEv1 alone know X25519,
 * and in Aggressive and Quick Mode the first group is all that is offered. */
#define OLD_GROUPS "-ecp256-ecp384-modp2048-modp3072-modp4096"
#define GROUPS     "-x25519" OLD_GROUPS

/* Ciphers with and without their own integrity need a proposal each (RFC 7296 section 3.3). */
const char *ike_default_ike_proposals(void)
{
    return "aes256gcm16-aes128gcm16-chacha20poly1305-prfsha256-prfsha384-prfsha512" GROUPS ", "
           "aes256-aes128-sha256-sha384-sha512" GROUPS;
}

/* `nopfs` lets a peer without PFS agree, and SHA-1 is for peers that have nothing newer for ESP: HMAC does not suffer from
 * collisions. */
const char *ike_default_child_proposals(void)
{
    return "aes256gcm16-aes128gcm16-chacha20poly1305" GROUPS "-nopfs, "
           "aes256-aes128-sha256-sha384-sha512-sha1" GROUPS "-nopfs";
}

const char *ike_default_v1_proposals(uint8_t protocol)
{
    return protocol == IKE_PROTO_IKE ? "aes256-aes128-sha256-sha384-sha512" OLD_GROUPS
                                     : "aes256gcm16-aes128gcm16" OLD_GROUPS "-nopfs, "
                                       "aes256-aes128-sha256-sha384-sha512-sha1" OLD_GROUPS "-nopfs";
}

/* As strongSwan derives it. Pairs of registry numbers. */
uint16_t ike_prf_of_integ(uint16_t integ)
{
    static const uint8_t prf[][2] = {{1, 1}, {2, 2}, {5, 4}, {6, 1}, {7, 2}, {8, 8}, {12, 5}, {13, 6}, {14, 7}};
    for (size_t i = 0; i < IKE_COUNT(prf); i++) {
        if (prf[i][0] == integ) {
            return prf[i][1];
        }
    }
    return 0;
}

static bool can_run(const ike_crypto *c, const struct ike_transform *t)
{
    if (c == NULL) {
        return true;
    }
    switch (t->type) {
    case IKE_T_ENCR: {
        const ike_encr *e = ike_find_encr(c, t->id);
        return e != NULL && ike_encr_has_bits(e, t->bits);
    }
    case IKE_T_PRF:
        return ike_find_prf(c, t->id) != NULL;
    case IKE_T_INTEG:
        return ike_find_integ(c, t->id) != NULL;
    case IKE_T_KE:
        /* NONE needs nothing to run. */
        return t->id == 0 || ike_find_ke(c, t->id) != NULL;
    default:
        return true;
    }
}

/* Whether an algorithm of this kind has a place in a proposal of this protocol at all. */
static bool belongs(uint8_t protocol, const struct ike_transform *t)
{
    switch (t->type) {
    case IKE_T_ENCR:
        return protocol == IKE_PROTO_IKE ? !(ike_encr_traits(t->id) & IKE_ENCR_NOT_IKE) : protocol == IKE_PROTO_ESP;
    case IKE_T_PRF:
        return protocol == IKE_PROTO_IKE;
    case IKE_T_KE:
        return t->id != 0 || protocol != IKE_PROTO_IKE;
    case IKE_T_ESN:
        return protocol != IKE_PROTO_IKE;
    default:
        return true;
    }
}

/* Of the proposal being read only. */
static bool has(const struct builder *b, uint8_t type)
{
    for (unsigned i = b->first[b->n]; i < b->n_transforms; i++) {
        if (b->t[i].type == type) {
            return true;
        }
    }
    return false;
}

/* Append to the proposal being read; what is there already is not repeated. */
static int add(struct builder *b, uint8_t type, uint16_t id, uint16_t bits)
{
    const struct ike_transform t = {type, id, bits};
    const unsigned first = b->first[b->n];
    for (unsigned i = first; i < b->n_transforms; i++) {
        if (b->t[i].type == type && b->t[i].id == id && b->t[i].bits == bits) {
            return IKE_OK;
        }
    }
    if (!belongs(b->protocol, &t)) {
        return IKE_ERR_INVALID;
    }
    /* Noted before the crypto is asked, so that a type that was asked for and is not there is noticed. */
    b->named |= (uint8_t)(1u << type);
    if (!can_run(b->crypto, &t)) {
        return b->skip_missing ? IKE_OK : IKE_ERR_UNSUPPORTED;
    }
    if (b->n_transforms >= TRANSFORMS_MAX || b->n_transforms - first >= PER_PROPOSAL_MAX) {
        return IKE_ERR_LIMIT;
    }
    b->t[b->n_transforms++] = t;
    return IKE_OK;
}

/* Remove a type from the proposal being read. */
static void drop(struct builder *b, uint8_t type)
{
    uint16_t to = b->first[b->n];
    for (unsigned i = to; i < b->n_transforms; i++) {
        if (b->t[i].type != type) {
            b->t[to++] = b->t[i];
        }
    }
    b->n_transforms = to;
}

/* By type, the order within a type kept: insertion sort, there are few. Whoever compares or writes proposals afterwards finds
 * each type in one piece. */
static void sort(struct builder *b)
{
    const unsigned first = b->first[b->n];
    for (unsigned i = first + 1; i < b->n_transforms; i++) {
        const struct ike_transform t = b->t[i];
        unsigned k = i;
        for (; k > first && b->t[k - 1].type > t.type; k--) {
            b->t[k] = b->t[k - 1];
        }
        b->t[k] = t;
    }
}

/* Whether the ciphers of the proposal being read are AEAD (1), not (0), or of both kinds (-1): those must not share a
 * proposal (RFC 7296 section 3.3). */
static int aead(const struct builder *b)
{
    bool kinds[2] = {false, false};
    for (unsigned i = b->first[b->n]; i < b->n_transforms; i++) {
        if (b->t[i].type == IKE_T_ENCR) {
            kinds[(ike_encr_traits(b->t[i].id) & IKE_ENCR_AEAD) != 0] = true;
        }
    }
    return kinds[0] && kinds[1] ? -1 : kinds[1];
}

/* An integrity keyword stands for its PRF too unless a PRF keyword is there. `end` is fixed before: what is appended is not
 * looked at again. */
static int derive_prfs(struct builder *b)
{
    const unsigned end = b->n_transforms;
    int rc = IKE_OK;
    if (b->protocol != IKE_PROTO_IKE || has(b, IKE_T_PRF)) {
        return IKE_OK;
    }
    for (unsigned i = b->first[b->n]; i < end && rc == IKE_OK; i++) {
        const uint16_t prf = b->t[i].type == IKE_T_INTEG ? ike_prf_of_integ(b->t[i].id) : 0;
        if (prf != 0) {
            rc = add(b, IKE_T_PRF, prf, 0);
        }
    }
    return rc;
}

/* Mandatory types of RFC 7296 section 3.3.3; ESN has been added already. */
static bool complete(const struct builder *b, bool with_aead)
{
    const bool integ = has(b, IKE_T_INTEG);
    switch (b->protocol) {
    case IKE_PROTO_IKE:
        return has(b, IKE_T_ENCR) && has(b, IKE_T_PRF) && has(b, IKE_T_KE) && (with_aead || integ);
    case IKE_PROTO_ESP:
        return has(b, IKE_T_ENCR) && (with_aead || integ);
    default:
        return integ;
    }
}

/* Nothing is left of a type that was asked for: going on without it would be another proposal (no PFS, for one). */
static bool lost_a_type(const struct builder *b)
{
    for (uint8_t type = IKE_T_ENCR; type <= IKE_T_ESN; type++) {
        if ((b->named & 1u << type) && !has(b, type)) {
            return true;
        }
    }
    return false;
}

/* The keywords of one proposal are all read: add what follows from them and see whether it is whole. */
static int finish(struct builder *b)
{
    int rc = derive_prfs(b), kind = aead(b);
    /* Given up silently: only with skip_missing can this be. */
    if (rc == IKE_OK && lost_a_type(b)) {
        b->n_transforms = b->first[b->n];
        return IKE_OK;
    }
    if (kind == 1) {
        drop(b, IKE_T_INTEG); /* named for its PRF; INTEG beside an AEAD makes a proposal void (RFC 5282 section 8) */
    }
    if (rc == IKE_OK && b->protocol != IKE_PROTO_IKE && !has(b, IKE_T_ESN)) {
        /* Both, and extended first: at today's rates 2^32 numbers do not last a lifetime. */
        rc = add(b, IKE_T_ESN, 1, 0);
        rc = rc == IKE_OK ? add(b, IKE_T_ESN, 0, 0) : rc;
    }
    if (rc != IKE_OK) {
        return rc;
    }
    /* Ciphers of both kinds cannot be split into two proposals without guessing which of the rest goes where. */
    if (kind < 0 || !complete(b, kind == 1)) {
        return IKE_ERR_INVALID;
    }
    sort(b);
    b->first[++b->n] = b->n_transforms;
    return IKE_OK;
}

/* Line ends count, since a value may go on over several lines. */
static bool is_separator(char c) { return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static size_t word_len(const char *text)
{
    size_t n = 0;
    while (text[n] != 0 && text[n] != '-' && !is_separator(text[n])) {
        n++;
    }
    return n;
}

/* One proposal of the text, which starts at *pos; *pos is where the fault is on error and where it ends otherwise. */
static int read_proposal(struct builder *b, const char *text, size_t *pos)
{
    /* Faults of single keywords are reported where they stand, those of the whole proposal at its beginning. */
    const size_t start = *pos;
    if (b->n >= PROPOSALS_MAX) {
        return IKE_ERR_LIMIT;
    }
    b->named = 0;
    for (;;) {
        const size_t n = word_len(text + *pos);
        const struct ike_keyword *k = ike_keyword_find(text + *pos, n);
        if (k == NULL) {
            return IKE_ERR_INVALID;
        }
        int rc = add(b, k->type, k->id, k->bits);
        if (rc != IKE_OK) {
            return rc;
        }
        *pos += n;
        if (text[*pos] != '-') {
            break;
        }
        ++*pos;
    }
    int rc = finish(b);
    if (rc != IKE_OK) {
        *pos = start;
    }
    return rc;
}

static int read_text(struct builder *b, const char *text, size_t *at)
{
    size_t pos = 0;
    int rc = IKE_OK;
    b->n = 0;
    b->n_transforms = 0;
    b->first[0] = 0;
    while (rc == IKE_OK) {
        while (is_separator(text[pos])) {
            pos++;
        }
        if (text[pos] == 0) {
            break;
        }
        rc = read_proposal(b, text, &pos);
    }
    if (rc == IKE_OK && b->n == 0) {
        /* An empty text is a mistake; one that lost everything is a matter of the build. */
        rc = b->skip_missing && pos != 0 ? IKE_ERR_UNSUPPORTED : IKE_ERR_INVALID;
    }
    if (at) {
        *at = pos;
    }
    return rc;
}

int ike_proposals_parse(struct ike_proposals **out, const char *text, uint8_t protocol, const ike_crypto *crypto,
                        const ike_allocator *mem, size_t *at)
{
    return ike_proposals_parse_for(out, text, protocol, crypto, false, mem, at);
}

/* The table is on the stack: checking never needs memory, and a failure leaves nothing to release. */
int ike_proposals_parse_for(struct ike_proposals **out, const char *text, uint8_t protocol, const ike_crypto *crypto,
                            bool skip_missing, const ike_allocator *mem, size_t *at)
{
    struct builder b;
    b.crypto = crypto;
    b.protocol = protocol;
    b.skip_missing = skip_missing;
    *out = NULL;
    int rc = read_text(&b, text, at);
    if (rc != IKE_OK) {
        return rc;
    }
    /* Header and transforms in one allocation; `size` is what release needs. */
    const size_t list = b.n_transforms * sizeof(struct ike_transform), size = sizeof(struct ike_proposals) + list;
    struct ike_proposals *p = mem->alloc(mem->user, size);
    if (p == NULL) {
        return IKE_ERR_NOMEM;
    }
    struct ike_transform *t = (struct ike_transform *)(p + 1);
    memset(p, 0, sizeof *p);
    memcpy(t, b.t, list);
    p->size = (uint32_t)size;
    p->protocol = protocol;
    p->n = b.n;
    p->n_transforms = b.n_transforms;
    p->transforms = t;
    memcpy(p->first, b.first, (b.n + 1u) * sizeof b.first[0]);
    *out = p;
    return IKE_OK;
}

/* For configuration that is checked where no engine is: syntax and sense, not whether it can be run. */
int ike_proposals_check(const char *text, uint8_t protocol, size_t *at, const char **nearest)
{
    struct builder b;
    size_t pos;
    b.crypto = NULL;
    b.protocol = protocol;
    b.skip_missing = false;
    int rc = read_text(&b, text, &pos);
    if (at) {
        *at = pos;
    }
    if (nearest) {
        const char *word = text + pos;
        bool unknown = rc == IKE_ERR_INVALID && *word != 0 && ike_keyword_find(word, word_len(word)) == NULL;
        *nearest = unknown ? ike_keyword_nearest(word, word_len(word)) : NULL;
    }
    return rc;
}

int ike_keyword_transform(const char *word, size_t n, uint8_t *type, uint16_t *id, uint16_t *bits)
{
    const struct ike_keyword *k = ike_keyword_find(word, n);
    if (!k) {
        return IKE_ERR_NOT_FOUND;
    }
    *type = k->type;
    *id = k->id;
    *bits = k->bits;
    return IKE_OK;
}

void ike_proposals_free(struct ike_proposals *p, const ike_allocator *mem)
{
    if (p) {
        mem->release(mem->user, p, p->size);
    }
}

bool ike_proposals_has_ke(const struct ike_proposals *p, uint16_t id)
{
    for (unsigned i = 0; i < p->n_transforms; i++) {
        if (p->transforms[i].type == IKE_T_KE && p->transforms[i].id == id) {
            return true;
        }
    }
    return false;
}

/* The guess for the first KE payload. NONE is no group and is passed over. */
uint16_t ike_proposals_ke(const struct ike_proposals *p)
{
    for (unsigned i = 0; i < p->n_transforms; i++) {
        if (p->transforms[i].type == IKE_T_KE && p->transforms[i].id != 0) {
            return p->transforms[i].id;
        }
    }
    return 0;
}
