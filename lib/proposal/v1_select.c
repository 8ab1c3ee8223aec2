/* SPDX-License-Identifier: ISC
 *
 * Phase 1: choosing from an offer, checking an answer, and saying what kept them apart (RFC 2408 section 4.2, RFC 2409 sections 5
 * and 5.5).
 */
#include "proposal/keywords.h"
#include "proposal/v1_offer.h"

/* All of the structure, before any of it is judged. RFC 2409 section 5: phase 1 is one proposal. */
static int look(const struct ike_payload *sa)
{
    struct ike_v1_walk w = ike_v1_walk(sa, false);
    struct ike_v1_transform t;
    while (ike_v1_walk_next(&w, &t)) {
        /* to the end */
    }
    return w.rc == IKE_OK && w.n != 1 ? IKE_ERR_PROTO : w.rc;
}

static bool within(uint64_t v, uint64_t min, uint64_t max) { return max == 0 || (v >= min && v <= max); }

/* What an offer does not limit is 0 here, which only a range from 0 on takes. */
bool ike_v1_life_fits(const struct ike_v1_terms *offered, const struct ike_v1_terms *want)
{
    return within(ike_v1_life_offered(offered), want->min_s, want->max_s) && within(offered->life_kb, want->min_kb, want->max_kb);
}

/* In what a transform differs from all that proposal i allows. */
static unsigned differences(const struct ike_proposals *ours, unsigned i, const struct ike_v1_transform *t,
                            const struct ike_v1_terms *want)
{
    return t->bad | ike_v1_fit(ours, i, &t->x.suite) | (t->x.terms.auth == want->auth ? 0u : IKE_D1_AUTH) |
           (ike_v1_life_fits(&t->x.terms, want) ? 0u : IKE_D1_LIFE);
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
    why->wanted.ke = d & IKE_D1_KE ? like->ke : t->x.suite.ke;
}

static uint16_t value_of(const struct ike_v1_choice *x, uint8_t type)
{
    switch (type) {
    case IKE_T_ENCR:
        return x->suite.encr;
    case IKE_T_PRF:
        return x->suite.prf;
    case IKE_T_KE:
        return x->suite.ke;
    case IKE_T1_AUTH:
        return x->terms.auth;
    default:
        return 0;
    }
}

/* What the proposal that came nearest offers of the one type that differs, each once. */
static void list_offered(struct ike_mismatch *why, const struct ike_payload *sa)
{
    struct ike_v1_walk w = ike_v1_walk(sa, false);
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

int ike_v1_select(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *want,
                  struct ike_v1_choice *out, struct ike_mismatch *why)
{
    struct ike_v1_walk w = ike_v1_walk(sa, false);
    struct ike_v1_transform t;
    struct ike_suite like[16];
    unsigned best = ours->n;
    uint32_t usable = 0; /* proposals of ours that IKEv1 can express, a bit each */
    if (why) {
        memset(why, 0, sizeof *why);
    }
    const int rc = look(sa);
    if (rc != IKE_OK) {
        return rc;
    }
    for (unsigned i = 0; i < ours->n; i++) {
        usable |= ike_v1_combination(ours, i, false, 0, 0, &like[i]) ? 1u << i : 0u;
    }
    while (ike_v1_walk_next(&w, &t)) {
        for (unsigned i = 0; i < best && t.protocol == ours->protocol; i++) {
            if (!(usable & 1u << i)) {
                continue;
            }
            const unsigned d = differences(ours, i, &t, want);
            if (d == 0) {
                best = i; /* only an earlier one of ours is better now */
                *out = t.x;
            } else {
                explain(best == ours->n ? why : NULL, d, &like[i], &t);
            }
        }
    }
    if (best == ours->n && why) {
        list_offered(why, sa);
    }
    return best < ours->n ? IKE_OK : IKE_ERR_NOT_FOUND;
}

/* With the terms we sent, and nothing beside them: a transform with other attributes is bad already. */
int ike_v1_select_check(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *sent,
                        uint16_t only_ke, struct ike_v1_choice *out)
{
    struct ike_v1_walk w = ike_v1_walk(sa, false);
    struct ike_v1_transform t, more;
    const bool one = ike_v1_walk_next(&w, &t) && !ike_v1_walk_next(&w, &more);
    if (w.rc != IKE_OK) {
        return w.rc;
    }
    if (!one || t.protocol != ours->protocol || t.bad || t.x.terms.life_s != sent->life_s || t.x.terms.life_kb != sent->life_kb ||
        t.x.terms.auth != sent->auth || (only_ke && t.x.suite.ke != only_ke)) {
        return IKE_ERR_NOT_FOUND;
    }
    for (unsigned i = 0; i < ours->n; i++) {
        if (ike_v1_fit(ours, i, &t.x.suite) == 0) {
            *out = t.x;
            return IKE_OK;
        }
    }
    return IKE_ERR_NOT_FOUND;
}
