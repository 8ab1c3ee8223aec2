/* SPDX-License-Identifier: ISC
 *
 * Cases: reading the text, and running it line by line.
 */
#include "case.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET (400 * IKE_SEC) /* longer than all retransmissions of one message */

/* ---- Reading ---------------------------------------------------------------------------------------------------------- */

/* The next word at *p: until white space, or in quotes. NULL at the end of the line or before a comment. */
static char *next_word(char **p)
{
    char *s = *p + strspn(*p, " \t\r\n");
    if (*s == '\0' || (*s == '#' && (s[1] == ' ' || s[1] == '\0' || s[1] == '\n'))) {
        return NULL;
    }
    const char *ends = " \t\r\n";
    if (*s == '"') {
        s++;
        ends = "\"";
    }
    size_t n = strcspn(s, ends);
    *p = s + n + (s[n] != '\0');
    s[n] = '\0';
    return s;
}

static bool take_line(struct sim_case *c, struct sim_line *l)
{
    if (strcmp(l->word[0], "title") == 0 && l->n == 2) {
        c->title = sim_strdup(l->word[1]);
        return true;
    }
    if (strcmp(l->word[0], "variant") == 0 && l->n >= 2) {
        if (c->variants == SIM_VARIANTS || l->n - 2 > SIM_VARS) {
            return false;
        }
        struct sim_variant *v = &c->variant[c->variants++];
        v->name = sim_strdup(l->word[1]);
        for (unsigned i = 2; i < l->n; i++) {
            char *eq = strchr(l->word[i], '=');
            if (!eq) {
                return false;
            }
            *eq = '\0';
            v->key[v->n] = sim_strdup(l->word[i]);
            v->value[v->n++] = sim_strdup(eq + 1);
        }
        return true;
    }
    c->line = realloc(c->line, (c->lines + 1) * sizeof *c->line);
    if (!c->line) {
        abort();
    }
    for (unsigned i = 0; i < l->n; i++) {
        l->word[i] = sim_strdup(l->word[i]);
    }
    c->line[c->lines++] = *l;
    return true;
}

static char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = sim_strdup(slash ? slash + 1 : path), *dot = strrchr(name, '.');
    if (dot) {
        *dot = '\0';
    }
    return name;
}

struct sim_case *sim_case_new(const char *path)
{
    struct sim_case *c = sim_alloc(sizeof *c);
    c->path = sim_strdup(path);
    c->name = base_name(path);
    return c;
}

bool sim_case_add(struct sim_case *c, char *text)
{
    struct sim_line l = {.number = ++c->read};
    char *p = text, *w;
    while ((w = next_word(&p)) != NULL) {
        if (l.n == SIM_WORDS) {
            return false;
        }
        l.word[l.n++] = w;
    }
    return l.n == 0 || take_line(c, &l);
}

void sim_case_end(struct sim_case *c)
{
    if (c->variants == 0) {
        c->variant[c->variants++].name = sim_strdup("");
    }
    c->title = c->title ? c->title : sim_strdup("");
}

struct sim_case *sim_case_load(const char *path)
{
    FILE *f = fopen(path, "r");
    char text[1024];
    if (!f) {
        perror(path);
        return NULL;
    }
    struct sim_case *c = sim_case_new(path);
    bool ok = true;
    while (ok && fgets(text, sizeof text, f)) {
        ok = sim_case_add(c, text);
        if (!ok) {
            fprintf(stderr, "%s:%u: not understood\n", path, c->read);
        }
    }
    fclose(f);
    sim_case_end(c);
    if (!ok) {
        sim_case_free(c);
        return NULL;
    }
    return c;
}

void sim_case_free(struct sim_case *c)
{
    for (unsigned i = 0; i < c->lines; i++) {
        for (unsigned k = 0; k < c->line[i].n; k++) {
            free(c->line[i].word[k]);
        }
    }
    for (unsigned i = 0; i < c->variants; i++) {
        free(c->variant[i].name);
        for (unsigned k = 0; k < c->variant[i].n; k++) {
            free(c->variant[i].key[k]);
            free(c->variant[i].value[k]);
        }
    }
    free(c->line);
    free(c->name);
    free(c->path);
    free(c->title);
    free(c);
}

