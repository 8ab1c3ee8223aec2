/* SPDX-License-Identifier: ISC
 *
 * Cases: reading the text, and its statements. One table of statements; everything else a case can say is an operation (ops.c) or
 * an expectation (expect.c).
 */
#include "case.h"
#include <stdarg.h>
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

struct sim_case *sim_case_load(const char *path)
{
    FILE *f = fopen(path, "r");
    char text[1024];
    if (!f) {
        perror(path);
        return NULL;
    }
    struct sim_case *c = sim_alloc(sizeof *c);
    c->path = sim_strdup(path);
    c->name = base_name(path);
    bool ok = true;
    for (unsigned number = 1; ok && fgets(text, sizeof text, f); number++) {
        struct sim_line l = {.number = number};
        char *p = text, *w;
        while ((w = next_word(&p)) != NULL) {
            if (l.n == SIM_WORDS) {
                ok = false;
                break;
            }
            l.word[l.n++] = w;
        }
        ok = ok && (l.n == 0 || take_line(c, &l));
        if (!ok) {
            fprintf(stderr, "%s:%u: not understood\n", path, number);
        }
    }
    fclose(f);
    if (c->variants == 0) {
        c->variant[c->variants++].name = sim_strdup("");
    }
    c->title = c->title ? c->title : sim_strdup("");
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

/* ---- Words ------------------------------------------------------------------------------------------------------------ */

const char *sim_complain(struct sim_run *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->error, sizeof r->error, fmt, ap);
    va_end(ap);
    return r->error;
}

struct sim_host *sim_word_host(struct sim_run *r, unsigned i)
{
    struct sim_host *h = i < r->n ? sim_find_host(r->s, r->word[i]) : NULL;
    if (!h) {
        sim_complain(r, "no host %s", i < r->n ? r->word[i] : "is named");
    }
    return h;
}

static bool word_time(const struct sim_run *r, unsigned i, ike_time *t) { return i < r->n && sim_time_parse(r->word[i], t); }

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

/* ---- Statements: NULL, or what is wrong --------------------------------------------------------------------------------- */

static const char *st_host(struct sim_run *r)
{
    if (r->n < 3 || r->s->hosts == SIM_HOSTS) {
        return "host NAME ADDRESS [ADDRESS]";
    }
    struct sim_host *h = sim_host_new(r->s, r->word[1]);
    for (unsigned i = 2; i < r->n; i++) {
        ike_addr a;
        if (ike_addr_parse(&a, r->word[i]) != IKE_OK) {
            return sim_complain(r, "%s is no address", r->word[i]);
        }
        *(a.family == 6 ? &h->addr6 : &h->addr) = a;
    }
    return NULL;
}

static void connect_to(struct sim_host *h, const struct sim_host *peer, const char *name)
{
    struct sim_conn *c = sim_conf_conn(&h->conf, name);
    bool v6 = !h->addr.family || !peer->addr.family;
    char net[64];
    c->set.local = v6 ? h->addr6 : h->addr;
    c->set.remote = v6 ? peer->addr6 : peer->addr;
    snprintf(c->secret, sizeof c->secret, "correct horse battery staple");
    struct sim_child *k = sim_conf_child(c, "net");
    snprintf(net, sizeof net, "10.%u.0.0/16", h->index + 1);
    ike_ts_parse(&k->local_ts[0], net);
    snprintf(net, sizeof net, "10.%u.0.0/16", peer->index + 1);
    ike_ts_parse(&k->remote_ts[0], net);
    k->set.n_local_ts = k->set.n_remote_ts = 1;
}

/* peers A B [NAME]: a connection on each side with a child between 10.1.0.0/16 and 10.2.0.0/16 (by the hosts' order) */
static const char *st_peers(struct sim_run *r)
{
    struct sim_host *a = sim_word_host(r, 1), *b = a ? sim_word_host(r, 2) : NULL;
    if (!b) {
        return r->error;
    }
    connect_to(a, b, r->n > 3 ? r->word[3] : "c");
    connect_to(b, a, r->n > 3 ? r->word[3] : "c");
    return NULL;
}

static const char *each_host(struct sim_run *r, unsigned at, const char *(*fn)(struct sim_run *, struct sim_host *))
{
    const char *bad = NULL;
    if (at < r->n && strcmp(r->word[at], "*") != 0) {
        struct sim_host *h = sim_word_host(r, at);
        return h ? fn(r, h) : r->error;
    }
    for (unsigned i = 0; i < r->s->hosts && !bad; i++) {
        bad = fn(r, r->s->host[i]);
    }
    return bad;
}

