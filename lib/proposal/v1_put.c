/* SPDX-License-Identifier: ISC
 *
 * Writing offers and answers of IKEv1.
 */
#include "proposal/keywords.h"
#include "proposal/offer.h"
#include "proposal/substructure.h"
#include "proposal/v1_map.h"
#include "proposal/v1_put.h"

/* The n-th transform of a type in proposal i; one of nothing where the type is absent, so that every combination has one. */
static const struct ike_transform *nth(const struct ike_proposals *p, unsigned i, uint8_t type, unsigned n)
{
    static const struct ike_transform absent;
    bool any = false;
    for (unsigned k = p->first[i]; k < p->first[i + 1]; k++) {
        if (p->transforms[k].type == type) {
            any = true;
            if (n-- == 0) {
                return &p->transforms[k];
            }
        }
    }
    return any || n != 0 ? NULL : &absent;
}

/* Whether IKEv1 has numbers for all of it. */
static bool expressible(const struct ike_suite *s)
{
    if (s->ke && !ike_v1_number(IKE_M1_KE, s->ke)) {
        return false;
    }
    switch (s->protocol) {
    case IKE_PROTO_IKE:
        return s->ke && ike_v1_number(IKE_M1_ENCR, s->encr) && ike_v1_number(IKE_M1_HASH, s->prf);
    case IKE_PROTO_AH:
        return ike_v1_number(IKE_M1_AH, s->integ);
    default:
        return ike_v1_number(IKE_M1_ESP, s->encr) &&
               (s->integ ? ike_v1_number(IKE_M1_AUTH, s->integ) != 0 : (ike_encr_traits(s->encr) & IKE_ENCR_AEAD) != 0);
    }
}

