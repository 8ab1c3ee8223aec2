/* SPDX-License-Identifier: ISC
 *
 * Writing SA payloads: offers and answers (RFC 7296 section 3.3).
 */
#include "proposal/merge.h"
#include "proposal/substructure.h"

enum { ATTR_KEY_LENGTH_TV = 0x800e };

/* The next transform of proposal i at or after k that is sent; first[i + 1] when there is no more. */
static unsigned next_sent(const struct ike_proposals *p, unsigned i, unsigned k, bool with_ke)
{
    while (k < p->first[i + 1] && p->transforms[k].type == IKE_T_KE && !with_ke) {
        k++;
    }
    return k;
}

/* Transforms are sorted by type, and within a type order is preference: equal lists in equal order are one proposal, others
 * two. */
static bool same_without_ke(const struct ike_proposals *p, unsigned i, unsigned j)
{
    unsigned a = next_sent(p, i, p->first[i], false), b = next_sent(p, j, p->first[j], false);
    while (a < p->first[i + 1] && b < p->first[j + 1]) {
        const struct ike_transform *x = &p->transforms[a], *y = &p->transforms[b];
        if (x->type != y->type || x->id != y->id || x->bits != y->bits) {
            return false;
        }
        a = next_sent(p, i, a + 1, false);
        b = next_sent(p, j, b + 1, false);
    }
    return a == p->first[i + 1] && b == p->first[j + 1];
}

/* Numbers must count up from 1 without a gap (RFC 7296 section 3.3.1), so those that are not sent take none. Computed again
 * at each use: the answer is checked against the offer without anything kept of it. */
uint8_t ike_proposal_number(const struct ike_proposals *p, unsigned i, bool with_ke)
{
    uint8_t number = 1;
    if (with_ke || !IKE_WITH_PROPOSALS) { /* without text there is one proposal */
        return (uint8_t)(i + 1);
    }
    for (unsigned j = 0; j < i; j++) {
        if (same_without_ke(p, i, j)) {
            return 0;
        }
        number = (uint8_t)(number + (ike_proposal_number(p, j, false) != 0));
    }
    return number;
}

/* The answer's number is the peer's to choose, so it may be any. */
int ike_proposal_numbered(const struct ike_proposals *p, uint8_t number, bool with_ke)
{
    for (unsigned i = 0; i < p->n && number != 0; i++) {
        if (ike_proposal_number(p, i, with_ke) == number) {
            return (int)i;
        }
    }
    return -1;
}

size_t ike_begin_proposal(struct ike_chain *c, struct ike_sub_list *l, uint8_t number, uint8_t protocol, const uint8_t *spi,
                          uint8_t spi_len)
{
    const size_t at = c->w.len;
    l->last_at = at;
    l->n++;
    ike_wr_u32(&c->w, (uint32_t)IKE_SUB_PROPOSALS << 24);
    ike_wr_u8(&c->w, number);
    ike_wr_u8(&c->w, protocol);
    ike_wr_u8(&c->w, spi_len);
    ike_wr_u8(&c->w, 0);
    ike_wr_put(&c->w, spi, spi_len);
    return at;
}

/* Length 12 with the Key Length attribute, 8 without. Key Length is in bits, as TV (section 3.3.5). */
static void put_transform(struct ike_chain *c, struct ike_sub_list *l, const struct ike_transform *t)
{
    l->last_at = c->w.len;
    l->n++;
    ike_wr_u16(&c->w, IKE_SUB_TRANSFORMS << 8);
    ike_wr_u16(&c->w, t->bits ? 12 : 8);
    ike_wr_u16(&c->w, (uint16_t)(t->type << 8));
    ike_wr_u16(&c->w, t->id);
    if (t->bits) {
        ike_wr_u16(&c->w, ATTR_KEY_LENGTH_TV);
        ike_wr_u16(&c->w, t->bits);
    }
}

