/* SPDX-License-Identifier: ISC
 *
 * Proposals of Quick Mode that belong together: AH around ESP, IPComp inside (RFC 2408 section 4.2, RFC 2407 section 4.4). Same
 * number: all of them or none; another number: an alternative.
 */
#include "proposal/offer.h"
#include "proposal/substructure.h"
#include "proposal/v1_offer.h"
#include "proposal/v1_put.h"
#include <limits.h>

/* ---- Offering ------------------------------------------------------------------------------------------------------------- */

/* The first proposals and transforms that are within the limits a peer like ourselves has. */
struct offering {
    struct ike_chain *c;
    const struct ike_v1_want *w;
    const uint32_t *spi;
    uint16_t ke;
    struct ike_sub_list proposals;
    unsigned number, transforms;
};

/* Whether proposal i of AH leaves the group to the other protocol. */
static bool any_group(const struct ike_proposals *p, unsigned i) { return ike_proposal_allows(p, i, IKE_T_KE, 0, 0); }

/* The group that proposal i has to have for this one to be used: where two peers have one of their own, its first. */
static uint16_t listed(const struct ike_proposals *p, unsigned i, uint16_t ke)
{
    for (unsigned k = p->first[i]; ke >= IKE_KE_PRIVATE && k < p->first[i + 1]; k++) {
        ke = p->transforms[k].type == IKE_T_KE && p->transforms[k].id ? p->transforms[k].id : ke;
    }
    return ke;
}

/* A combination of proposal i for the group of this Quick Mode. */
static bool combination(const struct ike_proposals *p, unsigned i, bool around, uint16_t ke, unsigned at, struct ike_suite *s)
{
    const bool any = around && any_group(p, i);
    if (!ike_v1_combination(p, i, true, any ? 0 : listed(p, i, ke), at, s)) {
        return false;
    }
    s->ke = ke;
    return true;
}

static void put_proposal(struct offering *o, const struct ike_proposals *p, unsigned i, unsigned place)
{
    struct ike_sub_list transforms = {0};
    struct ike_suite s;
    uint8_t own[4];
    ike_store32(own, o->spi[place]);
    const size_t start = ike_begin_proposal(o->c, &o->proposals, (uint8_t)o->number, p->protocol, own, sizeof own);
    while (transforms.n < IKE_OFFER_PER_PROPOSAL && o->transforms < IKE_OFFER_TRANSFORMS &&
           combination(p, i, place == IKE_V1_AROUND, o->ke, transforms.n, &s)) {
        ike_v1_put_transform(o->c, &transforms, &s, &o->w->terms);
        o->transforms++;
    }
    ike_end_proposal(o->c, start, &transforms);
}

/* Two octets are how a CPI is best sent (RFC 3173 section 4.1). */
static void put_ipcomp(struct offering *o)
{
    const struct ike_suite s = {.protocol = IKE_PROTO_IPCOMP, .ke = o->ke};
    struct ike_sub_list transforms = {0};
    uint8_t cpi[2];
    ike_store16(cpi, (uint16_t)o->spi[IKE_V1_INSIDE]);
    const size_t start = ike_begin_proposal(o->c, &o->proposals, (uint8_t)o->number, IKE_PROTO1_IPCOMP, cpi, sizeof cpi);
    ike_v1_put_transform(o->c, &transforms, &s, &o->w->terms);
    o->transforms++;
    ike_end_proposal(o->c, start, &transforms);
}

/* From outside, as they will be on the wire. j: of around; ignored where there is none. */
static void put_one(struct offering *o, unsigned i, unsigned j, bool compress)
{
    const struct ike_proposals *around = o->w->around;
    const unsigned n = 1u + (around != NULL) + compress;
    struct ike_suite s;
    if (o->proposals.n + n > IKE_OFFER_PROPOSALS || o->transforms + n > IKE_OFFER_TRANSFORMS ||
        !combination(o->w->main, i, false, o->ke, 0, &s) || (around && !combination(around, j, true, o->ke, 0, &s))) {
        return;
    }
    o->number++;
    if (around) {
        put_proposal(o, around, j, IKE_V1_AROUND);
    }
    put_proposal(o, o->w->main, i, IKE_V1_MAIN);
    if (compress) {
        put_ipcomp(o);
    }
}

