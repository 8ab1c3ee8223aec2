/* SPDX-License-Identifier: ISC
 *
 * Choosing from an offer, checking an answer, and saying what kept them apart (RFC 7296 sections 2.7, 3.3.6).
 */
#include "proposal/keywords.h"
#include "proposal/merge.h"
#include "proposal/offer.h"
#include "proposal/proposal.h"

#define TYPE_BIT(t) (1u << ((t) < 16 ? (t) : 15))

/* One of our proposals against one of the peer's. */
struct fit {
    struct ike_suite suite; /* where a type does not fit: our first transform */
    unsigned bad;           /* types that do not fit, one bit each */
    bool ke_wanted;         /* the KE is that of the payload that came along */
    bool suite_wanted;      /* all else is what we have now */
};

/* What the peer's proposal has of one type, seen from one of ours. */
struct pick {
    unsigned offered; /* transforms of the type, usable or not */
    bool found, none_offered, preferred;
    const struct ike_transform *t; /* the choice when found, else our first or NULL */
};

/* The first of the peer's transforms that we have too, or the preferred one if it is among them. Within a type the peer's order
 * decides, since we accept each of these. `id` and `bits` are what is preferred. */
static struct pick pick(const struct ike_proposals *ours, unsigned i, const struct ike_offer *o,
                        const struct ike_offer_proposal *p, uint8_t type, uint16_t id, uint16_t bits)
{
    struct pick r = {0};
    for (unsigned k = ours->first[i]; k < ours->first[i + 1] && r.t == NULL; k++) {
        r.t = ours->transforms[k].type == type ? &ours->transforms[k] : NULL;
    }
    for (unsigned j = p->first; j < (unsigned)p->first + p->n; j++) {
        const struct ike_offer_transform *x = &o->t[j];
        if (x->type != type) {
            continue;
        }
        r.offered++;
        /* NONE beside real groups makes the key exchange optional. */
        r.none_offered |= x->usable && x->id == 0;
        for (unsigned k = ours->first[i]; x->usable && k < ours->first[i + 1]; k++) {
            const struct ike_transform *t = &ours->transforms[k];
            if (t->type != type || t->id != x->id || t->bits != x->bits || (r.found && r.preferred)) {
                continue;
            }
            const bool preferred = t->id == id && t->bits == bits;
            if (!r.found || preferred) {
                r.t = t;
                r.preferred = preferred;
            }
            r.found = true;
        }
    }
    return r;
}

/* Whether proposal i of ours has the transform; *any says whether it has the type at all. */
static bool ours_has(const struct ike_proposals *ours, unsigned i, uint8_t type, uint16_t id, bool *any)
{
    bool found = false;
    *any = false;
    for (unsigned k = ours->first[i]; k < ours->first[i + 1]; k++) {
        *any |= ours->transforms[k].type == type;
        found |= ours->transforms[k].type == type && ours->transforms[k].id == id;
    }
    return found;
}

/* Key exchange. Absent and NONE mean the same; an IKE SA cannot do without. */
static void fit_ke(struct fit *f, const struct ike_proposals *ours, unsigned i, const struct ike_offer *o,
                   const struct ike_offer_proposal *p, const struct ike_select_args *a)
{
    const struct pick c = pick(ours, i, o, p, IKE_T_KE, a->prefer_ke, 0);
    bool we_ask;
    /* Without a word about groups, or with `nopfs` among them, we do without. Where no key exchange is made at all, as in
     * IKE_AUTH, our groups do not count. */
    const bool we_take_none = (ours_has(ours, i, IKE_T_KE, 0, &we_ask) || !we_ask || !a->with_ke) && p->protocol != IKE_PROTO_IKE;
    const bool none = we_take_none && (c.offered == 0 || c.none_offered);
    f->suite.ke = c.t ? c.t->id : 0;
    f->ke_wanted = c.found && c.preferred;
    /* Chosen only if nothing better is at hand: a KE payload that came along is used where both sides know its group. */
    if (!a->with_ke || (none && (!c.found || a->prefer_ke == 0))) {
        f->suite.ke = 0;
        /* Without a KE payload, doing without is the choice that needs no second round trip. */
        f->ke_wanted = a->prefer_ke == 0;
        f->bad |= none ? 0 : TYPE_BIT(IKE_T_KE);
    } else if (!c.found) {
        f->bad |= TYPE_BIT(IKE_T_KE);
    }
}