void ike_end_list(struct ike_chain *c, const struct ike_sub_list *l)
{
    if (!c->w.bad && l->n != 0) {
        c->w.p[l->last_at] = IKE_SUB_LAST;
    }
}

void ike_end_proposal(struct ike_chain *c, size_t at, const struct ike_sub_list *transforms)
{
    ike_end_list(c, transforms);
    ike_wr_fix16(&c->w, at + 2, c->w.len - at);
    if (!c->w.bad) {
        c->w.p[at + 7] = transforms->n;
    }
}

/* Only ciphers come in several key lengths: bits count for them alone. */
static bool in_suite(const struct ike_suite *s, const struct ike_transform *t)
{
    return t->id == ike_suite_has(s, t->type) && (t->type != IKE_T_ENCR || t->bits == s->encr_bits);
}

/* All transforms of one type, that of the suite first: at a rekey the current algorithm. Some peers expand the new keys with
 * the old PRF whatever was chosen, so a PRF had better stay. */
static void put_type(struct ike_chain *c, struct ike_sub_list *l, const struct ike_proposals *p, unsigned from, unsigned to,
                     const struct ike_suite *first)
{
    unsigned head = to;
    for (unsigned k = from; first != NULL && k < to && head == to; k++) {
        head = in_suite(first, &p->transforms[k]) ? k : to;
    }
    if (head < to) {
        put_transform(c, l, &p->transforms[head]);
    }
    for (unsigned k = from; k < to; k++) {
        if (k != head) {
            put_transform(c, l, &p->transforms[k]);
        }
    }
}

/* The same list gives the same octets each time: after INVALID_KE_PAYLOAD the whole offer is made again, never a trimmed one
 * (section 1.2). */
void ike_put_sa(struct ike_chain *c, const struct ike_proposals *p, const uint8_t *spi, uint8_t spi_len, bool with_ke,
                const struct ike_suite *first)
{
    struct ike_sub_list proposals = {0};
    const size_t at = ike_chain_begin(c, IKE_P_SA);
    for (unsigned i = 0; i < p->n; i++) {
        const uint8_t number = ike_proposal_number(p, i, with_ke);
        if (number == 0) {
            continue;
        }
        struct ike_sub_list transforms = {0};
        const size_t start = ike_begin_proposal(c, &proposals, number, p->protocol, spi, spi_len);
        for (unsigned k = p->first[i], end; k < p->first[i + 1]; k = end) {
            end = k + 1;
            while (end < p->first[i + 1] && p->transforms[end].type == p->transforms[k].type) {
                end++;
            }
            if (with_ke || p->transforms[k].type != IKE_T_KE) {
                put_type(c, &transforms, p, k, end, first);
            }
        }
        ike_end_proposal(c, start, &transforms);
    }
    ike_end_list(c, &proposals);
    ike_chain_end(c, at);
}

/* RFC 7296 section 3.3.6: one proposal, one transform of each type, attributes as they were offered. */
void ike_put_sa_answer(struct ike_chain *c, const struct ike_suite *s, uint8_t number, const uint8_t *spi, uint8_t spi_len)
{
    struct ike_sub_list proposals = {0}, transforms = {0};
    const size_t at = ike_chain_begin(c, IKE_P_SA);
    const size_t start = ike_begin_proposal(c, &proposals, number, s->protocol, spi, spi_len);
    for (uint8_t type = IKE_T_ENCR; type <= IKE_T_ESN; type++) {
        const struct ike_transform t = {type, ike_suite_has(s, type), type == IKE_T_ENCR ? s->encr_bits : 0};
        /* INTEG and KE that are 0 are left out: absent and NONE mean the same, and absent is what every peer takes. */
        const bool sent = type == IKE_T_ESN ? s->protocol != IKE_PROTO_IKE : t.id != 0;
        if (sent) {
            put_transform(c, &transforms, &t);
        }
    }
    ike_end_proposal(c, start, &transforms);
    ike_end_list(c, &proposals);
    ike_chain_end(c, at);
}
