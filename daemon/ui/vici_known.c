/* SPDX-License-Identifier: ISC
 *
 * vici_known.c - SAs as they were last seen. When the end of one is told the engine has forgotten it; clients that follow
 * SAs want to know which one it was. Kept only while such a client is there. SAs that are older than it are looked at in
 * slices.
 */
#include "vici.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define SLICE 256

struct known_sa {
    uint64_t id; /* first: the key of the tree */
    ike_sa_info info;
    char conn_name[48];
    uint8_t ids[]; /* octets of local_id, then remote_id */
};

struct known_child {
    uint64_t id;
    ike_child_info info;
    char conn_name[48], name[48];
    ike_ts ts[]; /* local, then remote */
};

struct vici_known {
    struct vici *v;
    void *sas, *children;
    struct loop_timer fill;
    ike_sa_id after_sa;
    ike_child_id after_child;
    bool sas_done;
};

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void forget(void **tree, uint64_t id)
{
    void **node = tfind(&id, tree, compare);
    if (node) {
        void *item = *node;
        (void)tdelete(&id, tree, compare);
        free(item);
    }
}

static void remember(void **tree, void *item)
{
    const uint64_t *id = item;
    forget(tree, *id);
    if (tsearch(item, tree, compare) == NULL) {
        free(item);
    }
}

static const char *copy_name(char out[48], const char *name)
{
    size_t n = name ? strnlen(name, 47) : 0;
    memcpy(out, name ? name : "", n);
    out[n] = 0;
    return out;
}

void vici_known_sa_up(struct vici *v, const ike_sa_info *sa)
{
    size_t local = sa->local_id.data.len, remote = sa->remote_id.data.len;
    struct known_sa *k = v->known ? malloc(sizeof *k + local + remote) : NULL;
    if (k == NULL) {
        return; /* its end will be told with less detail */
    }
    k->id = sa->id;
    k->info = *sa;
    k->info.conn_name = copy_name(k->conn_name, sa->conn_name);
    if (local) {
        memcpy(k->ids, sa->local_id.data.ptr, local);
    }
    if (remote) {
        memcpy(k->ids + local, sa->remote_id.data.ptr, remote);
    }
    k->info.local_id.data.ptr = k->ids;
    k->info.remote_id.data.ptr = k->ids + local;
    remember(&v->known->sas, k);
}

void vici_known_child_up(struct vici *v, const ike_child_info *c)
{
    size_t n = c->n_local_ts + c->n_remote_ts;
    struct known_child *k = v->known ? malloc(sizeof *k + n * sizeof *k->ts) : NULL;
    if (k == NULL) {
        return;
    }
    k->id = c->id;
    k->info = *c;
    k->info.conn_name = copy_name(k->conn_name, c->conn_name);
    k->info.name = copy_name(k->name, c->name);
    if (c->n_local_ts) {
        memcpy(k->ts, c->local_ts, c->n_local_ts * sizeof *k->ts);
    }
    if (c->n_remote_ts) {
        memcpy(k->ts + c->n_local_ts, c->remote_ts, c->n_remote_ts * sizeof *k->ts);
    }
    k->info.local_ts = k->ts;
    k->info.remote_ts = k->ts + c->n_local_ts;
    k->info.usage_known = false; /* too old to be told */
    remember(&v->known->children, k);
}

bool vici_known_sa(struct vici *v, ike_sa_id id, ike_sa_info *out)
{
    void **node = v->known ? tfind(&id, &v->known->sas, compare) : NULL;
    if (node) {
        *out = ((const struct known_sa *)*node)->info;
    }
    return node != NULL;
}

bool vici_known_child(struct vici *v, ike_child_id id, ike_child_info *out)
{
    void **node = v->known ? tfind(&id, &v->known->children, compare) : NULL;
    if (node) {
        *out = ((const struct known_child *)*node)->info;
    }
    return node != NULL;
}

void vici_known_sa_forget(struct vici *v, ike_sa_id id)
{
    if (v->known) {
        forget(&v->known->sas, id);
    }
}

void vici_known_child_forget(struct vici *v, ike_child_id id)
{
    if (v->known) {
        forget(&v->known->children, id);
    }
}

static void fill(void *arg)
{
    struct vici_known *k = arg;
    ike_engine *e = k->v->d->engine;
    for (int i = 0; i < SLICE; i++) {
        ike_sa_info sa = {.size = sizeof sa};
        ike_child_info c = {.size = sizeof c};
        if (!k->sas_done && ike_sa_next(e, k->after_sa, &sa) == IKE_OK) {
            k->after_sa = sa.id;
            vici_known_sa_up(k->v, &sa);
        } else if (k->sas_done && ike_child_next(e, k->after_child, &c) == IKE_OK) {
            k->after_child = c.id;
            vici_known_child_up(k->v, &c);
        } else if (k->sas_done) {
            return;
        } else {
            k->sas_done = true;
        }
    }
    loop_timer_set(k->v->d->loop, &k->fill, daemon_now(k->v->d) + 1);
}

void vici_known_update(struct vici *v, bool wanted)
{
    if (wanted && v->known == NULL) {
        v->known = calloc(1, sizeof *v->known);
        if (v->known) {
            v->known->v = v;
            loop_timer_init(&v->known->fill, fill, v->known);
            fill(v->known);
        }
    } else if (!wanted && v->known) {
        loop_timer_cancel(&v->known->fill);
        tdestroy(v->known->sas, free);
        tdestroy(v->known->children, free);
        free(v->known);
        v->known = NULL;
    }
}