void ike_v1_put_bundles(struct ike_chain *c, const struct ike_v1_want *w, const uint32_t spi[IKE_V1_PLACES], uint16_t ke)
{
    struct offering o = {.c = c, .w = w, .spi = spi, .ke = ke};
    const size_t at = ike_v1_begin_sa(c);
    for (int compress = w->compress; compress >= 0; compress--) {
        for (unsigned i = 0; i < w->main->n; i++) {
            for (unsigned j = 0; j < (w->around ? w->around->n : 1u); j++) {
                put_one(&o, i, j, compress);
            }
        }
    }
    c->w.bad |= o.proposals.n == 0;
    ike_end_list(c, &o.proposals);
    ike_chain_end(c, at);
}

/* ---- Choosing ------------------------------------------------------------------------------------------------------------- */

/* Proposals of one number, which follow on each other. */
struct run {
    unsigned seen;              /* places, a bit each */
    bool odd;                   /* a protocol that is not wanted, or one twice */
    unsigned at[IKE_V1_PLACES]; /* which of ours fits, NONE if none does */
    struct ike_v1_bundle b;
};
enum { NONE = 64 };

static int place_of(const struct ike_v1_want *w, uint8_t protocol)
{
    return protocol == w->main->protocol                  ? IKE_V1_MAIN
           : protocol == IKE_PROTO1_AH && w->around       ? IKE_V1_AROUND
           : protocol == IKE_PROTO1_IPCOMP && w->compress ? IKE_V1_INSIDE
                                                          : -1;
}

/* 0 is any: the drafts of RFC 3947 had other numbers, and peers mix them. */
static bool same_mode(uint16_t offered, uint16_t wanted)
{
    static const uint16_t drafts = IKE_MODE1_UDP_TUNNEL_DRAFT - IKE_MODE1_UDP_TUNNEL;
    const uint16_t a = offered > drafts ? (uint16_t)(offered - drafts) : offered,
                   b = wanted > drafts ? (uint16_t)(wanted - drafts) : wanted;
    const bool udp = b == IKE_MODE1_UDP_TUNNEL || b == IKE_MODE1_UDP_TRANSPORT;
    return offered == 0 || wanted == 0 || offered == wanted || (udp && a == b);
}

/* There is one header for the tunnel however many protocols are in it: those that are around another one may say either. */
static bool mode_fits(const struct ike_v1_want *w, unsigned place, uint16_t mode)
{
    const uint16_t transport = w->terms.mode > IKE_MODE1_TRANSPORT ? IKE_MODE1_UDP_TRANSPORT : IKE_MODE1_TRANSPORT;
    return same_mode(mode, w->terms.mode) || (place != IKE_V1_MAIN && same_mode(mode, transport));
}

/* The first of ours that a transform fits, before `best`. */
static unsigned fit(const struct ike_v1_want *w, unsigned place, const struct ike_v1_transform *t, unsigned best)
{
    const struct ike_proposals *p = place == IKE_V1_MAIN ? w->main : w->around;
    if (t->bad || !t->spi_good || !mode_fits(w, place, t->x.terms.mode)) {
        return best;
    }
    if (place == IKE_V1_INSIDE) {
        return 0;
    }
    if (!ike_v1_life_fits(&t->x.terms, &w->terms)) {
        return best;
    }
    for (unsigned i = 0; i < p->n && i < best; i++) {
        struct ike_suite s = t->x.suite;
        s.ke = place == IKE_V1_AROUND && any_group(p, i) ? 0 : s.ke && s.ke == w->private_ke ? listed(p, i, s.ke) : s.ke;
        if (ike_v1_fit(p, i, &s) == 0) {
            return i;
        }
    }
    return best;
}

