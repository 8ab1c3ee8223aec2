/* SPDX-License-Identifier: ISC
 *
 * What must hold: after every event, for every message sent, for every event delivered, and when nothing is under way.
 */
#include "message/message.h"
#include "message/v1.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In whichever life: an IKE SA that is taken over goes on in the next. */
static uint64_t mix(const struct sim_host *h, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t all[4] = {h->index, a, b, c};
    uint64_t k = sim_hash(SIM_HASH_START, all, sizeof all);
    return k ? k : 1;
}

/* ---- Messages --------------------------------------------------------------------------------------------------------- */

/* Requests of one side of one IKE SA are numbered 0, 1, 2 ... (RFC 7296 section 2.2). */
static void check_mid(struct sim_host *h, const struct sim_msg *m)
{
    bool fresh;
    uint64_t *next = sim_map_at(&h->sim->mids, mix(h, 1, m->spi_i, m->flags & IKE_FLAG_INITIATOR), &fresh);
    if (m->exchange == IKE_X_SA_INIT) {
        *next = 0; /* begun again with a cookie or another group */
    }
    if (m->mid != *next) {
        sim_break(h->sim, "%s: request numbered %u where %llu is due: %s", h->name, (unsigned)m->mid, (unsigned long long)*next,
                  m->text);
    }
    *next = (uint64_t)m->mid + 1;
}

/* A message id of IKEv1 is that of one exchange: three messages of Quick Mode, two of a Transaction or four of XAUTH, or one of
 * an Informational, whoever began it. */
static void check_mid_v1(struct sim_host *h, const struct sim_msg *m)
{
    bool fresh;
    uint64_t parts[] = {m->spi_i, m->spi_r, m->mid, 1};
    uint64_t *n = sim_map_at(&h->sim->sends, sim_hash(SIM_HASH_START, parts, sizeof parts), &fresh);
    if (++*n > (m->exchange == IKE_X1_QUICK ? 3 : m->exchange == IKE_X1_TRANSACTION ? 4 : 1)) {
        sim_break(h->sim, "%s: a message id is used a second time: %s", h->name, m->text);
    }
}

void sim_check_message(struct sim_host *h, const struct sim_msg *m, bool again, uint64_t nonce)
{
    struct sim *s = h->sim;
    bool fresh, init = m->exchange == IKE_X_SA_INIT, sealed = m->len >= IKE_HEADER_LEN + 12 && m->bytes[16] == IKE_P_SK;
    bool v1 = m->len > 17 && m->bytes[17] >> 4 == 1;
    if (again || (v1 && h->byzantine)) { /* what its engine meant to say is not known: it was changed before that was hashed */
        return;
    }
    if (v1 && m->mid) {
        check_mid_v1(h, m);
    } else if (!v1 && !(m->flags & IKE_FLAG_RESPONSE)) {
        check_mid(h, m);
    }
    if (nonce) {
        uint64_t *used = sim_map_at(&s->nonces, nonce, &fresh), by = mix(h, 2, init ? 0 : m->number, m->spi_i);
        if (!fresh && *used != by) {
            sim_break(s, "%s: a nonce is used a second time: %s", h->name, m->text);
        }
        *used = by;
    }
    if (!sealed) {
        return;
    }
    sim_map_at(&s->sends, mix(h, m->spi_i ^ m->spi_r << 1, (uint64_t)m->mid << 16 | m->flags, m->exchange), &fresh);
    if (!fresh) {
        sim_break(s, "%s: a message is sent again with other bytes: %s", h->name, m->text);
    }
    /* The counter of an AEAD, or the first half of a random one. */
    uint64_t iv = sim_hash(SIM_HASH_START, m->bytes + IKE_HEADER_LEN + 4, 8);
    sim_map_at(&s->ivs, mix(h, iv, m->spi_i, m->spi_r), &fresh);
    if (!fresh) {
        sim_break(s, "%s: an IV is used a second time: %s", h->name, m->text);
    }
}

/* ---- Events ----------------------------------------------------------------------------------------------------------- */

enum { APPEARED = 1, REPLACED = 2, WENT = 4 };

/* Ids are those of one engine. */
static uint64_t event_key(const struct sim_host *h, uint64_t id, bool child)
{
    return mix(h, 3, id, (uint64_t)h->life << 1 | child);
}