bool ike_v1_combination(const struct ike_proposals *p, unsigned i, bool only_ke, uint16_t ke, unsigned at, struct ike_suite *s)
{
    const bool phase1 = p->protocol == IKE_PROTO_IKE;
    const struct ike_transform *e, *h, *g;
    for (unsigned a = 0; (e = nth(p, i, IKE_T_ENCR, a)) != NULL; a++) {
        for (unsigned b = 0; (h = nth(p, i, phase1 ? IKE_T_PRF : IKE_T_INTEG, b)) != NULL; b++) {
            for (unsigned c = 0; (g = nth(p, i, IKE_T_KE, c)) != NULL; c++) {
                *s = (struct ike_suite){.protocol = p->protocol, .encr = e->id, .encr_bits = e->bits, .ke = g->id};
                *(phase1 ? &s->prf : &s->integ) = h->id;
                s->esn = ike_v1_esn(p, i);
                if ((!only_ke || g->id == ke) && expressible(s) && at-- == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

uint16_t ike_v1_ke(const struct ike_proposals *p, uint16_t known)
{
    struct ike_suite s;
    for (unsigned i = 0; known && i < p->n; i++) {
        if (ike_v1_combination(p, i, true, known, 0, &s)) {
            return known;
        }
    }
    for (unsigned i = 0; i < p->n; i++) {
        for (unsigned at = 0; ike_v1_combination(p, i, false, 0, at, &s); at++) {
            if (s.ke) {
                return s.ke;
            }
        }
    }
    return 0;
}

bool ike_v1_sayable(const struct ike_proposals *p)
{
    struct ike_suite s;
    bool any = false;
    for (unsigned i = 0; i < p->n && !any; i++) {
        any = ike_v1_combination(p, i, false, 0, 0, &s);
    }
    return any;
}

static void put_life(struct ike_wr *w, uint16_t type, uint16_t duration, uint16_t unit, uint64_t v)
{
    if (v) {
        ike_v1_put_attr_uint(w, type, unit);
        ike_v1_put_attr_uint(w, duration, v);
    }
}

static void put_number(struct ike_wr *w, uint16_t type, uint16_t v)
{
    if (v) {
        ike_v1_put_attr_uint(w, type, v);
    }
}

static void put_attributes1(struct ike_wr *w, const struct ike_suite *s, const struct ike_v1_terms *t)
{
    put_number(w, IKE_A1_ENCR, ike_v1_number(IKE_M1_ENCR, s->encr));
    put_number(w, IKE_A1_BITS, s->encr_bits);
    put_number(w, IKE_A1_HASH, ike_v1_number(IKE_M1_HASH, s->prf));
    put_number(w, IKE_A1_AUTH, t->auth);
    put_number(w, IKE_A1_GROUP, ike_v1_number(IKE_M1_KE, s->ke));
    put_life(w, IKE_A1_LIFE_TYPE, IKE_A1_LIFE, IKE_LIFE1_SECONDS, t->life_s);
    put_life(w, IKE_A1_LIFE_TYPE, IKE_A1_LIFE, IKE_LIFE1_KILOBYTES, t->life_kb);
}

static void put_attributes2(struct ike_wr *w, const struct ike_suite *s, const struct ike_v1_terms *t)
{
    put_life(w, IKE_A2_LIFE_TYPE, IKE_A2_LIFE, IKE_LIFE1_SECONDS, t->life_s);
    put_life(w, IKE_A2_LIFE_TYPE, IKE_A2_LIFE, IKE_LIFE1_KILOBYTES, t->life_kb);
    put_number(w, IKE_A2_GROUP, ike_v1_number(IKE_M1_KE, s->ke));
    put_number(w, IKE_A2_MODE, t->mode);
    put_number(w, IKE_A2_AUTH, ike_v1_number(IKE_M1_AUTH, s->integ));
    put_number(w, IKE_A2_BITS, s->encr_bits);
    put_number(w, IKE_A2_ESN, s->esn);
}

/* Length, as every length, is set when the end is known. */
static size_t begin_transform(struct ike_chain *c, struct ike_sub_list *l, uint8_t number, uint8_t id)
{
    const size_t at = c->w.len;
    l->last_at = at;
    l->n++;
    ike_wr_u32(&c->w, (uint32_t)IKE_SUB_TRANSFORMS << 24);
    ike_wr_u8(&c->w, number);
    ike_wr_u8(&c->w, id);
    ike_wr_u16(&c->w, 0);
    return at;
}

void ike_v1_put_transform(struct ike_chain *c, struct ike_sub_list *l, const struct ike_suite *s, const struct ike_v1_terms *t)
{
    const uint8_t id = s->protocol == IKE_PROTO_IKE      ? IKE_KEY1_IKE
                       : s->protocol == IKE_PROTO_AH     ? (uint8_t)ike_v1_number(IKE_M1_AH, s->integ)
                       : s->protocol == IKE_PROTO_IPCOMP ? IKE_COMP1_DEFLATE
                                                         : (uint8_t)ike_v1_number(IKE_M1_ESP, s->encr);
    const size_t at = begin_transform(c, l, (uint8_t)(l->n + 1), id);
    if (s->protocol == IKE_PROTO_IKE) {
        put_attributes1(&c->w, s, t);
    } else {
        put_attributes2(&c->w, s, t);
    }
    ike_wr_fix16(&c->w, at + 2, c->w.len - at);
}

size_t ike_v1_begin_sa(struct ike_chain *c)
{
    const size_t at = ike_chain_begin(c, IKE_P1_SA);
    ike_wr_u32(&c->w, IKE_V1_DOI_IPSEC);
    ike_wr_u32(&c->w, IKE_V1_SIT_IDENTITY_ONLY);
    return at;
}

/* What an earlier proposal has as well was sent already. */
static bool earlier(const struct ike_proposals *p, unsigned i, const struct ike_suite *s)
{
    while (i-- != 0) {
        if (ike_v1_fit(p, i, s) == 0) {
            return true;
        }
    }
    return false;
}

void ike_v1_put_sa(struct ike_chain *c, const struct ike_proposals *p, const struct ike_v1_terms *t, uint16_t only_ke)
{
    struct ike_sub_list proposals = {0}, transforms = {0};
    struct ike_suite s;
    const size_t at = ike_v1_begin_sa(c);
    const size_t start = ike_begin_proposal(c, &proposals, 1, IKE_PROTO1_ISAKMP, NULL, 0);
    for (unsigned i = 0; i < p->n; i++) {
        for (unsigned k = 0; transforms.n < IKE_OFFER_PER_PROPOSAL && ike_v1_combination(p, i, only_ke != 0, only_ke, k, &s);
             k++) {
            if (!earlier(p, i, &s)) {
                ike_v1_put_transform(c, &transforms, &s, t);
            }
        }
    }
    c->w.bad |= transforms.n == 0; /* no transform at all is malformed */
    ike_end_proposal(c, start, &transforms);
    ike_end_list(c, &proposals);
    ike_chain_end(c, at);
}

/* RFC 2408 section 4.2: the responder keeps the numbers and must not change an attribute. */
void ike_v1_put_choice(struct ike_chain *c, struct ike_sub_list *proposals, const struct ike_v1_choice *x, uint8_t protocol,
                       const uint8_t *spi, uint8_t spi_len)
{
    struct ike_sub_list transforms = {0};
    const size_t start = ike_begin_proposal(c, proposals, x->number, protocol, spi, spi_len);
    const size_t transform = begin_transform(c, &transforms, x->transform_number, x->transform_id);
    ike_wr_bytes(&c->w, x->attrs);
    ike_wr_fix16(&c->w, transform + 2, c->w.len - transform);
    ike_end_proposal(c, start, &transforms);
}

void ike_v1_put_sa_answer(struct ike_chain *c, const struct ike_v1_choice *x, uint8_t protocol, const uint8_t *spi,
                          uint8_t spi_len)
{
    struct ike_sub_list proposals = {0};
    const size_t at = ike_v1_begin_sa(c);
    ike_v1_put_choice(c, &proposals, x, protocol, spi, spi_len);
    ike_end_list(c, &proposals);
    ike_chain_end(c, at);
}