/* What is wrong with the peer's proposal whatever we have: kinds of transforms that do not belong, ciphers with and without
 * their own integrity together (RFC 7296 section 3.3), integrity beside an AEAD (RFC 5282 section 8). */
static unsigned flaws(const struct ike_offer *o, const struct ike_offer_proposal *p, bool *aead)
{
    /* A proposal with transforms that do not belong is not repaired by ignoring them: a type that is not understood makes
     * the proposal unacceptable (section 3.3.6), and an answer has one of each type (section 2.7). */
    const bool ike = p->protocol == IKE_PROTO_IKE;
    bool plain = false, integ = false;
    unsigned bad = 0;
    *aead = false;
    for (unsigned j = p->first; j < (unsigned)p->first + p->n; j++) {
        const struct ike_offer_transform *t = &o->t[j];
        const unsigned traits = t->type == IKE_T_ENCR ? ike_encr_traits(t->id) : 0;
        *aead |= (traits & IKE_ENCR_AEAD) != 0;
        plain |= traits != 0 && !(traits & IKE_ENCR_AEAD);
        integ |= t->type == IKE_T_INTEG && t->id != 0;
        /* Types above ESN belong to extensions nobody negotiated with us. */
        if (t->type > IKE_T_ESN || t->type == 0 || (t->type == IKE_T_PRF && !ike) || (t->type == IKE_T_ESN && ike) ||
            (t->type == IKE_T_ENCR && p->protocol == IKE_PROTO_AH)) {
            bad |= TYPE_BIT(t->type);
        }
    }
    if (*aead && plain) {
        bad |= TYPE_BIT(IKE_T_ENCR);
    }
    if (*aead && integ) {
        bad |= TYPE_BIT(IKE_T_INTEG);
    }
    return bad;
}

/* Fills f for one pair, what fits and what does not: the caller takes the best pair, and for a failure record the nearest
 * miss. Nothing stops at the first difference, as their number measures how near it was. */
static void fit(struct fit *f, const struct ike_proposals *ours, unsigned i, const struct ike_offer *o,
                const struct ike_offer_proposal *p, const struct ike_select_args *a)
{
    static const struct ike_suite no_preference = {.esn = UINT16_MAX}; /* 0 would be a value */
    const struct ike_suite *now = a->prefer ? a->prefer : &no_preference;
    const bool ike = p->protocol == IKE_PROTO_IKE;
    bool aead;
    memset(f, 0, sizeof *f);
    f->suite.protocol = p->protocol;
    f->bad = flaws(o, p, &aead);
    /* Each type by itself: a proposal offers every combination of its transforms (section 3.3). */
    unsigned found = 0;
    for (uint8_t type = IKE_T_ENCR; type <= IKE_T_ESN; type++) {
        if (type != IKE_T_KE) {
            const bool encr = type == IKE_T_ENCR;
            const struct pick c = pick(ours, i, o, p, type, ike_suite_has(now, type), encr ? now->encr_bits : 0);
            *ike_suite_id(&f->suite, type) = c.t ? c.t->id : 0;
            f->suite.encr_bits = encr && c.t ? c.t->bits : f->suite.encr_bits;
            found |= c.found ? TYPE_BIT(type) : 0;
        }
    }
    /* What a protocol cannot do without (section 3.3.3). */
    const unsigned needed = (p->protocol != IKE_PROTO_AH ? TYPE_BIT(IKE_T_ENCR) : 0) | (aead ? 0 : TYPE_BIT(IKE_T_INTEG)) |
                            (ike ? TYPE_BIT(IKE_T_PRF) : TYPE_BIT(IKE_T_ESN));
    f->bad |= needed & ~found;
    if (!(found & TYPE_BIT(IKE_T_ENCR)) && f->suite.integ && aead) {
        f->bad &= ~TYPE_BIT(IKE_T_INTEG); /* we want a plain cipher: that is the difference, not what follows from it */
    }
    /* The key exchange has its own mark, and ESN is no algorithm. */
    f->suite_wanted = a->prefer != NULL && f->suite.encr == now->encr && f->suite.encr_bits == now->encr_bits &&
                      f->suite.prf == now->prf && f->suite.integ == now->integ;
    fit_ke(f, ours, i, o, p, a);
}

