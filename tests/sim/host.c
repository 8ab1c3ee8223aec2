/* SPDX-License-Identifier: ISC
 *
 * One host: its engine and the callbacks under it. Memory is counted and can fail, randomness is seeded and can fail, every hook
 * tries to call back into the engine.
 */
#include "message/message.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 16 /* before a block: its size; keeps malloc's alignment */

static void *host_alloc(void *user, size_t n)
{
    struct sim_host *h = user;
    sim_count_call(h->sim);
    if (++h->allocs == h->fail_alloc) {
        sim_trace(h->sim, h, "no memory (%zu)", n);
        h->sim->stat[SIM_STAT_ALLOC]++;
        return NULL;
    }
    uint8_t *p = malloc(n + GUARD);
    if (!p) {
        return NULL;
    }
    memcpy(p, &n, sizeof n);
    memset(p + GUARD, 0xa5, n);
    h->live += n;
    h->tables += n >= SIM_TABLE ? n : 0;
    h->blocks++;
    return p + GUARD;
}

static void host_release(void *user, void *block, size_t n)
{
    struct sim_host *h = user;
    if (!block) {
        return;
    }
    uint8_t *p = (uint8_t *)block - GUARD;
    size_t size;
    memcpy(&size, p, sizeof size);
    if (size != n) {
        sim_break(h->sim, "%s: a block of %zu octets is released as %zu", h->name, size, n);
    }
    h->live -= size;
    h->tables -= size >= SIM_TABLE ? size : 0;
    h->blocks--;
    memset(p, 0x5a, size + GUARD);
    free(p);
}

void sim_pry(struct sim_host *h)
{
    sim_count_call(h->sim);
    if (!h->engine || h->prying) {
        return;
    }
    h->prying = true;
    int r = ike_tick(h->engine, h->sim->now);
    if (r != IKE_ERR_STATE) {
        sim_break(h->sim, "%s: ike_tick from inside a hook gives %s", h->name, ike_strerror(r));
    }
    h->prying = false;
}

static int host_random(void *user, uint8_t *out, size_t n)
{
    struct sim_host *h = user;
    sim_pry(h);
    if (++h->randoms == h->fail_random) {
        sim_trace(h->sim, h, "no random (%zu)", n);
        h->sim->stat[SIM_STAT_RANDOM]++;
        return IKE_ERR_HOST;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (uint8_t)(sim_draw(&h->rng) >> 56);
    }
    if (n == 32 && h->nonce >= 0) {
        out[0] = (uint8_t)h->nonce; /* private keys are drawn so as well; one octet of them does no harm */
    }
    return IKE_OK;
}

static void host_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct sim_host *h = user;
    sim_pry(h);
    if (!h->engine) {
        sim_break(h->sim, "%s: its engine sends while it is freed", h->name);
        return;
    }
    sim_send(h, path, kind, bytes, n);
}

static void host_log(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text)
{
    struct sim_host *h = user;
    (void)c;
    (void)sa;
    sim_pry(h);
    if (h->sim->engine_log && h->sim->keep_trace) {
        sim_textf(&h->sim->trace, "             %-3s      %c %s\n", h->name, "EWIDT"[level], text);
    }
}

static void host_tap(void *user, const ike_path *path, bool outgoing, const uint8_t *clear, size_t n)
{
    struct sim_host *h = user;
    (void)path;
    sim_pry(h);
    sim_bounds_said(h, outgoing, clear, n);
    if (outgoing && n >= IKE_HEADER_LEN) {
        free(h->tap_text);
        h->tap_key = sim_hash(sim_hash(SIM_HASH_START, clear, 16), clear + 18, 6);
        h->tap_text = sim_describe(h->sim, clear, n, &h->tap_nonce);
    }
}

static void host_keys(void *user, const ike_keylog *k)
{
    struct sim_host *h = user;
    sim_pry(h);
    sim_keys_seen(h, k);
}

/* ---- Events ----------------------------------------------------------------------------------------------------------- */

static void child_name(struct sim_host *h, ike_child_id id, char *out, size_t n)
{
    ike_child_info info = {.size = sizeof info};
    bool fresh;
    uint64_t *spi = sim_map_at(&h->names, id << 1 | 1, &fresh);
    if (ike_child_get(h->engine, id, &info) == IKE_OK) {
        *spi = info.spi_in;
    }
    sim_spi_name(h->sim, (uint32_t)*spi, out, n);
}

static void sa_name(struct sim_host *h, ike_sa_id id, char *out, size_t n)
{
    ike_sa_info info = {.size = sizeof info};
    bool fresh;
    uint64_t *spi = sim_map_at(&h->names, id << 1, &fresh);
    if (ike_sa_get(h->engine, id, &info) == IKE_OK) {
        *spi = info.spi_i;
    }
    if (*spi) {
        snprintf(out, n, "#%u", sim_sa_name(h->sim, *spi));
    }
}

