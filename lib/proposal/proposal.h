/* SPDX-License-Identifier: ISC
 *
 * The SA payload: what we offer (parsed from keywords), what a peer offers, which suite both can have, and, if there is
 * none, by what the nearest proposal differs (RFC 7296 sections 2.7, 3.3).
 */
#ifndef IKE_PROPOSAL_PROPOSAL_H
#define IKE_PROPOSAL_PROPOSAL_H

#include "message/message.h"
#include <ike/conn.h>
#include <ike/crypto.h>

enum ike_transform_type { IKE_T_ENCR = 1, IKE_T_PRF = 2, IKE_T_INTEG = 3, IKE_T_KE = 4, IKE_T_ESN = 5 };

struct ike_transform {
    uint8_t type;
    uint16_t id, bits; /* bits 0: no Key Length attribute */
};

/* What this side is willing to have: proposals in order of preference, transforms of one type in order of preference. One
 * allocation, made by ike_proposals_parse. */
struct ike_proposals {
    uint32_t size;      /* octets of the allocation */
    uint8_t protocol;
    uint8_t n;          /* proposals */
    uint16_t n_transforms;
    const struct ike_transform *transforms;
    uint16_t first[17]; /* proposal i has transforms first[i] .. first[i + 1] - 1; at most 16 proposals */
};

/* One suite: one transform of each type. id 0 where the protocol has none (integ with AEAD, ke without PFS). */
struct ike_suite {
    uint8_t protocol;
    uint16_t encr, encr_bits, prf, integ, ke, esn;
};

/* Fixed-key ciphers carry no Key Length, so 0 is what fits them. */
static inline bool ike_encr_has_bits(const ike_encr *e, uint16_t bits)
{
    bool has = e->fixed_key && bits == 0;
    for (size_t i = 0; i < IKE_COUNT(e->key_bits) && e->key_bits[i] != 0; i++) {
        has |= !e->fixed_key && e->key_bits[i] == bits;
    }
    return has;
}

/* Where the suite has the algorithm of a transform type. */
static inline size_t ike_suite_at(uint8_t type)
{
    static const uint8_t at[] = {0,
                                 offsetof(struct ike_suite, encr),
                                 offsetof(struct ike_suite, prf),
                                 offsetof(struct ike_suite, integ),
                                 offsetof(struct ike_suite, ke),
                                 offsetof(struct ike_suite, esn)};
    return at[type];
}
static inline uint16_t *ike_suite_id(struct ike_suite *s, uint8_t type)
{
    return (uint16_t *)(void *)((uint8_t *)s + ike_suite_at(type));
}
static inline uint16_t ike_suite_has(const struct ike_suite *s, uint8_t type)
{
    return *(const uint16_t *)(const void *)((const uint8_t *)s + ike_suite_at(type));
}
/* None where all have AES-GCM. */
static inline uint16_t ike_suite_integ(const struct ike_suite *s) { return IKE_WITH_PROPOSALS ? s->integ : 0; }

/* Why nothing fitted: the peer's proposal that came nearest. */
struct ike_mismatch {
    uint8_t number; /* of the peer's proposal, 0: there was none for this protocol */
    uint8_t type;   /* the transform type that differs; 0: several */
    uint8_t n_types;
    struct ike_suite wanted; /* of ours, the nearest one */
    uint16_t offered[4];     /* first ids offered for `type`, 0-ended */
    uint16_t offered_bits[4];
};

/* Text: proposals separated by ',' or white space, keywords by '-': "aes256gcm16-prfsha256-x25519, aes128-sha256-modp2048".
 * Keywords of one type in one proposal are alternatives. For IKE a proposal without PRF gets one from each integrity keyword
 * (sha256 -> PRF_HMAC_SHA2_256); beside an AEAD an integrity keyword serves for that only, and with neither it is an error.
 * For ESP "esn" and "noesn" choose (default both, ESN preferred), a KE keyword asks for PFS, "nopfs" besides allows going
 * without. Keywords are those of strongSwan where it has one. `crypto` NULL: no check whether the algorithm can be run.
 * IKE_ERR_INVALID with *at (may be NULL) as in ike_proposals_check; IKE_ERR_UNSUPPORTED when an algorithm is known but
 * not in `crypto`; IKE_ERR_LIMIT: more than 16 proposals, 64 transforms in one or 512 in all. */
int ike_proposals_parse(struct ike_proposals **out, const char *text, uint8_t protocol, const ike_crypto *crypto,
                        const ike_allocator *mem, size_t *at);
/* The same; with skip_missing keywords whose algorithm `crypto` lacks are left out, and proposals that lose a whole
 * transform type with them. IKE_ERR_UNSUPPORTED when nothing is left. */
