/* SPDX-License-Identifier: ISC
 *
 * The numbers of IKEv1's transforms and what they are called in IKEv2.
 */
#ifndef IKE_PROPOSAL_V1_MAP_H
#define IKE_PROPOSAL_V1_MAP_H

#include "proposal/v1.h"

/* Attributes of phase 1 and of phase 2 (RFC 2409 appendix A, RFC 2407 section 4.5, RFC 4304). */
enum {
    IKE_A1_ENCR = 1,
    IKE_A1_HASH = 2,
    IKE_A1_AUTH = 3,
    IKE_A1_GROUP = 4,
    IKE_A1_GROUP_TYPE = 5,
    IKE_A1_PRIME = 6,
    IKE_A1_GENERATOR = 7,
    IKE_A1_LIFE_TYPE = 11,
    IKE_A1_LIFE = 12,
    IKE_A1_BITS = 14
};
enum {
    IKE_A2_LIFE_TYPE = 1,
    IKE_A2_LIFE = 2,
    IKE_A2_GROUP = 3,
    IKE_A2_MODE = 4,
    IKE_A2_AUTH = 5,
    IKE_A2_BITS = 6,
    IKE_A2_ESN = 11
};
enum { IKE_LIFE1_SECONDS = 1, IKE_LIFE1_KILOBYTES = 2, IKE_KEY1_IKE = 1, IKE_COMP1_DEFLATE = 2 };

enum ike_v1_map {
    IKE_M1_ENCR, /* phase 1: cipher */
    IKE_M1_HASH, /* phase 1: hash, a PRF in IKEv2 */
    IKE_M1_ESP,  /* transform id of ESP */
    IKE_M1_AUTH, /* authentication algorithm of phase 2, an integrity algorithm in IKEv2 */
    IKE_M1_AH,   /* transform id of AH, too */
    IKE_M1_KE,   /* group */
    IKE_M1_MAPS
};
/* The number of IKEv1 for one of IKEv2, and back; 0: there is none. */
uint16_t ike_v1_number(enum ike_v1_map m, uint16_t v2);
uint16_t ike_v1_meaning(enum ike_v1_map m, uint16_t v1);
/* The word for an authentication method or a mode (IKE_T1_AUTH, IKE_T1_MODE), NULL if there is none. */
const char *ike_v1_word(uint8_t type, uint16_t value);

/* One bit for each type a transform can differ in, and the type back from the lowest bit that is set. */
enum {
    IKE_D1_ENCR = 1,
    IKE_D1_PRF = 2,
    IKE_D1_INTEG = 4,
    IKE_D1_KE = 8,
    IKE_D1_ESN = 16,
    IKE_D1_AUTH = 32,
    IKE_D1_ATTRIBUTE = 64,
    IKE_D1_LIFE = 128
};
uint8_t ike_v1_type_of(unsigned differences);
/* In which types the suite differs from all that proposal i of p allows. The group of phase 2 is judged as well. */
unsigned ike_v1_fit(const struct ike_proposals *p, unsigned i, const struct ike_suite *s);
/* Whether proposal i of p is offered with extended sequence numbers: only if it does not do without. */
uint16_t ike_v1_esn(const struct ike_proposals *p, unsigned i);

/* One after another the combinations of proposal i that IKEv1 can express, in order of preference: `at` counts, from 0. False at
 * the end. only_ke: with no group but `ke`, 0 without any. */
bool ike_v1_combination(const struct ike_proposals *p, unsigned i, bool only_ke, uint16_t ke, unsigned at, struct ike_suite *s);

#endif
