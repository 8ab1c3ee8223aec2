/* SPDX-License-Identifier: ISC
 *
 * spd.c - the ledger of policies: who uses which selector, and what the kernel has to have for it.
 */
#include "app/spd.h"

#include "table.h"

#include <errno.h>
#include <string.h>

struct user {
    struct user *next;
    struct spd_template t;
    unsigned count;
};

struct policy {
    struct table_node node;
    struct spd_key key;
    struct user *users; /* the deciding one first: real before traps, newest before older */
};

struct spd {
    struct spd_backend backend;
    struct table table;
};

struct spd *spd_new(const struct spd_backend *backend)
{
    struct spd *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->backend = *backend;
    }
    return s;
}

size_t spd_count(const struct spd *s) { return s->table.n; }

static uint32_t hash_key(const struct spd_key *k)
{
    uint32_t h = prefix_hash(prefix_hash((uint32_t)k->dir << 8 ^ k->flow.proto, &k->flow.local), &k->flow.remote);
    h = table_hash(h ^ k->mark ^ k->if_id, &k->flow.local_port, sizeof(k->flow.local_port));
    return table_hash(h, &k->flow.remote_port, sizeof(k->flow.remote_port));
}

static bool same_ports(const struct port_mask *a, const struct port_mask *b) { return a->port == b->port && a->mask == b->mask; }

static bool same_key(const struct spd_key *a, const struct spd_key *b)
{
    return a->dir == b->dir && a->mark == b->mark && a->if_id == b->if_id && a->flow.proto == b->flow.proto &&
           same_ports(&a->flow.local_port, &b->flow.local_port) && same_ports(&a->flow.remote_port, &b->flow.remote_port) &&
           prefix_equal(&a->flow.local, &b->flow.local) && prefix_equal(&a->flow.remote, &b->flow.remote);
}

static bool same_ip(const ike_addr *a, const ike_addr *b) { return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0; }

static bool same_template(const struct spd_template *a, const struct spd_template *b)
{
    return a->trap == b->trap && a->mode == b->mode && a->protocols == b->protocols && a->reqid == b->reqid &&
           same_ip(&a->local, &b->local) && same_ip(&a->remote, &b->remote);
}

static struct policy *find_policy(struct spd *s, const struct spd_key *key, uint32_t hash)
{
    for (struct table_node *n = table_chain(&s->table, hash); n != NULL; n = n->next) {
        struct policy *p = TABLE_OF(n, struct policy, node);
        if (n->hash == hash && same_key(&p->key, key)) {
            return p;
        }
    }
    return NULL;
}

static struct user **find_user(struct policy *p, const struct spd_template *t)
{
    struct user **u = &p->users;
    while (*u != NULL && !same_template(&(*u)->t, t)) {
        u = &(*u)->next;
    }
    return u;
}

/* Put a new user where it belongs. */
static void insert_user(struct policy *p, struct user *u)
{
    struct user **at = &p->users;
    while (u->t.trap && *at != NULL && !(*at)->t.trap) {
        at = &(*at)->next;
    }
    u->next = *at;
    *at = u;
}

static struct policy *new_policy(struct spd *s, const struct spd_key *key, uint32_t hash)
{
    struct policy *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    p->key = *key;
    if (!table_add(&s->table, &p->node, hash)) {
        free(p);
        return NULL;
    }
    return p;
}

static void drop_policy(struct spd *s, struct policy *p)
{
    table_remove(&s->table, &p->node);
    free(p);
}

int spd_use(struct spd *s, const struct spd_key *key, const struct spd_template *t)
{
    uint32_t hash = hash_key(key);
    struct policy *p = find_policy(s, key, hash);
    struct user *u = p != NULL ? *find_user(p, t) : NULL;
    if (u != NULL) {
        u->count++;
        return 0;
    }
    bool update = p != NULL;
    p = p != NULL ? p : new_policy(s, key, hash);
    u = p != NULL ? calloc(1, sizeof(*u)) : NULL;
    int error = u != NULL ? 0 : -ENOMEM;
    if (error == 0) {
        *u = (struct user){.t = *t, .count = 1};
        insert_user(p, u);
        error = p->users == u ? s->backend.set(s->backend.arg, key, t, update) : 0;
    }
    if (error != 0) {
        if (u != NULL) {
            *find_user(p, t) = u->next;
            free(u);
        }
        if (p != NULL && p->users == NULL) {
            drop_policy(s, p);
        }
    }
    return error;
}

void spd_unuse(struct spd *s, const struct spd_key *key, const struct spd_template *t)
{
    struct policy *p = find_policy(s, key, hash_key(key));
    struct user **at = p != NULL ? find_user(p, t) : NULL;
    struct user *u = at != NULL ? *at : NULL;
    if (u == NULL || --u->count > 0) {
        return;
    }
    bool decided = p->users == u;
    *at = u->next;
    free(u);
    if (p->users == NULL) {
        s->backend.unset(s->backend.arg, &p->key);
        drop_policy(s, p);
    } else if (decided) {
        /* Nothing can be done about a refusal here; the backend has logged it. */
        (void)s->backend.set(s->backend.arg, &p->key, &p->users->t, true);
    }
}

void spd_each(const struct spd *s, void (*each)(void *arg, const struct spd_key *key, const struct spd_template *t), void *arg)
{
    for (size_t i = 0; i < s->table.n_slots; i++) {
        for (const struct table_node *n = s->table.slots[i]; n != NULL; n = n->next) {
            const struct policy *p = TABLE_OF(n, const struct policy, node);
            each(arg, &p->key, &p->users->t);
        }
    }
}

void spd_free(struct spd *s)
{
    if (s == NULL) {
        return;
    }
    size_t at = 0;
    for (struct table_node *n; (n = table_any(&s->table, &at)) != NULL;) {
        struct policy *p = TABLE_OF(n, struct policy, node);
        s->backend.unset(s->backend.arg, &p->key);
        while (p->users != NULL) {
            struct user *u = p->users;
            p->users = u->next;
            free(u);
        }
        drop_policy(s, p);
    }
    table_free(&s->table);
    free(s);
}
