/* SPDX-License-Identifier: ISC
 *
 * none.c - no data plane: handshakes only, for tests and benches.
 */
#include "app/app.h"
#include "sysdep/random.h"

#include <errno.h>
#include <stdlib.h>

static int none_probe(struct ikelibd *d, char *why, size_t n)
{
    (void)d;
    (void)why;
    (void)n;
    return 0;
}

static struct app *none_open(struct ikelibd *d)
{
    struct app *a = calloc(1, sizeof(*a));
    if (a != NULL) {
        *a = (struct app){&app_none, d};
        daemon_log(d, IKE_LOG_WARN, "backend none: tunnels are negotiated but carry no traffic");
    }
    return a;
}

static void none_close(struct app *a) { free(a); }

static int none_get_spi(struct app *a, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    (void)a;
    (void)path;
    (void)protocol;
    (void)reqid;
    return random_spi(spi);
}

static void none_put_spi(struct app *a, const ike_path *path, uint8_t protocol, uint32_t spi)
{
    (void)a;
    (void)path;
    (void)protocol;
    (void)spi;
}

static int none_add(struct app *a, const ike_ipsec_sa *sa)
{
    (void)a;
    (void)sa;
    return IKE_OK;
}

static int none_move(struct app *a, const ike_ipsec_sa *sa, const ike_path *old)
{
    (void)a;
    (void)sa;
    (void)old;
    return IKE_OK;
}

static void none_remove(struct app *a, const ike_ipsec_sa *sa)
{
    (void)a;
    (void)sa;
}

static int none_query(struct app *a, const ike_ipsec_sa *sa, ike_usage *out)
{
    (void)a;
    (void)sa;
    (void)out;
    return IKE_ERR_UNSUPPORTED;
}

static int none_trap(struct app *a, const struct app_trap *trap)
{
    (void)a;
    (void)trap;
    return 0;
}

static void none_untrap(struct app *a, ike_conn_id conn, const char *child_name)
{
    (void)a;
    (void)conn;
    (void)child_name;
}

static void none_address(struct app *a, const ike_addr *address, bool there)
{
    (void)a;
    (void)address;
    (void)there;
}

const struct app_ops app_none = {
    .name = "none",
    .probe = none_probe,
    .open = none_open,
    .close = none_close,
    .get_spi = none_get_spi,
    .put_spi = none_put_spi,
    .add = none_add,
    .move = none_move,
    .remove = none_remove,
    .query = none_query,
    .address = none_address,
    .trap = none_trap,
    .untrap = none_untrap,
};