static void begin_proposal(struct run *r, int place)
{
    if (place < 0 || r->seen & 1u << place) {
        r->odd = true;
        return;
    }
    r->seen |= 1u << place;
    r->at[place] = NONE;
    r->b.place[r->b.n++] = (uint8_t)place;
}

static void take(struct run *r, const struct ike_v1_want *w, unsigned place, const struct ike_v1_transform *t)
{
    const unsigned at = fit(w, place, t, r->at[place]);
    if (at < r->at[place]) {
        r->at[place] = at;
        for (unsigned i = 0; i < r->b.n; i++) {
            if (r->b.place[i] == place) {
                r->b.part[i] = t->x;
            }
        }
    }
}

/* The lower the better; NONE or more: not to be had. */
static unsigned rank(const struct run *r, const struct ike_v1_want *w)
{
    const unsigned must = 1u << IKE_V1_MAIN | (w->around ? 1u << IKE_V1_AROUND : 0u);
    unsigned worst = 0;
    if (r->odd || (r->seen & must) != must) {
        return UINT_MAX;
    }
    for (unsigned i = 0; i < r->b.n; i++) {
        worst = r->at[r->b.place[i]] > worst ? r->at[r->b.place[i]] : worst;
    }
    if (worst >= NONE) {
        return UINT_MAX;
    }
    const bool plain = w->compress && !(r->seen & 1u << IKE_V1_INSIDE);
    return (plain ? NONE * NONE : 0u) + r->at[IKE_V1_MAIN] * NONE + (w->around ? r->at[IKE_V1_AROUND] : 0u);
}

/* RFC 2409 section 5.5: one group for all, with a KE payload, or none. A CPI needs no keys, so IPComp may leave it out. */
struct groups {
    uint16_t group;
    bool with, without, two, spis_bad;
};

static void count_group(struct groups *g, const struct ike_v1_transform *t)
{
    const bool keyed = t->protocol != IKE_PROTO1_IPCOMP;
    g->without |= keyed && t->group == 0;
    g->with |= t->group != 0;
    g->two |= t->group != 0 && g->group != 0 && t->group != g->group;
    g->group = t->group ? t->group : g->group;
    g->spis_bad |= keyed && !t->spi_good;
}

/* Numbers that stand at two places, a bit each: it cannot be said what belongs to what. */
static void find_scattered(const struct ike_payload *sa, uint32_t scattered[8])
{
    struct ike_v1_walk w = ike_v1_walk(sa, true);
    struct ike_v1_transform t;
    uint32_t seen[8] = {0};
    int last = -1;
    memset(scattered, 0, 8 * sizeof *scattered);
    while (ike_v1_walk_next(&w, &t)) {
        const uint32_t bit = 1u << t.x.number % 32;
        if (t.x.number != last) {
            scattered[t.x.number / 32] |= seen[t.x.number / 32] & bit;
            seen[t.x.number / 32] |= bit;
        }
        last = t.x.number;
    }
}

int ike_v1_select_bundle(const struct ike_v1_want *w, const struct ike_payload *sa, uint16_t ke_payload,
                         struct ike_v1_bundle *out)
{
    struct ike_v1_walk walk = ike_v1_walk(sa, true);
    struct ike_v1_transform t;
    struct groups g = {0};
    struct run r = {0};
    uint32_t scattered[8];
    unsigned proposal = UINT_MAX, best = UINT_MAX;
    int number = -1, place = -1;
    *out = (struct ike_v1_bundle){0};
    find_scattered(sa, scattered);
    while (ike_v1_walk_next(&walk, &t)) {
        if (t.x.number != number) {
            const unsigned k = rank(&r, w);
            *out = k < best ? r.b : *out;
            best = k < best ? k : best;
            r = (struct run){.odd = scattered[t.x.number / 32] >> t.x.number % 32 & 1};
            number = t.x.number;
        }
        if (t.proposal != proposal) {
            proposal = t.proposal;
            place = place_of(w, t.protocol);
            begin_proposal(&r, place);
        }
        count_group(&g, &t);
        if (!r.odd) {
            take(&r, w, (unsigned)place, &t);
        }
    }
    const unsigned k = rank(&r, w);
    *out = k < best ? r.b : *out;
    best = k < best ? k : best;
    if (walk.rc != IKE_OK || g.spis_bad) {
        return walk.rc != IKE_OK ? walk.rc : IKE_ERR_PROTO;
    }
    return g.two || (ke_payload ? g.without : g.with) || best == UINT_MAX ? IKE_ERR_NOT_FOUND : IKE_OK;
}

