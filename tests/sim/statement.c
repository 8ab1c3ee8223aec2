/* SPDX-License-Identifier: ISC
 *
 * The statements of a case: one table. Everything else a case can say is an operation (ops.c) or an expectation (expect.c).
 */
#include "case.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET (400 * IKE_SEC) /* longer than all retransmissions of one message */

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

static const char *set_lacks(struct sim_run *r, struct sim_host *h)
{
    uint8_t type;
    uint16_t id, bits;
    h->lacks[0] = '\0';
    for (unsigned i = 3; i < r->n; i++) {
        size_t len = strlen(h->lacks), n = strlen(r->word[i]);
        if (ike_keyword_transform(r->word[i], n, &type, &id, &bits) != IKE_OK || len + n + 2 > sizeof h->lacks) {
            return sim_complain(r, "lacks: %s is no keyword, or one too many", r->word[i]);
        }
        snprintf(h->lacks + len, sizeof h->lacks - len, "%s ", r->word[i]);
    }
    return NULL;
}

static const char *set_host(struct sim_run *r, struct sim_host *h)
{
    uint64_t yes;
    if (r->n == 4 && strcmp(r->word[2], "hooks") == 0 && sim_number_parse(r->word[3], 1, &yes)) {
        h->hooks = yes;
        return NULL;
    }
    if (r->n == 4 && strcmp(r->word[2], "lends") == 0) {
        h->lends = strcmp(r->word[3], "yes") == 0;
        return NULL;
    }
    if (r->n == 4 && strcmp(r->word[2], "hook-secret") == 0) {
        snprintf(h->secret, sizeof h->secret, "%s", r->word[3]);
        return NULL;
    }
    if (r->n < 4) {
        return "set HOST KEY VALUE ...";
    }
    if (strcmp(r->word[2], "lacks") == 0) {
        return set_lacks(r, h);
    }
    const char *bad = sim_conf_set(&h->conf, r->word[2], r->n - 3, r->word + 3);
    return bad ? sim_complain(r, "%s: %s", r->word[2], bad) : NULL;
}
static const char *st_set(struct sim_run *r) { return each_host(r, 1, set_host); }

static bool link_member(struct sim_link *l, const char *name, const char *value)
{
    struct {
        const char *name;
        ike_time *time;
        unsigned *number;
    } members[] = {
        {"delay", &l->delay, NULL}, {"jitter", &l->jitter, NULL},   {"late", &l->late, NULL}, {"loss", NULL, &l->loss},
        {"twice", NULL, &l->twice}, {"corrupt", NULL, &l->corrupt}, {"mtu", NULL, &l->mtu},
    };
    for (size_t i = 0; i < SIM_COUNT(members); i++) {
        uint64_t n;
        if (strcmp(members[i].name, name) != 0) {
            continue;
        }
        if (members[i].time) {
            return sim_time_parse(value, members[i].time);
        }
        bool ok = sim_number_parse(value, members[i].number == &l->mtu ? 65535 : 1000, &n);
        *members[i].number = ok ? (unsigned)n : 0;
        return ok;
    }
    return false;
}

/* link [A B] MEMBER VALUE ...: of all, or of two hosts only, beginning with what it is for all */
static const char *st_link(struct sim_run *r)
{
    struct sim *s = r->s;
    struct sim_host *a = r->n > 1 ? sim_find_host(s, r->word[1]) : NULL, *b = a ? sim_word_host(r, 2) : NULL;
    struct sim_link *l[2] = {&s->link, NULL};
    if (a && !b) {
        return r->error;
    }
    if (a) {
        l[0] = &s->pair[a->index][b->index];
        l[1] = &s->pair[b->index][a->index];
    }
    for (int k = 0; k < 2 && l[k]; k++) {
        bool cut = l[k]->cut;
        if (a && !l[k]->own) {
            unsigned last = l[k]->last;
            *l[k] = s->link;
            l[k]->last = last;
            l[k]->own = true;
            l[k]->cut = cut;
        }
        for (unsigned i = a ? 3 : 1; i < r->n; i += 2) {
            if (i + 1 == r->n || !link_member(l[k], r->word[i], r->word[i + 1])) {
                return "link [A B] delay T jitter T late T loss N twice N corrupt N (per thousand) mtu OCTETS";
            }
        }
    }
    return NULL;
}

