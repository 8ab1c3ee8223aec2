/* SPDX-License-Identifier: ISC
 *
 * The settings of a simulated host: the library's own structs with storage for what they point to, and one table of keys.
 */
#ifndef TESTS_SIM_CONF_H
#define TESTS_SIM_CONF_H

#include <ike/ike.h>

#define SIM_CONNS    8
#define SIM_CHILDREN 8
#define SIM_TS       16
#define SIM_TEXT     256

struct sim_child {
    char name[32], proposals[SIM_TEXT], ah_proposals[SIM_TEXT];
    ike_ts local_ts[SIM_TS], remote_ts[SIM_TS];
    ike_child_settings set;
    bool held; /* closed by command: not kept up until it is begun again */
};

struct sim_conn {
    char name[32], proposals[SIM_TEXT], secret[SIM_TEXT], sign[SIM_TEXT], user[SIM_TEXT], password[SIM_TEXT];
    ike_user_settings users;
    uint8_t local_id[SIM_TEXT], remote_id[SIM_TEXT];
    ike_conn_settings set;
    struct sim_child child[SIM_CHILDREN];
    ike_conn_id id;
    bool removed;
};

struct sim_conf {
    ike_settings engine;
    struct sim_conn conn[SIM_CONNS];
    unsigned conns;
};

void sim_conf_init(struct sim_conf *c);
struct sim_conn *sim_conf_conn(struct sim_conf *c, const char *name); /* a new one, with library defaults; NULL: full */
struct sim_child *sim_conf_child(struct sim_conn *c, const char *name);
/* "engine.cookie_threshold", "conn.secret", "child.proposals" ...: the struct member's name. conn and child: the last ones made.
 * NULL, or what is wrong. */
const char *sim_conf_set(struct sim_conf *c, const char *key, unsigned n, const char *const *value);
/* Our private key where conn.sign is set. */
const char *sim_conf_key(const struct sim_conn *c);
/* The connection with all pointers in place, children in room[SIM_CHILDREN]. */
ike_conn_settings sim_conf_settings(struct sim_conn *c, ike_child_settings *room);

/* "250ms", "3s", "5m", "2h", "10us"; false if it is none. */
bool sim_time_parse(const char *text, ike_time *out);
bool sim_number_parse(const char *text, uint64_t max, uint64_t *out);

#endif