static uint8_t count_bits(unsigned v)
{
    uint8_t n = 0;
    for (; v != 0; v &= v - 1) {
        n++;
    }
    return n;
}

/* Keep the nearest miss. Fewest differing types wins, the earlier pair among equals. `type` names the difference only if
 * there is just one. */
static void explain(struct ike_mismatch *why, const struct fit *f, const struct ike_offer *o, const struct ike_offer_proposal *p)
{
    const uint8_t n = count_bits(f->bad);
    if (why->number != 0 && n >= why->n_types) {
        return;
    }
    memset(why, 0, sizeof *why);
    why->number = p->number;
    why->n_types = n;
    why->wanted = f->suite;
    unsigned at = 0;
    while (n == 1 && !(f->bad & 1u << at)) {
        at++;
    }
    why->type = (uint8_t)at;
    for (unsigned j = p->first, k = 0; n == 1 && k < IKE_COUNT(why->offered) && j < (unsigned)p->first + p->n; j++) {
        if (o->t[j].type == why->type) {
            why->offered[k] = o->t[j].id;
            why->offered_bits[k++] = o->t[j].bits;
        }
    }
}

/* An ESP SPI below 256 is reserved, 0 means none on the wire (RFC 4303 section 2.1); a rekeyed IKE SA cannot have the SPI 0
 * (RFC 7296 section 3.1). */
static bool spi_good(const struct ike_offer_proposal *p)
{
    return p->spi_len == 4 ? ike_load32(p->spi) >= 256 : p->spi_len == 0 || !ike_is_zero(p->spi, p->spi_len);
}

/* The SPI is copied, so the selection outlives the message. Its length was checked against the array by the caller. */
static void take(struct ike_selection *out, const struct ike_suite *s, const struct ike_offer_proposal *p)
{
    memset(out, 0, sizeof *out);
    out->suite = *s;
    out->number = p->number;
    out->spi_len = p->spi_len;
    memcpy(out->spi, p->spi, p->spi_len);
}

int ike_select_from(const struct ike_proposals *ours, const struct ike_offer *o, const struct ike_select_args *args,
                    struct ike_selection *out, struct ike_mismatch *why)
{
    int best = -1;
    if (IKE_WITH_RECORDS && why) {
        memset(why, 0, sizeof *why);
    }
    /* All of them first: whether an offer is malformed must not depend on which proposal is chosen. */
    for (unsigned j = 0; j < o->n; j++) {
        if (o->p[j].protocol == ours->protocol && o->p[j].spi_len == args->spi_len && !spi_good(&o->p[j])) {
            return IKE_ERR_PROTO;
        }
    }
    /* The group of the KE payload saves a round trip, then what is in use now saves trouble; else the first in order. */
    for (unsigned i = 0; i < ours->n && best < 3; i++) {
        for (unsigned j = 0; j < o->n && best < 3; j++) {
            struct fit f;
            if (o->p[j].protocol != ours->protocol || o->p[j].spi_len != args->spi_len || args->spi_len > sizeof out->spi) {
                continue;
            }
            fit(&f, ours, i, o, &o->p[j], args);
            if (f.bad) {
                /* As soon as one pair fits there is nothing to explain. */
                if (IKE_WITH_RECORDS && why && best < 0) {
                    explain(why, &f, o, &o->p[j]);
                }
                continue;
            }
            /* 3 is both, and ends the search. Scores are compared with >, so among equals our earlier proposal stays. */
            const int score = 2 * f.ke_wanted + (f.suite_wanted || args->prefer == NULL);
            if (score > best) {
                best = score;
                take(out, &f.suite, &o->p[j]);
            }
        }
    }
    return best >= 0 ? IKE_OK : IKE_ERR_NOT_FOUND;
}

