/* SPDX-License-Identifier: ISC
 *
 * What a host can be told to do: one table of operations.
 */
#include "case.h"
#include <stdlib.h>
#include <string.h>

/* ---- Picking ---------------------------------------------------------------------------------------------------------- */

bool sim_pick_child(struct sim_host *h, const char *spi, ike_child_info *out)
{
    ike_child_info c = {.size = sizeof c};
    bool found = false, found_up = false;
    for (ike_child_id id = 0; h->engine && ike_child_next(h->engine, id, &c) == IKE_OK; id = c.id) {
        char name[16];
        sim_spi_name(h->sim, c.spi_in, name, sizeof name);
        bool up = c.state == IKE_CHILD_INSTALLED || c.state == IKE_CHILD_REKEYING;
        bool this = !spi                      ? !found || (up && (!found_up || c.number > out->number))
                    : strcmp(spi, "any") == 0 ? !found || sim_below(&h->sim->rng, 2)
                                              : strcmp(name, spi) == 0;
        if (this) {
            *out = c;
            found = true;
            found_up = up;
        }
    }
    return found;
}

bool sim_pick_sa(struct sim_host *h, const char *name, ike_sa_info *out)
{
    ike_sa_info a = {.size = sizeof a};
    bool found = false, found_up = false;
    unsigned wanted = name && name[0] == '#' ? (unsigned)strtoul(name + 1, NULL, 10) : 0;
    for (ike_sa_id id = 0; h->engine && ike_sa_next(h->engine, id, &a) == IKE_OK; id = a.id) {
        bool up = a.state == IKE_SA_ESTABLISHED || a.state == IKE_SA_REKEYING;
        bool this = wanted                             ? sim_sa_name(h->sim, a.spi_i) == wanted
                    : name && strcmp(name, "any") == 0 ? !found || sim_below(&h->sim->rng, 2)
                                                       : !found || (up && (!found_up || a.number > out->number));
        if (this) {
            *out = a;
            found = true;
            found_up = up;
        }
    }
    return found;
}

static ike_ts one_address(const ike_ts *of)
{
    ike_ts t = *of;
    memcpy(t.hi, t.lo, sizeof t.hi);
    t.port_hi = t.port_lo;
    return t;
}

bool sim_sample(struct sim_host *a, struct sim_host *b, ike_ts *from, ike_ts *to)
{
    for (int back = 0; back < 2; back++) {
        const struct sim_host *h = back ? b : a, *peer = back ? a : b;
        for (const struct sim_ksa *k = h->kernel.list; k; k = k->next) {
            const struct sim_ksa *i = sim_kernel_find(peer, true, k->spi);
            if (k->inbound || k->state != SIM_INSTALLED || !i) {
                continue;
            }
            *from = one_address(back ? &i->local[0] : &k->local[0]);
            *to = one_address(back ? &k->local[0] : &i->local[0]);
            return true;
        }
    }
    return false;
}

/* ---- Operations: IKE_OK or an error; n words of arguments ---------------------------------------------------------------- */

struct args {
    struct sim_run *r;
    struct sim_host *h;
    unsigned n;
    const char *const *word;
};

static const char *arg(const struct args *a, unsigned i) { return i < a->n ? a->word[i] : NULL; }

static ike_conn_id conn_of(const struct args *a, unsigned i)
{
    const char *name = arg(a, i);
    for (unsigned k = 0; k < a->h->conf.conns; k++) {
        if (!name || strcmp(a->h->conf.conn[k].name, name) == 0) {
            return a->h->conf.conn[k].id;
        }
    }
    return 0;
}

static struct sim_conn *conf_of(const struct args *a, const char *name)
{
    for (unsigned k = 0; k < a->h->conf.conns; k++) {
        if (!name || strcmp(a->h->conf.conn[k].name, name) == 0) {
            return &a->h->conf.conn[k];
        }
    }
    return NULL;
}

/* What the engine does not keep up from now on, or does again. child NULL: all of the connection. */
static void held(const struct args *a, const char *conn, const char *child, bool yes)
{
    struct sim_conn *c = conf_of(a, conn);
    for (size_t i = 0; c && i < c->set.n_children; i++) {
        if (!child || strcmp(c->child[i].name, child) == 0) {
            c->child[i].held = yes;
        }
    }
}

static int up(const struct args *a)
{
    held(a, arg(a, 0), arg(a, 1), false);
    return ike_initiate(a->h->engine, conn_of(a, 0), arg(a, 1), a->h->sim->now);
}

static int hold(const struct args *a)
{
    held(a, arg(a, 0), arg(a, 1), true);
    return ike_conn_hold(a->h->engine, conn_of(a, 0), arg(a, 1), a->h->sim->now);
}