/* What an SA or child has been through, by its id. A replaced one may go later without a word, but not twice. */
static void life(struct sim_host *h, bool child, uint64_t id, unsigned what, const char *event)
{
    bool fresh;
    uint64_t *was = sim_map_at(&h->sim->events, event_key(h, id, child), &fresh);
    if (id == 0) {
        sim_break(h->sim, "%s: event %s names nothing", h->name, event);
    }
    if (*was & what) {
        sim_break(h->sim, "%s: a second %s for one SA", h->name, event);
    }
    if (what != APPEARED && !(*was & APPEARED)) {
        sim_break(h->sim, "%s: %s for an SA that never came up", h->name, event);
    }
    if (what == WENT && *was & REPLACED) {
        sim_break(h->sim, "%s: %s for an SA that was replaced before", h->name, event);
    }
    if (what != WENT && *was & WENT) {
        sim_break(h->sim, "%s: %s for an SA that went before", h->name, event);
    }
    *was |= what;
}

/* A child lives on an IKE SA that came up and is not gone. */
static void check_owner(struct sim_host *h, ike_sa_id sa)
{
    bool fresh;
    uint64_t was = *sim_map_at(&h->sim->events, event_key(h, sa, false), &fresh);
    if (!(was & APPEARED) || was & WENT) {
        sim_break(h->sim, "%s: a child came up on an IKE SA that %s", h->name, was & WENT ? "is gone" : "is not up");
    }
}

bool sim_came_up(const struct sim_host *h, ike_sa_id id)
{
    bool fresh;
    return *sim_map_at(&h->sim->events, event_key(h, id, false), &fresh) & APPEARED;
}

static void check_keys(struct sim_host *h, ike_sa_id id)
{
    ike_sa_info sa = {.size = sizeof sa};
    if (!h->sim->hostile && ike_sa_get(h->engine, id, &sa) == IKE_OK && sim_keys_differ(h->sim, sa.spi_i, sa.spi_r)) {
        sim_break(h->sim, "%s: IKE SA #%u comes up, and its two ends do not hold the same keys", h->name,
                  sim_sa_name(h->sim, sa.spi_i));
    }
}

void sim_check_event(struct sim_host *h, const ike_event *e)
{
    const char *name = sim_event_name(e->type);
    if (e->type == IKE_EV_SA_UP || e->type == IKE_EV_SA_REKEYED) {
        check_keys(h, e->sa);
    }
    switch (e->type) {
    case IKE_EV_SA_UP:
        life(h, false, e->sa, APPEARED, name);
        break;
    case IKE_EV_SA_REKEYED:
        life(h, false, e->old_sa, REPLACED, name);
        life(h, false, e->sa, APPEARED, name);
        break;
    case IKE_EV_SA_DOWN:
        life(h, false, e->sa, WENT, name);
        break;
    case IKE_EV_CHILD_UP:
        life(h, true, e->child, APPEARED, name);
        check_owner(h, e->sa);
        break;
    case IKE_EV_CHILD_REKEYED:
        life(h, true, e->old_child, REPLACED, name);
        life(h, true, e->child, APPEARED, name);
        break;
    case IKE_EV_CHILD_DOWN:
        life(h, true, e->child, WENT, name);
        break;
    case IKE_EV_FAILED:
        if (!e->failure || e->failure->code == IKE_FAIL_NONE || e->failure->code >= IKE_FAIL_CODES) {
            sim_break(h->sim, "%s: event failed without a failure record", h->name);
        }
        break;
    case IKE_EV_ADDRESS_CHANGED:
        break;
    }
    bool down = e->type == IKE_EV_SA_DOWN || e->type == IKE_EV_CHILD_DOWN;
    if (down && e->cause == 0) {
        sim_break(h->sim, "%s: %s without a cause", h->name, name);
    }
}

/* ---- After every event ------------------------------------------------------------------------------------------------ */

static bool among(const uint64_t *list, size_t n, size_t max, uint64_t id)
{
    size_t i = 0;
    while (i < n && i < max && list[i] != id) {
        i++;
    }
    return i == max || (i < n && list[i] == id); /* more than were asked for: it may be one of them */
}

/* A copy of the first message of IKEv1 from where it came from is known as long as what came of it is there. */
static void check_cookie(struct sim_host *h, const ike_sa_info *sa)
{
    ike_sa_info other = {.size = sizeof other};
    for (ike_sa_id id = 0; sa->version == 1 && ike_sa_next(h->engine, id, &other) == IKE_OK; id = other.id) {
        bool same = other.version == 1 && other.spi_i == sa->spi_i && other.path.remote.port == sa->path.remote.port &&
                    sim_same_ip(&other.path.remote, &sa->path.remote);
        if (other.id != sa->id && same && !h->sim->init_spoiled) {
            sim_break(h->sim, "%s: IKE SA #%u is there twice", h->name, sim_sa_name(h->sim, sa->spi_i));
        }
    }
}

