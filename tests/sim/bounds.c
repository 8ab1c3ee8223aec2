/* SPDX-License-Identifier: ISC
 *
 * What has to come to an end in time: half-open IKE SAs go, what is wanted comes, what was closed leaves nothing behind. And each
 * attempt that fails leaves exactly one failure record.
 */
#include "base/sabotage.h"
#include "message/message.h"
#include "message/v1.h"
#include "sim.h"
#include <stdlib.h>
#include <string.h>

#define REAP_LATE (2 * IKE_SEC) /* a half-open IKE SA may outlive its time by so much: timers are not exact */
#define FAIR_LOSS 100           /* per thousand: with more a peer may be given up now and then */
#define ROOM      (512 << 10)   /* octets that an engine may hold in a run beyond what it began with */
#define SPARE     12            /* blocks of tables that do not shrink */

/* ---- Failure records --------------------------------------------------------------------------------------------------- */

struct sim_attempt {
    struct sim_attempt *next;
    unsigned life;
    uint64_t spi_i;
    ike_sa_id sa; /* 0: not looked up yet */
    ike_conn_id conn;
    unsigned records;
};

static void attempt_drop(struct sim_attempt **at)
{
    struct sim_attempt *a = *at;
    *at = a->next;
    free(a);
}

void sim_bounds_free(struct sim_host *h)
{
    while (h->attempts) {
        attempt_drop(&h->attempts);
    }
}

void ike_witness_failure(void *user, const struct ike_failure *f)
{
    struct sim_host *h = user;
    h->sim->stat[SIM_STAT_RECORDS]++;
    /* Of ours another attempt may begin in the same call, and fail at once for reasons of the host. */
    bool child = f->exchange == (f->version == 1 ? IKE_X1_QUICK : IKE_X_CREATE_CHILD_SA);
    h->recorded[f->initiator != 0] += child && (!f->initiator || f->decider == IKE_DECIDER_PEER);
    for (struct sim_attempt *a = h->attempts; a; a = a->next) {
        a->records += !child && f->sa && a->sa == f->sa && a->life == h->life;
    }
}

/* Refusals after which nothing is tried again by itself; of the others some are no failure. */
static bool is_final(uint16_t notify)
{
    return notify == IKE_N_NO_PROPOSAL_CHOSEN || notify == IKE_N_TS_UNACCEPTABLE || notify == IKE_N_NO_ADDITIONAL_SAS ||
           notify == IKE_N_SINGLE_PAIR_REQUIRED;
}

void sim_bounds_said(struct sim_host *h, bool outgoing, const uint8_t *clear, size_t n)
{
    struct ike_header head;
    struct ike_notify error;
    if (ike_header_parse(&head, clear, n) != IKE_OK) {
        return;
    }
    bool v1 = head.version >> 4 == 1, response = !v1 && head.flags & IKE_FLAG_RESPONSE;
    bool first = v1 ? !head.spi_r && head.exchange != IKE_X1_INFORMATIONAL : head.exchange == IKE_X_SA_INIT && !response;
    if (outgoing && first) {
        struct sim_attempt *a = h->attempts;
        while (a && (a->spi_i != head.spi_i || a->life != h->life)) {
            a = a->next;
        }
        if (!a) {
            a = sim_alloc(sizeof *a);
            *a = (struct sim_attempt){.next = h->attempts, .life = h->life, .spi_i = head.spi_i};
            h->attempts = a;
        }
    }
    if (response && head.exchange == IKE_X_CREATE_CHILD_SA) {
        struct ike_message *m = sim_alloc(sizeof *m);
        if (ike_message_parse(m, clear, n) == IKE_OK && !ike_message_find(m, IKE_P_SA, 0) && ike_message_error(m, &error)) {
            h->refused[!outgoing] += is_final(error.type);
        }
        free(m);
    }
}

void sim_bounds_call(struct sim_host *h) { memset(h->recorded, 0, sizeof h->recorded), memset(h->refused, 0, sizeof h->refused); }

