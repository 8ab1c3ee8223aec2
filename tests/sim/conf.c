/* SPDX-License-Identifier: ISC
 *
 * Settings by key: one table over the members of the library's settings structs.
 */
#include "conf.h"
#include "base.h"
#include "unit/keys_help.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { NUMBER, TEXT, SECRET, SELECTORS, RANGE, ADDRESS, IDENTITY };
enum where { ENGINE, CONN, CHILD };

#define N(where, s, m)                                                                                                           \
    {                                                                                                                            \
#m, where, NUMBER, offsetof(s, m), sizeof(((s *)0)->m)                                                                   \
    }
#define E(m) N(ENGINE, ike_settings, m)
#define C(m) N(CONN, ike_conn_settings, m)
#define K(m) N(CHILD, ike_child_settings, m)

static const struct key {
    const char *name;
    enum where where;
    enum type type;
    size_t at, size;
} keys[] = {
    E(max_sas),
    E(max_children),
    E(max_conns),
    E(cookie_threshold),
    E(cookie_per_source),
    E(max_half_open),
    E(half_open_per_source),
    E(half_open_life_ms),
    E(max_message),
    E(replies_per_second),
    E(requests_per_second),
    E(password_tries),
    E(retransmit_first_ms),
    E(retransmit_factor_pct),
    E(retransmit_max_ms),
    E(retransmit_jitter_pct),
    E(retransmit_tries),
    E(retry_first_ms),
    E(retry_max_ms),
    E(temporary_retry_ms),
    E(temporary_limit_ms),
    E(spi_tag),
    E(spi_tag_bits),
    C(version),
    C(aggressive),
    C(xauth),
    C(inner_family),
    C(push),
    C(remote_bits),
    C(life_s),
    C(life_min_s),
    C(life_max_s),
    C(margin_s),
    C(jitter_pct),
    C(dpd_s),
    C(dpd_timeout_s),
    C(keepalive_s),
    C(max_children),
    C(encap),
    C(send_initial_contact),
    C(unique),
    K(mode),
    K(start),
    K(mode_fallback),
    K(compress),
    K(replay_window),
    K(life_s),
    K(life_min_s),
    K(life_max_s),
    K(margin_s),
    K(life_bytes),
    K(life_min_bytes),
    K(life_max_bytes),
    K(life_packets),
    K(mark),
    K(if_id),
    {"local", CONN, ADDRESS, offsetof(ike_conn_settings, local), 0},
    {"remote", CONN, ADDRESS, offsetof(ike_conn_settings, remote), 0},
    {"local_id", CONN, IDENTITY, offsetof(ike_conn_settings, local_id), offsetof(struct sim_conn, local_id)},
    {"remote_id", CONN, IDENTITY, offsetof(ike_conn_settings, remote_id), offsetof(struct sim_conn, remote_id)},
    {"secret", CONN, SECRET, 0, 0},
    {"sign", CONN, TEXT, 0, offsetof(struct sim_conn, sign)},
    {"pool", CONN, RANGE, offsetof(ike_conn_settings, pool), 0},
    {"user", CONN, TEXT, 0, offsetof(struct sim_conn, user)},
    {"password", CONN, TEXT, 0, offsetof(struct sim_conn, password)},
    {"proposals", CONN, TEXT, offsetof(ike_conn_settings, proposals), offsetof(struct sim_conn, proposals)},
    {"proposals", CHILD, TEXT, offsetof(ike_child_settings, proposals), offsetof(struct sim_child, proposals)},
    {"ah_proposals", CHILD, TEXT, offsetof(ike_child_settings, ah_proposals), offsetof(struct sim_child, ah_proposals)},
    {"local_ts", CHILD, SELECTORS, offsetof(ike_child_settings, n_local_ts), offsetof(struct sim_child, local_ts)},
    {"remote_ts", CHILD, SELECTORS, offsetof(ike_child_settings, n_remote_ts), offsetof(struct sim_child, remote_ts)},
};