/* What belongs to a connection or to an IKE SA is among what is listed for it, and nothing else is. */
static void check_lists(struct sim_host *h)
{
    enum { MAX = 64 };
    uint64_t list[MAX];
    size_t bound = 0, listed = 0;
    ike_sa_info sa = {.size = sizeof sa};
    ike_conn_info conn = {.size = sizeof conn};
    ike_child_info c = {.size = sizeof c};
    for (ike_sa_id id = 0; ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
        check_cookie(h, &sa);
        bool known = ike_conn_get(h->engine, sa.conn, &conn) == IKE_OK; /* not when it was removed */
        bound += known ? 1 : 0;
        if (known && !among(list, ike_conn_sas(h->engine, sa.conn, list, MAX), MAX, sa.id)) {
            sim_break(h->sim, "%s: an IKE SA in state %u is not listed for its connection", h->name, sa.state);
        }
    }
    for (ike_conn_id id = 0; ike_conn_next(h->engine, id, &conn) == IKE_OK; id = conn.id) {
        listed += ike_conn_sas(h->engine, conn.id, NULL, 0);
    }
    if (bound != listed) {
        sim_break(h->sim, "%s: %zu IKE SAs have a connection, %zu are listed", h->name, bound, listed);
    }
    for (ike_child_id id = 0; ike_child_next(h->engine, id, &c) == IKE_OK; id = c.id) {
        if (ike_sa_get(h->engine, c.sa, &sa) == IKE_OK && !among(list, ike_sa_children(h->engine, c.sa, list, MAX), MAX, c.id)) {
            sim_break(h->sim, "%s: a child in state %u is not listed for its IKE SA", h->name, c.state);
        }
    }
}

static void check_kernel(struct sim_host *h)
{
    for (const struct sim_ksa *k = h->kernel.list; k; k = k->next) {
        ike_child_info c = {.size = sizeof c};
        char name[16];
        if (k->state == SIM_RESERVED) {
            continue;
        }
        sim_spi_name(h->sim, k->spi, name, sizeof name);
        if (ike_child_get(h->engine, k->child, &c) != IKE_OK) {
            sim_break(h->sim, "%s: the kernel has %s, the engine has no child for it", h->name, name);
        } else if (c.spi_in != (k->inbound ? k->spi : k->peer_spi) || c.spi_out != (k->inbound ? k->peer_spi : k->spi)) {
            sim_break(h->sim, "%s: the kernel's %s is not in the child it was installed for", h->name, name);
        }
    }
    ike_child_info c = {.size = sizeof c};
    check_lists(h);
    for (ike_child_id id = 0; ike_child_next(h->engine, id, &c) == IKE_OK; id = c.id) {
        const struct sim_ksa *k = sim_kernel_find(h, true, c.spi_in);
        bool usable = c.state == IKE_CHILD_INSTALLED || c.state == IKE_CHILD_REKEYING || c.state == IKE_CHILD_REKEYED;
        if (usable && (!k || k->state != SIM_INSTALLED)) {
            char name[16];
            sim_spi_name(h->sim, c.spi_in, name, sizeof name);
            sim_break(h->sim, "%s: child %s is up, but the kernel does not receive on it", h->name, name);
        }
        if (c.id == id) {
            sim_break(h->sim, "%s: ike_child_next does not move", h->name);
            return;
        }
    }
}

static void check_flow(struct sim *s, const struct sim_flow *f)
{
    const char *why;
    if (!f->a->engine || !f->b->engine) {
        return;
    }
    if (!sim_kernel_passes(f->a, f->b, &f->from, &f->to, &why)) {
        sim_break(s, "traffic gap from %s to %s: %s", f->a->name, f->b->name, why);
    } else if (!sim_kernel_passes(f->b, f->a, &f->to, &f->from, &why)) {
        sim_break(s, "traffic gap from %s to %s: %s", f->b->name, f->a->name, why);
    }
}

