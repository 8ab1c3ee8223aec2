/* SPDX-License-Identifier: ISC
 *
 * Random runs: a seed becomes the text of a case, which is run like any other.
 */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include "case.h"

/* random.c: hosts, settings, weather, operations, and a quiet end. */
struct sim_case *sim_random_case(uint64_t seed, bool byzantine, bool v1, struct sim_text *text); /* text: may be NULL */

/* many.c: a run for each seed from first to last, then what was met and whether that is enough. 0: all went well. */
struct sim_many {
    uint64_t first, last;
    struct sim_options o;
    bool byzantine;       /* one side means ill */
    bool v1;              /* most connections are IKEv1's */
    bool same;            /* each twice: the two must be one to the byte */
    bool print;           /* the text of the first one only */
    const char *sabotage; /* NULL: none. All is well when a run fails; "all": with each switch */
};
int sim_many(const struct sim_many *m);

#endif