/* Words that stand for numbers. */
static const struct {
    const char *word;
    uint64_t value;
} words[] = {{"no", 0},
             {"yes", 1},
             {"demand", IKE_START_DEMAND},
             {"tunnel", IKE_MODE_TUNNEL},
             {"transport", IKE_MODE_TRANSPORT},
             {"client", IKE_XAUTH_CLIENT},
             {"server", IKE_XAUTH_SERVER}};

bool sim_number_parse(const char *text, uint64_t max, uint64_t *out)
{
    for (size_t i = 0; i < SIM_COUNT(words); i++) {
        if (strcmp(text, words[i].word) == 0) {
            *out = words[i].value;
            return words[i].value <= max;
        }
    }
    char *end;
    *out = strtoull(text, &end, 0);
    return end != text && *end == '\0' && *out <= max;
}

bool sim_time_parse(const char *text, ike_time *out)
{
    static const struct {
        const char *unit;
        ike_time us;
    } units[] = {{"us", 1}, {"ms", IKE_MS}, {"s", IKE_SEC}, {"m", 60 * IKE_SEC}, {"h", 3600 * IKE_SEC}};
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    for (size_t i = 0; end != text && i < SIM_COUNT(units); i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *out = n * units[i].us;
            return true;
        }
    }
    return false;
}

void sim_conf_init(struct sim_conf *c)
{
    *c = (struct sim_conf){0};
    ike_settings_init(&c->engine);
    c->engine.allow_variable_time = true; /* the CPU this runs on is no matter */
}

struct sim_conn *sim_conf_conn(struct sim_conf *c, const char *name)
{
    if (c->conns == SIM_CONNS) {
        return NULL;
    }
    struct sim_conn *n = &c->conn[c->conns++];
    *n = (struct sim_conn){0};
    ike_conn_settings_init(&n->set);
    snprintf(n->name, sizeof n->name, "%s", name);
    return n;
}

struct sim_child *sim_conf_child(struct sim_conn *c, const char *name)
{
    if (c->set.n_children == SIM_CHILDREN) {
        return NULL;
    }
    struct sim_child *n = &c->child[c->set.n_children++];
    *n = (struct sim_child){0};
    ike_child_settings_init(&n->set);
    snprintf(n->name, sizeof n->name, "%s", name);
    return n;
}

static void put_number(void *at, size_t size, uint64_t v)
{
    if (size == 1) {
        *(uint8_t *)at = (uint8_t)v;
    } else if (size == 2) {
        *(uint16_t *)at = (uint16_t)v;
    } else if (size == 4) {
        *(uint32_t *)at = (uint32_t)v;
    } else {
        *(uint64_t *)at = v;
    }
}

static const char *set_selectors(char *set, char *owner, const struct key *k, unsigned n, const char *const *value)
{
    ike_ts *ts = (ike_ts *)(void *)(owner + k->size);
    if (n > SIM_TS) {
        return "too many selectors";
    }
    if (n == 1 && strcmp(value[0], "own") == 0) {
        n = 0; /* its own address, whichever that is */
    }
    for (unsigned i = 0; i < n; i++) {
        if (ike_ts_parse(&ts[i], value[i]) != IKE_OK) {
            return "not a selector";
        }
    }
    *(size_t *)(void *)(set + k->at) = n;
    return NULL;
}

/* owner: the struct that holds the storage; set: the library's struct in it. */
static const char *set_value(const struct key *k, char *owner, char *set, unsigned n, const char *const *value)
{
    uint64_t v;
    if (k->type == SELECTORS) {
        return set_selectors(set, owner, k, n, value);
    }
    if (n != 1) {
        return "one value, please";
    }
    switch (k->type) {
    case NUMBER:
        if (!sim_number_parse(value[0], k->size < 8 ? (UINT64_C(1) << (k->size * 8)) - 1 : UINT64_MAX, &v)) {
            return "not a number that fits";
        }
        put_number(set + k->at, k->size, v);
        return NULL;
    case RANGE:
        return ike_ts_parse((ike_ts *)(void *)(set + k->at), value[0]) == IKE_OK ? NULL : "not a range";
    case ADDRESS:
        return ike_addr_parse((ike_addr *)(void *)(set + k->at), value[0]) == IKE_OK ? NULL : "not an address";
    case IDENTITY:
        return ike_id_parse((ike_id *)(void *)(set + k->at), value[0], (uint8_t *)owner + k->size, SIM_TEXT) == IKE_OK
                   ? NULL
                   : "not an identity";
    case SECRET:
        snprintf(((struct sim_conn *)(void *)owner)->secret, SIM_TEXT, "%s", value[0]);
        return NULL;
    default:
        snprintf(owner + k->size, SIM_TEXT, "%s", value[0]);
        return NULL;
    }
}

