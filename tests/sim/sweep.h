/* SPDX-License-Identifier: ISC
 *
 * Many runs of one case: each single fault of a kind, and whether a run repeats itself.
 */
#ifndef TESTS_SIM_SWEEP_H
#define TESTS_SIM_SWEEP_H

#include "case.h"

struct sim_total {
    unsigned runs, failed;
    uint64_t messages;
    unsigned shown; /* failures printed in full */
};

extern const char *const sim_fault_names[SIM_FAULTS];
/* "drop:5", "alloc:2:17", "pend:1:secret"; false if it is none. */
bool sim_fault_parse(const char *text, struct sim_fault *f);
void sim_fault_format(const struct sim_fault *f, char *out, size_t n);

/* One run; a failure is printed with the line that repeats it. */
bool sim_run_one(const struct sim_case *c, unsigned variant, const struct sim_options *o, struct sim_total *t,
                 struct sim_result *r);
/* All faults of a kind, one at a time, on one variant. */
struct sim_plan {
    enum sim_fault_kind kind;
    uint64_t seed;
    bool any_end; /* the fault may decide a race: the end need not be the same, the invariants hold all the same */
};
void sim_sweep(const struct sim_case *c, unsigned variant, const struct sim_plan *plan, struct sim_total *t);
/* The same seed twice is the same run to the byte; another seed is another. */
void sim_same(const struct sim_case *c, unsigned variant, uint64_t seed, struct sim_total *t);

#endif
