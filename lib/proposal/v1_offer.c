/* SPDX-License-Identifier: ISC
 *
 * Proposals, transforms and their attributes (RFC 2408 sections 3.4 to 3.6, RFC 2409 appendix A, RFC 2407 section 4.5).
 */
#include "proposal/v1_offer.h"
#include "proposal/keywords.h"
#include "proposal/offer.h"
#include "proposal/substructure.h"

/* What attributes mean, whatever their numbers in the two phases. */
enum field { F_UNKNOWN, F_ENCR, F_INTEG, F_AUTH, F_GROUP, F_GROUP_TYPE, F_MODE, F_BITS, F_ESN, F_LIFE_TYPE, F_LIFE, F_FIELDS };

static enum field field_of(bool phase2, uint16_t type)
{
    static const uint8_t one[] = {[IKE_A1_ENCR] = F_ENCR,
                                  [IKE_A1_HASH] = F_INTEG,
                                  [IKE_A1_AUTH] = F_AUTH,
                                  [IKE_A1_GROUP] = F_GROUP,
                                  [IKE_A1_GROUP_TYPE] = F_GROUP_TYPE,
                                  [IKE_A1_LIFE_TYPE] = F_LIFE_TYPE,
                                  [IKE_A1_LIFE] = F_LIFE,
                                  [IKE_A1_BITS] = F_BITS};
    static const uint8_t two[] = {
        [IKE_A2_LIFE_TYPE] = F_LIFE_TYPE, [IKE_A2_LIFE] = F_LIFE, [IKE_A2_GROUP] = F_GROUP, [IKE_A2_MODE] = F_MODE,
        [IKE_A2_AUTH] = F_INTEG,          [IKE_A2_BITS] = F_BITS, [IKE_A2_ESN] = F_ESN};
    if (phase2) {
        return type < IKE_COUNT(two) ? (enum field)two[type] : F_UNKNOWN;
    }
    return type < IKE_COUNT(one) ? (enum field)one[type] : F_UNKNOWN;
}

/* The values of one transform as they were read. */
struct values {
    uint16_t v[F_FIELDS]; /* 0: not there */
    unsigned life_type;   /* whose duration has to come next */
    bool bad;
};

/* A duration belongs to the type before it; 0 is no limit. A second one must not say something else. */
static void take_life(struct values *s, struct ike_v1_terms *t, const struct ike_v1_attr *a)
{
    uint64_t *const life = s->life_type == IKE_LIFE1_SECONDS ? &t->life_s : &t->life_kb;
    uint64_t v;
    if (s->life_type == 0 || !ike_v1_attr_uint(a, &v) || (*life != 0 && *life != v)) {
        s->bad = true;
        return;
    }
    *life = v;
    s->life_type = 0;
}

static void take_attribute(struct values *s, struct ike_v1_terms *t, const struct ike_v1_attr *a, enum field f)
{
    if (f == F_LIFE) {
        take_life(s, t, a);
        return;
    }
    /* All others are "basic": two octets and no length (RFC 2408 section 3.3). 0 is reserved in every registry. */
    const uint16_t v = a->tv ? ike_load16(a->value.ptr) : 0;
    if (f == F_LIFE_TYPE) {
        s->bad |= s->life_type != 0 || v < IKE_LIFE1_SECONDS || v > IKE_LIFE1_KILOBYTES;
        s->life_type = v;
        return;
    }
    s->bad |= f == F_UNKNOWN || v == 0 || s->v[f] != 0;
    s->v[f] = v;
}

/* Ciphers with keys of variable length say which; two have a length that is meant when they do not (RFC 2409 appendix A). */
static bool key_length(struct ike_suite *s, uint16_t bits)
{
    enum { ENCR_CAST = 6, ENCR_BLOWFISH = 7 };
    s->encr_bits = bits;
    if (ike_encr_traits(s->encr) & IKE_ENCR_FIXED_KEY) {
        return bits == 0;
    }
    if (bits == 0) {
        s->encr_bits = s->encr == ENCR_CAST ? 128 : s->encr == ENCR_BLOWFISH ? 448 : 0;
    }
    return s->encr_bits != 0;
}

