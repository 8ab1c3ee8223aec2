/* SPDX-License-Identifier: ISC
 *
 * Choosing from an offer of IKEv1, checking an answer, and saying what kept them apart (RFC 2408 section 4.2, RFC 2409 sections 5
 * and 5.5).
 */
#include "proposal/keywords.h"
#include "proposal/v1_offer.h"

/* What has to be known of a whole offer before any of it is judged. */
struct census {
    uint32_t seen[8], bundled[8]; /* numbers of proposals, a bit each: those there are, those there is more than one of */
    bool with_group, without_group, two_groups;
    uint16_t group; /* as on the wire */
    uint8_t number; /* of the first proposal for our protocol, 0: there is none */
};

static bool has_bit(const uint32_t *set, uint8_t n) { return set[n / 32] & 1u << n % 32; }
static void set_bit(uint32_t *set, uint8_t n) { set[n / 32] |= 1u << n % 32; }

/* All of the structure, and what goes for the offer as a whole. */
static int count(struct census *o, const struct ike_payload *sa, uint8_t protocol, bool phase2)
{
    struct ike_v1_walk w = ike_v1_walk(sa, phase2);
    struct ike_v1_transform t;
    unsigned proposals = 0;
    bool spis_good = true;
    memset(o, 0, sizeof *o);
    while (ike_v1_walk_next(&w, &t)) {
        if (t.proposal == proposals) { /* the first transform of the next one */
            proposals++;
            set_bit(has_bit(o->seen, t.x.number) ? o->bundled : o->seen, t.x.number);
        }
        if (t.protocol != protocol) {
            continue;
        }
        spis_good &= t.spi_good || !phase2;
        o->number = o->number ? o->number : t.x.number;
        o->without_group |= t.group == 0;
        o->with_group |= t.group != 0;
        o->two_groups |= t.group != 0 && o->group != 0 && t.group != o->group;
        o->group = t.group ? t.group : o->group;
    }
    /* RFC 2409 section 5: phase 1 is one proposal. */
    return w.rc != IKE_OK ? w.rc : !spis_good || (!phase2 && w.n != 1) ? IKE_ERR_PROTO : IKE_OK;
}

/* Ciphers with their own integrity and without. */
static bool kinds_differ(const struct ike_suite *like, const struct ike_v1_transform *t)
{
    return (ike_encr_traits(like->encr) ^ ike_encr_traits(t->x.suite.encr)) & IKE_ENCR_AEAD;
}

bool ike_v1_mode_fits(uint16_t offered, uint16_t wanted)
{
    static const uint16_t drafts = IKE_MODE1_UDP_TUNNEL_DRAFT - IKE_MODE1_UDP_TUNNEL;
    const uint16_t a = offered > drafts ? (uint16_t)(offered - drafts) : offered,
                   b = wanted > drafts ? (uint16_t)(wanted - drafts) : wanted;
    const bool udp = b == IKE_MODE1_UDP_TUNNEL || b == IKE_MODE1_UDP_TRANSPORT;
    return offered == 0 || wanted == 0 || offered == wanted || (udp && a == b);
}

static bool within(uint64_t v, uint64_t min, uint64_t max) { return max == 0 || (v >= min && v <= max); }

/* What an offer does not limit is 0 here, which only a range from 0 on takes. */
bool ike_v1_life_fits(const struct ike_v1_terms *offered, const struct ike_v1_terms *want)
{
    return within(ike_v1_life_offered(offered), want->min_s, want->max_s) && within(offered->life_kb, want->min_kb, want->max_kb);
}

/* In what a transform differs from all that proposal i allows, whose first combination is `like`. */
static unsigned differences(const struct ike_proposals *ours, unsigned i, const struct ike_suite *like,
                            const struct ike_v1_transform *t, const struct ike_v1_terms *want, bool phase2)
{
    unsigned d = t->bad | ike_v1_fit(ours, i, &t->x.suite);
    if (phase2) {
        d |= ike_v1_mode_fits(t->x.terms.mode, want->mode) ? 0u : IKE_D1_MODE;
    } else {
        d |= t->x.terms.auth == want->auth ? 0u : IKE_D1_AUTH;
    }
    d |= ike_v1_life_fits(&t->x.terms, want) ? 0u : IKE_D1_LIFE;
    /* That is the difference then, not what follows from it. */
    if ((d & IKE_D1_ENCR) && kinds_differ(like, t)) {
        d &= ~(unsigned)IKE_D1_INTEG;
    }
    return d;
}

static uint8_t count_bits(unsigned v)
{
    uint8_t n = 0;
    for (; v != 0; v &= v - 1) {
        n++;
    }
    return n;
}

/* Keep the nearest miss: fewest differences, the earlier among equals. */
static void explain(struct ike_mismatch *why, unsigned d, const struct ike_suite *like, const struct ike_v1_transform *t)
{
    const uint8_t n = count_bits(d);
    if (why == NULL || (why->number != 0 && n >= why->n_types)) {
        return;
    }
    memset(why, 0, sizeof *why);
    why->number = t->x.number;
    why->n_types = n;
    why->type = n == 1 ? ike_v1_type_of(d) : 0;
    /* Where they do not differ, what the peer offered. */
    why->wanted = *like;
    if (!(d & IKE_D1_ENCR)) {
        why->wanted.encr = t->x.suite.encr;
        why->wanted.encr_bits = t->x.suite.encr_bits;
    }
    why->wanted.prf = d & IKE_D1_PRF ? like->prf : t->x.suite.prf;
    why->wanted.integ = d & IKE_D1_INTEG || kinds_differ(like, t) ? like->integ : t->x.suite.integ;
    why->wanted.ke = d & IKE_D1_KE ? like->ke : t->x.suite.ke;
    why->wanted.esn = d & IKE_D1_ESN ? like->esn : t->x.suite.esn;
}