const char *sim_conf_set(struct sim_conf *c, const char *key, unsigned n, const char *const *value)
{
    static const char *const prefix[] = {[ENGINE] = "engine.", [CONN] = "conn.", [CHILD] = "child."};
    for (size_t i = 0; i < SIM_COUNT(keys); i++) {
        size_t skip = strlen(prefix[keys[i].where]);
        if (strncmp(key, prefix[keys[i].where], skip) != 0 || strcmp(key + skip, keys[i].name) != 0) {
            continue;
        }
        if (keys[i].where == ENGINE) {
            return set_value(&keys[i], (char *)c, (char *)&c->engine, n, value);
        }
        struct sim_conn *conn = c->conns ? &c->conn[c->conns - 1] : NULL;
        if (!conn) {
            return "there is no connection yet";
        }
        if (keys[i].where == CONN) {
            return set_value(&keys[i], (char *)conn, (char *)&conn->set, n, value);
        }
        struct sim_child *child = conn->set.n_children ? &conn->child[conn->set.n_children - 1] : NULL;
        return child ? set_value(&keys[i], (char *)child, (char *)&child->set, n, value) : "there is no child yet";
    }
    return "unknown key";
}

static ike_bytes text(const char *s) { return (ike_bytes){(const uint8_t *)s, strlen(s)}; }

static unsigned own_key(const struct sim_conn *c) { return c->sign[strlen(c->sign) - 1] == 'b'; }

const char *sim_conf_key(const struct sim_conn *c) { return test_keys[KEY_P256][own_key(c)].key; }

/* "a" or "b": whose key is ours, the other's certificate is pinned. "host-a": the host keeps it. "strange-a": our own is pinned.
 */
static void set_keys(struct sim_conn *c, ike_conn_settings *s)
{
    unsigned own = own_key(c);
    s->secret = (ike_bytes){NULL, 0};
    s->local_key = c->sign[0] == 'h' ? s->secret : text(sim_conf_key(c));
    s->local_cert = text(test_keys[KEY_P256][own].cert);
    s->remote_key = text(test_keys[KEY_P256][c->sign[0] == 's' ? own : !own].cert);
}

ike_conn_settings sim_conf_settings(struct sim_conn *c, ike_child_settings *room)
{
    ike_conn_settings s = c->set;
    s.name = c->name;
    s.proposals = c->proposals[0] ? c->proposals : NULL;
    s.secret = (ike_bytes){(const uint8_t *)c->secret, strlen(c->secret)};
    if (c->user[0]) {
        c->users = (ike_user_settings){c->user, {(const uint8_t *)c->password, strlen(c->password)}};
        s.users = &c->users;
        s.n_users = 1;
    }
    if (c->sign[0]) {
        set_keys(c, &s);
    }
    s.children = room;
    for (size_t i = 0; i < s.n_children; i++) {
        struct sim_child *k = &c->child[i];
        room[i] = k->set;
        room[i].name = k->name;
        room[i].proposals = k->proposals[0] ? k->proposals : NULL;
        room[i].ah_proposals = k->ah_proposals[0] ? k->ah_proposals : NULL;
        room[i].local_ts = k->set.n_local_ts ? k->local_ts : NULL;
        room[i].remote_ts = k->set.n_remote_ts ? k->remote_ts : NULL;
    }
    return s;
}