static void check_counters(struct sim_host *h)
{
    ike_counters n = {.size = sizeof n};
    ike_counters_get(h->engine, &n);
    if (n.allocated > h->live) {
        sim_break(h->sim, "%s: the engine counts %llu octets, it holds %zu", h->name, (unsigned long long)n.allocated, h->live);
    }
    if (n.half_open > h->conf.engine.max_half_open || n.sas > h->conf.engine.max_sas) {
        sim_break(h->sim, "%s: %u half-open of %u SAs are over the limit", h->name, (unsigned)n.half_open, (unsigned)n.sas);
    }
}

void sim_check(struct sim *s)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        if (s->host[i]->engine) {
            check_kernel(s->host[i]);
            check_counters(s->host[i]);
        }
    }
    for (const struct sim_flow *f = s->flows; f; f = f->next) {
        check_flow(s, f);
    }
}

/* ---- When nothing is under way ---------------------------------------------------------------------------------------- */

static const char *busy_host(struct sim_host *h)
{
    ike_counters n = {.size = sizeof n};
    ike_counters_get(h->engine, &n);
    if (n.exchanges) {
        return "an exchange is open";
    }
    if (n.half_open) {
        return "an SA is half-open";
    }
    if (n.questions) {
        return "a question is open";
    }
    ike_sa_info sa = {.size = sizeof sa};
    for (ike_sa_id id = 0; ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
        if (sa.state != IKE_SA_ESTABLISHED) {
            return "an IKE SA is not in its steady state";
        }
        if (sa.queued) {
            return "a request is waiting";
        }
    }
    ike_child_info c = {.size = sizeof c};
    for (ike_child_id id = 0; ike_child_next(h->engine, id, &c) == IKE_OK; id = c.id) {
        if (c.state != IKE_CHILD_INSTALLED) {
            return "a child is not in its steady state";
        }
    }
    ike_conn_info conn = {.size = sizeof conn};
    for (ike_conn_id id = 0; ike_conn_next(h->engine, id, &conn) == IKE_OK; id = conn.id) {
        if (conn.retry_at) {
            return "an attempt will be repeated";
        }
    }
    return NULL;
}

bool sim_is_quiet(const struct sim *s, const char **why)
{
    *why = s->flying ? "a message is under way" : NULL;
    for (unsigned i = 0; i < s->hosts && !*why; i++) {
        *why = s->host[i]->engine ? busy_host(s->host[i]) : NULL;
    }
    return *why == NULL;
}

/* The selectors of h's own side, and what its peer has in their place. */
static bool same_ts(const struct sim_host *h, uint8_t mode, const ike_ts *a, size_t n, const ike_ts *b, size_t m)
{
    if (n != m) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char x[128], y[128];
        ike_ts seen = sim_ts_seen_as(h, mode, &a[i]);
        ike_ts_format(&seen, x, sizeof x);
        ike_ts_format(&b[i], y, sizeof y);
        if (strcmp(x, y) != 0) {
            return false;
        }
    }
    return true;
}

/* The other end's IKE SA of the same SPIs. */
static bool find_sa(const struct sim *s, const struct sim_host * not, const ike_sa_info *a, ike_sa_info *out)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        struct sim_host *h = s->host[i];
        out->size = sizeof *out;
        for (ike_sa_id id = 0; h != not &&h->engine && ike_sa_next(h->engine, id, out) == IKE_OK; id = out->id) {
            if (out->spi_i == a->spi_i && out->spi_r == a->spi_r) {
                return true;
            }
        }
    }
    return false;
}

static void check_sas(struct sim_host *h)
{
    ike_sa_info a = {.size = sizeof a}, b;
    for (ike_sa_id id = 0; ike_sa_next(h->engine, id, &a) == IKE_OK; id = a.id) {
        unsigned name = sim_sa_name(h->sim, a.spi_i);
        if (!find_sa(h->sim, h, &a, &b)) {
            sim_break(h->sim, "%s has IKE SA #%u, nobody else has", h->name, name);
        } else if (a.initiator == b.initiator || a.encr != b.encr || a.encr_bits != b.encr_bits || a.prf != b.prf ||
                   a.integ != b.integ || a.ke != b.ke || a.children != b.children) {
            sim_break(h->sim, "the two ends of IKE SA #%u do not agree on roles, algorithms or number of children (%u and %u)",
                      name, (unsigned)a.children, (unsigned)b.children);
        }
    }
}