static uint16_t value_of(const struct ike_v1_choice *x, uint8_t type)
{
    switch (type) {
    case IKE_T_ENCR:
        return x->suite.encr;
    case IKE_T_PRF:
        return x->suite.prf;
    case IKE_T_INTEG:
        return x->suite.integ;
    case IKE_T_KE:
        return x->suite.ke;
    case IKE_T1_AUTH:
        return x->terms.auth;
    case IKE_T1_MODE:
        return x->terms.mode;
    default:
        return 0;
    }
}

/* What the proposal that came nearest offers of the one type that differs, each once. */
static void list_offered(struct ike_mismatch *why, const struct ike_payload *sa, bool phase2)
{
    struct ike_v1_walk w = ike_v1_walk(sa, phase2);
    struct ike_v1_transform t;
    size_t n = 0;
    while (why->type != 0 && n < IKE_COUNT(why->offered) && ike_v1_walk_next(&w, &t)) {
        const uint16_t id = value_of(&t.x, why->type), bits = why->type == IKE_T_ENCR ? t.x.suite.encr_bits : 0;
        bool known = id == 0 || t.x.number != why->number;
        for (size_t k = 0; k < n; k++) {
            known |= why->offered[k] == id && why->offered_bits[k] == bits;
        }
        if (!known) {
            why->offered[n] = id;
            why->offered_bits[n++] = bits;
        }
    }
}

/* Structure and the offer as a whole are good. */
static int choose(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *want, bool phase2,
                  const struct census *o, struct ike_v1_choice *out, struct ike_mismatch *why)
{
    struct ike_v1_walk w = ike_v1_walk(sa, phase2);
    struct ike_v1_transform t;
    struct ike_suite like[16];
    unsigned best = ours->n;
    uint32_t usable = 0; /* proposals of ours that IKEv1 can express, a bit each */
    for (unsigned i = 0; i < ours->n; i++) {
        usable |= ike_v1_combination(ours, i, false, 0, 0, &like[i]) ? 1u << i : 0u;
    }
    while (ike_v1_walk_next(&w, &t)) {
        if (t.protocol != ours->protocol || has_bit(o->bundled, t.x.number)) {
            continue;
        }
        for (unsigned i = 0; i < best; i++) {
            if (!(usable & 1u << i)) {
                continue;
            }
            const unsigned d = differences(ours, i, &like[i], &t, want, phase2);
            if (d == 0) {
                best = i; /* only an earlier one of ours is better now */
                *out = t.x;
            } else {
                explain(best == ours->n ? why : NULL, d, &like[i], &t);
            }
        }
    }
    if (best == ours->n && why) {
        list_offered(why, sa, phase2);
    }
    return best < ours->n ? IKE_OK : IKE_ERR_NOT_FOUND;
}

int ike_v1_select(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *want,
                  struct ike_v1_choice *out, struct ike_mismatch *why)
{
    struct census o;
    if (why) {
        memset(why, 0, sizeof *why);
    }
    const int rc = count(&o, sa, ours->protocol, false);
    return rc == IKE_OK ? choose(ours, sa, want, false, &o, out, why) : rc;
}

int ike_v1_select2(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *want,
                   uint16_t ke_payload, struct ike_v1_choice *out, struct ike_mismatch *why)
{
    struct census o;
    if (why) {
        memset(why, 0, sizeof *why);
    }
    const int rc = count(&o, sa, ours->protocol, true);
    if (rc != IKE_OK) {
        return rc;
    }
    /* RFC 2409 section 5.5: there is one KE payload, so one group, whatever is chosen. */
    if (o.two_groups || (ke_payload ? o.without_group : o.with_group)) {
        if (why) {
            *why = (struct ike_mismatch){.number = o.number, .type = IKE_T_KE, .n_types = 1};
            why->wanted = (struct ike_suite){.protocol = ours->protocol, .ke = ike_v1_ke(ours)};
            list_offered(why, sa, true);
        }
        return IKE_ERR_NOT_FOUND;
    }
    return choose(ours, sa, want, true, &o, out, why);
}

/* Whether these are the terms we sent, and nothing beside them: a transform with other attributes is bad already. */
static bool same_terms(const struct ike_v1_terms *a, const struct ike_v1_terms *b, bool phase2)
{
    return a->life_s == b->life_s && a->life_kb == b->life_kb && (phase2 ? a->mode == b->mode : a->auth == b->auth);
}

int ike_v1_select_check(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *sent,
                        uint16_t only_ke, bool phase2, struct ike_v1_choice *out)
{
    struct ike_v1_walk w = ike_v1_walk(sa, phase2);
    struct ike_v1_transform t, more;
    const bool one = ike_v1_walk_next(&w, &t) && !ike_v1_walk_next(&w, &more);
    if (w.rc != IKE_OK) {
        return w.rc;
    }
    if (!one || t.protocol != ours->protocol || t.bad || !same_terms(&t.x.terms, sent, phase2) ||
        ((phase2 || only_ke) && t.x.suite.ke != only_ke)) {
        return IKE_ERR_NOT_FOUND;
    }
    if (phase2 && !t.spi_good) {
        return IKE_ERR_PROTO;
    }
    for (unsigned i = 0; i < ours->n; i++) {
        if (ike_v1_fit(ours, i, &t.x.suite) == 0 && t.x.suite.esn == ike_v1_esn(ours, i)) {
            *out = t.x;
            return IKE_OK;
        }
    }
    return IKE_ERR_NOT_FOUND;
}
