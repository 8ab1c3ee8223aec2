/* SPDX-License-Identifier: ISC
 *
 * The one table behind parsing, printing and checking of algorithms.
 */
#ifndef IKE_PROPOSAL_KEYWORDS_H
#define IKE_PROPOSAL_KEYWORDS_H

#include <ike/types.h>

struct ike_keyword {
    const char *word;  /* lower case */
    uint8_t type;      /* transform type */
    uint16_t id, bits; /* bits: 0 without Key Length */
};

/* Letters in either case. NULL if there is no such keyword. */
const struct ike_keyword *ike_keyword_find(const char *s, size_t n);
/* The keyword a person most likely meant, NULL if none is near. */
const char *ike_keyword_nearest(const char *s, size_t n);
/* The preferred keyword of a transform, NULL if it has none. */
const char *ike_keyword_of(uint8_t type, uint16_t id, uint16_t bits);

/* The PRF that an integrity keyword stands for in a proposal of IKE; 0: none. */
uint16_t ike_prf_of_integ(uint16_t integ);

/* What has to be known of a cipher to judge an offer, whether or not it can be run here. */
enum ike_encr_trait {
    IKE_ENCR_KNOWN = 1,
    IKE_ENCR_AEAD = 2,      /* brings its own integrity: INTEG is NONE */
    IKE_ENCR_FIXED_KEY = 4, /* carries no Key Length attribute */
    IKE_ENCR_NOT_IKE = 8    /* may not protect an IKE SA */
};
unsigned ike_encr_traits(uint16_t id);

#endif