static int acquire(const struct args *a)
{
    ike_ts local, remote;
    if (a->n < 2 || ike_ts_parse(&local, a->word[0]) != IKE_OK || ike_ts_parse(&remote, a->word[1]) != IKE_OK) {
        return IKE_ERR_INVALID;
    }
    return ike_acquire(a->h->engine, conn_of(a, 2), arg(a, 3), &local, &remote, a->h->sim->now);
}

static int rekey_child(const struct args *a)
{
    ike_child_info c;
    return sim_pick_child(a->h, arg(a, 0), &c) ? ike_child_rekey(a->h->engine, c.id, a->h->sim->now) : IKE_ERR_NOT_FOUND;
}

static int close_child(const struct args *a)
{
    ike_child_info c;
    if (!sim_pick_child(a->h, arg(a, 0), &c)) {
        return IKE_ERR_NOT_FOUND;
    }
    held(a, c.conn_name, c.name, true);
    return ike_child_close(a->h->engine, c.id, a->h->sim->now);
}

static int expire(const struct args *a)
{
    ike_child_info c;
    bool hard = a->n && strcmp(a->word[0], "hard") == 0;
    return sim_pick_child(a->h, arg(a, 1), &c) ? ike_child_expire(a->h->engine, c.id, hard, a->h->sim->now) : IKE_ERR_NOT_FOUND;
}

static int rekey_ike(const struct args *a)
{
    ike_sa_info i;
    return sim_pick_sa(a->h, arg(a, 0), &i) ? ike_sa_rekey(a->h->engine, i.id, a->h->sim->now) : IKE_ERR_NOT_FOUND;
}

static int reauth(const struct args *a)
{
    ike_sa_info i;
    return sim_pick_sa(a->h, arg(a, 0), &i) ? ike_sa_reauth(a->h->engine, i.id, a->h->sim->now) : IKE_ERR_NOT_FOUND;
}

static int end_ike(const struct args *a, int (*end)(ike_engine *, ike_sa_id, ike_time))
{
    ike_sa_info i;
    if (!sim_pick_sa(a->h, arg(a, 0), &i)) {
        return IKE_ERR_NOT_FOUND;
    }
    if (i.conn_name) {
        held(a, i.conn_name, NULL, true);
    }
    return end(a->h->engine, i.id, a->h->sim->now);
}

static int close_ike(const struct args *a) { return end_ike(a, ike_sa_close); }
static int drop_ike(const struct args *a) { return end_ike(a, ike_sa_drop); }

static int check(const struct args *a)
{
    ike_sa_info i;
    return sim_pick_sa(a->h, arg(a, 0), &i) ? ike_sa_check(a->h->engine, i.id, a->h->sim->now) : IKE_ERR_NOT_FOUND;
}

static int shut_down(const struct args *a)
{
    a->h->closing = true;
    return ike_engine_close(a->h->engine, a->h->sim->now);
}

/* [keep | lost]: with what it knows of its IKE SAs at rest, and their SAs in the kernel, or without these. */
static int crash(const struct args *a)
{
    bool keep = a->n && strcmp(a->word[0], "keep") == 0, lost = a->n && strcmp(a->word[0], "lost") == 0;
    a->h->sim->stat[SIM_STAT_CRASHES] += a->h->engine != NULL;
    if (keep || lost) {
        sim_host_leave(a->h, keep);
    } else {
        sim_host_stop(a->h);
    }
    return IKE_OK;
}

static int restart(const struct args *a)
{
    (void)crash(a);
    return sim_host_start(a->h);
}

/* In good order: not while an IKE SA cannot be handed over. */
static int hand_over(const struct args *a)
{
    if (!sim_store_save(a->h)) {
        sim_store_free(a->h);
        return IKE_ERR_STATE;
    }
    sim_host_leave(a->h, true);
    return sim_host_start(a->h);
}

/* Behind an address translation from now on; a second time it is rebound. */
static int outside(const struct args *a)
{
    uint64_t shift;
    if (a->n == 1 && strcmp(a->word[0], "none") == 0) {
        a->h->outside.family = 0;
        return IKE_OK;
    }
    if (a->n != 2 || ike_addr_parse(&a->h->outside, a->word[0]) != IKE_OK || !sim_number_parse(a->word[1], 60000, &shift)) {
        return IKE_ERR_INVALID;
    }
    a->h->outside_shift = (uint16_t)shift;
    return IKE_OK;
}