/* cut A B | heal A B | heal */
static const char *st_cut(struct sim_run *r)
{
    bool cut = strcmp(r->word[0], "cut") == 0;
    struct sim_host *a = r->n > 1 ? sim_word_host(r, 1) : NULL, *b = a ? sim_word_host(r, 2) : NULL;
    if (r->n > 1 && !b) {
        return r->error;
    }
    for (unsigned i = 0; i < r->s->hosts; i++) {
        for (unsigned k = 0; k < r->s->hosts; k++) {
            if (!a || (i == a->index && k == b->index) || (k == a->index && i == b->index)) {
                r->s->pair[i][k].cut = cut;
            }
        }
    }
    sim_trace(r->s, NULL, "link %s: %s", r->n > 1 ? r->word[1] : "all", r->word[0]);
    return NULL;
}

/* wanted HOST PEER CONN CHILD TIME */
static const char *st_wanted(struct sim_run *r)
{
    struct sim_host *h = sim_word_host(r, 1), *peer = h ? sim_word_host(r, 2) : NULL;
    ike_time bound;
    if (!peer || !word_time(r, 5, &bound)) {
        return "wanted HOST PEER CONN CHILD TIME";
    }
    struct sim_want *w = sim_alloc(sizeof *w);
    *w = (struct sim_want){.next = r->s->wants, .host = h, .peer = peer, .bound = bound};
    snprintf(w->conn, sizeof w->conn, "%s", r->word[3]);
    snprintf(w->child, sizeof w->child, "%s", r->word[4]);
    r->s->wants = w;
    return NULL;
}

static const char *prompt_host(struct sim_run *r, struct sim_host *h)
{
    (void)r;
    memset(h->manner, 0, sizeof h->manner);
    h->fail_alloc = h->fail_random = 0;
    return NULL;
}
static const char *st_prompt(struct sim_run *r) { return each_host(r, 1, prompt_host); }

/* nat NAME ADDRESS [TIME] [symmetric]: a box; it forgets a port that was not used from inside for so long (120s) */
static const char *st_nat(struct sim_run *r)
{
    ike_addr a;
    ike_time t = 120 * IKE_SEC;
    bool symmetric = r->n > 3 && strcmp(r->word[r->n - 1], "symmetric") == 0;
    if (r->n < 3 || ike_addr_parse(&a, r->word[2]) != IKE_OK || (r->n > 3u + symmetric && !word_time(r, 3, &t))) {
        return "nat NAME ADDRESS [TIME] [symmetric]";
    }
    sim_nat_new(r->s, r->word[1], &a, t, symmetric);
    return NULL;
}

/* behind HOST NAT|none */
static const char *st_behind(struct sim_run *r)
{
    struct sim_host *h = sim_word_host(r, 1);
    if (!h || r->n != 3) {
        return "behind HOST NAT|none";
    }
    h->nat = sim_nat_find(r->s, r->word[2]);
    return h->nat || strcmp(r->word[2], "none") == 0 ? NULL : sim_complain(r, "no box %s", r->word[2]);
}

/* rebind NAT [ADDRESS] */
static const char *st_rebind(struct sim_run *r)
{
    struct sim_nat *n = r->n > 1 ? sim_nat_find(r->s, r->word[1]) : NULL;
    ike_addr a;
    if (!n || (r->n > 2 && ike_addr_parse(&a, r->word[2]) != IKE_OK)) {
        return "rebind NAT [ADDRESS]";
    }
    sim_trace(r->s, NULL, "link %s is rebound", r->word[1]);
    sim_nat_rebind(r->s, n, r->n > 2 ? &a : NULL);
    return NULL;
}

