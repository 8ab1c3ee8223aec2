/* SPDX-License-Identifier: ISC
 *
 * vici_filter.c - which SAs, connections or children a request is about, and a walk over them.
 *
 * A filter that cannot be read is an error: passing over it would make the command act on everything.
 */
#include "vici.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool get_name(struct vici_text request, const char *key, char *out, size_t n, bool *has, struct vici_filter *f)
{
    struct vici_text v;
    *has = vici_get(request, key, &v);
    if (*has && (v.n == 0 || !vici_get_str(request, key, out, n))) {
        snprintf(f->error, sizeof f->error, v.n ? "%s is no name: it is too long, or holds a NUL" : "%s is empty", key);
        return false;
    }
    return true;
}

/* strongSwan's clients write both ike-id and ike_id. */
static bool get_number(struct vici_text request, const char *key, const char *other, uint32_t *out, struct vici_filter *f)
{
    struct vici_text v;
    char text[16] = "";
    if (!vici_get(request, key, &v)) {
        key = other;
    }
    if (!vici_get(request, key, &v)) {
        return true;
    }
    (void)vici_get_str(request, key, text, sizeof text);
    unsigned long long n = strtoull(text, NULL, 10);
    if (text[strspn(text, "0123456789")] || n == 0 || n > UINT32_MAX) {
        snprintf(f->error, sizeof f->error, "%s is not a number from 1 to %" PRIu32, key, UINT32_MAX);
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

bool vici_filter(struct vici_text request, struct vici_filter *f)
{
    *f = (struct vici_filter){0};
    return get_name(request, "ike", f->ike, sizeof f->ike, &f->has_ike, f) &&
           get_name(request, "child", f->child, sizeof f->child, &f->has_child, f) &&
           get_number(request, "ike-id", "ike_id", &f->ike_number, f) &&
           get_number(request, "child-id", "child_id", &f->child_number, f);
}

/* ---- The walk --------------------------------------------------------------------------------------------------------- */

static bool room(uint64_t **list, size_t *cap, size_t n, struct vici_walk *w)
{
    uint64_t *p = n > *cap ? reallocarray(*list, n, sizeof *p) : *list;
    if (n > *cap && p == NULL) {
        w->no_memory = true;
        return false;
    }
    *list = p;
    *cap = n > *cap ? n : *cap;
    return true;
}

/* SAs of a connection that was removed go by its name only: then all are looked at, as where none is named. */
static void begin(struct vici_walk *w, const ike_engine *e, const struct vici_filter *f)
{
    ike_conn_id conn;
    size_t cap = 0;
    w->begun = true;
    w->one = f->has_ike && ike_conn_find(e, f->ike, &conn) == IKE_OK;
    w->n = w->one ? ike_conn_sas(e, conn, NULL, 0) : 0;
    if (w->n && room(&w->ids, &cap, w->n, w)) {
        (void)ike_conn_sas(e, conn, w->ids, w->n);
    }
}

bool vici_walk_next(struct vici_walk *w, const ike_engine *e, const struct vici_filter *f, ike_sa_info *sa)
{
    *sa = (ike_sa_info){.size = sizeof *sa};
    if (!w->begun) {
        begin(w, e, f);
    }
    while (w->one && !w->no_memory && w->at < w->n) {
        if (ike_sa_get(e, w->ids[w->at++], sa) == IKE_OK) {
            return true;
        }
    }
    if (w->one || ike_sa_next(e, w->after, sa) != IKE_OK) {
        return false;
    }
    w->after = sa->id;
    return true;
}

size_t vici_walk_children(struct vici_walk *w, const ike_engine *e, ike_sa_id sa)
{
    size_t n = ike_sa_children(e, sa, w->children, w->cap);
    if (n > w->cap) {
        n = room(&w->children, &w->cap, n, w) ? ike_sa_children(e, sa, w->children, w->cap) : 0;
    }
    return n;
}

void vici_walk_end(struct vici_walk *w)
{
    free(w->ids);
    free(w->children);
    *w = (struct vici_walk){0};
}
