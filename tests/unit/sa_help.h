/* SPDX-License-Identifier: ISC
 *
 * An SA database over a counting host, with short ways to make what stands in it.
 */
#ifndef TESTS_UNIT_SA_HELP_H
#define TESTS_UNIT_SA_HELP_H

#include "unit/core_help.h"

#include "sa/sa.h"

struct sa_lab {
    struct lab lab;
    struct ike_core core;
    struct ike_db db;
};

static inline void sa_lab_init(struct sa_lab *l)
{
    lab_core(&l->lab, &l->core);
    ike_db_init(&l->db, &l->core);
}

/* Everything must be retired; what is left then is the tables. */
static inline void sa_lab_end(struct sa_lab *l)
{
    ike_db_reap(&l->db);
    ike_db_reap(&l->db);
    assert_true(ike_list_empty(&l->db.dead_sas) && ike_list_empty(&l->db.dead_children));
    assert_true(ike_list_empty(&l->db.dead_peers) && ike_list_empty(&l->db.dead_conns));
    assert_int_equal(l->core.count.sas + l->core.count.children + l->core.count.conns, 0);
    ike_db_fini(&l->db);
    lab_core_end(&l->lab, &l->core);
}

/* A connection with the children "lan" and "voice". remote NULL: any. */
static inline struct ike_conf *sa_lab_conf(struct sa_lab *l, const char *name, const char *remote, uint8_t bits)
{
    ike_conn_settings s;
    ike_child_settings child[2];
    struct ike_conf *conf = NULL;
    ike_conn_settings_init(&s);
    s.name = name;
    s.secret = IKE_STR("secret");
    if (remote) {
        s.remote = lab_addr(remote);
    }
    s.remote_bits = bits;
    for (size_t i = 0; i < 2; i++) {
        ike_child_settings_init(&child[i]);
        child[i].name = i ? "voice" : "lan";
        child[i].life_bytes = 1000;
        child[i].life_packets = 10;
    }
    s.children = child;
    s.n_children = 2;
    assert_int_equal(ike_conf_new(&l->core, &s, &conf), IKE_OK);
    return conf;
}

static inline struct ike_conn *sa_lab_conn(struct sa_lab *l, const char *name, const char *remote, uint8_t bits)
{
    struct ike_conn *conn = NULL;
    assert_int_equal(ike_conn_new(&l->db, sa_lab_conf(l, name, remote, bits), &conn), IKE_OK);
    return conn;
}

static inline ike_path sa_lab_path(const char *remote)
{
    return (ike_path){.local = lab_addr("198.51.100.1:500"), .remote = lab_addr(remote)};
}

/* An IKE SA of the connection with an SPI of its own. */
static inline struct ike_sa *sa_lab_sa(struct sa_lab *l, struct ike_conn *conn, bool initiator)
{
    ike_path path = sa_lab_path("192.0.2.1:500");
    struct ike_sa *sa = ike_sa_new(&l->db, initiator, &path);
    assert_non_null(sa);
    ike_sa_bind(&l->db, sa, conn);
    assert_int_equal(ike_sa_draw_spi(&l->db, sa), IKE_OK);
    return sa;
}

static inline struct ike_peer *sa_lab_peer(struct sa_lab *l, struct ike_conn *conn, const char *name)
{
    ike_id local = {IKE_ID_FQDN, IKE_STR("us.example")}, remote = {IKE_ID_FQDN, ike_bytes_of(name, strlen(name))};
    struct ike_peer *p = ike_peer_get(&l->db, conn, &local, &remote, ike_bytes_of(NULL, 0));
    assert_non_null(p);
    return p;
}

/* A child of the peer on an IKE SA, AES-GCM with 20 octets of key each way. */
static inline struct ike_child *sa_lab_child(struct sa_lab *l, struct ike_peer *peer, struct ike_sa *sa, uint32_t spi)
{
    ike_ts local = lab_ts("10.1.0.0/16"), remote[2] = {lab_ts("10.2.0.0/16"), lab_ts("10.3.0.0/16")};
    struct ike_child_parts parts = {.local = &local, .remote = remote, .n_local = 1, .n_remote = 2, .key_e = 20};
    struct ike_child *k = ike_child_new(&l->db, peer, peer->conn->conf, 0, &parts);
    assert_non_null(k);
    k->sa = sa->id;
    k->spi_in = spi;
    k->spi_out = spi + 1;
    k->suite = (struct ike_suite){.protocol = IKE_PROTO_ESP, .encr = 20, .encr_bits = 128};
    return k;
}

#endif