/* ---- Answering ------------------------------------------------------------------------------------------------------------ */

void ike_v1_put_bundle_answer(struct ike_chain *c, const struct ike_v1_bundle *b, const uint32_t spi[IKE_V1_PLACES])
{
    struct ike_sub_list proposals = {0};
    const size_t at = ike_v1_begin_sa(c);
    for (unsigned i = 0; i < b->n; i++) {
        uint8_t own[4];
        const size_t skip = 4u - b->part[i].spi_len; /* a CPI as long as the peer's */
        ike_store32(own, spi[b->place[i]]);
        ike_v1_put_choice(c, &proposals, &b->part[i], b->part[i].suite.protocol, own + skip, b->part[i].spi_len);
    }
    ike_end_list(c, &proposals);
    ike_chain_end(c, at);
}

/* Peers that answer with a bundle may add what they would have taken without IPComp, with the same SPIs (seen of strongSwan): it
 * says nothing new, and the first number is what both can have. */
static bool repeats(const struct run *r, int place, const struct ike_v1_transform *t)
{
    for (unsigned i = 0; r->seen & 1u << IKE_V1_INSIDE && place != IKE_V1_INSIDE && i < r->b.n; i++) {
        if (r->b.place[i] == place) {
            return memcmp(r->b.part[i].spi, t->x.spi, sizeof t->x.spi) == 0;
        }
    }
    return false;
}

/* Exactly the terms that were sent; a CPI has no keys, so its group may be missing. */
static bool same_terms(const struct ike_v1_want *w, int place, uint16_t ke, const struct ike_v1_transform *t)
{
    const struct ike_v1_terms *a = &t->x.terms, *b = &w->terms;
    return a->mode == b->mode && a->life_s == b->life_s && a->life_kb == b->life_kb &&
           (t->x.suite.ke == ke || (place == IKE_V1_INSIDE && t->group == 0));
}

int ike_v1_check_bundle(const struct ike_v1_want *w, const struct ike_payload *sa, uint16_t ke, struct ike_v1_bundle *out)
{
    struct ike_v1_walk walk = ike_v1_walk(sa, true);
    struct ike_v1_transform t;
    struct run r = {0};
    unsigned proposal = UINT_MAX;
    bool good = true, spis = true;
    while (ike_v1_walk_next(&walk, &t)) {
        const int place = place_of(w, t.protocol);
        if (r.b.n && t.x.number != r.b.part[0].number) {
            good &= repeats(&r, place, &t);
            continue;
        }
        good &= t.proposal != proposal; /* one transform each */
        proposal = t.proposal;
        begin_proposal(&r, place);
        if (r.odd || !good) {
            break;
        }
        spis &= t.spi_good;
        take(&r, w, (unsigned)place, &t);
        good &= r.at[place] < NONE && same_terms(w, place, ke, &t) &&
                (place == IKE_V1_INSIDE || t.x.suite.esn == ike_v1_esn(place == IKE_V1_MAIN ? w->main : w->around, r.at[place]));
        r.b.part[r.b.n - 1] = t.x;
    }
    while (ike_v1_walk_next(&walk, &t)) {
        /* to the end: what is malformed is so as a whole */
    }
    if (walk.rc != IKE_OK || !spis) {
        return walk.rc != IKE_OK ? walk.rc : IKE_ERR_PROTO;
    }
    *out = r.b;
    return good && rank(&r, w) != UINT_MAX ? IKE_OK : IKE_ERR_NOT_FOUND;
}