static const char *child_host(struct sim_run *r, struct sim_host *h)
{
    return r->n == 3 && h->conf.conns && sim_conf_child(&h->conf.conn[h->conf.conns - 1], r->word[2]) ? NULL : "child HOST NAME";
}
static const char *st_child(struct sim_run *r) { return each_host(r, 1, child_host); }

static const char *set_host(struct sim_run *r, struct sim_host *h)
{
    uint64_t yes;
    if (r->n == 4 && strcmp(r->word[2], "hooks") == 0 && sim_number_parse(r->word[3], 1, &yes)) {
        h->hooks = yes;
        return NULL;
    }
    if (r->n == 4 && strcmp(r->word[2], "hook-secret") == 0) {
        snprintf(h->secret, sizeof h->secret, "%s", r->word[3]);
        return NULL;
    }
    if (r->n < 4) {
        return "set HOST KEY VALUE ...";
    }
    const char *bad = sim_conf_set(&h->conf, r->word[2], r->n - 3, r->word + 3);
    return bad ? sim_complain(r, "%s: %s", r->word[2], bad) : NULL;
}
static const char *st_set(struct sim_run *r) { return each_host(r, 1, set_host); }

static const char *st_link(struct sim_run *r)
{
    struct sim_link *l = &r->s->link;
    for (unsigned i = 1; i + 1 < r->n; i += 2) {
        uint64_t n;
        bool ok = strcmp(r->word[i], "delay") == 0    ? sim_time_parse(r->word[i + 1], &l->delay)
                  : strcmp(r->word[i], "jitter") == 0 ? sim_time_parse(r->word[i + 1], &l->jitter)
                  : strcmp(r->word[i], "late") == 0   ? sim_time_parse(r->word[i + 1], &l->late)
                                                      : sim_number_parse(r->word[i + 1], 1000, &n);
        if (!ok) {
            return "link delay T jitter T late T loss N twice N (per thousand)";
        }
        if (strcmp(r->word[i], "loss") == 0) {
            l->loss = (unsigned)n;
        } else if (strcmp(r->word[i], "twice") == 0) {
            l->twice = (unsigned)n;
        }
    }
    return NULL;
}

/* Where the sweep's fault is not on the wire but in a host. */
static void arm(struct sim_run *r, struct sim_host *h)
{
    const struct sim_fault *f = &r->s->fault;
    if (f->kind == SIM_FAULT_ALLOC || f->kind == SIM_FAULT_RANDOM) {
        for (unsigned i = 0; i < h->conf.conns; i++) { /* so that what one side lost is noticed by the other */
            h->conf.conn[i].set.dpd_s = 30;
        }
    }
    if (f->host != h->index) {
        return;
    }
    if (f->kind == SIM_FAULT_ALLOC) {
        h->fail_alloc = f->nth;
    } else if (f->kind == SIM_FAULT_RANDOM) {
        h->fail_random = f->nth;
    } else if (f->kind == SIM_FAULT_PEND) {
        h->manner[f->nth] = (struct sim_manner){.pending = true, .delay = 3 * IKE_SEC};
        h->hooks = h->hooks || f->nth <= SIM_ASK_CHILD;
        for (unsigned i = 0; f->nth == SIM_ASK_SECRET && i < h->conf.conns; i++) { /* the hook has it, not the connection */
            if (h->conf.conn[i].secret[0]) {
                memcpy(h->secret, h->conf.conn[i].secret, sizeof h->secret);
                h->conf.conn[i].secret[0] = '\0';
            }
        }
    }
}

static const char *start_host(struct sim_run *r, struct sim_host *h)
{
    if (h->engine) {
        return NULL;
    }
    if (h->life == 0) {
        arm(r, h);
    }
    sim_trace(r->s, h, "start");
    return sim_host_start(h) == IKE_OK ? NULL : "the engine does not start";
}
static const char *st_start(struct sim_run *r) { return each_host(r, 1, start_host); }

static const char *quiet(struct sim_run *r, ike_time limit)
{
    const char *why;
    ike_time begin = r->s->now;
    bool done = sim_quiet(r->s, limit);
    r->waited += r->s->now - begin;
    if (done) {
        return NULL;
    }
    return sim_is_quiet(r->s, &why) ? NULL : sim_complain(r, "it does not become quiet: %s", why);
}

static const char *st_settle(struct sim_run *r)
{
    sim_settle(r->s);
    return NULL;
}

static const char *st_quiet(struct sim_run *r)
{
    ike_time t = QUIET;
    return r->n > 1 && !word_time(r, 1, &t) ? "quiet [TIME]" : quiet(r, t);
}

static const char *st_run(struct sim_run *r)
{
    ike_time t;
    if (!word_time(r, 1, &t)) {
        return "run TIME";
    }
    sim_run(r->s, t);
    return NULL;
}

