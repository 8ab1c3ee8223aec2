/* SPDX-License-Identifier: ISC
 *
 * What a case expects: counts, failure records, members of children and SAs. One table.
 */
#include "case.h"
#include "core/core.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "3", ">=3", "<=3" */
static bool holds(const char *want, uint64_t have)
{
    char *end;
    bool least = strncmp(want, ">=", 2) == 0, most = strncmp(want, "<=", 2) == 0;
    const char *number = want + (least || most ? 2 : 0);
    uint64_t n = strtoull(number, &end, 0);
    if (end == number || *end) {
        return false;
    }
    return least ? have >= n : most ? have <= n : have == n;
}

static const char *number(struct sim_run *r, unsigned at, uint64_t have)
{
    if (r->n != at + 1) {
        return sim_complain(r, "a number, please");
    }
    return holds(r->word[at], have) ? NULL : sim_complain(r, "%s expected, it is %llu", r->word[at], (unsigned long long)have);
}

static ike_counters counters(const struct sim_host *h)
{
    ike_counters c = {.size = sizeof c};
    if (h->engine) {
        ike_counters_get(h->engine, &c);
    }
    return c;
}

/* ---- Counts: word[3] is the number ------------------------------------------------------------------------------------ */

static const char *sas(struct sim_run *r, struct sim_host *h) { return number(r, 3, counters(h).sas); }
static const char *children(struct sim_run *r, struct sim_host *h) { return number(r, 3, counters(h).children); }
static const char *cancelled(struct sim_run *r, struct sim_host *h) { return number(r, 3, h->cancelled); }
static const char *open_questions(struct sim_run *r, struct sim_host *h) { return number(r, 3, sim_ask_open(h)); }
static const char *errors(struct sim_run *r, struct sim_host *h) { return number(r, 3, h->errors); }

static const char *asked(struct sim_run *r, struct sim_host *h)
{
    for (unsigned i = 0; r->n == 5 && i < SIM_ASKS; i++) {
        if (strcmp(sim_ask_names[i], r->word[3]) == 0) {
            return number(r, 4, h->asked[i]);
        }
    }
    return sim_complain(r, "no such question");
}

static const char *event(struct sim_run *r, struct sim_host *h)
{
    for (unsigned i = 1; r->n == 5 && i <= IKE_EV_ADDRESS_CHANGED; i++) {
        if (strcmp(sim_event_name((ike_event_type)i), r->word[3]) == 0) {
            return number(r, 4, h->seen.event[i] - h->mark.event[i]);
        }
    }
    return sim_complain(r, "no such event");
}

/* Distinct messages since the mark that match; `resent`: how often those were sent again. */
static const char *messages(struct sim_run *r, struct sim_host *h, bool resent)
{
    uint64_t have = 0;
    for (const struct sim_msg *m = r->s->msgs; r->n == 5 && m && m->number > r->s->mark_msg; m = m->older) {
        if (m->from == h && fnmatch(r->word[3], m->text, 0) == 0) {
            have += resent ? m->sent - 1 : 1;
        }
    }
    return number(r, 4, have);
}
static const char *sent(struct sim_run *r, struct sim_host *h) { return messages(r, h, false); }
static const char *resent(struct sim_run *r, struct sim_host *h) { return messages(r, h, true); }

#define MEMBER(s, m)                                                                                                             \
    {                                                                                                                            \
#m, offsetof(s, m), sizeof(((s *)0)->m)                                                                                  \
    }
struct member {
    const char *name;
    size_t at, size;
};

static const char *member(struct sim_run *r, unsigned at, const struct member *m, size_t n, const void *of)
{
    for (size_t i = 0; at < r->n && i < n; i++) {
        if (strcmp(m[i].name, r->word[at]) != 0) {
            continue;
        }
        const uint8_t *p = (const uint8_t *)of + m[i].at;
        uint64_t have, want;
        have = m[i].size == 8   ? *(const uint64_t *)(const void *)p
               : m[i].size == 4 ? *(const uint32_t *)(const void *)p
               : m[i].size == 2 ? *(const uint16_t *)(const void *)p
                                : *p;
        if (r->n == at + 2 && sim_number_parse(r->word[at + 1], UINT64_MAX, &want)) { /* yes, no, transport ... */
            return want == have ? NULL : sim_complain(r, "%s expected, it is %llu", r->word[at + 1], (unsigned long long)have);
        }
        return number(r, at + 1, have);
    }
    return sim_complain(r, "no such member");
}

