/* SPDX-License-Identifier: ISC
 *
 * app.h - the application module: what carries the agreed SAs. One back-end is active.
 *
 * The six operations that the paper wants of an application ("Design and Implementation"), and where they are here:
 *
 *   get a fresh SPI            get_spi (put_spi gives it back): the inbound SA is reserved, "larval"
 *   create an SA               add, of the outbound one
 *   update a larval SA         add, of the inbound one: the reserved SPI becomes an SA
 *   group a bundle             the policies that add sets: an SA and its policies share a reqid
 *   remove an SA               remove
 *   leave ISAKMP unencrypted   socket: an option of each IKE socket, as the paper's OpenBSD has it
 *
 * Beyond them: move, query, traps, and the upcalls (acquire, expire, a moved peer).
 *
 * The SADB operations have the meaning of ike_sadb (ike/host.h) and run inside library hooks: they must not call the engine.
 * Back-ends answer at once. What the data plane has to say later (acquire, expire, a moved peer) comes from the loop, where
 * the engine may be called.
 */
#ifndef IKELIBD_APP_H
#define IKELIBD_APP_H

#include "daemon.h"

/* Traffic that shall wake a child up: outbound policy without an SA. */
struct app_trap {
    ike_conn_id conn;
    const char *conn_name, *child_name;
    uint8_t mode;
    ike_addr local, remote; /* outer; local may have family 0 */
    const ike_ts *local_ts, *remote_ts;
    size_t n_local_ts, n_remote_ts;
    uint32_t mark, if_id;
};

struct app_ops {
    const char *name;
    /* ESP is always in UDP: connections must announce a NAT. */
    bool needs_encap;
    /* As of ike_sadb: what is not carried is not proposed. NULL: everything is. */
    bool (*carries)(uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits);
    /* True: some of what the settings of this child ask for cannot be carried, and `why` says what. NULL: everything can. */
    bool (*lacks)(const ike_conn_settings *s, const ike_child_settings *c, char *why, size_t n);
    /* 0, or -errno with the reason in `why`. Leaves nothing behind. */
    int (*probe)(struct ikelibd *d, char *why, size_t n);
    /* Remove what a crashed run of ours left, then be ready. Errors are logged. */
    struct app *(*open)(struct ikelibd *d);
    /* Remove everything that was installed. */
    void (*close)(struct app *a);
    /* A UDP socket before bind; NULL: nothing to do. 0 or -errno, logged. */
    int (*socket)(struct app *a, int fd, uint8_t family, bool encap);
    /* ESP in UDP from port 4500; NULL: the kernel keeps it. */
    void (*esp_input)(struct app *a, const ike_path *path, uint8_t *packet, size_t n);

    int (*get_spi)(struct app *a, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi);
    void (*put_spi)(struct app *a, const ike_path *path, uint8_t protocol, uint32_t spi);
    int (*add)(struct app *a, const ike_ipsec_sa *sa);
    int (*move)(struct app *a, const ike_ipsec_sa *sa, const ike_path *old);
    void (*remove)(struct app *a, const ike_ipsec_sa *sa);
    int (*query)(struct app *a, const ike_ipsec_sa *sa, ike_usage *out);
    void (*address)(struct app *a, const ike_addr *address, bool there);

    /* Set the trap of this child, replacing a former one. 0 or -errno, logged. */
    int (*trap)(struct app *a, const struct app_trap *trap);
    void (*untrap)(struct app *a, ike_conn_id conn, const char *child_name); /* child_name NULL: all of conn */
    /* An attempt for this connection has ended, well or not: its traps may ask again. NULL: they do so anyhow. Not in a hook. */
    void (*settled)(struct app *a, ike_conn_id conn);
    void (*stats)(struct app *a, struct daemon_stats *out); /* NULL: nothing to add */
};

/* What every back-end's own struct begins with. */
struct app {
    const struct app_ops *ops;
    struct ikelibd *d;
};

extern const struct app_ops app_none, app_xfrm, app_pfkey, app_userspace;

/* NULL: there is none of that name, or it is `auto`. */
const struct app_ops *app_find(const char *name);
/* Open the back-end of d->settings.backend into d->app; "auto" takes the first that is possible here. -errno: logged. */
int app_select(struct ikelibd *d);

#endif
