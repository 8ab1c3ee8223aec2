/* SPDX-License-Identifier: ISC
 *
 * What the simulator sees and breaks inside. All of it is empty unless IKE_SABOTAGE is defined, which only the objects of
 * tests/sim are compiled with: witnesses count what no public function tells, and each switch takes away one rule, to show that
 * the simulator would notice.
 */
#ifndef IKE_BASE_SABOTAGE_H
#define IKE_BASE_SABOTAGE_H

#ifdef IKE_SABOTAGE

struct ike_failure;

int ike_witness_collision(int received, int doing); /* 0; a cell of the table in exchange/v2/collide.c */
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
    IKE_SABOTAGES
};
extern enum ike_sabotage ike_sabotage;
#define IKE_SABOTAGED(what) (ike_sabotage == IKE_SABOTAGE_##what)

#else

#define IKE_WITNESS(call)   ((void)0)
#define IKE_SABOTAGED(what) false

#endif
#endif