static const char *st_mark(struct sim_run *r)
{
    for (unsigned i = 0; i < r->s->hosts; i++) {
        r->s->host[i]->mark = r->s->host[i]->seen;
    }
    r->s->mark_msg = r->s->n_msgs;
    return NULL;
}

/* Traffic between two hosts must pass all the time from now on, over whatever serves it now. */
static const char *st_watch(struct sim_run *r)
{
    struct sim_host *a = sim_word_host(r, 1), *b = a ? sim_word_host(r, 2) : NULL;
    struct sim_flow f = {.a = a, .b = b};
    enum sim_fault_kind fault = r->s->fault.kind;
    if (!b) {
        return r->error;
    }
    if (fault == SIM_FAULT_ALLOC || fault == SIM_FAULT_RANDOM) {
        return NULL; /* without memory traffic may stop */
    }
    if (!sim_sample(a, b, &f.from, &f.to)) {
        return r->o->sweep ? NULL : "there is nothing to watch";
    }
    f.next = r->s->flows;
    r->s->flows = sim_alloc(sizeof f);
    *r->s->flows = f;
    return NULL;
}

/* unwatch [sweep]: sweep: only there */
static const char *st_unwatch(struct sim_run *r)
{
    if (r->n > 1 && !r->o->sweep) {
        return NULL;
    }
    while (r->s->flows) {
        struct sim_flow *f = r->s->flows;
        r->s->flows = f->next;
        free(f);
    }
    return NULL;
}

/* bring-up A B: start all, A initiates, then watch and mark. */
static const char *st_bring_up(struct sim_run *r)
{
    struct sim_host *a = sim_word_host(r, 1);
    const char *bad = NULL;
    if (!a || r->n != 3) {
        return "bring-up A B";
    }
    for (unsigned i = 0; i < r->s->hosts && !bad; i++) {
        bad = start_host(r, r->s->host[i]);
    }
    if (!bad && ike_initiate(a->engine, a->conf.conn[0].id, NULL, r->s->now) != IKE_OK) {
        a->errors++;
        bad = r->o->sweep ? NULL : "ike_initiate fails";
    }
    bad = bad ? bad : quiet(r, QUIET);
    bad = bad ? bad : st_watch(r);
    return bad ? bad : st_mark(r);
}

static const char *st_loose(struct sim_run *r)
{
    r->loose = r->n == 1 || r->o->sweep;
    return NULL;
}

/* hold NAME HOST PATTERN | drop HOST PATTERN [N|all] | delay HOST PATTERN TIME | twice HOST PATTERN TIME |
 * rewrite HOST PATTERN PAYLOADS; all: [skip N] */
static const char *st_rule(struct sim_run *r)
{
    static const char *const verbs[] = {
        [SIM_HOLD] = "hold", [SIM_DROP] = "drop", [SIM_DELAY] = "delay", [SIM_TWICE] = "twice", [SIM_REWRITE] = "rewrite"};
    unsigned at = strcmp(r->word[0], "hold") == 0 ? 2 : 1;
    uint64_t n;
    if (r->n < at + 2) {
        return "which host and message?";
    }
    struct sim_host *from = strcmp(r->word[at], "*") == 0 ? NULL : sim_word_host(r, at);
    if (!from && strcmp(r->word[at], "*") != 0) {
        return r->error;
    }
    for (unsigned a = 0; a < SIM_COUNT(verbs); a++) {
        if (strcmp(verbs[a], r->word[0]) != 0) {
            continue;
        }
        struct sim_rule *rule = sim_rule_add(r->s, (enum sim_action)a, from, r->word[at + 1]);
        rule->name = at == 2 ? sim_strdup(r->word[1]) : NULL;
        bool rewrite = a == SIM_REWRITE && r->n > at + 2;
        rule->payloads = sim_strdup(rewrite ? r->word[at + 2] : "-");
        for (unsigned i = at + 2 + rewrite; i < r->n; i++) {
            if (strcmp(r->word[i], "all") == 0) {
                rule->count = UINT32_MAX;
            } else if (strcmp(r->word[i], "skip") == 0 && i + 1 < r->n && sim_number_parse(r->word[i + 1], UINT32_MAX, &n)) {
                rule->skip = (unsigned)n;
                i++;
            } else if (sim_number_parse(r->word[i], UINT32_MAX, &n)) {
                rule->count = (unsigned)n;
            } else if (!sim_time_parse(r->word[i], &rule->delay)) {
                return sim_complain(r, "%s is no time, number or word known here", r->word[i]);
            }
        }
    }
    return NULL;
}

