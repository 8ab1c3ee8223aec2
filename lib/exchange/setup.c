/* SPDX-License-Identifier: ISC
 *
 * The setup's life, and the record of an exchange that failed.
 */
#include "exchange/exchange.h"
#include <stdio.h>

/* Blames when it gives NULL. */
struct ike_setup *ike_setup_new(struct ike_engine *e)
{
    struct ike_setup *s = ike_alloc(&e->core, sizeof *s);
    if (!s) {
        ike_blame(&e->core, IKE_FAIL_NO_MEMORY, IKE_DECIDER_HOST);
    }
    return s;
}

#define AT(member) offsetof(struct ike_setup, member)
static const uint16_t blobs[] = {
    AT(ni),     AT(nr),       AT(ke_private),   AT(ke_public),     AT(ke_peer), AT(shared),   AT(cookie),
    AT(secret), AT(sk_p),     AT(init_request), AT(init_response), AT(beside),  AT(local_id), AT(remote_id),
    AT(user),   AT(local_ts), AT(remote_ts),    AT(rival_nonce),   AT(sai),     AT(proof),    AT(chosen_attrs),
    AT(bundle)};

/* Nonces, private values and secrets are wiped with their blobs. What was reserved or made for a child or a new SA is undo's
 * to give back, before this. NULL is fine. */
void ike_setup_free(struct ike_engine *e, struct ike_setup *s)
{
    struct ike_core *c = &e->core;
    if (!s) {
        return;
    }
    for (size_t i = 0; i < IKE_COUNT(blobs); i++) {
        ike_blob_free(c, (struct ike_blob *)(void *)((uint8_t *)s + blobs[i]));
    }
    ike_conf_unref(c, s->conf);
    ike_free(c, s->rejection, sizeof *s->rejection);
    ike_free_secret(c, s, sizeof *s);
}

/* Copied, as a record outlives the connection; cut when too long, which a name for people bears. */
static void put_name(char *to, size_t cap, const char *from) { snprintf(to, cap, "%s", from ? from : ""); }

/* Only a draft that is still open becomes a record: one attempt leaves one. */
static void blame(struct ike_engine *e, struct ike_conn *conn, const struct ike_conf *conf, const char *child, bool stranger)
{
    struct ike_core *c = &e->core;
    ike_failure *f = &c->draft;
    if (!c->blamed) {
        return;
    }
    if (IKE_WITH_RECORDS) {
        f->conn = conn->id;
        put_name(f->conn_name, sizeof f->conn_name, conf->s.name);
        put_name(f->source, sizeof f->source, conf->s.source);
        put_name(f->child_name, sizeof f->child_name, child ? child : f->child_name);
    }
    if (ike_failure_commit(c, &conn->failure, stranger)) {
        ike_event_post(c, &conn->ev, IKE_EV_FAILED);
    }
}

void ike_conn_blame(struct ike_engine *e, struct ike_conn *conn, const char *child) { blame(e, conn, conn->conf, child, false); }

/* The draft knows cause, decider and texts; add who, where and what for. */
static void describe(const struct ike_exchange *x, ike_failure *f)
{
    const struct ike_sa *sa = x->sa;
    f->initiator = x->role == IKE_INITIATOR;
    f->version = x->script->version;
    f->exchange = ike_exchange_type(x);
    f->step = x->step;
    f->sa = sa->id;
    /* An initiator means the address it was told to reach; a responder saw this message come from somewhere. */
    f->remote = x->role == IKE_INITIATOR ? sa->path.remote : x->path.remote;
}

void ike_exchange_blame(struct ike_exchange *x)
{
    struct ike_core *c = &x->e->core;
    if (!c->blamed) {
        return;
    }
    struct ike_sa *sa = x->sa;
    if (IKE_WITH_RECORDS) {
        describe(x, &c->draft);
    }
    const struct ike_setup *s = x->setup;
    const char *child = IKE_WITH_RECORDS && s && s->with_child && s->conf ? s->conf->s.children[s->index].name : NULL;
    /* Until it has proved who it is, whatever connection its address fits. */
    bool stranger = x->role == IKE_RESPONDER && !sa->peer;
    if (sa->conn) {
        blame(x->e, sa->conn, sa->conf, child, stranger);
    } else {
        (void)ike_failure_commit(c, NULL, stranger);
    }
}
