/* SPDX-License-Identifier: ISC
 *
 * Counters that the opened files of the library fill, over all runs of the program.
 */
#ifndef TESTS_SIM_WITNESS_H
#define TESTS_SIM_WITNESS_H

#include "sim.h"

#define SIM_RECEIVED 5
#define SIM_DOING    5

/* Takes away the rule of that name; false: there is none. NULL gives it back. */
bool sim_sabotage(const char *name);
extern const char *const sim_sabotages[]; /* all names, NULL-ended */

extern unsigned sim_met[]; /* by enum ike_met of lib/base/sabotage.h */
extern unsigned sim_cells[SIM_RECEIVED][SIM_DOING]; /* of the table in lib/exchange/v2/collide.c, by its enumerations */

#endif
