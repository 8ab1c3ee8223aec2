/* SPDX-License-Identifier: ISC
 *
 * What no single value can show: things that must be there, that exclude each other, that do not go together.
 */
#include "conf/build.h"

typedef struct ike_config_entry entry;

/* Where a tag is written for a child: in its section, else in the connection's. NULL: nowhere. Checks need the tag and not
 * the value, since a default that does not fit is ours to adapt. */
static const entry *written(struct ike_conf_builder *b, const struct ike_conf_draft *d, const entry *section, const char *tag)
{
    const entry *e = ike_config_find(b->config, section->t.section, tag);
    return e ? e : ike_config_find(b->config, d->section->t.section, tag);
}

/* There is no triplet to point to, so the section's line stands for it. A tag in a line that could not be read has been reported
 * with that line. */
static void missing(struct ike_conf_builder *b, const entry *section, const char *tag, const char *expected, const char *hint)
{
    b->failed = true;
    if (ike_config_spoilt(b->config, section->t.section, tag)) {
        return;
    }
    ike_triplet at = section->t;
    at.tag = tag;
    ike_conf_report(b->report, &at, expected, (ike_bytes){NULL, 0}, &(struct ike_conf_fault){.hint = hint});
}

/* Reported at the tag whose value does not go with the others. */
static void clash(struct ike_conf_builder *b, const entry *e, const char *expected, const char *hint)
{
    b->failed = true;
    ike_conf_report(b->report, &e->t, expected, ike_bytes_of(e->t.value, strlen(e->t.value)),
                    &(struct ike_conf_fault){.hint = hint});
}

/* The table says what must be there; children have no such tag. */
static void check_required(struct ike_conf_builder *b, const entry *s)
{
    char expected[192];
    for (size_t i = 0; i < ike_conf_n_keys; i++) {
        const struct ike_conf_key *k = &ike_conf_keys[i];
        if (k->required && k->section == IKE_CONF_CONNECTION && !ike_config_find(b->config, s->t.section, k->tag)) {
            ike_conf_expected(k, expected, sizeof expected);
            missing(b, s, k->tag, expected, NULL);
        }
    }
}

/* Signatures are IKEv1's so far, and need a key on both sides. */
static void check_keys(struct ike_conf_builder *b, const entry *s, const entry *key, const entry *secret)
{
    const entry *version = ike_config_find(b->config, s->t.section, "version");
    if (secret) {
        clash(b, secret, "either a secret or local-key", "both are there");
    } else if (!ike_config_find(b->config, s->t.section, "remote-cert")) {
        missing(b, s, "remote-cert", "a file with the peer's certificate or public key", NULL);
    } else if (!version || strcmp(version->t.value, "ikev1") != 0) {
        clash(b, key, "version = ikev1 beside it", "IKEv2 is spoken with a secret only");
    }
}

/* A certificate without a key proves nothing. */
static void check_certs(struct ike_conf_builder *b, const entry *s)
{
    static const char *const tags[] = {"local-cert", "remote-cert"};
    for (size_t i = 0; i < IKE_COUNT(tags); i++) {
        const entry *e = ike_config_find(b->config, s->t.section, tags[i]);
        if (e && !ike_config_find(b->config, s->t.section, "local-key")) {
            clash(b, e, "local-key beside it", NULL);
        }
    }
}

/* Neither would leave the peer unable to authenticate; with both it would depend on the order of reading which holds. */
static void check_secret(struct ike_conf_builder *b, const entry *s, const char *what)
{
    const entry *plain = ike_config_find(b->config, s->t.section, "secret");
    const entry *file = ike_config_find(b->config, s->t.section, "secret-file");
    const entry *key = ike_config_find(b->config, s->t.section, "local-key");
    if (plain && file) {
        clash(b, file, "either secret or secret-file", "both are there");
    } else if (key) {
        check_keys(b, s, key, plain ? plain : file);
    } else if (!plain && !file && !ike_config_spoilt(b->config, s->t.section, "secret-file")) {
        missing(b, s, "secret", what, "write secret = TEXT or secret-file = PATH");
    }
}

