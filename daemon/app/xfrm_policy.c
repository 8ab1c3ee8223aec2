/* SPDX-License-Identifier: ISC
 *
 * xfrm_policy.c - the ledger's hands: policies go into the kernel and out again, each with its line in the state file.
 */
#include "app/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* errno, and the kernel's own words if it had any. */
const char *xfrm_says(struct xfrm_app *x, int error, char *out, size_t n)
{
    snprintf(out, n, "%s%s%s", strerror(-error), x->why[0] != 0 ? ": " : "", x->why);
    return out;
}

/* A policy in the kernel has its line in the state file under the selector's own octets. */
struct policy_slot {
    struct table_node node;
    struct xfrm_userpolicy_id id;
    uint32_t mark, if_id;
    int slot;
};

static uint32_t hash_id(const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    return table_hash(mark ^ if_id ^ id->dir, &id->sel, sizeof(id->sel));
}

static struct policy_slot *find_id(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    uint32_t hash = hash_id(id, mark, if_id);
    for (struct table_node *n = table_chain(&x->policies, hash); n != NULL; n = n->next) {
        struct policy_slot *p = TABLE_OF(n, struct policy_slot, node);
        if (n->hash == hash && memcmp(&p->id, id, sizeof(*id)) == 0 && p->mark == mark && p->if_id == if_id) {
            return p;
        }
    }
    return NULL;
}

bool xfrm_is_our_policy(struct xfrm_app *x, const struct xfrm_userpolicy_id *id, uint32_t mark, uint32_t if_id)
{
    return find_id(x, id, mark, if_id) != NULL;
}

static struct policy_slot *find_slot(struct xfrm_app *x, const struct spd_key *key, struct xfrm_userpolicy_id *id)
{
    xfrm_policy_id(key, id);
    return find_id(x, id, key->mark, key->if_id);
}

static void note_policy(struct xfrm_app *x, const struct spd_key *key)
{
    struct xfrm_userpolicy_id id;
    if (find_slot(x, key, &id) != NULL) {
        return;
    }
    struct policy_slot *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return;
    }
    const struct xfrm_selector *sel = &id.sel;
    char record[192], from[INET6_ADDRSTRLEN] = "?", to[INET6_ADDRSTRLEN] = "?";
    inet_ntop(sel->family, &sel->saddr, from, sizeof(from));
    inet_ntop(sel->family, &sel->daddr, to, sizeof(to));
    snprintf(record, sizeof(record), "policy %u %s/%u %s/%u %u %x/%x %x/%x %x %x", key->dir, from, sel->prefixlen_s, to,
             sel->prefixlen_d, sel->proto, ntohs(sel->sport), ntohs(sel->sport_mask), ntohs(sel->dport), ntohs(sel->dport_mask),
             key->mark, key->if_id);
    *p = (struct policy_slot){.id = id, .mark = key->mark, .if_id = key->if_id, .slot = state_add(x->state, record)};
    if (!table_add(&x->policies, &p->node, hash_id(&id, key->mark, key->if_id))) {
        free(p);
    }
}

static void forget_policy(struct xfrm_app *x, const struct spd_key *key)
{
    struct xfrm_userpolicy_id id;
    struct policy_slot *p = find_slot(x, key, &id);
    if (p != NULL) {
        state_remove(x->state, p->slot);
        table_remove(&x->policies, &p->node);
        free(p);
    }
}

int xfrm_policy_set(void *arg, const struct spd_key *key, const struct spd_template *t, bool update)
{
    struct xfrm_app *x = arg;
    char text[160], why[256];
    note_policy(x, key);
    int error = x->way->set_policy(x, key, t, update);
    if (error == 0) {
        return 0;
    }
    spd_key_format(key, text, sizeof(text));
    if (error == -EEXIST) {
        daemon_log(x->app.d, IKE_LOG_ERROR,
                   "the policy %s exists already and is not ours: another IKE daemon's, or set by hand (ip xfrm policy)", text);
    } else {
        daemon_log(x->app.d, IKE_LOG_ERROR, "the kernel refuses the policy %s: %s", text, xfrm_says(x, error, why, sizeof(why)));
    }
    if (!update) {
        forget_policy(x, key);
    }
    return error;
}

void xfrm_policy_unset(void *arg, const struct spd_key *key)
{
    struct xfrm_app *x = arg;
    struct xfrm_userpolicy_id id;
    xfrm_policy_id(key, &id);
    (void)x->way->unset_policy(x, &id, key->mark, key->if_id);
    forget_policy(x, key);
}