/* reload [close] [CONN]: the connection anew from the settings as they are by now */
static int reload(const struct args *a)
{
    ike_child_settings children[SIM_CHILDREN];
    bool close = a->n && strcmp(a->word[0], "close") == 0;
    struct sim_conn *c = conf_of(a, arg(a, close));
    if (!c) {
        return IKE_ERR_NOT_FOUND;
    }
    ike_conn_settings set = sim_conf_settings(c, children);
    return ike_conn_replace(a->h->engine, c->id, &set, close, a->h->sim->now);
}

static int remove_conn(const struct args *a)
{
    struct sim_conn *c = conf_of(a, arg(a, 0));
    if (c) {
        c->removed = true;
    }
    return ike_conn_remove(a->h->engine, conn_of(a, 0), a->h->sim->now);
}

static int add_conn(const struct args *a)
{
    ike_child_settings children[SIM_CHILDREN];
    struct sim_conn *c = conf_of(a, arg(a, 0));
    if (!c || !c->removed) {
        return IKE_ERR_EXISTS;
    }
    ike_conn_settings set = sim_conf_settings(c, children);
    int r = ike_conn_add(a->h->engine, &set, &c->id, a->h->sim->now);
    c->removed = r != IKE_OK;
    held(a, c->name, NULL, false);
    return r;
}

static int set_remote(const struct args *a)
{
    ike_addr remote;
    if (a->n != 1 || ike_addr_parse(&remote, a->word[0]) != IKE_OK) {
        return IKE_ERR_INVALID;
    }
    return ike_conn_set_remote(a->h->engine, conn_of(a, 1), &remote);
}

/* PEER PACKETS OCTETS: as far as SAs let them through. */
static int traffic(const struct args *a)
{
    struct sim_host *peer = a->n ? sim_find_host(a->h->sim, a->word[0]) : NULL;
    uint64_t packets = 1, octets = 100;
    ike_ts from, to;
    if (!peer || (a->n > 1 && !sim_number_parse(a->word[1], UINT64_MAX, &packets)) ||
        (a->n > 2 && !sim_number_parse(a->word[2], UINT64_MAX, &octets))) {
        return IKE_ERR_INVALID;
    }
    bool through = sim_sample(a->h, peer, &from, &to) && sim_kernel_traffic(a->h, peer, &from, &to, packets, octets);
    sim_trace(a->h->sim, a->h, "traffic to %s: %s", peer->name, through ? "arrives" : "does not arrive");
    return IKE_OK;
}

static const struct {
    const char *name;
    int (*run)(const struct args *);
    bool without_engine;
} ops[] = {
    {"up", up, false},
    {"acquire", acquire, false},
    {"rekey-child", rekey_child, false},
    {"close-child", close_child, false},
    {"expire", expire, false},
    {"rekey-ike", rekey_ike, false},
    {"reauth", reauth, false},
    {"close-ike", close_ike, false},
    {"drop-ike", drop_ike, false},
    {"check", check, false},
    {"shut-down", shut_down, false},
    {"crash", crash, true},
    {"restart", restart, true},
    {"hand-over", hand_over, false},
    {"outside", outside, true},
    {"reload", reload, false},
    {"remove-conn", remove_conn, false},
    {"add-conn", add_conn, false},
    {"hold", hold, false},
    {"set-remote", set_remote, false},
    {"traffic", traffic, true},
};

const char *sim_op(struct sim_run *r, struct sim_host *h, unsigned at)
{
    bool may_fail = r->o->sweep;
    if (at < r->n && strcmp(r->word[at], "try") == 0) {
        may_fail = true;
        at++;
    }
    for (size_t i = 0; at < r->n && i < SIM_COUNT(ops); i++) {
        if (strcmp(ops[i].name, r->word[at]) != 0) {
            continue;
        }
        if (!h->engine && !ops[i].without_engine) {
            return may_fail ? NULL : sim_complain(r, "%s has no engine running", h->name);
        }
        sim_trace(r->s, h, "do: %s %s", ops[i].name, at + 1 < r->n ? r->word[at + 1] : "");
        struct args a = {r, h, r->n - at - 1, r->word + at + 1};
        r->s->commanding = true;
        sim_bounds_call(h);
        int result = ops[i].run(&a);
        for (int again = 0; again < 2 && result != IKE_OK; again++) {
            sim_trace(r->s, h, "   gives %s", ike_strerror(result));
            h->errors++;
            if (!r->o->sweep || again) {
                break;
            }
            result = ops[i].run(&a); /* the sweep's fault was for one call */
        }
        sim_check(r->s);
        sim_bounds(r->s);
        r->s->commanding = false;
        return result == IKE_OK || may_fail ? NULL
                                            : sim_complain(r, "%s %s gives %s", h->name, ops[i].name, ike_strerror(result));
    }
    return sim_complain(r, "no such operation");
}