/* A margin that was not written shrinks to a tenth of the lifetime; one that was written must fit. So that a short lifetime
 * alone is a valid setting. */
static uint64_t margin(struct ike_conf_builder *b, const entry *written_margin, uint64_t life, uint64_t value)
{
    if (written_margin == NULL) {
        return life && value > life / 10 ? life / 10 : value;
    }
    if (life && value >= life) {
        clash(b, written_margin, "a time shorter than the lifetime", NULL);
    }
    return value;
}

void ike_conf_check_user(struct ike_conf_builder *b, const entry *section) { check_secret(b, section, "a password"); }

static void find_user(struct ike_conf_builder *b, struct ike_conf_draft *d, const entry *user)
{
    ike_conn_settings *c = &d->conn.settings;
    for (size_t i = 0; b->user_settings && i < b->n_users; i++) {
        if (strcmp(b->user_settings[i].name, user->t.value) == 0) {
            c->users = &b->user_settings[i];
            c->n_users = 1;
            return;
        }
    }
    if (!b->no_memory) {
        clash(b, user, "the name of a [user] section", NULL);
    }
}

/* Whoever may come by without the password needs none, so the version has to be one that asks for it. */
static void check_xauth(struct ike_conf_builder *b, struct ike_conf_draft *d)
{
    ike_conn_settings *c = &d->conn.settings;
    const char *section = d->section->t.section;
    const entry *xauth = ike_config_find(b->config, section, "xauth"), *user = ike_config_find(b->config, section, "xauth-user");
    if (xauth && c->xauth && c->version != IKE_SPEAKS_V1) {
        clash(b, xauth, "no", "XAUTH is a part of IKEv1: set version = ikev1");
    }
    if (user && c->xauth != IKE_XAUTH_CLIENT) {
        clash(b, user, "xauth = client beside it", NULL);
    } else if (user) {
        find_user(b, d, user);
    } else if (c->xauth == IKE_XAUTH_CLIENT) {
        missing(b, d->section, "xauth-user", "the name of a [user] section", NULL);
    }
    if (xauth && c->xauth == IKE_XAUTH_SERVER) {
        c->users = b->user_settings;
        c->n_users = b->n_users;
    }
    if (xauth && c->xauth == IKE_XAUTH_SERVER && b->n_users == 0 && !b->no_memory) {
        clash(b, xauth, "a [user NAME] section for each who may connect", NULL);
    }
}

/* With a version that gives no addresses a peer could use any. */
static void check_inner(struct ike_conf_builder *b, struct ike_conf_draft *d)
{
    static const char *const tags[] = {"pool", "inner-address"};
    const ike_conn_settings *c = &d->conn.settings;
    const char *section = d->section->t.section;
    const entry *e = NULL;
    for (size_t i = 0; i < IKE_COUNT(tags); i++) {
        bool set = i ? c->inner_family != 0 : c->pool.family != 0;
        e = ike_config_find(b->config, section, tags[i]);
        if (e && set && c->version != IKE_SPEAKS_V1) {
            clash(b, e, "version = ikev1 beside it", "Mode-Config is a part of IKEv1");
            return;
        }
    }
    if (e && c->pool.family && c->inner_family) {
        clash(b, e, "no", "a side gives addresses (pool) or asks for one");
    }
    if ((c->n_dns || c->n_nbns) && !c->pool.family) {
        e = ike_config_find(b->config, section, c->n_dns ? "dns" : "nbns");
        clash(b, e, "a pool beside it", NULL);
    }
}