static void check_child(struct sim_host *h, const struct sim_ksa *o)
{
    struct sim *s = h->sim;
    const struct sim_host *peer = NULL;
    const struct sim_ksa *i = NULL, *back = NULL;
    char name[16];
    ike_child_info info = {.size = sizeof info};
    if (ike_child_get(h->engine, o->child, &info) == IKE_OK && !info.sa) {
        return; /* of IKEv1, and without an IKE SA: the other end's life may be over, and there was no way to say so */
    }
    sim_spi_name(s, o->spi, name, sizeof name);
    for (unsigned k = 0; k < s->hosts && !i; k++) {
        peer = s->host[k];
        i = peer == h ? NULL : sim_kernel_find(peer, true, o->spi);
        back = i ? sim_kernel_find(peer, false, o->peer_spi) : NULL;
    }
    if (!i || i->peer_spi != o->peer_spi || !back || !sim_kernel_find(h, true, o->peer_spi)) {
        sim_break(s, "%s sends on %s: the pair of SAs at the two ends is not complete", h->name, name);
    } else if (!same_ts(peer, i->mode, i->local, i->n_local, o->remote, o->n_remote) ||
               !same_ts(h, o->mode, o->local, o->n_local, i->remote, i->n_remote)) {
        sim_break(s, "%s sends on %s: the selectors at the two ends are not complementary", h->name, name);
    } else if (i->key_len != o->key_len || memcmp(i->key, o->key, o->key_len) != 0 || i->encr != o->encr ||
               i->integ != o->integ || memcmp(i->integ_key, o->integ_key, sizeof o->integ_key) != 0) {
        sim_break(s, "%s sends on %s: the keys at the two ends differ", h->name, name);
    } else if (i->esn != o->esn || i->mode != o->mode || i->udp_encap != o->udp_encap) {
        sim_break(s, "%s sends on %s: ESN, mode or encapsulation differ", h->name, name);
    }
}

void sim_check_quiet(struct sim *s)
{
    for (unsigned i = 0; i < s->hosts; i++) {
        struct sim_host *h = s->host[i];
        unsigned out = 0, in = 0;
        if (!h->engine) {
            continue;
        }
        check_sas(h);
        for (const struct sim_ksa *k = h->kernel.list; k; k = k->next) {
            if (k->state != SIM_INSTALLED) {
                sim_break(s, "%s: the kernel has an SPI that became no SA", h->name);
            } else if (!k->inbound) {
                check_child(h, k);
            }
            out += !k->inbound;
            in += k->inbound;
        }
        ike_counters n = {.size = sizeof n};
        ike_counters_get(h->engine, &n);
        if (in != out || n.children != in) {
            sim_break(s, "%s: %u children, the kernel has %u inbound and %u outbound SAs", h->name, (unsigned)n.children, in,
                      out);
        }
    }
}

/* ---- What is up, to compare runs -------------------------------------------------------------------------------------- */

static void state_child(const ike_child_info *c, char *out, size_t n)
{
    int k = snprintf(out, n, "  %s/%s state %u mode %u%s%s ke %u encr %u:", c->conn_name, c->name, (unsigned)c->state,
                     (unsigned)c->mode, c->esn ? " esn" : "", c->udp_encap ? " udp" : "", (unsigned)c->ke, (unsigned)c->encr);
    for (size_t i = 0; i < c->n_local_ts + c->n_remote_ts && k > 0 && (size_t)k < n; i++) {
        char ts[128];
        ike_ts_format(i < c->n_local_ts ? &c->local_ts[i] : &c->remote_ts[i - c->n_local_ts], ts, sizeof ts);
        k += snprintf(out + k, n - (size_t)k, "%s %s", i == c->n_local_ts ? " ==" : "", ts);
    }
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

void sim_state(const struct sim *s, struct sim_text *out)
{
    enum { LINES = 64, WIDTH = 512 };
    char(*line)[WIDTH] = sim_alloc(LINES * WIDTH);
    for (unsigned i = 0; i < s->hosts; i++) {
        const struct sim_host *h = s->host[i];
        unsigned n = 0, sas = 0;
        ike_sa_info sa = {.size = sizeof sa};
        for (ike_sa_id id = 0; h->engine && ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
            sas += sa.state == IKE_SA_ESTABLISHED;
        }
        ike_child_info c = {.size = sizeof c};
        for (ike_child_id id = 0; h->engine && n < LINES && ike_child_next(h->engine, id, &c) == IKE_OK; id = c.id) {
            state_child(&c, line[n++], WIDTH);
        }
        qsort(line, n, WIDTH, by_text);
        sim_textf(out, "%s: %u IKE SAs\n", h->name, sas);
        for (unsigned k = 0; k < n; k++) {
            sim_textf(out, "%s\n", line[k]);
        }
    }
    free(line);
}
