/* SPDX-License-Identifier: ISC
 *
 * The SA payload of IKEv1 (RFC 2408 sections 3.4 to 3.6, RFC 2409 appendix A, RFC 2407 section 4.5). What this side is willing to
 * have is the same struct ike_proposals as for IKEv2, with the numbers of IKEv2; the wire's are translated. Where IKEv2 lists
 * transforms to combine, IKEv1 spells each combination out as one transform with attributes.
 */
#ifndef IKE_PROPOSAL_V1_H
#define IKE_PROPOSAL_V1_H

#include "crypto/private_group.h"
#include "message/v1.h"
#include "proposal/proposal.h"

/* What a transform says besides algorithms. */
struct ike_v1_terms {
    uint16_t auth;            /* phase 1: authentication method */
    uint16_t mode;            /* phase 2: encapsulation as on the wire; 0: absent */
    uint64_t life_s, life_kb; /* 0: absent */
    uint64_t min_s, max_s, min_kb, max_kb; /* of what is wanted: within which bounds an offer is; max 0: anything */
};
/* What goes for an offer without any lifetime (RFC 2407 section 4.5). */
#define IKE_V1_LIFE_DEFAULT 28800
static inline uint64_t ike_v1_life_offered(const struct ike_v1_terms *t)
{
    return t->life_s || t->life_kb ? t->life_s : IKE_V1_LIFE_DEFAULT;
}
enum ike_v1_mode {
    IKE_MODE1_TUNNEL = 1,
    IKE_MODE1_TRANSPORT = 2,
    IKE_MODE1_UDP_TUNNEL = 3,
    IKE_MODE1_UDP_TRANSPORT = 4,
    IKE_MODE1_UDP_TUNNEL_DRAFT = 61443,
    IKE_MODE1_UDP_TRANSPORT_DRAFT = 61444
};
/* Beside the transform types in ike_mismatch and, but for the first, ike_transform_format: what only IKEv1 negotiates, and an
 * attribute that is unknown, repeated or malformed. */
enum { IKE_T1_LIFE = 252, IKE_T1_AUTH = 253, IKE_T1_MODE = 254, IKE_T1_ATTRIBUTE = 255 };

/* In phase 1 suite.integ is 0: the hash is the PRF's. spi is the peer's, of phase 2; attrs is a view into the payload. */
struct ike_v1_choice {
    struct ike_suite suite;
    struct ike_v1_terms terms; /* of the chosen transform */
    uint8_t number, transform_number, transform_id;
    uint8_t spi[4];  /* a CPI is in the last two */
    uint8_t spi_len; /* as it came */
    ike_bytes attrs;
};

/* Proposals of phase 2 that belong together, which is what one number means: what is wanted of each protocol. */
struct ike_v1_want {
    const struct ike_proposals *main;   /* of ESP or AH */
    const struct ike_proposals *around; /* of AH around ESP; NULL: none. Where it names no group that of main goes */
    bool compress;                      /* IPComp inside if it can be had; preferred */
    uint16_t private_ke;                /* a group of the IKE SA's own, which stands for any that they name; 0: none */
    struct ike_v1_terms terms;
};
enum { IKE_V1_AROUND, IKE_V1_MAIN, IKE_V1_INSIDE, IKE_V1_PLACES }; /* AH, the main protocol, IPComp: from outside */
struct ike_v1_bundle {
    uint8_t n;                                /* what was chosen, in the order of the offer */
    uint8_t place[IKE_V1_PLACES];             /* of each */
    struct ike_v1_choice part[IKE_V1_PLACES];
};

/* A group of p that IKEv1 has a number for, in a combination it can express: the one that the peer is known to have, else the
 * first; 0: none. For phase 1 then nothing of p can be offered; for phase 2 that means no PFS. */
uint16_t ike_v1_ke(const struct ike_proposals *p, uint16_t known);

/* Whether there is such a combination at all. */
bool ike_v1_sayable(const struct ike_proposals *p);