static const char *st_release(struct sim_run *r)
{
    if (r->n != 2) {
        return "deliver NAME | forget NAME";
    }
    bool any = sim_rule_release(r->s, r->word[1], strcmp(r->word[0], "deliver") == 0);
    return any || r->o->sweep ? NULL : sim_complain(r, "nothing is held as %s", r->word[1]);
}

/* nonce HOST HEX | nonce HOST any */
static const char *st_nonce(struct sim_run *r)
{
    struct sim_host *h = r->n == 3 ? sim_word_host(r, 1) : NULL;
    if (!h) {
        return "nonce HOST OCTET|any";
    }
    h->nonce = strcmp(r->word[2], "any") == 0 ? -1 : (int)(strtoul(r->word[2], NULL, 16) & 0xff);
    return NULL;
}

/* late HOST KIND TIME|never | refuse HOST KIND [TIME]; both: [skip N] [count N] */
static const char *st_manner(struct sim_run *r)
{
    struct sim_host *h = sim_word_host(r, 1);
    struct sim_manner m = {.refuse = strcmp(r->word[0], "refuse") == 0};
    uint64_t n;
    for (unsigned i = 3; i < r->n; i++) {
        if (i + 1 < r->n && sim_number_parse(r->word[i + 1], UINT32_MAX, &n) && strcmp(r->word[i], "skip") == 0) {
            m.skip = (unsigned)n;
            i++;
        } else if (i + 1 < r->n && sim_number_parse(r->word[i + 1], UINT32_MAX, &n) && strcmp(r->word[i], "count") == 0) {
            m.count = (unsigned)n;
            i++;
        } else if (strcmp(r->word[i], "never") == 0 || sim_time_parse(r->word[i], &m.delay)) {
            m.delay = strcmp(r->word[i], "never") == 0 ? IKE_NEVER : m.delay;
            m.pending = true;
        } else {
            return sim_complain(r, "%s is no time or word known here", r->word[i]);
        }
    }
    for (unsigned k = 0; h && r->n > 2 && k < SIM_ASKS; k++) {
        if (strcmp(sim_ask_names[k], r->word[2]) == 0) {
            h->manner[k] = m;
            h->hooks = h->hooks || k <= SIM_ASK_CHILD;
            return NULL;
        }
    }
    return "late|refuse HOST peer|secret|child|spi|add ...";
}

static const struct {
    const char *name;
    const char *(*run)(struct sim_run *);
} statements[] = {
    {"host", st_host},    {"peers", st_peers},     {"child", st_child},       {"set", st_set},         {"link", st_link},
    {"start", st_start},  {"settle", st_settle},   {"quiet", st_quiet},       {"run", st_run},         {"mark", st_mark},
    {"watch", st_watch},  {"unwatch", st_unwatch}, {"bring-up", st_bring_up}, {"loose", st_loose},     {"hold", st_rule},
    {"drop", st_rule},    {"delay", st_rule},      {"twice", st_rule},        {"deliver", st_release}, {"forget", st_release},
    {"rewrite", st_rule}, {"nonce", st_nonce},     {"late", st_manner},       {"refuse", st_manner},   {"expect", sim_expect},
};

static const char *statement(struct sim_run *r)
{
    for (size_t i = 0; i < SIM_COUNT(statements); i++) {
        if (strcmp(statements[i].name, r->word[0]) == 0) {
            return statements[i].run(r);
        }
    }
    struct sim_host *h = sim_find_host(r->s, r->word[0]);
    return h ? sim_op(r, h, 1) : sim_complain(r, "no statement or host %s", r->word[0]);
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
    return statement(r);
}

/* After the last line: what is still on its way arrives, all work ends, both ends agree. */
static const char *finish(struct sim_run *r)
{
    enum sim_fault_kind f = r->s->fault.kind;
    const char *bad = r->loose ? NULL : quiet(r, QUIET);
    if (f == SIM_FAULT_LATE || f == SIM_FAULT_COPY) {
        sim_run(r->s, 60 * IKE_SEC);
    } else if (f == SIM_FAULT_ALLOC || f == SIM_FAULT_RANDOM) {
        sim_run(r->s, QUIET); /* the other side notices */
    }
    if (!r->loose) {
        bad = bad ? bad : quiet(r, QUIET);
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
        out->complaints += n.failures + h->errors;
        sim_host_stop(h);
        out->allocs[i] = h->allocs;
        out->randoms[i] = h->randoms;
    }
    out->hosts = s->hosts;
    out->waited = r->waited;
    out->messages = s->n_msgs;
    out->datagrams = s->datagrams;
    out->hash = s->trace_hash;
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
    out->trace = s->trace.at ? sim_strdup(s->trace.at) : NULL;
    sim_free(s);
    free(r);
}

void sim_result_free(struct sim_result *r)
{
    free(r->state);
    free(r->trace);
}