/* What IKEv2 does not have would be written for nothing. */
static void check_old(struct ike_conf_builder *b, const struct ike_conf_draft *d)
{
    const ike_conn_settings *c = &d->conn.settings;
    const entry *aggressive = ike_config_find(b->config, d->section->t.section, "aggressive");
    if (aggressive && c->aggressive && c->version == IKE_SPEAKS_V2) {
        clash(b, aggressive, "no", "Aggressive Mode is a part of IKEv1: set version = ikev1");
    }
    const entry *group = ike_config_find(b->config, d->section->t.section, "new-group");
    if (group && c->new_group && c->version == IKE_SPEAKS_V2) {
        clash(b, group, "no", "New Group Mode is a part of IKEv1: set version = ikev1");
    }
}

/* max 0: no range. One that leaves out what this side offers itself is refused by a peer of the same settings. */
static void check_range(struct ike_conf_builder *b, const struct ike_conf_draft *d, const entry *life, const uint64_t range[3])
{
    const uint64_t own = range[0], min = range[1], max = range[2];
    if (!life || max == 0) {
        return;
    }
    if (d->conn.settings.version == IKE_SPEAKS_V2) {
        clash(b, life, "one value", "only IKEv1 agrees on lifetimes: set version = ikev1");
    } else if (own < min || own > max) {
        clash(b, life, "a range that holds the value before it", "what is offered has to be within what is taken from a peer");
    }
}

/* Quick Mode has one mode, which the peer takes or refuses. */
static void check_fallback(struct ike_conf_builder *b, const struct ike_conf_draft *d, const entry *fallback, bool wanted)
{
    if (fallback && wanted && d->conn.settings.version == IKE_SPEAKS_V1) {
        clash(b, fallback, "no", "IKEv1 has no way to agree on the mode");
    }
}

/* Each where it is written, as what stands in the connection goes for all its children. Of the default IKEv1 offers what it
 * can. A build without it takes no such connection. */
#if IKE_WITH_V1
static void check_numbers(struct ike_conf_builder *b, const struct ike_conf_draft *d, const entry *section)
{
    static const struct {
        const char *tag;
        uint8_t protocol;
    } tags[] = {{"proposals", IKE_PROTO_IKE}, {"esp-proposals", IKE_PROTO_ESP}, {"ah-proposals", IKE_PROTO_AH}};
    for (size_t i = 0; d->conn.settings.version == IKE_SPEAKS_V1 && i < IKE_COUNT(tags); i++) {
        const entry *e = ike_config_find(b->config, section->t.section, tags[i].tag);
        size_t at;
        if (e && ike_proposals_check_v1(e->t.value, tags[i].protocol, &at) != IKE_OK) {
            const char *word = e->t.value + at;
            b->failed = true;
            ike_conf_report(b->report, &e->t, "algorithms that IKEv1 has numbers for",
                            ike_bytes_of(word, strcspn(word, "-, \t")),
                            &(struct ike_conf_fault){.hint = "leave it out, or use it with version = ikev2"});
        }
    }
}
#else
static void check_numbers(struct ike_conf_builder *b, const struct ike_conf_draft *d, const entry *section)
{
    (void)b, (void)d, (void)section;
}
#endif

void ike_conf_check_conn(struct ike_conf_builder *b, struct ike_conf_draft *d)
{
    ike_conn_settings *c = &d->conn.settings;
    const char *section = d->section->t.section;
    check_required(b, d->section);
    check_secret(b, d->section, "a pre-shared key");
    check_certs(b, d->section);
    check_xauth(b, d);
    check_inner(b, d);
    check_old(b, d);
    check_numbers(b, d, d->section);
    check_range(b, d, ike_config_find(b->config, section, "lifetime"),
                (const uint64_t[]){c->life_s, c->life_min_s, c->life_max_s});
    c->margin_s = (uint32_t)margin(b, ike_config_find(b->config, section, "margin"), c->life_s, c->margin_s);
    /* One path has one family; a remote that is a name is not known yet. */
    const entry *local = ike_config_find(b->config, section, "local");
    if (local && c->local.family && c->remote.family && c->local.family != c->remote.family) {
        clash(b, local, c->remote.family == 4 ? "an IPv4 address, as remote is one" : "an IPv6 address, as remote is one",
              NULL);
    }
}