/* Phase 1's offer: one proposal, a transform for each combination of cipher, hash and group that IKEv1 can express (no AEAD), at
 * most 64. only_ke: nothing but this group, as in Aggressive Mode; 0: all. Nothing to offer spoils the chain. */
void ike_v1_put_sa(struct ike_chain *c, const struct ike_proposals *p, const struct ike_v1_terms *t, uint16_t only_ke);
/* Choose from an offer of phase 1: our order of preference of proposals, then the peer's of transforms. The authentication method
 * must be want's. IKE_OK; IKE_ERR_PROTO: malformed, which includes more than one proposal; IKE_ERR_NOT_FOUND: no match, *why
 * filled (may be NULL), or beyond the limits of offer.h. A transform with an attribute that is unknown, repeated or malformed, or
 * without one it must have, is not chosen. */
int ike_v1_select(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *want,
                  struct ike_v1_choice *out, struct ike_mismatch *why);
/* The answer: the chosen transform with its attributes as they were offered. */
void ike_v1_put_sa_answer(struct ike_chain *c, const struct ike_v1_choice *x, uint8_t protocol, const uint8_t *spi,
                          uint8_t spi_len);
/* The initiator's check of an answer: one proposal with one transform whose attributes, as a set of values, are those of one we
 * sent with these terms and only_ke. Its numbers are not compared, as some peers count anew. IKE_OK, IKE_ERR_PROTO (malformed) or
 * IKE_ERR_NOT_FOUND. */
int ike_v1_select_check(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_v1_terms *sent,
                        uint16_t only_ke, struct ike_v1_choice *out);

/* ---- v1_bundle.c: phase 2, which is several protocols at once (RFC 2408 section 4.2) --------------------------------------- */

/* Each of main that goes with `ke`, with each of around, is a pair of proposals of its own number; all of them with IPComp first
 * when that is wanted, then without. ke: the group of the KE payload, an attribute of every transform; 0: no PFS. Extended
 * sequence numbers are offered only by a proposal that does not do without. spi: by place. */
void ike_v1_put_bundles(struct ike_chain *c, const struct ike_v1_want *w, const uint32_t spi[IKE_V1_PLACES], uint16_t ke);
/* A bundle is taken as a whole: all that is wanted and nothing else, but for IPComp, which may be missing. Our order of
 * preference, IPComp first. The mode of the terms: 0 any; of the UDP encapsulations both numberings are accepted; a transform
 * without one is accepted. ke_payload: 0 if no KE payload came along, anything else if one did: then all transforms must have the
 * same group, and otherwise none. Results as of ike_v1_select. */
int ike_v1_select_bundle(const struct ike_v1_want *w, const struct ike_payload *sa, uint16_t ke_payload,
                         struct ike_v1_bundle *out);
/* The answer: the whole bundle, in the order of the offer. spi: by place, ours. */
void ike_v1_put_bundle_answer(struct ike_chain *c, const struct ike_v1_bundle *b, const uint32_t spi[IKE_V1_PLACES]);
/* The initiator's check of an answer: one number, one transform of each protocol, as ike_v1_select_check. */
int ike_v1_check_bundle(const struct ike_v1_want *w, const struct ike_payload *sa, uint16_t ke, struct ike_v1_bundle *out);

/* ---- v1_group.c: New Group Mode (RFC 2409 section 5.6) -------------------------------------------------------------------- */

struct ike_v1_group {
    uint16_t id;
    ike_bytes prime, generator; /* views into the payload */
    struct ike_v1_choice choice; /* for the answer */
};
void ike_v1_put_group(struct ike_chain *c, uint16_t id, ike_bytes prime, ike_bytes generator);
/* IKE_ERR_PROTO: malformed; IKE_ERR_NOT_FOUND: not just one MODP group with a number for private use, a prime and a generator. */
int ike_v1_group_parse(struct ike_v1_group *g, const struct ike_payload *sa);

/* Every transform of a peer's SA payload as text, cut to fit. snprintf-like. */
size_t ike_v1_sa_format(const struct ike_payload *sa, bool phase2, char *out, size_t n);

#endif