int ike_proposals_parse_for(struct ike_proposals **out, const char *text, uint8_t protocol, const ike_crypto *crypto,
                            bool skip_missing, const ike_allocator *mem, size_t *at);
/* For a build that reads no text (-DIKE_PROPOSALS=OFF). IKE_ERR_UNSUPPORTED: `crypto` lacks a part of the one suite. */
int ike_proposals_builtin(struct ike_proposals **out, uint8_t protocol, const ike_crypto *crypto, const ike_allocator *mem);
/* Leave out what the data plane does not carry (carries of ike_sadb), and with the last transform of a type the whole proposal:
 * without the type it would be another one. Groups are no matter of the data plane. False: nothing is left. */
typedef bool ike_carries(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits);
bool ike_proposals_carried(struct ike_proposals *p, uint8_t family, ike_carries *carries, void *user);
/* NULL is fine. */
void ike_proposals_free(struct ike_proposals *p, const ike_allocator *mem);
/* Whether a suite is within what p allows. */
bool ike_proposals_allow(const struct ike_proposals *p, const struct ike_suite *s);
/* Whether proposal i has the transform, or, with id and bits 0, none of the type. */
bool ike_proposal_allows(const struct ike_proposals *p, unsigned i, uint8_t type, uint16_t id, uint16_t bits);
/* The first KE id of the list, 0 if none; and whether a KE id occurs. */
uint16_t ike_proposals_ke(const struct ike_proposals *p);
bool ike_proposals_has_ke(const struct ike_proposals *p, uint16_t id);

/* Write SA payload. `spi` of spi_len octets goes into every proposal. with_ke false: KE transforms are left out (IKE_AUTH);
 * proposals that become equal are merged. first: a suite whose transforms go first within their type, NULL for none (at a
 * rekey: the current algorithms). */
void ike_put_sa(struct ike_chain *c, const struct ike_proposals *p, const uint8_t *spi, uint8_t spi_len, bool with_ke,
                const struct ike_suite *first);
/* Write the answer: one proposal of the given number. esn is written for ESP only. */
void ike_put_sa_answer(struct ike_chain *c, const struct ike_suite *s, uint8_t number, const uint8_t *spi, uint8_t spi_len);

struct ike_selection {
    struct ike_suite suite;
    uint8_t number;  /* of the peer's proposal */
    uint8_t spi[8];  /* the peer's */
    uint8_t spi_len;
};
struct ike_select_args {
    uint8_t spi_len;      /* 0, 4 or 8: what proposals must carry */
    bool with_ke;         /* false: KE transforms in the offer are ignored unless the peer insists (then no match) */
    uint16_t prefer_ke;   /* group of the KE payload that came along: taken if both sides allow it at all; 0 none */
    const struct ike_suite *prefer; /* at a rekey: current algorithms first; NULL */
};
/* Choose, in our order of preference of proposals, then the peer's within (proposals and transforms); above that a pair that
 * allows prefer_ke (0: no key exchange), then one that allows `prefer`. IKE_OK; IKE_ERR_PROTO: malformed (INVALID_SYNTAX);
 * IKE_ERR_NOT_FOUND: no match, *why filled (may be NULL), or more than 64 proposals, 64 transforms in one or 512 in all.
 * A 4-octet SPI below 256 and an 8-octet SPI of zero are IKE_ERR_PROTO. */
int ike_select(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_select_args *args,
               struct ike_selection *out, struct ike_mismatch *why);
/* The same of an offer that ike_offer_parse took, for one that is held against many: the cost of parsing comes once. */
struct ike_offer;
int ike_select_from(const struct ike_proposals *ours, const struct ike_offer *o, const struct ike_select_args *args,
                    struct ike_selection *out, struct ike_mismatch *why);
/* The initiator's check of an answer: exactly one proposal, one transform per type, within what was offered, the number that
 * was. IKE_OK, IKE_ERR_PROTO (malformed, SPI) or IKE_ERR_NOT_FOUND (not what was offered). */
int ike_select_check(const struct ike_proposals *ours, const struct ike_payload *sa, const struct ike_select_args *args,
                     struct ike_selection *out);

/* Text of a suite, of a list, of one transform ("aes256gcm16", "modp2048"). snprintf-like. */
size_t ike_suite_format(const struct ike_suite *s, char *out, size_t n);
size_t ike_proposals_format(const struct ike_proposals *p, char *out, size_t n);
size_t ike_transform_format(uint8_t type, uint16_t id, uint16_t bits, char *out, size_t n);
/* Every proposal of a peer's SA payload as text, escaped and cut to fit. */
size_t ike_sa_payload_format(const struct ike_payload *sa, char *out, size_t n);

#endif