/* Whether any selector of the list has it. */
static bool has_family(const ike_ts *ts, size_t n, uint8_t family)
{
    for (size_t i = 0; i < n; i++) {
        if (ts[i].family == family) {
            return true;
        }
    }
    return false;
}

/* Selectors of both sides must have an address family in common, or no packet can match. Without selectors a side has the
 * family of the IKE addresses, which may not be known yet. */
static void check_families(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    const ike_child_settings *s = &k->settings;
    /* 0 when neither is an address: then both families are possible. */
    uint8_t outer = d->conn.settings.remote.family ? d->conn.settings.remote.family : d->conn.settings.local.family;
    bool l4 = s->n_local_ts ? has_family(s->local_ts, s->n_local_ts, 4) : outer != 6;
    bool l6 = s->n_local_ts ? has_family(s->local_ts, s->n_local_ts, 6) : outer != 4;
    bool r4 = s->n_remote_ts ? has_family(s->remote_ts, s->n_remote_ts, 4) : outer != 6;
    bool r6 = s->n_remote_ts ? has_family(s->remote_ts, s->n_remote_ts, 6) : outer != 4;
    if ((l4 && r4) || (l6 && r6)) {
        return;
    }
    const entry *e = ike_config_find(b->config, k->section->t.section, s->n_remote_ts ? "remote-net" : "local-net");
    /* A tag that is not there cannot clash: the IKE address decided then. */
    if (e) {
        clash(b, e,
              l4 || r6 ? (s->n_remote_ts ? "an IPv4 network, as on our side" : "an IPv6 network, as on the peer's side")
                       : (s->n_remote_ts ? "an IPv6 network, as on our side" : "an IPv4 network, as on the peer's side"),
              NULL);
    }
}

/* A peer may use the address that it is given, and that only where remote-net has it. */
static void check_pool(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    const ike_ts *pool = &d->conn.settings.pool, *ts = k->settings.remote_ts;
    const entry *e = written(b, d, k->section, "remote-net");
    bool meet = !pool->family || k->settings.n_remote_ts == 0;
    for (size_t i = 0; i < k->settings.n_remote_ts; i++) {
        meet |= ts[i].family == pool->family && memcmp(ts[i].lo, pool->hi, sizeof pool->hi) <= 0 &&
                memcmp(ts[i].hi, pool->lo, sizeof pool->lo) >= 0;
    }
    if (e && !meet) {
        clash(b, e, "a network with addresses of pool, or nothing", "a peer has the address that it is given and no other");
    }
}

/* `any` and networks are no one to call: a connection that starts by itself would fail at every attempt. */
static void check_start(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    const ike_config_conn *c = &d->conn;
    unsigned full = c->settings.remote.family == 4 ? 32 : 128;
    /* Whom to call must be one peer: a name, or an address without a network around it. */
    bool one =
        c->remote_name || (c->settings.remote.family && (c->settings.remote_bits == 0 || c->settings.remote_bits == full));
    const entry *e = written(b, d, k->section, "start");
    /* A remote that is not there or wrong has been reported already. */
    const entry *remote = ike_config_find(b->config, d->section->t.section, "remote");
    /* Only a remote that says `any` or a network is a reason to complain here. */
    bool known = remote && (one || c->settings.remote.family || strstr(remote->t.value, "any"));
    if (k->settings.start != IKE_START_NO && !one && known && e) {
        clash(b, e, "no", "remote names no single peer, so this side can only wait");
    }
}

/* RFC 7296 section 1.3 makes one protocol at a time; and what begins here with `any` is IKEv2. */
static void check_bundle(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    const entry *ah = written(b, d, k->section, "ah-proposals");
    if (ah && k->settings.proposals && k->settings.ah_proposals && d->conn.settings.version != IKE_SPEAKS_V1) {
        clash(b, ah, "esp-proposals or ah-proposals, not both", "IKEv2 has no way to agree on both: set version = ikev1");
    }
}