/* byzantine HOST N: so many per thousand of its messages are mutated */
static const char *st_byzantine(struct sim_run *r)
{
    struct sim_host *h = sim_word_host(r, 1);
    uint64_t n;
    if (!h || r->n != 3 || !sim_number_parse(r->word[2], 1000, &n)) {
        return "byzantine HOST N (per thousand)";
    }
    h->byzantine = (unsigned)n;
    r->s->hostile = true;
    return NULL;
}

/* fail HOST alloc|random N: the N-th from now on; calls may give errors from then on */
static const char *st_fail(struct sim_run *r)
{
    struct sim_host *h = sim_word_host(r, 1);
    uint64_t n;
    if (!h || r->n != 4 || !sim_number_parse(r->word[3], UINT32_MAX, &n)) {
        return "fail HOST alloc|random N";
    }
    r->s->tolerant = true;
    if (strcmp(r->word[2], "alloc") == 0) {
        h->fail_alloc = h->allocs + n;
    } else {
        h->fail_random = h->randoms + n;
    }
    return NULL;
}

/* Where the sweep's fault is not on the wire but in a host. */
static void arm(struct sim_run *r, struct sim_host *h)
{
    const struct sim_fault *f = &r->s->fault;
    if (sim_fault_loses(f->kind)) {
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

const char *sim_case_quiet(struct sim_run *r, ike_time limit)
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

/* agree: all is quiet, the two ends of everything hold the same, and what is wanted is there */
static const char *st_agree(struct sim_run *r)
{
    ike_time t = QUIET;
    const char *bad = r->n > 1 && !word_time(r, 1, &t) ? "agree [TIME]" : sim_case_quiet(r, t);
    if (!bad) {
        sim_check_quiet(r->s);
        sim_bounds_peace(r->s);
    }
    return bad;
}

/* idle: everything was closed, and nothing is left of it */
static const char *st_idle(struct sim_run *r)
{
    const char *bad = sim_case_quiet(r, QUIET);
    for (unsigned i = 0; i < r->s->hosts && !bad; i++) {
        if (r->s->host[i]->engine) {
            sim_bounds_idle(r->s->host[i]);
        }
    }
    return bad;
}

static const char *st_settle(struct sim_run *r)
{
    sim_settle(r->s);
    return NULL;
}

static const char *st_quiet(struct sim_run *r)
{
    ike_time t = QUIET;
    return r->n > 1 && !word_time(r, 1, &t) ? "quiet [TIME]" : sim_case_quiet(r, t);
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
    if (sim_fault_loses(fault)) {
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
    bad = bad ? bad : sim_case_quiet(r, QUIET);
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
    return "late|refuse HOST peer|secret|child|spi|add|user|login|lease|sign ...";
}

static const struct {
    const char *name;
    const char *(*run)(struct sim_run *);
} statements[] = {
    {"host", st_host},     {"peers", st_peers},     {"child", st_child},         {"set", st_set},         {"link", st_link},
    {"start", st_start},   {"settle", st_settle},   {"quiet", st_quiet},         {"run", st_run},         {"mark", st_mark},
    {"watch", st_watch},   {"unwatch", st_unwatch}, {"bring-up", st_bring_up},   {"loose", st_loose},     {"hold", st_rule},
    {"drop", st_rule},     {"delay", st_rule},      {"twice", st_rule},          {"deliver", st_release}, {"forget", st_release},
    {"rewrite", st_rule},  {"nonce", st_nonce},     {"late", st_manner},         {"refuse", st_manner},   {"expect", sim_expect},
    {"cut", st_cut},       {"heal", st_cut},        {"wanted", st_wanted},       {"prompt", st_prompt},   {"fail", st_fail},
    {"agree", st_agree},   {"idle", st_idle},       {"byzantine", st_byzantine}, {"nat", st_nat},         {"behind", st_behind},
    {"rebind", st_rebind},
};

const char *sim_statement(struct sim_run *r)
{
    for (size_t i = 0; i < SIM_COUNT(statements); i++) {
        if (strcmp(statements[i].name, r->word[0]) == 0) {
            return statements[i].run(r);
        }
    }
    struct sim_host *h = sim_find_host(r->s, r->word[0]);
    return h ? sim_op(r, h, 1) : sim_complain(r, "no statement or host %s", r->word[0]);
}
