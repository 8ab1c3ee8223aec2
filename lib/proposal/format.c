/* SPDX-License-Identifier: ISC
 *
 * Transforms, suites and offers as text: the keywords they are configured with, or numbers where there is none.
 */
#include "base/text.h"
#include "proposal/keywords.h"
#include "proposal/offer.h"
#include "proposal/proposal.h"
#include "proposal/v1_map.h"

/* For messages of failure: numbers that no keyword stands for must be told apart too, since a peer's offer may hold any. */
static void put_transform(struct ike_text *t, uint8_t type, uint16_t id, uint16_t bits)
{
    static const char *const types[] = {"type", "encr", "prf", "integ", "ke", "esn"};
    static const char *const v1_types[] = {"auth", "mode", "attribute"};
    const bool v1 = type >= IKE_T1_AUTH;
    const char *word = v1 ? ike_v1_word(type, id) : ike_keyword_of(type, id, bits);
    if (word) {
        ike_text_str(t, word);
        return;
    }
    if (v1) {
        ike_text_str(t, v1_types[type - IKE_T1_AUTH]);
    } else if (type != 0 && type < IKE_COUNT(types)) {
        ike_text_str(t, types[type]);
    } else {
        ike_text_str(t, types[0]);
        ike_text_uint(t, type);
    }
    ike_text_char(t, ':');
    ike_text_uint(t, id);
    if (bits) {
        ike_text_char(t, '/');
        ike_text_uint(t, bits);
    }
}

size_t ike_transform_format(uint8_t type, uint16_t id, uint16_t bits, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    put_transform(&t, type, id, bits);
    return t.len;
}

/* In the order people write a proposal, which is not that of the transform types. */
size_t ike_suite_format(const struct ike_suite *s, char *out, size_t n)
{
    const struct ike_transform all[] = {{IKE_T_ENCR, s->encr, s->encr_bits},
                                        {IKE_T_INTEG, s->integ, 0},
                                        {IKE_T_PRF, s->prf, 0},
                                        {IKE_T_KE, s->ke, 0},
                                        {IKE_T_ESN, s->esn, 0}};
    struct ike_text t = ike_text(out, n);
    for (size_t i = 0; i < IKE_COUNT(all); i++) {
        /* 0 means absent for every type but ESN, where it is the choice of 32-bit numbers. */
        const bool shown = all[i].type == IKE_T_ESN ? s->protocol != IKE_PROTO_IKE : all[i].id != 0;
        if (shown) {
            if (t.len) {
                ike_text_char(&t, '-');
            }
            put_transform(&t, all[i].type, all[i].id, all[i].bits);
        }
    }
    return t.len;
}

size_t ike_proposals_format(const struct ike_proposals *p, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    for (unsigned i = 0; i < p->n; i++) {
        for (unsigned k = p->first[i]; k < p->first[i + 1]; k++) {
            ike_text_str(&t, k != p->first[i] ? "-" : i != 0 ? ", " : "");
            put_transform(&t, p->transforms[k].type, p->transforms[k].id, p->transforms[k].bits);
        }
    }
    return t.len;
}

/* What was read before a fault is shown all the same: it is what explains the fault. */
size_t ike_sa_payload_format(const struct ike_payload *sa, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    struct ike_offer o;
    /* As an answer, whose proposals need not count from 1: this text is made for offers and answers alike. */
    const int rc = ike_offer_parse(&o, sa, true);
    for (unsigned i = 0; i < o.n; i++) {
        const struct ike_offer_proposal *p = &o.p[i];
        for (unsigned k = 0; k < p->n; k++) {
            const struct ike_offer_transform *x = &o.t[p->first + k];
            ike_text_str(&t, k != 0 ? "-" : i != 0 ? ", " : "");
            put_transform(&t, x->type, x->id, x->bits);
        }
    }
    if (rc != IKE_OK) {
        ike_text_str(&t, rc == IKE_ERR_PROTO ? " (malformed)" : " ...");
    }
    return t.len;
}