void sim_bounds_heard(struct sim_host *h)
{
    static const char *const role[] = {"refuses a child or rekey of its peer's", "is refused a child or rekey"};
    for (int own = 0; own < 2 && !h->sim->tolerant && !h->sim->hostile; own++) {
        bool fits = h->refused[own] ? h->recorded[own] == h->refused[own] : h->recorded[own] <= 1;
        if (!fits) {
            sim_break(h->sim, "%s %s %u times in one call, and leaves %u failure records", h->name, role[own], h->refused[own],
                      h->recorded[own]);
        }
    }
}

static bool connected(struct sim_host *h, ike_conn_id conn)
{
    ike_sa_info sa = {.size = sizeof sa};
    for (ike_sa_id id = 0; ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
        bool is_up = sa.state != IKE_SA_CONNECTING && sa.state != IKE_SA_DELETING;
        if (sa.conn == conn && (is_up || sa.established == h->sim->now)) { /* it may be closed in the same moment */
            return true;
        }
    }
    return false;
}

/* IKE SAs that we began: each comes up, or goes and leaves one record. A command may end one without; and so does the peer's own
 * attempt that comes up first, for then nothing has failed. */
static void check_attempts(struct sim_host *h)
{
    for (struct sim_attempt **at = &h->attempts; *at;) {
        struct sim_attempt *a = *at;
        ike_sa_info sa = {.size = sizeof sa};
        for (ike_sa_id id = 0; !a->sa && ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
            a->sa = sa.spi_i == a->spi_i && sa.initiator ? sa.id : 0;
            a->conn = sa.conn;
        }
        bool there = a->sa && ike_sa_get(h->engine, a->sa, &sa) == IKE_OK;
        if (there && a->life == h->life && sa.state == IKE_SA_CONNECTING) {
            at = &a->next;
            continue;
        }
        bool known = a->sa && a->life == h->life && !h->sim->tolerant, up = known && sim_came_up(h, a->sa);
        bool silent = a->records == 0 && (h->sim->commanding || connected(h, a->conn));
        if (known && up ? a->records > 1 : known && a->records != 1 && !silent) {
            sim_break(h->sim, "%s: an attempt to connect %s and left %u failure records", h->name, up ? "came up" : "failed",
                      a->records);
        }
        attempt_drop(at);
    }
}

/* ---- Half-open --------------------------------------------------------------------------------------------------------- */

static void check_half_open(struct sim_host *h)
{
    ike_sa_info sa = {.size = sizeof sa};
    ike_time life = h->conf.engine.half_open_life_ms * IKE_MS;
    for (ike_sa_id id = 0; ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
        /* In IKEv1 a peer that has proved its secret may still have to show who its user is: the host may have to be asked. */
        bool proved = sa.version == 1 && sa.last_in > sa.created;
        ike_time until = proved ? sa.last_in + 2 * life : sa.created + life;
        if (sa.state == IKE_SA_CONNECTING && !sa.initiator && h->sim->now > until + REAP_LATE) {
            sim_break(h->sim, "%s: IKE SA #%u is half-open for %u s", h->name, sim_sa_name(h->sim, sa.spi_i),
                      (unsigned)((h->sim->now - sa.created) / IKE_SEC));
        }
    }
}

/* ---- What is wanted ---------------------------------------------------------------------------------------------------- */

static const struct sim_conn *conf_of(const struct sim_host *h, const char *name)
{
    for (unsigned i = 0; i < h->conf.conns; i++) {
        if (strcmp(h->conf.conn[i].name, name) == 0) {
            return &h->conf.conn[i];
        }
    }
    return NULL;
}

static bool prompt(const struct sim_host *h)
{
    for (unsigned i = 0; i < SIM_ASKS; i++) {
        if (h->manner[i].refuse || h->manner[i].pending) {
            return false;
        }
    }
    return h->fail_alloc <= h->allocs && h->fail_random <= h->randoms && h->sim->fault.kind != SIM_FAULT_NEVER;
}