/* The parsed offer is a few KiB on the stack, so no message makes us allocate. */
int ike_select(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_select_args *args,
               struct ike_selection *out, struct ike_mismatch *why)
{
    struct ike_offer o;
    int rc = ike_offer_parse(&o, sa, false);
    if (IKE_WITH_RECORDS && why) {
        memset(why, 0, sizeof *why);
    }
    return rc == IKE_OK ? ike_select_from(ours, &o, args, out, why) : rc;
}

/* Exactly one transform of each type: else the sides would go on with different suites (section 3.3.6). */
static bool one_of_each(const struct ike_offer *o, const struct ike_offer_proposal *p)
{
    unsigned seen = 0;
    for (unsigned j = p->first; j < (unsigned)p->first + p->n; j++) {
        if (seen & TYPE_BIT(o->t[j].type)) {
            return false;
        }
        seen |= TYPE_BIT(o->t[j].type);
    }
    return true;
}

/* An answer is an offer of one suite, which has to fit the proposal of ours that it is from. */
int ike_select_check(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_select_args *args,
                     struct ike_selection *out)
{
    struct ike_offer o;
    int rc = ike_offer_parse(&o, sa, true);
    if (rc != IKE_OK) {
        return rc;
    }
    const struct ike_offer_proposal *p = &o.p[0];
    /* The number ties the answer to the proposal its transforms have to come from: mixing two of ours is no suite we
     * offered. */
    const int i = ike_proposal_numbered(ours, p->number, args->with_ke);
    if (o.n != 1 || i < 0 || p->protocol != ours->protocol || p->spi_len != args->spi_len || p->spi_len > sizeof out->spi) {
        return IKE_ERR_NOT_FOUND;
    }
    if (!spi_good(p)) {
        return IKE_ERR_PROTO;
    }
    struct fit f;
    fit(&f, ours, (unsigned)i, &o, p, args);
    if (f.bad || !one_of_each(&o, p)) {
        return IKE_ERR_NOT_FOUND;
    }
    take(out, &f.suite, p);
    return IKE_OK;
}

/* A type that proposal i does not name is allowed to be absent only. */
bool ike_proposal_allows(const struct ike_proposals *p, unsigned i, uint8_t type, uint16_t id, uint16_t bits)
{
    bool any = false;
    for (unsigned k = p->first[i]; k < p->first[i + 1]; k++) {
        const struct ike_transform *t = &p->transforms[k];
        any |= t->type == type;
        if (t->type == type && t->id == id && t->bits == bits) {
            return true;
        }
    }
    return !any && id == 0 && bits == 0;
}

/* For a suite that is agreed already: the connection IKE_AUTH leads to need not be the one that answered IKE_SA_INIT. */
bool ike_proposals_allow(const struct ike_proposals *p, const struct ike_suite *s)
{
    for (unsigned i = 0; i < p->n && p->protocol == s->protocol; i++) {
        uint8_t type = IKE_T_ENCR;
        while (type <= IKE_T_ESN &&
               ike_proposal_allows(p, i, type, ike_suite_has(s, type), type == IKE_T_ENCR ? s->encr_bits : 0)) {
            type++;
        }
        if (type > IKE_T_ESN) {
            return true;
        }
    }
    return false;
}