/* Whether the type of a group that is named, too, is that of the group: MODP 1, ECP 2, EC2N 3. */
static bool group_type_good(const struct values *s)
{
    const uint16_t group = s->v[F_GROUP], type = s->v[F_GROUP_TYPE];
    const bool ec2n = group == 3 || group == 4, modp = group < 19 || (group >= 22 && group <= 24);
    return type == 0 || type == (ec2n ? 3 : modp ? 1 : 2);
}

static void judge_phase1(struct ike_v1_transform *t, const struct values *s)
{
    struct ike_suite *u = &t->x.suite;
    t->encr = s->v[F_ENCR];
    u->encr = ike_v1_meaning(IKE_M1_ENCR, t->encr);
    u->prf = ike_v1_meaning(IKE_M1_HASH, t->integ);
    t->bad |= u->encr && key_length(u, s->v[F_BITS]) ? 0u : IKE_D1_ENCR;
    t->bad |= u->prf ? 0u : IKE_D1_PRF;
    t->bad |= u->ke ? 0u : IKE_D1_KE;
    t->bad |= t->x.terms.auth ? 0u : IKE_D1_AUTH;
    t->bad |= t->x.transform_id == IKE_KEY1_IKE && group_type_good(s) ? 0u : IKE_D1_ATTRIBUTE;
}

static void judge_phase2(struct ike_v1_transform *t, const struct values *s)
{
    struct ike_suite *u = &t->x.suite;
    t->encr = t->x.transform_id;
    u->integ = ike_v1_meaning(IKE_M1_AUTH, t->integ);
    t->bad |= t->integ && !u->integ ? IKE_D1_INTEG : 0u;
    t->bad |= t->group && !u->ke ? IKE_D1_KE : 0u;
    t->bad |= s->v[F_ESN] > 1 ? IKE_D1_ESN : 0u;
    if (t->protocol == IKE_PROTO1_IPCOMP) {
        t->bad |= t->encr == IKE_COMP1_DEFLATE && !t->integ && !s->v[F_BITS] ? 0u : IKE_D1_ATTRIBUTE;
        return;
    }
    if (t->protocol == IKE_PROTO1_AH) {
        /* Said twice, and both must agree. */
        t->bad |= u->integ && u->integ == ike_v1_meaning(IKE_M1_AH, t->encr) ? 0u : IKE_D1_INTEG;
        t->bad |= s->v[F_BITS] ? IKE_D1_ATTRIBUTE : 0u;
        return;
    }
    u->encr = ike_v1_meaning(IKE_M1_ESP, t->encr);
    t->bad |= u->encr && key_length(u, s->v[F_BITS]) ? 0u : IKE_D1_ENCR;
}

/* False: not even their lengths make sense, which spoils the payload. What is wrong otherwise makes this transform useless, the
 * others stay. */
static bool take_attributes(struct ike_v1_transform *t, struct ike_rd r, bool phase2)
{
    struct values s = {0};
    struct ike_v1_attr a;
    t->x.attrs = ike_bytes_of(r.p, r.left);
    while (ike_v1_attr_next(&r, &a)) {
        take_attribute(&s, &t->x.terms, &a, field_of(phase2, a.type));
    }
    if (!ike_rd_done(&r)) {
        return false;
    }
    t->bad = s.bad || s.life_type != 0 ? IKE_D1_ATTRIBUTE : 0;
    t->x.terms.auth = s.v[F_AUTH];
    t->x.terms.mode = s.v[F_MODE];
    t->integ = s.v[F_INTEG];
    t->group = s.v[F_GROUP];
    t->x.suite.protocol = t->protocol;
    t->x.suite.ke = ike_v1_meaning(IKE_M1_KE, t->group);
    t->x.suite.esn = s.v[F_ESN];
    if (phase2) {
        judge_phase2(t, &s);
    } else {
        judge_phase1(t, &s);
    }
    return true;
}

struct ike_v1_walk ike_v1_walk(const struct ike_payload *sa, bool phase2)
{
    struct ike_v1_walk w = {.proposals = ike_rd(sa->body, sa->len), .phase2 = phase2};
    const uint32_t doi = ike_rd_u32(&w.proposals), situation = ike_rd_u32(&w.proposals);
    /* Other situations have labels behind them (RFC 2407 section 4.6.1). A payload without proposals offers nothing. */
    w.rc = doi == IKE_V1_DOI_IPSEC && situation == IKE_V1_SIT_IDENTITY_ONLY && w.proposals.left != 0 ? IKE_OK : IKE_ERR_PROTO;
    return w;
}

