/* SPDX-License-Identifier: ISC
 *
 * What the parts of making connections share.
 */
#ifndef IKE_CONF_BUILD_H
#define IKE_CONF_BUILD_H

#include "conf/conf.h"

struct ike_conf_child {
    struct ike_conf_child *next;
    const struct ike_config_entry *section; /* its own, or the connection's */
    ike_child_settings settings;
};

/* A connection being made; lives in the arena of the result. */
struct ike_conf_draft {
    ike_config_conn conn;
    struct ike_map_node node;
    struct ike_conf_draft *next;
    const struct ike_config_entry *section;        /* while building */
    ike_child_settings defaults;                   /* child's tags in the connection */
    struct ike_conf_child *children, **last_child; /* in the order of the configuration */
};

/* A [user] section being read; lives in the arena of the result. */
struct ike_conf_user {
    ike_config_user user;
    ike_user_settings settings;
    struct ike_conf_user *next;
};

struct ike_conf_builder {
    const ike_config *config;
    ike_config_report *report;
    struct ike_arena *arena;
    struct ike_map *map;          /* connections by name */
    struct ike_conf_draft **last; /* where the next one is linked */
    size_t count;
    struct ike_conf_user *users, **last_user;
    ike_user_settings *user_settings; /* of all of them */
    size_t n_users;
    bool failed, no_memory; /* failed: something was reported; no_memory: the result cannot be whole */
};

struct ike_config_conns {
    ike_allocator mem;
    struct ike_arena arena;
    struct ike_map map;
    struct ike_conf_draft **conns;
    size_t count;
    struct ike_conf_user *users;
    ike_user_settings *user_settings; /* of each user; the connections lead here */
};

void ike_conf_fill(struct ike_conf_builder *b, const struct ike_config_entry *section, unsigned kind, void *const *targets);
void ike_conf_value_wrong(struct ike_conf_builder *b, const struct ike_config_entry *e, const struct ike_conf_key *k,
                          struct ike_conf_fault *f);

/* Checks that concern several tags at once (check.c). They also shrink margins that nobody wrote to fit their lifetime. */
void ike_conf_check_conn(struct ike_conf_builder *b, struct ike_conf_draft *d);
void ike_conf_check_user(struct ike_conf_builder *b, const struct ike_config_entry *section);
void ike_conf_check_child(struct ike_conf_builder *b, struct ike_conf_draft *d, struct ike_conf_child *k);
void ike_conf_check_daemon(struct ike_conf_builder *b, const ike_config_daemon *d);

#endif
