/* SPDX-License-Identifier: ISC
 *
 * xfrm_lost.c - what somebody else takes out of the kernel. Policies are put back; a child whose SA has gone is lost, because
 * nobody may use its keys with sequence numbers that begin again.
 */
#include "app/xfrm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Policies ------------------------------------------------------------------------------------------------------------- */

void xfrm_on_policy_deleted(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    x->policies_gone = x->policies_gone || xfrm_is_our_policy(x, id, mark, if_id);
}

struct mending {
    struct xfrm_app *x;
    unsigned back, refused;
    int error;
    char first[160], first_refused[160];
};

/* Only what is missing can be made anew. */
static void mend(void *arg, const struct spd_key *key, const struct spd_template *t)
{
    struct mending *m = arg;
    int error = m->x->way->set_policy(m->x, key, t, false);
    if (error == 0 && m->back++ == 0) {
        spd_key_format(key, m->first, sizeof(m->first));
    }
    if (error != 0 && error != -EEXIST && m->refused++ == 0) {
        m->error = error;
        spd_key_format(key, m->first_refused, sizeof(m->first_refused));
    }
}

static void mend_policies(struct xfrm_app *x)
{
    struct mending m = {.x = x};
    spd_each(x->spd, mend, &m);
    if (m.back > 0) {
        daemon_log(x->app.d, IKE_LOG_WARN, "%u IPsec policies of ours were missing, and are put back; the first: %s", m.back,
                   m.first);
    }
    if (m.refused > 0) {
        daemon_log(x->app.d, IKE_LOG_ERROR,
                   "%u IPsec policies of ours are missing, and the kernel refuses them (%s); the first: %s", m.refused,
                   strerror(-m.error), m.first_refused);
    }
}

/* ---- SAs ------------------------------------------------------------------------------------------------------------------ */

void xfrm_on_sa_deleted(struct xfrm_app *x, uint32_t spi, const ike_addr *destination, uint8_t protocol)
{
    struct xfrm_sa *sa = xfrm_find(x, spi, destination, protocol);
    if (sa != NULL) {
        sa->lost = x->lost = true;
    }
}

static bool is_in_kernel(struct xfrm_app *x, const struct xfrm_sa *sa)
{
    ike_usage unused;
    return x->way->get_sa(x, &sa->name, &unused) != -ESRCH;
}

/* The first SA of the table behind `at`, or the very first. The table must not change meanwhile. */
struct walk_sas {
    size_t slot;
    struct table_node *at;
};

static struct xfrm_sa *next_sa(const struct xfrm_app *x, struct walk_sas *w)
{
    w->at = w->at != NULL ? w->at->next : NULL;
    while (w->at == NULL && w->slot < x->sas.n_slots) {
        w->at = x->sas.slots[w->slot++];
    }
    return w->at != NULL ? TABLE_OF(w->at, struct xfrm_sa, node) : NULL;
}

bool xfrm_outbound_lost(struct xfrm_app *x, uint32_t reqid)
{
    unsigned had = 0, has = 0;
    struct walk_sas w = {0};
    for (struct xfrm_sa *sa; (sa = next_sa(x, &w)) != NULL;) {
        if (sa->template.reqid == reqid && !sa->inbound) {
            had++;
            sa->lost = sa->lost || !is_in_kernel(x, sa);
            has += !sa->lost;
            x->lost = x->lost || sa->lost;
        }
    }
    return had > 0 && has == 0;
}

static void find_lost(struct xfrm_app *x)
{
    struct walk_sas w = {0};
    for (struct xfrm_sa *sa; (sa = next_sa(x, &w)) != NULL;) {
        if (!sa->lost && !is_in_kernel(x, sa)) {
            sa->lost = x->lost = true;
        }
    }
}

static int compare(const void *a, const void *b)
{
    const ike_child_id *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The children of lost SAs, each once; all SAs of theirs count as told. */
static size_t collect_children(struct xfrm_app *x, ike_child_id *out, size_t *n_sas, char *first, size_t first_len)
{
    size_t n = 0, kept = 0;
    struct walk_sas w = {0};
    for (struct xfrm_sa *sa; (sa = next_sa(x, &w)) != NULL;) {
        if (sa->lost && !sa->told) {
            if (n == 0) {
                xfrm_name_format(&sa->name, first, first_len);
            }
            out[n++] = sa->child;
        }
    }
    *n_sas = n;
    qsort(out, n, sizeof(*out), compare);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || out[kept - 1] != out[i]) {
            out[kept++] = out[i];
        }
    }
    w = (struct walk_sas){0};
    for (struct xfrm_sa *sa; kept > 0 && (sa = next_sa(x, &w)) != NULL;) {
        sa->told = sa->told || bsearch(&sa->child, out, kept, sizeof(*out), compare) != NULL;
    }
    return kept;
}

static void tell_engine(struct xfrm_app *x)
{
    struct ikelibd *d = x->app.d;
    char first[96];
    size_t n_sas;
    ike_child_id *children = calloc(x->sas.n + 1, sizeof(*children));
    if (children == NULL) {
        x->lost = true;
        return;
    }
    size_t n = collect_children(x, children, &n_sas, first, sizeof(first));
    if (n > 0) {
        daemon_log(d, IKE_LOG_WARN, "%zu IPsec SAs of ours were taken out of the kernel, the first: %s; closing %zu children",
                   n_sas, first, n);
    }
    for (size_t i = 0; i < n; i++) {
        (void)ike_child_expire(d->engine, children[i], true, loop_now(d->loop));
    }
    free(children);
}

void xfrm_make_good(struct xfrm_app *x)
{
    if (x->policies_gone) {
        x->policies_gone = false;
        mend_policies(x);
    }
    if (x->sas_gone) {
        x->sas_gone = false;
        find_lost(x);
    }
    if (x->lost) {
        x->lost = false;
        tell_engine(x);
    }
}