static const char *counter(struct sim_run *r, struct sim_host *h)
{
    static const struct member m[] = {
        MEMBER(ike_counters, in),
        MEMBER(ike_counters, out),
        MEMBER(ike_counters, dropped),
        MEMBER(ike_counters, retransmitted),
        MEMBER(ike_counters, retransmit_seen),
        MEMBER(ike_counters, cookies_sent),
        MEMBER(ike_counters, error_replies),
        MEMBER(ike_counters, handshakes),
        MEMBER(ike_counters, rekeys),
        MEMBER(ike_counters, failures),
        MEMBER(ike_counters, strangers),
        MEMBER(ike_counters, bad_icv),
        MEMBER(ike_counters, bad_syntax),
        MEMBER(ike_counters, unknown_spi),
        MEMBER(ike_counters, replayed),
        MEMBER(ike_counters, rate_limited),
        MEMBER(ike_counters, half_open),
        MEMBER(ike_counters, exchanges),
        MEMBER(ike_counters, questions),
    };
    ike_counters c = counters(h);
    return member(r, 3, m, SIM_COUNT(m), &c);
}

static const char *child(struct sim_run *r, struct sim_host *h)
{
    static const struct member m[] = {
        MEMBER(ike_child_info, state),      MEMBER(ike_child_info, initiator),   MEMBER(ike_child_info, mode),
        MEMBER(ike_child_info, udp_encap),  MEMBER(ike_child_info, esn),         MEMBER(ike_child_info, encr),
        MEMBER(ike_child_info, encr_bits),  MEMBER(ike_child_info, integ),       MEMBER(ike_child_info, ke),
        MEMBER(ike_child_info, n_local_ts), MEMBER(ike_child_info, n_remote_ts),
        MEMBER(ike_child_info, protocol),   MEMBER(ike_child_info, ah_integ),    MEMBER(ike_child_info, cpi_in),
        MEMBER(ike_child_info, cpi_out),
    };
    ike_child_info c;
    if (!sim_pick_child(h, NULL, &c)) {
        return sim_complain(r, "there is no child");
    }
    return member(r, 3, m, SIM_COUNT(m), &c);
}

static const char *sa(struct sim_run *r, struct sim_host *h)
{
    static const struct member m[] = {
        MEMBER(ike_sa_info, state),      MEMBER(ike_sa_info, initiator), MEMBER(ike_sa_info, nat_local),
        MEMBER(ike_sa_info, nat_remote), MEMBER(ike_sa_info, encr),      MEMBER(ike_sa_info, encr_bits),
        MEMBER(ike_sa_info, integ),      MEMBER(ike_sa_info, prf),       MEMBER(ike_sa_info, ke),
        MEMBER(ike_sa_info, children),   MEMBER(ike_sa_info, queued),
    };
    ike_sa_info i;
    if (!sim_pick_sa(h, NULL, &i)) {
        return sim_complain(r, "there is no IKE SA");
    }
    return member(r, 3, m, SIM_COUNT(m), &i);
}

/* ---- Which one -------------------------------------------------------------------------------------------------------- */

/* "has A2": a child of that inbound SPI is up. */
static const char *has(struct sim_run *r, struct sim_host *h)
{
    ike_child_info c;
    return r->n == 4 && sim_pick_child(h, r->word[3], &c) ? NULL : sim_complain(r, "there is no such child");
}

static const char *has_sa(struct sim_run *r, struct sim_host *h)
{
    ike_sa_info i;
    return r->n == 4 && sim_pick_sa(h, r->word[3], &i) ? NULL : sim_complain(r, "there is no such IKE SA");
}

static const char *selectors(struct sim_run *r, struct sim_host *h)
{
    ike_child_info c;
    if (!sim_pick_child(h, NULL, &c)) {
        return sim_complain(r, "there is no child");
    }
    bool local = strcmp(r->word[2], "local-ts") == 0;
    char have[1024] = "", want[1024] = "";
    size_t n = local ? c.n_local_ts : c.n_remote_ts, k = 0;
    for (size_t i = 0; i < n; i++) {
        char one[128];
        ike_ts_format(local ? &c.local_ts[i] : &c.remote_ts[i], one, sizeof one);
        k += (size_t)snprintf(have + k, sizeof have - k, "%s%s", i ? " " : "", one);
    }
    k = 0;
    for (unsigned i = 3; i < r->n; i++) {
        k += (size_t)snprintf(want + k, sizeof want - k, "%s%s", i > 3 ? " " : "", r->word[i]);
    }
    return strcmp(have, want) == 0 ? NULL : sim_complain(r, "they are %s", have);
}

/* ---- Failure records -------------------------------------------------------------------------------------------------- */

