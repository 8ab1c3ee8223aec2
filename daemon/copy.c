/* SPDX-License-Identifier: ISC
 *
 * copy.c - a deep copy of a connection's settings.
 */
#include "copy.h"

#include <stdlib.h>
#include <string.h>

/* Runs twice over the same settings: without memory it measures, with memory it fills. */
struct arena {
    uint8_t *base; /* NULL: measure */
    size_t used;
};

static void *put(struct arena *a, const void *data, size_t n)
{
    size_t at = (a->used + 15U) & ~(size_t)15U;
    a->used = at + n;
    if (a->base == NULL || data == NULL) {
        return NULL;
    }
    memcpy(a->base + at, data, n);
    return a->base + at;
}

static const char *put_text(struct arena *a, const char *text) { return text == NULL ? NULL : put(a, text, strlen(text) + 1); }

static ike_bytes put_bytes(struct arena *a, ike_bytes b) { return (ike_bytes){b.len > 0 ? put(a, b.ptr, b.len) : NULL, b.len}; }

static void copy_child(struct arena *a, const ike_child_settings *from, ike_child_settings *to)
{
    ike_child_settings c = *from;
    c.name = put_text(a, from->name);
    c.proposals = put_text(a, from->proposals);
    c.ah_proposals = put_text(a, from->ah_proposals);
    c.local_ts = from->n_local_ts > 0 ? put(a, from->local_ts, from->n_local_ts * sizeof(ike_ts)) : NULL;
    c.remote_ts = from->n_remote_ts > 0 ? put(a, from->remote_ts, from->n_remote_ts * sizeof(ike_ts)) : NULL;
    if (to != NULL) {
        *to = c;
    }
}

static ike_user_settings *copy_users(struct arena *a, const ike_conn_settings *s)
{
    ike_user_settings *users = s->n_users > 0 ? put(a, s->users, s->n_users * sizeof(*users)) : NULL;
    for (size_t i = 0; i < s->n_users; i++) {
        ike_user_settings u = {put_text(a, s->users[i].name), put_bytes(a, s->users[i].secret)};
        if (users != NULL) {
            users[i] = u;
        }
    }
    return users;
}

static void copy_all(struct arena *a, const ike_conn_settings *s)
{
    struct conn_copy *c = put(a, &(struct conn_copy){.s = *s}, sizeof(*c));
    const char *name = put_text(a, s->name), *source = put_text(a, s->source), *proposals = put_text(a, s->proposals);
    ike_bytes local = put_bytes(a, s->local_id.data), remote = put_bytes(a, s->remote_id.data), secret = put_bytes(a, s->secret);
    ike_bytes local_key = put_bytes(a, s->local_key), local_cert = put_bytes(a, s->local_cert),
              remote_key = put_bytes(a, s->remote_key);
    ike_child_settings *children = s->n_children > 0 ? put(a, s->children, s->n_children * sizeof(*children)) : NULL;
    for (size_t i = 0; i < s->n_children; i++) {
        copy_child(a, &s->children[i], children != NULL ? &children[i] : NULL);
    }
    ike_user_settings *users = copy_users(a, s);
    ike_addr *dns = s->n_dns > 0 ? put(a, s->dns, s->n_dns * sizeof(*dns)) : NULL;
    ike_addr *nbns = s->n_nbns > 0 ? put(a, s->nbns, s->n_nbns * sizeof(*nbns)) : NULL;
    if (c != NULL) {
        c->s.users = users;
        c->s.dns = dns;
        c->s.nbns = nbns;
        c->s.name = name;
        c->s.source = source;
        c->s.proposals = proposals;
        c->s.local_id.data = local;
        c->s.remote_id.data = remote;
        c->s.secret = secret;
        c->s.local_key = local_key;
        c->s.local_cert = local_cert;
        c->s.remote_key = remote_key;
        c->s.children = children;
        c->size = a->used;
    }
}

struct conn_copy *conn_copy_new(const ike_conn_settings *s)
{
    struct arena measure = {0}, fill = {0};
    copy_all(&measure, s);
    fill.base = calloc(1, measure.used);
    if (fill.base == NULL) {
        return NULL;
    }
    copy_all(&fill, s);
    struct conn_copy *c = (struct conn_copy *)(void *)fill.base;
    c->size = measure.used;
    return c;
}

void conn_copy_free(struct conn_copy *c)
{
    if (c != NULL) {
        explicit_bzero(c, c->size);
        free(c);
    }
}