/* Its identities of phase 2 have one port (RFC 2407 section 4.6.2), 0 for any. */
static void check_ports(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    const struct {
        const char *tag;
        const ike_ts *ts;
        size_t n;
    } sides[] = {{"local-net", k->settings.local_ts, k->settings.n_local_ts},
                 {"remote-net", k->settings.remote_ts, k->settings.n_remote_ts}};
    for (size_t side = 0; side < IKE_COUNT(sides); side++) {
        bool good = true;
        for (size_t i = 0; i < sides[side].n; i++) {
            const ike_ts *ts = &sides[side].ts[i];
            good &= (ts->port_lo == 0 && ts->port_hi == 65535) || (ts->port_lo == ts->port_hi && ts->port_lo && ts->proto);
        }
        const entry *e = good ? NULL : written(b, d, k->section, sides[side].tag);
        if (e && d->conn.settings.version == IKE_SPEAKS_V1) {
            clash(b, e, "one port, not 0, of a protocol, or all ports", "IKEv1 has no ranges of ports");
        }
    }
}

/* A NAT that is only pretended keeps AH away like a real one. */
static void check_encap(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    const entry *ah = written(b, d, k->section, "ah-proposals");
    if (ah && d->conn.settings.encap) {
        clash(b, ah, "esp-proposals alone, as encap is yes", "AH cannot go in UDP");
    }
}

/* Names are how children are found again at a reload, and on the command line. */
static void check_name(struct ike_conf_builder *b, const struct ike_conf_draft *d, const struct ike_conf_child *k)
{
    for (const struct ike_conf_child *o = d->children; o != k; o = o->next) {
        if (strcmp(o->settings.name, k->settings.name) == 0) {
            ike_triplet at = k->section == d->section ? o->section->t : k->section->t; /* a [child] section, if one is */
            const char *hint = o->section == d->section || k->section == d->section
                                   ? "local-net or remote-net in the connection make one of the connection's name"
                                   : NULL;
            b->failed = true;
            ike_conf_report(b->report, &at, "children with different names",
                            ike_bytes_of(k->settings.name, strlen(k->settings.name)), &(struct ike_conf_fault){.hint = hint});
            return;
        }
    }
}

/* Runs once every section has been read, since names and inherited tags may stand anywhere. */
void ike_conf_check_child(struct ike_conf_builder *b, struct ike_conf_draft *d, struct ike_conf_child *k)
{
    ike_child_settings *s = &k->settings;
    s->margin_s = margin(b, written(b, d, k->section, "esp-margin"), s->life_s, s->margin_s);
    /* Data planes keep the window in words. */
    if (s->replay_window % 64 != 0) {
        const entry *e = written(b, d, k->section, "replay-window");
        if (e) {
            clash(b, e, "0 or a multiple of 64", NULL);
        }
    }
    check_range(b, d, written(b, d, k->section, "esp-lifetime"), (const uint64_t[]){s->life_s, s->life_min_s, s->life_max_s});
    check_range(b, d, written(b, d, k->section, "esp-lifetime-bytes"),
                (const uint64_t[]){s->life_bytes, s->life_min_bytes, s->life_max_bytes});
    check_fallback(b, d, written(b, d, k->section, "mode-fallback"), s->mode_fallback);
    check_families(b, d, k);
    check_pool(b, d, k);
    check_start(b, d, k);
    check_bundle(b, d, k);
    check_encap(b, d, k);
    if (k->section != d->section) {
        check_numbers(b, d, k->section);
    }
    check_ports(b, d, k);
    check_name(b, d, k);
}

/* Two sockets cannot have one port. What the caller brought from elsewhere is not ours to report. */
void ike_conf_check_daemon(struct ike_conf_builder *b, const ike_config_daemon *d)
{
    const entry *e = ike_config_find(b->config, "daemon", "encap-port");
    e = e ? e : ike_config_find(b->config, "daemon", "port");
    if (e && d->port == d->encap_port) {
        clash(b, e, "two ports", "port and encap-port have to differ");
    }
}
