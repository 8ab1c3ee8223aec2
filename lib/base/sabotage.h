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

#else

#define IKE_WITNESS(call) ((void)0)

#endif
#endif
