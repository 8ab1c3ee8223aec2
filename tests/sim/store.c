/* SPDX-License-Identifier: ISC
 *
 * What a host has of its IKE SAs on its disk: records of those that are at rest, and none of the others, as if it threw each away
 * before a message left and wrote after each call into its engine. A crash keeps them; so does its kernel, in which the SAs stay.
 */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

struct sim_record {
    struct sim_record *next;
    ike_time at;
    size_t len;
    uint8_t bytes[8192];
};

static void forget(struct sim_host *h)
{
    while (h->records) {
        struct sim_record *r = h->records;
        h->records = r->next;
        free(r);
    }
}

bool sim_store_save(struct sim_host *h)
{
    bool all = true;
    ike_sa_info sa = {.size = sizeof sa};
    struct sim_record **end = &h->records;
    forget(h);
    for (ike_sa_id id = 0; ike_sa_next(h->engine, id, &sa) == IKE_OK; id = sa.id) {
        struct sim_record *r = sim_alloc(sizeof *r);
        r->at = h->sim->now;
        r->len = sizeof r->bytes;
        int err = ike_sa_export(h->engine, sa.id, r->bytes, &r->len, h->sim->now);
        if (err == IKE_OK) {
            *end = r;
            end = &r->next;
            continue;
        }
        all = false;
        free(r);
        if (err != (sa.version == 1 ? IKE_ERR_UNSUPPORTED : IKE_ERR_STATE)) {
            sim_break(h->sim, "%s: ike_sa_export gives %s", h->name, ike_strerror(err));
        }
    }
    return all;
}

/* Connections go and come, and memory may be short; there is no other reason why it should not be taken. */
static bool may_be(const struct sim_host *h, int err)
{
    return err == IKE_OK || err == IKE_ERR_NOT_FOUND || err == IKE_ERR_LIMIT ||
           (h->sim->tolerant && (err == IKE_ERR_NOMEM || err == IKE_ERR_HOST));
}

void sim_store_load(struct sim_host *h)
{
    for (const struct sim_record *r = h->records; r; r = r->next) {
        ike_sa_id id;
        int err = ike_sa_import(h->engine, r->bytes, r->len, h->sim->now - r->at, &id, h->sim->now);
        sim_trace(h->sim, h, "takes an IKE SA over: %s", ike_strerror(err));
        h->sim->stat[SIM_STAT_TAKEN_OVER] += err == IKE_OK;
        h->errors += err != IKE_OK;
        if (!may_be(h, err)) {
            sim_break(h->sim, "%s: ike_sa_import gives %s", h->name, ike_strerror(err));
        }
    }
    forget(h);
    sim_kernel_unclaimed(h);
}

void sim_store_free(struct sim_host *h) { forget(h); }
