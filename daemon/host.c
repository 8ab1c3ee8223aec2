/* SPDX-License-Identifier: ISC
 *
 * host.c - the callbacks the engine is given: they hand on to transport, data plane, log and listeners.
 */
#include "app/app.h"
#include "app/routes.h"
#include "daemon.h"
#include "sysdep/random.h"
#include "transport/udp.h"

#include <ike/trace.h>
#include <string.h>
#include <unistd.h>

static void host_send(void *user, const ike_path *path, ike_send_kind kind, const uint8_t *bytes, size_t n)
{
    struct ikelibd *d = user;
    if (d->net != NULL) {
        (void)transport_send(d->net, path, kind, bytes, n);
    }
}

static int host_route(void *user, ike_path *path)
{
    struct ikelibd *d = user;
    ike_addr listen;
    if (d->settings.listen[0] != 0 && ike_addr_parse(&listen, d->settings.listen) == IKE_OK) {
        listen.port = path->local.port;
        path->local = listen;
        return listen.family == path->remote.family ? IKE_OK : IKE_ERR_HOST;
    }
    return source_address(&path->remote, ROUTES_MARK, &path->local) == 0 ? IKE_OK : IKE_ERR_HOST;
}

static void host_log(void *user, ike_log_class c, ike_log_level level, ike_sa_id sa, const char *text)
{
    struct log_line l = {.cls = c, .level = level, .sa = sa, .text = text};
    daemon_log_line(user, &l);
}

static void host_event(void *user, const ike_event *ev)
{
    struct ikelibd *d = user;
    bool ended = ev->type == IKE_EV_FAILED || ev->type == IKE_EV_CHILD_UP || ev->type == IKE_EV_SA_DOWN;
    if (ended && d->app != NULL && d->app->ops->settled != NULL) {
        d->app->ops->settled(d->app, ev->conn);
    }
    daemon_event(d, ev);
    if (ev->type == IKE_EV_FAILED || (ev->type == IKE_EV_SA_DOWN && ev->cause != IKE_BY_LOCAL)) {
        daemon_conn_failed(d, ev->conn);
    }
}

static void host_keys(void *user, const ike_keylog *k)
{
    struct ikelibd *d = user;
    char line[IKE_KEYLOG_MAX + 1];
    size_t n = ike_keylog_format(k, line, sizeof(line) - 1);
    if (n == 0 || n >= sizeof(line) - 1 || d->keylog_fd < 0) {
        return;
    }
    line[n] = '\n';
    if (write(d->keylog_fd, line, n + 1) != (ssize_t)(n + 1)) {
        daemon_log(d, IKE_LOG_WARN, "cannot write the key log");
    }
    explicit_bzero(line, sizeof(line));
}

/* ---- Data plane ----------------------------------------------------------------------------------------------------------- */

static struct app *app_of(void *user) { return ((struct ikelibd *)user)->app; }

static int host_get_spi(void *user, ike_token token, const ike_path *path, uint8_t protocol, uint32_t reqid, uint32_t *spi)
{
    (void)token;
    return app_of(user)->ops->get_spi(app_of(user), path, protocol, reqid, spi);
}

static void host_put_spi(void *user, const ike_path *path, uint8_t protocol, uint32_t spi)
{
    app_of(user)->ops->put_spi(app_of(user), path, protocol, spi);
}

static int host_add(void *user, ike_token token, const ike_ipsec_sa *sa)
{
    (void)token;
    return app_of(user)->ops->add(app_of(user), sa);
}

static int host_move(void *user, const ike_ipsec_sa *sa, const ike_path *old)
{
    return app_of(user)->ops->move(app_of(user), sa, old);
}

static void host_remove(void *user, const ike_ipsec_sa *sa) { app_of(user)->ops->remove(app_of(user), sa); }

static int host_query(void *user, const ike_ipsec_sa *sa, ike_usage *out)
{
    return app_of(user)->ops->query(app_of(user), sa, out);
}

static void host_address(void *user, ike_conn_id conn, const ike_addr *address, bool there)
{
    (void)conn;
    app_of(user)->ops->address(app_of(user), address, there);
}

static bool host_carries(void *user, uint8_t protocol, uint8_t family, uint8_t type, uint16_t id, uint16_t bits)
{
    const struct app *app = app_of(user);
    return app == NULL || app->ops->carries == NULL || app->ops->carries(protocol, family, type, id, bits);
}

void daemon_host(struct ikelibd *d, ike_host *h)
{
    ike_host_init(h);
    h->user = d;
    h->random = random_fill;
    h->send = host_send;
    h->route = host_route;
    h->event = host_event;
    h->log = host_log;
    h->keys = d->keylog_fd >= 0 ? host_keys : NULL;
    memset(h->log_level, (int)d->settings.log_level, sizeof(h->log_level));
    d->log_level_set = ike_log_level_set;
    h->sadb = (ike_sadb){.get_spi = host_get_spi,
                         .put_spi = host_put_spi,
                         .add = host_add,
                         .move = host_move,
                         .remove = host_remove,
                         .query = host_query,
                         .address = host_address,
                         .carries = host_carries};
}
