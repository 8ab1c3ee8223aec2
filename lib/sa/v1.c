/* SPDX-License-Identifier: ISC
 *
 * What an SA of IKEv1 keeps besides: message ids that were used, and last messages that may be missed.
 */
#include "sa/sa.h"

/* Last messages kept, the newest: a peer whose exchange ended longer ago does not repeat it any more. */
#define DONE_MAX 8

/* Several exchanges may run at a time. */
bool ike_v1_sa_init(struct ike_core *c, struct ike_sa *sa)
{
    sa->version = 1;
    sa->window = 16;
    sa->v1 = ike_alloc(c, sizeof *sa->v1);
    if (sa->v1) {
        ike_list_init(&sa->v1->done);
    }
    return sa->v1;
}

static void drop_done(struct ike_core *c, struct ike_v1_sa *v, struct ike_v1_done *d)
{
    ike_list_del(&d->link);
    ike_sent_free(c, d->sent);
    ike_free(c, d, sizeof *d);
    v->n_done--;
}

void ike_v1_part_drop(struct ike_db *db, struct ike_v1_parts *s, struct ike_v1_part *p)
{
    size_t size = sizeof *p + p->len;
    ike_list_del(&p->link);
    s->len -= p->len;
    s->n--;
    db->gathered -= size;
    ike_free(db->core, p, size);
}

void ike_v1_parts_drop(struct ike_db *db, struct ike_v1_sa *v)
{
    struct ike_v1_parts *s = v->parts;
    if (s) {
        IKE_LIST_EACH (it, tmp, &s->list) {
            ike_v1_part_drop(db, s, IKE_OF(it, struct ike_v1_part, link));
        }
        ike_list_del(&s->link);
        ike_free(db->core, s, sizeof *s);
        v->parts = NULL;
    }
}

/* Parts are gone before. NULL is fine. */
void ike_v1_sa_free(struct ike_core *c, struct ike_v1_sa *v)
{
    if (!v) {
        return;
    }
    IKE_LIST_EACH (it, tmp, &v->done) {
        drop_done(c, v, IKE_OF(it, struct ike_v1_done, link));
    }
    ike_free(c, v->mids, v->cap_mids * sizeof *v->mids);
    ike_private_group_free(v->group);
    ike_free_secret(c, v, sizeof *v);
}

/* Open addressing; 0 is no message id of phase 2, so it stands for a free place. Ids are the peer's choice as well as ours: they
 * are mixed, and a peer that finds collisions slows its own SA down only. */
static uint32_t *place(uint32_t *at, uint32_t cap, uint32_t mid)
{
    uint32_t i = mid * 2654435761u;
    while (at[i & (cap - 1)] && at[i & (cap - 1)] != mid) {
        i++;
    }
    return &at[i & (cap - 1)];
}

bool ike_v1_mid_used(const struct ike_v1_sa *v, uint32_t mid) { return v->cap_mids && *place(v->mids, v->cap_mids, mid) == mid; }

/* Half full at most, so that a search ends soon. */
static int grow(struct ike_core *c, struct ike_v1_sa *v)
{
    uint32_t cap = v->cap_mids ? 2 * v->cap_mids : 16;
    uint32_t *at = v->n_mids < IKE_V1_MIDS_MAX ? ike_alloc(c, cap * sizeof *at) : NULL;
    if (!at) {
        return v->n_mids < IKE_V1_MIDS_MAX ? IKE_ERR_NOMEM : IKE_ERR_LIMIT;
    }
    for (uint32_t i = 0; i < v->cap_mids; i++) {
        if (v->mids[i]) {
            *place(at, cap, v->mids[i]) = v->mids[i];
        }
    }
    ike_free(c, v->mids, v->cap_mids * sizeof *v->mids);
    v->mids = at;
    v->cap_mids = cap;
    return IKE_OK;
}

int ike_v1_mid_use(struct ike_core *c, struct ike_v1_sa *v, uint32_t mid)
{
    if (!mid || ike_v1_mid_used(v, mid)) {
        return IKE_ERR_EXISTS;
    }
    int r = 2 * v->n_mids < v->cap_mids ? IKE_OK : grow(c, v);
    if (r == IKE_OK) {
        *place(v->mids, v->cap_mids, mid) = mid;
        v->n_mids++;
    }
    return r;
}

/* Those behind it move up, or a search for them would end at the gap. */
void ike_v1_mid_forget(struct ike_v1_sa *v, uint32_t mid)
{
    if (!ike_v1_mid_used(v, mid)) {
        return;
    }
    uint32_t *at = place(v->mids, v->cap_mids, mid);
    *at = 0;
    v->n_mids--;
    for (uint32_t i = (uint32_t)(at - v->mids) + 1; v->mids[i & (v->cap_mids - 1)]; i++) {
        uint32_t other = v->mids[i & (v->cap_mids - 1)];
        v->mids[i & (v->cap_mids - 1)] = 0;
        *place(v->mids, v->cap_mids, other) = other;
    }
}

/* Without memory for it the peer's repetition stays unanswered, and it begins anew. */
void ike_v1_done(struct ike_core *c, struct ike_v1_sa *v, uint32_t mid, uint64_t heard, struct ike_sent *sent, ike_time until)
{
    struct ike_v1_done *d = ike_alloc(c, sizeof *d);
    if (!d) {
        ike_sent_free(c, sent);
        return;
    }
    if (v->n_done == DONE_MAX) {
        drop_done(c, v, IKE_OF(v->done.next, struct ike_v1_done, link));
    }
    d->mid = mid;
    d->heard = heard;
    d->sent = sent;
    d->until = until;
    ike_list_add(&v->done, &d->link);
    v->n_done++;
}

const struct ike_v1_done *ike_v1_done_of(const struct ike_v1_sa *v, uint32_t mid, ike_time now)
{
    IKE_LIST_LOOK (const struct ike_v1_done, d, link, &v->done) {
        if (d->mid == mid && now <= d->until) {
            return d;
        }
    }
    return NULL;
}

const struct ike_sent *ike_v1_done_find(const struct ike_v1_sa *v, uint32_t mid, uint64_t heard, ike_time now)
{
    IKE_LIST_LOOK (const struct ike_v1_done, d, link, &v->done) {
        if (d->mid == mid && d->heard == heard && now <= d->until) {
            return d->sent;
        }
    }
    return NULL;
}