static bool held(const struct sim_want *w)
{
    const struct sim_conn *c = conf_of(w->host, w->conn);
    for (size_t i = 0; c && i < c->set.n_children; i++) {
        if (strcmp(c->child[i].name, w->child) == 0) {
            return c->child[i].held || c->removed;
        }
    }
    return true;
}

/* What is mutated is as good as lost, and worse: its repetition is the same. */
static bool fair(const struct sim_host *h) { return prompt(h) && h->byzantine <= FAIR_LOSS; }

/* Whether somebody could be expected to bring it up. */
static bool could_be(const struct sim *s, const struct sim_want *w)
{
    const struct sim_conn *there = conf_of(w->peer, w->conn);
    return w->host->engine && w->peer->engine && !w->host->closing && !w->peer->closing && there && !there->removed && !held(w) &&
           fair(w->host) && fair(w->peer) && sim_connected(s, w->host, w->peer, FAIR_LOSS);
}

static bool is_up(const struct sim_want *w)
{
    ike_child_info c = {.size = sizeof c};
    for (ike_child_id id = 0; ike_child_next(w->host->engine, id, &c) == IKE_OK; id = c.id) {
        bool up = c.state == IKE_CHILD_INSTALLED || c.state == IKE_CHILD_REKEYING || c.state == IKE_CHILD_REKEYED;
        if (up && strcmp(c.conn_name, w->conn) == 0 && strcmp(c.name, w->child) == 0) {
            return true;
        }
    }
    return false;
}

static void check_want(struct sim *s, struct sim_want *w)
{
    if (!could_be(s, w) || is_up(w)) {
        w->since = 0;
        return;
    }
    w->since = w->since ? w->since : s->now;
    ike_time gone = s->now - w->since;
    w->longest = gone > w->longest ? gone : w->longest;
    if (gone > w->bound) {
        sim_break(s, "%s: %s/%s is wanted and has had no SA for %u s", w->host->name, w->conn, w->child,
                  (unsigned)(gone / IKE_SEC));
    }
}

void sim_bounds_peace(struct sim *s)
{
    for (const struct sim_want *w = s->wants; w; w = w->next) {
        if (could_be(s, w) && !is_up(w)) {
            sim_break(s, "%s: all is quiet, and %s/%s, which is wanted, has no SA", w->host->name, w->conn, w->child);
        }
    }
}

/* ---- Together ---------------------------------------------------------------------------------------------------------- */

void sim_bounds(struct sim *s)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        if (s->host[i]->engine) {
            check_attempts(s->host[i]);
            check_half_open(s->host[i]);
            if (s->host[i]->live - s->host[i]->tables > s->host[i]->idle_live + ROOM) {
                sim_break(s, "%s: the engine holds %zu octets; it began with %zu", s->host[i]->name, s->host[i]->live,
                          s->host[i]->idle_live);
            }
        }
    }
    for (struct sim_want *w = s->wants; w; w = w->next) {
        check_want(s, w);
    }
}

/* The ring's, and each connection's last one. */
static size_t records(const struct sim_host *h)
{
    size_t n = 0;
    ike_failure f = {.size = sizeof f};
    while (ike_failure_at(h->engine, n, &f) == IKE_OK) {
        n++;
    }
    return n + h->conf.conns;
}

void sim_bounds_idle(struct sim_host *h)
{
    ike_counters n = {.size = sizeof n};
    sim_kernel_addresses(h);
    ike_counters_get(h->engine, &n);
    if (n.sas || n.children || n.exchanges || n.questions || n.half_open || h->kernel.list || sim_ask_open(h)) {
        sim_break(h->sim, "%s: all was closed, and there are %u IKE SAs, %u children, %u exchanges, %u questions%s", h->name,
                  (unsigned)n.sas, (unsigned)n.children, (unsigned)n.exchanges, (unsigned)n.questions,
                  h->kernel.list ? ", and something in the kernel" : "");
    }
    if (h->blocks > h->idle_blocks + records(h) + SPARE) {
        sim_break(h->sim, "%s: all was closed, and the engine holds %zu blocks and %zu records; it began with %zu", h->name,
                  h->blocks, records(h), h->idle_blocks);
    }
}
