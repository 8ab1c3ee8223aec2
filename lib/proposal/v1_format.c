/* SPDX-License-Identifier: ISC
 *
 * An SA payload of IKEv1 as text: the keywords its transforms would be configured with, or the numbers of IKEv1.
 */
#include "base/text.h"
#include "proposal/keywords.h"
#include "proposal/v1_offer.h"

static void put_part(struct ike_text *t, const char *word, const char *what, uint16_t number, uint16_t bits)
{
    if (word) {
        ike_text_str(t, word);
        return;
    }
    ike_text_str(t, what);
    ike_text_char(t, ':');
    ike_text_uint(t, number);
    if (bits) {
        ike_text_char(t, '/');
        ike_text_uint(t, bits);
    }
}

/* A hash is configured with the keyword of the integrity algorithm that the PRF is derived from. The numbers of PRFs are those of
 * phase 2's algorithms by chance. */
static uint16_t integ_of_prf(uint16_t prf) { return ike_v1_meaning(IKE_M1_AUTH, prf); }

static void put_transform(struct ike_text *t, const struct ike_v1_transform *x, bool phase2)
{
    const struct ike_suite *s = &x->x.suite;
    const uint16_t integ = phase2 ? s->integ : integ_of_prf(s->prf);
    if (x->protocol == IKE_PROTO1_IPCOMP) {
        put_part(t, NULL, "ipcomp", x->x.transform_id, 0);
        return;
    }
    if (x->protocol != IKE_PROTO1_AH) {
        put_part(t, s->encr ? ike_keyword_of(IKE_T_ENCR, s->encr, s->encr_bits) : NULL, "encr", x->encr, s->encr_bits);
    }
    if (x->integ) {
        ike_text_str(t, x->protocol == IKE_PROTO1_AH ? "" : "-");
        put_part(t, integ ? ike_keyword_of(IKE_T_INTEG, integ, 0) : NULL, phase2 ? "integ" : "hash", x->integ, 0);
    }
    if (x->group) {
        ike_text_char(t, '-');
        put_part(t, s->ke ? ike_keyword_of(IKE_T_KE, s->ke, 0) : NULL, "group", x->group, 0);
    }
    if (s->esn) {
        ike_text_str(t, "-esn");
    }
    const uint8_t type = phase2 ? IKE_T1_MODE : IKE_T1_AUTH;
    const uint16_t value = phase2 ? x->x.terms.mode : x->x.terms.auth;
    if (value) {
        ike_text_char(t, '-');
        put_part(t, ike_v1_word(type, value), phase2 ? "mode" : "auth", value, 0);
    }
    ike_text_str(t, x->bad & IKE_D1_ATTRIBUTE ? "-?" : "");
}

/* What was read before a fault is shown all the same: it is what explains the fault. */
size_t ike_v1_sa_format(const struct ike_payload *sa, bool phase2, char *out, size_t n)
{
    struct ike_text t = ike_text(out, n);
    struct ike_v1_walk w = ike_v1_walk(sa, phase2);
    struct ike_v1_transform x;
    unsigned number = 0, proposal = 0;
    while (ike_v1_walk_next(&w, &x)) {
        const bool bundled = t.len && x.proposal != proposal && x.x.number == number;
        ike_text_str(&t, t.len == 0 ? "" : bundled ? " + " : ", ");
        put_transform(&t, &x, phase2);
        number = x.x.number;
        proposal = x.proposal;
    }
    if (w.rc != IKE_OK) {
        ike_text_str(&t, w.rc == IKE_ERR_PROTO ? " (malformed)" : " ...");
    }
    return t.len;
}