static bool newest_failure(const struct sim_host *h, ike_failure *f)
{
    *f = (ike_failure){.size = sizeof *f};
    return h->engine && ike_failure_at(h->engine, 0, f) == IKE_OK;
}

/* failure NAME [DECIDER], or failure none [nobody] */
static const char *failure(struct sim_run *r, struct sim_host *h)
{
    static const char *const deciders[] = {"?", "us", "peer", "host", "nobody"};
    ike_failure f;
    bool any = newest_failure(h, &f);
    const char *decider = !any ? "nobody" : f.decider < SIM_COUNT(deciders) ? deciders[f.decider] : "?";
    if (r->n < 4 || r->n > 5) {
        return sim_complain(r, "a failure and perhaps who decided, please");
    }
    if (strcmp(r->word[3], any ? ike_failure_name(f.code) : "none") != 0 || (r->n == 5 && strcmp(r->word[4], decider) != 0)) {
        return sim_complain(r, "it is %s, decided by %s", any ? ike_failure_name(f.code) : "none", decider);
    }
    return NULL;
}

/* The codes are checked by `failure`; what they are explained with is in no build without words. */
static bool without_words(void)
{
    static bool said;
    if (!IKE_WITH_WORDS && !said) {
        printf("left out: words are not in this build, so nothing is asked of them\n");
        said = true;
    }
    return !IKE_WITH_WORDS;
}

/* explain has|lacks TEXT */
static const char *explain(struct sim_run *r, struct sim_host *h)
{
    ike_failure f;
    char text[2048];
    if (r->n != 5 || !newest_failure(h, &f)) {
        return sim_complain(r, "there is no failure, or not one text");
    }
    if (without_words()) {
        return NULL;
    }
    ike_failure_explain(&f, text, sizeof text);
    bool wanted = strcmp(r->word[3], "has") == 0, there = strstr(text, r->word[4]) != NULL;
    if (wanted != there) {
        sim_trace(r->s, h, "explain: %s", text);
        return sim_complain(r, "the text is: %.180s", text);
    }
    return NULL;
}

/* record FIELD yes|no: whether it says what was expected, received, what to do */
static const char *record(struct sim_run *r, struct sim_host *h)
{
    ike_failure f;
    uint64_t want;
    if (r->n != 5 || !newest_failure(h, &f) || !sim_number_parse(r->word[4], 1, &want)) {
        return sim_complain(r, "there is no failure, or no field and yes or no");
    }
    const char *text = strcmp(r->word[3], "expected") == 0   ? f.expected
                       : strcmp(r->word[3], "received") == 0 ? f.received
                                                             : f.remedy;
    return without_words() || (text[0] != '\0') == (want != 0) ? NULL : sim_complain(r, "%s is \"%s\"", r->word[3], text);
}

/* ---- Traffic ---------------------------------------------------------------------------------------------------------- */

/* traffic PEER yes|no: both ways */
static const char *traffic(struct sim_run *r, struct sim_host *h)
{
    struct sim_host *peer = r->n == 5 ? sim_find_host(r->s, r->word[3]) : NULL;
    const char *why = "no SA";
    ike_ts from, to;
    if (!peer) {
        return sim_complain(r, "a host, and yes or no, please");
    }
    bool through = sim_sample(h, peer, &from, &to) && sim_kernel_reaches(h, peer, &from, &to, &why) &&
                   sim_kernel_reaches(peer, h, &to, &from, &why);
    return through == (strcmp(r->word[4], "yes") == 0) ? NULL : sim_complain(r, "it is not so: %s", through ? "it passes" : why);
}

static const struct {
    const char *name;
    const char *(*check)(struct sim_run *, struct sim_host *);
} expectations[] = {
    {"sas", sas},         {"children", children}, {"cancelled", cancelled}, {"open-questions", open_questions},
    {"errors", errors},   {"asked", asked},       {"event", event},         {"sent", sent},
    {"resent", resent},   {"counter", counter},   {"child", child},         {"sa", sa},
    {"has", has},         {"has-sa", has_sa},     {"local-ts", selectors},  {"remote-ts", selectors},
    {"failure", failure}, {"explain", explain},   {"record", record},       {"traffic", traffic},
};

const char *sim_expect(struct sim_run *r)
{
    if (r->o->sweep) {
        return NULL;
    }
    struct sim_host *h = r->n > 2 ? sim_word_host(r, 1) : NULL;
    for (size_t i = 0; h && i < SIM_COUNT(expectations); i++) {
        if (strcmp(expectations[i].name, r->word[2]) == 0) {
            return expectations[i].check(r, h);
        }
    }
    return h ? sim_complain(r, "no such expectation") : "expect: which host?";
}