/* Generic header of a payload inside the payload: the body, at least `least` octets, or a bad reader. */
static struct ike_rd substructure(struct ike_rd *r, size_t least, uint8_t *next)
{
    *next = ike_rd_u8(r);
    const uint8_t reserved = ike_rd_u8(r);
    const uint16_t len = ike_rd_u16(r);
    return ike_rd_sub(r, reserved != 0 || len < 4 + least ? SIZE_MAX : (size_t)len - 4);
}

static int next_proposal(struct ike_v1_walk *w)
{
    uint8_t next;
    struct ike_rd body = substructure(&w->proposals, 4, &next);
    /* The chain and the length of the payload must agree: readers who trust only one of them would see different offers. */
    if (body.bad || next != (w->proposals.left != 0 ? IKE_SUB_PROPOSALS : IKE_SUB_LAST)) {
        return IKE_ERR_PROTO;
    }
    w->number = ike_rd_u8(&body);
    w->protocol = ike_rd_u8(&body);
    w->spi_len = ike_rd_u8(&body);
    w->left = ike_rd_u8(&body);
    w->spi = ike_rd_take(&body, w->spi_len);
    w->transforms = body;
    if (body.bad || w->left == 0 || w->spi_len > 16) {
        return IKE_ERR_PROTO;
    }
    if (w->n >= IKE_OFFER_PROPOSALS || w->left > IKE_OFFER_PER_PROPOSAL) {
        return IKE_ERR_NOT_FOUND;
    }
    w->n++;
    return IKE_OK;
}

/* Of AH and ESP four octets, of which less than 256 are reserved. A CPI is sent as two, or as four that begin with zeros (RFC
 * 3173 section 4.1); the lowest are assigned and the highest private, which nobody negotiates. */
static void take_spi(const struct ike_v1_walk *w, struct ike_v1_transform *t)
{
    const bool comp = w->protocol == IKE_PROTO1_IPCOMP;
    if (w->spi_len == 4 || (comp && w->spi_len == 2)) {
        const uint32_t spi = w->spi_len == 4 ? ike_load32(w->spi) : ike_load16(w->spi);
        t->spi_good = spi >= 256 && (!comp || spi <= 61439);
        t->x.spi_len = w->spi_len;
        ike_store32(t->x.spi, spi);
    }
}

/* The count and the chain must agree here, too, and nothing may stand behind the last one. */
static int take_transform(struct ike_v1_walk *w, struct ike_v1_transform *t)
{
    uint8_t next;
    struct ike_rd body = substructure(&w->transforms, 4, &next);
    w->left--;
    if (body.bad || next != (w->left != 0 ? IKE_SUB_TRANSFORMS : IKE_SUB_LAST) || (w->left == 0 && w->transforms.left != 0)) {
        return IKE_ERR_PROTO;
    }
    if (w->n_transforms >= IKE_OFFER_TRANSFORMS) {
        return IKE_ERR_NOT_FOUND;
    }
    w->n_transforms++;
    memset(t, 0, sizeof *t);
    t->proposal = (uint16_t)(w->n - 1);
    t->protocol = w->protocol;
    t->x.number = w->number;
    t->x.transform_number = ike_rd_u8(&body);
    t->x.transform_id = ike_rd_u8(&body);
    const uint16_t reserved = ike_rd_u16(&body);
    /* The SPI of phase 1 means nothing: the cookies are it (RFC 2408 section 3.5). */
    if (w->phase2) {
        take_spi(w, t);
    }
    return reserved == 0 && take_attributes(t, body, w->phase2) ? IKE_OK : IKE_ERR_PROTO;
}

bool ike_v1_walk_next(struct ike_v1_walk *w, struct ike_v1_transform *t)
{
    if (w->rc == IKE_OK && w->left == 0) {
        if (w->proposals.left == 0) {
            return false;
        }
        w->rc = next_proposal(w);
    }
    if (w->rc == IKE_OK) {
        w->rc = take_transform(w, t);
    }
    return w->rc == IKE_OK;
}
