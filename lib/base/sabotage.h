/* SPDX-License-Identifier: ISC
 *
 * What the simulator sees and breaks inside. All of it is empty unless IKE_SABOTAGE is defined, which only the objects of
 * tests/sim are compiled with: witnesses count what no public function tells, and each switch takes away one rule, to show that
 * the simulator would notice.
 */
#ifndef IKE_BASE_SABOTAGE_H
#define IKE_BASE_SABOTAGE_H

#ifdef IKE_SABOTAGE

#include <stddef.h>
#include <stdint.h>

struct ike_failure;
struct ike_chain;

int ike_witness_collision(int received, int doing); /* 0; a cell of the table in exchange/v2/collide.c */
/* What the two sides of IKEv1 have done at once, and what became of it. */
enum ike_met {
    IKE_MET_TWINS,     /* two children that crossed */
    IKE_MET_GAVE_WAY,  /* our own Quick Mode ends, the peer's child is up */
    IKE_MET_CROSSED,   /* two IKE SAs */
    IKE_MET_TAKEN,     /* one IKE SA takes the place of another */
    IKE_MET_EARLY,     /* a Delete of a child that is still being made */
    IKE_MET_REMADE,    /* the peer has settled on another child than we */
    IKE_MET_AGAIN,     /* an answer that is repeated */
    IKE_METS
};
int ike_witness_met(int what); /* 0 */
/* The payloads of a message of IKEv1 before they are hashed and encrypted, which a peer that means ill changes; the first `fixed`
 * octets stay: the HASH that comes to cover the rest. 0 */
int ike_witness_chain(void *user, struct ike_chain *c, size_t fixed);
void ike_witness_failure(void *user, const struct ike_failure *f);
#define IKE_WITNESS(call) (void)(call)

/* At most one rule is taken away. tests/sim/witness.c has their names. */
enum ike_sabotage {
    IKE_SABOTAGE_NONE,
    IKE_SABOTAGE_LOWEST_NONCE,      /* of two rekeys that crossed none is redundant */
    IKE_SABOTAGE_TEMPORARY_FAILURE, /* nobody is told to come again on account of an IKE SA's rekey */
    IKE_SABOTAGE_RESEND_REBUILT,    /* a request that is repeated is made anew */
    IKE_SABOTAGE_OLD_FIRST,         /* the old child goes before the new one is installed */
    IKE_SABOTAGE_REPLAY_FIRST,      /* the replay window moves before the ICV is looked at */
    IKE_SABOTAGE_HALF_OPEN,         /* a half-open IKE SA never goes */
    IKE_SABOTAGE_CHILDREN_LEFT,     /* children stay with the IKE SA that lost a collision */
    IKE_SABOTAGE_SPI_KEPT,          /* roll-back forgets the reserved SPI */
    IKE_SABOTAGE_NEVER_AGAIN,       /* what is wanted is not tried again once it has failed */
    IKE_SABOTAGE_V1_IV,             /* the IV of IKEv1 moves on with a message that has not proved good */
    IKE_SABOTAGE_V1_MID,            /* a message id of IKEv1 that was used begins another exchange */
    IKE_SABOTAGE_V1_COPY,           /* a copy of the first message of IKEv1 begins another IKE SA */
    IKE_SABOTAGE_V1_OLD_FIRST,      /* the old child of IKEv1 is deleted before the peer sends on the new one */
    IKE_SABOTAGE_V1_DEAF,           /* nothing is received on a replaced child of IKEv1 once its Delete has left */
    IKE_SABOTAGES
};
extern enum ike_sabotage ike_sabotage;
#define IKE_SABOTAGED(what) (ike_sabotage == IKE_SABOTAGE_##what)

#else

#define IKE_WITNESS(call)   ((void)0)
#define IKE_SABOTAGED(what) false

#endif
#endif
