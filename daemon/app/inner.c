/* SPDX-License-Identifier: ISC
 *
 * inner.c - addresses inside the tunnel that peers gave us.
 */
#include "app/inner.h"

#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inner {
    struct inner *next;
    ike_addr address;
    unsigned users;
    bool foreign; /* it was there before us, and stays */
    int slot;
};

static struct inner **find(struct inner **list, const ike_addr *a)
{
    while (*list != NULL && ((*list)->address.family != a->family || memcmp((*list)->address.ip, a->ip, sizeof(a->ip)) != 0)) {
        list = &(*list)->next;
    }
    return list;
}

static void add(struct inner **at, struct ikelibd *d, struct nl_sock *rt, struct state *state, const ike_addr *a)
{
    char text[64], record[80];
    struct inner *i = calloc(1, sizeof(*i));
    ike_addr_format(a, false, text, sizeof(text));
    if (i == NULL) {
        daemon_log(d, IKE_LOG_ERROR, "cannot add the address %s: out of memory", text);
        return;
    }
    snprintf(record, sizeof(record), "address %s", text);
    i->address = *a;
    i->users = 1;
    i->slot = state_add(state, record);
    int error = rt_address(rt, a, true);
    i->foreign = error == -EEXIST;
    if (i->foreign) {
        state_remove(state, i->slot);
    } else if (error != 0) {
        daemon_log(d, IKE_LOG_ERROR, "cannot add the address %s: %s", text, strerror(-error));
    }
    *at = i;
}

static void drop(struct inner **at, struct nl_sock *rt, struct state *state)
{
    struct inner *i = *at;
    if (!i->foreign) {
        (void)rt_address(rt, &i->address, false);
        state_remove(state, i->slot);
    }
    *at = i->next;
    free(i);
}

void inner_set(struct inner **list, struct ikelibd *d, struct nl_sock *rt, struct state *state, const ike_addr *a, bool there)
{
    struct inner **at = find(list, a);
    if (there && *at != NULL) {
        (*at)->users++;
    } else if (there) {
        add(at, d, rt, state, a);
    } else if (*at != NULL && --(*at)->users == 0) {
        drop(at, rt, state);
    }
}

void inner_clear(struct inner **list, struct nl_sock *rt, struct state *state)
{
    while (*list != NULL) {
        drop(list, rt, state);
    }
}

bool inner_leftover(struct nl_sock *rt, const char *record)
{
    char text[64];
    ike_addr a;
    if (sscanf(record, "address %63s", text) != 1 || ike_addr_parse(&a, text) != IKE_OK) {
        return false;
    }
    (void)rt_address(rt, &a, false);
    return true;
}