/* $name becomes the variant's value. */
static bool substitute(const struct sim_variant *v, const char *word, char out[256])
{
    size_t k = 0;
    while (*word && k < 255) {
        if (*word != '$') {
            out[k++] = *word++;
            continue;
        }
        size_t n = strspn(++word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        const char *value = NULL;
        for (unsigned i = 0; i < v->n; i++) {
            if (strlen(v->key[i]) == n && strncmp(v->key[i], word, n) == 0) {
                value = v->value[i];
            }
        }
        if (!value) {
            return false;
        }
        k += (size_t)snprintf(out + k, 256 - k, "%s", value);
        word += n;
    }
    out[k < 255 ? k : 255] = '\0';
    return true;
}

/* ---- Running ---------------------------------------------------------------------------------------------------------- */

static const char *line(struct sim_run *r, const struct sim_line *l)
{
    r->n = l->n;
    for (unsigned i = 0; i < l->n; i++) {
        if (!substitute(&r->c->variant[r->variant], l->word[i], r->text[i])) {
            return sim_complain(r, "a variable in %s has no value", l->word[i]);
        }
        r->word[i] = r->text[i];
    }
    return sim_statement(r);
}

/* After the last line: what is still on its way arrives, all work ends, both ends agree. */
static const char *finish(struct sim_run *r)
{
    enum sim_fault_kind f = r->s->fault.kind;
    const char *bad = r->loose ? NULL : sim_case_quiet(r, QUIET);
    if (f == SIM_FAULT_LATE || f == SIM_FAULT_COPY) {
        sim_run(r->s, 60 * IKE_SEC);
    } else if (sim_fault_loses(f)) {
        sim_run(r->s, QUIET); /* the other side notices */
    }
    if (!r->loose) {
        bad = bad ? bad : sim_case_quiet(r, QUIET);
        if (!bad) {
            sim_check_quiet(r->s);
        }
    }
    return bad;
}

static void result_fill(struct sim_run *r, struct sim_result *out)
{
    struct sim *s = r->s;
    struct sim_text state = {0};
    sim_state(s, &state);
    out->state = state.at;
    for (unsigned i = 0; i < s->hosts; i++) {
        struct sim_host *h = s->host[i];
        ike_counters n = {.size = sizeof n};
        if (h->engine) {
            ike_counters_get(h->engine, &n);
        }
        out->complaints += n.failures + h->failures + h->errors;
        sim_host_stop(h);
        out->allocs[i] = h->allocs;
        out->randoms[i] = h->randoms;
        out->questions[i] = h->questions_put;
    }
    out->hosts = s->hosts;
    out->waited = r->waited;
    out->messages = s->n_msgs;
    out->datagrams = s->datagrams;
    out->hash = s->trace_hash;
    memcpy(out->stat, s->stat, sizeof out->stat);
    for (const struct sim_want *w = s->wants; w; w = w->next) {
        out->longest = w->longest > out->longest ? w->longest : out->longest;
    }
}

/* All lines, then the end. The number of the last line is left in r->at. */
static const char *run_lines(struct sim_run *r)
{
    const char *bad = NULL;
    for (unsigned i = 0; i < r->c->lines && !bad && !r->s->broken[0]; i++) {
        r->at = r->c->line[i].number;
        bad = line(r, &r->c->line[i]);
    }
    return bad || r->s->broken[0] ? bad : finish(r);
}

void sim_case_run(const struct sim_case *c, unsigned variant, const struct sim_options *o, struct sim_result *out)
{
    struct sim_run *r = sim_alloc(sizeof *r);
    struct sim *s = sim_new(o->seed);
    *out = (struct sim_result){0};
    r->s = s;
    r->c = c;
    r->o = o;
    r->variant = variant;
    s->fault = o->fault;
    s->tolerant = o->sweep;
    s->keep_trace = o->trace;
    s->engine_log = o->engine_log;
    s->ladder = o->ladder ? sim_ladder_new(o->ladder) : NULL;
    if (sigsetjmp(s->hung, 1) == 0) {
        sim_watchdog(s);
        const char *bad = run_lines(r);
        if (bad) {
            snprintf(out->why, sizeof out->why, "line %u: %s", r->at, bad);
            sim_trace(s, NULL, "FAILED: %s", out->why);
        }
        result_fill(r, out);
    } else {
        for (unsigned i = 0; i < s->hosts; i++) {
            s->host[i]->engine = NULL; /* abandoned in the middle of a call */
        }
        out->state = sim_strdup("");
    }
    sim_watchdog(NULL);
    if (s->broken[0]) {
        snprintf(out->why, sizeof out->why, "line %u: %s", r->at, s->broken);
    }
    out->ok = out->why[0] == '\0';
    struct sim_text ladder = {0};
    sim_ladder_print(s, &ladder);
    out->ladder = ladder.at;
    out->trace = s->trace.at ? sim_strdup(s->trace.at) : NULL;
    sim_free(s);
    free(r);
}

void sim_result_free(struct sim_result *r)
{
    free(r->state);
    free(r->trace);
    free(r->ladder);
}
