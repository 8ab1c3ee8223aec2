/* SPDX-License-Identifier: ISC
 *
 * Cases: a world described in a small text (README.md has the language), run once per variant.
 */
#ifndef TESTS_SIM_CASE_H
#define TESTS_SIM_CASE_H

#include "sim.h"

#define SIM_WORDS    24
#define SIM_VARIANTS 40
#define SIM_VARS     12

struct sim_line {
    unsigned number, n;
    char *word[SIM_WORDS];
};

struct sim_variant {
    char *name;
    unsigned n;
    char *key[SIM_VARS], *value[SIM_VARS];
};

struct sim_case {
    char *name; /* the file's, without folder and ending */
    char *path, *title;
    struct sim_line *line;
    unsigned read;            /* lines of text so far */
    unsigned lines, variants; /* at least one variant; without any its name is "" */
    struct sim_variant variant[SIM_VARIANTS];
};

struct sim_options {
    uint64_t seed;
    struct sim_fault fault;
    bool sweep; /* calls may fail and expectations are not looked at: the sweep compares end states */
    bool trace, engine_log;
    unsigned ladder; /* lines of a diagram; 0: none */
};

struct sim_result {
    bool ok;
    char why[768];
    uint64_t hash; /* of the trace */
    char *state, *trace, *ladder;
    unsigned stat[SIM_STATS];
    ike_time longest; /* that a wanted child was missing without excuse */
    unsigned hosts, messages, datagrams;
    ike_time waited; /* in all statements that wait for quiet */
    uint64_t allocs[SIM_HOSTS], randoms[SIM_HOSTS];
    unsigned questions[SIM_HOSTS];
    uint64_t complaints; /* failure records and calls that gave an error, of all hosts */
};

/* A case while it runs. */
struct sim_run {
    struct sim *s;
    const struct sim_case *c;
    const struct sim_options *o;
    unsigned variant;
    unsigned at; /* line number */
    unsigned n;  /* of the line at hand, variables put in */
    const char *word[SIM_WORDS + 1];
    char text[SIM_WORDS][256];
    bool loose;
    ike_time waited;
    char error[256]; /* room for messages */
};

extern const char *sim_program; /* as it was called, for the line that repeats a failure */

struct sim_case *sim_case_load(const char *path); /* NULL and a message on stderr */
/* Line by line: one made so ends with sim_case_end. Text is changed; false: not understood. */
struct sim_case *sim_case_new(const char *path);
bool sim_case_add(struct sim_case *c, char *text);
void sim_case_end(struct sim_case *c);
void sim_case_free(struct sim_case *c);
void sim_case_run(const struct sim_case *c, unsigned variant, const struct sim_options *o, struct sim_result *r);
void sim_result_free(struct sim_result *r);

/* NULL, or what is wrong. */
const char *SIM_PRINTF(2, 3) sim_complain(struct sim_run *r, const char *fmt, ...);
struct sim_host *sim_word_host(struct sim_run *r, unsigned i); /* the host the word names; NULL after a complaint */

/* statement.c: the line at hand. */
const char *sim_statement(struct sim_run *r);
const char *sim_case_quiet(struct sim_run *r, ike_time limit);

/* ops.c: word[at] is the operation, of host h. */
const char *sim_op(struct sim_run *r, struct sim_host *h, unsigned at);
/* Two addresses the newest pair of SAs between a and b serves; false if there is none. */
bool sim_sample(struct sim_host *a, struct sim_host *b, ike_ts *from, ike_ts *to);
bool sim_pick_child(struct sim_host *h, const char *spi, ike_child_info *out);
bool sim_pick_sa(struct sim_host *h, const char *name, ike_sa_info *out);

/* expect.c: an expectation; word[0] is "expect". */
const char *sim_expect(struct sim_run *r);

#endif