static void host_event(void *user, const ike_event *e)
{
    static const char *const causes[] = {"", " by us", " by the peer", " by timeout", " by failure", " by replacement"};
    struct sim_host *h = user;
    char name[32] = "", old[32] = "";
    if ((unsigned)e->type > IKE_EV_ADDRESS_CHANGED || (unsigned)e->cause >= SIM_COUNT(causes)) {
        sim_break(h->sim, "%s: event %d, cause %d", h->name, (int)e->type, (int)e->cause);
        return;
    }
    bool child = e->type == IKE_EV_CHILD_UP || e->type == IKE_EV_CHILD_REKEYED || e->type == IKE_EV_CHILD_DOWN;
    if (child && e->child) {
        child_name(h, e->child, name, sizeof name);
    } else if (e->sa) {
        sa_name(h, e->sa, name, sizeof name);
    }
    if (e->type == IKE_EV_CHILD_REKEYED) {
        child_name(h, e->old_child, old, sizeof old);
    } else if (e->type == IKE_EV_SA_REKEYED) {
        sa_name(h, e->old_sa, old, sizeof old);
    }
    h->seen.event[e->type]++;
    sim_trace(h->sim, h, "event: %s %s%s%s%s%s%s", sim_event_name(e->type), old, old[0] ? " by " : "", name, causes[e->cause],
              e->failure ? ": " : "", e->failure ? ike_failure_name(e->failure->code) : "");
    sim_check_event(h, e);
}

/* ---- Life ------------------------------------------------------------------------------------------------------------- */

struct sim_host *sim_host_new(struct sim *s, const char *name)
{
    struct sim_host *h = sim_alloc(sizeof *h);
    h->sim = s;
    h->index = s->hosts;
    h->rng = sim_draw(&s->rng);
    h->nonce = -1;
    snprintf(h->name, sizeof h->name, "%s", name);
    snprintf(h->secret, sizeof h->secret, "correct horse battery staple");
    sim_conf_init(&h->conf);
    s->host[s->hosts++] = h;
    return h;
}

static void fill_host(struct sim_host *h, ike_host *host)
{
    host->user = h;
    host->alloc = host_alloc;
    host->release = host_release;
    host->random = host_random;
    host->send = host_send;
    host->event = host_event;
    host->tap = host_tap;
    host->keys = host_keys;
    host->log = host_log;
    memset(host->log_level, h->sim->engine_log ? IKE_LOG_DEBUG : IKE_LOG_WARN, sizeof host->log_level);
    sim_kernel_hooks(host);
    sim_ask_hooks(h, host);
}

static int add_conns(struct sim_host *h)
{
    for (unsigned i = 0; i < h->conf.conns; i++) {
        ike_child_settings children[SIM_CHILDREN];
        h->conf.conn[i].removed = false;
        for (size_t k = 0; k < h->conf.conn[i].set.n_children; k++) {
            h->conf.conn[i].child[k].held = false;
        }
        ike_conn_settings set = sim_conf_settings(&h->conf.conn[i], children);
        int r = ike_conn_add(h->engine, &set, &h->conf.conn[i].id, h->sim->now);
        if (r != IKE_OK && h->sim->tolerant) { /* the fault was for one call */
            h->errors++;
            r = ike_conn_add(h->engine, &set, &h->conf.conn[i].id, h->sim->now);
        }
        if (r != IKE_OK) {
            sim_break(h->sim, "%s: ike_conn_add %s gives %s", h->name, set.name, ike_strerror(r));
            return r;
        }
    }
    return IKE_OK;
}

int sim_host_start(struct sim_host *h)
{
    ike_settings set = h->conf.engine;
    fill_host(h, &set.host);
    h->life++;
    h->tap_key = 0; /* what was shown before is of no message to come */
    h->closing = false;
    int r = ike_engine_new(&h->engine, &set, h->sim->now);
    if (r != IKE_OK) {
        h->engine = NULL;
        h->errors++;
        if (h->blocks) {
            sim_break(h->sim, "%s: ike_engine_new gives %s and leaves %u blocks", h->name, ike_strerror(r), (unsigned)h->blocks);
        }
        for (int again = 0; h->sim->tolerant && r != IKE_OK && again < 2; again++) { /* memory failed, and then randomness */
            r = ike_engine_new(&h->engine, &set, h->sim->now);
        }
    }
    if (r != IKE_OK) {
        sim_break(h->sim, "%s: ike_engine_new gives %s", h->name, ike_strerror(r));
        return r;
    }
    r = add_conns(h);
    h->idle_blocks = h->blocks;
    h->idle_live = h->live;
    sim_store_load(h);
    return r;
}

void sim_host_stop(struct sim_host *h)
{
    ike_engine *e = h->engine;
    if (!e) {
        return;
    }
    ike_counters n = {.size = sizeof n};
    ike_counters_get(e, &n);
    h->failures += n.failures;
    h->engine = NULL; /* no hook pries from here on */
    ike_engine_free(e);
    if (h->leaving) {
        sim_kernel_orphan(h);
    }
    if (h->live || h->blocks) {
        sim_break(h->sim, "%s: ike_engine_free leaves %zu octets in %zu blocks", h->name, h->live, h->blocks);
    }
    if (h->kernel.list && !h->leaving) {
        char name[16];
        sim_spi_name(h->sim, h->kernel.list->spi, name, sizeof name);
        sim_break(h->sim, "%s: ike_engine_free leaves %s %s in the kernel", h->name,
                  h->kernel.list->state == SIM_RESERVED ? "SPI" : "SA", name);
    }
    sim_ask_forget(h);
    sim_kernel_addresses(h);
    if (!h->leaving) {
        sim_kernel_clear(h);
    }
}

void sim_host_leave(struct sim_host *h, bool kernel)
{
    if (h->engine) {
        (void)sim_store_save(h);
    }
    h->leaving = kernel;
    sim_host_stop(h);
    h->leaving = false;
}

void sim_host_free(struct sim_host *h)
{
    sim_host_stop(h);
    sim_kernel_clear(h);
    sim_store_free(h);
    sim_map_free(&h->names);
    sim_bounds_free(h);
    free(h->tap_text);
    free(h);
}
